/* key_ring.c - master keys in files; data keys travel wrapped by one of them.
 *
 * A wrapped key is: length of the master's id (1) | id | the data key sealed under a key derived
 * from the master.  Old masters stay in the folder, so that what they wrapped can be read. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/crypto.h>

#include "crypto/inside.h"
#include "id/id.h"

#define RING_ID_BYTES (RING_KEY_ID_BYTES + 1) /* and NUL */
#define RING_KEYS_MAX 1024                    /* a rotation each week for twenty years */
#define RING_PATH_BYTES 4096
#define WRAP_CONTEXT "huzhu data key"

struct ring_key {
    char id[RING_ID_BYTES];
    /* Derived: the master itself is not kept in memory. */
    uint8_t wrap[KEY_BYTES], shared[KEY_BYTES];
};

struct key_ring {
    struct ring_key *keys;
    size_t count, current;
};

void
key_ring_destroy(struct key_ring *ring)
{
    if (!ring)
        return;
    if (ring->keys)
        OPENSSL_cleanse(ring->keys, ring->count * sizeof *ring->keys);
    free(ring->keys);
    free(ring);
}

static err_t
ring_key_load(const char *folder, const char *name, struct ring_key *key, struct err *err)
{
    char path[RING_PATH_BYTES], text[2 * KEY_BYTES + 3];
    uint8_t master[KEY_BYTES];

    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int) sizeof path)
        return err_set(err, ERR_INVALID, "key.path", "the path of a master key is too long");
    TRY(key_file_read(path, true, text, sizeof text, err));
    text[strcspn(text, "\r\n")] = '\0';
    const bool ok = strlen(text) == (size_t) 2 * KEY_BYTES && hex_decode(text, master, KEY_BYTES);
    OPENSSL_cleanse(text, sizeof text);
    if (!ok)
        return err_set(err, ERR_INVALID, "key.malformed", "%s does not hold 64 hex digits", path);

    (void) snprintf(key->id, sizeof key->id, "%.16s", name);
    key_derive(master, "huzhu wrap", key->wrap);
    key_derive(master, "huzhu shared", key->shared);
    OPENSSL_cleanse(master, sizeof master);
    return ERR_OK;
}

/* "0123456789abcdef.key" */
static bool
is_key_name(const char *name)
{
    return strlen(name) == RING_ID_BYTES - 1 + 4 && strspn(name, "0123456789abcdef") == 16 &&
           strcmp(name + 16, ".key") == 0;
}

static void
close_folder(DIR **folder)
{
    if (*folder)
        (void) closedir(*folder);
}

static err_t
ring_keys_load(const char *folder, struct key_ring *ring, struct err *err)
{
    CLEANUP(close_folder) DIR *dir = opendir(folder);

    if (!dir)
        return err_set(err, ERR_NOT_FOUND, "key.unreadable", "cannot open the key folder %s: %s",
                       folder, strerror(errno));
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (!is_key_name(entry->d_name))
            continue;
        if (ring->count == RING_KEYS_MAX)
            return err_set(err, ERR_INVALID, "key.too_many", "%s holds more than %d keys", folder,
                           RING_KEYS_MAX);
        TRY(ring_key_load(folder, entry->d_name, &ring->keys[ring->count], err));
        ring->count++;
    }
    return ERR_OK;
}

err_t
key_ring_load(const char *folder, struct key_ring **ring, struct err *err)
{
    OWNED(key_ring_destroy) struct key_ring *made = calloc(1, sizeof *made);
    char path[RING_PATH_BYTES], current[RING_ID_BYTES + 2];

    if (made)
        made->keys = calloc(RING_KEYS_MAX, sizeof *made->keys);
    if (!made || !made->keys)
        return err_set(err, ERR_INTERNAL, "memory.out", "no memory for a key ring");
    TRY(ring_keys_load(folder, made, err));
    if (snprintf(path, sizeof path, "%s/current", folder) >= (int) sizeof path)
        return err_set(err, ERR_INVALID, "key.path", "the path of the key folder is too long");
    TRY(key_file_read(path, false, current, sizeof current, err));
    current[strcspn(current, "\r\n")] = '\0';

    for (size_t i = 0; i < made->count; i++) {
        if (strcmp(made->keys[i].id, current) == 0) {
            made->current = i;
            *ring = TAKE(made);
            return ERR_OK;
        }
    }
    return err_set(err, ERR_INVALID, "key.malformed", "%s names a key that is not there", path);
}

