/* respond.c - every head that leaves is written here, so that no answer lacks the security headers.
 */
#include "respond.h"

#include <stdio.h>

#include "conn.h"
#include "log/log.h"
#include "loop.h"

/* A refused body up to this size is read and dropped, so that the connection can be used again. */
enum { DISCARD_BYTES_MAX = 65536 };

static const struct {
    int status;
    const char *line;
} lines[] = {
    { 200, "HTTP/1.1 200 OK\r\n" },
    { 201, "HTTP/1.1 201 Created\r\n" },
    { 202, "HTTP/1.1 202 Accepted\r\n" },
    { 204, "HTTP/1.1 204 No Content\r\n" },
    { 304, "HTTP/1.1 304 Not Modified\r\n" },
    { 400, "HTTP/1.1 400 Bad Request\r\n" },
    { 401, "HTTP/1.1 401 Unauthorized\r\n" },
    { 403, "HTTP/1.1 403 Forbidden\r\n" },
    { 404, "HTTP/1.1 404 Not Found\r\n" },
    { 405, "HTTP/1.1 405 Method Not Allowed\r\n" },
    { 408, "HTTP/1.1 408 Request Timeout\r\n" },
    { 409, "HTTP/1.1 409 Conflict\r\n" },
    { 411, "HTTP/1.1 411 Length Required\r\n" },
    { 412, "HTTP/1.1 412 Precondition Failed\r\n" },
    { 413, "HTTP/1.1 413 Content Too Large\r\n" },
    { 414, "HTTP/1.1 414 URI Too Long\r\n" },
    { 415, "HTTP/1.1 415 Unsupported Media Type\r\n" },
    { 417, "HTTP/1.1 417 Expectation Failed\r\n" },
    { 421, "HTTP/1.1 421 Misdirected Request\r\n" },
    { 422, "HTTP/1.1 422 Unprocessable Content\r\n" },
    { 429, "HTTP/1.1 429 Too Many Requests\r\n" },
    { 431, "HTTP/1.1 431 Request Header Fields Too Large\r\n" },
    { 500, "HTTP/1.1 500 Internal Server Error\r\n" },
    { 501, "HTTP/1.1 501 Not Implemented\r\n" },
    { 503, "HTTP/1.1 503 Service Unavailable\r\n" },
    { 504, "HTTP/1.1 504 Gateway Timeout\r\n" },
    { 505, "HTTP/1.1 505 HTTP Version Not Supported\r\n" },
};

static const struct own_problem {
    const char *reason;
    int status;
    const char *zh, *en;
} own_problems[] = {
#define PROBLEM(reason, status, zh, en) { (reason), (status), (zh), (en) },
#include "problems.def"
#undef PROBLEM
};

/* What a refusal is called when neither we nor the service have words for its reason. */
static const struct {
    err_t code;
    const char *zh, *en;
} code_titles[] = {
    { ERR_INVALID, "请求的内容不正确", "the request is not valid" },
    { ERR_UNAUTHENTICATED, "请先登录", "sign in first" },
    { ERR_FORBIDDEN, "没有权限进行此操作", "you may not do this" },
    { ERR_NOT_FOUND, "没有找到", "there is no such thing, or none you may see" },
    { ERR_CONFLICT, "与现有内容冲突", "it conflicts with what is there" },
    { ERR_STALE, "内容已被他人修改，请刷新后重试",
      "it has changed since it was read; read it again" },
    { ERR_REFUSED, "按照规定不能办理", "a rule of the scheme does not allow it" },
    { ERR_LIMITED, "请求太频繁，请稍后再试", "too many requests; try again in a moment" },
    { ERR_INTERNAL, "系统内部错误，已记录", "an internal error, which has been recorded" },
    { ERR_RACED, "系统繁忙，请重试", "the system is busy; try again" },
    { ERR_UNAVAILABLE, "服务暂时不可用，请稍后重试", "a part of the platform is away; try again" },
    { ERR_DEADLINE, "处理超时，请重试", "the answer came too late; try again" },
};

static const char *
line_of(int status)
{
    for (size_t i = 0; i < COUNT(lines); i++)
        if (lines[i].status == status)
            return lines[i].line;
    return "HTTP/1.1 500 Internal Server Error\r\n";
}

/* A body that we refused, and that is not small or waits for our leave, ends the connection. */
static void
decide_closing(struct conn *conn)
{
    const struct http *http = &conn->http;
    const bool body_open = http->head_done && http->has_body && !conn->body_done;

    if (body_open && (http->expects_continue || http->content_length < 0 ||
                      http->content_length > DISCARD_BYTES_MAX))
        conn->closing = true;
    if (!http->keep_alive || conn->loop->stopping)
        conn->closing = true;
}

