/* sqlgen - embeds .sql files as C, at build time.
 *
 *   sqlgen queries    PREFIX OUT.h OUT.c queries.sql
 *   sqlgen migrations PREFIX OUT.h OUT.c [0001_x.sql ...]
 *
 * A queries file has blocks "-- name: NAME" of one statement each; NAME becomes `q_NAME` and the
 * name it is prepared under is PREFIX.NAME.  Parameters are counted outside quotes and comments, so
 * that a wrong number of values stops a test, not a user.  Migrations are embedded byte for byte:
 * their SHA-256 is their identity. */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATEMENTS_MAX = 512, NAME_BYTES_MAX = 64, PARAMS_MAX = 64 };

struct text {
    char *bytes;
    size_t size;
};

static const char *input_path;

static void
die(const char *what, const char *which)
{
    (void) fprintf(stderr, "sqlgen: %s: %s %s\n", input_path ? input_path : "-", what, which);
    exit(1);
}

static struct text
slurp(const char *path)
{
    struct text text = { NULL, 0 };
    size_t room = 0;
    FILE *in = fopen(path, "rb");

    input_path = path;
    if (!in)
        die("cannot be opened", "");
    for (;;) {
        if (room - text.size < 4096) {
            room = room ? room * 2 : 65536;
            text.bytes = realloc(text.bytes, room);
            if (!text.bytes)
                die("out of memory", "");
        }
        const size_t got = fread(text.bytes + text.size, 1, room - text.size - 1, in);
        if (got == 0)
            break;
        text.size += got;
    }
    if (ferror(in))
        die("cannot be read", "");
    (void) fclose(in);
    text.bytes[text.size] = '\0';
    if (strlen(text.bytes) != text.size)
        die("holds a NUL byte", "");
    return text;
}

/* Writes text as string literals, one for each line. */
static void
put_literal(FILE *out, const char *text, size_t size)
{
    const char *indent = "      \"";

    (void) fputs(indent, out);
    for (size_t i = 0; i < size; i++) {
        const char byte = text[i];
        if (byte == '\n')
            (void) fprintf(out, "\\n\"\n%s", indent);
        else if (byte == '"' || byte == '\\' || byte == '?') /* "??" would be a trigraph */
            (void) fprintf(out, "\\%c", byte);
        else if ((unsigned char) byte < 0x20)
            (void) fprintf(out, "\\%03o", (unsigned char) byte);
        else
            (void) fputc(byte, out);
    }
    (void) fputs("\"", out);
}

/* The end of the dollar quote that opens at p ("$$" or "$tag$"); NULL when none opens here. */
static const char *
after_dollar_quote(const char *p)
{
    char tag[NAME_BYTES_MAX];
    size_t size = 1;

    while (isalnum((unsigned char) p[size]) || p[size] == '_')
        size++;
    if (p[size] != '$' || isdigit((unsigned char) p[1]) || size + 2 > sizeof tag)
        return NULL;
    memcpy(tag, p, size + 1);
    tag[size + 1] = '\0';
    const char *end = strstr(p + size + 1, tag);
    if (!end)
        die("a dollar quote is not closed:", tag);
    return end + size + 1;
}

/* Skips what is not SQL's own text: quotes, dollar quotes, comments.  NULL: p is plain. */
static const char *
after_opaque(const char *p)
{
    const char *end = NULL;

    if (*p == '\'' || *p == '"') {
        end = strchr(p + 1, *p); /* a doubled quote is two quotes side by side */
        if (!end)
            die("a quote is not closed", "");
        return end + 1;
    }
    if (p[0] == '-' && p[1] == '-') {
        end = strchr(p, '\n');
        return end ? end : p + strlen(p);
    }
    if (p[0] == '/' && p[1] == '*') {
        end = strstr(p + 2, "*/");
        if (!end)
            die("a comment is not closed", "");
        return end + 2;
    }
    return *p == '$' ? after_dollar_quote(p) : NULL;
}

/* The number of parameters; dies when there are two statements or a parameter is left out. */
static int
count_params(const char *name, const char *sql)
{
    bool seen[PARAMS_MAX + 1] = { false }, ended = false;
    int highest = 0;

    for (const char *p = sql; *p;) {
        const char *next = after_opaque(p);
        if (next) {
            p = next;
            continue;
        }
        if (ended && !isspace((unsigned char) *p))
            die("more than one statement in", name);
        ended = ended || *p == ';';
        if (p[0] == '$' && isdigit((unsigned char) p[1])) {
            const long number = strtol(p + 1, NULL, 10);
            if (number < 1 || number > PARAMS_MAX)
                die("a parameter is out of bounds in", name);
            seen[number] = true;
            highest = (int) number > highest ? (int) number : highest;
        }
        p++;
    }
    for (int i = 1; i <= highest; i++)
        if (!seen[i])
            die("a parameter is left out in", name);
    return highest;
}

