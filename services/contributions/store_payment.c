/* store_payment.c - cash books, hand-ins, payments and bank statements. */
#include <string.h>

#include "contributions_queries.h"
#include "rules.h"
#include "store.h"
#include "store_batch.h"
#include "wire.h"

err_t
book_insert(struct call *c, const struct book *book)
{
    return db_exec(c, &q_book_insert, P_ID(c->tenant), P_ID(book->id), P_ID(book->programme),
                   P_ID(book->village), P_ID(book->account), P_TEXT(book->series),
                   P_INSTANT(book->opened_at));
}

static err_t
book_read(struct call *c, const struct rows *rows, int row, struct book *book)
{
    *book = (struct book){ .id = rows_id(rows, row, 0),
                           .programme = rows_id(rows, row, 1),
                           .village = rows_id(rows, row, 2),
                           .account = rows_id(rows, row, 3),
                           .receipts = rows_int(rows, row, 4),
                           .taken = rows_money(rows, row, 5),
                           .handed = rows_money(rows, row, 6),
                           .series = call_text(c, rows_text(rows, row, 7)),
                           .opened_at = rows_instant(rows, row, 8),
                           .unexplained = rows_int(rows, row, 9) };
    return book->series ? ERR_OK : c->err.code;
}

err_t
book_get(struct call *c, struct id id, struct book *book)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_book_get, &rows, P_ID(id)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, BOOK_NONE, "no such cash book");
    return book_read(c, rows, 0, book);
}

err_t
book_list(struct call *c, struct id programme, struct page page, struct book **books, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_book_list, &rows, P_ID(programme), P_ID(page.after), P_INT(page.rows)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, books);
    for (size_t i = 0; i < *count; i++)
        TRY(book_read(c, rows, (int) i, &(*books)[i]));
    return ERR_OK;
}

err_t
book_take(struct call *c, struct id id, int64_t receipts, money_t taken)
{
    return db_exec(c, &q_book_take, P_ID(id), P_INT4(receipts), P_MONEY(taken));
}

err_t
book_hand_in(struct call *c, struct id id, money_t handed)
{
    return db_exec(c, &q_book_hand_in, P_ID(id), P_MONEY(handed));
}

err_t
books_unbalanced(struct call *c, struct id programme, int64_t *count, money_t *outstanding)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_books_unbalanced, &rows, P_ID(programme)));
    *count = rows_int(rows, 0, 0);
    *outstanding = rows_money(rows, 0, 1);
    return ERR_OK;
}

err_t
hand_in_insert(struct call *c, const Contributions__HandIn *h)
{
    return db_exec(c, &q_hand_in_insert, P_ID(c->tenant), P_ID(id_of(h->hand_in_id)),
                   P_ID(id_of(h->cash_book_id)), P_INT(fen_of(h->counted)),
                   P_INT(fen_of(h->expected)), P_ID_OR_NULL(id_of(h->upload_id)), P_ID(c->account),
                   P_INSTANT(c->now));
}

err_t
hand_in_get(struct call *c, struct id id, Contributions__HandIn **out, struct id *handed_by)
{
    OWNED(rows_free) struct rows *rows = NULL;
    MAKE(c, Contributions__HandIn, contributions__hand_in__init, h);

    TRY(db_query(c, &q_hand_in_get, &rows, P_ID(id)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, HAND_IN_NONE, "no such hand-in");
    const int64_t counted = rows_int(rows, 0, 1), expected = rows_int(rows, 0, 2);
    if (!put_id(c, id, &h->hand_in_id) || !put_id(c, rows_id(rows, 0, 0), &h->cash_book_id) ||
        !put_money(c, counted, &h->counted) || !put_money(c, expected, &h->expected) ||
        !put_money(c, counted - expected, &h->difference) ||
        !put_text(c, rows_text(rows, 0, 3), &h->explanation) ||
        !put_id(c, rows_id(rows, 0, 4), &h->explained_by) ||
        !put_id(c, rows_id(rows, 0, 5), &h->upload_id) ||
        !put_at(c, rows_instant(rows, 0, 6), &h->at))
        return no_memory(c);
    *handed_by = rows_id(rows, 0, 7);
    *out = h;
    return ERR_OK;
}

err_t
hand_in_explain(struct call *c, struct id id, const char *explanation)
{
    return db_exec(c, &q_hand_in_explain, P_ID(id), P_TEXT(explanation), P_ID(c->account));
}

/* --- payments --- */

err_t
payments_insert(struct call *c, const struct payment *payments, size_t count)
{
    struct batch b;

    if (count == 0)
        return ERR_OK;
    batch_begin(&b, c);
    for (size_t i = 0; i < count; i++) {
        const struct payment *p = &payments[i];
        batch_row(&b);
        batch_id(&b, "i", p->id);
        batch_id(&b, "g", p->programme);
        batch_id(&b, "h", p->household);
        batch_id(&b, "v", p->village);
        batch_text(&b, "r", p->cash ? "CASH" : "BANK");
        batch_int(&b, "a", p->amount.fen);
        batch_int(&b, "n", p->people);
        batch_text(&b, "p", p->person_ids);
        batch_instant(&b, "t", p->paid_at);
        batch_id(&b, "b", p->book);
        if (p->cash)
            batch_int(&b, "c", p->receipt);
        batch_id(&b, "s", p->statement);
        batch_text(&b, "l", p->cash ? NULL : p->serial);
        batch_bytes(&b, "k", p->account_sealed.data, p->account_sealed.len);
    }
    const char *json = batch_end(&b);
    if (!json)
        return c->err.code;
    return db_exec(c, &q_payments_insert, P_ID(c->tenant), P_INSTANT(c->now), P_ID(c->account),
                   P_TEXT(json));
}

static err_t
payment_read(struct call *c, const struct rows *rows, int row, struct payment *p)
{
    *p = (struct payment){ .id = rows_id(rows, row, 0),
                           .programme = rows_id(rows, row, 1),
                           .household = rows_id(rows, row, 2),
                           .village = rows_id(rows, row, 3),
                           .book = rows_id(rows, row, 4),
                           .statement = rows_id(rows, row, 5),
                           .taken_by = rows_id(rows, row, 6),
                           .cash = rows_bool(rows, row, 7),
                           .state = call_text(c, rows_text(rows, row, 8)),
                           .amount = rows_money(rows, row, 9),
                           .people = (uint32_t) rows_int(rows, row, 10),
                           .person_ids = call_text(c, rows_text(rows, row, 11)),
                           .paid_at = rows_instant(rows, row, 12),
                           .receipt = rows_int(rows, row, 13),
                           .serial = call_text(c, rows_text(rows, row, 14)),
                           .series = call_text(c, rows_text(rows, row, 15)) };
    return p->state && p->person_ids && p->serial && p->series ? ERR_OK : c->err.code;
}

err_t
payment_get(struct call *c, struct id id, struct payment *payment)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_payment_get, &rows, P_ID(id)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, PAYMENT_NONE, "no such payment");
    return payment_read(c, rows, 0, payment);
}

