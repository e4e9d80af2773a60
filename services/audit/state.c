/* state.c - the key that signs heads; the duty's thread alone signs, every thread shows the public
 * half. */
#include "state.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "rules.h"

#define TORN_LOGS_MAX 64

struct audit_state {
    struct id torn[TORN_LOGS_MAX];
    size_t torn_count;
    const char *key_path;
    struct signer *signer;
    struct stat seen; /* of the file that the key came from */
    pthread_mutex_t lock;
    bool has_public;
    struct public_key public; /* under the lock */
};

static void
public_show(struct audit_state *state)
{
    (void) pthread_mutex_lock(&state->lock);
    memcpy(state->public.id, signer_key_id(state->signer), sizeof state->public.id);
    signer_public(state->signer, state->public.bytes);
    state->has_public = true;
    (void) pthread_mutex_unlock(&state->lock);
}

bool
state_public_key(struct call *c, struct public_key *key)
{
    struct audit_state *state = c->state;

    (void) pthread_mutex_lock(&state->lock);
    const bool has = state->has_public;
    *key = state->public;
    (void) pthread_mutex_unlock(&state->lock);
    return has;
}

err_t
audit_start(const void *of_service, void **out, struct err *err)
{
    const struct audit_conf *conf = of_service;
    struct audit_state *state = calloc(1, sizeof *state);

    if (!state)
        return err_set(err, ERR_UNAVAILABLE, "memory.out", "no memory to start");
    *out = state;
    (void) pthread_mutex_init(&state->lock, NULL);
    state->key_path = conf->signing_key;
    if (state->key_path[0] == '\0')
        return ERR_OK;
    if (stat(state->key_path, &state->seen) != 0)
        return err_set(err, ERR_INVALID, NO_KEY, "cannot read %s", state->key_path);
    TRY(signer_load(state->key_path, &state->signer, err));
    public_show(state);
    return ERR_OK;
}

void
audit_stop(void *of_service)
{
    struct audit_state *state = of_service;

    if (!state)
        return;
    signer_destroy(state->signer);
    (void) pthread_mutex_destroy(&state->lock);
    free(state);
}

/* A renewed key is taken without a restart; one that cannot be read leaves the old at work. */
static void
key_refresh(struct audit_state *state)
{
    struct signer *fresh = NULL;
    struct stat now;
    struct err err;

    if (stat(state->key_path, &now) != 0 ||
        (now.st_ino == state->seen.st_ino && now.st_mtim.tv_sec == state->seen.st_mtim.tv_sec &&
         now.st_mtim.tv_nsec == state->seen.st_mtim.tv_nsec))
        return;
    if (signer_load(state->key_path, &fresh, &err) != ERR_OK)
        return;
    signer_destroy(state->signer);
    state->signer = fresh;
    state->seen = now;
    public_show(state);
}

err_t
head_sign(struct call *c, struct head *head)
{
    struct audit_state *state = c->state;
    uint8_t text[HEAD_TEXT_BYTES];

    if (!state->signer)
        return err_set(&c->err, ERR_UNAVAILABLE, NO_KEY, "there is no key to sign heads");
    key_refresh(state);
    head_text(c->tenant, head, text);
    TRY(signer_sign(state->signer, text, sizeof text, head->signature, &c->err));
    memcpy(head->key_id, signer_key_id(state->signer), sizeof head->key_id);
    return ERR_OK;
}

bool
log_is_torn(const struct call *c)
{
    const struct audit_state *state = c->state;

    for (size_t i = 0; i < state->torn_count; i++)
        if (id_cmp(state->torn[i], c->tenant) == 0)
            return true;
    return false;
}

void
log_mark_torn(struct call *c)
{
    struct audit_state *state = c->state;

    if (state->torn_count < TORN_LOGS_MAX)
        state->torn[state->torn_count++] = c->tenant;
    LOG(ERROR, &c->log, "audit.tree_torn", L_ID("tenant", c->tenant));
}
