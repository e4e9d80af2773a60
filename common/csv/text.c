/* text.c - UTF-8 if it can be, GB18030 otherwise. */
#include "csv/text.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#include "check/utf8.h"

static const char bom[] = "\xef\xbb\xbf";

static bool
has_bom(const char *bytes, size_t size)
{
    return size >= 3 && memcmp(bytes, bom, 3) == 0;
}

/* The line that holds `at`, from 1. */
static size_t
line_of(const char *bytes, const char *at)
{
    size_t line = 1;

    for (const char *p = bytes; p < at; p++)
        line += *p == '\n' || (*p == '\r' && (p + 1 == at || p[1] != '\n'));
    return line;
}

/* The first byte that is not UTF-8, or the end. */
static const char *
utf8_until(const char *at, const char *end)
{
    uint32_t code;

    while (at < end && utf8_next(&at, end, &code))
        continue;
    return at;
}

/* The bytes that stopped the converter are in *wrong. */
static enum csv_fault
convert(const char *bytes, size_t size, struct csv_text *text, const char **wrong)
{
    /* Two bytes become three at most, four become four. */
    size_t room = size * 2;
    iconv_t converter = iconv_open("UTF-8", "GB18030");
    char *from = (char *) bytes; /* iconv does not write through it */

    if ((intptr_t) converter == -1)
        return CSV_FAULT_MACHINE;
    text->converted = malloc(room);
    char *to = text->converted;
    const bool done = to && iconv(converter, &from, &size, &to, &room) != (size_t) -1;
    (void) iconv_close(converter);
    if (!text->converted)
        return CSV_FAULT_MACHINE;
    *wrong = from;
    text->bytes = text->converted;
    text->size = (size_t) (to - text->converted);
    return done ? CSV_OK : CSV_FAULT_ENCODING;
}

enum csv_fault
csv_text_decode(const char *bytes, size_t size, struct csv_text *text, struct csv_result *result)
{
    enum csv_fault fault = CSV_OK;
    const char *nul = size ? memchr(bytes, '\0', size) : NULL;

    *text = (struct csv_text){ bytes, size, NULL };
    if (nul) {
        result->row = line_of(bytes, nul);
        return CSV_FAULT_NUL;
    }
    const char *wrong = size ? utf8_until(bytes, bytes + size) : bytes;
    if (size > 0 && wrong < bytes + size) {
        /* A mark promises UTF-8, so that a damaged file is not read as another encoding. */
        if (has_bom(bytes, size))
            fault = CSV_FAULT_ENCODING;
        else
            fault = convert(bytes, size, text, &wrong);
        result->gb18030 = fault == CSV_OK;
    }
    if (fault == CSV_FAULT_ENCODING)
        result->row = line_of(bytes, wrong);
    if (fault == CSV_OK && has_bom(text->bytes, text->size)) {
        text->bytes += 3;
        text->size -= 3;
    }
    return fault;
}
