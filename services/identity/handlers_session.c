/* handlers_session.c - the one list of sessions, and API tokens. */
#include <string.h>

#include "common_steps.h"
#include "handlers.h"
#include "state.h"
#include "store.h"
#include "svc/room.h"
#include "wire.h"

/* One's own, unless the security administrator names another or asks for all (nil). */
static err_t
whose_sessions(struct call *c, const Identity__ListSessionsRequest *in, struct id *account)
{
    TRY(optional_id_from_wire(in->account_id, "$.accountId", account, &c->err));
    const bool own = !in->all && (id_is_nil(*account) || id_cmp(*account, c->account) == 0);

    if (own)
        *account = c->account;
    else
        TRY(caller_is_current(c, ROLE_SECURITY_ADMIN));
    if (in->all)
        *account = (struct id){ { 0 } };
    return ERR_OK;
}

err_t
identity_list_sessions(struct call *c, const Identity__ListSessionsRequest *in,
                       Identity__ListSessionsReply *out)
{
    struct session_filter filter = { .now = c->wall,
                                     .seen_after = { c->wall.us - identity_policy(c)->idle_us } };
    struct session *sessions = NULL;
    struct page page;
    size_t count = 0;

    TRY(page_from_wire(in->page_size, in->page_token, &page, &c->err));
    TRY(caller_is_signed_in(c));
    TRY(whose_sessions(c, in, &filter.account));
    TRY(session_list(c, page, &filter, &sessions, &count));
    TRY(page_to_wire(c, page, sessions[count > 1 ? count - 2 : 0].id, &count,
                     &out->next_page_token));
    LIST(c, count, &out->sessions);
    for (; out->n_sessions < count; out->n_sessions++)
        TRY(session_to_wire(c, &sessions[out->n_sessions], &out->sessions[out->n_sessions]));
    return ERR_OK;
}

err_t
identity_revoke_session(struct call *c, const Identity__RevokeSessionRequest *in,
                        Identity__RevokeSessionReply *out)
{
    struct session session;
    bool found = false, ended = false;
    struct id id;

    (void) out;
    TRY(id_from_wire(in->session_id, "$.sessionId", &id, &c->err));
    TRY(caller_is_signed_in(c));
    TRY(session_find(c, id, &session, &found));
    if (found && id_cmp(session.account, c->account) != 0)
        found =
            call_has(c, ROLE_SECURITY_ADMIN) && caller_is_current(c, ROLE_SECURITY_ADMIN) == ERR_OK;
    if (!found)
        return err_set(&c->err, ERR_NOT_FOUND, SESSION_NONE, "no such session");
    TRY(session_end(c, id, &ended));
    return ended ? emit_session_revoked(c, session.account, id) : ERR_OK;
}

/* --- API tokens --- */

/* The command has been carried out and nobody heard of it: its secret is that of the row. */
static err_t
api_token_repeat(struct call *c, struct api_token *asked, const struct api_token *made)
{
    if (strcmp(asked->label, made->label) != 0 ||
        asked->expires_at.us - asked->created_at.us != made->expires_at.us - made->created_at.us)
        return err_set(&c->err, ERR_CONFLICT, "idempotency.other_body",
                       "the idempotency key was used for another token");
    *asked = *made;
    return ERR_OK;
}

static err_t
api_token_step(struct call *c, void *arg)
{
    const struct identity_conf *conf = c->conf;
    struct api_token *token = arg;
    struct account account;
    struct api_token made;
    struct session session;
    bool found = false, done = false;
    int64_t count = 0;

    TRY(api_token_find(c, token->id, &made, &done));
    if (done && memcmp(made.token_sha256, token->token_sha256, sizeof made.token_sha256) == 0)
        return api_token_repeat(c, token, &made);
    /* A token cannot make tokens: it would outlive its own end. */
    TRY(session_find(c, c->session, &session, &found));
    if (!found)
        return err_set(&c->err, ERR_UNAUTHENTICATED, SESSION_NONE, "no such session");
    TRY(rule_session_is_alive(identity_policy(c), &session, c->wall, &c->err));
    TRY(account_lock(c, c->account, &account)); /* so that the count is true */
    TRY(api_token_count(c, c->account, &count));
    if (count >= conf->api_tokens_max)
        return err_set(&c->err, ERR_REFUSED, TOKEN_TOO_MANY, "the account has %lld API tokens",
                       (long long) count);
    TRY(api_token_insert(c, token));
    return emit_api_token_created(c, token);
}

