/* design.c - the search for the table: order, budget, risk, and the goals that refuse. */
#include "design.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "figures.h"
#include "shape.h"
#include "special.h"

#define TRIALS_MAX 24
/* The search for the largest budget ends when its bracket is this part of the budget: two yuan in a
 * million, below one rounding step of any group with a claim every few years. */
#define BUDGET_PART 2e-6
#define BUDGET_PART_PREVIEW 2e-4 /* while the slider moves */

struct trial {
    double spend; /* what the schedule without a cap may cost */
    double scale, mean, overspend;
    double quantile; /* of the year's payouts at 1 - alpha: the pool that this table needs */
    int64_t *steps;  /* [rank] */
    bool *raised;    /* [rank] */
    bool fits_budget, fits_risk;
    bool rough; /* computed on a coarser lattice than the table's own */
};

struct solver {
    struct arena *arena;
    const struct design_input *in;
    struct cells cells;
    struct schedule schedule;
    size_t *order;                  /* group of a rank */
    double *key;                    /* [group] */
    double *shape;                  /* [group] */
    double *fit, *highest, *claims; /* [rank] */
    enum design_bound *limit;       /* [rank] what `highest` comes from */
    struct run *runs;
    double pool, budget, step;
    size_t trials;
    enum design_depth depth;
    bool rough; /* trials on a coarser lattice */
};

static err_t
out_of_memory(struct err *err)
{
    return err_set(err, ERR_LIMITED, DESIGN_MEMORY, "the plan is too large for its memory limit");
}

static double
yuan_of(money_t amount)
{
    return (double) amount.fen / 100;
}

/* ---- the order of severity --------------------------------------------------------------------
 */

/* The fourth character of a CHS-DRG code: 5 without, 3 with, 1 with major complications. */
static int
complication_of(const char *code)
{
    if (strlen(code) < 4)
        return 0;
    return code[3] == '5' ? 1 : code[3] == '3' ? 2 : code[3] == '1' ? 3 : 0;
}

/* Noise in small groups must not put complications below none: along a chain of one ADRG a key is
 * at least a hair above the lighter one's. */
static void
keys_of(struct solver *s)
{
    const struct design_input *in = s->in;

    for (size_t i = 0; i < in->group_count; i++)
        s->key[i] =
            in->goals.order == DESIGN_BY_WEIGHT ? in->groups[i].weight : s->cells.all_costs[i];
    for (int level = 2; level <= 3; level++)
        for (size_t i = 0; i < in->group_count; i++) {
            if (complication_of(in->groups[i].code) != level)
                continue;
            for (size_t j = 0; j < in->group_count; j++) {
                const int other = complication_of(in->groups[j].code);
                const double least = s->key[j] * (1 + 1e-12);
                if (other && other < level && s->key[i] < least &&
                    strncmp(in->groups[i].code, in->groups[j].code, 3) == 0)
                    s->key[i] = least;
            }
        }
}

struct ranked {
    double key, shape;
    const char *code;
    size_t group;
};

static int
by_severity(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    if (x->shape != y->shape)
        return x->shape < y->shape ? -1 : 1;
    return strcmp(x->code, y->code);
}

static err_t
order_groups(struct solver *s, struct err *err)
{
    const size_t n = s->in->group_count;
    struct ranked *ranked = arena_alloc(s->arena, n * sizeof *ranked);

    if (!ranked)
        return out_of_memory(err);
    keys_of(s);
    for (size_t i = 0; i < n; i++) {
        s->shape[i] = s->in->groups[i].heavy * pow(s->cells.excess[i], s->in->goals.gamma);
        ranked[i] = (struct ranked){ s->key[i], s->shape[i], s->in->groups[i].code, i };
    }
    qsort(ranked, n, sizeof *ranked, by_severity);
    for (size_t r = 0; r < n; r++)
        s->order[r] = ranked[r].group;
    return ERR_OK;
}

/* ---- bounds -----------------------------------------------------------------------------------
 */

