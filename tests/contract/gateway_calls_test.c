/* Goal: who may call what: sessions, cookies, CSRF, tokens, tenants, rates; and what goes with a
 * call: envelope, ETags, streams, deadlines. Method: a gateway over real TLS whose services are one
 * function that records what it was asked. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock/clock.h"
#include "gateway_harness.h"
#include "gateway_sample.pb-c.h"
#include "identity.pb-c.h"
#include "loop.h"
#include "route_row.h"
#include "test.h"

#define H "Host: localhost\r\n"
#define JSON "Content-Type: application/json\r\n"
#define ID "0190a5e0-7c1a-7000-8000-0123456789ab"

/* What the services saw last. */
static struct {
    char method[64], service[32], key[80], if_match[80], language[16], trace[64];
    uint8_t tenant[16], request_id[16];
    size_t tenant_size, principal_size;
    int64_t deadline_us;
    int calls, resumes;
} seen;

static void
resume(const Bus__Envelope *envelope, struct fake_answer *answer)
{
    static Identity__ResumeSessionReply reply;
    static Huzhu__Instant expires;
    static uint8_t signed_bytes[512], principal_bytes[256], account[16], tenant[16];
    Bus__Principal principal = BUS__PRINCIPAL__INIT;
    Bus__SignedPrincipal proof = BUS__SIGNED_PRINCIPAL__INIT;
    Identity__ResumeSessionRequest *request =
        identity__resume_session_request__unpack(NULL, envelope->body.len, envelope->body.data);

    seen.resumes++;
    identity__resume_session_reply__init(&reply);
    huzhu__instant__init(&expires);
    assert_non_null(request);
    assert_string_equal(request->address, "127.0.0.1");
    const char *token = request->token;
    const bool known = strncmp(token, "good", 4) == 0 || strcmp(token, "api") == 0;
    memset(account, token[strlen(token) - 1], sizeof account);
    memset(tenant, 0x11, sizeof tenant);
    expires.us = clock_now().us + 3600 * US_PER_SECOND;
    principal.account_id = (ProtobufCBinaryData){ 16, account };
    principal.tenant_id = (ProtobufCBinaryData){ 16, tenant };
    principal.expires_us = clock_now().us + 300 * US_PER_SECOND;
    proof.principal.len = bus__principal__pack(&principal, principal_bytes);
    proof.principal.data = principal_bytes;
    reply.principal.len = bus__signed_principal__pack(&proof, signed_bytes);
    reply.principal.data = signed_bytes;
    reply.csrf_token = (char *) (uintptr_t) (strcmp(token, "api") == 0 ? "" : "csrf-1");
    reply.expires = &expires;
    if (strcmp(token, "away") == 0)
        *answer = (struct fake_answer){ .code = ERR_UNAVAILABLE, .reason = "bus.away", .parts = 1 };
    else if (!known)
        *answer = (struct fake_answer){ .code = ERR_UNAUTHENTICATED,
                                        .reason = "session.none",
                                        .parts = 1 };
    else
        answer->reply = &reply.base;
    identity__resume_session_request__free_unpacked(request, NULL);
}

static void
sign_in(struct fake_answer *answer)
{
    static Identity__SignInReply reply;

    identity__sign_in_reply__init(&reply);
    reply.session_token = (char *) (uintptr_t) "good-1";
    reply.csrf_token = (char *) (uintptr_t) "csrf-1";
    reply.principal = (ProtobufCBinaryData){ 3, (uint8_t *) (uintptr_t) "abc" };
    answer->reply = &reply.base;
}

