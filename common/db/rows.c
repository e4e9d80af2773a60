/* rows.c - values in and out in PostgreSQL's binary format. */
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/db_private.h"

void
rows_free(struct rows *rows)
{
    if (!rows)
        return;
    PQclear(rows->result);
    free(rows);
}

int
rows_count(const struct rows *rows)
{
    return PQntuples(rows->result);
}

bool
rows_is_null(const struct rows *rows, int row, int column)
{
    return PQgetisnull(rows->result, row, column) == 1;
}

static const char *
value(const struct rows *rows, int row, int column)
{
    assert(row >= 0 && row < PQntuples(rows->result));
    assert(column >= 0 && column < PQnfields(rows->result));
    return PQgetvalue(rows->result, row, column);
}

static int16_t
get16(const char *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return (int16_t) be16toh(v);
}

static int32_t
get32(const char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return (int32_t) be32toh(v);
}

static int64_t
get64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return (int64_t) be64toh(v);
}

int64_t
rows_int(const struct rows *rows, int row, int column)
{
    const char *p = value(rows, row, column);

    assert(!rows_is_null(rows, row, column));
    switch (PQftype(rows->result, column)) {
    case OID_INT2:
        return get16(p);
    case OID_INT4:
        return get32(p);
    case OID_OID:
        return (int64_t) (uint32_t) get32(p);
    case OID_INT8:
    case OID_XID8:
        return get64(p);
    default:
        assert(false && "the column is of an integer type");
        return 0;
    }
}

bool
rows_bool(const struct rows *rows, int row, int column)
{
    assert(PQftype(rows->result, column) == OID_BOOL);
    assert(!rows_is_null(rows, row, column));
    return value(rows, row, column)[0] != 0;
}

money_t
rows_money(const struct rows *rows, int row, int column)
{
    assert(PQftype(rows->result, column) == OID_INT8);
    return (money_t){ rows_int(rows, row, column) };
}

date_t
rows_date(const struct rows *rows, int row, int column)
{
    assert(PQftype(rows->result, column) == OID_DATE);
    assert(!rows_is_null(rows, row, column));
    return (date_t){ get32(value(rows, row, column)) + PG_EPOCH_DAYS };
}

instant_t
rows_instant(const struct rows *rows, int row, int column)
{
    assert(PQftype(rows->result, column) == OID_TIMESTAMPTZ);
    assert(!rows_is_null(rows, row, column));
    return (instant_t){ get64(value(rows, row, column)) + PG_EPOCH_US };
}

struct id
rows_id(const struct rows *rows, int row, int column)
{
    struct id id = { { 0 } };

    assert(PQftype(rows->result, column) == OID_UUID);
    if (!rows_is_null(rows, row, column))
        memcpy(id.bytes, value(rows, row, column), sizeof id.bytes);
    return id;
}

const char *
rows_text(const struct rows *rows, int row, int column)
{
    const char *p = value(rows, row, column);

    if (rows_is_null(rows, row, column))
        return NULL;
    switch (PQftype(rows->result, column)) {
    case OID_JSONB: /* a version byte goes before the text */
        return p + 1;
    case OID_BOOL:
    case OID_BYTEA:
    case OID_INT2:
    case OID_INT4:
    case OID_INT8:
    case OID_DATE:
    case OID_TIMESTAMPTZ:
    case OID_UUID:
    case OID_XID8:
        assert(false && "the column is of a text type");
        return NULL;
    default:
        return p;
    }
}

const void *
rows_bytes(const struct rows *rows, int row, int column, size_t *size)
{
    const char *p = value(rows, row, column);

    assert(PQftype(rows->result, column) == OID_BYTEA);
    *size = (size_t) PQgetlength(rows->result, row, column);
    return rows_is_null(rows, row, column) ? NULL : p;
}

/* --- parameters --- */

static void
put_binary(struct wire_params *wire, size_t i, const void *bytes, size_t size)
{
    memcpy(wire->scratch[i], bytes, size);
    wire->values[i] = wire->scratch[i];
    wire->lengths[i] = (int) size;
    wire->formats[i] = 1;
}

static void
put64(struct wire_params *wire, size_t i, int64_t number)
{
    const uint64_t v = htobe64((uint64_t) number);

    put_binary(wire, i, &v, sizeof v);
}

static void
put32(struct wire_params *wire, size_t i, int32_t number)
{
    const uint32_t v = htobe32((uint32_t) number);

    put_binary(wire, i, &v, sizeof v);
}

/* An integer goes in the width that the server expects; where that is no integer (numeric), as
 * text.  False: it does not fit. */
static bool
put_integer(struct wire_params *wire, size_t i, Oid type, int64_t number)
{
    switch (type) {
    case OID_INT8:
    case OID_XID8:
        put64(wire, i, number);
        return true;
    case OID_INT4:
        put32(wire, i, (int32_t) number);
        return number >= INT32_MIN && number <= INT32_MAX;
    case OID_INT2: {
        const uint16_t v = htobe16((uint16_t) number);
        put_binary(wire, i, &v, sizeof v);
        return number >= INT16_MIN && number <= INT16_MAX;
    }
    default:
        (void) snprintf(wire->scratch[i], sizeof wire->scratch[i], "%" PRId64, number);
        wire->values[i] = wire->scratch[i];
        wire->formats[i] = 0;
        return true;
    }
}

/* False when the value cannot be a value of the type: a defect of store.c. */
static bool
put_param(struct wire_params *wire, size_t i, Oid type, const struct param *param)
{
    switch (param->kind) {
    case PARAM_NULL:
        wire->values[i] = NULL;
        wire->formats[i] = 0; /* the server checks the format of a NULL too */
        return true;
    case PARAM_TEXT: /* the text format suits every type: enum, jsonb, numeric, uuid[] */
        wire->values[i] = param->text;
        wire->formats[i] = 0;
        return true;
    case PARAM_INT8:
    case PARAM_INT4:
    case PARAM_XID8:
        return put_integer(wire, i, type, param->number);
    case PARAM_BOOL:
        put_binary(wire, i, param->number ? "\1" : "\0", 1);
        return type == OID_BOOL;
    case PARAM_ID:
        put_binary(wire, i, param->id.bytes, sizeof param->id.bytes);
        return type == OID_UUID;
    case PARAM_BYTES:
        wire->values[i] = param->bytes.data ? param->bytes.data : "";
        wire->lengths[i] = (int) param->bytes.size;
        wire->formats[i] = 1;
        return type == OID_BYTEA && param->bytes.size <= INT32_MAX;
    case PARAM_DATE:
        put32(wire, i, (int32_t) (param->number - PG_EPOCH_DAYS));
        return type == OID_DATE;
    case PARAM_INSTANT:
        put64(wire, i, param->number - PG_EPOCH_US);
        return type == OID_TIMESTAMPTZ;
    }
    return false;
}

err_t
db_encode(const struct prepared *prepared, const struct param *params, struct wire_params *wire,
          struct err *err)
{
    const struct stmt *stmt = prepared->stmt;

    for (int i = 0; i < stmt->param_count; i++)
        if (!put_param(wire, (size_t) i, prepared->types[i], &params[i]))
            return err_set(err, ERR_INTERNAL, "db.parameter",
                           "%s: $%d does not fit its type (oid %u)", stmt->name, i + 1,
                           prepared->types[i]);
    return ERR_OK;
}
