/* Goal: every bad input to contributions has its code and its reason and changes nothing; who may
 * do what, and in which village; what the database itself refuses.
 * Method: a table of requests in JSON against one prepared town; a digest of all tables before and
 * after each row. */
#include "contributions_rig.h"

/* Programme 1 is open and has book 1 of the clerk's; household 0 is enrolled, 1 has paid (payment
 * 500), 2 nothing.  Programme 2 is a draft with a fault, 3 is submitted.  9 is none. */
static int
prepare(void **state)
{
    if (rig_clean(state) != 0)
        return -1;
    open_programme(1, "yishan_2024", "");
    EXPECT_OK(create(2, "yishan_2024", "\"smallCell\":2,"));
    EXPECT_OK(create(3, "yishan_2024", ""));
    EXPECT_OK(ask(&rig.officer, "SubmitProgramme", "{\"programmeId\":\"%s\"}", uid('g', 3)));
    open_book(&rig.clerk, 1, 1, 0);
    EXPECT_OK(enrol_bulk(&rig.clerk, 1, 0, 2, 4));
    EXPECT_OK(ask(&rig.clerk, "RecordCashPayments",
                  "{\"cashBookId\":\"%s\",\"payments\":[{\"paymentId\":\"%s\",\"householdId\":"
                  "\"%s\",\"amount\":{\"fen\":\"12000\"}}]}",
                  uid('b', 1), uid('y', 500), uid('h', 1)));
    return 0;
}

/* All that the service keeps, in one number. */
static long long
digest(void)
{
    static const char *const tables[] = {
        "programme",        "resolution", "subsidised_list", "enrolment",
        "enrolment_member", "cash_book",  "hand_in",         "statement",
        "payment",          "funds",      "agreement",       "measurement",
        "account",          "transfer",   "carry_over",      "refund",
    };
    unsigned long long sum = 0;

    for (size_t i = 0; i < COUNT(tables); i++)
        sum = sum * 31 + (unsigned long long) sql("SELECT coalesce(sum(hashtext(t::text)::bigint), "
                                                  "0)::bigint FROM contributions.%s t",
                                                  tables[i]);
    return (long long) (sum >> 1);
}

enum who { OFFICER, APPROVER, CLERK, OTHER_CLERK, AUDITOR, COUNTY, MEMBER };

static const struct person *
person_of(enum who who)
{
    const struct person *const people[] = { &rig.officer,     &rig.approver, &rig.clerk,
                                            &rig.other_clerk, &rig.auditor,  &rig.county,
                                            &rig.member };

    return people[who];
}

/* $x1 in a request is the id of noun x, number 1. */
static const char *
with_ids(const char *text)
{
    static char out[16384];
    size_t used = 0;

    while (*text) {
        if (text[0] == '$') {
            char *end;
            const long n = strtol(text + 2, &end, 10);
            used += (size_t) snprintf(out + used, sizeof out - used, "%s", uid(text[1], (int) n));
            text = end;
        } else {
            out[used++] = *text++;
        }
    }
    out[used] = '\0';
    return out;
}

#define PERSONS "\"persons\":[{\"personId\":\"$p20\"}]"
#define SAID "\"contentRead\":true,\"familyConfirmed\":true,\"confirmation\":\"SIGNATURE\","
#define HOUSE "\"householdId\":\"$h2\","
#define ENROL(fields) "{\"programmeId\":\"$g1\",\"enrolment\":{" fields "}}"
#define PAY(fields) "{\"cashBookId\":\"$b1\",\"payments\":[{" fields "}]}"
#define FUNDS(fields) "{\"programmeId\":\"$g1\",\"funds\":{\"fundsId\":\"$f1\"," fields "}}"
#define MEETING(fields)                                                                            \
    "{\"programmeId\":\"$g1\",\"resolution\":{\"resolutionId\":\"$r900\",\"villageId\":\"$v0\","   \
    "\"meeting\":\"REPRESENTATIVES\",\"metOn\":\"2024-06-15\"," fields "}}"
#define LIST(fields)                                                                               \
    "{\"programmeId\":\"$g1\",\"list\":{\"subsidisedListId\":\"$x9\",\"category\":\"a\","          \
    "\"place\":\"大洋\",\"asOf\":\"2020-06-30\"," fields "}}"
#define FEN_OF(n) "{\"fen\":\"" #n "\"}"

