/* bus.h - requests and answers over ZeroMQ: the only header that knows the bus exists.
 *
 * Framing is MDP/0.2 (RFC 18) with three extensions, specified in services/broker/README.md: a
 * credit in READY, a header frame (ticket, deadline) before the envelope, and the caller's proved
 * name in front of what a worker receives.  A socket belongs to the thread that created its object;
 * nothing here is shared between threads.
 *
 * Failover: a client and a worker know all brokers ("tcp://a:5550,tcp://b:5550" or ipc).  A worker
 * registers with each.  A client speaks to one and, when that one has been silent for longer than
 * its heartbeats allow, sends every unanswered request again through the next: writes carry an
 * idempotency key, so a repeat is answered from the stored reply. */
#ifndef HUZHU_BUS_H
#define HUZHU_BUS_H

#include "bus.pb-c.h"
#include "err/err.h"

#define BUS_ENVELOPE_BYTES_MAX ((size_t) 2 * 1024 * 1024) /* a body of 1 MiB and room */
#define BUS_CLIENT_PENDING_MAX 4096

struct bus_conf {
    const char *brokers;    /* comma-separated endpoints, at least one */
    const char *name;       /* who this process is: a row of the permission table */
    const char *key_file;   /* own CURVE key pair (bus_keys.h), "" only for ipc endpoints */
    const char *broker_key; /* file with the brokers' common public key; "" with key_file "" */
};

/* --- caller --- */

struct bus_client;
err_t bus_client_create(const struct bus_conf *conf, struct bus_client **client,
                        struct err *err) MUST_CHECK;
void bus_client_destroy(struct bus_client *client); /* pending requests are forgotten */
DEFINE_OWNED(struct bus_client, bus_client_destroy)

/* Queues one request; *ticket names its answers.  Never blocks.  ERR_UNAVAILABLE when
 * BUS_CLIENT_PENDING_MAX are unanswered; ERR_INVALID when it is too large. */
err_t bus_client_send(struct bus_client *client, const char *service, const Bus__Envelope *envelope,
                      uint64_t *ticket, struct err *err) MUST_CHECK;

/* The answers of a ticket come in order; the last has more = false.  A deadline that passes without
 * one is answered by the client itself with ERR_DEADLINE.  `answer` dies at the next call.
 * Returns false when nothing came within timeout_ms (0: do not wait). */
bool bus_client_recv(struct bus_client *client, int timeout_ms, uint64_t *ticket,
                     const Bus__Answer **answer);

/* For an event loop: readable means "call bus_client_recv(…, 0, …) until it returns false".  It is
 * edge-triggered: call it after every send too (libzmq's ZMQ_FD contract), and at least every
 * BUS_CLIENT_TICK_MS for deadlines and failover. */
#define BUS_CLIENT_TICK_MS 50
int bus_client_fd(const struct bus_client *client);

/* Gives up waiting for an answer (the HTTP client has gone). */
void bus_client_cancel(struct bus_client *client, uint64_t ticket);

/* One request and its single answer, waiting at most until the envelope's deadline.  Not to be
 * mixed with send/recv on one client.  Answers that are errors come back as the function's own
 * error. */
err_t bus_call(struct bus_client *client, const char *service, const Bus__Envelope *envelope,
               const Bus__Answer **answer, struct err *err) MUST_CHECK;

/* --- worker --- */

struct bus_worker;
/* credit: how many requests the brokers may send before the first is answered (1..1024, each
 * broker). */
err_t bus_worker_create(const struct bus_conf *conf, uint32_t credit, struct bus_worker **worker,
                        struct err *err) MUST_CHECK;
void bus_worker_destroy(struct bus_worker *worker);
DEFINE_OWNED(struct bus_worker, bus_worker_destroy)

/* One request on its way through a worker.  Dies with the last answer or bus_worker_destroy(). */
struct bus_job {
    const char *caller;            /* the process's proved name: "gateway", "audit" */
    const Bus__Envelope *envelope; /* lives as long as the job */
    int64_t deadline_us;
    void *route; /* the worker's own */
};

/* Sends heartbeats, re-registers with brokers that came back, and takes the next job.  false when
 * nothing came within timeout_ms.  Malformed envelopes are answered here. */
bool bus_worker_recv(struct bus_worker *worker, int timeout_ms, struct bus_job *job);

/* One answer (answer->more: a part; the job lives on). */
err_t bus_worker_answer(struct bus_worker *worker, struct bus_job *job, const Bus__Answer *answer,
                        struct err *err) MUST_CHECK;
/* A last answer of any size: in parts of BUS_PART_BYTES_MAX of its body when it must be, which who
 * asked joins again. */
#define BUS_PART_BYTES_MAX (BUS_ENVELOPE_BYTES_MAX - (size_t) 64 * 1024)
err_t bus_worker_answer_whole(struct bus_worker *worker, struct bus_job *job,
                              const Bus__Answer *answer, struct err *err) MUST_CHECK;

/* Tells the brokers to send no more; jobs in hand may still be answered.  Keep calling recv until
 * it has been quiet (requests may be on their way), then destroy. */
void bus_worker_drain(struct bus_worker *worker);

/* Answers waiting unread, unanswered jobs: for the metrics. */
struct bus_stats {
    uint64_t sent, received, resent, dropped;
    uint32_t pending, brokers_alive;
};
struct bus_stats bus_client_stats(const struct bus_client *client);
struct bus_stats bus_worker_stats(const struct bus_worker *worker);

/* err_t <-> the stable number on the wire (bus.proto Code). */
uint32_t bus_code_from_err(err_t code);
err_t bus_err_from_code(uint32_t code); /* an unknown number is ERR_INTERNAL */
/* Fills err from an answer that is an error; returns its code (ERR_OK for a success). */
err_t bus_answer_error(const Bus__Answer *answer, struct err *err);

#endif
