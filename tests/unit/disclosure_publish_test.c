/* disclosure_publish_test.c - which claims may have lines: properties over random villages, and the
 * pure rules of pages and complaints. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disclosure.pb-c.h"
#include "disclosure/rules.h"
#include "disclosure/rules_publish.h"

enum { MOST = 160, VILLAGES = 300 };

static uint32_t seed = 7;
static int
roll(int sides)
{
    seed = seed * 1664525u + 1013904223u;
    return (int) (seed >> 16) % sides;
}

static struct id
an_id(int kind, int n)
{
    return (struct id){ { (uint8_t) kind, [14] = (uint8_t) (n >> 8), [15] = (uint8_t) n } };
}

static const char *const drgs[] = { "FR31", "FR33", "FR35", "GK19", "GB21",
                                    "BR21", "BR23", "ES35", "IC29", "LR13" };

static size_t
village_make(struct publish_claim *claims)
{
    const size_t count = (size_t) roll(MOST);
    const int people = 1 + roll(200), spread = 1 + roll(10), shy = roll(100);

    for (size_t i = 0; i < count; i++) {
        const char *drg = drgs[roll(spread)];
        static char codes[10][2][4];
        const size_t g = (size_t) (drg == drgs[0] ? 0 : roll(1));
        (void) g;
        size_t at = 0;
        while (drgs[at] != drg)
            at++;
        (void) snprintf(codes[at][0], 4, "%.3s", drg);
        (void) snprintf(codes[at][1], 4, "%.1s", drg);
        claims[i] = (struct publish_claim){ .claim = an_id(1, (int) i),
                                            .person = an_id(2, roll(people)),
                                            .name = "陈秀英",
                                            .hospital_class = 1 + roll(3),
                                            .drg = drg,
                                            .adrg = codes[at][0],
                                            .mdc = codes[at][1],
                                            .drg_name = "x",
                                            .namesakes = 1 + roll(20),
                                            .due = yuan(500 + 100 * (int64_t) at),
                                            .paid = yuan(300 + roll(500)),
                                            .consent = roll(100) >= shy,
                                            .sensitive = roll(30) == 0,
                                            .capped = roll(50) == 0 };
        claims[i].sex = 1 + claims[i].person.bytes[15] % 2;
    }
    return count;
}

static int
people_of_cell(const struct publish_claim *claims, size_t count, const struct publish_claim *like)
{
    char key[CELL_KEY_BYTES], other[CELL_KEY_BYTES];
    int people = 0;

    publish_cell_key(like, key);
    for (size_t i = 0; i < count; i++) {
        bool seen = false;
        publish_cell_key(&claims[i], other);
        if (strcmp(key, other) != 0 || claims[i].level != like->level)
            continue;
        if (like->level == LEVEL_DRG &&
            (strcmp(claims[i].drg, like->drg) != 0 || claims[i].sex != like->sex ||
             claims[i].hospital_class != like->hospital_class))
            continue;
        for (size_t k = 0; k < i && !seen; k++) {
            publish_cell_key(&claims[k], other);
            seen = id_cmp(claims[k].person, claims[i].person) == 0 && strcmp(key, other) == 0 &&
                   claims[k].level == like->level &&
                   (like->level != LEVEL_DRG || strcmp(claims[k].drg, like->drg) == 0) &&
                   claims[k].sex == claims[i].sex &&
                   claims[k].hospital_class == claims[i].hospital_class;
        }
        people += !seen;
    }
    return people;
}

static void
req_6_2_2c1_properties_of_random_villages(void **state)
{
    static struct publish_claim claims[MOST], again[MOST];
    static struct public_payout lines[2 * MOST + 1];
    int with_lines = 0, too_small = 0;

    (void) state;
    for (int v = 0; v < VILLAGES; v++) {
        const struct publish_limits limits = publish_limits_of((uint32_t) (3 + roll(5)));
        struct publish_verdict verdict, second;
        int64_t total = 0, shown = 0;
        size_t hidden = 0, claims_shown = 0, persons = 0;
        const size_t count = village_make(claims);
        memcpy(again, claims, sizeof claims);
        for (size_t i = 0; i < count; i++)
            total += claims[i].paid.fen;
        publish_decide(claims, count, &limits, &verdict);
        for (size_t i = 0; i < count; i++) {
            if (claims[i].level == LEVEL_HIDDEN) {
                bool seen = false;
                for (size_t k = 0; k < i && !seen; k++)
                    seen = claims[k].level == LEVEL_HIDDEN &&
                           id_cmp(claims[k].person, claims[i].person) == 0;
                persons += !seen;
                hidden++;
                continue;
            }
            assert_true(claims[i].consent && !claims[i].sensitive && !claims[i].capped);
            if (i % 7 == 0)
                assert_true(people_of_cell(claims, count, &claims[i]) >= limits.k);
        }
        assert_int_equal(hidden, verdict.hidden);
        if (!verdict.is_too_small && hidden > 0) {
            assert_true(hidden >= (size_t) verdict.k_hidden && persons >= 2);
            /* Told exactly only if it is a crowd twice over. */
            assert_true(verdict.is_banded == (hidden < 2 * (size_t) limits.k));
        }
        if (verdict.is_too_small)
            assert_int_equal(verdict.visible, 0);
        const size_t made = publish_lines(claims, count, &verdict, &limits, lines);
        for (size_t i = 0; i < made; i++) {
            if (lines[i].kind != PAYOUT_CELL_MEMBER) {
                shown += lines[i].paid.fen;
                claims_shown += lines[i].claims;
            } else {
                assert_int_equal(lines[i].paid.fen, 0);
                assert_int_equal(lines[i].due.fen, 0);
                assert_string_equal(lines[i].group_name, "");
            }
            if (lines[i].kind == PAYOUT_REST)
                assert_string_equal(lines[i].code, "");
            with_lines += lines[i].kind == PAYOUT_LINE;
        }
        assert_int_equal(shown, total);
        assert_int_equal(claims_shown, count);
        too_small += verdict.is_too_small;
        /* The order in which claims came says nothing. */
        for (size_t i = count; i > 1; i--) {
            const size_t k = (size_t) roll((int) i);
            const struct publish_claim swap = again[k];
            again[k] = again[i - 1];
            again[i - 1] = swap;
        }
        publish_decide(again, count, &limits, &second);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(id_cmp(again[i].claim, claims[i].claim), 0);
        assert_true(publish_difference_is_safe(NULL, 0, NULL, 0, limits.k));
    }
    assert_true(with_lines > 500 && too_small > 0);
    print_message("%d villages, %d lines, %d too small\n", VILLAGES, with_lines, too_small);
}

