/* migrate.c - forward only; each migration once, in a transaction of its own, as the schema's
 * owner.
 *
 * PostgreSQL computes the SHA-256, so that the embedded text and the recorded sum cannot be
 * computed by two programs that differ. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/db_private.h"
#include "fault/fault.h"

/* A migration waits this long for a lock, then gives way: rather try again than stop every request
 * behind a waiting ALTER TABLE. */
#define PREPARE_SESSION                                                                            \
    "SELECT set_config('search_path', $1, false), set_config('lock_timeout', '5s', false),"        \
    " set_config('client_min_messages', 'warning', false), set_config('role', $2, false)"

struct owner {
    PGconn *conn;
    struct err *err;
};

static void
owner_done(struct owner *owner)
{
    PQfinish(owner->conn); /* its advisory lock goes with it */
}

static err_t
complain(struct owner *owner, const PGresult *result, const char *what)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *says = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    if (!state || strncmp(state, "08", 2) == 0 || strncmp(state, "57P", 3) == 0)
        return err_set(owner->err, ERR_UNAVAILABLE, "db.away", "the database is away");
    if (strcmp(state, "55P03") == 0)
        return err_set(owner->err, ERR_UNAVAILABLE, "migration.locked",
                       "%s: somebody else holds a lock; try again", what);
    return err_set(owner->err, ERR_INTERNAL, "migration.failed", "%s: %s", what, says ? says : "?");
}

/* One statement with text parameters; *answer is its first value ("" for none). */
static err_t
ask(struct owner *owner, const char *what, const char *sql, const char *const params[2],
    char answer[static 8])
{
    const int count = params[0] ? params[1] ? 2 : 1 : 0;
    PGresult *result = fault_hit("db.migrate")
                           ? NULL
                           : PQexecParams(owner->conn, sql, count, NULL, params, NULL, NULL, 0);
    const ExecStatusType status = PQresultStatus(result);
    err_t code = ERR_OK;

    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        code = complain(owner, result, what);
    else
        (void) snprintf(answer, 8, "%s", PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return code;
}

/* Text of several statements: the simple protocol alone takes that. */
static err_t
run_text(struct owner *owner, const char *what, const char *sql)
{
    PGresult *result = PQexec(owner->conn, sql);
    const ExecStatusType status = PQresultStatus(result);
    err_t code = ERR_OK;

    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY)
        code = complain(owner, result, what);
    PQclear(result);
    return code;
}

static err_t
changed(struct err *err, const char *name)
{
    return err_set(err, ERR_CONFLICT, "migration.changed",
                   "%s was changed after it had been applied", name);
}

static err_t
apply(struct owner *owner, const struct migration *migration)
{
    const char *const params[] = { migration->name, migration->sql };
    char answer[8] = "";

    TRY(ask(owner, migration->name,
            "SELECT sha256 = sha256(convert_to($2, 'UTF8')) FROM migration WHERE name = $1", params,
            answer));
    if (strcmp(answer, "t") == 0)
        return ERR_OK;
    if (answer[0] != '\0')
        return changed(owner->err, migration->name);

    TRY(run_text(owner, migration->name, "BEGIN"));
    TRY(run_text(owner, migration->name, migration->sql));
    TRY(ask(owner, migration->name,
            "INSERT INTO migration (name, sha256) VALUES ($1, sha256(convert_to($2, 'UTF8')))",
            params, answer));
    return run_text(owner, migration->name, "COMMIT"); /* a failure before it: the session ends */
}

err_t
db_migrate(const char *owner_url, const char *schema, const struct migration *migrations,
           size_t count, struct err *err)
{
    char role[80], answer[8] = "";
    CLEANUP(owner_done) struct owner owner = { db_connect(owner_url, err), err };

    if (!owner.conn)
        return err->code;
    (void) snprintf(role, sizeof role, "huzhu_%s_owner", schema);
    TRY(ask(&owner, "session", PREPARE_SESSION, (const char *const[]){ schema, role }, answer));
    TRY(ask(&owner, "lock", "SELECT pg_advisory_lock(hashtextextended('huzhu.migrate.' || $1, 0))",
            (const char *const[]){ schema, NULL }, answer));
    TRY(run_text(&owner, "migration",
                 "CREATE TABLE IF NOT EXISTS migration ("
                 " name text PRIMARY KEY,"
                 " sha256 bytea NOT NULL CHECK (length(sha256) = 32),"
                 " applied_at timestamptz NOT NULL DEFAULT now())"));

    for (size_t i = 0; i < count; i++) {
        assert(i == 0 || strcmp(migrations[i - 1].name, migrations[i].name) < 0);
        TRY(apply(&owner, &migrations[i]));
    }
    return ERR_OK;
}

static const struct stmt stmt_applied = {
    "huzhu.migration_applied",
    "SELECT sha256 = sha256(convert_to($2, 'UTF8')) FROM migration WHERE name = $1", 2
};
/* A connection that asks db_schema_is_ready() need not have prepared anything: these few questions
 * are asked once, at start. */
static err_t
is_applied(PGconn *conn, const struct migration *migration, struct err *err)
{
    const char *const params[] = { migration->name, migration->sql };
    PGresult *result =
        PQexecParams(conn, stmt_applied.sql, stmt_applied.param_count, NULL, params, NULL, NULL, 0);
    const ExecStatusType status = PQresultStatus(result);
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    /* 42P01: not even the table of migrations; 42501: not even the grants */
    const bool missing =
        status == PGRES_TUPLES_OK ? PQntuples(result) == 0 : state && strncmp(state, "42", 2) == 0;
    const bool same = !missing && status == PGRES_TUPLES_OK && *PQgetvalue(result, 0, 0) == 't';

    PQclear(result);
    if (missing)
        return err_set(err, ERR_UNAVAILABLE, "migration.missing", "%s has not been applied",
                       migration->name);
    if (status != PGRES_TUPLES_OK)
        return err_set(err, ERR_UNAVAILABLE, "db.away", "the database is away");
    return same ? ERR_OK : changed(err, migration->name);
}

err_t
db_schema_is_ready(struct db *db, const struct migration *migrations, size_t count, struct err *err)
{
    PGconn *conn = db->conn;
    err_t code = ERR_OK;

    assert(!db->tx.open);
    if (!db_is_up(db) || db_settle(db, err) != ERR_OK || !PQexitPipelineMode(conn) ||
        PQsetnonblocking(conn, 0) != 0)
        return db_lost(db, err);
    for (size_t i = 0; i < count && code == ERR_OK; i++)
        code = is_applied(conn, &migrations[i], err);
    if (PQsetnonblocking(conn, 1) != 0 || !PQenterPipelineMode(conn))
        db->broken = true;
    return code;
}
