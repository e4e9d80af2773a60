/* limit.h - token buckets and connection counts by key, in bounded memory.
 *
 * A key is 64 bits made of an address (IPv6: its /64), an account or both, under a secret of this
 * process, so that nobody can choose keys that meet.  A full set evicts the bucket that has been
 * full for longest, which forgets nothing that matters.  Thread-safe: all loops share one. */
#ifndef HUZHU_GATEWAY_LIMIT_H
#define HUZHU_GATEWAY_LIMIT_H

#include <sys/socket.h>

#include "base/base.h"

struct limiter;
struct limiter *limiter_create(void) MUST_CHECK;
void limiter_destroy(struct limiter *limiter);
DEFINE_OWNED(struct limiter, limiter_destroy)

uint64_t limiter_key(const struct limiter *limiter, const char *purpose, const void *bytes,
                     size_t size);
/* IPv4-mapped addresses count as IPv4. */
uint64_t limiter_address_key(const struct limiter *limiter, const struct sockaddr_storage *address);
/* The same for another purpose of the same subject. */
static inline uint64_t
limiter_key_for(uint64_t key, uint64_t purpose)
{
    return (key ^ purpose * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xd6e8feb86659fd93);
}

struct rate {
    int64_t per_minute; /* tokens */
    int64_t burst;
};
/* Takes a token.  false: none is left; *wait_s says when the next one comes. */
bool limiter_take(struct limiter *limiter, uint64_t key, struct rate rate, int64_t now_us,
                  int64_t *wait_s) MUST_CHECK;

/* Counts a connection in; false when the key has `most` already (or its set is full of others). */
bool limiter_enter(struct limiter *limiter, uint64_t key, uint32_t most) MUST_CHECK;
void limiter_leave(struct limiter *limiter, uint64_t key);

#endif
