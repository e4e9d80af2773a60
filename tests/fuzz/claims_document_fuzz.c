/* claims_document_fuzz.c - whatever comes as a document: in pieces of any size the same is stored,
 * it is no longer than what came, and a document that was cleaned comes through again unchanged. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "claims/rules.h"
#include "claims/rules_document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct stored {
    uint8_t *bytes;
    size_t size, room;
};

static bool
keep(void *arg, const uint8_t *bytes, size_t size)
{
    struct stored *stored = arg;

    assert(stored->size + size <= stored->room);
    memcpy(stored->bytes + stored->size, bytes, size);
    stored->size += size;
    return true;
}

static enum document_fault
clean(const char *type, const uint8_t *data, size_t size, size_t step, struct stored *stored)
{
    static struct document document;
    bool sound = true;

    document_begin(&document, type);
    *stored = (struct stored){ .bytes = malloc(size + 1), .room = size };
    assert(stored->bytes);
    for (size_t at = 0; at < size && sound; at += step)
        sound =
            document_feed(&document, data + at, size - at < step ? size - at : step, keep, stored);
    const bool whole = sound && document_end(&document);
    assert(whole == (sound && document.fault == DOCUMENT_SOUND));
    assert(document.orientation >= 0 && document.orientation <= 8);
    return document.fault;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *type = content_type_of(data, size);
    struct stored whole, parts, again;

    if (!type || size > 65536)
        return 0;
    const enum document_fault fault = clean(type, data, size, size, &whole);
    assert(clean(type, data, size, 1 + size % 13, &parts) == fault);
    if (fault == DOCUMENT_SOUND) {
        assert(whole.size == parts.size && memcmp(whole.bytes, parts.bytes, whole.size) == 0);
        assert(content_type_of(whole.bytes, whole.size) == type);
        assert(clean(type, whole.bytes, whole.size, 4096, &again) == DOCUMENT_SOUND);
        assert(again.size == whole.size && memcmp(again.bytes, whole.bytes, whole.size) == 0);
        free(again.bytes);
    }
    free(whole.bytes);
    free(parts.bytes);
    return 0;
}
