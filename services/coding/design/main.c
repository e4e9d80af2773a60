/* main.c - huzhu-design: one-click plan design from a folder of tables. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output.h"
#include "table.h"

static const char usage[] =
    "用法 / usage:\n"
    "  huzhu-design solve    INPUT_DIR -o OUTPUT_DIR              设计方案 / design the plan\n"
    "  huzhu-design assess   INPUT_DIR -p TABLE -o OUTPUT_DIR     评估已有的表 / figures of a "
    "table\n"
    "  huzhu-design forecast INPUT_DIR -p TABLE -o OUTPUT_DIR     年底结余预测 / year-end balance\n"
    "  huzhu-design simulate INPUT_DIR -p TABLE -o OUTPUT_DIR [-n YEARS] [-s SEED]\n"
    "  huzhu-design settings                                      参数说明 / the settings\n"
    "TABLE: table.tsv of a solved plan, or any table with columns drg and amount\n";

struct command {
    const char *verb, *input, *output, *plan;
    int64_t years;
    uint64_t seed;
};

static const char *file_wanted[] = { "table.tsv", "figures.json", "page.html" };

/* ---- writing -----------------------------------------------------------------------------------
 */

struct result {
    const struct input *in;
    const struct design_plan *plan;
    const struct forecast *forecast;
    const struct simulation *simulation;
};

static bool
write_file(FILE *out, const struct result *r, const char *name)
{
    if (strcmp(name, "table.tsv") == 0)
        output_table(out, r->in, r->plan);
    else if (strcmp(name, "figures.json") == 0)
        return output_figures(out, r->in, r->plan);
    else if (strcmp(name, "page.html") == 0)
        page_plan(out, r->in, r->plan);
    else if (strcmp(name, "forecast.json") == 0)
        return output_forecast(out, r->in, r->forecast);
    else if (strcmp(name, "forecast.html") == 0)
        page_forecast(out, r->in, r->forecast);
    else
        return output_simulation(out, r->simulation);
    return true;
}

/* Whole or not at all: a reader never sees half a plan. */
static err_t
save(const char *dir, const char *name, const struct result *r, struct err *err)
{
    char path[4096], draft[4096 + 8];

    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int) sizeof path)
        return err_at(err, ERR_INVALID, name, DESIGN_OUTPUT, "the path is too long");
    (void) snprintf(draft, sizeof draft, "%s.new", path);
    FILE *out = fopen(draft, "wb");
    if (!out)
        return err_at(err, ERR_UNAVAILABLE, name, DESIGN_OUTPUT, "%s", strerror(errno));
    const bool written =
        write_file(out, r, name) && !ferror(out) && fflush(out) == 0 && fsync(fileno(out)) == 0;
    const bool closed = fclose(out) == 0;
    if (!written || !closed || rename(draft, path) != 0) {
        const int why = errno;
        (void) unlink(draft);
        return err_at(err, ERR_UNAVAILABLE, name, DESIGN_OUTPUT, "%s", strerror(why));
    }
    return ERR_OK;
}

static err_t
save_all(const struct command *c, const char *const *names, size_t count, const struct result *r,
         struct err *err)
{
    if (mkdir(c->output, 0777) != 0 && errno != EEXIST)
        return err_at(err, ERR_UNAVAILABLE, c->output, DESIGN_OUTPUT, "%s", strerror(errno));
    for (size_t i = 0; i < count; i++)
        TRY(save(c->output, names[i], r, err));
    return ERR_OK;
}

/* ---- the verbs ---------------------------------------------------------------------------------
 */

static err_t
run_solve(struct arena *arena, const struct command *c, struct input *in, struct err *err)
{
    struct design_plan plan;

    TRY(design_solve(arena, &in->design, DESIGN_FULL, &plan, err));
    const struct result r = { .in = in, .plan = &plan };
    return save_all(c, file_wanted, COUNT(file_wanted), &r, err);
}

static err_t
run_assess(struct arena *arena, const struct command *c, struct input *in, struct err *err)
{
    struct design_plan plan;
    money_t *amounts;

    TRY(input_read_plan(arena, &(struct source){ 0 }, c->plan, &in->design, &amounts, err));
    TRY(design_assess(arena, &in->design, amounts, DESIGN_FULL, &plan, err));
    const struct result r = { .in = in, .plan = &plan };
    return save_all(c, file_wanted, COUNT(file_wanted), &r, err);
}

