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
#define RAW(...) { __VA_ARGS__ },
#include "bad_bytes.def"
#undef RAW
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
#define ROW(...) { __VA_ARGS__ },
#include "bad_requests.def"
#undef ROW
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
    body[0] = '{';
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
