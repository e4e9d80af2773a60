/* loop.h - one event loop: a thread, a listening socket, a bus client, connections.
 *
 * Everything in it belongs to its thread but `counters` (read by the metrics, relaxed) and what
 * gateway.h calls shared. */
#ifndef HUZHU_GATEWAY_LOOP_H
#define HUZHU_GATEWAY_LOOP_H

#include <pthread.h>

#include "backend.h"
#include "conn.h"
#include "gateway.h"

struct counters {
    uint64_t accepted, refused, requests, bytes_out, handshakes_failed;
    uint64_t by_class[6];          /* answers 1xx .. 5xx by their first digit */
    uint64_t duration_us, slow[8]; /* histogram: under 1, 4, 16, 64, 256, 1024, 4096 ms, more */
    uint64_t rpc_sent, rpc_answered, limited, timed_out, sessions_asked;
    uint64_t connections; /* now */
};
#define COUNT_UP(counter, n)                                                                       \
    __atomic_store_n(&(counter), (counter) + (uint64_t) (n), __ATOMIC_RELAXED)

/* Called with the answer of a ticket, again and again while answer->more. */
typedef void loop_answer_fn(struct loop *loop, void *arg, const Bus__Answer *answer);

struct listener {
    loop_answer_fn *done;
    void *arg;
};

struct pending {
    uint64_t ticket;
    struct listener listener;
    struct pending *next;
};

enum { PENDING_SLOTS = 1024, SERVICES = 7, RANDOM_BYTES = 4096, LOG_BYTES = 4096 };

struct health {
    int64_t checked_us;
    bool known, ok[SERVICES];
    int outstanding;
    struct conn *waiting[64]; /* more are told "busy" */
    size_t waiting_count;
};

/* What identity took away, as far as this process knows; of the first loop alone. */
struct revoked {
    int64_t asked_us, known_us; /* wall clock: the last question, the last that was answered */
    bool asking;
};

struct loop {
    struct gateway *gateway;
    int index;
    pthread_t thread;
    bool started;
    struct event_base *base;
    int listen_fd, wake_fd;
    struct event listen_event, tick_event, wake_event, bus_event;
    bool listening;
    struct backend *backend;

    struct pending *pending[PENDING_SLOTS]; /* by ticket */
    struct pending *spare_pending;
    size_t pending_count;

    struct conn *conns, *dead;
    struct call *spare_calls;
    size_t spare_call_count, body_bytes;

    /* What a reload changes: own references. */
    void *tls;
    struct site *site;
    struct tenants *tenants;

    int64_t now_us, wall_us; /* of the event that is being handled */
    int64_t date_second;
    char date[40]; /* "Date: ...\r\n" */
    size_t date_size;
    int ticks;
    bool stopping;
    int64_t stop_us;

    struct text head, body; /* scratch of the answer that is being made */
    struct text log;
    uint8_t random[RANDOM_BYTES];
    size_t random_used;
    char in[READ_BYTES];

    struct health health;
    struct revoked revoked;
    struct counters counters;
};

struct loop *loop_create(struct gateway *gateway, int index, int listen_fd,
                         struct err *err) MUST_CHECK;
void loop_destroy(struct loop *loop);
err_t loop_start(struct loop *loop, struct err *err) MUST_CHECK; /* its thread */
void
loop_wake(struct loop *loop); /* from any thread: look at the gateway's flags and shared things */
void loop_join(struct loop *loop);

/* --- for the loop's own thread --- */
void loop_clock(struct loop *loop);
void loop_reap(struct loop *loop);
void loop_random(struct loop *loop, void *out, size_t size);
void loop_conn_add(struct loop *loop, struct conn *conn);

/* Sends a request; the listener is called with every answer, the last of which (more = false) ends
 * it. */
err_t loop_send(struct loop *loop, const char *service, const Bus__Envelope *envelope,
                struct listener listener, uint64_t *ticket, struct err *err) MUST_CHECK;
void loop_cancel(struct loop *loop, uint64_t ticket);
/* Takes what answers are there. */
void loop_receive(struct loop *loop);

/* One line of the access log, and the counters. */
void access_log(struct conn *conn, int status, size_t bytes);
void access_flush(struct loop *loop);

/* /readyz: answers the connection now or when all services have been asked. */
void health_ready(struct conn *conn);
void health_forget(struct loop *loop, struct conn *conn);

/* Asks identity, once a second while sessions are kept, which of them are to be forgotten. */
void revoked_ask(struct loop *loop);

#endif
