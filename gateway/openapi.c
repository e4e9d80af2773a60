/* openapi.c - the routes and the shapes of their messages as an OpenAPI 3.1 document. */
#include <ctype.h>
#include <stdio.h>

#include "call.h"
#include "common.pb-c.h"
#include "gateway.h"

enum { SHAPES_MAX = 2048 };

struct writer {
    struct text *out;
    const struct shape *shapes[SHAPES_MAX]; /* that some $ref names; written at the end */
    size_t count;
};

/* "huzhu.identity.v1.Account" is named "identity.v1.Account". */
static const char *
name_of(const struct shape *shape)
{
    const char *name = shape->proto->name;

    return strncmp(name, "huzhu.", 6) == 0 ? name + 6 : name;
}

static void
reference(struct writer *w, const struct shape *shape)
{
    size_t i = 0;

    while (i < w->count && w->shapes[i] != shape)
        i++;
    if (i == w->count && w->count < SHAPES_MAX)
        w->shapes[w->count++] = shape;
    text_printf(w->out, "{\"$ref\":\"#/components/schemas/%s\"}", name_of(shape));
}

static void
enumeration(struct writer *w, const ProtobufCEnumDescriptor *names)
{
    TEXT_LITERAL(w->out, "{\"type\":\"string\",\"enum\":[");
    for (unsigned i = 0; i < names->n_values; i++)
        text_printf(w->out, "%s\"%s\"", i ? "," : "", names->values[i].name);
    TEXT_LITERAL(w->out, "]}");
}

static void
scalar(struct writer *w, const struct field *field)
{
    static const char *const kinds[] = {
        [FIELD_INT32] = "{\"type\":\"integer\",\"format\":\"int32\"}",
        [FIELD_UINT32] = "{\"type\":\"integer\",\"minimum\":0,\"maximum\":4294967295}",
        [FIELD_INT64] =
            "{\"type\":\"string\",\"format\":\"int64\",\"pattern\":\"^-?[0-9]{1,19}$\"}",
        [FIELD_UINT64] =
            "{\"type\":\"string\",\"format\":\"uint64\",\"pattern\":\"^[0-9]{1,20}$\"}",
        [FIELD_FLOAT] = "{\"type\":\"number\",\"format\":\"float\"}",
        [FIELD_DOUBLE] = "{\"type\":\"number\",\"format\":\"double\"}",
        [FIELD_BOOL] = "{\"type\":\"boolean\"}",
        [FIELD_STRING] = "{\"type\":\"string\"}",
        [FIELD_BYTES] = "{\"type\":\"string\",\"contentEncoding\":\"base64\"}",
        [FIELD_ID] = "{\"type\":\"string\",\"format\":\"uuid\"}",
        [FIELD_DATE] = "{\"type\":\"string\",\"format\":\"date\"}",
        [FIELD_INSTANT] = "{\"type\":\"string\",\"format\":\"date-time\"}",
        [FIELD_NUMBER] = "{\"type\":\"string\",\"format\":\"int64\"}",
    };

    if (field->kind == FIELD_ENUM)
        enumeration(w, field->names);
    else if (field->kind == FIELD_MESSAGE)
        reference(w, field->sub);
    else
        text_puts(w->out, kinds[field->kind]);
}

static void
schema(struct writer *w, const struct shape *shape)
{
    text_printf(w->out,
                "\"%s\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{",
                name_of(shape));
    for (uint32_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        text_puts(w->out, i ? "," : "");
        text_add(w->out, field->key, field->key_size);
        if (field->repeated)
            TEXT_LITERAL(w->out, "{\"type\":\"array\",\"items\":");
        scalar(w, field);
        if (field->repeated)
            TEXT_LITERAL(w->out, "}");
    }
    TEXT_LITERAL(w->out, "}}");
}

static bool
is_path_param(const struct route *route, const struct field *field)
{
    for (uint32_t i = 0; i < route->param_count; i++)
        if (shape_find(route->in, route->params[i].bytes, route->params[i].size) == field)
            return true;
    return false;
}

