/* hzs.c - the checksum of a compiled file. */
#include "hzs.h"

#include <string.h>

/* Four independent lanes keep the multiplier busy (10 GB/s: half a millisecond for a national
 * scheme). It notices damage, not malice: a hostile file is stopped by the bounds that scheme.c
 * checks. */
uint64_t
hzs_checksum(const void *bytes, size_t size)
{
    uint64_t lane[4] = { 0x9e3779b97f4a7c15u, 0xd1b54a32d192ed03u, 0x8cb92ba72f3d8dd7u,
                         0xaef17502108ef2d9u };
    const unsigned char *p = bytes;
    unsigned char tail[64] = { 0 };
    uint64_t word[8];

    for (size_t left = size; left > 0;) {
        const size_t part = left < sizeof word ? left : sizeof word;
        if (part < sizeof word) {
            memcpy(tail, p, part);
            memcpy(word, tail, sizeof word);
        } else {
            memcpy(word, p, sizeof word);
        }
        for (size_t i = 0; i < 4; i++)
            lane[i] = hzs_mix(lane[i] ^ word[2 * i], word[2 * i + 1] ^ 0xd6e8feb86659fd93u) +
                      (lane[i] << 1 | lane[i] >> 63);
        p += part;
        left -= part;
    }
    uint64_t sum = size;
    for (int i = 0; i < 4; i++)
        sum = hzs_mix(sum ^ lane[i], 0x9e3779b97f4a7c15u + (uint64_t) i);
    return sum;
}
