/* register.h - the nouns of the register: persons, households, lists on their way into it. */
#ifndef HUZHU_IDENTITY_REGISTER_H
#define HUZHU_IDENTITY_REGISTER_H

#include "check/check.h"
#include "identity.h"

#define IMPORT_BYTES_MAX (INT64_C(64) * 1024 * 1024)
#define IMPORT_ROWS_MAX                                                                            \
    ((size_t) 500000) /* 64 MiB hold about so many; applied in one transaction */
#define IMPORT_PIECE_BYTES_MAX ((size_t) 256 * 1024)
#define IMPORT_PIECE_BYTES_MIN ((size_t) 4 * 1024)
#define IMPORT_FIELD_BYTES_MAX ((size_t) 256)
#define IMPORT_FAULTS_MAX                                                                          \
    10000 /* a list with more is no list: the count goes on, the report ends */
#define IMPORT_PORTION_ROWS ((size_t) 50000) /* staged in one transaction of the duty */
#define VILLAGES_MAX 2000 /* of a tenant; the largest townships have some hundred */
#define HOUSEHOLD_PEOPLE_MAX 60
#define EVENT_HOUSEHOLDS_MAX 200
#define EVENT_PEOPLE_MAX 1500 /* with 300 bytes each an event stays below half of one envelope */
#define PERSON_NAME_BYTES 201
#define HOUSEHOLD_NUMBER_BYTES 31
#define PERSON_NUMBER_BYTES 24
#define VALUE_CLASS_BYTES 25
#define CERTIFICATE_DAYS 60 /* a birth certificate stands for the number so long */

enum person_id_kind {
    PERSON_ID_RESIDENT = 1,
    PERSON_ID_FOREIGN_RESIDENT,
    PERSON_ID_HMT_RESIDENT,
    PERSON_ID_HMT_PERMIT,
    PERSON_ID_PASSPORT,
    PERSON_ID_BIRTH_CERTIFICATE
};
/* Bits 1 << number, as HouseholdMember.Ground. */
enum person_ground { GROUND_REGISTERED = 1, GROUND_COLLECTIVE, GROUND_RESIDENT };
#define GROUNDS_ALL (1 << GROUND_REGISTERED | 1 << GROUND_COLLECTIVE | 1 << GROUND_RESIDENT)
enum person_entry {
    ENTRY_NONE,
    ENTRY_FIRST_REGISTER,
    ENTRY_BIRTH,
    ENTRY_MARRIAGE,
    ENTRY_MOVED_IN,
    ENTRY_RETURNED
};
enum person_leaving {
    LEAVING_NONE,
    LEAVING_DIED,
    LEAVING_MOVED_OUT,
    LEAVING_SPLIT_OFF,
    LEAVING_IN_ERROR
};
enum { RELATION_HEAD = 1, RELATION_OTHER = 9 };

enum register_column {
#define COLUMN(symbol, names, optional) COLUMN_##symbol,
#include "columns.def"
#undef COLUMN
    COLUMN_COUNT,
};

/* A village that a list may name. */
struct village {
    struct id id;
    char code[DIVISION_BYTES];
    bool covered; /* by the scope of who asked */
};

/* One line of a list in the register's own form. */
struct register_row {
    size_t row;
    struct id village;
    char number[HOUSEHOLD_NUMBER_BYTES];
    int relation;
    char name[PERSON_NAME_BYTES];
    enum person_id_kind id_kind;
    char id_number[PERSON_NUMBER_BYTES]; /* canonical */
    enum check_sex sex;
    date_t birth;
    char phone[PHONE_BYTES]; /* "" for none */
    uint32_t categories;     /* bit n: category n */
    int grounds;
    enum person_entry entry;     /* ENTRY_NONE: it leaves */
    enum person_leaving leaving; /* LEAVING_NONE: it comes or stays */
    bool has_date;
    date_t on;
};

/* A fault of one field; the value itself is in none of it. */
struct row_fault {
    size_t row;
    int column; /* 1 + enum register_column; 0: the row as a whole */
    char value_class[VALUE_CLASS_BYTES];
    char code[40];
};

enum import_kind { IMPORT_REGISTER = 1, IMPORT_CATEGORY_LIST };
enum import_state {
    IMPORT_RECEIVING = 1,
    IMPORT_CHECKING,
    IMPORT_CHECKED,
    IMPORT_APPROVED,
    IMPORT_APPLYING,
    IMPORT_APPLIED,
    IMPORT_REJECTED
};

struct import {
    struct id id, account, person;
    enum import_kind kind; /* 0: not said yet */
    enum import_state state;
    int64_t size;
    bool finished, staged;
    uint8_t sha256[32];
    int category;
    date_t as_of;
    bool has_as_of;
    int64_t rows_checked, faults;
    int64_t new_people, changed_people, new_households, joined, left, categories;
    instant_t started_at, checked_at, decided_at, applied_at;
    struct id decided_by;
    const char *why;
    int64_t version;
};

struct import_piece {
    int64_t start;
    const uint8_t *bytes;
    size_t size;
    bool last;
};

struct category_span {
    int category;
    date_t from, until;
    bool ended;
};
#define CATEGORY_SPANS_MAX 64

/* A person in a household, now or before; texts are the arena's. */
struct member {
    int64_t membership;
    struct id person;
    bool head, ended, provisional, dead;
    int relation, grounds;
    enum person_entry entry;
    enum person_leaving leaving;
    date_t from, until, birth, replace_by, died_on;
    enum check_sex sex;
    enum person_id_kind id_kind;
    const char *name, *id_number, *phone; /* unsealed; phone "" for none */
    uint8_t id_index[32];
    struct category_span *categories;
    size_t category_count;
};
struct household {
    struct id id, village;
    const char *number;
    int64_t version;
    struct member *members;
    size_t member_count;
};

struct nda {
    struct id id, account, upload, recorded_by;
    date_t signed_on, expires_on;
    instant_t recorded_at;
};

#endif
