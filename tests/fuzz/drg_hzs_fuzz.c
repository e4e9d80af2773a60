/* drg_hzs_fuzz.c - a compiled file made by an enemy: refused, or harmless.
 *
 * The head and the checksum are put right, because an enemy can do so too; what is left is for the
 * bounds that scheme.c checks.  What opens must group and explain without leaving its bytes. */
#include <stdint.h>
#include <stdlib.h>

#include "../unit/drg_tiny.h"
#include "hzs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct drg_scheme *scheme = NULL;
    struct hzs_header header;
    struct err err;

    if (size < sizeof header)
        return 0;
    char *copy = malloc(size);
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    memcpy(&header, copy, sizeof header);
    memcpy(header.magic, HZS_MAGIC, sizeof header.magic);
    header.version = HZS_VERSION;
    header.byte_order = HZS_BYTE_ORDER;
    header.file_bytes = size;
    memcpy(copy, &header, sizeof header);
    header.checksum = hzs_checksum(copy + HZS_CHECKED_FROM, size - HZS_CHECKED_FROM);
    memcpy(copy, &header, sizeof header);
    if (drg_scheme_from_bytes(copy, size, &scheme, &err) == ERR_OK) {
        (void) tiny_run(scheme);
        drg_scheme_close(scheme);
    }
    free(copy);
    return 0;
}
