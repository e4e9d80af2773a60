/* bad_requests_test.c - what must not come in does not, and says so in the agreed words.
 *
 * Goal: every row of the two tables gets its status and reason; nothing crashes, nothing is
 * written; what belongs to another tenant answers as what does not exist. Method: a real platform
 * with two townships.  Before and after, everything that a request could have written is counted;
 * refusals that the platform itself records are left out. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform.h"

static struct world {
    struct platform *p;
    struct administration platform;
    struct township here, there;
    struct browser *nobody;
    char account_here[37], account_there[37], session_there[37], token_there[37];
    char ended_cookie[256], expired_cookie[256];
} w;

/* --- bytes: what libcurl would not send --- */

#define HOST "Host: localhost\r\n"
#define END "\r\n\r\n"
#define POST_HEAD "POST /api/v1/sessions HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n"

static const struct raw_row {
    const char *name, *bytes;
    size_t size; /* 0: strlen(bytes) */
    int status;
    const char *reason;
} raw_rows[] = {
    { "no HTTP at all", "GARBAGE" END, 0, 501, "http.method_unknown" },
    { "a TLS client that speaks nonsense", "\x16\x03\x01\x02\x00\x01\x00" END, 0, 400,
      "http.malformed" },
    { "no host", "GET /healthz HTTP/1.1" END, 0, 400, "http.host" },
    { "two hosts", "GET /healthz HTTP/1.1\r\n" HOST "Host: other" END, 0, 400,
      "http.repeated_header" },
    { "another version", "GET /healthz HTTP/3.7\r\n" HOST "\r\n", 0, 505, "http.version" },
    { "an unknown method", "FROB /healthz HTTP/1.1\r\n" HOST "\r\n", 0, 501,
      "http.method_unknown" },
    { "smuggled: length and chunks",
      POST_HEAD "Content-Length: 4\r\nTransfer-Encoding: chunked" END
                "0\r\n\r\nGET /x HTTP/1.1\r\n" HOST "\r\n",
      0, 400, "http.framing" },
    { "smuggled: two lengths", POST_HEAD "Content-Length: 2\r\nContent-Length: 3" END "{}x", 0, 400,
      "http.framing" },
    { "smuggled: a list of lengths", POST_HEAD "Content-Length: 2, 2" END "{}", 0, 400,
      "http.framing" },
    { "a negative length", POST_HEAD "Content-Length: -1" END, 0, 400, "http.framing" },
    { "a length with a sign", POST_HEAD "Content-Length: +2" END "{}", 0, 400, "http.framing" },
    { "a length beyond 64 bits", POST_HEAD "Content-Length: 99999999999999999999" END, 0, 400,
      "http.framing" },
    { "a length in hex", POST_HEAD "Content-Length: 0x2" END "{}", 0, 400, "http.framing" },
    { "an unknown transfer encoding", POST_HEAD "Transfer-Encoding: gzip, chunked" END, 0, 501,
      "http.transfer_encoding" },
    { "smuggled: nearly chunked", POST_HEAD "Transfer-Encoding: xchunked" END, 0, 501,
      "http.transfer_encoding" },
    { "a chunk without a size", POST_HEAD "Transfer-Encoding: chunked" END "zz\r\n{}\r\n", 0, 400,
      "http.chunk" },
    { "a chunk beyond 64 bits",
      POST_HEAD "Transfer-Encoding: chunked" END "FFFFFFFFFFFFFFFFF\r\n{}\r\n", 0, 400,
      "http.chunk" },
    { "a chunk with a wrong end",
      POST_HEAD "Transfer-Encoding: chunked" END "2\r\n{}garbage\r\n0\r\n\r\n", 0, 400,
      "http.chunk" },
    { "a blank before a header's colon", "GET /healthz HTTP/1.1\r\nHost : localhost" END, 0, 400,
      "http.malformed" },
    { "a folded header", "GET /healthz HTTP/1.1\r\n" HOST "X-A: b\r\n c" END, 0, 400,
      "http.malformed" },
    { "a header without a name", "GET /healthz HTTP/1.1\r\n" HOST ": b" END, 0, 400,
      "http.malformed" },
    { "NUL in a header", "GET /healthz HTTP/1.1\r\n" HOST "X-A: b\0c" END,
      sizeof "GET /healthz HTTP/1.1\r\n" HOST "X-A: b\0c" END - 1, 400, "http.malformed" },
    { "a bare carriage return", "GET /healthz HTTP/1.1\r\n" HOST "X-A: b\rc" END, 0, 400,
      "http.malformed" },
    { "NUL in the path", "GET /health%00z HTTP/1.1\r\n" HOST "\r\n", 0, 400, "http.target" },
    { "half an escape in the path", "GET /health%zz HTTP/1.1\r\n" HOST "\r\n", 0, 400,
      "http.target" },
    { "no path at all", "GET healthz HTTP/1.1\r\n" HOST "\r\n", 0, 400, "http.target" },
    { "an unknown expectation", POST_HEAD "Expect: 200-ok\r\nContent-Length: 2" END "{}", 0, 417,
      "http.expect" },
    { "a body where none belongs", "GET /healthz HTTP/1.1\r\n" HOST "Content-Length: 2" END "{}", 0,
      400, "http.body_unexpected" },
    { "two content types", POST_HEAD "Content-Type: text/plain\r\nContent-Length: 2" END "{}", 0,
      400, "http.repeated_header" },
};

