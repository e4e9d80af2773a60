/* page.h - lists in pages, where a page goes on after the last id of the one before. */
#ifndef HUZHU_PAGE_H
#define HUZHU_PAGE_H

#include "svc/svc.h"

enum { PAGE_ROWS = 50, PAGE_ROWS_MAX = 500 };

struct page {
    struct id after;
    int64_t rows; /* one more than the page has: whether there is a next one */
};

/* page_size 0: 50; the token is opaque to callers.  INVALID "page.size", "page.token". */
err_t page_from_wire(uint32_t page_size, const char *page_token, struct page *page,
                     struct err *err) MUST_CHECK;
/* *count loses the row that only tells of a next page. */
err_t page_to_wire(struct call *c, struct page page, struct id last, size_t *count,
                   char **token) MUST_CHECK;

#endif