struct text *
respond_begin(struct conn *conn, int status)
{
    struct loop *loop = conn->loop;
    struct text *head = &loop->head;

    decide_closing(conn);
    head->used = 0;
    head->failed = false;
    text_puts(head, line_of(status));
    text_add(head, loop->date, loop->date_size);
    if (conn->closing)
        TEXT_LITERAL(head, "Connection: close\r\n");
    else if (conn->http.parser.http_minor == 0)
        TEXT_LITERAL(head, "Connection: keep-alive\r\n");
    return head;
}

static int
status_of(const struct text *head)
{
    return (head->bytes[9] - '0') * 100 + (head->bytes[10] - '0') * 10 + (head->bytes[11] - '0');
}

void
respond_end(struct conn *conn, struct slice body)
{
    struct text *head = &conn->loop->head;
    const int status = status_of(head);

    if (status != 204 && status != 304) {
        TEXT_LITERAL(head, "Content-Length: ");
        text_uint(head, body.size);
        TEXT_LITERAL(head, "\r\n");
    }
    TEXT_LITERAL(head, "\r\n");
    if (conn->http.verb != VERB_HEAD || !conn->http.head_done)
        text_add(head, body.bytes, body.size);
    access_log(conn, status, head->used);
    if (head->failed) {
        conn_close(conn);
        return;
    }
    conn_send(conn, head->bytes, head->used);
    conn_answered(conn);
}

static bool
is_public(const struct conn *conn)
{
    return conn->route && (conn->route->flags & ROUTE_PUBLIC);
}

void
respond_caching(const struct conn *conn, struct text *head)
{
    const bool is_read = conn->http.verb == VERB_GET || conn->http.verb == VERB_HEAD;

    if (!is_public(conn) || !is_read)
        TEXT_LITERAL(head, "Cache-Control: no-store\r\n");
    else
        TEXT_LITERAL(head, "Cache-Control: public, max-age=60\r\nVary: Accept-Language\r\n");
    if (is_public(conn))
        TEXT_LITERAL(head, "X-Robots-Tag: noindex\r\n");
}

void
respond_end_large(struct conn *conn, struct slice body, struct text *owner)
{
    struct text *head = &conn->loop->head;
    const int status = status_of(head);
    const size_t whole = conn->http.verb == VERB_HEAD ? 0 : body.size;

    text_printf(head, "Content-Length: %zu\r\n\r\n", body.size);
    /* Head and the body's beginning in one write, one TLS record. */
    const size_t room = head->used < READ_BYTES ? READ_BYTES - head->used : 0;
    const size_t first = whole < room ? whole : room;
    text_add(head, body.bytes, first);
    access_log(conn, status, head->used + whole - first);
    if (head->failed) {
        conn_close(conn);
        return;
    }
    conn_send(conn, head->bytes, head->used);
    if (owner && whole > first)
        conn_send_text(conn, owner, body.bytes + first, whole - first);
    else
        conn_send(conn, body.bytes + first, whole - first);
    conn_answered(conn);
}

void
respond_json(struct conn *conn, int status, struct slice body)
{
    struct text *head = respond_begin(conn, status);

    TEXT_LITERAL(head, "Content-Type: application/json\r\n" API_SECURITY_HEADERS);
    respond_end(conn, body);
}

/* A list item's weight in thousandths. */
static int
weight_of(struct slice item)
{
    (void) slice_cut(&item, ';');
    item = slice_trim(item);
    if (!slice_starts(item, "q=") || item.size < 3 || item.bytes[2] == '1')
        return 1000;
    return item.size >= 5 && item.bytes[4] >= '0' && item.bytes[4] <= '9'
               ? (item.bytes[4] - '0') * 100
               : 0;
}

const char *
respond_language(const struct http *http)
{
    struct slice list =
        http->head_done ? http_header(http, HEADER_ACCEPT_LANGUAGE) : (struct slice){ "", 0 };
    int zh = -1, en = -1;

    while (list.size > 0) {
        const struct slice item = slice_trim(slice_cut(&list, ','));
        const int weight = weight_of(item);
        if (slice_starts(item, "zh") && weight > zh)
            zh = weight;
        else if (slice_starts(item, "en") && weight > en)
            en = weight;
    }
    return en > 0 && en > zh ? "en" : "zh-CN";
}

/* --- pages for people --- */

/* How much an Accept wants a type: by its own name, by "type" then a star, by two stars; -1 when it
 * is not named at all.  *named: by its own name. */
