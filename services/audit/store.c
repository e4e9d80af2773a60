/* store.c - the nouns in and out of the schema audit. */
#include "store.h"

#include <stdio.h>
#include <string.h>

#include "audit_queries.h"

/* The CHECKs of the schema hold the sizes. */
static void
bytes_read(const struct rows *rows, int row, int column, void *out, size_t size)
{
    size_t got = 0;
    const void *bytes = rows_bytes(rows, row, column, &got);

    assert(got == size);
    memcpy(out, bytes, size);
}

/* --- records --- */

err_t
record_append(struct call *c, const struct record *record)
{
    return db_exec(c, &q_record_append, P_ID(c->tenant), P_TEXT(record->source),
                   P_ID(record->event), P_TEXT(record->topic), P_INSTANT(record->at),
                   P_TEXT(record->traceparent), P_BYTES(record->body, record->body_size),
                   P_BYTES(record->leaf.bytes, sizeof record->leaf.bytes));
}

err_t
record_read(struct call *c, const struct rows *rows, int row, struct record *record)
{
    *record = (struct record){ .seq = rows_int(rows, row, 0),
                               .event = rows_id(rows, row, 2),
                               .at = rows_instant(rows, row, 4) };
    bytes_read(rows, row, 7, record->leaf.bytes, sizeof record->leaf.bytes);
    TRY(text_of(c, rows, row, 1, &record->source));
    TRY(text_of(c, rows, row, 3, &record->topic));
    TRY(text_of(c, rows, row, 5, &record->traceparent));
    const void *body = rows_bytes(rows, row, 6, &record->body_size);
    record->body =
        arena_copy(c->arena, record->body_size ? body : "", record->body_size + !record->body_size);
    return record->body ? ERR_OK : no_memory(c);
}

err_t
record_list(struct call *c, const struct record_filter *filter, struct record **records,
            size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_record_list, &rows, P_INT(filter->from_seq), P_INT(filter->rows),
                 P_TEXT(filter->source), P_TEXT(filter->topic), p_instant_or_null(filter->from),
                 p_instant_or_null(filter->before)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, records);
    for (size_t i = 0; i < *count; i++)
        TRY(record_read(c, rows, (int) i, &(*records)[i]));
    return ERR_OK;
}

/* Only as far as there is no gap: what follows one was written by nobody here. */
err_t
leaf_list(struct call *c, int64_t from_seq, int64_t most, merkle_hash_t **leaves, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_leaf_list, &rows, P_INT(from_seq), P_INT(most)));
    const size_t found = (size_t) rows_count(rows);
    LIST(c, found, leaves);
    for (*count = 0; *count < found; ++*count) {
        if (rows_int(rows, (int) *count, 0) != from_seq + (int64_t) *count)
            return ERR_OK;
        bytes_read(rows, (int) *count, 1, (*leaves)[*count].bytes, MERKLE_HASH_BYTES);
    }
    return ERR_OK;
}

err_t
leaf_get(struct call *c, int64_t seq, merkle_hash_t *leaf)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_leaf_get, &rows, P_INT(seq)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, RECORD_NONE, "no such record");
    bytes_read(rows, 0, 0, leaf->bytes, sizeof leaf->bytes);
    return ERR_OK;
}

/* --- logs --- */

static err_t
log_read(struct call *c, const struct stmt *stmt, struct log_state *log)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query0(c, stmt, &rows));
    *log = (struct log_state){ 0, 0 };
    if (rows_count(rows) == 1)
        *log = (struct log_state){ rows_int(rows, 0, 0), rows_int(rows, 0, 1) };
    return ERR_OK;
}

err_t
log_lock(struct call *c, struct log_state *log)
{
    return log_read(c, &q_log_lock, log);
}

err_t
log_get(struct call *c, struct log_state *log)
{
    return log_read(c, &q_log_get, log);
}

