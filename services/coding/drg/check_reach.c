/* check_reach.c - which groups can be reached at all, and which rows stand in the way of others.
 *
 * Records are too many to try, but rules tell only few of them apart.  For each MDC the records are
 * cut into cells: by the lists of this MDC's rules that the principal diagnosis is in, the same for
 * the principal procedure (or none), and by the values between the numbers that the rules compare
 * with.  In a cell every rule is true, false or open (it depends on what the cell does not know,
 * such as further codes).
 *
 * The answers are careful: a row is called unreachable only if, in every cell, it is false or a row
 * before it is surely true and surely has a refinement.  What is open never makes a finding. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "drg.h"

enum {
    FIELDS = HZS_DEPT - HZS_AGE + 1, /* age days weight los icu, sex leave dept */
    VALUES_MAX = 64,
    EXAMPLES = 3,
};
/* Rule evaluations a MDC may take: about a second.  Fields with the most values become open until
 * it fits. */
#define WORK_MAX ((uint64_t) 30 * 1000 * 1000)

enum { VALUE_OPEN = -3 };

/* The codes that this MDC's rules cannot tell apart. */
struct kinds {
    uint32_t words, count;
    uint64_t *bits;    /* [kind][words]; kind 0 is in no list */
    uint32_t *example; /* [kind]: some code; SYMBOL_NONE: none is needed */
    uint32_t *size;    /* [kind]: how many codes */
};

struct mdc_view {
    const struct pack *pack;
    const struct pack_rule *mdc;
    uint32_t *bit; /* [list]: bit + 1 within its side, 0: this MDC does not read it */
    uint32_t dx_bits, op_bits;
    struct kinds dx, op;
    int32_t values[FIELDS]
                  [VALUES_MAX]; /* numbers; for texts: index of words, -1 is missing, -2 another */
    uint32_t value_count[FIELDS];
    const char *words[FIELDS][VALUES_MAX];
    uint32_t word_count[FIELDS];
    bool open[FIELDS]; /* too many values: unknown */
};

struct cell {
    const struct mdc_view *view;
    const uint64_t *dx, *op; /* op NULL: no procedure */
    bool op_open;            /* nothing is known of procedures */
    bool op_only;            /* there is no second procedure */
    int32_t value[FIELDS];
    int complication; /* bit 0: mcc, bit 1: cc; -1: open */
};

/* What became of a row or a refinement over all cells. */
struct fate {
    bool possible, reached, gap;
    uint32_t blocker; /* a row that was there before; UINT32_MAX: none */
};

/* ---- what the rules read ---- */

static void
read_number(struct mdc_view *v, size_t field, int64_t number)
{
    const int64_t near[] = { number - 1, number, number + 1 };

    for (size_t i = 0; i < COUNT(near); i++) {
        bool known =
            near[i] < 0 || near[i] > INT32_MAX || (field == HZS_WEIGHT - HZS_AGE && near[i] == 0);
        for (uint32_t j = 0; j < v->value_count[field] && !known; j++)
            known = v->values[field][j] == near[i];
        if (known)
            continue;
        if (v->value_count[field] == VALUES_MAX)
            v->open[field] = true;
        else
            v->values[field][v->value_count[field]++] = (int32_t) near[i];
    }
}

static void
read_word(struct mdc_view *v, size_t field, const char *word)
{
    for (uint32_t i = 0; i < v->word_count[field]; i++) {
        if (strcmp(v->words[field][i], word) == 0)
            return;
    }
    if (v->word_count[field] >= VALUES_MAX - 2) {
        v->open[field] = true;
        return;
    }
    v->values[field][v->value_count[field]++] = (int32_t) v->word_count[field];
    v->words[field][v->word_count[field]++] = word;
}

