/* store_batch.h - many rows in one statement: a JSON array of the arena for jsonb_to_recordset().
 */
#ifndef HUZHU_CONTRIBUTIONS_STORE_BATCH_H
#define HUZHU_CONTRIBUTIONS_STORE_BATCH_H

#include "svc/svc.h"

struct batch {
    struct call *c;
    char *bytes;
    size_t used, room, rows;
    bool in_row, items;
};
void batch_begin(struct batch *b, struct call *c);
void batch_row(struct batch *b);                                /* the next row */
void batch_id(struct batch *b, const char *name, struct id id); /* nil: null */
void batch_int(struct batch *b, const char *name, int64_t value);
void batch_bool(struct batch *b, const char *name, bool value);
void batch_text(struct batch *b, const char *name, const char *text);        /* NULL: null */
void batch_date(struct batch *b, const char *name, const Huzhu__Date *date); /* NULL: null */
void batch_day(struct batch *b, const char *name, date_t day);
void batch_instant(struct batch *b, const char *name, instant_t at);
void batch_bytes(struct batch *b, const char *name, const void *bytes, size_t size); /* 0: null */
void batch_raw(struct batch *b, const char *name, const char *json);
void batch_item(struct batch *b, const char *text); /* an array of texts, instead of rows */
/* The whole; NULL when memory ran out (c->err is set). */
const char *batch_end(struct batch *b) MUST_CHECK;

/* "{uuid,uuid}" for a uuid[]; NULL when memory ran out. */
const char *ids_text(struct call *c, const struct id *ids, size_t count) MUST_CHECK;

#endif
