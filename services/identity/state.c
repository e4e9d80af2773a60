/* state.c - the policy, the signing key, and turns at hashing passwords. */
#include "state.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fault/fault.h"

/* A request without a deadline waits no longer than this for its turn. */
#define TURN_US_MAX (INT64_C(5) * US_PER_SECOND)
/* Beside the life of a principal: clocks differ, and a service reads its trusted keys when asked.
 */
#define ROTATION_MARGIN_US (INT64_C(600) * US_PER_SECOND)
#define KEY_PATH_BYTES 600

struct identity_state {
    struct policy policy;
    struct password_cost cost;
    const char *key_path;
    char dummy_hash[PASSWORD_HASH_BYTES_MAX]; /* of a password that nobody knows */

    pthread_mutex_t turns_lock;
    pthread_cond_t turn_ended;
    int64_t turns_left;

    struct import_turns turns;

    pthread_rwlock_t key_lock;
    struct signer *signer; /* NULL until the key could be read */
    struct stat seen;      /* of the file that it came from */
};

static struct identity_state *
state_of(const struct call *c)
{
    return c->state;
}

const struct policy *
identity_policy(const struct call *c)
{
    return &state_of(c)->policy;
}

struct import_turns *
identity_turns(struct call *c)
{
    return &state_of(c)->turns;
}

static bool
key_is_newer(const struct identity_state *state, const struct stat *now)
{
    return !state->signer || state->seen.st_ino != now->st_ino ||
           state->seen.st_mtim.tv_sec != now->st_mtim.tv_sec ||
           state->seen.st_mtim.tv_nsec != now->st_mtim.tv_nsec;
}

/* Follows the key file: a rotation needs no restart.  A file that cannot be read leaves the old
 * key at work. */
static err_t
key_refresh(struct identity_state *state, struct err *err)
{
    struct signer *fresh = NULL;
    struct stat now;

    const bool there = state->key_path[0] != '\0' && stat(state->key_path, &now) == 0;
    (void) pthread_rwlock_rdlock(&state->key_lock);
    const bool have = state->signer != NULL, newer = there && key_is_newer(state, &now);
    (void) pthread_rwlock_unlock(&state->key_lock);
    if (have && !newer)
        return ERR_OK;
    if (!there)
        return err_set(err, ERR_UNAVAILABLE, SIGN_IN_NO_KEY, "there is no key to sign principals");

    const err_t code = signer_load(state->key_path, &fresh, err);
    if (code != ERR_OK)
        return have ? ERR_OK : code;
    (void) pthread_rwlock_wrlock(&state->key_lock);
    struct signer *old = state->signer;
    state->signer = fresh;
    state->seen = now;
    (void) pthread_rwlock_unlock(&state->key_lock);
    signer_destroy(old);
    return ERR_OK;
}

err_t
identity_start(const void *conf_of_service, void **out, struct err *err)
{
    const struct identity_conf *conf = conf_of_service;
    struct identity_state *state = calloc(1, sizeof *state);
    uint8_t random[16];
    char unknown[ONE_TIME_BYTES];

    if (!state)
        return err_set(err, ERR_UNAVAILABLE, "memory.out", "no memory to start");
    *out = state;
    state->key_path = conf->principal_key;
    state->cost = (struct password_cost){ .passes = (uint32_t) conf->argon2_passes,
                                          .memory_kib = (uint32_t) conf->argon2_memory_kib,
                                          .lanes = 1 };
    state->turns_left = conf->argon2_at_once;
    if (pthread_mutex_init(&state->turns_lock, NULL) != 0 ||
        pthread_cond_init(&state->turn_ended, NULL) != 0 ||
        pthread_rwlock_init(&state->key_lock, NULL) != 0)
        return err_set(err, ERR_UNAVAILABLE, "memory.out", "no memory for locks");
    TRY(policy_from_conf(conf, &state->policy, err));
    random_bytes(random, sizeof random);
    one_time_password(random, unknown);
    TRY(password_hash(unknown, state->cost, state->dummy_hash, err));
    /* Commands (bootstrap, rotate-keys) start without a key; a key that is there must be good. */
    if (conf->principal_key[0] != '\0' && access(conf->principal_key, F_OK) == 0)
        TRY(key_refresh(state, err));
    return ERR_OK;
}

void
identity_stop(void *of_service)
{
    struct identity_state *state = of_service;

    if (!state)
        return;
    signer_destroy(state->signer);
    (void) pthread_rwlock_destroy(&state->key_lock);
    (void) pthread_cond_destroy(&state->turn_ended);
    (void) pthread_mutex_destroy(&state->turns_lock);
    free(state);
}

/* --- turns --- */

static err_t
turn_take(struct call *c)
{
    struct identity_state *state = state_of(c);
    const int64_t until_us = c->deadline_us > 0 ? c->deadline_us : clock_now().us + TURN_US_MAX;
    const struct timespec until = { .tv_sec = until_us / US_PER_SECOND,
                                    .tv_nsec = until_us % US_PER_SECOND * 1000 };
    int code = 0;

    if (fault_hit("identity.turn"))
        return err_set(&c->err, ERR_LIMITED, SIGN_IN_BUSY, "too many sign-ins at once");
    (void) pthread_mutex_lock(&state->turns_lock);
    while (state->turns_left == 0 && code == 0)
        code = pthread_cond_timedwait(&state->turn_ended, &state->turns_lock, &until);
    const bool mine = state->turns_left > 0;
    if (mine)
        state->turns_left--;
    (void) pthread_mutex_unlock(&state->turns_lock);
    return mine ? ERR_OK : err_set(&c->err, ERR_LIMITED, SIGN_IN_BUSY, "too many sign-ins at once");
}

