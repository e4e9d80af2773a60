/* net_test.c - people go on working while the network between the hosts fails.
 *
 * Goal: what load.h says, when nothing dies but the cables: a link is cut, a host vanishes without
 * a FIN, a link works in one direction alone (half-open connections), everything arrives late,
 * frames are lost, and all of it heals again. Method: `hz up` makes an instance; its processes but
 * PostgreSQL (a unix socket, which namespaces do not part) are started again by the test, on hosts
 * of their own, with brokers on tcp under CURVE (harness/cables.h).  Skipped, with the reason,
 * where namespaces or /dev/net/tun are not to be had. */
#include "load.h"

#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cables.h"
#include "eventually.h"

enum {
    HOST_US = CABLES_US,
    HOST_GATEWAY,
    HOST_BROKER_1,
    HOST_BROKER_2,
    HOST_IDENTITY,
    HOST_AUDIT,
    HOST_OTHERS,
    HOSTS = HOST_OTHERS
};
enum {
    BROKER_PORT = 7001,
    ENVIRONMENT_MAX = 48,
    ENVIRONMENT_BYTES = 8192,
    STOP_US = 15000000,
    BROKERS = 2
};

static struct placed {
    const char *name;
    int host;
    pid_t pid;
} places[] = {
    { "broker-1", HOST_BROKER_1, 0 }, { "broker-2", HOST_BROKER_2, 0 },
    { "identity", HOST_IDENTITY, 0 }, { "audit", HOST_AUDIT, 0 },
    { "claims", HOST_OTHERS, 0 },     { "contributions", HOST_OTHERS, 0 },
    { "coding", HOST_OTHERS, 0 },     { "disbursement", HOST_OTHERS, 0 },
    { "disclosure", HOST_OTHERS, 0 }, { "gateway", HOST_GATEWAY, 0 },
};

/* --- the processes, on their hosts --- */

/* One process's rows of the supervisor's table. */
struct recipe {
    char text[ENVIRONMENT_BYTES];
    size_t used;
    char *environment[ENVIRONMENT_MAX + 1];
    int count;
    char program[PLATFORM_PATH_BYTES + 32];
};

static void
recipe_add(struct recipe *recipe, const char *row)
{
    const size_t size = strcspn(row, "\n");

    assert_true(recipe->count < ENVIRONMENT_MAX && recipe->used + size < sizeof recipe->text);
    char *at = recipe->text + recipe->used;
    memcpy(at, row, size);
    at[size] = '\0';
    recipe->used += size + 1;
    recipe->environment[recipe->count++] = at;
}

