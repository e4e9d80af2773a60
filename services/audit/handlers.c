/* handlers.c - the steps of the audit service, in the order of audit.proto. */
#include "handlers.h"

#include <string.h>

#include "rules.h"
#include "store.h"
#include "tree.h"
#include "wire.h"

/* It becomes an event of audit's own log, and by its feed a record of the platform's. */
err_t
audit_record_refusal(struct call *c, const Audit__RecordRefusalRequest *in,
                     Audit__RecordRefusalReply *out)
{
    const char *const texts[] = { in->kind, in->name, in->key, in->peer, in->detail };

    (void) out;
    if (strcmp(c->caller, "broker") != 0)
        return err_set(&c->err, ERR_FORBIDDEN, REFUSAL_FOREIGN, "only the broker records refusals");
    for (size_t i = 0; i < COUNT(texts); i++)
        if (strlen(texts[i]) > REFUSAL_TEXT_BYTES_MAX)
            return err_set(&c->err, ERR_INVALID, REFUSAL_LONG, "a text has at most %d bytes",
                           REFUSAL_TEXT_BYTES_MAX);
    return emit_call_refused(c, in);
}

/* --- heads --- */

err_t
audit_get_head(struct call *c, const Audit__GetHeadRequest *in, Audit__GetHeadReply *out)
{
    struct head head;
    bool found = false;

    (void) in;
    TRY(head_find(c, 0, &head, &found));
    return found ? head_to_wire(c, &head, &out->head) : ERR_OK;
}

err_t
audit_list_heads(struct call *c, const Audit__ListHeadsRequest *in, Audit__ListHeadsReply *out)
{
    struct head *heads = NULL;
    int64_t rows = 0, before_us = 0;
    size_t count = 0;

    TRY(page_rows_from_wire(in->page_size, &rows, &c->err));
    TRY(page_token_from_wire(in->page_token, &before_us, 1, &c->err));
    TRY(head_list(c, true, (instant_t){ before_us }, rows + 1, &heads, &count));
    if ((int64_t) count > rows) {
        count = (size_t) rows;
        TRY(page_token_to_wire(c, &heads[count - 1].at.us, 1, &out->next_page_token));
    }
    TRY(heads_to_wire(c, heads, count, &out->heads));
    out->n_heads = count;
    return ERR_OK;
}

static err_t
head_need(struct call *c, int64_t size, struct head *head)
{
    bool found = false;

    if (size >= 0)
        TRY(head_find(c, size, head, &found));
    if (found)
        return ERR_OK;
    return err_set(&c->err, ERR_NOT_FOUND, HEAD_NONE, "no head of that size has been signed");
}

/* --- proofs --- */

err_t
audit_get_inclusion_proof(struct call *c, const Audit__GetInclusionProofRequest *in,
                          Audit__GetInclusionProofReply *out)
{
    struct tree tree = { .c = c };
    struct merkle_proof proof;
    merkle_hash_t leaf;
    struct head head;

    TRY(head_need(c, in->size, &head));
    if (in->seq < 0 || in->seq >= head.size)
        return err_at(&c->err, ERR_NOT_FOUND, "$.seq", RECORD_NONE,
                      "the head holds the records 0 to %lld", (long long) head.size - 1);
    TRY(leaf_get(c, in->seq, &leaf));
    if (!merkle_inclusion((uint64_t) in->seq, (uint64_t) head.size, tree_read, &tree, &proof))
        return tree_error(&tree);

    out->seq = in->seq;
    TRY(head_to_wire(c, &head, &out->head));
    out->leaf_hash.data = arena_copy(c->arena, leaf.bytes, sizeof leaf.bytes);
    if (!out->leaf_hash.data)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the reply is too large");
    out->leaf_hash.len = sizeof leaf.bytes;
    return proof_to_wire(c, &proof, &out->hashes, &out->n_hashes);
}

