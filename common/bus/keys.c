/* keys.c - CURVE key files. */
#include "bus/bus_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

enum { LINE_BYTES_MAX = 64, PATH_BYTES_MAX = 4096 };

static bool
is_z85_key(const char *text)
{
    uint8_t raw[32];
    const bool ok = strlen(text) == 40 && zmq_z85_decode(raw, text) != NULL;

    explicit_bzero(raw, sizeof raw);
    return ok;
}

static void
read_line(const char *line, struct bus_key_pair *pair)
{
    char word[8], key[BUS_KEY_TEXT_BYTES];

    if (sscanf(line, "%7s %40s", word, key) != 2)
        return;
    if (strcmp(word, "public") == 0)
        memcpy(pair->public_key, key, sizeof key);
    else if (strcmp(word, "secret") == 0)
        memcpy(pair->secret_key, key, sizeof key);
    explicit_bzero(key, sizeof key);
}

static err_t
check(const char *path, const struct bus_key_pair *pair, mode_t mode, struct err *err)
{
    char derived[BUS_KEY_TEXT_BYTES] = "";

    if (!is_z85_key(pair->public_key))
        return err_set(err, ERR_INVALID, "bus.key_malformed", "\"%s\" has no public key", path);
    if (pair->secret_key[0] == '\0')
        return ERR_OK;
    if (mode & (S_IRWXG | S_IRWXO))
        return err_set(err, ERR_INVALID, "bus.key_exposed",
                       "others may reach the secret key in \"%s\" (mode %03o, must be 600)", path,
                       (unsigned) mode & 0777);
    if (!is_z85_key(pair->secret_key) || zmq_curve_public(derived, pair->secret_key) != 0 ||
        strcmp(derived, pair->public_key) != 0)
        return err_set(err, ERR_INVALID, "bus.key_malformed",
                       "the keys in \"%s\" do not belong together", path);
    return ERR_OK;
}

err_t
bus_keys_load(const char *path, struct bus_key_pair *pair, struct err *err)
{
    struct bus_key_pair read = { "", "" };
    char line[LINE_BYTES_MAX];
    struct stat what;
    FILE *file = fopen(path, "re");

    if (!file)
        return err_set(err, ERR_INVALID, "bus.key_unreadable", "cannot read key file \"%s\": %s",
                       path, strerror(errno));
    const bool known = fstat(fileno(file), &what) == 0 && S_ISREG(what.st_mode);
    while (known && fgets(line, sizeof line, file))
        read_line(line, &read);
    (void) fclose(file);
    explicit_bzero(line, sizeof line);
    if (!known)
        return err_set(err, ERR_INVALID, "bus.key_unreadable", "\"%s\" is not a plain file", path);

    const err_t code = check(path, &read, what.st_mode, err);
    if (code == ERR_OK)
        *pair = read;
    explicit_bzero(&read, sizeof read);
    return code;
}

static err_t
write_new(const char *path, mode_t mode, const char *text, struct err *err)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

    if (fd < 0)
        return err_set(err, errno == EEXIST ? ERR_CONFLICT : ERR_INVALID, "bus.key_unwritable",
                       "cannot create \"%s\": %s", path, strerror(errno));
    const size_t size = strlen(text);
    const bool written =
        fchmod(fd, mode) == 0 && write(fd, text, size) == (ssize_t) size && fsync(fd) == 0;
    if (close(fd) != 0 || !written) {
        (void) unlink(path);
        return err_set(err, ERR_INVALID, "bus.key_unwritable", "cannot write \"%s\": %s", path,
                       strerror(errno));
    }
    return ERR_OK;
}

err_t
bus_keys_generate(const char *path, struct err *err)
{
    char public_path[PATH_BYTES_MAX], text[128];
    struct bus_key_pair pair;

    if (snprintf(public_path, sizeof public_path, "%s.pub", path) >= (int) sizeof public_path)
        return err_set(err, ERR_INVALID, "bus.key_unwritable", "the path is too long");
    if (zmq_curve_keypair(pair.public_key, pair.secret_key) != 0)
        return err_set(err, ERR_INTERNAL, "bus.no_curve", "could not make a key pair: %s",
                       zmq_strerror(errno));

    (void) snprintf(text, sizeof text, "public %s\nsecret %s\n", pair.public_key, pair.secret_key);
    err_t code = write_new(path, 0600, text, err);
    (void) snprintf(text, sizeof text, "public %s\n", pair.public_key);
    explicit_bzero(&pair, sizeof pair);
    if (code != ERR_OK)
        return code;
    code = write_new(public_path, 0644, text, err);
    if (code != ERR_OK)
        (void) unlink(path);
    return code;
}
