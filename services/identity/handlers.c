/* handlers.c - tenants, organisations and accounts, in the order of identity.proto.  Signing in is
 * in sign_in.c, roles in handlers_role.c, sessions and tokens in handlers_session.c. */
#include "handlers.h"

#include <string.h>

#include "common_steps.h"
#include "rules.h"
#include "state.h"
#include "store.h"
#include "svc/room.h"
#include "wire.h"

/* --- tenants --- */

err_t
identity_create_tenant(struct call *c, const Identity__CreateTenantRequest *in,
                       Identity__CreateTenantReply *out)
{
    struct tenant tenant;
    struct organisation organisation;

    TRY(caller_is_platform(c));
    TRY(tenant_from_wire(in, &tenant, &c->err));
    TRY(caller_is_current(c, ROLE_SYSTEM_ADMIN));

    TRY(organisation_get(c, tenant.organisation, &organisation));
    if (organisation.level < LEVEL_TOWNSHIP || !id_is_nil(organisation.tenant))
        return err_at(&c->err, ERR_REFUSED, "$.organisationId", TENANT_ORGANISATION,
                      "a tenant is a township or a village of the platform's tree");
    tenant.created_at = c->wall;
    TRY(tenant_insert(c, &tenant));
    TRY(emit_tenant_created(c, &tenant));
    return tenant_to_wire(c, &tenant, &out->tenant);
}

err_t
identity_list_tenants(struct call *c, const Identity__ListTenantsRequest *in,
                      Identity__ListTenantsReply *out)
{
    struct tenant *tenants = NULL;
    struct page page;
    size_t count = 0;

    TRY(caller_is_platform(c));
    TRY(page_from_wire(in->page_size, in->page_token, &page, &c->err));
    TRY(tenant_list(c, page, &tenants, &count));
    TRY(page_to_wire(c, page, tenants[count > 1 ? count - 2 : 0].id, &count,
                     &out->next_page_token));
    LIST(c, count, &out->tenants);
    for (; out->n_tenants < count; out->n_tenants++)
        TRY(tenant_to_wire(c, &tenants[out->n_tenants], &out->tenants[out->n_tenants]));
    return ERR_OK;
}

err_t
identity_get_tenant(struct call *c, const Identity__GetTenantRequest *in,
                    Identity__GetTenantReply *out)
{
    struct tenant tenant;
    struct id id;

    TRY(id_from_wire(in->tenant_id, "$.tenantId", &id, &c->err));
    /* A tenant learns nothing of another's existence. */
    if (!id_is_nil(c->tenant) && id_cmp(id, c->tenant) != 0)
        return err_set(&c->err, ERR_NOT_FOUND, TENANT_NONE, "no such tenant");
    TRY(tenant_get(c, id, &tenant));
    return tenant_to_wire(c, &tenant, &out->tenant);
}

err_t
identity_resolve_tenant(struct call *c, const Identity__ResolveTenantRequest *in,
                        Identity__ResolveTenantReply *out)
{
    struct tenant tenant;
    bool found = false;

    TRY(rule_tenant_code(in->code, "$.code", &c->err));
    TRY(tenant_find(c, in->code, &tenant, &found));
    if (!found)
        return err_set(&c->err, ERR_NOT_FOUND, TENANT_NONE, "no such tenant");
    return resolved_tenant_to_wire(c, &tenant, out);
}

struct appointing {
    struct appointment appointment;
    struct id tenant;
};

static err_t
appointing_load_step(struct call *c, void *arg)
{
    struct appointing *a = arg;

    TRY(caller_is_current(c, ROLE_SECURITY_ADMIN));
    return tenant_get(c, a->tenant, &a->appointment.tenant);
}

static err_t
admin_name_from_wire(struct call *c, const char *name, const char *path,
                     char out[static LOGIN_NAME_BYTES])
{
    TRY(rule_login_name(name, path, &c->err));
    memcpy(out, name, strlen(name) + 1);
    return ERR_OK;
}

