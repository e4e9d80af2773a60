/* crypto.h - the only code that touches OpenSSL primitives and argon2.
 *
 * Every stored byte string names its algorithm in its first byte, so that AES-256-GCM and SM4 can
 * live side by side.  Sources: NIST SP 800-38D (GCM), RFC 5869 (HKDF), RFC 8032 (Ed25519), RFC 9106
 * (argon2). */
#ifndef HUZHU_CRYPTO_H
#define HUZHU_CRYPTO_H

#include "clock/clock.h"
#include "err/err.h"

#define SHA256_BYTES 32
#define KEY_BYTES 32

void sha256(const void *data, size_t size, uint8_t out[static SHA256_BYTES]);
struct sha256; /* piece by piece */
struct sha256 *sha256_create(void) MUST_CHECK;
void sha256_add(struct sha256 *hash, const void *data, size_t size);
void sha256_finish(struct sha256 *hash, uint8_t out[static SHA256_BYTES]); /* and destroys */

void hmac_sha256(const uint8_t key[static KEY_BYTES], const void *data, size_t size,
                 uint8_t out[static SHA256_BYTES]);
bool bytes_equal(const void *a, const void *b, size_t size); /* in constant time */

/* A key for one purpose out of another key (HKDF-SHA256); `info` names the purpose. */
void key_derive(const uint8_t key[static KEY_BYTES], const char *info,
                uint8_t out[static KEY_BYTES]);

/* --- sealing: authenticated encryption of what is stored --- */
enum seal_suite { SEAL_AES_256_GCM = 1, SEAL_SM4_CTR_HMAC_SM3 = 2 };
#define SEAL_OVERHEAD_MAX ((size_t) 64)
/* context binds the bytes to their place ("claims.document/<id>"): unsealing under another one
 * fails. */
err_t seal(enum seal_suite suite, const uint8_t key[static KEY_BYTES], const char *context,
           const void *plain, size_t size, uint8_t *out, size_t *out_size,
           struct err *err) MUST_CHECK;
err_t unseal(const uint8_t key[static KEY_BYTES], const char *context, const void *sealed,
             size_t size, uint8_t *out, size_t *out_size, struct err *err) MUST_CHECK;

/* --- key ring: master keys in files, per-tenant data keys wrapped by them --- */
struct key_ring;
/* A folder with files "<id>.key" (32 bytes as hex, 0600); the file "current" names the newest. */
err_t key_ring_load(const char *folder, struct key_ring **ring, struct err *err) MUST_CHECK;
void key_ring_destroy(struct key_ring *ring);
DEFINE_OWNED(struct key_ring, key_ring_destroy)
err_t key_ring_generate(const char *folder,
                        struct err *err) MUST_CHECK; /* adds a key, makes it current */
/* A key that everyone who has the ring derives alike, for one purpose and tenant named by `info`:
 * of the current master key, whose id goes with what is sealed; and of the master key so named.
 * false: that master key is not in this ring. */
#define RING_KEY_ID_BYTES 16 /* hex digits; no NUL */
void shared_key_current(const struct key_ring *ring, const char *info,
                        char id[static RING_KEY_ID_BYTES], uint8_t key[static KEY_BYTES]);
bool shared_key_of(const struct key_ring *ring, const char *id, const char *info,
                   uint8_t key[static KEY_BYTES]) MUST_CHECK;
/* A new data key and its wrapped form (to be stored); and back. */
#define WRAPPED_KEY_BYTES_MAX ((size_t) 128)
err_t data_key_create(const struct key_ring *ring, uint8_t key[static KEY_BYTES], uint8_t *wrapped,
                      size_t *wrapped_size, struct err *err) MUST_CHECK;
err_t data_key_unwrap(const struct key_ring *ring, const void *wrapped, size_t wrapped_size,
                      uint8_t key[static KEY_BYTES], struct err *err) MUST_CHECK;

/* --- Ed25519 --- */
#define SIGNATURE_BYTES 64
#define KEY_ID_BYTES 17 /* 16 hex digits of SHA-256(public key) and NUL */
struct signer;          /* a private key */
err_t signer_load(const char *path, struct signer **signer,
                  struct err *err) MUST_CHECK; /* PEM, PKCS#8, 0600 */
err_t signer_generate(const char *path,
                      struct err *err) MUST_CHECK; /* refuses to overwrite; path.pub too */
void signer_destroy(struct signer *signer);
DEFINE_OWNED(struct signer, signer_destroy)
const char *signer_key_id(const struct signer *signer);
void signer_public(const struct signer *signer, uint8_t out[static KEY_BYTES]);
err_t signer_sign(const struct signer *signer, const void *data, size_t size,
                  uint8_t signature[static SIGNATURE_BYTES], struct err *err) MUST_CHECK;

/* Public keys that are trusted: a file of lines "<key id> <64 hex digits> <not after, RFC 3339, or
 * ->". Read again when it changed and an unknown id is asked for.  Thread-safe. */
struct verifier;
err_t verifier_load(const char *path, struct verifier **verifier, struct err *err) MUST_CHECK;
void verifier_destroy(struct verifier *verifier);
DEFINE_OWNED(struct verifier, verifier_destroy)
bool verifier_check(struct verifier *verifier, const char *key_id, const void *data, size_t size,
                    const void *signature, size_t signature_size) MUST_CHECK;
/* Key rotation: adds the signer's public key to the file without an end (the file is made when it
 * is missing).  Keys that had none get `others_until`; those a day past their end leave the file.
 */
err_t trusted_keys_add(const char *path, const struct signer *signer, instant_t others_until,
                       struct err *err) MUST_CHECK;

/* --- passwords: argon2id, PHC string format --- */
#define PASSWORD_HASH_BYTES_MAX 160
struct password_cost {
    uint32_t passes, memory_kib, lanes; /* default 2, 19456, 1 (OWASP) */
};
err_t password_hash(const char *password, struct password_cost cost,
                    char out[static PASSWORD_HASH_BYTES_MAX], struct err *err) MUST_CHECK;
bool password_matches(const char *hash, const char *password) MUST_CHECK;
bool password_needs_rehash(const char *hash, struct password_cost cost);

/* URL-safe base64 without padding (RFC 4648 section 5).  out has room for size*4/3+3. */
size_t base64url_encode(const void *data, size_t size, char *out);
bool base64url_decode(const char *text, uint8_t *out, size_t room, size_t *size) MUST_CHECK;

#endif
