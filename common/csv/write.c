/* write.c - fields into one growing text; the first failure sticks. */
#include <csv.h>
#include <stdlib.h>
#include <string.h>

#include "check/utf8.h"
#include "csv/csv.h"

struct csv_writer {
    size_t size, capacity, max;
    bool failed;
    bool in_row; /* a field stands before the next one */
    char *bytes;
};

/* The place for `size` more bytes, or NULL. */
static char *
room_for(struct csv_writer *writer, size_t size)
{
    if (writer->failed || size > writer->max - writer->size) {
        writer->failed = true;
        return NULL;
    }
    if (writer->size + size > writer->capacity) {
        size_t capacity = writer->capacity ? writer->capacity : 4096;
        while (capacity < writer->size + size)
            capacity *= 2;
        char *grown = realloc(writer->bytes, capacity);
        if (!grown) {
            writer->failed = true;
            return NULL;
        }
        writer->bytes = grown;
        writer->capacity = capacity;
    }
    return writer->bytes + writer->size;
}

static void
put(struct csv_writer *writer, const char *bytes, size_t size)
{
    char *to = room_for(writer, size);

    if (to && size > 0) {
        memcpy(to, bytes, size);
        writer->size += size;
    }
}

struct csv_writer *
csv_writer_create(size_t bytes_max, bool bom)
{
    struct csv_writer *writer = calloc(1, sizeof *writer);

    if (!writer)
        return NULL;
    writer->max = bytes_max;
    if (bom)
        put(writer, "\xef\xbb\xbf", 3);
    return writer;
}

void
csv_writer_destroy(struct csv_writer *writer)
{
    if (!writer)
        return;
    free(writer->bytes);
    free(writer);
}

/* What spreadsheet programs take for the beginning of a formula; some drop blanks before it, and
 * Chinese ones read the full-width forms too. */
static bool
is_formula(const char *text)
{
    const char *end = text + strlen(text);
    uint32_t code = ' ';

    if (*text == '\t' || *text == '\r' || *text == '\n')
        return true;
    while (text < end && utf8_is_blank(code))
        if (!utf8_next(&text, end, &code))
            return false;
    if (code >= 0xff01 && code <= 0xff5e)
        code -= 0xff01 - '!';
    return code == '=' || code == '+' || code == '-' || code == '@';
}

static bool
needs_quotes(const char *text, size_t size)
{
    if (size == 0)
        return false;
    return strpbrk(text, ",\"\r\n") != NULL || strchr(" \t", text[0]) != NULL ||
           strchr(" \t", text[size - 1]) != NULL;
}

static void
put_quoted(struct csv_writer *writer, const char *text, size_t size)
{
    const size_t needed = csv_write(NULL, 0, text, size);
    char *to = room_for(writer, needed);

    if (to)
        writer->size += csv_write(to, needed, text, size);
}

static void
next_field(struct csv_writer *writer)
{
    if (writer->in_row)
        put(writer, ",", 1);
    writer->in_row = true;
}

void
csv_write_field(struct csv_writer *writer, const char *text)
{
    const size_t size = strlen(text);

    next_field(writer);
    if (!is_formula(text)) {
        if (needs_quotes(text, size))
            put_quoted(writer, text, size);
        else
            put(writer, text, size);
        return;
    }
    char *guarded = malloc(size + 2);
    if (!guarded) {
        writer->failed = true;
        return;
    }
    guarded[0] = '\'';
    memcpy(guarded + 1, text, size + 1);
    if (needs_quotes(guarded, size + 1))
        put_quoted(writer, guarded, size + 1);
    else
        put(writer, guarded, size + 1);
    free(guarded);
}

static bool
is_number(const char *text)
{
    static const char digits[] = "0123456789";
    const char *at = text + (*text == '-');
    const size_t whole = strspn(at, digits);

    if (whole == 0)
        return false;
    at += whole;
    if (*at == '\0')
        return true;
    const size_t decimals = *at == '.' ? strspn(at + 1, digits) : 0;
    return decimals > 0 && at[1 + decimals] == '\0';
}

void
csv_write_number(struct csv_writer *writer, const char *number)
{
    if (!is_number(number)) {
        csv_write_field(writer, number);
        return;
    }
    next_field(writer);
    put(writer, number, strlen(number));
}

void
csv_write_row_end(struct csv_writer *writer)
{
    put(writer, "\r\n", 2);
    writer->in_row = false;
}

const char *
csv_writer_text(const struct csv_writer *writer, size_t *size)
{
    *size = writer->failed ? 0 : writer->size;
    if (writer->failed)
        return NULL;
    return writer->bytes ? writer->bytes : "";
}
