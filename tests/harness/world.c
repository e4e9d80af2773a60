/* world.c - the people and places that tests of the platform begin with. */
#include "platform.h"

#include <stdlib.h>
#include <string.h>

#include "test.h"

/* What a person does with a one-time password: sign in, choose one of one's own, sign in again. */
static struct browser *
settles_in(const struct platform *p, const char *login, const char *one_time)
{
    struct browser *b = browser_create(p);

    signs_in(b, login, one_time);
    (void) must_post(b, 200, "/api/v1/me:changePassword", "{s:s, s:s}", "oldPassword", one_time,
                     "newPassword", TEST_PASSWORD);
    signs_in(b, login, TEST_PASSWORD);
    return b;
}

static enum administrator
kind_of(const char *role)
{
    static const char *const roles[] = { "SYSTEM_ADMIN", "SECURITY_ADMIN", "AUDIT_ADMIN" };

    for (size_t i = 0; i < COUNT(roles); i++) {
        if (strcmp(roles[i], role) == 0)
            return (enum administrator) i;
    }
    fail_msg("%s is no administrator", role);
    return ADMINISTRATORS;
}

void
administration_open(const struct platform *p, struct administration *a)
{
    char path[PLATFORM_PATH_BYTES + 32], line[256], login[64], password[64];

    *a = (struct administration){ 0 };
    (void) snprintf(path, sizeof path, "%s/keys/first-passwords", p->data);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    /* One line each, in the order of enum administrator: title, login name, one-time password. */
    for (size_t i = 0; i < ADMINISTRATORS && fgets(line, sizeof line, file); i++) {
        assert_int_equal(sscanf(line, "%*s %63s %63s", login, password), 2);
        a->who[i] = settles_in(p, login, password);
    }
    (void) fclose(file);
    for (size_t i = 0; i < ADMINISTRATORS; i++)
        assert_non_null(a->who[i]);
}

void
administration_close(struct administration *a)
{
    for (size_t i = 0; i < ADMINISTRATORS; i++)
        browser_destroy(a->who[i]);
    *a = (struct administration){ 0 };
}

/* Makes one organisation below another and writes its id. */
static void
builds(struct browser *system, const char *parent, const char *level, const char *division,
       const char *name, char id[static 37])
{
    (void) snprintf(id, 37, "%s", mints());
    (void) must_post(system, 201, "/api/v1/organisations", "{s:s, s:s*, s:s, s:s, s:s}",
                     "organisationId", id, "parentId", parent, "level", level, "divisionCode",
                     division, "name", name);
}

void
township_open(const struct platform *p, struct administration *platform, const char *code,
              struct township *t)
{
    static _Thread_local char province[37], city[37], county[37];
    static _Thread_local const struct platform *built_for;
    static _Thread_local int townships;
    char division[32];

    *t = (struct township){ 0 };
    (void) snprintf(t->code, sizeof t->code, "%s", code);
    struct browser *system = platform->who[SYSTEM];
    if (built_for != p) {
        builds(system, NULL, "PROVINCE", "32", "江苏省", province);
        builds(system, province, "CITY", "3211", "镇江市", city);
        builds(system, city, "COUNTY", "321112", "丹徒区", county);
        built_for = p;
        townships = 0;
    }
    (void) snprintf(division, sizeof division, "321112%03d", 100 + ++townships);
    builds(system, county, "TOWNSHIP", division, code, t->organisation_id);
    (void) snprintf(division, sizeof division, "321112%03d001", 100 + townships);
    builds(system, t->organisation_id, "VILLAGE", division, "第一村", t->village_id);

    (void) snprintf(t->tenant_id, sizeof t->tenant_id, "%s", mints());
    (void) must_post(system, 201, "/api/v1/tenants", "{s:s, s:s, s:s, s:s}", "tenantId",
                     t->tenant_id, "code", code, "name", code, "organisationId",
                     t->organisation_id);
    char path[128];
    (void) snprintf(path, sizeof path, "/api/v1/tenants/%s:appointAdministrators", t->tenant_id);
    const json_t *reply =
        must_post(platform->who[SECURITY], 200, path, "{s:s, s:s, s:s}", "systemLoginName",
                  "xitong", "securityLoginName", "anquan", "auditLoginName", "shenji");
    const json_t *appointed = json_object_get(reply, "administrators");
    assert_int_equal(json_array_size(appointed), ADMINISTRATORS);
    for (size_t i = 0; i < ADMINISTRATORS; i++) {
        const json_t *one = json_array_get(appointed, i);
        const char *login = json_string_value(json_object_get(one, "loginName"));
        const char *role = json_string_value(json_object_get(one, "role"));
        const char *password = json_string_value(json_object_get(one, "oneTimePassword"));
        assert_true(login && role && password);
        t->administration.who[kind_of(role)] = settles_in(p, login, password);
    }
}

struct browser *
a_person(const struct platform *p, struct township *t, const char *name, const char *role)
{
    char id[37], path[128], login[80], one_time[64];
    struct browser *system = t->administration.who[SYSTEM];
    struct browser *security = t->administration.who[SECURITY];

    (void) snprintf(id, sizeof id, "%s", mints());
    (void) snprintf(login, sizeof login, "%s@%s", name, t->code);
    (void) must_post(system, 201, "/api/v1/accounts", "{s:s, s:s, s:s}", "accountId", id,
                     "loginName", login, "displayName", name);
    (void) snprintf(path, sizeof path, "/api/v1/accounts/%s/roles", id);
    (void) must_post(security, 200, path, "{s:s}", "role", role);
    (void) snprintf(path, sizeof path, "/api/v1/accounts/%s:resetPassword", id);
    const json_t *reply = must_post(security, 200, path, "{}");
    const char *given = json_string_value(json_object_get(reply, "oneTimePassword"));
    assert_non_null(given);
    (void) snprintf(one_time, sizeof one_time, "%s", given);
    return settles_in(p, login, one_time);
}
