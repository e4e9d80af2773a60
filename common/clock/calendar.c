/* calendar.c - which days are worked: weekends, the law's fixed days, the notices, one's own file.
 */
#include "clock/calendar.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES_MAX = 256, DAYS_MAX = 4096, NOTICES_MAX = 128, SOURCE_BYTES_MAX = 96 };

/* Days as YYYYMMDD: the tables are read by people, and integers of this form sort by time. */
struct range {
    int32_t first, last;
    bool work;
};

static const struct range built_in[] = {
#define NOTICE(year, number)
#define OFF(first, last) { (first), (last), false },
#define WORK(day) { (day), (day), true },
#include "clock/workdays.def"
#undef NOTICE
#undef OFF
#undef WORK
};

static const struct notice {
    int year;
    const char *number;
} notices[] = {
#define NOTICE(year, number) { (year), (number) },
#define OFF(first, last)
#define WORK(day)
#include "clock/workdays.def"
#undef NOTICE
#undef OFF
#undef WORK
};

/* What a calendar file added; sorted by day. */
struct own {
    struct range days[DAYS_MAX];
    size_t count;
    struct own_notice {
        int year;
        char source[SOURCE_BYTES_MAX];
    } notices[NOTICES_MAX];
    size_t notice_count;
};
static struct own *own; /* written before the threads alone */

/* --- looking up --- */

static int
compare_ranges(const void *a, const void *b)
{
    const struct range *x = a, *y = b;

    return (x->first > y->first) - (x->first < y->first);
}

/* `day` against a range that may hold it. */
static int
find_range(const void *key, const void *range)
{
    const int32_t day = *(const int32_t *) key;
    const struct range *r = range;

    return day < r->first ? -1 : day > r->last;
}

const char *
calendar_source(int year)
{
    for (size_t i = 0; own && i < own->notice_count; i++)
        if (own->notices[i].year == year)
            return own->notices[i].source;
    for (size_t i = 0; i < COUNT(notices); i++)
        if (notices[i].year == year)
            return notices[i].number;
    return NULL;
}

/* 全国年节及纪念日放假办法: 2 May is a holiday since the decision of November 2024. */
static bool
is_fixed_holiday(int year, int month, int day)
{
    return (month == 1 && day == 1) || (month == 5 && (day == 1 || (day == 2 && year >= 2025))) ||
           (month == 10 && day <= 3);
}

static bool
is_weekend(date_t date)
{
    const int weekday = (date.days % 7 + 7 + 4) % 7; /* 1970-01-01 was a Thursday; 0: Sunday */

    return weekday == 0 || weekday == 6;
}

/* Sets *provisional when the year is, and never resets it. */
static bool
is_worked(date_t date, bool *provisional)
{
    int year, month, day;

    date_to_civil(date, &year, &month, &day);
    const int32_t key = year * 10000 + month * 100 + day;
    const bool covered = calendar_source(year) != NULL;
    *provisional = *provisional || !covered;

    const struct range *r =
        own ? bsearch(&key, own->days, own->count, sizeof *r, find_range) : NULL;
    if (!r)
        r = bsearch(&key, built_in, COUNT(built_in), sizeof *r, find_range);
    if (r)
        return r->work;
    return !is_weekend(date) && (covered || !is_fixed_holiday(year, month, day));
}

bool
calendar_is_workday(date_t date, bool *provisional)
{
    bool guessed = false;
    const bool worked = is_worked(date, &guessed);

    if (provisional)
        *provisional = guessed;
    return worked;
}

date_t
calendar_add_workdays(date_t from, int n, bool *provisional)
{
    const int step = n < 0 ? -1 : 1;
    bool guessed = false;

    while (n != 0) {
        from.days += step;
        if (is_worked(from, &guessed))
            n -= step;
    }
    if (provisional)
        *provisional = guessed;
    return from;
}

