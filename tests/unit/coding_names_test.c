/* coding_names_test.c - the dictionaries' index against a plain search, and its speed over 47,000
 * made-up names. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock/clock.h"
#include "names.h"

enum { NAMES = 47000, WORDS = 60 };

static char folder[64], pack[96];
static struct drg_scheme *scheme;
static struct drg_names *names;
static char codes[NAMES][16], called[NAMES][80];

static const char *const words[WORDS] = {
    "急性",   "慢性",   "肺",   "炎",     "细菌性", "病毒性", "胃",     "肠",   "肝",     "胆",
    "囊",     "结石",   "伴",   "梗阻",   "出血",   "恶性",   "肿瘤",   "良性", "股骨",   "骨折",
    "开放性", "闭合性", "心",   "肌",     "梗死",   "脑",     "血管",   "畸形", "先天性", "糖尿病",
    "肾病",   "视网膜", "病变", "高血压", "心脏病", "衰竭",   "支气管", "哮喘", "阻塞性", "扩张",
    "结核",   "感染",   "术后", "复发",   "左侧",   "右侧",   "双侧",   "上",   "下",     "段",
    "腺",     "甲状",   "功能", "减退",   "亢进",   "HIV",    "中毒",   "药物", "不良",   "反应",
};

static uint64_t seed = 42;
static uint32_t
pick(uint32_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t) (seed >> 33) % below;
}

static void
write_pack(void)
{
    char path[160], command[512];
    FILE *out;

    (void) snprintf(command, sizeof command, "cp -r '%s/services/coding/scheme/starter' '%s'",
                    HUZHU_SOURCE_DIR, pack);
    assert_int_equal(system(command), 0);
    (void) snprintf(path, sizeof path, "%s/dx.tsv", pack);
    out = fopen(path, "a");
    assert_non_null(out);
    for (int i = 0; i < NAMES; i++) {
        size_t used = 0;
        (void) snprintf(codes[i], sizeof codes[i], "%c%02d.%03dx%d", 'A' + i / 1000 % 26,
                        i / 100 % 100, i % 1000, i / 26000 + 5);
        for (uint32_t n = 3 + pick(5); n > 0; n--)
            used += (size_t) snprintf(called[i] + used, sizeof called[i] - used, "%s",
                                      words[pick(WORDS)]);
        (void) fprintf(out, "%s\t%s\n", codes[i], called[i]);
    }
    assert_int_equal(fclose(out), 0);
    (void) snprintf(path, sizeof path, "%s/dx_map.tsv", pack);
    out = fopen(path, "w");
    assert_non_null(out);
    (void) fputs("from\tto\nJ18.901\tJ18.900\nJ99.999\t\n", out);
    assert_int_equal(fclose(out), 0);
}

static int
open_scheme(void **state)
{
    char command[512], path[160];
    struct err err;

    (void) state;
    (void) snprintf(folder, sizeof folder, "/tmp/huzhu-names-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    (void) snprintf(pack, sizeof pack, "%s/pack", folder);
    write_pack();
    (void) snprintf(path, sizeof path, "%s/x.hzs", folder);
    (void) snprintf(command, sizeof command,
                    "'%s/bin/huzhu-drg' compile '%s' -o '%s' >/dev/null 2>&1", HUZHU_BINARY_DIR,
                    pack, path);
    if (system(command) != 0 || drg_scheme_open(path, &scheme, &err) != ERR_OK)
        return -1;
    names = drg_names_create(scheme);
    return names ? 0 : -1;
}

static int
close_scheme(void **state)
{
    char command[128];

    (void) state;
    drg_names_destroy(names);
    drg_scheme_close(scheme);
    (void) snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* Ours are found by the index as often as by reading all names. */
static void
the_index_finds_what_reading_all_names_finds(void **state)
{
    struct drg_hit hits[DRG_HITS_MAX];
    size_t some = 0;
    bool more;

    (void) state;
    for (int round = 0; round < 300; round++) {
        char query[100];
        const char *one = words[pick(WORDS)], *two = words[pick(WORDS)];
        size_t wanted = 0;
        (void) snprintf(query, sizeof query, round % 2 ? "%s%s" : "%s %s", one, two);
        for (int i = 0; i < NAMES; i++)
            wanted += round % 2 ? strcasestr(called[i], query) != NULL
                                : strcasestr(called[i], one) && strcasestr(called[i], two);
        const size_t count = drg_names_search(names, DRG_DX, query, hits, DRG_HITS_MAX, &more);
        for (size_t i = 0; i < count; i++)
            assert_true(round % 2 ? strcasestr(hits[i].name, query) != NULL
                                  : strcasestr(hits[i].name, one) && strcasestr(hits[i].name, two));
        /* The starter's own names may add a few. */
        assert_true(count >= (wanted < DRG_HITS_MAX ? wanted : DRG_HITS_MAX));
        assert_true(more || count <= wanted + 700);
        some += wanted > 0;
    }
    assert_true(some > 100);
}

