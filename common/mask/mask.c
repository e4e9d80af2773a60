/* mask.c - names by code points, numbers by the validators' canonical forms. */
#include "mask/mask.h"

#include <stdio.h>
#include <string.h>

#include "check/check.h"
#include "check/fold.h"
#include "check/utf8.h"

static const char hidden[] = "**";

enum { MIDDLE_DOT = 0xb7 };

/* A name cut into code points; blanks and invisible characters are gone at its ends. */
struct name {
    const char *at[MASK_NAME_BYTES], *end;
    uint32_t code[MASK_NAME_BYTES];
    size_t count;
    bool han; /* by its first character; if not, blanks inside it divide words */
    bool dotted;
};

struct out {
    char *text;
    size_t size, room;
};

static void
put(struct out *out, const char *bytes, size_t size)
{
    assert(out->size + size < out->room); /* a mask is never longer than its name and two stars */
    memcpy(out->text + out->size, bytes, size);
    out->size += size;
    out->text[out->size] = '\0';
}

static void
put_points(struct out *out, const struct name *name, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        const char *after = name->at[i];
        uint32_t code;
        assert(after);
        if (utf8_next(&after, name->end, &code))
            put(out, name->at[i], (size_t) (after - name->at[i]));
    }
}

/* The dots that keyboards give between the parts of a name: · • ‧ ・ ･ ． */
static bool
is_dot(uint32_t code)
{
    return code == MIDDLE_DOT || code == 0x2022 || code == 0x2027 || code == 0x30fb ||
           code == 0xff65 || code == 0xff0e;
}

/* Variation selectors and combining accents change the character before them; a mask does without.
 */
static bool
is_mark(uint32_t code)
{
    return (code >= 0xfe00 && code <= 0xfe0f) || (code >= 0xe0100 && code <= 0xe01ef) ||
           (code >= 0x300 && code <= 0x36f);
}

/* The ideographs and 〇; what is written in any other script has blanks between its words. */
static bool
is_han(uint32_t code)
{
    return code == 0x3007 || (code >= 0x3400 && code <= 0x9fff) ||
           (code >= 0xf900 && code <= 0xfaff) || (code >= 0x20000 && code <= 0x3ffff);
}

/* false: not UTF-8. */
static bool
cut(const char *text, struct name *name)
{
    const char *end = text + strlen(text);

    name->count = 0;
    name->dotted = name->han = false;
    name->end = end;
    while (text < end) {
        const char *at = text;
        uint32_t code;
        if (!utf8_next(&text, end, &code))
            return false;
        const bool blank = utf8_is_blank(code) && !is_dot(code);
        if (is_mark(code) || (blank && (name->count == 0 || name->han)))
            continue; /* 张　三 is 张三: the blank was put in to fill a column */
        if (name->count == 0)
            name->han = is_han(code);
        name->dotted |= is_dot(code);
        name->at[name->count] = at;
        name->code[name->count++] = blank ? ' ' : code;
    }
    while (name->count > 0 && name->code[name->count - 1] == ' ')
        name->count--;
    return true;
}

/* Code points of the surname: 2 if it is a known compound one and a given name follows. */
static size_t
surname_points(const struct name *name)
{
    static const char surnames[][7] = {
#define SURNAME(text) text,
#include "mask/surnames.def"
#undef SURNAME
    };

    if (name->count < 3 || name->dotted || !name->han)
        return 1;
    /* Both are of three bytes in the table; anything between them was invisible. */
    for (size_t i = 0; i < COUNT(surnames); i++)
        if (strncmp(name->at[0], surnames[i], 3) == 0 &&
            strncmp(name->at[1], surnames[i] + 3, 3) == 0)
            return 2;
    return 1;
}

