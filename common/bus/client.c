/* client.c - requests, their answers, and the next broker when one is silent.
 *
 * Every unanswered request is kept (the message's content is shared with the socket, not copied)
 * until its last answer, so that it can be sent again as it was. */
#include <stdlib.h>
#include <string.h>

#include "arena/arena.h"
#include "bus/bus.h"
#include "bus/envelope.h"
#include "bus/link.h"
#include "clock/clock.h"
#include "fault/fault.h"
#include "id/id.h"

/* A ticket is a slot's number below a count that makes it different each time. */
#define SLOT_BITS 12
static_assert(BUS_CLIENT_PENDING_MAX == 1 << SLOT_BITS, "a ticket holds its slot");
enum { NOWHERE = -1, NO_SLOT = -1, WAIT_US_MAX = 100000 };
enum { HELD_ANSWERS_MAX = 128 };

struct pending {
    uint64_t ticket;     /* 0: the slot is free */
    int64_t deadline_us; /* monotonic */
    zmq_msg_t msg;
    int32_t next_free;
    int8_t link;    /* where it was sent; NOWHERE: no broker was up */
    bool streaming; /* a part was given to the caller: it cannot be asked again */
    err_t verdict;  /* an answer that we give ourselves */
};

struct bus_client {
    struct link_set set;
    struct pending *slots;
    int32_t first_free;
    uint32_t pending, unsent, verdicts;
    uint32_t high_water; /* slots ever used: what a scan has to look at */
    uint64_t ticket_count;
    int current;              /* the broker spoken to, or NOWHERE */
    size_t next;              /* where receiving begins, so that no broker starves another */
    int64_t next_deadline_us; /* no deadline lies before this */
    int64_t wall_ahead_us;    /* wall clock - monotonic clock, at the last tick */
    uint32_t held;            /* answers given since the requests were flushed */
    struct arena *arena;      /* the last answer */
    Bus__Answer own;
    struct bus_stats stats;
};

static void tick(struct bus_client *client, int64_t now_us);

err_t
bus_client_create(const struct bus_conf *conf, struct bus_client **client, struct err *err)
{
    OWNED(bus_client_destroy) struct bus_client *c = calloc(1, sizeof *c);

    if (!c)
        return err_set(err, ERR_INTERNAL, "bus.no_memory", "memory is out");
    c->set.epoll_fd = -1;
    c->current = NOWHERE;
    c->next_deadline_us = INT64_MAX;
    c->slots = calloc(BUS_CLIENT_PENDING_MAX, sizeof *c->slots);
    c->arena = arena_create(2 * BUS_ENVELOPE_BYTES_MAX);
    if (!c->slots || !c->arena)
        return err_set(err, ERR_INTERNAL, "bus.no_memory", "memory is out");
    for (int32_t i = 0; i < BUS_CLIENT_PENDING_MAX; i++)
        c->slots[i].next_free = i + 1 < BUS_CLIENT_PENDING_MAX ? i + 1 : NO_SLOT;
    /* Tickets of an earlier process over the same connection cannot be: connections are new. */
    TRY(link_set_init(&c->set, MDP_CLIENT, conf, err));
    tick(c, clock_monotonic_us());
    *client = TAKE(c);
    return ERR_OK;
}

void
bus_client_destroy(struct bus_client *client)
{
    if (!client)
        return;
    for (uint32_t i = 0; client->slots && i < client->high_water; i++) {
        if (client->slots[i].ticket)
            (void) zmq_msg_close(&client->slots[i].msg);
    }
    link_set_done(&client->set, 0);
    arena_destroy(client->arena);
    free(client->slots);
    free(client);
}

static struct pending *
find(const struct bus_client *client, uint64_t ticket)
{
    struct pending *p = &client->slots[ticket & (BUS_CLIENT_PENDING_MAX - 1)];

    return ticket && p->ticket == ticket ? p : NULL;
}

static struct pending *
take_slot(struct bus_client *client)
{
    const int32_t at = client->first_free;
    struct pending *p = &client->slots[at];

    client->first_free = p->next_free;
    if ((uint32_t) at >= client->high_water)
        client->high_water = (uint32_t) at + 1;
    *p = (struct pending){ .ticket = (++client->ticket_count << SLOT_BITS) | (uint64_t) at,
                           .link = NOWHERE };
    client->pending++;
    client->unsent++;
    return p;
}

