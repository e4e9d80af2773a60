/* store.h - the nouns in and out of the schema audit; the only file that runs SQL is store.c. */
#ifndef HUZHU_AUDIT_STORE_H
#define HUZHU_AUDIT_STORE_H

#include "audit.h"
#include "svc/columns.h"

/* What a broken constraint means to a caller. */
static const struct db_constraint audit_constraints[] __attribute__((unused)) = {
    { "item_once", ERR_CONFLICT, ITEM_TAKEN, "an item of that id is in the catalogue already" },
};

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

/* --- publications and the archive (store_archive.c) --- */

/* Of the record that this transaction has just appended. */
err_t publication_insert(struct call *c, struct id publication, int64_t version) MUST_CHECK;
err_t publication_find(struct call *c, struct id publication, int64_t version,
                       struct record *record, bool *found) MUST_CHECK;

struct fonds {
    const char *code, *name, *place;
};
err_t fonds_upsert(struct call *c, const char *code, const char *name) MUST_CHECK;
err_t fonds_find(struct call *c, struct fonds *fonds) MUST_CHECK; /* code NULL: not told yet */
err_t village_upsert(struct call *c, struct id village, const char *division_code,
                     const char *name) MUST_CHECK;
err_t village_find(struct call *c, struct id village, const char **division_code, const char **name,
                   bool *found) MUST_CHECK;
err_t programme_upsert(struct call *c, const struct programme *programme) MUST_CHECK;
err_t programme_find(struct call *c, struct id id, struct programme *programme,
                     bool *found) MUST_CHECK;
err_t voter_insert(struct call *c, struct id programme, struct id village) MUST_CHECK;

err_t catalogue_lock(struct call *c) MUST_CHECK;
err_t item_exists(struct call *c, struct id subject, const char *source, int64_t version,
                  bool *exists) MUST_CHECK;
/* Fills line, number, archive_number, seq. */
err_t item_file(struct call *c, struct item *item) MUST_CHECK;
struct item_filter {
    int64_t after_line, rows;
    struct id programme, village; /* nil: all */
    int kind, year;               /* 0: all */
};
err_t item_list(struct call *c, const struct item_filter *filter, struct item **items,
                size_t *count) MUST_CHECK;

struct village_has {
    struct id id;
    const char *name;
    bool takes_part;
    uint32_t kinds; /* 1 << enum item_kind */
};
err_t completeness(struct call *c, const struct programme *programme, struct id village,
                   struct village_has **villages, size_t *count) MUST_CHECK;

struct counter {
    int kind, year;
    int64_t next;
};
err_t counter_list(struct call *c, struct counter **counters, size_t *count) MUST_CHECK;
err_t catalogues_unchecked(struct call *c, const char *month, struct id **tenants,
                           size_t *count) MUST_CHECK;
err_t check_insert(struct call *c, const struct catalogue_check *check) MUST_CHECK;
err_t check_list(struct call *c, instant_t before, int64_t rows, struct catalogue_check **checks,
                 size_t *count) MUST_CHECK;

err_t store_ids(struct call *c, const struct rows *rows, struct id **ids, size_t *count) MUST_CHECK;
err_t record_read(struct call *c, const struct rows *rows, int row,
                  struct record *record) MUST_CHECK;

#endif
