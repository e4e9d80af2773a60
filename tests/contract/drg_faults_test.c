/* drg_faults_test.c - the known faults of the published packs are found without being told where,
 * and no diagnosis added to a stay lowers its severity.
 *
 * Method: the packs lie beside the checkout (skipped when not); what must be found is the list of
 * faults that are known of each. */
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "compile.h"
#include "drg.h"
#include "pack.h"
#include "scheme.h"

#define PACKS HUZHU_SOURCE_DIR "/../shared/drg/packs/"
#define STARTER HUZHU_SOURCE_DIR "/services/coding/scheme/starter"

static const struct {
    const char *pack, *code, *text; /* text: part of what must be said */
    size_t at_least;
} known[] = {
    /* every newborn goes to PB1, every HIV record to YC1, every burn to WB1 */
    { "chs_drg_10", "adrg.unreachable", "PC1 is never reached: PB1", 1 },
    { "chs_drg_10", "adrg.unreachable", "PU1 is never reached: PB1", 1 },
    { "chs_drg_10", "adrg.unreachable", "YR1 is never reached: YC1", 1 },
    { "chs_drg_10", "adrg.unreachable", "WZ1 is never reached: WB1", 1 },
    { "chs_drg_10", "adrg.takes_everything", "YC1", 1 },
    { "chs_drg_10", "adrg.takes_everything", "WB1", 1 },
    { "wuxi_2022", "adrg.no_drg", "", 19 },
    { "wuxi_2022", "adrg.refinements_can_fail", "AH1", 1 },
    { "wuxi_2022", "adrg.refinements_can_fail", "PS2", 1 },
    { "zhejiang_2022", "scheme.dx_tests_lost", "", 1 },
    { "zhejiang_2022", "adrg.disease_untested", "MA1", 1 },
    { "zhejiang_2022", "list.code_unknown", "35.0601", 1 },
    { "zhejiang_2022", "adrg.never_true", "DA1", 1 },
    { "foshan_2022", "list.never_read", "RE16.D", 1 },
    { "foshan_2022", "drg.never_true", "CB11", 1 },
    { "chs_drg_11", "list.code_unknown", "GZ1.D: K43.902", 1 },
};
/* And what must not be said of them: the sound ones reach all their groups. */
static const char *const sound[] = { "chs_drg_11", "yancheng_2023", "taizhou_2022",
                                     "haerbin_2022" };

static size_t
count_findings(const struct findings *findings, const char *code, const char *text)
{
    size_t count = 0;

    for (size_t i = 0; i < findings->count; i++)
        count += strcmp(finding_code(findings->items[i].kind), code) == 0 &&
                 strstr(findings->items[i].en, text) != NULL && findings->items[i].place.line > 0;
    return count;
}

static void
check_dir(const char *dir, struct findings *findings)
{
    struct pack pack;

    findings_init(findings);
    if (!pack_open(dir, &pack, findings))
        fail_msg("%s has errors", dir);
    check_pack(&pack, dir, findings);
    pack_close(&pack);
}

static void
the_known_faults_of_published_packs_are_found(void **state)
{
    (void) state;
    const char *open = "";
    struct findings findings;
    size_t missing = 0;

    if (access(PACKS "chs_drg_10", R_OK) != 0) {
        print_message("no published packs beside the checkout: skipped\n");
        skip();
    }
    findings_init(&findings);
    for (size_t i = 0; i < COUNT(known); i++) {
        if (strcmp(open, known[i].pack) != 0) {
            char dir[4096];
            findings_done(&findings);
            (void) snprintf(dir, sizeof dir, PACKS "%s", known[i].pack);
            check_dir(dir, &findings);
            open = known[i].pack;
        }
        const size_t count = count_findings(&findings, known[i].code, known[i].text);
        if (count < known[i].at_least) {
            print_message("%s: %s %s: %zu found\n", known[i].pack, known[i].code, known[i].text,
                          count);
            missing++;
        }
    }
    findings_done(&findings);
    for (size_t i = 0; i < COUNT(sound); i++) {
        char dir[4096];
        (void) snprintf(dir, sizeof dir, PACKS "%s", sound[i]);
        check_dir(dir, &findings);
        missing += count_findings(&findings, "adrg.unreachable", "") +
                   count_findings(&findings, "adrg.never_true", "") +
                   count_findings(&findings, "drg.unreachable", "") +
                   count_findings(&findings, "adrg.no_drg", "");
        findings_done(&findings);
    }
    assert_int_equal(missing, 0);
}

/* The demonstration scheme refines by falling severity, as the national one does. */
static struct drg_scheme *
starter(void)
{
    struct drg_scheme *scheme = NULL;
    struct findings findings;
    struct pack pack;
    struct err err = { 0 };
    void *image = NULL;
    size_t size = 0;

    findings_init(&findings);
    assert_true(pack_open(STARTER, &pack, &findings));
    assert_int_equal(compile_pack(&pack, &image, &size, &err), ERR_OK);
    assert_int_equal(drg_scheme_from_bytes(image, size, &scheme, &err), ERR_OK);
    free(image);
    pack_close(&pack);
    findings_done(&findings);
    return scheme;
}

/* Goal: a further diagnosis never makes a stay less severe within its ADRG.
 * Method: codes from all over as principal diagnosis, with codes from all over added. */
static void
adding_a_diagnosis_never_lowers_severity(void **state)
{
    (void) state;
    struct drg_scheme *scheme = starter();
    struct drg_stay stay = DRG_STAY_INIT;
    struct drg_text dx[3];
    struct drg_result before, after;
    size_t compared = 0, raised = 0;

    stay.sex = DRG_FEMALE;
    stay.age = 40;
    stay.dx = dx;
    for (uint32_t p = 0; p < scheme->dx.count; p += 4) {
        dx[0] = drg_text(scheme_string(scheme, scheme->dx.codes[p].text));
        for (uint32_t first = 0; first < scheme->dx.count; first += 43) {
            dx[1] = drg_text(scheme_string(scheme, scheme->dx.codes[first].text));
            stay.dx_count = 2;
            drg_group(scheme, &stay, &before);
            for (uint32_t added = 0; added < scheme->dx.count; added += 5) {
                dx[2] = drg_text(scheme_string(scheme, scheme->dx.codes[added].text));
                stay.dx_count = 3;
                drg_group(scheme, &stay, &after);
                if (before.row != after.row || before.row == UINT32_MAX)
                    continue;
                compared++;
                raised += after.refinement < before.refinement;
                assert_true(after.refinement <= before.refinement);
            }
        }
    }
    assert_true(compared > 10000 && raised > 1000);
    drg_scheme_close(scheme);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_known_faults_of_published_packs_are_found),
        cmocka_unit_test(adding_a_diagnosis_never_lowers_severity),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
