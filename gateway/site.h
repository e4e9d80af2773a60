/* site.h - static files, read once into memory: their heads are made then, too.
 *
 * A path is a file below the root, "/" and "/a/" mean index.html in there, and "/x" means x.html.
 * FILE.br and FILE.gz beside FILE are its compressed forms.  Nothing outside the list made at start
 * can be asked for, so there is no path to escape through.  Immutable after loading and counted by
 * references: a reload makes a new one while answers still go out of the old. */
#ifndef HUZHU_GATEWAY_SITE_H
#define HUZHU_GATEWAY_SITE_H

#include "err/err.h"
#include "http.h"
#include "text.h"

enum { SITE_FILES_MAX = 4096, SITE_BYTES_MAX = 64 << 20 };

enum encoding { ENCODING_NONE, ENCODING_BR, ENCODING_GZIP, ENCODING_COUNT };

struct site_file {
    char *path;
    struct {
        struct text
            head; /* header lines, each with its line end, from Content-Type to Content-Length */
        struct text body;
        char etag[24]; /* with its quotes */
        bool there;
    } forms[ENCODING_COUNT];
};

struct site;
/* root "": no file.  Other than the files, site_add()'s entries are there. */
err_t site_load(const char *root, struct site **site, struct err *err) MUST_CHECK;
err_t site_add(struct site *site, const char *path, const char *type, const char *bytes,
               size_t size, struct err *err) MUST_CHECK;
struct site *site_ref(struct site *site);
void site_unref(struct site *site);
DEFINE_OWNED(struct site, site_unref)
size_t site_count(const struct site *site);

const struct site_file *site_find(const struct site *site, struct slice path);
/* The best form for an Accept-Encoding. */
enum encoding site_form(const struct site_file *file, struct slice accept);
/* Whether an If-None-Match names the ETag (weakly, RFC 9110 13.1.2). */
bool etag_matches(struct slice if_none_match, const char *etag);

#endif
