/* wire.h - protobuf to nouns and back, events out; the only file that knows both. */
#ifndef HUZHU_DISCLOSURE_WIRE_H
#define HUZHU_DISCLOSURE_WIRE_H

#include "disclosure.h"
#include "disclosure.pb-c.h"

/* Nil when the field is absent. */
err_t optional_id_in(const Huzhu__Id *in, const char *path, struct id *id,
                     struct err *err) MUST_CHECK;
/* page_size 0 means LIST_DEFAULT; *before nil: from the newest. */
err_t list_in(uint32_t page_size, const char *page_token, int *limit, struct id *before,
              struct err *err) MUST_CHECK;
/* The token that goes on behind `last`. */
err_t token_out(struct call *c, struct id last, bool more, char **token) MUST_CHECK;

err_t publication_to_wire(struct call *c, const struct publication *p,
                          Disclosure__Publication **out) MUST_CHECK;
err_t line_to_wire(struct call *c, const char *text, Disclosure__PublicLine **out) MUST_CHECK;
/* with_figures: the list goes without. */
err_t report_to_wire(struct call *c, const struct report *r, bool with_figures,
                     Disclosure__Report **out) MUST_CHECK;
err_t notice_to_wire(struct call *c, const struct notice *n, Disclosure__Notice **out) MUST_CHECK;
err_t complaint_to_wire(struct call *c, const struct complaint *k, bool overdue,
                        Disclosure__Complaint **out) MUST_CHECK;
err_t bytes_to_wire(struct call *c, const void *bytes, size_t size,
                    ProtobufCBinaryData *out) MUST_CHECK;

err_t emit_page_published(struct call *c, const struct publication *p) MUST_CHECK;
err_t emit_page_taken_down(struct call *c, const struct publication *p,
                           const char *reason) MUST_CHECK;
err_t emit_notice(struct call *c, const struct notice *n) MUST_CHECK;
err_t emit_complaint_filed(struct call *c, const struct complaint *k) MUST_CHECK;
err_t emit_complaint_moved(struct call *c, const struct complaint *k,
                           enum complaint_state from) MUST_CHECK;
err_t emit_report_signed(struct call *c, const struct report *r) MUST_CHECK;
err_t emit_overdue(struct call *c, const char *what, struct id subject, date_t due) MUST_CHECK;

#endif
