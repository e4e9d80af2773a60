/* pages.c - see pages.h. */
#include "pages.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "rules.h"

/* --- bytes --- */

static void
html_bytes(struct html *html, const char *bytes, size_t size)
{
    if (html->failed)
        return;
    if (html->used + size > html->room) {
        const size_t room = (html->room + size) * 2;
        char *bigger = arena_alloc(html->c->arena, room);
        if (!bigger) {
            html->failed = true;
            return;
        }
        if (html->used)
            memcpy(bigger, html->bytes, html->used);
        html->bytes = bigger;
        html->room = room;
    }
    memcpy(html->bytes + html->used, bytes, size);
    html->used += size;
}

void
html_raw(struct html *html, const char *literal)
{
    html_bytes(html, literal, strlen(literal));
}

void
html_text(struct html *html, const char *text)
{
    for (size_t plain; *text; text += plain) {
        plain = strcspn(text, "&<>\"'");
        html_bytes(html, text, plain);
        if (!text[plain])
            return;
        html_raw(html, text[plain] == '&'   ? "&amp;"
                       : text[plain] == '<' ? "&lt;"
                       : text[plain] == '>' ? "&gt;"
                       : text[plain] == '"' ? "&quot;"
                                            : "&#39;");
        plain++;
    }
}

void
html_format(struct html *html, const char *fmt, ...)
{
    char text[1024];
    va_list args;

    va_start(args, fmt);
    const int size = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (size < 0 || (size_t) size >= sizeof text)
        html->failed = true;
    else
        html_text(html, text);
}

struct html
html_begin(struct call *c, const char *title, const char *code, const char *place)
{
    struct html html = { .c = c };

    html_raw(&html, "<!DOCTYPE html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n"
                    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                    "<meta name=\"robots\" content=\"noindex\">\n<title>");
    html_text(&html, title);
    html_raw(
        &html,
        "</title>\n<link rel=\"stylesheet\" href=\"/app.css\">\n</head>\n<body>\n"
        "<a class=\"skip\" href=\"#main\">跳到正文</a>\n<header><a class=\"brand\" href=\"/p/");
    html_text(&html, code);
    html_raw(&html, "/\">");
    html_text(&html, place);
    html_raw(&html, " 医疗互助公示</a></header>\n<main id=\"main\">\n<h1>");
    html_text(&html, title);
    html_raw(&html, "</h1>\n");
    return html;
}

void
html_notes(struct html *html, const char *const *notes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        html_raw(html, "<p class=\"hint\">");
        html_text(html, notes[i]);
        html_raw(html, "</p>\n");
    }
}

err_t
html_end(struct html *html, ProtobufCBinaryData *out)
{
    html_raw(
        html,
        "</main>\n<footer><p>对公示内容有疑问，可在本站“投诉与建议”页面反映。"
        " <span class=\"en\" lang=\"en\">Questions about this page: see the complaints page.</span>"
        "</p></footer>\n</body>\n</html>\n");
    if (html->failed)
        return err_set(&html->c->err, ERR_LIMITED, "rpc.too_large", "the page is too long");
    *out = (ProtobufCBinaryData){ html->used, (uint8_t *) html->bytes };
    return ERR_OK;
}

const char *
cell_of(struct call *c, const char *line, size_t cell)
{
    for (; cell > 0; cell--) {
        line = strchr(line, '\t');
        if (!line)
            return "";
        line++;
    }
    const char *text = arena_printf(c->arena, "%.*s", (int) strcspn(line, "\t"), line);
    return text ? text : "";
}

/* --- frozen pages --- */

static void
head_row(struct html *html, const struct sheet *sheet)
{
    html_raw(html, "<thead><tr><th scope=\"col\">序号</th>");
    for (size_t i = 0; i < sheet->column_count; i++) {
        html_raw(html, "<th scope=\"col\">");
        html_text(html, sheet->columns[i]);
        html_raw(html, "</th>");
    }
    html_raw(html, "</tr></thead>\n");
}

static void
body_row(struct html *html, const struct sheet *sheet, const char *line, const char *proof)
{
    const char *at = line;

    html_raw(html, "<tr>");
    for (size_t i = 0; i <= sheet->column_count; i++) {
        const size_t size = strcspn(at, "\t");
        const char *cell = arena_printf(html->c->arena, "%.*s", (int) size, at);
        html_raw(html, i > 0 && sheet->is_number[i - 1] ? "<td class=\"number\">" : "<td>");
        if (i == 0) {
            html_raw(html, "<a href=\"");
            html_text(html, proof);
            html_text(html, cell ? cell : "");
            html_raw(html, "/proof\">");
        }
        html_text(html, cell ? cell : "");
        html_raw(html, i == 0 ? "</a></td>" : "</td>");
        at += size + (at[size] == '\t');
        html->failed = html->failed || !cell;
    }
    html_raw(html, "</tr>\n");
}