err_t
payment_void(struct call *c, struct id id, const char *why)
{
    return db_exec(c, &q_payment_void, P_ID(id), P_ID(c->account), P_TEXT(why));
}

err_t
payment_list(struct call *c, const struct payment_filter *filter, struct page page,
             struct payment **list, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_payment_list, &rows, P_ID(filter->programme), P_ID_OR_NULL(filter->village),
                 P_ID_OR_NULL(filter->household), P_TEXT(filter->state), P_ID(page.after),
                 P_INT(page.rows)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, list);
    for (size_t i = 0; i < *count; i++)
        TRY(payment_read(c, rows, (int) i, &(*list)[i]));
    return ERR_OK;
}

err_t
payment_sum(struct call *c, const struct payment_filter *filter, int64_t *count, money_t *total)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_payment_sum, &rows, P_ID(filter->programme), P_ID_OR_NULL(filter->village),
                 P_ID_OR_NULL(filter->household), P_TEXT(filter->state)));
    *count = rows_int(rows, 0, 0);
    *total = rows_money(rows, 0, 1);
    return ERR_OK;
}

err_t
payment_serials_known(struct call *c, struct id programme, const char *serials_json,
                      const char ***serials, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_payment_serials_known, &rows, P_ID(programme), P_TEXT(serials_json)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, serials);
    for (size_t i = 0; i < *count; i++) {
        (*serials)[i] = call_text(c, rows_text(rows, (int) i, 0));
        if (!(*serials)[i])
            return c->err.code;
    }
    return ERR_OK;
}

err_t
statement_find(struct call *c, struct id id, struct statement *s, bool *found)
{
    OWNED(rows_free) struct rows *rows = NULL;
    size_t size;

    TRY(db_query(c, &q_statement_find, &rows, P_ID(id)));
    *found = rows_count(rows) > 0;
    if (!*found)
        return ERR_OK;
    *s = (struct statement){ .id = id,
                             .programme = rows_id(rows, 0, 0),
                             .rows = rows_int(rows, 0, 2),
                             .taken = rows_int(rows, 0, 3) };
    const void *sum = rows_bytes(rows, 0, 1, &size);
    memcpy(s->sha256, sum, sizeof s->sha256);
    return ERR_OK;
}

err_t
statement_insert(struct call *c, const struct statement *s)
{
    return db_exec(c, &q_statement_insert, P_ID(c->tenant), P_ID(s->id), P_ID(s->programme),
                   P_BYTES(s->sha256, sizeof s->sha256), P_INT(s->rows), P_INT(s->taken),
                   P_ID(c->account), P_INSTANT(c->now));
}

err_t
name_of_payer(struct call *c, struct id household, ProtobufCBinaryData *sealed, struct id *person)
{
    OWNED(rows_free) struct rows *rows = NULL;
    size_t size = 0;

    *sealed = (ProtobufCBinaryData){ 0, NULL };
    *person = (struct id){ { 0 } };
    TRY(db_query(c, &q_name_of_payer, &rows, P_ID(household)));
    if (rows_count(rows) == 0)
        return ERR_OK;
    *person = rows_id(rows, 0, 0);
    const void *bytes = rows_bytes(rows, 0, 1, &size);
    if (!bytes)
        return ERR_OK;
    *sealed = (ProtobufCBinaryData){ size, arena_copy(c->arena, bytes, size) };
    return sealed->data ? ERR_OK : no_memory(c);
}
