/* store.h - the nouns in and out of the schema disbursement; the only files that run SQL are
 * store.c and store_batch.c. */
#ifndef HUZHU_DISBURSEMENT_STORE_H
#define HUZHU_DISBURSEMENT_STORE_H

#include "disbursement.h"

/* What a broken constraint means to a caller. */
extern const struct db_constraint disbursement_constraints[7];

struct page {
    struct id after;
    int32_t rows;
};
/* '{a,b}': a uuid[] in PostgreSQL's text form; NULL when memory is out (the error is set). */
const char *ids_text(struct call *c, const struct id *ids, size_t count);

/* --- programmes and claims, as others told of them --- */

err_t programme_upsert(struct call *c, const struct programme *programme) MUST_CHECK;
err_t programme_get(struct call *c, struct id id, struct programme *programme) MUST_CHECK;
/* Locks it: one list or batch of a programme is made at a time. */
err_t programme_lock(struct call *c, struct id id, struct programme *programme) MUST_CHECK;
struct due {
    struct id tenant, programme;
};
err_t lists_due(struct call *c, date_t month, int day, struct due **due, size_t *count) MUST_CHECK;

err_t claim_accept(struct call *c, const struct claim *claim, const struct payee *payee) MUST_CHECK;
err_t claim_payee(struct call *c, struct id claim, const struct payee *payee) MUST_CHECK;
err_t claim_gone(struct call *c, struct id claim) MUST_CHECK;
err_t claim_price(struct call *c, const struct claim *claim) MUST_CHECK;
err_t claim_unprice(struct call *c, struct id claim) MUST_CHECK;
/* The line that it is on, if any. */
err_t claim_line(struct call *c, struct id claim, struct id *line, struct id *list) MUST_CHECK;
/* Decided before the day and on no line; id, person, village and payable alone. */
err_t claims_ready(struct call *c, struct id programme, date_t before, struct claim **claims,
                   size_t *count) MUST_CHECK;

/* --- lists --- */

err_t list_insert(struct call *c, const struct payout_list *list) MUST_CHECK;
err_t list_by_month(struct call *c, struct id programme, date_t month, struct id *list,
                    bool *found) MUST_CHECK;
err_t list_get(struct call *c, struct id id, struct payout_list *list) MUST_CHECK;
err_t list_lock(struct call *c, struct id id, struct payout_list *list) MUST_CHECK;
struct list_filter {
    struct id programme;
    bool has_month;
    date_t month;
    enum list_state state; /* 0: any */
};
err_t list_page(struct call *c, const struct list_filter *filter, struct page page,
                struct payout_list **lists, size_t *count) MUST_CHECK;
err_t list_update(struct call *c, const struct payout_list *list) MUST_CHECK;
err_t list_version_insert(struct call *c, const struct payout_list *list,
                          const char *why) MUST_CHECK;
/* Sums the lines that did not go back into lines, total and sha256. */
err_t list_sum(struct call *c, struct payout_list *list) MUST_CHECK;
/* Those of the lists of which every line has ended are settled. */
err_t lists_settle(struct call *c, const char *ids) MUST_CHECK;
err_t month_figures(struct call *c, const struct list_filter *filter, struct month_figures **months,
                    size_t *count) MUST_CHECK;

/* --- lines --- */

err_t line_insert(struct call *c, const struct line *line) MUST_CHECK;
err_t refund_insert(struct call *c, const struct line *line, const struct payee *payee) MUST_CHECK;
err_t line_get(struct call *c, struct id id, struct line *line) MUST_CHECK;
err_t line_lock(struct call *c, struct id id, struct line *line) MUST_CHECK;
err_t line_update(struct call *c, const struct line *line) MUST_CHECK;
struct line_filter {
    struct id list, programme, village;
    enum line_state state; /* 0: any */
    enum refund_route route;
    const char *villages; /* NULL: all; else a uuid[] */
};
err_t line_page(struct call *c, const struct line_filter *filter, struct page page,
                struct line **lines, size_t *count) MUST_CHECK;
