/* coding_rules_test.c - what a stay is worth, who may code it, what tells too much: the pure rules
 * of the coding service, at both sides of each boundary and over random sequences. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coding/rules.h"

/* --- pricing --- */

static const struct programme no_limits = { .claim_least = { -1 },
                                            .claim_most = { -1 },
                                            .person_most = { -1 } };
static const struct subsidy_row row_800 = { .drg = "ES35",
                                            .name = "呼吸系统感染",
                                            .parent = "",
                                            .amount = { 80000 },
                                            .age_from = DRG_MISSING,
                                            .age_to = DRG_MISSING };

static struct price
priced(const struct programme *p, int64_t table, int64_t own, int64_t sum)
{
    struct subsidy_row row = row_800;
    struct price price;

    row.amount.fen = table;
    rule_price(&(struct price_input){ p, &row, { own }, { sum } }, &price);
    return price;
}

static void
req_0_3_3_the_amount_is_the_tables_where_nothing_limits_it(void **state)
{
    const struct price price = priced(&no_limits, 80000, 1, 99999999);

    (void) state;
    assert_int_equal(price.due.fen, 80000);
    assert_int_equal(price.payable.fen, 80000);
    assert_int_equal(price.step_count, 1);
    assert_string_equal(price.steps[0].name, "table");
    assert_string_equal(price.steps[0].why, "补助标准：ES35 呼吸系统感染，定额800.00元");
}

static void
each_limit_of_the_programme_holds_at_its_boundary(void **state)
{
    static const struct {
        const char *what;
        int64_t least, most, person;
        bool own_limits;
        int64_t table, own, sum, payable;
    } cases[] = {
        { "own payment above", -1, -1, -1, true, 80000, 80001, 0, 80000 },
        { "own payment equal", -1, -1, -1, true, 80000, 80000, 0, 80000 },
        { "own payment a fen below", -1, -1, -1, true, 80000, 79999, 0, 79999 },
        { "nothing paid by oneself", -1, -1, -1, true, 80000, 0, 0, 0 },
        { "an own payment below zero", -1, -1, -1, true, 80000, -5, 0, 0 },
        { "most of a claim, equal", -1, 80000, -1, false, 80000, 0, 0, 80000 },
        { "most of a claim, a fen below", -1, 79999, -1, false, 80000, 0, 0, 79999 },
        { "most of a person, all left", -1, -1, 100000, false, 80000, 0, 20000, 80000 },
        { "most of a person, a fen short", -1, -1, 100000, false, 80000, 0, 20001, 79999 },
        { "most of a person, used up", -1, -1, 100000, false, 80000, 0, 100000, 0 },
        { "most of a person, lowered since", -1, -1, 100000, false, 80000, 0, 150000, 0 },
        { "least of a claim, equal", 80000, -1, -1, false, 80000, 0, 0, 80000 },
        { "least of a claim, a fen above it", 80001, -1, -1, false, 80000, 0, 0, 0 },
        { "least after the person's limit", 30000, -1, 100000, false, 80000, 0, 70001, 0 },
        { "least after the person's limit, equal", 30000, -1, 100000, false, 80000, 0, 70000,
          30000 },
        { "all at once", 10000, 70000, 200000, true, 80000, 60000, 150000, 50000 },
    };

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct programme p = { .claim_least = { cases[i].least },
                                     .claim_most = { cases[i].most },
                                     .person_most = { cases[i].person },
                                     .own_payment_limits = cases[i].own_limits };
        const struct price price = priced(&p, cases[i].table, cases[i].own, cases[i].sum);
        if (price.payable.fen != cases[i].payable)
            fail_msg("%s: %lld", cases[i].what, (long long) price.payable.fen);
        assert_int_equal(price.due.fen, cases[i].table);
    }
}

