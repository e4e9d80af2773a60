/* design_math_test.c - the textbook parts: special functions, transform, compound distributions,
 * discretisation, isotonic repair, credibility.  The expected numbers are published (Klugman,
 * Panjer, Willmot; the documentation of R's actuar) or computed by an independent program. */
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compound.h"
#include "credibility.h"
#include "severity.h"
#include "shape.h"
#include "special.h"
#include "year.h"

static void
assert_near(double got, double wanted, double tolerance)
{
    if (!(fabs(got - wanted) <= tolerance))
        fail_msg("got %.15g, wanted %.15g within %g", got, wanted, tolerance);
}

static void
special_functions_have_their_known_values(void **state)
{
    (void) state;
    assert_near(norm_cdf(1.959963984540054), 0.975, 1e-15);
    assert_near(norm_quantile(0.975), 1.959963984540054, 1e-14);
    assert_near(norm_quantile(0.99), 2.3263478740408408, 1e-14);
    assert_near(norm_quantile(1e-13), -7.348796102800677, 1e-11);
    for (double p = 1e-6; p < 1; p += 0.0371)
        assert_near(norm_cdf(norm_quantile(p)), p, 1e-14);
    /* shape 1 is the exponential, shape 2 its first Erlang */
    for (double x = 0.1; x < 60; x *= 1.7) {
        assert_near(gamma_tail(1, x), exp(-x), 1e-15);
        assert_near(gamma_tail(2, x), exp(-x) * (1 + x), 1e-14);
    }
    /* large shapes: P(Poisson(100) < 100) */
    assert_near(gamma_tail(100, 100), 0.48670120172085135, 1e-12);
}

static void
the_transform_equals_its_defining_sum(void **state)
{
    (void) state;
    for (size_t points = 16; points <= 512; points *= 2) {
        struct arena *arena = arena_create(1 << 24);
        struct fft *fft = fft_create(arena, points);
        double *in = arena_alloc(arena, points * sizeof *in),
               *back = arena_alloc(arena, points * sizeof *back);
        struct cplx *out = arena_alloc(arena, (points / 2 + 1) * sizeof *out);

        for (size_t t = 0; t < points; t++)
            in[t] = sin((double) (t * t % 97)) + (t == 3);
        fft_forward(fft, in, out);
        for (size_t j = 0; j <= points / 2; j++) {
            double re = 0, im = 0;
            for (size_t t = 0; t < points; t++) {
                const double angle = 2 * M_PI * (double) (j * t % points) / (double) points;
                re += in[t] * cos(angle);
                im -= in[t] * sin(angle);
            }
            assert_near(out[j].re, re, 1e-12 * (double) points);
            assert_near(out[j].im, im, 1e-12 * (double) points);
        }
        fft_inverse(fft, out, back);
        for (size_t t = 0; t < points; t++)
            assert_near(back[t], in[t], 1e-13);
        arena_destroy(arena);
    }
}

/* Four small cases whose numbers are in every textbook on aggregate loss. */
static const struct {
    const char *name;
    struct frequency freq;
    double g[4], f[11];
    size_t count;
} small[] = {
    { "Poisson 4; 1, 2, 3 with 1/4, 1/2, 1/4",
      { FREQ_POISSON, 4, 0 },
      { 0, .25, .5, .25 },
      { .0183156389, .0183156389, .0457890972, .0579995231, .0740257072, .0886782183, .0931299361,
        .0957028472, .0917821558, .0837759281, .0738013093 },
      11 },
    { "Poisson 3; .5, .4, .1",
      { FREQ_POISSON, 3, 0 },
      { 0, .5, .4, .1 },
      { .0497870684, .0746806026, .1157549340, .1325580695, .1359653720, .1252533731, .1055832025,
        .0830502477 },
      8 },
    { "negative binomial, size 2, probability .4; .5, .3, .2",
      { FREQ_NEGBIN, 3, 2 },
      { 0, .5, .3, .2 },
      { .16, .096, .1008, .10752, .087696, .0780192, .06770736, .056303424 },
      8 },
    { "binomial 5, .1; .6, .3, .1",
      { FREQ_BINOMIAL, .5, 5 },
      { 0, .6, .3, .1 },
      { .59049, .19683, .124659, .0607986, .01799172, .0066784176, .0019508040, .0004545720 },
      8 },
};

