/* upload.c - a body of bytes, sent on in chunks: Claims.WriteUpload or whatever rpc a route with
 * UPLOAD names, whose request has (upload_id or another path parameter,) offset, data and last.
 *
 * One chunk is on its way at a time, and while it is nothing is read: a connection holds one chunk
 * and one read buffer at most, however large the upload and however slow the service. */
#include <stdio.h>

#include "bus/bus.h"
#include "call.h"
#include "crypto/crypto.h"
#include "respond.h"

static void chunk_done(struct loop *loop, void *arg, const Bus__Answer *answer);

int64_t
upload_bytes_max(const struct gateway_conf *conf, const struct route *route)
{
    return route->flags & ROUTE_UPLOAD_64 ? conf->upload_64_bytes_max : conf->upload_bytes_max;
}

/* Bytes, tables, scans; never what a form on another site may send without asking (text/plain,
 * multipart/form-data).  What the bytes really are the service says. */
bool
upload_takes(struct slice content_type)
{
    static const char *const types[] = {
        "application/octet-stream",
        "text/csv",
        "application/pdf",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/zip",
    };
    const struct slice name = slice_trim(slice_cut(&content_type, ';'));

    if (name.size == 0 || (slice_starts(name, "image/") && name.size > 6))
        return true;
    for (size_t i = 0; i < COUNT(types); i++)
        if (slice_is_nocase(name, types[i]))
            return true;
    return false;
}

void
upload_begin(struct call *call)
{
    /* Nothing to do before the first byte: the service opens the upload with offset 0. */
    call->upload.offset = 0;
}

static err_t
chunk_fill(struct call *call, size_t size, bool last, struct filling *filling, struct err *err)
{
    const struct route *route = call->match.route;
    const struct field *data = shape_find(route->in, "data", 4);
    char offset[24];
    ProtobufCBinaryData piece = { size, (uint8_t *) call->body.bytes };

    TRY(transcode_open(route->in, call->arena, filling, err));
    for (uint32_t i = route->first_bound; i < route->param_count; i++)
        TRY(transcode_bind(filling, route->params[i].bytes, route->params[i].size,
                           call->match.values[i].bytes, call->match.values[i].size, err));
    (void) snprintf(offset, sizeof offset, "%llu", (unsigned long long) call->upload.offset);
    TRY(transcode_bind(filling, "offset", 6, offset, strlen(offset), err));
    TRY(transcode_bind(filling, "last", 4, last ? "true" : "false", last ? 4 : 5, err));
    if (!data || data->kind != FIELD_BYTES)
        return err_set(err, ERR_INTERNAL, "route.upload", "the rpc takes no data");
    memcpy((char *) filling->message + data->offset, &piece, sizeof piece);
    return ERR_OK;
}

/* The chunk's key: the upload's id, which is the first parameter, and the chunk's place.  A path
 * that names an upload otherwise (several parameters, or none of 36 characters) goes in as a hash.
 */
static void
chunk_key(struct call *call)
{
    const struct route *route = call->match.route;
    const unsigned long long offset = call->upload.offset;
    const struct slice *values = call->match.values;
    uint8_t hash[SHA256_BYTES];
    char joined[33];

    if (route->param_count == 1 && values[0].size == 36) {
        (void) snprintf(call->idempotency_key, sizeof call->idempotency_key, "%.36s:%llu",
                        values[0].bytes, offset);
        return;
    }
    const struct slice path = call->conn->http.path;
    sha256(path.bytes, path.size, hash);
    for (size_t i = 0; i < 16; i++)
        (void) snprintf(joined + 2 * i, 3, "%02x", hash[i]);
    (void) snprintf(call->idempotency_key, sizeof call->idempotency_key, "%s:%llu", joined, offset);
}

/* Sends what is held, at most a chunk of it.  The chunks of an upload are cut at the same places
 * whenever it is sent again, so a repeated one is the same command under the same key. */
static void
chunk_send(struct call *call, bool last)
{
    struct conn *conn = call->conn;
    const struct gateway_conf *conf = &conn->loop->gateway->conf;
    size_t size = (size_t) conf->upload_chunk_bytes;
    struct filling filling;
    struct err err = { 0 };

    if (size >= call->body.used)
        size = call->body.used;
    else
        last = false;
    if (call->upload.last && call->body.used == 0)
        return;
    chunk_key(call);
    call->deadline_us = conn->loop->wall_us + conf->deadline * 1000;
    if (chunk_fill(call, size, last, &filling, &err) != ERR_OK ||
        call_send(call, call->match.route->service, call->match.route->rpc, filling.message,
                  chunk_done, &err) != ERR_OK) {
        conn->closing = !conn->body_done;
        respond_error(conn, &err);
        return;
    }
    arena_reset(call->arena);
    call->upload.last = last;
    call->upload.offset += size;
    const size_t rest = call->body.used - size;
    if (rest > 0) /* an empty upload has no bytes, and no place for them */
        memmove(call->body.bytes, call->body.bytes + size, rest);
    call->body.used = rest;
    conn->loop->body_bytes -= size;
    if (rest == 0)
        text_free(&call->body); /* the bus holds the chunk now; nobody needs it twice */
    conn_wait(conn);
}

void
upload_body(struct call *call, const char *bytes, size_t size)
{
    struct conn *conn = call->conn;
    const struct gateway_conf *conf = &conn->loop->gateway->conf;

    if (conn->received > (uint64_t) upload_bytes_max(conf, call->match.route)) {
        respond_problem_and_close(conn, 413, "http.body_too_large");
        return;
    }
    if (conn->loop->body_bytes + size > (size_t) conf->body_memory) {
        respond_problem_and_close(conn, 503, "http.busy");
        return;
    }
    if (call->body.room == 0 &&
        !text_reserve(&call->body, (size_t) conf->upload_chunk_bytes + READ_BYTES)) {
        respond_problem_and_close(conn, 503, "http.busy");
        return;
    }
    text_add(&call->body, bytes, size);
    conn->loop->body_bytes += size;
    /* A read may hold the ends of several HTTP chunks: while one of ours is out, they are kept; the
     * next read does not come before it is answered. */
    if (!conn->waiting && call->body.used > (size_t) conf->upload_chunk_bytes)
        chunk_send(call, false); /* something is left, so that the last chunk is never empty */
}

void
upload_end(struct call *call)
{
    if (!call->conn->waiting)
        chunk_send(call, true);
}

static void
chunk_done(struct loop *loop, void *arg, const Bus__Answer *answer)
{
    struct call *call = arg;
    struct conn *conn = call->conn;
    struct err err = { 0 };

    (void) loop;
    if (answer->more)
        return;
    call->ticket = 0;
    const err_t code = bus_answer_error(answer, &err);
    if (code != ERR_OK) {
        if (!conn->body_done)
            conn->closing = true;
        respond_refusal(conn, &err, answer->title);
    } else if (call->upload.last) {
        call_reply(call, answer);
    } else {
        const bool full = call->body.used > (size_t) conn->loop->gateway->conf.upload_chunk_bytes;
        if (full || conn->body_done) {
            chunk_send(call, conn->body_done);
            if (conn->call == call && call->ticket)
                return;
        }
    }
    conn_resume(conn);
}
