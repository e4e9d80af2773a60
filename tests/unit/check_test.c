/* check_test.c - the validators against the published examples, each result, and odd input. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "check/check.h"
#include "check/utf8.h"

static date_t
day(const char *text)
{
    date_t date;

    assert_true(date_parse(text, &date));
    return date;
}

static enum check_result
id_result(const char *text, const char *today, struct id_number *id)
{
    memset(id, 0, sizeof *id);
    return check_id_number(text, day(today), id);
}

static void
id_numbers_that_hold_give_birth_and_sex(void **state)
{
    (void) state;
    static const struct {
        const char *text, *birth;
        enum check_sex sex;
    } cases[] = {
        { "11010519491231002X", "1949-12-31", CHECK_FEMALE },
        { "34052419800101001X", "1980-01-01", CHECK_MALE },
        { "120223198902021249", "1989-02-02", CHECK_FEMALE },
        { "130132199210293822", "1992-10-29", CHECK_FEMALE },
        { "320281196502150035", "1965-02-15", CHECK_MALE },
        { "350125201202290047", "2012-02-29", CHECK_FEMALE },
        { "320723199003072017", "1990-03-07", CHECK_MALE },
        { "320281202401010015", "2024-01-01", CHECK_MALE },
    };
    struct id_number id;

    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(id_result(cases[i].text, "2026-11-22", &id), CHECK_OK);
        assert_string_equal(id.text, cases[i].text);
        assert_int_equal(id.birth.days, day(cases[i].birth).days);
        assert_int_equal(id.sex, cases[i].sex);
        assert_int_equal(id.kind, ID_KIND_RESIDENT);
        assert_false(id.converted || id.warn_region || id.warn_age_over_120);
    }
}

static void
every_wrong_character_of_an_id_number_is_found(void **state)
{
    (void) state;
    static const char good[] = "11010519491231002X";
    struct id_number id;

    for (int at = 0; at < 18; at++)
        for (char c = '0'; c <= '9'; c++) {
            char text[19];
            memcpy(text, good, sizeof text);
            text[at] = c;
            if (c != good[at])
                assert_int_not_equal(id_result(text, "2026-11-22", &id), CHECK_OK);
        }
}

static void
each_fault_of_an_id_number_has_its_result(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        enum check_result result;
    } cases[] = {
        { "", CHECK_LENGTH },
        { "   ", CHECK_LENGTH },
        { "11010519491231002", CHECK_LENGTH },
        { "11010519491231002XX", CHECK_LENGTH },
        { "11010519491231002 X", CHECK_LENGTH },
        { "1101051949123100212345678901234567890123456789", CHECK_LENGTH },
        { "1101051949123100X2", CHECK_CHARACTERS },
        { "X1010519491231002X", CHECK_CHARACTERS },
        { "11010519491231 02X", CHECK_CHARACTERS },
        { "11010519491231002Y", CHECK_CHARACTERS },
        { "1101051949123100二X", CHECK_CHARACTERS },
        { "11010519491231002\xff", CHECK_CHARACTERS },
        { "11010549123100X", CHECK_CHARACTERS }, /* 15 have no check character */
        { "11010520230229002X", CHECK_DATE },
        { "11010519991332002X", CHECK_DATE },
        { "110105190002290020", CHECK_DATE },
        { "110105000001010020", CHECK_DATE },
        { "110105491332100", CHECK_DATE },
        { "130402198207290622", CHECK_CHECKSUM },
        { "110105194912310021", CHECK_CHECKSUM },
        { "440524188001010014", CHECK_AGE },
    };
    struct id_number id, untouched;

    memset(&untouched, 0, sizeof untouched);
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(id_result(cases[i].text, "2026-11-22", &id), cases[i].result);
        assert_memory_equal(&id, &untouched, sizeof id);
    }
}

