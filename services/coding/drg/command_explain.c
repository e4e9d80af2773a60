/* command_explain.c - explain: one stay from the command line, or rows of a file on stdin. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "csv.h"

struct explain_job {
    const struct drg_scheme *scheme;
    const char *row; /* only the stay of this index; NULL: all */
    bool convert, json, zh, en;
    bool found;
};

static int
print_trace(const struct explain_job *job, const struct drg_stay *stay, struct drg_text index)
{
    json_t *trace = drg_explain(job->scheme, stay);
    bool good = trace != NULL;

    if (good && job->json) {
        if (index.size > 0)
            (void) json_object_set_new(trace, "index", json_stringn(index.text, index.size));
        good = json_dumpf(trace, stdout, JSON_COMPACT) == 0 && putchar('\n') != EOF;
    } else if (good) {
        if (index.size > 0)
            (void) printf("==== %.*s ====\n", (int) index.size, index.text);
        if (job->zh)
            good = drg_explain_text(trace, DRG_ZH, stdout) == ERR_OK;
        if (job->zh && job->en)
            (void) printf("--\n");
        if (good && job->en)
            good = drg_explain_text(trace, DRG_EN, stdout) == ERR_OK;
    }
    json_decref(trace);
    if (!good)
        (void) fprintf(stderr, "huzhu-drg: could not explain: out of memory, or output closed\n");
    return good ? EXIT_DONE : EXIT_REFUSED;
}

static int
explain_row(struct explain_job *job, const struct csv_layout *layout, struct csv_row *row)
{
    struct drg_stay stay = DRG_STAY_INIT;
    struct drg_text index = { "", 0 };

    if (layout->at[CSV_INDEX] >= 0 && (size_t) layout->at[CSV_INDEX] < row->count)
        index = row->fields[layout->at[CSV_INDEX]];
    if (job->row &&
        (index.size != strlen(job->row) || memcmp(index.text, job->row, index.size) != 0))
        return EXIT_DONE;
    job->found = true;
    const enum drg_reason broken = csv_stay(layout, row, &stay);
    if (broken != DRG_WHY_NONE) {
        (void) printf("==== %.*s ====\n%s\n", (int) index.size, index.text,
                      drg_reason_wire(broken));
        return EXIT_DONE;
    }
    stay.convert = job->convert;
    return print_trace(job, &stay, index);
}

static int
explain_rows(struct explain_job *job, FILE *in)
{
    struct csv_row row = { .count = 0 };
    struct csv_layout layout = { .columns = 0 };
    struct err err;
    char *line = NULL;
    size_t capacity = 0;
    int status = EXIT_DONE;
    bool first = true;

    for (ssize_t size; status == EXIT_DONE && (size = getline(&line, &capacity, in)) > 0;
         first = false) {
        csv_split(line, line + size, &row);
        if (!first)
            status = explain_row(job, &layout, &row);
        else if (csv_layout_read(&row, &layout, &err) != ERR_OK)
            status = command_failed(&err);
    }
    if (status == EXIT_DONE && job->row && !job->found) {
        (void) fprintf(stderr, "huzhu-drg: no row has the index %s\n", job->row);
        status = EXIT_REFUSED;
    }
    csv_row_done(&row);
    free(line);
    return status;
}

/* --stay sex=M age=45 dx=A|B proc=C: the same as a file of one row. */
static int
explain_given(struct explain_job *job, int argc, char **argv)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    int status = EXIT_REFUSED;

    if (!file)
        return EXIT_REFUSED;
    for (int line = 0; line < 2; line++) {
        for (int i = 0; i < argc; i++) {
            const char *equals = strchr(argv[i], '=');
            if (!equals || strpbrk(argv[i], "\",\n")) {
                (void) fclose(file);
                free(text);
                return EXIT_USAGE;
            }
            (void) fprintf(file, "%s%.*s", i > 0 ? "," : "",
                           line == 0 ? (int) (equals - argv[i]) : (int) strlen(equals + 1),
                           line == 0 ? argv[i] : equals + 1);
        }
        (void) fputc('\n', file);
    }
    if (fclose(file) == 0 && (file = fmemopen(text, size, "r")) != NULL) {
        status = explain_rows(job, file);
        (void) fclose(file);
    }
    free(text);
    return status;
}

int
command_explain(int argc, char **argv)
{
    struct explain_job job = { .scheme = NULL };
    const char *path = NULL;
    int given = argc;

    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--row") == 0 && i + 1 < argc)
            job.row = argv[++i];
        else if (strcmp(argv[i], "--convert") == 0)
            job.convert = true;
        else if (strcmp(argv[i], "--json") == 0)
            job.json = true;
        else if (strcmp(argv[i], "--zh") == 0)
            job.zh = true;
        else if (strcmp(argv[i], "--en") == 0)
            job.en = true;
        else if (strcmp(argv[i], "--stay") == 0) {
            given = i + 1;
            break;
        } else if (argv[i][0] != '-' && !path)
            path = argv[i];
        else
            return EXIT_USAGE;
    }
    if (!path)
        return EXIT_USAGE;
    if (!job.json && !job.zh && !job.en)
        job.zh = job.en = true;
    OWNED(drg_scheme_close) struct drg_scheme *scheme = command_scheme(path);
    if (!scheme)
        return EXIT_REFUSED;
    job.scheme = scheme;
    return given < argc ? explain_given(&job, argc - given, argv + given)
                        : explain_rows(&job, stdin);
}