static void
read_atom(struct rule *atom, void *context)
{
    struct mdc_view *v = context;

    if (rule_reads_list(atom)) {
        if (v->bit[atom->list] == 0)
            v->bit[atom->list] = rule_reads_procedures(atom) ? ++v->op_bits : ++v->dx_bits;
    } else if (atom->op <= HZS_ICU) {
        read_number(v, atom->op - HZS_AGE, atom->number);
    } else if (atom->op == HZS_LEAVE || atom->op == HZS_DEPT) {
        read_word(v, atom->op - HZS_AGE, atom->word);
    }
}

/* The values that a field can have besides those near the rules' numbers. */
static void
add_common_values(struct mdc_view *v)
{
    for (size_t field = 0; field <= HZS_ICU - HZS_AGE; field++) {
        if (v->value_count[field] == 0) {
            v->open[field] = true; /* no rule reads it */
            v->value_count[field] = 1;
        } else if (field != 0 && v->value_count[field] < VALUES_MAX) {
            v->values[field][v->value_count[field]++] = DRG_MISSING;
        }
    }
    v->values[HZS_SEX - HZS_AGE][0] = DRG_MALE;
    v->values[HZS_SEX - HZS_AGE][1] = DRG_FEMALE;
    v->value_count[HZS_SEX - HZS_AGE] = 2;
    for (size_t field = HZS_LEAVE - HZS_AGE; field < FIELDS; field++) {
        if (v->value_count[field] == 0) {
            v->open[field] = true;
            v->value_count[field] = 1;
        } else {
            v->values[field][v->value_count[field]++] = -1;
            v->values[field][v->value_count[field]++] = -2;
        }
    }
}

static void
read_rules(struct mdc_view *v)
{
    const struct pack *pack = v->pack;

    rule_each_atom(v->mdc->rule, read_atom, v);
    for (uint32_t r = 0; r < v->mdc->child_count; r++) {
        const struct pack_rule *row = &pack->rows.items[v->mdc->child_first + r];
        rule_each_atom(row->rule, read_atom, v);
        for (uint32_t d = 0; d < row->child_count; d++)
            rule_each_atom(pack->drgs.items[row->child_first + d].rule, read_atom, v);
    }
    add_common_values(v);
}

/* ---- cells ---- */

static enum truth
list_truth(const struct cell *cell, const struct rule *atom)
{
    const uint32_t bit = cell->view->bit[atom->list] - 1;
    const bool procedures = rule_reads_procedures(atom);
    const uint64_t *bits = procedures ? cell->op : cell->dx;
    const bool in = bits && (bits[bit / 64] >> (bit % 64) & 1);

    if (procedures && cell->op_open)
        return TRUTH_UNKNOWN;
    if (atom->op == HZS_PDX || atom->op == HZS_POP)
        return truth_of(in);
    if (procedures && !cell->op)
        return TRUTH_FALSE;
    if (procedures && cell->op_only)
        return truth_of(in && atom->op == HZS_OP);
    return in && (atom->op == HZS_DX || atom->op == HZS_OP) ? TRUTH_TRUE : TRUTH_UNKNOWN;
}

static enum truth
atom_truth(const struct rule *atom, const void *context)
{
    const struct cell *cell = context;

    if (atom->op == HZS_PARTS)
        return TRUTH_UNKNOWN;
    if (rule_reads_list(atom))
        return list_truth(cell, atom);
    if (atom->op == HZS_MCC || atom->op == HZS_CC)
        return cell->complication < 0 ? TRUTH_UNKNOWN
                                      : truth_of(cell->complication >> (atom->op - HZS_MCC) & 1);
    const int32_t value = cell->value[atom->op - HZS_AGE];
    if (value == VALUE_OPEN)
        return TRUTH_UNKNOWN;
    if (atom->op <= HZS_ICU)
        return truth_of(value >= 0 && compare_numbers(atom->cmp, value, atom->number));
    if (atom->op == HZS_SEX) {
        const bool equal = strcmp(atom->word, value == DRG_MALE ? "M" : "F") == 0;
        return truth_of(atom->cmp == HZS_EQ ? equal : !equal);
    }
    if (value == -1)
        return TRUTH_FALSE;
    const bool equal =
        value >= 0 && strcmp(atom->word, cell->view->words[atom->op - HZS_AGE][value]) == 0;
    return truth_of(atom->cmp == HZS_EQ ? equal : !equal);
}

