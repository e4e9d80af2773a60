/* templates.c - what the four source texts say of a programme, as data (requirements, section 14).
 *
 * Where a text is silent the template is silent, too, and the check asks: an amount of "a certain
 * level" (一定额度) is for the township to decide.  Where a text names several sources for one
 * amount without splitting it, the whole stands with the first; officers split it. */
#include "templates.h"

#include <stdlib.h>
#include <string.h>

#include "rules.h"
#include "svc/room.h"

enum { SHARES_MAX = 3, CATEGORIES_MAX = 6, THRESHOLDS_MAX = 4, KINDS_MAX = 8 };

#define ELIGIBILITY(x) CONTRIBUTIONS__PROGRAMME__ELIGIBILITY__##x
#define FEE(x) CONTRIBUTIONS__PROGRAMME__FEE_SOURCE__##x
#define USE(x) CONTRIBUTIONS__PROGRAMME__USE__##x
#define EXCLUDED(x) CONTRIBUTIONS__PROGRAMME__EXCLUSION__##x
#define INSURED(x) CONTRIBUTIONS__INSURANCE__KIND__##x
#define BASIS(x) CONTRIBUTIONS__PROGRAMME__THRESHOLD__BASIS__##x

struct plan {
    const char *name, *title, *window_reason;
    const char *kept_out[CATEGORIES_MAX], *subsidised[CATEGORIES_MAX], *reports[KINDS_MAX];
    int64_t standard, minimum, subsidy; /* yuan; the subsidy by the county */
    struct {
        int source;
        int64_t yuan;
    } shares[SHARES_MAX];
    struct {
        int insurance, basis;
        int64_t yuan; /* 0: the township decides */
    } thresholds[THRESHOLDS_MAX];
    int as_of[3], starts_on[3], ends_on[3]; /* 0: left open */
    int window_from[3], window_until[3];    /* 0: the default */
    int exclusions[KINDS_MAX];
    int eligibility, fee_source;
    uint32_t people_warning, household_gate, household_target, village_target;
    bool whole_household, new_members_after;
};

static const struct plan templates[] = {
    { .name = "jiangsu",
      .title = "乡村医疗互助（江苏标准）",
      .eligibility = ELIGIBILITY(COLLECTIVE_OR_REGISTERED),
      .people_warning = 2000,
      .thresholds = { { INSURED(RESIDENT), BASIS(OWN_PAYMENT), 0 },
                      { INSURED(EMPLOYEE), BASIS(OWN_PAYMENT), 0 } },
      .fee_source = FEE(NO_FEE),
      .exclusions = { EXCLUDED(OUTPATIENT) },
      .reports = { "yearly" } },
    { .name = "yishan_2024",
      .title = "伊山镇2024年乡村医疗互助",
      .standard = 50,
      .minimum = 50,
      .shares = { { SOURCE(PERSONAL), 30 }, { SOURCE(TOWN_FINANCE), 20 } },
      .eligibility = ELIGIBILITY(REGISTERED_ONLY),
      .people_warning = 2000,
      .household_gate = 5000,
      .thresholds = { { INSURED(RESIDENT), BASIS(OWN_PAYMENT), 0 },
                      { INSURED(EMPLOYEE), BASIS(OWN_PAYMENT), 0 } },
      .fee_source = FEE(FROM_FUND),
      .exclusions = { EXCLUDED(OUTPATIENT) },
      .reports = { "monthly", "quarterly", "yearly" },
      .starts_on = { 2024, 8, 1 },
      .ends_on = { 2025, 7, 31 },
      .window_from = { 2024, 7, 1 },
      .window_until = { 2024, 7, 31 },
      .window_reason = "实施方案：7月交费，8月1日启动补助" },
    { .name = "yongtai_2020",
      .title = "永泰县2020年群众医疗互助",
      .standard = 45,
      .shares = { { SOURCE(PERSONAL), 40 }, { SOURCE(CITY_FINANCE), 5 } },
      .eligibility = ELIGIBILITY(REGISTERED_ONLY),
      .whole_household = true,
      .new_members_after = true,
      .subsidised = { "minimum_living", "extreme_poverty", "registered_poor" },
      .subsidy = 40,
      .as_of = { 2020, 6, 30 },
      .thresholds = { { INSURED(RESIDENT), BASIS(OWN_PAYMENT), 4000 },
                      { INSURED(EMPLOYEE), BASIS(OWN_PAYMENT), 4000 },
                      { INSURED(NONE), BASIS(TOTAL_COST), 7000 },
                      { INSURED(INTERRUPTED), BASIS(TOTAL_COST), 7000 } },
      .fee_source = FEE(FROM_FUND),
      .exclusions = { EXCLUDED(COSMETIC), EXCLUDED(PLASTIC), EXCLUDED(CHECK_UP),
                      EXCLUDED(WORK_INJURY), EXCLUDED(CRIME), EXCLUDED(THIRD_PARTY),
                      EXCLUDED(OUTPATIENT) },
      .reports = { "yearly" } },
    { .name = "nantong_2023",
      .title = "南通市2023年乡村医疗互助",
      .standard = 80,
      .minimum = 80,
      .shares = { { SOURCE(PERSONAL), 40 }, { SOURCE(VILLAGE), 40 } },
      .eligibility = ELIGIBILITY(COLLECTIVE_OR_REGISTERED),
      .kept_out = { "minimum_living", "extreme_poverty", "margin_of_living", "expense_poverty",
                    "children_in_need", "severely_disabled" },
      .people_warning = 2000,
      .household_target = 3500,
      .village_target = 5000,
      .thresholds = { { INSURED(RESIDENT), BASIS(OWN_PAYMENT), 0 },
                      { INSURED(EMPLOYEE), BASIS(OWN_PAYMENT), 0 } },
      .fee_source = FEE(NO_FEE),
      .exclusions = { EXCLUDED(OUTPATIENT) },
      .reports = { "quarterly", "yearly", "evaluation-11-30" },
      .starts_on = { 2023, 7, 1 },
      .ends_on = { 2024, 6, 30 } },
};

