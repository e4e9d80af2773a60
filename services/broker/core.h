/* core.h - what the broker decides: frames in, frames out.  No socket, no clock, no log; one
 * thread.
 *
 * Everything outside happens through struct core_io, so unit tests and the fuzzer drive it without
 * a network.  A zmq_msg_t is used as what it is: a reference-counted buffer. */
#ifndef HUZHU_BROKER_CORE_H
#define HUZHU_BROKER_CORE_H

#include <zmq.h>

#include "bus/mdp.h"
#include "err/err.h"
#include "permissions.h"

struct core;

enum core_sent {
    CORE_SENT,
    CORE_GONE, /* that connection is no more */
    CORE_FULL, /* it does not read; this message is lost, and so is the peer */
};

/* Something that the table forbids: logged and audited by who owns the core. */
struct refusal {
    const char *kind;   /* "key.unknown", "worker.name", ...: core.c, zap.c */
    const char *name;   /* who it proved to be, or ""  */
    const char *key;    /* the proof: Z85 public key, or "uid 1000" */
    const char *peer;   /* network address, or "" */
    const char *detail; /* "coding wanted to be claims" */
};

struct core_io {
    void *arg;
    /* Takes the message whatever happens. `peer` is what core_receive() was told. */
    enum core_sent (*send)(void *arg, uint64_t peer, zmq_msg_t *msg);
    void (*refuse)(void *arg, const struct refusal *refusal);
    /* The last answer to a core_submit(). */
    void (*answered)(void *arg, uint64_t ticket, const uint8_t *answer, size_t size);
};

struct core_conf {
    uint32_t queue_count_max;  /* requests that wait, for each service */
    uint64_t queue_bytes_max;  /* their bytes, for each service */
    int64_t worker_silence_us; /* an idle worker that is silent for longer is gone */
    uint32_t peers_max, requests_max;
};

/* The table must outlive the core, or be replaced by core_set_permissions(). */
err_t core_create(const struct core_conf *conf, const struct core_io *io,
                  const struct permissions *permissions, struct core **core,
                  struct err *err) MUST_CHECK;
void core_destroy(struct core *core);
DEFINE_OWNED(struct core, core_destroy)

/* Both clocks, before anything that follows: deadlines come as wall clock instants. */
void core_set_time(struct core *core, int64_t monotonic_us, int64_t wall_us);

/* One message of a connection; user is what ZAP proved (permissions.h).  Takes the message. */
void core_receive(struct core *core, uint64_t peer, const char *user, zmq_msg_t *msg);

/* What is said to a peer that reads bundles is held until core_flush(): call it when there is
 * nothing more to receive, or core_held() is large.  Who cannot be reached is lost there. */
size_t core_held(const struct core *core); /* frames */
void core_flush(struct core *core);

/* Deadlines, silent peers.  Call it at least every CORE_TICK_US. */
#define CORE_TICK_US INT64_C(10000)
void core_tick(struct core *core);

/* Some connection closed: speaks to everyone, so that who is gone is found now. */
void core_probe(struct core *core);

/* From now on this table; whom it does not know is sent away. */
void core_set_permissions(struct core *core, const struct permissions *permissions);

/* A request of the broker itself. */
struct core_own {
    const char *service, *method;
    int64_t deadline_us; /* wall clock */
    uint64_t ticket;     /* comes back with the answer */
    const uint8_t *body; /* a packed envelope */
    size_t size;
};
err_t core_submit(struct core *core, const struct core_own *own, struct err *err) MUST_CHECK;

/* --- what the metrics show --- */

struct core_totals {
    uint64_t requests, answers, parts, redelivered, returned, refused, malformed, queue_full, late,
        lost;
    uint32_t peers, in_flight;
};
struct core_service {
    const char *name;
    uint64_t requests, answers, redelivered, returned, queue_full, late;
    uint32_t queued, workers, credit, in_hand;
    uint64_t queued_bytes;
    int64_t oldest_us; /* how long the first of the queue has waited */
};
struct core_totals core_totals(const struct core *core);
size_t core_service_count(const struct core *core);
struct core_service core_service(const struct core *core, size_t index);

#endif
