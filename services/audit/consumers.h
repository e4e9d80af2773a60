/* consumers.h - the one function for the events of events.def. */
#ifndef HUZHU_AUDIT_CONSUMERS_H
#define HUZHU_AUDIT_CONSUMERS_H

#include "audit.h"

err_t audit_on_event(struct call *c, const Bus__Event *in) MUST_CHECK;

/* What the archive takes from an event whose record has just been appended. */
err_t archive_event(struct call *c, const struct record *record) MUST_CHECK;

#endif
