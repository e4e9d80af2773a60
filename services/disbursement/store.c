/* store.c - programmes, claims, lists and lines in and out of the schema disbursement. */
#include "store.h"

#include <stdio.h>

#include "crypto/crypto.h"
#include "disbursement_queries.h"
#include "store_parts.h"

const struct db_constraint disbursement_constraints[7] = {
    /* Two preparations met: the one that waited runs again and finds the list. */
    { "list_once", ERR_RACED, LIST_RACED, "two preparations of one list met" },
    { "line_claim_once", ERR_RACED, LIST_RACED, "two lists took one claim" },
    { "layout_once", ERR_RACED, LAYOUT_RACED, "two changes of one layout met" },
    { "batch_once", ERR_CONFLICT, BATCH_EXISTS, "the batch exists already" },
    { "batch_number_once", ERR_RACED, BATCH_RACED, "two batches met" },
    { "item_attempt_once", ERR_REFUSED, BATCH_DUPLICATE, "an attempt is in another batch" },
    { "item_receipt_once", ERR_REFUSED, RESULT_RECEIPT_TWICE,
      "a bank receipt has paid another line already" },
};

static const char *const list_states[] = {
    [LIST_PREPARED] = "PREPARED", [LIST_SUBMITTED] = "SUBMITTED", [LIST_APPROVED] = "APPROVED",
    [LIST_RESERVED] = "RESERVED", [LIST_REFUSED] = "REFUSED",     [LIST_PAYING] = "PAYING",
    [LIST_SETTLED] = "SETTLED",
};
static const char *const line_states[] = {
    [LINE_LISTED] = "LISTED",     [LINE_CHECKED] = "CHECKED", [LINE_RETURNED] = "RETURNED",
    [LINE_RESERVED] = "RESERVED", [LINE_BATCHED] = "BATCHED", [LINE_SENT] = "SENT",
    [LINE_PAID] = "PAID",         [LINE_FAILED] = "FAILED",   [LINE_VOIDED] = "VOIDED",
};
static const char *const line_kinds[] = { [LINE_PAYOUT] = "PAYOUT", [LINE_REFUND] = "REFUND" };

const char *
ids_text(struct call *c, const struct id *ids, size_t count)
{
    char *text = arena_alloc(c->arena, 3 + count * ID_TEXT_BYTES);
    size_t at = 0;

    if (!text) {
        (void) no_memory(c);
        return NULL;
    }
    text[at++] = '{';
    for (size_t i = 0; i < count; i++) {
        char id[ID_TEXT_BYTES];
        id_format(ids[i], id);
        if (i > 0)
            text[at++] = ',';
        memcpy(text + at, id, ID_TEXT_BYTES - 1);
        at += ID_TEXT_BYTES - 1;
    }
    text[at] = '}';
    return text;
}

/* --- payees --- */

/* No character of a name, a card or a bank is a control character (wire.c). */
#define BETWEEN "\x1f"

const char *
context_of(struct call *c, const char *noun, struct id id)
{
    char text[ID_TEXT_BYTES];

    id_format(id, text);
    return arena_printf(c->arena, "disbursement.%s/%s", noun, text);
}

err_t
payee_seal(struct call *c, const char *context, const struct payee *payee,
           ProtobufCBinaryData *sealed)
{
    char *text = arena_printf(c->arena, "%s" BETWEEN "%s" BETWEEN "%s", payee->holder, payee->card,
                              payee->bank);

    if (!text || !context)
        return no_memory(c);
    return call_seal(c, context, text, strlen(text), sealed);
}

err_t
payee_open(struct call *c, const char *context, const void *sealed, size_t size,
           struct payee *payee)
{
    ProtobufCBinaryData plain;

