/* steps.h - what consumers and handlers of the archive share. */
#ifndef HUZHU_AUDIT_STEPS_H
#define HUZHU_AUDIT_STEPS_H

#include "audit.h"

/* Fills what follows from the kind, the programme and the place (year, fonds, retention, number),
 * files the item and tells of it.  keep_years and secrecy: never less than the kind's. */
err_t item_complete_and_file(struct call *c, struct item *item) MUST_CHECK;

#endif