err_t
identity_create_api_token(struct call *c, const Identity__CreateApiTokenRequest *in,
                          Identity__CreateApiTokenReply *out)
{
    struct token token = { .kind = TOKEN_API, .tenant = c->tenant };
    struct api_token row = { .account = c->account, .label = in->label, .created_at = c->wall };
    char text[TOKEN_TEXT_BYTES], purpose[16 + ID_TEXT_BYTES] = "api_token/";

    TRY(id_from_wire(in->api_token_id, "$.apiTokenId", &row.id, &c->err));
    TRY(rule_name(in->label, "$.label", &c->err));
    if (in->days < 1 || in->days > 365)
        return err_at(&c->err, ERR_INVALID, "$.days", TOKEN_DAYS,
                      "an API token lasts 1 to 365 days, not %u", in->days);
    TRY(caller_is_signed_in(c));
    row.expires_at.us = c->wall.us + in->days * US_PER_DAY;
    token.id = row.id;
    id_format(token.id, purpose + strlen(purpose));
    TRY(call_secret(c, purpose, token.secret));
    token_sha256(&token, row.token_sha256);
    TRY(svc_command_tx(c, c->tenant, api_token_step, &row));

    token_to_text(&token, text);
    out->token = call_text(c, text);
    if (!out->token)
        return c->err.code;
    return api_token_to_wire(c, &row, &out->api_token);
}

err_t
identity_list_api_tokens(struct call *c, const Identity__ListApiTokensRequest *in,
                         Identity__ListApiTokensReply *out)
{
    struct api_token *tokens = NULL;
    struct page page;
    struct id account;
    size_t count = 0;

    TRY(page_from_wire(in->page_size, in->page_token, &page, &c->err));
    TRY(caller_is_signed_in(c));
    TRY(optional_id_from_wire(in->account_id, "$.accountId", &account, &c->err));
    if (id_is_nil(account))
        account = c->account;
    if (id_cmp(account, c->account) != 0)
        TRY(caller_is_current(c, ROLE_SECURITY_ADMIN));
    TRY(api_token_list(c, page, account, &tokens, &count));
    TRY(page_to_wire(c, page, tokens[count > 1 ? count - 2 : 0].id, &count, &out->next_page_token));
    LIST(c, count, &out->api_tokens);
    for (; out->n_api_tokens < count; out->n_api_tokens++)
        TRY(api_token_to_wire(c, &tokens[out->n_api_tokens], &out->api_tokens[out->n_api_tokens]));
    return ERR_OK;
}

err_t
identity_revoke_api_token(struct call *c, const Identity__RevokeApiTokenRequest *in,
                          Identity__RevokeApiTokenReply *out)
{
    struct api_token token;
    bool found = false, revoked = false;
    struct id id;

    (void) out;
    TRY(id_from_wire(in->api_token_id, "$.apiTokenId", &id, &c->err));
    TRY(caller_is_signed_in(c));
    TRY(api_token_find(c, id, &token, &found));
    if (found && id_cmp(token.account, c->account) != 0)
        found =
            call_has(c, ROLE_SECURITY_ADMIN) && caller_is_current(c, ROLE_SECURITY_ADMIN) == ERR_OK;
    if (!found)
        return err_set(&c->err, ERR_NOT_FOUND, TOKEN_NONE, "no such API token");
    TRY(api_token_revoke(c, id, &revoked));
    return revoked ? emit_api_token_revoked(c, id, token.account) : ERR_OK;
}

/* --- for gateways --- */

enum { REVOCATIONS_MAX = 1000, REVOCATIONS_WITHIN_MS_MAX = 60000 };

err_t
identity_list_revocations(struct call *c, const Identity__ListRevocationsRequest *in,
                          Identity__ListRevocationsReply *out)
{
    struct revocation *list = NULL;
    size_t count = 0;

    if (strcmp(c->caller, "gateway") != 0)
        return err_set(&c->err, ERR_FORBIDDEN, REVOCATIONS_FOREIGN, "only a gateway is told");
    if (in->within_ms < 1 || in->within_ms > REVOCATIONS_WITHIN_MS_MAX)
        return err_at(&c->err, ERR_INVALID, "$.withinMs", "field.range", "1 to %d ms",
                      REVOCATIONS_WITHIN_MS_MAX);
    TRY(revocation_list(c, in->within_ms, REVOCATIONS_MAX + 1, &list, &count));
    out->more = count > REVOCATIONS_MAX;
    if (out->more)
        count = REVOCATIONS_MAX;
    out->revocations = arena_alloc(c->arena, (count + 1) * sizeof *out->revocations);
    if (!out->revocations)
        return no_memory(c);
    for (; out->n_revocations < count; out->n_revocations++) {
        Identity__ListRevocationsReply__Revocation *one = arena_alloc(c->arena, sizeof *one);

        if (!one)
            return no_memory(c);
        identity__list_revocations_reply__revocation__init(one);
        one->account_id = id_to_wire(c, list[out->n_revocations].account);
        one->age_us = list[out->n_revocations].age_us;
        if (!one->account_id)
            return no_memory(c);
        out->revocations[out->n_revocations] = one;
    }
    return ERR_OK;
}
