/* conn.c - one connection: opening, preparing, coming back. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "db/db_private.h"
#include "fault/fault.h"

/* Back-off between attempts to connect: doubled from the first to the cap, and each one cut by a
 * random part, so that a restarted PostgreSQL is not met by all connections at one instant. */
#define BACKOFF_FIRST_US INT64_C(20000)
#define BACKOFF_CAP_US INT64_C(1000000)
/* A server that does not even answer Parse within this is away. */
#define PREPARE_US_MAX (INT64_C(10) * US_PER_SECOND)

PGconn *
db_connect(const char *url, struct err *err)
{
    /* The url comes last and so may override the defaults; the keepalives notice a host that
     * vanished, connect_timeout one that never answers. */
    static const char *const keys[] = {
        "connect_timeout",           "keepalives_idle",  "keepalives_interval",
        "keepalives_count",          "tcp_user_timeout", "client_encoding",
        "fallback_application_name", "dbname",           NULL
    };
    const char *const values[] = { "3", "5", "2", "3", "10000", "UTF8", "huzhu", url, NULL };
    PGconn *conn = fault_hit("db.connect") ? NULL : PQconnectdbParams(keys, values, 1);

    if (conn && PQstatus(conn) == CONNECTION_OK)
        return conn;
    const char *message = conn ? PQerrorMessage(conn) : "out of memory";
    (void) err_set(err, ERR_UNAVAILABLE, "db.away", "%.*s", (int) strcspn(message, "\n"), message);
    PQfinish(conn);
    return NULL;
}

bool
db_wait(struct db *db, int64_t give_up_at_us)
{
    while (PQstatus(db->conn) == CONNECTION_OK) {
        const int unsent = PQflush(db->conn);
        if (unsent < 0)
            return false;
        if (unsent == 0 && !PQisBusy(db->conn))
            return true;

        const int64_t left_us = give_up_at_us - clock_monotonic_us();
        if (left_us <= 0)
            return false;
        struct pollfd fd = { .fd = PQsocket(db->conn),
                             .events = (short) (POLLIN | (unsent ? POLLOUT : 0)) };
        if (poll(&fd, 1, (int) (left_us / 1000) + 1) < 0 && errno != EINTR)
            return false;
        if (fd.revents & (POLLIN | POLLERR | POLLHUP) && !PQconsumeInput(db->conn))
            return false;
    }
    return false;
}

/* --- the table of prepared statements --- */

