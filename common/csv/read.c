/* read.c - libcsv cuts the fields; here are the rows, the header and the limits. */
#include <csv.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "check/utf8.h"
#include "csv/csv.h"
#include "csv/text.h"

enum { PIECE_BYTES = 4096 }; /* a field can outgrow its limit by so much before it is seen */

/* One time through the text. */
struct pass {
    const struct csv_spec *spec;
    struct csv_result *result;
    csv_record_f *each; /* NULL: the first pass */
    size_t row;         /* rows that have ended */
    size_t columns;     /* of the header; 0 before it */
    /* The row that is being read: its fields one after another, each with its NUL. */
    char *bytes;
    size_t size, capacity, count;
    size_t offsets[CSV_HEADER_MAX];
    bool has_text;
    /* wanted[i]: the place in the file of the spec's column i, plus 1; 0: it is not there. */
    size_t wanted[CSV_HEADER_MAX];
};

static void
refuse(struct pass *pass, enum csv_fault fault, size_t column)
{
    if (pass->result->fault != CSV_OK)
        return;
    pass->result->fault = fault;
    pass->result->row = pass->row + 1;
    pass->result->column = column;
}

/* Cut between characters; text is UTF-8. */
static void
name_fault(struct csv_result *result, const char *text, size_t size)
{
    if (size >= sizeof result->name) {
        size = sizeof result->name - 1;
        while (size > 0 && ((unsigned char) text[size] & 0xc0) == 0x80)
            size--;
    }
    memcpy(result->name, text, size);
    result->name[size] = '\0';
}

static bool
make_room(struct pass *pass, size_t size)
{
    size_t capacity = pass->capacity ? pass->capacity : PIECE_BYTES;

    while (capacity < pass->size + size)
        capacity *= 2;
    if (capacity == pass->capacity)
        return true;
    char *bytes = realloc(pass->bytes, capacity);
    if (!bytes)
        return false;
    pass->bytes = bytes;
    pass->capacity = capacity;
    return true;
}

/* libcsv's word for a field. */
static void
take_field(void *field, size_t size, void *context)
{
    struct pass *pass = context;
    const size_t columns_max = pass->columns ? pass->columns : CSV_HEADER_MAX;

    if (pass->result->fault != CSV_OK)
        return;
    if (size > pass->spec->limits.field_bytes_max) {
        refuse(pass, CSV_FAULT_FIELD_TOO_LONG, pass->count + 1);
        return;
    }
    pass->has_text |= size > 0;
    if (pass->count >= columns_max) { /* refused at the end of the row, unless all of it is empty */
        pass->count++;
        return;
    }
    if (!make_room(pass, size + 1)) {
        refuse(pass, CSV_FAULT_MACHINE, 0);
        return;
    }
    pass->offsets[pass->count++] = pass->size;
    if (size > 0)
        memcpy(pass->bytes + pass->size, field, size);
    pass->bytes[pass->size + size] = '\0';
    pass->size += size + 1;
}

/* The part of the text without the blanks around it. */
static const char *
trim(const char *text, size_t *size)
{
    const char *at = text, *end = text + strlen(text), *first = NULL, *last = text;
    uint32_t code;

    while (at < end) {
        const char *from = at;
        if (utf8_next(&at, end, &code) && utf8_is_blank(code))
            continue;
        first = first ? first : from;
        last = at;
    }
    *size = first ? (size_t) (last - first) : 0;
    return first ? first : text;
}

static bool
is_one_of(const char *names, const char *name, size_t size)
{
    for (;;) {
        const size_t length = strcspn(names, "|");
        if (length == size && strncasecmp(names, name, size) == 0)
            return true;
        if (names[length] == '\0')
            return false;
        names += length + 1;
    }
}

