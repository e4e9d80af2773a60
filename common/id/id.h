/* id.h - UUIDv7 (RFC 9562 section 5.7), minted by the client for everything it creates, so that a
 * repeated request is the same request. */
#ifndef HUZHU_ID_H
#define HUZHU_ID_H

#include "clock/clock.h"

struct id {
    uint8_t bytes[16];
};

#define ID_TEXT_BYTES 37 /* 8-4-4-4-12 and NUL */

struct id id_mint(instant_t now); /* later ids of one thread sort after earlier ones */
void id_format(struct id id, char text[static ID_TEXT_BYTES]);
bool id_parse(const char *text, struct id *id) MUST_CHECK; /* canonical form only, either case */
int id_cmp(struct id a, struct id b);
bool id_is_nil(struct id id);

/* Fills from the kernel; never fails (aborts where the kernel has no randomness). */
void random_bytes(void *out, size_t size);

#endif
