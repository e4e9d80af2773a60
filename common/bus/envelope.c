/* envelope.c - unpacking with the limits of bus.proto. */
#include "bus/envelope.h"

#include <string.h>

#include "arena/arena_pb.h"
#include "bus/bus.h"
#include "bus/mdp.h"

enum { KEY_BYTES_MAX = 64, ETAG_BYTES_MAX = 128, LANGUAGE_BYTES_MAX = 16, TRACEPARENT_BYTES = 55 };

/* No more than `max` characters, all visible ASCII (what an HTTP header may carry). */
static bool
is_visible(const char *text, size_t max)
{
    size_t size = 0;

    for (; text[size]; size++) {
        if (size == max || text[size] < 0x21 || text[size] > 0x7e)
            return false;
    }
    return true;
}

static bool
is_traceparent(const char *text)
{
    static const char form[] = "xx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";

    if (*text == '\0')
        return true;
    if (strlen(text) != TRACEPARENT_BYTES)
        return false;
    for (size_t i = 0; i < TRACEPARENT_BYTES; i++) {
        if (form[i] == 'x' ? !strchr("0123456789abcdef", text[i]) : text[i] != form[i])
            return false;
    }
    return true;
}

static err_t
check(const Bus__Envelope *e, struct err *err)
{
    const char *fault = NULL;

    if (e->request_id.len != 16)
        fault = "$.requestId";
    else if (!mdp_method_is_valid(e->method, strlen(e->method)))
        fault = "$.method";
    else if (!is_traceparent(e->traceparent))
        fault = "$.traceparent";
    else if (e->tenant_id.len != 0 && e->tenant_id.len != 16)
        fault = "$.tenantId";
    else if (e->deadline_us <= 0)
        fault = "$.deadlineUs";
    else if (!is_visible(e->idempotency_key, KEY_BYTES_MAX))
        fault = "$.idempotencyKey";
    else if (!is_visible(e->if_match, ETAG_BYTES_MAX))
        fault = "$.ifMatch";
    else if (!is_visible(e->language, LANGUAGE_BYTES_MAX))
        fault = "$.language";
    if (fault)
        return err_at(err, ERR_INVALID, fault, "bus.envelope_malformed",
                      "a field of the envelope breaks its rule");
    return ERR_OK;
}

err_t
bus_envelope_unpack(struct arena *arena, const uint8_t *data, size_t size,
                    const Bus__Envelope **envelope, struct err *err)
{
    ProtobufCAllocator allocator = arena_protobuf_allocator(arena);

    if (size > BUS_ENVELOPE_BYTES_MAX)
        return err_set(err, ERR_INVALID, "bus.envelope_too_large",
                       "the envelope has %zu bytes, at most %zu are allowed", size,
                       BUS_ENVELOPE_BYTES_MAX);
    const Bus__Envelope *unpacked = bus__envelope__unpack(&allocator, size, data);
    if (!unpacked)
        return err_set(err, ERR_INVALID, "bus.envelope_malformed", "the %zu bytes are no envelope",
                       size);
    TRY(check(unpacked, err));
    *envelope = unpacked;
    return ERR_OK;
}

err_t
bus_answer_unpack(struct arena *arena, const uint8_t *data, size_t size, const Bus__Answer **answer,
                  struct err *err)
{
    ProtobufCAllocator allocator = arena_protobuf_allocator(arena);
    const Bus__Answer *unpacked = bus__answer__unpack(&allocator, size, data);

    if (!unpacked)
        return err_set(err, ERR_INTERNAL, "bus.answer_malformed", "the %zu bytes are no answer",
                       size);
    *answer = unpacked;
    return ERR_OK;
}
