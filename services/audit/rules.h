/* rules.h - what a record and a head are, byte by byte.  Pure: no clock, no database, no log. */
#ifndef HUZHU_AUDIT_RULES_H
#define HUZHU_AUDIT_RULES_H

#include "audit.h"

/* The leaf of a record: merkle_leaf() of its canonical bytes (README.md).  The body counts by its
 * SHA-256, so that a body may have to be erased some day without breaking the proof of the rest. */
merkle_hash_t record_leaf(struct id tenant, const struct record *record);

#define HEAD_TEXT_BYTES (sizeof "huzhu audit head v1" + 16 + 8 + 32 + 8)
/* What a head's signature covers. */
void head_text(struct id tenant, const struct head *head, uint8_t out[static HEAD_TEXT_BYTES]);

/* 0 stands for the newest head's. */
err_t rule_sizes(int64_t older, int64_t newer, struct err *err) MUST_CHECK;

#endif
