/* call.c - a request on its way to a service and back; the order of its checks is written in
 * call.h. */
#include "call.h"

#include <stdio.h>
#include <stdlib.h>

#include "arena/arena_pb.h"
#include "bus/bus.h"
#include "common.pb-c.h"
#include "crypto/crypto.h"
#include "identity.pb-c.h"
#include "public.h"
#include "respond.h"

#define COOKIE "__Host-huzhu"
#define CSRF_COOKIE "__Host-huzhu-csrf"
#define COOKIE_RULES "; Path=/; Secure; SameSite=Strict"

enum {
    SPARE_CALLS_MAX = 64,
    TOKEN_BYTES_MAX = 256,
    BODY_BYTES_KEPT = 16384,
    PRINCIPAL_MARGIN_US = 5 * 1000000
};

static void session_done(struct loop *loop, void *arg, const Bus__Answer *answer);
static void rpc_done(struct loop *loop, void *arg, const Bus__Answer *answer);

/* --- life --- */

static struct call *
call_take(struct conn *conn)
{
    struct loop *loop = conn->loop;
    struct call *call = loop->spare_calls;

    if (call) {
        loop->spare_calls = call->next;
        loop->spare_call_count--;
    } else {
        call = calloc(1, sizeof *call);
        if (!call)
            return NULL;
        call->arena = arena_create(CALL_ARENA_BYTES);
        if (!call->arena) {
            free(call);
            return NULL;
        }
    }
    call->conn = conn;
    conn->call = call;
    return call;
}

static void
text_keep_small(struct text *text)
{
    if (text->room > BODY_BYTES_KEPT)
        text_free(text);
    text->used = 0;
    text->failed = false;
}

void
call_drop(struct conn *conn)
{
    struct call *call = conn->call;
    struct loop *loop = conn->loop;

    conn->call = NULL;
    conn->streaming = false;
    if (call->ticket)
        loop_cancel(loop, call->ticket);
    loop->body_bytes -= call->body.used + call->answer.used;
    if (call->body.used > 0) /* it may have held a password */
        explicit_bzero(call->body.bytes, call->body.used);
    text_keep_small(&call->body);
    text_keep_small(&call->answer);
    arena_reset(call->arena);
    struct arena *arena = call->arena;
    struct text body = call->body, answer = call->answer;
    explicit_bzero(call, sizeof *call);
    call->arena = arena;
    call->body = body;
    call->answer = answer;
    if (loop->spare_call_count < SPARE_CALLS_MAX) {
        call->next = loop->spare_calls;
        loop->spare_calls = call;
        loop->spare_call_count++;
        return;
    }
    arena_destroy(arena);
    text_free(&call->body);
    text_free(&call->answer);
    free(call);
}

void
call_free_spare(struct loop *loop)
{
    while (loop->spare_calls) {
        struct call *call = loop->spare_calls;
        loop->spare_calls = call->next;
        arena_destroy(call->arena);
        text_free(&call->body);
        text_free(&call->answer);
        free(call);
    }
    loop->spare_call_count = 0;
}

/* --- what the head says --- */

static bool
is_visible(struct slice text, size_t most)
{
    if (text.size < 1 || text.size > most)
        return false;
    for (size_t i = 0; i < text.size; i++)
        if (text.bytes[i] < 0x21 || text.bytes[i] > 0x7e)
            return false;
    return true;
}

static bool
is_unsafe(const struct conn *conn)
{
    return conn->http.verb != VERB_GET && conn->http.verb != VERB_HEAD;
}

static const char *
check_body(const struct call *call)
{
    const struct http *http = &call->conn->http;
    const struct gateway_conf *conf = &call->conn->loop->gateway->conf;
    const bool is_upload = (call->match.route->flags & ROUTE_UPLOAD) != 0;
    struct slice type = http_header(http, HEADER_CONTENT_TYPE);
    const int64_t most =
        is_upload ? upload_bytes_max(conf, call->match.route) : (int64_t) TRANSCODE_BYTES_MAX;

    if (is_upload && !http->has_body && !http_has(http, HEADER_CONTENT_LENGTH))
        return "http.length_required";
    if (!http->has_body)
        return NULL;
    if (!is_unsafe(call->conn))
        return "http.body_unexpected";
    if (http_has(http, HEADER_CONTENT_ENCODING) &&
        !slice_is_nocase(http_header(http, HEADER_CONTENT_ENCODING), "identity"))
        return "http.content_encoding";
    if (http->content_length > most)
        return "http.body_too_large";
    if (is_upload)
        return upload_takes(type) ? NULL : "http.upload_type";
    const struct slice name = slice_trim(slice_cut(&type, ';'));
    const struct slice parameter = slice_trim(type);
    if (!slice_is_nocase(name, "application/json") ||
        (parameter.size > 0 && !slice_is_nocase(parameter, "charset=utf-8") &&
         !slice_is_nocase(parameter, "charset=\"utf-8\"")))
        return "http.media_type";
    return NULL;
}