static int
accepts(struct slice list, const char *type, bool *named)
{
    const size_t major = strcspn(type, "/") + 1;
    int best = 0, weight = -1;

    while (list.size > 0) {
        const struct slice item = slice_trim(slice_cut(&list, ','));
        struct slice name = item;
        name = slice_trim(slice_cut(&name, ';'));
        int fits = 0;
        if (slice_is_nocase(name, type))
            fits = 3;
        else if (name.size == major + 1 && memcmp(name.bytes, type, major) == 0 &&
                 name.bytes[major] == '*')
            fits = 2;
        else if (slice_is(name, "*/*"))
            fits = 1;
        if (fits > best) {
            best = fits;
            weight = weight_of(item);
        }
    }
    *named = best == 3;
    return weight;
}

/* A browser on a public page: it names text/html, and wants it more than it wants JSON. */
static bool
wants_page(const struct conn *conn)
{
    const bool is_below = conn->route
                              ? (conn->route->flags & ROUTE_FILE) && is_public(conn)
                              : conn->http.head_done && slice_starts(conn->http.path, "/p/");
    bool page_named, problem_named, json_named;

    if (!is_below || !http_has(&conn->http, HEADER_ACCEPT))
        return false;
    const struct slice accept = http_header(&conn->http, HEADER_ACCEPT);
    const int page = accepts(accept, "text/html", &page_named);
    const int problem = accepts(accept, "application/problem+json", &problem_named);
    const int json = accepts(accept, "application/json", &json_named);
    const int most = problem > json ? problem : json;
    return page_named && page > 0 &&
           (page > most || (page == most && !problem_named && !json_named));
}

static void
html_puts(struct text *out, const char *from)
{
    for (; *from; from++) {
        if (*from == '&')
            TEXT_LITERAL(out, "&amp;");
        else if (*from == '<')
            TEXT_LITERAL(out, "&lt;");
        else if (*from == '>')
            TEXT_LITERAL(out, "&gt;");
        else if (*from == '"')
            TEXT_LITERAL(out, "&quot;");
        else
            text_add(out, from, 1);
    }
}

