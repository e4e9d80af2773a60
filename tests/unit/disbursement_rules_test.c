/* disbursement_rules_test.c - days, states and persons of lists; the bank's files, byte for byte.
 */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "disbursement/rules.h"

static struct err err;

static date_t
day(const char *text)
{
    date_t date;

    assert_true(date_parse(text, &date));
    return date;
}

static instant_t
at(const char *text)
{
    instant_t instant;

    assert_true(instant_parse(text, &instant));
    return instant;
}

/* --- 003-20 --- */

static void
req_003_20_paid_before_the_7th_or_the_working_day_before_it(void **state)
{
    static const struct {
        const char *name, *month, *on;
        int list_day, pay_before_day;
        bool postponed, provisional;
    } cases[] = {
        { "the 7th is a Friday", "2024-05-01", "2024-06-07", 1, 7, false, false },
        { "the 7th is a Saturday: Friday", "2024-08-01", "2024-09-06", 1, 7, false, false },
        { "the 7th is a Sunday: Friday", "2024-06-01", "2024-07-05", 1, 7, false, false },
        { "a Sunday that is worked", "2024-03-01", "2024-04-07", 1, 7, false, false },
        { "1 to 7 October 2024 are off: the 8th", "2024-09-01", "2024-10-08", 1, 7, true, false },
        { "1 to 8 October 2025 are off: the 9th", "2025-09-01", "2025-10-09", 1, 7, true, false },
        { "1 to 7 October 2026 are off: the 8th", "2026-09-01", "2026-10-08", 1, 7, true, false },
        { "Spring Festival ends before it", "2025-01-01", "2025-02-07", 1, 7, false, false },
        { "in Spring Festival", "2026-01-01", "2026-02-14", 1, 16, false, false },
        { "over New Year", "2024-12-01", "2025-01-07", 1, 7, false, false },
        { "pay-before day lies in the next month", "2024-05-01", "2024-07-10", 20, 10, false,
          false },
        { "a year without a calendar", "2030-05-01", "2030-06-07", 1, 7, false, true },
    };

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct programme programme = { .list_day = cases[i].list_day,
                                             .pay_before_day = cases[i].pay_before_day };
        const struct pay_before got = pay_before(&programme, day(cases[i].month));
        if (got.on.days != day(cases[i].on).days || got.postponed != cases[i].postponed ||
            got.provisional != cases[i].provisional)
            fail_msg("%s: day %d instead of %d, postponed %d, provisional %d", cases[i].name,
                     got.on.days, day(cases[i].on).days, got.postponed, got.provisional);
    }
}

static void
req_003_20_a_list_is_due_at_five_past_midnight(void **state)
{
    static const struct {
        const char *at, *month;
        int day;
    } cases[] = {
        { "2024-09-01T00:04:59+08:00", "2024-08-01", 0 },
        { "2024-09-01T00:05:00+08:00", "2024-08-01", 1 },
        { "2024-08-31T23:59:59+08:00", "2024-07-01", 31 },
        { "2024-08-31T16:05:00Z", "2024-08-01", 1 },
        { "2025-01-01T00:05:00+08:00", "2024-12-01", 1 },
        { "2025-01-02T00:00:00+08:00", "2024-12-01", 1 },
    };

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int of_month;
        const date_t month = month_to_list(at(cases[i].at), &of_month);
        assert_int_equal(month.days, day(cases[i].month).days);
        assert_int_equal(of_month, cases[i].day);
    }
}

static void
months_are_written_in_one_way(void **state)
{
    static const char *const wrong[] = { "",      "2024",    "2024-8",  "2024-13", "2024-08-01",
                                         "24-08", "2024/08", "2024-00", "abcd-ef" };
    char text[MONTH_TEXT_BYTES];
    date_t month;

    (void) state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        assert_int_equal(month_parse(wrong[i], &month, &err), ERR_INVALID);
        assert_string_equal(err.reason, MONTH_FORM);
    }
    assert_int_equal(month_parse("2024-08", &month, &err), ERR_OK);
    month_format(month, text);
    assert_string_equal(text, "2024-08");
    assert_int_equal(rule_month_is_over(month, day("2024-08-31"), &err), ERR_REFUSED);
    assert_int_equal(rule_month_is_over(month, day("2024-09-01"), &err), ERR_OK);
    assert_int_equal(month_after(day("2024-12-01"), 1).days, day("2025-01-01").days);
    assert_int_equal(month_after(day("2024-01-01"), -1).days, day("2023-12-01").days);
}

