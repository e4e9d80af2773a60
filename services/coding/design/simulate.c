/* simulate.c - the plan played out, year by year and claim by claim.
 *
 * It is the judge of the exact figures, so it shares no arithmetic with them: no lattice, no
 * conditional distribution; an admission draws its own payment and qualifies or not. */
#include "cells.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* xoshiro256** by Blackman and Vigna (public domain), seeded by splitmix64. */
struct dice {
    uint64_t s[4];
};

static uint64_t
turn(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

static uint64_t
dice_next(struct dice *d)
{
    uint64_t *s = d->s;
    const uint64_t result = turn(s[1] * 5, 7) * 9, t = s[1] << 17;

    s[2] ^= s[0], s[3] ^= s[1], s[1] ^= s[2], s[0] ^= s[3];
    s[2] ^= t;
    s[3] = turn(s[3], 45);
    return result;
}

static void
dice_seed(struct dice *d, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        d->s[i] = z ^ (z >> 31);
    }
}

static double
uniform(struct dice *d) /* (0, 1) */
{
    return ((double) (dice_next(d) >> 11) + 0.5) * 0x1p-53;
}

static double
normal(struct dice *d) /* polar method; the second value is thrown away to keep no state */
{
    for (;;) {
        const double x = 2 * uniform(d) - 1, y = 2 * uniform(d) - 1, r = x * x + y * y;
        if (r < 1 && r > 0)
            return x * sqrt(-2 * log(r) / r);
    }
}

/* Marsaglia and Tsang's method, shape >= 1. */
static double
gamma_deviate(struct dice *d, double shape)
{
    const double a = shape - 1.0 / 3, c = 1 / sqrt(9 * a);

    for (;;) {
        const double x = normal(d), root = 1 + c * x, v = root * root * root;
        if (v > 0 && log(uniform(d)) < 0.5 * x * x + a - a * v + a * log(v))
            return a * v;
    }
}

/* Counts of small mean by multiplication, of large ones by splitting off a gamma-distributed
 * stretch of the process (Ahrens and Dieter), so that no table and no approximation is needed. */
static int64_t
poisson(struct dice *d, double mean)
{
    int64_t count = 0;

    while (mean > 30) {
        const double m = floor(mean * 7 / 8), stretch = gamma_deviate(d, m);
        if (stretch > mean) { /* m arrivals do not fit: the first m - 1 are spread evenly */
            const double p = mean / stretch;
            for (int64_t i = 0; i < (int64_t) m - 1; i++)
                count += uniform(d) < p;
            return count;
        }
        count += (int64_t) m;
        mean -= stretch;
    }
    const double limit = exp(-mean);
    double product = uniform(d);
    while (product > limit) {
        product *= uniform(d);
        count++;
    }
    return count;
}

static double
draw_cost(struct dice *d, const struct dist *cost)
{
    switch (cost->kind) {
    case DIST_LOGNORMAL:
        return exp(cost->a + cost->b * normal(d));
    case DIST_GAMMA:
        return cost->a >= 1
                   ? cost->b * gamma_deviate(d, cost->a)
                   : cost->b * gamma_deviate(d, cost->a + 1) * pow(uniform(d), 1 / cost->a);
    case DIST_EMPIRICAL: {
        const double above = uniform(d) * cost->above_w[0];
        size_t low = 0, high = cost->count - 1;
        while (low < high) { /* the last i with above_w[i] >= above */
            const size_t middle = (low + high + 1) / 2;
            if (cost->above_w[middle] >= above)
                low = middle;
            else
                high = middle - 1;
        }
        return cost->value[low];
    }
    case DIST_NONE:
        break;
    }
    return 0;
}

struct visit { /* a paid claim, for the yearly cap of its person */
    uint64_t person;
    double paid;
};

struct play {
    const struct design_input *in;
    const money_t *amounts, *thresholds;
    struct dice dice;
    double *cumulated; /* [stratum][group] running sum of the rates */
    struct visit *visits;
    size_t visit_room;
};

static int
by_person(const void *a, const void *b)
{
    const struct visit *x = a, *y = b;

    return (x->person > y->person) - (x->person < y->person);
}

