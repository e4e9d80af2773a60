/* limit.c - buckets in sets of a fixed table: a flood of keys evicts only its like. */
#include "limit.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "id/id.h"

/* 64 K buckets of 32 bytes are 2 MiB: every address of a county at once.  A set of 16 shares a
 * cache line pair per four; 64 locks keep the loops apart. */
enum { WAYS = 16, SETS = 4096, LOCKS = 64, COUNTER_WAYS = 16 };

struct bucket {
    uint64_t key;
    int64_t millitokens;
    int64_t at_us;
};

struct counter {
    uint64_t key;
    uint32_t count;
};

struct limiter {
    uint64_t secret[2];
    pthread_mutex_t locks[LOCKS];
    struct bucket buckets[SETS][WAYS];
    struct counter counters[SETS][COUNTER_WAYS];
};

struct limiter *
limiter_create(void)
{
    struct limiter *limiter = calloc(1, sizeof *limiter);

    if (!limiter)
        return NULL;
    random_bytes(limiter->secret, sizeof limiter->secret);
    for (int i = 0; i < LOCKS; i++)
        (void) pthread_mutex_init(&limiter->locks[i], NULL);
    return limiter;
}

void
limiter_destroy(struct limiter *limiter)
{
    if (!limiter)
        return;
    for (int i = 0; i < LOCKS; i++)
        (void) pthread_mutex_destroy(&limiter->locks[i]);
    free(limiter);
}

static uint64_t
fold(uint64_t a, uint64_t b)
{
    const unsigned __int128 product = (unsigned __int128) a * b;

    return (uint64_t) product ^ (uint64_t) (product >> 64);
}

/* wyhash's mixing step over eight bytes at a time: a keyed hash good enough that sets cannot be
 * aimed at from outside. */
uint64_t
limiter_key(const struct limiter *limiter, const char *purpose, const void *bytes, size_t size)
{
    uint64_t hash = limiter->secret[0] ^ (uint64_t) (unsigned char) purpose[0] << 8 ^ size;
    const unsigned char *at = bytes;

    while (size > 0) {
        uint64_t word = 0;
        const size_t step = size < 8 ? size : 8;
        memcpy(&word, at, step);
        hash = fold(hash ^ word, limiter->secret[1] | 1);
        at += step;
        size -= step;
    }
    hash = fold(hash ^ UINT64_C(0xa0761d6478bd642f), limiter->secret[0] | 1);
    return hash ? hash : 1; /* 0 marks an empty place */
}

uint64_t
limiter_address_key(const struct limiter *limiter, const struct sockaddr_storage *address)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

    if (address->ss_family == AF_INET)
        return limiter_key(limiter, "4",
                           &((const struct sockaddr_in *) (const void *) address)->sin_addr, 4);
    if (address->ss_family != AF_INET6)
        return limiter_key(limiter, "0", "", 0);
    const uint8_t *bytes =
        ((const struct sockaddr_in6 *) (const void *) address)->sin6_addr.s6_addr;
    if (memcmp(bytes, mapped, sizeof mapped) == 0)
        return limiter_key(limiter, "4", bytes + 12, 4);
    return limiter_key(limiter, "6", bytes, 8); /* one customer has a /64 at least */
}

static size_t
set_of(uint64_t key)
{
    return (size_t) (key >> 20) % SETS;
}

static struct bucket *
bucket_of(struct limiter *limiter, uint64_t key, struct rate rate, int64_t now_us)
{
    struct bucket *set = limiter->buckets[set_of(key)];
    struct bucket *oldest = &set[0];

    for (int i = 0; i < WAYS; i++) {
        if (set[i].key == key)
            return &set[i];
        if (set[i].key == 0 || (oldest->key != 0 && set[i].at_us < oldest->at_us))
            oldest = &set[i];
    }
    *oldest = (struct bucket){ key, rate.burst * 1000, now_us };
    return oldest;
}

bool
limiter_take(struct limiter *limiter, uint64_t key, struct rate rate, int64_t now_us,
             int64_t *wait_s)
{
    pthread_mutex_t *lock = &limiter->locks[set_of(key) % LOCKS];
    const int64_t most = rate.burst * 1000;

    (void) pthread_mutex_lock(lock);
    struct bucket *bucket = bucket_of(limiter, key, rate, now_us);
    /* Loops read their clocks apart, so time may seem to run back a little.  The clock moves on by
     * what was credited, so that nobody loses a slow bucket's fractions by asking often. */
    int64_t passed_ms = (now_us - bucket->at_us) / 1000;
    if (passed_ms > 3600000)
        passed_ms = 3600000;
    const int64_t gained = passed_ms > 0 ? passed_ms * rate.per_minute / 60 : 0;
    if (gained > 0) {
        bucket->millitokens += gained;
        bucket->at_us += gained * 60000 / rate.per_minute;
    }
    if (bucket->millitokens >= most) {
        bucket->millitokens = most;
        bucket->at_us = now_us > bucket->at_us ? now_us : bucket->at_us;
    }
    const bool granted = bucket->millitokens >= 1000;
    if (granted)
        bucket->millitokens -= 1000;
    else
        *wait_s = (1000 - bucket->millitokens) * 60 / rate.per_minute / 1000 + 1;
    (void) pthread_mutex_unlock(lock);
    return granted;
}

bool
limiter_enter(struct limiter *limiter, uint64_t key, uint32_t most)
{
    pthread_mutex_t *lock = &limiter->locks[set_of(key) % LOCKS];
    struct counter *set = limiter->counters[set_of(key)], *place = NULL;

    (void) pthread_mutex_lock(lock);
    for (int i = 0; i < COUNTER_WAYS; i++) {
        if (set[i].count > 0 && set[i].key == key) {
            place = &set[i];
            break;
        }
        if (set[i].count == 0 && !place)
            place = &set[i];
    }
    const bool granted = place && place->count < most;
    if (granted) {
        place->key = key;
        place->count++;
    }
    (void) pthread_mutex_unlock(lock);
    return granted;
}

void
limiter_leave(struct limiter *limiter, uint64_t key)
{
    pthread_mutex_t *lock = &limiter->locks[set_of(key) % LOCKS];
    struct counter *set = limiter->counters[set_of(key)];

    (void) pthread_mutex_lock(lock);
    for (int i = 0; i < COUNTER_WAYS; i++) {
        if (set[i].count > 0 && set[i].key == key) {
            set[i].count--;
            break;
        }
    }
    (void) pthread_mutex_unlock(lock);
}
