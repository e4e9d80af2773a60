/* db_test.c - transactions as pipelines, against a real PostgreSQL. */
#include "test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "claims/service.h"
#include "cluster.h"
#include "fault/fault.h"

static struct cluster *cluster;
static struct db *db;

/* Statements of the tests' own; the table is made in open_world(). */
static const struct stmt q_insert = { "t.insert",
                                      "INSERT INTO thing (tenant_id, thing_id, n4, n8, says, held, "
                                      "day, at, bytes, j, num) "
                                      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
                                      11 },
                         q_get = { "t.get",
                                   "SELECT tenant_id, thing_id, n4, n8, says, held, day, at, "
                                   "bytes, j, pg_current_xact_id() "
                                   "FROM thing WHERE thing_id = $1",
                                   1 },
                         q_count = { "t.count", "SELECT count(*) FROM thing", 0 },
                         q_sleep = { "t.sleep", "SELECT pg_sleep($1)::text", 1 },
                         q_touch = { "t.touch", "UPDATE thing SET n4 = n4 + 1 WHERE thing_id = $1",
                                     1 },
                         q_pid = { "t.pid", "SELECT pg_backend_pid()", 0 };
static const struct stmt *const statements[] = { &q_insert, &q_get, &q_count, &q_sleep,
                                                 &q_touch,  &q_pid, NULL };
static const struct stmt *const *const lists[] = { statements, NULL };
static const struct db_constraint constraints[] = {
    { "thing_n4_positive", ERR_INVALID, "thing.n4", "n4 is positive" },
    { "thing_pkey", ERR_CONFLICT, "thing.exists", "the thing exists" },
};

static const struct id town = { { 1 } }, other_town = { { 2 } };

static struct db_conf
conf_of(const char *role)
{
    return (struct db_conf){ .url = cluster_url(cluster, role),
                             .schema = "claims",
                             .statements = lists,
                             .constraints = constraints,
                             .constraint_count = COUNT(constraints) };
}

static int
open_world(void **state)
{
    struct err err;

    (void) state;
    cluster = cluster_start();
    if (!cluster || !cluster_migrate(cluster, &claims_service))
        return -1;
    cluster_sql(cluster,
                "SET ROLE huzhu_claims_owner; SET search_path = claims;"
                "CREATE TABLE thing (tenant_id uuid NOT NULL, thing_id uuid PRIMARY KEY,"
                " n4 int CONSTRAINT thing_n4_positive CHECK (n4 > 0), n8 bigint, says text,"
                " held boolean, day date, at timestamptz, bytes bytea, j jsonb, num numeric);"
                "SELECT guard_tenant('thing'); RESET ROLE; RESET search_path");
    const struct db_conf real = conf_of("huzhu_claims");
    if (db_open(&real, 5000, &db, &err) != ERR_OK) {
        print_error("%s %s\n", err.reason, err.text);
        return -1;
    }
    return 0;
}

static int
close_world(void **state)
{
    (void) state;
    db_close(db);
    cluster_stop(cluster);
    return 0;
}

static int
empty_table(void **state)
{
    (void) state;
    cluster_sql(cluster, "TRUNCATE claims.thing");
    return 0;
}

struct box { /* db_query() and db_exec() want something with a member tx */
    struct tx *tx;
    struct err err;
};

static err_t
begin(struct box *box, struct id tenant, bool read_only)
{
    const struct tx_options options = { .tenant = tenant, .read_only = read_only };

    *box = (struct box){ 0 };
    return tx_begin(db, &options, &box->err, &box->tx);
}

static err_t
insert(struct box *box, struct id tenant, struct id id, int64_t n4)
{
    return db_exec(box, &q_insert, P_ID(tenant), P_ID(id), P_INT(n4), P_INT(INT64_C(1) << 40),
                   P_TEXT("互助"), P_BOOL(true), P_DATE(((date_t){ 20000 })),
                   P_INSTANT(((instant_t){ 1700000000123456 })), P_BYTES("\0\1\2", 3),
                   P_TEXT("{\"a\": 1}"), P_INT(42));
}

