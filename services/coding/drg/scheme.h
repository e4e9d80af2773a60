/* scheme.h - an open scheme from the inside, for the grouper and for explain. */
#ifndef HUZHU_DRG_SCHEME_H
#define HUZHU_DRG_SCHEME_H

#include "drg.h"
#include "hzs.h"

/* A dictionary: text to code. */
struct dictionary {
    const uint32_t *slots;
    const struct hzs_code *codes;
    uint32_t mask, count;
};

struct drg_scheme {
    struct drg_identity identity;
    const struct hzs_header *header;
    size_t size;
    bool mapped; /* or allocated */
    const char *strings;
    const struct hzs_mdc *mdcs;
    const struct hzs_row *rows;
    const struct hzs_drg *drgs;
    const struct hzs_step *steps;
    const uint32_t *tables, *dx_bit_names, *op_bit_names, *dx_names, *op_names;
    const uint64_t *dx_bits, *dx_rows, *op_bits, *op_rows_one, *op_rows_many;
    struct dictionary dx, op, dx_map, op_map;
    uint32_t mdc_count, row_count;
};

static inline const char *
scheme_string(const struct drg_scheme *scheme, uint32_t at)
{
    return scheme->strings + at;
}

/* NULL: the dictionary does not hold it. */
static inline const struct hzs_code *
dictionary_get(const struct drg_scheme *scheme, const struct dictionary *d, struct drg_text key)
{
    const struct hzs_head head = hzs_head(key.text, key.size);
    const uint64_t hash = hzs_hash(head, key.text, key.size);
    const uint32_t tag = (uint32_t) (hash >> 56);

    for (uint32_t at = (uint32_t) hash & d->mask;; at = (at + 1) & d->mask) {
        const uint32_t slot = d->slots[at];
        if (slot == 0) /* half of the slots are empty: scheme.c has seen to it */
            return NULL;
        if (slot >> 24 != tag)
            continue;
        const struct hzs_code *code = &d->codes[(slot & 0xffffff) - 1];
        if (code->head[0] == head.low && code->head[1] == head.high && code->size == key.size &&
            (key.size <= 16 || __builtin_memcmp(scheme->strings + code->text + 16, key.text + 16,
                                                key.size - 16) == 0))
            return code;
    }
}

#endif
