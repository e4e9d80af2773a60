/* design_command_test.c - the command huzhu-design: its examples, same bytes on every run, and the
 * place of every fault in its tables. */
#include "test.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"

#define COMMAND HUZHU_BINARY_DIR "/bin/huzhu-design"
#define EXAMPLES HUZHU_SOURCE_DIR "/services/coding/design/examples"

static char work[] = "/tmp/huzhu-design-XXXXXX";

static int
open_work(void **state)
{
    (void) state;
    return mkdtemp(work) ? 0 : -1;
}

static int shell(const char *fmt, ...) PRINTF(1, 2);

static int
close_work(void **state)
{
    (void) state;
    return shell("rm -rf %s", work);
}

static int
shell(const char *fmt, ...)
{
    char command[1024];
    va_list ap;

    va_start(ap, fmt);
    const int length = vsnprintf(command, sizeof command, fmt, ap);
    va_end(ap);
    assert_true(length > 0 && length < (int) sizeof command);
    const int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static char *
slurp(const char *name, char *text, size_t room)
{
    char path[256];

    (void) snprintf(path, sizeof path, "%s/%s", work, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t got = fread(text, 1, room - 1, file);
    (void) fclose(file);
    text[got] = '\0';
    return text;
}

/* The amounts of a written table, heaviest first. */
static size_t
amounts(const char *name, double *out, size_t room)
{
    static char text[65536];
    size_t count = 0;
    char *line = strchr(slurp(name, text, sizeof text), '\n');

    while (line && line[1] && count < room) {
        char *cell = line + 1;
        for (int i = 0; i < 5; i++)
            cell = strchr(cell, '\t') + 1;
        out[count++] = strtod(cell, NULL);
        line = strchr(line + 1, '\n');
    }
    return count;
}

static void
the_examples_give_their_tables_in_the_same_bytes(void **state)
{
    (void) state;
    static const struct {
        const char *name;
        size_t count;
        double amounts[12];
    } cases[] = {
        { "T1", 4, { 10000, 3470, 1300, 430 } },
        { "T2", 4, { 9680, 3220, 1210, 300 } },
        { "T3", 4, { 10000, 3360, 1250, 420 } },
        { "T4", 12, { 5290, 2680, 1860, 1220, 950, 760, 580, 500, 380, 340, 300, 300 } }
    };
    char name[64];
    double got[16];

    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(
            shell(COMMAND " solve " EXAMPLES "/%s -o %s/%s", cases[i].name, work, cases[i].name),
            0);
        assert_int_equal(shell(COMMAND " solve " EXAMPLES "/%s -o %s/again", cases[i].name, work),
                         0);
        assert_int_equal(shell("diff -r %s/%s %s/again", work, cases[i].name, work), 0);
        (void) snprintf(name, sizeof name, "%s/table.tsv", cases[i].name);
        assert_int_equal(amounts(name, got, 16), cases[i].count);
        for (size_t g = 0; g < cases[i].count; g++)
            assert_true(got[g] == cases[i].amounts[g]);
    }
}

static json_t *
json_of(const char *name)
{
    static char text[65536];
    json_error_t error;
    json_t *root = json_loads(slurp(name, text, sizeof text), 0, &error);

    if (!root)
        fail_msg("%s: %s", name, error.text);
    return root;
}

static double
real_of(const json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}

static void
the_other_verbs_read_the_table_that_solve_wrote(void **state)
{
    (void) state;
    assert_int_equal(shell(COMMAND " solve " EXAMPLES "/T4 -o %s/plan", work), 0);
    assert_int_equal(
        shell(COMMAND " assess " EXAMPLES "/T4 -p %s/plan/table.tsv -o %s/assess", work, work), 0);
    json_t *plan = json_of("plan/figures.json"), *assessed = json_of("assess/figures.json");
    assert_true(
        json_equal(json_object_get(plan, "year_total"), json_object_get(assessed, "year_total")));
    assert_true(
        json_equal(json_object_get(plan, "sensitivity"), json_object_get(assessed, "sensitivity")));
    assert_true(real_of(json_object_get(plan, "year_total"), "overspend_probability") < 0.01);

    assert_int_equal(
        shell(COMMAND " forecast " EXAMPLES "/T4 -p %s/plan/table.tsv -o %s/f", work, work), 0);
    json_t *forecast = json_of("f/forecast.json");
    assert_string_equal(json_string_value(json_object_get(forecast, "level")), "calm");
    assert_true(real_of(forecast, "claims") == 217);

    assert_int_equal(shell(COMMAND " simulate " EXAMPLES
                                   "/T4 -p %s/plan/table.tsv -o %s/s -n 200 -s 7",
                           work, work),
                     0);
    json_t *simulation = json_of("s/simulation.json");
    assert_true(real_of(simulation, "years") == 200);
    json_decref(plan);
    json_decref(assessed);
    json_decref(forecast);
    json_decref(simulation);
}

static void
the_page_is_whole_and_asks_nothing_of_the_network(void **state)
{
    (void) state;
    static char text[1 << 20];

    assert_int_equal(shell("rm -rf %s/in && cp -r " EXAMPLES "/T4 %s/in && "
                           "sed -i 's/示例病组7/<b>\\&\"七/' %s/in/groups.tsv",
                           work, work, work),
                     0);
    assert_int_equal(shell(COMMAND " solve %s/in -o %s/page", work, work), 0);
    slurp("page/page.html", text, sizeof text);
    assert_non_null(strstr(text, "<html lang=\"zh-CN\">"));
    assert_non_null(strstr(text, "&lt;b&gt;&amp;&quot;七")); /* names are text, not markup */
    assert_null(strstr(text, "<b>&\""));
    assert_null(strstr(text, "http"));
    assert_null(strstr(text, "<script"));
    assert_non_null(strstr(text, "5,290"));
    assert_non_null(strstr(text, "</html>"));
}

/* --- faults --- */

static const struct {
    const char *name, *edit; /* a shell edit in a copy of T4 */
    int status;
    const char *place, *reason;
} faults[] = {
    { "negative incidence", "sed -i '5s/[0-9.]*$/-0.1/' incidence.tsv", 2, "incidence.tsv:5:rate",
      "design.negative" },
    { "incidence without digits", "sed -i '7s/[0-9.]*$/many/' incidence.tsv", 2,
      "incidence.tsv:7:rate", "design.number" },
    { "empty incidence", "sed -i '7s/[0-9.]*$//' incidence.tsv", 2, "incidence.tsv:7:rate",
      "design.empty" },
    { "hexadecimal", "sed -i '7s/[0-9.]*$/0x1/' incidence.tsv", 2, "incidence.tsv:7:rate",
      "design.number" },
    { "missing incidence", "sed -i 4d incidence.tsv", 2, "SYN03", "design.missing_incidence" },
    { "doubled incidence", "sed -i '4{p}' incidence.tsv", 2, "incidence.tsv:5:drg",
      "design.double" },
    { "unknown group", "sed -i '9s/SYN08/SYN99/' incidence.tsv", 2, "incidence.tsv:9:drg",
      "design.unknown_group" },
    { "unknown age", "sed -i '9s/^0-14/0-15/' incidence.tsv", 2, "incidence.tsv:9:age",
      "design.unknown_stratum" },
    { "unknown insurance", "sed -i '3s/居民医保/职工医保/' people.tsv", 2, "people.tsv:3:insurance",
      "design.unknown_stratum" },
    { "half a person", "sed -i '3s/6500/6500.5/' people.tsv", 2, "people.tsv:3:persons",
      "design.number" },
    { "people twice", "sed -i '3{p}' people.tsv", 2, "people.tsv:4:age", "design.double" },
    { "no cost", "sed -i 6d costs.tsv", 2, "SYN05", "design.missing_cost" },
    { "unknown kind of cost", "sed -i '6s/lognormal/weibull/' costs.tsv", 2, "costs.tsv:6:kind",
      "design.number" },
    { "mean below median", "sed -i '6s/lognormal/lognormal-mean/' costs.tsv", 2, "costs.tsv:6:b",
      "design.number" },
    { "empirical without stays", "sed -i '6s/lognormal/empirical/' costs.tsv", 2,
      "costs.tsv:6:kind", "design.missing_cost" },
    { "group twice", "sed -i '6{p}' groups.tsv", 2, "groups.tsv:7:drg", "design.double" },
    { "no weight", "sed -i '6s/1.0$//' groups.tsv", 2, "groups.tsv:6:weight", "design.empty" },
    { "missing column", "sed -i '1s/rate/incidence/' incidence.tsv", 2, "incidence.tsv:1:incidence",
      "design.column" },
    { "column twice", "sed -i '1s/sex/age/' people.tsv", 2, "people.tsv:1:age", "design.column" },
    { "cells missing", "sed -i '8s/\\t[^\\t]*$//' incidence.tsv", 2,
      "incidence.tsv:8:", "design.cells" },
    { "not UTF-8", "printf '\\377\\n' >> groups.tsv", 2, "groups.tsv:14:", "design.encoding" },
    { "no file", "rm costs.tsv", 2, "costs.tsv", "design.file" },
    { "no rows", "sed -i 2,99d people.tsv", 2, "people.tsv", "design.empty" },
    { "absurd alpha", "sed -i 's/^alpha.*/alpha\\t0.8/' settings.tsv", 2, "settings.tsv:7:value",
      "design.alpha" },
    { "zero alpha", "sed -i 's/^alpha.*/alpha\\t0/' settings.tsv", 2, "settings.tsv:7:value",
      "design.alpha" },
    { "unknown setting", "sed -i 's/^alpha/alhpa/' settings.tsv", 2, "settings.tsv:7:setting",
      "design.setting" },
    { "missing setting", "sed -i /^received/d settings.tsv", 2, "settings.tsv", "design.setting" },
    { "half a fen", "sed -i 's/^received.*/received\\t1200000.005/' settings.tsv", 2,
      "settings.tsv:4:value", "design.setting" },
    { "pool below the fee", "printf 'service_fee\\t1200000\\n' >> settings.tsv", 3, "-96000.00",
      "design.pool_below_fee" },
    { "budget below the minimum", "sed -i 's/^received.*/received\\t200000/' settings.tsv", 3,
      "yuan short", "design.goal_minimum" },
    { "too much risk", "sed -i 's/^received.*/received\\t295000/; s/5%/0%/' settings.tsv", 3,
      "short", "design.goal_overspend" },
    { "a target out of reach", "printf 'beneficiary_target\\t0.5\\n' >> settings.tsv", 3, "short",
      "design.goal_reach" },
};

static void
every_fault_names_its_place(void **state)
{
    (void) state;
    static char text[4096];

    for (size_t i = 0; i < COUNT(faults); i++) {
        assert_int_equal(shell("rm -rf %s/in && cp -r " EXAMPLES "/T4 %s/in && cd %s/in && %s",
                               work, work, work, faults[i].edit),
                         0);
        const int status = shell(COMMAND " solve %s/in -o %s/out 2> %s/stderr", work, work, work);
        slurp("stderr", text, sizeof text);
        if (status != faults[i].status || !strstr(text, faults[i].place) ||
            !strstr(text, faults[i].reason))
            fail_msg("%s: status %d, wanted %s %s, got: %s", faults[i].name, status,
                     faults[i].reason, faults[i].place, text);
    }
    assert_int_equal(shell("test ! -e %s/out/table.tsv", work), 0); /* nothing half done */
}

static void
plans_and_claims_are_checked_too(void **state)
{
    (void) state;
    static const struct {
        const char *edit, *verb, *place, *reason;
    } cases[] = {
        { "sed -i '3s/2680.00/2685.00/' plan.tsv", "assess", "plan.tsv:3:amount", "design.bounds" },
        { "sed -i 3d plan.tsv", "assess", "SYN11", "design.empty" },
        { "sed -i '3s/SYN11/SYN12/' plan.tsv", "assess", "plan.tsv:3:drg", "design.double" },
        { "sed -i '3s/80/-80/' so_far.tsv", "forecast", "so_far.tsv:3:claims", "design.negative" },
        { "sed -i '3s/SYN09/SYN90/' so_far.tsv", "forecast", "so_far.tsv:3:drg",
          "design.unknown_group" },
        { "sed -i /elapsed/d year.tsv", "forecast", "elapsed_days", "design.setting" },
        { "sed -i 's/^60/20/' lags.tsv", "forecast", "lags", "design.setting" },
    };
    static char text[4096];

    assert_int_equal(shell(COMMAND " solve " EXAMPLES "/T4 -o %s/plan", work), 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(shell("rm -rf %s/in && cp -r " EXAMPLES "/T4 %s/in && cd %s/in && "
                               "cp ../plan/table.tsv plan.tsv && %s",
                               work, work, work, cases[i].edit),
                         0);
        const int status = shell(COMMAND " %s %s/in -p %s/in/plan.tsv -o %s/out2 2> %s/stderr",
                                 cases[i].verb, work, work, work, work);
        slurp("stderr", text, sizeof text);
        if (status != 2 || !strstr(text, cases[i].place) || !strstr(text, cases[i].reason))
            fail_msg("%s: status %d: %s", cases[i].edit, status, text);
    }
}

static void
own_experience_is_blended_in(void **state)
{
    (void) state;
    static const char *const modes[] = { "own", "blended", "prior" };
    char name[64];

    for (size_t i = 0; i < COUNT(modes); i++) {
        assert_int_equal(
            shell(
                "rm -rf %s/in && cp -r " EXAMPLES "/T4 %s/in && cd %s/in && "
                "printf 'credibility\\t%s\\nown_unit\\t甲村\\nprior_person_years\\t20000\\n' >> "
                "settings.tsv && printf 'unit\\tyear\\tblock\\tperson_years\\tstays\\n"
                "甲村\\t2023\\tSYN\\t2000\\t360\\n甲村\\t2024\\tSYN\\t2000\\t400\\n"
                "乙村\\t2023\\tSYN\\t3000\\t420\\n乙村\\t2024\\tSYN\\t3000\\t450\\n"
                "丙村\\t2023\\tSYN\\t1000\\t100\\n丙村\\t2024\\tSYN\\t1000\\t130\\n' > history.tsv",
                work, work, work, modes[i]),
            0);
        (void) snprintf(name, sizeof name, "%s/figures.json", modes[i]);
        assert_int_equal(shell(COMMAND " solve %s/in -o %s/%s", work, work, modes[i]), 0);
        json_t *root = json_of(name);
        const json_t *block = json_array_get(json_object_get(root, "credibility"), 0);
        const double own = real_of(block, "own_rate"), blended = real_of(block, "blended_rate");
        assert_true(own > 0.18999 && own < 0.19001);
        if (i == 0)
            assert_true(blended == own);
        else
            assert_true(blended < own && blended > 0.14);
        const double wanted = 3000 * blended / real_of(block, "regional_rate");
        const double stays = real_of(root, "expected_stays");
        assert_true(stays > wanted * (1 - 1e-6) && stays < wanted * (1 + 1e-6));
        json_decref(root);
    }
    assert_int_equal(shell("sed -i s/甲村/戊村/ %s/in/settings.tsv; " COMMAND
                           " solve %s/in -o %s/out 2> %s/stderr",
                           work, work, work, work),
                     2);
    static char text[4096];
    assert_non_null(strstr(slurp("stderr", text, sizeof text), "design.history"));
}

static void
stays_of_the_past_are_a_distribution(void **state)
{
    (void) state;
    assert_int_equal(
        shell("rm -rf %s/in && cp -r " EXAMPLES "/T4 %s/in && cd %s/in && "
              "sed -i 's/^SYN03.*/SYN03\\t*\\tempirical\\t\\t/' costs.tsv && "
              "printf 'drg\\tinsurance\\town_payment\\tcount\\nSYN03\\t居民医保\\t1000\\t7\\n"
              "SYN03\\t居民医保\\t4000\\t2\\nSYN03\\t居民医保\\t9000\\t1\\n' > stays.tsv",
              work, work, work),
        0);
    assert_int_equal(shell(COMMAND " solve %s/in -o %s/stays", work, work), 0);
    static char text[65536];
    const char *row = strstr(slurp("stays/table.tsv", text, sizeof text), "SYN03");
    /* 360 stays, 3 of 10 at or above 4,000 yuan, and a claim costs 17,000 / 3 */
    assert_non_null(row);
    assert_non_null(strstr(row, "\t360.000\t108.000\t"));
    assert_non_null(strstr(row, "\t5666.67\t"));
}

static void
the_command_line_is_explained(void **state)
{
    (void) state;
    static char text[8192];

    assert_int_equal(shell(COMMAND " 2> %s/stderr", work), 64);
    assert_non_null(strstr(slurp("stderr", text, sizeof text), "huzhu-design solve"));
    assert_int_equal(shell(COMMAND " solve x 2> %s/stderr", work), 64);
    assert_int_equal(shell(COMMAND " assess x -o y 2> %s/stderr", work), 64);
    assert_int_equal(shell(COMMAND " dream x -o y 2> %s/stderr", work), 64);
    assert_int_equal(shell(COMMAND " simulate x -o y -p z -n 0 2> %s/stderr", work), 64);
    assert_int_equal(shell(COMMAND " settings > %s/settings", work), 0);
    assert_non_null(strstr(slurp("settings", text, sizeof text), "yearly_cap"));
    assert_int_equal(
        shell(COMMAND " solve " EXAMPLES "/T1 -o %s/no/such/folder 2> %s/stderr", work, work), 1);
    assert_non_null(strstr(slurp("stderr", text, sizeof text), "design.output"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_give_their_tables_in_the_same_bytes),
        cmocka_unit_test(the_other_verbs_read_the_table_that_solve_wrote),
        cmocka_unit_test(the_page_is_whole_and_asks_nothing_of_the_network),
        cmocka_unit_test(every_fault_names_its_place),
        cmocka_unit_test(plans_and_claims_are_checked_too),
        cmocka_unit_test(own_experience_is_blended_in),
        cmocka_unit_test(stays_of_the_past_are_a_distribution),
        cmocka_unit_test(the_command_line_is_explained),
    };
    return cmocka_run_group_tests(tests, open_work, close_work);
}
