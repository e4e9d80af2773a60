/* handlers_nda.c - undertakings of confidentiality (6.2.2 c 3), grants that end, and what others
 * are told of a tenant. */
#include "common_steps.h"
#include "duties.h"
#include "handlers.h"
#include "store.h"
#include "store_register.h"
#include "svc/room.h"
#include "wire.h"
#include "wire_register.h"

err_t
identity_record_nda(struct call *c, const Identity__RecordNdaRequest *in,
                    Identity__RecordNdaReply *out)
{
    struct nda nda = { .recorded_by = c->account, .recorded_at = c->now };
    struct account account;

    TRY(id_from_wire(in->account_id, "$.accountId", &nda.account, &c->err));
    TRY(id_from_wire(in->nda_id, "$.ndaId", &nda.id, &c->err));
    TRY(optional_id_from_wire(in->upload_id, "$.uploadId", &nda.upload, &c->err));
    TRY(date_from_wire(in->signed_on, "$.signedOn", &nda.signed_on, &c->err));
    TRY(date_from_wire(in->expires_on, "$.expiresOn", &nda.expires_on, &c->err));
    if (nda.signed_on.days > date_of(c->now).days || nda.expires_on.days < nda.signed_on.days)
        return err_at(&c->err, ERR_INVALID, "$.signedOn", NDA_DATES,
                      "an undertaking is signed at the latest today and ends later");
    TRY(caller_is_current(c, ROLE_SECURITY_ADMIN));
    TRY(account_lock(c, nda.account, &account));
    if (id_cmp(nda.account, c->account) == 0)
        return err_set(&c->err, ERR_REFUSED, ACCOUNT_SELF, "nobody records one's own undertaking");

    TRY(nda_insert(c, &nda));
    TRY(emit_nda_recorded(c, &nda));
    return nda_to_wire(c, &nda, &out->nda);
}

err_t
identity_list_ndas(struct call *c, const Identity__ListNdasRequest *in,
                   Identity__ListNdasReply *out)
{
    struct nda *ndas = NULL;
    struct page page;
    size_t count = 0;
    struct id id;

    TRY(id_from_wire(in->account_id, "$.accountId", &id, &c->err));
    TRY(page_from_wire(in->page_size, in->page_token, &page, &c->err));
    TRY(nda_list(c, page, id, &ndas, &count));
    TRY(page_to_wire(c, page, ndas[count > 1 ? count - 2 : 0].id, &count, &out->next_page_token));
    LIST(c, count, &out->ndas);
    for (; out->n_ndas < count; out->n_ndas++)
        TRY(nda_to_wire(c, &ndas[out->n_ndas], &out->ndas[out->n_ndas]));
    return ERR_OK;
}

/* --- duties --- */

err_t
identity_end_grants(struct call *c)
{
    struct id *tenants = NULL, *accounts = NULL;
    int *roles = NULL;
    size_t count = 0;

    TRY(grants_over(c, &tenants, &accounts, &roles, &count));
    for (size_t i = 0; i < count; i++) {
        struct account account;
        TRY(call_as_tenant(c, tenants[i]));
        TRY(account_lock(c, accounts[i], &account));
        TRY(grant_delete(c, account.id, roles[i]));
        account.roles &= ~(UINT32_C(1) << roles[i]);
        if (account.roles == 0)
            TRY(scope_set(c, account.id, NULL, 0));
        TRY(account_update(c, &account));
        TRY(emit_role_revoked(c, account.id, roles[i]));
    }
    return ERR_OK;
}

err_t
identity_describe_tenants(struct call *c)
{
    struct digest *digests = NULL;
    size_t count = 0;

    TRY(tenants_to_describe(c, &digests, &count));
    for (size_t i = 0; i < count; i++) {
        struct organisation *villages = NULL;
        struct tenant tenant;
        size_t village_count = 0;
        TRY(call_as_tenant(c, digests[i].tenant));
        TRY(tenant_get(c, digests[i].tenant, &tenant));
        TRY(village_describe(c, tenant.organisation, &villages, &village_count));
        TRY(described_set(c, &digests[i]));
        TRY(emit_tenant_described(c, &tenant, villages, village_count));
    }
    return ERR_OK;
}
