/* import.c - the mapping file at work.
 *
 * A value of the mapping is a template ("{ADRG编码}.D"), where braces name a column by its heading
 * or letter; or a choice ({"of": template, "last": 1, "map": {...}, "default": template}); or
 * {"auto": "adrg"}, the rule that follows from which lists an ADRG has. */
#include "import.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "grid.h"
#include "pack.h"

enum { LINE_BYTES = 4096 };

struct import {
    json_t *mapping;
    const char *folder; /* of the mapping */
    const char *to;
    struct arena *arena;
    struct symbols lines[PACK_FILE_COUNT]; /* rows of each table, without seq; a row stands once */
    struct symbols list_names;
    struct err *err;
};

/* One table of the mapping while it is read. */
struct source {
    struct import *in;
    const json_t *table;
    struct grid grid;
    uint32_t header; /* row with the headings, counted from 1; 0: none */
    uint32_t row;    /* at hand, counted from 0 */
};

static err_t
bad(struct import *in, const char *what, const char *detail)
{
    return err_set(in->err, ERR_INVALID, "drg.import_mapping", "mapping: %s%s", what, detail);
}

static err_t
no_memory(struct import *in)
{
    return err_set(in->err, ERR_UNAVAILABLE, "drg.import_memory", "out of memory");
}

/* ---- cells ---- */

static bool
is_letters(const char *name, size_t size)
{
    bool is = size > 0 && size <= 2;

    for (size_t i = 0; i < size; i++)
        is &= name[i] >= 'A' && name[i] <= 'Z';
    return is;
}

/* A column by its heading, or else by its letter. */
static err_t
find_column(const struct source *s, const char *name, size_t size, uint32_t *column)
{
    char shown[80];

    for (uint32_t c = 0; s->header > 0 && c < GRID_COLUMNS_MAX; c++) {
        const char *heading = grid_cell(&s->grid, s->header - 1, c);
        heading += strspn(heading, " \t\r\n");
        size_t length = strlen(heading);
        while (length > 0 && strchr(" \t\r\n", heading[length - 1]))
            length--;
        if (length == size && memcmp(heading, name, size) == 0) {
            *column = c;
            return ERR_OK;
        }
    }
    if (is_letters(name, size)) {
        *column = 0;
        for (size_t i = 0; i < size; i++)
            *column = *column * 26 + (uint32_t) (name[i] - 'A' + 1);
        *column -= 1;
        return ERR_OK;
    }
    (void) snprintf(shown, sizeof shown, "%.*s", (int) size, name);
    return bad(s->in, "no column is called ", shown);
}

static bool
fills_down(const struct source *s, const char *name, size_t size)
{
    const json_t *list = json_object_get(s->table, "fill_down");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *one = json_string_value(json_array_get(list, i));
        if (one && strlen(one) == size && memcmp(one, name, size) == 0)
            return true;
    }
    return false;
}

/* Appends a cell, without blanks around it; line ends and TABs inside cannot stand in a pack. */
static err_t
put_cell(const struct source *s, const char *name, size_t size, char *out, size_t *at)
{
    uint32_t column = 0, row = s->row;

    TRY(find_column(s, name, size, &column));
    const char *text = grid_cell(&s->grid, row, column);
    while (text[strspn(text, " \t\r\n")] == '\0' && row > s->header && fills_down(s, name, size))
        text = grid_cell(&s->grid, --row, column);
    text += strspn(text, " \t\r\n");
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t\r\n", text[length - 1]))
        length--;
    if (*at + length >= LINE_BYTES)
        return bad(s->in, "a value is too long", "");
    for (size_t i = 0; i < length; i++) {
        const bool blank = text[i] == '\t' || text[i] == '\n' || text[i] == '\r';
        out[*at] = text[i];
        if (blank)
            out[*at] = ' ';
        (*at)++;
    }
    out[*at] = '\0';
    return ERR_OK;
}

static err_t
put_template(const struct source *s, const char *text, char *out, size_t *at)
{
    while (*text) {
        const char *close = *text == '{' ? strchr(text, '}') : NULL;
        if (*text == '{' && !close)
            return bad(s->in, "a brace is not closed in ", text);
        if (close) {
            TRY(put_cell(s, text + 1, (size_t) (close - text - 1), out, at));
            text = close + 1;
            continue;
        }
        if (*at + 1 >= LINE_BYTES)
            return bad(s->in, "a value is too long", "");
        out[(*at)++] = *text++;
    }
    out[*at] = '\0';
    return ERR_OK;
}

/* The rule that follows from the lists that were read before: diagnoses, procedures, both or none.
 */
