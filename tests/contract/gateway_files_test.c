/* Goal: replies that are files, uploads of any service, a tenant's public pages, filters in a
 * query. Method: a gateway over real TLS whose services are one function; what it shall do with a
 * request is asked by the request itself. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock/clock.h"
#include "gateway_harness.h"
#include "gateway_sample.pb-c.h"
#include "identity.pb-c.h"
#include "loop.h"
#include "route_row.h"
#include "test.h"

#define H "Host: localhost\r\n"
#define BROWSER                                                                                    \
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8\r\n"
#define TEXT(text) ((char *) (text))
#define MIB ((size_t) 1 << 20)

/* What the services saw. */
static struct {
    int calls, resolves, resumes;
    uint8_t tenant[16];
    size_t tenant_size, principal_size;
} seen;

static uint8_t
byte_at(uint64_t offset)
{
    return (uint8_t) (offset * 31 + offset / 251);
}

/* --- a service of files --- */

#define XLSX "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

static const struct {
    const char *what, *type, *name, *body, *etag;
} files[] = {
    { "page", "text/html; charset=utf-8", "", "<p>公示</p>", "" },
    { "csv", "text/csv; charset=utf-8", "2026 年筹集台账.csv", "a,b\r\n", "v3" },
    { "plain", "text/plain; charset=utf-8", "a \"b\" 100%.txt", "x", "" },
    { "ascii", "application/pdf", "receipt-1.pdf", "%PDF-1.7", "" },
    { "sheet", XLSX, "x.xlsx", "PK", "" },
    { "zip", "application/zip", "x.zip", "PK", "" },
    { "png", "image/png", "", "\x89PNG", "" },
    { "jpeg", "image/jpeg", "", "\xff\xd8", "" },
    { "json", "application/json", "", "{}", "" },
    { "empty", "text/plain; charset=utf-8", "", "", "" },
    /* from here on: what may not leave */
    { "script", "text/javascript", "", "alert(1)", "" },
    { "svg", "image/svg+xml", "", "<svg/>", "" },
    { "html", "text/html", "", "no charset", "" },
    { "typeless", "", "", "x", "" },
    { "twolines", "text/plain; charset=utf-8\r\nSet-Cookie: a=b", "", "x", "" },
    { "path", "application/pdf", "../etc/passwd", "x", "" },
    { "dots", "application/pdf", "..", "x", "" },
    { "line", "application/pdf", "a\r\nSet-Cookie: a=b", "x", "" },
    { "bytes", "application/pdf", "a\xff.pdf", "x", "" },
};
enum { FIRST_BAD = 10 };

static void
big_file(const char *what, struct fake_answer *answer, Sample__FileReply *reply)
{
    static uint8_t *bytes;
    const size_t room = 8 * MIB + 1;

    if (!bytes) {
        bytes = malloc(room);
        assert_non_null(bytes);
        for (size_t i = 0; i < room; i++)
            bytes[i] = byte_at(i);
    }
    reply->content_type = TEXT("application/zip");
    reply->file_name = TEXT("big.zip");
    reply->body = (ProtobufCBinaryData){ 8 * MIB + (strcmp(what, "toobig") == 0), bytes };
    if (strcmp(what, "half") == 0)
        reply->body.len = MIB / 2; /* in one part, and more than a write takes */
    else
        answer->part_bytes = 1900000;
}

static void
serve_file(const Bus__Envelope *envelope, struct fake_answer *answer)
{
    static Sample__FileReply reply;
    static char what[64];
    Sample__FileRequest *in =
        sample__file_request__unpack(NULL, envelope->body.len, envelope->body.data);

    assert_non_null(in);
    (void) snprintf(what, sizeof what, "%s", in->what);
    sample__file_request__free_unpacked(in, NULL);
    sample__file_reply__init(&reply);
    reply.rows = 7;
    answer->reply = &reply.base;
    if (strcmp(what, "big") == 0 || strcmp(what, "toobig") == 0 || strcmp(what, "half") == 0) {
        big_file(what, answer, &reply);
        return;
    }
    if (strncmp(what, "cut", 3) == 0) {
        answer->cut_bytes = strtoul(what + 3, NULL, 10);
        answer->part_bytes = 7;
        (void) snprintf(what, sizeof what, "csv");
    }
    for (size_t i = 0; i < COUNT(files); i++) {
        if (strcmp(files[i].what, what) == 0) {
            reply.content_type = TEXT(files[i].type);
            reply.file_name = TEXT(files[i].name);
            reply.etag = TEXT(files[i].etag);
            reply.body =
                (ProtobufCBinaryData){ strlen(files[i].body), (uint8_t *) TEXT(files[i].body) };
            return;
        }
    }
    *answer =
        (struct fake_answer){ .code = ERR_NOT_FOUND,
                              .reason = "notice.none",
                              .title = strcmp(envelope->language, "en") == 0 ? "no <such> notice"
                                                                             : "没有这份<公示>",
                              .parts = 1 };
}

/* --- a service of registers --- */

static struct {
    uint64_t size, chunks;
    bool last, broken;
    char village[64], keys[2][80];
    uint32_t number;
} stored;