static void
the_steps_stand_in_their_order_and_say_why(void **state)
{
    static const char *const names[] = { "table", "own_payment", "claim_most", "person_most",
                                         "claim_least" };
    const struct programme p = { .claim_least = { 10000 },
                                 .claim_most = { 70000 },
                                 .person_most = { 200000 },
                                 .own_payment_limits = true };
    const struct price price = priced(&p, 80000, 60000, 195000);

    (void) state;
    assert_int_equal(price.step_count, COUNT(names));
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_string_equal(price.steps[i].name, names[i]);
        assert_true(strlen(price.steps[i].why) > 10);
        assert_int_equal(price.steps[i].before.fen,
                         i == 0 ? price.due.fen : price.steps[i - 1].after.fen);
    }
    assert_string_equal(price.steps[3].why,
                        "每人每年最高补助2000.00元，本年度其他住院已核定1950.00元");
    assert_string_equal(price.steps[4].why, "低于每次最低补助100.00元，不予补助");
    assert_int_equal(price.payable.fen, 0);
}

static uint64_t
next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Goal: over any sequence of stays and recodings of one person, what is payable lies in 0..due, no
 * cap is passed, and the kept sum is that of the prices in force.
 * Method: 200 people, 60 events each, replacing one of ten claims at random. */
static void
req_A_1_no_sequence_of_stays_and_recodings_passes_a_cap(void **state)
{
    uint64_t seed = 20261122;
    size_t capped = 0, below = 0;

    (void) state;
    for (int person = 0; person < 200; person++) {
        const struct programme p = {
            .claim_least = { next_random(&seed) % 3 ? (int64_t) (next_random(&seed) % 50000) : -1 },
            .claim_most = { next_random(&seed) % 3 ? (int64_t) (next_random(&seed) % 900000) : -1 },
            .person_most = { next_random(&seed) % 3 ? (int64_t) (next_random(&seed) % 2000000)
                                                    : -1 },
            .own_payment_limits = next_random(&seed) % 2,
        };
        int64_t in_force[10] = { 0 }, sum = 0;
        for (int i = 0; i < 60; i++) {
            const size_t claim = next_random(&seed) % COUNT(in_force);
            const int64_t own = (int64_t) (next_random(&seed) % 1500000);
            const struct price price =
                priced(&p, (int64_t) (next_random(&seed) % 1000000), own, sum - in_force[claim]);
            const int64_t paid = price.payable.fen;
            assert_true(paid >= 0 && paid <= price.due.fen);
            assert_true(!p.own_payment_limits || paid <= own);
            assert_true(p.claim_most.fen < 0 || paid <= p.claim_most.fen);
            assert_true(paid == 0 || p.claim_least.fen < 0 || paid >= p.claim_least.fen);
            sum += paid - in_force[claim];
            in_force[claim] = paid;
            int64_t again = 0;
            for (size_t k = 0; k < COUNT(in_force); k++)
                again += in_force[k];
            assert_int_equal(sum, again);
            assert_true(p.person_most.fen < 0 || sum <= p.person_most.fen);
            capped += paid < price.due.fen;
            below += paid == 0;
        }
    }
    assert_true(capped > 1000 && below > 100); /* the limits were really met */
}

/* --- subsidy tables --- */

static struct subsidy_row
row(const char *drg, const char *parent, int32_t from, int32_t to, enum drg_sex sex)
{
    return (struct subsidy_row){ .drg = drg,
                                 .name = "",
                                 .parent = parent,
                                 .amount = { 100 },
                                 .age_from = from,
                                 .age_to = to,
                                 .sex = sex };
}