static const struct row {
    enum who who;
    const char *rpc, *request;
    err_t code;
    const char *reason;
} rows[] = {
    /* programmes */
    { OFFICER, "CreateProgramme", "{\"programmeId\":\"$g9\"}", ERR_INVALID, PROGRAMME_MISSING },
    { OFFICER, "CreateProgramme", "{\"programmeId\":\"$g9\",\"template\":\"x\"}", ERR_REFUSED,
      TEMPLATE_UNKNOWN },
    { OFFICER, "CreateProgramme", "{\"programmeId\":\"$g9\",\"programme\":{\"year\":1999}}",
      ERR_INVALID, PROGRAMME_YEAR },
    { OFFICER, "CreateProgramme", "{\"programmeId\":\"$g1\",\"template\":\"yishan_2024\"}",
      ERR_CONFLICT, PROGRAMME_EXISTS },
    { OFFICER, "CreateProgramme",
      "{\"programmeId\":\"$g9\",\"template\":\"yishan_2024\",\"programme\":{\"mode\":\"BY_"
      "VILLAGE\","
      "\"villageId\":\"$v9\"}}",
      ERR_NOT_FOUND, VILLAGE_NONE },
    { CLERK, "CreateProgramme", "{\"programmeId\":\"$g9\",\"template\":\"yishan_2024\"}",
      ERR_FORBIDDEN, "role.missing" },
    { OFFICER, "GetProgramme", "{\"programmeId\":\"$g9\"}", ERR_NOT_FOUND, PROGRAMME_NONE },
    { MEMBER, "GetProgramme", "{\"programmeId\":\"$g2\"}", ERR_NOT_FOUND, PROGRAMME_NONE },
    { OFFICER, "ListProgrammes", "{\"pageSize\":501}", ERR_INVALID, PAGE_SIZE },
    { OFFICER, "ListProgrammes", "{\"pageToken\":\"?\"}", ERR_INVALID, PAGE_TOKEN },
    { OFFICER, "ChangeProgramme", "{\"programmeId\":\"$g2\"}", ERR_INVALID, PROGRAMME_MISSING },
    { OFFICER, "ChangeProgramme", "{\"programmeId\":\"$g1\",\"programme\":{\"year\":2024}}",
      ERR_CONFLICT, PROGRAMME_MOVED_ON },
    { OFFICER, "SubmitProgramme", "{\"programmeId\":\"$g2\"}", ERR_REFUSED, PROGRAMME_SMALL_CELL },
    { OFFICER, "SubmitProgramme", "{\"programmeId\":\"$g1\"}", ERR_CONFLICT, PROGRAMME_MOVED_ON },
    { OFFICER, "ApproveProgramme", "{\"programmeId\":\"$g3\"}", ERR_FORBIDDEN, "role.missing" },
    { APPROVER, "ApproveProgramme", "{\"programmeId\":\"$g2\"}", ERR_CONFLICT, PROGRAMME_MOVED_ON },
    { APPROVER, "ReturnProgramme", "{\"programmeId\":\"$g3\"}", ERR_INVALID, TEXT_MISSING },
    { APPROVER, "ReturnProgramme", "{\"programmeId\":\"$g1\",\"why\":\"x\"}", ERR_CONFLICT,
      PROGRAMME_MOVED_ON },
    { OFFICER, "CloseWindow", "{\"programmeId\":\"$g1\"}", ERR_REFUSED, WINDOW_STILL_OPEN },
    { OFFICER, "CloseWindow", "{\"programmeId\":\"$g3\"}", ERR_CONFLICT, PROGRAMME_MOVED_ON },
    { OFFICER, "SettleProgramme", "{\"programmeId\":\"$g1\"}", ERR_CONFLICT, PROGRAMME_MOVED_ON },
    { APPROVER, "CloseYear", "{\"programmeId\":\"$g1\",\"nextProgrammeId\":\"$g2\"}", ERR_CONFLICT,
      PROGRAMME_MOVED_ON },
    { APPROVER, "StopProgramme", "{\"programmeId\":\"$g1\"}", ERR_INVALID, TEXT_MISSING },
    { APPROVER, "StopProgramme", "{\"programmeId\":\"$g1\",\"why\":\"x\"}", ERR_CONFLICT,
      PROGRAMME_MOVED_ON },
    /* resolutions and lists */
    { OFFICER, "RecordResolution", "{\"programmeId\":\"$g1\"}", ERR_INVALID, TEXT_MISSING },
    { OFFICER, "RecordResolution", MEETING("\"entitled\":30,\"attended\":20,\"votesFor\":20"),
      ERR_INVALID, RESOLUTION_PAPERS },
    { OFFICER, "RecordResolution",
      MEETING("\"entitled\":30,\"attended\":20,\"votesFor\":19,\"uploadIds\":[\"$u1\"]"),
      ERR_INVALID, RESOLUTION_VOTES },
    { OFFICER, "RecordResolution",
      MEETING("\"entitled\":30,\"attended\":31,\"votesFor\":31,\"uploadIds\":[\"$u1\"]"),
      ERR_INVALID, RESOLUTION_FIGURES },
    { OTHER_CLERK, "RecordResolution",
      MEETING("\"entitled\":30,\"attended\":20,\"votesFor\":20,\"uploadIds\":[\"$u1\"]"),
      ERR_FORBIDDEN, SCOPE_VILLAGE },
    { OFFICER, "AddSubsidisedList",
      LIST("\"source\":\"PERSONAL\",\"people\":1,\"perHead\":" FEN_OF(4000) ",\"printed\":" FEN_OF(
          4000)),
      ERR_INVALID, FUNDS_KIND },
    { OFFICER, "AddSubsidisedList",
      LIST("\"source\":\"COUNTY_FINANCE\",\"perHead\":" FEN_OF(4000) ",\"printed\":" FEN_OF(1)),
      ERR_INVALID, LIST_PEOPLE },
    { OFFICER, "AddSubsidisedList",
      LIST("\"source\":\"COUNTY_FINANCE\",\"people\":1,\"perHead\":" FEN_OF(4000)), ERR_INVALID,
      MONEY_AMOUNT },
    /* enrolment */
    { CLERK, "EnrolHousehold", "{\"programmeId\":\"$g1\"}", ERR_INVALID, TEXT_MISSING },
    { CLERK, "EnrolHousehold", ENROL("\"householdId\":\"$h9999\"," SAID PERSONS), ERR_NOT_FOUND,
      HOUSEHOLD_NONE },
    { CLERK, "EnrolHousehold", ENROL(HOUSE "\"familyConfirmed\":true," PERSONS), ERR_REFUSED,
      ENROL_NOT_READ },
    { CLERK, "EnrolHousehold", ENROL(HOUSE "\"contentRead\":true," PERSONS), ERR_REFUSED,
      ENROL_NOT_CONFIRMED },
    { CLERK, "EnrolHousehold",
      ENROL(HOUSE "\"contentRead\":true,\"familyConfirmed\":true," PERSONS), ERR_REFUSED,
      ENROL_CONFIRMATION },
    { CLERK, "EnrolHousehold", ENROL(HOUSE SAID "\"persons\":[]"), ERR_REFUSED, ENROL_PERSONS },
    { CLERK, "EnrolHousehold",
      ENROL(HOUSE SAID "\"persons\":[{\"personId\":\"$p20\"},{\"personId\":\"$p20\"}]"),
      ERR_REFUSED, ENROL_PERSONS },
    { CLERK, "EnrolHousehold", ENROL(HOUSE SAID "\"persons\":[{\"personId\":\"$p1\"}]"),
      ERR_REFUSED, PERSON_UNKNOWN },
    { OTHER_CLERK, "EnrolHousehold", ENROL(HOUSE SAID PERSONS), ERR_FORBIDDEN, SCOPE_VILLAGE },
    { MEMBER, "EnrolHousehold", ENROL(HOUSE SAID PERSONS), ERR_FORBIDDEN, SCOPE_HOUSEHOLD },
    { CLERK, "EnrolHousehold", "{\"programmeId\":\"$g3\",\"enrolment\":{" HOUSE SAID PERSONS "}}",
      ERR_CONFLICT, PROGRAMME_STATE },
    { CLERK, "EnrolHouseholds", "{\"programmeId\":\"$g1\"}", ERR_INVALID, BULK_ROWS },
    { CLERK, "EnrolHouseholds",
      "{\"programmeId\":\"$g1\",\"enrolments\":[{" HOUSE SAID PERSONS "},{" HOUSE SAID PERSONS
      "}]}",
      ERR_INVALID, ENROL_TWICE },
    { MEMBER, "GetEnrolment", "{\"programmeId\":\"$g1\",\"householdId\":\"$h1\"}", ERR_FORBIDDEN,
      SCOPE_HOUSEHOLD },
    { OTHER_CLERK, "GetEnrolment", "{\"programmeId\":\"$g1\",\"householdId\":\"$h1\"}",
      ERR_FORBIDDEN, SCOPE_VILLAGE },
    { CLERK, "GetEnrolment", "{\"programmeId\":\"$g1\",\"householdId\":\"$h2\"}", ERR_NOT_FOUND,
      HOUSEHOLD_NONE },
    { COUNTY, "ListEnrolments", "{\"programmeId\":\"$g1\"}", ERR_FORBIDDEN, "role.missing" },
    { CLERK, "ListEnrolments", "{\"programmeId\":\"$g1\"}", ERR_FORBIDDEN, SCOPE_VILLAGE },
    { CLERK, "ListEligible", "{\"programmeId\":\"$g1\",\"villageId\":\"$v1\"}", ERR_FORBIDDEN,
      SCOPE_VILLAGE },
    /* cash */
    { CLERK, "OpenCashBook",
      "{\"programmeId\":\"$g1\",\"cashBookId\":\"$b2\",\"villageId\":\"$v1\"}", ERR_FORBIDDEN,
      SCOPE_VILLAGE },
    { CLERK, "OpenCashBook",
      "{\"programmeId\":\"$g1\",\"cashBookId\":\"$b2\",\"villageId\":\"$v0\"}", ERR_CONFLICT,
      BOOK_EXISTS },
    { CLERK, "RecordCashPayments", "{\"cashBookId\":\"$b1\"}", ERR_INVALID, BULK_ROWS },
    { CLERK, "RecordCashPayments",
      PAY("\"paymentId\":\"$y1\",\"householdId\":\"$h0\",\"amount\":" FEN_OF(0)), ERR_INVALID,
      MONEY_AMOUNT },
    { CLERK, "RecordCashPayments",
      PAY("\"paymentId\":\"$y1\",\"householdId\":\"$h0\",\"amount\":" FEN_OF(11999)), ERR_REFUSED,
      PAYMENT_AMOUNT },
    { CLERK, "RecordCashPayments",
      PAY("\"paymentId\":\"$y1\",\"householdId\":\"$h2\",\"amount\":" FEN_OF(12000)), ERR_REFUSED,
      PAYMENT_NOT_ENROLLED },
    { CLERK, "RecordCashPayments",
      PAY("\"paymentId\":\"$y1\",\"householdId\":\"$h1\",\"amount\":" FEN_OF(12000)), ERR_REFUSED,
      PAYMENT_NOTHING_DUE },
    { CLERK, "RecordCashPayments",
      PAY("\"paymentId\":\"$y1\",\"householdId\":\"$h0\",\"personIds\":[\"$p10\"],"
          "\"amount\":" FEN_OF(3000)),
      ERR_REFUSED, PAYMENT_PERSON },
    { CLERK, "RecordCashPayments",
      PAY("\"paymentId\":\"$y500\",\"householdId\":\"$h0\",\"amount\":" FEN_OF(12000)),
      ERR_CONFLICT, PAYMENT_EXISTS },
    { OFFICER, "RecordCashPayments",
      PAY("\"paymentId\":\"$y1\",\"householdId\":\"$h0\",\"amount\":" FEN_OF(12000)), ERR_FORBIDDEN,
      BOOK_OTHER },
    { CLERK, "HandInCash",
      "{\"cashBookId\":\"$b9\",\"handInId\":\"$i1\",\"counted\":" FEN_OF(1) "}", ERR_NOT_FOUND,
      BOOK_NONE },
    { CLERK, "HandInCash", "{\"cashBookId\":\"$b1\",\"handInId\":\"$i1\"}", ERR_INVALID,
      MONEY_AMOUNT },
    { OFFICER, "ExplainHandIn", "{\"handInId\":\"$i9\",\"explanation\":\"x\"}", ERR_NOT_FOUND,
      HAND_IN_NONE },
    { CLERK, "VoidPayment", "{\"paymentId\":\"$y500\",\"why\":\"x\"}", ERR_FORBIDDEN,
      "role.missing" },
    { OFFICER, "VoidPayment", "{\"paymentId\":\"$y500\"}", ERR_INVALID, TEXT_MISSING },
    { OFFICER, "VoidPayment", "{\"paymentId\":\"$y9\",\"why\":\"x\"}", ERR_NOT_FOUND,
      PAYMENT_NONE },
    { OTHER_CLERK, "GetReceipt", "{\"paymentId\":\"$y500\"}", ERR_FORBIDDEN, SCOPE_VILLAGE },
    { OTHER_CLERK, "ListPayments", "{\"programmeId\":\"$g1\",\"villageId\":\"$v0\"}", ERR_FORBIDDEN,
      SCOPE_VILLAGE },
    /* bank */
    { OFFICER, "ImportStatement", "{\"statementId\":\"$s1\",\"programmeId\":\"$g1\"}", ERR_INVALID,
      STATEMENT_SIZE },
    { OFFICER, "ImportStatement",
      "{\"statementId\":\"$s1\",\"programmeId\":\"$g1\",\"body\":\"YSxiLGMK\"}", ERR_INVALID,
      STATEMENT_FORM },
    /* sources and costs */
    { OFFICER, "RecordFunds", FUNDS("\"kind\":\"PERSONAL\""), ERR_INVALID, FUNDS_KIND },
    { OFFICER, "RecordFunds", FUNDS("\"kind\":\"DONATION\""), ERR_INVALID, FUNDS_GIVER },
    { OFFICER, "RecordFunds", FUNDS("\"kind\":\"DONATION\",\"giver\":\"x\""), ERR_INVALID,
      FUNDS_VOUCHER },
    { OFFICER, "RecordFunds",
      FUNDS("\"kind\":\"DONATION\",\"giver\":\"x\",\"uploadId\":\"$u1\",\"amount\":" FEN_OF(-1)),
      ERR_INVALID, MONEY_AMOUNT },
    { OFFICER, "RecordFunds",
      FUNDS("\"kind\":\"DONATION\",\"giver\":\"x\",\"uploadId\":\"$u1\",\"amount\":" FEN_OF(
          1) ",\"on\":\"2024-07-11\""),
      ERR_INVALID, DATE_AHEAD },
    { OFFICER, "GrantPerHead",
      "{\"programmeId\":\"$g1\",\"fundsId\":\"$f1\",\"kind\":\"VILLAGE\",\"giver\":\"x\","
      "\"uploadId\":\"$u1\",\"perHead\":" FEN_OF(500) ",\"on\":\"2024-07-10\"}",
      ERR_CONFLICT, PROGRAMME_STATE },
    { OFFICER, "RecordAgreement",
      "{\"programmeId\":\"$g1\",\"agreement\":{\"agreementId\":\"$x1\",\"provider\":\"x\","
      "\"uploadId\":\"$u1\",\"fee\":" FEN_OF(
          1) ",\"from\":\"2024-07-02\",\"until\":\"2024-07-01\"}}",
      ERR_INVALID, DATE_BOUNDS },
    { OFFICER, "RecordFee",
      "{\"programmeId\":\"$g1\",\"transferId\":\"$t1\",\"agreementId\":\"$x9\",\"amount\":" FEN_OF(
          1) ",\"on\":\"2024-07-10\"}",
      ERR_CONFLICT, PROGRAMME_STATE },
    { OFFICER, "RecordBankFee",
      "{\"programmeId\":\"$g1\",\"transferId\":\"$t1\",\"amount\":" FEN_OF(
          1) ",\"on\":\"2024-07-10\",\"use\":\"REFUND\"}",
      ERR_INVALID, USE_OTHER },
    { OFFICER, "RecordBankFee",
      "{\"programmeId\":\"$g1\",\"transferId\":\"$t1\",\"amount\":" FEN_OF(
          1) ",\"on\":\"2024-07-10\",\"use\":\"AUDIT_COST\"}",
      ERR_REFUSED, USE_OTHER },
    { OFFICER, "RecordBankFee",
      "{\"programmeId\":\"$g1\",\"transferId\":\"$t1\",\"amount\":" FEN_OF(
          1) ",\"on\":\"2024-07-10\",\"use\":\"BANK_FEE\"}",
      ERR_REFUSED, FUNDS_SHORT },
    { OFFICER, "RecordInterest",
      "{\"programmeId\":\"$g1\",\"transferId\":\"$t1\",\"amount\":" FEN_OF(1) "}", ERR_INVALID,
      DATE_BOUNDS },
    { OFFICER, "ListTransfers", "{\"programmeId\":\"$g1\",\"account\":\"loan\"}", ERR_INVALID,
      LEDGER_ACCOUNT },
    { CLERK, "ListTransfers", "{\"programmeId\":\"$g1\"}", ERR_FORBIDDEN, "role.missing" },
    { COUNTY, "ListTransfers", "{\"programmeId\":\"$g1\"}", ERR_FORBIDDEN, "role.missing" },
    { MEMBER, "GetTrialBalance", "{\"programmeId\":\"$g1\"}", ERR_FORBIDDEN, "role.missing" },
    { COUNTY, "ExportLedger", "{\"programmeId\":\"$g1\"}", ERR_FORBIDDEN, "role.missing" },
};

