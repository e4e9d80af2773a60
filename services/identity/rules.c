/* rules.c - what identity allows.  Pure: no clock, no database, no allocation, no log. */
#include "rules.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "check/text.h"
#include "crypto/crypto.h"

/* --- settings --- */

err_t
policy_from_conf(const struct identity_conf *conf, struct policy *policy, struct err *err)
{
    const bool asvs = strcmp(conf->password_profile, "asvs") == 0;

    if (!asvs && strcmp(conf->password_profile, "djbh3") != 0)
        return err_set(err, ERR_INVALID, "conf.profile", "password_profile is djbh3 or asvs");
    /* The two catalogues contradict each other on kinds, age and history (ASVS 5.0 6.2.5, 6.2.10):
     * one is obeyed, not half of each. */
    *policy = (struct policy){
        .length_min = (int) conf->password_length_min,
        .classes_min = asvs ? 1 : (int) conf->password_classes_min,
        .history = asvs ? 0 : (int) conf->password_history,
        .max_age_us = asvs ? 0 : conf->password_max_age * 1000,
        .min_age_us = asvs ? 0 : conf->password_min_age * 1000,
        .lock_failures = (int) conf->lock_failures,
        .address_failures = (int) conf->address_failures,
        .lock_us = conf->lock_time * 1000,
        .idle_us = conf->session_idle * 1000,
        .absolute_us = conf->session_absolute * 1000,
        .one_time_us = conf->one_time_life * 1000,
    };
    return ERR_OK;
}

/* --- names --- */

static char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

static bool
is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool
has_form(const char *text, const char *inner, size_t min, size_t max)
{
    const size_t size = strnlen(text, max + 1);

    if (size < min || size > max || !is_word(text[0]) || !is_word(text[size - 1]))
        return false;
    for (size_t i = 0; i < size; i++)
        if (!is_word(text[i]) && !strchr(inner, text[i]))
            return false;
    return true;
}

bool
login_name_split(const char *text, char name[static LOGIN_NAME_BYTES],
                 char code[static TENANT_CODE_BYTES])
{
    const char *at = strchr(text, '@');
    const size_t name_size = at ? (size_t) (at - text) : strlen(text);
    const size_t code_size = at ? strlen(at + 1) : 0;

    if (name_size >= LOGIN_NAME_BYTES || code_size >= TENANT_CODE_BYTES)
        return false;
    for (size_t i = 0; i < name_size; i++)
        name[i] = lower(text[i]);
    name[name_size] = '\0';
    for (size_t i = 0; i < code_size; i++)
        code[i] = lower(at[1 + i]);
    code[code_size] = '\0';
    return has_form(name, "._-", 2, LOGIN_NAME_BYTES - 1) &&
           (!at || has_form(code, "-", 2, TENANT_CODE_BYTES - 1));
}

err_t
rule_login_name(const char *name, const char *path, struct err *err)
{
    if (has_form(name, "._-", 2, LOGIN_NAME_BYTES - 1))
        return ERR_OK;
    return err_at(
        err, ERR_INVALID, path, LOGIN_NAME_FORM,
        "a login name is 2 to 64 of a-z 0-9 . _ -, and begins and ends with one of a-z 0-9");
}

err_t
rule_tenant_code(const char *code, const char *path, struct err *err)
{
    if (has_form(code, "-", 2, TENANT_CODE_BYTES - 1) && strcmp(code, PLATFORM_CODE) != 0)
        return ERR_OK;
    return err_at(err, ERR_INVALID, path, TENANT_CODE_FORM,
                  "a tenant code is 2 to 32 of a-z 0-9 -, and not \"" PLATFORM_CODE "\"");
}

err_t
rule_name(const char *name, const char *path, struct err *err)
{
    const size_t size = text_characters(name);

    if (size >= 1 && size <= NAME_CHARACTERS_MAX && !text_has_control(name))
        return ERR_OK;
    return err_at(err, ERR_INVALID, path, NAME_FORM,
                  "a name has 1 to %d characters and no control character, not %zu",
                  NAME_CHARACTERS_MAX, size);
}

err_t
rule_division_code(const char *code, const char *path, struct err *err)
{
    const size_t size = strlen(code);

    if (strspn(code, "0123456789") == size &&
        (size == 2 || size == 4 || size == 6 || size == 9 || size == 12))
        return ERR_OK;
    return err_at(err, ERR_INVALID, path, ORGANISATION_CODE,
                  "a division code has 2, 4, 6, 9 or 12 digits");
}

/* --- passwords --- */

