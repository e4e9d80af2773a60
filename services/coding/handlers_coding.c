/* handlers_coding.c - a stay is coded, reviewed by another person, priced; and the basis of it. */
#include "handlers.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "rules.h"
#include "store.h"
#include "svc/room.h"
#include "wire.h"

/* --- grouping --- */

/* Everything that a submission is judged by. */
struct work {
    struct job job;
    struct programme programme;
    struct subsidy_table table;
    const struct drg_scheme *scheme;
    struct facts facts;
    struct stay_numbers numbers;
    struct stay stay;
    struct drg_result result;
    const struct subsidy_row *row;
};

static err_t
load_work(struct call *c, struct work *w)
{
    TRY(programme_get(c, w->job.programme, &w->programme));
    TRY(frozen_scheme(c, w->job.programme, &w->table, &w->scheme));
    TRY(facts_unseal(c, w->job.claim, w->job.facts, &w->facts));
    return rule_stay_numbers(&w->facts, &w->numbers, &c->err);
}

static err_t
group_work(struct call *c, struct work *w)
{
    struct subsidy_row *rows = NULL;
    size_t count = 0;

    drg_group(w->scheme, &w->stay.drg, &w->result);
    if (w->result.status == DRG_OK || w->result.status == DRG_AMBIGUOUS)
        TRY(table_rows_of(c, w->table.id, w->result.drg, &rows, &count));
    w->row = rule_row_for(rows, count, w->result.drg, &w->stay.drg);
    return rule_grouped(&w->result, w->row, &c->err);
}

/* The grouper's whole path, as it is kept: sealed, and its sum in the open. */
static err_t
keep_trace(struct call *c, const struct work *w, struct coding *coding)
{
    json_t *trace = drg_explain(w->scheme, &w->stay.drg);
    char *json = trace ? json_dumps(trace, JSON_COMPACT) : NULL;
    err_t code = json ? ERR_OK : err_set(&c->err, ERR_INTERNAL, "memory", "no memory for a trace");

    json_decref(trace);
    if (code == ERR_OK) {
        sha256(json, strlen(json), coding->basis_sha256);
        code = text_seal(c, "trace", coding->id, json, &coding->trace);
    }
    free(json);
    return code;
}

static err_t
make_coding(struct call *c, const struct work *w, const Coding__Coded *coded, struct coding *out)
{
    const struct drg_group_name *group =
        drg_names_group(names_find(c->state, w->table.scheme.checksum), w->result.drg);

    out->claim = w->job.claim;
    out->attempt = w->job.attempt;
    out->programme = w->job.programme;
    out->person = w->job.person;
    out->table = w->table.id;
    out->state = CODING_CODED;
    out->scheme = w->table.scheme;
    out->mdc = w->result.mdc;
    out->adrg = w->result.adrg;
    out->drg = w->result.drg;
    out->drg_name = group ? group->name : w->row->name;
    out->row_drg = w->row->drg;
    out->sensitive = rule_is_sensitive(w->result.drg, w->stay.drg.dx, w->stay.drg.dx_count);
    out->sensitive_by = sensitive_version;
    out->coder = c->account;
    out->coded_at = c->now;
    TRY(coded_seal(c, out->id, coded, &out->coded));
    return keep_trace(c, w, out);
}

/* --- pricing --- */

/* What the person's other stays were priced at: a price of this very claim is replaced, so it does
 * not count.  *replaced is that price's coding, or nil. */
struct sum {
    money_t total, others;
    struct id replaced;
};

static err_t
sum_of(struct call *c, const struct job *job, bool lock, struct sum *out)
{
    money_t before;

    TRY(lock ? person_total_lock(c, job->programme, job->person, &out->total)
             : person_total_get(c, job->programme, job->person, &out->total));
    TRY(coding_priced_of(c, job->claim, &out->replaced, &before));
    out->others = money_sub(out->total, before);
    return ERR_OK;
}

static err_t
price_work(struct call *c, const struct work *w, bool lock, struct sum *sum, struct price *price)
{
    TRY(sum_of(c, &w->job, lock, sum));
    rule_price(&(struct price_input){ .programme = &w->programme,
                                      .row = w->row,
                                      .own_payment = w->facts.own_payment,
                                      .person_sum = sum->others },
               price);
    return ERR_OK;
}

