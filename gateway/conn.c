/* conn.c - the states of a connection, its time-outs and its pace; nothing here knows a route. */
#include "conn.h"

#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "loop.h"
#include "respond.h"

/* How long a closed connection is listened to, so that the peer reads our answer before a reset. */
#define LINGER_US (2 * US_PER_SECOND)
#define LINGER_STOPPING_US (US_PER_SECOND / 4)
enum { OUT_BYTES_KEPT = 4096 };

static void conn_feed(struct conn *conn, const char *at, const char *end);
static void request_head(struct conn *conn);
static void request_end(struct conn *conn);

static void
on_body(void *arg, const char *bytes, size_t size)
{
    struct conn *conn = arg;

    conn->received += size;
    conn->moved += size;
    if (conn->call && !conn->answered)
        call_body(conn, bytes, size);
}

struct conn *
conn_create(struct loop *loop, const struct io *io)
{
    struct conn *conn = calloc(1, sizeof *conn);

    if (!conn)
        return NULL;
    conn->loop = loop;
    conn->io = io;
    conn->fd = -1;
    conn->since_us = loop->now_us;
    http_init(&conn->http, &loop->gateway->http_limits);
    conn->http.body = on_body;
    conn->http.arg = conn;
    loop_conn_add(loop, conn);
    return conn;
}

static void
tail_drop(struct conn *conn)
{
    site_unref(conn->tail_site);
    conn->tail_site = NULL;
    conn->loop->body_bytes -= conn->tail_text.used;
    text_free(&conn->tail_text);
    conn->tail = NULL;
    conn->tail_size = 0;
}

void
conn_destroy(struct conn *conn)
{
    if (conn->call)
        call_drop(conn);
    health_forget(conn->loop, conn);
    conn->io->close(conn);
    tail_drop(conn);
    text_free(&conn->out);
    text_free(&conn->leftover);
    http_done(&conn->http);
    free(conn);
}

void
conn_close(struct conn *conn)
{
    if (conn->dead)
        return;
    conn->dead = true;
    if (conn->call)
        call_drop(conn);
    conn->next_dead = conn->loop->dead;
    conn->loop->dead = conn;
}

static bool
may_parse(const struct conn *conn)
{
    return !conn->waiting && !conn->flushing && !conn->closing && !conn->dead;
}

/* --- out --- */

/* What the transport takes now, of what is kept. */
static void
flush(struct conn *conn)
{
    while (conn->out_from < conn->out.used || conn->tail_size > 0) {
        const bool from_tail = conn->out_from == conn->out.used;
        const char *from = from_tail ? conn->tail : conn->out.bytes + conn->out_from;
        const size_t size = from_tail ? conn->tail_size : conn->out.used - conn->out_from;
        const ssize_t sent = conn->io->write(conn, from, size);
        if (sent == IO_GONE) {
            conn_close(conn);
            return;
        }
        if (sent < 0) {
            if (!conn->flushing) {
                conn->flushing = true;
                conn->since_us = conn->loop->now_us;
                conn->moved = 0;
            }
            conn->io->want(conn, false, true);
            return;
        }
        conn->moved += (size_t) sent;
        if (from_tail) {
            conn->tail += sent;
            conn->tail_size -= (size_t) sent;
        } else {
            conn->out_from += (size_t) sent;
        }
    }
    conn->out.used = conn->out_from = 0;
    if (conn->out.room > OUT_BYTES_KEPT)
        text_free(&conn->out);
    tail_drop(conn);
    if (conn->flushing) {
        conn->flushing = false;
        conn->io->want(conn, !conn->reading_off, false);
    }
}

void
conn_send(struct conn *conn, const char *bytes, size_t size)
{
    if (conn->dead)
        return;
    while (size > 0 && conn->out.used == conn->out_from && conn->tail_size == 0) {
        const ssize_t sent = conn->io->write(conn, bytes, size);
        if (sent == IO_GONE) {
            conn_close(conn);
            return;
        }
        if (sent < 0)
            break;
        bytes += sent;
        size -= (size_t) sent;
    }
    if (size == 0)
        return;
    text_add(&conn->out, bytes, size);
    if (conn->out.failed)
        conn_close(conn);
    else
        flush(conn);
}

void
conn_send_tail(struct conn *conn, struct site *site, const char *bytes, size_t size)
{
    if (conn->dead || size == 0)
        return;
    conn->tail_site = site_ref(site);
    conn->tail = bytes;
    conn->tail_size = size;
    flush(conn);
}

void
conn_send_text(struct conn *conn, struct text *owner, const char *bytes, size_t size)
{
    conn->tail_text = *owner;
    *owner = (struct text){ 0 };
    if (conn->dead || size == 0) {
        tail_drop(conn);
        return;
    }
    conn->tail = bytes;
    conn->tail_size = size;
    flush(conn);
}

