/* duty.c - what a service does by itself, again and again; one replica at a time. */
#include <poll.h>
#include <stdlib.h>

#include "fault/fault.h"
#include "runtime_queries.h"
#include "svc/runtime.h"

/* A duty that runs longer than this has its transaction ended: it must work in portions.  Five
 * minutes, because a register of 500,000 people becomes true in one transaction, on a busy machine
 * too. */
#define DUTY_US_MAX (INT64_C(300) * US_PER_SECOND)
enum { DUTY_TICK_MS = 100 };

static err_t
purge_replies(struct call *c)
{
    const instant_t before = { c->wall.us - c->thread->rt->conf.reply_keep * 1000 };
    OWNED(rows_free) struct rows *rows = NULL;

    return db_query(c, &q_rt_reply_purge, &rows, P_INSTANT(before));
}

static const struct svc_duty own_duties[] = { { "purge_replies", INT64_C(600) * 1000,
                                                purge_replies } };

static err_t
duty_step(struct call *c, void *arg)
{
    const struct svc_duty *duty = arg;
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_rt_duty_lock, &rows, P_TEXT(duty->name)));
    if (!rows_bool(rows, 0, 0)) /* another replica is at it */
        return ERR_OK;
    return duty->run(c);
}

err_t
duty_run(struct svc_thread *thread, const struct svc_duty *duty, struct err *err)
{
    struct call c;
    int attempts = 0;

    assert(thread->is_duty);
    arena_reset(thread->arena);
    call_init(&c, thread);
    trace_take(&c, NULL);
    c.method = duty->name;
    fault_within(c.method);
    c.caller = c.service;
    c.roles |= (role_set_t) ROLE_SERVICE;
    c.whole_tenant = true;
    c.deadline_us = c.wall.us + DUTY_US_MAX;
    c.request_id = id_mint(c.wall);
    const struct tx_options options = { .deadline_us = c.deadline_us };
    const err_t code = call_in_tx(&c, &options, duty_step, (void *) duty, &attempts);

    metrics_add(thread->rt->metrics, code == ERR_OK ? METRIC_DUTY_RUNS : METRIC_DUTY_FAILED, 1);
    if (code != ERR_OK)
        LOG(WARNING, &c.log, "duty.failed", L_TEXT("duty", duty->name),
            L_TEXT("code", err_name(code)), L_TEXT("reason", c.err.reason),
            L_TEXT("text", c.err.text));
    *err = c.err;
    return code;
}

void *
duty_thread(void *arg)
{
    struct runtime *rt = arg;
    const size_t count = COUNT(own_duties) + rt->svc->duty_count;
    OWNED(svc_thread_destroy) struct svc_thread *thread = NULL;
    struct err err;
    int64_t due_us[64];

    assert(count <= COUNT(due_us));
    for (size_t i = 0; i < count; i++)
        due_us[i] = clock_monotonic_us();
    while (!atomic_load(&rt->stopping)) {
        if (!thread && svc_thread_create(rt, 0, &thread, &err) == ERR_OK)
            thread->is_duty = true;
        for (size_t i = 0; thread && i < count && !atomic_load(&rt->stopping); i++) {
            const struct svc_duty *duty =
                i < COUNT(own_duties) ? &own_duties[i] : &rt->svc->duties[i - COUNT(own_duties)];
            if (clock_monotonic_us() < due_us[i])
                continue;
            (void) duty_run(thread, duty, &err);
            due_us[i] = clock_monotonic_us() + duty->every_ms * 1000;
        }
        (void) poll(NULL, 0, DUTY_TICK_MS);
    }
    return NULL;
}
