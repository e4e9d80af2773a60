/* replies.c - what of a claim its caller sees, and which claims a list holds. */
#include "replies.h"

#include <stdio.h>

#include "claim_steps.h"
#include "store.h"
#include "wire.h"

#define STAFF                                                                                      \
    ((role_set_t) (ROLE_VILLAGE_CLERK | ROLE_TOWNSHIP_OFFICER | ROLE_APPROVER | ROLE_REVIEWER |    \
                   ROLE_AUDITOR))

paper_set_t
papers_missing(const struct claim *claim, const struct programme *programme,
               const struct register_person *patient, const struct claim_paper *papers,
               size_t count, date_t today)
{
    const bool mandate = payee_needs_mandate(claim->payee.relation, patient->birth, today);
    paper_set_t needed = 0;

    if (claim->state == CLAIM_DRAFT)
        needed = papers_needed(claim, programme, mandate);
    if (claim->state == CLAIM_PAPERS_REQUESTED)
        needed = claim->asked;
    for (size_t i = 0; i < count; i++)
        if (claim->state == CLAIM_DRAFT || papers[i].round == claim->round)
            needed &= ~PAPER_BIT(papers[i].kind);
    return needed;
}

static err_t
missing_of(struct call *c, const struct claim *claim, const struct register_person *patient,
           struct claim_view *view)
{
    struct stay_question question = { .stay = &claim->stay, .village = patient->village };
    struct candidate *candidates;
    const struct candidate *candidate = NULL;

    if (claim->state != CLAIM_DRAFT && claim->state != CLAIM_PAPERS_REQUESTED)
        return ERR_OK;
    if (claim->state == CLAIM_DRAFT) {
        TRY(candidates_of(c, patient, &candidates, &question.candidate_count));
        question.candidates = candidates;
        candidate = programme_of_stay(&question);
    }
    view->missing = papers_missing(claim, candidate ? &candidate->programme : NULL, patient,
                                   view->papers, view->paper_count, date_of(c->now));
    return ERR_OK;
}

/* Who is of the household, or filed it, learns nothing new; all others leave a mark. */
static void
look(struct call *c, const struct claim *claim, const struct onlooker *who, struct claim_view *view)
{
    const bool staff = who->covers && (who->roles & STAFF) != 0;

    view->for_reviewers = staff;
    view->names = !staff || call_may_see(c, LABEL_IDENTITY);
    view->numbers = staff && call_may_see(c, LABEL_IDENTITY);
    if (staff)
        call_saw(c, view->names ? LABEL_IDENTITY | LABEL_HEALTH : LABEL_HEALTH, claim->person);
}

err_t
claim_reply(struct call *c, const struct claim *claim, Claims__Claim **out)
{
    struct claim_view view = { .with_details = true };
    struct register_person patient;
    struct claim_paper *papers;
    struct onlooker who;

    TRY(onlooker_of(c, claim->village, &who));
    TRY(person_get(c, claim->person, &patient));
    TRY(paper_list(c, claim, &papers, &view.paper_count));
    view.papers = papers;
    view.patient = &patient;
    look(c, claim, &who, &view);
    TRY(missing_of(c, claim, &patient, &view));
    if (view.for_reviewers)
        TRY(claim_card_is_shared(c, claim, &view.card_is_shared));
    (void) snprintf(c->etag, sizeof c->etag, "%lld", (long long) claim->version);
    return claim_to_wire(c, claim, &view, out);
}

/* "uuid,uuid" of the caller's organisations. */
static err_t
scope_of(struct call *c, const char **villages)
{
    char *text = arena_alloc(c->arena, CALL_ORGANISATIONS_MAX * ID_TEXT_BYTES + 1);

    if (!text)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the request needs too much memory");
    for (size_t i = 0; i < c->organisation_count; i++) {
        id_format(c->organisations[i], text + i * ID_TEXT_BYTES);
        if (i + 1 < c->organisation_count)
            text[(i + 1) * ID_TEXT_BYTES - 1] = ',';
    }
    *villages = text;
    return ERR_OK;
}

err_t
bound_by_scope(struct call *c, struct claim_filter *filter)
{
    if (!call_has(c, STAFF)) {
        TRY(household_of(c, c->person, &filter->household));
        filter->filed_by = c->account;
    } else {
        call_saw(c, LABEL_HEALTH, (struct id){ { 0 } });
    }
    if (!id_is_nil(filter->village)) {
        char *one = arena_alloc(c->arena, ID_TEXT_BYTES);
        if (!one)
            return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "no memory");
        id_format(filter->village, one);
        filter->villages = one;
        if (call_has(c, STAFF) && !call_covers(c, filter->village))
            return err_at(&c->err, ERR_FORBIDDEN, "$.villageId", CLAIM_VILLAGE,
                          "that village is outside the caller's scope");
        return ERR_OK;
    }
    if (call_has(c, STAFF) && !c->whole_tenant)
        return scope_of(c, &filter->villages);
    return ERR_OK;
}
