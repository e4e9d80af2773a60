/* command_group.c - group: rows in, rows out. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "stream.h"

struct group_job {
    const struct drg_scheme *scheme;
    bool convert;
    char suffix[512]; /* the scheme's identity as further columns, or nothing */
    size_t suffix_size;
};

static char *
put_text(char *to, const char *text)
{
    return csv_put(to, text, strlen(text));
}

/* index,status,mdc,adrg,drg,reason */
static void
put_result(struct stream_block *block, const struct group_job *job, struct drg_text index,
           const struct drg_result *result)
{
    const size_t texts = index.size + strlen(result->mdc) + strlen(result->adrg) +
                         strlen(result->drg) + sizeof result->reason;
    char *start = stream_room(block, 2 * texts + 64 + job->suffix_size);

    if (!start)
        abort(); /* a lost row would break "counts in = counts out"; no memory, no result */
    char *to = csv_put(start, index.text, index.size);
    *to++ = ',';
    to = put_text(to, drg_status_wire(result->status));
    *to++ = ',';
    to = put_text(to, result->mdc);
    *to++ = ',';
    to = put_text(to, result->adrg);
    *to++ = ',';
    to = put_text(to, result->drg);
    *to++ = ',';
    if (result->reason[0] != '\0')
        to = put_text(to, result->reason);
    memcpy(to, job->suffix, job->suffix_size);
    to += job->suffix_size;
    *to++ = '\n';
    block->out_size += (size_t) (to - start);
    block->counts[result->status]++;
}

/* Rows wait until there are enough of them for drg_group_many(). */
enum { BATCH = 16 };
struct batch {
    size_t count;
    struct {
        struct csv_row row;
        struct drg_text index;
        enum drg_reason broken;
    } items[BATCH];
    struct drg_stay stays[BATCH];
    struct drg_result results[BATCH];
};

static void *
join(const struct stream *stream)
{
    (void) stream;
    return calloc(1, sizeof(struct batch));
}

static void
leave(const struct stream *stream, struct stream_block *block)
{
    struct batch *batch = block->mine;

    (void) stream;
    for (size_t i = 0; i < BATCH; i++)
        csv_row_done(&batch->items[i].row);
    free(batch);
}

static void
flush(const struct stream *stream, struct stream_block *block)
{
    const struct group_job *job = stream->job;
    struct batch *batch = block->mine;

    drg_group_many(job->scheme, batch->stays, batch->count, batch->results);
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->items[i].broken != DRG_WHY_NONE)
            drg_bad_row(job->scheme, batch->items[i].broken, &batch->results[i]);
        put_result(block, job, batch->items[i].index, &batch->results[i]);
    }
    batch->count = 0;
}

static void
group_row(const struct stream *stream, struct stream_block *block, char *p, char *end,
          enum drg_reason broken)
{
    const struct group_job *job = stream->job;
    struct batch *batch = block->mine;
    struct csv_row *row = &batch->items[batch->count].row;
    struct drg_stay *stay = &batch->stays[batch->count];
    struct drg_text index = { "", 0 };
    const int at = stream->layout.at[CSV_INDEX];

    csv_split(p, end, row);
    if (at >= 0 && (size_t) at < row->count && at < CSV_COLUMNS_MAX)
        index = row->fields[at];
    if (index.size > 256) /* of a broken row, anything may stand there */
        index.size = 256;
    if (broken == DRG_WHY_NONE)
        broken = csv_stay(&stream->layout, row, stay);
    if (broken != DRG_WHY_NONE)
        *stay = DRG_STAY_INIT;
    stay->convert = job->convert;
    batch->items[batch->count].index = index;
    batch->items[batch->count++].broken = broken;
    if (batch->count == BATCH)
        flush(stream, block);
}

static void
print_counts(const uint64_t counts[DRG_STATUS_COUNT])
{
    uint64_t rows = 0;

    for (int i = 0; i < DRG_STATUS_COUNT; i++)
        rows += counts[i];
    (void) fprintf(stderr, "%llu rows", (unsigned long long) rows);
    for (int i = 0; i < DRG_STATUS_COUNT; i++) {
        if (counts[i] > 0)
            (void) fprintf(stderr, ", %s %llu", drg_status_wire((enum drg_status) i),
                           (unsigned long long) counts[i]);
    }
    (void) fprintf(stderr, "\n");
}

static void
prepare_suffix(struct group_job *job, bool identity)
{
    const struct drg_identity *who = drg_scheme_identity(job->scheme);
    char *to = job->suffix;

    if (!identity || 2 * (strlen(who->id) + strlen(who->version)) + 80 > sizeof job->suffix)
        return;
    *to++ = ',';
    to = put_text(to, who->id);
    *to++ = ',';
    to = put_text(to, who->version);
    *to++ = ',';
    to = put_text(to, who->checksum);
    job->suffix_size = (size_t) (to - job->suffix);
}

int
command_group(int argc, char **argv)
{
    struct group_job job = { .convert = false };
    struct stream stream = { .in = STDIN_FILENO,
                             .out = STDOUT_FILENO,
                             .threads = 1,
                             .progress = isatty(STDERR_FILENO) == 1,
                             .row = group_row,
                             .flush = flush,
                             .join = join,
                             .leave = leave,
                             .job = &job };
    const char *path = NULL;
    bool quiet = false, identity = false;
    struct err err;

    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "-j") == 0 && i + 1 < argc)
            stream.threads = command_number(argv[++i], STREAM_THREADS_MAX);
        else if (strcmp(argv[i], "--convert") == 0)
            job.convert = true;
        else if (strcmp(argv[i], "--identity") == 0)
            identity = true;
        else if (strcmp(argv[i], "-q") == 0)
            quiet = true;
        else if (argv[i][0] != '-' && !path)
            path = argv[i];
        else
            return EXIT_USAGE;
    }
    if (!path || stream.threads == 0)
        return EXIT_USAGE;
    stream.progress &= !quiet;
    OWNED(drg_scheme_close) struct drg_scheme *scheme = command_scheme(path);
    if (!scheme)
        return EXIT_REFUSED;
    job.scheme = scheme;
    prepare_suffix(&job, identity);
    stream.head = identity ? "index,status,mdc,adrg,drg,reason,scheme,version,checksum\n"
                           : "index,status,mdc,adrg,drg,reason\n";
    if (stream_run(&stream, &err) != ERR_OK)
        return command_failed(&err);
    if (!quiet)
        print_counts(stream.counts);
    return EXIT_DONE;
}
