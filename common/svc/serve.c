/* serve.c - the threads of a serving process, from the first registration to the last answer. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime_migrations.h"
#include "svc/runtime.h"

enum { RECV_MS = 100, WORKER_THREADS_MAX = 64, SCHEMA_PAUSE_MS = 250 };

struct worker {
    pthread_t id;
    struct runtime *rt;
    bool started;
    err_t code; /* why it ended before it was told to */
};

bool
runtime_is_ready(struct runtime *rt)
{
    return atomic_load(&rt->threads_ready) == (int) rt->conf.worker_threads &&
           !atomic_load(&rt->stopping);
}

static void
answer_job(struct svc_thread *thread, struct bus_worker *bus, struct bus_job *job)
{
    Bus__Answer answer;
    struct err err;

    svc_thread_answer(thread, job->caller, job->envelope, &answer);
    if (bus_worker_answer_whole(bus, job, &answer, &err) != ERR_OK)
        LOG(WARNING, NULL, "answer.lost", L_TEXT("reason", err.reason), L_TEXT("text", err.text));
}

/* After SIGTERM: no more work is asked for, what is on its way is done, then it has been quiet. */
static void
drain(struct svc_thread *thread, struct bus_worker *bus)
{
    const int quiet_ms = (int) thread->rt->conf.drain_wait;
    struct bus_job job;

    bus_worker_drain(bus);
    while (bus_worker_recv(bus, quiet_ms, &job))
        answer_job(thread, bus, &job);
}

/* A thread's part of the gauges that all threads share. */
struct shares {
    bool up;
    uint32_t pending;
};

static void
tell_gauges(struct metrics *metrics, const struct bus_worker *bus, struct shares *last, bool up)
{
    const struct bus_stats stats = bus_worker_stats(bus);

    if (up != last->up)
        metrics_add(metrics, METRIC_CONNECTED, up ? 1 : -1);
    metrics_add(metrics, METRIC_BUS_PENDING, (int64_t) stats.pending - (int64_t) last->pending);
    metrics_set(metrics, METRIC_BROKERS_ALIVE, stats.brokers_alive);
    *last = (struct shares){ up, stats.pending };
}

static void
work(struct svc_thread *thread, struct bus_worker *bus)
{
    struct runtime *rt = thread->rt;
    struct shares shares = { .up = true };
    struct bus_job job;

    while (!atomic_load(&rt->stopping)) {
        if (bus_worker_recv(bus, RECV_MS, &job)) {
            tell_gauges(rt->metrics, bus, &shares, shares.up);
            answer_job(thread, bus, &job);
            tell_gauges(rt->metrics, bus, &shares, db_is_up(thread->db));
        } else {
            tell_gauges(rt->metrics, bus, &shares, db_revive(thread->db));
        }
    }
    drain(thread, bus);
}

static void *
worker_thread(void *arg)
{
    struct worker *worker = arg;
    struct runtime *rt = worker->rt;
    const struct bus_conf conf = { rt->conf.brokers, rt->svc->name, rt->conf.bus_key,
                                   rt->conf.broker_key };
    OWNED(svc_thread_destroy) struct svc_thread *thread = NULL;
    OWNED(bus_worker_destroy) struct bus_worker *bus = NULL;
    struct err err;

    worker->code = svc_thread_create(rt, (int) rt->conf.database_wait, &thread, &err);
    if (worker->code == ERR_OK)
        worker->code = bus_worker_create(&conf, (uint32_t) rt->conf.credit, &bus, &err);
    if (worker->code != ERR_OK) {
        LOG(ERROR, NULL, "worker.failed", L_TEXT("code", err_name(worker->code)),
            L_TEXT("reason", err.reason), L_TEXT("text", err.text));
        (void) kill(getpid(), SIGTERM); /* the process is of no use without it */
        return NULL;
    }
    metrics_add(rt->metrics, METRIC_CONNECTED, 1);
    (void) atomic_fetch_add(&rt->threads_ready, 1);
    work(thread, bus);
    return NULL;
}

