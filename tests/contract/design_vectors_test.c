/* design_vectors_test.c - the project's reference vectors, where they lie beside the checkout
 * (../shared/reference/vectors); skipped with a message elsewhere.  The key numbers are also in
 * design_math_test.c and design_plan_test.c, which run everywhere. */
#include "test.h"

#include <jansson.h>

#include "../unit/design_cases.h"
#include "compound.h"
#include "credibility.h"
#include "shape.h"

#define ARENA_BYTES ((size_t) 1 << 30)

static json_t *
vectors(const char *name)
{
    char path[512];
    json_error_t error;

    (void) snprintf(path, sizeof path, "%s/../shared/reference/vectors/%s", HUZHU_SOURCE_DIR, name);
    json_t *root = json_load_file(path, 0, &error);
    if (!root) {
        print_message("skipped: %s is not here\n", name);
        skip();
    }
    return root;
}

static double
at(const json_t *o, const char *key)
{
    const json_t *value = json_object_get(o, key);

    if (!json_is_number(value))
        fail_msg("no number %s", key);
    return json_number_value(value);
}

static void
assert_near(double got, double wanted, double tolerance)
{
    if (!(fabs(got - wanted) <= tolerance))
        fail_msg("got %.15g, wanted %.15g within %g", got, wanted, tolerance);
}

static void
the_small_compound_cases(void **state)
{
    (void) state;
    json_t *root = vectors("vectors.json"), *item;
    struct arena *arena = arena_create(1 << 22);
    size_t i, x;

    json_array_foreach(json_object_get(root, "panjer"), i, item)
    {
        const char *kind = json_string_value(json_object_get(item, "freq"));
        const json_t *sev = json_object_get(item, "sev");
        struct frequency freq = { 0 };
        double g[4] = { 0, at(sev, "1"), at(sev, "2"), at(sev, "3") }, f[32];
        json_t *wanted;
        if (strcmp(kind, "poisson") == 0)
            freq = (struct frequency){ FREQ_POISSON, at(item, "lambda"), 0 };
        else if (strcmp(kind, "negbin") == 0)
            freq = (struct frequency){ FREQ_NEGBIN, at(item, "size") * (1 / at(item, "prob") - 1),
                                       at(item, "size") };
        else
            freq =
                (struct frequency){ FREQ_BINOMIAL, at(item, "n") * at(item, "p"), at(item, "n") };
        assert_true(panjer(arena, &freq, g, 4, f, 32));
        json_array_foreach(json_object_get(item, "f"), x, wanted)
            assert_near(f[x], json_number_value(wanted), 1.0001e-10);
    }
    assert_true(i >= 4);
    arena_destroy(arena);
    json_decref(root);
}

static void
assess(struct arena *arena, const struct design_input *in, const json_t *amounts, const char *key,
       struct design_plan *plan)
{
    money_t *table = arena_alloc(arena, in->group_count * sizeof *table);
    struct err err = { 0 };

    for (size_t i = 0; i < in->group_count; i++) {
        const json_t *item = json_array_get(amounts, i);
        table[i] = yuan((int64_t) (key ? at(item, key) : json_number_value(item)));
    }
    if (design_assess(arena, in, table, DESIGN_FULL, plan, &err) != ERR_OK)
        fail_msg("%s %s", err.reason, err.text);
}