    if (!context)
        return no_memory(c);
    if (!sealed)
        return err_set(&c->err, ERR_INTERNAL, CLAIM_UNSEALED, "there is no payee");
    TRY(call_unseal(c, context, sealed, size, &plain));
    char *text = arena_alloc(c->arena, plain.len + 1);
    if (!text)
        return no_memory(c);
    memcpy(text, plain.data, plain.len);
    char *card = strstr(text, BETWEEN), *bank = card ? strstr(card + 1, BETWEEN) : NULL;
    if (!bank)
        return err_set(&c->err, ERR_INTERNAL, CLAIM_UNSEALED, "the payee cannot be read");
    *card++ = '\0';
    *bank++ = '\0';
    *payee = (struct payee){ text, card, bank };
    return ERR_OK;
}

err_t
line_payee(struct call *c, const struct line *line, struct payee *payee)
{
    const bool refund = line->kind == LINE_REFUND;
    const char *context =
        context_of(c, refund ? "refund" : "claim", refund ? line->id : line->claim);

    return payee_open(c, context, line->payee_sealed, line->payee_sealed_size, payee);
}

struct sealed_payee {
    ProtobufCBinaryData sealed;
    uint8_t index[32];
};

static err_t
payee_store(struct call *c, const char *context, const struct payee *payee,
            struct sealed_payee *out)
{
    TRY(payee_seal(c, context, payee, &out->sealed));
    return call_blind_index(c, "payee.card", payee->card, strlen(payee->card), out->index);
}

/* --- programmes --- */

err_t
programme_upsert(struct call *c, const struct programme *p)
{
    return db_exec(c, &q_programme_upsert, P_ID(c->tenant), P_ID(p->id), P_TEXT(p->name),
                   P_INT4(p->year), P_TEXT(p->custodian_account), P_INT4(p->state),
                   P_INT4(p->list_day), P_INT4(p->pay_before_day));
}

static err_t
programme_read(struct call *c, const struct stmt *stmt, struct id id, struct programme *out)
{
    OWNED(rows_free) struct rows *rows = NULL;
    struct programme p = { .id = id };

    TRY(db_query(c, stmt, &rows, P_ID(id)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, PROGRAMME_NONE, "no such programme");
    TRY(text_of(c, rows, 0, 0, &p.name));
    p.year = (int32_t) rows_int(rows, 0, 1);
    TRY(text_of(c, rows, 0, 2, &p.custodian_account));
    p.state = (int32_t) rows_int(rows, 0, 3);
    p.list_day = (int32_t) rows_int(rows, 0, 4);
    p.pay_before_day = (int32_t) rows_int(rows, 0, 5);
    *out = p;
    return ERR_OK;
}

err_t
programme_get(struct call *c, struct id id, struct programme *programme)
{
    return programme_read(c, &q_programme_get, id, programme);
}

err_t
programme_lock(struct call *c, struct id id, struct programme *programme)
{
    return programme_read(c, &q_programme_lock, id, programme);
}

err_t
lists_due(struct call *c, date_t month, int day, struct due **due, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_lists_due, &rows, P_DATE(month), P_INT4(day)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, due);
    for (size_t i = 0; i < *count; i++)
        (*due)[i] = (struct due){ rows_id(rows, (int) i, 0), rows_id(rows, (int) i, 1) };
    return ERR_OK;
}

/* --- claims --- */

err_t
claim_accept(struct call *c, const struct claim *claim, const struct payee *payee)
{
    struct sealed_payee stored;

    TRY(payee_store(c, context_of(c, "claim", claim->id), payee, &stored));
    return db_exec(c, &q_claim_accept, P_ID(c->tenant), P_ID(claim->id), P_TEXT(claim->number),
                   P_ID(claim->programme), P_ID_OR_NULL(claim->person),
                   P_ID_OR_NULL(claim->village), P_BYTES(stored.sealed.data, stored.sealed.len),
                   P_BYTES(stored.index, sizeof stored.index));
}

err_t
claim_payee(struct call *c, struct id claim, const struct payee *payee)
{
    OWNED(rows_free) struct rows *rows = NULL;
    struct sealed_payee stored;

    TRY(payee_store(c, context_of(c, "claim", claim), payee, &stored));
    /* A claim that was never accepted pays nobody: what changes about it comes with its acceptance.
     */
    return db_query(c, &q_claim_payee, &rows, P_ID(claim),
                    P_BYTES(stored.sealed.data, stored.sealed.len),
                    P_BYTES(stored.index, sizeof stored.index));
}

