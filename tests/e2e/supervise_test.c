/* supervise_test.c - huzhu-supervise against real processes: small shell scripts. */
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "eventually.h"

static const char supervise[] = HUZHU_BINARY_DIR "/bin/huzhu-supervise";

struct world {
    char folder[64];
    pid_t supervisor;
};

static char *
in_folder(const struct world *w, const char *name)
{
    static char paths[8][128];
    static unsigned next;
    char *path = paths[next++ % COUNT(paths)];

    (void) snprintf(path, sizeof paths[0], "%s/%s", w->folder, name);
    return path;
}

static void
write_table(const struct world *w, const char *processes)
{
    FILE *file = fopen(in_folder(w, "table"), "we");

    assert_non_null(file);
    (void) fprintf(file, "control %s/s\nlogs %s\nrotate 4096 2\n%s", w->folder, w->folder,
                   processes);
    assert_int_equal(fclose(file), 0);
}

static void
starts(struct world *w)
{
    w->supervisor = fork();
    if (w->supervisor == 0) {
        (void) execl(supervise, supervise, in_folder(w, "table"), NULL);
        _exit(127);
    }
    EVENTUALLY(access(in_folder(w, "s"), F_OK) == 0);
}

/* Asks and gives back the answer, which dies with the next one. */
static const char *
asks(const struct world *w, const char *words)
{
    static char answer[4096];
    char command[512];

    (void) snprintf(command, sizeof command, "%s --ask %s %s 2>&1", supervise, in_folder(w, "s"),
                    words);
    FILE *pipe = popen(command, "re");
    assert_non_null(pipe);
    const size_t got = fread(answer, 1, sizeof answer - 1, pipe);
    answer[got] = '\0';
    (void) pclose(pipe);
    return answer;
}

struct seen {
    char state[16];
    int pid;
    unsigned restarts;
};

static struct seen
sees(const struct world *w, const char *name)
{
    struct seen seen = { .pid = -1 };
    char line[64];
    long long seconds;

    (void) snprintf(line, sizeof line, "\n%s ", name);
    const char *at = strstr(asks(w, "status"), line);
    assert_non_null(at);
    assert_int_equal(sscanf(at + strlen(line), "%15s %d %lld %u", seen.state, &seen.pid, &seconds,
                            &seen.restarts),
                     4);
    return seen;
}

static bool
is_up_again(const struct world *w, const char *name, int old_pid)
{
    const struct seen seen = sees(w, name);

    return strcmp(seen.state, "up") == 0 && seen.pid != old_pid;
}

static char *
reads(const struct world *w, const char *name)
{
    static char text[16384];
    FILE *file = fopen(in_folder(w, name), "re");

    if (!file)
        return strcpy(text, ""); // NOLINT: constant and large enough
    const size_t got = fread(text, 1, sizeof text - 1, file);
    text[got] = '\0';
    (void) fclose(file);
    return text;
}

static bool
is_alive(int pid)
{
    return kill(pid, 0) == 0;
}

