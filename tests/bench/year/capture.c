/* capture.c - what a service really executed, read from the server's log, and played again by
 * pgbench: the same statements, prepared, with the same values, in the same transactions.
 *
 * log_statement = 'all' writes every execution of a prepared statement with its name, text and
 * parameters.  A transaction counts when it stored a reply: one command, one transaction. pgbench's
 * script prepares each text once and then EXECUTEs it with the parameters as literals.  A whole
 * transaction is one command of the script (its statements joined by "\\;") and so one round trip:
 * the least that pgbench can do, and it reads scripts of many commands in quadratic time. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "year.h"

#define JOINED " \\;\n"
enum { SESSIONS_MAX = 64, NAMES_MAX = 256 };

struct buffer {
    char *bytes;
    size_t used, room;
};

static void
add(struct buffer *b, const char *text, size_t size)
{
    if (!b->bytes || b->used + size + 1 > b->room) {
        b->room = (b->room + size + 1) * 2;
        b->bytes = realloc(b->bytes, b->room);
        if (!b->bytes)
            abort();
    }
    memcpy(b->bytes + b->used, text, size);
    b->used += size;
    b->bytes[b->used] = '\0';
}

static void
add_text(struct buffer *b, const char *text)
{
    add(b, text, strlen(text));
}

struct session { /* a transaction that is being read */
    long pid;
    struct buffer script;
    size_t statements;
    bool open, stored;
    char name[80]; /* of the statement whose parameters come next */
};

struct capture {
    char service[32];
    struct buffer prepare;  /* PREPARE of every statement that occurs */
    char *names[NAMES_MAX]; /* of those */
    size_t name_count;
    char **transactions;
    size_t count, room, statements;
    struct session sessions[SESSIONS_MAX];
};

static long log_from;

static void
log_path(char path[static 160])
{
    (void) snprintf(path, 160, "%s/log", world_socket());
}

static void
set_logging(const char *service, bool on)
{
    PGconn *sql = sql_open("postgres");

    sql_run(sql,
            on ? "ALTER ROLE huzhu_%s SET log_statement = 'all'"
               : "ALTER ROLE huzhu_%s RESET log_statement",
            service);
    PQfinish(sql);
}

void
capture_begin(const char *service)
{
    char path[160];

    set_logging(service, true);
    log_path(path);
    FILE *log = fopen(path, "r");
    if (!log || fseek(log, 0, SEEK_END) != 0)
        abort();
    log_from = ftell(log);
    (void) fclose(log);
}

static struct session *
session_of(struct capture *c, long pid)
{
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        if (c->sessions[i].pid == 0)
            c->sessions[i].pid = pid;
        if (c->sessions[i].pid == pid)
            return &c->sessions[i];
    }
    abort();
}

static void
learn(struct capture *c, const char *name, const char *text)
{
    for (size_t i = 0; i < c->name_count; i++)
        if (strcmp(c->names[i], name) == 0)
            return;
    if (c->name_count == NAMES_MAX)
        abort();
    c->names[c->name_count++] = strdup(name);
    add_text(&c->prepare, "PREPARE \"");
    add_text(&c->prepare, name);
    add_text(&c->prepare, "\" AS ");
    add_text(&c->prepare, text);
    add_text(&c->prepare, ";\n");
}

static void
keep(struct capture *c, struct session *s)
{
    if (c->count == c->room) {
        c->room = c->room ? 2 * c->room : 256;
        c->transactions = realloc(c->transactions, c->room * sizeof *c->transactions);
        if (!c->transactions)
            abort();
    }
    c->transactions[c->count++] = strdup(s->script.bytes);
    c->statements += s->statements;
}

/* "execute NAME: TEXT" */
static void
executed(struct capture *c, struct session *s, const char *entry)
{
    const char *colon = strstr(entry, ": ");
    const size_t size = colon ? (size_t) (colon - entry) : 0;

    if (!colon || size >= sizeof s->name)
        return;
    memcpy(s->name, entry, size);
    s->name[size] = '\0';
    if (strcmp(s->name, "huzhu.begin") == 0) {
        s->open = true;
        s->stored = false;
        s->statements = 1;
        s->script.used = 0;
        add_text(&s->script, "BEGIN" JOINED);
        return;
    }
    if (!s->open)
        return;
    s->statements++;
    if (strcmp(s->name, "huzhu.commit") == 0 || strcmp(s->name, "huzhu.rollback") == 0) {
        add_text(&s->script, "COMMIT;\n");
        if (s->stored && s->name[6] == 'c')
            keep(c, s);
        s->open = false;
        return;
    }
    s->stored |= strstr(colon, "INSERT INTO reply") != NULL;
    learn(c, s->name, colon + 2);
    add_text(&s->script, "EXECUTE \"");
    add_text(&s->script, s->name);
    add_text(&s->script, "\"" JOINED);
}

/* "parameters: $1 = 'x', $2 = NULL": literals as they are, so that only the "$n = " go. */
static void
with_parameters(struct session *s, const char *entry)
{
    bool quoted = false, at_start = true;

    if (!s->open || s->script.used < sizeof JOINED)
        return;
    s->script.used -= sizeof JOINED - 1;
    add_text(&s->script, "(");
    for (const char *p = entry; *p; p++) {
        if (at_start && *p == '$') {
            const char *equals = strstr(p, " = ");
            if (!equals)
                abort();
            p = equals + 2;
            at_start = false;
            continue;
        }
        if (*p == '\'')
            quoted = !quoted;
        if (!quoted && *p == ',') {
            at_start = true;
            add_text(&s->script, ", ");
            p++; /* the blank */
            continue;
        }
        add(&s->script, p, 1);
    }
    add_text(&s->script, ")" JOINED);
}

