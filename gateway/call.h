/* call.h - a request that needs a service: who calls, what is asked, what came back.
 *
 * begin (behind the head): limits, media type, the session's principal, CSRF.  body, end: JSON into
 * the rpc's request, the envelope onto the bus.  The answers come through the loop and end in
 * conn_answered(). */
#ifndef HUZHU_GATEWAY_CALL_H
#define HUZHU_GATEWAY_CALL_H

#include "arena/arena.h"
#include "conn.h"
#include "id/id.h"
#include "log/log.h"
#include "loop.h"
#include "session.h"

#define CALL_ARENA_BYTES ((size_t) 16 * 1024 * 1024)
/* The body of a file, and a whole answer of a route that does not stream. */
#define FILE_BYTES_MAX ((size_t) 8 * 1024 * 1024)
#define ANSWER_BYTES_MAX (FILE_BYTES_MAX + (size_t) 64 * 1024)
#define ETAG_BYTES 72
/* What a slow reader may leave unsent of a stream before it is let go. */
#define STREAM_BYTES_MAX ((size_t) 8 * 1024 * 1024)

struct call {
    struct call *next; /* of the loop's spare ones */
    struct conn *conn;
    struct arena *arena;
    struct route_match match;
    struct session session;
    uint8_t token_hash[32];
    bool has_token, by_cookie, has_session;
    uint8_t tenant[16];
    bool has_tenant;
    char idempotency_key[72];
    int64_t deadline_us; /* wall clock */
    uint64_t ticket;     /* of what is on the bus; 0: nothing */
    struct text body;    /* the request's JSON, or the next chunk of an upload */
    struct text answer;  /* parts so far; like the body, counted in the loop's body_bytes */

    struct {
        uint64_t offset;
        bool last, failed;
    } upload;
};

void call_begin(struct conn *conn, const struct route_match *match);
void call_body(struct conn *conn, const char *bytes, size_t size);
void call_end(struct conn *conn);
void call_flushed(struct conn *conn); /* a stream's bytes have gone out */
/* The request is over, or its client has gone. */
void call_drop(struct conn *conn);
void call_free_spare(struct loop *loop);

/* Sends the envelope of a call's rpc; done is called with the answers. */
err_t call_send(struct call *call, const char *service, const char *method,
                ProtobufCMessage *message, loop_answer_fn *done, struct err *err) MUST_CHECK;
/* A service's ETag (a number, a hash) in quotes; false when it cannot be one. */
bool etag_quote(struct slice etag, char quoted[static ETAG_BYTES]) MUST_CHECK;
/* file.c: success of the rpc of a route with FILE. */
void file_reply(struct call *call, const Bus__Answer *answer);
size_t file_type_count(void); /* the content types that may leave, for openapi.json */
const char *file_type(size_t i);
/* upload.c */
int64_t upload_bytes_max(const struct gateway_conf *conf, const struct route *route);
bool upload_takes(struct slice content_type) MUST_CHECK;
void upload_begin(struct call *call);
void upload_body(struct call *call, const char *bytes, size_t size);
void upload_end(struct call *call);
/* Success of the rpc: the reply as JSON, with cookies and ETag. */
void call_reply(struct call *call, const Bus__Answer *answer);

#endif
