/* handlers_ledger.c - sources, fees, interest; the books as they are read and exported. */
#include <stdio.h>
#include <string.h>

#include "common_steps.h"
#include "csv/csv.h"
#include "handlers.h"
#include "wire.h"

#define RUNNING (IN_STATE(OPEN) | IN_STATE(IN_FORCE) | IN_STATE(SETTLING))

static err_t
day_is_past(struct call *c, const Huzhu__Date *in, const char *path, date_t *on)
{
    TRY(rule_day(in, path, on, &c->err));
    if (on->days > date_of(c->now).days)
        return err_at(&c->err, ERR_INVALID, path, DATE_AHEAD, "the day lies ahead");
    return ERR_OK;
}

/* --- sources --- */

static err_t
funds_keep(struct call *c, const struct programme_row *row, Contributions__Funds *f)
{
    char text[INVOICE_BYTES];
    int64_t sequence;

    f->programme_id = row->is->programme_id;
    f->invoice = (char *) protobuf_c_empty_string;
    if (!put_id(c, c->account, &f->recorded_by) || !put_at(c, c->now, &f->recorded_at))
        return no_memory(c);
    if (f->kind == SOURCE(DONATION)) { /* 003-23: a donor has the invoice's number the same day */
        invoice_number(date_of(c->now), 0, text);
        text[strcspn(text, "-") + 1] = '\0';
        TRY(invoice_next(c, text, &sequence));
        invoice_number(date_of(c->now), sequence, text);
        if (!put_text(c, text, &f->invoice))
            return no_memory(c);
    }
    const struct transfer transfer = { .id = id_mint(c->now),
                                       .subject = id_of(f->funds_id),
                                       .state = TRANSFER_POSTED,
                                       .why = "grant",
                                       .debit = "bank",
                                       .credit = income_account((int) f->kind),
                                       .amount = { fen_of(f->amount) },
                                       .on = day_of(f->on),
                                       .people = f->people,
                                       .source = (int) f->kind };
    TRY(funds_insert(c, f));
    return ledger_post(c, row->id, &transfer, 1);
}

static err_t
giver_is_sound(struct call *c, int kind, const char *giver, const Huzhu__Id *upload)
{
    struct id voucher;

    if (!source_is_given(kind))
        return err_at(&c->err, ERR_INVALID, "$.funds.kind", FUNDS_KIND, "no source that gives");
    TRY(rule_text(giver, 100, "$.funds.giver", FUNDS_GIVER, &c->err));
    if (!upload || upload->value.len == 0)
        return err_at(&c->err, ERR_INVALID, "$.funds.uploadId", FUNDS_VOUCHER,
                      "the voucher is missing");
    return id_from_wire(upload, "$.funds.uploadId", &voucher, &c->err);
}

err_t
contributions_record_funds(struct call *c, const Contributions__RecordFundsRequest *in,
                           Contributions__RecordFundsReply *out)
{
    Contributions__Funds *f = in->funds;
    struct programme_row row;
    money_t amount;
    struct id id;
    date_t on;

    if (!f)
        return err_at(&c->err, ERR_INVALID, "$.funds", TEXT_MISSING, "the funds are missing");
    TRY(id_from_wire(f->funds_id, "$.funds.fundsId", &id, &c->err));
    TRY(giver_is_sound(c, (int) f->kind, f->giver, f->upload_id));
    TRY(rule_amount(f->amount, "$.funds.amount", &amount, &c->err));
    TRY(day_is_past(c, f->on, "$.funds.on", &on));
    TRY(programme_enter(c, in->programme_id, GUARD_SHARED, &row));
    TRY(programme_is(c, row.is, RUNNING));
    f->per_head = NULL; /* that is GrantPerHead's */
    f->people = 0;
    TRY(funds_keep(c, &row, f));
    out->funds = f;
    return ERR_OK;
}