/* The text of an Echo says what shall happen. */
static void
echo(const Bus__Envelope *envelope, struct fake_answer *answer)
{
    static Sample__EchoReply reply;
    static char text[64];
    Sample__EchoRequest *request =
        sample__echo_request__unpack(NULL, envelope->body.len, envelope->body.data);

    assert_non_null(request);
    (void) snprintf(text, sizeof text, "%s", request->text);
    sample__echo_request__free_unpacked(request, NULL);
    sample__echo_reply__init(&reply);
    reply.text = text;
    answer->reply = &reply.base;
    if (strcmp(text, "etag") == 0)
        answer->etag = "v7";
    else if (strcmp(text, "late") == 0)
        answer->silent = true;
    else if (strcmp(text, "slow") == 0)
        answer->after_ms = 700;
    else if (strcmp(text, "parts") == 0)
        answer->parts = 3;
    else if (strcmp(text, "internal") == 0)
        *answer = (struct fake_answer){
            .code = ERR_INTERNAL, .reason = "db.secret", .text = "password=hunter2", .parts = 1
        };
    else if (strcmp(text, "refused") == 0)
        *answer = (struct fake_answer){ .code = ERR_REFUSED,
                                        .reason = "claim.window_closed",
                                        .text = "filed 200 days after discharge",
                                        .parts = 1 };
    else if (strcmp(text, "stale") == 0)
        *answer = (struct fake_answer){ .code = ERR_STALE, .reason = "claim.stale", .parts = 1 };
    else if (strcmp(text, "away") == 0)
        *answer =
            (struct fake_answer){ .code = ERR_UNAVAILABLE, .reason = "bus.queue_full", .parts = 1 };
}

static bool services_down;

static void
fake(const char *service, const Bus__Envelope *envelope, struct fake_answer *answer)
{
    if (strcmp(envelope->method, "Common.Ping") == 0) {
        if (services_down && strcmp(service, "audit") == 0)
            answer->code = ERR_DEADLINE;
        return;
    }
    if (strcmp(envelope->method, "ResumeSession") == 0) {
        resume(envelope, answer);
        return;
    }
    seen.calls++;
    (void) snprintf(seen.method, sizeof seen.method, "%s", envelope->method);
    (void) snprintf(seen.service, sizeof seen.service, "%s", service);
    (void) snprintf(seen.key, sizeof seen.key, "%s", envelope->idempotency_key);
    (void) snprintf(seen.if_match, sizeof seen.if_match, "%s", envelope->if_match);
    (void) snprintf(seen.language, sizeof seen.language, "%s", envelope->language);
    (void) snprintf(seen.trace, sizeof seen.trace, "%s", envelope->traceparent);
    seen.tenant_size = envelope->tenant_id.len;
    if (seen.tenant_size == 16)
        memcpy(seen.tenant, envelope->tenant_id.data, 16);
    assert_int_equal(envelope->request_id.len, 16);
    seen.principal_size = envelope->principal.len;
    seen.deadline_us = envelope->deadline_us;
    if (strcmp(envelope->method, "SignIn") == 0)
        sign_in(answer);
    else if (strcmp(envelope->method, "Echo") == 0)
        echo(envelope, answer);
}

static struct route sample_routes[] = {
    SAMPLE_ROW(POST, "/api/v1/echo", "Echo", 0),
    SAMPLE_ROW(GET, "/api/v1/echo", "Echo", 0),
    SAMPLE_ROW(GET, "/api/v1/public", "Echo", ROUTE_ANONYMOUS),
    SAMPLE_ROW(GET, "/api/v1/stream", "Echo", ROUTE_ANONYMOUS | ROUTE_STREAM),
    SAMPLE_ROW(POST, "/api/v1/renew", "Echo", ROUTE_RENEW),
    ROUTE_ROW(POST, "/api/v1/sessions", "identity", "SignIn", identity__identity__descriptor, 201,
              ROUTE_ANONYMOUS | ROUTE_SIGN_IN),
    ROUTE_ROW(POST, "/api/v1/sessions:signOut", "identity", "SignOut",
              identity__identity__descriptor, 200, ROUTE_SIGN_OUT),
};

