/* logfile.c - a log with a bounded size: whole lines go in, full files step back in a row of names.
 *
 * The supervisor writes on behalf of the process, through a pipe, because a process that holds its
 * own file cannot be rotated without losing lines or teaching it a signal. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervise.h"

static void
logfile_reopen(struct logfile *log)
{
    struct stat found;

    log->fd = open(log->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    log->size = log->fd >= 0 && fstat(log->fd, &found) == 0 ? found.st_size : 0;
}

err_t
logfile_open(struct logfile *log, const char *folder, const char *name, int64_t size_max, int keep,
             struct err *err)
{
    *log = (struct logfile){ .fd = -1, .size_max = size_max, .keep = keep };
    if (asprintf(&log->path, "%s/%s.log", folder, name) < 0) {
        log->path = NULL;
        return err_set(err, ERR_INTERNAL, "supervise.memory", "no memory for a log's name");
    }
    logfile_reopen(log);
    if (log->fd < 0)
        return err_set(err, ERR_UNAVAILABLE, "supervise.log", "could not open %s: %s", log->path,
                       strerror(errno));
    return ERR_OK;
}

static void
step_back(struct logfile *log)
{
    char *from = NULL, *to = NULL;

    for (int i = log->keep; i > 0; i--) {
        const int made =
            i == 1 ? asprintf(&from, "%s", log->path) : asprintf(&from, "%s.%d", log->path, i - 1);
        if (made < 0)
            return;
        if (asprintf(&to, "%s.%d", log->path, i) >= 0) {
            (void) rename(from, to); /* a gap in the row is no fault */
            free(to);
        }
        free(from);
    }
    if (log->fd >= 0)
        (void) close(log->fd);
    logfile_reopen(log);
}

void
logfile_write(struct logfile *log, const void *bytes, size_t size)
{
    const char *at = bytes;

    if (log->size >= log->size_max)
        step_back(log);
    if (log->fd < 0)
        logfile_reopen(log);
    while (size > 0 && log->fd >= 0) {
        const ssize_t wrote = write(log->fd, at, size);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return;
        at += wrote;
        size -= (size_t) wrote;
        log->size += wrote;
    }
}

void
logfile_close(struct logfile *log)
{
    if (log->fd >= 0)
        (void) close(log->fd);
    free(log->path);
    log->path = NULL;
    log->fd = -1;
}
