/* xlsx.c - one sheet of an Office Open XML workbook (ECMA-376) as a grid of texts.
 *
 * What is read: the list of sheets, the shared strings, and the cells' values as they are stored.
 * Formats are not applied: a code that the sheet keeps as a number (47.09 for 47.0900) comes out as
 * that number, and the check after an import will tell that no such code exists. */
#include <expat.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "grid.h"

struct reader {
    struct err *err;
    err_t code;
    XML_Parser parser;
    struct arena *arena;
    char *text; /* of the element at hand */
    size_t text_size, text_capacity;
    bool in_text;
    /* the list of sheets, and where the wanted one lies */
    const char *wanted;
    char relation[128], target[512];
    /* shared strings */
    const char **strings;
    uint32_t string_count, string_capacity;
    bool in_phonetic;
    /* the sheet */
    struct grid *grid;
    uint32_t row, column;
    char type[16];
};

static void
stop(struct reader *r, err_t code)
{
    if (r->code == ERR_OK)
        r->code = code;
    (void) XML_StopParser(r->parser, XML_FALSE);
}

static const char *
attribute(const XML_Char **attributes, const char *name)
{
    for (; *attributes; attributes += 2) {
        if (strcmp(attributes[0], name) == 0)
            return attributes[1];
    }
    return "";
}

/* The element's name without its namespace prefix. */
static const char *
local(const XML_Char *name)
{
    const char *colon = strrchr(name, ':');

    return colon ? colon + 1 : name;
}

static void XMLCALL
collect(void *context, const XML_Char *text, int size)
{
    struct reader *r = context;

    if (!r->in_text || r->in_phonetic)
        return;
    if (r->text_size + (size_t) size + 1 > r->text_capacity) {
        const size_t capacity = 2 * (r->text_size + (size_t) size) + 256;
        char *more = realloc(r->text, capacity);
        if (!more) {
            stop(r, err_set(r->err, ERR_UNAVAILABLE, "drg.import_memory", "out of memory"));
            return;
        }
        r->text = more;
        r->text_capacity = capacity;
    }
    memcpy(r->text + r->text_size, text, (size_t) size);
    r->text_size += (size_t) size;
}

/* ---- which part holds the sheet ---- */

static void XMLCALL
workbook_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
    struct reader *r = context;

    if (strcmp(local(name), "sheet") != 0 || r->relation[0] != '\0')
        return;
    if (!r->wanted || strcmp(r->wanted, attribute(attributes, "name")) == 0)
        (void) snprintf(r->relation, sizeof r->relation, "%s", attribute(attributes, "r:id"));
}

static void XMLCALL
relations_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
    struct reader *r = context;
    const char *target = attribute(attributes, "Target");

    if (strcmp(local(name), "Relationship") != 0 ||
        strcmp(attribute(attributes, "Id"), r->relation) != 0)
        return;
    if (target[0] == '/')
        (void) snprintf(r->target, sizeof r->target, "%s", target + 1);
    else
        (void) snprintf(r->target, sizeof r->target, "xl/%s", target);
}

/* ---- shared strings ---- */

static void XMLCALL
strings_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
    struct reader *r = context;

    (void) attributes;
    if (strcmp(local(name), "si") == 0)
        r->text_size = 0;
    r->in_text = strcmp(local(name), "t") == 0;
    r->in_phonetic |= strcmp(local(name), "rPh") == 0;
}

static void XMLCALL
strings_end(void *context, const XML_Char *name)
{
    struct reader *r = context;

    r->in_text = false;
    if (strcmp(local(name), "rPh") == 0)
        r->in_phonetic = false;
    if (strcmp(local(name), "si") != 0)
        return;
    if (r->string_count == r->string_capacity) {
        const uint32_t capacity = r->string_capacity ? 2 * r->string_capacity : 1024;
        const char **more = realloc(r->strings, capacity * sizeof *more);
        if (!more) {
            stop(r, err_set(r->err, ERR_UNAVAILABLE, "drg.import_memory", "out of memory"));
            return;
        }
        r->strings = more;
        r->string_capacity = capacity;
    }
    char *copy = arena_alloc(r->arena, r->text_size + 1);
    if (!copy) {
        stop(r, err_set(r->err, ERR_UNAVAILABLE, "drg.import_memory", "out of memory"));
        return;
    }
    if (r->text_size > 0)
        memcpy(copy, r->text, r->text_size);
    r->strings[r->string_count++] = copy;
}

/* ---- the sheet ---- */

/* "AB12": column 27, row 11. */
static bool
parse_place(const char *place, uint32_t *row, uint32_t *column)
{
    uint32_t c = 0, n = 0;

    for (; *place >= 'A' && *place <= 'Z' && c < GRID_COLUMNS_MAX; place++)
        c = c * 26 + (uint32_t) (*place - 'A' + 1);
    for (; *place >= '0' && *place <= '9' && n <= GRID_ROWS_MAX; place++)
        n = n * 10 + (uint32_t) (*place - '0');
    if (c == 0 || n == 0 || *place != '\0')
        return false;
    *row = n - 1;
    *column = c - 1;
    return true;
}

