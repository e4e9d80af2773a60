/* clock.c - calendar arithmetic in integers, so that no locale and no time zone table takes part.
 */
#include "clock/clock.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SHANGHAI_OFFSET_US (INT64_C(8) * 3600 * US_PER_SECOND)

instant_t
clock_now(void)
{
    struct timespec ts;

    (void) clock_gettime(CLOCK_REALTIME, &ts);
    return (instant_t){ (int64_t) ts.tv_sec * US_PER_SECOND + ts.tv_nsec / 1000 };
}

int64_t
clock_monotonic_us(void)
{
    struct timespec ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t) ts.tv_sec * US_PER_SECOND + ts.tv_nsec / 1000;
}

static int64_t
floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

date_t
date_of(instant_t at)
{
    return (date_t){ (int32_t) floor_div(at.us + SHANGHAI_OFFSET_US, US_PER_DAY) };
}

instant_t
date_start(date_t date)
{
    return (instant_t){ (int64_t) date.days * US_PER_DAY - SHANGHAI_OFFSET_US };
}

int32_t
days_between(date_t from, date_t to)
{
    return to.days - from.days;
}

/* Counts in 400-year eras of 146,097 days that begin on 1 March, so that the leap day is the last.
 */
date_t
date_from_civil(int year, int month, int day)
{
    const int y = year - (month <= 2);
    const int era = (int) floor_div(y, 400);
    const int in_era = y - era * 400;
    const int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    const int day_of_era = in_era * 365 + in_era / 4 - in_era / 100 + day_of_year;

    return (date_t){ era * 146097 + day_of_era - 719468 };
}

void
date_to_civil(date_t date, int *year, int *month, int *day)
{
    const int z = date.days + 719468;
    const int era = (int) floor_div(z, 146097);
    const int day_of_era = z - era * 146097;
    const int in_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int day_of_year = day_of_era - (365 * in_era + in_era / 4 - in_era / 100);
    const int shifted = (5 * day_of_year + 2) / 153;

    *day = day_of_year - (153 * shifted + 2) / 5 + 1;
    *month = shifted < 10 ? shifted + 3 : shifted - 9;
    *year = in_era + era * 400 + (*month <= 2);
}

void
date_format(date_t date, char text[static DATE_TEXT_BYTES])
{
    int year, month, day;

    date_to_civil(date, &year, &month, &day);
    assert(year >= 1 && year <= 9999);
    text[0] = (char) ('0' + year / 1000);
    text[1] = (char) ('0' + year / 100 % 10);
    text[2] = (char) ('0' + year / 10 % 10);
    text[3] = (char) ('0' + year % 10);
    text[4] = text[7] = '-';
    text[5] = (char) ('0' + month / 10);
    text[6] = (char) ('0' + month % 10);
    text[8] = (char) ('0' + day / 10);
    text[9] = (char) ('0' + day % 10);
    text[10] = '\0';
}

/* Exactly n digits, or -1. */
static int
digits(const char *at, int n)
{
    int value = 0;

    for (int i = 0; i < n; i++) {
        if (!isdigit((unsigned char) at[i]))
            return -1;
        value = value * 10 + (at[i] - '0');
    }
    return value;
}

static bool
civil_parse(const char *text, date_t *date)
{
    const int year = digits(text, 4);
    if (year < 1 || text[4] != '-')
        return false;
    const int month = digits(text + 5, 2);
    if (month < 1 || month > 12 || text[7] != '-')
        return false;
    const int day = digits(text + 8, 2);
    if (day < 1 || day > 31)
        return false;

    const date_t candidate = date_from_civil(year, month, day);
    int y, m, d;
    date_to_civil(candidate, &y, &m, &d);
    if (y != year || m != month || d != day) /* 31 April is 1 May */
        return false;
    *date = candidate;
    return true;
}

bool
date_parse(const char *text, date_t *date)
{
    return strlen(text) == DATE_TEXT_BYTES - 1 && civil_parse(text, date);
}

/* The last n digits of a number that is not negative. */
static void
put_digits(char *to, int n, int64_t number)
{
    for (; n > 0; number /= 10)
        to[--n] = (char) ('0' + number % 10);
}

void
instant_format(instant_t at, char text[static INSTANT_TEXT_BYTES])
{
    const int64_t day = floor_div(at.us, US_PER_DAY);
    const int64_t in_day = at.us - day * US_PER_DAY;
    const int64_t seconds = in_day / US_PER_SECOND;

    date_format((date_t){ (int32_t) day }, text);
    text[10] = 'T';
    put_digits(text + 11, 2, seconds / 3600);
    text[13] = ':';
    put_digits(text + 14, 2, seconds / 60 % 60);
    text[16] = ':';
    put_digits(text + 17, 2, seconds % 60);
    text[19] = '.';
    put_digits(text + 20, 6, in_day % US_PER_SECOND);
    text[26] = 'Z';
    text[27] = '\0';
}

/* The decimals after a point, cut to microseconds; moves *at behind them. */
static bool
fraction_parse(const char **at, int64_t *us)
{
    int64_t unit = 100000;
    int count = 0;

    *us = 0;
    for (; isdigit((unsigned char) **at); (*at)++, count++) {
        *us += unit * (**at - '0');
        unit /= 10;
    }
    return count >= 1 && count <= 9;
}

static bool
offset_parse(const char *at, int64_t *offset_us)
{
    *offset_us = 0;
    if (strcmp(at, "Z") == 0 || strcmp(at, "z") == 0)
        return true;
    if ((*at != '+' && *at != '-') || strlen(at) != 6 || at[3] != ':')
        return false;
    const int hours = digits(at + 1, 2), minutes = digits(at + 4, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return false;
    *offset_us = (hours * INT64_C(3600) + minutes * INT64_C(60)) * US_PER_SECOND;
    if (*at == '-')
        *offset_us = -*offset_us;
    return true;
}

bool
instant_parse(const char *text, instant_t *at)
{
    date_t date;
    int64_t us = 0, offset_us;

    if (strlen(text) < 20 || !civil_parse(text, &date) || (text[10] != 'T' && text[10] != 't'))
        return false;
    const int h = digits(text + 11, 2), m = digits(text + 14, 2), s = digits(text + 17, 2);
    if (h < 0 || h > 23 || m < 0 || m > 59 || s < 0 || s > 59 || text[13] != ':' || text[16] != ':')
        return false;
    const char *rest = text + 19;
    if (*rest == '.') {
        rest++;
        if (!fraction_parse(&rest, &us))
            return false;
    }
    if (!offset_parse(rest, &offset_us))
        return false;
    at->us = (int64_t) date.days * US_PER_DAY +
             (h * INT64_C(3600) + m * INT64_C(60) + s) * US_PER_SECOND + us - offset_us;
    return true;
}
