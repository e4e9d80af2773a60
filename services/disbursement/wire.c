/* wire.c - protobuf to nouns and back, events out. */
#include "wire.h"

#include <stdlib.h>
#include <string.h>

#include "arena/arena_pb.h"
#include "mask/mask.h"
#include "rules.h"

static err_t
too_large(struct call *c)
{
    return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the reply needs too much memory");
}

#define MAKE(c, out, init)                                                                         \
    do {                                                                                           \
        *(out) = arena_alloc((c)->arena, sizeof **(out));                                          \
        if (!*(out))                                                                               \
            return too_large(c);                                                                   \
        init(*(out));                                                                              \
    } while (0)

/* --- in --- */

err_t
page_from_wire(int32_t size, const char *token, struct page *page, struct err *err)
{
    *page = (struct page){ .rows = size == 0 ? PAGE_ROWS_DEFAULT : size };
    if (size < 0 || size > PAGE_ROWS_MAX)
        return err_at(err, ERR_INVALID, "$.pageSize", PAGE_SIZE, "a page has at most %d rows",
                      PAGE_ROWS_MAX);
    if (token[0] != '\0' && !id_parse(token, &page->after))
        return err_at(err, ERR_INVALID, "$.pageToken", PAGE_TOKEN,
                      "the page token is not one of this list");
    return ERR_OK;
}

err_t
id_or_nil(const Huzhu__Id *in, const char *path, struct id *id, struct err *err)
{
    *id = (struct id){ { 0 } };
    return in ? id_from_wire(in, path, id, err) : ERR_OK;
}

err_t
ids_from_wire(struct call *c, struct wire_ids in, const char *path, struct id **ids)
{
    *ids = arena_alloc(c->arena, (in.count + 1) * sizeof **ids);
    if (!*ids)
        return too_large(c);
    for (size_t i = 0; i < in.count; i++)
        TRY(id_from_wire(in.ids[i], path, &(*ids)[i], &c->err));
    return ERR_OK;
}

/* Templates that say nothing of the days have those of 003-20. */
static int32_t
day_or(uint32_t day, int32_t fallback)
{
    return day >= 1 && day <= 28 ? (int32_t) day : fallback;
}

err_t
programme_from_wire(const Contributions__Programme *in, struct programme *programme,
                    struct err *err)
{
    if (!in)
        return err_at(err, ERR_INVALID, "programme", "field.missing", "there is no programme");
    *programme = (struct programme){ .name = in->name,
                                     .custodian_account = in->custodian_account,
                                     .year = (int32_t) in->year,
                                     .state = (int32_t) in->state,
                                     .list_day = day_or(in->list_day, 1),
                                     .pay_before_day = day_or(in->pay_before_day, 7) };
    return id_from_wire(in->programme_id, "programme.programme_id", &programme->id, err);
}

static bool
is_plain(const char *text, size_t most)
{
    for (const char *at = text; *at; at++)
        if ((unsigned char) *at < 0x20 || *at == 0x7f)
            return false;
    return strlen(text) <= most;
}

static err_t
payee_check(const struct payee *payee, struct err *err)
{
    if (!is_plain(payee->holder, 255) || !is_plain(payee->bank, 255) || !is_plain(payee->card, 64))
        return err_set(err, ERR_INVALID, CLAIM_UNSEALED, "a payee's text is no plain text");
    return ERR_OK;
}

err_t
payee_from_facts(struct call *c, const char *context, const ProtobufCBinaryData *sealed,
                 struct payee *payee)
{
    ProtobufCAllocator allocator = arena_protobuf_allocator(c->arena);
    ProtobufCBinaryData plain;

    TRY(call_unseal_shared(c, context, sealed->data, sealed->len, &plain));
    const Claims__ClaimFacts *facts =
        claims__claim_facts__unpack(&allocator, plain.len, plain.data);
    if (!facts)
        return err_set(&c->err, ERR_INVALID, CLAIM_UNSEALED, "the facts cannot be read");
    *payee = (struct payee){ facts->payee, facts->card, facts->bank };
    return payee_check(payee, &c->err);
}

