/* group.c - one stay to its group.
 *
 * The order of work is FORMAT.md's "Grouping one record"; what is left out is only what cannot
 * change the answer (hzs.h).  Nothing here allocates, and all state is on the stack. */
#include <stdio.h>
#include <string.h>

#include "stay.h"

static const struct {
    const char *wire, *zh, *en;
} statuses[DRG_STATUS_COUNT] = {
#define DRG_STATUS(symbol, wire, zh, en) { (wire), (zh), (en) },
#include "statuses.def"
#undef DRG_STATUS
}, reasons[DRG_REASON_COUNT] = {
#define DRG_REASON(symbol, wire, zh, en) { (wire), (zh), (en) },
#include "reasons.def"
#undef DRG_REASON
};

const char *
drg_status_wire(enum drg_status status)
{
    return statuses[status].wire;
}

const char *
drg_status_zh(enum drg_status status)
{
    return statuses[status].zh;
}

const char *
drg_status_en(enum drg_status status)
{
    return statuses[status].en;
}

const char *
drg_reason_wire(enum drg_reason reason)
{
    return reasons[reason].wire;
}

const char *
drg_reason_zh(enum drg_reason reason)
{
    return reasons[reason].zh;
}

const char *
drg_reason_en(enum drg_reason reason)
{
    return reasons[reason].en;
}

struct drg_text
drg_text(const char *text)
{
    return (struct drg_text){ text, strlen(text) };
}

int32_t
drg_number(const char *text, size_t size)
{
    int32_t number = 0;

    if (size == 0)
        return DRG_MISSING;
    if (size > 9) /* more than a stay can have of anything; leading zeros are no number either */
        return DRG_BAD;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return DRG_BAD;
        number = number * 10 + (text[i] - '0');
    }
    return number;
}

enum drg_sex
drg_sex(const char *text, size_t size)
{
    if (size == 1)
        return text[0] == '1' || text[0] == 'M'   ? DRG_MALE
               : text[0] == '2' || text[0] == 'F' ? DRG_FEMALE
                                                  : DRG_SEX_MISSING;
    if (size == 3 && memcmp(text, "男", 3) == 0)
        return DRG_MALE;
    if (size == 3 && memcmp(text, "女", 3) == 0)
        return DRG_FEMALE;
    return DRG_SEX_MISSING;
}

/* ---- what is known of the record ---- */

static inline void
merge(uint64_t *into, const uint64_t *from, uint32_t words)
{
    for (uint32_t i = 0; i < words; i++)
        into[i] |= from[i];
}

/* One code, converted if asked for.  *dropped: the conversion takes it out of the record.
 * false: it cannot be converted. */
static inline bool
find_code(const struct drg_scheme *s, const struct dictionary *d, const struct dictionary *map,
          struct drg_text text, struct found *found)
{
    *found = (struct found){ NULL, false };
    if (!map) {
        const struct hzs_code *code = text.size > 0 ? dictionary_get(s, d, text) : NULL;
        found->code = code && !(code->flags & HZS_FOREIGN) ? code : NULL;
        return true;
    }
    const struct hzs_code *from = dictionary_get(s, map, text);
    if (!from)
        return false;
    found->dropped = from->cls == 0;
    if (!found->dropped && !(d->codes[from->cls - 1].flags & HZS_FOREIGN))
        found->code = &d->codes[from->cls - 1];
    return true;
}

enum drg_reason
stay_find_dx(const struct drg_scheme *s, const struct drg_stay *stay, size_t i, struct found *found)
{
    if (!find_code(s, &s->dx, stay->convert ? &s->dx_map : NULL, stay->dx[i], found))
        return DRG_WHY_DX_NO_ROW;
    return found->dropped && i == 0 ? DRG_WHY_DX_DROPPED : DRG_WHY_NONE;
}

enum drg_reason
stay_find_op(const struct drg_scheme *s, const struct drg_stay *stay, size_t i, struct found *found)
{
    if (!find_code(s, &s->op, stay->convert ? &s->op_map : NULL, stay->op[i], found))
        return DRG_WHY_OP_NO_ROW;
    return found->dropped && i == 0 ? DRG_WHY_OP_DROPPED : DRG_WHY_NONE;
}

/* A complication counts unless the principal diagnosis stands in the complication's own table. */
static inline bool
complicates(uint16_t table, uint16_t principal)
{
    return table != 0 && table != principal;
}

