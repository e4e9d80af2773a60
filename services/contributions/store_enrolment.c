/* store_enrolment.c - households, what they enrol, and how many take part. */
#include <string.h>

#include "contributions_queries.h"
#include "rules.h"
#include "store.h"
#include "store_batch.h"
#include "wire.h"

static err_t
member_read(struct call *c, const struct rows *rows, int row, struct member *m)
{
    *m = (struct member){ .person = rows_id(rows, row, 7),
                          .head = rows_bool(rows, row, 8),
                          .grounds = (uint32_t) rows_int(rows, row, 9),
                          .entry = (int) rows_int(rows, row, 10),
                          .has_entered = !rows_is_null(rows, row, 11),
                          .has_left = !rows_is_null(rows, row, 12),
                          .enrolled = rows_bool(rows, row, 14),
                          .consent = rows_bool(rows, row, 15),
                          .payer = (int) rows_int(rows, row, 16),
                          .due = rows_money(rows, row, 17),
                          .paid = rows_bool(rows, row, 18),
                          .in_force = rows_bool(rows, row, 19),
                          .late = rows_bool(rows, row, 21),
                          .elsewhere = rows_bool(rows, row, 22) };
    if (m->has_entered)
        m->entered = rows_date(rows, row, 11);
    if (m->has_left)
        m->left = rows_date(rows, row, 12);
    if (!rows_is_null(rows, row, 20))
        m->from = rows_date(rows, row, 20);
    m->categories = call_text(c, rows_text(rows, row, 13));
    return m->categories ? ERR_OK : c->err.code;
}

static err_t
house_read(struct call *c, const struct rows *rows, int row, struct house *h)
{
    *h = (struct house){ .id = rows_id(rows, row, 0),
                         .village = rows_id(rows, row, 1),
                         .enrolled = rows_bool(rows, row, 2),
                         .in_force = rows_bool(rows, row, 3),
                         .confirmation = (int) rows_int(rows, row, 5),
                         .upload = rows_id(rows, row, 6) };
    h->reference = call_text(c, rows_text(rows, row, 4));
    return h->reference ? ERR_OK : c->err.code;
}

err_t
houses_get(struct call *c, struct id programme, const struct id *ids, size_t count,
           struct house **houses, size_t *found)
{
    OWNED(rows_free) struct rows *rows = NULL;
    const char *text = ids_text(c, ids, count);
    struct member *members;

    if (!text)
        return c->err.code;
    TRY(db_query(c, &q_houses_get, &rows, P_ID(programme), P_TEXT(text)));
    LIST(c, count, houses);
    LIST(c, (size_t) rows_count(rows), &members);
    *found = 0;
    for (int i = 0; i < rows_count(rows); i++) {
        struct house *h = *found > 0 ? &(*houses)[*found - 1] : NULL;
        if (!h || id_cmp(h->id, rows_id(rows, i, 0)) != 0) {
            h = &(*houses)[(*found)++];
            TRY(house_read(c, rows, i, h));
            h->members = &members[i];
        }
        if (!rows_is_null(rows, i, 7))
            TRY(member_read(c, rows, i, &h->members[h->count++]));
    }
    return ERR_OK;
}

/* One column of ids. */
static err_t
ids_read(struct call *c, const struct rows *rows, struct id **ids, size_t *count)
{
    *count = (size_t) rows_count(rows);
    LIST(c, *count, ids);
    for (size_t i = 0; i < *count; i++)
        (*ids)[i] = rows_id(rows, (int) i, 0);
    return ERR_OK;
}

err_t
houses_of_village(struct call *c, struct id village, struct page page, struct id **ids,
                  size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_houses_of_village, &rows, P_ID(village), P_ID(page.after),
                 P_INT(page.rows)));
    return ids_read(c, rows, ids, count);
}

err_t
houses_enrolled(struct call *c, const struct enrolled_filter *filter, struct page page,
                struct id **ids, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_houses_enrolled, &rows, P_ID(filter->programme),
                 P_ID_OR_NULL(filter->village), P_ID(page.after), P_INT(page.rows),
                 P_BOOL(filter->unpaid)));
    return ids_read(c, rows, ids, count);
}

err_t
household_of_person(struct call *c, struct id person, struct id *household)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_household_of_person, &rows, P_ID(person)));
    *household = rows_count(rows) ? rows_id(rows, 0, 0) : (struct id){ { 0 } };
    return ERR_OK;
}

err_t
household_villages(struct call *c, const struct id *ids, size_t count, struct id **villages,
                   size_t *village_count)
{
    OWNED(rows_free) struct rows *rows = NULL;
    const char *text = ids_text(c, ids, count);

    if (!text)
        return c->err.code;
    TRY(db_query(c, &q_household_villages, &rows, P_TEXT(text)));
    return ids_read(c, rows, villages, village_count);
}

static void
batch_member(struct batch *b, const struct house *h, const struct member *m)
{
    batch_row(b);
    batch_id(b, "h", h->id);
    batch_id(b, "p", m->person);
    batch_bool(b, "c", m->consent);
    batch_int(b, "y", m->payer);
    batch_int(b, "d", m->due.fen);
    batch_bool(b, "x", m->paid);
    batch_bool(b, "f", m->in_force);
    batch_day(b, "o", m->from);
    batch_bool(b, "l", m->late);
}

