/* store_help.h - what the store's files share: rows into the arena. */
#ifndef HUZHU_DISCLOSURE_STORE_HELP_H
#define HUZHU_DISCLOSURE_STORE_HELP_H

#include <stdio.h>
#include <string.h>

#include "disclosure.h"
#include "disclosure.pb-c.h"
#include "disclosure_queries.h"
#include "svc/columns.h"

enum { CONTEXT_BYTES = 80 };

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
