/* input.h - the tables of a plan, from a folder or as texts; see README.md for the formats. */
#ifndef HUZHU_PLAN_INPUT_H
#define HUZHU_PLAN_INPUT_H

#include "design.h"
#include "table.h"

enum credibility_kind { CREDIBILITY_NONE, CREDIBILITY_OWN, CREDIBILITY_BLENDED, CREDIBILITY_PRIOR };

struct settings {
    struct design_goals goals;
    const char *title, *year, *own_unit;
    enum credibility_kind credibility;
    double prior_person_years;
};

/* One block of DRGs whose incidence was moved towards the unit's own experience. */
struct block {
    const char *code; /* a prefix of DRG codes */
    double regional, own, collective, z, blended, factor;
};

struct input {
    struct settings settings;
    struct design_input design;
    struct block *blocks;
    size_t block_count;
};

err_t input_read(struct arena *arena, const struct source *source, struct input *out,
                 struct err *err) MUST_CHECK;

/* The amounts of a plan: a table with at least the columns drg and amount. */
err_t input_read_plan(struct arena *arena, const struct source *source, const char *file,
                      const struct design_input *in, money_t **amounts, struct err *err) MUST_CHECK;

/* so_far.tsv, year.tsv and lags.tsv of the source. */
err_t input_read_so_far(struct arena *arena, const struct source *source,
                        const struct design_input *in, struct forecast_so_far *out,
                        struct err *err) MUST_CHECK;

#endif
