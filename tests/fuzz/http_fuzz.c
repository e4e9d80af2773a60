/* Goal: whatever bytes come, and however they are cut, a connection answers with well-formed HTTP
 * or closes; it never answers more requests than came, and the same bytes cut otherwise get the
 * same answers (no verdict depends on packets). Method: the connection state machine with a
 * transport of memory and services that answer at once, behind the door: no TLS.  The first byte of
 * the input says how the rest is cut. Under clang this is a libFuzzer target; elsewhere
 * fuzz_replay.c runs it over the kept corpus. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "claims.pb-c.h"
#include "gateway_sample.pb-c.h"
#include "identity.pb-c.h"
#include "loop.h"
#include "respond.h"
#include "route_row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool fact)
{
    if (!fact)
        abort();
}

/* --- services that answer when they are asked to --- */

enum { QUEUE_MAX = 64 };
static struct {
    uint64_t ticket;
    char method[32];
} queue[QUEUE_MAX];
static size_t queued;
static uint64_t last_ticket;

static err_t
fuzz_send(struct backend *backend, const char *service, const Bus__Envelope *envelope,
          uint64_t *ticket, struct err *err)
{
    (void) backend, (void) service;
    require(envelope->deadline_us > 0 && envelope->request_id.len == 16);
    require(strlen(envelope->idempotency_key) <= 64);
    require(strlen(envelope->traceparent) == 55 || strcmp(envelope->method, "Common.Ping") == 0);
    if (queued == QUEUE_MAX)
        return err_set(err, ERR_UNAVAILABLE, "bus.full", "full");
    *ticket = ++last_ticket;
    queue[queued].ticket = *ticket;
    (void) snprintf(queue[queued].method, sizeof queue[queued].method, "%s", envelope->method);
    queued++;
    return ERR_OK;
}

static bool
fuzz_recv(struct backend *backend, uint64_t *ticket, const Bus__Answer **answer)
{
    static Bus__Answer made;
    static uint8_t body[512], principal_bytes[64], proof_bytes[128], account[16] = { 1 };

    (void) backend;
    if (queued == 0)
        return false;
    *ticket = queue[0].ticket;
    bus__answer__init(&made);
    if (strcmp(queue[0].method, "ResumeSession") == 0) {
        Identity__ResumeSessionReply reply = IDENTITY__RESUME_SESSION_REPLY__INIT;
        Bus__Principal principal = BUS__PRINCIPAL__INIT;
        Bus__SignedPrincipal proof = BUS__SIGNED_PRINCIPAL__INIT;
        principal.account_id = (ProtobufCBinaryData){ 16, account };
        principal.expires_us = INT64_MAX / 2;
        proof.principal = (ProtobufCBinaryData){ bus__principal__pack(&principal, principal_bytes),
                                                 principal_bytes };
        reply.principal =
            (ProtobufCBinaryData){ bus__signed_principal__pack(&proof, proof_bytes), proof_bytes };
        reply.csrf_token = (char *) (uintptr_t) "c";
        made.body =
            (ProtobufCBinaryData){ identity__resume_session_reply__pack(&reply, body), body };
    } else if (strcmp(queue[0].method, "Echo") == 0) {
        Sample__EchoReply reply = SAMPLE__ECHO_REPLY__INIT;
        reply.text = (char *) (uintptr_t) "echo";
        made.body = (ProtobufCBinaryData){ sample__echo_reply__pack(&reply, body), body };
        made.etag = (char *) (uintptr_t) "e1";
    } else if (strcmp(queue[0].method, "ResolveTenant") == 0) {
        Identity__ResolveTenantReply reply = IDENTITY__RESOLVE_TENANT_REPLY__INIT;
        Huzhu__Id id = HUZHU__ID__INIT;
        id.value = (ProtobufCBinaryData){ 16, account };
        reply.tenant_id = &id;
        reply.state = IDENTITY__TENANT__STATE__ACTIVE;
        made.body =
            (ProtobufCBinaryData){ identity__resolve_tenant_reply__pack(&reply, body), body };
    } else if (strcmp(queue[0].method, "File") == 0) {
        Sample__FileReply reply = SAMPLE__FILE_REPLY__INIT;
        reply.content_type = (char *) (uintptr_t) "text/html; charset=utf-8";
        reply.file_name = (char *) (uintptr_t) "页.html";
        reply.body = (ProtobufCBinaryData){ 4, (uint8_t *) (uintptr_t) "page" };
        made.body = (ProtobufCBinaryData){ sample__file_reply__pack(&reply, body), body };
    }
    memmove(queue, queue + 1, --queued * sizeof queue[0]);
    *answer = &made;
    return true;
}

static void
fuzz_cancel(struct backend *backend, uint64_t ticket)
{
    (void) backend;
    for (size_t i = 0; i < queued; i++) {
        if (queue[i].ticket == ticket) {
            memmove(queue + i, queue + i + 1, (queued - i - 1) * sizeof queue[0]);
            queued--;
            return;
        }
    }
}

