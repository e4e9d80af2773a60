/* handlers_batch.c - layouts, and batches on their way to the bank. */
#include <stdio.h>

#include "crypto/crypto.h"
#include "encoding.h"
#include "handlers.h"
#include "rules.h"
#include "state.h"
#include "steps.h"
#include "wire.h"

/* --- layouts --- */

static err_t
layout_check(struct call *c, const char *text, struct layout *layout)
{
    char *copy = call_text(c, text);

    return copy ? layout_parse(copy, layout, &c->err) : c->err.code;
}

/* The tenant's own, else the built-in one. */
static err_t
layout_named(struct call *c, const char *name, struct layout_of *layout)
{
    bool found;

    TRY(layout_newest(c, name, layout, &found));
    if (found)
        return ERR_OK;
    *layout = (struct layout_of){ .name = name, .text = layout_built_in(name) };
    return layout->text ? ERR_OK
                        : err_at(&c->err, ERR_NOT_FOUND, "$.layout", LAYOUT_NONE, "no such layout");
}

err_t
disbursement_set_bank_layout(struct call *c, const Disbursement__SetBankLayoutRequest *in,
                             Disbursement__SetBankLayoutReply *out)
{
    struct layout_of newest, made = { .name = in->name, .text = in->text };
    struct layout layout;
    bool found;

    TRY(layout_name_check(in->name, &c->err));
    TRY(layout_check(c, in->text, &layout));
    TRY(layout_newest(c, in->name, &newest, &found));
    made.version = found ? newest.version + 1 : 1;
    made.set_at = c->now;
    made.set_by = c->account;
    TRY(layout_insert(c, &made));
    return layout_to_wire(c, &made, &out->layout);
}

err_t
disbursement_list_bank_layouts(struct call *c, const Disbursement__ListBankLayoutsRequest *in,
                               Disbursement__ListBankLayoutsReply *out)
{
    struct layout_of *layouts, built_in = { .version = 0 };
    size_t count;

    (void) in;
    TRY(layouts_newest(c, &layouts, &count));
    out->layouts = pointers(c, count + 16);
    if (!out->layouts)
        return too_large(c);
    for (; out->n_layouts < count; out->n_layouts++)
        TRY(layout_to_wire(c, &layouts[out->n_layouts], &out->layouts[out->n_layouts]));
    for (size_t i = 0; i < 16 && (built_in.text = layout_built_in_at(i, &built_in.name)); i++) {
        bool own = false;
        for (size_t k = 0; k < count; k++)
            own = own || strcmp(layouts[k].name, built_in.name) == 0;
        if (!own)
            TRY(layout_to_wire(c, &built_in, &out->layouts[out->n_layouts++]));
    }
    return ERR_OK;
}

/* --- making a batch --- */

struct making {
    struct batch batch;
    struct programme programme;
    struct layout layout;
    struct line *lines;
    struct item *items;
    size_t count;
    ProtobufCBinaryData file;
};

static err_t
wanted_from_wire(struct call *c, const Disbursement__CreateBatchRequest *in, struct making *m,
                 struct wanted *wanted)
{
    struct id *lists = NULL, *lines = NULL;

