/* calendar.h - working days in China, which deadlines such as "within 5 working days" count.
 *
 * A weekday is worked and a weekend is not, but for the days that the State Council's yearly notice
 * moves (built in: 2024 to 2026) and those of an instance's own calendar file (calendar_load).  A
 * year that no notice covers is `provisional`: weekends and the legal holidays whose date is fixed
 * (1 January, 1 May and since 2025 2 May, 1 to 3 October); the festivals of the moon and Qingming
 * are not guessed, so a provisional deadline is rather too early than too late and is to be counted
 * again when the notice is there (around November).
 *
 * Counting follows Civil Code articles 201 to 203: the day of the event does not count, the last
 * day is a working day and counts whole.
 *
 * Dates are those of year 1 to 9999.  `provisional` may be NULL; else it tells whether any day that
 * the answer rests on lies in a provisional year.  Everything but calendar_load() and
 * calendar_unload() is safe in any thread. */
#ifndef HUZHU_CLOCK_CALENDAR_H
#define HUZHU_CLOCK_CALENDAR_H

#include "clock/clock.h"
#include "err/err.h"

bool calendar_is_workday(date_t date, bool *provisional);

/* The n-th working day after `from` (n < 0: before it); `from` itself when n is 0.  Takes a step
 * for each day passed over. */
date_t calendar_add_workdays(date_t from, int n, bool *provisional);

/* The working days d with after < d <= until; 0 when until is not later than after. */
int calendar_workdays_between(date_t after, date_t until, bool *provisional);

/* The notice that covers the year: "国办发明电〔2025〕7号"; NULL when none does. */
const char *calendar_source(int year);

/* Adds the days of a text file, which win over the built-in ones; once, before the threads.  The
 * setting calendar_file names it.  A line is one of
 *     2027 notice 国办发明电〔2026〕1号    the year is covered by a notice, all of whose days
 * follow 2027-01-01 off                     2027-02-06 work # source ...                       a
 * comment, as is what follows a # in any line A file of closures alone (a storm in a year without
 * notice) has no `notice` line and leaves its year provisional.  INVALID "calendar.malformed" names
 * the line: nothing of such a file is believed.  NOT_FOUND "calendar.unreadable".  A second file
 * replaces the first. */
err_t calendar_load(const char *path, struct err *err) MUST_CHECK;
void calendar_unload(void);

#endif
