/* claims.h - the nouns of the claims service, its settings and the reasons of its refusals. */
#ifndef HUZHU_CLAIMS_H
#define HUZHU_CLAIMS_H

#include "svc/svc.h"

#define UPLOAD_BYTES_MAX (INT64_C(20) * 1024 * 1024)
#define PIECE_BYTES_MAX ((size_t) 256 * 1024)
/* Bounds the number of pieces to 5120; the gateway sends 80. */
#define PIECE_BYTES_MIN ((size_t) 4 * 1024)

struct upload {
    struct id id;
    struct id account; /* who sends it */
    int64_t size;
    const char *content_type; /* the arena's, or fixed */
    bool finished;
    uint8_t sha256[32]; /* when finished */
    instant_t started_at;
};

/* A part of an upload as it is sent. */
struct piece {
    int64_t start;
    const uint8_t *bytes; /* the request's or the arena's */
    size_t size;
    bool last;
};

struct claims_conf {
#define CONF(kind, name, ...) CONF_MEMBER_##kind name;
#include "conf.def"
#undef CONF
};

#define REASON(symbol, wire, says, zh) static const char symbol[] __attribute__((unused)) = wire;
#include "reasons.def"
#undef REASON

#endif
