/* rules_publish.c - see rules_publish.h. */
#include "rules_publish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mask/mask.h"

struct publish_limits
publish_limits_of(uint32_t small_cell)
{
    struct publish_limits limits = { .k = PUBLISH_K_DEFAULT, .k_sensitive = PUBLISH_K_SENSITIVE };

    if (small_cell > 0 && small_cell <= 1000)
        limits.k = (int) small_cell;
    if (limits.k < PUBLISH_K_LEAST)
        limits.k = PUBLISH_K_LEAST;
    if (limits.k_sensitive < limits.k)
        limits.k_sensitive = limits.k;
    return limits;
}

bool
publish_is_never_a_line(const struct publish_claim *claim)
{
    return !claim->consent || claim->sensitive || claim->capped;
}

bool
publish_hospital_is_telling(const char *hospital)
{
    static const char *const telling[] = {
        "精神", "心理",     "安定",   "脑康", "康宁", "传染", "感染病", "结核", "胸科",
        "疾控", "疾病预防", "皮肤病", "性病", "妇幼", "妇产", "妇科",   "产科", "生殖",
        "不孕", "肿瘤",     "癌",     "戒毒", "男科", "肛肠", "职业病",
    };

    for (size_t i = 0; i < COUNT(telling); i++)
        if (strstr(hospital, telling[i]))
            return true;
    return false;
}

/* --- order --- */

static const char *
code_at(const struct publish_claim *claim, enum publish_level level)
{
    return level == LEVEL_DRG    ? claim->drg
           : level == LEVEL_ADRG ? claim->adrg
           : level == LEVEL_MDC  ? claim->mdc
                                 : "";
}

static int
compare_cells(const struct publish_claim *a, const struct publish_claim *b)
{
    int order = (a->level > b->level) - (a->level < b->level);

    if (order == 0 && a->level != LEVEL_HIDDEN) {
        order = strcmp(code_at(a, a->level), code_at(b, b->level));
        if (order == 0)
            order = a->sex - b->sex;
        if (order == 0)
            order = a->hospital_class - b->hospital_class;
    }
    return order;
}

static int
by_cell_and_person(const void *left, const void *right)
{
    const struct publish_claim *a = left, *b = right;
    int order = compare_cells(a, b);

    if (order == 0)
        order = id_cmp(a->person, b->person);
    return order ? order : id_cmp(a->claim, b->claim);
}

/* Inside a cell lines stand by what they show, so that their order says nothing more. */
static int
by_cell_and_look(const void *left, const void *right)
{
    const struct publish_claim *a = left, *b = right;
    int order = compare_cells(a, b);
    char one[MASK_NAME_BYTES], other[MASK_NAME_BYTES];

    if (order == 0 && a->level == LEVEL_DRG)
        order = (a->paid.fen < b->paid.fen) - (a->paid.fen > b->paid.fen);
    if (order == 0) {
        mask_name(MASK_T0, a->name, one);
        mask_name(MASK_T0, b->name, other);
        order = strcmp(one, other);
    }
    return order ? order : id_cmp(a->claim, b->claim);
}

/* --- cells --- */

/* Of a sorted list: where the cell of claims[from] ends, and how many people it has. */
static size_t
cell_end(const struct publish_claim *claims, size_t count, size_t from, size_t *people)
{
    size_t at = from + 1;

    *people = 1;
    for (; at < count && compare_cells(&claims[from], &claims[at]) == 0; at++)
        if (id_cmp(claims[at].person, claims[at - 1].person) != 0)
            (*people)++;
    return at;
}

/* Each claim at the finest level at which its cell has k people. */
static void
generalise(struct publish_claim *claims, size_t count, int k)
{
    for (size_t i = 0; i < count; i++)
        claims[i].level =
            publish_is_never_a_line(&claims[i]) || claims[i].forced ? LEVEL_HIDDEN : LEVEL_DRG;
    for (enum publish_level level = LEVEL_DRG; level < LEVEL_HIDDEN; level++) {
        size_t people;
        qsort(claims, count, sizeof *claims, by_cell_and_person);
        for (size_t from = 0, end; from < count; from = end) {
            end = cell_end(claims, count, from, &people);
            if (claims[from].level == level && people < (size_t) k)
                for (size_t i = from; i < end; i++)
                    claims[i].level = level + 1;
        }
    }
    qsort(claims, count, sizeof *claims, by_cell_and_person);
}