/* --- persons and states --- */

static void
req_6_2_2a_preparer_reviewer_and_approver_are_different_persons(void **state)
{
    const struct id a = { { 1 } }, b = { { 2 } }, d = { { 3 } }, nobody = { { 0 } };
    struct payout_list list = { .prepared_by = a, .submitted_by = b };

    (void) state;
    assert_int_equal(rule_may_review(&list, a, &err), ERR_FORBIDDEN);
    assert_int_equal(rule_may_review(&list, b, &err), ERR_OK);
    assert_int_equal(rule_may_approve(&list, a, &err), ERR_FORBIDDEN);
    assert_int_equal(rule_may_approve(&list, b, &err), ERR_FORBIDDEN);
    assert_string_equal(err.reason, LIST_SAME_PERSON);
    assert_int_equal(rule_may_approve(&list, d, &err), ERR_OK);
    list.prepared_by = nobody; /* the platform prepared it: nil is nobody's account */
    assert_int_equal(rule_may_review(&list, nobody, &err), ERR_OK);
}

static void
states_move_as_the_table_says_and_not_otherwise(void **state)
{
    static const enum line_event to_paid[] = { LINE_ON_CHECK, LINE_ON_RESERVE, LINE_ON_BATCH,
                                               LINE_ON_SEND, LINE_ON_PAY };
    int allowed = 0;

    (void) state;
    for (int from = LINE_LISTED; from <= LINE_VOIDED; from++) {
        for (int on = LINE_ON_CHECK; on <= LINE_ON_CONFIRM; on++) {
            struct line line = { .state = (enum line_state) from };
            const err_t code = line_move(&line, (enum line_event) on, &err);
            allowed += code == ERR_OK;
            if (code != ERR_OK)
                assert_int_equal((int) line.state, from);
            /* What has ended never moves again: a paid line is paid once. */
            if (from == LINE_PAID || from == LINE_VOIDED || from == LINE_RETURNED)
                assert_int_equal(code, ERR_CONFLICT);
        }
    }
    assert_int_equal(allowed, 13);
    struct line line = { .state = LINE_LISTED };
    for (size_t i = 0; i < COUNT(to_paid); i++)
        assert_int_equal(line_move(&line, to_paid[i], &err), ERR_OK);
    assert_int_equal((int) line.state, (int) LINE_PAID);
}

static void
req_7_2_4c_a_batch_with_a_duplicate_is_seen(void **state)
{
    static const uint8_t card[2][32] = { { 7 }, { 8 } };
    struct line lines[3] = {
        { .id = { { 1 } }, .claim = { { 11 } }, .amount = { 100 }, .payee_index = card[0] },
        { .id = { { 2 } }, .claim = { { 12 } }, .amount = { 100 }, .payee_index = card[0] },
        { .id = { { 3 } }, .claim = { { 13 } }, .amount = { 100 }, .payee_index = card[1] },
    };

    (void) state;
    /* One card with two claims of the same amount is a mother of two children. */
    assert_int_equal(rule_batch_has_no_duplicate(lines, 3, &err), ERR_OK);
    lines[2].claim = lines[0].claim;
    assert_int_equal(rule_batch_has_no_duplicate(lines, 3, &err), ERR_REFUSED);
    assert_string_equal(err.reason, BATCH_DUPLICATE);
    lines[2].claim = (struct id){ { 13 } };
    lines[2].id = lines[1].id;
    assert_int_equal(rule_batch_has_no_duplicate(lines, 3, &err), ERR_REFUSED);
    /* Refunds have no claim: alike ones are none. */
    lines[2].id = (struct id){ { 3 } };
    for (size_t i = 0; i < 3; i++)
        lines[i].claim = (struct id){ { 0 } };
    assert_int_equal(rule_batch_has_no_duplicate(lines, 3, &err), ERR_OK);
}

