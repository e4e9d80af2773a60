/* drg.h - the grouper: a compiled scheme (.hzs) in, the group of a stay out.
 *
 * Shapes   struct drg_scheme is an open scheme; struct drg_stay is one stay with its codes as text;
 *          struct drg_result is where it went.  FORMAT.md says what a scheme means.
 * Units    age in completed years, days in days, weight in grams, los in days, icu in hours.
 * Limits   none on the number of diagnoses and procedures.  A scheme file is at most 512 MiB.
 * Errors   a stay never fails: what is wrong with it is its status and reason.  Opening a scheme
 * can fail: ERR_NOT_FOUND (no such file), ERR_INVALID (not a scheme, or damaged). Ownership  a
 * scheme is read-only and may be shared by threads.  The texts that a result points to belong to
 * the scheme and die with drg_scheme_close().
 *
 * An old claim regroups with its own year's scheme: any number of schemes may be open side by side,
 * and each result names the one that gave it. */
#ifndef HUZHU_DRG_H
#define HUZHU_DRG_H

#include <jansson.h>
#include <stdio.h>

#include "base/base.h"
#include "err/err.h"

struct drg_scheme;

struct drg_identity {
    const char *id;   /* "chs_drg_11" */
    const char *name; /* "CHS-DRG 1.1" */
    const char
        *version; /* scheme.json's version, else its year, else the checksum's first 12 digits */
    const char *checksum; /* SHA-256 of the pack it was compiled from, 64 hex digits */
};

/* Maps the file and checks all of it; nothing is parsed. */
err_t drg_scheme_open(const char *path, struct drg_scheme **scheme, struct err *err) MUST_CHECK;
/* The same for an image in memory, which is copied. */
err_t drg_scheme_from_bytes(const void *bytes, size_t size, struct drg_scheme **scheme,
                            struct err *err) MUST_CHECK;
void drg_scheme_close(struct drg_scheme *scheme);
DEFINE_OWNED(struct drg_scheme, drg_scheme_close)
const struct drg_identity *drg_scheme_identity(const struct drg_scheme *scheme);

enum drg_status {
#define DRG_STATUS(symbol, wire, zh, en) DRG_##symbol,
#include "statuses.def"
#undef DRG_STATUS
    DRG_STATUS_COUNT,
};
const char *drg_status_wire(enum drg_status status); /* "check_failed" */
const char *drg_status_zh(enum drg_status status);
const char *drg_status_en(enum drg_status status);

/* A text of the caller's, not ended by NUL. */
struct drg_text {
    const char *text;
    size_t size;
};
/* A literal or a NUL-ended string as a drg_text. */
struct drg_text drg_text(const char *text);

enum drg_sex { DRG_SEX_MISSING, DRG_MALE, DRG_FEMALE };
enum {
    DRG_MISSING = -1, /* the number is not known */
    DRG_BAD = -2,     /* something stood there that is no whole number >= 0 */
    DRG_AGE_MAX = 150,
};

/* One stay.  dx[0] is the principal diagnosis, op[0] the principal procedure; an empty text keeps
 * its place and matches nothing.  A weight of 0 is a missing weight. */
struct drg_stay {
    enum drg_sex sex;
    int32_t age, days, weight, los, icu; /* or DRG_MISSING, DRG_BAD */
    struct drg_text dept, leave;
    const struct drg_text *dx, *op;
    size_t dx_count, op_count;
    bool convert; /* the codes are of the foreign code set that the scheme's maps convert from */
};
/* A stay without anything: the place to start from. */
#define DRG_STAY_INIT                                                                              \
    ((struct drg_stay){ .age = DRG_MISSING,                                                        \
                        .days = DRG_MISSING,                                                       \
                        .weight = DRG_MISSING,                                                     \
                        .los = DRG_MISSING,                                                        \
                        .icu = DRG_MISSING })

enum drg_reason {
#define DRG_REASON(symbol, wire, zh, en) DRG_WHY_##symbol,
#include "reasons.def"
#undef DRG_REASON
    DRG_REASON_COUNT,
};
const char *drg_reason_wire(enum drg_reason reason);

struct drg_result {
    enum drg_status status;
    enum drg_reason why;             /* DRG_WHY_NONE when there is nothing to say */
    const char *mdc, *adrg, *drg;    /* "" when the status has none */
    uint32_t unknown_dx, unknown_op; /* codes that the scheme does not know: they matched nothing */
    uint32_t row, refinement; /* places in adrg.tsv and drg.tsv, counted from 0; UINT32_MAX: none */
    const struct drg_identity *scheme;
    char reason[240]; /* code, Chinese, English and the unknown codes; "" when there is nothing to
                         say */
};

/* Groups one stay.  Reentrant; allocates nothing. */
void drg_group(const struct drg_scheme *scheme, const struct drg_stay *stay,
               struct drg_result *result);
/* The same for many; faster, because the look-ups of several stays wait for memory together. */
void drg_group_many(const struct drg_scheme *scheme, const struct drg_stay *stays, size_t count,
                    struct drg_result *results);

/* The result of something that is no stay at all: status bad_row, and why. */
void drg_bad_row(const struct drg_scheme *scheme, enum drg_reason why, struct drg_result *result);

/* The whole path of one stay as structured data (README.md describes its members); NULL when memory
 * is out.  The caller owns it.  It finds its answer by trying every row in order and not by the
 * grouper's shortcuts, so it is a second opinion as well: "agrees" says whether both came to the
 * same group. */
json_t *drg_explain(const struct drg_scheme *scheme, const struct drg_stay *stay) MUST_CHECK;
/* The same path as text that an organiser understands. */
enum drg_language { DRG_ZH, DRG_EN };
err_t drg_explain_text(const json_t *trace, enum drg_language language, FILE *out) MUST_CHECK;

/* Text to number as a stay wants it: "" is DRG_MISSING, anything but digits is DRG_BAD. */
int32_t drg_number(const char *text, size_t size);
/* M, 1, 男 and F, 2, 女. */
enum drg_sex drg_sex(const char *text, size_t size);

#endif
