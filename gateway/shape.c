/* shape.c - descriptors compiled into what the transcoder's inner loops want: JSON names with their
 * quotes, kinds, and a hash of names. */
#include <ctype.h>
#include <stdlib.h>

#include "common.pb-c.h"
#include "transcode.h"

enum { SHAPES_MAX = 4096, KEY_BYTES_MAX = 128 };

struct shapes {
    struct shape *all[SHAPES_MAX];
    size_t count;
};

static uint32_t
name_hash(const char *name, size_t size)
{
    uint32_t hash = 2166136261u; /* FNV-1a; the names are ours, so nobody can choose collisions */

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char) name[i]) * 16777619u;
    return hash ^ hash >> 15;
}

static bool
is_name(const struct field *field, const char *name, size_t size)
{
    if (size == (size_t) field->key_size - 3 && memcmp(field->key + 1, name, size) == 0)
        return true;
    return strlen(field->proto->name) == size && memcmp(field->proto->name, name, size) == 0;
}

const struct field *
shape_find(const struct shape *shape, const char *name, size_t size)
{
    if (size == 0)
        return NULL;
    for (uint32_t at = name_hash(name, size);; at++) {
        const uint16_t slot = shape->slots[at & shape->slot_mask];
        if (slot == 0)
            return NULL;
        if (is_name(&shape->fields[slot - 1], name, size))
            return &shape->fields[slot - 1];
    }
}

bool
shape_is_money(const struct field *field)
{
    return field->kind == FIELD_MESSAGE && !field->repeated &&
           field->sub->proto == &huzhu__money__descriptor;
}

static void
slot_add(struct shape *shape, const char *name, size_t size, uint32_t index)
{
    uint32_t at = name_hash(name, size);

    if (shape_find(shape, name, size) == &shape->fields[index])
        return;
    while (shape->slots[at & shape->slot_mask])
        at++;
    shape->slots[at & shape->slot_mask] = (uint16_t) (index + 1);
}

/* protobuf's rule: an underscore goes and the letter after it becomes a capital. */
static size_t
key_of(const char *name, char key[static KEY_BYTES_MAX])
{
    size_t used = 0;
    bool capital = false;

    key[used++] = '"';
    for (; *name && used < KEY_BYTES_MAX - 4; name++) {
        if (*name == '_') {
            capital = true;
            continue;
        }
        key[used++] = capital ? (char) toupper((unsigned char) *name) : *name;
        capital = false;
    }
    key[used++] = '"';
    key[used++] = ':';
    key[used] = '\0';
    return used;
}

bool
shape_is_house_type(const ProtobufCMessageDescriptor *descriptor, enum field_kind *kind)
{
    if (descriptor == &huzhu__id__descriptor)
        *kind = FIELD_ID;
    else if (descriptor == &huzhu__date__descriptor)
        *kind = FIELD_DATE;
    else if (descriptor == &huzhu__instant__descriptor)
        *kind = FIELD_INSTANT;
    else if (descriptor == &huzhu__number__descriptor)
        *kind = FIELD_NUMBER;
    else
        return false;
    return true;
}

static void
kind_of(const ProtobufCFieldDescriptor *proto, struct field *field)
{
    enum field_kind kind = FIELD_MESSAGE;

    field->element_size = 4;
    switch (proto->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        kind = FIELD_INT32;
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        kind = FIELD_UINT32;
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        kind = FIELD_INT64;
        field->element_size = 8;
        break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        kind = FIELD_UINT64;
        field->element_size = 8;
        break;
    case PROTOBUF_C_TYPE_FLOAT:
        kind = FIELD_FLOAT;
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        kind = FIELD_DOUBLE;
        field->element_size = 8;
        break;
    case PROTOBUF_C_TYPE_BOOL:
        kind = FIELD_BOOL;
        field->element_size = sizeof(protobuf_c_boolean);
        break;
    case PROTOBUF_C_TYPE_ENUM:
        kind = FIELD_ENUM;
        field->names = proto->descriptor;
        break;
    case PROTOBUF_C_TYPE_STRING:
        kind = FIELD_STRING;
        field->element_size = sizeof(char *);
        break;
    case PROTOBUF_C_TYPE_BYTES:
        kind = FIELD_BYTES;
        field->element_size = sizeof(ProtobufCBinaryData);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        field->element_size = sizeof(void *);
        (void) shape_is_house_type(proto->descriptor, &kind);
        break;
    }
    field->kind = (uint8_t) kind;
}

