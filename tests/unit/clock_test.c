/* Goal: business time follows its file, whatever happens to that file. */
#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock/business.h"

static char folder[] = "/tmp/huzhu-clock-XXXXXX", path[64], beside[64];
static const instant_t wall = { INT64_C(1795000000000000) };

static int
open_world(void **state)
{
    (void) state;
    if (!mkdtemp(folder))
        return -1;
    (void) snprintf(path, sizeof path, "%s/offset", folder);
    (void) snprintf(beside, sizeof beside, "%s/offset.new", folder);
    return 0;
}

static int
close_world(void **state)
{
    (void) state;
    (void) unlink(path);
    return rmdir(folder);
}

static void
put(const char *text)
{
    FILE *file = fopen(beside, "we");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(beside, path), 0);
}

static struct business_clock *
open_clock(const char *name)
{
    struct business_clock *clock = NULL;
    struct err err;

    assert_int_equal(business_clock_open(name, &clock, &err), ERR_OK);
    return clock;
}

static int64_t
offset(struct business_clock *clock)
{
    return business_time(clock, wall, NULL).us - wall.us;
}

static void
without_a_file_business_time_is_the_wall_clock(void **state)
{
    OWNED(business_clock_close) struct business_clock *clock = open_clock(path);

    (void) state;
    assert_null(open_clock(""));
    assert_null(open_clock(NULL));
    assert_int_equal(offset(NULL), 0);
    assert_int_equal(offset(clock), 0);
}

static void
a_changed_file_moves_business_time_at_once(void **state)
{
    OWNED(business_clock_close) struct business_clock *clock = open_clock(path);

    (void) state;
    put("86400000000\n");
    assert_int_equal(offset(clock), US_PER_DAY);
    put("-86400000000\n"); /* of the same length but for the sign, in the same second */
    assert_int_equal(offset(clock), -US_PER_DAY);
    put("+5");
    assert_int_equal(offset(clock), 5);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(offset(clock), 0);
    put("7\n");
    assert_int_equal(offset(clock), 7);
    /* written in place, as an editor may */
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs("12\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(offset(clock), 12);
    assert_int_equal(unlink(path), 0);
}

static const char *const malformed[] = {
    "",
    "\n",
    " 5\n",
    "5 \n",
    "5\n\n",
    "5\r\n",
    "+-5\n",
    "--5\n",
    "0x10\n",
    "1e6\n",
    "five\n",
    "5\n6\n",
    "-\n",
    "9223372036854775808\n",
    "6324480000000001\n",
    "-6324480000000001\n",
    "00000000000000000000000000000000005\n",
};

static void
a_malformed_file_keeps_the_last_offset(void **state)
{
    OWNED(business_clock_close) struct business_clock *clock = open_clock(path);

    (void) state;
    for (size_t i = 0; i < COUNT(malformed); i++) {
        put("42\n");
        assert_int_equal(offset(clock), 42);
        put(malformed[i]);
        bool told = false, again = true;
        assert_int_equal(business_time(clock, wall, &told).us - wall.us, 42);
        (void) business_time(clock, wall, &again);
        if (!told || again || offset(clock) != 42)
            fail_msg("\"%s\" was believed", malformed[i]);
    }
    put("6324480000000000\n"); /* 200 years of 366 days */
    assert_int_equal(offset(clock), INT64_C(6324480000000000));
    assert_int_equal(unlink(path), 0);
}

static void
the_bounds_are_two_hundred_years(void **state)
{
    int64_t us = 0;
    char text[32];

    (void) state;
    (void) snprintf(text, sizeof text, "%lld\n", (long long) BUSINESS_OFFSET_US_MAX);
    assert_true(business_offset_parse(text, &us));
    assert_int_equal(us, BUSINESS_OFFSET_US_MAX);
    (void) snprintf(text, sizeof text, "%lld\n", (long long) BUSINESS_OFFSET_US_MAX + 1);
    assert_false(business_offset_parse(text, &us));
    (void) snprintf(text, sizeof text, "%lld\n", (long long) -BUSINESS_OFFSET_US_MAX - 1);
    assert_false(business_offset_parse(text, &us));
}

static atomic_int strange;
static atomic_bool done;

static void *
reads_on(void *arg)
{
    while (!atomic_load(&done)) {
        const int64_t us = offset(arg);
        if (us != 1000 && us != 2000000)
            atomic_fetch_add(&strange, 1);
    }
    return NULL;
}

static void
readers_see_nothing_but_whole_offsets(void **state)
{
    OWNED(business_clock_close) struct business_clock *clock = open_clock(path);
    pthread_t threads[3];

    (void) state;
    put("1000\n");
    assert_int_equal(offset(clock), 1000);
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reads_on, clock), 0);
    for (int i = 0; i < 500; i++)
        put(i % 2 ? "1000\n" : "2000000\n");
    atomic_store(&done, true);
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(strange, 0);
    assert_int_equal(offset(clock), 1000);
    assert_int_equal(unlink(path), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_file_business_time_is_the_wall_clock),
        cmocka_unit_test(a_changed_file_moves_business_time_at_once),
        cmocka_unit_test(a_malformed_file_keeps_the_last_offset),
        cmocka_unit_test(the_bounds_are_two_hundred_years),
        cmocka_unit_test(readers_see_nothing_but_whole_offsets),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
