/* permissions.c - the table in memory: names by hash, whole-service grants as a bit matrix, so that
 * the check of a usual request costs two look-ups. */
#include "permissions.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

enum {
    FILE_BYTES_MAX = 1 << 20,
    WORDS_MAX = 64,
    ANY = -1,      /* "*" */
    UNKNOWN = -2,  /* a name the table does not have */
    BUCKETS = 256, /* of names: four times PERMISSIONS_NAMES_MAX */
};
static_assert(PERMISSIONS_NAMES_MAX <= 64, "a row of the matrix is one word");

struct key_row {
    char z85[41];
    int8_t name;
};
struct peer_row {
    uint32_t uid;
    int8_t name;
};
struct method_row {
    int8_t caller, service; /* or ANY */
    bool prefix;
    uint8_t size;
    char text[MDP_METHOD_BYTES_MAX + 1];
};

struct permissions {
    char names[PERMISSIONS_NAMES_MAX][MDP_NAME_BYTES_MAX + 1];
    size_t name_count, key_count, peer_count, method_count;
    int8_t buckets[BUCKETS];                 /* index into names, plus 1 */
    uint64_t granted[PERMISSIONS_NAMES_MAX]; /* of callers: a bit for each service */
    uint64_t granted_to_all;
    bool all_granted[PERMISSIONS_NAMES_MAX]; /* call <caller> * */
    struct key_row keys[PERMISSIONS_ROWS_MAX];
    struct peer_row peers[PERMISSIONS_ROWS_MAX];
    struct method_row methods[PERMISSIONS_ROWS_MAX];
};

static uint32_t
hash(const char *text, size_t size)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < size; i++)
        h = (h ^ (uint8_t) text[i]) * 16777619u;
    return h;
}

static int
find(const struct permissions *p, const char *text, size_t size)
{
    for (uint32_t at = hash(text, size) % BUCKETS; p->buckets[at]; at = (at + 1) % BUCKETS) {
        const int name = p->buckets[at] - 1;
        if (strncmp(p->names[name], text, size) == 0 && p->names[name][size] == '\0')
            return name;
    }
    return UNKNOWN;
}

static err_t
name_of(struct permissions *p, const char *word, bool may_be_any, int8_t *name, struct err *err)
{
    const size_t size = strlen(word);

    if (may_be_any && strcmp(word, "*") == 0) {
        *name = ANY;
        return ERR_OK;
    }
    if (!mdp_name_is_valid(word, size))
        return err_set(err, ERR_INVALID, "permissions.name", "\"%.40s\" cannot be a name", word);
    int at = find(p, word, size);
    if (at == UNKNOWN) {
        if (p->name_count == PERMISSIONS_NAMES_MAX)
            return err_set(err, ERR_INVALID, "permissions.too_many", "more than %d names",
                           PERMISSIONS_NAMES_MAX);
        at = (int) p->name_count++;
        memcpy(p->names[at], word, size + 1);
        uint32_t bucket = hash(word, size) % BUCKETS;
        while (p->buckets[bucket])
            bucket = (bucket + 1) % BUCKETS;
        p->buckets[bucket] = (int8_t) (at + 1);
    }
    *name = (int8_t) at;
    return ERR_OK;
}

static err_t
too_many(struct err *err, const char *what)
{
    return err_set(err, ERR_INVALID, "permissions.too_many", "more than %d rows \"%s\"",
                   PERMISSIONS_ROWS_MAX, what);
}

static err_t
add_key(struct permissions *p, char *const *words, size_t count, struct err *err)
{
    struct key_row row;
    uint8_t raw[32];

    if (count != 3 || strlen(words[1]) != 40 || !zmq_z85_decode(raw, words[1]))
        return err_set(err, ERR_INVALID, "permissions.key",
                       "a row is \"key <40 characters of Z85> <name>\"");
    TRY(name_of(p, words[2], false, &row.name, err));
    memcpy(row.z85, words[1], sizeof row.z85);
    for (size_t i = 0; i < p->key_count; i++) {
        if (strcmp(p->keys[i].z85, row.z85) == 0 && p->keys[i].name != row.name)
            return err_set(err, ERR_INVALID, "permissions.key",
                           "one key cannot be both \"%s\" and \"%s\"", p->names[p->keys[i].name],
                           words[2]);
    }
    if (p->key_count == PERMISSIONS_ROWS_MAX)
        return too_many(err, "key");
    p->keys[p->key_count++] = row;
    return ERR_OK;
}

