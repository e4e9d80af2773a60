/* forecast.c - where the year will end, from the claims so far (JS draft 9.1).
 *
 * Claims reported by now and claims still to come are independent given the year's factor Q, and
 * Gamma is conjugate to Poisson: after n claims where e were expected, Q ~ Gamma(r + n, r + e).  So
 * a bad year is learned from its own claims, and the rest is again negative binomial, exactly. */
#include "cells.h"

#include <math.h>

/* P(S > pool) needs the rest's distribution; a rest of this many expected claims is none. */
#define REST_CLAIMS_MIN 1e-12

static double
yuan_of(money_t amount)
{
    return (double) amount.fen / 100;
}

static err_t
check_so_far(const struct design_input *in, const struct forecast_so_far *f, struct err *err)
{
    double days = 0, share = 0;

    if (f->year_days < 1 || f->year_days > 400 || f->elapsed_days < 0 ||
        f->elapsed_days > f->year_days)
        return err_at(err, ERR_INVALID, "$.soFar.elapsedDays", DESIGN_SETTING,
                      "%lld days of a year of %lld", (long long) f->elapsed_days,
                      (long long) f->year_days);
    if (!(f->warn_at > 0 && f->warn_at <= f->alarm_at && f->alarm_at < 1))
        return err_at(err, ERR_INVALID, "$.soFar.warnAt", DESIGN_SETTING,
                      "0 < warn_at <= alarm_at < 1 must hold");
    if (f->lag_count > FORECAST_LAGS_MAX)
        return err_at(err, ERR_INVALID, "$.soFar.lags", DESIGN_TOO_LARGE, "at most %d lags",
                      FORECAST_LAGS_MAX);
    for (size_t i = 0; i < f->lag_count; i++) {
        if (!(f->lags[i].days > days) || !(f->lags[i].share >= share && f->lags[i].share <= 1))
            return err_at(err, ERR_INVALID, "$.soFar.lags", DESIGN_SETTING,
                          "lags must rise in days and in share, up to 1");
        days = f->lags[i].days;
        share = f->lags[i].share;
    }
    for (size_t g = 0; g < in->group_count; g++)
        if (f->claims[g] < 0 || f->paid[g].fen < 0 || f->paid[g].fen > MONEY_FEN_MAX / 10000)
            return err_at(err, ERR_INVALID, "$.soFar.claims", DESIGN_NEGATIVE,
                          "claims and payments of %s", in->groups[g].code);
    return ERR_OK;
}

/* Share of the admissions `age` days old whose papers are in: linear between the lags, 0 at age 0,
 * and complete after the last. */
static double
reported(const struct forecast_so_far *f, double age)
{
    double days = 0, share = 0;

    for (size_t i = 0; i < f->lag_count; i++) {
        const struct forecast_lag *lag = &f->lags[i];
        if (age < lag->days)
            return share + (lag->share - share) * (age - days) / (lag->days - days);
        days = lag->days;
        share = lag->share;
    }
    return 1;
}

/* Admissions come evenly over the year; summed in half-days, the middle of each. */
static double
reported_share(const struct forecast_so_far *f)
{
    double sum = 0;

    for (int64_t d = 0; d < 2 * f->elapsed_days; d++)
        sum += reported(f, (double) f->elapsed_days - ((double) d + 0.5) / 2);
    return sum / (2 * (double) f->year_days);
}

static err_t
rest_of_year(struct arena *arena, const struct cells *cells, const money_t *amounts,
             struct forecast *out, struct err *err)
{
    const struct design_goals *goals = &cells->in->goals;
    const double rest = 1 - out->reported_share;
    double expected = 0;
    struct portfolio p;

    double *yuans = arena_alloc(arena, cells->in->group_count * sizeof *yuans);
    if (!yuans)
        return err_set(err, ERR_LIMITED, DESIGN_MEMORY, "out of memory");
    for (size_t g = 0; g < cells->in->group_count; g++) {
        yuans[g] = yuan_of(amounts[g]);
        expected += cells->claims[g];
    }
    if (!cells_portfolio(arena, cells, yuans, &p))
        return err_set(err, ERR_LIMITED, DESIGN_MEMORY, "out of memory");
    p.cap = 0;
    out->expected_so_far = expected * out->reported_share;
    out->incidence_factor = 1;
    if (goals->dispersion > 0) {
        const double r = goals->dispersion;
        out->incidence_factor = (r + (double) out->claims) / (r + out->expected_so_far);
        p.dispersion = r + (double) out->claims;
    }
    p.rate_factor = rest * out->incidence_factor;
    if (p.rate_factor * expected < REST_CLAIMS_MIN)
        p.rate_factor = 0;
    return year_total(arena, &p, &out->rest, err);
}

static void
balances(const struct forecast_so_far *f, money_t pool, struct forecast *out)
{
    const double left = yuan_of(money_sub(pool, out->paid));
    const struct year_dist *d = &out->rest;

    out->rest_mean = d->mean;
    out->rest_sd = d->sd;
    out->balance_mean = left - d->mean;
    out->balance_p05 = left - year_quantile(d, 0.95);
    out->balance_p50 = left - year_quantile(d, 0.50);
    out->balance_p95 = left - year_quantile(d, 0.05);
    out->overspend = year_above(d, left);
    /* E[(S - left)+] is the sum of the tail above what is left. */
    if (left < 0)
        out->shortfall_mean = d->mean - left;
    else
        for (size_t i = 0; i < d->count; i++) {
            const double to = (double) (d->origin + i + 1) * d->lattice, from = to - d->lattice;
            if (to > left)
                out->shortfall_mean += d->above[i] * (to - (from > left ? from : left));
        }
    /* below the window everything is certain */
    if (left >= 0 && left < (double) d->origin * d->lattice)
        out->shortfall_mean += (double) d->origin * d->lattice - left;
    out->level = out->overspend >= f->alarm_at  ? FORECAST_ALARM
                 : out->overspend >= f->warn_at ? FORECAST_WARN
                                                : FORECAST_CALM;
}

err_t
design_forecast(struct arena *arena, const struct design_input *in, const money_t *amounts,
                const struct forecast_so_far *so_far, struct forecast *out, struct err *err)
{
    struct design_plan plan;
    struct forecast f = { 0 };
    struct cells cells;

    TRY(check_so_far(in, so_far, err));
    TRY(design_assess(arena, in, amounts, DESIGN_PREVIEW, &plan, err));
    for (size_t g = 0; g < in->group_count; g++) {
        f.claims += so_far->claims[g];
        f.paid = money_add(f.paid, so_far->paid[g]);
    }
    f.reported_share = reported_share(so_far);
    if (!cells_create(arena, in, plan.thresholds, &cells))
        return err_set(err, ERR_LIMITED, DESIGN_MEMORY, "out of memory");
    TRY(rest_of_year(arena, &cells, amounts, &f, err));
    balances(so_far, plan.pool, &f);
    *out = f;
    return ERR_OK;
}
