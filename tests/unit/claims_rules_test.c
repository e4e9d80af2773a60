/* claims_rules_test.c - the rules of claims, both sides of every boundary.  Tests are named after
 * the requirements that they hold. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "claims/rules.h"
#include "claims/rules_eligibility.h"
#include "clock/calendar.h"

static date_t
day(const char *text)
{
    date_t date;

    if (!date_parse(text, &date))
        fail_msg("%s is no day", text);
    return date;
}

/* --- the world: the Yongtai programme of 2020 (003) --- */

static const struct id village = { { 7 } }, other_village = { { 8 } };

static struct candidate
yongtai(void)
{
    struct candidate c = {
        .programme = { .id = { { 1 } },
                       .year = 2020,
                       .state = PROGRAMME_IN_FORCE,
                       .starts = day("2020-01-01"),
                       .ends = day("2020-12-31"),
                       .workdays = 5,
                       .threshold_count = 4,
                       .thresholds = { { INSURED_RESIDENT, false, yuan(4000) },
                                       { INSURED_EMPLOYEE, false, yuan(4000) },
                                       { INSURED_NOT, true, yuan(7000) },
                                       { INSURED_INTERRUPTED, true, yuan(7000) } } },
        .is_member = true,
    };

    c.from = c.programme.starts;
    for (int i = EXCLUDED_COSMETIC; i < EXCLUSION_COUNT; i++)
        c.programme.exclusions |= UINT32_C(1) << i;
    return c;
}

static struct stay
a_stay(void)
{
    return (struct stay){ .admitted = day("2020-03-01"),
                          .discharged = day("2020-03-09"),
                          .hospital = "永泰县医院",
                          .hospital_code = "H35012500012",
                          .hospital_level = "2",
                          .insurance = INSURED_RESIDENT,
                          .total_cost = yuan(20000),
                          .basic_paid = yuan(12000),
                          .own_payment = yuan(8000),
                          .purpose = PURPOSE_TREATMENT,
                          .cause_text = "" };
}

static struct verdict verdict;

static const char *
judge_all(const struct stay *stay, const struct candidate *candidates, size_t count,
          const char *overlaps)
{
    const struct stay_question question = { .stay = stay,
                                            .village = village,
                                            .candidates = candidates,
                                            .candidate_count = count,
                                            .overlaps = overlaps };

    rule_stay_is_helped(&question, &verdict);
    assert_int_equal(verdict.accepted, verdict.reason[0] == '\0');
    assert_true(verdict.accepted || (verdict.requirement[0] && verdict.words[0]));
    return verdict.accepted ? "" : verdict.reason;
}

static const char *
judge(const struct stay *stay)
{
    const struct candidate candidate = yongtai();

    return judge_all(stay, &candidate, 1, NULL);
}

#define HELPED(stay) assert_string_equal(judge(&(stay)), "")
#define REFUSED(stay, why, clause)                                                                 \
    do {                                                                                           \
        assert_string_equal(judge(&(stay)), why);                                                  \
        assert_string_equal(verdict.requirement, clause);                                          \
    } while (0)

/* --- eligibility --- */

static void
req_003_8_a_stay_belongs_to_the_year_of_its_admission(void **state)
{
    struct stay stay = a_stay();

    (void) state;
    stay.admitted = day("2020-12-31");
    stay.discharged = day("2021-01-03"); /* the old year's plan */
    HELPED(stay);
    stay.admitted = day("2021-01-01");
    REFUSED(stay, "claim.outside_year", "003-8");
    stay.admitted = day("2020-01-01");
    stay.discharged = day("2020-01-05");
    HELPED(stay);
    stay.admitted = day("2019-12-31"); /* a day before the start */
    REFUSED(stay, "claim.outside_year", "003-8");
    assert_non_null(strstr(verdict.words, "2019-12-31"));
    assert_non_null(strstr(verdict.words, "2020-01-01 至 2020-12-31"));
}

