/* core.c - peers, services, requests, and the rules between them.
 *
 * A request is in exactly one place: the queue of its service, the work of one worker, or nowhere
 * (it ends).  The client's message is kept until the last answer; what it takes to send it again is
 * nothing but another reference to it. */
#include "core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus.pb-c.h"
#include "bus/bundle.h"
#include "bus/bus.h"
#include "id/id.h"
#include "list.h"

enum {
    SERVICES_MAX = 256, /* names of a table, and of the tables before it */
    PEER_BUCKETS = 4096,
    WHEEL_SLOTS = 1024, /* of CORE_TICK_US: one turn is ten seconds */
    DELIVERIES_MAX = 5, /* a request that outlives five workers may be what kills them */
    CREDIT_MAX = 1024,
    SLOT_BITS = 20,
};
#define DEADLINE_US_MAX (INT64_C(600) * 1000000)
#define ORPHAN_US INT64_C(60000000) /* how long a worker's credit waits for an unwanted answer */
#define CLIENT_SILENCE_US INT64_C(10000000)
#define NOBODY_US INT64_C(1000000) /* a service that restarts is back by then */

struct service {
    char name[MDP_NAME_BYTES_MAX + 1];
    struct node queue;   /* struct request.place */
    struct node ready;   /* struct peer.ready: credit left, least recently used first */
    struct node workers; /* struct peer.member */
    uint32_t worker_count, queued;
    uint64_t queued_bytes;
    uint64_t requests, answers, redelivered, returned, queue_full, late;
};

struct peer {
    uint64_t key, session;
    struct peer *next_in_bucket;
    struct node all;
    char user[PERMISSIONS_USER_BYTES];
    char address[64];
    const char *name; /* points into user */
    int64_t heard_us;
    struct node asked; /* struct request.by_client */
    bool bundles;      /* it reads bundles: it sent one */
    bool greeted;      /* it was told that we do */
    bool broken;       /* it cannot be reached: core_flush() loses it */
    struct bundle out;
    struct node dirty; /* something for core_flush() */
    /* as a worker: */
    struct service *service; /* NULL: it is none */
    uint32_t credit, in_hand;
    struct node ready, member;
    struct node work; /* struct request.place */
};

struct request {
    uint64_t number;     /* 0: free */
    struct peer *client; /* NULL: it is gone, or the request is the broker's own */
    uint64_t ticket;
    struct service *service;
    struct peer *worker; /* NULL: in the queue */
    zmq_msg_t msg;
    size_t size;
    int64_t expires_us, arrived_us, queued_us;
    uint32_t deliveries;
    uint32_t next_free;
    bool parted; /* the client has the first parts of an answer */
    bool orphan; /* nobody waits for the answer any more; the worker's credit does */
    bool own;
    struct node by_client, place, timer;
};

struct core {
    struct core_conf conf;
    struct core_io io;
    const struct permissions *permissions;
    int64_t now_us, wall_us, ticked_us, silence_checked_us;
    struct service services[SERVICES_MAX];
    size_t service_count;
    uint16_t service_buckets[2 * SERVICES_MAX]; /* index, plus 1 */
    struct node peers;                          /* struct peer.all */
    struct node dirty;                          /* struct peer.dirty */
    size_t held;                                /* frames in the bundles of all peers */
    struct peer *peer_buckets[PEER_BUCKETS];
    struct request **requests; /* by slot */
    uint32_t request_count, first_free;
    uint64_t number_count, session_next;
    struct node wheel[WHEEL_SLOTS]; /* struct request.timer */
    struct core_totals totals;
};

/* --- creation --- */

err_t
core_create(const struct core_conf *conf, const struct core_io *io,
            const struct permissions *permissions, struct core **core, struct err *err)
{
    struct core *c = calloc(1, sizeof *c);

    if (!c)
        return err_set(err, ERR_INTERNAL, "bus.no_memory", "memory is out");
    assert(conf->requests_max <= 1u << SLOT_BITS);
    c->conf = *conf;
    c->io = *io;
    c->permissions = permissions;
    c->first_free = UINT32_MAX;
    list_init(&c->peers);
    list_init(&c->dirty);
    for (size_t i = 0; i < WHEEL_SLOTS; i++)
        list_init(&c->wheel[i]);
    random_bytes(&c->session_next, sizeof c->session_next); /* another start is another broker */
    c->requests = calloc(conf->requests_max, sizeof(struct request *));
    if (!c->requests) {
        free(c);
        return err_set(err, ERR_INTERNAL, "bus.no_memory", "memory is out");
    }
    *core = c;
    return ERR_OK;
}