static err_t
references_take(struct call *c, const struct rows *rows, struct house *houses, size_t count)
{
    for (int i = 0; i < rows_count(rows); i++) {
        const struct id id = rows_id(rows, i, 0);
        for (size_t k = 0; k < count; k++) {
            if (id_cmp(houses[k].id, id) == 0) {
                houses[k].reference = call_text(c, rows_text(rows, i, 1));
                if (!houses[k].reference)
                    return c->err.code;
            }
        }
    }
    return ERR_OK;
}

err_t
houses_put(struct call *c, struct id programme, struct house *houses, size_t count)
{
    OWNED(rows_free) struct rows *rows = NULL;
    struct batch heads, members;

    batch_begin(&heads, c);
    batch_begin(&members, c);
    for (size_t i = 0; i < count; i++) {
        const struct house *h = &houses[i];
        if (!h->changed)
            continue;
        batch_row(&heads);
        batch_id(&heads, "h", h->id);
        batch_id(&heads, "v", h->village);
        batch_int(&heads, "k", h->confirmation);
        batch_id(&heads, "u", h->upload);
        batch_bool(&heads, "f", h->in_force);
        for (size_t k = 0; k < h->count; k++)
            if (h->members[k].enrolled && h->members[k].changed)
                batch_member(&members, h, &h->members[k]);
    }
    if (heads.rows == 0)
        return ERR_OK;
    const char *heads_json = batch_end(&heads), *members_json = batch_end(&members);
    if (!heads_json || !members_json)
        return c->err.code;
    TRY(db_query(c, &q_enrolments_put, &rows, P_ID(c->tenant), P_ID(programme), P_INSTANT(c->now),
                 P_ID(c->account), P_TEXT(heads_json)));
    TRY(references_take(c, rows, houses, count));
    return db_exec(c, &q_members_put, P_ID(c->tenant), P_ID(programme), P_TEXT(members_json));
}

err_t
house_ids_by_reference(struct call *c, struct id programme, const char *references_json,
                       const char ***references, struct id **ids, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_houses_by_reference, &rows, P_ID(programme), P_TEXT(references_json)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, references);
    LIST(c, *count, ids);
    for (size_t i = 0; i < *count; i++) {
        (*references)[i] = call_text(c, rows_text(rows, (int) i, 0));
        (*ids)[i] = rows_id(rows, (int) i, 1);
        if (!(*references)[i])
            return c->err.code;
    }
    return ERR_OK;
}

/* --- participation --- */

err_t
participation_count(struct call *c, const struct measuring *m, struct participation *x)
{
    OWNED(rows_free) struct rows *rows = NULL;

    if (m->frozen)
        TRY(db_query(c, &q_participation_frozen, &rows, P_ID(m->programme),
                     P_ID_OR_NULL(m->village)));
    else
        TRY(db_query(c, &q_participation_live, &rows, P_ID(m->programme), P_ID_OR_NULL(m->village),
                     P_INT4(m->mask), P_TEXT(m->excluded), P_DATE(m->on)));
    *x = (struct participation){
        .people = { rows_int(rows, 0, 0), rows_int(rows, 0, 1) },
        .households = { rows_int(rows, 0, 2), rows_int(rows, 0, 3) },
        .villages = { rows_int(rows, 0, 4), rows_int(rows, 0, 5) },
        .as_of = m->on,
    };
    return ERR_OK;
}

err_t
participation_by_village(struct call *c, const struct measuring *m, struct village_figures **list,
                         size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_participation_villages, &rows, P_ID(m->programme), P_ID_OR_NULL(m->village),
                 P_INT4(m->mask), P_TEXT(m->excluded), P_DATE(m->on), P_BOOL(m->frozen)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, list);
    for (int i = 0; i < (int) *count; i++) {
        struct village_figures *v = &(*list)[i];
        *v = (struct village_figures){
            .village = rows_id(rows, i, 0),
            .name = call_text(c, rows_text(rows, i, 1)),
            .people = { rows_int(rows, i, 2), rows_int(rows, i, 3) },
            .households = { rows_int(rows, i, 4), rows_int(rows, i, 5) },
            .resolved = rows_bool(rows, i, 6),
        };
        if (!v->name)
            return c->err.code;
    }
    return ERR_OK;
}

err_t
snapshot_take(struct call *c, const struct measuring *m)
{
    return db_exec(c, &q_snapshot_take, P_ID(m->programme), P_ID_OR_NULL(m->village),
                   P_INT4(m->mask), P_TEXT(m->excluded), P_DATE(m->on));
}

err_t
measurement_put(struct call *c, struct id programme, int64_t people, bool gate, bool warned,
                const ProtobufCBinaryData *body)
{
    return db_exec(c, &q_measurement_put, P_ID(c->tenant), P_ID(programme), P_INT(people),
                   P_BOOL(gate), P_BOOL(warned), P_BYTES(body->data, body->len));
}

err_t
measurement_get(struct call *c, struct id programme, struct measured *m)
{
    OWNED(rows_free) struct rows *rows = NULL;
    size_t size;

    TRY(db_query(c, &q_measurement_get, &rows, P_ID(programme)));
    *m = (struct measured){ .found = rows_count(rows) > 0 };
    if (!m->found)
        return ERR_OK;
    m->people = rows_int(rows, 0, 0);
    m->gate = rows_bool(rows, 0, 1);
    m->warned = rows_bool(rows, 0, 2);
    const void *body = rows_bytes(rows, 0, 3, &size);
    m->body = (ProtobufCBinaryData){ size, arena_copy(c->arena, body, size) };
    return m->body.data ? ERR_OK : no_memory(c);
}
