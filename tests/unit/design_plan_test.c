/* design_plan_test.c - the worked plan cases T1 to T4, overdispersion E1, yearly cap E3, and the
 * goals that are refused.  The numbers were computed by an independent program (plain Python). */
#include "test.h"

#include "cells.h"
#include "design_cases.h"

#define ARENA_BYTES ((size_t) 1 << 30)

static void
assert_near(double got, double wanted, double tolerance)
{
    if (!(fabs(got - wanted) <= tolerance))
        fail_msg("got %.12g, wanted %.12g within %g", got, wanted, tolerance);
}

static struct design_plan
solved(struct arena *arena, const struct design_input *in)
{
    struct design_plan plan;
    struct err err = { 0 };

    if (design_solve(arena, in, DESIGN_FULL, &plan, &err) != ERR_OK)
        fail_msg("%s: %s", err.reason, err.text);
    return plan;
}

static struct design_plan
assessed(struct arena *arena, const struct design_input *in, const int64_t *amounts)
{
    struct design_plan plan;
    struct err err = { 0 };
    money_t *table = arena_alloc(arena, in->group_count * sizeof *table);

    for (size_t i = 0; i < in->group_count; i++)
        table[i] = yuan(amounts[i]);
    if (design_assess(arena, in, table, DESIGN_FULL, &plan, &err) != ERR_OK)
        fail_msg("%s: %s", err.reason, err.text);
    return plan;
}

static void
assert_table(const struct design_plan *plan, const int64_t *wanted, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (plan->rows[i].amount.fen != wanted[i] * 100)
            fail_msg("group %zu: %.2f yuan, wanted %lld", i,
                     (double) plan->rows[i].amount.fen / 100, (long long) wanted[i]);
}

static const int64_t t1_table[] = { 430, 1300, 3470, 10000 };

static void
t1_gives_the_table_worked_by_hand(void **state)
{
    (void) state;
    struct arena *arena = arena_create(ARENA_BYTES);
    const struct design_input in = case_t1(arena);
    const struct design_plan plan = solved(arena, &in);
    static const double exact[] = { 433.3333333333, 1300, 3466.6666666667, 10000 };

    assert_near(plan.scale, 0.8666666666666667, 1e-12);
    assert_table(&plan, t1_table, 4);
    for (size_t i = 0; i < 4; i++)
        assert_near(plan.rows[i].exact, exact[i], 1e-9);
    assert_near(plan.total.mean, 149700, 1e-6); /* 300 of 150,000 left: 430 -> 440 costs 1,000 */
    assert_int_equal(plan.binding, BINDING_BUDGET);
    assert_int_equal(plan.rows[3].bound, BOUND_HIGHEST);
    assert_true(plan.rows[2].raised && !plan.rows[0].raised);
    assert_true(plan.check_gap < 1e-9);
    arena_destroy(arena);
}

static void
t1_has_the_published_tail(void **state)
{
    (void) state;
    struct arena *arena = arena_create(ARENA_BYTES);
    const struct design_input in = case_t1(arena);
    const struct design_plan plan = assessed(arena, &in, t1_table);
    static const double above[][2] = { { 150000, .47524247228782224 },
                                       { 170000, .1576218112074078 },
                                       { 180000, .07412545178556473 },
                                       { 200000, .011289143804355861 },
                                       { 220000, .0011007485865637268 } };

    assert_near(plan.total.sd, 20161.82035432317, 1e-6);
    for (size_t i = 0; i < COUNT(above); i++)
        assert_near(year_above(&plan.year, above[i][0]), above[i][1], 1e-11);
    assert_near(year_quantile(&plan.year, .90), 176160, 1e-6);
    assert_near(plan.total.p95, 184470, 1e-6);
    assert_near(plan.total.p99, 200970, 1e-6);
    assert_near(year_quantile(&plan.year, .995), 207410, 1e-6);
    arena_destroy(arena);
}

static void
t2_keeps_the_lowest_amount(void **state)
{
    (void) state;
    struct arena *arena = arena_create(ARENA_BYTES);
    const struct design_input in = case_t2(arena);
    const struct design_plan plan = solved(arena, &in);
    static const int64_t wanted[] = { 300, 1210, 3220, 9680 };

    assert_near(plan.scale, 0.8064516129032258, 1e-12);
    assert_table(&plan, wanted, 4);
    assert_int_equal(plan.rows[0].bound, BOUND_LOWEST);
    assert_near(plan.total.mean, 250000 - 40, 1e-6);
    arena_destroy(arena);
}

