/* compound.h - the distribution of a sum of a random number of claims, by two roads.
 *
 * Claim counts are of the (a, b, 0) class; claim sizes live on 0, 1, 2, ... lattice points.
 * Sources: Panjer, ASTIN Bulletin 12 (1981); Klugman, Panjer, Willmot, "Loss Models", chapter 9;
 * Kaas et al., "Modern Actuarial Risk Theory", chapter 3 (normal power). */
#ifndef HUZHU_PLAN_COMPOUND_H
#define HUZHU_PLAN_COMPOUND_H

#include "fft.h"

struct frequency {
    enum { FREQ_POISSON, FREQ_NEGBIN, FREQ_BINOMIAL } kind;
    double mean; /* of the number of claims */
    double size; /* NEGBIN: r (variance = mean + mean^2 / r); BINOMIAL: number of trials */
};

/* f[0..count) from the severity g[0..g_count), whose sum may be below 1 (a cut-off tail).
 * Works in a running scale, so e^-mean may underflow a double.  False: memory is out. */
bool panjer(struct arena *arena, const struct frequency *freq, const double *g, size_t g_count,
            double *f, size_t count) MUST_CHECK;

/* The same by Fourier transform: f[0..fft->points), where mass beyond the last point comes back at
 * the first (circular).  spectrum has points / 2 + 1 values.  freq POISSON or NEGBIN or BINOMIAL.
 */
void compound_fft(struct fft *fft, const struct frequency *freq, const double *g, size_t g_count,
                  struct cplx *spectrum, double *f);

/* The generating function of the count at the severity's transform z, given as z - 1. */
struct cplx frequency_pgf(const struct frequency *freq, struct cplx z_less_1);

/* Normal-power approximation: P(S <= s). */
double normal_power_cdf(double s, double mean, double sd, double skew);

#endif