static void
release(struct bus_client *client, struct pending *p)
{
    client->unsent -= p->link == NOWHERE && p->verdict == ERR_OK;
    client->verdicts -= p->verdict != ERR_OK;
    client->pending--;
    (void) zmq_msg_close(&p->msg);
    p->ticket = 0;
    p->next_free = client->first_free;
    client->first_free = (int32_t) (p - client->slots);
}

static void
judge(struct bus_client *client, struct pending *p, err_t verdict)
{
    if (p->verdict != ERR_OK)
        return;
    client->unsent -= p->link == NOWHERE;
    client->verdicts++;
    p->verdict = verdict;
}

/* Sends what waits to the current broker; without one it goes on waiting. */
static void
transmit(struct bus_client *client, struct pending *p)
{
    struct link *link = client->current == NOWHERE ? NULL : &client->set.links[client->current];
    zmq_msg_t copy;

    if (!link || !link->up)
        return;
    (void) zmq_msg_init(&copy);
    if (zmq_msg_copy(&copy, &p->msg) != 0 || !link_send(link, &copy))
        return;
    p->link = (int8_t) client->current;
    client->unsent--;
    client->stats.sent++;
}

static void
transmit_all(struct bus_client *client)
{
    for (uint32_t i = 0; client->unsent > 0 && i < client->high_water; i++) {
        struct pending *p = &client->slots[i];
        if (p->ticket && p->link == NOWHERE && p->verdict == ERR_OK)
            transmit(client, p);
    }
}

/* What went over a connection that is gone has to be asked again. */
static void
recall(struct bus_client *client, int link)
{
    for (uint32_t i = 0; i < client->high_water; i++) {
        struct pending *p = &client->slots[i];
        if (p->ticket == 0 || p->link != link || p->verdict != ERR_OK)
            continue;
        if (p->streaming) { /* its first parts are with the caller already */
            judge(client, p, ERR_UNAVAILABLE);
            continue;
        }
        p->link = NOWHERE;
        client->unsent++;
        client->stats.resent++;
    }
}

static void
choose_broker(struct bus_client *client)
{
    const size_t count = client->set.count;
    const size_t from = client->current == NOWHERE ? 0 : (size_t) client->current;

    client->current = NOWHERE;
    for (size_t i = 0; i < count && client->current == NOWHERE; i++) {
        const size_t at = (from + i) % count;
        if (client->set.links[at].up)
            client->current = (int) at;
    }
}

static void
tick(struct bus_client *client, int64_t now_us)
{
    client->set.last_tick_us = now_us;
    client->wall_ahead_us = clock_now().us - now_us;
    for (size_t i = 0; i < client->set.count; i++) {
        struct link *link = &client->set.links[i];
        if (link_tick(&client->set, link, now_us) != LINK_SAME)
            recall(client, (int) i);
        link_ping(&client->set, link, now_us);
    }
    if (client->current == NOWHERE || !client->set.links[client->current].up)
        choose_broker(client);
    transmit_all(client);
}

static void
judge_late(struct bus_client *client, int64_t now_us)
{
    client->next_deadline_us = INT64_MAX;
    for (uint32_t i = 0; i < client->high_water; i++) {
        struct pending *p = &client->slots[i];
        if (p->ticket == 0 || p->verdict != ERR_OK)
            continue;
        if (p->deadline_us <= now_us)
            judge(client, p, ERR_DEADLINE);
        else if (p->deadline_us < client->next_deadline_us)
            client->next_deadline_us = p->deadline_us;
    }
}

static err_t
pack(const struct bus_client *client, const char *service, const Bus__Envelope *envelope,
     uint64_t ticket, zmq_msg_t *msg)
{
    const struct mdp_frame frame = { .side = MDP_CLIENT,
                                     .command = MDP_C_REQUEST,
                                     .number = ticket,
                                     .deadline_us = envelope->deadline_us,
                                     .caller = mdp_text(client->set.name),
                                     .service = mdp_text(service),
                                     .method = mdp_text(envelope->method) };
    const size_t head = mdp_head_size(&frame);

    if (fault_hit("bus.memory") ||
        zmq_msg_init_size(msg, head + bus__envelope__get_packed_size(envelope)) != 0)
        return ERR_INTERNAL;
    uint8_t *data = zmq_msg_data(msg);
    mdp_head_write(&frame, data);
    (void) bus__envelope__pack(envelope, data + head);
    return ERR_OK;
}

