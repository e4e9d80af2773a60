/* steps.h - what several handlers, consumers and the list duty do alike. */
#ifndef HUZHU_DISBURSEMENT_STEPS_H
#define HUZHU_DISBURSEMENT_STEPS_H

#include <string.h>

#include "fault/fault.h"
#include "store.h"

/* A named place between two effects where a test lets the process die or the database go. */
static inline err_t
survives(struct call *c, const char *point)
{
    return fault_hit(point) ? err_set(&c->err, ERR_UNAVAILABLE, "db.away", "the database is away")
                            : ERR_OK;
}

static inline err_t
too_large(struct call *c)
{
    return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the reply needs too much memory");
}

/* The list of the month, made now if there is none; its programme is locked.  REFUSED "list.empty"
 * when nothing is decided. */
err_t list_prepare(struct call *c, struct id programme, date_t month, struct id by,
                   struct payout_list *list) MUST_CHECK;
/* Its next version: a line went back, or has another amount.  The list is locked. */
err_t list_change(struct call *c, struct payout_list *list, const char *why) MUST_CHECK;
/* Sets c->etag. */
void list_etag(struct call *c, const struct payout_list *list);

/* The caller is staff whose scope covers the village (a member's scope is no permission). */
bool covers_village(const struct call *c, struct id village);

#endif
