/* business.c - the offset of business time, from a file that may change under us. */
#include "clock/business.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OFFSET_TEXT_BYTES_MAX = 32 };

/* Which file an offset was read from: a rename, a write or a removal changes one of these. */
struct seen {
    bool exists;
    dev_t device;
    ino_t file;
    off_t size;
    struct timespec changed;
};

struct business_clock {
    char *path;
    pthread_mutex_t lock;
    struct seen seen;
    int64_t offset_us;
};

err_t
business_clock_open(const char *path, struct business_clock **out, struct err *err)
{
    *out = NULL;
    if (!path || !path[0])
        return ERR_OK;

    OWNED(business_clock_close) struct business_clock *clock = calloc(1, sizeof *clock);
    if (!clock)
        return err_set(err, ERR_UNAVAILABLE, "clock.memory", "out of memory");
    if (pthread_mutex_init(&clock->lock, NULL) != 0)
        abort();
    clock->path = strdup(path);
    if (!clock->path)
        return err_set(err, ERR_UNAVAILABLE, "clock.memory", "out of memory");
    *out = TAKE(clock);
    return ERR_OK;
}

void
business_clock_close(struct business_clock *clock)
{
    if (!clock)
        return;
    (void) pthread_mutex_destroy(&clock->lock);
    free(clock->path);
    free(clock);
}

bool
business_offset_parse(const char *text, int64_t *offset_us)
{
    const char *digits = text + (text[0] == '-' || text[0] == '+');
    char *end;

    if (digits[0] < '0' || digits[0] > '9') /* strtoll() would take blanks and a second sign */
        return false;
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    if (errno != 0 || (end[0] != '\0' && strcmp(end, "\n") != 0) ||
        value > BUSINESS_OFFSET_US_MAX || value < -BUSINESS_OFFSET_US_MAX)
        return false;
    *offset_us = value;
    return true;
}

static bool
same(const struct seen *a, const struct seen *b)
{
    return a->exists == b->exists && a->device == b->device && a->file == b->file &&
           a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

static struct seen
seen_of(const struct stat *st)
{
    return (struct seen){ true, st->st_dev, st->st_ino, st->st_size, st->st_ctim };
}

static bool
read_offset(int fd, int64_t *offset_us)
{
    char text[OFFSET_TEXT_BYTES_MAX + 1];
    const ssize_t got = read(fd, text, sizeof text);

    if (got <= 0 || got > OFFSET_TEXT_BYTES_MAX || memchr(text, '\0', (size_t) got))
        return false;
    text[got] = '\0';
    return business_offset_parse(text, offset_us);
}

/* Under the lock; false: the file has become malformed.  What was opened is what is remembered: a
 * file that was replaced between stat() and open() is seen as changed at the next look. */
static bool
look(struct business_clock *clock)
{
    struct seen now = { .exists = false };
    struct stat st;

    if (stat(clock->path, &st) == 0)
        now = seen_of(&st);
    else if (errno != ENOENT && errno != ENOTDIR)
        return true; /* out of descriptors or of rights for a moment: time does not jump for that */
    if (same(&now, &clock->seen))
        return true;
    if (!now.exists) {
        clock->seen = now;
        clock->offset_us = 0;
        return true;
    }

    const int fd = open(clock->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return true;
    const bool read = fstat(fd, &st) == 0 && read_offset(fd, &clock->offset_us);
    (void) close(fd);
    clock->seen = seen_of(&st);
    return read;
}

const char *
business_clock_path(const struct business_clock *clock)
{
    return clock->path;
}

instant_t
business_time(struct business_clock *clock, instant_t wall, bool *malformed)
{
    if (malformed)
        *malformed = false;
    if (!clock)
        return wall;
    (void) pthread_mutex_lock(&clock->lock);
    const bool sound = look(clock);
    const int64_t offset_us = clock->offset_us;
    (void) pthread_mutex_unlock(&clock->lock);
    if (malformed)
        *malformed = !sound;
    return (instant_t){ wall.us + offset_us };
}