static void
every_bad_input_has_its_reason_and_changes_nothing(void **state)
{
    const long long before = digest();

    (void) state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct row *row = &rows[i];
        const struct answer answer =
            ask(person_of(row->who), row->rpc, "%s", with_ids(row->request));
        const bool role = strcmp(row->reason, "role.missing") == 0;
        if (answer.code != row->code || (!role && strcmp(answer.reason, row->reason) != 0))
            fail_msg("row %zu %s: %s \"%s\" (%s)", i, row->rpc, err_name(answer.code),
                     answer.reason, answer.text);
        if (digest() != before)
            fail_msg("row %zu %s changed something", i, row->rpc);
    }
    assert_true(COUNT(rows) >= 80);
}

static void
a_row_of_a_bulk_is_refused_alone(void **state)
{
    (void) state;
    const json_t *body = EXPECT_OK(ask(
        &rig.clerk, "EnrolHouseholds", "%s",
        with_ids("{\"programmeId\":\"$g1\",\"enrolments\":[{" HOUSE SAID PERSONS "},{"
                 "\"householdId\":\"$h3\"," SAID "\"persons\":[{\"personId\":\"$p1\"}]},{"
                 "\"householdId\":\"$h150\"," SAID "\"persons\":[{\"personId\":\"$p1500\"}]}]}")));
    assert_int_equal(number_at(body, "done"), 1);
    assert_string_equal(text_at(body, "rows.1.reason"), PERSON_UNKNOWN);
    assert_string_equal(text_at(body, "rows.2.reason"), SCOPE_VILLAGE);
    assert_int_equal(strlen(text_at(body, "rows.0.reference")), 11);
    assert_int_equal(sql("SELECT count(*) FROM contributions.enrolment"), 3);
}

