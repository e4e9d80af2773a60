/* handlers_statement.c - bank statements in, receipts out.
 *
 * A statement is checked whole before anything is taken.  Its own time decides the window (7.2.1
 * d), so that a payment made in time and told late is taken.  The bank's serial number makes a line
 * the same line again: a statement that is sent twice changes nothing. */
#include <stdio.h>
#include <string.h>

#include "common_steps.h"
#include "crypto/crypto.h"
#include "csv/csv.h"
#include "handlers.h"
#include "mask/mask.h"
#include "store_batch.h"
#include "wire.h"

enum { STATEMENT_ROWS_MAX = 2000, REFERENCE_DIGITS = 11, SERIAL_BYTES_MAX = 64 };

enum { SERIAL, TIME, AMOUNT, REFERENCE, ACCOUNT, HOLDER, BANK, COLUMNS };
static const struct csv_column columns[COLUMNS] = {
    [SERIAL] = { "流水号|交易流水号|serial", false },
    [TIME] = { "交易时间|time", false },
    [AMOUNT] = { "金额|交易金额|amount", false },
    [REFERENCE] = { "附言|摘要|备注|reference", false },
    [ACCOUNT] = { "付款账号|对方账号|account", true },
    [HOLDER] = { "付款户名|对方户名|holder", true },
    [BANK] = { "开户行|对方开户行|bank", true },
};

struct line {
    size_t row;
    const char *serial, *account; /* account: "holder\naccount\nbank" */
    char reference[REFERENCE_DIGITS + 1];
    struct paying paying;
    bool known;
};

struct reading {
    struct call *c;
    const programme_t *programme;
    struct line *lines;
    size_t count;
    Contributions__ImportStatementReply *out;
    bool no_memory;
};

static bool
complain(struct reading *r, size_t row, const char *column, const char *reason, const char *text)
{
    Contributions__ImportStatementReply__Bad *bad = arena_alloc(r->c->arena, sizeof *bad);

    if (!bad) {
        r->no_memory = true;
        return false;
    }
    contributions__import_statement_reply__bad__init(bad);
    bad->row = (uint32_t) row;
    if (!put_text(r->c, column, &bad->column) || !put_text(r->c, reason, &bad->reason) ||
        !put_text(r->c, text, &bad->text) ||
        !put_text(r->c, reason_chinese(reason), &bad->chinese)) {
        r->no_memory = true;
        return false;
    }
    r->out->bad[r->out->n_bad++] = bad;
    return true;
}

/* "2024-07-01 12:34:56" of Shanghai, or RFC 3339. */
static bool
time_read(const char *text, instant_t *at)
{
    char rfc[40];

    if (strlen(text) == 19 && text[10] == ' ') {
        (void) snprintf(rfc, sizeof rfc, "%.10sT%s+08:00", text, text + 11);
        return instant_parse(rfc, at);
    }
    return instant_parse(text, at);
}

/* The first run of eleven digits whose last two check the others (ISO 7064 MOD 97-10). */
static bool
reference_read(const char *text, char out[static REFERENCE_DIGITS + 1])
{
    for (const char *p = text; *p;) {
        const size_t digits = strspn(p, "0123456789");
        if (digits == REFERENCE_DIGITS) {
            int64_t number = 0;
            for (size_t i = 0; i < digits; i++)
                number = number * 10 + (p[i] - '0');
            if (number % 97 == 1) {
                memcpy(out, p, digits);
                out[digits] = '\0';
                return true;
            }
        }
        p += digits ? digits : 1;
    }
    return false;
}

