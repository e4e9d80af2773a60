/* up_test.c - `hz up` and its companions do what an operator expects of them. */
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "eventually.h"
#include "platform.h"

enum { PROCESSES = 11, UP_MS_MAX = 5000, IDLE_KIB_MAX = 16 * 1024 };

static struct platform *p;
static struct administration admins;

static int
lines_with(const char *text, const char *word)
{
    int count = 0;

    for (const char *at = text; (at = strstr(at, word)); at++)
        count++;
    return count;
}

/* Whether hz says a word, with whatever status. */
static bool
answers(const struct platform *platform, const char *words, const char *word)
{
    int status;
    char *said = hz(platform, &status, words);
    const bool found = strstr(said, word) != NULL;

    free(said);
    return found;
}

/* Goal: from `hz up` on a built tree to healthy in under 5 s, database and keys made on the way. */
static void
it_is_healthy_within_five_seconds(void **state)
{
    double load[1] = { 0 };

    (void) state;
    (void) getloadavg(load, 1);
    print_message("hz up took %lld ms, with a load of %.1f\n", (long long) p->up_ms, load[0]);
#ifndef HUZHU_FAULTS /* sanitizers take their time, and so does a machine that is busy with others \
                      */
    if (load[0] < (double) sysconf(_SC_NPROCESSORS_ONLN))
        assert_in_range(p->up_ms, 1, UP_MS_MAX);
#endif
    assert_true(is_ready(p));
    char *status = hz(p, NULL, "status");
    assert_int_equal(lines_with(status, " up "), PROCESSES);
    assert_int_equal(lines_with(status, " ok\n"), PROCESSES);
    free(status);
}

#ifndef HUZHU_FAULTS
static long
resident_kib(int pid)
{
    char path[64], line[128];
    long kib = 0;

    (void) snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "VmRSS: %ld kB", &kib) == 1)
            break;
    }
    (void) fclose(file);
    return kib;
}

static void
an_idle_service_is_small(void **state)
{
    static const char *const services[] = { "identity",     "contributions", "claims", "coding",
                                            "disbursement", "disclosure",    "audit" };

    (void) state;
    for (size_t i = 0; i < COUNT(services); i++) {
        const long kib = resident_kib(pid_of(p, services[i]));
        print_message("%s: %ld KiB\n", services[i], kib);
        assert_in_range(kib, 1, IDLE_KIB_MAX);
    }
}
#endif

static void
the_first_administrators_sign_in(void **state)
{
    (void) state;
    administration_open(p, &admins);
    for (size_t i = 0; i < ADMINISTRATORS; i++)
        (void) must_get(admins.who[i], 200, "/api/v1/me");
}

static void
up_twice_changes_nothing(void **state)
{
    const int gateway = pid_of(p, "gateway"), identity = pid_of(p, "identity");
    int status;

    (void) state;
    free(hz(p, &status, "up --no-build"));
    assert_int_equal(status, 0);
    assert_int_equal(pid_of(p, "gateway"), gateway);
    assert_int_equal(pid_of(p, "identity"), identity);
}

static bool
something_runs_in(const char *data)
{
    char path[64], bytes[8192];
    const struct dirent *entry;
    bool found = false;
    DIR *proc = opendir("/proc");

    assert_non_null(proc);
    while (!found && (entry = readdir(proc))) {
        (void) snprintf(path, sizeof path, "/proc/%.20s/environ", entry->d_name);
        const int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        const ssize_t got = read(fd, bytes, sizeof bytes);
        found = got > 0 && memmem(bytes, (size_t) got, data, strlen(data)) != NULL;
        (void) close(fd);
    }
    (void) closedir(proc);
    return found;
}

static void
down_leaves_nothing_running_and_up_brings_the_data_back(void **state)
{
    struct browser *system = admins.who[SYSTEM];
    int status;

    (void) state;
    const int64_t accounts = counts(p, "SELECT count(*) FROM identity.account");
    assert_true(accounts >= 3);
    free(hz(p, NULL, "down"));
    assert_false(something_runs_in(p->data));
    free(hz(p, &status, "down")); /* twice is harmless */
    assert_int_equal(status, 0);

    free(hz(p, NULL, "up --no-build"));
    assert_int_equal(counts(p, "SELECT count(*) FROM identity.account"), accounts);
    (void) must_get(system, 200, "/api/v1/me"); /* even the session */
}