static void
hex_put(struct html *html, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        html_format(html, "%02x", bytes[i]);
}

err_t
page_of_sheet(struct call *c, const struct publication *p, const struct sheet *sheet,
              const char *const *lines, ProtobufCBinaryData *out)
{
    struct profile profile;
    char id[ID_TEXT_BYTES];

    TRY(profile_get(c, &profile));
    id_format(p->id, id);
    const char *proof = arena_printf(c->arena, "/p/%s/publications/%s/lines/", profile.code, id);
    struct html html = html_begin(c, sheet->title, profile.code, profile.name);
    if (!proof)
        html.failed = true;
    html_raw(&html, "<p>公示类型：");
    html_text(&html, kind_chinese(p->kind));
    html_format(&html, "；期间：%s；第 %d 版；共 %zu 行。", p->period[0] ? p->period : "全部",
                p->version, sheet->line_count);
    html_raw(&html, "</p>\n");
    html_notes(&html, sheet->notes, sheet->note_count);
    if (sheet->extra_html)
        html_raw(&html, sheet->extra_html);
    html_raw(&html, "<table>\n<caption>");
    html_text(&html, sheet->title);
    html_raw(&html, "</caption>\n");
    head_row(&html, sheet);
    html_raw(&html, "<tbody>\n");
    for (size_t i = 0; i < sheet->line_count; i++)
        body_row(&html, sheet, lines[i], proof ? proof : "");
    html_raw(&html, "</tbody>\n</table>\n");
    if (sheet->total_text) {
        html_raw(&html, "<p><strong>");
        html_text(&html, sheet->total_text);
        html_raw(&html, "</strong></p>\n");
    }
    html_raw(
        &html,
        "<p class=\"hint\">每行前的序号链接到该行的证明；本页各行的哈希根（RFC 9162）：<code>");
    hex_put(&html, p->root, sizeof p->root);
    html_raw(&html, "</code></p>\n");
    return html_end(&html, out);
}

/* --- pages of the moment --- */

static void
index_row(struct html *html, const struct profile *profile, const struct publication *p)
{
    char id[ID_TEXT_BYTES], day[DATE_TEXT_BYTES];

    id_format(p->id, id);
    date_format(date_of(p->published_at), day);
    html_raw(html, "<tr><td>");
    html_text(html, kind_chinese(p->kind));
    html_raw(html, "</td><td><a href=\"/p/");
    html_text(html, profile->code);
    html_format(html, "/publications/%s", id);
    html_raw(html, "\">");
    html_text(html, p->title);
    html_raw(html, "</a></td><td>");
    html_format(html, "第 %d 版", p->version);
    html_raw(html, "</td><td>");
    html_text(html, day);
    html_raw(html, "</td></tr>\n");
}

