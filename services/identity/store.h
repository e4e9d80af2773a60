/* store.h - the nouns in and out of the schema identity; the only file that runs SQL is store.c. */
#ifndef HUZHU_IDENTITY_STORE_H
#define HUZHU_IDENTITY_STORE_H

#include "identity.h"

/* What a broken constraint means to a caller. */
static const struct db_constraint identity_constraints[] __attribute__((unused)) = {
    { "tenant_pkey", ERR_CONFLICT, TENANT_EXISTS, "the tenant exists already" },
    { "tenant_code_once", ERR_CONFLICT, TENANT_CODE_TAKEN, "the tenant code is taken" },
    { "tenant_organisation_once", ERR_REFUSED, TENANT_ORGANISATION,
      "the organisation is a tenant already" },
    { "organisation_once", ERR_CONFLICT, ORGANISATION_EXISTS, "the organisation exists already" },
    { "organisation_name_once", ERR_CONFLICT, ORGANISATION_EXISTS,
      "the parent has one of that name" },
    { "organisation_province", ERR_INVALID, ORGANISATION_LEVEL, "nothing lies above a province" },
    { "account_once", ERR_CONFLICT, ACCOUNT_EXISTS, "the account exists already" },
    { "account_login_name_once", ERR_CONFLICT, LOGIN_NAME_TAKEN, "the login name is taken" },
    { "account_roles_compatible", ERR_REFUSED, ROLE_FORBIDDEN_PAIR,
      "one person may not hold both roles" },
    { "register_import_once", ERR_RACED, IMPORT_RACED, "two first pieces of one list met" },
    { "register_import_size", ERR_INVALID, IMPORT_TOO_LARGE, "a list has at most 64 MiB" },
    { "register_import_two_persons", ERR_REFUSED, IMPORT_SELF,
      "who sends a list does not decide on it" },
    { "register_import_clean", ERR_REFUSED, IMPORT_FAULTY, "a list with faults is not approved" },
    { "person_once", ERR_CONFLICT, PERSON_EXISTS, "the person's id is taken" },
    { "person_id_number_once", ERR_CONFLICT, PERSON_EXISTS,
      "the register has a living person with that number" },
    { "household_once", ERR_CONFLICT, HOUSEHOLD_EXISTS, "the household's id is taken" },
    { "household_number_once", ERR_CONFLICT, HOUSEHOLD_EXISTS,
      "the village has a household of that number" },
    { "membership_one_at_a_time", ERR_CONFLICT, PERSON_ELSEWHERE,
      "the person is a member of another household" },
    { "nda_once", ERR_CONFLICT, NDA_EXISTS, "the undertaking is recorded already" },
    { "api_token_once", ERR_CONFLICT, TOKEN_EXISTS, "the API token exists already" },
};

/* A thing that is looked for by its id and is not there: NOT_FOUND with its own reason.  The _find
 * functions say so with *found instead. */

err_t tenant_insert(struct call *c, const struct tenant *tenant) MUST_CHECK;
err_t tenant_get(struct call *c, struct id id, struct tenant *tenant) MUST_CHECK;
err_t tenant_find(struct call *c, const char *code, struct tenant *tenant, bool *found) MUST_CHECK;
err_t tenant_list(struct call *c, struct page page, struct tenant **tenants,
                  size_t *count) MUST_CHECK;

err_t organisation_insert(struct call *c, const struct organisation *organisation) MUST_CHECK;
err_t organisation_get(struct call *c, struct id id, struct organisation *organisation) MUST_CHECK;
err_t organisation_list(struct call *c, struct page page, struct id parent,
                        struct organisation **organisations, size_t *count) MUST_CHECK;
/* Whether it is the root or lies below it; false when it cannot be seen at all. */
err_t organisation_is_under(struct call *c, struct id id, struct id root, bool *is) MUST_CHECK;

err_t account_insert(struct call *c, const struct account *account) MUST_CHECK;
err_t account_get(struct call *c, struct id id, struct account *account) MUST_CHECK;
err_t account_lock(struct call *c, struct id id,
                   struct account *account) MUST_CHECK; /* FOR UPDATE */
err_t account_find(struct call *c, const char *login_name, struct account *account,
                   bool *found) MUST_CHECK;
struct account_filter {
    const char *state; /* NULL: all */
    role_set_t roles;  /* 0: all */
};
err_t account_list(struct call *c, struct page page, struct account_filter filter,
                   struct account **accounts, size_t *count) MUST_CHECK;
