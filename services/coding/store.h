/* store.h - the nouns in and out of the schema coding; the only file that runs SQL is store.c. */
#ifndef HUZHU_CODING_STORE_H
#define HUZHU_CODING_STORE_H

#include "coding.h"
#include "svc/columns.h"

/* What a broken constraint means to a caller. */
static const struct db_constraint coding_constraints[] __attribute__((unused)) = {
    { "year_scheme_pkey", ERR_RACED, "scheme.raced", "two people named the year's scheme at once" },
    { "subsidy_table_pkey", ERR_CONFLICT, TABLE_EXISTS, "the id is another subsidy table's" },
    { "subsidy_table_is_kept", ERR_CONFLICT, TABLE_KEPT, "the subsidy table does not change" },
    { "subsidy_table_one_frozen", ERR_REFUSED, TABLE_FROZEN_ALREADY,
      "the programme has a frozen table" },
    { "subsidy_table_two_people", ERR_REFUSED, TABLE_SAME_PERSON,
      "who designed the table does not confirm it" },
    { "job_pkey", ERR_RACED, JOB_RACED, "two told of the same claim at once" },
    { "coded_stay_pkey", ERR_CONFLICT, CODING_EXISTS, "the id is another coding's" },
    { "coded_stay_once", ERR_CONFLICT, CODING_EXISTS, "the attempt is coded already" },
    { "coded_stay_two_people", ERR_REFUSED, REVIEW_OWN, "nobody reviews an own coding" },
};

/* Texts live in the request's arena.  ERR_REFUSED scheme.not_named when there is none. */
err_t year_scheme_get(struct call *c, uint32_t year, struct year_scheme *out) MUST_CHECK;
/* The same FOR UPDATE; *found says whether there is one. */
err_t year_scheme_lock(struct call *c, uint32_t year, bool *found,
                       struct year_scheme *out) MUST_CHECK;
err_t year_scheme_insert(struct call *c, const struct year_scheme *year_scheme) MUST_CHECK;
err_t year_scheme_update(struct call *c, const struct year_scheme *year_scheme) MUST_CHECK;

/* --- programmes and households (store.c) --- */
/* REFUSED programme.unknown. */
err_t programme_get(struct call *c, struct id programme, struct programme *out) MUST_CHECK;
/* Locks its row; REFUSED programme.unknown. */
err_t programme_lock(struct call *c, struct id programme) MUST_CHECK;
/* Keeps what is newer. */
err_t programme_put(struct call *c, const struct programme *programme) MUST_CHECK;
err_t household_put(struct call *c, struct id household, const struct id *people,
                    size_t count) MUST_CHECK;

/* --- subsidy tables (store_table.c); rows are loaded where said --- */
err_t table_get(struct call *c, struct id table, struct subsidy_table *out) MUST_CHECK;
err_t table_lock(struct call *c, struct id table, struct subsidy_table *out) MUST_CHECK;
/* The programme's frozen one; REFUSED table.not_frozen. */
err_t table_frozen(struct call *c, struct id programme, struct subsidy_table *out) MUST_CHECK;
err_t tables_of(struct call *c, struct id programme, struct subsidy_table **out,
                size_t *count) MUST_CHECK;
err_t table_load_rows(struct call *c, struct subsidy_table *table) MUST_CHECK;
/* Those that may decide for a stay of this group. */
err_t table_rows_of(struct call *c, struct id table, const char *drg, struct subsidy_row **rows,
                    size_t *count) MUST_CHECK;
err_t table_insert(struct call *c, const struct subsidy_table *table) MUST_CHECK; /* with rows */
err_t table_change(struct call *c, const struct subsidy_table *table) MUST_CHECK; /* with rows */
err_t table_store_confirm(struct call *c, const struct subsidy_table *table) MUST_CHECK;
err_t table_store_freeze(struct call *c, const struct subsidy_table *table) MUST_CHECK;

