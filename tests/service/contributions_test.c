/* Goal: a programme's year as its callers meet it, from resolution to carry-over and from stop to
 * zero, on a real PostgreSQL.
 * Method: JSON through the transcoder and the runtime; other services' events through the feed;
 * business time moved. */
#include "contributions_rig.h"

#include "contributions/rules.h"

static struct answer
by_id(const struct person *who, const char *rpc, int n)
{
    return ask(who, rpc, "{\"programmeId\":\"%s\"}", uid('g', n));
}

static void
tell_list(int list, int programme, int lines, long long each)
{
    static char text[65536];
    size_t used = 0;

    for (int i = 0; i < lines; i++)
        used += (size_t) snprintf(
            text + used, sizeof text - used,
            "%s{\"lineId\":\"%s\",\"claimId\":\"%s\",\"personId\":\"%s\",\"villageId\":\"%s\","
            "\"amount\":{\"fen\":\"%lld\"}}",
            i ? "," : "", uid('l', list * 100 + i), uid('c', list * 100 + i),
            uid('p', person_no(i, 0)), uid('v', 0), each);
    tell("disbursement", &disbursement__list_approved__descriptor,
         "{\"listId\":\"%s\",\"programmeId\":\"%s\",\"total\":{\"fen\":\"%lld\"},\"lines\":[%s]}",
         uid('k', list), uid('g', programme), lines * each, text);
}

static void
tell_confirmed(int line, int programme, long long fen)
{
    tell("disbursement", &disbursement__payout_confirmed__descriptor,
         "{\"lineId\":\"%s\",\"programmeId\":\"%s\",\"amount\":{\"fen\":\"%lld\"},"
         "\"paidOn\":\"2024-09-05\"}",
         uid('l', line), uid('g', programme), fen);
}

static long long
balance_of(const char *path, int programme)
{
    char full[64];

    (void) snprintf(full, sizeof full, "trialBalance.%s", path);
    const json_t *body = EXPECT_OK(by_id(&rig.auditor, "GetTrialBalance", programme));
    assert_int_equal(fen_at(body, "trialBalance.difference"), 0);
    return fen_at(body, full);
}

/* Villages 0 and 1 enrol and pay in cash: 200 of 300 households. */
static void
collect(int programme)
{
    for (int v = 0; v < 2; v++) {
        const struct person *who = v == 0 ? &rig.clerk : &rig.other_clerk;
        open_book(who, programme, programme * 10 + v, v);
        json_t *body = EXPECT_OK(enrol_bulk(who, programme, v * RIG_HOUSES, RIG_HOUSES, 4));
        assert_int_equal(number_at(body, "done"), RIG_HOUSES);
        body = EXPECT_OK(pay_cash(who, programme * 10 + v, v * RIG_HOUSES, RIG_HOUSES, 12000));
        assert_int_equal(fen_at(body, "total"), RIG_HOUSES * 12000);
        EXPECT_OK(hand_in(who, programme * 10 + v, programme * 10 + v, RIG_HOUSES * 12000));
    }
}

/* --- a whole year --- */

static void
give_and_grant(void)
{
    const json_t *body;

    body = EXPECT_OK(ask(&rig.officer, "RecordFunds",
                         "{\"programmeId\":\"%s\",\"funds\":{\"fundsId\":\"%s\",\"kind\":"
                         "\"DONATION\",\"giver\":\"某企业\",\"amount\":{\"fen\":\"500000\"},"
                         "\"on\":\"2024-08-01\",\"uploadId\":\"%s\"}}",
                         uid('g', 1), uid('f', 1), uid('u', 2)));
    assert_string_equal(text_at(body, "funds.invoice"), "JZ20240801-0001"); /* 003-23 */
    body = EXPECT_OK(ask(&rig.officer, "GrantPerHead",
                         "{\"programmeId\":\"%s\",\"fundsId\":\"%s\",\"kind\":\"TOWN_FINANCE\","
                         "\"giver\":\"伊山镇人民政府\",\"perHead\":{\"fen\":\"2000\"},"
                         "\"on\":\"2024-08-01\",\"uploadId\":\"%s\"}",
                         uid('g', 1), uid('f', 2), uid('u', 3)));
    assert_int_equal(fen_at(body, "funds.amount"), 800 * 2000); /* 003-5: of the final count */
    EXPECT_OK(ask(&rig.officer, "RecordInterest",
                  "{\"programmeId\":\"%s\",\"transferId\":\"%s\",\"amount\":{\"fen\":\"1234\"},"
                  "\"on\":\"2024-08-01\"}",
                  uid('g', 1), uid('t', 1)));
    EXPECT_OK(ask(&rig.officer, "RecordBankFee",
                  "{\"programmeId\":\"%s\",\"transferId\":\"%s\",\"amount\":{\"fen\":\"34\"},"
                  "\"on\":\"2024-08-01\",\"use\":\"BANK_FEE\"}",
                  uid('g', 1), uid('t', 2)));
}

