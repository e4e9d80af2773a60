/* load_test.c - people go on working while parts of the platform are restarted and killed.
 *
 * Goal: what load.h says; and a restart by SIGTERM costs not one failed request.
 * Method: the load of load.c while the main thread goes through the list of misfortunes. */
#include "load.h"

/* --- the misfortunes --- */

static void
nothing(struct platform *p)
{
    (void) p;
}
static void
service_restarted(struct platform *p)
{
    restarts(p, "identity");
    restarts(p, "audit");
    restarts(p, "identity");
}
static void
service_killed(struct platform *p)
{
    kills(p, "identity");
}
static void
one_broker_killed(struct platform *p)
{
    kills(p, "broker-1");
}
static void
other_broker_killed(struct platform *p)
{
    kills(p, "broker-2");
}
static void
one_broker_gone(struct platform *p)
{
    stops(p, "broker-2");
}
static void
only_broker_restarted(struct platform *p)
{
    restarts(p, "broker-1");
}
static void
only_broker_killed(struct platform *p)
{
    kills(p, "broker-1");
}
static void
broker_back(struct platform *p)
{
    starts(p, "broker-2");
}
static void
postgres_restarted(struct platform *p)
{
    restarts(p, "postgres");
}
/* Its backends go with it, and so do the connections; the supervisor brings it back. */
static void
postgres_killed(struct platform *p)
{
    p->deaths_allowed += 3; /* until the old shared memory is free a new one may refuse to start */
    kills(p, "postgres");
}

static const struct misfortune misfortunes[] = {
    { "nothing happens", nothing, false },
    { "services restarted (SIGTERM)", service_restarted, false },
    { "a service killed (-9)", service_killed, true },
    { "a broker killed, another lives", one_broker_killed, true },
    { "the other broker killed", other_broker_killed, true },
    { "a broker stopped, one is left", one_broker_gone, false },
    { "the only broker restarted", only_broker_restarted, true },
    { "the only broker killed (-9)", only_broker_killed, true },
    { "the broker comes back", broker_back, false },
    { "PostgreSQL restarted", postgres_restarted, true },
    { "PostgreSQL killed (-9)", postgres_killed, true },
    { "nothing happens any more", nothing, false },
};

static void
people_can_work_whatever_breaks(void **state)
{
    struct platform *p = platform_up(2, load_settings);

    (void) state;
    load_is_served(p, misfortunes, COUNT(misfortunes), 5000);
    platform_down(p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_can_work_whatever_breaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
