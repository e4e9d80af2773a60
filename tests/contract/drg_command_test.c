/* drg_command_test.c - huzhu-drg as an operator uses it, on the demonstration scheme.
 *
 * Method: the built command is run by the shell in a folder of its own that is removed again. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xlsxwriter.h>

#include "base/base.h"

#define DRG HUZHU_BINARY_DIR "/bin/huzhu-drg"
#define STARTER HUZHU_SOURCE_DIR "/services/coding/scheme/starter"

enum { OUTPUT_BYTES = 1 << 20 };
static char folder[64];
static char output[OUTPUT_BYTES];

/* Runs a line in the folder; its output, both kinds, is in output.  Returns the exit status. */
static int __attribute__((format(printf, 1, 2))) run(const char *fmt, ...)
{
    char line[8192], whole[9000];
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    (void) snprintf(whole, sizeof whole, "cd %s && { %s; } 2>&1", folder, line);
    FILE *pipe = popen(whole, "r");
    assert_non_null(pipe);
    const size_t size = fread(output, 1, sizeof output - 1, pipe);
    output[size] = '\0';
    return WEXITSTATUS(pclose(pipe));
}

static void
write_text(const char *name, const char *text)
{
    char path[128];

    (void) snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static int
make_folder(void **state)
{
    (void) state;
    (void) snprintf(folder, sizeof folder, "/tmp/huzhu-drg-XXXXXX");
    return mkdtemp(folder) && run(DRG " compile " STARTER " -o starter.hzs") == 0 ? 0 : -1;
}

static int
remove_folder(void **state)
{
    (void) state;
    return run("rm -rf %s", folder);
}

static void
assert_says(const char *text)
{
    if (!strstr(output, text))
        fail_msg("\"%s\" is not in:\n%.2000s", text, output);
}

static void
the_demonstration_scheme_has_no_fault_and_all_26_mdcs(void **state)
{
    (void) state;
    assert_int_equal(run(DRG " check " STARTER), 0);
    assert_says("0 errors, 0 warnings");
    assert_int_equal(run(DRG " info starter.hzs"), 0);
    assert_says("mdc       26");
    assert_says("非国家方案");
    /* the 31 primary-care groups */
    assert_int_equal(
        run("cut -f3 " STARTER "/drg.tsv | grep -cxE "
            "'BR29|BV39|BZ15|DS19|DT19|DT1H|ES45|ES4G|ET25|EX15|EX39|EX3H|FR59|FV29|GU25|GW19|GZ19|"
            "IU19|IU29|KS39|LU15|LU1G|LX15|LX1G|NZ19|SZ19|SZ1H|GE29|GF49|GG19|IF19'"),
        0);
    assert_says("31");
}

static const char rows[] =
    "index,gender,age,age_days,weight_g,dept,los_days,leaving_type,dx,proc,icu_hours\n"
    "1,M,45,,,A,5,1,K35.800|I10.x00,47.0900,\n"
    "\"2, \"\"b\"\"\",2,75,,,,9,1,\"J18.900\",,\r\n"
    "3,1,abc,,,,,,J18.900,,\n"
    "4,1,44,,,,,,,,\n"
    "5,1,44\n"
    "6,1,200,,,,,,J18.900,,\n"
    "7,1,44,,,,,,Q99.999,,\n"
    "8,1,44,,,,,,J18.900|X11,99.99,\n"
    "9,1,44,,,,,,\"J18.900,,\n"
    "\n"
    "11,F,30,,,,,,O80.000|Z37.000,,";

static void
every_row_gets_an_answer_in_its_place(void **state)
{
    (void) state;
    write_text("rows.csv", rows);
    assert_int_equal(run(DRG " group starter.hzs -q < rows.csv > out.csv && cat out.csv"), 0);
    assert_says("index,status,mdc,adrg,drg,reason\n1,ok,G,GE2,GE29,\n");
    assert_says("\n\"2, \"\"b\"\"\",ok,E,ES4,ES4G,\n");
    assert_says("\n3,check_failed,,,,age_not_a_number ");
    assert_says("\n4,check_failed,,,,principal_dx_missing ");
    assert_says("\n5,bad_row,,,,wrong_columns ");
    assert_says("\n6,check_failed,,,,age_impossible ");
    assert_says("\n7,no_group,,,,");
    assert_says(": Q99.999\n");
    assert_says("\n8,ok,E,ES4,ES45,");
    assert_says(": X11|99.99\n");
    assert_says("\n9,bad_row,,,,row_too_long ");
    assert_says("\n,bad_row,,,,wrong_columns ");
    assert_says("\n11,ok,O,OR1,OR19,\n");
    assert_int_equal(run("wc -l < out.csv"), 0);
    assert_says("12");
    assert_int_equal(run(DRG " group starter.hzs --identity < rows.csv"), 0);
    assert_says(",huzhu_starter,1,");
    assert_says("11 rows, ok 4, no_group 1, check_failed 3, bad_row 3");
}

static void
threads_change_nothing(void **state)
{
    (void) state;
    assert_int_equal(
        run("awk 'BEGIN{print \"index,sex,age,dx,proc\"; for(i=1;i<=120000;i++) print "
            "i\",\"(i%%3)\",\"(i%%90)\","
            "K35.\"(i%%7)\"00|I10.x00,\"(i%%5?\"47.0900\":\"\\\"47.0100\\\"\")}' > many.csv; " DRG
            " group starter.hzs -q < many.csv > one.csv && " DRG
            " group starter.hzs -q -j 4 < many.csv > four.csv && "
            "cmp one.csv four.csv && wc -l < one.csv"),
        0);
    assert_says("120001");
}

static void
wrong_calls_and_wrong_files_are_told(void **state)
{
    (void) state;
    assert_int_equal(run(DRG), 2);
    assert_int_equal(run(DRG " nonsense"), 2);
    assert_int_equal(run(DRG " group starter.hzs -j 0 < /dev/null"), 2);
    assert_int_equal(run(DRG " group nowhere.hzs < /dev/null"), 1);
    assert_int_equal(run("printf 'a,b\\n1,2\\n' | " DRG " group starter.hzs"), 1);
    assert_says("names no column");
    assert_int_equal(run(DRG " group starter.hzs < /dev/null"), 1);
    assert_int_equal(run("head -c 5000 starter.hzs > cut.hzs; " DRG " info cut.hzs"), 1);
    assert_int_equal(run("cp -r " STARTER
                         " broken && chmod -R u+w broken && printf 'x\\n' >> broken/drg.tsv && " DRG
                         " compile broken -o broken.hzs"),
                     1);
    assert_says("file.field_count");
    assert_int_equal(run("test -e broken.hzs"), 1);
    assert_int_equal(run(DRG " group starter.hzs < rows.csv > /dev/full"), 1);
}

static void
an_explanation_reads_like_one(void **state)
{
    (void) state;
    assert_int_equal(run(DRG " explain starter.hzs --zh --stay sex=M age=45 "
                             "'dx=K35.800|J96.000|K65.000' proc=51.2200"),
                     0);
    assert_says("病例：男，45岁");
    assert_says(
        "K65.000 急性腹膜炎；是严重并发症或合并症（MCC），但主要诊断属于同一排除表 3，不计入");
    assert_says("J96.000 急性呼吸衰竭；是严重并发症或合并症（MCC），计入");
    assert_says("✓ GZ19 其他消化系统疾病");
    assert_says("结果：分组成功，DRG GZ19");
    assert_int_equal(
        run(DRG " explain starter.hzs --json --stay sex=M age=45 dx=K35.800 proc=47.0900"), 0);
    assert_says("\"agrees\":true");
    assert_int_equal(run(DRG " explain starter.hzs --en --row 3 < rows.csv"), 0);
    assert_says("age is no whole number");
}

static void
a_changed_scheme_tells_who_moves(void **state)
{
    (void) state;
    assert_int_equal(run("cp -r " STARTER " later && chmod -R u+w later && "
                         "sed -i 's/\\tES4G\\t/\\tES4X\\t/' later/drg.tsv && " DRG
                         " compile later -o later.hzs && " DRG
                         " diff starter.hzs later.hzs -j 2 < rows.csv"),
                     0);
    assert_says("from,to,stays\nES4G,ES4X,1\n");
    assert_says("1 move");
    assert_int_equal(run(DRG " diff starter.hzs later.hzs --rows < rows.csv"), 0);
    assert_says("\"2, \"\"b\"\"\",ES4G,ES4X");
}

/* Two sheets and a CSV file as an insurance bureau publishes them. */
static void
write_workbook(void)
{
    char path[128];

    (void) snprintf(path, sizeof path, "%s/official.xlsx", folder);
    lxw_workbook *book = workbook_new(path);
    lxw_worksheet *dx = workbook_add_worksheet(book, "ADRG诊断"),
                  *drg = workbook_add_worksheet(book, "DRG");
    static const char *const dx_rows[][5] = {
        { "CHS-DRG 附件", "", "", "", "" },
        { "MDC", "ADRG", "ADRG名称", "诊断编码", "诊断名称" },
        { "G", "GZ1", "其他消化", " K35.800 ", "阑尾炎 <急性>" },
        { "", "", "", "K65.000", "腹膜炎" }, /* merged cells: the value stands above */
        { "E", "ES4", "肺炎", "J18.900", "肺炎" },
    };
    static const char *const drg_rows[][3] = {
        { "DRG编码", "名称", "ADRG" }, { "GZ11", "伴MCC", "GZ1" }, { "GZ15", "不伴", "GZ1" },
        { "ES47", "小于17岁", "ES4" }, { "ES49", "其他", "ES4" },
    };
    for (size_t i = 0; i < COUNT(dx_rows); i++) {
        for (size_t j = 0; j < 5; j++) {
            if (dx_rows[i][j][0] != '\0')
                (void) worksheet_write_string(dx, (lxw_row_t) i, (lxw_col_t) j, dx_rows[i][j],
                                              NULL);
        }
    }
    for (size_t i = 0; i < COUNT(drg_rows); i++) {
        for (size_t j = 0; j < 3; j++)
            (void) worksheet_write_string(drg, (lxw_row_t) i, (lxw_col_t) j, drg_rows[i][j], NULL);
    }
    assert_int_equal(workbook_close(book), LXW_NO_ERROR);
    write_text("cc.csv", "级别,编码,表\nMCC,K65.000,7\nCC,J18.900,8\n");
    write_text("proc.csv", "编码,名称\n47.0900,\"阑尾切除术, 经腹\"\n");
}

static const char mapping[] =
    "{\"scheme\":{\"id\":\"city\",\"name\":\"某市方案\",\"version\":\"2025\"},\"tables\":["
    "{\"into\":\"lists\",\"from\":\"official.xlsx\",\"sheet\":\"ADRG诊断\",\"header\":2,\"fill_"
    "down\":[\"MDC\",\"ADRG\"],"
    "\"columns\":{\"list\":\"{ADRG}.D\",\"code\":\"{诊断编码}\"}},"
    "{\"into\":\"lists\",\"from\":\"official.xlsx\",\"sheet\":\"ADRG诊断\",\"header\":2,\"fill_"
    "down\":[\"MDC\"],"
    "\"columns\":{\"list\":\"{MDC}.D\",\"code\":\"{D}\"}},"
    "{\"into\":\"mdc\",\"from\":\"official.xlsx\",\"header\":2,\"columns\":{\"mdc\":\"{MDC}\","
    "\"name\":\"MDC {MDC}\","
    "\"rule\":{\"of\":\"{MDC}\",\"map\":{\"A\":\"pop in VALID\"},\"default\":\"pdx in {MDC}.D\"}}},"
    "{\"into\":\"adrg\",\"from\":\"official.xlsx\",\"header\":2,\"columns\":{\"mdc\":\"{MDC}\","
    "\"key\":\"{ADRG}\","
    "\"adrg\":\"{ADRG}\",\"kind\":\"group\",\"name\":\"{ADRG名称}\",\"rule\":{\"auto\":\"adrg\"}},"
    "\"where\":{}},"
    "{\"into\":\"drg\",\"from\":\"official.xlsx\",\"sheet\":\"DRG\",\"columns\":{\"key\":\"{ADRG}"
    "\",\"drg\":\"{DRG编码}\","
    "\"name\":\"{名称}\",\"rule\":{\"of\":\"{DRG编码}\",\"last\":1,\"map\":{\"1\":\"mcc\",\"7\":"
    "\"age < 17\"},\"default\":\"always\"}}},"
    "{\"into\":\"dx\",\"from\":\"official.xlsx\",\"header\":2,\"columns\":{\"code\":\"{诊断编码}\","
    "\"name\":\"{诊断名称}\"}},"
    "{\"into\":\"mcc\",\"from\":\"cc.csv\",\"columns\":{\"code\":\"{编码}\",\"table\":\"{表}\"},"
    "\"where\":{\"{级别}\":\"MCC\"}},"
    "{\"into\":\"cc\",\"from\":\"cc.csv\",\"columns\":{\"code\":\"{编码}\",\"table\":\"{表}\"},"
    "\"where\":{\"{级别}\":\"CC\"}},"
    "{\"into\":\"exclusions\",\"from\":\"cc.csv\",\"columns\":{\"principal\":\"{编码}\",\"table\":"
    "\"{表}\"}},"
    "{\"into\":\"proc\",\"from\":\"proc.csv\",\"columns\":{\"code\":\"{编码}\",\"name\":\"{名称}\","
    "\"valid\":\"1\"}}]}";

static void
a_published_workbook_becomes_a_scheme(void **state)
{
    (void) state;
    write_workbook();
    write_text("map.json", mapping);
    assert_int_equal(run(DRG " import map.json -o city && " DRG " compile city -o city.hzs"), 0);
    assert_says("0 errors");
    assert_int_equal(
        run("cat city/mdc.tsv city/adrg.tsv city/drg.tsv city/lists.tsv city/dx.tsv city/proc.tsv"),
        0);
    assert_says("1\tG\tMDC G\tpdx in G.D\n2\tE\tMDC E\tpdx in E.D\n");
    assert_says("1\tG\tGZ1\tGZ1\tgroup\t其他消化\tpdx in GZ1.D\n2\tE\tES4\tES4\tgroup\t肺炎\tpdx "
                "in ES4.D\n");
    assert_says("GZ1\tGZ11\t伴MCC\tmcc\n");
    assert_says("ES4\tES47\t小于17岁\tage < 17\n");
    assert_says("GZ1.D\tK65.000\t\n");
    assert_says("K35.800\t阑尾炎 <急性>\n");
    assert_says("47.0900\t阑尾切除术, 经腹\t1\n");
    assert_int_equal(run("printf 'sex,age,dx\\nM,40,K35.800|K65.000\\nF,9,J18.900\\n' | " DRG
                         " group city.hzs -q"),
                     0);
    assert_says(",ok,G,GZ1,GZ11,\n");
    assert_says(",ok,E,ES4,ES47,\n");
    assert_int_equal(
        run(DRG " import " STARTER " -o copy && cmp copy/lists.tsv " STARTER "/lists.tsv"), 0);
}

static void
a_wrong_mapping_or_workbook_is_told(void **state)
{
    (void) state;
    write_text("bad1.json",
               "{\"scheme\":{},\"tables\":[{\"into\":\"nothing\",\"from\":\"cc.csv\"}]}");
    write_text("bad2.json", "{\"scheme\":{},\"tables\":[{\"into\":\"cc\",\"from\":\"cc.csv\","
                            "\"columns\":{\"code\":\"{无}\"}}]}");
    write_text(
        "bad3.json",
        "{\"scheme\":{},\"tables\":[{\"into\":\"cc\",\"from\":\"rows.xlsx\",\"columns\":{}}]}");
    write_text("bad4.json", "{\"scheme\":{},\"tables\":[{\"into\":\"cc\",\"from\":\"official."
                            "xlsx\",\"sheet\":\"x\",\"columns\":{}}]}");
    assert_int_equal(run(DRG " import bad1.json -o bad"), 1);
    assert_says("names no table of a pack");
    assert_int_equal(run(DRG " import bad2.json -o bad"), 1);
    assert_says("no column is called 无");
    assert_int_equal(run("cp rows.csv rows.xlsx; " DRG " import bad3.json -o bad"), 1);
    assert_says("as a workbook");
    assert_int_equal(run(DRG " import bad4.json -o bad"), 1);
    assert_says("no sheet");
}

/* Goal: what an organiser reads does not change unseen.  The texts are kept beside the scheme;
 * after a wanted change they are made anew by the same two commands. */
static void
a_stay_for_each_kind_of_rule_is_explained_as_kept(void **state)
{
    (void) state;
    static const char *const languages[] = { "zh", "en" };
    for (size_t i = 0; i < COUNT(languages); i++)
        if (run(DRG " explain starter.hzs --%s < " STARTER "/examples/stays.csv > told.txt && "
                    "diff -u " STARTER "/examples/stays.%s.golden told.txt",
                languages[i], languages[i]) != 0)
            fail_msg("%s", output);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_demonstration_scheme_has_no_fault_and_all_26_mdcs),
        cmocka_unit_test(every_row_gets_an_answer_in_its_place),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(wrong_calls_and_wrong_files_are_told),
        cmocka_unit_test(an_explanation_reads_like_one),
        cmocka_unit_test(a_changed_scheme_tells_who_moves),
        cmocka_unit_test(a_published_workbook_becomes_a_scheme),
        cmocka_unit_test(a_wrong_mapping_or_workbook_is_told),
        cmocka_unit_test(a_stay_for_each_kind_of_rule_is_explained_as_kept),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
