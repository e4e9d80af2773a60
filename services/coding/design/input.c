/* input.c - from tables to the solver's inputs; every fault names file, row and column. */
#include "input.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "credibility.h"
#include "table.h"

static err_t
out_of_memory(struct err *err)
{
    return err_set(err, ERR_LIMITED, DESIGN_MEMORY, "the tables are too large");
}

/* ---- settings ----------------------------------------------------------------------------------
 */

enum setting_kind { TEXT, MONEY, SHARE, NUMBER, YES_NO, ORDER, CREDIBILITY };

static const struct setting {
    const char *name;
    enum setting_kind kind;
    size_t offset;
    const char *fallback;
} known[] = {
#define SETTING(name, kind, member, fallback, says)                                                \
    { #name, kind, offsetof(struct settings, member), fallback },
#include "settings.def"
#undef SETTING
};

/* "0.08" or "8%" to parts per million, exactly. */
static bool
share_parse(const char *text, rate_t *out)
{
    char digits[32];
    const size_t length = strlen(text);
    const bool percent = length && text[length - 1] == '%';
    double value;

    if (length >= sizeof digits)
        return false;
    memcpy(digits, text, length + 1);
    if (percent)
        digits[length - 1] = '\0';
    if (!number_parse(digits, &value) || value < 0 || value > (percent ? 100 : 1))
        return false;
    out->ppm = (int32_t) lrint(value * (percent ? 1e4 : 1e6));
    return true;
}

static bool
word_parse(const char *text, const char *const *words, size_t count, size_t *out)
{
    for (*out = 0; *out < count; (*out)++)
        if (strcmp(text, words[*out]) == 0)
            return true;
    return false;
}

static bool
setting_parse(const struct setting *s, const char *text, struct settings *into)
{
    static const char *const yes_no[] = { "no", "yes" }, *const orders[] = { "weight", "cost" },
                             *const kinds[] = { "none", "own", "blended", "prior" };
    void *at = (char *) into + s->offset;
    size_t word;

    switch (s->kind) {
    case TEXT:
        *(const char **) at = text;
        return true;
    case MONEY:
        return money_parse(text, at) && ((money_t *) at)->fen >= 0;
    case SHARE:
        return share_parse(text, at);
    case NUMBER:
        return number_parse(text, at) && *(double *) at >= 0;
    case YES_NO:
        if (!word_parse(text, yes_no, COUNT(yes_no), &word))
            return false;
        *(bool *) at = word == 1;
        return true;
    case ORDER:
        if (!word_parse(text, orders, COUNT(orders), &word))
            return false;
        *(enum design_order *) at = word ? DESIGN_BY_COST : DESIGN_BY_WEIGHT;
        return true;
    case CREDIBILITY:
        if (!word_parse(text, kinds, COUNT(kinds), &word))
            return false;
        *(enum credibility_kind *) at = (enum credibility_kind) word;
        return true;
    }
    return false;
}

static const struct column setting_columns[] = { { "setting", true }, { "value", false } };

static err_t
read_settings(struct arena *arena, const struct source *source, struct settings *out,
              struct err *err)
{
    struct table t;
    bool seen[COUNT(known)] = { false };

    TRY(table_read(arena, source,
                   &(struct schema){ "settings.tsv", setting_columns, COUNT(setting_columns), 0 },
                   &t, err));
    for (size_t r = 0; r < t.row_count; r++) {
        size_t k = 0;
        while (k < COUNT(known) && strcmp(known[k].name, table_cell(&t, r, 0)) != 0)
            k++;
        if (k == COUNT(known))
            return table_fault(&t, r, 0, err, DESIGN_SETTING, "unknown setting \"%.40s\"",
                               table_cell(&t, r, 0));
        if (seen[k])
            return table_fault(&t, r, 0, err, DESIGN_DOUBLE, "%s is given twice", known[k].name);
        seen[k] = true;
        if (!setting_parse(&known[k], table_cell(&t, r, 1), out))
            return table_fault(&t, r, 1, err, DESIGN_SETTING, "\"%.40s\" does not suit %s",
                               table_cell(&t, r, 1), known[k].name);
        if (strcmp(known[k].name, "alpha") == 0 &&
            !(out->goals.alpha > 0 && out->goals.alpha <= .5))
            return table_fault(&t, r, 1, err, DESIGN_ALPHA,
                               "an overspend probability of %.40s is absurd: above 0, at most 0.5",
                               table_cell(&t, r, 1));
    }
    for (size_t k = 0; k < COUNT(known); k++) {
        if (seen[k])
            continue;
        if (!known[k].fallback)
            return err_at(err, ERR_INVALID, "settings.tsv", DESIGN_SETTING, "%s is missing",
                          known[k].name);
        if (!setting_parse(&known[k], known[k].fallback, out))
            return err_set(err, ERR_INTERNAL, DESIGN_SETTING, "bad default of %s", known[k].name);
    }
    return ERR_OK;
}

/* ---- groups and people -------------------------------------------------------------------------
 */

struct entry {
    const char *code;
    size_t index;
};

struct reader {
    struct arena *arena;
    const struct source *source;
    struct input *in;
    struct entry *codes; /* [group] sorted */
    const size_t *people_lines;
};

static int
by_code(const void *a, const void *b)
{
    return strcmp(((const struct entry *) a)->code, ((const struct entry *) b)->code);
}

static bool
find_group(const struct reader *r, const char *code, size_t *index)
{
    const struct entry key = { code, 0 };
    const struct entry *found =
        bsearch(&key, r->codes, r->in->design.group_count, sizeof key, by_code);

    if (found)
        *index = found->index;
    return found;
}

static err_t
cell_group(const struct reader *r, const struct table *t, size_t row, size_t column, size_t *index,
           struct err *err)
{
    if (find_group(r, table_cell(t, row, column), index))
        return ERR_OK;
    return table_fault(t, row, column, err, DESIGN_UNKNOWN_GROUP, "%.40s is not in groups.tsv",
                       table_cell(t, row, column));
}

enum { G_DRG, G_NAME, G_WEIGHT, G_HEAVY, G_PARENT };
static const struct column group_columns[] = {
    { "drg", true }, { "name", true }, { "weight", false }, { "heavy", false }, { "parent", false },
};

static err_t
read_groups(struct reader *r, struct err *err)
{
    struct table t;
    const bool by_weight = r->in->settings.goals.order == DESIGN_BY_WEIGHT;

    TRY(table_read(r->arena, r->source,
                   &(struct schema){ "groups.tsv", group_columns, COUNT(group_columns), 0 }, &t,
                   err));
    if (t.row_count > DESIGN_GROUPS_MAX)
        return table_fault(&t, DESIGN_GROUPS_MAX, G_DRG, err, DESIGN_TOO_LARGE,
                           "more than %d groups", DESIGN_GROUPS_MAX);
    struct design_group *groups = arena_alloc(r->arena, t.row_count * sizeof *groups);
    r->codes = arena_alloc(r->arena, t.row_count * sizeof *r->codes);
    if (!groups || !r->codes)
        return out_of_memory(err);
    for (size_t i = 0; i < t.row_count; i++) {
        struct design_group *g = &groups[i];
        *g = (struct design_group){ table_cell(&t, i, G_DRG), table_cell(&t, i, G_NAME),
                                    table_cell(&t, i, G_PARENT), 0, 1 };
        if (by_weight || table_cell(&t, i, G_WEIGHT)[0])
            TRY(table_number(&t, i, G_WEIGHT, (struct range){ 0, 1000 }, &g->weight, err));
        if (by_weight && g->weight <= 0)
            return table_fault(&t, i, G_WEIGHT, err, DESIGN_NUMBER,
                               "ordering by weight needs a weight above 0");
        if (table_cell(&t, i, G_HEAVY)[0])
            TRY(table_number(&t, i, G_HEAVY, (struct range){ 1e-6, 100 }, &g->heavy, err));
        r->codes[i] = (struct entry){ g->code, i };
    }
    qsort(r->codes, t.row_count, sizeof *r->codes, by_code);
    for (size_t i = 1; i < t.row_count; i++)
        if (strcmp(r->codes[i - 1].code, r->codes[i].code) == 0) {
            const size_t a = r->codes[i - 1].index, b = r->codes[i].index;
            return table_fault(&t, a > b ? a : b, G_DRG, err, DESIGN_DOUBLE, "%.40s is given twice",
                               r->codes[i].code);
        }
    r->in->design.groups = groups;
    r->in->design.group_count = t.row_count;
    return ERR_OK;
}

static const struct column class_columns[] = { { "insurance", true }, { "threshold", true } };

static bool
find_class(const struct design_input *in, const char *name, size_t *index)
{
    for (*index = 0; *index < in->class_count; (*index)++)
        if (strcmp(in->classes[*index].name, name) == 0)
            return true;
    return false;
}

static err_t
read_classes(struct reader *r, struct err *err)
{
    struct design_input *in = &r->in->design;
    struct table t;
    size_t found;

    TRY(table_read(r->arena, r->source,
                   &(struct schema){ "insurance.tsv", class_columns, COUNT(class_columns), 0 }, &t,
                   err));
    if (t.row_count > DESIGN_CLASSES_MAX)
        return table_fault(&t, DESIGN_CLASSES_MAX, 0, err, DESIGN_TOO_LARGE,
                           "more than %d kinds of insurance", DESIGN_CLASSES_MAX);
    struct design_class *classes = arena_alloc(r->arena, t.row_count * sizeof *classes);
    if (!classes)
        return out_of_memory(err);
    in->classes = classes;
    for (size_t i = 0; i < t.row_count; i++) {
        classes[i].name = table_cell(&t, i, 0);
        if (find_class(in, classes[i].name, &found))
            return table_fault(&t, i, 0, err, DESIGN_DOUBLE, "%.40s is given twice",
                               classes[i].name);
        TRY(table_money(&t, i, 1, &classes[i].threshold, err));
        in->class_count++;
    }
    return ERR_OK;
}

enum { P_AGE, P_SEX, P_INSURANCE, P_PERSONS };
static const struct column people_columns[] = {
    { "age", true },
    { "sex", true },
    { "insurance", true },
    { "persons", true },
};

static err_t
read_people(struct reader *r, struct err *err)
{
    struct design_input *in = &r->in->design;
    struct table t;

    TRY(table_read(r->arena, r->source,
                   &(struct schema){ "people.tsv", people_columns, COUNT(people_columns), 0 }, &t,
                   err));
    if (t.row_count > DESIGN_STRATA_MAX)
        return table_fault(&t, DESIGN_STRATA_MAX, P_AGE, err, DESIGN_TOO_LARGE,
                           "more than %d kinds of people", DESIGN_STRATA_MAX);
    struct design_stratum *strata = arena_alloc(r->arena, t.row_count * sizeof *strata);
    if (!strata)
        return out_of_memory(err);
    for (size_t i = 0; i < t.row_count; i++) {
        struct design_stratum *s = &strata[i];
        *s = (struct design_stratum){ .age = table_cell(&t, i, P_AGE),
                                      .sex = table_cell(&t, i, P_SEX) };
        if (!find_class(in, table_cell(&t, i, P_INSURANCE), &s->class))
            return table_fault(&t, i, P_INSURANCE, err, DESIGN_UNKNOWN_STRATUM,
                               "%.40s is not in insurance.tsv", table_cell(&t, i, P_INSURANCE));
        TRY(table_number(&t, i, P_PERSONS, (struct range){ 0, 1e8 }, &s->persons, err));
        if (s->persons != floor(s->persons))
            return table_fault(&t, i, P_PERSONS, err, DESIGN_NUMBER, "persons must be whole");
        for (size_t j = 0; j < i; j++)
            if (strata[j].class == s->class && strcmp(strata[j].age, s->age) == 0 &&
                strcmp(strata[j].sex, s->sex) == 0)
                return table_fault(&t, i, P_AGE, err, DESIGN_DOUBLE,
                                   "the same people as in row %zu", t.lines[j]);
    }
    r->people_lines = t.lines;
    in->strata = strata;
    in->stratum_count = t.row_count;
    return ERR_OK;
}

/* ---- incidence ---------------------------------------------------------------------------------
 */

enum { I_AGE, I_SEX, I_DRG, I_RATE };
static const struct column incidence_columns[] = {
    { "age", true },
    { "sex", true },
    { "drg", true },
    { "rate", true },
};

/* A row for all ages or both sexes ("*") yields to a more precise one. */
static err_t
apply_rate(const struct reader *r, const struct table *t, size_t row, unsigned char *rank,
           struct err *err)
{
    const struct design_input *in = &r->in->design;
    const char *age = table_cell(t, row, I_AGE), *sex = table_cell(t, row, I_SEX);
    const bool any_age = strcmp(age, "*") == 0, any_sex = strcmp(sex, "*") == 0;
    const unsigned char precise = (unsigned char) (1 + !any_age + !any_sex);
    size_t group = 0, fits = 0;
    double rate;

    TRY(cell_group(r, t, row, I_DRG, &group, err));
    TRY(table_number(t, row, I_RATE, (struct range){ 0, 10 }, &rate, err));
    for (size_t s = 0; s < in->stratum_count; s++) {
        if ((!any_age && strcmp(in->strata[s].age, age) != 0) ||
            (!any_sex && strcmp(in->strata[s].sex, sex) != 0))
            continue;
        fits++;
        const size_t at = s * in->group_count + group;
        if (rank[at] == precise)
            return table_fault(t, row, I_DRG, err, DESIGN_DOUBLE,
                               "%s has two incidences for age %.20s, sex %.20s",
                               in->groups[group].code, in->strata[s].age, in->strata[s].sex);
        if (rank[at] > precise)
            continue;
        rank[at] = precise;
        ((double *) in->rates)[at] = rate;
    }
    if (!fits)
        return table_fault(t, row, I_AGE, err, DESIGN_UNKNOWN_STRATUM,
                           "people.tsv has nobody of age %.20s, sex %.20s", age, sex);
    return ERR_OK;
}

static err_t
read_incidence(struct reader *r, struct err *err)
{
    struct design_input *in = &r->in->design;
    const size_t cells = in->stratum_count * in->group_count;
    struct table t;

    TRY(table_read(
        r->arena, r->source,
        &(struct schema){ "incidence.tsv", incidence_columns, COUNT(incidence_columns), 0 }, &t,
        err));
    unsigned char *rank = arena_alloc(r->arena, cells);
    in->rates = arena_alloc(r->arena, cells * sizeof *in->rates);
    if (!rank || !in->rates)
        return out_of_memory(err);
    for (size_t row = 0; row < t.row_count; row++)
        TRY(apply_rate(r, &t, row, rank, err));
    for (size_t i = 0; i < cells; i++)
        if (!rank[i]) {
            const struct design_stratum *s = &in->strata[i / in->group_count];
            return err_at(err, ERR_INVALID, "incidence.tsv", DESIGN_MISSING_INCIDENCE,
                          "no rate of %s for age %.20s, sex %.20s (people.tsv row %zu)",
                          in->groups[i % in->group_count].code, s->age, s->sex,
                          r->people_lines[i / in->group_count]);
        }
    return ERR_OK;
}

/* ---- own payments ------------------------------------------------------------------------------
 */

enum { C_DRG, C_INSURANCE, C_KIND, C_A, C_B };
static const struct column cost_columns[] = {
    { "drg", true }, { "insurance", true }, { "kind", true }, { "a", false }, { "b", false },
};
enum { S_DRG, S_INSURANCE, S_OWN, S_COUNT };
static const struct column stay_columns[] = {
    { "drg", true },
    { "insurance", true },
    { "own_payment", true },
    { "count", false },
};

static bool
fits(const char *pattern, const char *name)
{
    return strcmp(pattern, "*") == 0 || strcmp(pattern, name) == 0;
}

/* All stays of this group and insurance pattern in stays.tsv. */
static err_t
empirical(struct reader *r, const struct table *costs, size_t row, const struct table *stays,
          struct dist *out, struct err *err)
{
    const char *drg = table_cell(costs, row, C_DRG), *class = table_cell(costs, row, C_INSURANCE);
    size_t count = 0;

    for (size_t i = 0; i < stays->row_count; i++)
        count += strcmp(table_cell(stays, i, S_DRG), drg) == 0 &&
                 fits(class, table_cell(stays, i, S_INSURANCE));
    if (!count)
        return table_fault(costs, row, C_KIND, err, DESIGN_MISSING_COST,
                           "stays.tsv has no stay of %.40s, %.40s", drg, class);
    double *value = arena_alloc(r->arena, count * sizeof *value);
    double *weight = arena_alloc(r->arena, count * sizeof *weight);
    if (!value || !weight)
        return out_of_memory(err);
    count = 0;
    for (size_t i = 0; i < stays->row_count; i++) {
        if (strcmp(table_cell(stays, i, S_DRG), drg) != 0 ||
            !fits(class, table_cell(stays, i, S_INSURANCE)))
            continue;
        TRY(table_number(stays, i, S_OWN, (struct range){ 0.01, 1e8 }, &value[count], err));
        weight[count] = 1;
        if (table_cell(stays, i, S_COUNT)[0])
            TRY(table_number(stays, i, S_COUNT, (struct range){ 1e-6, 1e9 }, &weight[count], err));
        count++;
    }
    return dist_empirical(r->arena, value, weight, count, out) ? ERR_OK : out_of_memory(err);
}

static err_t
parse_cost(struct reader *r, const struct table *t, size_t row, const struct table *stays,
           struct dist *out, struct err *err)
{
    static const char *const kinds[] = { "lognormal", "lognormal-mean", "gamma", "fixed",
                                         "empirical" };
    size_t kind;
    double a, b;

    if (!word_parse(table_cell(t, row, C_KIND), kinds, COUNT(kinds), &kind))
        return table_fault(t, row, C_KIND, err, DESIGN_NUMBER,
                           "kind is lognormal, lognormal-mean, gamma, fixed or empirical");
    if (kind == 4)
        return empirical(r, t, row, stays, out, err);
    TRY(table_number(t, row, C_A, (struct range){ 1e-9, 1e8 }, &a, err));
    if (kind == 3)
        return dist_empirical(r->arena, &a, NULL, 1, out) ? ERR_OK : out_of_memory(err);
    TRY(table_number(t, row, C_B, (struct range){ 1e-9, kind == 0 ? 5 : 1e8 }, &b, err));
    if (kind == 1 && b <= a)
        return table_fault(t, row, C_B, err, DESIGN_NUMBER,
                           "the mean of a lognormal lies above its median");
    *out = kind == 0   ? dist_lognormal(a, b)
           : kind == 1 ? dist_lognormal_mean(a, b)
                       : dist_gamma(a, b);
    return ERR_OK;
}

static err_t
check_stays(const struct reader *r, const struct table *stays, struct err *err)
{
    size_t ignored;

    for (size_t i = 0; i < stays->row_count; i++) {
        TRY(cell_group(r, stays, i, S_DRG, &ignored, err));
        if (!find_class(&r->in->design, table_cell(stays, i, S_INSURANCE), &ignored))
            return table_fault(stays, i, S_INSURANCE, err, DESIGN_UNKNOWN_STRATUM,
                               "%.40s is not in insurance.tsv", table_cell(stays, i, S_INSURANCE));
    }
    return ERR_OK;
}

static err_t
read_costs(struct reader *r, struct err *err)
{
    struct design_input *in = &r->in->design;
    const size_t cells = in->class_count * in->group_count;
    struct table t, stays;
    size_t group = 0, class = 0;

    TRY(table_read(r->arena, r->source,
                   &(struct schema){ "costs.tsv", cost_columns, COUNT(cost_columns), 0 }, &t, err));
    TRY(table_read(
        r->arena, r->source,
        &(struct schema){ "stays.tsv", stay_columns, COUNT(stay_columns), TABLE_OPTIONAL }, &stays,
        err));
    TRY(check_stays(r, &stays, err));
    unsigned char *rank = arena_alloc(r->arena, cells);
    struct dist *costs = arena_alloc(r->arena, cells * sizeof *costs);
    if (!rank || !costs)
        return out_of_memory(err);
    in->costs = costs;
    for (size_t row = 0; row < t.row_count; row++) {
        const char *name = table_cell(&t, row, C_INSURANCE);
        const unsigned char precise = strcmp(name, "*") == 0 ? 1 : 2;
        struct dist d;
        TRY(cell_group(r, &t, row, C_DRG, &group, err));
        if (precise == 2 && !find_class(in, name, &class))
            return table_fault(&t, row, C_INSURANCE, err, DESIGN_UNKNOWN_STRATUM,
                               "%.40s is not in insurance.tsv", name);
        TRY(parse_cost(r, &t, row, &stays, &d, err));
        for (size_t k = 0; k < in->class_count; k++) {
            const size_t at = k * in->group_count + group;
            if ((precise == 2 && k != class) || rank[at] > precise)
                continue;
            if (rank[at] == precise)
                return table_fault(&t, row, C_DRG, err, DESIGN_DOUBLE,
                                   "own payments of %s are given twice", in->groups[group].code);
            rank[at] = precise;
            costs[at] = d;
        }
    }
    for (size_t i = 0; i < cells; i++)
        if (!rank[i])
            return err_at(err, ERR_INVALID, "costs.tsv", DESIGN_MISSING_COST,
                          "no own payments of %s for insurance %.40s",
                          in->groups[i % in->group_count].code,
                          in->classes[i / in->group_count].name);
    return ERR_OK;
}

/* ---- credibility -------------------------------------------------------------------------------
 */

enum { H_UNIT, H_YEAR, H_BLOCK, H_EXPOSURE, H_STAYS };
static const struct column history_columns[] = {
    { "unit", true },         { "year", true },  { "block", true },
    { "person_years", true }, { "stays", true },
};

struct history {
    struct table t;
    const char **units;
    size_t unit_count, own;
    struct experience *rows;
    struct blend *blends;
};

static size_t
name_index(const char ***names, size_t *count, const char *name)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp((*names)[i], name) == 0)
            return i;
    (*names)[*count] = name;
    return (*count)++;
}

