/* check.c - the limits that every input keeps, and the one list of reasons. */
#include "design.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define REASON(symbol, wire, english, chinese) const char symbol[] = wire;
#include "reasons.def"
#undef REASON

static const struct design_reason reasons[] = {
#define REASON(symbol, wire, english, chinese) { wire, english, chinese },
#include "reasons.def"
#undef REASON
};

const struct design_reason *
design_reason(const char *wire)
{
    for (size_t i = 0; i < COUNT(reasons); i++)
        if (strcmp(reasons[i].wire, wire) == 0)
            return &reasons[i];
    return NULL;
}

#define GOAL(ok, path, reason, ...)                                                                \
    do {                                                                                           \
        if (!(ok))                                                                                 \
            return err_at(err, ERR_INVALID, "$.goals." path, reason, __VA_ARGS__);                 \
    } while (0)

static bool
is_amount(money_t a)
{
    return a.fen >= 0 && a.fen <= MONEY_FEN_MAX / 1000;
}

static bool
is_share(rate_t r)
{
    return r.ppm >= 0 && r.ppm <= 1000000;
}

static err_t
check_money(const struct design_goals *g, struct err *err)
{
    GOAL(is_amount(g->received), "received", DESIGN_SETTING, "not an amount");
    GOAL(is_amount(g->pledged), "pledged", DESIGN_SETTING, "not an amount");
    GOAL(is_amount(g->carried_over), "carriedOver", DESIGN_SETTING, "not an amount");
    GOAL(is_amount(g->outstanding), "outstanding", DESIGN_SETTING, "not an amount");
    GOAL(is_amount(g->service_fee), "serviceFee", DESIGN_SETTING, "not an amount");
    GOAL(is_amount(g->raised_per_person), "raisedPerPerson", DESIGN_SETTING, "not an amount");
    GOAL(is_share(g->pledged_counted), "pledgedCounted", DESIGN_SETTING, "not a share of 0 to 1");
    GOAL(is_share(g->service_fee_rate), "serviceFeeRate", DESIGN_SETTING, "not a share of 0 to 1");
    GOAL(is_share(g->reserve_rate), "reserveRate", DESIGN_SETTING, "not a share of 0 to 1");
    GOAL(is_share(g->spend_share), "spendShare", DESIGN_SETTING, "not a share of 0 to 1");
    GOAL(is_share(g->spend_at_least), "spendAtLeast", DESIGN_SETTING, "not a share of 0 to 1");
    GOAL(is_share(g->relief_max), "reliefMax", DESIGN_SETTING, "not a share of 0 to 1");
    return ERR_OK;
}

static err_t
check_bounds(const struct design_goals *g, struct err *err)
{
    GOAL(g->step.fen > 0, "step", DESIGN_BOUNDS, "rounding must be positive");
    GOAL(g->lowest.fen >= g->step.fen, "lowest", DESIGN_BOUNDS,
         "the lowest amount must be at least one rounding step");
    GOAL(g->highest.fen >= g->lowest.fen, "highest", DESIGN_BOUNDS,
         "the highest amount is below the lowest");
    GOAL(g->highest.fen / g->step.fen <= DESIGN_SIZES_MAX, "highest", DESIGN_TOO_LARGE,
         "the highest amount has more than %d rounding steps", DESIGN_SIZES_MAX);
    GOAL(g->lowest.fen % g->step.fen == 0, "lowest", DESIGN_BOUNDS,
         "not a multiple of the rounding step");
    GOAL(g->highest.fen % g->step.fen == 0, "highest", DESIGN_BOUNDS,
         "not a multiple of the rounding step");
    GOAL(g->yearly_cap.fen >= 0 && g->yearly_cap.fen % g->step.fen == 0, "yearlyCap", DESIGN_BOUNDS,
         "not a multiple of the rounding step");
    GOAL(g->yearly_cap.fen == 0 || g->yearly_cap.fen >= g->lowest.fen, "yearlyCap", DESIGN_BOUNDS,
         "below the lowest amount of one claim");
    GOAL(g->yearly_cap.fen / g->step.fen <= INT64_C(10) * DESIGN_SIZES_MAX, "yearlyCap",
         DESIGN_TOO_LARGE, "more than %d rounding steps", 10 * DESIGN_SIZES_MAX);
    return ERR_OK;
}

