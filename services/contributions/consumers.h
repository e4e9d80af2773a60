/* consumers.h - one function for each event of events.def. */
#ifndef HUZHU_CONTRIBUTIONS_CONSUMERS_H
#define HUZHU_CONTRIBUTIONS_CONSUMERS_H

#include "contributions.h"
#include "disbursement.pb-c.h"
#include "identity.pb-c.h"

#define EVENT(from, Type, type, fn) err_t fn(struct call *c, const Type *in) MUST_CHECK;
#include "events.def"
#undef EVENT

#endif
