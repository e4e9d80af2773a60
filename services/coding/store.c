/* store.c - the nouns in and out of the schema coding. */
#include "store.h"

#include <string.h>

#include "coding_queries.h"

/* --- out of rows --- */

/* --- years --- */

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

/* --- programmes and households --- */

static money_t
money_or_none(const struct rows *rows, int column)
{
    return rows_is_null(rows, 0, column) ? NO_MONEY : rows_money(rows, 0, column);
}

static struct param
p_money_or_null(money_t amount)
{
    return amount.fen < 0 ? P_NULL : P_MONEY(amount);
}

static err_t
programme_unknown(struct call *c)
{
    return err_at(&c->err, ERR_REFUSED, "$.programmeId", PROGRAMME_UNKNOWN,
                  "coding has not heard of this programme");
}

err_t
programme_get(struct call *c, struct id programme, struct programme *out)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_programme_get, &rows, P_ID(programme)));
    if (rows_count(rows) == 0)
        return programme_unknown(c);
    *out = (struct programme){ .id = programme,
                               .year = (int32_t) rows_int(rows, 0, 0),
                               .claim_least = money_or_none(rows, 3),
                               .claim_most = money_or_none(rows, 4),
                               .person_most = money_or_none(rows, 5),
                               .own_payment_limits = rows_bool(rows, 0, 6),
                               .workdays = (int32_t) rows_int(rows, 0, 7),
                               .exclusions = (uint32_t) rows_int(rows, 0, 8),
                               .version = rows_int(rows, 0, 9) };
    TRY(text_or_empty(c, rows, 0, 1, &out->name));
    return text_or_empty(c, rows, 0, 2, &out->scheme);
}

err_t
programme_lock(struct call *c, struct id programme)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_programme_lock, &rows, P_ID(programme)));
    return rows_count(rows) == 0 ? programme_unknown(c) : ERR_OK;
}

err_t
programme_put(struct call *c, const struct programme *p)
{
    return db_exec(c, &q_programme_put, P_ID(c->tenant), P_ID(p->id), P_INT4(p->year),
                   P_TEXT(p->name), P_TEXT(p->scheme), p_money_or_null(p->claim_least),
                   p_money_or_null(p->claim_most), p_money_or_null(p->person_most),
                   P_BOOL(p->own_payment_limits), P_INT4(p->workdays),
                   P_INT4((int64_t) p->exclusions), P_INT(p->version));
}

err_t
household_put(struct call *c, struct id household, const struct id *people, size_t count)
{
    char *list = arena_alloc(c->arena, count * ID_TEXT_BYTES + 1);

    if (!list)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the request needs too much memory");
    for (size_t i = 0; i < count; i++) {
        id_format(people[i], list + i * ID_TEXT_BYTES);
        list[(i + 1) * ID_TEXT_BYTES - 1] = i + 1 < count ? ' ' : '\0';
    }
    return db_exec(c, &q_household_put, P_ID(c->tenant), P_ID(household), P_TEXT(list));
}
