/* command_bench.c - how many stays a CPU second groups when they lie in memory as text.
 *
 * The whole file is read first; then it is grouped over and over.  CPU time of this one thread
 * counts, so that other work on the machine matters little; the median of the rounds is told, with
 * the best and the worst. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock/clock.h"
#include "command.h"
#include "csv.h"

enum { ROUNDS_MAX = 101, CLASSES = 8, BATCH_MAX = 64 };
static const size_t dx_steps[CLASSES] = { 1, 2, 3, 5, 9, 17, 33, SIZE_MAX };

struct corpus {
    char *bytes;
    struct drg_stay *stays;
    struct drg_text *codes; /* of all stays */
    size_t count, code_count, stay_capacity, code_capacity;
};

static void
corpus_free(struct corpus *corpus)
{
    free(corpus->bytes);
    free(corpus->stays);
    free(corpus->codes);
}

static bool
read_file(const char *path, char **bytes, size_t *size)
{
    FILE *file = fopen(path, "rb");
    bool good = false;

    if (!file)
        return false;
    if (fseek(file, 0, SEEK_END) == 0) {
        const long end = ftell(file);
        rewind(file);
        *bytes = end > 0 ? malloc((size_t) end) : NULL;
        *size = end > 0 ? (size_t) end : 0;
        good = *bytes && fread(*bytes, 1, *size, file) == *size;
    }
    (void) fclose(file);
    return good;
}

/* While the arrays grow, a stay's codes are told by their number; they become pointers at the end.
 */
static bool
keep(struct corpus *c, const struct drg_stay *stay)
{
    const size_t codes = stay->dx_count + stay->op_count;

    if (c->count == c->stay_capacity) {
        c->stay_capacity = c->stay_capacity ? 2 * c->stay_capacity : 1024;
        struct drg_stay *stays = realloc(c->stays, c->stay_capacity * sizeof *stays);
        if (!stays)
            return false;
        c->stays = stays;
    }
    while (c->code_count + codes > c->code_capacity) {
        c->code_capacity = c->code_capacity ? 2 * c->code_capacity : 4096;
        struct drg_text *more = realloc(c->codes, c->code_capacity * sizeof *more);
        if (!more)
            return false;
        c->codes = more;
    }
    if (codes > 0)
        memcpy(c->codes + c->code_count, stay->dx ? stay->dx : stay->op, codes * sizeof *c->codes);
    c->code_count += codes;
    c->stays[c->count++] = *stay;
    return true;
}

static bool
load(const char *path, struct corpus *c)
{
    struct csv_row row = { .count = 0 };
    struct csv_layout layout;
    struct drg_stay stay = DRG_STAY_INIT;
    struct err err;
    const char *next;
    size_t size;

    if (!read_file(path, &c->bytes, &size)) {
        (void) fprintf(stderr, "cannot read %s\n", path);
        return false;
    }
    char *p = c->bytes, *const end = c->bytes + size;
    bool good = true, first = true;
    for (; p < end && good; p += next - p) {
        const enum csv_found found = csv_next(p, end, true, &next);
        csv_split(p, p + (next - p), &row);
        if (first && csv_layout_read(&row, &layout, &err) != ERR_OK) {
            (void) command_failed(&err);
            good = false;
        } else if (!first && found == CSV_ROW && csv_stay(&layout, &row, &stay) == DRG_WHY_NONE) {
            good = keep(c, &stay);
        }
        first = false;
    }
    csv_row_done(&row);
    for (size_t i = 0, at = 0; i < c->count && good; i++) {
        c->stays[i].dx = c->codes + at;
        at += c->stays[i].dx_count;
        c->stays[i].op = c->codes + at;
        at += c->stays[i].op_count;
    }
    return good && c->count > 0;
}

static double
cpu_seconds(void)
{
    struct timespec now;

    /* tidy: the thread's CPU time is no time of day, and common/clock does not have it. */
    return clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0
               ? (double) now.tv_sec + 1e-9 * (double) now.tv_nsec
               : 0;
}

static int
by_value(const void *a, const void *b)
{
    const double x = *(const double *) a, y = *(const double *) b;

    return (x > y) - (x < y);
}

