/* bus_keys.h - CURVE key pairs on disk, and who they are.
 *
 * A key file has two lines, "public <Z85>" and "secret <Z85>"; the public file the first alone. The
 * secret file is created with mode 0600 and refused when others may read it. */
#ifndef HUZHU_BUS_KEYS_H
#define HUZHU_BUS_KEYS_H

#include "err/err.h"

#define BUS_KEY_TEXT_BYTES 41 /* 40 Z85 characters and NUL */

struct bus_key_pair {
    char public_key[BUS_KEY_TEXT_BYTES];
    char secret_key[BUS_KEY_TEXT_BYTES]; /* "" when the file holds the public key alone */
};

err_t bus_keys_load(const char *path, struct bus_key_pair *pair, struct err *err) MUST_CHECK;
/* Writes path (0600) and path.pub (0644); refuses to overwrite. */
err_t bus_keys_generate(const char *path, struct err *err) MUST_CHECK;

#endif
