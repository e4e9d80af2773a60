/* base_test.c - errors, arena, ids, money, clock and configuration: the floor everything stands on.
 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena/arena.h"
#include "conf/conf.h"
#include "err/err.h"
#include "id/id.h"
#include "log/log.h"

static void
an_error_carries_code_reason_path_and_text(void **state)
{
    (void) state;
    struct err err = { 0 };
    err_t code;

    assert_int_equal(err_at(&err, ERR_REFUSED, "$.a[2]", "claim.window_closed", "%d days", 181),
                     ERR_REFUSED);
    assert_string_equal(err.path, "$.a[2]");
    assert_int_equal(err_set(&err, ERR_STALE, "x.y", "z"), ERR_STALE);
    assert_string_equal(err.path, "");
    assert_int_equal(err_http_status(ERR_STALE), 412);
    assert_true(err_is_retryable(ERR_DEADLINE) && !err_is_retryable(ERR_INVALID));
    for (int i = 0; i < ERR_COUNT; i++) {
        assert_true(err_from_name(err_name((err_t) i), &code));
        assert_int_equal(code, i);
    }
    assert_false(err_from_name("NONSENSE", &code));
}

static void
an_arena_gives_zeroed_memory_up_to_its_limit_and_rewinds(void **state)
{
    (void) state;
    struct arena *arena = arena_create(100000);

    char *first = arena_alloc(arena, 10);
    memset(first, 'x', 10);
    const struct arena_mark mark = arena_mark(arena);
    for (int i = 0; i < 20; i++) {
        unsigned char *p = arena_alloc(arena, 3000);
        assert_non_null(p);
        for (int j = 0; j < 3000; j++)
            assert_int_equal(p[j], 0);
        memset(p, 0xff, 3000);
    }
    assert_null(arena_alloc(arena, 100000));
    assert_null(arena_alloc(arena, SIZE_MAX - 3));
    arena_rewind(arena, mark);
    assert_memory_equal(first, "xxxxxxxxxx", 10);
    unsigned char *again = arena_alloc(arena, 3000);
    for (int j = 0; j < 3000; j++)
        assert_int_equal(again[j], 0);
    assert_string_equal(arena_printf(arena, "%d-%s", 7, "abc"), "7-abc");
    arena_reset(arena);
    assert_non_null(arena_alloc(arena, 99000));
    arena_destroy(arena);
}

static void
ids_are_version_7_and_sort_by_birth(void **state)
{
    (void) state;
    const instant_t now = { INT64_C(1700000000123456) };
    struct id last = id_mint(now), back;
    char text[ID_TEXT_BYTES];

    for (int i = 0; i < 10000; i++) {
        const struct id next = id_mint(now);
        assert_true(id_cmp(last, next) < 0);
        assert_int_equal(next.bytes[6] >> 4, 7);
        assert_int_equal(next.bytes[8] >> 6, 2);
        last = next;
    }
    id_format(last, text);
    assert_true(id_parse(text, &back) && id_cmp(last, back) == 0);
    assert_false(id_parse("", &back));
    text[8] = '_';
    assert_false(id_parse(text, &back));
    assert_false(id_parse("0190a5e0-0000-7000-8000-00000000000g", &back));
    assert_false(id_parse("0190a5e0-0000-7000-8000-0000000000000", &back));
}

static void
money_share_never_pays_a_part_of_a_fen(void **state)
{
    (void) state;
    assert_int_equal(money_share_floor((money_t){ 999 }, (rate_t){ 333333 }).fen, 332);
    assert_int_equal(money_share_floor(MONEY_MAX, (rate_t){ 1000000 }).fen, MONEY_FEN_MAX);
}

static void
money_split_adds_up_whatever_the_weights(void **state)
{
    (void) state;
    srand(7);
    for (int round = 0; round < 2000; round++) {
        int64_t weights[17];
        money_t parts[17];
        const size_t count = 1 + (size_t) rand() % 17;
        int64_t sum = 0;
        const money_t amount = { rand() };

        for (size_t i = 0; i < count; i++)
            weights[i] = rand() % 5 == 0 ? 0 : rand() % 1000;
        weights[0]++;
        money_split(amount, weights, count, parts);
        for (size_t i = 0; i < count; i++) {
            assert_true(parts[i].fen >= 0);
            if (weights[i] == 0)
                assert_int_equal(parts[i].fen, 0);
            sum += parts[i].fen;
        }
        assert_int_equal(sum, amount.fen);
    }
    money_t three[3];
    money_split((money_t){ 100 }, (const int64_t[]){ 1, 1, 1 }, 3, three);
    assert_int_equal(three[0].fen, 34);
    assert_int_equal(three[2].fen, 33);
}

static void
money_text_round_trips_and_refuses_the_rest(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        int64_t fen; /* INT64_MIN: refused */
    } cases[] = {
        { "0", 0 },
        { "12", 1200 },
        { "12.5", 1250 },
        { "-0.01", -1 },
        { "4000.00", 400000 },
        { "1000000000000.00", MONEY_FEN_MAX },
        { "1000000000000.01", INT64_MIN },
        { "", INT64_MIN },
        { "1.", INT64_MIN },
        { ".5", INT64_MIN },
        { "1.234", INT64_MIN },
        { "1e3", INT64_MIN },
        { " 1", INT64_MIN },
        { "+1", INT64_MIN },
        { "99999999999999999999999", INT64_MIN },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        money_t amount = { 0 };
        const bool ok = money_parse(cases[i].text, &amount);
        if (ok != (cases[i].fen != INT64_MIN) || (ok && amount.fen != cases[i].fen))
            fail_msg("\"%s\" gave %d %lld", cases[i].text, ok, (long long) amount.fen);
    }
    char text[MONEY_TEXT_BYTES];
    money_format((money_t){ -123405 }, text);
    assert_string_equal(text, "-1234.05");
}

