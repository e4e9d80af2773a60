/* explain.c - the path of one stay as data.
 *
 * Every row is tried in order, as FORMAT.md tells it, without the grouper's shortcuts; every test
 * that was made on the way is kept with its outcome, the codes that decided it, and whether it
 * alone would have turned the rule ("decisive").  README.md describes the members. */
#include <stdlib.h>
#include <string.h>

#include "stay.h"

struct path {
    const struct drg_scheme *scheme;
    const struct drg_stay *stay;
    struct facts facts;
    struct found *dx, *op;
    const struct hzs_code *only; /* in a retry: the procedure that stands for all */
    bool retry;
    bool failed; /* out of memory somewhere */
};

static void
set(struct path *p, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        p->failed = true;
}

static void
add(struct path *p, json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0)
        p->failed = true;
}

/* Text of the scheme's or the caller's; what is no UTF-8 is shown as "?". */
static json_t *
text_json(const char *text, size_t size)
{
    json_t *json = json_stringn(text, size);

    return json ? json : json_string("?");
}

static json_t *
string_json(const struct path *p, uint32_t at)
{
    const char *text = scheme_string(p->scheme, at);

    return text_json(text, strlen(text));
}

/* ---- the codes ---- */

static const char *
code_text(const struct path *p, const struct hzs_code *code)
{
    return scheme_string(p->scheme, code->text);
}

static json_t *
complication_json(struct path *p, uint16_t table)
{
    json_t *json = json_object();
    const bool excluded = table == p->facts.pdx_table;

    set(p, json, "table",
        table == HZS_NO_TABLE ? json_null() : string_json(p, p->scheme->tables[table - 1]));
    set(p, json, "excluded", json_boolean(excluded));
    return json;
}

static json_t *
code_json(struct path *p, struct drg_text given, const struct found *found, bool dx)
{
    const struct drg_scheme *s = p->scheme;
    json_t *json = json_object();

    set(p, json, "given", text_json(given.text, given.size));
    set(p, json, "known", json_boolean(found->code != NULL));
    set(p, json, "dropped", json_boolean(found->dropped));
    if (!found->code)
        return json;
    const size_t at = (size_t) (found->code - (dx ? s->dx.codes : s->op.codes));
    set(p, json, "code", string_json(p, found->code->text));
    set(p, json, "name", string_json(p, dx ? s->dx_names[at] : s->op_names[at]));
    return json;
}

static json_t *
diagnoses_json(struct path *p)
{
    json_t *array = json_array();

    for (size_t i = 0; i < p->stay->dx_count; i++) {
        json_t *json = code_json(p, p->stay->dx[i], &p->dx[i], true);
        const struct hzs_code *code = p->dx[i].code;
        set(p, json, "principal", json_boolean(i == 0));
        if (i == 0 && code && code->table != 0)
            set(p, json, "exclusion_table", string_json(p, p->scheme->tables[code->table - 1]));
        if (i > 0 && code && code->mcc != 0)
            set(p, json, "mcc", complication_json(p, code->mcc));
        if (i > 0 && code && code->cc != 0)
            set(p, json, "cc", complication_json(p, code->cc));
        add(p, array, json);
    }
    return array;
}

static json_t *
procedures_json(struct path *p)
{
    json_t *array = json_array();
    bool first = true;

    for (size_t i = 0; i < p->stay->op_count; i++) {
        json_t *json = code_json(p, p->stay->op[i], &p->op[i], false);
        set(p, json, "principal", json_boolean(first && !p->op[i].dropped));
        first &= p->op[i].dropped;
        add(p, array, json);
    }
    return array;
}

/* ---- one test ---- */

static bool
has_bit(const uint64_t *bits, uint32_t bit)
{
    return bits[bit / 64] >> (bit % 64) & 1;
}

