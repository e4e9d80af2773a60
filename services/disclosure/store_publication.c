/* store_publication.c - what pages are made of, and pages. */
#include "store.h"
#include "store_help.h"

/* --- what pages are made of --- */

static err_t
payout_read(struct call *c, const struct rows *rows, int i, struct publish_claim *claim)
{
    ProtobufCBinaryData sealed;
    ProtobufCMessage *message;

    if (rows_is_null(rows, i, 6) || rows_is_null(rows, i, 7))
        return err_set(&c->err, ERR_REFUSED, PUBLICATION_NOT_READY,
                       "the facts or the price of a payment have not arrived");
    *claim = (struct publish_claim){ .claim = rows_id(rows, i, 0),
                                     .person = rows_id(rows, i, 1),
                                     .hospital_class = (int) rows_int(rows, i, 3),
                                     .sex = (int) rows_int(rows, i, 4),
                                     .due = rows_money(rows, i, 11),
                                     .paid = rows_money(rows, i, 12),
                                     .sensitive = rows_bool(rows, i, 13) || rows_bool(rows, i, 5),
                                     .capped = rows_bool(rows, i, 14),
                                     .consent = rows_bool(rows, i, 15),
                                     .namesakes = (int) rows_int(rows, i, 17) };
    TRY(text_or_empty(c, rows, i, 7, &claim->drg));
    TRY(text_or_empty(c, rows, i, 8, &claim->drg_name));
    TRY(text_or_empty(c, rows, i, 9, &claim->adrg));
    TRY(text_or_empty(c, rows, i, 10, &claim->mdc));
    claim->name = "";
    if (rows_is_null(rows, i, 16) || !claim->consent)
        return ERR_OK; /* nobody needs the name of who stays in a sum */
    TRY(bytes_of(c, rows, i, 16, &sealed));
    TRY(open_message(c, "person", claim->person, &sealed, &disclosure__sealed_person__descriptor,
                     &message));
    claim->name = ((const Disclosure__SealedPerson *) message)->name;
    return ERR_OK;
}

err_t
payouts_of(struct call *c, const struct period_of *p, struct payouts *out)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_payouts_of, &rows, P_ID(p->programme), P_DATE(p->from), P_DATE(p->until),
                 P_ID_OR_NULL(p->village), P_TEXT(p->period)));
    out->count = (size_t) rows_count(rows);
    out->sensitive_by = "";
    LIST(c, out->count, &out->claims);
    for (int i = 0; i < rows_count(rows); i++) {
        TRY(payout_read(c, rows, i, &out->claims[i]));
        TRY(text_or_empty(c, rows, i, 18, &out->sensitive_by));
    }
    return ERR_OK;
}

err_t
payouts_undisclosed(struct call *c, const struct period_of *p, int64_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_payouts_undisclosed, &rows, P_ID(p->programme), P_DATE(p->from),
                 P_DATE(p->until)));
    *count = rows_int(rows, 0, 0);
    return ERR_OK;
}

err_t
payouts_counted(struct call *c, const struct period_of *p, int64_t *claims, int64_t *people)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_payouts_counted, &rows, P_ID(p->programme), P_DATE(p->from),
                 P_DATE(p->until)));
    *claims = rows_int(rows, 0, 0);
    *people = rows_int(rows, 0, 1);
    return ERR_OK;
}

err_t
payments_of(struct call *c, struct id programme, struct id village, struct payment_row **out,
            size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;
    ProtobufCBinaryData sealed;
    ProtobufCMessage *message;

    TRY(db_query(c, &q_payments_of, &rows, P_ID(programme), P_ID_OR_NULL(village)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, out);
    for (int i = 0; i < rows_count(rows); i++) {
        struct payment_row *row = &(*out)[i];
        row->people = rows_int(rows, i, 2);
        row->amount = rows_money(rows, i, 3);
        TRY(text_or_empty(c, rows, i, 6, &row->village_name));
        if (rows_is_null(rows, i, 4) || !rows_bool(rows, i, 5))
            continue;
        TRY(bytes_of(c, rows, i, 4, &sealed));
        TRY(open_message(c, "person", rows_id(rows, i, 1), &sealed,
                         &disclosure__sealed_person__descriptor, &message));
        row->name = ((const Disclosure__SealedPerson *) message)->name;
    }
    return ERR_OK;
}

err_t
statement_of(struct call *c, const struct period_of *p, struct statement_row **out, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_statement_of, &rows, P_ID(p->programme), P_DATE(p->from), P_DATE(p->until)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, out);
    for (int i = 0; i < rows_count(rows); i++) {
        (*out)[i].is_income = rows_int(rows, i, 0) == 1;
        TRY(text_or_empty(c, rows, i, 1, &(*out)[i].account));
        (*out)[i].count = rows_int(rows, i, 2);
        (*out)[i].sum = rows_money(rows, i, 3);
    }
    return ERR_OK;
}

