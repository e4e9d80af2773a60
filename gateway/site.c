/* site.c - reads the pages at start; a request only finds what was read. */
#include "site.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "crypto/crypto.h"
#include "respond.h"

enum { SLOTS = 4 * SITE_FILES_MAX, DEPTH_MAX = 8 };

struct site {
    int references; /* atomic */
    size_t count, bytes;
    struct site_file *files[SITE_FILES_MAX];
    uint16_t slots[SLOTS]; /* hash of the path -> index + 1 */
};

static const struct {
    const char *suffix, *type;
} types[] = {
    { ".html", "text/html; charset=utf-8" },
    { ".css", "text/css; charset=utf-8" },
    { ".js", "text/javascript; charset=utf-8" },
    { ".json", "application/json" },
    { ".svg", "image/svg+xml" },
    { ".png", "image/png" },
    { ".jpg", "image/jpeg" },
    { ".ico", "image/x-icon" },
    { ".webp", "image/webp" },
    { ".woff2", "font/woff2" },
    { ".txt", "text/plain; charset=utf-8" },
    { ".pdf", "application/pdf" },
    { ".wasm", "application/wasm" },
    { ".webmanifest", "application/manifest+json" },
};

static bool
ends_with(const char *text, const char *suffix)
{
    const size_t a = strlen(text), b = strlen(suffix);

    return a >= b && strcmp(text + a - b, suffix) == 0;
}

static const char *
type_of(const char *path)
{
    for (size_t i = 0; i < COUNT(types); i++)
        if (ends_with(path, types[i].suffix))
            return types[i].type;
    return "application/octet-stream";
}

static uint32_t
path_hash(const char *path, size_t size)
{
    uint32_t hash = 2166136261u; /* of a fixed set of names: collisions gain nobody anything */

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char) path[i]) * 16777619u;
    return hash ^ hash >> 15;
}

const struct site_file *
site_find(const struct site *site, struct slice path)
{
    for (uint32_t at = path_hash(path.bytes, path.size);; at++) {
        const uint16_t slot = site->slots[at % SLOTS];
        if (slot == 0)
            return NULL;
        const struct site_file *file = site->files[slot - 1];
        if (slice_is(path, file->path))
            return file;
    }
}

static err_t
file_of(struct site *site, const char *path, struct site_file **file, struct err *err)
{
    *file = (struct site_file *) (uintptr_t) site_find(site, (struct slice){ path, strlen(path) });
    if (*file)
        return ERR_OK;
    if (site->count == SITE_FILES_MAX)
        return err_set(err, ERR_INVALID, "site.too_many", "more than %d static files",
                       SITE_FILES_MAX);
    struct site_file *fresh = calloc(1, sizeof *fresh);
    if (fresh)
        fresh->path = strdup(path);
    if (!fresh || !fresh->path) {
        free(fresh);
        return err_set(err, ERR_INTERNAL, "memory.out", "no memory for static files");
    }
    site->files[site->count++] = fresh;
    uint32_t at = path_hash(path, strlen(path));
    while (site->slots[at % SLOTS])
        at++;
    site->slots[at % SLOTS] = (uint16_t) site->count;
    *file = fresh;
    return ERR_OK;
}

static err_t
form_add(struct site *site, const char *path, enum encoding encoding, const char *type,
         struct text *body, struct err *err)
{
    static const char *const names[] = { NULL, "br", "gzip" };
    struct site_file *file;
    uint8_t hash[SHA256_BYTES];

