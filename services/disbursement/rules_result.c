/* rules_result.c - the bank's answer: read, matched with what was sent, weighed.  Pure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"

/* --- reading: not by common/csv, whose files have commas, a header that names every column, and a
 * person who mends the first fault; a bank's has the layout's delimiter and order --- */

struct reader {
    const struct layout *layout;
    char *at;
    int row;
    char *value[LAYOUT_COLUMNS_MAX];
    size_t count;
    struct err *err;
};

static err_t
fault(struct reader *r, const char *reason, const char *what)
{
    char path[32];

    (void) snprintf(path, sizeof path, "$.data[%d]", r->row);
    return err_at(r->err, ERR_INVALID, path, reason, "row %d: %s", r->row, what);
}

/* A quoted value, unquoted in place; *at behind its closing quote. */
static bool
unquote(char **at)
{
    char *to = *at, *from = *at + 1;

    for (; *from; from++) {
        if (*from == '"' && from[1] != '"')
            break;
        if (*from == '"')
            from++;
        *to++ = *from;
    }
    if (*from != '"')
        return false;
    *at = from + 1;
    *to = '\0';
    return true;
}

/* Cuts the next row into values; false at the end of the file. */
static err_t
next_row(struct reader *r, bool *end)
{
    *end = *r->at == '\0';
    if (*end)
        return ERR_OK;
    r->row++;
    r->count = 0;
    for (;;) {
        if (r->count == LAYOUT_COLUMNS_MAX)
            return fault(r, RESULT_COLUMNS, "too many columns");
        char *value = r->at;
        r->value[r->count++] = value;
        if (*value == '"') {
            if (!unquote(&r->at))
                return fault(r, RESULT_VALUE, "a quote is not closed");
        } else {
            while (*r->at && *r->at != r->layout->delimiter && *r->at != '\n' && *r->at != '\r')
                r->at++;
        }
        const char stop = *r->at;
        if (stop == '\0')
            return ERR_OK;
        *r->at++ = '\0';
        if (stop == r->layout->delimiter)
            continue;
        if (stop == '\r' && *r->at == '\n')
            r->at++;
        else if (stop != '\n')
            return fault(r, RESULT_VALUE, "something follows a quote or a line's end");
        return ERR_OK;
    }
}

/* "word|word" holds the value, whole. */
static bool
holds(const char *words, const char *value)
{
    const size_t size = strlen(value);

    for (const char *at = words; size > 0 && *at;) {
        const size_t word = strcspn(at, "|");
        if (word == size && memcmp(at, value, size) == 0)
            return true;
        at += word + (at[word] == '|');
    }
    return false;
}

static const char *
failure_of(const struct layout *layout, const char *said)
{
    static const struct {
        const char *wire, *banks;
    } codes[] = {
#define RESULT_CODE(wire, banks, english, chinese) { wire, banks },
#include "result_codes.def"
#undef RESULT_CODE
    };

    for (size_t i = 0; i < layout->reason_count; i++)
        if (strcmp(layout->reasons[i].code, said) == 0)
            return layout->reasons[i].wire;
    for (size_t i = 0; i < COUNT(codes); i++)
        if (holds(codes[i].banks, said))
            return codes[i].wire;
    return "other";
}

static bool
number_of(const char *value, int64_t most, int64_t *out)
{
    char *end;

    if (value[0] < '0' || value[0] > '9' || strlen(value) > 15)
        return false;
    const long long n = strtoll(value, &end, 10);
    *out = n;
    return *end == '\0' && n >= 0 && n <= most;
}

/* 20240906 or 2024-09-06 */
static bool
day_of(const char *value, date_t *day)
{
    char text[DATE_TEXT_BYTES];

    if (strlen(value) == 8 && strspn(value, "0123456789") == 8) {
        (void) snprintf(text, sizeof text, "%.4s-%.2s-%.2s", value, value + 4, value + 6);
        return date_parse(text, day);
    }
    return date_parse(value, day);
}

static bool
status_of(const struct layout *layout, const char *value, enum outcome *outcome)
{
    if (holds(layout->ok, value))
        *outcome = OUTCOME_PAID;
    else if (holds(layout->failed, value))
        *outcome = OUTCOME_FAILED;
    else if (holds(layout->unknown, value))
        *outcome = OUTCOME_UNKNOWN;
    else
        return false;
    return true;
}

static err_t
value_read(struct reader *r, enum file_field field, const char *value, struct answer *answer)
{
    int64_t n = 0;

    switch (field) {
    case FIELD_SEQUENCE:
        if (!number_of(value, BATCH_LINES_MAX, &n) || n < 1)
            return fault(r, RESULT_VALUE, "the sequence is not a number");
        answer->sequence = (int32_t) n;
        return ERR_OK;
    case FIELD_REFERENCE:
        answer->reference = value;
        return ERR_OK;
    case FIELD_AMOUNT:
        if (r->layout->fen ? !number_of(value, MONEY_FEN_MAX, &n)
                           : !money_parse(value, &answer->amount))
            return fault(r, RESULT_VALUE, "the amount cannot be read");
        if (r->layout->fen)
            answer->amount.fen = n;
        return ERR_OK;
    case FIELD_STATUS:
        if (!status_of(r->layout, value, &answer->outcome))
            return fault(r, RESULT_STATUS, "the layout does not know the status");
        return ERR_OK;
    case FIELD_RECEIPT:
        answer->receipt = value;
        return ERR_OK;
    case FIELD_REASON:
        answer->failure = failure_of(r->layout, value);
        return ERR_OK;
    case FIELD_DATE:
        answer->has_date = value[0] != '\0';
        if (answer->has_date && !day_of(value, &answer->paid_on))
            return fault(r, RESULT_VALUE, "the day is not one");
        return ERR_OK;
    default:
        return ERR_OK;
    }
}

