/* Goal: the bytes of a leaf and of a head never change by accident: old logs must stay provable.
 * Method: golden hashes, computed by sha256sum over the bytes that README.md describes. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "audit/rules.h"

static const struct id town = { { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 } };
static const struct record a_record = {
    .event = { { 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31 } },
    .source = "claims",
    .topic = "huzhu.claims.v1.ClaimFiled",
    .traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    .at = { 1795320000000001 },
    .body = "\x0a\x03"
            "abc",
    .body_size = 5,
};

static void
assert_hex(const uint8_t *bytes, size_t size, const char *expected)
{
    char text[300];

    for (size_t i = 0; i < size; i++)
        (void) snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    assert_string_equal(text, expected);
}

static void
a_leaf_is_the_hash_that_the_readme_describes(void **state)
{
    const merkle_hash_t leaf = record_leaf(town, &a_record);

    (void) state;
    assert_hex(leaf.bytes, sizeof leaf.bytes,
               "5e71dc2e70afe6b564f5ec90855d2b655585af08f4b1e0546b812c5700cbad76");
}

static void
every_part_of_a_record_is_in_its_leaf(void **state)
{
    const merkle_hash_t leaf = record_leaf(town, &a_record);
    struct record changed[8];
    struct id elsewhere = town;

    (void) state;
    for (size_t i = 0; i < COUNT(changed); i++)
        changed[i] = a_record;
    changed[0].event.bytes[15] ^= 1;
    changed[1].source = "claim";
    changed[2].topic = "huzhu.claims.v1.ClaimFiles";
    changed[3].traceparent = "";
    changed[4].at.us++;
    changed[5].body_size--;
    /* Borders between texts count: "ab","c" is not "a","bc". */
    changed[6].source = "claimsh";
    changed[6].topic = "uzhu.claims.v1.ClaimFiled";
    changed[7].body = "\x0a\x03"
                      "abd";
    for (size_t i = 0; i < COUNT(changed); i++) {
        const merkle_hash_t other = record_leaf(town, &changed[i]);
        assert_memory_not_equal(other.bytes, leaf.bytes, sizeof leaf.bytes);
    }
    elsewhere.bytes[0] = 1;
    const merkle_hash_t other = record_leaf(elsewhere, &a_record);
    assert_memory_not_equal(other.bytes, leaf.bytes, sizeof leaf.bytes);
    /* The place is the tree's to prove. */
    struct record placed = a_record;
    placed.seq = 7;
    const merkle_hash_t same = record_leaf(town, &placed);
    assert_memory_equal(same.bytes, leaf.bytes, sizeof leaf.bytes);
}

static void
a_head_is_signed_over_these_bytes(void **state)
{
    struct head head = { .size = 258, .at = { 1795320000000001 } };
    uint8_t text[HEAD_TEXT_BYTES];

    (void) state;
    memset(head.root.bytes, 0xAB, sizeof head.root.bytes);
    head_text(town, &head, text);
    assert_int_equal(sizeof text, 84);
    assert_hex(
        text, sizeof text,
        "68757a6875206175646974206865616420763100000102030405060708090a0b0c0d0e0f000000000000"
        "0102abababababababababababababababababababababababababababababababab000660d582dbb001");
}

static void
sizes_of_two_heads_are_in_order(void **state)
{
    static const struct {
        const char *name;
        int64_t older, newer;
        bool fits;
    } cases[] = {
        { "one and one", 1, 1, true },    { "one and the newest", 1, 0, true },
        { "none", 0, 1, false },          { "negative", -1, 1, false },
        { "the wrong way", 3, 2, false }, { "three and three", 3, 3, true },
    };

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = { 0 };
        if ((rule_sizes(cases[i].older, cases[i].newer, &err) == ERR_OK) != cases[i].fits)
            fail_msg("%s", cases[i].name);
        if (!cases[i].fits)
            assert_string_equal(err.reason, SIZE_ORDER);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leaf_is_the_hash_that_the_readme_describes),
        cmocka_unit_test(every_part_of_a_record_is_in_its_leaf),
        cmocka_unit_test(a_head_is_signed_over_these_bytes),
        cmocka_unit_test(sizes_of_two_heads_are_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
