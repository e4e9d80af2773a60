/* handlers_view.c - vouchers to print and keep (7.2.4 c), and the figures of the dashboard. */
#include <stdio.h>

#include "handlers.h"
#include "mask/mask.h"
#include "rules.h"
#include "steps.h"
#include "wire.h"

/* --- vouchers --- */

struct voucher {
    const struct line *line;
    const char *programme, *batch, *list;
    char name[MASK_NAME_BYTES], card[MASK_CARD_BYTES];
};

static char *
voucher_page(struct call *c, const struct voucher *v)
{
    char amount[MONEY_TEXT_BYTES], day[DATE_TEXT_BYTES], id[ID_TEXT_BYTES];
    const bool refund = v->line->kind == LINE_REFUND;
    const char *programme = call_html(c, v->programme), *name = call_html(c, v->name);
    const char *receipt = call_html(c, v->line->receipt);
    const char *number = call_html(c, v->line->number ? v->line->number : "-");

    money_format(v->line->amount, amount);
    date_format(v->line->paid_on, day);
    id_format(v->line->id, id);
    if (!programme || !name || !receipt || !number)
        return NULL;
    return arena_printf(
        c->arena,
        "<!doctype html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><title>%s %s</title>"
        "</head>\n<body><h1>%s</h1>\n<table>\n"
        "<tr><th scope=\"row\">互助计划 Programme</th><td>%s</td></tr>\n"
        "<tr><th scope=\"row\">申请编号 Claim</th><td>%s</td></tr>\n"
        "<tr><th scope=\"row\">收款人 Payee</th><td>%s</td></tr>\n"
        "<tr><th scope=\"row\">账号 Card</th><td>%s</td></tr>\n"
        "<tr><th scope=\"row\">金额 Amount</th><td>¥%s</td></tr>\n"
        "<tr><th scope=\"row\">到账日期 Paid on</th><td>%s</td></tr>\n"
        "<tr><th scope=\"row\">回单号 Receipt</th><td>%s</td></tr>\n"
        "<tr><th scope=\"row\">清单 List</th><td>%s</td></tr>\n"
        "<tr><th scope=\"row\">批次 Batch</th><td>%s</td></tr>\n"
        "<tr><th scope=\"row\">凭证号 Voucher</th><td>%s</td></tr>\n"
        "<tr><th scope=\"row\">依据 Basis</th><td>%s</td></tr>\n"
        "</table></body></html>\n",
        refund ? "退款凭证" : "补助发放凭证", number,
        refund ? "退款凭证 Refund voucher" : "补助发放凭证 Payout voucher", programme, number, name,
        v->card, amount, day, receipt, v->list, v->batch, id,
        refund ? "7.3.1 b（原路退还）" : "7.2.4 c；003-20");
}

static err_t
voucher_fill(struct call *c, const struct line *line, struct voucher *v)
{
    struct payee payee = { "", "", "" };
    struct payout_list list;
    struct batch batch;
    char month[MONTH_TEXT_BYTES];

    *v = (struct voucher){ .line = line, .batch = "-", .list = "-" };
    if (line->payee_sealed)
        TRY(line_payee(c, line, &payee));
    mask_name(MASK_T1, payee.holder, v->name);
    mask_card(payee.card, v->card);
    if (!id_is_nil(line->batch)) {
        TRY(batch_get(c, line->batch, &batch));
        v->batch = batch.number;
    }
    if (!id_is_nil(line->list)) {
        TRY(list_get(c, line->list, &list));
        month_format(list.month, month);
        v->list = arena_printf(c->arena, "%s / %d", month, list.version);
    }
    return v->list ? ERR_OK : too_large(c);
}

err_t
disbursement_get_voucher(struct call *c, const Disbursement__GetVoucherRequest *in,
                         Disbursement__GetVoucherReply *out)
{
    struct programme programme;
    struct voucher voucher;
    struct line line;
    struct id id;

    TRY(id_from_wire(in->line_id, "$.lineId", &id, &c->err));
    TRY(line_get(c, id, &line));
    const bool own = !id_is_nil(c->person) && id_cmp(line.person, c->person) == 0;
    if (!own && !covers_village(c, line.village))
        return err_set(&c->err, ERR_NOT_FOUND, LINE_NONE, "no such line");
    if (line.state != LINE_PAID)
        return err_set(&c->err, ERR_CONFLICT, LINE_UNPAID, "only a paid line has a voucher");
    call_saw(c, LABEL_IDENTITY | LABEL_MONEY, line.person);

    TRY(programme_get(c, line.programme, &programme));
    TRY(voucher_fill(c, &line, &voucher));
    voucher.programme = programme.name;
    char *page = voucher_page(c, &voucher);
    /* Without a name it is a page, to be printed. */
    out->content_type = call_text(c, "text/html; charset=utf-8");
    if (!page || !out->content_type)
        return too_large(c);
    out->body = (ProtobufCBinaryData){ strlen(page), (uint8_t *) page };
    return ERR_OK;
}

/* --- figures --- */

err_t
disbursement_get_payout_figures(struct call *c, const Disbursement__GetPayoutFiguresRequest *in,
                                Disbursement__GetPayoutFiguresReply *out)
{
    struct list_filter filter = { .has_month = in->month[0] != '\0' };
    struct month_figures *months;
    int64_t contradicted, lines = 0, in_time = 0;
    size_t count;

    TRY(id_or_nil(in->programme_id, "$.programmeId", &filter.programme, &c->err));
    if (filter.has_month)
        TRY(month_parse(in->month, &filter.month, &c->err));
    TRY(month_figures(c, &filter, &months, &count));
    TRY(batches_contradicted(c, filter.programme, &contradicted));
    out->months = pointers(c, count + 1);
    if (!out->months)
        return too_large(c);
    for (; out->n_months < count; out->n_months++) {
        TRY(month_to_wire(c, &months[out->n_months], &out->months[out->n_months]));
        lines += months[out->n_months].list.lines;
        in_time += months[out->n_months].paid_in_time;
    }
    out->lines = (uint32_t) lines;
    out->paid_in_time = (uint32_t) in_time;
    out->in_time_share = share_of(in_time, lines);
    out->contradicted = (uint32_t) contradicted;
    return ERR_OK;
}
