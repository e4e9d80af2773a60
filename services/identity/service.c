/* service.c - the identity service as tables, made from its .def files; nothing else. */
#include "service.h"

#include "commands.h"
#include "consumers.h"
#include "duties.h"
#include "handlers.h"
#include "identity.h"
#include "identity_migrations.h"
#include "identity_queries.h"
#include "state.h"
#include "store.h"

#define RPC(rpc, fn, roles, effect) SVC_THUNK(fn, Identity__##rpc##Request, Identity__##rpc##Reply)
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
    CONF_ROW(struct identity_conf, kind, name, fallback, low, high, says)
#include "conf.def"
#undef CONF
};

static const struct svc_duty duties[] = {
    { "tidy", INT64_C(600) * 1000, identity_tidy },
    { "disable_unused", INT64_C(3600) * 1000, identity_disable_unused },
    { "imports", INT64_C(200), identity_work_on_imports },
    { "end_grants", INT64_C(60) * 1000, identity_end_grants },
    { "describe_tenants", INT64_C(2) * 1000, identity_describe_tenants },
};

static const struct svc_command commands[] = {
    { "bootstrap", "makes the first three administrators of the platform or of a tenant",
      identity_bootstrap },
    { "rotate-keys", "makes a new key to sign principals; the old one is trusted until they expire",
      identity_rotate_keys },
};

const struct svc identity_service = {
    .name = "identity",
    .descriptor = &identity__identity__descriptor,
    .methods = methods,
    .method_count = COUNT(methods),
    .consumers = consumers,
    .consumer_count = COUNT(consumers),
    .statements = identity_queries,
    .migrations = identity_migrations,
    .migration_count = COUNT(identity_migrations),
    .constraints = identity_constraints,
    .constraint_count = COUNT(identity_constraints),
    .reasons = reasons,
    .reason_count = COUNT(reasons),
    .conf_rows = conf_rows,
    .conf_row_count = COUNT(conf_rows),
    .conf_size = sizeof(struct identity_conf),
    .duties = duties,
    .duty_count = COUNT(duties),
    .commands = commands,
    .command_count = COUNT(commands),
    .start = identity_start,
    .stop = identity_stop,
};
