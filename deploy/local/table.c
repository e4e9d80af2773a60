/* table.c - reads what is to run. */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "supervise.h"

enum { GRACE_MS_DEFAULT = 10000, LOG_KEEP_DEFAULT = 4, LOG_KEEP_MAX = 99 };
#define LOG_BYTES_DEFAULT (INT64_C(16) * 1024 * 1024)
#define LOG_BYTES_MIN INT64_C(4096)

struct reader {
    struct table *table;
    struct process *process; /* the one that the lines belong to */
    const char *path;
    int line;
    struct err *err;
};

int
signal_by_name(const char *name)
{
    static const struct {
        const char *name;
        int number;
    } signals[] = {
        { "TERM", SIGTERM }, { "INT", SIGINT },   { "QUIT", SIGQUIT },
        { "KILL", SIGKILL }, { "HUP", SIGHUP },   { "USR1", SIGUSR1 },
        { "USR2", SIGUSR2 }, { "STOP", SIGSTOP }, { "CONT", SIGCONT },
    };

    for (size_t i = 0; i < COUNT(signals); i++) {
        if (strcmp(signals[i].name, name) == 0)
            return signals[i].number;
    }
    return 0;
}

static err_t
fault(struct reader *r, const char *what)
{
    return err_set(r->err, ERR_INVALID, "supervise.table", "%s:%d: %s", r->path, r->line, what);
}

/* Cuts the next word off *rest; NULL at the line's end.  A word may stand in double quotes. */
static char *
next_word(char **rest)
{
    char *at = *rest + strspn(*rest, " \t");
    char *end;

    if (*at == '\0')
        return NULL;
    if (*at == '"') {
        end = strchr(++at, '"');
        if (!end)
            return NULL;
    } else {
        end = at + strcspn(at, " \t");
    }
    *rest = *end ? end + 1 : end;
    *end = '\0';
    return at;
}

static err_t
append(struct reader *r, char **list, size_t room, const char *text)
{
    size_t used = 0;

    while (list[used])
        used++;
    if (used >= room)
        return fault(r, "too many words or variables");
    list[used] = strdup(text);
    return list[used] ? ERR_OK : fault(r, "no memory");
}

static err_t
read_process(struct reader *r, char *rest)
{
    const char *name = next_word(&rest), *rank = next_word(&rest);
    struct process *process;

    if (!name || !rank || strlen(name) >= NAME_BYTES_MAX ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(name))
        return fault(r, "a process needs a name (a-z, 0-9, -) and a rank");
    if (!isdigit((unsigned char) rank[0]) || rank[1])
        return fault(r, "a rank is one digit");
    if (table_find(r->table, name))
        return fault(r, "two processes have one name");
    if (r->table->count == PROCESSES_MAX)
        return fault(r, "too many processes");
    process = calloc(1, sizeof *process);
    if (!process)
        return fault(r, "no memory");
    (void) snprintf(process->name, sizeof process->name, "%s", name);
    process->rank = rank[0] - '0';
    process->stop_signal = SIGTERM;
    process->grace_us = GRACE_MS_DEFAULT * INT64_C(1000);
    process->pipe = process->log.fd = -1;
    r->table->processes[r->table->count++] = process;
    r->process = process;
    return ERR_OK;
}

static err_t
read_stop(struct reader *r, char *rest)
{
    const char *name = next_word(&rest), *grace = next_word(&rest);
    int64_t ms;

    if (!name || !grace || signal_by_name(name) == 0 || !conf_duration_parse(grace, &ms))
        return fault(r, "stop needs a signal and a duration, such as: stop TERM 10s");
    r->process->stop_signal = signal_by_name(name);
    r->process->grace_us = ms * 1000;
    return ERR_OK;
}

static err_t
read_exec(struct reader *r, char *rest)
{
    const char *word;

    if (r->process->arguments[0])
        return fault(r, "a process has one exec");
    while ((word = next_word(&rest)))
        TRY(append(r, r->process->arguments, ARGUMENTS_MAX, word));
    if (!r->process->arguments[0] || r->process->arguments[0][0] != '/')
        return fault(r, "exec needs an absolute path");
    return ERR_OK;
}

static err_t
read_path(struct reader *r, char **target, char *rest)
{
    const char *word = next_word(&rest);

    if (!word || word[0] != '/')
        return fault(r, "an absolute path is needed");
    free(*target);
    *target = strdup(word);
    return *target ? ERR_OK : fault(r, "no memory");
}

