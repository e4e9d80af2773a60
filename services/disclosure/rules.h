/* rules.h - what the scheme allows.  Pure: no clock, no database, no allocation, no log. */
#ifndef HUZHU_DISCLOSURE_RULES_H
#define HUZHU_DISCLOSURE_RULES_H

#include "disclosure.h"

enum publication_event { ON_PUBLISH, ON_REPLACE, ON_TAKE_DOWN };
enum complaint_event { ON_ACCEPT, ON_TRANSFER, ON_SEND_AWAY, ON_EXTEND, ON_ANSWER };

/* CONFLICT publication.move, complaint.move when moves.def has no such row. */
err_t publication_move(struct publication *publication, enum publication_event on,
                       struct err *err) MUST_CHECK;
err_t complaint_move(struct complaint *complaint, enum complaint_event on,
                     struct err *err) MUST_CHECK;
const char *complaint_event_name(enum complaint_event on);

/* A month "2024-08", a quarter "2024-Q3", a year "2024"; until is the first day after. */
bool period_days(const char *period, date_t *from, date_t *until) MUST_CHECK;
enum { PERIOD_BYTES = 12 };
void period_month(date_t day, char period[static PERIOD_BYTES]);
void period_quarter(date_t day, char period[static PERIOD_BYTES]);
void period_year(date_t day, char period[static PERIOD_BYTES]);
/* Pages of payouts and of income and expense are of any period; the others are of their year, or of
 * none. */
bool kind_has_periods(enum kind kind);
/* Pages about people come down again; rules, sums and reports stay. */
bool kind_is_taken_down(enum kind kind);
bool kind_has_villages(enum kind kind);
const char *kind_chinese(enum kind kind);

/* INVALID text.form: well-formed UTF-8 of least to most characters without control characters but
 * line ends. */
err_t rule_text(const char *text, int least, int most, const char *path,
                struct err *err) MUST_CHECK;

/* SoD: who prepared it is another person. */
err_t rule_by_another(struct id prepared_by, struct id account, const char *reason,
                      struct err *err) MUST_CHECK;

/* "12.34%": cut, never rounded up; "—" of nothing. */
enum { RATE_BYTES = 24 };
void rate_text(int64_t part, int64_t whole, char text[static RATE_BYTES]);

/* The report's due day: a month after the year's last day, moved to a working day (domain notes
 * 10.5). */
date_t report_due_on(date_t year_end);

/* Who may not own a complaint: the person complained about, and those who coded or reviewed the
 * claim. */
struct complaint_bars {
    struct id about, coder, reviewer;
};
bool complaint_is_barred(const struct complaint_bars *bars, struct id account);
/* The responsible person of the programme if fit, else the first fit of the staff; false: nobody.
 */
bool complaint_owner_choose(const struct complaint_bars *bars, struct id responsible,
                            const struct id *staff, size_t count, struct id *owner) MUST_CHECK;
struct complaint_days {
    int accept, reply, urgent;
};
/* Sets accept_by, reply_by, provisional from received_on and severity. */
void complaint_set_days(struct complaint *complaint, const struct complaint_days *days);
bool complaint_is_overdue(const struct complaint *complaint, date_t today);

#endif
