/* wire.c - protobuf to nouns and back, events out. */
#include "wire.h"

#include <stdio.h>
#include <string.h>

#include "crypto/crypto.h"
#include "rules.h"
#include "state.h"
#include "svc/fields.h"

/* --- in --- */

err_t
optional_id_from_wire(const Huzhu__Id *in, const char *path, struct id *id, struct err *err)
{
    if (in && in->value.len > 0)
        return id_from_wire(in, path, id, err);
    *id = (struct id){ { 0 } };
    return ERR_OK;
}

err_t
tenant_from_wire(const Identity__CreateTenantRequest *in, struct tenant *tenant, struct err *err)
{
    *tenant = (struct tenant){ .code = in->code, .name = in->name, .state = TENANT_ACTIVE };
    TRY(id_from_wire(in->tenant_id, "$.tenantId", &tenant->id, err));
    TRY(id_from_wire(in->organisation_id, "$.organisationId", &tenant->organisation, err));
    TRY(rule_tenant_code(in->code, "$.code", err));
    return rule_name(in->name, "$.name", err);
}

err_t
organisation_from_wire(const Identity__CreateOrganisationRequest *in,
                       struct organisation *organisation, struct err *err)
{
    *organisation = (struct organisation){ .level = (enum organisation_level) in->level,
                                           .division_code = in->division_code,
                                           .name = in->name };
    TRY(id_from_wire(in->organisation_id, "$.organisationId", &organisation->id, err));
    TRY(optional_id_from_wire(in->parent_id, "$.parentId", &organisation->parent, err));
    TRY(rule_division_code(in->division_code, "$.divisionCode", err));
    return rule_name(in->name, "$.name", err);
}

err_t
role_from_wire(Huzhu__Role__Name in, int *role, struct err *err)
{
    TRY(rule_role((int) in, "$.role", err));
    *role = (int) in;
    return ERR_OK;
}

err_t
organisation_ids_from_wire(const Identity__GrantRoleRequest *in,
                           struct id ids[static CALL_ORGANISATIONS_MAX], size_t *count,
                           struct err *err)
{
    *count = 0;
    if (in->n_organisation_ids > CALL_ORGANISATIONS_MAX)
        return err_at(err, ERR_INVALID, "$.organisationIds", "role.organisations",
                      "a role holds for at most %d organisations", CALL_ORGANISATIONS_MAX);
    for (size_t i = 0; i < in->n_organisation_ids; i++) {
        char path[48];
        struct id id;

        (void) snprintf(path, sizeof path, "$.organisationIds[%zu]", i);
        TRY(id_from_wire(in->organisation_ids[i], path, &id, err));
        size_t k = 0;
        while (k < *count && id_cmp(ids[k], id) != 0)
            k++;
        if (k == *count)
            ids[(*count)++] = id;
    }
    return ERR_OK;
}

/* --- out --- */

static err_t
put_ids(struct call *c, const struct id *ids, size_t count, Huzhu__Id ***out, size_t *n)
{
    *out = arena_alloc(c->arena, (count + 1) * sizeof **out);
    if (!*out)
        return no_memory(c);
    for (size_t i = 0; i < count; i++)
        TRY(put_id(c, ids[i], &(*out)[i]));
    *n = count;
    return ERR_OK;
}

static_assert((int) TENANT_CLOSED == (int) IDENTITY__TENANT__STATE__CLOSED &&
                  (int) ACCOUNT_DISABLED == (int) IDENTITY__ACCOUNT__STATE__DISABLED &&
                  (int) LEVEL_VILLAGE == (int) IDENTITY__ORGANISATION__LEVEL__VILLAGE,
              "identity.proto and identity.h number alike");

err_t
tenant_to_wire(struct call *c, const struct tenant *tenant, Identity__Tenant **out)
{
    MAKE(c, Identity__Tenant, identity__tenant__init, wire);
    wire->state = (Identity__Tenant__State) tenant->state;
    TRY(put_id(c, tenant->id, &wire->tenant_id));
    TRY(put_text(c, tenant->code, &wire->code));
    TRY(put_text(c, tenant->name, &wire->name));
    TRY(put_id(c, tenant->organisation, &wire->organisation_id));
    TRY(put_instant(c, tenant->created_at, &wire->created_at));
    *out = wire;
    return ERR_OK;
}

