/* key_file.c - key files on disk: read with a check of who else may, written whole or not at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/inside.h"
#include "id/id.h"

#define PATH_BYTES_MAX 4096

static void
close_fd(const int *fd)
{
    if (*fd >= 0)
        (void) close(*fd);
}

err_t
key_file_read(const char *path, bool secret, char *out, size_t room, struct err *err)
{
    CLEANUP(close_fd) const int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat about;

    if (fd < 0 || fstat(fd, &about) != 0)
        return err_set(err, ERR_NOT_FOUND, "key.unreadable", "cannot read %s: %s", path,
                       strerror(errno));
    if (!S_ISREG(about.st_mode))
        return err_set(err, ERR_INVALID, "key.malformed", "%s is not a file", path);
    if (secret && (about.st_mode & 077) != 0)
        return err_set(err, ERR_FORBIDDEN, "key.exposed",
                       "%s may be read by others (mode %03o); it must be 0600", path,
                       (unsigned) about.st_mode & 0777);

    size_t used = 0;
    while (used < room) {
        const ssize_t n = read(fd, out + used, room - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, ERR_NOT_FOUND, "key.unreadable", "cannot read %s: %s", path,
                           strerror(errno));
        if (n == 0) {
            out[used] = '\0';
            return ERR_OK;
        }
        used += (size_t) n;
    }
    return err_set(err, ERR_INVALID, "key.malformed", "%s is longer than %zu bytes", path, room);
}

static bool
write_all(int fd, const char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        const ssize_t n = write(fd, text, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        text += n;
        left -= (size_t) n;
    }
    return fsync(fd) == 0;
}

/* The rename is durable only once the folder is. */
static void
sync_folder_of(const char *path)
{
    char folder[PATH_BYTES_MAX];
    const char *slash = strrchr(path, '/');

    if (slash)
        (void) snprintf(folder, sizeof folder, "%.*s", (int) (slash - path + 1), path);
    else
        (void) snprintf(folder, sizeof folder, ".");
    CLEANUP(close_fd) const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        (void) fsync(fd);
}

err_t
key_file_write(const char *path, unsigned mode, bool fresh, const char *text, struct err *err)
{
    char beside[PATH_BYTES_MAX], tail[17];
    uint8_t random[8];

    random_bytes(random, sizeof random);
    hex_encode(random, sizeof random, tail);
    if (snprintf(beside, sizeof beside, "%s.%s", path, tail) >= (int) sizeof beside)
        return err_set(err, ERR_INVALID, "key.path", "the path %.64s... is too long", path);

    CLEANUP(close_fd)
    const int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t) mode);
    const bool written = fd >= 0 && fchmod(fd, (mode_t) mode) == 0 && write_all(fd, text);
    /* link() refuses an existing name, rename() replaces it: each in one step. */
    const bool placed = written && (fresh ? link(beside, path) == 0 : rename(beside, path) == 0);
    const int why = errno;
    if (fd >= 0 && (fresh || !placed))
        (void) unlink(beside);
    if (!placed && fresh && written && why == EEXIST)
        return err_set(err, ERR_CONFLICT, "key.exists", "%s exists; it is not overwritten", path);
    if (!placed)
        return err_set(err, ERR_INTERNAL, "key.unwritable", "cannot write %s: %s", path,
                       strerror(why));
    sync_folder_of(path);
    return ERR_OK;
}

void
hex_encode(const void *data, size_t size, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = data;

    for (size_t i = 0; i < size; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * size] = '\0';
}

static int
hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

bool
hex_decode(const char *text, uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        const int high = hex_value(text[2 * i]);
        const int low = high < 0 ? -1 : hex_value(text[2 * i + 1]);
        if (low < 0)
            return false;
        out[i] = (uint8_t) (high << 4 | low);
    }
    return true;
}
