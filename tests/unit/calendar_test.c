/* Goal: working days as the State Council's notices have them, counted as the Civil Code counts.
 * Method: our own tables of facts (worked out by hand from the notices and checked against another
 * calendar), and files of every shape. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock/calendar.h"

static char folder[] = "/tmp/huzhu-calendar-XXXXXX", path[64];

static int
open_world(void **state)
{
    (void) state;
    if (!mkdtemp(folder))
        return -1;
    (void) snprintf(path, sizeof path, "%s/calendar", folder);
    return 0;
}

static int
close_world(void **state)
{
    (void) state;
    (void) unlink(path);
    return rmdir(folder);
}

static int
forget(void **state)
{
    (void) state;
    calendar_unload();
    return 0;
}

static date_t
day(const char *text)
{
    date_t date = { 0 };

    if (!date_parse(text, &date))
        fail_msg("%s is no day", text);
    return date;
}

static bool
works(const char *text)
{
    bool provisional = true;
    const bool is = calendar_is_workday(day(text), &provisional);

    if (provisional)
        fail_msg("%s is provisional", text);
    return is;
}

static bool
guesses(const char *text, bool *works)
{
    bool provisional = false;

    *works = calendar_is_workday(day(text), &provisional);
    return provisional;
}

/* Five working days after a start: around every festival of three years. */
static const struct {
    const char *start, *due;
} fives[] = {
    { "2024-02-02", "2024-02-08" }, { "2024-02-08", "2024-02-21" }, { "2024-02-09", "2024-02-22" },
    { "2024-04-03", "2024-04-11" }, { "2024-04-26", "2024-05-07" }, { "2024-09-13", "2024-09-23" },
    { "2024-09-27", "2024-10-10" }, { "2024-09-30", "2024-10-12" }, { "2024-12-30", "2025-01-07" },
    { "2025-01-24", "2025-02-07" }, { "2025-01-27", "2025-02-10" }, { "2025-04-25", "2025-05-06" },
    { "2025-04-30", "2025-05-12" }, { "2025-05-29", "2025-06-06" }, { "2025-09-26", "2025-10-10" },
    { "2025-09-30", "2025-10-14" }, { "2025-12-30", "2026-01-07" }, { "2025-12-31", "2026-01-08" },
    { "2026-02-11", "2026-02-25" }, { "2026-02-13", "2026-02-27" }, { "2026-02-14", "2026-02-28" },
    { "2026-02-20", "2026-02-28" }, { "2026-04-03", "2026-04-13" }, { "2026-04-30", "2026-05-11" },
    { "2026-05-08", "2026-05-14" }, { "2026-06-16", "2026-06-24" }, { "2026-09-18", "2026-09-24" },
    { "2026-09-24", "2026-10-09" }, { "2026-09-30", "2026-10-13" }, { "2026-10-09", "2026-10-15" },
};
static_assert(COUNT(fives) == 30, "thirty pairs");

static void
five_working_days_end_where_the_notices_say(void **state)
{
    char text[DATE_TEXT_BYTES];

    (void) state;
    for (size_t i = 0; i < COUNT(fives); i++) {
        bool provisional = true;
        const date_t start = day(fives[i].start),
                     due = calendar_add_workdays(start, 5, &provisional);
        date_format(due, text);
        if (strcmp(text, fives[i].due) != 0)
            fail_msg("5 working days after %s: %s instead of %s", fives[i].start, text,
                     fives[i].due);
        assert_false(provisional);
        /* both sides of the boundary: the day before is the fourth, this one the fifth */
        assert_int_equal(calendar_workdays_between(start, due, &provisional), 5);
        assert_int_equal(calendar_workdays_between(start, (date_t){ due.days - 1 }, NULL), 4);
        assert_true(calendar_is_workday(due, NULL));
    }
}

