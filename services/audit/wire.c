/* wire.c - protobuf to nouns and back, events out. */
#include "wire.h"

#include <stdio.h>
#include <string.h>

#include "svc/room.h"

err_t
record_from_wire(struct call *c, const Bus__Event *in, struct record *record)
{
    if (in->event_id.len != sizeof record->event.bytes)
        return err_set(&c->err, ERR_INVALID, "field.id", "an event without an id");
    *record = (struct record){
        .source = c->caller,
        .topic = in->topic,
        .traceparent = in->traceparent,
        .at = { in->recorded_us },
        .body = in->body.len ? in->body.data : (const uint8_t *) "",
        .body_size = in->body.len,
    };
    memcpy(record->event.bytes, in->event_id.data, sizeof record->event.bytes);
    return ERR_OK;
}

err_t
page_rows_from_wire(uint32_t page_size, int64_t *rows, struct err *err)
{
    if (page_size > PAGE_ROWS_MAX)
        return err_at(err, ERR_INVALID, "$.pageSize", PAGE_SIZE, "a page has at most %d rows",
                      PAGE_ROWS_MAX);
    *rows = page_size ? page_size : PAGE_ROWS;
    return ERR_OK;
}

err_t
page_token_from_wire(const char *token, int64_t *numbers, size_t count, struct err *err)
{
    int64_t read[PAGE_NUMBERS_MAX];
    size_t size = 0;

    assert(count <= PAGE_NUMBERS_MAX);
    if (token[0] == '\0')
        return ERR_OK;
    if (!base64url_decode(token, (uint8_t *) read, sizeof read, &size) ||
        size != count * sizeof read[0])
        return err_at(err, ERR_INVALID, "$.pageToken", PAGE_TOKEN,
                      "the page token is not one of this list");
    for (size_t i = 0; i < count; i++)
        if (read[i] < 0)
            return err_at(err, ERR_INVALID, "$.pageToken", PAGE_TOKEN,
                          "the page token is not one of this list");
    memcpy(numbers, read, size);
    return ERR_OK;
}

err_t
page_token_to_wire(struct call *c, const int64_t *numbers, size_t count, char **token)
{
    char text[PAGE_NUMBERS_MAX * 12 + 4];

    (void) base64url_encode(numbers, count * sizeof *numbers, text);
    *token = call_text(c, text);
    return *token ? ERR_OK : c->err.code;
}

static err_t
put_bytes(struct call *c, const void *from, size_t size, ProtobufCBinaryData *out)
{
    uint8_t *copy = arena_copy(c->arena, from, size);

    if (!copy && size > 0)
        return no_memory(c);
    *out = (ProtobufCBinaryData){ size, copy };
    return ERR_OK;
}

err_t
record_to_wire(struct call *c, const struct record *record, Audit__Record **out)
{
    Audit__Record *wire = arena_alloc(c->arena, sizeof *wire);

    if (!wire)
        return no_memory(c);
    audit__record__init(wire);
    wire->seq = record->seq;
    wire->source = call_text(c, record->source);
    wire->topic = call_text(c, record->topic);
    wire->traceparent = call_text(c, record->traceparent);
    wire->event_id = id_to_wire(c, record->event);
    wire->recorded_at = instant_to_wire(c, record->at);
    if (!wire->source || !wire->topic || !wire->traceparent || !wire->event_id ||
        !wire->recorded_at)
        return no_memory(c);
    TRY(put_bytes(c, record->body, record->body_size, &wire->body));
    TRY(put_bytes(c, record->leaf.bytes, sizeof record->leaf.bytes, &wire->leaf_hash));
    *out = wire;
    return ERR_OK;
}

err_t
records_to_wire(struct call *c, const struct record *records, size_t count, Audit__Record ***out)
{
    *out = arena_alloc(c->arena, (count + 1) * sizeof(void *));
    if (!*out)
        return no_memory(c);
    for (size_t i = 0; i < count; i++)
        TRY(record_to_wire(c, &records[i], &(*out)[i]));
    return ERR_OK;
}

err_t
head_to_wire(struct call *c, const struct head *head, Audit__Head **out)
{
    Audit__Head *wire = arena_alloc(c->arena, sizeof *wire);

    if (!wire)
        return no_memory(c);
    audit__head__init(wire);
    wire->size = head->size;
    wire->signed_at = instant_to_wire(c, head->at);
    wire->key_id = call_text(c, head->key_id);
    if (!wire->signed_at || !wire->key_id)
        return no_memory(c);
    TRY(put_bytes(c, head->root.bytes, sizeof head->root.bytes, &wire->root_hash));
    TRY(put_bytes(c, head->signature, sizeof head->signature, &wire->signature));
    *out = wire;
    return ERR_OK;
}

err_t
heads_to_wire(struct call *c, const struct head *heads, size_t count, Audit__Head ***out)
{
    *out = arena_alloc(c->arena, (count + 1) * sizeof(void *));
    if (!*out)
        return no_memory(c);
    for (size_t i = 0; i < count; i++)
        TRY(head_to_wire(c, &heads[i], &(*out)[i]));
    return ERR_OK;
}

err_t
proof_to_wire(struct call *c, const struct merkle_proof *proof, ProtobufCBinaryData **hashes,
              size_t *count)
{
    *hashes = arena_alloc(c->arena, (proof->count + 1) * sizeof **hashes);
    if (!*hashes)
        return no_memory(c);
    for (size_t i = 0; i < proof->count; i++)
        TRY(put_bytes(c, proof->hashes[i].bytes, MERKLE_HASH_BYTES, &(*hashes)[i]));
    *count = proof->count;
    return ERR_OK;
}

/* --- what a verifier reads --- */

bool
record_from_export(const Audit__Record *in, struct record *record)
{
    if (!in->event_id || in->event_id->value.len != sizeof record->event.bytes ||
        in->leaf_hash.len != MERKLE_HASH_BYTES || !in->recorded_at)
        return false;
    *record = (struct record){
        .seq = in->seq,
        .source = in->source,
        .topic = in->topic,
        .traceparent = in->traceparent,
        .at = { in->recorded_at->us },
        .body = in->body.len ? in->body.data : (const uint8_t *) "",
        .body_size = in->body.len,
    };
    memcpy(record->event.bytes, in->event_id->value.data, sizeof record->event.bytes);
    memcpy(record->leaf.bytes, in->leaf_hash.data, MERKLE_HASH_BYTES);
    return true;
}

bool
head_from_export(const Audit__Head *in, struct head *head)
{
    if (in->root_hash.len != MERKLE_HASH_BYTES || in->signature.len != SIGNATURE_BYTES ||
        !in->signed_at || strlen(in->key_id) >= sizeof head->key_id)
        return false;
    *head = (struct head){ .size = in->size, .at = { in->signed_at->us } };
    memcpy(head->root.bytes, in->root_hash.data, MERKLE_HASH_BYTES);
    memcpy(head->signature, in->signature.data, SIGNATURE_BYTES);
    (void) snprintf(head->key_id, sizeof head->key_id, "%s", in->key_id);
    return true;
}

err_t
emit_call_refused(struct call *c, const Audit__RecordRefusalRequest *in)
{
    Audit__CallRefused event = AUDIT__CALL_REFUSED__INIT;

    event.kind = in->kind;
    event.name = in->name;
    event.key = in->key;
    event.peer = in->peer;
    event.detail = in->detail;
    event.at_us = in->at_us;
    return event_append(c, &event.base);
}
