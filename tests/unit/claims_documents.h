/* claims_documents.h - small documents for tests: a JPEG and a PNG with all that a device may hide
 * in them, and the same without. */
#ifndef HUZHU_TEST_CLAIMS_DOCUMENTS_H
#define HUZHU_TEST_CLAIMS_DOCUMENTS_H

#include <assert.h>
#include <string.h>
#include <zlib.h>

#include "base/base.h"

struct sample {
    uint8_t bytes[4096];
    size_t size;
};

static inline void
sample_add(struct sample *s, const void *bytes, size_t size)
{
    assert(s->size + size <= sizeof s->bytes);
    memcpy(s->bytes + s->size, bytes, size);
    s->size += size;
}
#define ADD(s, literal) sample_add((s), (literal), sizeof(literal) - 1)

static inline void
jpeg_segment_add(struct sample *s, uint8_t marker, const void *content, size_t size)
{
    const uint8_t head[] = { 0xff, marker, (uint8_t) ((size + 2) >> 8), (uint8_t) (size + 2) };

    sample_add(s, head, sizeof head);
    sample_add(s, content, size);
}
#define SEGMENT(s, marker, literal) jpeg_segment_add((s), (marker), (literal), sizeof(literal) - 1)

/* EXIF with orientation 6 and a maker's text that stands for a place. */
static const char exif[] = "Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
                           "GPS-CANARY";

static inline struct sample
a_jpeg(bool dirty)
{
    struct sample s = { .size = 0 };

    ADD(&s, "\xff\xd8");
    SEGMENT(&s, 0xe0, "JFIF\0\1\1\0\0\1\0\1\0\0");
    if (dirty) {
        jpeg_segment_add(&s, 0xe1, exif, sizeof exif - 1);
        SEGMENT(&s, 0xe1, "http://ns.adobe.com/xap/1.0/\0<x:CANARY/>");
        SEGMENT(&s, 0xe2, "ICC_PROFILE\0CANARY");
        SEGMENT(&s, 0xed, "Photoshop 3.0\0CANARY");
        SEGMENT(&s, 0xe0, "JFXX\0CANARY");
        SEGMENT(&s, 0xfe, "a comment: CANARY");
    }
    SEGMENT(&s, 0xee, "Adobe\0\x64\0\0\0\0\1");
    SEGMENT(&s, 0xdb, "\0ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789__");
    SEGMENT(&s, 0xc0, "\x08\0\x01\0\x01\x01\x01\x11\0");
    SEGMENT(&s, 0xda, "\x01\x01\0\0\x3f\0");
    ADD(&s, "\x12\x34\xff\0\x56\xff\xd0\x78");
    if (dirty)
        SEGMENT(&s, 0xfe, "between scans: CANARY");
    SEGMENT(&s, 0xda, "\x01\x01\0\0\x3f\0");
    ADD(&s, "\x9a\xbc\xff\xd9");
    if (dirty)
        ADD(&s, "after the end, a film: CANARY");
    return s;
}

static inline void
png_chunk_add(struct sample *s, const char *type, const void *content, size_t size)
{
    uint8_t head[8] = { 0, 0, (uint8_t) (size >> 8), (uint8_t) size };
    uint32_t crc = (uint32_t) crc32(0, (const Bytef *) type, 4);

    memcpy(head + 4, type, 4);
    sample_add(s, head, sizeof head);
    if (size > 0) {
        crc = (uint32_t) crc32(crc, content, (uInt) size);
        sample_add(s, content, size);
    }
    const uint8_t tail[] = { (uint8_t) (crc >> 24), (uint8_t) (crc >> 16), (uint8_t) (crc >> 8),
                             (uint8_t) crc };
    sample_add(s, tail, sizeof tail);
}
#define CHUNK(s, type, literal) png_chunk_add((s), (type), (literal), sizeof(literal) - 1)

static inline struct sample
a_png(bool dirty)
{
    struct sample s = { .size = 0 };

    ADD(&s, "\x89PNG\r\n\x1a\n");
    CHUNK(&s, "IHDR", "\0\0\0\1\0\0\0\1\x08\0\0\0\0");
    if (dirty) {
        CHUNK(&s, "tEXt", "Author\0CANARY");
        CHUNK(&s, "iTXt", "XML:com.adobe.xmp\0CANARY");
        CHUNK(&s, "zTXt", "c\0CANARY");
        CHUNK(&s, "eXIf", "II*\0CANARY");
        CHUNK(&s, "tIME", "CANARY\0");
        CHUNK(&s, "iCCP", "CANARY");
        CHUNK(&s, "prIv", "CANARY");
    }
    CHUNK(&s, "gAMA", "\0\0\xb1\x8f");
    CHUNK(&s, "IDAT", "\x78\x9c\x63\x60\0\0\0\2\0\1");
    CHUNK(&s, "IEND", "");
    if (dirty)
        ADD(&s, "CANARY behind");
    return s;
}

#endif
