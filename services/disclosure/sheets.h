/* sheets.h - what stands on a page of each kind, made of what others told. */
#ifndef HUZHU_DISCLOSURE_SHEETS_H
#define HUZHU_DISCLOSURE_SHEETS_H

#include "disclosure.h"
#include "rules_publish.h"
#include "store.h"

struct sheet_order {
    const struct publication *publication; /* kind, place, period, programme */
    const Contributions__Programme *programme;
    date_t from, until; /* of kinds that have periods */
    bool is_last;       /* nothing wider is left: few payments are told in rough */
};
/* The sheet, and for payouts the claims in their places (NULL else).  REFUSED publication.small: a
 * wider place or period is needed; publication.empty; publication.not_ready. */
err_t sheet_make(struct call *c, const struct sheet_order *order, struct sheet *sheet,
                 struct payouts *payouts) MUST_CHECK;
/* For tests and the page alike: a payout's cells. */
const char *payout_cells(struct call *c, const struct public_payout *line);

#endif