static err_t
put_auto(const struct source *s, const char *adrg, char *out)
{
    char dx[300], op[300];

    (void) snprintf(dx, sizeof dx, "%.250s.D", adrg);
    (void) snprintf(op, sizeof op, "%.250s.P", adrg);
    const bool has_dx = symbols_get(&s->in->list_names, dx) != SYMBOL_NONE;
    const bool has_op = symbols_get(&s->in->list_names, op) != SYMBOL_NONE;
    (void) snprintf(out, LINE_BYTES, "%s%s%s%s%s", has_dx ? "pdx in " : "", has_dx ? dx : "",
                    has_dx && has_op ? " and " : "", has_op ? "pop in " : "", has_op ? op : "");
    if (!has_dx && !has_op)
        (void) snprintf(out, LINE_BYTES, "always");
    return ERR_OK;
}

static err_t
put_choice(const struct source *s, const json_t *choice, char *out)
{
    const char *of = json_string_value(json_object_get(choice, "of"));
    const json_t *map = json_object_get(choice, "map");
    const json_int_t last = json_integer_value(json_object_get(choice, "last"));
    char key[LINE_BYTES] = "";
    size_t size = 0, at = 0;

    if (!of || !json_is_object(map))
        return bad(s->in, "a choice needs \"of\" and \"map\"", "");
    TRY(put_template(s, of, key, &size));
    const char *from = last > 0 && (size_t) last < size ? key + size - last : key;
    const char *text = json_string_value(json_object_get(map, from));
    if (!text)
        text = json_string_value(json_object_get(choice, "default"));
    if (!text)
        return bad(s->in, "a choice has no value and no default for ", key);
    return put_template(s, text, out, &at);
}

/* The value of one column of the pack for the row at hand; "" when the mapping has none. */
static err_t
value_of(const struct source *s, const char *column, char *out)
{
    const json_t *value = json_object_get(json_object_get(s->table, "columns"), column);
    size_t at = 0;

    out[0] = '\0';
    if (!value)
        return ERR_OK;
    if (json_is_string(value))
        return put_template(s, json_string_value(value), out, &at);
    const char *automatic = json_string_value(json_object_get(value, "auto"));
    if (automatic) { /* the column that it names must be a template: no way back here */
        const json_t *of = json_object_get(json_object_get(s->table, "columns"), automatic);
        char adrg[LINE_BYTES] = "";
        if (!json_is_string(of))
            return bad(s->in, "\"auto\" names no template: ", automatic);
        TRY(put_template(s, json_string_value(of), adrg, &at));
        return put_auto(s, adrg, out);
    }
    return put_choice(s, value, out);
}

/* ---- rows ---- */

/* "where": {"{级别}": "MCC"}: all must hold. */
static err_t
is_wanted(const struct source *s, bool *wanted)
{
    const char *template;
    json_t *value;

    *wanted = true;
    json_object_foreach(json_object_get(s->table, "where"), template, value)
    {
        char is[LINE_BYTES] = "";
        size_t at = 0;
        TRY(put_template(s, template, is, &at));
        *wanted &= json_is_string(value) && strcmp(is, json_string_value(value)) == 0;
    }
    return ERR_OK;
}

static err_t
keep_row(const struct source *s, enum pack_file file)
{
    const struct tsv_spec *spec = &pack_specs[file];
    const bool numbered = strcmp(spec->columns[0], "seq") == 0;
    char value[LINE_BYTES], line[TSV_COLUMNS_MAX * LINE_BYTES];
    size_t at = 0;
    bool wanted, empty = true;

    TRY(is_wanted(s, &wanted));
    if (!wanted)
        return ERR_OK;
    for (int i = numbered; i < TSV_COLUMNS_MAX && spec->columns[i]; i++) {
        TRY(value_of(s, spec->columns[i], value));
        if (i == numbered) /* the first column is what the row is about */
            empty = value[0] == '\0';
        at +=
            (size_t) snprintf(line + at, sizeof line - at, "%s%s", i > numbered ? "\t" : "", value);
        if (file == PACK_LISTS && i == 0 && value[0] != '\0' &&
            symbols_add_copy(&s->in->list_names, value, strlen(value)) == SYMBOL_NONE)
            return no_memory(s->in);
    }
    if (!empty && symbols_add_copy(&s->in->lines[file], line, at) == SYMBOL_NONE)
        return no_memory(s->in);
    return ERR_OK;
}

static err_t
read_table(struct import *in, const json_t *table, struct grid *grid)
{
    const char *from = json_string_value(json_object_get(table, "from"));
    const char *sheet = json_string_value(json_object_get(table, "sheet"));
    char path[4096];

    if (!from)
        return bad(in, "a table needs \"from\"", "");
    if (from[0] == '/')
        (void) snprintf(path, sizeof path, "%s", from);
    else
        (void) snprintf(path, sizeof path, "%s/%s", in->folder, from);
    const char *dot = strrchr(path, '.');
    if (dot && strcasecmp(dot, ".xlsx") == 0)
        return grid_read_xlsx(path, sheet, grid, in->err);
    return grid_read_csv(path, grid, in->err);
}

