/* signer.c - Ed25519 private keys (RFC 8032), one file each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>

#include "crypto/inside.h"

#define PEM_BYTES_MAX 4096

struct signer {
    EVP_PKEY *key;
    uint8_t public_key[KEY_BYTES];
    char id[KEY_ID_BYTES];
};

void
signer_destroy(struct signer *signer)
{
    if (!signer)
        return;
    EVP_PKEY_free(signer->key);
    free(signer);
}

static void
key_id_of(const uint8_t public_key[static KEY_BYTES], char id[static KEY_ID_BYTES])
{
    uint8_t hash[SHA256_BYTES];

    sha256(public_key, KEY_BYTES, hash);
    hex_encode(hash, (KEY_ID_BYTES - 1) / 2, id);
}

/* Without it OpenSSL would ask the terminal for the passphrase of an encrypted key. */
static int
no_passphrase(char *out, int room, int writing, void *context)
{
    (void) out, (void) room, (void) writing, (void) context;
    return -1;
}

err_t
signer_load(const char *path, struct signer **signer, struct err *err)
{
    char pem[PEM_BYTES_MAX];

    TRY(key_file_read(path, true, pem, sizeof pem, err));
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    BIO_free(bio);
    OPENSSL_cleanse(pem, sizeof pem);

    OWNED(signer_destroy) struct signer *made = calloc(1, sizeof *made);
    size_t size = KEY_BYTES;
    if (!made || !key || !EVP_PKEY_is_a(key, "ED25519") ||
        EVP_PKEY_get_raw_public_key(key, made->public_key, &size) != 1) {
        EVP_PKEY_free(key);
        return err_set(err, ERR_INVALID, "key.malformed", "%s holds no Ed25519 key", path);
    }
    made->key = key;
    key_id_of(made->public_key, made->id);
    *signer = TAKE(made);
    return ERR_OK;
}

err_t
signer_generate(const char *path, struct err *err)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    BIO *bio = BIO_new(BIO_s_secmem());
    uint8_t public_key[KEY_BYTES];
    size_t size = KEY_BYTES;
    char pem[PEM_BYTES_MAX] = "", id[KEY_ID_BYTES], hex[2 * KEY_BYTES + 1];
    char line[KEY_ID_BYTES + 2 * KEY_BYTES + 8], pub[PEM_BYTES_MAX];

    const bool ok = key && bio &&
                    PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1 &&
                    BIO_read(bio, pem, sizeof pem - 1) > 0 &&
                    EVP_PKEY_get_raw_public_key(key, public_key, &size) == 1;
    EVP_PKEY_free(key);
    BIO_free(bio);
    if (!ok)
        return err_set(err, ERR_INTERNAL, "crypto.keygen", "could not make an Ed25519 key");

    const err_t code = key_file_write(path, 0600, true, pem, err);
    OPENSSL_cleanse(pem, sizeof pem);
    TRY(code);
    key_id_of(public_key, id);
    hex_encode(public_key, sizeof public_key, hex);
    (void) snprintf(line, sizeof line, "%s %s -\n", id, hex);
    if (snprintf(pub, sizeof pub, "%s.pub", path) >= (int) sizeof pub)
        return err_set(err, ERR_INVALID, "key.path", "the path %.64s... is too long", path);
    return key_file_write(pub, 0644, false, line, err);
}

const char *
signer_key_id(const struct signer *signer)
{
    return signer->id;
}

void
signer_public(const struct signer *signer, uint8_t out[static KEY_BYTES])
{
    memcpy(out, signer->public_key, KEY_BYTES);
}

err_t
signer_sign(const struct signer *signer, const void *data, size_t size,
            uint8_t signature[static SIGNATURE_BYTES], struct err *err)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t written = SIGNATURE_BYTES;
    const bool ok =
        context && EVP_DigestSignInit_ex(context, NULL, NULL, NULL, NULL, signer->key, NULL) == 1 &&
        EVP_DigestSign(context, signature, &written, data, size) == 1 && written == SIGNATURE_BYTES;

    EVP_MD_CTX_free(context);
    return ok ? ERR_OK
              : err_set(err, ERR_INTERNAL, "crypto.sign", "could not sign %zu bytes", size);
}
