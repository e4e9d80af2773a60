/* broker_rig.h - a broker's core without a network: what it sends is kept as a list of frames. */
#ifndef HUZHU_BROKER_RIG_H
#define HUZHU_BROKER_RIG_H

#include <stdlib.h>
#include <string.h>

#include "bus.pb-c.h"
#include "bus/bus.h"
#include "core.h"

enum { RIG_SENT_MAX = 4096 };

struct rig_sent {
    uint64_t to;
    size_t message;         /* which one it came in */
    struct mdp_frame frame; /* points into bytes */
    uint8_t bytes[512];
};

struct rig {
    struct permissions *permissions;
    struct core *core;
    size_t count, taken, refused, messages;
    uint64_t greeted; /* who was sent a bundle last */
    char refusal[24];
    uint64_t gone; /* this peer cannot be reached */
    uint64_t own_ticket;
    uint32_t own_code;
    int64_t now_us;
    struct rig_sent sent[RIG_SENT_MAX]; /* the last: never cleared */
};

/* Whatever a broker was given, all that it sends is frames. */
static inline void
rig_keep(struct rig *rig, uint64_t peer, const uint8_t *data, size_t size)
{
    struct rig_sent *sent = &rig->sent[rig->count % RIG_SENT_MAX];

    sent->to = peer;
    sent->message = rig->messages;
    memcpy(sent->bytes, data, size < sizeof sent->bytes ? size : sizeof sent->bytes);
    const bool parsed = mdp_parse(data, size, &sent->frame);
    assert(parsed);
    if (size <= sizeof sent->bytes) {
        const bool again = mdp_parse(sent->bytes, size, &sent->frame);
        assert(again);
    }
    rig->count++;
}

static inline enum core_sent
rig_send(void *arg, uint64_t peer, zmq_msg_t *msg)
{
    struct rig *rig = arg;
    const uint8_t *data = zmq_msg_data(msg);
    size_t size = zmq_msg_size(msg);

    if (peer == rig->gone) {
        (void) zmq_msg_close(msg);
        return CORE_GONE;
    }
    rig->messages++;
    if (mdp_is_bundle(data, size)) {
        struct mdp_pieces pieces = mdp_pieces(data, size);
        while (mdp_pieces_next(&pieces, &data, &size))
            rig_keep(rig, peer, data, size);
        assert(pieces.at == pieces.end);
        rig->greeted = peer;
    } else {
        rig_keep(rig, peer, data, size);
    }
    (void) zmq_msg_close(msg);
    return CORE_SENT;
}

static inline void
rig_refuse(void *arg, const struct refusal *refusal)
{
    struct rig *rig = arg;

    rig->refused++;
    (void) __builtin_snprintf(rig->refusal, sizeof rig->refusal, "%s", refusal->kind);
}

static inline void
rig_answered(void *arg, uint64_t ticket, const uint8_t *answer, size_t size)
{
    struct rig *rig = arg;
    Bus__Answer *read = bus__answer__unpack(NULL, size, answer);

    rig->own_ticket = ticket;
    rig->own_code = read ? read->code : 999;
    bus__answer__free_unpacked(read, NULL);
}

#define RIG_WALL_US (INT64_C(1800000000) * 1000000)

static inline void
rig_pass(struct rig *rig, int64_t us)
{
    rig->now_us += us;
    core_set_time(rig->core, rig->now_us, RIG_WALL_US + rig->now_us);
    core_tick(rig->core);
    core_flush(rig->core);
}

static inline void
rig_init(struct rig *rig, const char *table, const struct core_conf *conf)
{
    const struct core_io io = { rig, rig_send, rig_refuse, rig_answered };
    struct err err;

    memset(rig, 0, offsetof(struct rig, sent));
    rig->now_us = 1000000;
    if (permissions_parse(table, &rig->permissions, &err) != ERR_OK ||
        core_create(conf, &io, rig->permissions, &rig->core, &err) != ERR_OK)
        abort();
    core_set_time(rig->core, rig->now_us, RIG_WALL_US + rig->now_us);
}

static inline void
rig_done(struct rig *rig)
{
    core_destroy(rig->core);
    permissions_destroy(rig->permissions);
}

static inline void
rig_receive(struct rig *rig, uint64_t peer, const char *user, const void *bytes, size_t size)
{
    zmq_msg_t msg;

    if (zmq_msg_init_size(&msg, size) != 0)
        abort();
    if (size > 0)
        memcpy(zmq_msg_data(&msg), bytes, size);
    core_receive(rig->core, peer, user, &msg);
    core_flush(rig->core);
}

static inline void
rig_say(struct rig *rig, uint64_t peer, const char *user, const struct mdp_frame *frame,
        const char *body)
{
    uint8_t bytes[512];
    const size_t head = mdp_head_size(frame);

    mdp_head_write(frame, bytes);
    memcpy(bytes + head, body, strlen(body));
    rig_receive(rig, peer, user, bytes, head + strlen(body));
}

/* The next thing the broker sent; NULL when there is nothing more. */
static inline const struct rig_sent *
rig_next(struct rig *rig)
{
    return rig->taken < rig->count ? &rig->sent[rig->taken++ % RIG_SENT_MAX] : NULL;
}
#endif