static void
a_name_that_few_have_is_not_shown(void **state)
{
    struct publish_claim claims[10];
    struct public_payout lines[21];
    const struct publish_limits limits = publish_limits_of(5);
    struct publish_verdict verdict;
    int bare = 0, named = 0;

    (void) state;
    for (int i = 0; i < 10; i++)
        claims[i] = (struct publish_claim){ .claim = an_id(1, i),
                                            .person = an_id(2, i),
                                            .sex = 1,
                                            .name = i ? "陈建国" : "欧阳锋",
                                            .drg = "FR31",
                                            .adrg = "FR3",
                                            .mdc = "F",
                                            .drg_name = "x",
                                            .namesakes = i ? 40 : 4,
                                            .paid = yuan(100),
                                            .consent = true };
    publish_decide(claims, 10, &limits, &verdict);
    const size_t made = publish_lines(claims, 10, &verdict, &limits, lines);
    assert_int_equal(made, 10);
    for (size_t i = 0; i < made; i++) {
        bare += strcmp(lines[i].name, "**") == 0;
        named += strcmp(lines[i].name, "陈**") == 0;
    }
    assert_int_equal(bare, 1);
    assert_int_equal(named, 9);
    /* There is no room for what must not be there: an id number has 18 characters. */
    assert_true(sizeof lines[0].name < 18 && sizeof lines[0].code < 18);
}

/* The view that leaves has no field for an id number, a phone, a card or a name. */
static void
req_6_2_2c1_the_open_view_has_no_field_for_a_secret(void **state)
{
    static const char *const never[] = { "id_number", "phone", "card",  "name",
                                         "address",   "birth", "person" };
    const ProtobufCMessageDescriptor *view = &disclosure__public_line__descriptor;

    (void) state;
    for (unsigned i = 0; i < view->n_fields; i++)
        for (size_t k = 0; k < COUNT(never); k++)
            assert_null(strstr(view->fields[i].name, never[k]));
}

static struct publish_place
place(int claim, const char *cell)
{
    struct publish_place place = { an_id(1, claim), an_id(2, claim), "" };

    (void) snprintf(place.cell, sizeof place.cell, "%s", cell);
    return place;
}

