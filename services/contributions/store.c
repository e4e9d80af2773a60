/* store.c - what identity told, programmes, resolutions and lists of the schema contributions. */
#include "store.h"

#include <string.h>

#include "contributions_queries.h"
#include "rules.h"
#include "store_batch.h"
#include "wire.h"

err_t
town_put(struct call *c, struct id organisation, const char *code, const char *name)
{
    return db_exec(c, &q_town_put, P_ID(c->tenant), P_ID(organisation), P_TEXT(code), P_TEXT(name));
}

err_t
villages_put(struct call *c, const char *json)
{
    return db_exec(c, &q_villages_put, P_ID(c->tenant), P_TEXT(json));
}

err_t
households_put(struct call *c, const char *households, const char *persons)
{
    TRY(db_exec(c, &q_households_put, P_ID(c->tenant), P_TEXT(households)));
    return db_exec(c, &q_persons_put, P_ID(c->tenant), P_TEXT(persons));
}

err_t
village_name(struct call *c, struct id id, const char **name)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_village_get, &rows, P_ID(id)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, VILLAGE_NONE, "no such village in this town");
    *name = call_text(c, rows_text(rows, 0, 0));
    return *name ? ERR_OK : c->err.code;
}

err_t
programme_guard(struct call *c, struct id id, bool alone)
{
    return db_exec(c, alone ? &q_programme_guard : &q_programme_guard_shared, P_ID(id));
}

err_t
village_guard(struct call *c, struct id programme, struct id village)
{
    return db_exec(c, &q_village_guard, P_ID(programme), P_ID(village));
}

/* --- programmes --- */

err_t
programme_insert(struct call *c, const programme_t *p)
{
    ProtobufCBinaryData body;

    TRY(programme_pack(c, p, &body));
    return db_exec(c, &q_programme_insert, P_ID(c->tenant), P_ID(id_of(p->programme_id)),
                   P_INT4(p->year), P_TEXT(state_name(p->state)),
                   P_ID_OR_NULL(id_of(p->village_id)), P_INSTANT(at_of(p->window_until)),
                   P_ID_OR_NULL(id_of(p->prior_programme_id)), P_BYTES(body.data, body.len),
                   P_INT(p->version), P_ID(c->account));
}

static err_t
programme_read(struct call *c, const struct rows *rows, int row, struct programme_row *out)
{
    size_t size;
    const void *body = rows_bytes(rows, row, 3, &size);

    *out = (struct programme_row){ .id = rows_id(rows, row, 0),
                                   .village = rows_id(rows, row, 1),
                                   .prepared_by = rows_id(rows, row, 2) };
    return programme_unpack(c, body, size, &out->is);
}

err_t
programme_get(struct call *c, struct id id, struct programme_row *row)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_programme_get, &rows, P_ID(id)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, PROGRAMME_NONE, "no such programme");
    return programme_read(c, rows, 0, row);
}

err_t
programme_update(struct call *c, programme_t *p, struct id prepared_by, struct id approved_by)
{
    ProtobufCBinaryData body;

    p->version++;
    TRY(programme_pack(c, p, &body));
    return db_exec(c, &q_programme_update, P_ID(id_of(p->programme_id)), P_INT4(p->year),
                   P_TEXT(state_name(p->state)), P_ID_OR_NULL(id_of(p->village_id)),
                   P_INSTANT(at_of(p->window_until)), P_ID_OR_NULL(id_of(p->prior_programme_id)),
                   P_BYTES(body.data, body.len), P_INT(p->version), P_ID(prepared_by),
                   P_ID_OR_NULL(approved_by));
}

err_t
programme_list(struct call *c, struct page page, uint32_t year, const char *state,
               struct programme_row **list, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_programme_list, &rows, P_ID(page.after), P_INT(page.rows), P_INT4(year),
                 P_TEXT(state)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, list);
    for (size_t i = 0; i < *count; i++)
        TRY(programme_read(c, rows, (int) i, &(*list)[i]));
    return ERR_OK;
}

err_t
windows_passed(struct call *c, struct id **tenants, struct id **programmes, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_windows_passed, &rows, P_INSTANT(c->now)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, tenants);
    LIST(c, *count, programmes);
    for (size_t i = 0; i < *count; i++) {
        (*tenants)[i] = rows_id(rows, (int) i, 0);
        (*programmes)[i] = rows_id(rows, (int) i, 1);
    }
    return ERR_OK;
}

/* --- resolutions --- */

err_t
resolution_insert(struct call *c, const Contributions__Resolution *r)
{
    struct id *uploads;

    TRY(ids_from_wire(c, r->upload_ids, r->n_upload_ids, "$.resolution.uploadIds", &uploads));
    const char *text = ids_text(c, uploads, r->n_upload_ids);
    if (!text)
        return c->err.code;
    return db_exec(c, &q_resolution_insert, P_ID(c->tenant), P_ID(id_of(r->resolution_id)),
                   P_ID(id_of(r->programme_id)), P_ID(id_of(r->village_id)), P_INT4(r->meeting),
                   P_DATE(day_of(r->met_on)), P_INT4(r->entitled), P_INT4(r->attended),
                   P_INT4(r->votes_for), P_INT4(r->against), P_INT4(r->abstained), P_TEXT(text),
                   P_BOOL(r->passed), P_TEXT(r->why_not), P_ID(c->account), P_INSTANT(c->now));
}

