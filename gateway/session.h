/* session.h - what identity said of a token, kept for seconds.
 *
 * The key is the SHA-256 of the token, so that the table holds no token.  Shared by all loops;
 * bounded; an entry ends with the setting session_cache, with the principal or with the session,
 * whichever is first. */
#ifndef HUZHU_GATEWAY_SESSION_H
#define HUZHU_GATEWAY_SESSION_H

#include "clock/clock.h"

#define SESSION_PRINCIPAL_BYTES_MAX 1024 /* 16 organisations and a signature are under 700 */
#define SESSION_CSRF_BYTES_MAX 64

struct session {
    uint8_t token_hash[32];
    uint8_t principal[SESSION_PRINCIPAL_BYTES_MAX]; /* a packed SignedPrincipal */
    size_t principal_size;
    char csrf[SESSION_CSRF_BYTES_MAX + 1]; /* "" for an API token */
    uint8_t tenant[16], account[16];
    bool has_tenant;
    int64_t until_us; /* wall clock */
};

struct sessions;
struct sessions *sessions_create(void) MUST_CHECK;
void sessions_destroy(struct sessions *sessions);
DEFINE_OWNED(struct sessions, sessions_destroy)

/* Copies the entry; false when there is none that still holds. */
bool sessions_get(struct sessions *sessions, const uint8_t token_hash[static 32], int64_t now_us,
                  struct session *session) MUST_CHECK;
void sessions_put(struct sessions *sessions, const struct session *session);
void sessions_drop(struct sessions *sessions, const uint8_t token_hash[static 32]);

#endif
