/* Goal: what a list may say, field by field, and the life of a list.
 * Method: tables of rows against the pure rules; no database. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "identity/rules_register.h"

static const struct village villages[] = { { .code = "321102001001", .covered = true },
                                           { .code = "321102001002", .covered = false } };

static struct register_facts
facts(void)
{
    struct register_facts facts = { .villages = villages, .village_count = COUNT(villages) };

    assert_true(date_parse("2026-11-22", &facts.today));
    return facts;
}

/* Vectors: the published example of GB 11643, and numbers with their check characters by hand. */
static void
req_9_3_1_numbers_are_those_of_gb_11643(void **state)
{
    static const struct {
        enum person_id_kind kind;
        const char *text, *code, *canonical;
    } cases[] = {
        { PERSON_ID_RESIDENT, "11010519491231002X", NULL, "11010519491231002X" },
        { PERSON_ID_RESIDENT, "11010519491231002x", NULL, "11010519491231002X" },
        { PERSON_ID_RESIDENT, " １１０１０５１９４９１２３１００２Ｘ ", NULL,
          "11010519491231002X" },
        { PERSON_ID_RESIDENT, "110105194912310021", "id_number.checksum", NULL },
        { PERSON_ID_RESIDENT, "11010519491331002X", "id_number.date", NULL },
        { PERSON_ID_RESIDENT, "1101051949123100", "id_number.length", NULL },
        { PERSON_ID_RESIDENT, "", "field.empty", NULL },
        { PERSON_ID_HMT_RESIDENT, "11010519491231002X", "id_kind.differs", NULL },
        { PERSON_ID_PASSPORT, "e1234 5678", NULL, "E12345678" },
        { PERSON_ID_PASSPORT, "E123-45678", "id_number.form", NULL },
        { PERSON_ID_HMT_PERMIT, "H12345678", NULL, "H12345678" },
        { PERSON_ID_HMT_PERMIT, "HH2345678", "id_number.form", NULL },
        { PERSON_ID_BIRTH_CERTIFICATE, "Q123456789", NULL, "Q123456789" },
        { PERSON_ID_BIRTH_CERTIFICATE, "Q12345678", "id_number.form", NULL },
    };

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char out[PERSON_NUMBER_BYTES] = "";
        struct id_number gb;
        const char *code =
            rule_person_number(cases[i].kind, cases[i].text, facts().today, &gb, out);
        if ((code == NULL) != (cases[i].code == NULL) || (code && strcmp(code, cases[i].code) != 0))
            fail_msg("%zu: %s", i, code ? code : "well");
        if (!code)
            assert_string_equal(out, cases[i].canonical);
    }
}

/* Both sides of the sixty days (9.3.1: a newborn has no number yet). */
static void
req_9_3_1_a_birth_certificate_serves_for_sixty_days(void **state)
{
    static const struct {
        const char *birth;
        size_t faults;
    } cases[] = { { "2026-09-23", 0 }, { "2026-09-22", 1 }, { "2026-11-22", 0 } };
    const struct register_facts against = facts();

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *const fields[COLUMN_COUNT] = { "E1",
                                                   "子",
                                                   "小宝",
                                                   "男",
                                                   "出生医学证明",
                                                   "Q123456789",
                                                   cases[i].birth,
                                                   "",
                                                   "321102001001",
                                                   "",
                                                   "是",
                                                   "",
                                                   "",
                                                   "",
                                                   "" };
        struct row_fault faults[COLUMN_COUNT];
        struct register_row row = { .row = 2 };
        assert_int_equal(rule_register_row(&against, fields, &row, faults), cases[i].faults);
    }
}

