/* wire.c - the types that every contract shares, in and out; memory is the request's arena. */
#include <string.h>

#include "svc/svc.h"

static void *
made(struct call *c, size_t size)
{
    void *p = arena_alloc(c->arena, size);

    if (!p)
        (void) err_set(&c->err, ERR_LIMITED, "rpc.too_large",
                       "the request needs more than %zu bytes of memory", CALL_ARENA_BYTES_MAX);
    return p;
}

char *
call_text(struct call *c, const char *text)
{
    const size_t size = strlen(text) + 1;
    char *copy = made(c, size);

    return copy ? memcpy(copy, text, size) : NULL;
}

char *
call_html(struct call *c, const char *text)
{
    char *const out = made(c, strlen(text) * (sizeof "&quot;" - 1) + 1), *end = out;

    for (; out && *text; text++) {
        const char *entity = *text == '<'   ? "&lt;"
                             : *text == '>' ? "&gt;"
                             : *text == '&' ? "&amp;"
                             : *text == '"' ? "&quot;"
                                            : NULL;
        if (!entity)
            *end++ = *text;
        while (entity && *entity)
            *end++ = *entity++;
    }
    return out; /* the arena is zeroed, so the text ends */
}

err_t
id_from_wire(const Huzhu__Id *in, const char *path, struct id *id, struct err *err)
{
    if (!in)
        return err_at(err, ERR_INVALID, path, "field.missing", "an id is missing");
    if (in->value.len != sizeof id->bytes)
        return err_at(err, ERR_INVALID, path, "field.id", "an id has 16 bytes, not %zu",
                      in->value.len);

    struct id read;
    memcpy(read.bytes, in->value.data, sizeof read.bytes);
    if (id_is_nil(read))
        return err_at(err, ERR_INVALID, path, "field.id", "the nil id names nothing");
    *id = read;
    return ERR_OK;
}

Huzhu__Id *
id_to_wire(struct call *c, struct id id)
{
    struct wired {
        Huzhu__Id message;
        uint8_t bytes[sizeof id.bytes];
    } *out = id_is_nil(id) ? NULL : made(c, sizeof *out);

    if (!out)
        return NULL;
    huzhu__id__init(&out->message);
    memcpy(out->bytes, id.bytes, sizeof out->bytes);
    out->message.value = (ProtobufCBinaryData){ sizeof out->bytes, out->bytes };
    return &out->message;
}

Huzhu__Instant *
instant_to_wire(struct call *c, instant_t at)
{
    Huzhu__Instant *out = made(c, sizeof *out);

    if (!out)
        return NULL;
    huzhu__instant__init(out);
    out->us = at.us;
    return out;
}

Huzhu__Date *
date_to_wire(struct call *c, date_t date)
{
    Huzhu__Date *out = made(c, sizeof *out);

    if (!out)
        return NULL;
    huzhu__date__init(out);
    out->days = date.days;
    return out;
}

Huzhu__Money *
money_to_wire(struct call *c, money_t amount)
{
    Huzhu__Money *out = made(c, sizeof *out);

    if (!out)
        return NULL;
    huzhu__money__init(out);
    out->fen = amount.fen;
    return out;
}
