/* handlers_report.c - the annual report of appendix A: every blank from a query of queries.sql,
 * whose name stands beside the number. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "book.h"
#include "crypto/crypto.h"
#include "handlers.h"
#include "pages.h"
#include "rules.h"
#include "store.h"
#include "wire.h"

enum { FIGURES_MAX = 80 };

static err_t
no_memory(struct call *c)
{
    return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the report is too long");
}

/* --- figures --- */

struct figures {
    struct call *c;
    Disclosure__Report *report;
    bool failed;
};

static void
figure(struct figures *f, const char *blank, const char *label, const char *value,
       const char *query)
{
    Disclosure__Report__Figure *figure = arena_alloc(f->c->arena, sizeof *figure);

    if (!figure || f->report->n_figures == FIGURES_MAX) {
        f->failed = true;
        return;
    }
    disclosure__report__figure__init(figure);
    figure->blank = arena_strdup(f->c->arena, blank);
    figure->label = arena_strdup(f->c->arena, label);
    figure->value = arena_strdup(f->c->arena, value);
    figure->query = arena_printf(f->c->arena, "disclosure.%s", query);
    f->failed = f->failed || !figure->blank || !figure->label || !figure->value || !figure->query;
    f->report->figures[f->report->n_figures++] = figure;
}

static void
figure_count(struct figures *f, const char *blank, const char *label, int64_t n, const char *query)
{
    char text[24];

    (void) snprintf(text, sizeof text, "%" PRId64, n);
    figure(f, blank, label, text, query);
}

static void
figure_yuan(struct figures *f, const char *blank, const char *label, int64_t fen, const char *query)
{
    char text[MONEY_TEXT_BYTES];

    money_format((money_t){ fen }, text);
    figure(f, blank, label, text, query);
}

static void
figure_rate(struct figures *f, const char *blank, const char *label, int64_t part, int64_t whole,
            const char *query)
{
    char text[RATE_BYTES];

    rate_text(part, whole, text);
    figure(f, blank, label, text, query);
}

static void
figure_limit(struct figures *f, const char *blank, const char *label, const Huzhu__Money *limit)
{
    if (limit)
        figure_yuan(f, blank, label, limit->fen, "programme_get");
    else
        figure(f, blank, label, "不设", "programme_get");
}

static void
threshold_of(struct figures *f, const Contributions__Programme *p,
             Contributions__Insurance__Kind insurance, const char *blank, const char *label)
{
    for (size_t i = 0; i < p->n_thresholds; i++) {
        const Contributions__Programme__Threshold *t = p->thresholds[i];
        if (t->insurance != insurance || !t->at_least)
            continue;
        figure_yuan(f, blank, label, t->at_least->fen, "programme_get");
        return;
    }
    figure(f, blank, label, "未规定", "programme_get");
}

static void
agreement_figure(struct figures *f, const struct report_figures *n)
{
    char from[DATE_TEXT_BYTES], until[DATE_TEXT_BYTES], text[96] = "未签订";

    if (n->agreements > 0) {
        date_format((date_t){ (int32_t) n->agreed_from }, from);
        date_format((date_t){ (int32_t) n->agreed_until }, until);
        (void) snprintf(text, sizeof text, "已签订 %d 份（%s 至 %s），存档 %d 份",
                        (int) n->agreements, from, until, (int) n->agreement_scans);
    }
    figure(f, "A.0.agreement", "服务协议", text, "report_agreements");
}