int
calendar_workdays_between(date_t after, date_t until, bool *provisional)
{
    bool guessed = false;
    int count = 0;

    while (after.days < until.days) {
        after.days++;
        count += is_worked(after, &guessed);
    }
    if (provisional)
        *provisional = guessed;
    return count;
}

/* --- the file --- */

static bool
add_notice(struct own *o, const char *year, const char *source)
{
    struct own_notice *n = &o->notices[o->notice_count];
    char *end;
    const long value = strtol(year, &end, 10);

    if (o->notice_count == NOTICES_MAX || strlen(year) != 4 || *end || value < 1 ||
        strlen(source) >= sizeof n->source)
        return false;
    for (size_t i = 0; i < o->notice_count; i++)
        if (o->notices[i].year == (int) value)
            return false;
    n->year = (int) value;
    (void) snprintf(n->source, sizeof n->source, "%s", source);
    o->notice_count++;
    return true;
}

static bool
add_day(struct own *o, const char *text, const char *kind)
{
    int year, month, day;
    date_t date;

    if (o->count == DAYS_MAX || !date_parse(text, &date) ||
        (strcmp(kind, "off") != 0 && strcmp(kind, "work") != 0))
        return false;
    date_to_civil(date, &year, &month, &day);
    const int32_t key = year * 10000 + month * 100 + day;
    o->days[o->count++] = (struct range){ key, key, kind[0] == 'w' };
    return true;
}

/* "WORD WORD [REST]"; blank lines and comments are well too. */
static bool
take_line(struct own *o, char *line)
{
    char *rest = NULL;

    line[strcspn(line, "#\r\n")] = '\0';
    char *first = strtok_r(line, " \t", &rest);
    if (!first)
        return true;
    const char *second = strtok_r(NULL, " \t", &rest);
    const char *third = strtok_r(NULL, " \t", &rest);
    if (!second || strtok_r(NULL, " \t", &rest))
        return false;
    return strcmp(second, "notice") == 0 ? third && add_notice(o, first, third)
                                         : !third && add_day(o, first, second);
}

static void
close_file(FILE **file)
{
    if (*file)
        (void) fclose(*file);
}

static err_t
read_file(const char *path, struct own *o, struct err *err)
{
    CLEANUP(close_file) FILE *file = fopen(path, "re");
    char line[LINE_BYTES_MAX];
    int number = 0;

    if (!file)
        return err_set(err, ERR_NOT_FOUND, "calendar.unreadable", "cannot open %s: %s", path,
                       strerror(errno));
    while (fgets(line, sizeof line, file)) {
        number++;
        if ((!strchr(line, '\n') && !feof(file)) || !take_line(o, line))
            return err_set(err, ERR_INVALID, "calendar.malformed",
                           "%s:%d: neither a day \"2027-01-01 off\" (or work) nor \"2027 notice "
                           "SOURCE\"",
                           path, number);
    }
    if (ferror(file))
        return err_set(err, ERR_NOT_FOUND, "calendar.unreadable", "cannot read %s", path);
    return ERR_OK;
}

static err_t
fill(const char *path, struct own *o, struct err *err)
{
    TRY(read_file(path, o, err));
    qsort(o->days, o->count, sizeof *o->days, compare_ranges);
    for (size_t i = 1; i < o->count; i++)
        if (o->days[i].first == o->days[i - 1].first)
            return err_set(err, ERR_INVALID, "calendar.malformed", "%s names the day %d twice",
                           path, o->days[i].first);
    return ERR_OK;
}

err_t
calendar_load(const char *path, struct err *err)
{
    struct own *made = calloc(1, sizeof *made);

    if (!made)
        return err_set(err, ERR_UNAVAILABLE, "calendar.memory", "out of memory");
    const err_t code = fill(path, made, err);
    if (code != ERR_OK) {
        free(made);
        return code;
    }
    calendar_unload();
    own = made;
    return ERR_OK;
}

void
calendar_unload(void)
{
    free(own);
    own = NULL;
}
