/* store.h - the nouns in and out of the schema disclosure; the only file that runs SQL is store.c.
 */
#ifndef HUZHU_DISCLOSURE_STORE_H
#define HUZHU_DISCLOSURE_STORE_H

#include "disclosure.h"

/* What a broken constraint means to a caller. */
static const struct db_constraint disclosure_constraints[] __attribute__((unused)) = {};

#endif
