/* Goal: the gateway's parts that need no network: routes, rates, counts, sessions, the contract it
 * publishes, its settings. */
#include <arpa/inet.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway.h"
#include "gateway_sample.pb-c.h"
#include "route_row.h"
#include "test.h"

static struct route table[] = {
    SAMPLE_ROW(GET, "/api/v1/claims", "Echo", 0),
    SAMPLE_ROW(POST, "/api/v1/claims", "Echo", 0),
    SAMPLE_ROW(GET, "/api/v1/claims/{claimId}", "Echo", 0),
    SAMPLE_ROW(POST, "/api/v1/claims/{claimId}:withdraw", "Echo", 0),
    SAMPLE_ROW(POST, "/api/v1/claims/{claimId}:appeal", "Echo", 0),
    SAMPLE_ROW(GET, "/api/v1/claims/latest", "Echo", 0),
    SAMPLE_ROW(GET, "/api/v1/claims/{claimId}/papers/{text}", "Echo", 0),
    SAMPLE_ROW(POST, "/api/v1/claims:import", "Echo", 0),
};

/* A request line's path, as the parser would leave it. */
static void
split(struct http *http, const char *path, enum verb verb)
{
    struct slice rest = { path + 1, strlen(path) - 1 };

    memset(http, 0, sizeof *http);
    http->verb = verb;
    while (rest.size > 0)
        http->segments[http->segment_count++] = slice_cut(&rest, '/');
}

static const struct {
    const char *path;
    enum verb verb;
    int row; /* -1: no route; -2: the path is there, the verb is not */
    const char *first, *second;
} found[] = {
    { "/api/v1/claims", VERB_GET, 0, NULL, NULL },
    { "/api/v1/claims", VERB_HEAD, 0, NULL, NULL },
    { "/api/v1/claims", VERB_POST, 1, NULL, NULL },
    { "/api/v1/claims", VERB_DELETE, -2, NULL, NULL },
    { "/api/v1/claims/abc", VERB_GET, 2, "abc", NULL },
    { "/api/v1/claims/a:b", VERB_GET, 2, "a:b", NULL },
    { "/api/v1/claims/abc:withdraw", VERB_POST, 3, "abc", NULL },
    { "/api/v1/claims/abc:appeal", VERB_POST, 4, "abc", NULL },
    { "/api/v1/claims/abc:withdraw", VERB_GET, -2, NULL, NULL },
    { "/api/v1/claims/:withdraw", VERB_POST, -2, NULL, NULL },
    { "/api/v1/claims/latest", VERB_GET, 5, NULL, NULL },
    { "/api/v1/claims/abc/papers/7", VERB_GET, 6, "abc", "7" },
    { "/api/v1/claims/latest/papers/7", VERB_GET, 6, "latest", "7" },
    { "/api/v1/claims:import", VERB_POST, 7, NULL, NULL },
    { "/api/v1/claims:export", VERB_POST, -1, NULL, NULL },
    { "/api/v1/claims/abc/papers", VERB_GET, -1, NULL, NULL },
    { "/api/v1", VERB_GET, -1, NULL, NULL },
    { "/api/v2/claims", VERB_GET, -1, NULL, NULL },
    { "/api/v1/CLAIMS", VERB_GET, -1, NULL, NULL },
};

static void
paths_find_their_route(void **state)
{
    OWNED(shapes_destroy) struct shapes *shapes = shapes_create();
    OWNED(routes_destroy) struct routes *routes = NULL;
    struct err err = { 0 };

    (void) state;
    assert_int_equal(routes_compile(table, COUNT(table), shapes, &routes, &err), ERR_OK);
    for (size_t i = 0; i < COUNT(found); i++) {
        struct http http;
        struct route_match match;
        split(&http, found[i].path, found[i].verb);
        route_find(routes, &http, &match);
        const int row = match.route ? (int) (match.route - table) : match.allow ? -2 : -1;
        if (row != found[i].row)
            fail_msg("%s %s: row %d instead of %d", verb_name(found[i].verb), found[i].path, row,
                     found[i].row);
        if (found[i].first)
            assert_true(slice_is(match.values[0], found[i].first));
        if (found[i].second)
            assert_true(slice_is(match.values[1], found[i].second));
    }
}