static void
recursion_and_transform_give_the_four_textbook_cases(void **state)
{
    (void) state;
    struct arena *arena = arena_create(1 << 24);
    struct fft *fft = fft_create(arena, 256);
    struct cplx spectrum[129];
    double one[64], two[256];

    for (size_t i = 0; i < COUNT(small); i++) {
        assert_true(panjer(arena, &small[i].freq, small[i].g, 4, one, 64));
        compound_fft(fft, &small[i].freq, small[i].g, 4, spectrum, two);
        for (size_t x = 0; x < small[i].count; x++)
            assert_near(one[x], small[i].f[x], 1.0001e-10);
        for (size_t x = 0; x < 64; x++)
            assert_near(two[x], one[x], 1e-15);
    }
    arena_destroy(arena);
}

static void
the_recursion_survives_where_its_start_underflows(void **state)
{
    (void) state;
    const struct frequency freq = { FREQ_POISSON, 20000, 0 };
    const double g[] = { 0, 1 };
    struct arena *arena = arena_create(1 << 24);
    double *f = arena_alloc(arena, 30000 * sizeof *f), sum = 0, mean = 0;

    assert_true(panjer(arena, &freq, g, 2, f, 30000)); /* e^-20000 is far below any double */
    for (size_t x = 0; x < 30000; x++) {
        sum += f[x];
        mean += (double) x * f[x];
    }
    assert_near(sum, 1, 1e-10);
    assert_near(mean, 20000, 1e-5);
    assert_near(f[20000], exp(20000 * log(20000) - 20000 - lgamma(20001)), 1e-12);
    arena_destroy(arena);
}

/* The documentation example of actuar: Poisson 10, gamma(2, 1), step .5 on 0..22, unbiased. */
static void
the_actuar_example_comes_out(void **state)
{
    (void) state;
    const struct dist gamma21 = dist_gamma(2, 1);
    const struct frequency freq = { FREQ_POISSON, 10, 0 };
    struct arena *arena = arena_create(1 << 24);
    double g[45], *f = arena_alloc(arena, 400 * sizeof *f), cdf[400], sum = 0, mean = 0;
    static const double quantiles[][2] = {
        { .25, 14.5 }, { .5, 19.5 }, { .75, 25 }, { .9, 30.5 },
        { .95, 34 },   { .975, 37 }, { .99, 41 }, { .995, 43.5 }
    };
    static const double cdfs[][2] = {
        { 20, .5470771 }, { 30, .8984951 }, { 40, .9883206 }, { 50, .9992010 }
    };

    dist_discretise(&gamma21, DISCRETE_UNBIASED, .5, 45, g);
    assert_true(panjer(arena, &freq, g, 45, f, 400));
    for (size_t x = 0; x < 400; x++) {
        cdf[x] = sum += f[x];
        if (sum - f[x] <= 1 - 1e-6) /* where the example stops */
            mean += f[x] * (double) x * .5;
    }
    assert_near(cdf[0], 6.293129e-05, 5e-12);
    assert_near(mean, 19.99994, 1e-5);
    for (size_t i = 0; i < COUNT(cdfs); i++)
        assert_near(cdf[(size_t) (cdfs[i][0] * 2)], cdfs[i][1], 1e-6);
    for (size_t i = 0; i < COUNT(quantiles); i++) {
        size_t x = 0;
        while (cdf[x] < quantiles[i][0])
            x++;
        assert_near((double) x * .5, quantiles[i][1], 1e-12);
    }
    /* normal power with mean 20, variance 60, skewness .5163977795 */
    assert_near(normal_power_cdf(30, 20, sqrt(60), .5163977795), .8932305216, 1e-9);
    assert_near(normal_power_cdf(40, 20, sqrt(60), .5163977795), .9873654367, 1e-9);
    assert_near(normal_power_cdf(50, 20, sqrt(60), .5163977795), .9990982298, 1e-9);
    arena_destroy(arena);
}

