/* state.c - the signing key of the service, shared by its threads: immutable after start. */
#include "state.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"

struct disbursement_state {
    struct signer *signer;
};

err_t
disbursement_start(const void *of_service, void **out, struct err *err)
{
    const struct disbursement_conf *conf = of_service;
    struct disbursement_state *state = calloc(1, sizeof *state);

    if (!state)
        return err_set(err, ERR_UNAVAILABLE, "memory.out", "no memory to start");
    *out = state;
    return conf->signing_key[0] == '\0' ? ERR_OK
                                        : signer_load(conf->signing_key, &state->signer, err);
}

void
disbursement_stop(void *of_service)
{
    struct disbursement_state *state = of_service;

    if (!state)
        return;
    signer_destroy(state->signer);
    free(state);
}

const char *
signing_key_id(struct call *c)
{
    const struct disbursement_state *state = c->state;

    return state && state->signer ? signer_key_id(state->signer) : NULL;
}

err_t
text_sign(struct call *c, const char *text, struct signed_text *out)
{
    const struct disbursement_state *state = c->state;

    *out = (struct signed_text){ .key_id = signing_key_id(c) };
    if (!out->key_id)
        return ERR_OK;
    TRY(signer_sign(state->signer, text, strlen(text), out->signature, &c->err));
    out->is_signed = true;
    return ERR_OK;
}