err_t
claim_from_price(const Coding__ClaimPriced *in, struct claim *claim, struct err *err)
{
    *claim = (struct claim){ .drg = in->drg,
                             .drg_name = in->drg_name,
                             .basis = in->basis_sha256.data,
                             .basis_size = in->basis_sha256.len };
    TRY(id_from_wire(in->claim_id, "claim_id", &claim->id, err));
    TRY(id_from_wire(in->programme_id, "programme_id", &claim->programme, err));
    TRY(id_or_nil(in->person_id, "person_id", &claim->person, err));
    TRY(id_or_nil(in->village_id, "village_id", &claim->village, err));
    TRY(id_or_nil(in->coding_id, "coding_id", &claim->coding, err));
    TRY(id_or_nil(in->coder_id, "coder_id", &claim->coder, err));
    TRY(id_or_nil(in->reviewer_id, "reviewer_id", &claim->reviewer, err));
    claim->due.fen = in->due ? in->due->fen : 0;
    claim->payable.fen = in->payable ? in->payable->fen : 0;
    if (!in->decided_on || claim->payable.fen < 0 || !money_is_valid(claim->payable))
        return err_set(err, ERR_INVALID, "field.missing", "the price or its day is not one");
    claim->decided_on.days = in->decided_on->days;
    return ERR_OK;
}

err_t
refund_accounts(struct call *c, const Contributions__RefundsOrdered *in,
                Contributions__RefundsSealed **accounts)
{
    ProtobufCAllocator allocator = arena_protobuf_allocator(c->arena);
    ProtobufCBinaryData plain;

    *accounts = NULL;
    if (in->sealed.len == 0)
        return ERR_OK;
    TRY(call_unseal_shared(c, "event/RefundsOrdered", in->sealed.data, in->sealed.len, &plain));
    *accounts = contributions__refunds_sealed__unpack(&allocator, plain.len, plain.data);
    return *accounts ? ERR_OK
                     : err_set(&c->err, ERR_INVALID, CLAIM_UNSEALED, "the accounts cannot be read");
}

err_t
refund_from_wire(const Contributions__RefundsOrdered__Refund *in, struct line *line,
                 struct err *err)
{
    *line = (struct line){ .kind = LINE_REFUND, .route = (enum refund_route) in->route };
    TRY(id_from_wire(in->refund_id, "refund_id", &line->id, err));
    TRY(id_or_nil(in->person_id, "person_id", &line->person, err));
    TRY(id_or_nil(in->village_id, "village_id", &line->village, err));
    line->amount.fen = in->amount ? in->amount->fen : 0;
    if (line->amount.fen <= 0 || !money_is_valid(line->amount) || line->route < ROUTE_BANK ||
        line->route > ROUTE_SOURCE)
        return err_set(err, ERR_INVALID, "field.missing", "a refund lacks its amount or route");
    return ERR_OK;
}

bool
refund_payee(const Contributions__RefundsSealed *accounts, struct id refund, struct payee *payee)
{
    for (size_t i = 0; accounts && i < accounts->n_accounts; i++) {
        const Contributions__RefundsSealed__Account *account = accounts->accounts[i];
        struct err err;
        struct id id;
        if (id_from_wire(account->refund_id, "refund_id", &id, &err) != ERR_OK ||
            id_cmp(id, refund) != 0)
            continue;
        *payee = (struct payee){ account->holder, account->account, account->bank };
        return payee_check(payee, &err) == ERR_OK;
    }
    return false;
}

/* --- out --- */

static err_t
text_out(struct call *c, const char *text, char **out)
{
    if (!text)
        return ERR_OK; /* protobuf-c's own "" */
    *out = call_text(c, text);
    return *out ? ERR_OK : too_large(c);
}

static err_t
sum_out(struct call *c, const void *bytes, size_t size, ProtobufCBinaryData *out)
{
    out->data = arena_copy(c->arena, bytes, size);
    out->len = size;
    return out->data ? ERR_OK : too_large(c);
}

static Huzhu__Instant *
instant_or_null(struct call *c, instant_t at)
{
    return at.us == 0 ? NULL : instant_to_wire(c, at);
}

