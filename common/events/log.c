/* log.c - a service's event log: appended in the business transaction, read over the bus.
 *
 * Law: lock the aggregate before the transaction's first write.  Its transaction ids then follow
 * its history, and the log's order (tx, seq) keeps the events of one aggregate in order; tests/race
 * shows what happens otherwise. */
#include <stdio.h>
#include <string.h>

#include "fault/fault.h"
#include "runtime_queries.h"
#include "svc/runtime.h"

err_t
event_append(struct call *c, const ProtobufCMessage *event)
{
    ProtobufCBinaryData body;

    if (fault_hit("event.append"))
        return err_set(&c->err, ERR_UNAVAILABLE, "db.away", "the database is away");
    TRY(message_pack(c, event, &body));
    return db_exec(c, &q_rt_event_append, P_ID(id_mint(c->wall)), P_ID(c->tenant),
                   P_TEXT(event->descriptor->name), P_BYTES(body.data, body.len),
                   P_INSTANT(c->wall), P_TEXT(c->thread ? c->thread->traceparent : ""));
}

/* --- reading --- */

enum { READ_EVENTS_MAX = 500, TOPICS_MAX = 64, TOPIC_BYTES_MAX = 128 };
/* A reply fits one envelope: reading stops before the sum of bodies reaches this. */
#define READ_BYTES_MAX ((size_t) 1024 * 1024)

/* '{"a","b"}': a text[] in PostgreSQL's text form.  Topics are message names: nothing to quote. */
static err_t
topics_text(struct call *c, const Bus__ReadEventsRequest *in, char **out)
{
    char *text = arena_alloc(c->arena, 3 + in->n_topics * (TOPIC_BYTES_MAX + 3));
    size_t used = 0;

    if (!text || in->n_topics > TOPICS_MAX)
        return err_at(&c->err, ERR_INVALID, "$.topics", "events.topics", "at most %d topics",
                      TOPICS_MAX);
    text[used++] = '{';
    for (size_t i = 0; i < in->n_topics; i++) {
        const char *topic = in->topics[i];
        const size_t size = strlen(topic);
        if (size == 0 || size > TOPIC_BYTES_MAX ||
            strspn(topic, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.") !=
                size)
            return err_at(&c->err, ERR_INVALID, "$.topics", "events.topics",
                          "a topic is a message's full name");
        if (i > 0)
            text[used++] = ',';
        /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): the arena is zeroed */
        memcpy(text + used, topic, size);
        used += size;
    }
    text[used] = '}';
    *out = text;
    return ERR_OK;
}

static ProtobufCBinaryData
copy_bytes(struct call *c, const void *bytes, size_t size)
{
    return (ProtobufCBinaryData){ size, arena_copy(c->arena, bytes, size) };
}

struct wired_event {
    Bus__Event event;
    Bus__Position position;
};

/* NULL when memory is out. */
static Bus__Event *
event_to_wire(struct call *c, const struct rows *rows, int row)
{
    struct wired_event *out = arena_alloc(c->arena, sizeof *out);
    size_t size;

    if (!out)
        return NULL;
    bus__event__init(&out->event);
    bus__position__init(&out->position);
    out->event.position = &out->position;
    out->position.tx = (uint64_t) rows_int(rows, row, 0);
    out->position.seq = rows_int(rows, row, 1);

    const struct id event_id = rows_id(rows, row, 2), tenant = rows_id(rows, row, 3);
    out->event.event_id = copy_bytes(c, event_id.bytes, sizeof event_id.bytes);
    if (!id_is_nil(tenant))
        out->event.tenant_id = copy_bytes(c, tenant.bytes, sizeof tenant.bytes);
    out->event.topic = arena_strdup(c->arena, rows_text(rows, row, 4));
    const void *body = rows_bytes(rows, row, 5, &size);
    out->event.body = copy_bytes(c, body, size);
    out->event.recorded_us = rows_instant(rows, row, 6).us;
    out->event.traceparent = arena_strdup(c->arena, rows_text(rows, row, 7));
    if (!out->event.event_id.data || !out->event.topic || (size > 0 && !out->event.body.data) ||
        !out->event.traceparent || (!id_is_nil(tenant) && !out->event.tenant_id.data))
        return NULL;
    return &out->event;
}

struct reading {
    const Bus__ReadEventsRequest *in;
    Bus__ReadEventsReply *out;
    Bus__Position after;
    char *topics;
};

