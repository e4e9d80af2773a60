/* consumers.c - what the audit service does when others tell of something: it keeps it. */
#include "consumers.h"

#include "rules.h"
#include "store.h"
#include "wire.h"

/* The cursor moves in this same transaction: a repeat never gets here. */
err_t
audit_on_event(struct call *c, const Bus__Event *in)
{
    struct record record;

    TRY(record_from_wire(c, in, &record));
    record.leaf = record_leaf(c->tenant, &record);
    TRY(record_append(c, &record));
    return archive_event(c, &record);
}
