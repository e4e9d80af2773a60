/* fft.c - Stockham autosort, radix 4, a radix-2 step where log2 is odd; real data by packing. */
#include "fft.h"

#include <math.h>
#include <string.h>

static inline struct cplx
mul(struct cplx a, struct cplx b)
{
    return (struct cplx){ a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re };
}

struct fft *
fft_create(struct arena *arena, size_t points)
{
    assert(points >= FFT_POINTS_MIN);
    assert((points & (points - 1)) == 0);

    struct fft *fft = arena_alloc(arena, sizeof *fft);
    if (!fft)
        return NULL;
    fft->points = points;
    fft->turn = arena_alloc(arena, points / 2 * sizeof *fft->turn);
    fft->spare = arena_alloc(arena, points / 2 * sizeof *fft->spare);
    if (!fft->turn || !fft->spare)
        return NULL;

    /* An eighth of the circle is computed, the rest of the half circle is its mirror images. */
    const size_t eighth = points / 8, quarter = points / 4;
    for (size_t k = 0; k <= eighth; k++) {
        const double angle = 2 * M_PI * (double) k / (double) points;
        fft->turn[k] = (struct cplx){ cos(angle), -sin(angle) };
    }
    for (size_t k = eighth + 1; k <= quarter; k++)
        fft->turn[k] = (struct cplx){ -fft->turn[quarter - k].im, -fft->turn[quarter - k].re };
    for (size_t k = quarter + 1; k < points / 2; k++)
        fft->turn[k] = (struct cplx){ fft->turn[k - quarter].im, -fft->turn[k - quarter].re };
    return fft;
}

/* One pass: n is what is left of the length, s the stride; n * s = points / 2. */
static void
pass4(const struct fft *fft, size_t n, size_t s, const struct cplx *restrict x,
      struct cplx *restrict y)
{
    const size_t quarter = n / 4;

    for (size_t p = 0; p < quarter; p++) {
        const struct cplx w1 = fft->turn[2 * p * s], w2 = mul(w1, w1), w3 = mul(w1, w2);
        const struct cplx *x0 = x + s * p, *x1 = x0 + s * quarter, *x2 = x1 + s * quarter,
                          *x3 = x2 + s * quarter;
        struct cplx *y0 = y + s * 4 * p, *y1 = y0 + s, *y2 = y1 + s, *y3 = y2 + s;

        for (size_t q = 0; q < s; q++) {
            const struct cplx a = x0[q], b = x1[q], c = x2[q], d = x3[q];
            const struct cplx sum = { a.re + c.re, a.im + c.im };
            const struct cplx dif = { a.re - c.re, a.im - c.im };
            const struct cplx bds = { b.re + d.re, b.im + d.im };
            const struct cplx jbd = { d.im - b.im, b.re - d.re }; /* i (b - d) */

            y0[q] = (struct cplx){ sum.re + bds.re, sum.im + bds.im };
            y1[q] = mul(w1, (struct cplx){ dif.re - jbd.re, dif.im - jbd.im });
            y2[q] = mul(w2, (struct cplx){ sum.re - bds.re, sum.im - bds.im });
            y3[q] = mul(w3, (struct cplx){ dif.re + jbd.re, dif.im + jbd.im });
        }
    }
}

/* Transforms data[points / 2] in place. */
static void
transform(const struct fft *fft, struct cplx *data)
{
    const size_t half = fft->points / 2;
    struct cplx *x = data, *y = fft->spare;
    size_t n = half, s = 1;

    for (; n >= 4; n /= 4, s *= 4) {
        pass4(fft, n, s, x, y);
        struct cplx *other = x;
        x = y, y = other;
    }
    if (n == 2) {
        for (size_t q = 0; q < s; q++) {
            const struct cplx a = x[q], b = x[q + s];
            y[q] = (struct cplx){ a.re + b.re, a.im + b.im };
            y[q + s] = (struct cplx){ a.re - b.re, a.im - b.im };
        }
        x = y;
    }
    if (x != data)
        memcpy(data, x, half * sizeof *data);
}

void
fft_forward(struct fft *fft, const double *in, struct cplx *out)
{
    const size_t half = fft->points / 2;

    memcpy(out, in, fft->points * sizeof *in); /* even points real, odd points imaginary */
    transform(fft, out);

    const struct cplx zero = out[0];
    for (size_t k = 1; k <= half / 2; k++) {
        const struct cplx a = out[k], b = { out[half - k].re, -out[half - k].im };
        const struct cplx even = { (a.re + b.re) / 2, (a.im + b.im) / 2 };
        const struct cplx odd = { (a.im - b.im) / 2, (b.re - a.re) / 2 }; /* (a - b) / 2i */
        const struct cplx turned = mul(odd, fft->turn[k]);

        out[k] = (struct cplx){ even.re + turned.re, even.im + turned.im };
        out[half - k] = (struct cplx){ even.re - turned.re, turned.im - even.im };
    }
    out[0] = (struct cplx){ zero.re + zero.im, 0 };
    out[half] = (struct cplx){ zero.re - zero.im, 0 };
}

void
fft_inverse(struct fft *fft, struct cplx *in, double *out)
{
    const size_t half = fft->points / 2;
    const struct cplx first = in[0], last = in[half];

    /* Packs the half spectrum into that of even + i odd, conjugated: a forward transform of the
     * conjugate is the inverse. */
    for (size_t k = 1; k <= half / 2; k++) {
        const struct cplx a = in[k], b = { in[half - k].re, -in[half - k].im };
        const struct cplx even = { (a.re + b.re) / 2, (a.im + b.im) / 2 };
        const struct cplx back = { fft->turn[k].re, -fft->turn[k].im };
        const struct cplx odd = mul((struct cplx){ (a.re - b.re) / 2, (a.im - b.im) / 2 }, back);

        in[k] = (struct cplx){ even.re - odd.im, -(even.im + odd.re) };
        in[half - k] = (struct cplx){ even.re + odd.im, even.im - odd.re };
    }
    in[0] = (struct cplx){ (first.re + last.re) / 2, -(first.re - last.re) / 2 };
    transform(fft, in);

    const double scale = 1 / (double) half;
    for (size_t t = 0; t < half; t++) {
        out[2 * t] = in[t].re * scale;
        out[2 * t + 1] = -in[t].im * scale;
    }
}
