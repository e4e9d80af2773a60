/* transcode_write.c - a message as JSON text. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock/clock.h"
#include "common.pb-c.h"
#include "id/id.h"
#include "transcode.h"

/* "%.17g" costs a microsecond, and most of our doubles are short decimals: a quotient of two exact
 * doubles is the double nearest to that decimal, so when it is the value, the decimal is a text
 * that reads back as it. */
static bool
write_decimal(struct text *out, double value)
{
    static const double powers[] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6 };
    const double size = fabs(value);

    if (size >= 1e9 || (value == 0 && signbit(value)))
        return false;
    for (size_t decimals = 0; decimals < COUNT(powers); decimals++) {
        const uint64_t digits = (uint64_t) (size * powers[decimals] + 0.5);
        if ((double) digits / powers[decimals] != size)
            continue;
        if (value < 0)
            TEXT_LITERAL(out, "-");
        const uint64_t unit = (uint64_t) powers[decimals];
        text_uint(out, digits / unit);
        if (decimals > 0 && text_reserve(out, 8)) {
            uint64_t rest = digits % unit;
            char *at = out->bytes + out->used;
            at[0] = '.';
            for (size_t i = decimals; i > 0; i--, rest /= 10)
                at[i] = (char) ('0' + rest % 10);
            out->used += decimals + 1;
        }
        return true;
    }
    return false;
}

static void
write_double(struct text *out, double value, int digits)
{
    if (isnan(value)) {
        TEXT_LITERAL(out, "\"NaN\"");
    } else if (isinf(value)) {
        text_puts(out, value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    } else if (!write_decimal(out, value)) {
        text_printf(out, "%.*g", digits, value);
    }
}

static void
write_base64(struct text *out, const ProtobufCBinaryData *data)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    if (!text_reserve(out, data->len / 3 * 4 + 8))
        return;
    char *at = out->bytes + out->used;
    *at++ = '"';
    for (size_t i = 0; i < data->len; i += 3) {
        const size_t left = data->len - i;
        const uint32_t bits = (uint32_t) data->data[i] << 16 |
                              (left > 1 ? (uint32_t) data->data[i + 1] << 8 : 0) |
                              (left > 2 ? (uint32_t) data->data[i + 2] : 0);
        *at++ = alphabet[bits >> 18];
        *at++ = alphabet[bits >> 12 & 63];
        *at++ = left > 1 ? alphabet[bits >> 6 & 63] : '=';
        *at++ = left > 2 ? alphabet[bits & 63] : '=';
    }
    *at++ = '"';
    out->used = (size_t) (at - out->bytes);
}

static void
write_enum(struct text *out, const struct field *field, int32_t number)
{
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(field->names, number);

    if (!value) { /* a newer service's value: the mapping writes the number */
        text_int(out, number);
        return;
    }
    TEXT_LITERAL(out, "\"");
    text_puts(out, value->name);
    TEXT_LITERAL(out, "\"");
}

/* A service's mistake (15 bytes, a year 12000) must not stop the gateway: written as null. */
static void
write_id(struct text *out, const Huzhu__Id *message)
{
    struct id id;
    char text[ID_TEXT_BYTES];

    if (message->value.len != sizeof id.bytes) {
        TEXT_LITERAL(out, "null");
        return;
    }
    memcpy(id.bytes, message->value.data, sizeof id.bytes);
    id_format(id, text);
    TEXT_LITERAL(out, "\"");
    text_add(out, text, ID_TEXT_BYTES - 1);
    TEXT_LITERAL(out, "\"");
}

static bool
date_is_writable(int64_t days)
{
    return days >= date_from_civil(1, 1, 1).days && days <= date_from_civil(9999, 12, 31).days;
}

static void
write_time(struct text *out, bool is_date, int64_t value)
{
    char text[INSTANT_TEXT_BYTES];

    if (!date_is_writable(is_date ? value : value / US_PER_DAY - (value % US_PER_DAY < 0))) {
        TEXT_LITERAL(out, "null");
        return;
    }
    if (is_date)
        date_format((date_t){ (int32_t) value }, text);
    else
        instant_format((instant_t){ value }, text);
    TEXT_LITERAL(out, "\"");
    text_puts(out, text);
    TEXT_LITERAL(out, "\"");
}

static void
write_quoted_int(struct text *out, bool is_signed, const void *member)
{
    uint64_t value;

    memcpy(&value, member, sizeof value);
    TEXT_LITERAL(out, "\"");
    if (is_signed)
        text_int(out, (int64_t) value);
    else
        text_uint(out, value);
    TEXT_LITERAL(out, "\"");
}