err_t
key_ring_generate(const char *folder, struct err *err)
{
    uint8_t random[8], master[KEY_BYTES];
    char id[RING_ID_BYTES + 1], path[RING_PATH_BYTES], text[2 * KEY_BYTES + 2];

    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return err_set(err, ERR_INTERNAL, "key.unwritable", "cannot make the folder %s: %s", folder,
                       strerror(errno));
    random_bytes(random, sizeof random);
    random_bytes(master, sizeof master);
    hex_encode(random, sizeof random, id);
    hex_encode(master, sizeof master, text);
    text[sizeof text - 2] = '\n';
    text[sizeof text - 1] = '\0';
    OPENSSL_cleanse(master, sizeof master);

    if (snprintf(path, sizeof path, "%s/%s.key", folder, id) >= (int) sizeof path)
        return err_set(err, ERR_INVALID, "key.path", "the path of the key folder is too long");
    const err_t code = key_file_write(path, 0600, true, text, err);
    OPENSSL_cleanse(text, sizeof text);
    TRY(code);
    (void) snprintf(path, sizeof path, "%s/current", folder);
    id[RING_ID_BYTES - 1] = '\n';
    id[RING_ID_BYTES] = '\0';
    return key_file_write(path, 0644, false, id, err);
}

void
shared_key_current(const struct key_ring *ring, const char *info, char id[static RING_KEY_ID_BYTES],
                   uint8_t key[static KEY_BYTES])
{
    const struct ring_key *master = &ring->keys[ring->current];

    memcpy(id, master->id, RING_KEY_ID_BYTES);
    key_derive(master->shared, info, key);
}

bool
shared_key_of(const struct key_ring *ring, const char *id, const char *info,
              uint8_t key[static KEY_BYTES])
{
    for (size_t i = 0; i < ring->count; i++) {
        if (memcmp(ring->keys[i].id, id, RING_KEY_ID_BYTES) == 0) {
            key_derive(ring->keys[i].shared, info, key);
            return true;
        }
    }
    return false;
}

err_t
data_key_create(const struct key_ring *ring, uint8_t key[static KEY_BYTES], uint8_t *wrapped,
                size_t *wrapped_size, struct err *err)
{
    const struct ring_key *master = &ring->keys[ring->current];
    uint8_t made[KEY_BYTES];
    size_t size = 0;

    static_assert(RING_ID_BYTES + KEY_BYTES + SEAL_OVERHEAD_MAX <= WRAPPED_KEY_BYTES_MAX, "fits");
    random_bytes(made, sizeof made);
    wrapped[0] = RING_ID_BYTES - 1;
    memcpy(wrapped + 1, master->id, RING_ID_BYTES - 1);
    const err_t code = seal(SEAL_AES_256_GCM, master->wrap, WRAP_CONTEXT, made, sizeof made,
                            wrapped + RING_ID_BYTES, &size, err);
    if (code == ERR_OK) {
        memcpy(key, made, sizeof made);
        *wrapped_size = RING_ID_BYTES + size;
    }
    OPENSSL_cleanse(made, sizeof made);
    return code;
}

err_t
data_key_unwrap(const struct key_ring *ring, const void *wrapped, size_t wrapped_size,
                uint8_t key[static KEY_BYTES], struct err *err)
{
    const uint8_t *bytes = wrapped;
    size_t size = 0;
    uint8_t made[KEY_BYTES + SEAL_OVERHEAD_MAX];

    if (wrapped_size <= RING_ID_BYTES || wrapped_size > WRAPPED_KEY_BYTES_MAX ||
        bytes[0] != RING_ID_BYTES - 1 ||
        wrapped_size - RING_ID_BYTES > KEY_BYTES + SEAL_OVERHEAD_MAX)
        return err_set(err, ERR_INTERNAL, "crypto.unwrap", "the wrapped key is malformed");
    for (size_t i = 0; i < ring->count; i++) {
        if (memcmp(ring->keys[i].id, bytes + 1, RING_ID_BYTES - 1) != 0)
            continue;
        TRY(unseal(ring->keys[i].wrap, WRAP_CONTEXT, bytes + RING_ID_BYTES,
                   wrapped_size - RING_ID_BYTES, made, &size, err));
        if (size != KEY_BYTES)
            return err_set(err, ERR_INTERNAL, "crypto.unwrap", "the wrapped key is malformed");
        memcpy(key, made, KEY_BYTES);
        OPENSSL_cleanse(made, sizeof made);
        return ERR_OK;
    }
    return err_set(err, ERR_INTERNAL, "crypto.unwrap", "the master key %.16s is not in the ring",
                   (const char *) bytes + 1);
}
