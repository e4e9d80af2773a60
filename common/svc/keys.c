/* keys.c - the tenants' data keys: one row each, wrapped by the key ring, cached by every thread;
 * and the keys that a tenant's services share, which need no row: for events and for evidence. */
#include <stdio.h>
#include <string.h>

#include "runtime_queries.h"
#include "svc/runtime.h"

static err_t
no_ring(struct call *c)
{
    return err_set(&c->err, ERR_INTERNAL, "keys.none", "no master_keys are set");
}

static void
remember(struct svc_thread *thread, struct id tenant, const uint8_t key[static KEY_BYTES])
{
    struct cached_key *slot = &thread->keys[thread->next_key++ % DATA_KEYS_CACHED];

    if (thread->key_is_fresh) /* its row is not committed yet */
        return;
    slot->tenant = tenant;
    slot->used = true;
    memcpy(slot->key, key, KEY_BYTES);
}

static err_t
load(struct call *c, uint8_t key[static KEY_BYTES], bool *found)
{
    OWNED(rows_free) struct rows *rows = NULL;
    size_t size;

    *found = false;
    TRY(db_query(c, &q_rt_data_key_get, &rows, P_ID(c->tenant)));
    if (rows_count(rows) == 0)
        return ERR_OK;
    const void *wrapped = rows_bytes(rows, 0, 0, &size);
    TRY(data_key_unwrap(c->thread->rt->ring, wrapped, size, key, &c->err));
    *found = true;
    return ERR_OK;
}

static err_t
make(struct call *c)
{
    uint8_t key[KEY_BYTES], wrapped[WRAPPED_KEY_BYTES_MAX];
    size_t size = sizeof wrapped;
    const err_t code = data_key_create(c->thread->rt->ring, key, wrapped, &size, &c->err);

    explicit_bzero(key, sizeof key); /* the row decides: another writer may have been first */
    TRY(code);
    c->thread->key_is_fresh = true;
    return db_exec(c, &q_rt_data_key_insert, P_ID(c->tenant), P_BYTES(wrapped, size),
                   P_INSTANT(c->wall));
}

static err_t
tenant_key(struct call *c, bool may_make, uint8_t key[static KEY_BYTES])
{
    struct svc_thread *thread = c->thread;
    bool found;

    if (!thread || !thread->rt->ring)
        return no_ring(c);
    for (size_t i = 0; i < DATA_KEYS_CACHED; i++) {
        if (thread->keys[i].used && id_cmp(thread->keys[i].tenant, c->tenant) == 0) {
            memcpy(key, thread->keys[i].key, KEY_BYTES);
            return ERR_OK;
        }
    }
    TRY(load(c, key, &found));
    if (!found && may_make) {
        TRY(make(c));
        TRY(load(c, key, &found));
    }
    if (!found)
        return err_set(&c->err, ERR_INTERNAL, "keys.none", "the tenant has no data key");
    remember(thread, c->tenant, key);
    return ERR_OK;
}

err_t
call_seal(struct call *c, const char *context, const void *plain, size_t size,
          ProtobufCBinaryData *sealed)
{
    uint8_t key[KEY_BYTES];
    size_t sealed_size = size + SEAL_OVERHEAD_MAX;
    uint8_t *out = arena_alloc(c->arena, sealed_size);

    if (!out)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the request needs too much memory");
    TRY(tenant_key(c, true, key));
    const err_t code =
        seal(SEAL_AES_256_GCM, key, context, plain, size, out, &sealed_size, &c->err);
    explicit_bzero(key, sizeof key);
    TRY(code);
    *sealed = (ProtobufCBinaryData){ sealed_size, out };
    return ERR_OK;
}

err_t
call_unseal(struct call *c, const char *context, const void *sealed, size_t size,
            ProtobufCBinaryData *plain)
{
    uint8_t key[KEY_BYTES];
    size_t plain_size = size;
    uint8_t *out = arena_alloc(c->arena, size + 1);

    if (!out)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the request needs too much memory");
    TRY(tenant_key(c, false, key));
    const err_t code = unseal(key, context, sealed, size, out, &plain_size, &c->err);
    explicit_bzero(key, sizeof key);
    TRY(code);
    *plain = (ProtobufCBinaryData){ plain_size, out };
    return ERR_OK;
}

/* --- shared by the services of a tenant --- */

/* Shared bytes are: layout (1) | id of the master key (16) | what seal() made. */
enum { SHARED_LAYOUT = 1, SHARED_HEAD_BYTES = 1 + RING_KEY_ID_BYTES };
#define SHARED_INFO_BYTES (sizeof "huzhu shared " + ID_TEXT_BYTES)

static void
shared_info(const struct call *c, char info[static SHARED_INFO_BYTES])
{
    char tenant[ID_TEXT_BYTES];

    id_format(c->tenant, tenant);
    (void) snprintf(info, SHARED_INFO_BYTES, "huzhu shared %s", tenant);
}

/* Services read the ring when they start, and after a rotation one of them starts first: a key that
 * is unknown here is looked for in the folder, or its events would be refused until the restart. */
static err_t
shared_key_find(struct call *c, const char *id, uint8_t key[static KEY_BYTES])
{
    const struct runtime *rt = c->thread->rt;
    OWNED(key_ring_destroy) struct key_ring *newer = NULL;
    char info[SHARED_INFO_BYTES];

    shared_info(c, info);
    if (shared_key_of(rt->ring, id, info, key))
        return ERR_OK;
    TRY(key_ring_load(rt->conf.master_keys, &newer, &c->err));
    if (shared_key_of(newer, id, info, key))
        return ERR_OK;
    return err_set(&c->err, ERR_INTERNAL, "keys.unknown", "the master key %.16s is not in the ring",
                   id);
}