static void
pay_the_fee(void)
{
    EXPECT_OK(ask(&rig.officer, "RecordAgreement",
                  "{\"programmeId\":\"%s\",\"agreement\":{\"agreementId\":\"%s\",\"provider\":"
                  "\"某服务公司\",\"from\":\"2024-07-01\",\"until\":\"2025-08-31\","
                  "\"fee\":{\"fen\":\"100000\"},\"uploadId\":\"%s\"}}",
                  uid('g', 1), uid('x', 1), uid('u', 4)));
    json_t *event = told(&contributions__agreement_recorded__descriptor);
    assert_string_equal(json_string_value(json_object_get(event, "uploadId")), uid('u', 4));
    assert_string_equal(json_string_value(json_object_get(event, "until")), "2025-08-31");
    json_decref(event);
    static const char fee[] =
        "{\"programmeId\":\"%s\",\"transferId\":\"%s\",\"agreementId\":\"%s\","
        "\"amount\":{\"fen\":\"%d\"},\"on\":\"2024-08-01\"}";
    char text[512];
    (void) snprintf(text, sizeof text, fee, uid('g', 1), uid('t', 3), uid('x', 1), 100000);
    EXPECT_OK(ask(&rig.officer, "RecordFee", "%s", text));
    (void) snprintf(text, sizeof text, fee, uid('g', 1), uid('t', 4), uid('x', 1), 1);
    EXPECT(ask(&rig.officer, "RecordFee", "%s", text), REFUSED, FEE_CEILING);
}

static void
carry_into_the_next_year(long long left)
{
    char more[256];

    (void) snprintf(more, sizeof more,
                    "\"startsOn\":\"2025-08-01\",\"endsOn\":\"2026-07-31\",\"year\":2025,"
                    "\"priorProgrammeId\":\"%s\",",
                    uid('g', 1));
    EXPECT_OK(create(2, "yishan_2024", more));
    EXPECT_OK(by_id(&rig.officer, "SubmitProgramme", 2));
    EXPECT_OK(by_id(&rig.approver, "ApproveProgramme", 2));
    static const char close[] = "{\"programmeId\":\"%s\",\"nextProgrammeId\":\"%s\"}";
    char text[256];
    (void) snprintf(text, sizeof text, close, uid('g', 1), uid('g', 2));
    EXPECT(ask(&rig.approver, "CloseYear", "%s", text), CONFLICT, PROGRAMME_MOVED_ON);
    now_is("2025-07-31T23:59:58+08:00");
    EXPECT(by_id(&rig.officer, "SettleProgramme", 1), REFUSED, YEAR_NOT_OVER);
    now_is("2025-08-01T00:00:01+08:00");
    EXPECT_OK(by_id(&rig.officer, "SettleProgramme", 1));
    EXPECT(ask(&rig.approver, "CloseYear", "%s", text), REFUSED, YEAR_PENDING);
    tell("disbursement", &disbursement__payout_voided__descriptor,
         "{\"lineId\":\"%s\",\"programmeId\":\"%s\",\"amount\":{\"fen\":\"100000\"}}",
         uid('l', 102), uid('g', 1));
    const json_t *body = EXPECT_OK(ask(&rig.approver, "CloseYear", "%s", text));
    assert_int_equal(fen_at(body, "carriedOver"), left);
    assert_int_equal(fen_at(body, "trialBalance.balance"), 0);
    assert_int_equal(balance_of("balance", 2), left); /* opening(n+1) = closing(n) */
    EXPECT(ask(&rig.approver, "CloseYear", "%s", text), CONFLICT, PROGRAMME_MOVED_ON);
}

static void
req_8_1a_a_year_from_draft_to_carry_over(void **state)
{
    long long in = 2LL * RIG_HOUSES * 12000;
    json_t *event;

    (void) state;
    open_programme(1, "yishan_2024", "");
    collect(1);
    now_is("2024-08-01T00:00:01+08:00");
    const json_t *body = EXPECT_OK(by_id(&rig.officer, "CloseWindow", 1));
    assert_string_equal(text_at(body, "programme.state"), "IN_FORCE");
    assert_int_equal(number_at(body, "participation.people.takingPart"), 800);
    assert_int_equal(number_at(body, "participation.people.whole"), 1200);
    assert_int_equal(number_at(body, "participation.households.share"), 6666);
    assert_int_equal(number_at(body, "participation.villages.takingPart"), 2);
    assert_int_equal(sql("SELECT count(*) FROM contributions.register_snapshot"), 1200);
    give_and_grant();
    pay_the_fee();
    in += 500000 + 800 * 2000 + 1234 - 34 - 100000;
    assert_int_equal(balance_of("balance", 1), in);

    tell_list(1, 1, 3, 100000);
    event = told(&contributions__funds_reserved__descriptor);
    assert_int_equal(fen_at(event, "amount"), 300000);
    json_decref(event);
    assert_int_equal(balance_of("available", 1), in - 300000);
    tell_list(1, 1, 3, 100000); /* told twice: set aside once */
    assert_int_equal(balance_of("available", 1), in - 300000);
    tell_confirmed(100, 1, 100000);
    tell_confirmed(100, 1, 100000);
    tell_confirmed(101, 1, 100000);
    assert_int_equal(balance_of("balance", 1), in - 200000);
    assert_int_equal(balance_of("available", 1), in - 300000);
    carry_into_the_next_year(in - 200000);
    assert_int_equal(sql("SELECT count(*) FROM contributions.parked"), 0);
}

