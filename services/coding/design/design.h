/* design.h - one-click plan design: a fixed subsidy for every DRG from people, pool and risk.
 *
 * Pure functions: inputs in, outputs out; no clock, no file, no environment, no randomness but the
 * stated seed.  Same input, same bits.  Everything returned lives in the caller's arena (a township
 * of 628 groups needs about 100 MiB while solving; DESIGN_ARENA_BYTES is safe for every input
 * within the limits below).  Money of the table is exact fen; probabilities and expected values
 * are doubles in yuan.  Method: README.md beside this file; source: requirements 002-11, 003-13,
 * JS draft 6.2.1 b and 9.1.
 *
 * Errors: ERR_INVALID (an input breaks a limit; err->path says which), ERR_REFUSED (the goals
 * cannot be met; the text says which binds and by how much), ERR_LIMITED (memory). */
#ifndef HUZHU_PLAN_DESIGN_H
#define HUZHU_PLAN_DESIGN_H

#include "err/err.h"
#include "money/money.h"
#include "severity.h"
#include "year.h"

#define DESIGN_ARENA_BYTES ((size_t) 4 << 30)
#define DESIGN_GROUPS_MAX 4000 /* CHS-DRG 3.0 has 634, city versions up to about 1,000 */
#define DESIGN_STRATA_MAX 400  /* 40 age bands, 2 sexes, 4 kinds of insurance leave room */
#define DESIGN_CLASSES_MAX 8
#define DESIGN_SIZES_MAX 20000 /* lattice points of the largest amount: 200,000 yuan in tens */

struct design_group {
    const char *code, *name;
    const char *parent; /* the printed DRG of a local sub-group, or "" */
    double weight;      /* relative weight (RW); 0: unknown, only when ordering by cost */
    double heavy;       /* weight towards heavy illness, > 0; usually 1 */
};

struct design_class {
    const char *name;  /* kind of basic insurance */
    money_t threshold; /* an own payment from here on qualifies */
};

struct design_stratum {
    const char *age, *sex;
    size_t class;   /* index into classes */
    double persons; /* whole, >= 0 */
};

enum design_order { DESIGN_BY_WEIGHT, DESIGN_BY_COST };

struct design_goals {
    /* the pool: received + counted share of pledged + carried over - outstanding - service fee */
    money_t received, pledged, carried_over, outstanding;
    rate_t pledged_counted;
    money_t service_fee;       /* a fixed fee, and */
    rate_t service_fee_rate;   /* a share of received + pledged */
    rate_t reserve_rate;       /* of received + pledged counted: not budgeted */
    money_t raised_per_person; /* sensitivity to participation; 0: all that is raised, per head */

    rate_t spend_share;    /* upper limit of the expected payout, of the pool */
    rate_t spend_at_least; /* refuse a table that spends less; 0: no such goal */
    double alpha;          /* P(payout > pool) at most; (0, 0.5] */
    double dispersion;     /* r of the yearly factor Gamma(r, 1/r); 0: none */

    money_t lowest, highest; /* per claim, multiples of step */
    money_t step;            /* rounding */
    money_t yearly_cap;      /* per person, a multiple of step; 0: none */
    bool limit_to_own;       /* pays min(amount, own payment) */
    rate_t relief_max;       /* amount / mean own payment of a claim; 0: no such goal */
    double gamma;            /* amount ~ mean excess over the threshold ^ gamma */
    enum design_order order;

    double reach_target;    /* share of persons with a claim; 0: thresholds stay as given */
    money_t threshold_step; /* by which thresholds are moved to meet it */
};

struct design_input {
    const struct design_group *groups;
    const struct design_class *classes;
    const struct design_stratum *strata;
    size_t group_count, class_count, stratum_count;
    const double *rates;      /* [stratum][group] admissions per person-year, >= 0 */
    const struct dist *costs; /* [class][group] own payment of one admission, yuan */
    struct design_goals goals;
};

enum design_depth {
    DESIGN_FULL,    /* everything */
    DESIGN_PREVIEW, /* the slider: table, moments and overspend probability only */
};

/* Why an amount is what it is. */
enum design_bound { BOUND_FREE, BOUND_LOWEST, BOUND_HIGHEST, BOUND_RELIEF };

struct design_row {
    money_t amount;
    double stays, claims; /* expected in the year */
    double typical;       /* mean own payment of a claim, yuan */
    double share;         /* expected payment of a claim / typical */
    double severity;      /* the key of the order */
    double shape;         /* before the repair of the order */
    double fitted;        /* after it */
    double exact;         /* scale * fitted within the bounds, yuan, before rounding */
    enum design_bound bound;
    bool raised; /* rounding went up */
    size_t rank; /* 0: the lightest group */
};

struct design_total {
    double mean, sd, p50, p95, p99, overspend; /* overspend = P(payout > pool) */
};

