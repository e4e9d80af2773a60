/* mdp.c - reading and writing the frames of mdp.h. */
#include "bus/mdp.h"

#include <endian.h>
#include <string.h>

enum { IN_NAME = 1, IN_METHOD = 2 };

static const uint8_t classes[256] = {
    ['a' ... 'z'] = IN_NAME | IN_METHOD, ['0' ... '9'] = IN_NAME | IN_METHOD,
    ['_'] = IN_NAME | IN_METHOD,         ['-'] = IN_NAME,
    ['A' ... 'Z'] = IN_METHOD,           ['.'] = IN_METHOD,
};

static bool
is_of_class(const char *text, size_t size, size_t size_max, uint8_t class)
{
    if (size == 0 || size > size_max)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (!(classes[(unsigned char) text[i]] & class))
            return false;
    }
    return true;
}

bool
mdp_name_is_valid(const char *name, size_t size)
{
    return is_of_class(name, size, MDP_NAME_BYTES_MAX, IN_NAME);
}

bool
mdp_method_is_valid(const char *method, size_t size)
{
    return is_of_class(method, size, MDP_METHOD_BYTES_MAX, IN_METHOD);
}

static uint64_t
get_u64(const uint8_t *at)
{
    uint64_t big;

    memcpy(&big, at, sizeof big);
    return be64toh(big);
}

static void
put_u64(uint8_t *at, uint64_t value)
{
    const uint64_t big = htobe64(value);

    memcpy(at, &big, sizeof big);
}

/* One length-prefixed text; moves *at behind it. */
static bool
take_text(const uint8_t **at, const uint8_t *end, struct mdp_text *text)
{
    if (*at == end || (size_t) (end - *at - 1) < **at)
        return false;
    text->size = **at;
    text->at = (const char *) *at + 1;
    *at += 1 + text->size;
    return true;
}

static bool
take_name(const uint8_t **at, const uint8_t *end, struct mdp_text *text)
{
    return take_text(at, end, text) && mdp_name_is_valid(text->at, text->size);
}

static bool
parse_request(const uint8_t *at, const uint8_t *end, struct mdp_frame *frame)
{
    if (end - at < 8)
        return false;
    frame->deadline_us = (int64_t) get_u64(at);
    at += 8;
    if (!take_name(&at, end, &frame->caller) || !take_name(&at, end, &frame->service) ||
        !take_text(&at, end, &frame->method) ||
        !mdp_method_is_valid(frame->method.at, frame->method.size))
        return false;
    frame->body = at;
    frame->body_size = (size_t) (end - at);
    return frame->deadline_us > 0;
}

static bool
is_request(const struct mdp_frame *frame)
{
    return frame->command == (frame->side == MDP_CLIENT ? MDP_C_REQUEST : MDP_W_REQUEST);
}

static bool
is_answer(const struct mdp_frame *frame)
{
    return frame->side == MDP_CLIENT
               ? frame->command == MDP_C_PARTIAL || frame->command == MDP_C_FINAL
               : frame->command == MDP_W_PARTIAL || frame->command == MDP_W_FINAL;
}

bool
mdp_parse(const uint8_t *data, size_t size, struct mdp_frame *frame)
{
    if (size < MDP_HEAD_BYTES || size > MDP_FRAME_BYTES_MAX || memcmp(data, "MDP", 3) != 0 ||
        memcmp(data + 4, "02", 2) != 0 || data[7] != 0)
        return false;
    if (data[3] != MDP_CLIENT && data[3] != MDP_WORKER)
        return false;
    *frame = (struct mdp_frame){ .side = data[3], .command = data[6], .number = get_u64(data + 8) };

    const uint8_t *at = data + MDP_HEAD_BYTES, *end = data + size;
    if (is_request(frame))
        return parse_request(at, end, frame);
    if (is_answer(frame)) {
        frame->body = at;
        frame->body_size = (size_t) (end - at);
        return true;
    }
    if (frame->side == MDP_WORKER && frame->command == MDP_W_READY)
        return take_name(&at, end, &frame->service) && at == end;
    if (frame->side == MDP_WORKER)
        return (frame->command == MDP_W_HEARTBEAT || frame->command == MDP_W_DISCONNECT) &&
               at == end;
    return (frame->command == MDP_C_HEARTBEAT || frame->command == MDP_C_RETURNED) && at == end;
}

size_t
mdp_head_size(const struct mdp_frame *frame)
{
    if (is_request(frame))
        return MDP_HEAD_BYTES + 8 + 3 + frame->caller.size + frame->service.size +
               frame->method.size;
    if (frame->side == MDP_WORKER && frame->command == MDP_W_READY)
        return MDP_HEAD_BYTES + 1 + frame->service.size;
    return MDP_HEAD_BYTES;
}

static uint8_t *
put_text(uint8_t *at, struct mdp_text text)
{
    assert(text.size <= UINT8_MAX);
    *at++ = (uint8_t) text.size;
    memcpy(at, text.at, text.size);
    return at + text.size;
}

void
mdp_head_write(const struct mdp_frame *frame, uint8_t *out)
{
    memcpy(out, "MDPC02", 6);
    out[7] = 0;
    mdp_patch(out, frame->side, frame->command, frame->number);
    out += MDP_HEAD_BYTES;
    if (is_request(frame)) {
        put_u64(out, (uint64_t) frame->deadline_us);
        out = put_text(out + 8, frame->caller);
        out = put_text(out, frame->service);
        (void) put_text(out, frame->method);
    } else if (frame->side == MDP_WORKER && frame->command == MDP_W_READY) {
        (void) put_text(out, frame->service);
    }
}

void
mdp_patch(uint8_t *data, enum mdp_side side, uint8_t command, uint64_t number)
{
    data[3] = (uint8_t) side;
    data[6] = command;
    put_u64(data + 8, number);
}

static const uint8_t bundle_head[MDP_BUNDLE_HEAD_BYTES] = { 'M', 'D', 'P', 'B', '0', '2', 0, 0 };

void
mdp_bundle_head_write(uint8_t *out)
{
    memcpy(out, bundle_head, sizeof bundle_head);
}

void
mdp_piece_head_write(size_t size, uint8_t *out)
{
    const uint32_t big = htobe32((uint32_t) size);

    memcpy(out, &big, sizeof big);
}

bool
mdp_is_bundle(const uint8_t *data, size_t size)
{
    return size >= sizeof bundle_head && memcmp(data, bundle_head, sizeof bundle_head) == 0;
}

struct mdp_pieces
mdp_pieces(const uint8_t *data, size_t size)
{
    return (struct mdp_pieces){ data + MDP_BUNDLE_HEAD_BYTES, data + size };
}

bool
mdp_pieces_next(struct mdp_pieces *pieces, const uint8_t **data, size_t *size)
{
    uint32_t big;

    if ((size_t) (pieces->end - pieces->at) < sizeof big)
        return false;
    memcpy(&big, pieces->at, sizeof big);
    *size = be32toh(big);
    if (*size > (size_t) (pieces->end - pieces->at) - sizeof big)
        return false;
    *data = pieces->at + sizeof big;
    pieces->at += sizeof big + *size;
    return true;
}
