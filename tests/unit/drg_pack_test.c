/* drg_pack_test.c - what is wrong in a pack is found, with file and line, and a damaged scheme is
 * refused.
 *
 * Method: one file of the tiny pack is replaced at a time; the finding that must come is named. */
#include "test.h"

#include <stdlib.h>

#include "check.h"
#include "drg_tiny.h"
#include "hzs.h"

/* Reads and checks the tiny pack with one file replaced. */
static bool
examine(const char *file, const char *text, struct findings *findings)
{
    struct arena *arena = arena_create(PACK_ARENA_BYTES);
    const struct pack_source source = tiny_source(arena, file, text);
    struct pack pack;

    findings_init(findings);
    const bool good = pack_read(arena, &source, &pack, findings);
    if (good)
        check_pack(&pack, NULL, findings);
    pack_close(&pack);
    return good;
}

static bool
has(const struct findings *findings, const char *code, const char *file, uint32_t line)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *item = &findings->items[i];
        if (strcmp(finding_code(item->kind), code) == 0 && strcmp(item->place.file, file) == 0 &&
            item->place.line == line)
            return true;
    }
    return false;
}

#define ADRG "seq\tmdc\tkey\tadrg\tkind\tname\trule\n"
#define DRG "seq\tkey\tdrg\tname\trule\n"
#define MDC "seq\tmdc\tname\trule\n"
#define LISTS                                                                                      \
    "list\tcode\tpart\nA.Px\t96.7201\t\nP.D\tP07.300\t\nZ.D\tS06.000\thead\nG.D\tK35.800\t\nGE1."  \
    "P\t47.0900\t\n"

