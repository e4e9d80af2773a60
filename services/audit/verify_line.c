/* verify_line.c - that a published line is what the signed log says. */
#include "verify_line.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena/arena_pb.h"
#include "disclosure.pb-c.h"
#include "rules.h"

struct bytes {
    const uint8_t *data;
    size_t size;
};

struct check {
    struct arena *arena;
    char *says;
};

static bool no(struct check *k, const char *fmt, ...) PRINTF(2, 3);

static bool
no(struct check *k, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void) vsnprintf(k->says, LINE_SAYS_BYTES, fmt, args);
    va_end(args);
    return false;
}

static void
json_drop(json_t **json)
{
    json_decref(*json);
}

/* --- values, each in its one spelling --- */

static bool
only_fields(struct check *k, json_t *object, const char *const *names)
{
    const char *key;
    json_t *value;

    if (!json_is_object(object))
        return no(k, "it is no JSON object");
    json_object_foreach(object, key, value)
    {
        size_t i = 0;
        while (names[i] && strcmp(names[i], key) != 0)
            i++;
        if (!names[i])
            return no(k, "the field %.40s is not known", key);
    }
    return true;
}

/* The standard alphabet with padding, and nothing that decodes to the same bytes otherwise. */
static bool
base64_read(struct check *k, const char *text, struct bytes *out)
{
    const size_t size = strlen(text);
    char *url = arena_strdup(k->arena, text), *again = arena_alloc(k->arena, size + 4);
    uint8_t *data = arena_alloc(k->arena, size + 4);

    if (!url || !again || !data)
        return no(k, "there is not enough memory");
    if (size % 4 != 0 || strpbrk(text, "-_"))
        return no(k, "a value is not base64");
    for (char *at = url; *at; at++)
        *at = (char) (*at == '+' ? '-' : *at == '/' ? '_' : *at);
    for (size_t i = 0; i < 2 && url[0] && url[strlen(url) - 1] == '='; i++)
        url[strlen(url) - 1] = '\0';
    if (!base64url_decode(url, data, size + 4, &out->size))
        return no(k, "a value is not base64");
    (void) base64url_encode(data, out->size, again);
    if (strcmp(again, url) != 0)
        return no(k, "a value is not canonical base64");
    out->data = data;
    return true;
}

static bool
bytes_field(struct check *k, const json_t *object, const char *name, struct bytes *out)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? base64_read(k, text, out) : no(k, "the field %s is missing", name);
}

static bool
hash_field(struct check *k, const json_t *object, const char *name, merkle_hash_t *out)
{
    struct bytes bytes = { NULL, 0 };

    if (!bytes_field(k, object, name, &bytes))
        return false;
    if (bytes.size != sizeof out->bytes)
        return no(k, "%s is no hash", name);
    memcpy(out->bytes, bytes.data, sizeof out->bytes);
    return true;
}

static bool
path_field(struct check *k, const json_t *object, const char *name, struct merkle_proof *proof)
{
    const json_t *list = json_object_get(object, name);

    proof->count = 0;
    if (list && !json_is_array(list))
        return no(k, "%s is no list", name);
    if (json_array_size(list) > COUNT(proof->hashes))
        return no(k, "%s is too long", name);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        struct bytes bytes = { NULL, 0 };
        if (!text || !base64_read(k, text, &bytes))
            return no(k, "%s holds what is no hash", name);
        if (bytes.size != MERKLE_HASH_BYTES)
            return no(k, "%s holds what is no hash", name);
        memcpy(proof->hashes[proof->count++].bytes, bytes.data, MERKLE_HASH_BYTES);
    }
    return true;
}

/* A 64-bit number travels as text; what is absent is 0. */
static bool
long_field(struct check *k, const json_t *object, const char *name, int64_t *out)
{
    const json_t *value = json_object_get(object, name);
    const char *text = json_string_value(value);
    char again[24];

    *out = 0;
    if (!value)
        return true;
    if (!text)
        return no(k, "%s is no number in quotes", name);
    *out = strtoll(text, NULL, 10);
    (void) snprintf(again, sizeof again, "%" PRId64, *out);
    return strcmp(again, text) == 0 && *out > 0 ? true : no(k, "%s is no number", name);
}

static bool
small_field(struct check *k, const json_t *object, const char *name, int64_t *out)
{
    const json_t *value = json_object_get(object, name);

    *out = json_integer_value(value);
    if (value && (!json_is_integer(value) || *out < 1 || *out > UINT32_MAX))
        return no(k, "%s is no number", name);
    return true;
}

/* --- the line: it and its path give the root of its page --- */

struct line_said {
    int64_t number, index, size;
    merkle_hash_t root, page;
};

