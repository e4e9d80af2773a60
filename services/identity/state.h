/* state.h - what the threads of one identity process share: the policy, the key that signs
 * principals, and the bound on password hashes under way. */
#ifndef HUZHU_IDENTITY_STATE_H
#define HUZHU_IDENTITY_STATE_H

#include "crypto/crypto.h"
#include "rules.h"
#include "rules_register.h"

struct identity_state;
err_t identity_start(const void *conf, void **state, struct err *err);
void identity_stop(void *state);

const struct policy *identity_policy(const struct call *c);

/* Both wait for a turn: argon2 takes memory and a core, and everybody may ask for it.  LIMITED
 * "sign_in.busy" when the deadline is closer than the turn. */
err_t password_hash_in_turn(struct call *c, const char *password,
                            char hash[static PASSWORD_HASH_BYTES_MAX]) MUST_CHECK;
/* hash NULL: works as long as if there were one, and says no.  *rehash: its cost is not today's. */
err_t password_check_in_turn(struct call *c, const char *hash, const char *password, bool *matches,
                             bool *rehash) MUST_CHECK;

/* UNAVAILABLE "sign_in.no_key" when nothing can be signed: asked before a session is made. */
err_t principal_key_check(struct call *c) MUST_CHECK;
/* A packed bus.v1.SignedPrincipal in the request's arena. */
err_t principal_sign(struct call *c, const Bus__Principal *principal,
                     ProtobufCBinaryData *out) MUST_CHECK;

/* Of the duty's thread alone. */
struct import_turns *identity_turns(struct call *c);

/* A new key takes over; principals of the old one are believed until they have all expired. */
err_t principal_key_rotate(const struct identity_conf *conf, char key_id[static KEY_ID_BYTES],
                           struct err *err) MUST_CHECK;

#endif
