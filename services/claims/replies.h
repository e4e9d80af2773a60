/* replies.h - what of a claim its caller sees, and which claims a list holds. */
#ifndef HUZHU_CLAIMS_REPLIES_H
#define HUZHU_CLAIMS_REPLIES_H

#include "claims.pb-c.h"
#include "rules.h"

/* What is still needed: of a draft by the programme's list, of a claim with requested papers what
 * was asked for and has not come since.  programme NULL: the usual list. */
paper_set_t papers_missing(const struct claim *claim, const struct programme *programme,
                           const struct register_person *patient, const struct claim_paper *papers,
                           size_t count, date_t today);

/* The claim with its papers, its ETag, and a mark in the audit log where the caller is neither of
 * the household nor its filer. */
err_t claim_reply(struct call *c, const struct claim *claim, Claims__Claim **out) MUST_CHECK;

/* A member's list holds its household's claims and those it filed; staff's what its scope covers.
 */
err_t bound_by_scope(struct call *c, struct claim_filter *filter) MUST_CHECK;

#endif