static void
a_wrong_route_stops_the_start(void **state)
{
#define FLAGGED(rpc_, path_, flags_)                                                               \
    {                                                                                              \
        {                                                                                          \
            .verb = VERB_POST, .path = (path_), .service = "sample", .rpc = (rpc_),                \
            .descriptor = &sample__sample___descriptor, .status = 200, .flags = (flags_)           \
        }                                                                                          \
    }
    static struct route rows[][2] = {
        FLAGGED("Echo", "/a", ROUTE_FILE), /* its reply is none */
        FLAGGED("File", "/a", ROUTE_FILE | ROUTE_STREAM),
        FLAGGED("Echo", "/a/{text}", ROUTE_UPLOAD),
        FLAGGED("Keep", "/a", ROUTE_UPLOAD), /* no key */
        FLAGGED("File", "/a", ROUTE_UPLOAD_64),
        FLAGGED("File", "/p/{tenantCode}/a", ROUTE_FILE), /* public, and does not say so */
        FLAGGED("File", "/p/a", ROUTE_FILE),
        FLAGGED("File", "/a", ROUTE_FILE | ROUTE_PUBLIC),
        FLAGGED("File", "/p/{tenantCode}/{tenantCode}", ROUTE_FILE | ROUTE_PUBLIC),
        FLAGGED("Keep", "/p/{tenantCode}/{number}", ROUTE_UPLOAD | ROUTE_PUBLIC),
        FLAGGED("Echo", "/p/{tenantCode}/a", ROUTE_SIGN_IN | ROUTE_PUBLIC),
        { SAMPLE_ROW(GET, "/a/{nope}", "Echo", 0) },
        { SAMPLE_ROW(GET, "/a/{sample}", "Echo", 0) }, /* a message */
        { SAMPLE_ROW(GET, "/a/{kind}", "Echo", 0) },   /* repeated */
        { SAMPLE_ROW(GET, "/a/{claimId}x", "Echo", 0) },
        { SAMPLE_ROW(GET, "a", "Echo", 0) },
        { SAMPLE_ROW(GET, "/a/{claimId}", "Echo", 0), SAMPLE_ROW(GET, "/a/{text}", "Echo", 0) },
        { SAMPLE_ROW(GET, "/a", "Nope", 0) },
    };

    (void) state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        OWNED(shapes_destroy) struct shapes *shapes = shapes_create();
        struct routes *routes = NULL;
        struct err err = { 0 };
        const size_t count = rows[i][1].path ? 2 : 1;
        assert_int_not_equal(routes_compile(rows[i], count, shapes, &routes, &err), ERR_OK);
        assert_null(routes);
        assert_memory_equal(err.reason, "route.", 6);
    }
}

static void
every_row_of_routes_def_is_sound(void **state)
{
    struct route *rows = calloc(ROUTES_MAX, sizeof *rows);
    OWNED(shapes_destroy) struct shapes *shapes = shapes_create();
    OWNED(routes_destroy) struct routes *routes = NULL;
    struct text out = { 0 };
    struct err err = { 0 };
    json_error_t why;

    (void) state;
    const size_t count = routes_default(rows, ROUTES_MAX);
    if (routes_compile(rows, count, shapes, &routes, &err) != ERR_OK)
        fail_msg("%s", err.text);
    openapi_write(routes, &out);
    json_t *tree = json_loadb(out.bytes, out.used, JSON_REJECT_DUPLICATES, &why);
    if (!tree)
        fail_msg("openapi.json: %s at %d", why.text, why.position);
    json_t *schemas = json_object_get(json_object_get(tree, "components"), "schemas");
    assert_string_equal(json_string_value(json_object_get(tree, "openapi")), "3.1.0");
    assert_true(json_object_size(json_object_get(tree, "paths")) > 10);

    /* Every reference leads somewhere, every operation has an id of its own. */
    text_add(&out, "", 1);
    static const char mark[] = "\"$ref\":\"#/components/schemas/";
    size_t references = 0;
    for (const char *at = strstr(out.bytes, mark); at; at = strstr(at + 1, mark), references++) {
        char name[128];
        const char *from = at + sizeof mark - 1;
        (void) snprintf(name, sizeof name, "%.*s", (int) strcspn(from, "\""), from);
        if (!json_object_get(schemas, name))
            fail_msg("no schema %s", name);
    }
    assert_true(references > 20);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            assert_false(strcmp(rows[i].rpc, rows[j].rpc) == 0 &&
                         strcmp(rows[i].service, rows[j].service) == 0);
    json_decref(tree);
    text_free(&out);
    free(rows);
}

