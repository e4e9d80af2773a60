/* race_test.c - runs the isolation specs of this folder by PostgreSQL's own isolationtester and
 * compares what it prints with NAME.out beside the spec. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cluster.h"

#define TESTER "/usr/lib/postgresql/15/lib/pgxs/src/test/isolation/isolationtester"

static struct cluster *cluster;

static int
open_world(void **state)
{
    (void) state;
    cluster = cluster_start();
    return cluster ? 0 : -1;
}

static int
close_world(void **state)
{
    (void) state;
    cluster_stop(cluster);
    return 0;
}

static void
read_all(FILE *in, char *text, size_t room)
{
    const size_t size = in ? fread(text, 1, room - 1, in) : 0;

    text[size] = '\0';
}

static void
run_spec(const char *name)
{
    static char got[65536], wanted[65536];
    char command[1024], path[512];

    if (access(TESTER, X_OK) != 0) {
        print_message("skipped: %s is not installed (postgresql-server-dev or postgresql-15)\n",
                      TESTER);
        skip();
    }
    (void) snprintf(command, sizeof command, "%s '%s' < %s/tests/race/%s.spec 2>&1", TESTER,
                    cluster_url(cluster, "postgres"), HUZHU_SOURCE_DIR, name);
    FILE *out = popen(command, "r");
    read_all(out, got, sizeof got);
    assert_int_equal(pclose(out), 0);
    (void) snprintf(path, sizeof path, "%s/tests/race/%s.out", HUZHU_SOURCE_DIR, name);
    FILE *in = fopen(path, "r");
    read_all(in, wanted, sizeof wanted);
    if (in)
        (void) fclose(in);
    if (strcmp(got, wanted) != 0) { /* cmocka's own print is cut short */
        (void) fprintf(stderr, "--- %s printed:\n%s--- wanted:\n%s", name, got, wanted);
        fail();
    }
}

static void
the_lock_first_keeps_the_order_within_an_aggregate(void **state)
{
    (void) state;
    run_spec("events_of_one_aggregate");
}

static void
a_reader_of_settled_positions_loses_nothing(void **state)
{
    (void) state;
    run_spec("sequence_is_not_order");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lock_first_keeps_the_order_within_an_aggregate),
        cmocka_unit_test(a_reader_of_settled_positions_loses_nothing),
    };
    return cmocka_run_group_tests_name("race", tests, open_world, close_world);
}
