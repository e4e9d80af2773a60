/* wire.c - protobuf to nouns and back, events out. */
#include "wire.h"

err_t
piece_from_wire(const Claims__WriteUploadRequest *in, struct id *upload, struct piece *piece,
                struct err *err)
{
    TRY(id_from_wire(in->upload_id, "$.uploadId", upload, err));
    *piece = (struct piece){ in->offset, in->data.data, in->data.len, in->last };
    return ERR_OK;
}

err_t
range_from_wire(const Claims__ReadUploadRequest *in, struct id *upload, int64_t *offset,
                size_t *limit, struct err *err)
{
    TRY(id_from_wire(in->upload_id, "$.uploadId", upload, err));
    if (in->offset < 0)
        return err_at(err, ERR_INVALID, "$.offset", UPLOAD_PIECE, "the offset is negative");
    if (in->limit < 0 || (size_t) in->limit > PIECE_BYTES_MAX)
        return err_at(err, ERR_INVALID, "$.limit", UPLOAD_PIECE, "limit is 0 to %zu",
                      PIECE_BYTES_MAX);
    *offset = in->offset;
    *limit = in->limit == 0 ? PIECE_BYTES_MAX : (size_t) in->limit;
    return ERR_OK;
}

static err_t
too_large(struct call *c)
{
    return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the reply needs too much memory");
}

err_t
upload_to_wire(struct call *c, const struct upload *upload, Claims__Upload **out)
{
    Claims__Upload *wire = arena_alloc(c->arena, sizeof *wire);

    if (!wire)
        return too_large(c);
    claims__upload__init(wire);
    wire->upload_id = id_to_wire(c, upload->id);
    wire->size = upload->size;
    wire->content_type = call_text(c, upload->content_type);
    wire->finished = upload->finished;
    wire->sent = upload->sent;
    wire->orientation = (uint32_t) upload->orientation;
    wire->started_at = instant_to_wire(c, upload->started_at);
    if (!wire->upload_id || !wire->content_type || !wire->started_at)
        return too_large(c);
    if (upload->finished) {
        wire->sha256.data = arena_copy(c->arena, upload->sha256, sizeof upload->sha256);
        if (!wire->sha256.data)
            return too_large(c);
        wire->sha256.len = sizeof upload->sha256;
    }
    *out = wire;
    return ERR_OK;
}

err_t
emit_upload_finished(struct call *c, const struct upload *upload)
{
    Claims__UploadFinished event = CLAIMS__UPLOAD_FINISHED__INIT;

    event.upload_id = id_to_wire(c, upload->id);
    event.account_id = id_to_wire(c, upload->account);
    event.content_type = (char *) upload->content_type;
    event.size = upload->size;
    event.sha256 = (ProtobufCBinaryData){ sizeof upload->sha256, (uint8_t *) upload->sha256 };
    if (!event.upload_id || !event.account_id)
        return too_large(c);
    return event_append(c, &event.base);
}
