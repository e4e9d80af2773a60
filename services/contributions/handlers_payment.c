/* handlers_payment.c - the villages' cash books, receipts and voids; bank statements are
 * handlers_statement.c. */
#include <stdio.h>
#include <string.h>

#include "common_steps.h"
#include "handlers.h"
#include "wire.h"

static err_t
book_to_wire(struct call *c, const struct book *b, Contributions__CashBook **out)
{
    MAKE(c, Contributions__CashBook, contributions__cash_book__init, one);

    one->receipts = (uint32_t) b->receipts;
    one->balanced = money_cmp(b->taken, b->handed) == 0 && b->unexplained == 0;
    if (!put_id(c, b->id, &one->cash_book_id) || !put_id(c, b->programme, &one->programme_id) ||
        !put_id(c, b->village, &one->village_id) || !put_id(c, b->account, &one->account_id) ||
        !put_money(c, b->taken.fen, &one->taken) || !put_money(c, b->handed.fen, &one->handed_in) ||
        !put_money(c, b->taken.fen - b->handed.fen, &one->outstanding) ||
        !put_at(c, b->opened_at, &one->opened_at) || !put_text(c, b->series, &one->series))
        return no_memory(c);
    *out = one;
    return ERR_OK;
}

err_t
contributions_open_cash_book(struct call *c, const Contributions__OpenCashBookRequest *in,
                             Contributions__OpenCashBookReply *out)
{
    struct programme_row row;
    struct book book = { .account = c->account, .opened_at = c->now };
    const char *name;
    char id[ID_TEXT_BYTES];

    TRY(id_from_wire(in->cash_book_id, "$.cashBookId", &book.id, &c->err));
    TRY(id_from_wire(in->village_id, "$.villageId", &book.village, &c->err));
    TRY(programme_enter(c, in->programme_id, GUARD_SHARED, &row));
    TRY(programme_is(c, row.is, IN_STATE(OPEN) | IN_STATE(IN_FORCE)));
    TRY(village_name(c, book.village, &name));
    TRY(caller_covers(c, book.village));
    if (!id_is_nil(row.village) && id_cmp(row.village, book.village) != 0)
        return err_at(&c->err, ERR_REFUSED, "$.villageId", VILLAGE_OTHER,
                      "the programme is another village's");
    TRY(village_guard(c, row.id, book.village));
    book.programme = row.id;
    /* The last eight digits of the book's id keep the series of a programme's books apart. */
    id_format(book.id, id);
    book.series = arena_printf(c->arena, "%u-%s-", row.is->year, id + ID_TEXT_BYTES - 1 - 8);
    if (!book.series)
        return no_memory(c);
    TRY(book_insert(c, &book));
    return book_to_wire(c, &book, &out->cash_book);
}

err_t
contributions_list_cash_books(struct call *c, const Contributions__ListCashBooksRequest *in,
                              Contributions__ListCashBooksReply *out)
{
    struct programme_row row;
    struct book *books;
    struct page page;
    size_t count;

    TRY(page_from_wire(in->page_size, in->page_token, &page, &c->err));
    TRY(programme_enter(c, in->programme_id, GUARD_NONE, &row));
    TRY(book_list(c, row.id, page, &books, &count));
    TRY(page_to_wire(c, page, books[count > 1 ? count - 2 : 0].id, &count, &out->next_page_token));
    LIST(c, count, &out->cash_books);
    for (size_t i = 0; i < count; i++)
        if (call_covers(c, books[i].village))
            TRY(book_to_wire(c, &books[i], &out->cash_books[out->n_cash_books++]));
    return ERR_OK;
}

/* The book with its guards; only its own clerk writes in it. */
static err_t
book_enter(struct call *c, const Huzhu__Id *in, struct book *book, struct programme_row *row)
{
    struct id id;

    TRY(id_from_wire(in, "$.cashBookId", &id, &c->err));
    TRY(book_get(c, id, book));
    TRY(programme_guard(c, book->programme, false));
    TRY(programme_get(c, book->programme, row));
    TRY(village_guard(c, book->programme, book->village));
    TRY(book_get(c, id, book)); /* as it is behind the guard */
    TRY(caller_covers(c, book->village));
    if (id_cmp(book->account, c->account) != 0)
        return err_set(&c->err, ERR_FORBIDDEN, BOOK_OTHER, "the book is another clerk's");
    return ERR_OK;
}

