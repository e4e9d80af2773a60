/* columns.h - nouns from rows and back: what every store.c does alike.  A NULL column is the zero
 * of its type: no instant or day that may be missing is 1 January 1970. */
#ifndef HUZHU_COLUMNS_H
#define HUZHU_COLUMNS_H

#include <string.h>

#include "svc/room.h"

static inline struct param
p_instant_or_null(instant_t at)
{
    return at.us == 0 ? P_NULL : P_INSTANT(at);
}

static inline struct param
p_date_or_null(date_t date)
{
    return date.days == 0 ? P_NULL : P_DATE(date);
}

static inline instant_t
instant_or_never(const struct rows *rows, int row, int column)
{
    return rows_is_null(rows, row, column) ? (instant_t){ 0 } : rows_instant(rows, row, column);
}

static inline date_t
date_or_none(const struct rows *rows, int row, int column)
{
    return rows_is_null(rows, row, column) ? (date_t){ 0 } : rows_date(rows, row, column);
}

/* A copy in the arena, since the row dies with the rows; NULL stays NULL. */
static inline err_t
text_of(struct call *c, const struct rows *rows, int row, int column, const char **out)
{
    const char *text = rows_text(rows, row, column);

    *out = text ? call_text(c, text) : NULL;
    return text && !*out ? c->err.code : ERR_OK;
}

/* The same, and NULL becomes "". */
static inline err_t
text_or_empty(struct call *c, const struct rows *rows, int row, int column, const char **out)
{
    TRY(text_of(c, rows, row, column, out));
    if (!*out)
        *out = "";
    return ERR_OK;
}

/* NULL has no data. */
static inline err_t
bytes_of(struct call *c, const struct rows *rows, int row, int column, ProtobufCBinaryData *out)
{
    const void *bytes = rows_bytes(rows, row, column, &out->len);

    out->data = bytes ? arena_copy(c->arena, bytes, out->len ? out->len : 1) : NULL;
    return bytes && !out->data ? no_memory(c) : ERR_OK;
}

/* The place of a name in a list that begins at 1; that it has one is held by a CHECK. */
static inline int
place_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (strcmp(name, names[i]) == 0)
            return (int) i;
    assert(false);
    return 0;
}

#endif
