/* run.c - one request from envelope to answer: transaction, retries, replay, evidence. */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "fault/fault.h"
#include "runtime_queries.h"
#include "svc/runtime.h"

/* Serialization failures and deadlocks: two repeats with jitter settle nearly all; a caller may
 * repeat the whole request after that. */
enum { RACED_ATTEMPTS_MAX = 3, RACED_PAUSE_MS = 8 };
/* While the database is away a request waits for it, but leaves its answer time to travel. */
#define ANSWER_US (INT64_C(100) * 1000)
#define AWAY_PAUSE_MS 20
/* A request without a deadline does not wait for a database longer than this. */
#define AWAY_US_MAX (INT64_C(5) * US_PER_SECOND)

/* Refusals are evidence, but a flood of them must not become a flood of writes: ten a second of
 * each thread, fifty at once. */
#define REFUSAL_COST_US (US_PER_SECOND / 10)
#define REFUSAL_BURST_US (5 * US_PER_SECOND)

/* The runtime's own texts are fixed: a name longer than this is no rpc of ours. */
static const char *
loggable(const char *rpc)
{
    return strlen(rpc) <= 64 ? rpc : "?";
}

static struct tx_options
options_of(const struct call *c, bool read_only)
{
    return (struct tx_options){ .tenant = c->tenant,
                                .read_only = read_only,
                                .deadline_us = c->deadline_us };
}

static bool
db_is_away(const struct call *c)
{
    return c->err.code == ERR_UNAVAILABLE && strcmp(c->err.reason, "db.away") == 0;
}

/* --- transactions with retries --- */

static void
forget_attempt(struct call *c)
{
    c->etag[0] = '\0';
    c->labels_read = 0;
    c->subject = (struct id){ { 0 } };
    c->err = (struct err){ .code = ERR_OK };
    c->thread->key_is_fresh = false;
}

static err_t
attempt(struct call *c, const struct tx_options *options, err_t (*fn)(struct call *, void *),
        void *arg)
{
    OWNED(tx_end) struct tx *tx = NULL; /* rolls back, unless tx_commit() came first */

    TRY(tx_begin(c->thread->db, options, &c->err, &tx));
    c->tx = tx;
    TRY(fn(c, arg));
    return tx_commit(tx);
}

/* Whether it is worth the wait to try once more; waits. */
static bool
pause_before_retry(struct call *c, int raced, int64_t give_up_us)
{
    uint8_t random;

    random_bytes(&random, sizeof random);
    if (c->err.code == ERR_RACED) {
        if (raced >= RACED_ATTEMPTS_MAX)
            return false;
        (void) poll(NULL, 0, random % (RACED_PAUSE_MS * raced) + 1);
        return clock_now().us < give_up_us;
    }
    if (!db_is_away(c))
        return false;
    while (clock_now().us < give_up_us) {
        if (db_revive(c->thread->db)) {
            metrics_add(c->thread->rt->metrics, METRIC_RECONNECTS, 1);
            return true;
        }
        if (atomic_load(&c->thread->rt->stopping))
            return false;
        (void) poll(NULL, 0, AWAY_PAUSE_MS / 2 + random % AWAY_PAUSE_MS);
    }
    return false;
}

/* The database may have gone before, during or after COMMIT.  To run again is right in all three
 * cases: a command that had been committed finds its stored reply. */
err_t
call_in_tx(struct call *c, const struct tx_options *options, err_t (*fn)(struct call *, void *),
           void *arg, int *attempts)
{
    const struct arena_mark mark = arena_mark(c->arena);
    const int64_t give_up_us =
        c->deadline_us > 0 ? c->deadline_us - ANSWER_US : clock_now().us + AWAY_US_MAX;
    int raced = 0;

    for (;;) {
        forget_attempt(c);
        ++*attempts;
        const err_t code = attempt(c, options, fn, arg);
        c->tx = NULL;
        if (code == ERR_OK)
            return ERR_OK;
        c->err.code = code;
        if (code == ERR_RACED)
            raced++;
        if (!pause_before_retry(c, raced, give_up_us))
            return code;
        metrics_add(c->thread->rt->metrics, METRIC_RETRIES, 1);
        arena_rewind(c->arena, mark);
    }
}