enum design_binding { BINDING_BUDGET, BINDING_OVERSPEND, BINDING_HIGHEST };

struct design_what_if {
    const char *name;
    money_t pool;
    struct design_total total;
};

#define DESIGN_WHAT_IFS 4
#define DESIGN_BANDS 5

struct design_band { /* claims by own payment above the threshold, yuan */
    double from, to, claims, paid, above, relief;
};

struct design_plan {
    struct design_row *rows; /* in the order of the input's groups */
    const size_t *order;     /* group indices by severity */
    money_t thresholds[DESIGN_CLASSES_MAX];
    money_t raised, service_fee, pool, reserve, budget;
    enum design_binding binding;
    double scale; /* amount per unit of shape */
    double persons, stays, claims;
    struct design_total total;
    double normal_power_overspend;      /* the quick approximation beside the exact figure */
    double reach_persons, reach_claims; /* share of persons helped; claims per person */
    double relief;                      /* paid / own payment above the threshold */
    double gini, theil;                 /* of the relief ratio over claims */
    double persons_over_cap;
    size_t at_lowest, at_highest;
    struct design_what_if what_ifs[DESIGN_WHAT_IFS];
    struct design_band bands[DESIGN_BANDS];
    struct year_dist year; /* the whole distribution */
    double check_gap;      /* Panjer against Fourier, largest difference */
    double check_lattice;  /* yuan, on which both were computed */
    size_t evaluations;
};

/* Every limit that the inputs must keep; solve calls it first. */
err_t design_check(const struct design_input *in, struct err *err) MUST_CHECK;

err_t design_solve(struct arena *arena, const struct design_input *in, enum design_depth depth,
                   struct design_plan *out, struct err *err) MUST_CHECK;

/* The figures of a given table (amounts in the order of the groups): the plan in force, last year's
 * or a hand-made one.  Refuses nothing; binding and scale are not set. */
err_t design_assess(struct arena *arena, const struct design_input *in, const money_t *amounts,
                    enum design_depth depth, struct design_plan *out, struct err *err) MUST_CHECK;

/* ---- the year under way (9.1) -----------------------------------------------------------------
 */

#define FORECAST_LAGS_MAX 16

struct forecast_lag { /* share of the admissions whose papers are in after so many days */
    double days, share;
};

struct forecast_so_far {
    int64_t year_days, elapsed_days;             /* 0 <= elapsed <= year */
    const int64_t *claims;                       /* [group] granted or pending so far */
    const money_t *paid;                         /* [group] paid or granted so far */
    struct forecast_lag lags[FORECAST_LAGS_MAX]; /* ascending; none: papers come at once */
    size_t lag_count;
    double warn_at, alarm_at; /* P(overspend) from which to warn */
};

enum forecast_level { FORECAST_CALM, FORECAST_WARN, FORECAST_ALARM };

struct forecast {
    double reported_share; /* of the year's claims, expected to be in by now */
    int64_t claims;        /* in so far */
    money_t paid;
    double expected_so_far;  /* claims that the plan expected by now */
    double incidence_factor; /* the year's factor given the claims so far; 1 without dispersion */
    double rest_mean, rest_sd;
    double balance_mean, balance_p05, balance_p50, balance_p95;
    double overspend, shortfall_mean; /* shortfall: E[(payout - pool)+] */
    enum forecast_level level;
    struct year_dist rest;
};

/* The yearly cap of persons is left out of the rest of the year: the forecast errs on the safe
 * side by what the cap would cut. */
err_t design_forecast(struct arena *arena, const struct design_input *in, const money_t *amounts,
                      const struct forecast_so_far *so_far, struct forecast *out,
                      struct err *err) MUST_CHECK;

/* ---- simulated years ---------------------------------------------------------------------------
 */

struct simulation {
    int64_t years, overspent;
    double mean, sd, mean_error; /* standard error of the mean */
    double p50, p95, p99;
    double overspend, overspend_error;
};

/* Plays the plan claim by claim: factor, admissions, own payments, thresholds, amounts, caps.
 * Shares nothing with the solver but the inputs. */
struct design_years {
    int64_t count; /* >= 1 */
    uint64_t seed;
};
err_t design_simulate(struct arena *arena, const struct design_input *in, const money_t *amounts,
                      struct design_years years, struct simulation *out,
                      struct err *err) MUST_CHECK;

/* ---- names, one list ---------------------------------------------------------------------------
 */

/* NOLINTNEXTLINE(bugprone-macro-parentheses): it is the name that is declared */
#define REASON(symbol, wire, english, chinese) extern const char symbol[];
#include "reasons.def"
#undef REASON

struct design_reason {
    const char *wire, *english, *chinese;
};
/* NULL: not one of ours. */
const struct design_reason *design_reason(const char *wire);

#endif
