/* password.c - argon2id (RFC 9106) in the PHC string format. */
#include <stdlib.h>
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

/* Reads "mark" and the number behind it. */
static bool
number_after(const char **at, const char *mark, unsigned long *number)
{
    const size_t size = strlen(mark);
    char *end;

    if (strncmp(*at, mark, size) != 0 || (*at)[size] < '0' || (*at)[size] > '9')
        return false;
    *number = strtoul(*at + size, &end, 10);
    *at = end;
    return true;
}

bool
password_needs_rehash(const char *hash, struct password_cost cost)
{
    unsigned long version, memory, passes, lanes;
    const char *at = hash;

    if (!number_after(&at, "$argon2id$v=", &version) || !number_after(&at, "$m=", &memory) ||
        !number_after(&at, ",t=", &passes) || !number_after(&at, ",p=", &lanes) || *at != '$')
        return true;
    return version != ARGON2_VERSION_NUMBER || memory != cost.memory_kib || passes != cost.passes ||
           lanes != cost.lanes;
}