err_t
identity_appoint_administrators(struct call *c, const Identity__AppointAdministratorsRequest *in,
                                Identity__AppointAdministratorsReply *out)
{
    struct appointing *a = arena_alloc(c->arena, sizeof *a);

    if (!a)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "no memory");
    TRY(caller_is_platform(c));
    TRY(id_from_wire(in->tenant_id, "$.tenantId", &a->tenant, &c->err));
    TRY(admin_name_from_wire(c, in->system_login_name, "$.systemLoginName",
                             a->appointment.admins[0].login_name));
    TRY(admin_name_from_wire(c, in->security_login_name, "$.securityLoginName",
                             a->appointment.admins[1].login_name));
    TRY(admin_name_from_wire(c, in->audit_login_name, "$.auditLoginName",
                             a->appointment.admins[2].login_name));
    TRY(svc_command_tx(c, c->tenant, appointing_load_step, a));
    TRY(appointment_prepare(c, &a->appointment));
    TRY(svc_command_tx(c, a->tenant, appointment_step, &a->appointment));

    LIST(c, COUNT(a->appointment.admins), &out->administrators);
    for (; out->n_administrators < COUNT(a->appointment.admins); out->n_administrators++) {
        const size_t i = out->n_administrators;
        Identity__AppointAdministratorsReply__Appointed *one = arena_alloc(c->arena, sizeof *one);

        if (!one)
            return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "no memory");
        identity__appoint_administrators_reply__appointed__init(one);
        one->account_id = id_to_wire(c, a->appointment.admins[i].id);
        one->login_name = arena_printf(c->arena, "%s@%s", a->appointment.admins[i].login_name,
                                       a->appointment.tenant.code);
        one->role = (Huzhu__Role__Name) appointment_roles[i];
        one->one_time_password = a->appointment.admins[i].password;
        if (!one->account_id || !one->login_name)
            return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "no memory");
        out->administrators[i] = one;
    }
    return ERR_OK;
}

/* --- organisations --- */

/* A tenant grows below its own root; the platform's tree is the platform's. */
static err_t
rule_place(struct call *c, const struct organisation *organisation)
{
    struct tenant tenant;
    bool under = false;

    if (id_is_nil(c->tenant))
        return ERR_OK;
    TRY(tenant_get(c, c->tenant, &tenant));
    TRY(organisation_is_under(c, organisation->parent, tenant.organisation, &under));
    if (under)
        return ERR_OK;
    return err_at(&c->err, ERR_REFUSED, "$.parentId", ORGANISATION_OUTSIDE,
                  "the parent lies outside the tenant");
}

err_t
identity_create_organisation(struct call *c, const Identity__CreateOrganisationRequest *in,
                             Identity__CreateOrganisationReply *out)
{
    struct organisation organisation, parent;
    const bool has_parent = in->parent_id && in->parent_id->value.len > 0;

    TRY(organisation_from_wire(in, &organisation, &c->err));
    TRY(caller_is_current(c, ROLE_SYSTEM_ADMIN));
    if (has_parent)
        TRY(organisation_get(c, organisation.parent, &parent));
    TRY(rule_organisation(&organisation, has_parent ? &parent : NULL, &c->err));
    TRY(rule_place(c, &organisation));

    organisation.tenant = c->tenant;
    TRY(organisation_insert(c, &organisation));
    TRY(organisation_get(c, organisation.id, &organisation));
    TRY(emit_organisation_created(c, &organisation));
    return organisation_to_wire(c, &organisation, &out->organisation);
}

err_t
identity_list_organisations(struct call *c, const Identity__ListOrganisationsRequest *in,
                            Identity__ListOrganisationsReply *out)
{
    struct organisation *list = NULL;
    struct page page;
    struct id parent;
    size_t count = 0;

    TRY(page_from_wire(in->page_size, in->page_token, &page, &c->err));
    TRY(optional_id_from_wire(in->parent_id, "$.parentId", &parent, &c->err));
    TRY(organisation_list(c, page, parent, &list, &count));
    TRY(page_to_wire(c, page, list[count > 1 ? count - 2 : 0].id, &count, &out->next_page_token));
    LIST(c, count, &out->organisations);
    for (; out->n_organisations < count; out->n_organisations++)
        TRY(organisation_to_wire(c, &list[out->n_organisations],
                                 &out->organisations[out->n_organisations]));
    return ERR_OK;
}

/* --- accounts --- */

/* "name" or "name@own-tenant". */
static err_t
login_name_from_wire(struct call *c, const char *text, char name[static LOGIN_NAME_BYTES])
{
    char code[TENANT_CODE_BYTES];
    struct tenant tenant = { .code = PLATFORM_CODE };

    if (!login_name_split(text, name, code))
        return err_at(&c->err, ERR_INVALID, "$.loginName", LOGIN_NAME_FORM,
                      "a login name is 2 to 64 of a-z 0-9 . _ -, then perhaps @tenant-code");
    if (!id_is_nil(c->tenant))
        TRY(tenant_get(c, c->tenant, &tenant));
    if (code[0] != '\0' && strcmp(code, tenant.code) != 0)
        return err_at(&c->err, ERR_REFUSED, "$.loginName", LOGIN_NAME_TENANT,
                      "login names here end in @%s", tenant.code);
    return ERR_OK;
}

