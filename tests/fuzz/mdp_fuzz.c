/* Goal: whatever a client and three workers say, in whatever order, the frame parser reads only
 * within its bytes, a frame that is read can be written again as it was, and the broker's rules
 * keep their books: what is in flight is what waits and what is in hand, and nobody is given more
 * than its credit.
 *
 * The input is a script of messages: [who: 1] [what: 1] [size: 2] [bytes].  `what` chooses between
 * raw bytes, a good head with the input's body, a bundle, the passing of time, and somebody's
 * going. */
#include <stdint.h>

#include "broker_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const users[] = { "u/0/gateway", "u/0/claims", "u/0/claims", "u/0/coding",
                                     "u/9/claims",  "k/x/y",      "",           "u/0/audit" };
static const char *const names[] = { "gateway", "claims", "coding", "audit" };
static const char table[] = "peer 0 gateway\npeer 0 claims\npeer 0 coding\ncall gateway claims\n"
                            "call * coding Get*\n";

static void
check_parser(const uint8_t *data, size_t size)
{
    struct mdp_frame frame;
    uint8_t head[MDP_REQUEST_HEAD_BYTES_MAX];

    if (!mdp_parse(data, size, &frame))
        return;
    const size_t head_size = mdp_head_size(&frame);
    assert(head_size <= sizeof head && head_size <= size);
    mdp_head_write(&frame, head);
    assert(memcmp(head, data, head_size) == 0);
    assert(head_size + frame.body_size == size);
}

/* Whatever stands in a bundle, its pieces lie within it, one behind the other. */
static void
check_pieces(const uint8_t *data, size_t size)
{
    const uint8_t *at, *last = data + MDP_BUNDLE_HEAD_BYTES;
    size_t length;

    if (!mdp_is_bundle(data, size))
        return;
    struct mdp_pieces pieces = mdp_pieces(data, size);
    while (mdp_pieces_next(&pieces, &at, &length)) {
        assert(at == last + MDP_PIECE_HEAD_BYTES);
        assert(length <= (size_t) (data + size - at));
        last = at + length;
    }
    assert(pieces.at == last);
}

/* The input's bytes as a bundle of somebody who sends them. */
static void
say_bundle(struct rig *rig, uint64_t peer, const uint8_t *at, size_t size)
{
    uint8_t bytes[MDP_BUNDLE_HEAD_BYTES + 2 * (MDP_PIECE_HEAD_BYTES + MDP_REQUEST_HEAD_BYTES_MAX) +
                  256];
    size_t end = MDP_BUNDLE_HEAD_BYTES;

    mdp_bundle_head_write(bytes);
    for (uint64_t i = 0; i < 2; i++) {
        const struct mdp_frame frame = {
            .side = MDP_CLIENT,
            .command = MDP_C_REQUEST,
            .number = i,
            .deadline_us = RIG_WALL_US + rig->now_us + 100000,
            .caller = mdp_text(names[peer % 4]),
            .service = mdp_text("claims"),
            .method = mdp_text("Do"),
        };
        mdp_piece_head_write(mdp_head_size(&frame), bytes + end);
        mdp_head_write(&frame, bytes + end + MDP_PIECE_HEAD_BYTES);
        end += MDP_PIECE_HEAD_BYTES + mdp_head_size(&frame);
    }
    if (size > 0)
        memcpy(bytes + end, at, size);
    check_pieces(bytes, end + size);
    rig_receive(rig, peer, users[peer], bytes, end + size);
}

static void
check_books(const struct core *core)
{
    const struct core_totals totals = core_totals(core);
    uint32_t waiting = 0, in_hand = 0;

    for (size_t i = 0; i < core_service_count(core); i++) {
        const struct core_service s = core_service(core, i);
        assert(s.queued <= 8 + 64); /* a bound, and what came back from lost workers */
        assert(s.queued > 0 || s.queued_bytes == 0);
        waiting += s.queued;
        in_hand += s.in_hand;
    }
    assert(waiting + in_hand == totals.in_flight);
}

static void
say_well(struct rig *rig, uint64_t peer, const uint8_t *at, size_t size)
{
    const uint8_t how = size > 0 ? at[0] : 0, more = size > 1 ? at[1] : 0;
    const struct mdp_frame frame = {
        .side = how & 1 ? MDP_WORKER : MDP_CLIENT,
        .command = 1 + (how >> 1) % 6,
        .number =
            size > 2 && at[2] % 4 == 0
                ? at[2]
                : (rig->count ? rig->sent[(rig->count - 1) % RIG_SENT_MAX].frame.number : more),
        .deadline_us = RIG_WALL_US + rig->now_us + more * 1000,
        .caller = mdp_text(names[peer % 4]),
        .service = mdp_text(names[more % 4]),
        .method = mdp_text(more & 4 ? "GetIt" : "Do"),
    };
    rig_say(rig, peer, users[peer], &frame, "body");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct core_conf conf = { .queue_count_max = 8,
                                           .queue_bytes_max = 4096,
                                           .worker_silence_us = 1000000,
                                           .peers_max = 6,
                                           .requests_max = 64 };
    static struct rig rig;

    check_parser(data, size);
    check_pieces(data, size);
    rig_init(&rig, table, &conf);
    while (size >= 4) {
        const uint64_t peer = data[0] % COUNT(users);
        const uint8_t what = data[1];
        size_t take = (size_t) (data[2] << 8 | data[3]) % 256;
        data += 4;
        size -= 4;
        if (take > size)
            take = size;
        rig.gone = what >= 0xf0 ? what % COUNT(users) : UINT64_MAX;
        if (what < 0x40)
            rig_receive(&rig, peer, users[peer], data, take);
        else if (what < 0xd0)
            say_well(&rig, peer, data, take);
        else if (what < 0xe0)
            rig_pass(&rig, (int64_t) what * 4000);
        else if (what < 0xe8)
            say_bundle(&rig, peer, data, take);
        else
            core_probe(rig.core);
        core_flush(rig.core);
        assert(core_held(rig.core) == 0);
        check_parser(data, take);
        check_books(rig.core);
        data += take;
        size -= take;
    }
    rig_done(&rig);
    return 0;
}