static err_t
import_table(struct import *in, const json_t *table)
{
    const char *into = json_string_value(json_object_get(table, "into"));
    const json_t *header = json_object_get(table, "header");
    struct source s = { .in = in, .table = table, .header = 1 };
    int file = 0;
    char name[64];

    (void) snprintf(name, sizeof name, "%.40s.tsv", into ? into : "");
    while (file < PACK_FILE_COUNT && strcmp(pack_specs[file].file, name) != 0)
        file++;
    if (file == PACK_FILE_COUNT)
        return bad(in, "\"into\" names no table of a pack: ", name);
    if (header && (!json_is_integer(header) || json_integer_value(header) < 0 ||
                   json_integer_value(header) > GRID_ROWS_MAX))
        return bad(in, "\"header\" is no row number in ", name);
    if (header)
        s.header = (uint32_t) json_integer_value(header);
    err_t code = read_table(in, table, &s.grid);
    for (s.row = s.header; code == ERR_OK && s.row < s.grid.row_count; s.row++)
        code = keep_row(&s, (enum pack_file) file);
    grid_free(&s.grid);
    return code;
}

/* ---- the pack ---- */

static err_t
write_pack_file(struct import *in, const char *name, const char *bytes, size_t size)
{
    char path[4096];

    if (snprintf(path, sizeof path, "%s/%s", in->to, name) >= (int) sizeof path)
        return bad(in, "the path is too long", "");
    return write_file(path, bytes, size, in->err);
}

static err_t
write_table(struct import *in, int file)
{
    const struct tsv_spec *spec = &pack_specs[file];
    const struct symbols *lines = &in->lines[file];
    const bool numbered = strcmp(spec->columns[0], "seq") == 0;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return no_memory(in);
    for (int i = 0; i < TSV_COLUMNS_MAX && spec->columns[i]; i++)
        (void) fprintf(out, "%s%s", i > 0 ? "\t" : "", spec->columns[i]);
    (void) fputc('\n', out);
    for (uint32_t i = 0; i < lines->count; i++) {
        if (numbered)
            (void) fprintf(out, "%u\t", i + 1);
        (void) fprintf(out, "%s\n", lines->texts[i]);
    }
    const err_t code =
        fclose(out) == 0 ? write_pack_file(in, spec->file, text, size) : no_memory(in);
    free(text);
    return code;
}

static err_t
write_json(struct import *in)
{
    json_t *scheme = json_deep_copy(json_object_get(in->mapping, "scheme"));
    char *text = NULL;
    err_t code;

    if (!json_is_object(scheme)) {
        json_decref(scheme);
        return bad(in, "\"scheme\" is missing", "");
    }
    if (json_object_set_new(scheme, "format", json_string("huzhu-drg-pack/1")) == 0)
        text = json_dumps(scheme, JSON_INDENT(1));
    json_decref(scheme);
    code = text ? write_pack_file(in, "scheme.json", text, strlen(text)) : no_memory(in);
    free(text);
    return code;
}

static err_t
import_all(struct import *in)
{
    const json_t *tables = json_object_get(in->mapping, "tables");

    if (!json_is_array(tables))
        return bad(in, "\"tables\" is missing", "");
    for (size_t i = 0; i < json_array_size(tables); i++)
        TRY(import_table(in, json_array_get(tables, i)));
    for (int i = 0; i < PACK_FILE_COUNT; i++)
        TRY(write_table(in, i));
    return write_json(in);
}

err_t
import_run(const char *mapping, const char *to, struct err *err)
{
    struct import in = { .to = to, .err = err };
    json_error_t error;
    char folder[4096];

    (void) snprintf(folder, sizeof folder, "%s", mapping);
    char *slash = strrchr(folder, '/');
    (void) snprintf(slash ? slash : folder, 2, "%s", slash ? "" : ".");
    in.folder = folder;
    in.mapping = json_load_file(mapping, JSON_REJECT_DUPLICATES, &error);
    if (!in.mapping)
        return err_set(err, ERR_INVALID, "drg.import_mapping", "%s: line %d: %s", mapping,
                       error.line, error.text);
    in.arena = arena_create(PACK_ARENA_BYTES);
    for (int i = 0; i < PACK_FILE_COUNT; i++)
        symbols_init(&in.lines[i], in.arena);
    symbols_init(&in.list_names, in.arena);
    const err_t code = in.arena ? import_all(&in) : no_memory(&in);
    for (int i = 0; i < PACK_FILE_COUNT; i++)
        symbols_done(&in.lines[i]);
    symbols_done(&in.list_names);
    arena_destroy(in.arena);
    json_decref(in.mapping);
    return code;
}