err_t
contributions_grant_per_head(struct call *c, const Contributions__GrantPerHeadRequest *in,
                             Contributions__GrantPerHeadReply *out)
{
    struct programme_row row;
    struct measured measured;
    money_t per_head;
    struct id id;
    date_t on;

    TRY(id_from_wire(in->funds_id, "$.fundsId", &id, &c->err));
    TRY(giver_is_sound(c, (int) in->kind, in->giver, in->upload_id));
    TRY(rule_amount(in->per_head, "$.perHead", &per_head, &c->err));
    if (per_head.fen > yuan(100000).fen)
        return err_at(&c->err, ERR_INVALID, "$.perHead", MONEY_AMOUNT, "too much for a head");
    TRY(day_is_past(c, in->on, "$.on", &on));
    TRY(programme_enter(c, in->programme_id, GUARD_SHARED, &row));
    TRY(programme_is(c, row.is, IN_STATE(IN_FORCE) | IN_STATE(SETTLING)));
    TRY(measurement_get(c, row.id, &measured));
    if (!measured.found || measured.people == 0)
        return err_set(&c->err, ERR_REFUSED, GRANT_COUNT, "nobody has been counted");
    MAKE(c, Contributions__Funds, contributions__funds__init, f);
    f->funds_id = in->funds_id;
    f->kind = in->kind;
    f->giver = in->giver;
    f->per_head = in->per_head;
    f->people = (uint32_t) measured.people;
    f->on = in->on;
    f->upload_id = in->upload_id;
    if (!put_money(c, per_head.fen * measured.people, &f->amount))
        return no_memory(c);
    TRY(funds_keep(c, &row, f));
    out->funds = f;
    return ERR_OK;
}

err_t
contributions_list_funds(struct call *c, const Contributions__ListFundsRequest *in,
                         Contributions__ListFundsReply *out)
{
    struct programme_row row;
    struct page page;
    size_t count;
    money_t sum;

    TRY(page_from_wire(in->page_size, in->page_token, &page, &c->err));
    TRY(programme_enter(c, in->programme_id, GUARD_NONE, &row));
    TRY(funds_list(c, row.id, page, &out->funds, &count));
    if (count > 0)
        TRY(page_to_wire(c, page, id_of(out->funds[count > 1 ? count - 2 : 0]->funds_id), &count,
                         &out->next_page_token));
    out->n_funds = count;
    TRY(funds_sum(c, row.id, &sum));
    return put_money(c, sum.fen, &out->total) ? ERR_OK : no_memory(c);
}

/* --- what it costs --- */

err_t
contributions_record_agreement(struct call *c, const Contributions__RecordAgreementRequest *in,
                               Contributions__RecordAgreementReply *out)
{
    Contributions__Agreement *a = in->agreement;
    struct programme_row row;
    struct id id, upload;
    date_t from, until;
    money_t fee;

    if (!a)
        return err_at(&c->err, ERR_INVALID, "$.agreement", TEXT_MISSING, "an agreement is missing");
    TRY(id_from_wire(a->agreement_id, "$.agreement.agreementId", &id, &c->err));
    TRY(id_from_wire(a->upload_id, "$.agreement.uploadId", &upload, &c->err));
    TRY(rule_text(a->provider, 100, "$.agreement.provider", AGREEMENT_PROVIDER, &c->err));
    TRY(rule_amount(a->fee, "$.agreement.fee", &fee, &c->err));
    TRY(rule_day(a->from, "$.agreement.from", &from, &c->err));
    TRY(rule_day(a->until, "$.agreement.until", &until, &c->err));
    if (from.days > until.days)
        return err_at(&c->err, ERR_INVALID, "$.agreement.until", DATE_BOUNDS,
                      "it ends before it begins");
    TRY(programme_enter(c, in->programme_id, GUARD_SHARED, &row));
    TRY(programme_is(c, row.is, RUNNING | IN_STATE(DRAFT) | IN_STATE(SUBMITTED)));
    a->programme_id = row.is->programme_id;
    TRY(agreement_insert(c, a));
    TRY(emit_agreement(c, a));
    out->agreement = a;
    return ERR_OK;
}

/* One transfer of its own id, and what is left. */
static err_t
spend(struct call *c, const struct programme_row *row, const struct transfer *transfer,
      Contributions__FundPosted__Transfer **out, Huzhu__Money **left)
{
    money_t balance, available;

    TRY(ledger_post(c, row->id, transfer, 1));
    TRY(transfer_to_wire(c, transfer, out));
    TRY(fund_balance(c, row->id, &balance, &available));
    return put_money(c, balance.fen, left) ? ERR_OK : no_memory(c);
}

