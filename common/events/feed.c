/* feed.c - a service's own reading of other services' event logs.
 *
 * Events are fetched through the bus after the feed's cursor and applied in one transaction with
 * the cursor's advance: at least once on the wire, exactly once in effect.  Replicas share a feed
 * by locking its row for the length of one transaction; who finds that the cursor has moved drops
 * what it had fetched.  A refused event is parked with its reason and the stream goes on. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "fault/fault.h"
#include "runtime_queries.h"
#include "svc/runtime.h"

enum {
    PULL_EVENTS = 200,
    /* Events of one tenant are applied so many at a time in one transaction; when it fails, they
     * are repeated one by one. */
    BATCH_EVENTS = 50,
    FEED_TOPICS_MAX = 64,
};
#define FEED_US_MAX (INT64_C(30) * US_PER_SECOND)
#define FEED_CALL_US_MAX (INT64_C(5) * US_PER_SECOND)

struct batch {
    const char *producer;
    const Bus__Event *const *events;
    size_t count;
    Bus__Position from; /* where the cursor must stand */
    Bus__Position to;
    const struct err *refusal; /* not NULL: the one event is parked for it */
    bool lost;                 /* another replica has the feed */
};

static bool
position_equal(const Bus__Position *a, const Bus__Position *b)
{
    return a->tx == b->tx && a->seq == b->seq;
}

static struct id
id_of(const ProtobufCBinaryData *bytes)
{
    struct id id = { { 0 } };

    if (bytes->len == sizeof id.bytes)
        memcpy(id.bytes, bytes->data, sizeof id.bytes);
    return id;
}

static err_t
apply_one(struct call *c, const char *producer, const Bus__Event *event)
{
    const struct svc *svc = c->thread->rt->svc;

    c->request_id = id_of(&event->event_id);
    trace_take(c, event->traceparent);
    for (size_t i = 0; i < svc->consumer_count; i++) {
        const struct svc_consumer *consumer = &svc->consumers[i];
        ProtobufCMessage *message;

        if (strcmp(consumer->from, producer) != 0)
            continue;
        if (!consumer->event) { /* every topic: it reads the event itself */
            TRY(consumer->run(c, &event->base));
            continue;
        }
        if (strcmp(consumer->event->name, event->topic) != 0)
            continue;
        TRY(message_decode(c, consumer->event, event->body.len, event->body.data, &message));
        TRY(consumer->run(c, message));
    }
    return ERR_OK;
}

static err_t
park(struct call *c, const struct batch *batch)
{
    const Bus__Event *event = batch->events[0];

    return db_exec(c, &q_rt_park, P_TEXT(batch->producer), P_XID8(event->position->tx),
                   P_INT(event->position->seq), P_ID(id_of(&event->event_id)), P_ID(c->tenant),
                   P_TEXT(event->topic), P_BYTES(event->body.data, event->body.len),
                   P_TEXT(err_name(batch->refusal->code)), P_TEXT(batch->refusal->reason),
                   P_TEXT(batch->refusal->text), P_INSTANT(c->wall));
}

static err_t
batch_step(struct call *c, void *arg)
{
    struct batch *batch = arg;
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_rt_feed_lock, &rows, P_TEXT(batch->producer)));
    if (rows_count(rows) == 1) {
        const Bus__Position at = { .tx = (uint64_t) rows_int(rows, 0, 0),
                                   .seq = rows_int(rows, 0, 1) };
        batch->lost = !position_equal(&at, &batch->from);
    } else {
        batch->lost = true;
    }
    if (batch->lost)
        return ERR_OK;

    for (size_t i = 0; i < batch->count && !batch->refusal; i++)
        TRY(apply_one(c, batch->producer, batch->events[i]));
    if (batch->refusal)
        TRY(park(c, batch));
    if (fault_hit("feed.move"))
        return err_set(&c->err, ERR_UNAVAILABLE, "db.away", "the database is away");
    return db_exec(c, &q_rt_feed_move, P_TEXT(batch->producer), P_XID8(batch->to.tx),
                   P_INT(batch->to.seq), P_INSTANT(c->wall));
}

/* What a batch takes of the arena dies with it: a pull has many, each with its own sealed parts. */
static err_t
run_batch(struct svc_thread *thread, struct batch *batch, struct err *err)
{
    const struct arena_mark mark = arena_mark(thread->arena);
    struct call c;
    int attempts = 0;

    call_init(&c, thread);
    c.method = "feed";
    fault_within(batch->count > 0 ? batch->events[0]->topic : c.method);
    c.caller = batch->producer;
    c.roles |= (role_set_t) ROLE_SERVICE;
    c.whole_tenant = true;
    c.deadline_us = c.wall.us + FEED_US_MAX;
    trace_take(&c, NULL);
    if (batch->count > 0)
        c.tenant = id_of(&batch->events[0]->tenant_id);
    const struct tx_options options = { .tenant = c.tenant, .deadline_us = c.deadline_us };
    const err_t code = call_in_tx(&c, &options, batch_step, batch, &attempts);
    *err = c.err;
    fault_within(c.method);
    arena_rewind(thread->arena, mark);
    return code;
}

