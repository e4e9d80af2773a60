/* consumers.c - what the coding service does when others tell of something. */
#include "consumers.h"

#include "clock/calendar.h"
#include "handlers.h"
#include "rules.h"
#include "store.h"
#include "wire.h"

err_t
coding_on_households(struct call *c, const Identity__HouseholdsRecorded *in)
{
    for (size_t h = 0; h < in->n_households; h++) {
        const Identity__Household *household = in->households[h];
        struct id id, *people;
        size_t count = 0;

        TRY(id_from_wire(household->household_id, "household_id", &id, &c->err));
        LIST(c, household->n_members, &people);
        for (size_t m = 0; m < household->n_members; m++) {
            const Identity__HouseholdMember *member = household->members[m];
            if (member->until) /* has left it */
                continue;
            TRY(id_from_wire(member->person_id, "person_id", &people[count], &c->err));
            count++;
        }
        TRY(household_put(c, id, people, count));
    }
    return ERR_OK;
}

static money_t
money_or_none(const Huzhu__Money *in)
{
    return in ? (money_t){ in->fen } : NO_MONEY;
}

err_t
coding_on_programme(struct call *c, const Contributions__ProgrammeChanged *in)
{
    const Contributions__Programme *p = in->programme;
    struct programme programme;

    if (!p)
        return err_set(&c->err, ERR_INVALID, "field.missing", "the programme is missing");
    programme = (struct programme){ .year = (int32_t) p->year,
                                    .name = p->name,
                                    .scheme = p->scheme_checksum,
                                    .claim_least = money_or_none(p->claim_least),
                                    .claim_most = money_or_none(p->claim_most),
                                    .person_most = money_or_none(p->person_most),
                                    .own_payment_limits = p->own_payment_limits,
                                    .workdays = (int32_t) p->decision_workdays,
                                    .version = p->version };
    TRY(id_from_wire(p->programme_id, "programme_id", &programme.id, &c->err));
    for (size_t i = 0; i < p->n_exclusions; i++)
        if (p->exclusions[i] > 0 && (int) p->exclusions[i] < EXCLUSION_COUNT)
            programme.exclusions |= UINT32_C(1) << p->exclusions[i];
    return programme_put(c, &programme);
}

/* --- claims --- */

static err_t
documents_from_wire(struct call *c, const Claims__ClaimAccepted *in, struct document **out,
                    size_t *count)
{
    LIST(c, in->n_documents, out);
    *count = 0;
    for (size_t i = 0; i < in->n_documents && *count < JOB_DOCUMENTS_MAX; i++) {
        struct document *one = &(*out)[*count];
        TRY(id_from_wire(in->documents[i]->upload_id, "documents", &one->upload, &c->err));
        one->kind = (int32_t) in->documents[i]->kind;
        ++*count;
    }
    return ERR_OK;
}

static err_t
job_from_wire(struct call *c, const Claims__ClaimAccepted *in, struct job *job)
{
    ProtobufCBinaryData plain;

    *job = (struct job){ .state = JOB_WAITING, .attempt = 1, .number = in->number };
    TRY(id_from_wire(in->claim_id, "claim_id", &job->claim, &c->err));
    TRY(id_from_wire(in->programme_id, "programme_id", &job->programme, &c->err));
    TRY(id_from_wire(in->person_id, "person_id", &job->person, &c->err));
    TRY(id_from_wire(in->village_id, "village_id", &job->village, &c->err));
    TRY(optional_id_from_wire(in->household_id, "household_id", &job->household, &c->err));
    TRY(optional_id_from_wire(in->filed_by, "filed_by", &job->filed_by, &c->err));
    TRY(date_from_wire(in->complete_on, "complete_on", &job->complete_on, &c->err));
    TRY(date_from_wire(in->due_on, "due_on", &job->due_on, &c->err));
    TRY(call_unseal_shared(c, "event/ClaimAccepted", in->sealed.data, in->sealed.len, &plain));
    Claims__ClaimFacts *facts = claims__claim_facts__unpack(NULL, plain.len, plain.data);
    if (!facts)
        return err_set(&c->err, ERR_INVALID, JOB_FACTS, "the claim's facts cannot be read");
    const err_t code = facts_seal(c, job->claim, facts, &job->facts);
    claims__claim_facts__free_unpacked(facts, NULL);
    return code;
}

