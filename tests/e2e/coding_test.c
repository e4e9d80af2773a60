/* coding_test.c - a township names its year's scheme, a coder has a stay grouped and explained, a
 * designer designs a plan: through HTTPS, brokers, services and PostgreSQL, on an instance as `hz
 * up` makes it. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "platform.h"

static struct platform *p;
static struct administration admins;
static struct township town;
static struct browser *designer, *coder;
static char checksum[65];

static int
open_world(void **state)
{
    (void) state;
    p = platform_up(0, NULL);
    administration_open(p, &admins);
    township_open(p, &admins, "bianma", &town);
    designer = a_person(p, &town, "shejiyuan", "DESIGNER");
    coder = a_person(p, &town, "bianmayuan", "CODER");
    return 0;
}

static int
close_world(void **state)
{
    (void) state;
    browser_destroy(designer);
    browser_destroy(coder);
    administration_close(&town.administration);
    administration_close(&admins);
    invariants_hold(p);
    platform_down(p);
    return 0;
}

static const char *
text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static void
a_year_names_its_scheme(void **state)
{
    (void) state;
    const json_t *listed = must_get(designer, 200, "/api/v1/schemes");
    const json_t *scheme = json_array_get(json_object_get(listed, "schemes"), 0);
    assert_string_equal(text_of(scheme, "id"), "huzhu_starter");
    (void) snprintf(checksum, sizeof checksum, "%s", text_of(scheme, "checksum"));
    assert_int_equal(strlen(checksum), 64);

    struct answer before =
        posts(coder, "/api/v1/stays:group", "{s:i, s:{s:s}}", "year", 2026, "stay", "sex", "MALE");
    assert_int_equal(before.status, 422);
    assert_string_equal(before.reason, "scheme.not_named");
    assert_string_equal(text_of(before.json, "title"), "本年度尚未指定分组方案");
    answer_free(&before);

    struct answer named =
        asks(designer, (struct ask){ .verb = "PUT",
                                     .path = "/api/v1/years/2026/scheme",
                                     .json = json_pack("{s:s}", "checksum", checksum) });
    assert_int_equal(named.status, 200);
    assert_string_equal(named.etag, "\"1\"");
    answer_free(&named);
    struct answer stale =
        asks(designer, (struct ask){ .verb = "PUT",
                                     .path = "/api/v1/years/2026/scheme",
                                     .if_match = "\"7\"",
                                     .json = json_pack("{s:s}", "checksum", checksum) });
    assert_int_equal(stale.status, 412);
    answer_free(&stale);
}

static void
a_stay_is_grouped_and_explained(void **state)
{
    (void) state;
    const json_t *grouped =
        must_post(coder, 200, "/api/v1/stays:group", "{s:i, s:{s:s, s:s, s:[s, s]}}", "year", 2026,
                  "stay", "sex", "FEMALE", "age", "60", "diagnoses", "I21.900", "J96.000");
    const json_t *grouping = json_object_get(grouped, "grouping");
    assert_string_equal(text_of(grouping, "status"), "ok");
    assert_string_equal(text_of(grouping, "drg"), "FR11");
    assert_string_equal(text_of(json_object_get(grouping, "scheme"), "checksum"), checksum);

    const json_t *explained =
        must_post(coder, 200, "/api/v1/stays:explain", "{s:i, s:{s:s, s:s, s:[s]}}", "year", 2026,
                  "stay", "sex", "FEMALE", "age", "60", "diagnoses", "J18.900");
    assert_non_null(strstr(text_of(explained, "chinese"), "结果：分组成功，DRG ES45"));
    assert_non_null(strstr(text_of(explained, "english"), "result: grouped, DRG ES45"));

    struct answer wrong = posts(coder, "/api/v1/stays:group", "{s:i, s:{s:s, s:s}}", "year", 2026,
                                "stay", "sex", "FEMALE", "age", "old");
    assert_int_equal(wrong.status, 400);
    assert_string_equal(wrong.path, "$.stay.age");
    answer_free(&wrong);
}

static void
the_queue_is_reached_through_https(void **state)
{
    struct browser *officer = a_person(p, &town, "zhenyuan", "TOWNSHIP_OFFICER");
    const char *table = mints();

    (void) state;
    const json_t *found = must_get(
        coder, 200,
        "/api/v1/codes?kind=DIAGNOSIS&codeSet=INSURANCE&year=2026&query=%E8%82%BA%E7%82%8E");
    assert_true(json_array_size(json_object_get(found, "hits")) > 1);

    struct answer none = posts(coder, "/api/v1/codingJobs:take", "{}");
    assert_int_equal(none.status, 422);
    assert_string_equal(none.reason, "certificate.none");
    answer_free(&none);
    const json_t *me = must_get(coder, 200, "/api/v1/me");
    char account[40];
    (void) snprintf(account, sizeof account, "%s",
                    text_of(json_object_get(me, "account"), "accountId"));
    (void) must_post(officer, 201, "/api/v1/coderCertificates", "{s:s, s:s, s:s, s:s}", "accountId",
                     account, "number", "BM-1", "validFrom", "2020-01-01", "validUntil",
                     "2099-12-31");
    const json_t *taken = must_post(coder, 200, "/api/v1/codingJobs:take", "{}");
    assert_null(json_object_get(taken, "job")); /* nothing waits */
    (void) must_get(officer, 200, "/api/v1/codingQueue");
    (void) must_get(officer, 200, "/api/v1/codingJobs?pageSize=10");
    (void) must_get(officer, 200, "/api/v1/coderCertificates");

    char path[128];
    (void) snprintf(path, sizeof path, "/api/v1/subsidyTables/%s", table);
    struct answer absent = gets(officer, path);
    assert_int_equal(absent.status, 404);
    assert_string_equal(absent.reason, "table.none");
    answer_free(&absent);
    (void) snprintf(path, sizeof path, "/api/v1/subsidyTables/%s:export", table);
    struct answer no_file = gets(officer, path);
    assert_int_equal(no_file.status, 404);
    assert_string_equal(no_file.reason, "table.none");
    answer_free(&no_file);
    struct answer unknown =
        posts(designer, "/api/v1/subsidyTables", "{s:s, s:s, s:s}", "tableId", table, "programmeId",
              mints(), "text", "drg\tamount\nES45\t800\n");
    assert_int_equal(unknown.status, 422);
    assert_string_equal(unknown.reason, "programme.unknown");
    answer_free(&unknown);
    (void) snprintf(path, sizeof path, "/api/v1/codingJobs/%s:submit", table);
    struct answer nobody = posts(coder, path, "{s:s}", "codingId", mints());
    assert_int_equal(nobody.status, 404);
    answer_free(&nobody);
    browser_destroy(officer);
}

