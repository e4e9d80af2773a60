/* sign_in.c - in, on and out again: SignIn, SignOut, ResumeSession, ChangePassword, GetMyself.
 *
 * A login name is looked for in three steps, because the rows of a tenant cannot be seen before it
 * is bound: its code gives the tenant (a table of the platform), the tenant is bound, the name is
 * looked for.  An unknown tenant or name costs the same steps and the same hash, is counted and
 * locked in the same way and answered in the same words, so that nothing tells who exists. */
#include <string.h>

#include "common_steps.h"
#include "crypto/crypto.h"
#include "handlers.h"
#include "state.h"
#include "store.h"
#include "wire.h"

struct attempt {
    char name[LOGIN_NAME_BYTES], code[TENANT_CODE_BYTES];
    uint8_t name_sha256[SHA256_BYTES], address_sha256[SHA256_BYTES];
    const char *password, *address;

    struct tenant tenant; /* id nil: the platform, or none of that code */
    bool tenant_found;
    struct account account;
    bool found;
    bool locked;

    char *rehashed; /* the right password under today's cost, or NULL */
    struct session session;
    struct token token;
    struct scope scope;
    err_t verdict; /* of a failed attempt: the failure is committed, then told */
    struct err why;
};

static err_t
locked_out(struct call *c)
{
    return err_set(&c->err, ERR_UNAUTHENTICATED, SIGN_IN_LOCKED,
                   "too many failures; locked for a while");
}

static err_t
refused(struct call *c)
{
    return err_set(&c->err, ERR_UNAUTHENTICATED, SIGN_IN_REFUSED,
                   "the login name or the password is wrong");
}

/* --- who it would be --- */

static err_t
find_tenant_step(struct call *c, void *arg)
{
    struct attempt *a = arg;
    struct guard guard;

    TRY(address_guard_get(c, a->address_sha256, &guard));
    a->locked = guard_is_locked(&guard, c->wall);
    a->tenant = (struct tenant){ .code = PLATFORM_CODE };
    a->tenant_found = strcmp(a->code, PLATFORM_CODE) == 0;
    if (a->tenant_found)
        return ERR_OK;
    TRY(tenant_find(c, a->code, &a->tenant, &a->tenant_found));
    a->tenant_found = a->tenant_found && a->tenant.state == TENANT_ACTIVE;
    if (!a->tenant_found)
        a->tenant = (struct tenant){ .code = PLATFORM_CODE };
    return ERR_OK;
}

static err_t
find_account_step(struct call *c, void *arg)
{
    struct attempt *a = arg;
    struct guard guard;

    TRY(name_guard_get(c, a->name_sha256, &guard));
    a->locked = a->locked || guard_is_locked(&guard, c->wall);
    a->account = (struct account){ 0 };
    TRY(account_find(c, a->name, &a->account, &a->found));
    a->found = a->found && a->tenant_found;
    if (!a->found)
        a->account = (struct account){ 0 };
    return ERR_OK;
}

/* A name of no tenant is throttled among the platform's under its full text: '@' keeps it apart
 * from the names of platform accounts. */
static void
name_key(struct attempt *a, const char *as_typed)
{
    if (a->tenant_found)
        sha256(a->name, strlen(a->name), a->name_sha256);
    else
        sha256(as_typed, strlen(as_typed), a->name_sha256);
}

static err_t
attempt_begin(struct call *c, const Identity__SignInRequest *in, struct attempt *a)
{
    *a = (struct attempt){ .password = in->password, .address = in->address };
    if (strlen(in->login_name) >= LOGIN_NAME_BYTES + TENANT_CODE_BYTES)
        return err_at(&c->err, ERR_INVALID, "$.loginName", LOGIN_NAME_FORM,
                      "the login name is too long");
    if (strlen(in->password) > PASSWORD_BYTES_MAX)
        return err_at(&c->err, ERR_INVALID, "$.password", PASSWORD_LONG,
                      "the password is too long");
    if (strlen(in->address) > ADDRESS_BYTES_MAX)
        return err_at(&c->err, ERR_INVALID, "$.address", "address.long", "the address is too long");

    /* What can be no login name is treated as one that nobody has. */
    if (!login_name_split(in->login_name, a->name, a->code) || a->code[0] == '\0')
        a->name[0] = a->code[0] = '\0';
    address_key(a->address, a->address_sha256);
    TRY(svc_command_tx(c, (struct id){ { 0 } }, find_tenant_step, a));
    name_key(a, in->login_name);
    return svc_command_tx(c, a->tenant.id, find_account_step, a);
}

