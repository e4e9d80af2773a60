/* claims_document_test.c - what is stored of a document: 9.2.3 b (checked before anybody opens it)
 * and 6.2.2 c (nothing of the device or the place in it). */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "claims/rules_document.h"
#include "claims_documents.h"

struct stored {
    uint8_t bytes[8192];
    size_t size;
};

static bool
keep(void *arg, const uint8_t *bytes, size_t size)
{
    struct stored *stored = arg;

    assert_true(stored->size + size <= sizeof stored->bytes);
    memcpy(stored->bytes + stored->size, bytes, size);
    stored->size += size;
    return true;
}

static struct document *document;
static struct stored stored;

static enum document_fault
clean(const char *type, const void *bytes, size_t size, size_t step)
{
    bool sound = true;

    document_begin(document, type);
    stored.size = 0;
    for (size_t at = 0; at < size && sound; at += step)
        sound = document_feed(document, (const uint8_t *) bytes + at,
                              size - at < step ? size - at : step, keep, &stored);
    if (sound) {
        const bool whole = document_end(document);
        assert_int_equal(whole, document->fault == DOCUMENT_SOUND);
    }
    return document->fault;
}

/* In pieces of every size the same comes out. */
static void
becomes(const char *type, const struct sample *dirty, const struct sample *plain)
{
    for (size_t step = 1; step <= dirty->size; step++) {
        assert_int_equal(clean(type, dirty->bytes, dirty->size, step), DOCUMENT_SOUND);
        assert_int_equal(stored.size, plain->size);
        assert_memory_equal(stored.bytes, plain->bytes, plain->size);
    }
    assert_null(memmem(stored.bytes, stored.size, "CANARY", 6));
    assert_int_equal(clean(type, plain->bytes, plain->size, 7), DOCUMENT_SOUND);
    assert_int_equal(stored.size, plain->size);
}

static void
req_6_2_2c1_a_jpeg_loses_what_a_device_hid_in_it(void **state)
{
    const struct sample dirty = a_jpeg(true), plain = a_jpeg(false);

    (void) state;
    assert_non_null(memmem(dirty.bytes, dirty.size, "CANARY", 6));
    becomes("image/jpeg", &dirty, &plain);
    assert_int_equal(clean("image/jpeg", dirty.bytes, dirty.size, 64), DOCUMENT_SOUND);
    assert_int_equal(document->orientation, 6); /* kept beside the picture */
    assert_int_equal(clean("image/jpeg", plain.bytes, plain.size, 64), DOCUMENT_SOUND);
    assert_int_equal(document->orientation, 0);
}

static void
req_6_2_2c1_a_png_loses_what_a_device_hid_in_it(void **state)
{
    const struct sample dirty = a_png(true), plain = a_png(false);

    (void) state;
    becomes("image/png", &dirty, &plain);
}

static void
req_9_2_3b_a_document_cut_short_is_refused(void **state)
{
    const struct sample jpeg = a_jpeg(false), png = a_png(false);

    (void) state;
    for (size_t size = 1; size < jpeg.size; size++)
        assert_int_equal(clean("image/jpeg", jpeg.bytes, size, 4096), DOCUMENT_DAMAGED);
    for (size_t size = 1; size < png.size; size++)
        assert_int_equal(clean("image/png", png.bytes, size, 4096), DOCUMENT_DAMAGED);
    assert_int_equal(clean("application/pdf", "%PDF-1.4\n1 0 obj", 16, 16), DOCUMENT_DAMAGED);
}

