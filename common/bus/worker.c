/* worker.c - takes requests from all brokers up to its credit, and answers them where they came
 * from. */
#include <stdlib.h>
#include <string.h>

#include "arena/arena.h"
#include "bus/bus.h"
#include "bus/envelope.h"
#include "bus/link.h"
#include "clock/clock.h"
#include "fault/fault.h"

enum { CREDIT_MAX = 1024, WAIT_US_MAX = 100000, DRAIN_LINGER_MS = 1000 };
/* How long a registration that was refused waits before it is tried again: it is refused, logged
 * and audited each time. */
#define READY_AGAIN_US INT64_C(2000000)
#define QUICK_JOB_US INT64_C(20) /* less than a round trip to a database */

/* One job in hand. */
struct slot {
    struct arena *arena;
    char caller[MDP_NAME_BYTES_MAX + 1];
    uint64_t number;
    uint32_t link, epoch;
    bool busy;
    struct slot *next_free;
};

struct bus_worker {
    struct link_set set;
    uint32_t credit, jobs, slot_count;
    bool draining;
    size_t next;
    int64_t ready_us[LINKS_MAX];     /* when READY was sent last; 0: not over this connection */
    int64_t ready_due_us[LINKS_MAX]; /* when it is to be sent again; 0: it is not */
    struct slot **slots, *first_free;
    int64_t given_us; /* when a job was given last */
    struct bus_stats stats;
};

err_t
bus_worker_create(const struct bus_conf *conf, uint32_t credit, struct bus_worker **worker,
                  struct err *err)
{
    OWNED(bus_worker_destroy) struct bus_worker *w = calloc(1, sizeof *w);

    if (!w)
        return err_set(err, ERR_INTERNAL, "bus.no_memory", "memory is out");
    w->set.epoll_fd = -1;
    if (credit < 1 || credit > CREDIT_MAX)
        return err_set(err, ERR_INVALID, "bus.conf_credit", "a credit of %u, 1 to %d are allowed",
                       credit, CREDIT_MAX);
    w->credit = credit;
    TRY(link_set_init(&w->set, MDP_WORKER, conf, err));
    w->slots = calloc((size_t) credit * w->set.count, sizeof(struct slot *));
    if (!w->slots)
        return err_set(err, ERR_INTERNAL, "bus.no_memory", "memory is out");
    *worker = TAKE(w);
    return ERR_OK;
}

void
bus_worker_destroy(struct bus_worker *worker)
{
    if (!worker)
        return;
    for (size_t i = 0; i < worker->set.count; i++)
        (void) link_send_command(&worker->set, &worker->set.links[i], MDP_W_DISCONNECT, 0, "");
    link_set_done(&worker->set, DRAIN_LINGER_MS);
    for (uint32_t i = 0; i < worker->slot_count; i++) {
        arena_destroy(worker->slots[i]->arena);
        free(worker->slots[i]);
    }
    free(worker->slots);
    free(worker);
}

/* Slots are made when they are first needed, so that an idle worker of a large credit is small. */
static struct slot *
take_slot(struct bus_worker *worker)
{
    struct slot *slot = worker->first_free;

    if (slot) {
        worker->first_free = slot->next_free;
    } else {
        if (worker->slot_count == worker->credit * worker->set.count)
            return NULL; /* a broker that gives more than our credit is not ours */
        slot = fault_hit("bus.memory") ? NULL : calloc(1, sizeof *slot);
        if (!slot)
            return NULL;
        slot->arena = arena_create(2 * BUS_ENVELOPE_BYTES_MAX);
        if (!slot->arena) {
            free(slot);
            return NULL;
        }
        worker->slots[worker->slot_count++] = slot;
    }
    slot->busy = true;
    worker->jobs++;
    return slot;
}

static void
release(struct bus_worker *worker, struct slot *slot)
{
    arena_reset(slot->arena);
    slot->busy = false;
    slot->next_free = worker->first_free;
    worker->first_free = slot;
    worker->jobs--;
}

static void
register_with(struct bus_worker *worker, size_t at, int64_t now_us)
{
    const uint64_t credit = worker->draining ? 0 : worker->credit;

    if (link_send_command(&worker->set, &worker->set.links[at], MDP_W_READY, credit,
                          worker->set.name)) {
        worker->ready_us[at] = now_us;
        worker->ready_due_us[at] = 0;
    }
}

