/* verifier.c - the public keys that are trusted now, from a file that may change under us.
 *
 * The file is looked at (one stat) at most once a second, and at once when an unknown key id is
 * asked for: a rotated key works without a restart, a withdrawn one stops within a second.  A file
 * that cannot be read or parsed leaves the old keys in force. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "clock/clock.h"
#include "crypto/inside.h"

#define VERIFIER_KEYS_MAX 64
#define VERIFIER_FILE_BYTES ((size_t) VERIFIER_KEYS_MAX * 160)
#define LOOK_EVERY_US US_PER_SECOND

struct trusted_key {
    char id[KEY_ID_BYTES];
    EVP_PKEY *key;
    int64_t not_after_us; /* 0: no end */
};

struct trusted_keys {
    struct trusted_key keys[VERIFIER_KEYS_MAX];
    size_t count;
};

struct verifier {
    char *path;
    pthread_rwlock_t lock; /* of all below */
    struct trusted_keys *trusted;
    struct stat seen;
    _Atomic int64_t looked_us;
};

static void
trusted_keys_destroy(struct trusted_keys *trusted)
{
    if (!trusted)
        return;
    for (size_t i = 0; i < trusted->count; i++)
        EVP_PKEY_free(trusted->keys[i].key);
    free(trusted);
}
DEFINE_OWNED(struct trusted_keys, trusted_keys_destroy)

void
verifier_destroy(struct verifier *verifier)
{
    if (!verifier)
        return;
    trusted_keys_destroy(verifier->trusted);
    (void) pthread_rwlock_destroy(&verifier->lock);
    free(verifier->path);
    free(verifier);
}

static bool
line_parse(const char *line, struct trusted_key *key)
{
    char id[KEY_ID_BYTES], hex[2 * KEY_BYTES + 1], until[INSTANT_TEXT_BYTES + 8], rest;
    uint8_t public_key[KEY_BYTES], hash[SHA256_BYTES];
    char own_id[KEY_ID_BYTES];
    instant_t not_after = { 0 };

    if (sscanf(line, "%16s %64s %35s %c", id, hex, until, &rest) != 3)
        return false;
    if (strlen(hex) != sizeof hex - 1 || !hex_decode(hex, public_key, sizeof public_key))
        return false;
    if (strcmp(until, "-") != 0 && !instant_parse(until, &not_after))
        return false;
    /* The id is made of the key: a line whose halves do not belong together is a mistake. */
    sha256(public_key, sizeof public_key, hash);
    hex_encode(hash, (KEY_ID_BYTES - 1) / 2, own_id);
    if (strcmp(id, own_id) != 0)
        return false;

    key->key = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, public_key, KEY_BYTES);
    if (!key->key)
        return false;
    memcpy(key->id, id, sizeof key->id);
    key->not_after_us = not_after.us;
    return true;
}

static err_t
file_parse(const char *path, char *text, struct trusted_keys **trusted, struct err *err)
{
    OWNED(trusted_keys_destroy) struct trusted_keys *made = calloc(1, sizeof *made);
    char *save = NULL;

    if (!made)
        return err_set(err, ERR_INTERNAL, "memory.out", "no memory for public keys");
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (line[0] == '#' || line[strspn(line, " \t\r")] == '\0')
            continue;
        if (made->count == VERIFIER_KEYS_MAX)
            return err_set(err, ERR_INVALID, "key.too_many", "%s trusts more than %d keys", path,
                           VERIFIER_KEYS_MAX);
        if (!line_parse(line, &made->keys[made->count]))
            return err_set(err, ERR_INVALID, "key.malformed",
                           "%s: a line is not \"<key id> <public key> <not after or ->\"", path);
        made->count++;
    }
    *trusted = TAKE(made);
    return ERR_OK;
}

static void
free_text(char **text)
{
    free(*text);
}

static err_t
file_load(const char *path, struct trusted_keys **trusted, struct stat *seen, struct err *err)
{
    CLEANUP(free_text) char *text = malloc(VERIFIER_FILE_BYTES);

    if (!text)
        return err_set(err, ERR_INTERNAL, "memory.out", "no memory for public keys");
    /* Stat first: a change after it is seen at the next look. */
    if (stat(path, seen) != 0)
        return err_set(err, ERR_NOT_FOUND, "key.unreadable", "cannot read %s", path);
    TRY(key_file_read(path, false, text, VERIFIER_FILE_BYTES, err));
    return file_parse(path, text, trusted, err);
}

err_t
verifier_load(const char *path, struct verifier **verifier, struct err *err)
{
    struct verifier *made = calloc(1, sizeof *made);

    if (!made || pthread_rwlock_init(&made->lock, NULL) != 0) {
        free(made);
        return err_set(err, ERR_INTERNAL, "memory.out", "no memory for public keys");
    }
    OWNED(verifier_destroy) struct verifier *owned = made;
    owned->path = strdup(path);
    if (!owned->path)
        return err_set(err, ERR_INTERNAL, "memory.out", "no memory for public keys");
    TRY(file_load(path, &owned->trusted, &owned->seen, err));
    owned->looked_us = clock_monotonic_us();
    *verifier = TAKE(owned);
    return ERR_OK;
}

