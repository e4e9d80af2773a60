/* store.c - the nouns in and out of the schema identity. */
#include "store.h"

#include <stdio.h>
#include <string.h>

#include "identity_queries.h"
#include "store_register.h"
#include "svc/columns.h"

static const char *const tenant_states[] = {
    [TENANT_ACTIVE] = "ACTIVE", [TENANT_CLOSED] = "CLOSED"
};
static const char *const account_states[] = {
    [ACCOUNT_NEW] = "NEW", [ACCOUNT_ACTIVE] = "ACTIVE", [ACCOUNT_DISABLED] = "DISABLED"
};

static bool
copy_hash(const struct rows *rows, int row, int column, uint8_t out[static 32])
{
    size_t size = 0;
    const void *bytes = rows_bytes(rows, row, column, &size);

    if (size != 32)
        return false;
    memcpy(out, bytes, 32);
    return true;
}

/* --- tenants --- */

err_t
tenant_insert(struct call *c, const struct tenant *tenant)
{
    return db_exec(c, &q_tenant_insert, P_ID(tenant->id), P_TEXT(tenant->code),
                   P_TEXT(tenant->name), P_ID(tenant->organisation), P_INSTANT(tenant->created_at));
}

static err_t
tenant_read(struct call *c, const struct rows *rows, int row, struct tenant *tenant)
{
    *tenant = (struct tenant){
        .id = rows_id(rows, row, 0),
        .organisation = rows_id(rows, row, 3),
        .state = (enum tenant_state) place_of(rows_text(rows, row, 4), tenant_states,
                                              COUNT(tenant_states)),
        .created_at = rows_instant(rows, row, 5),
    };
    TRY(text_of(c, rows, row, 1, &tenant->code));
    return text_of(c, rows, row, 2, &tenant->name);
}

err_t
tenant_get(struct call *c, struct id id, struct tenant *tenant)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_tenant_get, &rows, P_ID(id)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, TENANT_NONE, "no such tenant");
    return tenant_read(c, rows, 0, tenant);
}

err_t
tenant_find(struct call *c, const char *code, struct tenant *tenant, bool *found)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_tenant_by_code, &rows, P_TEXT(code)));
    *found = rows_count(rows) == 1;
    return *found ? tenant_read(c, rows, 0, tenant) : ERR_OK;
}

err_t
tenant_list(struct call *c, struct page page, struct tenant **tenants, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_tenant_list, &rows, P_ID(page.after), P_INT(page.rows)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, tenants);
    for (size_t i = 0; i < *count; i++)
        TRY(tenant_read(c, rows, (int) i, &(*tenants)[i]));
    return ERR_OK;
}

/* --- organisations --- */

err_t
organisation_insert(struct call *c, const struct organisation *organisation)
{
    return db_exec(c, &q_organisation_insert, P_ID(organisation->id), P_ID(organisation->tenant),
                   P_ID_OR_NULL(organisation->parent), P_INT4((int32_t) organisation->level),
                   P_TEXT(organisation->division_code), P_TEXT(organisation->name),
                   P_INSTANT(c->wall));
}

/* "uuid,uuid", from the province down. */
static void
ancestors_read(const char *text, struct organisation *organisation)
{
    char one[ID_TEXT_BYTES];

    while (strlen(text) >= ID_TEXT_BYTES - 1 && organisation->ancestor_count < ANCESTORS_MAX) {
        memcpy(one, text, ID_TEXT_BYTES - 1);
        one[ID_TEXT_BYTES - 1] = '\0';
        if (!id_parse(one, &organisation->ancestors[organisation->ancestor_count++]))
            assert(false);
        text += ID_TEXT_BYTES - 1;
        text += *text == ',';
    }
}

static err_t
organisation_read(struct call *c, const struct rows *rows, int row,
                  struct organisation *organisation)
{
    *organisation = (struct organisation){
        .id = rows_id(rows, row, 0),
        .tenant = rows_id(rows, row, 1),
        .parent = rows_id(rows, row, 2),
        .level = (enum organisation_level) rows_int(rows, row, 3),
    };
    ancestors_read(rows_text(rows, row, 6), organisation);
    TRY(text_of(c, rows, row, 4, &organisation->division_code));
    return text_of(c, rows, row, 5, &organisation->name);
}

err_t
organisation_get(struct call *c, struct id id, struct organisation *organisation)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_organisation_get, &rows, P_ID(id)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, ORGANISATION_NONE, "no such organisation");
    return organisation_read(c, rows, 0, organisation);
}