/* T1: a star for each character after the surname; dots and the blanks between words stay. */
static void
put_stars(struct out *out, const struct name *name, size_t from)
{
    const bool last_kept = name->han && !name->dotted && name->count - from >= 2;
    const size_t until = name->count - last_kept;

    for (size_t i = from; i < until; i++) {
        if (is_dot(name->code[i]))
            put(out, "·", strlen("·"));
        else
            put(out, name->code[i] == ' ' ? " " : "*", 1);
    }
    put_points(out, name, until, name->count);
}

void
mask_name(enum mask_tier tier, const char *name, char text[static MASK_NAME_BYTES])
{
    struct out out = { text, 0, MASK_NAME_BYTES };
    struct name cuts = { .count = 0 };
    const size_t size = strnlen(name, MASK_NAME_BYTES);

    text[0] = '\0';
    if (size == MASK_NAME_BYTES || !cut(name, &cuts) || cuts.count == 0 ||
        (cuts.count == 1 && tier < MASK_T2)) {
        put(&out, hidden, strlen(hidden));
        return;
    }
    if (tier >= MASK_T2) {
        put(&out, name, size);
        return;
    }
    const size_t surname = surname_points(&cuts);
    put_points(&out, &cuts, 0, surname);
    if (tier == MASK_T0)
        put(&out, hidden, strlen(hidden));
    else
        put_stars(&out, &cuts, surname);
}

static bool
all_digits(const char *text, size_t count)
{
    return strlen(text) == count && strspn(text, "0123456789") == count;
}

void
mask_id_number(const char *number, char text[static MASK_ID_NUMBER_BYTES])
{
    const struct folded in = check_fold(number, "");
    const size_t digits = strspn(in.text, "0123456789");

    /* The shape is enough: a number with a slip in it needs the mask as well. */
    if (in.count == 18 && (digits == 18 || (digits == 17 && in.text[17] == 'X')))
        (void) snprintf(text, MASK_ID_NUMBER_BYTES, "%.6s********%.4s", in.text, in.text + 14);
    else if (in.count == 15 && digits == 15)
        (void) snprintf(text, MASK_ID_NUMBER_BYTES, "%.6s********%.3s", in.text, in.text + 12);
    else
        (void) snprintf(text, MASK_ID_NUMBER_BYTES, "********");
}

/* Digits of the area code of a landline with or without its '-'; 0: not a landline. */
static size_t
area_digits(const char *phone, const char **rest)
{
    const char *dash = strchr(phone, '-');
    const size_t known = phone[0] == '0' && (phone[1] == '1' || phone[1] == '2') ? 3 : 4;
    const size_t area = dash ? (size_t) (dash - phone) : known;

    if (phone[0] != '0' || area < 3 || area > 4 || strlen(phone) < area + 7)
        return 0;
    *rest = phone + area + (dash != NULL);
    if (strspn(phone, "0123456789") < area || (!all_digits(*rest, 7) && !all_digits(*rest, 8)))
        return 0;
    return area;
}

void
mask_phone(const char *phone, char text[static MASK_PHONE_BYTES])
{
    const struct folded in = check_fold(phone, " ");
    char mobile[PHONE_BYTES];
    const char *rest = NULL;
    const size_t area = area_digits(in.text, &rest);

    if (check_phone(phone, mobile) == CHECK_OK)
        (void) snprintf(text, MASK_PHONE_BYTES, "%.3s****%.4s", mobile + 3, mobile + 10);
    else if (area > 0)
        (void) snprintf(text, MASK_PHONE_BYTES, "%.*s-****%.2s", (int) area, in.text,
                        rest + strlen(rest) - 2);
    else
        (void) snprintf(text, MASK_PHONE_BYTES, "****");
}

void
mask_card(const char *card, char text[static MASK_CARD_BYTES])
{
    const struct folded in = check_fold(card, " ");

    if (in.count >= 12 && in.count <= 19 && all_digits(in.text, in.count))
        (void) snprintf(text, MASK_CARD_BYTES, "%.4s **** **** %.4s", in.text,
                        in.text + in.count - 4);
    else
        (void) snprintf(text, MASK_CARD_BYTES, "**** ****");
}
