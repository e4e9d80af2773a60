/* audit.h - the nouns of the audit service, its settings and the reasons of its refusals. */
#ifndef HUZHU_AUDIT_H
#define HUZHU_AUDIT_H

#include "crypto/crypto.h"
#include "merkle/merkle.h"
#include "svc/svc.h"

struct audit_conf {
#define CONF(kind, name, ...) CONF_MEMBER_##kind name;
#include "conf.def"
#undef CONF
};

#define REASON(symbol, wire, says, zh) static const char symbol[] __attribute__((unused)) = wire;
#include "reasons.def"
#undef REASON

#define PAGE_ROWS_MAX 500
#define PAGE_ROWS 50
/* A refusal's texts are the broker's own or a stranger's; the broker cuts them at this. */
#define REFUSAL_TEXT_BYTES_MAX 255
/* An answer of the bus holds 2 MiB; records of a page add up to no more than this. */
#define PAGE_BYTES_MAX ((size_t) 1024 * 1024)

struct record {
    int64_t seq;
    struct id event;
    const char *source, *topic, *traceparent;
    instant_t at;
    const void *body;
    size_t body_size;
    merkle_hash_t leaf;
};

struct head {
    int64_t size;
    merkle_hash_t root;
    instant_t at;
    char key_id[KEY_ID_BYTES];
    uint8_t signature[SIGNATURE_BYTES];
};

#endif
