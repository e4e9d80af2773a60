/* Goal: the rules of a programme's year on both sides of each boundary.
 * Method: tables; the rules know no clock and no database, so they run by themselves. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "contributions/rules.h"
#include "contributions/service.h"
#include "contributions/templates.h"
#include "identity.pb-c.h"

#define FEN(name, value)                                                                           \
    Huzhu__Money name = { PROTOBUF_C_MESSAGE_INIT(&huzhu__money__descriptor), value }
#define DAY(name, y, m, d)                                                                         \
    Huzhu__Date name = { PROTOBUF_C_MESSAGE_INIT(&huzhu__date__descriptor),                        \
                         date_from_civil(y, m, d).days }

static struct arena *arena;
static struct call call;

static int
open_arena(void **state)
{
    (void) state;
    arena = arena_create((size_t) 8 << 20);
    call = (struct call){ .arena = arena };
    return arena ? 0 : -1;
}

static int
close_arena(void **state)
{
    (void) state;
    arena_destroy(arena);
    return 0;
}

/* A sound programme: the Yongtai template with what it leaves open. */
static programme_t *
sound(void)
{
    static uint8_t responsible[16] = { 7 };
    Huzhu__Id *id = arena_alloc(arena, sizeof *id);
    programme_t *p;
    instant_t from, until;

    assert_int_equal(template_make(&call, "yongtai_2020", &p), ERR_OK);
    p->year = 2021;
    p->starts_on = date_to_wire(&call, date_from_civil(2021, 1, 1));
    p->ends_on = date_to_wire(&call, date_from_civil(2021, 12, 31));
    window_default(day_of(p->starts_on), &from, &until);
    p->window_from = instant_to_wire(&call, from);
    p->window_until = instant_to_wire(&call, until);
    p->custodian_account = (char *) "专户";
    huzhu__id__init(id);
    id->value = (ProtobufCBinaryData){ 16, responsible };
    p->responsible_account_id = id;
    p->fee_most = 800;
    p->fee_agreed = money_to_wire(&call, yuan(1000));
    p->scheme_checksum = (char *) "00";
    return p;
}

static const struct findings *
check(const programme_t *p)
{
    static struct findings findings;

    programme_check(p, date_from_civil(2020, 11, 1), &findings);
    return &findings;
}

static const struct finding *
found(const programme_t *p, const char *reason)
{
    const struct findings *findings = check(p);

    for (size_t i = 0; i < findings->count; i++)
        if (strcmp(findings->list[i].reason, reason) == 0)
            return &findings->list[i];
    return NULL;
}

static void
shares(programme_t *p, int64_t standard, int64_t personal)
{
    static Contributions__Programme__Share two[2];
    static Contributions__Programme__Share *list[2] = { &two[0], &two[1] };

    contributions__programme__share__init(&two[0]);
    contributions__programme__share__init(&two[1]);
    two[0].source = SOURCE(PERSONAL);
    two[0].per_head = money_to_wire(&call, yuan(personal));
    two[1].source = SOURCE(VILLAGE);
    two[1].per_head = money_to_wire(&call, yuan(standard - personal));
    p->shares = list;
    p->n_shares = 2;
    p->standard = money_to_wire(&call, yuan(standard));
}

static void
the_service_is_complete(void **state)
{
    (void) state;
    assert_true(svc_is_complete(&contributions_service));
}

static void
req_8_2b_39_of_80_is_refused_by_exactly_one_yuan(void **state)
{
    static const struct {
        int64_t standard, personal, short_yuan;
    } cases[] = { { 50, 30, 0 }, { 80, 39, 1 }, { 80, 40, 0 }, { 80, 0, 40 }, { 81, 40, 1 } };

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        programme_t *p = sound();
        shares(p, cases[i].standard, cases[i].personal);
        p->n_subsidised = 0;
        const struct finding *f = found(p, PROGRAMME_PERSONAL_SHARE);
        if (cases[i].short_yuan == 0) {
            assert_null(f);
            continue;
        }
        assert_non_null(f);
        assert_int_equal(f->severity, FINDING_ERROR);
        assert_string_equal(f->requirement, "8.2b");
        const int64_t half_fen = cases[i].standard == 81 ? 50 : 0;
        assert_int_equal(f->shortfall.fen, yuan(cases[i].short_yuan).fen - half_fen);
        p->personal_share_reason = (char *) "原则上"; /* "in principle": an override with reason */
        f = found(p, PROGRAMME_PERSONAL_SHARE);
        assert_int_equal(f->severity, FINDING_WARNING);
    }
}