err_t
contributions_record_fee(struct call *c, const Contributions__RecordFeeRequest *in,
                         Contributions__RecordFeeReply *out)
{
    struct transfer transfer = { .state = TRANSFER_POSTED,
                                 .why = "service_fee",
                                 .debit = "expense.service_fee",
                                 .credit = "bank" };
    Contributions__Agreement *agreement;
    struct programme_row row;
    struct fee fee = { .paid_before = { 0 } };
    struct id id;
    money_t personal;

    TRY(id_from_wire(in->transfer_id, "$.transferId", &transfer.id, &c->err));
    TRY(id_from_wire(in->agreement_id, "$.agreementId", &id, &c->err));
    TRY(rule_amount(in->amount, "$.amount", &fee.amount, &c->err));
    TRY(day_is_past(c, in->on, "$.on", &fee.on));
    TRY(programme_enter(c, in->programme_id, GUARD_ALONE, &row));
    TRY(programme_is(c, row.is, IN_STATE(IN_FORCE) | IN_STATE(SETTLING)));
    TRY(agreement_get(c, row.id, id, &agreement));
    TRY(paid_of_why(c, row.id, "service_fee", &fee.paid_before));
    TRY(funds_sum(c, row.id, &fee.raised));
    TRY(paid_of_why(c, row.id, "payment.personal", &personal));
    fee.raised = money_add(fee.raised, personal);
    TRY(rule_fee(row.is, agreement, &fee, &c->err));
    transfer.subject = transfer.id;
    transfer.amount = fee.amount;
    transfer.on = fee.on;
    return spend(c, &row, &transfer, &out->transfer, &out->balance);
}

err_t
contributions_record_bank_fee(struct call *c, const Contributions__RecordBankFeeRequest *in,
                              Contributions__RecordBankFeeReply *out)
{
    const bool audit = in->use == CONTRIBUTIONS__PROGRAMME__USE__AUDIT_COST;
    struct transfer transfer = { .state = TRANSFER_POSTED,
                                 .why = audit ? "audit_cost" : "bank_fee",
                                 .debit = audit ? "expense.audit_cost" : "expense.bank_fee",
                                 .credit = "bank" };
    struct programme_row row;

    if (!audit && in->use != CONTRIBUTIONS__PROGRAMME__USE__BANK_FEE)
        return err_at(&c->err, ERR_INVALID, "$.use", USE_OTHER, "a bank's fee, or an audit's cost");
    TRY(id_from_wire(in->transfer_id, "$.transferId", &transfer.id, &c->err));
    TRY(rule_amount(in->amount, "$.amount", &transfer.amount, &c->err));
    TRY(day_is_past(c, in->on, "$.on", &transfer.on));
    TRY(programme_enter(c, in->programme_id, GUARD_SHARED, &row));
    TRY(programme_is(c, row.is, RUNNING));
    if (!programme_may_use(row.is, (int) in->use))
        return err_at(&c->err, ERR_REFUSED, "$.use", USE_OTHER,
                      "the programme does not allow this use of the fund");
    transfer.subject = transfer.id;
    return spend(c, &row, &transfer, &out->transfer, &out->balance);
}

err_t
contributions_record_interest(struct call *c, const Contributions__RecordInterestRequest *in,
                              Contributions__RecordInterestReply *out)
{
    struct transfer transfer = { .state = TRANSFER_POSTED,
                                 .why = "interest",
                                 .debit = "bank",
                                 .credit = income_account(SOURCE(INTEREST)),
                                 .source = SOURCE(INTEREST) };
    struct programme_row row;

    TRY(id_from_wire(in->transfer_id, "$.transferId", &transfer.id, &c->err));
    TRY(rule_amount(in->amount, "$.amount", &transfer.amount, &c->err));
    TRY(day_is_past(c, in->on, "$.on", &transfer.on));
    TRY(programme_enter(c, in->programme_id, GUARD_SHARED, &row));
    TRY(programme_is(c, row.is, RUNNING));
    transfer.subject = transfer.id;
    return spend(c, &row, &transfer, &out->transfer, &out->balance);
}

/* --- the books --- */

err_t
trial_balance_make(struct call *c, struct id programme, Contributions__TrialBalance **out)
{
    MAKE(c, Contributions__TrialBalance, contributions__trial_balance__init, t);
    int64_t debit = 0, credit = 0;
    money_t balance, available;
    struct balance *list;
    size_t count;

    TRY(balance_list(c, programme, &list, &count));
    LIST(c, count, &t->accounts);
    for (size_t i = 0; i < count; i++) {
        MAKE(c, Contributions__TrialBalance__Account, contributions__trial_balance__account__init,
             one);
        debit += list[i].debit.fen;
        credit += list[i].credit.fen;
        if (!put_text(c, list[i].code, &one->code) ||
            !put_text(c, account_name(list[i].code), &one->name) ||
            !put_money(c, list[i].debit.fen, &one->debit) ||
            !put_money(c, list[i].credit.fen, &one->credit) ||
            !put_money(c, list[i].debit_pending.fen, &one->debit_pending) ||
            !put_money(c, list[i].credit_pending.fen, &one->credit_pending))
            return no_memory(c);
        t->accounts[t->n_accounts++] = one;
    }
    TRY(fund_balance(c, programme, &balance, &available));
    if (!put_id(c, programme, &t->programme_id) || !put_money(c, debit, &t->debit) ||
        !put_money(c, credit, &t->credit) || !put_money(c, debit - credit, &t->difference) ||
        !put_money(c, balance.fen, &t->balance) || !put_money(c, available.fen, &t->available))
        return no_memory(c);
    *out = t;
    return ERR_OK;
}

