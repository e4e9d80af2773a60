/* cells.h - what a group's claims cost one kind of insurance; the bridge between the inputs and the
 * distribution of the year.  Internal to the library. */
#ifndef HUZHU_PLAN_CELLS_H
#define HUZHU_PLAN_CELLS_H

#include "design.h"

/* One group within one insurance class. */
struct cell {
    const struct dist *cost;
    double threshold; /* yuan */
    double claims;    /* expected in the year */
    double qualifies; /* P(X >= threshold) */
    double lev;       /* E[min(X, threshold)] */
};

struct cells {
    const struct design_input *in;
    struct cell *cell;      /* [class][group] */
    double *stays, *claims; /* [group] */
    double *own;            /* [group] mean own payment of a claim; of a stay where none claims */
    double *excess;         /* [group] mean of what a claim exceeds its threshold by */
    double *all_costs;      /* [group] mean own payment of any stay */
};

bool cells_create(struct arena *arena, const struct design_input *in, const money_t *thresholds,
                  struct cells *out) MUST_CHECK;

/* E[payment of a claim] at this amount. */
double cell_payment(const struct cell *cell, double amount, bool limit_to_own);
/* The same, over the year, of a group in all classes. */
double cells_cost(const struct cells *cells, size_t group, double amount);

/* The portfolio of a table (amounts in yuan, multiples of step).  The rates per stratum are filled
 * only where there is a yearly cap. */
bool cells_portfolio(struct arena *arena, const struct cells *cells, const double *amounts,
                     struct portfolio *out) MUST_CHECK;

#endif