/* --- coding --- */

err_t
coding_submit_coding(struct call *c, const Coding__SubmitCodingRequest *in,
                     Coding__SubmitCodingReply *out)
{
    struct coding coding = { 0 };
    struct price price;
    struct sum sum;
    struct work w;
    struct id claim;

    TRY(id_from_wire(in->claim_id, "$.claimId", &claim, &c->err));
    TRY(id_from_wire(in->coding_id, "$.codingId", &coding.id, &c->err));
    TRY(job_lock(c, claim, &w.job));
    TRY(rule_holds(&w.job, c->account, JOB_TAKEN, &c->err));
    /* 6.2.1 d: on the day of coding, which may be the day after the job was taken. */
    TRY(certificate_on(c, c->account, date_of(c->now), &coding.certificate));
    TRY(load_work(c, &w));
    TRY(coded_from_wire(c, in->coded, &w.facts, &w.numbers, &w.stay));
    const struct given given = { &w.stay, (enum injury_cause) in->coded->cause };
    TRY(rule_coded_is_sound(&given, &w.numbers, w.programme.exclusions, &c->err));
    TRY(group_work(c, &w));
    TRY(make_coding(c, &w, in->coded, &coding));
    TRY(price_work(c, &w, false, &sum, &price));

    TRY(coding_insert(c, &coding));
    TRY(job_move(&w.job, ON_SUBMIT, &c->err));
    const struct id holder = job_let_go(&w.job);
    w.job.coding = coding.id;
    TRY(job_store(c, &w.job));
    TRY(emit_job_released(c, claim, holder));

    call_saw(c, LABEL_HEALTH, w.job.person);
    out->grouping = grouping_to_wire(c, &w.result);
    out->price = price_to_wire(c, &coding, &price);
    out->job = job_to_wire(c, &w.job);
    return out->grouping && out->price && out->job ? ERR_OK : c->err.code;
}

/* --- review --- */

/* The row of the table that decided for a kept coding. */
static err_t
row_of(struct call *c, struct work *w, const struct coding *coding)
{
    struct subsidy_row *rows;
    size_t count;

    TRY(table_rows_of(c, coding->table, coding->drg, &rows, &count));
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].drg, coding->row_drg) == 0) {
            w->row = &rows[i];
            return ERR_OK;
        }
    return err_set(&c->err, ERR_INTERNAL, CODED_NO_AMOUNT, "a frozen table has lost a row");
}

static err_t
load_review(struct call *c, struct work *w, struct coding *coding)
{
    TRY(coding_get(c, w->job.coding, coding));
    TRY(load_work(c, w));
    return row_of(c, w, coding);
}

err_t
coding_take_review(struct call *c, const Coding__TakeReviewRequest *in,
                   Coding__TakeReviewReply *out)
{
    const struct coding_conf *conf = c->conf;
    struct coding coding;
    struct price price;
    struct id programme;
    struct sum sum;
    struct work w;
    bool found;

    TRY(optional_id_from_wire(in->programme_id, "$.programmeId", &programme, &c->err));
    TRY(job_next(c, JOB_CODED, programme, &found, &w.job));
    if (!found)
        return ERR_OK;
    TRY(load_review(c, &w, &coding));
    TRY(price_work(c, &w, false, &sum, &price));

    TRY(job_move(&w.job, ON_REVIEW, &c->err));
    w.job.holder = c->account;
    w.job.lease_until = (instant_t){ c->wall.us + conf->lease * 1000 };
    TRY(job_store(c, &w.job));
    TRY(emit_job_taken(c, &w.job, true));

    TRY(show_facts(c, &w.job, &out->facts));
    TRY(coded_unseal(c, coding.id, coding.coded, &out->coded));
    out->coding_id = id_to_wire(c, coding.id);
    out->coder_id = id_to_wire(c, coding.coder);
    out->grouping = coding_grouping_to_wire(c, &coding);
    out->price = price_to_wire(c, &coding, &price);
    out->job = job_to_wire(c, &w.job);
    return out->coding_id && out->coder_id && out->grouping && out->price && out->job ? ERR_OK
                                                                                      : c->err.code;
}