static err_t
check_goals(const struct design_goals *g, struct err *err)
{
    GOAL(g->alpha > 0 && g->alpha <= 0.5, "alpha", DESIGN_ALPHA,
         "an overspend probability of %g is absurd: it must be above 0 and at most 0.5", g->alpha);
    GOAL(g->dispersion == 0 || (g->dispersion >= DISPERSION_MIN && g->dispersion <= 1e9),
         "dispersion", DESIGN_SETTING, "0 (none), or %g (the wildest years) to 1e9",
         DISPERSION_MIN);
    GOAL(g->gamma >= 0 && g->gamma <= 4, "gamma", DESIGN_SETTING, "must lie in 0 to 4");
    GOAL(g->reach_target >= 0 && g->reach_target < 1, "reachTarget", DESIGN_SETTING,
         "must lie in 0 to 1");
    GOAL(g->reach_target == 0 || g->threshold_step.fen > 0, "thresholdStep", DESIGN_SETTING,
         "a beneficiary target needs a step for the threshold");
    TRY(check_money(g, err));
    return check_bounds(g, err);
}

static err_t
check_item(bool ok, const char *what, size_t i, const char *reason, const char *says,
           struct err *err)
{
    char path[96];

    if (ok)
        return ERR_OK;
    (void) snprintf(path, sizeof path, "$.%s[%zu]", what, i);
    return err_at(err, ERR_INVALID, path, reason, "%s", says);
}

static bool
dist_is_sane(const struct dist *d)
{
    const double mean = d->kind == DIST_NONE ? 0 : dist_mean(d);

    return isfinite(mean) && mean > 0 && mean < 1e9 &&
           (d->kind == DIST_EMPIRICAL ? d->count > 0 : d->b > 0);
}

err_t
design_check(const struct design_input *in, struct err *err)
{
    const size_t cells = in->group_count * in->class_count;

    if (in->group_count == 0 || in->class_count == 0 || in->stratum_count == 0)
        return err_at(err, ERR_INVALID, "$", DESIGN_EMPTY, "no groups, insurance kinds or people");
    if (in->group_count > DESIGN_GROUPS_MAX || in->class_count > DESIGN_CLASSES_MAX ||
        in->stratum_count > DESIGN_STRATA_MAX)
        return err_at(err, ERR_INVALID, "$", DESIGN_TOO_LARGE,
                      "at most %d groups, %d kinds of insurance and %d kinds of people",
                      DESIGN_GROUPS_MAX, DESIGN_CLASSES_MAX, DESIGN_STRATA_MAX);
    TRY(check_goals(&in->goals, err));
    for (size_t i = 0; i < in->group_count; i++) {
        const struct design_group *g = &in->groups[i];
        const bool weighed = in->goals.order == DESIGN_BY_COST || g->weight > 0;
        TRY(check_item(g->code && g->code[0], "groups", i, DESIGN_EMPTY, "no code", err));
        TRY(check_item(g->heavy > 0 && g->heavy <= 100, "groups", i, DESIGN_NUMBER,
                       "the weight towards heavy illness must be above 0 and at most 100", err));
        TRY(check_item(weighed && isfinite(g->weight), "groups", i, DESIGN_NUMBER,
                       "ordering by weight needs a weight for every group", err));
    }
    for (size_t i = 0; i < in->class_count; i++)
        TRY(check_item(is_amount(in->classes[i].threshold), "classes", i, DESIGN_NUMBER,
                       "the threshold is not an amount", err));
    for (size_t i = 0; i < in->stratum_count; i++) {
        const struct design_stratum *s = &in->strata[i];
        TRY(check_item(s->class < in->class_count, "strata", i, DESIGN_UNKNOWN_STRATUM,
                       "unknown kind of insurance", err));
        TRY(check_item(s->persons >= 0 && s->persons <= 1e8, "strata", i, DESIGN_NUMBER,
                       "persons must be 0 to 100 million", err));
    }
    for (size_t i = 0; i < in->stratum_count * in->group_count; i++)
        TRY(check_item(in->rates[i] >= 0 && in->rates[i] <= 10, "rates", i,
                       in->rates[i] < 0 ? DESIGN_NEGATIVE : DESIGN_NUMBER,
                       "admissions per person-year must be 0 to 10", err));
    for (size_t i = 0; i < cells; i++)
        TRY(check_item(dist_is_sane(&in->costs[i]), "costs", i, DESIGN_MISSING_COST,
                       "no distribution of own payments, or one without a finite mean", err));
    return ERR_OK;
}