err_t
resolved_tenant_to_wire(struct call *c, const struct tenant *tenant,
                        Identity__ResolveTenantReply *out)
{
    TRY(put_id(c, tenant->id, &out->tenant_id));
    TRY(put_text(c, tenant->name, &out->name));
    out->state = (Identity__Tenant__State) tenant->state;
    return ERR_OK;
}

err_t
organisation_to_wire(struct call *c, const struct organisation *organisation,
                     Identity__Organisation **out)
{
    MAKE(c, Identity__Organisation, identity__organisation__init, wire);
    wire->level = (Identity__Organisation__Level) organisation->level;
    TRY(put_id(c, organisation->id, &wire->organisation_id));
    TRY(put_id(c, organisation->parent, &wire->parent_id));
    TRY(put_text(c, organisation->division_code, &wire->division_code));
    TRY(put_text(c, organisation->name, &wire->name));
    TRY(put_id(c, organisation->tenant, &wire->tenant_id));
    TRY(put_ids(c, organisation->ancestors, organisation->ancestor_count, &wire->ancestor_ids,
                &wire->n_ancestor_ids));
    *out = wire;
    return ERR_OK;
}

static err_t
grants_to_wire(struct call *c, const struct account_view *view, Identity__Account *wire)
{
    wire->grants = arena_alloc(c->arena, (view->grant_count + 1) * sizeof *wire->grants);
    if (!wire->grants)
        return no_memory(c);
    for (size_t i = 0; i < view->grant_count; i++) {
        MAKE(c, Identity__Grant, identity__grant__init, grant);
        grant->role = (Huzhu__Role__Name) view->grants[i].role;
        TRY(put_instant(c, view->grants[i].at, &grant->granted_at));
        TRY(put_instant(c, view->grants[i].until, &grant->until));
        TRY(put_id(c, view->grants[i].by, &grant->granted_by));
        TRY(put_ids(c, view->scope, view->scope_count, &grant->organisation_ids,
                    &grant->n_organisation_ids));
        wire->grants[i] = grant;
    }
    wire->n_grants = view->grant_count;
    return ERR_OK;
}

err_t
account_to_wire(struct call *c, const struct account_view *view, Identity__Account **out)
{
    const struct account *account = view->account;
    MAKE(c, Identity__Account, identity__account__init, wire);

    wire->login_name = arena_printf(c->arena, "%s@%s", account->login_name, view->tenant_code);
    if (!wire->login_name)
        return no_memory(c);
    wire->state = (Identity__Account__State) account->state;
    wire->must_change_password = account->must_change;
    wire->version = account->version;
    TRY(put_id(c, account->id, &wire->account_id));
    TRY(put_text(c, account->display_name, &wire->display_name));
    TRY(put_id(c, account->person, &wire->person_id));
    const bool locked =
        guard_is_locked(&(struct guard){ .locked_until = account->locked_until }, c->wall);
    if (locked)
        TRY(put_instant(c, account->locked_until, &wire->locked_until));
    TRY(put_instant(c, account->password_changed_at, &wire->password_changed_at));
    TRY(put_instant(c, account->last_signed_in_at, &wire->last_signed_in_at));
    TRY(put_instant(c, account->created_at, &wire->created_at));
    TRY(grants_to_wire(c, view, wire));
    *out = wire;
    return ERR_OK;
}

err_t
session_to_wire(struct call *c, const struct session *session, Identity__Session **out)
{
    MAKE(c, Identity__Session, identity__session__init, wire);
    wire->current = id_cmp(session->id, c->session) == 0;
    TRY(put_id(c, session->id, &wire->session_id));
    TRY(put_id(c, session->account, &wire->account_id));
    TRY(put_text(c, session->address, &wire->address));
    TRY(put_instant(c, session->started_at, &wire->started_at));
    TRY(put_instant(c, session->last_seen_at, &wire->last_seen_at));
    TRY(put_instant(c, session->expires_at, &wire->expires));
    *out = wire;
    return ERR_OK;
}

