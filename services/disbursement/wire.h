/* wire.h - protobuf to nouns and back, events out; the only file that knows both. */
#ifndef HUZHU_DISBURSEMENT_WIRE_H
#define HUZHU_DISBURSEMENT_WIRE_H

#include "claims.pb-c.h"
#include "coding.pb-c.h"
#include "disbursement.h"
#include "disbursement.pb-c.h"
#include "store.h"

/* Room for the pointers of a repeated field; NULL when memory is out. */
static inline void *
pointers(struct call *c, size_t count)
{
    return arena_alloc(c->arena, count * sizeof(void *));
}

/* --- in --- */

err_t page_from_wire(int32_t size, const char *token, struct page *page,
                     struct err *err) MUST_CHECK;
/* nil when absent. */
err_t id_or_nil(const Huzhu__Id *in, const char *path, struct id *id, struct err *err) MUST_CHECK;
struct wire_ids {
    Huzhu__Id *const *ids;
    size_t count;
};
/* `path` names the list; the ids keep their order. */
err_t ids_from_wire(struct call *c, struct wire_ids in, const char *path,
                    struct id **ids) MUST_CHECK;
err_t programme_from_wire(const Contributions__Programme *in, struct programme *programme,
                          struct err *err) MUST_CHECK;
/* Opens the sealed facts and gives whom the claim pays. */
err_t payee_from_facts(struct call *c, const char *context, const ProtobufCBinaryData *sealed,
                       struct payee *payee) MUST_CHECK;
err_t claim_from_price(const Coding__ClaimPriced *in, struct claim *claim,
                       struct err *err) MUST_CHECK;
/* The accounts that the orders' bank refunds go to; NULL: there are none. */
err_t refund_accounts(struct call *c, const Contributions__RefundsOrdered *in,
                      Contributions__RefundsSealed **accounts) MUST_CHECK;
err_t refund_from_wire(const Contributions__RefundsOrdered__Refund *in, struct line *line,
                       struct err *err) MUST_CHECK;
/* The account of a refund in there; false: none. */
bool refund_payee(const Contributions__RefundsSealed *accounts, struct id refund,
                  struct payee *payee);

/* --- out --- */

err_t list_to_wire(struct call *c, const struct payout_list *list,
                   Disbursement__PayoutList **out) MUST_CHECK;
/* Opens and masks its payee; what tells of an illness is left out for those who may not see it. */
err_t line_to_wire(struct call *c, const struct line *line,
                   Disbursement__PayoutLine **out) MUST_CHECK;
err_t lines_to_wire(struct call *c, const struct line *lines, size_t count,
                    Disbursement__PayoutLine ***out) MUST_CHECK;
err_t batch_to_wire(struct call *c, const struct batch *batch,
                    Disbursement__BankBatch **out) MUST_CHECK;
err_t item_to_wire(struct call *c, const struct item *item,
                   Disbursement__BatchItem **out) MUST_CHECK;
err_t layout_to_wire(struct call *c, const struct layout_of *layout,
                     Disbursement__BankLayout **out) MUST_CHECK;
err_t month_to_wire(struct call *c, const struct month_figures *month,
                    Disbursement__GetPayoutFiguresReply__Month **out) MUST_CHECK;
/* "" unless the page is full. */
err_t token_to_wire(struct call *c, struct page page, size_t count, struct id last,
                    char **out) MUST_CHECK;

/* --- events --- */

err_t emit_list_prepared(struct call *c, const struct payout_list *list) MUST_CHECK;
err_t emit_list_approved(struct call *c, const struct payout_list *list, const struct line *lines,
                         size_t count) MUST_CHECK;
err_t emit_line_returned(struct call *c, const struct line *line) MUST_CHECK;
err_t emit_batch_sent(struct call *c, const struct batch *batch) MUST_CHECK;
/* PayoutConfirmed or RefundConfirmed, by its kind. */
err_t emit_paid(struct call *c, const struct line *line) MUST_CHECK;
err_t emit_payout_failed(struct call *c, const struct line *line) MUST_CHECK;
err_t emit_payout_voided(struct call *c, const struct line *line) MUST_CHECK;

#endif