/* Status and reason of the first answer in some bytes; 0 when there is none. */
static int
status_in(const char *bytes)
{
    int status = 0;

    return sscanf(bytes, "HTTP/1.1 %d ", &status) == 1 ? status : 0;
}

static int
raw_fault(const struct raw_row *row)
{
    static char out[65536];
    const size_t size = row->size ? row->size : strlen(row->bytes);

    (void) raw_tls(w.p, row->bytes, size, out, sizeof out, 3000);
    const char *second = out[0] ? strstr(out + 1, "\nHTTP/1.1 ") : NULL;
    const int status = status_in(out);
    if (status == row->status && strstr(out, row->reason) && !second)
        return 0;
    print_message("    %s: %d instead of %d %s%s\n%.600s\n", row->name, status, row->status,
                  row->reason, second ? ", and a second answer" : "", out);
    return 1;
}

static void
bytes_that_are_no_request_are_refused(void **state)
{
    int faults = 0;

    (void) state;
    for (size_t i = 0; i < COUNT(raw_rows); i++)
        faults += raw_fault(&raw_rows[i]);
    print_message("%zu rows\n", COUNT(raw_rows));
    assert_int_equal(faults, 0);
}

/* --- limits, made by the yard --- */

static void
limits_are_limits(void **state)
{
    static char bytes[80000], out[65536];
    static const struct {
        const char *name, *head, *unit, *tail;
        int count, status;
        const char *reason;
    } rows[] = {
        { "a head of 20 KiB", "GET /healthz HTTP/1.1\r\n" HOST "X-A: ", "aaaaaaaaaaaaaaaa", END,
          1280, 431, "http.head_too_large" },
        { "101 headers", "GET /healthz HTTP/1.1\r\n" HOST, "X-A: b\r\n", "\r\n", 101, 431,
          "http.too_many_headers" },
        { "a target of 5000 bytes", "GET /", "aaaaaaaaaa", " HTTP/1.1\r\n" HOST "\r\n", 500, 414,
          "http.target_too_long" },
    };
    int faults = 0;

    (void) state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t used = (size_t) snprintf(bytes, sizeof bytes, "%s", rows[i].head);
        for (int k = 0; k < rows[i].count; k++)
            used += (size_t) snprintf(bytes + used, sizeof bytes - used, "%s", rows[i].unit);
        (void) snprintf(bytes + used, sizeof bytes - used, "%s", rows[i].tail);
        const struct raw_row row = { rows[i].name, bytes, 0, rows[i].status, rows[i].reason };
        faults += raw_fault(&row);
    }
    (void) out;
    assert_int_equal(faults, 0);
}

/* --- requests: well-formed HTTP, and wrong --- */

enum who { NOBODY, PLATFORM_SYSTEM, HERE_SYSTEM, HERE_SECURITY, HERE_AUDIT };

static struct browser *
browser_of(enum who who)
{
    switch (who) {
    case NOBODY:
        return w.nobody;
    case PLATFORM_SYSTEM:
        return w.platform.who[SYSTEM];
    case HERE_SYSTEM:
        return w.here.administration.who[SYSTEM];
    case HERE_SECURITY:
        return w.here.administration.who[SECURITY];
    case HERE_AUDIT:
        return w.here.administration.who[AUDIT];
    }
    return NULL;
}

#define SESSIONS "POST", "/api/v1/sessions"
#define ACCOUNTS "POST", "/api/v1/accounts"
#define ID "0190a5e0-1111-7000-8000-000000000001"
#define ACCOUNT "{\"accountId\":\"" ID "\",\"loginName\":\"yi.ming\",\"displayName\":\"x\"}"
#define NONE .reason = NULL

/* In a path, {here} and {there} stand for an account of this and of another tenant, {session} and
 * {token} for things of the other one, {none} for an id that nobody has. */
