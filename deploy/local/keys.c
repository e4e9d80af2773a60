/* keys.c - huzhu-keys: makes an instance's secrets, each in a file that it refuses to overwrite.
 *
 *   huzhu-keys bus PATH       a CURVE key pair: PATH and PATH.pub
 *   huzhu-keys signing PATH   an Ed25519 key: PATH and PATH.pub, which is a line of a trust file
 *   huzhu-keys ring FOLDER    a new current master key in a ring
 *   huzhu-keys show PATH      the public key of a CURVE key file
 *
 * Secrets go into files alone: never on a command line, a terminal or into a log. */
#include <stdio.h>
#include <string.h>

#include "bus/bus_keys.h"
#include "crypto/crypto.h"

static err_t
show(const char *path, struct err *err)
{
    struct bus_key_pair pair;

    TRY(bus_keys_load(path, &pair, err));
    (void) puts(pair.public_key);
    explicit_bzero(&pair, sizeof pair);
    return ERR_OK;
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *verb;
        err_t (*run)(const char *, struct err *);
    } verbs[] = {
        { "bus", bus_keys_generate },
        { "signing", signer_generate },
        { "ring", key_ring_generate },
        { "show", show },
    };
    struct err err = { 0 };

    for (size_t i = 0; argc == 3 && i < COUNT(verbs); i++) {
        if (strcmp(argv[1], verbs[i].verb) != 0)
            continue;
        if (verbs[i].run(argv[2], &err) == ERR_OK)
            return 0;
        (void) fprintf(stderr, "huzhu-keys: %s (%s)\n", err.text, err.reason);
        return 1;
    }
    (void) fputs("usage: huzhu-keys bus PATH | signing PATH | ring FOLDER | show PATH\n", stderr);
    return 2;
}
