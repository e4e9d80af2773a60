/* room.h - memory of a request, which has a limit: what every store.c and wire.c says of it. */
#ifndef HUZHU_ROOM_H
#define HUZHU_ROOM_H

#include "svc/svc.h"

static inline err_t
no_memory(struct call *c)
{
    return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the request needs too much memory");
}

/* Zeroed; NULL when there is no room, the error being set. */
static inline void *
made(struct call *c, size_t size)
{
    void *p = arena_alloc(c->arena, size);

    if (!p)
        (void) no_memory(c);
    return p;
}

/* Makes *list an array of `count` zeroed items and one more, or leaves the function. */
#define LIST(c, count, list)                                                                       \
    do {                                                                                           \
        *(list) = arena_alloc((c)->arena, ((size_t) (count) + 1) * sizeof(__typeof__(**(list))));  \
        if (!*(list))                                                                              \
            return no_memory(c);                                                                   \
    } while (0)

#endif
