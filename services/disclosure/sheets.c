/* sheets.c - see sheets.h. */
#include "sheets.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "mask/mask.h"
#include "rules.h"
#include "wire.h"

static err_t
no_memory(struct call *c)
{
    return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the page is too long");
}

static err_t
too_small(struct call *c)
{
    return err_set(&c->err, ERR_REFUSED, PUBLICATION_SMALL,
                   "too few payments for this place and period");
}

/* --- making lines --- */

static err_t
columns_set(struct call *c, struct sheet *sheet, size_t lines, const char *names,
            const char *numbers)
{
    sheet->line_room = lines;
    sheet->lines = arena_alloc(c->arena, (lines + 1) * sizeof *sheet->lines);
    char *at = arena_strdup(c->arena, names);
    if (!sheet->lines || !at)
        return no_memory(c);
    for (char *next; at && sheet->column_count < SHEET_COLUMNS_MAX; at = next) {
        next = strchr(at, '|');
        if (next)
            *next++ = '\0';
        sheet->is_number[sheet->column_count] = numbers[sheet->column_count] == '#';
        sheet->columns[sheet->column_count++] = at;
    }
    return ERR_OK;
}

/* Cells arrive tab-separated; a text of others has no tab of its own. */
static const char *
cell_safe(struct call *c, const char *text)
{
    char *safe = arena_strdup(c->arena, text);

    for (char *at = safe; at && *at; at++)
        if ((unsigned char) *at < 0x20)
            *at = ' ';
    return safe ? safe : "";
}

static err_t PRINTF(3, 4) line_add(struct call *c, struct sheet *sheet, const char *fmt, ...)
{
    char text[1024];
    va_list args;

    va_start(args, fmt);
    const int size = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (size < 0 || (size_t) size >= sizeof text || sheet->line_count >= sheet->line_room)
        return no_memory(c);
    sheet->lines[sheet->line_count] = arena_strdup(c->arena, text);
    return sheet->lines[sheet->line_count++] ? ERR_OK : no_memory(c);
}

static void
note_add(struct sheet *sheet, const char *note)
{
    if (sheet->note_count < COUNT(sheet->notes))
        sheet->notes[sheet->note_count++] = note;
}

/* Sums near few people are told to the nearest thousand yuan. */
static void
rough_text(money_t amount, char text[static MONEY_TEXT_BYTES + 8])
{
    const int64_t thousands = (amount.fen + 50000) / 100000;

    (void) snprintf(text, MONEY_TEXT_BYTES + 8, "约 %lld", (long long) thousands * 1000);
}

/* --- payouts (7.2.5) --- */

static const char *const sexes[] = { "—", "男", "女" };
static const char *const classes[] = { "未定级", "一级医院", "二级医院", "三级医院" };

const char *
payout_cells(struct call *c, const struct public_payout *line)
{
    const char *sex = sexes[line->sex < 0 || line->sex > 2 ? 0 : line->sex];
    const char *class =
        classes[line->hospital_class < 0 || line->hospital_class > 3 ? 0 : line->hospital_class];
    char due[MONEY_TEXT_BYTES + 8], paid[MONEY_TEXT_BYTES + 8];

    money_format(line->due, due);
    money_format(line->paid, paid);
    if (line->is_banded) {
        rough_text(line->due, due);
        rough_text(line->paid, paid);
    }
    const char *code = line->code[0] ? line->code : "不分组";
    switch (line->kind) {
    case PAYOUT_LINE:
        return arena_printf(c->arena, "%s\t%s\t%s\t%s\t%s\t1\t%s\t%s", line->name, sex, class, code,
                            cell_safe(c, line->group_name), due, paid);
    case PAYOUT_CELL_MEMBER:
        return arena_printf(c->arena, "%s\t%s\t%s\t%s*\t合并公示\t1\t见小计\t见小计", line->name,
                            sex, class, code);
    case PAYOUT_CELL_SUM:
        return arena_printf(c->arena, "小计\t%s\t%s\t%s*\t以上 %zu 人\t%zu\t%s\t%s", sex, class,
                            code, line->people, line->claims, due, paid);
    default:
        return arena_printf(c->arena, "其他\t—\t—\t—\t合并公示，不分列\t%zu\t%s\t%s", line->claims,
                            due, paid);
    }
}

static err_t
payouts_total(struct call *c, const struct payouts *payouts, bool banded, struct sheet *sheet)
{
    char text[MONEY_TEXT_BYTES + 8];

    for (size_t i = 0; i < payouts->count; i++)
        sheet->total = money_add(sheet->total, payouts->claims[i].paid);
    sheet->has_total = !banded;
    money_format(sheet->total, text);
    if (banded)
        rough_text(sheet->total, text);
    sheet->total_text =
        arena_printf(c->arena, "合计：%zu 人次，实报金额 %s 元", payouts->count, text);
    return sheet->total_text ? ERR_OK : no_memory(c);
}