static err_t
payment_to_wire(struct call *c, const struct payment *p, Contributions__Payment **out)
{
    MAKE(c, Contributions__Payment, contributions__payment__init, one);

    one->route =
        p->cash ? CONTRIBUTIONS__PAYMENT__ROUTE__CASH : CONTRIBUTIONS__PAYMENT__ROUTE__BANK;
    one->state = p->state[0] == 'T'   ? CONTRIBUTIONS__PAYMENT__STATE__TAKEN
                 : p->state[0] == 'V' ? CONTRIBUTIONS__PAYMENT__STATE__VOIDED
                                      : CONTRIBUTIONS__PAYMENT__STATE__REFUNDED;
    one->people = p->people;
    one->receipt = (uint32_t) p->receipt;
    if (!put_id(c, p->id, &one->payment_id) || !put_id(c, p->programme, &one->programme_id) ||
        !put_id(c, p->household, &one->household_id) || !put_id(c, p->village, &one->village_id) ||
        !put_money(c, p->amount.fen, &one->amount) || !put_at(c, p->paid_at, &one->paid_at) ||
        !put_id(c, p->book, &one->cash_book_id) || !put_id(c, p->taken_by, &one->taken_by) ||
        !put_text(c, p->cash ? "" : p->serial, &one->bank_serial))
        return no_memory(c);
    one->receipt_text = p->cash
                            ? arena_printf(c->arena, "%s%06lld", p->series, (long long) p->receipt)
                            : (char *) protobuf_c_empty_string;
    *out = one;
    return one->receipt_text ? ERR_OK : no_memory(c);
}

static err_t
paying_from_wire(struct call *c, const Contributions__RecordCashPaymentsRequest *in,
                 struct paying *list, struct id *households)
{
    for (size_t i = 0; i < in->n_payments; i++) {
        const Contributions__RecordCashPaymentsRequest__Row *row = in->payments[i];
        struct id *persons;
        char path[48];

        (void) snprintf(path, sizeof path, "$.payments[%zu]", i);
        list[i].paid_at = c->now;
        TRY(id_from_wire(row->payment_id, path, &list[i].payment, &c->err));
        TRY(id_from_wire(row->household_id, path, &list[i].household, &c->err));
        TRY(rule_amount(row->amount, path, &list[i].amount, &c->err));
        if (row->n_person_ids > HOUSE_MEMBERS_MAX)
            return err_at(&c->err, ERR_INVALID, path, ENROL_PERSONS, "too many persons");
        TRY(ids_from_wire(c, row->person_ids, row->n_person_ids, path, &persons));
        for (size_t k = 1; k < row->n_person_ids; k++)
            for (size_t j = 0; j < k; j++)
                if (id_cmp(persons[j], persons[k]) == 0)
                    return err_at(&c->err, ERR_INVALID, path, ENROL_PERSONS,
                                  "a person is named twice");
        list[i].persons = persons;
        list[i].person_count = row->n_person_ids;
        households[i] = list[i].household;
    }
    return ERR_OK;
}

err_t
contributions_record_cash_payments(struct call *c,
                                   const Contributions__RecordCashPaymentsRequest *in,
                                   Contributions__RecordCashPaymentsReply *out)
{
    struct programme_row row;
    struct paying *list;
    struct payment *made;
    struct taking taking = { .house_count = 0 };
    struct book book;
    struct id *households;
    int64_t total = 0;

    if (in->n_payments == 0 || in->n_payments > BULK_ROWS_MAX)
        return err_at(&c->err, ERR_INVALID, "$.payments", BULK_ROWS,
                      "a request has 1 to %d payments, not %zu", BULK_ROWS_MAX, in->n_payments);
    LIST(c, in->n_payments, &list);
    LIST(c, in->n_payments, &households);
    TRY(paying_from_wire(c, in, list, households));
    TRY(book_enter(c, in->cash_book_id, &book, &row));
    TRY(programme_is(c, row.is, IN_STATE(OPEN) | IN_STATE(IN_FORCE)));
    TRY(houses_get(c, row.id, households, in->n_payments, &taking.houses, &taking.house_count));
    for (size_t i = 0; i < in->n_payments; i++) {
        char path[48];
        money_t expected;
        list[i].house = house_find(taking.houses, taking.house_count, households[i]);
        const char *reason = payment_judge(c, row.is, &list[i], &expected);
        if (!reason && id_cmp(list[i].house->village, book.village) != 0)
            reason = VILLAGE_OTHER;
        (void) snprintf(path, sizeof path, "$.payments[%zu]", i);
        if (reason) /* all or none: a receipt that is written cannot be unwritten */
            return err_at(&c->err, ERR_REFUSED, path, reason,
                          "%s; %lld fen were counted, %lld are owed", reason,
                          (long long) list[i].amount.fen, (long long) expected.fen);
        total += list[i].amount.fen;
    }
    taking.programme = row.is;
    taking.book = &book;
    TRY(payments_take(c, &taking, list, in->n_payments, &made));
    TRY(book_take(c, book.id, (int64_t) in->n_payments, (money_t){ total }));
    LIST(c, in->n_payments, &out->payments);
    for (; out->n_payments < in->n_payments; out->n_payments++)
        TRY(payment_to_wire(c, &made[out->n_payments], &out->payments[out->n_payments]));
    return put_money(c, total, &out->total) ? ERR_OK : no_memory(c);
}

