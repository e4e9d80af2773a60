/* rules.h - what may be done with an upload and with a claim.  Pure: no clock, no database, no
 * allocation, no log.  rules_eligibility.h decides on stays, rules_document.h on documents. */
#ifndef HUZHU_CLAIMS_RULES_H
#define HUZHU_CLAIMS_RULES_H

#include "claims.h"

/* --- uploads --- */

/* NULL: none that we take. */
const char *content_type_of(const uint8_t *bytes, size_t size);

/* The piece by itself: its size, and that the whole stays within bounds. */
err_t rule_piece_is_sound(const struct piece *piece, struct err *err) MUST_CHECK;

enum piece_place { PIECE_NEXT, PIECE_AGAIN };
/* Where it belongs: after what was taken, or (a repeat) where it has been already. */
err_t rule_piece_place(const struct upload *upload, const struct piece *piece,
                       enum piece_place *place, struct err *err) MUST_CHECK;

/* Of one that is no claim's paper. */
bool rule_may_see_loose_upload(role_set_t roles);

/* --- claims --- */

/* The only function that changes a claim's state; what it allows is moves.def.  *why is what people
 * read.  CONFLICT "claim.move". */
err_t claim_move(struct claim *claim, enum claim_event on, const char **why,
                 struct err *err) MUST_CHECK;
const char *claim_event_name(enum claim_event on);

/* Form alone: dates, amounts, texts, causes.  INVALID with the path. */
err_t rule_stay_is_sound(const struct stay *stay, date_t today, struct err *err) MUST_CHECK;
/* card is as people type it: blanks and full-width digits are well.  digits: the canonical form. */
err_t rule_payee_is_sound(struct payee *payee, const char *card_again, char digits[static 20],
                          struct err *err) MUST_CHECK;
/* SELF: the holder has the patient's name. */
err_t rule_payee_fits(const struct payee *payee, const struct register_person *patient,
                      struct err *err) MUST_CHECK;
/* The money goes to somebody else than the patient or its parent. */
bool payee_needs_mandate(enum relation relation, date_t birth, date_t today);

/* What a claim needs, by the programme's list (NULL: the usual one) and its own facts. */
paper_set_t papers_needed(const struct claim *claim, const struct programme *programme,
                          bool mandate);
/* Chinese names of kinds, "出院记录、住院费用清单"; cut to the size. */
void papers_in_words(paper_set_t kinds, char *text, size_t size);
/* Plain text of 1 (or 0) to so many characters, without control characters. */
bool text_is_sound(const char *text, size_t least, size_t most);

/* Who stands before a claim. */
struct onlooker {
    struct id account, household; /* household: nil unless a person of the register is signed in */
    role_set_t roles;
    bool covers; /* the scope of the roles holds the claim's village */
};
bool rule_may_see_claim(const struct claim *claim, const struct onlooker *who);
/* Who files and goes on with it: the household, its mandated agent, a clerk of the village. */
bool rule_may_act_on_claim(const struct claim *claim, const struct onlooker *who);

#endif
