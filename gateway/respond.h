/* respond.h - answers: heads that carry the house's security headers, and problems (RFC 9457). */
#ifndef HUZHU_GATEWAY_RESPOND_H
#define HUZHU_GATEWAY_RESPOND_H

#include "err/err.h"
#include "http.h"
#include "text.h"

struct conn;

/* HTTPS for a year; no frame, no sniffing, no referrer to others, no device a page never needs. */
#define COMMON_SECURITY_HEADERS                                                                    \
    "Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n"                           \
    "X-Content-Type-Options: nosniff\r\n"                                                          \
    "Referrer-Policy: no-referrer\r\n"                                                             \
    "Cross-Origin-Opener-Policy: same-origin\r\n"                                                  \
    "Cross-Origin-Resource-Policy: same-origin\r\n"
#define SITE_SECURITY_HEADERS                                                                      \
    COMMON_SECURITY_HEADERS                                                                        \
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "           \
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; "             \
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'\r\n"                              \
    "Permissions-Policy: camera=(self), geolocation=(), microphone=(), payment=(), usb=()\r\n"
#define API_POLICY_HEADERS                                                                         \
    COMMON_SECURITY_HEADERS                                                                        \
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
#define API_SECURITY_HEADERS API_POLICY_HEADERS "Cache-Control: no-store\r\n"
/* A page that a service wrote: no script at all, our style sheets, forms that ask us. */
#define PAGE_POLICY_HEADERS                                                                        \
    COMMON_SECURITY_HEADERS                                                                        \
    "Content-Security-Policy: default-src 'none'; style-src 'self'; img-src 'self' data:; "        \
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'\r\n"                              \
    "Permissions-Policy: camera=(), geolocation=(), microphone=(), payment=(), usb=()\r\n"

/* Status line and Date, into the loop's own buffer: add header lines to it, then end the answer.
 * Nothing else may be answered in between. */
struct text *respond_begin(struct conn *conn, int status);
/* Ends the head with Content-Length and sends head and body in one write.  The request is answered.
 */
void respond_end(struct conn *conn, struct slice body);
/* The same for a large body, which is not copied into the head.  owner: the text it lies in,
 * counted in body_bytes, becomes the connection's; NULL: it dies with this call, what cannot go out
 * now is copied. */
void respond_end_large(struct conn *conn, struct slice body, struct text *owner);
/* Cache-Control of a success: what is public may be kept for a minute, all else never. */
void respond_caching(const struct conn *conn, struct text *head);
/* Type and security headers of the API in between: a whole answer. */
void respond_json(struct conn *conn, int status, struct slice body);

/* A problem of the gateway's own (problems.def says status and words). */
void respond_problem(struct conn *conn, const char *reason);
/* The same, and the connection ends: what follows on it cannot be trusted or is not wanted. */
void respond_problem_and_close(struct conn *conn, int status, const char *reason);
/* What a service or the transcoder said.  An internal error keeps its cause to itself. */
void respond_error(struct conn *conn, const struct err *err);
/* The same with the service's own words for it, in the language of the request; "" when it has
 * none. */
void respond_refusal(struct conn *conn, const struct err *err, const char *title);
/* A service's answer that is none: logged, and an internal error for the client. */
void respond_internal(struct conn *conn, const char *what);
void respond_method(struct conn *conn, uint32_t allow);
void respond_limited(struct conn *conn, int64_t wait_s);

/* "zh-CN" (the default) or "en", as the request's Accept-Language weighs them. */
const char *respond_language(const struct http *http);

/* The body of a problem, for tests and openapi.json. */
struct problem {
    int status;
    const char *code, *reason, *path, *title, *detail, *trace;
    const char *zh, *en; /* for the page that a browser gets; English behind Chinese */
};
void problem_write(const struct problem *problem, struct text *out);

#endif
