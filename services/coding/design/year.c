/* year.c - windows, transforms and caps of the year's total. */
#include "year.h"

#include <math.h>
#include <string.h>

#include "compound.h"

/* e^-36.5 = 1.4e-16: what may lie outside a window, or what a frequency may weigh to be left out */
#define NEGLIGIBLE 36.5
#define FREQUENCY_NEGLIGIBLE 32.0 /* 1e-14; the distribution function sums them with 1 / j */
#define NODES 14 /* interpolation in the common factor; the error was 1e-12 at 12 */
#define LANES 8  /* frequencies evaluated side by side */

static err_t
out_of_memory(struct err *err)
{
    return err_set(err, ERR_LIMITED, "design.memory", "the plan is too large for its memory limit");
}

void
lattice_coarsen(const double *from, size_t n, size_t d, double *to)
{
    memset(to, 0, (n / d + 2) * sizeof *to);
    for (size_t y = 0; y < n; y++) {
        const size_t below = y / d;
        const double part = (double) (y % d) / (double) d;
        to[below] += from[y] * (1 - part);
        to[below + 1] += from[y] * part;
    }
}

double
dispersion_end(double r, bool low)
{
    double a = low ? 0 : 1, b = low ? 1 : 1e6; /* x - 1 - ln x = 37 / r lies between */

    for (int i = 0; i < 200; i++) {
        const double x = (a + b) / 2;
        const bool outside = x <= 0 || r * (x - 1 - log(x)) > NEGLIGIBLE;
        if (outside == low)
            a = x;
        else
            b = x;
    }
    return low ? a : b;
}

/* ---- one person under the cap ---------------------------------------------------------------- */

struct person {
    double mean, square; /* first and second moment of the year's sum, points */
    double over;         /* P(sum before the cap > cap) */
};

/* pmf[0..cap] of one person's year, at q times the rates of stratum s. */
static bool
person_year(struct arena *arena, const struct portfolio *p, size_t s, double q, double *pmf,
            struct person *out)
{
    const double *rate = p->rate + s * p->sizes;
    const struct arena_mark mark = arena_mark(arena);
    double *g = arena_alloc(arena, p->sizes * sizeof *g);
    double sum = 0, rest = 1;

    if (!g)
        return false;
    *out = (struct person){ 0 };
    for (size_t y = 0; y < p->sizes; y++)
        sum += rate[y];
    memset(pmf, 0, (p->cap + 1) * sizeof *pmf);
    pmf[0] = 1;
    if (sum > 0) {
        for (size_t y = 0; y < p->sizes; y++)
            g[y] = rate[y] / sum;
        const struct frequency freq = { FREQ_POISSON, sum * q, 0 };
        if (!panjer(arena, &freq, g, p->sizes, pmf, p->cap + 1))
            return false;
    }
    for (size_t y = 0; y < p->cap; y++) {
        rest -= pmf[y];
        out->mean += (double) y * pmf[y];
        out->square += (double) y * (double) y * pmf[y];
    }
    rest = rest > 0 ? rest : 0;
    out->over = rest > pmf[p->cap] ? rest - pmf[p->cap] : 0;
    pmf[p->cap] = rest;
    out->mean += (double) p->cap * rest;
    out->square += (double) p->cap * (double) p->cap * rest;
    arena_rewind(arena, mark);
    return true;
}

/* ---- the common factor ----------------------------------------------------------------------- */

/* Chebyshev nodes over the range of Q; one node at 1 when there is no common factor. */
struct factor {
    size_t nodes;
    double low, high, q[NODES];
};

static struct factor
factor_of(const struct portfolio *p)
{
    struct factor f = { .nodes = 1, .low = 1, .high = 1, .q = { 1 } };

    if (p->dispersion > 0) {
        f.nodes = NODES;
        f.low = dispersion_end(p->dispersion, true);
        f.high = dispersion_end(p->dispersion, false);
        for (size_t k = 0; k < NODES; k++)
            f.q[k] = (f.low + f.high) / 2 -
                     (f.high - f.low) / 2 * cos(M_PI * ((double) k + 0.5) / NODES);
    }
    return f;
}

