/* store.h - the nouns in and out of the schema disbursement; the only file that runs SQL is
 * store.c. */
#ifndef HUZHU_DISBURSEMENT_STORE_H
#define HUZHU_DISBURSEMENT_STORE_H

#include "disbursement.h"

/* What a broken constraint means to a caller. */
static const struct db_constraint disbursement_constraints[] __attribute__((unused)) = {};

#endif
