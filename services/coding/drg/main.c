/* main.c - huzhu-drg: compile, check, group, explain, diff, import, info, bench. */
#include <stdlib.h>
#include <string.h>

#include "command.h"

static const struct {
    const char *name, *arguments, *zh, *en;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "compile", "DIR -o X.hzs", "编译方案包", "make one file of a scheme pack", command_compile },
    { "check", "DIR [--all] [--json]", "检查方案包", "find what is wrong in a scheme pack",
      command_check },
    { "info", "X.hzs", "显示方案身份与规模", "tell what a compiled scheme holds", command_info },
    { "group", "X.hzs [-j N] [--convert] [--identity] [-q] < cases.csv > results.csv", "分组",
      "group stays", command_group },
    { "explain", "X.hzs [--convert] [--row INDEX | --stay NAME=VALUE ...] [--json|--zh|--en]",
      "说明分组路径", "tell why a stay went where it went", command_explain },
    { "diff", "A.hzs B.hzs [-j N] [--convert] [--rows] < cases.csv", "比较两个方案的分组结果",
      "count the stays that move when a scheme changes", command_diff },
    { "import", "MAPPING.json|PACK -o DIR", "导入方案包或表格",
      "make a scheme pack of spreadsheets, or take one over", command_import },
    { "bench", "X.hzs cases.csv [--seconds N]", "测速", "measure the grouper in memory",
      command_bench },
};

static int
usage(FILE *out)
{
    (void) fprintf(out, "huzhu-drg: DRG 分组器 / DRG grouper\n");
    for (size_t i = 0; i < COUNT(commands); i++)
        (void) fprintf(out, "  huzhu-drg %s %s\n      %s / %s\n", commands[i].name,
                       commands[i].arguments, commands[i].zh, commands[i].en);
    return EXIT_USAGE;
}

int
command_failed(const struct err *err)
{
    (void) fprintf(stderr, "huzhu-drg: %s [%s]: %s\n", err_name(err->code), err->reason, err->text);
    return EXIT_REFUSED;
}

struct drg_scheme *
command_scheme(const char *path)
{
    struct drg_scheme *scheme;
    struct err err;

    if (drg_scheme_open(path, &scheme, &err) == ERR_OK)
        return scheme;
    (void) fprintf(stderr, "%s: ", path);
    (void) command_failed(&err);
    return NULL;
}

int
command_number(const char *text, int max)
{
    const int32_t number = text ? drg_number(text, strlen(text)) : 0;

    return number >= 1 && number <= max ? (int) number : 0;
}

int
main(int argc, char **argv)
{
    if (argc < 2)
        return usage(stderr);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        (void) usage(stdout);
        return EXIT_DONE;
    }
    for (size_t i = 0; i < COUNT(commands); i++) {
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        const int status = commands[i].run(argc - 2, argv + 2);
        if (status == EXIT_USAGE)
            (void) fprintf(stderr, "用法 usage: huzhu-drg %s %s\n", commands[i].name,
                           commands[i].arguments);
        return status;
    }
    return usage(stderr);
}