err_t
page_of_index(struct call *c, const struct profile *profile, const struct publication *list,
              size_t count, ProtobufCBinaryData *out)
{
    struct html html = html_begin(c, "公示目录", profile->code, profile->name);

    html_raw(&html, "<p><a href=\"/p/");
    html_text(&html, profile->code);
    html_raw(&html, "/subsidyTable\">查询病种补助标准</a> · <a href=\"/p/");
    html_text(&html, profile->code);
    html_raw(&html,
             "/complaints\">投诉与建议</a></p>\n<table>\n<caption>正在公示的内容 "
             "<span class=\"en\" lang=\"en\">What is published now</span></caption>\n"
             "<thead><tr><th scope=\"col\">类型</th><th scope=\"col\">标题</th>"
             "<th scope=\"col\">版本</th><th scope=\"col\">公示日期</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < count; i++)
        index_row(&html, profile, &list[i]);
    html_raw(&html, "</tbody>\n</table>\n");
    if (count == 0)
        html_raw(&html, "<p>目前没有公示内容。</p>\n");
    return html_end(&html, out);
}

err_t
page_of_table(struct call *c, const struct profile *profile, const struct table_view *view,
              ProtobufCBinaryData *out)
{
    struct html html = html_begin(c, "病种补助标准查询", profile->code, profile->name);
    char amount[MONEY_TEXT_BYTES];

    html_raw(&html, "<form action=\"/p/");
    html_text(&html, profile->code);
    html_raw(
        &html,
        "/subsidyTable\" method=\"get\"><label for=\"drg\">病组编码或名称（可只填一部分）</label>"
        "<input id=\"drg\" name=\"drg\" maxlength=\"40\" value=\"");
    html_text(&html, view->search);
    html_raw(&html, "\"><button>查询</button></form>\n<p>");
    html_text(&html, view->programme_name);
    html_format(&html, "：找到 %zu 条。", view->count);
    html_raw(
        &html,
        "</p>\n<table>\n<caption>定额补助标准</caption>\n<thead><tr><th scope=\"col\">病组编码</th>"
        "<th scope=\"col\">病组名称</th><th scope=\"col\">适用对象</th>"
        "<th scope=\"col\">定额补助（元）</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < view->count; i++) {
        money_format(view->rows[i].amount, amount);
        html_raw(&html, "<tr><td>");
        html_text(&html, view->rows[i].drg);
        html_raw(&html, "</td><td>");
        html_text(&html, view->rows[i].name);
        html_raw(&html, "</td><td>");
        html_text(&html, view->rows[i].who);
        html_raw(&html, "</td><td class=\"number\">");
        html_text(&html, amount);
        html_raw(&html, "</td></tr>\n");
    }
    html_raw(
        &html,
        "</tbody>\n</table>\n<p class=\"hint\">实报金额不超过个人自付等方案规定的限额。</p>\n");
    return html_end(&html, out);
}

err_t
page_of_complaints(struct call *c, const struct profile *profile, ProtobufCBinaryData *out)
{
    const struct disclosure_conf *conf = c->conf;
    struct html html = html_begin(c, "投诉与建议", profile->code, profile->name);

    html_raw(&html, "<p>"
                    "可以在线、电话、上门、来信等方式投诉，也可以匿名。每件投诉在收到时即确定责任人"
                    "和办理期限。</p>\n<dl>");
    html_raw(&html,
             "<dt>责任人</dt><dd>互助项目责任人；被投诉人以及该申请的编码、复核人员不参与办理</"
             "dd><dt>受理期限</dt><dd>");
    html_format(&html, "%lld 个工作日", (long long) conf->complaint_accept_days);
    html_raw(&html, "</dd><dt>答复期限</dt><dd>");
    html_format(&html,
                "一般 %lld 个工作日，紧急 %lld 个工作日；确需延长的只延长一次，不超过 %d 个工作日",
                (long long) conf->complaint_reply_days, (long long) conf->complaint_urgent_days,
                COMPLAINT_EXTENSION_MAX);
    html_raw(&html, "</dd></dl>\n<h2>查询办理情况</h2>\n<form action=\"/p/");
    html_text(&html, profile->code);
    html_raw(
        &html,
        "/complaints/state\" method=\"get\"><label for=\"number\">投诉编号</label>"
        "<input id=\"number\" name=\"number\" maxlength=\"60\"><label for=\"code\">查询码</label>"
        "<input id=\"code\" name=\"code\" maxlength=\"10\" autocomplete=\"off\">"
        "<button>查询</button></form>\n<p class=\"hint\">查询码连续输错 5 "
        "次后锁定，请与责任人联系。</p>\n");
    return html_end(&html, out);
}

err_t
page_of_complaint(struct call *c, const struct profile *profile, const struct complaint *k,
                  ProtobufCBinaryData *out)
{
    static const char *const states[] = { "", "待受理", "办理中", "已答复", "已移交其他机构" };
    static const char *const outcomes[] = { "", "属实", "部分属实", "不属实" };
    struct html html = html_begin(c, "投诉办理情况", profile->code, profile->name);
    char day[DATE_TEXT_BYTES];

    if (!k) {
        html_raw(&html, "<p>编号或查询码不正确，或查询已锁定。</p>\n");
        return html_end(&html, out);
    }
    date_format(k->reply_by, day);
    html_raw(&html, "<dl><dt>编号</dt><dd>");
    html_text(&html, k->number);
    html_raw(&html, "</dd><dt>状态</dt><dd>");
    html_text(&html, states[k->state]);
    html_raw(&html, "</dd><dt>答复期限</dt><dd>");
    html_text(&html, day);
    html_raw(&html, "</dd>");
    if (k->state == COMPLAINT_ANSWERED) {
        html_raw(&html, "<dt>结论</dt><dd>");
        html_text(&html, outcomes[k->outcome]);
        html_raw(&html, "</dd><dt>答复</dt><dd>");
        html_text(&html, k->answer);
        html_raw(&html, "</dd>");
    }
    html_raw(&html, "</dl>\n");
    return html_end(&html, out);
}