static enum truth
truth_in(struct cell *cell, const struct pack_rule *rule)
{
    return rule_truth(rule->rule, atom_truth, cell);
}

/* Looks through a row's refinements; true: it surely has one that is true. */
static bool
try_refinements(struct cell *cell, const struct pack_rule *row, struct fate *row_fate,
                struct fate *fates)
{
    const struct pack *pack = cell->view->pack;
    bool sure = row->child_count > 0;

    for (cell->complication = 0; cell->complication < 4; cell->complication++) {
        bool taken = false, open = false;
        for (uint32_t d = row->child_first; d < row->child_first + row->child_count; d++) {
            const enum truth truth = truth_in(cell, &pack->drgs.items[d]);
            fates[d].possible |= truth != TRUTH_FALSE;
            fates[d].reached |= truth != TRUTH_FALSE && !taken;
            taken |= truth == TRUTH_TRUE;
            open |= truth == TRUTH_UNKNOWN;
        }
        sure &= taken;
        row_fate->gap |= !taken && !open;
    }
    cell->complication = -1;
    return sure;
}

/* Sends a cell through the rows; marks what it meets. */
static void
try_cell(struct cell *cell, struct fate *rows, struct fate *drgs)
{
    const struct mdc_view *v = cell->view;
    uint32_t blocker = UINT32_MAX;

    for (uint32_t r = v->mdc->child_first; r < v->mdc->child_first + v->mdc->child_count; r++) {
        const struct pack_rule *row = &v->pack->rows.items[r];
        const enum truth truth = truth_in(cell, row);
        if (truth == TRUTH_FALSE)
            continue;
        rows[r].possible = true;
        if (blocker != UINT32_MAX) {
            rows[r].blocker = rows[r].blocker == UINT32_MAX ? blocker : rows[r].blocker;
            continue;
        }
        rows[r].reached = true;
        const bool sure = row->ambiguous || try_refinements(cell, row, &rows[r], drgs);
        if (truth == TRUTH_TRUE && sure)
            blocker = r;
    }
}

/* A record with these values would not pass the checks before grouping. */
static bool
is_refused(const struct cell *cell)
{
    const int32_t age = cell->value[0], days = cell->value[HZS_DAYS - HZS_AGE];
    const int32_t weight = cell->value[HZS_WEIGHT - HZS_AGE];

    if (age > DRG_AGE_MAX)
        return true;
    if (age != 0 || days == VALUE_OPEN)
        return false;
    return days == DRG_MISSING ||
           (days <= (int32_t) cell->view->pack->newborn_days && weight == DRG_MISSING);
}

/* As deep as there are fields. */
/* NOLINTBEGIN(misc-no-recursion) */
static void
try_values(struct cell *cell, size_t field, struct fate *rows, struct fate *drgs)
{
    const struct mdc_view *v = cell->view;

    if (field == FIELDS) {
        if (!is_refused(cell) && truth_in(cell, v->mdc) != TRUTH_FALSE)
            try_cell(cell, rows, drgs);
        return;
    }
    for (uint32_t i = 0; i < (v->open[field] ? 1 : v->value_count[field]); i++) {
        cell->value[field] = v->open[field] ? VALUE_OPEN : v->values[field][i];
        try_values(cell, field + 1, rows, drgs);
    }
}

/* NOLINTEND(misc-no-recursion) */

static struct cell
open_cell(const struct mdc_view *v, const uint64_t *dx)
{
    struct cell cell = { .view = v, .dx = dx, .op_open = true, .complication = -1 };

    for (size_t field = 0; field < FIELDS; field++)
        cell.value[field] = VALUE_OPEN;
    return cell;
}

