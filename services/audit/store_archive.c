/* store_archive.c - publications, the catalogue and what its titles need, in and out of the schema
 * audit. */
#include <stdio.h>
#include <string.h>

#include "audit_queries.h"
#include "store.h"

/* --- publications --- */

err_t
publication_insert(struct call *c, struct id publication, int64_t version)
{
    return db_exec(c, &q_publication_insert, P_ID(c->tenant), P_ID(publication), P_INT(version));
}

err_t
publication_find(struct call *c, struct id publication, int64_t version, struct record *record,
                 bool *found)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_publication_find, &rows, P_ID(publication), P_INT(version)));
    *found = rows_count(rows) == 1;
    return *found ? record_read(c, rows, 0, record) : ERR_OK;
}

/* --- what others told --- */

err_t
fonds_upsert(struct call *c, const char *code, const char *name)
{
    return db_exec(c, &q_fonds_upsert, P_ID(c->tenant), P_TEXT(code), P_TEXT(name));
}

err_t
fonds_find(struct call *c, struct fonds *fonds)
{
    OWNED(rows_free) struct rows *rows = NULL;

    *fonds = (struct fonds){ NULL, "", "" };
    TRY(db_query0(c, &q_fonds_find, &rows));
    if (!rows_is_null(rows, 0, 0)) {
        TRY(text_of(c, rows, 0, 0, &fonds->code));
        TRY(text_of(c, rows, 0, 1, &fonds->name));
    }
    return text_of(c, rows, 0, 2, &fonds->place);
}

err_t
village_upsert(struct call *c, struct id village, const char *division_code, const char *name)
{
    return db_exec(c, &q_village_upsert, P_ID(c->tenant), P_ID(village), P_TEXT(division_code),
                   P_TEXT(name));
}

err_t
village_find(struct call *c, struct id village, const char **division_code, const char **name,
             bool *found)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_village_find, &rows, P_ID(village)));
    *found = rows_count(rows) == 1;
    if (!*found)
        return ERR_OK;
    TRY(text_of(c, rows, 0, 0, division_code));
    return text_of(c, rows, 0, 1, name);
}

err_t
programme_upsert(struct call *c, const struct programme *programme)
{
    return db_exec(c, &q_programme_upsert, P_ID(c->tenant), P_ID(programme->id),
                   P_INT4(programme->year), P_TEXT(programme->name),
                   P_ID_OR_NULL(programme->village));
}

err_t
programme_find(struct call *c, struct id id, struct programme *programme, bool *found)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_programme_find, &rows, P_ID(id)));
    *found = rows_count(rows) == 1;
    if (!*found)
        return ERR_OK;
    *programme = (struct programme){ .id = id,
                                     .year = (int) rows_int(rows, 0, 0),
                                     .village = rows_id(rows, 0, 2) };
    return text_of(c, rows, 0, 1, &programme->name);
}

err_t
voter_insert(struct call *c, struct id programme, struct id village)
{
    return db_exec(c, &q_voter_insert, P_ID(c->tenant), P_ID(programme), P_ID(village));
}

/* --- the catalogue --- */

err_t
catalogue_lock(struct call *c)
{
    OWNED(rows_free) struct rows *rows = NULL;

    return db_query0(c, &q_catalogue_lock, &rows);
}

err_t
item_exists(struct call *c, struct id subject, const char *source, int64_t version, bool *exists)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_item_exists, &rows, P_ID(subject), P_TEXT(source), P_INT(version)));
    *exists = rows_count(rows) > 0;
    return ERR_OK;
}

err_t
item_file(struct call *c, struct item *item)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(
        c, &q_item_file, &rows, P_ID(c->tenant), P_ID(item->id), P_INT4((int32_t) item->kind),
        P_INT4(item->year), P_TEXT(item->fonds), P_TEXT(item->place), P_ID_OR_NULL(item->programme),
        P_ID_OR_NULL(item->village), P_TEXT(item->title), P_DATE(item->dated),
        p_date_or_null(item->ends_on), P_INT4(item->keep_years), p_date_or_null(item->keep_until),
        P_INT4((int32_t) item->secrecy), P_BYTES(item->sha256, sizeof item->sha256),
        P_TEXT(item->source), P_INT(item->version), P_ID_OR_NULL(item->event),
        P_ID_OR_NULL(item->subject), P_ID_OR_NULL(item->upload), P_TEXT(item->paper_location),
        P_INSTANT(item->filed_at), P_ID_OR_NULL(item->filed_by)));
    item->line = rows_int(rows, 0, 0);
    item->number = rows_int(rows, 0, 1);
    item->seq = rows_int(rows, 0, 3);
    return text_of(c, rows, 0, 2, &item->archive_number);
}

