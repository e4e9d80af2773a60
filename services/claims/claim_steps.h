/* claim_steps.h - what handlers and consumers do to a claim: each is a move of moves.def, its line
 * on the timeline, its effect on the clock and its event.  The claim is locked; who calls puts it.
 */
#ifndef HUZHU_CLAIMS_CLAIM_STEPS_H
#define HUZHU_CLAIMS_CLAIM_STEPS_H

#include "rules.h"
#include "rules_eligibility.h"

/* Who calls, before a claim of this village. */
err_t onlooker_of(struct call *c, struct id village, struct onlooker *who) MUST_CHECK;
/* The claim of a request; NOT_FOUND for whom it is none of their business, too. */
err_t claim_seen(struct call *c, const Huzhu__Id *in, struct claim *claim) MUST_CHECK;

/* The programmes of the patient's village, and the patient's part in each. */
err_t candidates_of(struct call *c, const struct register_person *patient,
                    struct candidate **candidates, size_t *count) MUST_CHECK;
err_t programme_get(struct call *c, struct id id, struct programme *programme) MUST_CHECK;

/* The move and its step; words NULL: moves.def's own. */
err_t step_move(struct call *c, struct claim *claim, enum claim_event on,
                const char *words) MUST_CHECK;
/* A step that leaves the state as it is: "PAPER", "PAYEE", "DUE_DAY", "LATE". */
err_t step_note(struct call *c, const struct claim *claim, const char *what,
                const char *words) MUST_CHECK;

/* The papers are complete as of today: a run of the clock begins, coding is told. */
err_t step_accept(struct call *c, struct claim *claim, enum claim_event on,
                  const struct register_person *patient, int workdays) MUST_CHECK;
/* The clock stands from today on, until AddPapers. */
err_t step_request(struct call *c, struct claim *claim, paper_set_t kinds,
                   const char *note) MUST_CHECK;
/* Refused for a listed exclusion, after it had been accepted. */
err_t step_exclude(struct call *c, struct claim *claim, enum exclusion exclusion) MUST_CHECK;

#endif