/* Some errors say "not now" and some say "not ever". */
static bool
is_refusal(err_t code)
{
    return code != ERR_RACED && code != ERR_UNAVAILABLE && code != ERR_DEADLINE;
}

/* One event by itself: applied, or parked when it is refused. */
static err_t
run_single(struct svc_thread *thread, struct batch *batch, struct err *err)
{
    struct err refusal;
    err_t code = run_batch(thread, batch, err);

    if (code == ERR_OK || !is_refusal(code))
        return code;
    refusal = *err;
    batch->refusal = &refusal;
    code = run_batch(thread, batch, err);
    batch->refusal = NULL;
    if (code == ERR_OK && !batch->lost) {
        metrics_add(thread->rt->metrics, METRIC_FEED_PARKED, 1);
        LOG(ERROR, NULL, "event.parked", L_TEXT("from", batch->producer),
            L_TEXT("topic", batch->events[0]->topic), L_TEXT("reason", refusal.reason),
            L_TEXT("text", refusal.text));
    }
    return code;
}

static err_t
run_some(struct svc_thread *thread, struct batch *batch, struct err *err)
{
    const size_t count = batch->count;
    err_t code = ERR_OK;

    if (count > 1) {
        code = run_batch(thread, batch, err);
        if (code == ERR_OK || !is_refusal(code))
            return code;
    }
    for (size_t i = 0; i < count; i++) {
        batch->count = 1;
        batch->to = *batch->events[0]->position;
        TRY(run_single(thread, batch, err));
        if (batch->lost)
            return ERR_OK;
        batch->from = batch->to;
        batch->events++;
    }
    return ERR_OK;
}

static err_t
apply_all(struct svc_thread *thread, const char *producer, const Bus__ReadEventsReply *reply,
          Bus__Position at, struct err *err)
{
    struct batch batch = { .producer = producer, .from = at };
    size_t next;

    for (size_t i = 0; i < reply->n_events; i = next) {
        const struct id tenant = id_of(&reply->events[i]->tenant_id);

        for (next = i + 1; next < reply->n_events && next - i < BATCH_EVENTS; next++)
            if (id_cmp(id_of(&reply->events[next]->tenant_id), tenant) != 0)
                break;
        batch.events = (const Bus__Event *const *) &reply->events[i];
        batch.count = next - i;
        batch.to = *reply->events[next - 1]->position;
        TRY(run_some(thread, &batch, err));
        if (batch.lost)
            return ERR_OK;
        batch.from = *reply->events[next - 1]->position;
        metrics_add(thread->rt->metrics, METRIC_FEED_APPLIED, (int64_t) (next - i));
        if (next < reply->n_events)
            metrics_feed_behind(thread->rt->metrics, producer, reply->events[next]->recorded_us);
    }
    if (!reply->reached || position_equal(reply->reached, &batch.from))
        return ERR_OK;
    batch.count = 0; /* nothing for us up to there */
    batch.to = *reply->reached;
    return run_batch(thread, &batch, err);
}

/* --- the cursor --- */

struct cursor {
    const char *producer;
    Bus__Position at;
    bool make; /* it was not there */
    bool exists;
};

static err_t
cursor_step(struct call *c, void *arg)
{
    struct cursor *cursor = arg;
    OWNED(rows_free) struct rows *rows = NULL;

    if (cursor->make)
        TRY(db_exec(c, &q_rt_feed_open, P_TEXT(cursor->producer)));
    TRY(db_query(c, &q_rt_feed_get, &rows, P_TEXT(cursor->producer)));
    cursor->exists = rows_count(rows) == 1;
    if (cursor->exists) {
        cursor->at.tx = (uint64_t) rows_int(rows, 0, 0);
        cursor->at.seq = rows_int(rows, 0, 1);
    }
    return ERR_OK;
}

static err_t
cursor_get(struct svc_thread *thread, struct cursor *cursor, struct err *err)
{
    struct call c;
    int attempts = 0;

    call_init(&c, thread);
    c.deadline_us = c.wall.us + FEED_US_MAX;
    for (int i = 0; i < 2; i++) {
        cursor->make = i > 0; /* at first it is hoped for; the second time it is made */
        const struct tx_options options = { .read_only = i == 0, .deadline_us = c.deadline_us };
        const err_t code = call_in_tx(&c, &options, cursor_step, cursor, &attempts);
        *err = c.err;
        TRY(code);
        if (cursor->exists)
            return ERR_OK;
    }
    return err_set(err, ERR_INTERNAL, "feed.cursor", "the feed of %s has no cursor",
                   cursor->producer);
}

static size_t
wanted_topics(const struct svc *svc, const char *producer, char *topics[static FEED_TOPICS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < svc->consumer_count; i++) {
        if (strcmp(svc->consumers[i].from, producer) != 0)
            continue;
        if (!svc->consumers[i].event)
            return 0; /* all */
        assert(count < FEED_TOPICS_MAX);
        topics[count++] = (char *) svc->consumers[i].event->name;
    }
    return count;
}