static int
begin(void **state)
{
    static struct house house;
    struct gateway_parts parts = { .routes = sample_routes, .route_count = COUNT(sample_routes) };
    char line[96];
    static const char *settings[4];

    FILE *file = fopen("/tmp/huzhu-gateway-tenants", "w");
    assert_non_null(file);
    (void) fputs("# hosts\nvillage.test 22222222-2222-2222-2222-222222222222\n"
                 "other.test 33333333-3333-3333-3333-333333333333\n"
                 "one.test 11111111-1111-1111-1111-111111111111\n",
                 file);
    (void) fclose(file);
    (void) snprintf(line, sizeof line, "TENANTS_FILE=/tmp/huzhu-gateway-tenants");
    settings[0] = line;
    settings[1] = "DEADLINE=1s";
    house_open(&house, fake, &parts, settings);
    (void) remove("/tmp/huzhu-gateway-tenants");
    *state = &house;
    return 0;
}

static int
finish(void **state)
{
    house_close(*state);
    return 0;
}

static const struct {
    const char *name, *request;
    int status;
    const char *has; /* in the body */
    int calls;       /* that reached the service */
} rows[] = {
    { "nobody may read", "GET /api/v1/echo HTTP/1.1\r\n" H "\r\n", 401, "session.required", 0 },
    { "nobody may read what is public", "GET /api/v1/public HTTP/1.1\r\n" H "\r\n", 200, "{}", 1 },
    { "a session reads",
      "GET /api/v1/echo HTTP/1.1\r\n" H "Cookie: a=b; __Host-huzhu=good-1\r\n\r\n", 200, "{}", 1 },
    { "an unknown session", "GET /api/v1/echo HTTP/1.1\r\n" H "Cookie: __Host-huzhu=bad\r\n\r\n",
      401, "session.unknown", 0 },
    { "an unknown session reads what is public",
      "GET /api/v1/public HTTP/1.1\r\n" H "Cookie: __Host-huzhu=bad\r\n\r\n", 200, "{}", 1 },
    { "a cookie of another name", "GET /api/v1/echo HTTP/1.1\r\n" H "Cookie: huzhu=good-1\r\n\r\n",
      401, "session.required", 0 },
    { "a cookie whose name ends alike",
      "GET /api/v1/echo HTTP/1.1\r\n" H "Cookie: x__Host-huzhu=good-1\r\n\r\n", 401,
      "session.required", 0 },
    { "a token with control characters",
      "GET /api/v1/echo HTTP/1.1\r\n" H "Cookie: __Host-huzhu=go\x80od\r\n\r\n", 401,
      "session.unknown", 0 },
    { "a session writes with its CSRF token",
      "POST /api/v1/echo HTTP/1.1\r\n" H
      "Cookie: __Host-huzhu=good-1\r\nX-CSRF-Token: csrf-1\r\n\r\n",
      200, "{}", 1 },
    { "without the CSRF token it does not",
      "POST /api/v1/echo HTTP/1.1\r\n" H "Cookie: __Host-huzhu=good-1\r\n\r\n", 403, "session.csrf",
      0 },
    { "with an empty one neither",
      "POST /api/v1/echo HTTP/1.1\r\n" H "Cookie: __Host-huzhu=good-1\r\nX-CSRF-Token:\r\n\r\n",
      403, "session.csrf", 0 },
    { "with a wrong one neither",
      "POST /api/v1/echo HTTP/1.1\r\n" H
      "Cookie: __Host-huzhu=good-1\r\nX-CSRF-Token: csrf-2\r\n\r\n",
      403, "session.csrf", 0 },
    { "with a longer one neither",
      "POST /api/v1/echo HTTP/1.1\r\n" H
      "Cookie: __Host-huzhu=good-1\r\nX-CSRF-Token: csrf-11\r\n\r\n",
      403, "session.csrf", 0 },
    { "an API token in a cookie has no CSRF token",
      "POST /api/v1/echo HTTP/1.1\r\n" H "Cookie: __Host-huzhu=api\r\nX-CSRF-Token:\r\n\r\n", 403,
      "session.csrf", 0 },
    { "from another site neither",
      "POST /api/v1/echo HTTP/1.1\r\n" H
      "Cookie: __Host-huzhu=good-1\r\nX-CSRF-Token: csrf-1\r\nSec-Fetch-Site: cross-site\r\n\r\n",
      403, "session.cross_site", 0 },
    { "from a neighbour's name neither",
      "POST /api/v1/echo HTTP/1.1\r\n" H
      "Cookie: __Host-huzhu=good-1\r\nX-CSRF-Token: csrf-1\r\nSec-Fetch-Site: same-site\r\n\r\n",
      403, "session.cross_site", 0 },
    { "from a page of ours",
      "POST /api/v1/echo HTTP/1.1\r\n" H
      "Cookie: __Host-huzhu=good-1\r\nX-CSRF-Token: csrf-1\r\nSec-Fetch-Site: "
      "same-origin\r\nOrigin: https://localhost\r\n\r\n",
      200, "{}", 1 },
    { "from an origin of another scheme",
      "POST /api/v1/echo HTTP/1.1\r\n" H
      "Cookie: __Host-huzhu=good-1\r\nX-CSRF-Token: csrf-1\r\nOrigin: http://localhost\r\n\r\n",
      403, "session.cross_site", 0 },
    { "from no origin",
      "POST /api/v1/echo HTTP/1.1\r\n" H
      "Cookie: __Host-huzhu=good-1\r\nX-CSRF-Token: csrf-1\r\nOrigin: null\r\n\r\n",
      403, "session.cross_site", 0 },
    { "a bearer token needs no CSRF token",
      "POST /api/v1/echo HTTP/1.1\r\n" H "Authorization: Bearer api\r\n\r\n", 200, "{}", 1 },
    { "bearer in small letters",
      "POST /api/v1/echo HTTP/1.1\r\n" H "Authorization: bearer api\r\n\r\n", 200, "{}", 1 },
    { "an unknown bearer token",
      "POST /api/v1/echo HTTP/1.1\r\n" H "Authorization: Bearer nope\r\n\r\n", 401,
      "session.unknown", 0 },
    { "another scheme", "POST /api/v1/echo HTTP/1.1\r\n" H "Authorization: Basic YTpi\r\n\r\n", 401,
      "session.unknown", 0 },
    { "another scheme hides no cookie",
      "GET /api/v1/echo HTTP/1.1\r\n" H
      "Authorization: Basic YTpi\r\nCookie: __Host-huzhu=good-1\r\n\r\n",
      401, "session.unknown", 0 },
    { "identity is away", "GET /api/v1/echo HTTP/1.1\r\n" H "Authorization: Bearer away\r\n\r\n",
      503, "bus.away", 0 },
    { "a session on its tenant's host",
      "GET /api/v1/echo HTTP/1.1\r\nHost: one.test\r\nCookie: __Host-huzhu=good-1\r\n\r\n", 200,
      "{}", 1 },
    { "a session on another tenant's host",
      "GET /api/v1/echo HTTP/1.1\r\nHost: other.test\r\nCookie: __Host-huzhu=good-1\r\n\r\n", 404,
      "\"title\":\"没有这个网址\"", 0 },
    { "a refusal", "GET /api/v1/public?text=refused HTTP/1.1\r\n" H "\r\n", 422,
      "claim.window_closed", 1 },
    { "a stale change", "GET /api/v1/public?text=stale HTTP/1.1\r\n" H "\r\n", 412, "claim.stale",
      1 },
    { "a full queue", "GET /api/v1/public?text=away HTTP/1.1\r\n" H "\r\n", 503, "bus.queue_full",
      1 },
    { "no answer in time", "GET /api/v1/public?text=late HTTP/1.1\r\n" H "\r\n", 504, "DEADLINE",
      1 },
    { "a late answer within Prefer",
      "GET /api/v1/public?text=slow HTTP/1.1\r\n" H "Prefer: respond-async, wait=3\r\n\r\n", 200,
      "slow", 1 },
    { "an internal error keeps its cause", "GET /api/v1/public?text=internal HTTP/1.1\r\n" H "\r\n",
      500, "\"reason\":\"internal\"", 1 },
    { "sign-in with an address of one's own",
      "POST /api/v1/sessions HTTP/1.1\r\n" H JSON
      "Content-Length: 21\r\n\r\n{\"address\":\"1.2.3.4\"}",
      400, "json.duplicate", 0 },
    { "sign-in from another site",
      "POST /api/v1/sessions HTTP/1.1\r\n" H JSON
      "Sec-Fetch-Site: cross-site\r\nContent-Length: 2\r\n\r\n{}",
      403, "session.cross_site", 0 },
};

