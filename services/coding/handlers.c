/* handlers.c - one function for each rpc of methods.def. */
#include "handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"
#include "store.h"
#include "svc/room.h"
#include "wire.h"

err_t
coding_list_schemes(struct call *c, const Coding__ListSchemesRequest *in,
                    Coding__ListSchemesReply *out)
{
    const struct schemes *schemes = c->state;

    (void) in;
    LIST(c, schemes->count, &out->schemes);
    for (size_t i = 0; i < schemes->count; i++) {
        out->schemes[i] = scheme_to_wire(c, drg_scheme_identity(schemes->open[i]));
        if (!out->schemes[i])
            return c->err.code;
        out->n_schemes++;
    }
    return ERR_OK;
}

static void
set_etag(struct call *c, const struct year_scheme *year_scheme)
{
    (void) snprintf(c->etag, sizeof c->etag, "%lld", (long long) year_scheme->revision);
}

err_t
coding_name_year_scheme(struct call *c, const Coding__NameYearSchemeRequest *in,
                        Coding__NameYearSchemeReply *out)
{
    struct year_scheme before;
    bool named;

    TRY(rule_year_is_plausible(in->year, "$.year", &c->err));
    const struct drg_scheme *scheme = scheme_find(c->state, in->checksum);
    if (!scheme)
        return err_at(&c->err, ERR_REFUSED, "$.checksum", SCHEME_UNKNOWN,
                      "no loaded scheme has this checksum");

    TRY(year_scheme_lock(c, in->year, &named, &before));
    set_etag(c, &(struct year_scheme){ .revision = named ? before.revision : 0 });
    TRY(call_matches(c, c->etag));

    const struct drg_identity *identity = drg_scheme_identity(scheme);
    const struct year_scheme after = {
        .year = (int32_t) in->year,
        .id = identity->id,
        .name = identity->name,
        .version = identity->version,
        .checksum = identity->checksum,
        .named_at = c->now,
        .named_by = c->account,
        .revision = named ? before.revision + 1 : 1,
    };
    TRY(named ? year_scheme_update(c, &after) : year_scheme_insert(c, &after));
    TRY(emit_year_scheme_named(c, &after));

    set_etag(c, &after);
    out->year_scheme = year_scheme_to_wire(c, &after);
    return out->year_scheme ? ERR_OK : c->err.code;
}

err_t
coding_get_year_scheme(struct call *c, const Coding__GetYearSchemeRequest *in,
                       Coding__GetYearSchemeReply *out)
{
    struct year_scheme year_scheme;

    TRY(rule_year_is_plausible(in->year, "$.year", &c->err));
    TRY(year_scheme_get(c, in->year, &year_scheme));

    set_etag(c, &year_scheme);
    out->year_scheme = year_scheme_to_wire(c, &year_scheme);
    return out->year_scheme ? ERR_OK : c->err.code;
}

/* The scheme that the request means: the plan-year's own, or the one to try out. */
err_t
scheme_meant(struct call *c, uint32_t year, const char *checksum, const struct drg_scheme **scheme)
{
    struct year_scheme year_scheme;

    TRY(rule_names_one_scheme(year, checksum, &c->err));
    if (year == 0) {
        *scheme = scheme_find(c->state, checksum);
        return *scheme ? ERR_OK
                       : err_at(&c->err, ERR_REFUSED, "$.checksum", SCHEME_UNKNOWN,
                                "no loaded scheme has this checksum");
    }
    TRY(year_scheme_get(c, year, &year_scheme));
    *scheme = scheme_find(c->state, year_scheme.checksum);
    return *scheme ? ERR_OK
                   : err_set(&c->err, ERR_UNAVAILABLE, SCHEME_NOT_LOADED,
                             "scheme %s %s (%.12s) is not in the scheme folder", year_scheme.id,
                             year_scheme.version, year_scheme.checksum);
}

err_t
coding_group_stay(struct call *c, const Coding__GroupStayRequest *in, Coding__GroupStayReply *out)
{
    const struct drg_scheme *scheme;
    struct drg_result result;
    struct stay stay;

    TRY(stay_from_wire(in->stay, &stay, &c->err));
    TRY(scheme_meant(c, in->year, in->checksum, &scheme));

    drg_group(scheme, &stay.drg, &result);
    out->grouping = grouping_to_wire(c, &result);
    return out->grouping ? ERR_OK : c->err.code;
}

/* One text of an explanation, copied into the request's arena. */
err_t
explanation_text(struct call *c, const json_t *trace, enum drg_language language, char **out)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);

    if (!memory)
        return err_set(&c->err, ERR_INTERNAL, "memory", "no memory for the explanation");
    const err_t code = drg_explain_text(trace, language, memory);
    (void) fclose(memory);
    *out = code == ERR_OK && text ? call_text(c, text) : NULL;
    free(text);
    if (code != ERR_OK)
        return err_set(&c->err, ERR_INTERNAL, "explanation",
                       "the explanation could not be written");
    return *out ? ERR_OK : c->err.code;
}

err_t
coding_explain_stay(struct call *c, const Coding__ExplainStayRequest *in,
                    Coding__ExplainStayReply *out)
{
    const struct drg_scheme *scheme;
    struct drg_result result;
    struct stay stay;

    TRY(stay_from_wire(in->stay, &stay, &c->err));
    TRY(scheme_meant(c, in->year, in->checksum, &scheme));

    drg_group(scheme, &stay.drg, &result);
    json_t *trace = drg_explain(scheme, &stay.drg);
    if (!trace)
        return err_set(&c->err, ERR_INTERNAL, "memory", "no memory for the explanation");
    char *json = json_dumps(trace, JSON_COMPACT);
    err_t code = json && (out->trace = call_text(c, json)) != NULL ? ERR_OK : ERR_INTERNAL;
    free(json);
    if (code == ERR_OK)
        code = explanation_text(c, trace, DRG_ZH, &out->chinese);
    if (code == ERR_OK)
        code = explanation_text(c, trace, DRG_EN, &out->english);
    json_decref(trace);
    TRY(code);
    out->grouping = grouping_to_wire(c, &result);
    return out->grouping ? ERR_OK : c->err.code;
}
