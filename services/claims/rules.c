/* rules.c - what may be done with an upload.  Pure: no clock, no database, no allocation, no log.
 */
#include "rules.h"

#include <string.h>

const char *
content_type_of(const uint8_t *bytes, size_t size)
{
    static const struct {
        const char *type, *magic;
        size_t size;
    } types[] = {
        { "image/jpeg", "\xff\xd8\xff", 3 },
        { "image/png", "\x89PNG\r\n\x1a\n", 8 },
        { "application/pdf", "%PDF-", 5 },
    };

    for (size_t i = 0; i < COUNT(types); i++)
        if (size >= types[i].size && memcmp(bytes, types[i].magic, types[i].size) == 0)
            return types[i].type;
    return NULL;
}

err_t
rule_piece_is_sound(const struct piece *piece, struct err *err)
{
    if (piece->start < 0 || piece->start > UPLOAD_BYTES_MAX)
        return err_at(err, ERR_INVALID, "$.offset", UPLOAD_PIECE, "the offset is out of bounds");
    if (piece->size > PIECE_BYTES_MAX || piece->size == 0 ||
        (piece->size < PIECE_BYTES_MIN && !piece->last))
        return err_at(err, ERR_INVALID, "$.data", UPLOAD_PIECE,
                      "a piece has %zu to %zu bytes (the last one 1 at least), not %zu",
                      PIECE_BYTES_MIN, PIECE_BYTES_MAX, piece->size);
    if (piece->start + (int64_t) piece->size > UPLOAD_BYTES_MAX)
        return err_at(err, ERR_INVALID, "$.data", UPLOAD_TOO_LARGE,
                      "a document has at most %d bytes", (int) UPLOAD_BYTES_MAX);
    return ERR_OK;
}

err_t
rule_piece_place(const struct upload *upload, const struct piece *piece, enum piece_place *place,
                 struct err *err)
{
    if (piece->start > upload->size)
        return err_at(err, ERR_CONFLICT, "$.offset", UPLOAD_GAP,
                      "%lld bytes are there; the next piece begins at them",
                      (long long) upload->size);
    if (piece->start == upload->size && upload->finished)
        return err_set(err, ERR_CONFLICT, UPLOAD_FINISHED, "the upload is complete");
    *place = piece->start == upload->size ? PIECE_NEXT : PIECE_AGAIN;
    return ERR_OK;
}

bool
rule_may_see_upload(const struct upload *upload, struct id account, role_set_t roles)
{
    const role_set_t staff =
        ROLE_VILLAGE_CLERK | ROLE_TOWNSHIP_OFFICER | ROLE_APPROVER | ROLE_REVIEWER | ROLE_AUDITOR;

    return id_cmp(upload->account, account) == 0 || (roles & staff) != 0;
}
