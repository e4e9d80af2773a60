/* http.c - a very small HTTP/1.0 answerer. */
#include "http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_BYTES_MAX = 2048, BODY_BYTES_MAX = 128 * 1024, HEAD_BYTES_MAX = 256 };
#define CLIENT_US_MAX INT64_C(2000000)

struct client {
    int fd; /* -1: free */
    int64_t since_us;
    size_t used;
    char request[REQUEST_BYTES_MAX];
};

struct http {
    int listener;
    uint16_t port;
    http_metrics_fn *metrics;
    void *arg;
    struct client clients[HTTP_CLIENTS_MAX];
    char answer[HEAD_BYTES_MAX + BODY_BYTES_MAX];
    char body[BODY_BYTES_MAX];
};

err_t
http_create(uint16_t port, http_metrics_fn *metrics, void *arg, struct http **http, struct err *err)
{
    OWNED(http_destroy) struct http *h = calloc(1, sizeof *h);
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(port),
                                   .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t size = sizeof address;
    const int on = 1;

    if (!h)
        return err_set(err, ERR_INTERNAL, "bus.no_memory", "memory is out");
    for (size_t i = 0; i < HTTP_CLIENTS_MAX; i++)
        h->clients[i].fd = -1;
    h->metrics = metrics;
    h->arg = arg;
    h->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (h->listener < 0 || setsockopt(h->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(h->listener, (const struct sockaddr *) &address, sizeof address) != 0 ||
        listen(h->listener, HTTP_CLIENTS_MAX) != 0 ||
        getsockname(h->listener, (struct sockaddr *) &address, &size) != 0)
        return err_set(err, ERR_INVALID, "broker.http", "cannot listen at 127.0.0.1:%u: %s", port,
                       strerror(errno));
    h->port = ntohs(address.sin_port);
    *http = TAKE(h);
    return ERR_OK;
}

static void
client_close(struct client *client)
{
    (void) close(client->fd);
    client->fd = -1;
}

void
http_destroy(struct http *http)
{
    if (!http)
        return;
    for (size_t i = 0; i < HTTP_CLIENTS_MAX; i++) {
        if (http->clients[i].fd >= 0)
            client_close(&http->clients[i]);
    }
    if (http->listener >= 0)
        (void) close(http->listener);
    free(http);
}

uint16_t
http_port(const struct http *http)
{
    return http->port;
}

size_t
http_fds(const struct http *http, struct pollfd fds[static HTTP_FDS_MAX])
{
    size_t count = 0;

    fds[count++] = (struct pollfd){ .fd = http->listener, .events = POLLIN };
    for (size_t i = 0; i < HTTP_CLIENTS_MAX; i++) {
        if (http->clients[i].fd >= 0)
            fds[count++] = (struct pollfd){ .fd = http->clients[i].fd, .events = POLLIN };
    }
    return count;
}

static void
respond(struct http *http, struct client *client)
{
    static const char ok[] = "{\"status\":\"ok\"}\n", unknown[] = "no such page\n";
    const char *request = client->request, *status = "200 OK", *type = "application/json";
    size_t size = 0;

    if (strncmp(request, "GET /metrics ", 13) == 0) {
        type = "text/plain; version=0.0.4";
        size = http->metrics(http->arg, http->body, sizeof http->body);
    } else if (strncmp(request, "GET /healthz ", 13) == 0 ||
               strncmp(request, "GET /readyz ", 12) == 0) {
        memcpy(http->body, ok, size = sizeof ok - 1);
    } else {
        status = "404 Not Found";
        type = "text/plain";
        memcpy(http->body, unknown, size = sizeof unknown - 1);
    }
    const int head = snprintf(http->answer, HEAD_BYTES_MAX,
                              "HTTP/1.0 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                              "Connection: close\r\n\r\n",
                              status, type, size);
    memcpy(http->answer + head, http->body, size);
    /* At most 128 KiB into an empty loopback buffer: what does not fit is a client that does not
     * read, and is cut. */
    (void) !send(client->fd, http->answer, (size_t) head + size, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void) shutdown(client->fd, SHUT_WR);
}

static void
client_serve(struct http *http, struct client *client, int64_t now_us)
{
    const size_t room = sizeof client->request - 1 - client->used;
    const ssize_t got = recv(client->fd, client->request + client->used, room, MSG_DONTWAIT);

    if (got > 0) {
        client->used += (size_t) got;
        client->request[client->used] = '\0';
        if (strstr(client->request, "\r\n\r\n")) {
            respond(http, client);
            client_close(client);
            return;
        }
    }
    if (got == 0 || client->used == sizeof client->request - 1 ||
        (got < 0 && errno != EAGAIN && errno != EINTR) || now_us - client->since_us > CLIENT_US_MAX)
        client_close(client);
}

void
http_serve(struct http *http, int64_t now_us)
{
    bool waiting = true;

    for (size_t i = 0; i < HTTP_CLIENTS_MAX; i++) {
        struct client *client = &http->clients[i];
        if (client->fd < 0 && waiting) {
            client->fd = accept4(http->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
            client->used = 0;
            client->since_us = now_us;
            waiting = client->fd >= 0;
        }
        if (client->fd >= 0)
            client_serve(http, client, now_us);
    }
}