err_t
svc_command_tx(struct call *c, struct id tenant, err_t (*fn)(struct call *c, void *arg), void *arg)
{
    int attempts = 0;
    const struct tx_options options = { .tenant = tenant, .deadline_us = c->deadline_us };

    c->tenant = tenant;
    return call_in_tx(c, &options, fn, arg, &attempts);
}

/* --- evidence --- */

static ProtobufCBinaryData
bytes_of(const struct id *id)
{
    return id_is_nil(*id) ? (ProtobufCBinaryData){ 0, NULL }
                          : (ProtobufCBinaryData){ sizeof id->bytes, (uint8_t *) id->bytes };
}

static ProtobufCBinaryData
digest_of(uint8_t sum[static SHA256_BYTES])
{
    return (ProtobufCBinaryData){ SHA256_BYTES, sum };
}

err_t
record_look(struct call *c)
{
    Bus__SensitiveRead event = BUS__SENSITIVE_READ__INIT;

    event.request_id = bytes_of(&c->request_id);
    event.method = (char *) c->method;
    event.account_id = bytes_of(&c->account);
    event.session_id = bytes_of(&c->session);
    event.roles = c->roles;
    event.labels = c->labels_read;
    event.subject_id = bytes_of(&c->subject);
    return event_append(c, &event.base);
}

static err_t
look_step(struct call *c, void *arg)
{
    const struct call *seen = arg; /* call_in_tx() forgets what an attempt saw */

    c->labels_read = seen->labels_read;
    c->subject = seen->subject;
    return record_look(c);
}

/* Clearance covers what goes out, or it does not go out; one's own data needs none. */
static err_t
check_clearance(struct call *c)
{
    const bool own = !id_is_nil(c->subject) && id_cmp(c->subject, c->person) == 0;

    if (c->labels_read == 0 || own || call_may_see(c, c->labels_read))
        return ERR_OK;
    return err_set(&c->err, ERR_FORBIDDEN, "call.clearance",
                   "the caller's clearance %u does not cover %u", c->clearance, c->labels_read);
}

static err_t
refusal_step(struct call *c, void *arg)
{
    return event_append(c, arg);
}

/* Best effort: the refusal itself has been decided.  Who was not proved is recorded with the
 * platform: a stranger must not write into a tenant's log. */
void
record_refusal(struct call *c, const struct request *request)
{
    struct svc_thread *thread = c->thread;
    const int64_t now_us = clock_monotonic_us();
    const struct err refused = c->err;
    Bus__CommandRefused event = BUS__COMMAND_REFUSED__INIT;
    uint8_t body_sha256[SHA256_BYTES];
    int attempts = 0;

    if (thread->refusals_us < now_us - REFUSAL_BURST_US)
        thread->refusals_us = now_us - REFUSAL_BURST_US;
    if (thread->refusals_us > now_us) {
        metrics_add(thread->rt->metrics, METRIC_REFUSALS_UNRECORDED, 1);
        return;
    }
    thread->refusals_us += REFUSAL_COST_US;

    /* The body of a BARE method may be a password and little else: from the digest of such a body
     * the password can be guessed, so none is kept. */
    const bool may_hold_secret = !request->method || request->method->effect == SVC_BARE;
    sha256(request->envelope->body.data, request->envelope->body.len, body_sha256);
    event.request_id = bytes_of(&c->request_id);
    event.method = (char *) loggable(c->method);
    event.account_id = bytes_of(&c->account);
    event.session_id = bytes_of(&c->session);
    event.roles = c->roles;
    event.caller = (char *) c->caller;
    if (!may_hold_secret)
        event.body_sha256 = digest_of(body_sha256);
    event.code = (char *) err_name(refused.code);
    event.reason = (char *) refused.reason;
    const struct id tenant = c->tenant;
    if (refused.code == ERR_UNAUTHENTICATED || strcmp(refused.reason, "call.tenant") == 0)
        c->tenant = (struct id){ { 0 } };
    const struct tx_options options = options_of(c, false);
    if (call_in_tx(c, &options, refusal_step, &event.base, &attempts) != ERR_OK)
        LOG(WARNING, &c->log, "refusal.unrecorded", L_TEXT("reason", c->err.reason));
    c->tenant = tenant;
    c->err = refused;
}

