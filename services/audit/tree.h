/* tree.h - the stored tree: its integration, a duty, and reading it for proofs. */
#ifndef HUZHU_AUDIT_TREE_H
#define HUZHU_AUDIT_TREE_H

#include "audit.h"

/* The duty: new records of every log go into its tree, and its head is signed. */
err_t audit_integrate(struct call *c);

/* For merkle.h's readers: nodes of the call's tenant.  failed tells an error of the database (then
 * in c->err) from a node that is not there. */
struct tree {
    struct call *c;
    bool failed;
    /* The last node of each level that this round wrote: the left siblings that come next. */
    struct {
        bool known;
        uint64_t index;
        merkle_hash_t hash;
    } last[64];
};
bool tree_read(void *tree, unsigned level, uint64_t index, merkle_hash_t *hash);
/* What a false from merkle.h meant. */
err_t tree_error(const struct tree *tree) MUST_CHECK;

#endif
