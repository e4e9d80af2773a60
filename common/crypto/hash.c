/* hash.c - digests, MACs and key derivation over OpenSSL's EVP interface. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include "crypto/inside.h"

static struct crypto_algorithms algorithms;
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

/* A hash that cannot be computed leaves nothing sensible to do: the process stops. */
static void
must(bool ok)
{
    if (!ok)
        abort();
}

static void
fetch(void)
{
    algorithms.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    algorithms.sm3 = EVP_MD_fetch(NULL, "SM3", NULL);
    algorithms.aes_256_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    algorithms.sm4_ctr = EVP_CIPHER_fetch(NULL, "SM4-CTR", NULL);
    algorithms.hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    algorithms.hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    must(algorithms.sha256 && algorithms.sm3);
    must(algorithms.aes_256_gcm && algorithms.sm4_ctr);
    must(algorithms.hmac && algorithms.hkdf);
}

const struct crypto_algorithms *
crypto_algorithms(void)
{
    must(pthread_once(&fetched, fetch) == 0);
    return &algorithms;
}

void
sha256(const void *data, size_t size, uint8_t out[static SHA256_BYTES])
{
    must(EVP_Digest(data, size, out, NULL, crypto_algorithms()->sha256, NULL) == 1);
}

struct sha256 *
sha256_create(void)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    if (!context)
        return NULL;
    if (EVP_DigestInit_ex2(context, crypto_algorithms()->sha256, NULL) != 1) {
        EVP_MD_CTX_free(context);
        return NULL;
    }
    return (struct sha256 *) context;
}

void
sha256_add(struct sha256 *hash, const void *data, size_t size)
{
    must(EVP_DigestUpdate((EVP_MD_CTX *) hash, data, size) == 1);
}

void
sha256_finish(struct sha256 *hash, uint8_t out[static SHA256_BYTES])
{
    must(EVP_DigestFinal_ex((EVP_MD_CTX *) hash, out, NULL) == 1);
    EVP_MD_CTX_free((EVP_MD_CTX *) hash);
}

void
hmac_pieces(const char *digest, struct piece key, const struct piece *pieces, size_t count,
            uint8_t out[static 32])
{
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(crypto_algorithms()->hmac);
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *) digest, 0),
        OSSL_PARAM_construct_end(),
    };
    size_t size = 0;

    must(context && EVP_MAC_init(context, key.data, key.size, params) == 1);
    for (size_t i = 0; i < count; i++)
        must(EVP_MAC_update(context, pieces[i].data, pieces[i].size) == 1);
    must(EVP_MAC_final(context, out, &size, 32) == 1);
    must(size == 32);
    EVP_MAC_CTX_free(context);
}

/* Written out (RFC 2104), because EVP_MAC looks its digest up by name each time, which costs more
 * than hashing a short text. */
void
hmac_sha256(const uint8_t key[static KEY_BYTES], const void *data, size_t size,
            uint8_t out[static SHA256_BYTES])
{
    enum { BLOCK_BYTES = 64 };
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t inner[BLOCK_BYTES], outer[BLOCK_BYTES], sum[SHA256_BYTES];

    for (size_t i = 0; i < BLOCK_BYTES; i++) {
        const uint8_t byte = i < KEY_BYTES ? key[i] : 0;
        inner[i] = byte ^ 0x36;
        outer[i] = byte ^ 0x5c;
    }
    must(context && EVP_DigestInit_ex2(context, crypto_algorithms()->sha256, NULL) == 1);
    must(EVP_DigestUpdate(context, inner, sizeof inner) == 1);
    must(EVP_DigestUpdate(context, data, size) == 1);
    must(EVP_DigestFinal_ex(context, sum, NULL) == 1);
    must(EVP_DigestInit_ex2(context, crypto_algorithms()->sha256, NULL) == 1);
    must(EVP_DigestUpdate(context, outer, sizeof outer) == 1);
    must(EVP_DigestUpdate(context, sum, sizeof sum) == 1);
    must(EVP_DigestFinal_ex(context, out, NULL) == 1);
    EVP_MD_CTX_free(context);
    OPENSSL_cleanse(inner, sizeof inner);
    OPENSSL_cleanse(outer, sizeof outer);
}

bool
bytes_equal(const void *a, const void *b, size_t size)
{
    return CRYPTO_memcmp(a, b, size) == 0;
}

void
hkdf(const char *digest, struct piece key, struct piece salt, struct piece info, struct piece out)
{
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(crypto_algorithms()->hkdf);
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *) digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *) key.data, key.size),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *) info.data, info.size),
        salt.size
            ? OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *) salt.data, salt.size)
            : OSSL_PARAM_construct_end(),
        OSSL_PARAM_construct_end(),
    };

    must(context && EVP_KDF_derive(context, (unsigned char *) out.data, out.size, params) == 1);
    EVP_KDF_CTX_free(context);
}

void
key_derive(const uint8_t key[static KEY_BYTES], const char *info, uint8_t out[static KEY_BYTES])
{
    hkdf("SHA256", (struct piece){ key, KEY_BYTES }, (struct piece){ NULL, 0 },
         (struct piece){ info, strlen(info) }, (struct piece){ out, KEY_BYTES });
}
