/* service.c - the contributions service as tables, made from its .def files; nothing else. */
#include "service.h"

#include "consumers.h"
#include "contributions.h"
#include "contributions_migrations.h"
#include "contributions_queries.h"
#include "handlers.h"
#include "store.h"

#define RPC(rpc, fn, roles, effect)                                                                \
    SVC_THUNK(fn, Contributions__##rpc##Request, Contributions__##rpc##Reply)
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
    CONF_ROW(struct contributions_conf, kind, name, fallback, low, high, says)
#include "conf.def"
#undef CONF
};

static const struct svc_duty duties[] = {
    { "close_windows", INT64_C(60) * 1000, contributions_close_windows },
};

const struct svc contributions_service = {
    .name = "contributions",
    .descriptor = &contributions__contributions__descriptor,
    .methods = methods,
    .method_count = COUNT(methods),
    .consumers = consumers,
    .consumer_count = COUNT(consumers),
    .statements = contributions_queries,
    .migrations = contributions_migrations,
    .migration_count = COUNT(contributions_migrations),
    .constraints = contributions_constraints,
    .constraint_count = COUNT(contributions_constraints),
    .duties = duties,
    .duty_count = COUNT(duties),
    .reasons = reasons,
    .reason_count = COUNT(reasons),
    .conf_rows = conf_rows,
    .conf_row_count = COUNT(conf_rows),
    .conf_size = sizeof(struct contributions_conf),
};