static void
the_year_may_be_that_of_the_discharge(void **state)
{
    struct candidate candidate = yongtai();
    struct stay stay = a_stay();

    (void) state;
    candidate.programme.by_discharge = true;
    stay.admitted = day("2019-12-28");
    stay.discharged = day("2020-01-02");
    assert_string_equal(judge_all(&stay, &candidate, 1, NULL), "claim.before_from");
    candidate.from = day("2019-01-01");
    assert_string_equal(judge_all(&stay, &candidate, 1, NULL), "");
    stay.admitted = day("2020-12-31");
    stay.discharged = day("2021-01-01");
    assert_string_equal(judge_all(&stay, &candidate, 1, NULL), "claim.outside_year");
    assert_non_null(strstr(verdict.words, "出院"));
}

static void
req_003_9_the_own_payment_reaches_4000(void **state)
{
    struct stay stay = a_stay();

    (void) state;
    stay.own_payment = (money_t){ 399999 };
    REFUSED(stay, "claim.own_payment", "003-9");
    assert_non_null(strstr(verdict.words, "3999.99"));
    assert_non_null(strstr(verdict.words, "4000.00"));
    assert_non_null(strstr(verdict.words, "还差 0.01 元")); /* 5.1 c: the shortfall is told */
    stay.own_payment = (money_t){ 400000 };
    HELPED(stay);
    stay.insurance = INSURED_EMPLOYEE;
    HELPED(stay);
    stay.own_payment.fen--;
    REFUSED(stay, "claim.own_payment", "003-9");
}

static void
req_003_10_without_insurance_the_total_cost_reaches_7000(void **state)
{
    struct stay stay = a_stay();

    (void) state;
    stay.basic_paid = yuan(0);
    stay.own_payment = yuan(100); /* does not matter on this path */
    for (int i = 0; i < 2; i++) {
        stay.insurance = i ? INSURED_INTERRUPTED : INSURED_NOT;
        stay.total_cost = (money_t){ 699999 };
        REFUSED(stay, "claim.total_cost", "003-10");
        assert_non_null(strstr(verdict.words, "还差 0.01 元"));
        stay.total_cost = (money_t){ 700000 };
        HELPED(stay);
    }
}

static void
req_5_1c_a_threshold_is_of_each_insurance(void **state)
{
    struct candidate candidate = yongtai();
    struct stay stay = a_stay();

    (void) state;
    candidate.programme.threshold_count = 2; /* residents and employees alone */
    stay.insurance = INSURED_NOT;
    assert_string_equal(judge_all(&stay, &candidate, 1, NULL), "claim.insurance");
    assert_string_equal(verdict.requirement, "5.1c");
    stay.insurance = INSURED_RESIDENT;
    stay.own_payment = yuan(1);
    assert_string_equal(judge_all(&stay, &candidate, 1, NULL), "claim.own_payment");
    candidate.programme.threshold_count = 0;
    assert_string_equal(judge_all(&stay, &candidate, 1, NULL), "");
}

static void
req_0_3_1_an_outpatient_visit_is_refused(void **state)
{
    struct stay stay = a_stay();

    (void) state;
    stay.outpatient = true;
    REFUSED(stay, "claim.outpatient", "0-3.1");
}

static void
req_003_14_excluded_stays_are_refused(void **state)
{
    static const struct {
        enum purpose purpose;
        enum cause cause;
        const char *words; /* NULL: helped */
    } rows[] = {
        { PURPOSE_TREATMENT, CAUSE_NONE, NULL },
        { PURPOSE_COSMETIC, CAUSE_NONE, "美容" },
        { PURPOSE_PLASTIC, CAUSE_NONE, "整形" },
        { PURPOSE_CHECK_UP, CAUSE_NONE, "健康体检" },
        { PURPOSE_TREATMENT, CAUSE_OWN_ACCIDENT, NULL },
        { PURPOSE_TREATMENT, CAUSE_WORK, "工伤" },
        { PURPOSE_TREATMENT, CAUSE_CRIME, "违法犯罪" },
        { PURPOSE_TREATMENT, CAUSE_THIRD_PARTY, "第三方" },
        { PURPOSE_TREATMENT, CAUSE_SHARED, NULL },
    };
    struct candidate candidate = yongtai();
    struct stay stay = a_stay();

    (void) state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        stay.purpose = rows[i].purpose;
        stay.cause = rows[i].cause;
        assert_string_equal(judge(&stay), rows[i].words ? "claim.excluded" : "");
        if (!rows[i].words)
            continue;
        assert_non_null(strstr(verdict.words, rows[i].words));
        assert_string_equal(verdict.requirement, "003-14");
        candidate.programme.exclusions = 0; /* a programme that lists none */
        assert_string_equal(judge_all(&stay, &candidate, 1, NULL), "");
    }
}