/* --- the gates --- */

static void
req_002_3_the_household_gate_holds_payouts_at_49_99_percent(void **state)
{
    json_t *event;

    (void) state;
    open_programme(1, "yishan_2024", "");
    open_book(&rig.clerk, 1, 1, 0);
    EXPECT_OK(enrol_bulk(&rig.clerk, 1, 0, 100, 4));
    EXPECT_OK(pay_cash(&rig.clerk, 1, 0, 100, 12000));
    EXPECT_OK(enrol_bulk(&rig.officer, 1, 100, 49, 4));
    EXPECT_OK(hand_in(&rig.clerk, 1, 1, 1200000));
    open_book(&rig.other_clerk, 1, 2, 1);
    EXPECT_OK(pay_cash(&rig.other_clerk, 2, 100, 49, 12000));
    EXPECT_OK(hand_in(&rig.other_clerk, 2, 2, 49 * 12000));
    now_is("2024-08-01T00:00:00+08:00");
    const json_t *body = EXPECT_OK(by_id(&rig.officer, "CloseWindow", 1));
    assert_int_equal(number_at(body, "participation.households.takingPart"), 149);
    assert_false(json_is_true(find(body, "participation.payoutGate")));
    tell_list(1, 1, 1, 1000);
    event = told(&contributions__funds_refused__descriptor);
    assert_string_equal(text_at(event, "reason"), "gate.households");
    json_decref(event);
    assert_int_equal(balance_of("available", 1), 149 * 12000);
}

static void
req_002_3_the_household_gate_opens_payouts_at_50_percent(void **state)
{
    json_t *event;

    (void) state;
    open_programme(1, "yishan_2024", "");
    open_book(&rig.officer, 1, 1, 0);
    open_book(&rig.officer, 1, 2, 1);
    EXPECT_OK(enrol_bulk(&rig.officer, 1, 0, 150, 4));
    EXPECT_OK(pay_cash(&rig.officer, 1, 0, 100, 12000));
    EXPECT_OK(pay_cash(&rig.officer, 2, 100, 50, 12000));
    EXPECT_OK(hand_in(&rig.officer, 1, 1, 1200000));
    EXPECT_OK(hand_in(&rig.officer, 2, 2, 600000));
    now_is("2024-08-01T00:00:00+08:00");
    const json_t *body = EXPECT_OK(by_id(&rig.officer, "CloseWindow", 1));
    assert_int_equal(number_at(body, "participation.households.share"), 5000);
    assert_true(json_is_true(find(body, "participation.payoutGate")));
    tell_list(1, 1, 1, 1800001);
    event = told(&contributions__funds_refused__descriptor);
    assert_string_equal(text_at(event, "reason"), "fund.short");
    assert_int_equal(fen_at(event, "shortfall"), 1);
    json_decref(event);
    tell_list(2, 1, 1, 1800000);
    event = told(&contributions__funds_reserved__descriptor);
    assert_int_equal(fen_at(event, "amount"), 1800000);
    json_decref(event);
    assert_int_equal(balance_of("available", 1), 0);
}

/* --- too few: back to zero --- */

static const char statement_head[] = "流水号,交易时间,金额,附言,付款账号,付款户名,开户行\n";

