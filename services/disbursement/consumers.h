/* consumers.h - one function for each event of events.def. */
#ifndef HUZHU_DISBURSEMENT_CONSUMERS_H
#define HUZHU_DISBURSEMENT_CONSUMERS_H

#include "claims.pb-c.h"
#include "coding.pb-c.h"
#include "contributions.pb-c.h"
#include "disbursement.h"

#define EVENT(from, Type, type, fn) err_t fn(struct call *c, const Type *in) MUST_CHECK;
#include "events.def"
#undef EVENT

#endif
