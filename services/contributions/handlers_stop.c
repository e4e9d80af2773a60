/* handlers_stop.c - a programme that too few take part in goes back to where it came from (7.3.1
 * b): each payment to who paid and by the same way, each gift to its giver, to the fen. */
#include <stdio.h>
#include <string.h>

#include "common_steps.h"
#include "handlers.h"
#include "wire.h"

/* What interest there is pays the bank's fees first; whatever else is missing must be put back
 * before anything is sent. */
static err_t
add_rest(struct call *c, const struct programme_row *row, struct refund *list, size_t *count)
{
    struct balance *balances;
    money_t balance, available;
    int64_t due = 0, carried = 0, interest = 0;
    size_t n;

    TRY(balance_list(c, row->id, &balances, &n));
    for (size_t i = 0; i < n; i++) {
        const int64_t net = balances[i].credit.fen - balances[i].debit.fen;
        if (strcmp(balances[i].code, income_account(SOURCE(CARRY_OVER))) == 0)
            carried = net;
        if (strcmp(balances[i].code, income_account(SOURCE(INTEREST))) == 0)
            interest = net;
    }
    if (carried > 0)
        list[(*count)++] = (struct refund){ .id = id_mint(c->now),
                                            .source = SOURCE(CARRY_OVER),
                                            .to_source = true,
                                            .amount = { carried } };
    for (size_t i = 0; i < *count; i++)
        due += list[i].amount.fen;
    TRY(fund_balance(c, row->id, &balance, &available));
    const int64_t rest = balance.fen - due;
    if (rest < 0 || rest > interest)
        return err_set(&c->err, ERR_REFUSED, STOP_SHORT,
                       "%lld fen are in the fund, %lld must go back", (long long) balance.fen,
                       (long long) due);
    if (rest > 0)
        list[(*count)++] = (struct refund){
            .id = id_mint(c->now), .source = SOURCE(INTEREST), .to_source = true, .amount = { rest }
        };
    return ERR_OK;
}

static err_t
account_of(struct call *c, const struct refund *r, Contributions__RefundsSealed *sealed)
{
    char id[ID_TEXT_BYTES], context[96];
    ProtobufCBinaryData plain;

    if (r->account_sealed.len == 0)
        return ERR_OK;
    id_format(r->payment, id);
    (void) snprintf(context, sizeof context, "contributions.payment/%s", id);
    TRY(call_unseal(c, context, r->account_sealed.data, r->account_sealed.len, &plain));
    char *text = arena_alloc(c->arena, plain.len + 1);
    if (!text)
        return no_memory(c);
    memcpy(text, plain.data, plain.len);
    char *account = strchr(text, '\n');
    char *bank = account ? strchr(account + 1, '\n') : NULL;
    if (!bank)
        return err_set(&c->err, ERR_INTERNAL, STOP_SHORT, "an account is malformed");
    *account++ = '\0';
    *bank++ = '\0';
    MAKE(c, Contributions__RefundsSealed__Account, contributions__refunds_sealed__account__init,
         one);
    one->holder = text;
    one->account = account;
    one->bank = bank;
    if (!put_id(c, r->id, &one->refund_id))
        return no_memory(c);
    sealed->accounts[sealed->n_accounts++] = one;
    return ERR_OK;
}

static err_t
refund_to_wire(struct call *c, const struct refund *r, Contributions__RefundsOrdered__Refund **out)
{
    MAKE(c, Contributions__RefundsOrdered__Refund, contributions__refunds_ordered__refund__init,
         one);

    one->route = r->to_source ? CONTRIBUTIONS__REFUNDS_ORDERED__REFUND__ROUTE__SOURCE
                 : r->cash    ? CONTRIBUTIONS__REFUNDS_ORDERED__REFUND__ROUTE__CASH
                              : CONTRIBUTIONS__REFUNDS_ORDERED__REFUND__ROUTE__BANK;
    one->source = (Contributions__Source__Kind) r->source;
    if (!put_id(c, r->id, &one->refund_id) || !put_id(c, r->payment, &one->payment_id) ||
        !put_id(c, r->village, &one->village_id) || !put_id(c, r->person, &one->person_id) ||
        !put_money(c, r->amount.fen, &one->amount) || !put_id(c, r->funds, &one->funds_id))
        return no_memory(c);
    *out = one;
    return ERR_OK;
}

