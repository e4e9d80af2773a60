/* cluster.c - a private PostgreSQL for one test program. */
#include "cluster.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime_migrations.h"

#define BIN "/usr/lib/postgresql/15/bin/"
#define ROLES HUZHU_SOURCE_DIR "/deploy/postgres/roles.sql"
enum { URLS_MAX = 32, BOOT_MS_MAX = 20000 };

struct cluster {
    char dir[64];
    pid_t pid;
    char *urls[URLS_MAX];
    PGconn *admin;
    char answer[256];
};

/* Who the server runs as; NULL: ourselves. */
static const struct passwd *
server_user(void)
{
    if (geteuid() != 0)
        return NULL;
    const struct passwd *user = getpwnam("postgres");
    return user ? user : getpwnam("nobody");
}

static pid_t
spawn(const char *log, bool as_server, char *const *argv)
{
    const pid_t parent = getpid(), pid = fork();
    const struct passwd *user = as_server ? server_user() : NULL;

    if (pid != 0)
        return pid;
    if (user && (setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0))
        _exit(126);
    (void) prctl(PR_SET_PDEATHSIG, SIGQUIT); /* dies with the test; after setuid, which clears it */
    if (getppid() != parent || !freopen(log, "a", stderr) || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        _exit(126);
    /* The sanitizers' settings are the tests' own. */
    (void) unsetenv("LD_PRELOAD");
    execv(argv[0], argv);
    _exit(127);
}

static bool
run(const char *log, bool as_server, char *const *argv)
{
    int status = -1;
    const pid_t pid = spawn(log, as_server, argv);

    if (pid < 0)
        return false;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (status != 0)
        (void) fprintf(stderr, "cluster: %s ended with status %d; see %s\n", argv[0], status, log);
    return status == 0;
}

#define RUN(log, as_server, ...) run((log), (as_server), (char *const[]){ __VA_ARGS__, NULL })

static void
path_in(const struct cluster *cluster, const char *name, char path[static 128])
{
    (void) snprintf(path, 128, "%s/%s", cluster->dir, name);
}

/* A template belongs to one text of roles.sql. */
static void
template_path(char path[static 512])
{
    uint32_t hash = 2166136261;
    int byte;
    FILE *roles = fopen(ROLES, "r");

    while (roles && (byte = fgetc(roles)) != EOF)
        hash = (hash ^ (uint32_t) byte) * 16777619;
    if (roles)
        (void) fclose(roles);
    (void) snprintf(path, 512, "%s/pg15-template-%08x", HUZHU_BINARY_DIR, hash);
}

pid_t
cluster_pid(const struct cluster *cluster)
{
    return cluster->pid;
}

const char *
cluster_socket_dir(const struct cluster *cluster)
{
    return cluster->dir;
}

const char *
cluster_url(struct cluster *cluster, const char *role)
{
    char text[256];
    int i = 0;

    (void) snprintf(text, sizeof text, "host=%s dbname=huzhu user=%s", cluster->dir, role);
    while (cluster->urls[i] && strcmp(cluster->urls[i], text) != 0)
        if (++i == URLS_MAX)
            abort();
    if (!cluster->urls[i])
        cluster->urls[i] = strdup(text);
    return cluster->urls[i];
}

PGconn *
cluster_connect(struct cluster *cluster, const char *role)
{
    return PQconnectdb(cluster_url(cluster, role));
}

static void
spawn_server(struct cluster *cluster)
{
    char data[128], log[128];

    path_in(cluster, "data", data);
    path_in(cluster, "log", log);
    cluster->pid = spawn(log, true,
                         (char *const[]){ (char *) BIN "postgres", (char *) "-D", data,
                                          (char *) "-k", cluster->dir, NULL });
}

bool
cluster_boot(struct cluster *cluster)
{
    char url[256];
    int status;

    /* A killed server's children may hold its memory for a moment: start again. */
    (void) snprintf(url, sizeof url, "host=%s dbname=postgres user=postgres", cluster->dir);
    spawn_server(cluster);
    for (int waited = 0; waited < BOOT_MS_MAX; waited += 10) {
        if (PQping(url) == PQPING_OK)
            return true;
        if (waitpid(cluster->pid, &status, WNOHANG) == cluster->pid)
            spawn_server(cluster);
        (void) poll(NULL, 0, 10);
    }
    (void) fprintf(stderr, "cluster: the server does not come up; see %s/log\n", cluster->dir);
    return false;
}

static void
end_server(struct cluster *cluster, int signal_number)
{
    int status;

    PQfinish(cluster->admin);
    cluster->admin = NULL;
    if (cluster->pid > 0 && kill(cluster->pid, signal_number) == 0)
        while (waitpid(cluster->pid, &status, 0) < 0 && errno == EINTR)
            ;
    cluster->pid = 0;
}

void
cluster_shut_down(struct cluster *cluster)
{
    end_server(cluster, SIGINT);
}

/* A crash takes the sessions too; a killed postmaster alone leaves them alive until they notice,
 * and one may still commit. */
void
cluster_kill(struct cluster *cluster)
{
    enum { SESSIONS_MAX = 128 };
    pid_t sessions[SESSIONS_MAX];
    char path[64];
    int count = 0;

    (void) snprintf(path, sizeof path, "/proc/%d/task/%d/children", cluster->pid, cluster->pid);
    FILE *children = fopen(path, "re");
    while (children && count < SESSIONS_MAX && fscanf(children, "%d", &sessions[count]) == 1)
        count++;
    if (children)
        (void) fclose(children);
    end_server(cluster, SIGKILL);
    for (int i = 0; i < count; i++)
        (void) kill(sessions[i], SIGKILL);
}

static bool
write_settings(struct cluster *cluster)
{
    char path[128];

    path_in(cluster, "data/postgresql.auto.conf", path);
    FILE *out = fopen(path, "w");
    if (!out)
        return false;
    (void) fputs(
        "listen_addresses = ''\nfsync = off\nfull_page_writes = off\nmax_connections = 60\n"
        "shared_buffers = 64MB\ntimezone = 'UTC'\nlog_min_messages = warning\n"
        "unix_socket_permissions = 0777\n",
        out);
    return fclose(out) == 0;
}

static bool
make_template(struct cluster *cluster, const char *template)
{
    char data[128], log[128], copy[560];

    path_in(cluster, "data", data);
    path_in(cluster, "log", log);
    if (!RUN(log, true, (char *) BIN "initdb", (char *) "-D", data, (char *) "-A", (char *) "trust",
             (char *) "-U", (char *) "postgres", (char *) "--no-locale", (char *) "-E",
             (char *) "UTF8") ||
        !write_settings(cluster) || !cluster_boot(cluster) ||
        !RUN(log, false, (char *) BIN "createdb", (char *) "-h", cluster->dir, (char *) "-U",
             (char *) "postgres", (char *) "huzhu") ||
        !RUN(log, false, (char *) BIN "psql", (char *) "-X", (char *) "-q", (char *) "-v",
             (char *) "ON_ERROR_STOP=1", (char *) "-h", cluster->dir, (char *) "-U",
             (char *) "postgres", (char *) "-d", (char *) "huzhu", (char *) "-f", (char *) ROLES))
        return false;
    cluster_shut_down(cluster);
    (void) snprintf(copy, sizeof copy, "%s.%d", template, (int) getpid());
    if (!RUN(log, false, (char *) "/bin/cp", (char *) "-a", data, copy))
        return false;
    if (rename(copy, template) != 0) /* another program was first */
        (void) RUN(log, false, (char *) "/bin/rm", (char *) "-rf", copy);
    return true;
}

/* The folder and the log, the server's own. */
static bool
make_folder(struct cluster *cluster)
{
    const struct passwd *user = server_user();
    char log[128];

    if (!mkdtemp(cluster->dir) || (user && chown(cluster->dir, user->pw_uid, user->pw_gid) != 0) ||
        chmod(cluster->dir, 0755) != 0)
        return false;
    path_in(cluster, "log", log);
    FILE *made = fopen(log, "a");
    return made && fclose(made) == 0 && (!user || chown(log, user->pw_uid, user->pw_gid) == 0);
}

static bool
prepare(struct cluster *cluster)
{
    char template[512], data[128], log[128];
    struct stat there;

    if (!make_folder(cluster))
        return false;
    template_path(template);
    path_in(cluster, "data", data);
    path_in(cluster, "log", log);
    if (stat(template, &there) != 0)
        return make_template(cluster, template);
    return RUN(log, false, (char *) "/bin/cp", (char *) "-a", template, data);
}

struct cluster *
cluster_start(void)
{
    struct cluster *cluster = calloc(1, sizeof *cluster);

    if (!cluster)
        return NULL;
    (void) snprintf(cluster->dir, sizeof cluster->dir, "/tmp/huzhu-pg-XXXXXX");
    if (prepare(cluster) && cluster_boot(cluster))
        return cluster;
    (void) fprintf(stderr, "cluster: no PostgreSQL for this test; its log is kept in %s\n",
                   cluster->dir);
    return NULL;
}

struct cluster *
cluster_start_standby(struct cluster *primary)
{
    struct cluster *standby = calloc(1, sizeof *standby);
    char data[128], log[128];

    if (!standby)
        return NULL;
    (void) snprintf(standby->dir, sizeof standby->dir, "/tmp/huzhu-pg-XXXXXX");
    if (!make_folder(standby))
        return NULL;
    path_in(standby, "data", data);
    path_in(standby, "log", log);
    if (!RUN(log, true, (char *) BIN "pg_basebackup", (char *) "-h", primary->dir, (char *) "-U",
             (char *) "postgres", (char *) "-D", data, (char *) "-R", (char *) "-c",
             (char *) "fast") ||
        !cluster_boot(standby))
        return NULL;
    (void) cluster_sql(primary, "ALTER SYSTEM SET synchronous_standby_names = '*'");
    (void) cluster_sql(primary, "SELECT pg_reload_conf()");
    for (int waited = 0; waited < BOOT_MS_MAX; waited += 50) {
        if (strcmp(cluster_ask(primary, "SELECT sync_state FROM pg_stat_replication"), "sync") == 0)
            return standby;
        (void) poll(NULL, 0, 50);
    }
    return NULL;
}

bool
cluster_promote(struct cluster *standby)
{
    return strcmp(cluster_ask(standby, "SELECT pg_promote(true, 20)"), "t") == 0;
}

void
cluster_stop(struct cluster *cluster)
{
    if (!cluster)
        return;
    end_server(cluster, SIGINT);
    (void) RUN("/dev/null", false, (char *) "/bin/rm", (char *) "-rf", cluster->dir);
    for (int i = 0; i < URLS_MAX; i++)
        free(cluster->urls[i]);
    free(cluster);
}

bool
cluster_migrate(struct cluster *cluster, const struct svc *svc)
{
    char role[80];
    struct err err;

    (void) snprintf(role, sizeof role, "huzhu_%s_migrate", svc->name);
    const char *url = cluster_url(cluster, role);
    if (db_migrate(url, svc->name, runtime_migrations, COUNT(runtime_migrations), &err) == ERR_OK &&
        db_migrate(url, svc->name, svc->migrations, svc->migration_count, &err) == ERR_OK)
        return true;
    (void) fprintf(stderr, "cluster: %s: %s %s\n", svc->name, err.reason, err.text);
    return false;
}

static PGresult *
as_admin(struct cluster *cluster, const char *sql)
{
    if (!cluster->admin)
        cluster->admin = cluster_connect(cluster, "postgres");
    PGresult *result = PQexec(cluster->admin, sql);
    const ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        (void) fprintf(stderr, "cluster: %s\n%s", sql, PQresultErrorMessage(result));
        abort();
    }
    return result;
}

