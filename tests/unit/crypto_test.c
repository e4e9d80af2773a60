/* Goal: the primitives give the published answers, and refuse everything that was changed.
 * Method: vectors of FIPS 180, RFC 4231, RFC 5869, RFC 8032, SP 800-38D (McGrew and Viega), GB/T
 * 32905 and the argon2 reference; then every bit of a sealed text is flipped once. */
#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock/clock.h"
#include "crypto/inside.h"

static char folder[] = "/tmp/huzhu-crypto-XXXXXX";

static size_t
unhex(const char *hex, uint8_t *out)
{
    const size_t size = strlen(hex) / 2;
    assert_true(hex_decode(hex, out, size));
    return size;
}

static void
assert_hex(const void *got, size_t size, const char *expected)
{
    char text[1024];

    assert_true(2 * size < sizeof text);
    hex_encode(got, size, text);
    assert_string_equal(text, expected);
}

static const char *
in_folder(const char *name)
{
    static char paths[16][256];
    static unsigned next;
    char *path = paths[next++ % 16];

    (void) snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void
write_text(const char *path, mode_t mode, const char *text)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t) strlen(text));
    assert_int_equal(close(fd), 0);
}

static void
digests_give_the_published_answers(void **state)
{
    uint8_t out[32];

    (void) state;
    sha256("abc", 3, out);
    assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256("", 0, out);
    assert_hex(out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");

    struct sha256 *pieces = sha256_create();
    assert_non_null(pieces);
    sha256_add(pieces, "a", 1);
    sha256_add(pieces, "bc", 2);
    sha256_finish(pieces, out);
    assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");

    assert_int_equal(EVP_Digest("abc", 3, out, NULL, crypto_algorithms()->sm3, NULL), 1);
    assert_hex(out, 32, "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
}

static void
macs_give_the_published_answers(void **state)
{
    static const struct {
        const char *digest, *key, *text, *expected;
    } cases[] = {
        { "SHA256", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
          "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
        { "SHA256", "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
        { "SM3", "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20", "616263",
          "44809d3ff5336f44071be1917887380730ae145f940a53819279801784c65e17" },
    };

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t key[64], text[64], out[32];
        const size_t key_size = unhex(cases[i].key, key), size = unhex(cases[i].text, text);

        hmac_pieces(cases[i].digest, (struct piece){ key, key_size },
                    (const struct piece[]){ { text, 2 }, { text + 2, size - 2 } }, 2, out);
        assert_hex(out, 32, cases[i].expected);
    }

    /* RFC 4231's first two again: HMAC fills a short key up with zeros, so it is one of 32 bytes.
     */
    for (size_t i = 0; i < 2; i++) {
        uint8_t key[KEY_BYTES] = { 0 }, text[64], out[32];
        (void) unhex(cases[i].key, key);
        hmac_sha256(key, text, unhex(cases[i].text, text), out);
        assert_hex(out, 32, cases[i].expected);
    }
    uint8_t key[KEY_BYTES] = { 1 }, whole[32], pieces[32];
    hmac_sha256(key, "huzhu", 5, whole);
    hmac_pieces("SHA256", (struct piece){ key, 32 }, &(struct piece){ "huzhu", 5 }, 1, pieces);
    assert_memory_equal(whole, pieces, 32);
    assert_true(bytes_equal(whole, pieces, 32));
    pieces[31] ^= 1;
    assert_false(bytes_equal(whole, pieces, 32));
}

static void
derived_keys_give_the_published_answers(void **state)
{
    static const struct {
        const char *digest, *key, *salt, *info, *expected;
    } cases[] = {
        { "SHA256", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
          "f0f1f2f3f4f5f6f7f8f9",
          "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865" },
        { "SHA256", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
          "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8" },
        { "SM3", "000102030405060708090a0b0c0d0e0f", "a0a1a2", "68757a6875",
          "1c7263227aad0624e1ba7519ddabce8ae024ebb538e6d50dcc7e74bf3085858a" },
    };

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t key[64], salt[32], info[32], out[64];
        const struct piece k = { key, unhex(cases[i].key, key) },
                           s = { salt, unhex(cases[i].salt, salt) },
                           n = { info, unhex(cases[i].info, info) },
                           o = { out, strlen(cases[i].expected) / 2 };

        hkdf(cases[i].digest, k, s, n, o);
        assert_hex(out, o.size, cases[i].expected);
    }

    uint8_t key[KEY_BYTES] = { 7 }, one[KEY_BYTES], other[KEY_BYTES];
    key_derive(key, "one", one);
    key_derive(key, "other", other);
    assert_memory_not_equal(one, other, KEY_BYTES);
}

static void
sealing_gives_the_published_answers(void **state)
{
    static const struct {
        enum seal_suite suite;
        const char *key, *iv, *context, *plain, *expected; /* behind suite and iv */
    } cases[] = {
        { SEAL_AES_256_GCM, "0000000000000000000000000000000000000000000000000000000000000000",
          "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b" },
        { SEAL_AES_256_GCM, "0000000000000000000000000000000000000000000000000000000000000000",
          "000000000000000000000000", "", "00000000000000000000000000000000",
          "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919" },
        { SEAL_AES_256_GCM, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
          "cafebabefacedbaddecaf888",
          "\xfe\xed\xfa\xce\xde\xad\xbe\xef\xfe\xed\xfa\xce\xde\xad\xbe\xef\xab\xad\xda\xd2",
          "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e24"
          "49a6b525b16aedf5aa0de657ba637b39",
          "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b10"
          "56828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b" },
        /* Computed with the openssl command (kdf, enc, mac), not with this code. */
        { SEAL_SM4_CTR_HMAC_SM3, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
          "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", "identity.account/1",
          "333230323831313936353032313530303335",
          "08139df1e57c0074464369ff81699d151ead"
          "91f1452f312c3a11dbf874b6a2387904ae7ea66558563eb8b621310f68e7ea03" },
    };

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t key[KEY_BYTES], iv[16], plain[64], sealed[128], back[128];
        size_t back_size = 0;
        struct err err;
        struct piece out = { sealed, 0 };
        const size_t plain_size = unhex(cases[i].plain, plain);
        const size_t iv_size = unhex(cases[i].iv, iv);

        (void) unhex(cases[i].key, key);
        assert_int_equal(seal_with_iv(cases[i].suite, key, cases[i].context,
                                      (struct piece){ plain, plain_size }, iv, &out),
                         ERR_OK);
        assert_int_equal(sealed[0], cases[i].suite);
        assert_memory_equal(sealed + 1, iv, iv_size);
        assert_hex(sealed + 1 + iv_size, out.size - 1 - iv_size, cases[i].expected);
        assert_int_equal(unseal(key, cases[i].context, sealed, out.size, back, &back_size, &err),
                         ERR_OK);
        assert_int_equal(back_size, plain_size);
        assert_memory_equal(back, plain, plain_size);
    }
}

static void
sealed_bytes_open_only_unchanged_in_their_place_under_their_key(void **state)
{
    static const enum seal_suite suites[] = { SEAL_AES_256_GCM, SEAL_SM4_CTR_HMAC_SM3 };
    const char text[] = "32028119650215003X";

    (void) state;
    for (size_t s = 0; s < COUNT(suites); s++) {
        uint8_t key[KEY_BYTES] = { 1, 2, 3 }, sealed[sizeof text + SEAL_OVERHEAD_MAX],
                again[sizeof text + SEAL_OVERHEAD_MAX], out[sizeof sealed];
        size_t size = 0, out_size = 0;
        struct err err;

        assert_int_equal(seal(suites[s], key, "a/1", text, sizeof text, sealed, &size, &err),
                         ERR_OK);
        assert_int_equal(seal(suites[s], key, "a/1", text, sizeof text, again, &size, &err),
                         ERR_OK);
        assert_memory_not_equal(sealed, again, size);
        assert_int_equal(unseal(key, "a/1", sealed, size, out, &out_size, &err), ERR_OK);
        assert_string_equal((char *) out, text);

        for (size_t bit = 0; bit < size * 8; bit++) {
            sealed[bit / 8] ^= (uint8_t) (1 << bit % 8);
            assert_int_equal(unseal(key, "a/1", sealed, size, out, &out_size, &err), ERR_INTERNAL);
            assert_string_equal(err.reason, "crypto.unseal");
            sealed[bit / 8] ^= (uint8_t) (1 << bit % 8);
        }
        for (size_t cut = 0; cut < size; cut++)
            assert_int_equal(unseal(key, "a/1", sealed, cut, out, &out_size, &err), ERR_INTERNAL);
        assert_int_equal(unseal(key, "a/2", sealed, size, out, &out_size, &err), ERR_INTERNAL);
        key[0] ^= 1;
        assert_int_equal(unseal(key, "a/1", sealed, size, out, &out_size, &err), ERR_INTERNAL);
    }
}

static void
an_empty_text_seals_too(void **state)
{
    uint8_t key[KEY_BYTES] = { 9 }, sealed[SEAL_OVERHEAD_MAX], out[1];
    size_t size = 0, out_size = 1;
    struct err err;

    (void) state;
    for (int suite = SEAL_AES_256_GCM; suite <= SEAL_SM4_CTR_HMAC_SM3; suite++) {
        assert_int_equal(seal((enum seal_suite) suite, key, "x", "", 0, sealed, &size, &err), 0);
        assert_int_equal(unseal(key, "x", sealed, size, out, &out_size, &err), ERR_OK);
        assert_int_equal(out_size, 0);
    }
}

static void
a_key_ring_opens_what_its_older_keys_wrapped(void **state)
{
    const char *path = in_folder("ring");
    OWNED(key_ring_destroy) struct key_ring *ring = NULL, *newer = NULL, *other = NULL;
    uint8_t key[KEY_BYTES], back[KEY_BYTES], wrapped[WRAPPED_KEY_BYTES_MAX];
    uint8_t fresh[KEY_BYTES], fresh_wrapped[WRAPPED_KEY_BYTES_MAX];
    size_t size = 0, fresh_size = 0;
    struct err err;

    (void) state;
    assert_int_equal(key_ring_load(path, &ring, &err), ERR_NOT_FOUND);
    assert_int_equal(key_ring_generate(path, &err), ERR_OK);
    assert_int_equal(key_ring_load(path, &ring, &err), ERR_OK);
    assert_int_equal(data_key_create(ring, key, wrapped, &size, &err), ERR_OK);
    assert_int_equal(data_key_unwrap(ring, wrapped, size, back, &err), ERR_OK);
    assert_memory_equal(key, back, KEY_BYTES);

    assert_int_equal(key_ring_generate(path, &err), ERR_OK);
    assert_int_equal(key_ring_load(path, &newer, &err), ERR_OK);
    memset(back, 0, sizeof back);
    assert_int_equal(data_key_unwrap(newer, wrapped, size, back, &err), ERR_OK);
    assert_memory_equal(key, back, KEY_BYTES);

    /* What the new key wrapped, the old ring cannot open. */
    assert_int_equal(data_key_create(newer, fresh, fresh_wrapped, &fresh_size, &err), ERR_OK);
    assert_memory_not_equal(wrapped, fresh_wrapped, 17);
    assert_int_equal(data_key_unwrap(ring, fresh_wrapped, fresh_size, back, &err), ERR_INTERNAL);
    assert_string_equal(err.reason, "crypto.unwrap");

    for (size_t cut = 0; cut < size; cut++)
        assert_int_equal(data_key_unwrap(ring, wrapped, cut, back, &err), ERR_INTERNAL);
    wrapped[size - 1] ^= 1;
    assert_int_equal(data_key_unwrap(ring, wrapped, size, back, &err), ERR_INTERNAL);

    /* A key that others may read is no key. */
    char command[512];
    (void) snprintf(command, sizeof command, "chmod 0640 %s/*.key", path);
    assert_int_equal(system(command), 0);
    assert_int_equal(key_ring_load(path, &other, &err), ERR_FORBIDDEN);
    assert_string_equal(err.reason, "key.exposed");
}

/* A PKCS#8 file of a seed, made by hand as RFC 8410 section 7 shapes it. */
static struct signer *
signer_of_seed(const char *seed)
{
    char pem[256];
    uint8_t der[48];
    unsigned char text[128];
    struct signer *signer = NULL;
    struct err err;

    assert_true(hex_decode("302e020100300506032b657004220420", der, 16));
    assert_true(hex_decode(seed, der + 16, 32));
    (void) EVP_EncodeBlock(text, der, sizeof der);
    (void) snprintf(pem, sizeof pem, "-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----\n",
                    (char *) text);
    write_text(in_folder("seed.pem"), 0600, pem);
    assert_int_equal(signer_load(in_folder("seed.pem"), &signer, &err), ERR_OK);
    return signer;
}

static void
signatures_are_those_of_rfc_8032(void **state)
{
    static const struct {
        const char *seed, *public_key, *text, *signature;
    } cases[] = {
        { "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
          "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
          "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
          "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b" },
        { "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
          "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
          "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
          "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00" },
        { "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
          "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
          "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
          "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a" },
    };

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        OWNED(signer_destroy) struct signer *signer = signer_of_seed(cases[i].seed);
        uint8_t text[8], public_key[KEY_BYTES], signature[SIGNATURE_BYTES];
        const size_t size = unhex(cases[i].text, text);
        struct err err;

        signer_public(signer, public_key);
        assert_hex(public_key, sizeof public_key, cases[i].public_key);
        assert_int_equal(signer_sign(signer, text, size, signature, &err), ERR_OK);
        assert_hex(signature, sizeof signature, cases[i].signature);
        assert_int_equal(strlen(signer_key_id(signer)), 16);
    }
}