/* The job, locked, that the caller reviews, and the very coding that was looked at. */
static err_t
lock_review(struct call *c, const Huzhu__Id *claim_wire, const Huzhu__Id *coding_wire,
            struct work *w, struct coding *coding)
{
    struct id claim, id;

    TRY(id_from_wire(claim_wire, "$.claimId", &claim, &c->err));
    TRY(id_from_wire(coding_wire, "$.codingId", &id, &c->err));
    TRY(job_lock(c, claim, &w->job));
    TRY(rule_holds(&w->job, c->account, JOB_REVIEWING, &c->err));
    if (id_cmp(w->job.coding, id) != 0)
        return err_at(&c->err, ERR_CONFLICT, "$.codingId", CODING_MOVED_ON,
                      "the claim has another coding than the one named");
    TRY(load_review(c, w, coding));
    if (id_cmp(coding->coder, c->account) == 0)
        return err_set(&c->err, ERR_REFUSED, REVIEW_OWN, "nobody reviews an own coding");
    coding->reviewer = c->account;
    coding->reviewed_at = c->now;
    return ERR_OK;
}

err_t
coding_approve_coding(struct call *c, const Coding__ApproveCodingRequest *in,
                      Coding__ApproveCodingReply *out)
{
    struct coding coding;
    struct price price;
    struct sum sum;
    struct work w;

    TRY(lock_review(c, in->claim_id, in->coding_id, &w, &coding));
    TRY(price_work(c, &w, true, &sum, &price));

    coding.decided_on = date_of(c->now);
    if (!id_is_nil(sum.replaced))
        TRY(coding_end(c, sum.replaced, CODING_REPLACED));
    TRY(coding_store_price(c, &coding, &price));
    TRY(person_total_set(c, w.job.programme, w.job.person, money_add(sum.others, price.payable)));
    TRY(job_move(&w.job, ON_APPROVE, &c->err));
    const struct id holder = job_let_go(&w.job);
    TRY(job_store(c, &w.job));
    TRY(emit_job_released(c, w.job.claim, holder));
    TRY(emit_claim_priced(c, &w.job, &coding, &price));

    call_saw(c, LABEL_HEALTH, w.job.person);
    out->price = price_to_wire(c, &coding, &price);
    out->job = job_to_wire(c, &w.job);
    return out->price && out->job ? ERR_OK : c->err.code;
}

err_t
coding_return_coding(struct call *c, const Coding__ReturnCodingRequest *in,
                     Coding__ReturnCodingReply *out)
{
    struct coding coding;
    struct work w;

    if (in->reason[0] == '\0' || strlen(in->reason) > 600)
        return err_at(&c->err, ERR_INVALID, "$.reason", REVIEW_REASON, "1 to 200 characters");
    TRY(lock_review(c, in->claim_id, in->coding_id, &w, &coding));

    coding.returned_for = in->reason;
    TRY(coding_store_return(c, &coding));
    TRY(job_move(&w.job, ON_RETURN, &c->err));
    const struct id holder = job_let_go(&w.job);
    w.job.attempt++;
    w.job.returned_for = in->reason;
    TRY(job_store(c, &w.job));
    TRY(emit_job_released(c, w.job.claim, holder));
    out->job = job_to_wire(c, &w.job);
    return out->job ? ERR_OK : c->err.code;
}

/* --- the basis of a group (7.2.4 b) --- */

static err_t
trace_to_wire(struct call *c, const struct coding *coding, Coding__Basis *out)
{
    TRY(text_unseal(c, "trace", coding->id, coding->trace, &out->trace));
    json_t *trace = json_loads(out->trace, 0, NULL);
    if (!trace)
        return err_set(&c->err, ERR_INTERNAL, "explanation", "a kept trace cannot be read");
    const err_t code = explanation_text(c, trace, DRG_ZH, &out->chinese);
    json_decref(trace);
    return code;
}

static err_t
price_of(struct call *c, const struct coding *coding, Coding__Price **out)
{
    struct price price = { .due = coding->due, .payable = coding->payable };

    if (coding->due.fen < 0) /* never approved */
        return ERR_OK;
    TRY(steps_of(c, coding->id, &price));
    *out = price_to_wire(c, coding, &price);
    return *out ? ERR_OK : c->err.code;
}

