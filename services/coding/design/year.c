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

bool
portfolio_rough(struct arena *arena, struct portfolio *p, size_t most)
{
    size_t d = p->cap ? most : 1;

    while (p->cap % d != 0)
        d--;
    if (d == 1)
        return true;
    const size_t sizes = p->sizes / d + 2;
    double *claims = arena_alloc(arena, sizes * sizeof *claims);
    double *rate = arena_alloc(arena, (p->cap ? p->strata : 1) * sizes * sizeof *rate);
    if (!claims || !rate)
        return false;
    lattice_coarsen(p->claims, p->sizes, d, claims);
    for (size_t s = 0; p->cap && s < p->strata; s++)
        lattice_coarsen(p->rate + s * p->sizes, p->sizes, d, rate + s * sizes);
    p->claims = claims;
    p->rate = rate;
    p->sizes = sizes;
    p->cap /= d;
    p->lattice *= (double) d;
    return true;
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
    double mean, var;     /* of the total, with the factor and the cap, points */
    double free_mean;     /* without factor and cap: sum of m y */
    double square;        /* sum of m y^2 */
    double person_square; /* sum of the squares of the persons' means */
    double mean_low;      /* a lower bound of the mean given the smallest factor */
    double largest;       /* payment */
    double over_cap;      /* persons whose sum passes the cap */
};

/* A year of a person pays at least one of its claims under the cap, so its mean is at least
 * P(any claim) times the mean of one claim. */
static void
add_moments(const struct portfolio *p, const double *u, double persons, double low,
            struct moments *out)
{
    double mean = 0, square = 0, under = 0, rate = 0;

    for (size_t y = 1; y < p->sizes; y++) {
        const double points = (double) y, paid = p->cap && y > p->cap ? (double) p->cap : points;
        if (u[y] <= 0)
            continue;
        rate += u[y];
        mean += u[y] * points;
        square += u[y] * points * points;
        under += u[y] * paid;
        out->largest = points > out->largest ? points : out->largest;
    }
    const double n = persons * p->rate_factor, some = rate * p->rate_factor * low;
    out->free_mean += n * mean;
    out->square += n * square;
    out->person_square += n * p->rate_factor * mean * mean;
    if (rate > 0)
        out->mean_low += p->cap ? persons * -expm1(-some) * under / rate : n * low * mean;
}