err_t
list_to_wire(struct call *c, const struct payout_list *list, Disbursement__PayoutList **out)
{
    Disbursement__PayoutList *w;
    char month[MONTH_TEXT_BYTES];

    MAKE(c, &w, disbursement__payout_list__init);
    w->list_id = id_to_wire(c, list->id);
    w->programme_id = id_to_wire(c, list->programme);
    month_format(list->month, month);
    TRY(text_out(c, month, &w->month));
    w->version = (uint32_t) list->version;
    w->state = (Disbursement__PayoutList__State) list->state;
    w->lines = (uint32_t) list->lines;
    w->total = money_to_wire(c, list->total);
    w->pay_before = date_to_wire(c, list->pay_before);
    w->provisional = list->provisional;
    w->postponed = list->postponed;
    TRY(sum_out(c, list->sha256, sizeof list->sha256, &w->sha256));
    w->prepared_at = instant_or_null(c, list->prepared_at);
    w->prepared_by = id_to_wire(c, list->prepared_by);
    w->submitted_at = instant_or_null(c, list->submitted_at);
    w->submitted_by = id_to_wire(c, list->submitted_by);
    w->approved_at = instant_or_null(c, list->approved_at);
    w->approved_by = id_to_wire(c, list->approved_by);
    TRY(text_out(c, list->refusal, &w->refusal));
    if (list->refusal)
        w->shortfall = money_to_wire(c, list->shortfall);
    TRY(text_out(c, list->returned_why, &w->returned_why));
    if (list->is_signed)
        TRY(sum_out(c, list->signature, sizeof list->signature, &w->signature));
    TRY(text_out(c, list->key_id, &w->key_id));
    w->reviewed = (uint32_t) list->reviewed;
    w->ended = (uint32_t) list->ended;
    if (!w->list_id || !w->programme_id || !w->total || !w->pay_before || !w->prepared_at)
        return too_large(c);
    *out = w;
    return ERR_OK;
}

static err_t
payee_out(struct call *c, const struct payee *payee, char **name, char **card)
{
    char masked_name[MASK_NAME_BYTES], masked_card[MASK_CARD_BYTES];

    mask_name(MASK_T1, payee->holder, masked_name);
    mask_card(payee->card, masked_card);
    TRY(text_out(c, masked_name, name));
    return text_out(c, masked_card, card);
}

static err_t
line_health_out(struct call *c, const struct line *line, Disbursement__PayoutLine *w)
{
    if (!line->drg || !call_may_see(c, LABEL_HEALTH))
        return ERR_OK;
    call_saw(c, LABEL_HEALTH, line->person);
    TRY(text_out(c, line->drg, &w->drg));
    return text_out(c, line->drg_name, &w->drg_name);
}

static err_t
line_ids_out(struct call *c, const struct line *line, Disbursement__PayoutLine *w)
{
    w->line_id = id_to_wire(c, line->id);
    w->list_id = id_to_wire(c, line->list);
    w->programme_id = id_to_wire(c, line->programme);
    w->claim_id = id_to_wire(c, line->claim);
    w->person_id = id_to_wire(c, line->person);
    w->village_id = id_to_wire(c, line->village);
    w->coding_id = id_to_wire(c, line->coding);
    w->coder_id = id_to_wire(c, line->coder);
    w->reviewer_id = id_to_wire(c, line->reviewer);
    w->checked_by = id_to_wire(c, line->checked_by);
    w->batch_id = id_to_wire(c, line->batch);
    w->amount = money_to_wire(c, line->amount);
    return w->line_id && w->programme_id && w->amount ? ERR_OK : too_large(c);
}

static err_t
line_texts_out(struct call *c, const struct line *line, Disbursement__PayoutLine *w)
{
    TRY(text_out(c, line->number, &w->claim_number));
    TRY(text_out(c, line->return_reason, &w->return_reason));
    TRY(text_out(c, line->reference, &w->reference));
    TRY(text_out(c, line->receipt, &w->receipt));
    TRY(text_out(c, line->failure, &w->failure));
    return text_out(c, line->void_reason, &w->void_reason);
}