static bool
has_changed(const struct stat *seen, const struct stat *now)
{
    return seen->st_ino != now->st_ino || seen->st_size != now->st_size ||
           seen->st_mtim.tv_sec != now->st_mtim.tv_sec ||
           seen->st_mtim.tv_nsec != now->st_mtim.tv_nsec;
}

static void
look_again(struct verifier *verifier)
{
    struct trusted_keys *fresh = NULL;
    struct stat now, seen;
    struct err err;

    verifier->looked_us = clock_monotonic_us();
    if (stat(verifier->path, &now) != 0)
        return;
    (void) pthread_rwlock_rdlock(&verifier->lock);
    const bool changed = has_changed(&verifier->seen, &now);
    (void) pthread_rwlock_unlock(&verifier->lock);
    if (!changed || file_load(verifier->path, &fresh, &seen, &err) != ERR_OK)
        return;

    (void) pthread_rwlock_wrlock(&verifier->lock);
    struct trusted_keys *old = verifier->trusted;
    verifier->trusted = fresh;
    verifier->seen = seen;
    (void) pthread_rwlock_unlock(&verifier->lock);
    trusted_keys_destroy(old);
}

static const struct trusted_key *
key_find(const struct trusted_keys *trusted, const char *key_id)
{
    for (size_t i = 0; i < trusted->count; i++)
        if (strcmp(trusted->keys[i].id, key_id) == 0)
            return &trusted->keys[i];
    return NULL;
}

static bool
key_verifies(const struct trusted_key *key, const void *data, size_t size, const void *signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const bool ok = context &&
                    EVP_DigestVerifyInit_ex(context, NULL, NULL, NULL, NULL, key->key, NULL) == 1 &&
                    EVP_DigestVerify(context, signature, SIGNATURE_BYTES, data, size) == 1;

    EVP_MD_CTX_free(context);
    return ok;
}

static bool
check(struct verifier *verifier, const char *key_id, struct piece data, const void *signature,
      bool *known)
{
    bool ok = false;

    (void) pthread_rwlock_rdlock(&verifier->lock);
    const struct trusted_key *key = key_find(verifier->trusted, key_id);
    *known = key != NULL;
    if (key && (key->not_after_us == 0 || clock_now().us <= key->not_after_us))
        ok = key_verifies(key, data.data, data.size, signature);
    (void) pthread_rwlock_unlock(&verifier->lock);
    return ok;
}

bool
verifier_check(struct verifier *verifier, const char *key_id, const void *data, size_t size,
               const void *signature, size_t signature_size)
{
    const struct piece what = { data, size };
    bool known = false;

    if (signature_size != SIGNATURE_BYTES)
        return false;
    if (clock_monotonic_us() - verifier->looked_us >= LOOK_EVERY_US)
        look_again(verifier);
    const bool ok = check(verifier, key_id, what, signature, &known);
    if (known)
        return ok;
    look_again(verifier);
    return check(verifier, key_id, what, signature, &known);
}

/* Whatever such a key signed has been refused for a day: the file stays short. */
static bool
is_long_over(const char *end)
{
    instant_t at;

    return instant_parse(end, &at) && at.us < clock_now().us - US_PER_DAY;
}

err_t
trusted_keys_add(const char *path, const struct signer *signer, instant_t others_until,
                 struct err *err)
{
    CLEANUP(free_text) char *text = malloc(VERIFIER_FILE_BYTES);
    CLEANUP(free_text) char *made = malloc(2 * VERIFIER_FILE_BYTES);
    char hex[2 * KEY_BYTES + 1], until[INSTANT_TEXT_BYTES], *save = NULL;
    uint8_t public_key[KEY_BYTES];
    struct stat about;
    size_t used = 0;

    if (!text || !made)
        return err_set(err, ERR_INTERNAL, "memory.out", "no memory for public keys");
    text[0] = '\0';
    if (stat(path, &about) == 0)
        TRY(key_file_read(path, false, text, VERIFIER_FILE_BYTES, err));
    instant_format(others_until, until);
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char id[KEY_ID_BYTES] = "", key[2 * KEY_BYTES + 1] = "", end[INSTANT_TEXT_BYTES + 8] = "";
        const bool is_key = sscanf(line, "%16s %64s %35s", id, key, end) == 3 && id[0] != '#';
        if (is_key && (strcmp(id, signer_key_id(signer)) == 0 || is_long_over(end)))
            continue;
        const bool endless = is_key && strcmp(end, "-") == 0;
        const int n = endless ? snprintf(made + used, 2 * VERIFIER_FILE_BYTES - used, "%s %s %s\n",
                                         id, key, until)
                              : snprintf(made + used, 2 * VERIFIER_FILE_BYTES - used, "%s\n", line);
        used += (size_t) n;
        if (used >= VERIFIER_FILE_BYTES)
            return err_set(err, ERR_INVALID, "key.too_many", "%s is too long", path);
    }
    signer_public(signer, public_key);
    hex_encode(public_key, sizeof public_key, hex);
    (void) snprintf(made + used, 2 * VERIFIER_FILE_BYTES - used, "%s %s -\n", signer_key_id(signer),
                    hex);
    return key_file_write(path, 0644, false, made, err);
}