err_t
identity_create_account(struct call *c, const Identity__CreateAccountRequest *in,
                        Identity__CreateAccountReply *out)
{
    struct account account = { .state = ACCOUNT_NEW };
    char name[LOGIN_NAME_BYTES];

    TRY(id_from_wire(in->account_id, "$.accountId", &account.id, &c->err));
    TRY(optional_id_from_wire(in->person_id, "$.personId", &account.person, &c->err));
    TRY(rule_name(in->display_name, "$.displayName", &c->err));
    TRY(caller_is_current(c, ROLE_SYSTEM_ADMIN));
    TRY(login_name_from_wire(c, in->login_name, name));

    account.login_name = name;
    account.display_name = in->display_name;
    TRY(account_insert(c, &account));
    TRY(emit_account_created(c, &account));
    return account_answer(c, account.id, &out->account);
}

err_t
identity_get_account(struct call *c, const Identity__GetAccountRequest *in,
                     Identity__GetAccountReply *out)
{
    struct id id;

    TRY(id_from_wire(in->account_id, "$.accountId", &id, &c->err));
    TRY(caller_is_current(c, ROLE_SYSTEM_ADMIN | ROLE_SECURITY_ADMIN));
    return account_answer(c, id, &out->account);
}

err_t
identity_list_accounts(struct call *c, const Identity__ListAccountsRequest *in,
                       Identity__ListAccountsReply *out)
{
    static const char *const states[] = { NULL, "NEW", "ACTIVE", "DISABLED" };
    struct account_filter filter = { NULL, 0 };
    struct account *accounts = NULL;
    struct page page;
    size_t count = 0;

    TRY(page_from_wire(in->page_size, in->page_token, &page, &c->err));
    if ((unsigned) in->state >= COUNT(states))
        return err_at(&c->err, ERR_INVALID, "$.state", "field.enum", "no such state");
    filter.state = states[in->state];
    if (in->role != HUZHU__ROLE__NAME__UNSPECIFIED) {
        TRY(rule_role((int) in->role, "$.role", &c->err));
        filter.roles = UINT32_C(1) << in->role;
    }
    TRY(caller_is_current(c, ROLE_SYSTEM_ADMIN | ROLE_SECURITY_ADMIN));
    TRY(account_list(c, page, filter, &accounts, &count));
    TRY(page_to_wire(c, page, accounts[count > 1 ? count - 2 : 0].id, &count,
                     &out->next_page_token));
    LIST(c, count, &out->accounts);
    for (; out->n_accounts < count; out->n_accounts++)
        TRY(account_answer(c, accounts[out->n_accounts].id, &out->accounts[out->n_accounts]));
    c->etag[0] = '\0'; /* of a single account, not of a list */
    return ERR_OK;
}

err_t
identity_disable_account(struct call *c, const Identity__DisableAccountRequest *in,
                         Identity__DisableAccountReply *out)
{
    struct account account;
    struct id id;

    TRY(id_from_wire(in->account_id, "$.accountId", &id, &c->err));
    TRY(rule_name(in->why, "$.why", &c->err));
    TRY(roles_serialize(c));
    TRY(caller_is_current(c, ROLE_SYSTEM_ADMIN | ROLE_SECURITY_ADMIN));
    TRY(account_lock(c, id, &account));
    if (id_cmp(id, c->account) == 0)
        return err_set(&c->err, ERR_REFUSED, ACCOUNT_SELF, "nobody disables one's own account");
    TRY(account_matches(c, &account));
    TRY(rule_not_last(c, &account));

    TRY(account_disable(c, &account, in->why));
    return account_answer(c, id, &out->account);
}

err_t
identity_enable_account(struct call *c, const Identity__EnableAccountRequest *in,
                        Identity__EnableAccountReply *out)
{
    struct account account;
    struct id id;

    TRY(id_from_wire(in->account_id, "$.accountId", &id, &c->err));
    TRY(caller_is_current(c, ROLE_SYSTEM_ADMIN));
    TRY(account_lock(c, id, &account));
    TRY(account_matches(c, &account));
    TRY(account_move(&account, ON_ENABLE, &c->err));

    TRY(account_update(c, &account));
    TRY(emit_account_enabled(c, id));
    return account_answer(c, id, &out->account);
}
