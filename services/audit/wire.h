/* wire.h - protobuf to nouns and back, events out; the only file that knows both. */
#ifndef HUZHU_AUDIT_WIRE_H
#define HUZHU_AUDIT_WIRE_H

#include "audit.h"
#include "audit.pb-c.h"

/* An event as a record of its producer (the call's caller); its leaf is not yet made. */
err_t record_from_wire(struct call *c, const Bus__Event *in, struct record *record) MUST_CHECK;
err_t page_rows_from_wire(uint32_t page_size, int64_t *rows, struct err *err) MUST_CHECK;
/* Page tokens hold some numbers; `count` of them must come back. */
#define PAGE_NUMBERS_MAX 3
err_t page_token_from_wire(const char *token, int64_t *numbers, size_t count,
                           struct err *err) MUST_CHECK;
err_t page_token_to_wire(struct call *c, const int64_t *numbers, size_t count,
                         char **token) MUST_CHECK;

err_t record_to_wire(struct call *c, const struct record *record, Audit__Record **out) MUST_CHECK;
err_t records_to_wire(struct call *c, const struct record *records, size_t count,
                      Audit__Record ***out) MUST_CHECK;
err_t head_to_wire(struct call *c, const struct head *head, Audit__Head **out) MUST_CHECK;
err_t heads_to_wire(struct call *c, const struct head *heads, size_t count,
                    Audit__Head ***out) MUST_CHECK;
err_t proof_to_wire(struct call *c, const struct merkle_proof *proof, ProtobufCBinaryData **hashes,
                    size_t *count) MUST_CHECK;

/* For the verifier, of what somebody else wrote: false when a size is wrong.  Borrowed. */
bool record_from_export(const Audit__Record *in, struct record *record) MUST_CHECK;
bool head_from_export(const Audit__Head *in, struct head *head) MUST_CHECK;

err_t emit_call_refused(struct call *c, const Audit__RecordRefusalRequest *in) MUST_CHECK;

#endif
