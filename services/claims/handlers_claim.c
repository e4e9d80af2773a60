/* handlers_claim.c - what filers do: write a claim, add its papers, send it, follow it, take it
 * back.  In the order of claims.proto. */
#include <stdio.h>
#include <string.h>

#include "claim_steps.h"
#include "handlers.h"
#include "replies.h"
#include "store.h"
#include "wire.h"

/* --- a claim that the caller may go on with --- */

/* Locked.  What the caller may not see does not exist. */
static err_t
claim_to_act_on(struct call *c, const Huzhu__Id *wire_id, struct claim *claim)
{
    struct onlooker who;
    struct id id;

    TRY(id_from_wire(wire_id, "$.claimId", &id, &c->err));
    TRY(claim_lock(c, id, claim));
    TRY(onlooker_of(c, claim->village, &who));
    if (!rule_may_act_on_claim(claim, &who))
        return err_set(&c->err, ERR_NOT_FOUND, CLAIM_NONE, "no such claim");
    char etag[32];
    (void) snprintf(etag, sizeof etag, "%lld", (long long) claim->version);
    return call_matches(c, etag);
}

static err_t
not_now(struct call *c, const struct claim *claim)
{
    return err_set(&c->err, ERR_CONFLICT, CLAIM_MOVE, "this does not fit a claim that is %s",
                   claim_state_names[claim->state]);
}

/* A finished upload of the caller's own, of no other claim. */
static err_t
attach(struct call *c, const struct claim *claim, struct id upload_id, enum paper kind,
       size_t already)
{
    struct upload upload;
    struct id other;

    TRY(upload_get(c, upload_id, &upload));
    if (id_cmp(upload.account, c->account) != 0)
        return err_set(&c->err, ERR_NOT_FOUND, UPLOAD_NONE, "no such upload");
    if (!upload.finished)
        return err_set(&c->err, ERR_CONFLICT, UPLOAD_UNFINISHED, "the upload is not complete");
    TRY(upload_claim(c, upload_id, &other));
    if (!id_is_nil(other))
        return err_set(&c->err, ERR_CONFLICT, UPLOAD_ATTACHED, "the upload is a paper already");
    if (already >= CLAIM_PAPERS_MAX)
        return err_set(&c->err, ERR_REFUSED, CLAIM_PAPERS_MANY, "a claim has at most %d papers",
                       CLAIM_PAPERS_MAX);
    return paper_insert(c, claim, upload_id, kind);
}

/* --- filing --- */

/* May the caller file for this person? */
static err_t
filer_of(struct call *c, const struct register_person *patient, bool by_agent)
{
    struct onlooker who;

    TRY(onlooker_of(c, patient->village, &who));
    if (call_has(c, ROLE_VILLAGE_CLERK | ROLE_TOWNSHIP_OFFICER) && who.covers)
        return ERR_OK;
    if (!call_has(c, ROLE_MEMBER))
        return err_set(&c->err, ERR_NOT_FOUND, CLAIM_PERSON_NONE,
                       "the register has no such person");
    if (by_agent || (!id_is_nil(who.household) && id_cmp(who.household, patient->household) == 0))
        return ERR_OK;
    return err_set(&c->err, ERR_FORBIDDEN, CLAIM_NOT_YOURS,
                   "a member files for its household, or by mandate");
}

static err_t
claim_from_wire(struct call *c, const Claims__FileClaimRequest *in, char card[static 20],
                struct claim *claim)
{
    const char *card_again;

    *claim = (struct claim){ .state = CLAIM_DRAFT,
                             .number = "",
                             .by_agent = in->by_agent,
                             .filed_by = c->account,
                             .filed_at = c->now,
                             .asked_note = "",
                             .reason = "",
                             .requirement = "",
                             .words = "" };
    TRY(id_from_wire(in->claim_id, "$.claimId", &claim->id, &c->err));
    TRY(id_from_wire(in->person_id, "$.personId", &claim->person, &c->err));
    TRY(stay_from_wire(in->stay, &claim->stay, &c->err));
    TRY(rule_stay_is_sound(&claim->stay, date_of(c->now), &c->err));
    TRY(payee_from_wire(in->payee, &claim->payee, &card_again, &c->err));
    return rule_payee_is_sound(&claim->payee, card_again, card, &c->err);
}