err_t
organisation_list(struct call *c, struct page page, struct id parent,
                  struct organisation **organisations, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_organisation_list, &rows, P_ID(page.after), P_INT(page.rows),
                 P_ID_OR_NULL(parent)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, organisations);
    for (size_t i = 0; i < *count; i++)
        TRY(organisation_read(c, rows, (int) i, &(*organisations)[i]));
    return ERR_OK;
}

err_t
organisation_is_under(struct call *c, struct id id, struct id root, bool *is)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_organisation_is_under, &rows, P_ID(id), P_ID(root)));
    *is = rows_count(rows) == 1 && rows_bool(rows, 0, 0);
    return ERR_OK;
}

/* --- accounts --- */

err_t
account_insert(struct call *c, const struct account *account)
{
    return db_exec(c, &q_account_insert, P_ID(c->tenant), P_ID(account->id),
                   P_TEXT(account->login_name), P_TEXT(account->display_name),
                   P_ID_OR_NULL(account->person), P_INSTANT(c->wall));
}

static err_t
account_read(struct call *c, const struct rows *rows, int row, struct account *account)
{
    *account = (struct account){
        .id = rows_id(rows, row, 0),
        .person = rows_id(rows, row, 3),
        .state = (enum account_state) place_of(rows_text(rows, row, 4), account_states,
                                               COUNT(account_states)),
        .roles = (role_set_t) rows_int(rows, row, 5),
        .must_change = rows_bool(rows, row, 7),
        .one_time_until = instant_or_never(rows, row, 8),
        .password_changed_at = instant_or_never(rows, row, 9),
        .last_signed_in_at = instant_or_never(rows, row, 10),
        .created_at = rows_instant(rows, row, 11),
        .version = rows_int(rows, row, 12),
        .locked_until = instant_or_never(rows, row, 13),
    };
    TRY(text_of(c, rows, row, 1, &account->login_name));
    TRY(text_of(c, rows, row, 2, &account->display_name));
    return text_of(c, rows, row, 6, &account->password_hash);
}

static err_t
account_by_id(struct call *c, const struct stmt *stmt, struct id id, struct account *account)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, stmt, &rows, P_ID(id)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, ACCOUNT_NONE, "no such account");
    return account_read(c, rows, 0, account);
}

err_t
account_get(struct call *c, struct id id, struct account *account)
{
    return account_by_id(c, &q_account_get, id, account);
}

err_t
account_lock(struct call *c, struct id id, struct account *account)
{
    return account_by_id(c, &q_account_lock, id, account);
}

err_t
account_find(struct call *c, const char *login_name, struct account *account, bool *found)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_account_by_name, &rows, P_TEXT(login_name)));
    *found = rows_count(rows) == 1;
    return *found ? account_read(c, rows, 0, account) : ERR_OK;
}

err_t
account_list(struct call *c, struct page page, struct account_filter filter,
             struct account **accounts, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_account_list, &rows, P_ID(page.after), P_INT(page.rows),
                 P_TEXT(filter.state), P_INT4((int32_t) filter.roles)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, accounts);
    for (size_t i = 0; i < *count; i++)
        TRY(account_read(c, rows, (int) i, &(*accounts)[i]));
    return ERR_OK;
}

static err_t
number_of(struct rows *rows, int64_t *number)
{
    *number = rows_int(rows, 0, 0);
    return ERR_OK;
}

err_t
account_count(struct call *c, int64_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query0(c, &q_account_count, &rows));
    return number_of(rows, count);
}

err_t
account_update(struct call *c, struct account *account)
{
    account->version++;
    return db_exec(c, &q_account_update, P_ID(account->id), P_TEXT(account_states[account->state]),
                   P_INT4((int32_t) account->roles), P_TEXT(account->password_hash),
                   P_BOOL(account->must_change), p_instant_or_null(account->one_time_until),
                   p_instant_or_null(account->password_changed_at));
}

err_t
account_rehash(struct call *c, struct id id, const char *hash, const char *old)
{
    return db_exec(c, &q_account_rehash, P_ID(id), P_TEXT(hash), P_TEXT(old));
}

err_t
account_seen(struct call *c, struct id id)
{
    return db_exec(c, &q_account_seen, P_ID(id), P_INSTANT(c->wall));
}