static void
req_6_2_1a_the_first_local_sub_group_that_fits_decides(void **state)
{
    const struct subsidy_row rows[] = {
        row("ES35", "", DRG_MISSING, DRG_MISSING, DRG_SEX_MISSING),
        row("ES35a", "ES35", DRG_MISSING, 6, DRG_SEX_MISSING),
        row("ES35b", "ES35", 7, 17, DRG_FEMALE),
        row("ES35c", "ES35", 75, DRG_MISSING, DRG_SEX_MISSING),
        row("XX11", "", DRG_MISSING, DRG_MISSING, DRG_SEX_MISSING),
    };
    static const struct {
        int32_t age;
        enum drg_sex sex;
        const char *drg;
    } cases[] = {
        { 0, DRG_MALE, "ES35a" },   { 6, DRG_FEMALE, "ES35a" },  { 7, DRG_MALE, "ES35" },
        { 7, DRG_FEMALE, "ES35b" }, { 17, DRG_FEMALE, "ES35b" }, { 18, DRG_FEMALE, "ES35" },
        { 74, DRG_MALE, "ES35" },   { 75, DRG_MALE, "ES35c" },
    };
    char who[ROW_WHO_BYTES];

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct drg_stay stay = DRG_STAY_INIT;
        stay.age = cases[i].age;
        stay.sex = cases[i].sex;
        assert_string_equal(rule_row_for(rows, COUNT(rows), "ES35", &stay)->drg, cases[i].drg);
        assert_string_equal(rule_row_for(rows, COUNT(rows), "XX11", &stay)->drg, "XX11");
        assert_null(rule_row_for(rows, COUNT(rows), "ES3", &stay));
    }
    row_who(&rows[1], who);
    assert_string_equal(who, "6岁及以下");
    row_who(&rows[2], who);
    assert_string_equal(who, "7-17岁 女");
    row_who(&rows[0], who);
    assert_string_equal(who, "");
}

static void
req_003_13_who_designed_a_table_does_not_confirm_it(void **state)
{
    const struct subsidy_table table = { .created_by = { { 1 } }, .designed_by = { { 2 } } };
    struct err err;

    (void) state;
    assert_int_equal(rule_may_confirm(&table, (struct id){ { 1 } }, &err), ERR_REFUSED);
    assert_int_equal(rule_may_confirm(&table, (struct id){ { 2 } }, &err), ERR_REFUSED);
    assert_string_equal(err.reason, TABLE_SAME_PERSON);
    assert_int_equal(rule_may_confirm(&table, (struct id){ { 3 } }, &err), ERR_OK);
}

/* Every pair of state and event that moves.def does not name is refused and changes nothing. */
static void
only_the_moves_of_the_table_are_made(void **state)
{
    struct err err;
    size_t made = 0;

    (void) state;
    for (int from = JOB_WAITING; from <= JOB_GONE; from++) {
        for (int on = ON_ACCEPT; on <= ON_GO; on++) {
            struct job job = { .state = (enum job_state) from };
            const err_t code = job_move(&job, (enum job_event) on, &err);
            made += code == ERR_OK;
            if (code != ERR_OK)
                assert_int_equal(job.state, from);
        }
    }
    assert_int_equal(made, 26);
    for (int from = TABLE_DRAFT; from <= TABLE_FROZEN; from++)
        for (int on = ON_CHANGE; on <= ON_FREEZE; on++) {
            struct subsidy_table table = { .state = (enum table_state) from };
            made += table_move(&table, (enum table_event) on, &err) == ERR_OK;
        }
    assert_int_equal(made, 29);
}

/* --- stays --- */

static date_t
day(const char *text)
{
    date_t date;

    assert_true(date_parse(text, &date));
    return date;
}

static void
age_and_length_of_stay_are_counted_as_the_front_page_does(void **state)
{
    static const struct {
        const char *birth, *admitted, *discharged;
        int32_t age, days, los;
    } cases[] = {
        { "1960-05-10", "2024-05-09", "2024-05-20", 63, 23375, 11 },
        { "1960-05-10", "2024-05-10", "2024-05-20", 64, 23376, 10 },
        { "2024-02-29", "2025-02-28", "2025-02-28", 0, 365, 1 },
        { "2024-02-29", "2025-03-01", "2025-03-02", 1, 366, 1 },
        { "2024-03-01", "2024-03-01", "2024-03-04", 0, 0, 3 },
    };
    struct stay_numbers numbers;
    struct facts facts;
    struct err err;

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        facts = (struct facts){ .birth = day(cases[i].birth),
                                .admitted = day(cases[i].admitted),
                                .discharged = day(cases[i].discharged) };
        assert_int_equal(rule_stay_numbers(&facts, &numbers, &err), ERR_OK);
        assert_int_equal(numbers.age, cases[i].age);
        assert_int_equal(numbers.days, cases[i].days);
        assert_int_equal(numbers.los, cases[i].los);
    }
    facts.discharged.days = facts.admitted.days - 1;
    assert_int_equal(rule_stay_numbers(&facts, &numbers, &err), ERR_REFUSED);
    assert_string_equal(err.reason, JOB_FACTS);
}

