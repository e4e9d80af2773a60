/* Goal: roots and proofs are those of RFC 9162, and no proof survives a change.
 * Method: the published certificate-transparency vectors of eight leaves; the RFC's recursive
 * definition in a few lines against the stored tree for every size to 70 and every pair in it; then
 * each bit group of each proof is broken. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/inside.h"
#include "merkle/merkle.h"

#define SIZE_MAX_TESTED 70

static merkle_hash_t nodes[8][SIZE_MAX_TESTED + 1];
static bool written[8][SIZE_MAX_TESTED + 1];
static merkle_hash_t leaves[SIZE_MAX_TESTED];

static bool
node_read(void *context, unsigned level, uint64_t index, merkle_hash_t *hash)
{
    (void) context;
    if (level >= 8 || index > SIZE_MAX_TESTED || !written[level][index])
        return false;
    *hash = nodes[level][index];
    return true;
}

static bool
node_write(void *context, unsigned level, uint64_t index, merkle_hash_t hash)
{
    (void) context;
    if (level >= 8 || index > SIZE_MAX_TESTED || written[level][index])
        return false; /* a node is written once */
    nodes[level][index] = hash;
    written[level][index] = true;
    return true;
}

/* --- the RFC's own words, 2.1.1, 2.1.3.1 and 2.1.4.1 --- */

static size_t
power_below(size_t n)
{
    size_t k = 1;

    while (2 * k < n)
        k *= 2;
    return k;
}

static merkle_hash_t
mth(const merkle_hash_t *d, size_t n)
{
    if (n == 1)
        return d[0];
    return merkle_node(mth(d, power_below(n)), mth(d + power_below(n), n - power_below(n)));
}

static void
path(size_t m, const merkle_hash_t *d, size_t n, struct merkle_proof *out)
{
    if (n == 1)
        return;
    const size_t k = power_below(n);
    path(m < k ? m : m - k, m < k ? d : d + k, m < k ? k : n - k, out);
    out->hashes[out->count++] = m < k ? mth(d + k, n - k) : mth(d, k);
}

static void
subproof(size_t m, const merkle_hash_t *d, size_t n, bool b, struct merkle_proof *out)
{
    if (m == n) {
        if (!b)
            out->hashes[out->count++] = mth(d, n);
        return;
    }
    const size_t k = power_below(n);
    subproof(m <= k ? m : m - k, m <= k ? d : d + k, m <= k ? k : n - k, m <= k && b, out);
    out->hashes[out->count++] = m <= k ? mth(d + k, n - k) : mth(d, k);
}

/* --- */

static const char *const ct_leaves[] = {
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
};
static const char *const ct_roots[] = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};
#define H96 "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
#define H5F "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
#define H6B "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
#define HBC "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
#define HCA "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
#define HD3 "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
#define HFA "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
#define H6E "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
#define H0E "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
static const struct {
    bool inclusion;
    uint64_t from, size;
    const char *hashes[4];
} ct_proofs[] = {
    { true, 0, 1, { NULL } },           { true, 0, 8, { H96, H5F, H6B } },
    { true, 5, 8, { HBC, HCA, HD3 } },  { true, 2, 3, { HFA } },
    { true, 1, 5, { H6E, H5F, HBC } },  { false, 1, 1, { NULL } },
    { false, 1, 8, { H96, H5F, H6B } }, { false, 6, 8, { H0E, HCA, HD3 } },
    { false, 2, 5, { H5F, HBC } },
};

static void
start_tree(void)
{
    memset(written, 0, sizeof written);
}

static merkle_hash_t
root_of(uint64_t size)
{
    merkle_hash_t root;

    assert_true(merkle_root(size, node_read, NULL, &root));
    return root;
}

static void
the_published_vectors_hold(void **state)
{
    (void) state;
    start_tree();
    for (size_t size = 0; size <= COUNT(ct_leaves); size++) {
        char text[65];

        hex_encode(root_of(size).bytes, 32, text);
        assert_string_equal(text, ct_roots[size]);
        if (size < COUNT(ct_leaves)) {
            uint8_t data[16];
            assert_true(hex_decode(ct_leaves[size], data, strlen(ct_leaves[size]) / 2));
            assert_true(merkle_append(size, merkle_leaf(data, strlen(ct_leaves[size]) / 2),
                                      node_read, node_write, NULL));
        }
    }
    for (size_t i = 0; i < COUNT(ct_proofs); i++) {
        struct merkle_proof proof;
        size_t count = 0;

        assert_true((ct_proofs[i].inclusion ? merkle_inclusion : merkle_consistency)(
            ct_proofs[i].from, ct_proofs[i].size, node_read, NULL, &proof));
        for (; ct_proofs[i].hashes[count]; count++) {
            char text[65];
            hex_encode(proof.hashes[count].bytes, 32, text);
            assert_string_equal(text, ct_proofs[i].hashes[count]);
        }
        assert_int_equal(proof.count, count);
    }
}

static void
grow_tree(void)
{
    start_tree();
    for (uint64_t i = 0; i < SIZE_MAX_TESTED; i++) {
        leaves[i] = merkle_leaf(&i, sizeof i);
        assert_true(merkle_append(i, leaves[i], node_read, node_write, NULL));
    }
}

static void
assert_same_proof(const struct merkle_proof *a, const struct merkle_proof *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++)
        assert_memory_equal(a->hashes[i].bytes, b->hashes[i].bytes, MERKLE_HASH_BYTES);
}

