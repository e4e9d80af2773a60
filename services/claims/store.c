/* store.c - uploads in and out of the schema claims. */
#include "store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "claims_queries.h"
#include "crypto/crypto.h"

const struct db_constraint claims_constraints[] = {
    /* Two first pieces met: the one that waited runs again and finds the row. */
    { "upload_once", ERR_RACED, UPLOAD_RACED, "two first pieces of one upload met" },
    { "upload_size_bounds", ERR_INVALID, UPLOAD_TOO_LARGE, "a document has at most 20 MiB" },
    { "claim_once", ERR_RACED, CLAIM_RACED, "two first filings of one claim met" },
    { "claim_stay_once", ERR_CONFLICT, CLAIM_DUPLICATE, "the stay was claimed already" },
    { "claim_paper_once", ERR_CONFLICT, UPLOAD_ATTACHED, "the upload is a paper already" },
};

static err_t
upload_read(struct call *c, const struct stmt *stmt, struct id id, struct upload *upload)
{
    OWNED(rows_free) struct rows *rows = NULL;
    struct upload read = { .id = id };
    size_t size;

    TRY(db_query(c, stmt, &rows, P_ID(id)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, UPLOAD_NONE, "no such upload");

    read.account = rows_id(rows, 0, 0);
    read.size = rows_int(rows, 0, 1);
    read.content_type = call_text(c, rows_text(rows, 0, 2));
    if (!read.content_type)
        return c->err.code;
    const void *sum = rows_bytes(rows, 0, 3, &size);
    read.finished = sum != NULL;
    if (sum)
        memcpy(read.sha256, sum, sizeof read.sha256);
    read.started_at = rows_instant(rows, 0, 4);
    read.sent = rows_int(rows, 0, 5);
    read.orientation = (int) rows_int(rows, 0, 6);
    *upload = read;
    return ERR_OK;
}

err_t
upload_get(struct call *c, struct id id, struct upload *upload)
{
    return upload_read(c, &q_upload_get, id, upload);
}

err_t
upload_lock(struct call *c, struct id id, struct upload *upload)
{
    return upload_read(c, &q_upload_lock, id, upload);
}

err_t
upload_insert(struct call *c, const struct upload *upload)
{
    return db_exec(c, &q_upload_insert, P_ID(c->tenant), P_ID(upload->id), P_ID(upload->account),
                   P_TEXT(upload->content_type), P_INSTANT(upload->started_at));
}

err_t
upload_grow(struct call *c, const struct upload *upload)
{
    return db_exec(c, &q_upload_grow, P_ID(upload->id), P_INT(upload->size));
}

err_t
upload_finish(struct call *c, const struct upload *upload)
{
    return db_exec(c, &q_upload_finish, P_ID(upload->id),
                   P_BYTES(upload->sha256, sizeof upload->sha256), P_INSTANT(c->now),
                   P_INT(upload->size), P_INT(upload->sent), P_INT4(upload->orientation));
}

err_t
upload_purge(struct call *c, instant_t before)
{
    OWNED(rows_free) struct rows *rows = NULL;

    return db_query(c, &q_upload_purge, &rows, P_INSTANT(before));
}

/* Bound to the sealed bytes: a piece moved to another place does not open. */
enum { CONTEXT_BYTES = 96 };

static void
context_of(const struct upload *upload, int64_t start, char text[static CONTEXT_BYTES])
{
    char id[ID_TEXT_BYTES];

    id_format(upload->id, id);
    (void) snprintf(text, CONTEXT_BYTES, "claims.upload/%s/%" PRId64, id, start);
}

err_t
piece_insert(struct call *c, const struct upload *upload, const struct piece *piece)
{
    char context[CONTEXT_BYTES];
    ProtobufCBinaryData sealed;

    context_of(upload, piece->start, context);
    TRY(call_seal(c, context, piece->bytes, piece->size, &sealed));
    return db_exec(c, &q_piece_insert, P_ID(c->tenant), P_ID(upload->id), P_INT(piece->start),
                   P_INT4((int64_t) piece->size), P_BYTES(sealed.data, sealed.len));
}

err_t
piece_at(struct call *c, const struct upload *upload, int64_t at, struct piece *piece)
{
    OWNED(rows_free) struct rows *rows = NULL;
    char context[CONTEXT_BYTES];
    ProtobufCBinaryData plain;
    size_t size;

    TRY(db_query(c, &q_piece_at, &rows, P_ID(upload->id), P_INT(at)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_INTERNAL, UPLOAD_NONE, "a piece is missing");
    const int64_t start = rows_int(rows, 0, 0);
    const void *sealed = rows_bytes(rows, 0, 2, &size);
    context_of(upload, start, context);
    TRY(call_unseal(c, context, sealed, size, &plain));
    *piece = (struct piece){ .start = start, .bytes = plain.data, .size = plain.len };
    return ERR_OK;
}

err_t
piece_delete(struct call *c, const struct upload *upload, int64_t start)
{
    return db_exec(c, &q_piece_delete, P_ID(upload->id), P_INT(start));
}

err_t
sent_insert(struct call *c, const struct upload *upload, const struct piece *piece)
{
    uint8_t sum[SHA256_BYTES];

    sha256(piece->bytes, piece->size, sum);
    return db_exec(c, &q_sent_insert, P_ID(c->tenant), P_ID(upload->id), P_INT(piece->start),
                   P_INT4((int64_t) piece->size), P_BYTES(sum, sizeof sum));
}

err_t
sent_is_same(struct call *c, const struct upload *upload, const struct piece *piece, bool *same)
{
    OWNED(rows_free) struct rows *rows = NULL;
    uint8_t sum[SHA256_BYTES];
    size_t size;

    sha256(piece->bytes, piece->size, sum);
    TRY(db_query(c, &q_sent_get, &rows, P_ID(upload->id), P_INT(piece->start)));
    *same = rows_count(rows) == 1 && rows_int(rows, 0, 0) == (int64_t) piece->size &&
            memcmp(rows_bytes(rows, 0, 1, &size), sum, sizeof sum) == 0;
    return ERR_OK;
}

err_t
upload_claim(struct call *c, struct id upload, struct id *claim)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_upload_claim, &rows, P_ID(upload)));
    *claim = rows_count(rows) == 1 ? rows_id(rows, 0, 0) : (struct id){ { 0 } };
    return ERR_OK;
}
