/* wire.h - protobuf to nouns and back, events out; the only file that knows both. */
#ifndef HUZHU_CLAIMS_WIRE_H
#define HUZHU_CLAIMS_WIRE_H

#include "claims.h"
#include "claims.pb-c.h"
#include "contributions.pb-c.h"

err_t piece_from_wire(const Claims__WriteUploadRequest *in, struct id *upload, struct piece *piece,
                      struct err *err) MUST_CHECK;
err_t range_from_wire(const Claims__ReadUploadRequest *in, struct id *upload, int64_t *offset,
                      size_t *limit, struct err *err) MUST_CHECK;
err_t upload_to_wire(struct call *c, const struct upload *upload, Claims__Upload **out) MUST_CHECK;
err_t emit_upload_finished(struct call *c, const struct upload *upload) MUST_CHECK;

/* --- claims (wire_claim.c) --- */

/* Texts stay the request's.  Ids and enums are checked, the rest is rules.h's to judge. */
err_t stay_from_wire(const Claims__Stay *in, struct stay *stay, struct err *err) MUST_CHECK;
err_t payee_from_wire(const Claims__Payee *in, struct payee *payee, const char **card_again,
                      struct err *err) MUST_CHECK;
err_t paper_from_wire(Contributions__Paper__Kind in, const char *path, enum paper *kind,
                      struct err *err) MUST_CHECK;
err_t filter_from_wire(const Claims__ListClaimsRequest *in, struct claim_filter *filter,
                       struct err *err) MUST_CHECK;
err_t overdue_from_wire(const Claims__ListOverdueRequest *in, struct claim_filter *filter,
                        struct err *err) MUST_CHECK;
/* INVALID "claim.field" when the programme lacks what claims reads of it. */
err_t programme_from_wire(const Contributions__Programme *in, struct programme *programme,
                          struct err *err) MUST_CHECK;
err_t programme_unpack(struct call *c, ProtobufCBinaryData body,
                       struct programme *programme) MUST_CHECK;
paper_set_t papers_from_wire(size_t count, const Contributions__Paper__Kind *kinds);

/* What of a claim goes into a reply. */
struct claim_view {
    const struct register_person *patient; /* NULL: without the name */
    bool names, numbers;                   /* unmasked */
    bool with_details;                     /* papers, payee, the filer's words */
    const struct claim_paper *papers;
    size_t paper_count;
    paper_set_t missing;
    bool card_is_shared, for_reviewers;
};
err_t claim_to_wire(struct call *c, const struct claim *claim, const struct claim_view *view,
                    Claims__Claim **out) MUST_CHECK;
err_t claims_to_wire(struct call *c, const struct claim *claims, size_t count,
                     Claims__Claim ***out) MUST_CHECK;
/* Cuts the list to its page and makes the token of the next one. */
err_t next_page_to_wire(struct call *c, const struct claim_filter *filter,
                        const struct claim *claims, size_t *count, char **token) MUST_CHECK;
err_t timeline_to_wire(struct call *c, const struct claim_step *steps, size_t step_count,
                       const struct claim_round *rounds, size_t round_count,
                       Claims__GetTimelineReply *out) MUST_CHECK;

err_t emit_claim_filed(struct call *c, const struct claim *claim) MUST_CHECK;
err_t emit_claim_accepted(struct call *c, const struct claim *claim,
                          const struct register_person *patient, const struct claim_paper *papers,
                          size_t paper_count) MUST_CHECK;
err_t emit_papers_requested(struct call *c, const struct claim *claim) MUST_CHECK;
err_t emit_claim_refused(struct call *c, const struct claim *claim) MUST_CHECK;
err_t emit_claim_withdrawn(struct call *c, const struct claim *claim) MUST_CHECK;
err_t emit_payee_changed(struct call *c, const struct claim *claim) MUST_CHECK;
err_t emit_due_day_changed(struct call *c, const struct claim *claim) MUST_CHECK;

#endif