static void
take_register(const Bus__Envelope *envelope, struct fake_answer *answer)
{
    static Sample__KeepReply reply;
    Sample__KeepRequest *in =
        sample__keep_request__unpack(NULL, envelope->body.len, envelope->body.data);

    assert_non_null(in);
    if (in->offset == 0)
        memset(&stored, 0, sizeof stored);
    if ((uint64_t) in->offset != stored.size || stored.last)
        stored.broken = true;
    for (size_t i = 0; i < in->data.len; i++)
        if (in->data.data[i] != byte_at(stored.size + i))
            stored.broken = true;
    stored.size += in->data.len;
    stored.last = in->last;
    stored.number = in->number;
    (void) snprintf(stored.village, sizeof stored.village, "%s", in->village);
    (void) snprintf(stored.keys[stored.chunks++ > 0], sizeof stored.keys[0], "%s",
                    envelope->idempotency_key);
    sample__keep_reply__init(&reply);
    reply.size = (int64_t) stored.size;
    answer->reply = &reply.base;
    sample__keep_request__free_unpacked(in, NULL);
}

/* --- identity --- */

static void
resolve(const Bus__Envelope *envelope, struct fake_answer *answer)
{
    static Identity__ResolveTenantReply reply;
    static Huzhu__Id id;
    static uint8_t bytes[16];
    Identity__ResolveTenantRequest *in =
        identity__resolve_tenant_request__unpack(NULL, envelope->body.len, envelope->body.data);

    assert_non_null(in);
    seen.resolves++;
    assert_int_equal(envelope->tenant_id.len, 0);
    memset(bytes, in->code[0], sizeof bytes);
    huzhu__id__init(&id);
    id.value = (ProtobufCBinaryData){ sizeof bytes, bytes };
    identity__resolve_tenant_reply__init(&reply);
    reply.tenant_id = &id;
    reply.name = TEXT("镇");
    reply.state = strcmp(in->code, "closed") == 0 ? IDENTITY__TENANT__STATE__CLOSED
                                                  : IDENTITY__TENANT__STATE__ACTIVE;
    answer->reply = &reply.base;
    if (strcmp(in->code, "away") == 0)
        *answer = (struct fake_answer){ .code = ERR_UNAVAILABLE, .reason = "bus.away", .parts = 1 };
    else if (strcmp(in->code, "odd") == 0)
        id.value.len = 15;
    else if (strncmp(in->code, "none", 4) == 0)
        *answer =
            (struct fake_answer){ .code = ERR_NOT_FOUND, .reason = "tenant.none", .parts = 1 };
    identity__resolve_tenant_request__free_unpacked(in, NULL);
}

static void
resume(struct fake_answer *answer)
{
    static Identity__ResumeSessionReply reply;
    static uint8_t signed_bytes[512], principal_bytes[256], account[16] = { 1 }, tenant[16] = { 2 };
    Bus__Principal principal = BUS__PRINCIPAL__INIT;
    Bus__SignedPrincipal proof = BUS__SIGNED_PRINCIPAL__INIT;

    seen.resumes++;
    identity__resume_session_reply__init(&reply);
    principal.account_id = (ProtobufCBinaryData){ 16, account };
    principal.tenant_id = (ProtobufCBinaryData){ 16, tenant };
    principal.expires_us = clock_now().us + 300 * US_PER_SECOND;
    proof.principal.len = bus__principal__pack(&principal, principal_bytes);
    proof.principal.data = principal_bytes;
    reply.principal.len = bus__signed_principal__pack(&proof, signed_bytes);
    reply.principal.data = signed_bytes;
    answer->reply = &reply.base;
}

static void
fake(const char *service, const Bus__Envelope *envelope, struct fake_answer *answer)
{
    static Sample__Sample *found;

    (void) service;
    if (strcmp(envelope->method, "ResolveTenant") == 0) {
        resolve(envelope, answer);
        return;
    }
    if (strcmp(envelope->method, "ResumeSession") == 0) {
        resume(answer);
        return;
    }
    seen.calls++;
    seen.principal_size = envelope->principal.len;
    seen.tenant_size = envelope->tenant_id.len;
    if (seen.tenant_size == 16)
        memcpy(seen.tenant, envelope->tenant_id.data, 16);
    if (strcmp(envelope->method, "File") == 0) {
        serve_file(envelope, answer);
    } else if (strcmp(envelope->method, "Keep") == 0) {
        take_register(envelope, answer);
    } else {
        if (found)
            sample__sample__free_unpacked(found, NULL);
        found = sample__sample__unpack(NULL, envelope->body.len, envelope->body.data);
        assert_non_null(found);
        answer->reply = &found->base;
    }
}

