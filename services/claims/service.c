/* service.c - the claims service as tables, made from its .def files; nothing else. */
#include "service.h"

#include "claims.h"
#include "claims_migrations.h"
#include "claims_queries.h"
#include "consumers.h"
#include "handlers.h"
#include "store.h"

#define RPC(rpc, fn, roles, effect) SVC_THUNK(fn, Claims__##rpc##Request, Claims__##rpc##Reply)
#include "methods.def"
#undef RPC

static const struct svc_method methods[] = {
#define RPC(rpc, fn, roles, effect) { #rpc, fn##_thunk, (roles), SVC_##effect },
#include "methods.def"
#undef RPC
};

#define EVENT(from, Type, type, fn) SVC_EVENT_THUNK(fn, Type)
#include "events.def"
#undef EVENT

static const struct svc_consumer consumers[] = {
#define EVENT(from, Type, type, fn) { #from, &type##__descriptor, fn##_thunk },
#include "events.def"
#undef EVENT
};

static const struct svc_reason reasons[] = {
#define REASON(symbol, wire, says, zh) { wire, says, zh },
#include "reasons.def"
#undef REASON
};

static const struct conf_row conf_rows[] = {
#define CONF(kind, name, fallback, low, high, says)                                                \
    CONF_ROW(struct claims_conf, kind, name, fallback, low, high, says)
#include "conf.def"
#undef CONF
};

static const struct svc_duty duties[] = {
    { "purge_uploads", INT64_C(600) * 1000, claims_purge_uploads },
    { "recount_due_days", INT64_C(60) * 1000, claims_recount_due_days },
};

const struct svc claims_service = {
    .name = "claims",
    .descriptor = &claims__claims__descriptor,
    .methods = methods,
    .method_count = COUNT(methods),
    .consumers = consumers,
    .consumer_count = COUNT(consumers),
    .statements = claims_queries,
    .migrations = claims_migrations,
    .migration_count = COUNT(claims_migrations),
    .constraints = claims_constraints,
    .constraint_count = COUNT(claims_constraints),
    .duties = duties,
    .duty_count = COUNT(duties),
    .reasons = reasons,
    .reason_count = COUNT(reasons),
    .conf_rows = conf_rows,
    .conf_row_count = COUNT(conf_rows),
    .conf_size = sizeof(struct claims_conf),
};