/* RFC 7240's wait, in whole seconds. */
static int64_t
deadline_ms(const struct call *call)
{
    int64_t ms = call->conn->loop->gateway->conf.deadline;
    struct slice list = http_header(&call->conn->http, HEADER_PREFER);

    while (list.size > 0) {
        struct slice item = slice_trim(slice_cut(&list, ','));
        int64_t seconds = 0;
        if (!slice_starts(item, "wait=") || item.size < 6 || item.size > 8)
            continue;
        for (size_t i = 5; i < item.size && seconds >= 0; i++)
            seconds = item.bytes[i] >= '0' && item.bytes[i] <= '9'
                          ? seconds * 10 + (item.bytes[i] - '0')
                          : -1;
        if (seconds >= 1 && seconds <= 60)
            ms = seconds * 1000;
    }
    return ms;
}

static const char *
check_headers(struct call *call)
{
    const struct http *http = &call->conn->http;
    const struct slice key = http_header(http, HEADER_IDEMPOTENCY_KEY);
    const struct slice match = http_header(http, HEADER_IF_MATCH);

    if (http_has(http, HEADER_IDEMPOTENCY_KEY)) {
        if (!is_visible(key, 64))
            return "idempotency.key";
        memcpy(call->idempotency_key, key.bytes, key.size);
        call->idempotency_key[key.size] = '\0';
    }
    if (http_has(http, HEADER_IF_MATCH) && !slice_is(match, "*") &&
        (match.size < 3 || match.size > 66 || match.bytes[0] != '"' ||
         memchr(match.bytes + 1, '"', match.size - 1) != match.bytes + match.size - 1))
        return "http.header_value"; /* one strong ETag: nobody has read two states */
    return NULL;
}

/* --- who --- */

static struct slice
cookie_find(struct slice cookies, const char *name)
{
    while (cookies.size > 0) {
        struct slice value = slice_trim(slice_cut(&cookies, ';'));
        const struct slice key = slice_cut(&value, '=');
        if (slice_is(key, name))
            return value;
    }
    return (struct slice){ "", 0 };
}

static struct slice
token_find(struct call *call)
{
    const struct http *http = &call->conn->http;
    const struct slice authorization = http_header(http, HEADER_AUTHORIZATION);

    call->by_cookie = false;
    if (http_has(http, HEADER_AUTHORIZATION)) {
        if (!slice_starts(authorization, "Bearer "))
            return (struct slice){ "", 0 };
        return slice_trim((struct slice){ authorization.bytes + 7, authorization.size - 7 });
    }
    call->by_cookie = true;
    return cookie_find(http_header(http, HEADER_COOKIE), COOKIE);
}

/* A page of another site may make a browser send our cookie's request; the browser then says whose
 * page it was.  Who sends neither header is no browser of this decade. */
static bool
is_cross_site(const struct http *http)
{
    const struct slice site = http_header(http, HEADER_SEC_FETCH_SITE);
    struct slice origin = http_header(http, HEADER_ORIGIN);

    if (http_has(http, HEADER_SEC_FETCH_SITE) && !slice_is(site, "same-origin") &&
        !slice_is(site, "none"))
        return true;
    if (!http_has(http, HEADER_ORIGIN))
        return false;
    if (!slice_starts(origin, "https://"))
        return true;
    origin = (struct slice){ origin.bytes + 8, origin.size - 8 };
    if (origin.size != http->host.size)
        return true;
    for (size_t i = 0; i < origin.size; i++)
        if ((origin.bytes[i] | 0x20) != (http->host.bytes[i] | 0x20))
            return true;
    return false;
}

