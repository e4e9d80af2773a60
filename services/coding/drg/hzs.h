/* hzs.h - the compiled scheme file, shared by the compiler that writes it and the reader that maps
 * it.
 *
 * A header and a row of arrays ("sections"), each at a multiple of 64 bytes; all numbers
 * little-endian. Whoever writes must make every index valid; whoever reads trusts none of them
 * (scheme.c).
 *
 * How the shape serves speed: codes with the same list memberships share a class; a class has one
 * row of membership bits and one row of candidate bits, the ADRG rows that can still be true once
 * this code is known to be the principal one.  The candidates of the principal diagnosis and of the
 * principal procedure are intersected, and only what is left is evaluated, in order: the answer is
 * the same as if all had been tried, because a row is left out only when it cannot be true.
 *
 * A rule is a branching program: each step tests one atom and jumps forward, so it always ends. */
#ifndef HUZHU_DRG_HZS_H
#define HUZHU_DRG_HZS_H

#include <stdint.h>

#include "base/base.h"

#define HZS_MAGIC "huzhuHZS"
enum {
    HZS_VERSION = 1,
    HZS_BYTE_ORDER = 0x01020304,
    HZS_ALIGN = 64,
    HZS_WIDE_WORDS_MAX = 64, /* 4096 lists read by dx, sdx, op, sop: the national scheme has 60 */
    HZS_WIDE_BITS_MAX = 64 * HZS_WIDE_WORDS_MAX,
    HZS_ROW_WORDS_MAX = 128, /* 8192 ADRG rows: the national scheme has 376 */
    HZS_ROWS_MAX = 64 * HZS_ROW_WORDS_MAX,
};
#define HZS_BYTES_MAX ((uint64_t) 512 << 20)

/* Targets in a rule. */
enum { HZS_TRUE = 0xffff, HZS_FALSE = 0xfffe, HZS_STEPS_MAX = 0xf000 };

enum hzs_op {
    HZS_PDX, /* the six slots: a = bit */
    HZS_SDX,
    HZS_DX,
    HZS_POP,
    HZS_SOP,
    HZS_OP,
    HZS_PARTS, /* at least .. of the bits a .. a+n of dx are set */
    HZS_AGE,   /* the five numbers: cmp, b */
    HZS_DAYS,
    HZS_WEIGHT,
    HZS_LOS,
    HZS_ICU,
    HZS_SEX, /* the three texts: cmp, a = string */
    HZS_LEAVE,
    HZS_DEPT,
    HZS_MCC,
    HZS_CC,
    HZS_OP_COUNT,
};
enum hzs_cmp { HZS_EQ, HZS_NE, HZS_LT, HZS_LE, HZS_GT, HZS_GE, HZS_CMP_COUNT };

struct hzs_step {
    uint8_t op, cmp;
    uint16_t yes, no; /* index in this rule, above this step's own; or HZS_TRUE, HZS_FALSE */
    uint16_t n;
    uint32_t a;
    int32_t b;
};

struct hzs_rule {
    uint32_t first; /* of the steps section */
    uint16_t count, entry;
};

struct hzs_mdc {
    uint32_t code, name, text; /* strings */
    uint32_t row_first, row_count;
    struct hzs_rule rule;
};

struct hzs_row {
    uint32_t key, adrg, name, text; /* strings */
    uint32_t drg_first, drg_count;
    uint32_t mdc;
    uint32_t ambiguous; /* 0 or 1 */
    struct hzs_rule rule;
};

struct hzs_drg {
    uint32_t code, name, text; /* strings */
    struct hzs_rule rule;
};

/* A code of a dictionary: two to a cache line.  In a conversion map, cls is the target's index in
 * the main dictionary + 1, or 0 when the code is dropped. */
enum {
    HZS_FOREIGN = 1
}; /* only a target of the conversion: the scheme itself does not know the code */
struct hzs_code {
    uint64_t head[2]; /* the first 16 bytes, filled up with zeros */
    uint32_t text;    /* string: all of it */
    uint32_t cls;
    uint16_t mcc, cc, table; /* exclusion tables, counted from 1; 0: none */
    uint8_t size, flags;
};
/* An mcc or cc without an exclusion table: counts, and nothing excludes it. */
enum { HZS_NO_TABLE = 0xffff };

