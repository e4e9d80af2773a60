/* store_table.c - subsidy tables in and out of the schema coding. */
#include <string.h>

#include "coding_queries.h"
#include "store.h"

static const char *const table_states[] = {
    [TABLE_DRAFT] = "DRAFT", [TABLE_CONFIRMED] = "CONFIRMED", [TABLE_FROZEN] = "FROZEN"
};

static err_t
read_table(struct call *c, const struct rows *rows, int row, struct subsidy_table *out)
{
    size_t size;
    struct subsidy_table read = {
        .programme = rows_id(rows, row, 0),
        .state =
            (enum table_state) place_of(rows_text(rows, row, 5), table_states, COUNT(table_states)),
        .row_count = (size_t) rows_int(rows, row, 6),
        .created_by = rows_id(rows, row, 8),
        .designed_by = rows_id(rows, row, 9),
        .confirmed_by = rows_id(rows, row, 10),
        .frozen_by = rows_id(rows, row, 11),
        .created_at = rows_instant(rows, row, 12),
        .confirmed_at = instant_or_never(rows, row, 13),
        .frozen_at = instant_or_never(rows, row, 14),
        .version = rows_int(rows, row, 15),
        .id = rows_id(rows, row, 16),
    };

    TRY(text_or_empty(c, rows, row, 1, &read.scheme.id));
    TRY(text_or_empty(c, rows, row, 2, &read.scheme.name));
    TRY(text_or_empty(c, rows, row, 3, &read.scheme.version));
    TRY(text_or_empty(c, rows, row, 4, &read.scheme.checksum));
    const void *sum = rows_bytes(rows, row, 7, &size);
    memcpy(read.sha256, sum, sizeof read.sha256);
    *out = read;
    return ERR_OK;
}

static err_t
read_one(struct call *c, const struct stmt *stmt, struct id id, bool *found,
         struct subsidy_table *out)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, stmt, &rows, P_ID(id)));
    *found = rows_count(rows) > 0;
    return *found ? read_table(c, rows, 0, out) : ERR_OK;
}

static err_t
read_or_none(struct call *c, const struct stmt *stmt, struct id id, struct subsidy_table *out)
{
    bool found;

    TRY(read_one(c, stmt, id, &found, out));
    return found ? ERR_OK : err_set(&c->err, ERR_NOT_FOUND, TABLE_NONE, "no such subsidy table");
}

err_t
table_get(struct call *c, struct id table, struct subsidy_table *out)
{
    return read_or_none(c, &q_table_get, table, out);
}

err_t
table_lock(struct call *c, struct id table, struct subsidy_table *out)
{
    return read_or_none(c, &q_table_lock, table, out);
}

err_t
table_frozen(struct call *c, struct id programme, struct subsidy_table *out)
{
    bool found;

    TRY(read_one(c, &q_table_frozen, programme, &found, out));
    return found ? ERR_OK
                 : err_set(&c->err, ERR_REFUSED, TABLE_NOT_FROZEN,
                           "the programme has no frozen table yet");
}

err_t
tables_of(struct call *c, struct id programme, struct subsidy_table **out, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_tables_of, &rows, P_ID(programme)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, out);
    for (size_t i = 0; i < *count; i++)
        TRY(read_table(c, rows, (int) i, &(*out)[i]));
    return ERR_OK;
}

static int32_t
age_or_none(const struct rows *rows, int row, int column)
{
    return rows_is_null(rows, row, column) ? DRG_MISSING : (int32_t) rows_int(rows, row, column);
}

static err_t
read_rows(struct call *c, const struct rows *rows, struct subsidy_row **out, size_t *count)
{
    *count = (size_t) rows_count(rows);
    LIST(c, *count, out);
    for (int i = 0; i < (int) *count; i++) {
        struct subsidy_row *row = &(*out)[i];
        TRY(text_or_empty(c, rows, i, 0, &row->drg));
        TRY(text_or_empty(c, rows, i, 1, &row->name));
        row->amount = rows_money(rows, i, 2);
        TRY(text_or_empty(c, rows, i, 3, &row->parent));
        row->age_from = age_or_none(rows, i, 4);
        row->age_to = age_or_none(rows, i, 5);
        row->sex = (enum drg_sex) rows_int(rows, i, 6);
    }
    return ERR_OK;
}

err_t
table_load_rows(struct call *c, struct subsidy_table *table)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_table_rows, &rows, P_ID(table->id)));
    return read_rows(c, rows, &table->rows, &table->row_count);
}

err_t
table_rows_of(struct call *c, struct id table, const char *drg, struct subsidy_row **out,
              size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_table_rows_of, &rows, P_ID(table), P_TEXT(drg)));
    return read_rows(c, rows, out, count);
}

static struct param
p_age(int32_t age)
{
    return age == DRG_MISSING ? P_NULL : P_INT4(age);
}

static err_t
insert_rows(struct call *c, const struct subsidy_table *table)
{
    for (size_t i = 0; i < table->row_count; i++) {
        const struct subsidy_row *row = &table->rows[i];
        TRY(db_exec(c, &q_table_row_insert, P_ID(c->tenant), P_ID(table->id), P_INT4((int64_t) i),
                    P_TEXT(row->drg), P_TEXT(row->name), P_MONEY(row->amount), P_TEXT(row->parent),
                    p_age(row->age_from), p_age(row->age_to), P_INT4((int64_t) row->sex)));
    }
    return ERR_OK;
}

err_t
table_insert(struct call *c, const struct subsidy_table *t)
{
    TRY(db_exec(c, &q_table_insert, P_ID(c->tenant), P_ID(t->id), P_ID(t->programme),
                P_TEXT(t->scheme.id), P_TEXT(t->scheme.name), P_TEXT(t->scheme.version),
                P_TEXT(t->scheme.checksum), P_INT4((int64_t) t->row_count),
                P_BYTES(t->sha256, sizeof t->sha256), P_ID(t->created_by),
                P_INSTANT(t->created_at)));
    return insert_rows(c, t);
}

err_t
table_change(struct call *c, const struct subsidy_table *t)
{
    TRY(db_exec(c, &q_table_change, P_ID(t->id), P_INT4((int64_t) t->row_count),
                P_BYTES(t->sha256, sizeof t->sha256), P_ID(t->designed_by)));
    TRY(db_exec(c, &q_table_rows_delete, P_ID(t->id)));
    return insert_rows(c, t);
}

err_t
table_store_confirm(struct call *c, const struct subsidy_table *t)
{
    return db_exec(c, &q_table_confirm, P_ID(t->id), P_ID(t->confirmed_by),
                   P_INSTANT(t->confirmed_at));
}

err_t
table_store_freeze(struct call *c, const struct subsidy_table *t)
{
    return db_exec(c, &q_table_freeze, P_ID(t->id), P_ID(t->frozen_by), P_INSTANT(t->frozen_at));
}