    TRY(id_from_wire(in->batch_id, "$.batchId", &m->batch.id, &c->err));
    TRY(id_from_wire(in->programme_id, "$.programmeId", &m->batch.programme, &c->err));
    m->batch.kind = in->kind ? (enum batch_kind) in->kind : BATCH_PAYOUTS;
    if (m->batch.kind > BATCH_REFUNDS || (m->batch.kind == BATCH_REFUNDS && in->n_list_ids > 0))
        return err_at(&c->err, ERR_INVALID, "$.kind", BATCH_KIND,
                      "a batch is of payouts or of refunds, which are on no list");
    if (in->n_list_ids > LIST_IDS_MAX || in->n_line_ids > BATCH_LINES_MAX)
        return err_at(&c->err, ERR_INVALID, "$.lineIds", LINE_COUNT,
                      "%d lists and %d lines at once", LIST_IDS_MAX, BATCH_LINES_MAX);
    TRY(ids_from_wire(c, (struct wire_ids){ in->list_ids, in->n_list_ids }, "$.listIds", &lists));
    TRY(ids_from_wire(c, (struct wire_ids){ in->line_ids, in->n_line_ids }, "$.lineIds", &lines));
    if (ids_repeat(lists, in->n_list_ids) || ids_repeat(lines, in->n_line_ids))
        return err_at(&c->err, ERR_REFUSED, "$.lineIds", BATCH_DUPLICATE,
                      "a list or a line is named twice");
    *wanted = (struct wanted){ .programme = m->batch.programme,
                               .kind = m->batch.kind == BATCH_PAYOUTS ? LINE_PAYOUT : LINE_REFUND,
                               .lists = ids_text(c, lists, in->n_list_ids),
                               .lines = ids_text(c, lines, in->n_line_ids),
                               .most = BATCH_LINES_MAX + 1 };
    return wanted->lists && wanted->lines ? ERR_OK : too_large(c);
}

/* Every line that was named must be waiting, and every list must be one of the programme's. */
static err_t
named_are_there(struct call *c, const Disbursement__CreateBatchRequest *in,
                const struct wanted *wanted, const struct making *m)
{
    size_t lists = 0;

    TRY(lists_named(c, wanted->lists, wanted->programme, &lists));
    if (lists != in->n_list_ids)
        return err_at(&c->err, ERR_NOT_FOUND, "$.listIds", LIST_NONE,
                      "%zu of %zu lists are the programme's", lists, in->n_list_ids);
    for (size_t i = 0; i < in->n_line_ids; i++) {
        bool found = false;
        for (size_t k = 0; k < m->count && !found; k++)
            found = memcmp(m->lines[k].id.bytes, in->line_ids[i]->value.data, 16) == 0;
        if (!found)
            return err_at(&c->err, ERR_CONFLICT, "$.lineIds", LINE_MOVED_ON,
                          "line %zu does not wait for a batch", i + 1);
    }
    return ERR_OK;
}

static err_t
lines_fit(struct call *c, const struct making *m)
{
    if (m->count == 0)
        return err_set(&c->err, ERR_REFUSED, BATCH_EMPTY, "no line is waiting for a batch");
    if (m->count > (size_t) m->layout.lines_most)
        return err_set(&c->err, ERR_REFUSED, BATCH_TOO_LONG,
                       "more than the %d lines that the layout takes", m->layout.lines_most);
    for (size_t i = 0; i < m->count; i++)
        if (id_cmp(m->lines[i].approved_by, c->account) == 0)
            return err_set(&c->err, ERR_FORBIDDEN, BATCH_SAME_PERSON,
                           "who approved a list does not pay it");
    return rule_batch_has_no_duplicate(m->lines, m->count, &c->err);
}

static err_t
items_make(struct call *c, struct making *m)
{
    char reference[32];

    m->items = arena_alloc(c->arena, m->count * sizeof *m->items);
    if (!m->items)
        return too_large(c);
    for (size_t i = 0; i < m->count; i++) {
        struct item *item = &m->items[i];
        *item = (struct item){ .batch = m->batch.id,
                               .line = m->lines[i].id,
                               .sequence = (int32_t) i + 1,
                               .attempt = m->lines[i].attempt,
                               .amount = m->lines[i].amount };
        bankfile_reference(m->batch.number, item->sequence, reference);
        item->reference = call_text(c, reference);
        if (!item->reference)
            return too_large(c);
        TRY(line_payee(c, &m->lines[i], &item->payee));
        m->batch.total = money_add(m->batch.total, item->amount);
    }
    m->batch.lines = (int32_t) m->count;
    return ERR_OK;
}