static int
kinds(const char *password)
{
    bool upper = false, low = false, digit = false, other = false;

    for (; *password; password++) {
        if (*password >= 'A' && *password <= 'Z')
            upper = true;
        else if (*password >= 'a' && *password <= 'z')
            low = true;
        else if (*password >= '0' && *password <= '9')
            digit = true;
        else
            other = true; /* signs, spaces and every letter beyond ASCII */
    }
    return upper + low + digit + other;
}

/* Case folded; with `plain`, the usual substitutions are undone too. */
static char
fold(char c, bool plain)
{
    static const char from[] = "013457@$!", to[] = "oieastasi";
    const char *found = plain && c ? strchr(from, c) : NULL;

    return found ? to[found - from] : lower(c);
}

static bool
contains(const char *text, const char *word, bool backwards)
{
    const size_t size = strlen(word), room = strlen(text);

    for (size_t at = 0; at + size <= room; at++) {
        size_t i = 0;
        while (i < size && lower(text[at + i]) == word[backwards ? size - 1 - i : i])
            i++;
        if (i == size)
            return true;
    }
    return false;
}

static bool
is_common_word(const char *text, size_t size)
{
    static const char *const words[] = {
#define WORD(word) word,
#include "common_passwords.def"
#undef WORD
    };

    for (size_t w = 0; w < COUNT(words); w++) {
        if (strlen(words[w]) != size)
            continue;
        size_t i = 0;
        while (i < size && fold(text[i], true) == words[w][i])
            i++;
        if (i == size)
            return true;
    }
    return false;
}

static bool
is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || ((unsigned char) c & 0x80) != 0;
}

/* The core between leading and trailing digits and signs: none at all ("20261122!") or a common
 * word.  Each end of the core is tried at every place, since a substitute may look like a digit. */
static bool
is_common(const char *password)
{
    const size_t size = strlen(password);
    size_t first = 0, last = size;

    while (first < size && !is_letter(password[first]))
        first++;
    while (last > first && !is_letter(password[last - 1]))
        last--;
    if (first == last)
        return true;
    for (size_t from = 0; from <= first; from++)
        for (size_t to = last; to <= size; to++)
            if (is_common_word(password + from, to - from))
                return true;
    return false;
}

err_t
rule_password(const struct policy *policy, const char *login_name, const char *password,
              const char *path, struct err *err)
{
    const size_t size = text_characters(password);

    if (size < (size_t) policy->length_min)
        return err_at(err, ERR_INVALID, path, PASSWORD_SHORT,
                      "the password has %zu characters; at least %d are asked for", size,
                      policy->length_min);
    if (size > PASSWORD_CHARACTERS_MAX || strlen(password) > PASSWORD_BYTES_MAX)
        return err_at(err, ERR_INVALID, path, PASSWORD_LONG,
                      "the password has more than %d characters", PASSWORD_CHARACTERS_MAX);
    if (text_has_control(password))
        return err_at(err, ERR_INVALID, path, PASSWORD_CONTROL,
                      "the password holds a control character");
    if (kinds(password) < policy->classes_min)
        return err_at(err, ERR_INVALID, path, PASSWORD_CLASSES,
                      "the password mixes %d kinds of characters; at least %d are asked for",
                      kinds(password), policy->classes_min);
    if (contains(password, login_name, false) || contains(password, login_name, true))
        return err_at(err, ERR_INVALID, path, PASSWORD_LOGIN_NAME,
                      "the password contains the login name");
    if (is_common(password))
        return err_at(err, ERR_INVALID, path, PASSWORD_COMMON,
                      "the password is one of the commonest");
    return ERR_OK;
}

err_t
rule_may_change_password(const struct policy *policy, const struct account *account, instant_t now,
                         struct err *err)
{
    const int64_t age_us = now.us - account->password_changed_at.us;

    if (account->must_change || age_us >= policy->min_age_us)
        return ERR_OK;
    return err_set(
        err, ERR_REFUSED, PASSWORD_TOO_SOON, "the password is %lld seconds old; it stays for %lld",
        (long long) (age_us / US_PER_SECOND), (long long) (policy->min_age_us / US_PER_SECOND));
}

bool
password_is_due(const struct policy *policy, const struct account *account, instant_t now)
{
    if (account->must_change)
        return true;
    return policy->max_age_us > 0 && now.us - account->password_changed_at.us >= policy->max_age_us;
}

