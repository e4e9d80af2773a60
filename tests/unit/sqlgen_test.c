/* sqlgen_test.c - what the build tool makes of .sql files, and what it refuses. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[64];

static int
make_dir(void **state)
{
    (void) state;
    (void) snprintf(dir, sizeof dir, "/tmp/huzhu-sqlgen-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int
remove_dir(void **state)
{
    char command[96];

    (void) state;
    (void) snprintf(command, sizeof command, "rm -r '%s'", dir);
    return system(command);
}

static void
write_file(const char *name, const char *text)
{
    char path[128];

    (void) snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

/* Exit status; the made .c file is left in made. */
static char made[16384];
static int
run(const char *mode, const char *files)
{
    char command[640], path[128];

    (void) snprintf(command, sizeof command, "cd '%s' && '%s/bin/sqlgen' %s t out.h out.c %s 2>err",
                    dir, HUZHU_BINARY_DIR, mode, files);
    const int status = system(command);
    (void) snprintf(path, sizeof path, "%s/out.c", dir);
    FILE *in = fopen(path, "r");
    const size_t size = in ? fread(made, 1, sizeof made - 1, in) : 0;
    made[size] = '\0';
    if (in)
        (void) fclose(in);
    return status;
}

static void
parameters_are_counted_where_sql_sees_them(void **state)
{
    static const struct {
        const char *sql;
        int count; /* -1: refused */
    } cases[] = {
        { "SELECT 1;", 0 },
        { "SELECT $1, $2, $1", 2 },
        { "SELECT $12, $1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11", 12 },
        { "SELECT '$2', $1", 1 },
        { "SELECT 'it''s $3', $1", 1 },
        { "SELECT \"col$2\", $1", 1 },
        { "SELECT $$ $2 ; $$, $1;", 1 },
        { "SELECT $tag$ $2 $$ ; $tag$, $1", 1 },
        { "SELECT $1 -- and $2;\n", 1 },
        { "SELECT $1 /* and $2; */", 1 },
        { "SELECT $1; SELECT 2", -1 },
        { "SELECT $1;;", -1 },
        { "SELECT $2", -1 }, /* $1 is left out */
        { "SELECT $65", -1 },
        { "SELECT 'open", -1 },
        { "SELECT $a$ open", -1 },
        { "-- a comment alone\n", -1 },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512], wanted[32];
        (void) snprintf(text, sizeof text, "-- name: one\n-- why\n%s\n", cases[i].sql);
        write_file("q.sql", text);
        const int status = run("queries", "q.sql");
        if ((status == 0) != (cases[i].count >= 0))
            fail_msg("%s: status %d", cases[i].sql, status);
        (void) snprintf(wanted, sizeof wanted, ",\n    %d,\n};", cases[i].count);
        if (status == 0 && !strstr(made, wanted))
            fail_msg("%s: not %d parameters in %s", cases[i].sql, cases[i].count, made);
    }
}

static void
blocks_become_statements_in_their_order(void **state)
{
    (void) state;
    write_file("q.sql",
               "-- head\n\n-- name: b_get\nSELECT \"x\\y\"\n  FROM t;\n\n-- name: a_put\nINSERT "
               "INTO t VALUES ($1);\n");
    assert_int_equal(run("queries", "q.sql"), 0);
    assert_non_null(strstr(made, "const struct stmt q_b_get = {\n    \"t.b_get\",\n      \"SELECT "
                                 "\\\"x\\\\y\\\"\\n\"\n      \"  FROM t;\",\n    0,"));
    assert_non_null(strstr(made, "    &q_b_get,\n    &q_a_put,\n    NULL,"));
    write_file("q.sql", "-- name: twice\nSELECT 1\n-- name: twice\nSELECT 2\n");
    assert_int_not_equal(run("queries", "q.sql"), 0);
    write_file("q.sql", "-- name: Bad-Name\nSELECT 1\n");
    assert_int_not_equal(run("queries", "q.sql"), 0);
    write_file("q.sql", "-- nothing yet\n");
    assert_int_equal(run("queries", "q.sql"), 0);
    assert_non_null(strstr(made, "t_queries[] = {\n    NULL,\n};"));
    assert_int_not_equal(run("queries", "absent.sql"), 0);
}

static void
migrations_are_embedded_whole_and_in_order(void **state)
{
    (void) state;
    write_file("0002_b.sql", "SELECT ';'; DO $$ BEGIN PERFORM 1; END $$;\n");
    write_file("0001_a.sql", "-- a\ttab and \"quotes\" \\ ?\?/\nSELECT 1;");
    assert_int_equal(run("migrations", "./0002_b.sql ./0001_a.sql"), 0);
    assert_non_null(strstr(made, "t_migrations[2]"));
    const char *a = strstr(made, "{ \"0001_a\",\n      \"-- a\\011tab and \\\"quotes\\\" \\\\ "
                                 "\\?\\?/\\n\"\n      \"SELECT 1;\" },");
    const char *b = strstr(made, "{ \"0002_b\",\n      \"SELECT ';'; DO $$ BEGIN PERFORM 1; END "
                                 "$$;\\n\"\n      \"\" },");
    assert_non_null(a);
    assert_non_null(b);
    assert_true(a < b);
    write_file("0002_c.sql", "SELECT 1;");
    assert_int_not_equal(run("migrations", "./0002_b.sql ./0002_c.sql"), 0);
    write_file("2_c.sql", "SELECT 1;");
    assert_int_not_equal(run("migrations", "./2_c.sql"), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_counted_where_sql_sees_them),
        cmocka_unit_test(blocks_become_statements_in_their_order),
        cmocka_unit_test(migrations_are_embedded_whole_and_in_order),
    };
    return cmocka_run_group_tests_name("sqlgen", tests, make_dir, remove_dir);
}
