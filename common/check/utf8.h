/* utf8.h - reading UTF-8 one code point at a time.
 *
 * Strict as RFC 3629: overlong forms, surrogates and code points above U+10FFFF are not UTF-8. */
#ifndef HUZHU_UTF8_H
#define HUZHU_UTF8_H

#include "base/base.h"

/* Reads the code point at *at (*at < end) and steps over it; false, with *at unmoved, when the
 * bytes there are not UTF-8 or are cut off. */
bool utf8_next(const char **at, const char *end, uint32_t *code) MUST_CHECK;

/* A blank that people and spreadsheets leave around a value: ASCII blanks and control characters,
 * the no-break and the ideographic space, zero-width and direction marks, the byte order mark. */
bool utf8_is_blank(uint32_t code);

#endif
