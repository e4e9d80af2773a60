/* disbursement.h - the nouns of the disbursement service, its settings and the reasons of its
 * refusals. */
#ifndef HUZHU_DISBURSEMENT_H
#define HUZHU_DISBURSEMENT_H

#include "svc/svc.h"

/* 5000 lines of 80 bytes make one ListApproved of 400 KiB: a township's month with room. */
enum { LIST_LINES_MAX = 5000 };
/* What one call looks at, lets pass or confirms. */
enum { LINES_AT_ONCE_MAX = 500, REFUNDS_AT_ONCE_MAX = 200, LIST_IDS_MAX = 24 };
/* 2000 rows of at most 400 bytes stay below the 1 MiB of one reply. */
enum { BATCH_LINES_MAX = 2000 };
enum { PAGE_ROWS_MAX = 500, PAGE_ROWS_DEFAULT = 50 };
enum { WORDS_CHARACTERS_MAX = 200, RECEIPT_BYTES_MAX = 64, LAYOUT_TEXT_BYTES_MAX = 8192 };
#define RESULT_BYTES_MAX ((size_t) 1024 * 1024)
/* One row of a bank file: names and banks of 255 bytes, numbers, and what quoting adds. */
enum { FILE_ROW_BYTES_MAX = 1200, FILE_HEAD_BYTES_MAX = 8192 };

/* The numbers are those of contributions.Programme.State. */
enum programme_state { PROGRAMME_IN_FORCE = 4, PROGRAMME_SETTLING = 5 };

struct programme {
    struct id id;
    const char *name, *custodian_account;
    int32_t year, state, list_day, pay_before_day;
};

/* The numbers of these enums are those of disbursement.proto. */
enum list_state {
    LIST_PREPARED = 1,
    LIST_SUBMITTED,
    LIST_APPROVED,
    LIST_RESERVED,
    LIST_REFUSED,
    LIST_PAYING,
    LIST_SETTLED,
};
enum list_event {
    LIST_ON_CHANGE,
    LIST_ON_SUBMIT,
    LIST_ON_GIVE_BACK,
    LIST_ON_APPROVE,
    LIST_ON_RESERVE,
    LIST_ON_REFUSE,
    LIST_ON_SEND,
    LIST_ON_SETTLE,
};
enum line_kind { LINE_PAYOUT = 1, LINE_REFUND };
enum line_state {
    LINE_LISTED = 1,
    LINE_CHECKED,
    LINE_RETURNED,
    LINE_RESERVED,
    LINE_BATCHED,
    LINE_SENT,
    LINE_PAID,
    LINE_FAILED,
    LINE_VOIDED,
};
enum line_event {
    LINE_ON_CHECK,
    LINE_ON_GO_BACK,
    LINE_ON_RESERVE,
    LINE_ON_BATCH,
    LINE_ON_UNBATCH,
    LINE_ON_SEND,
    LINE_ON_PAY,
    LINE_ON_FAIL,
    LINE_ON_REISSUE,
    LINE_ON_VOID,
    LINE_ON_CONFIRM,
};
enum refund_route { ROUTE_NONE, ROUTE_BANK, ROUTE_CASH, ROUTE_SOURCE };
enum batch_kind { BATCH_PAYOUTS = 1, BATCH_REFUNDS };
enum batch_state { BATCH_MADE = 1, BATCH_SENT, BATCH_ANSWERED, BATCH_CANCELLED };
enum batch_event { BATCH_ON_SEND, BATCH_ON_CANCEL, BATCH_ON_ANSWER, BATCH_ON_COMPLETE };
enum outcome { OUTCOME_WAITING = 1, OUTCOME_UNKNOWN, OUTCOME_PAID, OUTCOME_FAILED };
enum verdict { VERDICT_APPLIED = 1, VERDICT_SEEN_BEFORE, VERDICT_CONTRADICTED };

struct payout_list {
    struct id id, programme;
    date_t month; /* its first day */
    int32_t version, lines, reviewed, ended;
    enum list_state state;
    money_t total;
    date_t pay_before;
    bool provisional, postponed;
    uint8_t sha256[32];
    instant_t prepared_at, submitted_at, approved_at; /* 0: not yet */
    struct id prepared_by, submitted_by, approved_by;
    const char *refusal, *returned_why, *key_id; /* NULL: none */
    money_t shortfall;
    bool is_signed;
    uint8_t signature[64];
};

/* Whom the money goes to; never leaves unsealed but into the bank's file. */
struct payee {
    const char *holder, *card, *bank;
};

struct claim {
    struct id id, programme, person, village, coding, coder, reviewer;
    const char *number, *drg, *drg_name;
    money_t due, payable;
    date_t decided_on;
    const uint8_t *basis;
    size_t basis_size;
};

struct line {
    struct id id, list, programme, claim, person, village, batch, checked_by;
    enum line_kind kind;
    enum line_state state;
    money_t amount;
    enum refund_route route;
    int32_t attempt;
    bool is_paid;
    date_t paid_on;
    const char *receipt, *failure, *return_reason, *void_reason; /* NULL: none */
    /* Of its claim: */
    struct id coding, coder, reviewer;
    const char *number, *drg, *drg_name;
    money_t due;
    bool is_decided;
    date_t decided_on;
    const uint8_t *basis;
    size_t basis_size;
    int32_t payee_rev, batched_rev; /* differ: another payee since the latest attempt */
    const void *payee_sealed;
    size_t payee_sealed_size;
    const void *payee_index; /* 32 bytes, or NULL */
    const char *reference;   /* in its latest batch */
    struct id approved_by;   /* who approved its list */
};

struct batch {
    struct id id, programme, made_by, sent_by;
    const char *number, *layout, *layout_text, *file_name, *content_type, *key_id;
    int32_t layout_version, lines, paid, failed, unknown;
    enum batch_kind kind;
    enum batch_state state;
    money_t total;
    uint8_t sha256[32];
    instant_t made_at, sent_at;
    bool contradicted;
};

struct item {
    struct id batch, line;
    int32_t sequence, attempt;
    const char *reference, *receipt, *failure;
    money_t amount;
    enum outcome outcome;
    bool is_paid;
    date_t paid_on;
    struct payee payee;
};

/* A row of the bank's answer. */
struct answer {
    int32_t row; /* of the file, from 1 */
    const char *reference, *receipt, *failure;
    int32_t sequence; /* 0: the layout has none */
    money_t amount;
    enum outcome outcome;
    bool has_date;
    date_t paid_on;
    int32_t item; /* index of the item that it answers */
};

struct layout_of {
    const char *name, *text;
    int32_t version;
    instant_t set_at;
    struct id set_by;
};

struct month_figures {
    struct payout_list list;
    int32_t paid, paid_in_time, failed;
    money_t paid_total;
};

struct disbursement_conf {
#define CONF(kind, name, ...) CONF_MEMBER_##kind name;
#include "conf.def"
#undef CONF
};

#define REASON(symbol, wire, says, zh) static const char symbol[] __attribute__((unused)) = wire;
#include "reasons.def"
#undef REASON

#endif