/* What openapi.json says of files, uploads and public pages. */
static void
the_contract_describes_files_uploads_and_public_pages(void **state)
{
    static struct route rows[] = {
        SAMPLE_ROW(GET, "/p/{tenantCode}/notices/{what}", "File", ROUTE_FILE | ROUTE_PUBLIC),
        SAMPLE_ROW(PUT, "/api/v1/registers/{village}/{number}", "Keep",
                   ROUTE_UPLOAD | ROUTE_UPLOAD_64),
        SAMPLE_ROW(GET, "/api/v1/find", "Find", 0),
        SAMPLE_ROW(POST, "/api/v1/echo", "Echo", 0),
    };
    OWNED(shapes_destroy) struct shapes *shapes = shapes_create();
    OWNED(routes_destroy) struct routes *routes = NULL;
    struct text out = { 0 };
    struct err err = { 0 };
    json_error_t why;

    (void) state;
    assert_int_equal(routes_compile(rows, COUNT(rows), shapes, &routes, &err), ERR_OK);
    openapi_write(routes, &out);
    json_t *tree = json_loadb(out.bytes, out.used, JSON_REJECT_DUPLICATES, &why);
    assert_non_null(tree);
    json_t *paths = json_object_get(tree, "paths"), *parts = json_object_get(tree, "components");
    json_t *page = json_object_get(json_object_get(paths, rows[0].path), "get");
    json_t *answers = json_object_get(page, "responses");
    assert_int_equal(json_array_size(json_object_get(page, "security")), 0);
    assert_non_null(json_object_get(page, "security"));
    assert_non_null(json_object_get(answers, "304"));
    json_t *types = json_object_get(json_object_get(answers, "200"), "content");
    assert_int_equal(json_object_size(types), 11);
    assert_non_null(json_object_get(types, "text/html; charset=utf-8"));
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(answers, "default"), "$ref")),
        "#/components/responses/page");
    assert_string_equal(json_string_value(json_object_get(
                            json_array_get(json_object_get(page, "parameters"), 0), "$ref")),
                        "#/components/parameters/tenantCode");
    assert_non_null(json_object_get(json_object_get(parts, "parameters"), "tenantCode"));
    json_t *put = json_object_get(json_object_get(paths, rows[1].path), "put");
    assert_int_equal(json_array_size(json_object_get(put, "parameters")), 2); /* of the path */
    json_t *body = json_object_get(put, "requestBody");
    assert_non_null(strstr(json_string_value(json_object_get(body, "description")), "64 MiB"));
    assert_non_null(json_object_get(json_object_get(body, "content"), "text/csv"));
    text_add(&out, "", 1);
    assert_non_null(strstr(out.bytes, "{\"name\":\"billed.fen\",\"in\":\"query\""));
    assert_non_null(strstr(out.bytes, "Without it the gateway makes a key"));
    json_decref(tree);
    text_free(&out);
}

static struct slice
slice_of(const char *text)
{
    return (struct slice){ text, strlen(text) };
}

static void
a_tenants_code_is_kept_for_a_minute(void **state)
{
    OWNED(tenant_codes_destroy) struct tenant_codes *codes = tenant_codes_create();
    const int64_t minute_us = 60 * 1000000, now_us = 1000 * minute_us;
    const uint8_t town[16] = { 7, 7 };
    uint8_t tenant[16];
    char name[24];

    (void) state;
#define GET(code, at) tenant_codes_get(codes, 5, slice_of(code), (at), tenant)
    assert_int_equal(GET("town", now_us), TENANT_UNASKED);
    tenant_codes_put(codes, 5, slice_of("town"), now_us + minute_us, town);
    tenant_codes_put(codes, 5, slice_of("none"), now_us + minute_us, NULL);
    assert_int_equal(GET("town", now_us), TENANT_THERE);
    assert_memory_equal(tenant, town, 16);
    assert_int_equal(GET("none", now_us), TENANT_ABSENT);
    assert_int_equal(GET("tow", now_us), TENANT_UNASKED);
    assert_int_equal(GET("town", now_us + minute_us - 1), TENANT_THERE);
    assert_int_equal(GET("town", now_us + minute_us), TENANT_UNASKED);
    assert_int_equal(GET("town", now_us - 1), TENANT_UNASKED); /* the clock went back */
    /* Invented codes by the thousand, all in one set, do not push the tenant out... */
    for (int i = 0; i < 5000; i++) {
        (void) snprintf(name, sizeof name, "invented-%d", i);
        tenant_codes_put(codes, 5, slice_of(name), now_us + minute_us, NULL);
    }
    assert_int_equal(GET("town", now_us), TENANT_THERE);
    /* ... and one that comes to be is no longer absent. */
    tenant_codes_put(codes, 5, slice_of("none"), now_us + minute_us, town);
    assert_int_equal(GET("none", now_us), TENANT_THERE);
    assert_int_equal(tenant_codes_get(codes, 6, slice_of("town"), now_us, tenant), TENANT_UNASKED);
}

