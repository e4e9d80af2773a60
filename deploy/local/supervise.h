/* supervise.h - the pieces of huzhu-supervise, which keeps one instance's processes running.
 *
 * One thread, one loop.  What is to run is a table (table.c); how one process lives is child.c;
 * what it says goes through a pipe into a log that rotates by size (logfile.c); what an operator
 * asks comes over a unix socket (control.c).  The supervisor knows nothing of databases or buses.
 */
#ifndef HUZHU_SUPERVISE_H
#define HUZHU_SUPERVISE_H

#include <stdio.h>
#include <sys/types.h>

#include "err/err.h"

#define NAME_BYTES_MAX 32
#define PROCESSES_MAX 64 /* two brokers, seven services with replicas, gateway, PostgreSQL */
#define ARGUMENTS_MAX 48
#define VARIABLES_MAX 64
#define CLIENTS_MAX 16
#define RANK_MAX 9

/* A log: NAME.log, and when that is full NAME.log.1 (the newest) to NAME.log.<keep>. */
struct logfile {
    char *path;
    int fd;
    int64_t size, size_max;
    int keep;
};
err_t logfile_open(struct logfile *log, const char *folder, const char *name, int64_t size_max,
                   int keep, struct err *err) MUST_CHECK;
/* Never fails to its caller: a full disk costs lines, not service. */
void logfile_write(struct logfile *log, const void *bytes, size_t size);
void logfile_close(struct logfile *log);

/* One line of the table, with what became of it. */
enum process_state { PROCESS_DOWN, PROCESS_UP, PROCESS_STOPPING, PROCESS_WAITING };

struct process {
    char name[NAME_BYTES_MAX];
    int rank; /* stopped from the highest rank down, started from the lowest up */
    int stop_signal;
    int64_t grace_us; /* from the stop signal to SIGKILL */
    char *arguments[ARGUMENTS_MAX + 1];
    char *variables[VARIABLES_MAX + 1]; /* the whole environment: nothing is inherited */

    enum process_state state;
    bool wanted; /* should be up */
    bool stale;  /* no longer in the table: goes when it is down */
    pid_t pid;
    int64_t started_us; /* monotonic */
    int64_t due_us;     /* WAITING: start then; STOPPING: SIGKILL then */
    unsigned restarts;  /* since the supervisor started */
    unsigned failures;  /* in a row: the back-off's exponent */
    int last_status;    /* as waitpid() gave it */
    int pipe;           /* its stdout and stderr; -1 */
    struct logfile log;
};

struct table {
    char *control, *logs; /* the unix socket; the folder of the logs */
    int64_t log_size_max;
    int log_keep;
    struct process *processes[PROCESSES_MAX]; /* in the file's order */
    size_t count;
};

/* The table file: one directive a line, '#' starts a comment.
 *
 *   control PATH            logs FOLDER            rotate BYTES KEEP
 *   process NAME RANK       begins a process, to which belong:
 *   stop SIGNAL DURATION    default TERM 10s
 *   env NAME=VALUE          the rest of the line is the value
 *   exec PROGRAM [WORD...]  words are parted by blanks; a word in "..." may hold blanks */
err_t table_load(const char *path, struct table **table, struct err *err) MUST_CHECK;
void table_destroy(struct table *table);
DEFINE_OWNED(struct table, table_destroy)
void process_destroy(struct process *process);
struct process *table_find(const struct table *table, const char *name);
/* Takes over what `newer` says.  Running processes keep running; new settings count from the next
 * start on, and a process that is no longer named is stopped. */
void table_merge(struct table *table, struct table *newer);

/* A signal by its name without "SIG"; 0 when it is none that makes sense here. */
int signal_by_name(const char *name);

void process_start(struct process *process, const struct table *table);
void process_stop(struct process *process);
/* `status` of waitpid(): decides whether and when it starts again. */
void process_ended(struct process *process, int status);
void process_read_pipe(struct process *process);
/* Does what is due at now_us (start after back-off, SIGKILL after grace). */
void process_tick(struct process *process, const struct table *table, int64_t now_us);
const char *process_state_name(const struct process *process);
/* Processes that a supervisor which was itself killed has left behind are ended, before new ones
 * contend with them for sockets and data. */
void process_end_orphans(const struct table *table);

/* What an operator may ask; see control.c. */
struct control {
    int fd; /* listens */
    struct client {
        int fd; /* -1: free */
        enum client_wait { WAIT_LINE, WAIT_DOWN, WAIT_UP, WAIT_QUIT } wait;
        char name[NAME_BYTES_MAX]; /* what WAIT_DOWN and WAIT_UP wait for; "": all */
        char line[128];
        size_t used;
    } clients[CLIENTS_MAX];
};

struct supervisor {
    const char *table_path;
    struct table *table;
    struct control control;
    bool quitting;
};

err_t control_open(struct control *control, const char *path, struct err *err) MUST_CHECK;
void control_close(struct control *control, const char *path);
void control_accept(struct control *control);
void control_read(struct supervisor *s, struct client *client);
/* Answers the clients whose wait is over. */
void control_tick(struct supervisor *s);
/* The other end: sends one line, prints the answer; 0 when it begins with "ok". */
int control_send(const char *path, int count, char **words);

err_t supervisor_reload(struct supervisor *s, struct err *err) MUST_CHECK;
void supervisor_status(const struct supervisor *s, FILE *out);

#endif
