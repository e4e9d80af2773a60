/* arena.c - chunks in a row; the newest is filled, all are freed together. */
#include "arena/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first chunk holds a usual request (measured: an rpc of a few hundred bytes unpacks into 2
 * KiB); later chunks double up to 1 MiB, so the largest request costs a dozen allocations. */
#define CHUNK_BYTES_FIRST ((size_t) 8 * 1024)
#define CHUNK_BYTES_MAX ((size_t) 1024 * 1024)

struct chunk {
    struct chunk *older;
    size_t size, used;
    alignas(max_align_t) unsigned char bytes[];
};

struct arena {
    struct chunk *newest;
    size_t limit, total; /* bytes handed out between resets */
};

static struct chunk *
chunk_create(size_t size, struct chunk *older)
{
    struct chunk *chunk = calloc(1, sizeof *chunk + size);

    if (chunk) {
        chunk->size = size;
        chunk->older = older;
    }
    return chunk;
}

struct arena *
arena_create(size_t limit_bytes)
{
    struct arena *arena = calloc(1, sizeof *arena);

    if (!arena)
        return NULL;
    arena->limit = limit_bytes;
    arena->newest = chunk_create(CHUNK_BYTES_FIRST, NULL);
    if (!arena->newest) {
        free(arena);
        return NULL;
    }
    return arena;
}

void
arena_destroy(struct arena *arena)
{
    if (!arena)
        return;
    arena_reset(arena);
    free(arena->newest);
    free(arena);
}

void *
arena_alloc(struct arena *arena, size_t size)
{
    const size_t unit = alignof(max_align_t);
    const size_t step = (size + unit - 1) / unit * unit;

    if (step < size || step > arena->limit - arena->total)
        return NULL;

    struct chunk *chunk = arena->newest;
    if (step > chunk->size - chunk->used) {
        size_t next = chunk->size * 2 < CHUNK_BYTES_MAX ? chunk->size * 2 : CHUNK_BYTES_MAX;
        chunk = chunk_create(step > next ? step : next, chunk);
        if (!chunk)
            return NULL;
        arena->newest = chunk;
    }
    void *at = chunk->bytes + chunk->used;
    chunk->used += step;
    arena->total += step;
    return at;
}

void *
arena_copy(struct arena *arena, const void *from, size_t size)
{
    void *copy = arena_alloc(arena, size ? size : 1);

    return copy && size ? memcpy(copy, from, size) : copy;
}

char *
arena_strdup(struct arena *arena, const char *text)
{
    return arena_copy(arena, text, strlen(text) + 1);
}

char *
arena_printf(struct arena *arena, const char *fmt, ...)
{
    char usual[256]; /* what fits is printed once */
    va_list ap, again;

    va_start(ap, fmt);
    va_copy(again, ap);
    const int length = vsnprintf(usual, sizeof usual, fmt, ap);
    va_end(ap);
    char *text = length < 0 ? NULL : arena_alloc(arena, (size_t) length + 1);
    if (text && (size_t) length < sizeof usual)
        memcpy(text, usual, (size_t) length + 1);
    else if (text)
        (void) vsnprintf(text, (size_t) length + 1, fmt, again);
    va_end(again);
    return text;
}

struct arena_mark
arena_mark(const struct arena *arena)
{
    return (struct arena_mark){ arena->newest, arena->newest->used, arena->total };
}

void
arena_rewind(struct arena *arena, struct arena_mark mark)
{
    while (arena->newest != mark.chunk) {
        struct chunk *gone = arena->newest;
        arena->newest = gone->older;
        explicit_bzero(gone->bytes, gone->used);
        free(gone);
    }
    explicit_bzero(arena->newest->bytes + mark.used, arena->newest->used - mark.used);
    arena->newest->used = mark.used;
    arena->total = mark.total;
}

void
arena_reset(struct arena *arena)
{
    struct chunk *first = arena->newest;

    while (first->older)
        first = first->older;
    arena_rewind(arena, (struct arena_mark){ first, 0, 0 });
}