static void
every_row_of_the_table_holds(void **state)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct answer answer;
        seen.calls = 0;
        const int status = ask(*state, rows[i].request, &answer);
        if (status != rows[i].status || !strstr(answer.body, rows[i].has) ||
            seen.calls != rows[i].calls)
            fail_msg("%s: %d instead of %d, %d calls: %s", rows[i].name, status, rows[i].status,
                     seen.calls, answer.body);
        assert_null(strstr(answer.body, "hunter2"));
        if (status == 401)
            assert_non_null(answer_header(&answer, "WWW-Authenticate"));
        if (status == 503 || status == 504)
            assert_non_null(answer_header(&answer, "Retry-After"));
        answer_free(&answer);
    }
}

static void
signing_in_sets_the_cookies_and_hides_the_tokens(void **state)
{
    struct answer answer;

    assert_int_equal(ask(*state,
                         "POST /api/v1/sessions HTTP/1.1\r\n" H JSON
                         "Content-Length: 37\r\n\r\n{\"loginName\":\"a@b\",\"password\":\"pw12\"}",
                         &answer),
                     201);
    assert_string_equal(answer.body, "{\"csrfToken\":\"csrf-1\"}");
    assert_non_null(
        strstr(answer.head,
               "Set-Cookie: __Host-huzhu=good-1; Path=/; Secure; SameSite=Strict; HttpOnly\r\n"));
    assert_non_null(strstr(
        answer.head, "Set-Cookie: __Host-huzhu-csrf=csrf-1; Path=/; Secure; SameSite=Strict\r\n"));
    assert_string_equal(answer_header(&answer, "Cache-Control"), "no-store");
    assert_string_equal(seen.method, "SignIn");
    assert_string_equal(seen.service, "identity");
    answer_free(&answer);
}