static void
req_7_2_1a_who_takes_no_part_is_refused(void **state)
{
    struct candidate candidate = yongtai();
    struct stay stay = a_stay();

    (void) state;
    candidate.is_member = false;
    assert_string_equal(judge_all(&stay, &candidate, 1, NULL), "claim.not_member");
    candidate.is_member = true;
    candidate.from = day("2020-03-02"); /* a new member of the register (003-2) */
    assert_string_equal(judge_all(&stay, &candidate, 1, NULL), "claim.before_from");
    candidate.from = day("2020-03-01");
    assert_string_equal(judge_all(&stay, &candidate, 1, NULL), "");
}

static void
req_7_3_1b_a_programme_that_does_not_run_takes_no_claims(void **state)
{
    static const char *const reasons[] = {
        [PROGRAMME_DRAFT] = "claim.outside_year",
        [PROGRAMME_SUBMITTED] = "claim.outside_year",
        [PROGRAMME_OPEN] = "claim.not_running",
        [PROGRAMME_IN_FORCE] = "",
        [PROGRAMME_SETTLING] = "",
        [PROGRAMME_CLOSED] = "claim.year_over",
        [PROGRAMME_STOPPING] = "claim.not_running",
        [PROGRAMME_WOUND_UP] = "claim.not_running",
    };
    struct candidate candidate = yongtai();
    const struct stay stay = a_stay();

    (void) state;
    for (int i = PROGRAMME_DRAFT; i <= PROGRAMME_WOUND_UP; i++) {
        candidate.programme.state = (enum programme_state) i;
        assert_string_equal(judge_all(&stay, &candidate, 1, NULL), reasons[i]);
    }
}

static void
the_programme_is_that_of_the_village_and_the_year(void **state)
{
    struct candidate all[4] = { yongtai(), yongtai(), yongtai(), yongtai() };
    struct stay stay = a_stay();

    (void) state;
    all[0].programme.village = other_village; /* not the patient's */
    all[1].programme.starts = day("2019-01-01");
    all[1].programme.ends = day("2019-12-31");
    all[2].is_member = false; /* the township's, which the patient did not join */
    all[3].programme.village = village;
    assert_string_equal(judge_all(&stay, all, 4, NULL), "");
    assert_ptr_equal(verdict.candidate, &all[3]);
    stay.admitted = stay.discharged = day("2019-05-05");
    all[1].from = day("2019-01-01");
    assert_string_equal(judge_all(&stay, all, 4, NULL), "");
    assert_ptr_equal(verdict.candidate, &all[1]);
    assert_string_equal(judge_all(&stay, all, 1, NULL), "claim.outside_year");
    assert_string_equal(judge_all(&stay, NULL, 0, NULL), "claim.outside_year");
}

static void
req_003_9_one_stay_is_claimed_once(void **state)
{
    static const struct {
        const char *admitted, *discharged, *code;
        bool overlaps;
    } rows[] = {
        { "2020-03-01", "2020-03-09", "H35012500012", true }, /* the same */
        { "2020-03-01", "2020-03-01", "H35012500012", true }, /* the same hospital and day */
        { "2020-03-08", "2020-03-20", "X", true },            /* a day too early */
        { "2020-03-09", "2020-03-20", "X", false },           /* moved to another hospital */
        { "2020-02-01", "2020-03-01", "X", false },
        { "2020-02-01", "2020-03-02", "X", true },
        { "2020-03-03", "2020-03-04", "X", true }, /* inside */
        { "2020-02-01", "2020-04-01", "X", true }, /* around */
        { "2020-03-10", "2020-03-20", "H35012500012", false },
    };
    const struct candidate candidate = yongtai();
    const struct stay stay = a_stay();

    (void) state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct stay other = a_stay();
        other.admitted = day(rows[i].admitted);
        other.discharged = day(rows[i].discharged);
        other.hospital_code = rows[i].code;
        assert_int_equal(stays_overlap(&stay, &other), rows[i].overlaps);
        assert_int_equal(stays_overlap(&other, &stay), rows[i].overlaps);
    }
    assert_string_equal(judge_all(&stay, &candidate, 1, "2020-000007"), "claim.duplicate");
    assert_non_null(strstr(verdict.words, "2020-000007"));
}