/* The schema may be on its way (migrate runs beside us): wait for it. */
static err_t
wait_for_schema(struct runtime *rt, struct err *err)
{
    const struct db_conf conf = { .url = rt->db_conf.url, .schema = rt->svc->name };
    const int64_t give_up_us = clock_monotonic_us() + rt->conf.database_wait * 1000;
    OWNED(db_close) struct db *db = NULL;

    TRY(db_open(&conf, (int) rt->conf.database_wait, &db, err));
    for (;;) {
        err_t code = db_revive(db) ? db_schema_is_ready(db, runtime_migrations,
                                                        COUNT(runtime_migrations), err)
                                   : err_set(err, ERR_UNAVAILABLE, "db.away", "no database");
        if (code == ERR_OK)
            code = db_schema_is_ready(db, rt->svc->migrations, rt->svc->migration_count, err);
        if (code != ERR_UNAVAILABLE || clock_monotonic_us() > give_up_us)
            return code;
        (void) poll(NULL, 0, SCHEMA_PAUSE_MS);
    }
}

static bool
start_thread(pthread_t *id, void *(*run)(void *), void *arg)
{
    pthread_attr_t attr;
    bool started;

    /* Handlers live in arenas: a small stack keeps an idle service small. */
    if (pthread_attr_init(&attr) != 0)
        return false;
    (void) pthread_attr_setstacksize(&attr, (size_t) 512 * 1024);
    started = pthread_create(id, &attr, run, arg) == 0;
    (void) pthread_attr_destroy(&attr);
    return started;
}

static int
run_threads(struct runtime *rt, const sigset_t *signals)
{
    struct worker workers[WORKER_THREADS_MAX] = { 0 };
    pthread_t duties, feeds, port;
    const bool has_feeds = rt->svc->consumer_count > 0 && start_thread(&feeds, feed_thread, rt);
    const bool has_duties = start_thread(&duties, duty_thread, rt);
    const bool has_port = rt->conf.metrics_port > 0 && start_thread(&port, metrics_thread, rt);
    int signal_number = 0, status = EXIT_SUCCESS;

    metrics_set(rt->metrics, METRIC_THREADS, rt->conf.worker_threads);
    for (int64_t i = 0; i < rt->conf.worker_threads; i++) {
        workers[i].rt = rt;
        workers[i].started = start_thread(&workers[i].id, worker_thread, &workers[i]);
        if (!workers[i].started)
            (void) kill(getpid(), SIGTERM);
    }
    LOG(INFO, NULL, "service.started", L_TEXT("version", HUZHU_VERSION),
        L_INT("threads", rt->conf.worker_threads));
    (void) sigwait(signals, &signal_number);
    LOG(INFO, NULL, "service.draining", L_INT("signal", signal_number));
    atomic_store(&rt->stopping, true);

    for (int64_t i = 0; i < rt->conf.worker_threads; i++) {
        if (workers[i].started)
            (void) pthread_join(workers[i].id, NULL);
        if (!workers[i].started || workers[i].code != ERR_OK)
            status = EXIT_FAILURE;
    }
    if (has_feeds)
        (void) pthread_join(feeds, NULL);
    if (has_duties)
        (void) pthread_join(duties, NULL);
    if (has_port)
        (void) pthread_join(port, NULL);
    LOG(INFO, NULL, "service.left", L_INT("status", status));
    return status;
}

int
serve(struct runtime *rt)
{
    sigset_t signals;
    struct err err;

    (void) signal(SIGPIPE, SIG_IGN);
    (void) sigemptyset(&signals);
    (void) sigaddset(&signals, SIGTERM);
    (void) sigaddset(&signals, SIGINT);
    (void) pthread_sigmask(SIG_BLOCK, &signals, NULL); /* before threads: all inherit it */
    const err_t code = wait_for_schema(rt, &err);
    if (code != ERR_OK) {
        LOG(ERROR, NULL, "schema.not_ready", L_TEXT("code", err_name(code)),
            L_TEXT("reason", err.reason), L_TEXT("text", err.text));
        return EXIT_FAILURE;
    }
    return run_threads(rt, &signals);
}
