/* rules_layout.c - the text of a layout becomes a struct layout.  Pure. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"

enum use { IN_DETAIL = 1, IN_TOTAL = 2, IN_RESULT = 4 };

static const struct {
    const char *name;
    enum file_field field;
    unsigned where;
} fields[] = {
    { "sequence", FIELD_SEQUENCE, IN_DETAIL | IN_RESULT },
    { "reference", FIELD_REFERENCE, IN_DETAIL | IN_RESULT },
    { "payee", FIELD_PAYEE, IN_DETAIL },
    { "card", FIELD_CARD, IN_DETAIL },
    { "bank", FIELD_BANK, IN_DETAIL },
    { "amount", FIELD_AMOUNT, IN_DETAIL | IN_TOTAL | IN_RESULT },
    { "remark", FIELD_REMARK, IN_DETAIL | IN_TOTAL },
    { "batch", FIELD_BATCH, IN_DETAIL | IN_TOTAL },
    { "date", FIELD_DATE, IN_DETAIL | IN_TOTAL | IN_RESULT },
    { "lines", FIELD_LINES, IN_TOTAL },
    { "account", FIELD_ACCOUNT, IN_DETAIL | IN_TOTAL },
    { "claim", FIELD_CLAIM, IN_DETAIL },
    { "text", FIELD_TEXT, IN_DETAIL | IN_TOTAL },
    { "empty", FIELD_EMPTY, IN_DETAIL | IN_TOTAL },
    { "status", FIELD_STATUS, IN_RESULT },
    { "receipt", FIELD_RECEIPT, IN_RESULT },
    { "reason", FIELD_REASON, IN_RESULT },
    { "ignore", FIELD_IGNORE, IN_RESULT },
};

/* Exactly one of the words; its place. */
static bool
one_of(const char *value, const char *const *words, int *place)
{
    for (int i = 0; words[i]; i++) {
        if (strcmp(value, words[i]) == 0) {
            *place = i;
            return true;
        }
    }
    return false;
}

