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

/* Who files archive items, and who looks at them alone. */
#define ARCHIVISTS (ROLE_TOWNSHIP_OFFICER | ROLE_VILLAGE_CLERK)
#define INSPECTORS (ROLE_AUDITOR | ROLE_AUDIT_ADMIN)

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

/* --- the archive --- */

enum item_kind {
#define KIND(symbol, number, ...) ITEM_##symbol = (number),
#include "archive.def"
    ITEM_KIND_COUNT
};
enum secrecy { SECRECY_PUBLIC, SECRECY_INTERNAL, SECRECY_SENSITIVE, SECRECY_HIGHLY_SENSITIVE };
enum filer { FILER_NOBODY, FILER_TOWNSHIP, FILER_VILLAGE };

#define FONDS_BYTES_MAX 40
#define NAME_BYTES_MAX 400

/* days 0 stands for "none" of ends_on and keep_until: no agreement ended in 1970. */
struct item {
    int64_t line, number, seq, version; /* seq -1: filed by hand */
    struct id id, programme, village, subject, upload, event, filed_by;
    enum item_kind kind;
    int year, keep_years;
    const char *archive_number, *fonds, *place, *title, *source, *paper_location;
    date_t dated, ends_on, keep_until;
    enum secrecy secrecy;
    uint8_t sha256[SHA256_BYTES];
    instant_t filed_at;
    bool recorded; /* its event's record is in the log; true of what was filed by hand */
};

struct programme {
    struct id id, village; /* village nil: the township's */
    int year;
    const char *name;
};

struct catalogue_check {
    char month[8];
    instant_t at;
    int64_t items, faults;
    const char *findings; /* one a line */
    uint8_t sha256[SHA256_BYTES];
};

#endif