/* Lagrange's weights of the nodes at q. */
static void
factor_weights(const struct factor *f, double q, double *weight)
{
    for (size_t k = 0; k < f->nodes; k++) {
        weight[k] = 1;
        for (size_t l = 0; l < f->nodes; l++)
            if (l != k)
                weight[k] *= (q - f->q[l]) / (f->q[k] - f->q[l]);
    }
}

/* The trapezoidal rule in ln q converges faster than any power for a density that vanishes at both
 * ends.  `fine` is the coefficient of variation of the total given Q = 1, which the steps resolve
 * (it shrinks with the root of q). */
struct mixing {
    size_t count;
    double low, step, r, norm;
};

static double
mixing_weight(const struct mixing *mix, size_t i, double *q)
{
    const double t = mix->low + (double) i * mix->step;

    *q = exp(t);
    return exp(mix->r * (t - *q + 1)) * mix->norm; /* density of ln Q, up to a factor */
}

static struct mixing
mixing_of(const struct portfolio *p, const struct factor *f, double fine)
{
    struct mixing mix = { .count = 1, .norm = 1 };

    if (p->dispersion <= 0)
        return mix;
    const double low = log(f->low), high = log(f->high);
    const double wide = 1 / sqrt(p->dispersion) / 8, thin = fine / 2 / sqrt(f->high),
                 wanted = thin < wide ? thin : wide;
    mix.count = (size_t) ceil((high - low) / wanted) + 1;
    mix.count = mix.count > 20000 ? 20000 : mix.count; /* a factor known to 1/20000 of its range */
    mix.low = low;
    mix.step = (high - low) / (double) (mix.count - 1);
    mix.r = p->dispersion;
    double sum = 0, q;
    for (size_t i = 0; i < mix.count; i++)
        sum += mixing_weight(&mix, i, &q);
    mix.norm = 1 / sum;
    return mix;
}

/* ---- moments --------------------------------------------------------------------------------- */

struct moments {
    double mean, var;         /* of the total, with the factor and the cap, points */
    double free_mean, square; /* without factor and cap: sum of m y, sum of m y^2 */
    double person_square;     /* sum of the squares of the persons' means */
    double inner_var;         /* variance of the total given Q = 1 */
    double largest, cut;      /* largest payment; persons whose sum passes the cap */
};

static void
free_moments(const struct portfolio *p, struct moments *out)
{
    const double all = p->size_factor * p->rate_factor;

    for (size_t s = 0; s < (p->cap ? p->strata : 1); s++) {
        const double *u = p->cap ? p->rate + s * p->sizes : p->claims;
        const double n = (p->cap ? p->persons[s] : 1) * all;
        double mean = 0;
        for (size_t y = 1; y < p->sizes; y++) {
            if (u[y] <= 0)
                continue;
            mean += u[y] * (double) y;
            out->square += n * u[y] * (double) y * (double) y;
            out->largest = (double) y > out->largest ? (double) y : out->largest;
        }
        out->free_mean += n * mean;
        out->person_square += n * p->rate_factor * mean * mean;
    }
}

static bool
capped_moments(struct arena *arena, const struct portfolio *p, const struct factor *f,
               struct moments *out)
{
    const struct arena_mark mark = arena_mark(arena);
    double *pmf = arena_alloc(arena, (p->cap + 1) * sizeof *pmf);
    double mean[NODES] = { 0 }, var[NODES] = { 0 }, cut[NODES] = { 0 };

    if (!pmf)
        return false;
    for (size_t k = 0; k < f->nodes; k++)
        for (size_t s = 0; s < p->strata; s++) {
            const double n = p->persons[s] * p->size_factor;
            struct person one;
            if (!person_year(arena, p, s, f->q[k] * p->rate_factor, pmf, &one))
                return false;
            mean[k] += n * one.mean;
            var[k] += n * (one.square - one.mean * one.mean);
            cut[k] += n * one.over;
        }
    arena_rewind(arena, mark);

    const struct mixing mix = mixing_of(p, f, 1);
    double first = 0, second = 0;
    for (size_t i = 0; i < mix.count; i++) {
        double q = 1, w = 1, lagrange[NODES] = { 1 }, m = 0, v = 0, c = 0;
        if (f->nodes > 1) {
            w = mixing_weight(&mix, i, &q);
            factor_weights(f, q, lagrange);
        }
        for (size_t k = 0; k < f->nodes; k++) {
            m += lagrange[k] * mean[k];
            v += lagrange[k] * var[k];
            c += lagrange[k] * cut[k];
        }
        first += w * m;
        second += w * (v + m * m);
        out->cut += w * c;
    }
    out->mean = first;
    out->var = second - first * first;
    out->inner_var = var[f->nodes / 2];
    return true;
}