static void
every_month_has_its_working_days(void **state)
{
    static const int months[3][12] = {
        { 22, 18, 21, 22, 21, 19, 23, 22, 21, 19, 21, 22 }, /* 2024: 251 */
        { 19, 19, 21, 22, 19, 20, 23, 21, 23, 18, 20, 23 }, /* 2025: 248 */
        { 21, 16, 22, 21, 19, 21, 23, 21, 22, 18, 21, 23 }, /* 2026: 248 */
    };
    static const int years[3] = { 251, 248, 248 };

    (void) state;
    for (int y = 0; y < 3; y++) {
        int sum = 0;
        for (int m = 1; m <= 12; m++) {
            const date_t last = { date_from_civil(2024 + y, m, 1).days - 1 },
                         next = { date_from_civil(2024 + y + m / 12, m % 12 + 1, 1).days - 1 };
            const int count = calendar_workdays_between(last, next, NULL);
            if (count != months[y][m - 1])
                fail_msg("%d-%02d: %d", 2024 + y, m, count);
            sum += count;
        }
        assert_int_equal(sum, years[y]);
    }
}

static const char *const days_worked[] = {
    "2024-02-04",
    "2024-02-18",
    "2024-04-07",
    "2024-04-28",
    "2024-05-11",
    "2024-09-14",
    "2024-09-29",
    "2024-10-12",
    "2025-01-26",
    "2025-02-08",
    "2025-04-27",
    "2025-09-28",
    "2025-10-11",
    "2026-01-04",
    "2026-02-14",
    "2026-02-28",
    "2026-05-09",
    "2026-09-20",
    "2026-10-10",
    /* the working days that touch a festival */
    "2024-01-02",
    "2024-02-09",
    "2024-06-11",
    "2024-09-18",
    "2024-10-08",
    "2025-01-02",
    "2025-01-27",
    "2025-02-05",
    "2025-06-03",
    "2025-09-30",
    "2025-10-09",
    "2026-02-24",
    "2026-06-18",
    "2026-06-22",
    "2026-09-24",
    "2026-09-28",
    "2026-09-30",
    "2026-10-08",
};
static const char *const days_off[] = {
    "2024-01-01",
    "2024-02-10",
    "2024-02-17",
    "2024-05-03",
    "2024-06-10",
    "2024-09-16",
    "2024-10-07",
    "2025-01-28",
    "2025-02-04",
    "2025-06-02",
    "2025-10-08",
    "2026-01-02",
    "2026-02-16",
    "2026-02-23",
    "2026-04-06",
    "2026-06-19",
    "2026-09-25",
    "2026-10-01",
    "2026-10-07",
    /* weekends beside worked ones */
    "2024-02-03",
    "2024-04-27",
    "2025-01-25",
    "2025-02-09",
    "2026-02-01",
    "2026-03-01",
    "2026-09-19",
    "2026-10-11",
};

static void
worked_weekends_and_days_off_have_sharp_edges(void **state)
{
    (void) state;
    for (size_t i = 0; i < COUNT(days_worked); i++)
        if (!works(days_worked[i]))
            fail_msg("%s is worked", days_worked[i]);
    for (size_t i = 0; i < COUNT(days_off); i++)
        if (works(days_off[i]))
            fail_msg("%s is off", days_off[i]);
}

static void
nothing_and_the_past_are_counted_too(void **state)
{
    const date_t saturday = day("2026-11-21");

    (void) state;
    assert_int_equal(calendar_add_workdays(saturday, 0, NULL).days, saturday.days);
    assert_int_equal(calendar_add_workdays(saturday, 1, NULL).days, day("2026-11-23").days);
    assert_int_equal(calendar_add_workdays(saturday, -1, NULL).days, day("2026-11-20").days);
    assert_int_equal(calendar_add_workdays(day("2026-10-08"), -1, NULL).days,
                     day("2026-09-30").days);
    assert_int_equal(calendar_workdays_between(saturday, saturday, NULL), 0);
    assert_int_equal(calendar_workdays_between(saturday, day("2026-11-01"), NULL), 0);
}