/* Under the same id again: the draft is replaced. */
static err_t
rewrite(struct call *c, const Claims__FileClaimRequest *in, struct claim *claim)
{
    struct claim before;
    const err_t code = claim_to_act_on(c, in->claim_id, &before);

    if (code == ERR_NOT_FOUND)
        return err_set(&c->err, ERR_CONFLICT, CLAIM_ID_TAKEN, "the id is that of another claim");
    TRY(code);
    if (before.state != CLAIM_DRAFT)
        return not_now(c, &before);
    claim->filed_by = before.filed_by;
    claim->version = before.version;
    return claim_rewrite(c, claim);
}

err_t
claims_file_claim(struct call *c, const Claims__FileClaimRequest *in, Claims__FileClaimReply *out)
{
    struct register_person patient;
    struct claim claim, existing;
    char card[20];

    TRY(claim_from_wire(c, in, card, &claim));
    TRY(person_get(c, claim.person, &patient));
    TRY(filer_of(c, &patient, claim.by_agent));
    TRY(rule_payee_fits(&claim.payee, &patient, &c->err));
    claim.household = patient.household;
    claim.village = patient.village;

    const err_t code = claim_lock(c, claim.id, &existing);
    if (code == ERR_NOT_FOUND) {
        c->err = (struct err){ .code = ERR_OK };
        TRY(claim_insert(c, &claim));
        claim.version = 1;
    } else {
        TRY(code);
        TRY(rewrite(c, in, &claim));
    }
    TRY(step_move(c, &claim, ON_FILE, NULL));
    return claim_reply(c, &claim, &out->claim);
}

err_t
claims_attach_paper(struct call *c, const Claims__AttachPaperRequest *in,
                    Claims__AttachPaperReply *out)
{
    struct claim_paper *papers;
    struct claim claim;
    struct id upload;
    enum paper kind;
    size_t count;

    TRY(id_from_wire(in->upload_id, "$.uploadId", &upload, &c->err));
    TRY(paper_from_wire(in->kind, "$.kind", &kind, &c->err));
    TRY(claim_to_act_on(c, in->claim_id, &claim));
    if (claim.state != CLAIM_DRAFT)
        return not_now(c, &claim);
    TRY(paper_list(c, &claim, &papers, &count));
    TRY(attach(c, &claim, upload, kind, count));
    TRY(claim_put(c, &claim));
    return claim_reply(c, &claim, &out->claim);
}

err_t
claims_detach_paper(struct call *c, const Claims__DetachPaperRequest *in,
                    Claims__DetachPaperReply *out)
{
    struct claim claim;
    struct id upload;
    bool found;

    TRY(id_from_wire(in->upload_id, "$.uploadId", &upload, &c->err));
    TRY(claim_to_act_on(c, in->claim_id, &claim));
    if (claim.state != CLAIM_DRAFT)
        return not_now(c, &claim);
    TRY(paper_delete(c, &claim, upload, &found));
    if (!found)
        return err_set(&c->err, ERR_NOT_FOUND, CLAIM_PAPER_NONE, "no such paper of the claim");
    TRY(claim_put(c, &claim));
    return claim_reply(c, &claim, &out->claim);
}

/* --- sending --- */

static err_t
papers_are_there(struct call *c, const struct claim *claim, const struct programme *programme,
                 const struct register_person *patient)
{
    struct claim_paper *papers;
    char words[160];
    size_t count;

    TRY(paper_list(c, claim, &papers, &count));
    const paper_set_t lacks =
        papers_missing(claim, programme, patient, papers, count, date_of(c->now));
    if (lacks == 0)
        return ERR_OK;
    papers_in_words(lacks, words, sizeof words);
    return err_set(&c->err, ERR_REFUSED, CLAIM_PAPERS_MISSING, "papers are missing: %s", words);
}

/* The number of a live claim whose stay meets this one's; NULL: none. */
static err_t
overlapping(struct call *c, const struct claim *claim, const char **number)
{
    struct claim *others;
    size_t count;

    *number = NULL;
    TRY(claim_stays(c, claim, &others, &count));
    for (size_t i = 0; i < count && !*number; i++)
        if (stays_overlap(&claim->stay, &others[i].stay))
            *number = others[i].number;
    return ERR_OK;
}

