/* design_simulation_test.c - the designed plan played out year by year, against its exact figures,
 * and the forecast of a year under way.
 *
 * HUZHU_DESIGN_YEARS sets the years of each simulation (default 20,000 for the designed township,
 * 4,000 for the others; under a sanitizer 6,000 and 1,500).  Bounds are five standard errors: a
 * false alarm once in two million. */
#include "test.h"

#include "design_cases.h"

#define ARENA_BYTES ((size_t) 1 << 30)
#define ERRORS 5.0

static int64_t
years_or(int64_t fallback)
{
    const char *text = getenv("HUZHU_DESIGN_YEARS");

    return text ? strtol(text, NULL, 10) : fallback;
}

static void
within(const char *what, double got, double wanted, double error)
{
    print_message("  %s: simulated %.6g, exact %.6g, standard error %.2g\n", what, got, wanted,
                  error);
    if (!(fabs(got - wanted) <= ERRORS * error + 1e-9))
        fail_msg("%s: %.8g against %.8g, standard error %.3g", what, got, wanted, error);
}

static money_t *
amounts_of(struct arena *arena, const struct design_input *in, const struct design_plan *plan)
{
    money_t *amounts = arena_alloc(arena, in->group_count * sizeof *amounts);

    for (size_t i = 0; i < in->group_count; i++)
        amounts[i] = plan->rows[i].amount;
    return amounts;
}

static void
play(struct design_input *in, struct arena *arena, int64_t years)
{
    struct design_plan plan;
    struct simulation sim;
    struct err err = { 0 };

    if (design_solve(arena, in, DESIGN_FULL, &plan, &err) != ERR_OK)
        fail_msg("%s %s", err.reason, err.text);
    assert_int_equal(design_simulate(arena, in, amounts_of(arena, in, &plan),
                                     (struct design_years){ years, 2026 }, &sim, &err),
                     ERR_OK);
    const double p = plan.total.overspend, n = (double) years;
    within("expected payout", sim.mean, plan.total.mean, plan.total.sd / sqrt(n));
    within("standard deviation", sim.sd, plan.total.sd, plan.total.sd * 1.2 / sqrt(2 * n));
    within("overspent years", sim.overspend, p, sqrt(p * (1 - p) / n));
    /* the share of years up to the exact 95 % point is 95 % up to the binomial error */
    const double density = year_above(&plan.year, plan.total.p95 - plan.total.sd * .05) -
                           year_above(&plan.year, plan.total.p95 + plan.total.sd * .05);
    within("95 % point", sim.p95, plan.total.p95,
           sqrt(.05 * .95 / n) / (density / (plan.total.sd * .1)));
}

static void
twenty_thousand_years_overspend_as_often_as_stated(void **state)
{
    (void) state;
    struct arena *arena = arena_create(ARENA_BYTES);
    struct design_input in = case_t4(arena);

    play(&in, arena, years_or(DESIGN_SANITIZED ? 6000 : 20000));
    arena_destroy(arena);
}

static void
so_do_years_with_a_common_factor(void **state)
{
    (void) state;
    struct arena *arena = arena_create(ARENA_BYTES);
    struct design_input in = case_t4(arena);

    in.goals.dispersion = 60;
    play(&in, arena, years_or(DESIGN_SANITIZED ? 1500 : 4000));
    arena_destroy(arena);
}

static void
so_do_years_with_a_yearly_cap_and_limited_payments(void **state)
{
    (void) state;
    struct arena *arena = arena_create(ARENA_BYTES);
    struct design_input in = case_t4(arena);

    in.goals.received = yuan(6000000); /* amounts far above the threshold, so the limit bites */
    in.goals.limit_to_own = true;
    in.goals.yearly_cap = yuan(15000);
    in.goals.dispersion = 100;
    play(&in, arena, years_or(DESIGN_SANITIZED ? 1500 : 4000));
    arena_destroy(arena);
}

static void
so_do_years_of_a_region_with_three_kinds_of_insurance(void **state)
{
    (void) state;
    struct arena *arena = arena_create(ARENA_BYTES);
    struct design_input in = case_region(arena, 5, 90, 4, 3, 6000);

    in.goals.received = yuan(900000);
    play(&in, arena, years_or(DESIGN_SANITIZED ? 1500 : 4000));
    arena_destroy(arena);
}