static void
take(struct capture *c, char *entry)
{
    static const char execute[] = "LOG:  execute ", parameters[] = "DETAIL:  parameters: ";
    char *rest;
    const long pid = strtol(entry, &rest, 10);
    const size_t size = strlen(rest);

    if (pid <= 0)
        return;
    while (isspace((unsigned char) *rest))
        rest++;
    if (size > 0 && entry[strlen(entry) - 1] == '\n')
        entry[strlen(entry) - 1] = '\0';
    if (strncmp(rest, execute, sizeof execute - 1) == 0)
        executed(c, session_of(c, pid), rest + sizeof execute - 1);
    else if (strncmp(rest, parameters, sizeof parameters - 1) == 0)
        with_parameters(session_of(c, pid), rest + sizeof parameters - 1);
}

struct capture *
capture_end(const char *service)
{
    static const char mark[] = "#HZ#";
    struct capture *c = calloc(1, sizeof *c);
    struct buffer entry = { 0 };
    char path[160], *line = NULL;
    size_t room = 0;
    ssize_t size;

    set_logging(service, false);
    log_path(path);
    FILE *log = fopen(path, "r");
    if (!c || !log || fseek(log, log_from, SEEK_SET) != 0)
        abort();
    (void) snprintf(c->service, sizeof c->service, "%s", service);
    while ((size = getline(&line, &room, log)) > 0) {
        if (strncmp(line, mark, sizeof mark - 1) == 0) {
            if (entry.used > 0)
                take(c, entry.bytes);
            entry.used = 0;
            add(&entry, line + sizeof mark - 1, (size_t) size - (sizeof mark - 1));
        } else if (entry.used > 0) { /* the next line of the same entry, after a tab */
            add(&entry, line + (*line == '\t'), (size_t) size - (*line == '\t'));
        }
    }
    if (entry.used > 0)
        take(c, entry.bytes);
    free(entry.bytes);
    free(line);
    (void) fclose(log);
    return c;
}

void
capture_free(struct capture *c)
{
    for (size_t i = 0; i < c->count; i++)
        free(c->transactions[i]);
    for (size_t i = 0; i < c->name_count; i++)
        free(c->names[i]);
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        free(c->sessions[i].script.bytes);
    free(c->transactions);
    free(c->prepare.bytes);
    free(c);
}

size_t
capture_count(const struct capture *c)
{
    return c->count;
}

size_t
capture_statements(const struct capture *c)
{
    return c->statements;
}

static void
write_script(const struct capture *c, const char *path, size_t from, size_t until)
{
    FILE *out = fopen(path, "w");

    if (!out || fputs(c->prepare.bytes, out) < 0)
        abort();
    for (size_t i = from; i < until; i++)
        if (fputs(c->transactions[i], out) < 0)
            abort();
    if (fclose(out) != 0)
        abort();
}

static pid_t
start_pgbench(const struct capture *c, const char *database, const char *script)
{
    const pid_t pid = fork();
    char path[256], options[80], user[64];

    if (pid != 0)
        return pid;
    (void) snprintf(path, sizeof path, "%.200s.out", script);
    (void) snprintf(options, sizeof options, "-c search_path=%s -c jit=off", c->service);
    (void) snprintf(user, sizeof user, "huzhu_%s", c->service);
    if (setenv("PGOPTIONS", options, 1) != 0 || !freopen(path, "w", stdout) ||
        dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
        _exit(126);
    (void) execl("/usr/lib/postgresql/15/bin/pgbench", "pgbench", "-n", "-M", "simple", "-c", "1",
                 "-j", "1", "-t", "1", "-f", script, "-h", world_socket(), "-U", user, database,
                 (char *) NULL);
    _exit(127);
}

/* Seconds that it took, without reading the script and connecting.  The whole must have run: a
 * statement that fails ends pgbench's one "transaction". */
static double
look_at(const char *script)
{
    double took_ms = 0;
    char path[256], line[512];
    bool whole = false;

    (void) snprintf(path, sizeof path, "%.200s.out", script);
    FILE *in = fopen(path, "r");
    if (!in)
        abort();
    while (fgets(line, sizeof line, in)) {
        whole |= strstr(line, "actually processed: 1/1") != NULL;
        (void) sscanf(line, "latency average = %lf ms", &took_ms);
        if (strstr(line, "ERROR") || strstr(line, "error"))
            (void) fprintf(stderr, "bench: pgbench: %s", line);
    }
    (void) fclose(in);
    if (!whole) {
        (void) fprintf(stderr, "bench: pgbench did not play everything of %s\n", script);
        exit(1);
    }
    return took_ms / 1000;
}

double
capture_play(const struct capture *c, const char *database, int clients, const size_t *first)
{
    enum { CLIENTS_MAX = 16 };
    char scripts[CLIENTS_MAX][128];
    pid_t pids[CLIENTS_MAX];

    if (clients > CLIENTS_MAX || first[clients] > c->count)
        abort();
    for (int i = 0; i < clients; i++) {
        (void) snprintf(scripts[i], sizeof scripts[i], "%.90s/play-%d.sql", world_folder(), i);
        write_script(c, scripts[i], first[i], first[i + 1]);
    }
    double took = 0;
    for (int i = 0; i < clients; i++)
        pids[i] = start_pgbench(c, database, scripts[i]);
    for (int i = 0; i < clients; i++)
        while (waitpid(pids[i], NULL, 0) < 0 && errno == EINTR)
            ;
    for (int i = 0; i < clients; i++) {
        const double one = look_at(scripts[i]);
        took = one > took ? one : took;
    }
    return took;
}