static const char *
base64(const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static char out[65536];
    const size_t size = strlen(text);
    size_t at = 0;

    for (size_t i = 0; i < size; i += 3) {
        uint32_t v = 0;
        for (size_t k = 0; k < 3; k++)
            v = v << 8 | (i + k < size ? (uint8_t) text[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            out[at++] = i + k <= size ? digits[v >> (18 - 6 * k) & 63] : '=';
    }
    for (size_t k = 0; size % 3 && k < 3 - size % 3; k++)
        out[at - 1 - k] = '=';
    out[at] = '\0';
    return out;
}

static struct answer
import(int statement, const char *lines, bool partial)
{
    static char text[32768];

    (void) snprintf(text, sizeof text, "%s%s", statement_head, lines);
    return ask(&rig.officer, "ImportStatement",
               "{\"statementId\":\"%s\",\"programmeId\":\"%s\",\"partial\":%s,\"body\":\"%s\"}",
               uid('s', statement), uid('g', 1), partial ? "true" : "false", base64(text));
}

/* One line of a statement for a household, by its reference. */
static const char *
bank_line(int serial, const char *time, const char *amount, int house)
{
    static char ring[8][512];
    static unsigned next;
    char *out = ring[next++ % 8], query[256];

    (void) snprintf(query, sizeof query,
                    "SELECT reference FROM contributions.enrolment WHERE household_id = '%s'",
                    uid('h', house));
    (void) snprintf(out, 512, "B%04d,%s,%s,互助费%s,6228480012345678903,张三,农业银行\n", serial,
                    time, amount, cluster_ask(rig.cluster, query));
    return out;
}

static void
confirm_refunds(void)
{
    PGresult *result = PQexec(rig.conn, "SELECT refund_id, amount_fen FROM refund ORDER BY 1");

    for (int i = 0; i < PQntuples(result); i++)
        for (int twice = 0; twice < 2; twice++)
            tell("disbursement", &disbursement__refund_confirmed__descriptor,
                 "{\"refundId\":\"%s\",\"programmeId\":\"%s\",\"amount\":{\"fen\":\"%s\"},"
                 "\"on\":\"2024-08-20\"}",
                 PQgetvalue(result, i, 0), uid('g', 1), PQgetvalue(result, i, 1));
    PQclear(result);
}

static void
req_7_3_1b_every_yuan_goes_back_by_its_route(void **state)
{
    (void) state;
    open_programme(1, "yishan_2024", "");
    open_book(&rig.clerk, 1, 1, 0);
    EXPECT_OK(enrol_bulk(&rig.clerk, 1, 0, 10, 4));
    EXPECT_OK(pay_cash(&rig.clerk, 1, 0, 9, 12000));
    EXPECT_OK(hand_in(&rig.clerk, 1, 1, 9 * 12000));
    const json_t *body =
        EXPECT_OK(import(1, bank_line(1, "2024-07-12 08:00:00", "120.00", 9), false));
    assert_int_equal(number_at(body, "taken"), 1);
    EXPECT_OK(ask(&rig.officer, "RecordFunds",
                  "{\"programmeId\":\"%s\",\"funds\":{\"fundsId\":\"%s\",\"kind\":\"VILLAGE\","
                  "\"giver\":\"河东村\",\"amount\":{\"fen\":\"70000\"},\"on\":\"2024-07-09\","
                  "\"uploadId\":\"%s\"}}",
                  uid('g', 1), uid('f', 1), uid('u', 2)));
    EXPECT_OK(ask(&rig.officer, "RecordInterest",
                  "{\"programmeId\":\"%s\",\"transferId\":\"%s\",\"amount\":{\"fen\":\"25\"},"
                  "\"on\":\"2024-07-09\"}",
                  uid('g', 1), uid('t', 1)));
    static const char stop[] = "{\"programmeId\":\"%s\",\"why\":\"参加率过低\"}";
    char text[128];
    (void) snprintf(text, sizeof text, stop, uid('g', 1));
    EXPECT(ask(&rig.approver, "StopProgramme", "%s", text), CONFLICT, PROGRAMME_MOVED_ON);
    now_is("2024-08-01T09:00:00+08:00");
    body = EXPECT_OK(by_id(&rig.officer, "CloseWindow", 1));
    assert_true(json_is_true(find(body, "participation.peopleWarned")));
    json_t *event = told(&contributions__participation_warned__descriptor);
    assert_string_equal(text_at(event, "dueOn"), "2024-08-01"); /* one working day after 31 July */
    json_decref(event);

    body = EXPECT_OK(ask(&rig.approver, "StopProgramme", "%s", text));
    assert_int_equal(number_at(body, "refunds"), 12); /* nine, one, the village, the interest */
    assert_int_equal(fen_at(body, "total"), 10 * 12000 + 70000 + 25);
    event = told(&contributions__refunds_ordered__descriptor);
    assert_int_equal(json_array_size(find(event, "refunds")), 12);
    assert_string_not_equal(text_at(event, "sealed"), "");
    json_decref(event);
    assert_int_equal(sql("SELECT count(*) FROM contributions.refund WHERE route = 'CASH'"), 9);
    assert_int_equal(sql("SELECT count(*) FROM contributions.refund WHERE route = 'BANK'"), 1);
    assert_int_equal(sql("SELECT count(*) FROM contributions.refund WHERE route = 'SOURCE'"), 2);
    confirm_refunds();
    assert_int_equal(balance_of("balance", 1), 0);
    body = EXPECT_OK(by_id(&rig.auditor, "GetProgramme", 1));
    assert_string_equal(text_at(body, "programme.state"), "WOUND_UP");
    assert_int_equal(sql("SELECT count(*) FROM contributions.account WHERE code LIKE 'income.%%' "
                         "AND debit <> credit"),
                     0); /* per-source totals zero */
    assert_int_equal(sql("SELECT count(*) FROM contributions.payment WHERE state <> 'REFUNDED'"),
                     0);
}

/* --- the window, to the second --- */

static void
req_7_2_1d_window_closes_to_the_second(void **state)
{
    (void) state;
    open_programme(1, "yishan_2024", "");
    open_book(&rig.clerk, 1, 1, 0);
    now_is("2024-07-31T23:59:59+08:00");
    EXPECT_OK(enrol_bulk(&rig.clerk, 1, 0, 2, 4));
    now_is("2024-07-31T23:59:59+08:00");
    EXPECT_OK(pay_cash(&rig.clerk, 1, 0, 1, 12000));
    now_is("2024-08-01T00:00:00+08:00");
    EXPECT(pay_cash(&rig.clerk, 1, 1, 1, 12000), REFUSED, WINDOW_CLOSED);
    const json_t *body = EXPECT_OK(enrol_bulk(&rig.clerk, 1, 2, 1, 4));
    assert_int_equal(number_at(body, "done"), 0);
    assert_string_equal(text_at(body, "rows.0.reason"), WINDOW_CLOSED);
    now_is("2024-06-30T23:59:58+08:00");
    body = EXPECT_OK(enrol_bulk(&rig.clerk, 1, 2, 1, 4));
    assert_string_equal(text_at(body, "rows.0.reason"), WINDOW_NOT_OPEN);
}

static void
req_7_2_1d_bank_lines_are_taken_by_their_pay_time(void **state)
{
    char lines[2048];
    const json_t *body;

    (void) state;
    open_programme(1, "yishan_2024", "");
    EXPECT_OK(enrol_bulk(&rig.clerk, 1, 0, 4, 4));
    now_is("2024-08-03T10:00:00+08:00");
    EXPECT_OK(by_id(&rig.officer, "CloseWindow", 1));
    (void) snprintf(lines, sizeof lines, "%s%s%s", bank_line(1, "2024-07-31 23:59:59", "120.00", 0),
                    bank_line(2, "2024-08-01 00:00:00", "120.00", 1),
                    bank_line(3, "2024-07-30 10:00:00", "119.99", 2));
    body = EXPECT_OK(import(1, lines, false));
    assert_false(json_is_true(find(body, "applied")));
    assert_int_equal(json_array_size(find(body, "bad")), 2);
    assert_string_equal(text_at(body, "bad.0.reason"), WINDOW_CLOSED);
    assert_int_equal(number_at(body, "bad.0.row"), 3);
    assert_string_equal(text_at(body, "bad.1.reason"), PAYMENT_AMOUNT);
    assert_int_equal(sql("SELECT count(*) FROM contributions.payment"), 0);

    body = EXPECT_OK(import(1, lines, true));
    assert_int_equal(number_at(body, "taken"), 1);
    assert_int_equal(fen_at(body, "total"), 12000);
    body = EXPECT_OK(import(1, lines, true)); /* the same statement again: nothing */
    assert_int_equal(number_at(body, "taken"), 0);
    assert_int_equal(number_at(body, "known"), 1);
    body = EXPECT_OK(import(2, lines, true)); /* the same lines in another one: nothing */
    assert_int_equal(number_at(body, "taken"), 0);
    assert_int_equal(sql("SELECT count(*) FROM contributions.payment"), 1);
    body = EXPECT_OK(by_id(&rig.officer, "GetParticipation", 1));
    assert_int_equal(number_at(body, "figures.people.takingPart"), 4); /* made in time */
    assert_int_equal(sql("SELECT count(*) FROM contributions.payment WHERE account_sealed IS NULL "
                         "OR encode(account_sealed, 'escape') LIKE '%%6228480012345678903%%'"),
                     0);
}

/* --- households --- */

static void
req_003_1_three_of_four_members_paid_is_not_in_force(void **state)
{
    const json_t *body;

    (void) state;
    open_programme(1, "yishan_2024", "\"householdRule\":\"WHOLE_HOUSEHOLD\",");
    open_book(&rig.clerk, 1, 1, 0);
    EXPECT_OK(enrol_bulk(&rig.clerk, 1, 0, 1, 3));
    EXPECT_OK(pay_cash(&rig.clerk, 1, 0, 1, 9000));
    body =
        EXPECT_OK(ask(&rig.clerk, "GetEnrolment", "{\"programmeId\":\"%s\",\"householdId\":\"%s\"}",
                      uid('g', 1), uid('h', 0)));
    assert_false(json_is_true(find(body, "enrolment.inForce")));
    EXPECT_OK(ask(&rig.clerk, "EnrolHousehold", "{\"programmeId\":\"%s\",\"enrolment\":%s}",
                  uid('g', 1), enrolment(0, 4)));
    EXPECT_OK(pay_cash(&rig.clerk, 1, 0, 1, 3000));
    body =
        EXPECT_OK(ask(&rig.clerk, "GetEnrolment", "{\"programmeId\":\"%s\",\"householdId\":\"%s\"}",
                      uid('g', 1), uid('h', 0)));
    assert_true(json_is_true(find(body, "enrolment.inForce")));
    json_t *event = told(&contributions__members_changed__descriptor);
    assert_int_equal(json_array_size(find(event, "members")), 4);
    assert_true(json_is_true(find(event, "members.3.inForce")));
    assert_true(json_is_true(find(event, "members.2.publicityConsent")));
    assert_false(json_is_true(find(event, "members.3.publicityConsent")));
    json_decref(event);
}

/* A household of four and a newborn of the given day. */
static void
tell_newborn(int house, const char *born, const char *entry)
{
    static int version = 2;
    char text[2048];
    size_t used = 0;

    for (int k = 0; k <= RIG_PERSONS; k++)
        used += (size_t) snprintf(
            text + used, sizeof text - used,
            "%s{\"personId\":\"%s\",\"head\":%s,\"grounds\":2,\"entry\":"
            "\"%s\",\"from\":\"%s\"}",
            k ? "," : "", uid('p', person_no(house, k)), k == 0 ? "true" : "false",
            k < RIG_PERSONS ? "FIRST_REGISTER" : entry, k < RIG_PERSONS ? "2020-01-01" : born);
    tell("identity", &identity__households_recorded__descriptor,
         "{\"households\":[{\"householdId\":\"%s\",\"villageId\":\"%s\",\"version\":\"%d\","
         "\"members\":[%s]}]}",
         uid('h', house), uid('v', 0), version++, text);
}

static void
req_003_2_new_members_join_households_in_force_after_the_close(void **state)
{
    (void) state;
    open_programme(1, "yishan_2024", "\"newMembersAfter\":true,");
    open_book(&rig.clerk, 1, 1, 0);
    EXPECT_OK(enrol_bulk(&rig.clerk, 1, 0, 2, 4));
    EXPECT_OK(pay_cash(&rig.clerk, 1, 0, 1, 12000)); /* household 1 enrols and never pays */
    EXPECT_OK(hand_in(&rig.clerk, 1, 1, 12000));
    now_is("2024-08-01T00:00:00+08:00");
    EXPECT_OK(by_id(&rig.officer, "CloseWindow", 1));
    now_is("2024-09-10T09:00:00+08:00");
    static const char enrol[] = "{\"programmeId\":\"%s\",\"enrolment\":%s}";
    char text[8192];
    (void) snprintf(text, sizeof text, enrol, uid('g', 1), enrolment(0, 5));
    tell_newborn(0, "2024-07-31", "BIRTH"); /* the event lies before the close */
    EXPECT(ask(&rig.clerk, "EnrolHousehold", "%s", text), REFUSED, LATE_EVENT);
    tell_newborn(0, "2024-09-02", "FIRST_REGISTER");
    EXPECT(ask(&rig.clerk, "EnrolHousehold", "%s", text), REFUSED, LATE_EVENT);
    tell_newborn(0, "2024-09-02", "BIRTH");
    EXPECT_OK(ask(&rig.clerk, "EnrolHousehold", "%s", text));
    EXPECT_OK(pay_cash(&rig.clerk, 1, 0, 1, 3000));
    assert_int_equal(sql("SELECT count(*) FROM contributions.enrolment_member WHERE in_force AND "
                         "late AND from_on = '2024-09-10'"),
                     1);
    tell_newborn(1, "2024-09-02", "BIRTH");
    (void) snprintf(text, sizeof text, enrol, uid('g', 1), enrolment(1, 5));
    EXPECT(ask(&rig.clerk, "EnrolHousehold", "%s", text), REFUSED, LATE_HOUSEHOLD);
    EXPECT(pay_cash(&rig.clerk, 1, 1, 1, 12000), REFUSED, WINDOW_CLOSED);
    EXPECT_OK(hand_in(&rig.clerk, 1, 2, 3000));
}

static void
req_003_6_and_004_3_the_poor_are_helped_in_or_kept_out(void **state)
{
    const json_t *body;

    (void) state;
    tell_houses(0, 2, 0, 2,
                ",\"categories\":[{\"code\":\"minimum_living\",\"from\":\"2020-01-01\"}]");
    tell_houses(2, 1, 0, 2,
                ",\"categories\":[{\"code\":\"minimum_living\",\"from\":\"2020-01-01\",\"until\":"
                "\"2020-06-30\"}]");
    open_programme(1, "yishan_2024",
                   "\"subsidised\":[{\"category\":\"minimum_living\",\"source\":\"COUNTY_FINANCE\","
                   "\"perHead\":{\"fen\":\"3000\"},\"asOf\":\"2020-06-30\"}],");
    body = EXPECT_OK(enrol_bulk(&rig.clerk, 1, 0, 3, 4));
    assert_int_equal(fen_at(body, "rows.0.due"), 0);
    assert_int_equal(fen_at(body, "rows.2.due"), 12000); /* no longer poor on the day */
    assert_int_equal(
        sql("SELECT count(*) FROM contributions.enrolment_member WHERE in_force AND payer = 4"), 8);
    open_programme(2, "yishan_2024", "\"excludedCategories\":[\"minimum_living\"],");
    body = EXPECT_OK(enrol_bulk(&rig.clerk, 2, 0, 3, 4));
    assert_string_equal(text_at(body, "rows.1.reason"), PERSON_EXCLUDED);
    assert_int_equal(number_at(body, "done"), 1);
    body = EXPECT_OK(by_id(&rig.county, "GetParticipation", 2));
    assert_int_equal(number_at(body, "figures.people.whole"), 1200 - 8);
    assert_int_equal(number_at(body, "figures.households.whole"), 300 - 2);
}

static void
req_5_4b_a_resident_joins_where_residents_may(void **state)
{
    const json_t *body;

    (void) state;
    tell("identity", &identity__households_recorded__descriptor,
         "{\"households\":[{\"householdId\":\"%s\",\"villageId\":\"%s\",\"version\":\"2\","
         "\"members\":[{\"personId\":\"%s\",\"head\":true,\"grounds\":8,\"from\":\"2020-01-01\"}]}]"
         "}",
         uid('h', 900), uid('v', 0), uid('p', 9000));
    open_programme(1, "yishan_2024", "");
    open_programme(2, "yishan_2024", "\"eligibility\":\"RESIDENTS_TOO\",");
    body = EXPECT_OK(enrol_bulk(&rig.clerk, 1, 900, 1, 1));
    assert_string_equal(text_at(body, "rows.0.reason"), PERSON_NOT_ELIGIBLE);
    body = EXPECT_OK(enrol_bulk(&rig.clerk, 2, 900, 1, 1));
    assert_int_equal(number_at(body, "done"), 1);
    body = EXPECT_OK(ask(&rig.clerk, "ListEligible",
                         "{\"programmeId\":\"%s\",\"villageId\":\"%s\",\"pageSize\":500}",
                         uid('g', 1), uid('v', 0)));
    assert_int_equal(json_array_size(find(body, "households")), 101);
}

/* --- sources --- */

static void
taken_in_and_closed(void)
{
    open_programme(1, "yishan_2024", "");
    collect(1);
    now_is("2024-08-01T00:00:01+08:00");
    EXPECT_OK(by_id(&rig.officer, "CloseWindow", 1));
}

static const char grant_text[] =
    "{\"programmeId\":\"%s\",\"fundsId\":\"%s\",\"kind\":\"CITY_FINANCE\",\"giver\":\"市启动资金\","
    "\"perHead\":{\"fen\":\"500\"},\"on\":\"%s\",\"uploadId\":\"%s\"}";

static void
req_003_5_a_grant_per_head_waits_for_the_final_count(void **state)
{
    (void) state;
    open_programme(1, "yishan_2024", "");
    collect(1);
    EXPECT(ask(&rig.officer, "GrantPerHead", grant_text, uid('g', 1), uid('f', 1), "2024-07-10",
               uid('u', 1)),
           CONFLICT, PROGRAMME_STATE);
    now_is("2024-08-01T00:00:01+08:00");
    EXPECT_OK(by_id(&rig.officer, "CloseWindow", 1));
    const json_t *body = EXPECT_OK(ask(&rig.officer, "GrantPerHead", grant_text, uid('g', 1),
                                       uid('f', 1), "2024-08-01", uid('u', 1)));
    assert_int_equal(fen_at(body, "funds.amount"), 800 * 500); /* 200 households of 4 */
    body =
        EXPECT_OK(ask(&rig.officer, "RecordFunds",
                      "{\"programmeId\":\"%s\",\"funds\":{\"fundsId\":\"%s\",\"kind\":"
                      "\"CITY_FINANCE\",\"giver\":\"市启动资金\",\"amount\":{\"fen\":\"20000000\"},"
                      "\"on\":\"2024-08-01\",\"uploadId\":\"%s\"}}",
                      uid('g', 1), uid('f', 2), uid('u', 2)));
    assert_int_equal(fen_at(body, "funds.amount"), 20000000); /* the lump sum of a pilot town */
    assert_int_equal(balance_of("balance", 1), 2LL * RIG_HOUSES * 12000 + 800 * 500 + 20000000);
}

static void
req_003_23_a_donor_gets_the_days_next_invoice(void **state)
{
    static const char text[] =
        "{\"programmeId\":\"%s\",\"funds\":{\"fundsId\":\"%s\",\"kind\":\"%s\","
        "\"giver\":\"某企业\",\"amount\":{\"fen\":\"100\"},\"on\":\"2024-08-01\","
        "\"uploadId\":\"%s\"}}";
    const json_t *body;

    (void) state;
    taken_in_and_closed();
    body = EXPECT_OK(
        ask(&rig.officer, "RecordFunds", text, uid('g', 1), uid('f', 1), "DONATION", uid('u', 1)));
    assert_string_equal(text_at(body, "funds.invoice"), "JZ20240801-0001");
    body = EXPECT_OK(
        ask(&rig.officer, "RecordFunds", text, uid('g', 1), uid('f', 2), "DONATION", uid('u', 1)));
    assert_string_equal(text_at(body, "funds.invoice"), "JZ20240801-0002");
    body = EXPECT_OK(ask(&rig.officer, "RecordFunds", text, uid('g', 1), uid('f', 3),
                         "TOWN_FINANCE", uid('u', 1)));
    assert_string_equal(text_at(body, "funds.invoice"), ""); /* a public source is no donor */
}

static void
req_8_1d_interest_rolls_with_the_principal_and_is_shown_apart(void **state)
{
    (void) state;
    taken_in_and_closed();
    const long long before = balance_of("balance", 1);
    EXPECT_OK(ask(&rig.officer, "RecordInterest",
                  "{\"programmeId\":\"%s\",\"transferId\":\"%s\",\"amount\":{\"fen\":\"1234\"},"
                  "\"on\":\"2024-08-01\"}",
                  uid('g', 1), uid('t', 1)));
    assert_int_equal(balance_of("balance", 1), before + 1234);
    assert_int_equal(sql("SELECT sum(amount_fen) FROM contributions.transfer "
                         "WHERE credit = 'income.interest'"),
                     1234);
}

enum { NEVER = INT32_MAX };

/* "NULL", or a day so many days from the one that is asked for. */
static const char *
day_in_sql(int days)
{
    static char ring[4][48];
    static unsigned next;
    char *out = ring[next++ % COUNT(ring)];

    (void) snprintf(out, sizeof ring[0], days == NEVER ? "NULL" : "(DATE '2024-07-01' + %d)", days);
    return out;
}

/* What SQL says of a person in one category (code NULL: in none). */
static bool
sql_says(const struct member *m, int entered, int left, const char *code, int from, int until)
{
    char categories[160] = "NULL";

    if (code)
        (void) snprintf(categories, sizeof categories,
                        "jsonb_build_array(jsonb_build_object('c', '%s', 'f', %s, 'u', %s))", code,
                        day_in_sql(from), day_in_sql(until));
    return sql("SELECT contributions.is_eligible(%u, %s, %s, %s, 6, '{minimum_living}', DATE "
               "'2024-07-01')::int",
               m->grounds, day_in_sql(entered), day_in_sql(left), categories) == 1;
}

/* Whole registers are counted by SQL (is_eligible), a person is judged by rule_person_may_join():
 * one rule in two places, held together here over every edge of it. */
static void
req_5_4b_the_rule_and_its_sql_say_the_same(void **state)
{
    static const int edges[] = { NEVER, -1, 0, 1 };
    static const struct {
        const char *code;
        int from, until;
    } in[] = { { NULL, 0, 0 },
               { "extreme_poverty", -1, NEVER },
               { "minimum_living", NEVER, NEVER },
               { "minimum_living", 0, NEVER },
               { "minimum_living", 1, NEVER },
               { "minimum_living", -1, 0 },
               { "minimum_living", -1, 1 } };
    const int on = date_from_civil(2024, 7, 1).days;
    char *excluded[] = { (char *) "minimum_living" }, text[64];
    programme_t p = CONTRIBUTIONS__PROGRAMME__INIT;
    int joined = 0, asked = 0;

    (void) state;
    p.eligibility = CONTRIBUTIONS__PROGRAMME__ELIGIBILITY__COLLECTIVE_OR_REGISTERED;
    p.excluded_categories = excluded;
    p.n_excluded_categories = 1;
    for (; asked < 4 * 4 * 8 * (int) COUNT(in); asked++) {
        const int entered = edges[asked % 4], left = edges[asked / 4 % 4], k = asked / 128;
        struct member m = { .grounds = (uint32_t) (asked / 16 % 8) << 1,
                            .has_entered = entered != NEVER,
                            .has_left = left != NEVER,
                            .entered = { on + (entered == NEVER ? 0 : entered) },
                            .left = { on + (left == NEVER ? 0 : left) },
                            .categories = text };
        int payer, used = 0;
        money_t due;

        text[0] = '\0'; /* as houses_get writes it */
        if (in[k].code)
            used = snprintf(text, sizeof text, "%s,%d,", in[k].code,
                            in[k].from == NEVER ? -1000000 : on + in[k].from);
        if (in[k].code && in[k].until == NEVER)
            (void) snprintf(text + used, sizeof text - (size_t) used, ";");
        else if (in[k].code)
            (void) snprintf(text + used, sizeof text - (size_t) used, "%d;", on + in[k].until);
        const bool may = !rule_person_may_join(&p, &m, (date_t){ on }, &payer, &due);
        if (may != sql_says(&m, entered, left, in[k].code, in[k].from, in[k].until))
            fail_msg("grounds %u, entered %d, left %d, \"%s\": the rule says %d", m.grounds,
                     entered, left, text, may);
        joined += may;
    }
    print_message("%d of %d may join\n", joined, asked);
    assert_true(joined > 0 && joined < asked / 2);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, rig_clean)
    const struct CMUnitTest tests[] = {
        TEST(req_8_1a_a_year_from_draft_to_carry_over),
        TEST(req_002_3_the_household_gate_holds_payouts_at_49_99_percent),
        TEST(req_002_3_the_household_gate_opens_payouts_at_50_percent),
        TEST(req_7_3_1b_every_yuan_goes_back_by_its_route),
        TEST(req_7_2_1d_window_closes_to_the_second),
        TEST(req_7_2_1d_bank_lines_are_taken_by_their_pay_time),
        TEST(req_003_1_three_of_four_members_paid_is_not_in_force),
        TEST(req_003_2_new_members_join_households_in_force_after_the_close),
        TEST(req_003_6_and_004_3_the_poor_are_helped_in_or_kept_out),
        TEST(req_5_4b_a_resident_joins_where_residents_may),
        TEST(req_5_4b_the_rule_and_its_sql_say_the_same),
        TEST(req_003_5_a_grant_per_head_waits_for_the_final_count),
        TEST(req_003_23_a_donor_gets_the_days_next_invoice),
        TEST(req_8_1d_interest_rolls_with_the_principal_and_is_shown_apart),
    };

    return cmocka_run_group_tests(tests, rig_open, rig_close);
}