static int64_t
count_things(struct id tenant)
{
    struct box box;
    OWNED(rows_free) struct rows *rows = NULL;

    assert_int_equal(begin(&box, tenant, true), ERR_OK);
    assert_int_equal(db_query0(&box, &q_count, &rows), ERR_OK);
    const int64_t n = rows_int(rows, 0, 0);
    assert_int_equal(tx_commit(box.tx), ERR_OK);
    tx_end(box.tx);
    return n;
}

static void
values_come_back_as_they_went(void **state)
{
    const struct id id = { { 9, 9 } };
    OWNED(rows_free) struct rows *rows = NULL;
    struct box box;
    size_t size;

    (void) state;
    assert_int_equal(begin(&box, town, false), ERR_OK);
    assert_int_equal(insert(&box, town, id, 7), ERR_OK);
    assert_int_equal(db_query(&box, &q_get, &rows, P_ID(id)), ERR_OK);
    assert_int_equal(rows_count(rows), 1);
    assert_int_equal(id_cmp(rows_id(rows, 0, 0), town), 0);
    assert_int_equal(rows_int(rows, 0, 2), 7);
    assert_int_equal(rows_int(rows, 0, 3), INT64_C(1) << 40);
    assert_string_equal(rows_text(rows, 0, 4), "互助");
    assert_true(rows_bool(rows, 0, 5));
    assert_int_equal(rows_date(rows, 0, 6).days, 20000);
    assert_int_equal(rows_instant(rows, 0, 7).us, 1700000000123456);
    const void *bytes = rows_bytes(rows, 0, 8, &size);
    assert_int_equal(size, 3);
    assert_memory_equal(bytes, "\0\1\2", 3);
    assert_string_equal(rows_text(rows, 0, 9), "{\"a\": 1}");
    assert_true(rows_int(rows, 0, 10) > 0);
    assert_int_equal(tx_commit(box.tx), ERR_OK);
    tx_end(box.tx);
    assert_int_equal(count_things(town), 1);
}

static void
what_is_not_committed_never_was(void **state)
{
    struct box box;

    (void) state;
    assert_int_equal(begin(&box, town, false), ERR_OK);
    assert_int_equal(insert(&box, town, (struct id){ { 1, 1 } }, 1), ERR_OK);
    tx_end(box.tx); /* nothing had been sent yet, or it is rolled back */
    assert_int_equal(begin(&box, town, false), ERR_OK);
    assert_int_equal(insert(&box, town, (struct id){ { 1, 1 } }, 1), ERR_OK);
    OWNED(rows_free) struct rows *rows = NULL;
    assert_int_equal(db_query0(&box, &q_count, &rows), ERR_OK);
    tx_end(box.tx);
    assert_int_equal(count_things(town), 0);
}

static void
a_queued_error_comes_with_the_commit_and_commits_nothing(void **state)
{
    struct box box;

    (void) state;
    assert_int_equal(begin(&box, town, false), ERR_OK);
    assert_int_equal(insert(&box, town, (struct id){ { 1, 2 } }, 1), ERR_OK);
    assert_int_equal(insert(&box, town, (struct id){ { 1, 3 } }, -1),
                     ERR_OK); /* breaks the check */
    assert_int_equal(insert(&box, town, (struct id){ { 1, 4 } }, 1), ERR_OK);
    assert_int_equal(tx_commit(box.tx), ERR_INVALID);
    assert_string_equal(box.err.reason, "thing.n4");
    assert_int_equal(tx_commit(box.tx), ERR_INVALID); /* and stays so */
    tx_end(box.tx);
    assert_int_equal(count_things(town), 0);

    assert_int_equal(begin(&box, town, false), ERR_OK); /* the connection is as good as new */
    assert_int_equal(insert(&box, town, (struct id){ { 1, 2 } }, 1), ERR_OK);
    assert_int_equal(tx_commit(box.tx), ERR_OK);
    tx_end(box.tx);
    assert_int_equal(begin(&box, town, false), ERR_OK);
    assert_int_equal(insert(&box, town, (struct id){ { 1, 2 } }, 1), ERR_OK);
    assert_int_equal(tx_commit(box.tx), ERR_CONFLICT);
    assert_string_equal(box.err.reason, "thing.exists");
    tx_end(box.tx);
    assert_int_equal(count_things(town), 1);
}

