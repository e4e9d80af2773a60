/* tsv.c - reading tab-separated tables. */
#include "tsv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "utf8.h"

static bool
read_all(int fd, char *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        const ssize_t got = read(fd, bytes + done, size - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        done += (size_t) got;
    }
    return true;
}

struct tsv_bytes
tsv_load(const char *dir, const char *file, bool optional, struct arena *arena,
         struct findings *findings)
{
    const struct tsv_bytes none = { NULL, 0 };
    const struct place place = { file, 0 };
    char path[4096];
    struct stat what;

    if (snprintf(path, sizeof path, "%s/%s", dir, file) >= (int) sizeof path) {
        find(findings, FIND_FILE_MISSING, place, "路径过长", "the path is too long");
        return none;
    }
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        if (!optional || errno != ENOENT)
            find(findings, FIND_FILE_MISSING, place, "无法打开文件：%s", "cannot open: %s",
                 strerror(errno));
        return none;
    }
    struct tsv_bytes result = none;
    if (fstat(fd, &what) != 0 || !S_ISREG(what.st_mode))
        find(findings, FIND_FILE_MISSING, place, "不是普通文件", "is no regular file");
    else if ((size_t) what.st_size > TSV_BYTES_MAX)
        find(findings, FIND_FILE_TOO_LARGE, place, "文件过大：%lld 字节", "too large: %lld bytes",
             (long long) what.st_size);
    else if ((result.bytes = arena_alloc(arena, (size_t) what.st_size + 1)) == NULL)
        find(findings, FIND_MEMORY, place, "内存不足", "out of memory");
    else if (!read_all(fd, result.bytes, (size_t) what.st_size))
        find(findings, FIND_FILE_MISSING, place, "无法读取文件", "could not be read");
    else
        result.size = (size_t) what.st_size;
    (void) close(fd);
    if (result.bytes && result.size != (size_t) what.st_size)
        return none;
    return result;
}

/* What a whole file must obey before it is cut up. */
static bool
is_sound(const char *file, struct tsv_bytes from, struct findings *findings)
{
    const size_t errors = findings->errors;
    const char *cr = memchr(from.bytes, '\r', from.size);
    size_t bad_at;
    uint32_t line = 1;

    if (from.size >= 3 && memcmp(from.bytes, "\xef\xbb\xbf", 3) == 0)
        find(findings, FIND_FILE_BOM, (struct place){ file, 1 }, "文件以BOM开头，应去掉",
             "begins with a byte order mark; remove it");
    if (cr) {
        for (const char *p = from.bytes; p < cr; p++)
            line += *p == '\n';
        find(findings, FIND_FILE_CR, (struct place){ file, line }, "行尾含回车符，应只用换行符",
             "holds a carriage return; lines end with LF alone");
    }
    if (!utf8_is_text(from.bytes, from.size, &bad_at)) {
        line = 1;
        for (size_t i = 0; i < bad_at; i++)
            line += from.bytes[i] == '\n';
        find(findings, FIND_FILE_NOT_TEXT, (struct place){ file, line }, "不是UTF-8文本",
             "is no UTF-8 text");
    }
    if (from.size == 0 || from.bytes[from.size - 1] != '\n') {
        line = from.size > 0;
        for (size_t i = 0; i < from.size; i++)
            line += from.bytes[i] == '\n';
        find(findings, FIND_FILE_CUT, (struct place){ file, line },
             "最后一行没有换行，文件可能不完整",
             "the last line has no end; the file may be cut off");
    }
    return findings->errors == errors;
}

/* Ends the line at p with NUL and returns what follows it. */
static char *
cut_line(char *p)
{
    char *end = strchr(p, '\n'); /* is_sound() saw one at the end */

    *end = '\0';
    return end + 1;
}

/* Which of the file's columns is wanted as which; returns the number of columns, 0 after a finding.
 */
static size_t
read_header(const struct tsv_spec *spec, char *line, int *wanted, size_t wanted_max,
            struct findings *findings)
{
    bool seen[TSV_COLUMNS_MAX] = { false };
    const struct place place = { spec->file, 1 };
    size_t count = 0;
    bool good = true;

    for (char *name = line; name; count++) {
        char *next = strchr(name, '\t');
        if (next)
            *next++ = '\0';
        if (count == wanted_max) {
            find(findings, FIND_FIELD_COUNT, place, "列数过多", "too many columns");
            return 0;
        }
        wanted[count] = -1;
        for (int i = 0; i < TSV_COLUMNS_MAX && spec->columns[i]; i++) {
            if (strcmp(spec->columns[i], name) == 0 && !seen[i]) {
                wanted[count] = i;
                seen[i] = true;
            }
        }
        name = next;
    }
    for (int i = 0; i < TSV_COLUMNS_MAX && spec->columns[i]; i++) {
        if (!seen[i]) {
            find(findings, FIND_COLUMN_MISSING, place, "缺少列 %s", "has no column %s",
                 spec->columns[i]);
            good = false;
        }
    }
    return good ? count : 0;
}

/* Cuts one line into cells; returns the number of fields it has. */
static size_t
read_fields(char *line, const int *wanted, size_t count, const char **cells)
{
    size_t fields = 0;

    for (char *field = line; field; fields++) {
        char *next = strchr(field, '\t');
        if (next)
            *next++ = '\0';
        if (fields < count && wanted[fields] >= 0)
            cells[wanted[fields]] = field;
        field = next;
    }
    return fields;
}

bool
tsv_parse(const struct tsv_spec *spec, struct tsv_bytes from, struct arena *arena,
          struct findings *findings, struct tsv *table)
{
    enum { FILE_COLUMNS_MAX = 64 };
    int wanted[FILE_COLUMNS_MAX];
    const size_t errors = findings->errors;
    size_t lines = 0;

    *table = (struct tsv){ .file = spec->file };
    while (table->column_count < TSV_COLUMNS_MAX && spec->columns[table->column_count])
        table->column_count++;
    if (!from.bytes)
        return spec->optional;
    if (!is_sound(spec->file, from, findings))
        return false;

    char *p = from.bytes, *end = from.bytes + from.size;
    for (const char *q = p; q < end; q++)
        lines += *q == '\n';
    table->cells = arena_alloc(arena, lines * table->column_count * sizeof *table->cells);
    if (!table->cells) {
        find(findings, FIND_MEMORY, (struct place){ spec->file, 0 }, "内存不足", "out of memory");
        return false;
    }
    char *header = p;
    p = cut_line(p);
    const size_t columns = read_header(spec, header, wanted, FILE_COLUMNS_MAX, findings);
    if (columns == 0)
        return false;
    for (; p < end; table->row_count++) {
        char *line = p;
        p = cut_line(p);
        const size_t fields = read_fields(
            line, wanted, columns, table->cells + (size_t) table->row_count * table->column_count);
        if (fields != columns)
            find(findings, FIND_FIELD_COUNT, tsv_place(table, table->row_count),
                 "有 %zu 个字段，表头有 %zu 个", "has %zu fields, the header has %zu", fields,
                 columns);
    }
    table->present = true;
    return findings->errors == errors;
}
