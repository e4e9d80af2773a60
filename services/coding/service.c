/* service.c - the coding service as tables, made from its .def files; nothing else. */
#include "service.h"

#include "coding.h"
#include "coding_migrations.h"
#include "coding_queries.h"
#include "consumers.h"
#include "handlers.h"
#include "schemes.h"
#include "store.h"

#define RPC(rpc, fn, roles, effect) SVC_THUNK(fn, Coding__##rpc##Request, Coding__##rpc##Reply)
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
#include "design/reasons.def"
#include "reasons.def"
#undef REASON
};

static const struct conf_row conf_rows[] = {
#define CONF(kind, name, fallback, low, high, says)                                                \
    CONF_ROW(struct coding_conf, kind, name, fallback, low, high, says)
#include "conf.def"
#undef CONF
};

static const struct svc_duty duties[] = {
    { "release_leases", 5000, coding_release_leases },
};

const struct svc coding_service = {
    .name = "coding",
    .descriptor = &coding__coding__descriptor,
    .methods = methods,
    .method_count = COUNT(methods),
    .consumers = consumers,
    .consumer_count = COUNT(consumers),
    .statements = coding_queries,
    .migrations = coding_migrations,
    .migration_count = COUNT(coding_migrations),
    .constraints = coding_constraints,
    .constraint_count = COUNT(coding_constraints),
    .reasons = reasons,
    .reason_count = COUNT(reasons),
    .conf_rows = conf_rows,
    .conf_row_count = COUNT(conf_rows),
    .conf_size = sizeof(struct coding_conf),
    .duties = duties,
    .duty_count = COUNT(duties),
    .start = schemes_start,
    .stop = schemes_stop,
};