static const char *
state_text(enum coding_state state)
{
    static const char *const texts[] = {
        [CODING_CODED] = "CODED",       [CODING_RETURNED] = "RETURNED", [CODING_PRICED] = "PRICED",
        [CODING_REPLACED] = "REPLACED", [CODING_GONE] = "GONE",
    };

    return texts[state];
}

static err_t
basis_to_wire(struct call *c, const struct coding *coding, const struct subsidy_table *table,
              Coding__Basis *out)
{
    TRY(trace_to_wire(c, coding, out));
    TRY(coded_unseal(c, coding->id, coding->coded, &out->coded));
    TRY(price_of(c, coding, &out->price));
    out->coding_id = id_to_wire(c, coding->id);
    out->attempt = (uint32_t) coding->attempt;
    out->state = call_text(c, state_text(coding->state));
    out->grouping = coding_grouping_to_wire(c, coding);
    out->sha256 = (ProtobufCBinaryData){ SHA256_BYTES,
                                         arena_copy(c->arena, coding->basis_sha256, SHA256_BYTES) };
    out->table_id = id_to_wire(c, coding->table);
    out->table_sha256 =
        (ProtobufCBinaryData){ SHA256_BYTES, arena_copy(c->arena, table->sha256, SHA256_BYTES) };
    out->coder_id = id_to_wire(c, coding->coder);
    out->certificate = call_text(c, coding->certificate);
    out->reviewer_id = id_to_wire(c, coding->reviewer);
    out->coded_at = instant_to_wire(c, coding->coded_at);
    out->reviewed_at = coding->reviewed_at.us ? instant_to_wire(c, coding->reviewed_at) : NULL;
    out->returned_for = call_text(c, coding->returned_for);
    out->sensitive_by = call_text(c, coding->sensitive_by);
    if (!out->coding_id || !out->state || !out->grouping || !out->sha256.data || !out->table_id ||
        !out->table_sha256.data || !out->coder_id || !out->certificate || !out->coded_at ||
        !out->returned_for || !out->sensitive_by)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the reply needs too much memory");
    return ERR_OK;
}

static err_t
history_to_wire(struct call *c, struct id claim, Coding__GetBasisReply *out, struct id *newest)
{
    struct id *ids;
    size_t count;

    TRY(codings_of(c, claim, &ids, &count));
    if (count == 0)
        return err_set(&c->err, ERR_NOT_FOUND, CODING_NONE, "the claim is not coded");
    *newest = ids[0];
    LIST(c, count, &out->coding_ids);
    for (size_t i = 0; i < count; i++) {
        out->coding_ids[i] = id_to_wire(c, ids[i]);
        if (!out->coding_ids[i])
            return c->err.code;
        out->n_coding_ids++;
    }
    return ERR_OK;
}

err_t
coding_get_basis(struct call *c, const Coding__GetBasisRequest *in, Coding__GetBasisReply *out)
{
    struct id claim, asked, newest;
    struct subsidy_table table;
    Coding__JobFacts *facts;
    struct coding coding;
    struct job job;

    TRY(id_from_wire(in->claim_id, "$.claimId", &claim, &c->err));
    TRY(optional_id_from_wire(in->coding_id, "$.codingId", &asked, &c->err));
    TRY(job_get(c, claim, &job));
    TRY(history_to_wire(c, claim, out, &newest));
    TRY(coding_get(c, id_is_nil(asked) ? newest : asked, &coding));
    if (id_cmp(coding.claim, claim) != 0)
        return err_at(&c->err, ERR_NOT_FOUND, "$.codingId", CODING_NONE,
                      "no such coding of the claim");
    TRY(table_get(c, coding.table, &table));
    TRY(show_facts(c, &job, &facts)); /* declares the look */
    out->basis = arena_alloc(c->arena, sizeof *out->basis);
    if (!out->basis)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the reply needs too much memory");
    coding__basis__init(out->basis);
    out->basis->documents = facts->documents;
    out->basis->n_documents = facts->n_documents;
    return basis_to_wire(c, &coding, &table, out->basis);
}
