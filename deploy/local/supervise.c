/* supervise.c - huzhu-supervise: one instance's processes, without systemd.
 *
 *   huzhu-supervise TABLE               runs in the foreground until SIGTERM, SIGINT or `quit`
 *   huzhu-supervise --ask SOCKET WORD...  speaks to one that runs
 *
 * Made for machines whose PID 1 may be anything.  It is a subreaper and every process dies with it,
 * so `hz down` and even kill -9 leave nothing behind; the only state is the table it was given. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock/clock.h"
#include "log/log.h"
#include "supervise.h"

enum { POLL_MAX = 2 + CLIENTS_MAX + PROCESSES_MAX, TICK_MS_MAX = 1000 };

void
supervisor_status(const struct supervisor *s, FILE *out)
{
    const int64_t now_us = clock_monotonic_us();

    for (size_t i = 0; i < s->table->count; i++) {
        const struct process *p = s->table->processes[i];
        (void) fprintf(out, "%s %s %d %lld %u %d\n", p->name, process_state_name(p), (int) p->pid,
                       p->pid ? (long long) ((now_us - p->started_us) / US_PER_SECOND) : 0LL,
                       p->restarts, p->last_status);
    }
}

err_t
supervisor_reload(struct supervisor *s, struct err *err)
{
    OWNED(table_destroy) struct table *newer = NULL;
    const err_t code = table_load(s->table_path, &newer, err);

    if (code != ERR_OK) {
        LOG(ERROR, NULL, "table.refused", L_TEXT("cause", err->text));
        return code;
    }
    table_merge(s->table, newer);
    LOG0(INFO, NULL, "table.reloaded");
    return ERR_OK;
}

static void
reap(struct supervisor *s)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (size_t i = 0; i < s->table->count; i++) {
            if (s->table->processes[i]->pid == pid)
                process_ended(s->table->processes[i], status);
        }
    }
}

static void
drop_stale(struct table *table)
{
    size_t kept = 0;

    for (size_t i = 0; i < table->count; i++) {
        struct process *process = table->processes[i];
        if (process->stale && process->state == PROCESS_DOWN)
            process_destroy(process);
        else
            table->processes[kept++] = process;
    }
    table->count = kept;
}

/* Rank by rank from the top; true when nothing runs any more. */
static bool
wind_down(struct supervisor *s)
{
    int top = -1;

    for (size_t i = 0; i < s->table->count; i++) {
        const struct process *process = s->table->processes[i];
        if (process->state != PROCESS_DOWN && process->rank > top)
            top = process->rank;
    }
    for (size_t i = 0; i < s->table->count; i++) {
        struct process *process = s->table->processes[i];
        if (process->rank == top && process->state != PROCESS_STOPPING)
            process_stop(process);
        else
            process->wanted = process->wanted && process->rank < top;
    }
    return top < 0;
}

static int
wait_ms(const struct supervisor *s)
{
    const int64_t now_us = clock_monotonic_us();
    int64_t left_us = TICK_MS_MAX * INT64_C(1000);

    for (size_t i = 0; i < s->table->count; i++) {
        const struct process *p = s->table->processes[i];
        if ((p->state == PROCESS_WAITING || p->state == PROCESS_STOPPING) &&
            p->due_us - now_us < left_us)
            left_us = p->due_us - now_us;
    }
    return left_us > 0 ? (int) (left_us / 1000 + 1) : 0;
}

static void
hear_signals(struct supervisor *s, int signals)
{
    struct signalfd_siginfo info;

    while (read(signals, &info, sizeof info) == (ssize_t) sizeof info) {
        struct err err = { 0 };
        if (info.ssi_signo == SIGHUP && supervisor_reload(s, &err) != ERR_OK)
            continue; /* it has logged why, and goes on with what it had */
        if (info.ssi_signo != SIGCHLD && info.ssi_signo != SIGHUP)
            s->quitting = true;
    }
}

