/* store_ledger.c - transfers and the accounts that follow them, funds, agreements, refunds. */
#include <string.h>

#include "contributions_queries.h"
#include "rules.h"
#include "store.h"
#include "store_batch.h"
#include "wire.h"

static const char *const states[] = { "PENDING", "POSTED", "VOIDED" };

err_t
transfers_insert(struct call *c, struct id programme, const struct transfer *transfers,
                 size_t count)
{
    struct batch b;

    if (count == 0)
        return ERR_OK;
    batch_begin(&b, c);
    for (size_t i = 0; i < count; i++) {
        const struct transfer *t = &transfers[i];
        batch_row(&b);
        batch_id(&b, "i", t->id);
        batch_text(&b, "t", states[t->state]);
        batch_text(&b, "w", t->why);
        batch_text(&b, "d", t->debit);
        batch_text(&b, "c", t->credit);
        batch_int(&b, "a", t->amount.fen);
        batch_day(&b, "o", t->on);
        batch_id(&b, "v", t->village);
        batch_id(&b, "s", t->subject);
        batch_id(&b, "l", t->line);
        batch_int(&b, "n", t->people);
        batch_int(&b, "k", t->source);
        batch_id(&b, "p", t->person);
    }
    const char *json = batch_end(&b);
    if (!json)
        return c->err.code;
    return db_exec(c, &q_transfers_insert, P_ID(c->tenant), P_ID(programme),
                   P_ID_OR_NULL(c->account), P_INSTANT(c->now), P_TEXT(json));
}

static err_t
transfer_read(struct call *c, const struct rows *rows, int row, struct transfer *t)
{
    *t = (struct transfer){ .id = rows_id(rows, row, 0),
                            .why = call_text(c, rows_text(rows, row, 2)),
                            .debit = call_text(c, rows_text(rows, row, 3)),
                            .credit = call_text(c, rows_text(rows, row, 4)),
                            .amount = rows_money(rows, row, 5),
                            .village = rows_id(rows, row, 6),
                            .subject = rows_id(rows, row, 7),
                            .line = rows_id(rows, row, 8),
                            .people = (uint32_t) rows_int(rows, row, 9),
                            .source = (int) rows_int(rows, row, 10),
                            .person = rows_id(rows, row, 11) };
    return t->why && t->debit && t->credit ? ERR_OK : c->err.code;
}

err_t
transfer_settle_line(struct call *c, struct id line, enum transfer_state to, date_t on,
                     struct transfer *t, bool *found)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_transfer_settle_line, &rows, P_ID(line), P_TEXT(states[to]), P_DATE(on)));
    *found = rows_count(rows) > 0;
    if (!*found)
        return ERR_OK;
    TRY(transfer_read(c, rows, 0, t));
    t->state = to;
    t->on = on;
    return ERR_OK;
}

err_t
transfer_settle_refund(struct call *c, struct id programme, struct id refund, date_t on,
                       struct transfer *t, bool *found)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_transfer_settle_refund, &rows, P_ID(programme), P_ID(refund), P_DATE(on)));
    *found = rows_count(rows) > 0;
    if (!*found)
        return ERR_OK;
    TRY(transfer_read(c, rows, 0, t));
    t->state = TRANSFER_POSTED;
    t->on = on;
    return ERR_OK;
}

/* One number of one row. */
static err_t
count_read(struct call *c, const struct stmt *stmt, struct id id, int64_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, stmt, &rows, P_ID(id)));
    *count = rows_int(rows, 0, 0);
    return ERR_OK;
}

err_t
transfers_pending(struct call *c, struct id programme, int64_t *count)
{
    return count_read(c, &q_transfers_pending, programme, count);
}

err_t
transfer_list(struct call *c, const struct transfer_filter *filter, struct transfer **list,
              int64_t *last, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_transfer_list, &rows, P_ID(filter->programme), P_INT(filter->after),
                 P_INT(filter->rows), P_TEXT(filter->account), P_ID_OR_NULL(filter->subject)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, list);
    for (int i = 0; i < (int) *count; i++) {
        struct transfer *t = &(*list)[i];
        const char *state = rows_text(rows, i, 13);
        TRY(transfer_read(c, rows, i, t));
        t->state = state[0] == 'V'   ? TRANSFER_VOIDED
                   : state[1] == 'E' ? TRANSFER_PENDING
                                     : TRANSFER_POSTED;
        t->on = rows_date(rows, i, 14);
        if ((int64_t) i + 1 < filter->rows)
            *last = rows_int(rows, i, 12);
    }
    return ERR_OK;
}

