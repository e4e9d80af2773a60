/* year.h - the distribution of one year's payouts of a whole plan.
 *
 * Claims of a person are a compound Poisson process; persons are independent given the year's
 * common factor Q ~ Gamma(r, 1/r) (a bad flu year), whose mean is 1 and whose coefficient of
 * variation is 1 / sqrt(r).  Without a yearly cap the total is compound Poisson or negative
 * binomial; with a cap each person's own distribution is cut at the cap and the transforms of all
 * persons are multiplied.  Both are exact on the lattice up to 1e-9; the window that the transform
 * covers is chosen by Bernstein's and Chernoff's inequalities so that less than 1e-15 lies outside.
 */
#ifndef HUZHU_PLAN_YEAR_H
#define HUZHU_PLAN_YEAR_H

#include "err/err.h"
#include "fft.h"

/* 2^20 points: 8 MiB a vector, 40 ms a transform.  A wider distribution is put on a coarser
 * lattice that keeps every mean (see year_dist.coarser). */
#define YEAR_POINTS_MAX ((size_t) 1 << 20)
#define YEAR_POINTS_PREVIEW ((size_t) 1 << 17)
#define DISPERSION_MIN 10.0 /* claims of a year swing by a third: wilder than any record */

struct portfolio {
    double lattice; /* yuan per point */
    size_t sizes;   /* a claim pays 0 .. sizes - 1 points */
    size_t strata;
    const double *persons; /* [strata] */
    const double *rate;    /* [strata][sizes] claims per person-year; used with a cap only */
    const double *claims;  /* [sizes] claims per year, all persons; used without a cap only */
    size_t cap;            /* points per person and year; 0: none */
    double dispersion;     /* r >= DISPERSION_MIN; 0: none */
    double size_factor;    /* persons are multiplied by it (what-if); usually 1 */
    double rate_factor;    /* and the rates by it */
    size_t points_max;     /* 0: YEAR_POINTS_MAX */
};

struct year_dist {
    double lattice; /* yuan per point of `above` */
    size_t coarser; /* lattice of the portfolio's points per point here; 1: exact */
    size_t origin, count;
    double *above; /* above[i] = P(S > (origin + i) * lattice) */
    double mean, sd;
    double over_cap; /* expected persons whose year passes the cap */
};

/* out->above lives in the arena.  ERR_LIMITED when memory is out. */
err_t year_total(struct arena *arena, const struct portfolio *p, struct year_dist *out,
                 struct err *err) MUST_CHECK;

double year_above(const struct year_dist *d, double yuan); /* P(S > yuan) */
double year_quantile(const struct year_dist *d, double p); /* smallest x with P(S <= x) >= p */

/* Largest difference between the distribution functions that Panjer's recursion and the Fourier
 * transform give for the portfolio without its cap, on a lattice on which the recursion takes at
 * most work_max multiplications.  *coarser says which. */
err_t year_check(struct arena *arena, const struct portfolio *p, double work_max, double *gap,
                 size_t *coarser, struct err *err) MUST_CHECK;

/* Under a cap, the same portfolio on a lattice up to `most` times coarser that the cap still fits:
 * the work falls with the square.  Means are kept, the variance grows by less than a quarter of the
 * new lattice squared a claim.  Without a cap nothing changes.  False: memory is out. */
#define ROUGH_SEARCH ((size_t) 5)
#define ROUGH_PREVIEW ((size_t) 10)
bool portfolio_rough(struct arena *arena, struct portfolio *p, size_t most) MUST_CHECK;

/* Moves the mass of from[0..n) to a lattice d times coarser, keeping its sum and its mean;
 * to has n / d + 2 points. */
void lattice_coarsen(const double *from, size_t n, size_t d, double *to);

/* The quantity x of a Gamma(r, 1/r) factor below (low) or above which lies at most e^-37. */
double dispersion_end(double r, bool low);

#endif
