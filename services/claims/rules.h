/* rules.h - what may be done with an upload.  Pure: no clock, no database, no allocation, no log.
 */
#ifndef HUZHU_CLAIMS_RULES_H
#define HUZHU_CLAIMS_RULES_H

#include "claims.h"

/* NULL: none that we take. */
const char *content_type_of(const uint8_t *bytes, size_t size);

/* The piece by itself: its size, and that the whole stays within bounds. */
err_t rule_piece_is_sound(const struct piece *piece, struct err *err) MUST_CHECK;

enum piece_place { PIECE_NEXT, PIECE_AGAIN };
/* Where it belongs: after what is there, or (a repeat) where it has been already. */
err_t rule_piece_place(const struct upload *upload, const struct piece *piece,
                       enum piece_place *place, struct err *err) MUST_CHECK;

/* An upload is seen by who sent it, and by the tenant's staff. */
bool rule_may_see_upload(const struct upload *upload, struct id account, role_set_t roles);

#endif