err_t
log_integrated(struct call *c, int64_t integrated)
{
    return db_exec(c, &q_log_integrated, P_INT(integrated));
}

err_t
store_ids(struct call *c, const struct rows *rows, struct id **ids, size_t *count)
{
    *count = (size_t) rows_count(rows);
    LIST(c, *count, ids);
    for (size_t i = 0; i < *count; i++)
        (*ids)[i] = rows_id(rows, (int) i, 0);
    return ERR_OK;
}

err_t
logs_waiting(struct call *c, instant_t head_before, struct id **tenants, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_logs_waiting, &rows, P_INSTANT(head_before)));
    return store_ids(c, rows, tenants, count);
}

err_t
logs_all(struct call *c, struct id **tenants, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query0(c, &q_logs_all, &rows));
    return store_ids(c, rows, tenants, count);
}

/* --- nodes --- */

err_t
node_insert(struct call *c, unsigned level, uint64_t index, merkle_hash_t hash)
{
    return db_exec(c, &q_node_insert, P_ID(c->tenant), P_INT4((int32_t) level),
                   P_INT((int64_t) index), P_BYTES(hash.bytes, sizeof hash.bytes));
}

err_t
node_get(struct call *c, unsigned level, uint64_t index, merkle_hash_t *hash, bool *found)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_node_get, &rows, P_INT4((int32_t) level), P_INT((int64_t) index)));
    *found = rows_count(rows) == 1;
    if (*found)
        bytes_read(rows, 0, 0, hash->bytes, sizeof hash->bytes);
    return ERR_OK;
}

err_t
node_list(struct call *c, int level, int64_t index, int64_t most, struct node **nodes,
          size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_node_list, &rows, P_INT4(level), P_INT(index), P_INT(most)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, nodes);
    for (size_t i = 0; i < *count; i++) {
        (*nodes)[i].level = (unsigned) rows_int(rows, (int) i, 0);
        (*nodes)[i].index = (uint64_t) rows_int(rows, (int) i, 1);
        bytes_read(rows, (int) i, 2, (*nodes)[i].hash.bytes, MERKLE_HASH_BYTES);
    }
    return ERR_OK;
}

/* --- heads --- */

err_t
head_insert(struct call *c, const struct head *head)
{
    return db_exec(c, &q_head_insert, P_ID(c->tenant), P_INT(head->size), P_INSTANT(head->at),
                   P_BYTES(head->root.bytes, sizeof head->root.bytes), P_TEXT(head->key_id),
                   P_BYTES(head->signature, sizeof head->signature));
}

static void
head_read(const struct rows *rows, int row, struct head *head)
{
    *head = (struct head){ .size = rows_int(rows, row, 0), .at = rows_instant(rows, row, 2) };
    bytes_read(rows, row, 1, head->root.bytes, sizeof head->root.bytes);
    (void) snprintf(head->key_id, sizeof head->key_id, "%s", rows_text(rows, row, 3));
    bytes_read(rows, row, 4, head->signature, sizeof head->signature);
}

err_t
head_find(struct call *c, int64_t size, struct head *head, bool *found)
{
    OWNED(rows_free) struct rows *rows = NULL;

    if (size == 0)
        TRY(db_query0(c, &q_head_newest, &rows));
    else
        TRY(db_query(c, &q_head_of_size, &rows, P_INT(size)));
    *found = rows_count(rows) == 1;
    if (*found)
        head_read(rows, 0, head);
    return ERR_OK;
}

err_t
head_list(struct call *c, bool newest_first, instant_t after, int64_t most, struct head **heads,
          size_t *count)
{
    const struct stmt *stmt = newest_first ? &q_head_list_newest_first : &q_head_list;
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, stmt, &rows, p_instant_or_null(after), P_INT(most)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, heads);
    for (size_t i = 0; i < *count; i++)
        head_read(rows, (int) i, &(*heads)[i]);
    return ERR_OK;
}
