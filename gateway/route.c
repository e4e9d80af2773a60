/* route.c - the tree of path segments; a literal is tried before a field. */
#include "route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUFFIX_BYTES_MAX = 32, NODES_MAX = 8 * ROUTES_MAX };

struct leaf {
    struct leaf *next;
    struct slice suffix; /* behind the colon; empty: none */
    struct route *by_verb[VERB_COUNT];
};

struct node {
    struct node *sibling; /* the next literal of the same parent */
    struct node *child;   /* the first literal */
    struct node *param;
    struct slice literal;
    struct leaf *leaves;
};

struct routes {
    struct route *table;
    size_t count;
    struct node root;
};

static void
node_free(struct node *node)
{
    while (node->child) {
        struct node *child = node->child;
        node->child = child->sibling;
        node_free(child);
        free(child);
    }
    if (node->param) {
        node_free(node->param);
        free(node->param);
    }
    while (node->leaves) {
        struct leaf *leaf = node->leaves;
        node->leaves = leaf->next;
        free(leaf);
    }
}

void
routes_destroy(struct routes *routes)
{
    if (!routes)
        return;
    node_free(&routes->root);
    free(routes);
}

const struct route *
routes_all(const struct routes *routes, size_t *count)
{
    *count = routes->count;
    return routes->table;
}

static bool
slice_same(struct slice a, struct slice b)
{
    return a.size == b.size && memcmp(a.bytes, b.bytes, a.size) == 0;
}

static struct node *
node_below(struct node *node, struct slice literal, bool is_param)
{
    struct node *fresh;

    if (is_param && node->param)
        return node->param;
    for (struct node *child = is_param ? NULL : node->child; child; child = child->sibling)
        if (slice_same(child->literal, literal))
            return child;
    fresh = calloc(1, sizeof *fresh);
    if (!fresh)
        return NULL;
    fresh->literal = literal;
    if (is_param) {
        node->param = fresh;
    } else {
        fresh->sibling = node->child;
        node->child = fresh;
    }
    return fresh;
}

static err_t
leaf_add(struct node *node, struct slice suffix, struct route *route, struct err *err)
{
    struct leaf *leaf = node->leaves;

    while (leaf && !slice_same(leaf->suffix, suffix))
        leaf = leaf->next;
    if (!leaf) {
        leaf = calloc(1, sizeof *leaf);
        if (!leaf)
            return err_set(err, ERR_INTERNAL, "memory.out", "no memory for routes");
        leaf->suffix = suffix;
        leaf->next = node->leaves;
        node->leaves = leaf;
    }
    if (leaf->by_verb[route->verb])
        return err_set(err, ERR_INTERNAL, "route.twice", "%s %s is there twice",
                       verb_name(route->verb), route->path);
    leaf->by_verb[route->verb] = route;
    return ERR_OK;
}

static bool
is_code_param(const struct route *route, struct slice name)
{
    return (route->flags & ROUTE_PUBLIC) && route->param_count == 0 && slice_is(name, "tenantCode");
}

static err_t
param_add(struct route *route, struct slice name, struct err *err)
{
    const struct field *field = shape_find(route->in, name.bytes, name.size);

    if (is_code_param(route, name)) {
        route->params[route->param_count++] = name;
        route->first_bound = 1;
        return ERR_OK;
    }
    if (!field || field->kind == FIELD_MESSAGE || field->repeated)
        return err_set(err, ERR_INTERNAL, "route.param", "%s: {%.*s} is no plain field of %s",
                       route->path, (int) name.size, name.bytes, route->in->proto->name);
    if (route->param_count == ROUTE_PARAMS_MAX)
        return err_set(err, ERR_INTERNAL, "route.param", "%s: more than %d parameters", route->path,
                       ROUTE_PARAMS_MAX);
    route->params[route->param_count++] = name;
    return ERR_OK;
}