static err_t
check(const struct bus_client *client, const char *service, const Bus__Envelope *envelope,
      struct err *err)
{
    if (!mdp_name_is_valid(service, strlen(service)))
        return err_set(err, ERR_INVALID, "bus.service_name", "no service can have this name");
    if (!mdp_method_is_valid(envelope->method, strlen(envelope->method)))
        return err_set(err, ERR_INVALID, "bus.method_name", "no method can have this name");
    if (envelope->deadline_us <= 0)
        return err_set(err, ERR_INVALID, "bus.deadline_missing", "a request needs a deadline");
    if (envelope->body.len > BUS_ENVELOPE_BYTES_MAX ||
        bus__envelope__get_packed_size(envelope) > BUS_ENVELOPE_BYTES_MAX)
        return err_set(err, ERR_INVALID, "bus.envelope_too_large",
                       "an envelope has at most %zu bytes", BUS_ENVELOPE_BYTES_MAX);
    if (client->first_free == NO_SLOT)
        return err_set(err, ERR_UNAVAILABLE, "bus.too_many_pending", "%d requests are unanswered",
                       BUS_CLIENT_PENDING_MAX);
    return ERR_OK;
}

err_t
bus_client_send(struct bus_client *client, const char *service, const Bus__Envelope *envelope,
                uint64_t *ticket, struct err *err)
{
    TRY(check(client, service, envelope, err));
    struct pending *p = take_slot(client);
    (void) zmq_msg_init(&p->msg);
    if (pack(client, service, envelope, p->ticket, &p->msg) != ERR_OK) {
        release(client, p);
        return err_set(err, ERR_INTERNAL, "bus.no_memory", "memory is out");
    }
    /* The deadline is an instant of the wall clock on the wire and one of the monotonic clock here:
     * a clock that is set later does not move it. */
    p->deadline_us = envelope->deadline_us - client->wall_ahead_us;
    if (p->deadline_us < client->next_deadline_us)
        client->next_deadline_us = p->deadline_us;
    transmit(client, p);
    *ticket = p->ticket;
    return ERR_OK;
}

/* An answer that no broker sent. */
static void
give_verdict(struct bus_client *client, uint64_t *ticket, const Bus__Answer **answer)
{
    for (uint32_t i = 0; i < client->high_water; i++) {
        struct pending *p = &client->slots[i];
        if (p->ticket == 0 || p->verdict == ERR_OK)
            continue;
        const bool late = p->verdict == ERR_DEADLINE;
        bus__answer__init(&client->own);
        client->own.code = bus_code_from_err(p->verdict);
        client->own.reason = late ? "bus.deadline" : "bus.stream_broken";
        client->own.text = late ? "no answer came before the deadline"
                                : "the broker was lost in the middle of an answer";
        *ticket = p->ticket;
        *answer = &client->own;
        release(client, p);
        return;
    }
    assert(false); /* a verdict was counted and is nowhere */
}

/* That broker has nobody for it: the next one is asked, and from now on first.  Where there is no
 * other, the same: the service may be on its way. */
static void
take_returned(struct bus_client *client, size_t from, struct pending *p)
{
    const size_t count = client->set.count;

    if (p->link != (int) from)
        return; /* it was sent elsewhere meanwhile */
    for (size_t i = 1; i < count; i++) {
        const size_t at = (from + i) % count;
        if (client->set.links[at].up) {
            client->current = (int) at;
            break;
        }
    }
    p->link = NOWHERE;
    client->unsent++;
    client->stats.resent++;
    transmit(client, p);
}