err_t
line_to_wire(struct call *c, const struct line *line, Disbursement__PayoutLine **out)
{
    Disbursement__PayoutLine *w;
    struct payee payee;

    MAKE(c, &w, disbursement__payout_line__init);
    TRY(line_ids_out(c, line, w));
    TRY(line_texts_out(c, line, w));
    TRY(line_health_out(c, line, w));
    w->kind = (Disbursement__PayoutLine__Kind) line->kind;
    w->state = (Disbursement__PayoutLine__State) line->state;
    w->route = (Contributions__RefundsOrdered__Refund__Route) line->route;
    w->attempt = (uint32_t) line->attempt;
    w->payee_changed = line->batched_rev != 0 && line->batched_rev != line->payee_rev;
    if (line->due.fen > 0)
        w->due = money_to_wire(c, line->due);
    if (line->is_decided)
        w->decided_on = date_to_wire(c, line->decided_on);
    if (line->is_paid)
        w->paid_on = date_to_wire(c, line->paid_on);
    if (line->basis_size > 0)
        TRY(sum_out(c, line->basis, line->basis_size, &w->basis_sha256));
    if (line->payee_sealed) {
        TRY(line_payee(c, line, &payee));
        TRY(payee_out(c, &payee, &w->payee, &w->card));
        TRY(text_out(c, payee.bank, &w->bank));
    }
    *out = w;
    return ERR_OK;
}

err_t
lines_to_wire(struct call *c, const struct line *lines, size_t count,
              Disbursement__PayoutLine ***out)
{
    *out = pointers(c, count + 1);
    if (!*out)
        return too_large(c);
    for (size_t i = 0; i < count; i++)
        TRY(line_to_wire(c, &lines[i], &(*out)[i]));
    return ERR_OK;
}

err_t
batch_to_wire(struct call *c, const struct batch *batch, Disbursement__BankBatch **out)
{
    Disbursement__BankBatch *w;

    MAKE(c, &w, disbursement__bank_batch__init);
    w->batch_id = id_to_wire(c, batch->id);
    TRY(text_out(c, batch->number, &w->number));
    w->programme_id = id_to_wire(c, batch->programme);
    w->kind = (Disbursement__BankBatch__Kind) batch->kind;
    w->state = (Disbursement__BankBatch__State) batch->state;
    TRY(text_out(c, batch->layout, &w->layout));
    w->layout_version = (uint32_t) batch->layout_version;
    w->lines = (uint32_t) batch->lines;
    w->total = money_to_wire(c, batch->total);
    TRY(text_out(c, batch->file_name, &w->file_name));
    TRY(sum_out(c, batch->sha256, sizeof batch->sha256, &w->sha256));
    w->made_at = instant_or_null(c, batch->made_at);
    w->made_by = id_to_wire(c, batch->made_by);
    w->sent_at = instant_or_null(c, batch->sent_at);
    w->sent_by = id_to_wire(c, batch->sent_by);
    w->paid = (uint32_t) batch->paid;
    w->failed = (uint32_t) batch->failed;
    w->unknown = (uint32_t) batch->unknown;
    w->contradicted = batch->contradicted;
    if (!w->batch_id || !w->programme_id || !w->total || !w->made_by)
        return too_large(c);
    *out = w;
    return ERR_OK;
}

err_t
item_to_wire(struct call *c, const struct item *item, Disbursement__BatchItem **out)
{
    Disbursement__BatchItem *w;

    MAKE(c, &w, disbursement__batch_item__init);
    w->sequence = (uint32_t) item->sequence;
    TRY(text_out(c, item->reference, &w->reference));
    w->line_id = id_to_wire(c, item->line);
    w->attempt = (uint32_t) item->attempt;
    w->amount = money_to_wire(c, item->amount);
    TRY(payee_out(c, &item->payee, &w->payee, &w->card));
    w->outcome = (Disbursement__BatchItem__Outcome) item->outcome;
    TRY(text_out(c, item->receipt, &w->receipt));
    TRY(text_out(c, item->failure, &w->failure));
    if (item->is_paid)
        w->paid_on = date_to_wire(c, item->paid_on);
    if (!w->line_id || !w->amount)
        return too_large(c);
    *out = w;
    return ERR_OK;
}