static bool
moments_of(struct arena *arena, const struct portfolio *p, const struct factor *f,
           struct moments *out)
{
    *out = (struct moments){ 0 };
    free_moments(p, out);
    if (p->cap)
        return capped_moments(arena, p, f, out);
    out->mean = out->free_mean;
    out->inner_var = out->square;
    out->var = out->square;
    if (p->dispersion > 0)
        out->var += out->mean * out->mean / p->dispersion;
    return true;
}

err_t
year_mean(struct arena *arena, const struct portfolio *p, double *mean, double *cut,
          struct err *err)
{
    const struct factor f = factor_of(p);
    struct moments m;

    if (!moments_of(arena, p, &f, &m))
        return out_of_memory(err);
    *mean = m.mean * p->lattice;
    *cut = m.cut;
    return ERR_OK;
}

/* ---- the window ------------------------------------------------------------------------------ */

struct window {
    size_t origin, points, coarser;
};

/* Given Q = q the total S has P(S <= ES - x) <= exp(-x^2 / 2 E) with E the sum of the second
 * moments (Maurer's inequality for non-negative terms), and without the cap, which only lowers it,
 * P(S >= ES + x) <= exp(-x^2 / 2 (v + b x / 3)) (Bernstein). */
static struct window
window_of(const struct portfolio *p, const struct factor *f, const struct moments *m)
{
    const double limit = 2 * NEGLIGIBLE, b = m->largest;
    const double mean_low = f->low * (m->mean < m->free_mean ? m->mean : m->free_mean);
    const double square = m->square + (p->cap ? m->person_square : 0);
    const double left = mean_low - sqrt(limit * square * f->low);
    const double v = m->square * f->high, sixth = limit * b / 6;
    const double right = m->free_mean * f->high + sixth + sqrt(sixth * sixth + limit * v) + b;
    const double origin = left > 0 ? floor(left) : 0, width = right - origin + 2;
    const size_t most = p->points_max ? p->points_max : YEAR_POINTS_MAX;
    struct window w = { .coarser = 1, .points = FFT_POINTS_MIN };
    static const size_t steps[] = { 1, 2, 5 };

    for (size_t unit = 1, i = 0; width / (double) w.coarser + 4 > (double) most;) {
        i++;
        unit *= i % 3 == 0 ? 10 : 1;
        w.coarser = steps[i % 3] * unit;
    }
    while ((double) w.points < width / (double) w.coarser + 4)
        w.points *= 2;
    w.origin = (size_t) (origin / (double) w.coarser);
    return w;
}

static size_t
wrapped(size_t from, size_t n, size_t points)
{
    return (from + n) % points;
}

/* From the circular mass function to the tail, summed from the far end so that small tails keep
 * their digits. */
static void
tail_from(const double *pmf, const struct window *w, double *above)
{
    double sum = 0;

    for (size_t i = w->points; i-- > 0;) {
        above[i] = sum < 0 ? 0 : sum > 1 ? 1 : sum;
        sum += pmf[wrapped(w->origin, i, w->points)];
    }
}

/* ---- the total without a cap ----------------------------------------------------------------- */

static bool
free_total(struct arena *arena, const struct portfolio *p, const struct window *w, struct fft *fft,
           double *pmf)
{
    struct cplx *spectrum = arena_alloc(arena, (w->points / 2 + 1) * sizeof *spectrum);
    const size_t n = p->sizes / w->coarser + 2;
    double *g = arena_alloc(arena, n * sizeof *g);
    double sum = 0;

    if (!spectrum || !g)
        return false;
    lattice_coarsen(p->claims, p->sizes, w->coarser, g);
    for (size_t y = 0; y < n; y++)
        sum += g[y];
    for (size_t y = 0; y < n; y++)
        g[y] = sum > 0 ? g[y] / sum : y == 0;
    const struct frequency freq = {
        p->dispersion > 0 ? FREQ_NEGBIN : FREQ_POISSON,
        sum * p->size_factor * p->rate_factor,
        p->dispersion,
    };
    compound_fft(fft, &freq, g, n, spectrum, pmf);
    return true;
}

