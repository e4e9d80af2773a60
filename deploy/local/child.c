/* child.c - the life of one process: start, stop, end, start again. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock/clock.h"
#include "log/log.h"
#include "supervise.h"

/* Back-off: 100 ms doubled up to 15 s, each between half and the whole of it, so that processes
 * which died of one cause do not come back in one moment.  A minute of life forgets the past. */
#define BACKOFF_FIRST_US INT64_C(100000)
#define BACKOFF_MAX_US INT64_C(15000000)
#define BACKOFF_FORGET_US INT64_C(60000000)

enum { LOG_PIPE_BYTES = 1024 * 1024, READ_BYTES = 65536, EXEC_FAILED = 127 };

/* In every child's environment; how a later supervisor knows what an earlier one left. */
static const char mark_name[] = "HUZHU_SUPERVISOR";

static int64_t
backoff_us(unsigned failures)
{
    const unsigned doublings = failures < 8 ? failures : 8;
    int64_t delay = BACKOFF_FIRST_US << doublings;
    uint32_t dice;

    if (delay > BACKOFF_MAX_US)
        delay = BACKOFF_MAX_US;
    random_bytes(&dice, sizeof dice);
    return delay / 2 + (int64_t) ((uint64_t) (delay / 2) * dice / UINT32_MAX);
}

/* In the child.  Does not return. */
static _Noreturn void
become(const struct process *process, char **environment, int output, pid_t supervisor)
{
    sigset_t none;
    const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    /* A session of its own: a terminal's Ctrl-C is the supervisor's affair alone. */
    (void) setsid();
    (void) sigemptyset(&none);
    (void) sigprocmask(SIG_SETMASK, &none, NULL);
    (void) signal(SIGPIPE, SIG_DFL);
    /* Whatever ends the supervisor ends its processes, in their own way of ending. */
    (void) prctl(PR_SET_PDEATHSIG, process->stop_signal);
    if (getppid() != supervisor)
        _exit(EXEC_FAILED);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
        dup2(output, STDERR_FILENO) < 0)
        _exit(EXEC_FAILED);
    (void) execve(process->arguments[0], process->arguments, environment);
    (void) dprintf(STDERR_FILENO, "could not run %s: %s\n", process->arguments[0], strerror(errno));
    _exit(EXEC_FAILED);
}

static void
start_failed(struct process *process, const char *what)
{
    LOG(ERROR, NULL, "process.not_started", L_TEXT("name", process->name), L_TEXT("step", what),
        L_TEXT("cause", strerror(errno)));
    process->state = PROCESS_WAITING;
    process->due_us = clock_monotonic_us() + backoff_us(process->failures++);
}

static bool
open_log(struct process *process, const struct table *table)
{
    struct err err = { 0 };

    process->log.size_max = table->log_size_max;
    process->log.keep = table->log_keep;
    return process->log.path || logfile_open(&process->log, table->logs, process->name,
                                             table->log_size_max, table->log_keep, &err) == ERR_OK;
}

void
process_start(struct process *process, const struct table *table)
{
    char *environment[VARIABLES_MAX + 2] = { NULL };
    char *mark = NULL;
    int ends[2];
    size_t used = 0;

    process->wanted = true;
    if (process->state == PROCESS_UP || process->state == PROCESS_STOPPING)
        return; /* STOPPING: starts when it has ended */
    if (!open_log(process, table))
        return start_failed(process, "log");
    if (pipe2(ends, O_CLOEXEC) != 0)
        return start_failed(process, "pipe");
    (void) fcntl(ends[0], F_SETPIPE_SZ, LOG_PIPE_BYTES); /* the default does too */
    (void) fcntl(ends[0], F_SETFL, O_NONBLOCK);

    for (; process->variables[used]; used++)
        environment[used] = process->variables[used];
    if (asprintf(&mark, "%s=%s", mark_name, table->control) >= 0)
        environment[used] = mark;
    const pid_t supervisor = getpid();
    const pid_t pid = fork();
    if (pid == 0)
        become(process, environment, ends[1], supervisor);
    free(mark);
    (void) close(ends[1]);
    if (pid < 0) {
        (void) close(ends[0]);
        return start_failed(process, "fork");
    }
    process->pipe = ends[0];
    process->pid = pid;
    process->state = PROCESS_UP;
    process->started_us = clock_monotonic_us();
    LOG(INFO, NULL, "process.started", L_TEXT("name", process->name), L_INT("pid", pid));
}

