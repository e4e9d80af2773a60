/* handlers.c - programmes as they are read and written; their life is handlers_programme.c. */
#include "handlers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common_steps.h"
#include "templates.h"
#include "wire.h"

static err_t
bounds(struct call *c, const programme_t *p)
{
    /* Lists of a programme are short; a body of megabytes is none. */
    const size_t size = contributions__programme__get_packed_size(p);

    if (size > 32768)
        return err_at(&c->err, ERR_INVALID, "$.programme", PROGRAMME_TOO_LARGE,
                      "a programme has at most 32 KiB, not %zu", size);
    return ERR_OK;
}

/* What is the service's to say, whatever the request says. */
static err_t
own_fields(struct call *c, programme_t *p, struct id id, Contributions__Programme__State state,
           int64_t version)
{
    instant_t from, until;

    p->state = state;
    p->version = version;
    if (!put_id(c, id, &p->programme_id))
        return no_memory(c);
    if (p->starts_on && !p->window_from && !p->window_until) {
        window_default(day_of(p->starts_on), &from, &until);
        if (!put_at(c, from, &p->window_from) || !put_at(c, until, &p->window_until))
            return no_memory(c);
    }
    if (p->year < 2000 || p->year > 2100)
        return err_at(&c->err, ERR_INVALID, "$.programme.year", PROGRAMME_YEAR,
                      "the year lies between 2000 and 2100");
    return bounds(c, p);
}

static err_t
village_is_known(struct call *c, const programme_t *p)
{
    const char *name;
    struct id village;

    TRY(optional_id_from_wire(p->village_id, "$.programme.villageId", &village, &c->err));
    return id_is_nil(village) ? ERR_OK : village_name(c, village, &name);
}

static err_t
findings_of(struct call *c, const programme_t *p, Contributions__Finding ***out, size_t *count)
{
    struct findings *findings = arena_alloc(c->arena, sizeof *findings);

    if (!findings)
        return no_memory(c);
    programme_check(p, date_of(c->now), findings);
    return findings_to_wire(c, findings, out, count);
}

err_t
contributions_create_programme(struct call *c, const Contributions__CreateProgrammeRequest *in,
                               Contributions__CreateProgrammeReply *out)
{
    programme_t *p = NULL;
    struct id id;

    TRY(id_from_wire(in->programme_id, "$.programmeId", &id, &c->err));
    if (in->template_[0] != '\0')
        TRY(template_make(c, in->template_, &p));
    else if (!in->programme)
        return err_at(&c->err, ERR_INVALID, "$.programme", PROGRAMME_MISSING,
                      "neither a template nor a programme");
    if (p && in->programme)
        programme_overlay(p, in->programme);
    else if (!p)
        p = in->programme;
    if (p->year == 0 && p->starts_on) {
        int year, month, day;
        date_to_civil(day_of(p->starts_on), &year, &month, &day);
        p->year = (uint32_t) year;
    }
    TRY(own_fields(c, p, id, PROGRAMME(DRAFT), 1));
    TRY(programme_guard(c, id, true));
    TRY(village_is_known(c, p));
    TRY(programme_insert(c, p));
    TRY(emit_programme_changed(c, p));
    (void) snprintf(c->etag, sizeof c->etag, "1");
    out->programme = p;
    return findings_of(c, p, &out->findings, &out->n_findings);
}

err_t
contributions_get_programme(struct call *c, const Contributions__GetProgrammeRequest *in,
                            Contributions__GetProgrammeReply *out)
{
    struct programme_row row;

    TRY(programme_enter(c, in->programme_id, GUARD_NONE, &row));
    /* Members read what is decided, not what is worked on. */
    if (!call_has(c, OFFICE | READERS | ROLE_VILLAGE_CLERK | ROLE_DESIGNER | ROLE_CODER |
                         ROLE_REVIEWER) &&
        (row.is->state == PROGRAMME(DRAFT) || row.is->state == PROGRAMME(SUBMITTED)))
        return err_set(&c->err, ERR_NOT_FOUND, PROGRAMME_NONE, "no such programme");
    out->programme = row.is;
    (void) snprintf(c->etag, sizeof c->etag, "%" PRId64, row.is->version);
    return ERR_OK;
}

err_t
contributions_list_programmes(struct call *c, const Contributions__ListProgrammesRequest *in,
                              Contributions__ListProgrammesReply *out)
{
    const bool all = call_has(c, OFFICE | READERS | ROLE_VILLAGE_CLERK | ROLE_DESIGNER);
    struct programme_row *rows;
    struct page page;
    size_t count;

    TRY(page_from_wire(in->page_size, in->page_token, &page, &c->err));
    if (in->year > 2100)
        return err_at(&c->err, ERR_INVALID, "$.year", PROGRAMME_YEAR,
                      "the year lies between 2000 and 2100");
    TRY(programme_list(c, page, in->year, in->state ? state_name(in->state) : NULL, &rows, &count));
    TRY(page_to_wire(c, page, rows[count > 1 ? count - 2 : 0].id, &count, &out->next_page_token));
    LIST(c, count, &out->programmes);
    for (size_t i = 0; i < count; i++)
        if (all ||
            (rows[i].is->state != PROGRAMME(DRAFT) && rows[i].is->state != PROGRAMME(SUBMITTED)))
            out->programmes[out->n_programmes++] = rows[i].is;
    return ERR_OK;
}

err_t
contributions_change_programme(struct call *c, const Contributions__ChangeProgrammeRequest *in,
                               Contributions__ChangeProgrammeReply *out)
{
    struct programme_row row;
    char etag[32];

    if (!in->programme)
        return err_at(&c->err, ERR_INVALID, "$.programme", PROGRAMME_MISSING,
                      "the programme as it shall be is missing");
    TRY(programme_enter(c, in->programme_id, GUARD_ALONE, &row));
    (void) snprintf(etag, sizeof etag, "%" PRId64, row.is->version);
    TRY(call_matches(c, etag));
    TRY(programme_move(row.is, ON_CHANGE, &c->err));

    programme_t *p = in->programme;
    TRY(own_fields(c, p, row.id, row.is->state, row.is->version));
    TRY(village_is_known(c, p));
    if (!put_text(c, row.is->template_, &p->template_))
        return no_memory(c);
    row.is = p;
    row.prepared_by = c->account; /* who changed it last prepared it */
    TRY(programme_answer(c, &row, (struct id){ { 0 } }, &out->programme));
    return findings_of(c, p, &out->findings, &out->n_findings);
}

err_t
contributions_check_programme(struct call *c, const Contributions__CheckProgrammeRequest *in,
                              Contributions__CheckProgrammeReply *out)
{
    struct programme_row row;

    TRY(programme_enter(c, in->programme_id, GUARD_NONE, &row));
    TRY(findings_of(c, row.is, &out->findings, &out->n_findings));
    out->sound = true;
    for (size_t i = 0; i < out->n_findings; i++)
        if (out->findings[i]->severity == CONTRIBUTIONS__FINDING__SEVERITY__ERROR)
            out->sound = false;
    return ERR_OK;
}
