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

/* What a stranger is handed is what was hashed. */
static void
the_canonical_bytes_have_the_leaf_of_the_record(void **state)
{
    uint8_t bytes[512];
    const size_t size = record_canonical(town, &a_record, NULL);

    (void) state;
    assert_true(size < sizeof bytes);
    assert_int_equal(record_canonical(town, &a_record, bytes), size);
    const merkle_hash_t leaf = merkle_leaf(bytes, size), same = record_leaf(town, &a_record);
    assert_memory_equal(leaf.bytes, same.bytes, sizeof leaf.bytes);
}

/* --- the archive --- */

static date_t
day(int year, int month, int d)
{
    return date_from_civil(year, month, d);
}

static void
req_9_3_4_an_item_is_kept_ten_years_and_more(void **state)
{
    (void) state;
    for (int kind = 1; kind < ITEM_KIND_COUNT; kind++) {
        const struct kind_row *row = kind_row(kind);
        assert_true(row && row->number == kind);
        assert_true(row->keep_years == 0 || row->keep_years >= 10);
    }
    assert_null(kind_row(0));
    assert_null(kind_row(10));
    assert_null(kind_row(-1));
    const date_t none = { 0 };
    assert_int_equal(rule_keep_until(day(2025, 1, 1), none, 10).days, day(2035, 12, 31).days);
    assert_int_equal(rule_keep_until(day(2025, 12, 31), none, 10).days, day(2035, 12, 31).days);
    assert_int_equal(rule_keep_until(day(2026, 1, 1), none, 10).days, day(2036, 12, 31).days);
    assert_int_equal(rule_keep_until(day(2025, 1, 1), day(2027, 3, 1), 10).days,
                     day(2037, 12, 31).days);
    assert_int_equal(rule_keep_until(day(2025, 1, 1), none, 0).days, 0);
    assert_int_equal(kind_row(ITEM_B05)->keep_years, 30); /* vouchers */
    assert_int_equal(kind_row(ITEM_B09)->keep_years, 30);
}

/* Ten digits are a number like another, eleven are somebody's. */
static void
a_title_holds_no_long_number(void **state)
{
    static const struct {
        const char *title, *reason;
    } cases[] = {
        { "会议照片1234567890", NULL },
        { "会议照片12345678901", ITEM_PERSONAL },
        { "会议照片138 0013 8000", ITEM_PERSONAL },
        { "2025-06-01会议，12人", NULL },
        { "会议\t照片", ITEM_TITLE },
        { "", ITEM_TITLE },
        { "照", NULL },
    };

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct item item = { .kind = ITEM_B04,
                                   .title = cases[i].title,
                                   .dated = day(2025, 6, 1),
                                   .secrecy = SECRECY_INTERNAL,
                                   .keep_years = 10,
                                   .paper_location = "柜" };
        struct err err = { .reason = "" };
        const err_t code = rule_item_by_hand(&item, false, day(2025, 6, 1), &err);
        if ((code == ERR_OK) != (cases[i].reason == NULL) ||
            (cases[i].reason && strcmp(err.reason, cases[i].reason) != 0))
            fail_msg("%s: %s", cases[i].title, err.reason);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_canonical_bytes_have_the_leaf_of_the_record),
        cmocka_unit_test(req_9_3_4_an_item_is_kept_ten_years_and_more),
        cmocka_unit_test(a_title_holds_no_long_number),
        cmocka_unit_test(a_leaf_is_the_hash_that_the_readme_describes),
        cmocka_unit_test(every_part_of_a_record_is_in_its_leaf),
        cmocka_unit_test(a_head_is_signed_over_these_bytes),
        cmocka_unit_test(sizes_of_two_heads_are_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
