/* store.h - the nouns in and out of the schema audit; the only file that runs SQL is store.c. */
#ifndef HUZHU_AUDIT_STORE_H
#define HUZHU_AUDIT_STORE_H

#include "audit.h"

/* What a broken constraint means to a caller. */
static const struct db_constraint audit_constraints[] __attribute__((unused)) = {};

/* Appends to the log of the call's tenant. */
err_t record_append(struct call *c, const struct record *record) MUST_CHECK;
struct record_filter {
    int64_t from_seq, rows;
    const char *source, *topic; /* "": all */
    instant_t from, before;     /* 0: no bound */
};
err_t record_list(struct call *c, const struct record_filter *filter, struct record **records,
                  size_t *count) MUST_CHECK;
err_t leaf_list(struct call *c, int64_t from_seq, int64_t rows, merkle_hash_t **leaves,
                size_t *count) MUST_CHECK;
err_t leaf_get(struct call *c, int64_t seq, merkle_hash_t *leaf) MUST_CHECK;

struct log_state {
    int64_t next_seq, integrated;
};
err_t log_lock(struct call *c, struct log_state *log) MUST_CHECK; /* zeros when there is none */
err_t log_get(struct call *c, struct log_state *log) MUST_CHECK;
err_t log_integrated(struct call *c, int64_t integrated) MUST_CHECK;
err_t logs_waiting(struct call *c, instant_t head_before, struct id **tenants,
                   size_t *count) MUST_CHECK;
err_t logs_all(struct call *c, struct id **tenants, size_t *count) MUST_CHECK;

err_t node_insert(struct call *c, unsigned level, uint64_t index, merkle_hash_t hash) MUST_CHECK;
err_t node_get(struct call *c, unsigned level, uint64_t index, merkle_hash_t *hash,
               bool *found) MUST_CHECK;
struct node {
    unsigned level;
    uint64_t index;
    merkle_hash_t hash;
};
/* After that one, in the order of (level, index); level -1: from the first. */
err_t node_list(struct call *c, int level, int64_t index, int64_t rows, struct node **nodes,
                size_t *count) MUST_CHECK;

err_t head_insert(struct call *c, const struct head *head) MUST_CHECK;
/* size 0: the newest of all. */
err_t head_find(struct call *c, int64_t size, struct head *head, bool *found) MUST_CHECK;
/* after 0: from the beginning.  newest_first: those before that instant. */
err_t head_list(struct call *c, bool newest_first, instant_t after, int64_t rows,
                struct head **heads, size_t *count) MUST_CHECK;

#endif