static void
discretisation_follows_the_four_methods(void **state)
{
    (void) state;
    const struct dist d = dist_gamma(2, 1);
    static const double unbiased[] = { .032653298563, .141970049902, .180011125545, .166136670844,
                                       .135311576868, .103022974341, .075194837903, .053315915052,
                                       .037012839313, .025285014658, .009658015015 };
    static const double rounding[] = { .02649902116, .14685951154, .18200567436, .16675744845,
                                       .13533086466 };
    static const double upper[] = { .09020401043, .17403710723, .17793348197, .15181955066,
                                    .11870835453, .08814922171, .06326004807, .04431003096,
                                    .03047871348, .02067179897 };
    double pmf[11], lower[11];

    dist_discretise(&d, DISCRETE_UNBIASED, .5, 11, pmf);
    for (size_t i = 0; i < 11; i++)
        assert_near(pmf[i], unbiased[i], 1e-12);
    dist_discretise(&d, DISCRETE_ROUNDING, .5, 11, pmf);
    for (size_t i = 0; i < COUNT(rounding); i++)
        assert_near(pmf[i], rounding[i], 1e-11);
    dist_discretise(&d, DISCRETE_UPPER, .5, 11, pmf);
    dist_discretise(&d, DISCRETE_LOWER, .5, 11, lower);
    for (size_t i = 0; i < COUNT(upper); i++) {
        assert_near(pmf[i], upper[i], 1e-11);
        assert_near(lower[i + 1], upper[i], 1e-11);
    }
    assert_near(lower[0], 0, 0);
}

/* Median 1,800 and mean 4,194 yuan of a published rural survey. */
static void
own_payments_have_their_closed_forms(void **state)
{
    (void) state;
    const struct dist d = dist_lognormal_mean(1800, 4194);
    static const double tails[][2] = {
        { 1000, .674333619623865 },    { 2000, .4677190105572719 },  { 3000, .3472553698725996 },
        { 4000, .2696336481409741 },   { 5000, .2160854738224497 },  { 8000, .12572433767095642 },
        { 20000, .03206212821151402 }, { 50000, .00529731940950971 }
    };

    assert_near(d.a, 7.495541943884256, 1e-14);
    assert_near(d.b, 1.300667726652437, 1e-14);
    for (size_t i = 0; i < COUNT(tails); i++)
        assert_near(dist_tail(&d, tails[i][0]), tails[i][1], 1e-14);
    assert_near(dist_excess(&d, 4000), 2083.232735670781, 1e-9);
    assert_near(dist_lev(&d, 4000), 2110.767264329219, 1e-9);
    assert_near(dist_lev(&d, 4000) + dist_excess(&d, 4000), dist_mean(&d), 1e-9);

    const double value[] = { 300, 100, 200 }, weight[] = { 1, 2, 1 };
    struct arena *arena = arena_create(1 << 16);
    struct dist e;
    assert_true(dist_empirical(arena, value, weight, 3, &e));
    assert_near(dist_mean(&e), 175, 1e-12);
    assert_near(dist_tail(&e, 200), .5, 0); /* at least 200 */
    assert_near(dist_tail(&e, 200.01), .25, 0);
    assert_near(dist_excess(&e, 150), .25 * 50 + .25 * 150, 1e-12);
    assert_near(dist_lev(&e, 150), 125, 1e-12);
    arena_destroy(arena);
}

static void
violators_are_pooled_by_weight(void **state)
{
    (void) state;
    const double g[] = { 500, 400, 900, 700, 800, 3000 }, w[] = { 10, 30, 20, 20, 10, 5 };
    static const double wanted[] = { 425, 425, 800, 800, 800, 3000 };
    struct pool stack[8];
    double fit[8];

    shape_repair(g, w, 6, stack, fit);
    for (size_t i = 0; i < 6; i++)
        assert_near(fit[i], wanted[i], 1e-12);

    /* a group without claims moves nobody and keeps the order */
    const double g2[] = { 500, 9000, 400, 900 }, w2[] = { 10, 0, 30, 20 };
    shape_repair(g2, w2, 4, stack, fit);
    assert_near(fit[0], 425, 1e-12);
    assert_near(fit[1], 425, 1e-12);
    assert_near(fit[2], 425, 1e-12);
    assert_near(fit[3], 900, 1e-12);
}

/* Buehlmann-Straub sees the units' weights, means and the pooled variance alone, so Hachemeister's
 * published results follow from rows made to have them. */