static err_t
list_of(struct call *c, size_t count, size_t size, void *out)
{
    void *list = arena_alloc(c->arena, (count + 1) * size);

    memcpy(out, &list, sizeof list);
    return list ? ERR_OK : no_memory(c);
}

/* Makes one message of the arena as the last of a list. */
#define APPEND(c, Type, init_fn, list, n, var)                                                     \
    Type *var = arena_alloc((c)->arena, sizeof *(var));                                            \
    if (!(var))                                                                                    \
        return no_memory(c);                                                                       \
    init_fn(var);                                                                                  \
    (list)[(n)++] = var

static err_t
day_to(struct call *c, const int civil[3], Huzhu__Date **out)
{
    if (civil[0] == 0)
        return ERR_OK;
    *out = date_to_wire(c, date_from_civil(civil[0], civil[1], civil[2]));
    return *out ? ERR_OK : no_memory(c);
}

static err_t
money_to(struct call *c, int64_t amount, Huzhu__Money **out)
{
    if (amount == 0)
        return ERR_OK;
    *out = money_to_wire(c, yuan(amount));
    return *out ? ERR_OK : no_memory(c);
}

static err_t
put_sources(struct call *c, const struct plan *t, programme_t *p)
{
    TRY(money_to(c, t->standard, &p->standard));
    TRY(money_to(c, t->minimum, &p->standard_minimum));
    TRY(list_of(c, SHARES_MAX, sizeof(void *), &p->shares));
    for (size_t i = 0; i < SHARES_MAX && t->shares[i].source; i++) {
        APPEND(c, Contributions__Programme__Share, contributions__programme__share__init, p->shares,
               p->n_shares, share);
        share->source = (Contributions__Source__Kind) t->shares[i].source;
        TRY(money_to(c, t->shares[i].yuan, &share->per_head));
    }
    TRY(list_of(c, CATEGORIES_MAX, sizeof(void *), &p->subsidised));
    for (size_t i = 0; i < CATEGORIES_MAX && t->subsidised[i]; i++) {
        APPEND(c, Contributions__Programme__Subsidised, contributions__programme__subsidised__init,
               p->subsidised, p->n_subsidised, subsidised);
        subsidised->category = (char *) t->subsidised[i];
        subsidised->source = SOURCE(COUNTY_FINANCE);
        TRY(money_to(c, t->subsidy, &subsidised->per_head));
        TRY(day_to(c, t->as_of, &subsidised->as_of));
    }
    TRY(list_of(c, CATEGORIES_MAX, sizeof(void *), &p->excluded_categories));
    while (p->n_excluded_categories < CATEGORIES_MAX && t->kept_out[p->n_excluded_categories]) {
        p->excluded_categories[p->n_excluded_categories] =
            (char *) t->kept_out[p->n_excluded_categories];
        p->n_excluded_categories++;
    }
    return ERR_OK;
}

