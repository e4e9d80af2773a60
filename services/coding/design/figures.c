/* figures.c - the figures of a given table. */
#include "figures.h"

#include <math.h>
#include <stdlib.h>

#include "compound.h"

/* Panjer and Fourier must agree this far; measured differences are below 1e-11. */
#define CHECK_GAP_MAX 1e-9
#define CHECK_WORK_MAX 6e7 /* multiplications: about 50 ms */

static double
yuan_of(money_t amount)
{
    return (double) amount.fen / 100;
}

/* ---- the pool ---------------------------------------------------------------------------------
 */

static money_t
pool_of(const struct design_goals *g, money_t raised, money_t counted, money_t *fee)
{
    fee->fen = g->service_fee.fen + money_share_floor(raised, g->service_fee_rate).fen;
    return (money_t){ counted.fen + g->carried_over.fen - g->outstanding.fen - fee->fen };
}

void
figures_pool(const struct design_goals *g, struct design_plan *plan)
{
    const money_t counted =
        money_add(g->received, money_share_floor(g->pledged, g->pledged_counted));

    plan->raised = money_add(g->received, g->pledged);
    plan->pool = pool_of(g, plan->raised, counted, &plan->service_fee);
    plan->reserve = money_share_floor(counted, g->reserve_rate);
    if (plan->pool.fen <= 0)
        return;
    plan->budget = money_min(money_share_floor(plan->pool, g->spend_share),
                             money_sub(plan->pool, plan->reserve));
}

/* The pool if `factor` times as many people joined. */
static money_t
pool_with(const struct design_input *in, double persons, double factor)
{
    const struct design_goals *g = &in->goals;
    const money_t counted =
        money_add(g->received, money_share_floor(g->pledged, g->pledged_counted));
    const money_t raised = money_add(g->received, g->pledged);
    const double change = g->raised_per_person.fen
                              ? (double) g->raised_per_person.fen * persons * (factor - 1)
                              : (double) raised.fen * (factor - 1);
    const money_t by = { (int64_t) floor(change) };
    money_t fee;
    const money_t more = money_add(raised, by);

    return pool_of(g, more.fen > 0 ? more : (money_t){ 0 }, money_add(counted, by), &fee);
}

/* ---- reach ------------------------------------------------------------------------------------
 */

/* P(no claim) of a person with that many expected claims; the yearly factor makes it likelier. */
static double
no_claim(double expected, double dispersion)
{
    return dispersion > 0 ? exp(-dispersion * log1p(expected / dispersion)) : exp(-expected);
}

double
figures_reach(const struct design_input *in, const money_t *thresholds)
{
    double persons = 0, helped = 0;

    for (size_t s = 0; s < in->stratum_count; s++) {
        const struct design_stratum *stratum = &in->strata[s];
        double expected = 0;
        for (size_t g = 0; g < in->group_count; g++) {
            const double rate = in->rates[s * in->group_count + g];
            if (rate > 0)
                expected += rate * dist_tail(&in->costs[stratum->class * in->group_count + g],
                                             yuan_of(thresholds[stratum->class]));
        }
        persons += stratum->persons;
        helped += stratum->persons * (1 - no_claim(expected, in->goals.dispersion));
    }
    return persons > 0 ? helped / persons : 0;
}

/* ---- fairness ---------------------------------------------------------------------------------
 */

struct ratio {
    double value, weight;
};

static int
by_ratio(const void *a, const void *b)
{
    const struct ratio *x = a, *y = b;

    return (x->value > y->value) - (x->value < y->value);
}

/* Gini coefficient and Theil index of the relief ratio over claims (0: all alike). */
static bool
fairness(struct arena *arena, const struct cells *c, struct design_plan *plan)
{
    const struct arena_mark mark = arena_mark(arena);
    const size_t n = c->in->group_count;
    struct ratio *ratios = arena_alloc(arena, n * sizeof *ratios);
    double weight = 0, sum = 0, twice = 0, theil = 0;

    if (!ratios)
        return false;
    for (size_t g = 0; g < n; g++)
        ratios[g] = (struct ratio){ plan->rows[g].share, c->claims[g] };
    qsort(ratios, n, sizeof *ratios, by_ratio);
    for (size_t i = 0; i < n; i++) { /* twice the area under the Lorenz curve */
        const double mass = ratios[i].weight * ratios[i].value;
        twice += ratios[i].weight * (2 * sum + mass);
        sum += mass;
        weight += ratios[i].weight;
    }
    if (weight > 0 && sum > 0) {
        for (size_t i = 0; i < n; i++) {
            const double part = ratios[i].value * weight / sum;
            if (part > 0)
                theil += ratios[i].weight / weight * part * log(part);
        }
        plan->gini = 1 - twice / (weight * sum);
        plan->theil = theil;
    }
    arena_rewind(arena, mark);
    return true;
}

