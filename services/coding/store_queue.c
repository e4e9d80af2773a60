/* store_queue.c - who may code, and the stays in the queue, in and out of the schema coding. */
#include "coding_queries.h"
#include "store.h"

/* --- who may code --- */

err_t
certificate_put(struct call *c, const struct certificate *in)
{
    return db_exec(c, &q_certificate_put, P_ID(c->tenant), P_ID(in->account), P_TEXT(in->number),
                   P_DATE(in->valid_from), P_DATE(in->valid_until), P_ID(in->recorded_by),
                   P_INSTANT(in->recorded_at));
}

err_t
certificate_on(struct call *c, struct id account, date_t day, const char **number)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_certificate_on, &rows, P_ID(account), P_DATE(day)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_REFUSED, CERTIFICATE_NONE,
                       "no coder's certificate is valid today");
    return text_or_empty(c, rows, 0, 0, number);
}

err_t
certificates(struct call *c, struct id account, struct certificate **out, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_certificates, &rows, P_ID_OR_NULL(account)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, out);
    for (int i = 0; i < (int) *count; i++) {
        struct certificate *one = &(*out)[i];
        *one = (struct certificate){ .account = rows_id(rows, i, 0),
                                     .valid_from = rows_date(rows, i, 2),
                                     .valid_until = rows_date(rows, i, 3),
                                     .recorded_by = rows_id(rows, i, 4),
                                     .recorded_at = rows_instant(rows, i, 5) };
        TRY(text_or_empty(c, rows, i, 1, &one->number));
    }
    return ERR_OK;
}

/* --- jobs --- */

static const char *const job_states[] = {
    [JOB_WAITING] = "WAITING", [JOB_TAKEN] = "TAKEN",         [JOB_PARKED] = "PARKED",
    [JOB_CODED] = "CODED",     [JOB_REVIEWING] = "REVIEWING", [JOB_PRICED] = "PRICED",
    [JOB_UNFIT] = "UNFIT",     [JOB_GONE] = "GONE",
};

static err_t
read_job(struct call *c, const struct rows *rows, int row, struct job *out)
{
    struct job read = {
        .claim = rows_id(rows, row, 0),
        .programme = rows_id(rows, row, 2),
        .person = rows_id(rows, row, 3),
        .household = rows_id(rows, row, 4),
        .village = rows_id(rows, row, 5),
        .filed_by = rows_id(rows, row, 6),
        .state = (enum job_state) place_of(rows_text(rows, row, 7), job_states, COUNT(job_states)),
        .attempt = (int32_t) rows_int(rows, row, 8),
        .complete_on = rows_date(rows, row, 9),
        .due_on = rows_date(rows, row, 10),
        .coding = rows_id(rows, row, 12),
        .holder = rows_id(rows, row, 13),
        .lease_until = instant_or_never(rows, row, 14),
    };

    TRY(text_or_empty(c, rows, row, 1, &read.number));
    TRY(bytes_of(c, rows, row, 11, &read.facts));
    TRY(text_or_empty(c, rows, row, 15, &read.returned_for));
    *out = read;
    return ERR_OK;
}

static err_t
read_jobs(struct call *c, const struct rows *rows, struct job **out, size_t *count)
{
    *count = (size_t) rows_count(rows);
    LIST(c, *count, out);
    for (size_t i = 0; i < *count; i++)
        TRY(read_job(c, rows, (int) i, &(*out)[i]));
    return ERR_OK;
}

static err_t
read_one(struct call *c, const struct stmt *stmt, struct id claim, struct job *out)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, stmt, &rows, P_ID(claim)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, JOB_NONE, "no such job");
    return read_job(c, rows, 0, out);
}

err_t
job_get(struct call *c, struct id claim, struct job *out)
{
    return read_one(c, &q_job_get, claim, out);
}

err_t
job_lock(struct call *c, struct id claim, struct job *out)
{
    return read_one(c, &q_job_lock, claim, out);
}

err_t
job_next(struct call *c, enum job_state state, struct id programme, bool *found, struct job *out)
{
    OWNED(rows_free) struct rows *rows = NULL;
    const struct stmt *stmt = state == JOB_WAITING ? &q_job_next : &q_job_next_review;

    TRY(db_query(c, stmt, &rows, P_ID_OR_NULL(programme), P_ID(c->account),
                 P_ID_OR_NULL(c->person)));
    *found = rows_count(rows) > 0;
    return *found ? read_job(c, rows, 0, out) : ERR_OK;
}

err_t
jobs_lease_over(struct call *c, instant_t at, int64_t most, struct job **out, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_jobs_lease_over, &rows, P_INSTANT(at), P_INT(most)));
    return read_jobs(c, rows, out, count);
}

