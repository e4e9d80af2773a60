/* stream.h - rows through any number of threads, in order, in constant memory.
 *
 * Every thread does the whole round by itself: read a block (one at a time), work on it (all at
 * once), write it (in turn).  So there are no queues to bound: memory is one block in and one out
 * per thread. */
#ifndef HUZHU_DRG_STREAM_H
#define HUZHU_DRG_STREAM_H

#include "csv.h"

enum { STREAM_THREADS_MAX = 64, STREAM_BLOCK_BYTES = 1 << 20 };

/* What a thread has for itself. */
struct stream_block {
    char *bytes; /* rows; may be changed */
    size_t size;
    bool cut; /* the bytes are the start of one row that is too long */
    char *out;
    size_t out_size, out_capacity;
    uint64_t counts[DRG_STATUS_COUNT]; /* of all blocks of this thread */
    struct csv_row row;
    void *mine; /* the job's own, per thread */
};

struct stream {
    int in, out;
    int threads;
    bool progress; /* on stderr */
    struct csv_layout layout;
    /* Works on one row, p..end with its line end; broken says why it can be none.  Its output goes
     * where stream_room() says. */
    void (*row)(const struct stream *stream, struct stream_block *block, char *p, char *end,
                enum drg_reason broken);
    /* After the last row of a block; may be NULL. */
    void (*flush)(const struct stream *stream, struct stream_block *block);
    /* Gives a thread what is its own, and takes it back at the end (under a lock); may be NULL. */
    void *(*join)(const struct stream *stream);
    void (*leave)(const struct stream *stream, struct stream_block *block);
    void *job;
    uint64_t counts[DRG_STATUS_COUNT]; /* of all threads */
    const char *head;                  /* written first */
};

/* Reads the header from in, then everything.  ERR_INVALID: the header; ERR_UNAVAILABLE: input,
 * output, memory. */
err_t stream_run(struct stream *stream, struct err *err) MUST_CHECK;

/* Room for size more bytes of output; the caller adds to out_size what it used.  NULL: out of
 * memory. */
char *stream_room(struct stream_block *block, size_t size);

#endif