static err_t
path_add(struct routes *routes, struct route *route, struct err *err)
{
    struct slice rest = { route->path + 1, strlen(route->path) - 1 };
    struct slice suffix = { "", 0 };
    struct node *node = &routes->root;

    while (rest.size > 0) {
        struct slice segment = slice_cut(&rest, '/');
        const bool is_param = segment.size > 0 && segment.bytes[0] == '{';
        if (is_param) {
            struct slice inner = { segment.bytes + 1, segment.size - 1 };
            const struct slice name = slice_cut(&inner, '}');
            if (inner.size > 0 && inner.bytes[0] == ':')
                suffix = (struct slice){ inner.bytes + 1, inner.size - 1 };
            else if (inner.size > 0)
                return err_set(err, ERR_INTERNAL, "route.path", "%s: text behind a }", route->path);
            TRY(param_add(route, name, err));
        }
        node = node_below(node, segment, is_param);
        if (!node)
            return err_set(err, ERR_INTERNAL, "memory.out", "no memory for routes");
    }
    /* A path that ends with a slash has an empty last segment, as the request's has. */
    if (route->path[strlen(route->path) - 1] == '/') {
        node = node_below(node, (struct slice){ "", 0 }, false);
        if (!node)
            return err_set(err, ERR_INTERNAL, "memory.out", "no memory for routes");
    }
    return leaf_add(node, suffix, route, err);
}

/* --- what a flag asks of its row --- */

static bool
has_field(const struct shape *shape, const char *name, enum field_kind kind)
{
    const struct field *field = shape_find(shape, name, strlen(name));

    return field && !field->repeated && !field->oneof && field->kind == kind;
}

static err_t
public_check(const struct route *route, struct err *err)
{
    static const char front[] = "/p/{tenantCode}/";
    const bool is_below = strncmp(route->path, front, sizeof front - 1) == 0;
    const uint32_t others = ROUTE_SIGN_IN | ROUTE_SIGN_OUT | ROUTE_RENEW | ROUTE_UPLOAD;

    if (is_below != ((route->flags & ROUTE_PUBLIC) != 0) ||
        (!is_below && strncmp(route->path, "/p/", 3) == 0))
        return err_set(err, ERR_INTERNAL, "route.public", "%s: PUBLIC and %s go together",
                       route->path, front);
    if (is_below && (route->flags & others))
        return err_set(err, ERR_INTERNAL, "route.public", "%s: nobody signs in or uploads there",
                       route->path);
    return ERR_OK;
}

static err_t
shapes_check(const struct route *route, struct err *err)
{
    const bool is_upload = (route->flags & ROUTE_UPLOAD) != 0;
    const bool is_file = (route->flags & ROUTE_FILE) != 0;
    const struct field *etag = shape_find(route->out, "etag", 4);

    if (is_upload && (!has_field(route->in, "offset", FIELD_INT64) ||
                      !has_field(route->in, "data", FIELD_BYTES) ||
                      !has_field(route->in, "last", FIELD_BOOL) || route->param_count == 0))
        return err_set(err, ERR_INTERNAL, "route.upload",
                       "%s: UPLOAD needs a parameter, int64 offset, bytes data and bool last",
                       route->path);
    if ((route->flags & ROUTE_UPLOAD_64) && !is_upload)
        return err_set(err, ERR_INTERNAL, "route.upload", "%s: a limit and no upload", route->path);
    if (is_file && (!has_field(route->out, "content_type", FIELD_STRING) ||
                    !has_field(route->out, "file_name", FIELD_STRING) ||
                    !has_field(route->out, "body", FIELD_BYTES) ||
                    (etag && !has_field(route->out, "etag", FIELD_STRING)) ||
                    (route->flags & (ROUTE_STREAM | ROUTE_SIGN_IN | ROUTE_SIGN_OUT | ROUTE_RENEW))))
        return err_set(err, ERR_INTERNAL, "route.file",
                       "%s: FILE needs string content_type, string file_name and bytes body",
                       route->path);
    return ERR_OK;
}