static void
t3_lowers_the_budget_until_the_risk_fits(void **state)
{
    (void) state;
    struct arena *arena = arena_create(ARENA_BYTES);
    const struct design_input in = case_t3(arena);
    const struct design_plan plan = solved(arena, &in);

    assert_int_equal(plan.binding, BINDING_OVERSPEND);
    assert_true(plan.total.overspend <= 0.05);
    if (plan.total.mean < 145600 * 0.995) /* any table that meets the limit and spends as much */
        fail_msg("expected payout only %.2f", plan.total.mean);
    for (size_t i = 1; i < 4; i++)
        assert_true(plan.rows[i].amount.fen >= plan.rows[i - 1].amount.fen);
    arena_destroy(arena);
}

static const int64_t t4_table[] = {
    300, 300, 340, 380, 500, 580, 760, 950, 1220, 1860, 2680, 5290
};

static void
t4_designs_the_synthetic_township(void **state)
{
    (void) state;
    struct arena *arena = arena_create(ARENA_BYTES);
    const struct design_input in = case_t4(arena);
    const struct design_plan plan = solved(arena, &in);

    assert_int_equal(plan.pool.fen, yuan(1104000).fen);
    assert_int_equal(plan.budget.fen, yuan(1044000).fen);
    assert_near(plan.claims, 876.3017056318619, 1e-8);
    assert_near(plan.stays, 3000, 1e-8);
    assert_int_equal(plan.binding, BINDING_OVERSPEND);
    assert_true(plan.total.overspend <= 0.01);
    if (plan.total.mean < 996884.27 * 0.9999)
        fail_msg("expected payout only %.2f", plan.total.mean);
    for (size_t i = 0; i < 12; i++) /* the reference's own table, up to one step of rounding */
        assert_true(llabs(plan.rows[i].amount.fen - t4_table[i] * 100) <= 1000);
    assert_near(plan.reach_claims, 0.04381508528159309, 1e-12);
    assert_near(plan.reach_persons, 0.042479165744359254, 1e-12);
    assert_true(plan.check_gap < 1e-9);
    arena_destroy(arena);
}

static void
t4_has_the_published_figures(void **state)
{
    (void) state;
    struct arena *arena = arena_create(ARENA_BYTES);
    const struct design_input in = case_t4(arena);
    const struct design_plan plan = assessed(arena, &in, t4_table);

    assert_near(plan.total.mean, 996884.2666996345, 1e-4);
    assert_near(plan.total.sd, 44968.12581107524, 1e-4);
    assert_near(plan.total.overspend, 0.009914816224082856, 1e-11);
    assert_near(plan.total.p99, 1103850, 1e-6);
    assert_near(plan.total.p95, 1071760, 1e-6);
    assert_near(plan.normal_power_overspend, 0.00992675546306998, 1e-9);
    assert_near(plan.relief, 0.11606781410520663, 1e-10);
    assert_near(plan.rows[0].typical, 5716.412176864752, 1e-6);
    assert_near(plan.rows[11].claims, 28.667652222251178, 1e-9);
    double paid = 0, claims = 0, above = 0;
    for (size_t b = 0; b < DESIGN_BANDS; b++) {
        paid += plan.bands[b].paid;
        claims += plan.bands[b].claims;
        above += plan.bands[b].above;
    }
    assert_near(paid, plan.total.mean, 1e-6);
    assert_near(claims, plan.claims, 1e-9);
    assert_near(paid / above, plan.relief, 1e-12);
    arena_destroy(arena);
}

static void
e1_a_bad_year_widens_the_tail(void **state)
{
    (void) state;
    static const struct {
        double r, sd, above, p95, p99;
    } cases[] = { { 25, 36095.74213117109, .19377394298295103, 213280, 244990 },
                  { 100, 25111.748246587693, .11767791992305965, 193100, 213860 },
                  { 400, 21506.37638004134, .08615706830297443, 186940, 204400 } };
    struct arena *arena = arena_create(ARENA_BYTES);
    struct design_input in = case_t1(arena);

    for (size_t i = 0; i < COUNT(cases); i++) {
        in.goals.dispersion = cases[i].r;
        const struct design_plan plan = assessed(arena, &in, t1_table);
        assert_near(plan.total.mean, 149700, 1e-6);
        assert_near(plan.total.sd, cases[i].sd, 1e-5);
        assert_near(year_above(&plan.year, 180000), cases[i].above, 1e-11);
        assert_near(plan.total.p95, cases[i].p95, 1e-6);
        assert_near(plan.total.p99, cases[i].p99, 1e-6);
        assert_true(plan.check_gap < 1e-9);
    }
    arena_destroy(arena);
}