static void
req_5_2_nobody_enrols_before_the_village_has_resolved(void **state)
{
    (void) state;
    EXPECT_OK(ask(&rig.approver, "ApproveProgramme", "{\"programmeId\":\"%s\"}", uid('g', 3)));
    const char *request =
        with_ids("{\"programmeId\":\"$g3\",\"enrolment\":{" HOUSE SAID PERSONS "}}");
    EXPECT(ask(&rig.clerk, "EnrolHousehold", "%s", request), REFUSED, RESOLUTION_MISSING);
    const json_t *body = EXPECT_OK(ask(
        &rig.clerk, "RecordResolution", "%s",
        with_ids("{\"programmeId\":\"$g3\",\"resolution\":{\"resolutionId\":\"$r901\","
                 "\"villageId\":\"$v0\",\"meeting\":\"REPRESENTATIVES\",\"metOn\":\"2024-06-15\","
                 "\"entitled\":30,\"attended\":20,\"votesFor\":10,\"against\":10,"
                 "\"uploadIds\":[\"$u1\"]}}")));
    assert_false(json_is_true(find(body, "resolution.passed")));
    assert_string_equal(text_at(body, "resolution.whyNot"), RESOLUTION_MAJORITY);
    EXPECT(ask(&rig.clerk, "EnrolHousehold", "%s",
               with_ids("{\"programmeId\":\"$g3\",\"enrolment\":{" HOUSE SAID PERSONS "}}")),
           REFUSED, RESOLUTION_MISSING);
    resolve(3, 0);
    EXPECT_OK(ask(&rig.clerk, "EnrolHousehold", "%s",
                  with_ids("{\"programmeId\":\"$g3\",\"enrolment\":{" HOUSE SAID PERSONS "}}")));
    body = EXPECT_OK(ask(&rig.auditor, "ListResolutions", "{\"programmeId\":\"%s\"}", uid('g', 3)));
    assert_int_equal(json_array_size(find(body, "resolutions")), 2);
}

