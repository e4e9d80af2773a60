/* text.c - characters and controls, from the bytes of UTF-8. */
#include "check/text.h"

size_t
text_characters(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += ((unsigned char) *text & 0xc0) != 0x80; /* a byte that begins a character */
    return n;
}

bool
text_has_control(const char *text)
{
    for (const unsigned char *at = (const unsigned char *) text; *at; at++)
        if (*at < 0x20 || *at == 0x7f || (at[0] == 0xc2 && at[1] < 0xa0))
            return true;
    return false;
}