static err_t
route_compile(struct routes *routes, struct route *route, struct shapes *shapes, struct err *err)
{
    const ProtobufCMethodDescriptor *method =
        protobuf_c_service_descriptor_get_method_by_name(route->descriptor, route->rpc);

    if (!method)
        return err_set(err, ERR_INTERNAL, "route.rpc", "%s: %s has no rpc %s", route->path,
                       route->descriptor->name, route->rpc);
    if (route->path[0] != '/')
        return err_set(err, ERR_INTERNAL, "route.path", "%s: no slash in front", route->path);
    TRY(shapes_get(shapes, method->input, &route->in, err));
    TRY(shapes_get(shapes, method->output, &route->out, err));
    route->param_count = route->first_bound = 0;
    TRY(public_check(route, err));
    TRY(path_add(routes, route, err));
    return shapes_check(route, err);
}

err_t
routes_compile(struct route *table, size_t count, struct shapes *shapes, struct routes **routes,
               struct err *err)
{
    OWNED(routes_destroy) struct routes *fresh = calloc(1, sizeof *fresh);

    if (!fresh)
        return err_set(err, ERR_INTERNAL, "memory.out", "no memory for routes");
    fresh->table = table;
    fresh->count = count;
    for (size_t i = 0; i < count; i++)
        TRY(route_compile(fresh, &table[i], shapes, err));
    *routes = TAKE(fresh);
    return ERR_OK;
}

/* --- looking up --- */

struct walk {
    const struct http *http;
    struct route_match *match;
    struct slice values[ROUTE_PARAMS_MAX];
};

static bool
leaf_match(const struct node *node, struct slice suffix, struct walk *walk)
{
    const struct leaf *leaf = node->leaves;
    enum verb verb = walk->http->verb;

    while (leaf && !slice_same(leaf->suffix, suffix))
        leaf = leaf->next;
    if (!leaf)
        return false;
    for (int v = 0; v < VERB_COUNT; v++)
        if (leaf->by_verb[v])
            walk->match->allow |= 1u << v;
    if (walk->match->allow & 1u << VERB_GET)
        walk->match->allow |= 1u << VERB_HEAD;
    walk->match->allow |= 1u << VERB_OPTIONS;
    if (verb == VERB_HEAD)
        verb = VERB_GET;
    walk->match->route = verb < VERB_COUNT ? leaf->by_verb[verb] : NULL;
    memcpy(walk->match->values, walk->values, sizeof walk->values);
    return true;
}

static bool
walk_from(const struct node *node, uint32_t at, uint32_t params, struct walk *walk)
{
    if (at == walk->http->segment_count)
        return leaf_match(node, (struct slice){ "", 0 }, walk);
    const struct slice segment = walk->http->segments[at];
    for (const struct node *child = node->child; child; child = child->sibling)
        if (slice_same(child->literal, segment) && walk_from(child, at + 1, params, walk))
            return true;
    if (!node->param || segment.size == 0 || params == ROUTE_PARAMS_MAX)
        return false;
    walk->values[params] = segment;
    if (at + 1 < walk->http->segment_count)
        return walk_from(node->param, at + 1, params + 1, walk);
    const char *colon = memrchr(segment.bytes, ':', segment.size);
    if (colon && colon > segment.bytes) {
        const struct slice suffix = { colon + 1,
                                      (size_t) (segment.bytes + segment.size - colon - 1) };
        walk->values[params].size = (size_t) (colon - segment.bytes);
        if (suffix.size > 0 && leaf_match(node->param, suffix, walk))
            return true;
        walk->values[params] = segment;
    }
    return leaf_match(node->param, (struct slice){ "", 0 }, walk);
}

void
route_find(const struct routes *routes, const struct http *http, struct route_match *match)
{
    struct walk walk = { .http = http, .match = match };

    *match = (struct route_match){ 0 };
    (void) walk_from(&routes->root, 0, 0, &walk);
}

void
route_allow_text(uint32_t allow, char text[static ALLOW_BYTES])
{
    size_t used = 0;

    text[0] = '\0';
    for (int v = 0; v < VERB_COUNT && used < ALLOW_BYTES; v++) {
        if (allow >> v & 1)
            used += (size_t) snprintf(text + used, ALLOW_BYTES - used, "%s%s", used ? ", " : "",
                                      verb_name((enum verb) v));
    }
}