/* A.0, A.1: the plan. */
static void
figures_plan(struct figures *f, const Contributions__Programme *p, const struct report_figures *n)
{
    char day[DATE_TEXT_BYTES];

    figure(f, "A.0.plan_published", "报销方案是否公示",
           n->tables_published > 0 ? "已公示" : "未公示", "report_disclosed");
    agreement_figure(f, n);
    figure(f, "A.0.confidentiality", "保密协议", "见档案附录 B 第 7 项", "programme_get");
    date_format((date_t){ p->starts_on->days }, day);
    figure(f, "A.1.starts_on", "互助年度开始", day, "programme_get");
    date_format((date_t){ p->ends_on->days }, day);
    figure(f, "A.1.ends_on", "互助年度结束", day, "programme_get");
    figure_count(f, "A.1.people", "参加人数（人）", n->people, "report_people");
    figure_rate(f, "A.1.rate", "参加率", n->people, n->people_whole, "report_people");
    threshold_of(f, p, CONTRIBUTIONS__INSURANCE__KIND__RESIDENT, "A.1.threshold_resident",
                 "起付线：居民医保（元）");
    threshold_of(f, p, CONTRIBUTIONS__INSURANCE__KIND__EMPLOYEE, "A.1.threshold_employee",
                 "起付线：职工医保（元）");
    figure_limit(f, "A.1.claim_least", "单次补助最低（元）", p->claim_least);
    figure_limit(f, "A.1.claim_most", "单次补助最高（元）", p->claim_most);
    figure_limit(f, "A.1.person_most", "年度累计封顶（元）", p->person_most);
}

static const char *
source_chinese(int64_t source)
{
    static const char *const names[] = {
        "其他",       "村民个人",       "村集体",       "镇级财政", "县级财政",     "市级启动资金",
        "帮促工作队", "福利彩票公益金", "财政衔接资金", "慈善资金", "社会捐赠",     "孳息",
        "上年结转",   "政府引导资金",   "乡贤",         "爱心企业", "五方挂钩帮促",
    };

    return names[source > 0 && source < (int64_t) COUNT(names) ? source : 0];
}

/* A.2a: money in. */
static void
figures_money(struct figures *f, const Contributions__Programme *p, const struct report_figures *n)
{
    char blank[48], label[96];

    figure(f, "A.2a.account", "专户名称", p->custodian_account, "programme_get");
    figure_limit(f, "A.2a.standard", "每人筹资标准（元）", p->standard);
    for (size_t i = 0; i < p->n_shares; i++) {
        (void) snprintf(blank, sizeof blank, "A.2a.standard.%d", (int) p->shares[i]->source);
        (void) snprintf(label, sizeof label, "其中：%s（元/人）",
                        source_chinese(p->shares[i]->source));
        figure_limit(f, blank, label, p->shares[i]->per_head);
    }
    figure_yuan(f, "A.2a.raised", "本年度筹集（元，不含上年结转）", n->raised, "report_raised");
    figure_yuan(f, "A.2a.raised_all", "历年累计筹集（元）", n->raised_all, "report_raised");
    for (size_t i = 0; i < n->source_count; i++) {
        (void) snprintf(blank, sizeof blank, "A.2a.raised.%" PRId64, n->sources[i].numbers[0]);
        (void) snprintf(label, sizeof label, "其中：%s（元）",
                        source_chinese(n->sources[i].numbers[0]));
        figure_yuan(f, blank, label, n->sources[i].numbers[2], "report_raised_by_source");
    }
}

/* A.2b, A.2c, A.3: money out, use, what was published. */
static void
figures_help(struct figures *f, const struct report_figures *n)
{
    figure_count(f, "A.2b.claims_paid", "补助人次", n->claims_paid, "report_paid");
    figure_count(f, "A.2b.people_paid", "补助人数", n->people_paid, "report_paid");
    figure_rate(f, "A.2b.reach_people", "年度平均受益面（人数 ÷ 参加人数）", n->people_paid,
                n->people, "report_paid");
    figure_rate(f, "A.2b.reach_claims", "年度平均受益面（人次 ÷ 参加人数）", n->claims_paid,
                n->people, "report_paid");
    figure_yuan(f, "A.2b.paid_total", "补助总额（元）", n->paid, "report_paid");
    figure_yuan(f, "A.2b.own_above", "起付线以上个人支付合计（元）", n->own_above,
                "report_own_above");
    figure_rate(f, "A.2b.relief",
                "起付线以上个人支付部分平均减负（补助总额 ÷ 起付线以上个人支付合计）", n->paid,
                n->own_above, "report_own_above");
    figure_yuan(f, "A.2b.most_single", "单次最高补助（元）", n->most_single, "report_paid");
    figure_yuan(f, "A.2b.most_person", "个人累计最高补助（元）", n->most_person,
                "report_most_of_a_person");
    figure_rate(f, "A.2c.use_rate", "本年度资金使用率（补助总额 ÷ 本年度筹集，不含结转）", n->paid,
                n->raised, "report_paid");
    figure_rate(f, "A.2c.use_rate_all", "历年资金使用率（历年补助 ÷ 历年筹集）", n->paid_all,
                n->raised_all, "report_paid");
    figure_count(f, "A.3.disclosed_claims", "公示的补助记录（人次）", n->disclosed_claims,
                 "report_disclosed");
    figure_count(f, "A.3.disclosed_lines", "公示页面行数", n->disclosed_lines, "report_disclosed");
    figure_count(f, "A.3.table_rows", "公示的病种定额标准（个）", n->table_rows,
                 "report_disclosed");
}