static bool
may_sign_in(struct call *call)
{
    const struct gateway *gateway = call->conn->loop->gateway;
    const uint64_t key = limiter_key_for(call->conn->address_key, 2);
    int64_t wait_s;

    if (!(call->match.route->flags & ROUTE_SIGN_IN) ||
        limiter_take(gateway->limiter, key,
                     (struct rate){ gateway->conf.sign_in_rate, gateway->conf.sign_in_burst },
                     call->conn->loop->now_us, &wait_s))
        return true;
    respond_limited(call->conn, wait_s);
    return false;
}

/* A program that writes without a key is refused at its first try, not told at its first lost
 * answer that it cannot know whether it wrote: nobody but the caller can say that two requests are
 * one.  A person at a browser sees what was done.  An upload's address and offset are its key, and
 * what begins, changes or ends a session is done anew each time. */
static bool
lacks_key(const struct call *call)
{
    const uint32_t keyless = ROUTE_UPLOAD | ROUTE_SIGN_IN | ROUTE_SIGN_OUT | ROUTE_RENEW;

    return call->has_session && !call->by_cookie && is_unsafe(call->conn) &&
           !(call->match.route->flags & keyless) && !call->idempotency_key[0];
}

/* The caller is known, or need not be: the body may come. */
static void
authorised(struct call *call)
{
    struct conn *conn = call->conn;
    const struct gateway *gateway = conn->loop->gateway;
    const struct slice csrf = http_header(&conn->http, HEADER_CSRF_TOKEN);
    int64_t wait_s;
    uint8_t tenant[16];

    const bool host_known = tenants_find(conn->loop->tenants, conn->http.host, tenant);
    if (call->has_session) {
        if (call->by_cookie && is_unsafe(conn) && !(call->match.route->flags & ROUTE_SIGN_IN) &&
            (csrf.size != strlen(call->session.csrf) || csrf.size == 0 ||
             !bytes_equal(csrf.bytes, call->session.csrf, csrf.size))) {
            respond_problem(conn, "session.csrf");
            return;
        }
        if (!limiter_take(
                gateway->limiter, limiter_key(gateway->limiter, "a", call->session.account, 16),
                (struct rate){ gateway->conf.account_rate * 60, gateway->conf.account_burst },
                conn->loop->now_us, &wait_s)) {
            respond_limited(conn, wait_s);
            return;
        }
        /* A session of one tenant on the host of another: as if nothing were there. */
        if (call->session.has_tenant && host_known &&
            memcmp(tenant, call->session.tenant, sizeof tenant) != 0) {
            respond_problem(conn, "request.tenant");
            return;
        }
    }
    if (lacks_key(call)) {
        respond_problem(conn, "idempotency.missing");
        return;
    }
    call->has_tenant = host_known || (call->has_session && call->session.has_tenant);
    if (call->has_session && call->session.has_tenant)
        memcpy(call->tenant, call->session.tenant, sizeof call->tenant);
    else if (host_known)
        memcpy(call->tenant, tenant, sizeof call->tenant);
    if (call->match.route->flags & ROUTE_UPLOAD)
        upload_begin(call);
    if (conn->call == call && !conn->answered)
        conn_continue(conn);
}

static void
session_missing(struct call *call, const char *reason)
{
    if (call->match.route->flags & ROUTE_ANONYMOUS)
        authorised(call);
    else
        respond_problem(call->conn, reason);
}

static err_t
session_read(struct call *call, const Bus__Answer *answer, struct err *err)
{
    ProtobufCAllocator allocator = arena_protobuf_allocator(call->arena);
    const struct gateway *gateway = call->conn->loop->gateway;
    struct session *session = &call->session;

    const Identity__ResumeSessionReply *reply =
        identity__resume_session_reply__unpack(&allocator, answer->body.len, answer->body.data);
    const Bus__SignedPrincipal *proof =
        reply
            ? bus__signed_principal__unpack(&allocator, reply->principal.len, reply->principal.data)
            : NULL;
    const Bus__Principal *principal =
        proof ? bus__principal__unpack(&allocator, proof->principal.len, proof->principal.data)
              : NULL;
    if (!principal || reply->principal.len > sizeof session->principal ||
        strlen(reply->csrf_token) > SESSION_CSRF_BYTES_MAX || principal->account_id.len != 16 ||
        (principal->tenant_id.len != 16 && principal->tenant_id.len != 0))
        return err_set(err, ERR_INTERNAL, "session.reply",
                       "identity's answer to ResumeSession is not what it should be");
    memcpy(session->token_hash, call->token_hash, sizeof session->token_hash);
    memcpy(session->principal, reply->principal.data, reply->principal.len);
    session->principal_size = reply->principal.len;
    (void) snprintf(session->csrf, sizeof session->csrf, "%s", reply->csrf_token);
    memcpy(session->account, principal->account_id.data, 16);
    session->has_tenant = principal->tenant_id.len == 16;
    if (session->has_tenant)
        memcpy(session->tenant, principal->tenant_id.data, 16);
    int64_t until_us = call->conn->loop->wall_us + gateway->conf.session_cache * 1000;
    if (until_us > principal->expires_us - PRINCIPAL_MARGIN_US)
        until_us = principal->expires_us - PRINCIPAL_MARGIN_US;
    if (reply->expires && until_us > reply->expires->us)
        until_us = reply->expires->us;
    session->until_us = until_us;
    call->has_session = true;
    return ERR_OK;
}