static err_t
run_forecast(struct arena *arena, const struct command *c, struct input *in, struct err *err)
{
    static const char *const names[] = { "forecast.json", "forecast.html" };
    struct forecast_so_far so_far;
    struct forecast forecast;
    money_t *amounts;

    TRY(input_read_plan(arena, &(struct source){ 0 }, c->plan, &in->design, &amounts, err));
    TRY(input_read_so_far(arena, &(struct source){ .dir = c->input }, &in->design, &so_far, err));
    TRY(design_forecast(arena, &in->design, amounts, &so_far, &forecast, err));
    const struct result r = { .in = in, .forecast = &forecast };
    return save_all(c, names, COUNT(names), &r, err);
}

static err_t
run_simulate(struct arena *arena, const struct command *c, struct input *in, struct err *err)
{
    static const char *const names[] = { "simulation.json" };
    struct simulation simulation;
    money_t *amounts;

    TRY(input_read_plan(arena, &(struct source){ 0 }, c->plan, &in->design, &amounts, err));
    TRY(design_simulate(arena, &in->design, amounts, (struct design_years){ c->years, c->seed },
                        &simulation, err));
    const struct result r = { .in = in, .simulation = &simulation };
    return save_all(c, names, COUNT(names), &r, err);
}

static const struct {
    const char *verb;
    bool needs_plan;
    err_t (*run)(struct arena *, const struct command *, struct input *, struct err *);
} verbs[] = {
    { "solve", false, run_solve },
    { "assess", true, run_assess },
    { "forecast", true, run_forecast },
    { "simulate", true, run_simulate },
};

static void
print_settings(void)
{
    static const struct {
        const char *name, *kind, *fallback, *says;
    } known[] = {
#define SETTING(name, kind, member, fallback, says) { #name, #kind, fallback, says },
#include "settings.def"
#undef SETTING
    };

    for (size_t i = 0; i < COUNT(known); i++)
        (void) printf("%-20s %-12s %-8s %s\n", known[i].name, known[i].kind,
                      known[i].fallback ? known[i].fallback : "required", known[i].says);
}

/* ---- the command line --------------------------------------------------------------------------
 */

static bool
number(const char *text, uint64_t low, uint64_t high, uint64_t *out)
{
    char *end;

    errno = 0;
    *out = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *out >= low &&
           *out <= high;
}

static bool
parse(int argc, char **argv, struct command *c)
{
    uint64_t years = 20000;

    *c = (struct command){ .seed = 1 };
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (word[0] != '-') {
            const char **into = !c->verb ? &c->verb : &c->input;
            if (*into)
                return false;
            *into = word;
            continue;
        }
        if (!value)
            return false;
        if (strcmp(word, "-o") == 0)
            c->output = value;
        else if (strcmp(word, "-p") == 0)
            c->plan = value;
        else if (strcmp(word, "-n") == 0
                     ? !number(value, 1, 10000000, &years)
                     : strcmp(word, "-s") != 0 || !number(value, 0, UINT64_MAX, &c->seed))
            return false;
        i++;
    }
    c->years = (int64_t) years;
    return c->verb;
}

static int
report(const struct err *err)
{
    const struct design_reason *reason = design_reason(err->reason);

    (void) fprintf(stderr, "huzhu-design: %s%s%s\n  [%s] %s\n", err->path, err->path[0] ? ": " : "",
                   reason ? reason->chinese : "", err->reason, err->text);
    return err->code == ERR_REFUSED ? 3 : err->code == ERR_INVALID ? 2 : 1;
}

int
main(int argc, char **argv)
{
    struct command c;
    struct input in;
    struct err err = { 0 };

    if (argc == 2 && strcmp(argv[1], "settings") == 0) {
        print_settings();
        return 0;
    }
    if (!parse(argc, argv, &c) || !c.input || !c.output) {
        (void) fputs(usage, stderr);
        return 64;
    }
    for (size_t i = 0; i < COUNT(verbs); i++) {
        if (strcmp(verbs[i].verb, c.verb) != 0 || (verbs[i].needs_plan && !c.plan))
            continue;
        OWNED(arena_destroy) struct arena *arena = arena_create(DESIGN_ARENA_BYTES);
        if (!arena)
            return 1;
        if (input_read(arena, &(struct source){ .dir = c.input }, &in, &err) != ERR_OK ||
            verbs[i].run(arena, &c, &in, &err) != ERR_OK)
            return report(&err);
        return 0;
    }
    (void) fputs(usage, stderr);
    return 64;
}