static void
write_floating(struct text *out, const struct field *field, const void *member)
{
    double wide;
    float narrow;

    if (field->kind == FIELD_DOUBLE) {
        memcpy(&wide, member, sizeof wide);
        write_double(out, wide, 17);
    } else {
        memcpy(&narrow, member, sizeof narrow);
        write_double(out, (double) narrow, 9);
    }
}

/* NOLINTBEGIN(misc-no-recursion): no contract of ours nests without an end */
static void
write_value(struct text *out, const struct field *field, const void *member)
{
    const void *pointer;
    int32_t number;

    switch ((enum field_kind) field->kind) {
    case FIELD_INT32:
    case FIELD_UINT32:
        memcpy(&number, member, sizeof number);
        text_int(out, field->kind == FIELD_INT32 ? (int64_t) number : (int64_t) (uint32_t) number);
        return;
    case FIELD_INT64:
    case FIELD_UINT64:
        write_quoted_int(out, field->kind == FIELD_INT64, member);
        return;
    case FIELD_FLOAT:
    case FIELD_DOUBLE:
        write_floating(out, field, member);
        return;
    case FIELD_BOOL:
        text_puts(out, *(const protobuf_c_boolean *) member ? "true" : "false");
        return;
    case FIELD_ENUM:
        memcpy(&number, member, sizeof number);
        write_enum(out, field, number);
        return;
    case FIELD_BYTES:
        write_base64(out, member);
        return;
    default:
        break;
    }
    memcpy(&pointer, member, sizeof pointer);
    if (!pointer)
        TEXT_LITERAL(out, "null");
    else if (field->kind == FIELD_STRING)
        text_json_puts(out, pointer);
    else if (field->kind == FIELD_MESSAGE)
        transcode_write(field->sub, pointer, out);
    else if (field->kind == FIELD_ID)
        write_id(out, pointer);
    else if (field->kind == FIELD_NUMBER)
        write_quoted_int(out, true, &((const Huzhu__Number *) pointer)->value);
    else
        write_time(out, field->kind == FIELD_DATE,
                   field->kind == FIELD_DATE ? ((const Huzhu__Date *) pointer)->days
                                             : ((const Huzhu__Instant *) pointer)->us);
}

/* proto3's implicit presence: a scalar of value zero is not there. */
static bool
is_present(const struct field *field, const ProtobufCMessage *message)
{
    const char *member = (const char *) message + field->offset;
    const void *pointer;
    uint32_t which;

    if (field->oneof) {
        memcpy(&which, (const char *) message + field->quantifier_offset, sizeof which);
        return which == field->id;
    }
    switch ((enum field_kind) field->kind) {
    case FIELD_STRING:
        memcpy(&pointer, member, sizeof pointer);
        return pointer && *(const char *) pointer;
    case FIELD_BYTES:
        return ((const ProtobufCBinaryData *) (const void *) member)->len > 0;
    case FIELD_MESSAGE:
    case FIELD_ID:
    case FIELD_DATE:
    case FIELD_INSTANT:
    case FIELD_NUMBER:
        memcpy(&pointer, member, sizeof pointer);
        return pointer != NULL;
    default:
        for (size_t i = 0; i < field->element_size; i++)
            if (member[i])
                return true;
        return false;
    }
}

static void
write_array(struct text *out, const struct field *field, const ProtobufCMessage *message,
            size_t count)
{
    const char *array;

    memcpy(&array, (const char *) message + field->offset, sizeof array);
    TEXT_LITERAL(out, "[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            TEXT_LITERAL(out, ",");
        write_value(out, field, array + i * field->element_size);
    }
    TEXT_LITERAL(out, "]");
}

void
transcode_write(const struct shape *shape, const ProtobufCMessage *message, struct text *out)
{
    bool first = true;

    TEXT_LITERAL(out, "{");
    for (uint32_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        size_t count = 1;
        if (field->repeated)
            memcpy(&count, (const char *) message + field->quantifier_offset, sizeof count);
        else if (!is_present(field, message))
            continue;
        if (count == 0)
            continue;
        if (!first)
            TEXT_LITERAL(out, ",");
        first = false;
        text_add(out, field->key, field->key_size);
        if (field->repeated)
            write_array(out, field, message, count);
        else
            write_value(out, field, (const char *) message + field->offset);
    }
    TEXT_LITERAL(out, "}");
}
/* NOLINTEND(misc-no-recursion) */
