/* credibility.h - blending a unit's own experience with that of all units.  Pure.
 * Sources: Buehlmann and Gisler, "A Course in Credibility Theory", chapter 4; Klugman et al., "Loss
 * Models", chapter 18. */
#ifndef HUZHU_PLAN_CREDIBILITY_H
#define HUZHU_PLAN_CREDIBILITY_H

#include "base/base.h"

struct experience { /* one unit in one period */
    size_t unit;
    double exposure; /* > 0 */
    double rate;     /* outcome per unit of exposure */
};

struct blend { /* of one unit */
    double exposure, mean, z, premium;
};

struct credibility {
    double collective;      /* credibility-weighted mean of the units */
    double within, between; /* s^2 and a */
};

/* Buehlmann-Straub with the unbiased estimators.  Every unit has at least one row; at least two
 * units, and one with two rows, or false (nothing can be estimated).  Where a comes out negative it
 * is 0: all units get the collective rate. */
bool buhlmann_straub(const struct experience *rows, size_t row_count, struct blend *units,
                     size_t unit_count, struct credibility *out) MUST_CHECK;

/* The same with the iterative (Bichsel-Straub) pseudo-estimator of a, from the above as start. */
void bichsel_straub(struct blend *units, size_t unit_count, struct credibility *inout);

/* Poisson counts with a Gamma prior of that mean, worth prior_exposure of experience. */
struct blend poisson_gamma(double claims, double exposure, double prior_mean,
                           double prior_exposure);

#endif
