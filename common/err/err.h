/* err.h - one list of error codes, from which the enum, the HTTP map and the docs are made.
 *
 * code    the class of what happened, for machines (err.def)
 * reason  which rule: stable text such as "claim.window_closed" (a reasons.def row)
 * path    where in the request: a JSON path such as "$.household.members[2].idNumber", or ""
 * text    one lower-case sentence for an operator, with the numbers; never personal data */
#ifndef HUZHU_ERR_H
#define HUZHU_ERR_H

#include "base/base.h"

typedef enum err_code {
    ERR_OK = 0,
#define ERR(code, http, retry, says) ERR_##code,
#include "err/err.def"
#undef ERR
    ERR_COUNT,
} err_t;

struct err {
    err_t code;
    char reason[48];
    char path[96];
    char text[192];
};

/* Fills *err (clearing its path) and returns code, so that a failing path is one statement. */
err_t err_set(struct err *err, err_t code, const char *reason, const char *fmt, ...) PRINTF(4, 5);

/* The same with the JSON path of the fault. */
err_t err_at(struct err *err, err_t code, const char *path, const char *reason, const char *fmt,
             ...) PRINTF(5, 6);

#ifdef __clang_analyzer__
/* The analyzer sees no body of these: what they return is `code`, which is never ERR_OK. */
static inline err_t
err_told(err_t code)
{
    if (code == ERR_OK)
        __builtin_unreachable();
    return code;
}
#define err_set(err, code, ...) (err_set((err), (code), __VA_ARGS__), err_told(code))
#define err_at(err, code, ...) (err_at((err), (code), __VA_ARGS__), err_told(code))
#endif

const char *err_name(err_t code);          /* "REFUSED" */
bool err_from_name(const char *, err_t *); /* false: no such code */
const char *err_says(err_t code);          /* what it tells the caller */
int err_http_status(err_t code);
bool err_is_retryable(err_t code);

/* Leaves the function with the callee's error.  Everything owned here is freed by its OWNED(). */
#define TRY(expr)                                                                                  \
    do {                                                                                           \
        const err_t try_code_ = (expr);                                                            \
        if (try_code_ != ERR_OK)                                                                   \
            return try_code_;                                                                      \
    } while (0)

#endif