static enum drg_reason
add_diagnoses(const struct drg_scheme *s, struct facts *f)
{
    const uint32_t wide = s->header->dx_wide;
    const struct drg_stay *stay = f->stay;
    struct found found;

    f->set[HZS_PDX] = s->dx_bits;
    memset(f->sdx, 0, wide * sizeof *f->sdx);
    for (size_t i = 0; i < stay->dx_count; i++) {
        const enum drg_reason why = stay_find_dx(s, stay, i, &found);
        if (why != DRG_WHY_NONE)
            return why;
        const struct hzs_code *code = found.code;
        if (!code) {
            f->unknown_dx += !found.dropped && stay->dx[i].size > 0;
            continue;
        }
        const uint64_t *bits = s->dx_bits + (size_t) code->cls * s->header->dx_words;
        if (i == 0) {
            f->pdx_class = code->cls;
            f->pdx_table = code->table;
            f->set[HZS_PDX] = bits;
            continue;
        }
        f->mcc |= complicates(code->mcc, f->pdx_table);
        f->cc |= complicates(code->cc, f->pdx_table);
        if (code->cls != 0)
            merge(f->sdx, bits, wide);
    }
    memcpy(f->dx, f->sdx, wide * sizeof *f->dx);
    merge(f->dx, f->set[HZS_PDX], wide);
    f->set[HZS_SDX] = f->sdx;
    f->set[HZS_DX] = f->dx;
    return DRG_WHY_NONE;
}

/* Sees the procedures through one after another. */
static enum drg_reason
add_procedures(const struct drg_scheme *s, struct facts *f)
{
    const uint32_t wide = s->header->op_wide;
    const struct drg_stay *stay = f->stay;
    struct found found;

    f->set[HZS_POP] = s->op_bits;
    memset(f->sop, 0, wide * sizeof *f->sop);
    for (size_t i = 0; i < stay->op_count; i++) {
        const enum drg_reason why = stay_find_op(s, stay, i, &found);
        if (why != DRG_WHY_NONE)
            return why;
        if (found.dropped)
            continue;
        f->op_kept++;
        f->unknown_op += !found.code && stay->op[i].size > 0;
        if (!found.code || found.code->cls == 0)
            continue;
        const uint64_t *bits = s->op_bits + (size_t) found.code->cls * s->header->op_words;
        if (f->op_kept == 1) {
            f->pop_class = found.code->cls;
            f->set[HZS_POP] = bits;
        } else {
            merge(f->sop, bits, wide);
        }
    }
    memcpy(f->op, f->sop, wide * sizeof *f->op);
    merge(f->op, f->set[HZS_POP], wide);
    f->set[HZS_SOP] = f->sop;
    f->set[HZS_OP] = f->op;
    return DRG_WHY_NONE;
}

static enum drg_reason
check_stay(const struct drg_scheme *s, const struct drg_stay *stay)
{
    if (stay->age < DRG_MISSING)
        return DRG_WHY_AGE_BAD;
    if (stay->days < DRG_MISSING)
        return DRG_WHY_DAYS_BAD;
    if (stay->weight < DRG_MISSING)
        return DRG_WHY_WEIGHT_BAD;
    if (stay->los < DRG_MISSING)
        return DRG_WHY_LOS_BAD;
    if (stay->icu < DRG_MISSING)
        return DRG_WHY_ICU_BAD;
    if (stay->sex == DRG_SEX_MISSING)
        return DRG_WHY_SEX_MISSING;
    if (stay->age == DRG_MISSING)
        return DRG_WHY_AGE_MISSING;
    if (stay->age > DRG_AGE_MAX)
        return DRG_WHY_AGE_IMPOSSIBLE;
    if (stay->age == 0 && stay->days == DRG_MISSING)
        return DRG_WHY_DAYS_MISSING;
    if (stay->age == 0 && stay->days <= (int32_t) s->header->newborn_days && stay->weight <= 0)
        return DRG_WHY_WEIGHT_MISSING;
    if (stay->dx_count == 0 || stay->dx[0].size == 0)
        return DRG_WHY_PDX_MISSING;
    return DRG_WHY_NONE;
}

enum drg_status
facts_gather(const struct drg_scheme *s, const struct drg_stay *stay, struct facts *f,
             enum drg_reason *why)
{
    f->stay = stay;
    f->unknown_dx = f->unknown_op = f->pdx_class = f->pop_class = f->op_kept = 0;
    f->pdx_table = 0;
    f->mcc = f->cc = false;
    f->number[HZS_AGE - HZS_AGE] = stay->age;
    f->number[HZS_DAYS - HZS_AGE] = stay->days;
    f->number[HZS_WEIGHT - HZS_AGE] = stay->weight == 0 ? DRG_MISSING : stay->weight;
    f->number[HZS_LOS - HZS_AGE] = stay->los;
    f->number[HZS_ICU - HZS_AGE] = stay->icu;
    if ((*why = add_diagnoses(s, f)) != DRG_WHY_NONE)
        return DRG_DX_NOT_MAPPED;
    if ((*why = add_procedures(s, f)) != DRG_WHY_NONE)
        return DRG_PROC_NOT_MAPPED;
    if ((*why = check_stay(s, stay)) != DRG_WHY_NONE)
        return DRG_CHECK_FAILED;
    return DRG_OK;
}

