/* seal.c - authenticated encryption of stored bytes.
 *
 *   AES-256-GCM          1 | iv (12) | text | tag (16)      AAD: the context
 *   SM4-CTR + HMAC-SM3   2 | iv (16) | text | tag (32)      encrypt-then-MAC over suite, length of
 *                                                           the context, context, iv, text
 *
 * OpenSSL 3.0 has no SM4-GCM, hence the second shape; its two keys come from the given one by
 * HKDF-SM3.  Random 96-bit ivs are safe for 2^32 seals under one key (SP 800-38D 8.3): a data key
 * belongs to one tenant, which is far below that. */
#include <string.h>

#include <openssl/crypto.h>

#include "crypto/inside.h"
#include "id/id.h"

#define GCM_IV_BYTES 12
#define GCM_TAG_BYTES 16
#define SM4_IV_BYTES 16
#define SM4_TAG_BYTES 32
#define SM4_KEY_BYTES 16

static const struct shape {
    size_t iv, tag;
} shapes[] = {
    [SEAL_AES_256_GCM] = { GCM_IV_BYTES, GCM_TAG_BYTES },
    [SEAL_SM4_CTR_HMAC_SM3] = { SM4_IV_BYTES, SM4_TAG_BYTES },
};
static_assert(1 + SM4_IV_BYTES + SM4_TAG_BYTES <= SEAL_OVERHEAD_MAX, "the overhead fits");

static void
cipher_free(EVP_CIPHER_CTX **context)
{
    EVP_CIPHER_CTX_free(*context);
}

/* OpenSSL counts in int; a stored thing is at most tens of megabytes. */
#define SEAL_PLAIN_BYTES_MAX ((size_t) 1 << 30)

static bool
gcm_run(bool encrypt, const uint8_t *key, const char *context, const uint8_t *sealed,
        struct piece in, uint8_t *out)
{
    CLEANUP(cipher_free) EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    uint8_t *tag = (uint8_t *) sealed + 1 + GCM_IV_BYTES + in.size;
    int n = 0, rest = 0;

    return cipher &&
           EVP_CipherInit_ex2(cipher, crypto_algorithms()->aes_256_gcm, key, sealed + 1, encrypt,
                              NULL) == 1 &&
           EVP_CipherUpdate(cipher, NULL, &n, (const uint8_t *) context, (int) strlen(context)) ==
               1 &&
           (encrypt ||
            EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, GCM_TAG_BYTES, tag) == 1) &&
           (in.size == 0 || EVP_CipherUpdate(cipher, out, &n, in.data, (int) in.size) == 1) &&
           EVP_CipherFinal_ex(cipher, out + in.size, &rest) == 1 && rest == 0 &&
           (!encrypt ||
            EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, GCM_TAG_BYTES, tag) == 1);
}

struct sm4_keys {
    uint8_t cipher[SM4_KEY_BYTES], mac[KEY_BYTES];
};

static void
sm4_keys_of(const uint8_t *key, struct sm4_keys *keys)
{
    const struct piece from = { key, KEY_BYTES }, salt = { NULL, 0 };

    hkdf("SM3", from, salt, (struct piece){ "enc", 3 }, (struct piece){ keys->cipher, 16 });
    hkdf("SM3", from, salt, (struct piece){ "mac", 3 }, (struct piece){ keys->mac, 32 });
}

static void
sm4_tag(const struct sm4_keys *keys, const char *context, const uint8_t *sealed, size_t size,
        uint8_t tag[static SM4_TAG_BYTES])
{
    const size_t context_size = strlen(context);
    uint8_t length[8];

    for (int i = 0; i < 8; i++)
        length[i] = (uint8_t) (context_size >> (8 * (7 - i)));
    hmac_pieces("SM3", (struct piece){ keys->mac, KEY_BYTES },
                (const struct piece[]){ { sealed, 1 },
                                        { length, sizeof length },
                                        { context, context_size },
                                        { sealed + 1, SM4_IV_BYTES + size } },
                4, tag);
}