/* What the table says, but for where the brokers are. */
static void
recipe_read(const struct platform *p, const char *name, struct recipe *recipe)
{
    char path[PLATFORM_PATH_BYTES + 32], wanted[64], *line = NULL;
    size_t room = 0;
    bool inside = false;

    (void) snprintf(path, sizeof path, "%s/run/table", p->data);
    (void) snprintf(wanted, sizeof wanted, "process %s ", name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (getline(&line, &room, file) >= 0) {
        if (strncmp(line, "process ", 8) == 0)
            inside = strncmp(line, wanted, strlen(wanted)) == 0;
        else if (inside && strncmp(line, "exec ", 5) == 0)
            (void) snprintf(recipe->program, sizeof recipe->program, "%.*s",
                            (int) strcspn(line + 5, " \n"), line + 5);
        else if (inside && strncmp(line, "env ", 4) == 0 && !strstr(line, "HUZHU_BROKERS=") &&
                 !strstr(line, "HUZHU_BROKER_ENDPOINTS="))
            recipe_add(recipe, line + 4);
    }
    free(line);
    (void) fclose(file);
    assert_true(recipe->program[0]);
}

static void
recipe_move(struct recipe *recipe, int host)
{
    char row[128];

    (void) snprintf(row, sizeof row, "HUZHU_BROKERS=tcp://10.77.0.%d:%d,tcp://10.77.0.%d:%d",
                    HOST_BROKER_1, BROKER_PORT, HOST_BROKER_2, BROKER_PORT);
    recipe_add(recipe, row);
    (void) snprintf(row, sizeof row, "HUZHU_BROKER_ENDPOINTS=tcp://10.77.0.%d:%d", host,
                    BROKER_PORT);
    if (host == HOST_BROKER_1 || host == HOST_BROKER_2)
        recipe_add(recipe, row);
}

/* As the platform's user, who owns its folders; what it says goes where platform_down() looks. */
static void
place_start(const struct platform *p, struct placed *place)
{
    struct recipe recipe = { 0 };
    char path[PLATFORM_PATH_BYTES + 64];
    struct stat folder;

    recipe_read(p, place->name, &recipe);
    recipe_move(&recipe, place->host);
    (void) snprintf(path, sizeof path, "%s/run", p->data);
    assert_int_equal(stat(path, &folder), 0);
    (void) snprintf(path, sizeof path, "%s/log/%s.host.log", p->data, place->name);
    place->pid = fork();
    assert_true(place->pid >= 0);
    if (place->pid > 0)
        return;
    const int log = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (log >= 0 && dup2(log, 1) == 1 && dup2(log, 2) == 2 && cables_go_to(place->host) &&
        setgroups(0, NULL) == 0 && setgid(folder.st_gid) == 0 && setuid(folder.st_uid) == 0 &&
        prctl(PR_SET_PDEATHSIG, SIGKILL) == 0)
        (void) execle(recipe.program, recipe.program, (char *) NULL, recipe.environment);
    _exit(127);
}

static struct platform *stopped;

static void *
stop_works(void *arg)
{
    stops(stopped, ((const struct placed *) arg)->name);
    return NULL;
}

/* Draining takes a second or two, so all do it at once; the brokers, which stand first, afterwards.
 */
static void
move_to_hosts(struct platform *p)
{
    pthread_t threads[COUNT(places)];

    stopped = p;
    for (size_t i = BROKERS; i < COUNT(places); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, stop_works, &places[i]), 0);
    for (size_t i = BROKERS; i < COUNT(places); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < BROKERS; i++)
        stops(p, places[i].name);
    for (size_t i = 0; i < COUNT(places); i++)
        place_start(p, &places[i]);
    (void) snprintf(p->connect_to, sizeof p->connect_to, "::10.77.0.%d:%d", HOST_GATEWAY, p->port);
    EVENTUALLY(is_ready(p));
}

/* All drain and leave with status 0. */
static void
leave(size_t first, size_t end)
{
    int status = 0;

    for (size_t i = first; i < end; i++)
        assert_int_equal(kill(places[i].pid, SIGTERM), 0);
    for (size_t i = first; i < end; i++) {
        EVENTUALLY_WITHIN(STOP_US, waitpid(places[i].pid, &status, WNOHANG) == places[i].pid);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            fail_msg("%s ended with status %#x", places[i].name, (unsigned) status);
    }
}

static void
leave_hosts(void)
{
    leave(BROKERS, COUNT(places));
    leave(0, BROKERS);
}

/* --- the misfortunes --- */

static const struct cable cut = { .is_cut = true };

static void
whole(struct platform *p)
{
    (void) p;
    cables_heal();
}
static void
one_link_cut(struct platform *p)
{
    (void) p;
    cable_set(HOST_GATEWAY, HOST_BROKER_1, cut);
    cable_set(HOST_BROKER_1, HOST_GATEWAY, cut);
}
static void
broker_vanishes(struct platform *p)
{
    (void) p;
    cables_heal();
    cables_isolate(HOST_BROKER_1, cut);
}
static void
other_broker_vanishes(struct platform *p)
{
    (void) p;
    cables_heal();
    cables_isolate(HOST_BROKER_2, cut);
}
/* Requests go in, and their answers do not come out. */
static void
answers_do_not_come(struct platform *p)
{
    (void) p;
    cables_heal();
    cable_set(HOST_BROKER_1, HOST_GATEWAY, cut);
}
/* The broker hears its worker, who hears nothing. */
static void
worker_is_deaf(struct platform *p)
{
    (void) p;
    cables_heal();
    cable_set(HOST_BROKER_2, HOST_IDENTITY, cut);
}
static void
worker_is_mute(struct platform *p)
{
    (void) p;
    cables_heal();
    cable_set(HOST_IDENTITY, HOST_BROKER_1, cut);
}
/* Each service has lost another broker: neither broker sees all. */
static void
halves(struct platform *p)
{
    (void) p;
    cables_heal();
    cable_set(HOST_IDENTITY, HOST_BROKER_1, cut);
    cable_set(HOST_BROKER_1, HOST_IDENTITY, cut);
    cable_set(HOST_AUDIT, HOST_BROKER_2, cut);
    cable_set(HOST_BROKER_2, HOST_AUDIT, cut);
}
/* What was asked and answered meanwhile arrives late, all at once. */
static void
stalls(struct platform *p)
{
    (void) p;
    cables_heal();
    cables_isolate(HOST_BROKER_1, (struct cable){ .is_held = true });
    (void) nanosleep(&(const struct timespec){ .tv_sec = 2 }, NULL);
    cables_heal();
}
/* So long that requests reach their deadline, and that the kernel would not soon send another SYN.
 */
