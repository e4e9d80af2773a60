/* text.c - see text.h; grows by doubling, up to its limit. */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

bool
text_grow(struct text *text, size_t more)
{
    const size_t limit = text->limit ? text->limit : TEXT_BYTES_MAX;
    size_t room = text->room ? text->room : 512;

    if (text->failed || more > limit || text->used > limit - more) {
        text->failed = true;
        return false;
    }
    while (room < text->used + more)
        room *= 2;
    char *bytes = realloc(text->bytes, room);
    if (!bytes) {
        text->failed = true;
        return false;
    }
    text->bytes = bytes;
    text->room = room;
    return true;
}

void
text_free(struct text *text)
{
    free(text->bytes);
    *text = (struct text){ .limit = text->limit };
}

void
text_uint(struct text *text, uint64_t value)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    char digits[20];
    char *at = digits + sizeof digits;

    while (value >= 100) {
        at -= 2;
        memcpy(at, pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10) {
        at -= 2;
        memcpy(at, pairs + 2 * value, 2);
    } else {
        *--at = (char) ('0' + value);
    }
    text_add(text, at, (size_t) (digits + sizeof digits - at));
}

void
text_int(struct text *text, int64_t value)
{
    if (value < 0)
        TEXT_LITERAL(text, "-");
    text_uint(text, value < 0 ? -(uint64_t) value : (uint64_t) value);
}

void
text_printf(struct text *text, const char *fmt, ...)
{
    va_list ap, again;

    va_start(ap, fmt);
    va_copy(again, ap);
    const int length = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (length >= 0 && text_reserve(text, (size_t) length + 1)) {
        (void) vsnprintf(text->bytes + text->used, (size_t) length + 1, fmt, again);
        text->used += (size_t) length;
    }
    va_end(again);
}

size_t
utf8_sequence(const char *at, const char *end)
{
    const unsigned char *b = (const unsigned char *) at;
    const size_t left = (size_t) (end - at);

    if (b[0] >= 0xe1 && b[0] <= 0xef) { /* first: nearly all Chinese text is here */
        if (left < 3 || (b[1] & 0xc0) != 0x80 || (b[2] & 0xc0) != 0x80)
            return 0;
        return b[0] == 0xed && b[1] >= 0xa0 ? 0 : 3; /* surrogates */
    }
    if (b[0] >= 0xc2 && b[0] <= 0xdf)
        return left >= 2 && (b[1] & 0xc0) == 0x80 ? 2 : 0;
    if (b[0] == 0xe0)
        return left >= 3 && b[1] >= 0xa0 && b[1] <= 0xbf && (b[2] & 0xc0) == 0x80 ? 3 : 0;
    if (b[0] < 0xf0 || b[0] > 0xf4 || left < 4)
        return 0;
    if ((b[0] == 0xf0 && b[1] < 0x90) || (b[0] == 0xf4 && b[1] > 0x8f))
        return 0;
    return (b[1] & 0xc0) == 0x80 && (b[2] & 0xc0) == 0x80 && (b[3] & 0xc0) == 0x80 ? 4 : 0;
}

const char *
json_plain_end(const char *at, const char *end)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
    const __m128i space = _mm_set1_epi8(0x20);

    for (; end - at >= 16; at += 16) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *) (const void *) at);
        /* Signed: a byte from 0x80 on is negative, so it is below the space too. */
        const __m128i low = _mm_cmplt_epi8(bytes, space);
        const __m128i marks =
            _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash));
        const int mask = _mm_movemask_epi8(_mm_or_si128(low, marks));
        if (mask)
            return at + __builtin_ctz((unsigned) mask);
    }
#endif
    while (at < end && (signed char) *at >= 0x20 && *at != '"' && *at != '\\')
        at++;
    return at;
}

static void
add_escaped(struct text *text, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";
    static const char shorts[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'
    };
    char *at = text->bytes + text->used; /* the caller has reserved six bytes */

    *at++ = '\\';
    if (byte == '"' || byte == '\\') {
        *at++ = (char) byte;
    } else if (byte < sizeof shorts && shorts[byte]) {
        *at++ = shorts[byte];
    } else {
        memcpy(at, "u00", 3); /* NOLINT(bugprone-not-null-terminated-result): goes on */
        at[3] = hex[byte >> 4];
        at[4] = hex[byte & 15];
        at += 5;
    }
    text->used = (size_t) (at - text->bytes);
}

void
text_json(struct text *text, const char *bytes, size_t size)
{
    const char *at = bytes, *end = bytes + size, *from = bytes;

    if (!text_reserve(text, size + 2))
        return;
    text->bytes[text->used++] = '"';
    while (at < end) {
        at = json_plain_end(at, end);
        size_t step = 0;
        while (at < end && (signed char) *at < 0 && (step = utf8_sequence(at, end)) > 0)
            at += step;
        if (at < end && (signed char) *at >= 0x20 && *at != '"' && *at != '\\')
            continue;
        text_add(text, from, (size_t) (at - from));
        if (at == end || !text_reserve(text, 8)) {
            from = at;
            break;
        }
        if ((signed char) *at < 0)
            TEXT_LITERAL(text, "\xef\xbf\xbd");
        else
            add_escaped(text, (unsigned char) *at);
        from = ++at;
    }
    text_add(text, from, (size_t) (end - from));
    TEXT_LITERAL(text, "\"");
}
