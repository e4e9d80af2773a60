/* rules_eligibility.h - whether a stay is helped, and if not, why, in words a villager understands.
 *
 * Order of the rules: outpatient (0-3.1), year (003-8), the programme's state, membership,
 * exclusions (003-14), thresholds (003-9, 003-10; of one stay, never added), duplicates.  The first
 * that fails is told; its figures are in the words.
 *
 * Pure: no clock, no database, no allocation, no log. */
#ifndef HUZHU_CLAIMS_RULES_ELIGIBILITY_H
#define HUZHU_CLAIMS_RULES_ELIGIBILITY_H

#include "claims.h"

#define VERDICT_WORDS_BYTES 512

struct stay_question {
    const struct stay *stay;
    struct id village;                  /* the patient's */
    const struct candidate *candidates; /* the tenant's programmes */
    size_t candidate_count;
    const char *overlaps; /* number of a live claim of the patient whose days meet these; or NULL */
};

struct verdict {
    bool accepted;
    const struct candidate *candidate; /* NULL: no programme's year holds the stay */
    const char *reason, *requirement;  /* of a refusal */
    char words[VERDICT_WORDS_BYTES];
};

/* The programme whose year the stay belongs to: by admission or discharge as each says (003-8).
 * Among several (a township's and a village's) the one that the patient takes part in, then one
 * that runs, then the village's own.  NULL: none. */
const struct candidate *programme_of_stay(const struct stay_question *question);

void rule_stay_is_helped(const struct stay_question *question, struct verdict *verdict);

/* The listed exclusion that the filer's own answers say, or 0. */
enum exclusion exclusion_of(const struct stay *stay);
const char *exclusion_in_words(enum exclusion exclusion);

/* Two stays of one person are one, or meet in more than the day of a transfer.  Reads their days
 * and hospitals alone. */
bool stays_overlap(const struct stay *a, const struct stay *b);

/* "003-9" of "claim.own_payment"; "" when the reason refuses no claim. */
const char *requirement_of(const char *reason);

#endif
