/* process.c - our programs as processes of a test. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void
setting(const char *name, const char *value)
{
    if (setenv(name, value, 1) != 0)
        abort();
}

void
no_setting(const char *name)
{
    if (unsetenv(name) != 0)
        abort();
}

static void
path_of(const char *name, char path[static 512])
{
    (void) snprintf(path, 512, "%s/bin/%s", HUZHU_BINARY_DIR, name);
}

bool
program_exists(const char *name)
{
    char path[512];

    path_of(name, path);
    return access(path, X_OK) == 0;
}

pid_t
program_start(const char *folder, const char *name, const char *verb)
{
    char path[512], log[256];
    const pid_t parent = getpid(), pid = fork();

    if (pid != 0)
        return pid;
    path_of(name, path);
    (void) snprintf(log, sizeof log, "%s/%s", folder, name);
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (getppid() != parent) /* the test is gone already */
        _exit(124);
    if (fd < 0 || dup2(fd, STDERR_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0) {
        perror(log);
        _exit(126);
    }
    execl(path, path, verb, NULL);
    _exit(127);
}

int
program_status(pid_t pid)
{
    int status = -1;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int
program_run(const char *folder, const char *name, const char *verb)
{
    return program_status(program_start(folder, name, verb));
}

int
program_end(pid_t pid, int signal_number)
{
    return pid > 0 && kill(pid, signal_number) == 0 ? program_status(pid) : -1;
}