/* --- a failure --- */

/* Counts it, unless it was locked all along; commits although the sign-in is refused. */
static err_t
failure_step(struct call *c, void *arg)
{
    struct attempt *a = arg;
    const struct policy *policy = identity_policy(c);
    struct guard by_name, by_address;
    struct failed_sign_in failed = { .account = a->account.id,
                                     .name_sha256 = a->name_sha256,
                                     .address = a->address };

    TRY(name_guard_lock(c, a->name_sha256, &by_name));
    if (a->locked || guard_is_locked(&by_name, c->wall)) {
        a->verdict = locked_out(c);
    } else {
        if (guard_fail(&by_name, policy->lock_failures, policy->lock_us, c->wall))
            failed.locked_until = by_name.locked_until;
        TRY(name_guard_update(c, a->name_sha256, &by_name));
        TRY(address_guard_lock(c, a->address_sha256, &by_address));
        if (!guard_is_locked(&by_address, c->wall))
            (void) guard_fail(&by_address, policy->address_failures, policy->lock_us, c->wall);
        TRY(address_guard_update(c, a->address_sha256, &by_address));
        a->verdict = refused(c);
    }
    a->why = c->err;
    failed.reason = a->why.reason;
    failed.failures = by_name.failures;
    return emit_sign_in_failed(c, &failed);
}

static err_t
fail(struct call *c, struct attempt *a)
{
    TRY(svc_command_tx(c, a->tenant.id, failure_step, a));
    c->err = a->why;
    return a->verdict;
}

/* The password was right and yet nobody comes in: told, not counted. */
static err_t
turned_away_step(struct call *c, void *arg)
{
    const struct attempt *a = arg;
    const struct failed_sign_in failed = { .account = a->account.id,
                                           .name_sha256 = a->name_sha256,
                                           .address = a->address,
                                           .reason = a->why.reason };

    return emit_sign_in_failed(c, &failed);
}

static err_t
turn_away(struct call *c, struct attempt *a, err_t verdict)
{
    a->verdict = verdict;
    a->why = c->err;
    TRY(svc_command_tx(c, a->tenant.id, turned_away_step, a));
    c->err = a->why;
    return a->verdict;
}

/* --- a success --- */

static err_t
make_room(struct call *c, struct id account)
{
    const struct identity_conf *conf = c->conf;
    struct id *ended = NULL;
    size_t count = 0;

    TRY(sessions_end_oldest(c, account, conf->sessions_max - 1, &ended, &count));
    for (size_t i = 0; i < count; i++)
        TRY(emit_session_revoked(c, account, ended[i]));
    return ERR_OK;
}

static err_t
success_step(struct call *c, void *arg)
{
    struct attempt *a = arg;
    const char *checked = a->account.password_hash;
    struct account account;
    struct session made;
    struct guard guard;
    bool done = false;

    TRY(account_lock(c, a->account.id, &account));
    TRY(session_find(c, a->session.id, &made, &done));
    if (done) /* a commit that nobody heard of */
        return scope_list(c, account.id, &a->scope);
    TRY(name_guard_get(c, a->name_sha256, &guard));
    if (guard_is_locked(&guard, c->wall)) /* while we were hashing */
        return locked_out(c);
    TRY(rule_may_sign_in(&account, c->wall, &c->err));
    if (!account.password_hash || strcmp(account.password_hash, checked) != 0)
        return refused(c);

    if (guard.failures > 0)
        TRY(name_guard_delete(c, a->name_sha256));
    if (a->rehashed)
        TRY(account_rehash(c, account.id, a->rehashed, checked));
    TRY(account_seen(c, account.id));
    TRY(make_room(c, account.id));
    TRY(session_insert(c, &a->session));
    TRY(emit_signed_in(c, &a->session));
    account.password_hash = checked;
    a->account = account;
    return scope_list(c, account.id, &a->scope);
}