static void
req_5_4a_a_village_fund_opens_with_its_own_resolution(void **state)
{
    (void) state;
    now_is("2024-06-20T09:00:00+08:00");
    char more[128];
    (void) snprintf(more, sizeof more, "\"mode\":\"BY_VILLAGE\",\"villageId\":\"%s\",",
                    uid('v', 0));
    EXPECT_OK(create(4, "yishan_2024", more));
    EXPECT_OK(ask(&rig.officer, "SubmitProgramme", "{\"programmeId\":\"%s\"}", uid('g', 4)));
    EXPECT(ask(&rig.approver, "ApproveProgramme", "{\"programmeId\":\"%s\"}", uid('g', 4)), REFUSED,
           RESOLUTION_MISSING);
    resolve(4, 0);
    EXPECT_OK(ask(&rig.approver, "ApproveProgramme", "{\"programmeId\":\"%s\"}", uid('g', 4)));
    now_is("2024-07-10T09:00:00+08:00");
    const json_t *body = EXPECT_OK(enrol_bulk(&rig.officer, 4, 99, 2, 4));
    assert_int_equal(number_at(body, "done"), 1);
    assert_string_equal(text_at(body, "rows.1.reason"), VILLAGE_OTHER);
    body = EXPECT_OK(ask(&rig.county, "GetParticipation", "{\"programmeId\":\"%s\"}", uid('g', 4)));
    assert_int_equal(number_at(body, "figures.people.whole"), 400); /* its own village alone */
    assert_int_equal(number_at(body, "figures.villages.whole"), 1);
}