    TRY(file_of(site, path, &file, err));
    site->bytes += body->used;
    if (site->bytes > SITE_BYTES_MAX)
        return err_set(err, ERR_INVALID, "site.too_large", "more than %d MiB of static files",
                       SITE_BYTES_MAX >> 20);
    sha256(body->bytes, body->used, hash);
    __typeof__(&file->forms[0]) form = &file->forms[encoding];
    text_free(&form->body);
    text_free(&form->head);
    (void) snprintf(form->etag, sizeof form->etag, "\"%02x%02x%02x%02x%02x%02x%02x%02x-%d\"",
                    hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7],
                    encoding);
    form->body = *body;
    *body = (struct text){ 0 };
    form->there = true;
    struct text *head = &form->head;
    text_printf(head, "Content-Type: %s\r\n", type);
    if (names[encoding])
        text_printf(head, "Content-Encoding: %s\r\n", names[encoding]);
    text_printf(head, "ETag: %s\r\nVary: Accept-Encoding\r\nCache-Control: no-cache\r\n",
                form->etag);
    TEXT_LITERAL(head, SITE_SECURITY_HEADERS);
    text_printf(head, "Content-Length: %zu\r\n", form->body.used);
    if (head->failed)
        return err_set(err, ERR_INTERNAL, "memory.out", "no memory for static files");
    return ERR_OK;
}

static err_t
file_read(const char *name, struct text *body, struct err *err)
{
    FILE *file = fopen(name, "re");
    char piece[16384];
    size_t got;

    if (!file)
        return err_set(err, ERR_INVALID, "site.unreadable", "%s: %s", name, strerror(errno));
    while ((got = fread(piece, 1, sizeof piece, file)) > 0)
        text_add(body, piece, got);
    const bool bad = ferror(file) != 0 || body->failed;
    (void) fclose(file);
    if (bad)
        return err_set(err, ERR_INVALID, "site.unreadable", "%s could not be read whole", name);
    return ERR_OK;
}

/* The other names a page answers to. */
static err_t
aliases_add(struct site *site, const char *path, enum encoding encoding, const struct text *body,
            struct err *err)
{
    char alias[1024];
    const size_t size = strlen(path);

    if (!ends_with(path, ".html") || size >= sizeof alias)
        return ERR_OK;
    const size_t cut =
        ends_with(path, "/index.html") ? size - strlen("index.html") : size - strlen(".html");
    memcpy(alias, path, cut);
    alias[cut] = '\0';
    struct text copy = { 0 };
    text_add(&copy, body->bytes, body->used);
    if (copy.failed)
        return err_set(err, ERR_INTERNAL, "memory.out", "no memory for static files");
    const err_t code = form_add(site, alias, encoding, type_of(path), &copy, err);
    text_free(&copy);
    return code;
}

static err_t
file_add(struct site *site, const char *name, const char *path, struct err *err)
{
    struct text body = { .limit = SITE_BYTES_MAX };
    enum encoding encoding = ENCODING_NONE;
    char plain[1024];

    if (strlen(path) >= sizeof plain)
        return err_set(err, ERR_INVALID, "site.name", "%s: the name is too long", name);
    (void) snprintf(plain, sizeof plain, "%s", path);
    if (ends_with(plain, ".br")) {
        encoding = ENCODING_BR;
        plain[strlen(plain) - 3] = '\0';
    } else if (ends_with(plain, ".gz")) {
        encoding = ENCODING_GZIP;
        plain[strlen(plain) - 3] = '\0';
    }
    err_t code = file_read(name, &body, err);
    if (code == ERR_OK)
        code = aliases_add(site, plain, encoding, &body, err);
    if (code == ERR_OK)
        code = form_add(site, plain, encoding, type_of(plain), &body, err);
    text_free(&body);
    return code;
}

static err_t
folder_add(struct site *site, const char *folder, const char *path, int depth, struct err *err)
{
    DIR *dir = opendir(folder);
    err_t code = ERR_OK;

    if (!dir)
        return err_set(err, ERR_INVALID, "site.unreadable", "%s: %s", folder, strerror(errno));
    for (struct dirent *entry; code == ERR_OK && (entry = readdir(dir)) != NULL;) {
        char name[4096], below[1024];
        struct stat what;
        if (entry->d_name[0] == '.')
            continue;
        if (snprintf(name, sizeof name, "%s/%s", folder, entry->d_name) >= (int) sizeof name ||
            snprintf(below, sizeof below, "%s/%s", path, entry->d_name) >= (int) sizeof below)
            code = err_set(err, ERR_INVALID, "site.name", "%s: a name is too long", folder);
        else if (stat(name, &what) != 0)
            code = err_set(err, ERR_INVALID, "site.unreadable", "%s: %s", name, strerror(errno));
        else if (S_ISDIR(what.st_mode) && depth < DEPTH_MAX)
            code = folder_add(site, name, below, depth + 1, err);
        else if (S_ISREG(what.st_mode))
            code = file_add(site, name, below, err);
    }
    (void) closedir(dir);
    return code;
}