err_t account_count(struct call *c, int64_t *count) MUST_CHECK;
err_t account_update(struct call *c, struct account *account) MUST_CHECK; /* and its version */
/* Only if the password is still the one that was checked. */
err_t account_rehash(struct call *c, struct id id, const char *hash, const char *old) MUST_CHECK;
err_t account_seen(struct call *c, struct id id) MUST_CHECK;
err_t person_roles(struct call *c, const struct account *account, role_set_t *roles) MUST_CHECK;
err_t role_holders(struct call *c, role_set_t roles, int64_t *count) MUST_CHECK;
err_t roles_serialize(struct call *c) MUST_CHECK;
err_t accounts_unused(struct call *c, instant_t since, struct id **tenants, struct id **accounts,
                      size_t *count) MUST_CHECK;

err_t password_past_add(struct call *c, struct id account, const char *hash, int keep) MUST_CHECK;
err_t password_past_list(struct call *c, struct id account, int most, const char ***hashes,
                         size_t *count) MUST_CHECK;

err_t grant_insert(struct call *c, struct id account, int role, instant_t until) MUST_CHECK;
err_t grant_delete(struct call *c, struct id account, int role) MUST_CHECK;
err_t grant_list(struct call *c, struct id account, struct grant **grants,
                 size_t *count) MUST_CHECK;
err_t scope_set(struct call *c, struct id account, const struct id *organisations,
                size_t count) MUST_CHECK;
err_t scope_list(struct call *c, struct id account, struct scope *scope) MUST_CHECK;

/* _get: zeros when there is none.  _lock makes the row when it is missing, and locks it. */
err_t name_guard_get(struct call *c, const uint8_t name_sha256[32], struct guard *guard) MUST_CHECK;
err_t name_guard_lock(struct call *c, const uint8_t name_sha256[32],
                      struct guard *guard) MUST_CHECK;
err_t name_guard_update(struct call *c, const uint8_t name_sha256[32],
                        const struct guard *guard) MUST_CHECK;
err_t name_guard_delete(struct call *c, const uint8_t name_sha256[32]) MUST_CHECK;
err_t address_guard_get(struct call *c, const uint8_t address_sha256[32],
                        struct guard *guard) MUST_CHECK;
err_t address_guard_lock(struct call *c, const uint8_t address_sha256[32],
                         struct guard *guard) MUST_CHECK;
err_t address_guard_update(struct call *c, const uint8_t address_sha256[32],
                           const struct guard *guard) MUST_CHECK;

err_t session_insert(struct call *c, const struct session *session) MUST_CHECK;
err_t session_find(struct call *c, struct id id, struct session *session, bool *found) MUST_CHECK;
/* Those that are neither ended nor expired nor idle. */
struct session_filter {
    struct id account; /* nil: of all */
    instant_t now, seen_after;
};
err_t session_list(struct call *c, struct page page, const struct session_filter *filter,
                   struct session **sessions, size_t *count) MUST_CHECK;
err_t session_touch(struct call *c, struct id id) MUST_CHECK;
err_t session_end(struct call *c, struct id id, bool *ended) MUST_CHECK;
/* All of the account but `except` (nil: all); which they were. */
err_t sessions_end(struct call *c, struct id account, struct id except, struct id **sessions,
                   size_t *count) MUST_CHECK;
err_t sessions_end_oldest(struct call *c, struct id account, int64_t keep, struct id **sessions,
                          size_t *count) MUST_CHECK;

err_t api_token_insert(struct call *c, const struct api_token *token) MUST_CHECK;
err_t api_token_find(struct call *c, struct id id, struct api_token *token, bool *found) MUST_CHECK;
err_t api_token_list(struct call *c, struct page page, struct id account, struct api_token **tokens,
                     size_t *count) MUST_CHECK;
err_t api_token_count(struct call *c, struct id account, int64_t *count) MUST_CHECK;
err_t api_token_used(struct call *c, struct id id) MUST_CHECK;
err_t api_token_revoke(struct call *c, struct id id, bool *revoked) MUST_CHECK;
err_t api_tokens_revoke(struct call *c, struct id account, struct id **tokens,
                        size_t *count) MUST_CHECK;

/* Accounts that lost something within so many milliseconds, newest first, and how long ago. */
struct revocation {
    struct id account;
    int64_t age_us;
};
err_t revocation_list(struct call *c, int64_t within_ms, int64_t most,
                      struct revocation **revocations, size_t *count) MUST_CHECK;
err_t revocation_tidy(struct call *c, instant_t before) MUST_CHECK;

err_t tidy_up(struct call *c, instant_t guards_before, instant_t sessions_before,
              int64_t *gone) MUST_CHECK;

#endif