static void
birth_is_neither_after_today_nor_over_130_years_ago(void **state)
{
    (void) state;
    struct id_number id;

    assert_int_equal(id_result("320281202401010015", "2023-12-31", &id), CHECK_FUTURE);
    assert_int_equal(id_result("320281202401010015", "2024-01-01", &id), CHECK_OK);
    assert_int_equal(id_result("440524188001010014", "2000-12-31", &id), CHECK_OK);
    assert_false(id.warn_age_over_120);
    assert_int_equal(id_result("440524188001010014", "2001-01-01", &id), CHECK_OK);
    assert_true(id.warn_age_over_120);
    assert_int_equal(id_result("440524188001010014", "2010-12-31", &id), CHECK_OK);
    assert_int_equal(id_result("440524188001010014", "2011-01-01", &id), CHECK_AGE);
}

static void
id_numbers_are_read_as_people_type_them(void **state)
{
    (void) state;
    static const char *const forms[] = {
        "11010519491231002x",         "  11010519491231002X\t\r\n",
        "\ufeff11010519491231002X　", "１１０１０５１９４９１２３１００２Ｘ",
        "１１０１０５19491231002ｘ",
    };
    struct id_number id;

    for (size_t i = 0; i < COUNT(forms); i++) {
        assert_int_equal(id_result(forms[i], "2026-11-22", &id), CHECK_OK);
        assert_string_equal(id.text, "11010519491231002X");
    }
}

static void
old_numbers_of_15_digits_are_converted(void **state)
{
    (void) state;
    struct id_number id;

    assert_int_equal(id_result("110105491231002", "2026-11-22", &id), CHECK_OK);
    assert_string_equal(id.text, "11010519491231002X");
    assert_true(id.converted);
    assert_int_equal(id.sex, CHECK_FEMALE);
    /* 996 to 999 were people of the century before; the number made must hold by itself. */
    assert_int_equal(id_result("110105991231998", "2000-01-01", &id), CHECK_OK);
    assert_int_equal(id.birth.days, day("1899-12-31").days);
    /* The canonical text may be checked in its own place. */
    assert_int_equal(check_id_number(id.text, day("2000-01-01"), &id), CHECK_OK);
    assert_false(id.converted);
    assert_int_equal(id_result("110105991231995", "2000-01-01", &id), CHECK_OK);
    assert_int_equal(id.birth.days, day("1999-12-31").days);
}

static void
the_kind_of_an_id_number_is_in_its_first_digits(void **state)
{
    (void) state;
    /* The same birth and sequence; the region and the check character differ. */
    static const struct {
        const char *region;
        enum id_kind kind;
        bool warned;
    } cases[] = {
        { "320281", ID_KIND_RESIDENT, false },   { "810000", ID_KIND_HMT_PERMIT, false },
        { "820000", ID_KIND_HMT_PERMIT, false }, { "830000", ID_KIND_HMT_PERMIT, false },
        { "911840", ID_KIND_FOREIGN, false },    { "840000", ID_KIND_RESIDENT, true },
        { "160000", ID_KIND_RESIDENT, true },    { "000000", ID_KIND_RESIDENT, true },
        { "710000", ID_KIND_RESIDENT, false },   { "650000", ID_KIND_RESIDENT, false },
        { "240000", ID_KIND_RESIDENT, true },    { "500101", ID_KIND_RESIDENT, false },
    };
    struct id_number id;

    for (size_t i = 0; i < COUNT(cases); i++) {
        int held = 0;
        for (const char *check = "0123456789X"; *check; check++) {
            char text[19];
            (void) snprintf(text, sizeof text, "%s19900101123%c", cases[i].region, *check);
            if (id_result(text, "2026-11-22", &id) != CHECK_OK)
                continue;
            held++;
            assert_int_equal(id.kind, cases[i].kind);
            assert_int_equal(id.warn_region, cases[i].warned);
        }
        assert_int_equal(held, 1); /* one check character of eleven holds */
    }
}

