/* grid.h - a sheet of cells, read from CSV or XLSX: what an import takes its rows from. */
#ifndef HUZHU_DRG_GRID_H
#define HUZHU_DRG_GRID_H

#include "arena/arena.h"
#include "err/err.h"

/* An Excel sheet has 1,048,576 rows; the official tables have 40,000 and a dozen columns. */
enum { GRID_ROWS_MAX = 1 << 20, GRID_COLUMNS_MAX = 256 };
#define GRID_BYTES_MAX ((size_t) 256 << 20) /* of one file, unpacked: stops a zip bomb */

struct grid_row {
    const char **cells; /* never NULL; an empty cell is "" */
    uint32_t count;
};
struct grid {
    struct arena *arena;
    struct grid_row *rows;
    uint32_t row_count, row_capacity;
};

/* Sets one cell (counted from 0); rows and cells between are empty.  The text is copied. */
err_t grid_set(struct grid *grid, uint32_t row, uint32_t column, const char *text, size_t size,
               struct err *err) MUST_CHECK;
/* "" outside. */
const char *grid_cell(const struct grid *grid, uint32_t row, uint32_t column);
void grid_free(struct grid *grid);

err_t grid_read_csv(const char *path, struct grid *grid, struct err *err) MUST_CHECK;
/* sheet: its name; NULL: the first one. */
err_t grid_read_xlsx(const char *path, const char *sheet, struct grid *grid,
                     struct err *err) MUST_CHECK;

#endif