static void
req_8_2b_who_really_pays_is_warned(void **state)
{
    (void) state;
    const struct finding *f = found(sound(), PROGRAMME_REALLY_PAID); /* the county pays 40 of 40 */
    assert_non_null(f);
    assert_int_equal(f->severity, FINDING_WARNING);
    assert_int_equal(check(sound())->errors, 0);
}

static void
req_A_2a_shares_sum_to_the_standard(void **state)
{
    (void) state;
    programme_t *p = sound();
    p->standard = money_to_wire(&call, (money_t){ yuan(45).fen + 1 });
    assert_int_equal(found(p, PROGRAMME_SHARES_SUM)->shortfall.fen, 1);
    p->standard = money_to_wire(&call, yuan(45));
    assert_null(found(p, PROGRAMME_SHARES_SUM));
}

static void
req_002_1_below_the_minimum_warns(void **state)
{
    (void) state;
    programme_t *p = sound();
    p->standard_minimum = money_to_wire(&call, (money_t){ yuan(45).fen + 1 });
    assert_int_equal(found(p, PROGRAMME_STANDARD_MINIMUM)->severity, FINDING_WARNING);
    p->standard_minimum = money_to_wire(&call, yuan(45));
    assert_null(found(p, PROGRAMME_STANDARD_MINIMUM));
}

static void
req_7_2_1c_the_window_is_45_days_or_has_a_reason(void **state)
{
    char text[INSTANT_TEXT_BYTES];
    instant_t from, until;

    (void) state;
    window_default(date_from_civil(2024, 8, 1), &from, &until);
    instant_format(from, text);
    assert_memory_equal(text, "2024-06-16T16:00:00", 19); /* 17 June 00:00:00 of Shanghai */
    instant_format(until, text);
    assert_memory_equal(text, "2024-07-31T15:59:59", 19);
    programme_t *p = sound();
    assert_null(found(p, PROGRAMME_WINDOW_REASON));
    p->window_until = instant_to_wire(&call, (instant_t){ p->window_until->us - US_PER_SECOND });
    assert_non_null(found(p, PROGRAMME_WINDOW_REASON));
    p->window_reason = (char *) "春节";
    assert_null(found(p, PROGRAMME_WINDOW_REASON));
    p->window_until->us = p->window_from->us;
    assert_non_null(found(p, PROGRAMME_WINDOW));
}

static void
req_13_2_the_calendar_checker_sees_what_cannot_be(void **state)
{
    struct findings findings;

    (void) state;
    programme_t *p = sound();
    assert_null(found(p, PROGRAMME_CALENDAR));
    programme_check(p, date_from_civil(2021, 1, 1), &findings); /* the window is over already */
    bool seen = false;
    for (size_t i = 0; i < findings.count; i++)
        seen = seen || strcmp(findings.list[i].requirement, "13.2") == 0;
    assert_true(seen);
}

static void
req_14_four_templates_have_the_parameters_of_the_matrix(void **state)
{
    programme_t *p;

    (void) state;
    assert_int_equal(template_make(&call, "jiangsu", &p), ERR_OK);
    assert_int_equal(p->people_warning, 2000);
    assert_int_equal(p->n_thresholds, 2);
    assert_int_equal(template_make(&call, "yishan_2024", &p), ERR_OK);
    assert_int_equal(fen_of(p->standard), 5000);
    assert_int_equal(fen_of(share_of(p, SOURCE(PERSONAL))->per_head), 3000);
    assert_int_equal(p->household_gate, 5000);
    assert_true(programme_may_use(p, CONTRIBUTIONS__PROGRAMME__USE__SERVICE_FEE));
    assert_int_equal(template_make(&call, "yongtai_2020", &p), ERR_OK);
    assert_int_equal(p->household_rule, CONTRIBUTIONS__PROGRAMME__HOUSEHOLD_RULE__WHOLE_HOUSEHOLD);
    assert_true(p->new_members_after);
    assert_int_equal(fen_of(p->thresholds[0]->at_least), 400000);
    assert_int_equal(fen_of(p->thresholds[2]->at_least), 700000);
    assert_int_equal(p->papers[2]->n_kinds, 2); /* without a settlement, by nature */
    assert_int_equal(p->list_day, 1);
    assert_int_equal(p->pay_before_day, 7);
    assert_int_equal(template_make(&call, "nantong_2023", &p), ERR_OK);
    assert_int_equal(fen_of(p->standard), 8000);
    assert_int_equal(p->n_excluded_categories, 6);
    assert_int_equal(p->household_target, 3500);
    assert_int_equal(p->village_target, 5000);
    assert_int_equal(template_make(&call, "elsewhere", &p), ERR_REFUSED);
    assert_string_equal(call.err.reason, TEMPLATE_UNKNOWN);
}

