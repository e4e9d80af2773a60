/* id.c - UUIDv7: 48 bits of milliseconds, a counter within one, and randomness from the kernel. */
#include "id/id.h"

#include <pthread.h>
#include <string.h>
#include <sys/random.h>

void
random_bytes(void *out, size_t size)
{
    uint8_t *at = out;

    while (size > 0) {
        const size_t want = size < 256 ? size : 256; /* getrandom never returns less for <= 256 */
        const ssize_t got = getrandom(at, want, 0);
        assert(got == (ssize_t) want);
        at += want;
        size -= want;
    }
}

/* Ids are no secrets but must not repeat, and every request mints some: each thread fetches the
 * randomness of many in one system call.  A forked child shares its parent's memory and so would
 * its next ids: what was fetched before a fork is not used behind it. */
enum { POOL_BYTES = 256 };

static _Thread_local struct {
    uint8_t bytes[POOL_BYTES];
    size_t left;
    unsigned forks;
} pool;
static unsigned forks; /* changes in a child that has one thread yet */
static pthread_once_t watched = PTHREAD_ONCE_INIT;

static void
in_child(void)
{
    forks++;
}

static void
watch_forks(void)
{
    const int failed = pthread_atfork(NULL, NULL, in_child);

    assert(!failed);
    (void) failed;
}

static void
pooled_bytes(void *out, size_t size)
{
    (void) pthread_once(&watched, watch_forks);
    if (pool.left < size || pool.forks != forks) {
        random_bytes(pool.bytes, sizeof pool.bytes);
        pool.left = sizeof pool.bytes;
        pool.forks = forks;
    }
    pool.left -= size;
    memcpy(out, pool.bytes + pool.left, size);
}

/* Method 1 of RFC 9562 6.2: a 12-bit counter within the millisecond, then 62 random bits. */
struct id
id_mint(instant_t now)
{
    static _Thread_local uint64_t last_ms;
    static _Thread_local uint16_t counter;
    struct id id;
    uint64_t ms = (uint64_t) now.us / 1000;

    pooled_bytes(id.bytes, sizeof id.bytes);
    if (ms > last_ms) {
        counter = (uint16_t) ((id.bytes[6] << 8 | id.bytes[7]) & 0x7ff); /* half the room is left */
    } else {
        ms = last_ms;
        if (++counter > 0xfff) {
            counter = 0;
            ms++;
        }
    }
    last_ms = ms;
    for (int i = 0; i < 6; i++)
        id.bytes[i] = (uint8_t) (ms >> (40 - 8 * i));
    id.bytes[6] = (uint8_t) (0x70 | counter >> 8);
    id.bytes[7] = (uint8_t) counter;
    id.bytes[8] = (uint8_t) ((id.bytes[8] & 0x3f) | 0x80);
    return id;
}

void
id_format(struct id id, char text[static ID_TEXT_BYTES])
{
    static const char hex[] = "0123456789abcdef";
    char *at = text;

    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = hex[id.bytes[i] >> 4];
        *at++ = hex[id.bytes[i] & 15];
    }
    *at = '\0';
}

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool
id_parse(const char *text, struct id *id)
{
    struct id local;
    const char *at = text;

    if (strlen(text) != ID_TEXT_BYTES - 1)
        return false;
    for (int i = 0; i < 16; i++) {
        if ((i == 4 || i == 6 || i == 8 || i == 10) && *at++ != '-')
            return false;
        const int high = hex_value(at[0]), low = hex_value(at[1]);
        if (high < 0 || low < 0)
            return false;
        local.bytes[i] = (uint8_t) (high << 4 | low);
        at += 2;
    }
    *id = local;
    return true;
}

int
id_cmp(struct id a, struct id b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes);
}

bool
id_is_nil(struct id id)
{
    static const struct id nil;

    return id_cmp(id, nil) == 0;
}