/* The longest block that begins the code; block_count when there is none. */
static size_t
block_of(const struct input *in, const char *code)
{
    size_t best = in->block_count, length = 0;

    for (size_t b = 0; b < in->block_count; b++) {
        const size_t n = strlen(in->blocks[b].code);
        if (n > length && strncmp(code, in->blocks[b].code, n) == 0) {
            best = b;
            length = n;
        }
    }
    return best;
}

static err_t
blend_block(struct reader *r, struct history *h, struct block *block, struct err *err)
{
    const struct settings *settings = &r->in->settings;
    size_t rows = 0, first = 0, seen_count = 0, of[64];
    double claims = 0, exposure = 0;

    for (size_t i = 0; i < h->t.row_count; i++) {
        if (strcmp(table_cell(&h->t, i, H_BLOCK), block->code) != 0)
            continue;
        struct experience *e = &h->rows[rows];
        double stays;
        first = rows == 0 ? i : first;
        TRY(table_number(&h->t, i, H_EXPOSURE, (struct range){ 1e-6, 1e9 }, &e->exposure, err));
        TRY(table_number(&h->t, i, H_STAYS, (struct range){ 0, 1e9 }, &stays, err));
        const size_t unit = name_index(&h->units, &h->unit_count, table_cell(&h->t, i, H_UNIT));
        if (unit == h->own) {
            claims += stays;
            exposure += e->exposure;
        }
        for (e->unit = 0; e->unit < seen_count && of[e->unit] != unit; e->unit++)
            ;
        if (e->unit == seen_count) {
            if (seen_count == COUNT(of))
                return table_fault(&h->t, i, H_UNIT, err, DESIGN_TOO_LARGE, "more than 64 units");
            of[seen_count++] = unit;
        }
        e->rate = stays / e->exposure;
        rows++;
    }
    if (exposure <= 0)
        return table_fault(&h->t, first, H_UNIT, err, DESIGN_HISTORY,
                           "block %.20s has no row of the own unit %.40s", block->code,
                           settings->own_unit);
    block->own = claims / exposure;
    if (settings->credibility == CREDIBILITY_OWN) {
        block->z = 1;
        block->collective = block->regional;
        block->blended = block->own;
    } else if (settings->credibility == CREDIBILITY_PRIOR) {
        const struct blend b =
            poisson_gamma(claims, exposure, block->regional, settings->prior_person_years);
        block->z = b.z;
        block->collective = block->regional;
        block->blended = b.premium;
    } else {
        struct credibility c;
        if (!buhlmann_straub(h->rows, rows, h->blends, seen_count, &c))
            return table_fault(&h->t, first, H_BLOCK, err, DESIGN_HISTORY,
                               "block %.20s needs two units and one of them with two years",
                               block->code);
        for (size_t u = 0; u < seen_count; u++)
            if (of[u] == h->own) {
                block->z = h->blends[u].z;
                block->blended = h->blends[u].premium;
            }
        block->collective = c.collective;
    }
    return ERR_OK;
}