/* --- who may code (store_queue.c) --- */
err_t certificate_put(struct call *c, const struct certificate *certificate) MUST_CHECK;
/* The number of one that is valid on the day; REFUSED certificate.none. */
err_t certificate_on(struct call *c, struct id account, date_t day, const char **number) MUST_CHECK;
err_t certificates(struct call *c, struct id account, struct certificate **out,
                   size_t *count) MUST_CHECK;

/* --- the queue (store_queue.c) --- */
err_t job_get(struct call *c, struct id claim, struct job *out) MUST_CHECK;
err_t job_lock(struct call *c, struct id claim, struct job *out) MUST_CHECK; /* NOT_FOUND */
/* The most urgent one of that state that the caller may take, locked; *found says whether there is
 * one.  programme nil: of any. */
err_t job_next(struct call *c, enum job_state state, struct id programme, bool *found,
               struct job *out) MUST_CHECK;
err_t jobs_lease_over(struct call *c, instant_t at, int64_t most, struct job **out,
                      size_t *count) MUST_CHECK;
struct job_filter {
    struct id programme;  /* nil: any */
    enum job_state state; /* 0: any */
    bool overdue;
    date_t today, after_due; /* where the page before ended */
    struct id after_claim;
    int64_t rows;
};
err_t jobs_list(struct call *c, const struct job_filter *filter, struct job **out,
                size_t *count) MUST_CHECK;
err_t jobs_held(struct call *c, int64_t *count) MUST_CHECK;
err_t job_insert(struct call *c, const struct job *job) MUST_CHECK;
err_t job_tell_anew(struct call *c, const struct job *job) MUST_CHECK;
err_t job_store(struct call *c, const struct job *job) MUST_CHECK;
err_t job_documents(struct call *c, struct id claim, struct document **out,
                    size_t *count) MUST_CHECK;
err_t job_documents_put(struct call *c, struct id claim, const struct document *documents,
                        size_t count) MUST_CHECK;
err_t queue_figures(struct call *c, struct queue_figures *out) MUST_CHECK;
/* Over all tenants: where a lease is over. */
err_t tenants_with_leases_over(struct call *c, instant_t at, int64_t most, struct id **out,
                               size_t *count) MUST_CHECK;
struct unfit {
    struct id claim;
    int32_t attempt;
    int exclusion;
    const char *upload_ids;
    ProtobufCBinaryData note; /* sealed */
};
err_t unfit_insert(struct call *c, const struct unfit *unfit) MUST_CHECK;

/* --- what was coded (store_coding.c) --- */
err_t coding_get(struct call *c, struct id coding, struct coding *out) MUST_CHECK; /* NOT_FOUND */
err_t codings_of(struct call *c, struct id claim, struct id **out, size_t *count) MUST_CHECK;
err_t coding_insert(struct call *c, const struct coding *coding) MUST_CHECK;
err_t coding_store_return(struct call *c, const struct coding *coding) MUST_CHECK;
err_t coding_store_price(struct call *c, const struct coding *coding,
                         const struct price *price) MUST_CHECK;
err_t coding_mark_line_returned(struct call *c, struct id coding) MUST_CHECK;
/* The claim's price in force; nil when there is none. */
err_t coding_priced_of(struct call *c, struct id claim, struct id *coding,
                       money_t *payable) MUST_CHECK;
err_t coding_end(struct call *c, struct id coding, enum coding_state state) MUST_CHECK;
err_t steps_of(struct call *c, struct id coding, struct price *price) MUST_CHECK;
/* The sum of the person's priced stays; 0 when there is none. */
err_t person_total_get(struct call *c, struct id programme, struct id person,
                       money_t *out) MUST_CHECK;
/* The same, locked; its row is made when it is missing. */
err_t person_total_lock(struct call *c, struct id programme, struct id person,
                        money_t *out) MUST_CHECK;
err_t person_total_set(struct call *c, struct id programme, struct id person,
                       money_t sum) MUST_CHECK;

#endif
