/* mask_test.c - the golden table of names, and numbers in and out of shape. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "check/utf8.h"
#include "mask/mask.h"

static const struct {
    const char *name, *t0, *t1;
} golden[] = {
    { "张三", "张**", "张*" },
    { "张小丰", "张**", "张*丰" },
    { "张小小丰", "张**", "张**丰" },
    { "王建国", "王**", "王*国" },
    { "李娜", "李**", "李*" },
    { "赵", "**", "**" },
    { "", "**", "**" },
    { "   ", "**", "**" },
    { "　　", "**", "**" },
    { "欧阳", "欧**", "欧*" },
    { "欧阳锋", "欧阳**", "欧阳*" },
    { "欧阳小锋", "欧阳**", "欧阳*锋" },
    { "歐陽小鋒", "歐陽**", "歐陽*鋒" },
    { "司马光", "司马**", "司马*" },
    { "司马相如", "司马**", "司马*如" },
    { "上官婉儿", "上官**", "上官*儿" },
    { "诸葛亮", "诸葛**", "诸葛*" },
    { "諸葛亮", "諸葛**", "諸葛*" },
    { "夏侯惇", "夏侯**", "夏侯*" },
    { "尉迟恭", "尉迟**", "尉迟*" },
    { "慕容复", "慕容**", "慕容*" },
    { "令狐冲", "令狐**", "令狐*" },
    { "皇甫谧", "皇甫**", "皇甫*" },
    { "第五伦", "第五**", "第五*" },
    { "东方红", "东方**", "东方*" },
    { "欧小阳", "欧**", "欧*阳" },
    { "张欧阳", "张**", "张*阳" },
    { "阿依古丽·买买提", "阿**", "阿***·***" },
    { "阿依古丽•买买提", "阿**", "阿***·***" },
    { "阿依古丽・买买提", "阿**", "阿***·***" },
    { "欧阳·买买提", "欧**", "欧*·***" },
    { "扎西", "扎**", "扎*" },
    { "·", "**", "**" },
    { "John Smith", "J**", "J*** *****" },
    { "john", "j**", "j***" },
    { "Li", "L**", "L*" },
    { "X", "**", "**" },
    { "Élodie", "É**", "É*****" },
    { "E\xcc\x81lodie", "E**", "E*****" },
    { "Иван Петров", "И**", "И*** ******" },
    { "𠮷田", "𠮷**", "𠮷*" },
    { "𠮷小川", "𠮷**", "𠮷*川" },
    { "李𠮷", "李**", "李*" },
    { "李小𠮷", "李**", "李*𠮷" },
    { "𠮷", "**", "**" },
    { "张 三", "张**", "张*" },
    { " 张　小丰\t", "张**", "张*丰" },
    { "欧 阳 小 锋", "欧阳**", "欧阳*锋" },
    { "葛\xf3\xa0\x84\x80小城", "葛**", "葛*城" },
    { "张\xe2\x80\x8b三", "张**", "张*" },
    { "〇小川", "〇**", "〇*川" },
    { "=1+1", "=**", "=***" },
    { "<b>张</b>", "<**", "<*******" },
    { "\xff", "**", "**" },
    { "张\xe4\xb8", "**", "**" },
    { "\xe5\xbc", "**", "**" },
    { "张三\xed\xa0\x80", "**", "**" },
    { "\xc0\xaf张三", "**", "**" },
};

static void
names_are_masked_as_the_table_says(void **state)
{
    (void) state;
    char text[MASK_NAME_BYTES];

    assert_true(COUNT(golden) >= 40);
    for (size_t i = 0; i < COUNT(golden); i++) {
        mask_name(MASK_T0, golden[i].name, text);
        assert_string_equal(text, golden[i].t0);
        mask_name(MASK_T1, golden[i].name, text);
        assert_string_equal(text, golden[i].t1);
    }
}

static void
organiser_and_staff_see_names_in_full(void **state)
{
    (void) state;
    static const char *const full[] = {
        "张三", "赵", "欧阳小锋", "阿依古丽·买买提", "𠮷田", "John"
    };
    static const char *const unknown[] = { "", " ", "张\xff", "\xe5\xbc" };
    char text[MASK_NAME_BYTES];

    for (enum mask_tier tier = MASK_T2; tier <= MASK_T3; tier++) {
        for (size_t i = 0; i < COUNT(full); i++) {
            mask_name(tier, full[i], text);
            assert_string_equal(text, full[i]);
        }
        for (size_t i = 0; i < COUNT(unknown); i++) {
            mask_name(tier, unknown[i], text);
            assert_string_equal(text, "**");
        }
    }
}

static void
names_of_any_length_fit(void **state)
{
    (void) state;
    char name[MASK_NAME_BYTES + 8], text[MASK_NAME_BYTES];

    for (size_t count = 2; count < sizeof name; count++) {
        memset(name, 'a', count);
        name[count] = '\0';
        for (enum mask_tier tier = MASK_T0; tier <= MASK_T3; tier++) {
            mask_name(tier, name, text);
            if (count >= MASK_NAME_BYTES)
                assert_string_equal(text, "**");
            else
                assert_int_equal(strlen(text), tier == MASK_T0 ? 3 : count);
        }
        if (count == sizeof name - 1)
            break;
    }
}

/* Bytes from a fixed sequence: whatever comes, the mask is UTF-8 and shows at most two of them. */
static void
masks_are_utf8_whatever_comes(void **state)
{
    (void) state;
    static const char *const parts[] = { "张", "欧阳", "·",    "a",  " ",
                                         "𠮷", "\xff", "\xe5", "　", "é" };
    uint32_t seed = 1;

    for (int round = 0; round < 20000; round++) {
        char name[64] = "", text[MASK_NAME_BYTES];
        size_t size = 0, points = 0;
        seed = seed * 1664525u + 1013904223u;
        for (uint32_t bits = seed >> 8; bits > 9; bits /= 10) {
            const char *part = parts[bits % 10];
            memcpy(name + size, part, strlen(part) + 1);
            size += strlen(part);
        }
        mask_name(MASK_T0, name, text);
        const char *at = text, *end = text + strlen(text);
        uint32_t code;
        for (; at < end; points++)
            assert_true(utf8_next(&at, end, &code));
        assert_true(points >= 2 && points <= 4);
        assert_string_equal(end - 2, "**");
    }
}

