/* command_diff.c - diff: how many stays move between which groups when a scheme changes. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "stream.h"
#include "symbols.h"

enum { MOVES_MAX = 1 << 20 }; /* distinct pairs of groups: 825 x 825 fit */

struct moves {
    struct arena *arena;
    struct symbols pairs; /* "KS15 > KS19", "ok KS15 > no_group" */
    uint64_t *counts;
    uint64_t stays, same;
};

struct diff_job {
    const struct drg_scheme *schemes[2];
    bool convert, rows;
    struct moves total;
    bool failed;
};

static bool
count_move(struct moves *moves, const char *pair, uint64_t count)
{
    const uint32_t before = moves->pairs.count;
    const uint32_t at = before < MOVES_MAX || symbols_get(&moves->pairs, pair) != SYMBOL_NONE
                            ? symbols_add_copy(&moves->pairs, pair, strlen(pair))
                            : SYMBOL_NONE;

    if (at == SYMBOL_NONE)
        return false;
    if (at == before && (before & (before - 1)) == 0) { /* grow at the powers of two */
        uint64_t *counts = realloc(moves->counts, 2 * ((size_t) before + 1) * sizeof *counts);
        if (!counts)
            return false;
        moves->counts = counts;
    }
    if (at == before)
        moves->counts[at] = 0;
    moves->counts[at] += count;
    return true;
}

static void
moves_free(struct moves *moves)
{
    symbols_done(&moves->pairs);
    arena_destroy(moves->arena);
    free(moves->counts);
}

static bool
moves_init(struct moves *moves)
{
    *moves = (struct moves){ .arena = arena_create((size_t) 1 << 28) };
    symbols_init(&moves->pairs, moves->arena);
    return moves->arena != NULL;
}

static void *
join(const struct stream *stream)
{
    struct moves *moves = calloc(1, sizeof *moves);

    (void) stream;
    if (moves && !moves_init(moves)) {
        free(moves);
        return NULL;
    }
    return moves;
}

static void
leave(const struct stream *stream, struct stream_block *block)
{
    struct diff_job *job = stream->job;
    struct moves *mine = block->mine;

    for (uint32_t i = 0; i < mine->pairs.count; i++)
        job->failed |= !count_move(&job->total, mine->pairs.texts[i], mine->counts[i]);
    job->total.stays += mine->stays;
    job->total.same += mine->same;
    moves_free(mine);
    free(mine);
}

/* What is compared: the group, or else the status. */
static const char *
outcome(const struct drg_result *result)
{
    return result->drg[0] != '\0' ? result->drg : drg_status_wire(result->status);
}

static void
diff_row(const struct stream *stream, struct stream_block *block, char *p, char *end,
         enum drg_reason broken)
{
    struct diff_job *job = stream->job;
    struct moves *moves = block->mine;
    struct drg_result results[2];
    struct drg_stay stay = DRG_STAY_INIT;
    char pair[512];

    csv_split(p, end, &block->row);
    if (broken == DRG_WHY_NONE)
        broken = csv_stay(&stream->layout, &block->row, &stay);
    for (int i = 0; i < 2; i++) {
        stay.convert = job->convert;
        if (broken == DRG_WHY_NONE)
            drg_group(job->schemes[i], &stay, &results[i]);
        else
            drg_bad_row(job->schemes[i], broken, &results[i]);
    }
    moves->stays++;
    block->counts[results[0].status]++;
    if (results[0].status == results[1].status && strcmp(results[0].drg, results[1].drg) == 0) {
        moves->same++;
        return;
    }
    (void) snprintf(pair, sizeof pair, "%s,%s", outcome(&results[0]), outcome(&results[1]));
    if (!count_move(moves, pair, 1))
        __atomic_store_n(&job->failed, true, __ATOMIC_RELAXED);
    const int at = stream->layout.at[CSV_INDEX];
    char *to = job->rows ? stream_room(block, (size_t) 2 * CSV_ROW_BYTES_MAX + sizeof pair) : NULL;
    if (to && at >= 0 && (size_t) at < block->row.count) {
        char *start = to;
        to = csv_put(to, block->row.fields[at].text, block->row.fields[at].size);
        *to++ = ',';
        memcpy(to, pair, strlen(pair));
        to += strlen(pair);
        *to++ = '\n';
        block->out_size += (size_t) (to - start);
    }
}

struct move {
    const char *pair;
    uint64_t count;
};

static int
by_count(const void *a, const void *b)
{
    const struct move *x = a, *y = b;

    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return strcmp(x->pair, y->pair);
}

static int
print_moves(const struct diff_job *job)
{
    const struct moves *total = &job->total;
    FILE *out = job->rows ? stderr : stdout;
    struct move *moves = calloc((size_t) total->pairs.count + 1, sizeof *moves);

    if (!moves || job->failed) {
        free(moves);
        (void) fprintf(stderr, "huzhu-drg: out of memory, or more than %d kinds of moves\n",
                       MOVES_MAX);
        return EXIT_REFUSED;
    }
    for (uint32_t i = 0; i < total->pairs.count; i++)
        moves[i] = (struct move){ total->pairs.texts[i], total->counts[i] };
    if (total->pairs.count > 0)
        qsort(moves, total->pairs.count, sizeof *moves, by_count);
    (void) fprintf(
        stderr, "%llu stays, %llu stay in their group, %llu move (%.2f %%)\n",
        (unsigned long long) total->stays, (unsigned long long) total->same,
        (unsigned long long) (total->stays - total->same),
        total->stays ? 100.0 * (double) (total->stays - total->same) / (double) total->stays : 0.0);
    if (!job->rows)
        (void) fprintf(out, "from,to,stays\n");
    for (uint32_t i = 0; i < total->pairs.count && !job->rows; i++)
        (void) fprintf(out, "%s,%llu\n", moves[i].pair, (unsigned long long) moves[i].count);
    free(moves);
    return EXIT_DONE;
}

static int
run_diff(struct diff_job *job, int threads)
{
    struct stream stream = { .in = STDIN_FILENO,
                             .out = STDOUT_FILENO,
                             .threads = threads,
                             .progress = isatty(STDERR_FILENO) == 1,
                             .row = diff_row,
                             .join = join,
                             .leave = leave,
                             .job = job,
                             .head = job->rows ? "index,from,to\n" : NULL };
    struct err err;

    if (!moves_init(&job->total))
        return EXIT_REFUSED;
    const int status =
        stream_run(&stream, &err) == ERR_OK ? print_moves(job) : command_failed(&err);
    moves_free(&job->total);
    return status;
}

int
command_diff(int argc, char **argv)
{
    struct diff_job job = { .convert = false };
    const char *paths[2] = { NULL, NULL };
    int threads = 1, count = 0;

    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "-j") == 0 && i + 1 < argc)
            threads = command_number(argv[++i], STREAM_THREADS_MAX);
        else if (strcmp(argv[i], "--convert") == 0)
            job.convert = true;
        else if (strcmp(argv[i], "--rows") == 0)
            job.rows = true;
        else if (argv[i][0] != '-' && count < 2)
            paths[count++] = argv[i];
        else
            return EXIT_USAGE;
    }
    if (count != 2 || threads == 0)
        return EXIT_USAGE;
    OWNED(drg_scheme_close) struct drg_scheme *before = command_scheme(paths[0]);
    OWNED(drg_scheme_close) struct drg_scheme *after = before ? command_scheme(paths[1]) : NULL;
    if (!before || !after)
        return EXIT_REFUSED;
    job.schemes[0] = before;
    job.schemes[1] = after;
    return run_diff(&job, threads);
}
