/* evidence_test.c - a stranger fetches the public page, the newest head and a proof; a township
 * files an archive item: through HTTPS, broker, services and PostgreSQL. */
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock/clock.h"
#include "eventually.h"
#include "platform.h"

static struct platform *p;
static struct administration admins;
static struct township town;
static struct browser *officer, *auditor, *stranger;

static int
open_world(void **state)
{
    (void) state;
    p = platform_up(1, NULL);
    administration_open(p, &admins);
    township_open(p, &admins, "cunzheng", &town);
    officer = a_person(p, &town, "jingban", "TOWNSHIP_OFFICER");
    auditor = a_person(p, &town, "shenjiyuan", "AUDITOR");
    stranger = browser_create(p);
    return 0;
}

static int
close_world(void **state)
{
    (void) state;
    browser_destroy(officer);
    browser_destroy(auditor);
    browser_destroy(stranger);
    administration_close(&town.administration);
    administration_close(&admins);
    invariants_hold(p);
    platform_down(p);
    return 0;
}

static bool
has_head(void)
{
    struct answer answer = gets(stranger, "/p/cunzheng/audit/head");
    const bool has = answer.status == 200 && json_object_get(answer.json, "head") &&
                     json_array_size(json_object_get(answer.json, "keys")) == 1;

    answer_free(&answer);
    return has;
}

static void
anyone_sees_the_newest_head_and_how_to_check(void **state)
{
    (void) state;
    EVENTUALLY(has_head());
    struct answer page = gets(stranger, "/p/cunzheng/audit");
    assert_int_equal(page.status, 200);
    assert_string_equal(page.content_type, "text/html; charset=utf-8");
    assert_non_null(strstr(page.body, "check-proof"));
    assert_non_null(strstr(page.body, "不需要登录"));
    answer_free(&page);
    char path[120];
    (void) snprintf(path, sizeof path, "/p/cunzheng/audit/publications/%s", mints());
    struct answer none = gets(stranger, path);
    assert_int_equal(none.status, 404);
    answer_free(&none);
    struct answer closed = gets(stranger, "/api/v1/archiveItems");
    assert_int_equal(closed.status, 401);
    answer_free(&closed);
}

static void
the_township_files_and_the_auditor_looks(void **state)
{
    (void) state;
    struct answer refused =
        posts(officer, "/api/v1/archiveItems", "{s:s, s:s, s:s, s:s, s:s, s:s}", "itemId", mints(),
              "kind", "B02", "title", "告全体村民书", "dated", "2025-06-20", "sha256",
              "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=", "paperLocation", "三号柜");
    assert_int_equal(refused.status, 404); /* of no programme */
    assert_string_equal(refused.reason, "archive.programme");
    answer_free(&refused);
    const json_t *filed = must_post(
        officer, 201, "/api/v1/archiveItems", "{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "itemId",
        mints(), "kind", "B07", "title", "保密协议", "dated", "2025-06-20", "endsOn", "2026-06-19",
        "sha256", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=", "paperLocation", "三号柜");
    const char *number =
        json_string_value(json_object_get(json_object_get(filed, "item"), "archiveNumber"));
    assert_non_null(number);
    assert_non_null(strstr(number, "-B07-2025-D10-"));
    const json_t *listed = must_get(auditor, 200, "/api/v1/archiveItems?kind=B07");
    assert_int_equal(json_array_size(json_object_get(listed, "items")), 1);
    struct answer csv = gets(auditor, "/api/v1/archiveCatalogue");
    assert_int_equal(csv.status, 200);
    assert_string_equal(csv.content_type, "text/csv; charset=utf-8");
    answer_free(&csv);
    /* The duty comes round by itself. */
    EVENTUALLY(counts(p, "SELECT count(*) FROM audit.catalogue_check WHERE faults = 0") == 1);
}

/* Goal: a session ended by somebody else opens nothing any more, though the gateway keeps
 * principals for half a minute; with one gateway as with many. */
static void
a_session_ended_elsewhere_is_over_within_two_seconds(void **state)
{
    OWNED(browser_destroy) struct browser *one = browser_create(p), *two = browser_create(p);
    char path[80];

    (void) state;
    signs_in(one, "shenji@cunzheng", TEST_PASSWORD);
    signs_in(two, "shenji@cunzheng", TEST_PASSWORD);
    const json_t *me = must_get(one, 200, "/api/v1/me");
    (void) snprintf(
        path, sizeof path, "/api/v1/sessions/%s",
        json_string_value(json_object_get(json_object_get(me, "session"), "sessionId")));
    const json_t *sessions = must_get(two, 200, "/api/v1/sessions");
    assert_true(json_array_size(json_object_get(sessions, "sessions")) >= 2);
    struct answer ended = asks(two, (struct ask){ .verb = "DELETE", .path = path });
    assert_int_equal(ended.status, 200);
    answer_free(&ended);
    const int64_t from_us = clock_monotonic_us();
    int status = 200;
    while (status == 200 && clock_monotonic_us() - from_us < 8 * US_PER_SECOND) {
        struct answer answer = gets(one, "/api/v1/me");
        status = answer.status;
        answer_free(&answer);
        (void) usleep(100000);
    }
    assert_int_equal(status, 401);
    assert_true(clock_monotonic_us() - from_us < 4 * US_PER_SECOND); /* two, and a busy machine */
    (void) must_get(two, 200, "/api/v1/me");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anyone_sees_the_newest_head_and_how_to_check),
        cmocka_unit_test(the_township_files_and_the_auditor_looks),
        cmocka_unit_test(a_session_ended_elsewhere_is_over_within_two_seconds),
    };
    return cmocka_run_group_tests_name("e2e/evidence", tests, open_world, close_world);
}
