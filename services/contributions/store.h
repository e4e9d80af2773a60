/* store.h - the nouns in and out of the schema contributions; SQL runs in store*.c alone.
 *
 * store.c: what identity told, programmes, resolutions, lists.  store_enrolment.c: households and
 * what they enrol, participation.  store_payment.c: books, payments, statements.  store_ledger.c:
 * transfers, accounts, funds, refunds. */
#ifndef HUZHU_CONTRIBUTIONS_STORE_H
#define HUZHU_CONTRIBUTIONS_STORE_H

#include "contributions.h"

/* What a broken constraint means to a caller. */
static const struct db_constraint contributions_constraints[] __attribute__((unused)) = {
    { "programme_once", ERR_CONFLICT, PROGRAMME_EXISTS, "the programme exists already" },
    { "programme_by_two", ERR_FORBIDDEN, PROGRAMME_BY_TWO, "who prepares does not approve" },
    { "resolution_once", ERR_CONFLICT, RESOLUTION_EXISTS, "the resolution exists already" },
    { "subsidised_list_once", ERR_CONFLICT, LIST_EXISTS, "the list exists already" },
    { "cash_book_once", ERR_CONFLICT, BOOK_EXISTS, "the cash book exists already" },
    { "cash_book_one_each", ERR_CONFLICT, BOOK_EXISTS, "the clerk has a book in this village" },
    { "hand_in_once", ERR_CONFLICT, HAND_IN_EXISTS, "the hand-in exists already" },
    { "hand_in_by_two", ERR_FORBIDDEN, HAND_IN_BY_TWO, "who hands in does not explain" },
    { "statement_once", ERR_CONFLICT, STATEMENT_EXISTS, "the statement exists already" },
    { "payment_once", ERR_CONFLICT, PAYMENT_EXISTS, "the payment exists already" },
    { "payment_by_two", ERR_FORBIDDEN, PAYMENT_BY_TWO, "who takes money does not void" },
    { "member_once", ERR_CONFLICT, PERSON_ELSEWHERE, "a person is enrolled elsewhere" },
    { "funds_once", ERR_CONFLICT, FUNDS_EXISTS, "the funds exist already" },
    { "funds_grant_once", ERR_CONFLICT, GRANT_TWICE, "the giver's grant was counted already" },
    { "funds_invoice_once", ERR_RACED, FUNDS_EXISTS, "two donations met" },
    { "agreement_once", ERR_CONFLICT, AGREEMENT_EXISTS, "the agreement exists already" },
    { "transfer_once", ERR_CONFLICT, TRANSFER_EXISTS, "the transfer exists already" },
    { "transfer_subject_once", ERR_CONFLICT, TRANSFER_EXISTS, "its money has moved already" },
    { "transfer_allowed", ERR_REFUSED, LEDGER_PAIR, "no such use of the fund" },
    { "transfer_stays", ERR_CONFLICT, TRANSFER_STAYS, "a transfer is settled once" },
    { "account_not_negative", ERR_REFUSED, FUNDS_SHORT, "the money is not there" },
    { "carry_over_once", ERR_CONFLICT, YEAR_CARRIED, "the year was carried over already" },
    { "carry_over_into_one", ERR_CONFLICT, YEAR_CARRIED, "the next year has its carry-over" },
    { "carry_over_two_sides", ERR_REFUSED, LEDGER_PAIR, "money stays in its programme" },
};

/* --- store.c --- */

err_t town_put(struct call *c, struct id organisation, const char *code,
               const char *name) MUST_CHECK;
err_t villages_put(struct call *c, const char *json) MUST_CHECK;
err_t households_put(struct call *c, const char *households, const char *persons) MUST_CHECK;
/* NOT_FOUND village.none. */
err_t village_name(struct call *c, struct id id, const char **name) MUST_CHECK;

/* Locks of a transaction that assign no transaction id: taken before the first write, they keep the
 * events of a programme and of a household in order (style.md 2.4) although a request touches
 * many.  Moves of a programme take its guard alone; what happens within it shares the guard and
 * takes those of the villages, in order. */
err_t programme_guard(struct call *c, struct id id, bool alone) MUST_CHECK;
err_t village_guard(struct call *c, struct id programme, struct id village) MUST_CHECK;

struct programme_row {
    programme_t *is;
    struct id id, village, prepared_by;
};
err_t programme_insert(struct call *c, const programme_t *p) MUST_CHECK;
/* NOT_FOUND programme.none. */
err_t programme_get(struct call *c, struct id id, struct programme_row *row) MUST_CHECK;
err_t programme_update(struct call *c, programme_t *p, struct id prepared_by,
                       struct id approved_by) MUST_CHECK; /* and its version */
