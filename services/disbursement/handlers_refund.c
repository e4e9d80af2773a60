/* handlers_refund.c - refunds that no bank file carries: in cash, and to those who gave (7.3.1 b).
 */
#include <stdlib.h>

#include "handlers.h"
#include "rules.h"
#include "steps.h"
#include "wire.h"

err_t
disbursement_list_refunds(struct call *c, const Disbursement__ListRefundsRequest *in,
                          Disbursement__ListRefundsReply *out)
{
    struct line_filter filter = { .state = (enum line_state) in->state,
                                  .route = (enum refund_route) in->route };
    struct line *lines;
    struct page page;
    size_t count;

    TRY(page_from_wire(in->page_size, in->page_token, &page, &c->err));
    TRY(id_or_nil(in->programme_id, "$.programmeId", &filter.programme, &c->err));
    TRY(id_or_nil(in->village_id, "$.villageId", &filter.village, &c->err));
    if (!c->whole_tenant) {
        filter.villages = ids_text(c, c->organisations, c->organisation_count);
        if (!filter.villages)
            return c->err.code;
    }
    TRY(refund_page(c, &filter, page, &lines, &count));
    TRY(lines_to_wire(c, lines, count, &out->refunds));
    out->n_refunds = count;
    return token_to_wire(c, page, count, count ? lines[count - 1].id : (struct id){ { 0 } },
                         &out->next_page_token);
}

/* The refund, locked: one that the caller may see, and of this route. */
static err_t
refund_lock(struct call *c, struct id id, enum refund_route route, struct line *line)
{
    TRY(line_lock(c, id, line));
    if (line->kind != LINE_REFUND || !covers_village(c, line->village))
        return err_set(&c->err, ERR_NOT_FOUND, REFUND_NONE, "no such refund");
    if (line->route != route)
        return err_set(&c->err, ERR_REFUSED, REFUND_ROUTE,
                       "a refund goes back by its original route");
    return ERR_OK;
}

static err_t
refund_confirm(struct call *c, struct line *line, const char *receipt, date_t on)
{
    TRY(line_move(line, LINE_ON_CONFIRM, &c->err));
    line->is_paid = true;
    line->paid_on = on;
    line->receipt = receipt;
    TRY(line_update(c, line));
    TRY(survives(c, "refund.confirmed"));
    return emit_paid(c, line);
}

struct cash {
    struct id refund, upload;
};

static int
by_refund(const void *a, const void *b)
{
    return id_cmp(((const struct cash *) a)->refund, ((const struct cash *) b)->refund);
}

/* Sorted, so that two bulk confirmations lock in one order. */
static err_t
cash_from_wire(struct call *c, const Disbursement__ConfirmCashRefundsRequest *in,
               struct cash **cash)
{
    const size_t count = in->n_receipts;

    if (count < 1 || count > REFUNDS_AT_ONCE_MAX)
        return err_at(&c->err, ERR_INVALID, "$.receipts", REFUND_COUNT, "1 to %d refunds at once",
                      REFUNDS_AT_ONCE_MAX);
    *cash = arena_alloc(c->arena, count * sizeof **cash);
    if (!*cash)
        return too_large(c);
    for (size_t i = 0; i < count; i++) {
        TRY(id_from_wire(in->receipts[i]->refund_id, "$.receipts.refundId", &(*cash)[i].refund,
                         &c->err));
        TRY(id_from_wire(in->receipts[i]->upload_id, "$.receipts.uploadId", &(*cash)[i].upload,
                         &c->err));
    }
    qsort(*cash, count, sizeof **cash, by_refund);
    for (size_t i = 1; i < count; i++)
        if (id_cmp((*cash)[i - 1].refund, (*cash)[i].refund) == 0)
            return err_at(&c->err, ERR_INVALID, "$.receipts", REFUND_TWICE,
                          "a refund is named twice");
    return ERR_OK;
}

err_t
disbursement_confirm_cash_refunds(struct call *c, const Disbursement__ConfirmCashRefundsRequest *in,
                                  Disbursement__ConfirmCashRefundsReply *out)
{
    struct cash *cash = NULL;

    TRY(cash_from_wire(c, in, &cash));
    for (size_t i = 0; i < in->n_receipts; i++) {
        char *receipt = arena_alloc(c->arena, ID_TEXT_BYTES);
        struct line line;
        if (!receipt)
            return too_large(c);
        id_format(cash[i].upload, receipt);
        TRY(refund_lock(c, cash[i].refund, ROUTE_CASH, &line));
        TRY(refund_confirm(c, &line, receipt, date_of(c->now)));
    }
    out->confirmed = (uint32_t) in->n_receipts;
    return ERR_OK;
}

err_t
disbursement_confirm_source_refund(struct call *c,
                                   const Disbursement__ConfirmSourceRefundRequest *in,
                                   Disbursement__ConfirmSourceRefundReply *out)
{
    struct line line;
    struct id id;

    TRY(id_from_wire(in->refund_id, "$.refundId", &id, &c->err));
    if (!receipt_is_sound(in->bank_receipt))
        return err_at(&c->err, ERR_INVALID, "$.bankReceipt", REFUND_RECEIPT,
                      "a receipt has 1 to %d visible characters", RECEIPT_BYTES_MAX);
    if (!in->paid_on || in->paid_on->days > date_of(c->now).days)
        return err_at(&c->err, ERR_INVALID, "$.paidOn", REFUND_DATE,
                      "the day of payment is missing or lies ahead");
    TRY(refund_lock(c, id, ROUTE_SOURCE, &line));
    TRY(refund_confirm(c, &line, in->bank_receipt, (date_t){ in->paid_on->days }));
    return line_to_wire(c, &line, &out->refund);
}