static void
a_signing_key_is_neither_overwritten_nor_read_when_exposed(void **state)
{
    const char *path = in_folder("sign.pem");
    OWNED(signer_destroy) struct signer *signer = NULL;
    struct stat about;
    struct err err;

    (void) state;
    assert_int_equal(signer_load(path, &signer, &err), ERR_NOT_FOUND);
    assert_int_equal(signer_generate(path, &err), ERR_OK);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    assert_int_equal(signer_generate(path, &err), ERR_CONFLICT);
    assert_string_equal(err.reason, "key.exists");
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(signer_load(path, &signer, &err), ERR_FORBIDDEN);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(signer_load(path, &signer, &err), ERR_OK);
    write_text(path, 0600, "-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n");
    struct signer *none = NULL;
    assert_int_equal(signer_load(path, &none, &err), ERR_INVALID);
    assert_null(none);
}

static void
a_verifier_takes_only_trusted_keys_and_unchanged_bytes(void **state)
{
    OWNED(signer_destroy) struct signer *signer = NULL, *stranger = NULL;
    OWNED(verifier_destroy) struct verifier *verifier = NULL;
    uint8_t signature[SIGNATURE_BYTES], foreign[SIGNATURE_BYTES];
    struct err err;

    (void) state;
    assert_int_equal(signer_generate(in_folder("own.pem"), &err), ERR_OK);
    assert_int_equal(signer_generate(in_folder("stranger.pem"), &err), ERR_OK);
    assert_int_equal(signer_load(in_folder("own.pem"), &signer, &err), ERR_OK);
    assert_int_equal(signer_load(in_folder("stranger.pem"), &stranger, &err), ERR_OK);
    /* The .pub file beside a key is a verifier's file of one line. */
    assert_int_equal(verifier_load(in_folder("own.pem.pub"), &verifier, &err), ERR_OK);
    assert_int_equal(signer_sign(signer, "hello", 5, signature, &err), ERR_OK);
    assert_int_equal(signer_sign(stranger, "hello", 5, foreign, &err), ERR_OK);

    const char *id = signer_key_id(signer);
    assert_true(verifier_check(verifier, id, "hello", 5, signature, sizeof signature));
    assert_false(verifier_check(verifier, id, "hellO", 5, signature, sizeof signature));
    assert_false(verifier_check(verifier, id, "hello", 4, signature, sizeof signature));
    assert_false(verifier_check(verifier, id, "hello", 5, signature, sizeof signature - 1));
    assert_false(verifier_check(verifier, id, "hello", 5, foreign, sizeof foreign));
    assert_false(verifier_check(verifier, "", "hello", 5, signature, sizeof signature));
    assert_false(
        verifier_check(verifier, signer_key_id(stranger), "hello", 5, foreign, sizeof foreign));
    for (size_t bit = 0; bit < sizeof signature * 8; bit += 37) {
        signature[bit / 8] ^= (uint8_t) (1 << bit % 8);
        assert_false(verifier_check(verifier, id, "hello", 5, signature, sizeof signature));
        signature[bit / 8] ^= (uint8_t) (1 << bit % 8);
    }
}