/* ---- kinds of codes ---- */

static uint32_t
kind_of(struct kinds *kinds, const uint64_t *bits)
{
    for (uint32_t i = 0; i < kinds->count; i++) {
        if (memcmp(kinds->bits + (size_t) i * kinds->words, bits, kinds->words * sizeof *bits) == 0)
            return i;
    }
    return SYMBOL_NONE;
}

/* Cuts the codes of one side into kinds.  Only codes in some list of this MDC are looked at. */
static bool
find_kinds(const struct mdc_view *v, enum list_kind side, uint32_t bit_count, struct kinds *kinds)
{
    const struct pack *pack = v->pack;
    const struct symbols *codes = side == LIST_DX ? &pack->dx : &pack->op;
    const struct tsv *procs = &pack->tables[PACK_PROC];
    const bool valid = side == LIST_PROC && v->bit[pack->valid] != 0;
    bool good = false;

    kinds->words = bit_count / 64 + 1;
    uint64_t *bits = calloc((size_t) codes->count * kinds->words + 1, sizeof *bits);
    kinds->bits = calloc(((size_t) codes->count + 1) * kinds->words, sizeof *bits);
    kinds->example = calloc((size_t) codes->count + 1, sizeof *kinds->example);
    kinds->size = calloc((size_t) codes->count + 1, sizeof *kinds->size);
    if (bits && kinds->bits && kinds->example && kinds->size) {
        for (uint32_t i = 0; i < pack->member_count; i++) {
            const uint32_t bit = v->bit[pack->members[i].list];
            if (bit != 0 && pack->list[pack->members[i].list].kind == side)
                bits[(size_t) pack->members[i].code * kinds->words + (bit - 1) / 64] |=
                    (uint64_t) 1 << ((bit - 1) % 64);
        }
        for (uint32_t row = 0; row < procs->row_count && valid; row++) {
            if (strcmp(tsv_cell(procs, row, PROC_VALID), "1") == 0)
                bits[(size_t) symbols_get(codes, tsv_cell(procs, row, PROC_CODE)) * kinds->words +
                     (v->bit[pack->valid] - 1) / 64] |= (uint64_t) 1
                                                        << ((v->bit[pack->valid] - 1) % 64);
        }
        kinds->count = 1;
        kinds->example[0] = SYMBOL_NONE;
        for (uint32_t code = 0; code < codes->count; code++) {
            const uint64_t *mine = bits + (size_t) code * kinds->words;
            uint32_t kind = kind_of(kinds, mine);
            if (kind == SYMBOL_NONE) {
                kind = kinds->count++;
                memcpy(kinds->bits + (size_t) kind * kinds->words, mine,
                       kinds->words * sizeof *mine);
                kinds->example[kind] = code;
            }
            kinds->size[kind]++;
        }
        good = true;
    }
    free(bits);
    return good;
}

static void
free_kinds(struct kinds *kinds)
{
    free(kinds->bits);
    free(kinds->example);
    free(kinds->size);
}

/* Fields become open, the one with the most values first, until the work is bearable. */
static void
bound_work(struct mdc_view *v, uint64_t pdx_kinds)
{
    for (;;) {
        uint64_t work = (pdx_kinds + 1) * (v->op.count + 1) * (v->mdc->child_count + 1);
        size_t most = 0;
        for (size_t field = 0; field < FIELDS; field++) {
            work *= v->open[field] ? 1 : v->value_count[field];
            if (work > UINT32_MAX * (uint64_t) 1000)
                work = UINT32_MAX * (uint64_t) 1000;
            if (!v->open[field] && (v->open[most] || v->value_count[field] > v->value_count[most]))
                most = field;
        }
        if (work <= WORK_MAX || v->open[most])
            return;
        v->open[most] = true;
    }
}

/* ---- findings ---- */

