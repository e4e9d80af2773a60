/* verify.h - rebuilds a log from its records alone and compares with what is stored and signed.
 *
 * Feed it, in this order: begin, the records by seq, the stored nodes by (level, index) if there
 * are any, the heads by time, end.  Every problem is one line on `out`.  It trusts nothing but the
 * public keys and the heads that somebody kept elsewhere. */
#ifndef HUZHU_AUDIT_VERIFY_H
#define HUZHU_AUDIT_VERIFY_H

#include <stdio.h>

#include "store.h"

#define VERIFY_KEY_FILES_MAX 8
#define VERIFY_KEPT_HEADS_MAX 8
#define VERIFY_PROBLEMS_SHOWN 50

/* A head that somebody wrote down: without one, a log cut off together with its newest heads looks
 * whole. */
struct kept_head {
    int64_t size;
    merkle_hash_t root;
};

struct verify {
    FILE *out;
    struct verifier *keys[VERIFY_KEY_FILES_MAX];
    size_t key_count;
    struct kept_head kept[VERIFY_KEPT_HEADS_MAX];
    size_t kept_count;

    struct id tenant;
    int64_t size;                  /* records without a gap so far */
    bool gap;                      /* behind it nothing can be rebuilt */
    size_t problems;               /* of all logs */
    int64_t records, nodes, heads; /* seen of this log */
    struct head newest;
    struct {
        merkle_hash_t *hashes;
        size_t count, room;
    } levels[64];
    bool out_of_memory;
};

void verify_begin(struct verify *v, struct id tenant);
void verify_record(struct verify *v, const struct record *record);
void verify_node(struct verify *v, const struct node *node);
void verify_head(struct verify *v, const struct head *head);
/* log NULL: an export, which holds no state of the log and no nodes. */
void verify_end(struct verify *v, const struct log_state *log);
void verify_done(struct verify *v); /* frees, keys too */

#endif
