/* encoding.h - bank files between UTF-8 and GB18030. */
#ifndef HUZHU_DISBURSEMENT_ENCODING_H
#define HUZHU_DISBURSEMENT_ENCODING_H

#include "disbursement.h"

/* The file as the bank wants it; every character of UTF-8 has a place in GB18030. */
err_t text_encode(struct call *c, bool gb18030, const char *text, size_t size,
                  ProtobufCBinaryData *out) MUST_CHECK;
/* What the bank sent as NUL-terminated UTF-8 without a mark, in the arena; INVALID
 * "result.encoding" when it is not in that encoding or holds a NUL. */
err_t text_decode(struct call *c, bool gb18030, ProtobufCBinaryData in, char **text) MUST_CHECK;

#endif