err_t
api_token_to_wire(struct call *c, const struct api_token *token, Identity__ApiToken **out)
{
    MAKE(c, Identity__ApiToken, identity__api_token__init, wire);
    TRY(put_id(c, token->id, &wire->api_token_id));
    TRY(put_id(c, token->account, &wire->account_id));
    TRY(put_text(c, token->label, &wire->label));
    TRY(put_instant(c, token->created_at, &wire->created_at));
    TRY(put_instant(c, token->expires_at, &wire->expires));
    TRY(put_instant(c, token->last_used_at, &wire->last_used_at));
    TRY(put_instant(c, token->revoked_at, &wire->revoked_at));
    *out = wire;
    return ERR_OK;
}

/* --- tokens --- */

struct token_bytes {
    uint8_t tenant[16], id[16], secret[TOKEN_SECRET_BYTES];
};
static_assert(sizeof(struct token_bytes) == 64, "no padding");

static struct token_bytes
bytes_of(const struct token *token)
{
    struct token_bytes bytes;

    memcpy(bytes.tenant, token->tenant.bytes, sizeof bytes.tenant);
    memcpy(bytes.id, token->id.bytes, sizeof bytes.id);
    memcpy(bytes.secret, token->secret, sizeof bytes.secret);
    return bytes;
}

void
token_to_text(const struct token *token, char text[static TOKEN_TEXT_BYTES])
{
    const struct token_bytes bytes = bytes_of(token);

    memcpy(text, token->kind == TOKEN_SESSION ? "hzs_" : "hzt_", 4);
    (void) base64url_encode(&bytes, sizeof bytes, text + 4);
}

bool
token_from_text(const char *text, struct token *token)
{
    struct token_bytes bytes;
    size_t size = 0;

    if (strncmp(text, "hzs_", 4) != 0 && strncmp(text, "hzt_", 4) != 0)
        return false;
    if (!base64url_decode(text + 4, (uint8_t *) &bytes, sizeof bytes, &size) ||
        size != sizeof bytes)
        return false;
    token->kind = text[2] == 's' ? TOKEN_SESSION : TOKEN_API;
    memcpy(token->tenant.bytes, bytes.tenant, sizeof bytes.tenant);
    memcpy(token->id.bytes, bytes.id, sizeof bytes.id);
    memcpy(token->secret, bytes.secret, sizeof bytes.secret);
    return true;
}

/* Random 256 bits need no slow hash: what is stolen from the database opens nothing. */
void
token_sha256(const struct token *token, uint8_t out[static 32])
{
    const struct token_bytes bytes = bytes_of(token);

    sha256(&bytes, sizeof bytes, out);
}

/* Follows from the token, so that it needs no column; tells nothing of it. */
err_t
token_csrf(struct call *c, const struct token *token, char **out)
{
    static const char purpose[] = "huzhu csrf v1";
    uint8_t hash[SHA256_BYTES];
    char text[48];

    hmac_sha256(token->secret, purpose, sizeof purpose, hash);
    (void) base64url_encode(hash, sizeof hash, text);
    return put_text(c, text, out);
}

/* --- principals --- */

