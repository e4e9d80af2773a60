/* figures.h - what a table means: payouts, risk, reach, relief.  Internal to the library. */
#ifndef HUZHU_PLAN_FIGURES_H
#define HUZHU_PLAN_FIGURES_H

#include "cells.h"

/* Share of the persons with at least one claim in the year. */
double figures_reach(const struct design_input *in, const money_t *thresholds);

/* raised, service_fee, pool, reserve and budget of the plan. */
void figures_pool(const struct design_goals *goals, struct design_plan *plan);

/* Everything else, from rows[].amount. */
err_t figures_fill(struct arena *arena, const struct cells *cells, enum design_depth depth,
                   struct design_plan *plan, struct err *err) MUST_CHECK;

#endif
