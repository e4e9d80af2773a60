/* names.h - what a scheme's codes and groups are called, to be searched and listed.
 *
 * Built once from an open scheme, which must outlive it; read-only afterwards, so threads may share
 * it.  Look-ups by code are a binary search; those by name go through the character pairs (bigrams)
 * of the names: the rarest pair of the query names the few candidates, which are then read.
 *
 * Memory: 8 bytes for each character and each pair of the names, some 10 MiB for a national scheme.
 */
#ifndef HUZHU_DRG_NAMES_H
#define HUZHU_DRG_NAMES_H

#include "drg.h"

/* Which codes: the scheme's own, or those that its maps convert from. */
enum drg_book { DRG_DX, DRG_OP, DRG_DX_FOREIGN, DRG_OP_FOREIGN, DRG_BOOKS };

struct drg_hit {
    const char *code, *name;
    const char *to; /* of a foreign code: what it is turned into; "" when the map drops it */
};
struct drg_group_name {
    const char *drg, *name, *adrg, *mdc;
    bool ambiguous; /* an ADRG that only says that no group fits well (歧义组) */
};

struct drg_names;
/* NULL when memory is out. */
struct drg_names *drg_names_create(const struct drg_scheme *scheme) MUST_CHECK;
void drg_names_destroy(struct drg_names *names);
DEFINE_OWNED(struct drg_names, drg_names_destroy)

#define DRG_HITS_MAX 50
#define DRG_QUERY_BYTES_MAX 120
/* The codes that begin with the query (in their order), then those whose name holds all of its
 * words, short names first.  Case counts for nothing; words are parted by blanks.  Returns how many
 * were found, at most room (<= DRG_HITS_MAX); *more says that others were left out. */
size_t drg_names_search(const struct drg_names *names, enum drg_book book, const char *query,
                        struct drg_hit *hits, size_t room, bool *more);

/* Every group that a stay can end in, in the order of codes, each once. */
size_t drg_names_groups(const struct drg_names *names, const struct drg_group_name **groups);
/* NULL: the scheme has no such group. */
const struct drg_group_name *drg_names_group(const struct drg_names *names, const char *drg);

#endif
