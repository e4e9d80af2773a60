/* text.h - inside csv: the bytes of a file as UTF-8. */
#ifndef HUZHU_CSV_TEXT_H
#define HUZHU_CSV_TEXT_H

#include "csv/csv.h"

/* The text without its byte order mark: in the file's own bytes, or in `converted`, which the
 * caller frees in every case. */
struct csv_text {
    const char *bytes;
    size_t size;
    char *converted;
};

/* CSV_OK, NUL, ENCODING (with the line in result->row) or MACHINE. */
enum csv_fault csv_text_decode(const char *bytes, size_t size, struct csv_text *text,
                               struct csv_result *result);

#endif
