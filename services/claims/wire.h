/* wire.h - protobuf to nouns and back, events out; the only file that knows both. */
#ifndef HUZHU_CLAIMS_WIRE_H
#define HUZHU_CLAIMS_WIRE_H

#include "claims.h"
#include "claims.pb-c.h"

err_t piece_from_wire(const Claims__WriteUploadRequest *in, struct id *upload, struct piece *piece,
                      struct err *err) MUST_CHECK;
err_t range_from_wire(const Claims__ReadUploadRequest *in, struct id *upload, int64_t *offset,
                      size_t *limit, struct err *err) MUST_CHECK;
err_t upload_to_wire(struct call *c, const struct upload *upload, Claims__Upload **out) MUST_CHECK;
err_t emit_upload_finished(struct call *c, const struct upload *upload) MUST_CHECK;

#endif
