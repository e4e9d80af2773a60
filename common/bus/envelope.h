/* envelope.h - from bytes to an Envelope or Answer whose fields obey bus.proto; fuzzed. */
#ifndef HUZHU_BUS_ENVELOPE_H
#define HUZHU_BUS_ENVELOPE_H

#include "arena/arena.h"
#include "bus.pb-c.h"
#include "err/err.h"

/* Unpacks into the arena and checks every field's size and characters.  ERR_INVALID names the
 * field; ERR_LIMITED: the arena is full. */
err_t bus_envelope_unpack(struct arena *arena, const uint8_t *data, size_t size,
                          const Bus__Envelope **envelope, struct err *err) MUST_CHECK;
err_t bus_answer_unpack(struct arena *arena, const uint8_t *data, size_t size,
                        const Bus__Answer **answer, struct err *err) MUST_CHECK;

#endif