static void
a_year_without_a_notice_is_provisional(void **state)
{
    bool works = false, provisional = false;

    (void) state;
    assert_string_equal(calendar_source(2026), "国办发明电〔2025〕7号");
    assert_string_equal(calendar_source(2024), "国办发明电〔2023〕7号");
    assert_null(calendar_source(2027));
    assert_true(guesses("2027-01-01", &works) && !works); /* a Friday */
    assert_true(guesses("2027-01-04", &works) && works);
    assert_true(guesses("2027-01-02", &works) && !works); /* a Saturday */
    assert_true(guesses("2028-05-01", &works) && !works);
    assert_true(guesses("2028-05-02", &works) && !works);
    assert_true(guesses("2028-05-03", &works) && works);
    assert_true(guesses("2027-10-01", &works) && !works);
    assert_true(guesses("2028-10-03", &works) && !works);
    assert_true(guesses("2028-10-04", &works) && works);
    assert_true(guesses("2023-05-02", &works) && works); /* a holiday since 2025 */
    assert_true(guesses("2023-12-31", &works) && !works);
    assert_true(guesses("1960-01-05", &works) && works); /* a Tuesday before 1970 */
    assert_true(guesses("1960-01-10", &works) && !works);

    assert_int_equal(calendar_add_workdays(day("2026-12-24"), 5, &provisional).days,
                     day("2026-12-31").days);
    assert_false(provisional);
    assert_int_equal(calendar_add_workdays(day("2026-12-25"), 5, &provisional).days,
                     day("2027-01-04").days);
    assert_true(provisional);
    assert_int_equal(calendar_workdays_between(day("2026-12-30"), day("2026-12-31"), &provisional),
                     1);
    assert_false(provisional);
    assert_int_equal(calendar_workdays_between(day("2026-12-31"), day("2027-01-01"), &provisional),
                     0);
    assert_true(provisional);
}

/* --- files --- */

static err_t
load(const char *text, struct err *err)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return calendar_load(path, err);
}

static void
a_file_adds_a_year_and_closures(void **state)
{
    struct err err;
    bool works;

    (void) state;
    assert_int_equal(load("# source: made up for this test\n\n"
                          "2027 notice 国办发明电〔2026〕1号\n"
                          "2027-02-08 off # the feast\n"
                          "2027-01-01\toff\r\n"
                          "2027-02-06 work\n"
                          "2026-07-22 off # a storm\n"
                          "2028-07-21 off",
                          &err),
                     ERR_OK);
    assert_string_equal(calendar_source(2027), "国办发明电〔2026〕1号");
    assert_false(guesses("2027-02-06", &works));
    assert_true(works); /* a Saturday */
    assert_false(guesses("2027-02-08", &works));
    assert_false(works); /* a Monday */
    assert_false(guesses("2027-10-01", &works));
    assert_true(works); /* the notice is all there is: a Friday that it does not name */
    assert_false(guesses("2026-07-22", &works));
    assert_false(works);
    assert_true(guesses("2028-07-21", &works)); /* a closure does not cover a year */
    assert_false(works);
    calendar_unload();
    assert_true(guesses("2027-02-06", &works) && !works);
    assert_false(guesses("2026-07-22", &works));
    assert_true(works);
}

static void
a_malformed_file_is_believed_in_nothing(void **state)
{
    static const char *const texts[] = {
        "2027-02-06 works\n",
        "2027-02-30 off\n",
        "2027-2-6 off\n",
        "2027-02-06\n",
        "off 2027-02-06\n",
        "2027-02-06 off why\n",
        "2027 notice\n",
        "2027 notice a b\n",
        "27 notice x\n",
        "20x7 notice x\n",
        "2027 notice a\n2027 notice b\n",
        "2027-02-06 off\n2027-02-06 work\n",
        "2027-02-06 off\n2027-02-06 off\n",
    };
    char huge[400];
    struct err err;

    (void) state;
    assert_int_equal(load("2026-07-22 off\n", &err), ERR_OK);
    for (size_t i = 0; i < COUNT(texts); i++) {
        if (load(texts[i], &err) != ERR_INVALID)
            fail_msg("\"%s\" was believed", texts[i]);
        assert_string_equal(err.reason, "calendar.malformed");
    }
    memset(huge, ' ', sizeof huge);
    (void) snprintf(huge + 300, sizeof huge - 300, "2027-02-06 off\n");
    assert_int_equal(load(huge, &err), ERR_INVALID);
    assert_int_equal(calendar_load("/nonexistent/calendar", &err), ERR_NOT_FOUND);
    assert_false(works("2026-07-22")); /* what was loaded before holds on */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_working_days_end_where_the_notices_say),
        cmocka_unit_test(every_month_has_its_working_days),
        cmocka_unit_test(worked_weekends_and_days_off_have_sharp_edges),
        cmocka_unit_test(nothing_and_the_past_are_counted_too),
        cmocka_unit_test(a_year_without_a_notice_is_provisional),
        cmocka_unit_test_teardown(a_file_adds_a_year_and_closures, forget),
        cmocka_unit_test_teardown(a_malformed_file_is_believed_in_nothing, forget),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