err_t
balance_before(struct call *c, struct id programme, date_t day, money_t *balance)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_balance_before, &rows, P_ID(programme), P_DATE(day)));
    *balance = rows_money(rows, 0, 0);
    return ERR_OK;
}

static err_t
figures_take(struct call *c, const struct rows *rows, int columns, struct figure_row **out,
             size_t *count)
{
    *count = (size_t) rows_count(rows);
    LIST(c, *count, out);
    for (int i = 0; i < rows_count(rows); i++)
        for (int k = 0; k < columns; k++)
            (*out)[i].numbers[k] = rows_int(rows, i, k);
    return ERR_OK;
}

err_t
refunds_of(struct call *c, struct id programme, struct figure_row **out, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_refunds_of, &rows, P_ID(programme)));
    return figures_take(c, rows, 5, out, count);
}

err_t
complaint_figures(struct call *c, date_t from, date_t until, struct figure_row **out, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_complaint_figures, &rows, P_DATE(from), P_DATE(until)));
    return figures_take(c, rows, 4, out, count);
}

/* --- pages --- */

static const char *const states[] = { "", "DRAFT", "PUBLISHED", "REPLACED", "TAKEN_DOWN" };

const char *
publication_state_text(enum publication_state state)
{
    return states[state];
}

enum publication_state
publication_state_of(const char *text)
{
    for (size_t i = 1; i < COUNT(states); i++)
        if (strcmp(states[i], text) == 0)
            return (enum publication_state) i;
    return PUBLICATION_UNSAID;
}

#define PLACE(p) P_ID((p)->programme), P_INT4((p)->kind), P_ID((p)->village), P_TEXT((p)->period)

err_t
publication_next(struct call *c, const struct publication *of, int *version)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_exec(c, &q_publication_draft_delete, PLACE(of)));
    TRY(db_query(c, &q_publication_next, &rows, PLACE(of)));
    *version = (int) rows_int(rows, 0, 0);
    return ERR_OK;
}

err_t
publication_has_draft(struct call *c, const struct publication *of, bool *has)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_publication_has_draft, &rows, PLACE(of)));
    *has = rows_count(rows) > 0;
    return ERR_OK;
}

err_t
publication_insert(struct call *c, const struct publication *p, int64_t people, const void *page,
                   size_t page_size)
{
    return db_exec(c, &q_publication_insert, P_ID(c->tenant), P_ID(p->id), P_ID(p->programme),
                   P_ID(p->village), P_INT4(p->kind), P_TEXT(p->period), P_INT4(p->version),
                   P_TEXT(p->title), P_TEXT(p->columns), P_INT4(p->lines), P_INT4(people),
                   p->has_total ? P_MONEY(p->total) : P_NULL, P_BYTES(p->root, sizeof p->root),
                   P_BYTES(page, page_size), P_BYTES(p->page_sha256, sizeof p->page_sha256),
                   P_TEXT(p->sensitive_by), P_ID_OR_NULL(p->prepared_by),
                   P_INSTANT(p->prepared_at));
}

err_t
publication_line_insert(struct call *c, struct id publication, int n, const char *text)
{
    return db_exec(c, &q_publication_line_insert, P_ID(c->tenant), P_ID(publication), P_INT4(n),
                   P_TEXT(text));
}

err_t
publication_claim_insert(struct call *c, struct id publication, const struct publish_claim *claim)
{
    char cell[CELL_KEY_BYTES];

    publish_cell_key(claim, cell);
    return db_exec(c, &q_publication_claim_insert, P_ID(c->tenant), P_ID(publication),
                   P_ID(claim->claim), P_ID(claim->person), P_TEXT(cell));
}

static void
hash_of(const struct rows *rows, int row, int column, uint8_t out[static 32])
{
    size_t size;
    const void *bytes = rows_bytes(rows, row, column, &size);

    if (size == 32)
        memcpy(out, bytes, 32);
}

