/* pack.h - a scheme pack, read from its folder and resolved: every name points to what it names.
 *
 * Reading reports what breaks the format or points nowhere as errors; what the content means is
 * check.h's business. */
#ifndef HUZHU_DRG_PACK_H
#define HUZHU_DRG_PACK_H

#include <jansson.h>

#include "arena/arena.h"
#include "err/err.h"
#include "finding.h"
#include "rule.h"
#include "symbols.h"
#include "tsv.h"

#define PACK_ARENA_BYTES ((size_t) 1 << 30)
enum { PACK_CODE_BYTES_MAX = 255, PACK_TEXT_BYTES_MAX = 60000 };

enum pack_file {
    PACK_MDC,
    PACK_ADRG,
    PACK_DRG,
    PACK_LISTS,
    PACK_MCC,
    PACK_CC,
    PACK_EXCLUSIONS,
    PACK_DX,
    PACK_PROC,
    PACK_DX_MAP,
    PACK_PROC_MAP,
    PACK_FILE_COUNT,
};
/* The columns of each, in the order of its tsv_spec. */
enum { MDC_SEQ, MDC_MDC, MDC_NAME, MDC_RULE };
enum { ADRG_SEQ, ADRG_MDC, ADRG_KEY, ADRG_ADRG, ADRG_KIND, ADRG_NAME, ADRG_RULE };
enum { DRG_SEQ, DRG_KEY, DRG_DRG, DRG_NAME, DRG_RULE };
enum { LISTS_LIST, LISTS_CODE, LISTS_PART };
enum { CC_CODE, CC_TABLE };
enum { EXCL_PRINCIPAL, EXCL_TABLE };
enum { DX_CODE, DX_NAME };
enum { PROC_CODE, PROC_NAME, PROC_VALID };
enum { MAP_FROM, MAP_TO };

/* A file as bytes, or absent. */
struct pack_source {
    struct tsv_bytes json, files[PACK_FILE_COUNT];
};

enum list_kind { LIST_UNREAD, LIST_DX, LIST_PROC };
struct pack_list {
    const char *name;
    enum list_kind kind;
    bool read;          /* read by some rule */
    bool wide;          /* read by a slot that looks at more than the first code */
    bool parts;         /* read by "parts" */
    bool has_parts;     /* some row names a part */
    uint32_t rows;      /* of lists.tsv */
    struct place first; /* its first row, or the first rule that reads it */
};

/* One row of lists.tsv whose list is read, in the file's order; code is an index of dx or op. */
struct pack_member {
    uint32_t code, list, part; /* part: index of parts, SYMBOL_NONE: none */
    uint32_t row;
};

/* A row that has a rule. */
struct pack_rule {
    const char *code, *name, *text; /* mdc, adrg or drg */
    const char *key;                /* of an ADRG row */
    struct rule *rule;
    uint32_t parent;                   /* of an ADRG row: its MDC; of a refinement: its ADRG row */
    uint32_t child_first, child_count; /* in the next level's array */
    uint32_t file_row;
    bool ambiguous;
};
struct pack_rules {
    struct pack_rule *items; /* grouped by parent, within a parent in the file's order */
    uint32_t count;
};

struct pack {
    struct arena *arena;
    char sha256[65];
    const char *id, *name, *version, *region;
    bool retry;
    uint32_t newborn_days;
    json_t *json;
    struct tsv tables[PACK_FILE_COUNT];
    struct pack_rules mdcs, rows, drgs;
    struct symbols lists, dx, op, tables_seen, parts, keys;
    struct pack_list *list; /* by number of lists */
    uint32_t valid;         /* number of the list VALID */
    struct pack_member *members;
    uint32_t member_count;
    uint32_t dx_listed, op_listed; /* symbols below stand in dx.tsv and proc.tsv */
    uint32_t dx_known,
        op_known; /* symbols below are the scheme's own; others only targets of a map */
};

extern const struct tsv_spec pack_specs[PACK_FILE_COUNT];

/* Reads a folder.  false: an error was found, or memory is out; *pack must be closed all the same.
 */
bool pack_open(const char *dir, struct pack *pack, struct findings *findings) MUST_CHECK;
/* The same from bytes in the arena that the caller made; takes the arena. */
bool pack_read(struct arena *arena, const struct pack_source *source, struct pack *pack,
               struct findings *findings) MUST_CHECK;
void pack_close(struct pack *pack);

#endif