/* --- replay --- */

/* A service has no account: its name keeps its keys apart from those of others. */
static const char *
reply_method(struct call *c)
{
    return id_is_nil(c->account) ? arena_printf(c->arena, "%s:%s", c->caller, c->method)
                                 : c->method;
}

/* Where a stored reply belongs: it opens nowhere else. */
static const char *
reply_context(struct call *c, const char *key)
{
    char account[ID_TEXT_BYTES];

    id_format(c->account, account);
    return arena_printf(c->arena, "%s.reply/%s/%s/%s", c->service, account, c->method, key);
}

/* A reply can hold what is sealed elsewhere; where there is a key ring it is stored sealed. */
static err_t
seal_reply(struct call *c, const struct request *request, ProtobufCBinaryData *stored)
{
    *stored = request->reply;
    if (!c->thread->rt->ring || request->reply.len == 0)
        return ERR_OK;
    const char *context = reply_context(c, request->envelope->idempotency_key);
    if (!context)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the reply needs too much memory");
    return call_seal(c, context, request->reply.data, request->reply.len, stored);
}

static err_t
store_reply(struct call *c, struct request *request)
{
    Bus__CommandDone event = BUS__COMMAND_DONE__INIT;
    uint8_t reply_sha256[SHA256_BYTES];
    ProtobufCBinaryData body, stored;

    TRY(seal_reply(c, request, &stored));
    sha256(request->reply.data, request->reply.len, reply_sha256);
    event.request_id = bytes_of(&c->request_id);
    event.method = (char *) c->method;
    event.account_id = bytes_of(&c->account);
    event.session_id = bytes_of(&c->session);
    event.roles = c->roles;
    event.caller = (char *) c->caller;
    event.body_sha256 = digest_of(request->body_sha256);
    event.reply_sha256 = digest_of(reply_sha256);
    TRY(message_pack(c, &event.base, &body));

    if (fault_hit("replay.store"))
        return err_set(&c->err, ERR_UNAVAILABLE, "db.away", "the database is away");
    return db_exec(c, &q_rt_command_store, P_ID(id_mint(c->wall)), P_ID(c->tenant),
                   P_TEXT(event.base.descriptor->name), P_BYTES(body.data, body.len),
                   P_INSTANT(c->wall), P_TEXT(c->thread->traceparent), P_ID(c->account),
                   P_TEXT(reply_method(c)), P_TEXT(request->envelope->idempotency_key),
                   P_BYTES(request->body_sha256, SHA256_BYTES), P_BYTES(stored.data, stored.len),
                   P_TEXT(c->etag), P_BOOL(stored.data != request->reply.data));
}

struct replay {
    struct request *request;
    bool found;
};

static err_t
replay_step(struct call *c, void *arg)
{
    struct replay *replay = arg;
    struct request *request = replay->request;
    OWNED(rows_free) struct rows *rows = NULL;
    size_t size;

    TRY(db_query(c, &q_rt_reply_get, &rows, P_ID(c->tenant), P_ID(c->account),
                 P_TEXT(reply_method(c)), P_TEXT(request->envelope->idempotency_key)));
    replay->found = rows_count(rows) > 0;
    if (!replay->found)
        return ERR_OK;

    const void *sum = rows_bytes(rows, 0, 0, &size);
    if (!bytes_equal(sum, request->body_sha256, SHA256_BYTES))
        return err_set(&c->err, ERR_CONFLICT, "idempotency.other_body",
                       "the idempotency key was used for another request");
    const void *reply = rows_bytes(rows, 0, 1, &size);
    const char *context = reply_context(c, request->envelope->idempotency_key);
    if (rows_bool(rows, 0, 3) && context) {
        TRY(call_unseal(c, context, reply, size, &request->reply));
    } else {
        uint8_t *copy = arena_copy(c->arena, reply, size + (size == 0));
        if (!copy || !context)
            return err_set(&c->err, ERR_LIMITED, "rpc.too_large",
                           "the reply needs too much memory");
        request->reply = (ProtobufCBinaryData){ size, copy };
    }
    (void) snprintf(c->etag, sizeof c->etag, "%s", rows_text(rows, 0, 2));
    return ERR_OK;
}