/* The codes of a slot that carry one of n bits from a on. */
static json_t *
hits_json(struct path *p, enum hzs_op op, uint32_t a, uint32_t n)
{
    const struct drg_scheme *s = p->scheme;
    const bool dx = op <= HZS_DX || op == HZS_PARTS;
    const size_t count = dx ? p->stay->dx_count : p->stay->op_count;
    json_t *array = json_array();
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        const struct found *found = dx ? &p->dx[i] : &p->op[i];
        bool in_slot = !found->dropped;
        const bool first = kept == 0;
        kept += in_slot;
        if (p->retry && !dx)
            in_slot &= found->code == p->only;
        else if (op == HZS_PDX || op == HZS_POP)
            in_slot &= first;
        else if (op == HZS_SDX || op == HZS_SOP)
            in_slot &= !first;
        if (!in_slot || !found->code)
            continue;
        const uint64_t *bits = dx ? s->dx_bits + (size_t) found->code->cls * s->header->dx_words
                                  : s->op_bits + (size_t) found->code->cls * s->header->op_words;
        bool hit = false;
        for (uint32_t bit = a; bit < a + n; bit++)
            hit |= has_bit(bits, bit);
        if (hit)
            add(p, array, text_json(code_text(p, found->code), strlen(code_text(p, found->code))));
    }
    return array;
}

static json_t *
parts_json(struct path *p, const struct hzs_step *step)
{
    json_t *array = json_array();

    for (uint32_t bit = step->a; bit < step->a + step->n; bit++) {
        if (has_bit(p->facts.dx, bit))
            add(p, array, string_json(p, p->scheme->dx_bit_names[bit]));
    }
    return array;
}

static json_t *
complications_json(struct path *p, enum hzs_op op)
{
    json_t *array = json_array();

    for (size_t i = 1; i < p->stay->dx_count; i++) {
        const struct hzs_code *code = p->dx[i].code;
        const uint16_t table = !code ? 0 : op == HZS_MCC ? code->mcc : code->cc;
        if (table != 0 && table != p->facts.pdx_table)
            add(p, array, text_json(code_text(p, code), strlen(code_text(p, code))));
    }
    return array;
}

static json_t *
test_json(struct path *p, const struct hzs_step *step, bool holds, bool decisive)
{
    static const char *const names[HZS_OP_COUNT] = { "pdx", "sdx",   "dx",  "pop",   "sop",
                                                     "op",  "parts", "age", "days",  "weight",
                                                     "los", "icu",   "sex", "leave", "dept",
                                                     "mcc", "cc" };
    static const char *const signs[HZS_CMP_COUNT] = { "=", "!=", "<", "<=", ">", ">=" };
    const enum hzs_op op = (enum hzs_op) step->op;
    json_t *json = json_object();

    set(p, json, "test", json_string(names[op]));
    set(p, json, "holds", json_boolean(holds));
    set(p, json, "decisive", json_boolean(decisive));
    if (op <= HZS_OP) {
        set(p, json, "list",
            string_json(p, op <= HZS_DX ? p->scheme->dx_bit_names[step->a]
                                        : p->scheme->op_bit_names[step->a]));
        set(p, json, "by", hits_json(p, op, step->a, 1));
        return json;
    }
    if (op >= HZS_MCC) {
        set(p, json, "by", complications_json(p, op));
        return json;
    }
    set(p, json, "sign", json_string(signs[step->cmp]));
    if (op == HZS_PARTS) {
        set(p, json, "by", hits_json(p, op, step->a, step->n));
        set(p, json, "parts", parts_json(p, step));
        set(p, json, "wanted", json_integer(step->b));
    } else if (op <= HZS_ICU) {
        const int32_t is = p->facts.number[op - HZS_AGE];
        set(p, json, "is", is < 0 ? json_null() : json_integer(is));
        set(p, json, "wanted", json_integer(step->b));
    } else {
        const struct drg_text is = op == HZS_SEX ? drg_text(p->stay->sex == DRG_MALE ? "M" : "F")
                                   : op == HZS_LEAVE ? p->stay->leave
                                                     : p->stay->dept;
        set(p, json, "is", is.size == 0 ? json_null() : text_json(is.text, is.size));
        set(p, json, "wanted", string_json(p, step->a));
    }
    return json;
}

/* ---- one rule ---- */

static uint32_t
walk(const struct path *p, const struct hzs_step *steps, uint32_t at)
{
    while (at < HZS_FALSE)
        at = facts_step(p->scheme, &steps[at], &p->facts) ? steps[at].yes : steps[at].no;
    return at;
}