static void
regional_rates(struct input *in)
{
    const struct design_input *d = &in->design;
    double persons = 0;

    for (size_t s = 0; s < d->stratum_count; s++) {
        persons += d->strata[s].persons;
        for (size_t g = 0; g < d->group_count; g++) {
            const size_t b = block_of(in, d->groups[g].code);
            if (b < in->block_count)
                in->blocks[b].regional += d->strata[s].persons * d->rates[s * d->group_count + g];
        }
    }
    for (size_t b = 0; b < in->block_count; b++)
        in->blocks[b].regional /= persons > 0 ? persons : 1;
}

static err_t
open_history(struct reader *r, struct history *h, struct err *err)
{
    struct input *in = r->in;
    const char **blocks;

    TRY(table_read(r->arena, r->source,
                   &(struct schema){ "history.tsv", history_columns, COUNT(history_columns), 0 },
                   &h->t, err));
    blocks = arena_alloc(r->arena, h->t.row_count * sizeof *blocks);
    h->units = arena_alloc(r->arena, (h->t.row_count + 1) * sizeof *h->units);
    h->rows = arena_alloc(r->arena, h->t.row_count * sizeof *h->rows);
    h->blends = arena_alloc(r->arena, h->t.row_count * sizeof *h->blends);
    in->blocks = arena_alloc(r->arena, h->t.row_count * sizeof *in->blocks);
    if (!blocks || !h->units || !h->rows || !h->blends || !in->blocks)
        return out_of_memory(err);
    h->own = name_index(&h->units, &h->unit_count, in->settings.own_unit);
    for (size_t i = 0; i < h->t.row_count; i++) {
        const size_t before = in->block_count,
                     b = name_index(&blocks, &in->block_count, table_cell(&h->t, i, H_BLOCK));
        bool used = b < before;
        for (size_t g = 0; g < in->design.group_count && !used; g++)
            used = strncmp(in->design.groups[g].code, blocks[b], strlen(blocks[b])) == 0;
        if (!used)
            return table_fault(&h->t, i, H_BLOCK, err, DESIGN_UNKNOWN_GROUP,
                               "no DRG begins with %.20s", blocks[b]);
        in->blocks[b].code = blocks[b];
    }
    return ERR_OK;
}

