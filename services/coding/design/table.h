/* table.h - tab-separated tables: UTF-8, a header line, then one row a line.
 *
 * A byte order mark and carriage returns are tolerated, blank lines and lines that begin with # are
 * skipped.  Columns are found by name, in any order.  Every error says file, line and column:
 * err->path is "incidence.tsv:7:rate". */
#ifndef HUZHU_PLAN_TABLE_H
#define HUZHU_PLAN_TABLE_H

#include "arena/arena.h"
#include "err/err.h"
#include "money/money.h"

#define TABLE_BYTES_MAX ((size_t) 256 << 20)
#define TABLE_COLUMNS_MAX 16

struct column {
    const char *name;
    bool required; /* the column, and a text in each of its cells */
};

struct table {
    const char *file; /* without its folder */
    const struct column *columns;
    size_t column_count, row_count;
    const char **cells;  /* [row][column]; "" where the file has no such column */
    const size_t *lines; /* [row] */
};

enum table_flags { TABLE_OPTIONAL = 1, TABLE_EXTRA_COLUMNS = 2, TABLE_MAY_BE_EMPTY = 4 };

struct schema {
    const char *file;
    const struct column *columns;
    size_t column_count;
    int flags;
};

/* Where tables come from: the files of a folder, or texts that somebody sent under their names.
 * With texts no file is ever opened. */
struct source_text {
    const char *name, *text;
};
struct source {
    const char *dir; /* NULL: a table's name is its whole path */
    const struct source_text *texts;
    size_t text_count; /* texts count only when texts is not NULL */
};

/* A missing TABLE_OPTIONAL table has no rows. */
err_t table_read(struct arena *arena, const struct source *source, const struct schema *schema,
                 struct table *out, struct err *err) MUST_CHECK;

static inline const char *
table_cell(const struct table *t, size_t row, size_t column)
{
    return t->cells[row * t->column_count + column];
}

/* Fills err with the place of a cell and returns ERR_INVALID. */
err_t table_fault(const struct table *t, size_t row, size_t column, struct err *err,
                  const char *reason, const char *fmt, ...) PRINTF(6, 7);

/* A decimal number within low..high; an empty cell is an error. */
struct range {
    double low, high;
};
err_t table_number(const struct table *t, size_t row, size_t column, struct range range,
                   double *out, struct err *err);
err_t table_money(const struct table *t, size_t row, size_t column, money_t *out, struct err *err);

/* Plain decimal text only: no hexadecimal, no infinity, no blanks. */
bool number_parse(const char *text, double *out) MUST_CHECK;

#endif
