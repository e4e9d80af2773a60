/* service.c - the disbursement service as tables, made from its .def files; nothing else. */
#include "service.h"

#include "consumers.h"
#include "disbursement.h"
#include "disbursement_migrations.h"
#include "disbursement_queries.h"
#include "handlers.h"
#include "state.h"
#include "store.h"

#define RPC(rpc, fn, roles, effect)                                                                \
    SVC_THUNK(fn, Disbursement__##rpc##Request, Disbursement__##rpc##Reply)
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
    CONF_ROW(struct disbursement_conf, kind, name, fallback, low, high, says)
#include "conf.def"
#undef CONF
};

static const struct svc_duty duties[] = {
    { "prepare_lists", INT64_C(2) * 1000, disbursement_list_duty },
};

const struct svc disbursement_service = {
    .name = "disbursement",
    .descriptor = &disbursement__disbursement__descriptor,
    .methods = methods,
    .method_count = COUNT(methods),
    .consumers = consumers,
    .consumer_count = COUNT(consumers),
    .statements = disbursement_queries,
    .migrations = disbursement_migrations,
    .migration_count = COUNT(disbursement_migrations),
    .constraints = disbursement_constraints,
    .constraint_count = COUNT(disbursement_constraints),
    .duties = duties,
    .duty_count = COUNT(duties),
    .reasons = reasons,
    .reason_count = COUNT(reasons),
    .conf_rows = conf_rows,
    .conf_row_count = COUNT(conf_rows),
    .conf_size = sizeof(struct disbursement_conf),
    .start = disbursement_start,
    .stop = disbursement_stop,
};