err_t
audit_get_consistency_proof(struct call *c, const Audit__GetConsistencyProofRequest *in,
                            Audit__GetConsistencyProofReply *out)
{
    struct tree tree = { .c = c };
    struct merkle_proof proof;
    struct head older, newer;

    TRY(rule_sizes(in->older_size, in->newer_size, &c->err));
    TRY(head_need(c, in->older_size, &older));
    TRY(head_need(c, in->newer_size, &newer));
    if (!merkle_consistency((uint64_t) older.size, (uint64_t) newer.size, tree_read, &tree, &proof))
        return tree_error(&tree);

    TRY(head_to_wire(c, &older, &out->older));
    TRY(head_to_wire(c, &newer, &out->newer));
    return proof_to_wire(c, &proof, &out->hashes, &out->n_hashes);
}

/* --- records --- */

/* As many as fit into an answer, at least one. */
static size_t
fitting(const struct record *records, size_t count)
{
    size_t bytes = 0, n = 0;

    while (n < count) {
        bytes += records[n].body_size + strlen(records[n].topic) + 256;
        if (n > 0 && bytes > PAGE_BYTES_MAX)
            return n;
        n++;
    }
    return n;
}

err_t
audit_list_records(struct call *c, const Audit__ListRecordsRequest *in,
                   Audit__ListRecordsReply *out)
{
    struct record_filter filter = { .source = in->source, .topic = in->topic };
    struct record *records = NULL;
    int64_t rows = 0;
    size_t found = 0;

    TRY(page_rows_from_wire(in->page_size, &rows, &c->err));
    TRY(page_token_from_wire(in->page_token, &filter.from_seq, 1, &c->err));
    if (in->from)
        filter.from.us = in->from->us;
    if (in->before)
        filter.before.us = in->before->us;
    filter.rows = rows + 1;
    TRY(record_list(c, &filter, &records, &found));
    const size_t count = fitting(records, found < (size_t) rows ? found : (size_t) rows);
    if (count < found)
        TRY(page_token_to_wire(c, &records[count].seq, 1, &out->next_page_token));
    TRY(records_to_wire(c, records, count, &out->records));
    out->n_records = count;
    return ERR_OK;
}

/* --- export: the records of the newest head, then every head up to it --- */

struct position {
    int64_t size;       /* of the head that the export was begun with */
    int64_t next_seq;   /* == size: records are done */
    int64_t after_head; /* instant, in microseconds */
};

static err_t
export_records(struct call *c, struct position *at, Audit__ExportLogReply *out)
{
    const int64_t left = at->size - at->next_seq;
    const struct record_filter filter = { .from_seq = at->next_seq,
                                          .rows = left < PAGE_ROWS_MAX ? left : PAGE_ROWS_MAX,
                                          .source = "",
                                          .topic = "" };
    struct record *records = NULL;
    size_t found = 0;

    TRY(record_list(c, &filter, &records, &found));
    const size_t count = fitting(records, found);
    TRY(records_to_wire(c, records, count, &out->records));
    out->n_records = count;
    /* A record that is missing does not stop the export: the verifier shall see it. */
    at->next_seq = count > 0 ? records[count - 1].seq + 1 : at->size;
    return ERR_OK;
}

static err_t
export_heads(struct call *c, struct position *at, Audit__ExportLogReply *out, bool *more)
{
    struct head *heads = NULL;
    size_t found = 0, count = 0;

    TRY(head_list(c, false, (instant_t){ at->after_head }, PAGE_ROWS_MAX, &heads, &found));
    while (count < found && heads[count].size <= at->size)
        count++;
    TRY(heads_to_wire(c, heads, count, &out->heads));
    out->n_heads = count;
    *more = count == PAGE_ROWS_MAX;
    if (count > 0)
        at->after_head = heads[count - 1].at.us;
    return ERR_OK;
}

err_t
audit_export_log(struct call *c, const Audit__ExportLogRequest *in, Audit__ExportLogReply *out)
{
    struct position at = { 0, 0, 0 };
    bool more = true;

    TRY(page_token_from_wire(in->page_token, &at.size, 3, &c->err));
    if (at.size == 0) {
        struct head head;
        TRY(head_need(c, 0, &head));
        at.size = head.size;
    }
    out->tenant_id = id_to_wire(c, c->tenant);
    if (at.next_seq < at.size)
        TRY(export_records(c, &at, out));
    else
        TRY(export_heads(c, &at, out, &more));
    return more ? page_token_to_wire(c, &at.size, 3, &out->next_page_token) : ERR_OK;
}