void
core_destroy(struct core *core)
{
    if (!core)
        return;
    for (uint32_t i = 0; i < core->request_count; i++) {
        if (core->requests[i]->number)
            (void) zmq_msg_close(&core->requests[i]->msg);
        free(core->requests[i]);
    }
    for (struct node *at = core->peers.next, *next; at != &core->peers; at = next) {
        next = at->next;
        bundle_clear(&NODE_OF(at, struct peer, all)->out);
        free(NODE_OF(at, struct peer, all));
    }
    free(core->requests);
    free(core);
}

void
core_set_time(struct core *core, int64_t monotonic_us, int64_t wall_us)
{
    core->now_us = monotonic_us;
    core->wall_us = wall_us;
    if (core->ticked_us == 0)
        core->ticked_us = core->silence_checked_us = monotonic_us;
}

/* --- services --- */

static struct service *
service_of(struct core *core, struct mdp_text name)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < name.size; i++)
        h = (h ^ (uint8_t) name.at[i]) * 16777619u;
    h %= COUNT(core->service_buckets);
    for (; core->service_buckets[h]; h = (h + 1) % COUNT(core->service_buckets)) {
        struct service *s = &core->services[core->service_buckets[h] - 1];
        if (mdp_text_is(name, s->name))
            return s;
    }
    if (core->service_count == SERVICES_MAX)
        return NULL;
    struct service *s = &core->services[core->service_count++];
    core->service_buckets[h] = (uint16_t) core->service_count;
    memcpy(s->name, name.at, name.size);
    list_init(&s->queue);
    list_init(&s->ready);
    list_init(&s->workers);
    return s;
}

/* --- sending --- */

/* Nothing that speaks to a peer may free it: core_flush() does. */
static void
note_dirty(struct core *core, struct peer *peer)
{
    if (list_is_empty(&peer->dirty))
        list_append(&core->dirty, &peer->dirty);
}

static void
post_now(struct core *core, struct peer *peer, zmq_msg_t *msg)
{
    if (core->io.send(core->io.arg, peer->key, msg) == CORE_SENT)
        return;
    core->totals.lost++;
    peer->broken = true;
    note_dirty(core, peer);
}

static void
flush_peer(struct core *core, struct peer *peer)
{
    zmq_msg_t msg;
    bool lost;

    core->held -= peer->out.count;
    if (bundle_take(&peer->out, &msg, &lost))
        post_now(core, peer, &msg);
    if (lost) { /* memory is out: it asks again, or another gets its work */
        peer->broken = true;
        note_dirty(core, peer);
    }
}

/* Takes the message. */
static void
post(struct core *core, struct peer *peer, zmq_msg_t *msg)
{
    if (peer->broken) {
        (void) zmq_msg_close(msg);
        return;
    }
    if (!peer->bundles || zmq_msg_size(msg) > BUNDLE_FRAME_BYTES_MAX) {
        flush_peer(core, peer);
        post_now(core, peer, msg);
        return;
    }
    if (!bundle_add(&peer->out, msg)) {
        flush_peer(core, peer);
        const bool added = bundle_add(&peer->out, msg);
        assert(added); /* an empty one has room */
    }
    core->held++;
    note_dirty(core, peer);
}

static enum core_sent
send_command(struct core *core, uint64_t peer, enum mdp_side side, uint8_t command, uint64_t number)
{
    const struct mdp_frame frame = { .side = side, .command = command, .number = number };
    zmq_msg_t msg;

    if (zmq_msg_init_size(&msg, MDP_HEAD_BYTES) != 0)
        return CORE_FULL;
    mdp_head_write(&frame, zmq_msg_data(&msg));
    return core->io.send(core->io.arg, peer, &msg);
}

/* An empty bundle: it tells a peer that reads them that we do; another drops it unread. */
static void
greet(struct core *core, struct peer *peer)
{
    zmq_msg_t msg;

    if (peer->greeted || zmq_msg_init_size(&msg, MDP_BUNDLE_HEAD_BYTES) != 0)
        return;
    mdp_bundle_head_write(zmq_msg_data(&msg));
    peer->greeted = core->io.send(core->io.arg, peer->key, &msg) == CORE_SENT;
}

