/* merkle.c - RFC 9162 section 2.1 over stored complete subtrees.
 *
 * The RFC defines everything by splitting n leaves at the largest power of two below n.  The left
 * part is then always one stored node; the right part is folded from its own stored nodes.  So a
 * root or a proof reads O(log n) respectively O(log^2 n) nodes. */
#include "merkle/merkle.h"

#include <string.h>

#include "crypto/crypto.h"

#define LEVELS 64

merkle_hash_t
merkle_leaf(const void *data, size_t size)
{
    static const uint8_t prefix = 0;
    merkle_hash_t out;
    struct sha256 *hash = sha256_create();

    /* Without memory for a digest no honest answer is possible. */
    assert(hash);
    sha256_add(hash, &prefix, 1);
    sha256_add(hash, data, size);
    sha256_finish(hash, out.bytes);
    return out;
}

merkle_hash_t
merkle_node(merkle_hash_t left, merkle_hash_t right)
{
    uint8_t data[1 + 2 * MERKLE_HASH_BYTES] = { 1 };
    merkle_hash_t out;

    memcpy(data + 1, left.bytes, MERKLE_HASH_BYTES);
    memcpy(data + 1 + MERKLE_HASH_BYTES, right.bytes, MERKLE_HASH_BYTES);
    sha256(data, sizeof data, out.bytes);
    return out;
}

bool
merkle_append(uint64_t size, merkle_hash_t leaf, merkle_read_fn *read, merkle_write_fn *write,
              void *context)
{
    merkle_hash_t hash = leaf, left;
    unsigned level = 0;

    if (!write(context, 0, size, leaf))
        return false;
    for (uint64_t index = size; index & 1; index >>= 1) {
        if (!read(context, level, index - 1, &left))
            return false;
        hash = merkle_node(left, hash);
        level++;
        if (!write(context, level, index >> 1, hash))
            return false;
    }
    return true;
}

/* The root of the n >= 1 leaves from begin on; begin is a multiple of a power of two >= n, so that
 * each complete subtree of the range is a stored node.  Folded from the smallest up. */
static bool
range_root(uint64_t begin, uint64_t n, merkle_read_fn *read, void *context, merkle_hash_t *root)
{
    merkle_hash_t all = { { 0 } }, peak;
    bool some = false;

    for (unsigned level = 0; level < LEVELS && n >> level; level++) {
        if (!(n >> level & 1))
            continue;
        if (!read(context, level, (begin >> level) + (n >> level) - 1, &peak))
            return false;
        all = some ? merkle_node(peak, all) : peak;
        some = true;
    }
    *root = all;
    return some;
}

bool
merkle_root(uint64_t size, merkle_read_fn *read, void *context, merkle_hash_t *root)
{
    if (size == 0) {
        sha256("", 0, root->bytes);
        return true;
    }
    return range_root(0, size, read, context, root);
}

/* The largest power of two below n (n >= 2). */
static uint64_t
split(uint64_t n)
{
    return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

static void
reverse(struct merkle_proof *proof)
{
    for (size_t i = 0; i < proof->count / 2; i++) {
        const merkle_hash_t held = proof->hashes[i];
        proof->hashes[i] = proof->hashes[proof->count - 1 - i];
        proof->hashes[proof->count - 1 - i] = held;
    }
}

/* PATH(m, D[n]) of 2.1.3.1, walked from the root down; the proof is told from the leaf up. */
bool
merkle_inclusion(uint64_t index, uint64_t size, merkle_read_fn *read, void *context,
                 struct merkle_proof *proof)
{
    uint64_t begin = 0, n = size;

    proof->count = 0;
    if (index >= size)
        return false;
    while (n > 1) {
        const uint64_t k = split(n);
        const bool left = index - begin < k;

        if (proof->count == MERKLE_PROOF_MAX ||
            !range_root(left ? begin + k : begin, left ? n - k : k, read, context,
                        &proof->hashes[proof->count]))
            return false;
        proof->count++;
        if (!left)
            begin += k;
        n = left ? k : n - k;
    }
    reverse(proof);
    return true;
}

/* SUBPROOF(m, D_n, true) of 2.1.4.1, walked from the root down. */
bool
merkle_consistency(uint64_t older, uint64_t newer, merkle_read_fn *read, void *context,
                   struct merkle_proof *proof)
{
    uint64_t begin = 0, m = older, n = newer;
    bool whole = true; /* the RFC's b: the older root itself is what the verifier has */

    proof->count = 0;
    if (older > newer)
        return false;
    if (older == 0) /* anything extends nothing */
        return true;
    while (m != n) {
        const uint64_t k = split(n);
        const bool left = m <= k;

        if (proof->count == MERKLE_PROOF_MAX ||
            !range_root(left ? begin + k : begin, left ? n - k : k, read, context,
                        &proof->hashes[proof->count]))
            return false;
        proof->count++;
        if (!left) {
            begin += k;
            m -= k;
            whole = false;
        }
        n = left ? k : n - k;
    }
    if (!whole) {
        if (proof->count == MERKLE_PROOF_MAX ||
            !range_root(begin, n, read, context, &proof->hashes[proof->count]))
            return false;
        proof->count++;
    }
    reverse(proof);
    return true;
}

static bool
same(merkle_hash_t a, merkle_hash_t b)
{
    return bytes_equal(a.bytes, b.bytes, MERKLE_HASH_BYTES);
}

bool
merkle_verify_inclusion(uint64_t index, uint64_t size, merkle_hash_t leaf,
                        const struct merkle_proof *proof, merkle_hash_t root)
{
    uint64_t fn = index, sn = size - 1;
    merkle_hash_t r = leaf;

    if (index >= size)
        return false;
    for (size_t i = 0; i < proof->count; i++) {
        if (sn == 0)
            return false;
        if ((fn & 1) || fn == sn) {
            r = merkle_node(proof->hashes[i], r);
            while (!(fn & 1) && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            r = merkle_node(r, proof->hashes[i]);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && same(r, root);
}

static bool
verify_longer(uint64_t older, uint64_t newer, merkle_hash_t older_root, merkle_hash_t newer_root,
              const struct merkle_proof *proof)
{
    uint64_t fn = older - 1, sn = newer - 1;
    size_t i = 0;
    merkle_hash_t fr, sr;

    /* A complete older tree is its own first node, and is not told again. */
    if ((older & (older - 1)) == 0)
        fr = sr = older_root;
    else if (proof->count > 0)
        fr = sr = proof->hashes[i++];
    else
        return false;
    while (fn & 1) {
        fn >>= 1;
        sn >>= 1;
    }
    for (; i < proof->count; i++) {
        if (sn == 0)
            return false;
        if ((fn & 1) || fn == sn) {
            fr = merkle_node(proof->hashes[i], fr);
            sr = merkle_node(proof->hashes[i], sr);
            while (!(fn & 1) && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            sr = merkle_node(sr, proof->hashes[i]);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && same(fr, older_root) && same(sr, newer_root);
}

bool
merkle_verify_consistency(uint64_t older, uint64_t newer, merkle_hash_t older_root,
                          merkle_hash_t newer_root, const struct merkle_proof *proof)
{
    merkle_hash_t empty;

    if (proof->count > MERKLE_PROOF_MAX || older > newer)
        return false;
    if (older == newer)
        return proof->count == 0 && same(older_root, newer_root);
    if (older == 0) {
        sha256("", 0, empty.bytes);
        return proof->count == 0 && same(older_root, empty);
    }
    return verify_longer(older, newer, older_root, newer_root, proof);
}
