/* events_told.c - the messages that services tell each other. */
#include "contract/events_told.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

typedef Google__Protobuf__FileDescriptorSet set_t;
typedef Google__Protobuf__FileDescriptorProto file_t;

static const char *const services[] = { "identity",     "contributions", "claims", "coding",
                                        "disbursement", "disclosure",    "audit" };

static bool
ends_with(const char *text, const char *end)
{
    const size_t size = strlen(text), n = strlen(end);

    return size >= n && strcmp(text + size - n, end) == 0;
}

bool
is_sealed_inside(const char *name)
{
    return strncmp(name, "Sealed", 6) == 0 || ends_with(name, "Sealed") ||
           ends_with(name, "ClaimFacts");
}

static const message_t *
nested_named(const message_t *message, const char *rest)
{
    for (size_t i = 0; i < message->n_nested_type; i++) {
        const message_t *nested = message->nested_type[i];
        const size_t size = strlen(nested->name);
        if (strncmp(rest, nested->name, size) != 0)
            continue;
        if (rest[size] == '\0')
            return nested;
        if (rest[size] == '.')
            return nested_named(nested, rest + size + 1);
    }
    return NULL;
}

const message_t *
message_named(const set_t *set, const char *name)
{
    name += name[0] == '.';
    for (size_t f = 0; f < set->n_file; f++) {
        const file_t *file = set->file[f];
        const size_t package = strlen(file->package);
        if (strncmp(name, file->package, package) != 0 || name[package] != '.')
            continue;
        const message_t whole = { .n_nested_type = file->n_message_type,
                                  .nested_type = file->message_type };
        const message_t *found = nested_named(&whole, name + package + 1);
        if (found)
            return found;
    }
    return NULL;
}

/* --- reachable from a request or a reply --- */

struct reached {
    const message_t *messages[2000];
    size_t count;
};

static void
reach(const set_t *set, const message_t *message, struct reached *reached)
{
    for (size_t i = 0; i < reached->count; i++)
        if (reached->messages[i] == message)
            return;
    if (reached->count == COUNT(reached->messages))
        abort();
    reached->messages[reached->count++] = message;
    for (size_t i = 0; i < message->n_field; i++) {
        const char *type = message->field[i]->type_name;
        const message_t *of = type && type[0] ? message_named(set, type) : NULL;
        if (of)
            reach(set, of, reached);
    }
}

static bool
is_call(const message_t *message)
{
    return ends_with(message->name, "Request") || ends_with(message->name, "Reply");
}

/* --- named in the code --- */

static char *
code_of_services(void)
{
    char *all = calloc(1, (size_t) 16 << 20);
    size_t used = 0;

    for (size_t s = 0; all && s < COUNT(services); s++) {
        char folder[600], path[900];
        (void) snprintf(folder, sizeof folder, "%s/services/%s", HUZHU_SOURCE_DIR, services[s]);
        DIR *dir = opendir(folder);
        const struct dirent *entry;
        while (dir && (entry = readdir(dir))) {
            if (!ends_with(entry->d_name, ".c") && strcmp(entry->d_name, "events.def") != 0)
                continue;
            (void) snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
            FILE *in = fopen(path, "r");
            if (in)
                used += fread(all + used, 1, ((size_t) 16 << 20) - used - 1, in);
            if (in)
                (void) fclose(in);
        }
        if (dir)
            (void) closedir(dir);
    }
    return all;
}

/* "Claims__ClaimFiled event = ...; event_append(c, &event.base)", in one function. */
static bool
is_appended(const char *behind)
{
    char call[80];
    size_t size = 0;

    while (*behind == ' ' || *behind == '*')
        behind++;
    while (isalnum((unsigned char) behind[size]) || behind[size] == '_')
        size++;
    const char *end = strstr(behind, "\n}");
    if (size == 0 || size > 40 || !end)
        return false;
    (void) snprintf(call, sizeof call, "event_append(c, &%.*s", (int) size, behind);
    for (const char *at = strstr(behind, call); at && at < end; at = strstr(at + 1, call))
        if (at[strlen(call)] == '.' || at[strlen(call)] == '-')
            return true;
    return false;
}

/* The same, or a consumer's row "EVENT(claims, Claims__ClaimFiled, ...". */
static bool
code_tells(const char *code, const char *service, const char *message)
{
    char type[120];

    (void) snprintf(type, sizeof type, "%c%s__%s", toupper((unsigned char) service[0]), service + 1,
                    message);
    for (const char *at = strstr(code, type); at; at = strstr(at + 1, type)) {
        const char *behind = at + strlen(type), *line = at;
        if ((behind[0] == ' ' || behind[0] == '*') && is_appended(behind))
            return true;
        while (line > code && line[-1] != '\n')
            line--;
        if (behind[0] == ',' && strncmp(line, "EVENT(", 6) == 0)
            return true;
    }
    return false;
}

size_t
events_told(const set_t *set, struct event_told events[static EVENTS_TOLD_MAX])
{
    struct reached *reached = calloc(1, sizeof *reached);
    char *code = code_of_services();
    size_t count = 0;

    if (!reached || !code)
        abort();
    for (size_t f = 0; f < set->n_file; f++)
        for (size_t i = 0; i < set->file[f]->n_message_type; i++)
            if (is_call(set->file[f]->message_type[i]))
                reach(set, set->file[f]->message_type[i], reached);
    for (size_t s = 0; s < COUNT(services); s++) {
        char package[48];
        (void) snprintf(package, sizeof package, "huzhu.%s.v1", services[s]);
        for (size_t f = 0; f < set->n_file; f++) {
            const file_t *file = set->file[f];
            for (size_t i = 0; strcmp(file->package, package) == 0 && i < file->n_message_type;
                 i++) {
                const message_t *message = file->message_type[i];
                bool inside = false;
                for (size_t k = 0; k < reached->count; k++)
                    inside = inside || reached->messages[k] == message;
                if (is_call(message) || is_sealed_inside(message->name) || message->n_field == 0 ||
                    (inside && !code_tells(code, services[s], message->name)))
                    continue;
                if (count == EVENTS_TOLD_MAX)
                    abort();
                events[count].message = message;
                (void) snprintf(events[count].service, sizeof events[count].service, "%s",
                                services[s]);
                (void) snprintf(events[count].topic, sizeof events[count].topic, "%s.%s", package,
                                message->name);
                count++;
            }
        }
    }
    free(reached);
    free(code);
    return count;
}
