/* fold.h - what a person or a spreadsheet gives for a number, as plain ASCII. */
#ifndef HUZHU_FOLD_H
#define HUZHU_FOLD_H

#include "base/base.h"

enum { FOLDED_MAX = 32 }; /* longer than any number here, so that "too long" can be told */

struct folded {
    char text[FOLDED_MAX + 1]; /* '?' for what has no ASCII form */
    size_t count;              /* code points; above FOLDED_MAX the text is cut */
};

/* Blanks around it go, full-width forms become ASCII, letters capitals.  dropped: characters that
 * are removed wherever they stand; a ' ' among them means every blank. */
struct folded check_fold(const char *text, const char *dropped);

#endif