static void
linger(struct conn *conn)
{
    if (conn->lingering || conn->dead)
        return;
    conn->lingering = true;
    conn->since_us = conn->loop->now_us;
    conn->io->finish(conn);
    conn->io->want(conn, true, false);
}

static void
request_reset(struct conn *conn)
{
    if (conn->call)
        call_drop(conn);
    http_restart(&conn->http);
    conn->body_done = conn->answered = conn->streaming = false;
    conn->route = NULL;
    conn->label = NULL;
    conn->received = conn->moved = 0;
    conn->waited_us = 0;
    conn->since_us = conn->loop->now_us;
}

/* Behind an answer, once it is out: the next request, the rest of this one, or the end. */
static void
settle(struct conn *conn)
{
    if (conn->dead || conn->flushing || conn->waiting || !conn->answered)
        return;
    if (conn->closing)
        linger(conn);
    else if (conn->body_done)
        request_reset(conn);
}

static void
go_on(struct conn *conn)
{
    settle(conn);
    if (conn->parsing || !may_parse(conn))
        return;
    if (conn->leftover.used > 0 || (conn->http.head_done && !conn->body_done)) {
        struct text bytes = conn->leftover;
        conn->leftover = (struct text){ 0 };
        const char *at = bytes.bytes ? bytes.bytes : "";
        conn_feed(conn, at, at + bytes.used);
        text_free(&bytes);
    }
    if (!may_parse(conn))
        return;
    if (conn->reading_off || conn->io->pending(conn)) {
        conn->reading_off = false;
        conn->io->want(conn, true, false);
    }
}

void
conn_answered(struct conn *conn)
{
    conn->answered = true;
    if (conn->call)
        call_drop(conn);
    if (!conn->http.keep_alive || conn->loop->stopping)
        conn->closing = true;
    go_on(conn);
}

void
conn_continue(struct conn *conn)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";

    if (conn->http.expects_continue) {
        conn->http.expects_continue = false;
        conn_send(conn, line, sizeof line - 1);
    }
}

void
conn_wait(struct conn *conn)
{
    if (!conn->waiting)
        conn->wait_from_us = conn->loop->now_us;
    conn->waiting = true;
}

void
conn_resume(struct conn *conn)
{
    if (!conn->waiting)
        return;
    conn->waiting = false;
    conn->waited_us += conn->loop->now_us - conn->wait_from_us;
    go_on(conn);
}

/* --- in --- */

static bool
host_is_ours(const struct conn *conn)
{
    struct slice list = { conn->loop->gateway->conf.hosts,
                          strlen(conn->loop->gateway->conf.hosts) };
    struct slice host = conn->http.host;

    if (list.size == 0 || host.size == 0)
        return true;
    const char *colon = memrchr(host.bytes, ':', host.size);
    if (colon && host.bytes[host.size - 1] != ']')
        host.size = (size_t) (colon - host.bytes);
    while (list.size > 0) {
        const struct slice name = slice_trim(slice_cut(&list, ','));
        if (name.size == host.size) {
            bool same = true;
            for (size_t i = 0; same && i < name.size; i++)
                same = (name.bytes[i] | 0x20) == (host.bytes[i] | 0x20);
            if (same)
                return true;
        }
    }
    return false;
}

/* W3C Trace Context 3.2: taken when it is well-formed, else begun here. */
static void
trace_begin(struct conn *conn)
{
    static const char hex[] = "0123456789abcdef";
    const struct slice parent = http_header(&conn->http, HEADER_TRACEPARENT);
    uint8_t bytes[24];
    bool good = parent.size == 55 && memcmp(parent.bytes, "00-", 3) == 0 &&
                parent.bytes[35] == '-' && parent.bytes[52] == '-';
    bool zero = true;

    for (size_t i = 3; good && i < 55; i++)
        good = i == 35 || i == 52 || (parent.bytes[i] && strchr(hex, parent.bytes[i]));
    for (size_t i = 3; good && i < 35; i++)
        zero = zero && parent.bytes[i] == '0';
    loop_random(conn->loop, bytes, sizeof bytes);
    for (int i = 0; i < 8; i++) {
        conn->span[2 * i] = hex[bytes[i] >> 4];
        conn->span[2 * i + 1] = hex[bytes[i] & 15];
    }
    conn->span[16] = '\0';
    if (good && !zero) {
        memcpy(conn->trace, parent.bytes + 3, 32);
    } else {
        for (int i = 0; i < 16; i++) {
            conn->trace[2 * i] = hex[bytes[8 + i] >> 4];
            conn->trace[2 * i + 1] = hex[bytes[8 + i] & 15];
        }
    }
    conn->trace[32] = '\0';
}