static void
a_rotated_key_is_taken_without_a_restart_and_the_old_one_until_its_end(void **state)
{
    const char *path = in_folder("trusted");
    OWNED(signer_destroy) struct signer *old = NULL, *new = NULL, *late = NULL;
    OWNED(verifier_destroy) struct verifier *verifier = NULL;
    uint8_t by_old[SIGNATURE_BYTES], by_new[SIGNATURE_BYTES], by_late[SIGNATURE_BYTES];
    const instant_t now = clock_now();
    struct err err;

    (void) state;
    assert_int_equal(signer_generate(in_folder("old.pem"), &err), ERR_OK);
    assert_int_equal(signer_generate(in_folder("new.pem"), &err), ERR_OK);
    assert_int_equal(signer_generate(in_folder("late.pem"), &err), ERR_OK);
    assert_int_equal(signer_load(in_folder("old.pem"), &old, &err), ERR_OK);
    assert_int_equal(signer_load(in_folder("new.pem"), &new, &err), ERR_OK);
    assert_int_equal(signer_load(in_folder("late.pem"), &late, &err), ERR_OK);
    assert_int_equal(signer_sign(old, "x", 1, by_old, &err), ERR_OK);
    assert_int_equal(signer_sign(new, "x", 1, by_new, &err), ERR_OK);
    assert_int_equal(signer_sign(late, "x", 1, by_late, &err), ERR_OK);

    assert_int_equal(trusted_keys_add(path, old, now, &err), ERR_OK);
    assert_int_equal(verifier_load(path, &verifier, &err), ERR_OK);
    assert_true(verifier_check(verifier, signer_key_id(old), "x", 1, by_old, 64));
    assert_false(verifier_check(verifier, signer_key_id(new), "x", 1, by_new, 64));

    const instant_t in_an_hour = { now.us + 3600 * US_PER_SECOND };
    assert_int_equal(trusted_keys_add(path, new, in_an_hour, &err), ERR_OK);
    assert_true(verifier_check(verifier, signer_key_id(new), "x", 1, by_new, 64));
    assert_true(verifier_check(verifier, signer_key_id(old), "x", 1, by_old, 64));

    /* A half-written or broken file leaves the old keys in force. */
    write_text(path, 0644, "0123456789abcdef zz -\n");
    assert_false(verifier_check(verifier, signer_key_id(late), "x", 1, by_late, 64));
    assert_true(verifier_check(verifier, signer_key_id(new), "x", 1, by_new, 64));

    /* With an end that has passed, the old key no longer counts. */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(trusted_keys_add(path, old, now, &err), ERR_OK);
    assert_int_equal(trusted_keys_add(path, new, (instant_t){ now.us - 1 }, &err), ERR_OK);
    assert_int_equal(trusted_keys_add(path, late, in_an_hour, &err), ERR_OK);
    assert_true(verifier_check(verifier, signer_key_id(late), "x", 1, by_late, 64));
    assert_true(verifier_check(verifier, signer_key_id(new), "x", 1, by_new, 64));
    assert_false(verifier_check(verifier, signer_key_id(old), "x", 1, by_old, 64));

    /* A day after its end a key leaves the file: rotations may go on for ever. */
    char text[1024];
    struct err read;
    assert_int_equal(key_file_read(path, false, text, sizeof text, &read), ERR_OK);
    assert_non_null(strstr(text, signer_key_id(old)));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(trusted_keys_add(path, old, now, &err), ERR_OK);
    assert_int_equal(
        trusted_keys_add(path, new, (instant_t){ now.us - US_PER_DAY - US_PER_SECOND }, &err),
        ERR_OK);
    assert_int_equal(trusted_keys_add(path, late, in_an_hour, &err), ERR_OK);
    assert_int_equal(key_file_read(path, false, text, sizeof text, &read), ERR_OK);
    assert_null(strstr(text, signer_key_id(old)));
    assert_non_null(strstr(text, signer_key_id(new)));
}

