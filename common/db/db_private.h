/* db_private.h - what the files of db/ share.  Nobody else includes it. */
#ifndef HUZHU_DB_PRIVATE_H
#define HUZHU_DB_PRIVATE_H

#include <libpq-fe.h>

#include "db/db.h"

/* The types that we exchange in binary form; PostgreSQL's pg_type.dat fixes the numbers. */
enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_OID = 26,
    OID_DATE = 1082,
    OID_TIMESTAMPTZ = 1184,
    OID_UUID = 2950,
    OID_JSONB = 3802,
    OID_XID8 = 5069,
};
#define PG_EPOCH_DAYS 10957 /* 2000-01-01 */
#define PG_EPOCH_US INT64_C(946684800000000)

/* More statements than this wait for no query: their results are read, so that neither side's
 * buffers grow without bound. */
enum { QUEUED_MAX = 256 };

/* What the server said of a statement when it was prepared. */
struct prepared {
    const struct stmt *stmt;
    Oid *types; /* of the parameters, stmt->param_count of them */
};

struct tx {
    struct db *db;
    struct err *err;
    struct tx_options options;
    bool open;   /* between tx_begin() and tx_end() */
    bool begun;  /* BEGIN has been queued */
    bool failed; /* a statement failed: nothing but tx_end() is of use */
    err_t code;  /* of the failure */
    bool done;   /* committed, or nothing to commit */
};

struct db {
    struct db_conf conf;
    PGconn *conn;
    bool broken; /* the connection is of no more use */
    struct tx tx;

    const struct stmt *queued[QUEUED_MAX + 4]; /* sent and unanswered since the last sync; NULL:
                                                  BEGIN, COMMIT, the tenant setting */
    int queued_count;
    int debts; /* syncs whose results nobody waited for: the end of a read, a rollback */

    int64_t retry_at_us; /* monotonic: no attempt to connect before it */
    int64_t backoff_us;

    struct prepared *prepared; /* hash table by stmt pointer */
    size_t prepared_room;      /* a power of two */
    Oid *type_pool;
};

struct rows {
    PGresult *result;
};

/* Turns a result that is an error into *err; marks the connection broken when it is. */
err_t db_translate(struct db *db, const struct stmt *stmt, const PGresult *result, struct err *err);
err_t db_lost(struct db *db, struct err *err);
/* Waits until a result can be read without blocking, sending what is left to send. */
bool db_wait(struct db *db, int64_t give_up_at_us);
/* Reads what earlier transactions left unread. */
err_t db_settle(struct db *db, struct err *err) MUST_CHECK;
const struct prepared *db_find(const struct db *db, const struct stmt *stmt);
/* Connects without preparing anything. */
PGconn *db_connect(const char *url, struct err *err);

struct wire_params {
    const char *values[DB_PARAMS_MAX];
    int lengths[DB_PARAMS_MAX], formats[DB_PARAMS_MAX];
    char scratch[DB_PARAMS_MAX][24];
};
err_t db_encode(const struct prepared *prepared, const struct param *params,
                struct wire_params *wire, struct err *err) MUST_CHECK;

#endif
