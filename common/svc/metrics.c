/* metrics.c - counters, and the loopback port that shows them.
 *
 * The port answers three fixed GETs to a scraper and a supervisor on the same host, one at a time:
 * plain sockets, no parser to speak of, no names of people. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "svc/runtime.h"

/* Upper bounds in microseconds; the last bucket is +Inf. */
static const int64_t bounds_us[] = { 250,   500,    1000,   2500,   5000,    10000,   25000,
                                     50000, 100000, 250000, 500000, 1000000, 2500000, 10000000 };
enum { BUCKETS = COUNT(bounds_us) + 1 };

struct method_metrics {
    atomic_int_fast64_t codes[ERR_COUNT];
    atomic_int_fast64_t buckets[BUCKETS];
    atomic_int_fast64_t sum_us;
};

/* How far a feed is behind its producer's log, by the wall clock. */
struct feed_metrics {
    const char *producer;
    atomic_int_fast64_t level_us;  /* when all that was there had been applied */
    atomic_int_fast64_t behind_us; /* since when it is not so; 0: it is */
};

struct metrics {
    atomic_int_fast64_t values[METRIC_COUNT];
    atomic_int_fast64_t queue_buckets[BUCKETS], queue_us;
    size_t feed_count;
    struct feed_metrics feeds[FEED_PRODUCERS_MAX];
    size_t method_count; /* the service's, the runtime's, and one for all unknown names */
    struct method_metrics methods[];
};

static const struct {
    const char *name, *type, *help;
} infos[METRIC_COUNT] = {
    [METRIC_RETRIES] = { "huzhu_retries_total", "counter", "transactions that ran again" },
    [METRIC_REPLAYS] = { "huzhu_replays_total", "counter",
                         "commands answered from a stored reply" },
    [METRIC_RECONNECTS] = { "huzhu_db_reconnects_total", "counter",
                            "connections to PostgreSQL made again" },
    [METRIC_FEED_APPLIED] = { "huzhu_feed_applied_total", "counter",
                              "events of other services applied" },
    [METRIC_FEED_PARKED] = { "huzhu_feed_parked_total", "counter", "events refused and parked" },
    [METRIC_FEED_FAILED] = { "huzhu_feed_failed_total", "counter",
                             "pulls that failed and will be repeated" },
    [METRIC_DUTY_RUNS] = { "huzhu_duty_runs_total", "counter", "duties done" },
    [METRIC_DUTY_FAILED] = { "huzhu_duty_failed_total", "counter", "duties that failed" },
    [METRIC_REFUSALS_UNRECORDED] = { "huzhu_refusals_unrecorded_total", "counter",
                                     "refusals beyond the budget of records" },
    [METRIC_BUSY] = { "huzhu_busy_threads", "gauge", "threads that run a request" },
    [METRIC_THREADS] = { "huzhu_worker_threads", "gauge", "worker threads" },
    [METRIC_CONNECTED] = { "huzhu_db_connections_up", "gauge",
                           "worker threads whose connection is up" },
    [METRIC_BUS_PENDING] = { "huzhu_bus_pending", "gauge",
                             "requests taken from the brokers and not answered" },
    [METRIC_BROKERS_ALIVE] = { "huzhu_bus_brokers_alive", "gauge",
                               "brokers that answer heartbeats" },
};

static struct feed_metrics *
feed_of(struct metrics *metrics, const char *producer)
{
    for (size_t i = 0; i < metrics->feed_count; i++)
        if (strcmp(metrics->feeds[i].producer, producer) == 0)
            return &metrics->feeds[i];
    return NULL;
}

void
metrics_feed_level(struct metrics *metrics, const char *producer, int64_t at_us)
{
    struct feed_metrics *feed = feed_of(metrics, producer);

    if (!feed)
        return;
    atomic_store_explicit(&feed->level_us, at_us, memory_order_relaxed);
    atomic_store_explicit(&feed->behind_us, 0, memory_order_relaxed);
}

void
metrics_feed_behind(struct metrics *metrics, const char *producer, int64_t since_us)
{
    struct feed_metrics *feed = feed_of(metrics, producer);

    if (!feed)
        return;
    if (since_us == 0) /* what waits cannot be read: nothing older than the last look, at least */
        since_us = atomic_load_explicit(&feed->behind_us, memory_order_relaxed);
    if (since_us == 0)
        since_us = atomic_load_explicit(&feed->level_us, memory_order_relaxed);
    atomic_store_explicit(&feed->behind_us, since_us, memory_order_relaxed);
}