err_t
balance_list(struct call *c, struct id programme, struct balance **list, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_balance_list, &rows, P_ID(programme)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, list);
    for (int i = 0; i < (int) *count; i++) {
        (*list)[i] = (struct balance){ .code = call_text(c, rows_text(rows, i, 0)),
                                       .debit = rows_money(rows, i, 1),
                                       .credit = rows_money(rows, i, 2),
                                       .debit_pending = rows_money(rows, i, 3),
                                       .credit_pending = rows_money(rows, i, 4) };
        if (!(*list)[i].code)
            return c->err.code;
    }
    return ERR_OK;
}

err_t
fund_balance(struct call *c, struct id programme, money_t *balance, money_t *available)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_fund_balance, &rows, P_ID(programme)));
    *balance = rows_money(rows, 0, 0);
    *available = rows_money(rows, 0, 1);
    return ERR_OK;
}

err_t
paid_of_why(struct call *c, struct id programme, const char *why, money_t *sum)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_paid_of_why, &rows, P_ID(programme), P_TEXT(why)));
    *sum = rows_money(rows, 0, 0);
    return ERR_OK;
}

/* --- funds --- */

err_t
funds_insert(struct call *c, const Contributions__Funds *f)
{
    return db_exec(
        c, &q_funds_insert, P_ID(c->tenant), P_ID(id_of(f->funds_id)), P_ID(id_of(f->programme_id)),
        P_INT4(f->kind), P_TEXT(f->giver), P_INT(fen_of(f->amount)), P_DATE(day_of(f->on)),
        P_ID_OR_NULL(id_of(f->upload_id)), P_TEXT(f->invoice[0] ? f->invoice : NULL),
        P_INT(fen_of(f->per_head)), P_INT4(f->people), P_ID(c->account), P_INSTANT(c->now));
}

err_t
funds_list(struct call *c, struct id programme, struct page page, Contributions__Funds ***list,
           size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_funds_list, &rows, P_ID(programme), P_ID(page.after), P_INT(page.rows)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, list);
    for (int i = 0; i < (int) *count; i++) {
        MAKE(c, Contributions__Funds, contributions__funds__init, f);
        f->kind = (Contributions__Source__Kind) rows_int(rows, i, 2);
        f->people = (uint32_t) rows_int(rows, i, 9);
        if (!put_id(c, rows_id(rows, i, 0), &f->funds_id) ||
            !put_id(c, rows_id(rows, i, 1), &f->programme_id) ||
            !put_text(c, rows_text(rows, i, 3), &f->giver) ||
            !put_money(c, rows_int(rows, i, 4), &f->amount) ||
            !put_day(c, rows_date(rows, i, 5), &f->on) ||
            !put_id(c, rows_id(rows, i, 6), &f->upload_id) ||
            !put_text(c, rows_text(rows, i, 7), &f->invoice) ||
            (rows_int(rows, i, 8) && !put_money(c, rows_int(rows, i, 8), &f->per_head)) ||
            !put_id(c, rows_id(rows, i, 10), &f->recorded_by) ||
            !put_at(c, rows_instant(rows, i, 11), &f->recorded_at))
            return no_memory(c);
        (*list)[i] = f;
    }
    return ERR_OK;
}

err_t
funds_sum(struct call *c, struct id programme, money_t *sum)
{
    return count_read(c, &q_funds_sum, programme, &sum->fen);
}

err_t
invoice_next(struct call *c, const char *prefix, int64_t *sequence)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_invoice_next, &rows, P_TEXT(prefix), P_ID(c->tenant)));
    *sequence = rows_int(rows, 0, 0);
    return ERR_OK;
}

