/* csv_fuzz.c - whatever file comes, it is read whole or refused whole, in pieces as at once; every
 * field is UTF-8 within its limit; what is written from it reads again with as many rows. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "check/utf8.h"
#include "csv/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELD_MAX = 64, ROWS_MAX = 500, BYTES_MAX = 1 << 16 };

static const struct csv_column columns[] = { { "姓名|a", false }, { "备注|b", true } };

struct seen {
    size_t rows, last_row;
    struct csv_writer *copy; /* NULL: count only */
};

static void
check_field(const char *field)
{
    const char *at = field, *end = field + strlen(field);
    uint32_t code;

    assert(end - at <= FIELD_MAX + 1); /* a guard may stand before it in the copy */
    while (at < end) {
        const bool good = utf8_next(&at, end, &code);
        assert(good);
    }
}

static bool
see(void *context, const struct csv_record *record)
{
    struct seen *seen = context;

    assert(record->count == COUNT(columns) && record->row > seen->last_row);
    seen->last_row = record->row;
    seen->rows++;
    for (size_t i = 0; i < record->count; i++) {
        check_field(record->fields[i]);
        if (seen->copy)
            csv_write_field(seen->copy, record->fields[i]);
    }
    if (seen->copy)
        csv_write_row_end(seen->copy);
    return true;
}

static struct csv_spec
spec_of(struct seen *seen, size_t more)
{
    return (struct csv_spec){ columns,
                              COUNT(columns),
                              { BYTES_MAX * (1 + 7 * more), ROWS_MAX, FIELD_MAX + more },
                              see,
                              seen };
}

static void
check_pieces(const char *text, size_t size, const struct csv_result *whole)
{
    struct seen seen = { 0, 0, NULL };
    const struct csv_spec spec = spec_of(&seen, 0);
    struct csv_result result;

    OWNED(csv_reader_destroy) struct csv_reader *reader = csv_reader_create(&spec);
    (void) csv_reader_feed(reader, text, size / 2);
    (void) csv_reader_feed(reader, text + size / 2, size - size / 2);
    const enum csv_fault fault = csv_reader_end(reader, &result);
    assert(fault == whole->fault && result.row == whole->row && result.rows == whole->rows);
}

static void
check_copy(const struct csv_writer *copy, size_t rows)
{
    struct seen seen = { 0, 0, NULL };
    const struct csv_spec spec = spec_of(&seen, 1);
    struct csv_result result;
    size_t size;

    const char *text = csv_writer_text(copy, &size);
    assert(text);
    const enum csv_fault fault = csv_read(&spec, text, size, &result);
    assert(fault == CSV_OK && seen.rows == rows && !result.gb18030);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = size ? (const char *) data : "";
    OWNED(csv_writer_destroy) struct csv_writer *copy = csv_writer_create(BYTES_MAX * 8, true);
    struct seen seen = { 0, 0, copy };
    const struct csv_spec spec = spec_of(&seen, 0);
    struct csv_result result;

    assert(copy);
    csv_write_field(copy, "姓名");
    csv_write_field(copy, "b");
    csv_write_row_end(copy);
    const enum csv_fault fault = csv_read(&spec, text, size, &result);
    assert(fault == result.fault && strlen(result.name) < sizeof result.name);
    check_field(result.name);
    assert(fault == CSV_OK ? seen.rows == result.rows : seen.rows == 0);
    check_pieces(text, size, &result);
    if (fault == CSV_OK)
        check_copy(copy, seen.rows);
    return 0;
}
