/* verify.c - rebuilds a log from its records alone and compares. */
#include "verify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "rules.h"

static void problem(struct verify *v, const char *fmt, ...) PRINTF(2, 3);

static void
problem(struct verify *v, const char *fmt, ...)
{
    char tenant[ID_TEXT_BYTES];
    va_list args;

    if (++v->problems > VERIFY_PROBLEMS_SHOWN)
        return;
    id_format(v->tenant, tenant);
    (void) fprintf(v->out, "%s: ", id_is_nil(v->tenant) ? "platform" : tenant);
    va_start(args, fmt);
    (void) vfprintf(v->out, fmt, args);
    va_end(args);
    (void) fputc('\n', v->out);
}

/* --- the rebuilt tree, in memory: 64 bytes a record --- */

static bool
node_read(void *of_verify, unsigned level, uint64_t index, merkle_hash_t *hash)
{
    const struct verify *v = of_verify;

    if (level >= COUNT(v->levels) || index >= v->levels[level].count)
        return false;
    *hash = v->levels[level].hashes[index];
    return true;
}

static bool
node_write(void *of_verify, unsigned level, uint64_t index, merkle_hash_t hash)
{
    struct verify *v = of_verify;

    assert(level < COUNT(v->levels) && index == v->levels[level].count);
    if (v->levels[level].count == v->levels[level].room) {
        const size_t room = v->levels[level].room ? v->levels[level].room * 2 : 256;
        merkle_hash_t *grown = realloc(v->levels[level].hashes, room * sizeof *grown);
        if (!grown)
            return false;
        v->levels[level].hashes = grown;
        v->levels[level].room = room;
    }
    v->levels[level].hashes[v->levels[level].count++] = hash;
    return true;
}

static bool
same(merkle_hash_t a, merkle_hash_t b)
{
    return bytes_equal(a.bytes, b.bytes, MERKLE_HASH_BYTES);
}

/* --- */

void
verify_begin(struct verify *v, struct id tenant)
{
    v->tenant = tenant;
    v->size = v->records = v->nodes = v->heads = 0;
    v->gap = false;
    v->newest = (struct head){ 0 };
    for (size_t i = 0; i < COUNT(v->levels); i++)
        v->levels[i].count = 0;
}

void
verify_record(struct verify *v, const struct record *record)
{
    const merkle_hash_t leaf = record_leaf(v->tenant, record);

    v->records++;
    if (!same(leaf, record->leaf))
        problem(v, "record %" PRId64 " was changed", record->seq);
    if (!v->gap && record->seq != v->size) {
        problem(v, "record %" PRId64 " is missing or out of its place; next comes %" PRId64,
                v->size, record->seq);
        v->gap = true;
    }
    if (v->gap)
        return;
    if (!merkle_append((uint64_t) v->size, leaf, node_read, node_write, v)) {
        v->out_of_memory = v->gap = true;
        return;
    }
    v->size++;
}

void
verify_node(struct verify *v, const struct node *node)
{
    merkle_hash_t hash;

    v->nodes++;
    if (node_read(v, node->level, node->index, &hash) ? !same(hash, node->hash) : !v->gap)
        problem(v, "node (%u, %" PRIu64 ") of the tree is not that of its records", node->level,
                node->index);
}

static bool
is_signed(struct verify *v, const struct head *head)
{
    uint8_t text[HEAD_TEXT_BYTES];

    head_text(v->tenant, head, text);
    for (size_t i = 0; i < v->key_count; i++)
        if (verifier_check(v->keys[i], head->key_id, text, sizeof text, head->signature,
                           sizeof head->signature))
            return true;
    return false;
}

void
verify_head(struct verify *v, const struct head *head)
{
    merkle_hash_t root;

    v->heads++;
    if (!is_signed(v, head))
        problem(v, "the head of %" PRId64 " records is not signed by a trusted key", head->size);
    if (head->size < 1 || head->size > v->size)
        problem(v,
                "the head of %" PRId64 " records covers some that are missing; %" PRId64
                " are there in order",
                head->size, v->size);
    else if (!merkle_root((uint64_t) head->size, node_read, v, &root) || !same(root, head->root))
        problem(v, "the head of %" PRId64 " records was signed over others", head->size);
    if (head->at.us <= v->newest.at.us || head->size < v->newest.size)
        problem(v, "the head of %" PRId64 " records is out of order", head->size);
    v->newest = *head;
}

static int64_t
nodes_of(int64_t size)
{
    int64_t nodes = 0;

    for (; size > 0; size >>= 1)
        nodes += size;
    return nodes;
}

static void
check_log(struct verify *v, const struct log_state *log)
{
    if (log->next_seq != v->records)
        problem(v, "the log has given %" PRId64 " places, %" PRId64 " records are there",
                log->next_seq, v->records);
    if (v->nodes != nodes_of(log->integrated))
        problem(v, "a tree of %" PRId64 " records has %" PRId64 " nodes, %" PRId64 " are there",
                log->integrated, nodes_of(log->integrated), v->nodes);
    if (v->newest.size != log->integrated)
        problem(v, "the newest head has %" PRId64 " records, the tree %" PRId64, v->newest.size,
                log->integrated);
}

void
verify_end(struct verify *v, const struct log_state *log)
{
    char tenant[ID_TEXT_BYTES], root_text[2 * MERKLE_HASH_BYTES + 1] = "-";

    if (v->out_of_memory)
        problem(v, "there is not enough memory to rebuild the tree");
    if (log)
        check_log(v, log);
    else if (v->records > 0 && v->newest.size != v->records)
        problem(v, "the newest head does not cover all records");
    for (size_t i = 0; i < v->kept_count; i++) {
        merkle_hash_t root;
        if (v->kept[i].size > v->size)
            problem(v,
                    "the kept head of %" PRId64 " records covers some that are gone; %" PRId64
                    " are there",
                    v->kept[i].size, v->size);
        else if (!merkle_root((uint64_t) v->kept[i].size, node_read, v, &root) ||
                 !same(root, v->kept[i].root))
            problem(v, "the kept head of %" PRId64 " records does not match", v->kept[i].size);
    }
    id_format(v->tenant, tenant);
    for (size_t i = 0; v->heads > 0 && i < MERKLE_HASH_BYTES; i++)
        (void) snprintf(root_text + 2 * i, 3, "%02x", v->newest.root.bytes[i]);
    (void) fprintf(v->out, "%s: %" PRId64 " records, %" PRId64 " heads, newest %" PRId64 ":%s\n",
                   id_is_nil(v->tenant) ? "platform" : tenant, v->records, v->heads, v->newest.size,
                   root_text);
}

void
verify_done(struct verify *v)
{
    for (size_t i = 0; i < COUNT(v->levels); i++)
        free(v->levels[i].hashes);
    for (size_t i = 0; i < v->key_count; i++)
        verifier_destroy(v->keys[i]);
    *v = (struct verify){ 0 };
}
