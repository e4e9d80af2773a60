/* table.c - reading tab-separated tables. */
#include "table.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "design.h"

static err_t
file_fault(const char *file, size_t line, const char *column, struct err *err, const char *reason,
           const char *says)
{
    char path[96];

    if (line)
        (void) snprintf(path, sizeof path, "%s:%zu:%s", file, line, column);
    else
        (void) snprintf(path, sizeof path, "%s", file);
    return err_at(err, ERR_INVALID, path, reason, "%s", says);
}

err_t
table_fault(const struct table *t, size_t row, size_t column, struct err *err, const char *reason,
            const char *fmt, ...)
{
    char text[192];
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return file_fault(t->file, t->lines[row], t->columns[column].name, err, reason, text);
}

bool
number_parse(const char *text, double *out)
{
    char *end;

    if (!text[0] || strspn(text, "0123456789+-.eE") != strlen(text))
        return false;
    *out = strtod(text, &end);
    return *end == '\0' && isfinite(*out);
}

err_t
table_number(const struct table *t, size_t row, size_t column, struct range range, double *out,
             struct err *err)
{
    const char *text = table_cell(t, row, column);

    if (!number_parse(text, out))
        return table_fault(t, row, column, err, text[0] ? DESIGN_NUMBER : DESIGN_EMPTY,
                           "\"%.40s\" is not a number", text);
    if (*out < 0 && range.low >= 0)
        return table_fault(t, row, column, err, DESIGN_NEGATIVE, "%.40s is negative", text);
    if (*out < range.low || *out > range.high)
        return table_fault(t, row, column, err, DESIGN_NUMBER, "%.40s is not within %g to %g", text,
                           range.low, range.high);
    return ERR_OK;
}