static void
session_make(struct call *c, struct attempt *a)
{
    a->token =
        (struct token){ .kind = TOKEN_SESSION, .tenant = a->tenant.id, .id = id_mint(c->wall) };
    random_bytes(a->token.secret, sizeof a->token.secret);
    a->session = (struct session){
        .id = a->token.id,
        .account = a->account.id,
        .address = a->address,
        .started_at = c->wall,
        .last_seen_at = c->wall,
        .expires_at = { c->wall.us + identity_policy(c)->absolute_us },
    };
    token_sha256(&a->token, a->session.token_sha256);
}

static err_t
sign_in_to_wire(struct call *c, const struct attempt *a, Identity__SignInReply *out)
{
    const bool due = password_is_due(identity_policy(c), &a->account, c->wall);
    const struct principal_facts facts = {
        .account = a->account.id,
        .session = a->session.id,
        .tenant = a->tenant.id,
        .person = a->account.person,
        .roles = due ? 0 : a->account.roles,
        .scope = due ? NULL : &a->scope,
    };
    char text[TOKEN_TEXT_BYTES];

    token_to_text(&a->token, text);
    out->session_token = call_text(c, text);
    if (!out->session_token)
        return c->err.code;
    out->must_change_password = due;
    out->expires = instant_to_wire(c, a->session.expires_at);
    TRY(token_csrf(c, &a->token, &out->csrf_token));
    return principal_to_wire(c, &facts, &out->principal, &out->principal_expires);
}

static err_t
rehash_if_old(struct call *c, struct attempt *a, bool old)
{
    if (!old)
        return ERR_OK;
    a->rehashed = arena_alloc(c->arena, PASSWORD_HASH_BYTES_MAX);
    if (!a->rehashed)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "no memory for a hash");
    return password_hash_in_turn(c, a->password, a->rehashed);
}

err_t
identity_sign_in(struct call *c, const Identity__SignInRequest *in, Identity__SignInReply *out)
{
    struct attempt a;
    bool matches = false, old = false;

    TRY(principal_key_check(c));
    TRY(attempt_begin(c, in, &a));
    if (a.locked) /* no hash: a locked name must not cost us work */
        return fail(c, &a);
    TRY(password_check_in_turn(c, a.account.password_hash, a.password, &matches, &old));
    if (!matches)
        return fail(c, &a);
    const err_t verdict = rule_may_sign_in(&a.account, c->wall, &c->err);
    if (verdict != ERR_OK)
        return turn_away(c, &a, verdict);

    TRY(rehash_if_old(c, &a, old));
    session_make(c, &a);
    TRY(svc_command_tx(c, a.tenant.id, success_step, &a));
    return sign_in_to_wire(c, &a, out);
}

/* --- on and out --- */

err_t
identity_sign_out(struct call *c, const Identity__SignOutRequest *in, Identity__SignOutReply *out)
{
    bool ended = false;

    (void) in, (void) out;
    TRY(caller_is_signed_in(c));
    TRY(session_end(c, c->session, &ended));
    return ended ? emit_signed_out(c, c->account, c->session) : ERR_OK;
}

struct resumption {
    struct token token;
    instant_t expires_at;
    struct account account;
    struct scope scope;
};

static err_t
no_session(struct call *c)
{
    return err_set(&c->err, ERR_UNAUTHENTICATED, SESSION_NONE, "no such session, or it has ended");
}

static bool
is_its_token(const struct token *token, const uint8_t stored[32])
{
    uint8_t hash[SHA256_BYTES];

    token_sha256(token, hash);
    return bytes_equal(hash, stored, sizeof hash);
}

static err_t
resume_session(struct call *c, struct resumption *r, struct id *account)
{
    const struct identity_conf *conf = c->conf;
    struct session session;
    bool found = false;

    TRY(session_find(c, r->token.id, &session, &found));
    if (!found || !is_its_token(&r->token, session.token_sha256))
        return no_session(c);
    TRY(rule_session_is_alive(identity_policy(c), &session, c->wall, &c->err));
    if (c->wall.us - session.last_seen_at.us >= conf->session_touch * 1000)
        TRY(session_touch(c, session.id));
    *account = session.account;
    r->expires_at = session.expires_at;
    return ERR_OK;
}

