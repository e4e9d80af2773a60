/* claim_steps.c - moves of claims with their line on the timeline, their clock and their event. */
#include "claim_steps.h"

#include <stdio.h>

#include "clock/calendar.h"
#include "store.h"
#include "wire.h"

err_t
onlooker_of(struct call *c, struct id village, struct onlooker *who)
{
    *who = (struct onlooker){ .account = c->account,
                              .roles = c->roles,
                              .covers = call_covers(c, village) };
    return household_of(c, c->person, &who->household);
}

err_t
claim_seen(struct call *c, const Huzhu__Id *in, struct claim *claim)
{
    struct onlooker who;
    struct id id;

    TRY(id_from_wire(in, "$.claimId", &id, &c->err));
    TRY(claim_get(c, id, claim));
    TRY(onlooker_of(c, claim->village, &who));
    if (!rule_may_see_claim(claim, &who))
        return err_set(&c->err, ERR_NOT_FOUND, CLAIM_NONE, "no such claim");
    return ERR_OK;
}

err_t
candidates_of(struct call *c, const struct register_person *patient, struct candidate **candidates,
              size_t *count)
{
    ProtobufCBinaryData *bodies;

    TRY(candidate_bodies(c, patient->id, patient->village, candidates, &bodies, count));
    for (size_t i = 0; i < *count; i++)
        TRY(programme_unpack(c, bodies[i], &(*candidates)[i].programme));
    return ERR_OK;
}

err_t
programme_get(struct call *c, struct id id, struct programme *programme)
{
    ProtobufCBinaryData body;

    TRY(programme_body(c, id, &body));
    return programme_unpack(c, body, programme);
}

/* --- steps --- */

/* Consumers run as the producer of the event, duties as ourselves, people as themselves. */
static const char *
caused_by(const struct call *c)
{
    return id_is_nil(c->account) ? c->caller : c->service;
}

err_t
step_move(struct call *c, struct claim *claim, enum claim_event on, const char *words)
{
    struct claim_step step = { .what = claim_event_name(on),
                               .from = claim_state_names[claim->state],
                               .account = c->account,
                               .by = caused_by(c) };

    TRY(claim_move(claim, on, &step.words, &c->err));
    step.to = claim_state_names[claim->state];
    if (words)
        step.words = words;
    return step_insert(c, claim, &step);
}

err_t
step_note(struct call *c, const struct claim *claim, const char *what, const char *words)
{
    const struct claim_step step = { .what = what,
                                     .from = claim_state_names[claim->state],
                                     .to = claim_state_names[claim->state],
                                     .account = c->account,
                                     .by = caused_by(c),
                                     .words = words };

    return step_insert(c, claim, &step);
}

/* --- acceptance --- */

err_t
step_accept(struct call *c, struct claim *claim, enum claim_event on,
            const struct register_person *patient, int workdays)
{
    struct claim_paper *papers;
    size_t count;

    TRY(step_move(c, claim, on, NULL));
    claim->round++;
    claim->complete_on = date_of(c->now);
    claim->due_on = calendar_add_workdays(claim->complete_on, workdays, &claim->provisional);
    claim->asked = 0;
    claim->asked_note = "";
    TRY(round_insert(c, claim, workdays));
    TRY(paper_list(c, claim, &papers, &count));
    return emit_claim_accepted(c, claim, patient, papers, count);
}

err_t
step_request(struct call *c, struct claim *claim, paper_set_t kinds, const char *note)
{
    char words[256], *kept = NULL;

    TRY(step_move(c, claim, ON_REQUEST, NULL));
    claim->asked |= kinds;
    claim->asked_note = note;
    papers_in_words(claim->asked, words, sizeof words);
    kept = arena_printf(c->arena, "要求补充：%s", words);
    if (!kept)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the request needs too much memory");
    TRY(step_note(c, claim, "PAPERS", kept));
    TRY(round_pause(c, claim, date_of(c->now)));
    return emit_papers_requested(c, claim);
}

err_t
step_exclude(struct call *c, struct claim *claim, enum exclusion exclusion)
{
    char *words = arena_printf(c->arena, "属于方案列明的不予补助情形（%s），不予补助",
                               exclusion_in_words(exclusion));

    if (!words)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the request needs too much memory");
    TRY(step_move(c, claim, ON_EXCLUDE, words));
    claim->reason = CLAIM_EXCLUDED;
    claim->requirement = requirement_of(CLAIM_EXCLUDED);
    claim->words = words;
    claim->asked = 0;
    claim->asked_note = "";
    TRY(round_close(c, claim, date_of(c->now)));
    return emit_claim_refused(c, claim);
}
