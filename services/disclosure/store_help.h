/* store_help.h - what the store's files share: rows into the arena. */
#ifndef HUZHU_DISCLOSURE_STORE_HELP_H
#define HUZHU_DISCLOSURE_STORE_HELP_H

#include <stdio.h>
#include <string.h>

#include "disclosure.h"
#include "disclosure.pb-c.h"
#include "disclosure_queries.h"
#include "svc/svc.h"

enum { CONTEXT_BYTES = 80 };

static inline err_t
no_memory(struct call *c)
{
    return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the request needs too much memory");
}

/* A list of `count` zeroed items. */
#define MAKE_LIST(c, n, list)                                                                      \
    do {                                                                                           \
        *(list) = arena_alloc((c)->arena, ((size_t) (n) + 1) * sizeof **(list));                   \
        if (!*(list))                                                                              \
            return no_memory(c);                                                                   \
    } while (0)

/* A text of a row, which dies with the rows, into the arena; "" for NULL. */
static inline err_t
text_of(struct call *c, const struct rows *rows, int row, int column, const char **out)
{
    const char *text = rows_is_null(rows, row, column) ? "" : rows_text(rows, row, column);

    *out = arena_strdup(c->arena, text);
    return *out ? ERR_OK : no_memory(c);
}

static inline err_t
bytes_of(struct call *c, const struct rows *rows, int row, int column, ProtobufCBinaryData *out)
{
    size_t size;
    const void *bytes = rows_bytes(rows, row, column, &size);

    out->len = size;
    out->data = arena_copy(c->arena, bytes, size);
    return out->data ? ERR_OK : no_memory(c);
}

static inline struct param
p_date_or_null(date_t date)
{
    return date.days == 0 ? P_NULL : P_DATE(date);
}

static inline date_t
date_or_zero(const struct rows *rows, int row, int column)
{
    return rows_is_null(rows, row, column) ? (date_t){ 0 } : rows_date(rows, row, column);
}

static inline instant_t
instant_or_zero(const struct rows *rows, int row, int column)
{
    return rows_is_null(rows, row, column) ? (instant_t){ 0 } : rows_instant(rows, row, column);
}

/* Bound to the place: "disclosure.person/<id>". */
static inline void
context_of(const char *what, struct id id, char text[static CONTEXT_BYTES])
{
    char name[ID_TEXT_BYTES];

    id_format(id, name);
    (void) snprintf(text, CONTEXT_BYTES, "disclosure.%s/%s", what, name);
}

static inline err_t
seal_message(struct call *c, const char *what, struct id id, const ProtobufCMessage *message,
             ProtobufCBinaryData *sealed)
{
    char context[CONTEXT_BYTES];
    ProtobufCBinaryData packed;

    context_of(what, id, context);
    TRY(message_pack(c, message, &packed));
    return call_seal(c, context, packed.data, packed.len, sealed);
}

static inline err_t
open_message(struct call *c, const char *what, struct id id, const ProtobufCBinaryData *sealed,
             const ProtobufCMessageDescriptor *type, ProtobufCMessage **out)
{
    char context[CONTEXT_BYTES];
    ProtobufCBinaryData plain;

    context_of(what, id, context);
    TRY(call_unseal(c, context, sealed->data, sealed->len, &plain));
    return message_decode(c, type, plain.len, plain.data, out);
}

#endif
