/* rules_document.c - JPEG, PNG and PDF walked byte by byte.  Pure: no I/O, no allocation. */
#include "rules_document.h"

#include <string.h>
#include <zlib.h>

struct out {
    document_sink_fn *sink;
    void *arg;
};

static bool
put(const struct out *out, const uint8_t *bytes, size_t size)
{
    return size == 0 || out->sink(out->arg, bytes, size);
}

static bool
damaged(struct document *d)
{
    d->fault = DOCUMENT_DAMAGED;
    return false;
}

/* --- JPEG --- */

enum {
    J_START,
    J_MARKER,
    J_MARKER_CODE,
    J_LENGTH_1,
    J_LENGTH_2,
    J_SEGMENT,
    J_SCAN,
    J_SCAN_FF,
    J_AFTER
};
enum {
    SOI = 0xd8,
    EOI = 0xd9,
    SOS = 0xda,
    APP0 = 0xe0,
    APP1 = 0xe1,
    APP14 = 0xee,
    APP15 = 0xef,
    COM = 0xfe
};

static bool
is_frame(uint8_t marker) /* SOF0 to SOF15 without DHT, JPG and DAC */
{
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

static uint32_t
exif_number(const uint8_t *at, bool little, int size)
{
    uint32_t n = 0;

    for (int i = 0; i < size; i++)
        n = n << 8 | at[little ? size - 1 - i : i];
    return n;
}

/* The tag 0x0112 of the first directory; 0 when it is absent or malformed. */
static int
exif_orientation(const uint8_t *segment, size_t size)
{
    if (size < 14 + 2 || memcmp(segment, "Exif\0\0", 6) != 0)
        return 0;
    const uint8_t *tiff = segment + 6;
    const size_t room = size - 6;
    const bool little = tiff[0] == 'I';
    if (memcmp(tiff, little ? "II*\0" : "MM\0*", 4) != 0)
        return 0;
    const size_t directory = exif_number(tiff + 4, little, 4);
    if (directory > room - 2)
        return 0;
    const size_t entries = exif_number(tiff + directory, little, 2);
    for (size_t i = 0; i < entries; i++) {
        const size_t at = directory + 2 + i * 12;
        if (at + 12 > room)
            return 0;
        if (exif_number(tiff + at, little, 2) != 0x0112)
            continue;
        const uint32_t value = exif_number(tiff + at + 8, little, 2);
        return value >= 1 && value <= 8 ? (int) value : 0;
    }
    return 0;
}

static bool
jpeg_is_kept(const struct document *d, const uint8_t *content, size_t size)
{
    if (d->marker == APP0)
        return size >= 5 && memcmp(content, "JFIF\0", 5) == 0;
    if (d->marker == APP14) /* says how colours are coded: without it they come out wrong */
        return size >= 12 && size <= 14 && memcmp(content, "Adobe", 5) == 0;
    return !(d->marker > APP0 && d->marker <= APP15) && d->marker != COM;
}

/* A whole segment is in `hold`: FF, marker, length, content. */
static bool
jpeg_segment(struct document *d, const struct out *out)
{
    const uint8_t *content = d->hold + 4;
    const size_t size = d->held - 4;

    if (d->marker == APP1 && d->orientation == 0)
        d->orientation = exif_orientation(content, size);
    if (is_frame(d->marker)) {
        if (d->saw_frame || size < 6)
            return damaged(d);
        d->saw_frame = true;
    }
    if (d->marker == SOS) {
        if (!d->saw_frame)
            return damaged(d);
        d->saw_scan = true;
    }
    d->state = d->marker == SOS ? J_SCAN : J_MARKER;
    return !jpeg_is_kept(d, content, size) || put(out, d->hold, d->held);
}

static bool
jpeg_marker(struct document *d, uint8_t byte, const struct out *out)
{
    if (byte == 0xff) /* fill bytes may stand before a marker */
        return true;
    d->marker = byte;
    if (byte == EOI) {
        if (!d->saw_scan)
            return damaged(d);
        d->ended = true;
        d->state = J_AFTER;
        return put(out, (const uint8_t[]){ 0xff, EOI }, 2);
    }
    if (byte < 0xc0 || byte == SOI || (byte >= 0xd0 && byte <= 0xd7))
        return damaged(d);
    d->hold[0] = 0xff;
    d->hold[1] = byte;
    d->state = J_LENGTH_1;
    return true;
}

static bool
jpeg_byte(struct document *d, uint8_t byte, const struct out *out)
{
    switch (d->state) {
    case J_START:
        d->hold[d->held++] = byte;
        if (d->held < 2)
            return true;
        d->state = J_MARKER;
        return d->hold[0] == 0xff && d->hold[1] == SOI ? put(out, d->hold, 2) : damaged(d);
    case J_MARKER:
        d->state = J_MARKER_CODE;
        return byte == 0xff || damaged(d);
    case J_MARKER_CODE:
        return jpeg_marker(d, byte, out);
    case J_LENGTH_1:
        d->hold[2] = byte;
        d->state = J_LENGTH_2;
        return true;
    case J_LENGTH_2:
        d->hold[3] = byte;
        d->held = 4;
        d->left = (uint32_t) d->hold[2] << 8 | byte;
        if (d->left < 2)
            return damaged(d);
        d->left -= 2;
        d->state = J_SEGMENT;
        return d->left > 0 || jpeg_segment(d, out);
    case J_SEGMENT:
        d->hold[d->held++] = byte;
        return --d->left > 0 || jpeg_segment(d, out);
    case J_SCAN_FF:
        if (byte == 0xff)
            return true;
        if (byte == 0 || (byte >= 0xd0 && byte <= 0xd7)) { /* a stuffed FF, or a restart */
            d->state = J_SCAN;
            return put(out, (const uint8_t[]){ 0xff, byte }, 2);
        }
        return jpeg_marker(d, byte, out);
    default: /* J_AFTER: what follows the image is dropped */
        return true;
    }
}

static bool
jpeg_feed(struct document *d, const uint8_t *bytes, size_t size, const struct out *out)
{
    for (size_t i = 0; i < size;) {
        if (d->state == J_SCAN) { /* nearly all bytes of a photograph: in one stride */
            const uint8_t *ff = memchr(bytes + i, 0xff, size - i);
            const size_t run = ff ? (size_t) (ff - bytes) - i : size - i;
            if (!put(out, bytes + i, run))
                return false;
            i += run;
            if (ff) {
                d->state = J_SCAN_FF;
                i++;
            }
            continue;
        }
        if (d->state == J_AFTER)
            return true;
        if (!jpeg_byte(d, bytes[i++], out))
            return false;
    }
    return true;
}

/* --- PNG --- */

enum { P_SIGNATURE, P_HEAD, P_DATA, P_CRC, P_AFTER };

static bool
png_type_is(const struct document *d, const char *type)
{
    return memcmp(d->hold + 4, type, 4) == 0;
}

/* What makes the picture.  iCCP is left out: it may carry a name and a date. */
static bool
png_is_kept(const struct document *d)
{
    static const char *const kept[] = { "IHDR", "PLTE", "IDAT", "IEND", "tRNS", "gAMA", "cHRM",
                                        "sRGB", "sBIT", "bKGD", "hIST", "pHYs", "cICP" };

    for (size_t i = 0; i < COUNT(kept); i++)
        if (png_type_is(d, kept[i]))
            return true;
    return false;
}

static bool
png_head(struct document *d, const struct out *out)
{
    const bool first = !d->saw_frame;

    d->length = exif_number(d->hold, false, 4);
    d->left = d->length;
    for (int i = 4; i < 8; i++) {
        const uint8_t letter = d->hold[i] | 0x20;
        if (letter < 'a' || letter > 'z')
            return damaged(d);
    }
    d->keep = png_is_kept(d);
    if (d->length > INT32_MAX || (!d->keep && !(d->hold[4] & 0x20))) /* an unknown critical chunk */
        return damaged(d);
    if (first != png_type_is(d, "IHDR") || (first && d->length != 13))
        return damaged(d);
    if (png_type_is(d, "IEND") && (d->length != 0 || !d->saw_data))
        return damaged(d);
    d->saw_frame = true;
    d->saw_data |= png_type_is(d, "IDAT");
    d->crc = (uint32_t) crc32(0, d->hold + 4, 4);
    d->state = d->left > 0 ? P_DATA : P_CRC;
    d->ended = png_type_is(d, "IEND");
    d->held = 0;
    return !d->keep || put(out, d->hold, 8);
}

static bool
png_crc(struct document *d, const struct out *out)
{
    const uint32_t said = exif_number(d->hold, false, 4);

    if (d->keep && said != d->crc)
        return damaged(d);
    d->held = 0;
    d->state = d->ended ? P_AFTER : P_HEAD;
    return !d->keep || put(out, d->hold, 4);
}

static bool
png_feed(struct document *d, const uint8_t *bytes, size_t size, const struct out *out)
{
    for (size_t i = 0; i < size;) {
        if (d->state == P_AFTER)
            return true;
        if (d->state == P_DATA) {
            const size_t run = size - i < d->left ? size - i : d->left;
            if (d->keep) {
                d->crc = (uint32_t) crc32(d->crc, bytes + i, (uInt) run);
                if (!put(out, bytes + i, run))
                    return false;
            }
            i += run;
            d->left -= (uint32_t) run;
            if (d->left == 0)
                d->state = P_CRC;
            continue;
        }
        d->hold[d->held++] = bytes[i++];
        if (d->state == P_CRC && d->held == 4) {
            if (!png_crc(d, out))
                return false;
        } else if (d->held == 8 && d->state == P_HEAD) {
            if (!png_head(d, out))
                return false;
        } else if (d->held == 8 && d->state == P_SIGNATURE) {
            d->held = 0;
            d->state = P_HEAD;
            if (memcmp(d->hold, "\x89PNG\r\n\x1a\n", 8) != 0)
                return damaged(d);
            if (!put(out, d->hold, 8))
                return false;
        }
    }
    return true;
}

/* --- PDF --- */

enum { F_PLAIN, F_NAME };
enum { PDF_NAME_MAX = 32, PDF_TAIL = 8 };

static int
hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
pdf_ends_name(uint8_t c)
{
    return c <= ' ' || c >= 0x7f || strchr("()<>[]{}/%", c) != NULL;
}

/* The name in `hold`, "#4a" being "J" (ISO 32000-1 7.3.5), among those that do something.  /JS is
 * not needed: an action that runs it says /JavaScript or /Rendition beside it, and two letters turn
 * up by chance in every scan of some megabytes. */
static bool
pdf_name_is_active(const struct document *d)
{
    static const char *const active[] = { "JavaScript",    "Launch",    "Rendition", "EmbeddedFile",
                                          "EmbeddedFiles", "RichMedia", "Encrypt",   "XFA" };
    char name[PDF_NAME_MAX];
    size_t size = 0;

    for (size_t i = 0; i < d->held && size < sizeof name - 1; i++) {
        uint8_t c = d->hold[i];
        if (c == '#' && i + 2 < d->held && hex_digit(d->hold[i + 1]) >= 0 &&
            hex_digit(d->hold[i + 2]) >= 0) {
            c = (uint8_t) (hex_digit(d->hold[i + 1]) << 4 | hex_digit(d->hold[i + 2]));
            i += 2;
        }
        name[size++] = (char) c;
    }
    name[size] = '\0';
    for (size_t i = 0; i < COUNT(active); i++)
        if (strcmp(name, active[i]) == 0)
            return true;
    return false;
}

/* "%%EOF", anywhere: later revisions append after it. */
static void
pdf_watch_for_end(struct document *d, uint8_t c)
{
    static const char mark[] = "%%EOF";

    if (c == (uint8_t) mark[d->left])
        d->left++;
    else if (c == '%')
        d->left = d->left == 2 ? 2 : 1;
    else
        d->left = 0;
    if (d->left == sizeof mark - 1) {
        d->ended = true;
        d->left = 0;
    }
}

static bool
pdf_feed(struct document *d, const uint8_t *bytes, size_t size, const struct out *out)
{
    for (size_t i = 0; i < size; i++) {
        const uint8_t c = bytes[i];
        pdf_watch_for_end(d, c);
        if (d->state == F_NAME && !pdf_ends_name(c)) {
            if (d->held < (size_t) PDF_NAME_MAX * 3)
                d->hold[d->held++] = c;
            continue;
        }
        if (d->state == F_NAME && pdf_name_is_active(d)) {
            d->fault = DOCUMENT_ACTIVE;
            return false;
        }
        d->state = c == '/' ? F_NAME : F_PLAIN;
        d->held = 0;
    }
    return put(out, bytes, size);
}

/* --- all three --- */

void
document_begin(struct document *document, const char *content_type)
{
    memset(document, 0, sizeof *document);
    document->kind = DOCUMENT_PDF;
    if (strcmp(content_type, "image/jpeg") == 0)
        document->kind = DOCUMENT_JPEG;
    if (strcmp(content_type, "image/png") == 0)
        document->kind = DOCUMENT_PNG;
}

bool
document_feed(struct document *document, const uint8_t *bytes, size_t size, document_sink_fn *sink,
              void *arg)
{
    const struct out out = { sink, arg };

    if (document->fault != DOCUMENT_SOUND)
        return false;
    switch (document->kind) {
    case DOCUMENT_JPEG:
        return jpeg_feed(document, bytes, size, &out);
    case DOCUMENT_PNG:
        return png_feed(document, bytes, size, &out);
    case DOCUMENT_PDF:
        return pdf_feed(document, bytes, size, &out);
    }
    return false;
}

bool
document_end(struct document *document)
{
    if (document->fault == DOCUMENT_SOUND && document->kind == DOCUMENT_PDF &&
        document->state == F_NAME && pdf_name_is_active(document))
        document->fault = DOCUMENT_ACTIVE;
    if (document->fault == DOCUMENT_SOUND &&
        (!document->ended || (document->kind == DOCUMENT_PNG && document->state != P_AFTER)))
        document->fault = DOCUMENT_DAMAGED;
    return document->fault == DOCUMENT_SOUND;
}
