/* service.c - the audit service as tables, made from its .def files; nothing else. */
#include "service.h"

#include "audit.h"
#include "audit_migrations.h"
#include "audit_queries.h"
#include "commands.h"
#include "consumers.h"
#include "handlers.h"
#include "state.h"
#include "store.h"
#include "tree.h"

#define RPC(rpc, fn, roles, effect) SVC_THUNK(fn, Audit__##rpc##Request, Audit__##rpc##Reply)
#include "methods.def"
#undef RPC

static const struct svc_method methods[] = {
#define RPC(rpc, fn, roles, effect) { #rpc, fn##_thunk, (role_set_t) (roles), SVC_##effect },
#include "methods.def"
#undef RPC
};

/* Every topic: the consumer reads the event itself. */
SVC_EVENT_THUNK(audit_on_event, Bus__Event)
static const struct svc_consumer consumers[] = {
#define EVENT(from, fn) { #from, NULL, fn##_thunk },
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
    CONF_ROW(struct audit_conf, kind, name, fallback, low, high, says)
#include "conf.def"
#undef CONF
};

static const struct svc_duty duties[] = {
    { "integrate", 1000, audit_integrate },
    { "check_catalogues", 10000, audit_check_catalogues },
};

static const struct svc_command commands[] = {
    { "export", "writes the log of a tenant to a file that verify can check anywhere",
      audit_export },
    { "verify", "rebuilds every log from its records and compares", audit_verify },
};

const struct svc audit_service = {
    .name = "audit",
    .descriptor = &audit__audit__descriptor,
    .methods = methods,
    .method_count = COUNT(methods),
    .consumers = consumers,
    .consumer_count = COUNT(consumers),
    .statements = audit_queries,
    .migrations = audit_migrations,
    .migration_count = COUNT(audit_migrations),
    .constraints = audit_constraints,
    .constraint_count = COUNT(audit_constraints),
    .reasons = reasons,
    .reason_count = COUNT(reasons),
    .conf_rows = conf_rows,
    .conf_row_count = COUNT(conf_rows),
    .conf_size = sizeof(struct audit_conf),
    .duties = duties,
    .duty_count = COUNT(duties),
    .commands = commands,
    .command_count = COUNT(commands),
    .start = audit_start,
    .stop = audit_stop,
};
