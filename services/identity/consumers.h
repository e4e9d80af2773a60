/* consumers.h - one function for each event of events.def. */
#ifndef HUZHU_IDENTITY_CONSUMERS_H
#define HUZHU_IDENTITY_CONSUMERS_H

#include "identity.h"

#define EVENT(from, Type, type, fn) err_t fn(struct call *c, const Type *in) MUST_CHECK;
#include "events.def"
#undef EVENT

#endif
