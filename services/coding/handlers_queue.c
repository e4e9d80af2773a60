/* handlers_queue.c - stays are taken, given back, parked for papers, found unfit; the queue's
 * figures.
 *
 * A job is taken with FOR UPDATE SKIP LOCKED, so that any number of replicas hand out different
 * ones.  Leases run by the wall clock: a rehearsal that moves business time does not end them. */
#include "handlers.h"

#include <string.h>

#include "check/text.h"
#include "rules.h"
#include "store.h"
#include "svc/room.h"
#include "wire.h"

/* --- shared --- */

struct id
job_let_go(struct job *job)
{
    const struct id holder = job->holder;

    job->holder = (struct id){ { 0 } };
    job->lease_until = (instant_t){ 0 };
    return holder;
}

static void
take(struct call *c, struct job *job)
{
    const struct coding_conf *conf = c->conf;

    job->holder = c->account;
    job->lease_until = (instant_t){ c->wall.us + conf->lease * 1000 };
}

err_t
frozen_scheme(struct call *c, struct id programme, struct subsidy_table *table,
              const struct drg_scheme **scheme)
{
    TRY(table_frozen(c, programme, table));
    *scheme = scheme_find(c->state, table->scheme.checksum);
    return *scheme ? ERR_OK
                   : err_set(&c->err, ERR_UNAVAILABLE, SCHEME_NOT_LOADED,
                             "scheme %s %s (%.12s) is not in the scheme folder", table->scheme.id,
                             table->scheme.version, table->scheme.checksum);
}

err_t
show_facts(struct call *c, const struct job *job, Coding__JobFacts **out)
{
    struct subsidy_table table;
    const struct drg_scheme *scheme = NULL;
    struct document *documents;
    struct stay_numbers numbers;
    struct facts facts;
    size_t count;

    TRY(frozen_scheme(c, job->programme, &table, &scheme));
    TRY(facts_unseal(c, job->claim, job->facts, &facts));
    TRY(rule_stay_numbers(&facts, &numbers, &c->err));
    TRY(job_documents(c, job->claim, &documents, &count));
    call_saw(c, LABEL_HEALTH, job->person);
    const struct facts_view view = { .facts = &facts,
                                     .numbers = &numbers,
                                     .documents = documents,
                                     .document_count = count,
                                     .scheme = &table.scheme };
    *out = facts_to_wire(c, &view);
    return *out ? ERR_OK : c->err.code;
}

static err_t
answer(struct call *c, const struct job *job, Coding__Job **out)
{
    *out = job_to_wire(c, job);
    return *out ? ERR_OK : c->err.code;
}

/* The job, locked, that the caller has in hand as a coder. */
static err_t
lock_taken(struct call *c, const Huzhu__Id *wire, struct job *job)
{
    struct id claim;

    TRY(id_from_wire(wire, "$.claimId", &claim, &c->err));
    TRY(job_lock(c, claim, job));
    return rule_holds(job, c->account, JOB_TAKEN, &c->err);
}

/* Out of the caller's hands and into its next state; what it led to is told after this. */
static err_t
put_down(struct call *c, struct job *job, enum job_event on)
{
    TRY(job_move(job, on, &c->err));
    const struct id holder = job_let_go(job);
    TRY(job_store(c, job));
    return emit_job_released(c, job->claim, holder);
}

/* --- taking --- */

static err_t
check_room(struct call *c)
{
    const struct coding_conf *conf = c->conf;
    int64_t held;

    TRY(jobs_held(c, &held));
    if (held >= conf->jobs_held_most)
        return err_set(&c->err, ERR_REFUSED, JOB_HELD_MOST, "%lld stays are in hand already",
                       (long long) held);
    return ERR_OK;
}

err_t
coding_take_job(struct call *c, const Coding__TakeJobRequest *in, Coding__TakeJobReply *out)
{
    struct id programme;
    const char *certificate;
    struct job job;
    bool found;

    TRY(optional_id_from_wire(in->programme_id, "$.programmeId", &programme, &c->err));
    TRY(certificate_on(c, c->account, date_of(c->now), &certificate));
    TRY(check_room(c));
    TRY(job_next(c, JOB_WAITING, programme, &found, &job));
    if (!found)
        return ERR_OK;

    TRY(job_move(&job, ON_TAKE, &c->err));
    take(c, &job);
    TRY(job_store(c, &job));
    TRY(emit_job_taken(c, &job, false));
    TRY(show_facts(c, &job, &out->facts));
    return answer(c, &job, &out->job);
}