err_t
layout_to_wire(struct call *c, const struct layout_of *layout, Disbursement__BankLayout **out)
{
    Disbursement__BankLayout *w;

    MAKE(c, &w, disbursement__bank_layout__init);
    TRY(text_out(c, layout->name, &w->name));
    TRY(text_out(c, layout->text, &w->text));
    w->version = (uint32_t) layout->version;
    w->set_at = instant_or_null(c, layout->set_at);
    w->set_by = id_to_wire(c, layout->set_by);
    *out = w;
    return ERR_OK;
}

err_t
month_to_wire(struct call *c, const struct month_figures *month,
              Disbursement__GetPayoutFiguresReply__Month **out)
{
    const struct payout_list *list = &month->list;
    Disbursement__GetPayoutFiguresReply__Month *w;
    char text[MONTH_TEXT_BYTES];

    MAKE(c, &w, disbursement__get_payout_figures_reply__month__init);
    month_format(list->month, text);
    TRY(text_out(c, text, &w->month));
    w->programme_id = id_to_wire(c, list->programme);
    w->list_id = id_to_wire(c, list->id);
    w->state = (Disbursement__PayoutList__State) list->state;
    w->pay_before = date_to_wire(c, list->pay_before);
    w->days_left = days_between(date_of(c->now), list->pay_before);
    w->lines = (uint32_t) list->lines;
    w->paid = (uint32_t) month->paid;
    w->paid_in_time = (uint32_t) month->paid_in_time;
    w->failed = (uint32_t) month->failed;
    const int32_t waiting = list->lines - list->ended - month->failed;
    w->waiting = (uint32_t) (waiting > 0 ? waiting : 0);
    w->total = money_to_wire(c, list->total);
    w->paid_total = money_to_wire(c, month->paid_total);
    w->in_time_share = share_of(month->paid_in_time, list->lines);
    w->postponed = list->postponed;
    if (!w->programme_id || !w->list_id || !w->pay_before || !w->total || !w->paid_total)
        return too_large(c);
    *out = w;
    return ERR_OK;
}

err_t
token_to_wire(struct call *c, struct page page, size_t count, struct id last, char **out)
{
    char text[ID_TEXT_BYTES];

    if (count < (size_t) page.rows)
        return ERR_OK;
    id_format(last, text);
    return text_out(c, text, out);
}

/* --- events --- */

err_t
emit_list_prepared(struct call *c, const struct payout_list *list)
{
    Disbursement__ListPrepared event = DISBURSEMENT__LIST_PREPARED__INIT;
    char month[MONTH_TEXT_BYTES];

    month_format(list->month, month);
    event.list_id = id_to_wire(c, list->id);
    event.programme_id = id_to_wire(c, list->programme);
    event.month = month;
    event.lines = (uint32_t) list->lines;
    event.total = money_to_wire(c, list->total);
    event.pay_before = date_to_wire(c, list->pay_before);
    event.version = (uint32_t) list->version;
    event.sha256 = (ProtobufCBinaryData){ sizeof list->sha256, (uint8_t *) list->sha256 };
    return event_append(c, &event.base);
}

err_t
emit_list_approved(struct call *c, const struct payout_list *list, const struct line *lines,
                   size_t count)
{
    Disbursement__ListApproved event = DISBURSEMENT__LIST_APPROVED__INIT;

    event.lines = pointers(c, count + 1);
    if (!event.lines)
        return too_large(c);
    for (size_t i = 0; i < count; i++) {
        Disbursement__ListApproved__Line *w;
        if (lines[i].state == LINE_RETURNED)
            continue;
        MAKE(c, &w, disbursement__list_approved__line__init);
        w->line_id = id_to_wire(c, lines[i].id);
        w->claim_id = id_to_wire(c, lines[i].claim);
        w->person_id = id_to_wire(c, lines[i].person);
        w->village_id = id_to_wire(c, lines[i].village);
        w->amount = money_to_wire(c, lines[i].amount);
        if (!w->line_id || !w->claim_id || !w->amount)
            return too_large(c);
        event.lines[event.n_lines++] = w;
    }
    event.list_id = id_to_wire(c, list->id);
    event.programme_id = id_to_wire(c, list->programme);
    event.total = money_to_wire(c, list->total);
    event.by = id_to_wire(c, list->approved_by);
    return event_append(c, &event.base);
}

