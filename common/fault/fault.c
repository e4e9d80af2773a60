/* fault.c - counts the crossings of fault points; tests alone arm them. */
#include "fault/fault.h"

#ifdef HUZHU_FAULTS

#include <signal.h>
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

bool
fault_hit(const char *point)
{
    crash_if_told(point);
    if (armed.countdown == 0 || (armed.point && strcmp(armed.point, point) != 0) ||
        --armed.countdown > 0)
        return false;
    armed.fired = true;
    return true;
}

#else
typedef int fault_is_compiled_out; /* ISO C wants a declaration in every file */
#endif