static bool
columns_parse(char *value, unsigned where, struct columns *columns)
{
    char *rest = NULL;

    columns->count = 0;
    for (char *word = strtok_r(value, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        char *title = strchr(word, '=');
        size_t i = 0;
        if (title)
            *title++ = '\0';
        while (i < COUNT(fields) &&
               (strcmp(fields[i].name, word) != 0 || (fields[i].where & where) == 0))
            i++;
        if (i == COUNT(fields) || columns->count == LAYOUT_COLUMNS_MAX ||
            (fields[i].field == FIELD_TEXT && !title))
            return false;
        columns->column[columns->count++] = (struct column){ fields[i].field, title };
    }
    return columns->count > 0;
}

static size_t
times(const struct columns *columns, enum file_field field)
{
    size_t n = 0;

    for (size_t i = 0; i < columns->count; i++)
        n += columns->column[i].field == field;
    return n;
}

static const char *const flags[] = { "no", "yes", NULL };
static const char *const places[] = { "none", "first", "last", NULL };

static bool
flag_parse(const char *value, bool *flag)
{
    int place;

    if (!one_of(value, flags, &place))
        return false;
    *flag = place == 1;
    return true;
}

static bool
place_parse(const char *value, enum total_place *total)
{
    int place;

    if (!one_of(value, places, &place))
        return false;
    *total = (enum total_place) place;
    return true;
}

/* "0012 account.closed" */
static bool
reason_parse(char *value, struct layout *layout)
{
    char *space = strchr(value, ' ');

    if (!space || layout->reason_count == LAYOUT_REASONS_MAX)
        return false;
    *space++ = '\0';
    if (failure_in_chinese(space) == space) /* not one of result_codes.def */
        return false;
    layout->reasons[layout->reason_count].code = value;
    layout->reasons[layout->reason_count++].wire = space;
    return true;
}

static bool
lines_parse(const char *value, int32_t *lines)
{
    char *end;
    const long n = strtol(value, &end, 10);

    if (*end || !isdigit((unsigned char) value[0]) || n < 1 || n > BATCH_LINES_MAX)
        return false;
    *lines = (int32_t) n;
    return true;
}

static bool
choice_parse(const char *key, const char *value, struct layout *layout, bool *known)
{
    static const char *const encodings[] = { "UTF-8", "GB18030", NULL };
    static const char *const delimiters[] = { "comma", "pipe", "tab", NULL };
    static const char *const endings[] = { "lf", "crlf", NULL };
    static const char *const units[] = { "yuan", "fen", NULL };
    static const struct {
        const char *key;
        const char *const *words;
    } choices[] = { { "encoding", encodings },
                    { "delimiter", delimiters },
                    { "ending", endings },
                    { "amount", units } };
    int place = 0;
    size_t i = 0;

    while (i < COUNT(choices) && strcmp(choices[i].key, key) != 0)
        i++;
    *known = i < COUNT(choices);
    if (!*known || !one_of(value, choices[i].words, &place))
        return false;
    switch (i) {
    case 0:
        layout->gb18030 = place == 1;
        break;
    case 1:
        layout->delimiter = ",|\t"[place];
        break;
    case 2:
        layout->crlf = place == 1;
        break;
    default:
        layout->fen = place == 1;
    }
    return true;
}

static bool
setting_parse(const char *key, char *value, struct layout *layout)
{
    bool known;
    const bool chosen = choice_parse(key, value, layout, &known);

    if (known)
        return chosen;
    if (strcmp(key, "titles") == 0)
        return flag_parse(value, &layout->titles);
    if (strcmp(key, "result_titles") == 0)
        return flag_parse(value, &layout->result_titles);
    if (strcmp(key, "total") == 0)
        return place_parse(value, &layout->total);
    if (strcmp(key, "result_total") == 0)
        return place_parse(value, &layout->result_total);
    if (strcmp(key, "total_columns") == 0)
        return columns_parse(value, IN_TOTAL, &layout->total_columns);
    if (strcmp(key, "columns") == 0)
        return columns_parse(value, IN_DETAIL, &layout->columns);
    if (strcmp(key, "result_columns") == 0)
        return columns_parse(value, IN_RESULT, &layout->result_columns);
    if (strcmp(key, "remark") == 0)
        return (layout->remark = value)[0] != '\0';
    if (strcmp(key, "result_ok") == 0)
        return (layout->ok = value)[0] != '\0';
    if (strcmp(key, "result_failed") == 0)
        return (layout->failed = value)[0] != '\0';
    if (strcmp(key, "result_unknown") == 0)
        return (layout->unknown = value)[0] != '\0';
    if (strcmp(key, "reason") == 0)
        return reason_parse(value, layout);
    if (strcmp(key, "lines_most") == 0)
        return lines_parse(value, &layout->lines_most);
    return false;
}

/* What no file of money can do without. */
static const char *
missing(const struct layout *layout)
{
    if (times(&layout->columns, FIELD_PAYEE) != 1 || times(&layout->columns, FIELD_CARD) != 1 ||
        times(&layout->columns, FIELD_AMOUNT) != 1)
        return "columns need payee, card and amount once each";
    if (layout->total != TOTAL_NONE && (times(&layout->total_columns, FIELD_LINES) != 1 ||
                                        times(&layout->total_columns, FIELD_AMOUNT) != 1))
        return "total_columns need lines and amount once each";
    if (times(&layout->result_columns, FIELD_REFERENCE) +
                times(&layout->result_columns, FIELD_SEQUENCE) ==
            0 ||
        times(&layout->result_columns, FIELD_AMOUNT) != 1 ||
        times(&layout->result_columns, FIELD_STATUS) != 1 ||
        times(&layout->result_columns, FIELD_RECEIPT) != 1)
        return "result_columns need reference or sequence, and amount, status and receipt once "
               "each";
    if (times(&layout->result_columns, FIELD_REFERENCE) > 1 ||
        times(&layout->result_columns, FIELD_SEQUENCE) > 1 ||
        times(&layout->result_columns, FIELD_DATE) > 1 ||
        times(&layout->result_columns, FIELD_REASON) > 1)
        return "a field of result_columns is there twice";
    /* What the bank answers by must have gone to it. */
    if ((times(&layout->result_columns, FIELD_REFERENCE) == 1 &&
         times(&layout->columns, FIELD_REFERENCE) != 1) ||
        (times(&layout->result_columns, FIELD_SEQUENCE) == 1 &&
         times(&layout->columns, FIELD_SEQUENCE) != 1))
        return "columns lack what result_columns answer by";
    if (!layout->ok || !layout->failed)
        return "result_ok and result_failed are needed";
    return NULL;
}

static err_t
malformed(struct err *err, int line, const char *what)
{
    return err_at(err, ERR_INVALID, "$.text", LAYOUT_MALFORMED, "line %d: %s", line, what);
}

err_t
layout_parse(char *text, struct layout *layout, struct err *err)
{
    struct layout made = { .delimiter = ',', .remark = "", .unknown = "", .lines_most = 1000 };
    char *next = text;
    int line = 0;

    if (strlen(text) > LAYOUT_TEXT_BYTES_MAX)
        return malformed(err, 0, "a layout has at most 8 KiB");
    while (next) {
        char *at = next;
        next = strchr(at, '\n');
        if (next)
            *next++ = '\0';
        line++;
        char *end = at + strlen(at);
        while (end > at && (end[-1] == '\r' || end[-1] == ' '))
            *--end = '\0';
        if (at[0] == '\0' || at[0] == '#')
            continue;
        char *colon = strstr(at, ": ");
        if (!colon)
            return malformed(err, line, "it is not \"name: value\"");
        *colon = '\0';
        if (!setting_parse(at, colon + 2, &made))
            return malformed(err, line, "the name or its value is not one that is known");
    }
    const char *lacks = missing(&made);
    if (lacks)
        return malformed(err, line, lacks);
    *layout = made;
    return ERR_OK;
}

err_t
layout_name_check(const char *name, struct err *err)
{
    const size_t size = strlen(name);

    if (size < 2 || size > 32 || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != size)
        return err_at(err, ERR_INVALID, "$.name", LAYOUT_NAME,
                      "a layout's name is 2 to 32 of a-z 0-9 -");
    return ERR_OK;
}

static const struct {
    const char *name, *text;
} built_in[] = {
#define LAYOUT(name, text) { name, text },
#include "layouts.def"
#undef LAYOUT
};

const char *
layout_built_in_at(size_t i, const char **name)
{
    if (i >= COUNT(built_in))
        return NULL;
    *name = built_in[i].name;
    return built_in[i].text;
}

const char *
layout_built_in(const char *name)
{
    for (size_t i = 0; i < COUNT(built_in); i++)
        if (strcmp(built_in[i].name, name) == 0)
            return built_in[i].text;
    return NULL;
}
