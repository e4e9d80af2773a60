/* design_cases.h - the worked cases of the plan designer as inputs: hand-checkable T1 to T3, the
 * synthetic township T4, and a random one. */
#ifndef HUZHU_DESIGN_CASES_H
#define HUZHU_DESIGN_CASES_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "design.h"

/* Sanitizers slow the inner loops five times; those builds look for other faults than rare ones. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define DESIGN_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define DESIGN_SANITIZED 1
#endif
#endif
#ifndef DESIGN_SANITIZED
#define DESIGN_SANITIZED 0
#endif

static inline struct design_goals
some_goals(void)
{
    return (struct design_goals){ .pledged_counted = { 1000000 },
                                  .spend_share = { 1000000 },
                                  .alpha = 0.01,
                                  .lowest = yuan(300),
                                  .highest = yuan(10000),
                                  .step = yuan(10),
                                  .gamma = 1,
                                  .order = DESIGN_BY_COST };
}

/* Groups that claim m times a year with exactly g yuan above a threshold of 4,000: one stratum of
 * 1,000 persons, every stay qualifies. */
static inline struct design_input
fixed_case(struct arena *arena, const double *m, const double *g, size_t n)
{
    struct design_group *groups = arena_alloc(arena, n * sizeof *groups);
    struct design_class *class = arena_alloc(arena, sizeof *class);
    struct design_stratum *stratum = arena_alloc(arena, sizeof *stratum);
    double *rates = arena_alloc(arena, n * sizeof *rates);
    struct dist *costs = arena_alloc(arena, n * sizeof *costs);

    *class = (struct design_class){ "resident", yuan(4000) };
    *stratum = (struct design_stratum){ "all", "all", 0, 1000 };
    for (size_t i = 0; i < n; i++) {
        const double cost = 4000 + g[i];
        const char *code = arena_printf(arena, "X%02zu9", i);
        groups[i] = (struct design_group){ code, code, "", 1, 1 };
        rates[i] = m[i] / 1000;
        if (!dist_empirical(arena, &cost, NULL, 1, &costs[i]))
            abort();
    }
    return (struct design_input){ .groups = groups,
                                  .classes = class,
                                  .strata = stratum,
                                  .group_count = n,
                                  .class_count = 1,
                                  .stratum_count = 1,
                                  .rates = rates,
                                  .costs = costs,
                                  .goals = some_goals() };
}

static const double t1_m[] = { 100, 40, 10, 2 }, t1_g[] = { 500, 1500, 4000, 12000 };
static const double t2_m[] = { 500, 40, 10, 2 }, t2_g[] = { 100, 1500, 4000, 12000 };

/* Budget 150,000 with a pool so large that the risk does not bind. */
static inline struct design_input
case_t1(struct arena *arena)
{
    struct design_input in = fixed_case(arena, t1_m, t1_g, 4);

    in.goals.received = yuan(300000);
    in.goals.spend_share = (rate_t){ 500000 };
    return in;
}

static inline struct design_input
case_t2(struct arena *arena)
{
    struct design_input in = fixed_case(arena, t2_m, t2_g, 4);

    in.goals.received = yuan(500000);
    in.goals.spend_share = (rate_t){ 500000 };
    return in;
}

static inline struct design_input
case_t3(struct arena *arena)
{
    struct design_input in = fixed_case(arena, t1_m, t1_g, 4);

    in.goals.received = yuan(180000);
    in.goals.alpha = 0.05;
    return in;
}

/* A synthetic township: 20,000 persons in five age bands, 12 groups with lognormal payments. */
static inline struct design_input
case_t4(struct arena *arena)
{
    static const struct {
        const char *age;
        double persons, rate;
    } bands[] = { { "0-14", 3000, .10 },
                  { "15-44", 6500, .07 },
                  { "45-59", 5500, .13 },
                  { "60-74", 3800, .27 },
                  { "75+", 1200, .42 } };
    static const struct {
        double share, median, sigma, weight;
    } rows[] = { { .16, 900, .80, .45 },   { .14, 1200, .85, .60 },  { .12, 1500, .90, .75 },
                 { .11, 1800, .90, .85 },  { .10, 2300, .95, 1.00 }, { .09, 2900, .95, 1.20 },
                 { .08, 3600, 1.0, 1.50 }, { .07, 4800, 1.0, 2.00 }, { .055, 6500, 1.0, 2.80 },
                 { .04, 9500, 1.05, 4.0 }, { .025, 14000, 1.05, 6 }, { .01, 26000, 1.1, 11.0 } };
    const size_t n = COUNT(rows), strata = COUNT(bands);
    struct design_group *groups = arena_alloc(arena, n * sizeof *groups);
    struct design_class *class = arena_alloc(arena, sizeof *class);
    struct design_stratum *people = arena_alloc(arena, strata * sizeof *people);
    double *rates = arena_alloc(arena, n * strata * sizeof *rates);
    struct dist *costs = arena_alloc(arena, n * sizeof *costs);

    *class = (struct design_class){ "resident", yuan(4000) };
    for (size_t i = 0; i < n; i++) {
        const char *code = arena_printf(arena, "SYN%02zu", i + 1);
        groups[i] = (struct design_group){ code, code, "", rows[i].weight, 1 };
        costs[i] = dist_lognormal(rows[i].median, rows[i].sigma);
        for (size_t s = 0; s < strata; s++)
            rates[s * n + i] = bands[s].rate * rows[i].share;
    }
    for (size_t s = 0; s < strata; s++)
        people[s] = (struct design_stratum){ bands[s].age, "all", 0, bands[s].persons };
    struct design_input in = { .groups = groups,
                               .classes = class,
                               .strata = people,
                               .group_count = n,
                               .class_count = 1,
                               .stratum_count = strata,
                               .rates = rates,
                               .costs = costs,
                               .goals = some_goals() };
    in.goals.received = yuan(1200000);
    in.goals.service_fee_rate = (rate_t){ 80000 };
    in.goals.reserve_rate = (rate_t){ 50000 };
    in.goals.highest = yuan(20000);
    in.goals.order = DESIGN_BY_WEIGHT;
    return in;
}

