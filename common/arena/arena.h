/* arena.h - memory that lives exactly as long as one request.
 *
 * One thread owns an arena.  It grows by chunks up to its limit and keeps its first chunk over a
 * reset, so that a steady load allocates nothing. */
#ifndef HUZHU_ARENA_H
#define HUZHU_ARENA_H

#include "base/base.h"

struct arena;

/* NULL when memory is out.  limit_bytes bounds the sum of everything allocated between resets. */
struct arena *arena_create(size_t limit_bytes) MUST_CHECK;
void arena_destroy(struct arena *arena);
DEFINE_OWNED(struct arena, arena_destroy)

/* Zeroed and aligned for any type; NULL once the request has used its limit. */
void *arena_alloc(struct arena *arena, size_t size) MUST_CHECK;
void *arena_copy(struct arena *arena, const void *from, size_t size) MUST_CHECK;
char *arena_strdup(struct arena *arena, const char *text) MUST_CHECK;
char *arena_printf(struct arena *arena, const char *fmt, ...) PRINTF(2, 3) MUST_CHECK;

/* Everything allocated after the mark dies at the rewind; its bytes are wiped (they may be
 * secrets). */
struct arena_mark {
    void *chunk;
    size_t used, total;
};
struct arena_mark arena_mark(const struct arena *arena);
void arena_rewind(struct arena *arena, struct arena_mark mark);
void arena_reset(struct arena *arena);

#endif