static double
relief_limit(const struct solver *s, size_t rank)
{
    const double most = s->cells.own[s->order[rank]] * s->in->goals.relief_max.ppm / 1e6;

    return s->in->goals.relief_max.ppm > 0 ? floor(most / s->step + 1e-9) * s->step : INFINITY;
}

static err_t
check_relief(const struct solver *s, struct err *err)
{
    size_t tightest = 0;
    double least = INFINITY;

    for (size_t r = 0; r < s->in->group_count; r++)
        if (s->claims[r] > 0 && relief_limit(s, r) < least) {
            least = relief_limit(s, r);
            tightest = r;
        }
    if (least >= s->schedule.lowest)
        return ERR_OK;
    return err_set(err, ERR_REFUSED, DESIGN_GOAL_RELIEF,
                   "the lowest amount of %.0f yuan is above %.1f %% of the mean own payment of %s "
                   "(%.2f yuan): %.2f yuan too much",
                   s->schedule.lowest, s->in->goals.relief_max.ppm / 1e4,
                   s->in->groups[s->order[tightest]].code, s->cells.own[s->order[tightest]],
                   s->schedule.lowest - least);
}

/* Nobody may earn from illness: an amount is at most a share of the mean own payment of a claim.
 * A heavier group with a tighter limit pulls the lighter ones down with it, or the order breaks. */
static err_t
bound_groups(struct solver *s, struct err *err)
{
    double ceiling = yuan_of(s->in->goals.highest);
    enum design_bound why = BOUND_HIGHEST;

    TRY(check_relief(s, err));
    for (size_t r = s->in->group_count; r-- > 0;) {
        const double relief = relief_limit(s, r);
        s->highest[r] = relief < ceiling ? relief : ceiling;
        s->limit[r] = relief < ceiling ? BOUND_RELIEF : why;
        if (s->highest[r] < s->schedule.lowest) /* nobody is expected to claim it */
            s->highest[r] = s->schedule.lowest;
        if (s->claims[r] > 0) {
            ceiling = s->highest[r];
            why = s->limit[r];
        }
    }
    return ERR_OK;
}

static double
group_cost(const void *context, size_t rank, double amount)
{
    const struct solver *s = context;

    return cells_cost(&s->cells, s->order[rank], amount);
}

static err_t
solver_init(struct solver *s, const money_t *thresholds, struct err *err)
{
    const size_t n = s->in->group_count;
    struct arena *arena = s->arena;

    if (!cells_create(arena, s->in, thresholds, &s->cells))
        return out_of_memory(err);
    s->order = arena_alloc(arena, n * sizeof *s->order);
    s->key = arena_alloc(arena, n * sizeof *s->key);
    s->shape = arena_alloc(arena, n * sizeof *s->shape);
    s->fit = arena_alloc(arena, n * sizeof *s->fit);
    s->highest = arena_alloc(arena, n * sizeof *s->highest);
    s->claims = arena_alloc(arena, n * sizeof *s->claims);
    s->limit = arena_alloc(arena, n * sizeof *s->limit);
    s->runs = arena_alloc(arena, n * sizeof *s->runs);
    double *g = arena_alloc(arena, n * sizeof *g);
    struct pool *stack = arena_alloc(arena, n * sizeof *stack);
    if (!s->order || !s->key || !s->shape || !s->fit || !s->highest || !s->claims || !s->limit ||
        !s->runs || !g || !stack)
        return out_of_memory(err);

    TRY(order_groups(s, err));
    for (size_t r = 0; r < n; r++) {
        s->claims[r] = s->cells.claims[s->order[r]];
        g[r] = s->shape[s->order[r]];
    }
    shape_repair(g, s->claims, n, stack, s->fit);
    s->step = yuan_of(s->in->goals.step);
    s->schedule = (struct schedule){ .n = n,
                                     .fit = s->fit,
                                     .highest = s->highest,
                                     .lowest = yuan_of(s->in->goals.lowest),
                                     .step = s->step,
                                     .claims = s->claims,
                                     .cost = group_cost,
                                     .context = s };
    return bound_groups(s, err);
}

