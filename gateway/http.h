/* http.h - HTTP/1.1 requests (RFC 9112) out of bytes: llhttp in strict mode and what nginx refuses
 * beyond it.  Knows no socket, no TLS and no route.
 *
 * One struct http serves one connection, request after request.  http_next() eats bytes and stops
 * at the two places where somebody must decide: behind the head and behind the body.  So a
 * pipelined request is never looked at before the one in front of it has been answered.
 *
 * Stricter than llhttp: exactly one Host, Transfer-Encoding exactly "chunked" and only from
 * HTTP/1.1, no line folding, no HTTP/0.9, no repeated header that we read, no empty header name, a
 * bound on everything.  Stricter than nginx: a bare LF does not end a header line (RFC 9112 2.2
 * allows either; the lax reading is what request smuggling lives on). */
#ifndef HUZHU_GATEWAY_HTTP_H
#define HUZHU_GATEWAY_HTTP_H

#include <llhttp.h>

#include "base/base.h"

/* The headers that the gateway reads; all others are counted and dropped. */
enum header {
    HEADER_HOST,
    HEADER_CONTENT_TYPE,
    HEADER_CONTENT_LENGTH,
    HEADER_TRANSFER_ENCODING,
    HEADER_EXPECT,
    HEADER_COOKIE,
    HEADER_AUTHORIZATION,
    HEADER_CSRF_TOKEN,
    HEADER_ORIGIN,
    HEADER_SEC_FETCH_SITE,
    HEADER_IDEMPOTENCY_KEY,
    HEADER_IF_MATCH,
    HEADER_IF_NONE_MATCH,
    HEADER_ACCEPT,
    HEADER_ACCEPT_ENCODING,
    HEADER_ACCEPT_LANGUAGE,
    HEADER_TRACEPARENT,
    HEADER_PREFER,
    HEADER_CONTENT_ENCODING,
    HEADER_COUNT,
    HEADER_NONE = HEADER_COUNT,
};

enum verb {
    VERB_GET,
    VERB_HEAD,
    VERB_POST,
    VERB_PUT,
    VERB_PATCH,
    VERB_DELETE,
    VERB_OPTIONS,
    VERB_COUNT,
    VERB_OTHER = VERB_COUNT
};
const char *verb_name(enum verb verb);

struct slice {
    const char *bytes;
    size_t size;
};

struct http_limits {
    size_t head_bytes; /* request line and headers together; 431, or 414 for the line alone */
    size_t target_bytes;
    uint32_t header_count;
};

enum http_event { HTTP_MORE, HTTP_HEAD_DONE, HTTP_BODY_DONE, HTTP_FAULT };

#define HTTP_SEGMENTS_MAX 16

struct http {
    llhttp_t parser;
    const struct http_limits *limits;
    /* Receives the body, piece by piece; called from within http_next(). */
    void (*body)(void *arg, const char *bytes, size_t size);
    void *arg;

    char *head; /* the target and the headers that are kept, then the decoded path */
    size_t head_used, head_room;
    size_t head_seen; /* bytes of the head so far, kept or not */
    uint32_t header_count, extension_bytes;
    struct {
        uint32_t at, size;
    } kept[HEADER_COUNT], target;
    uint32_t have; /* bits of enum header */
    enum header current;
    char name[24]; /* of the header that is being read, in small letters */
    uint8_t name_size;
    char first_byte;
    bool begun, head_done, line_ended, paused;

    /* After HTTP_HEAD_DONE. */
    enum verb verb;
    bool keep_alive, has_body, expects_continue;
    int64_t content_length; /* -1: chunked */
    struct slice host;
    struct slice path; /* as it was sent, without the query: for static files and the log's hash */
    struct slice segments[HTTP_SEGMENTS_MAX]; /* percent-decoded, UTF-8, without NUL */
    uint32_t segment_count;
    struct slice query; /* as it was sent */

    /* After HTTP_FAULT: the connection cannot go on. */
    int status;
    const char *reason; /* of problems.def */
};

void http_init(struct http *http, const struct http_limits *limits);
void http_done(struct http *http);
/* Forgets the request; the next bytes begin another. */
void http_restart(struct http *http);

/* Moves *at forward.  HTTP_MORE: all bytes were eaten. */
enum http_event http_next(struct http *http, const char **at, const char *end);

static inline bool
http_has(const struct http *http, enum header header)
{
    return (http->have >> header & 1) != 0;
}
/* Without white space around it; empty when the header is not there. */
struct slice http_header(const struct http *http, enum header header);

bool slice_is(struct slice slice, const char *text);        /* byte for byte */
bool slice_is_nocase(struct slice slice, const char *text); /* ASCII letters alike */
bool slice_starts(struct slice slice, const char *text);    /* ASCII letters alike */
struct slice slice_trim(struct slice slice);
/* Cuts the part before `mark` off the front of *rest; the whole rest when there is no mark. */
struct slice slice_cut(struct slice *rest, char mark);

/* %41 and, in a query, + are decoded into `to` (as long as from.size).  false: a broken escape, a
 * NUL. */
bool percent_decode(struct slice from, bool plus_is_space, char *to, size_t *size) MUST_CHECK;

#endif