/* The broker's own last answer to a client. */
static void
send_verdict(struct core *core, struct peer *peer, uint64_t ticket, const struct err *why)
{
    const struct mdp_frame frame = { .side = MDP_CLIENT, .command = MDP_C_FINAL, .number = ticket };
    Bus__Answer answer = BUS__ANSWER__INIT;
    zmq_msg_t msg;

    answer.code = bus_code_from_err(why->code);
    answer.reason = (char *) why->reason;
    answer.text = (char *) why->text;
    if (zmq_msg_init_size(&msg, MDP_HEAD_BYTES + bus__answer__get_packed_size(&answer)) != 0)
        return;
    mdp_head_write(&frame, zmq_msg_data(&msg));
    (void) bus__answer__pack(&answer, (uint8_t *) zmq_msg_data(&msg) + MDP_HEAD_BYTES);
    post(core, peer, &msg);
}

/* --- requests --- */

static struct request *
request_create(struct core *core)
{
    uint32_t slot = core->first_free;

    if (slot != UINT32_MAX) {
        core->first_free = core->requests[slot]->next_free;
    } else {
        struct request *fresh =
            core->request_count < core->conf.requests_max ? calloc(1, sizeof *fresh) : NULL;
        if (!fresh)
            return NULL;
        slot = core->request_count++;
        core->requests[slot] = fresh;
    }
    struct request *r = core->requests[slot];
    *r = (struct request){ .number = (++core->number_count << SLOT_BITS) | slot };
    list_init(&r->by_client);
    list_init(&r->place);
    list_init(&r->timer);
    core->totals.in_flight++;
    return r;
}

static struct request *
request_find(const struct core *core, uint64_t number)
{
    const uint64_t slot = number & ((1u << SLOT_BITS) - 1);

    if (number == 0 || slot >= core->request_count || core->requests[slot]->number != number)
        return NULL;
    return core->requests[slot];
}

static void
leave_queue(struct request *r)
{
    r->service->queued--;
    r->service->queued_bytes -= r->size;
    list_leave(&r->place);
}

static void
join_queue(const struct core *core, struct request *r, bool first)
{
    r->queued_us = core->now_us;
    r->service->queued++;
    r->service->queued_bytes += r->size;
    if (first)
        list_prepend(&r->service->queue, &r->place);
    else
        list_append(&r->service->queue, &r->place);
}

/* Offers the worker's credit again. */
static void
leave_worker(struct request *r)
{
    struct peer *worker = r->worker;

    assert(worker);
    list_leave(&r->place);
    r->worker = NULL;
    worker->in_hand--;
    if (worker->service && worker->in_hand < worker->credit && list_is_empty(&worker->ready))
        list_append(&worker->service->ready, &worker->ready);
}

static void
request_destroy(struct core *core, struct request *r)
{
    if (r->worker)
        leave_worker(r);
    else if (!list_is_empty(&r->place))
        leave_queue(r);
    list_leave(&r->by_client);
    list_leave(&r->timer);
    (void) zmq_msg_close(&r->msg);
    r->next_free = core->first_free;
    core->first_free = (uint32_t) (r->number & ((1u << SLOT_BITS) - 1));
    r->number = 0;
    core->totals.in_flight--;
}

static void
wheel_join(struct core *core, struct request *r, int64_t expires_us)
{
    r->expires_us = expires_us;
    list_leave(&r->timer);
    list_append(&core->wheel[(uint64_t) (expires_us / CORE_TICK_US) % WHEEL_SLOTS], &r->timer);
}

/* Tells who waits that there will be no answer from a worker. */
static void
answer_verdict(struct core *core, const struct request *r, err_t code, const char *reason,
               const char *text)
{
    struct err why;

    (void) err_set(&why, code, reason, "%s", text);
    if (r->client) {
        send_verdict(core, r->client, r->ticket, &why);
    } else if (r->own) {
        Bus__Answer answer = BUS__ANSWER__INIT;
        uint8_t packed[sizeof(struct err) + 32];
        answer.code = bus_code_from_err(code);
        answer.reason = why.reason;
        answer.text = why.text;
        core->io.answered(core->io.arg, r->ticket, packed, bus__answer__pack(&answer, packed));
    }
}

/* The client is answered or gone, the worker still works: its credit comes back with its answer. */
static void
abandon(struct core *core, struct request *r)
{
    if (!r->worker) {
        request_destroy(core, r);
        return;
    }
    list_leave(&r->by_client);
    r->client = NULL;
    r->own = false;
    r->orphan = true;
    (void) zmq_msg_close(&r->msg);
    (void) zmq_msg_init(&r->msg);
    wheel_join(core, r, core->now_us + ORPHAN_US);
}