/* ---- one trial --------------------------------------------------------------------------------
 */

static err_t
trial_create(struct solver *s, struct trial *t, struct err *err)
{
    *t = (struct trial){ .steps = arena_alloc(s->arena, s->schedule.n * sizeof *t->steps),
                         .raised = arena_alloc(s->arena, s->schedule.n * sizeof *t->raised) };
    return t->steps && t->raised ? ERR_OK : out_of_memory(err);
}

static void
trial_copy(const struct solver *s, const struct trial *from, struct trial *to)
{
    int64_t *steps = to->steps;
    bool *raised = to->raised;

    memcpy(steps, from->steps, s->schedule.n * sizeof *steps);
    memcpy(raised, from->raised, s->schedule.n * sizeof *raised);
    *to = *from;
    to->steps = steps;
    to->raised = raised;
}

/* The table that costs at most `spend` without a cap, and its risk. */
static err_t
trial_run(struct solver *s, double spend, struct trial *t, struct err *err)
{
    const struct arena_mark mark = arena_mark(s->arena);
    double *amounts = arena_alloc(s->arena, s->schedule.n * sizeof *amounts);
    struct portfolio portfolio;
    struct year_dist year;

    if (!amounts)
        return out_of_memory(err);
    t->spend = spend;
    t->scale = schedule_scale(&s->schedule, spend);
    (void) schedule_round(&s->schedule, t->scale, spend, t->steps, t->raised, s->runs);
    for (size_t r = 0; r < s->schedule.n; r++)
        amounts[s->order[r]] = (double) t->steps[r] * s->step;
    if (!cells_portfolio(s->arena, &s->cells, amounts, &portfolio) ||
        (s->rough && !portfolio_rough(s->arena, &portfolio,
                                      s->depth == DESIGN_PREVIEW ? ROUGH_PREVIEW : ROUGH_SEARCH)))
        return out_of_memory(err);
    portfolio.points_max = s->rough ? YEAR_POINTS_PREVIEW : 0;
    TRY(year_total(s->arena, &portfolio, &year, err));
    t->mean = year.mean;
    t->rough = year.lattice > s->step * 1.5;
    t->quantile = year_quantile(&year, 1 - s->in->goals.alpha);
    t->overspend = year_above(&year, s->pool);
    t->fits_budget = t->mean <= s->budget * (1 + 1e-9);
    t->fits_risk = t->overspend <= s->in->goals.alpha;
    arena_rewind(s->arena, mark);
    s->trials++;
    return ERR_OK;
}

/* Where the limits would just be met, seen from two trials.  The quantile at 1 - alpha must come
 * down to the pool and the mean to the budget; both are nearly linear in the spending, and in
 * proportion to it where no amount is bounded. */
static double
proposal(const struct trial *now, const struct trial *before, double from, double at, double limit)
{
    const double run = now->spend - before->spend, rise = at - from;
    const double slope = run != 0 ? rise / run : 0;

    if (at <= 0)
        return INFINITY;
    return slope > 0.1 && slope < 10 ? now->spend + (limit - at) / slope : now->spend * limit / at;
}

static double
propose(const struct solver *s, const struct trial *now, const struct trial *before)
{
    const double risk = proposal(now, before, before->quantile, now->quantile, s->pool),
                 budget = proposal(now, before, before->mean, now->mean, s->budget);

    return risk < budget ? risk : budget;
}

static bool
trial_fits(const struct trial *t)
{
    return t->fits_budget && t->fits_risk;
}

