/* identity.h - the nouns of the identity service, its settings and the reasons of its refusals. */
#ifndef HUZHU_IDENTITY_H
#define HUZHU_IDENTITY_H

#include "svc/page.h"

struct identity_conf {
#define CONF(kind, name, ...) CONF_MEMBER_##kind name;
#include "conf.def"
#undef CONF
};

#define REASON(symbol, wire, says, zh) static const char symbol[] __attribute__((unused)) = wire;
#include "reasons.def"
#undef REASON

#define LOGIN_NAME_BYTES 65 /* 64 characters and NUL */
#define TENANT_CODE_BYTES 33
#define PLATFORM_CODE "platform" /* no tenant may be called so: a CHECK holds it */
#define PASSWORD_CHARACTERS_MAX 128
#define PASSWORD_BYTES_MAX 512
#define NAME_CHARACTERS_MAX 100
#define ADDRESS_BYTES_MAX 64
#define TOKEN_SECRET_BYTES 32
#define ONE_TIME_BYTES 24 /* 19 characters, and room */

enum tenant_state { TENANT_ACTIVE = 1, TENANT_CLOSED };
enum account_state { ACCOUNT_NEW = 1, ACCOUNT_ACTIVE, ACCOUNT_DISABLED };
enum organisation_level {
    LEVEL_PROVINCE = 1,
    LEVEL_CITY,
    LEVEL_COUNTY,
    LEVEL_TOWNSHIP,
    LEVEL_VILLAGE
};

/* Strings live in the call's arena; an instant of 0 is "never". */
struct tenant {
    struct id id, organisation;
    const char *code, *name;
    enum tenant_state state;
    instant_t created_at;
};

#define ANCESTORS_MAX 4
struct organisation {
    struct id id, tenant, parent;
    enum organisation_level level;
    const char *division_code, *name;
    struct id ancestors[ANCESTORS_MAX];
    size_t ancestor_count;
};

struct account {
    struct id id, person;
    const char *login_name, *display_name; /* the login name without @tenant-code */
    enum account_state state;
    role_set_t roles;
    const char *password_hash; /* NULL: none, or not asked for */
    bool must_change;
    instant_t one_time_until, password_changed_at, last_signed_in_at, created_at, locked_until;
    int64_t version;
};

/* Whose rows an account sees: those of these organisations and of all below them. */
struct scope {
    struct id organisations[CALL_ORGANISATIONS_MAX];
    size_t count;
    bool whole_tenant; /* the tenant's own is among them, or the account is the platform's */
    role_set_t roles;  /* those whose grants have not ended */
    bool nda;          /* an undertaking of confidentiality holds */
};

struct grant {
    int role;            /* its number */
    instant_t at, until; /* until: 0 for no end */
    struct id by;
};

/* Failures in a row of a login name or of an address. */
struct guard {
    int failures;
    instant_t last_failed_at, locked_until;
};

struct session {
    struct id id, account;
    uint8_t token_sha256[32];
    const char *address;
    instant_t started_at, last_seen_at, expires_at, ended_at;
};

struct api_token {
    struct id id, account;
    const char *label;
    uint8_t token_sha256[32];
    instant_t created_at, expires_at, last_used_at, revoked_at;
};

/* What a token says: "hzs_" or "hzt_" and base64url of tenant, id and secret.  The tenant is in it
 * because a row of a tenant cannot be looked for before the tenant is bound. */
enum token_kind { TOKEN_SESSION = 1, TOKEN_API };
struct token {
    enum token_kind kind;
    struct id tenant, id;
    uint8_t secret[TOKEN_SECRET_BYTES];
};
#define TOKEN_TEXT_BYTES 96 /* 4 + 86 and NUL */

#endif