static err_t
put_claims(struct call *c, const struct plan *t, programme_t *p)
{
    static const Contributions__Paper__Kind kinds[] = {
        CONTRIBUTIONS__PAPER__KIND__DISCHARGE_RECORD, CONTRIBUTIONS__PAPER__KIND__COST_LIST,
        CONTRIBUTIONS__PAPER__KIND__SETTLEMENT /* the last: who is not insured has none */
    };

    TRY(list_of(c, THRESHOLDS_MAX, sizeof(void *), &p->thresholds));
    TRY(list_of(c, THRESHOLDS_MAX, sizeof(void *), &p->papers));
    for (size_t i = 0; i < THRESHOLDS_MAX && t->thresholds[i].insurance; i++) {
        APPEND(c, Contributions__Programme__Threshold, contributions__programme__threshold__init,
               p->thresholds, p->n_thresholds, threshold);
        APPEND(c, Contributions__Programme__Papers, contributions__programme__papers__init,
               p->papers, p->n_papers, papers);
        threshold->insurance = (Contributions__Insurance__Kind) t->thresholds[i].insurance;
        threshold->basis = (Contributions__Programme__Threshold__Basis) t->thresholds[i].basis;
        TRY(money_to(c, t->thresholds[i].yuan, &threshold->at_least));
        papers->insurance = threshold->insurance;
        papers->n_kinds = COUNT(kinds) - (threshold->basis == BASIS(TOTAL_COST));
        papers->kinds = arena_copy(c->arena, kinds, sizeof kinds);
        if (!papers->kinds)
            return no_memory(c);
    }
    TRY(list_of(c, KINDS_MAX, sizeof(Contributions__Programme__Exclusion), &p->exclusions));
    while (p->n_exclusions < KINDS_MAX && t->exclusions[p->n_exclusions]) {
        p->exclusions[p->n_exclusions] =
            (Contributions__Programme__Exclusion) t->exclusions[p->n_exclusions];
        p->n_exclusions++;
    }
    TRY(list_of(c, KINDS_MAX, sizeof(void *), &p->reports));
    while (p->n_reports < KINDS_MAX && t->reports[p->n_reports]) {
        p->reports[p->n_reports] = (char *) t->reports[p->n_reports];
        p->n_reports++;
    }
    return ERR_OK;
}

static err_t
put_fund(struct call *c, const struct plan *t, programme_t *p)
{
    static const Contributions__Programme__Use uses[] = { USE(SUBSIDY), USE(REFUND), USE(BANK_FEE),
                                                          USE(SERVICE_FEE) /* the last */ };

    p->fee_source = (Contributions__Programme__FeeSource) t->fee_source;
    p->n_uses = COUNT(uses) - (t->fee_source != FEE(FROM_FUND));
    p->uses = arena_copy(c->arena, uses, sizeof uses);
    return p->uses ? ERR_OK : no_memory(c);
}

static err_t
put_days(struct call *c, const struct plan *t, programme_t *p)
{
    const int *from = t->window_from, *until = t->window_until;

    TRY(day_to(c, t->starts_on, &p->starts_on));
    TRY(day_to(c, t->ends_on, &p->ends_on));
    p->year = (uint32_t) t->starts_on[0];
    if (from[0] == 0)
        return ERR_OK;
    p->window_from = instant_to_wire(c, date_start(date_from_civil(from[0], from[1], from[2])));
    p->window_until = instant_to_wire(
        c, (instant_t){ date_start(date_from_civil(until[0], until[1], until[2])).us + US_PER_DAY -
                        US_PER_SECOND });
    p->window_reason = (char *) t->window_reason;
    return p->window_from && p->window_until ? ERR_OK : no_memory(c);
}