static bool
line_read(void *context, const struct csv_record *record)
{
    struct reading *r = context;
    const char *const *f = record->fields;
    struct line *line = &r->lines[r->count];
    struct err err;

    *line = (struct line){ .row = record->row };
    if (rule_text(f[SERIAL], SERIAL_BYTES_MAX, "", "", &err) != ERR_OK)
        return complain(r, record->row, "serial", STATEMENT_SERIAL, "1 to 64 characters");
    if (!time_read(f[TIME], &line->paying.paid_at))
        return complain(r, record->row, "time", STATEMENT_TIME, "YYYY-MM-DD hh:mm:ss");
    if (!money_parse(f[AMOUNT], &line->paying.amount) || line->paying.amount.fen <= 0)
        return complain(r, record->row, "amount", MONEY_AMOUNT, "yuan with two decimals, above 0");
    if (!reference_read(f[REFERENCE], line->reference))
        return complain(r, record->row, "reference", STATEMENT_REFERENCE,
                        "no payment reference of eleven digits in it");
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->lines[i].serial, f[SERIAL]) == 0)
            return complain(r, record->row, "serial", STATEMENT_SERIAL, "it is there twice");
    line->serial = call_text(r->c, f[SERIAL]);
    line->account = arena_printf(r->c->arena, "%s\n%s\n%s", f[HOLDER], f[ACCOUNT], f[BANK]);
    r->no_memory = r->no_memory || !line->serial || !line->account;
    r->count++;
    return !r->no_memory;
}

static err_t
read_lines(struct call *c, const Contributions__ImportStatementRequest *in, struct reading *r)
{
    const struct csv_spec spec = { .columns = columns,
                                   .column_count = COLUMNS,
                                   .limits = { STATEMENT_BYTES_MAX, STATEMENT_ROWS_MAX, 512 },
                                   .each = line_read,
                                   .context = r };
    struct csv_result result;

    LIST(c, STATEMENT_ROWS_MAX, &r->lines);
    LIST(c, STATEMENT_ROWS_MAX, &r->out->bad);
    (void) csv_read(&spec, (const char *) in->body.data, in->body.len, &result);
    if (r->no_memory)
        return no_memory(c);
    if (result.fault != CSV_OK) /* a file that is no table: its first fault, and nothing else */
        return err_at(&c->err, ERR_INVALID, "$.body", STATEMENT_FORM, "row %zu, column %zu: %s",
                      result.row, result.column, csv_fault_en(result.fault));
    r->out->rows = (uint32_t) result.rows;
    return ERR_OK;
}

/* Which lines were taken before, and whose the others are. */
static err_t
match_lines(struct call *c, struct id programme, struct reading *r, struct taking *taking)
{
    const char **known, **references;
    struct id *ids;
    size_t known_count, count;
    struct batch serials, wanted;

    /* Arrays of texts: rows of the batch would be objects, so the texts are written by hand. */
    batch_begin(&serials, c);
    batch_begin(&wanted, c);
    for (size_t i = 0; i < r->count; i++) {
        batch_item(&serials, r->lines[i].serial);
        batch_item(&wanted, r->lines[i].reference);
    }
    const char *serials_json = batch_end(&serials), *wanted_json = batch_end(&wanted);
    if (!serials_json || !wanted_json)
        return c->err.code;
    TRY(payment_serials_known(c, programme, serials_json, &known, &known_count));
    TRY(house_ids_by_reference(c, programme, wanted_json, &references, &ids, &count));
    TRY(houses_get(c, programme, ids, count, &taking->houses, &taking->house_count));
    for (size_t i = 0; i < r->count; i++) {
        struct line *line = &r->lines[i];
        for (size_t k = 0; k < known_count; k++)
            line->known = line->known || strcmp(known[k], line->serial) == 0;
        for (size_t k = 0; k < count; k++)
            if (strcmp(references[k], line->reference) == 0) {
                line->paying.household = ids[k];
                line->paying.house = house_find(taking->houses, taking->house_count, ids[k]);
            }
    }
    return ERR_OK;
}

static err_t
seal_account(struct call *c, struct line *line)
{
    char id[ID_TEXT_BYTES], context[96];

    id_format(line->paying.payment, id);
    (void) snprintf(context, sizeof context, "contributions.payment/%s", id);
    return call_seal(c, context, line->account, strlen(line->account),
                     &line->paying.account_sealed);
}