static void
req_003_14_an_injury_asks_for_its_cause(void **state)
{
    static const struct {
        const char *dx;
        enum injury_cause cause;
        uint32_t exclusions;
        err_t code;
        const char *reason;
    } cases[] = {
        { "J18.900", CAUSE_NONE, 0, ERR_OK, "" },
        { "S72.000", CAUSE_NONE, 0, ERR_INVALID, CODED_CAUSE },
        { "T40.600", CAUSE_NONE, 0, ERR_INVALID, CODED_CAUSE },
        { "R99.x00", CAUSE_NONE, 0, ERR_OK, "" },
        { "U07.100", CAUSE_NONE, 0, ERR_OK, "" },
        { "S72.000", CAUSE_OWN_ACCIDENT, 0xff, ERR_OK, "" },
        { "S72.000", CAUSE_SHARED, 0xff, ERR_OK, "" },
        { "T81.000", CAUSE_MEDICAL, 0xff, ERR_OK, "" },
        { "S72.000", CAUSE_WORK, 1 << EXCLUSION_WORK_INJURY, ERR_REFUSED, CODED_CAUSE_EXCLUDED },
        { "S72.000", CAUSE_WORK, 1 << EXCLUSION_CRIME, ERR_OK, "" },
        { "S72.000", CAUSE_CRIME, 1 << EXCLUSION_CRIME, ERR_REFUSED, CODED_CAUSE_EXCLUDED },
        { "S72.000", CAUSE_THIRD_PARTY, 1 << EXCLUSION_THIRD_PARTY, ERR_REFUSED,
          CODED_CAUSE_EXCLUDED },
        { "J18.900", CAUSE_THIRD_PARTY, 1 << EXCLUSION_THIRD_PARTY, ERR_REFUSED,
          CODED_CAUSE_EXCLUDED },
    };
    const struct stay_numbers numbers = { 60, 0, 5 };

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct stay stay = { .drg = DRG_STAY_INIT };
        struct err err = { 0 };
        stay.dx[0] = drg_text("I10.x00");
        stay.dx[1] = drg_text(cases[i].dx);
        stay.drg.dx = stay.dx;
        stay.drg.op = stay.op;
        stay.drg.dx_count = 2;
        stay.drg.los = 5;
        const struct given given = { &stay, cases[i].cause };
        assert_int_equal(rule_coded_is_sound(&given, &numbers, cases[i].exclusions, &err),
                         cases[i].code);
        assert_string_equal(err.reason, cases[i].reason);
    }
}

static void
a_length_of_stay_lies_within_the_dates(void **state)
{
    static const struct {
        int32_t los;
        err_t code;
    } cases[] = { { 0, ERR_OK }, { 5, ERR_OK }, { 6, ERR_OK }, { 7, ERR_INVALID } };
    const struct stay_numbers numbers = { 60, 0, 5 };

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct stay stay = { .drg = DRG_STAY_INIT };
        struct err err;
        stay.dx[0] = drg_text("J18.900");
        stay.drg.dx = stay.dx;
        stay.drg.op = stay.op;
        stay.drg.dx_count = 1;
        stay.drg.los = cases[i].los;
        const struct given given = { &stay, CAUSE_NONE };
        assert_int_equal(rule_coded_is_sound(&given, &numbers, 0, &err), cases[i].code);
    }
}