static const struct {
    const char *name, *file, *text, *code;
    uint32_t line;
    bool compiles;
    const char *where; /* the file that the finding names, if it is another one */
} cases[] = {
    { "not JSON", "scheme.json", "{", "scheme.invalid", 1, false, NULL },
    { "another format", "scheme.json", "{\"format\":\"x\",\"id\":\"a\",\"name\":\"b\"}",
      "scheme.invalid", 1, false, NULL },
    { "stats differ", "scheme.json",
      "{\"format\":\"huzhu-drg-pack/1\",\"id\":\"a\",\"name\":\"b\",\"stats\":{\"dx\":3}}",
      "scheme.stats_differ", 1, true, NULL },
    { "byte order mark", "mdc.tsv", "\xef\xbb\xbf" MDC, "file.bom", 1, false, NULL },
    { "carriage return", "mdc.tsv", MDC "1\tA\ta\talways\r\n", "file.carriage_return", 2, false,
      NULL },
    { "cut off", "mdc.tsv", MDC "1\tA\ta\talways", "file.last_line_cut", 2, false, NULL },
    { "no text", "mdc.tsv", MDC "1\tA\t\xff\talways\n", "file.not_utf8", 2, false, NULL },
    { "a column is missing", "mdc.tsv", "seq\tmdc\trule\n", "file.column_missing", 1, false, NULL },
    { "a field too many", "mdc.tsv", MDC "1\tA\ta\talways\t\n", "file.field_count", 2, false,
      NULL },
    { "an empty code", "mdc.tsv", MDC "1\t\ta\talways\n", "file.field_empty", 2, false, NULL },
    { "sorted file", "mdc.tsv", MDC "2\tA\ta\talways\n1\tB\tb\talways\n", "seq.does_not_grow", 3,
      false, NULL },
    { "seq no number", "mdc.tsv", MDC "x\tA\ta\talways\n", "seq.does_not_grow", 2, false, NULL },
    { "MDC twice", "mdc.tsv", MDC "1\tA\ta\talways\n2\tA\tb\talways\n", "mdc.duplicate", 3, false,
      NULL },
    { "MDC unknown", "adrg.tsv", ADRG "1\tQ\tQ1\tQ1\tgroup\tn\talways\n", "adrg.mdc_unknown", 2,
      false, NULL },
    { "kind unknown", "adrg.tsv", ADRG "1\tA\tA1\tA1\tgrp\tn\talways\n", "adrg.kind_unknown", 2,
      false, NULL },
    { "key twice", "adrg.tsv",
      ADRG "1\tA\tAH1\tAH1\tgroup\tn\talways\n2\tA\tAH1\tAH1\tgroup\tn\talways\n",
      "adrg.key_duplicate", 3, false, NULL },
    { "key unknown", "drg.tsv", DRG "1\tXX1\tXX19\tn\talways\n", "drg.key_unknown", 2, false,
      NULL },
    { "rule: half a rule", "mdc.tsv", MDC "1\tA\ta\tpdx in\n", "rule.syntax", 2, false, NULL },
    { "rule: a number is missing", "mdc.tsv", MDC "1\tA\ta\tage < x\n", "rule.syntax", 2, false,
      NULL },
    { "rule: a number too large", "mdc.tsv", MDC "1\tA\ta\tage < 99999999999\n", "rule.syntax", 2,
      false, NULL },
    { "rule: open parenthesis", "mdc.tsv", MDC "1\tA\ta\t(always\n", "rule.syntax", 2, false,
      NULL },
    { "rule: too much", "mdc.tsv", MDC "1\tA\ta\talways always\n", "rule.syntax", 2, false, NULL },
    { "rule: text compared by size", "mdc.tsv", MDC "1\tA\ta\tsex < M\n", "rule.syntax", 2, false,
      NULL },
    { "rule: empty", "mdc.tsv", MDC "1\tA\ta\t\n", "rule.syntax", 2, false, NULL },
    { "list unknown", "mdc.tsv",
      MDC "1\tA\ta\tpdx in NONE\n2\tP\tp\talways\n3\tZ\tz\talways\n4\tG\tg\talways\n",
      "rule.list_unknown", 2, false, NULL },
    { "list of both kinds", "mdc.tsv",
      MDC "1\tA\ta\tpop in G.D\n2\tP\tp\talways\n3\tZ\tz\talways\n4\tG\tg\tpdx in G.D\n",
      "list.both_kinds", 5, false, NULL },
    { "VALID listed", "lists.tsv", LISTS "VALID\t47.0900\t\n", "list.reserved_name", 7, false,
      NULL },
    { "two parts", "lists.tsv", LISTS "Z.D\tS06.000\tleg\n", "list.two_parts", 7, false, NULL },
    { "row twice", "lists.tsv", LISTS "G.D\tK35.800\t\n", "row.duplicate", 7, true, NULL },
    { "code unknown", "lists.tsv", LISTS "G.D\tK99.999\t\n", "list.code_unknown", 7, true, NULL },
    { "procedure among diagnoses", "lists.tsv", LISTS "G.D\t47.0900\t\n", "list.code_of_other_kind",
      7, true, NULL },
    { "list never read", "lists.tsv", LISTS "X.D\tK35.800\t\n", "list.never_read", 7, true, NULL },
    { "blank in a code", "dx_map.tsv", "from\tto\nA\t K35.800\n", "code.blank", 2, true, NULL },
    { "two conversions", "dx_map.tsv", "from\tto\nA\tK35.800\nA\tK65.000\n", "map.two_targets", 3,
      false, NULL },
    { "target unknown", "dx_map.tsv", "from\tto\nA\tZZZ\n", "map.target_unknown", 2, true, NULL },
    { "two tables", "mcc.tsv", "code\ttable\nJ96.000\t1\nJ96.000\t2\n", "cc.two_tables", 3, false,
      NULL },
    { "two exclusion tables", "exclusions.tsv", "principal\ttable\nK35.800\t1\nK35.800\t2\n",
      "cc.two_tables", 3, false, NULL },
    { "MCC unknown", "mcc.tsv", "code\ttable\nQ11.111\t1\n", "cc.code_unknown", 2, true, NULL },
    { "excluded by nothing", "mcc.tsv", "code\ttable\nJ96.000\t77\n", "cc.excluded_by_nothing", 2,
      true, NULL },
    { "exclusion to nowhere", "exclusions.tsv", "principal\ttable\nK35.800\t99\n",
      "exclusion.to_nowhere", 2, true, NULL },
    { "exclusion unknown", "exclusions.tsv", "principal\ttable\nQ22.222\t1\n",
      "exclusion.code_unknown", 2, true, NULL },
    { "CC also MCC", "cc.tsv", "code\ttable\nJ96.000\t1\n", "cc.also_mcc", 2, true, NULL },
    { "valid no flag", "proc.tsv", "code\tname\tvalid\n47.0900\tn\tyes\n", "proc.valid_unknown", 2,
      false, NULL },
    { "name missing", "dx.tsv", "code\tname\nK35.800\t\n", "name.missing", 2, true, NULL },
    { "two names", "dx.tsv", "code\tname\nK35.800\ta\nK35.800\tb\n", "name.two", 3, true, NULL },
    { "ADRG without DRG", "drg.tsv", DRG "1\tAH1\tAH19\tn\talways\n", "adrg.no_drg", 3, true,
      "adrg.tsv" },
    { "shadowed by age in days", "adrg.tsv",
      ADRG "1\tA\tAH1\tAH1\tgroup\tn\tpop in A.Px\n2\tP\tPS1\tPS1\tgroup\tn\tdays <= 28\n"
           "3\tP\tPV1\tPV1\tgroup\tn\tpdx in P.D and weight < 1500 and days <= 28\n"
           "4\tZ\tZZ1\tZZ1\tgroup\tn\tdx in Z.D\n5\tG\tGE1\tGE1\tgroup\tn\tpop in "
           "GE1.P\n6\tG\tGZ1\tGZ1\tgroup\tn\tdx in G.D\n",
      "adrg.unreachable", 4, true, NULL },
    { "takes everything", "adrg.tsv",
      ADRG "1\tA\tAH1\tAH1\tgroup\tn\tpop in "
           "A.Px\n2\tP\tPS1\tPS1\tgroup\tn\talways\n3\tP\tPV1\tPV1\tgroup\tn\tpdx in P.D\n"
           "4\tZ\tZZ1\tZZ1\tgroup\tn\tdx in Z.D\n5\tG\tGE1\tGE1\tgroup\tn\tpop in "
           "GE1.P\n6\tG\tGZ1\tGZ1\tgroup\tn\tdx in G.D\n",
      "adrg.takes_everything", 3, true, NULL },
    { "unreachable", "adrg.tsv",
      ADRG "1\tA\tAH1\tAH1\tgroup\tn\tpop in "
           "A.Px\n2\tP\tPS1\tPS1\tgroup\tn\talways\n3\tP\tPV1\tPV1\tgroup\tn\tpdx in P.D\n"
           "4\tZ\tZZ1\tZZ1\tgroup\tn\tdx in Z.D\n5\tG\tGE1\tGE1\tgroup\tn\tpop in "
           "GE1.P\n6\tG\tGZ1\tGZ1\tgroup\tn\tdx in G.D\n",
      "adrg.unreachable", 4, true, NULL },
    { "never true", "drg.tsv",
      DRG "1\tAH1\tAH19\tn\tnever\n2\tPS1\tPS19\tn\talways\n3\tPV1\tPV19\tn\talways\n4\tZZ1\tZZ19\t"
          "n\talways\n"
          "5\tGE1\tGE11\tn\tmcc\n6\tGZ1\tGZ19\tn\talways\n",
      "drg.never_true", 2, true, NULL },
    { "refinements can fail", "drg.tsv",
      DRG "1\tAH1\tAH19\tn\talways\n2\tPS1\tPS19\tn\talways\n3\tPV1\tPV19\tn\talways\n4\tZZ1\tZZ19"
          "\tn\talways\n"
          "5\tGE1\tGE11\tn\tmcc\n6\tGZ1\tGZ19\tn\talways\n",
      "adrg.refinements_can_fail", 6, true, "adrg.tsv" },
    { "refinement behind always", "drg.tsv",
      DRG "1\tAH1\tAH19\tn\talways\n2\tPS1\tPS19\tn\talways\n3\tPV1\tPV19\tn\talways\n4\tZZ1\tZZ19"
          "\tn\talways\n"
          "5\tGE1\tGE15\tn\tmcc or "
          "cc\n6\tGE1\tGE11\tn\tmcc\n7\tGE1\tGE19\tn\talways\n8\tGZ1\tGZ19\tn\talways\n",
      "drg.unreachable", 7, true, NULL },
    { "principal diagnosis not in the MDC", "adrg.tsv",
      ADRG "1\tA\tAH1\tAH1\tgroup\tn\tpop in A.Px\n2\tP\tPS1\tPS1\tgroup\tn\tpdx in "
           "G.D\n3\tP\tPV1\tPV1\tgroup\tn\tpdx in P.D\n"
           "4\tZ\tZZ1\tZZ1\tgroup\tn\tdx in Z.D\n5\tG\tGE1\tGE1\tgroup\tn\tpop in "
           "GE1.P\n6\tG\tGZ1\tGZ1\tgroup\tn\tage > 3\n",
      "adrg.pdx_not_in_mdc", 3, true, NULL },
    { "principal diagnosis in no ADRG", "adrg.tsv",
      ADRG "1\tA\tAH1\tAH1\tgroup\tn\tpop in A.Px\n2\tP\tPS1\tPS1\tgroup\tn\tpdx in "
           "G.D\n3\tP\tPV1\tPV1\tgroup\tn\tnever\n"
           "4\tZ\tZZ1\tZZ1\tgroup\tn\tdx in Z.D\n5\tG\tGE1\tGE1\tgroup\tn\tpop in "
           "GE1.P\n6\tG\tGZ1\tGZ1\tgroup\tn\tage > 3\n",
      "mdc.pdx_never_grouped", 3, true, "mdc.tsv" },
    { "named after a disease", "adrg.tsv",
      ADRG "1\tA\tAH1\tAH1\tgroup\t恶性肿瘤手术\tpop in A.Px\n2\tP\tPS1\tPS1\tgroup\tn\tpdx in "
           "G.D\n3\tP\tPV1\tPV1\tgroup\tn\tnever\n"
           "4\tZ\tZZ1\tZZ1\tgroup\tn\tdx in Z.D\n5\tG\tGE1\tGE1\tgroup\tn\tpop in "
           "GE1.P\n6\tG\tGZ1\tGZ1\tgroup\tn\tage > 3\n",
      "adrg.disease_untested", 2, true, NULL },
    { "DRG of another name", "drg.tsv", DRG "1\tAH1\tXX19\tn\talways\n", "drg.not_of_adrg", 2, true,
      NULL },
};

