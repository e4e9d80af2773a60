/* severity.c - lognormal, gamma and empirical own payments. */
#include "severity.h"

#include <math.h>
#include <stdlib.h>

#include "special.h"

struct dist
dist_lognormal(double median, double sigma)
{
    return (struct dist){ .kind = DIST_LOGNORMAL, .a = log(median), .b = sigma };
}

struct dist
dist_lognormal_mean(double median, double mean)
{
    return dist_lognormal(median, sqrt(2 * log(mean / median)));
}

struct dist
dist_gamma(double shape, double scale)
{
    return (struct dist){ .kind = DIST_GAMMA, .a = shape, .b = scale };
}

struct point {
    double value, weight;
};

static int
by_value(const void *a, const void *b)
{
    const struct point *x = a, *y = b;

    return (x->value > y->value) - (x->value < y->value);
}

bool
dist_empirical(struct arena *arena, const double *value, const double *weight, size_t count,
               struct dist *out)
{
    struct point *points = arena_alloc(arena, count * sizeof *points);
    double *v = arena_alloc(arena, count * sizeof *v), *w = arena_alloc(arena, count * sizeof *w);
    double *aw = arena_alloc(arena, (count + 1) * sizeof *aw);
    double *am = arena_alloc(arena, (count + 1) * sizeof *am);

    assert(count >= 1);
    if (!points || !v || !w || !aw || !am)
        return false;
    for (size_t i = 0; i < count; i++)
        points[i] = (struct point){ value[i], weight ? weight[i] : 1 };
    qsort(points, count, sizeof *points, by_value);
    for (size_t i = count; i-- > 0;) {
        v[i] = points[i].value;
        w[i] = points[i].weight;
        aw[i] = aw[i + 1] + w[i];
        am[i] = am[i + 1] + w[i] * v[i];
    }
    *out = (struct dist){ .kind = DIST_EMPIRICAL,
                          .value = v,
                          .weight = w,
                          .above_w = aw,
                          .above_m = am,
                          .count = count };
    return true;
}

/* The first point that is at least t. */
static size_t
first_from(const struct dist *d, double t)
{
    size_t low = 0, high = d->count;

    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (d->value[middle] < t)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

double
dist_mean(const struct dist *d)
{
    switch (d->kind) {
    case DIST_LOGNORMAL:
        return exp(d->a + d->b * d->b / 2);
    case DIST_GAMMA:
        return d->a * d->b;
    case DIST_EMPIRICAL:
        return d->above_m[0] / d->above_w[0];
    case DIST_NONE:
        break;
    }
    return 0;
}

double
dist_tail(const struct dist *d, double t)
{
    if (t <= 0)
        return d->kind == DIST_NONE ? 0 : 1;
    switch (d->kind) {
    case DIST_LOGNORMAL:
        return norm_tail((log(t) - d->a) / d->b);
    case DIST_GAMMA:
        return gamma_tail(d->a, t / d->b);
    case DIST_EMPIRICAL:
        return d->above_w[first_from(d, t)] / d->above_w[0];
    case DIST_NONE:
        break;
    }
    return 0;
}

double
dist_excess(const struct dist *d, double t)
{
    if (t <= 0)
        return dist_mean(d) - t;
    switch (d->kind) {
    case DIST_LOGNORMAL: {
        const double z = (log(t) - d->a) / d->b;
        return dist_mean(d) * norm_tail(z - d->b) - t * norm_tail(z);
    }
    case DIST_GAMMA:
        return dist_mean(d) * gamma_tail(d->a + 1, t / d->b) - t * gamma_tail(d->a, t / d->b);
    case DIST_EMPIRICAL: {
        const size_t i = first_from(d, t);
        return (d->above_m[i] - t * d->above_w[i]) / d->above_w[0];
    }
    case DIST_NONE:
        break;
    }
    return 0;
}

double
dist_lev(const struct dist *d, double t)
{
    if (t <= 0)
        return d->kind == DIST_NONE ? 0 : t;
    if (d->kind == DIST_LOGNORMAL) { /* without the cancellation of mean - excess */
        const double z = (log(t) - d->a) / d->b;
        return dist_mean(d) * norm_cdf(z - d->b) + t * norm_tail(z);
    }
    return dist_mean(d) - dist_excess(d, t);
}

static double
cdf(const struct dist *d, double x)
{
    return x < 0 ? 0 : 1 - dist_tail(d, x);
}

void
dist_discretise(const struct dist *d, enum discretise how, double step, size_t count, double *pmf)
{
    for (size_t i = 0; i < count; i++) {
        const double x = (double) i * step;

        switch (how) {
        case DISCRETE_UPPER:
            pmf[i] = cdf(d, x + step) - cdf(d, x);
            break;
        case DISCRETE_LOWER:
            pmf[i] = i == 0 ? 0 : cdf(d, x) - cdf(d, x - step);
            break;
        case DISCRETE_ROUNDING:
            pmf[i] = cdf(d, x + step / 2) - cdf(d, x - step / 2);
            break;
        case DISCRETE_UNBIASED:
            if (i == 0)
                pmf[i] = 1 - dist_lev(d, step) / step;
            else if (i + 1 < count)
                pmf[i] =
                    (2 * dist_lev(d, x) - dist_lev(d, x - step) - dist_lev(d, x + step)) / step;
            else /* what lies beyond the last point is left out, as the cut-off asks */
                pmf[i] = (dist_lev(d, x) - dist_lev(d, x - step)) / step - 1 + cdf(d, x);
            break;
        }
    }
}