static void
req_9_2_3b_malformed_structures_are_refused(void **state)
{
    static const struct {
        const char *type, *bytes;
        size_t size;
    } rows[] = {
#define ROW(type, literal) { type, literal, sizeof(literal) - 1 }
        ROW("image/jpeg", "\xff\xd8\x12\x34"),                             /* no marker */
        ROW("image/jpeg", "\xff\xd8\xff\xe0\0\1"),                         /* a length below 2 */
        ROW("image/jpeg", "\xff\xd8\xff\xd9"),                             /* no picture in it */
        ROW("image/jpeg", "\xff\xd8\xff\xda\0\x08\1\1\0\0\x3f\0\xff\xd9"), /* a scan of no frame */
        ROW("image/jpeg", "\xff\xd8\xff\xd8"),                             /* begins twice */
        ROW("image/jpeg", "\xff\xd8\xff\x01"),                             /* reserved */
        ROW("image/png", "\x89PNG\r\n\x1a\r"),                             /* another signature */
        ROW("image/png", "\x89PNG\r\n\x1a\n\0\0\0\0IEND\xae\x42\x60\x82"), /* no picture in it */
        ROW("image/png", "\x89PNG\r\n\x1a\n\0\0\0\x0cIHDR"),               /* a head of 12 bytes */
        ROW("image/png", "\x89PNG\r\n\x1a\n\xff\xff\xff\xffIHDR"),         /* too long */
        ROW("image/png", "\x89PNG\r\n\x1a\n\0\0\0\0I\1\2\3"),              /* no type */
#undef ROW
    };
    struct sample png = a_png(false);

    (void) state;
    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t step = 1; step < 9; step += 7)
            assert_int_equal(clean(rows[i].type, rows[i].bytes, rows[i].size, step),
                             DOCUMENT_DAMAGED);
    png.bytes[8 + 8 + 3] ^= 1; /* the width, and its CRC no longer fits */
    assert_int_equal(clean("image/png", png.bytes, png.size, 4096), DOCUMENT_DAMAGED);
}

static void
req_9_2_3b_a_pdf_that_does_more_than_show_pages_is_refused(void **state)
{
    static const struct {
        const char *body;
        enum document_fault fault;
    } rows[] = {
        { "<</Type/Catalog/Pages 2 0 R>>", DOCUMENT_SOUND },
        { "<</S/JavaScript/JS(app.alert\\(1\\))>>", DOCUMENT_ACTIVE },
        { "<</S/#4aava#53cript>>", DOCUMENT_ACTIVE }, /* the same name in hex */
        { "<</S /Launch /F (x.exe)>>", DOCUMENT_ACTIVE },
        { "<</Type/EmbeddedFile>>", DOCUMENT_ACTIVE },
        { "<</Names<</EmbeddedFiles 3 0 R>>>>", DOCUMENT_ACTIVE },
        { "<</S/Rendition/JS(x)>>", DOCUMENT_ACTIVE },
        { "<</Subtype/RichMedia>>", DOCUMENT_ACTIVE },
        { "<</XFA 5 0 R>>", DOCUMENT_ACTIVE },
        { "trailer<</Encrypt 9 0 R>>", DOCUMENT_ACTIVE },
        { "<</JavaScripting 1/Launcher 2>>", DOCUMENT_SOUND }, /* other names */
        { "(no name: JavaScript, Launch)", DOCUMENT_SOUND },
    };
    char pdf[256];

    (void) state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const int size =
            snprintf(pdf, sizeof pdf, "%%PDF-1.4\n1 0 obj\n%s\nendobj\n%%%%EOF\n", rows[i].body);
        for (size_t step = 1; step < 40; step++)
            assert_int_equal(clean("application/pdf", pdf, (size_t) size, step), rows[i].fault);
        if (rows[i].fault == DOCUMENT_SOUND) {
            assert_int_equal(stored.size, size); /* byte for byte */
            assert_memory_equal(stored.bytes, pdf, (size_t) size);
        }
    }
}

static int
set_up(void **state)
{
    (void) state;
    document = malloc(sizeof *document);
    return document ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void) state;
    free(document);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(req_6_2_2c1_a_jpeg_loses_what_a_device_hid_in_it),
        cmocka_unit_test(req_6_2_2c1_a_png_loses_what_a_device_hid_in_it),
        cmocka_unit_test(req_9_2_3b_a_document_cut_short_is_refused),
        cmocka_unit_test(req_9_2_3b_malformed_structures_are_refused),
        cmocka_unit_test(req_9_2_3b_a_pdf_that_does_more_than_show_pages_is_refused),
    };
    return cmocka_run_group_tests_name("claims documents", tests, set_up, tear_down);
}
