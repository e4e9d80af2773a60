/* password.c - argon2id (RFC 9106) in the PHC string format. */
#include <stdio.h>
#include <string.h>

#include <argon2.h>

#include "crypto/crypto.h"
#include "id/id.h"

#define SALT_BYTES 16
#define HASH_BYTES 32

err_t
password_hash(const char *password, struct password_cost cost,
              char out[static PASSWORD_HASH_BYTES_MAX], struct err *err)
{
    uint8_t salt[SALT_BYTES];
    char made[PASSWORD_HASH_BYTES_MAX];

    random_bytes(salt, sizeof salt);
    const int code =
        argon2id_hash_encoded(cost.passes, cost.memory_kib, cost.lanes, password, strlen(password),
                              salt, sizeof salt, HASH_BYTES, made, sizeof made);
    if (code != ARGON2_OK)
        return err_set(err, ERR_INTERNAL, "crypto.password", "could not hash a password: %s",
                       argon2_error_message(code));
    memcpy(out, made, sizeof made);
    return ERR_OK;
}

bool
password_matches(const char *hash, const char *password)
{
    return argon2id_verify(hash, password, strlen(password)) == ARGON2_OK;
}

bool
password_needs_rehash(const char *hash, struct password_cost cost)
{
    unsigned version = 0, memory = 0, passes = 0, lanes = 0;

    if (sscanf(hash, "$argon2id$v=%u$m=%u,t=%u,p=%u$", &version, &memory, &passes, &lanes) != 4)
        return true;
    return version != ARGON2_VERSION_NUMBER || memory != cost.memory_kib || passes != cost.passes ||
           lanes != cost.lanes;
}