static void
session_done(struct loop *loop, void *arg, const Bus__Answer *answer)
{
    struct call *call = arg;
    struct conn *conn = call->conn;
    struct err err = { 0 };

    call->ticket = 0;
    err_t code = bus_answer_error(answer, &err);
    if (code == ERR_OK)
        code = session_read(call, answer, &err);
    arena_reset(call->arena);
    if (code == ERR_OK) {
        sessions_put(loop->gateway->sessions, &call->session);
        authorised(call);
    } else if (code == ERR_UNAUTHENTICATED || code == ERR_NOT_FOUND) {
        session_missing(call, "session.unknown");
    } else {
        if (code == ERR_INTERNAL)
            LOG(ERROR, NULL, "session.failed", L_TEXT("trace", conn->trace),
                L_TEXT("text", err.text));
        respond_error(conn, &err);
    }
    conn_resume(conn);
}

static void
session_ask(struct call *call, struct slice token)
{
    Identity__ResumeSessionRequest request = IDENTITY__RESUME_SESSION_REQUEST__INIT;
    struct err err = { 0 };

    request.token = arena_alloc(call->arena, token.size + 1);
    request.address = call->conn->address;
    if (!request.token) {
        respond_problem(call->conn, "http.busy");
        return;
    }
    memcpy(request.token, token.bytes, token.size);
    call->session.read_us = call->conn->loop->wall_us; /* what identity says is not older */
    COUNT_UP(call->conn->loop->counters.sessions_asked, 1);
    if (call_send(call, "identity", "ResumeSession", &request.base, session_done, &err) != ERR_OK)
        respond_error(call->conn, &err);
    else
        conn_wait(call->conn);
}

void
call_begin(struct conn *conn, const struct route_match *match)
{
    struct call *call = call_take(conn);

    if (!call) {
        respond_problem(conn, "http.busy");
        return;
    }
    call->match = *match;
    call->deadline_us = conn->loop->wall_us + deadline_ms(call) * 1000;
    const char *fault = check_body(call);
    if (!fault)
        fault = check_headers(call);
    if (fault) {
        respond_problem(conn, fault);
        return;
    }
    if (!may_sign_in(call))
        return;
    const struct slice token = token_find(call);
    const bool signs_in = (match->route->flags & ROUTE_SIGN_IN) != 0;
    if ((call->by_cookie || signs_in) && is_unsafe(conn) && is_cross_site(&conn->http)) {
        respond_problem(conn, "session.cross_site");
        return;
    }
    if (match->route->flags & ROUTE_PUBLIC) {
        public_begin(call);
        return;
    }
    if (signs_in || (token.size == 0 && !http_has(&conn->http, HEADER_AUTHORIZATION))) {
        session_missing(call, "session.required");
        return;
    }
    if (!is_visible(token, TOKEN_BYTES_MAX)) {
        session_missing(call, "session.unknown");
        return;
    }
    call->has_token = true;
    sha256(token.bytes, token.size, call->token_hash);
    call->has_session = sessions_get(conn->loop->gateway->sessions, call->token_hash,
                                     conn->loop->wall_us, &call->session);
    if (call->has_session)
        authorised(call);
    else
        session_ask(call, token);
}

/* --- the body --- */

void
call_body(struct conn *conn, const char *bytes, size_t size)
{
    struct call *call = conn->call;
    struct loop *loop = conn->loop;

    if (call->match.route->flags & ROUTE_UPLOAD) {
        upload_body(call, bytes, size);
        return;
    }
    if (call->body.used + size > TRANSCODE_BYTES_MAX) {
        respond_problem_and_close(conn, 413, "http.body_too_large");
        return;
    }
    if (loop->body_bytes + size > (size_t) loop->gateway->conf.body_memory) {
        respond_problem_and_close(conn, 503, "http.busy");
        return;
    }
    text_add(&call->body, bytes, size);
    if (call->body.failed)
        respond_problem_and_close(conn, 503, "http.busy");
    else
        loop->body_bytes += size;
}