/* splitmix64: enough for test inputs, the same everywhere. */
static inline double
case_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double) ((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static inline double
case_between(uint64_t *state, double low, double high)
{
    return low + (high - low) * case_random(state);
}

/* A made-up region: ages x 2 sexes x classes, groups of rising weight with noise, incidences that
 * rise with age and thin out with severity. */
static inline struct design_input
case_region(struct arena *arena, uint64_t seed, size_t group_count, size_t ages, size_t classes,
            double persons)
{
    const size_t strata = ages * 2 * classes;
    struct design_group *groups = arena_alloc(arena, group_count * sizeof *groups);
    struct design_class *class = arena_alloc(arena, classes * sizeof *class);
    struct design_stratum *people = arena_alloc(arena, strata * sizeof *people);
    double *rates = arena_alloc(arena, group_count * strata * sizeof *rates);
    struct dist *costs = arena_alloc(arena, group_count * classes * sizeof *costs);
    static const double shares[] = { 0.85, 0.12, 0.03, 0.01, 0.01, 0.01, 0.01, 0.01 };
    double share_sum = 0, rate_sum = 0;

    for (size_t k = 0; k < classes; k++) {
        class[k] = (struct design_class){ k ? arena_printf(arena, "class%zu", k) : "resident",
                                          yuan(k == 2 ? 7000 : 4000) };
        share_sum += shares[k];
    }
    for (size_t i = 0; i < group_count; i++) {
        const char *code = arena_printf(arena, "%c%c%zu%c", (char) ('A' + i / 3 / 26 % 26),
                                        (char) ('A' + i / 3 % 26), 1 + i / 3 / 676, "531"[i % 3]);
        const double weight = exp(case_between(&seed, -1.2, 1.8)) * (1 + (double) (i % 3) * .3);
        groups[i] = (struct design_group){ code, code, "", rint(weight * 1e4) / 1e4, 1 };
        const double popular = exp(-weight) * exp(case_between(&seed, -2, 2));
        rate_sum += popular;
        for (size_t s = 0; s < strata; s++) {
            const size_t band = s / 2 / classes;
            const double age = (double) band / (double) ages;
            rates[s * group_count + i] = popular * (0.4 + 3 * age * age) * (s % 2 ? 1.1 : 0.9) *
                                         case_between(&seed, .7, 1.3);
        }
        for (size_t k = 0; k < classes; k++)
            costs[k * group_count + i] =
                dist_lognormal(weight * (k == 2 ? 4500 : 2300) * case_between(&seed, .8, 1.25),
                               case_between(&seed, .7, 1.1));
    }
    for (size_t i = 0; i < group_count * strata; i++)
        rates[i] *= 0.12 / rate_sum; /* about 0.15 admissions per person-year */
    for (size_t s = 0; s < strata; s++)
        people[s] = (struct design_stratum){
            arena_printf(arena, "%zu-", s / 2 / classes * 5),
            s / classes % 2 ? "F" : "M",
            s % classes,
            floor(persons / (double) (ages * 2) * shares[s % classes] / share_sum),
        };
    struct design_input in = { .groups = groups,
                               .classes = class,
                               .strata = people,
                               .group_count = group_count,
                               .class_count = classes,
                               .stratum_count = strata,
                               .rates = rates,
                               .costs = costs,
                               .goals = some_goals() };
    in.goals.received = yuan((int64_t) (persons * 60));
    in.goals.service_fee_rate = (rate_t){ 80000 };
    in.goals.reserve_rate = (rate_t){ 50000 };
    in.goals.highest = yuan(20000);
    in.goals.relief_max = (rate_t){ 800000 };
    in.goals.limit_to_own = true;
    in.goals.order = DESIGN_BY_WEIGHT;
    return in;
}

#endif
