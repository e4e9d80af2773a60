/* file.c - replies that are a file: the reply's body goes out as it lies in the answer, not copied
 * into a message first; one that came in parts becomes the connection's own until it is out. */
#include <stdio.h>
#include <string.h>

#include "call.h"
#include "crypto/crypto.h"
#include "respond.h"

enum {
    NAME_BYTES_MAX = 240,
    HASHED_BYTES_MAX = 1 << 20, /* of a body whose ETag is its hash: the loop does nothing else */
};

/* What may leave under our name; a browser runs none of it but HTML, and that under the policy
 * below. */
static const struct {
    const char *type;
    bool is_page;
} types[] = {
    { "text/html; charset=utf-8", true },
    { "text/csv; charset=utf-8", false },
    { "text/plain; charset=utf-8", false },
    { "text/csv; charset=gb18030", false }, /* banks' files */
    { "text/plain; charset=gb18030", false },
    { "application/json", false },
    { "application/pdf", false },
    { "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", false },
    { "image/jpeg", false },
    { "image/png", false },
    { "application/zip", false },
};

size_t
file_type_count(void)
{
    return COUNT(types);
}

const char *
file_type(size_t i)
{
    return types[i].type;
}

struct file_reply {
    struct slice type, name, etag, body;
};

/* --- out of the packed reply --- */

