/* sha256.h - SHA-256 (FIPS 180-4), so that the grouper needs no cryptography library to name a
 * pack. */
#ifndef HUZHU_DRG_SHA256_H
#define HUZHU_DRG_SHA256_H

#include "base/base.h"

struct sha256 {
    uint32_t state[8];
    uint64_t bytes;
    unsigned char block[64];
};

void sha256_init(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *bytes, size_t size);
/* 64 hex digits and NUL; the hash must be initialised again before further use. */
void sha256_hex(struct sha256 *hash, char hex[65]);

#endif