err_t
person_roles(struct call *c, const struct account *account, role_set_t *roles)
{
    OWNED(rows_free) struct rows *rows = NULL;
    int64_t bits = 0;

    *roles = 0;
    if (id_is_nil(account->person))
        return ERR_OK;
    TRY(db_query(c, &q_person_roles, &rows, P_ID(account->person), P_ID(account->id)));
    TRY(number_of(rows, &bits));
    *roles = (role_set_t) bits;
    return ERR_OK;
}

err_t
role_holders(struct call *c, role_set_t roles, int64_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_role_holders, &rows, P_INT4((int32_t) roles)));
    return number_of(rows, count);
}

err_t
roles_serialize(struct call *c)
{
    OWNED(rows_free) struct rows *rows = NULL;
    char tenant[ID_TEXT_BYTES];

    id_format(c->tenant, tenant);
    return db_query(c, &q_roles_serialize, &rows, P_TEXT(tenant));
}

err_t
accounts_unused(struct call *c, instant_t since, struct id **tenants, struct id **accounts,
                size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_accounts_unused, &rows, P_INSTANT(since)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, tenants);
    LIST(c, *count, accounts);
    for (size_t i = 0; i < *count; i++) {
        (*tenants)[i] = rows_id(rows, (int) i, 0);
        (*accounts)[i] = rows_id(rows, (int) i, 1);
    }
    return ERR_OK;
}

/* --- past passwords --- */

err_t
password_past_add(struct call *c, struct id account, const char *hash, int keep)
{
    TRY(db_exec(c, &q_password_past_insert, P_ID(c->tenant), P_ID(account), P_INSTANT(c->wall),
                P_TEXT(hash)));
    return db_exec(c, &q_password_past_trim, P_ID(account), P_INT(keep));
}

err_t
password_past_list(struct call *c, struct id account, int most, const char ***hashes, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_password_past_list, &rows, P_ID(account), P_INT(most)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, hashes);
    for (size_t i = 0; i < *count; i++)
        TRY(text_of(c, rows, (int) i, 0, &(*hashes)[i]));
    return ERR_OK;
}

/* --- roles --- */

err_t
grant_insert(struct call *c, struct id account, int role, instant_t until)
{
    return db_exec(c, &q_grant_insert, P_ID(c->tenant), P_ID(account), P_INT4(role),
                   P_INSTANT(c->wall), P_ID_OR_NULL(c->account), p_instant_or_null(until));
}

err_t
grant_delete(struct call *c, struct id account, int role)
{
    return db_exec(c, &q_grant_delete, P_ID(account), P_INT4(role));
}

err_t
grant_list(struct call *c, struct id account, struct grant **grants, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_grant_list, &rows, P_ID(account)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, grants);
    for (size_t i = 0; i < *count; i++)
        (*grants)[i] = (struct grant){ .role = (int) rows_int(rows, (int) i, 0),
                                       .at = rows_instant(rows, (int) i, 1),
                                       .by = rows_id(rows, (int) i, 2),
                                       .until = instant_or_never(rows, (int) i, 3) };
    return ERR_OK;
}

err_t
scope_set(struct call *c, struct id account, const struct id *organisations, size_t count)
{
    TRY(db_exec(c, &q_scope_clear, P_ID(account)));
    for (size_t i = 0; i < count; i++)
        TRY(db_exec(c, &q_scope_insert, P_ID(c->tenant), P_ID(account), P_ID(organisations[i])));
    return ERR_OK;
}

err_t
scope_list(struct call *c, struct id account, struct scope *scope)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_scope_list, &rows, P_ID(account)));
    scope->count = (size_t) rows_count(rows);
    scope->whole_tenant = id_is_nil(c->tenant);     /* the platform's accounts act in any tenant */
    assert(scope->count <= CALL_ORGANISATIONS_MAX); /* scope_set() is given no more */
    for (size_t i = 0; i < scope->count; i++) {
        scope->organisations[i] = rows_id(rows, (int) i, 0);
        scope->whole_tenant = scope->whole_tenant || rows_bool(rows, (int) i, 1);
    }
    struct standing standing;
    TRY(account_standing(c, account, &standing));
    scope->roles = standing.roles;
    scope->nda = standing.nda;
    return ERR_OK;
}

/* --- guards --- */