static void
a_file_of_public_keys_is_checked_line_by_line(void **state)
{
    static const struct {
        const char *name, *text;
        err_t code;
    } cases[] = {
        { "no key at all", "# none yet\n\n", ERR_OK },
        { "an id that is not of its key",
          "0000000000000000 d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a -\n",
          ERR_INVALID },
        { "the id of its key, without an end",
          "21fe31dfa154a261 d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a -\n",
          ERR_OK },
        { "with an end",
          "21fe31dfa154a261 d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a "
          "2030-01-01T00:00:00Z\n",
          ERR_OK },
        { "an end that is no instant",
          "21fe31dfa154a261 d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a "
          "tomorrow\n",
          ERR_INVALID },
        { "a short key", "21fe31dfa154a261 d75a98 -\n", ERR_INVALID },
        { "a word too many",
          "21fe31dfa154a261 d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a - x\n",
          ERR_INVALID },
    };

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        OWNED(verifier_destroy) struct verifier *verifier = NULL;
        struct err err = { 0 };

        write_text(in_folder("lines"), 0644, cases[i].text);
        const err_t code = verifier_load(in_folder("lines"), &verifier, &err);
        if (code != cases[i].code)
            fail_msg("%s: %s %s", cases[i].name, err_name(code), err.text);
    }
}

