/* consumers.h - the one function for the events of events.def. */
#ifndef HUZHU_AUDIT_CONSUMERS_H
#define HUZHU_AUDIT_CONSUMERS_H

#include "audit.h"

err_t audit_on_event(struct call *c, const Bus__Event *in) MUST_CHECK;

#endif
