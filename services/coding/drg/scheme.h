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

/* A search in three stages, so that the searches of one stay overlap: each stage asks the memory
 * for what the next one reads.  A dictionary of a national scheme is larger than the near caches,
 * and waiting is what a search costs. */
struct search {
    const struct dictionary *dictionary;
    struct drg_text key;
    struct hzs_head head;
    uint64_t hash;
};

static inline void
search_begin(struct search *search, const struct dictionary *d, struct drg_text key)
{
    search->dictionary = d;
    search->key = key;
    search->head = hzs_head(key.text, key.size);
    search->hash = hzs_hash(search->head, key.text, key.size);
    __builtin_prefetch(&d->slots[(uint32_t) search->hash & d->mask]);
}

static inline void
search_prepare(const struct search *search)
{
    const struct dictionary *d = search->dictionary;
    const uint32_t slot = d->slots[(uint32_t) search->hash & d->mask];

    __builtin_prefetch(&d->codes[(slot & 0xffffff) - (slot != 0)]);
}

/* NULL: the dictionary does not hold it. */
static inline const struct hzs_code *
search_end(const struct drg_scheme *scheme, const struct search *search)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign): as many are begun as are ended */
    const struct dictionary *d = search->dictionary;
    const uint32_t tag = (uint32_t) (search->hash >> 56);
    const struct drg_text key = search->key;

    for (uint32_t at = (uint32_t) search->hash & d->mask;; at = (at + 1) & d->mask) {
        const uint32_t slot = d->slots[at];
        if (slot == 0) /* there are empty slots: scheme.c has seen to it */
            return NULL;
        if (slot >> 24 != tag)
            continue;
        const struct hzs_code *code = &d->codes[(slot & 0xffffff) - 1];
        if (code->head[0] == search->head.low && code->head[1] == search->head.high &&
            code->size == key.size &&
            (key.size <= 16 || __builtin_memcmp(scheme->strings + code->text + 16, key.text + 16,
                                                key.size - 16) == 0))
            return code;
    }
}

static inline const struct hzs_code *
dictionary_get(const struct drg_scheme *scheme, const struct dictionary *d, struct drg_text key)
{
    struct search search;

    search_begin(&search, d, key);
    return search_end(scheme, &search);
}

#endif
