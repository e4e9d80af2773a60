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

static inline void
set_to(uint64_t *into, uint64_t value, uint32_t words)
{
    for (uint32_t i = 0; i < words; i++)
        into[i] = value;
}

/* What a search found, converted if asked for.  false: it cannot be converted. */
static inline bool
take_found(const struct dictionary *d, bool convert, const struct hzs_code *code,
           struct found *found)
{
    found->dropped = false;
    if (convert) {
        if (!code)
            return false;
        found->dropped = code->cls == 0;
        code = found->dropped ? NULL : &d->codes[code->cls - 1];
    }
    found->code = code && !(code->flags & HZS_FOREIGN) ? code : NULL;
    return true;
}

static inline enum drg_reason
take_dx(const struct drg_scheme *s, const struct drg_stay *stay, size_t i,
        const struct hzs_code *code, struct found *found)
{
    if (!take_found(&s->dx, stay->convert, code, found))
        return DRG_WHY_DX_NO_ROW;
    return found->dropped && i == 0 ? DRG_WHY_DX_DROPPED : DRG_WHY_NONE;
}

static inline enum drg_reason
take_op(const struct drg_scheme *s, const struct drg_stay *stay, size_t i,
        const struct hzs_code *code, struct found *found)
{
    if (!take_found(&s->op, stay->convert, code, found))
        return DRG_WHY_OP_NO_ROW;
    return found->dropped && i == 0 ? DRG_WHY_OP_DROPPED : DRG_WHY_NONE;
}

enum drg_reason
stay_find_dx(const struct drg_scheme *s, const struct drg_stay *stay, size_t i, struct found *found)
{
    const struct dictionary *d = stay->convert ? &s->dx_map : &s->dx;

    return take_dx(s, stay, i, dictionary_get(s, d, stay->dx[i]), found);
}

enum drg_reason
stay_find_op(const struct drg_scheme *s, const struct drg_stay *stay, size_t i, struct found *found)
{
    const struct dictionary *d = stay->convert ? &s->op_map : &s->op;

    return take_op(s, stay, i, dictionary_get(s, d, stay->op[i]), found);
}

/* A complication counts unless the principal diagnosis stands in the complication's own table. */
static inline bool
complicates(uint16_t table, uint16_t principal)
{
    return table != 0 && table != principal;
}

static inline enum drg_reason
add_diagnosis(const struct drg_scheme *s, struct facts *f, size_t i, const struct hzs_code *code)
{
    struct found found;
    const enum drg_reason why = take_dx(s, f->stay, i, code, &found);

    if (why != DRG_WHY_NONE)
        return why;
    code = found.code;
    if (!code) {
        f->unknown_dx += !found.dropped && f->stay->dx[i].size > 0;
        return DRG_WHY_NONE;
    }
    const uint64_t *bits = s->dx_bits + (size_t) code->cls * s->header->dx_words;
    if (i == 0) {
        f->pdx_class = code->cls;
        f->pdx_table = code->table;
        f->set[HZS_PDX] = bits;
        return DRG_WHY_NONE;
    }
    f->mcc |= complicates(code->mcc, f->pdx_table);
    f->cc |= complicates(code->cc, f->pdx_table);
    merge(f->sdx, bits, s->header->dx_wide);
    return DRG_WHY_NONE;
}

static inline enum drg_reason
add_procedure(const struct drg_scheme *s, struct facts *f, size_t i, const struct hzs_code *code)
{
    struct found found;
    const enum drg_reason why = take_op(s, f->stay, i, code, &found);

    if (why != DRG_WHY_NONE || found.dropped)
        return why;
    f->op_kept++;
    f->unknown_op += !found.code && f->stay->op[i].size > 0;
    if (!found.code)
        return DRG_WHY_NONE;
    const uint64_t *bits = s->op_bits + (size_t) found.code->cls * s->header->op_words;
    if (f->op_kept == 1) {
        f->pop_class = found.code->cls;
        f->set[HZS_POP] = bits;
    } else {
        merge(f->sop, bits, s->header->op_wide);
    }
    return DRG_WHY_NONE;
}

/* Searches under way at once.  Memory answers in 60 to 200 ns where the near caches do not hold a
 * code, a search itself takes 8; more stays at once than fill that time gain nothing (measured: 16,
 * 32, 64 codes). */
enum { FLIGHT_CODES = 64, FLIGHT_STAYS = 16 };

/* The codes of a stay as one row, the diagnoses first. */
static inline size_t
code_count(const struct drg_stay *stay)
{
    return stay->dx_count + stay->op_count;
}

static inline void
begin_searches(const struct drg_scheme *s, const struct drg_stay *stay, size_t from, size_t count,
               struct search *search)
{
    const struct dictionary *dx = stay->convert ? &s->dx_map : &s->dx;
    const struct dictionary *op = stay->convert ? &s->op_map : &s->op;

    for (size_t i = 0, at = from; i < count; i++, at++) {
        if (at < stay->dx_count)
            search_begin(&search[i], dx, stay->dx[at]);
        else
            search_begin(&search[i], op, stay->op[at - stay->dx_count]);
    }
}

