/* gateway.h - the process: settings, what its loops share, start, reload and stop. */
#ifndef HUZHU_GATEWAY_GATEWAY_H
#define HUZHU_GATEWAY_GATEWAY_H

#include <stdio.h>

#include "backend.h"
#include "conf/conf.h"
#include "http.h"
#include "limit.h"
#include "public.h"
#include "route.h"
#include "session.h"
#include "site.h"

struct gateway_conf {
#define CONF(kind, name, ...) CONF_MEMBER_##kind name;
#include "conf.def"
#undef CONF
};
err_t gateway_conf_load(struct gateway_conf *conf, FILE *problems, struct err *err) MUST_CHECK;
/* For --check-config: tries what the settings name; all problems go to `problems`, a line each. */
bool gateway_conf_check(const struct gateway_conf *conf, FILE *problems) MUST_CHECK;
void gateway_conf_help(FILE *out);

struct loop;
struct tenants;

struct gateway {
    struct gateway_conf conf;
    struct http_limits http_limits;
    struct shapes *shapes;
    struct route *table;
    struct routes *routes;
    struct limiter *limiter;
    struct sessions *sessions;
    struct tenant_codes *tenant_codes;
    const struct shape *upload_shape;
    backend_make_fn *make_backend;
    void *make_backend_arg;
    struct text openapi;

    /* Replaced by a reload; guarded by the lock, loops take references when woken. */
    void *lock;
    void *tls;
    struct site *site;
    struct tenants *tenants;

    struct loop **loops;
    size_t loop_count;
    int port;         /* the one in use */
    int metrics_port; /* likewise */
    void *metrics;
    bool stopping;            /* atomic */
    int64_t connection_count; /* atomic */
};

struct gateway_parts {
    struct route *routes; /* NULL: routes.def */
    size_t route_count;
    backend_make_fn *make_backend; /* NULL: the bus */
    void *make_backend_arg;
};

/* Checks everything (keys, files, routes) and listens; no thread runs yet. */
err_t gateway_create(const struct gateway_conf *conf, const struct gateway_parts *parts,
                     struct gateway **gateway, struct err *err) MUST_CHECK;
err_t gateway_start(struct gateway *gateway, struct err *err) MUST_CHECK;
/* Certificates, static files, tenants: what is good is taken, what is not is logged and the old
 * kept. Returns what went wrong first. */
err_t gateway_reload(struct gateway *gateway, struct err *err);
/* Stops accepting, lets what is in flight finish (drain_timeout at most), joins the threads. */
void gateway_stop(struct gateway *gateway);
void gateway_destroy(struct gateway *gateway);

int gateway_main(int argc, char **argv);

/* Who a host name belongs to, for requests without a session. */
err_t tenants_load(const char *path, struct tenants **tenants, struct err *err) MUST_CHECK;
struct tenants *tenants_ref(struct tenants *tenants);
void tenants_unref(struct tenants *tenants);
DEFINE_OWNED(struct tenants, tenants_unref)
bool tenants_find(const struct tenants *tenants, struct slice host, uint8_t tenant[static 16]);

/* OpenAPI 3.1 of the routes. */
void openapi_write(const struct routes *routes, struct text *out);

/* Prometheus text. */
void metrics_write(struct gateway *gateway, struct text *out);
err_t metrics_start(struct gateway *gateway, struct err *err) MUST_CHECK;
void metrics_stop(struct gateway *gateway);

#endif
