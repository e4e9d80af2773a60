/* public.c - codes of tenants in sets of a hash table under one lock; and the question to identity.
 */
#include "public.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "arena/arena_pb.h"
#include "bus/bus.h"
#include "call.h"
#include "identity.pb-c.h"
#include "respond.h"

/* 2048 codes of 72 bytes: every township of a large province.  A flood of invented codes evicts
 * other invented ones before it touches a tenant. */
enum { WAYS = 8, SETS = 256, KEPT_US = 60 * 1000000 };

struct entry {
    uint64_t key;
    int64_t until_us; /* wall clock; 0: empty */
    uint8_t tenant[16];
    bool there;
    uint8_t size;
    char code[TENANT_CODE_BYTES_MAX];
};

struct tenant_codes {
    pthread_mutex_t lock;
    struct entry sets[SETS][WAYS];
};

struct tenant_codes *
tenant_codes_create(void)
{
    struct tenant_codes *codes = calloc(1, sizeof *codes);

    if (codes)
        (void) pthread_mutex_init(&codes->lock, NULL);
    return codes;
}

void
tenant_codes_destroy(struct tenant_codes *codes)
{
    if (!codes)
        return;
    (void) pthread_mutex_destroy(&codes->lock);
    free(codes);
}

static bool
is_of(const struct entry *entry, uint64_t key, struct slice code)
{
    return entry->key == key && entry->size == code.size &&
           memcmp(entry->code, code.bytes, code.size) == 0;
}

enum tenant_known
tenant_codes_get(struct tenant_codes *codes, uint64_t key, struct slice code, int64_t now_us,
                 uint8_t tenant[static 16])
{
    enum tenant_known known = TENANT_UNASKED;

    (void) pthread_mutex_lock(&codes->lock);
    const struct entry *set = codes->sets[key % SETS];
    for (int i = 0; i < WAYS && known == TENANT_UNASKED; i++) {
        /* A clock that went back must not keep an answer for longer than it may live. */
        if (set[i].until_us <= now_us || set[i].until_us > now_us + KEPT_US ||
            !is_of(&set[i], key, code))
            continue;
        known = set[i].there ? TENANT_THERE : TENANT_ABSENT;
        memcpy(tenant, set[i].tenant, 16);
    }
    (void) pthread_mutex_unlock(&codes->lock);
    return known;
}

void
tenant_codes_put(struct tenant_codes *codes, uint64_t key, struct slice code, int64_t until_us,
                 const uint8_t *tenant)
{
    if (code.size > TENANT_CODE_BYTES_MAX)
        return;
    (void) pthread_mutex_lock(&codes->lock);
    struct entry *set = codes->sets[key % SETS];
    struct entry *place = &set[0];
    for (int i = 0; i < WAYS; i++) {
        if (is_of(&set[i], key, code)) {
            place = &set[i];
            break;
        }
        if (set[i].there != place->there ? place->there : set[i].until_us < place->until_us)
            place = &set[i];
    }
    *place = (struct entry){
        .key = key, .until_us = until_us, .there = tenant != NULL, .size = (uint8_t) code.size
    };
    memcpy(place->code, code.bytes, code.size);
    if (tenant)
        memcpy(place->tenant, tenant, 16);
    (void) pthread_mutex_unlock(&codes->lock);
}

/* --- a request --- */

/* identity's rule; what cannot be a code is not asked for. */
static bool
is_code(struct slice code)
{
    if (code.size < 2 || code.size > TENANT_CODE_BYTES_MAX)
        return false;
    for (size_t i = 0; i < code.size; i++) {
        const char c = code.bytes[i];
        const bool inner = i > 0 && i + 1 < code.size;
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !(c == '-' && inner))
            return false;
    }
    return !slice_is(code, "platform");
}

static uint64_t
key_of(const struct call *call)
{
    const struct slice code = call->match.values[0];

    return limiter_key(call->conn->loop->gateway->limiter, "t", code.bytes, code.size);
}