/* Nanoseconds of CPU a stay. */
static double
time_round(const struct drg_scheme *scheme, const struct drg_stay *stays, size_t count,
           size_t batch)
{
    static struct drg_result results[BATCH_MAX];
    size_t grouped = 0;
    const double start = cpu_seconds();

    for (size_t done = 0; done < count; done += batch) {
        const size_t part = count - done < batch ? count - done : batch;
        drg_group_many(scheme, stays + done, part, results);
        grouped += results[0].status == DRG_OK;
    }
    const double seconds = cpu_seconds() - start;
    return grouped <= count ? 1e9 * seconds / (double) count : 0;
}

/* The stays of one class close together in memory, as a caller would have them who made them just
 * now. */
static size_t
pick(const struct corpus *c, size_t from, size_t to, struct corpus *picked)
{
    char *text;
    size_t bytes = 1;

    for (size_t i = 0; i < c->code_count; i++)
        bytes += c->codes[i].size;
    picked->bytes = text = malloc(bytes);
    picked->stays = malloc(c->count * sizeof *picked->stays);
    picked->codes = malloc((c->code_count + 1) * sizeof *picked->codes);
    for (size_t i = 0; i < c->count && text && picked->stays && picked->codes; i++) {
        struct drg_stay stay = c->stays[i];
        const size_t codes = stay.dx_count + stay.op_count;
        if (codes < from || codes >= to)
            continue;
        stay.dx = picked->codes + picked->code_count;
        stay.op = stay.dx + stay.dx_count;
        for (size_t j = 0; j < codes; j++) {
            const struct drg_text code = c->stays[i].dx[j];
            memcpy(text, code.text, code.size);
            picked->codes[picked->code_count++] = (struct drg_text){ text, code.size };
            text += code.size;
        }
        picked->stays[picked->count++] = stay;
    }
    return picked->count;
}

static void
time_class(const struct drg_scheme *scheme, const struct corpus *c, size_t from, size_t to,
           size_t batch, double seconds)
{
    double rounds[ROUNDS_MAX];
    struct corpus picked = { 0 };
    size_t count = 0;
    const size_t stays = pick(c, from, to, &picked);
    const double start = cpu_seconds();

    while (stays > 0 && count < ROUNDS_MAX && (count < 5 || cpu_seconds() - start < seconds))
        rounds[count++] = time_round(scheme, picked.stays, stays, batch);
    corpus_free(&picked);
    if (count == 0)
        return;
    qsort(rounds, count, sizeof *rounds, by_value);
    const double median = rounds[count / 2];
    if (to == SIZE_MAX && from == 0)
        (void) printf("%2zu at a time     ", batch);
    else if (to == SIZE_MAX)
        (void) printf("%3zu codes or more", from);
    else
        (void) printf("%3zu .. %3zu codes ", from, to - 1);
    (void) printf(" %8zu stays %8.1f ns a stay [%.1f .. %.1f]  %9.0f stays a CPU second\n", stays,
                  median, rounds[0], rounds[count - 1], 1e9 / median);
}

static void
time_load(const char *path)
{
    double rounds[21];

    for (size_t i = 0; i < COUNT(rounds); i++) {
        const int64_t before_us = clock_monotonic_us();
        struct drg_scheme *scheme = command_scheme(path);
        if (!scheme)
            return;
        rounds[i] = 1e-3 * (double) (clock_monotonic_us() - before_us);
        drg_scheme_close(scheme);
    }
    qsort(rounds, COUNT(rounds), sizeof *rounds, by_value);
    (void) printf("load              %8.2f ms [%.2f .. %.2f]\n", rounds[COUNT(rounds) / 2],
                  rounds[0], rounds[COUNT(rounds) - 1]);
}

int
command_bench(int argc, char **argv)
{
    struct corpus corpus = { 0 };
    int seconds = 2;

    if (argc != 2 && !(argc == 4 && strcmp(argv[2], "--seconds") == 0 &&
                       (seconds = command_number(argv[3], 600)) > 0))
        return EXIT_USAGE;
    OWNED(drg_scheme_close) struct drg_scheme *scheme = command_scheme(argv[0]);
    if (!scheme)
        return EXIT_REFUSED;
    int status = EXIT_REFUSED;
    if (load(argv[1], &corpus)) {
        time_load(argv[0]);
        time_class(scheme, &corpus, 0, SIZE_MAX, 1, seconds);
        time_class(scheme, &corpus, 0, SIZE_MAX, BATCH_MAX, seconds);
        for (int i = 0; i + 1 < CLASSES; i++)
            time_class(scheme, &corpus, dx_steps[i], dx_steps[i + 1], BATCH_MAX, 0.2);
        status = EXIT_DONE;
    }
    corpus_free(&corpus);
    return status;
}