static void
every_fault_is_found_where_it_stands(void **state)
{
    (void) state;
    size_t wrong = 0;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct findings findings;
        const bool good = examine(cases[i].file, cases[i].text, &findings);
        const char *where = cases[i].where ? cases[i].where : cases[i].file;
        if (good != cases[i].compiles || !has(&findings, cases[i].code, where, cases[i].line)) {
            print_message("%s:\n", cases[i].name);
            (void) findings_print(&findings, stdout, "tiny", 0);
            wrong++;
        }
        findings_done(&findings);
    }
    assert_int_equal(wrong, 0);
}

static void
the_tiny_pack_has_no_fault_and_groups(void **state)
{
    (void) state;
    struct findings findings;
    struct drg_scheme *scheme = NULL;
    struct drg_stay stays[8];
    struct drg_result results[8];
    struct err err;
    size_t size;
    /* 4 is converted once (K35.801, and not on to K65.000); 6 is taken by its third procedure alone
     */
    static const char *const drgs[] = { "GE11", "ZZ19", "PS19", "GZ18", "GZ18", "GQY", "AH19" };

    assert_true(examine(NULL, NULL, &findings));
    assert_int_equal(findings.errors + findings.warnings, 0);
    findings_done(&findings);
    void *image = tiny_image(&size);
    assert_int_equal(drg_scheme_from_bytes(image, size, &scheme, &err), ERR_OK);
    free(image);
    (void) tiny_stays(stays);
    drg_group_many(scheme, stays, 7, results);
    for (size_t i = 0; i < COUNT(drgs); i++) {
        assert_string_equal(results[i].drg, drgs[i]);
        assert_string_equal(results[i].scheme->id, "tiny");
        assert_string_equal(results[i].scheme->version, "3");
        assert_int_equal(strlen(results[i].scheme->checksum), 64);
    }
    assert_non_null(strstr(results[0].reason, "unknown_codes"));
    assert_non_null(strstr(results[0].reason, ": ?"));
    assert_int_equal(results[5].status, DRG_AMBIGUOUS);
    drg_scheme_close(scheme);
}