/* --- the rpc --- */

static err_t
bind_query(struct call *call, struct filling *filling, struct err *err)
{
    struct slice query = call->conn->http.query;

    while (query.size > 0) {
        struct slice value = slice_cut(&query, '&');
        const struct slice name = slice_cut(&value, '=');
        char *room = arena_alloc(call->arena, name.size + value.size + 1);
        size_t name_size, value_size;
        if (name.size == 0 && value.size == 0)
            continue;
        if (!room)
            return err_set(err, ERR_INVALID, "json.too_large", "the query is too large");
        if (!percent_decode(name, true, room, &name_size) ||
            !percent_decode(value, true, room + name.size, &value_size))
            return err_set(err, ERR_INVALID, "http.target", "a percent escape is broken");
        TRY(transcode_bind(filling, room, name_size, room + name.size, value_size, err));
    }
    return ERR_OK;
}

static err_t
request_make(struct call *call, struct filling *filling, struct err *err)
{
    const struct route *route = call->match.route;

    TRY(transcode_open(route->in, call->arena, filling, err));
    for (uint32_t i = route->first_bound; i < route->param_count; i++)
        TRY(transcode_bind(filling, route->params[i].bytes, route->params[i].size,
                           call->match.values[i].bytes, call->match.values[i].size, err));
    if (route->flags & ROUTE_SIGN_IN) /* as the gateway saw it, not as the caller says */
        TRY(transcode_bind(filling, "address", 7, call->conn->address, strlen(call->conn->address),
                           err));
    TRY(bind_query(call, filling, err));
    if (call->body.used > 0)
        TRY(transcode_read(filling, call->body.bytes, call->body.used, err));
    return ERR_OK;
}

/* A public page may count who asks for it (wrong codes), and a browser that reads it has no key. */
static void
mint_key(struct call *call)
{
    const bool is_public = (call->match.route->flags & ROUTE_PUBLIC) != 0;

    if (!call->idempotency_key[0] && (is_public || is_unsafe(call->conn)))
        id_format(id_mint((instant_t){ call->conn->loop->wall_us }), call->idempotency_key);
}

err_t
call_send(struct call *call, const char *service, const char *method, ProtobufCMessage *message,
          loop_answer_fn *done, struct err *err)
{
    struct conn *conn = call->conn;
    Bus__Envelope envelope = BUS__ENVELOPE__INIT;
    char traceparent[64], if_match[68] = "";
    const size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *body = arena_alloc(call->arena, size ? size : 1);
    const struct slice match = http_header(&conn->http, HEADER_IF_MATCH);

    if (!body)
        return err_set(err, ERR_INVALID, "json.too_large", "the request is too large");
    (void) protobuf_c_message_pack(message, body);
    (void) snprintf(traceparent, sizeof traceparent, "00-%s-%s-01", conn->trace, conn->span);
    if (match.size > 2 && match.size < sizeof if_match)
        (void) snprintf(if_match, sizeof if_match, "%.*s", (int) match.size - 2, match.bytes + 1);
    else if (slice_is(match, "*"))
        (void) snprintf(if_match, sizeof if_match, "*");
    /* Minted now, not when the request began: services take their queues' age from it. */
    struct id request_id = id_mint((instant_t){ conn->loop->wall_us });
    envelope.request_id = (ProtobufCBinaryData){ sizeof request_id.bytes, request_id.bytes };
    envelope.method = (char *) (uintptr_t) method;
    envelope.traceparent = traceparent;
    if (call->has_tenant)
        envelope.tenant_id = (ProtobufCBinaryData){ sizeof call->tenant, call->tenant };
    if (call->has_session)
        envelope.principal =
            (ProtobufCBinaryData){ call->session.principal_size, call->session.principal };
    envelope.deadline_us = call->deadline_us;
    envelope.idempotency_key = call->idempotency_key;
    envelope.if_match = if_match;
    envelope.body = (ProtobufCBinaryData){ size, body };
    envelope.language = (char *) (uintptr_t) respond_language(&conn->http);
    return loop_send(conn->loop, service, &envelope, (struct listener){ done, call }, &call->ticket,
                     err);
}