err_t
claim_gone(struct call *c, struct id claim)
{
    return db_exec(c, &q_claim_gone, P_ID(claim));
}

err_t
claim_price(struct call *c, const struct claim *claim)
{
    return db_exec(c, &q_claim_price, P_ID(c->tenant), P_ID(claim->id), P_ID(claim->programme),
                   P_ID_OR_NULL(claim->person), P_ID_OR_NULL(claim->village),
                   P_ID_OR_NULL(claim->coding), P_TEXT(claim->drg), P_TEXT(claim->drg_name),
                   P_MONEY(claim->due), P_MONEY(claim->payable), P_DATE(claim->decided_on),
                   P_BYTES(claim->basis, claim->basis_size), P_ID_OR_NULL(claim->coder),
                   P_ID_OR_NULL(claim->reviewer));
}

err_t
claim_unprice(struct call *c, struct id claim)
{
    return db_exec(c, &q_claim_unprice, P_ID(claim));
}

err_t
claim_line(struct call *c, struct id claim, struct id *line, struct id *list)
{
    OWNED(rows_free) struct rows *rows = NULL;

    *line = *list = (struct id){ { 0 } };
    TRY(db_query(c, &q_claim_line, &rows, P_ID(claim)));
    if (rows_count(rows) == 1) {
        *line = rows_id(rows, 0, 0);
        *list = rows_id(rows, 0, 1);
    }
    return ERR_OK;
}

err_t
claims_ready(struct call *c, struct id programme, date_t before, struct claim **claims,
             size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_claims_ready, &rows, P_ID(programme), P_DATE(before),
                 P_INT(LIST_LINES_MAX)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, claims);
    for (size_t i = 0; i < *count; i++)
        (*claims)[i] = (struct claim){ .id = rows_id(rows, (int) i, 0),
                                       .person = rows_id(rows, (int) i, 1),
                                       .village = rows_id(rows, (int) i, 2),
                                       .payable = rows_money(rows, (int) i, 3) };
    return ERR_OK;
}

/* --- lists --- */

err_t
list_insert(struct call *c, const struct payout_list *list)
{
    return db_exec(c, &q_list_insert, P_ID(c->tenant), P_ID(list->id), P_ID(list->programme),
                   P_DATE(list->month), P_DATE(list->pay_before), P_BOOL(list->provisional),
                   P_BOOL(list->postponed), P_BYTES(list->sha256, sizeof list->sha256),
                   P_INSTANT(list->prepared_at), P_ID_OR_NULL(list->prepared_by));
}

err_t
list_by_month(struct call *c, struct id programme, date_t month, struct id *list, bool *found)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_list_by_month, &rows, P_ID(programme), P_DATE(month)));
    *found = rows_count(rows) == 1;
    if (*found)
        *list = rows_id(rows, 0, 0);
    return ERR_OK;
}

static err_t
list_read(struct call *c, const struct rows *rows, int row, struct payout_list *list)
{
    size_t size = 0;

    *list = (struct payout_list){
        .id = rows_id(rows, row, 0),
        .programme = rows_id(rows, row, 1),
        .month = rows_date(rows, row, 2),
        .version = (int32_t) rows_int(rows, row, 3),
        .state =
            (enum list_state) place_of(rows_text(rows, row, 4), list_states, COUNT(list_states)),
        .lines = (int32_t) rows_int(rows, row, 5),
        .total = rows_money(rows, row, 6),
        .pay_before = rows_date(rows, row, 7),
        .provisional = rows_bool(rows, row, 8),
        .postponed = rows_bool(rows, row, 9),
        .prepared_at = rows_instant(rows, row, 11),
        .prepared_by = rows_id(rows, row, 12),
        .submitted_at = instant_or_never(rows, row, 13),
        .submitted_by = rows_id(rows, row, 14),
        .approved_at = instant_or_never(rows, row, 15),
        .approved_by = rows_id(rows, row, 16),
        .is_signed = !rows_is_null(rows, row, 20),
        .reviewed = (int32_t) rows_int(rows, row, 22),
        .ended = (int32_t) rows_int(rows, row, 23),
    };
    copy_sum(rows, row, 10, list->sha256);
    if (!rows_is_null(rows, row, 18))
        list->shortfall = rows_money(rows, row, 18);
    if (list->is_signed)
        memcpy(list->signature, rows_bytes(rows, row, 20, &size), sizeof list->signature);
    TRY(text_of(c, rows, row, 17, &list->refusal));
    TRY(text_of(c, rows, row, 19, &list->returned_why));
    return text_of(c, rows, row, 21, &list->key_id);
}