static void
an_abandoned_error_does_not_reach_the_next_transaction(void **state)
{
    struct box box;

    (void) state;
    assert_int_equal(begin(&box, town, false), ERR_OK);
    assert_int_equal(insert(&box, town, (struct id){ { 1, 3 } }, -1), ERR_OK);
    tx_end(box.tx);
    assert_int_equal(begin(&box, town, false), ERR_OK);
    assert_int_equal(insert(&box, town, (struct id){ { 1, 3 } }, 1), ERR_OK);
    assert_int_equal(tx_commit(box.tx), ERR_OK);
    tx_end(box.tx);
    assert_int_equal(count_things(town), 1);
}

static void
hundreds_of_statements_fit_one_transaction(void **state)
{
    struct box box;

    (void) state;
    assert_int_equal(begin(&box, town, false), ERR_OK);
    for (int i = 0; i < 1000; i++) {
        const struct id id = { { 3, (uint8_t) (i >> 8), (uint8_t) i } };
        assert_int_equal(insert(&box, town, id, 1), ERR_OK);
    }
    assert_int_equal(tx_commit(box.tx), ERR_OK);
    tx_end(box.tx);
    assert_int_equal(count_things(town), 1000);
}

static void
a_number_too_wide_for_its_column_is_a_defect_not_another_number(void **state)
{
    struct box box;

    (void) state;
    assert_int_equal(begin(&box, town, false), ERR_OK);
    assert_int_equal(insert(&box, town, (struct id){ { 1, 3 } }, INT64_C(1) << 33), ERR_INTERNAL);
    assert_string_equal(box.err.reason, "db.parameter");
    tx_end(box.tx);
}

static void
a_deadline_ends_a_statement(void **state)
{
    const struct tx_options options = { .tenant = town, .deadline_us = clock_now().us + 200000 };
    OWNED(rows_free) struct rows *rows = NULL;
    struct box box = { 0 };

    (void) state;
    assert_int_equal(tx_begin(db, &options, &box.err, &box.tx), ERR_OK);
    assert_int_equal(db_query(&box, &q_sleep, &rows, P_TEXT("5")), ERR_DEADLINE);
    tx_end(box.tx);
    assert_true(clock_now().us < options.deadline_us + 2 * US_PER_SECOND);
    assert_int_equal(count_things(town), 0);

    const struct tx_options late = { .tenant = town, .deadline_us = clock_now().us - 1 };
    assert_int_equal(tx_begin(db, &late, &box.err, &box.tx), ERR_DEADLINE);
}

static void
a_read_only_transaction_writes_nothing(void **state)
{
    struct box box;

    (void) state;
    assert_int_equal(begin(&box, town, true), ERR_OK);
    assert_int_equal(insert(&box, town, (struct id){ { 1, 3 } }, 1), ERR_OK);
    assert_int_equal(tx_commit(box.tx), ERR_INTERNAL);
    tx_end(box.tx);
    assert_int_equal(count_things(town), 0);
}