static void
admit(struct call *call, const uint8_t tenant[static 16])
{
    struct conn *conn = call->conn;
    uint8_t of_host[16];

    /* As a session of one tenant on the host of another: as if nothing were there. */
    if (tenants_find(conn->loop->tenants, conn->http.host, of_host) &&
        memcmp(of_host, tenant, sizeof of_host) != 0) {
        respond_problem(conn, "public.tenant");
        return;
    }
    memcpy(call->tenant, tenant, sizeof call->tenant);
    call->has_tenant = true;
    conn_continue(conn);
}

/* is_open: what a closed tenant published is not shown any more. */
static err_t
resolution_read(struct call *call, const Bus__Answer *answer, bool *is_open,
                uint8_t tenant[static 16], struct err *err)
{
    ProtobufCAllocator allocator = arena_protobuf_allocator(call->arena);
    const Identity__ResolveTenantReply *reply;

    TRY(bus_answer_error(answer, err));
    reply = identity__resolve_tenant_reply__unpack(&allocator, answer->body.len, answer->body.data);
    if (!reply || !reply->tenant_id || reply->tenant_id->value.len != 16)
        return err_set(err, ERR_INTERNAL, "public.reply",
                       "identity's answer to ResolveTenant is not what it should be");
    *is_open = reply->state == IDENTITY__TENANT__STATE__ACTIVE;
    memcpy(tenant, reply->tenant_id->value.data, 16);
    return ERR_OK;
}

static void
resolved(struct loop *loop, void *arg, const Bus__Answer *answer)
{
    struct call *call = arg;
    struct conn *conn = call->conn;
    struct tenant_codes *codes = loop->gateway->tenant_codes;
    const struct slice code = call->match.values[0];
    struct err err = { 0 };
    uint8_t tenant[16] = { 0 };
    bool is_open = false;

    if (answer->more)
        return; /* it never is; the last part decides */
    call->ticket = 0;
    const err_t verdict = resolution_read(call, answer, &is_open, tenant, &err);
    arena_reset(call->arena);
    if (is_open) {
        tenant_codes_put(codes, key_of(call), code, loop->wall_us + KEPT_US, tenant);
        admit(call, tenant);
    } else if (verdict == ERR_OK || verdict == ERR_NOT_FOUND) {
        tenant_codes_put(codes, key_of(call), code, loop->wall_us + KEPT_US, NULL);
        respond_problem(conn, "public.tenant");
    } else {
        if (verdict == ERR_INTERNAL)
            LOG(ERROR, NULL, "public.failed", L_TEXT("trace", conn->trace),
                L_TEXT("text", err.text));
        respond_error(conn, &err);
    }
    conn_resume(conn);
}

void
public_begin(struct call *call)
{
    struct conn *conn = call->conn;
    const struct slice code = call->match.values[0];
    Identity__ResolveTenantRequest request = IDENTITY__RESOLVE_TENANT_REQUEST__INIT;
    char text[TENANT_CODE_BYTES_MAX + 1];
    struct err err = { 0 };
    uint8_t tenant[16];

    if (!is_code(code)) {
        respond_problem(conn, "public.tenant");
        return;
    }
    switch (tenant_codes_get(conn->loop->gateway->tenant_codes, key_of(call), code,
                             conn->loop->wall_us, tenant)) {
    case TENANT_THERE:
        admit(call, tenant);
        return;
    case TENANT_ABSENT:
        respond_problem(conn, "public.tenant");
        return;
    case TENANT_UNASKED:
        break;
    }
    memcpy(text, code.bytes, code.size);
    text[code.size] = '\0';
    request.code = text;
    if (call_send(call, "identity", "ResolveTenant", &request.base, resolved, &err) != ERR_OK)
        respond_error(conn, &err);
    else
        conn_wait(conn);
}