static bool
sm4_run(bool encrypt, const uint8_t *key, const char *context, const uint8_t *sealed,
        struct piece in, uint8_t *out)
{
    CLEANUP(cipher_free) EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    uint8_t *stored = (uint8_t *) sealed + 1 + SM4_IV_BYTES + in.size;
    uint8_t tag[SM4_TAG_BYTES];
    struct sm4_keys keys;
    int n = 0;

    sm4_keys_of(key, &keys);
    bool ok = cipher != NULL;
    if (ok && !encrypt) {
        sm4_tag(&keys, context, sealed, in.size, tag);
        ok = bytes_equal(tag, stored, sizeof tag);
    }
    ok = ok &&
         EVP_CipherInit_ex2(cipher, crypto_algorithms()->sm4_ctr, keys.cipher, sealed + 1, encrypt,
                            NULL) == 1 &&
         (in.size == 0 || EVP_CipherUpdate(cipher, out, &n, in.data, (int) in.size) == 1);
    if (ok && encrypt)
        sm4_tag(&keys, context, sealed, in.size, stored);
    OPENSSL_cleanse(&keys, sizeof keys);
    return ok;
}

static bool
suite_is_known(int suite)
{
    return suite == SEAL_AES_256_GCM || suite == SEAL_SM4_CTR_HMAC_SM3;
}

err_t
seal_with_iv(enum seal_suite suite, const uint8_t key[static KEY_BYTES], const char *context,
             struct piece plain, const uint8_t *iv, struct piece *out)
{
    assert(suite_is_known((int) suite));
    if (plain.size > SEAL_PLAIN_BYTES_MAX)
        return ERR_INTERNAL;

    uint8_t *sealed = (uint8_t *) out->data;
    sealed[0] = (uint8_t) suite;
    memcpy(sealed + 1, iv, shapes[suite].iv);
    const bool ok = (suite == SEAL_AES_256_GCM ? gcm_run : sm4_run)(
        true, key, context, sealed, plain, sealed + 1 + shapes[suite].iv);
    if (!ok)
        return ERR_INTERNAL;
    out->size = 1 + shapes[suite].iv + plain.size + shapes[suite].tag;
    return ERR_OK;
}

/* NOLINTBEGIN(readability-function-size): bytes in, bytes out, each with its size */
err_t
seal(enum seal_suite suite, const uint8_t key[static KEY_BYTES], const char *context,
     const void *plain, size_t size, uint8_t *out, size_t *out_size, struct err *err)
{
    uint8_t iv[SM4_IV_BYTES];
    struct piece sealed = { out, 0 };

    random_bytes(iv, sizeof iv);
    if (seal_with_iv(suite, key, context, (struct piece){ plain, size }, iv, &sealed) != ERR_OK)
        return err_set(err, ERR_INTERNAL, "crypto.seal", "could not seal %zu bytes", size);
    *out_size = sealed.size;
    return ERR_OK;
}

err_t
unseal(const uint8_t key[static KEY_BYTES], const char *context, const void *sealed, size_t size,
       uint8_t *out, size_t *out_size, struct err *err)
{
    const uint8_t *bytes = sealed;

    if (size == 0 || !suite_is_known(bytes[0]))
        return err_set(err, ERR_INTERNAL, "crypto.unseal", "the sealed bytes name no known suite");

    const struct shape shape = shapes[bytes[0]];
    const size_t overhead = 1 + shape.iv + shape.tag;
    if (size < overhead || size - overhead > SEAL_PLAIN_BYTES_MAX)
        return err_set(err, ERR_INTERNAL, "crypto.unseal", "%zu sealed bytes cannot be whole",
                       size);

    const struct piece text = { bytes + 1 + shape.iv, size - overhead };
    const bool ok =
        (bytes[0] == SEAL_AES_256_GCM ? gcm_run : sm4_run)(false, key, context, bytes, text, out);
    if (!ok) {
        OPENSSL_cleanse(out, text.size); /* GCM has written before it could know */
        return err_set(err, ERR_INTERNAL, "crypto.unseal",
                       "the sealed bytes were changed, moved or sealed under another key");
    }
    *out_size = text.size;
    return ERR_OK;
}
/* NOLINTEND(readability-function-size) */