static void
req_5_4b_and_004_3_grounds_and_categories_are_read_as_people_write_them(void **state)
{
    const char *const fields[COLUMN_COUNT] = { "E-1",
                                               "儿子",
                                               "阿依·买买提",
                                               "",
                                               "",
                                               "11010519491231002X",
                                               "1949年12月31日",
                                               "138 0013 8000",
                                               "321102001001",
                                               "低保、重残；监测户",
                                               "√",
                                               "N",
                                               "1",
                                               "迁入",
                                               "2026/3/1" };
    const struct register_facts against = facts();
    struct row_fault faults[COLUMN_COUNT];
    struct register_row row = { .row = 7 };

    (void) state;
    if (rule_register_row(&against, fields, &row, faults) != 0)
        fail_msg("%s %s", column_name(faults[0].column), faults[0].code);
    assert_int_equal(row.grounds, 1 << GROUND_REGISTERED | 1 << GROUND_RESIDENT);
    assert_int_equal(row.categories, 1 << 1 | 1 << 8 | 1 << 4);
    assert_int_equal(row.sex, CHECK_FEMALE);
    assert_int_equal(row.entry, ENTRY_MOVED_IN);
    assert_int_equal(row.relation, relation_of("子"));
    assert_string_equal(category_code(category_of_name("五保")), "extreme_poverty");
    assert_int_equal(category_of_code("margin_of_living"), category_of_name("低收入"));
}

static void
dates_are_days_of_the_calendar(void **state)
{
    static const struct {
        const char *text, *day; /* NULL: none */
    } cases[] = {
        { "2024-02-29", "2024-02-29" },
        { "20240229", "2024-02-29" },
        { "2024/2/9", "2024-02-09" },
        { "2024.12.1", "2024-12-01" },
        { "2024年1月2日", "2024-01-02" },
        { "2023-02-29", NULL },
        { "2024-2/9", NULL },
        { "24-02-09", NULL },
        { "2024-02-09x", NULL },
        { "20240230", NULL },
        { "", NULL },
        { "45292", NULL },
    };

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[DATE_TEXT_BYTES];
        date_t date;
        const bool is = date_from_text(cases[i].text, &date);
        assert_int_equal(is, cases[i].day != NULL);
        if (is) {
            date_format(date, text);
            assert_string_equal(text, cases[i].day);
        }
    }
}

/* What a report says of a value gives the value away to nobody. */
static void
req_6_2_2c1_a_report_names_the_kind_of_a_value_alone(void **state)
{
    static const struct {
        const char *value, *kind;
    } cases[] = {
        { "", "empty" },         { "11010519491231002", "digits(17)" },
        { "张三丰", "text(3)" }, { "abc", "latin(3)" },
        { "张3", "mixed(2)" },   { "11010519491231002X", "mixed(18)" },
    };

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char kind[VALUE_CLASS_BYTES];
        value_class_of(cases[i].value, kind);
        assert_string_equal(kind, cases[i].kind);
    }
}

static void
every_fault_says_something_in_both_languages(void **state)
{
    static const char *const codes[] = {
#define FAULT(symbol, wire, english, chinese) wire,
#include "identity/faults.def"
#undef FAULT
        "id_number.checksum", "id_number.length",    "phone.prefix",
        "file.short_row",     "file.missing_column",
    };

    (void) state;
    for (size_t i = 0; i < COUNT(codes); i++) {
        assert_string_not_equal(fault_says(codes[i], true), codes[i]);
        assert_string_not_equal(fault_says(codes[i], false), codes[i]);
        assert_string_not_equal(fault_says(codes[i], true), fault_says(codes[i], false));
    }
}

