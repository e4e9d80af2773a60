/* runtime.c - what all threads of a service share, and what each has to itself. */
#include "svc/runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock/calendar.h"
#include "runtime_queries.h"

const struct conf_row runtime_conf_rows[] = {
#define CONF(kind, name, fallback, low, high, says)                                                \
    CONF_ROW(struct runtime_conf, kind, name, fallback, low, high, says)
#include "svc/conf.def"
#undef CONF
};
const size_t runtime_conf_row_count = COUNT(runtime_conf_rows);

const char *
runtime_url(const char *text, const char *from_file)
{
    return from_file && from_file[0] ? from_file : text ? text : "";
}

/* The constraints of the runtime's own tables go before the service's. */
static const struct db_constraint own_constraints[] = {
    { "reply_once", ERR_CONFLICT, "idempotency.seen", "the command has been done already" },
};

static bool
join_constraints(struct runtime *rt)
{
    const struct svc *svc = rt->svc;
    const size_t count = COUNT(own_constraints) + svc->constraint_count;

    rt->constraints = calloc(count, sizeof *rt->constraints);
    if (!rt->constraints)
        return false;
    memcpy(rt->constraints, own_constraints, sizeof own_constraints);
    if (svc->constraint_count > 0)
        memcpy(rt->constraints + COUNT(own_constraints), svc->constraints,
               svc->constraint_count * sizeof *svc->constraints);
    rt->db_conf.constraints = rt->constraints;
    rt->db_conf.constraint_count = count;
    return true;
}

static err_t
load_keys(struct runtime *rt, struct err *err)
{
    if (rt->conf.principal_keys && rt->conf.principal_keys[0])
        TRY(verifier_load(rt->conf.principal_keys, &rt->verifier, err));
    if (rt->conf.master_keys && rt->conf.master_keys[0])
        TRY(key_ring_load(rt->conf.master_keys, &rt->ring, err));
    return ERR_OK;
}

err_t
runtime_create(const struct svc *svc, const struct runtime_conf *conf, void *service_conf,
               struct runtime **out, struct err *err)
{
    OWNED(runtime_destroy) struct runtime *rt = calloc(1, sizeof *rt);

    if (!rt)
        return err_set(err, ERR_UNAVAILABLE, "runtime.memory", "out of memory");
    if (pthread_mutex_init(&rt->feed_lock, NULL) != 0)
        abort();
    rt->svc = svc;
    rt->conf = *conf;
    rt->service_conf = service_conf;
    if (!svc_is_complete(svc))
        return err_set(err, ERR_INTERNAL, "svc.incomplete",
                       "methods.def and the .proto of %s do not agree", svc->name);

    rt->metrics = metrics_create(svc);
    if (!rt->metrics || !join_constraints(rt))
        return err_set(err, ERR_UNAVAILABLE, "runtime.memory", "out of memory");
    rt->lists[0] = runtime_queries;
    rt->lists[1] = svc->statements;
    rt->db_conf.url = runtime_url(conf->database_url, conf->database_url_file);
    rt->db_conf.schema = svc->name;
    rt->db_conf.statements = rt->lists;
    TRY(load_keys(rt, err));
    if (conf->calendar_file && conf->calendar_file[0]) /* of the process, not of this runtime */
        TRY(calendar_load(conf->calendar_file, err));
    TRY(business_clock_open(conf->business_clock, &rt->clock, err));
    if (svc->start)
        TRY(svc->start(service_conf, &rt->state, err));
    rt->started = true;
    *out = TAKE(rt);
    return ERR_OK;
}

void
runtime_destroy(struct runtime *rt)
{
    if (!rt)
        return;
    if (rt->started && rt->svc->stop)
        rt->svc->stop(rt->state);
    db_close(rt->feed_db);
    verifier_destroy(rt->verifier);
    key_ring_destroy(rt->ring);
    business_clock_close(rt->clock);
    metrics_destroy(rt->metrics);
    free(rt->constraints);
    (void) pthread_mutex_destroy(&rt->feed_lock);
    free(rt);
}

err_t
svc_thread_create(struct runtime *rt, int wait_ms, struct svc_thread **out, struct err *err)
{
    OWNED(svc_thread_destroy) struct svc_thread *thread = calloc(1, sizeof *thread);

    if (thread)
        thread->arena = arena_create(CALL_ARENA_BYTES_MAX);
    if (!thread || !thread->arena)
        return err_set(err, ERR_UNAVAILABLE, "runtime.memory", "out of memory");
    thread->rt = rt;
    TRY(db_open(&rt->db_conf, wait_ms, &thread->db, err));
    *out = TAKE(thread);
    return ERR_OK;
}

void
svc_thread_destroy(struct svc_thread *thread)
{
    if (!thread)
        return;
    for (size_t i = 0; i < PRINCIPALS_CACHED; i++)
        free(thread->principals[i]);
    explicit_bzero(thread->keys, sizeof thread->keys);
    explicit_bzero(thread->evidence_keys, sizeof thread->evidence_keys);
    db_close(thread->db);
    arena_destroy(thread->arena);
    free(thread);
}