static void
civil_dates_agree_with_the_calendar(void **state)
{
    (void) state;
    date_t date;
    int y, m, d;
    char text[DATE_TEXT_BYTES];

    assert_int_equal(date_from_civil(1970, 1, 1).days, 0);
    assert_int_equal(date_from_civil(2000, 3, 1).days, 11017);
    for (int days = -719162; days < 2932896; days += 13) { /* 0001-01-01 .. 9999-12-31 */
        date_to_civil((date_t){ days }, &y, &m, &d);
        assert_int_equal(date_from_civil(y, m, d).days, days);
        date_format((date_t){ days }, text);
        assert_true(date_parse(text, &date));
        assert_int_equal(date.days, days);
    }
    assert_true(date_parse("2024-02-29", &date));
    static const char *const bad[] = {
        "2023-02-29", "2024-04-31",  "2024-00-01", "2024-13-01", "2024-1-01",
        "0000-01-01", "2024-01-01 ", "24-01-01",   "2024/01/01", ""
    };
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(date_parse(bad[i], &date));
    instant_t at;
    assert_true(instant_parse("2025-12-31T23:59:59+08:00", &at));
    assert_int_equal(date_of(at).days, date_from_civil(2025, 12, 31).days);
    at.us += US_PER_SECOND;
    assert_int_equal(date_of(at).days, date_from_civil(2026, 1, 1).days);
    assert_int_equal(date_start(date_of(at)).us, at.us);
}