static err_t
resume_api_token(struct call *c, struct resumption *r, struct id *account)
{
    const struct identity_conf *conf = c->conf;
    struct api_token token;
    bool found = false;

    TRY(api_token_find(c, r->token.id, &token, &found));
    if (!found || !is_its_token(&r->token, token.token_sha256))
        return no_session(c);
    TRY(rule_token_is_alive(&token, c->wall, &c->err));
    if (c->wall.us - token.last_used_at.us >= conf->session_touch * 1000)
        TRY(api_token_used(c, token.id));
    *account = token.account;
    r->expires_at = token.expires_at;
    return ERR_OK;
}

static err_t
resume_step(struct call *c, void *arg)
{
    struct resumption *r = arg;
    struct id account;

    TRY((r->token.kind == TOKEN_SESSION ? resume_session : resume_api_token)(c, r, &account));
    TRY(account_get(c, account, &r->account));
    if (r->account.state != ACCOUNT_ACTIVE)
        return no_session(c);
    return scope_list(c, account, &r->scope);
}

err_t
identity_resume_session(struct call *c, const Identity__ResumeSessionRequest *in,
                        Identity__ResumeSessionReply *out)
{
    struct resumption r;

    if (!token_from_text(in->token, &r.token))
        return no_session(c);
    TRY(svc_command_tx(c, r.token.tenant, resume_step, &r));

    const bool due = password_is_due(identity_policy(c), &r.account, c->wall);
    const struct principal_facts facts = {
        .account = r.account.id,
        .session = r.token.id,
        .tenant = r.token.tenant,
        .person = r.account.person,
        .roles = due ? 0 : r.account.roles,
        .scope = due ? NULL : &r.scope,
    };
    out->must_change_password = due;
    out->expires = instant_to_wire(c, r.expires_at);
    if (!out->expires)
        return c->err.code;
    if (r.token.kind == TOKEN_SESSION)
        TRY(token_csrf(c, &r.token, &out->csrf_token));
    return principal_to_wire(c, &facts, &out->principal, &out->principal_expires);
}

/* --- another password --- */

struct change {
    const Identity__ChangePasswordRequest *in;
    struct attempt attempt; /* a wrong old password counts as a failed sign-in */
    const char **past;
    size_t past_count;
    char hash[PASSWORD_HASH_BYTES_MAX];
};

static err_t
change_load_step(struct call *c, void *arg)
{
    struct change *change = arg;
    struct attempt *a = &change->attempt;
    struct session session;
    struct guard guard;
    bool found = false;

    TRY(session_find(c, c->session, &session, &found));
    if (!found)
        return no_session(c);
    TRY(rule_session_is_alive(identity_policy(c), &session, c->wall, &c->err));
    TRY(account_get(c, c->account, &a->account));
    if (a->account.state != ACCOUNT_ACTIVE)
        return no_session(c);
    a->address = session.address;
    address_key(a->address, a->address_sha256);
    sha256(a->account.login_name, strlen(a->account.login_name), a->name_sha256);
    TRY(name_guard_get(c, a->name_sha256, &guard));
    a->locked = guard_is_locked(&guard, c->wall);
    TRY(scope_list(c, c->account, &a->scope));
    return password_past_list(c, c->account, past_kept(identity_policy(c)), &change->past,
                              &change->past_count);
}

/* A change that was made and not heard of is asked for again: the old password is the one before
 * this, the new one is this. */
static err_t
change_is_done(struct call *c, const struct change *change, bool *done)
{
    bool rehash;

    *done = false;
    if (change->past_count == 0)
        return ERR_OK;
    TRY(password_check_in_turn(c, change->past[0], change->in->old_password, done, &rehash));
    if (!*done)
        return ERR_OK;
    return password_check_in_turn(c, change->attempt.account.password_hash,
                                  change->in->new_password, done, &rehash);
}

static err_t
rule_is_new(struct call *c, const struct change *change)
{
    bool used = identity_policy(c)->history > 0 &&
                strcmp(change->in->old_password, change->in->new_password) == 0;

    for (size_t i = 0; i < change->past_count && i < (size_t) identity_policy(c)->history && !used;
         i++) {
        bool rehash;
        TRY(password_check_in_turn(c, change->past[i], change->in->new_password, &used, &rehash));
    }
    if (!used)
        return ERR_OK;
    return err_at(&c->err, ERR_INVALID, "$.newPassword", PASSWORD_USED,
                  "the password is one of the last %d", identity_policy(c)->history + 1);
}

