/* wire_event.c - what the queue tells others. */
#include <string.h>

#include "rules.h"
#include "wire.h"

err_t
emit_job_taken(struct call *c, const struct job *job, bool review)
{
    Coding__JobTaken event = CODING__JOB_TAKEN__INIT;

    event.claim_id = id_to_wire(c, job->claim);
    event.account_id = id_to_wire(c, job->holder);
    event.until = instant_to_wire(c, job->lease_until);
    event.review = review;
    if (!event.claim_id || !event.account_id || !event.until)
        return c->err.code;
    return event_append(c, &event.base);
}

err_t
emit_job_released(struct call *c, struct id claim, struct id account)
{
    Coding__JobReleased event = CODING__JOB_RELEASED__INIT;

    event.claim_id = id_to_wire(c, claim);
    event.account_id = id_to_wire(c, account);
    if (!event.claim_id || !event.account_id)
        return c->err.code;
    return event_append(c, &event.base);
}

err_t
emit_papers_asked(struct call *c, const Coding__AskPapersRequest *in)
{
    Coding__PapersAsked event = CODING__PAPERS_ASKED__INIT;

    event.claim_id = in->claim_id;
    event.n_kinds = in->n_kinds;
    event.kinds = in->kinds;
    /* People write what they should not: the log of events keeps no free text in the clear. */
    if (in->note[0])
        TRY(call_seal_shared(c, "event/PapersAsked", in->note, strlen(in->note), &event.sealed));
    return event_append(c, &event.base);
}

err_t
emit_claim_unfit(struct call *c, struct id claim, int exclusion)
{
    Coding__ClaimUnfit event = CODING__CLAIM_UNFIT__INIT;

    event.claim_id = id_to_wire(c, claim);
    event.exclusion = (Contributions__Programme__Exclusion) exclusion;
    if (!event.claim_id)
        return c->err.code;
    return event_append(c, &event.base);
}

static err_t
steps_to_event(struct call *c, const struct price *price, Coding__ClaimPriced *event)
{
    event->steps = arena_alloc(c->arena, (price->step_count + 1) * sizeof(void *));
    for (size_t i = 0; event->steps && i < price->step_count; i++) {
        Coding__ClaimPriced__Step *step = arena_alloc(c->arena, sizeof *step);
        if (!step)
            break;
        coding__claim_priced__step__init(step);
        step->name = (char *) price->steps[i].name;
        step->before = money_to_wire(c, price->steps[i].before);
        step->after = money_to_wire(c, price->steps[i].after);
        step->why = (char *) price->steps[i].why;
        if (!step->before || !step->after)
            break;
        event->steps[event->n_steps++] = step;
    }
    if (event->n_steps == price->step_count)
        return ERR_OK;
    return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the event needs too much memory");
}

err_t
emit_claim_priced(struct call *c, const struct job *job, const struct coding *in,
                  const struct price *price)
{
    Coding__ClaimPriced event = CODING__CLAIM_PRICED__INIT;

    event.claim_id = id_to_wire(c, in->claim);
    event.coding_id = id_to_wire(c, in->id);
    event.programme_id = id_to_wire(c, in->programme);
    event.person_id = id_to_wire(c, in->person);
    event.village_id = id_to_wire(c, job->village);
    event.table_id = id_to_wire(c, in->table);
    event.scheme = scheme_to_wire(c, &in->scheme);
    event.mdc = (char *) in->mdc;
    event.adrg = (char *) in->adrg;
    event.drg = (char *) in->drg;
    event.drg_name = (char *) in->drg_name;
    event.due = money_to_wire(c, price->due);
    event.payable = money_to_wire(c, price->payable);
    event.sensitive = in->sensitive;
    event.sensitive_by = (char *) in->sensitive_by;
    event.coder_id = id_to_wire(c, in->coder);
    event.reviewer_id = id_to_wire(c, in->reviewer);
    event.decided_on = date_to_wire(c, in->decided_on);
    event.on_time = in->decided_on.days <= job->due_on.days;
    event.basis_sha256 =
        (ProtobufCBinaryData){ sizeof in->basis_sha256, (uint8_t *) in->basis_sha256 };
    event.sub_group = (char *) sub_group_of(in);
    event.attempt = (uint32_t) in->attempt;
    TRY(steps_to_event(c, price, &event));
    if (!event.claim_id || !event.coding_id || !event.programme_id || !event.person_id ||
        !event.village_id || !event.table_id || !event.scheme || !event.due || !event.payable ||
        !event.coder_id || !event.reviewer_id || !event.decided_on)
        return c->err.code;
    return event_append(c, &event.base);
}