/* The text is what is hashed; number and cells, which people read, must say the same. */
static bool
text_matches(struct check *k, const json_t *line, const char *text, int64_t number)
{
    const json_t *cells = json_object_get(line, "cells");
    char digits[24];
    size_t used = (size_t) snprintf(digits, sizeof digits, "%" PRId64, number);

    if (cells && !json_is_array(cells))
        return no(k, "the cells of the line are no list");
    if (strncmp(text, digits, used) != 0)
        return no(k, "the text of the line is not that of its number");
    for (size_t i = 0; i < json_array_size(cells); i++) {
        const char *cell = json_string_value(json_array_get(cells, i));
        if (!cell || text[used] != '\t' || strncmp(text + used + 1, cell, strlen(cell)) != 0)
            return no(k, "the text of the line is not that of its cells");
        used += 1 + strlen(cell);
    }
    return text[used] == '\0' ? true : no(k, "the text of the line is longer than its cells");
}

static bool
line_read(struct check *k, json_t *json, struct line_said *said)
{
    static const char *const fields[] = { "line", "leafIndex",  "treeSize", "path",
                                          "root", "pageSha256", NULL };
    static const char *const of_line[] = { "number", "cells", "text", NULL };
    json_t *line = json_object_get(json, "line");
    struct merkle_proof path;

    if (!only_fields(k, json, fields) || !only_fields(k, line, of_line) ||
        !small_field(k, line, "number", &said->number) ||
        !small_field(k, json, "leafIndex", &said->index) ||
        !small_field(k, json, "treeSize", &said->size) || !path_field(k, json, "path", &path) ||
        !hash_field(k, json, "root", &said->root) ||
        !hash_field(k, json, "pageSha256", &said->page))
        return false;
    const char *text = json_string_value(json_object_get(line, "text"));
    if (!text)
        return no(k, "the line has no text");
    if (said->number != said->index + 1)
        return no(k, "the line is not at its own place");
    if (!text_matches(k, line, text, said->number))
        return false;
    if (!merkle_verify_inclusion((uint64_t) said->index, (uint64_t) said->size,
                                 merkle_leaf(text, strlen(text)), &path, said->root))
        return no(k, "the line and its path do not lead to the root of the page");
    return true;
}

/* --- the page: its record is a leaf under a signed head --- */

struct page_said {
    struct id tenant;
    int64_t seq;
    struct bytes canonical, body;
    struct head head;
    merkle_hash_t root, page;
    const Disclosure__PagePublished *published;
};

static bool
take(struct bytes *rest, size_t size, struct bytes *taken)
{
    if (size > rest->size)
        return false;
    *taken = (struct bytes){ rest->data, size };
    rest->data += size;
    rest->size -= size;
    return true;
}

static bool
take_text(struct bytes *rest, struct bytes *text)
{
    struct bytes length;

    if (!take(rest, 4, &length))
        return false;
    return take(rest,
                (size_t) length.data[0] << 24 | (size_t) length.data[1] << 16 |
                    (size_t) length.data[2] << 8 | length.data[3],
                text);
}

static bool
is_text(struct bytes bytes, const char *text)
{
    return bytes.size == strlen(text) && memcmp(bytes.data, text, bytes.size) == 0;
}

/* The canonical bytes say: of this tenant, from disclosure, PagePublished, with this body. */
static bool
canonical_check(struct check *k, struct page_said *said)
{
    static const char prefix[] = "huzhu audit record v1"; /* and its NUL */
    struct bytes rest = said->canonical, front, tenant, event, at, source, topic, trace, digest;
    uint8_t body[SHA256_BYTES];

    if (!take(&rest, sizeof prefix, &front) || memcmp(front.data, prefix, sizeof prefix) != 0 ||
        !take(&rest, 16, &tenant) || !take(&rest, 16, &event) || !take(&rest, 8, &at) ||
        !take_text(&rest, &source) || !take_text(&rest, &topic) || !take_text(&rest, &trace) ||
        !take(&rest, SHA256_BYTES, &digest) || rest.size != 0)
        return no(k, "the canonical bytes are no record");
    if (memcmp(tenant.data, said->tenant.bytes, sizeof said->tenant.bytes) != 0)
        return no(k, "the record is of another log");
    if (!is_text(source, "disclosure") ||
        !is_text(topic, disclosure__page_published__descriptor.name))
        return no(k, "the record is of no published page");
    sha256(said->body.data, said->body.size, body);
    if (memcmp(digest.data, body, sizeof body) != 0)
        return no(k, "the body is not the record's");
    return true;
}

static bool
head_read(struct check *k, json_t *json, struct head *head)
{
    static const char *const fields[] = {
        "size", "rootHash", "signedAt", "keyId", "signature", NULL
    };
    const char *at = json_string_value(json_object_get(json, "signedAt"));
    const char *key = json_string_value(json_object_get(json, "keyId"));
    char again[INSTANT_TEXT_BYTES];
    struct bytes signature = { NULL, 0 };

    if (!only_fields(k, json, fields) || !long_field(k, json, "size", &head->size) ||
        !hash_field(k, json, "rootHash", &head->root) ||
        !bytes_field(k, json, "signature", &signature))
        return false;
    if (!at || !instant_parse(at, &head->at))
        return no(k, "the head has no time");
    instant_format(head->at, again);
    if (strcmp(again, at) != 0)
        return no(k, "the head's time is not as we write it");
    if (!key || strlen(key) != KEY_ID_BYTES - 1 || signature.size != SIGNATURE_BYTES)
        return no(k, "the head has no signature");
    (void) snprintf(head->key_id, sizeof head->key_id, "%s", key);
    memcpy(head->signature, signature.data, SIGNATURE_BYTES);
    return true;
}

