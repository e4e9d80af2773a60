/* rules.c - what the scheme allows.  Pure: no clock, no database, no allocation, no log. */
#include "rules.h"

#include <stdio.h>
#include <string.h>

#include "clock/calendar.h"

/* --- lives --- */

static const struct {
    enum publication_state from;
    enum publication_event on;
    enum publication_state to;
} moves[] = {
#define MOVE(from, on, to, why) { PUBLICATION_##from, ON_##on, PUBLICATION_##to },
#include "moves.def"
#undef MOVE
};

static const struct {
    enum complaint_state from;
    enum complaint_event on;
    enum complaint_state to;
} cases[] = {
#define CASE(from, on, to, why) { COMPLAINT_##from, ON_##on, COMPLAINT_##to },
#include "moves.def"
#undef CASE
};

err_t
publication_move(struct publication *publication, enum publication_event on, struct err *err)
{
    for (size_t i = 0; i < COUNT(moves); i++) {
        if (moves[i].from == publication->state && moves[i].on == on) {
            publication->state = moves[i].to;
            return ERR_OK;
        }
    }
    return err_set(err, ERR_CONFLICT, PUBLICATION_MOVE, "the page is in state %d",
                   (int) publication->state);
}

err_t
complaint_move(struct complaint *complaint, enum complaint_event on, struct err *err)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (cases[i].from == complaint->state && cases[i].on == on) {
            complaint->state = cases[i].to;
            return ERR_OK;
        }
    }
    return err_set(err, ERR_CONFLICT, COMPLAINT_MOVE, "the complaint is in state %d",
                   (int) complaint->state);
}

const char *
complaint_event_name(enum complaint_event on)
{
    static const char *const names[] = { "ACCEPT", "TRANSFER", "SEND_AWAY", "EXTEND", "ANSWER" };

    return names[on];
}

/* --- periods and kinds --- */

static bool
digits(const char *text, int count, int *value)
{
    *value = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *value = *value * 10 + (text[i] - '0');
    }
    return true;
}

bool
period_days(const char *period, date_t *from, date_t *until)
{
    const size_t size = strlen(period);
    int year, month = 1, months = 12;

    if ((size != 4 && size != 7) || !digits(period, 4, &year) || year < 2000 || year > 2200)
        return false;
    if (size == 7 && period[4] != '-')
        return false;
    if (size == 7 && period[5] == 'Q') {
        if (period[6] < '1' || period[6] > '4')
            return false;
        month = (period[6] - '1') * 3 + 1;
        months = 3;
    } else if (size == 7) {
        if (!digits(period + 5, 2, &month) || month < 1 || month > 12)
            return false;
        months = 1;
    }
    *from = date_from_civil(year, month, 1);
    *until = month + months > 12 ? date_from_civil(year + 1, 1, 1)
                                 : date_from_civil(year, month + months, 1);
    return true;
}

void
period_month(date_t day, char period[static PERIOD_BYTES])
{
    int y, m, d;

    date_to_civil(day, &y, &m, &d);
    (void) snprintf(period, PERIOD_BYTES, "%04u-%02u", (unsigned) y % 10000, (unsigned) m % 100);
}

void
period_quarter(date_t day, char period[static PERIOD_BYTES])
{
    int y, m, d;

    date_to_civil(day, &y, &m, &d);
    (void) snprintf(period, PERIOD_BYTES, "%04u-Q%u", (unsigned) y % 10000,
                    ((unsigned) m - 1) / 3 % 4 + 1);
}

void
period_year(date_t day, char period[static PERIOD_BYTES])
{
    int y, m, d;

    date_to_civil(day, &y, &m, &d);
    (void) snprintf(period, PERIOD_BYTES, "%04u", (unsigned) y % 10000);
}

bool
kind_has_periods(enum kind kind)
{
    return kind == KIND_PAYOUTS || kind == KIND_FUND_STATEMENT || kind == KIND_COMPLAINT_FIGURES;
}

bool
kind_is_taken_down(enum kind kind)
{
    return kind == KIND_PAYOUTS || kind == KIND_CONTRIBUTIONS;
}