err_t
contributions_get_trial_balance(struct call *c, const Contributions__GetTrialBalanceRequest *in,
                                Contributions__GetTrialBalanceReply *out)
{
    struct programme_row row;

    TRY(programme_enter(c, in->programme_id, GUARD_NONE, &row));
    return trial_balance_make(c, row.id, &out->trial_balance);
}

/* A page's token is the number of its last transfer. */
static err_t
after_from_wire(struct call *c, const char *token, int64_t *after)
{
    *after = 0;
    for (const char *p = token; *p; p++) {
        if (*p < '0' || *p > '9' || p - token > 17)
            return err_at(&c->err, ERR_INVALID, "$.pageToken", PAGE_TOKEN,
                          "the page token is not one of this list");
        *after = *after * 10 + (*p - '0');
    }
    return ERR_OK;
}

err_t
contributions_list_transfers(struct call *c, const Contributions__ListTransfersRequest *in,
                             Contributions__ListTransfersReply *out)
{
    struct transfer_filter filter = { .account = in->account };
    struct programme_row row;
    struct transfer *list;
    struct page page;
    int64_t last = 0;
    size_t count;

    TRY(page_from_wire(in->page_size, "", &page, &c->err));
    TRY(after_from_wire(c, in->page_token, &filter.after));
    TRY(optional_id_from_wire(in->subject_id, "$.subjectId", &filter.subject, &c->err));
    if (in->account[0] && !account_name(in->account))
        return err_at(&c->err, ERR_INVALID, "$.account", LEDGER_ACCOUNT, "no such account");
    TRY(programme_enter(c, in->programme_id, GUARD_NONE, &row));
    if (!call_has(c, OFFICE | ROLE_AUDITOR))
        return err_set(&c->err, ERR_FORBIDDEN, SCOPE_VILLAGE, "the books are the town's");
    TRY(caller_covers(c, (struct id){ { 0 } }));
    filter.programme = row.id;
    filter.rows = page.rows;
    TRY(transfer_list(c, &filter, &list, &last, &count));
    if ((int64_t) count == page.rows) {
        count--;
        out->next_page_token = arena_printf(c->arena, "%lld", (long long) last);
        if (!out->next_page_token)
            return no_memory(c);
    }
    LIST(c, count, &out->transfers);
    for (; out->n_transfers < count; out->n_transfers++)
        TRY(transfer_to_wire(c, &list[out->n_transfers], &out->transfers[out->n_transfers]));
    return ERR_OK;
}

struct sums {
    int64_t raised, carried_in, interest, personal, refunded;
};

static err_t
source_lines(struct call *c, const struct balance *list, size_t count,
             Contributions__GetFundStatementReply *out, struct sums *sums)
{
    LIST(c, count, &out->sources);
    for (size_t i = 0; i < count; i++) {
        int kind = 1;
        while (kind <= SOURCE(TWINNED_HELP) && strcmp(income_account(kind), list[i].code) != 0)
            kind++;
        if (kind > SOURCE(TWINNED_HELP))
            continue;
        MAKE(c, Contributions__GetFundStatementReply__Line,
             contributions__get_fund_statement_reply__line__init, one);
        const int64_t net = list[i].credit.fen - list[i].debit.fen;
        one->source = (Contributions__Source__Kind) kind;
        if (!put_money(c, list[i].credit.fen, &one->received) ||
            !put_money(c, list[i].debit.fen, &one->refunded))
            return no_memory(c);
        if (kind == SOURCE(INTEREST))
            sums->interest = net;
        else if (kind == SOURCE(CARRY_OVER))
            sums->carried_in = net;
        else
            sums->raised += net;
        if (kind == SOURCE(PERSONAL))
            sums->personal = net;
        out->sources[out->n_sources++] = one;
    }
    return ERR_OK;
}

static int64_t
net_of(const struct balance *list, size_t count, const char *code)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].code, code) == 0)
            return list[i].debit.fen - list[i].credit.fen;
    return 0;
}

static uint32_t
share(int64_t part, int64_t whole)
{
    return figure_share((struct figure){ part, whole });
}