static err_t
payouts_sheet(struct call *c, const struct sheet_order *order, struct sheet *sheet,
              struct payouts *payouts)
{
    const struct publish_limits limits = publish_limits_of(order->programme->small_cell);
    const struct period_of period = { .programme = order->publication->programme,
                                      .village = order->publication->village,
                                      .from = order->from,
                                      .until = order->until,
                                      .period = order->publication->period };
    struct publish_verdict verdict;

    TRY(payouts_of(c, &period, payouts));
    if (payouts->count == 0)
        return err_set(&c->err, ERR_REFUSED, PUBLICATION_EMPTY, "no payment in the period");
    publish_decide(payouts->claims, payouts->count, &limits, &verdict);
    if (verdict.is_too_small && !order->is_last)
        return too_small(c);
    struct public_payout *lines = arena_alloc(c->arena, (2 * payouts->count + 1) * sizeof *lines);
    if (!lines)
        return no_memory(c);
    const size_t count = publish_lines(payouts->claims, payouts->count, &verdict, &limits, lines);
    TRY(columns_set(c, sheet, count,
                    "姓名|性别|就诊医院|DRG编码|DRG名称|人次|应报金额（元）|实报金额（元）",
                    ".....###"));
    if (verdict.is_too_small) {
        char rough[MONEY_TEXT_BYTES + 8];
        rough_text(lines[0].paid, rough);
        TRY(line_add(c, sheet, "其他\t—\t—\t—\t合并公示，不分列\t少于 %d\t—\t%s", verdict.k_hidden,
                     rough));
        sheet->total_text = "人次过少，合计不单列。";
    } else {
        for (size_t i = 0; i < count; i++) {
            const char *cells = payout_cells(c, &lines[i]);
            if (!cells)
                return no_memory(c);
            TRY(line_add(c, sheet, "%s", cells));
        }
        TRY(payouts_total(c, payouts, verdict.is_banded, sheet));
    }
    sheet->people = (int64_t) payouts->count;
    sheet->sensitive_by = payouts->sensitive_by;
    note_add(sheet,
             "应报金额为病种定额标准；实报金额为按个人自付、限额等规定计算后实际发放的金额。");
    note_add(sheet, "为保护个人隐私：姓名以符号替代；人数较少的病组合并公示，只列小计；敏感病组和未"
                    "同意公示姓名的，"
                    "只计入“其他”。");
    return ERR_OK;
}

/* --- contributions (7.2.1e) --- */

static err_t
contributions_sheet(struct call *c, const struct sheet_order *order, struct sheet *sheet)
{
    char masked[MASK_NAME_BYTES], amount[MONEY_TEXT_BYTES];
    struct payment_row *rows;
    size_t count;

    TRY(payments_of(c, order->publication->programme, order->publication->village, &rows, &count));
    if (count == 0)
        return err_set(&c->err, ERR_REFUSED, PUBLICATION_EMPTY, "nobody has paid yet");
    TRY(columns_set(c, sheet, count, "村（社区）|姓名（户主）|参加人数|缴费金额（元）", "..##"));
    for (size_t i = 0; i < count; i++) {
        (void) snprintf(masked, sizeof masked, "**");
        if (rows[i].name)
            mask_name(MASK_T0, rows[i].name, masked);
        money_format(rows[i].amount, amount);
        TRY(line_add(c, sheet, "%s\t%s\t%lld\t%s", cell_safe(c, rows[i].village_name), masked,
                     (long long) rows[i].people, amount));
        sheet->people += rows[i].people;
        sheet->total = money_add(sheet->total, rows[i].amount);
    }
    sheet->has_total = true;
    money_format(sheet->total, amount);
    sheet->total_text = arena_printf(c->arena, "合计：%zu 户次，%lld 人，%s 元", count,
                                     (long long) sheet->people, amount);
    note_add(sheet, "姓名以符号替代；未同意公示姓名的显示为“**”。");
    return sheet->total_text ? ERR_OK : no_memory(c);
}

/* --- the subsidy table (6.2.2e) --- */

static err_t
table_sheet(struct call *c, const struct sheet_order *order, struct sheet *sheet)
{
    char amount[MONEY_TEXT_BYTES];
    struct table_row *rows;
    size_t count;

    TRY(table_rows(c, order->publication->programme, "", &rows, &count));
    if (count == 0)
        return err_set(&c->err, ERR_REFUSED, PUBLICATION_EMPTY, "no table is frozen yet");
    TRY(columns_set(c, sheet, count, "DRG编码|DRG名称|适用对象|定额补助（元）", "...#"));
    for (size_t i = 0; i < count; i++) {
        money_format(rows[i].amount, amount);
        TRY(line_add(c, sheet, "%s\t%s\t%s\t%s", cell_safe(c, rows[i].drg),
                     cell_safe(c, rows[i].name), cell_safe(c, rows[i].who), amount));
    }
    note_add(sheet, order->programme->own_payment_limits
                        ? "实报金额不超过本次住院的个人自付费用，并受方案规定的限额约束。"
                        : "实报金额受方案规定的限额约束。");
    return ERR_OK;
}

