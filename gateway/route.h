/* route.h - the public surface: routes.def, compiled at start into a tree over path segments.
 *
 * A template is made of literal segments and {fields} of the rpc's request, by their JSON names;
 * the last segment may end in :verb.  Compiling checks that each rpc and each field exists. */
#ifndef HUZHU_GATEWAY_ROUTE_H
#define HUZHU_GATEWAY_ROUTE_H

#include "http.h"
#include "transcode.h"

enum route_flag {
    ROUTE_ANONYMOUS = 1,   /* nobody need have signed in */
    ROUTE_SIGN_IN = 2,     /* the reply's session_token becomes the cookie, and leaves the body */
    ROUTE_SIGN_OUT = 4,    /* the cookie goes */
    ROUTE_RENEW = 8,       /* what the session may do changes: its cached principal is dropped */
    ROUTE_UPLOAD = 16,     /* the body is bytes, sent on in chunks */
    ROUTE_STREAM = 32,     /* the answer is bytes in parts, sent on as they come */
    ROUTE_FILE = 64,       /* the reply's content_type, file_name, body (and etag) are the answer */
    ROUTE_PUBLIC = 128,    /* below /p/{tenantCode}/: a tenant's pages, for everybody alike */
    ROUTE_UPLOAD_64 = 256, /* with ROUTE_UPLOAD: a register of up to 64 MiB */
};

#define ROUTE_PARAMS_MAX 4
#define ROUTES_MAX 1024

struct route {
    enum verb verb;
    const char *path;
    const char *service; /* the bus's name for it: "identity" */
    const char *rpc;
    const ProtobufCServiceDescriptor *descriptor;
    int status; /* of success */
    uint32_t flags;

    /* Filled in by routes_compile(). */
    const struct shape *in, *out;
    struct slice params[ROUTE_PARAMS_MAX];
    uint32_t param_count;
    uint32_t first_bound; /* params before this one are the gateway's own (tenantCode) */
    uint64_t count;       /* requests so far; relaxed atomic */
};

struct routes;
err_t routes_compile(struct route *table, size_t count, struct shapes *shapes,
                     struct routes **routes, struct err *err) MUST_CHECK;
void routes_destroy(struct routes *routes);
DEFINE_OWNED(struct routes, routes_destroy)

struct route_match {
    struct route *route;                   /* NULL: the path is there, the verb is not */
    struct slice values[ROUTE_PARAMS_MAX]; /* in the order of route->params */
    uint32_t allow;                        /* bits of enum verb the path takes; 0: no such path */
};
void route_find(const struct routes *routes, const struct http *http, struct route_match *match);

/* "GET, HEAD, OPTIONS" */
#define ALLOW_BYTES 64
void route_allow_text(uint32_t allow, char text[static ALLOW_BYTES]);

/* The table itself, for openapi.json and the metrics. */
const struct route *routes_all(const struct routes *routes, size_t *count);

/* routes.def as the gateway serves it; a copy, so that tests may add theirs. */
size_t routes_default(struct route *table, size_t room);

#endif