static char *
example(const char *name)
{
    char path[512];
    char *text = calloc(1, 65536);

    (void) snprintf(path, sizeof path, "%s/services/coding/design/examples/T1/%s", HUZHU_SOURCE_DIR,
                    name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_non_null(text);
    text[fread(text, 1, 65535, file)] = '\0';
    (void) fclose(file);
    return text;
}

static void
a_plan_is_designed(void **state)
{
    static const char *const names[] = { "settings.tsv", "groups.tsv",    "insurance.tsv",
                                         "people.tsv",   "incidence.tsv", "costs.tsv" };
    json_t *tables = json_array();

    (void) state;
    for (size_t i = 0; i < COUNT(names); i++) {
        char *text = example(names[i]);
        assert_int_equal(
            json_array_append_new(tables, json_pack("{s:s, s:s}", "name", names[i], "text", text)),
            0);
        free(text);
    }
    const json_t *plan =
        must_post(designer, 200, "/api/v1/plans:design", "{s:O}", "tables", tables);
    assert_non_null(strstr(text_of(plan, "table"), "X009"));
    assert_non_null(strstr(text_of(plan, "page"), "<!doctype html>"));
    json_t *figures = json_loads(text_of(plan, "figures"), 0, NULL);
    assert_non_null(figures);
    json_decref(figures);

    assert_int_equal(json_array_remove(tables, 0), 0);
    struct answer wrong = posts(designer, "/api/v1/plans:design", "{s:o}", "tables", tables);
    assert_int_equal(wrong.status, 400);
    assert_string_equal(wrong.reason, "design.file");
    assert_string_equal(text_of(wrong.json, "title"), "文件缺失或无法读取");
    answer_free(&wrong);

    struct answer not_hers = posts(coder, "/api/v1/plans:design", "{s:[]}", "tables");
    assert_int_equal(not_hers.status, 403);
    answer_free(&not_hers);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_year_names_its_scheme),
        cmocka_unit_test(a_stay_is_grouped_and_explained),
        cmocka_unit_test(the_queue_is_reached_through_https),
        cmocka_unit_test(a_plan_is_designed),
    };
    return cmocka_run_group_tests_name("e2e/coding", tests, open_world, close_world);
}