err_t
feed_pull(struct svc_thread *thread, const char *producer, const struct feed_source *source,
          int *applied, struct err *err)
{
    struct cursor cursor = { .producer = producer, .at = BUS__POSITION__INIT };
    Bus__ReadEventsRequest request = BUS__READ_EVENTS_REQUEST__INIT;
    const Bus__ReadEventsReply *reply = NULL;
    char *topics[FEED_TOPICS_MAX];

    *applied = 0;
    arena_reset(thread->arena);
    TRY(cursor_get(thread, &cursor, err));
    request.after = &cursor.at;
    request.limit = PULL_EVENTS;
    request.topics = topics;
    request.n_topics = wanted_topics(thread->rt->svc, producer, topics);
    const int64_t asked_us = clock_now().us;
    TRY(source->read(source->arg, producer, &request, thread->arena, &reply, err));
    *applied = (int) reply->n_events;
    if (reply->n_events > 0)
        metrics_feed_behind(thread->rt->metrics, producer, reply->events[0]->recorded_us);
    TRY(apply_all(thread, producer, reply, cursor.at, err));
    if (reply->n_events < PULL_EVENTS)
        metrics_feed_level(thread->rt->metrics, producer, asked_us);
    return ERR_OK;
}

/* --- through the bus --- */

#include "arena/arena_pb.h"

static err_t
read_by_bus(void *arg, const char *producer, const Bus__ReadEventsRequest *request,
            struct arena *arena, const Bus__ReadEventsReply **reply, struct err *err)
{
    struct bus_client *client = arg;
    const instant_t now = clock_now();
    struct id id = id_mint(now);
    Bus__Envelope envelope = BUS__ENVELOPE__INIT;
    const Bus__Answer *answer;
    const size_t size = bus__read_events_request__get_packed_size(request);
    uint8_t *body = arena_alloc(arena, size + 1);
    ProtobufCAllocator allocator = arena_protobuf_allocator(arena);

    if (!body)
        return err_set(err, ERR_UNAVAILABLE, "feed.memory", "out of memory");
    bus__read_events_request__pack(request, body);
    envelope.request_id = (ProtobufCBinaryData){ sizeof id.bytes, id.bytes };
    envelope.method = (char *) "Common.ReadEvents";
    envelope.deadline_us = now.us + FEED_CALL_US_MAX;
    envelope.body = (ProtobufCBinaryData){ size, body };
    TRY(bus_call(client, producer, &envelope, &answer, err));
    *reply = bus__read_events_reply__unpack(&allocator, answer->body.len, answer->body.data);
    return *reply ? ERR_OK
                  : err_set(err, ERR_INTERNAL, "feed.malformed", "the events cannot be read");
}

static size_t
producers_of(const struct svc *svc, const char *producers[static FEED_PRODUCERS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < svc->consumer_count; i++) {
        size_t k = 0;
        while (k < count && strcmp(producers[k], svc->consumers[i].from) != 0)
            k++;
        if (k < count)
            continue;
        assert(count < FEED_PRODUCERS_MAX);
        producers[count++] = svc->consumers[i].from;
    }
    return count;
}

static bool
pull_all(struct svc_thread *thread, struct bus_client *client)
{
    const char *producers[FEED_PRODUCERS_MAX];
    const size_t count = producers_of(thread->rt->svc, producers);
    const struct feed_source source = { read_by_bus, client };
    bool busy = false;

    for (size_t i = 0; i < count && !atomic_load(&thread->rt->stopping); i++) {
        struct err err = { .code = ERR_OK };
        int applied;
        if (feed_pull(thread, producers[i], &source, &applied, &err) == ERR_OK) {
            busy = busy || applied > 0;
            continue;
        }
        metrics_add(thread->rt->metrics, METRIC_FEED_FAILED, 1);
        metrics_feed_behind(thread->rt->metrics, producers[i], 0);
        LOG(WARNING, NULL, "feed.failed", L_TEXT("from", producers[i]),
            L_TEXT("code", err_name(err.code)), L_TEXT("reason", err.reason),
            L_TEXT("text", err.text));
    }
    return busy;
}

void *
feed_thread(void *arg)
{
    struct runtime *rt = arg;
    const struct bus_conf conf = { rt->conf.brokers, rt->svc->name, rt->conf.bus_key,
                                   rt->conf.broker_key };
    OWNED(svc_thread_destroy) struct svc_thread *thread = NULL;
    OWNED(bus_client_destroy) struct bus_client *client = NULL;
    struct err err;

    while (!atomic_load(&rt->stopping)) {
        if (!thread && svc_thread_create(rt, 0, &thread, &err) != ERR_OK)
            thread = NULL;
        if (!client && bus_client_create(&conf, &client, &err) != ERR_OK)
            client = NULL;
        if (!thread || !client || !pull_all(thread, client))
            (void) poll(NULL, 0, (int) rt->conf.feed_every);
    }
    return NULL;
}