static void
count_hidden(const struct publish_claim *claims, size_t count, const struct publish_limits *limits,
             struct publish_verdict *verdict)
{
    bool sensitive = false;

    *verdict = (struct publish_verdict){ 0 };
    for (size_t i = 0; i < count; i++) {
        if (claims[i].level != LEVEL_HIDDEN) {
            verdict->visible++;
            continue;
        }
        if (verdict->hidden++ == 0 || id_cmp(claims[i].person, claims[i - 1].person) != 0)
            verdict->hidden_people++;
        sensitive = sensitive || claims[i].sensitive;
    }
    verdict->k_hidden = sensitive ? limits->k_sensitive : limits->k;
}

/* The visible claim whose amount is nearest to one of the hidden: it hides them best. */
static struct publish_claim *
nearest(struct publish_claim *claims, size_t count)
{
    struct publish_claim *best = NULL;
    int64_t best_distance = 0;

    for (size_t i = 0; i < count; i++) {
        if (claims[i].level == LEVEL_HIDDEN)
            continue;
        int64_t distance = INT64_MAX;
        for (size_t k = 0; k < count; k++) {
            const int64_t d = llabs(claims[i].paid.fen - claims[k].paid.fen);
            if (claims[k].level == LEVEL_HIDDEN && d < distance)
                distance = d;
        }
        if (!best || distance < best_distance ||
            (distance == best_distance && id_cmp(claims[i].claim, best->claim) < 0)) {
            best = &claims[i];
            best_distance = distance;
        }
    }
    return best;
}

/* With fewer than 2k claims a sum is told in rough alone, and then the page's total too; so the
 * combined line is filled up to 2k where there are claims to do it. */
void
publish_decide(struct publish_claim *claims, size_t count, const struct publish_limits *limits,
               struct publish_verdict *verdict)
{
    struct publish_claim *more;

    for (size_t i = 0; i < count; i++)
        claims[i].forced = false;
    for (;;) {
        generalise(claims, count, limits->k);
        count_hidden(claims, count, limits, verdict);
        const int wanted = verdict->k_hidden > 2 * limits->k ? verdict->k_hidden : 2 * limits->k;
        if (verdict->hidden == 0 ||
            (verdict->hidden >= (size_t) wanted && verdict->hidden_people >= 2))
            break;
        more = nearest(claims, count);
        if (!more)
            break;
        more->forced = true;
    }
    verdict->is_too_small = verdict->hidden > 0 && (verdict->hidden < (size_t) verdict->k_hidden ||
                                                    verdict->hidden_people < 2);
    verdict->is_banded = verdict->hidden > 0 && verdict->hidden < 2 * (size_t) limits->k;
    qsort(claims, count, sizeof *claims, by_cell_and_look);
}

void
publish_cell_key(const struct publish_claim *claim, char key[static CELL_KEY_BYTES])
{
    if (claim->level == LEVEL_DRG)
        key[0] = '\0';
    else if (claim->level == LEVEL_HIDDEN)
        (void) snprintf(key, CELL_KEY_BYTES, "*");
    else
        (void) snprintf(key, CELL_KEY_BYTES, "%.10s|%d|%d", code_at(claim, claim->level),
                        claim->sex, claim->hospital_class);
}

/* --- two versions of a page --- */

static const struct publish_place *
place_of(const struct publish_place *places, size_t count, struct id claim)
{
    for (size_t i = 0; i < count; i++)
        if (id_cmp(places[i].claim, claim) == 0)
            return &places[i];
    return NULL;
}

/* What is in the cell of `these` and not in the same cell of `those`; what has a line among `those`
 * counts for nothing, because it tells itself. */