/* The moves written out one by one, apart from import_moves.def. */
static void
req_003_16_the_life_of_a_list(void **state)
{
    static const struct {
        enum import_state from;
        enum import_event on;
        enum import_state to;
    } allowed[] = {
        { IMPORT_RECEIVING, ON_IMPORT_CHECK, IMPORT_CHECKING },
        { IMPORT_RECEIVING, ON_IMPORT_REJECT, IMPORT_REJECTED },
        { IMPORT_CHECKING, ON_IMPORT_CHECKED, IMPORT_CHECKED },
        { IMPORT_CHECKED, ON_IMPORT_APPROVE, IMPORT_APPROVED },
        { IMPORT_CHECKED, ON_IMPORT_REJECT, IMPORT_REJECTED },
        { IMPORT_APPROVED, ON_IMPORT_APPLY, IMPORT_APPLYING },
        { IMPORT_APPLYING, ON_IMPORT_MOVED_ON, IMPORT_CHECKED },
        { IMPORT_APPLYING, ON_IMPORT_APPLIED, IMPORT_APPLIED },
    };

    (void) state;
    for (int from = IMPORT_RECEIVING; from <= IMPORT_REJECTED; from++) {
        for (int on = ON_IMPORT_CHECK; on <= ON_IMPORT_APPLIED; on++) {
            struct import import = { .state = (enum import_state) from, .finished = true };
            struct err err = { 0 };
            size_t k = 0;
            while (k < COUNT(allowed) &&
                   ((int) allowed[k].from != from || (int) allowed[k].on != on))
                k++;
            const err_t code = import_move(&import, (enum import_event) on, &err);
            assert_int_equal(code, k < COUNT(allowed) ? ERR_OK : ERR_CONFLICT);
            assert_int_equal(import.state, k < COUNT(allowed) ? (int) allowed[k].to : from);
        }
    }
    struct import faulty = { .state = IMPORT_CHECKED, .finished = true, .faults = 1 };
    struct err err = { 0 };
    assert_int_equal(import_move(&faulty, ON_IMPORT_APPROVE, &err), ERR_REFUSED);
    assert_string_equal(err.reason, IMPORT_FAULTY);
}

static void
a_list_that_fails_again_and_again_rests(void **state)
{
    static struct import_turns room, *turns = &room;
    const struct id bad = { { 1 } }, good = { { 2 } };
    struct id resting[TURNS_MAX];

    (void) state;
    for (int i = 0; i < 3; i++)
        assert_true(import_begins(turns, bad, 7, 100));
    assert_int_equal(imports_resting(turns, 100, resting), 0);
    assert_false(import_begins(turns, bad, 7, 100)); /* it has failed three times */
    assert_int_equal(imports_resting(turns, 100, resting), 1);
    assert_int_equal(id_cmp(resting[0], bad), 0);
    for (int i = 0; i < 200; i++) /* progress is no failure, and others take no resting place */
        assert_true(import_begins(turns, (struct id){ { 2, (uint8_t) i } }, i, 100));
    assert_true(import_begins(turns, good, 1, 100));

    int64_t now_us = 100, rest_us = 1000000;
    for (int i = 0; i < 12; i++) {
        assert_int_equal(imports_resting(turns, now_us + rest_us - 1, resting), 1);
        now_us += rest_us;
        assert_int_equal(imports_resting(turns, now_us, resting), 0);
        assert_true(import_begins(turns, bad, 7, now_us));
        assert_false(import_begins(turns, bad, 7, now_us));
        rest_us = rest_us * 2 < 300000000 ? rest_us * 2 : 300000000;
    }
    assert_true(import_begins(turns, bad, 8, now_us)); /* somebody decided anew */
    assert_int_equal(imports_resting(turns, now_us, resting), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(req_9_3_1_numbers_are_those_of_gb_11643),
        cmocka_unit_test(req_9_3_1_a_birth_certificate_serves_for_sixty_days),
        cmocka_unit_test(req_5_4b_and_004_3_grounds_and_categories_are_read_as_people_write_them),
        cmocka_unit_test(dates_are_days_of_the_calendar),
        cmocka_unit_test(req_6_2_2c1_a_report_names_the_kind_of_a_value_alone),
        cmocka_unit_test(every_fault_says_something_in_both_languages),
        cmocka_unit_test(req_003_16_the_life_of_a_list),
        cmocka_unit_test(a_list_that_fails_again_and_again_rests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
