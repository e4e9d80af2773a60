/* health.c - /readyz: do all seven services answer through the bus?  Asked at most once a second
 * and loop, however often somebody wants to know. */
#include "bus/bus.h"
#include "call.h"
#include "respond.h"

static const char *const services[SERVICES] = { "identity",     "contributions", "claims", "coding",
                                                "disbursement", "disclosure",    "audit" };
#define HEALTH_KEPT_US US_PER_SECOND
#define PING_DEADLINE_US (2 * US_PER_SECOND)

static void
answer_one(struct conn *conn)
{
    const struct health *health = &conn->loop->health;
    struct text body = { 0 };
    bool all = true;

    TEXT_LITERAL(&body, "{\"status\":");
    for (int i = 0; i < SERVICES; i++)
        all = all && health->ok[i];
    text_puts(&body, all ? "\"ok\"" : "\"unavailable\"");
    TEXT_LITERAL(&body, ",\"services\":{");
    for (int i = 0; i < SERVICES; i++)
        text_printf(&body, "%s\"%s\":%s", i ? "," : "", services[i],
                    health->ok[i] ? "true" : "false");
    TEXT_LITERAL(&body, "}}");
    respond_json(conn, all ? 200 : 503, (struct slice){ body.bytes, body.used });
    text_free(&body);
}

static void
asked(struct loop *loop)
{
    struct health *health = &loop->health;

    if (--health->outstanding > 0)
        return;
    health->known = true;
    health->checked_us = loop->now_us;
    const size_t count = health->waiting_count;
    health->waiting_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct conn *conn = health->waiting[i];
        if (!conn)
            continue;
        answer_one(conn);
        conn_resume(conn);
    }
}

static void
ping_done(struct loop *loop, void *arg, const Bus__Answer *answer)
{
    bool *ok = arg;

    if (answer->more)
        return;
    *ok = answer->code == 0;
    asked(loop);
}

static void
ask_all(struct loop *loop)
{
    struct health *health = &loop->health;
    struct id id = id_mint((instant_t){ loop->wall_us });
    struct err err;

    health->outstanding = SERVICES + 1; /* one is ours, so that it ends even if no send works */
    for (int i = 0; i < SERVICES; i++) {
        Bus__Envelope envelope = BUS__ENVELOPE__INIT;
        uint64_t ticket;
        envelope.request_id = (ProtobufCBinaryData){ sizeof id.bytes, id.bytes };
        envelope.method = (char *) (uintptr_t) "Common.Ping";
        envelope.deadline_us = loop->wall_us + PING_DEADLINE_US;
        health->ok[i] = false;
        if (loop_send(loop, services[i], &envelope, (struct listener){ ping_done, &health->ok[i] },
                      &ticket, &err) != ERR_OK)
            health->outstanding--;
    }
    asked(loop);
}

void
health_ready(struct conn *conn)
{
    struct loop *loop = conn->loop;
    struct health *health = &loop->health;

    if (health->outstanding == 0 && health->known &&
        loop->now_us - health->checked_us < HEALTH_KEPT_US) {
        answer_one(conn);
        return;
    }
    if (health->waiting_count == COUNT(health->waiting)) {
        respond_problem(conn, "http.busy");
        return;
    }
    health->waiting[health->waiting_count++] = conn;
    conn_wait(conn);
    if (health->outstanding == 0)
        ask_all(loop);
}

void
health_forget(struct loop *loop, struct conn *conn)
{
    for (size_t i = 0; i < loop->health.waiting_count; i++)
        if (loop->health.waiting[i] == conn)
            loop->health.waiting[i] = NULL;
}
