/* pair.c - one of our services against pgbench with the same statements: the same requests, from
 * the same state of the database, interleaved in one run. */
#include "pair.h"

#include <pthread.h>
#include <stdlib.h>

enum { CLIENTS = 4, GROUPS_MAX = 64, REPEATS_MAX = 15, SECONDS_MAX = 45 };

struct worker {
    const struct pair *pair;
    int from, until; /* groups */
    pthread_t thread;
};

static void *
work(void *arg)
{
    struct worker *worker = arg;
    struct caller *caller = caller_create();

    for (int g = worker->from; g < worker->until; g++)
        worker->pair->group(caller, g);
    caller_destroy(caller);
    return NULL;
}

/* Seconds that the callers took together. */
static double
run(const struct pair *pair, int clients)
{
    struct worker workers[CLIENTS];
    const double from = seconds_now();

    for (int k = 0; k < clients; k++) {
        workers[k] = (struct worker){ .pair = pair,
                                      .from = pair->groups * k / clients,
                                      .until = pair->groups * (k + 1) / clients };
        if (pthread_create(&workers[k].thread, NULL, work, &workers[k]) != 0)
            abort();
    }
    for (int k = 0; k < clients; k++)
        (void) pthread_join(workers[k].thread, NULL);
    return seconds_now() - from;
}

/* From a fresh copy of the loaded database, and the state that it leaves is looked at. */
static double
run_ours(const struct pair *pair, int clients)
{
    database_copy("huzhu", "bench_run");
    world_database("bench_run");
    const pid_t service = service_start(pair->service, clients, "1s");
    const double took = run(pair, clients);
    service_end(service);
    PGconn *sql = sql_open("bench_run");
    char *made = sql_ask(sql, "%s", pair->made);
    PQfinish(sql);
    if (strtol(made, NULL, 10) != pair->units) {
        (void) fprintf(stderr, "bench: %s %s instead of %d\n", made, pair->unit, pair->units);
        exit(1);
    }
    free(made);
    return took;
}

static double
run_theirs(const struct pair *pair, const struct capture *capture, int clients)
{
    size_t first[CLIENTS + 1];

    for (int k = 0; k <= clients; k++)
        first[k] = (size_t) (pair->groups * k / clients) * (size_t) pair->requests;
    database_copy("huzhu", "bench_run");
    const double took = capture_play(capture, "bench_run", clients, first);
    PGconn *sql = sql_open("bench_run");
    char *made = sql_ask(sql, "%s", pair->made);
    PQfinish(sql);
    if (strtol(made, NULL, 10) != pair->units) {
        (void) fprintf(stderr, "bench: pgbench made %s %s, not %d\n", made, pair->unit,
                       pair->units);
        exit(1);
    }
    free(made);
    return took;
}

static void
compare(const struct pair *pair, const struct capture *capture, int clients)
{
    double ours[REPEATS_MAX], theirs[REPEATS_MAX], ratio[REPEATS_MAX];
    const double from = seconds_now();
    int done = 0;

    /* On a busy machine fewer repeats rather than a longer wait. */
    for (int i = 0; i < pair->repeats && (i == 0 || seconds_now() - from < SECONDS_MAX); i++) {
        if (i % 2 == 1) /* neither is always the first */
            ours[i] = pair->units / run_ours(pair, clients);
        theirs[i] = pair->units / run_theirs(pair, capture, clients);
        if (i % 2 == 0)
            ours[i] = pair->units / run_ours(pair, clients);
        ratio[i] = ours[i] / theirs[i];
        done++;
    }
    const double middle = median_of(ratio, done);
    (void) printf("  %d at once: ours %.0f %s/s, pgbench %.0f %s/s: ratio median %.2f [%.2f..%.2f] "
                  "of %d\n",
                  clients, median_of(ours, done), pair->unit, median_of(theirs, done), pair->unit,
                  middle, ratio[0], ratio[done - 1], done);
    (void) fflush(stdout);
}

void
pair_run(const struct pair *pair)
{
    const size_t wanted = (size_t) pair->groups * (size_t) pair->requests;

    if (pair->repeats > REPEATS_MAX || pair->groups > GROUPS_MAX)
        abort();
    capture_begin(pair->service);
    (void) run_ours(pair, 1);
    struct capture *capture = capture_end(pair->service);
    if (capture_count(capture) != wanted) {
        (void) fprintf(stderr, "bench: %zu transactions for %zu requests\n", capture_count(capture),
                       wanted);
        exit(1);
    }
    (void) printf("%s: %d %s in %zu requests, %.1f statements each; through broker and process\n",
                  pair->title, pair->units, pair->unit, wanted,
                  (double) capture_statements(capture) / (double) wanted);
    compare(pair, capture, CLIENTS);
    capture_free(capture);
    world_database("huzhu");
}