static struct route routes[] = {
    SAMPLE_ROW(GET, "/api/v1/files/{what}", "File", ROUTE_FILE),
    SAMPLE_ROW(GET, "/api/v1/open/{what}", "File", ROUTE_FILE | ROUTE_ANONYMOUS),
    SAMPLE_ROW(GET, "/p/{tenantCode}/notices/{what}", "File", ROUTE_FILE | ROUTE_PUBLIC),
    SAMPLE_ROW(GET, "/p/{tenantCode}/", "Find", ROUTE_PUBLIC),
    SAMPLE_ROW(GET, "/p/{tenantCode}/find", "Find", ROUTE_PUBLIC),
    SAMPLE_ROW(POST, "/p/{tenantCode}/find", "Find", ROUTE_PUBLIC),
    SAMPLE_ROW(GET, "/api/v1/find", "Find", ROUTE_ANONYMOUS),
    SAMPLE_ROW(PUT, "/api/v1/registers/{number}", "Keep", ROUTE_UPLOAD | ROUTE_ANONYMOUS),
    SAMPLE_ROW(PUT, "/api/v1/books/{village}/{number}", "Keep",
               ROUTE_UPLOAD | ROUTE_UPLOAD_64 | ROUTE_ANONYMOUS),
};
static const struct gateway_parts parts = { .routes = routes, .route_count = COUNT(routes) };

static int
begin(void **state)
{
    static struct house house;
    static char line[96];
    /* Room for one file of 8 MiB at a time: what is not given back is missed by the next. */
    const char *const settings[] = { line, "UPLOAD_CHUNK_BYTES=262144", "BODY_MEMORY=12582912",
                                     NULL };
    char path[] = "/tmp/huzhu-files-XXXXXX";

    const int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    (void) fputs("village.test 22222222-2222-2222-2222-222222222222\n", file);
    (void) fclose(file);
    (void) snprintf(line, sizeof line, "TENANTS_FILE=%s", path);
    house_open(&house, fake, &parts, settings);
    (void) remove(path);
    *state = &house;
    return 0;
}

static int
finish(void **state)
{
    house_close(*state);
    return 0;
}

/* A GET with further header lines. */
static int
get(const struct house *house, const char *path, const char *lines, struct answer *answer)
{
    char request[1024];

    (void) snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" H "%s\r\n", path, lines);
    return ask(house, request, answer);
}

static void
expect_header(const struct answer *answer, const char *name, const char *value)
{
    const char *is = answer_header(answer, name);

    if (!is || strcmp(is, value) != 0)
        fail_msg("%s is \"%s\" instead of \"%s\"\n%s", name, is ? is : "(missing)", value,
                 answer->head);
}

/* --- files --- */

static void
each_type_on_the_list_leaves_as_it_is(void **state)
{
    for (size_t i = 0; i < FIRST_BAD; i++) {
        struct answer answer;
        char path[64];
        (void) snprintf(path, sizeof path, "/api/v1/open/%s", files[i].what);
        assert_int_equal(get(*state, path, BROWSER, &answer), 200);
        expect_header(&answer, "Content-Type", files[i].type);
        expect_header(&answer, "Cache-Control", "no-store");
        expect_header(&answer, "X-Content-Type-Options", "nosniff");
        assert_null(answer_header(&answer, "X-Robots-Tag"));
        assert_non_null(answer_header(&answer, "ETag"));
        assert_int_equal(answer.body_size, strlen(files[i].body));
        assert_memory_equal(answer.body, files[i].body, answer.body_size);
        answer_free(&answer);
    }
}

static void
what_a_service_may_not_send_is_an_internal_error(void **state)
{
    for (size_t i = FIRST_BAD; i < COUNT(files); i++) {
        struct answer answer;
        char path[64];
        (void) snprintf(path, sizeof path, "/api/v1/open/%s", files[i].what);
        const int status = get(*state, path, "", &answer);
        if (status != 500 || !strstr(answer.body, "\"reason\":\"internal\"") ||
            answer_header(&answer, "Set-Cookie"))
            fail_msg("%s: %d %s%s", files[i].what, status, answer.head, answer.body);
        expect_header(&answer, "Content-Type", "application/problem+json");
        answer_free(&answer);
    }
}

/* A part that was lost on the way, or a service gone mad: never a file, never a crash. */
static void
a_reply_that_is_cut_is_no_file(void **state)
{
    int whole = 0;

    for (size_t cut = 0; cut < 80; cut++) {
        char path[64];
        (void) snprintf(path, sizeof path, "/api/v1/open/cut%zu", cut);
        const int status = get(*state, path, "", NULL);
        assert_true(status == 200 || status == 500);
        whole += status == 200;
    }
    /* Whole; and cut between two fields: without rows, etag, body, name. */
    assert_int_equal(whole, 5);
}

