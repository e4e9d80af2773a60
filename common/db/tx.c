/* tx.c - transactions as pipelines.
 *
 * Nothing travels before a result is wanted: BEGIN, the tenant, the statements and COMMIT go out
 * together and come back together.  Each time results are wanted a Sync is sent; inside BEGIN a
 * Sync does not commit, and after an error everything up to the Sync is skipped, COMMIT included.
 * The results of a rollback and of the end of a read are nobody's concern: they stay a debt, read
 * before the next transaction. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/db_private.h"
#include "fault/fault.h"

/* How long beyond the deadline the server may take to say that it is over; then it is away. */
#define GRACE_US (INT64_C(2) * US_PER_SECOND)
#define WAIT_US_MAX (INT64_C(120) * US_PER_SECOND)

static const struct stmt stmt_begin = { "huzhu.begin", "", 0 },
                         stmt_begin_read = { "huzhu.begin_read", "", 0 },
                         stmt_commit = { "huzhu.commit", "", 0 },
                         stmt_rollback = { "huzhu.rollback", "", 0 },
                         stmt_bind = { "huzhu.bind", "", 2 };

static err_t
fail(struct tx *tx, err_t code)
{
    tx->failed = true;
    tx->code = code;
    return code;
}

static int64_t
give_up_at(const struct tx *tx)
{
    const int64_t now_us = clock_monotonic_us();
    int64_t left_us = WAIT_US_MAX;

    if (tx->options.deadline_us > 0) {
        left_us = tx->options.deadline_us - clock_now().us + GRACE_US;
        if (left_us < GRACE_US)
            left_us = GRACE_US;
    }
    return now_us + left_us;
}

/* Reads up to and with the next Sync.  The last command's rows go to *rows; the first error to
 * *err. */
static err_t
read_to_sync(struct db *db, int64_t give_up_at_us, PGresult **rows, struct err *err)
{
    OWNED(rows_free) struct rows *last = calloc(1, sizeof *last);
    err_t code = ERR_OK;

    if (!last)
        return db_lost(db, err);
    for (int i = 0, nothing = 0;;) {
        PGresult *result = db_wait(db, give_up_at_us) ? PQgetResult(db->conn) : NULL;
        if (!result) {
            if (!db_is_up(db) || nothing++ > 0 || clock_monotonic_us() >= give_up_at_us)
                return db_lost(db, err);
            i++; /* the end of one command */
            continue;
        }
        nothing = 0;
        const ExecStatusType status = PQresultStatus(result);
        if (status == PGRES_PIPELINE_SYNC) {
            PQclear(result);
            break;
        }
        if (status == PGRES_FATAL_ERROR && code == ERR_OK)
            code = db_translate(db, i < db->queued_count ? db->queued[i] : NULL, result, err);
        PQclear(last->result);
        last->result = result;
    }
    db->queued_count = 0;
    if (code == ERR_OK && rows)
        *rows = TAKE(last->result);
    return code;
}

err_t
db_settle(struct db *db, struct err *err)
{
    for (; db->debts > 0; db->debts--) {
        /* What an abandoned statement complained of is of no interest; a lost connection is. */
        (void) read_to_sync(db, clock_monotonic_us() + GRACE_US, NULL, err);
        if (!db_is_up(db))
            return db_lost(db, err);
    }
    return ERR_OK;
}

err_t
tx_begin(struct db *db, const struct tx_options *options, struct err *err, struct tx **out)
{
    assert(!db->tx.open);
    if (fault_hit("db.begin"))
        return err_set(err, ERR_UNAVAILABLE, "db.away", "the database is away");
    if (options->deadline_us > 0 && options->deadline_us <= clock_now().us)
        return err_set(err, ERR_DEADLINE, "db.deadline", "the deadline passed before BEGIN");
    if (db_is_up(db) && db_settle(db, err) != ERR_OK)
        db->broken = true;
    if (!db_is_up(db) && !db_revive(db))
        return err_set(err, ERR_UNAVAILABLE, "db.away", "the database is away");

    db->tx = (struct tx){ .db = db, .err = err, .options = *options, .open = true };
    *out = &db->tx;
    return ERR_OK;
}

static bool
send_own(struct db *db, const struct stmt *stmt, const char *const *values)
{
    db->queued[db->queued_count++] = NULL;
    return PQsendQueryPrepared(db->conn, stmt->name, stmt->param_count, values, NULL, NULL, 1) == 1;
}