/* Per DRG there are too few local stays, so whole blocks (an MDC, an ADRG) are blended and the
 * regional split inside a block stays. */
static err_t
blend_incidence(struct reader *r, struct err *err)
{
    struct input *in = r->in;
    struct history h = { 0 };

    if (in->settings.credibility == CREDIBILITY_NONE)
        return ERR_OK;
    if (!in->settings.own_unit[0])
        return err_at(err, ERR_INVALID, "settings.tsv", DESIGN_SETTING,
                      "credibility needs own_unit");
    if (in->settings.credibility == CREDIBILITY_PRIOR && in->settings.prior_person_years <= 0)
        return err_at(err, ERR_INVALID, "settings.tsv", DESIGN_SETTING,
                      "credibility prior needs prior_person_years");
    TRY(open_history(r, &h, err));
    regional_rates(in);
    for (size_t b = 0; b < in->block_count; b++) {
        struct block *block = &in->blocks[b];
        TRY(blend_block(r, &h, block, err));
        block->factor = block->regional > 0 ? block->blended / block->regional : 1;
    }
    for (size_t g = 0; g < in->design.group_count; g++) {
        const size_t b = block_of(in, in->design.groups[g].code);
        for (size_t s = 0; b < in->block_count && s < in->design.stratum_count; s++)
            ((double *) in->design.rates)[s * in->design.group_count + g] *= in->blocks[b].factor;
    }
    return ERR_OK;
}