err_t
principal_to_wire(struct call *c, const struct principal_facts *facts,
                  ProtobufCBinaryData *principal, Huzhu__Instant **expires)
{
    const struct identity_conf *conf = c->conf;
    const instant_t until = { c->wall.us + conf->principal_life * 1000 };
    static const struct scope none = { .count = 0 };
    const struct scope *scope = facts->scope ? facts->scope : &none;
    ProtobufCBinaryData organisations[CALL_ORGANISATIONS_MAX];
    Bus__Principal p = BUS__PRINCIPAL__INIT;

    assert(scope->count <= CALL_ORGANISATIONS_MAX);
    for (size_t i = 0; i < scope->count; i++)
        organisations[i] = (ProtobufCBinaryData){ sizeof scope->organisations[i].bytes,
                                                  (uint8_t *) scope->organisations[i].bytes };
    p.account_id = (ProtobufCBinaryData){ 16, (uint8_t *) facts->account.bytes };
    p.session_id = (ProtobufCBinaryData){ 16, (uint8_t *) facts->session.bytes };
    if (!id_is_nil(facts->tenant))
        p.tenant_id = (ProtobufCBinaryData){ 16, (uint8_t *) facts->tenant.bytes };
    if (!id_is_nil(facts->person))
        p.person_id = (ProtobufCBinaryData){ 16, (uint8_t *) facts->person.bytes };
    p.roles = facts->roles & scope->roles;
    p.organisation_id = organisations;
    p.n_organisation_id = scope->count;
    p.whole_tenant = scope->whole_tenant;
    p.clearance = clearance_of((role_set_t) p.roles, scope->nda);
    p.issued_us = c->wall.us;
    p.expires_us = until.us;
    TRY(principal_sign(c, &p, principal));
    return put_instant(c, until, expires);
}

/* --- events --- */

err_t
emit_tenant_created(struct call *c, const struct tenant *tenant)
{
    Identity__TenantCreated event = IDENTITY__TENANT_CREATED__INIT;

    TRY(put_id(c, tenant->id, &event.tenant_id));
    TRY(put_id(c, tenant->organisation, &event.organisation_id));
    event.code = (char *) tenant->code;
    event.name = (char *) tenant->name;
    return event_append(c, &event.base);
}

err_t
emit_organisation_created(struct call *c, const struct organisation *organisation)
{
    Identity__OrganisationCreated event = IDENTITY__ORGANISATION_CREATED__INIT;

    TRY(put_id(c, organisation->id, &event.organisation_id));
    TRY(put_id(c, organisation->parent, &event.parent_id));
    TRY(put_ids(c, organisation->ancestors, organisation->ancestor_count, &event.ancestor_ids,
                &event.n_ancestor_ids));
    event.level = (Identity__Organisation__Level) organisation->level;
    event.division_code = (char *) organisation->division_code;
    event.name = (char *) organisation->name;
    return event_append(c, &event.base);
}

err_t
emit_administrators_appointed(struct call *c, const struct id accounts[static 3],
                              bool from_command_line)
{
    Identity__AdministratorsAppointed event = IDENTITY__ADMINISTRATORS_APPOINTED__INIT;

    TRY(put_id(c, accounts[0], &event.system_account_id));
    TRY(put_id(c, accounts[1], &event.security_account_id));
    TRY(put_id(c, accounts[2], &event.audit_account_id));
    event.from_command_line = from_command_line;
    return event_append(c, &event.base);
}

err_t
emit_account_created(struct call *c, const struct account *account)
{
    Identity__AccountCreated event = IDENTITY__ACCOUNT_CREATED__INIT;

    TRY(put_id(c, account->id, &event.account_id));
    TRY(put_id(c, account->person, &event.person_id));
    TRY(put_id(c, c->account, &event.by));
    return event_append(c, &event.base);
}

err_t
emit_account_disabled(struct call *c, struct id account, const char *why)
{
    Identity__AccountDisabled event = IDENTITY__ACCOUNT_DISABLED__INIT;

    TRY(put_id(c, account, &event.account_id));
    TRY(put_id(c, c->account, &event.by));
    event.why = (char *) why;
    return event_append(c, &event.base);
}

/* Events of one shape: an account, and who did it. */
#define EMIT_BY(fn, Type, TYPE)                                                                    \
    err_t fn(struct call *c, struct id account)                                                    \
    {                                                                                              \
        Identity__##Type event = IDENTITY__##TYPE##__INIT;                                         \
                                                                                                   \
        TRY(put_id(c, account, &event.account_id));                                                \
        TRY(put_id(c, c->account, &event.by));                                                     \
        return event_append(c, &event.base);                                                       \
    }
EMIT_BY(emit_account_enabled, AccountEnabled, ACCOUNT_ENABLED)
EMIT_BY(emit_account_unlocked, AccountUnlocked, ACCOUNT_UNLOCKED)
EMIT_BY(emit_password_reset, PasswordReset, PASSWORD_RESET)

