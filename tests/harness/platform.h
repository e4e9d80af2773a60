/* platform.h - a whole platform for a test: its own folder, port and database, through the same `hz
 * up` that an operator types; and people who speak HTTPS to it.
 *
 * Verbs fail the running test themselves when they cannot do what they say.  One thread each: a
 * browser belongs to the thread that made it, the verbs of a platform may be called from any. */
#ifndef HUZHU_PLATFORM_H
#define HUZHU_PLATFORM_H

#include <jansson.h>

#include "base/base.h"

#define PLATFORM_PATH_BYTES 160

struct platform {
    char root[64];                  /* the temporary folder */
    char data[PLATFORM_PATH_BYTES]; /* the instance's */
    char url[64];                   /* https://localhost:PORT */
    char connect_to[64];            /* libcurl's "::ADDRESS:PORT" where the gateway is elsewhere */
    int port;
    int deaths_allowed; /* how often the test itself killed a process */
    int64_t up_ms;      /* how long `hz up` took */
};

/* brokers 0: the default number; settings: NULL, or lines "KIND NAME=VALUE" (`hz` has settings/).
 */
struct platform *platform_up(int brokers, const char *settings);
/* The same as a rehearsal, whose business time `hz clock` moves. */
struct platform *platform_rehearsal(int brokers, const char *settings);
/* The one that `hz demo` made, at the end of its year; further: "--people 1500". */
struct platform *platform_demo(const char *further);
/* Stops it and fails when something died unasked, a sanitizer spoke or an invariant is broken. */
void platform_down(struct platform *p);

/* --- an operator's hands --- */
void restarts(const struct platform *p, const char *process); /* SIGTERM, drain, start */
void stops(const struct platform *p, const char *process);
void starts(const struct platform *p, const char *process);
void kills(struct platform *p, const char *process); /* SIGKILL; the supervisor brings it back */
int pid_of(const struct platform *p, const char *process); /* 0: it is not up */
bool is_ready(const struct platform *p);                   /* /readyz says 200 */
/* deploy/hz --data ... WORDS; gives back its standard output, to be freed; *status may be NULL. */
char *hz(const struct platform *p, int *status, const char *words);
/* The single value of a query, as the database's superuser, who sees all tenants. */
int64_t counts(const struct platform *p, const char *sql);
/* tests/invariants' queries return no row. */
void invariants_hold(const struct platform *p);

/* --- people --- */
struct browser;
struct browser *browser_create(const struct platform *p);
void browser_destroy(struct browser *b);
DEFINE_OWNED(struct browser, browser_destroy)

struct answer {
    int status;   /* 0: no answer at all; `failure` says why */
    json_t *json; /* the body, when it is JSON; else NULL */
    char *body;
    size_t size;
    char code[24], reason[48], path[96]; /* of a problem */
    char etag[64], trace[40], content_type[64];
    char failure[128];
    int64_t us; /* from sending to the last byte */
};
void answer_free(struct answer *answer);

struct ask {
    const char *verb, *path;
    json_t *json;             /* stolen; NULL: no body */
    const char *body;         /* raw, instead of json */
    size_t body_size;         /* 0: strlen(body) */
    const char *content_type; /* NULL: application/json when there is a body */
    const char *idempotency;  /* NULL: a fresh one for every verb but GET; "": none */
    const char *if_match;
    const char *csrf;           /* NULL: the session's; "": none */
    const char *cookie;         /* NULL: the session's; "": none */
    const char *const *headers; /* NULL-ended, further ones */
    int timeout_ms;             /* 0: 30 s */
};
struct answer asks(struct browser *b, struct ask ask);
struct answer gets(struct browser *b, const char *path);
/* json_pack()'s format and arguments make the body. */
struct answer posts(struct browser *b, const char *path, const char *format, ...);
/* The same, and fails unless the status is this one; the JSON lives until the next such call. */
json_t *must_post(struct browser *b, int status, const char *path, const char *format, ...);
json_t *must_get(struct browser *b, int status, const char *path);

/* Keeps the cookie and the CSRF token.  Fails unless it is let in. */
void signs_in(struct browser *b, const char *login, const char *password);
const char *browser_cookie(const struct browser *b);

/* A UUIDv7 in text, as a client mints it; one of eight buffers of the thread. */
const char *mints(void);

/* --- a world --- */

/* The platform's three administrators have changed their first passwords and signed in. */
enum administrator { SYSTEM, SECURITY, AUDIT, ADMINISTRATORS };
struct administration {
    struct browser *who[ADMINISTRATORS];
};
#define TEST_PASSWORD "Correct-horse-7-battery"
void administration_open(const struct platform *p, struct administration *a);
/* The three of a new township and tenant "CODE" (name@CODE), made by the platform's. */
struct township {
    char code[33], tenant_id[37], organisation_id[37], village_id[37];
    struct administration administration;
};
void township_open(const struct platform *p, struct administration *platform, const char *code,
                   struct township *t);
void administration_close(struct administration *a);
/* An account with one role, its first password changed, signed in. */
struct browser *a_person(const struct platform *p, struct township *t, const char *name,
                         const char *role);

/* --- no browser at all: bytes over TLS --- */

/* Sends size bytes and reads until the peer closes or timeout_ms pass; returns the bytes read. */
size_t raw_tls(const struct platform *p, const void *bytes, size_t size, char *out, size_t room,
               int timeout_ms);

#endif
