/* book.h - the annual report as a workbook: the same figures, the same bytes each time. */
#ifndef HUZHU_DISCLOSURE_BOOK_H
#define HUZHU_DISCLOSURE_BOOK_H

#include "disclosure.h"
#include "disclosure.pb-c.h"

/* INTERNAL report.build.  `made_at` is written into the file in place of the clock's time. */
err_t book_make(struct call *c, const char *title, const Disclosure__Report *report,
                instant_t made_at, ProtobufCBinaryData *out) MUST_CHECK;

#endif