static void
file_names_are_readable_by_old_and_new_clients(void **state)
{
    static const struct {
        const char *path, *disposition;
    } rows[] = {
        { "/api/v1/open/page", "inline" },
        { "/api/v1/open/ascii", "attachment; filename=\"receipt-1.pdf\"" },
        { "/api/v1/open/csv",
          "attachment; filename=\"2026 _____.csv\"; "
          "filename*=UTF-8''2026%20%E5%B9%B4%E7%AD%B9%E9%9B%86%E5%8F%B0%E8%B4%A6.csv" },
        { "/api/v1/open/plain",
          "attachment; filename=\"a _b_ 100_.txt\"; filename*=UTF-8''a%20%22b%22%20100%25.txt" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct answer answer;
        assert_int_equal(get(*state, rows[i].path, "", &answer), 200);
        expect_header(&answer, "Content-Disposition", rows[i].disposition);
        answer_free(&answer);
    }
}

static void
a_page_runs_nothing_and_takes_our_style_sheet_alone(void **state)
{
    struct answer answer;

    assert_int_equal(get(*state, "/api/v1/open/page", "", &answer), 200);
    const char *policy = answer_header(&answer, "Content-Security-Policy");
    assert_non_null(strstr(policy, "default-src 'none'; style-src 'self';"));
    assert_null(strstr(policy, "script-src"));
    assert_null(strstr(policy, "unsafe"));
    answer_free(&answer);
    assert_int_equal(get(*state, "/api/v1/open/png", "", &answer), 200);
    expect_header(&answer, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    answer_free(&answer);
}

static void
a_file_that_is_known_is_not_sent_again(void **state)
{
    struct answer answer;
    char lines[128];

    assert_int_equal(get(*state, "/api/v1/open/csv", "", &answer), 200);
    expect_header(&answer, "ETag", "\"v3\"");
    answer_free(&answer);
    assert_int_equal(get(*state, "/api/v1/open/csv", "If-None-Match: \"v2\", \"v3\"\r\n", &answer),
                     304);
    expect_header(&answer, "ETag", "\"v3\"");
    expect_header(&answer, "Cache-Control", "no-store");
    assert_null(answer_header(&answer, "Content-Length"));
    assert_int_equal(answer.body_size, 0);
    answer_free(&answer);
    assert_int_equal(get(*state, "/api/v1/open/csv", "If-None-Match: \"v2\"\r\n", &answer), 200);
    answer_free(&answer);
    /* Without an ETag of the service's it is what the bytes are. */
    assert_int_equal(get(*state, "/api/v1/open/page", "", &answer), 200);
    (void) snprintf(lines, sizeof lines, "If-None-Match: %s\r\n", answer_header(&answer, "ETag"));
    assert_int_equal(strlen(lines), 15 + 34 + 2);
    answer_free(&answer);
    assert_int_equal(get(*state, "/api/v1/open/page", lines, NULL), 304);
    assert_int_equal(get(*state, "/api/v1/open/plain", lines, NULL), 200);
}

static void
head_says_how_large_a_file_is(void **state)
{
    const struct house *house = *state;
    static const char *const paths[] = { "/api/v1/open/page", "/api/v1/open/big" };
    static const char *const sizes[] = { "13", "8388608" };
    struct client client;
    struct answer answer;
    char request[128];

    client_open(&client, house->port); /* one connection: nothing of a body may be left on it */
    for (size_t i = 0; i < COUNT(paths); i++) {
        (void) snprintf(request, sizeof request, "HEAD %s HTTP/1.1\r\n" H "\r\n", paths[i]);
        client_puts(&client, request);
        assert_true(client_read_no_body(&client, &answer));
        assert_int_equal(answer.status, 200);
        expect_header(&answer, "Content-Length", sizes[i]);
        answer_free(&answer);
    }
    client_puts(&client, "GET /api/v1/open/page HTTP/1.1\r\n" H "\r\n");
    assert_true(client_read(&client, &answer));
    assert_string_equal(answer.body, "<p>公示</p>");
    answer_free(&answer);
    client_close(&client);
}

static void
eight_mebibytes_arrive_byte_for_byte_and_more_do_not(void **state)
{
    const struct house *house = *state;
    struct client client;
    struct answer answer;

    client_open(&client, house->port);
    for (int round = 0; round < 3; round++) {
        const bool half = round == 1;
        client_puts(&client, half ? "GET /api/v1/open/half HTTP/1.1\r\n" H "\r\n"
                                  : "GET /api/v1/open/big HTTP/1.1\r\n" H "\r\n");
        assert_true(client_read(&client, &answer));
        assert_int_equal(answer.status, 200);
        assert_int_equal(answer.body_size, half ? MIB / 2 : 8 * MIB);
        for (size_t i = 0; i < answer.body_size; i++)
            if ((uint8_t) answer.body[i] != byte_at(i))
                fail_msg("byte %zu", i);
        answer_free(&answer);
    }
    client_close(&client);
    assert_int_equal(get(house, "/api/v1/open/toobig", "", &answer), 500);
    answer_free(&answer);
    assert_int_equal(get(house, "/api/v1/open/big", "", NULL), 200);
}

/* Files wait in a bounded memory for those who read slowly; who comes then is told to come again.
 */
static void
files_have_a_bounded_memory(void **state)
{
    const struct house *house = *state;
    struct client slow;
    struct answer answer;
    const int small = 4096;
    int status = 0;

    client_open(&slow, house->port);
    (void) setsockopt(slow.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    client_puts(&slow, "GET /api/v1/open/big HTTP/1.1\r\n" H "\r\n");
    (void) usleep(300000);
    assert_int_equal(get(house, "/api/v1/open/big", "", &answer), 503);
    assert_non_null(strstr(answer.body, "http.busy"));
    answer_free(&answer);
    assert_int_equal(get(house, "/api/v1/open/page", "", NULL), 200);
    client_close(&slow);
    const int64_t until_us = clock_monotonic_us() + 5 * US_PER_SECOND;
    while (status != 200 && clock_monotonic_us() < until_us)
        status = get(house, "/api/v1/open/big", "", NULL);
    assert_int_equal(status, 200);
}

/* A client that asks for a file and goes: its bytes are given back. */
static void
who_goes_away_leaves_no_file_behind(void **state)
{
    const struct house *house = *state;
    struct client client;

    for (unsigned i = 0; i < 5; i++) {
        client_open(&client, house->port);
        client_puts(&client, "GET /api/v1/open/big HTTP/1.1\r\n" H "\r\n");
        (void) usleep(i * 20000u);
        client_close(&client);
    }
    const int64_t until_us = clock_monotonic_us() + 5 * US_PER_SECOND;
    while (__atomic_load_n(&house->gateway->connection_count, __ATOMIC_RELAXED) > 0 &&
           clock_monotonic_us() < until_us)
        (void) usleep(10000);
    assert_int_equal(__atomic_load_n(&house->gateway->connection_count, __ATOMIC_RELAXED), 0);
    assert_int_equal(get(house, "/api/v1/open/big", "", NULL), 200);
}

static void
a_file_needs_a_session_like_anything_else(void **state)
{
    struct answer answer;

    seen.calls = 0;
    assert_int_equal(get(*state, "/api/v1/files/page", BROWSER, &answer), 401);
    expect_header(&answer, "Content-Type", "application/problem+json"); /* not public: no page */
    answer_free(&answer);
    assert_int_equal(seen.calls, 0);
    assert_int_equal(get(*state, "/api/v1/files/page", "Authorization: Bearer t\r\n", &answer),
                     200);
    expect_header(&answer, "Cache-Control", "no-store");
    assert_true(seen.principal_size > 0);
    answer_free(&answer);
    assert_int_equal(get(*state, "/api/v1/open/missing", BROWSER, &answer), 404);
    assert_non_null(strstr(answer.body, "\"reason\":\"notice.none\""));
    expect_header(&answer, "Content-Type", "application/problem+json");
    answer_free(&answer);
}

/* --- public pages --- */

static void
a_public_page_is_the_same_for_everybody(void **state)
{
    static const char *const visitors[] = { "", "Cookie: __Host-huzhu=good\r\n",
                                            "Authorization: Bearer good\r\n" };
    uint8_t town[16];

    memset(town, 't', sizeof town);
    seen.resolves = seen.resumes = 0;
    for (size_t i = 0; i < COUNT(visitors); i++) {
        struct answer answer;
        memset(seen.tenant, 0, sizeof seen.tenant);
        assert_int_equal(get(*state, "/p/town/notices/page", visitors[i], &answer), 200);
        assert_string_equal(answer.body, "<p>公示</p>");
        expect_header(&answer, "Cache-Control", "public, max-age=60");
        expect_header(&answer, "Vary", "Accept-Language");
        expect_header(&answer, "X-Robots-Tag", "noindex");
        assert_memory_equal(seen.tenant, town, 16);
        assert_int_equal(seen.principal_size, 0);
        answer_free(&answer);
    }
    assert_int_equal(seen.resolves, 1);
    assert_int_equal(seen.resumes, 0);
}

static void
a_tenant_that_is_not_there_is_404_and_asked_for_once(void **state)
{
    static const struct {
        const char *path;
        int status, resolves;
    } rows[] = {
        { "/p/none-1/notices/page", 404, 1 },
        { "/p/none-2/notices/page", 404, 1 },
        { "/p/closed/notices/page", 404, 1 },
        { "/p/Town/notices/page", 404, 0 },
        { "/p/x/notices/page", 404, 0 },
        { "/p/platform/notices/page", 404, 0 },
        { "/p/-ab/notices/page", 404, 0 },
        { "/p/a%2eb/notices/page", 404, 0 },
        { "/p/a%27--/notices/page", 404, 0 },
        { "/p/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/find", 404, 0 },
        { "/p/none-1/find", 404, 0 },
    };

    seen.calls = 0;
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (int again = 0; again < 2; again++) {
            struct answer answer;
            seen.resolves = 0;
            const int status = get(*state, rows[i].path, "", &answer);
            if (status != rows[i].status || seen.resolves != (again ? 0 : rows[i].resolves) ||
                !strstr(answer.body, "public.tenant"))
                fail_msg("%s: %d, %d asked: %s", rows[i].path, status, seen.resolves, answer.body);
            expect_header(&answer, "X-Robots-Tag", "noindex");
            expect_header(&answer, "Cache-Control", "no-store");
            answer_free(&answer);
        }
    }
    assert_int_equal(seen.calls, 0);
}

/* What identity could not say is asked again the next time. */
static void
a_tenant_that_could_not_be_asked_for_is_not_remembered(void **state)
{
    for (int i = 0; i < 2; i++) {
        seen.resolves = 0;
        assert_int_equal(get(*state, "/p/away/notices/page", "", NULL), 503);
        assert_int_equal(seen.resolves, 1);
        assert_int_equal(get(*state, "/p/odd/notices/page", "", NULL), 500);
        assert_int_equal(seen.resolves, 2);
    }
}

static void
a_host_of_one_tenant_shows_no_other(void **state)
{
    /* village.test is tenant 2222...; the code "town" another. */
    assert_int_equal(
        ask(*state, "GET /p/town/notices/page HTTP/1.1\r\nHost: village.test\r\n\r\n", NULL), 404);
    assert_int_equal(
        ask(*state, "GET /p/town/notices/page HTTP/1.1\r\nHost: elsewhere.test\r\n\r\n", NULL),
        200);
}

static void
public_replies_may_be_json_and_public_writes_are_not_kept(void **state)
{
    struct answer answer;

    assert_int_equal(get(*state, "/p/town/find?plainText=a", "", &answer), 200);
    assert_string_equal(answer.body, "{\"plainText\":\"a\"}");
    expect_header(&answer, "Cache-Control", "public, max-age=60");
    answer_free(&answer);
    assert_int_equal(get(*state, "/p/town/find?tenantCode=other", "", NULL), 400);
    assert_int_equal(get(*state, "/p/town/", "", NULL), 200); /* a path may end with a slash */
    assert_int_equal(get(*state, "/p/town", "", NULL), 404);
    assert_int_equal(ask(*state,
                         "POST /p/town/find HTTP/1.1\r\n" H "Content-Type: application/json\r\n"
                         "Content-Length: 17\r\n\r\n{\"plainText\":\"b\"}",
                         &answer),
                     200);
    assert_string_equal(answer.body, "{\"plainText\":\"b\"}");
    expect_header(&answer, "Cache-Control", "no-store");
    assert_int_equal(seen.principal_size, 0);
    answer_free(&answer);
    assert_int_equal(ask(*state,
                         "POST /p/town/find HTTP/1.1\r\n" H "Content-Type: application/json\r\n"
                         "Sec-Fetch-Site: cross-site\r\nContent-Length: 2\r\n\r\n{}",
                         NULL),
                     403);
}

static void
errors_of_public_pages_are_pages_for_browsers(void **state)
{
    static const struct {
        const char *path, *lines;
        int status;
        const char *type, *has;
    } rows[] = {
        { "/p/town/notices/missing", BROWSER, 404, "text/html; charset=utf-8",
          "<h1>没有这份&lt;公示&gt;</h1>" },
        { "/p/town/notices/missing", BROWSER "Accept-Language: en\r\n", 404,
          "text/html; charset=utf-8", "no &lt;such&gt; notice" },
        { "/p/none-1/notices/page", BROWSER, 404, "text/html; charset=utf-8", "请核对网址" },
        { "/p/none-1/notices/page", BROWSER, 404, "text/html; charset=utf-8", "check it" },
        { "/p/town/notices/script", BROWSER, 500, "text/html; charset=utf-8", "系统内部错误" },
        { "/p/away/notices/page", BROWSER, 503, "text/html; charset=utf-8", "稍后重试" },
        { "/p/town/nowhere", BROWSER, 404, "text/html; charset=utf-8", "没有这个网址" },
        { "/p/town/notices/page?nope=1", BROWSER, 400, "text/html; charset=utf-8", "json.unknown" },
        { "/p/town/notices/missing", "", 404, "application/problem+json", "notice.none" },
        { "/p/town/notices/missing", "Accept: */*\r\n", 404, "application/problem+json",
          "notice.none" },
        { "/p/town/notices/missing", "Accept: application/json, text/html\r\n", 404,
          "application/problem+json", "notice.none" },
        { "/p/town/notices/missing", "Accept: text/html;q=0.5, application/*\r\n", 404,
          "application/problem+json", "notice.none" },
        { "/p/town/notices/missing", "Accept: text/html;q=0, */*;q=0\r\n", 404,
          "application/problem+json", "notice.none" },
        { "/p/town/notices/missing", "Accept: text/html, */*\r\n", 404, "text/html; charset=utf-8",
          "notice.none" },
        { "/p/town/find?nope=1", BROWSER, 400, "application/problem+json", "json.unknown_field" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct answer answer;
        const int status = get(*state, rows[i].path, rows[i].lines, &answer);
        const char *type = answer_header(&answer, "Content-Type");
        if (status != rows[i].status || !type || strcmp(type, rows[i].type) != 0 ||
            !strstr(answer.body, rows[i].has))
            fail_msg("row %zu: %d %s%s", i, status, answer.head, answer.body);
        expect_header(&answer, "X-Robots-Tag", "noindex");
        expect_header(&answer, "Cache-Control", "no-store");
        assert_null(strstr(answer.body, "<such>"));
        answer_free(&answer);
    }
}

static void
public_pages_have_the_rates_of_everything_else(void **state)
{
    struct house strict;
    struct answer answer;
    const char *const settings[] = { "ADDRESS_BURST=2", "ADDRESS_RATE=1", NULL };

    (void) state;
    house_open(&strict, fake, &parts, settings);
    for (int i = 0; i < 2; i++)
        assert_int_equal(get(&strict, "/p/town/notices/page", BROWSER, NULL), 200);
    assert_int_equal(get(&strict, "/p/town/notices/page", BROWSER, &answer), 429);
    assert_non_null(answer_header(&answer, "Retry-After"));
    expect_header(&answer, "Content-Type", "text/html; charset=utf-8");
    answer_free(&answer);
    house_close(&strict);
}

/* --- uploads --- */

static int
put(const struct house *house, const char *path, const char *lines, size_t size,
    struct answer *answer)
{
    struct client client;
    char head[512];
    uint8_t *bytes = malloc(size + 1);

    for (size_t i = 0; i < size; i++)
        bytes[i] = byte_at(i);
    client_open(&client, house->port);
    (void) snprintf(head, sizeof head, "PUT %s HTTP/1.1\r\n" H "%sContent-Length: %zu\r\n\r\n",
                    path, lines, size);
    client_puts(&client, head);
    client_send(&client, (const char *) bytes, size);
    free(bytes);
    const bool got = client_read(&client, answer);
    client_close(&client);
    return got ? answer->status : 0;
}

static void
any_service_takes_uploads(void **state)
{
    static const size_t sizes[] = { 0, 1, 262144, 262145, 3000000 };
    struct answer answer;

    for (size_t i = 0; i < COUNT(sizes); i++) {
        const uint64_t chunks = sizes[i] ? (sizes[i] + 262143) / 262144 : 1;
        assert_int_equal(put(*state, "/api/v1/registers/2026", "", sizes[i], &answer), 200);
        if (stored.size != sizes[i] || !stored.last || stored.broken || stored.chunks != chunks)
            fail_msg("%zu bytes: %llu stored in %llu chunks", sizes[i],
                     (unsigned long long) stored.size, (unsigned long long) stored.chunks);
        assert_int_equal(stored.number, 2026);
        answer_free(&answer);
    }
    /* The chunks' keys differ by place and by address, and are the same when it is sent again. */
    char first[2][80];
    memcpy(first, stored.keys, sizeof first);
    assert_string_not_equal(first[0], first[1]);
    assert_int_equal(put(*state, "/api/v1/registers/2026", "", 3000000, &answer), 200);
    answer_free(&answer);
    assert_string_equal(first[0], stored.keys[0]);
    assert_string_equal(first[1], stored.keys[1]);
    assert_int_equal(put(*state, "/api/v1/registers/2027", "", 3000000, &answer), 200);
    answer_free(&answer);
    assert_string_not_equal(first[0], stored.keys[0]);
    assert_int_equal(put(*state, "/api/v1/books/%E6%9D%91/7", "", 10, &answer), 200);
    answer_free(&answer);
    assert_string_equal(stored.village, "村");
    assert_int_equal(stored.number, 7);
    (void) snprintf(first[0], sizeof first[0], "%s", stored.keys[0]);
    assert_int_equal(put(*state, "/api/v1/books/%E6%9D%91/8", "", 10, &answer), 200);
    answer_free(&answer);
    assert_string_not_equal(first[0], stored.keys[0]);
    assert_int_equal(put(*state, "/api/v1/registers/x", "", 10, &answer), 400);
    answer_free(&answer);
}

static void
uploads_have_a_type_that_is_a_file(void **state)
{
    static const struct {
        const char *line;
        int status;
    } rows[] = {
        { "Content-Type: application/octet-stream\r\n", 200 },
        { "Content-Type: text/csv; charset=gb18030\r\n", 200 },
        { "Content-Type: image/jpeg\r\n", 200 },
        { "Content-Type: IMAGE/PNG\r\n", 200 },
        { "Content-Type: application/pdf\r\n", 200 },
        { "Content-Type: " XLSX "\r\n", 200 },
        { "", 200 },
        { "Content-Type: image/\r\n", 415 },
        { "Content-Type: text/plain\r\n", 415 },
        { "Content-Type: text/html\r\n", 415 },
        { "Content-Type: multipart/form-data; boundary=x\r\n", 415 },
        { "Content-Type: application/json\r\n", 415 },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct answer answer;
        const int status = put(*state, "/api/v1/registers/1", rows[i].line, 10, &answer);
        if (status != rows[i].status || (status == 415 && !strstr(answer.body, "http.upload_type")))
            fail_msg("%s: %d %s", rows[i].line, status, answer.body);
        answer_free(&answer);
    }
}

static void
a_document_has_20_mebibytes_and_a_register_64(void **state)
{
    struct answer answer;

    assert_int_equal(
        ask(*state, "PUT /api/v1/registers/1 HTTP/1.1\r\n" H "Content-Length: 22020096\r\n\r\n",
            &answer),
        413); /* 21 MiB */
    assert_non_null(strstr(answer.body, "http.body_too_large"));
    answer_free(&answer);
    assert_int_equal(put(*state, "/api/v1/books/a/1", "", 21 * MIB, &answer), 200);
    assert_int_equal(stored.size, 21 * MIB);
    assert_int_equal(stored.chunks, 84);
    assert_false(stored.broken);
    answer_free(&answer);
    assert_int_equal(ask(*state,
                         "PUT /api/v1/books/a/1 HTTP/1.1\r\n" H "Content-Length: 67108865\r\n\r\n",
                         &answer),
                     413);
    answer_free(&answer);
}

/* --- filters --- */

#define ID1 "0190a5e0-7c1a-7000-8000-0123456789ab"
#define ID2 "0190a5e0-7c1a-7000-8000-0123456789ac"

static void
every_kind_of_filter_reaches_the_service(void **state)
{
    static const struct {
        const char *query;
        int status;
        const char *has;
    } rows[] = {
        { "claimId=" ID1, 200, "{\"claimId\":\"" ID1 "\"}" },
        { "ids=" ID1 "&ids=" ID2, 200, "{\"ids\":[\"" ID1 "\",\"" ID2 "\"]}" },
        { "admittedOn=2026-11-22", 200, "{\"admittedOn\":\"2026-11-22\"}" },
        { "filedAt=2026-11-22T08:30:00%2B08:00", 200,
          "{\"filedAt\":\"2026-11-22T00:30:00.000000Z\"}" },
        { "kind=BED", 200, "{\"kind\":\"BED\"}" },
        { "kinds=BED&kinds=DRUG", 200, "{\"kinds\":[\"BED\",\"DRUG\"]}" },
        { "billed.fen=123456", 200, "{\"billed\":{\"fen\":\"123456\"}}" },
        { "billed.fen=-1", 200, "{\"billed\":{\"fen\":\"-1\"}}" },
        { "int64=-9223372036854775808", 200, "{\"int64\":\"-9223372036854775808\"}" },
        { "uint32=4294967295", 200, "{\"uint32\":4294967295}" },
        { "numbers=1&numbers=2", 200, "{\"numbers\":[\"1\",\"2\"]}" },
        { "flag=true", 200, "{\"flag\":true}" },
        { "flags=true&flags=false", 200, "{\"flags\":[true,false]}" },
        { "wide=2.5", 200, "{\"wide\":2.5}" },
        { "age=45", 200, "{\"age\":\"45\"}" },
        { "plainText=%E5%BC%A0+%E4%B8%89%26", 200, "{\"plainText\":\"张 三&\"}" },
        { "texts=a&texts=&texts=b", 200, "{\"texts\":[\"a\",\"\",\"b\"]}" },
        { "plain_text=a&kind=DRUG", 200, "{\"plainText\":\"a\",\"kind\":\"DRUG\"}" },
        { "claimId=1", 400, "json.format" },
        { "claimId=" ID1 "&claimId=" ID2, 400, "json.duplicate" },
        { "admittedOn=2026-02-29", 400, "json.format" },
        { "admittedOn=22.11.2026", 400, "json.format" },
        { "filedAt=2026-11-22", 400, "json.format" },
        { "filedAt=2026-11-22T08:30:00+08:00", 400, "json.format" }, /* a bare + is a space */
        { "kind=SOFA", 400, "json.unknown_enum" },
        { "billed.fen=12.5", 400, "json." },
        { "billed.fen=9223372036854775808", 400, "json.range" },
        { "billed.fen=1&billed.fen=2", 400, "json.duplicate" },
        { "billed=1", 400, "json.unknown_field" },
        { "uint32=4294967296", 400, "json.range" },
        { "flag=1", 400, "json.wrong_type" },
        { "wide=x", 400, "json.wrong_type" },
        { "plainText=%ff", 400, "json.utf8" },
        { "plainText=%4", 400, "http.target" },
        { "nope=1", 400, "json.unknown_field" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct answer answer;
        char path[256];
        (void) snprintf(path, sizeof path, "/api/v1/find?%s", rows[i].query);
        const int status = get(*state, path, "", &answer);
        if (status != rows[i].status || !strstr(answer.body, rows[i].has))
            fail_msg("%s: %d %s", rows[i].query, status, answer.body);
        answer_free(&answer);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_on_the_list_leaves_as_it_is),
        cmocka_unit_test(what_a_service_may_not_send_is_an_internal_error),
        cmocka_unit_test(a_reply_that_is_cut_is_no_file),
        cmocka_unit_test(file_names_are_readable_by_old_and_new_clients),
        cmocka_unit_test(a_page_runs_nothing_and_takes_our_style_sheet_alone),
        cmocka_unit_test(a_file_that_is_known_is_not_sent_again),
        cmocka_unit_test(head_says_how_large_a_file_is),
        cmocka_unit_test(eight_mebibytes_arrive_byte_for_byte_and_more_do_not),
        cmocka_unit_test(files_have_a_bounded_memory),
        cmocka_unit_test(who_goes_away_leaves_no_file_behind),
        cmocka_unit_test(a_file_needs_a_session_like_anything_else),
        cmocka_unit_test(a_public_page_is_the_same_for_everybody),
        cmocka_unit_test(a_tenant_that_is_not_there_is_404_and_asked_for_once),
        cmocka_unit_test(a_tenant_that_could_not_be_asked_for_is_not_remembered),
        cmocka_unit_test(a_host_of_one_tenant_shows_no_other),
        cmocka_unit_test(public_replies_may_be_json_and_public_writes_are_not_kept),
        cmocka_unit_test(errors_of_public_pages_are_pages_for_browsers),
        cmocka_unit_test(public_pages_have_the_rates_of_everything_else),
        cmocka_unit_test(any_service_takes_uploads),
        cmocka_unit_test(uploads_have_a_type_that_is_a_file),
        cmocka_unit_test(a_document_has_20_mebibytes_and_a_register_64),
        cmocka_unit_test(every_kind_of_filter_reaches_the_service),
    };
    return cmocka_run_group_tests(tests, begin, finish);
}
