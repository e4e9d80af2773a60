/* wire.c - protobuf to nouns and back, events out. */
#include "wire.h"
#include "svc/room.h"

#include <stdio.h>
#include <string.h>

static_assert((int) DRG_SEX_MISSING == (int) CODING__STAY__SEX__UNKNOWN &&
                  (int) DRG_MALE == (int) CODING__STAY__SEX__MALE &&
                  (int) DRG_FEMALE == (int) CODING__STAY__SEX__FEMALE,
              "coding.proto and drg.h number the sexes alike");

err_t
optional_id_from_wire(const Huzhu__Id *in, const char *path, struct id *id, struct err *err)
{
    if (in && in->value.len > 0)
        return id_from_wire(in, path, id, err);
    *id = (struct id){ { 0 } };
    return ERR_OK;
}

/* 1900-01-01 to 2199-12-31: what lies outside is a slip. */
enum { DAYS_LOWEST = -25567, DAYS_HIGHEST = 84005 };

err_t
date_from_wire(const Huzhu__Date *in, const char *path, date_t *out, struct err *err)
{
    if (!in || in->days < DAYS_LOWEST || in->days > DAYS_HIGHEST)
        return err_at(err, ERR_INVALID, path, FIELD_DATE, "a date is missing or impossible");
    *out = (date_t){ in->days };
    return ERR_OK;
}

static err_t
number_from_wire(const Huzhu__Number *in, const char *path, int32_t *out, struct err *err)
{
    if (!in) {
        *out = DRG_MISSING;
        return ERR_OK;
    }
    if (in->value < 0 || in->value > STAY_NUMBER_MAX)
        return err_at(err, ERR_INVALID, path, STAY_NUMBER, "the number lies outside 0..%d",
                      STAY_NUMBER_MAX);
    *out = (int32_t) in->value;
    return ERR_OK;
}

static err_t
codes_from_wire(char **in, size_t count, const char *field, struct drg_text *out, struct err *err)
{
    char path[48];

    (void) snprintf(path, sizeof path, "$.stay.%s", field);
    if (count > STAY_CODES_MAX)
        return err_at(err, ERR_INVALID, path, STAY_CODES, "%zu codes; at most %d are taken", count,
                      STAY_CODES_MAX);
    for (size_t i = 0; i < count; i++) {
        out[i] = (struct drg_text){ in[i], strlen(in[i]) };
        if (out[i].size <= STAY_CODE_BYTES_MAX)
            continue;
        (void) snprintf(path, sizeof path, "$.stay.%s[%zu]", field, i);
        return err_at(err, ERR_INVALID, path, STAY_CODES,
                      "a code has %zu bytes; at most %d are taken", out[i].size,
                      STAY_CODE_BYTES_MAX);
    }
    return ERR_OK;
}

err_t
stay_from_wire(const Coding__Stay *in, struct stay *stay, struct err *err)
{
    if (!in)
        return err_at(err, ERR_INVALID, "$.stay", STAY_MISSING, "the stay is missing");

    stay->drg = DRG_STAY_INIT;
    TRY(number_from_wire(in->age, "$.stay.age", &stay->drg.age, err));
    TRY(number_from_wire(in->days, "$.stay.days", &stay->drg.days, err));
    TRY(number_from_wire(in->weight, "$.stay.weight", &stay->drg.weight, err));
    TRY(number_from_wire(in->los, "$.stay.los", &stay->drg.los, err));
    TRY(number_from_wire(in->icu, "$.stay.icu", &stay->drg.icu, err));
    TRY(codes_from_wire(in->diagnoses, in->n_diagnoses, "diagnoses", stay->dx, err));
    TRY(codes_from_wire(in->procedures, in->n_procedures, "procedures", stay->op, err));
    stay->drg.sex = in->sex == CODING__STAY__SEX__MALE     ? DRG_MALE
                    : in->sex == CODING__STAY__SEX__FEMALE ? DRG_FEMALE
                                                           : DRG_SEX_MISSING;
    stay->drg.dept = drg_text(in->department);
    stay->drg.leave = drg_text(in->leaving);
    stay->drg.dx = stay->dx;
    stay->drg.dx_count = in->n_diagnoses;
    stay->drg.op = stay->op;
    stay->drg.op_count = in->n_procedures;
    stay->drg.convert = in->code_set == CODING__STAY__CODE_SET__FOREIGN;
    return ERR_OK;
}

Coding__SchemeIdentity *
scheme_to_wire(struct call *c, const struct drg_identity *identity)
{
    Coding__SchemeIdentity *out = made(c, sizeof *out);

    if (!out)
        return NULL;
    coding__scheme_identity__init(out);
    out->id = call_text(c, identity->id);
    out->name = call_text(c, identity->name);
    out->version = call_text(c, identity->version);
    out->checksum = call_text(c, identity->checksum);
    return out->id && out->name && out->version && out->checksum ? out : NULL;
}

Coding__Grouping *
grouping_to_wire(struct call *c, const struct drg_result *result)
{
    Coding__Grouping *out = made(c, sizeof *out);

    if (!out)
        return NULL;
    coding__grouping__init(out);
    out->status = call_text(c, drg_status_wire(result->status));
    out->mdc = call_text(c, result->mdc);
    out->adrg = call_text(c, result->adrg);
    out->drg = call_text(c, result->drg);
    out->reason = call_text(c, result->reason);
    out->scheme = scheme_to_wire(c, result->scheme);
    return out->status && out->mdc && out->adrg && out->drg && out->reason && out->scheme ? out
                                                                                          : NULL;
}

static struct drg_identity
identity_of(const struct year_scheme *in)
{
    return (struct drg_identity){
        .id = in->id, .name = in->name, .version = in->version, .checksum = in->checksum
    };
}

Coding__YearScheme *
year_scheme_to_wire(struct call *c, const struct year_scheme *in)
{
    const struct drg_identity identity = identity_of(in);
    Coding__YearScheme *out = made(c, sizeof *out);

    if (!out)
        return NULL;
    coding__year_scheme__init(out);
    out->year = (uint32_t) in->year;
    out->scheme = scheme_to_wire(c, &identity);
    out->named_at = instant_to_wire(c, in->named_at);
    out->named_by = id_to_wire(c, in->named_by);
    return out->scheme && out->named_at && out->named_by ? out : NULL;
}

err_t
emit_year_scheme_named(struct call *c, const struct year_scheme *in)
{
    const struct drg_identity identity = identity_of(in);
    Coding__YearSchemeNamed event = CODING__YEAR_SCHEME_NAMED__INIT;

    event.year = (uint32_t) in->year;
    event.scheme = scheme_to_wire(c, &identity);
    event.named_by = id_to_wire(c, in->named_by);
    if (!event.scheme || !event.named_by)
        return c->err.code;
    return event_append(c, &event.base);
}