err_t
coding_get_job(struct call *c, const Coding__GetJobRequest *in, Coding__GetJobReply *out)
{
    struct id claim;
    struct job job;

    TRY(id_from_wire(in->claim_id, "$.claimId", &claim, &c->err));
    TRY(job_get(c, claim, &job));
    if (id_is_nil(job.holder) || id_cmp(job.holder, c->account) != 0)
        return err_set(&c->err, ERR_NOT_FOUND, JOB_NONE, "the caller does not hold this job");
    TRY(show_facts(c, &job, &out->facts));
    return answer(c, &job, &out->job);
}

/* The job, locked, that the caller has in hand as whatever it is. */
static err_t
lock_held(struct call *c, const Huzhu__Id *wire, struct job *job)
{
    struct id claim;

    TRY(id_from_wire(wire, "$.claimId", &claim, &c->err));
    TRY(job_lock(c, claim, job));
    return rule_holds(job, c->account, job->state == JOB_REVIEWING ? JOB_REVIEWING : JOB_TAKEN,
                      &c->err);
}

err_t
coding_renew_job(struct call *c, const Coding__RenewJobRequest *in, Coding__RenewJobReply *out)
{
    struct job job;

    TRY(lock_held(c, in->claim_id, &job));
    take(c, &job);
    TRY(job_store(c, &job));
    TRY(emit_job_taken(c, &job, job.state == JOB_REVIEWING));
    return answer(c, &job, &out->job);
}

err_t
coding_release_job(struct call *c, const Coding__ReleaseJobRequest *in,
                   Coding__ReleaseJobReply *out)
{
    struct job job;

    TRY(lock_held(c, in->claim_id, &job));
    TRY(put_down(c, &job, ON_RELEASE));
    return answer(c, &job, &out->job);
}

/* --- what cannot be coded --- */

static err_t
check_kinds(const Coding__AskPapersRequest *in, struct err *err)
{
    uint32_t seen = 0;

    if (in->n_kinds == 0 || in->n_kinds > 6)
        return err_at(err, ERR_INVALID, "$.kinds", PAPERS_KINDS, "1 to 6 kinds of papers");
    for (size_t i = 0; i < in->n_kinds; i++) {
        const int kind = (int) in->kinds[i];
        if (kind < 1 || kind > 6 || (seen >> kind & 1))
            return err_at(err, ERR_INVALID, "$.kinds", PAPERS_KINDS, "each known kind once");
        seen |= UINT32_C(1) << kind;
    }
    return ERR_OK;
}

err_t
coding_ask_papers(struct call *c, const Coding__AskPapersRequest *in, Coding__AskPapersReply *out)
{
    struct job job;

    TRY(check_kinds(in, &c->err));
    if (text_characters(in->note) > 200 || text_has_control(in->note))
        return err_at(&c->err, ERR_INVALID, "$.note", PAPERS_NOTE,
                      "at most 200 characters, none of them a control character");
    TRY(lock_taken(c, in->claim_id, &job));

    TRY(put_down(c, &job, ON_ASK));
    TRY(emit_papers_asked(c, in));
    return answer(c, &job, &out->job);
}

/* The evidence: papers of this claim, as a text of ids. */
static err_t
evidence_of(struct call *c, const Coding__MarkUnfitRequest *in, struct id claim, const char **out)
{
    struct document *documents;
    size_t count, used = 0;
    char *text;

    TRY(job_documents(c, claim, &documents, &count));
    if (in->n_upload_ids == 0 || in->n_upload_ids > JOB_DOCUMENTS_MAX)
        return err_at(&c->err, ERR_INVALID, "$.uploadIds", UNFIT_EVIDENCE,
                      "1 to %d papers of the claim", JOB_DOCUMENTS_MAX);
    text = arena_alloc(c->arena, in->n_upload_ids * ID_TEXT_BYTES + 1);
    if (!text)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "too much memory");
    for (size_t i = 0; i < in->n_upload_ids; i++) {
        bool known = false;
        struct id id;
        TRY(id_from_wire(in->upload_ids[i], "$.uploadIds", &id, &c->err));
        for (size_t k = 0; k < count; k++)
            known |= id_cmp(documents[k].upload, id) == 0;
        if (!known)
            return err_at(&c->err, ERR_INVALID, "$.uploadIds", UNFIT_EVIDENCE,
                          "paper %zu is not one of this claim", i);
        if (used > 0)
            text[used++] = ' ';
        id_format(id, text + used);
        used += ID_TEXT_BYTES - 1;
    }
    *out = text;
    return ERR_OK;
}