void
call_end(struct conn *conn)
{
    struct call *call = conn->call;
    struct filling filling;
    struct err err = { 0 };

    if (call->match.route->flags & ROUTE_UPLOAD) {
        upload_end(call);
        return;
    }
    mint_key(call);
    if (request_make(call, &filling, &err) != ERR_OK ||
        call_send(call, call->match.route->service, call->match.route->rpc, filling.message,
                  rpc_done, &err) != ERR_OK)
        respond_error(conn, &err);
    else
        conn_wait(conn);
}

/* --- the reply --- */

/* Tokens and principals are for this gateway alone; a browser's scripts never see them. */
static char *
take_text(ProtobufCMessage *message, const struct shape *shape, const char *name)
{
    const struct field *field = shape_find(shape, name, strlen(name));
    char *text;

    if (!field || field->kind != FIELD_STRING || field->repeated)
        return NULL;
    memcpy(&text, (char *) message + field->offset, sizeof text);
    return text;
}

static void
hide(ProtobufCMessage *message, const struct shape *shape, const char *name)
{
    static const ProtobufCBinaryData nothing;
    static const char *const empty = "";
    const struct field *field = shape_find(shape, name, strlen(name));

    if (field && field->kind == FIELD_BYTES)
        memcpy((char *) message + field->offset, &nothing, sizeof nothing);
    else if (field && field->kind == FIELD_STRING)
        memcpy((char *) message + field->offset, &empty, sizeof empty);
}

static bool
is_cookie_value(const char *text)
{
    return text && is_visible((struct slice){ text, strlen(text) }, TOKEN_BYTES_MAX) &&
           !strpbrk(text, "\",;\\");
}

static void
cookies_write(struct call *call, const char *token, const char *csrf, struct text *head)
{
    if ((call->match.route->flags & ROUTE_SIGN_IN) && is_cookie_value(token) &&
        is_cookie_value(csrf)) {
        text_printf(head, "Set-Cookie: " COOKIE "=%s" COOKIE_RULES "; HttpOnly\r\n", token);
        text_printf(head, "Set-Cookie: " CSRF_COOKIE "=%s" COOKIE_RULES "\r\n", csrf);
    }
    if ((call->match.route->flags & ROUTE_SIGN_OUT) && call->by_cookie) {
        TEXT_LITERAL(head, "Set-Cookie: " COOKIE "=" COOKIE_RULES "; HttpOnly; Max-Age=0\r\n");
        TEXT_LITERAL(head, "Set-Cookie: " CSRF_COOKIE "=" COOKIE_RULES "; Max-Age=0\r\n");
    }
}

bool
etag_quote(struct slice etag, char quoted[static ETAG_BYTES])
{
    if (!is_visible(etag, 64) || memchr(etag.bytes, '"', etag.size))
        return false;
    (void) snprintf(quoted, ETAG_BYTES, "\"%.*s\"", (int) etag.size, etag.bytes);
    return true;
}

void
call_reply(struct call *call, const Bus__Answer *answer)
{
    struct conn *conn = call->conn;
    const struct route *route = call->match.route;
    struct text *body = &conn->loop->body;
    ProtobufCAllocator allocator = arena_protobuf_allocator(call->arena);
    const bool in_parts = call->answer.used > 0;
    char etag[ETAG_BYTES];

    ProtobufCMessage *message = protobuf_c_message_unpack(
        route->out->proto, &allocator, in_parts ? call->answer.used : answer->body.len,
        in_parts ? (const uint8_t *) call->answer.bytes : answer->body.data);
    if (!message) {
        respond_internal(conn, "a reply does not unpack");
        return;
    }
    if (route->flags & (ROUTE_SIGN_OUT | ROUTE_RENEW))
        sessions_drop(conn->loop->gateway->sessions, call->token_hash);
    const char *token = take_text(message, route->out, "session_token");
    const char *csrf = take_text(message, route->out, "csrf_token");
    if (route->flags & (ROUTE_SIGN_IN | ROUTE_RENEW)) {
        hide(message, route->out, "session_token");
        hide(message, route->out, "principal");
    }
    body->used = 0;
    body->failed = false;
    transcode_write(route->out, message, body);
    if (body->failed) {
        respond_internal(conn, "a reply is too large");
        return;
    }
    const bool has_etag = answer->etag && answer->etag[0] &&
                          etag_quote((struct slice){ answer->etag, strlen(answer->etag) }, etag);
    const bool same = has_etag && !is_unsafe(conn) &&
                      etag_matches(http_header(&conn->http, HEADER_IF_NONE_MATCH), etag);
    struct text *head = respond_begin(conn, same ? 304 : route->status);
    cookies_write(call, token, csrf, head);
    if (has_etag)
        text_printf(head, "ETag: %s\r\n", etag);
    TEXT_LITERAL(head, "Content-Type: application/json\r\n" API_POLICY_HEADERS);
    respond_caching(conn, head);
    respond_end(conn, same ? (struct slice){ NULL, 0 } : (struct slice){ body->bytes, body->used });
}