/* --- form --- */

static const char *
form(const struct stay *stay)
{
    static struct err err;

    err = (struct err){ .code = ERR_OK };
    return rule_stay_is_sound(stay, day("2020-06-30"), &err) == ERR_OK ? "" : err.reason;
}

static void
a_stay_is_sound_or_says_why_not(void **state)
{
    static char long_name[400];
    struct stay s;

    (void) state;
    memset(long_name, 'x', 101);
#define ROW(why, change)                                                                           \
    do {                                                                                           \
        s = a_stay();                                                                              \
        change;                                                                                    \
        assert_string_equal(form(&s), why);                                                        \
    } while (0)
    ROW("", (void) s);
    ROW("", s.discharged = day("2020-06-30"));
    ROW("claim.dates", s.discharged = day("2020-07-01"));
    ROW("claim.dates", s.discharged = day("2020-02-29"));
    ROW("", s.discharged = s.admitted);
    ROW("claim.dates", s.admitted = day("1999-12-31"));
    ROW("claim.field", s.insurance = (enum insurance) 0);
    ROW("claim.field", s.insurance = INSURANCE_COUNT);
    ROW("claim.field", s.purpose = (enum purpose) 0);
    ROW("claim.field", s.hospital = "");
    ROW("claim.field", s.hospital = long_name);
    ROW("claim.field", s.hospital = "a\nb");
    ROW("claim.field", s.hospital = "\xff");
    ROW("claim.field", s.hospital_code = "H-1");
    ROW("claim.field", s.hospital_level = "4");
    ROW("claim.field", s.hospital_level = "12");
    ROW("", s.hospital_level = "");
    ROW("claim.costs", s.total_cost = yuan(0));
    ROW("claim.costs", s.own_payment = yuan(-1));
    ROW("claim.costs", s.basic_paid = yuan(-1));
    ROW("", s.own_payment = yuan(8000));
    ROW("claim.costs", s.own_payment = (money_t){ 800001 }); /* with basic 12,000 above 20,000 */
    ROW("claim.costs", s.insurance = INSURED_NOT);           /* and basic insurance paid? */
    ROW("claim.costs", s.total_cost = MONEY_MAX);
#undef ROW
}

static const char *
payee_form(const char *card, const char *again, enum relation relation, char digits[static 20])
{
    static struct err err;
    struct payee payee = {
        .holder = "张三", .card = card, .bank = "永泰农商行", .relation = relation
    };

    err = (struct err){ .code = ERR_OK };
    return rule_payee_is_sound(&payee, again, digits, &err) == ERR_OK
               ? (payee.card_unsure ? "unsure" : "")
               : err.reason;
}

static void
a_card_that_fails_its_check_digit_is_typed_twice(void **state)
{
    char digits[20];

    (void) state;
    assert_string_equal(payee_form("6228480012345678903", "", RELATION_SELF, digits), "");
    assert_string_equal(payee_form("6228 4800 1234 5678 903", "", RELATION_SELF, digits), "");
    assert_string_equal(digits, "6228480012345678903");
    assert_string_equal(payee_form("6228480012345678904", "", RELATION_SELF, digits),
                        "claim.card_again");
    assert_string_equal(
        payee_form("6228480012345678904", "6228480012345678905", RELATION_SELF, digits),
        "claim.card_again");
    assert_string_equal(
        payee_form("6228480012345678904", "6228 4800 12345678904", RELATION_SELF, digits),
        "unsure");
    assert_string_equal(payee_form("62284800123", "", RELATION_SELF, digits), "claim.card");
    assert_string_equal(payee_form("622848001234567890x", "", RELATION_SELF, digits), "claim.card");
    assert_string_equal(payee_form("6228480012345678903", "", (enum relation) 0, digits),
                        "claim.field");
}

/* --- papers --- */

