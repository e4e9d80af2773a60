/* link.h - one DEALER connection from this process to one broker: shared by client and worker.
 *
 * A link is up while ZeroMQ holds a finished handshake (ZMQ_IMMEDIATE makes a DEALER writable just
 * then), so a killed broker is noticed at once; one that hangs is noticed because it leaves a
 * heartbeat unanswered for LINK_SILENCE_US.  Nothing is queued on a link that is down. */
#ifndef HUZHU_BUS_LINK_H
#define HUZHU_BUS_LINK_H

#include <zmq.h>

#include "bus/bundle.h"
#include "bus/bus.h"
#include "bus/bus_keys.h"
#include "bus/mdp.h"

enum { LINKS_MAX = 8, LINK_ENDPOINT_BYTES = 160 };
#define LINK_TICK_US INT64_C(20000) /* how often a link is looked at */
#define LINK_CONNECT_MS 1000
#define LINK_HEARTBEAT_US INT64_C(250000) /* how often it asks its broker */
/* Three heartbeats: one lost to a busy scheduler is no death, and the whole stays under a second.
 */
#define LINK_SILENCE_US INT64_C(750000)

struct link {
    void *socket;
    int fd;
    bool up;
    bool suspected, drained; /* overdue at the last look; read empty since then */
    bool bundles;            /* this broker reads bundles: it said so */
    bool lost;               /* what was held could not be sent */
    uint32_t epoch;   /* counts connections: an answer must go back over the one it came by */
    uint64_t session; /* what the broker calls this connection; 0: not heard yet */
    int64_t ping_us;  /* when the oldest unanswered heartbeat left; 0: none */
    int64_t next_ping_us;
    char endpoint[LINK_ENDPOINT_BYTES]; /* as libzmq wants it */
    bool curve;
    struct bundle out; /* held until link_flush() */
    zmq_msg_t in;      /* what was received last, and the frames of it that are still to be given */
    struct mdp_pieces pieces;
};

struct link_set {
    enum mdp_side side;
    void *context;
    char name[MDP_NAME_BYTES_MAX + 1];
    struct bus_key_pair own;
    char broker_key[BUS_KEY_TEXT_BYTES];
    struct link links[LINKS_MAX];
    size_t count;
    int epoll_fd; /* readable when any link is */
    int64_t last_tick_us;
};

enum link_event { LINK_SAME, LINK_CAME_UP, LINK_WENT_DOWN };

/* The set may be half-built after a failure; link_set_done() takes it as it is. */
err_t link_set_init(struct link_set *set, enum mdp_side side, const struct bus_conf *conf,
                    struct err *err) MUST_CHECK;
/* linger_ms: how long what was sent may still take to leave. */
void link_set_done(struct link_set *set, int linger_ms);

/* Notices comings and goings.  Call it behind link_recv() (an answered heartbeat may lie unread),
 * and link_ping() after what a new connection must hear first. */
enum link_event link_tick(struct link_set *set, struct link *link, int64_t now_us);
void link_ping(struct link_set *set, struct link *link, int64_t now_us);

/* The next frame of a link; false when there is none.  It lives until the next call.  What is no
 * frame for this side is dropped. */
bool link_recv(struct link_set *set, struct link *link, struct mdp_frame *frame);

/* Takes over *msg, to be sent by link_flush() at the latest; false (msg closed) when the link is
 * down.  What is found unsendable later takes the link down (LINK_WENT_DOWN at the next tick). */
bool link_send(struct link *link, zmq_msg_t *msg);
void link_flush(struct link *link);
void link_flush_all(struct link_set *set);
bool link_is_holding(const struct link_set *set);
/* Another broker speaks at the other end: what is held goes nowhere, what it reads is not known. */
void link_renew(struct link *link);
/* Sends at once, behind what is held. */
bool link_send_command(struct link_set *set, struct link *link, uint8_t command, uint64_t number,
                       const char *service);

/* Sleeps until a link has something to say or timeout_ms passed. */
bool link_wait(struct link_set *set, int64_t timeout_us);

/* Whether the links were looked at lately: asked for each message, so by the clock that costs next
 * to nothing and lags a few milliseconds. */
bool link_is_fresh(const struct link_set *set);

uint32_t link_up_count(const struct link_set *set);

/* For programs that open sockets of their own beside the bus (the benches): one per process. */
void *bus_context_get(void);
void bus_context_put(void);

#endif
