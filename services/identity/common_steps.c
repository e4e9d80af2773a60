/* common_steps.c - steps that several handlers take. */
#include "common_steps.h"

#include <stdio.h>
#include <string.h>

#include "state.h"
#include "store.h"
#include "store_register.h"
#include "wire.h"

err_t
caller_is_signed_in(struct call *c)
{
    if (!id_is_nil(c->account))
        return ERR_OK;
    return err_set(&c->err, ERR_UNAUTHENTICATED, NOT_SIGNED_IN, "nobody is signed in");
}

err_t
caller_is_platform(struct call *c)
{
    if (id_is_nil(c->tenant))
        return ERR_OK;
    return err_set(&c->err, ERR_FORBIDDEN, "call.platform",
                   "only an account of the platform may do this");
}

err_t
caller_is_current(struct call *c, role_set_t roles)
{
    struct account caller;
    struct standing standing;

    TRY(caller_is_signed_in(c));
    const err_t code = account_get(c, c->account, &caller);
    if (code == ERR_NOT_FOUND)
        return err_set(&c->err, ERR_FORBIDDEN, "call.tenant",
                       "the caller is no account of this tenant");
    TRY(code);
    TRY(account_standing(c, caller.id, &standing));
    if (caller.state != ACCOUNT_ACTIVE || !(caller.roles & standing.roles & roles))
        return err_set(&c->err, ERR_FORBIDDEN, "call.role",
                       "the caller no longer holds the role that this needs");
    return ERR_OK;
}

/* --- accounts --- */

err_t
account_matches(struct call *c, const struct account *account)
{
    char etag[24];

    (void) snprintf(etag, sizeof etag, "%lld", (long long) account->version);
    return call_matches(c, etag);
}

static err_t
tenant_code_of(struct call *c, const char **code)
{
    struct tenant tenant;

    *code = PLATFORM_CODE;
    if (id_is_nil(c->tenant))
        return ERR_OK;
    TRY(tenant_get(c, c->tenant, &tenant));
    *code = tenant.code;
    return ERR_OK;
}

err_t
account_answer(struct call *c, struct id id, Identity__Account **out)
{
    struct account account;
    struct scope scope;
    struct account_view view = { .account = &account, .scope = scope.organisations };
    struct grant *grants = NULL;

    TRY(account_get(c, id, &account));
    TRY(tenant_code_of(c, &view.tenant_code));
    TRY(grant_list(c, id, &grants, &view.grant_count));
    TRY(scope_list(c, id, &scope));
    view.scope_count = scope.count;
    view.grants = grants;
    (void) snprintf(c->etag, sizeof c->etag, "%lld", (long long) account.version);
    return account_to_wire(c, &view, out);
}

err_t
rule_not_last(struct call *c, const struct account *account)
{
    const role_set_t role = administrator_role(account->roles);
    int64_t holders = 0;

    if (role == 0)
        return ERR_OK;
    TRY(role_holders(c, role, &holders));
    if (holders > 1)
        return ERR_OK;
    return err_set(&c->err, ERR_REFUSED, ACCOUNT_LAST,
                   "the tenant would lose its last administrator of the kind");
}

err_t
account_sessions_end(struct call *c, struct id account, struct id except)
{
    struct id *sessions = NULL;
    size_t count = 0;

    TRY(sessions_end(c, account, except, &sessions, &count));
    for (size_t i = 0; i < count; i++)
        TRY(emit_session_revoked(c, account, sessions[i]));
    return ERR_OK;
}

err_t
account_disable(struct call *c, struct account *account, const char *why)
{
    struct id *tokens = NULL;
    size_t count = 0;

    TRY(account_move(account, ON_DISABLE, &c->err));
    account->password_hash = NULL;
    account->password_changed_at = account->one_time_until = (instant_t){ 0 };
    account->must_change = false;
    TRY(account_update(c, account));
    TRY(account_sessions_end(c, account->id, (struct id){ { 0 } }));
    TRY(api_tokens_revoke(c, account->id, &tokens, &count));
    for (size_t i = 0; i < count; i++)
        TRY(emit_api_token_revoked(c, tokens[i], account->id));
    return emit_account_disabled(c, account->id, why);
}

/* --- the first administrators --- */

const int appointment_roles[3] = { HUZHU__ROLE__NAME__SYSTEM_ADMIN,
                                   HUZHU__ROLE__NAME__SECURITY_ADMIN,
                                   HUZHU__ROLE__NAME__AUDIT_ADMIN };