static bool
tenant_read(struct check *k, const json_t *json, struct id *tenant)
{
    const char *text = json_string_value(json_object_get(json, "tenantId"));
    char again[ID_TEXT_BYTES];

    if (!text || !id_parse(text, tenant))
        return no(k, "the log is not named");
    id_format(*tenant, again);
    return strcmp(again, text) == 0 ? true : no(k, "the log is not named as we write it");
}

static bool
page_read(struct check *k, json_t *json, struct page_said *said)
{
    static const char *const fields[] = { "tenantId", "seq",      "canonical",  "body", "leafHash",
                                          "hashes",   "pageRoot", "pageSha256", "head", NULL };
    ProtobufCAllocator allocator = arena_protobuf_allocator(k->arena);
    struct merkle_proof path;
    merkle_hash_t leaf;

    if (!only_fields(k, json, fields) || !tenant_read(k, json, &said->tenant) ||
        !long_field(k, json, "seq", &said->seq) ||
        !bytes_field(k, json, "canonical", &said->canonical) ||
        !bytes_field(k, json, "body", &said->body) || !hash_field(k, json, "leafHash", &leaf) ||
        !path_field(k, json, "hashes", &path) || !hash_field(k, json, "pageRoot", &said->root) ||
        !hash_field(k, json, "pageSha256", &said->page) ||
        !head_read(k, json_object_get(json, "head"), &said->head) || !canonical_check(k, said))
        return false;
    said->published =
        disclosure__page_published__unpack(&allocator, said->body.size, said->body.data);
    if (!said->published)
        return no(k, "the body is no published page");
    const merkle_hash_t made = merkle_leaf(said->canonical.data, said->canonical.size);
    if (!bytes_equal(made.bytes, leaf.bytes, sizeof leaf.bytes))
        return no(k, "the leaf is not that of the record");
    if (!merkle_verify_inclusion((uint64_t) said->seq, (uint64_t) said->head.size, leaf, &path,
                                 said->head.root))
        return no(k, "the record and its path do not lead to the root of the head");
    return true;
}

static bool
head_is_signed(struct check *k, const struct line_proof *proof, const struct page_said *said)
{
    uint8_t text[HEAD_TEXT_BYTES];

    head_text(said->tenant, &said->head, text);
    for (size_t i = 0; i < proof->key_count; i++)
        if (verifier_check(proof->keys[i], said->head.key_id, text, sizeof text,
                           said->head.signature, sizeof said->head.signature))
            return true;
    return no(k, "the head is not signed by a trusted key");
}

/* --- both --- */

static bool
same(const ProtobufCBinaryData *bytes, merkle_hash_t hash)
{
    return bytes->len == sizeof hash.bytes &&
           bytes_equal(bytes->data, hash.bytes, sizeof hash.bytes);
}

static bool
fits_together(struct check *k, const struct line_said *line, const struct page_said *page)
{
    const Disclosure__PagePublished *published = page->published;

    if (!same(&published->root, page->root) || !same(&published->page_sha256, page->page))
        return no(k, "what is said of the page is not what its record says");
    if (!same(&published->root, line->root) || !same(&published->page_sha256, line->page) ||
        published->lines != line->size)
        return no(k, "the line is of another page, or of another version");
    return true;
}

bool
line_is_proved(const struct line_proof *proof, struct arena *arena,
               char says[static LINE_SAYS_BYTES])
{
    struct check k = { arena, says };
    struct page_said page = { .seq = 0 };
    struct line_said line = { .size = 0 };
    char at[INSTANT_TEXT_BYTES];
    json_error_t error;
    CLEANUP(json_drop)
    json_t *of_line = json_loadb(proof->line, proof->line_size, JSON_REJECT_DUPLICATES, &error);
    CLEANUP(json_drop)
    json_t *of_page = json_loadb(proof->page, proof->page_size, JSON_REJECT_DUPLICATES, &error);

    if (!of_line || !of_page)
        return no(&k, "the %s is no JSON", of_line ? "page" : "line");
    if (!line_read(&k, of_line, &line) || !page_read(&k, of_page, &page) ||
        !head_is_signed(&k, proof, &page) || !fits_together(&k, &line, &page))
        return false;
    instant_format(page.head.at, at);
    (void) snprintf(says, LINE_SAYS_BYTES,
                    "line %" PRId64 " of %" PRId64 " is as published; its page is record %" PRId64
                    " of %" PRId64 ", signed %s by key %s",
                    line.number, line.size, page.seq, page.head.size, at, page.head.key_id);
    return true;
}