/* Path parameters; for a request without a body the other plain fields are the query's. */
static void
parameters(struct writer *w, const struct route *route)
{
    const bool has_query = route->verb == VERB_GET || route->verb == VERB_DELETE;
    bool first = true;

    TEXT_LITERAL(w->out, "\"parameters\":[");
    if (route->flags & ROUTE_PUBLIC) {
        TEXT_LITERAL(w->out, "{\"$ref\":\"#/components/parameters/tenantCode\"}");
        first = false;
    }
    for (uint32_t i = 0; i < route->in->field_count; i++) {
        const struct field *field = &route->in->fields[i];
        const bool in_path = is_path_param(route, field);
        const bool is_money = !in_path && shape_is_money(field);
        if (!in_path && (!has_query || (field->kind == FIELD_MESSAGE && !is_money)))
            continue;
        text_printf(w->out, "%s{\"name\":\"%.*s%s\",\"in\":\"%s\",\"required\":%s,\"schema\":",
                    first ? "" : ",", (int) field->key_size - 3, field->key + 1,
                    is_money ? ".fen" : "", in_path ? "path" : "query", in_path ? "true" : "false");
        first = false;
        if (field->repeated)
            TEXT_LITERAL(w->out, "{\"type\":\"array\",\"items\":");
        scalar(w, is_money ? &field->sub->fields[0] : field);
        if (field->repeated)
            TEXT_LITERAL(w->out, "}");
        TEXT_LITERAL(w->out, "}");
    }
    if (!has_query && !(route->flags & ROUTE_UPLOAD)) {
        text_puts(w->out, first ? "" : ",");
        if (!(route->flags & (ROUTE_SIGN_IN | ROUTE_SIGN_OUT | ROUTE_RENEW)))
            TEXT_LITERAL(w->out, "{\"$ref\":\"#/components/parameters/idempotencyKey\"},");
        TEXT_LITERAL(w->out, "{\"$ref\":\"#/components/parameters/ifMatch\"}");
    }
    TEXT_LITERAL(w->out, "]");
}

/* How large an upload may be is a setting; here stands what it is unless somebody changed it. */
static void
upload_body_types(struct writer *w, const struct route *route)
{
    text_printf(w->out,
                ",\"requestBody\":{\"required\":true,\"description\":\"the file itself, at most %d "
                "MiB; sent again to the same address it is taken once\",\"content\":{"
                "\"application/octet-stream\":{},\"text/csv\":{},\"image/*\":{},"
                "\"application/pdf\":{},\"application/zip\":{},"
                "\"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet\":{}}}",
                route->flags & ROUTE_UPLOAD_64 ? 64 : 20);
}

static void
responses(struct writer *w, const struct route *route)
{
    const bool is_page = (route->flags & ROUTE_FILE) && (route->flags & ROUTE_PUBLIC);

    text_printf(w->out, ",\"responses\":{\"%d\":{\"description\":\"%s\",\"content\":{",
                route->status, route->flags & ROUTE_FILE ? "the file itself, of one type" : "done");
    if (route->flags & ROUTE_FILE) {
        for (size_t i = 0; i < file_type_count(); i++)
            text_printf(w->out, "%s\"%s\":{}", i ? "," : "", file_type(i));
    } else if (route->flags & ROUTE_STREAM) {
        TEXT_LITERAL(w->out, "\"application/octet-stream\":{}");
    } else {
        TEXT_LITERAL(w->out, "\"application/json\":{\"schema\":");
        reference(w, route->out);
        TEXT_LITERAL(w->out, "}");
    }
    TEXT_LITERAL(w->out, "}}");
    if ((route->flags & ROUTE_FILE) && route->verb == VERB_GET)
        TEXT_LITERAL(w->out, ",\"304\":{\"description\":\"If-None-Match names its ETag\"}");
    text_printf(w->out, ",\"default\":{\"$ref\":\"#/components/responses/%s\"}}",
                is_page ? "page" : "problem");
}