static err_t
file_make(struct call *c, struct making *m)
{
    const size_t room = m->count * FILE_ROW_BYTES_MAX + FILE_HEAD_BYTES_MAX;
    struct file_out out = { .at = arena_alloc(c->arena, room), .room = room };
    struct file_row *rows = arena_alloc(c->arena, m->count * sizeof *rows);
    const struct file_head head = { .number = m->batch.number,
                                    .account = m->programme.custodian_account,
                                    .on = date_of(c->now),
                                    .lines = m->batch.lines,
                                    .total = m->batch.total };

    if (!out.at || !rows)
        return too_large(c);
    for (size_t i = 0; i < m->count; i++)
        rows[i] = (struct file_row){ .sequence = m->items[i].sequence,
                                     .reference = m->items[i].reference,
                                     .claim = m->lines[i].number ? m->lines[i].number : "",
                                     .payee = m->items[i].payee,
                                     .amount = m->items[i].amount };
    TRY(bankfile_write(&m->layout, &head, rows, &out, &c->err));
    TRY(text_encode(c, m->layout.gb18030, out.at, out.size, &m->file));
    if (m->file.len > RESULT_BYTES_MAX - FILE_HEAD_BYTES_MAX)
        return err_set(&c->err, ERR_REFUSED, BATCH_TOO_LONG, "the file has more than 1 MiB");
    sha256(m->file.data, m->file.len, m->batch.sha256);
    m->batch.file_name = arena_printf(c->arena, "%s.%s", m->batch.number,
                                      m->layout.delimiter == ',' ? "csv" : "txt");
    m->batch.content_type = arena_printf(c->arena, "%s; charset=%s",
                                         m->layout.delimiter == ',' ? "text/csv" : "text/plain",
                                         m->layout.gb18030 ? "gb18030" : "utf-8");
    return m->batch.file_name && m->batch.content_type ? ERR_OK : too_large(c);
}

static err_t
batch_store(struct call *c, struct making *m)
{
    TRY(batch_insert(c, &m->batch, m->file));
    for (size_t i = 0; i < m->count; i++) {
        struct line *line = &m->lines[i];
        TRY(item_insert(c, &m->items[i]));
        TRY(line_move(line, LINE_ON_BATCH, &c->err));
        line->batch = m->batch.id;
        line->batched_rev = line->payee_rev;
        TRY(line_update(c, line));
    }
    return survives(c, "batch.made");
}

static err_t
answer_batch(struct call *c, struct id id, Disbursement__BankBatch **out)
{
    struct batch batch;

    TRY(batch_get(c, id, &batch));
    return batch_to_wire(c, &batch, out);
}

err_t
disbursement_create_batch(struct call *c, const Disbursement__CreateBatchRequest *in,
                          Disbursement__CreateBatchReply *out)
{
    struct making m = { .count = 0 };
    struct layout_of layout;
    struct wanted wanted = { .lists = "{}", .lines = "{}" };

    TRY(wanted_from_wire(c, in, &m, &wanted));
    TRY(layout_named(c, in->layout[0] ? in->layout : "generic", &layout));
    TRY(layout_check(c, layout.text, &m.layout));

    TRY(programme_lock(c, m.batch.programme, &m.programme));
    TRY(lines_lock(c, &wanted, &m.lines, &m.count));
    TRY(named_are_there(c, in, &wanted, &m));
    TRY(lines_fit(c, &m));

    m.batch.layout = layout.name;
    m.batch.layout_version = layout.version;
    m.batch.layout_text = layout.text;
    m.batch.made_at = c->now;
    m.batch.made_by = c->account;
    TRY(batch_number(c, date_of(c->now), &m.batch.number));
    TRY(items_make(c, &m));
    TRY(file_make(c, &m));
    TRY(batch_store(c, &m));
    return answer_batch(c, m.batch.id, &out->batch);
}

/* --- looking --- */

err_t
disbursement_get_batch(struct call *c, const Disbursement__GetBatchRequest *in,
                       Disbursement__GetBatchReply *out)
{
    struct id id;

    TRY(id_from_wire(in->batch_id, "$.batchId", &id, &c->err));
    return answer_batch(c, id, &out->batch);
}

