/* utf8.c - the strict decoder, and what counts as a blank. */
#include "check/utf8.h"

/* How many bytes follow the first one, and the lowest code point that needs so many. */
static bool
head(unsigned char first, int *more, uint32_t *code, uint32_t *lowest)
{
    if (first < 0x80) {
        *more = 0;
        *code = first;
        *lowest = 0;
    } else if (first >= 0xc2 && first < 0xe0) {
        *more = 1;
        *code = first & 0x1fu;
        *lowest = 0x80;
    } else if (first >= 0xe0 && first < 0xf0) {
        *more = 2;
        *code = first & 0x0fu;
        *lowest = 0x800;
    } else if (first >= 0xf0 && first < 0xf5) {
        *more = 3;
        *code = first & 0x07u;
        *lowest = 0x10000;
    } else {
        return false;
    }
    return true;
}

bool
utf8_next(const char **at, const char *end, uint32_t *code)
{
    const unsigned char *byte = (const unsigned char *) *at;
    uint32_t value, lowest;
    int more;

    assert(*at < end);
    if (!head(byte[0], &more, &value, &lowest) || end - *at <= more)
        return false;
    for (int i = 1; i <= more; i++) {
        if ((byte[i] & 0xc0) != 0x80)
            return false;
        value = value << 6 | (byte[i] & 0x3fu);
    }
    if (value < lowest || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return false;
    *at += more + 1;
    *code = value;
    return true;
}

bool
utf8_is_blank(uint32_t code)
{
    return code <= 0x20 || (code >= 0x7f && code <= 0xa0) || (code >= 0x2000 && code <= 0x200f) ||
           (code >= 0x2028 && code <= 0x202f) || (code >= 0x205f && code <= 0x206f) ||
           code == 0x3000 || code == 0xfeff;
}
