/* rules.h - what the scheme allows.  Pure: no clock, no database, no allocation, no log. */
#ifndef HUZHU_CONTRIBUTIONS_RULES_H
#define HUZHU_CONTRIBUTIONS_RULES_H

#include "contributions.h"

/* --- shapes (rules.c) --- */

/* Zeros, and nil, for what is absent or malformed; who must know the difference asks first. */
int64_t fen_of(const Huzhu__Money *in);
date_t day_of(const Huzhu__Date *in);
instant_t at_of(const Huzhu__Instant *in);
struct id id_of(const Huzhu__Id *in);

/* INVALID money.amount: absent, not above zero, or above a trillion yuan. */
err_t rule_amount(const Huzhu__Money *in, const char *path, money_t *amount,
                  struct err *err) MUST_CHECK;
/* INVALID `reason` unless 1 to `most` characters without control characters. */
err_t rule_text(const char *text, size_t most, const char *path, const char *reason,
                struct err *err) MUST_CHECK;
err_t rule_day(const Huzhu__Date *in, const char *path, date_t *day, struct err *err) MUST_CHECK;

enum programme_event {
    ON_CHANGE,
    ON_SUBMIT,
    ON_RETURN,
    ON_APPROVE,
    ON_CLOSE,
    ON_SETTLE,
    ON_CARRY,
    ON_STOP,
    ON_WIND_UP
};
/* CONFLICT programme.moved_on unless moves.def has the step. */
err_t programme_move(programme_t *p, enum programme_event on, struct err *err) MUST_CHECK;
const char *state_name(Contributions__Programme__State state); /* "DRAFT" */

const char *source_code(int kind); /* "village"; NULL: none */
bool source_is_given(int kind);
const char *account_name(const char *code); /* "专户存款"; NULL: no such account */
const char *income_account(int kind);       /* "income.village"; NULL: no such source */
bool rule_pair_is_allowed(const char *why, const char *debit, const char *credit);

/* --- programmes (rules_programme.c) --- */

/* The default of 7.2.1 c: from 00:00:00 of the 45th day before the start to 23:59:59 of the last
 * one. */
void window_default(date_t starts_on, instant_t *from, instant_t *until);
/* Everything that is wrong or worth a look.  today: for the calendar's sake. */
void programme_check(const programme_t *p, date_t today, struct findings *out);
const Contributions__Programme__Share *share_of(const programme_t *p, int kind);

/* By the village committees law: 2/3 of the representatives (of the households) or more than half
 * of the adults are present, and more than half of those present are for it.  *why_not is "" or a
 * reason; an error when the figures cannot be. */
err_t rule_resolution(const Contributions__Resolution *in, date_t today, const char **why_not,
                      struct err *err) MUST_CHECK;

/* --- enrolment (rules_enrolment.c) --- */

/* The instant's second lies within; REFUSED window.not_open, window.closed. */
err_t rule_window(const programme_t *p, instant_t at, struct err *err) MUST_CHECK;
bool rule_in_category(const char *categories, const char *code, date_t on);
uint32_t ground_mask(const programme_t *p);
/* NULL, or the reason why this person of the register cannot join on that day; who pays its part.
 */
const char *rule_person_may_join(const programme_t *p, const struct member *m, date_t on,
                                 int *payer, money_t *due);
/* 003-2: NULL, or the reason why somebody cannot come into a household after the window. */
const char *rule_late_member(const programme_t *p, const struct house *h, const struct member *m);
/* Sets in_force of the members and of the household by the rule of the programme; `changed` where
 * that is new.  A household that was in force at the close stays so. */
void rule_house_in_force(const programme_t *p, struct house *h, date_t on);
/* What the household still owes, for the persons named (all when count is 0); false: one of them is
 * not enrolled. */
bool rule_house_owes(const struct house *h, const struct id *persons, size_t count, money_t *due,
                     uint32_t *people);

/* --- participation (rules_participation.c) --- */

/* taking_part / whole >= share / 10000, in whole numbers; nothing reaches a share of nothing. */
bool figure_reaches(struct figure f, uint32_t share);
uint32_t figure_share(struct figure f); /* rounded down */
bool participation_warns(const programme_t *p, const struct participation *x);
bool participation_opens_payouts(const programme_t *p, const struct participation *x);

/* --- money (rules_ledger.c) --- */

/* NULL when the list's total may be set aside; otherwise the wire reason of FundsRefused. */
const char *rule_may_reserve(const programme_t *p, bool payout_gate, money_t available,
                             money_t total, money_t *shortfall);
struct fee {
    money_t amount, paid_before, raised;
    date_t on;
};
err_t rule_fee(const programme_t *p, const Contributions__Agreement *agreement,
               const struct fee *fee, struct err *err) MUST_CHECK;
bool programme_may_use(const programme_t *p, int use);
/* "JZ20240701-0001": a donation's, of its own day. */
#define INVOICE_BYTES 32
void invoice_number(date_t on, int64_t sequence, char text[static INVOICE_BYTES]);

#endif