struct metrics *
metrics_create(const struct svc *svc)
{
    const size_t count = svc->method_count + common_svc.method_count + 1;
    struct metrics *metrics = calloc(1, sizeof *metrics + count * sizeof metrics->methods[0]);

    if (!metrics)
        return NULL;
    metrics->method_count = count;
    for (size_t i = 0; i < svc->consumer_count; i++) {
        if (feed_of(metrics, svc->consumers[i].from))
            continue;
        assert(metrics->feed_count < FEED_PRODUCERS_MAX);
        struct feed_metrics *feed = &metrics->feeds[metrics->feed_count++];
        feed->producer = svc->consumers[i].from;
        metrics_feed_level(metrics, feed->producer, clock_now().us);
        metrics_feed_behind(metrics, feed->producer, 0); /* nothing is known yet */
    }
    return metrics;
}

void
metrics_destroy(struct metrics *metrics)
{
    free(metrics);
}

void
metrics_add(struct metrics *metrics, enum metric metric, int64_t n)
{
    (void) atomic_fetch_add_explicit(&metrics->values[metric], n, memory_order_relaxed);
}

void
metrics_set(struct metrics *metrics, enum metric metric, int64_t n)
{
    atomic_store_explicit(&metrics->values[metric], n, memory_order_relaxed);
}

static void
count_one(atomic_int_fast64_t *counter, int64_t n)
{
    (void) atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static size_t
bucket_of(int64_t us)
{
    size_t bucket = 0;

    while (bucket < COUNT(bounds_us) && us > bounds_us[bucket])
        bucket++;
    return bucket;
}

void
metrics_call(struct metrics *metrics, const struct svc *svc, const char *rpc, err_t code,
             int64_t us)
{
    size_t i;

    /* A name is a label: names that callers invent are counted together. */
    if (!method_find(svc, rpc, &i)) {
        i = method_find(&common_svc, rpc, &i) ? svc->method_count + i : metrics->method_count - 1;
    }
    count_one(&metrics->methods[i].codes[code], 1);
    count_one(&metrics->methods[i].buckets[bucket_of(us)], 1);
    count_one(&metrics->methods[i].sum_us, us);
}

void
metrics_waited(struct metrics *metrics, int64_t us)
{
    count_one(&metrics->queue_buckets[bucket_of(us)], 1);
    count_one(&metrics->queue_us, us);
}

static int64_t
get(const atomic_int_fast64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

static const char *
method_name(const struct metrics *metrics, const struct svc *svc, size_t i)
{
    if (i < svc->method_count)
        return svc->methods[i].rpc;
    return i == metrics->method_count - 1 ? "unknown"
                                          : common_svc.methods[i - svc->method_count].rpc;
}

/* `label` is NAME="VALUE", or empty. */
static void
print_histogram(FILE *out, const char *name, const char *label,
                const atomic_int_fast64_t buckets[BUCKETS], int64_t sum_us)
{
    const char *comma = label[0] ? "," : "", *open = label[0] ? "{" : "",
               *close = label[0] ? "}" : "";
    int64_t below = 0;

    for (size_t b = 0; b < COUNT(bounds_us); b++) {
        below += get(&buckets[b]);
        (void) fprintf(out, "%s_bucket{%s%sle=\"%g\"} %" PRId64 "\n", name, label, comma,
                       (double) bounds_us[b] / 1e6, below);
    }
    below += get(&buckets[BUCKETS - 1]);
    (void) fprintf(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRId64 "\n", name, label, comma, below);
    (void) fprintf(out, "%s_sum%s%s%s %.6f\n", name, open, label, close, (double) sum_us / 1e6);
    (void) fprintf(out, "%s_count%s%s%s %" PRId64 "\n", name, open, label, close, below);
}

static void
print_methods(FILE *out, const struct metrics *metrics, const struct svc *svc)
{
    (void) fputs("# HELP huzhu_requests_total requests by rpc and outcome\n"
                 "# TYPE huzhu_requests_total counter\n",
                 out);
    for (size_t i = 0; i < metrics->method_count; i++) {
        for (int code = 0; code < ERR_COUNT; code++) {
            const int64_t n = get(&metrics->methods[i].codes[code]);
            if (n > 0 || code == ERR_OK)
                (void) fprintf(out, "huzhu_requests_total{rpc=\"%s\",code=\"%s\"} %" PRId64 "\n",
                               method_name(metrics, svc, i), err_name((err_t) code), n);
        }
    }
    (void) fputs("# HELP huzhu_request_seconds time from envelope to answer\n"
                 "# TYPE huzhu_request_seconds histogram\n",
                 out);
    for (size_t i = 0; i < metrics->method_count; i++) {
        const struct method_metrics *m = &metrics->methods[i];
        char label[96];
        (void) snprintf(label, sizeof label, "rpc=\"%s\"", method_name(metrics, svc, i));
        print_histogram(out, "huzhu_request_seconds", label, m->buckets, get(&m->sum_us));
    }
}

static void
print_queue_and_feeds(FILE *out, const struct metrics *metrics)
{
    const int64_t now_us = clock_now().us;

    (void) fputs("# HELP huzhu_queue_seconds time from a request's way onto the bus to its turn\n"
                 "# TYPE huzhu_queue_seconds histogram\n",
                 out);
    print_histogram(out, "huzhu_queue_seconds", "", metrics->queue_buckets,
                    get(&metrics->queue_us));
    if (metrics->feed_count > 0)
        (void) fputs("# HELP huzhu_feed_lag_seconds age of the oldest event not yet applied; "
                     "while none can be read, time since the log was last level\n"
                     "# TYPE huzhu_feed_lag_seconds gauge\n",
                     out);
    for (size_t i = 0; i < metrics->feed_count; i++) {
        const int64_t behind_us = get(&metrics->feeds[i].behind_us);
        const int64_t lag_us = behind_us == 0 || behind_us > now_us ? 0 : now_us - behind_us;
        (void) fprintf(out, "huzhu_feed_lag_seconds{from=\"%s\"} %.6f\n",
                       metrics->feeds[i].producer, (double) lag_us / 1e6);
    }
}

char *
metrics_print(struct metrics *metrics, const struct svc *svc)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        const int64_t n = get(&metrics->values[i]);
        (void) fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", infos[i].name, infos[i].help,
                       infos[i].name, infos[i].type);
        (void) fprintf(out, "%s %" PRId64 "\n", infos[i].name, n);
    }
    print_queue_and_feeds(out, metrics);
    print_methods(out, metrics, svc);
    (void) fclose(out);
    return text;
}

