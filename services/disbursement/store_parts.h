/* store_parts.h - what store.c and store_batch.c share. */
#ifndef HUZHU_DISBURSEMENT_STORE_PARTS_H
#define HUZHU_DISBURSEMENT_STORE_PARTS_H

#include <string.h>

#include "store.h"
#include "svc/columns.h"

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