static err_t
guard_read(struct call *c, const struct stmt *stmt, const uint8_t key[32], struct guard *guard)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, stmt, &rows, P_BYTES(key, 32)));
    *guard = (struct guard){ 0 };
    if (rows_count(rows) == 1)
        *guard = (struct guard){ .failures = (int) rows_int(rows, 0, 0),
                                 .last_failed_at = rows_instant(rows, 0, 1),
                                 .locked_until = instant_or_never(rows, 0, 2) };
    return ERR_OK;
}

static err_t
guard_update(struct call *c, const struct stmt *stmt, const uint8_t key[32],
             const struct guard *guard)
{
    return db_exec(c, stmt, P_BYTES(key, 32), P_INT4(guard->failures),
                   P_INSTANT(guard->last_failed_at), p_instant_or_null(guard->locked_until));
}

err_t
name_guard_get(struct call *c, const uint8_t name_sha256[32], struct guard *guard)
{
    return guard_read(c, &q_name_guard_get, name_sha256, guard);
}

err_t
name_guard_lock(struct call *c, const uint8_t name_sha256[32], struct guard *guard)
{
    TRY(db_exec(c, &q_name_guard_open, P_ID(c->tenant), P_BYTES(name_sha256, 32),
                P_INSTANT(c->wall)));
    return guard_read(c, &q_name_guard_lock, name_sha256, guard);
}

err_t
name_guard_update(struct call *c, const uint8_t name_sha256[32], const struct guard *guard)
{
    return guard_update(c, &q_name_guard_update, name_sha256, guard);
}

err_t
name_guard_delete(struct call *c, const uint8_t name_sha256[32])
{
    return db_exec(c, &q_name_guard_delete, P_BYTES(name_sha256, 32));
}

err_t
address_guard_get(struct call *c, const uint8_t address_sha256[32], struct guard *guard)
{
    return guard_read(c, &q_address_guard_get, address_sha256, guard);
}

err_t
address_guard_lock(struct call *c, const uint8_t address_sha256[32], struct guard *guard)
{
    TRY(db_exec(c, &q_address_guard_open, P_BYTES(address_sha256, 32), P_INSTANT(c->wall)));
    return guard_read(c, &q_address_guard_lock, address_sha256, guard);
}

err_t
address_guard_update(struct call *c, const uint8_t address_sha256[32], const struct guard *guard)
{
    return guard_update(c, &q_address_guard_update, address_sha256, guard);
}

/* --- sessions --- */

err_t
session_insert(struct call *c, const struct session *session)
{
    return db_exec(c, &q_session_insert, P_ID(c->tenant), P_ID(session->id), P_ID(session->account),
                   P_BYTES(session->token_sha256, 32), P_TEXT(session->address),
                   P_INSTANT(session->started_at), P_INSTANT(session->expires_at));
}

static err_t
session_read(struct call *c, const struct rows *rows, int row, struct session *session)
{
    *session = (struct session){
        .id = rows_id(rows, row, 0),
        .account = rows_id(rows, row, 1),
        .started_at = rows_instant(rows, row, 4),
        .last_seen_at = rows_instant(rows, row, 5),
        .expires_at = rows_instant(rows, row, 6),
        .ended_at = instant_or_never(rows, row, 7),
    };
    if (!copy_hash(rows, row, 2, session->token_sha256))
        return err_set(&c->err, ERR_INTERNAL, "session.hash", "a session's hash is not 32 bytes");
    return text_of(c, rows, row, 3, &session->address);
}

err_t
session_find(struct call *c, struct id id, struct session *session, bool *found)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_session_get, &rows, P_ID(id)));
    *found = rows_count(rows) == 1;
    return *found ? session_read(c, rows, 0, session) : ERR_OK;
}

err_t
session_list(struct call *c, struct page page, const struct session_filter *filter,
             struct session **sessions, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_session_list, &rows, P_ID(page.after), P_INT(page.rows),
                 P_ID_OR_NULL(filter->account), P_INSTANT(filter->now),
                 P_INSTANT(filter->seen_after)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, sessions);
    for (size_t i = 0; i < *count; i++)
        TRY(session_read(c, rows, (int) i, &(*sessions)[i]));
    return ERR_OK;
}

err_t
session_touch(struct call *c, struct id id)
{
    return db_exec(c, &q_session_touch, P_ID(id), P_INSTANT(c->wall));
}

err_t
session_end(struct call *c, struct id id, bool *ended)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_session_end, &rows, P_ID(id), P_INSTANT(c->wall)));
    *ended = rows_count(rows) == 1;
    return ERR_OK;
}

