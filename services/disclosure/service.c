/* service.c - the disclosure service as tables, made from its .def files; nothing else. */
#include "service.h"

#include "consumers.h"
#include "disclosure.h"
#include "disclosure_migrations.h"
#include "disclosure_queries.h"
#include "handlers.h"
#include "prepare.h"
#include "store.h"

#define RPC(rpc, fn, roles, effect)                                                                \
    SVC_THUNK(fn, Disclosure__##rpc##Request, Disclosure__##rpc##Reply)
#include "methods.def"
#undef RPC

static const struct svc_method methods[] = {
#define RPC(rpc, fn, roles, effect) { #rpc, fn##_thunk, (role_set_t) (roles), SVC_##effect },
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
    CONF_ROW(struct disclosure_conf, kind, name, fallback, low, high, says)
#include "conf.def"
#undef CONF
};

static const struct svc_duty duties[] = {
    { "take_down_expired", INT64_C(600) * 1000, disclosure_take_down_expired },
    { "prepare_payouts", INT64_C(600) * 1000, disclosure_prepare_payouts },
    { "watch_days", INT64_C(600) * 1000, disclosure_watch_days },
};

const struct svc disclosure_service = {
    .name = "disclosure",
    .descriptor = &disclosure__disclosure__descriptor,
    .methods = methods,
    .method_count = COUNT(methods),
    .consumers = consumers,
    .consumer_count = COUNT(consumers),
    .statements = disclosure_queries,
    .migrations = disclosure_migrations,
    .migration_count = COUNT(disclosure_migrations),
    .constraints = disclosure_constraints,
    .constraint_count = COUNT(disclosure_constraints),
    .duties = duties,
    .duty_count = COUNT(duties),
    .reasons = reasons,
    .reason_count = COUNT(reasons),
    .conf_rows = conf_rows,
    .conf_row_count = COUNT(conf_rows),
    .conf_size = sizeof(struct disclosure_conf),
};
