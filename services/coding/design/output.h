/* output.h - the plan as table, figures and page; each a pure function of its arguments. */
#ifndef HUZHU_PLAN_OUTPUT_H
#define HUZHU_PLAN_OUTPUT_H

#include <stdio.h>

#include "input.h"

/* Tab-separated, by severity, heaviest first. */
void output_table(FILE *out, const struct input *in, const struct design_plan *plan);

/* JSON; false when memory is out.  Real numbers have nine significant digits, so that the last bits
 * of another machine's mathematics library do not show. */
bool output_figures(FILE *out, const struct input *in, const struct design_plan *plan) MUST_CHECK;
bool output_forecast(FILE *out, const struct input *in, const struct forecast *f) MUST_CHECK;
bool output_simulation(FILE *out, const struct simulation *s) MUST_CHECK;

/* The page for the meeting: self-contained HTML, plain Chinese first, English second. */
void page_plan(FILE *out, const struct input *in, const struct design_plan *plan);
void page_forecast(FILE *out, const struct input *in, const struct forecast *f);

/* "free", "lowest", "highest", "relief" and "budget", "overspend", "highest". */
const char *bound_name(enum design_bound bound);
const char *binding_name(enum design_binding binding);

#endif