err_t
disbursement_list_batches(struct call *c, const Disbursement__ListBatchesRequest *in,
                          Disbursement__ListBatchesReply *out)
{
    struct batch_filter filter = { .state = (enum batch_state) in->state };
    struct batch *batches;
    struct page page;
    size_t count;

    TRY(page_from_wire(in->page_size, in->page_token, &page, &c->err));
    TRY(id_or_nil(in->programme_id, "$.programmeId", &filter.programme, &c->err));
    TRY(batch_page(c, &filter, page, &batches, &count));
    out->batches = pointers(c, count + 1);
    if (!out->batches)
        return too_large(c);
    for (; out->n_batches < count; out->n_batches++)
        TRY(batch_to_wire(c, &batches[out->n_batches], &out->batches[out->n_batches]));
    return token_to_wire(c, page, count, count ? batches[count - 1].id : (struct id){ { 0 } },
                         &out->next_page_token);
}

/* The token is the last sequence. */
static err_t
range_from_wire(struct call *c, const Disbursement__ListBatchItemsRequest *in,
                struct item_range *range)
{
    struct page page;

    TRY(page_from_wire(in->page_size, "", &page, &c->err));
    TRY(id_from_wire(in->batch_id, "$.batchId", &range->batch, &c->err));
    range->rows = page.rows;
    range->open = true;
    for (const char *at = in->page_token; *at; at++) {
        if (*at < '0' || *at > '9' || range->after > BATCH_LINES_MAX)
            return err_at(&c->err, ERR_INVALID, "$.pageToken", PAGE_TOKEN,
                          "the page token is not one of this list");
        range->after = range->after * 10 + (*at - '0');
    }
    return ERR_OK;
}

err_t
disbursement_list_batch_items(struct call *c, const Disbursement__ListBatchItemsRequest *in,
                              Disbursement__ListBatchItemsReply *out)
{
    struct item_range range = { .rows = 0 };
    struct batch batch;
    struct item *items;
    size_t count;

    TRY(range_from_wire(c, in, &range));
    TRY(batch_get(c, range.batch, &batch));
    TRY(items_page(c, &range, &items, &count));
    out->items = pointers(c, count + 1);
    if (!out->items)
        return too_large(c);
    for (; out->n_items < count; out->n_items++)
        TRY(item_to_wire(c, &items[out->n_items], &out->items[out->n_items]));
    if (count == (size_t) range.rows) {
        out->next_page_token = arena_printf(c->arena, "%d", items[count - 1].sequence);
        if (!out->next_page_token)
            return too_large(c);
    }
    return ERR_OK;
}

/* --- sending --- */

/* Everything that a court would want of the file in plain lines; the last line signs those before
 * it. */
static err_t
manifest_make(struct call *c, const struct batch *b, char **out)
{
    char id[ID_TEXT_BYTES], programme[ID_TEXT_BYTES], made[ID_TEXT_BYTES], sent[ID_TEXT_BYTES];
    char at[INSTANT_TEXT_BYTES], total[MONEY_TEXT_BYTES], sum[65], signature[128];
    struct signed_text signed_;

    id_format(b->id, id);
    id_format(b->programme, programme);
    id_format(b->made_by, made);
    id_format(b->sent_by, sent);
    instant_format(b->sent_at, at);
    money_format(b->total, total);
    for (size_t i = 0; i < sizeof b->sha256; i++)
        (void) snprintf(sum + 2 * i, 3, "%02x", b->sha256[i]);
    char *text =
        arena_printf(c->arena,
                     "huzhu-bank-file: 1\nbatch: %s\nprogramme: %s\nfile: %s\n"
                     "sha256: %s\nlines: %d\ntotal-yuan: %s\nmade-by: %s\nsent-by: %s\n"
                     "sent-at: %s\nkey: %s\n",
                     id, programme, b->file_name, sum, b->lines, total, made, sent, at, b->key_id);
    if (!text)
        return too_large(c);
    TRY(text_sign(c, text, &signed_));
    signature[base64url_encode(signed_.signature, sizeof signed_.signature, signature)] = '\0';
    *out = arena_printf(c->arena, "%ssignature: %s\n", text, signature);
    return *out ? ERR_OK : too_large(c);
}