/* Bytes in parts, as they come (RFC 9112 7.1); HTTP/1.0 gets them up to the end of the connection.
 */
static void
stream_part(struct call *call, const Bus__Answer *answer)
{
    struct conn *conn = call->conn;
    struct text *head = &conn->loop->head;
    const bool chunked = conn->http.parser.http_minor >= 1;

    if (!conn->streaming) {
        if (!chunked)
            conn->closing = true;
        head = respond_begin(conn, call->match.route->status);
        TEXT_LITERAL(head, "Content-Type: application/octet-stream\r\n"
                           "Content-Disposition: attachment\r\n" API_SECURITY_HEADERS);
        if (chunked)
            TEXT_LITERAL(head, "Transfer-Encoding: chunked\r\n");
        TEXT_LITERAL(head, "\r\n");
        conn->streaming = true;
        access_log(conn, call->match.route->status, head->used);
    } else {
        head->used = 0;
        head->failed = false;
    }
    if (conn->http.verb != VERB_HEAD && answer->body.len > 0) {
        if (chunked)
            text_printf(head, "%zx\r\n", answer->body.len);
        text_add(head, answer->body.data, answer->body.len);
        if (chunked)
            TEXT_LITERAL(head, "\r\n");
    }
    if (!answer->more && chunked && conn->http.verb != VERB_HEAD)
        TEXT_LITERAL(head, "0\r\n\r\n");
    if (head->failed || conn->out.used - conn->out_from + head->used > STREAM_BYTES_MAX) {
        conn_close(conn);
        return;
    }
    conn_send(conn, head->bytes, head->used);
    if (!answer->more && !conn->dead) {
        conn->waiting = false;
        conn_answered(conn);
    }
}

void
call_flushed(struct conn *conn)
{
    (void) conn; /* parts are sent as they come; nothing waits for room */
}

/* Keeps a part; false when the request has been answered because it cannot be kept. */
static bool
answer_add(struct call *call, const ProtobufCBinaryData *part)
{
    struct loop *loop = call->conn->loop;

    if (call->answer.used + part->len > ANSWER_BYTES_MAX) {
        respond_internal(call->conn, "a reply is too large");
        return false;
    }
    if (loop->body_bytes + part->len > (size_t) loop->gateway->conf.body_memory ||
        !text_reserve(&call->answer, part->len)) {
        respond_problem(call->conn, "http.busy");
        return false;
    }
    text_add(&call->answer, part->data, part->len);
    loop->body_bytes += part->len;
    return true;
}

static void
rpc_done(struct loop *loop, void *arg, const Bus__Answer *answer)
{
    struct call *call = arg;
    struct conn *conn = call->conn;
    struct err err = { 0 };

    if (!answer->more)
        call->ticket = 0;
    const err_t code = bus_answer_error(answer, &err);
    if (code == ERR_OK && (call->match.route->flags & ROUTE_STREAM)) {
        stream_part(call, answer);
        return;
    }
    if (code == ERR_OK && (answer->more || call->answer.used > 0)) {
        if (!answer_add(call, &answer->body)) {
            conn_resume(conn);
            return;
        }
        if (answer->more)
            return;
    }
    if (conn->streaming) { /* an error behind the first part: all that is left is to break off */
        conn_close(conn);
        return;
    }
    if (code == ERR_OK && (call->match.route->flags & ROUTE_FILE)) {
        file_reply(call, answer);
    } else if (code == ERR_OK) {
        call_reply(call, answer);
    } else {
        if (code == ERR_UNAUTHENTICATED && call->has_session)
            sessions_drop(loop->gateway->sessions, call->token_hash);
        respond_refusal(conn, &err, answer->title);
    }
    conn_resume(conn);
}