static void
req_001_2e_shares_are_rounded_down(void **state)
{
    (void) state;
    assert_int_equal(share_of(0, 0), 0);
    assert_int_equal(share_of(2, 3), 6666);
    assert_int_equal(share_of(9999, 10000), 9999);
    assert_int_equal(share_of(19999, 20000), 9999);
    assert_int_equal(share_of(3, 3), 10000);
}

/* --- layouts and files --- */

static struct layout
layout_named(const char *name)
{
    static char text[2][LAYOUT_TEXT_BYTES_MAX];
    static int next;
    char *copy = text[next++ % 2];
    struct layout layout;

    (void) snprintf(copy, sizeof text[0], "%s", layout_built_in(name));
    if (layout_parse(copy, &layout, &err) != ERR_OK)
        fail_msg("%s: %s", name, err.text);
    return layout;
}

static const struct file_row rows[] = {
    { 1,
      "20240906000100001",
      "2024-000001",
      { "张小丰", "6217001234567890122", "建行, 镇支行" },
      { 123456 } },
    { 2, "20240906000100002", "2024-000002", { "阿依·买买提", "6228480012345678903", "" }, { 5 } },
};

static const char *
written(const char *name)
{
    static char text[4096];
    const struct layout layout = layout_named(name);
    const struct file_head head = { .number = "202409060001",
                                    .account = "京口镇互助专户",
                                    .on = day("2024-09-06"),
                                    .lines = 2,
                                    .total = { 123461 } };
    struct file_out out = { .at = text, .room = sizeof text - 1 };

    if (bankfile_write(&layout, &head, rows, &out, &err) != ERR_OK)
        fail_msg("%s: %s", name, err.text);
    text[out.size] = '\0';
    return text;
}

static void
the_generic_file_is_this_one(void **state)
{
    (void) state;
    assert_string_equal(
        written("generic"),
        "序号,流水号,收款人,收款账号,开户行,金额（元）,摘要\r\n"
        "1,20240906000100001,张小丰,6217001234567890122,\"建行, 镇支行\",1234.56,互助补助\r\n"
        "2,20240906000100002,阿依·买买提,6228480012345678903,,0.05,互助补助\r\n"
        "合计,202409060001,2,1234.61,20240906\r\n");
}

static void
the_rural_banks_file_is_this_one(void **state)
{
    (void) state;
    assert_string_equal(
        written("rural-bank"),
        "202409060001|京口镇互助专户|CNY|2|123461|代发|20240906\r\n"
        "1|张小丰|6217001234567890122|建行, 镇支行|123456||医疗互助补助|20240906000100001\r\n"
        "2|阿依·买买提|6228480012345678903||5||医疗互助补助|20240906000100002\r\n");
}

static void
a_payee_that_would_break_the_file_is_refused_with_its_row(void **state)
{
    static const struct {
        const char *layout;
        struct payee payee;
    } cases[] = {
        { "rural-bank", { "张|三", "6217001234567890122", "" } },
        { "rural-bank", { "张\"三", "6217001234567890122", "" } },
        { "generic", { "=1+1", "6217001234567890122", "" } },
        { "generic", { "@张三", "6217001234567890122", "" } },
        { "generic", { "张\n三", "6217001234567890122", "" } },
        { "generic", { "", "6217001234567890122", "" } },
        { "generic", { "张三", "", "" } },
        { "generic", { "张三", "6217 0012", "" } },
        { "generic", { "张三", "62170012345678901226217001234567890122", "" } },
        { "generic", { "张三", "6217001234567890122", "-银行" } },
    };
    const struct file_head head = { "1", "a", { 0 }, 1, { 1 } };

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct layout layout = layout_named(cases[i].layout);
        const struct file_row row = { 1, "r", "", cases[i].payee, { 1 } };
        char text[1024];
        struct file_out out = { .at = text, .room = sizeof text };
        assert_int_equal(bankfile_write(&layout, &head, &row, &out, &err), ERR_REFUSED);
        assert_string_equal(err.reason, BATCH_PAYEE);
    }
    /* No room is no crash. */
    const struct layout layout = layout_named("generic");
    const struct file_head two = { "1", "a", { 0 }, 2, { 1 } };
    char text[128];
    for (size_t room = 0; room < sizeof text; room++) {
        struct file_out out = { .at = text, .room = room };
        assert_int_equal(bankfile_write(&layout, &two, rows, &out, &err), ERR_LIMITED);
        assert_true(out.size <= room);
    }
}