static err_t
change_step(struct call *c, void *arg)
{
    struct change *change = arg;
    const char *checked = change->attempt.account.password_hash;
    struct account account;

    TRY(account_lock(c, c->account, &account));
    if (account.password_hash && strcmp(account.password_hash, change->hash) == 0) {
        change->attempt.account = account; /* a commit that nobody heard of */
        return scope_list(c, account.id, &change->attempt.scope);
    }
    if (!account.password_hash || strcmp(account.password_hash, checked) != 0)
        return err_set(&c->err, ERR_CONFLICT, ACCOUNT_MOVED_ON,
                       "the password was changed by somebody else meanwhile");
    TRY(account_move(&account, ON_PASSWORD_SET, &c->err));
    TRY(password_past_add(c, account.id, checked, past_kept(identity_policy(c))));
    account.password_hash = change->hash;
    account.password_changed_at = c->wall;
    account.must_change = false;
    account.one_time_until = (instant_t){ 0 };
    TRY(account_update(c, &account));
    TRY(account_sessions_end(c, account.id, c->session));
    TRY(emit_password_changed(c, account.id));
    change->attempt.account = account;
    return scope_list(c, account.id, &change->attempt.scope);
}

static err_t
change_to_wire(struct call *c, const struct attempt *a, Identity__ChangePasswordReply *out)
{
    const struct principal_facts facts = {
        .account = c->account,
        .session = c->session,
        .tenant = c->tenant,
        .person = a->account.person,
        .roles = a->account.roles,
        .scope = &a->scope,
    };

    return principal_to_wire(c, &facts, &out->principal, &out->principal_expires);
}

err_t
identity_change_password(struct call *c, const Identity__ChangePasswordRequest *in,
                         Identity__ChangePasswordReply *out)
{
    struct change change = { .in = in, .attempt = { .tenant.id = c->tenant } };
    struct attempt *a = &change.attempt;
    bool matches = false, done = false, rehash;

    TRY(caller_is_signed_in(c));
    if (strlen(in->old_password) > PASSWORD_BYTES_MAX)
        return err_at(&c->err, ERR_INVALID, "$.oldPassword", PASSWORD_LONG, "too long");
    if (strlen(in->new_password) > PASSWORD_BYTES_MAX)
        return err_at(&c->err, ERR_INVALID, "$.newPassword", PASSWORD_LONG, "too long");
    TRY(svc_command_tx(c, c->tenant, change_load_step, &change));
    if (a->locked)
        return fail(c, a);
    TRY(password_check_in_turn(c, a->account.password_hash, in->old_password, &matches, &rehash));
    if (!matches)
        TRY(change_is_done(c, &change, &done));
    if (done)
        return change_to_wire(c, a, out);
    if (!matches) {
        TRY(svc_command_tx(c, c->tenant, failure_step, a));
        return err_at(&c->err, ERR_REFUSED, "$.oldPassword", PASSWORD_WRONG,
                      "the old password is wrong");
    }
    TRY(rule_may_change_password(identity_policy(c), &a->account, c->wall, &c->err));
    TRY(rule_password(identity_policy(c), a->account.login_name, in->new_password, "$.newPassword",
                      &c->err));
    TRY(rule_is_new(c, &change));
    TRY(password_hash_in_turn(c, in->new_password, change.hash));
    TRY(svc_command_tx(c, c->tenant, change_step, &change));
    return change_to_wire(c, a, out);
}

err_t
identity_get_myself(struct call *c, const Identity__GetMyselfRequest *in,
                    Identity__GetMyselfReply *out)
{
    struct tenant tenant;
    struct session session;
    bool found = false;

    (void) in;
    TRY(caller_is_signed_in(c));
    TRY(account_answer(c, c->account, &out->account));
    if (!id_is_nil(c->tenant)) {
        TRY(tenant_get(c, c->tenant, &tenant));
        TRY(tenant_to_wire(c, &tenant, &out->tenant));
    }
    TRY(session_find(c, c->session, &session, &found));
    return found ? session_to_wire(c, &session, &out->session) : ERR_OK;
}