static err_t
row_read(struct reader *r, struct answer *answer)
{
    const struct columns *columns = &r->layout->result_columns;

    if (r->count != columns->count)
        return fault(r, RESULT_COLUMNS, "the number of columns is not the layout's");
    *answer = (struct answer){ .row = r->row, .item = -1, .failure = "other" };
    for (size_t i = 0; i < columns->count; i++)
        TRY(value_read(r, columns->column[i].field, r->value[i], answer));
    if (answer->outcome == OUTCOME_PAID && !receipt_is_sound(answer->receipt))
        return fault(r, RESULT_RECEIPT, "a paid row needs the bank's receipt");
    return ERR_OK;
}

err_t
result_read(const struct layout *layout, char *text, struct answers *answers, struct err *err)
{
    struct reader r = { .layout = layout, .at = text, .err = err };
    int skip = layout->result_titles + (layout->result_total == TOTAL_FIRST);
    bool end = false;

    answers->count = 0;
    for (;;) {
        TRY(next_row(&r, &end));
        if (end)
            break;
        if (skip > 0) {
            skip--;
            continue;
        }
        /* The line of totals behind the rows is the last one. */
        if (layout->result_total == TOTAL_LAST && *r.at == '\0')
            break;
        if (answers->count == answers->room)
            return fault(&r, RESULT_UNKNOWN_LINE, "there are more rows than lines were sent");
        TRY(row_read(&r, &answers->answer[answers->count]));
        answers->count++;
    }
    if (answers->count == 0)
        return err_at(err, ERR_INVALID, "$.data", RESULT_EMPTY, "the file has no row");
    return ERR_OK;
}

/* --- matching --- */

static err_t
refuse(const struct answer *answer, const char *reason, const char *what, struct err *err)
{
    char path[32];

    (void) snprintf(path, sizeof path, "$.data[%d]", answer->row);
    return err_at(err, ERR_REFUSED, path, reason, "row %d: %s", answer->row, what);
}

static int
by_reference(const void *key, const void *item)
{
    return strcmp(key, ((const struct item *) item)->reference);
}

/* Items come in the order of their sequence, so of their references too. */
static const struct item *
item_of(const struct item *items, size_t count, const struct answer *answer)
{
    const struct item *item = NULL;

    if (answer->reference)
        item = bsearch(answer->reference, items, count, sizeof *items, by_reference);
    else if (answer->sequence <= (int32_t) count)
        item = &items[answer->sequence - 1];
    if (item && answer->sequence != 0 && item->sequence != answer->sequence)
        return NULL;
    return item;
}

err_t
result_fits(const struct item *items, size_t count, struct answers *answers, struct days days,
            struct err *err)
{
    uint8_t seen[BATCH_LINES_MAX] = { 0 };

    assert(count <= COUNT(seen));
    for (size_t i = 0; i < answers->count; i++) {
        struct answer *answer = &answers->answer[i];
        const struct item *item = item_of(items, count, answer);
        if (!item)
            return refuse(answer, RESULT_UNKNOWN_LINE, "it answers nothing of this batch", err);
        answer->item = (int32_t) (item - items);
        if (seen[answer->item]++)
            return refuse(answer, RESULT_TWICE, "its line is answered twice", err);
        if (money_cmp(item->amount, answer->amount) != 0)
            return refuse(answer, RESULT_AMOUNT, "the amount is not the one that was sent", err);
        if (!answer->has_date)
            answer->paid_on = days.last;
        if (answer->outcome == OUTCOME_PAID &&
            (answer->paid_on.days < days.first.days || answer->paid_on.days > days.last.days))
            return refuse(answer, RESULT_DATE, "the day is before the sending or after today", err);
        for (size_t k = 0; k < i && answer->outcome == OUTCOME_PAID; k++)
            if (answers->answer[k].outcome == OUTCOME_PAID &&
                strcmp(answers->answer[k].receipt, answer->receipt) == 0)
                return refuse(answer, RESULT_RECEIPT_TWICE, "its receipt is an earlier row's", err);
    }
    for (size_t i = 0; i < count; i++)
        if (!seen[i])
            return err_at(err, ERR_REFUSED, "$.data", RESULT_MISSING, "line %s has no answer",
                          items[i].reference);
    return ERR_OK;
}

/* --- weighing --- */

/* UNKNOWN after a clear answer is an older file: nothing new. */
enum said
result_says(const struct item *item, const struct answer *answer)
{
    const bool decided = item->outcome == OUTCOME_PAID || item->outcome == OUTCOME_FAILED;

    if (!decided)
        return answer->outcome == item->outcome ? SAID_BEFORE : SAID_NEW;
    if (answer->outcome == OUTCOME_UNKNOWN)
        return SAID_BEFORE;
    if (answer->outcome != item->outcome)
        return SAID_CONTRARY;
    if (item->outcome == OUTCOME_PAID && strcmp(item->receipt, answer->receipt) != 0)
        return SAID_CONTRARY;
    return SAID_BEFORE;
}

enum verdict
result_verdict(const struct item *items, const struct answers *answers)
{
    enum verdict verdict = VERDICT_SEEN_BEFORE;

    for (size_t i = 0; i < answers->count; i++) {
        const struct answer *answer = &answers->answer[i];
        const enum said said = result_says(&items[answer->item], answer);
        if (said == SAID_CONTRARY)
            return VERDICT_CONTRADICTED;
        if (said == SAID_NEW)
            verdict = VERDICT_APPLIED;
    }
    return verdict;
}