/* E[min(amount, X); X >= from], or the amount times P(X >= from) without the limit. */
static double
paid_from(const struct cell *cell, double amount, double from, bool limited)
{
    const double tail = dist_tail(cell->cost, from);

    if (!limited || from >= amount)
        return amount * tail;
    return from * tail + dist_lev(cell->cost, amount) - dist_lev(cell->cost, from);
}

static void
add_band(const struct cell *cell, double amount, bool limited, struct design_band *band)
{
    const double from = band->from > cell->threshold ? band->from : cell->threshold;
    const double to = band->to > from ? band->to : from;

    if (cell->claims <= 0 || to <= from)
        return;
    const double unit = cell->claims / cell->qualifies;
    const double above_from =
        dist_excess(cell->cost, from) + (from - cell->threshold) * dist_tail(cell->cost, from);
    double claims = dist_tail(cell->cost, from), above = above_from,
           paid = paid_from(cell, amount, from, limited);
    if (to < INFINITY) {
        claims -= dist_tail(cell->cost, to);
        above -= dist_excess(cell->cost, to) + (to - cell->threshold) * dist_tail(cell->cost, to);
        paid -= paid_from(cell, amount, to, limited);
    }
    band->claims += unit * claims;
    band->above += unit * above;
    band->paid += unit * paid;
}

static void
bands(const struct cells *c, struct design_plan *plan)
{
    static const double edges[DESIGN_BANDS + 1] = { 0, 10000, 20000, 50000, 100000, INFINITY };

    for (size_t b = 0; b < DESIGN_BANDS; b++) {
        struct design_band *band = &plan->bands[b];
        *band = (struct design_band){ .from = edges[b], .to = edges[b + 1] };
        for (size_t k = 0; k < c->in->class_count; k++)
            for (size_t g = 0; g < c->in->group_count; g++)
                add_band(&c->cell[k * c->in->group_count + g], yuan_of(plan->rows[g].amount),
                         c->in->goals.limit_to_own, band);
        band->relief = band->above > 0 ? band->paid / band->above : 0;
    }
}

/* ---- risk -------------------------------------------------------------------------------------
 */

static struct design_total
total_of(const struct year_dist *year, money_t pool)
{
    return (struct design_total){ year->mean,
                                  year->sd,
                                  year_quantile(year, 0.50),
                                  year_quantile(year, 0.95),
                                  year_quantile(year, 0.99),
                                  year_above(year, yuan_of(pool)) };
}

/* Third cumulant without the cap: sum m y^3, and with the factor's mixed terms. */
static double
skewness(const struct portfolio *p)
{
    double one = 0, two = 0, three = 0;

    for (size_t y = 1; y < p->sizes; y++) {
        const double m = p->claims[y], x = (double) y;
        one += m * x, two += m * x * x, three += m * x * x * x;
    }
    if (p->dispersion > 0) {
        const double r = p->dispersion;
        three += 3 * one * two / r + 2 * one * one * one / (r * r);
        two += one * one / r;
    }
    return two > 0 ? three / pow(two, 1.5) : 0;
}

static err_t
what_ifs(struct arena *arena, const struct cells *c, const struct portfolio *base,
         struct design_plan *plan, struct err *err)
{
    static const struct {
        const char *name;
        double persons, rates;
    } cases[DESIGN_WHAT_IFS] = { { "participation_down_10", 0.9, 1 },
                                 { "participation_up_10", 1.1, 1 },
                                 { "incidence_down_10", 1, 0.9 },
                                 { "incidence_up_10", 1, 1.1 } };