static void
instants_are_rfc_3339(void **state)
{
    (void) state;
    instant_t at;
    char text[INSTANT_TEXT_BYTES];

    assert_true(instant_parse("2026-11-22T01:02:03.456789Z", &at));
    instant_format(at, text);
    assert_string_equal(text, "2026-11-22T01:02:03.456789Z");
    assert_true(instant_parse("1969-12-31T23:59:59.999999Z", &at));
    assert_int_equal(at.us, -1);
    instant_format(at, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999999Z");
    static const char *const bad[] = { "2026-11-22T01:02:03",      "2026-11-22 01:02:03Z",
                                       "2026-11-22T24:00:00Z",     "2026-11-22T01:02:03.Z",
                                       "2026-11-22T01:02:03+8:00", "2026-11-22T01:02:03Zx" };
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(instant_parse(bad[i], &at));
}

struct sample_conf {
    const char *name;
    int64_t threads, deadline;
    bool fast;
    const char *key;
};
static const struct conf_row sample_rows[] = {
    CONF_ROW(struct sample_conf, TEXT, name, NULL, 1, 8, "a name")
        CONF_ROW(struct sample_conf, INT, threads, "2", 1, 64, "threads")
            CONF_ROW(struct sample_conf, DURATION, deadline, "2s", 100, 30000, "deadline")
                CONF_ROW(struct sample_conf, BOOL, fast, "false", 0, 1, "speed")
                    CONF_ROW(struct sample_conf, SECRET, key, "", 0, 64, "key file")
};

static void
configuration_reports_every_problem_at_once(void **state)
{
    (void) state;
    struct sample_conf conf;
    struct err err;
    char *report = NULL;
    size_t size = 0;

    setenv("HUZHU_SAMPLE_THREADS", "65", 1);
    setenv("HUZHU_SAMPLE_DEADLINE", "5 s", 1);
    FILE *problems = open_memstream(&report, &size);
    assert_int_equal(conf_load("sample", sample_rows, COUNT(sample_rows), &conf, problems, &err),
                     ERR_INVALID);
    fclose(problems);
    assert_non_null(strstr(report, "HUZHU_SAMPLE_NAME"));
    assert_non_null(strstr(report, "HUZHU_SAMPLE_THREADS"));
    assert_non_null(strstr(report, "HUZHU_SAMPLE_DEADLINE"));
    free(report);

    setenv("HUZHU_SAMPLE_THREADS", "64", 1);
    setenv("HUZHU_DEADLINE", "30s", 1);
    unsetenv("HUZHU_SAMPLE_DEADLINE");
    setenv("HUZHU_SAMPLE_NAME", "claims", 1);
    assert_int_equal(conf_load("sample", sample_rows, COUNT(sample_rows), &conf, stderr, &err),
                     ERR_OK);
    assert_int_equal(conf.threads, 64);
    assert_int_equal(conf.deadline, 30000);
    assert_string_equal(conf.key, "");
    unsetenv("HUZHU_DEADLINE");
}

static void
a_slip_in_the_name_of_a_setting_is_told(void **state)
{
    const struct conf_table table = { sample_rows, COUNT(sample_rows) };
    char *report = NULL;
    size_t size = 0;

    (void) state;
    setenv("HUZHU_SAMPLE_THREADS", "64", 1);
    setenv("HUZHU_OTHER_THREDS", "64", 1);
    assert_int_equal(conf_unknown("sample", &table, 1, stderr), 0);
    setenv("HUZHU_SAMPLE_THREDS", "64", 1);
    setenv("HUZHU_SAMPLE_", "64", 1);
    FILE *problems = open_memstream(&report, &size);
    assert_int_equal(conf_unknown("sample", &table, 1, problems), 2);
    fclose(problems);
    assert_non_null(strstr(report, "HUZHU_SAMPLE_THREDS: there is no such setting"));
    free(report);
    unsetenv("HUZHU_SAMPLE_THREDS");
    unsetenv("HUZHU_SAMPLE_");
    unsetenv("HUZHU_OTHER_THREDS");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_carries_code_reason_path_and_text),
        cmocka_unit_test(an_arena_gives_zeroed_memory_up_to_its_limit_and_rewinds),
        cmocka_unit_test(ids_are_version_7_and_sort_by_birth),
        cmocka_unit_test(money_share_never_pays_a_part_of_a_fen),
        cmocka_unit_test(money_split_adds_up_whatever_the_weights),
        cmocka_unit_test(money_text_round_trips_and_refuses_the_rest),
        cmocka_unit_test(civil_dates_agree_with_the_calendar),
        cmocka_unit_test(instants_are_rfc_3339),
        cmocka_unit_test(configuration_reports_every_problem_at_once),
        cmocka_unit_test(a_slip_in_the_name_of_a_setting_is_told),
    };
    return cmocka_run_group_tests_name("unit/base", tests, NULL, NULL);
}