err_t
list_get(struct call *c, struct id id, struct payout_list *list)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_list_get, &rows, P_ID(id)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, LIST_NONE, "no such list");
    return list_read(c, rows, 0, list);
}

err_t
list_lock(struct call *c, struct id id, struct payout_list *list)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_list_lock, &rows, P_ID(id)));
    return list_get(c, id, list);
}

err_t
list_page(struct call *c, const struct list_filter *filter, struct page page,
          struct payout_list **lists, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_list_page, &rows, P_ID(page.after), P_ID_OR_NULL(filter->programme),
                 filter->has_month ? P_DATE(filter->month) : P_NULL,
                 P_TEXT(filter->state ? list_states[filter->state] : NULL), P_INT(page.rows)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, lists);
    for (size_t i = 0; i < *count; i++)
        TRY(list_read(c, rows, (int) i, &(*lists)[i]));
    return ERR_OK;
}

err_t
list_update(struct call *c, const struct payout_list *l)
{
    return db_exec(
        c, &q_list_update, P_ID(l->id), P_INT4(l->version), P_TEXT(list_states[l->state]),
        P_INT4(l->lines), P_MONEY(l->total), P_BYTES(l->sha256, sizeof l->sha256),
        p_instant_or_null(l->submitted_at), P_ID_OR_NULL(l->submitted_by),
        p_instant_or_null(l->approved_at), P_ID_OR_NULL(l->approved_by), P_TEXT(l->refusal),
        l->refusal ? P_MONEY(l->shortfall) : P_NULL, P_TEXT(l->returned_why),
        l->is_signed ? P_BYTES(l->signature, sizeof l->signature) : P_NULL, P_TEXT(l->key_id));
}

err_t
list_version_insert(struct call *c, const struct payout_list *list, const char *why)
{
    return db_exec(c, &q_list_version_insert, P_ID(c->tenant), P_ID(list->id),
                   P_INT4(list->version), P_INT4(list->lines), P_MONEY(list->total),
                   P_BYTES(list->sha256, sizeof list->sha256), P_INSTANT(c->now), P_TEXT(why));
}

err_t
list_sum(struct call *c, struct payout_list *list)
{
    OWNED(rows_free) struct rows *rows = NULL;
    money_t total = { 0 };

    TRY(db_query(c, &q_list_sum, &rows, P_ID(list->id)));
    struct sha256 *sum = sha256_create();
    for (int i = 0; i < rows_count(rows); i++) {
        char line[ID_TEXT_BYTES], claim[ID_TEXT_BYTES], text[128];
        const money_t amount = rows_money(rows, i, 2);
        id_format(rows_id(rows, i, 0), line);
        id_format(rows_id(rows, i, 1), claim);
        const int size =
            snprintf(text, sizeof text, "%s %s %lld\n", line, claim, (long long) amount.fen);
        sha256_add(sum, text, (size_t) size);
        total = money_add(total, amount);
    }
    sha256_finish(sum, list->sha256);
    list->lines = rows_count(rows);
    list->total = total;
    return ERR_OK;
}

err_t
lists_settle(struct call *c, const char *ids)
{
    return db_exec(c, &q_list_settle, P_TEXT(ids), P_INSTANT(c->now));
}