static void
two_versions_do_not_isolate_anybody(void **state)
{
    struct publish_place older[20], newer[40];
    size_t n;

    (void) state;
    for (int i = 0; i < 20; i++)
        older[i] = newer[i] = place(i, i < 12 ? "*" : "");
    assert_true(publish_difference_is_safe(older, 20, newer, 20, 5));
    newer[20] = place(20, "*"); /* one came in */
    assert_false(publish_difference_is_safe(older, 20, newer, 21, 5));
    for (n = 20; n < 25; n++)
        newer[n] = place((int) n, "*"); /* five came in */
    assert_true(publish_difference_is_safe(older, 20, newer, n, 5));
    for (n = 20; n < 25; n++)
        newer[n].person = newer[20].person; /* of one person */
    assert_false(publish_difference_is_safe(older, 20, newer, n, 5));
    newer[0] = place(0, "FR3|1|2"); /* one went from the sum into another */
    assert_false(publish_difference_is_safe(older, 20, newer, 20, 5));
    newer[0] = place(0, ""); /* one got its own line: it tells itself */
    assert_true(publish_difference_is_safe(older, 20, newer, 20, 5));
    newer[0] = older[0];
    newer[13] = place(13, "*"); /* one lost its line: its amount was seen already */
    assert_true(publish_difference_is_safe(older, 20, newer, 20, 5));
}

static void
telling_hospitals(void **state)
{
    (void) state;
    assert_true(publish_hospital_is_telling("连云港市第四人民医院（精神卫生中心）"));
    assert_true(publish_hospital_is_telling("市妇幼保健院"));
    assert_true(publish_hospital_is_telling("省肿瘤医院"));
    assert_false(publish_hospital_is_telling("灌云县人民医院"));
}

static void
periods_are_months_quarters_and_years(void **state)
{
    static const struct {
        const char *period, *from, *until;
    } good[] = { { "2024-02", "2024-02-01", "2024-03-01" },
                 { "2024-12", "2024-12-01", "2025-01-01" },
                 { "2024-Q1", "2024-01-01", "2024-04-01" },
                 { "2024-Q4", "2024-10-01", "2025-01-01" },
                 { "2024", "2024-01-01", "2025-01-01" } };
    static const char *const bad[] = { "",        "2",       "2024-", "2024-1",  "2024-13",
                                       "2024-Q5", "2024-q1", "20x4",  "2024-1x", "1999-01" };
    char text[DATE_TEXT_BYTES];
    date_t from, until;

    (void) state;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_true(period_days(good[i].period, &from, &until));
        date_format(from, text);
        assert_string_equal(text, good[i].from);
        date_format(until, text);
        assert_string_equal(text, good[i].until);
    }
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(period_days(bad[i], &from, &until));
}

static void
req_6_2_2i_a_report_is_due_a_month_after_its_year(void **state)
{
    char text[DATE_TEXT_BYTES];

    (void) state;
    date_format(report_due_on(date_from_civil(2024, 12, 31)), text);
    assert_string_equal(text, "2025-02-05"); /* 31 January 2025 is in Spring Festival */
    date_format(report_due_on(date_from_civil(2023, 12, 31)), text);
    assert_string_equal(text, "2024-01-31");
}

static void
rates_are_cut_and_of_nothing_are_none(void **state)
{
    char text[RATE_BYTES];

    (void) state;
    rate_text(1, 3, text);
    assert_string_equal(text, "33.33%");
    rate_text(2, 3, text);
    assert_string_equal(text, "66.66%");
    rate_text(5, 0, text);
    assert_string_equal(text, "—");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(req_6_2_2c1_properties_of_random_villages),
        cmocka_unit_test(a_name_that_few_have_is_not_shown),
        cmocka_unit_test(req_6_2_2c1_the_open_view_has_no_field_for_a_secret),
        cmocka_unit_test(two_versions_do_not_isolate_anybody),
        cmocka_unit_test(telling_hospitals),
        cmocka_unit_test(periods_are_months_quarters_and_years),
        cmocka_unit_test(req_6_2_2i_a_report_is_due_a_month_after_its_year),
        cmocka_unit_test(rates_are_cut_and_of_nothing_are_none),
    };
    return cmocka_run_group_tests_name("disclosure_publish", tests, NULL, NULL);
}