/* Each row breaks one thing of a sound programme. */
#define BROKEN(ROW)                                                                                \
    ROW(PROGRAMME_NAME, p->name = (char *) "")                                                     \
    ROW(PROGRAMME_DAYS, p->ends_on = p->starts_on)                                                 \
    ROW(PROGRAMME_YEAR, p->year = 2020)                                                            \
    ROW(PROGRAMME_MODE, p->mode = CONTRIBUTIONS__PROGRAMME__MODE__MODE_UNSPECIFIED)                \
    ROW(PROGRAMME_VILLAGE, p->mode = CONTRIBUTIONS__PROGRAMME__MODE__BY_VILLAGE)                   \
    ROW(PROGRAMME_CUSTODIAN, p->custodian_account = (char *) "")                                   \
    ROW(PROGRAMME_RESPONSIBLE, p->responsible_account_id = NULL)                                   \
    ROW(PROGRAMME_ELIGIBILITY,                                                                     \
        p->eligibility = CONTRIBUTIONS__PROGRAMME__ELIGIBILITY__ELIGIBILITY_UNSPECIFIED)           \
    ROW(PROGRAMME_YEAR_BY, p->year_by = CONTRIBUTIONS__PROGRAMME__YEAR_BY__YEAR_BY_UNSPECIFIED)    \
    ROW(PROGRAMME_STANDARD, p->standard = NULL)                                                    \
    ROW(PROGRAMME_SHARE, p->shares[1]->source = SOURCE(PERSONAL))                                  \
    ROW(PROGRAMME_SHARE_BOUNDS, p->household_gate = 10001)                                         \
    ROW(PROGRAMME_SUBSIDISED, p->subsidised[0]->as_of = NULL)                                      \
    ROW(PROGRAMME_CATEGORY_TWICE, p->excluded_categories = known; p->n_excluded_categories = 1)    \
    ROW(PROGRAMME_THRESHOLD, p->n_thresholds = 0)                                                  \
    ROW(PROGRAMME_PAPERS, p->papers[0]->n_kinds = 2)                                               \
    ROW(PROGRAMME_LIMITS, p->claim_least = money_to_wire(&call, yuan(2));                          \
        p->claim_most = money_to_wire(&call, yuan(1)))                                             \
    ROW(PROGRAMME_WORKDAYS, p->decision_workdays = 0)                                              \
    ROW(PROGRAMME_PAY_DAYS, p->pay_before_day = 1)                                                 \
    ROW(PROGRAMME_USES, p->n_uses = 0)                                                             \
    ROW(PROGRAMME_OVERSPEND,                                                                       \
        p->overspend = CONTRIBUTIONS__PROGRAMME__OVERSPEND__OVERSPEND_UNSPECIFIED)                 \
    ROW(PROGRAMME_FEE, p->fee_most = 0)                                                            \
    ROW(PROGRAMME_KEEP, p->keep_years = 9)                                                         \
    ROW(PROGRAMME_SMALL_CELL, p->small_cell = 2)                                                   \
    ROW(PROGRAMME_PUBLISH, p->publish_days = 0)                                                    \
    ROW(PROGRAMME_REPORT, p->reports = unknown; p->n_reports = 1)

static char *known[] = { (char *) "minimum_living" }, *unknown[] = { (char *) "weekly" };

#define ROW(reason, ...)                                                                           \
    static void breaks_##reason(programme_t *p)                                                    \
    {                                                                                              \
        __VA_ARGS__;                                                                               \
    }
