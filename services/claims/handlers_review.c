/* handlers_review.c - what who works on claims does: ask for papers, refuse an excluded stay, look
 * at timelines and due days; and the duty that counts due days again. */
#include <stdio.h>

#include "claim_steps.h"
#include "clock/calendar.h"
#include "handlers.h"
#include "replies.h"
#include "store.h"
#include "wire.h"

/* Locked, and within the caller's scope. */
static err_t
claim_to_review(struct call *c, const Huzhu__Id *wire_id, struct claim *claim)
{
    struct id id;

    TRY(id_from_wire(wire_id, "$.claimId", &id, &c->err));
    TRY(claim_lock(c, id, claim));
    if (!call_covers(c, claim->village))
        return err_set(&c->err, ERR_NOT_FOUND, CLAIM_NONE, "no such claim");
    char etag[32];
    (void) snprintf(etag, sizeof etag, "%lld", (long long) claim->version);
    return call_matches(c, etag);
}

err_t
claims_request_papers(struct call *c, const Claims__RequestPapersRequest *in,
                      Claims__RequestPapersReply *out)
{
    const paper_set_t kinds = papers_from_wire(in->n_kinds, in->kinds);
    struct claim claim;

    if (kinds == 0)
        return err_at(&c->err, ERR_INVALID, "$.kinds", CLAIM_FIELD, "no paper is asked for");
    if (!text_is_sound(in->note, 0, NOTE_CHARS_MAX))
        return err_at(&c->err, ERR_INVALID, "$.note", CLAIM_FIELD,
                      "a note has at most %d characters", NOTE_CHARS_MAX);
    TRY(claim_to_review(c, in->claim_id, &claim));
    TRY(step_request(c, &claim, kinds, in->note));
    TRY(claim_put(c, &claim));
    return claim_reply(c, &claim, &out->claim);
}

static err_t
ground_is_listed(struct call *c, const struct claim *claim, int exclusion)
{
    struct programme programme;

    if (exclusion < EXCLUDED_COSMETIC || exclusion >= EXCLUSION_COUNT)
        return err_at(&c->err, ERR_INVALID, "$.exclusion", CLAIM_GROUND, "no such exclusion");
    TRY(programme_get(c, claim->programme, &programme));
    if (!(programme.exclusions & (UINT32_C(1) << exclusion)))
        return err_at(&c->err, ERR_REFUSED, "$.exclusion", CLAIM_GROUND,
                      "the programme does not list that exclusion");
    return ERR_OK;
}

static err_t
evidence_is_there(struct call *c, const struct claim *claim, const Huzhu__Id *wire_id)
{
    struct id upload, claim_of_it;

    TRY(id_from_wire(wire_id, "$.evidence", &upload, &c->err));
    TRY(upload_claim(c, upload, &claim_of_it));
    if (id_cmp(claim_of_it, claim->id) != 0)
        return err_at(&c->err, ERR_REFUSED, "$.evidence", CLAIM_PAPER_NONE,
                      "the evidence is not among the claim's papers");
    return ERR_OK;
}

err_t
claims_refuse_claim(struct call *c, const Claims__RefuseClaimRequest *in,
                    Claims__RefuseClaimReply *out)
{
    struct onlooker who;
    struct claim claim;

    TRY(claim_to_review(c, in->claim_id, &claim));
    TRY(onlooker_of(c, claim.village, &who));
    if (id_cmp(claim.filed_by, c->account) == 0 ||
        (!id_is_nil(who.household) && id_cmp(who.household, claim.household) == 0))
        return err_set(&c->err, ERR_FORBIDDEN, CLAIM_OWN_CASE,
                       "nobody decides on a claim that is the own or was filed by oneself");
    if (claim.state != CLAIM_ACCEPTED && claim.state != CLAIM_PAPERS_REQUESTED)
        return err_set(&c->err, ERR_CONFLICT, CLAIM_MOVE, "a claim that is %s is not refused",
                       claim_state_names[claim.state]);
    TRY(ground_is_listed(c, &claim, (int) in->exclusion));
    TRY(evidence_is_there(c, &claim, in->evidence));
    TRY(step_exclude(c, &claim, (enum exclusion) in->exclusion));
    TRY(claim_put(c, &claim));
    return claim_reply(c, &claim, &out->claim);
}

/* --- looking --- */

err_t
claims_get_timeline(struct call *c, const Claims__GetTimelineRequest *in,
                    Claims__GetTimelineReply *out)
{
    size_t step_count, round_count;
    struct claim_round *rounds;
    struct claim_step *steps;
    struct claim claim;

    TRY(claim_seen(c, in->claim_id, &claim));
    TRY(step_list(c, claim.id, &steps, &step_count));
    TRY(round_list(c, claim.id, &rounds, &round_count));
    return timeline_to_wire(c, steps, step_count, rounds, round_count, out);
}

err_t
claims_list_overdue(struct call *c, const Claims__ListOverdueRequest *in,
                    Claims__ListOverdueReply *out)
{
    struct claim_filter filter;
    struct claim *claims;
    size_t count;

    TRY(overdue_from_wire(in, &filter, &c->err));
    TRY(bound_by_scope(c, &filter));
    filter.overdue_on = date_of(c->now);
    TRY(claim_list(c, &filter, &claims, &count));
    TRY(next_page_to_wire(c, &filter, claims, &count, &out->next_page_token));
    TRY(claims_to_wire(c, claims, count, &out->claims));
    out->n_claims = count;
    return ERR_OK;
}

/* --- the calendar was published --- */

/* None moves to the past: what would be due on a day gone by is due today. */
static err_t
recount(struct call *c, struct claim *claim, int workdays)
{
    const date_t before = claim->due_on, today = date_of(c->now);
    char from[DATE_TEXT_BYTES], to[DATE_TEXT_BYTES];
    bool provisional;
    date_t due = calendar_add_workdays(claim->complete_on, workdays, &provisional);

    if (due.days < before.days && due.days < today.days)
        due = before.days < today.days ? before : today;
    if (provisional && due.days == before.days)
        return ERR_OK;
    claim->due_on = due;
    claim->provisional = provisional;
    TRY(round_recount(c, claim));
    date_format(before, from);
    date_format(due, to);
    char *words = arena_printf(c->arena, "工作日历更新，办理期限由 %s 调整为 %s", from, to);
    if (!words)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "no memory");
    TRY(step_note(c, claim, "DUE_DAY", words));
    return emit_due_day_changed(c, claim);
}

err_t
claims_recount_due_days(struct call *c)
{
    struct id *tenants;
    size_t tenant_count, count;

    TRY(provisional_tenants(c, &tenants, &tenant_count));
    for (size_t i = 0; i < tenant_count; i++) {
        struct claim *claims;
        int *workdays;
        TRY(call_as_tenant(c, tenants[i]));
        TRY(provisional_claims(c, &claims, &workdays, &count));
        for (size_t k = 0; k < count; k++)
            TRY(recount(c, &claims[k], workdays[k]));
    }
    return call_as_tenant(c, (struct id){ { 0 } });
}
