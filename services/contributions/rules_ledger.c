/* rules_ledger.c - what the fund's money may be used for.  Pure. */
#include "rules.h"

#include <stdio.h>

bool
programme_may_use(const programme_t *p, int use)
{
    for (size_t i = 0; i < p->n_uses; i++)
        if ((int) p->uses[i] == use)
            return true;
    return false;
}

const char *
rule_may_reserve(const programme_t *p, bool payout_gate, money_t available, money_t total,
                 money_t *shortfall)
{
    const money_t free = money_sub(available, (money_t){ fen_of(p->reserve) });

    *shortfall = (money_t){ 0 };
    if ((p->state != PROGRAMME(IN_FORCE) && p->state != PROGRAMME(SETTLING)) ||
        !programme_may_use(p, CONTRIBUTIONS__PROGRAMME__USE__SUBSIDY))
        return PROGRAMME_STATE;
    if (!payout_gate)
        return FUNDS_GATE;
    if (money_cmp(free, total) < 0) {
        *shortfall = money_sub(total, free);
        return FUNDS_SHORT;
    }
    return NULL;
}

err_t
rule_fee(const programme_t *p, const Contributions__Agreement *agreement, const struct fee *fee,
         struct err *err)
{
    if (p->fee_source != CONTRIBUTIONS__PROGRAMME__FEE_SOURCE__FROM_FUND ||
        !programme_may_use(p, CONTRIBUTIONS__PROGRAMME__USE__SERVICE_FEE))
        return err_set(err, ERR_REFUSED, FEE_SOURCE, "the programme pays no fee from the fund");
    if (fee->on.days < day_of(agreement->from).days || fee->on.days > day_of(agreement->until).days)
        return err_at(err, ERR_REFUSED, "$.on", FEE_AGREEMENT,
                      "the agreement is not in force on that day");

    const int64_t sum = fee->amount.fen + fee->paid_before.fen;
    if (sum > fen_of(agreement->fee))
        return err_at(err, ERR_REFUSED, "$.amount", FEE_CEILING,
                      "%lld fen with what was paid before; %lld were agreed", (long long) sum,
                      (long long) fen_of(agreement->fee));
    if (fen_of(p->fee_agreed) > 0 && sum > fen_of(p->fee_agreed))
        return err_at(err, ERR_REFUSED, "$.amount", FEE_CEILING,
                      "%lld fen with what was paid before; the programme allows %lld",
                      (long long) sum, (long long) fen_of(p->fee_agreed));
    const int64_t most = (int64_t) ((__int128) fee->raised.fen * p->fee_most / SHARE_WHOLE);
    if (sum > most)
        return err_at(err, ERR_REFUSED, "$.amount", FEE_CEILING,
                      "%lld fen with what was paid before; %u/10000 of what was raised is %lld",
                      (long long) sum, p->fee_most, (long long) most);
    return ERR_OK;
}

void
invoice_number(date_t on, int64_t sequence, char text[static INVOICE_BYTES])
{
    int year, month, day;

    date_to_civil(on, &year, &month, &day);
    (void) snprintf(text, INVOICE_BYTES, "JZ%04d%02d%02d-%04lld", year, month, day,
                    (long long) sequence);
}