err_t
emit_password_changed(struct call *c, struct id account)
{
    Identity__PasswordChanged event = IDENTITY__PASSWORD_CHANGED__INIT;

    TRY(put_id(c, account, &event.account_id));
    return event_append(c, &event.base);
}

err_t
emit_role_granted(struct call *c, struct id account, int role, const struct id *scope, size_t count)
{
    Identity__RoleGranted event = IDENTITY__ROLE_GRANTED__INIT;

    TRY(put_id(c, account, &event.account_id));
    TRY(put_ids(c, scope, count, &event.organisation_ids, &event.n_organisation_ids));
    TRY(put_id(c, c->account, &event.by));
    event.role = (Huzhu__Role__Name) role;
    return event_append(c, &event.base);
}

err_t
emit_role_revoked(struct call *c, struct id account, int role)
{
    Identity__RoleRevoked event = IDENTITY__ROLE_REVOKED__INIT;

    TRY(put_id(c, account, &event.account_id));
    TRY(put_id(c, c->account, &event.by));
    event.role = (Huzhu__Role__Name) role;
    return event_append(c, &event.base);
}

err_t
emit_signed_in(struct call *c, const struct session *session)
{
    Identity__SignedIn event = IDENTITY__SIGNED_IN__INIT;

    TRY(put_id(c, session->account, &event.account_id));
    TRY(put_id(c, session->id, &event.session_id));
    event.address = (char *) session->address;
    return event_append(c, &event.base);
}

err_t
emit_sign_in_failed(struct call *c, const struct failed_sign_in *failed)
{
    const ProtobufCBinaryData name = { SHA256_BYTES, (uint8_t *) failed->name_sha256 };
    Identity__SignInFailed event = IDENTITY__SIGN_IN_FAILED__INIT;
    Identity__SignInLocked locked = IDENTITY__SIGN_IN_LOCKED__INIT;

    TRY(put_id(c, failed->account, &event.account_id));
    event.login_name_sha256 = name;
    event.address = (char *) failed->address;
    event.reason = (char *) failed->reason;
    event.failures = (uint32_t) failed->failures;
    TRY(event_append(c, &event.base));
    if (failed->locked_until.us == 0)
        return ERR_OK;

    TRY(put_id(c, failed->account, &locked.account_id));
    TRY(put_instant(c, failed->locked_until, &locked.until));
    locked.login_name_sha256 = name;
    locked.address = (char *) failed->address;
    return event_append(c, &locked.base);
}

err_t
emit_signed_out(struct call *c, struct id account, struct id session)
{
    Identity__SignedOut event = IDENTITY__SIGNED_OUT__INIT;

    TRY(put_id(c, account, &event.account_id));
    TRY(put_id(c, session, &event.session_id));
    return event_append(c, &event.base);
}

err_t
emit_session_revoked(struct call *c, struct id account, struct id session)
{
    Identity__SessionRevoked event = IDENTITY__SESSION_REVOKED__INIT;

    TRY(put_id(c, account, &event.account_id));
    TRY(put_id(c, session, &event.session_id));
    TRY(put_id(c, c->account, &event.by));
    return event_append(c, &event.base);
}

err_t
emit_api_token_created(struct call *c, const struct api_token *token)
{
    Identity__ApiTokenCreated event = IDENTITY__API_TOKEN_CREATED__INIT;

    TRY(put_id(c, token->id, &event.api_token_id));
    TRY(put_id(c, token->account, &event.account_id));
    TRY(put_instant(c, token->expires_at, &event.expires));
    return event_append(c, &event.base);
}

err_t
emit_api_token_revoked(struct call *c, struct id token, struct id account)
{
    Identity__ApiTokenRevoked event = IDENTITY__API_TOKEN_REVOKED__INIT;

    TRY(put_id(c, token, &event.api_token_id));
    TRY(put_id(c, account, &event.account_id));
    TRY(put_id(c, c->account, &event.by));
    return event_append(c, &event.base);
}
