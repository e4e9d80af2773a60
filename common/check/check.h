/* check.h - is this number what it claims to be?  Pure: no I/O, no clock, no allocation.
 *
 * Input    NUL-terminated UTF-8 as a person or a spreadsheet gives it: blanks around it are
 *          removed, full-width forms (１２３Ｘ) become ASCII, letters become capitals.  Bytes that
 *          are not UTF-8 are wrong characters, never undefined.
 * Output   *out is the canonical form and is written when the result is CHECK_OK, only then.
 * Errors   the first fault, in the order of the comment at each function.  check_name() is stable
 *          and may be stored; neither it nor check_says() ever holds a part of the input, so that
 *          both may stand in reports and logs.
 * Warnings are flags in *out: the number is taken, a person should look at it.
 *
 * Source: domain notes 3.1 (GB 11643), 3.2 (GB 32100), 3.3 (GB/T 2260), 3.4 (ISO/IEC 7812-1) and
 * 3.5 (E.164). */
#ifndef HUZHU_CHECK_H
#define HUZHU_CHECK_H

#include "base/base.h"
#include "clock/clock.h"

enum check_result {
    CHECK_OK = 0,
#define CHECK(result, name, zh, en) CHECK_##result,
#include "check/check.def"
#undef CHECK
    CHECK_COUNT,
};

enum {
    ID_NUMBER_BYTES = 19, /* 18 characters and NUL */
    USCC_BYTES = 19,
    BANK_CARD_BYTES = 20, /* at most 19 digits */
    PHONE_BYTES = 15,     /* +86, 11 digits */
    DIVISION_BYTES = 13,  /* at most 12 digits */
};

enum check_sex { CHECK_MALE = 1, CHECK_FEMALE = 2 }; /* GB/T 2261.1 */

enum id_kind {
    ID_KIND_RESIDENT = 1,
    ID_KIND_FOREIGN = 2,    /* foreign permanent resident card of 2023: begins with 9 */
    ID_KIND_HMT_PERMIT = 3, /* residence permit of Hong Kong, Macau, Taiwan: 81, 82, 83 */
};

struct id_number {
    char text[ID_NUMBER_BYTES]; /* 18 characters, X a capital */
    date_t birth;
    enum check_sex sex;
    enum id_kind kind;
    bool converted;         /* was a number of 15 digits (issued until 1999) */
    bool warn_region;       /* begins with no province that ever was (history: provinces only) */
    bool warn_age_over_120; /* the oldest people known were younger */
};

struct uscc {
    char text[USCC_BYTES];
    bool warn_checksum; /* codes with a wrong one are in use */
};

struct bank_card {
    char digits[BANK_CARD_BYTES];
    bool warn_luhn; /* passbooks of rural banks may fail it: ask to type twice */
};

/* The level of an administrative division, from the digits of its code. */
enum division_level {
    DIVISION_PROVINCE = 2,
    DIVISION_CITY = 4,
    DIVISION_COUNTY = 6,
    DIVISION_TOWN = 9,
    DIVISION_VILLAGE = 12,
};

struct division_code {
    char text[DIVISION_BYTES]; /* its parent's code is the beginning of it */
    enum division_level level;
};

/* 18 or 15 characters.  LENGTH, CHARACTERS, DATE, CHECKSUM, FUTURE (born after today; a child of
 * today is well), AGE (over 130).  15 digits get the century and a check character. */
enum check_result check_id_number(const char *text, date_t today, struct id_number *out) MUST_CHECK;

/* LENGTH (not 18), CHARACTERS (I, O, S, V, Z and all else outside the alphabet). */
enum check_result check_uscc(const char *text, struct uscc *out) MUST_CHECK;

/* Blanks inside are removed too.  LENGTH (not 12 to 19), CHARACTERS (not a digit). */
enum check_result check_bank_card(const char *text, struct bank_card *out) MUST_CHECK;

/* Blanks and '-' are removed, +86 or 0086 before it as well.  LENGTH (not 11), CHARACTERS, PREFIX
 * (not 13 to 19).  Ranges are given out too often for a tighter rule. */
enum check_result check_phone(const char *text, char out[static PHONE_BYTES]) MUST_CHECK;

/* LENGTH (not 2, 4, 6, 9 or 12), CHARACTERS.  Whether the division exists is the register's to say.
 */
enum check_result check_division_code(const char *text, struct division_code *out) MUST_CHECK;

bool check_luhn(const char *digits); /* ASCII digits only, at least one */

/* Whole years; birth <= today.  Who is born on 29 February is a year older on 1 March. */
int check_age_years(date_t birth, date_t today);

const char *check_name(enum check_result result);    /* "length"; "ok" */
const char *check_says_zh(enum check_result result); /* for villagers: "位数不对" */
const char *check_says_en(enum check_result result);

#endif
