/* handlers_role.c - the security administrator's work: unlock, reset, grant, revoke. */
#include <string.h>

#include "common_steps.h"
#include "crypto/crypto.h"
#include "handlers.h"
#include "state.h"
#include "store.h"
#include "wire.h"

static void
name_key(const struct account *account, uint8_t key[static SHA256_BYTES])
{
    sha256(account->login_name, strlen(account->login_name), key);
}

err_t
identity_unlock_account(struct call *c, const Identity__UnlockAccountRequest *in,
                        Identity__UnlockAccountReply *out)
{
    uint8_t key[SHA256_BYTES];
    struct account account;
    struct guard guard;
    struct id id;

    TRY(id_from_wire(in->account_id, "$.accountId", &id, &c->err));
    TRY(caller_is_current(c, ROLE_SECURITY_ADMIN));
    TRY(account_lock(c, id, &account));
    TRY(account_matches(c, &account));
    name_key(&account, key);
    TRY(name_guard_get(c, key, &guard));
    if (!guard_is_locked(&guard, c->wall))
        return err_set(&c->err, ERR_CONFLICT, ACCOUNT_NOT_LOCKED, "the account is not locked");

    TRY(name_guard_delete(c, key));
    TRY(emit_account_unlocked(c, id));
    return account_answer(c, id, &out->account);
}

/* --- a new password for somebody else --- */

struct reset {
    struct id id;
    struct account account; /* as it was found */
    const char **past;
    size_t past_count;
    char hash[PASSWORD_HASH_BYTES_MAX];
    instant_t until;
};

static err_t
reset_load_step(struct call *c, void *arg)
{
    struct reset *reset = arg;

    TRY(caller_is_current(c, ROLE_SECURITY_ADMIN));
    if (id_cmp(reset->id, c->account) == 0)
        return err_set(&c->err, ERR_REFUSED, ACCOUNT_SELF,
                       "one's own password is changed, not reset");
    TRY(account_get(c, reset->id, &reset->account));
    return password_past_list(c, reset->id, 1, &reset->past, &reset->past_count);
}

/* A reset that was made and not heard of is asked for again: its password is the account's, or was
 * until the account's owner changed it. */
static err_t
reset_is_done(struct call *c, const struct reset *reset, const char *password, bool *done)
{
    const char *hashes[] = { reset->account.password_hash,
                             reset->past_count > 0 ? reset->past[0] : NULL };

    *done = false;
    for (size_t i = 0; i < COUNT(hashes) && c->idempotency_key[0] && !*done; i++) {
        bool rehash;
        if (hashes[i])
            TRY(password_check_in_turn(c, hashes[i], password, done, &rehash));
    }
    return ERR_OK;
}

static err_t
reset_step(struct call *c, void *arg)
{
    const struct reset *reset = arg;
    uint8_t key[SHA256_BYTES];
    struct account account;

    TRY(account_lock(c, reset->id, &account));
    if (account.password_hash && strcmp(account.password_hash, reset->hash) == 0)
        return ERR_OK; /* a commit that nobody heard of */
    TRY(account_move(&account, ON_PASSWORD_SET, &c->err));
    if (account.password_hash)
        TRY(password_past_add(c, account.id, account.password_hash, past_kept(identity_policy(c))));
    account.password_hash = reset->hash;
    account.password_changed_at = c->wall;
    account.must_change = true;
    account.one_time_until = reset->until;
    TRY(account_update(c, &account));
    name_key(&account, key);
    TRY(name_guard_delete(c, key));
    TRY(account_sessions_end(c, account.id, (struct id){ { 0 } }));
    return emit_password_reset(c, account.id);
}

err_t
identity_reset_password(struct call *c, const Identity__ResetPasswordRequest *in,
                        Identity__ResetPasswordReply *out)
{
    struct reset reset = { .until = { c->wall.us + identity_policy(c)->one_time_us } };
    char password[ONE_TIME_BYTES], purpose[16 + ID_TEXT_BYTES] = "reset/";
    uint8_t secret[SHA256_BYTES];
    bool done = false;

    TRY(id_from_wire(in->account_id, "$.accountId", &reset.id, &c->err));
    TRY(svc_command_tx(c, c->tenant, reset_load_step, &reset));
    id_format(reset.id, purpose + strlen(purpose));
    TRY(call_secret(c, purpose, secret));
    one_time_password(secret, password);
    TRY(reset_is_done(c, &reset, password, &done));
    if (done) {
        reset.until = reset.account.one_time_until;
    } else {
        TRY(account_matches(c, &reset.account));
        TRY(account_move(&reset.account, ON_PASSWORD_SET, &c->err));
        TRY(password_hash_in_turn(c, password, reset.hash));
        TRY(svc_command_tx(c, c->tenant, reset_step, &reset));
    }

    out->one_time_password = call_text(c, password);
    if (!out->one_time_password)
        return c->err.code;
    out->expires = instant_to_wire(c, reset.until);
    return out->expires ? ERR_OK : c->err.code;
}

/* --- roles --- */