static void
req_003_14_only_what_the_programme_excludes_makes_a_claim_unfit(void **state)
{
    struct err err;

    (void) state;
    assert_int_equal(rule_may_exclude(1 << 1, 1, &err), ERR_OK);
    assert_int_equal(rule_may_exclude(1 << 2, 1, &err), ERR_REFUSED);
    assert_int_equal(rule_may_exclude(0, EXCLUSION_OUTPATIENT, &err), ERR_OK); /* 0-3.1 */
    assert_int_equal(rule_may_exclude(0xffffffff, 0, &err), ERR_REFUSED);
    assert_int_equal(rule_may_exclude(0xffffffff, 8, &err), ERR_REFUSED);
    assert_int_equal(rule_may_exclude(0xffffffff, -1, &err), ERR_REFUSED);
    assert_string_equal(err.reason, UNFIT_EXCLUSION);
}

static void
what_tells_too_much_is_found_by_group_or_by_any_code(void **state)
{
    static const struct {
        const char *drg, *dx;
        bool sensitive;
    } cases[] = {
        { "ES35", "J18.900", false }, { "YR11", "J18.900", true },  { "ES35", "B24.x00", true },
        { "ES11", "J18.900", true },  { "ES15", "J18.900", true },  { "ES21", "J18.900", false },
        { "ES35", "A14.900", false }, { "ES35", "A15.000", true },  { "ES35", "A19.900", true },
        { "ES35", "A20.000", false }, { "ES35", "A49.900", false }, { "ES35", "A50.000", true },
        { "ES35", "A64.x00", true },  { "ES35", "A65.x00", false }, { "ES35", "b20.000", true },
        { "ES35", "B25.000", false }, { "ES35", "F00.000", true },  { "ES35", "F99.x00", true },
        { "ES35", "G40.900", false }, { "ES35", "O80.900", true },  { "ES35", "N97.900", true },
        { "ES35", "N96.x00", false }, { "ES35", "X60.x00", true },  { "ES35", "X85.x00", false },
        { "ES35", "T36.000", true },  { "ES35", "T66.x00", false }, { "ES35", "Y05.x00", true },
        { "ES35", "Z21.x00", true },  { "ES35", "Z72.000", true },  { "ES35", "R45.000", true },
        { "ES35", "Q21.000", false }, { "TR19", "", true },         { "VS11", "J18.900", false },
        { "VS21", "J18.900", true },  { "JA19", "J18.900", true },  { "RA11", "C50.900", false },
        { "ES35", "B2", false },
    };

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct drg_text codes[] = { drg_text("I10.x00"), drg_text(cases[i].dx) };
        if (rule_is_sensitive(cases[i].drg, codes, 2) != cases[i].sensitive)
            fail_msg("%s %s", cases[i].drg, cases[i].dx);
    }
    assert_true(strlen(sensitive_version) > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(req_0_3_3_the_amount_is_the_tables_where_nothing_limits_it),
        cmocka_unit_test(each_limit_of_the_programme_holds_at_its_boundary),
        cmocka_unit_test(the_steps_stand_in_their_order_and_say_why),
        cmocka_unit_test(req_A_1_no_sequence_of_stays_and_recodings_passes_a_cap),
        cmocka_unit_test(req_6_2_1a_the_first_local_sub_group_that_fits_decides),
        cmocka_unit_test(req_003_13_who_designed_a_table_does_not_confirm_it),
        cmocka_unit_test(only_the_moves_of_the_table_are_made),
        cmocka_unit_test(age_and_length_of_stay_are_counted_as_the_front_page_does),
        cmocka_unit_test(req_003_14_an_injury_asks_for_its_cause),
        cmocka_unit_test(a_length_of_stay_lies_within_the_dates),
        cmocka_unit_test(req_003_14_only_what_the_programme_excludes_makes_a_claim_unfit),
        cmocka_unit_test(what_tells_too_much_is_found_by_group_or_by_any_code),
    };
    return cmocka_run_group_tests_name("unit/coding_rules", tests, NULL, NULL);
}