static void
a_bucket_grants_its_burst_and_then_its_rate(void **state)
{
    OWNED(limiter_destroy) struct limiter *limiter = limiter_create();
    const struct rate rate = { 60, 5 }; /* one a second */
    const uint64_t key = limiter_key(limiter, "t", "abc", 3);
    int64_t now_us = 1000000000, wait_s = 0;

    (void) state;
    for (int i = 0; i < 5; i++)
        assert_true(limiter_take(limiter, key, rate, now_us, &wait_s));
    assert_false(limiter_take(limiter, key, rate, now_us, &wait_s));
    assert_in_range(wait_s, 1, 2);
    assert_false(limiter_take(limiter, key, rate, now_us + 999000, &wait_s));
    assert_true(limiter_take(limiter, key, rate, now_us + 1001000, &wait_s));
    assert_false(limiter_take(limiter, key, rate, now_us + 1001000, &wait_s));
    now_us += 3600 * 1000000LL; /* never more than the burst */
    for (int i = 0; i < 5; i++)
        assert_true(limiter_take(limiter, key, rate, now_us, &wait_s));
    assert_false(limiter_take(limiter, key, rate, now_us, &wait_s));
    assert_true(limiter_take(limiter, limiter_key(limiter, "t", "abd", 3), rate, now_us, &wait_s));
    /* Many takes within a millisecond lose no tokens to rounding. */
    const struct rate quick = { 6000, 1 };
    int granted = 0;
    for (int us = 0; us < 1000000; us += 100)
        granted += limiter_take(limiter, key + 1, quick, now_us + us, &wait_s);
    assert_in_range(granted, 95, 105);
    const struct rate slow = { 1, 1 };
    granted = 0;
    for (int64_t us = 0; us < 200 * INT64_C(1000000); us += 20000)
        granted += limiter_take(limiter, key + 2, slow, now_us + us, &wait_s);
    assert_int_equal(granted, 4); /* at once, and after each minute */
}

static uint64_t
address_key(const struct limiter *limiter, const char *text)
{
    struct sockaddr_storage at = { 0 };
    struct sockaddr_in *v4 = (struct sockaddr_in *) (void *) &at;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *) (void *) &at;

    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        at.ss_family = AF_INET;
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
        at.ss_family = AF_INET6;
    }
    return limiter_address_key(limiter, &at);
}

static void
an_address_is_a_customer(void **state)
{
    OWNED(limiter_destroy) struct limiter *limiter = limiter_create();

    (void) state;
    assert_int_equal(address_key(limiter, "10.0.0.1"), address_key(limiter, "::ffff:10.0.0.1"));
    assert_int_not_equal(address_key(limiter, "10.0.0.1"), address_key(limiter, "10.0.0.2"));
    assert_int_equal(address_key(limiter, "2001:db8:1:2::1"),
                     address_key(limiter, "2001:db8:1:2:ffff::9"));
    assert_int_not_equal(address_key(limiter, "2001:db8:1:2::1"),
                         address_key(limiter, "2001:db8:1:3::1"));
}

