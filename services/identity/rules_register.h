/* rules_register.h - what the register takes.  Pure: no clock, no database, no allocation, no log.
 */
#ifndef HUZHU_IDENTITY_RULES_REGISTER_H
#define HUZHU_IDENTITY_RULES_REGISTER_H

#include "csv/csv.h"
#include "register.h"

/* What a list is read against. */
struct register_facts {
    date_t today;
    const struct village *villages; /* in the order of their codes */
    size_t village_count;
};

/* One line of a list: what it says, and what is wrong with it (at most one fault a column).  Out is
 * whole only when there are none. */
size_t rule_register_row(const struct register_facts *facts, const char *const fields[COLUMN_COUNT],
                         struct register_row *out, struct row_fault faults[static COLUMN_COUNT]);

/* "empty", "digits(17)", "latin(8)", "text(3)", "mixed(9)": the kind of a value, never the value.
 */
void value_class_of(const char *value, char out[static VALUE_CLASS_BYTES]);

/* The canonical form of a number that somebody looks for; false: it can be nobody's. */
bool person_number_canonical(const char *text, date_t today, char out[static PERSON_NUMBER_BYTES]);
/* A number of one kind of document: NULL when it is well, else the stable code of the fault. */
const char *rule_person_number(enum person_id_kind kind, const char *text, date_t today,
                               struct id_number *gb, char out[static PERSON_NUMBER_BYTES]);
const char *rule_person_name(const char *text, char out[static PERSON_NAME_BYTES]);
bool date_from_text(const char *text, date_t *date);

const char *column_name(int column);   /* 0: "" */
const char *relation_name(int number); /* "其他" for what is unknown */
int relation_of(const char *name);     /* 0: none */
int category_of_name(const char *name);
int category_of_code(const char *code); /* 0: none */
const char *category_code(int number);  /* NULL: none */
const char *fault_says(const char *code, bool chinese);
void csv_columns(struct csv_column columns[static COLUMN_COUNT]);

err_t rule_import_piece(const struct import_piece *piece, struct err *err) MUST_CHECK;
/* Whether the piece is the next one; false: it repeats what is there. */
err_t rule_import_place(const struct import *import, const struct import_piece *piece, bool *next,
                        struct err *err) MUST_CHECK;

enum import_event {
    ON_IMPORT_CHECK,
    ON_IMPORT_CHECKED,
    ON_IMPORT_APPROVE,
    ON_IMPORT_REJECT,
    ON_IMPORT_APPLY,
    ON_IMPORT_MOVED_ON,
    ON_IMPORT_APPLIED
};
/* The only function that changes an import's state; what it allows is import_moves.def. */
err_t import_move(struct import *import, enum import_event on, struct err *err) MUST_CHECK;
/* Whose turn it is to be worked on.  A list that stays as it was (by its version) although it was
 * worked on has failed; after three times it rests, twice as long each time, so that those behind
 * it come to their turn. */
enum { TURNS_MAX = 64 };
struct import_turns {
    struct import_turn {
        struct id id;
        int64_t version;
        int failures;
        int64_t rests_until_us; /* 0: it does not */
    } turns[TURNS_MAX];
};
/* false: not now.  Instants of the monotonic clock. */
bool import_begins(struct import_turns *turns, struct id id, int64_t version,
                   int64_t now_us) MUST_CHECK;
size_t imports_resting(const struct import_turns *turns, int64_t now_us,
                       struct id ids[static TURNS_MAX]);

/* Who sent a list, in this or in another account, does not decide on it. */
err_t rule_may_decide(const struct import *import, struct id account, struct id person,
                      struct err *err) MUST_CHECK;

#endif