static struct verifier *shared;
static uint8_t shared_signature[SIGNATURE_BYTES];
static char shared_id[KEY_ID_BYTES];

static void *
check_many(void *failures)
{
    for (int i = 0; i < 200; i++)
        if (!verifier_check(shared, shared_id, "x", 1, shared_signature, SIGNATURE_BYTES))
            ++*(int *) failures;
    return NULL;
}

static void
a_verifier_serves_threads_while_its_file_changes(void **state)
{
    const char *path = in_folder("shared");
    OWNED(signer_destroy) struct signer *signer = NULL, *other = NULL;
    pthread_t threads[3];
    int failures[3] = { 0 };
    struct err err;

    (void) state;
    assert_int_equal(signer_generate(in_folder("s.pem"), &err), ERR_OK);
    assert_int_equal(signer_generate(in_folder("t.pem"), &err), ERR_OK);
    assert_int_equal(signer_load(in_folder("s.pem"), &signer, &err), ERR_OK);
    assert_int_equal(signer_load(in_folder("t.pem"), &other, &err), ERR_OK);
    assert_int_equal(trusted_keys_add(path, signer, clock_now(), &err), ERR_OK);
    assert_int_equal(verifier_load(path, &shared, &err), ERR_OK);
    assert_int_equal(signer_sign(signer, "x", 1, shared_signature, &err), ERR_OK);
    memcpy(shared_id, signer_key_id(signer), sizeof shared_id);

    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, check_many, &failures[i]), 0);
    const instant_t later = { clock_now().us + 3600 * US_PER_SECOND };
    for (int i = 0; i < 20; i++) {
        assert_int_equal(trusted_keys_add(path, i % 2 ? signer : other, later, &err), ERR_OK);
        assert_false(verifier_check(shared, "ffffffffffffffff", "x", 1, shared_signature, 64));
    }
    for (size_t i = 0; i < COUNT(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(failures[i], 0);
    }
    verifier_destroy(shared);
}