static err_t
figures_make(struct call *c, const Contributions__Programme *p, struct id programme,
             Disclosure__Report *report)
{
    struct figures f = { .c = c, .report = report };
    struct report_figures numbers;

    TRY(report_figures_read(c, programme, &numbers));
    report->figures = arena_alloc(c->arena, FIGURES_MAX * sizeof(void *));
    if (!report->figures)
        return no_memory(c);
    figures_plan(&f, p, &numbers);
    figures_money(&f, p, &numbers);
    figures_help(&f, &numbers);
    return f.failed ? no_memory(c) : ERR_OK;
}

/* --- the page --- */

static err_t
page_make(struct call *c, const char *title, const Disclosure__Report *report,
          ProtobufCBinaryData *out)
{
    struct profile profile;

    TRY(profile_get(c, &profile));
    struct html html = html_begin(c, title, profile.code, profile.name);
    html_raw(&html,
             "<table>\n<caption>附录 A 年度报告</caption>\n<thead><tr><th scope=\"col\">编号</th>"
             "<th scope=\"col\">内容</th><th scope=\"col\">数值</th>"
             "<th scope=\"col\">取数查询</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < report->n_figures; i++) {
        const Disclosure__Report__Figure *f = report->figures[i];
        const char *const cells[] = { f->blank, f->label, f->value, f->query };
        html_raw(&html, "<tr>");
        for (size_t k = 0; k < COUNT(cells); k++) {
            html_raw(&html, k == 2 ? "<td class=\"number\">" : "<td>");
            html_text(&html, cells[k]);
            html_raw(&html, "</td>");
        }
        html_raw(&html, "</tr>\n");
    }
    html_raw(&html,
             "</tbody>\n</table>\n<p "
             "class=\"hint\">比率截取两位小数，不进位；资金使用率的筹集额不含上年结转。</p>\n");
    return html_end(&html, out);
}

/* --- rpcs --- */

/* What was known at the end is what counts, not when somebody pressed the button: two runs over the
 * same rows give the same bytes, so no time of making stands in them. */
static err_t
report_build(struct call *c, const Contributions__Programme *p, struct report *r,
             ProtobufCBinaryData *page, ProtobufCBinaryData *book)
{
    Disclosure__Report figures = DISCLOSURE__REPORT__INIT;
    ProtobufCBinaryData packed;

    const char *title = arena_printf(c->arena, "%s %u 年度报告", p->name, p->year);
    if (!title)
        return no_memory(c);
    TRY(figures_make(c, p, r->programme, &figures));
    TRY(page_make(c, title, &figures, page));
    TRY(book_make(c, title, &figures, date_start((date_t){ p->ends_on->days }), book));
    TRY(message_pack(c, &figures.base, &packed));
    r->figures = packed.data;
    r->figures_size = packed.len;
    sha256(page->data, page->len, r->sha256);
    return ERR_OK;
}

