/* wire.h - protobuf to nouns and back, events out; the only file that knows both. */
#ifndef HUZHU_AUDIT_WIRE_H
#define HUZHU_AUDIT_WIRE_H

#include "audit.h"
#include "audit.pb-c.h"
#include "state.h"

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

/* --- proofs of pages and the archive (wire_archive.c) --- */
struct village_has;

/* Absent becomes nil. */
err_t optional_id_from_wire(const Huzhu__Id *in, const char *path, struct id *id,
                            struct err *err) MUST_CHECK;
err_t keys_to_wire(struct call *c, const struct public_key *key, Audit__PublicKey ***keys,
                   size_t *count) MUST_CHECK;
/* All but head and hashes. */
err_t publication_record_to_wire(struct call *c, const struct record *record,
                                 Audit__GetPublicationProofReply *out) MUST_CHECK;
err_t item_from_wire(struct call *c, const Audit__RecordArchiveItemRequest *in,
                     struct item *item) MUST_CHECK;
err_t item_to_wire(struct call *c, const struct item *item, Audit__ArchiveItem **out) MUST_CHECK;
err_t items_to_wire(struct call *c, const struct item *items, size_t count,
                    Audit__ArchiveItem ***out) MUST_CHECK;
err_t completeness_to_wire(struct call *c, const struct programme *programme,
                           const struct village_has *villages, size_t count,
                           Audit__GetCompletenessReply *out) MUST_CHECK;
err_t checks_to_wire(struct call *c, const struct catalogue_check *checks, size_t count,
                     Audit__CatalogueCheck ***out) MUST_CHECK;
err_t emit_item_filed(struct call *c, const struct item *item) MUST_CHECK;
err_t emit_catalogue_checked(struct call *c, const struct catalogue_check *check) MUST_CHECK;

#endif