/* --- hand-in --- */

err_t
contributions_hand_in_cash(struct call *c, const Contributions__HandInCashRequest *in,
                           Contributions__HandInCashReply *out)
{
    struct programme_row row;
    struct book book;
    struct id id;
    money_t counted;

    TRY(id_from_wire(in->hand_in_id, "$.handInId", &id, &c->err));
    TRY(rule_amount(in->counted, "$.counted", &counted, &c->err));
    TRY(book_enter(c, in->cash_book_id, &book, &row));
    TRY(programme_is(c, row.is, IN_STATE(OPEN) | IN_STATE(IN_FORCE)));
    const money_t expected = money_sub(book.taken, book.handed);
    if (expected.fen == 0)
        return err_set(&c->err, ERR_REFUSED, HAND_IN_NOTHING, "nothing is outstanding");

    /* What is too much belongs to nobody yet: only what receipts stand for is booked. */
    const money_t booked = money_min(counted, expected);
    MAKE(c, Contributions__HandIn, contributions__hand_in__init, h);
    h->hand_in_id = in->hand_in_id;
    h->cash_book_id = in->cash_book_id;
    h->counted = in->counted;
    h->upload_id = in->upload_id;
    if (!put_money(c, expected.fen, &h->expected) ||
        !put_money(c, counted.fen - expected.fen, &h->difference) || !put_at(c, c->now, &h->at))
        return no_memory(c);
    const struct transfer transfer = { .id = id_mint(c->now),
                                       .village = book.village,
                                       .subject = id,
                                       .state = TRANSFER_POSTED,
                                       .why = "hand_in",
                                       .debit = "bank",
                                       .credit = "cash",
                                       .amount = booked,
                                       .on = date_of(c->now),
                                       .source = SOURCE(PERSONAL) };
    TRY(hand_in_insert(c, h));
    TRY(book_hand_in(c, book.id, booked));
    TRY(ledger_post(c, row.id, &transfer, 1));
    TRY(book_get(c, book.id, &book));
    out->hand_in = h;
    return book_to_wire(c, &book, &out->cash_book);
}

err_t
contributions_explain_hand_in(struct call *c, const Contributions__ExplainHandInRequest *in,
                              Contributions__ExplainHandInReply *out)
{
    Contributions__HandIn *h;
    struct id id, handed_by;
    struct book book;

    TRY(id_from_wire(in->hand_in_id, "$.handInId", &id, &c->err));
    TRY(rule_text(in->explanation, 500, "$.explanation", TEXT_MISSING, &c->err));
    TRY(hand_in_get(c, id, &h, &handed_by));
    TRY(book_get(c, id_of(h->cash_book_id), &book));
    TRY(programme_guard(c, book.programme, false));
    TRY(village_guard(c, book.programme, book.village));
    TRY(caller_covers(c, book.village));
    if (id_cmp(handed_by, c->account) == 0)
        return err_set(&c->err, ERR_FORBIDDEN, HAND_IN_BY_TWO, "who hands in does not explain");
    if (fen_of(h->difference) == 0 || h->explained_by)
        return err_set(&c->err, ERR_CONFLICT, HAND_IN_EXPLAINED,
                       "there is no difference left to explain");
    TRY(hand_in_explain(c, id, in->explanation));
    TRY(hand_in_get(c, id, &out->hand_in, &handed_by));
    return ERR_OK;
}

/* --- reading, voiding --- */