static void
two_writers_that_deadlock_are_raced(void **state)
{
    const struct id a = { { 4, 1 } }, b = { { 4, 2 } };
    PGconn *rival = cluster_connect(cluster, "postgres");
    OWNED(rows_free) struct rows *rows = NULL;
    struct box box;

    (void) state;
    assert_int_equal(begin(&box, town, false), ERR_OK);
    assert_int_equal(insert(&box, town, a, 1), ERR_OK);
    assert_int_equal(insert(&box, town, b, 1), ERR_OK);
    assert_int_equal(tx_commit(box.tx), ERR_OK);
    tx_end(box.tx);

    PQclear(PQexec(rival,
                   "SET deadlock_timeout = '60s'; BEGIN;"
                   "UPDATE claims.thing SET n8 = 0 WHERE n4 = 1 AND thing_id::text LIKE '0402%'"));
    assert_int_equal(begin(&box, town, false), ERR_OK);
    assert_int_equal(db_exec(&box, &q_touch, P_ID(a)), ERR_OK);
    assert_int_equal(db_query0(&box, &q_count, &rows), ERR_OK);
    assert_int_equal(
        PQsendQuery(rival, "UPDATE claims.thing SET n8 = 0 WHERE thing_id::text LIKE '0401%'"), 1);
    assert_int_equal(db_exec(&box, &q_touch, P_ID(b)), ERR_OK);
    assert_int_equal(tx_commit(box.tx), ERR_RACED);
    tx_end(box.tx);
    PQfinish(rival);
}

static void
a_lost_connection_is_unavailable_and_comes_back(void **state)
{
    OWNED(rows_free) struct rows *rows = NULL;
    struct box box;
    char sql[80];

    (void) state;
    assert_int_equal(begin(&box, town, false), ERR_OK);
    assert_int_equal(insert(&box, town, (struct id){ { 5 } }, 1), ERR_OK);
    assert_int_equal(db_query0(&box, &q_pid, &rows), ERR_OK);
    (void) snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%lld, 5000)",
                    (long long) rows_int(rows, 0, 0));
    cluster_sql(cluster, sql);
    assert_int_equal(tx_commit(box.tx), ERR_UNAVAILABLE);
    assert_string_equal(box.err.reason, "db.away");
    tx_end(box.tx);
    assert_false(db_is_up(db));
    assert_true(db_revive(db));
    assert_int_equal(count_things(town), 0);
}

static void
a_restart_and_a_crash_of_the_server_are_survived(void **state)
{
    (void) state;
    for (int crash = 0; crash < 2; crash++) {
        struct box box;
        if (crash)
            cluster_kill(cluster);
        else
            cluster_shut_down(cluster);
        err_t code = ERR_OK;
        int committed = 0;
        /* A backend may outlive its killed server by a moment, and what it commits is committed. */
        for (uint8_t i = 0; code == ERR_OK && i < UINT8_MAX; i++) {
            code = begin(&box, town, false);
            if (code == ERR_OK) { /* the dead connection shows at its first use */
                assert_int_equal(insert(&box, town, (struct id){ { 6, i } }, 1), ERR_OK);
                code = tx_commit(box.tx);
                tx_end(box.tx);
            }
            committed += code == ERR_OK;
        }
        assert_int_equal(code, ERR_UNAVAILABLE);
        assert_false(db_revive(db));
        assert_true(cluster_boot(cluster));
        for (int i = 0; i < 500 && !db_revive(db); i++)
            (void) usleep(10000);
        assert_true(db_is_up(db));
        assert_int_equal(count_things(town), committed);
    }
}

static void
a_statement_that_does_not_fit_stops_the_start(void **state)
{
    static const struct stmt wrong = { "t.wrong", "SELECT paid_thru FROM thing", 0 };
    static const struct stmt *const wrongs[] = { &wrong, NULL };
    static const struct stmt *const *const wrong_lists[] = { wrongs, NULL };
    struct db_conf conf = conf_of("huzhu_claims");
    struct db *none = NULL;
    struct err err;

    (void) state;
    conf.statements = wrong_lists;
    assert_int_equal(db_open(&conf, 5000, &none, &err), ERR_INTERNAL);
    assert_string_equal(err.reason, "db.statement");
    assert_non_null(strstr(err.text, "column \"paid_thru\" does not exist"));
    assert_null(none);
}