static err_t
refuse_minimum(struct solver *s, const struct trial *least, struct err *err)
{
    const struct arena_mark mark = arena_mark(s->arena);
    const double alpha = s->in->goals.alpha;

    if (!least->fits_budget)
        return err_set(err, ERR_REFUSED, DESIGN_GOAL_MINIMUM,
                       "the lowest amounts cost %.2f yuan, the budget is %.2f: %.2f yuan short",
                       least->mean, s->budget, least->mean - s->budget);

    double *amounts = arena_alloc(s->arena, s->schedule.n * sizeof *amounts);
    struct portfolio portfolio;
    struct year_dist year;
    if (!amounts)
        return out_of_memory(err);
    for (size_t r = 0; r < s->schedule.n; r++)
        amounts[s->order[r]] = (double) least->steps[r] * s->step;
    if (!cells_portfolio(s->arena, &s->cells, amounts, &portfolio))
        return out_of_memory(err);
    TRY(year_total(s->arena, &portfolio, &year, err));
    const double needed = year_quantile(&year, 1 - alpha);
    arena_rewind(s->arena, mark);
    return err_set(err, ERR_REFUSED, DESIGN_GOAL_OVERSPEND,
                   "even the lowest amounts overspend with probability %.4f, %.4f is allowed: the "
                   "pool of %.2f yuan is %.2f short",
                   least->overspend, alpha, s->pool, needed - s->pool);
}

/* ---- the search -------------------------------------------------------------------------------
 */

static double
tolerance(const struct solver *s)
{
    return s->budget * (s->depth == DESIGN_PREVIEW ? BUDGET_PART_PREVIEW : BUDGET_PART);
}

/* The largest spending whose rounded table keeps the limits, between bottom (not tried yet) and
 * outside, which breaks them.  The overspend probability is a step function of the budget, so the
 * proposals are fenced in by bisection. */
static err_t
narrow(struct solver *s, double bottom, struct trial *inside, struct trial *outside,
       struct err *err)
{
    const double enough = tolerance(s);
    double low = bottom, wish = propose(s, outside, outside);
    struct trial next, before;

    TRY(trial_create(s, &next, err));
    TRY(trial_create(s, &before, err));
    trial_copy(s, outside, &next);
    while (outside->spend - low > enough && s->trials < TRIALS_MAX) {
        double middle = wish - enough / 4;
        if (s->trials % 5 == 4 || !(middle > low) || !(middle < outside->spend))
            middle = (low + outside->spend) / 2;
        trial_copy(s, &next, &before);
        TRY(trial_run(s, middle, &next, err));
        wish = propose(s, &next, &before);
        if (!trial_fits(&next)) {
            trial_copy(s, &next, outside);
            continue;
        }
        trial_copy(s, &next, inside);
        low = middle;
        if (wish - middle < enough)
            break;
    }
    return ERR_OK;
}

/* The search ran on a coarser lattice, which overstates the spread a little; the final table is
 * checked, and if there is room improved once, on the exact one. */
static err_t
settle(struct solver *s, double bottom, double most, struct trial *best, struct err *err)
{
    const double enough = tolerance(s);
    struct trial next;

    if (!best->rough || s->depth == DESIGN_PREVIEW)
        return ERR_OK;
    s->rough = false;
    TRY(trial_run(s, best->spend, best, err));
    double back = enough;
    while (!trial_fits(best) && best->spend > bottom) {
        const double less = best->spend - back;
        TRY(trial_run(s, less > bottom ? less : bottom, best, err));
        back *= 4;
    }
    /* Under a cap the difference is some ten yuan and an exact trial dear. */
    const double wish = propose(s, best, best) - enough / 4;
    if (s->in->goals.yearly_cap.fen || !trial_fits(best) || wish - best->spend < enough)
        return ERR_OK;
    TRY(trial_create(s, &next, err));
    TRY(trial_run(s, wish < most ? wish : most, &next, err));
    if (trial_fits(&next))
        trial_copy(s, &next, best);
    return ERR_OK;
}