bool
kind_has_villages(enum kind kind)
{
    return kind == KIND_PAYOUTS || kind == KIND_CONTRIBUTIONS;
}

const char *
kind_chinese(enum kind kind)
{
    static const char *const names[KIND_COUNT] = {
        "",         "病种补助标准",       "缴费明细",     "补助发放明细", "资金收支情况",
        "年度报告", "终止退款与结余处置", "投诉办理情况",
    };

    return kind > 0 && kind < KIND_COUNT ? names[kind] : "";
}

/* --- texts --- */

err_t
rule_text(const char *text, int least, int most, const char *path, struct err *err)
{
    int chars = 0;

    for (const unsigned char *at = (const unsigned char *) text; *at; at++) {
        if (*at < 0x20 && *at != '\n' && *at != '\r' && *at != '\t')
            return err_at(err, ERR_INVALID, path, TEXT_FORM, "a control character");
        chars += (*at & 0xC0) != 0x80;
    }
    if (chars < least || chars > most)
        return err_at(err, ERR_INVALID, path, TEXT_FORM, "%d characters: %d to %d are right", chars,
                      least, most);
    return ERR_OK;
}

err_t
rule_by_another(struct id prepared_by, struct id account, const char *reason, struct err *err)
{
    if (!id_is_nil(prepared_by) && id_cmp(prepared_by, account) == 0)
        return err_set(err, ERR_FORBIDDEN, reason, "the same person prepared it");
    return ERR_OK;
}

void
rate_text(int64_t part, int64_t whole, char text[static RATE_BYTES])
{
    if (whole <= 0) {
        (void) snprintf(text, RATE_BYTES, "—");
        return;
    }
    const int64_t parts = (int64_t) ((__int128) part * 10000 / whole);
    (void) snprintf(text, RATE_BYTES, "%lld.%02lld%%", (long long) (parts / 100),
                    (long long) (parts < 0 ? -parts % 100 : parts % 100));
}

date_t
report_due_on(date_t year_end)
{
    const date_t next = { year_end.days + 1 };
    date_t due;
    int y, m, d;

    date_to_civil(next, &y, &m, &d);
    due = m == 12 ? date_from_civil(y + 1, 1, 1) : date_from_civil(y, m + 1, 1);
    due.days += d - 2; /* of a year that ends on 31 December: 31 January */
    return calendar_is_workday(due, NULL) ? due : calendar_add_workdays(due, 1, NULL);
}

/* --- complaints --- */

bool
complaint_is_barred(const struct complaint_bars *bars, struct id account)
{
    const struct id all[] = { bars->about, bars->coder, bars->reviewer };

    for (size_t i = 0; i < COUNT(all); i++)
        if (!id_is_nil(all[i]) && id_cmp(all[i], account) == 0)
            return true;
    return false;
}

bool
complaint_owner_choose(const struct complaint_bars *bars, struct id responsible,
                       const struct id *staff, size_t count, struct id *owner)
{
    if (!id_is_nil(responsible) && !complaint_is_barred(bars, responsible)) {
        *owner = responsible;
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        if (!complaint_is_barred(bars, staff[i])) {
            *owner = staff[i];
            return true;
        }
    }
    return false;
}

void
complaint_set_days(struct complaint *complaint, const struct complaint_days *days)
{
    bool accept_provisional, reply_provisional;
    const int reply = complaint->severity == 2 ? days->urgent : days->reply;

    complaint->accept_by =
        calendar_add_workdays(complaint->received_on, days->accept, &accept_provisional);
    complaint->reply_by = calendar_add_workdays(complaint->received_on, reply, &reply_provisional);
    complaint->provisional = accept_provisional || reply_provisional;
}

bool
complaint_is_overdue(const struct complaint *complaint, date_t today)
{
    if (complaint->state == COMPLAINT_FILED && complaint->accept_by.days < today.days)
        return true;
    return (complaint->state == COMPLAINT_FILED || complaint->state == COMPLAINT_ACCEPTED) &&
           complaint->reply_by.days < today.days;
}
