/* rules.h - what the scheme allows with lists, lines, batches and their files.  Pure: no clock, no
 * database, no allocation, no log. */
#ifndef HUZHU_DISBURSEMENT_RULES_H
#define HUZHU_DISBURSEMENT_RULES_H

#include "disbursement.h"

/* --- rules.c: states, persons, days --- */

/* The only functions that change a state; what they allow is moves.def. */
err_t list_move(struct payout_list *list, enum list_event on, struct err *err) MUST_CHECK;
err_t line_move(struct line *line, enum line_event on, struct err *err) MUST_CHECK;
err_t batch_move(struct batch *batch, enum batch_event on, struct err *err) MUST_CHECK;

/* "2024-08": its first day. */
err_t month_parse(const char *text, date_t *month, struct err *err) MUST_CHECK;
#define MONTH_TEXT_BYTES 8
void month_format(date_t month, char text[static MONTH_TEXT_BYTES]);
date_t month_after(date_t month,
                   int months); /* the first day, `months` later or (negative) earlier */
err_t rule_month_is_over(date_t month, date_t today, struct err *err) MUST_CHECK;
err_t rule_programme_pays(const struct programme *programme, struct err *err) MUST_CHECK;

/* The month whose list is due at this instant: from 00:05 of the list day on, the month before.
 * *day is today's day of the month, less one before 00:05. */
date_t month_to_list(instant_t now, int *day);

/* 003-20: the pay-before day of the month after the decisions'; a day off becomes the working day
 * before it, but never one before the list day: where all days between are off (1 to 7 October),
 * the first working day after counts (Civil Code 203), and the list says so (`postponed`). */
struct pay_before {
    date_t on;
    bool provisional, postponed;
};
struct pay_before pay_before(const struct programme *programme, date_t month);

/* 6.2.2 a: three persons; c's account against those who acted before. */
err_t rule_may_review(const struct payout_list *list, struct id account,
                      struct err *err) MUST_CHECK;
err_t rule_may_approve(const struct payout_list *list, struct id account,
                       struct err *err) MUST_CHECK;
err_t rule_list_is_checked(const struct payout_list *list, struct err *err) MUST_CHECK;

/* What a caller says in words or names: 1 to 200 characters; visible ASCII. */
err_t rule_words(const char *text, const char *path, struct err *err) MUST_CHECK;
bool return_reason_is_known(const char *wire);
bool receipt_is_sound(const char *text);
const char *failure_in_chinese(const char *wire);

/* Sorts; true when two are equal. */
bool ids_repeat(struct id *ids, size_t count);

/* Refuses a batch that has a line, a claim, or a card with the same claim and amount, twice. */
err_t rule_batch_has_no_duplicate(const struct line *lines, size_t count,
                                  struct err *err) MUST_CHECK;

/* Shares in parts of ten thousand, rounded down; 0 of nothing. */
uint32_t share_of(int64_t part, int64_t whole);

/* --- rules_layout.c: what a bank's files look like --- */

enum { LAYOUT_COLUMNS_MAX = 24, LAYOUT_REASONS_MAX = 32 };
enum file_field {
    FIELD_SEQUENCE = 1,
    FIELD_REFERENCE,
    FIELD_PAYEE,
    FIELD_CARD,
    FIELD_BANK,
    FIELD_AMOUNT,
    FIELD_REMARK,
    FIELD_BATCH,
    FIELD_DATE,
    FIELD_LINES,
    FIELD_ACCOUNT,
    FIELD_CLAIM,
    FIELD_TEXT,
    FIELD_EMPTY,
    FIELD_STATUS,
    FIELD_RECEIPT,
    FIELD_REASON,
    FIELD_IGNORE,
};
enum total_place { TOTAL_NONE, TOTAL_FIRST, TOTAL_LAST };

struct column {
    enum file_field field;
    const char *title; /* of FIELD_TEXT: the value */
};
struct columns {
    struct column column[LAYOUT_COLUMNS_MAX];
    size_t count;
};
struct layout {
    bool gb18030, fen, titles, crlf, result_titles;
    char delimiter;
    enum total_place total, result_total;
    struct columns total_columns, columns, result_columns;
    const char *remark, *ok, *failed, *unknown; /* words between bars */
    struct {
        const char *code, *wire;
    } reasons[LAYOUT_REASONS_MAX];
    size_t reason_count;
    int32_t lines_most;
};
/* `text` is cut into pieces that the layout points into.  The err names the line. */
err_t layout_parse(char *text, struct layout *layout, struct err *err) MUST_CHECK;
err_t layout_name_check(const char *name, struct err *err) MUST_CHECK;
/* Of layouts.def; NULL: none. */
const char *layout_built_in(const char *name);
const char *layout_built_in_at(size_t i, const char **name); /* NULL after the last */

/* --- rules_bankfile.c: the file to the bank, in UTF-8 --- */

struct file_head {
    const char *number, *account;
    date_t on;
    int32_t lines;
    money_t total;
};
struct file_row {
    int32_t sequence;
    const char *reference, *claim;
    struct payee payee;
    money_t amount;
};
/* Writes into room bytes; *size is the length.  LIMITED when it does not fit; REFUSED
 * BATCH_PAYEE names the row whose payee cannot be written. */
struct file_out {
    char *at;
    size_t room, size;
};
err_t bankfile_write(const struct layout *layout, const struct file_head *head,
                     const struct file_row *rows, struct file_out *out, struct err *err) MUST_CHECK;
void bankfile_reference(const char *number, int32_t sequence, char text[static 32]);

/* --- rules_result.c: the bank's answer --- */

/* Cuts `text` (UTF-8, NUL-terminated) into answers; texts point into it. */
struct answers {
    struct answer *answer;
    size_t room, count;
};
err_t result_read(const struct layout *layout, char *text, struct answers *answers,
                  struct err *err) MUST_CHECK;

/* Each item answered exactly once, with its amount.  Sets answer->item.  `sent` and `today` bound
 * the days of payment. */
struct days {
    date_t first, last;
};
err_t result_fits(const struct item *items, size_t count, struct answers *answers, struct days days,
                  struct err *err) MUST_CHECK;

/* What the whole file says against what is known: nothing new, news, or the contrary. */
enum verdict result_verdict(const struct item *items, const struct answers *answers);
enum said { SAID_BEFORE, SAID_NEW, SAID_CONTRARY };
enum said result_says(const struct item *item, const struct answer *answer);

#endif