static err_t
search(struct solver *s, struct trial *best, enum design_binding *binding, struct err *err)
{
    const double top = schedule_cost(&s->schedule, INFINITY);
    const double bottom = schedule_cost(&s->schedule, 0);
    /* A cap lets the schedule promise more than it pays, so there the budget is no limit. */
    const double most = s->in->goals.yearly_cap.fen || s->budget > top ? top : s->budget;
    struct trial outside;

    TRY(trial_create(s, best, err));
    TRY(trial_create(s, &outside, err));
    *binding = most >= top ? BINDING_HIGHEST : BINDING_BUDGET;
    if (most > bottom) {
        TRY(trial_run(s, most, &outside, err));
        if (trial_fits(&outside)) {
            trial_copy(s, &outside, best);
            return settle(s, bottom, most, best, err);
        }
        TRY(narrow(s, bottom, best, &outside, err));
        *binding = outside.fits_risk ? BINDING_BUDGET : BINDING_OVERSPEND;
    }
    if (!trial_fits(best)) { /* nothing above the lowest amounts does */
        TRY(trial_run(s, bottom, best, err));
        if (most > bottom)
            *binding = outside.fits_risk ? BINDING_BUDGET : BINDING_OVERSPEND;
    }
    TRY(settle(s, bottom, most, best, err));
    return trial_fits(best) ? ERR_OK : refuse_minimum(s, best, err);
}

/* ---- the beneficiary target -------------------------------------------------------------------
 */

static void
move_thresholds(const struct design_input *in, int64_t steps, money_t *thresholds)
{
    for (size_t k = 0; k < in->class_count; k++)
        thresholds[k].fen = in->classes[k].threshold.fen + steps * in->goals.threshold_step.fen;
}

/* The highest thresholds that still reach the target: reach falls as thresholds rise. */
static err_t
meet_reach(const struct design_input *in, money_t *thresholds, struct err *err)
{
    const double target = in->goals.reach_target;
    const int64_t step = in->goals.threshold_step.fen;
    int64_t low = -INT64_MAX, high;

    move_thresholds(in, 0, thresholds);
    if (target == 0)
        return ERR_OK;
    for (size_t k = 0; k < in->class_count; k++) { /* nobody's threshold below one step */
        const int64_t least = -(in->classes[k].threshold.fen / step) + 1;
        low = least > low ? least : low;
    }
    low = low > 0 ? 0 : low;
    move_thresholds(in, low, thresholds);
    const double most = figures_reach(in, thresholds);
    if (most < target)
        return err_set(err, ERR_REFUSED, DESIGN_GOAL_REACH,
                       "the target is %.4f of the persons; even a threshold of %.2f yuan reaches "
                       "%.4f: %.4f short",
                       target, yuan_of(thresholds[0]), most, target - most);
    for (high = 1; high < (INT64_C(1) << 24); high *= 2) {
        move_thresholds(in, high, thresholds);
        if (figures_reach(in, thresholds) < target)
            break;
        low = high;
    }
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        move_thresholds(in, middle, thresholds);
        if (figures_reach(in, thresholds) >= target)
            low = middle;
        else
            high = middle;
    }
    move_thresholds(in, low, thresholds);
    return ERR_OK;
}

/* ---- putting it together ----------------------------------------------------------------------
 */

static enum design_bound
bound_of(const struct solver *s, size_t rank, double scale)
{
    const double wanted = scale * s->fit[rank];

    if (wanted < s->schedule.lowest)
        return BOUND_LOWEST;
    return wanted > s->highest[rank] ? s->limit[rank] : BOUND_FREE;
}

static void
write_rows(const struct solver *s, const struct trial *t, struct design_row *rows)
{
    for (size_t r = 0; r < s->schedule.n; r++) {
        struct design_row *row = &rows[s->order[r]];
        row->amount.fen = t->steps[r] * s->in->goals.step.fen;
        row->fitted = s->fit[r];
        row->exact = schedule_amount(&s->schedule, r, t->scale);
        row->bound = bound_of(s, r, t->scale);
        row->raised = t->raised[r];
    }
}

