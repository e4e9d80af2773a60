/* design_bench.c - how long a design takes: a township, a county, and the slider.
 *
 *   bench.design [REPEATS]      medians of REPEATS runs (default 5)
 *
 * Judged by processor time: one thread and no input or output, so that on an idle machine it is the
 * time on the wall, which is printed beside it.
 *
 * Made-up regions of 628 groups, 18 age bands, 2 sexes and 2 kinds of insurance (72 kinds of
 * people).  Exits with 1 when a median misses its budget. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../unit/design_cases.h"

#define REPEATS_MAX 101

static double
now(clockid_t clock)
{
    struct timespec t;

    (void) clock_gettime(clock, &t);
    return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static int
by_time(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static const struct {
    const char *name;
    double persons;
    int64_t per_person;
    double dispersion;
    int64_t cap;
    enum design_depth depth;
    double budget_s;
} cases[] = {
    { "township 50,000, full design", 50000, 60, 0, 0, DESIGN_FULL, 1 },
    { "township 50,000, bad years r 100", 50000, 60, 100, 0, DESIGN_FULL, 1 },
    { "township 50,000, yearly cap", 50000, 60, 0, 30000, DESIGN_FULL, 1 },
    { "county 1,000,000, full design", 1000000, 60, 0, 0, DESIGN_FULL, 5 },
    { "county 1,000,000, bad years r 100", 1000000, 60, 100, 0, DESIGN_FULL, 5 },
    { "county 1,000,000, yearly cap", 1000000, 60, 0, 30000, DESIGN_FULL, 5 },
    { "slider, township", 50000, 60, 0, 0, DESIGN_PREVIEW, 0.1 },
    { "slider, township, bad years r 100", 50000, 60, 100, 0, DESIGN_PREVIEW, 0.1 },
    { "slider, township, yearly cap", 50000, 60, 0, 30000, DESIGN_PREVIEW, 0.1 },
    { "township, cap and bad years (no budget)", 50000, 60, 100, 30000, DESIGN_FULL, 0 },
};

static bool
run(size_t i, int repeats)
{
    double times[REPEATS_MAX], walls[REPEATS_MAX];
    struct design_plan plan = { 0 };
    bool ok = true;

    for (int r = 0; r < repeats; r++) {
        struct arena *arena = arena_create(DESIGN_ARENA_BYTES);
        struct err err = { 0 };
        struct design_input in = case_region(arena, 1, 628, 18, 2, cases[i].persons);
        in.goals.dispersion = cases[i].dispersion;
        in.goals.yearly_cap = yuan(cases[i].cap);
        /* the slider's every notch is another pool, so that nothing could be remembered */
        in.goals.received =
            yuan((int64_t) (cases[i].persons * (double) cases[i].per_person) + r * 1000);
        const double start = now(CLOCK_PROCESS_CPUTIME_ID), wall = now(CLOCK_MONOTONIC);
        const err_t code = design_solve(arena, &in, cases[i].depth, &plan, &err);
        times[r] = now(CLOCK_PROCESS_CPUTIME_ID) - start;
        walls[r] = now(CLOCK_MONOTONIC) - wall;
        if (code != ERR_OK) {
            (void) printf("%s: %s %s\n", cases[i].name, err.reason, err.text);
            ok = false;
        }
        arena_destroy(arena);
    }
    qsort(times, (size_t) repeats, sizeof *times, by_time);
    qsort(walls, (size_t) repeats, sizeof *walls, by_time);
    const double median = times[repeats / 2];
    const bool in_time = cases[i].budget_s <= 0 || median < cases[i].budget_s;
    (void) printf("%-40s median %8.1f ms  worst %8.1f ms  wall %8.1f ms  %zu trials  P %.5f  %s\n",
                  cases[i].name, median * 1e3, times[repeats - 1] * 1e3, walls[repeats / 2] * 1e3,
                  plan.evaluations, plan.total.overspend, in_time ? "ok" : "TOO SLOW");
    return ok && in_time;
}

int
main(int argc, char **argv)
{
    const long repeats = argc > 1 ? strtol(argv[1], NULL, 10) : 5;
    bool ok = true;

    if (repeats < 1 || repeats > REPEATS_MAX)
        return 64;
    for (size_t i = 0; i < COUNT(cases); i++)
        ok = run(i, (int) repeats) && ok;
    return ok ? 0 : 1;
}