/* A command that failed may be a repeat of one that succeeded. */
static err_t
replay_or(struct call *c, struct request *request, err_t code)
{
    const struct err failed = c->err;
    struct replay replay = { request, false };
    const struct tx_options options = options_of(c, true);
    int attempts = 0;
    const err_t looked = call_in_tx(c, &options, replay_step, &replay, &attempts);

    if (looked == ERR_OK && replay.found) {
        request->replayed = true;
        metrics_add(c->thread->rt->metrics, METRIC_REPLAYS, 1);
        return ERR_OK;
    }
    if (looked == ERR_CONFLICT)
        return looked;
    c->err = failed;
    c->etag[0] = '\0';
    return code;
}

/* --- the three effects --- */

/* One attempt.  A handler may run more than once for one request, so all it does goes through tx.
 */
static err_t
run_step(struct call *c, void *arg)
{
    struct request *request = arg;
    ProtobufCMessage *out;

    TRY(message_make(c, request->types->output, &out));
    TRY(request->method->run(c, request->in, out));
    TRY(check_clearance(c));
    const bool is_stored = request->method->effect == SVC_WRITE;
    TRY(message_pack_within(c, out, is_stored ? REPLY_PART_BYTES_MAX : REPLY_BYTES_MAX,
                            &request->reply));
    if (!is_stored)
        return ERR_OK;
    if (c->labels_read != 0)
        TRY(record_look(c));
    return store_reply(c, request);
}

static err_t
run_write(struct call *c, struct request *request)
{
    const struct tx_options options = options_of(c, false);

    if (request->envelope->idempotency_key[0] == '\0')
        return err_set(&c->err, ERR_INVALID, "idempotency.missing",
                       "%s changes something and needs an idempotency key", c->method);
    sha256(request->envelope->body.data, request->envelope->body.len, request->body_sha256);
    const err_t code = call_in_tx(c, &options, run_step, request, &request->attempts);
    return code == ERR_OK ? ERR_OK : replay_or(c, request, code);
}

/* No look without evidence: the record is committed before the reply leaves. */
static err_t
record_look_apart(struct call *c)
{
    const struct call seen = *c;
    const struct tx_options options = options_of(c, false);
    int attempts = 0;

    TRY(call_in_tx(c, &options, look_step, (void *) &seen, &attempts));
    memcpy(c->etag, seen.etag, sizeof c->etag);
    return ERR_OK;
}

err_t
request_run(struct call *c, struct request *request)
{
    const struct tx_options options = options_of(c, true);

    fault_within(c->method);
    switch (request->method->effect) {
    case SVC_WRITE:
        return run_write(c, request);
    case SVC_READ:
        TRY(call_in_tx(c, &options, run_step, request, &request->attempts));
        break;
    case SVC_BARE:
        request->attempts = 1;
        forget_attempt(c);
        TRY(run_step(c, request));
        break;
    }
    return c->labels_read == 0 ? ERR_OK : record_look_apart(c);
}

/* --- from envelope to answer --- */

static err_t
prepare(struct call *c, struct request *request)
{
    static const char common[] = "Common.";
    const char *rpc = request->envelope->method;
    const struct svc *svc = c->thread->rt->svc;
    size_t i;

    if (strncmp(rpc, common, sizeof common - 1) == 0) {
        rpc += sizeof common - 1;
        svc = &common_svc;
    } else if (!method_find(svc, rpc, &i)) {
        svc = &common_svc; /* "Ping" alone means the runtime's, unless the service has one */
    }
    request->method = method_find(svc, rpc, &i);
    if (!request->method)
        return err_set(&c->err, ERR_NOT_FOUND, "rpc.unknown", "no such rpc in %s",
                       c->thread->rt->svc->name);
    request->types = &svc->descriptor->methods[i];
    c->method = request->method->rpc;
    TRY(method_authorise(request->method, c));
    return message_decode(c, request->types->input, request->envelope->body.len,
                          request->envelope->body.data, &request->in);
}

