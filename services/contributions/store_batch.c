/* store_batch.c - many rows in one statement: a JSON array of the arena. */
#include "store_batch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ROOM_BYTES = 16 * 1024 };

static void
put(struct batch *b, const char *bytes, size_t size)
{
    if (!b->bytes)
        return;
    if (b->room - b->used < size + 1) {
        const size_t room = (b->room + size) * 2;
        char *more = arena_alloc(b->c->arena, room);
        if (more)
            memcpy(more, b->bytes, b->used);
        b->bytes = more;
        b->room = room;
        if (!more)
            return;
    }
    memcpy(b->bytes + b->used, bytes, size);
    b->used += size;
    b->bytes[b->used] = '\0';
}

static void
puts_(struct batch *b, const char *text)
{
    put(b, text, strlen(text));
}

void
batch_begin(struct batch *b, struct call *c)
{
    *b = (struct batch){ .c = c, .room = ROOM_BYTES };
    b->bytes = arena_alloc(c->arena, b->room);
    put(b, "[", 1);
}

void
batch_row(struct batch *b)
{
    puts_(b, b->rows ? "},{" : "{");
    b->rows++;
    b->in_row = false;
}

static void
name_it(struct batch *b, const char *name)
{
    puts_(b, b->in_row ? ",\"" : "\"");
    puts_(b, name);
    put(b, "\":", 2);
    b->in_row = true;
}

void
batch_raw(struct batch *b, const char *name, const char *json)
{
    name_it(b, name);
    puts_(b, json);
}

void
batch_id(struct batch *b, const char *name, struct id id)
{
    char text[ID_TEXT_BYTES];

    if (id_is_nil(id)) {
        batch_raw(b, name, "null");
        return;
    }
    id_format(id, text);
    name_it(b, name);
    put(b, "\"", 1);
    puts_(b, text);
    put(b, "\"", 1);
}

void
batch_int(struct batch *b, const char *name, int64_t value)
{
    char text[24];

    (void) snprintf(text, sizeof text, "%" PRId64, value);
    batch_raw(b, name, text);
}

void
batch_bool(struct batch *b, const char *name, bool value)
{
    batch_raw(b, name, value ? "true" : "false");
}

static void
put_quoted(struct batch *b, const char *text)
{
    put(b, "\"", 1);
    for (const char *p = text; *p; p++) {
        char escaped[8];
        if (*p == '"' || *p == '\\') {
            put(b, "\\", 1);
            put(b, p, 1);
        } else if ((unsigned char) *p < 0x20) {
            (void) snprintf(escaped, sizeof escaped, "\\u%04x", (unsigned) *p);
            puts_(b, escaped);
        } else {
            put(b, p, 1);
        }
    }
    put(b, "\"", 1);
}

void
batch_text(struct batch *b, const char *name, const char *text)
{
    if (!text) {
        batch_raw(b, name, "null");
        return;
    }
    name_it(b, name);
    put_quoted(b, text);
}

void
batch_item(struct batch *b, const char *text)
{
    if (b->items)
        put(b, ",", 1);
    b->items = true;
    put_quoted(b, text);
}

void
batch_day(struct batch *b, const char *name, date_t day)
{
    char text[DATE_TEXT_BYTES];

    date_format(day, text);
    batch_text(b, name, text);
}

void
batch_date(struct batch *b, const char *name, const Huzhu__Date *date)
{
    if (date)
        batch_day(b, name, (date_t){ date->days });
    else
        batch_raw(b, name, "null");
}

void
batch_instant(struct batch *b, const char *name, instant_t at)
{
    char text[INSTANT_TEXT_BYTES];

    instant_format(at, text);
    batch_text(b, name, text);
}

void
batch_bytes(struct batch *b, const char *name, const void *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";

    if (size == 0) {
        batch_raw(b, name, "null");
        return;
    }
    name_it(b, name);
    puts_(b, "\"\\\\x");
    for (size_t i = 0; i < size; i++) {
        const uint8_t byte = ((const uint8_t *) bytes)[i];
        put(b, (const char[]){ digits[byte >> 4], digits[byte & 15] }, 2);
    }
    put(b, "\"", 1);
}

const char *
batch_end(struct batch *b)
{
    puts_(b, b->rows ? "}]" : "]");
    if (!b->bytes)
        (void) err_set(&b->c->err, ERR_LIMITED, "rpc.too_large",
                       "the request needs too much memory");
    return b->bytes;
}

const char *
ids_text(struct call *c, const struct id *ids, size_t count)
{
    char *text = arena_alloc(c->arena, count * ID_TEXT_BYTES + 3), *at = text;

    if (!text) {
        (void) err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the request needs too much memory");
        return NULL;
    }
    *at++ = '{';
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            *at++ = ',';
        id_format(ids[i], at);
        at += ID_TEXT_BYTES - 1;
    }
    *at++ = '}';
    *at = '\0';
    return text;
}