static void
two_instances_stand_side_by_side(void **state)
{
    struct administration others;
    struct platform *other = platform_up(1, NULL);

    (void) state;
    administration_open(other, &others);
    (void) must_get(others.who[SYSTEM], 200, "/api/v1/me");
    (void) must_get(admins.who[SYSTEM], 200, "/api/v1/me");
    /* What one knows, the other does not. */
    struct answer answer =
        asks(others.who[SYSTEM], (struct ask){ .verb = "GET",
                                               .path = "/api/v1/me",
                                               .cookie = browser_cookie(admins.who[SYSTEM]) });
    assert_int_equal(answer.status, 401);
    answer_free(&answer);
    administration_close(&others);
    platform_down(other);
    assert_true(is_ready(p));
}

static void
a_service_can_be_scaled_and_upgraded_while_people_work(void **state)
{
    (void) state;
    free(hz(p, NULL, "scale identity 2"));
    assert_true(pid_of(p, "identity-2") > 0);
    const int before = pid_of(p, "identity");
    free(hz(p, NULL, "upgrade identity"));
    assert_true(pid_of(p, "identity") > 0);
    assert_int_not_equal(pid_of(p, "identity"), before);
    (void) must_get(admins.who[SYSTEM], 200, "/api/v1/me");
    free(hz(p, NULL, "scale identity 1"));
    EVENTUALLY(!answers(p, "status", "identity-2"));
}

static void
keys_can_be_rotated_while_people_work(void **state)
{
    static const char *const kinds[] = { "principal", "tls", "bus claims", "master" };
    char words[64];

    (void) state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        (void) snprintf(words, sizeof words, "keys %s", kinds[i]);
        free(hz(p, NULL, words));
        EVENTUALLY(is_ready(p));
        (void) must_get(admins.who[SYSTEM], 200, "/api/v1/me");
    }
}