/* name, type of an element */
#define HZS_SECTIONS(X)                                                                            \
    X(STRINGS, char)                                                                               \
    X(MDCS, struct hzs_mdc)                                                                        \
    X(ROWS, struct hzs_row)                                                                        \
    X(DRGS, struct hzs_drg)                                                                        \
    X(STEPS, struct hzs_step)                                                                      \
    X(TABLES, uint32_t)       /* string of each exclusion table */                                 \
    X(DX_BIT_NAMES, uint32_t) /* string of each bit: a list, or a body part */                     \
    X(OP_BIT_NAMES, uint32_t)                                                                      \
    X(DX_SLOTS, uint32_t) /* hash table: tag << 24 | index + 1; 0 is empty */                      \
    X(DX_CODES, struct hzs_code)                                                                   \
    X(DX_NAMES, uint32_t)                                                                          \
    X(DX_BITS, uint64_t) /* [class][dx_words] */                                                   \
    X(DX_ROWS, uint64_t) /* [class][row_words]: rows possible with this pdx */                     \
    X(OP_SLOTS, uint32_t)                                                                          \
    X(OP_CODES, struct hzs_code)                                                                   \
    X(OP_NAMES, uint32_t)                                                                          \
    X(OP_BITS, uint64_t)      /* [class][op_words] */                                              \
    X(OP_ROWS_ONE, uint64_t)  /* rows possible when this is the only procedure */                  \
    X(OP_ROWS_MANY, uint64_t) /* rows possible when this is the first of several */                \
    X(DXMAP_SLOTS, uint32_t)                                                                       \
    X(DXMAP_CODES, struct hzs_code)                                                                \
    X(OPMAP_SLOTS, uint32_t)                                                                       \
    X(OPMAP_CODES, struct hzs_code)

enum hzs_section_id {
#define X(name, type) HZS_##name,
    HZS_SECTIONS(X)
#undef X
        HZS_SECTION_COUNT,
};

struct hzs_section {
    uint64_t offset, count; /* count in elements */
};

struct hzs_header {
    char magic[8];
    uint32_t version, byte_order;
    uint64_t file_bytes;
    uint64_t checksum;                /* hzs_checksum() of all that follows this member */
    char source_sha256[72];           /* hex and NUL */
    uint32_t id, name, label, region; /* strings; label is the version */
    uint32_t retry, newborn_days;
    uint32_t dx_words, dx_wide, op_words, op_wide, row_words;
    uint32_t reserved[5];
    struct hzs_section section[HZS_SECTION_COUNT];
};
#define HZS_CHECKED_FROM (offsetof(struct hzs_header, checksum) + sizeof(uint64_t))

uint64_t hzs_checksum(const void *bytes, size_t size);

static inline uint64_t
hzs_mix(uint64_t a, uint64_t b)
{
    const __uint128_t product = (__uint128_t) a * b;

    return (uint64_t) product ^ (uint64_t) (product >> 64);
}

/* The first 16 bytes of a code as two numbers, filled up with zeros, never reading outside of it.
 */
struct hzs_head {
    uint64_t low, high;
};
static inline struct hzs_head
hzs_head(const char *text, size_t size)
{
    struct hzs_head head = { 0, 0 };
    uint32_t front, back;

    if (size > 8) {
        const size_t from = size < 16 ? size - 8 : 8;
        __builtin_memcpy(&head.low, text, 8);
        __builtin_memcpy(&head.high, text + from, 8);
        head.high >>= 8 * (8 - from);
    } else if (size == 8) {
        __builtin_memcpy(&head.low, text, 8);
    } else if (size >= 4) {
        __builtin_memcpy(&front, text, 4);
        __builtin_memcpy(&back, text + size - 4, 4);
        head.low = front | (uint64_t) back << (8 * (size - 4));
    } else {
        for (size_t i = 0; i < size; i++)
            head.low |= (uint64_t) (unsigned char) text[i] << (8 * i);
    }
    return head;
}

/* The hash of a code: the top 8 bits are the tag in its slot, the low bits choose the slot. */
static inline uint64_t
hzs_hash(struct hzs_head head, const char *text, size_t size)
{
    uint64_t hash = hzs_mix(head.low ^ 0x9e3779b97f4a7c15u, head.high ^ 0xd1b54a32d192ed03u ^ size);

    for (size_t at = 16; at < size; at += 16) {
        const struct hzs_head more = hzs_head(text + at, size - at);
        hash = hzs_mix(hash ^ more.low ^ 0x9e3779b97f4a7c15u, more.high ^ 0xd1b54a32d192ed03u);
    }
    return hash;
}

#endif
