/* rules_publish.h - which paid claims stand on the open page by themselves, and which only in a
 * sum. Pure and deterministic: the same claims and limits give the same page.
 *
 * The amount of a group is public (requirement 6.2.2e), so an amount says the group as well as its
 * code does.  Therefore a line shows the code with both amounts, or neither: a claim whose group is
 * generalised has its amounts in its cell's sum alone, and a claim of the combined line nothing.
 *
 * Source: domain notes 2.3 to 2.5; requirements 7.2.5, 6.2.2c1. */
#ifndef HUZHU_DISCLOSURE_RULES_PUBLISH_H
#define HUZHU_DISCLOSURE_RULES_PUBLISH_H

#include "base/base.h"
#include "id/id.h"
#include "money/money.h"

enum {
    PUBLISH_K_LEAST = 3,      /* the floor of the tenant's setting */
    PUBLISH_K_DEFAULT = 5,    /* people of a cell whose members have lines */
    PUBLISH_K_SENSITIVE = 11, /* claims of a combined line that has a sensitive one */
    CELL_KEY_BYTES = 24,
};

/* How far the group of a claim's line is generalised; the order counts. */
enum publish_level { LEVEL_DRG, LEVEL_ADRG, LEVEL_MDC, LEVEL_NONE, LEVEL_HIDDEN };

struct publish_claim {
    /* What is given. */
    struct id claim, person;
    const char *name;   /* in full; never leaves but by mask_name(MASK_T0) */
    int sex;            /* 1, 2; 0 unknown */
    int hospital_class; /* 1, 2, 3; 0 unknown */
    const char *drg, *adrg, *mdc, *drg_name;
    money_t due, paid;
    int namesakes; /* members of the place who look the same: masked name and sex */
    bool consent, sensitive, capped;
    /* What is decided. */
    enum publish_level level;
    bool forced; /* went into the combined line to protect others in it */
};

struct publish_limits {
    int k;           /* PUBLISH_K_LEAST at least */
    int k_sensitive; /* k at least */
};

struct publish_verdict {
    size_t visible, hidden;
    size_t hidden_people;
    int k_hidden;      /* the least number of claims that the combined line needed */
    bool is_too_small; /* even all claims together are too few: a wider place or period is needed */
    bool is_banded;    /* the combined line's amount, and the total, are told in rough alone */
};

struct publish_limits publish_limits_of(uint32_t small_cell);

/* True for a claim that may never have a line, whatever its cell. */
bool publish_is_never_a_line(const struct publish_claim *claim);
/* A hospital whose name gives the illness away: psychiatric, infectious, maternity, tumour, ... */
bool publish_hospital_is_telling(const char *hospital);

/* Decides `level` of each claim and sorts them in the order of the page: lines with their own group
 * first, cells next to each other, the combined line's last. */
void publish_decide(struct publish_claim *claims, size_t count, const struct publish_limits *limits,
                    struct publish_verdict *verdict);

/* "" for a claim with amounts of its own, "*" in the combined line, else its cell: "ES1|1|3". */
void publish_cell_key(const struct publish_claim *claim, char key[static CELL_KEY_BYTES]);

/* A claim's place on a page that went up, or on the one that shall replace it. */
struct publish_place {
    struct id claim, person;
    char cell[CELL_KEY_BYTES];
};
/* Whether the newer page subtracted from the older one isolates fewer than k claims, or one person:
 * what came into a sum, and what left it without getting a line, is nothing or a crowd. */
bool publish_difference_is_safe(const struct publish_place *older, size_t older_count,
                                const struct publish_place *newer, size_t newer_count, int k);

/* A line of the open page.  There is no room in it for a name, a number or a card: `name` holds the
 * longest masked name (two characters of four bytes, two stars) and nothing longer. */
enum { PUBLIC_NAME_BYTES = 12, PUBLIC_CODE_BYTES = 12 };
struct public_payout {
    enum { PAYOUT_LINE, PAYOUT_CELL_MEMBER, PAYOUT_CELL_SUM, PAYOUT_REST } kind;
    char name[PUBLIC_NAME_BYTES];
    int sex, hospital_class;
    char code[PUBLIC_CODE_BYTES];
    const char *group_name; /* of a dictionary */
    size_t claims, people;
    money_t due, paid;
    bool is_banded;
};
/* At most 2 * count + 1 lines. */
size_t publish_lines(const struct publish_claim *claims, size_t count,
                     const struct publish_verdict *verdict, const struct publish_limits *limits,
                     struct public_payout *lines);

#endif