static void
writes(const struct platform *of, const char *name, const char *text)
{
    char path[256];

    (void) snprintf(path, sizeof path, "%s/%s", of->data, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static bool
reads(const struct platform *of, const char *name, const char *text)
{
    char path[256], found[256] = "";

    (void) snprintf(path, sizeof path, "%s/%s", of->data, name);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    found[fread(found, 1, sizeof found - 1, file)] = '\0';
    (void) fclose(file);
    return strcmp(found, text) == 0;
}

/* Goal: a slip is told and does nothing; least of all to another instance, or as the superuser. */
static void
slips_on_the_command_line_are_told(void **state)
{
    static const struct {
        const char *words, *says;
    } rows[] = {
        { "nonsense", "there is no command" },
        { "down --dat /tmp/x", "usage: hz down" },
        { "wipe --yes --dat /tmp/x", "usage: hz wipe" },
        { "status x", "usage: hz status" },
        { "psql claim -c 'SELECT 1'", "there is no service claim" },
        { "start", "usage: hz start NAME" },
        { "restart kings", "there is no process kings: postgres broker-1" },
        { "upgrade kings", "there is no kings: broker identity" },
        { "scale coding 9", "1 to 5" },
        { "run", "usage: hz run" },
        { "keys bus", "usage: hz keys bus" },
        { "backup", "usage: hz backup FILE" },
        { "restore /nonexistent", "there is no file" },
        { "trace x", "hz trace ID" },
        { "up --port", "a port is a number" },
    };

    (void) state;
    const int before = pid_of(p, "gateway");
    for (size_t i = 0; i < COUNT(rows); i++) {
        char words[200];
        int status = 0;
        (void) snprintf(words, sizeof words, "%s 2>&1; exit $?", rows[i].words);
        char *said = hz(p, &status, words);
        if (status == 0 || !strstr(said, rows[i].says))
            fail_msg("hz %s: %d %s", rows[i].words, status, said);
        free(said);
    }
    assert_int_equal(pid_of(p, "gateway"), before);
}

/* Goal: an upgrade with a setting that the service refuses stops nothing. */
static void
a_wrong_setting_stops_no_service(void **state)
{
    static const char *const wrong[] = { "HUZHU_CLAIMS_WORKER_THREADS=0\n",
                                         "HUZHU_CLAIMS_WORKER_THREDS=4\n" };
    const int before = pid_of(p, "claims");

    (void) state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        int status = 0;
        char name[64];
        (void) snprintf(name, sizeof name, "%.*s", (int) strcspn(wrong[i], "="), wrong[i]);
        writes(p, "settings/claims", wrong[i]);
        char *said = hz(p, &status, "upgrade claims 2>&1; exit $?");
        if (status == 0 || !strstr(said, name))
            fail_msg("%s: %d %s", wrong[i], status, said);
        free(said);
        assert_int_equal(pid_of(p, "claims"), before);
    }
    writes(p, "settings/claims", "HUZHU_CLAIMS_WORKER_THREADS=3\n");
    free(hz(p, NULL, "upgrade claims"));
    assert_int_not_equal(pid_of(p, "claims"), before);
}

static void
a_backup_restores_into_an_empty_folder(void **state)
{
    struct platform copy = *p;
    char words[256];
    int status;

    (void) state;
    writes(p, "schemes/city.txt", "a city's scheme");
    writes(p, "settings/coding", "HUZHU_CODING_CREDIT=2\n");
    const int64_t accounts = counts(p, "SELECT count(*) FROM identity.account");
    const int64_t events = counts(p, "SELECT count(*) FROM identity.event");
    (void) snprintf(words, sizeof words, "backup %s/backup.tar", p->root);
    free(hz(p, NULL, words));

    (void) snprintf(copy.data, sizeof copy.data, "%s/copy", p->root);
    (void) snprintf(words, sizeof words, "restore %s/backup.tar", p->root);
    free(hz(p, NULL, "down")); /* the copy has the same port */
    free(hz(&copy, NULL, words));
    assert_true(reads(&copy, "schemes/city.txt", "a city's scheme"));
    assert_true(reads(&copy, "settings/coding", "HUZHU_CODING_CREDIT=2\n"));
    free(hz(&copy, &status, "up --no-build"));
    assert_int_equal(status, 0);
    assert_int_equal(counts(&copy, "SELECT count(*) FROM identity.account"), accounts);
    assert_true(counts(&copy, "SELECT count(*) FROM identity.event") >= events);
    free(hz(&copy, NULL, "down"));
    free(hz(p, NULL, "up --no-build"));
}

static void
a_trace_leads_through_the_logs(void **state)
{
    char words[128];
    struct answer answer = gets(admins.who[SYSTEM], "/api/v1/accounts/no-id");

    (void) state;
    assert_int_equal(strlen(answer.trace), 32);
    (void) snprintf(words, sizeof words, "trace %s", answer.trace);
    /* What the gateway says of it comes after the answer. */
    EVENTUALLY(answers(p, words, "gateway"));
    answer_free(&answer);
}

static int
a_platform(void **state)
{
    (void) state;
    p = platform_up(2, NULL);
    return 0;
}

static int
no_platform(void **state)
{
    (void) state;
    administration_close(&admins);
    platform_down(p);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_healthy_within_five_seconds),
#ifndef HUZHU_FAULTS
        cmocka_unit_test(an_idle_service_is_small),
#endif
        cmocka_unit_test(the_first_administrators_sign_in),
        cmocka_unit_test(up_twice_changes_nothing),
        cmocka_unit_test(a_trace_leads_through_the_logs),
        cmocka_unit_test(a_service_can_be_scaled_and_upgraded_while_people_work),
        cmocka_unit_test(keys_can_be_rotated_while_people_work),
        cmocka_unit_test(down_leaves_nothing_running_and_up_brings_the_data_back),
        cmocka_unit_test(two_instances_stand_side_by_side),
        cmocka_unit_test(slips_on_the_command_line_are_told),
        cmocka_unit_test(a_wrong_setting_stops_no_service),
        cmocka_unit_test(a_backup_restores_into_an_empty_folder),
    };
    return cmocka_run_group_tests(tests, a_platform, no_platform);
}