static void
the_same_seed_plays_the_same_years(void **state)
{
    (void) state;
    struct arena *arena = arena_create(ARENA_BYTES);
    const struct design_input in = case_t4(arena);
    money_t amounts[12];
    struct simulation one, two, other;
    struct err err;

    for (size_t i = 0; i < 12; i++)
        amounts[i] = yuan(500);
    assert_int_equal(
        design_simulate(arena, &in, amounts, (struct design_years){ 50, 9 }, &one, &err), ERR_OK);
    assert_int_equal(
        design_simulate(arena, &in, amounts, (struct design_years){ 50, 9 }, &two, &err), ERR_OK);
    assert_int_equal(
        design_simulate(arena, &in, amounts, (struct design_years){ 50, 10 }, &other, &err),
        ERR_OK);
    assert_memory_equal(&one, &two, sizeof one);
    assert_true(one.mean != other.mean);
    assert_int_equal(
        design_simulate(arena, &in, amounts, (struct design_years){ 0, 9 }, &one, &err),
        ERR_INVALID);
    arena_destroy(arena);
}

/* --- the forecast --- */

struct under_way {
    struct design_input in;
    money_t amounts[12];
    int64_t claims[12];
    money_t paid[12];
    struct forecast_so_far so_far;
};

/* T4 with its table, `share` of the expected claims in after `days` days. */
static void
under_way(struct arena *arena, struct under_way *u, int64_t days, double share)
{
    static const int64_t table[] = {
        300, 300, 340, 380, 500, 580, 760, 950, 1220, 1860, 2680, 5290
    };
    static const double expected[] = { 14.94,  32.90,  49.64,  61.87, 84.03, 99.22,
                                       109.93, 120.19, 113.25, 95.40, 66.27, 28.67 };

    *u = (struct under_way){ .in = case_t4(arena) };
    for (size_t i = 0; i < 12; i++) {
        u->amounts[i] = yuan(table[i]);
        u->claims[i] = (int64_t) rint(expected[i] * share);
        u->paid[i] = yuan(u->claims[i] * table[i]);
    }
    u->so_far = (struct forecast_so_far){ .year_days = 365,
                                          .elapsed_days = days,
                                          .claims = u->claims,
                                          .paid = u->paid,
                                          .warn_at = .05,
                                          .alarm_at = .2 };
}

static struct forecast
forecast(struct arena *arena, struct under_way *u)
{
    struct forecast f;
    struct err err = { 0 };

    if (design_forecast(arena, &u->in, u->amounts, &u->so_far, &f, &err) != ERR_OK)
        fail_msg("%s %s", err.reason, err.text);
    return f;
}

static void
a_forecast_begins_with_the_plan_and_ends_with_the_books(void **state)
{
    (void) state;
    struct arena *arena = arena_create(ARENA_BYTES);
    struct under_way u;

    under_way(arena, &u, 0, 0);
    const struct forecast first = forecast(arena, &u);
    assert_true(fabs(first.rest_mean - 996884.27) < 0.01);
    assert_true(fabs(first.overspend - 0.0099148162) < 1e-9);
    assert_true(fabs(first.balance_mean - (1104000 - 996884.27)) < 0.01);
    assert_int_equal(first.level, FORECAST_CALM);

    under_way(arena, &u, 365, 1);
    const struct forecast last = forecast(arena, &u);
    const double left = 1104000 - (double) last.paid.fen / 100;
    assert_true(last.overspend == 0 && last.rest_mean == 0);
    assert_true(last.balance_p05 == left && last.balance_p95 == left);

    u.paid[0] = yuan(200000); /* the books say overspent: certain */
    const struct forecast over = forecast(arena, &u);
    assert_true(over.overspend == 1);
    assert_int_equal(over.level, FORECAST_ALARM);
    assert_true(fabs(over.shortfall_mean + over.balance_mean) < 1e-6);
    arena_destroy(arena);
}