/* --- income and expense (002-8) --- */

static const char *
account_chinese(const char *account)
{
    static const struct {
        const char *account, *chinese;
    } names[] = {
        { "income.personal", "村民个人" },
        { "income.village", "村集体" },
        { "income.town_finance", "镇级财政" },
        { "income.county_finance", "县级财政" },
        { "income.city_finance", "市级启动资金" },
        { "income.help_team", "帮促工作队" },
        { "income.welfare_lottery", "福利彩票公益金" },
        { "income.linked_finance", "财政衔接资金" },
        { "income.charity", "慈善资金" },
        { "income.donation", "社会捐赠" },
        { "income.interest", "孳息" },
        { "income.carry_over", "上年结转" },
        { "income.guiding_finance", "政府引导资金" },
        { "income.local_notable", "乡贤" },
        { "income.enterprise", "爱心企业" },
        { "income.twinned_help", "五方挂钩帮促" },
        { "expense.subsidy", "补助支出" },
        { "expense.service_fee", "服务费支出" },
        { "expense.bank_fee", "银行手续费" },
        { "expense.audit_cost", "审计费用" },
        { "fund.carried_over", "结转下年度" },
    };

    for (size_t i = 0; i < COUNT(names); i++)
        if (strcmp(names[i].account, account) == 0)
            return names[i].chinese;
    return account;
}

/* A sum of few payments would tell them: such a period has no statement of its own. */
static err_t
statement_is_safe(struct call *c, const struct sheet_order *order)
{
    const struct publish_limits limits = publish_limits_of(order->programme->small_cell);
    const struct period_of period = { .programme = order->publication->programme,
                                      .from = order->from,
                                      .until = order->until };
    int64_t claims, people;

    TRY(payouts_counted(c, &period, &claims, &people));
    return claims == 0 || order->is_last || (claims >= limits.k_sensitive && people >= 2)
               ? ERR_OK
               : too_small(c);
}

static err_t
statement_sheet(struct call *c, const struct sheet_order *order, struct sheet *sheet)
{
    const struct period_of period = { .programme = order->publication->programme,
                                      .from = order->from,
                                      .until = order->until };
    struct statement_row *rows;
    money_t before, after;
    char amount[MONEY_TEXT_BYTES];
    size_t count;

    TRY(statement_is_safe(c, order));
    TRY(statement_of(c, &period, &rows, &count));
    TRY(balance_before(c, period.programme, order->from, &before));
    TRY(columns_set(c, sheet, count + 2, "项目|类别|笔数|金额（元）", "..##"));
    money_format(before, amount);
    TRY(line_add(c, sheet, "期初结余\t结余\t—\t%s", amount));
    after = before;
    for (size_t i = 0; i < count; i++) {
        const bool back = !rows[i].is_income && strncmp(rows[i].account, "income.", 7) == 0;
        money_format(rows[i].sum, amount);
        TRY(line_add(c, sheet, "%s%s\t%s\t%lld\t%s", account_chinese(rows[i].account),
                     back ? "（退回）" : "", rows[i].is_income ? "收入" : "支出",
                     (long long) rows[i].count, amount));
        after = rows[i].is_income ? money_add(after, rows[i].sum) : money_sub(after, rows[i].sum);
    }
    money_format(after, amount);
    TRY(line_add(c, sheet, "期末结余\t结余\t—\t%s", amount));
    sheet->has_total = true;
    sheet->total = after;
    sheet->total_text = arena_printf(c->arena, "期末结余 %s 元", amount);
    note_add(sheet, "孳息滚入本金，结余结转下年度滚动使用，不得截留、挪用、私分。");
    return sheet->total_text ? ERR_OK : no_memory(c);
}

/* --- wound up (7.3.2) --- */