static inline enum drg_reason
end_searches(const struct drg_scheme *s, struct facts *f, size_t from, size_t count,
             const struct search *search)
{
    const size_t dx_count = f->stay->dx_count;

    for (size_t i = 0, at = from; i < count; i++, at++) {
        const struct hzs_code *code = search_end(s, &search[i]);
        const enum drg_reason why = at < dx_count ? add_diagnosis(s, f, at, code)
                                                  : add_procedure(s, f, at - dx_count, code);
        if (why != DRG_WHY_NONE)
            return why;
    }
    return DRG_WHY_NONE;
}

/* A stay of more codes than fly at once. */
static enum drg_reason
search_in_turns(const struct drg_scheme *s, struct facts *f)
{
    struct search search[FLIGHT_CODES];
    const size_t count = code_count(f->stay);

    for (size_t from = 0; from < count; from += FLIGHT_CODES) {
        const size_t part = count - from < FLIGHT_CODES ? count - from : FLIGHT_CODES;
        begin_searches(s, f->stay, from, part, search);
        for (size_t i = 0; i < part; i++)
            search_prepare(&search[i]);
        const enum drg_reason why = end_searches(s, f, from, part, search);
        if (why != DRG_WHY_NONE)
            return why;
    }
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

/* ready: the stay's searches, begun and prepared; NULL: they are still to be made. */
static enum drg_status
gather(const struct drg_scheme *s, struct facts *f, const struct search *ready,
       enum drg_reason *why)
{
    const struct drg_stay *stay = f->stay;

    f->unknown_dx = f->unknown_op = f->pdx_class = f->pop_class = f->op_kept = 0;
    f->pdx_table = 0;
    f->mcc = f->cc = false;
    f->number[0] = stay->age; /* HZS_AGE is the first */
    f->number[HZS_DAYS - HZS_AGE] = stay->days;
    f->number[HZS_WEIGHT - HZS_AGE] = stay->weight == 0 ? DRG_MISSING : stay->weight;
    f->number[HZS_LOS - HZS_AGE] = stay->los;
    f->number[HZS_ICU - HZS_AGE] = stay->icu;
    f->set[HZS_PDX] = s->dx_bits; /* class 0 is in no list */
    f->set[HZS_POP] = s->op_bits;
    set_to(f->sdx, 0, s->header->dx_wide);
    set_to(f->sop, 0, s->header->op_wide);
    *why = ready ? end_searches(s, f, 0, code_count(stay), ready) : search_in_turns(s, f);
    if (*why != DRG_WHY_NONE)
        return *why == DRG_WHY_DX_NO_ROW || *why == DRG_WHY_DX_DROPPED ? DRG_DX_NOT_MAPPED
                                                                       : DRG_PROC_NOT_MAPPED;
    for (uint32_t i = 0; i < s->header->dx_wide; i++)
        f->dx[i] = f->sdx[i] | f->set[HZS_PDX][i];
    for (uint32_t i = 0; i < s->header->op_wide; i++)
        f->op[i] = f->sop[i] | f->set[HZS_POP][i];
    f->set[HZS_SDX] = f->sdx;
    f->set[HZS_DX] = f->dx;
    f->set[HZS_SOP] = f->sop;
    f->set[HZS_OP] = f->op;
    if ((*why = check_stay(s, stay)) != DRG_WHY_NONE)
        return DRG_CHECK_FAILED;
    return DRG_OK;
}

enum drg_status
facts_gather(const struct drg_scheme *s, const struct drg_stay *stay, struct facts *f,
             enum drg_reason *why)
{
    f->stay = stay;
    return gather(s, f, NULL, why);
}

void
facts_one_procedure(const struct drg_scheme *s, const struct hzs_code *code, struct facts *f)
{
    f->pop_class = code ? code->cls : 0;
    f->op_kept = 1;
    f->set[HZS_POP] = s->op_bits + (size_t) f->pop_class * s->header->op_words;
    f->set[HZS_OP] = f->set[HZS_POP];
    set_to(f->sop, 0, s->header->op_wide);
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

static void
group_one(const struct drg_scheme *scheme, const struct drg_stay *stay, const struct search *ready,
          struct drg_result *result)
{
    struct facts facts;

    facts.stay = stay;
    clear_result(scheme, result);
    result->status = gather(scheme, &facts, ready, &result->why);
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

void
drg_group(const struct drg_scheme *scheme, const struct drg_stay *stay, struct drg_result *result)
{
    drg_group_many(scheme, stay, 1, result);
}

void
drg_group_many(const struct drg_scheme *scheme, const struct drg_stay *stays, size_t count,
               struct drg_result *results)
{
    struct search search[FLIGHT_CODES];

    for (size_t done = 0; done < count;) {
        size_t together = 0, codes = 0;
        while (done + together < count && together < FLIGHT_STAYS &&
               codes + code_count(&stays[done + together]) <= FLIGHT_CODES) {
            const struct drg_stay *stay = &stays[done + together++];
            begin_searches(scheme, stay, 0, code_count(stay), search + codes);
            codes += code_count(stay);
        }
        if (together == 0) { /* too long to fly with others */
            group_one(scheme, &stays[done], NULL, &results[done]);
            done++;
            continue;
        }
        for (size_t i = 0; i < codes; i++)
            search_prepare(&search[i]);
        for (size_t from = 0; together > 0; together--, done++) {
            group_one(scheme, &stays[done], search + from, &results[done]);
            from += code_count(&stays[done]);
        }
    }
}
