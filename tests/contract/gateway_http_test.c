/* Goal: the public port takes what nginx takes and refuses what nginx refuses (and a little more).
 * Method: bytes as they are, over real TLS, on a connection of their own; the status, and whether
 * the connection ends, as the table says.  Behind each refusal a second request tells whether the
 * bytes in between were taken for a request of their own (smuggling): none may be. */
#include <stdlib.h>
#include <string.h>

#include "gateway_harness.h"
#include "gateway_sample.pb-c.h"
#include "route_row.h"
#include "test.h"

static int calls; /* that reached the service */

static void
fake(const char *service, const Bus__Envelope *envelope, struct fake_answer *answer)
{
    static Sample__EchoReply reply;
    static char seen[256];

    (void) service;
    if (strcmp(envelope->method, "Common.Ping") == 0)
        return;
    calls++;
    sample__echo_reply__init(&reply);
    (void) snprintf(seen, sizeof seen, "%zu", envelope->body.len);
    reply.seen = seen;
    answer->reply = &reply.base;
}

static struct route sample_routes[] = {
    SAMPLE_ROW(POST, "/api/v1/echo", "Echo", ROUTE_ANONYMOUS),
    SAMPLE_ROW(GET, "/api/v1/echo/{claimId}", "Echo", ROUTE_ANONYMOUS),
    SAMPLE_ROW(POST, "/api/v1/echo/{claimId}:shout", "Echo", ROUTE_ANONYMOUS),
};

static int
begin(void **state)
{
    static struct house house;
    const struct gateway_parts parts = { .routes = sample_routes,
                                         .route_count = COUNT(sample_routes) };
    const char *const settings[] = { "HOSTS=localhost,gateway.test", NULL };

    house_open(&house, fake, &parts, settings);
    *state = &house;
    return 0;
}

static int
finish(void **state)
{
    house_close(*state);
    return 0;
}

#define H "Host: localhost\r\n"
#define ID "0190a5e0-7c1a-7000-8000-0123456789ab"
#define POST "POST /api/v1/echo HTTP/1.1\r\n" H "Content-Type: application/json\r\n"

