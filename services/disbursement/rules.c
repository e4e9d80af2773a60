/* rules.c - what the scheme allows.  Pure: no clock, no database, no allocation, no log. */
#include "rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/text.h"
#include "clock/calendar.h"

/* --- states --- */

err_t
list_move(struct payout_list *list, enum list_event on, struct err *err)
{
    static const struct {
        enum list_state from;
        enum list_event on;
        enum list_state to;
    } moves[] = {
#define LIST_MOVE(from, on, to, why) { LIST_##from, LIST_ON_##on, LIST_##to },
#include "moves.def"
    };

    for (size_t i = 0; i < COUNT(moves); i++) {
        if (moves[i].from == list->state && moves[i].on == on) {
            list->state = moves[i].to;
            return ERR_OK;
        }
    }
    return err_set(err, ERR_CONFLICT, LIST_MOVED_ON, "the list's state does not allow it");
}

err_t
line_move(struct line *line, enum line_event on, struct err *err)
{
    static const struct {
        enum line_state from;
        enum line_event on;
        enum line_state to;
    } moves[] = {
#define LINE_MOVE(from, on, to, why) { LINE_##from, LINE_ON_##on, LINE_##to },
#include "moves.def"
    };

    for (size_t i = 0; i < COUNT(moves); i++) {
        if (moves[i].from == line->state && moves[i].on == on) {
            line->state = moves[i].to;
            return ERR_OK;
        }
    }
    return err_set(err, ERR_CONFLICT, LINE_MOVED_ON, "the line's state does not allow it");
}

err_t
batch_move(struct batch *batch, enum batch_event on, struct err *err)
{
    static const struct {
        enum batch_state from;
        enum batch_event on;
        enum batch_state to;
    } moves[] = {
#define BATCH_MOVE(from, on, to, why) { BATCH_##from, BATCH_ON_##on, BATCH_##to },
#include "moves.def"
    };

    for (size_t i = 0; i < COUNT(moves); i++) {
        if (moves[i].from == batch->state && moves[i].on == on) {
            batch->state = moves[i].to;
            return ERR_OK;
        }
    }
    return err_set(err, ERR_CONFLICT, BATCH_MOVED_ON, "the batch's state does not allow it");
}

/* --- months and days --- */

err_t
month_parse(const char *text, date_t *month, struct err *err)
{
    char full[DATE_TEXT_BYTES];

    if (strlen(text) != 7 || snprintf(full, sizeof full, "%.7s-01", text) != 10 ||
        !date_parse(full, month))
        return err_at(err, ERR_INVALID, "$.month", MONTH_FORM, "a month is written 2024-08");
    return ERR_OK;
}

void
month_format(date_t month, char text[static MONTH_TEXT_BYTES])
{
    char full[DATE_TEXT_BYTES];

    date_format(month, full);
    (void) snprintf(text, MONTH_TEXT_BYTES, "%.7s", full);
}

date_t
month_after(date_t month, int months)
{
    int year, of_year, day;

    date_to_civil(month, &year, &of_year, &day);
    const int count = year * 12 + of_year - 1 + months;
    return date_from_civil(count / 12, count % 12 + 1, 1);
}

err_t
rule_month_is_over(date_t month, date_t today, struct err *err)
{
    if (days_between(month_after(month, 1), today) < 0)
        return err_at(err, ERR_REFUSED, "$.month", MONTH_RUNNING, "the month is not over yet");
    return ERR_OK;
}

err_t
rule_programme_pays(const struct programme *programme, struct err *err)
{
    if (programme->state != PROGRAMME_IN_FORCE && programme->state != PROGRAMME_SETTLING)
        return err_set(err, ERR_REFUSED, PROGRAMME_STATE,
                       "a programme pays while it is in force or being settled");
    return ERR_OK;
}

date_t
month_to_list(instant_t now, int *day)
{
    static const int64_t five_past_us = INT64_C(5) * 60 * US_PER_SECOND;
    const date_t today = date_of(now);
    int year, month;

    date_to_civil(today, &year, &month, day);
    if (now.us - date_start(today).us < five_past_us)
        --*day;
    return month_after(date_from_civil(year, month, 1), -1);
}

struct pay_before
pay_before(const struct programme *programme, date_t month)
{
    const date_t paying = month_after(month, 1);
    const date_t list_day = { paying.days + programme->list_day - 1 };
    date_t last = { paying.days + programme->pay_before_day - 1 };
    struct pay_before out = { .provisional = false };

    if (last.days < list_day.days)
        last = (date_t){ month_after(month, 2).days + programme->pay_before_day - 1 };
    for (date_t day = last; day.days >= list_day.days; day.days--) {
        if (calendar_is_workday(day, &out.provisional)) {
            out.on = day;
            return out;
        }
    }
    out.postponed = true;
    out.on = calendar_add_workdays(last, 1, &out.provisional);
    return out;
}

