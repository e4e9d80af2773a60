/* fault_test.c - a process armed from outside dies once, where it was told to. */
#include "test.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault/fault.h"

#ifdef HUZHU_FAULTS
static char folder[] = "/tmp/hzt-fault-XXXXXX";

static bool
is_there(const char *name)
{
    char path[PATH_MAX];

    (void) snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

static void
lay(const char *name)
{
    char path[PATH_MAX];

    (void) snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

/* Whether a process that crosses the point within `what` is killed there. */
static bool
dies(const char *point, const char *what)
{
    int status;
    const pid_t pid = fork();

    if (pid == 0) {
        fault_within(what);
        (void) fault_hit(point);
        _exit(0);
    }
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static void
an_armed_point_kills_one_process_once(void **state)
{
    (void) state;
    assert_false(dies("db.commit", "ApproveList"));
    lay("db.commit@ApproveList");
    assert_false(dies("db.run", "ApproveList"));
    assert_false(dies("db.commit", "SendBatch"));
    assert_true(is_there("db.commit@ApproveList"));
    assert_true(dies("db.commit", "ApproveList"));
    assert_false(is_there("db.commit@ApproveList"));
    assert_false(dies("db.commit", "ApproveList"));

    lay("db.run@ListApproved"); /* of an event's full name the last part counts */
    assert_true(dies("db.run", "huzhu.disbursement.v1.ListApproved"));
    lay("feed.move"); /* within whatever it is */
    assert_true(dies("feed.move", "ListApproved"));
    assert_false(dies("feed.move", "ListApproved"));
}

static void
crossings_are_noted_while_somebody_wants_to_know(void **state)
{
    char path[PATH_MAX], line[64];

    (void) state;
    (void) snprintf(path, sizeof path, "%s/crossed", folder);
    assert_false(dies("db.begin", "SendBatch"));
    assert_int_not_equal(access(path, F_OK), 0);
    lay("crossed");
    assert_false(dies("db.begin", "SendBatch"));
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    assert_string_equal(line, "db.begin@SendBatch\n");
    assert_null(fgets(line, sizeof line, file));
    assert_int_equal(fclose(file), 0);
    assert_int_equal(unlink(path), 0);
}

static int
folder_open(void **state)
{
    (void) state;
    return mkdtemp(folder) && setenv("HUZHU_CRASH_FOLDER", folder, 1) == 0 ? 0 : -1;
}

static int
folder_close(void **state)
{
    (void) state;
    return rmdir(folder);
}
#endif

int
main(void)
{
#ifdef HUZHU_FAULTS
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_armed_point_kills_one_process_once),
        cmocka_unit_test(crossings_are_noted_while_somebody_wants_to_know),
    };
    return cmocka_run_group_tests(tests, folder_open, folder_close);
#else
    (void) puts("skipped: this build has no fault points");
    return 0;
#endif
}
