/* commands.c - bootstrap and rotate-keys; the duties. */
#include "commands.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common_steps.h"
#include "state.h"
#include "store.h"
#include "wire.h"

#define REVOCATIONS_KEPT_US (INT64_C(600) * US_PER_SECOND) /* gateways ask for a minute of them */
/* Sessions stay in the list's table a while for questions; the log keeps them for ever. */
#define SESSIONS_KEPT_US (INT64_C(30) * US_PER_DAY)

/* --- bootstrap --- */

struct bootstrap {
    struct appointment appointment;
    const char *name, *division, *passwords;
};

static int
complain(const char *what, const struct err *err)
{
    (void) fprintf(stderr, "huzhu-identity %s: %s: %s\n", what, err->reason, err->text);
    return 1;
}

static int
usage(void)
{
    (void) fputs(
        "usage: huzhu-identity bootstrap [--tenant CODE --name NAME --division CODE]\n"
        "                                [--admins SYSTEM,SECURITY,AUDIT] [--passwords FILE]\n"
        "Makes the three administrators of the platform, or of a tenant, and prints their "
        "one-time\n"
        "passwords; --passwords reads them from a file of three lines instead.\n",
        stderr);
    return 2;
}

static bool
admins_parse(struct bootstrap *b, const char *list)
{
    for (size_t i = 0; i < 3; i++) {
        const size_t size = strcspn(list, ",");
        if (size == 0 || size >= LOGIN_NAME_BYTES || (list[size] == ',') != (i < 2))
            return false;
        memcpy(b->appointment.admins[i].login_name, list, size);
        b->appointment.admins[i].login_name[size] = '\0';
        list += size + (i < 2);
    }
    return true;
}

static bool
arguments_parse(struct bootstrap *b, int argc, char **argv)
{
    const char *admins = "sysadmin,secadmin,auditadmin";

    b->appointment.tenant.code = PLATFORM_CODE;
    for (int i = 1; i < argc; i += 2) {
        const struct {
            const char *name;
            const char **value;
        } options[] = { { "--tenant", &b->appointment.tenant.code },
                        { "--name", &b->name },
                        { "--division", &b->division },
                        { "--admins", &admins },
                        { "--passwords", &b->passwords } };
        size_t k = 0;

        while (k < COUNT(options) && strcmp(argv[i], options[k].name) != 0)
            k++;
        if (k == COUNT(options) || i + 1 == argc)
            return false;
        *options[k].value = argv[i + 1];
    }
    return admins_parse(b, admins);
}

static void
close_file(FILE **file)
{
    if (*file)
        (void) fclose(*file);
}

static err_t
passwords_read(struct call *c, struct bootstrap *b)
{
    CLEANUP(close_file) FILE *file = b->passwords ? fopen(b->passwords, "re") : NULL;
    struct stat about;

    if (!b->passwords)
        return ERR_OK;
    if (!file || fstat(fileno(file), &about) != 0)
        return err_set(&c->err, ERR_NOT_FOUND, "passwords.unreadable", "cannot read %s",
                       b->passwords);
    if ((about.st_mode & 077) != 0)
        return err_set(&c->err, ERR_FORBIDDEN, "passwords.exposed",
                       "%s may be read by others; it must be 0600", b->passwords);
    for (size_t i = 0; i < 3; i++) {
        char *line = b->appointment.admins[i].password;

        if (!fgets(line, PASSWORD_BYTES_MAX, file))
            return err_set(&c->err, ERR_INVALID, "passwords.short", "%s has fewer than 3 lines",
                           b->passwords);
        line[strcspn(line, "\r\n")] = '\0';
        TRY(rule_password(identity_policy(c), b->appointment.admins[i].login_name, line, "",
                          &c->err));
    }
    return ERR_OK;
}

/* The tenant itself, with a root in the platform's tree, when it is not there yet.  It is committed
 * before its administrators: a bootstrap cut short between the two goes on when run again. */