static void
tick(struct bus_worker *worker, int64_t now_us)
{
    worker->set.last_tick_us = now_us;
    for (size_t i = 0; i < worker->set.count; i++) {
        struct link *link = &worker->set.links[i];
        const enum link_event event = link_tick(&worker->set, link, now_us);
        if (event == LINK_CAME_UP ||
            (link->up && worker->ready_due_us[i] && now_us >= worker->ready_due_us[i]))
            register_with(worker, i, now_us);
        link_ping(&worker->set, link, now_us);
    }
}

static err_t
send_answer(struct bus_worker *worker, const struct slot *slot, const Bus__Answer *answer,
            struct err *err)
{
    const struct mdp_frame frame = { .side = MDP_WORKER,
                                     .command = answer->more ? MDP_W_PARTIAL : MDP_W_FINAL,
                                     .number = slot->number };
    struct link *link = &worker->set.links[slot->link];
    const size_t size = bus__answer__get_packed_size(answer);
    zmq_msg_t msg;

    if (size > BUS_ENVELOPE_BYTES_MAX)
        return err_set(err, ERR_INVALID, "bus.answer_too_large",
                       "an answer of %zu bytes, at most %zu go in one part", size,
                       BUS_ENVELOPE_BYTES_MAX);
    if (!link->up || link->epoch != slot->epoch) {
        worker->stats.dropped++; /* who asked has lost that broker too and asks again elsewhere */
        return ERR_OK;
    }
    if (fault_hit("bus.memory") || zmq_msg_init_size(&msg, MDP_HEAD_BYTES + size) != 0)
        return err_set(err, ERR_INTERNAL, "bus.no_memory", "memory is out");
    mdp_head_write(&frame, zmq_msg_data(&msg));
    (void) bus__answer__pack(answer, (uint8_t *) zmq_msg_data(&msg) + MDP_HEAD_BYTES);
    if (link_send(link, &msg))
        worker->stats.sent++;
    else
        worker->stats.dropped++;
    if (answer->more)
        link_flush(link); /* the next part may take its time */
    return ERR_OK;
}

err_t
bus_worker_answer(struct bus_worker *worker, struct bus_job *job, const Bus__Answer *answer,
                  struct err *err)
{
    struct slot *slot = job->route;

    assert(slot && slot->busy);
    TRY(send_answer(worker, slot, answer, err));
    if (!answer->more) {
        job->route = NULL;
        job->envelope = NULL;
        job->caller = NULL;
        release(worker, slot);
    }
    return ERR_OK;
}

err_t
bus_worker_answer_whole(struct bus_worker *worker, struct bus_job *job, const Bus__Answer *answer,
                        struct err *err)
{
    Bus__Answer part = *answer;
    size_t at = 0;

    part.more = true;
    for (; answer->body.len - at > BUS_PART_BYTES_MAX; at += BUS_PART_BYTES_MAX) {
        part.body = (ProtobufCBinaryData){ BUS_PART_BYTES_MAX, answer->body.data + at };
        TRY(bus_worker_answer(worker, job, &part, err));
    }
    part.more = false;
    part.body = answer->body;
    if (at > 0)
        part.body = (ProtobufCBinaryData){ answer->body.len - at, answer->body.data + at };
    return bus_worker_answer(worker, job, &part, err);
}

/* Answers what never becomes a job. */
static void
reject(struct bus_worker *worker, struct slot *slot, const struct err *why)
{
    Bus__Answer answer = BUS__ANSWER__INIT;
    struct err err;

    answer.code = bus_code_from_err(why->code);
    answer.reason = (char *) why->reason;
    answer.path = (char *) why->path;
    answer.text = (char *) why->text;
    if (send_answer(worker, slot, &answer, &err) != ERR_OK)
        worker->stats.dropped++; /* memory is out: the caller's deadline answers */
    release(worker, slot);
}

/* The broker decided on the method that stands in the head; the handler acts on the envelope's. */
static err_t
open_envelope(struct slot *slot, const struct mdp_frame *frame, struct bus_job *job,
              struct err *err)
{
    const Bus__Envelope *envelope = NULL;

    TRY(bus_envelope_unpack(slot->arena, frame->body, frame->body_size, &envelope, err));
    if (!mdp_text_is(frame->method, envelope->method))
        return err_at(err, ERR_FORBIDDEN, "$.method", "bus.method_differs",
                      "the envelope's method is not the one that was permitted");
    if (frame->deadline_us <= clock_now().us)
        return err_set(err, ERR_DEADLINE, "bus.deadline", "the deadline passed on the way");
    *job = (struct bus_job){ .caller = slot->caller,
                             .envelope = envelope,
                             .deadline_us = frame->deadline_us,
                             .route = slot };
    return ERR_OK;
}

