/* eventually.h - waits for a fact instead of sleeping for a while. */
#ifndef HUZHU_EVENTUALLY_H
#define HUZHU_EVENTUALLY_H

#include <time.h>

#include "clock/clock.h"

#define EVENTUALLY_US_MAX (20 * US_PER_SECOND)

/* Asserts that the fact becomes true within us_max; asks every 10 ms. */
#define EVENTUALLY_WITHIN(us_max, fact)                                                            \
    do {                                                                                           \
        const int64_t until_us_ = clock_monotonic_us() + (us_max);                                 \
        while (!(fact)) {                                                                          \
            if (clock_monotonic_us() > until_us_)                                                  \
                fail_msg("did not become true in time: %s", #fact);                                \
            (void) nanosleep(&(const struct timespec){ .tv_nsec = 10000000 }, NULL);               \
        }                                                                                          \
    } while (0)
#define EVENTUALLY(fact) EVENTUALLY_WITHIN(EVENTUALLY_US_MAX, fact)

#endif