static err_t
send_begin(struct tx *tx)
{
    char tenant[ID_TEXT_BYTES] = "", timeout[24];
    int64_t left_ms = 0; /* 0: no limit */

    if (!id_is_nil(tx->options.tenant))
        id_format(tx->options.tenant, tenant);
    if (tx->options.deadline_us > 0) {
        left_ms = (tx->options.deadline_us - clock_now().us) / 1000 + 1;
        if (left_ms < 1)
            left_ms = 1;
        else if (left_ms > INT32_MAX) /* the setting's own bound */
            left_ms = INT32_MAX;
    }
    (void) snprintf(timeout, sizeof timeout, "%" PRId64, left_ms);

    const char *const values[] = { tenant, timeout };
    tx->begun = true;
    if (!send_own(tx->db, tx->options.read_only ? &stmt_begin_read : &stmt_begin, NULL) ||
        !send_own(tx->db, &stmt_bind, values))
        return fail(tx, db_lost(tx->db, tx->err));
    return ERR_OK;
}

static err_t
sync_now(struct tx *tx, PGresult **rows)
{
    if (!PQpipelineSync(tx->db->conn))
        return fail(tx, db_lost(tx->db, tx->err));
    const err_t code = read_to_sync(tx->db, give_up_at(tx), rows, tx->err);
    return code == ERR_OK ? ERR_OK : fail(tx, code);
}

err_t
db_run(struct tx *tx, const struct stmt *stmt, const struct param *params, size_t param_count,
       struct rows **rows)
{
    struct db *db = tx->db;
    const struct prepared *prepared = db_find(db, stmt);
    struct wire_params wire;

    assert(tx->open && !tx->done);
    assert(prepared); /* a statement of the lists that db_open() was given */
    assert((int) param_count == stmt->param_count);
    assert(param_count <= DB_PARAMS_MAX);
    if (tx->failed)
        return tx->code;
    if (fault_hit("db.run"))
        return fail(tx, err_set(tx->err, ERR_UNAVAILABLE, "db.away", "the database is away"));

    const err_t code = db_encode(prepared, params, &wire, tx->err);
    if (code != ERR_OK)
        return fail(tx, code);
    if (!tx->begun)
        TRY(send_begin(tx));
    db->queued[db->queued_count++] = stmt;
    if (!PQsendQueryPrepared(db->conn, stmt->name, (int) param_count, wire.values, wire.lengths,
                             wire.formats, 1))
        return fail(tx, db_lost(db, tx->err));
    if (!rows)
        return db->queued_count < QUEUED_MAX ? ERR_OK : sync_now(tx, NULL);

    OWNED(rows_free) struct rows *made = calloc(1, sizeof *made);
    if (!made)
        return fail(tx, err_set(tx->err, ERR_UNAVAILABLE, "db.memory", "out of memory"));
    TRY(sync_now(tx, &made->result));
    *rows = TAKE(made);
    return ERR_OK;
}

/* Sends without waiting; the results are a debt. */
static void
send_off(struct db *db, const struct stmt *stmt)
{
    if (!send_own(db, stmt, NULL) || !PQpipelineSync(db->conn) || PQflush(db->conn) < 0)
        db->broken = true;
    db->debts++;
}

err_t
tx_commit(struct tx *tx)
{
    struct db *db = tx->db;

    assert(tx->open && !tx->done);
    if (tx->failed)
        return tx->code;
    if (fault_hit("db.commit"))
        return fail(tx, err_set(tx->err, ERR_UNAVAILABLE, "db.away", "the database is away"));
    if (!tx->begun) {
        tx->done = true;
        return ERR_OK;
    }
    if (tx->options.read_only && db->queued_count == 0) { /* all was read: nobody needs to wait */
        tx->done = true;
        send_off(db, &stmt_commit);
        return ERR_OK;
    }
    if (!send_own(db, &stmt_commit, NULL))
        return fail(tx, db_lost(db, tx->err));
    TRY(sync_now(tx, NULL));
    tx->done = true;
    if (fault_hit("db.committed")) /* true, but nobody heard of it */
        return err_set(tx->err, ERR_UNAVAILABLE, "db.away", "the database is away");
    return ERR_OK;
}

void
tx_end(struct tx *tx)
{
    if (!tx || !tx->open)
        return;
    if (tx->begun && !tx->done && db_is_up(tx->db)) {
        struct db *db = tx->db;
        if (db->queued_count >
            0) { /* if one of these fails, what follows up to a Sync is skipped */
            if (!PQpipelineSync(db->conn))
                db->broken = true;
            db->debts++;
        }
        send_off(db, &stmt_rollback);
    }
    tx->open = false;
}