err_t
disbursement_send_batch(struct call *c, const Disbursement__SendBatchRequest *in,
                        Disbursement__SendBatchReply *out)
{
    struct batch batch;
    char *manifest;
    struct id id;

    TRY(id_from_wire(in->batch_id, "$.batchId", &id, &c->err));
    TRY(batch_lock(c, id, &batch));
    TRY(batch_move(&batch, BATCH_ON_SEND, &c->err));
    batch.key_id = signing_key_id(c);
    if (!batch.key_id)
        return err_set(&c->err, ERR_REFUSED, BATCH_NO_KEY, "signing_key is not set");
    batch.sent_at = c->now;
    batch.sent_by = c->account;
    TRY(manifest_make(c, &batch, &manifest));
    TRY(batch_update(c, &batch, manifest));
    TRY(batch_send_lines(c, id));
    TRY(survives(c, "batch.sent"));
    TRY(emit_batch_sent(c, &batch));
    return answer_batch(c, id, &out->batch);
}

err_t
disbursement_cancel_batch(struct call *c, const Disbursement__CancelBatchRequest *in,
                          Disbursement__CancelBatchReply *out)
{
    struct batch batch;
    struct id id;

    TRY(id_from_wire(in->batch_id, "$.batchId", &id, &c->err));
    TRY(batch_lock(c, id, &batch));
    TRY(batch_move(&batch, BATCH_ON_CANCEL, &c->err));
    TRY(batch_update(c, &batch, NULL));
    TRY(batch_free_lines(c, id));
    return answer_batch(c, id, &out->batch);
}

static err_t
sent_batch(struct call *c, const Huzhu__Id *in, struct batch *batch)
{
    struct id id;

    TRY(id_from_wire(in, "$.batchId", &id, &c->err));
    TRY(batch_get(c, id, batch));
    if (batch->state != BATCH_SENT && batch->state != BATCH_ANSWERED)
        return err_set(&c->err, ERR_CONFLICT, BATCH_NOT_SENT, "the batch has not been sent");
    return ERR_OK;
}

err_t
disbursement_export_batch(struct call *c, const Disbursement__ExportBatchRequest *in,
                          Disbursement__ExportBatchReply *out)
{
    uint8_t sum[SHA256_BYTES];
    struct batch batch;

    TRY(sent_batch(c, in->batch_id, &batch));
    call_saw(c, LABEL_IDENTITY | LABEL_MONEY, (struct id){ { 0 } });
    TRY(batch_file(c, &batch, &out->body));
    /* The positive-pay look: what leaves is what was summed, or nothing leaves. */
    sha256(out->body.data, out->body.len, sum);
    if (memcmp(sum, batch.sha256, sizeof sum) != 0)
        return err_set(&c->err, ERR_INTERNAL, BATCH_NONE, "the stored file is not the one made");
    out->content_type = (char *) batch.content_type;
    out->file_name = (char *) batch.file_name;
    return ERR_OK;
}

err_t
disbursement_get_batch_signature(struct call *c, const Disbursement__GetBatchSignatureRequest *in,
                                 Disbursement__GetBatchSignatureReply *out)
{
    struct batch batch;

    TRY(sent_batch(c, in->batch_id, &batch));
    TRY(batch_manifest(c, &batch, &out->body));
    out->content_type = call_text(c, "text/plain; charset=utf-8");
    out->file_name = arena_printf(c->arena, "%s.sig.txt", batch.file_name);
    return out->content_type && out->file_name ? ERR_OK : too_large(c);
}
