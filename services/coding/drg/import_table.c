/* import_table.c - the grid, and filling it from CSV. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "grid.h"
#include "utf8.h"

static err_t
no_memory(struct err *err)
{
    return err_set(err, ERR_UNAVAILABLE, "drg.import_memory",
                   "out of memory, or a table too large");
}

static err_t
grow_rows(struct grid *grid, uint32_t row, struct err *err)
{
    uint32_t capacity = grid->row_capacity ? grid->row_capacity : 1024;

    if (row >= GRID_ROWS_MAX)
        return err_set(err, ERR_INVALID, "drg.import_limit", "a table of more than %d rows",
                       GRID_ROWS_MAX);
    while (capacity <= row)
        capacity *= 2;
    if (capacity > grid->row_capacity) {
        struct grid_row *rows = realloc(grid->rows, capacity * sizeof *rows);
        if (!rows)
            return no_memory(err);
        memset(rows + grid->row_capacity, 0, (capacity - grid->row_capacity) * sizeof *rows);
        grid->rows = rows;
        grid->row_capacity = capacity;
    }
    if (row >= grid->row_count)
        grid->row_count = row + 1;
    return ERR_OK;
}

err_t
grid_set(struct grid *grid, uint32_t row, uint32_t column, const char *text, size_t size,
         struct err *err)
{
    if (column >= GRID_COLUMNS_MAX)
        return err_set(err, ERR_INVALID, "drg.import_limit", "a table of more than %d columns",
                       GRID_COLUMNS_MAX);
    if (!grid->arena && !(grid->arena = arena_create((size_t) 1 << 30)))
        return no_memory(err);
    TRY(grow_rows(grid, row, err));
    struct grid_row *r = &grid->rows[row];
    if (column >= r->count) {
        const uint32_t count = column < 8 ? 8 : (column + 8) / 8 * 8;
        const char **cells = arena_alloc(grid->arena, count * sizeof *cells);
        if (!cells)
            return no_memory(err);
        for (uint32_t i = 0; i < count; i++)
            cells[i] = i < r->count ? r->cells[i] : "";
        r->cells = cells;
        r->count = count;
    }
    char *copy = arena_alloc(grid->arena, size + 1);
    if (!copy)
        return no_memory(err);
    memcpy(copy, text, size);
    r->cells[column] = copy;
    return ERR_OK;
}

const char *
grid_cell(const struct grid *grid, uint32_t row, uint32_t column)
{
    return row < grid->row_count && column < grid->rows[row].count ? grid->rows[row].cells[column]
                                                                   : "";
}

void
grid_free(struct grid *grid)
{
    free(grid->rows);
    arena_destroy(grid->arena);
    *grid = (struct grid){ .rows = NULL };
}

static err_t
read_all(const char *path, char **bytes, size_t *size, struct err *err)
{
    FILE *file = fopen(path, "rb");
    size_t capacity = (size_t) 1 << 20;

    if (!file)
        return err_set(err, ERR_NOT_FOUND, "drg.import_open", "cannot open %s", path);
    *size = 0;
    *bytes = malloc(capacity);
    while (*bytes && capacity <= GRID_BYTES_MAX) {
        *size += fread(*bytes + *size, 1, capacity - *size, file);
        if (*size < capacity)
            break;
        capacity *= 2;
        char *more = realloc(*bytes, capacity);
        if (!more)
            free(*bytes);
        *bytes = more;
    }
    const bool good = *bytes && *size < capacity && !ferror(file);
    (void) fclose(file);
    if (good)
        return ERR_OK;
    free(*bytes);
    *bytes = NULL;
    return err_set(err, ERR_INVALID, "drg.import_open", "%s could not be read or is too large",
                   path);
}

err_t
grid_read_csv(const char *path, struct grid *grid, struct err *err)
{
    struct csv_row row = { .count = 0 };
    char *bytes = NULL;
    size_t size = 0, bad_at = 0;
    err_t code = ERR_OK;

    TRY(read_all(path, &bytes, &size, err));
    if (!utf8_is_text(bytes, size, &bad_at))
        code = err_set(err, ERR_INVALID, "drg.import_text",
                       "%s is no UTF-8 text (byte %zu); save it as UTF-8", path, bad_at + 1);
    const size_t bom = size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    char *p = bytes + bom, *const end = bytes + size;
    for (uint32_t at = 0; p < end && code == ERR_OK; at++) {
        const char *next;
        if (csv_next(p, end, true, &next) != CSV_ROW) {
            code = err_set(err, ERR_INVALID, "drg.import_csv", "%s: row %u: a quote is not closed",
                           path, at + 1);
            break;
        }
        csv_split(p, p + (next - p), &row);
        for (size_t i = 0; i < row.count && i < CSV_COLUMNS_MAX && code == ERR_OK; i++)
            code = grid_set(grid, at, (uint32_t) i, row.fields[i].text, row.fields[i].size, err);
        p += next - p;
    }
    csv_row_done(&row);
    free(bytes);
    return code;
}