static void
service_cut_off(struct platform *p)
{
    (void) p;
    cables_heal();
    cables_isolate(HOST_IDENTITY, cut);
    (void) nanosleep(&(const struct timespec){ .tv_sec = 12, .tv_nsec = 500000000 }, NULL);
    cables_heal();
}
static void
no_broker_for_a_while(struct platform *p)
{
    (void) p;
    cables_isolate(HOST_BROKER_1, cut);
    cables_isolate(HOST_BROKER_2, cut);
    (void) nanosleep(&(const struct timespec){ .tv_sec = 2 }, NULL);
    cables_heal();
}
static void
everything(struct cable cable)
{
    for (int host = 1; host <= HOSTS; host++)
        cables_isolate(host, cable);
}
static void
far_away(struct platform *p)
{
    (void) p;
    everything((struct cable){ .delay_ms = 15, .jitter_ms = 20 });
}
static void
frames_are_lost(struct platform *p)
{
    (void) p;
    everything((struct cable){ .delay_ms = 5, .jitter_ms = 5, .loss_per_mille = 10 });
}

/* The caller's broker lives and hears the caller, but not the service, which the other one has. */
static void
parted_from_1(struct platform *p)
{
    (void) p;
    cables_heal();
    cable_set(HOST_IDENTITY, HOST_BROKER_1, cut);
    cable_set(HOST_BROKER_1, HOST_IDENTITY, cut);
    (void) nanosleep(&(const struct timespec){ .tv_sec = 11 }, NULL);
}
static void
parted_from_2(struct platform *p)
{
    (void) p;
    cables_heal();
    cable_set(HOST_IDENTITY, HOST_BROKER_2, cut);
    cable_set(HOST_BROKER_2, HOST_IDENTITY, cut);
    (void) nanosleep(&(const struct timespec){ .tv_sec = 11 }, NULL);
}

static const struct misfortune misfortunes[] = {
    { "nothing happens", whole, false, 0 },
    { "gateway and a broker are parted", one_link_cut, true, 0 },
    { "the link is back", whole, false, 0 },
    { "a broker's host vanishes", broker_vanishes, true, 0 },
    { "it is back, the other one vanishes", other_broker_vanishes, true, 0 },
    { "both are there", whole, false, 0 },
    { "a broker's answers do not come", answers_do_not_come, true, 0 },
    { "a worker hears one broker no more", worker_is_deaf, true, 0 },
    { "a worker reaches one broker no more", worker_is_mute, true, 0 },
    { "each broker has lost a service", halves, true, 0 },
    { "a broker stalls for 2 s", stalls, true, 0 },
    { "a service's host is away for 12 s", service_cut_off, true, 0 },
    { "it was found again at once", whole, false, 2000 },
    { "both brokers are away for 2 s", no_broker_for_a_while, true, 0 },
    { "15 to 35 ms each way", far_away, false, 0 },
    { "1 % of all frames are lost", frames_are_lost, true, 0 },
    { "a service is parted from broker 1", parted_from_1, false, 5000 },
    { "both are there", whole, false, 0 },
    { "a service is parted from broker 2", parted_from_2, false, 5000 },
    { "nothing happens any more", whole, false, 0 },
};

static void
people_can_work_whatever_the_network_does(void **state)
{
    const char *why = cables_lay(HOSTS);
    long carried, dropped;

    (void) state;
    if (why) {
        print_message("skipped: %s\n", why);
        skip();
    }
    struct platform *p = platform_up(2, load_settings);
    const int64_t begun_us = clock_monotonic_us();
    move_to_hosts(p);
    print_message("up after %lld ms, on %d hosts %lld ms later\n", (long long) p->up_ms, HOSTS - 1,
                  (long long) (clock_monotonic_us() - begun_us) / 1000);
    load_is_served(p, misfortunes, COUNT(misfortunes), 2000);
    cables_counted(&carried, &dropped);
    print_message("%ld frames were carried, %ld dropped\n", carried, dropped);
    assert_true(dropped > 0);
    leave_hosts();
    platform_down(p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_can_work_whatever_the_network_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