/* ---- all ---------------------------------------------------------------------------------------
 */

err_t
input_read(struct arena *arena, const struct source *source, struct input *out, struct err *err)
{
    struct reader r = { .arena = arena, .source = source, .in = out };

    *out = (struct input){ 0 };
    TRY(read_settings(arena, source, &out->settings, err));
    TRY(read_groups(&r, err));
    TRY(read_classes(&r, err));
    TRY(read_people(&r, err));
    TRY(read_incidence(&r, err));
    TRY(read_costs(&r, err));
    TRY(blend_incidence(&r, err));
    out->design.goals = out->settings.goals;
    return ERR_OK;
}

static const struct column plan_columns[] = { { "drg", true }, { "amount", true } };

err_t
input_read_plan(struct arena *arena, const struct source *source, const char *file,
                const struct design_input *in, money_t **amounts, struct err *err)
{
    struct input shell = { .design = *in };
    struct reader r = { .arena = arena, .in = &shell };
    struct table t;
    size_t group = 0;

    TRY(table_read(arena, source,
                   &(struct schema){ file, plan_columns, COUNT(plan_columns), TABLE_EXTRA_COLUMNS },
                   &t, err));
    r.codes = arena_alloc(arena, in->group_count * sizeof *r.codes);
    *amounts = arena_alloc(arena, in->group_count * sizeof **amounts);
    if (!r.codes || !*amounts)
        return out_of_memory(err);
    for (size_t g = 0; g < in->group_count; g++) {
        r.codes[g] = (struct entry){ in->groups[g].code, g };
        (*amounts)[g].fen = -1;
    }
    qsort(r.codes, in->group_count, sizeof *r.codes, by_code);
    for (size_t i = 0; i < t.row_count; i++) {
        TRY(cell_group(&r, &t, i, 0, &group, err));
        if ((*amounts)[group].fen >= 0)
            return table_fault(&t, i, 0, err, DESIGN_DOUBLE, "%.40s is given twice",
                               table_cell(&t, i, 0));
        TRY(table_money(&t, i, 1, &(*amounts)[group], err));
        if ((*amounts)[group].fen % in->goals.step.fen != 0)
            return table_fault(&t, i, 1, err, DESIGN_BOUNDS, "not a multiple of the rounding step");
    }
    for (size_t g = 0; g < in->group_count; g++)
        if ((*amounts)[g].fen < 0)
            return err_at(err, ERR_INVALID, t.file, DESIGN_EMPTY, "no amount for %s",
                          in->groups[g].code);
    return ERR_OK;
}

