/* command_pack.c - compile, check and info: what is done with a scheme itself. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "command.h"
#include "compile.h"
#include "finding.h"
#include "pack.h"
#include "scheme.h"

static void
print_findings(struct findings *findings, FILE *out, const char *dir, size_t per_kind_max)
{
    const size_t held_back = findings_print(findings, out, dir, per_kind_max);

    if (held_back > 0)
        (void) fprintf(
            out,
            "%s: 另有 %zu 条同类发现，用 check --all 查看全部 | %zu more of the same kinds; see "
            "check --all\n",
            dir, held_back, held_back);
    (void) fprintf(out,
                   "%s: 错误 %zu，警告 %zu，提示 %zu | %zu errors, %zu warnings, %zu notes%s\n",
                   dir, findings->errors, findings->warnings, findings->notes, findings->errors,
                   findings->warnings, findings->notes, findings->lost ? " (cut)" : "");
}

int
command_compile(int argc, char **argv)
{
    const char *dir = NULL, *to = NULL;
    struct findings findings;
    struct pack pack;
    struct err err;
    void *image = NULL;
    size_t size;

    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "-o") == 0 && i + 1 < argc)
            to = argv[++i];
        else if (argv[i][0] != '-' && !dir)
            dir = argv[i];
        else
            return EXIT_USAGE;
    }
    if (!dir || !to)
        return EXIT_USAGE;
    findings_init(&findings);
    int status = EXIT_REFUSED;
    if (!pack_open(dir, &pack, &findings))
        print_findings(&findings, stderr, dir, 20);
    else if (compile_pack(&pack, &image, &size, &err) != ERR_OK ||
             write_file(to, image, size, &err) != ERR_OK)
        (void) command_failed(&err);
    else
        status = EXIT_DONE;
    free(image);
    pack_close(&pack);
    findings_done(&findings);
    return status;
}

/* One object a line: what a program reads. */
static void
print_json(const struct findings *findings)
{
    static const char *const severities[] = { "note", "warning", "error" };

    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *item = &findings->items[i];
        json_t *line =
            json_pack("{ss ss ss si ss ss}", "severity", severities[finding_severity(item->kind)],
                      "code", finding_code(item->kind), "file", item->place.file, "line",
                      (int) item->place.line, "zh", item->zh, "en", item->en);
        if (line && json_dumpf(line, stdout, JSON_COMPACT) == 0)
            (void) printf("\n");
        json_decref(line);
    }
}

int
command_check(int argc, char **argv)
{
    const char *dir = NULL;
    bool all = false, json = false;
    struct findings findings;
    struct pack pack;

    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--all") == 0)
            all = true;
        else if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (argv[i][0] != '-' && !dir)
            dir = argv[i];
        else
            return EXIT_USAGE;
    }
    if (!dir)
        return EXIT_USAGE;
    findings_init(&findings);
    if (pack_open(dir, &pack, &findings))
        check_pack(&pack, dir, &findings);
    if (json)
        print_json(&findings);
    else
        print_findings(&findings, stdout, dir, all ? 0 : 20);
    const int status = findings.errors > 0 ? EXIT_REFUSED : EXIT_DONE;
    pack_close(&pack);
    findings_done(&findings);
    return status;
}

int
command_info(int argc, char **argv)
{
    if (argc != 1)
        return EXIT_USAGE;
    OWNED(drg_scheme_close) struct drg_scheme *scheme = command_scheme(argv[0]);
    if (!scheme)
        return EXIT_REFUSED;
    const struct drg_identity *who = drg_scheme_identity(scheme);
    (void) printf("id        %s\nname      %s\nversion   %s\nchecksum  %s\n", who->id, who->name,
                  who->version, who->checksum);
    (void) printf("region    %s\nbytes     %zu\n", scheme_string(scheme, scheme->header->region),
                  scheme->size);
    (void) printf("mdc       %u\nadrg rows %u\ndrg rows  %llu\n", scheme->mdc_count,
                  scheme->row_count, (unsigned long long) scheme->header->section[HZS_DRGS].count);
    (void) printf(
        "dx        %u codes, %llu classes\nproc      %u codes, %llu classes\n", scheme->dx.count,
        (unsigned long long) scheme->header->section[HZS_DX_BITS].count / scheme->header->dx_words,
        scheme->op.count,
        (unsigned long long) scheme->header->section[HZS_OP_BITS].count / scheme->header->op_words);
    (void) printf("words     dx %u (wide %u), proc %u (wide %u), rows %u\n",
                  scheme->header->dx_words, scheme->header->dx_wide, scheme->header->op_words,
                  scheme->header->op_wide, scheme->header->row_words);
    (void) printf("retry     %s\n", scheme->header->retry ? "yes" : "no");
    return EXIT_DONE;
}