/* ---- the total with a cap -------------------------------------------------------------------- */

struct capped {
    const struct portfolio *p;
    const struct window *w;
    const struct factor *factor;
    struct fft *fft;
    size_t *at;    /* the frequencies that count */
    double *decay; /* given q they weigh at most exp(-q decay) */
    double least;
    size_t count;
    struct cplx *log_phi; /* [node][count] */
    double *pmf, *coarse, *wide;
    struct cplx *spectrum;
};

static double
stratum_rate(const struct portfolio *p, size_t s)
{
    double sum = 0;

    for (size_t y = 1; y < p->sizes; y++)
        sum += p->rate[s * p->sizes + y];
    return sum * p->rate_factor;
}

/* With p0, p1 the probabilities of no and of one claim and z the transform of one claim under the
 * cap, |phi_s| <= 1 - p0 p1 / (p0 + p1) (1 - Re z), and p0 p1 / (p0 + p1) >= c q Lambda_s for a c
 * that holds over the whole range of q.  So given q all persons together weigh at most
 * exp(-c q x) with x = sum of N Lambda (1 - Re z), and over the years (1 + c x / r)^-r: one
 * transform tells which frequencies can matter at all. */
static void
choose_frequencies(struct capped *c)
{
    const struct portfolio *p = c->p;
    const size_t points = c->w->points, d = c->w->coarser;
    double total = 0, busiest = 0;

    memset(c->wide, 0, points * sizeof *c->wide);
    for (size_t s = 0; s < p->strata; s++) {
        const double persons = p->persons[s] * p->size_factor * p->rate_factor;
        const double rate = stratum_rate(p, s);
        busiest = rate > busiest ? rate : busiest;
        for (size_t y = 1; y < p->sizes; y++) {
            const double mass = persons * p->rate[s * p->sizes + y];
            const size_t paid = y < p->cap ? y : p->cap;
            const double part = (double) (paid % d) / (double) d;
            if (mass <= 0)
                continue;
            c->wide[paid / d % points] += mass * (1 - part);
            c->wide[(paid / d + 1) % points] += mass * part;
            total += mass;
        }
    }
    busiest *= c->factor->high;
    c->least = exp(-busiest) / (1 + busiest);
    fft_forward(c->fft, c->wide, c->spectrum);
    for (size_t j = 0; j <= points / 2; j++) {
        const double x = c->least * (total - c->spectrum[j].re), r = p->dispersion;
        if (j == 0 || (r > 0 ? r * log1p(x / r) : x) < FREQUENCY_NEGLIGIBLE) {
            c->decay[c->count] = x;
            c->at[c->count++] = j;
        }
    }
}

/* Horner's rule at LANES frequencies at once. */
static void
transform_lanes(const double *h, size_t n, const struct cplx *w, double *re, double *im)
{
    double r[LANES] = { 0 }, i[LANES] = { 0 };

    for (size_t y = n; y-- > 0;)
        for (size_t l = 0; l < LANES; l++) {
            const double next = r[l] * w[l].re - i[l] * w[l].im + h[y];
            i[l] = r[l] * w[l].im + i[l] * w[l].re;
            r[l] = next;
        }
    memcpy(re, r, sizeof r);
    memcpy(im, i, sizeof i);
}

static inline void
add_log(struct cplx *sum, double persons, double re, double im)
{
    const double less_1 = re - 1;

    sum->re += persons * 0.5 * log1p(less_1 * (2 + less_1) + im * im);
    sum->im += persons * atan2(im, re);
}