void
facts_one_procedure(const struct drg_scheme *s, const struct hzs_code *code, struct facts *f)
{
    f->pop_class = code ? code->cls : 0;
    f->op_kept = 1;
    f->set[HZS_POP] = s->op_bits + (size_t) f->pop_class * s->header->op_words;
    f->set[HZS_OP] = f->set[HZS_POP];
    memset(f->sop, 0, s->header->op_wide * sizeof *f->sop);
}

/* ---- rules ---- */

static bool
text_step(const struct drg_scheme *s, const struct hzs_step *step, const struct facts *f)
{
    static const struct drg_text sexes[] = { { "", 0 }, { "M", 1 }, { "F", 1 } };
    const struct drg_text is = step->op == HZS_SEX     ? sexes[f->stay->sex]
                               : step->op == HZS_LEAVE ? f->stay->leave
                                                       : f->stay->dept;
    const char *want = scheme_string(s, step->a);
    const size_t size = strlen(want);

    if (is.size == 0)
        return false;
    const bool equal = is.size == size && memcmp(is.text, want, size) == 0;
    return step->cmp == HZS_EQ ? equal : !equal;
}

static bool
parts_step(const struct hzs_step *step, const struct facts *f)
{
    int parts = 0;

    for (uint32_t bit = step->a; bit < step->a + step->n; bit++)
        parts += (int) (f->dx[bit / 64] >> (bit % 64) & 1);
    return compare_numbers((enum hzs_cmp) step->cmp, parts, step->b);
}

bool
facts_step(const struct drg_scheme *s, const struct hzs_step *step, const struct facts *f)
{
    switch ((enum hzs_op) step->op) {
    case HZS_PDX:
    case HZS_SDX:
    case HZS_DX:
    case HZS_POP:
    case HZS_SOP:
    case HZS_OP:
        return f->set[step->op][step->a / 64] >> (step->a % 64) & 1;
    case HZS_PARTS:
        return parts_step(step, f);
    case HZS_AGE:
    case HZS_DAYS:
    case HZS_WEIGHT:
    case HZS_LOS:
    case HZS_ICU:
        return f->number[step->op - HZS_AGE] >= 0 &&
               compare_numbers((enum hzs_cmp) step->cmp, f->number[step->op - HZS_AGE], step->b);
    case HZS_SEX:
    case HZS_LEAVE:
    case HZS_DEPT:
        return text_step(s, step, f);
    case HZS_MCC:
        return f->mcc;
    case HZS_CC:
        return f->cc;
    case HZS_OP_COUNT:
        break;
    }
    return false;
}

static inline bool
holds(const struct drg_scheme *s, const struct hzs_rule *rule, const struct facts *f)
{
    const struct hzs_step *steps = s->steps + rule->first;
    uint32_t at = rule->entry;

    while (at < HZS_FALSE)
        at = facts_step(s, &steps[at], f) ? steps[at].yes : steps[at].no;
    return at == HZS_TRUE;
}

/* ---- the search ---- */

/* Tries one candidate row.  true: it takes the stay. */
static inline bool
row_takes(const struct drg_scheme *s, uint32_t at, const struct facts *f, struct drg_result *result)
{
    const struct hzs_row *row = &s->rows[at];

    if (!holds(s, &row->rule, f))
        return false;
    if (row->ambiguous) {
        result->status = DRG_AMBIGUOUS;
        result->why = DRG_WHY_AMBIGUOUS;
        result->adrg = result->drg = scheme_string(s, row->adrg);
    } else {
        uint32_t i = row->drg_first;
        const uint32_t end = row->drg_first + row->drg_count;
        while (i < end && !holds(s, &s->drgs[i].rule, f))
            i++;
        if (i == end)
            return false;
        result->status = DRG_OK;
        result->why = DRG_WHY_NONE;
        result->adrg = scheme_string(s, row->adrg);
        result->drg = scheme_string(s, s->drgs[i].code);
        result->refinement = i;
    }
    result->mdc = scheme_string(s, s->mdcs[row->mdc].code);
    result->row = at;
    return true;
}

static bool
search(const struct drg_scheme *s, const struct facts *f, struct drg_result *result)
{
    const uint32_t words = s->header->row_words;
    const uint64_t *by_dx = s->dx_rows + (size_t) f->pdx_class * words;
    const uint64_t *by_op =
        (f->op_kept > 1 ? s->op_rows_many : s->op_rows_one) + (size_t) f->pop_class * words;
    uint32_t mdc = UINT32_MAX;
    bool mdc_holds = false;

    for (uint32_t word = 0; word < words; word++) {
        for (uint64_t rows = by_dx[word] & by_op[word]; rows != 0; rows &= rows - 1) {
            const uint32_t at = word * 64 + (uint32_t) __builtin_ctzll(rows);
            if (s->rows[at].mdc != mdc) {
                mdc = s->rows[at].mdc;
                mdc_holds = holds(s, &s->mdcs[mdc].rule, f);
            }
            if (mdc_holds && row_takes(s, at, f, result))
                return true;
        }
    }
    return false;
}

