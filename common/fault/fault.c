/* fault.c - counts the crossings of fault points; tests alone arm them. */
#include "fault/fault.h"

#ifdef HUZHU_FAULTS

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Thread_local struct {
    const char *point; /* NULL: any */
    int countdown;     /* 0: disarmed */
    bool fired;
} armed;

void
fault_arm(const char *point, int n)
{
    armed.point = point;
    armed.countdown = n;
    armed.fired = false;
}

void
fault_arm_nth(int nth)
{
    fault_arm(NULL, nth);
}

bool
fault_fired(void)
{
    return armed.fired;
}

static _Thread_local char within[64]; /* a copy: what it was taken from may be an event's memory */

void
fault_within(const char *what)
{
    const char *dot = strrchr(what, '.');

    (void) snprintf(within, sizeof within, "%s", dot ? dot + 1 : what);
}

/* HUZHU_CRASH_AT=point kills the process at the first crossing, as a power cut would.  The harness
 * sets it for one process; a file named HUZHU_CRASH_ONCE is removed first, so that the restarted
 * process lives. */
static void
crash_if_told(const char *point)
{
    const char *at = getenv("HUZHU_CRASH_AT"), *once = getenv("HUZHU_CRASH_ONCE");

    if (at && strcmp(at, point) == 0 && (!once || unlink(once) == 0))
        (void) kill(getpid(), SIGKILL);
}

/* HUZHU_CRASH_FOLDER lets a test arm a running process, for one death: whose crossing takes away
 * the file POINT or POINT@WITHIN dies there, and the next finds nothing. */
static void
crash_if_armed(const char *folder, const char *point)
{
    char path[PATH_MAX];

    (void) snprintf(path, sizeof path, "%s/%s@%s", folder, point, within);
    if (unlink(path) == 0)
        (void) kill(getpid(), SIGKILL);
    (void) snprintf(path, sizeof path, "%s/%s", folder, point);
    if (unlink(path) == 0)
        (void) kill(getpid(), SIGKILL);
}

/* Into FOLDER/crossed, if there is one: so a test learns which points lie on a path. */
static void
note_crossing(const char *folder, const char *point)
{
    char path[PATH_MAX];

    (void) snprintf(path, sizeof path, "%s/crossed", folder);
    const int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0)
        return;
    (void) dprintf(fd, "%s@%s\n", point, within);
    (void) close(fd);
}

bool
fault_hit(const char *point)
{
    const char *folder = getenv("HUZHU_CRASH_FOLDER");

    crash_if_told(point);
    if (folder) {
        note_crossing(folder, point);
        crash_if_armed(folder, point);
    }
    if (armed.countdown == 0 || (armed.point && strcmp(armed.point, point) != 0) ||
        --armed.countdown > 0)
        return false;
    armed.fired = true;
    return true;
}

#else
typedef int fault_is_compiled_out; /* ISO C wants a declaration in every file */
#endif
