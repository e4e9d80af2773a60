/* pages.h - plain, readable HTML for everybody: no script, no style of its own, Chinese first,
 * tables with headers, fit for print.  Whatever is written goes through html_text(), which escapes
 * it. */
#ifndef HUZHU_DISCLOSURE_PAGES_H
#define HUZHU_DISCLOSURE_PAGES_H

#include "disclosure.h"
#include "store.h"

/* Grows in the arena; after memory ran out it takes nothing more and html_end() says so. */
struct html {
    struct call *c;
    char *bytes;
    size_t used, room;
    bool failed;
};
struct html html_begin(struct call *c, const char *title, const char *code, const char *place);
void html_raw(struct html *html, const char *literal); /* of this program alone */
void html_text(struct html *html, const char *text);
void html_format(struct html *html, const char *fmt, ...) PRINTF(2, 3); /* escaped as a whole */
void html_notes(struct html *html, const char *const *notes, size_t count);
/* Closes the page.  LIMITED rpc.too_large. */
err_t html_end(struct html *html, ProtobufCBinaryData *out) MUST_CHECK;

/* A cell of a line, into buffer; "" when the line has no such cell.  Cells count from 0. */
const char *cell_of(struct call *c, const char *line, size_t cell);

/* The frozen page of a publication: its lines are numbered and tab-separated. */
err_t page_of_sheet(struct call *c, const struct publication *publication,
                    const struct sheet *sheet, const char *const *lines,
                    ProtobufCBinaryData *out) MUST_CHECK;
err_t page_of_index(struct call *c, const struct profile *profile, const struct publication *list,
                    size_t count, ProtobufCBinaryData *out) MUST_CHECK;
struct table_view {
    const char *search, *programme_name;
    const struct table_row *rows;
    size_t count;
};
err_t page_of_table(struct call *c, const struct profile *profile, const struct table_view *view,
                    ProtobufCBinaryData *out) MUST_CHECK;
err_t page_of_complaints(struct call *c, const struct profile *profile,
                         ProtobufCBinaryData *out) MUST_CHECK;
/* complaint NULL: number or code are wrong, or it is locked. */
err_t page_of_complaint(struct call *c, const struct profile *profile,
                        const struct complaint *complaint, ProtobufCBinaryData *out) MUST_CHECK;

#endif
