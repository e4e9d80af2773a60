/* contributions.h - the nouns of the contributions service, its settings and the reasons of its
 * refusals.
 *
 * A programme's noun is its message of the contract: a struct of our own would repeat its fifty
 * parameters and say the same.  What is only kept and shown (payments, funds, resolutions) is its
 * message, too; what rules think about has a struct here. */
#ifndef HUZHU_CONTRIBUTIONS_H
#define HUZHU_CONTRIBUTIONS_H

#include "contributions.pb-c.h"
#include "svc/page.h"

/* The town's office; those who only read figures and books; those who enrol and take money. */
#define OFFICE (ROLE_TOWNSHIP_OFFICER | ROLE_APPROVER | ROLE_PAYER)
#define READERS (ROLE_AUDITOR | ROLE_COUNTY_VIEWER)
#define COLLECTORS (ROLE_VILLAGE_CLERK | ROLE_TOWNSHIP_OFFICER)

typedef Contributions__Programme programme_t;
#define PROGRAMME(state) CONTRIBUTIONS__PROGRAMME__STATE__##state
#define SOURCE(kind) CONTRIBUTIONS__SOURCE__KIND__##kind

enum {
    BULK_ROWS_MAX = 200,    /* households or payments in one request: some 100 KiB of event */
    HOUSE_MEMBERS_MAX = 64, /* the register's largest households have about thirty */
    STATEMENT_BYTES_MAX = 1024 * 1024,
    SHARE_WHOLE = 10000, /* shares are in parts of ten thousand */
};

/* One thing that a programme's check found; see Finding of the contract. */
enum severity { FINDING_ERROR = 1, FINDING_WARNING = 2 };
struct finding {
    enum severity severity;
    const char *requirement, *reason, *path;
    char text[192];
    money_t shortfall;
};
enum { FINDINGS_MAX = 96 };
struct findings {
    size_t count, errors;
    struct finding list[FINDINGS_MAX];
};

/* A person of a household, as the register has it and as it is enrolled. */
struct member {
    struct id person;
    bool head;
    uint32_t grounds; /* bits, 1 << HouseholdMember.Ground */
    int entry;        /* HouseholdMember.Entry */
    bool has_entered, has_left;
    date_t entered, left;
    const char
        *categories; /* "code,from,until;..." in days, until "" while it holds; "" for none */
    bool enrolled, consent, paid, in_force, late, changed;
    bool elsewhere; /* enrolled with another household */
    int payer;      /* Source.Kind */
    money_t due;
    date_t from;
};
struct house {
    struct id id, village;
    bool enrolled, in_force, changed;
    int confirmation;
    struct id upload;
    const char *reference; /* "" until it is enrolled */
    struct member *members;
    size_t count;
};

/* How many take part of how many. */
struct figure {
    int64_t taking_part, whole;
};
struct participation {
    struct figure people, households, villages;
    date_t as_of;
};

/* A posting of the ledger: which pairs there are, pairs.def says. */
enum transfer_state { TRANSFER_PENDING, TRANSFER_POSTED, TRANSFER_VOIDED };
struct transfer {
    struct id id, village, subject, line, person;
    enum transfer_state state;
    const char *why, *debit, *credit;
    money_t amount;
    date_t on;
    uint32_t people;
    int source; /* Source.Kind */
};

struct contributions_conf {
#define CONF(kind, name, ...) CONF_MEMBER_##kind name;
#include "conf.def"
#undef CONF
};

#define REASON(symbol, wire, says, zh) static const char symbol[] __attribute__((unused)) = wire;
#include "reasons.def"
#undef REASON

#endif
