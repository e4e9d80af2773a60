/* rules_queue.c - the life of a stay in the queue, and what a coder may give in. */
#include <stdio.h>
#include <string.h>

#include "rules.h"

static const struct {
    enum job_state from;
    enum job_event on;
    enum job_state to;
} moves[] = {
#define TABLE_MOVE(from, on, to, why)
#define JOB_MOVE(from, on, to, why) { JOB_##from, ON_##on, JOB_##to },
#include "moves.def"
#undef JOB_MOVE
#undef TABLE_MOVE
};

err_t
job_move(struct job *job, enum job_event on, struct err *err)
{
    for (size_t i = 0; i < COUNT(moves); i++) {
        if (moves[i].from == job->state && moves[i].on == on) {
            job->state = moves[i].to;
            return ERR_OK;
        }
    }
    return err_set(err, ERR_CONFLICT, JOB_STATE, "the job's state does not allow it");
}

err_t
rule_holds(const struct job *job, struct id account, enum job_state state, struct err *err)
{
    if (job->state != state || id_cmp(job->holder, account) != 0)
        return err_set(err, ERR_NOT_FOUND, JOB_NONE, "the caller does not hold this job");
    return ERR_OK;
}

bool
rule_is_overdue(const struct job *job, date_t today)
{
    return job->due_on.days < today.days &&
           (job->state == JOB_WAITING || job->state == JOB_TAKEN || job->state == JOB_CODED ||
            job->state == JOB_REVIEWING);
}

err_t
rule_stay_numbers(const struct facts *facts, struct stay_numbers *out, struct err *err)
{
    int by, bm, bd, ay, am, ad;

    if (facts->birth.days > facts->admitted.days || facts->admitted.days > facts->discharged.days)
        return err_set(err, ERR_REFUSED, JOB_FACTS,
                       "birth, admission and discharge are not in order");
    date_to_civil(facts->birth, &by, &bm, &bd);
    date_to_civil(facts->admitted, &ay, &am, &ad);
    const int32_t stayed = days_between(facts->admitted, facts->discharged);
    out->age = ay - by - (am < bm || (am == bm && ad < bd));
    out->days = days_between(facts->birth, facts->admitted);
    out->los = stayed > 0 ? stayed : 1;
    return ERR_OK;
}

static bool
is_injury(struct drg_text code)
{
    return code.size > 0 && strchr("SsTt", code.text[0]) != NULL;
}

static err_t
check_codes(const struct drg_text *codes, size_t count, const char *field, struct err *err)
{
    char path[64];

    for (size_t i = 0; i < count; i++) {
        bool wrong = codes[i].size == 0;
        for (size_t k = 0; k < i && !wrong; k++)
            wrong = codes[k].size == codes[i].size &&
                    memcmp(codes[k].text, codes[i].text, codes[i].size) == 0;
        if (!wrong)
            continue;
        (void) snprintf(path, sizeof path, "$.coded.%s[%zu]", field, i);
        return err_at(err, ERR_INVALID, path, CODED_CODE, "a code is empty or given twice");
    }
    return ERR_OK;
}

static err_t
check_cause(const struct given *given, uint32_t exclusions, struct err *err)
{
    static const struct {
        enum injury_cause cause;
        enum exclusion exclusion;
    } excluded[] = { { CAUSE_WORK, EXCLUSION_WORK_INJURY },
                     { CAUSE_CRIME, EXCLUSION_CRIME },
                     { CAUSE_THIRD_PARTY, EXCLUSION_THIRD_PARTY } };
    const struct drg_stay *stay = &given->stay->drg;
    bool injury = false;

    for (size_t i = 0; i < stay->dx_count; i++)
        injury |= is_injury(stay->dx[i]);
    if (injury && given->cause == CAUSE_NONE)
        return err_at(err, ERR_INVALID, "$.coded.cause", CODED_CAUSE,
                      "an injury code needs its cause (003-14)");
    for (size_t i = 0; i < COUNT(excluded); i++)
        if (given->cause == excluded[i].cause && (exclusions >> excluded[i].exclusion & 1))
            return err_at(err, ERR_REFUSED, "$.coded.cause", CODED_CAUSE_EXCLUDED,
                          "the programme excludes an injury of this cause: mark the claim unfit");
    return ERR_OK;
}

err_t
rule_coded_is_sound(const struct given *given, const struct stay_numbers *numbers,
                    uint32_t exclusions, struct err *err)
{
    const struct drg_stay *stay = &given->stay->drg;

    if (stay->dx_count == 0)
        return err_at(err, ERR_INVALID, "$.coded.diagnoses", CODED_DIAGNOSIS,
                      "a principal diagnosis is needed");
    TRY(check_codes(stay->dx, stay->dx_count, "diagnoses", err));
    TRY(check_codes(stay->op, stay->op_count, "procedures", err));
    /* A hospital that counts both the first and the last day gives one more. */
    if (stay->los < 0 || stay->los > numbers->los + 1)
        return err_at(err, ERR_INVALID, "$.coded.los", CODED_LOS, "%d days do not fit a stay of %d",
                      stay->los, numbers->los);
    return check_cause(given, exclusions, err);
}

err_t
rule_grouped(const struct drg_result *result, const struct subsidy_row *row, struct err *err)
{
    if (row)
        return ERR_OK;
    /* The text of a refusal is recorded, so it names no diagnosis: what the coder gave in the coder
     * has before the eyes. */
    if (result->unknown_dx > 0 || result->unknown_op > 0)
        return err_at(err, ERR_REFUSED, "$.coded", CODED_UNKNOWN,
                      "%s; %u diagnoses and %u procedures are not in the scheme",
                      drg_status_wire(result->status), result->unknown_dx, result->unknown_op);
    if (result->status == DRG_OK)
        return err_at(err, ERR_REFUSED, "$.coded", CODED_NO_AMOUNT, "no amount for %.20s",
                      result->drg);
    return err_at(err, ERR_REFUSED, "$.coded", CODED_NO_GROUP, "%s: %s",
                  drg_status_wire(result->status), drg_reason_wire(result->why));
}

err_t
rule_may_exclude(uint32_t exclusions, int exclusion, struct err *err)
{
    if (exclusion <= 0 || exclusion > EXCLUSION_OUTPATIENT ||
        (exclusion != EXCLUSION_OUTPATIENT && !(exclusions >> exclusion & 1)))
        return err_at(err, ERR_REFUSED, "$.exclusion", UNFIT_EXCLUSION,
                      "the programme does not exclude that");
    return ERR_OK;
}