static void
tell_row(const struct mdc_view *v, uint32_t r, const struct fate *fate, struct findings *findings)
{
    const struct pack_rule *row = &v->pack->rows.items[r];
    const struct place place = tsv_place(&v->pack->tables[PACK_ADRG], row->file_row);

    if (!fate->possible) {
        find(findings, FIND_ADRG_NEVER, place, "ADRG %s 的条件在MDC %s 中不可能成立：%s",
             "the rule of ADRG %s can never be true in MDC %s: %s", row->key, v->mdc->code,
             row->text);
    } else if (!fate->reached) {
        const struct pack_rule *before = &v->pack->rows.items[fate->blocker];
        find(findings, FIND_ADRG_UNREACHABLE, place,
             "永远不会分入ADRG %s：符合条件的病例都先被 %s（第 %u 行）取走",
             "ADRG %s is never reached: %s (line %u) takes all that it could take", row->key,
             before->key, before->file_row + 2);
    }
    if (fate->reached && fate->gap && row->child_count > 0 && !row->ambiguous)
        find(findings, FIND_ADRG_GAP, place,
             "ADRG %s 的所有DRG条件都可能不成立，此时会继续尝试下一个ADRG",
             "all refinements of ADRG %s can fail; then the next ADRG is tried", row->key);
}

static void
tell_drgs(const struct mdc_view *v, const struct pack_rule *row, const struct fate *fates,
          struct findings *findings)
{
    const struct pack *pack = v->pack;

    for (uint32_t d = row->child_first; d < row->child_first + row->child_count; d++) {
        const struct pack_rule *drg = &pack->drgs.items[d];
        const struct place place = tsv_place(&pack->tables[PACK_DRG], drg->file_row);
        if (!fates[d].possible)
            find(findings, FIND_DRG_NEVER, place, "DRG %s 的条件不可能成立：%s",
                 "the rule of DRG %s can never be true: %s", drg->code, drg->text);
        else if (!fates[d].reached)
            find(findings, FIND_DRG_UNREACHABLE, place,
                 "永远不会分入DRG %s：前面的DRG已取走所有符合条件的病例",
                 "DRG %s is never reached: the refinements before it take everything", drg->code);
    }
}

/* Does the first of the MDC's rows that takes a stay without regard to its diagnoses leave others
 * behind it? */
static void
tell_takes_all(const struct mdc_view *v, struct findings *findings)
{
    const uint32_t end = v->mdc->child_first + v->mdc->child_count;

    for (uint32_t r = v->mdc->child_first; r + 1 < end; r++) {
        const struct pack_rule *row = &v->pack->rows.items[r];
        if (row->rule->kind == RULE_ALWAYS && (row->ambiguous || row->child_count > 0)) {
            find(findings, FIND_ADRG_TAKES_ALL,
                 tsv_place(&v->pack->tables[PACK_ADRG], row->file_row),
                 "ADRG %s 没有条件，取走MDC %s 的所有病例，其后还有 %u 行",
                 "ADRG %s has no condition and takes all of MDC %s; %u rows follow it", row->key,
                 v->mdc->code, end - r - 1);
            return;
        }
    }
}

/* Principal diagnoses that a row asks for, but that its MDC does not admit. */
static void
tell_foreign(const struct mdc_view *v, const struct pack_rule *row, struct findings *findings)
{
    const struct pack *pack = v->pack;
    char examples[EXAMPLES * 40] = "";
    uint32_t count = 0, told = 0;

    for (uint32_t kind = 0; kind < v->dx.count; kind++) {
        struct cell cell = open_cell(v, v->dx.bits + (size_t) kind * v->dx.words);
        struct cell none = open_cell(v, v->dx.bits);
        if (truth_in(&cell, v->mdc) != TRUTH_FALSE || truth_in(&cell, row) == TRUTH_FALSE ||
            truth_in(&none, row) != TRUTH_FALSE)
            continue;
        count += v->dx.size[kind];
        if (told++ < EXAMPLES)
            (void) snprintf(examples + strlen(examples), sizeof examples - strlen(examples),
                            " %.38s", pack->dx.texts[v->dx.example[kind]]);
    }
    if (count > 0)
        find(findings, FIND_ADRG_FOREIGN_PDX, tsv_place(&pack->tables[PACK_ADRG], row->file_row),
             "ADRG %s 的 %u 个主要诊断不在MDC %s 中，如%s",
             "%s: %u of its principal diagnoses are not in MDC %s, such as%s", row->key, count,
             v->mdc->code, examples);
}