/* ---- the year so far ---------------------------------------------------------------------------
 */

enum { F_DRG, F_CLAIMS, F_PAID };
static const struct column so_far_columns[] = {
    { "drg", true },
    { "claims", true },
    { "paid", true },
};
static const struct column lag_columns[] = { { "days", true }, { "share", true } };

static err_t
read_year(struct arena *arena, const struct source *source, struct forecast_so_far *out,
          struct err *err)
{
    static const char *const names[] = { "year_days", "elapsed_days", "warn_at", "alarm_at" };
    double values[COUNT(names)] = { 365, -1, 0.05, 0.20 };
    struct table t;
    size_t k;

    TRY(table_read(arena, source,
                   &(struct schema){ "year.tsv", setting_columns, COUNT(setting_columns), 0 }, &t,
                   err));
    for (size_t r = 0; r < t.row_count; r++) {
        if (!word_parse(table_cell(&t, r, 0), names, COUNT(names), &k))
            return table_fault(&t, r, 0, err, DESIGN_SETTING, "unknown setting \"%.40s\"",
                               table_cell(&t, r, 0));
        TRY(table_number(&t, r, 1, (struct range){ 0, k < 2 ? 400 : 1 }, &values[k], err));
        if (k < 2 && values[k] != floor(values[k]))
            return table_fault(&t, r, 1, err, DESIGN_NUMBER, "days must be whole");
    }
    if (values[1] < 0)
        return err_at(err, ERR_INVALID, "year.tsv", DESIGN_SETTING, "elapsed_days is missing");
    out->year_days = (int64_t) values[0];
    out->elapsed_days = (int64_t) values[1];
    out->warn_at = values[2];
    out->alarm_at = values[3];
    TRY(table_read(arena, source,
                   &(struct schema){ "lags.tsv", lag_columns, COUNT(lag_columns), TABLE_OPTIONAL },
                   &t, err));
    if (t.row_count > FORECAST_LAGS_MAX)
        return table_fault(&t, FORECAST_LAGS_MAX, 0, err, DESIGN_TOO_LARGE, "more than %d lags",
                           FORECAST_LAGS_MAX);
    for (size_t r = 0; r < t.row_count; r++) {
        TRY(table_number(&t, r, 0, (struct range){ 1, 1000 }, &out->lags[r].days, err));
        TRY(table_number(&t, r, 1, (struct range){ 0, 1 }, &out->lags[r].share, err));
    }
    out->lag_count = t.row_count;
    return ERR_OK;
}