static err_t
publication_read(struct call *c, const struct rows *rows, int i, struct publication *p)
{
    *p = (struct publication){ .id = rows_id(rows, i, 0),
                               .programme = rows_id(rows, i, 1),
                               .village = rows_id(rows, i, 2),
                               .kind = (enum kind) rows_int(rows, i, 3),
                               .version = (int) rows_int(rows, i, 5),
                               .state = publication_state_of(rows_text(rows, i, 6)),
                               .lines = rows_int(rows, i, 9),
                               .has_total = !rows_is_null(rows, i, 10),
                               .prepared_by = rows_id(rows, i, 14),
                               .prepared_at = rows_instant(rows, i, 15),
                               .approved_by = rows_id(rows, i, 16),
                               .published_at = instant_or_never(rows, i, 17),
                               .take_down_on = date_or_none(rows, i, 18),
                               .taken_down_at = instant_or_never(rows, i, 19) };
    if (p->has_total)
        p->total = rows_money(rows, i, 10);
    hash_of(rows, i, 11, p->root);
    hash_of(rows, i, 12, p->page_sha256);
    TRY(text_or_empty(c, rows, i, 4, &p->period));
    TRY(text_or_empty(c, rows, i, 7, &p->title));
    TRY(text_or_empty(c, rows, i, 8, &p->columns));
    TRY(text_or_empty(c, rows, i, 13, &p->sensitive_by));
    return text_or_empty(c, rows, i, 20, &p->reason);
}

static err_t
publication_one(struct call *c, const struct stmt *stmt, struct id id, struct publication *out)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, stmt, &rows, P_ID(id)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, PUBLICATION_NONE, "no such publication");
    return publication_read(c, rows, 0, out);
}

err_t
publication_get(struct call *c, struct id id, struct publication *out)
{
    return publication_one(c, &q_publication_get, id, out);
}

err_t
publication_lock(struct call *c, struct id id, struct publication *out)
{
    return publication_one(c, &q_publication_lock, id, out);
}

static err_t
publications_take(struct call *c, const struct rows *rows, struct publication **out, size_t *count)
{
    *count = (size_t) rows_count(rows);
    LIST(c, *count, out);
    for (size_t i = 0; i < *count; i++)
        TRY(publication_read(c, rows, (int) i, &(*out)[i]));
    return ERR_OK;
}

err_t
publication_list(struct call *c, const struct publication_filter *f, struct publication **out,
                 size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_publication_list, &rows, P_ID_OR_NULL(f->before), P_ID_OR_NULL(f->programme),
                 P_INT4(f->kind), P_TEXT(publication_state_text(f->state)), P_INT(f->limit)));
    return publications_take(c, rows, out, count);
}

err_t
publication_index(struct call *c, struct publication **out, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query0(c, &q_publication_index, &rows));
    return publications_take(c, rows, out, count);
}

err_t
publication_page(struct call *c, struct id id, ProtobufCBinaryData *page,
                 enum publication_state *state)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_publication_page, &rows, P_ID(id)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, PAGE_NONE, "no such page");
    *state = publication_state_of(rows_text(rows, 0, 1));
    return bytes_of(c, rows, 0, 0, page);
}

err_t
publication_lines(struct call *c, struct id id, const char ***lines, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_publication_lines, &rows, P_ID(id)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, lines);
    for (size_t i = 0; i < *count; i++)
        TRY(text_or_empty(c, rows, (int) i, 1, &(*lines)[i]));
    return ERR_OK;
}

err_t
publication_places(struct call *c, struct id id, struct publish_place **places, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_publication_places, &rows, P_ID(id)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, places);
    for (int i = 0; i < rows_count(rows); i++) {
        (*places)[i].claim = rows_id(rows, i, 0);
        (*places)[i].person = rows_id(rows, i, 1);
        (void) snprintf((*places)[i].cell, CELL_KEY_BYTES, "%s", rows_text(rows, i, 2));
    }
    return ERR_OK;
}

err_t
publication_current(struct call *c, const struct publication *of, struct id *id)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_publication_current, &rows, PLACE(of)));
    *id = rows_count(rows) == 1 ? rows_id(rows, 0, 0) : (struct id){ { 0 } };
    return ERR_OK;
}

err_t
publication_publish(struct call *c, const struct publication *p)
{
    TRY(db_exec(c, &q_publication_replace, PLACE(p)));
    TRY(db_exec(c, &q_publication_publish, P_ID(p->id), P_ID(p->approved_by),
                P_INSTANT(p->published_at), p_date_or_null(p->take_down_on)));
    return db_exec(c, &q_publication_disclose, P_ID(p->id));
}

err_t
publication_take_down(struct call *c, struct id id, const char *reason)
{
    return db_exec(c, &q_publication_take_down, P_ID(id), P_INSTANT(c->now), P_TEXT(reason));
}

err_t
publication_expired(struct call *c, date_t today, struct id **ids, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_publication_expired, &rows, P_DATE(today)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, ids);
    for (size_t i = 0; i < *count; i++)
        (*ids)[i] = rows_id(rows, (int) i, 0);
    return ERR_OK;
}
