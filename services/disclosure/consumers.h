/* consumers.h - one function for each event of events.def. */
#ifndef HUZHU_DISCLOSURE_CONSUMERS_H
#define HUZHU_DISCLOSURE_CONSUMERS_H

#include "claims.pb-c.h"
#include "coding.pb-c.h"
#include "contributions.pb-c.h"
#include "disbursement.pb-c.h"
#include "disclosure.h"
#include "identity.pb-c.h"

#define EVENT(from, Type, type, fn) err_t fn(struct call *c, const Type *in) MUST_CHECK;
#include "events.def"
#undef EVENT

#endif
