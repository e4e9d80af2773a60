/* special.c - normal and gamma distribution functions (series, continued fraction, Newton). */
#include "special.h"

#include <math.h>

#define ITERATIONS_MAX 10000 /* the continued fraction takes about sqrt(shape) steps */

double
norm_cdf(double z)
{
    return 0.5 * erfc(-z / M_SQRT2);
}

double
norm_tail(double z)
{
    return 0.5 * erfc(z / M_SQRT2);
}

/* Newton on log p from the tail's side keeps the step well scaled however small p is; the start is
 * the leading term of the asymptotic expansion, which is close enough from p = 1/2 to 1e-300. */
double
norm_quantile(double p)
{
    const double tail = p < 0.5 ? p : 1 - p;
    const double t = sqrt(-2 * log(tail));
    double z = tail > 0.3 ? (0.5 - tail) * 2.5 : t - (log(2 * M_PI) + 2 * log(t)) / (2 * t);

    if (p == 0.5)
        return 0;
    for (int i = 0; i < 60; i++) {
        const double q = norm_tail(z), density = exp(-z * z / 2) / sqrt(2 * M_PI);
        const double step = q * log(q / tail) / density;
        z += step;
        if (fabs(step) < 1e-15 * (1 + fabs(z)))
            break;
    }
    return p < 0.5 ? -z : z;
}

static double
gamma_series(double a, double x)
{
    double term = 1 / a, sum = term;

    for (int n = 1; n < ITERATIONS_MAX && term > sum * 1e-17; n++) {
        term *= x / (a + n);
        sum += term;
    }
    return sum * exp(a * log(x) - x - lgamma(a));
}

/* Lentz's method on the continued fraction of Q(a, x), for x > a + 1. */
static double
gamma_fraction(double a, double x)
{
    const double tiny = 1e-300;
    double b = x + 1 - a, c = 1 / tiny, d = 1 / b, h = d;

    for (int i = 1; i < ITERATIONS_MAX; i++) {
        const double an = -i * (i - a);
        b += 2;
        d = an * d + b;
        d = fabs(d) < tiny ? tiny : d;
        c = b + an / c;
        c = fabs(c) < tiny ? tiny : c;
        d = 1 / d;
        h *= d * c;
        if (fabs(d * c - 1) < 1e-16)
            break;
    }
    return h * exp(a * log(x) - x - lgamma(a));
}

double
gamma_tail(double shape, double x)
{
    if (x <= 0)
        return 1;
    return x < shape + 1 ? 1 - gamma_series(shape, x) : gamma_fraction(shape, x);
}
