/* store_parts.h - what store.c and store_batch.c share. */
#ifndef HUZHU_DISBURSEMENT_STORE_PARTS_H
#define HUZHU_DISBURSEMENT_STORE_PARTS_H

#include <string.h>

#include "store.h"

static inline err_t
no_memory(struct call *c)
{
    return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the request needs too much memory");
}

#define LIST(c, count, list)                                                                       \
    do {                                                                                           \
        *(list) = arena_alloc((c)->arena, ((count) + 1) * sizeof **(list));                        \
        if (!*(list))                                                                              \
            return no_memory(c);                                                                   \
    } while (0)

/* A value that the schema's CHECK allows and this list lacks is a defect. */
static inline int
number_of(const char *text, const char *const *names, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (strcmp(text, names[i]) == 0)
            return (int) i;
    assert(false);
    return 0;
}

/* A copy in the arena; NULL stays NULL. */
static inline err_t
text_of(struct call *c, const struct rows *rows, int row, int column, const char **out)
{
    const char *text = rows_text(rows, row, column);

    *out = text ? call_text(c, text) : NULL;
    return text && !*out ? c->err.code : ERR_OK;
}

static inline err_t
bytes_of(struct call *c, const struct rows *rows, int row, int column, ProtobufCBinaryData *out)
{
    const void *bytes = rows_bytes(rows, row, column, &out->len);

    out->data = bytes ? arena_copy(c->arena, bytes, out->len ? out->len : 1) : NULL;
    return bytes && !out->data ? no_memory(c) : ERR_OK;
}

static inline instant_t
instant_or_never(const struct rows *rows, int row, int column)
{
    return rows_is_null(rows, row, column) ? (instant_t){ 0 } : rows_instant(rows, row, column);
}

static inline struct param
p_instant_or_null(instant_t at)
{
    return at.us == 0 ? P_NULL : P_INSTANT(at);
}

static inline void
copy_sum(const struct rows *rows, int row, int column, uint8_t out[static 32])
{
    size_t size = 0;
    const void *bytes = rows_bytes(rows, row, column, &size);

    assert(size == 32);
    memcpy(out, bytes, 32);
}

/* Payees are sealed as one text, bound to where it lies. */
err_t payee_seal(struct call *c, const char *context, const struct payee *payee,
                 ProtobufCBinaryData *sealed) MUST_CHECK;
err_t payee_open(struct call *c, const char *context, const void *sealed, size_t size,
                 struct payee *payee) MUST_CHECK;
const char *context_of(struct call *c, const char *noun, struct id id); /* NULL: no memory */

#endif
