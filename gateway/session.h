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
    int64_t read_us, until_us; /* wall clock: when identity was asked, how long it holds */
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
/* Those of an account that were read before an instant; of every account, if NULL. */
void sessions_drop_account(struct sessions *sessions, const uint8_t account[16], int64_t before_us);
/* When the last entry that was ever put ends; 0: there has been none. */
int64_t sessions_until(const struct sessions *sessions);

#endif
