/* utf8.h - is this text?  Well-formed UTF-8 without NUL bytes. */
#ifndef HUZHU_DRG_UTF8_H
#define HUZHU_DRG_UTF8_H

#include <string.h>

#include "base/base.h"

/* The bytes of the well-formed character at p, 0 when there is none (or a NUL). */
static inline size_t
utf8_char(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80)
        return p[0] != 0;
    const size_t size = p[0] >= 0xc2 && p[0] < 0xe0   ? 2
                        : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
                        : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
                                                      : 0;
    if (size == 0 || size > left)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    const bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    const bool outside = (p[0] == 0xed && p[1] >= 0xa0) || (p[0] == 0xf4 && p[1] >= 0x90);
    return overlong || outside ? 0 : size;
}

/* On false *bad_at is the offset of the first byte that is no text. */
static inline bool
utf8_is_text(const char *text, size_t size, size_t *bad_at)
{
    for (size_t i = 0; i < size;) {
        const size_t step = utf8_char((const unsigned char *) text + i, size - i);
        if (step == 0) {
            *bad_at = i;
            return false;
        }
        i += step;
    }
    return true;
}

#endif