static void
years_of_age_turn_on_the_birthday(void **state)
{
    (void) state;
    assert_int_equal(check_age_years(day("2012-02-29"), day("2026-02-28")), 13);
    assert_int_equal(check_age_years(day("2012-02-29"), day("2026-03-01")), 14);
    assert_int_equal(check_age_years(day("1990-03-07"), day("1990-03-07")), 0);
    assert_int_equal(check_age_years(day("1990-03-07"), day("2020-03-06")), 29);
    assert_int_equal(check_age_years(day("1990-03-07"), day("2020-03-07")), 30);
}

static void
credit_codes_stop_on_form_and_warn_on_checksum(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        enum check_result result;
        bool warned;
    } cases[] = {
        { "91350100M000100Y43", CHECK_OK, false },
        { "91110000101623741K", CHECK_OK, false },
        { "911101066976941872", CHECK_OK, false },
        { " ９1350100m000100y43 ", CHECK_OK, false },
        { "91350211M0000XUF46", CHECK_OK, true },
        { "91310115MA1H8R7C6D", CHECK_OK, true },
        { "91350100M000100Y4", CHECK_LENGTH, false },
        { "91350100M000100Y433", CHECK_LENGTH, false },
        { "91350100I000100Y43", CHECK_CHARACTERS, false },
        { "91350100O000100Y43", CHECK_CHARACTERS, false },
        { "91350100M00010-Y43", CHECK_CHARACTERS, false },
    };
    struct uscc code;

    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(check_uscc(cases[i].text, &code), cases[i].result);
        if (cases[i].result == CHECK_OK) {
            assert_int_equal(code.warn_checksum, cases[i].warned);
            assert_int_equal(strlen(code.text), 18);
        }
    }
    assert_int_equal(check_uscc(" ９1350100m000100y43 ", &code), CHECK_OK);
    assert_string_equal(code.text, "91350100M000100Y43");
}

static void
bank_cards_warn_on_luhn(void **state)
{
    (void) state;
    static const char *const valid[] = {
        "6228480012345678903", "6222021100123456789", "6217001234567890122", "6217991234567890124",
        "6205220012345678906", "62284800123456782",   "4111111111111111",
    };
    struct bank_card card;

    for (size_t i = 0; i < COUNT(valid); i++) {
        assert_int_equal(check_bank_card(valid[i], &card), CHECK_OK);
        assert_string_equal(card.digits, valid[i]);
        assert_false(card.warn_luhn);
    }
    assert_true(check_luhn("79927398713"));
    assert_false(check_luhn("79927398710"));
    assert_false(check_luhn("") || check_luhn("7992739871x"));
    assert_int_equal(check_bank_card(" 6228 4800 1234 5678 903\t", &card), CHECK_OK);
    assert_string_equal(card.digits, "6228480012345678903");
    assert_int_equal(check_bank_card("6228480012345678904", &card), CHECK_OK);
    assert_true(card.warn_luhn);
    assert_int_equal(check_bank_card("62284800123", &card), CHECK_LENGTH);
    assert_int_equal(check_bank_card("622848001234", &card), CHECK_OK);
    assert_int_equal(check_bank_card("62284800123456789031", &card), CHECK_LENGTH);
    assert_int_equal(check_bank_card("6228-4800-1234-5678", &card), CHECK_CHARACTERS);
}

static void
phones_become_e164(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        enum check_result result;
    } cases[] = {
        { "13800138000", CHECK_OK },
        { "+8613800138000", CHECK_OK },
        { "008613800138000", CHECK_OK },
        { "+86 138-0013-8000", CHECK_OK },
        { "１３８００１３８０００", CHECK_OK },
        { "＋86 13800138000 ", CHECK_OK },
        { "8613800138000", CHECK_LENGTH },
        { "1380013800", CHECK_LENGTH },
        { "138001380001", CHECK_LENGTH },
        { "", CHECK_LENGTH },
        { "+86", CHECK_LENGTH },
        { "12800138000", CHECK_PREFIX },
        { "23800138000", CHECK_PREFIX },
        { "1380013800a", CHECK_CHARACTERS },
        { "+8513800138000", CHECK_LENGTH },
        { "+3800138000", CHECK_CHARACTERS },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        char phone[PHONE_BYTES] = "";
        assert_int_equal(check_phone(cases[i].text, phone), cases[i].result);
        assert_string_equal(phone, cases[i].result == CHECK_OK ? "+8613800138000" : "");
    }
}