static void
moments_of(const struct portfolio *p, const struct factor *f, struct moments *out)
{
    *out = (struct moments){ 0 };
    if (p->cap) {
        for (size_t s = 0; s < p->strata; s++)
            add_moments(p, p->rate + s * p->sizes, p->persons[s] * p->size_factor, f->low, out);
        return;
    }
    add_moments(p, p->claims, p->size_factor, f->low, out);
    out->mean = out->free_mean;
    out->var = out->square;
    if (p->dispersion > 0)
        out->var += out->mean * out->mean / p->dispersion;
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
    const double square = m->square + (p->cap ? m->person_square : 0);
    const double left = m->mean_low - sqrt(limit * square * f->low);
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

/* ---- one person under the cap ---------------------------------------------------------------- */

/* More claims than this a person and year, and the recursion is quicker than the powers. */
#define POWERS_MAX 40

/* The distributions of the sum of 1, 2, ... claims of one person up to the cap. */
struct powers {
    double rate;   /* claims per year */
    size_t count;  /* 0: use the recursion */
    double *power; /* [count][cap + 1] */
    const double *g;
    struct cplx *spectrum, *product;
    double *wide;
    struct fft *fft;
};

static bool
powers_create(struct arena *arena, const struct portfolio *p, struct powers *out)
{
    size_t points = FFT_POINTS_MIN;

    while (points < 2 * (p->cap + 1))
        points *= 2;
    out->power = arena_alloc(arena, POWERS_MAX * (p->cap + 1) * sizeof *out->power);
    out->spectrum = arena_alloc(arena, (points / 2 + 1) * sizeof *out->spectrum);
    out->product = arena_alloc(arena, (points / 2 + 1) * sizeof *out->product);
    out->wide = arena_alloc(arena, points * sizeof *out->wide);
    out->fft = fft_create(arena, points);
    return out->power && out->spectrum && out->product && out->wide && out->fft;
}

/* How many claims a year of that many expected ones can have: beyond, less than 1e-17. */
static size_t
claims_most(double expected)
{
    double term = exp(-expected);

    for (size_t n = 1; n <= POWERS_MAX; n++) {
        term *= expected / (double) n;
        if (term < 1e-18 && (double) n > expected)
            return n;
    }
    return 0;
}

static void
powers_of(const struct portfolio *p, size_t s, double high, struct powers *out)
{
    const double *rate = p->rate + s * p->sizes;
    const size_t room = p->cap + 1, points = out->fft->points;
    double *one = out->power;

    out->g = rate;
    out->rate = 0;
    for (size_t y = 1; y < p->sizes; y++)
        out->rate += rate[y];
    out->count = claims_most(out->rate * p->rate_factor * high);
    if (out->count == 0 || out->rate <= 0)
        return;
    memset(one, 0, room * sizeof *one);
    for (size_t y = 1; y < p->sizes && y < room; y++)
        one[y] = rate[y] / out->rate;
    memset(out->wide, 0, points * sizeof *out->wide);
    memcpy(out->wide, one, room * sizeof *one);
    fft_forward(out->fft, out->wide, out->spectrum);
    for (size_t n = 1; n < out->count; n++) {
        double *before = out->power + (n - 1) * room;
        memset(out->wide, 0, points * sizeof *out->wide);
        memcpy(out->wide, before, room * sizeof *before);
        fft_forward(out->fft, out->wide, out->product);
        for (size_t j = 0; j <= points / 2; j++) {
            const struct cplx a = out->product[j], b = out->spectrum[j];
            out->product[j] = (struct cplx){ a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re };
        }
        fft_inverse(out->fft, out->product, out->wide);
        for (size_t y = 0; y < room; y++) /* the noise of the transform is no probability */
            before[room + y] = out->wide[y] > 1e-16 ? out->wide[y] : 0;
    }
}

struct person {
    double mean, square; /* first and second moment of the year's sum, points */
    double over;         /* P(sum before the cap > cap) */
};

/* pmf[0..cap] of one person's year before the cap, at q times the rates. */
static bool
person_free(struct arena *arena, const struct portfolio *p, const struct powers *powers, double q,
            double *pmf)
{
    const size_t room = p->cap + 1;
    const double expected = powers->rate * p->rate_factor * q;
    double chance = exp(-expected);

    memset(pmf, 0, room * sizeof *pmf);
    pmf[0] = 1;
    if (powers->rate <= 0)
        return true;
    if (powers->count == 0) {
        const struct arena_mark mark = arena_mark(arena);
        double *g = arena_alloc(arena, p->sizes * sizeof *g);
        if (!g)
            return false;
        for (size_t y = 1; y < p->sizes; y++)
            g[y] = powers->g[y] / powers->rate;
        const struct frequency freq = { FREQ_POISSON, expected, 0 };
        const bool ok = panjer(arena, &freq, g, p->sizes, pmf, room);
        arena_rewind(arena, mark);
        return ok;
    }
    pmf[0] = chance;
    for (size_t n = 1; n <= powers->count; n++) {
        const double *power = powers->power + (n - 1) * room;
        chance *= expected / (double) n;
        for (size_t y = 1; y < room; y++)
            pmf[y] += chance * power[y];
    }
    return true;
}

/* Moves what lies beyond the cap onto it. */
static void
person_cut(size_t cap, double *pmf, struct person *out)
{
    double rest = 1;

    *out = (struct person){ 0 };
    for (size_t y = 0; y < cap; y++) {
        rest -= pmf[y];
        out->mean += (double) y * pmf[y];
        out->square += (double) y * (double) y * pmf[y];
    }
    rest = rest > 0 ? rest : 0;
    out->over = rest > pmf[cap] ? rest - pmf[cap] : 0;
    pmf[cap] = rest;
    out->mean += (double) cap * rest;
    out->square += (double) cap * (double) cap * rest;
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
    double mean[NODES], var[NODES], over[NODES]; /* of the total at a node */
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

/* Horner's rule at LANES frequencies at once, in pairs that fit a vector register everywhere. */
typedef double pair_t __attribute__((vector_size(16)));
#define PAIRS (LANES / 2)

static void
transform_lanes(const double *h, size_t n, const struct cplx *w, double *re, double *im)
{
    pair_t wr[PAIRS], wi[PAIRS], r[PAIRS] = { { 0 } }, i[PAIRS] = { { 0 } };

    for (size_t l = 0; l < PAIRS; l++) {
        wr[l] = (pair_t){ w[2 * l].re, w[2 * l + 1].re };
        wi[l] = (pair_t){ w[2 * l].im, w[2 * l + 1].im };
    }
    for (size_t y = n; y-- > 0;) {
        const pair_t mass = { h[y], h[y] };
        for (size_t l = 0; l < PAIRS; l++) {
            const pair_t next = r[l] * wr[l] - i[l] * wi[l] + mass;
            i[l] = r[l] * wi[l] + i[l] * wr[l];
            r[l] = next;
        }
    }
    for (size_t l = 0; l < PAIRS; l++) {
        re[2 * l] = r[l][0], re[2 * l + 1] = r[l][1];
        im[2 * l] = i[l][0], im[2 * l + 1] = i[l][1];
    }
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
capped_buffers(struct arena *arena, struct capped *c)
{
    const size_t points = c->w->points, n = (c->p->cap + 1) / c->w->coarser + 2;

    c->at = arena_alloc(arena, (points / 2 + 1) * sizeof *c->at);
    c->decay = arena_alloc(arena, (points / 2 + 1) * sizeof *c->decay);
    c->pmf = arena_alloc(arena, (c->p->cap + 1) * sizeof *c->pmf);
    c->coarse = arena_alloc(arena, n * sizeof *c->coarse);
    c->wide = arena_alloc(arena, points * sizeof *c->wide);
    c->spectrum = arena_alloc(arena, (points / 2 + 1) * sizeof *c->spectrum);
    if (!c->at || !c->decay || !c->pmf || !c->coarse || !c->wide || !c->spectrum)
        return false;
    choose_frequencies(c);
    c->log_phi = arena_alloc(arena, c->factor->nodes * c->count * sizeof *c->log_phi);
    return c->log_phi;
}

static void
mix_moments(const struct capped *c, struct moments *m)
{
    const struct mixing mix = mixing_of(c->p, c->factor, 1);
    double first = 0, second = 0, over = 0;

    for (size_t i = 0; i < mix.count; i++) {
        double q = 1, w = 1, lagrange[NODES] = { 1 }, mean = 0, var = 0, cut = 0;
        if (c->factor->nodes > 1) {
            w = mixing_weight(&mix, i, &q);
            factor_weights(c->factor, q, lagrange);
        }
        for (size_t k = 0; k < c->factor->nodes; k++) {
            mean += lagrange[k] * c->mean[k];
            var += lagrange[k] * c->var[k];
            cut += lagrange[k] * c->over[k];
        }
        first += w * mean;
        second += w * (var + mean * mean);
        over += w * cut;
    }
    m->mean = first;
    m->var = second - first * first;
    m->over_cap = over;
}

static bool
capped_total(struct arena *arena, struct capped *c, struct moments *m, double *pmf)
{
    const struct portfolio *p = c->p;
    const size_t n = (p->cap + 1) / c->w->coarser + 2;
    struct powers powers = { 0 };

    if (!capped_buffers(arena, c) || !powers_create(arena, p, &powers))
        return false;
    for (size_t s = 0; s < p->strata; s++) {
        const double persons = p->persons[s] * p->size_factor;
        if (persons <= 0)
            continue;
        powers_of(p, s, c->factor->high, &powers);
        for (size_t k = 0; k < c->factor->nodes; k++) {
            struct person one;
            if (!person_free(arena, p, &powers, c->factor->q[k], c->pmf))
                return false;
            person_cut(p->cap, c->pmf, &one);
            c->mean[k] += persons * one.mean;
            c->var[k] += persons * (one.square - one.mean * one.mean);
            c->over[k] += persons * one.over;
            lattice_coarsen(c->pmf, p->cap + 1, c->w->coarser, c->coarse);
            add_stratum(c, n, persons, c->log_phi + k * c->count);
        }
    }
    mix_moments(c, m);
    const double inner = c->var[c->factor->nodes / 2];
    mix_factor(c, m->mean > 0 ? sqrt(inner > 0 ? inner : 0) / m->mean : 1);
    fft_inverse(c->fft, c->spectrum, pmf);
    return true;
}

err_t
year_total(struct arena *arena, const struct portfolio *p, struct year_dist *out, struct err *err)
{
    const struct factor f = factor_of(p);
    struct moments m;

    moments_of(p, &f, &m);
    const struct window w = window_of(p, &f, &m);
    double *above = arena_alloc(arena, w.points * sizeof *above);
    const struct arena_mark mark = arena_mark(arena);
    double *pmf = arena_alloc(arena, w.points * sizeof *pmf);
    struct fft *fft = fft_create(arena, w.points);
    if (!above || !pmf || !fft)
        return out_of_memory(err);

    struct capped c = { .p = p, .w = &w, .factor = &f, .fft = fft };
    if (m.free_mean <= 0)
        pmf[0] = 1;
    else if (!(p->cap ? capped_total(arena, &c, &m, pmf) : free_total(arena, p, &w, fft, pmf)))
        return out_of_memory(err);
    tail_from(pmf, &w, above);
    arena_rewind(arena, mark);
    *out = (struct year_dist){ .lattice = p->lattice * (double) w.coarser,
                               .coarser = w.coarser,
                               .origin = w.origin,
                               .count = w.points,
                               .above = above,
                               .mean = m.mean * p->lattice,
                               .sd = sqrt(m.var > 0 ? m.var : 0) * p->lattice,
                               .over_cap = m.over_cap };
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
    moments_of(&p, &f, &m);
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