err_t
month_figures(struct call *c, const struct list_filter *filter, struct month_figures **months,
              size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_month_figures, &rows, P_ID_OR_NULL(filter->programme),
                 filter->has_month ? P_DATE(filter->month) : P_NULL));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, months);
    for (size_t i = 0; i < *count; i++) {
        struct month_figures *m = &(*months)[i];
        TRY(list_get(c, rows_id(rows, (int) i, 0), &m->list));
        m->paid = (int32_t) rows_int(rows, (int) i, 1);
        m->paid_in_time = (int32_t) rows_int(rows, (int) i, 2);
        m->failed = (int32_t) rows_int(rows, (int) i, 3);
        m->paid_total = rows_money(rows, (int) i, 4);
    }
    return ERR_OK;
}

/* --- lines --- */

err_t
line_insert(struct call *c, const struct line *line)
{
    return db_exec(c, &q_line_insert, P_ID(c->tenant), P_ID(line->id), P_ID(line->list),
                   P_ID(line->programme), P_ID(line->claim), P_ID_OR_NULL(line->person),
                   P_ID_OR_NULL(line->village), P_MONEY(line->amount), P_INSTANT(c->now));
}

err_t
refund_insert(struct call *c, const struct line *line, const struct payee *payee)
{
    struct sealed_payee stored = { .sealed = { 0, NULL } };

    if (payee)
        TRY(payee_store(c, context_of(c, "refund", line->id), payee, &stored));
    return db_exec(c, &q_refund_insert, P_ID(c->tenant), P_ID(line->id), P_ID(line->programme),
                   P_ID_OR_NULL(line->person), P_ID_OR_NULL(line->village), P_MONEY(line->amount),
                   P_INT4((int32_t) line->route),
                   payee ? P_BYTES(stored.sealed.data, stored.sealed.len) : P_NULL,
                   payee ? P_BYTES(stored.index, sizeof stored.index) : P_NULL, P_INSTANT(c->now));
}

static err_t
line_texts(struct call *c, const struct rows *rows, int row, struct line *line)
{
    ProtobufCBinaryData sealed, index, basis;

    TRY(text_of(c, rows, row, 14, &line->receipt));
    TRY(text_of(c, rows, row, 15, &line->failure));
    TRY(text_of(c, rows, row, 16, &line->return_reason));
    TRY(text_of(c, rows, row, 17, &line->void_reason));
    TRY(text_of(c, rows, row, 21, &line->number));
    TRY(text_of(c, rows, row, 22, &line->drg));
    TRY(text_of(c, rows, row, 23, &line->drg_name));
    TRY(bytes_of(c, rows, row, 26, &basis));
    TRY(bytes_of(c, rows, row, 29, &sealed));
    TRY(bytes_of(c, rows, row, 30, &index));
    line->basis = basis.data;
    line->basis_size = basis.len;
    line->payee_sealed = sealed.data;
    line->payee_sealed_size = sealed.len;
    line->payee_index = index.data;
    return text_of(c, rows, row, 31, &line->reference);
}

static err_t
line_read(struct call *c, const struct rows *rows, int row, struct line *line)
{
    *line = (struct line){
        .id = rows_id(rows, row, 0),
        .list = rows_id(rows, row, 1),
        .programme = rows_id(rows, row, 2),
        .claim = rows_id(rows, row, 3),
        .person = rows_id(rows, row, 4),
        .village = rows_id(rows, row, 5),
        .batch = rows_id(rows, row, 6),
        .checked_by = rows_id(rows, row, 7),
        .kind = (enum line_kind) place_of(rows_text(rows, row, 8), line_kinds, COUNT(line_kinds)),
        .state =
            (enum line_state) place_of(rows_text(rows, row, 9), line_states, COUNT(line_states)),
        .amount = rows_money(rows, row, 10),
        .route = (enum refund_route) rows_int(rows, row, 11),
        .attempt = (int32_t) rows_int(rows, row, 12),
        .is_paid = !rows_is_null(rows, row, 13),
        .coding = rows_id(rows, row, 18),
        .coder = rows_id(rows, row, 19),
        .reviewer = rows_id(rows, row, 20),
        .is_decided = !rows_is_null(rows, row, 25),
        .payee_rev = (int32_t) rows_int(rows, row, 27),
        .batched_rev = (int32_t) rows_int(rows, row, 28),
        .approved_by = rows_id(rows, row, 32),
    };
    if (line->is_paid)
        line->paid_on = rows_date(rows, row, 13);
    if (line->is_decided)
        line->decided_on = rows_date(rows, row, 25);
    if (!rows_is_null(rows, row, 24))
        line->due = rows_money(rows, row, 24);
    return line_texts(c, rows, row, line);
}