static void
req_7_2_2_three_papers_are_needed(void **state)
{
    struct claim claim = { .stay = a_stay() };
    struct programme programme = yongtai().programme;
    const paper_set_t two = PAPER_BIT(PAPER_DISCHARGE_RECORD) | PAPER_BIT(PAPER_COST_LIST);
    const paper_set_t three = two | PAPER_BIT(PAPER_SETTLEMENT);
    char words[160];

    (void) state;
    assert_int_equal(papers_needed(&claim, &programme, false), three);
    claim.stay.cause = CAUSE_OWN_ACCIDENT; /* 003-14: an injury's cause is stated */
    assert_int_equal(papers_needed(&claim, &programme, false),
                     three | PAPER_BIT(PAPER_CAUSE_STATEMENT));
    claim.stay.cause = CAUSE_NONE;
    programme.papers[INSURED_RESIDENT] = two; /* the programme's own list */
    assert_int_equal(papers_needed(&claim, &programme, false), two);
    papers_in_words(three, words, sizeof words);
    assert_string_equal(words, "出院记录、住院费用清单、基本医保结算单");
    papers_in_words(three, words, 20);
    assert_string_equal(words, "出院记录"); /* cut between names */
}

static void
req_003_11_an_agent_shows_a_mandate_and_the_uninsured_no_settlement(void **state)
{
    struct claim claim = { .stay = a_stay() };

    (void) state;
    claim.stay.insurance = INSURED_NOT;
    assert_int_equal(papers_needed(&claim, NULL, false),
                     PAPER_BIT(PAPER_DISCHARGE_RECORD) | PAPER_BIT(PAPER_COST_LIST));
    claim.by_agent = true;
    assert_true(papers_needed(&claim, NULL, false) & PAPER_BIT(PAPER_MANDATE));
    claim.by_agent = false;
    assert_true(papers_needed(&claim, NULL, true) & PAPER_BIT(PAPER_MANDATE));
    /* a guardian of a child needs none, of a grown person one */
    assert_false(payee_needs_mandate(RELATION_SELF, day("1950-01-01"), day("2020-06-30")));
    assert_false(payee_needs_mandate(RELATION_GUARDIAN, day("2002-07-01"), day("2020-06-30")));
    assert_true(payee_needs_mandate(RELATION_GUARDIAN, day("2002-06-30"), day("2020-06-30")));
    assert_true(payee_needs_mandate(RELATION_RELATIVE, day("2010-01-01"), day("2020-06-30")));
    assert_true(payee_needs_mandate(RELATION_AGENT, day("1950-01-01"), day("2020-06-30")));
}

/* --- moves --- */

static void
every_pair_of_state_and_event_moves_as_the_table_says(void **state)
{
    int allowed = 0;

    (void) state;
    for (int from = 1; from < CLAIM_STATE_COUNT; from++) {
        for (int on = ON_FILE; on <= ON_VOID; on++) {
            struct claim claim = { .state = (enum claim_state) from };
            const char *why;
            struct err err;
            const err_t code = claim_move(&claim, (enum claim_event) on, &why, &err);
            assert_true(code == ERR_OK || code == ERR_CONFLICT);
            if (code == ERR_OK)
                allowed++;
            else
                assert_int_equal(claim.state, from);
            /* what has ended stays so */
            if (from == CLAIM_PAID || from == CLAIM_REFUSED || from == CLAIM_WITHDRAWN ||
                from == CLAIM_UNPAID)
                assert_int_equal(code, ERR_CONFLICT);
        }
    }
    assert_int_equal(allowed, 31);
}

static void
who_may_see_and_who_may_act(void **state)
{
    const struct claim claim = { .filed_by = { { 1 } }, .household = { { 2 } } };
    static const struct {
        struct onlooker who;
        bool sees, acts;
    } rows[] = {
        { { .account = { { 1 } }, .roles = ROLE_MEMBER }, true, true }, /* the filer */
        { { .account = { { 9 } }, .household = { { 2 } }, .roles = ROLE_MEMBER }, true, true },
        { { .account = { { 9 } }, .household = { { 3 } }, .roles = ROLE_MEMBER }, false, false },
        { { .account = { { 9 } }, .roles = ROLE_MEMBER, .covers = true }, false, false },
        { { .account = { { 9 } }, .roles = ROLE_VILLAGE_CLERK, .covers = true }, true, true },
        { { .account = { { 9 } }, .roles = ROLE_VILLAGE_CLERK }, false, false },
        { { .account = { { 9 } }, .roles = ROLE_REVIEWER, .covers = true }, true, false },
        { { .account = { { 9 } }, .roles = ROLE_AUDITOR, .covers = true }, true, false },
        { { .account = { { 9 } }, .roles = ROLE_CODER, .covers = true }, false, false },
        { { .account = { { 9 } }, .roles = ROLE_DESIGNER, .covers = true }, false, false },
    };

    (void) state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(rule_may_see_claim(&claim, &rows[i].who), rows[i].sees);
        assert_int_equal(rule_may_act_on_claim(&claim, &rows[i].who), rows[i].acts);
    }
}

