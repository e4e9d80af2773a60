/* tsv.h - one table of a pack, read whole: UTF-8, TAB between fields, LF after lines, a header.
 *
 * Columns are found by name and in any order.  What breaks the format becomes a finding; a table
 * with an error in it must not be used. */
#ifndef HUZHU_DRG_TSV_H
#define HUZHU_DRG_TSV_H

#include "arena/arena.h"
#include "finding.h"

enum { TSV_COLUMNS_MAX = 8 };
#define TSV_BYTES_MAX                                                                              \
    ((size_t) 64 << 20) /* the largest table of the national scheme has 1.5 MiB                    \
                         */

/* What is wanted of a table. */
struct tsv_spec {
    const char *file;
    const char *columns[TSV_COLUMNS_MAX]; /* NULL ends them */
    bool optional;                        /* a missing file is an empty table */
};

struct tsv {
    const char *file;
    uint32_t row_count, column_count;
    const char **cells; /* [row][wanted column] */
    bool present;
};

/* Bytes that a file of a pack holds; NULL and a finding when they cannot be had.  optional: no
 * finding when there is no such file.  The bytes are in the arena and have a NUL behind them. */
struct tsv_bytes {
    char *bytes;
    size_t size;
};
struct tsv_bytes tsv_load(const char *dir, const char *file, bool optional, struct arena *arena,
                          struct findings *findings);

/* Cuts the bytes up in place. */
bool tsv_parse(const struct tsv_spec *spec, struct tsv_bytes from, struct arena *arena,
               struct findings *findings, struct tsv *table) MUST_CHECK;

static inline const char *
tsv_cell(const struct tsv *table, uint32_t row, uint32_t column)
{
    return table->cells[(size_t) row * table->column_count + column];
}

/* The line of a row in its file. */
static inline struct place
tsv_place(const struct tsv *table, uint32_t row)
{
    return (struct place){ table->file, row + 2 };
}

#endif