err_t
contributions_get_fund_statement(struct call *c, const Contributions__GetFundStatementRequest *in,
                                 Contributions__GetFundStatementReply *out)
{
    struct sums sums = { .raised = 0 };
    struct programme_row row;
    struct measured measured;
    struct balance *list;
    money_t balance, available;
    size_t count;

    TRY(programme_enter(c, in->programme_id, GUARD_NONE, &row));
    TRY(balance_list(c, row.id, &list, &count));
    TRY(source_lines(c, list, count, out, &sums));
    TRY(fund_balance(c, row.id, &balance, &available));
    TRY(measurement_get(c, row.id, &measured));
    const Contributions__Programme__Share *personal = share_of(row.is, SOURCE(PERSONAL));
    const int64_t in_bank = net_of(list, count, "bank");
    out->programme_id = row.is->programme_id;
    out->people = (uint32_t) measured.people;
    out->personal_share =
        share(personal ? fen_of(personal->per_head) : 0, fen_of(row.is->standard));
    out->personally_paid = share(sums.personal, sums.raised);
    if (!put_money(c, sums.raised, &out->raised) ||
        !put_money(c, sums.carried_in, &out->carried_in) ||
        !put_money(c, sums.interest, &out->interest) ||
        !put_money(c, net_of(list, count, "expense.subsidy"), &out->subsidies) ||
        !put_money(c, net_of(list, count, "expense.service_fee"), &out->service_fee) ||
        !put_money(
            c, net_of(list, count, "expense.bank_fee") + net_of(list, count, "expense.audit_cost"),
            &out->other_costs) ||
        !put_money(c, net_of(list, count, "fund.carried_over"), &out->carried_out) ||
        !put_money(c, balance.fen, &out->balance) ||
        !put_money(c, in_bank - available.fen, &out->set_aside))
        return no_memory(c);
    return ERR_OK;
}

/* --- export --- */

enum { EXPORT_BYTES_MAX = 7 * 1024 * 1024, EXPORT_PAGE_ROWS = 1000 };

static void
write_transfer(struct csv_writer *csv, const struct transfer *t)
{
    static const char *const states[] = { "PENDING", "POSTED", "VOIDED" };
    char id[ID_TEXT_BYTES], day[DATE_TEXT_BYTES], amount[MONEY_TEXT_BYTES];

    id_format(t->id, id);
    date_format(t->on, day);
    money_format(t->amount, amount);
    csv_write_field(csv, id);
    csv_write_field(csv, day);
    csv_write_field(csv, states[t->state]);
    csv_write_field(csv, t->why);
    csv_write_field(csv, t->debit);
    csv_write_field(csv, account_name(t->debit));
    csv_write_field(csv, t->credit);
    csv_write_field(csv, account_name(t->credit));
    csv_write_number(csv, amount);
    id_format(t->subject, id);
    csv_write_field(csv, id);
    csv_write_row_end(csv);
}

err_t
contributions_export_ledger(struct call *c, const Contributions__ExportLedgerRequest *in,
                            Contributions__ExportLedgerReply *out)
{
    static const char *const heads[] = { "凭证",     "日期", "状态",     "事由", "借方",
                                         "借方科目", "贷方", "贷方科目", "金额", "业务" };
    OWNED(csv_writer_destroy) struct csv_writer *csv = csv_writer_create(EXPORT_BYTES_MAX, true);
    struct transfer_filter filter = { .account = "", .rows = EXPORT_PAGE_ROWS };
    struct programme_row row;
    size_t count, size = 0;

    if (!csv)
        return no_memory(c);
    TRY(programme_enter(c, in->programme_id, GUARD_NONE, &row));
    TRY(caller_covers(c, (struct id){ { 0 } }));
    filter.programme = row.id;
    for (size_t i = 0; i < COUNT(heads); i++)
        csv_write_field(csv, heads[i]);
    csv_write_row_end(csv);
    do {
        const struct arena_mark mark = arena_mark(c->arena);
        struct transfer *list;
        int64_t last = filter.after;
        TRY(transfer_list(c, &filter, &list, &last, &count));
        const bool more = count == EXPORT_PAGE_ROWS;
        for (size_t i = 0; i < count - more; i++)
            write_transfer(csv, &list[i]);
        filter.after = last;
        arena_rewind(c->arena, mark);
    } while (count == EXPORT_PAGE_ROWS);
    const char *text = csv_writer_text(csv, &size);
    if (!text)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the ledger is too long for a file");
    out->content_type = (char *) "text/csv; charset=utf-8";
    out->file_name = (char *) "ledger.csv";
    out->body = (ProtobufCBinaryData){ size, arena_copy(c->arena, text, size) };
    return out->body.data ? ERR_OK : no_memory(c);
}