static void
connections_are_counted_out_as_they_were_counted_in(void **state)
{
    OWNED(limiter_destroy) struct limiter *limiter = limiter_create();
    const uint64_t a = limiter_key(limiter, "t", "a", 1), b = limiter_key(limiter, "t", "b", 1);

    (void) state;
    for (int i = 0; i < 3; i++)
        assert_true(limiter_enter(limiter, a, 3));
    assert_false(limiter_enter(limiter, a, 3));
    assert_true(limiter_enter(limiter, b, 3));
    limiter_leave(limiter, a);
    assert_true(limiter_enter(limiter, a, 3));
    assert_false(limiter_enter(limiter, a, 3));
}

static void
sessions_end_and_are_dropped(void **state)
{
    OWNED(sessions_destroy) struct sessions *sessions = sessions_create();
    struct session one = { .until_us = 1000 }, got;

    (void) state;
    memset(one.token_hash, 9, sizeof one.token_hash);
    assert_false(sessions_get(sessions, one.token_hash, 1, &got));
    sessions_put(sessions, &one);
    assert_true(sessions_get(sessions, one.token_hash, 999, &got));
    assert_false(sessions_get(sessions, one.token_hash, 1000, &got));
    sessions_drop(sessions, one.token_hash);
    assert_false(sessions_get(sessions, one.token_hash, 1, &got));
    /* A full set makes room by letting the one go that ends first. */
    for (int i = 0; i < 40; i++) {
        one.token_hash[5] = (uint8_t) i;
        one.until_us = 1000 + i;
        sessions_put(sessions, &one);
    }
    assert_true(sessions_get(sessions, one.token_hash, 1, &got));
    one.token_hash[5] = 0;
    assert_false(sessions_get(sessions, one.token_hash, 1, &got));
    assert_int_equal(sessions_until(sessions), 1039);
}

/* What was read behind a revocation's instant is not what was revoked. */
static void
sessions_of_an_account_are_dropped_if_read_before(void **state)
{
    OWNED(sessions_destroy) struct sessions *sessions = sessions_create();
    struct session one = { .until_us = 1000, .read_us = 100 }, got;
    const uint8_t account[16] = { 4 };

    (void) state;
    sessions_put(sessions, &one);
    one.token_hash[0] = 1;
    one.account[0] = 4;
    sessions_put(sessions, &one);
    one.token_hash[0] = 2;
    one.read_us = 300;
    sessions_put(sessions, &one);
    sessions_drop_account(sessions, account, 200);
    assert_true(sessions_get(sessions, one.token_hash, 1, &got));
    one.token_hash[0] = 1;
    assert_false(sessions_get(sessions, one.token_hash, 1, &got));
    one.token_hash[0] = 0;
    assert_true(sessions_get(sessions, one.token_hash, 1, &got));
    sessions_drop_account(sessions, NULL, INT64_MAX);
    assert_false(sessions_get(sessions, one.token_hash, 1, &got));
}

static void
a_setting_that_is_missing_or_wrong_is_named(void **state)
{
    struct gateway_conf conf;
    struct err err = { 0 };
    char *problems = NULL;
    size_t size;
    FILE *out = open_memstream(&problems, &size);

    (void) state;
    (void) clearenv();
    (void) setenv("HUZHU_GATEWAY_PORT", "70000", 1);
    (void) setenv("HUZHU_BROKERS", "ipc:///x", 1); /* shared by all processes of a host */
    assert_int_equal(gateway_conf_load(&conf, out, &err), ERR_INVALID);
    (void) fclose(out);
    assert_non_null(strstr(problems, "HUZHU_GATEWAY_PORT: it is out of bounds"));
    assert_non_null(strstr(problems, "HUZHU_GATEWAY_CERTIFICATE_FILE: it is required"));
    assert_null(strstr(problems, "BROKERS"));
    free(problems);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_find_their_route),
        cmocka_unit_test(a_wrong_route_stops_the_start),
        cmocka_unit_test(every_row_of_routes_def_is_sound),
        cmocka_unit_test(the_contract_describes_files_uploads_and_public_pages),
        cmocka_unit_test(a_tenants_code_is_kept_for_a_minute),
        cmocka_unit_test(a_bucket_grants_its_burst_and_then_its_rate),
        cmocka_unit_test(an_address_is_a_customer),
        cmocka_unit_test(connections_are_counted_out_as_they_were_counted_in),
        cmocka_unit_test(sessions_end_and_are_dropped),
        cmocka_unit_test(sessions_of_an_account_are_dropped_if_read_before),
        cmocka_unit_test(a_setting_that_is_missing_or_wrong_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