BROKEN(ROW)
#undef ROW

static void
each_broken_parameter_is_found(void **state)
{
    static const struct {
        const char *reason;
        void (*breaks)(programme_t *p);
    } rows[] = {
#define ROW(reason, ...) { reason, breaks_##reason },
        BROKEN(ROW)
#undef ROW
    };

    (void) state;
    assert_int_equal(check(sound())->errors, 0);
    for (size_t i = 0; i < COUNT(rows); i++) {
        programme_t *p = sound();
        rows[i].breaks(p);
        const struct finding *f = found(p, rows[i].reason);
        if (!f || f->severity != FINDING_ERROR)
            fail_msg("row %zu: %s is not found", i, rows[i].reason);
    }
}

static void
req_7_3_1a_and_002_3_and_004_2_gates_compare_exact_fractions(void **state)
{
    static const struct {
        int64_t taking_part, whole;
        uint32_t gate;
        bool reaches;
    } cases[] = {
        { 1999, 10000, 2000, false },
        { 2000, 10000, 2000, true },
        { 4999, 10000, 5000, false },
        { 5000, 10000, 5000, true },
        { 3499, 10000, 3500, false },
        { 3500, 10000, 3500, true },
        { 1, 3, 3333, true },
        { 1, 3, 3334, false },
        { 0, 0, 1, false },
        { 1, 5, 2000, true },
        { INT64_C(1) << 40, INT64_C(1) << 41, 5000, true },
        { (INT64_C(1) << 40) - 1, INT64_C(1) << 41, 5000, false },
    };

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct figure f = { cases[i].taking_part, cases[i].whole };
        if (figure_reaches(f, cases[i].gate) != cases[i].reaches)
            fail_msg("row %zu", i);
    }
    assert_int_equal(figure_share((struct figure){ 4999999, 10000000 }), 4999);
    programme_t *p = sound();
    p->people_warning = 2000;
    assert_true(participation_warns(p, &(struct participation){ .people = { 1999, 10000 } }));
    assert_false(participation_warns(p, &(struct participation){ .people = { 2000, 10000 } }));
    p->household_gate = 5000;
    assert_false(
        participation_opens_payouts(p, &(struct participation){ .households = { 4999, 10000 } }));
    assert_true(
        participation_opens_payouts(p, &(struct participation){ .households = { 5000, 10000 } }));
}

static void
req_5_2_quorum_and_majority_of_the_committees_law(void **state)
{
    static const struct {
        int meeting;
        uint32_t entitled, attended, votes_for, against, abstained;
        err_t code;
        const char *reason;
    } cases[] = {
        { 1, 30, 20, 11, 9, 0, ERR_OK, "" },
        { 1, 30, 19, 19, 0, 0, ERR_OK, RESOLUTION_QUORUM },
        { 1, 30, 20, 10, 5, 5, ERR_OK, RESOLUTION_MAJORITY },
        { 2, 100, 51, 26, 25, 0, ERR_OK, "" },
        { 2, 100, 50, 50, 0, 0, ERR_OK, RESOLUTION_QUORUM },
        { 3, 99, 66, 34, 32, 0, ERR_OK, "" },
        { 3, 99, 65, 65, 0, 0, ERR_OK, RESOLUTION_QUORUM },
        { 1, 30, 20, 11, 5, 3, ERR_INVALID, RESOLUTION_VOTES },
        { 1, 30, 31, 31, 0, 0, ERR_INVALID, RESOLUTION_FIGURES },
        { 0, 30, 20, 20, 0, 0, ERR_INVALID, RESOLUTION_FIGURES },
        { 1, 0, 0, 0, 0, 0, ERR_INVALID, RESOLUTION_FIGURES },
    };
    Huzhu__Id *uploads[1] = { NULL };
    DAY(met, 2024, 6, 15);

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        Contributions__Resolution r = CONTRIBUTIONS__RESOLUTION__INIT;
        const char *why_not = "";
        struct err err;
        r.meeting = (Contributions__Resolution__Meeting) cases[i].meeting;
        r.entitled = cases[i].entitled;
        r.attended = cases[i].attended;
        r.votes_for = cases[i].votes_for;
        r.against = cases[i].against;
        r.abstained = cases[i].abstained;
        r.met_on = &met;
        r.upload_ids = uploads;
        r.n_upload_ids = 1;
        const err_t code = rule_resolution(&r, date_from_civil(2024, 6, 15), &why_not, &err);
        if (code != cases[i].code ||
            strcmp(code == ERR_OK ? why_not : err.reason, cases[i].reason) != 0)
            fail_msg("row %zu: %s", i, code == ERR_OK ? why_not : err.reason);
    }
}

