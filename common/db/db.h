/* db.h - prepared statements in, typed rows out; with events/ the only code that knows libpq
 * exists.
 *
 * A struct db is one connection of one thread.  Its statements are prepared when it opens, so that
 * one which does not fit the schema stops the start.  It reconnects by itself, with capped and
 * jittered back-off, when PostgreSQL restarts or fails over; the transaction under way ends with
 * ERR_UNAVAILABLE.
 *
 * Work is pipelined: tx_begin() sends nothing yet; BEGIN, the tenant setting and every db_exec()
 * wait in the pipeline and travel with the first db_query() or with COMMIT, so that a write of any
 * number of statements without a query costs one round trip.  The error of a queued statement
 * therefore comes from the next db_query() or tx_commit(). */
#ifndef HUZHU_DB_H
#define HUZHU_DB_H

#include "arena/arena.h"
#include "clock/clock.h"
#include "err/err.h"
#include "id/id.h"
#include "money/money.h"

struct stmt {
    const char *name; /* "claims.claim_insert": also the name it is prepared under */
    const char *sql;
    int param_count;
};

#define DB_PARAMS_MAX 64

/* What a broken constraint means to a caller: "claim_billed_positive" -> INVALID, "claim.amount".
 */
struct db_constraint {
    const char *constraint;
    err_t code;
    const char *reason;
    const char *text;
};

struct db;
struct db_conf {
    const char *url;    /* libpq conninfo, with all hosts of a failover pair */
    const char *schema; /* becomes the search_path */
    const struct stmt *const *const *statements; /* NULL-ended list of NULL-ended lists */
    const struct db_constraint *constraints;
    size_t constraint_count;
};
/* Waits for the database at most wait_ms. */
err_t db_open(const struct db_conf *conf, int wait_ms, struct db **db, struct err *err) MUST_CHECK;
void db_close(struct db *db);
DEFINE_OWNED(struct db, db_close)
bool db_is_up(struct db *db);
/* Tries once to come back; false while PostgreSQL is away (the caller's loop tries again later). */
bool db_revive(struct db *db);

struct tx;
struct tx_options {
    struct id tenant; /* nil: no tenant; rows of tenant tables are then out of sight */
    bool read_only;
    int64_t deadline_us; /* wall clock; becomes statement_timeout; 0: none */
};
/* The error of every statement goes to *err, which must outlive the transaction. */
err_t tx_begin(struct db *db, const struct tx_options *options, struct err *err,
               struct tx **tx) MUST_CHECK;
err_t tx_commit(struct tx *tx) MUST_CHECK;
void tx_end(struct tx *tx); /* rolls back, unless tx_commit() came first; frees */
DEFINE_OWNED(struct tx, tx_end)

struct param {
    enum {
        PARAM_NULL,
        PARAM_TEXT,
        PARAM_INT8,
        PARAM_INT4,
        PARAM_BOOL,
        PARAM_ID,
        PARAM_BYTES,
        PARAM_DATE,
        PARAM_INSTANT,
        PARAM_XID8
    } kind;
    union {
        const char *text;
        int64_t number;
        struct id id;
        struct {
            const void *data;
            size_t size;
        } bytes;
    };
};
#define P_NULL ((struct param){ PARAM_NULL, .text = NULL })
#define P_TEXT(v) db_param_text(v) /* NULL becomes SQL NULL */
#define P_INT(v) ((struct param){ PARAM_INT8, .number = (v) })
#define P_INT4(v) ((struct param){ PARAM_INT4, .number = (v) })
#define P_BOOL(v) ((struct param){ PARAM_BOOL, .number = (v) })
#define P_MONEY(v) P_INT((v).fen)
#define P_DATE(v) ((struct param){ PARAM_DATE, .number = (v).days })
#define P_INSTANT(v) ((struct param){ PARAM_INSTANT, .number = (v).us })
#define P_ID(v) ((struct param){ PARAM_ID, .id = (v) })
#define P_ID_OR_NULL(v) db_param_id_or_null(v) /* the nil id becomes SQL NULL */
#define P_BYTES(d, n) ((struct param){ PARAM_BYTES, .bytes = { (d), (n) } })
#define P_XID8(v) ((struct param){ PARAM_XID8, .number = (int64_t) (v) })

static inline struct param
db_param_text(const char *text)
{
    return text ? (struct param){ PARAM_TEXT, .text = text } : P_NULL;
}
static inline struct param
db_param_id_or_null(struct id id)
{
    return id_is_nil(id) ? P_NULL : (struct param){ PARAM_ID, .id = id };
}

struct rows; /* one result; owned by whoever asked */
void rows_free(struct rows *rows);
DEFINE_OWNED(struct rows, rows_free)
int rows_count(const struct rows *rows);
bool rows_is_null(const struct rows *rows, int row, int column);
/* Typed reads of binary results; the column's SQL type is asserted.  Integers of any width. */
int64_t rows_int(const struct rows *rows, int row, int column);
bool rows_bool(const struct rows *rows, int row, int column);
money_t rows_money(const struct rows *rows, int row, int column);
date_t rows_date(const struct rows *rows, int row, int column);
instant_t rows_instant(const struct rows *rows, int row, int column);
struct id rows_id(const struct rows *rows, int row, int column); /* nil when NULL */
const char *rows_text(const struct rows *rows, int row,
                      int column); /* NULL when NULL; dies with rows */
const void *rows_bytes(const struct rows *rows, int row, int column, size_t *size);

/* One prepared statement inside the transaction.  rows NULL: queued, no result wanted.
 * SQLSTATE 40001, 40P01 become ERR_RACED (only the runtime handles it); 57014 ERR_DEADLINE; class
 * 08, 57P0x ERR_UNAVAILABLE; a constraint of the table its own code and reason; all else
 * ERR_INTERNAL. */
err_t db_run(struct tx *tx, const struct stmt *stmt, const struct param *params, size_t param_count,
             struct rows **rows) MUST_CHECK;

#define DB_PARAMS(...)                                                                             \
    (const struct param[]){ __VA_ARGS__ }, COUNT(((const struct param[]){ __VA_ARGS__ }))
/* c is anything with a member tx: a struct call, mostly. */
#define db_query(c, stmt, rows, ...) db_run((c)->tx, (stmt), DB_PARAMS(__VA_ARGS__), (rows))
#define db_query0(c, stmt, rows) db_run((c)->tx, (stmt), NULL, 0, (rows))
#define db_exec(c, stmt, ...) db_run((c)->tx, (stmt), DB_PARAMS(__VA_ARGS__), NULL)

/* --- migrations (`huzhu-claims migrate`) --- */

struct migration {
    const char *name; /* "0001_claims": applied in the order of names, once */
    const char *sql;
};
/* Applies what is missing, each in one transaction, under an advisory lock of the schema, as the
 * owner role.  An applied one whose SHA-256 differs is refused (ERR_CONFLICT, "migration.changed").
 */
err_t db_migrate(const char *owner_url, const char *schema, const struct migration *migrations,
                 size_t count, struct err *err) MUST_CHECK;
/* Whether the schema has every migration this binary needs (it may have later ones). */
err_t db_schema_is_ready(struct db *db, const struct migration *migrations, size_t count,
                         struct err *err) MUST_CHECK;

#endif
