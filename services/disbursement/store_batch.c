/* store_batch.c - layouts, batches, their items and results in and out of the schema. */
#include <stdio.h>
#include <stdlib.h>

#include "disbursement_queries.h"
#include "store_parts.h"

static const char *const batch_kinds[] = {
    [BATCH_PAYOUTS] = "PAYOUTS", [BATCH_REFUNDS] = "REFUNDS"
};
static const char *const batch_states[] = { [BATCH_MADE] = "MADE",
                                            [BATCH_SENT] = "SENT",
                                            [BATCH_ANSWERED] = "ANSWERED",
                                            [BATCH_CANCELLED] = "CANCELLED" };
static const char *const outcomes[] = { [OUTCOME_WAITING] = "WAITING",
                                        [OUTCOME_UNKNOWN] = "UNKNOWN",
                                        [OUTCOME_PAID] = "PAID",
                                        [OUTCOME_FAILED] = "FAILED" };
static const char *const verdicts[] = { [VERDICT_APPLIED] = "APPLIED",
                                        [VERDICT_SEEN_BEFORE] = "SEEN_BEFORE",
                                        [VERDICT_CONTRADICTED] = "CONTRADICTED" };

/* --- layouts --- */

static err_t
layout_read(struct call *c, const struct rows *rows, int row, struct layout_of *layout)
{
    *layout = (struct layout_of){ .version = (int32_t) rows_int(rows, row, 1),
                                  .set_at = rows_instant(rows, row, 3),
                                  .set_by = rows_id(rows, row, 4) };
    TRY(text_of(c, rows, row, 0, &layout->name));
    return text_of(c, rows, row, 2, &layout->text);
}

err_t
layout_newest(struct call *c, const char *name, struct layout_of *layout, bool *found)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_layout_newest, &rows, P_TEXT(name)));
    *found = rows_count(rows) == 1;
    return *found ? layout_read(c, rows, 0, layout) : ERR_OK;
}

err_t
layouts_newest(struct call *c, struct layout_of **layouts, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query0(c, &q_layouts_newest, &rows));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, layouts);
    for (size_t i = 0; i < *count; i++)
        TRY(layout_read(c, rows, (int) i, &(*layouts)[i]));
    return ERR_OK;
}

err_t
layout_insert(struct call *c, const struct layout_of *layout)
{
    return db_exec(c, &q_layout_insert, P_ID(c->tenant), P_TEXT(layout->name),
                   P_INT4(layout->version), P_TEXT(layout->text), P_INSTANT(layout->set_at),
                   P_ID(layout->set_by));
}

/* --- batches --- */

err_t
batch_number(struct call *c, date_t on, const char **number)
{
    OWNED(rows_free) struct rows *rows = NULL;
    char prefix[32];
    long last = 0;
    int year, month, day;

    date_to_civil(on, &year, &month, &day);
    (void) snprintf(prefix, sizeof prefix, "%04d%02d%02d", year, month, day);
    TRY(db_query(c, &q_batch_last_number, &rows, P_TEXT(prefix)));
    if (!rows_is_null(rows, 0, 0))
        last = strtol(rows_text(rows, 0, 0) + 8, NULL, 10);
    if (last >= 9999)
        return err_set(&c->err, ERR_LIMITED, BATCH_TOO_LONG, "9999 batches a day are enough");
    *number = arena_printf(c->arena, "%s%04ld", prefix, last + 1);
    return *number ? ERR_OK : no_memory(c);
}

err_t
batch_insert(struct call *c, const struct batch *b, ProtobufCBinaryData file)
{
    const char *context = context_of(c, "batch", b->id);
    ProtobufCBinaryData sealed;

    if (!context)
        return no_memory(c);
    TRY(call_seal(c, context, file.data, file.len, &sealed));
    return db_exec(c, &q_batch_insert, P_ID(c->tenant), P_ID(b->id), P_TEXT(b->number),
                   P_ID(b->programme), P_TEXT(batch_kinds[b->kind]), P_TEXT(b->layout),
                   P_INT4(b->layout_version), P_TEXT(b->layout_text), P_INT4(b->lines),
                   P_MONEY(b->total), P_TEXT(b->file_name), P_TEXT(b->content_type),
                   P_BYTES(sealed.data, sealed.len), P_BYTES(b->sha256, sizeof b->sha256),
                   P_INSTANT(b->made_at), P_ID(b->made_by));
}