void
one_time_password(const uint8_t random[static 16], char out[static ONE_TIME_BYTES])
{
    /* 32 letters and digits that nobody confuses: 5 bits of each byte.  The kinds of the fixed
     * places make every one obey the rules of composition. */
    static const char any[] = "abcdefghjkmnpqrstuvwxyz23456789A";
    static const char upper[] = "ABCDEFGHJKLMNPQRSTUVWXYZABCDEFGH";
    static const char digit[] = "23456789234567892345678923456789";
    size_t n = 0;

    static_assert(sizeof any == 33 && sizeof upper == 33 && sizeof digit == 33, "5 bits each");
    for (size_t i = 0; i < 16; i++) {
        const char *from = i == 0 ? upper : i == 15 ? digit : any;
        if (i > 0 && i % 4 == 0)
            out[n++] = '-';
        out[n++] = from[random[i] & 31];
    }
    out[n] = '\0';
}

/* --- failures --- */

void
address_key(const char *address, uint8_t key[static 32])
{
    struct in6_addr v6;

    if (inet_pton(AF_INET6, address, &v6) == 1 && !IN6_IS_ADDR_V4MAPPED(&v6))
        sha256(&v6, 8, key);
    else
        sha256(address, strlen(address), key);
}

bool
guard_is_locked(const struct guard *guard, instant_t now)
{
    return now.us < guard->locked_until.us;
}

bool
guard_fail(struct guard *guard, int failures_max, int64_t lock_us, instant_t now)
{
    const bool old = now.us - guard->last_failed_at.us >= lock_us;
    const bool served = guard->locked_until.us != 0 && !guard_is_locked(guard, now);

    if (old || served)
        guard->failures = 0;
    if (served)
        guard->locked_until = (instant_t){ 0 };
    guard->failures++;
    guard->last_failed_at = now;
    if (guard->failures < failures_max)
        return false;
    guard->locked_until = (instant_t){ now.us + lock_us };
    return true;
}

err_t
rule_may_sign_in(const struct account *account, instant_t now, struct err *err)
{
    if (account->state != ACCOUNT_ACTIVE)
        return err_set(err, ERR_UNAUTHENTICATED, SIGN_IN_DISABLED, "the account is disabled");
    if (account->one_time_until.us != 0 && now.us >= account->one_time_until.us)
        return err_set(err, ERR_UNAUTHENTICATED, SIGN_IN_ONE_TIME_EXPIRED,
                       "the one-time password has expired");
    return ERR_OK;
}

/* --- sessions and tokens --- */

err_t
rule_session_is_alive(const struct policy *policy, const struct session *session, instant_t now,
                      struct err *err)
{
    if (session->ended_at.us != 0)
        return err_set(err, ERR_UNAUTHENTICATED, SESSION_NONE, "the session has ended");
    if (now.us >= session->expires_at.us)
        return err_set(err, ERR_UNAUTHENTICATED, SESSION_EXPIRED,
                       "the session has reached its greatest age");
    if (now.us - session->last_seen_at.us >= policy->idle_us)
        return err_set(err, ERR_UNAUTHENTICATED, SESSION_IDLE,
                       "the session was idle for %lld seconds",
                       (long long) ((now.us - session->last_seen_at.us) / US_PER_SECOND));
    return ERR_OK;
}

err_t
rule_token_is_alive(const struct api_token *token, instant_t now, struct err *err)
{
    if (token->revoked_at.us != 0 || now.us >= token->expires_at.us)
        return err_set(err, ERR_UNAUTHENTICATED, SESSION_NONE, "the API token has ended");
    return ERR_OK;
}

/* --- roles --- */

#define ADMINISTRATORS (ROLE_SYSTEM_ADMIN | ROLE_SECURITY_ADMIN | ROLE_AUDIT_ADMIN)
#define ACTING                                                                                     \
    (ROLE_VILLAGE_CLERK | ROLE_TOWNSHIP_OFFICER | ROLE_APPROVER | ROLE_PAYER | ROLE_CODER |        \
     ROLE_REVIEWER | ROLE_DESIGNER)
#define BUSINESS (ROLE_SIGNED_IN & ~ADMINISTRATORS)

static const struct pair {
    role_set_t one, other;
    const char *why;
} pairs[] = {
#define ROLE_BUSINESS BUSINESS
#define ROLE_ACTING ACTING
#define PAIR(one, other, why) { ROLE_##one, ROLE_##other, why },
#include "pairs.def"
#undef PAIR
#undef ROLE_BUSINESS
#undef ROLE_ACTING
};

err_t
rule_role(int number, const char *path, struct err *err)
{
    if (number >= 1 && number < 30 && (ROLE_SIGNED_IN & (role_set_t) (UINT32_C(1) << number)))
        return ERR_OK;
    return err_at(err, ERR_INVALID, path, ROLE_UNKNOWN, "%d is no role that a person can hold",
                  number);
}