static void
the_plan_cases_and_their_tails(void **state)
{
    (void) state;
    json_t *root = vectors("plan_ref.json");
    struct arena *arena = arena_create(ARENA_BYTES);
    static const char *const names[] = { "T1", "T2", "T3" };
    const struct design_input cases[] = { case_t1(arena), case_t2(arena), case_t3(arena) };
    struct design_plan plan;
    struct err err = { 0 };

    for (size_t c = 0; c < 3; c++) {
        const json_t *ref = json_object_get(root, names[c]),
                     *want = json_object_get(ref, "rounded");
        assert_int_equal(design_solve(arena, &cases[c], DESIGN_FULL, &plan, &err), ERR_OK);
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(plan.rows[i].amount.fen,
                             100 * json_integer_value(json_array_get(want, i)));
    }
    const json_t *tail = json_object_get(json_object_get(root, "T1"), "tail"), *level;
    const char *key;
    assess(arena, &cases[0], json_object_get(json_object_get(root, "T1"), "rounded"), NULL, &plan);
    json_object_foreach((json_t *) json_object_get(tail, "exceed"), key, level)
        assert_near(year_above(&plan.year, strtod(key, NULL)), at(level, "exact"), 1e-11);
    json_object_foreach((json_t *) json_object_get(tail, "var"), key, level)
        assert_near(year_quantile(&plan.year, strtod(key, NULL)), at(level, "exact"), 1e-6);

    const json_t *t4 = json_object_get(root, "T4"), *groups = json_object_get(t4, "groups");
    const struct design_input in = case_t4(arena);
    assert_int_equal(design_solve(arena, &in, DESIGN_FULL, &plan, &err), ERR_OK);
    for (size_t i = 0; i < 12; i++) {
        const json_t *g = json_array_get(groups, i);
        assert_near(plan.rows[i].claims, at(g, "claims"), 1e-9);
        assert_near(plan.rows[i].stays, at(g, "admissions"), 1e-9);
        assert_near(plan.rows[i].typical, at(g, "mean_oop_given"), 1e-7);
        assert_near(plan.rows[i].shape, at(g, "mean_excess_given"), 1e-7);
        assert_int_equal(plan.rows[i].amount.fen, (int64_t) at(g, "amount") * 100);
    }
    assert_near(plan.total.overspend, at(t4, "p_exceed"), 1e-11);
    assert_near(plan.total.mean, at(t4, "expected_payout"), 1e-4);
    assert_near(plan.reach_persons, at(t4, "reach_by_persons"), 1e-12);
    assert_near(plan.relief, at(t4, "relief_ratio"), 1e-12);
    arena_destroy(arena);
    json_decref(root);
}

static void
bad_years_caps_and_limited_payments(void **state)
{
    (void) state;
    json_t *root = vectors("plan_extra.json"), *ref = vectors("plan_ref.json"), *row;
    struct arena *arena = arena_create(ARENA_BYTES);
    struct design_input in = case_t1(arena);
    struct design_plan plan;
    size_t i;

    json_array_foreach(json_object_get(json_object_get(root, "E1_overdispersion"), "rows"), i, row)
    {
        in.goals.dispersion = at(row, "r");
        assess(arena, &in, json_object_get(json_object_get(ref, "T1"), "rounded"), NULL, &plan);
        assert_near(plan.total.sd, at(row, "sd"), 1e-6);
        assert_near(year_above(&plan.year, 180000), at(row, "P_gt_180000"), 1e-11);
        assert_near(plan.total.p95, at(row, "VaR95"), 1e-6);
        assert_near(plan.total.p99, at(row, "VaR99"), 1e-6);
    }
    in = case_t4(arena);
    json_array_foreach(json_object_get(json_object_get(root, "E3_personal_cap"), "rows"), i, row)
    {
        const json_t *cap = json_object_get(row, "cap");
        const double p = at(row, "P_gt_pool");
        in.goals.yearly_cap = yuan(json_is_integer(cap) ? json_integer_value(cap) : 0);
        assess(arena, &in, json_object_get(json_object_get(ref, "T4"), "groups"), "amount", &plan);
        assert_near(plan.total.mean, at(row, "expected"), 1e-4);
        assert_near(plan.total.overspend, p < 0 ? 0 : p, 1e-10);
        assert_near(plan.persons_over_cap, at(row, "persons_over_cap"), 1e-8);
    }
    const struct dist d = dist_lognormal_mean(1800, 4194);
    json_array_foreach(json_object_get(json_object_get(root, "E4_min_b_X"), "rows"), i, row)
    {
        const double b = at(row, "b"), t = 4000;
        const double paid = b <= t ? b : t + (dist_lev(&d, b) - dist_lev(&d, t)) / dist_tail(&d, t);
        assert_near(paid, at(row, "E_pay_given_claim"), 1e-8);
    }
    arena_destroy(arena);
    json_decref(root);
    json_decref(ref);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_small_compound_cases),
        cmocka_unit_test(the_plan_cases_and_their_tails),
        cmocka_unit_test(bad_years_caps_and_limited_payments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