err_t
emit_line_returned(struct call *c, const struct line *line)
{
    Disbursement__LineReturned event = DISBURSEMENT__LINE_RETURNED__INIT;

    event.line_id = id_to_wire(c, line->id);
    event.claim_id = id_to_wire(c, line->claim);
    event.reason = (char *) line->return_reason;
    event.by = id_to_wire(c, c->account);
    return event_append(c, &event.base);
}

err_t
emit_batch_sent(struct call *c, const struct batch *batch)
{
    Disbursement__BatchSent event = DISBURSEMENT__BATCH_SENT__INIT;

    event.batch_id = id_to_wire(c, batch->id);
    event.programme_id = id_to_wire(c, batch->programme);
    event.lines = (uint32_t) batch->lines;
    event.total = money_to_wire(c, batch->total);
    event.sha256 = (ProtobufCBinaryData){ sizeof batch->sha256, (uint8_t *) batch->sha256 };
    event.by = id_to_wire(c, batch->sent_by);
    return event_append(c, &event.base);
}

static err_t
emit_refund_confirmed(struct call *c, const struct line *line)
{
    Disbursement__RefundConfirmed event = DISBURSEMENT__REFUND_CONFIRMED__INIT;

    event.refund_id = id_to_wire(c, line->id);
    event.programme_id = id_to_wire(c, line->programme);
    event.amount = money_to_wire(c, line->amount);
    event.on = date_to_wire(c, line->paid_on);
    event.cash = line->route == ROUTE_CASH;
    event.receipt = (char *) line->receipt;
    return event_append(c, &event.base);
}

err_t
emit_paid(struct call *c, const struct line *line)
{
    Disbursement__PayoutConfirmed event = DISBURSEMENT__PAYOUT_CONFIRMED__INIT;

    if (line->kind == LINE_REFUND)
        return emit_refund_confirmed(c, line);
    event.line_id = id_to_wire(c, line->id);
    event.claim_id = id_to_wire(c, line->claim);
    event.programme_id = id_to_wire(c, line->programme);
    event.person_id = id_to_wire(c, line->person);
    event.village_id = id_to_wire(c, line->village);
    event.amount = money_to_wire(c, line->amount);
    event.paid_on = date_to_wire(c, line->paid_on);
    event.bank_receipt = (char *) line->receipt;
    event.attempt = (uint32_t) line->attempt;
    event.list_id = id_to_wire(c, line->list);
    return event_append(c, &event.base);
}

/* Nobody but us follows a refund on its way. */
err_t
emit_payout_failed(struct call *c, const struct line *line)
{
    Disbursement__PayoutFailed event = DISBURSEMENT__PAYOUT_FAILED__INIT;

    if (line->kind == LINE_REFUND)
        return ERR_OK;
    event.line_id = id_to_wire(c, line->id);
    event.claim_id = id_to_wire(c, line->claim);
    event.programme_id = id_to_wire(c, line->programme);
    event.person_id = id_to_wire(c, line->person);
    event.village_id = id_to_wire(c, line->village);
    event.amount = money_to_wire(c, line->amount);
    event.reason = (char *) line->failure;
    event.attempt = (uint32_t) line->attempt;
    return event_append(c, &event.base);
}

err_t
emit_payout_voided(struct call *c, const struct line *line)
{
    Disbursement__PayoutVoided event = DISBURSEMENT__PAYOUT_VOIDED__INIT;

    event.line_id = id_to_wire(c, line->id);
    event.claim_id = id_to_wire(c, line->claim);
    event.programme_id = id_to_wire(c, line->programme);
    event.amount = money_to_wire(c, line->amount);
    event.reason = (char *) line->void_reason;
    return event_append(c, &event.base);
}
