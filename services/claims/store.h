/* store.h - the nouns in and out of the schema claims; the only file that runs SQL is store.c. */
#ifndef HUZHU_CLAIMS_STORE_H
#define HUZHU_CLAIMS_STORE_H

#include "claims.h"

/* What a broken constraint means to a caller. */
static const struct db_constraint claims_constraints[] __attribute__((unused)) = {};

#endif