static err_t
emit_refunds(struct call *c, const struct programme_row *row, const struct refund *list,
             size_t count)
{
    for (size_t at = 0; at < count; at += BULK_ROWS_MAX) {
        const size_t end = count - at < BULK_ROWS_MAX ? count : at + BULK_ROWS_MAX;
        Contributions__RefundsOrdered event = CONTRIBUTIONS__REFUNDS_ORDERED__INIT;
        Contributions__RefundsSealed sealed = CONTRIBUTIONS__REFUNDS_SEALED__INIT;

        event.programme_id = row->is->programme_id;
        LIST(c, end - at, &event.refunds);
        LIST(c, end - at, &sealed.accounts);
        for (size_t i = at; i < end; i++, event.n_refunds++) {
            TRY(refund_to_wire(c, &list[i], &event.refunds[event.n_refunds]));
            TRY(account_of(c, &list[i], &sealed));
        }
        if (sealed.n_accounts > 0) {
            const size_t size = contributions__refunds_sealed__get_packed_size(&sealed);
            uint8_t *bytes = arena_alloc(c->arena, size + 1);
            if (!bytes)
                return no_memory(c);
            (void) contributions__refunds_sealed__pack(&sealed, bytes);
            TRY(call_seal_shared(c, "event/RefundsOrdered", bytes, size, &event.sealed));
        }
        TRY(event_append(c, &event.base));
    }
    return ERR_OK;
}

static err_t
set_aside(struct call *c, const struct programme_row *row, const struct refund *list, size_t count)
{
    struct transfer *transfers;

    LIST(c, count, &transfers);
    for (size_t i = 0; i < count; i++)
        transfers[i] = (struct transfer){ .id = id_mint(c->now),
                                          .village = list[i].village,
                                          .subject = list[i].id,
                                          .person = list[i].person,
                                          .state = TRANSFER_PENDING,
                                          .why = "refund",
                                          .debit = income_account(list[i].source),
                                          .credit = "bank",
                                          .amount = list[i].amount,
                                          .on = date_of(c->now),
                                          .source = list[i].source };
    return ledger_post(c, row->id, transfers, count);
}

static err_t
may_stop(struct call *c, const struct programme_row *row)
{
    struct measured measured;
    money_t paid, outstanding;
    int64_t pending, books;

    TRY(measurement_get(c, row->id, &measured));
    if (!measured.found || (!measured.warned && measured.gate))
        return err_set(&c->err, ERR_REFUSED, STOP_NOT_DUE,
                       "enough take part: the programme goes on");
    TRY(transfers_pending(c, row->id, &pending));
    TRY(paid_of_why(c, row->id, "payout", &paid));
    if (pending > 0 || paid.fen > 0)
        return err_set(&c->err, ERR_REFUSED, STOP_PAID,
                       "%lld fen were paid out already, %lld transfers are open",
                       (long long) paid.fen, (long long) pending);
    TRY(books_unbalanced(c, row->id, &books, &outstanding));
    if (books > 0)
        return err_set(&c->err, ERR_REFUSED, CASH_UNBALANCED, "%lld cash books are not settled",
                       (long long) books);
    return ERR_OK;
}

err_t
contributions_stop_programme(struct call *c, const Contributions__StopProgrammeRequest *in,
                             Contributions__StopProgrammeReply *out)
{
    struct programme_row row;
    struct refund *list;
    size_t count;
    int64_t total = 0;

    TRY(rule_text(in->why, 500, "$.why", TEXT_MISSING, &c->err));
    TRY(programme_enter(c, in->programme_id, GUARD_ALONE, &row));
    TRY(programme_move(row.is, ON_STOP, &c->err));
    if (id_cmp(row.prepared_by, c->account) == 0)
        return err_set(&c->err, ERR_FORBIDDEN, PROGRAMME_BY_TWO, "who prepares does not stop");
    TRY(may_stop(c, &row));
    TRY(refunds_due(c, row.id, &list, &count));
    TRY(add_rest(c, &row, list, &count));
    TRY(refunds_insert(c, row.id, list, count));
    TRY(set_aside(c, &row, list, count));
    TRY(emit_refunds(c, &row, list, count));
    for (size_t i = 0; i < count; i++)
        total += list[i].amount.fen;
    out->refunds = (uint32_t) count;
    if (!put_money(c, total, &out->total))
        return no_memory(c);
    if (count == 0)
        TRY(programme_move(row.is, ON_WIND_UP, &c->err));
    return programme_answer(c, &row, (struct id){ { 0 } }, &out->programme);
}