err_t
table_money(const struct table *t, size_t row, size_t column, money_t *out, struct err *err)
{
    const char *text = table_cell(t, row, column);

    if (!money_parse(text, out))
        return table_fault(t, row, column, err, text[0] ? DESIGN_NUMBER : DESIGN_EMPTY,
                           "\"%.40s\" is not an amount in yuan with at most two decimals", text);
    if (out->fen < 0)
        return table_fault(t, row, column, err, DESIGN_NEGATIVE, "%.40s is negative", text);
    return ERR_OK;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

static err_t
slurp(struct arena *arena, const char *path, bool optional, char **text, struct err *err)
{
    FILE *file = fopen(path, "rb");
    long size = -1;

    *text = NULL;
    if (!file)
        return optional ? ERR_OK : file_fault(path, 0, "", err, DESIGN_FILE, "cannot be opened");
    if (fseek(file, 0, SEEK_END) == 0)
        size = ftell(file);
    if (size < 0 || (size_t) size > TABLE_BYTES_MAX || fseek(file, 0, SEEK_SET) != 0) {
        (void) fclose(file);
        return file_fault(path, 0, "", err, DESIGN_FILE, "is no file of at most 256 MiB");
    }
    char *bytes = arena_alloc(arena, (size_t) size + 1);
    const size_t got = bytes ? fread(bytes, 1, (size_t) size, file) : 0;
    (void) fclose(file);
    if (!bytes)
        return err_set(err, ERR_LIMITED, DESIGN_MEMORY, "out of memory");
    if (got != (size_t) size || memchr(bytes, '\0', got))
        return file_fault(path, 0, "", err, DESIGN_FILE, "cannot be read as text");
    *text = bytes;
    return ERR_OK;
}

/* A text that was sent, copied because reading cuts it up. */
static err_t
pick(struct arena *arena, const struct source *source, const struct schema *schema, char **text,
     struct err *err)
{
    for (size_t i = 0; i < source->text_count; i++) {
        if (strcmp(source->texts[i].name, schema->file) != 0)
            continue;
        *text = arena_strdup(arena, source->texts[i].text);
        return *text ? ERR_OK : err_set(err, ERR_LIMITED, DESIGN_MEMORY, "out of memory");
    }
    *text = NULL;
    return schema->flags & TABLE_OPTIONAL
               ? ERR_OK
               : file_fault(schema->file, 0, "", err, DESIGN_FILE, "was not sent");
}

/* Length of the UTF-8 sequence at s, 0 when it is none (overlong, surrogate, beyond U+10FFFF). */
static size_t
sequence(const unsigned char *s)
{
    const size_t n = s[0] < 0x80   ? 1
                     : s[0] < 0xc2 ? 0
                     : s[0] < 0xe0 ? 2
                     : s[0] < 0xf0 ? 3
                     : s[0] < 0xf5 ? 4
                                   : 0;

    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

static bool
is_text(const char *line)
{
    const unsigned char *s = (const unsigned char *) line;

    while (*s) {
        const size_t n = sequence(s);
        if (n == 0 || (*s < 0x20 && *s != '\t') || *s == 0x7f)
            return false;
        s += n;
    }
    return true;
}

/* Splits at tabs in place; returns the number of cells, TABLE_COLUMNS_MAX + 1 when more. */
static size_t
split(char *line, char *cells[TABLE_COLUMNS_MAX])
{
    size_t count = 0;

    for (char *at = line; at; count++) {
        char *tab = strchr(at, '\t');
        if (count == TABLE_COLUMNS_MAX)
            return count + 1;
        cells[count] = at;
        if (tab)
            *tab++ = '\0';
        at = tab;
    }
    return count;
}

struct header {
    size_t count, place[TABLE_COLUMNS_MAX]; /* of a file column in the schema; or NOWHERE */
};
#define NOWHERE ((size_t) -1)

static err_t
read_header(const struct table *t, char *line, size_t number, int flags, struct header *h,
            struct err *err)
{
    char *cells[TABLE_COLUMNS_MAX];
    bool seen[TABLE_COLUMNS_MAX] = { false };

    h->count = split(line, cells);
    if (h->count > TABLE_COLUMNS_MAX)
        return file_fault(t->file, number, "", err, DESIGN_COLUMN, "more than 16 columns");
    for (size_t i = 0; i < h->count; i++) {
        h->place[i] = NOWHERE;
        for (size_t c = 0; c < t->column_count; c++)
            if (strcmp(cells[i], t->columns[c].name) == 0)
                h->place[i] = c;
        if (h->place[i] == NOWHERE) {
            if (!(flags & TABLE_EXTRA_COLUMNS))
                return file_fault(t->file, number, cells[i], err, DESIGN_COLUMN, "unknown column");
            continue;
        }
        if (seen[h->place[i]])
            return file_fault(t->file, number, cells[i], err, DESIGN_COLUMN, "column given twice");
        seen[h->place[i]] = true;
    }
    for (size_t c = 0; c < t->column_count; c++)
        if (t->columns[c].required && !seen[c])
            return file_fault(t->file, number, t->columns[c].name, err, DESIGN_COLUMN,
                              "this column is missing");
    return ERR_OK;
}

static err_t
read_row(struct table *t, const struct header *h, char *line, size_t number, struct err *err)
{
    char *cells[TABLE_COLUMNS_MAX];
    const size_t count = split(line, cells), row = t->row_count;
    const char **into = t->cells + row * t->column_count;

    if (count != h->count) {
        char says[64];
        (void) snprintf(says, sizeof says, "%zu cells, the header has %zu", count, h->count);
        return file_fault(t->file, number, "", err, DESIGN_CELLS, says);
    }
    for (size_t c = 0; c < t->column_count; c++)
        into[c] = "";
    for (size_t i = 0; i < count; i++)
        if (h->place[i] != NOWHERE)
            into[h->place[i]] = cells[i];
    ((size_t *) t->lines)[row] = number;
    t->row_count++;
    for (size_t c = 0; c < t->column_count; c++)
        if (t->columns[c].required && !into[c][0])
            return table_fault(t, row, c, err, DESIGN_EMPTY, "this cell may not be empty");
    return ERR_OK;
}

static err_t
read_lines(struct table *t, char *text, int flags, struct err *err)
{
    struct header header = { 0 };
    bool headed = false;
    size_t number = 0;

    if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3;
    for (char *line = text; line && *line;) {
        char *next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        number++;
        const size_t length = strlen(line);
        if (length && line[length - 1] == '\r')
            line[length - 1] = '\0';
        if (!is_text(line))
            return file_fault(t->file, number, "", err, DESIGN_ENCODING,
                              "not UTF-8, or a control character");
        if (line[0] && line[0] != '#') {
            if (headed)
                TRY(read_row(t, &header, line, number, err));
            else
                TRY(read_header(t, line, number, flags, &header, err));
            headed = true;
        }
        line = next;
    }
    if (!headed || (t->row_count == 0 && !(flags & TABLE_MAY_BE_EMPTY)))
        return file_fault(t->file, 0, "", err, DESIGN_EMPTY, "no rows");
    return ERR_OK;
}

err_t
table_read(struct arena *arena, const struct source *source, const struct schema *schema,
           struct table *out, struct err *err)
{
    const char *file = schema->file, *slash = strrchr(file, '/');
    const char *path = source->dir ? arena_printf(arena, "%s/%s", source->dir, file) : file;
    struct table t = { .file = slash ? slash + 1 : file,
                       .columns = schema->columns,
                       .column_count = schema->column_count };
    size_t lines = 1;
    char *text;

    if (!path)
        return err_set(err, ERR_LIMITED, DESIGN_MEMORY, "out of memory");
    TRY(source->texts ? pick(arena, source, schema, &text, err)
                      : slurp(arena, path, schema->flags & TABLE_OPTIONAL, &text, err));
    if (text) {
        for (const char *at = text; (at = strchr(at, '\n')); at++)
            lines++;
        t.cells = arena_alloc(arena, lines * t.column_count * sizeof *t.cells);
        t.lines = arena_alloc(arena, lines * sizeof *t.lines);
        if (!t.cells || !t.lines)
            return err_set(err, ERR_LIMITED, DESIGN_MEMORY, "out of memory");
        TRY(read_lines(&t, text, schema->flags, err));
    }
    *out = t;
    return ERR_OK;
}