/* --- workers --- */

/* Takes a worker out of its service; what it had in hand waits again, at the front, in its order.
 */
static void
worker_remove(struct core *core, struct peer *worker)
{
    if (!worker->service)
        return;
    list_leave(&worker->ready);
    list_leave(&worker->member);
    worker->service->worker_count--;
    worker->service = NULL;
    worker->credit = 0;
    while (!list_is_empty(&worker->work)) {
        struct request *r = NODE_OF(worker->work.before, struct request, place);
        leave_worker(r);
        if (r->orphan) {
            request_destroy(core, r);
        } else if (r->parted) {
            answer_verdict(core, r, ERR_UNAVAILABLE, "bus.stream_broken",
                           "the worker was lost in the middle of its answer");
            request_destroy(core, r);
        } else if (r->deliveries >= DELIVERIES_MAX) {
            answer_verdict(core, r, ERR_UNAVAILABLE, "bus.workers_lost",
                           "every worker that took the request was lost");
            request_destroy(core, r);
        } else {
            join_queue(core, r, true);
            r->service->redelivered++;
            core->totals.redelivered++;
        }
    }
}

static void
deliver(struct core *core, struct request *r, struct peer *worker)
{
    zmq_msg_t copy;

    (void) zmq_msg_init(&copy);
    (void) zmq_msg_copy(&copy, &r->msg); /* another reference: it cannot fail */
    leave_queue(r);
    r->worker = worker;
    r->deliveries++;
    list_append(&worker->work, &r->place);
    worker->in_hand++;
    list_leave(&worker->ready);
    if (worker->in_hand < worker->credit)
        list_append(&worker->service->ready, &worker->ready); /* now it is the most recently used */
    post(core, worker, &copy);
}

static void
dispatch(struct core *core, struct service *service)
{
    while (!list_is_empty(&service->queue) && !list_is_empty(&service->ready))
        deliver(core, NODE_OF(service->queue.next, struct request, place),
                NODE_OF(service->ready.next, struct peer, ready));
}

/* --- peers --- */

static struct peer **
bucket_of(struct core *core, uint64_t key)
{
    return &core->peer_buckets[(key ^ key >> 32) % PEER_BUCKETS];
}

static struct peer *
peer_find(struct core *core, uint64_t key)
{
    struct peer *peer = *bucket_of(core, key);

    while (peer && peer->key != key)
        peer = peer->next_in_bucket;
    return peer;
}

/* Its requests end, its work goes to others. */
static void
peer_lost(struct core *core, struct peer *peer)
{
    struct service *service = peer->service;
    struct peer **at = bucket_of(core, peer->key);

    while (*at != peer)
        at = &(*at)->next_in_bucket;
    *at = peer->next_in_bucket;
    list_leave(&peer->all);
    list_leave(&peer->dirty);
    core->held -= peer->out.count;
    bundle_clear(&peer->out);
    core->totals.peers--;
    while (!list_is_empty(&peer->asked))
        abandon(core, NODE_OF(peer->asked.next, struct request, by_client));
    worker_remove(core, peer);
    assert(list_is_empty(&peer->work));
    free(peer);
    if (service)
        dispatch(core, service);
}

static void
refuse(struct core *core, const struct peer *peer, const char *kind, const char *detail)
{
    char key[64] = "";

    /* "k/<Z85>/<name>" or "u/<uid>/<name>": the proof without the name. */
    (void) snprintf(key, sizeof key, "%s%.*s", peer->user[0] == 'u' ? "uid " : "",
                    (int) (peer->name - peer->user - 3), peer->user + 2);
    core->totals.refused++;
    core->io.refuse(core->io.arg,
                    &(struct refusal){ kind, peer->name, key, peer->address, detail });
}

static struct peer *
peer_create(struct core *core, uint64_t key, const char *user, const char *address)
{
    struct peer *peer = core->totals.peers < core->conf.peers_max ? calloc(1, sizeof *peer) : NULL;

    if (!peer)
        return NULL;
    peer->key = key;
    peer->session = ++core->session_next ? core->session_next : ++core->session_next;
    (void) snprintf(peer->user, sizeof peer->user, "%s", user);
    (void) snprintf(peer->address, sizeof peer->address, "%s", address ? address : "");
    list_init(&peer->asked);
    list_init(&peer->dirty);
    list_init(&peer->ready);
    list_init(&peer->member);
    list_init(&peer->work);
    struct peer **bucket = bucket_of(core, key);
    peer->next_in_bucket = *bucket;
    *bucket = peer;
    list_append(&core->peers, &peer->all);
    core->totals.peers++;
    return peer;
}