/* Principal diagnoses that an MDC admits, but that none of its rows can take. */
static void
tell_lost(const struct mdc_view *v, struct findings *findings)
{
    char examples[EXAMPLES * 40] = "";
    uint32_t count = 0, told = 0;

    for (uint32_t kind = 1; kind < v->dx.count; kind++) {
        struct cell cell = open_cell(v, v->dx.bits + (size_t) kind * v->dx.words);
        struct cell none = open_cell(v, v->dx.bits);
        bool taken =
            truth_in(&cell, v->mdc) == TRUTH_FALSE || truth_in(&none, v->mdc) != TRUTH_FALSE;
        for (uint32_t r = 0; r < v->mdc->child_count && !taken; r++)
            taken = truth_in(&cell, &v->pack->rows.items[v->mdc->child_first + r]) != TRUTH_FALSE;
        if (taken)
            continue;
        count += v->dx.size[kind];
        if (told++ < EXAMPLES)
            (void) snprintf(examples + strlen(examples), sizeof examples - strlen(examples),
                            " %.38s", v->pack->dx.texts[v->dx.example[kind]]);
    }
    if (count > 0)
        find(findings, FIND_MDC_PDX_LOST, tsv_place(&v->pack->tables[PACK_MDC], v->mdc->file_row),
             "MDC %s 的 %u 个主要诊断不属于任何ADRG，如%s",
             "%s: %u principal diagnoses of the MDC are in no ADRG of it, such as%s", v->mdc->code,
             count, examples);
}

static void
tell_mdc(const struct mdc_view *v, const struct fate *rows, const struct fate *drgs,
         struct findings *findings)
{
    for (uint32_t r = v->mdc->child_first; r < v->mdc->child_first + v->mdc->child_count; r++) {
        tell_row(v, r, &rows[r], findings);
        if (rows[r].reached)
            tell_drgs(v, &v->pack->rows.items[r], drgs, findings);
        tell_foreign(v, &v->pack->rows.items[r], findings);
    }
    tell_takes_all(v, findings);
    tell_lost(v, findings);
}

static bool
check_mdc(struct mdc_view *v, struct fate *rows, struct fate *drgs, struct findings *findings)
{
    uint64_t admitted = 0;

    read_rules(v);
    const bool good =
        find_kinds(v, LIST_DX, v->dx_bits, &v->dx) && find_kinds(v, LIST_PROC, v->op_bits, &v->op);
    if (good) {
        for (uint32_t kind = 0; kind < v->dx.count; kind++) {
            struct cell cell = open_cell(v, v->dx.bits + (size_t) kind * v->dx.words);
            admitted += truth_in(&cell, v->mdc) != TRUTH_FALSE;
        }
        bound_work(v, admitted);
        for (uint32_t kind = 0; kind < v->dx.count; kind++) {
            struct cell cell = open_cell(v, v->dx.bits + (size_t) kind * v->dx.words);
            if (truth_in(&cell, v->mdc) == TRUTH_FALSE)
                continue;
            cell.op_open = false;
            try_values(&cell, 0, rows, drgs);
            for (uint32_t op = 0; op < v->op.count; op++) {
                cell.op = v->op.bits + (size_t) op * v->op.words;
                cell.op_only = true;
                try_values(&cell, 0, rows, drgs);
                cell.op_only = false;
                try_values(&cell, 0, rows, drgs);
            }
        }
        tell_mdc(v, rows, drgs, findings);
    }
    free_kinds(&v->dx);
    free_kinds(&v->op);
    return good;
}

