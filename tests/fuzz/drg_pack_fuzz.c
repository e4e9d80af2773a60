/* drg_pack_fuzz.c - whatever stands in the files of a pack, reading and checking end with findings,
 * and what has no error compiles to a file that opens and groups.
 *
 * Input: the files one after another; a line "@@name" begins a file, what is not there is the tiny
 * pack's. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "../unit/drg_tiny.h"
#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
take_files(struct arena *arena, const char *text, size_t size, struct pack_source *source)
{
    const char *end = text + size;

    for (const char *p = text; p < end;) {
        const char *line = memchr(p, '\n', (size_t) (end - p));
        if (!line)
            return;
        const char *body = line + 1;
        const char *next = memmem(body, (size_t) (end - body), "\n@@", 3);
        const char *stop = next ? next + 1 : end;
        for (int i = 0; i <= PACK_FILE_COUNT; i++) {
            const size_t name = strlen(tiny[i].name);
            if ((size_t) (line - p) != name + 2 || memcmp(p, "@@", 2) != 0 ||
                memcmp(p + 2, tiny[i].name, name) != 0)
                continue;
            struct tsv_bytes bytes = { arena_alloc(arena, (size_t) (stop - body) + 1),
                                       (size_t) (stop - body) };
            memcpy(bytes.bytes, body, bytes.size);
            if (i == PACK_FILE_COUNT)
                source->json = bytes;
            else
                source->files[i] = bytes;
        }
        p = stop;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_create(PACK_ARENA_BYTES);
    struct pack_source source = tiny_source(arena, NULL, NULL);
    struct drg_scheme *scheme = NULL;
    struct findings findings;
    struct pack pack;
    struct err err;
    void *image = NULL;
    size_t image_size;

    findings_init(&findings);
    take_files(arena, (const char *) data, size, &source);
    const bool good = pack_read(arena, &source, &pack, &findings);
    assert(good == (findings.errors == 0));
    if (good) {
        check_pack(&pack, NULL, &findings);
        if (compile_pack(&pack, &image, &image_size, &err) == ERR_OK) {
            const err_t opened = drg_scheme_from_bytes(image, image_size, &scheme, &err);
            assert(opened == ERR_OK);
            (void) tiny_run(scheme);
            drg_scheme_close(scheme);
        }
    }
    free(image);
    pack_close(&pack);
    findings_done(&findings);
    return 0;
}
