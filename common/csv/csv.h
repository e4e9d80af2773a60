/* csv.h - tables as comma-separated text: read whole or refused whole, written safe to open.
 *
 * Reading. A file is taken only if every byte, the header and every row are in order; the first
 * fault refuses it whole (requirement 9.2.2 b) and is told with its row and column.  So a text is
 * parsed twice: the row function sees its first row when the last one has been checked already.
 *
 *   text      UTF-8 with or without a byte order mark; what has no mark and is not UTF-8 is read
 *             as GB18030 (GBK, GB 2312), which Chinese spreadsheets save.  Only the whole text can
 *             tell the two apart - short Chinese words are well-formed in both -, therefore a
 *             text fed in pieces is kept until its end.
 *   lines     LF, CRLF or CR; inside a quoted field they all become LF.  Blank lines and rows of
 *             empty fields (spreadsheets leave them at the end) are counted and skipped.
 *   fields    RFC 4180, strictly; blanks around an unquoted field are dropped.
 *   header    the first row that is not blank.  Each of its cells must be a name of one wanted
 *             column, in any order and ASCII case, blanks around it aside; each wanted column that
 *             is not optional must be there.
 *   row       numbers begin at 1 for the first line, as a spreadsheet shows them; a field that
 * holds line ends is still in one row.  Faults of bytes (NUL, ENCODING) count lines instead.
 *
 * Writing.  RFC 4180: CRLF, quotes where needed.  A text that a spreadsheet program would run as a
 * formula gets a ' before it (domain notes D2); numbers are exempt.
 *
 * Source: RFC 4180; requirement 9.2.2 b. */
#ifndef HUZHU_CSV_H
#define HUZHU_CSV_H

#include "base/base.h"

enum csv_fault {
    CSV_OK = 0,
#define FAULT(fault, name, zh, en) CSV_FAULT_##fault,
#include "csv/csv.def"
#undef FAULT
    CSV_FAULT_COUNT,
};

enum { CSV_HEADER_MAX = 128 }; /* columns of a file */

struct csv_column {
    const char *names; /* "姓名|成员姓名|name"; the first is told when the column is missing */
    bool optional;
};

/* All of them > 0. */
struct csv_limits {
    size_t bytes_max;       /* of the text, as it came */
    size_t rows_max;        /* without the header and blank rows */
    size_t field_bytes_max; /* of one field in UTF-8, without its NUL */
};

/* Valid during the call.  fields[i] belongs to columns[i] of the spec: NUL-terminated UTF-8 without
 * a NUL inside, "" when it is empty or the file lacks the (optional) column. */
struct csv_record {
    size_t row;
    size_t count; /* = column_count */
    const char *const *fields;
};

/* false stops the reading with CSV_FAULT_STOPPED. */
typedef bool csv_record_f(void *context, const struct csv_record *record);

struct csv_spec {
    const struct csv_column *columns; /* 1 to CSV_HEADER_MAX of them */
    size_t column_count;
    struct csv_limits limits;
    csv_record_f *each; /* NULL: check only */
    void *context;
};

/* name is quoted from the file when a column is unknown or doubled: without a header row it may be
 * the name of a person.  Show it to whoever sent the file; never log it. */
struct csv_result {
    enum csv_fault fault;
    size_t rows;   /* CSV_OK: records read */
    bool gb18030;  /* what the text was */
    size_t row;    /* a fault: where; 0: the file as a whole */
    size_t column; /* a fault: 1 for the first of the file; 0: the whole row */
    char name[64]; /* a fault of a column: its name, cut between characters; or "" */
};

/* A whole text in memory.  Returns result->fault. */
enum csv_fault csv_read(const struct csv_spec *spec, const char *bytes, size_t size,
                        struct csv_result *result);

/* A text in pieces.  The spec and what it points to outlive the reader.  NULL: out of memory. */
struct csv_reader;
struct csv_reader *csv_reader_create(const struct csv_spec *spec) MUST_CHECK;
void csv_reader_destroy(struct csv_reader *reader);
DEFINE_OWNED(struct csv_reader, csv_reader_destroy)

/* CSV_OK, TOO_BIG or MACHINE; after a fault nothing more is taken and the end reports it. */
enum csv_fault csv_reader_feed(struct csv_reader *reader, const char *bytes, size_t size);
enum csv_fault csv_reader_end(struct csv_reader *reader, struct csv_result *result); /* once */

const char *csv_fault_name(enum csv_fault fault); /* stable: "unknown_column"; "ok" */
const char *csv_fault_zh(enum csv_fault fault);
const char *csv_fault_en(enum csv_fault fault);

/* bytes_max bounds the whole text.  bom: begins with a byte order mark, without which spreadsheet
 * programs in China read UTF-8 as GBK.  NULL: out of memory. */
struct csv_writer;
struct csv_writer *csv_writer_create(size_t bytes_max, bool bom) MUST_CHECK;
void csv_writer_destroy(struct csv_writer *writer);
DEFINE_OWNED(struct csv_writer, csv_writer_destroy)

/* The next field of the row.  Text that begins (after blanks) with = + - @, one of their full-width
 * forms, a tab, CR or LF is guarded. */
void csv_write_field(struct csv_writer *writer, const char *text);

/* -?digits with at most one point between digits, as it is; anything else is written as text. */
void csv_write_number(struct csv_writer *writer, const char *number);
void csv_write_row_end(struct csv_writer *writer);

/* The text so far, owned by the writer and valid until its next call; NULL when it met its limit or
 * memory ran out on the way. */
const char *csv_writer_text(const struct csv_writer *writer, size_t *size);

#endif
