/* handlers_plan.c - plan design and the year under way, over the library design/.
 *
 * A design is a second of one core and up to PLAN_BYTES_MAX of memory, so a process does one at a
 * time; who comes meanwhile is told to try again, and more processes of the service design more
 * plans. */
#include "handlers.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"

/* A county of a million people takes 400 MiB (design/README.md). */
#define PLAN_BYTES_MAX ((size_t) 1024 * 1024 * 1024)
#define PLAN_TABLES_MAX 16

static atomic_flag designing = ATOMIC_FLAG_INIT;

/* Frees the plan's memory and lets the next one in; NULL: this one never came in. */
static void
plan_end(struct arena *arena)
{
    if (!arena)
        return;
    arena_destroy(arena);
    atomic_flag_clear(&designing);
}
DEFINE_OWNED(struct arena, plan_end)

static err_t
plan_begin(struct call *c, struct arena **arena)
{
    if (atomic_flag_test_and_set(&designing))
        return err_set(&c->err, ERR_LIMITED, PLAN_BUSY, "another plan is being designed");
    *arena = arena_create(PLAN_BYTES_MAX);
    if (*arena)
        return ERR_OK;
    atomic_flag_clear(&designing);
    return err_set(&c->err, ERR_LIMITED, PLAN_BUSY, "no memory for a plan");
}

/* The tables of a request as the library reads them; the texts stay the request's. */
static err_t
source_from_wire(struct call *c, Coding__PlanTable *const *in, size_t count, struct source *source)
{
    struct source_text *texts = arena_alloc(c->arena, (count + 1) * sizeof *texts);

    if (!texts)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the request needs too much memory");
    if (count > PLAN_TABLES_MAX)
        return err_at(&c->err, ERR_INVALID, "$.tables", PLAN_TABLES,
                      "%zu tables; at most %d are taken", count, PLAN_TABLES_MAX);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++)
            if (strcmp(in[i]->name, in[k]->name) == 0)
                return err_at(&c->err, ERR_INVALID, "$.tables", PLAN_TABLES, "%.40s is given twice",
                              in[i]->name);
        texts[i] = (struct source_text){ in[i]->name, in[i]->text };
    }
    *source = (struct source){ .texts = texts, .text_count = count };
    return ERR_OK;
}

/* What is written into a reply: one of the library's outputs. */
struct result {
    const struct input *in;
    const struct design_plan *plan;
    const struct forecast *forecast;
};

static bool
write_table(FILE *out, const struct result *r)
{
    output_table(out, r->in, r->plan);
    return true;
}

static bool
write_figures(FILE *out, const struct result *r)
{
    return output_figures(out, r->in, r->plan);
}

static bool
write_page(FILE *out, const struct result *r)
{
    page_plan(out, r->in, r->plan);
    return true;
}

static bool
write_forecast(FILE *out, const struct result *r)
{
    return output_forecast(out, r->in, r->forecast);
}

static bool
write_forecast_page(FILE *out, const struct result *r)
{
    page_forecast(out, r->in, r->forecast);
    return true;
}

static err_t
as_text(struct call *c, bool (*write)(FILE *, const struct result *), const struct result *r,
        char **out)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    bool written = memory && write(memory, r);

    if (memory && fclose(memory) != 0)
        written = false;
    *out = written ? call_text(c, text) : NULL;
    free(text);
    return *out ? ERR_OK
                : err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the reply needs too much memory");
}

err_t
coding_design_plan(struct call *c, const Coding__DesignPlanRequest *in,
                   Coding__DesignPlanReply *out)
{
    OWNED(plan_end) struct arena *arena = NULL;
    struct source source;
    struct input input;
    struct design_plan plan;

    TRY(source_from_wire(c, in->tables, in->n_tables, &source));
    TRY(plan_begin(c, &arena));
    TRY(input_read(arena, &source, &input, &c->err));
    TRY(design_solve(arena, &input.design, DESIGN_FULL, &plan, &c->err));

    const struct result result = { .in = &input, .plan = &plan };
    TRY(as_text(c, write_table, &result, &out->table));
    TRY(as_text(c, write_figures, &result, &out->figures));
    return as_text(c, write_page, &result, &out->page);
}

err_t
coding_forecast_plan(struct call *c, const Coding__ForecastPlanRequest *in,
                     Coding__ForecastPlanReply *out)
{
    OWNED(plan_end) struct arena *arena = NULL;
    struct source source;
    struct input input;
    struct forecast_so_far so_far;
    struct forecast forecast;
    money_t *amounts;

    TRY(source_from_wire(c, in->tables, in->n_tables, &source));
    TRY(plan_begin(c, &arena));
    TRY(input_read(arena, &source, &input, &c->err));
    TRY(input_read_plan(arena, &source, "plan.tsv", &input.design, &amounts, &c->err));
    TRY(input_read_so_far(arena, &source, &input.design, &so_far, &c->err));
    TRY(design_forecast(arena, &input.design, amounts, &so_far, &forecast, &c->err));

    const struct result result = { .in = &input, .forecast = &forecast };
    TRY(as_text(c, write_forecast, &result, &out->forecast));
    return as_text(c, write_forecast_page, &result, &out->page);
}
