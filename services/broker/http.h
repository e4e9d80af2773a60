/* http.h - /metrics, /healthz and /readyz on a loopback port, for Prometheus and supervisors.
 *
 * Inside the broker's own loop: nothing blocks, HTTP_CLIENTS_MAX connections at once, each gets one
 * answer and is closed.  Not a web server: it reads the request line and no more. */
#ifndef HUZHU_BROKER_HTTP_H
#define HUZHU_BROKER_HTTP_H

#include <poll.h>

#include "err/err.h"

enum { HTTP_CLIENTS_MAX = 8, HTTP_FDS_MAX = HTTP_CLIENTS_MAX + 1 };

struct http;

/* Writes the metrics' text into out and returns its length; at most size. */
typedef size_t http_metrics_fn(void *arg, char *out, size_t size);

/* port 0: the kernel chooses one (http_port()). */
err_t http_create(uint16_t port, http_metrics_fn *metrics, void *arg, struct http **http,
                  struct err *err) MUST_CHECK;
void http_destroy(struct http *http);
DEFINE_OWNED(struct http, http_destroy)
uint16_t http_port(const struct http *http);

/* What to poll for, and serving it afterwards. */
size_t http_fds(const struct http *http, struct pollfd fds[static HTTP_FDS_MAX]);
void http_serve(struct http *http, int64_t now_us);

#endif