err_t programme_list(struct call *c, struct page page, uint32_t year, const char *state,
                     struct programme_row **rows, size_t *count) MUST_CHECK;
err_t windows_passed(struct call *c, struct id **tenants, struct id **programmes,
                     size_t *count) MUST_CHECK;

err_t resolution_insert(struct call *c, const Contributions__Resolution *r) MUST_CHECK;
err_t resolution_list(struct call *c, struct id programme, struct page page,
                      Contributions__Resolution ***list, size_t *count) MUST_CHECK;
err_t village_has_resolved(struct call *c, struct id programme, struct id village,
                           bool *passed) MUST_CHECK;
err_t subsidised_insert(struct call *c, struct id programme,
                        const Contributions__SubsidisedList *list) MUST_CHECK;
err_t subsidised_list(struct call *c, struct id programme, struct page page,
                      Contributions__SubsidisedList ***list, size_t *count) MUST_CHECK;

/* --- store_enrolment.c --- */

/* In the order of ids; those that the register does not have are missing. */
err_t houses_get(struct call *c, struct id programme, const struct id *ids, size_t count,
                 struct house **houses, size_t *found) MUST_CHECK;
err_t houses_of_village(struct call *c, struct id village, struct page page, struct id **ids,
                        size_t *count) MUST_CHECK;
struct enrolled_filter {
    struct id programme, village;
    bool unpaid;
};
err_t houses_enrolled(struct call *c, const struct enrolled_filter *filter, struct page page,
                      struct id **ids, size_t *count) MUST_CHECK;
err_t household_of_person(struct call *c, struct id person, struct id *household) MUST_CHECK;
err_t household_villages(struct call *c, const struct id *ids, size_t count, struct id **villages,
                         size_t *village_count) MUST_CHECK;
/* Those with `changed`; fills in the references of new ones. */
err_t houses_put(struct call *c, struct id programme, struct house *houses,
                 size_t count) MUST_CHECK;
err_t house_ids_by_reference(struct call *c, struct id programme, const char *references_json,
                             const char ***references, struct id **ids, size_t *count) MUST_CHECK;

struct measuring {
    struct id programme, village; /* village nil: all */
    uint32_t mask;
    const char *excluded; /* text[] */
    date_t on;
    bool frozen; /* the base is the snapshot */
};
err_t participation_count(struct call *c, const struct measuring *m,
                          struct participation *x) MUST_CHECK;
struct village_figures {
    struct id village;
    const char *name;
    struct figure people, households;
    bool resolved;
};
err_t participation_by_village(struct call *c, const struct measuring *m,
                               struct village_figures **list, size_t *count) MUST_CHECK;
err_t snapshot_take(struct call *c, const struct measuring *m) MUST_CHECK;
err_t measurement_put(struct call *c, struct id programme, int64_t people, bool gate, bool warned,
                      const ProtobufCBinaryData *body) MUST_CHECK;
struct measured {
    bool found, gate, warned;
    int64_t people;
    ProtobufCBinaryData body;
};
err_t measurement_get(struct call *c, struct id programme, struct measured *m) MUST_CHECK;

/* --- store_payment.c --- */

struct book {
    struct id id, programme, village, account;
    int64_t receipts;
    money_t taken, handed;
    const char *series;
    instant_t opened_at;
    int64_t unexplained; /* hand-ins whose difference nobody explained */
};
err_t book_insert(struct call *c, const struct book *book) MUST_CHECK;
err_t book_get(struct call *c, struct id id, struct book *book) MUST_CHECK; /* NOT_FOUND */
err_t book_list(struct call *c, struct id programme, struct page page, struct book **books,
                size_t *count) MUST_CHECK;
err_t book_take(struct call *c, struct id id, int64_t receipts, money_t taken) MUST_CHECK;
err_t book_hand_in(struct call *c, struct id id, money_t handed) MUST_CHECK;
err_t books_unbalanced(struct call *c, struct id programme, int64_t *count,
                       money_t *outstanding) MUST_CHECK;
err_t hand_in_insert(struct call *c, const Contributions__HandIn *h) MUST_CHECK;
err_t hand_in_get(struct call *c, struct id id, Contributions__HandIn **h,
                  struct id *handed_by) MUST_CHECK; /* NOT_FOUND */
err_t hand_in_explain(struct call *c, struct id id, const char *explanation) MUST_CHECK;

