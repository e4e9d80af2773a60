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
    struct id account;        /* who sends it */
    int64_t size;             /* stored */
    int64_t sent;             /* taken; more than size once metadata has been taken out */
    const char *content_type; /* the arena's, or fixed */
    bool finished;
    uint8_t sha256[32]; /* of what is stored, when finished */
    int orientation;    /* of a JPEG: 1 to 8; 0: it said none */
    instant_t started_at;
};

/* A part of an upload as it is sent. */
struct piece {
    int64_t start;
    const uint8_t *bytes; /* the request's or the arena's */
    size_t size;
    bool last;
};

/* --- enums with the numbers of the contracts (claims.proto, contributions.proto) --- */

enum insurance {
    INSURED_RESIDENT = 1,
    INSURED_EMPLOYEE,
    INSURED_NOT,
    INSURED_INTERRUPTED,
    INSURANCE_COUNT
};
enum paper {
    PAPER_DISCHARGE_RECORD = 1,
    PAPER_COST_LIST,
    PAPER_SETTLEMENT,
    PAPER_MANDATE,
    PAPER_CAUSE_STATEMENT,
    PAPER_OTHER,
    PAPER_COUNT
};
/* Kinds of papers as bits, 1 << enum paper. */
typedef uint32_t paper_set_t;
#define PAPER_BIT(kind) (UINT32_C(1) << (kind))

enum purpose { PURPOSE_TREATMENT = 1, PURPOSE_COSMETIC, PURPOSE_PLASTIC, PURPOSE_CHECK_UP };
enum cause {
    CAUSE_NONE,
    CAUSE_OWN_ACCIDENT,
    CAUSE_WORK,
    CAUSE_CRIME,
    CAUSE_THIRD_PARTY,
    CAUSE_SHARED
};
enum relation { RELATION_SELF = 1, RELATION_GUARDIAN, RELATION_RELATIVE, RELATION_AGENT };
enum exclusion {
    EXCLUDED_COSMETIC = 1,
    EXCLUDED_PLASTIC,
    EXCLUDED_CHECK_UP,
    EXCLUDED_WORK_INJURY,
    EXCLUDED_CRIME,
    EXCLUDED_THIRD_PARTY,
    EXCLUDED_OUTPATIENT,
    EXCLUSION_COUNT
};
enum programme_state {
    PROGRAMME_DRAFT = 1,
    PROGRAMME_SUBMITTED,
    PROGRAMME_OPEN,
    PROGRAMME_IN_FORCE,
    PROGRAMME_SETTLING,
    PROGRAMME_CLOSED,
    PROGRAMME_STOPPING,
    PROGRAMME_WOUND_UP
};

enum claim_state {
    CLAIM_DRAFT = 1,
    CLAIM_ACCEPTED,
    CLAIM_PAPERS_REQUESTED,
    CLAIM_DECIDED,
    CLAIM_LISTED,
    CLAIM_PAID,
    CLAIM_PAYMENT_FAILED,
    CLAIM_REFUSED,
    CLAIM_WITHDRAWN,
    CLAIM_UNPAID,
    CLAIM_SUBMITTED, /* passed through within one step; never stored */
    CLAIM_STATE_COUNT
};
extern const char *const claim_state_names[CLAIM_STATE_COUNT];

enum claim_event {
    ON_FILE,
    ON_SUBMIT,
    ON_ACCEPT,
    ON_REFUSE,
    ON_REQUEST,
    ON_COMPLETE,
    ON_WITHDRAW,
    ON_EXCLUDE,
    ON_PRICE,
    ON_RETURN,
    ON_LIST,
    ON_PAY,
    ON_FAIL,
    ON_VOID
};

/* --- what a claim is about --- */

#define HOSPITAL_CHARS_MAX 100
#define WORDS_CHARS_MAX 500
#define NOTE_CHARS_MAX 200
#define HOLDER_CHARS_MAX 50
#define CLAIM_PAPERS_MAX 60

struct stay {
    date_t admitted, discharged;
    const char *hospital, *hospital_code, *hospital_level;
    enum insurance insurance;
    bool outpatient;
    money_t total_cost, basic_paid, own_payment;
    enum purpose purpose;
    enum cause cause;       /* CAUSE_NONE: no injury */
    const char *cause_text; /* sealed at rest */
};

struct payee {
    const char *holder, *card, *bank; /* sealed at rest; card is digits */
    enum relation relation;
    bool card_unsure; /* it fails Luhn and was typed twice */
};

struct claim {
    struct id id;
    const char *number; /* "" of a draft */
    enum claim_state state;
    struct id programme; /* nil of a draft */
    struct id person, household, village, filed_by;
    bool by_agent;
    instant_t filed_at;
    struct stay stay;
    struct payee payee;
    uint8_t card_index[32];
    int round;
    paper_set_t asked;
    const char *asked_note;                   /* sealed at rest */
    const char *reason, *requirement, *words; /* "" unless refused */
    bool decided;
    money_t payable;            /* once decided */
    date_t decided_on, paid_on; /* 0 days: not */
    int64_t version;
    /* the run of the clock that counts, when round > 0 */
    date_t complete_on, due_on;
    bool provisional;
};

struct claim_paper {
    struct id upload;
    enum paper kind;
    const char *content_type;
    int64_t size;
    uint8_t sha256[32];
    instant_t attached_at;
    int round; /* of the claim, when it came */
};

/* One line of the timeline. */
struct claim_step {
    int step;
    const char *what, *from, *to; /* state names */
    struct id account;            /* nil: not a person */
    const char *by, *words;
    instant_t at;
};

struct claim_round {
    int round;
    date_t complete_on, due_on;
    bool provisional;
    int workdays;
    date_t paused_on, decided_on; /* 0 days: not */
};

/* --- what others told --- */

struct register_person {
    struct id id, household, village;
    const char *name;
    int sex;
    date_t birth;
};

#define THRESHOLDS_MAX 16
struct threshold {
    enum insurance insurance;
    bool on_total_cost; /* rather than on the own payment */
    money_t at_least;
};

/* What claims reads of a programme. */
struct programme {
    struct id id, village; /* village: of a programme by village */
    unsigned year;
    const char *name;
    enum programme_state state;
    date_t starts, ends;
    bool by_discharge; /* the year of a stay is that of its discharge */
    struct threshold thresholds[THRESHOLDS_MAX];
    size_t threshold_count;
    paper_set_t papers[INSURANCE_COUNT]; /* 0: the programme says nothing of it */
    uint32_t exclusions;                 /* bits, 1 << enum exclusion */
    int workdays;
    int64_t version;
};

/* A programme and whether the patient takes part in it. */
struct candidate {
    struct programme programme;
    bool is_member; /* a row of MembersChanged, in force */
    date_t from;
};

/* Whose claims a list shows, and where it goes on; nil and 0: all. */
struct claim_filter {
    struct id after;
    int rows;
    enum claim_state state;
    struct id village, person, programme;
    const char *villages; /* ids with commas between: what of the scope is asked for; NULL: all */
    struct id household, filed_by; /* of a member: one of the two */
    date_t overdue_on;             /* not 0: undecided and due before this day, by due day */
    date_t after_due;
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