static void
req_6_2_2a_who_prepares_does_not_approve(void **state)
{
    struct person both = rig.officer;

    (void) state;
    both.roles |= ROLE_APPROVER; /* were the pair ever granted, the rule stands */
    EXPECT(ask(&both, "ApproveProgramme", "{\"programmeId\":\"%s\"}", uid('g', 3)), FORBIDDEN,
           PROGRAMME_BY_TWO);
    EXPECT_OK(ask(&rig.approver, "ReturnProgramme", "{\"programmeId\":\"%s\",\"why\":\"请补充\"}",
                  uid('g', 3)));
    EXPECT_OK(ask(&both, "SubmitProgramme", "{\"programmeId\":\"%s\"}", uid('g', 3)));
}

static void
a_change_wants_the_version_it_saw(void **state)
{
    char text[512];

    (void) state;
    const struct answer read =
        ask(&rig.officer, "GetProgramme", "{\"programmeId\":\"%s\"}", uid('g', 2));
    assert_string_equal(read.etag, "1");
    (void) snprintf(text, sizeof text,
                    "{\"programmeId\":\"%s\",\"programme\":{\"year\":2024,\"name\":\"x\"}}",
                    uid('g', 2));
    EXPECT(ask_json(&rig.officer, "ChangeProgramme", text, "k1", "7"), STALE, "etag.stale");
    const json_t *body = EXPECT_OK(ask_json(&rig.officer, "ChangeProgramme", text, "k2", "1"));
    assert_string_equal(text_at(body, "programme.name"), "x");
    assert_string_equal(text_at(body, "programme.version"), "2");
    assert_true(json_array_size(find(body, "findings")) > 5);
    body = EXPECT_OK(ask(&rig.officer, "CheckProgramme", "{\"programmeId\":\"%s\"}", uid('g', 2)));
    assert_false(json_is_true(find(body, "sound")));
}

static void
req_003_6_a_list_that_does_not_add_up_is_flagged_not_corrected(void **state)
{
    static const struct {
        const char *place;
        int people;
        long long printed, difference;
    } lists[] = { { "全县", 11071, 44284000, 0 }, /* 442,840 yuan */
                  { "樟城", 440, 1760000, 0 },
                  { "大洋", 974, 3788000, 108000 }, /* 38,960 against 37,880: 1,080 yuan */
                  { "霞拔", 585, 2340000, 0 } };

    (void) state;
    for (size_t i = 0; i < COUNT(lists); i++) {
        const json_t *body = EXPECT_OK(ask(
            &rig.officer, "AddSubsidisedList",
            "{\"programmeId\":\"%s\",\"list\":{\"subsidisedListId\":\"%s\",\"category\":\"minimum_"
            "living\",\"place\":\"%s\",\"source\":\"COUNTY_FINANCE\",\"people\":%d,\"perHead\":"
            "{\"fen\":\"4000\"},\"printed\":{\"fen\":\"%lld\"},\"asOf\":\"2020-06-30\"}}",
            uid('g', 1), uid('x', 10 + (int) i), lists[i].place, lists[i].people,
            lists[i].printed));
        assert_int_equal(fen_at(body, "list.difference"), lists[i].difference);
        assert_int_equal(json_is_true(find(body, "list.flagged")), lists[i].difference != 0);
        assert_int_equal(fen_at(body, "list.printed"), lists[i].printed);
    }
    const json_t *body =
        EXPECT_OK(ask(&rig.county, "ListSubsidisedLists", "{\"programmeId\":\"%s\"}", uid('g', 1)));
    assert_int_equal(json_array_size(find(body, "lists")), 4);
    assert_true(json_is_true(find(body, "lists.2.flagged")));
}

