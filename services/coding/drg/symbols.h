/* symbols.h - texts to small numbers, in the order in which they were first seen. */
#ifndef HUZHU_DRG_SYMBOLS_H
#define HUZHU_DRG_SYMBOLS_H

#include "arena/arena.h"
#include "base/base.h"

#define SYMBOL_NONE UINT32_MAX

struct symbols {
    struct arena *arena; /* owns the texts of symbols_add_copy() */
    const char **texts;
    uint32_t *slots; /* index + 1 */
    uint32_t count, slot_count;
};

void symbols_init(struct symbols *symbols, struct arena *arena);
void symbols_done(struct symbols *symbols);

/* SYMBOL_NONE: not there. */
uint32_t symbols_get(const struct symbols *symbols, const char *text);
/* The number of the text, new or known; SYMBOL_NONE when memory is out.  The text is borrowed. */
uint32_t symbols_add(struct symbols *symbols, const char *text) MUST_CHECK;
/* The same; a new text is copied. */
uint32_t symbols_add_copy(struct symbols *symbols, const char *text, size_t size) MUST_CHECK;

#endif