static err_t
batch_read(struct call *c, const struct rows *rows, int row, struct batch *b)
{
    *b = (struct batch){
        .id = rows_id(rows, row, 0),
        .programme = rows_id(rows, row, 2),
        .kind =
            (enum batch_kind) place_of(rows_text(rows, row, 3), batch_kinds, COUNT(batch_kinds)),
        .state =
            (enum batch_state) place_of(rows_text(rows, row, 4), batch_states, COUNT(batch_states)),
        .layout_version = (int32_t) rows_int(rows, row, 6),
        .lines = (int32_t) rows_int(rows, row, 8),
        .total = rows_money(rows, row, 9),
        .made_at = rows_instant(rows, row, 13),
        .made_by = rows_id(rows, row, 14),
        .sent_at = instant_or_never(rows, row, 15),
        .sent_by = rows_id(rows, row, 16),
        .contradicted = rows_bool(rows, row, 18),
        .paid = (int32_t) rows_int(rows, row, 19),
        .failed = (int32_t) rows_int(rows, row, 20),
        .unknown = (int32_t) rows_int(rows, row, 21),
    };
    copy_sum(rows, row, 12, b->sha256);
    TRY(text_of(c, rows, row, 1, &b->number));
    TRY(text_of(c, rows, row, 5, &b->layout));
    TRY(text_of(c, rows, row, 7, &b->layout_text));
    TRY(text_of(c, rows, row, 10, &b->file_name));
    TRY(text_of(c, rows, row, 11, &b->content_type));
    return text_of(c, rows, row, 17, &b->key_id);
}

err_t
batch_get(struct call *c, struct id id, struct batch *batch)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_batch_get, &rows, P_ID(id)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, BATCH_NONE, "no such batch");
    return batch_read(c, rows, 0, batch);
}

err_t
batch_lock(struct call *c, struct id id, struct batch *batch)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_batch_lock, &rows, P_ID(id)));
    return batch_get(c, id, batch);
}

err_t
batch_page(struct call *c, const struct batch_filter *filter, struct page page,
           struct batch **batches, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_batch_page, &rows, P_ID(page.after), P_ID_OR_NULL(filter->programme),
                 P_TEXT(filter->state ? batch_states[filter->state] : NULL), P_INT(page.rows)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, batches);
    for (size_t i = 0; i < *count; i++)
        TRY(batch_read(c, rows, (int) i, &(*batches)[i]));
    return ERR_OK;
}

err_t
batch_update(struct call *c, const struct batch *b, const char *manifest)
{
    return db_exec(c, &q_batch_update, P_ID(b->id), P_TEXT(batch_states[b->state]),
                   p_instant_or_null(b->sent_at), P_ID_OR_NULL(b->sent_by),
                   manifest ? P_BYTES(manifest, strlen(manifest)) : P_NULL, P_TEXT(b->key_id),
                   P_BOOL(b->contradicted));
}

err_t
batch_file(struct call *c, const struct batch *batch, ProtobufCBinaryData *file)
{
    OWNED(rows_free) struct rows *rows = NULL;
    const char *context = context_of(c, "batch", batch->id);
    size_t size = 0;

    if (!context)
        return no_memory(c);
    TRY(db_query(c, &q_batch_file, &rows, P_ID(batch->id)));
    const void *sealed = rows_bytes(rows, 0, 0, &size);
    return call_unseal(c, context, sealed, size, file);
}

err_t
batch_manifest(struct call *c, const struct batch *batch, ProtobufCBinaryData *manifest)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_batch_file, &rows, P_ID(batch->id)));
    return bytes_of(c, rows, 0, 1, manifest);
}

err_t
batch_send_lines(struct call *c, struct id batch)
{
    TRY(db_exec(c, &q_lines_send, P_ID(batch), P_INSTANT(c->now)));
    return db_exec(c, &q_lists_send, P_ID(batch));
}

err_t
batch_free_lines(struct call *c, struct id batch)
{
    TRY(db_exec(c, &q_lines_unbatch, P_ID(batch), P_INSTANT(c->now)));
    return db_exec(c, &q_items_forget, P_ID(batch));
}

