/* handlers.c - documents in and out.  handlers_claim.c has the filers' steps, handlers_review.c
 * those of who works on claims. */
#include "handlers.h"

#include <string.h>

#include "claim_steps.h"
#include "crypto/crypto.h"
#include "rules.h"
#include "rules_document.h"
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

/* --- a document is complete --- */

/* What is to be stored, on its way into new pieces.  The old piece that it comes from is gone
 * already, and what comes out is never ahead of what went in: so places never clash. */
struct rewrite {
    struct call *c;
    struct upload *upload;
    struct sha256 *sum;
    uint8_t *buffer; /* a piece under way */
    size_t used;
    int64_t at; /* where it begins */
    bool keeps; /* what is stored stays as it is: summed alone */
    err_t code;
};

static err_t
flush(struct rewrite *r)
{
    const struct piece piece = { .start = r->at, .bytes = r->buffer, .size = r->used };

    if (r->used == 0)
        return ERR_OK;
    r->at += (int64_t) r->used;
    r->used = 0;
    return piece_insert(r->c, r->upload, &piece);
}

static bool
take(void *arg, const uint8_t *bytes, size_t size)
{
    struct rewrite *r = arg;

    sha256_add(r->sum, bytes, size);
    if (r->keeps) {
        r->at += (int64_t) size;
        return true;
    }
    while (size > 0 && r->code == ERR_OK) {
        const size_t room = PIECE_BYTES_MAX - r->used, part = size < room ? size : room;
        memcpy(r->buffer + r->used, bytes, part);
        r->used += part;
        bytes += part;
        size -= part;
        if (r->used == PIECE_BYTES_MAX)
            r->code = flush(r);
    }
    return r->code == ERR_OK;
}

static err_t
fault_of(struct call *c, const struct document *document)
{
    if (document->fault == DOCUMENT_ACTIVE)
        return err_at(&c->err, ERR_REFUSED, "$.data", UPLOAD_ACTIVE,
                      "the PDF holds scripts, files or encryption");
    return err_at(&c->err, ERR_REFUSED, "$.data", UPLOAD_STRUCTURE,
                  "the document is damaged or cut short");
}

/* Piece by piece through the rules of documents; one piece in, one out are in memory at a time. */
static err_t
walk(struct rewrite *r, struct document *document)
{
    struct call *c = r->c;
    struct piece piece;

    for (int64_t at = 0; at < r->upload->sent;) {
        const struct arena_mark mark = arena_mark(c->arena);
        TRY(piece_at(c, r->upload, at, &piece));
        at += (int64_t) piece.size;
        if (!r->keeps)
            TRY(piece_delete(c, r->upload, piece.start));
        if (!document_feed(document, piece.bytes, piece.size, take, r))
            return r->code != ERR_OK ? r->code : fault_of(c, document);
        arena_rewind(c->arena, mark);
    }
    if (!document_end(document))
        return fault_of(c, document);
    return flush(r);
}

static err_t
finish(struct call *c, struct upload *upload)
{
    struct document *document = arena_alloc(c->arena, sizeof *document);
    struct rewrite r = { .c = c,
                         .upload = upload,
                         .buffer = arena_alloc(c->arena, PIECE_BYTES_MAX) };

    if (!document || !r.buffer)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the request needs too much memory");
    document_begin(document, upload->content_type);
    r.keeps = document->kind == DOCUMENT_PDF;
    r.sum = sha256_create();
    const err_t code = walk(&r, document);
    sha256_finish(r.sum, upload->sha256);
    TRY(code);

    upload->finished = true;
    upload->size = r.at;
    upload->orientation = document->orientation;
    TRY(upload_finish(c, upload));
    return emit_upload_finished(c, upload);
}

static err_t
append(struct call *c, struct upload *upload, const struct piece *piece)
{
    TRY(piece_insert(c, upload, piece));
    TRY(sent_insert(c, upload, piece));
    upload->size += (int64_t) piece->size;
    upload->sent = upload->size;
    TRY(upload_grow(c, upload));
    return piece->last ? finish(c, upload) : ERR_OK;
}

static err_t
compare(struct call *c, const struct upload *upload, const struct piece *piece)
{
    bool same;

    TRY(sent_is_same(c, upload, piece, &same));
    if (!same ||
        piece->last != (upload->finished && piece->start + (int64_t) piece->size == upload->sent))
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

/* The door to a document: who sent it; of a claim's paper, whoever may see the claim, and the coder
 * or reviewer who has its job in hand; of a document of no claim (a sign sheet, a refund's receipt)
 * the tenant's staff.  Anybody but the sender leaves a mark. */
static err_t
admit_reader(struct call *c, const struct upload *upload)
{
    struct onlooker who;
    struct claim claim;
    struct id claim_id;
    bool in_hand = false;

    if (id_cmp(upload->account, c->account) == 0)
        return ERR_OK;
    TRY(upload_claim(c, upload->id, &claim_id));
    if (id_is_nil(claim_id) && rule_may_see_loose_upload(c->roles)) {
        call_saw(c, LABEL_IDENTITY | LABEL_HEALTH, (struct id){ { 0 } });
        return ERR_OK;
    }
    if (!id_is_nil(claim_id)) {
        TRY(claim_get(c, claim_id, &claim));
        TRY(onlooker_of(c, claim.village, &who));
        if (call_has(c, ROLE_CODER | ROLE_REVIEWER))
            TRY(job_is_held(c, claim_id, c->account, &in_hand));
        if (in_hand || rule_may_see_claim(&claim, &who)) {
            /* Coders and reviewers are cleared for illness alone; that a paper has a name on it is
             * why only the job in hand opens it. */
            call_saw(c, in_hand ? LABEL_HEALTH : LABEL_IDENTITY | LABEL_HEALTH, claim.person);
            return ERR_OK;
        }
    }
    return err_set(&c->err, ERR_NOT_FOUND, UPLOAD_NONE, "no such upload");
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
    TRY(admit_reader(c, &upload));
    if (!upload.finished)
        return err_set(&c->err, ERR_CONFLICT, UPLOAD_UNFINISHED, "the upload is not complete");

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