/* The connection's peer; NULL when the table does not (any longer) know what it proved. */
static struct peer *
peer_of(struct core *core, uint64_t key, const char *user, const zmq_msg_t *msg)
{
    struct peer *peer = peer_find(core, key);

    if (peer && strcmp(peer->user, user) == 0)
        return peer;
    if (peer) /* another connection under an identity of before: none of its rights */
        peer_lost(core, peer);

    const char *name = "";
    const char *address = zmq_msg_gets(msg, "Peer-Address");
    const bool known = permissions_know_user(core->permissions, user, &name);
    peer = known ? peer_create(core, key, user, address) : NULL;
    if (!peer) {
        core->totals.refused++;
        core->io.refuse(core->io.arg,
                        &(struct refusal){ known ? "peers.too_many" : "user.unknown", name, "",
                                           address ? address : "", "the message was dropped" });
        return NULL;
    }
    (void) permissions_know_user(core->permissions, peer->user, &peer->name);
    return peer;
}

/* --- what a client says --- */

static void
refuse_request(struct core *core, struct peer *peer, const struct mdp_frame *frame,
               const char *kind, const char *detail)
{
    struct err why;

    (void) err_set(&why, ERR_FORBIDDEN, "bus.forbidden", "the broker's table does not permit it");
    send_verdict(core, peer, frame->number, &why);
    refuse(core, peer, kind, detail);
}

static bool
may_ask(struct core *core, struct peer *peer, const struct mdp_frame *frame)
{
    char detail[192];

    if (!mdp_text_is(frame->caller, peer->name)) {
        (void) snprintf(detail, sizeof detail, "%s called as %.*s", peer->name,
                        (int) frame->caller.size, frame->caller.at);
        refuse_request(core, peer, frame, "caller.name", detail);
        return false;
    }
    if (!permissions_may_call(core->permissions, peer->name, frame->service, frame->method)) {
        (void) snprintf(detail, sizeof detail, "%s called %.*s %.*s", peer->name,
                        (int) frame->service.size, frame->service.at, (int) frame->method.size,
                        frame->method.at);
        refuse_request(core, peer, frame, "call.forbidden", detail);
        return false;
    }
    return true;
}

static struct request *
no_room(struct err *why)
{
    (void) err_set(why, ERR_UNAVAILABLE, "bus.too_many_requests", "the broker is full");
    return NULL;
}

/* The request joins the queue; NULL when there is no room, and *why says so. */
static struct request *
accept_request(struct core *core, const struct mdp_frame *frame, zmq_msg_t *msg, struct err *why)
{
    const size_t size = zmq_msg_size(msg);
    struct service *service = service_of(core, frame->service);

    if (!service)
        return no_room(why);
    if (list_is_empty(&service->ready) &&
        (service->queued >= core->conf.queue_count_max ||
         service->queued_bytes + size > core->conf.queue_bytes_max)) {
        service->queue_full++;
        core->totals.queue_full++;
        (void) err_set(why, ERR_UNAVAILABLE, "bus.queue_full", "%u requests wait for %s already",
                       service->queued, service->name);
        return NULL;
    }
    struct request *r = request_create(core);
    if (!r)
        return no_room(why);
    service->requests++;
    core->totals.requests++;
    r->service = service;
    r->ticket = frame->number;
    r->size = size;
    r->arrived_us = core->now_us;
    int64_t left_us = frame->deadline_us - core->wall_us;
    if (left_us > DEADLINE_US_MAX)
        left_us = DEADLINE_US_MAX;
    if (left_us < 0)
        left_us = 0; /* the wheel turns forward: the next tick answers */
    (void) zmq_msg_init(&r->msg);
    (void) zmq_msg_move(&r->msg, msg);
    mdp_patch(zmq_msg_data(&r->msg), MDP_WORKER, MDP_W_REQUEST, r->number);
    wheel_join(core, r, core->now_us + left_us);
    join_queue(core, r, false);
    return r;
}

