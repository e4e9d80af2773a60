/* design_actuar_test.c - the same inputs through R's actuar (Debian: r-cran-actuar), an independent
 * implementation.  Skipped with a message where R or the package is not installed. */
#include "test.h"

#include <unistd.h>

#include "../unit/design_cases.h"
#include "compound.h"
#include "credibility.h"

/* Runs an R program and reads the numbers it prints; skips when R is absent. */
static size_t
from_r(const char *program, double *out, size_t room)
{
    char path[] = "/tmp/huzhu-design-XXXXXX", command[128];
    const int file = mkstemp(path);
    size_t count = 0;

    assert_true(file >= 0);
    assert_int_equal(write(file, program, strlen(program)), (long) strlen(program));
    (void) close(file);
    (void) snprintf(command, sizeof command, "Rscript --vanilla %s 2>/dev/null", path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    while (count < room && fscanf(pipe, "%lf", &out[count]) == 1)
        count++;
    const int status = pclose(pipe);
    (void) unlink(path);
    if (status != 0 || count == 0) {
        print_message("skipped: Rscript with the package actuar is not here\n");
        skip();
    }
    return count;
}

#define R_HEAD "suppressMessages(library(actuar)); options(digits=17)\n"

static void
assert_near(double got, double wanted, double tolerance)
{
    if (!(fabs(got - wanted) <= tolerance))
        fail_msg("got %.15g, R says %.15g, tolerance %g", got, wanted, tolerance);
}

static void
compound_poisson_agrees(void **state)
{
    (void) state;
    double r[600], g[45], f[600];
    const size_t n =
        from_r(R_HEAD "fx <- discretize(pgamma(x,2,1), from=0, to=22, step=.5, "
                      "method='unbiased', lev=levgamma(x,2,1))\n"
                      "Fs <- aggregateDist('recursive', model.freq='poisson', model.sev=fx, "
                      "lambda=10, x.scale=.5, tol=1e-12)\n"
                      "cat(Fs(seq(0,100,by=.5)), sep='\\n')\n",
               r, COUNT(r));
    const struct dist d = dist_gamma(2, 1);
    const struct frequency freq = { FREQ_POISSON, 10, 0 };
    struct arena *arena = arena_create(1 << 22);
    double sum = 0;

    dist_discretise(&d, DISCRETE_UNBIASED, .5, 45, g);
    assert_true(panjer(arena, &freq, g, 45, f, 600));
    assert_true(n > 100);
    for (size_t x = 0; x < n; x++) {
        sum += f[x];
        assert_near(sum, r[x], 1e-9);
    }
    arena_destroy(arena);
}

static void
compound_negative_binomial_agrees(void **state)
{
    (void) state;
    double r[600], g[25], f[600];
    const size_t n =
        from_r(R_HEAD "fx <- discretize(plnorm(x,1,.6), from=0, to=24, step=1, "
                      "method='rounding')\n"
                      "Fs <- aggregateDist('recursive', model.freq='negative binomial', "
                      "model.sev=fx, size=3, prob=.2, tol=1e-10)\n"
                      "cat(Fs(0:200), sep='\\n')\n",
               r, COUNT(r));
    const struct dist d = dist_lognormal(exp(1), .6);
    const struct frequency freq = { FREQ_NEGBIN, 12, 3 };
    struct arena *arena = arena_create(1 << 22);
    double sum = 0;

    dist_discretise(&d, DISCRETE_ROUNDING, 1, 25, g);
    g[24] = 0; /* R stops one point before `to` */
    assert_true(panjer(arena, &freq, g, 25, f, 600));
    assert_true(n > 100);
    for (size_t x = 0; x < n; x++) {
        sum += f[x];
        assert_near(sum, r[x], 1e-9);
    }
    arena_destroy(arena);
}

/* The whole year of case T1: R convolves the same table by its own recursion. */
static void
the_year_of_a_plan_agrees(void **state)
{
    (void) state;
    double r[64];
    const size_t n =
        from_r(R_HEAD "m <- c(100,40,10,2); b <- c(430,1300,3470,10000)/10\n"
                      "fx <- numeric(1001); fx[b+1] <- m/sum(m)\n"
                      "Fs <- aggregateDist('recursive', model.freq='poisson', model.sev=fx, "
                      "lambda=152, x.scale=10, tol=1e-9, maxit=1e6)\n"
                      "cat(1-Fs(seq(100000,240000,by=10000)), sep='\\n')\n",
               r, COUNT(r));
    struct arena *arena = arena_create((size_t) 1 << 29);
    const struct design_input in = case_t1(arena);
    const money_t table[] = { yuan(430), yuan(1300), yuan(3470), yuan(10000) };
    struct design_plan plan;
    struct err err;

    assert_int_equal(n, 15);
    assert_int_equal(design_assess(arena, &in, table, DESIGN_FULL, &plan, &err), ERR_OK);
    for (size_t i = 0; i < n; i++)
        assert_near(year_above(&plan.year, 100000 + 10000 * (double) i), r[i], 2e-9);
    arena_destroy(arena);
}

static void
hachemeister_agrees(void **state)
{
    (void) state;
    double r[160];
    const size_t n = from_r(
        R_HEAD "data(hachemeister); h <- hachemeister\n"
               "cat(t(h[,2:13]), sep='\\n'); cat('\\n'); cat(t(h[,14:25]), sep='\\n'); cat('\\n')\n"
               "u <- cm(~state, h, ratios=ratio.1:ratio.12, weights=weight.1:weight.12)\n"
               "i <- cm(~state, h, ratios=ratio.1:ratio.12, weights=weight.1:weight.12, "
               "method='iterative')\n"
               "cat(predict(u), u$means$portfolio, u$unbiased, sep='\\n'); cat('\\n')\n"
               "cat(predict(i), i$means$portfolio, i$iterative, sep='\\n')\n",
        r, COUNT(r));
    struct experience rows[60];
    struct blend units[5];
    struct credibility c;

    assert_int_equal(n, 120 + 8 + 8);
    for (size_t i = 0; i < 60; i++)
        rows[i] = (struct experience){ i / 12, r[60 + i], r[i] };
    assert_true(buhlmann_straub(rows, 60, units, 5, &c));
    for (size_t i = 0; i < 5; i++)
        assert_near(units[i].premium, r[120 + i], 1e-7);
    assert_near(c.collective, r[125], 1e-7);
    assert_near(c.between, r[126], 1e-4);
    assert_near(c.within, r[127], 1e-3);
    bichsel_straub(units, 5, &c);
    for (size_t i = 0; i < 5; i++)
        assert_near(units[i].premium, r[128 + i], 0.05); /* R stops its iteration early */
    assert_near(c.collective, r[133], 0.05);

    for (size_t i = 0; i < 60; i++) /* unweighted: plain Buehlmann, published */
        rows[i].exposure = 1;
    assert_true(buhlmann_straub(rows, 60, units, 5, &c));
    assert_near(c.between, 72310.02, 0.01);
    assert_near(c.within, 46040.47, 0.01);
    assert_near(units[3].premium, 1375.987, 0.001);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compound_poisson_agrees),
        cmocka_unit_test(compound_negative_binomial_agrees),
        cmocka_unit_test(the_year_of_a_plan_agrees),
        cmocka_unit_test(hachemeister_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
