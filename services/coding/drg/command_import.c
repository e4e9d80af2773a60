/* command_import.c - import: a pack as it is, or spreadsheets by a mapping, into a folder that is
 * then checked. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"
#include "command.h"
#include "compile.h"
#include "import.h"

/* Copies the files of a pack that is one. */
static err_t
import_pack(const char *from, const char *to, struct err *err)
{
    struct findings findings;
    struct arena *arena = arena_create(PACK_ARENA_BYTES);
    err_t code = ERR_OK;

    findings_init(&findings);
    for (int i = -1; i < PACK_FILE_COUNT && arena && code == ERR_OK; i++) {
        const char *name = i < 0 ? "scheme.json" : pack_specs[i].file;
        const bool optional = i >= 0 && pack_specs[i].optional;
        char path[4096];
        const struct tsv_bytes bytes = tsv_load(from, name, optional, arena, &findings);
        if (findings.errors > 0)
            code =
                err_set(err, ERR_INVALID, "drg.import_pack", "%s has no readable %s", from, name);
        else if (bytes.bytes && snprintf(path, sizeof path, "%s/%s", to, name) < (int) sizeof path)
            code = write_file(path, bytes.bytes, bytes.size, err);
    }
    if (!arena)
        code = err_set(err, ERR_UNAVAILABLE, "drg.import_memory", "out of memory");
    arena_destroy(arena);
    findings_done(&findings);
    return code;
}

static int
check_result(char *dir)
{
    char *arguments[] = { dir };

    return command_check(1, arguments);
}

int
command_import(int argc, char **argv)
{
    const char *from = NULL;
    char *to = NULL;
    struct stat what;
    struct err err;

    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "-o") == 0 && i + 1 < argc)
            to = argv[++i];
        else if (argv[i][0] != '-' && !from)
            from = argv[i];
        else
            return EXIT_USAGE;
    }
    if (!from || !to)
        return EXIT_USAGE;
    if (mkdir(to, 0755) != 0 && errno != EEXIST) {
        (void) fprintf(stderr, "huzhu-drg: cannot make the folder %s: %s\n", to, strerror(errno));
        return EXIT_REFUSED;
    }
    const bool folder = stat(from, &what) == 0 && S_ISDIR(what.st_mode);
    if ((folder ? import_pack(from, to, &err) : import_run(from, to, &err)) != ERR_OK)
        return command_failed(&err);
    return check_result(to);
}
