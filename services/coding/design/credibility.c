/* credibility.c - Buehlmann-Straub, its iterative variant, and Poisson-gamma. */
#include "credibility.h"

#include <math.h>

#define ITERATIONS_MAX 1000

static void
premiums(struct blend *units, size_t unit_count, struct credibility *c)
{
    double z_sum = 0, z_mean = 0, w_sum = 0, w_mean = 0;

    for (size_t i = 0; i < unit_count; i++) {
        struct blend *u = &units[i];
        u->z = c->between > 0 ? u->exposure / (u->exposure + c->within / c->between) : 0;
        z_sum += u->z;
        z_mean += u->z * u->mean;
        w_sum += u->exposure;
        w_mean += u->exposure * u->mean;
    }
    c->collective = z_sum > 0 ? z_mean / z_sum : w_mean / w_sum;
    for (size_t i = 0; i < unit_count; i++)
        units[i].premium = units[i].z * units[i].mean + (1 - units[i].z) * c->collective;
}

bool
buhlmann_straub(const struct experience *rows, size_t row_count, struct blend *units,
                size_t unit_count, struct credibility *out)
{
    double total = 0, squares = 0, mean = 0, within = 0, between = 0;

    for (size_t i = 0; i < unit_count; i++)
        units[i] = (struct blend){ 0 };
    for (size_t r = 0; r < row_count; r++) {
        struct blend *u = &units[rows[r].unit];
        u->exposure += rows[r].exposure;
        u->mean += rows[r].exposure * rows[r].rate;
    }
    if (unit_count < 2 || row_count <= unit_count)
        return false;
    for (size_t i = 0; i < unit_count; i++) {
        total += units[i].exposure;
        squares += units[i].exposure * units[i].exposure;
        mean += units[i].mean;
        units[i].mean /= units[i].exposure;
    }
    mean /= total;
    for (size_t r = 0; r < row_count; r++) {
        const double off = rows[r].rate - units[rows[r].unit].mean;
        within += rows[r].exposure * off * off;
    }
    out->within = within / (double) (row_count - unit_count);
    for (size_t i = 0; i < unit_count; i++)
        between += units[i].exposure * (units[i].mean - mean) * (units[i].mean - mean);
    out->between =
        total / (total * total - squares) * (between - (double) (unit_count - 1) * out->within);
    if (out->between < 0)
        out->between = 0;
    premiums(units, unit_count, out);
    return true;
}

void
bichsel_straub(struct blend *units, size_t unit_count, struct credibility *c)
{
    for (int i = 0; i < ITERATIONS_MAX && c->between > 0; i++) {
        double sum = 0;
        for (size_t k = 0; k < unit_count; k++) {
            const double off = units[k].mean - c->collective;
            sum += units[k].z * off * off;
        }
        const double next = sum / (double) (unit_count - 1);
        const bool settled = fabs(next - c->between) <= 1e-14 * c->between;
        c->between = next;
        premiums(units, unit_count, c);
        if (settled)
            break;
    }
}

struct blend
poisson_gamma(double claims, double exposure, double prior_mean, double prior_exposure)
{
    const double z = exposure / (exposure + prior_exposure);

    return (struct blend){ exposure, exposure > 0 ? claims / exposure : 0, z,
                           (claims + prior_mean * prior_exposure) / (exposure + prior_exposure) };
}
