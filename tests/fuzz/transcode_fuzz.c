/* Goal: whatever bytes arrive, the transcoder takes only JSON that jansson takes, what it takes
 * comes back as JSON that means the same, and what it refuses has a reason and a path. Under clang
 * this is a libFuzzer target; elsewhere fuzz_replay.c runs it over the kept corpus. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "arena/arena_pb.h"
#include "gateway_sample.pb-c.h"
#include "transcode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct shapes *shapes;
static struct arena *arena;
static const struct shape *sample;

static void
require(bool fact)
{
    if (!fact)
        abort();
}

static void
prepare(void)
{
    struct err err;

    shapes = shapes_create();
    arena = arena_create(16 << 20);
    require(shapes && arena);
    require(shapes_get(shapes, &sample__sample__descriptor, &sample, &err) == ERR_OK);
}

/* Text -> message -> wire -> message -> text: the same text, whichever way it took. */
static void
round_trip(const ProtobufCMessage *message)
{
    ProtobufCAllocator allocator = arena_protobuf_allocator(arena);
    struct text first = { 0 }, second = { 0 }, third = { 0 };
    struct filling filling;
    struct err err = { 0 };

    transcode_write(sample, message, &first);
    require(!first.failed);
    require(transcode_open(sample, arena, &filling, &err) == ERR_OK);
    require(first.used > TRANSCODE_BYTES_MAX ||
            transcode_read(&filling, first.bytes, first.used, &err) == ERR_OK);
    transcode_write(sample, filling.message, &second);
    require(first.used > TRANSCODE_BYTES_MAX ||
            (second.used == first.used && memcmp(first.bytes, second.bytes, first.used) == 0));
    const size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *wire = malloc(size + 1);
    require(wire && protobuf_c_message_pack(message, wire) == size);
    ProtobufCMessage *again = protobuf_c_message_unpack(sample->proto, &allocator, size, wire);
    if (again) { /* it may be too large for the arena */
        transcode_write(sample, again, &third);
        require(third.used == first.used && memcmp(first.bytes, third.bytes, first.used) == 0);
    }
    free(wire);
    text_free(&first);
    text_free(&second);
    text_free(&third);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct filling filling;
    struct err err = { 0 };
    json_error_t why;

    if (!shapes)
        prepare();
    arena_reset(arena);
    require(transcode_open(sample, arena, &filling, &err) == ERR_OK);
    if (transcode_read(&filling, (const char *) data, size, &err) != ERR_OK) {
        require(err.code == ERR_INVALID && strncmp(err.reason, "json.", 5) == 0 &&
                err.path[0] == '$');
        return 0;
    }
    json_t *tree = json_loadb((const char *) data, size, JSON_REJECT_DUPLICATES, &why);
    require(tree != NULL);
    json_decref(tree);
    round_trip(filling.message);
    return 0;
}