/* Some regions let every further procedure have its turn as the only one. */
static bool
search_again(const struct drg_scheme *s, struct facts *f, struct drg_result *result)
{
    const struct drg_stay *stay = f->stay;
    struct found found;
    uint32_t kept = 0;

    for (size_t i = 0; i < stay->op_count; i++) {
        (void) stay_find_op(s, stay, i, &found); /* it was found before */
        if (found.dropped || kept++ == 0)
            continue;
        facts_one_procedure(s, found.code, f);
        if (search(s, f, result))
            return true;
    }
    return false;
}

/* ---- the reason ---- */

struct reason_writer {
    char *at, *end;
};

static void
put(struct reason_writer *w, const char *text, size_t size)
{
    const size_t room = (size_t) (w->end - w->at);

    if (size > room) { /* never cut a character in two */
        size = room;
        while (size > 0 && ((unsigned char) text[size] & 0xc0) == 0x80)
            size--;
        memcpy(w->at, text, size);
        w->at += size;
        w->end = w->at;
        return;
    }
    memcpy(w->at, text, size);
    w->at += size;
}

static void
put_reason(struct reason_writer *w, enum drg_reason why)
{
    put(w, reasons[why].wire, strlen(reasons[why].wire));
    put(w, " ", 1);
    put(w, reasons[why].zh, strlen(reasons[why].zh));
    put(w, " / ", 3);
    put(w, reasons[why].en, strlen(reasons[why].en));
}

static void
put_unknown(struct reason_writer *w, const struct drg_scheme *s, const struct drg_stay *stay)
{
    struct found found;
    const char *before = ": ";

    for (size_t i = 0; i < stay->dx_count; i++) {
        if (stay_find_dx(s, stay, i, &found) == DRG_WHY_NONE && !found.code && !found.dropped &&
            stay->dx[i].size > 0) {
            put(w, before, strlen(before));
            put(w, stay->dx[i].text, stay->dx[i].size);
            before = "|";
        }
    }
    for (size_t i = 0; i < stay->op_count; i++) {
        if (stay_find_op(s, stay, i, &found) == DRG_WHY_NONE && !found.code && !found.dropped &&
            stay->op[i].size > 0) {
            put(w, before, strlen(before));
            put(w, stay->op[i].text, stay->op[i].size);
            before = "|";
        }
    }
}

static void
write_reason(const struct drg_scheme *s, const struct drg_stay *stay, struct drg_result *result)
{
    struct reason_writer w = { result->reason, result->reason + sizeof result->reason - 1 };

    if (result->why != DRG_WHY_NONE)
        put_reason(&w, result->why);
    if (result->unknown_dx + result->unknown_op > 0) {
        if (result->why != DRG_WHY_NONE)
            put(&w, "; ", 2);
        put_reason(&w, DRG_WHY_UNKNOWN);
        put_unknown(&w, s, stay);
    }
    *w.at = '\0';
}

static void
clear_result(const struct drg_scheme *scheme, struct drg_result *result)
{
    result->mdc = result->adrg = result->drg = "";
    result->row = result->refinement = UINT32_MAX;
    result->unknown_dx = result->unknown_op = 0;
    result->scheme = &scheme->identity;
    result->reason[0] = '\0';
}

void
drg_bad_row(const struct drg_scheme *scheme, enum drg_reason why, struct drg_result *result)
{
    struct reason_writer w = { result->reason, result->reason + sizeof result->reason - 1 };

    clear_result(scheme, result);
    result->status = DRG_BAD_ROW;
    result->why = why;
    put_reason(&w, why);
    *w.at = '\0';
}

void
drg_group(const struct drg_scheme *scheme, const struct drg_stay *stay, struct drg_result *result)
{
    struct facts facts;

    clear_result(scheme, result);
    result->status = facts_gather(scheme, stay, &facts, &result->why);
    result->unknown_dx = facts.unknown_dx;
    result->unknown_op = facts.unknown_op;
    if (result->status == DRG_OK && !search(scheme, &facts, result) &&
        !(scheme->header->retry && facts.op_kept > 1 && search_again(scheme, &facts, result))) {
        result->status = DRG_NO_GROUP;
        result->why = DRG_WHY_ALL_FAILED;
    }
    if (result->why != DRG_WHY_NONE || result->unknown_dx + result->unknown_op > 0)
        write_reason(scheme, stay, result);
}