static void
a_code_is_found_by_its_beginning_in_any_case(void **state)
{
    struct drg_hit hits[DRG_HITS_MAX];
    bool more;

    (void) state;
    assert_int_equal(drg_names_search(names, DRG_DX, "J18.900", hits, 5, &more), 1);
    assert_string_equal(hits[0].code, "J18.900");
    assert_false(more);
    assert_true(drg_names_search(names, DRG_DX, "j18", hits, DRG_HITS_MAX, &more) >= 1);
    for (size_t i = 1; i < 2; i++)
        assert_int_equal(strncmp(hits[i].code, "J18", 3), 0);
    assert_int_equal(drg_names_search(names, DRG_DX, "A", hits, 3, &more), 3);
    assert_true(more);
    assert_int_equal(drg_names_search(names, DRG_OP, "47.0100", hits, 3, &more), 1);
    assert_int_equal(drg_names_search(names, DRG_DX, "没有这种病", hits, 3, &more), 0);
    assert_int_equal(drg_names_search(names, DRG_DX, "", hits, 3, &more), 0);
    assert_true(drg_names_search(names, DRG_DX, "hiv", hits, 3, &more) == 3);         /* in names */
    assert_int_equal(drg_names_search(names, DRG_DX, "\xe8\x82", hits, 3, &more), 0); /* half */
}

static void
a_clinical_code_says_what_it_is_turned_into(void **state)
{
    struct drg_hit hits[DRG_HITS_MAX];
    bool more;

    (void) state;
    assert_int_equal(drg_names_search(names, DRG_DX_FOREIGN, "J18.9", hits, 5, &more), 1);
    assert_string_equal(hits[0].to, "J18.900");
    assert_int_equal(drg_names_search(names, DRG_DX_FOREIGN, hits[0].name, hits, 5, &more), 1);
    assert_string_equal(hits[0].code, "J18.901");
    assert_int_equal(drg_names_search(names, DRG_DX_FOREIGN, "J99", hits, 5, &more), 1);
    assert_string_equal(hits[0].to, ""); /* the map drops it */
    assert_int_equal(drg_names_search(names, DRG_OP_FOREIGN, "4", hits, 5, &more), 0);
}

static void
every_group_is_listed_once(void **state)
{
    const struct drg_group_name *groups;
    const size_t count = drg_names_groups(names, &groups);

    (void) state;
    assert_true(count > 250);
    for (size_t i = 1; i < count; i++)
        assert_true(strcmp(groups[i - 1].drg, groups[i].drg) < 0);
    assert_string_equal(drg_names_group(names, "BR31")->mdc, "B");
    assert_null(drg_names_group(names, "BR3"));
}

static int
by_us(const void *a, const void *b)
{
    return (int) (*(const int64_t *) a - *(const int64_t *) b);
}

/* The slowest kind of query: single characters that stand in thousands of names. */
static void
a_search_over_47000_names_takes_less_than_5_ms(void **state)
{
    static const char *const queries[] = { "性",      "炎",  "急性", "肺炎",
                                           "心 衰竭", "J18", "A",    "病变出血" };
    struct drg_hit hits[DRG_HITS_MAX];
    int64_t us[COUNT(queries) * 25];
    bool more;

    (void) state;
    for (size_t i = 0; i < COUNT(us); i++) {
        const int64_t from = clock_monotonic_us();
        (void) drg_names_search(names, DRG_DX, queries[i % COUNT(queries)], hits, DRG_HITS_MAX,
                                &more);
        us[i] = clock_monotonic_us() - from;
    }
    qsort(us, COUNT(us), sizeof *us, by_us);
    print_message("search over %d names: median %lld us, slowest %lld us\n", NAMES,
                  (long long) us[COUNT(us) / 2], (long long) us[COUNT(us) - 1]);
#ifndef __SANITIZE_ADDRESS__ /* checks of every byte cost ten times as much */
    assert_true(us[COUNT(us) * 95 / 100] < 5000);
#endif
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_index_finds_what_reading_all_names_finds),
        cmocka_unit_test(a_code_is_found_by_its_beginning_in_any_case),
        cmocka_unit_test(a_clinical_code_says_what_it_is_turned_into),
        cmocka_unit_test(every_group_is_listed_once),
        cmocka_unit_test(a_search_over_47000_names_takes_less_than_5_ms),
    };
    return cmocka_run_group_tests_name("unit/coding_names", tests, open_scheme, close_scheme);
}