const char *const appointment_titles[3] = { "系统管理员", "安全管理员", "审计管理员" };

/* An id tells when it was made (6 bytes); the rest is the command's, so that its repeat finds what
 * it made. */
static struct id
id_of_secret(instant_t now, const uint8_t secret[static 10])
{
    struct id id = id_mint(now);

    id.bytes[6] = 0x70 | (secret[0] & 0x0f);
    id.bytes[7] = secret[1];
    id.bytes[8] = 0x80 | (secret[2] & 0x3f);
    memcpy(id.bytes + 9, secret + 3, 7);
    return id;
}

static bool
is_of_same_secret(struct id a, struct id b)
{
    return memcmp(a.bytes + 6, b.bytes + 6, 10) == 0;
}

err_t
appointment_prepare(struct call *c, struct appointment *appointment)
{
    char tenant[ID_TEXT_BYTES];

    id_format(appointment->tenant.id, tenant);
    for (size_t i = 0; i < COUNT(appointment->admins); i++) {
        const char *purpose = arena_printf(c->arena, "administrator/%s/%zu", tenant, i);
        uint8_t secret[SHA256_BYTES];

        appointment->admins[i].hash = arena_alloc(c->arena, PASSWORD_HASH_BYTES_MAX);
        if (!purpose || !appointment->admins[i].hash)
            return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "no memory for a hash");
        TRY(call_secret(c, purpose, secret));
        appointment->admins[i].id = id_of_secret(c->wall, secret + 16);
        if (appointment->admins[i].password[0] == '\0')
            one_time_password(secret, appointment->admins[i].password);
        TRY(password_hash_in_turn(c, appointment->admins[i].password, appointment->admins[i].hash));
    }
    return ERR_OK;
}

static err_t
appoint_one(struct call *c, const struct appointment *appointment, size_t i)
{
    const struct id *organisation = &appointment->tenant.organisation;
    const size_t scope_count = id_is_nil(*organisation) ? 0 : 1;
    struct account account = { .id = appointment->admins[i].id,
                               .login_name = appointment->admins[i].login_name,
                               .display_name = appointment_titles[i],
                               .state = ACCOUNT_NEW,
                               .version = 1 };

    TRY(account_insert(c, &account));
    TRY(account_move(&account, ON_PASSWORD_SET, &c->err));
    account.roles = UINT32_C(1) << appointment_roles[i];
    account.password_hash = appointment->admins[i].hash;
    account.password_changed_at = c->wall;
    account.must_change = true;
    account.one_time_until = (instant_t){ c->wall.us + identity_policy(c)->one_time_us };
    TRY(account_update(c, &account));
    TRY(grant_insert(c, account.id, appointment_roles[i], (instant_t){ 0 }));
    TRY(scope_set(c, account.id, organisation, scope_count));
    TRY(emit_account_created(c, &account));
    return emit_role_granted(c, account.id, appointment_roles[i], organisation, scope_count);
}

/* The same appointment once more, perhaps after a commit that nobody heard of: its ids are those
 * of the first time. */
static err_t
appointment_find(struct call *c, struct appointment *appointment, bool *done)
{
    for (size_t i = 0; i < COUNT(appointment->admins); i++) {
        struct account made;

        TRY(account_find(c, appointment->admins[i].login_name, &made, done));
        *done = *done && is_of_same_secret(made.id, appointment->admins[i].id);
        if (!*done)
            return ERR_OK;
        appointment->admins[i].id = made.id;
    }
    return ERR_OK;
}

err_t
appointment_step(struct call *c, void *arg)
{
    struct appointment *appointment = arg;
    struct id ids[3];
    int64_t count = 0;
    bool done = false;

    TRY(roles_serialize(c)); /* two appointments at once: the second finds the first's accounts */
    TRY(appointment_find(c, appointment, &done));
    if (done)
        return ERR_OK;
    TRY(account_count(c, &count));
    if (count > 0)
        return err_set(&c->err, ERR_REFUSED, TENANT_HAS_ADMINISTRATORS,
                       "%s has %lld accounts already; its own administrators make further ones",
                       appointment->tenant.code, (long long) count);
    for (size_t i = 0; i < COUNT(appointment->admins); i++) {
        TRY(appoint_one(c, appointment, i));
        ids[i] = appointment->admins[i].id;
    }
    return emit_administrators_appointed(c, ids, appointment->from_command_line);
}