static void
a_session_is_asked_for_once_until_it_is_signed_out(void **state)
{
    static const char read[] =
        "GET /api/v1/echo HTTP/1.1\r\n" H "Cookie: __Host-huzhu=good-2\r\n\r\n";
    struct answer answer;

    seen.resumes = 0;
    for (int i = 0; i < 5; i++)
        assert_int_equal(ask(*state, read, NULL), 200);
    assert_int_equal(seen.resumes, 1);
    assert_int_equal(ask(*state,
                         "POST /api/v1/sessions:signOut HTTP/1.1\r\n" H
                         "Cookie: __Host-huzhu=good-2\r\nX-CSRF-Token: csrf-1\r\n\r\n",
                         &answer),
                     200);
    assert_non_null(strstr(
        answer.head,
        "Set-Cookie: __Host-huzhu=; Path=/; Secure; SameSite=Strict; HttpOnly; Max-Age=0\r\n"));
    answer_free(&answer);
    assert_int_equal(ask(*state, read, NULL), 200);
    assert_int_equal(seen.resumes, 2);
    assert_int_equal(ask(*state,
                         "POST /api/v1/renew HTTP/1.1\r\n" H
                         "Cookie: __Host-huzhu=good-2\r\nX-CSRF-Token: csrf-1\r\n\r\n",
                         NULL),
                     200);
    assert_int_equal(ask(*state, read, NULL), 200);
    assert_int_equal(seen.resumes, 3);
}

