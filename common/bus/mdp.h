/* mdp.h - the frames of MDP/0.2 (RFC 18) as huzhu lays them out; services/broker/README.md is the
 * specification.  Pure: bytes in, fields out; no socket, no clock, no allocation.
 *
 * The RFC's frames travel end to end in ONE ZeroMQ frame: ZMTP frames, and CURVE encrypts, each
 * ZeroMQ frame by itself, so that five frames cost nearly five times one.  All fields that a broker
 * changes have a fixed place, so it forwards a large message without copying it.  */
#ifndef HUZHU_BUS_MDP_H
#define HUZHU_BUS_MDP_H

#include "base/base.h"

#define MDP_HEAD_BYTES ((size_t) 16) /* protocol, command, zero, number */
#define MDP_NAME_BYTES_MAX 31        /* of callers and services: a-z 0-9 - _ */
#define MDP_METHOD_BYTES_MAX 63      /* A-Z a-z 0-9 . _ */
#define MDP_REQUEST_HEAD_BYTES_MAX                                                                 \
    (MDP_HEAD_BYTES + 8 + 1 + MDP_NAME_BYTES_MAX + 1 + MDP_NAME_BYTES_MAX + 1 +                    \
     MDP_METHOD_BYTES_MAX)
#define MDP_FRAME_BYTES_MAX ((size_t) 2 * 1024 * 1024 + 1024) /* an envelope and its head */

enum mdp_side { MDP_CLIENT = 'C', MDP_WORKER = 'W' };

/* RFC 18's numbers; the last two are ours: a client that asks whether we live, and a request that
 * comes back because nobody here serves it. */
enum mdp_client_command {
    MDP_C_REQUEST = 1,
    MDP_C_PARTIAL = 2,
    MDP_C_FINAL = 3,
    MDP_C_HEARTBEAT = 4,
    MDP_C_RETURNED = 5,
};
enum mdp_worker_command {
    MDP_W_READY = 1,
    MDP_W_REQUEST = 2,
    MDP_W_PARTIAL = 3,
    MDP_W_FINAL = 4,
    MDP_W_HEARTBEAT = 5,
    MDP_W_DISCONNECT = 6,
};

struct mdp_text { /* not NUL-terminated; points into the frame */
    const char *at;
    size_t size;
};

struct mdp_frame {
    enum mdp_side side;
    uint8_t command;
    uint64_t number; /* REQUEST, PARTIAL, FINAL, RETURNED: the ticket; READY: the credit; HEARTBEAT:
                        the session (from a broker) */
    int64_t deadline_us;                     /* REQUEST: wall clock */
    struct mdp_text caller, service, method; /* REQUEST; READY has service alone */
    const uint8_t *body;                     /* REQUEST: envelope; PARTIAL, FINAL: answer */
    size_t body_size;
};

/* False when the bytes are no frame of ours; *frame is then unspecified. */
bool mdp_parse(const uint8_t *data, size_t size, struct mdp_frame *frame) MUST_CHECK;

/* The bytes in front of the body, and writing them.  Names must obey the rules above. */
size_t mdp_head_size(const struct mdp_frame *frame);
void mdp_head_write(const struct mdp_frame *frame, uint8_t *out);

/* Readdresses a parsed frame in place: what a broker does to forward it. */
void mdp_patch(uint8_t *data, enum mdp_side side, uint8_t command, uint64_t number);

/* --- bundle: several frames in one message, each behind its size --- */

#define MDP_BUNDLE_HEAD_BYTES ((size_t) 8) /* "MDPB02", two zeros */
#define MDP_PIECE_HEAD_BYTES ((size_t) 4)

void mdp_bundle_head_write(uint8_t *out);
void mdp_piece_head_write(size_t size, uint8_t *out);
bool mdp_is_bundle(const uint8_t *data, size_t size);
struct mdp_pieces {
    const uint8_t *at, *end; /* what is left */
};
/* The pieces of what mdp_is_bundle() found. */
struct mdp_pieces mdp_pieces(const uint8_t *data, size_t size);
/* The next piece, which need not be a frame; false when there is none, or what is left is none:
 * then pieces->at is not the end. */
bool mdp_pieces_next(struct mdp_pieces *pieces, const uint8_t **data, size_t *size) MUST_CHECK;

bool mdp_name_is_valid(const char *name, size_t size);
bool mdp_method_is_valid(const char *method, size_t size);

static inline struct mdp_text
mdp_text(const char *text)
{
    return (struct mdp_text){ text, __builtin_strlen(text) };
}
static inline bool
mdp_text_is(struct mdp_text text, const char *other)
{
    return __builtin_strlen(other) == text.size && __builtin_memcmp(other, text.at, text.size) == 0;
}

#endif