err_t
batch_lists(struct call *c, struct id batch, const char **ids)
{
    OWNED(rows_free) struct rows *rows = NULL;
    struct id *found;

    TRY(db_query(c, &q_lists_of_batch, &rows, P_ID(batch)));
    LIST(c, (size_t) rows_count(rows), &found);
    for (int i = 0; i < rows_count(rows); i++)
        found[i] = rows_id(rows, i, 0);
    *ids = ids_text(c, found, (size_t) rows_count(rows));
    return *ids ? ERR_OK : c->err.code;
}

err_t
batches_contradicted(struct call *c, struct id programme, int64_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_batches_contradicted, &rows, P_ID_OR_NULL(programme)));
    *count = rows_int(rows, 0, 0);
    return ERR_OK;
}

/* --- items --- */

static const char *
item_context(struct call *c, const struct item *item)
{
    char id[ID_TEXT_BYTES];

    id_format(item->batch, id);
    return arena_printf(c->arena, "disbursement.item/%s/%d", id, item->sequence);
}

err_t
item_insert(struct call *c, const struct item *item)
{
    ProtobufCBinaryData sealed;

    TRY(payee_seal(c, item_context(c, item), &item->payee, &sealed));
    return db_exec(c, &q_item_insert, P_ID(c->tenant), P_ID(item->batch), P_INT4(item->sequence),
                   P_TEXT(item->reference), P_ID(item->line), P_INT4(item->attempt),
                   P_MONEY(item->amount), P_BYTES(sealed.data, sealed.len));
}

static err_t
item_read(struct call *c, const struct rows *rows, int row, bool open, struct item *item)
{
    size_t size = 0;

    *item = (struct item){
        .batch = rows_id(rows, row, 0),
        .line = rows_id(rows, row, 1),
        .sequence = (int32_t) rows_int(rows, row, 2),
        .attempt = (int32_t) rows_int(rows, row, 3),
        .amount = rows_money(rows, row, 7),
        .outcome = (enum outcome) place_of(rows_text(rows, row, 8), outcomes, COUNT(outcomes)),
        .is_paid = !rows_is_null(rows, row, 9),
    };
    if (item->is_paid)
        item->paid_on = rows_date(rows, row, 9);
    TRY(text_of(c, rows, row, 4, &item->reference));
    TRY(text_of(c, rows, row, 5, &item->receipt));
    TRY(text_of(c, rows, row, 6, &item->failure));
    const void *sealed = rows_bytes(rows, row, 10, &size);
    return open ? payee_open(c, item_context(c, item), sealed, size, &item->payee) : ERR_OK;
}

static err_t
items_read(struct call *c, const struct rows *rows, bool open, struct item **items, size_t *count)
{
    *count = (size_t) rows_count(rows);
    LIST(c, *count, items);
    for (size_t i = 0; i < *count; i++)
        TRY(item_read(c, rows, (int) i, open, &(*items)[i]));
    return ERR_OK;
}

err_t
items_page(struct call *c, const struct item_range *range, struct item **items, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_items_page, &rows, P_ID(range->batch), P_INT4(range->after),
                 P_INT(range->rows)));
    return items_read(c, rows, range->open, items, count);
}

err_t
items_of_line(struct call *c, struct id line, struct item **items, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_items_of_line, &rows, P_ID(line)));
    return items_read(c, rows, true, items, count);
}

err_t
item_answer(struct call *c, const struct item *item)
{
    return db_exec(c, &q_item_answer, P_ID(item->batch), P_INT4(item->sequence),
                   P_TEXT(outcomes[item->outcome]), P_TEXT(item->receipt), P_TEXT(item->failure),
                   item->is_paid ? P_DATE(item->paid_on) : P_NULL);
}

/* --- results --- */

err_t
result_seen(struct call *c, struct result *result, bool *seen)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_result_seen, &rows, P_ID(result->batch),
                 P_BYTES(result->sha256, sizeof result->sha256)));
    *seen = rows_count(rows) == 1;
    if (*seen)
        result->verdict = (enum verdict) place_of(rows_text(rows, 0, 0), verdicts, COUNT(verdicts));
    return ERR_OK;
}

err_t
result_insert(struct call *c, const struct result *r)
{
    return db_exec(c, &q_result_insert, P_ID(c->tenant), P_ID(r->batch),
                   P_BYTES(r->sha256, sizeof r->sha256), P_TEXT(verdicts[r->verdict]),
                   P_INT4(r->paid), P_INT4(r->failed), P_INT4(r->unknown), P_MONEY(r->paid_total),
                   P_INSTANT(c->now), P_ID(c->account));
}
