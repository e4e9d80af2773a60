/* business.h - business time: the wall clock, moved by what one file says.
 *
 * Rehearsals and tests need next year's window today.  They move business time alone: sessions,
 * deadlines, lock-outs, signatures and evidence stay with the wall clock, so that a rehearsal can
 * neither keep a stolen session alive nor date a proof back.
 *
 * The file holds one line: the offset in microseconds that is added to the wall clock, with an
 * optional sign.  It is looked at (stat) at every reading and read again when it changed; writers
 * replace it by rename.  No file: no offset.  A file that holds anything else keeps the last offset
 * and is told to the first reader that sees it.  Thread-safe. */
#ifndef HUZHU_CLOCK_BUSINESS_H
#define HUZHU_CLOCK_BUSINESS_H

#include "clock/clock.h"
#include "err/err.h"

/* 200 years either way: every date of people and plans, and no overflow of later sums. */
#define BUSINESS_OFFSET_US_MAX (INT64_C(200) * 366 * US_PER_DAY)

struct business_clock;

/* path NULL or "": *clock is NULL, which is the wall clock.  ERR_UNAVAILABLE "clock.memory". */
err_t business_clock_open(const char *path, struct business_clock **clock,
                          struct err *err) MUST_CHECK;
void business_clock_close(struct business_clock *clock);
DEFINE_OWNED(struct business_clock, business_clock_close)

/* The business time at this instant of the wall clock; `clock` may be NULL.  *malformed, which may
 * be NULL, becomes true once for each file that holds no offset: to be logged. */
instant_t business_time(struct business_clock *clock, instant_t wall, bool *malformed);
const char *business_clock_path(const struct business_clock *clock);

/* "-86400000000\n": whether the bytes are an offset, and which. */
bool business_offset_parse(const char *text, int64_t *offset_us) MUST_CHECK;

#endif
