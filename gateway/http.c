/* http.c - what llhttp leaves to its user: framing that cannot be read in two ways, and limits. */
#include "http.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

enum {
    HEAD_BYTES_KEPT = 4096,     /* a head buffer larger than this is not kept over a request */
    EXTENSION_BYTES_MAX = 1024, /* chunk extensions: legal, useless, so bounded */
};

static const struct {
    const char *name;
    enum header header;
} header_names[] = {
    { "host", HEADER_HOST },
    { "content-type", HEADER_CONTENT_TYPE },
    { "content-length", HEADER_CONTENT_LENGTH },
    { "transfer-encoding", HEADER_TRANSFER_ENCODING },
    { "expect", HEADER_EXPECT },
    { "cookie", HEADER_COOKIE },
    { "authorization", HEADER_AUTHORIZATION },
    { "x-csrf-token", HEADER_CSRF_TOKEN },
    { "origin", HEADER_ORIGIN },
    { "sec-fetch-site", HEADER_SEC_FETCH_SITE },
    { "idempotency-key", HEADER_IDEMPOTENCY_KEY },
    { "if-match", HEADER_IF_MATCH },
    { "if-none-match", HEADER_IF_NONE_MATCH },
    { "accept", HEADER_ACCEPT },
    { "accept-encoding", HEADER_ACCEPT_ENCODING },
    { "accept-language", HEADER_ACCEPT_LANGUAGE },
    { "traceparent", HEADER_TRACEPARENT },
    { "prefer", HEADER_PREFER },
    { "content-encoding", HEADER_CONTENT_ENCODING },
};

static const char *const verb_names[VERB_COUNT] = {
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS",
};

const char *
verb_name(enum verb verb)
{
    return verb < VERB_COUNT ? verb_names[verb] : "OTHER";
}

/* --- slices --- */

bool
slice_is(struct slice slice, const char *text)
{
    return strlen(text) == slice.size && memcmp(slice.bytes, text, slice.size) == 0;
}

static char
small(char c)
{
    return c >= 'A' && c <= 'Z' ? (char) (c | 0x20) : c;
}

bool
slice_starts(struct slice slice, const char *text)
{
    for (size_t i = 0; text[i]; i++)
        if (i == slice.size || small(slice.bytes[i]) != small(text[i]))
            return false;
    return true;
}

bool
slice_is_nocase(struct slice slice, const char *text)
{
    return slice.size == strlen(text) && slice_starts(slice, text);
}

struct slice
slice_trim(struct slice slice)
{
    while (slice.size > 0 && (slice.bytes[0] == ' ' || slice.bytes[0] == '\t')) {
        slice.bytes++;
        slice.size--;
    }
    while (slice.size > 0 &&
           (slice.bytes[slice.size - 1] == ' ' || slice.bytes[slice.size - 1] == '\t'))
        slice.size--;
    return slice;
}

struct slice
slice_cut(struct slice *rest, char mark)
{
    const char *at = rest->size ? memchr(rest->bytes, mark, rest->size) : NULL;
    struct slice cut = *rest;

    if (at) {
        cut.size = (size_t) (at - rest->bytes);
        *rest = (struct slice){ at + 1, rest->size - cut.size - 1 };
    } else {
        *rest = (struct slice){ rest->bytes + rest->size, 0 };
    }
    return cut;
}