/* Judges every line; *list has the good ones. */
static err_t
judge_lines(struct call *c, struct reading *r, struct paying *list, size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < r->count; i++) {
        struct line *line = &r->lines[i];
        money_t expected;
        if (line->known) {
            r->out->known++;
            continue;
        }
        line->paying.payment = id_mint(c->now);
        line->paying.serial = line->serial;
        const char *reason = payment_judge(c, r->programme, &line->paying, &expected);
        if (reason) {
            char text[96];
            (void) snprintf(text, sizeof text, "%lld fen came, %lld are owed",
                            (long long) line->paying.amount.fen, (long long) expected.fen);
            if (!complain(r, line->row,
                          strcmp(reason, PAYMENT_AMOUNT) == 0 ? "amount" : "reference", reason,
                          text))
                return no_memory(c);
            continue;
        }
        list[(*count)++] = line->paying;
    }
    return ERR_OK;
}

static err_t
take_lines(struct call *c, const struct programme_row *row, struct reading *r,
           struct taking *taking, struct paying *list, size_t count)
{
    struct payment *made;
    int64_t total = 0;

    for (size_t i = 0; i < r->count; i++) {
        struct line *line = &r->lines[i];
        for (size_t k = 0; k < count; k++)
            if (id_cmp(list[k].payment, line->paying.payment) == 0 && !line->known) {
                TRY(seal_account(c, line));
                list[k].account_sealed = line->paying.account_sealed;
                total += list[k].amount.fen;
            }
    }
    TRY(payments_take(c, taking, list, count, &made));
    r->out->taken = (uint32_t) count;
    r->out->applied = true;
    if (row->is->state == PROGRAMME(IN_FORCE) && count > 0) {
        Contributions__ParticipationMeasured *figures;
        TRY(participation_measure(c, row, true, &figures)); /* made in time, told late */
    }
    return put_money(c, total, &r->out->total) ? ERR_OK : no_memory(c);
}

err_t
contributions_import_statement(struct call *c, const Contributions__ImportStatementRequest *in,
                               Contributions__ImportStatementReply *out)
{
    struct reading r = { .c = c, .out = out };
    struct taking taking = { .house_count = 0 };
    struct statement statement, before;
    struct programme_row row;
    struct paying *list;
    size_t count;
    bool found;

    TRY(id_from_wire(in->statement_id, "$.statementId", &statement.id, &c->err));
    if (in->body.len == 0 || in->body.len > STATEMENT_BYTES_MAX)
        return err_at(&c->err, ERR_INVALID, "$.body", STATEMENT_SIZE,
                      "a statement has 1 byte to 1 MiB, not %zu", in->body.len);
    sha256(in->body.data, in->body.len, statement.sha256);
    TRY(programme_enter(c, in->programme_id, GUARD_ALONE, &row));
    TRY(programme_is(c, row.is, IN_STATE(OPEN) | IN_STATE(IN_FORCE)));
    r.programme = taking.programme = row.is;
    TRY(statement_find(c, statement.id, &before, &found));
    if (found && (id_cmp(before.programme, row.id) != 0 ||
                  memcmp(before.sha256, statement.sha256, sizeof before.sha256) != 0))
        return err_at(&c->err, ERR_CONFLICT, "$.statementId", STATEMENT_EXISTS,
                      "another statement has this id");

    TRY(read_lines(c, in, &r));
    TRY(match_lines(c, row.id, &r, &taking));
    LIST(c, r.count, &list);
    TRY(judge_lines(c, &r, list, &count));
    if (out->n_bad > 0 && !in->partial)
        return ERR_OK; /* the report; nothing is taken */
    taking.statement = statement.id;
    statement.programme = row.id;
    statement.rows = out->rows;
    statement.taken = (int64_t) count;
    if (!found)
        TRY(statement_insert(c, &statement));
    return take_lines(c, &row, &r, &taking, list, count);
}

/* --- receipts --- */

