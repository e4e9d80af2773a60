/* shape.h - from severities to amounts: order, monotone repair, scale, rounding.  Pure.
 * All arrays are in the order of severity (lightest first) unless said otherwise. */
#ifndef HUZHU_PLAN_SHAPE_H
#define HUZHU_PLAN_SHAPE_H

#include "base/base.h"

/* Weighted isotonic regression by pooling adjacent violators: fit[] is the non-decreasing sequence
 * closest to g[] in weighted squares.  Items of weight 0 do not pull: they are moved between their
 * fitted neighbours.  stack has n entries of scratch. */
struct pool {
    double value, weight;
    size_t count;
};
void shape_repair(const double *g, const double *weight, size_t n, struct pool *stack, double *fit);

/* Expected yearly cost of all claims of group i at this amount (yuan): non-decreasing, 0 at 0. */
typedef double shape_cost_f(const void *context, size_t i, double amount);

struct schedule {
    size_t n;
    const double *fit;     /* non-decreasing shape */
    double lowest;         /* of every group, yuan */
    const double *highest; /* [n] non-decreasing, >= lowest */
    double step;           /* rounding, yuan */
    const double *claims;  /* [n] expected; 0: costs nothing, moves nobody */
    shape_cost_f *cost;
    const void *context;
};

double schedule_amount(const struct schedule *s, size_t i, double scale); /* within the bounds */
double schedule_cost(const struct schedule *s, double scale);

/* The scale whose schedule costs `budget`; the cost is continuous and non-decreasing in it.
 * budget is at least the cost at scale 0; INFINITY when even the highest amounts cost less. */
double schedule_scale(const struct schedule *s, double budget);

/* Rounds the schedule at `scale` to steps: down, then up by one step in the order of the largest
 * remainder (the heavier group on a tie) while the budget lasts and the order is kept.  Groups of
 * equal amount move together.  steps[i] is the amount in steps; runs has n entries of scratch.
 * Returns the cost. */
struct run {
    size_t first, past;
    double remainder;
};
double schedule_round(const struct schedule *s, double scale, double budget, int64_t *steps,
                      bool *raised, struct run *runs);

#endif