static void
take_request(struct core *core, struct peer *peer, const struct mdp_frame *frame, zmq_msg_t *msg)
{
    struct err why;

    if (!may_ask(core, peer, frame))
        return;
    if (frame->deadline_us <= core->wall_us) {
        core->totals.late++;
        (void) err_set(&why, ERR_DEADLINE, "bus.deadline", "the deadline passed on the way");
        send_verdict(core, peer, frame->number, &why);
        return;
    }
    struct request *r = accept_request(core, frame, msg, &why);
    if (!r) {
        send_verdict(core, peer, frame->number, &why);
        return;
    }
    r->client = peer;
    list_append(&peer->asked, &r->by_client);
    dispatch(core, r->service);
}

err_t
core_submit(struct core *core, const struct core_own *own, struct err *err)
{
    const struct mdp_frame frame = { .side = MDP_CLIENT,
                                     .command = MDP_C_REQUEST,
                                     .number = own->ticket,
                                     .deadline_us = own->deadline_us,
                                     .caller = mdp_text("broker"),
                                     .service = mdp_text(own->service),
                                     .method = mdp_text(own->method) };
    const size_t head = mdp_head_size(&frame);
    zmq_msg_t msg;

    if (zmq_msg_init_size(&msg, head + own->size) != 0)
        return err_set(err, ERR_INTERNAL, "bus.no_memory", "memory is out");
    mdp_head_write(&frame, zmq_msg_data(&msg));
    memcpy((uint8_t *) zmq_msg_data(&msg) + head, own->body, own->size);
    struct request *r = accept_request(core, &frame, &msg, err);
    (void) zmq_msg_close(&msg);
    if (!r)
        return err->code;
    r->own = true;
    dispatch(core, r->service);
    return ERR_OK;
}

/* --- what a worker says --- */

static void
take_ready(struct core *core, struct peer *peer, const struct mdp_frame *frame)
{
    char detail[160];

    if (!mdp_text_is(frame->service, peer->name) || frame->number > CREDIT_MAX) {
        (void) snprintf(detail, sizeof detail, "%s registered as %.*s with credit %llu", peer->name,
                        (int) frame->service.size, frame->service.at,
                        (unsigned long long) frame->number);
        (void) send_command(core, peer->key, MDP_WORKER, MDP_W_DISCONNECT, 0);
        refuse(core, peer, "worker.name", detail);
        return;
    }
    struct service *service = service_of(core, frame->service);
    if (!service)
        return; /* its heartbeats go on and it registers again when the table has shrunk */
    if (!peer->service) {
        peer->service = service;
        service->worker_count++;
        list_append(&service->workers, &peer->member);
    }
    peer->credit = (uint32_t) frame->number;
    list_leave(&peer->ready);
    if (peer->in_hand < peer->credit)
        list_append(&service->ready, &peer->ready);
    if (peer->credit == 0 && peer->in_hand == 0) /* it drains and has nothing left */
        worker_remove(core, peer);
    dispatch(core, service);
}

static void
take_answer(struct core *core, struct peer *peer, const struct mdp_frame *frame, zmq_msg_t *msg)
{
    const bool last = frame->command == MDP_W_FINAL;
    struct request *r = request_find(core, frame->number);

    if (!r || r->worker != peer) { /* it was lost for a while, and another has the request now */
        core->totals.lost++;
        return;
    }
    core->totals.parts += !last;
    if (r->own && last) {
        core->io.answered(core->io.arg, r->ticket, frame->body, frame->body_size);
    } else if (r->client) {
        mdp_patch(zmq_msg_data(msg), MDP_CLIENT, last ? MDP_C_FINAL : MDP_C_PARTIAL, r->ticket);
        r->parted = true;
        post(core, r->client, msg);
        (void) zmq_msg_init(msg);
    }
    if (!last)
        return;
    struct service *service = r->service;
    service->answers++;
    core->totals.answers++;
    request_destroy(core, r);
    if (peer->service && peer->credit == 0 && peer->in_hand == 0)
        worker_remove(core, peer);
    dispatch(core, service);
}

/* --- all that arrives --- */

static void
take_worker_frame(struct core *core, struct peer *peer, const struct mdp_frame *frame,
                  zmq_msg_t *msg)
{
    struct service *service = peer->service;

    switch (frame->command) {
    case MDP_W_READY:
        take_ready(core, peer, frame);
        return;
    case MDP_W_PARTIAL:
    case MDP_W_FINAL:
        take_answer(core, peer, frame, msg);
        return;
    case MDP_W_HEARTBEAT:
        (void) send_command(core, peer->key, MDP_WORKER, MDP_W_HEARTBEAT, peer->session);
        greet(core, peer);
        return;
    case MDP_W_DISCONNECT:
        worker_remove(core, peer);
        if (service)
            dispatch(core, service);
        return;
    default:
        core->totals.malformed++;
        refuse(core, peer, "frame.malformed", "a worker sent what only a broker sends");
    }
}