err_t
coding_mark_unfit(struct call *c, const Coding__MarkUnfitRequest *in, Coding__MarkUnfitReply *out)
{
    struct programme programme;
    struct unfit unfit = { .exclusion = (int) in->exclusion };
    struct job job;
    const size_t noted = text_characters(in->note);

    if (noted == 0 || noted > 500)
        return err_at(&c->err, ERR_INVALID, "$.note", PAPERS_NOTE, "1 to 500 characters");
    TRY(lock_taken(c, in->claim_id, &job));
    TRY(programme_get(c, job.programme, &programme));
    TRY(rule_may_exclude(programme.exclusions, unfit.exclusion, &c->err));
    TRY(evidence_of(c, in, job.claim, &unfit.upload_ids));
    unfit.claim = job.claim;
    unfit.attempt = job.attempt;
    TRY(text_seal(c, "unfit", job.claim, in->note, &unfit.note));

    TRY(unfit_insert(c, &unfit));
    TRY(put_down(c, &job, ON_UNFIT));
    TRY(emit_claim_unfit(c, job.claim, unfit.exclusion));
    return answer(c, &job, &out->job);
}

/* --- looking at the queue --- */

err_t
coding_list_jobs(struct call *c, const Coding__ListJobsRequest *in, Coding__ListJobsReply *out)
{
    struct job_filter filter = { .overdue = in->overdue, .today = date_of(c->now) };
    struct job_page page;
    struct job *jobs;
    size_t count;

    TRY(optional_id_from_wire(in->programme_id, "$.programmeId", &filter.programme, &c->err));
    if (in->state < 0 || (int) in->state > JOB_GONE)
        return err_at(&c->err, ERR_INVALID, "$.state", JOB_STATE, "no such state");
    TRY(job_page_from_wire(in->page_size, in->page_token, &page, &c->err));
    filter.state = (enum job_state) in->state;
    filter.after_due = page.after_due;
    filter.after_claim = page.after_claim;
    filter.rows = page.rows;
    TRY(jobs_list(c, &filter, &jobs, &count));
    if ((int64_t) count == page.rows) {
        count--;
        TRY(job_page_to_wire(c, &jobs[count - 1], &out->next_page_token));
    }
    LIST(c, count, &out->jobs);
    for (size_t i = 0; i < count; i++) {
        TRY(answer(c, &jobs[i], &out->jobs[i]));
        out->n_jobs++;
    }
    return ERR_OK;
}

err_t
coding_get_queue_figures(struct call *c, const Coding__GetQueueFiguresRequest *in,
                         Coding__GetQueueFiguresReply *out)
{
    struct queue_figures f;

    (void) in;
    TRY(queue_figures(c, &f));
    out->waiting = (uint32_t) f.waiting;
    out->taken = (uint32_t) f.taken;
    out->parked = (uint32_t) f.parked;
    out->for_review = (uint32_t) f.coded;
    out->reviewing = (uint32_t) f.reviewing;
    out->overdue = (uint32_t) f.overdue;
    out->oldest_due = f.has_oldest ? date_to_wire(c, f.oldest_due) : NULL;
    out->came_last_hour = (uint32_t) f.came;
    out->coded_last_hour = (uint32_t) f.coded_last_hour;
    out->priced_last_hour = (uint32_t) f.priced;
    out->at = instant_to_wire(c, c->now);
    return out->at ? ERR_OK : c->err.code;
}

/* --- leases that are over --- */

/* A transaction tells of at most 50 things. */
enum { RELEASED_MOST = 50, TENANTS_MOST = 20 };

err_t
coding_release_leases(struct call *c)
{
    struct id *tenants;
    size_t tenant_count, left = RELEASED_MOST;

    TRY(tenants_with_leases_over(c, c->wall, TENANTS_MOST, &tenants, &tenant_count));
    for (size_t t = 0; t < tenant_count && left > 0; t++) {
        struct job *jobs;
        size_t count;
        TRY(call_as_tenant(c, tenants[t]));
        TRY(jobs_lease_over(c, c->wall, (int64_t) left, &jobs, &count));
        for (size_t i = 0; i < count; i++)
            TRY(put_down(c, &jobs[i], ON_RELEASE));
        left -= count;
    }
    return ERR_OK;
}
