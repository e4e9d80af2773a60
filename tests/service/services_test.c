/* services_test.c - all seven as processes: each migrates, prepares its statements, answers a ping,
 * owns its schema and sees no other. */
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "caller.h"
#include "cluster.h"
#include "process.h"

static const char *const names[] = { "identity",     "contributions", "claims", "coding",
                                     "disbursement", "disclosure",    "audit" };
static struct cluster *cluster;
static struct keys *keys;
static char endpoint[160];
static pid_t broker;

static void
set_for(const char *service, const char *what, const char *role_suffix)
{
    char name[96], role[96];

    (void) snprintf(name, sizeof name, "HUZHU_%s_%s", service, what);
    for (char *p = name; *p; p++)
        if (*p >= 'a' && *p <= 'z')
            *p = (char) (*p - 'a' + 'A');
    (void) snprintf(role, sizeof role, "huzhu_%s%s", service, role_suffix);
    setting(name, cluster_url(cluster, role));
}

static bool
exists(const char *service)
{
    char program[64];

    (void) snprintf(program, sizeof program, "huzhu-%s", service);
    return program_exists(program);
}

static int
run(const char *service, const char *verb)
{
    char program[64];

    (void) snprintf(program, sizeof program, "huzhu-%s", service);
    return program_run(keys_folder(keys), program, verb);
}

static int
open_world(void **state)
{
    char path[128];

    (void) state;
    cluster = cluster_start();
    keys = keys_make();
    if (!cluster || !keys)
        return -1;
    (void) snprintf(path, sizeof path, "%s/bus", keys_folder(keys));
    (void) snprintf(endpoint, sizeof endpoint, "ipc://%s", path);
    (void) snprintf(path, sizeof path, "%s/permissions", keys_folder(keys));
    FILE *out = fopen(path, "w");
    if (!out)
        return -1;
    for (size_t i = 0; i < COUNT(names); i++) {
        (void) fprintf(out, "peer self %s\n", names[i]);
        set_for(names[i], "DATABASE_URL", "");
        set_for(names[i], "FEED_URL", "_feed");
        set_for(names[i], "MIGRATE_URL", "_migrate");
    }
    for (size_t i = 0; i < COUNT(names); i++)
        (void) fprintf(out, "call * %s Common.Ping\n", names[i]);
    (void) fclose(out);
    setting("HUZHU_BROKER_ENDPOINTS", endpoint);
    setting("HUZHU_BROKER_PERMISSIONS", path);
    setting("HUZHU_BROKERS", endpoint);
    setting("HUZHU_PRINCIPAL_KEYS", keys_principals(keys));
    setting("HUZHU_MASTER_KEYS", keys_ring(keys));
    broker = program_start(keys_folder(keys), "huzhu-broker", NULL);
    for (size_t i = 0; i < COUNT(names); i++)
        if (exists(names[i]) && run(names[i], "migrate") != 0)
            return -1;
    return 0;
}

static int
close_world(void **state)
{
    (void) state;
    (void) program_end(broker, SIGKILL);
    keys_remove(keys);
    cluster_stop(cluster);
    return 0;
}

/* The five whose settings are the runtime's alone; identity and audit have tests of their own. */
static void
each_service_prepares_its_statements_and_answers(void **state)
{
    (void) state;
    for (size_t i = 0; i < COUNT(names); i++) {
        char program[64];
        bool answers = false;

        if (strcmp(names[i], "identity") == 0 || strcmp(names[i], "audit") == 0)
            continue;
        (void) snprintf(program, sizeof program, "huzhu-%s", names[i]);
        const pid_t pid = program_start(keys_folder(keys), program, "serve");
        for (int tries = 0; tries < 100 && !answers; tries++) {
            answers = run(names[i], "ping") == 0;
            if (!answers)
                (void) usleep(50 * 1000);
        }
        assert_int_equal(program_end(pid, SIGTERM), 0);
        if (!answers)
            fail_msg("%s does not answer", names[i]);
    }
}

static void
no_role_reads_a_neighbours_schema(void **state)
{
    static const char *const kinds[] = { "", "_feed", "_migrate" };
    int denied = 0;

    (void) state;
    for (size_t i = 0; i < COUNT(names); i++) {
        for (size_t k = 0; k < COUNT(kinds); k++) {
            char role[96], sql[128];
            (void) snprintf(role, sizeof role, "huzhu_%s%s", names[i], kinds[k]);
            PGconn *conn = cluster_connect(cluster, role);
            assert_int_equal(PQstatus(conn), CONNECTION_OK);
            for (size_t other = 0; other < COUNT(names); other++) {
                if (other == i || !exists(names[other]))
                    continue;
                (void) snprintf(sql, sizeof sql, "SELECT * FROM %s.event", names[other]);
                PGresult *result = PQexec(conn, sql);
                const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
                if (!code || strcmp(code, "42501") != 0) /* insufficient privilege */
                    fail_msg("%s: %s: %s", role, sql, code ? code : "allowed");
                denied++;
                PQclear(result);
                (void) snprintf(sql, sizeof sql, "SET ROLE huzhu_%s_owner", names[other]);
                result = PQexec(conn, sql);
                assert_int_equal(PQresultStatus(result), PGRES_FATAL_ERROR);
                PQclear(result);
            }
            PQfinish(conn);
        }
    }
    print_message("%d looks into a neighbour's schema, all denied\n", denied);
}

static void
every_table_is_guarded_and_every_invariant_holds(void **state)
{
    (void) state;
    assert_int_equal(cluster_broken_invariants(cluster), 0);
    assert_true(
        cluster_sql(cluster, "SELECT FROM pg_class WHERE relkind = 'r' AND relrowsecurity") > 20);
}

/* A login role owns nothing, cannot bypass row-level security and can make nothing. */
static void
roles_have_no_more_than_they_need(void **state)
{
    (void) state;
    assert_int_equal(cluster_sql(cluster, "SELECT FROM pg_roles WHERE rolname LIKE 'huzhu\\_%' AND"
                                          " (rolsuper OR rolbypassrls OR rolcreaterole OR"
                                          " rolcreatedb OR rolreplication)"),
                     0);
    assert_int_equal(cluster_sql(cluster, "SELECT FROM pg_class c JOIN pg_roles r ON r.oid ="
                                          " c.relowner WHERE rolname LIKE 'huzhu\\_%' AND rolname"
                                          " NOT LIKE '%\\_owner'"),
                     0);
    assert_int_equal(cluster_sql(cluster, "SELECT FROM pg_roles WHERE rolname LIKE"
                                          " 'huzhu\\_%\\_owner' AND rolcanlogin"),
                     0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_service_prepares_its_statements_and_answers),
        cmocka_unit_test(no_role_reads_a_neighbours_schema),
        cmocka_unit_test(every_table_is_guarded_and_every_invariant_holds),
        cmocka_unit_test(roles_have_no_more_than_they_need),
    };
    return cmocka_run_group_tests_name("services", tests, open_world, close_world);
}