static void
a_bad_half_year_warns_then_alarms(void **state)
{
    (void) state;
    struct arena *arena = arena_create(ARENA_BYTES);
    struct under_way u;
    double before = 0;
    enum forecast_level seen = FORECAST_CALM;

    for (double share = .45; share <= .75; share += .02) {
        under_way(arena, &u, 182, share);
        const struct forecast f = forecast(arena, &u);
        assert_true(f.overspend >= before);
        assert_true(f.level >= seen);
        assert_int_equal(f.level, f.overspend >= .2 ? 2 : f.overspend >= .05 ? 1 : 0);
        before = f.overspend;
        seen = f.level;
    }
    assert_int_equal(seen, FORECAST_ALARM);
    arena_destroy(arena);
}

/* With a common factor the claims so far say what kind of year it is: Gamma is conjugate. */
static void
a_bad_start_raises_the_rest_where_years_differ(void **state)
{
    (void) state;
    struct arena *arena = arena_create(ARENA_BYTES);
    struct under_way u;

    under_way(arena, &u, 182, 0.6);
    const struct forecast without = forecast(arena, &u);
    assert_true(without.incidence_factor == 1);
    u.in.goals.dispersion = 100;
    const struct forecast with = forecast(arena, &u);
    const double factor = (100 + (double) with.claims) / (100 + with.expected_so_far);
    assert_true(fabs(with.incidence_factor - factor) < 1e-12);
    assert_true(factor > 1.1);
    assert_true(fabs(with.rest_mean - without.rest_mean * factor) < 1e-3);
    assert_true(with.overspend > without.overspend);
    arena_destroy(arena);
}

static void
papers_that_come_late_are_still_to_come(void **state)
{
    (void) state;
    struct arena *arena = arena_create(ARENA_BYTES);
    struct under_way u;

    under_way(arena, &u, 182, 0.4);
    const struct forecast prompt = forecast(arena, &u);
    assert_true(fabs(prompt.reported_share - 182.0 / 365) < 1e-12);
    u.so_far.lags[0] = (struct forecast_lag){ 60, 1 }; /* even over sixty days: thirty on average */
    u.so_far.lag_count = 1;
    const struct forecast late = forecast(arena, &u);
    assert_true(fabs(late.reported_share - 152.0 / 365) < 1e-6);
    assert_true(late.rest_mean > prompt.rest_mean);
    arena_destroy(arena);
}

static void
a_senseless_year_is_refused(void **state)
{
    (void) state;
    struct arena *arena = arena_create(ARENA_BYTES);
    struct under_way u;
    struct forecast f;
    struct err err;

    under_way(arena, &u, 400, 0.4);
    assert_int_equal(design_forecast(arena, &u.in, u.amounts, &u.so_far, &f, &err), ERR_INVALID);
    under_way(arena, &u, 100, 0.4);
    u.so_far.warn_at = .3;
    assert_int_equal(design_forecast(arena, &u.in, u.amounts, &u.so_far, &f, &err), ERR_INVALID);
    under_way(arena, &u, 100, 0.4);
    u.so_far.lags[0] = (struct forecast_lag){ 30, .5 };
    u.so_far.lags[1] = (struct forecast_lag){ 20, .8 };
    u.so_far.lag_count = 2;
    assert_int_equal(design_forecast(arena, &u.in, u.amounts, &u.so_far, &f, &err), ERR_INVALID);
    under_way(arena, &u, 100, 0.4);
    u.claims[3] = -1;
    assert_int_equal(design_forecast(arena, &u.in, u.amounts, &u.so_far, &f, &err), ERR_INVALID);
    assert_string_equal(err.reason, "design.negative");
    arena_destroy(arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twenty_thousand_years_overspend_as_often_as_stated),
        cmocka_unit_test(so_do_years_with_a_common_factor),
        cmocka_unit_test(so_do_years_with_a_yearly_cap_and_limited_payments),
        cmocka_unit_test(so_do_years_of_a_region_with_three_kinds_of_insurance),
        cmocka_unit_test(the_same_seed_plays_the_same_years),
        cmocka_unit_test(a_forecast_begins_with_the_plan_and_ends_with_the_books),
        cmocka_unit_test(a_bad_half_year_warns_then_alarms),
        cmocka_unit_test(a_bad_start_raises_the_rest_where_years_differ),
        cmocka_unit_test(papers_that_come_late_are_still_to_come),
        cmocka_unit_test(a_senseless_year_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