static bool
take_varint(struct slice *rest, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; rest->size > 0 && shift < 64; shift += 7) {
        const uint8_t byte = (uint8_t) rest->bytes[0];
        rest->bytes++;
        rest->size--;
        *value |= (uint64_t) (byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static bool
take_bytes(struct slice *rest, uint64_t size, struct slice *taken)
{
    if (size > rest->size)
        return false;
    *taken = (struct slice){ rest->bytes, (size_t) size };
    rest->bytes += size;
    rest->size -= (size_t) size;
    return true;
}

static bool
is_field(const struct shape *shape, const char *name, uint64_t number)
{
    const struct field *field = shape_find(shape, name, strlen(name));

    return field && field->id == number;
}

/* The wire format of protobuf: a field's last value holds, unknown fields are passed over. */
static bool
file_read(const struct shape *shape, struct slice rest, struct file_reply *reply)
{
    enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };
    uint64_t tag, size;
    struct slice value;

    *reply = (struct file_reply){ { "", 0 }, { "", 0 }, { "", 0 }, { "", 0 } };
    while (rest.size > 0) {
        if (!take_varint(&rest, &tag))
            return false;
        const unsigned kind = tag & 7;
        if (kind == VARINT) {
            if (!take_varint(&rest, &size))
                return false;
            continue;
        }
        if (kind == BYTES && !take_varint(&rest, &size))
            return false;
        if (kind == FIXED64 || kind == FIXED32)
            size = kind == FIXED64 ? 8 : 4;
        else if (kind != BYTES)
            return false;
        if (!take_bytes(&rest, size, &value))
            return false;
        if (kind != BYTES)
            continue;
        if (is_field(shape, "content_type", tag >> 3))
            reply->type = value;
        else if (is_field(shape, "file_name", tag >> 3))
            reply->name = value;
        else if (is_field(shape, "etag", tag >> 3))
            reply->etag = value;
        else if (is_field(shape, "body", tag >> 3))
            reply->body = value;
    }
    return true;
}

/* --- the head --- */

/* A name, not a path; nothing that could end the header line. */
static bool
is_file_name(struct slice name)
{
    const char *end = name.bytes + name.size;

    if (name.size > NAME_BYTES_MAX || slice_is(name, ".") || slice_is(name, ".."))
        return false;
    for (const char *at = name.bytes; at < end;) {
        const unsigned char c = (unsigned char) *at;
        if (c < 0x20 || c == 0x7f || c == '/' || c == '\\')
            return false;
        const size_t step = c < 0x80 ? 1 : utf8_sequence(at, end);
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

/* RFC 6266: a name that old clients can read, and behind it the right one by RFC 8187 (which took
 * the place of 5987) when they differ. */
static void
disposition_write(struct text *head, struct slice name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "!#$&+-.^_`|~";
    bool differs = false;

    if (name.size == 0) {
        TEXT_LITERAL(head, "Content-Disposition: inline\r\n");
        return;
    }
    TEXT_LITERAL(head, "Content-Disposition: attachment; filename=\"");
    for (size_t i = 0; i < name.size; i++) {
        const unsigned char c = (unsigned char) name.bytes[i];
        const bool goes_on = (c & 0xc0) == 0x80;
        const bool fits = c < 0x80 && c != '"' && c != '%';
        differs = differs || !fits;
        if (fits)
            text_add(head, &name.bytes[i], 1);
        else if (!goes_on)
            TEXT_LITERAL(head, "_");
    }
    TEXT_LITERAL(head, "\"");
    if (differs)
        TEXT_LITERAL(head, "; filename*=UTF-8''");
    for (size_t i = 0; differs && i < name.size; i++) {
        const char c = name.bytes[i];
        if (c && strchr(plain, c))
            text_add(head, &c, 1);
        else
            text_printf(head, "%%%02X", (unsigned) (unsigned char) c);
    }
    TEXT_LITERAL(head, "\r\n");
}

/* The envelope's ETag, the reply's, or what the bytes say. */
static bool
etag_of(const Bus__Answer *answer, const struct file_reply *reply, char quoted[static ETAG_BYTES])
{
    const char *given = answer->etag ? answer->etag : "";
    uint8_t hash[SHA256_BYTES];

    if (given[0])
        return etag_quote((struct slice){ given, strlen(given) }, quoted);
    if (reply->etag.size > 0)
        return etag_quote(reply->etag, quoted);
    if (reply->body.size > HASHED_BYTES_MAX)
        return false;
    sha256(reply->body.bytes, reply->body.size, hash);
    quoted[0] = '"';
    for (size_t i = 0; i < 16; i++)
        (void) snprintf(quoted + 1 + 2 * i, 3, "%02x", hash[i]);
    (void) snprintf(quoted + 33, 2, "\"");
    return true;
}

static const __typeof__(types[0]) *
type_of(struct slice type)
{
    for (size_t i = 0; i < COUNT(types); i++)
        if (slice_is(type, types[i].type))
            return &types[i];
    return NULL;
}

void
file_reply(struct call *call, const Bus__Answer *answer)
{
    struct conn *conn = call->conn;
    const struct route *route = call->match.route;
    const bool in_parts = call->answer.used > 0;
    const bool is_read = conn->http.verb == VERB_GET || conn->http.verb == VERB_HEAD;
    struct slice packed = { (const char *) answer->body.data, answer->body.len };
    struct file_reply reply;
    char etag[ETAG_BYTES];

    if (in_parts)
        packed = (struct slice){ call->answer.bytes, call->answer.used };
    if (!file_read(route->out, packed, &reply)) {
        respond_internal(conn, "a reply does not unpack");
        return;
    }
    const __typeof__(types[0]) *type = type_of(reply.type);
    if (!type || !is_file_name(reply.name) || reply.body.size > FILE_BYTES_MAX) {
        respond_internal(conn, !type                       ? "a file of a type that may not leave"
                               : !is_file_name(reply.name) ? "a file with a name that is none"
                                                           : "a file is too large");
        return;
    }
    const bool has_etag = etag_of(answer, &reply, etag);
    const bool same =
        has_etag && is_read && etag_matches(http_header(&conn->http, HEADER_IF_NONE_MATCH), etag);
    struct text *head = respond_begin(conn, same ? 304 : route->status);
    if (has_etag)
        text_printf(head, "ETag: %s\r\n", etag);
    if (!same) {
        text_printf(head, "Content-Type: %s\r\n", type->type);
        disposition_write(head, reply.name);
    }
    text_puts(head, type->is_page ? PAGE_POLICY_HEADERS : API_POLICY_HEADERS);
    respond_caching(conn, head);
    if (same)
        respond_end(conn, (struct slice){ NULL, 0 });
    else
        respond_end_large(conn, reply.body, in_parts ? &call->answer : NULL);
}