static void
e3_the_yearly_cap_is_exact(void **state)
{
    (void) state;
    static const struct {
        int64_t cap;
        double mean, above, over;
    } cases[] = {
        { 10000, 996864.4126054422, .009896765134972063, .029885958569906355 },
        { 5000, 986614.0913310584, .004425562782494952, 28.822482690404698 },
        { 3000, 926669.9971977036, 3.4127865899957754e-06, 33.277419136038226 },
        { 2000, 848682.0572007257, 0, 100.91340203686786 },
        { 1000, 641691.5376764189, 0, 308.32289150219344 },
    };
    struct arena *arena = arena_create(ARENA_BYTES);
    struct design_input in = case_t4(arena);

    for (size_t i = 0; i < COUNT(cases); i++) {
        in.goals.yearly_cap = yuan(cases[i].cap);
        const struct design_plan plan = assessed(arena, &in, t4_table);
        assert_near(plan.total.mean, cases[i].mean, 1e-4);
        assert_near(plan.total.overspend, cases[i].above, 1e-9);
        assert_near(plan.persons_over_cap, cases[i].over, 1e-6);
    }
    arena_destroy(arena);
}

/* The mixture by interpolation against the closed form: a cap that nobody reaches changes nothing.
 */
static void
the_cap_and_the_bad_year_work_together(void **state)
{
    (void) state;
    struct arena *arena = arena_create(ARENA_BYTES);
    struct design_input in = case_t4(arena);

    for (int i = 0; i < 3; i++) {
        in.goals.dispersion = i == 0 ? 50 : i == 1 ? 100 : 2500;
        in.goals.yearly_cap = yuan(0);
        const struct design_plan without = assessed(arena, &in, t4_table);
        in.goals.yearly_cap = yuan(60000);
        const struct design_plan with = assessed(arena, &in, t4_table);
        assert_near(with.total.mean, without.total.mean, 1e-3);
        assert_near(with.total.sd, without.total.sd, 1e-2);
        for (double x = 600000; x < 1500000; x += 50000)
            assert_near(year_above(&with.year, x), year_above(&without.year, x), 2e-9);
        in.goals.yearly_cap = yuan(3000);
        const struct design_plan tight = assessed(arena, &in, t4_table);
        assert_true(tight.total.mean < without.total.mean * 0.95);
        assert_true(tight.total.overspend < without.total.overspend);
    }
    arena_destroy(arena);
}

static void
a_cap_lets_the_amounts_rise(void **state)
{
    (void) state;
    struct arena *arena = arena_create(ARENA_BYTES);
    struct design_input in = case_t4(arena);
    const struct design_plan without = solved(arena, &in);
    in.goals.yearly_cap = yuan(5000);
    const struct design_plan with = solved(arena, &in);

    assert_true(with.scale > without.scale);
    assert_true(with.total.overspend <= 0.01);
    assert_true(with.total.mean > without.total.mean * 0.99);
    arena_destroy(arena);
}

static void
refused(const struct design_input *in, err_t code, const char *reason, const char *part)
{
    struct arena *arena = arena_create(ARENA_BYTES);
    struct design_plan plan;
    struct err err = { 0 };

    assert_int_equal(design_solve(arena, in, DESIGN_FULL, &plan, &err), code);
    assert_string_equal(err.reason, reason);
    if (!strstr(err.text, part) && !strstr(err.path, part))
        fail_msg("\"%s\" at \"%s\" does not say \"%s\"", err.text, err.path, part);
    assert_non_null(design_reason(err.reason));
    arena_destroy(arena);
}

static void
goals_that_cannot_be_met_are_refused_with_what_is_missing(void **state)
{
    (void) state;
    struct arena *arena = arena_create(ARENA_BYTES);
    struct design_input in = case_t1(arena);

    in.goals.received = yuan(80000); /* a budget of 40,000; 152 claims of 300 cost 45,600 */
    refused(&in, ERR_REFUSED, "design.goal_minimum", "5600.00 yuan short");

    in = case_t1(arena);
    in.goals.received = yuan(46000);
    in.goals.spend_share = (rate_t){ 1000000 };
    refused(&in, ERR_REFUSED, "design.goal_overspend", "short");

    in = case_t3(arena);
    in.goals.spend_at_least = (rate_t){ 900000 };
    refused(&in, ERR_REFUSED, "design.goal_spend", "the overspend goal binds");

    in = case_t1(arena);
    in.goals.relief_max = (rate_t){ 50000 }; /* 5 % of 4,500 is 225, below the lowest 300 */
    refused(&in, ERR_REFUSED, "design.goal_relief", "80.00 yuan too much");

    in = case_t4(arena);
    in.goals.reach_target = 0.5;
    in.goals.threshold_step = yuan(500);
    refused(&in, ERR_REFUSED, "design.goal_reach", "short");

    in = case_t4(arena);
    in.goals.service_fee = yuan(1200000);
    refused(&in, ERR_REFUSED, "design.pool_below_fee", "-96000.00");
    arena_destroy(arena);
}