static bool
uid_of(const char *word, uint32_t *uid)
{
    char *end;

    if (strcmp(word, "self") == 0) {
        *uid = geteuid();
        return true;
    }
    errno = 0;
    const unsigned long number = strtoul(word, &end, 10);
    if (*word >= '0' && *word <= '9' && *end == '\0' && errno == 0 && number < UINT32_MAX) {
        *uid = (uint32_t) number;
        return true;
    }
    const struct passwd *entry = getpwnam(word);
    if (entry)
        *uid = entry->pw_uid;
    return entry != NULL;
}

static err_t
add_peer(struct permissions *p, char *const *words, size_t count, struct err *err)
{
    struct peer_row row;

    if (count != 3 || !uid_of(words[1], &row.uid))
        return err_set(err, ERR_INVALID, "permissions.peer",
                       "a row is \"peer <uid, user or self> <name>\"");
    TRY(name_of(p, words[2], false, &row.name, err));
    if (p->peer_count == PERMISSIONS_ROWS_MAX)
        return too_many(err, "peer");
    p->peers[p->peer_count++] = row;
    return ERR_OK;
}

static err_t
add_method(struct permissions *p, int8_t caller, int8_t service, const char *word, struct err *err)
{
    struct method_row row = { .caller = caller, .service = service };
    size_t size = strlen(word);

    row.prefix = size > 1 && word[size - 1] == '*';
    size -= row.prefix;
    if (!mdp_method_is_valid(word, size))
        return err_set(err, ERR_INVALID, "permissions.method", "\"%.40s\" cannot be a method",
                       word);
    if (p->method_count == PERMISSIONS_ROWS_MAX)
        return too_many(err, "call … method");
    row.size = (uint8_t) size;
    memcpy(row.text, word, size);
    p->methods[p->method_count++] = row;
    return ERR_OK;
}

static void
grant(struct permissions *p, int8_t caller, int8_t service)
{
    if (caller >= 0 && service >= 0)
        p->granted[caller] |= UINT64_C(1) << service;
    else if (caller >= 0)
        p->all_granted[caller] = true;
    else
        p->granted_to_all |= UINT64_C(1) << service;
}

static err_t
add_call(struct permissions *p, char *const *words, size_t count, struct err *err)
{
    int8_t caller, service;

    if (count < 3)
        return err_set(err, ERR_INVALID, "permissions.call",
                       "a row is \"call <caller> <service> [method…]\"");
    TRY(name_of(p, words[1], true, &caller, err));
    TRY(name_of(p, words[2], true, &service, err));
    if (count == 3 && caller == ANY && service == ANY)
        return err_set(err, ERR_INVALID, "permissions.call",
                       "\"call * *\" without a method would close nothing");
    if (count == 3)
        grant(p, caller, service);
    for (size_t i = 3; i < count; i++)
        TRY(add_method(p, caller, service, words[i], err));
    return ERR_OK;
}

static err_t
add_row(struct permissions *p, char *line, struct err *err)
{
    char *words[WORDS_MAX], *rest = NULL;
    size_t count = 0;

    for (char *word = strtok_r(line, " \t\r", &rest); word; word = strtok_r(NULL, " \t\r", &rest)) {
        if (count < WORDS_MAX)
            words[count++] = word;
        else if (words[0][0] != '#')
            return err_set(err, ERR_INVALID, "permissions.row", "more than %d words", WORDS_MAX);
    }
    if (count == 0 || words[0][0] == '#') /* a whole line only: Z85 has '#' among its characters */
        return ERR_OK;
    if (strcmp(words[0], "key") == 0)
        return add_key(p, words, count, err);
    if (strcmp(words[0], "peer") == 0)
        return add_peer(p, words, count, err);
    if (strcmp(words[0], "call") == 0)
        return add_call(p, words, count, err);
    return err_set(err, ERR_INVALID, "permissions.row",
                   "a row begins with \"key\", \"peer\" or \"call\", not \"%.20s\"", words[0]);
}

err_t
permissions_parse(const char *text, struct permissions **permissions, struct err *err)
{
    OWNED(permissions_destroy) struct permissions *p = calloc(1, sizeof *p);
    int line_number = 0;

    if (!p)
        return err_set(err, ERR_INTERNAL, "bus.no_memory", "memory is out");
    for (const char *at = text; *at;) {
        const size_t size = strcspn(at, "\n");
        struct err fault;
        char *line = strndup(at, size);

        line_number++;
        const err_t code = line ? add_row(p, line, &fault)
                                : err_set(&fault, ERR_INTERNAL, "bus.no_memory", "memory is out");
        free(line);
        if (code != ERR_OK)
            return err_set(err, code, fault.reason, "line %d: %s", line_number, fault.text);
        at += size + (at[size] == '\n');
    }
    *permissions = TAKE(p);
    return ERR_OK;
}