static bool
is_nothing_or_a_crowd(const struct publish_place *these, size_t count,
                      const struct publish_place *those, size_t those_count, const char *cell,
                      int k)
{
    struct id first = { { 0 } };
    bool several = false;
    int moved = 0;

    for (size_t i = 0; i < count; i++) {
        if (strcmp(these[i].cell, cell) != 0)
            continue;
        const struct publish_place *there = place_of(those, those_count, these[i].claim);
        if (there && (strcmp(there->cell, cell) == 0 || there->cell[0] == '\0'))
            continue;
        if (moved++ == 0)
            first = these[i].person;
        else if (id_cmp(first, these[i].person) != 0)
            several = true;
    }
    return moved == 0 || (moved >= k && several);
}

bool
publish_difference_is_safe(const struct publish_place *older, size_t older_count,
                           const struct publish_place *newer, size_t newer_count, int k)
{
    for (size_t i = 0; i < newer_count; i++)
        if (newer[i].cell[0] &&
            !is_nothing_or_a_crowd(newer, newer_count, older, older_count, newer[i].cell, k))
            return false;
    for (size_t i = 0; i < older_count; i++)
        if (older[i].cell[0] &&
            !is_nothing_or_a_crowd(older, older_count, newer, newer_count, older[i].cell, k))
            return false;
    return true;
}

/* --- lines --- */

static void
name_put(const struct publish_claim *claim, int k, char name[static PUBLIC_NAME_BYTES])
{
    char masked[MASK_NAME_BYTES];

    mask_name(MASK_T0, claim->name, masked);
    /* A family name that few of the place have is as good as the whole name. */
    if (claim->namesakes < k || strlen(masked) >= PUBLIC_NAME_BYTES)
        (void) snprintf(masked, sizeof masked, "**");
    (void) snprintf(name, PUBLIC_NAME_BYTES, "%.11s", masked);
}

static void
line_put(const struct publish_claim *claim, int k, struct public_payout *line)
{
    const bool own = claim->level == LEVEL_DRG;

    *line = (struct public_payout){ .kind = own ? PAYOUT_LINE : PAYOUT_CELL_MEMBER,
                                    .sex = claim->sex,
                                    .hospital_class = claim->hospital_class,
                                    .group_name = own ? claim->drg_name : "",
                                    .claims = 1,
                                    .people = 1 };
    name_put(claim, k, line->name);
    (void) snprintf(line->code, sizeof line->code, "%.11s", code_at(claim, claim->level));
    if (own) {
        line->due = claim->due;
        line->paid = claim->paid;
    }
}

static size_t
people_of(const struct publish_claim *claims, size_t count)
{
    size_t people = 0;

    for (size_t i = 0; i < count; i++) {
        bool seen = false;
        for (size_t k = 0; k < i && !seen; k++)
            seen = id_cmp(claims[k].person, claims[i].person) == 0;
        people += !seen;
    }
    return people;
}

static void
sum_put(const struct publish_claim *claims, size_t count, struct public_payout *line)
{
    const bool rest = claims[0].level == LEVEL_HIDDEN;

    *line = (struct public_payout){ .kind = rest ? PAYOUT_REST : PAYOUT_CELL_SUM,
                                    .sex = rest ? 0 : claims[0].sex,
                                    .hospital_class = rest ? 0 : claims[0].hospital_class,
                                    .group_name = "",
                                    .claims = count,
                                    .people = people_of(claims, count) };
    if (!rest)
        (void) snprintf(line->code, sizeof line->code, "%.11s",
                        code_at(&claims[0], claims[0].level));
    for (size_t i = 0; i < count; i++) {
        line->due = money_add(line->due, claims[i].due);
        line->paid = money_add(line->paid, claims[i].paid);
    }
}

size_t
publish_lines(const struct publish_claim *claims, size_t count,
              const struct publish_verdict *verdict, const struct publish_limits *limits,
              struct public_payout *lines)
{
    size_t made = 0, end;

    for (size_t from = 0; from < count; from = end) {
        for (end = from + 1; end < count && compare_cells(&claims[from], &claims[end]) == 0;)
            end++;
        for (size_t i = from; i < end && claims[i].level != LEVEL_HIDDEN; i++)
            line_put(&claims[i], limits->k, &lines[made++]);
        if (claims[from].level != LEVEL_DRG) {
            sum_put(claims + from, end - from, &lines[made]);
            lines[made].is_banded = claims[from].level == LEVEL_HIDDEN && verdict->is_banded;
            made++;
        }
    }
    return made;
}
