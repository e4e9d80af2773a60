/* transcode_read.c - JSON into a message, in one pass. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "clock/clock.h"
#include "common.pb-c.h"
#include "id/id.h"
#include "transcode.h"

/* Where the reader stands, for the path of a fault: a field or an element per level. */
struct frame {
    const struct field *field;
    int64_t element; /* -1: not inside an array */
};

struct reader {
    const char *at, *end;
    struct arena *arena;
    struct err *err;
    int levels; /* objects and arrays around this place */
    int depth;  /* objects alone */
    struct frame frames[TRANSCODE_DEPTH_MAX + 1];
};

struct span {
    const char *bytes;
    size_t size;
};

/* --- faults --- */

static void
path_of(const struct reader *r, struct span tail, char path[static 96])
{
    struct text text = { .limit = 4096 };

    TEXT_LITERAL(&text, "$");
    for (int i = 0; i <= r->depth && i <= TRANSCODE_DEPTH_MAX; i++) {
        const struct frame *frame = &r->frames[i];
        if (!frame->field)
            continue;
        TEXT_LITERAL(&text, ".");
        text_add(&text, frame->field->key + 1, (size_t) frame->field->key_size - 3);
        if (frame->element >= 0) {
            TEXT_LITERAL(&text, "[");
            text_int(&text, frame->element);
            TEXT_LITERAL(&text, "]");
        }
    }
    if (tail.size > 0) {
        TEXT_LITERAL(&text, ".");
        text_add(&text, tail.bytes, tail.size < 40 ? tail.size : 40);
    }
    size_t size = text.used < 95 ? text.used : 95;
    while (size > 0 && size < text.used && (text.bytes[size] & 0xc0) == 0x80)
        size--; /* a character is cut off whole */
    if (text.bytes)
        memcpy(path, text.bytes, size);
    path[text.bytes ? size : 0] = '\0';
    text_free(&text);
}

static err_t
fault_at(struct reader *r, struct span tail, const char *reason, const char *says)
{
    char path[96];

    path_of(r, tail, path);
    return err_at(r->err, ERR_INVALID, path, reason, "%s", says);
}

static err_t
fault(struct reader *r, const char *reason, const char *says)
{
    return fault_at(r, (struct span){ NULL, 0 }, reason, says);
}

static err_t
syntax(struct reader *r)
{
    return fault(r, "json.syntax", "the text is not JSON from here on");
}

static err_t
no_memory(struct reader *r)
{
    return fault(r, "json.too_large", "the request needs more memory than one may have");
}

/* Into a field that is a pointer, of whatever type. */
static void
store_pointer(void *member, const void *pointer)
{
    memcpy(member, &pointer, sizeof pointer);
}

/* The value is JSON, perhaps, but not of the type the field has. */
static err_t
wrong_type(struct reader *r, const char *says)
{
    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): seventeen characters, not a text */
    if (r->at < r->end && memchr("{[\"tfn-0123456789", *r->at, 17))
        return fault(r, "json.wrong_type", says);
    return syntax(r);
}

/* --- tokens --- */

static inline void
skip_space(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
        r->at++;
}