err_t
contributions_list_payments(struct call *c, const Contributions__ListPaymentsRequest *in,
                            Contributions__ListPaymentsReply *out)
{
    static const char *const states[] = { NULL, "TAKEN", "VOIDED", "REFUNDED" };
    struct payment_filter filter = { .state = NULL };
    struct programme_row row;
    struct payment *list;
    struct page page;
    size_t count;
    int64_t all;
    money_t total;

    TRY(page_from_wire(in->page_size, in->page_token, &page, &c->err));
    if (in->state < 0 || in->state >= (int) COUNT(states))
        return err_at(&c->err, ERR_INVALID, "$.state", PAYMENT_STATE, "no such state");
    filter.state = states[in->state];
    TRY(programme_enter(c, in->programme_id, GUARD_NONE, &row));
    TRY(optional_id_from_wire(in->household_id, "$.householdId", &filter.household, &c->err));
    if (call_has(c, COLLECTORS | ROLE_APPROVER | ROLE_AUDITOR)) {
        TRY(village_filter(c, in->village_id, &filter.village));
    } else { /* a member: its own household's */
        TRY(household_of_person(c, c->person, &filter.household));
        if (id_is_nil(filter.household))
            return err_set(&c->err, ERR_FORBIDDEN, SCOPE_HOUSEHOLD,
                           "a member sees its own household alone");
    }
    filter.programme = row.id;
    TRY(payment_list(c, &filter, page, &list, &count));
    TRY(page_to_wire(c, page, list[count > 1 ? count - 2 : 0].id, &count, &out->next_page_token));
    LIST(c, count, &out->payments);
    for (; out->n_payments < count; out->n_payments++)
        TRY(payment_to_wire(c, &list[out->n_payments], &out->payments[out->n_payments]));
    TRY(payment_sum(c, &filter, &all, &total));
    out->count = (uint32_t) all;
    return put_money(c, total.fen, &out->total) ? ERR_OK : no_memory(c);
}

/* Takes the payment back from its persons. */
static void
unpay(struct house *h, const char *person_ids)
{
    char id[ID_TEXT_BYTES];

    for (size_t i = 0; i < h->count; i++) {
        id_format(h->members[i].person, id);
        if (strstr(person_ids, id)) {
            h->members[i].paid = false;
            h->members[i].changed = true;
        }
    }
    h->changed = true;
}

err_t
contributions_void_payment(struct call *c, const Contributions__VoidPaymentRequest *in,
                           Contributions__VoidPaymentReply *out)
{
    struct programme_row row;
    struct payment payment;
    struct house *houses;
    struct id id;
    struct book book;
    bool in_hand = false;
    size_t found;

    TRY(id_from_wire(in->payment_id, "$.paymentId", &id, &c->err));
    TRY(rule_text(in->why, 500, "$.why", TEXT_MISSING, &c->err));
    TRY(payment_get(c, id, &payment));
    TRY(programme_guard(c, payment.programme, false));
    TRY(village_guard(c, payment.programme, payment.village));
    TRY(programme_get(c, payment.programme, &row));
    TRY(payment_get(c, id, &payment));
    TRY(programme_is(c, row.is, IN_STATE(OPEN)));
    if (strcmp(payment.state, "TAKEN") != 0)
        return err_set(&c->err, ERR_CONFLICT, PAYMENT_GONE, "the payment is %s", payment.state);
    if (id_cmp(payment.taken_by, c->account) == 0)
        return err_set(&c->err, ERR_FORBIDDEN, PAYMENT_BY_TWO, "who takes money does not void");
    if (payment.cash) { /* handed in already: it comes back from the bank */
        TRY(book_get(c, payment.book, &book));
        in_hand = book.taken.fen - book.handed.fen >= payment.amount.fen;
    }
    const struct transfer transfer = { .id = id_mint(c->now),
                                       .village = payment.village,
                                       .subject = id,
                                       .state = TRANSFER_POSTED,
                                       .why = "void",
                                       .debit = income_account(SOURCE(PERSONAL)),
                                       .credit = in_hand ? "cash" : "bank",
                                       .amount = payment.amount,
                                       .on = date_of(c->now),
                                       .people = payment.people,
                                       .source = SOURCE(PERSONAL) };
    TRY(houses_get(c, row.id, &payment.household, 1, &houses, &found));
    if (found > 0) {
        unpay(&houses[0], payment.person_ids);
        rule_house_in_force(row.is, &houses[0], date_of(c->now));
        TRY(houses_put(c, row.id, houses, found));
    }
    TRY(payment_void(c, id, in->why));
    if (in_hand)
        TRY(book_take(c, payment.book, 0, (money_t){ -payment.amount.fen }));
    TRY(ledger_post(c, row.id, &transfer, 1));
    if (found > 0)
        TRY(emit_members_changed(c, row.is, &houses[0]));
    payment.state = "VOIDED";
    return payment_to_wire(c, &payment, &out->payment);
}
