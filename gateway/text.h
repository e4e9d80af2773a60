/* text.h - a growing buffer for what the gateway writes: heads, JSON, log lines.
 *
 * A failed allocation or a text beyond the limit sets `failed` and drops what follows, so that a
 * writer checks once, at the end.  Never NUL-terminated. */
#ifndef HUZHU_GATEWAY_TEXT_H
#define HUZHU_GATEWAY_TEXT_H

#include <string.h>

#include "base/base.h"

struct text {
    char *bytes;
    size_t used, room;
    size_t limit; /* of `used`; 0: TEXT_BYTES_MAX */
    bool failed;
};

/* Twice the largest reply of the bus (16 MiB of arena) can need. */
#define TEXT_BYTES_MAX ((size_t) 32 * 1024 * 1024)

/* Grows so that `more` bytes fit behind `used`; false (and failed) when they cannot. */
bool text_grow(struct text *text, size_t more);
void text_free(struct text *text);

static inline bool
text_reserve(struct text *text, size_t more)
{
    return more <= text->room - text->used || text_grow(text, more);
}

static inline void
text_add(struct text *text, const void *bytes, size_t size)
{
    if (size > 0 && text_reserve(text, size)) {
        memcpy(text->bytes + text->used, bytes, size);
        text->used += size;
    }
}

#define TEXT_LITERAL(text, literal) text_add((text), "" literal, sizeof(literal) - 1)

static inline void
text_puts(struct text *text, const char *from)
{
    text_add(text, from, strlen(from));
}

void text_int(struct text *text, int64_t value);
void text_uint(struct text *text, uint64_t value);
void text_printf(struct text *text, const char *fmt, ...) PRINTF(2, 3);

/* The bytes as a JSON string with its quotes.  What is not UTF-8 becomes U+FFFD. */
void text_json(struct text *text, const char *bytes, size_t size);
static inline void
text_json_puts(struct text *text, const char *from)
{
    text_json(text, from, strlen(from));
}

/* Length (2..4) of the well-formed UTF-8 sequence of a non-ASCII character at `at`, or 0 (Unicode
 * 15, table 3-7). */
size_t utf8_sequence(const char *at, const char *end);
/* The first byte that a JSON string does not carry as it is: a quote, a backslash, a control
 * character, or one that is not ASCII. */
const char *json_plain_end(const char *at, const char *end);

#endif