err_t
site_load(const char *root, struct site **site, struct err *err)
{
    OWNED(site_unref) struct site *fresh = calloc(1, sizeof *fresh);

    if (!fresh)
        return err_set(err, ERR_INTERNAL, "memory.out", "no memory for static files");
    fresh->references = 1;
    if (root[0])
        TRY(folder_add(fresh, root, "", 0, err));
    for (size_t i = 0; i < fresh->count; i++)
        if (!fresh->files[i]->forms[ENCODING_NONE].there)
            return err_set(err, ERR_INVALID, "site.name", "%s is there in compressed form alone",
                           fresh->files[i]->path);
    *site = TAKE(fresh);
    return ERR_OK;
}

err_t
site_add(struct site *site, const char *path, const char *type, const char *bytes, size_t size,
         struct err *err)
{
    struct text body = { 0 };

    text_add(&body, bytes, size);
    if (body.failed)
        return err_set(err, ERR_INTERNAL, "memory.out", "no memory for static files");
    const err_t code = form_add(site, path, ENCODING_NONE, type, &body, err);
    text_free(&body);
    return code;
}

struct site *
site_ref(struct site *site)
{
    (void) __atomic_add_fetch(&site->references, 1, __ATOMIC_RELAXED);
    return site;
}

void
site_unref(struct site *site)
{
    if (!site || __atomic_sub_fetch(&site->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (size_t i = 0; i < site->count; i++) {
        for (int e = 0; e < ENCODING_COUNT; e++) {
            text_free(&site->files[i]->forms[e].body);
            text_free(&site->files[i]->forms[e].head);
        }
        free(site->files[i]->path);
        free(site->files[i]);
    }
    free(site);
}

size_t
site_count(const struct site *site)
{
    return site->count;
}

/* A list item's weight in thousandths: 1000 when none is given. */
static int
weight_of(struct slice item)
{
    (void) slice_cut(&item, ';');
    item = slice_trim(item);
    if (!slice_starts(item, "q=") || item.size < 3)
        return 1000;
    int value = 0, unit = 100;
    if (item.bytes[2] == '1')
        return 1000;
    for (size_t i = 4; i < item.size && unit > 0; i++, unit /= 10)
        if (item.bytes[i] >= '0' && item.bytes[i] <= '9')
            value += (item.bytes[i] - '0') * unit;
    return value;
}

enum encoding
site_form(const struct site_file *file, struct slice accept)
{
    bool takes[ENCODING_COUNT] = { true };

    while (accept.size > 0) {
        const struct slice item = slice_cut(&accept, ',');
        struct slice name = item;
        name = slice_trim(slice_cut(&name, ';'));
        if (slice_is_nocase(name, "br"))
            takes[ENCODING_BR] = weight_of(item) > 0;
        else if (slice_is_nocase(name, "gzip"))
            takes[ENCODING_GZIP] = weight_of(item) > 0;
    }
    if (takes[ENCODING_BR] && file->forms[ENCODING_BR].there)
        return ENCODING_BR;
    if (takes[ENCODING_GZIP] && file->forms[ENCODING_GZIP].there)
        return ENCODING_GZIP;
    return ENCODING_NONE;
}

bool
etag_matches(struct slice if_none_match, const char *etag)
{
    while (if_none_match.size > 0) {
        struct slice item = slice_trim(slice_cut(&if_none_match, ','));
        if (slice_is(item, "*"))
            return true;
        if (slice_starts(item, "W/"))
            item = (struct slice){ item.bytes + 2, item.size - 2 };
        if (slice_is(item, etag))
            return true;
    }
    return false;
}