err_t
coding_on_accepted(struct call *c, const Claims__ClaimAccepted *in)
{
    struct document *documents = NULL;
    struct job told, job;
    struct id claim;
    size_t count = 0;

    TRY(id_from_wire(in->claim_id, "claim_id", &claim, &c->err));
    const err_t code = job_lock(c, claim, &job);
    if (code != ERR_OK && code != ERR_NOT_FOUND)
        return code;
    TRY(job_from_wire(c, in, &told));
    TRY(documents_from_wire(c, in, &documents, &count));
    if (code == ERR_NOT_FOUND) {
        TRY(job_insert(c, &told));
        return job_documents_put(c, claim, documents, count);
    }
    /* What was over begins anew, as an attempt of its own. */
    if (job.state == JOB_UNFIT || job.state == JOB_GONE)
        told.attempt = job.attempt + 1;
    else
        told.attempt = job.attempt;
    TRY(job_move(&job, ON_ACCEPT, &c->err));
    told.state = job.state;
    TRY(job_tell_anew(c, &told));
    return job_documents_put(c, claim, documents, count);
}

/* The calendar of a year was published.  A line that the township returned has a clock of our own.
 */
err_t
coding_on_due_day(struct call *c, const Claims__DueDayChanged *in)
{
    struct id claim;
    struct job job;

    TRY(id_from_wire(in->claim_id, "claim_id", &claim, &c->err));
    const err_t code = job_lock(c, claim, &job);
    if (code == ERR_NOT_FOUND)
        return ERR_OK;
    TRY(code);
    if (job.returned_for && job.returned_for[0])
        return ERR_OK;
    TRY(date_from_wire(in->due_on, "due_on", &job.due_on, &c->err));
    return job_store(c, &job);
}

/* A price that is no more leaves the person's sum. */
static err_t
forget_price(struct call *c, const struct job *job)
{
    money_t total, payable;
    struct id coding;

    TRY(person_total_lock(c, job->programme, job->person, &total));
    TRY(coding_priced_of(c, job->claim, &coding, &payable));
    if (id_is_nil(coding))
        return ERR_OK;
    TRY(coding_end(c, coding, CODING_GONE));
    return person_total_set(c, job->programme, job->person, money_sub(total, payable));
}

static err_t
let_go(struct call *c, const Huzhu__Id *wire)
{
    struct id claim;
    struct job job;

    TRY(id_from_wire(wire, "claim_id", &claim, &c->err));
    const err_t code = job_lock(c, claim, &job);
    if (code == ERR_NOT_FOUND) /* never accepted: nothing to forget */
        return ERR_OK;
    TRY(code);
    TRY(job_move(&job, ON_GO, &c->err));
    const struct id holder = job_let_go(&job);
    TRY(forget_price(c, &job));
    TRY(job_store(c, &job));
    return id_is_nil(holder) ? ERR_OK : emit_job_released(c, claim, holder);
}

err_t
coding_on_withdrawn(struct call *c, const Claims__ClaimWithdrawn *in)
{
    return let_go(c, in->claim_id);
}

err_t
coding_on_refused(struct call *c, const Claims__ClaimRefused *in)
{
    return let_go(c, in->claim_id);
}

/* --- disbursement --- */

err_t
coding_on_line_returned(struct call *c, const Disbursement__LineReturned *in)
{
    struct programme programme;
    struct id claim;
    struct job job;

    TRY(id_from_wire(in->claim_id, "claim_id", &claim, &c->err));
    TRY(job_lock(c, claim, &job));
    if (job.state != JOB_PRICED) /* coded again already, or withdrawn meanwhile */
        return ERR_OK;
    TRY(programme_get(c, job.programme, &programme));
    TRY(coding_mark_line_returned(c, job.coding));
    TRY(job_move(&job, ON_LINE_BACK, &c->err));
    job.attempt++;
    job.returned_for = in->reason;
    /* The clock of 7.2.3 a starts again: the township has seen the stay meanwhile. */
    job.due_on = calendar_add_workdays(date_of(c->now),
                                       programme.workdays > 0 ? programme.workdays : 5, NULL);
    return job_store(c, &job);
}