static err_t
ids_of(struct call *c, const struct rows *rows, struct id **ids, size_t *count)
{
    *count = (size_t) rows_count(rows);
    LIST(c, *count, ids);
    for (size_t i = 0; i < *count; i++)
        (*ids)[i] = rows_id(rows, (int) i, 0);
    return ERR_OK;
}

err_t
sessions_end(struct call *c, struct id account, struct id except, struct id **sessions,
             size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_sessions_end_of_account, &rows, P_ID(account), P_ID(except),
                 P_INSTANT(c->wall)));
    return ids_of(c, rows, sessions, count);
}

err_t
sessions_end_oldest(struct call *c, struct id account, int64_t keep, struct id **sessions,
                    size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_sessions_end_oldest, &rows, P_ID(account), P_INT(keep), P_INSTANT(c->wall)));
    return ids_of(c, rows, sessions, count);
}

/* --- API tokens --- */

err_t
api_token_insert(struct call *c, const struct api_token *token)
{
    return db_exec(c, &q_api_token_insert, P_ID(c->tenant), P_ID(token->id), P_ID(token->account),
                   P_TEXT(token->label), P_BYTES(token->token_sha256, 32),
                   P_INSTANT(token->created_at), P_INSTANT(token->expires_at));
}

static err_t
api_token_read(struct call *c, const struct rows *rows, int row, struct api_token *token)
{
    *token = (struct api_token){
        .id = rows_id(rows, row, 0),
        .account = rows_id(rows, row, 1),
        .created_at = rows_instant(rows, row, 4),
        .expires_at = rows_instant(rows, row, 5),
        .last_used_at = instant_or_never(rows, row, 6),
        .revoked_at = instant_or_never(rows, row, 7),
    };
    if (!copy_hash(rows, row, 3, token->token_sha256))
        return err_set(&c->err, ERR_INTERNAL, "api_token.hash", "a token's hash is not 32 bytes");
    return text_of(c, rows, row, 2, &token->label);
}

err_t
api_token_find(struct call *c, struct id id, struct api_token *token, bool *found)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_api_token_get, &rows, P_ID(id)));
    *found = rows_count(rows) == 1;
    return *found ? api_token_read(c, rows, 0, token) : ERR_OK;
}

err_t
api_token_list(struct call *c, struct page page, struct id account, struct api_token **tokens,
               size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_api_token_list, &rows, P_ID(page.after), P_INT(page.rows), P_ID(account)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, tokens);
    for (size_t i = 0; i < *count; i++)
        TRY(api_token_read(c, rows, (int) i, &(*tokens)[i]));
    return ERR_OK;
}

err_t
api_token_count(struct call *c, struct id account, int64_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_api_token_count, &rows, P_ID(account), P_INSTANT(c->wall)));
    return number_of(rows, count);
}

err_t
api_token_used(struct call *c, struct id id)
{
    return db_exec(c, &q_api_token_used, P_ID(id), P_INSTANT(c->wall));
}

err_t
api_token_revoke(struct call *c, struct id id, bool *revoked)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_api_token_revoke, &rows, P_ID(id), P_INSTANT(c->wall)));
    *revoked = rows_count(rows) == 1;
    return ERR_OK;
}

err_t
api_tokens_revoke(struct call *c, struct id account, struct id **tokens, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_api_tokens_revoke_of_account, &rows, P_ID(account), P_INSTANT(c->wall)));
    return ids_of(c, rows, tokens, count);
}

/* --- what ended a moment ago --- */

err_t
revocation_list(struct call *c, int64_t within_ms, int64_t most, struct revocation **revocations,
                size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_revocation_list, &rows, P_INT(within_ms), P_INT(most)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, revocations);
    for (size_t i = 0; i < *count; i++)
        (*revocations)[i] =
            (struct revocation){ rows_id(rows, (int) i, 0), rows_int(rows, (int) i, 1) };
    return ERR_OK;
}

err_t
revocation_tidy(struct call *c, instant_t before)
{
    return db_exec(c, &q_revocation_tidy, P_INSTANT(before));
}

/* --- duties --- */

err_t
tidy_up(struct call *c, instant_t guards_before, instant_t sessions_before, int64_t *gone)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_tidy_up, &rows, P_INSTANT(guards_before), P_INSTANT(sessions_before)));
    return number_of(rows, gone);
}
