/* rules.h - what identity allows.  Pure: no clock, no database, no allocation, no log. */
#ifndef HUZHU_IDENTITY_RULES_H
#define HUZHU_IDENTITY_RULES_H

#include "identity.h"

enum account_event { ON_PASSWORD_SET, ON_DISABLE, ON_ENABLE };

/* The settings that the rules read; made once from the configuration. */
struct policy {
    int length_min, classes_min, history;
    int64_t max_age_us, min_age_us; /* 0: no rule */
    int lock_failures, address_failures;
    int64_t lock_us;
    int64_t idle_us, absolute_us;
    int64_t one_time_us;
};
/* INVALID "conf.profile" for a profile that is none. */
err_t policy_from_conf(const struct identity_conf *conf, struct policy *policy,
                       struct err *err) MUST_CHECK;

/* --- names --- */

/* "wang.fang@jingkou" -> name and code, both folded to lower case; false: it can be no login name.
 * Without '@' the code is "". */
bool login_name_split(const char *text, char name[static LOGIN_NAME_BYTES],
                      char code[static TENANT_CODE_BYTES]) MUST_CHECK;
err_t rule_login_name(const char *name, const char *path, struct err *err) MUST_CHECK;
err_t rule_tenant_code(const char *code, const char *path, struct err *err) MUST_CHECK;
err_t rule_name(const char *name, const char *path, struct err *err) MUST_CHECK;
err_t rule_division_code(const char *code, const char *path, struct err *err) MUST_CHECK;

/* --- passwords --- */

/* Length, kinds of characters, the login name inside (either way round), the commonest passwords.
 */
err_t rule_password(const struct policy *policy, const char *login_name, const char *password,
                    const char *path, struct err *err) MUST_CHECK;
/* A password changed a moment ago stays, unless it must be changed. */
/* How many past passwords are kept: the last one always, so that a repeated change is known for
 * one. */
static inline int
past_kept(const struct policy *policy)
{
    return policy->history > 0 ? policy->history : 1;
}
err_t rule_may_change_password(const struct policy *policy, const struct account *account,
                               instant_t now, struct err *err) MUST_CHECK;
bool password_is_due(const struct policy *policy, const struct account *account, instant_t now);
/* 16 random characters (about 78 bits) of an alphabet without look-alikes, in groups of four:
 * "Kbcd-efgh-jkmn-pq27"; upper case, lower case mostly, a digit and signs are in each. */
void one_time_password(const uint8_t random[static 16], char out[static ONE_TIME_BYTES]);

/* --- failures --- */

/* What failures of an address are counted under: an IPv6 address stands for its /64, which one
 * customer has at least. */
void address_key(const char *address, uint8_t key[static 32]);

bool guard_is_locked(const struct guard *guard, instant_t now);
/* Counts one more failure; true when it has just become locked.  A failure counts for lock_us. */
bool guard_fail(struct guard *guard, int failures_max, int64_t lock_us, instant_t now);
/* The password was right: may this account come in? */
err_t rule_may_sign_in(const struct account *account, instant_t now, struct err *err) MUST_CHECK;

/* --- sessions and tokens --- */

err_t rule_session_is_alive(const struct policy *policy, const struct session *session,
                            instant_t now, struct err *err) MUST_CHECK;
err_t rule_token_is_alive(const struct api_token *token, instant_t now, struct err *err) MUST_CHECK;

/* --- roles --- */

/* The number is that of a role which people hold. */
err_t rule_role(int number, const char *path, struct err *err) MUST_CHECK;
/* Whether the role may join those that the person holds already (pairs.def). */
err_t rule_may_hold(role_set_t held, int number, struct err *err) MUST_CHECK;
/* Platform accounts are administrators and no more. */
err_t rule_role_fits_tenant(struct id tenant, int number, struct err *err) MUST_CHECK;
/* The scope asked for must be the scope of the roles already held. */
err_t rule_scope(role_set_t held, const struct id *scope, size_t scope_count,
                 const struct id *asked, size_t asked_count, struct err *err) MUST_CHECK;
/* Labels (enum label) that the roles may read unmasked.  Who serves the township from outside
 * (coder, reviewer, designer) reads nobody's identity or illness without a valid undertaking of
 * confidentiality (6.2.2 c 3); the township's and the villages' own staff are bound by their
 * office. */
uint32_t clearance_of(role_set_t roles, bool nda);
role_set_t administrator_role(role_set_t roles); /* the one among them, or 0 */

/* --- organisations --- */
err_t rule_organisation(const struct organisation *child, const struct organisation *parent,
                        struct err *err) MUST_CHECK;

/* The only function that changes an account's state; what it allows is moves.def. */
err_t account_move(struct account *account, enum account_event on, struct err *err) MUST_CHECK;

#endif