static void
operation(struct writer *w, const struct route *route)
{
    char verb[16] = "";

    for (size_t i = 0; verb_name(route->verb)[i] && i < sizeof verb - 1; i++)
        verb[i] = (char) tolower((unsigned char) verb_name(route->verb)[i]);
    text_printf(w->out, "\"%s\":{\"operationId\":\"%s.%s\",\"tags\":[\"%s\"],", verb,
                route->service, route->rpc, route->service);
    parameters(w, route);
    if (route->flags & ROUTE_UPLOAD) {
        upload_body_types(w, route);
    } else if (route->verb != VERB_GET && route->verb != VERB_DELETE) {
        TEXT_LITERAL(w->out, ",\"requestBody\":{\"content\":{\"application/json\":{\"schema\":");
        reference(w, route->in);
        TEXT_LITERAL(w->out, "}}}");
    }
    responses(w, route);
    if (route->flags & (ROUTE_ANONYMOUS | ROUTE_PUBLIC))
        TEXT_LITERAL(w->out, ",\"security\":[]");
    TEXT_LITERAL(w->out, "}");
}

static const char tail[] =
    "},\"parameters\":{\"idempotencyKey\":{\"name\":\"Idempotency-Key\",\"in\":\"header\","
    "\"required\":true,"
    "\"description\":\"A key of the caller's, new for each thing to be done: the same request "
    "sent again under it is done once and answered alike, for three days. With a bearer token a "
    "write without it is refused (400, idempotency.missing), and nothing is done; with a "
    "browser's cookie the gateway makes one for this one request.\","
    "\"schema\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":64}},"
    "\"ifMatch\":{\"name\":\"If-Match\",\"in\":\"header\",\"schema\":{\"type\":\"string\"}},"
    "\"tenantCode\":{\"name\":\"tenantCode\",\"in\":\"path\",\"required\":true,"
    "\"description\":\"whose public pages: the part of a login name behind the @\","
    "\"schema\":{\"type\":\"string\",\"pattern\":\"^[a-z0-9][a-z0-9-]{0,30}[a-z0-9]$\"}}},"
    "\"responses\":{\"problem\":{\"description\":\"a problem (RFC 9457)\",\"content\":{"
    "\"application/problem+json\":{\"schema\":{\"$ref\":\"#/components/schemas/problem\"}}}},"
    "\"page\":{\"description\":\"a problem (RFC 9457), or a page that says the same when Accept "
    "prefers text/html\",\"content\":{\"application/problem+json\":{\"schema\":"
    "{\"$ref\":\"#/components/schemas/problem\"}},\"text/html\":{}}}},"
    "\"securitySchemes\":{\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\","
    "\"name\":\"__Host-huzhu\"},\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"}}},"
    "\"security\":[{\"session\":[]},{\"token\":[]}]}";

static const char problem_schema[] =
    "\"problem\":{\"type\":\"object\",\"required\":[\"type\",\"title\",\"status\",\"code\","
    "\"reason\",\"trace\"],"
    "\"properties\":{\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},\"status\":{"
    "\"type\":\"integer\"},"
    "\"detail\":{\"type\":\"string\"},\"code\":{\"type\":\"string\"},\"reason\":{\"type\":"
    "\"string\"},"
    "\"path\":{\"type\":\"string\"},\"trace\":{\"type\":\"string\"}}}";

void
openapi_write(const struct routes *routes, struct text *out)
{
    struct writer w = { .out = out };
    size_t count;
    const struct route *table = routes_all(routes, &count);

    TEXT_LITERAL(
        out, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"huzhu\",\"version\":\"1\"},\"paths\":{");
    for (size_t i = 0, paths = 0; i < count; i++) {
        bool seen = false;
        for (size_t j = 0; j < i; j++)
            seen = seen || strcmp(table[j].path, table[i].path) == 0;
        if (seen)
            continue;
        text_puts(out, paths++ ? "," : "");
        text_json_puts(out, table[i].path);
        TEXT_LITERAL(out, ":{");
        for (size_t j = i, verbs = 0; j < count; j++) {
            if (strcmp(table[j].path, table[i].path) != 0)
                continue;
            text_puts(out, verbs++ ? "," : "");
            operation(&w, &table[j]);
        }
        TEXT_LITERAL(out, "}");
    }
    TEXT_LITERAL(out, "},\"components\":{\"schemas\":{");
    text_puts(out, problem_schema);
    for (size_t i = 0; i < w.count; i++) { /* schema() may add more behind i */
        TEXT_LITERAL(out, ",");
        schema(&w, w.shapes[i]);
    }
    text_puts(out, tail);
}