err_t
rule_may_hold(role_set_t held, int number, struct err *err)
{
    const role_set_t more = UINT32_C(1) << number;

    for (size_t i = 0; i < COUNT(pairs); i++)
        if (((pairs[i].one & more) && (pairs[i].other & held)) ||
            ((pairs[i].other & more) && (pairs[i].one & held)))
            return err_set(err, ERR_REFUSED, ROLE_FORBIDDEN_PAIR, "%s", pairs[i].why);
    return ERR_OK;
}

err_t
rule_role_fits_tenant(struct id tenant, int number, struct err *err)
{
    if (!id_is_nil(tenant) || (ADMINISTRATORS & (UINT32_C(1) << number)))
        return ERR_OK;
    return err_set(err, ERR_REFUSED, ROLE_PLATFORM,
                   "an account of the platform is an administrator and no more");
}

static bool
is_in(struct id id, const struct id *ids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (id_cmp(id, ids[i]) == 0)
            return true;
    return false;
}

err_t
rule_scope(role_set_t held, const struct id *scope, size_t scope_count, const struct id *asked,
           size_t asked_count, struct err *err)
{
    bool same = scope_count == asked_count;

    for (size_t i = 0; same && i < asked_count; i++)
        same = is_in(asked[i], scope, scope_count);
    if (held == 0 || same)
        return ERR_OK;
    return err_set(err, ERR_REFUSED, ROLE_SCOPE_DIFFERS,
                   "the account's roles hold for %zu organisations, this one would for %zu others",
                   scope_count, asked_count);
}

uint32_t
clearance_of(role_set_t roles, bool nda)
{
    /* Least privilege: a coder reads illness without a name, a payer names without illness, the
     * county and the designers figures, administrators nothing of the business. */
    static const struct {
        role_set_t roles;
        uint32_t labels;
    } clearances[] = {
        { ROLE_MEMBER | ROLE_VILLAGE_CLERK | ROLE_TOWNSHIP_OFFICER | ROLE_APPROVER | ROLE_AUDITOR,
          LABEL_IDENTITY | LABEL_HEALTH | LABEL_MONEY },
        { ROLE_PAYER, LABEL_IDENTITY | LABEL_MONEY },
        { ROLE_CODER | ROLE_REVIEWER, LABEL_HEALTH },
        { ROLE_DESIGNER | ROLE_COUNTY_VIEWER, LABEL_MONEY },
    };
    uint32_t labels = 0;

    for (size_t i = 0; i < COUNT(clearances); i++)
        if (roles & clearances[i].roles)
            labels |= clearances[i].labels;
    if ((roles & (ROLE_CODER | ROLE_REVIEWER | ROLE_DESIGNER)) && !nda)
        labels &= ~(uint32_t) (LABEL_IDENTITY | LABEL_HEALTH);
    return labels;
}

role_set_t
administrator_role(role_set_t roles)
{
    return roles & ADMINISTRATORS;
}

/* --- organisations --- */

err_t
rule_organisation(const struct organisation *child, const struct organisation *parent,
                  struct err *err)
{
    if (child->level < LEVEL_PROVINCE || child->level > LEVEL_VILLAGE)
        return err_at(err, ERR_INVALID, "$.level", ORGANISATION_LEVEL, "%d is no level",
                      (int) child->level);
    if (parent && child->level <= parent->level)
        return err_at(err, ERR_INVALID, "$.level", ORGANISATION_LEVEL,
                      "level %d cannot lie below level %d", (int) child->level,
                      (int) parent->level);
    if (parent && parent->ancestor_count >= ANCESTORS_MAX)
        return err_at(err, ERR_INVALID, "$.parentId", ORGANISATION_LEVEL, "a tree has five levels");
    return ERR_OK;
}

/* --- the life of an account --- */

static const struct move {
    enum account_state from;
    enum account_event on;
    enum account_state to;
} moves[] = {
#define MOVE(from, on, to, why) { ACCOUNT_##from, ON_##on, ACCOUNT_##to },
#include "moves.def"
#undef MOVE
};

err_t
account_move(struct account *account, enum account_event on, struct err *err)
{
    for (size_t i = 0; i < COUNT(moves); i++) {
        if (moves[i].from == account->state && moves[i].on == on) {
            account->state = moves[i].to;
            return ERR_OK;
        }
    }
    return err_set(err, ERR_CONFLICT, ACCOUNT_MOVED_ON, "the account's state does not allow it");
}