static err_t
read_rotate(struct reader *r, char *rest)
{
    const char *size = next_word(&rest), *keep = next_word(&rest);
    char *size_end = NULL, *keep_end = NULL;

    if (!size || !keep)
        return fault(r, "rotate needs a size and a number of files");
    r->table->log_size_max = strtoll(size, &size_end, 10);
    r->table->log_keep = (int) strtol(keep, &keep_end, 10);
    if (*size_end || *keep_end || r->table->log_size_max < LOG_BYTES_MIN ||
        r->table->log_keep < 1 || r->table->log_keep > LOG_KEEP_MAX)
        return fault(r, "rotate needs at least 4096 bytes and 1 to 99 files");
    return ERR_OK;
}

static err_t
read_line(struct reader *r, char *line)
{
    char *rest = line + strcspn(line, "\r\n");

    *rest = '\0';
    rest = line;
    const char *word = next_word(&rest);
    if (!word || word[0] == '#')
        return ERR_OK;
    if (strcmp(word, "control") == 0)
        return read_path(r, &r->table->control, rest);
    if (strcmp(word, "logs") == 0)
        return read_path(r, &r->table->logs, rest);
    if (strcmp(word, "rotate") == 0)
        return read_rotate(r, rest);
    if (strcmp(word, "process") == 0)
        return read_process(r, rest);
    if (!r->process)
        return fault(r, "this belongs to a process, and none has begun");
    if (strcmp(word, "stop") == 0)
        return read_stop(r, rest);
    if (strcmp(word, "exec") == 0)
        return read_exec(r, rest);
    if (strcmp(word, "env") == 0) {
        rest += strspn(rest, " \t");
        if (!strchr(rest, '=') || rest[0] == '=')
            return fault(r, "env needs NAME=VALUE");
        return append(r, r->process->variables, VARIABLES_MAX, rest);
    }
    return fault(r, "unknown directive");
}

static err_t
read_file(struct reader *r, FILE *file)
{
    char *line = NULL;
    size_t room = 0;
    err_t code = ERR_OK;

    while (code == ERR_OK && getline(&line, &room, file) >= 0) {
        r->line++;
        code = read_line(r, line);
    }
    free(line);
    TRY(code);
    if (!r->table->control || !r->table->logs)
        return fault(r, "the table names no control socket or no folder for logs");
    for (size_t i = 0; i < r->table->count; i++) {
        if (!r->table->processes[i]->arguments[0])
            return fault(r, "a process has no exec");
    }
    return ERR_OK;
}

err_t
table_load(const char *path, struct table **table, struct err *err)
{
    struct reader r = { .path = path, .err = err };
    FILE *file = fopen(path, "re");

    if (!file)
        return err_set(err, ERR_INVALID, "supervise.table", "could not open %s: %s", path,
                       strerror(errno));
    r.table = calloc(1, sizeof *r.table);
    if (!r.table) {
        (void) fclose(file);
        return err_set(err, ERR_INTERNAL, "supervise.memory", "no memory for the table");
    }
    r.table->log_size_max = LOG_BYTES_DEFAULT;
    r.table->log_keep = LOG_KEEP_DEFAULT;
    const err_t code = read_file(&r, file);
    (void) fclose(file);
    if (code == ERR_OK)
        *table = r.table;
    else
        table_destroy(r.table);
    return code;
}

static void
free_list(char **list)
{
    for (; *list; list++) {
        free(*list);
        *list = NULL;
    }
}

void
process_destroy(struct process *process)
{
    if (!process)
        return;
    free_list(process->arguments);
    free_list(process->variables);
    logfile_close(&process->log);
    free(process);
}

void
table_destroy(struct table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->count; i++)
        process_destroy(table->processes[i]);
    free(table->control);
    free(table->logs);
    free(table);
}

struct process *
table_find(const struct table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->processes[i]->name, name) == 0)
            return table->processes[i];
    }
    return NULL;
}

static void
take_settings(struct process *old, struct process *fresh)
{
    free_list(old->arguments);
    free_list(old->variables);
    memcpy(old->arguments, fresh->arguments, sizeof old->arguments);
    memcpy(old->variables, fresh->variables, sizeof old->variables);
    memset(fresh->arguments, 0, sizeof fresh->arguments);
    memset(fresh->variables, 0, sizeof fresh->variables);
    old->rank = fresh->rank;
    old->stop_signal = fresh->stop_signal;
    old->grace_us = fresh->grace_us;
    old->stale = false;
}

void
table_merge(struct table *table, struct table *newer)
{
    for (size_t i = 0; i < table->count; i++)
        table->processes[i]->stale = true;
    for (size_t i = 0; i < newer->count; i++) {
        struct process *old = table_find(table, newer->processes[i]->name);
        if (old)
            take_settings(old, newer->processes[i]);
        else if (table->count < PROCESSES_MAX)
            table->processes[table->count++] = TAKE(newer->processes[i]);
    }
    table->log_size_max = newer->log_size_max;
    table->log_keep = newer->log_keep;
    for (size_t i = 0; i < table->count; i++) {
        if (table->processes[i]->stale)
            process_stop(table->processes[i]);
    }
}