static void
add_stratum(struct capped *c, size_t n, double persons, struct cplx *sum)
{
    const size_t points = c->w->points;

    /* Horner takes about 1 ns a term and frequency, the transform 1 ns a point and doubling. */
    if ((double) c->count * (double) n < (double) points * log2((double) points)) {
        for (size_t j = 0; j < c->count; j += LANES) {
            struct cplx w[LANES] = { { 0 } };
            double re[LANES], im[LANES];
            for (size_t l = 0; l < LANES && j + l < c->count; l++) {
                const double angle = 2 * M_PI * (double) c->at[j + l] / (double) points;
                w[l] = (struct cplx){ cos(angle), -sin(angle) };
            }
            transform_lanes(c->coarse, n, w, re, im);
            for (size_t l = 0; l < LANES && j + l < c->count; l++)
                add_log(&sum[j + l], persons, re[l], im[l]);
        }
        return;
    }
    memset(c->wide, 0, points * sizeof *c->wide);
    for (size_t y = 0; y < n; y++)
        c->wide[y % points] += c->coarse[y];
    fft_forward(c->fft, c->wide, c->spectrum);
    for (size_t j = 0; j < c->count; j++)
        add_log(&sum[j], persons, c->spectrum[c->at[j]].re, c->spectrum[c->at[j]].im);
}

/* Mixes exp(log phi) over the common factor into the spectrum. */
static void
mix_factor(struct capped *c, double fine)
{
    const struct factor *f = c->factor;
    const struct mixing mix = mixing_of(c->p, f, fine);

    memset(c->spectrum, 0, (c->w->points / 2 + 1) * sizeof *c->spectrum);
    for (size_t i = 0; i < mix.count; i++) {
        double q = 1, w = 1, lagrange[NODES] = { 1 };
        if (f->nodes > 1) {
            w = mixing_weight(&mix, i, &q);
            factor_weights(f, q, lagrange);
        }
        for (size_t j = 0; j < c->count; j++) {
            struct cplx z = { 0, 0 };
            if (q * c->decay[j] > FREQUENCY_NEGLIGIBLE)
                continue;
            for (size_t k = 0; k < f->nodes; k++) {
                z.re += lagrange[k] * c->log_phi[k * c->count + j].re;
                z.im += lagrange[k] * c->log_phi[k * c->count + j].im;
            }
            if (z.re < -60)
                continue;
            const double size = w * exp(z.re);
            c->spectrum[c->at[j]].re += size * cos(z.im);
            c->spectrum[c->at[j]].im += size * sin(z.im);
        }
    }
}

static bool
capped_total(struct arena *arena, struct capped *c, const struct moments *m, double *pmf)
{
    const struct portfolio *p = c->p;
    const size_t points = c->w->points, n = (p->cap + 1) / c->w->coarser + 2;

    c->at = arena_alloc(arena, (points / 2 + 1) * sizeof *c->at);
    c->decay = arena_alloc(arena, (points / 2 + 1) * sizeof *c->decay);
    c->pmf = arena_alloc(arena, (p->cap + 1) * sizeof *c->pmf);
    c->coarse = arena_alloc(arena, n * sizeof *c->coarse);
    c->wide = arena_alloc(arena, points * sizeof *c->wide);
    c->spectrum = arena_alloc(arena, (points / 2 + 1) * sizeof *c->spectrum);
    if (!c->at || !c->decay || !c->pmf || !c->coarse || !c->wide || !c->spectrum)
        return false;
    choose_frequencies(c);
    c->log_phi = arena_alloc(arena, c->factor->nodes * c->count * sizeof *c->log_phi);
    if (!c->log_phi)
        return false;
    for (size_t k = 0; k < c->factor->nodes; k++)
        for (size_t s = 0; s < p->strata; s++) {
            struct person one;
            if (!person_year(arena, p, s, c->factor->q[k] * p->rate_factor, c->pmf, &one))
                return false;
            lattice_coarsen(c->pmf, p->cap + 1, c->w->coarser, c->coarse);
            add_stratum(c, n, p->persons[s] * p->size_factor, c->log_phi + k * c->count);
        }
    mix_factor(c, sqrt(m->inner_var) / m->mean);
    fft_inverse(c->fft, c->spectrum, pmf);
    return true;
}

