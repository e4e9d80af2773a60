/* rules.c - what a record and a head are, byte by byte.  Pure: no clock, no database, no log. */
#include "rules.h"

#include <string.h>

static void
put_number(uint64_t number, size_t size, uint8_t *out)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t) (number >> (8 * (size - 1 - i)));
}

static const char record_prefix[] = "huzhu audit record v1"; /* and its NUL */

static uint8_t *
put_text(uint8_t *at, const char *text)
{
    const size_t size = strlen(text);

    put_number(size, 4, at);
    memcpy(at + 4, text, size); /* NOLINT: its length stands before it, no end behind */
    return at + 4 + size;
}

size_t
record_canonical(struct id tenant, const struct record *record, uint8_t *out)
{
    const size_t size = sizeof record_prefix + sizeof tenant.bytes + sizeof record->event.bytes +
                        8 + 4 + strlen(record->source) + 4 + strlen(record->topic) + 4 +
                        strlen(record->traceparent) + SHA256_BYTES;
    uint8_t *at = out;

    if (!out)
        return size;
    memcpy(at, record_prefix, sizeof record_prefix);
    at += sizeof record_prefix;
    memcpy(at, tenant.bytes, sizeof tenant.bytes);
    at += sizeof tenant.bytes;
    memcpy(at, record->event.bytes, sizeof record->event.bytes);
    at += sizeof record->event.bytes;
    put_number((uint64_t) record->at.us, 8, at);
    at = put_text(at + 8, record->source);
    at = put_text(at, record->topic);
    at = put_text(at, record->traceparent);
    sha256(record->body, record->body_size, at);
    return size;
}

static void
add_text(struct sha256 *hash, const char *text)
{
    const size_t size = strlen(text);
    uint8_t length[4];

    put_number(size, sizeof length, length);
    sha256_add(hash, length, sizeof length);
    sha256_add(hash, text, size);
}

/* The same bytes, hashed without a copy: feeds run through here. */
merkle_hash_t
record_leaf(struct id tenant, const struct record *record)
{
    static const uint8_t leaf_prefix = 0; /* RFC 9162 2.1.1 */
    struct sha256 *hash = sha256_create();
    uint8_t body[SHA256_BYTES], at[8];
    merkle_hash_t leaf;

    assert(hash);
    sha256(record->body, record->body_size, body);
    put_number((uint64_t) record->at.us, sizeof at, at);
    sha256_add(hash, &leaf_prefix, 1);
    sha256_add(hash, record_prefix, sizeof record_prefix);
    sha256_add(hash, tenant.bytes, sizeof tenant.bytes);
    sha256_add(hash, record->event.bytes, sizeof record->event.bytes);
    sha256_add(hash, at, sizeof at);
    add_text(hash, record->source);
    add_text(hash, record->topic);
    add_text(hash, record->traceparent);
    sha256_add(hash, body, sizeof body);
    sha256_finish(hash, leaf.bytes);
    return leaf;
}

void
head_text(struct id tenant, const struct head *head, uint8_t out[static HEAD_TEXT_BYTES])
{
    static const char prefix[] = "huzhu audit head v1"; /* and its NUL */

    memcpy(out, prefix, sizeof prefix);
    out += sizeof prefix;
    memcpy(out, tenant.bytes, sizeof tenant.bytes);
    out += sizeof tenant.bytes;
    put_number((uint64_t) head->size, 8, out);
    memcpy(out + 8, head->root.bytes, sizeof head->root.bytes);
    put_number((uint64_t) head->at.us, 8, out + 8 + sizeof head->root.bytes);
}

err_t
rule_sizes(int64_t older, int64_t newer, struct err *err)
{
    if (older < 1)
        return err_at(err, ERR_INVALID, "$.olderSize", SIZE_ORDER,
                      "a head has at least one record");
    if (newer != 0 && newer < older)
        return err_at(err, ERR_INVALID, "$.newerSize", SIZE_ORDER,
                      "the older head has %lld records, the newer %lld", (long long) older,
                      (long long) newer);
    return ERR_OK;
}