static struct shape *
shape_new(struct shapes *shapes, const ProtobufCMessageDescriptor *descriptor)
{
    struct shape *shape = calloc(1, sizeof *shape);
    uint32_t slots = 8;

    if (!shape)
        return NULL;
    shapes->all[shapes->count++] = shape; /* first, so that a type that holds itself ends */
    while (slots < 4 * descriptor->n_fields)
        slots *= 2;
    shape->proto = descriptor;
    shape->slot_mask = slots - 1;
    shape->slots = calloc(slots, sizeof *shape->slots);
    shape->fields = calloc(descriptor->n_fields + 1, sizeof *shape->fields);
    return shape->slots && shape->fields ? shape : NULL;
}

/* NOLINTBEGIN(misc-no-recursion): each type is compiled once, however they nest */
static err_t
field_fill(struct shapes *shapes, struct shape *shape, uint32_t index, struct err *err)
{
    const ProtobufCFieldDescriptor *proto = &shape->proto->fields[index];
    struct field *field = &shape->fields[index];
    char key[KEY_BYTES_MAX];

    field->proto = proto;
    field->id = proto->id;
    field->offset = proto->offset;
    field->quantifier_offset = proto->quantifier_offset;
    field->repeated = proto->label == PROTOBUF_C_LABEL_REPEATED;
    field->oneof = (proto->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    field->index = (uint16_t) index;
    field->key_size = (uint16_t) key_of(proto->name, key);
    field->key = strdup(key);
    kind_of(proto, field);
    if (!field->key)
        return err_set(err, ERR_INTERNAL, "memory.out", "no memory for a shape");
    shape->field_count = index + 1;
    slot_add(shape, field->key + 1, (size_t) field->key_size - 3, index);
    slot_add(shape, proto->name, strlen(proto->name), index);
    if (field->kind == FIELD_MESSAGE)
        return shapes_get(shapes, proto->descriptor, &field->sub, err);
    return ERR_OK;
}

err_t
shapes_get(struct shapes *shapes, const ProtobufCMessageDescriptor *descriptor,
           const struct shape **shape, struct err *err)
{
    for (size_t i = 0; i < shapes->count; i++) {
        if (shapes->all[i]->proto == descriptor) {
            *shape = shapes->all[i];
            return ERR_OK;
        }
    }
    if (shapes->count == SHAPES_MAX || descriptor->n_fields > TRANSCODE_FIELDS_MAX)
        return err_set(err, ERR_INTERNAL, "transcode.contract",
                       "%s: more than %d types or %d fields", descriptor->name, SHAPES_MAX,
                       TRANSCODE_FIELDS_MAX);
    struct shape *fresh = shape_new(shapes, descriptor);
    if (!fresh)
        return err_set(err, ERR_INTERNAL, "memory.out", "no memory for a shape");
    for (uint32_t i = 0; i < descriptor->n_fields; i++)
        TRY(field_fill(shapes, fresh, i, err));
    *shape = fresh;
    return ERR_OK;
}
/* NOLINTEND(misc-no-recursion) */

struct shapes *
shapes_create(void)
{
    return calloc(1, sizeof(struct shapes));
}

void
shapes_destroy(struct shapes *shapes)
{
    if (!shapes)
        return;
    for (size_t i = 0; i < shapes->count; i++) {
        struct shape *shape = shapes->all[i];
        for (uint32_t f = 0; shape->fields && f < shape->field_count; f++)
            free((void *) (uintptr_t) shape->fields[f].key);
        free(shape->fields);
        free(shape->slots);
        free(shape);
    }
    free(shapes);
}