err_t
call_seal_shared(struct call *c, const char *context, const void *plain, size_t size,
                 ProtobufCBinaryData *sealed)
{
    uint8_t key[KEY_BYTES];
    char info[SHARED_INFO_BYTES];
    size_t sealed_size = 0;

    if (!c->thread || !c->thread->rt->ring)
        return no_ring(c);
    uint8_t *out = size <= CALL_ARENA_BYTES_MAX
                       ? arena_alloc(c->arena, SHARED_HEAD_BYTES + size + SEAL_OVERHEAD_MAX)
                       : NULL;
    if (!out)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the request needs too much memory");
    shared_info(c, info);
    out[0] = SHARED_LAYOUT;
    shared_key_current(c->thread->rt->ring, info, (char *) out + 1, key);
    const err_t code = seal(SEAL_AES_256_GCM, key, context, plain, size, out + SHARED_HEAD_BYTES,
                            &sealed_size, &c->err);
    explicit_bzero(key, sizeof key);
    TRY(code);
    *sealed = (ProtobufCBinaryData){ SHARED_HEAD_BYTES + sealed_size, out };
    return ERR_OK;
}

err_t
call_unseal_shared(struct call *c, const char *context, const void *sealed, size_t size,
                   ProtobufCBinaryData *plain)
{
    const uint8_t *bytes = sealed;
    uint8_t key[KEY_BYTES];
    size_t plain_size = 0;

    if (!c->thread || !c->thread->rt->ring)
        return no_ring(c);
    if (size <= SHARED_HEAD_BYTES || bytes[0] != SHARED_LAYOUT)
        return err_set(&c->err, ERR_INTERNAL, "crypto.unseal", "these are no shared sealed bytes");
    uint8_t *out = arena_alloc(c->arena, size);
    if (!out)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the request needs too much memory");
    TRY(shared_key_find(c, (const char *) bytes + 1, key));
    const err_t code = unseal(key, context, bytes + SHARED_HEAD_BYTES, size - SHARED_HEAD_BYTES,
                              out, &plain_size, &c->err);
    explicit_bzero(key, sizeof key);
    TRY(code);
    *plain = (ProtobufCBinaryData){ plain_size, out };
    return ERR_OK;
}

err_t
call_blind_index(struct call *c, const char *purpose, const void *value, size_t size,
                 uint8_t index[static 32])
{
    uint8_t key[KEY_BYTES], purpose_key[KEY_BYTES];

    TRY(tenant_key(c, true, key));
    key_derive(key, purpose, purpose_key);
    hmac_sha256(purpose_key, value, size, index);
    explicit_bzero(key, sizeof key);
    explicit_bzero(purpose_key, sizeof purpose_key);
    return ERR_OK;
}

err_t
call_secret(struct call *c, const char *purpose, uint8_t secret[static 32])
{
    char account[ID_TEXT_BYTES], info[SHARED_INFO_BYTES], id[RING_KEY_ID_BYTES];
    uint8_t key[KEY_BYTES];

    if (!c->thread || !c->thread->rt->ring || c->idempotency_key[0] == '\0') {
        random_bytes(secret, 32);
        return ERR_OK;
    }
    id_format(c->account, account);
    const char *text = arena_printf(c->arena, "%s.secret/%s/%s/%s/%s", c->service, c->method,
                                    account, purpose, c->idempotency_key);
    if (!text)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the request needs too much memory");
    shared_info(c, info);
    shared_key_current(c->thread->rt->ring, info, id, key);
    hmac_sha256(key, text, strlen(text), secret);
    explicit_bzero(key, sizeof key);
    return ERR_OK;
}

/* --- evidence --- */

void
evidence_info(struct id tenant, char info[static EVIDENCE_INFO_BYTES])
{
    char text[ID_TEXT_BYTES];

    id_format(tenant, text);
    (void) snprintf(info, EVIDENCE_INFO_BYTES, "huzhu evidence %s", text);
}

bool
evidence_key(struct call *c, uint8_t key[static KEY_BYTES], const char **id)
{
    struct svc_thread *thread = c->thread;
    char info[EVIDENCE_INFO_BYTES];

    if (!thread->rt->ring)
        return false;
    *id = thread->evidence_key_id;
    for (size_t i = 0; i < DATA_KEYS_CACHED; i++) {
        const struct cached_key *slot = &thread->evidence_keys[i];
        if (slot->used && id_cmp(slot->tenant, c->tenant) == 0) {
            memcpy(key, slot->key, KEY_BYTES);
            return true;
        }
    }
    evidence_info(c->tenant, info);
    shared_key_current(thread->rt->ring, info, thread->evidence_key_id, key);
    struct cached_key *slot =
        &thread->evidence_keys[thread->next_evidence_key++ % DATA_KEYS_CACHED];
    slot->tenant = c->tenant;
    slot->used = true;
    memcpy(slot->key, key, KEY_BYTES);
    return true;
}

void
evidence_mac(const uint8_t key[static KEY_BYTES], const char *what, struct id request_id,
             const uint8_t sum[static SHA256_BYTES], uint8_t mac[static SHA256_BYTES])
{
    uint8_t text[8 + sizeof request_id.bytes + SHA256_BYTES];
    const size_t size = strlen(what) + 1;

    assert(size <= 8);
    memcpy(text, what, size);
    memcpy(text + size, request_id.bytes, sizeof request_id.bytes);
    memcpy(text + size + sizeof request_id.bytes, sum, SHA256_BYTES);
    hmac_sha256(key, text, size + sizeof request_id.bytes + SHA256_BYTES, mac);
}