static void
site_answer(struct conn *conn, const struct site_file *file)
{
    const enum encoding form = site_form(file, http_header(&conn->http, HEADER_ACCEPT_ENCODING));
    const __typeof__(file->forms[0]) *chosen = &file->forms[form];

    conn->label = "(file)";
    if (etag_matches(http_header(&conn->http, HEADER_IF_NONE_MATCH), chosen->etag)) {
        struct text *head = respond_begin(conn, 304);
        text_printf(head, "ETag: %s\r\nVary: Accept-Encoding\r\nCache-Control: no-cache\r\n",
                    chosen->etag);
        TEXT_LITERAL(head, SITE_SECURITY_HEADERS); /* a cache takes them over from a 304 */
        respond_end(conn, (struct slice){ NULL, 0 });
        return;
    }
    struct text *head = respond_begin(conn, 200);
    text_add(head, chosen->head.bytes, chosen->head.used);
    TEXT_LITERAL(head, "\r\n");
    size_t body = conn->http.verb == VERB_HEAD ? 0 : chosen->body.used;
    /* Head and the body's beginning in one write, one TLS record; the rest from where it lies. */
    const size_t first = body < READ_BYTES - head->used ? body : READ_BYTES - head->used;
    text_add(head, chosen->body.bytes, first);
    access_log(conn, 200, head->used + body - first);
    conn_send(conn, head->bytes, head->used);
    conn_send_tail(conn, conn->loop->site, chosen->body.bytes + first, body - first);
    conn_answered(conn);
}

static void
other_path(struct conn *conn)
{
    const struct site_file *file;
    const bool reads = conn->http.verb == VERB_GET || conn->http.verb == VERB_HEAD;

    if (slice_is(conn->http.path, "*")) {
        conn->label = "*";
        respond_method(conn, 1u << VERB_GET | 1u << VERB_HEAD | 1u << VERB_OPTIONS);
        return;
    }
    file = site_find(conn->loop->site, conn->http.path);
    const bool healthz = slice_is(conn->http.path, "/healthz");
    const bool readyz = slice_is(conn->http.path, "/readyz");
    if (!file && !healthz && !readyz) {
        conn->label = "(none)";
        respond_problem(conn, "http.not_found");
        return;
    }
    conn->label = healthz ? "/healthz" : readyz ? "/readyz" : "(file)";
    if (!reads)
        respond_method(conn, 1u << VERB_GET | 1u << VERB_HEAD | 1u << VERB_OPTIONS);
    else if (conn->http.has_body)
        respond_problem(conn, "http.body_unexpected");
    else if (healthz)
        respond_json(conn, 200, (struct slice){ "{\"status\":\"ok\"}", 15 });
    else if (readyz)
        health_ready(conn);
    else
        site_answer(conn, file);
}

static void
request_head(struct conn *conn)
{
    const struct gateway *gateway = conn->loop->gateway;
    struct route_match match;
    int64_t wait_s;

    conn->requests++;
    conn->language = NULL;
    trace_begin(conn);
    if (!limiter_take(gateway->limiter, conn->address_key,
                      (struct rate){ gateway->conf.address_rate * 60, gateway->conf.address_burst },
                      conn->loop->now_us, &wait_s)) {
        respond_limited(conn, wait_s);
        return;
    }
    if (!host_is_ours(conn)) {
        respond_problem(conn, "http.misdirected");
        return;
    }
    route_find(gateway->routes, &conn->http, &match);
    if (match.allow == 0) {
        other_path(conn);
        return;
    }
    conn->label = "(verb)";
    if (!match.route) {
        respond_method(conn, match.allow);
        return;
    }
    conn->route = match.route;
    (void) __atomic_add_fetch(&match.route->count, 1, __ATOMIC_RELAXED);
    call_begin(conn, &match);
}

static void
request_end(struct conn *conn)
{
    conn->body_done = true;
    if (conn->call && !conn->answered)
        call_end(conn);
    settle(conn);
}

static void
head_began(struct conn *conn)
{
    conn->begun_us = conn->since_us = conn->loop->now_us;
    conn->moved = 0;
}