/* --- persons --- */

static bool
same(struct id a, struct id b)
{
    return !id_is_nil(a) && id_cmp(a, b) == 0;
}

err_t
rule_may_review(const struct payout_list *list, struct id account, struct err *err)
{
    if (same(list->prepared_by, account))
        return err_set(err, ERR_FORBIDDEN, LIST_SAME_PERSON,
                       "who prepared a list does not review its lines");
    return ERR_OK;
}

err_t
rule_may_approve(const struct payout_list *list, struct id account, struct err *err)
{
    if (same(list->prepared_by, account) || same(list->submitted_by, account))
        return err_set(err, ERR_FORBIDDEN, LIST_SAME_PERSON,
                       "who prepared or submitted a list does not approve it");
    return ERR_OK;
}

err_t
rule_list_is_checked(const struct payout_list *list, struct err *err)
{
    if (list->lines == 0)
        return err_set(err, ERR_REFUSED, LIST_EMPTY, "the list has no line");
    if (list->reviewed != list->lines)
        return err_set(err, ERR_REFUSED, LIST_UNCHECKED, "%d of %d lines have been looked at",
                       list->reviewed, list->lines);
    return ERR_OK;
}

/* --- words --- */

err_t
rule_words(const char *text, const char *path, struct err *err)
{
    const size_t characters = text_characters(text);

    if (text_has_control(text))
        return err_at(err, ERR_INVALID, path, WORDS_MISSING, "it holds a control character");
    if (characters < 1 || characters > WORDS_CHARACTERS_MAX)
        return err_at(err, ERR_INVALID, path, WORDS_MISSING, "1 to %d characters, not %zu",
                      WORDS_CHARACTERS_MAX, characters);
    return ERR_OK;
}

bool
return_reason_is_known(const char *wire)
{
    static const char *const reasons[] = {
#define RETURN_REASON(wire, english, chinese) wire,
#include "return_reasons.def"
#undef RETURN_REASON
    };

    for (size_t i = 0; i < COUNT(reasons); i++)
        if (strcmp(reasons[i], wire) == 0)
            return true;
    return false;
}

bool
receipt_is_sound(const char *text)
{
    const size_t size = strlen(text);

    if (size < 1 || size > RECEIPT_BYTES_MAX)
        return false;
    for (size_t i = 0; i < size; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return true;
}

const char *
failure_in_chinese(const char *wire)
{
    static const struct {
        const char *wire, *chinese;
    } codes[] = {
#define RESULT_CODE(wire, banks, english, chinese) { wire, chinese },
#include "result_codes.def"
#undef RESULT_CODE
    };

    for (size_t i = 0; i < COUNT(codes); i++)
        if (strcmp(codes[i].wire, wire) == 0)
            return codes[i].chinese;
    return wire;
}

/* --- duplicates --- */

static int
by_id(const void *a, const void *b)
{
    return id_cmp(*(const struct id *) a, *(const struct id *) b);
}

bool
ids_repeat(struct id *ids, size_t count)
{
    qsort(ids, count, sizeof *ids, by_id);
    for (size_t i = 1; i < count; i++)
        if (id_cmp(ids[i - 1], ids[i]) == 0)
            return true;
    return false;
}

/* A batch has at most BATCH_LINES_MAX lines: comparing each pair is 2 million steps at worst, 10
 * ms, and needs no memory. */
err_t
rule_batch_has_no_duplicate(const struct line *lines, size_t count, struct err *err)
{
    for (size_t i = 1; i < count; i++) {
        for (size_t k = 0; k < i; k++) {
            const struct line *a = &lines[k], *b = &lines[i];
            const bool same_claim = same(a->claim, b->claim);
            const bool same_payment = a->payee_index && b->payee_index &&
                                      memcmp(a->payee_index, b->payee_index, 32) == 0 &&
                                      a->amount.fen == b->amount.fen && same_claim;
            if (id_cmp(a->id, b->id) == 0 || same_claim || same_payment)
                return err_set(err, ERR_REFUSED, BATCH_DUPLICATE,
                               "rows %zu and %zu are the same line or claim", k + 1, i + 1);
        }
    }
    return ERR_OK;
}

uint32_t
share_of(int64_t part, int64_t whole)
{
    return whole <= 0 ? 0 : (uint32_t) (part * 10000 / whole);
}
