/* merkle.h - RFC 9162 section 2 hashing: leaves, roots, inclusion and consistency proofs.
 *
 * Pure: the caller stores the nodes.  A tree of n leaves is kept as its complete subtrees,
 * addressed by (level, index): level 0 are leaf hashes; a node (l, i) covers leaves [i << l, (i +
 * 1) << l). */
#ifndef HUZHU_MERKLE_H
#define HUZHU_MERKLE_H

#include "err/err.h"

#define MERKLE_HASH_BYTES 32
#define MERKLE_PROOF_MAX 64

typedef struct {
    uint8_t bytes[MERKLE_HASH_BYTES];
} merkle_hash_t;

merkle_hash_t merkle_leaf(const void *data, size_t size);           /* SHA-256(0x00 || data) */
merkle_hash_t merkle_node(merkle_hash_t left, merkle_hash_t right); /* SHA-256(0x01 || l || r) */

/* Reads the stored complete subtree (level, index); false when it is not there. */
typedef bool merkle_read_fn(void *context, unsigned level, uint64_t index, merkle_hash_t *hash);
/* Stores one that has just become complete. */
typedef bool merkle_write_fn(void *context, unsigned level, uint64_t index, merkle_hash_t hash);

/* Appends leaf number `size`: writes the node (0, size) and every subtree it completes. */
bool merkle_append(uint64_t size, merkle_hash_t leaf, merkle_read_fn *read, merkle_write_fn *write,
                   void *context) MUST_CHECK;
/* The root of the first `size` leaves; of none: SHA-256 of nothing. */
bool merkle_root(uint64_t size, merkle_read_fn *read, void *context,
                 merkle_hash_t *root) MUST_CHECK;

struct merkle_proof {
    size_t count;
    merkle_hash_t hashes[MERKLE_PROOF_MAX];
};
bool merkle_inclusion(uint64_t index, uint64_t size, merkle_read_fn *read, void *context,
                      struct merkle_proof *proof) MUST_CHECK;
bool merkle_consistency(uint64_t older, uint64_t newer, merkle_read_fn *read, void *context,
                        struct merkle_proof *proof) MUST_CHECK;

/* What a stranger needs: RFC 9162 2.1.3.2 and 2.1.4.2. */
bool merkle_verify_inclusion(uint64_t index, uint64_t size, merkle_hash_t leaf,
                             const struct merkle_proof *proof, merkle_hash_t root) MUST_CHECK;
bool merkle_verify_consistency(uint64_t older, uint64_t newer, merkle_hash_t older_root,
                               merkle_hash_t newer_root,
                               const struct merkle_proof *proof) MUST_CHECK;

#endif
