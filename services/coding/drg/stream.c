/* stream.c - reading, working and writing in turns. */
#include "stream.h"

#include "clock/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What the threads share. */
struct shared {
    struct stream *stream;
    pthread_mutex_t read_lock, write_lock;
    pthread_cond_t written;
    /* under read_lock */
    char *carry; /* bytes read that belong to the next block */
    size_t carry_size;
    bool end, skipping; /* skipping: the rest of a line that is too long */
    uint64_t next_block;
    /* under write_lock */
    uint64_t next_write, bytes;
    int64_t started_us, told_us;
    err_t code; /* the first failure; everybody leaves */
    struct err *err;
};

static bool
failed(struct shared *s)
{
    return __atomic_load_n(&s->code, __ATOMIC_ACQUIRE) != ERR_OK;
}

/* The first failure is the one that is told.  Under write_lock. */
static void
fail(struct shared *s, const char *what, int error)
{
    if (s->code == ERR_OK)
        __atomic_store_n(&s->code,
                         err_set(s->err, ERR_UNAVAILABLE, "drg.stream", "could not %s: %s", what,
                                 strerror(error)),
                         __ATOMIC_RELEASE);
}

static void
fail_locked(struct shared *s, const char *what, int error)
{
    (void) pthread_mutex_lock(&s->write_lock);
    fail(s, what, error);
    (void) pthread_cond_broadcast(&s->written);
    (void) pthread_mutex_unlock(&s->write_lock);
}

char *
stream_room(struct stream_block *block, size_t size)
{
    if (block->out_size + size > block->out_capacity) {
        size_t capacity = block->out_capacity ? block->out_capacity : 1 << 16;
        while (capacity < block->out_size + size)
            capacity *= 2;
        char *out = realloc(block->out, capacity);
        if (!out)
            return NULL;
        block->out = out;
        block->out_capacity = capacity;
    }
    return block->out + block->out_size;
}

/* Reads until the buffer is full or the input ends. */
static bool
fill(struct shared *s, char *bytes, size_t *size)
{
    while (*size < STREAM_BLOCK_BYTES && !s->end) {
        const ssize_t got = read(s->stream->in, bytes + *size, STREAM_BLOCK_BYTES - *size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            fail_locked(s, "read", errno);
            return false;
        }
        s->end = got == 0;
        *size += (size_t) got;
    }
    return true;
}

/* Where the last whole row of the block ends; 0: it holds none. */
static size_t
whole_rows(const char *bytes, size_t size, bool last)
{
    const char *p = bytes, *const end = bytes + size, *next;

    if (!memchr(bytes, '"', size)) {
        const char *line = last ? end - 1 : memrchr(bytes, '\n', size);
        return line ? (size_t) (line + 1 - bytes) : 0;
    }
    while (p < end && csv_next(p, end, last, &next) != CSV_MORE)
        p = next;
    return (size_t) (p - bytes);
}

/* Throws away what is left of a line that was too long. */
static bool
skip_line(struct shared *s, char *bytes, size_t *size)
{
    while (s->skipping) {
        if (*size == 0 && (!fill(s, bytes, size) || *size == 0)) {
            s->skipping = false;
            return !failed(s);
        }
        const char *line = memchr(bytes, '\n', *size);
        const size_t gone = line ? (size_t) (line + 1 - bytes) : *size;
        memmove(bytes, bytes + gone, *size - gone);
        *size -= gone;
        s->skipping = !line;
    }
    return true;
}

/* Under read_lock.  false: there is no further block. */
static bool
read_block(struct shared *s, struct stream_block *block)
{
    size_t size = s->carry_size;

    memcpy(block->bytes, s->carry, size);
    s->carry_size = 0;
    if (!skip_line(s, block->bytes, &size) || !fill(s, block->bytes, &size) || size == 0)
        return false;
    block->size = whole_rows(block->bytes, size, s->end);
    block->cut = block->size == 0;
    if (block->cut) { /* a full block without a line end */
        block->size = size;
        s->skipping = true;
        return true;
    }
    s->carry_size = size - block->size;
    memcpy(s->carry, block->bytes + block->size, s->carry_size);
    return true;
}

/* A row without quotes needs no look-ahead: its end is its line's. */
static void
work(const struct stream *stream, struct stream_block *block)
{
    char *p = block->bytes, *const end = block->bytes + block->size;
    const bool quotes = memchr(p, '"', block->size) != NULL;
    const bool nuls = memchr(p, '\0', block->size) != NULL;

    if (block->cut) {
        char *comma = memchr(p, ',', 256);
        stream->row(stream, block, p, comma ? comma : p, DRG_WHY_TOO_LONG);
        return;
    }
    while (p < end) {
        enum drg_reason broken = DRG_WHY_NONE;
        const char *next;
        if (quotes) {
            if (csv_next(p, end, true, &next) == CSV_BROKEN)
                broken = DRG_WHY_TOO_LONG;
        } else {
            next = memchr(p, '\n', (size_t) (end - p));
            next = next ? next + 1 : end;
        }
        if (next - p > CSV_ROW_BYTES_MAX)
            broken = DRG_WHY_TOO_LONG;
        else if (nuls && memchr(p, '\0', (size_t) (next - p)))
            broken = DRG_WHY_NUL_BYTE;
        char *stop = p + (next - p);
        stream->row(stream, block, p, stop, broken);
        p = stop;
    }
}