static void
the_envelope_says_who_and_until_when(void **state)
{
    static const uint8_t ones[16] = { 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
                                      0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11 };
    const int64_t now_us = clock_now().us;

    assert_int_equal(
        ask(*state,
            "POST /api/v1/echo HTTP/1.1\r\n" H "Authorization: Bearer api\r\n"
            "Idempotency-Key: my-key\r\nIf-Match: \"v7\"\r\nAccept-Language: en\r\n"
            "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n",
            NULL),
        200);
    assert_string_equal(seen.key, "my-key");
    assert_string_equal(seen.if_match, "v7");
    assert_string_equal(seen.language, "en");
    assert_memory_equal(seen.trace, "00-0af7651916cd43dd8448eb211c80319c-", 36);
    assert_memory_not_equal(seen.trace + 36, "b7ad6b7169203331", 16);
    assert_int_equal(seen.tenant_size, 16);
    assert_memory_equal(seen.tenant, ones, 16);
    assert_true(seen.principal_size > 0);
    assert_in_range(seen.deadline_us - now_us, US_PER_SECOND / 2, 3 * US_PER_SECOND);

    /* What the client leaves out: the key is minted for a write, not for a read. */
    assert_int_equal(
        ask(*state, "POST /api/v1/echo HTTP/1.1\r\n" H "Authorization: Bearer api\r\n\r\n", NULL),
        200);
    assert_int_equal(strlen(seen.key), 36);
    assert_string_equal(seen.language, "zh-CN");
    assert_int_equal(
        ask(*state, "GET /api/v1/echo HTTP/1.1\r\n" H "Authorization: Bearer api\r\n\r\n", NULL),
        200);
    assert_string_equal(seen.key, "");

    /* Nobody signed in: the host says whose page it is. */
    assert_int_equal(
        ask(*state, "GET /api/v1/public HTTP/1.1\r\nHost: village.test:8443\r\n\r\n", NULL), 200);
    assert_int_equal(seen.tenant[0], 0x22);
    assert_int_equal(ask(*state, "GET /api/v1/public HTTP/1.1\r\n" H "\r\n", NULL), 200);
    assert_int_equal(seen.tenant_size, 0);
    assert_int_equal(seen.principal_size, 0);
}

static void
etags_of_a_service_are_kept_and_compared(void **state)
{
    struct answer answer;

    assert_int_equal(ask(*state, "GET /api/v1/public?text=etag HTTP/1.1\r\n" H "\r\n", &answer),
                     200);
    assert_string_equal(answer_header(&answer, "ETag"), "\"v7\"");
    answer_free(&answer);
    assert_int_equal(ask(*state,
                         "GET /api/v1/public?text=etag HTTP/1.1\r\n" H
                         "If-None-Match: \"v6\", W/\"v7\"\r\n\r\n",
                         &answer),
                     304);
    assert_int_equal(answer.body_size, 0);
    answer_free(&answer);
}

static void
answers_in_parts_are_joined_or_streamed(void **state)
{
    struct answer answer;

    /* Three equal parts join to a message whose last field wins. */
    assert_int_equal(ask(*state, "GET /api/v1/public?text=parts HTTP/1.1\r\n" H "\r\n", &answer),
                     200);
    assert_string_equal(answer.body, "{\"text\":\"parts\"}");
    answer_free(&answer);
    assert_int_equal(ask(*state, "GET /api/v1/stream?text=parts HTTP/1.1\r\n" H "\r\n", &answer),
                     200);
    assert_string_equal(answer_header(&answer, "Transfer-Encoding"), "chunked");
    assert_int_equal(answer.body_size, 3 * 7); /* tag, length and "parts", thrice */
    answer_free(&answer);
}

static void
a_client_that_goes_is_forgotten(void **state)
{
    const struct house *house = *state;
    struct client client;
    struct answer answer;

    for (int i = 0; i < 20; i++) {
        client_open(&client, house->port);
        client_puts(&client, "GET /api/v1/public?text=slow HTTP/1.1\r\n" H "\r\n");
        client_close(&client);
    }
    assert_int_equal(ask(house, "GET /api/v1/public?text=slow HTTP/1.1\r\n" H "\r\n", &answer),
                     200);
    answer_free(&answer);
    const int64_t until_us = clock_monotonic_us() + 3 * US_PER_SECOND;
    while (__atomic_load_n(&house->gateway->connection_count, __ATOMIC_RELAXED) > 0 &&
           clock_monotonic_us() < until_us)
        (void) usleep(10000);
    assert_int_equal(__atomic_load_n(&house->gateway->connection_count, __ATOMIC_RELAXED), 0);
}

