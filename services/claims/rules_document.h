/* rules_document.h - what is stored of a document: its content without what a device hid in it.
 *
 * A document goes through piece by piece, in pieces of any size; what is to be stored comes out in
 * order and is never longer than what went in.
 *
 *   JPEG   kept: the JFIF head, Adobe's colour note, tables, frames, scans.  Dropped: every other
 *          APPn segment (EXIF with place and device, XMP, IPTC, ICC, previews), comments, and all
 *          after the end of the image (second pictures, films).  The EXIF orientation is read
 * first. PNG    kept: the chunks that make the picture (list in rules_document.c).  Dropped: texts,
 *          EXIF, times, animations, profiles, unknown ancillary chunks, all after IEND.  CRCs of
 *          kept chunks are checked.
 *   PDF    kept as it is, because a signed one must stay byte for byte; refused when a name in it
 *          says that it runs scripts, starts programs, carries files or is encrypted (so that it
 *          cannot be looked into).  Names in compressed object streams are out of reach of this
 *          scan: papers are opened in a viewer without scripts, from a page that forbids them.
 *
 * Pure: no I/O, no clock, no allocation.  struct document is some 66 KiB: it lives in the arena.
 * Sources: JPEG ISO/IEC 10918-1 annex B, JFIF 1.02, EXIF 2.32 4.6; PNG ISO/IEC 15948; PDF ISO
 * 32000-1 7.3.5, 12.6.4. */
#ifndef HUZHU_CLAIMS_RULES_DOCUMENT_H
#define HUZHU_CLAIMS_RULES_DOCUMENT_H

#include "base/base.h"

enum document_kind { DOCUMENT_JPEG, DOCUMENT_PNG, DOCUMENT_PDF };
enum document_fault {
    DOCUMENT_SOUND,
    DOCUMENT_DAMAGED, /* the structure is not that of its kind, or it is cut short */
    DOCUMENT_ACTIVE,  /* a PDF that does more than show pages */
};

#define DOCUMENT_SEGMENT_MAX 65535

struct document {
    enum document_kind kind;
    enum document_fault fault;
    int orientation; /* 1 to 8; 0: none was said */
    /* the machine */
    int state;
    uint8_t marker;       /* JPEG: of the segment under way */
    uint32_t left;        /* bytes of the segment or chunk that are still to come */
    uint32_t length, crc; /* PNG */
    bool keep, saw_frame, saw_scan, saw_data, ended;
    size_t held; /* bytes of `hold` in use */
    uint8_t hold[DOCUMENT_SEGMENT_MAX + 4];
};

/* Takes what is to be stored; false stops the document (the caller knows why). */
typedef bool document_sink_fn(void *arg, const uint8_t *bytes, size_t size);

/* content_type is one of content_type_of(). */
void document_begin(struct document *document, const char *content_type);
/* False once it is known to be faulty, or the sink said so (fault is then DOCUMENT_SOUND). */
bool document_feed(struct document *document, const uint8_t *bytes, size_t size,
                   document_sink_fn *sink, void *arg) MUST_CHECK;
/* After the last byte: whether it is whole. */
bool document_end(struct document *document) MUST_CHECK;

#endif
