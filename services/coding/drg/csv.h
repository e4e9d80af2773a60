/* csv.h - stays as comma-separated rows.
 *
 * RFC 4180 with mercy: LF or CRLF, quotes where needed, a byte order mark is skipped, columns in
 * any order and found by the names in the first row (csv.c lists them); columns that nobody knows
 * are ignored.  Within dx and proc the codes are joined by "|". */
#ifndef HUZHU_DRG_CSV_H
#define HUZHU_DRG_CSV_H

#include "drg.h"

enum {
    CSV_COLUMNS_MAX = 256,
    CSV_ROW_BYTES_MAX = 256 * 1024, /* a stay of 100 codes takes 2 KiB */
};

enum csv_column {
    CSV_INDEX,
    CSV_SEX,
    CSV_AGE,
    CSV_DAYS,
    CSV_WEIGHT,
    CSV_DEPT,
    CSV_LOS,
    CSV_LEAVE,
    CSV_DX,
    CSV_PROC,
    CSV_ICU,
    CSV_COLUMN_COUNT,
};

/* Where the known columns stand; -1: not there. */
struct csv_layout {
    int at[CSV_COLUMN_COUNT];
    size_t columns;
};

/* The fields of one row, and room for its codes; keep one per thread. */
struct csv_row {
    struct drg_text fields[CSV_COLUMNS_MAX];
    size_t count; /* may be more than there is room for */
    struct drg_text *codes;
    size_t code_capacity;
};
void csv_row_done(struct csv_row *row);

/* What stands at p.  *next is behind the row's line end. */
enum csv_found {
    CSV_ROW,    /* a whole row */
    CSV_BROKEN, /* a quote that does not close in time, or too many bytes: *next is the next line */
    CSV_MORE,   /* the row does not end before end, and more bytes will come */
};
enum csv_found csv_next(const char *p, const char *end, bool last, const char **next);

/* Cuts a row into fields.  Doubled quotes are undone in place. */
void csv_split(char *p, char *end, struct csv_row *row);

/* ERR_INVALID: a column that grouping needs is missing. */
err_t csv_layout_read(const struct csv_row *header, struct csv_layout *layout,
                      struct err *err) MUST_CHECK;

/* DRG_WHY_NONE, or why the row is no stay.  The stay points into the row. */
enum drg_reason csv_stay(const struct csv_layout *layout, struct csv_row *row,
                         struct drg_stay *stay);

/* A field, quoted if it must be.  There must be room for 2 * size + 2 bytes; returns the end. */
char *csv_put(char *to, const char *text, size_t size);

#endif