static void
log_call(struct call *c, const struct request *request, err_t code, int64_t us)
{
    const struct log_field fields[] = {
        L_TEXT("rpc", loggable(c->method)),
        L_TEXT("code", err_name(code)),
        L_TEXT("reason", code == ERR_OK ? NULL : c->err.reason),
        L_TEXT("caller", c->caller),
        L_INT("us", us),
        L_INT("attempts", request->attempts),
        L_TEXT(request->replayed ? "replayed" : "text", request->replayed      ? "yes"
                                                        : code == ERR_INTERNAL ? c->err.text
                                                                               : NULL),
    };
    const size_t count = COUNT(fields) - (code == ERR_INTERNAL || request->replayed ? 0 : 1);

    log_write(code == ERR_INTERNAL ? LOG_ERROR : LOG_INFO, &c->log, "call.done", fields, count);
}

/* What the refusal means to a member, in the language of the request; "" when no table has it. */
static const char *
title_of(const struct call *c)
{
    static const struct svc_reason runtime_reasons[] = {
#define REASON(symbol, wire, english, chinese) { wire, english, chinese },
#include "svc/reasons.def"
#undef REASON
    };
    const struct svc *svc = c->thread->rt->svc;
    const struct {
        const struct svc_reason *rows;
        size_t count;
    } tables[] = { { svc->reasons, svc->reason_count },
                   { runtime_reasons, COUNT(runtime_reasons) } };

    for (size_t t = 0; t < COUNT(tables); t++)
        for (size_t i = 0; i < tables[t].count; i++)
            if (strcmp(tables[t].rows[i].wire, c->err.reason) == 0)
                return c->language && c->language[0] == 'e' ? tables[t].rows[i].english
                                                            : tables[t].rows[i].chinese;
    return "";
}

static void
fill_answer(struct call *c, const struct request *request, err_t code, Bus__Answer *answer)
{
    bus__answer__init(answer);
    answer->code = bus_code_from_err(code);
    if (code == ERR_OK) {
        answer->body = request->reply;
        answer->etag = arena_strdup(c->arena, c->etag);
        if (!answer->etag)
            answer->etag = (char *) protobuf_c_empty_string;
        return;
    }
    /* What broke inside is for our log alone. */
    const bool ours = code == ERR_INTERNAL;
    char *reason = arena_strdup(c->arena, ours ? "internal" : c->err.reason);
    char *path = arena_strdup(c->arena, c->err.path);
    char *text = arena_strdup(c->arena, ours ? err_says(code) : c->err.text);
    answer->title = (char *) (uintptr_t) (ours ? "" : title_of(c)); /* packed, never written to */
    answer->reason = reason ? reason : (char *) protobuf_c_empty_string;
    answer->path = path ? path : (char *) protobuf_c_empty_string;
    answer->text = text ? text : (char *) protobuf_c_empty_string;
}

/* The caller minted the request id when it sent the request (UUIDv7: milliseconds first). */
static void
note_age(struct call *c)
{
    int64_t ms = 0;

    for (int i = 0; i < 6; i++)
        ms = ms << 8 | c->request_id.bytes[i];
    const int64_t age_us = c->wall.us - ms * 1000;
    if (ms > 0 && age_us < 3600 * US_PER_SECOND) /* a caller's clock may be ahead a little */
        metrics_waited(c->thread->rt->metrics, age_us > 0 ? age_us : 0);
}

void
svc_thread_answer(struct svc_thread *thread, const char *caller, const Bus__Envelope *envelope,
                  Bus__Answer *answer)
{
    const int64_t started_us = clock_monotonic_us();
    struct metrics *metrics = thread->rt->metrics;
    struct request request = { .envelope = envelope };
    struct call c;

    arena_reset(thread->arena);
    call_init(&c, thread);
    trace_take(&c, envelope->traceparent);
    metrics_add(metrics, METRIC_BUSY, 1);

    err_t code = call_admit(&c, caller, envelope);
    if (code == ERR_OK)
        code = prepare(&c, &request);
    if (code == ERR_OK)
        code = request_run(&c, &request);
    if (code == ERR_FORBIDDEN || code == ERR_UNAUTHENTICATED)
        record_refusal(&c, &request);
    note_age(&c);
    fill_answer(&c, &request, code, answer);

    const int64_t us = clock_monotonic_us() - started_us;
    metrics_add(metrics, METRIC_BUSY, -1);
    metrics_call(metrics, thread->rt->svc, c.method, code, us);
    log_call(&c, &request, code, us);
}