static void
a_layout_that_cannot_carry_money_is_refused(void **state)
{
    static const char good[] =
        "# ours\nencoding: UTF-8\ncolumns: sequence payee card amount\nresult_columns: sequence "
        "amount status receipt\nresult_ok: Y\nresult_failed: N\nreason: 0012 account.closed\n";
    static const struct {
        const char *add;
    } cases[] = {
        { "nonsense: 1\n" },
        { "encoding: GBK\n" },
        { "delimiter: ;\n" },
        { "amount: jiao\n" },
        { "titles: maybe\n" },
        { "total: middle\n" },
        { "columns: payee card\n" },
        { "columns: payee card amount amount\n" },
        { "columns: payee card amount status\n" },
        { "columns: payee card amount text\n" },
        { "columns: \n" },
        { "total: first\n" },
        { "total: last\ntotal_columns: lines\n" },
        { "result_columns: amount status receipt\n" },
        { "result_columns: sequence amount status\n" },
        { "result_columns: reference amount status receipt\n" },
        { "result_columns: sequence amount amount status receipt\n" },
        { "reason: 0012\n" },
        { "reason: 0012 account.nonsense\n" },
        { "lines_most: 0\n" },
        { "lines_most: 2001\n" },
        { "lines_most: 5x\n" },
        { "a line without a value\n" },
    };
    struct layout layout;
    char text[1024];

    (void) state;
    (void) snprintf(text, sizeof text, "%s", good);
    assert_int_equal(layout_parse(text, &layout, &err), ERR_OK);
    assert_string_equal(layout.reasons[0].wire, "account.closed");
    for (size_t i = 0; i < COUNT(cases); i++) {
        (void) snprintf(text, sizeof text, "%s%s", good, cases[i].add);
        if (layout_parse(text, &layout, &err) != ERR_INVALID)
            fail_msg("taken: %s", cases[i].add);
        assert_string_equal(err.reason, LAYOUT_MALFORMED);
    }
}

/* --- results --- */

static const struct item items[] = {
    { .sequence = 1,
      .reference = "202409060001001",
      .amount = { 123456 },
      .outcome = OUTCOME_WAITING },
    { .sequence = 2, .reference = "202409060001002", .amount = { 5 }, .outcome = OUTCOME_WAITING },
};

static err_t
reads(const char *name, const char *file, struct answers *answers)
{
    static char text[2048];
    const struct layout layout = layout_named(name);
    const struct days days = { day("2024-09-06"), day("2024-09-08") };

    (void) snprintf(text, sizeof text, "%s", file);
    TRY(result_read(&layout, text, answers, &err));
    return result_fits(items, COUNT(items), answers, days, &err);
}

