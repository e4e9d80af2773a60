/* rules_participation.c - three figures that are never mixed: people, households, villages.  All
 * comparisons are of whole fractions: 49.99 % is not 50 %, and nothing is rounded up to a gate. */
#include "rules.h"

bool
figure_reaches(struct figure f, uint32_t share)
{
    return f.whole > 0 && (__int128) f.taking_part * SHARE_WHOLE >= (__int128) share * f.whole;
}

uint32_t
figure_share(struct figure f)
{
    return f.whole > 0 ? (uint32_t) ((__int128) f.taking_part * SHARE_WHOLE / f.whole) : 0;
}

bool
participation_warns(const programme_t *p, const struct participation *x)
{
    return p->people_warning > 0 && !figure_reaches(x->people, p->people_warning);
}

bool
participation_opens_payouts(const programme_t *p, const struct participation *x)
{
    return p->household_gate == 0 || figure_reaches(x->households, p->household_gate);
}
