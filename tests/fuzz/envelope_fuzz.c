/* Goal: whatever bytes arrive, bus_envelope_unpack() lets through only what bus.proto promises, and
 * an answer that it reads can be shown.  What it lets through is the same after a round trip. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "arena/arena.h"
#include "bus/bus.h"
#include "bus/envelope.h"
#include "bus/mdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_envelope(struct arena *arena, const Bus__Envelope *e)
{
    const size_t size = bus__envelope__get_packed_size(e);
    uint8_t *packed = malloc(size ? size : 1);
    const Bus__Envelope *again = NULL;
    struct err err;

    assert(e->request_id.len == 16);
    assert(e->tenant_id.len == 0 || e->tenant_id.len == 16);
    assert(mdp_method_is_valid(e->method, strlen(e->method)));
    assert(strlen(e->idempotency_key) <= 64 && e->deadline_us > 0);
    assert(packed);
    (void) bus__envelope__pack(e, packed);
    if (size <= BUS_ENVELOPE_BYTES_MAX &&
        bus_envelope_unpack(arena, packed, size, &again, &err) == ERR_OK) {
        assert(again->body.len == e->body.len);
        assert(strcmp(again->method, e->method) == 0);
    }
    free(packed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    OWNED(arena_destroy) struct arena *arena = arena_create(1024 * 1024);
    const Bus__Envelope *envelope;
    const Bus__Answer *answer;
    struct err err = { 0 };

    if (!arena)
        return 0;
    if (bus_envelope_unpack(arena, data, size, &envelope, &err) == ERR_OK)
        check_envelope(arena, envelope);
    else
        assert(err.code == ERR_INVALID && err.reason[0] != '\0');
    arena_reset(arena);
    if (bus_answer_unpack(arena, data, size, &answer, &err) == ERR_OK) {
        err.code = ERR_OK;
        assert(bus_answer_error(answer, &err) == bus_err_from_code(answer->code));
    }
    return 0;
}