static void
passwords_match_the_reference_and_themselves_alone(void **state)
{
    const struct password_cost cost = { 1, 64, 1 }, dearer = { 2, 64, 1 };
    char one[PASSWORD_HASH_BYTES_MAX], two[PASSWORD_HASH_BYTES_MAX];
    struct err err;

    (void) state;
    /* From the reference implementation's own tests. */
    assert_true(password_matches("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$"
                                 "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
                                 "password"));
    assert_int_equal(password_hash("互助 fund", cost, one, &err), ERR_OK);
    assert_int_equal(password_hash("互助 fund", cost, two, &err), ERR_OK);
    assert_string_not_equal(one, two);
    assert_true(password_matches(one, "互助 fund"));
    assert_false(password_matches(one, "互助 Fund"));
    assert_false(password_matches("", "互助 fund"));
    assert_false(password_matches("$argon2id$v=19$nonsense", "x"));
    assert_false(password_needs_rehash(one, cost));
    assert_true(password_needs_rehash(one, dearer));
    assert_true(password_needs_rehash("plain", cost));
}

static void
base64url_takes_the_canonical_form_alone(void **state)
{
    static const struct {
        const char *plain, *text;
    } cases[] = {
        { "", "" },
        { "f", "Zg" },
        { "fo", "Zm8" },
        { "foo", "Zm9v" },
        { "foob", "Zm9vYg" },
        { "fooba", "Zm9vYmE" },
        { "foobar", "Zm9vYmFy" },
        { "\xfb\xff", "-_8" },
    };
    static const char *const refused[] = {
        "Z", "Zg==", "Zh", "Zm9", "Zm+v", "Zm/v", "Zm9vA", "Z g"
    };
    uint8_t out[16];
    char text[32];
    size_t size = 0;

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(base64url_encode(cases[i].plain, strlen(cases[i].plain), text),
                         strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
        assert_true(base64url_decode(cases[i].text, out, sizeof out, &size));
        assert_int_equal(size, strlen(cases[i].plain));
        assert_memory_equal(out, cases[i].plain, size);
    }
    for (size_t i = 0; i < COUNT(refused); i++)
        if (base64url_decode(refused[i], out, sizeof out, &size))
            fail_msg("%s was taken", refused[i]);
    assert_false(base64url_decode("Zm9vYmFy", out, 5, &size));
}

