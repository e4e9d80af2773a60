/* check.c - one fold of what people type, then a rule per kind of number. */
#include "check/check.h"

#include <stdio.h>
#include <string.h>

#include "check/fold.h"

static const struct {
    const char *name, *zh, *en;
} results[CHECK_COUNT] = {
    [CHECK_OK] = { "ok", "正确", "it is well formed" },
#define CHECK(result, name, zh, en) [CHECK_##result] = { (name), (zh), (en) },
#include "check/check.def"
#undef CHECK
};

const char *
check_name(enum check_result result)
{
    assert((unsigned) result < CHECK_COUNT);
    return results[result].name;
}

const char *
check_says_zh(enum check_result result)
{
    assert((unsigned) result < CHECK_COUNT);
    return results[result].zh;
}

const char *
check_says_en(enum check_result result)
{
    assert((unsigned) result < CHECK_COUNT);
    return results[result].en;
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t
leading_digits(const char *text)
{
    size_t n = 0;

    while (is_digit(text[n]))
        n++;
    return n;
}

int
check_age_years(date_t birth, date_t today)
{
    int year, month, day, this_year, this_month, this_day;

    date_to_civil(birth, &year, &month, &day);
    date_to_civil(today, &this_year, &this_month, &this_day);
    return this_year - year - (this_month < month || (this_month == month && this_day < day));
}

/* GB 11643, of 17 digits. */
static char
id_check_character(const char *digits)
{
    static const int weights[17] = { 7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2 };
    int sum = 0;

    for (int i = 0; i < 17; i++)
        sum += weights[i] * (digits[i] - '0');
    return "10X98765432"[sum % 11];
}

/* RRRRRRYYMMDDSSS.  The sequences 996 to 999 were kept for people born in the 1800s. */
static void
convert_15(const char *old, char text[static ID_NUMBER_BYTES])
{
    const bool old_century = strncmp(old + 12, "99", 2) == 0 && old[14] >= '6';

    memcpy(text, old, 6);
    memcpy(text + 6, old_century ? "18" : "19", 2);
    memcpy(text + 8, old + 6, 9);
    text[17] = id_check_character(text);
    text[18] = '\0';
}

static enum id_kind
id_kind_of(const char *text)
{
    if (text[0] == '9')
        return ID_KIND_FOREIGN;
    if (text[0] == '8' && text[1] >= '1' && text[1] <= '3')
        return ID_KIND_HMT_PERMIT;
    return ID_KIND_RESIDENT;
}

/* GB/T 2260: the provinces have not changed their first two digits since the numbers began, so
 * this needs no history; counties do, and are the register's business. */
static bool
is_province(const char *text)
{
    static const char *const provinces = "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 "
                                         "45 46 50 51 52 53 54 61 62 63 64 65 71 ";
    const char prefix[4] = { text[0], text[1], ' ', '\0' };

    return strstr(provinces, prefix) != NULL;
}

static bool
id_birth_date(const char *text, date_t *birth)
{
    char day[DATE_TEXT_BYTES] = "YYYY-MM-DD";

    memcpy(day, text + 6, 4);
    memcpy(day + 5, text + 10, 2);
    memcpy(day + 8, text + 12, 2);
    return date_parse(day, birth);
}

enum check_result
check_id_number(const char *text, date_t today, struct id_number *out)
{
    const struct folded in = check_fold(text, "");
    struct id_number id = { .converted = in.count == 15 };

    if (in.count != 18 && in.count != 15)
        return CHECK_LENGTH;
    const size_t digits = leading_digits(in.text);
    if (digits != in.count && !(digits == 17 && in.text[17] == 'X'))
        return CHECK_CHARACTERS;
    if (id.converted)
        convert_15(in.text, id.text);
    else
        memcpy(id.text, in.text, sizeof id.text);
    /* The date comes first: it tells better where the slip is. */
    if (!id_birth_date(id.text, &id.birth))
        return CHECK_DATE;
    if (id_check_character(id.text) != id.text[17])
        return CHECK_CHECKSUM;
    if (id.birth.days > today.days)
        return CHECK_FUTURE;
    const int age = check_age_years(id.birth, today);
    if (age > 130)
        return CHECK_AGE;
    id.warn_age_over_120 = age > 120;
    id.sex = (id.text[16] - '0') % 2 ? CHECK_MALE : CHECK_FEMALE;
    id.kind = id_kind_of(id.text);
    id.warn_region = id.kind == ID_KIND_RESIDENT && !is_province(id.text);
    *out = id;
    return CHECK_OK;
}

/* GB 32100; the second mod 31 is the one that is often forgotten. */
static bool
uscc_checksum_holds(const int values[static 18])
{
    int weight = 1, sum = 0;

    for (int i = 0; i < 17; i++) {
        sum += weight * values[i];
        weight = weight * 3 % 31;
    }
    return values[17] == (31 - sum % 31) % 31;
}

enum check_result
check_uscc(const char *text, struct uscc *out)
{
    static const char alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    const struct folded in = check_fold(text, "");
    int values[18];

    if (in.count != 18)
        return CHECK_LENGTH;
    for (int i = 0; i < 18; i++) {
        const char *at = memchr(alphabet, in.text[i], sizeof alphabet - 1);
        if (!at)
            return CHECK_CHARACTERS;
        values[i] = (int) (at - alphabet);
    }
    memcpy(out->text, in.text, sizeof out->text);
    out->warn_checksum = !uscc_checksum_holds(values);
    return CHECK_OK;
}

bool
check_luhn(const char *digits)
{
    const size_t count = strlen(digits);
    int sum = 0;

    for (size_t i = 0; i < count; i++) {
        const int digit = digits[count - 1 - i] - '0';
        if (digit < 0 || digit > 9)
            return false;
        const int doubled = digit * 2;
        sum += i % 2 == 0 ? digit : doubled > 9 ? doubled - 9 : doubled;
        sum %= 10;
    }
    return count > 0 && sum == 0;
}

enum check_result
check_bank_card(const char *text, struct bank_card *out)
{
    const struct folded in = check_fold(text, " ");

    if (in.count < 12 || in.count > 19)
        return CHECK_LENGTH;
    if (leading_digits(in.text) != in.count)
        return CHECK_CHARACTERS;
    memcpy(out->digits, in.text, sizeof out->digits);
    out->warn_luhn = !check_luhn(out->digits);
    return CHECK_OK;
}

enum check_result
check_phone(const char *text, char out[static PHONE_BYTES])
{
    const struct folded in = check_fold(text, " -");
    size_t skipped = 0;

    if (strncmp(in.text, "+86", 3) == 0)
        skipped = 3;
    else if (strncmp(in.text, "0086", 4) == 0)
        skipped = 4;
    const char *number = in.text + skipped;
    if (in.count - skipped != 11)
        return CHECK_LENGTH;
    if (leading_digits(number) != 11)
        return CHECK_CHARACTERS;
    if (number[0] != '1' || number[1] < '3')
        return CHECK_PREFIX;
    (void) snprintf(out, PHONE_BYTES, "+86%s", number);
    return CHECK_OK;
}

enum check_result
check_division_code(const char *text, struct division_code *out)
{
    const struct folded in = check_fold(text, "");

    switch (in.count) {
    case DIVISION_PROVINCE:
    case DIVISION_CITY:
    case DIVISION_COUNTY:
    case DIVISION_TOWN:
    case DIVISION_VILLAGE:
        break;
    default:
        return CHECK_LENGTH;
    }
    if (leading_digits(in.text) != in.count)
        return CHECK_CHARACTERS;
    memcpy(out->text, in.text, sizeof out->text);
    out->level = (enum division_level) in.count;
    return CHECK_OK;
}