/* None named: the whole tenant.  Each must lie within it. */
static err_t
scope_resolve(struct call *c, struct id scope[static CALL_ORGANISATIONS_MAX], size_t *count)
{
    struct tenant tenant;

    if (id_is_nil(c->tenant)) {
        if (*count == 0)
            return ERR_OK;
        return err_at(&c->err, ERR_REFUSED, "$.organisationIds", ORGANISATION_OUTSIDE,
                      "an account of the platform has no organisations");
    }
    TRY(tenant_get(c, c->tenant, &tenant));
    if (*count == 0)
        scope[(*count)++] = tenant.organisation;
    for (size_t i = 0; i < *count; i++) {
        bool under = false;
        TRY(organisation_is_under(c, scope[i], tenant.organisation, &under));
        if (!under)
            return err_at(&c->err, ERR_REFUSED, "$.organisationIds", ORGANISATION_OUTSIDE,
                          "an organisation lies outside the tenant");
    }
    return ERR_OK;
}

static err_t
rule_grant(struct call *c, const struct account *account, int role, const struct id *asked,
           size_t asked_count)
{
    struct scope scope;
    role_set_t elsewhere = 0;

    if (id_cmp(account->id, c->account) == 0)
        return err_set(&c->err, ERR_REFUSED, ACCOUNT_SELF, "nobody grants roles to oneself");
    if (account->state == ACCOUNT_DISABLED)
        return err_set(&c->err, ERR_CONFLICT, ACCOUNT_MOVED_ON, "the account is disabled");
    TRY(rule_role_fits_tenant(c->tenant, role, &c->err));
    if (account->roles & (UINT32_C(1) << role))
        return err_set(&c->err, ERR_CONFLICT, ROLE_HELD, "the account has the role already");
    /* A second account of the same person is still the same person. */
    TRY(person_roles(c, account, &elsewhere));
    TRY(rule_may_hold(account->roles | elsewhere, role, &c->err));
    TRY(scope_list(c, account->id, &scope));
    return rule_scope(account->roles, scope.organisations, scope.count, asked, asked_count,
                      &c->err);
}

/* An administrator's grant has no end: a tenant must not lose its last one overnight. */
static err_t
until_from_wire(struct call *c, const Identity__GrantRoleRequest *in, int role, instant_t *until)
{
    if (!in->until)
        return ERR_OK;
    until->us = in->until->us;
    if (until->us > c->wall.us && !administrator_role(UINT32_C(1) << role))
        return ERR_OK;
    return err_at(&c->err, ERR_INVALID, "$.until", GRANT_UNTIL,
                  "a grant ends later than now, and an administrator's not at all");
}

err_t
identity_grant_role(struct call *c, const Identity__GrantRoleRequest *in,
                    Identity__GrantRoleReply *out)
{
    struct id scope[CALL_ORGANISATIONS_MAX], id;
    instant_t until = { 0 };
    struct account account;
    size_t count = 0;
    int role = 0;

    TRY(id_from_wire(in->account_id, "$.accountId", &id, &c->err));
    TRY(role_from_wire(in->role, &role, &c->err));
    TRY(organisation_ids_from_wire(in, scope, &count, &c->err));
    TRY(until_from_wire(c, in, role, &until));
    TRY(roles_serialize(c));
    TRY(caller_is_current(c, ROLE_SECURITY_ADMIN));
    TRY(account_lock(c, id, &account));
    TRY(account_matches(c, &account));
    TRY(scope_resolve(c, scope, &count));
    TRY(rule_grant(c, &account, role, scope, count));

    TRY(grant_insert(c, id, role, until));
    if (account.roles == 0)
        TRY(scope_set(c, id, scope, count));
    account.roles |= UINT32_C(1) << role;
    TRY(account_update(c, &account));
    TRY(emit_role_granted(c, id, role, scope, count));
    return account_answer(c, id, &out->account);
}

err_t
identity_revoke_role(struct call *c, const Identity__RevokeRoleRequest *in,
                     Identity__RevokeRoleReply *out)
{
    struct account account;
    struct id id;
    int role = 0;

    TRY(id_from_wire(in->account_id, "$.accountId", &id, &c->err));
    TRY(role_from_wire(in->role, &role, &c->err));
    TRY(roles_serialize(c));
    TRY(caller_is_current(c, ROLE_SECURITY_ADMIN));
    TRY(account_lock(c, id, &account));
    TRY(account_matches(c, &account));
    const role_set_t bit = UINT32_C(1) << role;
    if (!(account.roles & bit))
        return err_set(&c->err, ERR_CONFLICT, ROLE_NOT_HELD, "the account has no such role");
    if (administrator_role(bit))
        TRY(rule_not_last(c, &account));

    TRY(grant_delete(c, id, role));
    account.roles &= ~bit;
    if (account.roles == 0)
        TRY(scope_set(c, id, NULL, 0));
    TRY(account_update(c, &account));
    TRY(emit_role_revoked(c, id, role));
    return account_answer(c, id, &out->account);
}