static bool revoke_all;

static void
revocations(struct fake_answer *answer)
{
    static Identity__ListRevocationsReply reply;
    static Identity__ListRevocationsReply__Revocation one, *list[] = { &one };
    static Huzhu__Id id;
    static uint8_t account[16];

    identity__list_revocations_reply__init(&reply);
    identity__list_revocations_reply__revocation__init(&one);
    huzhu__id__init(&id);
    memset(account, '7', sizeof account);
    id.value = (ProtobufCBinaryData){ sizeof account, account };
    one.account_id = &id;
    reply.revocations = list;
    reply.n_revocations = 1;
    reply.more = revoke_all;
    answer->reply = &reply.base;
}

/* How many of two sessions identity is asked for when both are used. */
static int
asked_for_both(const struct house *house)
{
    struct answer answer;

    seen.resumes = 0;
    for (int i = 7; i <= 8; i++) {
        char request[160];
        (void) snprintf(request, sizeof request,
                        "GET /api/v1/echo HTTP/1.1\r\n" H "Cookie: __Host-huzhu=good-%d\r\n\r\n",
                        i);
        assert_int_equal(ask(house, request, &answer), 200);
        answer_free(&answer);
    }
    return seen.resumes;
}

/* Goal: who lost a session, a role or the account elsewhere loses it here within two seconds, not
 * when the kept principal ends. */
static void
what_identity_took_away_is_forgotten(void **state)
{
    assert_int_equal(asked_for_both(*state), 2);
    (void) usleep(1500000); /* a question that is answered by "nothing" has passed */
    assert_int_equal(asked_for_both(*state), 0);
    house_revocations = revocations;
    (void) usleep(2000000);
    assert_int_equal(asked_for_both(*state), 1); /* the other one's account lost nothing */
    revoke_all = true;
    (void) usleep(2000000);
    assert_int_equal(asked_for_both(*state), 2);
    house_revocations = NULL;
}

static void
health_tells_of_each_service(void **state)
{
    struct answer answer;

    assert_int_equal(ask(*state, "GET /healthz HTTP/1.1\r\n" H "\r\n", &answer), 200);
    answer_free(&answer);
    assert_int_equal(ask(*state, "GET /readyz HTTP/1.1\r\n" H "\r\n", &answer), 200);
    assert_non_null(strstr(answer.body, "\"audit\":true"));
    answer_free(&answer);
    services_down = true;
    (void) usleep(1100000); /* what is known is kept for a second */
    assert_int_equal(ask(*state, "GET /readyz HTTP/1.1\r\n" H "\r\n", &answer), 503);
    assert_non_null(strstr(answer.body, "\"audit\":false"));
    assert_non_null(strstr(answer.body, "\"claims\":true"));
    answer_free(&answer);
    services_down = false;
}

static void
the_contract_is_published(void **state)
{
    struct answer answer;

    assert_int_equal(ask(*state, "GET /api/v1/openapi.json HTTP/1.1\r\n" H "\r\n", &answer), 200);
    assert_string_equal(answer_header(&answer, "Content-Type"), "application/json");
    assert_non_null(strstr(answer.body, "\"openapi\":\"3.1.0\""));
    assert_non_null(strstr(answer.body, "\"/api/v1/sessions:signOut\""));
    answer_free(&answer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_the_table_holds),
        cmocka_unit_test(signing_in_sets_the_cookies_and_hides_the_tokens),
        cmocka_unit_test(a_session_is_asked_for_once_until_it_is_signed_out),
        cmocka_unit_test(the_envelope_says_who_and_until_when),
        cmocka_unit_test(etags_of_a_service_are_kept_and_compared),
        cmocka_unit_test(answers_in_parts_are_joined_or_streamed),
        cmocka_unit_test(a_client_that_goes_is_forgotten),
        cmocka_unit_test(what_identity_took_away_is_forgotten),
        cmocka_unit_test(health_tells_of_each_service),
        cmocka_unit_test(the_contract_is_published),
    };
    return cmocka_run_group_tests(tests, begin, finish);
}