static void
req_003_19_a_difference_in_cash_blocks_the_close(void **state)
{
    const json_t *body;

    (void) state;
    body = EXPECT_OK(hand_in(&rig.clerk, 1, 1, 11900)); /* a hundred fen are missing */
    assert_int_equal(fen_at(body, "handIn.difference"), -100);
    now_is("2024-08-01T00:00:00+08:00");
    EXPECT(ask(&rig.officer, "CloseWindow", "{\"programmeId\":\"%s\"}", uid('g', 1)), REFUSED,
           CASH_UNBALANCED);
    body = EXPECT_OK(hand_in(&rig.clerk, 1, 2, 100)); /* found; the first difference stands */
    assert_false(json_is_true(find(body, "cashBook.balanced")));
    EXPECT(ask(&rig.officer, "CloseWindow", "{\"programmeId\":\"%s\"}", uid('g', 1)), REFUSED,
           CASH_UNBALANCED);
    EXPECT_OK(ask(&rig.officer, "ExplainHandIn",
                  "{\"handInId\":\"%s\",\"explanation\":\"清点有误，次日补交\"}", uid('i', 1)));
    EXPECT(ask(&rig.officer, "ExplainHandIn", "{\"handInId\":\"%s\",\"explanation\":\"x\"}",
               uid('i', 1)),
           CONFLICT, HAND_IN_EXPLAINED);
    body = EXPECT_OK(ask(&rig.auditor, "ListCashBooks", "{\"programmeId\":\"%s\"}", uid('g', 1)));
    assert_true(json_is_true(find(body, "cashBooks.0.balanced")));
    EXPECT_OK(ask(&rig.officer, "CloseWindow", "{\"programmeId\":\"%s\"}", uid('g', 1)));
    EXPECT(ask(&rig.officer, "VoidPayment", "{\"paymentId\":\"%s\",\"why\":\"x\"}", uid('y', 500)),
           CONFLICT, PROGRAMME_STATE);
}

static void
a_window_that_has_passed_is_closed_by_the_duty(void **state)
{
    struct err err = { 0 };

    (void) state;
    assert_int_equal(contributions_service.duty_count, 1);
    EXPECT_OK(hand_in(&rig.clerk, 1, 1, 12000));
    now_is("2024-07-31T23:59:59+08:00");
    rig.thread->is_duty = true;
    assert_int_equal(duty_run(rig.thread, &contributions_service.duties[0], &err), ERR_OK);
    assert_int_equal(sql("SELECT count(*) FROM contributions.measurement"), 0);
    now_is("2024-08-01T00:00:00+08:00");
    assert_int_equal(duty_run(rig.thread, &contributions_service.duties[0], &err), ERR_OK);
    rig.thread->is_duty = false;
    assert_int_equal(sql("SELECT count(*) FROM contributions.programme WHERE state = 'IN_FORCE'"),
                     1);
    assert_int_equal(sql("SELECT count(*) FROM contributions.measurement"), 1);
}

static void
a_void_takes_the_payment_and_its_protection_back(void **state)
{
    const json_t *body;

    (void) state;
    body = EXPECT_OK(ask(&rig.officer, "VoidPayment", "{\"paymentId\":\"%s\",\"why\":\"重复收款\"}",
                         uid('y', 500)));
    assert_string_equal(text_at(body, "payment.state"), "VOIDED");
    EXPECT(ask(&rig.officer, "VoidPayment", "{\"paymentId\":\"%s\",\"why\":\"x\"}", uid('y', 500)),
           CONFLICT, PAYMENT_GONE);
    assert_int_equal(
        sql("SELECT count(*) FROM contributions.enrolment_member WHERE in_force OR paid"), 0);
    body = EXPECT_OK(ask(&rig.clerk, "ListPayments",
                         "{\"programmeId\":\"%s\",\"villageId\":\"%s\",\"state\":\"TAKEN\"}",
                         uid('g', 1), uid('v', 0)));
    assert_int_equal(number_at(body, "count"), 0);
    EXPECT_OK(pay_cash(&rig.clerk, 1, 1, 1, 12000)); /* the next receipt; the old number stays */
    assert_int_equal(sql("SELECT receipt FROM contributions.payment WHERE state = 'TAKEN'"), 2);
}

static void
req_7_2_1a_a_receipt_is_there_to_be_kept(void **state)
{
    const json_t *body;

    (void) state;
    body = EXPECT_OK(ask(&rig.clerk, "GetReceipt", "{\"paymentId\":\"%s\"}", uid('y', 500)));
    assert_string_equal(text_at(body, "contentType"), "text/html; charset=utf-8");
    assert_true(strlen(text_at(body, "body")) > 500);
    EXPECT(ask(&rig.member, "GetReceipt", "{\"paymentId\":\"%s\"}", uid('y', 500)), FORBIDDEN,
           SCOPE_HOUSEHOLD);
    body = EXPECT_OK(ask(&rig.member, "ListPayments", "{\"programmeId\":\"%s\"}", uid('g', 1)));
    assert_int_equal(number_at(body, "count"), 0); /* household 1 is not its own */
    body = EXPECT_OK(ask(&rig.member, "EnrolHousehold", "{\"programmeId\":\"%s\",\"enrolment\":%s}",
                         uid('g', 1), enrolment(0, 4)));
    assert_string_equal(text_at(body, "enrolment.confirmation"), "BY_ACCOUNT");
    body = EXPECT_OK(ask(&rig.officer, "ListEnrolments", "{\"programmeId\":\"%s\",\"unpaid\":true}",
                         uid('g', 1)));
    assert_int_equal(json_array_size(find(body, "enrolments")), 1);
}

