/* page.c - the token of a page is its last id, in base64url. */
#include "svc/page.h"

#include "crypto/crypto.h"

err_t
page_from_wire(uint32_t page_size, const char *page_token, struct page *page, struct err *err)
{
    size_t size = 0;

    *page = (struct page){ .rows = page_size ? page_size : PAGE_ROWS };
    if (page_size > PAGE_ROWS_MAX)
        return err_at(err, ERR_INVALID, "$.pageSize", "page.size", "a page has at most %d rows",
                      PAGE_ROWS_MAX);
    page->rows++;
    if (page_token[0] == '\0')
        return ERR_OK;
    if (!base64url_decode(page_token, page->after.bytes, sizeof page->after.bytes, &size) ||
        size != sizeof page->after.bytes)
        return err_at(err, ERR_INVALID, "$.pageToken", "page.token",
                      "the page token is not one of this list");
    return ERR_OK;
}

err_t
page_to_wire(struct call *c, struct page page, struct id last, size_t *count, char **token)
{
    char text[32];

    *token = (char *) protobuf_c_empty_string;
    if ((int64_t) *count < page.rows)
        return ERR_OK;
    *count = (size_t) page.rows - 1;
    (void) base64url_encode(last.bytes, sizeof last.bytes, text);
    *token = call_text(c, text);
    return *token ? ERR_OK : c->err.code;
}