static err_t
lines_read(struct call *c, const struct rows *rows, struct line **lines, size_t *count)
{
    *count = (size_t) rows_count(rows);
    LIST(c, *count, lines);
    for (size_t i = 0; i < *count; i++)
        TRY(line_read(c, rows, (int) i, &(*lines)[i]));
    return ERR_OK;
}

err_t
line_get(struct call *c, struct id id, struct line *line)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_line_get, &rows, P_ID(id)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, LINE_NONE, "no such line");
    return line_read(c, rows, 0, line);
}

err_t
line_lock(struct call *c, struct id id, struct line *line)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_line_lock, &rows, P_ID(id)));
    return line_get(c, id, line);
}

err_t
line_update(struct call *c, const struct line *l)
{
    return db_exec(c, &q_line_update, P_ID(l->id), P_TEXT(line_states[l->state]),
                   P_MONEY(l->amount), P_ID_OR_NULL(l->checked_by), P_TEXT(l->return_reason),
                   P_INT4(l->attempt), P_ID_OR_NULL(l->batch), P_INT4(l->batched_rev),
                   l->is_paid ? P_DATE(l->paid_on) : P_NULL, P_TEXT(l->receipt), P_TEXT(l->failure),
                   P_TEXT(l->void_reason), P_INSTANT(c->now));
}

err_t
line_page(struct call *c, const struct line_filter *filter, struct page page, struct line **lines,
          size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_line_page, &rows, P_ID(filter->list), P_ID(page.after),
                 P_TEXT(filter->state ? line_states[filter->state] : NULL), P_INT(page.rows)));
    return lines_read(c, rows, lines, count);
}

err_t
refund_page(struct call *c, const struct line_filter *filter, struct page page, struct line **lines,
            size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_refund_page, &rows, P_ID(page.after), P_ID_OR_NULL(filter->programme),
                 P_ID_OR_NULL(filter->village), P_INT4((int32_t) filter->route),
                 P_TEXT(filter->state ? line_states[filter->state] : NULL),
                 P_TEXT(filter->villages), P_INT(page.rows)));
    return lines_read(c, rows, lines, count);
}

err_t
lines_check(struct call *c, struct id list, const char *ids, int *checked)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_lines_check, &rows, P_ID(list), P_TEXT(ids), P_ID(c->account),
                 P_INSTANT(c->now)));
    *checked = rows_count(rows);
    return ERR_OK;
}

err_t
lines_reserve(struct call *c, struct id list)
{
    return db_exec(c, &q_lines_reserve, P_ID(list), P_INSTANT(c->now));
}

err_t
lines_named(struct call *c, const char *ids, struct line **lines, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_lines_named, &rows, P_TEXT(ids)));
    return lines_read(c, rows, lines, count);
}

/* The lock and the look are two statements: a view with outer joins cannot be locked. */
err_t
lines_lock(struct call *c, const struct wanted *wanted, struct line **lines, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;
    struct id *ids;

    TRY(db_query(c, &q_lines_lock, &rows, P_ID(wanted->programme), P_TEXT(line_kinds[wanted->kind]),
                 P_TEXT(wanted->lists), P_TEXT(wanted->lines), P_INT(wanted->most)));
    const size_t found = (size_t) rows_count(rows);
    LIST(c, found, &ids);
    for (size_t i = 0; i < found; i++)
        ids[i] = rows_id(rows, (int) i, 0);
    const char *named = ids_text(c, ids, found);
    return named ? lines_named(c, named, lines, count) : c->err.code;
}

err_t
lists_named(struct call *c, const char *ids, struct id programme, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_lists_named, &rows, P_TEXT(ids), P_ID(programme)));
    *count = (size_t) rows_count(rows);
    return ERR_OK;
}
