/* symbols.c - an open-addressing table of texts. */
#include "symbols.h"

#include <stdlib.h>
#include <string.h>

#include "hzs.h"

void
symbols_init(struct symbols *symbols, struct arena *arena)
{
    *symbols = (struct symbols){ .arena = arena };
}

void
symbols_done(struct symbols *symbols)
{
    free(symbols->texts);
    free(symbols->slots);
    *symbols = (struct symbols){ 0 };
}

static uint32_t *
slot_of(const struct symbols *symbols, const char *text, size_t size)
{
    const uint32_t mask = symbols->slot_count - 1;
    uint32_t at = (uint32_t) hzs_hash(hzs_head(text, size), text, size) & mask;

    for (;; at = (at + 1) & mask) {
        uint32_t *slot = &symbols->slots[at];
        if (*slot == 0)
            return slot;
        const char *known = symbols->texts[*slot - 1];
        if (strncmp(known, text, size) == 0 && known[size] == '\0')
            return slot;
    }
}

/* Keeps at least half of the slots free. */
static bool
grow(struct symbols *symbols)
{
    if (2 * ((uint64_t) symbols->count + 1) <= symbols->slot_count)
        return true;
    if (symbols->slot_count >= (uint32_t) 1 << 30)
        return false;
    const uint32_t slot_count = symbols->slot_count ? 2 * symbols->slot_count : 64;
    uint32_t *slots = calloc(slot_count, sizeof *slots);
    const char **texts = realloc(symbols->texts, slot_count / 2 * sizeof *texts);
    if (texts)
        symbols->texts = texts;
    if (!texts || !slots) {
        free(slots);
        return false;
    }
    free(symbols->slots);
    symbols->slots = slots;
    symbols->slot_count = slot_count;
    for (uint32_t i = 0; i < symbols->count; i++)
        *slot_of(symbols, texts[i], strlen(texts[i])) = i + 1;
    return true;
}

uint32_t
symbols_get(const struct symbols *symbols, const char *text)
{
    if (symbols->slot_count == 0)
        return SYMBOL_NONE;
    return *slot_of(symbols, text, strlen(text)) - 1; /* an empty slot's 0 becomes SYMBOL_NONE */
}

static uint32_t
add(struct symbols *symbols, const char *text, size_t size, bool copy)
{
    if (!grow(symbols))
        return SYMBOL_NONE;
    uint32_t *slot = slot_of(symbols, text, size);
    if (*slot != 0)
        return *slot - 1;
    if (copy) {
        char *mine = arena_alloc(symbols->arena, size + 1);
        if (!mine)
            return SYMBOL_NONE;
        memcpy(mine, text, size);
        text = mine;
    }
    symbols->texts[symbols->count] = text;
    *slot = ++symbols->count;
    return symbols->count - 1;
}

uint32_t
symbols_add(struct symbols *symbols, const char *text)
{
    return add(symbols, text, strlen(text), false);
}

uint32_t
symbols_add_copy(struct symbols *symbols, const char *text, size_t size)
{
    return add(symbols, text, size, true);
}