static err_t
fill(struct call *c, const struct rows *rows, Bus__ReadEventsReply *out)
{
    size_t total = 0;

    out->events = arena_alloc(c->arena, sizeof(Bus__Event *) * ((size_t) rows_count(rows) + 1));
    if (!out->events)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the events need too much memory");
    for (int i = 0; i < rows_count(rows); i++) {
        size_t size;
        (void) rows_bytes(rows, i, 5, &size);
        if (i > 0 && total + size > READ_BYTES_MAX)
            break;
        total += size + 256;
        out->events[i] = event_to_wire(c, rows, i);
        if (!out->events[i])
            return err_set(&c->err, ERR_LIMITED, "rpc.too_large",
                           "the events need too much memory");
        *out->reached = *out->events[i]->position;
        out->n_events++;
    }
    return ERR_OK;
}

static err_t
read_log(struct call *c, void *arg)
{
    const struct reading *r = arg;
    OWNED(rows_free) struct rows *rows = NULL, *last = NULL;

    bus__read_events_reply__init(r->out);
    r->out->reached = arena_copy(c->arena, &r->after, sizeof r->after);
    if (!r->out->reached)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the events need too much memory");

    /* With topics wanted, the last settled position is asked for first: what settles between the
     * two questions lies behind it and is not passed over. */
    if (r->in->n_topics > 0)
        TRY(db_query(c, &q_rt_event_settled, &last, P_XID8(r->after.tx), P_INT(r->after.seq)));
    TRY(db_query(c, &q_rt_event_after, &rows, P_XID8(r->after.tx), P_INT(r->after.seq),
                 P_TEXT(r->topics), P_INT4(r->in->limit)));
    TRY(fill(c, rows, r->out));

    const bool all_read =
        r->out->n_events == (size_t) rows_count(rows) && r->out->n_events < r->in->limit;
    if (all_read && last && rows_count(last) > 0) {
        Bus__Position *reached = r->out->reached;
        const uint64_t tx = (uint64_t) rows_int(last, 0, 0);
        const int64_t seq = rows_int(last, 0, 1);
        if (tx > reached->tx || (tx == reached->tx && seq > reached->seq)) {
            reached->tx = tx;
            reached->seq = seq;
        }
    }
    return ERR_OK;
}

/* The connection of the feed role: it sees the event table over all tenants and nothing else. */
static err_t
feed_db(struct call *c)
{
    struct runtime *rt = c->thread->rt;
    static const struct stmt *const reads[] = { &q_rt_event_after, &q_rt_event_settled, NULL };
    static const struct stmt *const *const lists[] = { reads, NULL };
    const char *url = runtime_url(rt->conf.feed_url, rt->conf.feed_url_file);
    const struct db_conf conf = { .url = url, .schema = rt->svc->name, .statements = lists };

    if (url[0] == '\0')
        return err_set(&c->err, ERR_UNAVAILABLE, "events.closed", "no feed_url is set");
    return rt->feed_db ? ERR_OK : db_open(&conf, 0, &rt->feed_db, &c->err);
}

err_t
common_read_events(struct call *c, const Bus__ReadEventsRequest *in, Bus__ReadEventsReply *out)
{
    struct runtime *rt = c->thread->rt;
    struct reading reading = { .in = in, .out = out, .after = BUS__POSITION__INIT };
    struct tx *tx = NULL;

    if (in->limit < 1 || in->limit > READ_EVENTS_MAX)
        return err_at(&c->err, ERR_INVALID, "$.limit", "events.limit", "limit is 1 to %d",
                      READ_EVENTS_MAX);
    if (in->after)
        reading.after = *in->after;
    TRY(topics_text(c, in, &reading.topics));

    /* A read takes a millisecond or two and consumers are few: one connection under a lock costs
     * less than one for each thread. */
    (void) pthread_mutex_lock(&rt->feed_lock);
    err_t code = feed_db(c);
    for (int attempt = 0; code == ERR_OK; attempt++) {
        code = tx_begin(rt->feed_db,
                        &(struct tx_options){ .read_only = true, .deadline_us = c->deadline_us },
                        &c->err, &tx);
        if (code == ERR_OK) {
            c->tx = tx;
            code = read_log(c, &reading);
            if (code == ERR_OK)
                code = tx_commit(tx);
            tx_end(tx);
            c->tx = NULL;
        }
        /* A connection that had died while idle is seen at its first use: once more. */
        if (code != ERR_UNAVAILABLE || attempt > 0)
            break;
        code = ERR_OK;
    }
    (void) pthread_mutex_unlock(&rt->feed_lock);
    return code;
}
