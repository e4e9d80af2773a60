/* routes.c - routes.def made a table; the only file that names the services' descriptors.  All
 * seven are here, so that a new rpc needs its row in routes.def and nothing else. */
#include "audit.pb-c.h"
#include "claims.pb-c.h"
#include "coding.pb-c.h"
#include "contributions.pb-c.h"
#include "disbursement.pb-c.h"
#include "disclosure.pb-c.h"
#include "identity.pb-c.h"
#include "route.h"

#define ROUTE_NONE 0
#define NONE ROUTE_NONE
#define ANONYMOUS ROUTE_ANONYMOUS
#define SIGN_IN ROUTE_SIGN_IN
#define SIGN_OUT ROUTE_SIGN_OUT
#define RENEW ROUTE_RENEW
#define UPLOAD ROUTE_UPLOAD
#define UPLOAD_64 (ROUTE_UPLOAD | ROUTE_UPLOAD_64)
#define STREAM ROUTE_STREAM
#define FILE ROUTE_FILE /* no stdio in here */
#define PUBLIC ROUTE_PUBLIC

static const struct route rows[] = {
#define ROUTE(verb_, path_, service_, rpc_, status_, flags_)                                       \
    { .verb = VERB_##verb_,                                                                        \
      .path = (path_),                                                                             \
      .service = #service_,                                                                        \
      .rpc = #rpc_,                                                                                \
      .descriptor = &service_##__##service_##__descriptor,                                         \
      .status = (status_),                                                                         \
      .flags = (flags_) },
#include "routes.def"
#undef ROUTE
};

size_t
routes_default(struct route *table, size_t room)
{
    size_t count = COUNT(rows) < room ? COUNT(rows) : room;

    for (size_t i = 0; i < count; i++)
        table[i] = rows[i];
    return count;
}