enum { KEEPS, CLOSES };
static const struct {
    const char *name, *bytes;
    int status, then;
    const char *reason; /* NULL: not looked at */
} rows[] = {
    /* what must work */
    { "a page", "GET / HTTP/1.1\r\n" H "\r\n", 200, KEEPS, NULL },
    { "a file with a query", "GET /big.js?v=1 HTTP/1.1\r\n" H "\r\n", 200, KEEPS, NULL },
    { "host with a port", "GET / HTTP/1.1\r\nHost: localhost:8443\r\n\r\n", 200, KEEPS, NULL },
    { "host in capitals", "GET / HTTP/1.1\r\nHOST: LocalHost\r\n\r\n", 200, KEEPS, NULL },
    { "absolute form", "GET https://localhost/ HTTP/1.1\r\n" H "\r\n", 200, KEEPS, NULL },
    { "empty line first", "\r\nGET / HTTP/1.1\r\n" H "\r\n", 200, KEEPS, NULL },
    { "space around a value", "GET / HTTP/1.1\r\nHost: \t localhost \t\r\n\r\n", 200, KEEPS, NULL },
    { "empty value", "GET / HTTP/1.1\r\n" H "X-A:\r\n\r\n", 200, KEEPS, NULL },
    { "escaped letter in a path", "GET /api/v1/%65cho/" ID " HTTP/1.1\r\n" H "\r\n", 200, KEEPS,
      NULL },
    { "json", POST "Content-Length: 12\r\n\r\n{\"text\":\"a\"}", 200, KEEPS, NULL },
    { "json in chunks",
      POST "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"tex\r\n7\r\nt\":\"a\"}\r\n0\r\n\r\n", 200,
      KEEPS, NULL },
    { "chunk extension",
      POST "Transfer-Encoding: chunked\r\n\r\nc;a=b\r\n{\"text\":\"a\"}\r\n0\r\n\r\n", 200, KEEPS,
      NULL },
    { "trailer",
      POST "Transfer-Encoding: chunked\r\n\r\nc\r\n{\"text\":\"a\"}\r\n0\r\nX-A: b\r\n\r\n", 200,
      KEEPS, NULL },
    { "chunked in capitals",
      POST "Transfer-Encoding: Chunked\r\n\r\nC\r\n{\"text\":\"a\"}\r\n0\r\n\r\n", 200, KEEPS,
      NULL },
    { "no body is an empty request", POST "\r\n", 200, KEEPS, NULL },
    { "length of zero", POST "Content-Length: 0\r\n\r\n", 200, KEEPS, NULL },
    { "connection close", "GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n", 200, CLOSES, NULL },
    { "version 1.0", "GET / HTTP/1.0\r\n\r\n", 200, CLOSES, NULL },
    { "version 1.0 that stays", "GET / HTTP/1.0\r\n" H "Connection: keep-alive\r\n\r\n", 200, KEEPS,
      NULL },
    { "unknown upgrade is not granted",
      "GET / HTTP/1.1\r\n" H "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 200, KEEPS, NULL },
    { "charset",
      "POST /api/v1/echo HTTP/1.1\r\n" H
      "Content-Type: application/json; charset=UTF-8\r\nContent-Length: 2\r\n\r\n{}",
      200, KEEPS, NULL },
    { "verb behind a colon", "POST /api/v1/echo/" ID ":shout HTTP/1.1\r\n" H "\r\n", 200, KEEPS,
      NULL },
    { "options", "OPTIONS /api/v1/echo HTTP/1.1\r\n" H "\r\n", 204, KEEPS, NULL },
    { "options of all", "OPTIONS * HTTP/1.1\r\n" H "\r\n", 204, KEEPS, NULL },
    /* framing: where requests are smuggled */
    { "two lengths", POST "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400, CLOSES,
      "http.framing" },
    { "two equal lengths", POST "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400, CLOSES,
      "http.framing" },
    { "a list of lengths", POST "Content-Length: 2, 2\r\n\r\n{}", 400, CLOSES, "http.framing" },
    { "length with a plus", POST "Content-Length: +2\r\n\r\n{}", 400, CLOSES, "http.framing" },
    { "length with a minus", POST "Content-Length: -2\r\n\r\n{}", 400, CLOSES, "http.framing" },
    { "hexadecimal length", POST "Content-Length: 0x2\r\n\r\n{}", 400, CLOSES, "http.framing" },
    { "empty length", POST "Content-Length:\r\n\r\n{}", 400, CLOSES, "http.framing" },
    { "length of letters", POST "Content-Length: two\r\n\r\n{}", 400, CLOSES, "http.framing" },
    { "length beyond 64 bits", POST "Content-Length: 99999999999999999999\r\n\r\n{}", 400, CLOSES,
      "http.framing" },
    { "space before the colon", POST "Content-Length : 2\r\n\r\n{}", 400, CLOSES,
      "http.malformed" },
    { "length and chunked", POST "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      400, CLOSES, "http.framing" },
    { "chunked and length", POST "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
      400, CLOSES, "http.framing" },
    { "unknown encoding", POST "Transfer-Encoding: xchunked\r\n\r\n{}", 501, CLOSES,
      "http.transfer_encoding" },
    { "identity", POST "Transfer-Encoding: identity\r\n\r\n{}", 501, CLOSES,
      "http.transfer_encoding" },
    { "gzip, chunked", POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, CLOSES,
      "http.transfer_encoding" },
    { "chunked, chunked", POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400, CLOSES,
      NULL },
    { "chunked, identity", POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400,
      CLOSES, NULL },
    { "encoding twice",
      POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, CLOSES,
      NULL },
    { "encoding behind a vertical tab",
      POST "Transfer-Encoding: \x0b"
           "chunked\r\n\r\n0\r\n\r\n",
      400, CLOSES, NULL },
    { "chunked in 1.0",
      "POST /api/v1/echo HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, CLOSES,
      NULL },
    { "chunk size with 0x", POST "Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n", 400,
      CLOSES, "http.chunk" },
    { "chunk size behind a space", POST "Transfer-Encoding: chunked\r\n\r\n 2\r\n{}\r\n0\r\n\r\n",
      400, CLOSES, "http.chunk" },
    { "chunk size with a minus", POST "Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
      400, CLOSES, "http.chunk" },
    { "chunk size too large",
      POST "Transfer-Encoding: chunked\r\n\r\n11111111111111111\r\n{}\r\n0\r\n\r\n", 400, CLOSES,
      "http.chunk" },
    { "chunk longer than said", POST "Transfer-Encoding: chunked\r\n\r\n2\r\n{}x\r\n0\r\n\r\n", 400,
      CLOSES, "http.chunk" },
    { "chunk ended by a line feed", POST "Transfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n", 400,
      CLOSES, "http.chunk" },
    /* the head's form */
    { "folded line", "GET / HTTP/1.1\r\n" H "X-A: b\r\n c\r\n\r\n", 400, CLOSES, "http.malformed" },
    { "folded line with a tab", "GET / HTTP/1.1\r\n" H "X-A: b\r\n\tc\r\n\r\n", 400, CLOSES,
      "http.malformed" },
    { "space before the first header", "GET / HTTP/1.1\r\n Host: localhost\r\n\r\n", 400, CLOSES,
      "http.malformed" },
    { "line feed alone", "GET / HTTP/1.1\nHost: localhost\n\n", 400, CLOSES, "http.malformed" },
    { "carriage return alone", "GET / HTTP/1.1\r\n" H "X-A: b\rX-B: c\r\n\r\n", 400, CLOSES,
      "http.malformed" },
    { "delete in a value", "GET / HTTP/1.1\r\n" H "X-A: b\x7f\r\n\r\n", 400, CLOSES,
      "http.malformed" },
    { "control in a value", "GET / HTTP/1.1\r\n" H "X-A: b\x01\r\n\r\n", 400, CLOSES,
      "http.malformed" },
    { "brackets in a name", "GET / HTTP/1.1\r\n" H "X(A): b\r\n\r\n", 400, CLOSES,
      "http.malformed" },
    { "name without a colon", "GET / HTTP/1.1\r\n" H "X-A\r\n\r\n", 400, CLOSES, "http.malformed" },
    { "no name", "GET / HTTP/1.1\r\n" H ": b\r\n\r\n", 400, CLOSES, "http.malformed" },
    { "letters beyond ASCII in a name", "GET / HTTP/1.1\r\n" H "X-\xc3\xa9: b\r\n\r\n", 400, CLOSES,
      "http.malformed" },
    { "no host", "GET / HTTP/1.1\r\n\r\n", 400, CLOSES, "http.host" },
    { "two hosts", "GET / HTTP/1.1\r\n" H H "\r\n", 400, CLOSES, "http.repeated_header" },
    { "empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, CLOSES, "http.host" },
    { "host with a slash", "GET / HTTP/1.1\r\nHost: local/host\r\n\r\n", 400, CLOSES, "http.host" },
    { "host with an at", "GET / HTTP/1.1\r\nHost: a@localhost\r\n\r\n", 400, CLOSES, "http.host" },
    { "another host", "GET / HTTP/1.1\r\nHost: elsewhere.test\r\n\r\n", 421, KEEPS,
      "http.misdirected" },
    { "another host in absolute form", "GET https://elsewhere.test/ HTTP/1.1\r\n" H "\r\n", 421,
      KEEPS, "http.misdirected" },
    { "two authorizations",
      "GET / HTTP/1.1\r\n" H "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n", 400,
      CLOSES, "http.repeated_header" },
    { "two cookies", "GET / HTTP/1.1\r\n" H "Cookie: a=b\r\nCookie: c=d\r\n\r\n", 400, CLOSES,
      "http.repeated_header" },
    { "two keys", POST "Idempotency-Key: a\r\nIdempotency-Key: b\r\n\r\n", 400, CLOSES,
      "http.repeated_header" },
    /* the request line */
    { "unknown method", "BREW / HTTP/1.1\r\n" H "\r\n", 501, CLOSES, "http.method_unknown" },
    { "known method that nobody has", "PROPFIND / HTTP/1.1\r\n" H "\r\n", 501, CLOSES,
      "http.method_unknown" },
    { "method in small letters", "get / HTTP/1.1\r\n" H "\r\n", 400, CLOSES, "http.malformed" },
    { "trace", "TRACE / HTTP/1.1\r\n" H "\r\n", 405, KEEPS, "http.method" },
    { "connect", "CONNECT localhost:443 HTTP/1.1\r\n" H "\r\n", 405, CLOSES, "http.method" },
    { "post to a page", "POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", 405, KEEPS,
      "http.method" },
    { "delete of an address that posts", "DELETE /api/v1/echo HTTP/1.1\r\n" H "\r\n", 405, KEEPS,
      "http.method" },
    { "version 2.0", "GET / HTTP/2.0\r\n" H "\r\n", 505, CLOSES, "http.version" },
    { "preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, CLOSES, "http.version" },
    { "version 3.7", "GET / HTTP/3.7\r\n" H "\r\n", 505, CLOSES, "http.version" },
    { "version of letters", "GET / HTTP/x.y\r\n" H "\r\n", 505, CLOSES, "http.version" },
    { "another protocol", "GET / SIP/2.0\r\n" H "\r\n", 400, CLOSES, "http.malformed" },
    { "no version", "GET /\r\n\r\n", 400, CLOSES, NULL },
    { "space in the target", "GET /a b HTTP/1.1\r\n" H "\r\n", 400, CLOSES, "http.malformed" },
    { "tab as separator", "GET\t/ HTTP/1.1\r\n" H "\r\n", 400, CLOSES, NULL },
    { "no target", "GET HTTP/1.1\r\n" H "\r\n", 400, CLOSES, NULL },
    { "target without a slash", "GET index.html HTTP/1.1\r\n" H "\r\n", 400, CLOSES,
      "http.target" },
    { "asterisk for a get", "GET * HTTP/1.1\r\n" H "\r\n", 400, CLOSES, "http.target" },
    { "fragment", "GET /#a HTTP/1.1\r\n" H "\r\n", 400, CLOSES, "http.target" },
    { "bytes beyond ASCII in the target", "GET /\xe4\xba\x92 HTTP/1.1\r\n" H "\r\n", 400, CLOSES,
      "http.target" },
    { "%00 in the path", "GET /index%00.html HTTP/1.1\r\n" H "\r\n", 400, CLOSES, "http.target" },
    { "broken escape", "GET /a%4 HTTP/1.1\r\n" H "\r\n", 400, CLOSES, "http.target" },
    { "escape of letters", "GET /a%zz HTTP/1.1\r\n" H "\r\n", 400, CLOSES, "http.target" },
    { "escaped slash", "GET /a%2fb HTTP/1.1\r\n" H "\r\n", 400, CLOSES, "http.target" },
    { "escaped backslash", "GET /a%5cb HTTP/1.1\r\n" H "\r\n", 400, CLOSES, "http.target" },
    { "overlong slash", "GET /a%c0%afb HTTP/1.1\r\n" H "\r\n", 400, CLOSES, "http.target" },
    { "dots", "GET /../etc/passwd HTTP/1.1\r\n" H "\r\n", 400, CLOSES, "http.target" },
    { "escaped dots", "GET /%2e%2e/etc/passwd HTTP/1.1\r\n" H "\r\n", 400, CLOSES, "http.target" },
    { "one dot", "GET /./index.html HTTP/1.1\r\n" H "\r\n", 400, CLOSES, "http.target" },
    { "escaped line break", "GET /a%0d%0ab HTTP/1.1\r\n" H "\r\n", 400, CLOSES, "http.target" },
    { "too many segments", "GET /a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a HTTP/1.1\r\n" H "\r\n", 400,
      CLOSES, "http.target" },
    { "nothing there", "GET /nothing HTTP/1.1\r\n" H "\r\n", 404, KEEPS, "http.not_found" },
    { "the file's folder", "GET /index.html/ HTTP/1.1\r\n" H "\r\n", 404, KEEPS, "http.not_found" },
    { "two slashes", "GET //index.html HTTP/1.1\r\n" H "\r\n", 404, KEEPS, "http.not_found" },
    { "unknown verb behind a colon", "POST /api/v1/echo/" ID ":sing HTTP/1.1\r\n" H "\r\n", 405,
      KEEPS, NULL },
    /* bodies */
    { "text for json",
      "POST /api/v1/echo HTTP/1.1\r\n" H "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
      415, KEEPS, "http.media_type" },
    { "no type", "POST /api/v1/echo HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\n{}", 415, KEEPS,
      "http.media_type" },
    { "a form, which needs no leave across sites",
      "POST /api/v1/echo HTTP/1.1\r\n" H
      "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=b",
      415, KEEPS, "http.media_type" },
    { "json in another charset",
      "POST /api/v1/echo HTTP/1.1\r\n" H
      "Content-Type: application/json; charset=gbk\r\nContent-Length: 2\r\n\r\n{}",
      415, KEEPS, "http.media_type" },
    { "packed body", POST "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", 415, KEEPS,
      "http.content_encoding" },
    { "body of a get", "GET /api/v1/echo/" ID " HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\n{}", 400,
      KEEPS, "http.body_unexpected" },
    { "body of a page", "GET / HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\n{}", 400, KEEPS,
      "http.body_unexpected" },
    { "a body of 2 GiB is not waited for", POST "Content-Length: 2147483648\r\n\r\n{}", 413, CLOSES,
      "http.body_too_large" },
    { "unknown expectation", POST "Expect: 200-ok\r\nContent-Length: 2\r\n\r\n{}", 417, CLOSES,
      "http.expect" },
    { "refused instead of continued",
      "POST /api/v1/echo HTTP/1.1\r\n" H
      "Content-Type: text/plain\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
      415, CLOSES, "http.media_type" },
    { "bad json", POST "Content-Length: 2\r\n\r\n{]", 400, KEEPS, "json.syntax" },
    { "unknown field", POST "Content-Length: 7\r\n\r\n{\"x\":1}", 400, KEEPS,
      "json.unknown_field" },
    { "bad id in a path", "GET /api/v1/echo/abc HTTP/1.1\r\n" H "\r\n", 400, KEEPS, "json.format" },
    { "unknown parameter", "GET /api/v1/echo/" ID "?a=b HTTP/1.1\r\n" H "\r\n", 400, KEEPS,
      "json.unknown_field" },
    { "parameter twice", "GET /api/v1/echo/" ID "?pageSize=1&pageSize=2 HTTP/1.1\r\n" H "\r\n", 400,
      KEEPS, "json.duplicate" },
    { "parameter that the path has", "GET /api/v1/echo/" ID "?claimId=" ID " HTTP/1.1\r\n" H "\r\n",
      400, KEEPS, "json.duplicate" },
    { "broken escape in a query", "GET /api/v1/echo/" ID "?text=%4 HTTP/1.1\r\n" H "\r\n", 400,
      KEEPS, "http.target" },
    { "NUL in a query", "GET /api/v1/echo/" ID "?text=%00 HTTP/1.1\r\n" H "\r\n", 400, KEEPS,
      "http.target" },
    { "idempotency key with a space", POST "Idempotency-Key: a b\r\n\r\n", 400, KEEPS,
      "idempotency.key" },
    { "idempotency key that is empty", POST "Idempotency-Key:\r\n\r\n", 400, KEEPS,
      "idempotency.key" },
    { "two etags in If-Match", POST "If-Match: \"a\", \"b\"\r\n\r\n", 400, KEEPS,
      "http.header_value" },
    { "cross-site post", POST "Sec-Fetch-Site: cross-site\r\n\r\n", 403, KEEPS,
      "session.cross_site" },
    { "post from another origin", POST "Origin: https://evil.test\r\n\r\n", 403, KEEPS,
      "session.cross_site" },
};

static void
check(const struct house *house, size_t i)
{
    static const char second[] = "GET /big.js HTTP/1.1\r\n" H "\r\n";
    struct client client;
    struct answer answer, after;

    client_open(&client, house->port);
    client_puts(&client, rows[i].bytes);
    if (!client_read(&client, &answer))
        fail_msg("%s: no answer", rows[i].name);
    if (answer.status != rows[i].status)
        fail_msg("%s: %d instead of %d: %s", rows[i].name, answer.status, rows[i].status,
                 answer.body);
    if (answer.status >= 400) {
        assert_string_equal(answer_header(&answer, "Content-Type"), "application/problem+json");
        assert_non_null(answer_header(&answer, "Strict-Transport-Security"));
    }
    char reason[96];
    (void) snprintf(reason, sizeof reason, "\"reason\":\"%s\"",
                    rows[i].reason ? rows[i].reason : "");
    if (rows[i].reason && !strstr(answer.body, reason))
        fail_msg("%s: not for %s: %s", rows[i].name, rows[i].reason, answer.body);
    const char *connection = answer_header(&answer, "Connection");
    const bool says_close = connection && strcmp(connection, "close") == 0;
    if (says_close != (rows[i].then == CLOSES))
        fail_msg("%s: Connection: %s", rows[i].name, connection ? connection : "-");
    client_puts(&client, second);
    const bool again = client_read(&client, &after);
    if (again != (rows[i].then == KEEPS))
        fail_msg("%s: the connection %s", rows[i].name, again ? "went on" : "ended");
    if (again)
        assert_string_equal(after.body, "0123456789");
    else if (!client_is_closed(&client, 3000))
        fail_msg("%s: the connection is still open", rows[i].name);
    answer_free(&answer);
    if (again)
        answer_free(&after);
    client_close(&client);
}

static void
every_row_of_the_table_holds(void **state)
{
    for (size_t i = 0; i < COUNT(rows); i++)
        check(*state, i);
    print_message("%zu requests\n", COUNT(rows));
}

/* The same rows, one byte in each TLS record: no verdict may depend on how bytes arrive. */
static void
every_row_holds_byte_by_byte(void **state)
{
    const struct house *house = *state;
    struct client client;
    struct answer answer;

    for (size_t i = 0; i < COUNT(rows); i++) {
        client_open(&client, house->port);
        for (const char *at = rows[i].bytes; *at; at++)
            client_send(&client, at, 1);
        if (!client_read(&client, &answer) || answer.status != rows[i].status)
            fail_msg("%s: %d instead of %d", rows[i].name, answer.status, rows[i].status);
        answer_free(&answer);
        client_close(&client);
    }
}

static void
bytes_with_nul_are_refused(void **state)
{
    static const char *const names[] = { "in a value", "in a name", "in the target",
                                         "in the method" };
    static const char in_value[] = "GET / HTTP/1.1\r\n" H "X-A: b\0c\r\n\r\n";
    static const char in_name[] = "GET / HTTP/1.1\r\n" H "X-\0A: b\r\n\r\n";
    static const char in_target[] = "GET /\0 HTTP/1.1\r\n" H "\r\n";
    static const char in_method[] = "G\0T / HTTP/1.1\r\n" H "\r\n";
    const struct {
        const char *bytes;
        size_t size;
    } all[] = { { in_value, sizeof in_value - 1 },
                { in_name, sizeof in_name - 1 },
                { in_target, sizeof in_target - 1 },
                { in_method, sizeof in_method - 1 } };
    const struct house *house = *state;

    for (size_t i = 0; i < COUNT(all); i++) {
        struct client client;
        struct answer answer;
        client_open(&client, house->port);
        client_send(&client, all[i].bytes, all[i].size);
        if (!client_read(&client, &answer) || (answer.status != 400 && answer.status != 501))
            fail_msg("NUL %s: %d", names[i], answer.status);
        answer_free(&answer);
        client_close(&client);
    }
}

/* Both sides of each bound. */
static void
limits_hold_on_both_sides(void **state)
{
    const struct house *house = *state;
    struct text text = { 0 };
    static const struct {
        const char *what;
        int count, status;
    } cases[] = {
        { "header", 99, 200 },
        { "header", 100, 431 },
        { "header", 1000, 431 },
        { "value", 16000, 200 },
        { "value", 16384, 431 },
        { "value", 200000, 431 },
        { "target", 4090, 404 },
        { "target", 4096, 414 },
        { "target", 70000, 414 },
        { "body", 1048576 - 11, 400 },
        { "body", 1048576 - 10, 413 },
        { "chunked", 1048576 - 11, 400 },
        { "chunked", 1048576 - 10, 413 },
        { "key", 64, 200 },
        { "key", 65, 400 },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const int n = cases[i].count;
        const char *what = cases[i].what;
        struct answer answer;
        text.used = 0;
        if (strcmp(what, "header") == 0) {
            TEXT_LITERAL(&text, "GET / HTTP/1.1\r\n" H);
            for (int k = 0; k < n; k++)
                TEXT_LITERAL(&text, "A: b\r\n");
            TEXT_LITERAL(&text, "\r\n");
        } else if (strcmp(what, "value") == 0 || strcmp(what, "key") == 0) {
            TEXT_LITERAL(&text, POST);
            text_puts(&text, *what == 'k' ? "Idempotency-Key: " : "X-A: ");
            for (int k = 0; k < n; k++)
                TEXT_LITERAL(&text, "a");
            TEXT_LITERAL(&text, "\r\n\r\n");
        } else if (strcmp(what, "target") == 0) {
            TEXT_LITERAL(&text, "GET /");
            for (int k = 0; k < n; k++)
                TEXT_LITERAL(&text, "a");
            TEXT_LITERAL(&text, " HTTP/1.1\r\n" H "\r\n");
        } else {
            TEXT_LITERAL(&text, POST);
            if (*what == 'b')
                text_printf(&text, "Content-Length: %d\r\n\r\n{\"text\":\"", n + 11);
            else
                text_printf(&text, "Transfer-Encoding: chunked\r\n\r\n%x\r\n{\"text\":\"", n + 11);
            for (int k = 0; k < n; k++)
                TEXT_LITERAL(&text, "a");
            text_puts(&text, *what == 'b' ? "\"]" : "\"]\r\n0\r\n\r\n");
        }
        TEXT_LITERAL(&text, "");
        text_add(&text, "", 1);
        const int status = ask(house, text.bytes, &answer);
        if (status != cases[i].status)
            fail_msg("%s %d: %d instead of %d (%s)", what, n, status, cases[i].status, answer.body);
        answer_free(&answer);
    }
    text_free(&text);
}

static void
pipelined_requests_are_answered_in_order(void **state)
{
    const struct house *house = *state;
    struct client client;
    struct text text = { 0 };

    client_open(&client, house->port);
    for (int i = 0; i < 200; i++) { /* slow ones and quick ones in turn */
        text_printf(&text, POST "Content-Length: %d\r\n\r\n{\"text\":\"%0*d\"}", 11 + i % 50 + 1,
                    i % 50 + 1, 7);
        TEXT_LITERAL(&text, "GET /big.js HTTP/1.1\r\n" H "\r\n");
    }
    client_send(&client, text.bytes, text.used);
    for (int i = 0; i < 200; i++) {
        struct answer first, second;
        char want[32];
        assert_true(client_read(&client, &first));
        (void) snprintf(want, sizeof want, "{\"seen\":\"%d\"}", i % 50 + 1 + 2);
        assert_string_equal(first.body, want);
        assert_true(client_read(&client, &second));
        assert_string_equal(second.body, "0123456789");
        answer_free(&first);
        answer_free(&second);
    }
    text_free(&text);
    client_close(&client);
}

static void
head_answers_like_get_without_the_body(void **state)
{
    const struct house *house = *state;
    struct client client;
    struct answer answer;

    client_open(&client, house->port);
    client_puts(&client,
                "HEAD /big.js HTTP/1.1\r\n" H "\r\nHEAD /api/v1/echo/" ID " HTTP/1.1\r\n" H
                "\r\nHEAD /nothing HTTP/1.1\r\n" H "\r\nGET /big.js HTTP/1.1\r\n" H "\r\n");
    assert_true(client_read_no_body(&client, &answer));
    assert_string_equal(answer_header(&answer, "Content-Length"), "10");
    answer_free(&answer);
    assert_true(client_read_no_body(&client, &answer));
    assert_int_equal(answer.status, 200);
    answer_free(&answer);
    assert_true(client_read_no_body(&client, &answer));
    assert_int_equal(answer.status, 404);
    answer_free(&answer);
    assert_true(client_read(&client, &answer));
    assert_string_equal(answer.body, "0123456789");
    answer_free(&answer);
    client_close(&client);
}

static void
who_expects_a_continue_gets_one(void **state)
{
    const struct house *house = *state;
    struct client client;
    struct answer answer;

    client_open(&client, house->port);
    client_puts(&client, POST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert_true(client_read_no_body(&client, &answer));
    assert_int_equal(answer.status, 100);
    answer_free(&answer);
    client_puts(&client, "{}");
    assert_true(client_read(&client, &answer));
    assert_int_equal(answer.status, 200);
    answer_free(&answer);
    client_close(&client);
}

static void
problems_speak_chinese_first_and_english_when_asked(void **state)
{
    const struct house *house = *state;
    struct answer answer;

    (void) ask(house, "GET /x HTTP/1.1\r\n" H "\r\n", &answer);
    assert_non_null(strstr(answer.body, "\"title\":\"没有这个网址\""));
    assert_non_null(strstr(answer.body, "\"status\":404"));
    assert_string_equal(answer_header(&answer, "Content-Language"), "zh-CN");
    answer_free(&answer);
    (void) ask(house,
               "GET /x HTTP/1.1\r\n" H "Accept-Language: en-GB,en;q=0.9,zh;q=0.8\r\n"
               "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n",
               &answer);
    assert_non_null(strstr(answer.body, "\"title\":\"there is nothing at this address\""));
    assert_non_null(strstr(answer.body, "\"trace\":\"0af7651916cd43dd8448eb211c80319c\""));
    answer_free(&answer);
    (void) ask(house, "DELETE /api/v1/echo HTTP/1.1\r\n" H "\r\n", &answer);
    assert_string_equal(answer_header(&answer, "Allow"), "POST, OPTIONS");
    answer_free(&answer);
    (void) ask(house, "POST /api/v1/echo/" ID " HTTP/1.1\r\n" H "\r\n", &answer);
    assert_string_equal(answer_header(&answer, "Allow"), "GET, HEAD, OPTIONS");
    answer_free(&answer);
}

static void
nothing_refused_reached_a_service(void **state)
{
    const struct house *house = *state;

    calls = 0;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (rows[i].status >= 400)
            (void) ask(house, rows[i].bytes, NULL);
    assert_int_equal(calls, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_the_table_holds),
        cmocka_unit_test(every_row_holds_byte_by_byte),
        cmocka_unit_test(bytes_with_nul_are_refused),
        cmocka_unit_test(limits_hold_on_both_sides),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(head_answers_like_get_without_the_body),
        cmocka_unit_test(who_expects_a_continue_gets_one),
        cmocka_unit_test(problems_speak_chinese_first_and_english_when_asked),
        cmocka_unit_test(nothing_refused_reached_a_service),
    };
    return cmocka_run_group_tests(tests, begin, finish);
}