static err_t
item_read(struct call *c, const struct rows *rows, int row, struct item *item)
{
    size_t size = 0;

    *item = (struct item){
        .line = rows_int(rows, row, 0),
        .id = rows_id(rows, row, 1),
        .kind = (enum item_kind) rows_int(rows, row, 2),
        .year = (int) rows_int(rows, row, 3),
        .number = rows_int(rows, row, 4),
        .programme = rows_id(rows, row, 8),
        .village = rows_id(rows, row, 9),
        .dated = rows_date(rows, row, 11),
        .keep_years = (int) rows_int(rows, row, 13),
        .secrecy = (enum secrecy) rows_int(rows, row, 15),
        .seq = rows_int(rows, row, 18),
        .subject = rows_id(rows, row, 19),
        .upload = rows_id(rows, row, 20),
        .filed_at = rows_instant(rows, row, 22),
        .filed_by = rows_id(rows, row, 23),
        .recorded = rows_bool(rows, row, 24),
    };
    if (!rows_is_null(rows, row, 12))
        item->ends_on = rows_date(rows, row, 12);
    if (!rows_is_null(rows, row, 14))
        item->keep_until = rows_date(rows, row, 14);
    const void *bytes = rows_bytes(rows, row, 16, &size);
    assert(size == sizeof item->sha256);
    memcpy(item->sha256, bytes, sizeof item->sha256);
    TRY(text_of(c, rows, row, 5, &item->archive_number));
    TRY(text_of(c, rows, row, 6, &item->fonds));
    TRY(text_of(c, rows, row, 7, &item->place));
    TRY(text_of(c, rows, row, 10, &item->title));
    TRY(text_of(c, rows, row, 17, &item->source));
    return text_of(c, rows, row, 21, &item->paper_location);
}

err_t
item_list(struct call *c, const struct item_filter *filter, struct item **items, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_item_list, &rows, P_INT(filter->after_line), P_INT(filter->rows),
                 P_ID_OR_NULL(filter->programme), P_ID_OR_NULL(filter->village),
                 P_INT4(filter->kind), P_INT4(filter->year)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, items);
    for (size_t i = 0; i < *count; i++)
        TRY(item_read(c, rows, (int) i, &(*items)[i]));
    return ERR_OK;
}

err_t
completeness(struct call *c, const struct programme *programme, struct id village,
             struct village_has **villages, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_completeness, &rows, P_ID(programme->id), P_INT4(programme->year),
                 P_ID_OR_NULL(programme->village), P_ID_OR_NULL(village)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, villages);
    for (size_t i = 0; i < *count; i++) {
        (*villages)[i].id = rows_id(rows, (int) i, 0);
        TRY(text_of(c, rows, (int) i, 1, &(*villages)[i].name));
        (*villages)[i].takes_part = rows_bool(rows, (int) i, 2);
        (*villages)[i].kinds = (uint32_t) rows_int(rows, (int) i, 3);
    }
    return ERR_OK;
}

/* --- the monthly look --- */

err_t
counter_list(struct call *c, struct counter **counters, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query0(c, &q_counter_list, &rows));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, counters);
    for (size_t i = 0; i < *count; i++)
        (*counters)[i] = (struct counter){ .kind = (int) rows_int(rows, (int) i, 0),
                                           .year = (int) rows_int(rows, (int) i, 1),
                                           .next = rows_int(rows, (int) i, 2) };
    return ERR_OK;
}

err_t
catalogues_unchecked(struct call *c, const char *month, struct id **tenants, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_catalogues_unchecked, &rows, P_TEXT(month)));
    return store_ids(c, rows, tenants, count);
}

err_t
check_insert(struct call *c, const struct catalogue_check *check)
{
    return db_exec(c, &q_check_insert, P_ID(c->tenant), P_TEXT(check->month), P_INSTANT(check->at),
                   P_INT(check->items), P_INT(check->faults), P_TEXT(check->findings),
                   P_BYTES(check->sha256, sizeof check->sha256));
}

err_t
check_list(struct call *c, instant_t before, int64_t most, struct catalogue_check **checks,
           size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_check_list, &rows, before.us ? P_INSTANT(before) : P_NULL, P_INT(most)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, checks);
    for (size_t i = 0; i < *count; i++) {
        struct catalogue_check *check = &(*checks)[i];
        size_t size = 0;

        (void) snprintf(check->month, sizeof check->month, "%s", rows_text(rows, (int) i, 0));
        check->at = rows_instant(rows, (int) i, 1);
        check->items = rows_int(rows, (int) i, 2);
        check->faults = rows_int(rows, (int) i, 3);
        TRY(text_of(c, rows, (int) i, 4, &check->findings));
        const void *bytes = rows_bytes(rows, (int) i, 5, &size);
        assert(size == sizeof check->sha256);
        memcpy(check->sha256, bytes, sizeof check->sha256);
    }
    return ERR_OK;
}
