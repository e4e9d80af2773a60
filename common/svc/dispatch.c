/* dispatch.c - finds, opens, decodes and runs an rpc; what a handler may ask of its call. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena/arena_pb.h"
#include "runtime_queries.h"
#include "svc/runtime.h"

/* "FileClaim" needs the messages FileClaimRequest and FileClaimReply. */
static bool
names_agree(const char *rpc, const char *message, const char *suffix)
{
    const size_t size = strlen(rpc);

    return strncmp(message, rpc, size) == 0 && strcmp(message + size, suffix) == 0;
}

bool
svc_is_complete(const struct svc *svc)
{
    if (svc->method_count != svc->descriptor->n_methods)
        return false;
    for (size_t i = 0; i < svc->method_count; i++) {
        const ProtobufCMethodDescriptor *types = &svc->descriptor->methods[i];
        if (strcmp(svc->methods[i].rpc, types->name) != 0 ||
            !names_agree(types->name, types->input->short_name, "Request") ||
            !names_agree(types->name, types->output->short_name, "Reply"))
            return false;
    }
    return true;
}

const struct svc_method *
method_find(const struct svc *svc, const char *rpc, size_t *index)
{
    for (size_t i = 0; i < svc->method_count; i++) {
        if (strcmp(svc->methods[i].rpc, rpc) == 0) {
            *index = i;
            return &svc->methods[i];
        }
    }
    return NULL;
}

err_t
method_authorise(const struct svc_method *method, struct call *c)
{
    if (call_has(c, method->roles))
        return ERR_OK;
    /* Who has not signed in is asked to; who has is told no. */
    if (id_is_nil(c->account) && !call_has(c, (role_set_t) ROLE_SERVICE))
        return err_set(&c->err, ERR_UNAUTHENTICATED, "call.not_signed_in",
                       "%s needs a caller who has signed in", method->rpc);
    return err_set(&c->err, ERR_FORBIDDEN, "call.role", "%s is not open to this caller's roles",
                   method->rpc);
}

static err_t
too_large(struct call *c)
{
    return err_set(&c->err, ERR_LIMITED, "rpc.too_large",
                   "the request needs more than %zu bytes of memory", CALL_ARENA_BYTES_MAX);
}

err_t
message_decode(struct call *c, const ProtobufCMessageDescriptor *type, size_t size,
               const uint8_t *bytes, ProtobufCMessage **out)
{
    ProtobufCAllocator allocator = arena_protobuf_allocator(c->arena);
    ProtobufCMessage *message = protobuf_c_message_unpack(type, &allocator, size, bytes);

    if (!message)
        return err_set(&c->err, ERR_INVALID, "rpc.malformed", "the body is not a %s", type->name);
    *out = message;
    return ERR_OK;
}

err_t
message_make(struct call *c, const ProtobufCMessageDescriptor *type, ProtobufCMessage **out)
{
    ProtobufCMessage *message = arena_alloc(c->arena, type->sizeof_message);

    if (!message)
        return too_large(c);
    protobuf_c_message_init(type, message);
    *out = message;
    return ERR_OK;
}

err_t
message_pack_within(struct call *c, const ProtobufCMessage *message, size_t most,
                    ProtobufCBinaryData *out)
{
    const size_t size = protobuf_c_message_get_packed_size(message);

    if (size > most)
        return err_set(&c->err, ERR_LIMITED, "rpc.reply_too_large",
                       "the reply has %zu bytes; %zu fit", size, most);
    uint8_t *bytes = arena_alloc(c->arena, size ? size : 1);
    if (!bytes)
        return too_large(c);
    protobuf_c_message_pack(message, bytes);
    *out = (ProtobufCBinaryData){ size, bytes };
    return ERR_OK;
}

err_t
message_pack(struct call *c, const ProtobufCMessage *message, ProtobufCBinaryData *out)
{
    return message_pack_within(c, message, REPLY_PART_BYTES_MAX, out);
}

/* --- what a handler asks of its call --- */

void
call_saw(struct call *c, uint32_t labels, struct id subject)
{
    /* Looks at several people are one record without a subject. */
    if (c->labels_read != 0 && id_cmp(c->subject, subject) != 0)
        c->subject = (struct id){ { 0 } };
    else
        c->subject = subject;
    c->labels_read |= labels;
}

err_t
call_matches(struct call *c, const char *etag)
{
    if (!c->if_match || c->if_match[0] == '\0' || strcmp(c->if_match, etag) == 0)
        return ERR_OK;
    return err_set(&c->err, ERR_STALE, "etag.stale", "the thing changed since it was read");
}

err_t
call_as_tenant(struct call *c, struct id tenant)
{
    char text[ID_TEXT_BYTES] = "";

    assert(c->thread && c->thread->is_duty);
    if (!id_is_nil(tenant))
        id_format(tenant, text);
    c->tenant = tenant;
    return db_exec(c, &q_rt_bind_tenant, P_TEXT(text));
}