/* Waits for anything and handles what came. */
static void
turn(struct supervisor *s, int signals)
{
    struct pollfd polls[POLL_MAX] = { { .fd = signals, .events = POLLIN },
                                      { .fd = s->control.fd, .events = POLLIN } };
    nfds_t used = 2;

    for (size_t i = 0; i < CLIENTS_MAX; i++)
        polls[used++] = (struct pollfd){ .fd = s->control.clients[i].fd, .events = POLLIN };
    const size_t count = s->table->count; /* obeying a client may add to the table */
    for (size_t i = 0; i < count; i++)
        polls[used++] = (struct pollfd){ .fd = s->table->processes[i]->pipe, .events = POLLIN };
    if (poll(polls, used, wait_ms(s)) < 0)
        return;

    for (size_t i = 0; i < count; i++) {
        if (polls[2 + CLIENTS_MAX + i].revents)
            process_read_pipe(s->table->processes[i]);
    }
    hear_signals(s, signals);
    reap(s);
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        if (polls[2 + i].revents)
            control_read(s, &s->control.clients[i]);
    }
    if (polls[1].revents)
        control_accept(&s->control);
}

/* The supervisor's own log is its stderr; being its only writer, it can rotate it by hand. */
static void
rotate_own(struct logfile *own)
{
    struct stat found;

    if (fstat(own->fd, &found) != 0 || found.st_size < own->size_max)
        return;
    own->size = found.st_size;
    logfile_write(own, "", 0);
    (void) dup2(own->fd, STDERR_FILENO);
}

static int
run(struct supervisor *s, int signals)
{
    struct logfile own = { .fd = -1 };
    struct err err = { 0 };

    if (logfile_open(&own, s->table->logs, "supervise", s->table->log_size_max, s->table->log_keep,
                     &err) != ERR_OK ||
        control_open(&s->control, s->table->control, &err) != ERR_OK) {
        (void) fprintf(stderr, "%s\n", err.text);
        logfile_close(&own);
        return 1;
    }
    (void) dup2(own.fd, STDERR_FILENO);
    LOG(INFO, NULL, "supervisor.started", L_INT("pid", getpid()));
    process_end_orphans(s->table);
    for (;;) {
        const int64_t now_us = clock_monotonic_us();
        if (s->quitting && wind_down(s))
            break;
        for (size_t i = 0; i < s->table->count; i++)
            process_tick(s->table->processes[i], s->table, now_us);
        drop_stale(s->table);
        control_tick(s);
        rotate_own(&own);
        turn(s, signals);
    }
    control_tick(s);
    control_close(&s->control, s->table->control);
    LOG0(INFO, NULL, "supervisor.ended");
    logfile_close(&own);
    return 0;
}

/* One supervisor per instance: the lock lives as long as the process. */
static bool
take_lock(const char *control)
{
    char *path = NULL;

    if (asprintf(&path, "%s.lock", control) < 0)
        return false;
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    free(path);
    return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

int
main(int argc, char **argv)
{
    OWNED(table_destroy) struct table *table = NULL;
    struct err err = { 0 };
    sigset_t heard;

    if (argc >= 4 && strcmp(argv[1], "--ask") == 0)
        return control_send(argv[2], argc - 3, argv + 3);
    if (argc != 2 || argv[1][0] == '-') {
        (void) fprintf(stderr, "usage: huzhu-supervise TABLE\n"
                               "       huzhu-supervise --ask SOCKET status|quit|reload|start all\n"
                               "       huzhu-supervise --ask SOCKET start|stop|restart NAME\n"
                               "       huzhu-supervise --ask SOCKET signal NAME SIGNAL\n");
        return 2;
    }
    log_open("supervise", LOG_INFO);
    if (table_load(argv[1], &table, &err) != ERR_OK) {
        (void) fprintf(stderr, "%s\n", err.text);
        return 2;
    }
    if (!take_lock(table->control)) {
        (void) fprintf(stderr, "a supervisor runs already with %s\n", table->control);
        return 3;
    }
    (void) sigemptyset(&heard);
    for (size_t i = 0; i < 5; i++)
        (void) sigaddset(&heard, (const int[]){ SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT }[i]);
    (void) sigprocmask(SIG_BLOCK, &heard, NULL);
    (void) signal(SIGPIPE, SIG_IGN);
    (void) prctl(PR_SET_CHILD_SUBREAPER, 1);
    const int signals = signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0)
        return 1;
    struct supervisor s = { .table_path = argv[1], .table = table, .control = { .fd = -1 } };
    return run(&s, signals);
}