static void
req_9_2_2b_a_result_is_taken_whole_or_refused_with_row_and_reason(void **state)
{
#define HEAD "流水号,金额,状态,银行流水,日期,原因\r\n"
#define ONE "202409060001001,1234.56,成功,B001,20240907,\r\n"
#define TWO "202409060001002,0.05,失败,,,账户已销户\r\n"
    static const struct {
        const char *name, *file, *reason, *path;
    } cases[] = {
        { "as it should be", HEAD ONE TWO, NULL, NULL },
        { "in another order", HEAD TWO ONE, NULL, NULL },
        { "without the last line's end", HEAD TWO "202409060001001,1234.56,成功,B001,20240907,",
          NULL, NULL },
        { "quoted",
          HEAD TWO "\"202409060001001\",\"1234.56\",成功,B001,2024-09-07,\"a,\"\"b\"\"\"\n", NULL,
          NULL },
        { "no rows", HEAD, "result.empty", "$.data" },
        { "a missing line", HEAD ONE, "result.missing", "$.data" },
        { "a line twice", HEAD ONE ONE, "result.twice", "$.data[3]" },
        { "more rows than lines", HEAD ONE TWO TWO, "result.unknown_line", "$.data[4]" },
        { "an unknown line", HEAD ONE "202409060001003,0.05,失败,,,x\r\n", "result.unknown_line",
          "$.data[3]" },
        { "another amount", HEAD ONE "202409060001002,0.06,失败,,,x\r\n", "result.amount",
          "$.data[3]" },
        { "three decimals", HEAD ONE "202409060001002,0.050,失败,,,x\r\n", "result.value",
          "$.data[3]" },
        { "an unknown status", HEAD ONE "202409060001002,0.05,好,,,x\r\n", "result.status",
          "$.data[3]" },
        { "an empty status", HEAD ONE "202409060001002,0.05,,,,x\r\n", "result.status",
          "$.data[3]" },
        { "half a status", HEAD ONE "202409060001002,0.05,失,,,x\r\n", "result.status",
          "$.data[3]" },
        { "paid without a receipt", HEAD TWO "202409060001001,1234.56,成功,,20240907,\r\n",
          "result.receipt", "$.data[3]" },
        { "one receipt for two", HEAD ONE "202409060001002,0.05,成功,B001,20240907,\r\n",
          "result.receipt_twice", "$.data[3]" },
        { "a column less", HEAD ONE "202409060001002,0.05,失败,,\r\n", "result.columns",
          "$.data[3]" },
        { "a column more", HEAD ONE "202409060001002,0.05,失败,,,x,y\r\n", "result.columns",
          "$.data[3]" },
        { "an empty row", HEAD ONE "\r\n" TWO, "result.columns", "$.data[3]" },
        { "no such day", HEAD TWO "202409060001001,1234.56,成功,B001,20240931,\r\n", "result.value",
          "$.data[3]" },
        { "paid before it was sent", HEAD TWO "202409060001001,1234.56,成功,B001,20240905,\r\n",
          "result.date", "$.data[3]" },
        { "paid tomorrow", HEAD TWO "202409060001001,1234.56,成功,B001,20240909,\r\n",
          "result.date", "$.data[3]" },
        { "an open quote", HEAD ONE "\"202409060001002,0.05,失败,,,x\r\n", "result.value",
          "$.data[3]" },
        { "something behind a quote", HEAD ONE "\"202409060001002\"x,0.05,失败,,,x\r\n",
          "result.value", "$.data[3]" },
    };

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct answer answer[COUNT(items)];
        struct answers answers = { answer, COUNT(answer), 0 };
        const err_t code = reads("generic", cases[i].file, &answers);
        if ((code == ERR_OK) != !cases[i].reason ||
            (cases[i].reason &&
             (strcmp(err.reason, cases[i].reason) != 0 || strcmp(err.path, cases[i].path) != 0)))
            fail_msg("%s: %s %s at %s", cases[i].name, err_name(code), err.reason, err.path);
    }
}

static void
a_result_is_understood(void **state)
{
    struct answer answer[COUNT(items)];
    struct answers answers = { answer, COUNT(answer), 0 };

    (void) state;
    assert_int_equal(reads("generic", HEAD TWO ONE, &answers), ERR_OK);
    assert_int_equal(answer[0].item, 1);
    assert_int_equal((int) answer[0].outcome, (int) OUTCOME_FAILED);
    assert_string_equal(answer[0].failure, "account.closed");
    assert_int_equal(answer[1].item, 0);
    assert_string_equal(answer[1].receipt, "B001");
    assert_int_equal(answer[1].paid_on.days, day("2024-09-07").days);

    assert_int_equal(reads("rural-bank",
                           "202409060001|2|x\r\n1|a|b|c|123456|S||B1|20240907|202409060001001\r\n"
                           "2|a|b|c|5|U|whatever|||202409060001002\r\n",
                           &answers),
                     ERR_OK);
    assert_int_equal((int) answer[1].outcome, (int) OUTCOME_UNKNOWN);
    /* The sequence and the reference must mean one line. */
    assert_int_equal(reads("rural-bank",
                           "x\r\n2|a|b|c|123456|S||B1|20240907|202409060001001\r\n"
                           "1|a|b|c|5|U|whatever|||202409060001002\r\n",
                           &answers),
                     ERR_REFUSED);
    assert_string_equal(err.reason, RESULT_UNKNOWN_LINE);
}