int
cluster_sql(struct cluster *cluster, const char *sql)
{
    PGresult *result = as_admin(cluster, sql);
    const int count = PQntuples(result);

    PQclear(result);
    return count;
}

const char *
cluster_ask(struct cluster *cluster, const char *sql)
{
    PGresult *result = as_admin(cluster, sql);

    (void) snprintf(cluster->answer, sizeof cluster->answer, "%s",
                    PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return cluster->answer;
}

static bool
ends_with_sql(const char *name)
{
    const size_t size = strlen(name);

    return size > 4 && strcmp(name + size - 4, ".sql") == 0;
}

int
cluster_broken_invariants(struct cluster *cluster)
{
    DIR *dir = opendir(HUZHU_SOURCE_DIR "/tests/invariants");
    const struct dirent *entry;
    int broken = 0;

    if (!dir)
        return -1;
    while ((entry = readdir(dir))) {
        char path[640], text[8192];
        if (!ends_with_sql(entry->d_name))
            continue;
        (void) snprintf(path, sizeof path, "%s/tests/invariants/%s", HUZHU_SOURCE_DIR,
                        entry->d_name);
        FILE *in = fopen(path, "r");
        if (!in)
            abort();
        const size_t size = fread(text, 1, sizeof text - 1, in);
        (void) fclose(in);
        text[size] = '\0';
        (void) cluster_sql(cluster, "SELECT 1");
        PGresult *result = PQexec(cluster->admin, text);
        const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        /* 42P01, undefined table: the service it speaks of is not part of this test */
        if (PQresultStatus(result) != PGRES_TUPLES_OK && strcmp(state ? state : "", "42P01") != 0) {
            (void) fprintf(stderr, "invariant %s: %s", entry->d_name, PQresultErrorMessage(result));
            broken++;
        } else if (PQntuples(result) > 0) {
            (void) fprintf(stderr, "invariant broken: %s: %s...\n", entry->d_name,
                           PQgetvalue(result, 0, 0));
            broken++;
        }
        PQclear(result);
    }
    (void) closedir(dir);
    return broken;
}
