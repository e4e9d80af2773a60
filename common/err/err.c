/* err.c - the tables that err.def expands into. */
#include "err/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#undef err_set /* what the analyzer is told stands in for the bodies below */
#undef err_at

static const struct {
    const char *name;
    int http_status;
    bool retryable;
    const char *says;
} errors[ERR_COUNT] = {
    [ERR_OK] = { "OK", 200, false, "done" },
#define ERR(code, http, retry, says) [ERR_##code] = { #code, (http), (retry), (says) },
#include "err/err.def"
#undef ERR
};

static void PRINTF(5, 0) fill(struct err *err, err_t code, const char *path, const char *reason,
                              const char *fmt, va_list ap)
{
    assert(code > ERR_OK && code < ERR_COUNT);

    err->code = code;
    (void) snprintf(err->reason, sizeof err->reason, "%s", reason);
    (void) snprintf(err->path, sizeof err->path, "%s", path);
    (void) vsnprintf(err->text, sizeof err->text, fmt, ap);
}

err_t
err_set(struct err *err, err_t code, const char *reason, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fill(err, code, "", reason, fmt, ap);
    va_end(ap);
    return code;
}

err_t
err_at(struct err *err, err_t code, const char *path, const char *reason, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fill(err, code, path, reason, fmt, ap);
    va_end(ap);
    return code;
}

const char *
err_name(err_t code)
{
    return errors[code].name;
}

bool
err_from_name(const char *name, err_t *code)
{
    for (int i = 0; i < ERR_COUNT; i++) {
        if (strcmp(errors[i].name, name) == 0) {
            *code = (err_t) i;
            return true;
        }
    }
    return false;
}

const char *
err_says(err_t code)
{
    return errors[code].says;
}

int
err_http_status(err_t code)
{
    return errors[code].http_status;
}

bool
err_is_retryable(err_t code)
{
    return errors[code].retryable;
}