/* Evaluates a rule and keeps its tests. */
static bool
try_rule(struct path *p, const struct hzs_rule *rule, uint32_t text, json_t *into)
{
    const struct hzs_step *steps = p->scheme->steps + rule->first;
    json_t *tests = json_array();
    const bool result = walk(p, steps, rule->entry) == HZS_TRUE;

    for (uint32_t at = rule->entry; at < HZS_FALSE;) {
        const bool holds = facts_step(p->scheme, &steps[at], &p->facts);
        const uint32_t other = holds ? steps[at].no : steps[at].yes;
        const bool decisive = (walk(p, steps, other) == HZS_TRUE) != result;
        add(p, tests, test_json(p, &steps[at], holds, decisive));
        at = holds ? steps[at].yes : steps[at].no;
    }
    set(p, into, "rule", string_json(p, text));
    set(p, into, "holds", json_boolean(result));
    set(p, into, "tests", tests);
    return result;
}

/* ---- the search, in full ---- */

static bool
try_row(struct path *p, uint32_t at, json_t *rows, struct drg_result *result)
{
    const struct drg_scheme *s = p->scheme;
    const struct hzs_row *row = &s->rows[at];
    json_t *json = json_object(), *refinements = json_array();
    bool taken = false;

    set(p, json, "key", string_json(p, row->key));
    set(p, json, "adrg", string_json(p, row->adrg));
    set(p, json, "name", string_json(p, row->name));
    set(p, json, "ambiguous", json_boolean(row->ambiguous != 0));
    if (try_rule(p, &row->rule, row->text, json)) {
        if (row->ambiguous) {
            result->status = DRG_AMBIGUOUS;
            result->why = DRG_WHY_AMBIGUOUS;
            result->drg = scheme_string(s, row->adrg);
            taken = true;
        }
        for (uint32_t i = 0; i < row->drg_count && !taken; i++) {
            const struct hzs_drg *drg = &s->drgs[row->drg_first + i];
            json_t *one = json_object();
            set(p, one, "drg", string_json(p, drg->code));
            set(p, one, "name", string_json(p, drg->name));
            taken = try_rule(p, &drg->rule, drg->text, one);
            add(p, refinements, one);
            if (taken) {
                result->status = DRG_OK;
                result->why = DRG_WHY_NONE;
                result->drg = scheme_string(s, drg->code);
                result->refinement = row->drg_first + i;
            }
        }
    }
    if (taken) {
        result->mdc = scheme_string(s, s->mdcs[row->mdc].code);
        result->adrg = scheme_string(s, row->adrg);
        result->row = at;
    }
    set(p, json, "refinements", refinements);
    set(p, json, "taken", json_boolean(taken));
    add(p, rows, json);
    return taken;
}

static bool
try_all(struct path *p, json_t *passes, struct drg_result *result)
{
    const struct drg_scheme *s = p->scheme;
    json_t *pass = json_object(), *mdcs = json_array();
    bool taken = false;

    set(p, pass, "only_procedure",
        !p->retry ? json_null()
        : p->only ? json_string(code_text(p, p->only))
                  : json_string("?"));
    for (uint32_t m = 0; m < s->mdc_count && !taken; m++) {
        const struct hzs_mdc *mdc = &s->mdcs[m];
        json_t *json = json_object(), *rows = json_array();
        set(p, json, "mdc", string_json(p, mdc->code));
        set(p, json, "name", string_json(p, mdc->name));
        if (try_rule(p, &mdc->rule, mdc->text, json)) {
            for (uint32_t r = 0; r < mdc->row_count && !taken; r++)
                taken = try_row(p, mdc->row_first + r, rows, result);
        }
        set(p, json, "rows", rows);
        set(p, json, "taken", json_boolean(taken));
        add(p, mdcs, json);
    }
    set(p, pass, "mdcs", mdcs);
    add(p, passes, pass);
    return taken;
}

static void
search_all(struct path *p, json_t *passes, struct drg_result *result)
{
    size_t kept = 0;

    if (try_all(p, passes, result))
        return;
    for (size_t i = 0; i < p->stay->op_count && p->scheme->header->retry; i++) {
        if (p->op[i].dropped || kept++ == 0)
            continue;
        p->retry = true;
        p->only = p->op[i].code;
        facts_one_procedure(p->scheme, p->only, &p->facts);
        if (try_all(p, passes, result))
            return;
    }
    result->status = DRG_NO_GROUP;
    result->why = DRG_WHY_ALL_FAILED;
}

/* ---- the whole ---- */

static json_t *
number_json(int32_t number)
{
    return number < 0 ? json_null() : json_integer(number);
}

