/* compound.c - Panjer's recursion in blocks, and the transform of the same thing. */
#include "compound.h"

#include <math.h>
#include <string.h>

#include "special.h"

#define BLOCK_POINTS 64
#define RESCALE_ABOVE 1e250

struct recursion {
    double a, b, log_f0; /* P(N = n) = (a + b / n) P(N = n - 1) */
};

static struct recursion
recursion_of(const struct frequency *freq, double g0)
{
    const double m = freq->mean, r = freq->size;

    switch (freq->kind) {
    case FREQ_POISSON:
        return (struct recursion){ 0, m, m * (g0 - 1) };
    case FREQ_NEGBIN: {
        const double beta = m / r, a = beta / (1 + beta);
        return (struct recursion){ a, (r - 1) * a, -r * log1p(beta * (1 - g0)) };
    }
    case FREQ_BINOMIAL: {
        const double q = m / r, a = -q / (1 - q);
        return (struct recursion){ a, -(r + 1) * a, r * log1p(q * (g0 - 1)) };
    }
    }
    assert(false);
    return (struct recursion){ 0 };
}

struct term {
    size_t y;
    double a, b; /* a g(y) and b y g(y), over 1 - a g(0) */
};

/* f[from .. from + length) from everything before it; length <= the smallest y. */
static void
block(const struct term *terms, size_t term_count, bool with_a, double *f, size_t from,
      size_t length)
{
    double sum_a[BLOCK_POINTS] = { 0 }, sum_b[BLOCK_POINTS] = { 0 };

    for (size_t j = 0; j < term_count && terms[j].y < from + length; j++) {
        const size_t y = terms[j].y, skip = y > from ? y - from : 0;
        const double *past = f + (from + skip - y);
        const double a = terms[j].a, b = terms[j].b;
        double *into_a = sum_a + skip, *into_b = sum_b + skip;
        const size_t n = length - skip;

        for (size_t t = 0; t < n; t++)
            into_b[t] += b * past[t];
        if (with_a)
            for (size_t t = 0; t < n; t++)
                into_a[t] += a * past[t];
    }
    for (size_t t = 0; t < length; t++)
        f[from + t] = sum_a[t] + sum_b[t] / (double) (from + t);
}

/* e^-mean is 0 in doubles beyond a mean of 745, so the recursion starts at 1 and remembers the
 * logarithm of its unit; the first part underflows to the zeros it stands for. */
static void
recurse(const struct term *terms, size_t term_count, const struct recursion *rec, double *f,
        size_t count)
{
    size_t widest = BLOCK_POINTS;
    double unit = rec->log_f0;

    f[0] = 1;
    memset(f + 1, 0, (count - 1) * sizeof *f);
    if (term_count == 0)
        widest = count;
    else if (terms[0].y < widest)
        widest = terms[0].y;
    for (size_t from = 1; term_count && from < count; from += widest) {
        const size_t length = count - from < widest ? count - from : widest;
        double top = 0;

        block(terms, term_count, rec->a != 0, f, from, length);
        for (size_t t = from; t < from + length; t++)
            top = f[t] > top ? f[t] : top;
        if (top > RESCALE_ABOVE) {
            for (size_t t = 0; t < from + length; t++)
                f[t] /= RESCALE_ABOVE;
            unit += log(RESCALE_ABOVE);
        }
    }
    const double half = exp(unit / 2);
    for (size_t t = 0; t < count; t++)
        f[t] = f[t] * half * half;
}

bool
panjer(struct arena *arena, const struct frequency *freq, const double *g, size_t g_count,
       double *f, size_t count)
{
    assert(count >= 1);
    assert(g_count >= 1);

    const struct arena_mark mark = arena_mark(arena);
    struct term *terms = arena_alloc(arena, g_count * sizeof *terms);
    if (!terms)
        return false;

    const struct recursion rec = recursion_of(freq, g[0]);
    size_t n = 0;
    for (size_t y = 1; y < g_count; y++) {
        const double share = g[y] / (1 - rec.a * g[0]);
        if (g[y] != 0)
            terms[n++] = (struct term){ y, rec.a * share, rec.b * (double) y * share };
    }
    recurse(terms, n, &rec, f, count);
    arena_rewind(arena, mark);
    return true;
}

struct cplx
frequency_pgf(const struct frequency *freq, struct cplx z)
{
    /* Poisson: exp(mean z); negative binomial and binomial: (1 + unit z)^power. */
    const bool poisson = freq->kind == FREQ_POISSON;
    const double power = freq->kind == FREQ_NEGBIN ? -freq->size : freq->size;
    const double unit = poisson ? 0 : freq->mean / power, re = unit * z.re, im = unit * z.im;
    const double size = poisson ? freq->mean * z.re : power * 0.5 * log1p(re * (2 + re) + im * im);

    if (size < -60) /* 1e-26: below the noise of any sum of doubles near 1 */
        return (struct cplx){ 0, 0 };
    const double angle = poisson ? freq->mean * z.im : power * atan2(im, 1 + re);
    const double modulus = exp(size);
    return (struct cplx){ modulus * cos(angle), modulus * sin(angle) };
}

void
compound_fft(struct fft *fft, const struct frequency *freq, const double *g, size_t g_count,
             struct cplx *spectrum, double *f)
{
    double missing = 1;

    memset(f, 0, fft->points * sizeof *f);
    for (size_t y = 0; y < g_count; y++) {
        f[y % fft->points] += g[y];
        missing -= g[y];
    }
    if (fabs(missing) < 1e-12)
        missing = 0; /* rounding only; a real cut-off is larger */
    fft_forward(fft, f, spectrum);
    const double total = spectrum[0].re + missing; /* so that z - 1 is 0 at frequency 0 */
    for (size_t j = 0; j <= fft->points / 2; j++)
        spectrum[j] = frequency_pgf(freq, (struct cplx){ spectrum[j].re - total, spectrum[j].im });
    fft_inverse(fft, spectrum, f);
}

double
normal_power_cdf(double s, double mean, double sd, double skew)
{
    const double z = (s - mean) / sd;

    if (fabs(skew) < 1e-9)
        return norm_cdf(z);
    const double inner = 9 / (skew * skew) + 1 + 6 * z / skew;
    return inner < 0 ? 0 : norm_cdf(-3 / skew + sqrt(inner));
}
