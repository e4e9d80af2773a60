/* severity.h - what one stay costs the patient: distributions and their discretisation.  Pure.
 * Amounts are yuan as doubles: this is probability work, no amount of the table is made here. */
#ifndef HUZHU_PLAN_SEVERITY_H
#define HUZHU_PLAN_SEVERITY_H

#include "arena/arena.h"

enum dist_kind { DIST_NONE, DIST_LOGNORMAL, DIST_GAMMA, DIST_EMPIRICAL };

struct dist {
    enum dist_kind kind;
    double a, b;           /* LOGNORMAL: mu, sigma of the logarithm; GAMMA: shape, scale */
    const double *value;   /* EMPIRICAL: ascending, > 0; count of them */
    const double *weight;  /* EMPIRICAL: > 0, any scale */
    const double *above_w; /* EMPIRICAL: sum of the weights from i on, count + 1 values */
    const double *above_m; /* EMPIRICAL: sum of weight * value from i on, count + 1 values */
    size_t count;
};

/* median, sigma > 0. */
struct dist dist_lognormal(double median, double sigma);
/* mean > median > 0. */
struct dist dist_lognormal_mean(double median, double mean);
struct dist dist_gamma(double shape, double scale);
/* Copies, sorts and sums; false when memory is out.  count >= 1; weight NULL: all equal. */
bool dist_empirical(struct arena *arena, const double *value, const double *weight, size_t count,
                    struct dist *out) MUST_CHECK;

double dist_mean(const struct dist *d);
double dist_tail(const struct dist *d, double t);   /* P(X >= t) */
double dist_excess(const struct dist *d, double t); /* E[(X - t)+] */
double dist_lev(const struct dist *d, double t);    /* E[min(X, t)] */

/* Discretisation on 0, step, ..., (count - 1) * step, as in the textbooks: LOWER moves mass up and
 * so bounds the distribution function from below, UPPER from above, ROUNDING takes the nearest
 * point, UNBIASED keeps the limited expected value at every point (local moment matching). */
enum discretise { DISCRETE_LOWER, DISCRETE_UPPER, DISCRETE_ROUNDING, DISCRETE_UNBIASED };
void dist_discretise(const struct dist *d, enum discretise how, double step, size_t count,
                     double *pmf);

#endif
