/* cells.c - expected claims, payments and their lattice. */
#include "cells.h"

#include <math.h>

static double
yuan_of(money_t amount)
{
    return (double) amount.fen / 100;
}

static void
cell_init(struct cell *cell, const struct dist *cost, double threshold)
{
    cell->cost = cost;
    cell->threshold = threshold;
    cell->qualifies = dist_tail(cost, threshold);
    cell->lev = dist_lev(cost, threshold);
}

/* Means over the classes, weighted by claims; a group that nobody is expected to claim is weighted
 * by its admissions, then equally, so that it still has a place in the order. */
static void
group_means(struct cells *c, size_t group)
{
    const size_t groups = c->in->group_count;
    double claims = 0, own = 0, excess = 0, all = 0, stays = 0;

    for (size_t k = 0; k < c->in->class_count; k++) {
        const struct cell *cell = &c->cell[k * groups + group];
        const double n = cell->claims, above = dist_excess(cell->cost, cell->threshold);
        claims += n;
        if (n > 0) {
            own += n * (above / cell->qualifies + cell->threshold);
            excess += n * above / cell->qualifies;
        }
    }
    for (size_t s = 0; s < c->in->stratum_count; s++) {
        const struct design_stratum *stratum = &c->in->strata[s];
        const double n = stratum->persons * c->in->rates[s * groups + group];
        stays += n;
        all += n * dist_mean(&c->in->costs[stratum->class * groups + group]);
    }
    c->claims[group] = claims;
    c->stays[group] = stays;
    const struct cell *first = &c->cell[group];
    c->all_costs[group] = stays > 0 ? all / stays : dist_mean(first->cost);
    if (claims > 0) {
        c->own[group] = own / claims;
        c->excess[group] = excess / claims;
        return;
    }
    const double p = first->qualifies, above = dist_excess(first->cost, first->threshold);
    c->excess[group] = p > 1e-300 ? above / p : 0;
    c->own[group] = p > 1e-300 ? above / p + first->threshold : c->all_costs[group];
}

bool
cells_create(struct arena *arena, const struct design_input *in, const money_t *thresholds,
             struct cells *out)
{
    const size_t groups = in->group_count;
    struct cells c = { .in = in };

    c.cell = arena_alloc(arena, in->class_count * groups * sizeof *c.cell);
    c.stays = arena_alloc(arena, groups * sizeof *c.stays);
    c.claims = arena_alloc(arena, groups * sizeof *c.claims);
    c.own = arena_alloc(arena, groups * sizeof *c.own);
    c.excess = arena_alloc(arena, groups * sizeof *c.excess);
    c.all_costs = arena_alloc(arena, groups * sizeof *c.all_costs);
    if (!c.cell || !c.stays || !c.claims || !c.own || !c.excess || !c.all_costs)
        return false;
    for (size_t i = 0; i < in->class_count * groups; i++)
        cell_init(&c.cell[i], &in->costs[i], yuan_of(thresholds[i / groups]));
    for (size_t s = 0; s < in->stratum_count; s++)
        for (size_t g = 0; g < groups; g++) {
            struct cell *cell = &c.cell[in->strata[s].class * groups + g];
            cell->claims += in->strata[s].persons * in->rates[s * groups + g] * cell->qualifies;
        }
    for (size_t g = 0; g < groups; g++)
        group_means(&c, g);
    *out = c;
    return true;
}

/* E[min(X, amount) | X >= threshold]; an amount up to the threshold is always paid in full. */
double
cell_payment(const struct cell *cell, double amount, bool limit_to_own)
{
    if (!limit_to_own || amount <= cell->threshold || cell->qualifies <= 0)
        return amount;
    return cell->threshold + (dist_lev(cell->cost, amount) - cell->lev) / cell->qualifies;
}

double
cells_cost(const struct cells *c, size_t group, double amount)
{
    double sum = 0;

    for (size_t k = 0; k < c->in->class_count; k++) {
        const struct cell *cell = &c->cell[k * c->in->group_count + group];
        if (cell->claims > 0)
            sum += cell->claims * cell_payment(cell, amount, c->in->goals.limit_to_own);
    }
    return sum;
}