static void
turn_end(struct call *c)
{
    struct identity_state *state = state_of(c);

    (void) pthread_mutex_lock(&state->turns_lock);
    state->turns_left++;
    (void) pthread_cond_signal(&state->turn_ended);
    (void) pthread_mutex_unlock(&state->turns_lock);
}

err_t
password_hash_in_turn(struct call *c, const char *password,
                      char hash[static PASSWORD_HASH_BYTES_MAX])
{
    TRY(turn_take(c));
    const err_t code = password_hash(password, state_of(c)->cost, hash, &c->err);
    turn_end(c);
    return code;
}

err_t
password_check_in_turn(struct call *c, const char *hash, const char *password, bool *matches,
                       bool *rehash)
{
    const struct identity_state *state = state_of(c);

    TRY(turn_take(c));
    const bool right = password_matches(hash ? hash : state->dummy_hash, password);
    turn_end(c);
    *matches = hash && right;
    *rehash = hash && password_needs_rehash(hash, state->cost);
    return ERR_OK;
}

/* --- principals --- */

static const char signed_prefix[] = "huzhu principal v1"; /* and its NUL, as bus.proto says */

static err_t
sign_with_key(struct call *c, const void *text, size_t size, Bus__SignedPrincipal *outer)
{
    struct identity_state *state = state_of(c);
    uint8_t *signature = arena_alloc(c->arena, SIGNATURE_BYTES);

    if (!signature)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the request needs too much memory");
    TRY(key_refresh(state, &c->err));
    (void) pthread_rwlock_rdlock(&state->key_lock);
    const err_t code = signer_sign(state->signer, text, size, signature, &c->err);
    outer->key_id = call_text(c, signer_key_id(state->signer));
    (void) pthread_rwlock_unlock(&state->key_lock);
    TRY(code);
    outer->signature = (ProtobufCBinaryData){ SIGNATURE_BYTES, signature };
    return outer->key_id ? ERR_OK : c->err.code;
}

err_t
principal_key_check(struct call *c)
{
    return key_refresh(state_of(c), &c->err);
}

err_t
principal_sign(struct call *c, const Bus__Principal *principal, ProtobufCBinaryData *out)
{
    Bus__SignedPrincipal outer = BUS__SIGNED_PRINCIPAL__INIT;
    const size_t size = bus__principal__get_packed_size(principal);
    uint8_t *text = arena_alloc(c->arena, sizeof signed_prefix + size);

    if (!text)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the request needs too much memory");
    memcpy(text, signed_prefix, sizeof signed_prefix);
    (void) bus__principal__pack(principal, text + sizeof signed_prefix);
    TRY(sign_with_key(c, text, sizeof signed_prefix + size, &outer));
    outer.principal = (ProtobufCBinaryData){ size, text + sizeof signed_prefix };

    uint8_t *packed = arena_alloc(c->arena, bus__signed_principal__get_packed_size(&outer));
    if (!packed)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the request needs too much memory");
    *out = (ProtobufCBinaryData){ bus__signed_principal__pack(&outer, packed), packed };
    return ERR_OK;
}

/* The new public key is trusted before the private one is used: nobody ever meets a signature of an
 * unknown key.  Each file appears by a rename, so a crash between two steps leaves the old key at
 * work and a key that is trusted in vain. */
err_t
principal_key_rotate(const struct identity_conf *conf, char key_id[static KEY_ID_BYTES],
                     struct err *err)
{
    const instant_t until = { clock_now().us + conf->principal_life * 1000 + ROTATION_MARGIN_US };
    OWNED(signer_destroy) struct signer *signer = NULL;
    char next[KEY_PATH_BYTES], next_pub[KEY_PATH_BYTES], pub[KEY_PATH_BYTES];

    if (conf->principal_key[0] == '\0' || conf->principal_keys[0] == '\0')
        return err_set(err, ERR_INVALID, "conf.missing",
                       "HUZHU_IDENTITY_PRINCIPAL_KEY and HUZHU_PRINCIPAL_KEYS must be set");
    (void) snprintf(next, sizeof next, "%s.next", conf->principal_key);
    (void) snprintf(next_pub, sizeof next_pub, "%s.next.pub", conf->principal_key);
    (void) snprintf(pub, sizeof pub, "%s.pub", conf->principal_key);
    if (unlink(next) != 0 && errno != ENOENT) /* left by a rotation that was cut short */
        return err_set(err, ERR_INTERNAL, "key.unwritable", "cannot remove %s: %s", next,
                       strerror(errno));
    TRY(signer_generate(next, err));
    TRY(signer_load(next, &signer, err));
    TRY(trusted_keys_add(conf->principal_keys, signer, until, err));
    if (rename(next_pub, pub) != 0 || rename(next, conf->principal_key) != 0)
        return err_set(err, ERR_INTERNAL, "key.unwritable", "cannot replace %s: %s",
                       conf->principal_key, strerror(errno));
    memcpy(key_id, signer_key_id(signer), KEY_ID_BYTES);
    return ERR_OK;
}