static void XMLCALL
sheet_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
    struct reader *r = context;

    if (strcmp(local(name), "row") == 0)
        r->column = UINT32_MAX;
    if (strcmp(local(name), "c") == 0) {
        const char *place = attribute(attributes, "r");
        r->column++; /* a cell without a place follows the one before it */
        if (place[0] != '\0' && !parse_place(place, &r->row, &r->column))
            stop(r, err_set(r->err, ERR_INVALID, "drg.import_xlsx", "a cell stands at \"%.20s\"",
                            place));
        (void) snprintf(r->type, sizeof r->type, "%s", attribute(attributes, "t"));
        r->text_size = 0;
    }
    r->in_text = strcmp(local(name), "v") == 0 || strcmp(local(name), "t") == 0;
    r->in_phonetic |= strcmp(local(name), "rPh") == 0;
}

static void
put_cell(struct reader *r)
{
    const char *text = r->text;
    size_t size = r->text_size;

    if (strcmp(r->type, "s") == 0) {
        uint32_t index = 0;
        for (size_t i = 0; i < size && index <= r->string_count; i++)
            index = text[i] >= '0' && text[i] <= '9' ? index * 10 + (uint32_t) (text[i] - '0')
                                                     : UINT32_MAX;
        if (index >= r->string_count) {
            stop(r, err_set(r->err, ERR_INVALID, "drg.import_xlsx",
                            "a cell names a text that is not there"));
            return;
        }
        text = r->strings[index];
        size = strlen(text);
    }
    const err_t code = grid_set(r->grid, r->row, r->column, text, size, r->err);
    if (code != ERR_OK)
        stop(r, code);
}

static void XMLCALL
sheet_end(void *context, const XML_Char *name)
{
    struct reader *r = context;

    r->in_text = false;
    if (strcmp(local(name), "rPh") == 0)
        r->in_phonetic = false;
    if (strcmp(local(name), "c") == 0 && r->text_size > 0)
        put_cell(r);
    if (strcmp(local(name), "row") == 0)
        r->row++;
}

/* ---- the parts of the package ---- */

/* Parses one part; a missing one is an error unless it may be absent. */
static err_t
parse_part(struct reader *r, zip_t *archive, const char *name, XML_StartElementHandler start,
           XML_EndElementHandler end)
{
    char buffer[65536];
    size_t total = 0;
    zip_file_t *part = zip_fopen(archive, name, 0);

    if (!part)
        return err_set(r->err, ERR_INVALID, "drg.import_xlsx", "the workbook has no part %s", name);
    r->parser = XML_ParserCreate(NULL);
    if (!r->parser) {
        (void) zip_fclose(part);
        return err_set(r->err, ERR_UNAVAILABLE, "drg.import_memory", "out of memory");
    }
    XML_SetUserData(r->parser, r);
    XML_SetElementHandler(r->parser, start, end);
    XML_SetCharacterDataHandler(r->parser, collect);
    for (bool more = true; more && r->code == ERR_OK;) {
        const zip_int64_t got = zip_fread(part, buffer, sizeof buffer);
        more = got > 0;
        total += got > 0 ? (size_t) got : 0;
        if (got < 0 || total > GRID_BYTES_MAX)
            r->code = err_set(r->err, ERR_INVALID, "drg.import_xlsx",
                              "part %s is damaged or too large", name);
        else if (XML_Parse(r->parser, buffer, (int) got, !more) == XML_STATUS_ERROR &&
                 r->code == ERR_OK)
            r->code = err_set(r->err, ERR_INVALID, "drg.import_xlsx", "%s: line %lu: %s", name,
                              XML_GetCurrentLineNumber(r->parser),
                              XML_ErrorString(XML_GetErrorCode(r->parser)));
    }
    XML_ParserFree(r->parser);
    (void) zip_fclose(part);
    return r->code;
}

static err_t
read_workbook(struct reader *r, zip_t *archive)
{
    TRY(parse_part(r, archive, "xl/workbook.xml", workbook_start, NULL));
    if (r->relation[0] == '\0')
        return err_set(r->err, ERR_NOT_FOUND, "drg.import_sheet",
                       "the workbook has no sheet \"%s\"", r->wanted ? r->wanted : "");
    TRY(parse_part(r, archive, "xl/_rels/workbook.xml.rels", relations_start, NULL));
    if (r->target[0] == '\0')
        return err_set(r->err, ERR_INVALID, "drg.import_xlsx",
                       "the workbook does not say where its sheet lies");
    if (zip_name_locate(archive, "xl/sharedStrings.xml", 0) >= 0)
        TRY(parse_part(r, archive, "xl/sharedStrings.xml", strings_start, strings_end));
    return parse_part(r, archive, r->target, sheet_start, sheet_end);
}

err_t
grid_read_xlsx(const char *path, const char *sheet, struct grid *grid, struct err *err)
{
    int error = 0;
    zip_t *archive = zip_open(path, ZIP_RDONLY, &error);
    struct reader r = { .err = err, .wanted = sheet, .grid = grid };

    if (!archive)
        return err_set(err, error == ZIP_ER_NOENT ? ERR_NOT_FOUND : ERR_INVALID, "drg.import_open",
                       "cannot open %s as a workbook", path);
    r.arena = arena_create((size_t) 1 << 30);
    const err_t code = r.arena
                           ? read_workbook(&r, archive)
                           : err_set(err, ERR_UNAVAILABLE, "drg.import_memory", "out of memory");
    zip_discard(archive);
    free(r.strings);
    free(r.text);
    arena_destroy(r.arena);
    return code;
}