static json_t *
stay_json(struct path *p)
{
    static const char *const sexes[] = { "", "M", "F" };
    const struct drg_stay *stay = p->stay;
    json_t *json = json_object();

    set(p, json, "sex", stay->sex == DRG_SEX_MISSING ? json_null() : json_string(sexes[stay->sex]));
    set(p, json, "age", number_json(stay->age));
    set(p, json, "days", number_json(stay->days));
    set(p, json, "weight", number_json(stay->weight));
    set(p, json, "los", number_json(stay->los));
    set(p, json, "icu", number_json(stay->icu));
    set(p, json, "dept", text_json(stay->dept.text ? stay->dept.text : "", stay->dept.size));
    set(p, json, "leave", text_json(stay->leave.text ? stay->leave.text : "", stay->leave.size));
    set(p, json, "converted", json_boolean(stay->convert));
    return json;
}

static json_t *
result_json(struct path *p, const struct drg_result *result, const struct drg_result *grouped)
{
    const struct drg_scheme *s = p->scheme;
    json_t *json = json_object();

    set(p, json, "status", json_string(drg_status_wire(result->status)));
    set(p, json, "mdc", json_string(result->mdc));
    set(p, json, "adrg", json_string(result->adrg));
    set(p, json, "drg", json_string(result->drg));
    if (result->row != UINT32_MAX) {
        const struct hzs_row *row = &s->rows[result->row];
        set(p, json, "mdc_name", string_json(p, s->mdcs[row->mdc].name));
        set(p, json, "adrg_name", string_json(p, row->name));
        set(p, json, "drg_name",
            string_json(p, result->refinement == UINT32_MAX ? row->name
                                                            : s->drgs[result->refinement].name));
    }
    set(p, json, "why", json_string(drg_reason_wire(result->why)));
    set(p, json, "why_zh", json_string(drg_reason_zh(result->why)));
    set(p, json, "why_en", json_string(drg_reason_en(result->why)));
    set(p, json, "reason", text_json(grouped->reason, strlen(grouped->reason)));
    return json;
}

static json_t *
identity_json(const struct drg_scheme *scheme)
{
    const struct drg_identity *who = &scheme->identity;

    return json_pack("{ss ss ss ss}", "id", who->id, "name", who->name, "version", who->version,
                     "checksum", who->checksum);
}

static json_t *
explain(struct path *p)
{
    struct drg_result result = {
        .mdc = "", .adrg = "", .drg = "", .row = UINT32_MAX, .refinement = UINT32_MAX
    };
    struct drg_result grouped;
    json_t *trace = json_object(), *passes = json_array();

    for (size_t i = 0; i < p->stay->dx_count; i++)
        (void) stay_find_dx(p->scheme, p->stay, i, &p->dx[i]);
    for (size_t i = 0; i < p->stay->op_count; i++)
        (void) stay_find_op(p->scheme, p->stay, i, &p->op[i]);
    result.status = facts_gather(p->scheme, p->stay, &p->facts, &result.why);
    drg_group(p->scheme, p->stay, &grouped);
    set(p, trace, "scheme", identity_json(p->scheme));
    set(p, trace, "stay", stay_json(p));
    set(p, trace, "diagnoses", diagnoses_json(p));
    set(p, trace, "procedures", procedures_json(p));
    if (result.status == DRG_OK)
        search_all(p, passes, &result);
    set(p, trace, "passes", passes);
    set(p, trace, "result", result_json(p, &result, &grouped));
    set(p, trace, "agrees",
        json_boolean(result.status == grouped.status && strcmp(result.mdc, grouped.mdc) == 0 &&
                     strcmp(result.adrg, grouped.adrg) == 0 &&
                     strcmp(result.drg, grouped.drg) == 0));
    return trace;
}

json_t *
drg_explain(const struct drg_scheme *scheme, const struct drg_stay *stay)
{
    struct path *p = calloc(1, sizeof *p);
    json_t *trace = NULL;

    if (!p)
        return NULL;
    p->scheme = scheme;
    p->stay = stay;
    p->dx = calloc(stay->dx_count + 1, sizeof *p->dx);
    p->op = calloc(stay->op_count + 1, sizeof *p->op);
    if (p->dx && p->op)
        trace = explain(p);
    if (p->failed) {
        json_decref(trace);
        trace = NULL;
    }
    free(p->dx);
    free(p->op);
    free(p);
    return trace;
}
