/* Goal: an operator moves the business time of a rehearsal, and of nothing else.
 * Method: hz clock on a running rehearsal; what a service stores tells which time it saw. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "platform.h"

static struct platform *p;
static struct administration admins;
static struct township town;
static struct browser *designer;

static int
open_world(void **state)
{
    (void) state;
    p = platform_rehearsal(1, NULL);
    administration_open(p, &admins);
    township_open(p, &admins, "yanlian", &town);
    designer = a_person(p, &town, "shejiyuan", "DESIGNER");
    return 0;
}

static int
close_world(void **state)
{
    (void) state;
    browser_destroy(designer);
    administration_close(&town.administration);
    administration_close(&admins);
    platform_down(p);
    return 0;
}

static bool
says(const char *words, int wanted, const char *text)
{
    int status;
    char *said = hz(p, &status, words);
    const bool is = status == wanted && strstr(said, text) != NULL;

    if (!is)
        print_error("hz %s: %d: %s\n", words, status, said);
    free(said);
    return is;
}

static void
names_a_scheme(int year)
{
    char path[64];
    const json_t *schemes = must_get(designer, 200, "/api/v1/schemes");
    const json_t *first = json_array_get(json_object_get(schemes, "schemes"), 0);
    char checksum[128];

    assert_non_null(first);
    (void) snprintf(checksum, sizeof checksum, "%s",
                    json_string_value(json_object_get(first, "checksum")));
    (void) snprintf(path, sizeof path, "/api/v1/years/%d/scheme", year);
    struct answer named =
        asks(designer, (struct ask){ .verb = "PUT",
                                     .path = path,
                                     .json = json_pack("{s:s}", "checksum", checksum) });
    assert_int_equal(named.status, 200);
    answer_free(&named);
}

static void
business_time_is_set_and_moved_while_the_platform_runs(void **state)
{
    (void) state;
    assert_true(says("clock set 2024-07-01T08:00:00+08:00 --back", 0, "2024-07-01T08:00:00+08:00"));
    assert_true(says("clock", 0, "2024-07-01T08:0"));
    assert_true(says("status", 0, "REHEARSAL: business time is 2024-07-01T08:0"));
    names_a_scheme(2030);
    assert_true(says("clock move 30d", 0, "2024-07-31T08:0"));
    names_a_scheme(2031);
    assert_int_equal(counts(p, "SELECT count(*) FROM coding.year_scheme WHERE (year, (named_at AT"
                               " TIME ZONE 'Asia/Shanghai')::date) IN ((2030, '2024-07-01'),"
                               " (2031, '2024-07-31'))"),
                     2);
    /* what is evidence has the wall clock's time, and who was signed in still is */
    assert_int_equal(counts(p, "SELECT count(*) FROM coding.event"
                               " WHERE abs(extract(epoch FROM now() - recorded_at)) > 600"),
                     0);
    (void) must_get(admins.who[SYSTEM], 200, "/api/v1/me");
}

static void
it_goes_back_only_when_told_twice(void **state)
{
    (void) state;
    assert_true(says("clock set 2025-01-01", 0, "2025-01-01T00:00:00+08:00"));
    assert_true(says("clock set 2024-12-31", 1, ""));
    assert_true(says("clock move -1s", 1, ""));
    assert_true(says("clock", 0, "2025-01-01T00:0"));
    assert_true(says("clock move -12h --back", 0, "2024-12-31T12:0"));
    assert_true(says("clock set 2024-02-30", 1, ""));
    assert_true(says("clock set tomorrow", 1, ""));
    assert_true(says("clock move 3w", 1, ""));
    assert_true(says("clock set 9999-01-01", 1, ""));
    assert_true(says("clock", 0, "2024-12-31T12:0"));
}

/* An instance with real people in it: hz.conf as every `hz up` before rehearsals left it. */
static void
a_plain_instance_is_neither_moved_nor_made_a_rehearsal(void **state)
{
    struct platform plain = *p;
    char path[PLATFORM_PATH_BYTES + 32];
    struct stat found;
    int status;

    (void) state;
    (void) snprintf(plain.data, sizeof plain.data, "%s/plain", p->root);
    assert_int_equal(mkdir(plain.data, 0755), 0);
    (void) snprintf(path, sizeof path, "%s/hz.conf", plain.data);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    (void) fprintf(file, "port=%d\n", p->port);
    assert_int_equal(fclose(file), 0);
    free(hz(&plain, &status, "clock move 1d"));
    assert_int_equal(status, 1);
    free(hz(&plain, &status, "up --rehearsal --no-build"));
    assert_int_equal(status, 1);
    free(hz(&plain, &status, "clock"));
    assert_int_equal(status, 0);
    (void) snprintf(path, sizeof path, "%s/business-clock", plain.data);
    assert_int_not_equal(stat(path, &found), 0);
    free(hz(p, &status, "up --rehearsal --no-build")); /* which it is already */
    assert_int_equal(status, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(business_time_is_set_and_moved_while_the_platform_runs),
        cmocka_unit_test(it_goes_back_only_when_told_twice),
        cmocka_unit_test(a_plain_instance_is_neither_moved_nor_made_a_rehearsal),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