struct number_case {
    const char *number, *masked;
};

static void
id_numbers_hide_the_birth_date(void **state)
{
    (void) state;
    static const struct number_case cases[] = {
        { "11010519491231002X", "110105********002X" },
        { " 11010519491231002x ", "110105********002X" },
        { "１１０１０５１９４９１２３１００２Ｘ", "110105********002X" },
        { "110105194912310021", "110105********0021" }, /* a wrong check character */
        { "110105491231002", "110105********002" },
        { "G12345678", "********" },
        { "", "********" },
        { "1101051949123100", "********" },
        { "11010519491231002XX", "********" },
        { "1101051949123100XX", "********" },
        { "11010519491231002\xff", "********" },
    };
    char text[MASK_ID_NUMBER_BYTES];

    for (size_t i = 0; i < COUNT(cases); i++) {
        mask_id_number(cases[i].number, text);
        assert_string_equal(text, cases[i].masked);
    }
}

static void
phones_keep_three_and_four(void **state)
{
    (void) state;
    static const struct number_case cases[] = {
        { "13800138000", "138****8000" },
        { "+8613800138000", "138****8000" },
        { "0086 138-0013-8000", "138****8000" },
        { "0512-58881234", "0512-****34" },
        { "051258881234", "0512-****34" },
        { "010-62345678", "010-****78" },
        { "01062345678", "010-****78" },
        { "0371 6234567", "0371-****67" },
        { "58881234", "****" },
        { "12345", "****" },
        { "", "****" },
        { "0", "****" },
        { "0-1", "****" },
        { "051-2-5888123", "****" },
        { "0512-5888123a", "****" },
        { "\xff\xff", "****" },
        { "05125888123412345678", "****" },
        { "--------------", "****" },
    };
    char text[MASK_PHONE_BYTES];

    for (size_t i = 0; i < COUNT(cases); i++) {
        mask_phone(cases[i].number, text);
        assert_string_equal(text, cases[i].masked);
    }
}

static void
cards_keep_four_and_four(void **state)
{
    (void) state;
    static const struct number_case cases[] = {
        { "6217001234567890122", "6217 **** **** 0122" },
        { "6217 0012 3456 7890 122", "6217 **** **** 0122" },
        { "4111111111111111", "4111 **** **** 1111" },
        { "622848001234", "6228 **** **** 1234" },
        { "62284800123", "**** ****" },
        { "62170012345678901221", "**** ****" },
        { "6217001234567890a22", "**** ****" },
        { "", "**** ****" },
        { "\xff", "**** ****" },
    };
    char text[MASK_CARD_BYTES];

    for (size_t i = 0; i < COUNT(cases); i++) {
        mask_card(cases[i].number, text);
        assert_string_equal(text, cases[i].masked);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_masked_as_the_table_says),
        cmocka_unit_test(organiser_and_staff_see_names_in_full),
        cmocka_unit_test(names_of_any_length_fit),
        cmocka_unit_test(masks_are_utf8_whatever_comes),
        cmocka_unit_test(id_numbers_hide_the_birth_date),
        cmocka_unit_test(phones_keep_three_and_four),
        cmocka_unit_test(cards_keep_four_and_four),
    };
    return cmocka_run_group_tests_name("unit/mask", tests, NULL, NULL);
}