/* The name of the household's head; masked for who may not read names. */
static err_t
payer_name(struct call *c, struct id household, const char **name)
{
    char id[ID_TEXT_BYTES], context[96], masked[MASK_NAME_BYTES];
    ProtobufCBinaryData sealed, plain;
    struct id person;

    *name = "";
    TRY(name_of_payer(c, household, &sealed, &person));
    if (sealed.len == 0)
        return ERR_OK;
    id_format(person, id);
    (void) snprintf(context, sizeof context, "contributions.person/%s", id);
    TRY(call_unseal(c, context, sealed.data, sealed.len, &plain));
    char *text = arena_alloc(c->arena, plain.len + 1);
    if (!text)
        return no_memory(c);
    memcpy(text, plain.data, plain.len);
    if (call_may_see(c, LABEL_IDENTITY)) {
        call_saw(c, LABEL_IDENTITY, person);
        *name = text;
        return ERR_OK;
    }
    mask_name(MASK_T1, text, masked);
    *name = call_text(c, masked);
    return *name ? ERR_OK : c->err.code;
}

static char *
receipt_page(struct call *c, const struct payment *p, const struct programme_row *row,
             const char *name, const char *village)
{
    char amount[MONEY_TEXT_BYTES], id[ID_TEXT_BYTES], day[DATE_TEXT_BYTES];
    const char *number =
        p->cash ? arena_printf(c->arena, "%s%06lld", p->series, (long long) p->receipt) : p->serial;
    const char *title = call_html(c, row->is->name), *who = call_html(c, name),
               *where = call_html(c, village), *account = call_html(c, row->is->custodian_account),
               *what = number ? call_html(c, number) : NULL;

    money_format(p->amount, amount);
    id_format(p->id, id);
    date_format(date_of(p->paid_at), day);
    if (!title || !who || !where || !account || !what)
        return NULL;
    return arena_printf(
        c->arena,
        "<!DOCTYPE html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><title>互助费收据 "
        "%s</title></head>\n<body><h1>互助费收据 <small>Receipt</small></h1>\n<table>\n"
        "<tr><th>收据号 No.</th><td>%s</td></tr>\n<tr><th>项目 Programme</th><td>%s</td></tr>\n"
        "<tr><th>村 Village</th><td>%s</td></tr>\n<tr><th>户主 Household of</th><td>%s</td></tr>\n"
        "<tr><th>参加人数 Persons</th><td>%u</td></tr>\n"
        "<tr><th>金额（元） Amount (yuan)</th><td>%s</td></tr>\n"
        "<tr><th>交费日期 Paid on</th><td>%s</td></tr>\n"
        "<tr><th>方式 By</th><td>%s</td></tr>\n<tr><th>专户 Account</th><td>%s</td></tr>\n"
        "</table>\n%s<p>请留存凭证。核验号 %s</p></body></html>\n",
        what, what, title, where, who, p->people, amount, day,
        p->cash ? "村级现金 cash" : "银行转账 bank transfer", account,
        strcmp(p->state, "TAKEN") == 0    ? ""
        : strcmp(p->state, "VOIDED") == 0 ? "<p><strong>已作废 VOID</strong></p>\n"
                                          : "<p><strong>已退款 REFUNDED</strong></p>\n",
        id);
}

err_t
contributions_get_receipt(struct call *c, const Contributions__GetReceiptRequest *in,
                          Contributions__GetReceiptReply *out)
{
    struct programme_row row;
    struct payment payment;
    struct house *houses;
    const char *name, *village;
    struct id id;
    size_t found;

    TRY(id_from_wire(in->payment_id, "$.paymentId", &id, &c->err));
    TRY(payment_get(c, id, &payment));
    TRY(programme_get(c, payment.programme, &row));
    TRY(houses_get(c, row.id, &payment.household, 1, &houses, &found));
    if (found > 0)
        TRY(caller_may_see_house(c, &houses[0]));
    TRY(payer_name(c, payment.household, &name));
    TRY(village_name(c, payment.village, &village));
    char *page = receipt_page(c, &payment, &row, name, village);
    if (!page)
        return no_memory(c);
    out->content_type = (char *) "text/html; charset=utf-8";
    out->file_name = (char *) "receipt.html";
    out->body = (ProtobufCBinaryData){ strlen(page), (uint8_t *) page };
    return ERR_OK;
}