static size_t
draw_group(struct play *play, size_t stratum)
{
    const size_t n = play->in->group_count;
    const double *sum = play->cumulated + stratum * n;
    const double at = uniform(&play->dice) * sum[n - 1];
    size_t low = 0, high = n - 1;

    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (sum[middle] <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* What one stratum is paid in one year. */
static double
play_stratum(struct play *play, size_t s, double factor)
{
    const struct design_input *in = play->in;
    const struct design_stratum *people = &in->strata[s];
    const double cap = (double) in->goals.yearly_cap.fen / 100;
    const double threshold = (double) play->thresholds[people->class].fen / 100;
    const double rate = play->cumulated[s * in->group_count + in->group_count - 1];
    const int64_t stays = rate > 0 ? poisson(&play->dice, people->persons * rate * factor) : 0;
    double total = 0;
    size_t count = 0;

    for (int64_t i = 0; i < stays; i++) {
        const size_t g = draw_group(play, s);
        const double cost = draw_cost(&play->dice, &in->costs[people->class * in->group_count + g]);
        if (cost < threshold)
            continue;
        const double amount = (double) play->amounts[g].fen / 100;
        const double paid = in->goals.limit_to_own && cost < amount ? cost : amount;
        total += paid;
        if (cap > 0) {
            assert(count < play->visit_room);
            const double who = uniform(&play->dice) * people->persons;
            play->visits[count++] = (struct visit){ (uint64_t) who, paid };
        }
    }
    qsort(play->visits, count, sizeof *play->visits, by_person);
    for (size_t i = 0, j; i < count; i = j) {
        double sum = 0;
        for (j = i; j < count && play->visits[j].person == play->visits[i].person; j++)
            sum += play->visits[j].paid;
        total -= cap > 0 && sum > cap ? sum - cap : 0;
    }
    return total;
}

static int
by_total(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void
summarise(double *totals, int64_t years, struct simulation *out)
{
    const double n = (double) years;
    double sum = 0, square = 0;

    for (int64_t i = 0; i < years; i++)
        sum += totals[i];
    out->mean = sum / n;
    for (int64_t i = 0; i < years; i++)
        square += (totals[i] - out->mean) * (totals[i] - out->mean);
    out->sd = years > 1 ? sqrt(square / (n - 1)) : 0;
    out->mean_error = out->sd / sqrt(n);
    qsort(totals, (size_t) years, sizeof *totals, by_total);
    out->p50 = totals[(years - 1) / 2];
    out->p95 = totals[(int64_t) ceil(n * 0.95) - 1];
    out->p99 = totals[(int64_t) ceil(n * 0.99) - 1];
    out->overspend = (double) out->overspent / n;
    out->overspend_error = sqrt(out->overspend * (1 - out->overspend) / n);
}

/* Rates per stratum, running; and room for the visits of a year ten standard deviations busier than
 * the busiest stratum's mean at twelve times its rates (beyond any factor of DISPERSION_MIN). */
static bool
play_prepare(struct arena *arena, struct play *play)
{
    const struct design_input *in = play->in;
    const size_t n = in->group_count;
    double busiest = 0;

    play->cumulated = arena_alloc(arena, in->stratum_count * n * sizeof *play->cumulated);
    if (!play->cumulated)
        return false;
    for (size_t s = 0; s < in->stratum_count; s++) {
        double sum = 0;
        for (size_t g = 0; g < n; g++)
            play->cumulated[s * n + g] = sum += in->rates[s * n + g];
        const double stays = in->strata[s].persons * sum;
        busiest = stays > busiest ? stays : busiest;
    }
    const double most = in->goals.dispersion > 0 ? 12 * busiest : busiest;
    play->visit_room = in->goals.yearly_cap.fen ? (size_t) (most + 10 * sqrt(most) + 100) : 1;
    play->visits = arena_alloc(arena, play->visit_room * sizeof *play->visits);
    return play->visits;
}

err_t
design_simulate(struct arena *arena, const struct design_input *in, const money_t *amounts,
                struct design_years years, struct simulation *out, struct err *err)
{
    struct design_plan plan;
    struct simulation result = { .years = years.count };

    if (years.count < 1 || years.count > 10000000)
        return err_set(err, ERR_INVALID, DESIGN_SETTING, "1 to 10,000,000 years, not %lld",
                       (long long) years.count);
    TRY(design_assess(arena, in, amounts, DESIGN_PREVIEW, &plan, err));
    struct play play = { .in = in, .amounts = amounts, .thresholds = plan.thresholds };
    double *totals = arena_alloc(arena, (size_t) years.count * sizeof *totals);
    if (!totals || !play_prepare(arena, &play))
        return err_set(err, ERR_LIMITED, DESIGN_MEMORY, "out of memory");
    dice_seed(&play.dice, years.seed);
    for (int64_t y = 0; y < years.count; y++) {
        const double r = in->goals.dispersion;
        const double factor = r > 0 ? gamma_deviate(&play.dice, r) / r : 1;
        for (size_t s = 0; s < in->stratum_count; s++)
            totals[y] += play_stratum(&play, s, factor);
        result.overspent += totals[y] > (double) plan.pool.fen / 100 + 1e-6;
    }
    summarise(totals, years.count, &result);
    *out = result;
    return ERR_OK;
}