/* ---- diagnoses that the rules forgot ---- */

struct reads {
    bool dx, op;
};

/* What a rule asks for; what stands under a "not" is not asked for. */
/* rule.c bounds the depth. */
/* NOLINTBEGIN(misc-no-recursion) */
static void
note_reads(const struct rule *rule, bool negated, struct reads *reads)
{
    if (rule->kind == RULE_ATOM && rule_reads_list(rule) && !negated) {
        reads->op |= rule_reads_procedures(rule);
        reads->dx |= !rule_reads_procedures(rule);
    }
    for (const struct rule *term = rule->first; term; term = term->next)
        note_reads(term, negated != (rule->kind == RULE_NOT), reads);
}

/* NOLINTEND(misc-no-recursion) */

/* A name such as "other than for malignant tumours" is no disease either. */
static bool
names_disease(const char *name)
{
    static const char *const diseases[] = { "恶性肿瘤", "恶性增生" };
    static const char *const others[] = { "除恶性", "之外", "以外" };

    for (size_t i = 0; i < COUNT(others); i++) {
        if (strstr(name, others[i]))
            return false;
    }
    for (size_t i = 0; i < COUNT(diseases); i++) {
        if (strstr(name, diseases[i]) && strstr(name, "术"))
            return true;
    }
    return false;
}

/* A surgical ADRG named after a disease asks for the disease; a scheme in which no row asks for
 * both has lost its diagnosis lists on the way. */
static void
check_lost_lists(const struct pack *pack, struct findings *findings)
{
    enum { SURGICAL_ROWS_MIN = 20 }; /* below that a scheme may be that simple */
    uint32_t op_only = 0, both = 0;

    for (uint32_t r = 0; r < pack->rows.count; r++) {
        const struct pack_rule *row = &pack->rows.items[r];
        struct reads reads = { false, false };
        note_reads(row->rule, false, &reads);
        both += reads.dx && reads.op;
        op_only += reads.op && !reads.dx;
        if (reads.op && !reads.dx && names_disease(row->name))
            find(findings, FIND_ADRG_NO_DX_TEST, tsv_place(&pack->tables[PACK_ADRG], row->file_row),
                 "ADRG %s（%s）按名称针对某种疾病，但条件没有读取任何诊断",
                 "ADRG %s (%s) is named after a disease, but its rule reads no diagnosis", row->key,
                 row->name);
    }
    if (op_only >= SURGICAL_ROWS_MIN && both == 0)
        find(findings, FIND_SCHEME_NO_DX_TEST, (struct place){ "adrg.tsv", 1 },
             "%u 个手术ADRG都只看手术操作，没有一个同时要求诊断：诊断表可能已丢失",
             "%u surgical ADRGs read procedures alone and none asks for a diagnosis too: the "
             "diagnosis "
             "lists seem to be lost",
             op_only);
}

bool
check_reach(const struct pack *pack, struct findings *findings)
{
    struct fate *rows = calloc((size_t) pack->rows.count + 1, sizeof *rows);
    struct fate *drgs = calloc((size_t) pack->drgs.count + 1, sizeof *drgs);
    bool good = rows && drgs;

    for (uint32_t r = 0; r < pack->rows.count && good; r++)
        rows[r].blocker = UINT32_MAX;
    for (uint32_t m = 0; m < pack->mdcs.count && good; m++) {
        struct mdc_view *v = calloc(1, sizeof *v);
        if (v)
            v->bit = calloc((size_t) pack->lists.count + 1, sizeof *v->bit);
        good = v && v->bit;
        if (good) {
            v->pack = pack;
            v->mdc = &pack->mdcs.items[m];
            good = check_mdc(v, rows, drgs, findings);
        }
        if (v)
            free(v->bit);
        free(v);
    }
    if (good)
        check_lost_lists(pack, findings);
    free(rows);
    free(drgs);
    return good;
}