/* Under write_lock. */
static void
tell_progress(struct shared *s, bool last)
{
    const int64_t now_us = clock_monotonic_us();

    if (!s->stream->progress)
        return;
    if (!last && now_us - s->told_us < US_PER_SECOND / 2)
        return;
    s->told_us = now_us;
    const double seconds = (double) (now_us - s->started_us) / US_PER_SECOND;
    (void) fprintf(stderr, "\r%8.1f MB %6.1f MB/s%s", (double) s->bytes / 1e6,
                   (double) s->bytes / 1e6 / (seconds > 0 ? seconds : 1), last ? "\n" : "");
}

static bool
write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        const ssize_t put = write(fd, bytes, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        bytes += put;
        size -= (size_t) put;
    }
    return true;
}

/* Waits for the blocks before this one. */
static void
write_block(struct shared *s, struct stream_block *block, uint64_t number)
{
    (void) pthread_mutex_lock(&s->write_lock);
    while (s->next_write != number && !failed(s))
        (void) pthread_cond_wait(&s->written, &s->write_lock);
    if (!failed(s)) {
        if (!write_all(s->stream->out, block->out, block->out_size))
            fail(s, "write", errno);
        s->next_write++;
        s->bytes += block->size;
        tell_progress(s, false);
    }
    (void) pthread_cond_broadcast(&s->written);
    (void) pthread_mutex_unlock(&s->write_lock);
    block->out_size = 0;
}

static bool
next_block(struct shared *s, struct stream_block *block, uint64_t *number)
{
    (void) pthread_mutex_lock(&s->read_lock);
    const bool any = !failed(s) && read_block(s, block);
    *number = any ? s->next_block++ : 0;
    (void) pthread_mutex_unlock(&s->read_lock);
    return any;
}

static void *
thread_main(void *shared)
{
    struct shared *s = shared;
    const struct stream *stream = s->stream;
    struct stream_block *block = calloc(1, sizeof *block);
    uint64_t number;

    if (block) {
        block->bytes = malloc(STREAM_BLOCK_BYTES);
        block->mine = stream->join ? stream->join(stream) : NULL;
    }
    if (!block || !block->bytes || (stream->join && !block->mine)) {
        fail_locked(s, "start", ENOMEM);
    } else {
        while (next_block(s, block, &number)) {
            work(stream, block);
            if (stream->flush)
                stream->flush(stream, block);
            write_block(s, block, number);
        }
        (void) pthread_mutex_lock(&s->write_lock);
        for (int i = 0; i < DRG_STATUS_COUNT; i++)
            s->stream->counts[i] += block->counts[i];
        if (stream->leave)
            stream->leave(stream, block);
        (void) pthread_mutex_unlock(&s->write_lock);
    }
    if (block) {
        csv_row_done(&block->row);
        free(block->bytes);
        free(block->out);
    }
    free(block);
    return NULL;
}

/* The first row names the columns. */
static err_t
read_header(struct shared *s)
{
    const char *next = s->carry;
    struct csv_row row = { .count = 0 };

    if (!fill(s, s->carry, &s->carry_size))
        return s->code;
    if (s->carry_size == 0 ||
        csv_next(s->carry, s->carry + s->carry_size, s->end, &next) != CSV_ROW)
        return err_set(s->err, ERR_INVALID, "drg.csv_columns", "there is no first row with names");
    csv_split(s->carry, s->carry + (next - s->carry), &row);
    TRY(csv_layout_read(&row, &s->stream->layout, s->err));
    s->carry_size -= (size_t) (next - s->carry);
    memmove(s->carry, next, s->carry_size);
    return ERR_OK;
}

static void
run_threads(struct shared *s)
{
    pthread_t threads[STREAM_THREADS_MAX];
    int started = 0;

    while (started < s->stream->threads - 1 &&
           pthread_create(&threads[started], NULL, thread_main, s) == 0)
        started++;
    (void) thread_main(s); /* this thread works too, so one thread means no thread */
    for (int i = 0; i < started; i++)
        (void) pthread_join(threads[i], NULL);
}

err_t
stream_run(struct stream *stream, struct err *err)
{
    struct shared s = { .stream = stream,
                        .read_lock = PTHREAD_MUTEX_INITIALIZER,
                        .write_lock = PTHREAD_MUTEX_INITIALIZER,
                        .written = PTHREAD_COND_INITIALIZER,
                        .err = err };

    s.carry = malloc(STREAM_BLOCK_BYTES);
    if (!s.carry)
        return err_set(err, ERR_UNAVAILABLE, "drg.stream", "out of memory");
    s.told_us = s.started_us = clock_monotonic_us();
    err_t code = read_header(&s);
    if (code == ERR_OK && stream->head &&
        !write_all(stream->out, stream->head, strlen(stream->head)))
        fail(&s, "write", errno);
    if (code == ERR_OK) {
        run_threads(&s);
        tell_progress(&s, true);
        code = s.code;
    }
    free(s.carry);
    return code;
}
