/* load.h - a mixed load of people through HTTPS while misfortunes happen, and what must hold of it:
 * every request ends within its deadline; every acknowledged write is there exactly once, with
 * exactly one event; what a misfortune may cost is an honest "try again", never a lost connection
 * or a wrong answer. */
#ifndef HUZHU_CHAOS_LOAD_H
#define HUZHU_CHAOS_LOAD_H

#include "test.h"

#include "platform.h"

struct misfortune {
    const char *name;
    void (*happens)(struct platform *);
    bool may_fail; /* an honest 503 or 504 is allowed */
};

/* What the platform needs so that nobody is told to come later; for platform_up(). */
extern const char load_settings[];

/* Plays the list, each for ms milliseconds (HUZHU_CHAOS_SECONDS stretches it), prints a row of
 * counts and times for each, and fails where the above does not hold.  Once a process. */
void load_is_served(struct platform *p, const struct misfortune *misfortunes, size_t count,
                    int64_t ms);

#endif