static void
hachemeister_comes_out(void **state)
{
    (void) state;
    static const double mean[] = { 2060.921392, 1511.224127, 1805.842738, 1352.975915,
                                   1599.828607 },
                        weight[] = { 100155, 19895, 13735, 4152, 36110 },
                        z[] = { .9847404019, .9276352180, .8984753552, .7279092094, .9587911494 },
                        premium[] = { 2055.165350, 1523.706278, 1793.443604, 1442.966549,
                                      1603.285404 },
                        z2[] = { .9788756, .9020069, .8640336, .6576516, .9435251 };
    const double within = 139120025.92529;
    struct experience rows[60];
    struct blend units[5];
    struct credibility c;

    for (size_t i = 0; i < 60; i++) {
        const size_t u = i / 12;
        const double w = weight[u] / 12, off = sqrt(within * 11 / (12 * w));
        rows[i] = (struct experience){ u, w, mean[u] + (i % 2 ? off : -off) };
    }
    assert_true(buhlmann_straub(rows, 60, units, 5, &c));
    assert_near(c.within, within, 1e-3);
    assert_near(c.between, 89638.72623, 0.01);
    assert_near(c.collective, 1683.713437, 1e-5);
    for (size_t i = 0; i < 5; i++) {
        assert_near(units[i].z, z[i], 1e-8);
        assert_near(units[i].premium, premium[i], 1e-4);
    }
    bichsel_straub(units, 5, &c);
    assert_near(c.between, 64366.51, 0.05);
    assert_near(c.collective, 1688.895, 1e-3);
    for (size_t i = 0; i < 5; i++)
        assert_near(units[i].z, z2[i], 1e-6);
}

static void
villages_are_blended(void **state)
{
    (void) state;
    static const double claims[5][3] = {
        { 30, 36, 33 }, { 55, 49, 61 }, { 12, 9, 15 }, { 80, 95, 88 }, { 20, 31, 22 }
    };
    static const double people[5][3] = { { 300, 310, 320 },
                                         { 480, 490, 500 },
                                         { 150, 150, 155 },
                                         { 900, 910, 920 },
                                         { 260, 255, 250 } };
    static const double z[] = { .4321539775, .5460602290, .2713160922, .6907875968, .3850004358 },
                        blended[] = { .10267036143, .10659233866, .09418408403, .09740553500,
                                      .09811105523 };
    struct experience rows[15];
    struct blend units[5];
    struct credibility c;

    for (size_t i = 0; i < 15; i++)
        rows[i] = (struct experience){ i / 3, people[i / 3][i % 3],
                                       claims[i / 3][i % 3] / people[i / 3][i % 3] };
    assert_true(buhlmann_straub(rows, 15, units, 5, &c));
    assert_near(c.collective, .09979267487, 1e-10);
    assert_near(c.between, 5.388885731e-05, 1e-13);
    assert_near(c.within, .06585276228, 1e-10);
    for (size_t i = 0; i < 5; i++) {
        assert_near(units[i].z, z[i], 1e-9);
        assert_near(units[i].premium, blended[i], 1e-10);
    }
    assert_false(buhlmann_straub(rows, 3, units, 1, &c)); /* one unit says nothing of between */

    for (size_t i = 0; i < 15; i++)
        rows[i].rate = i % 3 ? .1 : .2; /* all units alike: no credibility, the collective rate */
    assert_true(buhlmann_straub(rows, 15, units, 5, &c));
    assert_near(units[2].z, 0, 0);
    assert_near(units[2].premium, units[0].premium, 1e-15);

    const struct blend b = poisson_gamma(30, 250, .08, 200);
    assert_near(b.z, .5555555555555556, 1e-15);
    assert_near(b.premium, .10222222222222223, 1e-15);
}

static void
a_coarser_lattice_keeps_mass_and_mean(void **state)
{
    (void) state;
    const double from[] = { .1, .2, .05, .15, .3, .2 };
    double to[6], mass = 0, mean = 0;

    for (size_t d = 2; d <= 5; d++) {
        lattice_coarsen(from, 6, d, to);
        mass = mean = 0;
        for (size_t i = 0; i < 6 / d + 2; i++) {
            mass += to[i];
            mean += to[i] * (double) (i * d);
        }
        assert_near(mass, 1, 1e-15);
        assert_near(mean, 2.95, 1e-14);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(special_functions_have_their_known_values),
        cmocka_unit_test(the_transform_equals_its_defining_sum),
        cmocka_unit_test(recursion_and_transform_give_the_four_textbook_cases),
        cmocka_unit_test(the_recursion_survives_where_its_start_underflows),
        cmocka_unit_test(the_actuar_example_comes_out),
        cmocka_unit_test(discretisation_follows_the_four_methods),
        cmocka_unit_test(own_payments_have_their_closed_forms),
        cmocka_unit_test(violators_are_pooled_by_weight),
        cmocka_unit_test(hachemeister_comes_out),
        cmocka_unit_test(villages_are_blended),
        cmocka_unit_test(a_coarser_lattice_keeps_mass_and_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