static void
the_same_pack_compiles_to_the_same_bytes(void **state)
{
    (void) state;
    size_t sizes[2];
    void *images[2] = { tiny_image(&sizes[0]), tiny_image(&sizes[1]) };

    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(images[0], images[1], sizes[0]);
    free(images[0]);
    free(images[1]);
}

static void
a_damaged_or_hostile_file_is_refused_or_harmless(void **state)
{
    (void) state;
    struct drg_scheme *scheme = NULL;
    struct err err;
    size_t size, opened = 0, refused = 0;
    unsigned char *image = tiny_image(&size), *copy = malloc(size);

    for (size_t cut = 0; cut < size; cut += 97)
        assert_int_equal(drg_scheme_from_bytes(image, cut, &scheme, &err), ERR_INVALID);
    for (size_t at = 0; at < size; at++) {
        /* damage is noticed; the file's own statement about the checksum is not believed either */
        memcpy(copy, image, size);
        copy[at] ^= 0x41;
        assert_int_equal(drg_scheme_from_bytes(copy, size, &scheme, &err), ERR_INVALID);
        /* an enemy puts the checksum right */
        struct hzs_header header;
        memcpy(&header, copy, sizeof header);
        header.checksum = hzs_checksum(copy + HZS_CHECKED_FROM, size - HZS_CHECKED_FROM);
        memcpy(copy, &header, sizeof header);
        if (drg_scheme_from_bytes(copy, size, &scheme, &err) == ERR_OK) {
            opened++;
            if (at % 16 == 0)
                (void) tiny_run(scheme);
            drg_scheme_close(scheme);
        } else {
            refused++;
        }
    }
    assert_true(opened > 0 && refused > 0);
    free(copy);
    free(image);
}

static void
opening_what_is_no_scheme_says_so(void **state)
{
    (void) state;
    struct drg_scheme *scheme = NULL;
    struct err err;

    assert_int_equal(drg_scheme_open("/nonexistent.hzs", &scheme, &err), ERR_NOT_FOUND);
    assert_int_equal(drg_scheme_open("/dev/null", &scheme, &err), ERR_INVALID);
    assert_int_equal(drg_scheme_open(HUZHU_SOURCE_DIR "/CMakeLists.txt", &scheme, &err),
                     ERR_INVALID);
    assert_string_equal(err.reason, "drg.scheme_damaged");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_is_found_where_it_stands),
        cmocka_unit_test(the_tiny_pack_has_no_fault_and_groups),
        cmocka_unit_test(the_same_pack_compiles_to_the_same_bytes),
        cmocka_unit_test(a_damaged_or_hostile_file_is_refused_or_harmless),
        cmocka_unit_test(opening_what_is_no_scheme_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