/* One frame; takes the message. */
static void
take_frame(struct core *core, struct peer *peer, zmq_msg_t *msg)
{
    struct mdp_frame frame;

    if (!mdp_parse(zmq_msg_data(msg), zmq_msg_size(msg), &frame)) {
        core->totals.malformed++;
        refuse(core, peer, "frame.malformed",
               "the bytes are no frame of MDP/0.2 as this broker reads it");
    } else if (frame.side == MDP_WORKER) {
        take_worker_frame(core, peer, &frame, msg);
    } else if (frame.command == MDP_C_REQUEST) {
        take_request(core, peer, &frame, msg);
    } else if (frame.command == MDP_C_HEARTBEAT) {
        (void) send_command(core, peer->key, MDP_CLIENT, MDP_C_HEARTBEAT, peer->session);
        greet(core, peer);
    } else {
        core->totals.malformed++;
        refuse(core, peer, "frame.malformed", "a client sent what only a broker sends");
    }
    (void) zmq_msg_close(msg);
}

/* Each frame gets memory of its own: it is kept as long as its request, and no longer. */
static void
take_bundle(struct core *core, struct peer *peer, const zmq_msg_t *bundle)
{
    struct mdp_pieces pieces =
        mdp_pieces(zmq_msg_data((zmq_msg_t *) (uintptr_t) bundle), zmq_msg_size(bundle));
    const uint8_t *data;
    size_t size;
    zmq_msg_t msg;

    peer->bundles = true;
    while (mdp_pieces_next(&pieces, &data, &size)) {
        if (zmq_msg_init_size(&msg, size) != 0)
            return; /* memory is out: who waits asks again, or its deadline passes */
        memcpy(zmq_msg_data(&msg), data, size);
        take_frame(core, peer, &msg);
    }
    if (pieces.at == pieces.end)
        return;
    core->totals.malformed++;
    refuse(core, peer, "frame.malformed", "a bundle ends in the middle of a frame");
}

void
core_receive(struct core *core, uint64_t key, const char *user, zmq_msg_t *msg)
{
    struct peer *peer = peer_of(core, key, user, msg);

    if (!peer) {
        (void) zmq_msg_close(msg);
        return;
    }
    peer->heard_us = core->now_us;
    if (!mdp_is_bundle(zmq_msg_data(msg), zmq_msg_size(msg))) {
        take_frame(core, peer, msg);
        return;
    }
    take_bundle(core, peer, msg);
    (void) zmq_msg_close(msg);
}

size_t
core_held(const struct core *core)
{
    return core->held;
}

void
core_flush(struct core *core)
{
    while (!list_is_empty(&core->dirty)) {
        struct peer *peer = NODE_OF(core->dirty.next, struct peer, dirty);
        list_leave(&peer->dirty);
        flush_peer(core, peer);
        if (peer->broken)
            peer_lost(core, peer); /* its work goes to others, who become dirty */
    }
}

/* --- time --- */

static void
expire(struct core *core, struct request *r)
{
    struct service *service = r->service;

    if (r->orphan) { /* a worker that never answered: believe in its credit again */
        request_destroy(core, r);
        dispatch(core, service);
        return;
    }
    service->late++;
    core->totals.late++;
    answer_verdict(core, r, ERR_DEADLINE, "bus.deadline",
                   r->worker ? "the service did not answer before the deadline"
                             : "no worker was free before the deadline");
    abandon(core, r);
}

static void
expire_slot(struct core *core, struct node *slot)
{
    struct node due; /* moved aside first: an orphan may join this very slot again */

    list_init(&due);
    for (struct node *at = slot->next, *next; at != slot; at = next) {
        struct request *r = NODE_OF(at, struct request, timer);
        next = at->next;
        if (r->expires_us <= core->now_us) {
            list_leave(at);
            list_append(&due, at);
        }
    }
    while (!list_is_empty(&due)) {
        struct request *r = NODE_OF(due.next, struct request, timer);
        list_leave(&r->timer);
        expire(core, r);
    }
}