err_t
template_make(struct call *c, const char *name, programme_t **out)
{
    programme_t *p = arena_alloc(c->arena, sizeof *p);
    size_t i = 0;

    if (!p)
        return no_memory(c);
    while (i < COUNT(templates) && strcmp(templates[i].name, name) != 0)
        i++;
    if (i == COUNT(templates))
        return err_at(&c->err, ERR_REFUSED, "$.template", TEMPLATE_UNKNOWN, "no such template");

    const struct plan *t = &templates[i];
    contributions__programme__init(p);
    p->template_ = (char *) t->name;
    p->name = (char *) t->title;
    p->mode = CONTRIBUTIONS__PROGRAMME__MODE__BY_TOWNSHIP;
    p->custodian = CONTRIBUTIONS__PROGRAMME__CUSTODIAN__TOWNSHIP_FINANCE;
    p->personal_share_least = 5000;
    p->eligibility = (Contributions__Programme__Eligibility) t->eligibility;
    p->household_rule = t->whole_household
                            ? CONTRIBUTIONS__PROGRAMME__HOUSEHOLD_RULE__WHOLE_HOUSEHOLD
                            : CONTRIBUTIONS__PROGRAMME__HOUSEHOLD_RULE__VOLUNTARY;
    p->new_members_after = t->new_members_after;
    p->people_warning = t->people_warning;
    p->household_gate = t->household_gate;
    p->household_target = t->household_target;
    p->village_target = t->village_target;
    p->own_payment_limits = true;
    p->year_by = CONTRIBUTIONS__PROGRAMME__YEAR_BY__ADMISSION;
    p->decision_workdays = 5;
    p->list_day = 1;
    p->pay_before_day = 7;
    p->overspend = CONTRIBUTIONS__PROGRAMME__OVERSPEND__STOP;
    p->keep_years = 10;
    p->publish_days = 30;
    p->small_cell = 3;
    TRY(put_sources(c, t, p));
    TRY(put_claims(c, t, p));
    TRY(put_fund(c, t, p));
    TRY(put_days(c, t, p));
    *out = p;
    return ERR_OK;
}

/* Whether a field of protobuf-c's struct holds anything; the bytes of scalars and enums are zero
 * when it does not. */
static bool
carries(const ProtobufCFieldDescriptor *field, const void *at, size_t *size)
{
    static const uint8_t zeros[16];

    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING: {
        const char *text = *(char *const *) at;
        *size = sizeof(char *);
        return text && text[0] != '\0';
    }
    case PROTOBUF_C_TYPE_MESSAGE:
        *size = sizeof(void *);
        break;
    case PROTOBUF_C_TYPE_INT64:
        *size = sizeof(int64_t);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        *size = sizeof(protobuf_c_boolean);
        break;
    default: /* uint32 and enums: the rest of what a Programme has */
        *size = sizeof(uint32_t);
        break;
    }
    return memcmp(at, zeros, *size) != 0;
}

void
programme_overlay(programme_t *p, const programme_t *with)
{
    const ProtobufCMessageDescriptor *type = &contributions__programme__descriptor;

    /* New days and no window of their own: the template's window would belong to another year. */
    if (with->starts_on && !with->window_from && !with->window_until) {
        p->window_from = p->window_until = NULL;
        p->window_reason = with->window_reason;
    }
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        uint8_t *to = (uint8_t *) p + field->offset;
        const uint8_t *from = (const uint8_t *) with + field->offset;
        size_t size;

        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            size_t count;
            memcpy(&count, (const uint8_t *) with + field->quantifier_offset, sizeof count);
            if (count > 0) {
                memcpy((uint8_t *) p + field->quantifier_offset, &count, sizeof count);
                memcpy(to, from, sizeof(void *));
            }
        } else if (carries(field, from, &size)) {
            memcpy(to, from, size);
        }
    }
}