static const char *
next_block(const char *at, char name[static NAME_BYTES_MAX])
{
    static const char mark[] = "-- name: ";

    for (const char *p = at; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
        if (strncmp(p, mark, sizeof mark - 1) != 0)
            continue;
        const char *from = p + sizeof mark - 1;
        const size_t size = strspn(from, "abcdefghijklmnopqrstuvwxyz0123456789_");
        if (size == 0 || size >= NAME_BYTES_MAX || (from[size] != '\n' && from[size] != '\0'))
            die("a name must be of a-z, 0-9 and _:", "-- name:");
        memcpy(name, from, size);
        name[size] = '\0';
        return p;
    }
    return NULL;
}

/* From the first line that is neither blank nor comment to the last that is not blank. */
static void
put_statement(FILE *c, const char *prefix, const char *name, char *block)
{
    char *line = block;

    while (*line && (strncmp(line, "--", 2) == 0 || *line == '\n')) {
        char *end = strchr(line, '\n');
        line = end ? end + 1 : line + strlen(line);
    }
    size_t size = strlen(line);
    while (size > 0 && isspace((unsigned char) line[size - 1]))
        line[--size] = '\0';
    if (size == 0)
        die("no statement in", name);

    (void) fprintf(c, "\nconst struct stmt q_%s = {\n    \"%s.%s\",\n", name, prefix, name);
    put_literal(c, line, size);
    (void) fprintf(c, ",\n    %d,\n};\n", count_params(name, line));
}

static void
make_queries(const char *prefix, const char *path, FILE *h, FILE *c)
{
    static char names[STATEMENTS_MAX][NAME_BYTES_MAX];
    struct text text = slurp(path);
    char name[NAME_BYTES_MAX], next_name[NAME_BYTES_MAX];
    const char *at = next_block(text.bytes, name);
    size_t count = 0;

    while (at) {
        const char *body = strchr(at, '\n'), *next = body ? next_block(body + 1, next_name) : NULL;
        char *block = body ? strndup(body + 1, next ? (size_t) (next - body - 1) : strlen(body + 1))
                           : strdup("");

        if (count == STATEMENTS_MAX)
            die("too many statements", "");
        for (size_t i = 0; i < count; i++)
            if (strcmp(names[i], name) == 0)
                die("twice:", name);
        memcpy(names[count++], name, sizeof name);
        (void) fprintf(h, "extern const struct stmt q_%s;\n", name);
        put_statement(c, prefix, name, block);
        free(block);
        memcpy(name, next_name, sizeof name);
        at = next;
    }
    (void) fprintf(h, "extern const struct stmt *const %s_queries[]; /* NULL-ended */\n", prefix);
    (void) fprintf(c, "\nconst struct stmt *const %s_queries[] = {\n", prefix);
    for (size_t i = 0; i < count; i++)
        (void) fprintf(c, "    &q_%s,\n", names[i]);
    (void) fputs("    NULL,\n};\n", c);
    free(text.bytes);
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static void
make_migrations(const char *prefix, char **paths, int count, FILE *out_h, FILE *out_c)
{
    qsort(paths, (size_t) count, sizeof *paths, by_name);
    (void) fprintf(out_h, "extern const struct migration %s_migrations[%d];\n", prefix, count);
    (void) fprintf(out_c, "\nconst struct migration %s_migrations[%d] = {\n", prefix, count);
    for (int i = 0; i < count; i++) {
        struct text text = slurp(paths[i]);
        const char *slash = strrchr(paths[i], '/'), *base = slash ? slash + 1 : paths[i];
        const size_t size = strcspn(base, ".");

        if (strspn(base, "0123456789") != 4 || base[4] != '_')
            die("a migration is called NNNN_verb_noun.sql, not", base);
        if (i > 0 && strncmp(strrchr(paths[i - 1], '/') + 1, base, 4) == 0)
            die("two migrations have one number:", base);
        (void) fprintf(out_c, "    { \"%.*s\",\n", (int) size, base);
        put_literal(out_c, text.bytes, text.size);
        (void) fputs(" },\n", out_c);
        free(text.bytes);
    }
    (void) fputs("};\n", out_c);
}

int
main(int argc, char **argv)
{
    if (argc < 5 || (strcmp(argv[1], "queries") == 0 && argc != 6))
        return fprintf(stderr, "usage: sqlgen queries|migrations PREFIX OUT.h OUT.c FILE...\n"), 2;
    FILE *h = fopen(argv[3], "w"), *c = fopen(argv[4], "w");
    if (!h || !c)
        die("an output cannot be written:", argv[3]);

    const char *slash = strrchr(argv[3], '/');
    (void) fprintf(h, "/* made by sqlgen */\n#pragma once\n#include \"db/db.h\"\n\n");
    (void) fprintf(c, "/* made by sqlgen */\n#include \"%s\"\n", slash ? slash + 1 : argv[3]);
    if (strcmp(argv[1], "queries") == 0)
        make_queries(argv[2], argv[5], h, c);
    else
        make_migrations(argv[2], argv + 5, argc - 5, h, c);
    if (fclose(h) != 0 || fclose(c) != 0)
        die("an output cannot be written:", argv[3]);
    return 0;
}