/* --- the port --- */

enum { REQUEST_BYTES_MAX = 4096, CLIENT_WAIT_MS = 1000 };

static void
send_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        const ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        bytes += n;
        size -= (size_t) n;
    }
}

static void
reply(int fd, const char *status, const char *body)
{
    char head[160];
    const int size = snprintf(head, sizeof head,
                              "HTTP/1.1 %s\r\nContent-Type: text/plain; version=0.0.4\r\n"
                              "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                              status, strlen(body));

    send_all(fd, head, (size_t) size);
    send_all(fd, body, strlen(body));
}

static void
answer(struct runtime *rt, int fd, const char *request)
{
    if (strncmp(request, "GET /metrics ", 13) == 0) {
        char *text = metrics_print(rt->metrics, rt->svc);
        reply(fd, text ? "200 OK" : "503 Service Unavailable", text ? text : "");
        free(text);
    } else if (strncmp(request, "GET /healthz ", 13) == 0) {
        reply(fd, "200 OK", "alive\n");
    } else if (strncmp(request, "GET /readyz ", 12) == 0) {
        const bool ready = runtime_is_ready(rt);
        reply(fd, ready ? "200 OK" : "503 Service Unavailable", ready ? "ready\n" : "not ready\n");
    } else {
        reply(fd, "404 Not Found", "GET /metrics, /healthz or /readyz\n");
    }
}

static void
serve_client(struct runtime *rt, int fd)
{
    char request[REQUEST_BYTES_MAX + 1];
    size_t used = 0;
    const struct timeval wait = { CLIENT_WAIT_MS / 1000, 0 };

    (void) setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    (void) setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    while (used < REQUEST_BYTES_MAX) {
        const ssize_t n = recv(fd, request + used, REQUEST_BYTES_MAX - used, 0);
        if (n <= 0)
            return;
        used += (size_t) n;
        request[used] = '\0';
        if (strstr(request, "\r\n\r\n") || strstr(request, "\n\n"))
            break;
    }
    answer(rt, fd, request);
}

static int
listen_on(uint16_t port)
{
    const struct sockaddr_in address = { .sin_family = AF_INET,
                                         .sin_port = htons(port),
                                         .sin_addr = { htonl(INADDR_LOOPBACK) } };
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    if (fd < 0)
        return -1;
    (void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *) &address, sizeof address) != 0 || listen(fd, 16) != 0) {
        (void) close(fd);
        return -1;
    }
    return fd;
}

void *
metrics_thread(void *arg)
{
    struct runtime *rt = arg;
    const int fd = listen_on((uint16_t) rt->conf.metrics_port);

    if (fd < 0) {
        LOG(ERROR, NULL, "metrics.unavailable", L_INT("port", rt->conf.metrics_port),
            L_TEXT("why", strerrordesc_np(errno)));
        return NULL;
    }
    while (!atomic_load(&rt->stopping)) {
        struct pollfd poller = { .fd = fd, .events = POLLIN };
        if (poll(&poller, 1, 200) <= 0)
            continue;
        const int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        if (client < 0)
            continue;
        serve_client(rt, client);
        (void) close(client);
    }
    (void) close(fd);
    return NULL;
}