static size_t
slot_of(const struct db *db, const struct stmt *stmt)
{
    const size_t hash = ((uintptr_t) stmt >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 20;
    size_t slot = hash & (db->prepared_room - 1);

    while (db->prepared[slot].stmt && db->prepared[slot].stmt != stmt)
        slot = (slot + 1) & (db->prepared_room - 1);
    return slot;
}

const struct prepared *
db_find(const struct db *db, const struct stmt *stmt)
{
    if (db->prepared_room == 0)
        return NULL;
    const struct prepared *found = &db->prepared[slot_of(db, stmt)];
    return found->stmt ? found : NULL;
}

/* Room for twice as many as there are, made once: the statements are the same after a reconnect. */
static bool
make_table(struct db *db)
{
    size_t count = 0, params = 0;

    for (size_t l = 0; db->conf.statements && db->conf.statements[l]; l++) {
        for (size_t i = 0; db->conf.statements[l][i]; i++, count++)
            params += (size_t) db->conf.statements[l][i]->param_count;
    }
    for (db->prepared_room = 4; db->prepared_room < 2 * count;)
        db->prepared_room *= 2;
    db->prepared = calloc(db->prepared_room, sizeof *db->prepared);
    db->type_pool = calloc(params + 1, sizeof *db->type_pool);
    if (!db->prepared || !db->type_pool)
        return false;

    Oid *types = db->type_pool;
    for (size_t l = 0; db->conf.statements && db->conf.statements[l]; l++) {
        for (size_t i = 0; db->conf.statements[l][i]; i++) {
            const struct stmt *stmt = db->conf.statements[l][i];
            db->prepared[slot_of(db, stmt)] = (struct prepared){ stmt, types };
            types += stmt->param_count;
        }
    }
    return true;
}

/* --- session set-up, in one round trip --- */

static const struct stmt session_stmt = { "huzhu.session",
                                          "SELECT set_config('search_path', $1, false),"
                                          " set_config('idle_in_transaction_session_timeout',"
                                          " '60s', false), set_config('jit', 'off', false)",
                                          1 };
static const struct stmt own_stmts[] = {
    { "huzhu.begin", "BEGIN", 0 },
    { "huzhu.begin_read", "BEGIN READ ONLY", 0 },
    { "huzhu.commit", "COMMIT", 0 },
    { "huzhu.rollback", "ROLLBACK", 0 },
    { "huzhu.bind",
      "SELECT set_config('huzhu.tenant', $1, true), set_config('statement_timeout', $2, true)", 2 },
};

static bool
send_setup(struct db *db)
{
    const char *schema[] = { db->conf.schema };

    if (!PQsendQueryParams(db->conn, session_stmt.sql, 1, NULL, schema, NULL, NULL, 1))
        return false;
    for (size_t i = 0; i < COUNT(own_stmts); i++)
        if (!PQsendPrepare(db->conn, own_stmts[i].name, own_stmts[i].sql, 0, NULL))
            return false;
    for (size_t l = 0; db->conf.statements && db->conf.statements[l]; l++) {
        for (size_t i = 0; db->conf.statements[l][i]; i++) {
            const struct stmt *stmt = db->conf.statements[l][i];
            if (!PQsendPrepare(db->conn, stmt->name, stmt->sql, 0, NULL) ||
                !PQsendDescribePrepared(db->conn, stmt->name))
                return false;
        }
    }
    return PQpipelineSync(db->conn) == 1;
}

/* The next result, or NULL when there is none (end of one command) or the server is gone. */
static PGresult *
next_result(struct db *db, int64_t give_up_at_us)
{
    return db_wait(db, give_up_at_us) ? PQgetResult(db->conn) : NULL;
}

static err_t
read_one(struct db *db, const struct stmt *stmt, bool is_describe, struct err *err)
{
    const int64_t give_up_at_us = clock_monotonic_us() + PREPARE_US_MAX;
    PGresult *result = next_result(db, give_up_at_us);
    err_t code = ERR_OK;

    if (!result)
        return db_lost(db, err);
    const ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_FATAL_ERROR) {
        code = db_translate(db, stmt, result, err);
        if (code == ERR_INTERNAL) { /* the statement and the schema do not fit: say how */
            const char *says = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
            code =
                err_set(err, ERR_INTERNAL, "db.statement", "%s: %s", stmt->name, says ? says : "?");
        }
    } else if (is_describe) {
        const struct prepared *found = db_find(db, stmt);
        if (PQnparams(result) != stmt->param_count)
            code = err_set(err, ERR_INTERNAL, "db.statement", "%s: %d parameters, not %d",
                           stmt->name, PQnparams(result), stmt->param_count);
        for (int i = 0; code == ERR_OK && i < stmt->param_count; i++)
            found->types[i] = PQparamtype(result, i);
    }
    PQclear(result);
    if (code == ERR_OK && next_result(db, give_up_at_us)) /* the NULL that ends every command */
        return db_lost(db, err);
    return code;
}

static err_t
read_setup(struct db *db, struct err *err)
{
    TRY(read_one(db, &session_stmt, false, err));
    for (size_t i = 0; i < COUNT(own_stmts); i++)
        TRY(read_one(db, &own_stmts[i], false, err));
    for (size_t l = 0; db->conf.statements && db->conf.statements[l]; l++) {
        for (size_t i = 0; db->conf.statements[l][i]; i++) {
            TRY(read_one(db, db->conf.statements[l][i], false, err));
            TRY(read_one(db, db->conf.statements[l][i], true, err));
        }
    }

    PGresult *sync = next_result(db, clock_monotonic_us() + PREPARE_US_MAX);
    const bool synced = PQresultStatus(sync) == PGRES_PIPELINE_SYNC;
    PQclear(sync);
    return synced ? ERR_OK : db_lost(db, err);
}

static err_t
connect_once(struct db *db, struct err *err)
{
    PQfinish(db->conn);
    db->conn = db_connect(db->conf.url, err);
    if (!db->conn)
        return err->code;
    db->broken = false;
    db->queued_count = db->debts = 0;
    if (PQsetnonblocking(db->conn, 1) != 0 || !PQenterPipelineMode(db->conn) || !send_setup(db))
        return db_lost(db, err);

    const err_t code = read_setup(db, err);
    db->broken = code != ERR_OK;
    return code;
}