err_t
input_read_so_far(struct arena *arena, const struct source *source, const struct design_input *in,
                  struct forecast_so_far *out, struct err *err)
{
    struct forecast_so_far f = { 0 };
    struct table t;

    TRY(read_year(arena, source, &f, err));
    TRY(table_read(
        arena, source,
        &(struct schema){ "so_far.tsv", so_far_columns, COUNT(so_far_columns), TABLE_MAY_BE_EMPTY },
        &t, err));
    int64_t *claims = arena_alloc(arena, in->group_count * sizeof *claims);
    money_t *paid = arena_alloc(arena, in->group_count * sizeof *paid);
    bool *seen = arena_alloc(arena, in->group_count);
    if (!claims || !paid || !seen)
        return out_of_memory(err);
    for (size_t r = 0; r < t.row_count; r++) {
        size_t g = 0;
        double count;
        while (g < in->group_count && strcmp(in->groups[g].code, table_cell(&t, r, F_DRG)) != 0)
            g++;
        if (g == in->group_count)
            return table_fault(&t, r, F_DRG, err, DESIGN_UNKNOWN_GROUP,
                               "%.40s is not in groups.tsv", table_cell(&t, r, F_DRG));
        if (seen[g])
            return table_fault(&t, r, F_DRG, err, DESIGN_DOUBLE, "%.40s is given twice",
                               in->groups[g].code);
        seen[g] = true;
        TRY(table_number(&t, r, F_CLAIMS, (struct range){ 0, 1e8 }, &count, err));
        if (count != floor(count))
            return table_fault(&t, r, F_CLAIMS, err, DESIGN_NUMBER, "claims must be whole");
        claims[g] = (int64_t) count;
        TRY(table_money(&t, r, F_PAID, &paid[g], err));
    }
    f.claims = claims;
    f.paid = paid;
    *out = f;
    return ERR_OK;
}
