/* common_steps.h - steps that several handlers take. */
#ifndef HUZHU_IDENTITY_COMMON_STEPS_H
#define HUZHU_IDENTITY_COMMON_STEPS_H

#include "identity.pb-c.h"
#include "rules.h"

/* The caller holds one of the roles in this very tenant, now.  A principal lives for minutes and
 * one of the platform may act in any tenant: changing who may do what asks for more. */
err_t caller_is_current(struct call *c, role_set_t roles) MUST_CHECK;
/* UNAUTHENTICATED "session.missing" when nobody is signed in. */
err_t caller_is_signed_in(struct call *c) MUST_CHECK;
/* FORBIDDEN "call.platform" unless the caller acts for the platform itself. */
err_t caller_is_platform(struct call *c) MUST_CHECK;

/* If-Match against the account's version; afterwards the ETag of the reply is the version it has.
 */
err_t account_matches(struct call *c, const struct account *account) MUST_CHECK;
err_t account_answer(struct call *c, struct id id, Identity__Account **out) MUST_CHECK;
/* REFUSED "account.last_administrator" when the account is the tenant's last of its kind. */
err_t rule_not_last(struct call *c, const struct account *account) MUST_CHECK;
/* Ends all sessions of the account but one, and tells of each. */
err_t account_sessions_end(struct call *c, struct id account, struct id except) MUST_CHECK;
/* Disables it: password gone, sessions and tokens ended; tells. */
err_t account_disable(struct call *c, struct account *account, const char *why) MUST_CHECK;

/* The first three administrators of a tenant (or of the platform) without accounts. */
struct appointment {
    struct tenant tenant; /* code and id; organisation nil for the platform */
    struct {
        struct id id;
        char login_name[LOGIN_NAME_BYTES];
        char password[PASSWORD_BYTES_MAX + 1];
        char *hash; /* PASSWORD_HASH_BYTES_MAX, of the arena */
    } admins[3];    /* system, security, audit */
    bool from_command_line;
};
extern const int appointment_roles[3];
extern const char *const appointment_titles[3];
/* Ids, one-time passwords where none is set, hashes. */
err_t appointment_prepare(struct call *c, struct appointment *appointment) MUST_CHECK;
err_t appointment_step(struct call *c,
                       void *appointment) MUST_CHECK; /* in the tenant's transaction */

#endif