struct slice
http_header(const struct http *http, enum header header)
{
    if (!http_has(http, header))
        return (struct slice){ "", 0 };
    return slice_trim(
        (struct slice){ http->head + http->kept[header].at, http->kept[header].size });
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = small(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
percent_decode(struct slice from, bool plus_is_space, char *to, size_t *size)
{
    size_t used = 0;

    for (size_t i = 0; i < from.size; i++) {
        char c = from.bytes[i];
        if (c == '%') {
            const int high = i + 2 < from.size ? hex_digit(from.bytes[i + 1]) : -1;
            const int low = i + 2 < from.size ? hex_digit(from.bytes[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char) (high << 4 | low);
            i += 2;
            if (c == '\0')
                return false;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        to[used++] = c;
    }
    *size = used;
    return true;
}

/* --- llhttp's callbacks --- */

static int
refuse(struct http *http, int status, const char *reason)
{
    if (http->status == 0) {
        http->status = status;
        http->reason = reason;
    }
    return HPE_USER;
}

static bool
keep(struct http *http, const char *bytes, size_t size)
{
    if (size > http->head_room - http->head_used) {
        size_t room = http->head_room ? http->head_room : 1024;
        while (room - http->head_used < size)
            room *= 2;
        char *head = realloc(http->head, room);
        if (!head)
            return false;
        http->head = head;
        http->head_room = room;
    }
    memcpy(http->head + http->head_used, bytes, size);
    http->head_used += size;
    return true;
}

static int
on_url(llhttp_t *parser, const char *at, size_t size)
{
    struct http *http = parser->data;

    if (size > http->limits->target_bytes - http->target.size)
        return refuse(http, 414, "http.target_too_long");
    if (!keep(http, at, size))
        return refuse(http, 503, "http.busy");
    http->target.size += (uint32_t) size;
    return 0;
}

static int
on_header_field(llhttp_t *parser, const char *at, size_t size)
{
    struct http *http = parser->data;

    for (size_t i = 0; i < size && http->name_size < sizeof http->name; i++)
        http->name[http->name_size++] = small(at[i]);
    return 0;
}

static int
on_header_field_complete(llhttp_t *parser)
{
    struct http *http = parser->data;
    const size_t size = http->name_size;

    http->name_size = 0;
    http->current = HEADER_NONE;
    if (++http->header_count > http->limits->header_count)
        return refuse(http, 431, "http.too_many_headers");
    if (size == 0)
        return refuse(http, 400, "http.malformed");
    if (http->head_done) /* a trailer: nobody reads those */
        return 0;
    for (size_t i = 0; i < COUNT(header_names); i++) {
        const char *name = header_names[i].name;
        if (name[0] != http->name[0] || strlen(name) != size || memcmp(name, http->name, size) != 0)
            continue;
        http->current = header_names[i].header;
        if (http_has(http, http->current))
            return refuse(http, 400,
                          http->current == HEADER_CONTENT_LENGTH ||
                                  http->current == HEADER_TRANSFER_ENCODING
                              ? "http.framing"
                              : "http.repeated_header");
        http->have |= 1u << http->current;
        http->kept[http->current].at = (uint32_t) http->head_used;
        http->kept[http->current].size = 0;
        break;
    }
    return 0;
}

static int
on_header_value(llhttp_t *parser, const char *at, size_t size)
{
    struct http *http = parser->data;

    if (http->current == HEADER_NONE || http->head_done)
        return 0;
    if (size > http->limits->head_bytes)
        return refuse(http, 431, "http.head_too_large");
    if (!keep(http, at, size))
        return refuse(http, 503, "http.busy");
    http->kept[http->current].size += (uint32_t) size;
    return 0;
}

static int
on_headers_complete(llhttp_t *parser)
{
    struct http *http = parser->data;

    parser->upgrade = 0; /* we speak nothing else: an Upgrade is a wish that we do not grant */
    http->head_done = true;
    return HPE_PAUSED;
}

static int
on_body(llhttp_t *parser, const char *at, size_t size)
{
    struct http *http = parser->data;

    if (http->body)
        http->body(http->arg, at, size);
    return 0;
}

static int
on_extension(llhttp_t *parser, const char *at, size_t size)
{
    struct http *http = parser->data;

    (void) at;
    /* One more than the bound is enough to be over it, and cannot overflow. */
    http->extension_bytes +=
        (uint32_t) (size <= EXTENSION_BYTES_MAX ? size : EXTENSION_BYTES_MAX + 1);
    return http->extension_bytes > EXTENSION_BYTES_MAX ? refuse(http, 400, "http.malformed") : 0;
}

static int
on_message_complete(llhttp_t *parser)
{
    (void) parser;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_field_complete = on_header_field_complete,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_chunk_extension_name = on_extension,
    .on_chunk_extension_value = on_extension,
    .on_message_complete = on_message_complete,
};

void
http_init(struct http *http, const struct http_limits *limits)
{
    *http = (struct http){ .limits = limits };
    llhttp_init(&http->parser, HTTP_REQUEST, &settings);
    http->parser.data = http;
    http_restart(http);
}

void
http_done(struct http *http)
{
    free(http->head);
    http->head = NULL;
}

void
http_restart(struct http *http)
{
    if (http->head_room > HEAD_BYTES_KEPT) {
        free(http->head);
        http->head = NULL;
        http->head_room = 0;
    }
    http->head_used = http->head_seen = 0;
    http->header_count = http->extension_bytes = 0;
    http->target.at = http->target.size = 0;
    http->have = 0;
    http->current = HEADER_NONE;
    http->name_size = 0;
    http->first_byte = '\0';
    http->begun = http->head_done = http->line_ended = false;
    /* What the head says is set behind its checks; who answers a head that failed them must not see
     * the one before, whose bytes are gone. */
    http->verb = VERB_GET;
    http->host = http->path = http->query = (struct slice){ "", 0 };
    http->segment_count = 0;
    http->status = 0;
    http->reason = NULL;
}

/* --- the head, once it is whole --- */

static enum verb
verb_of(uint8_t method)
{
    switch (method) {
    case HTTP_GET:
        return VERB_GET;
    case HTTP_HEAD:
        return VERB_HEAD;
    case HTTP_POST:
        return VERB_POST;
    case HTTP_PUT:
        return VERB_PUT;
    case HTTP_PATCH:
        return VERB_PATCH;
    case HTTP_DELETE:
        return VERB_DELETE;
    case HTTP_OPTIONS:
        return VERB_OPTIONS;
    default:
        return VERB_OTHER;
    }
}

static bool
host_is_valid(struct slice host)
{
    if (host.size == 0 || host.size > 260)
        return false;
    for (size_t i = 0; i < host.size; i++) {
        const char c = small(host.bytes[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("-._:[]", c)))
            return false;
    }
    return true;
}

static bool
segment_is_valid(struct slice segment)
{
    const char *at = segment.bytes, *end = at + segment.size;

    if (slice_is(segment, ".") || slice_is(segment, ".."))
        return false;
    while (at < end) {
        if ((unsigned char) *at < 0x20 || *at == 0x7f || *at == '/' || *at == '\\')
            return false;
        const size_t step = (signed char) *at >= 0 ? 1 : utf8_sequence(at, end);
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

/* Decodes the path into the spare end of the head buffer, segment by segment: an escaped slash is a
 * byte of its segment for nobody, so it is refused with what else no path of ours has. */
static bool
path_split(struct http *http)
{
    struct slice rest = { http->path.bytes + 1, http->path.size - 1 };
    char *to = http->head + http->head_used;

    if (rest.size == 0) {
        http->segments[http->segment_count++] = (struct slice){ to, 0 };
        return true;
    }
    for (bool more = true; more;) {
        more = rest.size > 0 && memchr(rest.bytes, '/', rest.size) != NULL;
        const struct slice raw = slice_cut(&rest, '/');
        size_t size;
        if (http->segment_count == HTTP_SEGMENTS_MAX)
            return false;
        if (!percent_decode(raw, false, to, &size))
            return false;
        const struct slice segment = { to, size };
        if (!segment_is_valid(segment))
            return false;
        http->segments[http->segment_count++] = segment;
        to += size;
    }
    return true;
}

/* Origin form, absolute form or, for OPTIONS, the asterisk (RFC 9112 3.2). */
static int
read_target(struct http *http)
{
    struct slice target;

    if (http->target.size == 0 || !keep(http, "", 0))
        return refuse(http, 400, "http.malformed");
    /* Room for the decoded path: reserved now, because what follows points into the buffer. */
    const size_t used = http->head_used;
    for (uint32_t done = 0; done < http->target.size;) {
        char pad[256] = { 0 };
        const uint32_t step = http->target.size - done < 256 ? http->target.size - done : 256;
        if (!keep(http, pad, step))
            return refuse(http, 503, "http.busy");
        done += step;
    }
    http->head_used = used;

    target = (struct slice){ http->head + http->target.at, http->target.size };
    if (memchr(target.bytes, '#', target.size))
        return refuse(http, 400, "http.target");
    http->host = http_header(http, HEADER_HOST);
    if (slice_starts(target, "http://") || slice_starts(target, "https://")) {
        const size_t scheme = slice_starts(target, "https://") ? 8 : 7;
        struct slice rest = { target.bytes + scheme, target.size - scheme };
        size_t authority = 0;
        while (authority < rest.size && rest.bytes[authority] != '/' &&
               rest.bytes[authority] != '?')
            authority++;
        http->host = (struct slice){ rest.bytes, authority };
        target = (struct slice){ rest.bytes + authority, rest.size - authority };
        if (target.size == 0 || target.bytes[0] == '?')
            return refuse(http, 400, "http.target");
    }
    if (http->verb == VERB_OPTIONS && slice_is(target, "*")) {
        http->path = target;
        http->query = (struct slice){ "", 0 };
        return 0;
    }
    if (target.bytes[0] != '/')
        return refuse(http, 400, "http.target");
    http->query = target;
    http->path = slice_cut(&http->query, '?');
    return path_split(http) ? 0 : refuse(http, 400, "http.target");
}

static int
read_framing(struct http *http)
{
    const struct slice encoding = http_header(http, HEADER_TRANSFER_ENCODING);

    http->content_length = 0;
    http->has_body = false;
    if (http_has(http, HEADER_TRANSFER_ENCODING)) {
        if (!slice_is_nocase(encoding, "chunked"))
            return refuse(http, 501, "http.transfer_encoding");
        if (http->parser.http_minor == 0 || http_has(http, HEADER_CONTENT_LENGTH))
            return refuse(http, 400, "http.malformed");
        http->content_length = -1;
        http->has_body = true;
    } else if (http_has(http, HEADER_CONTENT_LENGTH)) {
        if (http->parser.content_length > INT64_MAX)
            return refuse(http, 413, "http.body_too_large");
        http->content_length = (int64_t) http->parser.content_length;
        http->has_body = http->content_length > 0;
    }
    return 0;
}

static int
read_head(struct http *http)
{
    const llhttp_t *parser = &http->parser;

    if (parser->http_major != 1)
        return refuse(http, parser->http_major == 0 ? 400 : 505, "http.version");
    http->verb = verb_of(parser->method);
    http->keep_alive = llhttp_should_keep_alive(parser) != 0;
    if (parser->method == HTTP_CONNECT) /* its target has a form of its own */
        return refuse(http, 405, "http.method");
    if (read_framing(http) != 0 || read_target(http) != 0)
        return HPE_USER;
    if (!http_has(http, HEADER_HOST) && parser->http_minor >= 1)
        return refuse(http, 400, "http.host");
    if ((http_has(http, HEADER_HOST) || http->host.size > 0) && !host_is_valid(http->host))
        return refuse(http, 400, "http.host");
    if (http_has(http, HEADER_HOST) && !host_is_valid(http_header(http, HEADER_HOST)))
        return refuse(http, 400, "http.host");
    if (http->verb == VERB_OTHER && parser->method != HTTP_TRACE)
        return refuse(http, 501, "http.method_unknown");
    http->expects_continue = false;
    if (http_has(http, HEADER_EXPECT) && parser->http_minor >= 1) {
        if (!slice_is_nocase(http_header(http, HEADER_EXPECT), "100-continue"))
            return refuse(http, 417, "http.expect");
        http->expects_continue = http->has_body;
    }
    return 0;
}

/* obs-fold (RFC 9112 5.2): llhttp would join the lines. */
static bool
has_folded_line(struct http *http, const char *at, const char *end)
{
    while (at < end) {
        if (http->line_ended && (*at == ' ' || *at == '\t'))
            return true;
        http->line_ended = false;
        const char *line_end = memchr(at, '\n', (size_t) (end - at));
        if (!line_end)
            break;
        http->line_ended = true;
        at = line_end + 1;
    }
    return false;
}

/* `at` is the byte llhttp stumbled over. */
static enum http_event
fault_of(struct http *http, llhttp_errno_t code, char at)
{
    int status = 400;
    const char *reason = "http.malformed";

    if (http->status != 0)
        return HTTP_FAULT;
    switch (code) {
    case HPE_INVALID_METHOD:
        if (http->first_byte >= 'A' && http->first_byte <= 'Z' && at >= 'A' && at <= 'Z') {
            status = 501;
            reason = "http.method_unknown";
        }
        break;
    case HPE_INVALID_VERSION:
    case HPE_PAUSED_H2_UPGRADE:
        status = 505;
        reason = "http.version";
        break;
    case HPE_INVALID_URL:
        reason = "http.target";
        break;
    case HPE_INVALID_CONTENT_LENGTH:
    case HPE_UNEXPECTED_CONTENT_LENGTH:
    case HPE_INVALID_TRANSFER_ENCODING:
        reason = "http.framing";
        break;
    case HPE_INVALID_CHUNK_SIZE:
    case HPE_STRICT:
        reason = http->head_done ? "http.chunk" : "http.malformed";
        break;
    default:
        break;
    }
    (void) refuse(http, status, reason);
    return HTTP_FAULT;
}

static enum http_event
head_event(struct http *http, const char *from, const char *to, bool complete)
{
    http->head_seen += (size_t) (to - from);
    if (has_folded_line(http, from, to)) {
        (void) refuse(http, 400, "http.malformed");
        return HTTP_FAULT;
    }
    if (http->head_seen > http->limits->head_bytes) {
        (void) refuse(http, 431, "http.head_too_large");
        return HTTP_FAULT;
    }
    if (!complete)
        return HTTP_MORE;
    return read_head(http) == 0 ? HTTP_HEAD_DONE : HTTP_FAULT;
}

static char
stumbled(const struct http *http, const char *from, const char *end)
{
    const char *at = llhttp_get_error_pos(&http->parser);

    return at && at >= from && at < end ? *at : '\0';
}

enum http_event
http_next(struct http *http, const char **at, const char *end)
{
    const char *from = *at;
    const bool in_head = !http->head_done;

    if (from == end && !http->paused)
        return HTTP_MORE;
    if (http->paused) {
        llhttp_resume(&http->parser);
        http->paused = false;
    }
    if (!http->begun && from < end) {
        http->begun = true;
        http->first_byte = *from;
    }
    const llhttp_errno_t code = llhttp_execute(&http->parser, from, (size_t) (end - from));
    if (code == HPE_OK) {
        *at = end;
        return in_head ? head_event(http, from, end, false) : HTTP_MORE;
    }
    if (code != HPE_PAUSED)
        return fault_of(http, code, stumbled(http, from, end));
    http->paused = true;
    *at = llhttp_get_error_pos(&http->parser);
    return in_head ? head_event(http, from, *at, true) : HTTP_BODY_DONE;
}