static err_t
number_it(struct call *c, struct claim *claim, const struct candidate *candidate)
{
    int year, month, day;

    date_to_civil(claim->stay.admitted, &year, &month, &day);
    if (candidate) {
        claim->programme = candidate->programme.id;
        year = (int) candidate->programme.year;
    }
    claim->filed_at = c->now;
    return claim_next_number(c, (unsigned) year, &claim->number);
}

static err_t
decide(struct call *c, struct claim *claim, const struct verdict *verdict,
       const struct register_person *patient)
{
    if (verdict->accepted)
        return step_accept(c, claim, ON_ACCEPT, patient, verdict->candidate->programme.workdays);

    TRY(step_move(c, claim, ON_REFUSE, verdict->words));
    claim->reason = verdict->reason;
    claim->requirement = verdict->requirement;
    claim->words = verdict->words;
    return emit_claim_refused(c, claim);
}

err_t
claims_submit_claim(struct call *c, const Claims__SubmitClaimRequest *in,
                    Claims__SubmitClaimReply *out)
{
    struct candidate *candidates;
    struct register_person patient;
    struct stay_question question;
    struct verdict verdict;
    struct claim claim;

    TRY(claim_to_act_on(c, in->claim_id, &claim));
    if (claim.state != CLAIM_DRAFT)
        return not_now(c, &claim);
    TRY(person_lock(c, claim.person)); /* two stays of one patient are judged one after the other */
    TRY(person_get(c, claim.person, &patient));
    claim.household = patient.household;
    claim.village = patient.village;
    question = (struct stay_question){ .stay = &claim.stay, .village = patient.village };
    TRY(candidates_of(c, &patient, &candidates, &question.candidate_count));
    question.candidates = candidates;
    TRY(overlapping(c, &claim, &question.overlaps));
    rule_stay_is_helped(&question, &verdict);
    TRY(rule_payee_fits(&claim.payee, &patient, &c->err));
    TRY(papers_are_there(c, &claim, verdict.candidate ? &verdict.candidate->programme : NULL,
                         &patient));

    TRY(number_it(c, &claim, verdict.candidate));
    TRY(step_move(c, &claim, ON_SUBMIT, NULL));
    TRY(emit_claim_filed(c, &claim));
    TRY(decide(c, &claim, &verdict, &patient));
    TRY(claim_put(c, &claim));
    return claim_reply(c, &claim, &out->claim);
}

/* --- looking --- */

err_t
claims_get_claim(struct call *c, const Claims__GetClaimRequest *in, Claims__GetClaimReply *out)
{
    struct claim claim;

    TRY(claim_seen(c, in->claim_id, &claim));
    return claim_reply(c, &claim, &out->claim);
}

err_t
claims_list_claims(struct call *c, const Claims__ListClaimsRequest *in,
                   Claims__ListClaimsReply *out)
{
    struct claim_filter filter;
    struct claim *claims;
    size_t count;

    TRY(filter_from_wire(in, &filter, &c->err));
    TRY(bound_by_scope(c, &filter));
    TRY(claim_list(c, &filter, &claims, &count));
    TRY(next_page_to_wire(c, &filter, claims, &count, &out->next_page_token));
    TRY(claims_to_wire(c, claims, count, &out->claims));
    out->n_claims = count;
    return ERR_OK;
}

/* --- afterwards --- */

err_t
claims_withdraw_claim(struct call *c, const Claims__WithdrawClaimRequest *in,
                      Claims__WithdrawClaimReply *out)
{
    struct claim claim;

    TRY(claim_to_act_on(c, in->claim_id, &claim));
    TRY(step_move(c, &claim, ON_WITHDRAW, NULL));
    claim.asked = 0;
    claim.asked_note = "";
    if (claim.round > 0) { /* nobody was told of a draft */
        TRY(round_close(c, &claim, date_of(c->now)));
        TRY(emit_claim_withdrawn(c, &claim));
    }
    TRY(claim_put(c, &claim));
    return claim_reply(c, &claim, &out->claim);
}

