/* mask.h - what may be shown of a name or a number, by the audience.  Pure, no allocation.
 *
 * Input   NUL-terminated UTF-8.  Whatever it is, the output is well-formed UTF-8, ends with NUL,
 *         fits its array, and never shows more than the row of the table below.
 * Names   by code points, so that a rare character of four bytes is never cut:
 *
 *           audience            张三     张小丰    欧阳锋    欧阳小锋   阿依·买买提   John Li
 *           T0 open web, wall   张**     张**      欧阳**    欧阳**     阿**          J**
 *           T1 same village     张*      张*丰     欧阳*     欧阳*锋    阿*·***       J*** **
 *           T2 organiser, T3    in full
 *
 *         At T0 there are always two stars: their number would give the length away.  A surname of
 *         two characters counts as one unit if something follows it; 欧阳 alone is 欧 of name 阳.
 *         T1 keeps the last character if two or more follow the surname, but not of names with `·`
 *         and of Latin ones.  A name of one character, an empty one, one that is not UTF-8 or that
 *         is longer than MASK_NAME_BYTES shows as `**` (one character: at T0 and T1 only).
 * Numbers are for T2 (organisers) at the most; T0 and T1 views have no field for them.  A masked
 *         ID number leaves about 3300 candidates: it is still personal data.
 *
 * Source: domain notes 2.2 (masking conventions). */
#ifndef HUZHU_MASK_H
#define HUZHU_MASK_H

#include "base/base.h"

enum mask_tier {
    MASK_T0, /* the open web and the wall */
    MASK_T1, /* signed-in members of the same village */
    MASK_T2, /* the organiser */
    MASK_T3, /* staff who need it */
};

enum {
    MASK_NAME_BYTES = 256, /* 255 bytes of name */
    MASK_ID_NUMBER_BYTES = 19,
    MASK_PHONE_BYTES = 12,
    MASK_CARD_BYTES = 20,
};

void mask_name(enum mask_tier tier, const char *name, char text[static MASK_NAME_BYTES]);

/* 6 + ******** + 4; of 15 digits 6 + ******** + 3, because the fourth from the right belongs to the
 * day of birth.  Anything else (passports too) is ********. */
void mask_id_number(const char *number, char text[static MASK_ID_NUMBER_BYTES]);

/* Mobile, +86 or not: 3 + **** + 4.  Landline 0512-58881234: 0512-****34.  Anything else is ****.
 */
void mask_phone(const char *phone, char text[static MASK_PHONE_BYTES]);

/* 12 to 19 digits: 6217 **** **** 0122, whatever the length.  Anything else is **** ****. */
void mask_card(const char *card, char text[static MASK_CARD_BYTES]);

#endif