err_t refund_page(struct call *c, const struct line_filter *filter, struct page page,
                  struct line **lines, size_t *count) MUST_CHECK;
/* How many of them are now CHECKED. */
err_t lines_check(struct call *c, struct id list, const char *ids, int *checked) MUST_CHECK;
err_t lines_reserve(struct call *c, struct id list) MUST_CHECK;
/* RESERVED ones of a programme, locked; ids of lists and of lines as uuid[], both "{}": all. */
struct wanted {
    struct id programme;
    enum line_kind kind;
    const char *lists, *lines;
    int32_t most;
};
err_t lines_lock(struct call *c, const struct wanted *wanted, struct line **lines,
                 size_t *count) MUST_CHECK;
err_t lines_named(struct call *c, const char *ids, struct line **lines, size_t *count) MUST_CHECK;
err_t lists_named(struct call *c, const char *ids, struct id programme, size_t *count) MUST_CHECK;

/* Opens whom a line pays. */
err_t line_payee(struct call *c, const struct line *line, struct payee *payee) MUST_CHECK;

/* --- layouts, batches, results (store_batch.c) --- */

err_t layout_newest(struct call *c, const char *name, struct layout_of *layout,
                    bool *found) MUST_CHECK;
err_t layouts_newest(struct call *c, struct layout_of **layouts, size_t *count) MUST_CHECK;
err_t layout_insert(struct call *c, const struct layout_of *layout) MUST_CHECK;

/* The next "YYYYMMDD" + 4 digits of the tenant. */
err_t batch_number(struct call *c, date_t on, const char **number) MUST_CHECK;
err_t batch_insert(struct call *c, const struct batch *batch, ProtobufCBinaryData file) MUST_CHECK;
err_t batch_get(struct call *c, struct id id, struct batch *batch) MUST_CHECK;
err_t batch_lock(struct call *c, struct id id, struct batch *batch) MUST_CHECK;
struct batch_filter {
    struct id programme;
    enum batch_state state; /* 0: any */
};
err_t batch_page(struct call *c, const struct batch_filter *filter, struct page page,
                 struct batch **batches, size_t *count) MUST_CHECK;
/* manifest NULL: as it is. */
err_t batch_update(struct call *c, const struct batch *batch, const char *manifest) MUST_CHECK;
err_t batch_file(struct call *c, const struct batch *batch, ProtobufCBinaryData *file) MUST_CHECK;
err_t batch_manifest(struct call *c, const struct batch *batch,
                     ProtobufCBinaryData *manifest) MUST_CHECK;
err_t batch_send_lines(struct call *c, struct id batch) MUST_CHECK;
err_t batch_free_lines(struct call *c, struct id batch) MUST_CHECK;
err_t batch_lists(struct call *c, struct id batch, const char **ids) MUST_CHECK;
err_t batches_contradicted(struct call *c, struct id programme, int64_t *count) MUST_CHECK;

err_t item_insert(struct call *c, const struct item *item) MUST_CHECK;
struct item_range {
    struct id batch;
    int32_t after, rows;
    bool open; /* their payees too */
};
err_t items_page(struct call *c, const struct item_range *range, struct item **items,
                 size_t *count) MUST_CHECK;
err_t items_of_line(struct call *c, struct id line, struct item **items, size_t *count) MUST_CHECK;
err_t item_answer(struct call *c, const struct item *item) MUST_CHECK;

struct result {
    struct id batch;
    uint8_t sha256[32];
    enum verdict verdict;
    int32_t paid, failed, unknown;
    money_t paid_total;
};
err_t result_seen(struct call *c, struct result *result, bool *seen) MUST_CHECK;
err_t result_insert(struct call *c, const struct result *result) MUST_CHECK;

#endif
