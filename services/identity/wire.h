/* wire.h - protobuf to nouns and back, events out; the only file that knows both. */
#ifndef HUZHU_IDENTITY_WIRE_H
#define HUZHU_IDENTITY_WIRE_H

#include "identity.h"
#include "identity.pb-c.h"

/* Absent: nil. */
err_t optional_id_from_wire(const Huzhu__Id *in, const char *path, struct id *id,
                            struct err *err) MUST_CHECK;

err_t tenant_from_wire(const Identity__CreateTenantRequest *in, struct tenant *tenant,
                       struct err *err) MUST_CHECK;
err_t organisation_from_wire(const Identity__CreateOrganisationRequest *in,
                             struct organisation *organisation, struct err *err) MUST_CHECK;
err_t role_from_wire(Huzhu__Role__Name in, int *role, struct err *err) MUST_CHECK;
err_t organisation_ids_from_wire(const Identity__GrantRoleRequest *in,
                                 struct id ids[static CALL_ORGANISATIONS_MAX], size_t *count,
                                 struct err *err) MUST_CHECK;

err_t tenant_to_wire(struct call *c, const struct tenant *tenant,
                     Identity__Tenant **out) MUST_CHECK;
err_t resolved_tenant_to_wire(struct call *c, const struct tenant *tenant,
                              Identity__ResolveTenantReply *out) MUST_CHECK;
err_t organisation_to_wire(struct call *c, const struct organisation *organisation,
                           Identity__Organisation **out) MUST_CHECK;
struct account_view {
    const struct account *account;
    const char *tenant_code; /* "platform" for the platform's */
    const struct grant *grants;
    size_t grant_count;
    const struct id *scope;
    size_t scope_count;
};
err_t account_to_wire(struct call *c, const struct account_view *view,
                      Identity__Account **out) MUST_CHECK;
err_t session_to_wire(struct call *c, const struct session *session,
                      Identity__Session **out) MUST_CHECK;
err_t api_token_to_wire(struct call *c, const struct api_token *token,
                        Identity__ApiToken **out) MUST_CHECK;

/* Tokens: their text, what the database keeps of them, and what the page must send beside a cookie.
 */
void token_to_text(const struct token *token, char text[static TOKEN_TEXT_BYTES]);
bool token_from_text(const char *text, struct token *token) MUST_CHECK;
void token_sha256(const struct token *token, uint8_t out[static 32]);
err_t token_csrf(struct call *c, const struct token *token, char **out) MUST_CHECK;

/* The principal that a session or an API token stands for, packed and signed. */
struct principal_facts {
    struct id account, session, tenant, person;
    role_set_t roles;
    const struct scope *scope; /* NULL: none */
};
err_t principal_to_wire(struct call *c, const struct principal_facts *facts,
                        ProtobufCBinaryData *principal, Huzhu__Instant **expires) MUST_CHECK;

/* --- events --- */

err_t emit_tenant_created(struct call *c, const struct tenant *tenant) MUST_CHECK;
err_t emit_organisation_created(struct call *c, const struct organisation *organisation) MUST_CHECK;
err_t emit_administrators_appointed(struct call *c, const struct id accounts[static 3],
                                    bool from_command_line) MUST_CHECK;
err_t emit_account_created(struct call *c, const struct account *account) MUST_CHECK;
err_t emit_account_disabled(struct call *c, struct id account, const char *why) MUST_CHECK;
err_t emit_account_enabled(struct call *c, struct id account) MUST_CHECK;
err_t emit_account_unlocked(struct call *c, struct id account) MUST_CHECK;
err_t emit_password_reset(struct call *c, struct id account) MUST_CHECK;
err_t emit_password_changed(struct call *c, struct id account) MUST_CHECK;
err_t emit_role_granted(struct call *c, struct id account, int role, const struct id *scope,
                        size_t count) MUST_CHECK;
err_t emit_role_revoked(struct call *c, struct id account, int role) MUST_CHECK;
err_t emit_signed_in(struct call *c, const struct session *session) MUST_CHECK;
struct failed_sign_in {
    struct id account; /* nil: no such account */
    const uint8_t *name_sha256;
    const char *address, *reason;
    int failures;
    instant_t locked_until; /* 0: not locked by this failure */
};
err_t emit_sign_in_failed(struct call *c, const struct failed_sign_in *failed) MUST_CHECK;
err_t emit_signed_out(struct call *c, struct id account, struct id session) MUST_CHECK;
err_t emit_session_revoked(struct call *c, struct id account, struct id session) MUST_CHECK;
err_t emit_api_token_created(struct call *c, const struct api_token *token) MUST_CHECK;
err_t emit_api_token_revoked(struct call *c, struct id token, struct id account) MUST_CHECK;

#endif
