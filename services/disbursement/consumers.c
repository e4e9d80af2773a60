/* consumers.c - what the disbursement service does when others tell of something. */
#include "consumers.h"

#include "rules.h"
#include "steps.h"
#include "wire.h"

err_t
disbursement_on_programme_changed(struct call *c, const Contributions__ProgrammeChanged *in)
{
    struct programme programme;

    TRY(programme_from_wire(in->programme, &programme, &c->err));
    return programme_upsert(c, &programme);
}

/* --- the fund's answer --- */

err_t
disbursement_on_funds_reserved(struct call *c, const Contributions__FundsReserved *in)
{
    struct payout_list list;
    struct id id;

    TRY(id_from_wire(in->list_id, "list_id", &id, &c->err));
    TRY(list_lock(c, id, &list));
    TRY(list_move(&list, LIST_ON_RESERVE, &c->err));
    TRY(list_update(c, &list));
    TRY(survives(c, "list.reserved"));
    return lines_reserve(c, id);
}

err_t
disbursement_on_funds_refused(struct call *c, const Contributions__FundsRefused *in)
{
    struct payout_list list;
    struct id id;

    TRY(id_from_wire(in->list_id, "list_id", &id, &c->err));
    TRY(list_lock(c, id, &list));
    TRY(list_move(&list, LIST_ON_REFUSE, &c->err));
    list.refusal = in->reason;
    list.shortfall.fen = in->shortfall ? in->shortfall->fen : 0;
    return list_update(c, &list);
}

/* --- claims and their prices --- */

err_t
disbursement_on_claim_accepted(struct call *c, const Claims__ClaimAccepted *in)
{
    struct claim claim = { .number = in->number };
    struct payee payee;

    TRY(id_from_wire(in->claim_id, "claim_id", &claim.id, &c->err));
    TRY(id_from_wire(in->programme_id, "programme_id", &claim.programme, &c->err));
    TRY(id_or_nil(in->person_id, "person_id", &claim.person, &c->err));
    TRY(id_or_nil(in->village_id, "village_id", &claim.village, &c->err));
    TRY(payee_from_facts(c, "event/ClaimAccepted", &in->sealed, &payee));
    return claim_accept(c, &claim, &payee);
}

err_t
disbursement_on_payee_changed(struct call *c, const Claims__PayeeChanged *in)
{
    struct payee payee;
    struct id claim;

    TRY(id_from_wire(in->claim_id, "claim_id", &claim, &c->err));
    TRY(payee_from_facts(c, "event/PayeeChanged", &in->sealed, &payee));
    return claim_payee(c, claim, &payee);
}

err_t
disbursement_on_claim_refused(struct call *c, const Claims__ClaimRefused *in)
{
    struct id claim;

    TRY(id_from_wire(in->claim_id, "claim_id", &claim, &c->err));
    return claim_gone(c, claim);
}

err_t
disbursement_on_claim_withdrawn(struct call *c, const Claims__ClaimWithdrawn *in)
{
    struct id claim;

    TRY(id_from_wire(in->claim_id, "claim_id", &claim, &c->err));
    return claim_gone(c, claim);
}

/* A new price of a claim whose line is still being looked through: the line takes it, or goes when
 * nothing is payable any more, and the list becomes its next version. */
static err_t
reprice_line(struct call *c, struct id line_id, struct id list_id, const struct claim *claim)
{
    struct payout_list list;
    struct line line;

    TRY(list_lock(c, list_id, &list));
    TRY(line_lock(c, line_id, &line));
    if (list.state != LIST_PREPARED)
        return err_set(&c->err, ERR_CONFLICT, CLAIM_ON_LINE,
                       "a priced claim is on a list that has been submitted");
    TRY(claim_price(c, claim));
    if (claim->payable.fen == 0) {
        TRY(line_move(&line, LINE_ON_GO_BACK, &c->err));
        line.return_reason = "basis.group";
    } else {
        line.state = LINE_LISTED; /* whatever was looked at was another price's basis */
        line.amount = claim->payable;
        line.checked_by = (struct id){ { 0 } };
    }
    TRY(line_update(c, &line));
    return list_change(c, &list, "repriced");
}

err_t
disbursement_on_claim_priced(struct call *c, const Coding__ClaimPriced *in)
{
    struct claim claim;
    struct id line, list;

    TRY(claim_from_price(in, &claim, &c->err));
    TRY(claim_line(c, claim.id, &line, &list));
    return id_is_nil(line) ? claim_price(c, &claim) : reprice_line(c, line, list, &claim);
}

/* --- refunds --- */

err_t
disbursement_on_refunds_ordered(struct call *c, const Contributions__RefundsOrdered *in)
{
    Contributions__RefundsSealed *accounts;
    struct id programme;

    TRY(id_from_wire(in->programme_id, "programme_id", &programme, &c->err));
    TRY(refund_accounts(c, in, &accounts));
    for (size_t i = 0; i < in->n_refunds; i++) {
        struct payee payee;
        struct line line;
        TRY(refund_from_wire(in->refunds[i], &line, &c->err));
        line.programme = programme;
        const bool known = refund_payee(accounts, line.id, &payee);
        if (line.route == ROUTE_BANK && !known)
            return err_set(&c->err, ERR_INVALID, CLAIM_UNSEALED,
                           "a bank refund comes without its account");
        TRY(refund_insert(c, &line, known ? &payee : NULL));
    }
    return ERR_OK;
}
