/* handlers.c - the steps of the claims service, in the order of claims.proto. */
#include "handlers.h"

#include <string.h>

#include "crypto/crypto.h"
#include "rules.h"
#include "store.h"
#include "wire.h"

/* The upload that the piece belongs to, locked; made by its first piece. */
static err_t
upload_for(struct call *c, struct id id, const struct piece *piece, struct upload *upload)
{
    const err_t code = upload_lock(c, id, upload);

    if (code == ERR_OK && id_cmp(upload->account, c->account) != 0)
        return err_set(&c->err, ERR_NOT_FOUND, UPLOAD_NONE, "no such upload");
    if (code != ERR_NOT_FOUND || piece->start != 0)
        return code;

    *upload = (struct upload){ .id = id, .account = c->account, .started_at = c->now };
    upload->content_type = content_type_of(piece->bytes, piece->size);
    if (!upload->content_type)
        return err_at(&c->err, ERR_REFUSED, "$.data", UPLOAD_TYPE,
                      "the first bytes are neither JPEG, PNG nor PDF");
    return upload_insert(c, upload);
}

/* The sum over all pieces.  They are read again rather than summed on the way, because a sum half
 * made would have to be stored; 20 MiB take some 50 ms, once.  One piece is in memory at a time. */
static err_t
sum_up(struct call *c, struct upload *upload)
{
    struct sha256 *sum = sha256_create();
    err_t code = ERR_OK;
    struct piece piece;

    for (int64_t at = 0; at < upload->size && code == ERR_OK;) {
        const struct arena_mark mark = arena_mark(c->arena);
        code = piece_at(c, upload, at, &piece);
        if (code == ERR_OK) {
            sha256_add(sum, piece.bytes, piece.size);
            at += (int64_t) piece.size;
        }
        arena_rewind(c->arena, mark);
    }
    sha256_finish(sum, upload->sha256);
    return code;
}

static err_t
append(struct call *c, struct upload *upload, const struct piece *piece)
{
    TRY(piece_insert(c, upload, piece));
    upload->size += (int64_t) piece->size;
    TRY(upload_grow(c, upload));
    if (!piece->last)
        return ERR_OK;

    TRY(sum_up(c, upload));
    upload->finished = true;
    TRY(upload_finish(c, upload));
    return emit_upload_finished(c, upload);
}

static err_t
compare(struct call *c, const struct upload *upload, const struct piece *piece)
{
    struct piece stored;

    TRY(piece_at(c, upload, piece->start, &stored));
    if (stored.start != piece->start || stored.size != piece->size ||
        memcmp(stored.bytes, piece->bytes, piece->size) != 0 ||
        piece->last != (upload->finished && stored.start + (int64_t) stored.size == upload->size))
        return err_at(&c->err, ERR_CONFLICT, "$.data", UPLOAD_OTHER_BYTES,
                      "a piece was sent again with other bytes");
    return ERR_OK;
}

err_t
claims_write_upload(struct call *c, const Claims__WriteUploadRequest *in,
                    Claims__WriteUploadReply *out)
{
    enum piece_place place;
    struct upload upload;
    struct piece piece;
    struct id id;

    TRY(piece_from_wire(in, &id, &piece, &c->err));
    TRY(rule_piece_is_sound(&piece, &c->err));

    TRY(upload_for(c, id, &piece, &upload));
    TRY(rule_piece_place(&upload, &piece, &place, &c->err));

    if (place == PIECE_NEXT)
        TRY(append(c, &upload, &piece));
    else
        TRY(compare(c, &upload, &piece));

    return upload_to_wire(c, &upload, &out->upload);
}

/* Bytes from several pieces into one reply. */
static err_t
gather(struct call *c, const struct upload *upload, int64_t offset, ProtobufCBinaryData *out)
{
    size_t done = 0;
    struct piece piece;

    while (done < out->len) {
        const int64_t at = offset + (int64_t) done;
        const struct arena_mark mark = arena_mark(c->arena);
        TRY(piece_at(c, upload, at, &piece));
        const size_t skip = (size_t) (at - piece.start);
        if (skip >= piece.size)
            return err_set(&c->err, ERR_INTERNAL, UPLOAD_NONE, "a piece is missing");
        const size_t left = out->len - done, here = piece.size - skip;
        const size_t part = here < left ? here : left;
        memcpy(out->data + done, piece.bytes + skip, part);
        done += part;
        arena_rewind(c->arena, mark);
    }
    return ERR_OK;
}

err_t
claims_read_upload(struct call *c, const Claims__ReadUploadRequest *in,
                   Claims__ReadUploadReply *out)
{
    struct upload upload;
    int64_t offset;
    size_t limit;
    struct id id;

    TRY(range_from_wire(in, &id, &offset, &limit, &c->err));
    TRY(upload_get(c, id, &upload));
    if (!rule_may_see_upload(&upload, c->account, c->roles))
        return err_set(&c->err, ERR_NOT_FOUND, UPLOAD_NONE, "no such upload");
    if (!upload.finished)
        return err_set(&c->err, ERR_CONFLICT, UPLOAD_UNFINISHED, "the upload is not complete");

    /* Who sent the bytes sees nothing new in them; everyone else looks at a person's papers. */
    if (id_cmp(upload.account, c->account) != 0)
        call_saw(c, LABEL_IDENTITY | LABEL_HEALTH, (struct id){ { 0 } });
    const int64_t left = upload.size > offset ? upload.size - offset : 0;
    out->data.len = (int64_t) limit < left ? limit : (size_t) left;
    out->data.data = arena_alloc(c->arena, out->data.len + 1);
    if (!out->data.data)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the reply needs too much memory");
    TRY(gather(c, &upload, offset, &out->data));
    return upload_to_wire(c, &upload, &out->upload);
}

err_t
claims_purge_uploads(struct call *c)
{
    const struct claims_conf *conf = c->conf;

    return upload_purge(c, (instant_t){ c->now.us - conf->upload_keep * 1000 });
}