/* One frame of a broker; true when it is an answer that somebody waits for. */
static bool
take(struct bus_client *client, size_t from, const struct mdp_frame *frame, uint64_t *ticket,
     const Bus__Answer **answer)
{
    struct link *link = &client->set.links[from];

    if (frame->command == MDP_C_HEARTBEAT) {
        /* Same socket, other connection: ZeroMQ reconnected between two ticks. */
        if (link->session && link->session != frame->number) {
            link_renew(link);
            recall(client, (int) from);
            transmit_all(client);
        }
        link->session = frame->number;
        return false;
    }
    struct pending *p = find(client, frame->number);
    if (!p || p->verdict != ERR_OK || frame->command == MDP_C_REQUEST) {
        client->stats.dropped++;
        return false;
    }
    if (frame->command == MDP_C_RETURNED) {
        take_returned(client, from, p);
        return false;
    }
    struct err err;
    arena_reset(client->arena);
    if (bus_answer_unpack(client->arena, frame->body, frame->body_size, answer, &err) != ERR_OK) {
        bus__answer__init(&client->own);
        client->own.code = BUS__CODE__NAME__INTERNAL;
        client->own.reason = "bus.answer_malformed";
        client->own.text = "the answer could not be read";
        *answer = &client->own;
    }
    client->stats.received++;
    *ticket = p->ticket;
    if ((*answer)->more && frame->command == MDP_C_PARTIAL)
        p->streaming = true;
    else
        release(client, p);
    return true;
}

/* Requests wait for each other while there are answers to give, but not for many. */
static void
flush_some(struct bus_client *client)
{
    if (++client->held < HELD_ANSWERS_MAX)
        return;
    client->held = 0;
    link_flush_all(&client->set);
}

static bool
receive(struct bus_client *client, uint64_t *ticket, const Bus__Answer **answer)
{
    struct mdp_frame frame;

    for (size_t i = 0; i < client->set.count; i++) {
        const size_t at = (client->next + i) % client->set.count;
        while (link_recv(&client->set, &client->set.links[at], &frame)) {
            if (take(client, at, &frame, ticket, answer)) {
                client->next = at;
                flush_some(client);
                return true;
            }
        }
    }
    return false;
}

bool
bus_client_recv(struct bus_client *client, int timeout_ms, uint64_t *ticket,
                const Bus__Answer **answer)
{
    if (link_is_fresh(&client->set) && receive(client, ticket, answer))
        return true;

    int64_t now_us = clock_monotonic_us();
    const int64_t end_us = now_us + (int64_t) timeout_ms * 1000;
    bool woken = false;

    for (;;) {
        if (now_us - client->set.last_tick_us >= LINK_TICK_US)
            tick(client, now_us);
        link_flush_all(&client->set); /* behind tick(), which sends too */
        if (receive(client, ticket, answer))
            return true;
        if (link_is_holding(&client->set))
            continue; /* a new connection had to hear something; sending may swallow a wake-up */
        if (woken) {  /* without a message: a connection came or went */
            tick(client, now_us);
            woken = false;
            continue;
        }
        if (now_us >= client->next_deadline_us)
            judge_late(client, now_us);
        if (client->verdicts > 0) {
            give_verdict(client, ticket, answer);
            return true;
        }
        if (now_us >= end_us)
            return false;
        int64_t until_us = end_us < client->next_deadline_us ? end_us : client->next_deadline_us;
        if (until_us > now_us + WAIT_US_MAX)
            until_us = now_us + WAIT_US_MAX;
        woken = link_wait(&client->set, until_us - now_us);
        now_us = clock_monotonic_us();
    }
}

int
bus_client_fd(const struct bus_client *client)
{
    return client->set.epoll_fd;
}

void
bus_client_cancel(struct bus_client *client, uint64_t ticket)
{
    struct pending *p = find(client, ticket);

    if (p)
        release(client, p);
}

err_t
bus_call(struct bus_client *client, const char *service, const Bus__Envelope *envelope,
         const Bus__Answer **answer, struct err *err)
{
    const Bus__Answer *got = NULL;
    uint64_t ticket, from = 0;

    TRY(bus_client_send(client, service, envelope, &ticket, err));
    /* The client answers by itself when the deadline passes, so this ends. */
    while (!bus_client_recv(client, 1000, &from, &got) || from != ticket)
        ;
    TRY(bus_answer_error(got, err));
    if (got->more) {
        bus_client_cancel(client, ticket);
        return err_set(err, ERR_INTERNAL, "bus.stream_unexpected",
                       "the answer comes in parts, one was expected");
    }
    *answer = got;
    return ERR_OK;
}

struct bus_stats
bus_client_stats(const struct bus_client *client)
{
    struct bus_stats stats = client->stats;

    stats.pending = client->pending;
    stats.brokers_alive = link_up_count(&client->set);
    return stats;
}