static int
a_world(void **state)
{
    struct world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    (void) snprintf(w->folder, sizeof w->folder, "/tmp/supervise-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    *state = w;
    return 0;
}

static int
no_world(void **state)
{
    struct world *w = *state;
    char command[128];

    if (w->supervisor > 0) {
        (void) kill(w->supervisor, SIGTERM);
        (void) waitpid(w->supervisor, NULL, 0);
    }
    (void) snprintf(command, sizeof command, "rm -rf %s", w->folder);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

static void
a_killed_process_comes_back(void **state)
{
    struct world *w = *state;

    write_table(w, "process a 1\nexec /bin/sleep 1000\n");
    starts(w);
    assert_string_equal(asks(w, "start all"), "ok\n");
    const struct seen before = sees(w, "a");
    assert_string_equal(before.state, "up");

    assert_string_equal(asks(w, "signal a KILL"), "ok\n");
    EVENTUALLY(is_up_again(w, "a", before.pid));
    assert_int_equal(sees(w, "a").restarts, 1);
}

/* Goal: a process that cannot live does not eat the machine. */
static void
a_process_that_dies_at_once_is_started_ever_more_rarely(void **state)
{
    struct world *w = *state;

    write_table(w, "process a 1\nexec /bin/false\n");
    starts(w);
    (void) asks(w, "start a");
    EVENTUALLY(sees(w, "a").restarts >= 3);
    const int64_t third_us = clock_monotonic_us();
    EVENTUALLY(sees(w, "a").restarts >= 5);
    /* Between the third and the fifth start lie at least half of 800 ms and half of 1600 ms. */
    assert_true(clock_monotonic_us() - third_us > INT64_C(900000));
}

static void
a_stopped_process_stays_down_and_restart_waits_for_the_new_one(void **state)
{
    struct world *w = *state;

    write_table(w, "process a 1\nexec /bin/sleep 1000\n");
    starts(w);
    (void) asks(w, "start all");
    const int first = sees(w, "a").pid;

    assert_string_equal(asks(w, "stop a"), "ok\n");
    assert_false(is_alive(first));
    assert_string_equal(sees(w, "a").state, "down");
    assert_string_equal(asks(w, "start a"), "ok\n");
    const int second = sees(w, "a").pid;
    assert_string_equal(asks(w, "restart a"), "ok\n");
    assert_true(is_up_again(w, "a", second));
    assert_false(is_alive(second));
}

static void
a_process_that_ignores_its_signal_is_killed_after_its_grace(void **state)
{
    struct world *w = *state;

    write_table(w, "process a 1\nstop TERM 300ms\n"
                   "exec /bin/sh -c \"trap '' TERM; echo ready; while :; do sleep 0.05; done\"\n");
    starts(w);
    (void) asks(w, "start all");
    EVENTUALLY(strstr(reads(w, "a.log"), "ready") != NULL);
    const int64_t begun_us = clock_monotonic_us();
    assert_string_equal(asks(w, "stop a"), "ok\n");
    assert_true(clock_monotonic_us() - begun_us >= INT64_C(300000));
}

/* Goal: the gateway drains before its services go, and the database goes last. */
static void
shutting_down_goes_from_the_highest_rank_to_the_lowest(void **state)
{
    struct world *w = *state;
    static const char *const names[] = { "base", "top", "middle" };
    char table[1024];
    size_t used = 0;

    for (int i = 0; i < 3; i++)
        used += (size_t) snprintf(
            table + used, sizeof table - used,
            "process %s %c\nenv PATH=/bin\nexec /bin/sh -c \"trap 'sleep 0.1; echo %s >>%s/order; "
            "exit' TERM; echo ready; while :; do sleep 0.02; done\"\n",
            names[i], "132"[i], names[i], w -> folder);
    write_table(w, table);
    starts(w);
    (void) asks(w, "start all");
    EVENTUALLY(strstr(reads(w, "top.log"), "ready") && strstr(reads(w, "base.log"), "ready") &&
               strstr(reads(w, "middle.log"), "ready"));
    assert_string_equal(asks(w, "quit"), "ok\n");
    assert_string_equal(reads(w, "order"), "top\nmiddle\nbase\n");
}

static void
logs_rotate_without_losing_a_line(void **state)
{
    struct world *w = *state;
    int lines = 0;

    write_table(w, "process a 1\nexec /bin/sh -c \"i=0; while [ $i -lt 150 ]; do echo line $i of "
                   "one hundred and fifty in all; i=$((i+1)); done; echo done; exec sleep 1000\"\n"
                   "env PATH=/bin\n");
    starts(w);
    (void) asks(w, "start all");
    EVENTUALLY(strstr(reads(w, "a.log"), "done") || strstr(reads(w, "a.log.1"), "done"));
    for (size_t i = 0; i < 3; i++) {
        const char *text = reads(w, (const char *[]){ "a.log", "a.log.1", "a.log.2" }[i]);
        for (const char *at = text; (at = strstr(at, "line ")); at++)
            lines++;
    }
    assert_int_equal(lines, 150);
}

/* Goal: kill -9 of the supervisor leaves nothing running, not even what refuses to end. */
static void
nothing_outlives_the_supervisor(void **state)
{
    struct world *w = *state;

    write_table(w, "process a 1\nexec /bin/sleep 1000\n"
                   "process b 1\nexec /bin/sh -c \"trap '' TERM QUIT; echo ready; while :; do "
                   "sleep 0.05; done\"\nenv PATH=/bin\n");
    starts(w);
    (void) asks(w, "start all");
    EVENTUALLY(strstr(reads(w, "b.log"), "ready") != NULL);
    const int polite = sees(w, "a").pid, deaf = sees(w, "b").pid;

    assert_int_equal(kill(w->supervisor, SIGKILL), 0);
    assert_int_equal(waitpid(w->supervisor, NULL, 0), w->supervisor);
    EVENTUALLY(!is_alive(polite));
    assert_true(is_alive(deaf));

    assert_int_equal(unlink(in_folder(w, "s")), 0);
    starts(w); /* the next supervisor clears away what the last one left */
    EVENTUALLY(!is_alive(deaf));
}

static void
a_reload_adds_and_removes_processes_and_leaves_the_others_alone(void **state)
{
    struct world *w = *state;

    write_table(w, "process a 1\nexec /bin/sleep 1000\nprocess b 1\nexec /bin/sleep 1000\n");
    starts(w);
    (void) asks(w, "start all");
    const int a = sees(w, "a").pid, b = sees(w, "b").pid;

    write_table(w, "process c 1\nexec /bin/sleep 1000\nprocess a 1\nexec /bin/sleep 1001\n");
    assert_string_equal(asks(w, "reload"), "ok\n");
    assert_string_equal(asks(w, "start c"), "ok\n");
    assert_int_equal(sees(w, "a").pid, a);
    EVENTUALLY(!is_alive(b) && !strstr(asks(w, "status"), "\nb "));

    write_table(w, "process a 1\nnonsense\n");
    assert_string_equal(asks(w, "reload"), "error: see the log\n");
    assert_int_equal(sees(w, "a").pid, a);
}

static void
two_supervisors_of_one_instance_do_not_meet(void **state)
{
    struct world *w = *state;
    char command[256];

    write_table(w, "process a 1\nexec /bin/sleep 1000\n");
    starts(w);
    (void) snprintf(command, sizeof command, "%s %s 2>/dev/null", supervise, in_folder(w, "table"));
    const int status = system(command);
    assert_int_equal(WEXITSTATUS(status), 3);
}

static void
a_table_with_a_fault_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *says, *lines;
    } cases[] = {
        { ":4: a process needs a name", "process A 1\n" },
        { ":4: a rank is one digit", "process a 12\n" },
        { ":6: two processes", "process a 1\nexec /bin/true\nprocess a 2\n" },
        { ":4: this belongs to a process", "exec /bin/true\n" },
        { ":5: exec needs an absolute path", "process a 1\nexec true\n" },
        { ":5: stop needs", "process a 1\nstop NONE 1s\n" },
        { ":5: env needs", "process a 1\nenv NAME\n" },
        { ":4: a process has no exec", "process a 1\n" },
        { ":4: rotate needs", "rotate 1 1\n" },
    };
    struct world *w = *state;
    char command[256], answer[512];

    for (size_t i = 0; i < COUNT(cases); i++) {
        write_table(w, cases[i].lines);
        (void) snprintf(command, sizeof command, "%s %s 2>&1", supervise, in_folder(w, "table"));
        FILE *pipe = popen(command, "re");
        assert_non_null(pipe);
        const size_t got = fread(answer, 1, sizeof answer - 1, pipe);
        answer[got] = '\0';
        assert_int_equal(WEXITSTATUS(pclose(pipe)), 2);
        if (!strstr(answer, cases[i].says))
            fail_msg("%s: %s", cases[i].says, answer);
    }
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, a_world, no_world)
    const struct CMUnitTest tests[] = {
        CASE(a_killed_process_comes_back),
        CASE(a_process_that_dies_at_once_is_started_ever_more_rarely),
        CASE(a_stopped_process_stays_down_and_restart_waits_for_the_new_one),
        CASE(a_process_that_ignores_its_signal_is_killed_after_its_grace),
        CASE(shutting_down_goes_from_the_highest_rank_to_the_lowest),
        CASE(logs_rotate_without_losing_a_line),
        CASE(nothing_outlives_the_supervisor),
        CASE(a_reload_adds_and_removes_processes_and_leaves_the_others_alone),
        CASE(two_supervisors_of_one_instance_do_not_meet),
        CASE(a_table_with_a_fault_is_refused_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