/* ---- the lattice ------------------------------------------------------------------------------
 */

/* Distribution of one claim's payment on the lattice: a point, or, where the payment is limited to
 * the own payment, the distribution of min(X, amount) from the threshold on, discretised so that
 * the mean is kept exactly.  Returns the first lattice point; mass has room for `room` points. */
static size_t
payment_lattice(const struct cell *cell, double amount, double step, bool limited, double *mass,
                size_t *count)
{
    const size_t last = (size_t) llrint(amount / step);

    if (!limited || amount <= cell->threshold || cell->qualifies <= 0) {
        mass[0] = 1;
        *count = 1;
        return last;
    }
    const size_t first = (size_t) floor(cell->threshold / step);
    double before = 0, here = cell_payment(cell, (double) first * step, true), all = 0;
    before = here - step; /* below the threshold the limited mean rises with the limit */
    for (size_t x = first; x <= last; x++) {
        const double next = x == last ? here : cell_payment(cell, (double) (x + 1) * step, true);
        const double part = (2 * here - before - next) / step;
        mass[x - first] = part > 0 ? part : 0;
        all += mass[x - first];
        before = here;
        here = next;
    }
    for (size_t i = 0; i <= last - first; i++)
        mass[i] /= all;
    *count = last - first + 1;
    return first;
}

static void
add_cell(const struct cells *c, size_t class, size_t group, double amount, double *mass,
         struct portfolio *out)
{
    const struct design_input *in = c->in;
    const size_t groups = in->group_count;
    const struct cell *cell = &c->cell[class * groups + group];
    size_t count = 0;

    if (cell->claims <= 0)
        return;
    const size_t first =
        payment_lattice(cell, amount, out->lattice, in->goals.limit_to_own, mass, &count);
    double *claims = (double *) out->claims + first;
    for (size_t i = 0; i < count; i++)
        claims[i] += cell->claims * mass[i];
    if (!out->cap)
        return;
    for (size_t s = 0; s < in->stratum_count; s++) {
        const double rate = in->rates[s * groups + group] * cell->qualifies;
        if (in->strata[s].class != class || rate <= 0)
            continue;
        double *into = (double *) out->rate + s * out->sizes + first;
        for (size_t i = 0; i < count; i++)
            into[i] += rate * mass[i];
    }
}

bool
cells_portfolio(struct arena *arena, const struct cells *c, const double *amounts,
                struct portfolio *out)
{
    const struct design_input *in = c->in;
    const double step = yuan_of(in->goals.step);
    double largest = 0;

    for (size_t g = 0; g < in->group_count; g++)
        largest = amounts[g] > largest ? amounts[g] : largest;
    *out = (struct portfolio){ .lattice = step,
                               .strata = in->stratum_count,
                               .sizes = (size_t) llrint(largest / step) + 1,
                               .cap = (size_t) (in->goals.yearly_cap.fen / in->goals.step.fen),
                               .dispersion = in->goals.dispersion,
                               .size_factor = 1,
                               .rate_factor = 1 };
    double *persons = arena_alloc(arena, in->stratum_count * sizeof *persons);
    out->claims = arena_alloc(arena, out->sizes * sizeof *out->claims);
    if (out->cap)
        out->rate = arena_alloc(arena, in->stratum_count * out->sizes * sizeof *out->rate);
    double *mass = arena_alloc(arena, (out->sizes + 2) * sizeof *mass);
    if (!persons || !out->claims || (out->cap && !out->rate) || !mass)
        return false;
    for (size_t s = 0; s < in->stratum_count; s++)
        persons[s] = in->strata[s].persons;
    out->persons = persons;
    for (size_t k = 0; k < in->class_count; k++)
        for (size_t g = 0; g < in->group_count; g++)
            add_cell(c, k, g, amounts[g], mass, out);
    return true;
}