void
process_stop(struct process *process)
{
    process->wanted = false;
    if (process->state == PROCESS_WAITING)
        process->state = PROCESS_DOWN;
    if (process->state != PROCESS_UP)
        return;
    process->state = PROCESS_STOPPING;
    process->due_us = clock_monotonic_us() + process->grace_us;
    (void) kill(process->pid, process->stop_signal);
    (void) kill(process->pid, SIGCONT); /* one that a test has frozen must hear it too */
}

void
process_read_pipe(struct process *process)
{
    static char bytes[READ_BYTES];

    while (process->pipe >= 0) {
        const ssize_t got = read(process->pipe, bytes, sizeof bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0) {
            (void) close(process->pipe);
            process->pipe = -1;
            return;
        }
        logfile_write(&process->log, bytes, (size_t) got);
        if ((size_t) got < sizeof bytes)
            return; /* the loop asks again; one talker must not hold up the others */
    }
}

void
process_ended(struct process *process, int status)
{
    const int64_t now_us = clock_monotonic_us();
    const bool asked = process->state == PROCESS_STOPPING;

    /* What it forked and left in its group goes with it. */
    (void) kill(-process->pid, SIGKILL);
    process_read_pipe(process);
    if (process->pipe >= 0)
        (void) close(process->pipe);
    process->pipe = -1;
    process->last_status = status;
    if (now_us - process->started_us > BACKOFF_FORGET_US)
        process->failures = 0;
    LOG(INFO, NULL, "process.ended", L_TEXT("name", process->name), L_INT("pid", process->pid),
        L_TEXT("asked", asked ? "yes" : "no"),
        L_INT("exit_status", WIFEXITED(status) ? WEXITSTATUS(status) : -1),
        L_INT("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0));
    process->pid = 0;
    process->state = PROCESS_DOWN;
    if (!process->wanted)
        return;
    process->state = PROCESS_WAITING;
    process->due_us = asked ? now_us : now_us + backoff_us(process->failures++);
}

void
process_tick(struct process *process, const struct table *table, int64_t now_us)
{
    if (process->state == PROCESS_WAITING && now_us >= process->due_us) {
        process->state = PROCESS_DOWN;
        process->restarts++;
        process_start(process, table);
    } else if (process->state == PROCESS_STOPPING && now_us >= process->due_us) {
        LOG(WARNING, NULL, "process.killed", L_TEXT("name", process->name),
            L_INT("grace_ms", process->grace_us / 1000));
        (void) kill(process->pid, SIGKILL);
        process->due_us = now_us + process->grace_us;
    }
}

const char *
process_state_name(const struct process *process)
{
    static const char *const names[] = { [PROCESS_DOWN] = "down",
                                         [PROCESS_UP] = "up",
                                         [PROCESS_STOPPING] = "stopping",
                                         [PROCESS_WAITING] = "waiting" };

    return names[process->state];
}

/* Whether /proc/PID/environ holds our mark with this instance's socket. */
static bool
is_ours(pid_t pid, const char *mark)
{
    static char environment[READ_BYTES];
    char path[64];
    const size_t mark_size = strlen(mark) + 1;

    (void) snprintf(path, sizeof path, "/proc/%d/environ", (int) pid);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    const ssize_t got = read(fd, environment, sizeof environment - 1);
    (void) close(fd);
    if (got <= 0)
        return false;
    environment[got] = '\0';
    return memmem(environment, (size_t) got + 1, mark, mark_size) != NULL;
}

/* SIGQUIT first: to PostgreSQL it is the immediate shutdown, which keeps its shared memory tidy. */
static int
signal_orphans(const char *mark, int number)
{
    DIR *proc = opendir("/proc");
    const struct dirent *entry;
    int found = 0;

    while (proc && (entry = readdir(proc))) {
        char *end;
        const long pid = strtol(entry->d_name, &end, 10);
        if (*end || pid <= 1 || pid == getpid() || !is_ours((pid_t) pid, mark))
            continue;
        found++;
        (void) kill((pid_t) pid, SIGCONT);
        (void) kill((pid_t) pid, number);
    }
    if (proc)
        (void) closedir(proc);
    return found;
}

void
process_end_orphans(const struct table *table)
{
    enum { ROUNDS_MAX = 100, QUIT_ROUNDS = 50 };
    const struct timespec pause = { .tv_nsec = 50000000 };
    char *mark = NULL;
    int found = 1;

    if (asprintf(&mark, "%s=%s", mark_name, table->control) < 0)
        return;
    for (int round = 0; found > 0 && round < ROUNDS_MAX; round++) {
        found = signal_orphans(mark, round < QUIT_ROUNDS ? SIGQUIT : SIGKILL);
        if (found == 0)
            break;
        if (round == 0)
            LOG(WARNING, NULL, "orphans.found", L_INT("count", found));
        (void) nanosleep(&pause, NULL);
    }
    free(mark);
}