static void
take_header(struct pass *pass)
{
    const struct csv_spec *spec = pass->spec;

    if (pass->count > CSV_HEADER_MAX) {
        refuse(pass, CSV_FAULT_TOO_MANY_COLUMNS, CSV_HEADER_MAX + 1);
        return;
    }
    for (size_t i = 0; i < pass->count; i++) {
        size_t size, wanted = 0;
        const char *name = trim(pass->bytes + pass->offsets[i], &size);
        while (wanted < spec->column_count && !is_one_of(spec->columns[wanted].names, name, size))
            wanted++;
        const bool known = wanted < spec->column_count;
        if (!known || pass->wanted[wanted]) {
            refuse(pass, known ? CSV_FAULT_DOUBLED_COLUMN : CSV_FAULT_UNKNOWN_COLUMN, i + 1);
            name_fault(pass->result, name, size);
            return;
        }
        pass->wanted[wanted] = i + 1;
    }
    for (size_t i = 0; i < spec->column_count; i++)
        if (!pass->wanted[i] && !spec->columns[i].optional) {
            const char *names = spec->columns[i].names;
            refuse(pass, CSV_FAULT_MISSING_COLUMN, 0);
            name_fault(pass->result, names, strcspn(names, "|"));
            return;
        }
    pass->columns = pass->count;
}

static void
take_record(struct pass *pass)
{
    const char *fields[CSV_HEADER_MAX];
    const struct csv_spec *spec = pass->spec;
    const struct csv_record record = { pass->row + 1, spec->column_count, fields };

    if (pass->count != pass->columns) {
        const bool is_short = pass->count < pass->columns;
        refuse(pass, is_short ? CSV_FAULT_SHORT_ROW : CSV_FAULT_LONG_ROW,
               is_short ? 0 : pass->columns + 1);
        return;
    }
    if (pass->result->rows == spec->limits.rows_max) {
        refuse(pass, CSV_FAULT_TOO_MANY_ROWS, 0);
        return;
    }
    pass->result->rows++;
    if (!pass->each)
        return;
    for (size_t i = 0; i < spec->column_count; i++)
        fields[i] = pass->wanted[i] ? pass->bytes + pass->offsets[pass->wanted[i] - 1] : "";
    if (!pass->each(spec->context, &record))
        refuse(pass, CSV_FAULT_STOPPED, 0);
}

/* libcsv's word for the end of a row, of a blank line too. */
static void
take_row(int end, void *context)
{
    struct pass *pass = context;

    (void) end;
    if (pass->result->fault != CSV_OK)
        return;
    if (pass->has_text && pass->columns)
        take_record(pass);
    else if (pass->has_text)
        take_header(pass);
    pass->row++;
    pass->size = pass->count = 0;
    pass->has_text = false;
}

static void
parse_piece(struct pass *pass, struct csv_parser *parser, const char *piece, size_t size)
{
    if (csv_parse(parser, piece, size, take_field, take_row, pass) != size)
        refuse(pass, csv_error(parser) == CSV_EPARSE ? CSV_FAULT_QUOTES : CSV_FAULT_MACHINE,
               pass->count + 1);
    /* A field without end must not grow with the file. */
    if (parser->entry_pos > pass->spec->limits.field_bytes_max + PIECE_BYTES)
        refuse(pass, CSV_FAULT_FIELD_TOO_LONG, pass->count + 1);
}

/* Every line end becomes one LF, so that libcsv tells each row once and the numbers hold. */
static void
parse(struct pass *pass, struct csv_parser *parser, const struct csv_text *text)
{
    char piece[PIECE_BYTES];
    size_t size = 0;

    for (size_t i = 0; i < text->size && pass->result->fault == CSV_OK; i++) {
        const char c = text->bytes[i];
        if (c == '\n' && i > 0 && text->bytes[i - 1] == '\r')
            continue;
        piece[size++] = (char) (c == '\r' ? '\n' : c);
        if (size == sizeof piece) {
            parse_piece(pass, parser, piece, size);
            size = 0;
        }
    }
    if (pass->result->fault == CSV_OK)
        parse_piece(pass, parser, piece, size);
    if (pass->result->fault == CSV_OK && csv_fini(parser, take_field, take_row, pass) != 0)
        refuse(pass, csv_error(parser) == CSV_EPARSE ? CSV_FAULT_QUOTE_OPEN : CSV_FAULT_MACHINE,
               pass->count + 1);
    if (pass->result->fault == CSV_OK && pass->columns == 0)
        pass->result->fault = CSV_FAULT_NO_HEADER;
}