static err_t
disposal_sheet(struct call *c, const struct sheet_order *order, struct sheet *sheet)
{
    static const char *const routes[] = { "未知", "退回银行账户", "退还现金", "退回出资单位" };
    char amount[MONEY_TEXT_BYTES], done[MONEY_TEXT_BYTES];
    struct figure_row *rows;
    money_t balance;
    size_t count;

    TRY(refunds_of(c, order->publication->programme, &rows, &count));
    if (count == 0)
        return err_set(&c->err, ERR_REFUSED, PUBLICATION_EMPTY, "nothing is being paid back");
    TRY(columns_set(c, sheet, count + 1, "退还方式|应退笔数|应退金额（元）|已退笔数|已退金额（元）",
                    ".####"));
    for (size_t i = 0; i < count; i++) {
        const int64_t route = rows[i].numbers[0];
        money_format((money_t){ rows[i].numbers[2] }, amount);
        money_format((money_t){ rows[i].numbers[4] }, done);
        TRY(line_add(c, sheet, "%s\t%lld\t%s\t%lld\t%s",
                     routes[route >= 0 && route <= 3 ? route : 0], (long long) rows[i].numbers[1],
                     amount, (long long) rows[i].numbers[3], done));
    }
    TRY(balance_before(c, order->publication->programme, (date_t){ date_of(c->now).days + 1 },
                       &balance));
    money_format(balance, amount);
    TRY(line_add(c, sheet, "结余\t—\t%s\t—\t—", amount));
    sheet->has_total = true;
    sheet->total = balance;
    sheet->total_text = arena_printf(c->arena, "结余 %s 元", amount);
    return sheet->total_text ? ERR_OK : no_memory(c);
}

/* --- complaints (10.1) --- */

static err_t
complaints_sheet(struct call *c, const struct sheet_order *order, struct sheet *sheet)
{
    static const char *const categories[] = { "其他",     "参加与缴费", "编码分组", "补助金额",
                                              "办理时限", "发放失败",   "公示隐私", "工作作风",
                                              "举报",     "个人信息",   "其他" };
    struct figure_row *rows;
    size_t count;

    TRY(complaint_figures(c, order->from, order->until, &rows, &count));
    TRY(columns_set(c, sheet, count, "类别|件数|已答复|属实或部分属实", ".###"));
    for (size_t i = 0; i < count; i++) {
        const int64_t category = rows[i].numbers[0];
        TRY(line_add(c, sheet, "%s\t%lld\t%lld\t%lld",
                     categories[category >= 0 && category <= 10 ? category : 0],
                     (long long) rows[i].numbers[1], (long long) rows[i].numbers[2],
                     (long long) rows[i].numbers[3]));
        sheet->people += rows[i].numbers[1];
    }
    return ERR_OK;
}

/* --- the annual report: its signed figures --- */

static err_t
report_sheet(struct call *c, const struct sheet_order *order, struct sheet *sheet)
{
    ProtobufCBinaryData page;
    struct report *reports;
    size_t count;
    Disclosure__Report *report;

    TRY(report_signed_page(c, order->publication->programme, &page));
    TRY(report_list(c, order->publication->programme, &reports, &count));
    if (count == 0)
        return err_set(&c->err, ERR_REFUSED, PUBLICATION_REPORT, "the report is not signed");
    TRY(report_to_wire(c, &reports[0], true, &report));
    TRY(columns_set(c, sheet, report->n_figures, "编号|内容|数值|取数查询", "...."));
    for (size_t i = 0; i < report->n_figures; i++)
        TRY(line_add(c, sheet, "%s\t%s\t%s\t%s", cell_safe(c, report->figures[i]->blank),
                     cell_safe(c, report->figures[i]->label),
                     cell_safe(c, report->figures[i]->value),
                     cell_safe(c, report->figures[i]->query)));
    return ERR_OK;
}

err_t
sheet_make(struct call *c, const struct sheet_order *order, struct sheet *sheet,
           struct payouts *payouts)
{
    const struct publication *p = order->publication;
    const char *village;

    *sheet = (struct sheet){ .sensitive_by = "" };
    *payouts = (struct payouts){ .sensitive_by = "" };
    TRY(village_name(c, p->village, &village));
    sheet->title = arena_printf(c->arena, "%s%s%s%s %s", order->programme->name,
                                village[0] ? " " : "", village, p->period[0] ? " " : "", p->period);
    sheet->title =
        sheet->title ? arena_printf(c->arena, "%s %s", sheet->title, kind_chinese(p->kind)) : NULL;
    if (!sheet->title)
        return no_memory(c);
    switch (p->kind) {
    case KIND_SUBSIDY_TABLE:
        return table_sheet(c, order, sheet);
    case KIND_CONTRIBUTIONS:
        return contributions_sheet(c, order, sheet);
    case KIND_PAYOUTS:
        return payouts_sheet(c, order, sheet, payouts);
    case KIND_FUND_STATEMENT:
        return statement_sheet(c, order, sheet);
    case KIND_ANNUAL_REPORT:
        return report_sheet(c, order, sheet);
    case KIND_DISPOSAL:
        return disposal_sheet(c, order, sheet);
    default:
        return complaints_sheet(c, order, sheet);
    }
}
