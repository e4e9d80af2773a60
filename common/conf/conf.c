/* conf.c - reads all rows before it complains, so that an operator sees every fault at once. */
#include "conf/conf.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { VARIABLE_BYTES_MAX = 96, SECRET_BYTES_MAX = 4096 };

static void
variable_name(const char *service, const char *name, char text[static VARIABLE_BYTES_MAX])
{
    (void) snprintf(text, VARIABLE_BYTES_MAX, service[0] ? "HUZHU_%s_%s" : "HUZHU_%s%s", service,
                    name);
    for (char *at = text; *at; at++)
        *at = (char) toupper((unsigned char) *at);
}

static const char *
look_up(const char *service, const struct conf_row *row, char variable[static VARIABLE_BYTES_MAX])
{
    const char *value;

    variable_name("", row->name, variable);
    const char *shared = getenv(variable);
    variable_name(service, row->name, variable);
    value = getenv(variable);
    if (!value)
        value = shared;
    return value ? value : row->fallback;
}

static bool
whole_number(const char *text, int64_t *value, const char **rest)
{
    char *end;

    errno = 0;
    const intmax_t number = strtoimax(text, &end, 10);
    if (end == text || errno || isspace((unsigned char) *text))
        return false;
    *value = number;
    *rest = end;
    return true;
}

bool
conf_duration_parse(const char *text, int64_t *ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 } };
    const char *unit;
    int64_t value;

    if (!whole_number(text, &value, &unit) || value < 0 || value > INT64_MAX / 86400000)
        return false;
    for (size_t i = 0; i < COUNT(units); i++) {
        if (strcmp(units[i].unit, unit) == 0) {
            *ms = value * units[i].ms;
            return true;
        }
    }
    return false;
}

/* The first line of the file; NULL with errno set.  The caller's process keeps it until it ends. */
static char *
read_secret(const char *path)
{
    char line[SECRET_BYTES_MAX];
    FILE *file = fopen(path, "re");

    if (!file)
        return NULL;
    const bool got = fgets(line, sizeof line, file) != NULL;
    (void) fclose(file);
    if (!got) {
        errno = ENODATA;
        return NULL;
    }
    line[strcspn(line, "\r\n")] = '\0';
    char *copy = strdup(line);
    explicit_bzero(line, sizeof line);
    return copy;
}

/* NULL when the value was stored, else what is wrong with it. */
static const char *
store(const struct conf_row *row, const char *value, void *target)
{
    char *secret;
    void *member = (char *) target + row->offset;
    const char *rest;
    int64_t number;

    switch (row->kind) {
    case CONF_TEXT:
        if ((int64_t) strlen(value) < row->low || (int64_t) strlen(value) > row->high)
            return "its length is out of bounds";
        *(const char **) member = value;
        return NULL;
    case CONF_INT:
        if (!whole_number(value, &number, &rest) || *rest)
            return "it is not a whole number";
        if (number < row->low || number > row->high)
            return "it is out of bounds";
        *(int64_t *) member = number;
        return NULL;
    case CONF_DURATION:
        if (!conf_duration_parse(value, &number))
            return "it is not a duration such as 250ms, 30s, 15m, 12h, 7d";
        if (number < row->low || number > row->high)
            return "it is out of bounds";
        *(int64_t *) member = number;
        return NULL;
    case CONF_BOOL:
        if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
            return "it is neither true nor false";
        *(bool *) member = strcmp(value, "true") == 0;
        return NULL;
    case CONF_SECRET: {
        if (*value == '\0' && row->low == 0) {
            *(const char **) member = "";
            return NULL;
        }
        secret = read_secret(value);
        if (!secret)
            return "its file cannot be read";
        if ((int64_t) strlen(secret) < row->low || (int64_t) strlen(secret) > row->high) {
            explicit_bzero(secret, strlen(secret));
            free(secret);
            return "the length of its file's first line is out of bounds";
        }
        *(const char **) member = secret;
        return NULL;
    }
    }
    return "its kind is unknown";
}

err_t
conf_load(const char *service, const struct conf_row *rows, size_t count, void *target,
          FILE *problems, struct err *err)
{
    char variable[VARIABLE_BYTES_MAX];
    int faults = 0;

    for (size_t i = 0; i < count; i++) {
        const char *value = look_up(service, &rows[i], variable);
        const char *fault = value ? store(&rows[i], value, target) : "it is required";
        if (!fault)
            continue;
        faults++;
        (void) fprintf(problems, "%s: %s (%s; %" PRId64 " to %" PRId64 ")\n", variable, fault,
                       rows[i].says, rows[i].low, rows[i].high);
    }
    if (faults > 0)
        return err_set(err, ERR_INVALID, "conf.invalid", "%d settings are wrong", faults);
    return ERR_OK;
}

void
conf_problem(const char *service, const char *name, const char *fault, FILE *problems)
{
    char variable[VARIABLE_BYTES_MAX];

    variable_name(service, name, variable);
    (void) fprintf(problems, "%s: %s\n", variable, fault);
}

static bool
is_known(const char *service, const struct conf_table *tables, size_t count, const char *text)
{
    char variable[VARIABLE_BYTES_MAX];

    for (size_t t = 0; t < count; t++) {
        for (size_t i = 0; i < tables[t].count; i++) {
            variable_name(service, tables[t].rows[i].name, variable);
            if (strcmp(variable, text) == 0)
                return true;
        }
    }
    return strcmp(text, "HUZHU_BROKER_KEY") == 0; /* everybody's, of the key of the broker */
}

int
conf_unknown(const char *service, const struct conf_table *tables, size_t count, FILE *problems)
{
    char prefix[VARIABLE_BYTES_MAX], name[VARIABLE_BYTES_MAX];
    int faults = 0;

    variable_name(service, "", prefix);
    for (char **at = environ; *at; at++) {
        const size_t size = strcspn(*at, "=");
        if (strncmp(*at, prefix, strlen(prefix)) != 0 || size >= sizeof name)
            continue;
        memcpy(name, *at, size);
        name[size] = '\0';
        if (is_known(service, tables, count, name))
            continue;
        faults++;
        (void) fprintf(problems, "%s: there is no such setting (--help-config names all)\n", name);
    }
    return faults;
}

void
conf_help(const char *service, const struct conf_row *rows, size_t count, FILE *out)
{
    static const char *const kinds[] = { "text", "int", "duration", "bool", "file" };
    char variable[VARIABLE_BYTES_MAX];

    for (size_t i = 0; i < count; i++) {
        variable_name(service, rows[i].name, variable);
        (void) fprintf(out, "%-44s %-8s %s\n    %s (%" PRId64 " to %" PRId64 "%s)\n", variable,
                       kinds[rows[i].kind], rows[i].fallback ? rows[i].fallback : "(required)",
                       rows[i].says, rows[i].low, rows[i].high,
                       rows[i].kind == CONF_DURATION                              ? " ms"
                       : rows[i].kind == CONF_TEXT || rows[i].kind == CONF_SECRET ? " bytes"
                                                                                  : "");
    }
}