static void
division_codes_have_the_level_of_their_length(void **state)
{
    (void) state;
    static const char *const good[] = { "32", "3202", "320281", "320281110", "320281110201" };
    static const char *const bad[] = { "", "3", "320", "32028", "3202811", "3202811102011" };
    struct division_code code;

    for (size_t i = 0; i < COUNT(good); i++) {
        assert_int_equal(check_division_code(good[i], &code), CHECK_OK);
        assert_string_equal(code.text, good[i]);
        assert_int_equal(code.level, strlen(good[i]));
    }
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(check_division_code(bad[i], &code), CHECK_LENGTH);
    assert_int_equal(check_division_code("32028a", &code), CHECK_CHARACTERS);
    assert_int_equal(check_division_code(" ３２0281 ", &code), CHECK_OK);
    assert_string_equal(code.text, "320281");
}

static void
results_have_stable_names_of_their_own(void **state)
{
    (void) state;
    static const char *const names[] = { "ok",       "length", "characters", "date",
                                         "checksum", "future", "age",        "prefix" };

    assert_int_equal(COUNT(names), CHECK_COUNT);
    for (int i = 0; i < CHECK_COUNT; i++) {
        assert_string_equal(check_name((enum check_result) i), names[i]);
        assert_true(check_says_zh((enum check_result) i)[0] & 0x80);
        assert_true(strlen(check_says_en((enum check_result) i)) > 10);
    }
}

static void
only_strict_utf8_is_read(void **state)
{
    (void) state;
    static const char *const good[] = { "a", "\xc2\x80", "\xe5\xbc\xa0", "\xf0\xa0\xae\xb7",
                                        "\xf4\x8f\xbf\xbf" };
    static const char *const bad[] = {
        "\x80",         "\xc0\x80",    "\xc1\xbf",         "\xe0\x80\x80",     "\xe0\x9f\xbf",
        "\xed\xa0\x80", "\xe5\xbc",    "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80",
        "\xff",         "\xe5\x41\xa0"
    };
    uint32_t code;

    for (size_t i = 0; i < COUNT(good); i++) {
        const char *at = good[i], *end = at + strlen(at);
        assert_true(utf8_next(&at, end, &code));
        assert_ptr_equal(at, end);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        const char *at = bad[i];
        assert_false(utf8_next(&at, at + strlen(at), &code));
        assert_ptr_equal(at, bad[i]);
    }
    const char *at = good[3];
    assert_true(utf8_next(&at, at + 4, &code));
    assert_int_equal(code, 0x20bb7);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(id_numbers_that_hold_give_birth_and_sex),
        cmocka_unit_test(every_wrong_character_of_an_id_number_is_found),
        cmocka_unit_test(each_fault_of_an_id_number_has_its_result),
        cmocka_unit_test(birth_is_neither_after_today_nor_over_130_years_ago),
        cmocka_unit_test(id_numbers_are_read_as_people_type_them),
        cmocka_unit_test(old_numbers_of_15_digits_are_converted),
        cmocka_unit_test(the_kind_of_an_id_number_is_in_its_first_digits),
        cmocka_unit_test(years_of_age_turn_on_the_birthday),
        cmocka_unit_test(credit_codes_stop_on_form_and_warn_on_checksum),
        cmocka_unit_test(bank_cards_warn_on_luhn),
        cmocka_unit_test(phones_become_e164),
        cmocka_unit_test(division_codes_have_the_level_of_their_length),
        cmocka_unit_test(results_have_stable_names_of_their_own),
        cmocka_unit_test(only_strict_utf8_is_read),
    };
    return cmocka_run_group_tests_name("unit/check", tests, NULL, NULL);
}