static void
every_root_and_inclusion_proof_is_that_of_the_recursive_definition(void **state)
{
    (void) state;
    grow_tree();
    for (size_t n = 1; n <= SIZE_MAX_TESTED; n++) {
        const merkle_hash_t root = root_of(n), reference = mth(leaves, n);

        assert_memory_equal(root.bytes, reference.bytes, MERKLE_HASH_BYTES);
        for (size_t m = 0; m < n; m++) {
            struct merkle_proof proof, expected = { .count = 0 };

            path(m, leaves, n, &expected);
            assert_true(merkle_inclusion(m, n, node_read, NULL, &proof));
            assert_same_proof(&proof, &expected);
            assert_true(merkle_verify_inclusion(m, n, leaves[m], &proof, root));
            /* Not for the neighbour's place, not for the neighbour's leaf, not one hash short. */
            assert_false(n > 1 && merkle_verify_inclusion(m, n, leaves[(m + 1) % n], &proof, root));
            assert_false(n > 1 && merkle_verify_inclusion((m + 1) % n, n, leaves[m], &proof, root));
            assert_false(merkle_verify_inclusion(n, n, leaves[m], &proof, root));
            if (proof.count > 0) {
                proof.hashes[m % proof.count].bytes[n % 32] ^= 1;
                assert_false(merkle_verify_inclusion(m, n, leaves[m], &proof, root));
                proof.hashes[m % proof.count].bytes[n % 32] ^= 1;
                proof.count--;
                assert_false(merkle_verify_inclusion(m, n, leaves[m], &proof, root));
                proof.count++;
            }
            proof.hashes[proof.count++] = root;
            assert_false(merkle_verify_inclusion(m, n, leaves[m], &proof, root));
        }
    }
    assert_false(merkle_verify_inclusion(0, 0, leaves[0], &(struct merkle_proof){ 0 }, leaves[0]));
}

static void
every_consistency_proof_is_that_of_the_recursive_definition(void **state)
{
    (void) state;
    grow_tree();
    for (size_t n = 1; n <= SIZE_MAX_TESTED; n++) {
        for (size_t m = 1; m <= n; m++) {
            struct merkle_proof proof, expected = { .count = 0 };
            merkle_hash_t older = root_of(m), newer = root_of(n);

            subproof(m, leaves, n, true, &expected);
            assert_true(merkle_consistency(m, n, node_read, NULL, &proof));
            assert_same_proof(&proof, &expected);
            assert_true(merkle_verify_consistency(m, n, older, newer, &proof));
            for (size_t i = 0; i < proof.count; i++) {
                proof.hashes[i].bytes[(m + i) % 32] ^= 0x80;
                assert_false(merkle_verify_consistency(m, n, older, newer, &proof));
                proof.hashes[i].bytes[(m + i) % 32] ^= 0x80;
            }
            older.bytes[0] ^= 1;
            assert_false(merkle_verify_consistency(m, n, older, newer, &proof));
            older.bytes[0] ^= 1;
            newer.bytes[31] ^= 1;
            assert_false(merkle_verify_consistency(m, n, older, newer, &proof));
            newer.bytes[31] ^= 1;
            proof.hashes[proof.count++] = newer;
            assert_false(merkle_verify_consistency(m, n, older, newer, &proof));
        }
    }
}

static void
the_edges_of_sizes_are_kept(void **state)
{
    struct merkle_proof proof;

    (void) state;
    grow_tree();
    assert_false(merkle_inclusion(5, 5, node_read, NULL, &proof));
    assert_false(merkle_inclusion(0, 0, node_read, NULL, &proof));
    assert_false(merkle_consistency(6, 5, node_read, NULL, &proof));
    assert_true(merkle_consistency(0, 5, node_read, NULL, &proof));
    assert_true(merkle_verify_consistency(0, 5, root_of(0), root_of(5), &proof));
    assert_false(merkle_verify_consistency(0, 5, root_of(1), root_of(5), &proof));
    assert_false(merkle_verify_consistency(6, 5, root_of(6), root_of(5), &proof));
    /* A node that is not stored is an error, not a wrong root. */
    merkle_hash_t root;
    assert_false(merkle_root(SIZE_MAX_TESTED + 1, node_read, NULL, &root));
    assert_false(merkle_append(SIZE_MAX_TESTED + 2, leaves[0], node_read, node_write, NULL));
}

/* Leaves and nodes are told apart: a node's input given as a leaf does not make the same hash. */
static void
a_node_cannot_pass_for_a_leaf(void **state)
{
    uint8_t pair[64];

    (void) state;
    grow_tree();
    memcpy(pair, leaves[0].bytes, 32);
    memcpy(pair + 32, leaves[1].bytes, 32);
    const merkle_hash_t leaf = merkle_leaf(pair, sizeof pair), node = root_of(2);
    assert_memory_not_equal(leaf.bytes, node.bytes, 32);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_vectors_hold),
        cmocka_unit_test(every_root_and_inclusion_proof_is_that_of_the_recursive_definition),
        cmocka_unit_test(every_consistency_proof_is_that_of_the_recursive_definition),
        cmocka_unit_test(the_edges_of_sizes_are_kept),
        cmocka_unit_test(a_node_cannot_pass_for_a_leaf),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
