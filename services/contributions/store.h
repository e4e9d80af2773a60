/* store.h - the nouns in and out of the schema contributions; the only file that runs SQL is
 * store.c. */
#ifndef HUZHU_CONTRIBUTIONS_STORE_H
#define HUZHU_CONTRIBUTIONS_STORE_H

#include "contributions.h"

/* What a broken constraint means to a caller. */
static const struct db_constraint contributions_constraints[] __attribute__((unused)) = {};

#endif
