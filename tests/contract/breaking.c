/* breaking.c - see breaking.h.  The rules are those that the wire format and protobuf's JSON
 * mapping imply; the names follow descriptor.proto. */
#include "breaking.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef Google__Protobuf__FileDescriptorSet set_t;
typedef Google__Protobuf__FileDescriptorProto file_t;
typedef Google__Protobuf__DescriptorProto message_t;
typedef Google__Protobuf__FieldDescriptorProto field_t;
typedef Google__Protobuf__EnumDescriptorProto enum_t;
typedef Google__Protobuf__ServiceDescriptorProto service_t;
typedef Google__Protobuf__MethodDescriptorProto method_t;

enum { SET_BYTES_MAX = 4 * 1024 * 1024, NAME_BYTES = 512 };

struct report {
    FILE *out;
    int broken;
};

set_t *
breaking_load(const char *folder)
{
    char command[1024], made[] = "/tmp/contracts-XXXXXX";
    set_t *set = NULL;
    const int fd = mkstemp(made);

    if (fd < 0)
        return NULL;
    (void) snprintf(command, sizeof command,
                    "protoc -I'%s' -I/usr/include --descriptor_set_out=%s '%s'/*.proto", folder,
                    made, folder);
    const int status = system(command);
    uint8_t *bytes = malloc(SET_BYTES_MAX);
    if (status == 0 && bytes) {
        const ssize_t got = read(fd, bytes, SET_BYTES_MAX);
        if (got > 0 && got < SET_BYTES_MAX)
            set = google__protobuf__file_descriptor_set__unpack(NULL, (size_t) got, bytes);
    }
    free(bytes);
    (void) close(fd);
    (void) unlink(made);
    return set;
}

PRINTF(3, 4)
static void
broken(struct report *r, const char *what, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void) vfprintf(r->out, fmt, args);
    va_end(args);
    (void) fprintf(r->out, ": %s\n", what);
    r->broken++;
}

