/* store.h - the nouns in and out of the schema coding; the only file that runs SQL is store.c. */
#ifndef HUZHU_CODING_STORE_H
#define HUZHU_CODING_STORE_H

#include "coding.h"

/* What a broken constraint means to a caller. */
static const struct db_constraint coding_constraints[] __attribute__((unused)) = {
    { "year_scheme_pkey", ERR_RACED, "scheme.raced", "two people named the year's scheme at once" },
};

/* Texts live in the request's arena.  ERR_REFUSED scheme.not_named when there is none. */
err_t year_scheme_get(struct call *c, uint32_t year, struct year_scheme *out) MUST_CHECK;
/* The same FOR UPDATE; *found says whether there is one. */
err_t year_scheme_lock(struct call *c, uint32_t year, bool *found,
                       struct year_scheme *out) MUST_CHECK;
err_t year_scheme_insert(struct call *c, const struct year_scheme *year_scheme) MUST_CHECK;
err_t year_scheme_update(struct call *c, const struct year_scheme *year_scheme) MUST_CHECK;

#endif
