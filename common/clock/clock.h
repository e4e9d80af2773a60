/* clock.h - instants, civil dates and durations as types that do not mix.
 *
 * Business time is Asia/Shanghai, UTC+8 without daylight saving since 1991; dates before that year
 * (dates of birth) are plain calendar dates and are never made from instants. */
#ifndef HUZHU_CLOCK_H
#define HUZHU_CLOCK_H

#include "base/base.h"

typedef struct {
    int64_t us;
} instant_t; /* microseconds since 1970-01-01T00:00:00Z */
typedef struct {
    int32_t days;
} date_t; /* civil days since 1970-01-01, Asia/Shanghai */
typedef struct {
    int64_t us;
} duration_t;

#define US_PER_SECOND INT64_C(1000000)
#define US_PER_DAY (INT64_C(86400) * US_PER_SECOND)
#define DATE_TEXT_BYTES 11    /* YYYY-MM-DD and NUL */
#define INSTANT_TEXT_BYTES 28 /* 2026-11-22T01:02:03.456789Z and NUL */

instant_t clock_now(void);        /* the wall clock; the one place that reads it */
int64_t clock_monotonic_us(void); /* for measuring and time-outs */

date_t date_of(instant_t at);      /* the Shanghai day that holds the instant */
instant_t date_start(date_t date); /* its midnight in Shanghai */
int32_t days_between(date_t from, date_t to);
date_t date_from_civil(int year, int month,
                       int day); /* proleptic Gregorian; fields must be valid */
void date_to_civil(date_t date, int *year, int *month, int *day);

/* Years 1 to 9999; parse takes nothing but the exact form and a real calendar day. */
void date_format(date_t date, char text[static DATE_TEXT_BYTES]);
bool date_parse(const char *text, date_t *date) MUST_CHECK;

/* RFC 3339 in UTC; parse takes any offset and at most 9 decimals (cut to microseconds). */
void instant_format(instant_t at, char text[static INSTANT_TEXT_BYTES]);
bool instant_parse(const char *text, instant_t *at) MUST_CHECK;

#endif