static void
free_text(char **text)
{
    free(*text);
}

err_t
permissions_load(const char *path, struct permissions **permissions, struct err *err)
{
    CLEANUP(free_text) char *text = malloc(FILE_BYTES_MAX + 1);
    FILE *file = fopen(path, "re");

    if (!file || !text) {
        const int fault = errno;
        if (file)
            (void) fclose(file);
        return err_set(err, ERR_INVALID, "permissions.unreadable", "cannot read \"%s\": %s", path,
                       strerror(fault));
    }
    const size_t size = fread(text, 1, FILE_BYTES_MAX, file);
    const bool whole = feof(file) && !ferror(file);
    (void) fclose(file);
    if (!whole || memchr(text, '\0', size))
        return err_set(err, ERR_INVALID, "permissions.unreadable",
                       "\"%s\" is no text of at most %d bytes", path, FILE_BYTES_MAX);
    text[size] = '\0';
    return permissions_parse(text, permissions, err);
}

void
permissions_destroy(struct permissions *permissions)
{
    free(permissions);
}

static int
find_key(const struct permissions *p, const char *z85)
{
    for (size_t i = 0; i < p->key_count; i++) {
        if (strcmp(p->keys[i].z85, z85) == 0)
            return p->keys[i].name;
    }
    return UNKNOWN;
}

bool
permissions_user_of_key(const struct permissions *permissions, const char *z85,
                        char user[static PERMISSIONS_USER_BYTES])
{
    const int name = find_key(permissions, z85);

    if (name == UNKNOWN)
        return false;
    (void) snprintf(user, PERMISSIONS_USER_BYTES, "k/%s/%s", z85, permissions->names[name]);
    return true;
}

static bool
uid_may_be(const struct permissions *p, uint32_t uid, const char *name)
{
    for (size_t i = 0; i < p->peer_count; i++) {
        if (p->peers[i].uid == uid && strcmp(p->names[p->peers[i].name], name) == 0)
            return true;
    }
    return false;
}

bool
permissions_user_of_uid(const struct permissions *permissions, uint32_t uid, const char *name,
                        char user[static PERMISSIONS_USER_BYTES])
{
    if (!mdp_name_is_valid(name, strlen(name)) || !uid_may_be(permissions, uid, name))
        return false;
    (void) snprintf(user, PERMISSIONS_USER_BYTES, "u/%" PRIu32 "/%s", uid, name);
    return true;
}

/* Z85 has '/' among its characters, names have not: the name lies behind the last one. */
bool
permissions_know_user(const struct permissions *permissions, const char *user, const char **name)
{
    const char *slash = strrchr(user, '/');
    char proof[48];

    if (!slash || slash - user < 3 || slash - user - 2 >= (ptrdiff_t) sizeof proof)
        return false;
    const size_t size = (size_t) (slash - user - 2);
    memcpy(proof, user + 2, size);
    proof[size] = '\0';
    *name = slash + 1;
    if (user[0] == 'k') {
        const int known = find_key(permissions, proof);
        return known != UNKNOWN && strcmp(permissions->names[known], *name) == 0;
    }
    uint32_t uid;
    return user[0] == 'u' && uid_of(proof, &uid) && uid_may_be(permissions, uid, *name);
}

bool
permissions_may_call(const struct permissions *permissions, const char *caller,
                     struct mdp_text service, struct mdp_text method)
{
    const struct permissions *p = permissions;
    const int from = find(p, caller, strlen(caller));
    const int to = find(p, service.at, service.size);

    if (from == UNKNOWN || to == UNKNOWN)
        return false;
    if ((p->granted[from] | p->granted_to_all) & (UINT64_C(1) << to) || p->all_granted[from])
        return true;
    for (size_t i = 0; i < p->method_count; i++) {
        const struct method_row *row = &p->methods[i];
        if ((row->caller == ANY || row->caller == from) &&
            (row->service == ANY || row->service == to) &&
            (row->prefix ? method.size >= row->size : method.size == row->size) &&
            memcmp(method.at, row->text, row->size) == 0)
            return true;
    }
    return false;
}