err_t
agreement_insert(struct call *c, const Contributions__Agreement *a)
{
    return db_exec(c, &q_agreement_insert, P_ID(c->tenant), P_ID(id_of(a->agreement_id)),
                   P_ID(id_of(a->programme_id)), P_TEXT(a->provider), P_DATE(day_of(a->from)),
                   P_DATE(day_of(a->until)), P_INT(fen_of(a->fee)), P_ID(id_of(a->upload_id)));
}

err_t
agreement_get(struct call *c, struct id programme, struct id id, Contributions__Agreement **out)
{
    OWNED(rows_free) struct rows *rows = NULL;
    MAKE(c, Contributions__Agreement, contributions__agreement__init, a);

    TRY(db_query(c, &q_agreement_get, &rows, P_ID(programme), P_ID(id)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, AGREEMENT_NONE, "no such agreement");
    if (!put_id(c, id, &a->agreement_id) || !put_text(c, rows_text(rows, 0, 1), &a->provider) ||
        !put_day(c, rows_date(rows, 0, 2), &a->from) ||
        !put_day(c, rows_date(rows, 0, 3), &a->until) ||
        !put_money(c, rows_int(rows, 0, 4), &a->fee) ||
        !put_id(c, rows_id(rows, 0, 5), &a->upload_id))
        return no_memory(c);
    *out = a;
    return ERR_OK;
}

/* --- closing and stopping --- */

err_t
carry_over_insert(struct call *c, struct id programme, struct id next, money_t amount, date_t on)
{
    return db_exec(c, &q_carry_over_insert, P_ID(c->tenant), P_ID(programme), P_ID(next),
                   P_MONEY(amount), P_DATE(on));
}

err_t
list_answered(struct call *c, struct id list, bool *answered)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_list_answered, &rows, P_ID(list)));
    *answered = rows_count(rows) > 0;
    return ERR_OK;
}

err_t
list_answer_insert(struct call *c, struct id list, struct id programme, bool reserved,
                   money_t total)
{
    return db_exec(c, &q_list_answer_insert, P_ID(c->tenant), P_ID(list), P_ID(programme),
                   P_BOOL(reserved), P_MONEY(total));
}

err_t
refunds_due(struct call *c, struct id programme, struct refund **list, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_refunds_due, &rows, P_ID(programme)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count + 2, list); /* and one each for interest and last year's surplus */
    for (int i = 0; i < (int) *count; i++) {
        size_t size = 0;
        struct refund *r = &(*list)[i];
        *r = (struct refund){ .id = id_mint(c->now),
                              .payment = rows_id(rows, i, 0),
                              .funds = rows_id(rows, i, 1),
                              .village = rows_id(rows, i, 2),
                              .person = rows_id(rows, i, 3),
                              .source = (int) rows_int(rows, i, 4),
                              .cash = rows_bool(rows, i, 5),
                              .amount = rows_money(rows, i, 6) };
        r->to_source = id_is_nil(r->payment);
        const void *sealed = rows_bytes(rows, i, 7, &size);
        if (sealed) {
            r->account_sealed = (ProtobufCBinaryData){ size, arena_copy(c->arena, sealed, size) };
            if (!r->account_sealed.data)
                return no_memory(c);
        }
    }
    return ERR_OK;
}

err_t
refunds_insert(struct call *c, struct id programme, const struct refund *list, size_t count)
{
    struct batch b;

    if (count == 0)
        return ERR_OK;
    batch_begin(&b, c);
    for (size_t i = 0; i < count; i++) {
        batch_row(&b);
        batch_id(&b, "i", list[i].id);
        batch_id(&b, "p", list[i].payment);
        batch_id(&b, "f", list[i].funds);
        batch_int(&b, "k", list[i].source);
        batch_text(&b, "r", list[i].to_source ? "SOURCE" : list[i].cash ? "CASH" : "BANK");
        batch_int(&b, "a", list[i].amount.fen);
    }
    const char *json = batch_end(&b);
    if (!json)
        return c->err.code;
    return db_exec(c, &q_refunds_insert, P_ID(c->tenant), P_ID(programme), P_TEXT(json));
}

err_t
refund_confirm(struct call *c, struct id id, date_t on, struct id *programme, bool *found)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_refund_confirm, &rows, P_ID(id), P_DATE(on)));
    *found = rows_count(rows) > 0;
    if (*found)
        *programme = rows_id(rows, 0, 0);
    return ERR_OK;
}
