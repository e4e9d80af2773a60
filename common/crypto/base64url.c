/* base64url.c - RFC 4648 section 5 without padding; decoding takes the one canonical form alone, so
 * that two texts never mean the same token. */
#include <string.h>

#include "crypto/crypto.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

size_t
base64url_encode(const void *data, size_t size, char *out)
{
    const uint8_t *in = data;
    size_t n = 0;

    for (size_t i = 0; i < size; i += 3) {
        const size_t left = size - i;
        const uint32_t group = (uint32_t) in[i] << 16 | (left > 1 ? (uint32_t) in[i + 1] << 8 : 0) |
                               (left > 2 ? in[i + 2] : 0);
        out[n++] = alphabet[group >> 18];
        out[n++] = alphabet[group >> 12 & 63];
        if (left > 1)
            out[n++] = alphabet[group >> 6 & 63];
        if (left > 2)
            out[n++] = alphabet[group & 63];
    }
    out[n] = '\0';
    return n;
}

static int
value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '-')
        return 62;
    return c == '_' ? 63 : -1;
}

bool
base64url_decode(const char *text, uint8_t *out, size_t room, size_t *size)
{
    const size_t length = strlen(text);
    const size_t made = length / 4 * 3 + (length % 4 ? length % 4 - 1 : 0);
    uint32_t bits = 0;
    unsigned held = 0;
    size_t n = 0;

    if (length % 4 == 1 || made > room)
        return false;
    for (size_t i = 0; i < length; i++) {
        const int value = value_of(text[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t) value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[n++] = (uint8_t) (bits >> held);
        }
    }
    if ((bits & ((UINT32_C(1) << held) - 1)) != 0) /* bits that no encoder sets */
        return false;
    *size = n;
    return true;
}