static void
inputs_beyond_their_limits_are_named(void **state)
{
    (void) state;
    struct arena *arena = arena_create(ARENA_BYTES);
    struct design_input in = case_t1(arena);
    double *rates = (double *) in.rates;

    rates[2] = -0.1;
    refused(&in, ERR_INVALID, "design.negative", "$.rates[2]");
    rates[2] = NAN;
    refused(&in, ERR_INVALID, "design.number", "$.rates[2]");
    in = case_t1(arena);
    in.goals.alpha = 0;
    refused(&in, ERR_INVALID, "design.alpha", "absurd");
    in.goals.alpha = 0.51;
    refused(&in, ERR_INVALID, "design.alpha", "absurd");
    in = case_t1(arena);
    in.goals.dispersion = 9;
    refused(&in, ERR_INVALID, "design.setting", "$.goals.dispersion");
    in = case_t1(arena);
    in.goals.lowest = yuan(305);
    refused(&in, ERR_INVALID, "design.bounds", "$.goals.lowest");
    in = case_t1(arena);
    in.goals.yearly_cap = yuan(100);
    refused(&in, ERR_INVALID, "design.bounds", "$.goals.yearlyCap");
    in = case_t1(arena);
    ((struct dist *) in.costs)[1] = (struct dist){ 0 };
    refused(&in, ERR_INVALID, "design.missing_cost", "$.costs[1]");
    in = case_t1(arena);
    ((struct design_stratum *) in.strata)[0].class = 3;
    refused(&in, ERR_INVALID, "design.unknown_stratum", "$.strata[0]");
    in = case_t4(arena);
    ((struct design_group *) in.groups)[4].weight = 0;
    refused(&in, ERR_INVALID, "design.number", "$.groups[4]");
    in = case_t4(arena);
    in.group_count = 0;
    refused(&in, ERR_INVALID, "design.empty", "$");
    arena_destroy(arena);
}

static void
a_small_arena_is_an_error_and_not_a_crash(void **state)
{
    (void) state;
    struct arena *arena = arena_create(ARENA_BYTES);
    const struct design_input in = case_t4(arena);
    struct design_plan plan;
    struct err err = { 0 };
    size_t refusals = 0;

    for (size_t bytes = 1000; bytes < (size_t) 1 << 26; bytes *= 2) {
        struct arena *small = arena_create(bytes);
        const err_t code = design_solve(small, &in, DESIGN_FULL, &plan, &err);
        assert_true(code == ERR_OK || code == ERR_LIMITED);
        refusals += code == ERR_LIMITED;
        arena_destroy(small);
    }
    assert_true(refusals > 3);
    arena_destroy(arena);
}

static void
the_threshold_moves_to_meet_the_beneficiary_target(void **state)
{
    (void) state;
    struct arena *arena = arena_create(ARENA_BYTES);
    struct design_input in = case_t4(arena);

    in.goals.threshold_step = yuan(500);
    in.goals.reach_target = 0.06;
    const struct design_plan more = solved(arena, &in);
    assert_true(more.reach_persons >= 0.06);
    assert_true(more.thresholds[0].fen < yuan(4000).fen);
    assert_int_equal(more.thresholds[0].fen % yuan(500).fen, 0);
    in.goals.reach_target = 0.02;
    const struct design_plan less = solved(arena, &in);
    assert_true(less.reach_persons >= 0.02 && less.reach_persons < more.reach_persons);
    assert_true(less.thresholds[0].fen > yuan(4000).fen);
    arena_destroy(arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t1_gives_the_table_worked_by_hand),
        cmocka_unit_test(t1_has_the_published_tail),
        cmocka_unit_test(t2_keeps_the_lowest_amount),
        cmocka_unit_test(t3_lowers_the_budget_until_the_risk_fits),
        cmocka_unit_test(t4_designs_the_synthetic_township),
        cmocka_unit_test(t4_has_the_published_figures),
        cmocka_unit_test(e1_a_bad_year_widens_the_tail),
        cmocka_unit_test(e3_the_yearly_cap_is_exact),
        cmocka_unit_test(the_cap_and_the_bad_year_work_together),
        cmocka_unit_test(a_cap_lets_the_amounts_rise),
        cmocka_unit_test(goals_that_cannot_be_met_are_refused_with_what_is_missing),
        cmocka_unit_test(inputs_beyond_their_limits_are_named),
        cmocka_unit_test(a_small_arena_is_an_error_and_not_a_crash),
        cmocka_unit_test(the_threshold_moves_to_meet_the_beneficiary_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