static int
fuzz_fd(const struct backend *backend)
{
    (void) backend;
    return -1;
}

static void
fuzz_destroy(struct backend *backend)
{
    (void) backend;
}

static struct backend backend = { fuzz_send, fuzz_recv, fuzz_cancel, fuzz_fd, fuzz_destroy };

/* --- a transport of memory --- */

static struct {
    const uint8_t *at, *end;
    size_t piece, budget;
    bool finished, closed;
    struct text out;
} wire;

static ssize_t
mem_read(struct conn *conn, char *to, size_t room)
{
    size_t size = (size_t) (wire.end - wire.at);

    conn->handshaken = true;
    if (size == 0)
        return IO_AGAIN;
    size = size < room ? size : room;
    size = size < wire.piece ? size : wire.piece;
    memcpy(to, wire.at, size);
    wire.at += size;
    return (ssize_t) size;
}

static ssize_t
mem_write(struct conn *conn, const char *from, size_t size)
{
    (void) conn;
    require(!wire.finished);
    if (wire.budget == 0) { /* full for now */
        wire.budget = 3000;
        return IO_AGAIN;
    }
    size = size < wire.budget ? size : wire.budget;
    wire.budget -= size;
    text_add(&wire.out, from, size);
    return (ssize_t) size;
}

static bool
mem_pending(const struct conn *conn)
{
    (void) conn;
    return false;
}

static void
mem_want(struct conn *conn, bool reading, bool writing)
{
    (void) conn, (void) reading, (void) writing;
}

static void
mem_finish(struct conn *conn)
{
    (void) conn;
    require(!wire.finished);
    wire.finished = true;
}

static bool
mem_discard(struct conn *conn)
{
    (void) conn;
    wire.at = wire.end;
    return false;
}

static void
mem_close(struct conn *conn)
{
    (void) conn;
    wire.closed = true;
}

static const struct io memory = { mem_read,   mem_write,   mem_pending, mem_want,
                                  mem_finish, mem_discard, mem_close };

/* --- the gateway, once --- */

static struct gateway gateway;
static struct loop *loop;
static struct route routes[] = {
    SAMPLE_ROW(POST, "/api/v1/echo", "Echo", ROUTE_ANONYMOUS),
    SAMPLE_ROW(GET, "/api/v1/echo/{claimId}", "Echo", 0),
    SAMPLE_ROW(POST, "/api/v1/echo/{claimId}:shout", "Echo", 0),
    SAMPLE_ROW(GET, "/api/v1/stream", "Echo", ROUTE_ANONYMOUS | ROUTE_STREAM),
    SAMPLE_ROW(GET, "/p/{tenantCode}/f/{what}", "File", ROUTE_FILE | ROUTE_PUBLIC),
    ROUTE_ROW(PUT, "/api/v1/uploads/{uploadId}", "claims", "WriteUpload",
              claims__claims__descriptor, 200, ROUTE_ANONYMOUS | ROUTE_UPLOAD),
    ROUTE_ROW(POST, "/api/v1/sessions", "identity", "SignIn", identity__identity__descriptor, 201,
              ROUTE_ANONYMOUS | ROUTE_SIGN_IN),
};

static void
on_nothing(evutil_socket_t fd, short what, void *arg)
{
    (void) fd, (void) what, (void) arg;
}

static void
prepare(void)
{
    struct err err;

    (void) setenv("HUZHU_GATEWAY_CERTIFICATE_FILE", "-", 1);
    (void) setenv("HUZHU_GATEWAY_CERTIFICATE_KEY_FILE", "-", 1);
    (void) setenv("HUZHU_GATEWAY_BROKERS", "-", 1);
    (void) setenv("HUZHU_GATEWAY_ACCESS_LOG", "false", 1);
    (void) setenv("HUZHU_GATEWAY_UPLOAD_CHUNK_BYTES", "4096", 1);
    (void) setenv("HUZHU_GATEWAY_UPLOAD_BYTES_MAX", "65536", 1);
    (void) setenv("HUZHU_GATEWAY_SIGN_IN_RATE", "1000000", 1);
    (void) setenv("HUZHU_GATEWAY_SIGN_IN_BURST", "1000000", 1);
    (void) setenv("HUZHU_GATEWAY_ADDRESS_RATE", "1000000", 1);
    (void) setenv("HUZHU_GATEWAY_ADDRESS_BURST", "1000000", 1);
    (void) setenv("HUZHU_GATEWAY_ACCOUNT_BURST", "1000000", 1);
    (void) setenv("HUZHU_GATEWAY_ACCOUNT_RATE", "1000000", 1);
    require(gateway_conf_load(&gateway.conf, stderr, &err) == ERR_OK);
    gateway.http_limits = (struct http_limits){ 2048, 512, 20 };
    gateway.shapes = shapes_create();
    gateway.limiter = limiter_create();
    gateway.sessions = sessions_create();
    gateway.tenant_codes = tenant_codes_create();
    require(gateway.shapes && gateway.limiter && gateway.sessions && gateway.tenant_codes);
    require(routes_compile(routes, COUNT(routes), gateway.shapes, &gateway.routes, &err) == ERR_OK);
    require(site_load("", &gateway.site, &err) == ERR_OK);
    require(site_add(gateway.site, "/page", "text/plain", "a page", 6, &err) == ERR_OK);
    require(tenants_load("", &gateway.tenants, &err) == ERR_OK);
    loop = calloc(1, sizeof *loop);
    require(loop != NULL);
    loop->gateway = &gateway;
    loop->base = event_base_new();
    loop->backend = &backend;
    loop->site = gateway.site;
    loop->tenants = gateway.tenants;
    loop->random_used = RANDOM_BYTES;
    require(event_assign(&loop->bus_event, loop->base, -1, 0, on_nothing, loop) == 0);
}

