/* disclosure.h - the nouns of the disclosure service, its settings and the reasons of its refusals.
 */
#ifndef HUZHU_DISCLOSURE_H
#define HUZHU_DISCLOSURE_H

#include "svc/svc.h"

struct disclosure_conf {
#define CONF(kind, name, ...) CONF_MEMBER_##kind name;
#include "conf.def"
#undef CONF
};

#define REASON(symbol, wire, says, zh) static const char symbol[] __attribute__((unused)) = wire;
#include "reasons.def"
#undef REASON

enum {
    LIST_DEFAULT = 50,
    LIST_MAX = 200,
    SHEET_COLUMNS_MAX = 10,
    PUBLISH_DAYS_DEFAULT = 30,
    REPORT_ALERT_DAY = 20,
    COMPLAINT_TEXT_MAX = 2000,
    COMPLAINT_CONTACT_MAX = 100,
    COMPLAINT_CODE_CHARS = 10,
    COMPLAINT_TRIES_MAX = 5,
    COMPLAINT_EXTENSION_MAX = 15,
    NOTE_CHARS_MAX = 200,
};

/* Huzhu.disclosure.v1.Publication.Kind. */
enum kind {
    KIND_SUBSIDY_TABLE = 1,
    KIND_CONTRIBUTIONS,
    KIND_PAYOUTS,
    KIND_FUND_STATEMENT,
    KIND_ANNUAL_REPORT,
    KIND_DISPOSAL,
    KIND_COMPLAINT_FIGURES,
    KIND_COUNT,
};

enum publication_state {
    PUBLICATION_UNSAID,
    PUBLICATION_DRAFT,
    PUBLICATION_PUBLISHED,
    PUBLICATION_REPLACED,
    PUBLICATION_TAKEN_DOWN,
};

struct publication {
    struct id id, programme, village; /* village nil: the whole township */
    enum kind kind;
    const char *period;
    int version;
    enum publication_state state;
    const char *title, *columns; /* columns tab-separated */
    int64_t lines;
    bool has_total;
    money_t total;
    uint8_t root[32], page_sha256[32];
    const char *sensitive_by;
    struct id prepared_by; /* nil: the duty */
    instant_t prepared_at;
    struct id approved_by;
    instant_t published_at; /* 0: not yet */
    date_t take_down_on;    /* 0: it stays */
    instant_t taken_down_at;
    const char *reason;
};

/* A page before it is HTML: what stands in it, line by line. */
struct sheet {
    const char *title;
    const char *columns[SHEET_COLUMNS_MAX];
    bool is_number[SHEET_COLUMNS_MAX];
    size_t column_count;
    const char **lines; /* cells, tab-separated, without number */
    size_t line_count, line_room;
    const char *notes[8];
    size_t note_count;
    bool has_total;
    money_t total;
    const char *total_text; /* as the page says it */
    int64_t people;
    const char *sensitive_by;
    const char *extra_html; /* the annual report's own body */
};

struct report {
    struct id id, programme;
    int year;
    bool is_signed;
    const uint8_t *figures;
    size_t figures_size;
    uint8_t sha256[32];
    struct id prepared_by, signed_by;
    instant_t prepared_at, signed_at;
    date_t due_on;
};

struct notice {
    struct id id, claim, person;
    const char *kind, *detail;
    instant_t at, read_at;
};

enum complaint_state {
    COMPLAINT_NONE,
    COMPLAINT_FILED,
    COMPLAINT_ACCEPTED,
    COMPLAINT_ANSWERED,
    COMPLAINT_TRANSFERRED
};

struct complaint {
    struct id id;
    const char *number;
    enum complaint_state state;
    int category, severity, channel;
    struct id village, claim, publication, about, person, account, owner;
    date_t received_on, accept_by, reply_by;
    bool provisional, extended;
    int outcome;
    const char *text, *contact, *answer; /* opened for handlers alone */
    instant_t filed_at;
};

#endif