err_t
year_total(struct arena *arena, const struct portfolio *p, struct year_dist *out, struct err *err)
{
    const struct factor f = factor_of(p);
    struct moments m;

    if (!moments_of(arena, p, &f, &m))
        return out_of_memory(err);
    const struct window w = window_of(p, &f, &m);
    double *above = arena_alloc(arena, w.points * sizeof *above);
    const struct arena_mark mark = arena_mark(arena);
    double *pmf = arena_alloc(arena, w.points * sizeof *pmf);
    struct fft *fft = fft_create(arena, w.points);
    if (!above || !pmf || !fft)
        return out_of_memory(err);

    struct capped c = { .p = p, .w = &w, .factor = &f, .fft = fft };
    const bool capped = p->cap && m.mean > 0;
    if (m.mean <= 0)
        pmf[0] = 1;
    else if (!(capped ? capped_total(arena, &c, &m, pmf) : free_total(arena, p, &w, fft, pmf)))
        return out_of_memory(err);
    tail_from(pmf, &w, above);
    arena_rewind(arena, mark);
    *out = (struct year_dist){ .lattice = p->lattice * (double) w.coarser,
                               .coarser = w.coarser,
                               .origin = w.origin,
                               .count = w.points,
                               .above = above,
                               .mean = m.mean * p->lattice,
                               .sd = sqrt(m.var) * p->lattice };
    return ERR_OK;
}

double
year_above(const struct year_dist *d, double yuan)
{
    /* A hair up: a pool that is a multiple of the lattice must not fall below its own point. */
    const double point = floor(yuan / d->lattice * (1 + 1e-12)) - (double) d->origin;

    if (yuan < 0 || point < 0)
        return 1;
    return point >= (double) d->count ? 0 : d->above[(size_t) point];
}

double
year_quantile(const struct year_dist *d, double p)
{
    const double beyond = 1 - p + 1e-12; /* the noise of the transform */
    size_t low = 0, high = d->count - 1;

    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (d->above[middle] > beyond)
            low = middle + 1;
        else
            high = middle;
    }
    return (double) (d->origin + low) * d->lattice;
}

/* ---- the check ------------------------------------------------------------------------------- */

static size_t
coarser_for(const struct portfolio *p, double width, double work_max)
{
    size_t distinct = 0, d = 1;

    for (size_t y = 1; y < p->sizes; y++)
        distinct += p->claims[y] > 0;
    for (;; d *= 2) { /* coarse lattices spread each size over two points */
        const double sizes = (double) p->sizes / (double) d, most = 2 * (double) distinct;
        const double points = width / (double) d;
        if (points * (sizes < most ? sizes : most) <= work_max || sizes < 4)
            return d;
    }
}

err_t
year_check(struct arena *arena, const struct portfolio *free_of_cap, double work_max, double *gap,
           size_t *coarser, struct err *err)
{
    struct portfolio p = *free_of_cap;
    struct moments m;

    p.cap = 0;
    const struct factor f = factor_of(&p);
    if (!moments_of(arena, &p, &f, &m))
        return out_of_memory(err);
    const struct arena_mark mark = arena_mark(arena);
    const struct window whole = window_of(&p, &f, &m);
    const double right = (double) (whole.origin + whole.points) * (double) whole.coarser;
    const size_t d = coarser_for(&p, right, work_max), n = p.sizes / d + 2;
    size_t points = FFT_POINTS_MIN;
    while ((double) points < right / (double) d + 2)
        points *= 2;
    double *g = arena_alloc(arena, n * sizeof *g), *one = arena_alloc(arena, points * sizeof *one),
           *two = arena_alloc(arena, points * sizeof *two);
    struct cplx *spectrum = arena_alloc(arena, (points / 2 + 1) * sizeof *spectrum);
    struct fft *fft = fft_create(arena, points);
    if (!g || !one || !two || !spectrum || !fft)
        return out_of_memory(err);

    double sum = 0, a = 0, b = 0;
    lattice_coarsen(p.claims, p.sizes, d, g);
    for (size_t y = 0; y < n; y++)
        sum += g[y];
    for (size_t y = 0; y < n; y++)
        g[y] = sum > 0 ? g[y] / sum : y == 0;
    const struct frequency freq = { p.dispersion > 0 ? FREQ_NEGBIN : FREQ_POISSON,
                                    sum * p.size_factor * p.rate_factor, p.dispersion };
    if (!panjer(arena, &freq, g, n, one, points))
        return out_of_memory(err);
    compound_fft(fft, &freq, g, n, spectrum, two);
    *gap = 0;
    for (size_t i = 0; i < points; i++) {
        a += one[i];
        b += two[i];
        *gap = fabs(a - b) > *gap ? fabs(a - b) : *gap;
    }
    *coarser = d;
    arena_rewind(arena, mark);
    return ERR_OK;
}