static inline bool
take(struct reader *r, char c)
{
    if (r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

static bool
take_word(struct reader *r, const char *word, size_t size)
{
    if ((size_t) (r->end - r->at) < size || memcmp(r->at, word, size) != 0)
        return false;
    r->at += size;
    return true;
}

static int
hex4(const char *at, const char *end)
{
    int value = 0;

    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        const char c = at[i];
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

static char *
put_utf8(char *to, int code)
{
    if (code < 0x80) {
        *to++ = (char) code;
    } else if (code < 0x800) {
        *to++ = (char) (0xc0 | code >> 6);
        *to++ = (char) (0x80 | (code & 63));
    } else if (code < 0x10000) {
        *to++ = (char) (0xe0 | code >> 12);
        *to++ = (char) (0x80 | (code >> 6 & 63));
        *to++ = (char) (0x80 | (code & 63));
    } else {
        *to++ = (char) (0xf0 | code >> 18);
        *to++ = (char) (0x80 | (code >> 12 & 63));
        *to++ = (char) (0x80 | (code >> 6 & 63));
        *to++ = (char) (0x80 | (code & 63));
    }
    return to;
}

/* Behind a backslash; writes at most as many bytes as it reads. */
static err_t
read_escape(struct reader *r, char **to)
{
    static const char from_letter[128] = {
        ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
        ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'
    };

    if (r->at == r->end)
        return syntax(r);
    const unsigned char c = (unsigned char) *r->at++;
    if (c < 128 && from_letter[c]) {
        *(*to)++ = from_letter[c];
        return ERR_OK;
    }
    int code = c == 'u' ? hex4(r->at, r->end) : -1;
    if (code < 0)
        return syntax(r);
    r->at += 4;
    if (code >= 0xd800 && code <= 0xdbff) {
        const int low = r->end - r->at >= 6 && r->at[0] == '\\' && r->at[1] == 'u'
                            ? hex4(r->at + 2, r->end)
                            : -1;
        if (low < 0xdc00 || low > 0xdfff)
            return fault(r, "json.utf8", "half of a surrogate pair");
        r->at += 6;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code <= 0xdfff) {
        return fault(r, "json.utf8", "half of a surrogate pair");
    }
    if (code == 0)
        return fault(r, "json.utf8", "a text cannot hold the character NUL");
    *to = put_utf8(*to, code);
    return ERR_OK;
}

/* The rest of a string that has an escape.  `from` is its first byte behind the quote. */
static err_t
read_escaped(struct reader *r, const char *from, struct span *span)
{
    const char *close = r->at; /* the decoded text is never longer than the encoded one */

    while (close < r->end && *close != '"')
        close += *close == '\\' ? 2 : 1;
    if (close >= r->end)
        return syntax(r);
    char *text = arena_alloc(r->arena, (size_t) (close - from) + 1);
    if (!text)
        return no_memory(r);
    char *to = text + (r->at - from);
    memcpy(text, from, (size_t) (r->at - from));
    for (;;) {
        const char *run = r->at;
        r->at = json_plain_end(r->at, r->end);
        size_t step = 0;
        while (r->at < r->end && (signed char) *r->at < 0 &&
               (step = utf8_sequence(r->at, r->end)) > 0)
            r->at += step;
        memcpy(to, run, (size_t) (r->at - run));
        to += r->at - run;
        if (r->at == r->end)
            return syntax(r);
        if (*r->at == '"')
            break;
        if ((signed char) *r->at < 0)
            return fault(r, "json.utf8", "a text is not valid UTF-8");
        if (*r->at == '\\') {
            r->at++;
            TRY(read_escape(r, &to));
        } else if ((unsigned char) *r->at < 0x20) {
            return syntax(r);
        }
    }
    r->at++;
    *span = (struct span){ text, (size_t) (to - text) };
    return ERR_OK;
}

/* At the quote.  Without escapes the span points into the request, else into the arena. */
static err_t
read_string(struct reader *r, struct span *span)
{
    const char *from = ++r->at;

    for (;;) {
        r->at = json_plain_end(r->at, r->end);
        if (r->at == r->end)
            return syntax(r);
        if (*r->at == '"')
            break;
        if (*r->at == '\\')
            return read_escaped(r, from, span);
        size_t step = 0;
        while (r->at < r->end && (signed char) *r->at < 0) {
            step = utf8_sequence(r->at, r->end);
            if (step == 0)
                return fault(r, "json.utf8", "a text is not valid UTF-8");
            r->at += step;
        }
        if (step == 0) /* a control character */
            return syntax(r);
    }
    *span = (struct span){ from, (size_t) (r->at - from) };
    r->at++;
    return ERR_OK;
}

/* RFC 8259 section 6. */
static bool
scan_number(struct reader *r, struct span *span, bool *whole)
{
    const char *at = r->at, *end = r->end;

    *whole = true;
    at += at < end && *at == '-';
    if (at == end || *at < '0' || *at > '9')
        return false;
    if (*at++ != '0')
        while (at < end && *at >= '0' && *at <= '9')
            at++;
    if (at < end && *at == '.') {
        const char *digits = ++at;
        *whole = false;
        while (at < end && *at >= '0' && *at <= '9')
            at++;
        if (at == digits)
            return false;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        *whole = false;
        at++;
        at += at < end && (*at == '+' || *at == '-');
        const char *digits = at;
        while (at < end && *at >= '0' && *at <= '9')
            at++;
        if (at == digits)
            return false;
    }
    *span = (struct span){ r->at, (size_t) (at - r->at) };
    r->at = at;
    return true;
}

/* --- scalars from their text --- */

/* An optional sign and digits, no zero before other digits.  false: not an integer, or beyond 64
 * bits. */
static bool
integer_parse(struct span text, bool *negative, uint64_t *value)
{
    const char *at = text.bytes, *end = at + text.size;
    uint64_t sum = 0;

    *negative = at < end && *at == '-';
    at += *negative;
    if (at == end || end - at > 20 || (*at == '0' && end - at > 1))
        return false;
    for (; at < end; at++) {
        if (*at < '0' || *at > '9' || __builtin_mul_overflow(sum, (uint64_t) 10, &sum) ||
            __builtin_add_overflow(sum, (uint64_t) (*at - '0'), &sum))
            return false;
    }
    *value = sum;
    return true;
}

static err_t
store_integer(struct reader *r, const struct field *field, struct span text, void *member)
{
    bool negative;
    uint64_t value;

    if (text.size == 0 || (text.bytes[0] != '-' && (text.bytes[0] < '0' || text.bytes[0] > '9')))
        return fault(r, "json.wrong_type", "a whole number belongs here");
    for (size_t i = 1; i < text.size; i++)
        if (text.bytes[i] < '0' || text.bytes[i] > '9')
            return fault(r, "json.wrong_type", "a whole number belongs here");
    if (!integer_parse(text, &negative, &value))
        return fault(r, "json.range", "the number is out of range");
    const uint64_t most = field->kind == FIELD_INT32    ? (uint64_t) INT32_MAX + negative
                          : field->kind == FIELD_UINT32 ? UINT32_MAX
                          : field->kind == FIELD_INT64  ? (uint64_t) INT64_MAX + negative
                                                        : UINT64_MAX;
    const bool is_unsigned = field->kind == FIELD_UINT32 || field->kind == FIELD_UINT64;
    if (value > most || (negative && is_unsigned && value > 0))
        return fault(r, "json.range", "the number is out of range");
    if (negative)
        value = -value;
    if (field->element_size == 4) {
        const uint32_t narrow = (uint32_t) value;
        memcpy(member, &narrow, sizeof narrow);
    } else {
        memcpy(member, &value, sizeof value);
    }
    return ERR_OK;
}

/* Exact without strtod when both the digits and the power of ten are exact doubles (Clinger 1990).
 */
static bool
double_quick(struct span text, double *value)
{
    static const double powers[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
    const char *at = text.bytes, *end = at + text.size;
    const bool negative = *at == '-';
    uint64_t digits = 0;
    size_t decimals = 0;
    bool behind_point = false;

    if (text.size > 17)
        return false;
    for (at += negative; at < end; at++) {
        if (*at == '.') {
            behind_point = true;
        } else if (*at >= '0' && *at <= '9') {
            digits = digits * 10 + (uint64_t) (*at - '0');
            decimals += behind_point;
        } else {
            return false;
        }
    }
    if (digits > (UINT64_C(1) << 53))
        return false;
    *value = (double) digits / powers[decimals];
    if (negative)
        *value = -*value;
    return true;
}

static err_t
store_double(struct reader *r, const struct field *field, struct span text, void *member)
{
    double value;

    if (!double_quick(text, &value)) {
        char copy[128];
        char *end;
        /* Longer than any double needs; the rest of the digits would not change it, but nobody
         * sends them in good faith. */
        if (text.size >= sizeof copy)
            return fault(r, "json.range", "the number has more than 127 characters");
        memcpy(copy, text.bytes, text.size);
        copy[text.size] = '\0';
        errno = 0;
        value = strtod(copy, &end);
        if (*end || !isfinite(value))
            return fault(r, "json.range", "the number is out of range");
    }
    if (field->kind == FIELD_FLOAT) {
        const float narrow = (float) value;
        if (!isfinite(narrow))
            return fault(r, "json.range", "the number is out of range");
        memcpy(member, &narrow, sizeof narrow);
    } else {
        memcpy(member, &value, sizeof value);
    }
    return ERR_OK;
}

static err_t
store_enum(struct reader *r, const struct field *field, struct span text, void *member)
{
    char name[128];
    const ProtobufCEnumValue *value = NULL;

    if (text.size < sizeof name) {
        memcpy(name, text.bytes, text.size);
        name[text.size] = '\0';
        value = protobuf_c_enum_descriptor_get_value_by_name(field->names, name);
    }
    if (!value)
        return fault(r, "json.unknown_enum", "the value is none of those the field may have");
    memcpy(member, &value->value, sizeof value->value);
    return ERR_OK;
}

static err_t
store_string(struct reader *r, struct span text, void *member)
{
    char *copy = arena_alloc(r->arena, text.size + 1);

    if (!copy)
        return no_memory(r);
    memcpy(copy, text.bytes, text.size);
    copy[text.size] = '\0';
    memcpy(member, &copy, sizeof copy);
    return ERR_OK;
}

static int
base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

/* Both alphabets, padding whole or absent; bits that no byte holds must be zero. */
static err_t
store_bytes(struct reader *r, struct span text, void *member)
{
    size_t size = text.size;

    if (size % 4 == 0 && size > 0 && text.bytes[size - 1] == '=') {
        size--;
        size -= text.bytes[size - 1] == '=';
    }
    if (size % 4 == 1)
        return fault(r, "json.format", "the text is not base64");
    ProtobufCBinaryData data = { size / 4 * 3 + (size % 4 ? size % 4 - 1 : 0), NULL };
    data.data = arena_alloc(r->arena, data.len + 1);
    if (!data.data)
        return no_memory(r);
    uint32_t bits = 0;
    size_t held = 0, used = 0;
    for (size_t i = 0; i < size; i++) {
        const int value = base64_value(text.bytes[i]);
        if (value < 0)
            return fault(r, "json.format", "the text is not base64");
        bits = bits << 6 | (uint32_t) value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            data.data[used++] = (uint8_t) (bits >> held);
        }
    }
    if (bits & ((1u << held) - 1))
        return fault(r, "json.format", "the text is not canonical base64");
    memcpy(member, &data, sizeof data);
    return ERR_OK;
}

static err_t
store_id(struct reader *r, struct span text, void *member)
{
    char copy[ID_TEXT_BYTES];
    struct id id;

    if (text.size != sizeof copy - 1)
        return fault(r, "json.format", "an id is written 8-4-4-4-12 hex digits");
    memcpy(copy, text.bytes, text.size);
    copy[text.size] = '\0';
    if (!id_parse(copy, &id))
        return fault(r, "json.format", "an id is written 8-4-4-4-12 hex digits");
    Huzhu__Id *message = arena_alloc(r->arena, sizeof *message + sizeof id.bytes);
    if (!message)
        return no_memory(r);
    huzhu__id__init(message);
    message->value.len = sizeof id.bytes;
    message->value.data = (uint8_t *) (message + 1);
    memcpy(message->value.data, id.bytes, sizeof id.bytes);
    store_pointer(member, message);
    return ERR_OK;
}

static err_t
store_time(struct reader *r, const struct field *field, struct span text, void *member)
{
    char copy[40];
    date_t date;
    instant_t instant;
    const bool is_date = field->kind == FIELD_DATE;

    if (text.size >= sizeof copy)
        return fault(r, "json.format", is_date ? "a date is written YYYY-MM-DD" : "not RFC 3339");
    memcpy(copy, text.bytes, text.size);
    copy[text.size] = '\0';
    if (is_date ? !date_parse(copy, &date) : !instant_parse(copy, &instant))
        return fault(r, "json.format", is_date ? "a date is written YYYY-MM-DD" : "not RFC 3339");
    if (is_date) {
        Huzhu__Date *message = arena_alloc(r->arena, sizeof *message);
        if (!message)
            return no_memory(r);
        huzhu__date__init(message);
        message->days = date.days;
        store_pointer(member, message);
    } else {
        Huzhu__Instant *message = arena_alloc(r->arena, sizeof *message);
        if (!message)
            return no_memory(r);
        huzhu__instant__init(message);
        message->us = instant.us;
        store_pointer(member, message);
    }
    return ERR_OK;
}

static err_t
store_number(struct reader *r, struct span text, void *member)
{
    static const struct field int64 = { .kind = FIELD_INT64, .element_size = 8 };
    Huzhu__Number *message = arena_alloc(r->arena, sizeof *message);

    if (!message)
        return no_memory(r);
    huzhu__number__init(message);
    TRY(store_integer(r, &int64, text, &message->value));
    store_pointer(member, message);
    return ERR_OK;
}

/* What a JSON string may stand for. */
static err_t
store_text(struct reader *r, const struct field *field, struct span text, void *member)
{
    switch ((enum field_kind) field->kind) {
    case FIELD_STRING:
        return store_string(r, text, member);
    case FIELD_BYTES:
        return store_bytes(r, text, member);
    case FIELD_ENUM:
        return store_enum(r, field, text, member);
    case FIELD_ID:
        return store_id(r, text, member);
    case FIELD_DATE:
    case FIELD_INSTANT:
        return store_time(r, field, text, member);
    case FIELD_NUMBER:
        return store_number(r, text, member);
    case FIELD_INT32:
    case FIELD_UINT32:
    case FIELD_INT64:
    case FIELD_UINT64:
        return store_integer(r, field, text, member);
    case FIELD_FLOAT:
    case FIELD_DOUBLE:
    case FIELD_BOOL:
    case FIELD_MESSAGE:
        break;
    }
    return fault(r, "json.wrong_type", "a text does not belong here");
}

/* --- values --- */

/* NOLINTBEGIN(misc-no-recursion): a request is refused beyond a depth of 32 */
static err_t read_object(struct reader *r, const struct shape *shape, ProtobufCMessage *message,
                         uint64_t *seen);

static err_t
new_message(struct reader *r, const struct shape *shape, ProtobufCMessage **message)
{
    *message = arena_alloc(r->arena, shape->proto->sizeof_message);
    if (!*message)
        return no_memory(r);
    shape->proto->message_init(*message);
    return ERR_OK;
}

static err_t
read_message(struct reader *r, const struct field *field, void *member)
{
    ProtobufCMessage *message;
    uint64_t seen[TRANSCODE_FIELDS_MAX / 64] = { 0 };

    if (*r->at != '{')
        return wrong_type(r, "an object belongs here");
    TRY(new_message(r, field->sub, &message));
    TRY(read_object(r, field->sub, message, seen));
    store_pointer(member, message);
    return ERR_OK;
}

static err_t
read_number(struct reader *r, const struct field *field, void *member)
{
    struct span text;
    const char *from = r->at;
    bool whole;

    if (!scan_number(r, &text, &whole))
        return syntax(r);
    if (field->kind <= FIELD_UINT64 || field->kind == FIELD_NUMBER) {
        bool negative;
        uint64_t value;
        if (!whole)
            return fault(r, "json.wrong_type", "a whole number belongs here");
        /* Beyond int64 a number must be a string: readers in between would change it. */
        if (!integer_parse(text, &negative, &value) || value > (uint64_t) INT64_MAX + negative)
            return fault(r, "json.range", "the number is out of range");
        return store_text(r, field, text, member);
    }
    if (field->kind == FIELD_ENUM) {
        struct field as_integer = { .kind = FIELD_INT32, .element_size = 4 };
        int32_t number;
        if (!whole)
            return fault(r, "json.wrong_type", "a name belongs here");
        TRY(store_integer(r, &as_integer, text, &number));
        if (!protobuf_c_enum_descriptor_get_value(field->names, number))
            return fault(r, "json.unknown_enum", "the value is none of those the field may have");
        memcpy(member, &number, sizeof number);
        return ERR_OK;
    }
    if (field->kind == FIELD_DOUBLE || field->kind == FIELD_FLOAT) {
        bool negative;
        uint64_t value;
        if (whole &&
            (!integer_parse(text, &negative, &value) || value > (uint64_t) INT64_MAX + negative))
            return fault(r, "json.range", "the number is out of range");
        return store_double(r, field, text, member);
    }
    r->at = from;
    return wrong_type(r, "a number does not belong here");
}

/* One value that is not null; r->at is at its first byte. */
static err_t
read_value(struct reader *r, const struct field *field, void *member)
{
    struct span text;
    const char c = *r->at;

    if (field->kind == FIELD_MESSAGE)
        return read_message(r, field, member);
    if (c == '"') {
        TRY(read_string(r, &text));
        return store_text(r, field, text, member);
    }
    if (c == '-' || (c >= '0' && c <= '9'))
        return read_number(r, field, member);
    if (field->kind == FIELD_BOOL && (c == 't' || c == 'f')) {
        const protobuf_c_boolean value = c == 't';
        if (!(value ? take_word(r, "true", 4) : take_word(r, "false", 5)))
            return syntax(r);
        /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): element_add() made it */
        memcpy(member, &value, sizeof value);
        return ERR_OK;
    }
    return wrong_type(r, "a value of another type belongs here");
}

/* The array doubles in the arena; what is left behind is at most as much as what is kept. */
static err_t
element_add(struct reader *r, const struct field *field, char **array, size_t count, size_t *room)
{
    if (count < *room)
        return ERR_OK;
    const size_t more = *room ? *room * 2 : 4;
    char *grown = arena_alloc(r->arena, more * field->element_size);
    if (!grown)
        return no_memory(r);
    if (count > 0)
        memcpy(grown, *array, count * field->element_size);
    *array = grown;
    *room = more;
    return ERR_OK;
}

static err_t
read_array(struct reader *r, const struct field *field, ProtobufCMessage *message)
{
    char *array = NULL;
    size_t count = 0, room = 0;
    struct frame *frame = &r->frames[r->depth];

    if (!take(r, '['))
        return wrong_type(r, "an array belongs here");
    if (++r->levels > TRANSCODE_DEPTH_MAX)
        return fault(r, "json.depth", "the request is nested too deeply");
    skip_space(r);
    if (!take(r, ']')) {
        do {
            frame->element = (int64_t) count;
            skip_space(r);
            if (r->at == r->end)
                return syntax(r);
            TRY(element_add(r, field, &array, count, &room));
            TRY(read_value(r, field, array + count * field->element_size));
            count++;
            skip_space(r);
        } while (take(r, ','));
        frame->element = -1;
        if (!take(r, ']'))
            return syntax(r);
    }
    r->levels--;
    memcpy((char *) message + field->offset, &array, sizeof array);
    memcpy((char *) message + field->quantifier_offset, &count, sizeof count);
    return ERR_OK;
}

static err_t
oneof_claim(struct reader *r, const struct field *field, ProtobufCMessage *message)
{
    uint32_t *which = (uint32_t *) (void *) ((char *) message + field->quantifier_offset);

    if (*which != 0)
        return fault(r, "json.oneof", "only one of these fields may have a value");
    *which = field->id;
    return ERR_OK;
}

static err_t
read_field(struct reader *r, const struct field *field, ProtobufCMessage *message, uint64_t *seen)
{
    uint64_t *word = &seen[field->index / 64];
    const uint64_t bit = UINT64_C(1) << field->index % 64;

    r->frames[r->depth] = (struct frame){ field, -1 };
    if (*word & bit)
        return fault(r, "json.duplicate", "the field has a value already");
    *word |= bit;
    skip_space(r);
    if (r->at == r->end)
        return syntax(r);
    if (*r->at == 'n') /* as if it were not there */
        return take_word(r, "null", 4) ? ERR_OK : syntax(r);
    if (field->repeated)
        return read_array(r, field, message);
    if (field->oneof)
        TRY(oneof_claim(r, field, message));
    return read_value(r, field, (char *) message + field->offset);
}

static err_t
read_key(struct reader *r, const struct shape *shape, uint32_t *guess, const struct field **field)
{
    struct span name;

    if (r->at == r->end || *r->at != '"')
        return syntax(r);
    /* Most senders keep the order of the contract: try the next field before the hash. */
    if (*guess < shape->field_count) {
        const struct field *next = &shape->fields[*guess];
        const size_t quoted = (size_t) next->key_size - 1;
        if ((size_t) (r->end - r->at) > quoted && memcmp(r->at, next->key, quoted) == 0) {
            r->at += quoted;
            ++*guess;
            *field = next;
            return ERR_OK;
        }
    }
    TRY(read_string(r, &name));
    /* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): filled, or we had left */
    *field = shape_find(shape, name.bytes, name.size);
    if (!*field)
        return fault_at(r, name, "json.unknown_field", "the request has no such field");
    *guess = (*field)->index + 1u;
    return ERR_OK;
}

/* At the brace. */
static err_t
read_object(struct reader *r, const struct shape *shape, ProtobufCMessage *message, uint64_t *seen)
{
    const struct field *field = NULL;
    uint32_t guess = 0;

    if (++r->levels > TRANSCODE_DEPTH_MAX)
        return fault(r, "json.depth", "the request is nested too deeply");
    r->depth++;
    r->frames[r->depth] = (struct frame){ NULL, -1 };
    r->at++;
    skip_space(r);
    if (!take(r, '}')) {
        do {
            skip_space(r);
            TRY(read_key(r, shape, &guess, &field));
            skip_space(r);
            if (!take(r, ':'))
                return syntax(r);
            TRY(read_field(r, field, message, seen));
            r->frames[r->depth].field = NULL;
            skip_space(r);
        } while (take(r, ','));
        if (!take(r, '}'))
            return syntax(r);
    }
    r->depth--;
    r->levels--;
    return ERR_OK;
}
/* NOLINTEND(misc-no-recursion) */

/* --- the module's door --- */

err_t
transcode_open(const struct shape *shape, struct arena *arena, struct filling *filling,
               struct err *err)
{
    struct reader r = { .arena = arena, .err = err };

    *filling = (struct filling){ .shape = shape, .arena = arena };
    return new_message(&r, shape, &filling->message);
}

err_t
transcode_read(struct filling *filling, const char *json, size_t size, struct err *err)
{
    struct reader r = { .at = json, .end = json + size, .arena = filling->arena, .err = err };

    if (size > TRANSCODE_BYTES_MAX)
        return fault(&r, "json.too_large", "the request is larger than 1 MiB");
    skip_space(&r);
    if (r.at == r.end || *r.at != '{')
        return wrong_type(&r, "an object belongs here");
    TRY(read_object(&r, filling->shape, filling->message, filling->seen));
    skip_space(&r);
    return r.at == r.end ? ERR_OK : syntax(&r);
}

/* Numbers of a query have no JSON type: each is read by the field it fills. */
static err_t
bind_value(struct reader *r, const struct field *field, struct span value, void *member)
{
    bool whole;
    struct span number;

    for (const char *at = value.bytes; at < value.bytes + value.size;) {
        const size_t step =
            (signed char) *at >= 0 ? 1 : utf8_sequence(at, value.bytes + value.size);
        if (step == 0 || *at == '\0')
            return fault(r, "json.utf8", "a parameter is not valid UTF-8");
        at += step;
    }
    if (field->kind == FIELD_BOOL) {
        const protobuf_c_boolean yes = value.size == 4 && memcmp(value.bytes, "true", 4) == 0;
        if (!yes && (value.size != 5 || memcmp(value.bytes, "false", 5) != 0))
            return fault(r, "json.wrong_type", "true or false belongs here");
        memcpy(member, &yes, sizeof yes);
        return ERR_OK;
    }
    if (field->kind == FIELD_DOUBLE || field->kind == FIELD_FLOAT) {
        r->at = value.bytes;
        r->end = value.bytes + value.size;
        if (!scan_number(r, &number, &whole) || r->at != r->end)
            return fault(r, "json.wrong_type", "a number belongs here");
        return store_double(r, field, number, member);
    }
    return store_text(r, field, value, member);
}

/* "billed.fen": the one message a filter may hold is an amount, as its JSON form spells it. */
static const struct field *
money_find(const struct shape *shape, const char *name, size_t size)
{
    const struct field *field = NULL;

    if (size > 4 && memcmp(name + size - 4, ".fen", 4) == 0)
        field = shape_find(shape, name, size - 4);
    return field && shape_is_money(field) ? field : NULL;
}

static err_t
bind_money(struct reader *r, const struct field *field, struct span value, void *member)
{
    ProtobufCMessage *money;

    TRY(new_message(r, field->sub, &money));
    store_pointer(member, money);
    return bind_value(r, &field->sub->fields[0], value,
                      (char *) money + field->sub->fields[0].offset);
}

err_t
transcode_bind(struct filling *filling, const char *name, size_t name_size, const char *value,
               size_t value_size, struct err *err)
{
    struct reader r = { .arena = filling->arena, .err = err };
    const struct field *field = shape_find(filling->shape, name, name_size);
    const struct span text = { value, value_size };

    if (field && field->kind == FIELD_MESSAGE)
        field = NULL;
    if (!field)
        field = money_find(filling->shape, name, name_size);
    if (!field)
        return fault_at(&r, (struct span){ name, name_size }, "json.unknown_field",
                        "the request has no such parameter");
    r.frames[0] = (struct frame){ field, -1 };
    uint64_t *word = &filling->seen[field->index / 64];
    const uint64_t bit = UINT64_C(1) << field->index % 64;
    if (!field->repeated && (*word & bit))
        return fault(&r, "json.duplicate", "the parameter has a value already");
    *word |= bit;
    char *base = (char *) filling->message;
    if (!field->repeated) {
        if (field->oneof)
            TRY(oneof_claim(&r, field, filling->message));
        return (field->kind == FIELD_MESSAGE ? bind_money : bind_value)(&r, field, text,
                                                                        base + field->offset);
    }
    size_t count;
    char *array, *old;
    memcpy(&count, base + field->quantifier_offset, sizeof count);
    memcpy(&old, base + field->offset, sizeof old);
    array = arena_alloc(filling->arena, (count + 1) * field->element_size);
    if (!array)
        return no_memory(&r);
    if (count > 0)
        memcpy(array, old, count * field->element_size);
    TRY(bind_value(&r, field, text, array + count * field->element_size));
    count++;
    memcpy(base + field->offset, &array, sizeof array);
    memcpy(base + field->quantifier_offset, &count, sizeof count);
    return ERR_OK;
}