static err_t
tenant_step(struct call *c, void *arg)
{
    struct bootstrap *b = arg;
    struct tenant *tenant = &b->appointment.tenant;
    const char *code = tenant->code;
    struct organisation organisation = { .level = LEVEL_TOWNSHIP };
    bool found = false;

    TRY(tenant_find(c, code, tenant, &found));
    if (found)
        return ERR_OK;
    *tenant = (struct tenant){ .code = code };
    if (!b->name || !b->division)
        return err_set(&c->err, ERR_NOT_FOUND, TENANT_NONE,
                       "there is no tenant %s; --name and --division make it", code);
    TRY(rule_name(b->name, "", &c->err));
    TRY(rule_division_code(b->division, "", &c->err));
    organisation.id = id_mint(c->wall);
    organisation.name = b->name;
    organisation.division_code = b->division;
    TRY(organisation_insert(c, &organisation));
    TRY(emit_organisation_created(c, &organisation));
    tenant->id = id_mint(c->wall);
    tenant->organisation = organisation.id;
    tenant->name = b->name;
    tenant->created_at = c->wall;
    TRY(tenant_insert(c, tenant));
    return emit_tenant_created(c, tenant);
}

static err_t
bootstrap_run(struct call *c, struct bootstrap *b)
{
    const bool platform = strcmp(b->appointment.tenant.code, PLATFORM_CODE) == 0;

    for (size_t i = 0; i < 3; i++)
        TRY(rule_login_name(b->appointment.admins[i].login_name, "", &c->err));
    TRY(passwords_read(c, b));
    if (!platform) {
        TRY(rule_tenant_code(b->appointment.tenant.code, "", &c->err));
        TRY(svc_command_tx(c, (struct id){ { 0 } }, tenant_step, b));
    }
    TRY(appointment_prepare(c, &b->appointment));
    return svc_command_tx(c, b->appointment.tenant.id, appointment_step, &b->appointment);
}

int
identity_bootstrap(struct call *c, int argc, char **argv)
{
    struct bootstrap *b = arena_alloc(c->arena, sizeof *b);
    const struct identity_conf *conf = c->conf;

    if (!b || !arguments_parse(b, argc, argv))
        return usage();
    b->appointment.from_command_line = true;
    if (bootstrap_run(c, b) != ERR_OK)
        return complain("bootstrap", &c->err);
    for (size_t i = 0; i < 3; i++)
        (void) printf("%s\t%s@%s\t%s\n", appointment_titles[i], b->appointment.admins[i].login_name,
                      b->appointment.tenant.code,
                      b->passwords ? "-" : b->appointment.admins[i].password);
    (void) fprintf(stderr,
                   "the passwords work for %lld hours and must be changed at the first sign-in\n",
                   (long long) (conf->one_time_life / 3600000));
    return 0;
}

int
identity_rotate_keys(struct call *c, int argc, char **argv)
{
    char key_id[KEY_ID_BYTES];

    (void) argv;
    if (argc != 1) {
        (void) fputs("usage: huzhu-identity rotate-keys\n", stderr);
        return 2;
    }
    if (principal_key_rotate(c->conf, key_id, &c->err) != ERR_OK)
        return complain("rotate-keys", &c->err);
    (void) printf("%s\n", key_id);
    return 0;
}

/* --- duties --- */

err_t
identity_tidy(struct call *c)
{
    const instant_t guards = { c->wall.us - identity_policy(c)->lock_us },
                    sessions = { c->wall.us - SESSIONS_KEPT_US };
    int64_t gone = 0;

    TRY(revocation_tidy(c, (instant_t){ c->wall.us - REVOCATIONS_KEPT_US }));
    return tidy_up(c, guards, sessions, &gone);
}

err_t
identity_disable_unused(struct call *c)
{
    const struct identity_conf *conf = c->conf;
    const instant_t since = { c->wall.us - conf->unused_after * 1000 };
    struct id *tenants = NULL, *accounts = NULL;
    size_t count = 0;

    if (conf->unused_after == 0)
        return ERR_OK;
    TRY(accounts_unused(c, since, &tenants, &accounts, &count));
    for (size_t i = 0; i < count; i++) {
        struct account account;

        TRY(call_as_tenant(c, tenants[i]));
        TRY(account_lock(c, accounts[i], &account));
        const bool used =
            account.last_signed_in_at.us >= since.us || account.password_changed_at.us >= since.us;
        if (account.state == ACCOUNT_ACTIVE && !used) /* meanwhile it may have been */
            TRY(account_disable(c, &account, "not used for long"));
    }
    return ERR_OK;
}
