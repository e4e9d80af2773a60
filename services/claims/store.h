/* store.h - uploads in and out of the schema claims; the only file that runs SQL is store.c. */
#ifndef HUZHU_CLAIMS_STORE_H
#define HUZHU_CLAIMS_STORE_H

#include "claims.h"

/* What a broken constraint means to a caller. */
extern const struct db_constraint claims_constraints[2];

/* ERR_NOT_FOUND when there is none. */
err_t upload_get(struct call *c, struct id id, struct upload *upload) MUST_CHECK;
err_t upload_lock(struct call *c, struct id id, struct upload *upload) MUST_CHECK; /* FOR UPDATE */
err_t upload_insert(struct call *c, const struct upload *upload) MUST_CHECK;
err_t upload_grow(struct call *c, const struct upload *upload) MUST_CHECK;
err_t upload_finish(struct call *c, const struct upload *upload) MUST_CHECK;
err_t upload_purge(struct call *c, instant_t before) MUST_CHECK;

/* Seals and stores. */
err_t piece_insert(struct call *c, const struct upload *upload,
                   const struct piece *piece) MUST_CHECK;
/* The stored piece that holds the byte at `at`, unsealed into the arena. */
err_t piece_at(struct call *c, const struct upload *upload, int64_t at,
               struct piece *piece) MUST_CHECK;

#endif