static int
make_folder(void **state)
{
    (void) state;
    return mkdtemp(folder) ? 0 : -1;
}

static int
remove_folder(void **state)
{
    char command[64];

    (void) state;
    (void) snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_give_the_published_answers),
        cmocka_unit_test(macs_give_the_published_answers),
        cmocka_unit_test(derived_keys_give_the_published_answers),
        cmocka_unit_test(sealing_gives_the_published_answers),
        cmocka_unit_test(sealed_bytes_open_only_unchanged_in_their_place_under_their_key),
        cmocka_unit_test(an_empty_text_seals_too),
        cmocka_unit_test(a_key_ring_opens_what_its_older_keys_wrapped),
        cmocka_unit_test(signatures_are_those_of_rfc_8032),
        cmocka_unit_test(a_signing_key_is_neither_overwritten_nor_read_when_exposed),
        cmocka_unit_test(a_verifier_takes_only_trusted_keys_and_unchanged_bytes),
        cmocka_unit_test(a_rotated_key_is_taken_without_a_restart_and_the_old_one_until_its_end),
        cmocka_unit_test(a_file_of_public_keys_is_checked_line_by_line),
        cmocka_unit_test(a_verifier_serves_threads_while_its_file_changes),
        cmocka_unit_test(passwords_match_the_reference_and_themselves_alone),
        cmocka_unit_test(base64url_takes_the_canonical_form_alone),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