static err_t
resolution_read(struct call *c, const struct rows *rows, int row, Contributions__Resolution **out)
{
    MAKE(c, Contributions__Resolution, contributions__resolution__init, r);
    const char *uploads = rows_text(rows, row, 10);

    r->meeting = (Contributions__Resolution__Meeting) rows_int(rows, row, 3);
    r->entitled = (uint32_t) rows_int(rows, row, 5);
    r->attended = (uint32_t) rows_int(rows, row, 6);
    r->votes_for = (uint32_t) rows_int(rows, row, 7);
    r->against = (uint32_t) rows_int(rows, row, 8);
    r->abstained = (uint32_t) rows_int(rows, row, 9);
    r->passed = rows_bool(rows, row, 11);
    if (!put_id(c, rows_id(rows, row, 0), &r->resolution_id) ||
        !put_id(c, rows_id(rows, row, 1), &r->programme_id) ||
        !put_id(c, rows_id(rows, row, 2), &r->village_id) ||
        !put_day(c, rows_date(rows, row, 4), &r->met_on) ||
        !put_text(c, rows_text(rows, row, 12), &r->why_not) ||
        !put_id(c, rows_id(rows, row, 13), &r->recorded_by) ||
        !put_at(c, rows_instant(rows, row, 14), &r->recorded_at))
        return no_memory(c);
    LIST(c, strlen(uploads) / (ID_TEXT_BYTES - 1), &r->upload_ids);
    for (const char *at = uploads + 1; strlen(at) >= ID_TEXT_BYTES - 1; at += ID_TEXT_BYTES) {
        char text[ID_TEXT_BYTES] = "";
        struct id id;
        memcpy(text, at, ID_TEXT_BYTES - 1);
        if (id_parse(text, &id) && !put_id(c, id, &r->upload_ids[r->n_upload_ids++]))
            return no_memory(c);
        if (at[ID_TEXT_BYTES - 1] != ',')
            break;
    }
    *out = r;
    return ERR_OK;
}

err_t
resolution_list(struct call *c, struct id programme, struct page page,
                Contributions__Resolution ***list, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_resolution_list, &rows, P_ID(programme), P_ID(page.after),
                 P_INT(page.rows)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, list);
    for (size_t i = 0; i < *count; i++)
        TRY(resolution_read(c, rows, (int) i, &(*list)[i]));
    return ERR_OK;
}

err_t
village_has_resolved(struct call *c, struct id programme, struct id village, bool *passed)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_resolution_passed, &rows, P_ID(programme), P_ID(village)));
    *passed = rows_count(rows) > 0;
    return ERR_OK;
}

/* --- lists of subsidised people --- */

err_t
subsidised_insert(struct call *c, struct id programme, const Contributions__SubsidisedList *list)
{
    return db_exec(c, &q_subsidised_insert, P_ID(c->tenant), P_ID(id_of(list->subsidised_list_id)),
                   P_ID(programme), P_TEXT(list->category), P_TEXT(list->place),
                   P_INT4(list->source), P_INT4(list->people), P_INT(fen_of(list->per_head)),
                   P_INT(fen_of(list->printed)), P_DATE(day_of(list->as_of)),
                   P_ID_OR_NULL(id_of(list->upload_id)), P_ID(c->account), P_INSTANT(c->now));
}

err_t
subsidised_list(struct call *c, struct id programme, struct page page,
                Contributions__SubsidisedList ***out, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_subsidised_list, &rows, P_ID(programme), P_ID(page.after),
                 P_INT(page.rows)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, out);
    for (int i = 0; i < (int) *count; i++) {
        MAKE(c, Contributions__SubsidisedList, contributions__subsidised_list__init, l);
        const int64_t computed = rows_int(rows, i, 4) * rows_int(rows, i, 5);
        const int64_t printed = rows_int(rows, i, 6);
        l->source = (Contributions__Source__Kind) rows_int(rows, i, 3);
        l->people = (uint32_t) rows_int(rows, i, 4);
        l->flagged = computed != printed;
        if (!put_id(c, rows_id(rows, i, 0), &l->subsidised_list_id) ||
            !put_id(c, programme, &l->programme_id) ||
            !put_text(c, rows_text(rows, i, 1), &l->category) ||
            !put_text(c, rows_text(rows, i, 2), &l->place) ||
            !put_money(c, rows_int(rows, i, 5), &l->per_head) ||
            !put_money(c, printed, &l->printed) || !put_money(c, computed, &l->computed) ||
            !put_money(c, computed - printed, &l->difference) ||
            !put_day(c, rows_date(rows, i, 7), &l->as_of) ||
            !put_id(c, rows_id(rows, i, 8), &l->upload_id))
            return no_memory(c);
        (*out)[i] = l;
    }
    return ERR_OK;
}