/* As it is stored. */
struct payment {
    struct id id, programme, household, village, book, statement, taken_by;
    bool cash;
    const char *state;
    money_t amount;
    uint32_t people;
    const char *person_ids; /* uuid[] as text */
    instant_t paid_at;
    int64_t receipt;
    const char *serial, *series;
    ProtobufCBinaryData account_sealed;
};
err_t payments_insert(struct call *c, const struct payment *payments, size_t count) MUST_CHECK;
err_t payment_get(struct call *c, struct id id, struct payment *payment) MUST_CHECK; /* NOT_FOUND */
err_t payment_void(struct call *c, struct id id, const char *why) MUST_CHECK;
struct payment_filter {
    struct id programme, village, household;
    const char *state; /* NULL: all */
};
err_t payment_list(struct call *c, const struct payment_filter *filter, struct page page,
                   struct payment **list, size_t *count) MUST_CHECK;
err_t payment_sum(struct call *c, const struct payment_filter *filter, int64_t *count,
                  money_t *total) MUST_CHECK;
err_t payment_serials_known(struct call *c, struct id programme, const char *serials_json,
                            const char ***serials, size_t *count) MUST_CHECK;
struct statement {
    struct id id, programme;
    uint8_t sha256[32];
    int64_t rows, taken;
};
err_t statement_find(struct call *c, struct id id, struct statement *s, bool *found) MUST_CHECK;
err_t statement_insert(struct call *c, const struct statement *s) MUST_CHECK;
err_t name_of_payer(struct call *c, struct id household, ProtobufCBinaryData *sealed,
                    struct id *person) MUST_CHECK;

/* --- store_ledger.c --- */

err_t transfers_insert(struct call *c, struct id programme, const struct transfer *transfers,
                       size_t count) MUST_CHECK;
/* Settles the pending transfer of the line (of the refund); *found false: there is
 * none. */
err_t transfer_settle_line(struct call *c, struct id line, enum transfer_state to, date_t on,
                           struct transfer *t, bool *found) MUST_CHECK;
err_t transfer_settle_refund(struct call *c, struct id programme, struct id refund, date_t on,
                             struct transfer *t, bool *found) MUST_CHECK;
err_t transfers_pending(struct call *c, struct id programme, int64_t *count) MUST_CHECK;
struct transfer_filter {
    struct id programme, subject;
    const char *account; /* "": any */
    int64_t after;       /* number */
    int64_t rows;
};
err_t transfer_list(struct call *c, const struct transfer_filter *filter, struct transfer **list,
                    int64_t *last, size_t *count) MUST_CHECK;

struct balance {
    const char *code;
    money_t debit, credit, debit_pending, credit_pending;
};
err_t balance_list(struct call *c, struct id programme, struct balance **list,
                   size_t *count) MUST_CHECK;
/* In the special account and in the villages' hands; what of the first is not set aside. */
err_t fund_balance(struct call *c, struct id programme, money_t *balance,
                   money_t *available) MUST_CHECK;
err_t paid_of_why(struct call *c, struct id programme, const char *why, money_t *sum) MUST_CHECK;

err_t funds_insert(struct call *c, const Contributions__Funds *f) MUST_CHECK;
err_t funds_list(struct call *c, struct id programme, struct page page,
                 Contributions__Funds ***list, size_t *count) MUST_CHECK;
err_t funds_sum(struct call *c, struct id programme, money_t *sum) MUST_CHECK;
err_t invoice_next(struct call *c, const char *prefix, int64_t *sequence) MUST_CHECK;
err_t agreement_insert(struct call *c, const Contributions__Agreement *a) MUST_CHECK;
err_t agreement_get(struct call *c, struct id programme, struct id id,
                    Contributions__Agreement **a) MUST_CHECK; /* NOT_FOUND */
err_t carry_over_insert(struct call *c, struct id programme, struct id next, money_t amount,
                        date_t on) MUST_CHECK;
err_t list_answered(struct call *c, struct id list, bool *answered) MUST_CHECK;
err_t list_answer_insert(struct call *c, struct id list, struct id programme, bool reserved,
                         money_t total) MUST_CHECK;

struct refund {
    struct id id, payment, funds, village, person;
    int source;
    bool cash, to_source;
    money_t amount;
    ProtobufCBinaryData account_sealed; /* of a bank payment */
};
/* Every payment that was taken, everything that was given. */
err_t refunds_due(struct call *c, struct id programme, struct refund **list,
                  size_t *count) MUST_CHECK;
err_t refunds_insert(struct call *c, struct id programme, const struct refund *list,
                     size_t count) MUST_CHECK;
err_t refund_confirm(struct call *c, struct id id, date_t on, struct id *programme,
                     bool *found) MUST_CHECK;

#endif
