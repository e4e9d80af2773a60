/* coding.h - the nouns of the coding service, its settings and the reasons of its refusals. */
#ifndef HUZHU_CODING_H
#define HUZHU_CODING_H

#include "drg.h"
#include "names.h"
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
    struct drg_names *names[SCHEMES_MAX]; /* of the scheme at the same place */
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

/* --- subsidy tables --- */

/* The national scheme has 628 groups; local sub-groups may split some.  As text a table has some
 * 100 bytes a row. */
#define SUBSIDY_ROWS_MAX 4096
#define SUBSIDY_TEXT_BYTES_MAX ((size_t) 512 * 1024)
#define SUBSIDY_MOST yuan(1000000)
#define SUBSIDY_NAME_BYTES_MAX 300

enum table_state { TABLE_DRAFT = 1, TABLE_CONFIRMED, TABLE_FROZEN };
enum table_event { ON_CHANGE, ON_CONFIRM, ON_FREEZE };

struct subsidy_row {
    const char *drg, *name, *parent; /* parent "": a group of the scheme */
    money_t amount;
    int32_t age_from, age_to; /* completed years, both included; DRG_MISSING: no bound */
    enum drg_sex sex;         /* DRG_SEX_MISSING: both */
};

struct subsidy_table {
    struct id id, programme;
    struct drg_identity scheme;
    enum table_state state;
    size_t row_count;
    struct subsidy_row *rows; /* NULL: not loaded */
    uint8_t sha256[32];
    struct id created_by, designed_by, confirmed_by, frozen_by;
    instant_t created_at, confirmed_at, frozen_at; /* 0: not yet */
    int64_t version;
};

/* What coding knows of a programme; an amount of -1 fen is none. */
struct programme {
    struct id id;
    int32_t year;
    const char *name, *scheme;
    money_t claim_least, claim_most, person_most;
    bool own_payment_limits;
    int32_t workdays;
    uint32_t exclusions; /* bits, 1 << contributions.v1.Programme.Exclusion */
    int64_t version;
};
#define NO_MONEY ((money_t){ -1 })

struct certificate {
    struct id account;
    const char *number;
    date_t valid_from, valid_until;
    struct id recorded_by;
    instant_t recorded_at;
};
#define CERTIFICATE_NUMBER_BYTES_MAX 64

/* --- the queue --- */

enum job_state {
    JOB_WAITING = 1,
    JOB_TAKEN,
    JOB_PARKED,
    JOB_CODED,
    JOB_REVIEWING,
    JOB_PRICED,
    JOB_UNFIT,
    JOB_GONE
};
enum job_event {
    ON_ACCEPT,
    ON_TAKE,
    ON_RELEASE,
    ON_ASK,
    ON_UNFIT,
    ON_SUBMIT,
    ON_REVIEW,
    ON_APPROVE,
    ON_RETURN,
    ON_LINE_BACK,
    ON_GO
};

struct job {
    struct id claim, programme, person, household, village, filed_by, coding, holder;
    const char *number, *returned_for;
    enum job_state state;
    int32_t attempt;
    date_t complete_on, due_on;
    instant_t lease_until;     /* 0: nobody holds it */
    ProtobufCBinaryData facts; /* sealed */
};

struct document {
    struct id upload;
    int32_t kind; /* contributions.v1.Paper.Kind */
};
#define JOB_DOCUMENTS_MAX 32

/* Of the claim, what grouping and pricing need. */
struct facts {
    enum drg_sex sex;
    date_t birth, admitted, discharged;
    const char *level;
    money_t own_payment;
};

enum code_set { CODE_SET_INSURANCE = 1, CODE_SET_CLINICAL };
enum injury_cause {
    CAUSE_NONE,
    CAUSE_OWN_ACCIDENT,
    CAUSE_WORK,
    CAUSE_CRIME,
    CAUSE_THIRD_PARTY,
    CAUSE_MEDICAL,
    CAUSE_SHARED
};

/* Exclusions of contributions.v1.Programme.Exclusion that rules name. */
enum exclusion {
    EXCLUSION_WORK_INJURY = 4,
    EXCLUSION_CRIME,
    EXCLUSION_THIRD_PARTY,
    EXCLUSION_OUTPATIENT,
    EXCLUSION_COUNT
};

/* --- prices --- */

enum { PRICE_STEPS_MAX = 5, PRICE_WHY_BYTES = 360 };
struct price_step {
    const char *name;
    money_t before, after;
    char why[PRICE_WHY_BYTES]; /* Chinese */
};
struct price {
    money_t due, payable;
    struct price_step steps[PRICE_STEPS_MAX];
    size_t step_count;
};
struct price_input {
    const struct programme *programme;
    const struct subsidy_row *row;
    money_t own_payment;
    money_t person_sum; /* of the person's other priced stays in the programme */
};

enum coding_state {
    CODING_CODED = 1,
    CODING_RETURNED,
    CODING_PRICED,
    CODING_REPLACED,
    CODING_GONE
};

/* What a coder made of a stay. */
struct coding {
    struct id id, claim, programme, person, table;
    int32_t attempt;
    enum coding_state state;
    struct drg_identity scheme;
    const char *mdc, *adrg, *drg, *drg_name, *row_drg;
    ProtobufCBinaryData coded, trace; /* sealed */
    uint8_t basis_sha256[32];
    bool sensitive;
    const char *sensitive_by;
    struct id coder, reviewer;
    const char *certificate, *returned_for;
    instant_t coded_at, reviewed_at;
    money_t due, payable; /* NO_MONEY: not priced */
    date_t decided_on;
};

struct queue_figures {
    int64_t waiting, taken, parked, coded, reviewing, overdue, came, coded_last_hour, priced;
    bool has_oldest;
    date_t oldest_due;
};

#define REASON(symbol, wire, says, zh) static const char symbol[] __attribute__((unused)) = wire;
#include "reasons.def"
#undef REASON

#endif