static void
go_through(const struct csv_spec *spec, csv_record_f *each, const struct csv_text *text,
           struct csv_result *result)
{
    struct pass pass = { .spec = spec, .result = result, .each = each };
    struct csv_parser parser;

    result->rows = 0;
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL) != 0) {
        result->fault = CSV_FAULT_MACHINE;
        return;
    }
    parse(&pass, &parser, text);
    csv_free(&parser);
    free(pass.bytes);
}

enum csv_fault
csv_read(const struct csv_spec *spec, const char *bytes, size_t size, struct csv_result *result)
{
    struct csv_text text = { NULL, 0, NULL };

    assert(spec->column_count >= 1 && spec->column_count <= CSV_HEADER_MAX);
    assert(spec->limits.bytes_max > 0 && spec->limits.rows_max > 0 &&
           spec->limits.field_bytes_max > 0);
    *result = (struct csv_result){ .fault = CSV_OK };
    if (size > spec->limits.bytes_max)
        return result->fault = CSV_FAULT_TOO_BIG;
    result->fault = csv_text_decode(bytes, size, &text, result);
    if (result->fault == CSV_OK)
        go_through(spec, NULL, &text, result);
    if (result->fault == CSV_OK && spec->each)
        go_through(spec, spec->each, &text, result);
    free(text.converted);
    return result->fault;
}

struct csv_reader {
    const struct csv_spec *spec;
    enum csv_fault fault;
    size_t size, capacity;
    char *bytes;
};

struct csv_reader *
csv_reader_create(const struct csv_spec *spec)
{
    struct csv_reader *reader = calloc(1, sizeof *reader);

    if (reader)
        reader->spec = spec;
    return reader;
}

void
csv_reader_destroy(struct csv_reader *reader)
{
    if (!reader)
        return;
    free(reader->bytes);
    free(reader);
}

static enum csv_fault
keep(struct csv_reader *reader, const char *bytes, size_t size)
{
    const size_t max = reader->spec->limits.bytes_max;

    if (size > max - reader->size)
        return CSV_FAULT_TOO_BIG;
    if (reader->size + size > reader->capacity) {
        size_t capacity = reader->capacity ? reader->capacity : PIECE_BYTES;
        while (capacity < reader->size + size)
            capacity = capacity > max / 2 ? max : capacity * 2;
        char *grown = realloc(reader->bytes, capacity);
        if (!grown)
            return CSV_FAULT_MACHINE;
        reader->bytes = grown;
        reader->capacity = capacity;
    }
    if (size > 0)
        memcpy(reader->bytes + reader->size, bytes, size);
    reader->size += size;
    return CSV_OK;
}

enum csv_fault
csv_reader_feed(struct csv_reader *reader, const char *bytes, size_t size)
{
    if (reader->fault == CSV_OK)
        reader->fault = keep(reader, bytes, size);
    return reader->fault;
}

enum csv_fault
csv_reader_end(struct csv_reader *reader, struct csv_result *result)
{
    *result = (struct csv_result){ .fault = reader->fault };
    if (reader->fault == CSV_OK)
        reader->fault =
            csv_read(reader->spec, reader->bytes ? reader->bytes : "", reader->size, result);
    return reader->fault;
}

static const struct {
    const char *name, *zh, *en;
} faults[CSV_FAULT_COUNT] = {
    [CSV_OK] = { "ok", "正确", "it is well formed" },
#define FAULT(fault, name, zh, en) [CSV_FAULT_##fault] = { (name), (zh), (en) },
#include "csv/csv.def"
#undef FAULT
};

const char *
csv_fault_name(enum csv_fault fault)
{
    assert((unsigned) fault < CSV_FAULT_COUNT);
    return faults[fault].name;
}

const char *
csv_fault_zh(enum csv_fault fault)
{
    assert((unsigned) fault < CSV_FAULT_COUNT);
    return faults[fault].zh;
}

const char *
csv_fault_en(enum csv_fault fault)
{
    assert((unsigned) fault < CSV_FAULT_COUNT);
    return faults[fault].en;
}