static bool
same(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool
message_reserves(const message_t *message, int number, const char *name)
{
    bool by_number = false, by_name = false;

    for (size_t i = 0; i < message->n_reserved_range; i++) /* the end is not within */
        by_number = by_number || (number >= message->reserved_range[i]->start &&
                                  number < message->reserved_range[i]->end);
    for (size_t i = 0; i < message->n_reserved_name; i++)
        by_name = by_name || same(message->reserved_name[i], name);
    return by_number && by_name;
}

static bool
enum_reserves(const enum_t *values, int number, const char *name)
{
    bool by_number = false, by_name = false;

    for (size_t i = 0; i < values->n_reserved_range; i++) /* the end is within */
        by_number = by_number || (number >= values->reserved_range[i]->start &&
                                  number <= values->reserved_range[i]->end);
    for (size_t i = 0; i < values->n_reserved_name; i++)
        by_name = by_name || same(values->reserved_name[i], name);
    return by_number && by_name;
}

static const char *
oneof_of(const message_t *message, const field_t *field)
{
    return field->has_oneof_index ? message->oneof_decl[field->oneof_index]->name : "";
}

static void
compare_field(struct report *r, const char *path, const message_t *const messages[2],
              const field_t *older)
{
    const field_t *newer = NULL;

    for (size_t i = 0; i < messages[1]->n_field; i++) {
        if (messages[1]->field[i]->number == older->number)
            newer = messages[1]->field[i];
    }
    if (!newer) {
        if (!message_reserves(messages[1], older->number, older->name))
            broken(r, "it went, and its number and name are not both reserved", "%s.%s", path,
                   older->name);
        return;
    }
    if (!same(older->name, newer->name) || !same(older->json_name, newer->json_name))
        broken(r, "its name changed", "%s.%s", path, older->name);
    if (older->type != newer->type || !same(older->type_name, newer->type_name))
        broken(r, "its type changed", "%s.%s", path, older->name);
    if (older->label != newer->label)
        broken(r, "it became repeated, or ceased to be", "%s.%s", path, older->name);
    if (!same(oneof_of(messages[0], older), oneof_of(messages[1], newer)))
        broken(r, "it moved into or out of a oneof", "%s.%s", path, older->name);
}

static void
compare_reserved(struct report *r, const char *path, const message_t *older, const message_t *newer)
{
    for (size_t i = 0; i < older->n_reserved_range; i++) {
        for (size_t k = 0; k < newer->n_field; k++) {
            if (newer->field[k]->number >= older->reserved_range[i]->start &&
                newer->field[k]->number < older->reserved_range[i]->end)
                broken(r, "it takes a number that was reserved", "%s.%s", path,
                       newer->field[k]->name);
        }
    }
}

static void
compare_enum(struct report *r, const char *scope, const enum_t *older, const enum_t *newer)
{
    for (size_t i = 0; i < older->n_value; i++) {
        const Google__Protobuf__EnumValueDescriptorProto *value = older->value[i];
        bool kept = false, renamed = false;
        for (size_t k = 0; k < newer->n_value; k++) {
            if (newer->value[k]->number != value->number)
                continue;
            kept = kept || same(newer->value[k]->name, value->name);
            renamed = true;
        }
        if (renamed && !kept)
            broken(r, "its name changed", "%s.%s.%s", scope, older->name, value->name);
        if (!renamed && !enum_reserves(newer, value->number, value->name))
            broken(r, "it went, and its number and name are not both reserved", "%s.%s.%s", scope,
                   older->name, value->name);
    }
}

struct enums {
    enum_t *const *at;
    size_t count;
};

static void
compare_enums(struct report *r, const char *scope, struct enums older, struct enums newer)
{
    for (size_t i = 0; i < older.count; i++) {
        const enum_t *found = NULL;
        for (size_t k = 0; k < newer.count; k++) {
            if (same(newer.at[k]->name, older.at[i]->name))
                found = newer.at[k];
        }
        if (found)
            compare_enum(r, scope, older.at[i], found);
        else
            broken(r, "it went", "%s.%s", scope, older.at[i]->name);
    }
}

static void
compare_message(struct report *r, const char *scope, const message_t *older, const message_t *newer)
{
    const message_t *const both[2] = { older, newer };
    char path[NAME_BYTES];

    (void) snprintf(path, sizeof path, "%s.%s", scope, older->name);
    for (size_t i = 0; i < older->n_field; i++)
        compare_field(r, path, both, older->field[i]);
    compare_reserved(r, path, older, newer);
    compare_enums(r, path, (struct enums){ older->enum_type, older->n_enum_type },
                  (struct enums){ newer->enum_type, newer->n_enum_type });
    for (size_t i = 0; i < older->n_nested_type; i++) {
        const message_t *found = NULL;
        for (size_t k = 0; k < newer->n_nested_type; k++) {
            if (same(newer->nested_type[k]->name, older->nested_type[i]->name))
                found = newer->nested_type[k];
        }
        if (found)
            compare_message(r, path, older->nested_type[i], found);
        else
            broken(r, "it went", "%s.%s", path, older->nested_type[i]->name);
    }
}

static void
compare_method(struct report *r, const char *path, const method_t *older, const service_t *newer)
{
    for (size_t i = 0; i < newer->n_method; i++) {
        const method_t *found = newer->method[i];
        if (!same(found->name, older->name))
            continue;
        if (!same(found->input_type, older->input_type) ||
            !same(found->output_type, older->output_type))
            broken(r, "its request or reply changed", "%s.%s", path, older->name);
        if (found->client_streaming != older->client_streaming ||
            found->server_streaming != older->server_streaming)
            broken(r, "it became a stream, or ceased to be", "%s.%s", path, older->name);
        return;
    }
    broken(r, "it went", "%s.%s", path, older->name);
}

static void
compare_file(struct report *r, const file_t *older, const file_t *newer)
{
    if (!same(older->package, newer->package))
        broken(r, "its package changed", "%s", older->name);
    for (size_t i = 0; i < older->n_message_type; i++) {
        const message_t *found = NULL;
        for (size_t k = 0; k < newer->n_message_type; k++) {
            if (same(newer->message_type[k]->name, older->message_type[i]->name))
                found = newer->message_type[k];
        }
        if (found)
            compare_message(r, older->package, older->message_type[i], found);
        else
            broken(r, "it went", "%s.%s", older->package, older->message_type[i]->name);
    }
    compare_enums(r, older->package, (struct enums){ older->enum_type, older->n_enum_type },
                  (struct enums){ newer->enum_type, newer->n_enum_type });
    for (size_t i = 0; i < older->n_service; i++) {
        const service_t *found = NULL;
        char path[NAME_BYTES];
        (void) snprintf(path, sizeof path, "%s.%s", older->package, older->service[i]->name);
        for (size_t k = 0; k < newer->n_service; k++) {
            if (same(newer->service[k]->name, older->service[i]->name))
                found = newer->service[k];
        }
        if (!found)
            broken(r, "it went", "%s", path);
        for (size_t k = 0; found && k < older->service[i]->n_method; k++)
            compare_method(r, path, older->service[i]->method[k], found);
    }
}

int
breaking_compare(const set_t *older, const set_t *newer, FILE *out)
{
    struct report r = { .out = out };

    for (size_t i = 0; i < older->n_file; i++) {
        const file_t *found = NULL;
        for (size_t k = 0; k < newer->n_file; k++) {
            if (same(newer->file[k]->name, older->file[i]->name))
                found = newer->file[k];
        }
        if (found)
            compare_file(&r, older->file[i], found);
        else
            broken(&r, "it went", "%s", older->file[i]->name);
    }
    return r.broken;
}
