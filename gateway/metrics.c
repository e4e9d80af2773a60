/* metrics.c - Prometheus text on a loopback port, by a thread of its own: one request at a time, no
 * keep-alive, nothing of the request looked at but that it ends. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway.h"
#include "loop.h"

struct metrics {
    struct gateway *gateway;
    pthread_t thread;
    int listen_fd, stop_fd;
};

#define SUM(gateway, member)                                                                       \
    ({                                                                                             \
        uint64_t sum_ = 0;                                                                         \
        for (size_t i_ = 0; i_ < (gateway)->loop_count; i_++)                                      \
            sum_ += __atomic_load_n(&(gateway)->loops[i_]->counters.member, __ATOMIC_RELAXED);     \
        sum_;                                                                                      \
    })

static void
counter(struct text *out, const char *name, const char *help, uint64_t value)
{
    text_printf(
        out, "# HELP huzhu_gateway_%s %s\n# TYPE huzhu_gateway_%s counter\nhuzhu_gateway_%s %llu\n",
        name, help, name, name, (unsigned long long) value);
}

static void
histogram(struct gateway *gateway, struct text *out)
{
    static const char *const bounds[] = { "0.001", "0.004", "0.016", "0.064",
                                          "0.256", "1.024", "4.096", "+Inf" };
    uint64_t sum = 0;

    TEXT_LITERAL(
        out, "# HELP huzhu_gateway_request_seconds time from a request's first byte to its answer\n"
             "# TYPE huzhu_gateway_request_seconds histogram\n");
    for (size_t b = 0; b < COUNT(bounds); b++) {
        sum += SUM(gateway, slow[b]);
        text_printf(out, "huzhu_gateway_request_seconds_bucket{le=\"%s\"} %llu\n", bounds[b],
                    (unsigned long long) sum);
    }
    text_printf(
        out, "huzhu_gateway_request_seconds_sum %.6f\nhuzhu_gateway_request_seconds_count %llu\n",
        (double) SUM(gateway, duration_us) / 1e6, (unsigned long long) sum);
}

void
metrics_write(struct gateway *gateway, struct text *out)
{
    size_t count;
    const struct route *routes = routes_all(gateway->routes, &count);

    TEXT_LITERAL(out, "# HELP huzhu_gateway_responses_total answers by class\n"
                      "# TYPE huzhu_gateway_responses_total counter\n");
    for (int c = 1; c <= 5; c++)
        text_printf(out, "huzhu_gateway_responses_total{class=\"%dxx\"} %llu\n", c,
                    (unsigned long long) SUM(gateway, by_class[c]));
    TEXT_LITERAL(out, "# HELP huzhu_gateway_route_requests_total requests by route\n"
                      "# TYPE huzhu_gateway_route_requests_total counter\n");
    for (size_t i = 0; i < count; i++)
        text_printf(out, "huzhu_gateway_route_requests_total{verb=\"%s\",route=\"%s\"} %llu\n",
                    verb_name(routes[i].verb), routes[i].path,
                    (unsigned long long) __atomic_load_n(&routes[i].count, __ATOMIC_RELAXED));
    histogram(gateway, out);
    counter(out, "bytes_out_total", "bytes of answers", SUM(gateway, bytes_out));
    counter(out, "accepted_total", "connections accepted", SUM(gateway, accepted));
    counter(out, "refused_total", "connections over a limit", SUM(gateway, refused));
    counter(out, "handshakes_failed_total", "TLS handshakes that failed",
            SUM(gateway, handshakes_failed));
    counter(out, "limited_total", "requests over a rate", SUM(gateway, limited));
    counter(out, "timed_out_total", "clients that were too slow", SUM(gateway, timed_out));
    counter(out, "rpc_sent_total", "requests put on the bus", SUM(gateway, rpc_sent));
    counter(out, "rpc_answered_total", "answers from the bus, parts included",
            SUM(gateway, rpc_answered));
    counter(out, "sessions_asked_total", "sessions resumed through identity",
            SUM(gateway, sessions_asked));
    text_printf(out,
                "# HELP huzhu_gateway_connections open connections\n# TYPE "
                "huzhu_gateway_connections gauge\n"
                "huzhu_gateway_connections %llu\n",
                (unsigned long long) SUM(gateway, connections));
}

static void
serve(struct metrics *metrics, int fd)
{
    const struct timeval patience = { 1, 0 };
    char request[2048];
    size_t used = 0;
    struct text body = { 0 }, head = { 0 };

    (void) setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void) setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    while (used < sizeof request && !memmem(request, used, "\r\n\r\n", 4)) {
        const ssize_t got = recv(fd, request + used, sizeof request - used, 0);
        if (got <= 0)
            return;
        used += (size_t) got;
    }
    metrics_write(metrics->gateway, &body);
    text_printf(&head,
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
                "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                body.used);
    text_add(&head, body.bytes, body.used);
    for (size_t sent = 0; sent < head.used;) {
        const ssize_t step = send(fd, head.bytes + sent, head.used - sent, MSG_NOSIGNAL);
        if (step <= 0)
            break;
        sent += (size_t) step;
    }
    text_free(&body);
    text_free(&head);
}

static void *
metrics_main(void *arg)
{
    struct metrics *metrics = arg;
    struct pollfd fds[2] = { { metrics->listen_fd, POLLIN, 0 }, { metrics->stop_fd, POLLIN, 0 } };

    for (;;) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            break;
        if (fds[1].revents)
            break;
        const int fd = accept4(metrics->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            serve(metrics, fd);
            (void) close(fd);
        }
    }
    return NULL;
}

static err_t
metrics_listen(struct metrics *metrics, int port, struct err *err)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t) port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    const int one = 1;

    metrics->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    metrics->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (metrics->listen_fd < 0 || metrics->stop_fd < 0 ||
        setsockopt(metrics->listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(metrics->listen_fd, (struct sockaddr *) (void *) &address, sizeof address) != 0 ||
        listen(metrics->listen_fd, 16) != 0 ||
        getsockname(metrics->listen_fd, (struct sockaddr *) (void *) &address, &size) != 0)
        return err_set(err, ERR_UNAVAILABLE, "metrics.listen", "metrics port %d: %s", port,
                       strerror(errno));
    metrics->gateway->metrics_port = ntohs(address.sin_port);
    return ERR_OK;
}

err_t
metrics_start(struct gateway *gateway, struct err *err)
{
    if (gateway->conf.metrics_port == 0)
        return ERR_OK;
    struct metrics *metrics = calloc(1, sizeof *metrics);
    if (!metrics)
        return err_set(err, ERR_INTERNAL, "memory.out", "no memory for metrics");
    *metrics = (struct metrics){ .gateway = gateway, .listen_fd = -1, .stop_fd = -1 };
    err_t code = metrics_listen(metrics, (int) gateway->conf.metrics_port, err);
    if (code == ERR_OK && pthread_create(&metrics->thread, NULL, metrics_main, metrics) != 0)
        code = err_set(err, ERR_INTERNAL, "metrics.start", "cannot make a thread");
    if (code != ERR_OK) {
        if (metrics->listen_fd >= 0)
            (void) close(metrics->listen_fd);
        if (metrics->stop_fd >= 0)
            (void) close(metrics->stop_fd);
        free(metrics);
        return code;
    }
    gateway->metrics = metrics;
    return ERR_OK;
}

void
metrics_stop(struct gateway *gateway)
{
    struct metrics *metrics = gateway->metrics;
    const uint64_t one = 1;

    if (!metrics)
        return;
    (void) !write(metrics->stop_fd, &one, sizeof one);
    (void) pthread_join(metrics->thread, NULL);
    (void) close(metrics->listen_fd);
    (void) close(metrics->stop_fd);
    free(metrics);
    gateway->metrics = NULL;
}