static const struct row {
    const char *name;
    enum who who;
    const char *verb, *path, *body;
    int status;
    const char *reason; /* NULL: any */
    const char *fault;  /* the JSON path, or NULL */
    struct {
        const char *idempotency, *csrf, *cookie, *type;
        const char *headers[3];
    } with;
} rows[] = {
    /* bodies */
    { "null", NOBODY, SESSIONS, "null", 400, "json.wrong_type", NULL, { 0 } },
    { "no JSON", NOBODY, SESSIONS, "loginName=a", 400, "json.syntax", NULL, { 0 } },
    { "JSON that stops",
      NOBODY,
      SESSIONS,
      "{\"loginName\":\"a\"",
      400,
      "json.syntax",
      NULL,
      { 0 } },
    { "JSON and more", NOBODY, SESSIONS, "{} {}", 400, "json.syntax", NULL, { 0 } },
    { "a comma too many",
      NOBODY,
      SESSIONS,
      "{\"loginName\":\"a\",}",
      400,
      "json.syntax",
      NULL,
      { 0 } },
    { "an array", NOBODY, SESSIONS, "[]", 400, "json.wrong_type", NULL, { 0 } },
    { "a number for a name",
      NOBODY,
      SESSIONS,
      "{\"loginName\":5}",
      400,
      "json.wrong_type",
      "$.loginName",
      { 0 } },
    { "an object for a name",
      NOBODY,
      SESSIONS,
      "{\"loginName\":{}}",
      400,
      "json.wrong_type",
      "$.loginName",
      { 0 } },
    { "a field that nobody knows",
      NOBODY,
      SESSIONS,
      "{\"loginname\":\"a\"}",
      400,
      "json.unknown_field",
      "$.loginname",
      { 0 } },
    { "a field twice",
      NOBODY,
      SESSIONS,
      "{\"loginName\":\"a\",\"loginName\":\"b\"}",
      400,
      "json.duplicate",
      "$.loginName",
      { 0 } },
    { "a field in both spellings",
      NOBODY,
      SESSIONS,
      "{\"loginName\":\"a\",\"login_name\":\"b\"}",
      400,
      "json.duplicate",
      NULL,
      { 0 } },
    { "bytes that are no UTF-8",
      NOBODY,
      SESSIONS,
      "{\"loginName\":\"\xff\xfe\"}",
      400,
      "json.utf8",
      NULL,
      { 0 } },
    { "an overlong character",
      NOBODY,
      SESSIONS,
      "{\"loginName\":\"\xc0\xaf\"}",
      400,
      "json.utf8",
      NULL,
      { 0 } },
    { "half a surrogate pair",
      NOBODY,
      SESSIONS,
      "{\"loginName\":\"\\ud800\"}",
      400,
      "json.utf8",
      NULL,
      { 0 } },
    { "NUL in a text",
      NOBODY,
      SESSIONS,
      "{\"loginName\":\"a\\u0000b\"}",
      400,
      "json.utf8",
      NULL,
      { 0 } },
    { "a plain text",
      NOBODY,
      SESSIONS,
      "{}",
      415,
      "http.media_type",
      NULL,
      { .type = "text/plain" } },
    { "a form",
      NOBODY,
      SESSIONS,
      "a=b",
      415,
      "http.media_type",
      NULL,
      { .type = "application/x-www-form-urlencoded" } },
    { "a compressed body",
      NOBODY,
      SESSIONS,
      "{}",
      415,
      "http.content_encoding",
      NULL,
      { .headers = { "Content-Encoding: gzip" } } },
    { "an id that is none",
      HERE_SYSTEM,
      ACCOUNTS,
      "{\"accountId\":\"one\"}",
      400,
      "json.format",
      "$.accountId",
      { 0 } },
    { "a number beyond 32 bits",
      HERE_SYSTEM,
      "POST",
      "/api/v1/apiTokens",
      "{\"days\":4294967296}",
      400,
      "json.range",
      "$.days",
      { 0 } },
    { "a negative number of days",
      HERE_SYSTEM,
      "POST",
      "/api/v1/apiTokens",
      "{\"days\":-1}",
      400,
      "json.range",
      "$.days",
      { 0 } },
    { "half a day",
      HERE_SYSTEM,
      "POST",
      "/api/v1/apiTokens",
      "{\"days\":1.5}",
      400,
      "json.wrong_type",
      "$.days",
      { 0 } },
    { "a role that is none",
      HERE_SECURITY,
      "POST",
      "/api/v1/accounts/{here}/roles",
      "{\"role\":\"KING\"}",
      400,
      "json.unknown_enum",
      "$.role",
      { 0 } },
    /* paths and queries */
    { "an unknown path",
      HERE_SYSTEM,
      "GET",
      "/api/v1/kings",
      NULL,
      404,
      "http.not_found",
      NULL,
      { 0 } },
    { "an unknown verb of a path",
      HERE_SYSTEM,
      "DELETE",
      "/api/v1/me",
      NULL,
      405,
      "http.method",
      NULL,
      { 0 } },
    { "out of the folder", NOBODY, "GET", "/../../etc/passwd", NULL, 400, NULL, NULL, { 0 } },
    { "out of the folder, escaped",
      NOBODY,
      "GET",
      "/%2e%2e/%2e%2e/etc/passwd",
      NULL,
      400,
      NULL,
      NULL,
      { 0 } },
    { "an id in the path that is none",
      HERE_SYSTEM,
      "GET",
      "/api/v1/accounts/one",
      NULL,
      400,
      "json.format",
      NULL,
      { 0 } },
    { "a page beyond 500",
      HERE_SYSTEM,
      "GET",
      "/api/v1/accounts?pageSize=501",
      NULL,
      400,
      "page.size",
      NULL,
      { 0 } },
    { "a page of words",
      HERE_SYSTEM,
      "GET",
      "/api/v1/accounts?pageSize=many",
      NULL,
      400,
      NULL,
      NULL,
      { 0 } },
    { "a page token of one's own",
      HERE_SYSTEM,
      "GET",
      "/api/v1/accounts?pageToken=AAAA",
      NULL,
      400,
      "page.token",
      NULL,
      { 0 } },
    { "a parameter that nobody knows",
      HERE_SYSTEM,
      "GET",
      "/api/v1/accounts?tenantId=" ID,
      NULL,
      400,
      "json.unknown_field",
      NULL,
      { 0 } },
    { "a parameter twice",
      HERE_SYSTEM,
      "GET",
      "/api/v1/accounts?pageSize=1&pageSize=2",
      NULL,
      400,
      "json.duplicate",
      NULL,
      { 0 } },
    { "a tenant in the body",
      HERE_SYSTEM,
      ACCOUNTS,
      "{\"accountId\":\"" ID "\",\"loginName\":\"a.b\",\"tenantId\":\"" ID "\"}",
      400,
      "json.unknown_field",
      "$.tenantId",
      { 0 } },
    /* who is it? */
    { "nobody asks who it is",
      NOBODY,
      "GET",
      "/api/v1/me",
      NULL,
      401,
      "session.required",
      NULL,
      { 0 } },
    { "nobody makes an account", NOBODY, ACCOUNTS, ACCOUNT, 401, "session.required", NULL, { 0 } },
    { "a cookie that was made up",
      NOBODY,
      "GET",
      "/api/v1/me",
      NULL,
      401,
      "session.unknown",
      NULL,
      { .cookie = "__Host-huzhu=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" } },
    { "a token that was made up",
      NOBODY,
      "GET",
      "/api/v1/me",
      NULL,
      401,
      "session.unknown",
      NULL,
      { .headers = { "Authorization: Bearer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" } } },
    { "a forged principal in place of a token",
      NOBODY,
      "GET",
      "/api/v1/me",
      NULL,
      401,
      NULL,
      NULL,
      { .headers = { "Authorization: Bearer eyJhbGciOiJub25lIn0.eyJyb2xlcyI6NDA5NX0." } } },
    { "a principal in a header",
      NOBODY,
      "GET",
      "/api/v1/me",
      NULL,
      401,
      "session.required",
      NULL,
      { .headers = { "X-Huzhu-Principal: AAAA", "X-Tenant-Id: " ID } } },
    { "a password in a header",
      NOBODY,
      "GET",
      "/api/v1/me",
      NULL,
      401,
      NULL,
      NULL,
      { .headers = { "Authorization: Basic c3lzYWRtaW46eA==" } } },
    { "a session that was ended",
      NOBODY,
      "GET",
      "/api/v1/me",
      NULL,
      401,
      "session.unknown",
      NULL,
      { .cookie = "{ended}" } },
    { "a session that expired",
      NOBODY,
      "GET",
      "/api/v1/me",
      NULL,
      401,
      NULL,
      NULL,
      { .cookie = "{expired}" } },
    { "a wrong password",
      NOBODY,
      SESSIONS,
      "{\"loginName\":\"xitong@jingkou\",\"password\":\"wrong\"}",
      401,
      "sign_in.refused",
      NULL,
      { 0 } },
    { "an account that is none",
      NOBODY,
      SESSIONS,
      "{\"loginName\":\"niemand@jingkou\",\"password\":\"wrong\"}",
      401,
      "sign_in.refused",
      NULL,
      { 0 } },
    { "a tenant that is none",
      NOBODY,
      SESSIONS,
      "{\"loginName\":\"xitong@nowhere\",\"password\":\"wrong\"}",
      401,
      "sign_in.refused",
      NULL,
      { 0 } },
    /* from where? */
    { "no CSRF token", HERE_SYSTEM, ACCOUNTS, ACCOUNT, 403, "session.csrf", NULL, { .csrf = "" } },
    { "another's CSRF token",
      HERE_SYSTEM,
      ACCOUNTS,
      ACCOUNT,
      403,
      "session.csrf",
      NULL,
      { .csrf = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" } },
    { "a form of another site",
      HERE_SYSTEM,
      ACCOUNTS,
      ACCOUNT,
      403,
      "session.cross_site",
      NULL,
      { .headers = { "Origin: https://example.com" } } },
    { "a fetch of another site",
      HERE_SYSTEM,
      ACCOUNTS,
      ACCOUNT,
      403,
      "session.cross_site",
      NULL,
      { .headers = { "Sec-Fetch-Site: cross-site" } } },
    /* may it? */
    { "security makes an account", HERE_SECURITY, ACCOUNTS, ACCOUNT, 403, NULL, NULL, { 0 } },
    { "audit makes an account", HERE_AUDIT, ACCOUNTS, ACCOUNT, 403, NULL, NULL, { 0 } },
    { "audit lists accounts", HERE_AUDIT, "GET", "/api/v1/accounts", NULL, 403, NULL, NULL, { 0 } },
    { "system grants a role",
      HERE_SYSTEM,
      "POST",
      "/api/v1/accounts/{here}/roles",
      "{\"role\":\"APPROVER\"}",
      403,
      NULL,
      NULL,
      { 0 } },
    { "system gives a password",
      HERE_SYSTEM,
      "POST",
      "/api/v1/accounts/{here}:resetPassword",
      "{}",
      403,
      NULL,
      NULL,
      { 0 } },
    { "security grants itself what it may not hold",
      HERE_SECURITY,
      "POST",
      "/api/v1/accounts/{here}/roles",
      "{\"role\":\"SERVICE\"}",
      422,
      NULL,
      NULL,
      { 0 } },
    { "a township makes a tenant",
      HERE_SYSTEM,
      "POST",
      "/api/v1/tenants",
      "{\"tenantId\":\"" ID "\",\"code\":\"new\",\"name\":\"x\",\"organisationId\":\"" ID "\"}",
      403,
      NULL,
      NULL,
      { 0 } },
    { "a township makes a province",
      HERE_SYSTEM,
      "POST",
      "/api/v1/organisations",
      "{\"organisationId\":\"" ID
      "\",\"level\":\"PROVINCE\",\"divisionCode\":\"33\",\"name\":\"x\"}",
      403,
      NULL,
      NULL,
      { 0 } },
    /* another tenant's */
    { "another tenant's account",
      HERE_SYSTEM,
      "GET",
      "/api/v1/accounts/{there}",
      NULL,
      404,
      "account.none",
      NULL,
      { 0 } },
    { "disable another tenant's account",
      HERE_SYSTEM,
      "POST",
      "/api/v1/accounts/{there}:disable",
      "{\"why\":\"x\"}",
      404,
      "account.none",
      NULL,
      { 0 } },
    { "unlock another tenant's account",
      HERE_SECURITY,
      "POST",
      "/api/v1/accounts/{there}:unlock",
      "{}",
      404,
      "account.none",
      NULL,
      { 0 } },
    { "a password for another tenant's account",
      HERE_SECURITY,
      "POST",
      "/api/v1/accounts/{there}:resetPassword",
      "{}",
      404,
      "account.none",
      NULL,
      { 0 } },
    { "a role for another tenant's account",
      HERE_SECURITY,
      "POST",
      "/api/v1/accounts/{there}/roles",
      "{\"role\":\"APPROVER\"}",
      404,
      "account.none",
      NULL,
      { 0 } },
    { "end another tenant's session",
      HERE_SECURITY,
      "DELETE",
      "/api/v1/sessions/{session}",
      NULL,
      404,
      NULL,
      NULL,
      { 0 } },
    { "revoke another tenant's API token",
      HERE_SECURITY,
      "DELETE",
      "/api/v1/apiTokens/{token}",
      NULL,
      404,
      NULL,
      NULL,
      { 0 } },
    { "another tenant itself",
      HERE_SYSTEM,
      "GET",
      "/api/v1/tenants/{tenant}",
      NULL,
      404,
      NULL,
      NULL,
      { 0 } },
    /* once and only once */
    { "an empty key",
      HERE_SYSTEM,
      ACCOUNTS,
      ACCOUNT,
      400,
      "idempotency.key",
      NULL,
      { .idempotency = "", .headers = { "Idempotency-Key;" } } },
    { "a key of 65 characters",
      HERE_SYSTEM,
      ACCOUNTS,
      ACCOUNT,
      400,
      "idempotency.key",
      NULL,
      { .idempotency = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" } },
    { "a key with a blank",
      HERE_SYSTEM,
      ACCOUNTS,
      ACCOUNT,
      400,
      "idempotency.key",
      NULL,
      { .idempotency = "one key" } },
    { "a known key with another body",
      HERE_SYSTEM,
      ACCOUNTS,
      "{\"accountId\":\"" ID "\",\"loginName\":\"er\",\"displayName\":\"y\"}",
      409,
      "idempotency.other_body",
      NULL,
      { .idempotency = "the-key-of-the-first" } },
    /* rules */
    { "a login name that is taken",
      HERE_SYSTEM,
      ACCOUNTS,
      "{\"accountId\":\"" ID "\",\"loginName\":\"xitong\",\"displayName\":\"x\"}",
      409,
      "login_name.taken",
      NULL,
      { 0 } },
    { "a login name of another tenant",
      HERE_SYSTEM,
      ACCOUNTS,
      "{\"accountId\":\"" ID "\",\"loginName\":\"a.b@runzhou\",\"displayName\":\"x\"}",
      422,
      "login_name.tenant",
      NULL,
      { 0 } },
    { "a name in capitals",
      HERE_SYSTEM,
      ACCOUNTS,
      "{\"accountId\":\"" ID "\",\"loginName\":\"A B\",\"displayName\":\"x\"}",
      400,
      "login_name.form",
      NULL,
      { 0 } },
    { "a password that is too short",
      HERE_SYSTEM,
      "POST",
      "/api/v1/me:changePassword",
      "{\"oldPassword\":\"" TEST_PASSWORD "\",\"newPassword\":\"Ab1!\"}",
      422,
      NULL,
      NULL,
      { 0 } },
    { "a wrong old password",
      HERE_SYSTEM,
      "POST",
      "/api/v1/me:changePassword",
      "{\"oldPassword\":\"wrong\",\"newPassword\":\"Another-horse-8-staple\"}",
      401,
      NULL,
      NULL,
      { 0 } },
};

/* Fills in what only a run knows; the result lives until the next call but one. */
static const char *
filled(const char *text)
{
    static char buffers[2][512];
    static unsigned next;
    const struct {
        const char *mark, *value;
    } marks[] = { { "{here}", w.account_here },      { "{there}", w.account_there },
                  { "{session}", w.session_there },  { "{token}", w.token_there },
                  { "{tenant}", w.there.tenant_id }, { "{none}", ID },
                  { "{ended}", w.ended_cookie },     { "{expired}", w.expired_cookie } };

    for (size_t i = 0; text && i < COUNT(marks); i++) {
        const char *at = strstr(text, marks[i].mark);
        if (!at)
            continue;
        char *out = buffers[next++ % 2];
        (void) snprintf(out, sizeof buffers[0], "%.*s%s%s", (int) (at - text), text, marks[i].value,
                        at + strlen(marks[i].mark));
        return out;
    }
    return text;
}

static struct answer
sends(const struct row *row)
{
    return asks(browser_of(row->who), (struct ask){ .verb = row->verb,
                                                    .path = filled(row->path),
                                                    .body = row->body,
                                                    .idempotency = row->with.idempotency,
                                                    .csrf = row->with.csrf,
                                                    .cookie = filled(row->with.cookie),
                                                    .content_type = row->with.type,
                                                    .headers = row->with.headers });
}

/* What any of the rows could have written.  The platform's own records of refusals are no writes of
 * the caller's. */
static const char written[] =
    "SELECT (SELECT count(*) FROM identity.account) + (SELECT count(*) FROM identity.tenant) + "
    "(SELECT count(*) FROM identity.organisation) + (SELECT count(*) FROM identity.api_token) + "
    "(SELECT count(*) FROM identity.event WHERE topic !~ "
    "'(CommandRefused|SensitiveRead|SignInFailed|SignInLocked)$')";

static void
requests_that_are_wrong_are_refused_and_write_nothing(void **state)
{
    const int64_t before = counts(w.p, written);
    int faults = 0;

    (void) state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct row *row = &rows[i];
        struct answer answer = sends(row);
        const bool good = answer.status == row->status &&
                          strstr(answer.content_type, "application/problem+json") &&
                          (!row->reason || strcmp(answer.reason, row->reason) == 0) &&
                          (!row->fault || strcmp(answer.path, row->fault) == 0);
        if (!good) {
            faults++;
            print_message("    %s: %d %s %s instead of %d %s %s%s\n      %s\n", row->name,
                          answer.status, answer.reason, answer.path, row->status,
                          row->reason ? row->reason : "", row->fault ? row->fault : "",
                          answer.failure, answer.body);
        }
        answer_free(&answer);
    }
    print_message("%zu rows\n", COUNT(rows));
    assert_int_equal(faults, 0);
    assert_int_equal(counts(w.p, written), before);
}

/* Everything but the trace id, and the id that the caller itself wrote, is the same. */
static void
another_tenants_things_answer_as_things_that_are_not_there(void **state)
{
    static const char *const paths[] = { "{there}", "{session}", "{token}", "{tenant}" };
    int compared = 0;

    (void) state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *mark = NULL;
        char path[256];
        for (size_t k = 0; k < COUNT(paths); k++)
            mark = strstr(rows[i].path, paths[k]) ? paths[k] : mark;
        if (!mark)
            continue;
        struct row twin = rows[i];
        const char *at = strstr(twin.path, mark);
        (void) snprintf(path, sizeof path, "%.*s%s%s", (int) (at - twin.path), twin.path, mints(),
                        at + strlen(mark));
        twin.path = path;
        struct answer foreign = sends(&rows[i]), absent = sends(&twin);
        assert_int_equal(foreign.status, absent.status);
        (void) json_object_del(foreign.json, "trace");
        (void) json_object_del(absent.json, "trace");
        (void) json_object_del(foreign.json, "instance");
        (void) json_object_del(absent.json, "instance");
        if (!json_equal(foreign.json, absent.json))
            fail_msg("%s: %s\nbut for a thing that is not there: %s", rows[i].name, foreign.body,
                     absent.body);
        answer_free(&foreign);
        answer_free(&absent);
        compared++;
    }
    assert_true(compared >= 6);
}

static void
a_body_beyond_a_mebibyte_is_refused(void **state)
{
    const size_t size = 1024 * 1024 + 1000;
    char *body = malloc(size);

    (void) state;
    assert_non_null(body);
    memset(body, ' ', size);
    memcpy(body, "{", 1);
    body[size - 1] = '}';
    struct answer answer =
        asks(w.nobody,
             (struct ask){
                 .verb = "POST", .path = "/api/v1/sessions", .body = body, .body_size = size });
    assert_int_equal(answer.status, 413);
    answer_free(&answer);
    free(body);
}

static void
a_body_nested_too_deeply_is_refused(void **state)
{
    char body[1024] = "{\"loginName\":";
    size_t used = strlen(body);

    (void) state;
    for (int i = 0; i < 200; i++)
        body[used++] = '[';
    body[used] = '\0';
    struct answer answer =
        asks(w.nobody, (struct ask){ .verb = "POST", .path = "/api/v1/sessions", .body = body });
    assert_int_equal(answer.status, 400);
    assert_true(strncmp(answer.reason, "json.", 5) == 0);
    answer_free(&answer);
}

static void
the_answer_speaks_the_callers_language(void **state)
{
    struct answer chinese = gets(w.nobody, "/api/v1/me");
    struct answer english = asks(
        w.nobody, (struct ask){ .verb = "GET",
                                .path = "/api/v1/me",
                                .headers = (const char *const[]){ "Accept-Language: en", NULL } });

    (void) state;
    assert_non_null(strstr(chinese.body, "请先登录"));
    assert_null(strstr(english.body, "请先登录"));
    assert_int_equal(english.status, 401);
    answer_free(&chinese);
    answer_free(&english);
}

/* The first of the rows above: its key is known, and the right body gives the stored reply. */
static void
the_same_key_and_body_give_the_same_reply(void **state)
{
    struct answer again =
        asks(w.here.administration.who[SYSTEM],
             (struct ask){ .verb = "POST",
                           .path = "/api/v1/accounts",
                           .idempotency = "the-key-of-the-first",
                           .json = json_pack("{s:s, s:s, s:s}", "accountId", w.account_here,
                                             "loginName", "jia", "displayName", "甲") });

    (void) state;
    assert_int_equal(again.status, 201);
    assert_int_equal(counts(w.p, "SELECT count(*) FROM identity.account WHERE login_name LIKE "
                                 "'jia%'"),
                     2); /* one in each township */
    answer_free(&again);
}

/* --- the world --- */

static void
makes_account(struct township *t, const char *key, char id[static 37])
{
    (void) snprintf(id, 37, "%s", mints());
    struct answer answer =
        asks(t->administration.who[SYSTEM],
             (struct ask){ .verb = "POST",
                           .path = "/api/v1/accounts",
                           .idempotency = key,
                           .json = json_pack("{s:s, s:s, s:s}", "accountId", id, "loginName", "jia",
                                             "displayName", "甲") });
    assert_int_equal(answer.status, 201);
    answer_free(&answer);
}

static void
remember_sessions(void)
{
    struct browser *ended = browser_create(w.p), *expired = browser_create(w.p);

    signs_in(ended, "shenji@jingkou", TEST_PASSWORD);
    (void) snprintf(w.ended_cookie, sizeof w.ended_cookie, "%s", browser_cookie(ended));
    (void) must_post(ended, 200, "/api/v1/sessions:signOut", "{}");
    signs_in(expired, "shenji@jingkou", TEST_PASSWORD);
    (void) snprintf(w.expired_cookie, sizeof w.expired_cookie, "%s", browser_cookie(expired));
    browser_destroy(ended);
    browser_destroy(expired);
    /* The newest session there is becomes one whose time has passed. */
    free(hz(w.p, NULL,
            "psql -q -c \"UPDATE identity.session SET started_at = now() - interval '3 h', "
            "last_seen_at = now() - interval '2 h', expires_at = now() - interval '1 h' WHERE "
            "session_id = (SELECT session_id FROM identity.session WHERE ended_at IS NULL ORDER BY "
            "started_at DESC LIMIT 1)\""));

    const json_t *list = must_get(w.there.administration.who[SYSTEM], 200, "/api/v1/sessions");
    const char *id = json_string_value(
        json_object_get(json_array_get(json_object_get(list, "sessions"), 0), "sessionId"));
    assert_non_null(id);
    (void) snprintf(w.session_there, sizeof w.session_there, "%s", id);
    (void) snprintf(w.token_there, sizeof w.token_there, "%s", mints());
    (void) must_post(w.there.administration.who[SYSTEM], 201, "/api/v1/apiTokens",
                     "{s:s, s:s, s:i}", "apiTokenId", w.token_there, "label", "x", "days", 1);
}

static int pids_before[16];
static const char *const processes[] = { "postgres",      "broker-1", "broker-2", "identity",
                                         "contributions", "claims",   "coding",   "disbursement",
                                         "disclosure",    "audit",    "gateway" };

static int
a_world(void **state)
{
    (void) state;
    /* The session of this test ages fast; everybody may come as often as the table needs. */
    w.p = platform_up(1, "gateway HUZHU_GATEWAY_SIGN_IN_RATE=100000\n"
                         "gateway HUZHU_GATEWAY_SIGN_IN_BURST=100000\n"
                         "gateway HUZHU_GATEWAY_SESSION_CACHE=0s\n"
                         "identity HUZHU_IDENTITY_LOCK_FAILURES=100\n"
                         "identity HUZHU_IDENTITY_ADDRESS_FAILURES=10000\n");
    administration_open(w.p, &w.platform);
    township_open(w.p, &w.platform, "jingkou", &w.here);
    township_open(w.p, &w.platform, "runzhou", &w.there);
    makes_account(&w.here, "the-key-of-the-first", w.account_here);
    makes_account(&w.there, NULL, w.account_there);
    w.nobody = browser_create(w.p);
    remember_sessions();
    return 0;
}

static int
no_world(void **state)
{
    (void) state;
    browser_destroy(w.nobody);
    administration_close(&w.here.administration);
    administration_close(&w.there.administration);
    administration_close(&w.platform);
    platform_down(w.p);
    return 0;
}

static void
nothing_has_died(void **state)
{
    (void) state;
    for (size_t i = 0; i < COUNT(processes); i++) {
        if (strcmp(processes[i], "broker-2") == 0)
            continue; /* this platform has one */
        const int pid = pid_of(w.p, processes[i]);
        assert_true(pid > 0);
        if (pids_before[i])
            assert_int_equal(pid, pids_before[i]);
        pids_before[i] = pid;
    }
    assert_true(is_ready(w.p));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_has_died), /* remembers who lives */
        cmocka_unit_test(bytes_that_are_no_request_are_refused),
        cmocka_unit_test(limits_are_limits),
        cmocka_unit_test(requests_that_are_wrong_are_refused_and_write_nothing),
        cmocka_unit_test(another_tenants_things_answer_as_things_that_are_not_there),
        cmocka_unit_test(a_body_beyond_a_mebibyte_is_refused),
        cmocka_unit_test(a_body_nested_too_deeply_is_refused),
        cmocka_unit_test(the_answer_speaks_the_callers_language),
        cmocka_unit_test(the_same_key_and_body_give_the_same_reply),
        cmocka_unit_test(nothing_has_died),
    };
    return cmocka_run_group_tests(tests, a_world, no_world);
}
