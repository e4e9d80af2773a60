/* year_test.c - the first year of three townships and the end of a village fund, as `hz demo` plays
 * it: the platform as a whole, through HTTPS alone.
 *
 * The play itself fails on any refusal that it does not expect and on any that does not come; its
 * steps name their requirements.  Here is what is left when it is over. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "platform.h"

enum { TOWNS = 3, COMMAND_BYTES = 1024 };

static struct platform *p;
static json_t *figures;

static int
play(void **state)
{
    char path[PLATFORM_PATH_BYTES + 32];

    (void) state;
    p = platform_demo("--people 1500 --seed 20240801");
    print_message("the year took %lld s\n", (long long) p->up_ms / 1000);
    (void) snprintf(path, sizeof path, "%s/demo/figures.json", p->data);
    figures = json_load_file(path, 0, NULL);
    assert_non_null(figures);
    return 0;
}

static int
down(void **state)
{
    (void) state;
    json_decref(figures);
    platform_down(p); /* every invariant, the evidence, nothing died, no sanitizer spoke */
    return 0;
}

static int64_t
number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    if (!json_is_integer(value))
        fail_msg("%s is no number", name);
    return json_integer_value(value);
}

static void
req_8_1a_books_are_closed_and_the_surplus_is_carried(void **state)
{
    const json_t *towns = json_object_get(figures, "towns");

    (void) state;
    assert_int_equal(json_array_size(towns), TOWNS);
    for (size_t i = 0; i < TOWNS; i++) {
        const json_t *town = json_array_get(towns, i);
        assert_int_equal(number(town, "difference"), 0);
        assert_int_equal(number(town, "balance"), 0);
        assert_int_equal(number(town, "debit"), number(town, "credit"));
        assert_true(number(town, "subsidies") > 0);
        assert_int_equal(number(town, "raised") + number(town, "interest"),
                         number(town, "subsidies") + number(town, "service_fee") +
                             number(town, "other_costs") + number(town, "carried_over"));
    }
    assert_int_equal(counts(p, "SELECT count(*) FROM contributions.carry_over"), TOWNS);
}

static void
req_003_20_claims_are_paid_once_and_in_time(void **state)
{
    const json_t *towns = json_object_get(figures, "towns");
    int64_t paid = 0;

    (void) state;
    for (size_t i = 0; i < TOWNS; i++) {
        const json_t *town = json_array_get(towns, i);
        assert_int_equal(number(town, "claims"),
                         number(town, "paid") + number(town, "refused_all"));
        assert_true(number(town, "refused_all") >= 5);
        assert_int_equal(number(town, "on_time"), 10000);
        paid += number(town, "paid");
    }
    assert_int_equal(counts(p,
                            "SELECT count(*) FROM contributions.transfer WHERE why = 'payout' AND "
                            "state = 'POSTED'"),
                     paid);
}

static void
req_7_3_1b_a_fund_below_its_gate_goes_back_to_zero(void **state)
{
    const json_t *fund = json_object_get(figures, "fund");

    (void) state;
    assert_true(number(fund, "returned") > 0);
    assert_int_equal(counts(p, "SELECT count(*) FROM contributions.refund"),
                     number(fund, "refunds"));
}

static void
no_event_was_refused(void **state)
{
    char *said = hz(p, NULL, "parked");

    (void) state;
    assert_string_equal(said, "");
    free(said);
}

/* The status of recompute.py over copies of the exports, one of them changed by `sed`. */
static int
recomputed(const char *sed)
{
    char command[COMMAND_BYTES];

    (void) snprintf(
        command, sizeof command,
        "rm -rf %s/x && cp -r %s/demo/export %s/x && sed -i -E '%s' %s/x/yishan/ledger.csv && "
        "python3 %s/deploy/demo/recompute.py %s/x/*",
        p->root, p->data, p->root, sed, p->root, HUZHU_SOURCE_DIR, p->root);
    return WEXITSTATUS(system(command));
}

static void
req_6_2_2i_figures_follow_from_the_exports_alone(void **state)
{
    (void) state;
    assert_int_equal(recomputed("s/^$//"), 0);
    assert_int_equal(recomputed("s/,payout,(.*),([0-9]+)\\.([0-9]{2}),/,payout,\\1,\\2.99,/"), 1);
    assert_int_equal(recomputed("2d"), 1);
}

static void
played_again_it_prints_what_there_is(void **state)
{
    char *first = hz(p, NULL, "demo");
    char *again = hz(p, NULL, "demo");

    (void) state;
    assert_string_equal(first, again);
    assert_non_null(strstr(first, "trial balance"));
    assert_int_equal(counts(p, "SELECT count(*) FROM identity.tenant"), TOWNS + 1);
    free(first);
    free(again);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(req_8_1a_books_are_closed_and_the_surplus_is_carried),
        cmocka_unit_test(req_003_20_claims_are_paid_once_and_in_time),
        cmocka_unit_test(req_7_3_1b_a_fund_below_its_gate_goes_back_to_zero),
        cmocka_unit_test(no_event_was_refused),
        cmocka_unit_test(req_6_2_2i_figures_follow_from_the_exports_alone),
        cmocka_unit_test(played_again_it_prints_what_there_is),
    };
    return cmocka_run_group_tests_name("e2e/year", tests, play, down);
}