static void
the_books_are_read_and_exported(void **state)
{
    const json_t *body;

    (void) state;
    body = EXPECT_OK(ask(&rig.officer, "ListTransfers",
                         "{\"programmeId\":\"%s\",\"account\":\"cash\"}", uid('g', 1)));
    assert_int_equal(json_array_size(find(body, "transfers")), 1);
    body = EXPECT_OK(ask(&rig.auditor, "ExportLedger", "{\"programmeId\":\"%s\"}", uid('g', 1)));
    assert_string_equal(text_at(body, "fileName"), "ledger.csv");
    assert_true(strlen(text_at(body, "body")) > 100);
    body = EXPECT_OK(ask(&rig.county, "GetFundStatement", "{\"programmeId\":\"%s\"}", uid('g', 1)));
    assert_int_equal(fen_at(body, "raised"), 12000);
    assert_int_equal(number_at(body, "personalShare"), 6000);
    assert_int_equal(number_at(body, "personallyPaid"), 10000);
    body = EXPECT_OK(ask(&rig.county, "ListFunds", "{\"programmeId\":\"%s\"}", uid('g', 1)));
    assert_int_equal(fen_at(body, "total"), 0);
    body = EXPECT_OK(ask(&rig.member, "ListProgrammes", "{}"));
    assert_int_equal(json_array_size(find(body, "programmes")), 1);
}

/* --- what the database refuses, whoever asks --- */

static void
refused_by_sql(const char *statement, const char *constraint)
{
    PQclear(PQexec(rig.conn, "BEGIN"));
    PGresult *result = PQexec(rig.conn, statement);
    if (PQresultStatus(result) == PGRES_COMMAND_OK) {
        PQclear(result);
        result = PQexec(rig.conn, "SET CONSTRAINTS ALL IMMEDIATE");
    }
    const char *name = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    const char *message = PQresultErrorMessage(result);
    if (PQresultStatus(result) == PGRES_COMMAND_OK ||
        (name ? strcmp(name, constraint) != 0 : !strstr(message, constraint)))
        fail_msg("%s: %s %s", statement, name ? name : "", message);
    PQclear(result);
    PQclear(PQexec(rig.conn, "ROLLBACK"));
}

#define TRANSFER(programme, state, why, debit, credit, fen)                                        \
    "INSERT INTO transfer (tenant_id, transfer_id, programme_id, state, why, debit, credit, "      \
    "amount_fen, on_day, subject_id, people, source, recorded_at) VALUES "                         \
    "('01020300-0000-0000-0000-000000000000', gen_random_uuid(), "                                 \
    "(SELECT programme_id FROM programme ORDER BY programme_id OFFSET " #programme                 \
    " LIMIT 1), '" state "', '" why "', '" debit "', '" credit "', " #fen                          \
    ", '2024-07-10', gen_random_uuid(), 0, 1, '2024-07-10')"

static void
req_6_1_3_the_database_guards_the_books_itself(void **state)
{
    (void) state;
    refused_by_sql(TRANSFER(0, "POSTED", "payout", "expense.service_fee", "bank", 1),
                   "transfer_allowed");
    refused_by_sql(TRANSFER(0, "POSTED", "payout", "expense.subsidy", "bank", 1),
                   "account_not_negative");
    refused_by_sql(TRANSFER(0, "PENDING", "payout", "expense.subsidy", "bank", 1),
                   "account_not_negative");
    refused_by_sql(TRANSFER(0, "POSTED", "hand_in", "bank", "cash", 12001), "account_not_negative");
    refused_by_sql(TRANSFER(0, "POSTED", "interest", "bank", "income.interest", 0),
                   "transfer_positive");
    refused_by_sql(TRANSFER(1, "POSTED", "carry_over", "bank", "income.carry_over", 5),
                   "carry_over_two_sides");
    refused_by_sql("UPDATE transfer SET amount_fen = amount_fen + 1", "transfer_stays");
    refused_by_sql("UPDATE transfer SET state = 'VOIDED', settled_on = on_day", "transfer_stays");
    refused_by_sql("DELETE FROM transfer", "permission denied");
    refused_by_sql("UPDATE account SET debit = debit + 1", "permission denied");
    refused_by_sql("UPDATE register_snapshot SET in_force = true", "permission denied");
    refused_by_sql("INSERT INTO allowed_pair VALUES ('loan', 'bank', 'cash')", "permission denied");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, prepare)
    const struct CMUnitTest tests[] = {
        TEST(every_bad_input_has_its_reason_and_changes_nothing),
        TEST(a_row_of_a_bulk_is_refused_alone),
        TEST(req_5_2_nobody_enrols_before_the_village_has_resolved),
        TEST(req_5_4a_a_village_fund_opens_with_its_own_resolution),
        TEST(req_6_2_2a_who_prepares_does_not_approve),
        TEST(a_change_wants_the_version_it_saw),
        TEST(req_003_6_a_list_that_does_not_add_up_is_flagged_not_corrected),
        TEST(req_003_19_a_difference_in_cash_blocks_the_close),
        TEST(a_window_that_has_passed_is_closed_by_the_duty),
        TEST(a_void_takes_the_payment_and_its_protection_back),
        TEST(req_7_2_1a_a_receipt_is_there_to_be_kept),
        TEST(the_books_are_read_and_exported),
        TEST(req_6_1_3_the_database_guards_the_books_itself),
    };

    return cmocka_run_group_tests(tests, rig_open, rig_close);
}