static void
nobody_home_is_told_in_time(void **state)
{
    struct db_conf conf = conf_of("huzhu_claims");
    struct db *none = NULL;
    struct err err;
    const int64_t started_us = clock_monotonic_us();

    (void) state;
    conf.url = "host=/nonexistent dbname=huzhu user=huzhu_claims";
    assert_int_equal(db_open(&conf, 300, &none, &err), ERR_UNAVAILABLE);
    assert_true(clock_monotonic_us() - started_us < 2 * US_PER_SECOND);
}

/* A tenant's transaction sees no row of another, whatever SQL is written on its connection. */
static void
hand_written_sql_stays_in_its_tenant(void **state)
{
    PGconn *conn = cluster_connect(cluster, "huzhu_claims");
    struct box box;

    (void) state;
    assert_int_equal(begin(&box, town, false), ERR_OK);
    assert_int_equal(insert(&box, town, (struct id){ { 7, 1 } }, 1), ERR_OK);
    assert_int_equal(tx_commit(box.tx), ERR_OK);
    tx_end(box.tx);
    assert_int_equal(count_things(other_town), 0);
    assert_int_equal(count_things((struct id){ { 0 } }), 0);

    /* writing into another tenant is refused too */
    assert_int_equal(begin(&box, town, false), ERR_OK);
    assert_int_equal(insert(&box, other_town, (struct id){ { 7, 2 } }, 1), ERR_OK);
    assert_int_equal(tx_commit(box.tx), ERR_INTERNAL);
    tx_end(box.tx);

    static const char *const bound[] = {
        "SELECT * FROM claims.thing",
        "SELECT * FROM claims.thing WHERE tenant_id = '01000000-0000-0000-0000-000000000000'",
        "SELECT * FROM claims.thing WHERE true OR tenant_id IS NOT NULL",
        "UPDATE claims.thing SET says = 'x' RETURNING *",
        "DELETE FROM claims.thing RETURNING *",
        "WITH x AS (SELECT * FROM claims.thing) SELECT count(*) FROM x HAVING count(*) > 0",
    };
    PQclear(PQexec(conn, "BEGIN"));
    PQclear(PQexec(conn, "SELECT set_config('huzhu.tenant', "
                         "'02000000-0000-0000-0000-000000000000', true)"));
    for (size_t i = 0; i < COUNT(bound); i++) {
        PGresult *result = PQexec(conn, bound[i]);
        assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
        assert_int_equal(PQntuples(result), 0);
        PQclear(result);
    }
    PQclear(PQexec(conn, "ROLLBACK"));
    PGresult *result = PQexec(conn, "SELECT * FROM claims.thing"); /* no tenant: nothing */
    assert_int_equal(PQntuples(result), 0);
    PQclear(result);
    static const char *const denied[] = {
        "ALTER TABLE claims.thing DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE claims.thing NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY tenant ON claims.thing",
        "SET ROLE huzhu_claims_owner",
        "SET SESSION AUTHORIZATION postgres",
        "SELECT * FROM coding.event",
        "SELECT * FROM identity.event",
        "CREATE TABLE claims.mine (x int)",
        "CREATE TABLE public.mine (x int)",
        "UPDATE claims.event SET topic = 'x'",
        "DELETE FROM claims.event",
        "TRUNCATE claims.event",
        "DELETE FROM claims.migration",
        "SELECT claims.guard_tenant('claims.thing')",
        "COPY claims.thing TO PROGRAM 'cat'",
    };
    for (size_t i = 0; i < COUNT(denied); i++) {
        result = PQexec(conn, denied[i]);
        if (PQresultStatus(result) != PGRES_FATAL_ERROR)
            fail_msg("allowed: %s", denied[i]);
        PQclear(result);
    }
    PQfinish(conn);
    assert_int_equal(count_things(town), 1);
}

