/* store.h - the nouns in and out of the schema coding; the only file that runs SQL is store.c. */
#ifndef HUZHU_CODING_STORE_H
#define HUZHU_CODING_STORE_H

#include "coding.h"

/* What a broken constraint means to a caller. */
static const struct db_constraint coding_constraints[] __attribute__((unused)) = {};

#endif
