/* rules_bankfile.c - the file that goes to the bank, as its layout says, in UTF-8.  Pure. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "rules.h"

struct writer {
    const struct layout *layout;
    const struct file_head *head;
    struct file_out *out;
    bool full, unsound; /* no room; a value that the file cannot hold */
};

static void
put(struct writer *w, const char *bytes, size_t size)
{
    if (w->out->room - w->out->size < size) {
        w->full = true;
        return;
    }
    memcpy(w->out->at + w->out->size, bytes, size);
    w->out->size += size;
}

/* Only commas come with quoting; where a bank takes bars or tabs it takes no quotes, so a value
 * with one is refused rather than changed.  So is one that a spreadsheet would run as a formula. */
static void
put_value(struct writer *w, const char *value)
{
    const char delimiter[2] = { w->layout->delimiter, '\0' };
    bool quote = false;

    if (value[0] != '\0' && strchr("=+-@\t\r", value[0]))
        w->unsound = true;
    for (const char *at = value; *at; at++)
        if ((unsigned char) *at < 0x20 || *at == 0x7f)
            w->unsound = true;
    if (strpbrk(value, delimiter) || strchr(value, '"')) {
        quote = true;
        w->unsound = w->unsound || w->layout->delimiter != ',';
    }
    if (!quote) {
        put(w, value, strlen(value));
        return;
    }
    put(w, "\"", 1);
    for (const char *at = value; *at; at++)
        put(w, *at == '"' ? "\"\"" : at, *at == '"' ? 2 : 1);
    put(w, "\"", 1);
}

static const char *
amount_text(const struct layout *layout, money_t amount, char text[static MONEY_TEXT_BYTES])
{
    if (layout->fen)
        (void) snprintf(text, MONEY_TEXT_BYTES, "%" PRId64, amount.fen);
    else
        money_format(amount, text);
    return text;
}

/* Of a detail row, or (row NULL) of the line of totals. */
static void
put_field(struct writer *w, const struct column *column, const struct file_row *row)
{
    char text[64] = "";
    int year, month, day;

    switch (column->field) {
    case FIELD_SEQUENCE:
        (void) snprintf(text, sizeof text, "%d", row ? row->sequence : 0);
        break;
    case FIELD_LINES:
        (void) snprintf(text, sizeof text, "%d", w->head->lines);
        break;
    case FIELD_DATE:
        date_to_civil(w->head->on, &year, &month, &day);
        (void) snprintf(text, sizeof text, "%04d%02d%02d", year, month, day);
        break;
    case FIELD_AMOUNT:
        (void) amount_text(w->layout, row ? row->amount : w->head->total, text);
        break;
    case FIELD_REFERENCE:
        put_value(w, row ? row->reference : "");
        return;
    case FIELD_PAYEE:
        put_value(w, row ? row->payee.holder : "");
        return;
    case FIELD_CARD:
        put_value(w, row ? row->payee.card : "");
        return;
    case FIELD_BANK:
        put_value(w, row ? row->payee.bank : "");
        return;
    case FIELD_CLAIM:
        put_value(w, row ? row->claim : "");
        return;
    case FIELD_REMARK:
        put_value(w, w->layout->remark);
        return;
    case FIELD_BATCH:
        put_value(w, w->head->number);
        return;
    case FIELD_ACCOUNT:
        put_value(w, w->head->account);
        return;
    case FIELD_TEXT:
        put_value(w, column->title);
        return;
    default: /* FIELD_EMPTY; those of results do not get here */
        return;
    }
    put(w, text, strlen(text));
}

static void
put_end(struct writer *w)
{
    put(w, w->layout->crlf ? "\r\n" : "\n", w->layout->crlf ? 2 : 1);
}

static void
put_row(struct writer *w, const struct columns *columns, const struct file_row *row)
{
    for (size_t i = 0; i < columns->count; i++) {
        if (i > 0)
            put(w, &w->layout->delimiter, 1);
        put_field(w, &columns->column[i], row);
    }
    put_end(w);
}

static void
put_titles(struct writer *w)
{
    const struct columns *columns = &w->layout->columns;

    for (size_t i = 0; i < columns->count; i++) {
        if (i > 0)
            put(w, &w->layout->delimiter, 1);
        put_value(w, columns->column[i].title ? columns->column[i].title : "");
    }
    put_end(w);
}

static bool
card_is_sound(const char *card)
{
    const size_t size = strlen(card);

    return size >= 8 && size <= 32 && strspn(card, "0123456789") == size;
}

err_t
bankfile_write(const struct layout *layout, const struct file_head *head,
               const struct file_row *rows, struct file_out *out, struct err *err)
{
    struct writer w = { .layout = layout, .head = head, .out = out };

    out->size = 0;
    if (layout->total == TOTAL_FIRST)
        put_row(&w, &layout->total_columns, NULL);
    if (layout->titles)
        put_titles(&w);
    if (w.unsound)
        return err_set(err, ERR_REFUSED, LAYOUT_MALFORMED, "the head cannot be written so");
    for (int32_t i = 0; i < head->lines; i++) {
        put_row(&w, &layout->columns, &rows[i]);
        if (w.unsound || !card_is_sound(rows[i].payee.card) || rows[i].payee.holder[0] == '\0')
            return err_set(err, ERR_REFUSED, BATCH_PAYEE,
                           "row %d: the payee or the card cannot be written into a bank file",
                           i + 1);
    }
    if (layout->total == TOTAL_LAST)
        put_row(&w, &layout->total_columns, NULL);
    if (w.full || w.unsound)
        return err_set(err, ERR_LIMITED, BATCH_TOO_LONG, "the file is too large");
    return ERR_OK;
}

void
bankfile_reference(const char *number, int32_t sequence, char text[static 32])
{
    (void) snprintf(text, 32, "%s%05d", number, sequence);
}