static void
the_feed_role_reads_the_log_and_nothing_else(void **state)
{
    PGconn *conn = cluster_connect(cluster, "huzhu_claims_feed");

    (void) state;
    cluster_sql(cluster,
                "INSERT INTO claims.event (event_id, tenant_id, topic, body, recorded_at,"
                " traceparent) SELECT gen_random_uuid(), gen_random_uuid(), 'x', '', now(),"
                " '' FROM generate_series(1, 3)");
    PGresult *result = PQexec(conn, "SELECT * FROM claims.event");
    assert_int_equal(PQntuples(result), 3);
    PQclear(result);
    static const char *const denied[] = {
        "SELECT * FROM claims.thing", "SELECT * FROM claims.reply", "SELECT * FROM claims.data_key",
        "DELETE FROM claims.event", "INSERT INTO claims.feed (producer) VALUES ('x')"
    };
    for (size_t i = 0; i < COUNT(denied); i++) {
        result = PQexec(conn, denied[i]);
        if (PQresultStatus(result) != PGRES_FATAL_ERROR)
            fail_msg("allowed: %s", denied[i]);
        PQclear(result);
    }
    PQfinish(conn);
    cluster_sql(cluster, "TRUNCATE claims.event");
}

static void
a_changed_migration_is_refused(void **state)
{
    static const struct migration good[] = { { "9001_make_box", "CREATE TABLE box (x int);" } },
                                  changed[] = { { "9001_make_box", "CREATE TABLE box (y int);" } },
                                  more[] = { { "9001_make_box", "CREATE TABLE box (x int);" },
                                             { "9002_break",
                                               "CREATE TABLE lid (x int); SELECT 1/0;" } };
    const char *url = cluster_url(cluster, "huzhu_claims_migrate");
    struct err err;

    (void) state;
    assert_int_equal(db_schema_is_ready(db, good, 1, &err), ERR_UNAVAILABLE);
    assert_string_equal(err.reason, "migration.missing");
    assert_int_equal(db_migrate(url, "claims", good, 1, &err), ERR_OK);
    assert_int_equal(db_migrate(url, "claims", good, 1, &err), ERR_OK); /* once only */
    assert_int_equal(db_schema_is_ready(db, good, 1, &err), ERR_OK);
    assert_int_equal(db_migrate(url, "claims", changed, 1, &err), ERR_CONFLICT);
    assert_string_equal(err.reason, "migration.changed");
    assert_int_equal(db_schema_is_ready(db, changed, 1, &err), ERR_CONFLICT);

    assert_int_equal(db_migrate(url, "claims", more, 2, &err), ERR_INTERNAL);
    assert_string_equal(cluster_ask(cluster, "SELECT to_regclass('claims.lid') IS NULL"), "t");
    assert_string_equal(
        cluster_ask(cluster, "SELECT tableowner FROM pg_tables WHERE tablename = 'box'"),
        "huzhu_claims_owner");
    /* the service's own login cannot migrate */
    assert_int_not_equal(db_migrate(cluster_url(cluster, "huzhu_claims"), "claims", good, 1, &err),
                         ERR_OK);
    assert_int_equal(count_things(town), 0);
}

static void *
migrates(void *code)
{
    static const struct migration slow[] = {
        { "9003_slow",
          "CREATE TABLE slow (x int); SELECT pg_sleep(0.3); INSERT INTO slow VALUES (1);" }
    };
    struct err err;

    *(err_t *) code =
        db_migrate(cluster_url(cluster, "huzhu_claims_migrate"), "claims", slow, COUNT(slow), &err);
    return NULL;
}

/* Goal: replicas that start together migrate once, and none of them fails. */
static void
starters_that_meet_migrate_once(void **state)
{
    pthread_t threads[4];
    err_t codes[4];

    (void) state;
    (void) cluster_url(cluster, "huzhu_claims_migrate"); /* made before the threads ask for it */
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, migrates, &codes[i]), 0);
    for (size_t i = 0; i < COUNT(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(codes[i], ERR_OK);
    }
    assert_string_equal(cluster_ask(cluster, "SELECT count(*) FROM claims.slow"), "1");
}

