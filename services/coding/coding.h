/* coding.h - the nouns of the coding service, its settings and the reasons of its refusals. */
#ifndef HUZHU_CODING_H
#define HUZHU_CODING_H

#include "drg.h"
#include "svc/svc.h"

/* A stay of more codes, or longer ones, is no stay: the national front page holds 41 diagnoses and
 * 41 procedures, and the longest published code has 17 characters. */
#define STAY_CODES_MAX 64
#define STAY_CODE_BYTES_MAX 40
#define STAY_NUMBER_MAX 1000000
#define YEAR_LOWEST 2000
#define YEAR_HIGHEST 2100

struct coding_conf {
#define CONF(kind, name, ...) CONF_MEMBER_##kind name;
#include "conf.def"
#undef CONF
};

/* c->state of this service: the schemes of the folder, opened at start and shared by all threads.
 */
#define SCHEMES_MAX 256
struct schemes {
    size_t count;
    struct drg_scheme *open[SCHEMES_MAX];
};

struct year_scheme {
    int32_t year;
    const char *id, *name, *version, *checksum;
    instant_t named_at;
    struct id named_by;
    int64_t revision; /* its ETag: how often it was named */
};

/* A stay as the grouper wants it, with room for its codes. */
struct stay {
    struct drg_stay drg;
    struct drg_text dx[STAY_CODES_MAX], op[STAY_CODES_MAX];
};

#define REASON(symbol, wire, says, zh) static const char symbol[] __attribute__((unused)) = wire;
#include "reasons.def"
#undef REASON

#endif
