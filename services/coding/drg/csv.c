/* csv.c - rows to stays. */
#include "csv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The names of the columns: ours, those of OpenDRG's samples, and Chinese ones. */
static const struct {
    enum csv_column column;
    const char *name;
} names[] = {
    { CSV_INDEX, "index" },
    { CSV_INDEX, "id" },
    { CSV_INDEX, "序号" },
    { CSV_INDEX, "病案号" },
    { CSV_SEX, "gender" },
    { CSV_SEX, "sex" },
    { CSV_SEX, "性别" },
    { CSV_AGE, "age" },
    { CSV_AGE, "年龄" },
    { CSV_DAYS, "age_days" },
    { CSV_DAYS, "ageDay" },
    { CSV_DAYS, "days" },
    { CSV_DAYS, "日龄" },
    { CSV_WEIGHT, "weight_g" },
    { CSV_WEIGHT, "weight" },
    { CSV_WEIGHT, "出生体重" },
    { CSV_DEPT, "dept" },
    { CSV_DEPT, "科室" },
    { CSV_LOS, "los_days" },
    { CSV_LOS, "los" },
    { CSV_LOS, "inHospitalTime" },
    { CSV_LOS, "住院天数" },
    { CSV_LEAVE, "leaving_type" },
    { CSV_LEAVE, "leavingType" },
    { CSV_LEAVE, "leave" },
    { CSV_LEAVE, "离院方式" },
    { CSV_DX, "dx" },
    { CSV_DX, "zdList" },
    { CSV_DX, "ICD10_DRGS" },
    { CSV_DX, "诊断" },
    { CSV_PROC, "proc" },
    { CSV_PROC, "ssList" },
    { CSV_PROC, "ICD9_DRGS" },
    { CSV_PROC, "op" },
    { CSV_PROC, "手术操作" },
    { CSV_ICU, "icu_hours" },
    { CSV_ICU, "icu" },
    { CSV_ICU, "重症监护小时" },
};

void
csv_row_done(struct csv_row *row)
{
    free(row->codes);
    *row = (struct csv_row){ .count = 0 };
}

/* The first c from p on, or end.  Fields are a few bytes long: eight at a time here beats memchr().
 */
static inline const char *
find_byte(const char *p, const char *end, char c)
{
    const uint64_t ones = UINT64_MAX / 255, wanted = ones * (unsigned char) c;
    uint64_t word;

    for (; end - p >= 8; p += 8) {
        memcpy(&word, p, sizeof word);
        word ^= wanted; /* the byte that is sought becomes 0; the lowest bit found is its */
        word = (word - ones) & ~word & (ones << 7);
        if (word != 0)
            return p + __builtin_ctzll(word) / 8;
    }
    while (p < end && *p != c)
        p++;
    return p;
}

/* The end of a field that begins with a quote at p: behind its closing quote and whatever follows
 * up to the comma or line end.  NULL: it does not close before end. */
static const char *
quoted_end(const char *p, const char *end)
{
    for (p++; (p = memchr(p, '"', (size_t) (end - p))) != NULL; p += 2) {
        if (p + 1 == end)
            return end;
        if (p[1] != '"')
            break;
        if (p + 2 >= end)
            return NULL;
    }
    if (!p)
        return NULL;
    for (p++; p < end && *p != ',' && *p != '\n'; p++)
        ;
    return p;
}

/* The line end of a row in which quotes may hide some, or end.  *open: a quote did not close. */
static const char *
row_end(const char *p, const char *end, bool *open)
{
    *open = false;
    for (;; p++) {
        if (p < end && *p == '"') {
            p = quoted_end(p, end);
            if (!p) {
                *open = true;
                return end;
            }
        }
        while (p < end && *p != ',' && *p != '\n')
            p++;
        if (p >= end || *p == '\n')
            return p;
    }
}

enum csv_found
csv_next(const char *p, const char *end, bool last, const char **next)
{
    const char *limit = end - p > CSV_ROW_BYTES_MAX ? p + CSV_ROW_BYTES_MAX : end;
    const char *line = memchr(p, '\n', (size_t) (end - p));
    bool open;
    const char *stop = row_end(p, limit, &open);

    if (stop < limit) {
        *next = stop + 1;
        return CSV_ROW;
    }
    if (limit == end && last && !open) { /* the last row may have no line end */
        *next = end;
        return CSV_ROW;
    }
    if (!last && (limit == end || !line))
        return CSV_MORE;
    *next = line ? line + 1 : end;
    return CSV_BROKEN;
}

/* Undoes the quotes of a field; returns its text. */
static struct drg_text
unquote(char *p, const char *end)
{
    char *to = p;
    const char *from = p + 1;

    while (from < end) {
        if (*from == '"') {
            if (from + 1 < end && from[1] == '"') {
                *to++ = '"';
                from += 2;
                continue;
            }
            from++; /* the closing one; what follows it is kept as it is */
            while (from < end)
                *to++ = *from++;
            break;
        }
        *to++ = *from++;
    }
    return (struct drg_text){ p, (size_t) (to - p) };
}