err_t
jobs_list(struct call *c, const struct job_filter *f, struct job **out, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_jobs_list, &rows, P_ID_OR_NULL(f->programme),
                 P_TEXT(f->state ? job_states[f->state] : NULL),
                 f->overdue ? P_DATE(f->today) : P_NULL, P_DATE(f->after_due), P_ID(f->after_claim),
                 P_INT(f->rows)));
    return read_jobs(c, rows, out, count);
}

err_t
jobs_held(struct call *c, int64_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_jobs_held, &rows, P_ID(c->account)));
    *count = rows_int(rows, 0, 0);
    return ERR_OK;
}

err_t
job_insert(struct call *c, const struct job *job)
{
    return db_exec(c, &q_job_insert, P_ID(c->tenant), P_ID(job->claim), P_TEXT(job->number),
                   P_ID(job->programme), P_ID(job->person), P_ID_OR_NULL(job->household),
                   P_ID(job->village), P_ID_OR_NULL(job->filed_by), P_DATE(job->complete_on),
                   P_DATE(job->due_on), P_BYTES(job->facts.data, job->facts.len),
                   P_INSTANT(c->now));
}

err_t
job_tell_anew(struct call *c, const struct job *job)
{
    return db_exec(c, &q_job_renew_claim, P_ID(job->claim), P_DATE(job->complete_on),
                   P_DATE(job->due_on), P_BYTES(job->facts.data, job->facts.len),
                   P_TEXT(job_states[job->state]), P_INT4(job->attempt), P_INSTANT(c->now));
}

err_t
job_store(struct call *c, const struct job *job)
{
    return db_exec(c, &q_job_move, P_ID(job->claim), P_TEXT(job_states[job->state]),
                   P_INT4(job->attempt), P_ID_OR_NULL(job->coding), P_ID_OR_NULL(job->holder),
                   job->lease_until.us ? P_INSTANT(job->lease_until) : P_NULL,
                   P_TEXT(job->returned_for), P_DATE(job->due_on));
}

err_t
job_documents(struct call *c, struct id claim, struct document **out, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_job_documents, &rows, P_ID(claim)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, out);
    for (int i = 0; i < (int) *count; i++)
        (*out)[i] = (struct document){ rows_id(rows, i, 0), (int32_t) rows_int(rows, i, 1) };
    return ERR_OK;
}

err_t
job_documents_put(struct call *c, struct id claim, const struct document *documents, size_t count)
{
    TRY(db_exec(c, &q_job_documents_delete, P_ID(claim)));
    for (size_t i = 0; i < count; i++)
        TRY(db_exec(c, &q_job_document_insert, P_ID(c->tenant), P_ID(claim),
                    P_ID(documents[i].upload), P_INT4(documents[i].kind), P_INT4((int64_t) i)));
    return ERR_OK;
}

err_t
queue_figures(struct call *c, struct queue_figures *out)
{
    OWNED(rows_free) struct rows *rows = NULL;
    const instant_t hour_ago = { c->now.us - 3600 * US_PER_SECOND };

    TRY(db_query(c, &q_queue_figures, &rows, P_DATE(date_of(c->now)), P_INSTANT(hour_ago)));
    *out = (struct queue_figures){ .waiting = rows_int(rows, 0, 0),
                                   .taken = rows_int(rows, 0, 1),
                                   .parked = rows_int(rows, 0, 2),
                                   .coded = rows_int(rows, 0, 3),
                                   .reviewing = rows_int(rows, 0, 4),
                                   .overdue = rows_int(rows, 0, 5),
                                   .has_oldest = !rows_is_null(rows, 0, 6),
                                   .came = rows_int(rows, 0, 7),
                                   .coded_last_hour = rows_int(rows, 0, 8),
                                   .priced = rows_int(rows, 0, 9) };
    if (out->has_oldest)
        out->oldest_due = rows_date(rows, 0, 6);
    return ERR_OK;
}

err_t
tenants_with_leases_over(struct call *c, instant_t at, int64_t most, struct id **out, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_tenants_with_leases_over, &rows, P_INSTANT(at), P_INT4(most)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, out);
    for (int i = 0; i < (int) *count; i++)
        (*out)[i] = rows_id(rows, i, 0);
    return ERR_OK;
}

err_t
unfit_insert(struct call *c, const struct unfit *u)
{
    return db_exec(c, &q_unfit_insert, P_ID(c->tenant), P_ID(u->claim), P_INT4(u->attempt),
                   P_INT4(u->exclusion), P_TEXT(u->upload_ids), P_BYTES(u->note.data, u->note.len),
                   P_ID(c->account), P_INSTANT(c->now));
}