static void
req_7_2_1d_the_windows_last_second_is_in_time(void **state)
{
    struct err err;

    (void) state;
    const programme_t *p = sound();
    const int64_t until = p->window_until->us;
    assert_int_equal(rule_window(p, (instant_t){ until }, &err), ERR_OK);
    assert_int_equal(rule_window(p, (instant_t){ until + US_PER_SECOND - 1 }, &err), ERR_OK);
    assert_int_equal(rule_window(p, (instant_t){ until + US_PER_SECOND }, &err), ERR_REFUSED);
    assert_string_equal(err.reason, WINDOW_CLOSED);
    assert_int_equal(rule_window(p, (instant_t){ p->window_from->us }, &err), ERR_OK);
    assert_int_equal(rule_window(p, (instant_t){ p->window_from->us - 1 }, &err), ERR_REFUSED);
    assert_string_equal(err.reason, WINDOW_NOT_OPEN);
}

static void
req_003_6_a_category_holds_on_its_day(void **state)
{
    const date_t on = { 1000 };

    (void) state;
    assert_true(rule_in_category("minimum_living,1000,;", "minimum_living", on));
    assert_false(rule_in_category("minimum_living,1001,;", "minimum_living", on));
    assert_true(rule_in_category("a,0,;minimum_living,0,1001;", "minimum_living", on));
    assert_false(rule_in_category("minimum_living,0,1000;", "minimum_living", on));
    assert_false(rule_in_category("minimum,0,;", "minimum_living", on));
    assert_false(rule_in_category("", "minimum_living", on));
    assert_false(rule_in_category("minimum_living", "minimum_living", on));
}

static void
req_5_1a_only_the_pairs_of_the_list_may_move_money(void **state)
{
    (void) state;
    assert_true(rule_pair_is_allowed("payout", "expense.subsidy", "bank"));
    assert_true(rule_pair_is_allowed("grant", "bank", "income.donation"));
    assert_true(rule_pair_is_allowed("refund", "income.interest", "bank"));
    assert_false(rule_pair_is_allowed("grant", "bank", "income.personal"));
    assert_false(rule_pair_is_allowed("payout", "expense.service_fee", "bank"));
    assert_false(rule_pair_is_allowed("payout", "bank", "expense.subsidy"));
    assert_false(rule_pair_is_allowed("loan", "bank", "cash"));
    assert_false(rule_pair_is_allowed("hand_in", "cash", "bank"));
}

static void
req_002_6_a_fee_needs_its_agreement_source_and_ceiling(void **state)
{
    Contributions__Agreement agreement = CONTRIBUTIONS__AGREEMENT__INIT;
    struct fee fee = { .amount = yuan(1000),
                       .raised = yuan(12500),
                       .on = date_from_civil(2021, 6, 1) };
    struct err err;
    FEN(most, 100000);
    DAY(from, 2021, 1, 1);
    DAY(until, 2021, 6, 1);

    (void) state;
    agreement.fee = &most;
    agreement.from = &from;
    agreement.until = &until;
    programme_t *p = sound();
    assert_int_equal(rule_fee(p, &agreement, &fee, &err), ERR_OK);
    fee.on.days++;
    assert_int_equal(rule_fee(p, &agreement, &fee, &err), ERR_REFUSED);
    assert_string_equal(err.reason, FEE_AGREEMENT);
    fee.on.days--;
    fee.paid_before.fen = 1;
    assert_int_equal(rule_fee(p, &agreement, &fee, &err), ERR_REFUSED);
    assert_string_equal(err.reason, FEE_CEILING);
    fee.paid_before.fen = 0;
    fee.raised.fen--; /* 8 % of it is a fen short */
    assert_int_equal(rule_fee(p, &agreement, &fee, &err), ERR_REFUSED);
    p->fee_source = CONTRIBUTIONS__PROGRAMME__FEE_SOURCE__FROM_OUTSIDE;
    assert_int_equal(rule_fee(p, &agreement, &fee, &err), ERR_REFUSED);
    assert_string_equal(err.reason, FEE_SOURCE);
}