void
csv_split(char *p, char *end, struct csv_row *row)
{
    if (end > p && end[-1] == '\n')
        end--;
    if (end > p && end[-1] == '\r')
        end--;
    for (row->count = 0;; p++) {
        char *start = p;
        const bool quoted = p < end && *p == '"';
        if (quoted) {
            const char *stop = quoted_end(p, end);
            p = stop ? p + (stop - p) : end;
        }
        p += find_byte(p, end, ',') - p;
        if (row->count < CSV_COLUMNS_MAX)
            row->fields[row->count] =
                quoted ? unquote(start, p) : (struct drg_text){ start, (size_t) (p - start) };
        row->count++;
        if (p >= end)
            return;
    }
}

err_t
csv_layout_read(const struct csv_row *header, struct csv_layout *layout, struct err *err)
{
    static const enum csv_column needed[] = { CSV_SEX, CSV_AGE, CSV_DX };

    for (int i = 0; i < CSV_COLUMN_COUNT; i++)
        layout->at[i] = -1;
    layout->columns = header->count;
    if (header->count > CSV_COLUMNS_MAX)
        return err_set(err, ERR_INVALID, "drg.csv_columns", "%zu columns; %d are allowed",
                       header->count, CSV_COLUMNS_MAX);
    for (size_t i = 0; i < header->count; i++) {
        struct drg_text name = header->fields[i];
        if (i == 0 && name.size >= 3 && memcmp(name.text, "\xef\xbb\xbf", 3) == 0)
            name = (struct drg_text){ name.text + 3, name.size - 3 };
        for (size_t j = 0; j < COUNT(names); j++) {
            if (strlen(names[j].name) == name.size &&
                strncasecmp(names[j].name, name.text, name.size) == 0 &&
                layout->at[names[j].column] < 0)
                layout->at[names[j].column] = (int) i;
        }
    }
    for (size_t i = 0; i < COUNT(needed); i++) {
        if (layout->at[needed[i]] >= 0)
            continue;
        const char *name = "dx";
        for (size_t j = COUNT(names); j-- > 0;)
            name = names[j].column == needed[i] ? names[j].name : name;
        return err_set(err, ERR_INVALID, "drg.csv_columns", "the first row names no column \"%s\"",
                       name);
    }
    return ERR_OK;
}

static struct drg_text
field(const struct csv_layout *layout, const struct csv_row *row, enum csv_column column)
{
    return layout->at[column] < 0 ? (struct drg_text){ "", 0 } : row->fields[layout->at[column]];
}

/* Cuts "a|b|c" into codes behind those that stand already; false: out of memory. */
static bool
split_codes(struct csv_row *row, struct drg_text from, size_t *count)
{
    const char *p = from.text, *const end = from.text + from.size;

    if (from.size == 0)
        return true;
    for (;; p++) {
        const char *start = p;
        p = find_byte(p, end, '|');
        if (*count == row->code_capacity) {
            const size_t capacity = row->code_capacity ? 2 * row->code_capacity : 256;
            struct drg_text *codes = realloc(row->codes, capacity * sizeof *codes);
            if (!codes)
                return false;
            row->codes = codes;
            row->code_capacity = capacity;
        }
        row->codes[(*count)++] = (struct drg_text){ start, (size_t) (p - start) };
        if (p >= end)
            return true;
    }
}

static int32_t
number(const struct csv_layout *layout, const struct csv_row *row, enum csv_column column)
{
    const struct drg_text text = field(layout, row, column);

    return drg_number(text.text, text.size);
}

enum drg_reason
csv_stay(const struct csv_layout *layout, struct csv_row *row, struct drg_stay *stay)
{
    size_t dx_count = 0, count;

    if (row->count != layout->columns)
        return DRG_WHY_COLUMNS;
    const struct drg_text sex = field(layout, row, CSV_SEX);
    if (!split_codes(row, field(layout, row, CSV_DX), &dx_count))
        return DRG_WHY_TOO_LONG;
    count = dx_count;
    if (!split_codes(row, field(layout, row, CSV_PROC), &count))
        return DRG_WHY_TOO_LONG;
    stay->sex = drg_sex(sex.text, sex.size);
    stay->age = number(layout, row, CSV_AGE);
    stay->days = number(layout, row, CSV_DAYS);
    stay->weight = number(layout, row, CSV_WEIGHT);
    stay->los = number(layout, row, CSV_LOS);
    stay->icu = number(layout, row, CSV_ICU);
    stay->dept = field(layout, row, CSV_DEPT);
    stay->leave = field(layout, row, CSV_LEAVE);
    stay->dx = row->codes;
    stay->dx_count = dx_count;
    stay->op = row->codes + (row->codes ? dx_count : 0);
    stay->op_count = count - dx_count;
    return DRG_WHY_NONE;
}

char *
csv_put(char *to, const char *text, size_t size)
{
    bool plain = true;

    for (size_t i = 0; i < size; i++) {
        const char c = text[i];
        plain &= c != ',' && c != '"' && c != '\n' && c != '\r';
        to[i] = c;
    }
    if (plain)
        return to + size;
    *to++ = '"';
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"')
            *to++ = '"';
        *to++ = text[i];
    }
    *to++ = '"';
    return to;
}