static void
roles_are_made_twice_without_harm_and_take_passwords(void **state)
{
    char path[96], command[640];

    (void) state;
    (void) snprintf(path, sizeof path, "%s/it's passwords.json", cluster_socket_dir(cluster));
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    (void) fputs("{\"huzhu_claims\": \"o'clock\", \"huzhu_audit_migrate\": \"y\"}", out);
    (void) fclose(out);
    for (int i = 0; i < 2; i++) {
        (void) snprintf(command, sizeof command,
                        "psql -X -q -v ON_ERROR_STOP=1 -h %s -U postgres -d huzhu -v "
                        "passwords_file=\"%s\" -f '%s/deploy/postgres/roles.sql'",
                        cluster_socket_dir(cluster), path, HUZHU_SOURCE_DIR);
        assert_int_equal(system(command), 0);
    }
    assert_string_equal(cluster_ask(cluster, "SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM"
                                             " pg_authid WHERE rolpassword LIKE 'SCRAM-SHA-256$%'"),
                        "huzhu_audit_migrate huzhu_claims");
    assert_int_equal(count_things(town), 0); /* the service is as well as before */
}

static void
every_crossing_of_a_fault_point_leaves_no_trace(void **state)
{
#ifndef HUZHU_FAULTS
    (void) state;
    skip();
#else
    int failures = 0;

    (void) state;
    for (int nth = 1;; nth++) {
        struct box box;
        const struct id id = { { 8, (uint8_t) nth } };
        fault_arm_nth(nth);
        err_t code = begin(&box, town, false);
        if (code == ERR_OK) {
            code = insert(&box, town, id, 1);
            if (code == ERR_OK)
                code = tx_commit(box.tx);
            tx_end(box.tx);
        }
        const bool fired = fault_fired();
        fault_arm_nth(0);
        if (!fired) {
            assert_int_equal(code, ERR_OK);
            break;
        }
        failures++;
        assert_true(err_is_retryable(code));
        /* the one exception: it was committed and the answer lost, as a network would do */
        assert_int_equal(count_things(town), failures == 4 ? 1 : 0);
    }
    assert_int_equal(failures, 4); /* begin, run, before the commit, after it */
#endif
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(values_come_back_as_they_went, empty_table),
        cmocka_unit_test_setup(what_is_not_committed_never_was, empty_table),
        cmocka_unit_test_setup(a_queued_error_comes_with_the_commit_and_commits_nothing,
                               empty_table),
        cmocka_unit_test_setup(an_abandoned_error_does_not_reach_the_next_transaction, empty_table),
        cmocka_unit_test_setup(hundreds_of_statements_fit_one_transaction, empty_table),
        cmocka_unit_test_setup(a_number_too_wide_for_its_column_is_a_defect_not_another_number,
                               empty_table),
        cmocka_unit_test_setup(a_deadline_ends_a_statement, empty_table),
        cmocka_unit_test_setup(a_read_only_transaction_writes_nothing, empty_table),
        cmocka_unit_test_setup(two_writers_that_deadlock_are_raced, empty_table),
        cmocka_unit_test_setup(a_lost_connection_is_unavailable_and_comes_back, empty_table),
        cmocka_unit_test_setup(a_restart_and_a_crash_of_the_server_are_survived, empty_table),
        cmocka_unit_test_setup(a_statement_that_does_not_fit_stops_the_start, empty_table),
        cmocka_unit_test_setup(nobody_home_is_told_in_time, empty_table),
        cmocka_unit_test_setup(hand_written_sql_stays_in_its_tenant, empty_table),
        cmocka_unit_test_setup(the_feed_role_reads_the_log_and_nothing_else, empty_table),
        cmocka_unit_test_setup(a_changed_migration_is_refused, empty_table),
        cmocka_unit_test_setup(starters_that_meet_migrate_once, empty_table),
        cmocka_unit_test_setup(roles_are_made_twice_without_harm_and_take_passwords, empty_table),
        cmocka_unit_test_setup(every_crossing_of_a_fault_point_leaves_no_trace, empty_table),
    };
    return cmocka_run_group_tests_name("db", tests, open_world, close_world);
}