static bool
take_request(struct bus_worker *worker, size_t from, const struct mdp_frame *frame,
             struct bus_job *job)
{
    struct slot *slot = take_slot(worker);
    struct err err = { 0 };

    worker->stats.received++;
    if (!slot) {
        worker->stats.dropped++;
        return false;
    }
    slot->link = (uint32_t) from;
    slot->epoch = worker->set.links[from].epoch;
    slot->number = frame->number;
    memcpy(slot->caller, frame->caller.at, frame->caller.size);
    slot->caller[frame->caller.size] = '\0';
    if (open_envelope(slot, frame, job, &err) == ERR_OK)
        return true;
    reject(worker, slot, &err);
    return false;
}

/* The broker refuses to have us.  Its table may change, so we ask again, slowly. */
static void
take_disconnect(struct bus_worker *worker, size_t from)
{
    const int64_t now_us = clock_monotonic_us();

    if (now_us - worker->ready_us[from] >= READY_AGAIN_US)
        register_with(worker, from, now_us);
    else if (worker->ready_due_us[from] == 0)
        worker->ready_due_us[from] = worker->ready_us[from] + READY_AGAIN_US;
}

static bool
take(struct bus_worker *worker, size_t from, const struct mdp_frame *frame, struct bus_job *job)
{
    struct link *link = &worker->set.links[from];

    switch (frame->command) {
    case MDP_W_REQUEST:
        return take_request(worker, from, frame, job);
    case MDP_W_HEARTBEAT:
        if (link->session && link->session != frame->number) {
            link_renew(link);
            link->epoch++; /* ZeroMQ reconnected between two ticks */
            register_with(worker, from, clock_monotonic_us());
        }
        link->session = frame->number;
        return false;
    case MDP_W_DISCONNECT:
        take_disconnect(worker, from);
        return false;
    default:
        worker->stats.dropped++;
        return false;
    }
}

static bool
receive(struct bus_worker *worker, struct bus_job *job)
{
    struct mdp_frame frame;

    for (size_t i = 0; i < worker->set.count; i++) {
        const size_t at = (worker->next + i) % worker->set.count;
        while (link_recv(&worker->set, &worker->set.links[at], &frame)) {
            if (take(worker, at, &frame, job)) {
                worker->next = at + 1; /* the brokers take turns */
                return true;
            }
        }
    }
    return false;
}

/* Answers wait for each other only while the jobs between them take no time: a quick job is
 * followed by a quick one, and where it is not, the answer waits for that one job. */
static bool
give(struct bus_worker *worker, struct bus_job *job)
{
    const bool holding = link_is_holding(&worker->set);

    if (holding && clock_monotonic_us() - worker->given_us > QUICK_JOB_US)
        link_flush_all(&worker->set);
    if (!receive(worker, job))
        return false;
    worker->given_us = clock_monotonic_us();
    return true;
}

bool
bus_worker_recv(struct bus_worker *worker, int timeout_ms, struct bus_job *job)
{
    if (link_is_fresh(&worker->set) && give(worker, job))
        return true;

    int64_t now_us = clock_monotonic_us();
    const int64_t end_us = now_us + (int64_t) timeout_ms * 1000;
    bool woken = false;

    for (;;) {
        if (now_us - worker->set.last_tick_us >= LINK_TICK_US)
            tick(worker, now_us);
        link_flush_all(&worker->set);
        if (give(worker, job))
            return true;
        if (link_is_holding(&worker->set))
            continue; /* a request was refused; sending may swallow a wake-up */
        if (woken) {  /* without a message: a connection came or went */
            tick(worker, now_us);
            woken = false;
            continue;
        }
        if (now_us >= end_us)
            return false;
        const int64_t left_us = end_us - now_us;
        woken = link_wait(&worker->set, left_us < WAIT_US_MAX ? left_us : WAIT_US_MAX);
        now_us = clock_monotonic_us();
    }
}

void
bus_worker_drain(struct bus_worker *worker)
{
    const int64_t now_us = clock_monotonic_us();

    worker->draining = true;
    for (size_t i = 0; i < worker->set.count; i++) {
        if (worker->set.links[i].up)
            register_with(worker, i, now_us);
    }
}

struct bus_stats
bus_worker_stats(const struct bus_worker *worker)
{
    struct bus_stats stats = worker->stats;

    stats.pending = worker->jobs;
    stats.brokers_alive = link_up_count(&worker->set);
    return stats;
}