/* --- 7.2.3 a: five working days --- */

static void
req_7_2_3a_the_due_days_of_the_vectors(void **state)
{
    static const char *const pairs[][2] = {
        { "2024-02-02", "2024-02-08" }, { "2024-02-08", "2024-02-21" },
        { "2024-02-09", "2024-02-22" }, { "2024-04-03", "2024-04-11" },
        { "2024-04-26", "2024-05-07" }, { "2024-09-13", "2024-09-23" },
        { "2024-09-27", "2024-10-10" }, { "2024-09-30", "2024-10-12" },
        { "2024-12-30", "2025-01-07" }, { "2025-01-24", "2025-02-07" },
        { "2025-01-27", "2025-02-10" }, { "2025-04-25", "2025-05-06" },
        { "2025-04-30", "2025-05-12" }, { "2025-05-29", "2025-06-06" },
        { "2025-09-26", "2025-10-10" }, { "2025-09-30", "2025-10-14" },
        { "2025-12-30", "2026-01-07" }, { "2025-12-31", "2026-01-08" },
        { "2026-02-11", "2026-02-25" }, { "2026-02-13", "2026-02-27" },
        { "2026-02-14", "2026-02-28" }, { "2026-02-20", "2026-02-28" },
        { "2026-04-03", "2026-04-13" }, { "2026-04-30", "2026-05-11" },
        { "2026-05-08", "2026-05-14" }, { "2026-06-16", "2026-06-24" },
        { "2026-09-18", "2026-09-24" }, { "2026-09-24", "2026-10-09" },
        { "2026-09-30", "2026-10-13" }, { "2026-10-09", "2026-10-15" },
    };
    bool provisional;

    (void) state;
    assert_int_equal(COUNT(pairs), 30);
    for (size_t i = 0; i < COUNT(pairs); i++) {
        assert_int_equal(calendar_add_workdays(day(pairs[i][0]), 5, &provisional).days,
                         day(pairs[i][1]).days);
        assert_false(provisional);
    }
    (void) calendar_add_workdays(day("2026-12-30"), 5, &provisional);
    assert_true(provisional); /* the calendar of 2027 is not published */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(req_003_8_a_stay_belongs_to_the_year_of_its_admission),
        cmocka_unit_test(the_year_may_be_that_of_the_discharge),
        cmocka_unit_test(req_003_9_the_own_payment_reaches_4000),
        cmocka_unit_test(req_003_10_without_insurance_the_total_cost_reaches_7000),
        cmocka_unit_test(req_5_1c_a_threshold_is_of_each_insurance),
        cmocka_unit_test(req_0_3_1_an_outpatient_visit_is_refused),
        cmocka_unit_test(req_003_14_excluded_stays_are_refused),
        cmocka_unit_test(req_7_2_1a_who_takes_no_part_is_refused),
        cmocka_unit_test(req_7_3_1b_a_programme_that_does_not_run_takes_no_claims),
        cmocka_unit_test(the_programme_is_that_of_the_village_and_the_year),
        cmocka_unit_test(req_003_9_one_stay_is_claimed_once),
        cmocka_unit_test(a_stay_is_sound_or_says_why_not),
        cmocka_unit_test(a_card_that_fails_its_check_digit_is_typed_twice),
        cmocka_unit_test(req_7_2_2_three_papers_are_needed),
        cmocka_unit_test(req_003_11_an_agent_shows_a_mandate_and_the_uninsured_no_settlement),
        cmocka_unit_test(every_pair_of_state_and_event_moves_as_the_table_says),
        cmocka_unit_test(who_may_see_and_who_may_act),
        cmocka_unit_test(req_7_2_3a_the_due_days_of_the_vectors),
    };
    return cmocka_run_group_tests_name("claims rules", tests, NULL, NULL);
}
