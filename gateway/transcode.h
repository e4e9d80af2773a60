/* transcode.h - JSON to protobuf-c messages and back, driven by their descriptors.
 *
 * One pass, no tree between: the reader fills the message's fields while it scans, the writer walks
 * them.  The mapping is protobuf's JSON mapping (lowerCamelCase, the .proto's own names read too,
 * 64-bit integers as strings out and as strings or numbers in, enums by name, bytes as base64,
 * fields of default value not written) with the house's own forms of common.proto:
 *   huzhu.Id "0190a5e0-…"   huzhu.Date "2026-11-22"   huzhu.Instant RFC 3339
 *   huzhu.Number "45", a number is read too
 *
 * Strict: whatever jansson (JSON_REJECT_DUPLICATES) refuses is refused here too.  Beyond that an
 * unknown field, a wrong type, a number out of range, two members of a oneof, an element that is
 * null, more than TRANSCODE_DEPTH_MAX levels and more than TRANSCODE_BYTES_MAX bytes are refused,
 * with the JSON path of the fault in err->path and one of these reasons:
 *   json.syntax json.utf8 json.unknown_field json.duplicate json.wrong_type json.range
 *   json.unknown_enum json.format json.oneof json.depth json.too_large
 *
 * Deliberately narrower than the mapping: integers are digits alone (no 1e2, no 1.0), NaN and the
 * infinities are not numbers, base64 is canonical. */
#ifndef HUZHU_TRANSCODE_H
#define HUZHU_TRANSCODE_H

#include <protobuf-c/protobuf-c.h>

#include "arena/arena.h"
#include "err/err.h"
#include "text.h"

#define TRANSCODE_DEPTH_MAX 32
#define TRANSCODE_BYTES_MAX ((size_t) 1024 * 1024)
#define TRANSCODE_FIELDS_MAX 256 /* of one message */

/* A message type, compiled: made once at start, then read by all threads. */
struct shape;
struct shapes;

struct shapes *shapes_create(void) MUST_CHECK;
void shapes_destroy(struct shapes *shapes);
DEFINE_OWNED(struct shapes, shapes_destroy)

/* The shape of a descriptor and of all it holds; lives as long as `shapes`.  ERR_INTERNAL: the
 * contract has what the transcoder does not do (more than TRANSCODE_FIELDS_MAX fields). */
err_t shapes_get(struct shapes *shapes, const ProtobufCMessageDescriptor *descriptor,
                 const struct shape **shape, struct err *err) MUST_CHECK;

/* A message that is being filled.  Everything in it lives in the arena. */
struct filling {
    const struct shape *shape;
    struct arena *arena;
    ProtobufCMessage *message;
    uint64_t seen[TRANSCODE_FIELDS_MAX / 64]; /* fields that have their value */
};

err_t transcode_open(const struct shape *shape, struct arena *arena, struct filling *filling,
                     struct err *err) MUST_CHECK;

/* Gives the field of that name (either spelling) a value from a path or a query: numbers, booleans,
 * texts, enums, base64, ids, dates, instants, and an amount as "name.fen"; a repeated field takes
 * one more element each time.
 * ERR_INVALID json.unknown_field when there is none or a text cannot hold it. */
err_t transcode_bind(struct filling *filling, const char *name, size_t name_size, const char *value,
                     size_t value_size, struct err *err) MUST_CHECK;

/* Reads one JSON object.  A field that was bound before is a duplicate. */
err_t transcode_read(struct filling *filling, const char *json, size_t size,
                     struct err *err) MUST_CHECK;

/* Appends the message as a JSON object; look at out->failed afterwards. */
void transcode_write(const struct shape *shape, const ProtobufCMessage *message, struct text *out);

/* For the checks of routes.def and for openapi.json. */
enum field_kind {
    FIELD_INT32,
    FIELD_UINT32,
    FIELD_INT64,
    FIELD_UINT64,
    FIELD_FLOAT,
    FIELD_DOUBLE,
    FIELD_BOOL,
    FIELD_ENUM,
    FIELD_STRING,
    FIELD_BYTES,
    FIELD_MESSAGE,
    FIELD_ID,
    FIELD_DATE,
    FIELD_INSTANT,
    FIELD_NUMBER,
};
struct field {
    const ProtobufCFieldDescriptor *proto;
    const char *key; /* "\"jsonName\":", as it is written; behind it in memory is a NUL */
    const struct shape *sub;
    const ProtobufCEnumDescriptor *names; /* of FIELD_ENUM */
    uint32_t offset, quantifier_offset, id;
    uint16_t key_size, element_size, index;
    uint8_t kind; /* enum field_kind */
    bool repeated, oneof;
};
struct shape {
    const ProtobufCMessageDescriptor *proto;
    struct field *fields; /* in the .proto's order */
    uint32_t field_count, slot_mask;
    uint16_t *slots; /* hash of either name -> index + 1 */
};
const struct field *shape_find(const struct shape *shape, const char *name, size_t size);
/* Whether the field is one huzhu.Money. */
bool shape_is_money(const struct field *field);
/* Whether the descriptor is a house type with a JSON form of its own (then *kind). */
bool shape_is_house_type(const ProtobufCMessageDescriptor *descriptor, enum field_kind *kind);

#endif