static err_t
attach_all(struct call *c, const Claims__AddPapersRequest *in, const struct claim *claim)
{
    struct claim_paper *papers;
    size_t count;

    TRY(paper_list(c, claim, &papers, &count));
    for (size_t i = 0; i < in->n_papers; i++) {
        struct id upload;
        enum paper kind;
        TRY(id_from_wire(in->papers[i]->upload_id, "$.papers[].uploadId", &upload, &c->err));
        TRY(paper_from_wire(in->papers[i]->kind, "$.papers[].kind", &kind, &c->err));
        TRY(attach(c, claim, upload, kind, count + i));
    }
    return step_note(c, claim, "PAPER", "补充材料");
}

err_t
claims_add_papers(struct call *c, const Claims__AddPapersRequest *in, Claims__AddPapersReply *out)
{
    struct register_person patient;
    struct programme programme;
    struct claim_paper *papers;
    struct claim claim;
    size_t count;

    TRY(claim_to_act_on(c, in->claim_id, &claim));
    if (claim.state != CLAIM_PAPERS_REQUESTED)
        return not_now(c, &claim);
    if (in->n_papers == 0 || in->n_papers > CLAIM_PAPERS_MAX)
        return err_at(&c->err, ERR_INVALID, "$.papers", CLAIM_FIELD, "1 to %d papers",
                      CLAIM_PAPERS_MAX);
    TRY(attach_all(c, in, &claim));
    TRY(person_get(c, claim.person, &patient));
    TRY(paper_list(c, &claim, &papers, &count));
    if (papers_missing(&claim, NULL, &patient, papers, count, date_of(c->now)) == 0) {
        TRY(programme_get(c, claim.programme, &programme));
        TRY(step_accept(c, &claim, ON_COMPLETE, &patient, programme.workdays));
    }
    TRY(claim_put(c, &claim));
    return claim_reply(c, &claim, &out->claim);
}

/* Another holder than the patient or its parent needs a mandate among the papers. */
static err_t
see_mandate(struct call *c, const Claims__ChangePayeeRequest *in, const struct claim *claim,
            const struct register_person *patient)
{
    struct claim_paper *papers;
    struct id upload;
    size_t count;

    TRY(paper_list(c, claim, &papers, &count));
    if (in->mandate_id) {
        TRY(id_from_wire(in->mandate_id, "$.mandateId", &upload, &c->err));
        return attach(c, claim, upload, PAPER_MANDATE, count);
    }
    if (!payee_needs_mandate(claim->payee.relation, patient->birth, date_of(c->now)))
        return ERR_OK;
    for (size_t i = 0; i < count; i++)
        if (papers[i].kind == PAPER_MANDATE)
            return ERR_OK;
    return err_at(&c->err, ERR_REFUSED, "$.mandateId", CLAIM_MANDATE,
                  "the holder needs a mandate among the papers");
}

err_t
claims_change_payee(struct call *c, const Claims__ChangePayeeRequest *in,
                    Claims__ChangePayeeReply *out)
{
    struct register_person patient;
    const char *card_again;
    struct claim claim;
    char card[20];

    TRY(claim_to_act_on(c, in->claim_id, &claim));
    if (claim.state == CLAIM_LISTED || claim.state == CLAIM_PAID)
        return err_set(&c->err, ERR_CONFLICT, CLAIM_PAID_ALREADY,
                       "a claim that is %s keeps its payee", claim_state_names[claim.state]);
    if (claim.state != CLAIM_ACCEPTED && claim.state != CLAIM_PAPERS_REQUESTED &&
        claim.state != CLAIM_DECIDED && claim.state != CLAIM_PAYMENT_FAILED)
        return not_now(c, &claim);
    TRY(payee_from_wire(in->payee, &claim.payee, &card_again, &c->err));
    TRY(rule_payee_is_sound(&claim.payee, card_again, card, &c->err));
    TRY(person_get(c, claim.person, &patient));
    TRY(rule_payee_fits(&claim.payee, &patient, &c->err));
    TRY(see_mandate(c, in, &claim, &patient));
    TRY(claim_put_payee(c, &claim));
    TRY(step_note(c, &claim, "PAYEE", "变更收款账户"));
    TRY(emit_payee_changed(c, &claim));
    return claim_reply(c, &claim, &out->claim);
}