/* A service that nobody serves here, but somebody may at another broker: what waited long enough
 * for it goes back to who asked, if he knows what that means.  Not what two workers were lost with:
 * it may be what kills them, and its deliveries are counted here. */
static void
return_requests(struct core *core, struct service *service)
{
    for (struct node *at = service->queue.next, *next; at != &service->queue; at = next) {
        struct request *r = NODE_OF(at, struct request, place);
        struct peer *client = r->client;
        const uint64_t ticket = r->ticket;
        next = at->next;
        if (!client || !client->bundles || r->deliveries > 1 ||
            core->now_us - r->queued_us < NOBODY_US)
            continue;
        service->returned++;
        core->totals.returned++;
        request_destroy(core, r);
        (void) send_command(core, client->key, MDP_CLIENT, MDP_C_RETURNED, ticket);
    }
}

/* An idle worker that is silent, and a client without requests: their connections may still stand
 * where a thread hangs or a network was cut.  A worker with work in hand is believed as long as its
 * connection lives: its thread is in a handler and cannot speak. */
static void
lose_silent(struct core *core)
{
    for (struct node *at = core->peers.next, *next; at != &core->peers; at = next) {
        struct peer *peer = NODE_OF(at, struct peer, all);
        const int64_t silence_us = core->now_us - peer->heard_us;
        next = at->next;
        if (peer->service ? peer->in_hand == 0 && silence_us > core->conf.worker_silence_us
                          : list_is_empty(&peer->asked) && silence_us > CLIENT_SILENCE_US)
            peer_lost(core, peer);
    }
}

void
core_tick(struct core *core)
{
    const int64_t now = core->now_us / CORE_TICK_US;
    int64_t from = core->ticked_us / CORE_TICK_US;

    if (now - from >= WHEEL_SLOTS)
        from = now - WHEEL_SLOTS + 1;
    for (int64_t i = from; i <= now; i++)
        expire_slot(core, &core->wheel[(uint64_t) i % WHEEL_SLOTS]);
    core->ticked_us = core->now_us;
    for (size_t i = 0; i < core->service_count; i++) {
        if (core->services[i].queued > 0 && core->services[i].worker_count == 0)
            return_requests(core, &core->services[i]);
    }
    if (core->now_us - core->silence_checked_us >= core->conf.worker_silence_us / 4) {
        core->silence_checked_us = core->now_us;
        lose_silent(core);
    }
}

void
core_probe(struct core *core)
{
    for (struct node *at = core->peers.next, *next; at != &core->peers; at = next) {
        struct peer *peer = NODE_OF(at, struct peer, all);
        const enum mdp_side side = peer->service ? MDP_WORKER : MDP_CLIENT;
        next = at->next;
        if (send_command(core, peer->key, side,
                         side == MDP_WORKER ? MDP_W_HEARTBEAT : MDP_C_HEARTBEAT,
                         peer->session) == CORE_GONE)
            peer_lost(core, peer);
    }
}

void
core_set_permissions(struct core *core, const struct permissions *permissions)
{
    const char *name;

    core->permissions = permissions;
    for (struct node *at = core->peers.next, *next; at != &core->peers; at = next) {
        struct peer *peer = NODE_OF(at, struct peer, all);
        next = at->next;
        if (permissions_know_user(permissions, peer->user, &name))
            continue;
        refuse(core, peer, "user.revoked",
               "the new table does not know what the connection proved");
        peer_lost(core, peer);
    }
}

/* --- figures --- */

struct core_totals
core_totals(const struct core *core)
{
    return core->totals;
}

size_t
core_service_count(const struct core *core)
{
    return core->service_count;
}

struct core_service
core_service(const struct core *core, size_t index)
{
    const struct service *s = &core->services[index];
    struct core_service figures = { .name = s->name,
                                    .requests = s->requests,
                                    .answers = s->answers,
                                    .redelivered = s->redelivered,
                                    .returned = s->returned,
                                    .queue_full = s->queue_full,
                                    .late = s->late,
                                    .queued = s->queued,
                                    .workers = s->worker_count,
                                    .queued_bytes = s->queued_bytes };

    for (const struct node *at = s->workers.next; at != &s->workers; at = at->next) {
        const struct peer *worker = NODE_OF(at, struct peer, member);
        figures.credit += worker->credit;
        figures.in_hand += worker->in_hand;
    }
    if (!list_is_empty(&s->queue))
        figures.oldest_us =
            core->now_us - NODE_OF(s->queue.next, struct request, place)->arrived_us;
    return figures;
}
