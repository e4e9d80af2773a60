/* fft.h - Fourier transform of real data, power-of-two sizes.
 *
 * Own code on purpose: FFTW is under the GPL and picks its code by the CPU (so its last bits differ
 * between machines), Debian's KissFFT is single precision only, and a plan must come out in the
 * same bytes wherever it is computed.  Stockham radix 4, checked against the defining sum. */
#ifndef HUZHU_PLAN_FFT_H
#define HUZHU_PLAN_FFT_H

#include "arena/arena.h"

#define FFT_POINTS_MIN ((size_t) 16)

struct cplx {
    double re, im;
};

struct fft {
    size_t points;      /* real points, a power of two >= FFT_POINTS_MIN */
    struct cplx *turn;  /* exp(-2 pi i k / points), k < points / 2 */
    struct cplx *spare; /* points / 2 */
};

/* NULL when the arena is used up. */
struct fft *fft_create(struct arena *arena, size_t points) MUST_CHECK;

/* out[j] = sum_t in[t] exp(-2 pi i j t / points), j = 0..points/2 (points/2 + 1 values).
 * in and out may not overlap. */
void fft_forward(struct fft *fft, const double *in, struct cplx *out);

/* The inverse, with the division by `points`; in is destroyed. */
void fft_inverse(struct fft *fft, struct cplx *in, double *out);

#endif