static void
back_off(struct db *db)
{
    uint16_t random;

    db->backoff_us = db->backoff_us == 0 ? BACKOFF_FIRST_US : db->backoff_us * 2;
    if (db->backoff_us > BACKOFF_CAP_US)
        db->backoff_us = BACKOFF_CAP_US;
    random_bytes(&random, sizeof random);
    db->retry_at_us =
        clock_monotonic_us() + db->backoff_us / 2 + db->backoff_us / 2 * random / UINT16_MAX;
}

static err_t
try_connect(struct db *db, struct err *err)
{
    const err_t code = connect_once(db, err);

    if (code == ERR_OK)
        db->backoff_us = db->retry_at_us = 0;
    else
        back_off(db);
    return code;
}

err_t
db_open(const struct db_conf *conf, int wait_ms, struct db **out, struct err *err)
{
    OWNED(db_close) struct db *db = calloc(1, sizeof *db);
    const int64_t give_up_at_us = clock_monotonic_us() + (int64_t) wait_ms * 1000;

    if (!db)
        return err_set(err, ERR_UNAVAILABLE, "db.memory", "out of memory");
    db->conf = *conf;
    if (!make_table(db))
        return err_set(err, ERR_UNAVAILABLE, "db.memory", "out of memory");
    for (;;) {
        const err_t code = try_connect(db, err);
        if (code == ERR_OK)
            break;
        /* A statement that does not fit will not fit later: no use in waiting. */
        if (code != ERR_UNAVAILABLE || db->retry_at_us > give_up_at_us)
            return code;
        const int64_t wait_us = db->retry_at_us - clock_monotonic_us();
        if (wait_us > 0)
            (void) poll(NULL, 0, (int) (wait_us / 1000) + 1);
    }
    *out = TAKE(db);
    return ERR_OK;
}

void
db_close(struct db *db)
{
    if (!db)
        return;
    PQfinish(db->conn);
    free(db->prepared);
    free(db->type_pool);
    free(db);
}

bool
db_is_up(struct db *db)
{
    return db->conn && !db->broken && PQstatus(db->conn) == CONNECTION_OK;
}

bool
db_revive(struct db *db)
{
    struct err ignored;

    assert(!db->tx.open);
    if (db_is_up(db))
        return true;
    if (clock_monotonic_us() < db->retry_at_us)
        return false;
    return try_connect(db, &ignored) == ERR_OK;
}

err_t
db_lost(struct db *db, struct err *err)
{
    db->broken = true;
    return err_set(err, ERR_UNAVAILABLE, "db.away", "the database is away");
}

/* --- what PostgreSQL said --- */

static bool
is_one_of(const char *state, const char *const *states, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strncmp(state, states[i], strlen(states[i])) == 0)
            return true;
    return false;
}

static const struct db_constraint *
constraint_of(const struct db *db, const PGresult *result)
{
    const char *name = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);

    for (size_t i = 0; name && i < db->conf.constraint_count; i++)
        if (strcmp(db->conf.constraints[i].constraint, name) == 0)
            return &db->conf.constraints[i];
    return NULL;
}

err_t
db_translate(struct db *db, const struct stmt *stmt, const PGresult *result, struct err *err)
{
    /* serialization failure, deadlock, lock_timeout or NOWAIT */
    static const char *const raced[] = { "40001", "40P01", "55P03" };
    /* The server or this connection is of no use for now: connection exceptions, too many
     * connections and no memory, shutdown, a failing disk. */
    static const char *const away[] = { "08", "53", "57P", "58" };
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *name = stmt ? stmt->name : "transaction";
    const struct db_constraint *known = constraint_of(db, result);

    if (!state)
        return db_lost(db, err);
    if (known)
        return err_set(err, known->code, known->reason, "%s", known->text);
    if (is_one_of(state, raced, COUNT(raced)))
        return err_set(err, ERR_RACED, "db.raced", "%s met another writer", name);
    if (strcmp(state, "57014") == 0)
        return err_set(err, ERR_DEADLINE, "db.deadline", "%s ran out of time", name);
    /* A primary that was demoted under us answers 25006, a statement whose table was migrated
     * under us a complaint of RevalidateCachedQuery: both are cured by connecting again. */
    const char *function = PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION);
    if (is_one_of(state, away, COUNT(away)) ||
        (strcmp(state, "25006") == 0 && !db->tx.options.read_only) ||
        (function && strcmp(function, "RevalidateCachedQuery") == 0))
        return db_lost(db, err);
    /* The message may hold values of a row (personal data): only the code goes into the text. */
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    return err_set(err, ERR_INTERNAL, "db.failed", "%s: SQLSTATE %s %s", name, state,
                   constraint ? constraint : "");
}
