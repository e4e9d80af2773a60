/* analyzer.h - included before every source that lint.sh judges.
 *
 * clang's analyzer does not run cleanup attributes, so that whatever OWNED() frees would be a leak
 * to it.  Memory that a global points to is none: with this, leaks are what the address sanitizer
 * finds in every test, while memory that is used or freed after it was freed is still found here.
 */
#ifndef HUZHU_TIDY_ANALYZER_H
#define HUZHU_TIDY_ANALYZER_H

#include <malloc.h> /* declares both: before they are macros */
#include <stdlib.h>

extern void *tidy_owned;

static inline void *
tidy_malloc(size_t size)
{
    return tidy_owned = malloc(size);
}

static inline void *
tidy_calloc(size_t count, size_t size)
{
    return tidy_owned = calloc(count, size);
}

#define malloc(size) tidy_malloc(size)
#define calloc(count, size) tidy_calloc((count), (size))

#endif