static void
write_order(const struct solver *s, struct design_plan *out)
{
    for (size_t r = 0; r < s->schedule.n; r++) {
        struct design_row *row = &out->rows[s->order[r]];
        row->rank = r;
        row->severity = s->key[s->order[r]];
        row->shape = s->shape[s->order[r]];
        row->fitted = s->fit[r];
    }
    out->order = s->order;
}

static err_t
open_plan(struct arena *arena, const struct design_input *in, struct design_plan *out,
          struct err *err)
{
    *out = (struct design_plan){ 0 };
    out->rows = arena_alloc(arena, in->group_count * sizeof *out->rows);
    if (!out->rows)
        return out_of_memory(err);
    figures_pool(&in->goals, out);
    if (out->pool.fen <= 0)
        return err_set(err, ERR_REFUSED, DESIGN_POOL_BELOW_FEE,
                       "service fee and outstanding claims leave a pool of %.2f yuan",
                       yuan_of(out->pool));
    return meet_reach(in, out->thresholds, err);
}

static err_t
check_spending(const struct design_input *in, const struct design_plan *plan, struct err *err)
{
    static const char *const binds[] = { "the budget binds", "the overspend goal binds",
                                         "the highest amounts bind" };
    const double asked = yuan_of(plan->pool) * in->goals.spend_at_least.ppm / 1e6;

    if (plan->total.mean >= asked)
        return ERR_OK;
    return err_set(err, ERR_REFUSED, DESIGN_GOAL_SPEND,
                   "%s: the plan spends %.2f yuan (%.2f %% of the pool), %.2f were asked for: "
                   "%.2f short",
                   binds[plan->binding], plan->total.mean,
                   100 * plan->total.mean / yuan_of(plan->pool), asked, asked - plan->total.mean);
}

err_t
design_solve(struct arena *arena, const struct design_input *in, enum design_depth depth,
             struct design_plan *out, struct err *err)
{
    struct solver s = { .arena = arena, .in = in, .depth = depth };
    struct design_plan plan;
    struct trial best;

    TRY(design_check(in, err));
    TRY(open_plan(arena, in, &plan, err));
    s.pool = yuan_of(plan.pool);
    s.budget = yuan_of(plan.budget);
    TRY(solver_init(&s, plan.thresholds, err));
    s.rough = true;
    TRY(search(&s, &best, &plan.binding, err));
    write_order(&s, &plan);
    write_rows(&s, &best, plan.rows);
    plan.scale = best.scale;
    plan.evaluations = s.trials;
    TRY(figures_fill(arena, &s.cells, depth, &plan, err));
    TRY(check_spending(in, &plan, err));
    *out = plan;
    return ERR_OK;
}

err_t
design_assess(struct arena *arena, const struct design_input *in, const money_t *amounts,
              enum design_depth depth, struct design_plan *out, struct err *err)
{
    struct solver s = { .arena = arena, .in = in };
    struct design_plan plan;

    TRY(design_check(in, err));
    for (size_t g = 0; g < in->group_count; g++)
        if (amounts[g].fen < 0 || amounts[g].fen % in->goals.step.fen != 0 ||
            amounts[g].fen / in->goals.step.fen > DESIGN_SIZES_MAX)
            return err_set(err, ERR_INVALID, DESIGN_BOUNDS,
                           "the amount of %s is not a multiple of the rounding step",
                           in->groups[g].code);
    TRY(open_plan(arena, in, &plan, err));
    s.pool = yuan_of(plan.pool);
    s.budget = yuan_of(plan.budget);
    TRY(solver_init(&s, plan.thresholds, err));
    write_order(&s, &plan);
    for (size_t g = 0; g < in->group_count; g++) {
        plan.rows[g].amount = amounts[g];
        plan.rows[g].exact = yuan_of(amounts[g]);
    }
    TRY(figures_fill(arena, &s.cells, depth, &plan, err));
    *out = plan;
    return ERR_OK;
}
