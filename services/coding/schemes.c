/* schemes.c - the compiled schemes of a folder, opened at start. */
#include "schemes.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES_MAX = 1024 };

static int
is_scheme(const struct dirent *entry)
{
    const size_t size = strlen(entry->d_name);

    return size > 4 && strcmp(entry->d_name + size - 4, ".hzs") == 0;
}

static err_t
open_one(const char *folder, const char *name, struct schemes *schemes, struct err *err)
{
    char path[PATH_BYTES_MAX];

    if (schemes->count == SCHEMES_MAX)
        return err_set(err, ERR_INVALID, "scheme.too_many", "%s holds more than %d schemes", folder,
                       SCHEMES_MAX);
    if ((size_t) snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path)
        return err_set(err, ERR_INVALID, "scheme.path", "the path of %s is too long", name);
    TRY(drg_scheme_open(path, &schemes->open[schemes->count], err));
    schemes->names[schemes->count] = drg_names_create(schemes->open[schemes->count]);
    schemes->count++;
    return schemes->names[schemes->count - 1]
               ? ERR_OK
               : err_set(err, ERR_INTERNAL, "memory", "no memory for the names of %s", name);
}

err_t
schemes_start(const void *conf, void **state, struct err *err)
{
    const char *folder = ((const struct coding_conf *) conf)->scheme_folder;
    /* tidy: lives as long as the process, which no arena does. */
    struct schemes *schemes = calloc(1, sizeof *schemes);
    struct dirent **names = NULL;
    err_t code = ERR_OK;

    if (!schemes)
        return err_set(err, ERR_INTERNAL, "memory", "no memory for the schemes");
    const int count = *folder ? scandir(folder, &names, is_scheme, alphasort) : 0;
    if (count < 0)
        code = err_set(err, ERR_INVALID, "scheme.folder", "cannot read the folder %s", folder);
    for (int i = 0; i < count; i++) {
        if (code == ERR_OK)
            code = open_one(folder, names[i]->d_name, schemes, err);
        free(names[i]);
    }
    free(names);
    if (code != ERR_OK) {
        schemes_stop(schemes);
        return code;
    }
    *state = schemes;
    return ERR_OK;
}

void
schemes_stop(void *state)
{
    struct schemes *schemes = state;

    if (!schemes)
        return;
    for (size_t i = 0; i < schemes->count; i++) {
        drg_names_destroy(schemes->names[i]);
        drg_scheme_close(schemes->open[i]);
    }
    free(schemes);
}
