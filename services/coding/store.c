/* store.c - the nouns in and out of the schema coding. */
#include "store.h"

#include "coding_queries.h"

static err_t
year_scheme_read(struct call *c, const struct stmt *stmt, uint32_t year, bool *found,
                 struct year_scheme *out)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, stmt, &rows, P_INT4((int64_t) year)));
    *found = rows_count(rows) == 1;
    if (!*found)
        return ERR_OK;

    const struct year_scheme read = {
        .year = (int32_t) rows_int(rows, 0, 0),
        .id = call_text(c, rows_text(rows, 0, 1)),
        .name = call_text(c, rows_text(rows, 0, 2)),
        .version = call_text(c, rows_text(rows, 0, 3)),
        .checksum = call_text(c, rows_text(rows, 0, 4)),
        .named_at = rows_instant(rows, 0, 5),
        .named_by = rows_id(rows, 0, 6),
        .revision = rows_int(rows, 0, 7),
    };
    if (!read.id || !read.name || !read.version || !read.checksum)
        return c->err.code;
    *out = read;
    return ERR_OK;
}

err_t
year_scheme_get(struct call *c, uint32_t year, struct year_scheme *out)
{
    bool found;

    TRY(year_scheme_read(c, &q_year_scheme_get, year, &found, out));
    if (!found)
        return err_at(&c->err, ERR_REFUSED, "$.year", SCHEME_NOT_NAMED,
                      "no scheme has been named for %u", year);
    return ERR_OK;
}

err_t
year_scheme_lock(struct call *c, uint32_t year, bool *found, struct year_scheme *out)
{
    return year_scheme_read(c, &q_year_scheme_lock, year, found, out);
}

err_t
year_scheme_insert(struct call *c, const struct year_scheme *y)
{
    return db_exec(c, &q_year_scheme_insert, P_ID(c->tenant), P_INT4(y->year), P_TEXT(y->id),
                   P_TEXT(y->name), P_TEXT(y->version), P_TEXT(y->checksum), P_INSTANT(y->named_at),
                   P_ID(y->named_by));
}

err_t
year_scheme_update(struct call *c, const struct year_scheme *y)
{
    return db_exec(c, &q_year_scheme_update, P_INT4(y->year), P_TEXT(y->id), P_TEXT(y->name),
                   P_TEXT(y->version), P_TEXT(y->checksum), P_INSTANT(y->named_at),
                   P_ID(y->named_by));
}
