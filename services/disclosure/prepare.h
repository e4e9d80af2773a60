/* prepare.h - a page from what is known to frozen bytes, and the proofs of its lines. */
#ifndef HUZHU_DISCLOSURE_PREPARE_H
#define HUZHU_DISCLOSURE_PREPARE_H

#include "disclosure.h"
#include "merkle/merkle.h"

/* Fills what is missing of a publication whose id, programme, village, kind, period and prepared_by
 * are set, and stores it as the draft of its next version.  The programme's row is locked first:
 * two drafts of one page never meet. */
err_t publication_prepare(struct call *c, struct publication *publication) MUST_CHECK;

/* The root over the lines' canonical bytes, and the path of one (index from 0). */
err_t lines_root(struct call *c, const char *const *lines, size_t count,
                 uint8_t root[static 32]) MUST_CHECK;
err_t lines_proof(struct call *c, const char *const *lines, size_t count, size_t index,
                  struct merkle_proof *proof) MUST_CHECK;

/* The duties: takes pages down whose days are over; prepares the last month's payouts; tells what
 * is late. */
err_t disclosure_take_down_expired(struct call *c) MUST_CHECK;
err_t disclosure_prepare_payouts(struct call *c) MUST_CHECK;
err_t disclosure_watch_days(struct call *c) MUST_CHECK;

#endif
