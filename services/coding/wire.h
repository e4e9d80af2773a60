/* wire.h - protobuf to nouns and back, events out; the only file of coding that knows both. */
#ifndef HUZHU_CODING_WIRE_H
#define HUZHU_CODING_WIRE_H

#include "claims.pb-c.h"
#include "coding.h"
#include "coding.pb-c.h"
#include "contributions.pb-c.h"

/* Borrows the texts of `in`, which lives as long as the request. */
err_t stay_from_wire(const Coding__Stay *in, struct stay *stay, struct err *err) MUST_CHECK;

/* NULL when memory is out (c->err is set). */
Coding__SchemeIdentity *scheme_to_wire(struct call *c,
                                       const struct drg_identity *identity) MUST_CHECK;
Coding__Grouping *grouping_to_wire(struct call *c, const struct drg_result *result) MUST_CHECK;
Coding__YearScheme *year_scheme_to_wire(struct call *c, const struct year_scheme *in) MUST_CHECK;

/* An absent id becomes nil. */
err_t optional_id_from_wire(const Huzhu__Id *in, const char *path, struct id *id,
                            struct err *err) MUST_CHECK;
err_t date_from_wire(const Huzhu__Date *in, const char *path, date_t *out,
                     struct err *err) MUST_CHECK;

/* --- subsidy tables (wire_table.c) --- */
/* The rows of a table's text and their SHA-256; the texts are the request's. */
err_t table_from_text(struct call *c, const char *text, const struct drg_names *names,
                      struct subsidy_table *table) MUST_CHECK;
Coding__SubsidyTable *table_to_wire(struct call *c, const struct subsidy_table *in,
                                    const struct drg_names *names) MUST_CHECK;
err_t table_to_csv(struct call *c, const struct subsidy_table *in,
                   Coding__ExportSubsidyTableReply *out) MUST_CHECK;
err_t emit_table_frozen(struct call *c, const struct subsidy_table *in) MUST_CHECK;

/* --- the queue (wire_queue.c) --- */
Coding__Job *job_to_wire(struct call *c, const struct job *in) MUST_CHECK;
struct facts_view {
    const struct facts *facts;
    const struct stay_numbers *numbers;
    const struct document *documents;
    size_t document_count;
    const struct drg_identity *scheme;
};
Coding__JobFacts *facts_to_wire(struct call *c, const struct facts_view *in) MUST_CHECK;
/* The claim's facts without name and card, sealed for the job; and back. */
err_t facts_seal(struct call *c, struct id claim, const Claims__ClaimFacts *in,
                 ProtobufCBinaryData *out) MUST_CHECK;
err_t facts_unseal(struct call *c, struct id claim, ProtobufCBinaryData sealed,
                   struct facts *out) MUST_CHECK;
/* What a coder gave in, with the claim's sex, age and length of stay. */
err_t coded_from_wire(struct call *c, const Coding__Coded *in, const struct facts *facts,
                      const struct stay_numbers *numbers, struct stay *out) MUST_CHECK;
err_t coded_seal(struct call *c, struct id coding, const Coding__Coded *in,
                 ProtobufCBinaryData *out) MUST_CHECK;
err_t coded_unseal(struct call *c, struct id coding, ProtobufCBinaryData sealed,
                   Coding__Coded **out) MUST_CHECK;
err_t text_seal(struct call *c, const char *what, struct id id, const char *text,
                ProtobufCBinaryData *out) MUST_CHECK;
err_t text_unseal(struct call *c, const char *what, struct id id, ProtobufCBinaryData sealed,
                  char **out) MUST_CHECK;
Coding__Price *price_to_wire(struct call *c, const struct coding *coding,
                             const struct price *price) MUST_CHECK;
Coding__Grouping *coding_grouping_to_wire(struct call *c, const struct coding *in) MUST_CHECK;
Coding__Certificate *certificate_to_wire(struct call *c, const struct certificate *in) MUST_CHECK;
struct job_page {
    int64_t rows; /* one more than asked for */
    date_t after_due;
    struct id after_claim;
};
err_t job_page_from_wire(uint32_t size, const char *token, struct job_page *page,
                         struct err *err) MUST_CHECK;
err_t job_page_to_wire(struct call *c, const struct job *last, char **token) MUST_CHECK;

/* --- events (wire_event.c) --- */
err_t emit_job_taken(struct call *c, const struct job *job, bool review) MUST_CHECK;
err_t emit_job_released(struct call *c, struct id claim, struct id account) MUST_CHECK;
err_t emit_papers_asked(struct call *c, const Coding__AskPapersRequest *in) MUST_CHECK;
err_t emit_claim_unfit(struct call *c, struct id claim, int exclusion) MUST_CHECK;
err_t emit_claim_priced(struct call *c, const struct job *job, const struct coding *coding,
                        const struct price *price) MUST_CHECK;

err_t emit_year_scheme_named(struct call *c, const struct year_scheme *in) MUST_CHECK;

#endif
