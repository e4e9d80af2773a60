/* text.h - the texts that people write into fields; NUL-terminated UTF-8. */
#ifndef HUZHU_CHECK_TEXT_H
#define HUZHU_CHECK_TEXT_H

#include "base/base.h"

/* Characters, not bytes: limits are told to people. */
size_t text_characters(const char *text);
/* U+0000 to U+001F, U+007F to U+009F: what no field of one line holds. */
bool text_has_control(const char *text);

#endif