static void
page_write(const struct problem *problem, struct text *out)
{
    TEXT_LITERAL(out, "<!doctype html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                      "<title>");
    html_puts(out, problem->zh);
    TEXT_LITERAL(out, "</title>\n<link rel=\"stylesheet\" href=\"/app.css\">\n</head>\n<body>\n"
                      "<main class=\"narrow\">\n<h1>");
    html_puts(out, problem->zh);
    TEXT_LITERAL(out, "</h1>\n<p class=\"en\" lang=\"en\">");
    html_puts(out, problem->en);
    text_printf(out, "</p>\n<p class=\"hint\">%d · ", problem->status);
    html_puts(out, problem->reason);
    TEXT_LITERAL(out, " · ");
    html_puts(out, problem->trace);
    TEXT_LITERAL(out, "</p>\n</main>\n</body>\n</html>\n");
}

void
problem_write(const struct problem *problem, struct text *out)
{
    TEXT_LITERAL(out, "{\"type\":\"urn:huzhu:problem:");
    text_add(out, problem->reason, strcspn(problem->reason, "\"\\"));
    TEXT_LITERAL(out, "\",\"title\":");
    text_json_puts(out, problem->title);
    TEXT_LITERAL(out, ",\"status\":");
    text_int(out, problem->status);
    if (problem->detail[0]) {
        TEXT_LITERAL(out, ",\"detail\":");
        text_json_puts(out, problem->detail);
    }
    TEXT_LITERAL(out, ",\"code\":");
    text_json_puts(out, problem->code);
    TEXT_LITERAL(out, ",\"reason\":");
    text_json_puts(out, problem->reason);
    if (problem->path[0]) {
        TEXT_LITERAL(out, ",\"path\":");
        text_json_puts(out, problem->path);
    }
    TEXT_LITERAL(out, ",\"trace\":");
    text_json_puts(out, problem->trace);
    TEXT_LITERAL(out, "}");
}

static const struct own_problem *
own_problem(const char *reason)
{
    for (size_t i = 0; i < COUNT(own_problems); i++)
        if (strcmp(own_problems[i].reason, reason) == 0)
            return &own_problems[i];
    return NULL;
}

static const char *
code_of_status(int status)
{
    switch (status) {
    case 401:
        return "UNAUTHENTICATED";
    case 403:
        return "FORBIDDEN";
    case 404:
        return "NOT_FOUND";
    case 429:
        return "LIMITED";
    case 500:
        return "INTERNAL";
    case 503:
        return "UNAVAILABLE";
    default:
        return "INVALID";
    }
}

static void
send_problem(struct conn *conn, const struct problem *problem, const char *extra)
{
    struct text *body = &conn->loop->body;

    body->used = 0;
    body->failed = false;
    const bool is_page = wants_page(conn);
    (is_page ? page_write : problem_write)(problem, body);
    struct text *head = respond_begin(conn, problem->status);
    text_puts(head, extra);
    if (is_page)
        TEXT_LITERAL(head, "Content-Type: text/html; charset=utf-8\r\n"
                           "Content-Language: zh-CN, en\r\n"
                           "Cache-Control: no-store\r\n" PAGE_POLICY_HEADERS);
    else
        TEXT_LITERAL(head, "Content-Type: application/problem+json\r\n" API_SECURITY_HEADERS);
    if (!is_page)
        text_printf(head, "Content-Language: %s\r\n", respond_language(&conn->http));
    if (is_public(conn) || is_page)
        TEXT_LITERAL(head, "X-Robots-Tag: noindex\r\n");
    if (problem->status == 401)
        TEXT_LITERAL(head, "WWW-Authenticate: Bearer realm=\"huzhu\"\r\n");
    respond_end(conn, (struct slice){ body->bytes, body->used });
}

static void
send_own(struct conn *conn, int status, const char *reason, const char *extra)
{
    const struct own_problem *own = own_problem(reason);
    const bool english = respond_language(&conn->http)[0] == 'e';

    assert(own); /* problems.def names every reason of ours */
    const struct problem problem = {
        .status = status ? status : own->status,
        .code = code_of_status(status ? status : own->status),
        .reason = reason,
        .path = "",
        .title = english ? own->en : own->zh,
        .detail = "",
        .trace = conn->trace,
        .zh = own->zh,
        .en = own->en,
    };
    send_problem(conn, &problem, extra);
}

void
respond_problem(struct conn *conn, const char *reason)
{
    send_own(conn, 0, reason, "");
}

void
respond_problem_and_close(struct conn *conn, int status, const char *reason)
{
    conn->closing = true;
    send_own(conn, status, reason, "");
}

void
respond_method(struct conn *conn, uint32_t allow)
{
    char verbs[ALLOW_BYTES], line[ALLOW_BYTES + 16];

    route_allow_text(allow, verbs);
    (void) snprintf(line, sizeof line, "Allow: %s\r\n", verbs);
    if (conn->http.verb == VERB_OPTIONS) {
        struct text *head = respond_begin(conn, 204);
        text_puts(head, line);
        TEXT_LITERAL(head, API_SECURITY_HEADERS);
        respond_end(conn, (struct slice){ NULL, 0 });
    } else {
        send_own(conn, 405, "http.method", line);
    }
}

void
respond_limited(struct conn *conn, int64_t wait_s)
{
    char line[48];

    COUNT_UP(conn->loop->counters.limited, 1);
    (void) snprintf(line, sizeof line, "Retry-After: %lld\r\n", (long long) wait_s);
    send_own(conn, 429, "http.rate_limited", line);
}

void
respond_internal(struct conn *conn, const char *what)
{
    struct err err = { 0 };

    LOG(ERROR, NULL, "reply.failed", L_TEXT("trace", conn->trace), L_TEXT("text", what));
    (void) err_set(&err, ERR_INTERNAL, "reply.failed", "%s", what);
    respond_error(conn, &err);
}

void
respond_error(struct conn *conn, const struct err *err)
{
    respond_refusal(conn, err, "");
}

void
respond_refusal(struct conn *conn, const struct err *err, const char *title)
{
    const bool english = respond_language(&conn->http)[0] == 'e';
    const bool hidden = err->code == ERR_INTERNAL;
    const struct own_problem *own = hidden ? NULL : own_problem(err->reason);
    struct problem problem = {
        .status = own ? own->status : err_http_status(err->code),
        .code = err_name(err->code),
        .reason = hidden ? "internal" : err->reason,
        .path = hidden ? "" : err->path,
        .detail = hidden || (own && !english) ? "" : err->text, /* ours are English */
        .trace = conn->trace,
        .zh = err_says(err->code),
        .en = err_says(err->code),
    };

    for (size_t i = 0; i < COUNT(code_titles); i++) {
        if (code_titles[i].code == err->code) {
            problem.zh = code_titles[i].zh;
            problem.en = code_titles[i].en;
        }
    }
    if (own) {
        problem.zh = own->zh;
        problem.en = own->en;
    } else if (title[0] && !hidden) {
        *(english ? &problem.en : &problem.zh) = title;
    }
    problem.title = english ? problem.en : problem.zh;
    send_problem(conn, &problem, err_is_retryable(err->code) ? "Retry-After: 1\r\n" : "");
}