/* Feeds all, answers all; what came out is in wire.out. */
static void
run(const uint8_t *data, size_t size, size_t piece, size_t budget)
{
    struct conn *conn = conn_create(loop, &memory);

    require(conn != NULL);
    loop_clock(loop);
    wire.at = data;
    wire.end = data + size;
    wire.piece = piece;
    wire.budget = budget;
    wire.finished = wire.closed = false;
    wire.out.used = 0;
    for (size_t quiet = 0; quiet < 3 && !conn->dead;) {
        const uint8_t *at = wire.at;
        const size_t used = wire.out.used, waits = queued;
        if (wire.at < wire.end)
            conn_readable(conn);
        if (!conn->dead && conn->flushing)
            conn_writable(conn);
        loop_receive(loop);
        quiet = at == wire.at && used == wire.out.used && waits == 0 ? quiet + 1 : 0;
    }
    if (!conn->dead)
        conn_close(conn);
    loop_reap(loop);
    loop_receive(loop); /* pings belong to nobody */
    require(queued == 0 && loop->conns == NULL && loop->body_bytes == 0 && wire.closed);
}

/* Which of several faults of one head is met first does depend on how it is cut (a bound is met
 * before the bad byte behind it, or not); that it is refused does not. */
static void
note(char to[static 4], const char *status)
{
    static const char *const alike[] = { "400", "414", "431", "501", "505" };

    memcpy(to, status, 4);
    for (size_t i = 0; i < COUNT(alike); i++)
        if (memcmp(status, alike[i], 3) == 0)
            memcpy(to, "4xx ", 4);
}

/* Status lines of what came out; every answer is walked by its own length. */
static size_t
statuses(char *to, size_t room)
{
    const char *at = wire.out.used > 0 ? wire.out.bytes : "", *end = at + wire.out.used;
    size_t count = 0;

    to[0] = '\0';
    while (at && at < end) {
        require(end - at > 12 && memcmp(at, "HTTP/1.1 ", 9) == 0);
        const char *head_end = memmem(at, (size_t) (end - at), "\r\n\r\n", 4);
        require(head_end != NULL);
        const char *length = memmem(at, (size_t) (head_end - at), "\r\nContent-Length: ", 18);
        const bool chunked =
            memmem(at, (size_t) (head_end - at), "\r\nTransfer-Encoding: chunked", 28) != NULL;
        if (4 * count + 4 < room)
            note(to + 4 * count, at + 9);
        count++;
        const char *status = at + 9;
        at = head_end + 4;
        if (chunked) { /* our streams' one chunk and the last */
            const char *last = memmem(at, (size_t) (end - at), "0\r\n\r\n", 5);
            require(last != NULL || at == end || memcmp(at, "HTTP/1.1 ", 9) == 0);
            if (last && memcmp(at, "HTTP/1.1 ", end - at < 9 ? (size_t) (end - at) : 9) != 0)
                at = last + 5;
        } else if (length) {
            const size_t size = strtoul(length + 18, NULL, 10);
            if ((size_t) (end - at) >= size &&
                (at == end || memcmp(at, "HTTP/1.1 ", end - at < 9 ? (size_t) (end - at) : 9) != 0))
                at += size; /* a HEAD has no body */
        } else if (memcmp(status, "100", 3) != 0 && memcmp(status, "204", 3) != 0 &&
                   memcmp(status, "304", 3) != 0) {
            at = end; /* HTTP/1.0's streams end with the connection */
        }
    }
    to[4 * count < room ? 4 * count : room - 1] = '\0';
    return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char first[4096], second[4096];

    if (size < 2 || size > 20000)
        return 0;
    if (!loop)
        prepare();
    run(data + 1, size - 1, READ_BYTES, SIZE_MAX);
    const size_t answers = statuses(first, sizeof first);
    require(answers <= (size - 1) / 10 + 1); /* a request line alone has more bytes */
    run(data + 1, size - 1, data[0] % 64 + 1, data[0] * 7u + 1);
    (void) statuses(second, sizeof second);
    if (strcmp(first, second) != 0) {
        (void) fprintf(stderr, "whole: %s\npieces: %s\n", first, second);
        abort();
    }
    return 0;
}