static void
conn_feed(struct conn *conn, const char *at, const char *end)
{
    const bool nested = conn->parsing;

    conn->parsing = true;
    while (may_parse(conn) && (at < end || (conn->http.head_done && !conn->body_done))) {
        const bool begun = conn->http.begun, head_done = conn->http.head_done;
        const enum http_event event = http_next(&conn->http, &at, end);
        if (!begun && conn->http.begun)
            head_began(conn);
        if (event == HTTP_HEAD_DONE) {
            conn->since_us = conn->loop->now_us;
            conn->moved = 0;
            request_head(conn);
        } else if (event == HTTP_BODY_DONE) {
            request_end(conn);
        } else if (event == HTTP_FAULT) {
            if (!head_done)
                trace_begin(conn);
            conn->body_done = true; /* nothing of it is looked at any more */
            if (conn->answered)     /* its body broke behind our refusal */
                conn->closing = true;
            else
                respond_problem_and_close(conn, conn->http.status, conn->http.reason);
            settle(conn);
        } else {
            break;
        }
    }
    conn->parsing = nested;
    if (at < end && !conn->dead && !conn->closing) {
        text_add(&conn->leftover, at, (size_t) (end - at));
        if (conn->leftover.failed)
            conn_close(conn);
    }
}

/* While somebody else must speak first: enough is read to learn that the client has gone, and no
 * more than a bound. */
static void
read_ahead(struct conn *conn)
{
    const size_t room = CONN_LEFTOVER_BYTES_MAX > conn->leftover.used
                            ? CONN_LEFTOVER_BYTES_MAX - conn->leftover.used
                            : 0;

    if (room == 0) {
        conn->reading_off = true;
        conn->io->want(conn, false, conn->flushing);
        return;
    }
    const ssize_t got = conn->io->read(conn, conn->loop->in, room);
    if (got == IO_GONE)
        conn_close(conn);
    else if (got > 0)
        text_add(&conn->leftover, conn->loop->in, (size_t) got);
}

void
conn_readable(struct conn *conn)
{
    do {
        if (conn->closing) {
            if (conn->lingering && !conn->io->discard(conn))
                conn_close(conn);
            return;
        }
        if (!may_parse(conn)) {
            read_ahead(conn);
            return;
        }
        const ssize_t got = conn->io->read(conn, conn->loop->in, READ_BYTES);
        if (got == IO_GONE) {
            conn_close(conn);
            return;
        }
        if (got < 0)
            return;
        conn_feed(conn, conn->loop->in, conn->loop->in + got);
        go_on(conn);
    } while (!conn->dead && conn->io->pending(conn));
}

void
conn_writable(struct conn *conn)
{
    flush(conn);
    if (!conn->dead && !conn->flushing) {
        if (conn->streaming && conn->call)
            call_flushed(conn);
        go_on(conn);
    }
}

/* --- time --- */

static bool
is_too_slow(const struct conn *conn, int64_t waited_us)
{
    const struct gateway_conf *conf = &conn->loop->gateway->conf;
    const int64_t passed_us = conn->loop->now_us - conn->since_us - waited_us;

    if (passed_us <= conf->body_grace * 1000)
        return false;
    return (int64_t) conn->moved < conf->body_rate * (passed_us / 1000) / 1000;
}

static void
time_out(struct conn *conn)
{
    COUNT_UP(conn->loop->counters.timed_out, 1);
    if (!conn->http.head_done)
        trace_begin(conn);
    if (conn->answered) {
        conn_close(conn);
        return;
    }
    respond_problem_and_close(conn, 408, "http.timeout");
}

void
conn_tick(struct conn *conn)
{
    const struct gateway_conf *conf = &conn->loop->gateway->conf;
    const int64_t passed_us = conn->loop->now_us - conn->since_us;

    if (conn->dead)
        return;
    if (conn->lingering) {
        /* Nothing listens while we stop: who keeps an idle connection open must not make that long.
         */
        if (passed_us > (conn->loop->stopping ? LINGER_STOPPING_US : LINGER_US))
            conn_close(conn);
    } else if (conn->flushing) {
        if (is_too_slow(conn, 0)) {
            COUNT_UP(conn->loop->counters.timed_out, 1);
            conn_close(conn);
        }
    } else if (conn->waiting) {
        return; /* who answers has a deadline of its own */
    } else if (!conn->handshaken || (!conn->http.begun && conn->requests == 0)) {
        if (passed_us > conf->header_timeout * 1000)
            conn_close(conn);
    } else if (!conn->http.begun) {
        if (passed_us > conf->idle_timeout * 1000) {
            conn->closing = true;
            linger(conn);
        }
    } else if (!conn->http.head_done) {
        if (conn->loop->now_us - conn->begun_us > conf->header_timeout * 1000)
            time_out(conn);
    } else if (is_too_slow(conn, conn->waited_us)) {
        time_out(conn);
    }
}

void
conn_drain(struct conn *conn)
{
    if (conn->dead || conn->closing)
        return;
    if (!conn->handshaken || !conn->http.begun) {
        conn->closing = true;
        linger(conn);
    }
}
