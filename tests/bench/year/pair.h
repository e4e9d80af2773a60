/* pair.h - a service and pgbench with the same statements. */
#ifndef HUZHU_BENCH_PAIR_H
#define HUZHU_BENCH_PAIR_H

#include "year.h"

/* Groups of requests that know nothing of each other: callers at once take whole groups. */
struct pair {
    const char *title, *service, *unit;
    const char *made; /* SQL that counts the units in the database afterwards */
    int groups, requests /* of a group */, units /* of all groups */, repeats;
    void (*group)(struct caller *caller, int group);
};
void pair_run(const struct pair *pair);

#endif