/* A list beyond the fund is refused under every rule; whoever chose another than STOP is told so.
 */
static void
req_8_1b_a_rule_that_people_carry_out_warns(void **state)
{
    (void) state;
    programme_t *p = sound();
    p->overspend = CONTRIBUTIONS__PROGRAMME__OVERSPEND__STOP;
    assert_null(found(p, PROGRAMME_OVERSPEND_BY_HAND));
    p->overspend = CONTRIBUTIONS__PROGRAMME__OVERSPEND__PRO_RATA;
    assert_int_equal(found(p, PROGRAMME_OVERSPEND_BY_HAND)->severity, FINDING_WARNING);
    p->overspend = CONTRIBUTIONS__PROGRAMME__OVERSPEND__OVERSPEND_UNSPECIFIED;
    assert_null(found(p, PROGRAMME_OVERSPEND_BY_HAND));
}

static void
req_8_1b_the_reserve_is_kept_back(void **state)
{
    money_t shortfall;

    (void) state;
    programme_t *p = sound();
    p->state = PROGRAMME(IN_FORCE);
    p->reserve = money_to_wire(&call, yuan(100));
    assert_null(rule_may_reserve(p, true, yuan(1100), yuan(1000), &shortfall));
    assert_string_equal(
        rule_may_reserve(p, true, (money_t){ yuan(1100).fen - 1 }, yuan(1000), &shortfall),
        "fund.short");
    assert_int_equal(shortfall.fen, 1);
    assert_string_equal(rule_may_reserve(p, false, yuan(1100), yuan(1000), &shortfall),
                        "gate.households");
    p->state = PROGRAMME(OPEN);
    assert_string_equal(rule_may_reserve(p, true, yuan(1100), yuan(1000), &shortfall),
                        "programme.state");
}

static void
the_life_of_a_programme_is_moves_def(void **state)
{
    int allowed = 0;

    (void) state;
    for (int from = 0; from <= PROGRAMME(WOUND_UP); from++) {
        for (int on = ON_CHANGE; on <= ON_WIND_UP; on++) {
            programme_t p = CONTRIBUTIONS__PROGRAMME__INIT;
            struct err err;
            p.state = (Contributions__Programme__State) from;
            const err_t code = programme_move(&p, (enum programme_event) on, &err);
            allowed += code == ERR_OK;
            if (code != ERR_OK)
                assert_int_equal(p.state, from);
        }
    }
    assert_int_equal(allowed, 9);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_service_is_complete),
        cmocka_unit_test(req_8_2b_39_of_80_is_refused_by_exactly_one_yuan),
        cmocka_unit_test(req_8_2b_who_really_pays_is_warned),
        cmocka_unit_test(req_A_2a_shares_sum_to_the_standard),
        cmocka_unit_test(req_002_1_below_the_minimum_warns),
        cmocka_unit_test(req_7_2_1c_the_window_is_45_days_or_has_a_reason),
        cmocka_unit_test(req_13_2_the_calendar_checker_sees_what_cannot_be),
        cmocka_unit_test(req_14_four_templates_have_the_parameters_of_the_matrix),
        cmocka_unit_test(each_broken_parameter_is_found),
        cmocka_unit_test(req_7_3_1a_and_002_3_and_004_2_gates_compare_exact_fractions),
        cmocka_unit_test(req_5_2_quorum_and_majority_of_the_committees_law),
        cmocka_unit_test(req_7_2_1d_the_windows_last_second_is_in_time),
        cmocka_unit_test(req_003_6_a_category_holds_on_its_day),
        cmocka_unit_test(req_5_1a_only_the_pairs_of_the_list_may_move_money),
        cmocka_unit_test(req_002_6_a_fee_needs_its_agreement_source_and_ceiling),
        cmocka_unit_test(req_8_1b_a_rule_that_people_carry_out_warns),
        cmocka_unit_test(req_8_1b_the_reserve_is_kept_back),
        cmocka_unit_test(the_life_of_a_programme_is_moves_def),
    };

    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