static void
what_a_later_file_says_is_news_or_known_or_the_contrary(void **state)
{
    static const struct {
        enum outcome was, says;
        const char *receipt;
        enum said said;
    } cases[] = {
        { OUTCOME_WAITING, OUTCOME_PAID, "B1", SAID_NEW },
        { OUTCOME_WAITING, OUTCOME_FAILED, NULL, SAID_NEW },
        { OUTCOME_WAITING, OUTCOME_UNKNOWN, NULL, SAID_NEW },
        { OUTCOME_UNKNOWN, OUTCOME_UNKNOWN, NULL, SAID_BEFORE },
        { OUTCOME_UNKNOWN, OUTCOME_PAID, "B1", SAID_NEW },
        { OUTCOME_UNKNOWN, OUTCOME_FAILED, NULL, SAID_NEW },
        { OUTCOME_PAID, OUTCOME_PAID, "B1", SAID_BEFORE },
        { OUTCOME_PAID, OUTCOME_PAID, "B2", SAID_CONTRARY },
        { OUTCOME_PAID, OUTCOME_FAILED, NULL, SAID_CONTRARY },
        { OUTCOME_PAID, OUTCOME_UNKNOWN, NULL, SAID_BEFORE },
        { OUTCOME_FAILED, OUTCOME_FAILED, NULL, SAID_BEFORE },
        { OUTCOME_FAILED, OUTCOME_PAID, "B1", SAID_CONTRARY },
        { OUTCOME_FAILED, OUTCOME_UNKNOWN, NULL, SAID_BEFORE },
    };

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct item item = { .outcome = cases[i].was, .receipt = "B1" };
        struct answer answer = { .outcome = cases[i].says, .receipt = cases[i].receipt };
        const struct answers one = { &answer, 1, 1 };
        assert_int_equal((int) result_says(&item, &answer), (int) cases[i].said);
        assert_int_equal((int) result_verdict(&item, &one),
                         (int) (cases[i].said == SAID_NEW        ? VERDICT_APPLIED
                                : cases[i].said == SAID_CONTRARY ? VERDICT_CONTRADICTED
                                                                 : VERDICT_SEEN_BEFORE));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(req_003_20_paid_before_the_7th_or_the_working_day_before_it),
        cmocka_unit_test(req_003_20_a_list_is_due_at_five_past_midnight),
        cmocka_unit_test(months_are_written_in_one_way),
        cmocka_unit_test(req_6_2_2a_preparer_reviewer_and_approver_are_different_persons),
        cmocka_unit_test(states_move_as_the_table_says_and_not_otherwise),
        cmocka_unit_test(req_7_2_4c_a_batch_with_a_duplicate_is_seen),
        cmocka_unit_test(req_001_2e_shares_are_rounded_down),
        cmocka_unit_test(the_generic_file_is_this_one),
        cmocka_unit_test(the_rural_banks_file_is_this_one),
        cmocka_unit_test(a_payee_that_would_break_the_file_is_refused_with_its_row),
        cmocka_unit_test(a_layout_that_cannot_carry_money_is_refused),
        cmocka_unit_test(req_9_2_2b_a_result_is_taken_whole_or_refused_with_row_and_reason),
        cmocka_unit_test(a_result_is_understood),
        cmocka_unit_test(what_a_later_file_says_is_news_or_known_or_the_contrary),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