err_t
disclosure_prepare_report(struct call *c, const Disclosure__PrepareReportRequest *in,
                          Disclosure__PrepareReportReply *out)
{
    struct report report = { .prepared_by = c->account, .prepared_at = c->now };
    const Contributions__Programme *programme;
    ProtobufCBinaryData page, book;

    TRY(id_from_wire(in->report_id, "$.reportId", &report.id, &c->err));
    TRY(id_from_wire(in->programme_id, "$.programmeId", &report.programme, &c->err));
    TRY(programme_lock(c, report.programme));
    TRY(report_is_open(c, report.programme));
    TRY(programme_get(c, report.programme, &programme));
    if (date_of(c->now).days <= programme->ends_on->days)
        return err_set(&c->err, ERR_REFUSED, REPORT_EARLY, "the year is not over");
    report.year = (int) programme->year;
    report.due_on = report_due_on((date_t){ programme->ends_on->days });
    TRY(report_build(c, programme, &report, &page, &book));
    TRY(report_put(c, &report, &page, &book, &report.id));
    return report_to_wire(c, &report, true, &out->report);
}

err_t
disclosure_get_report(struct call *c, const Disclosure__GetReportRequest *in,
                      Disclosure__GetReportReply *out)
{
    struct report report;
    struct id id;

    TRY(id_from_wire(in->report_id, "$.reportId", &id, &c->err));
    TRY(report_get(c, id, &report));
    return report_to_wire(c, &report, true, &out->report);
}

err_t
disclosure_list_reports(struct call *c, const Disclosure__ListReportsRequest *in,
                        Disclosure__ListReportsReply *out)
{
    struct report *list;
    struct id programme;
    size_t count;

    TRY(optional_id_in(in->programme_id, "$.programmeId", &programme, &c->err));
    TRY(report_list(c, programme, &list, &count));
    out->reports = arena_alloc(c->arena, (count + 1) * sizeof(void *));
    if (!out->reports)
        return no_memory(c);
    for (; out->n_reports < count; out->n_reports++)
        TRY(report_to_wire(c, &list[out->n_reports], false, &out->reports[out->n_reports]));
    return ERR_OK;
}

err_t
disclosure_get_report_file(struct call *c, const Disclosure__GetReportFileRequest *in,
                           Disclosure__GetReportFileReply *out)
{
    const bool book = strcmp(in->format, "xlsx") == 0;
    struct id id;
    int year;

    if (!book && in->format[0] && strcmp(in->format, "html") != 0)
        return err_at(&c->err, ERR_INVALID, "$.format", REPORT_FORMAT, "html or xlsx");
    TRY(id_from_wire(in->report_id, "$.reportId", &id, &c->err));
    TRY(report_file(c, id, book, &out->body, &year));
    out->content_type =
        (char *) (book ? "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
                       : "text/html; charset=utf-8");
    out->file_name = book ? arena_printf(c->arena, "年度报告-%d.xlsx", year) : (char *) "";
    return out->file_name ? ERR_OK : no_memory(c);
}

err_t
disclosure_sign_report(struct call *c, const Disclosure__SignReportRequest *in,
                       Disclosure__SignReportReply *out)
{
    struct report report;
    struct id id;

    TRY(id_from_wire(in->report_id, "$.reportId", &id, &c->err));
    TRY(report_lock(c, id, &report));
    if (report.is_signed)
        return err_set(&c->err, ERR_REFUSED, REPORT_SIGNED, "the report is signed");
    TRY(rule_by_another(report.prepared_by, c->account, REPORT_OWN, &c->err));
    report.is_signed = true;
    report.signed_by = c->account;
    report.signed_at = c->now;
    TRY(report_sign(c, &report));
    TRY(emit_report_signed(c, &report));
    return report_to_wire(c, &report, true, &out->report);
}

err_t
disclosure_export_report_data(struct call *c, const Disclosure__ExportReportDataRequest *in,
                              Disclosure__ExportReportDataReply *out)
{
    const struct export_table *table = export_table_find(in->table);
    const Contributions__Programme *programme;
    struct id id;

    TRY(id_from_wire(in->programme_id, "$.programmeId", &id, &c->err));
    if (!table)
        return err_at(&c->err, ERR_NOT_FOUND, "$.table", REPORT_TABLE, "no such table");
    TRY(programme_get(c, id, &programme));
    TRY(export_rows(c, table, id, &out->body));
    call_saw(c, LABEL_MONEY, (struct id){ { 0 } });
    out->content_type = (char *) "text/csv; charset=utf-8";
    out->file_name = arena_printf(c->arena, "%s-%u.csv", in->table, programme->year);
    return out->file_name ? ERR_OK : no_memory(c);
}
