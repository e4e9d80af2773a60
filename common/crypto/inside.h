/* inside.h - what the files of crypto/ share; nobody else includes it but their tests. */
#ifndef HUZHU_CRYPTO_INSIDE_H
#define HUZHU_CRYPTO_INSIDE_H

#include <openssl/evp.h>
#include <openssl/kdf.h>

#include "crypto/crypto.h"

/* Fetched once: an EVP_*_fetch() for each call costs more than hashing a short record. */
struct crypto_algorithms {
    EVP_MD *sha256, *sm3;
    EVP_CIPHER *aes_256_gcm, *sm4_ctr;
    EVP_MAC *hmac;
    EVP_KDF *hkdf;
};
const struct crypto_algorithms *crypto_algorithms(void); /* aborts when OpenSSL lacks one */

struct piece {
    const void *data;
    size_t size;
};
/* HMAC over the pieces in order; aborts when memory is out, as all hashing here does. */
void hmac_pieces(const char *digest, struct piece key, const struct piece *pieces, size_t count,
                 uint8_t out[static 32]);
/* HKDF (RFC 5869) with "SHA256" or "SM3". */
void hkdf(const char *digest, struct piece key, struct piece salt, struct piece info,
          struct piece out);
/* Deterministic heart of seal(): the vectors of the tests need a chosen iv. */
err_t seal_with_iv(enum seal_suite suite, const uint8_t key[static KEY_BYTES], const char *context,
                   struct piece plain, const uint8_t *iv, struct piece *out) MUST_CHECK;

/* A key file: at most `room` bytes with a NUL behind them; refused when group or others may read
 * it and `secret` is set. */
err_t key_file_read(const char *path, bool secret, char *out, size_t room,
                    struct err *err) MUST_CHECK;
/* Written beside and renamed over, so that a reader never sees half a file.  With `fresh`, an
 * existing file is refused with CONFLICT "key.exists". */
err_t key_file_write(const char *path, unsigned mode, bool fresh, const char *text,
                     struct err *err) MUST_CHECK;

void hex_encode(const void *data, size_t size, char *out);               /* out: 2 * size + 1 */
bool hex_decode(const char *text, uint8_t *out, size_t size) MUST_CHECK; /* 2 * size digits */

#endif
