/* arena_pb.h - lets protobuf-c unpack into an arena; its free is a no-op.
 * Apart from arena.h, so that who needs no protobuf does not link it. */
#ifndef HUZHU_ARENA_PB_H
#define HUZHU_ARENA_PB_H

#include <protobuf-c/protobuf-c.h>

#include "arena/arena.h"

static inline void *
arena_pb_alloc_(void *arena, size_t size)
{
    return arena_alloc(arena, size ? size : 1);
}

static inline void
arena_pb_free_(void *arena, void *p)
{
    (void) arena, (void) p;
}

static inline ProtobufCAllocator
arena_protobuf_allocator(struct arena *arena)
{
    return (ProtobufCAllocator){ .alloc = arena_pb_alloc_,
                                 .free = arena_pb_free_,
                                 .allocator_data = arena };
}

#endif
