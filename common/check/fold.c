/* fold.c - one code point after another. */
#include "check/fold.h"

#include <string.h>

#include "check/utf8.h"

/* The capital ASCII form; U+FF01 to U+FF5E are the full-width forms of '!' to '~'. */
static char
to_ascii(uint32_t code)
{
    if (code >= 0xff01 && code <= 0xff5e)
        code -= 0xff01u - '!';
    if (code >= 'a' && code <= 'z')
        code -= 'a' - 'A';
    if (code >= 0x80)
        return '?';
    return (char) code;
}

static void
put(struct folded *out, char c)
{
    if (out->count < FOLDED_MAX)
        out->text[out->count] = c;
    out->count++;
}

struct folded
check_fold(const char *text, const char *dropped)
{
    const char *end = text + strlen(text);
    struct folded out = { .count = 0 };
    size_t blanks = 0; /* inner ones, if more follows */

    while (text < end) {
        uint32_t code;
        if (!utf8_next(&text, end, &code)) {
            code = 0xfffd;
            text++;
        }
        const bool blank = utf8_is_blank(code);
        const char c = to_ascii(blank ? ' ' : code);
        if (strchr(dropped, c))
            continue;
        if (blank) {
            blanks += out.count > 0;
            continue;
        }
        for (; blanks; blanks--)
            put(&out, ' ');
        put(&out, c);
    }
    return out;
}