    for (size_t i = 0; i < DESIGN_WHAT_IFS; i++) {
        const struct arena_mark mark = arena_mark(arena);
        struct portfolio p = *base;
        struct year_dist year;
        p.size_factor = cases[i].persons;
        p.rate_factor = cases[i].rates;
        TRY(year_total(arena, &p, &year, err));
        const money_t pool = pool_with(c->in, plan->persons, cases[i].persons);
        plan->what_ifs[i] = (struct design_what_if){ cases[i].name, pool, total_of(&year, pool) };
        arena_rewind(arena, mark);
    }
    return ERR_OK;
}

static err_t
check_roads(struct arena *arena, const struct portfolio *p, struct design_plan *plan,
            struct err *err)
{
    size_t coarser;

    TRY(year_check(arena, p, CHECK_WORK_MAX, &plan->check_gap, &coarser, err));
    plan->check_lattice = p->lattice * (double) coarser;
    if (plan->check_gap > CHECK_GAP_MAX)
        return err_set(err, ERR_INTERNAL, DESIGN_CHECK,
                       "recursion and transform differ by %.3g in the distribution function",
                       plan->check_gap);
    return ERR_OK;
}

/* ---- all --------------------------------------------------------------------------------------
 */

static void
fill_rows(const struct cells *c, struct design_plan *plan)
{
    const struct design_goals *goals = &c->in->goals;

    for (size_t g = 0; g < c->in->group_count; g++) {
        struct design_row *row = &plan->rows[g];
        const double amount = yuan_of(row->amount);
        const double paid = c->claims[g] > 0
                                ? cells_cost(c, g, amount) / c->claims[g]
                                : cell_payment(&c->cell[g], amount, goals->limit_to_own);
        row->stays = c->stays[g];
        row->claims = c->claims[g];
        row->typical = c->own[g];
        row->share = row->typical > 0 ? paid / row->typical : 0;
        plan->stays += row->stays;
        plan->claims += row->claims;
        plan->at_lowest += row->amount.fen <= goals->lowest.fen;
        plan->at_highest += row->amount.fen >= goals->highest.fen;
    }
    for (size_t s = 0; s < c->in->stratum_count; s++)
        plan->persons += c->in->strata[s].persons;
}

err_t
figures_fill(struct arena *arena, const struct cells *c, enum design_depth depth,
             struct design_plan *plan, struct err *err)
{
    double *amounts = arena_alloc(arena, c->in->group_count * sizeof *amounts);
    struct portfolio p;
    double above = 0;

    if (!amounts)
        return err_set(err, ERR_LIMITED, DESIGN_MEMORY, "out of memory");
    for (size_t g = 0; g < c->in->group_count; g++)
        amounts[g] = yuan_of(plan->rows[g].amount);
    fill_rows(c, plan);
    if (!cells_portfolio(arena, c, amounts, &p))
        return err_set(err, ERR_LIMITED, DESIGN_MEMORY, "out of memory");
    struct portfolio rough = p;
    if (p.cap &&
        !portfolio_rough(arena, &rough, depth == DESIGN_PREVIEW ? ROUGH_PREVIEW : ROUGH_SEARCH))
        return err_set(err, ERR_LIMITED, DESIGN_MEMORY, "out of memory");
    rough.points_max = YEAR_POINTS_PREVIEW;
    TRY(year_total(arena, depth == DESIGN_PREVIEW ? &rough : &p, &plan->year, err));
    plan->total = total_of(&plan->year, plan->pool);
    plan->persons_over_cap = plan->year.over_cap;
    plan->normal_power_overspend =
        1 - normal_power_cdf(yuan_of(plan->pool), plan->total.mean, plan->total.sd, skewness(&p));
    for (size_t g = 0; g < c->in->group_count; g++)
        above += c->claims[g] * c->excess[g];
    plan->relief = above > 0 ? plan->total.mean / above : 0;
    plan->reach_persons = figures_reach(c->in, plan->thresholds);
    plan->reach_claims = plan->persons > 0 ? plan->claims / plan->persons : 0;
    if (!fairness(arena, c, plan))
        return err_set(err, ERR_LIMITED, DESIGN_MEMORY, "out of memory");
    if (depth == DESIGN_PREVIEW)
        return ERR_OK;
    bands(c, plan);
    TRY(what_ifs(arena, c, &rough, plan, err));
    return check_roads(arena, &p, plan, err);
}
