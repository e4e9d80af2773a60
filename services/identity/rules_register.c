/* rules_register.c - what the register takes.  Pure: no clock, no database, no allocation, no log.
 */
#include "rules_register.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/utf8.h"

/* --- words --- */

struct word {
    int number;
    const char *code, *name, *others;
};

static const struct word relations[] = {
#define RELATION(number, name, others) { number, "", name, others },
#include "relations.def"
#undef RELATION
};
static const struct word categories[] = {
#define CATEGORY(number, code, name, others, low_income) { number, code, name, others },
#include "categories.def"
#undef CATEGORY
};
static const struct word kinds[] = {
    { PERSON_ID_RESIDENT, "", "居民身份证", "身份证|居民户口簿|户口簿" },
    { PERSON_ID_FOREIGN_RESIDENT, "", "外国人永久居留身份证", "外国人永久居留证" },
    { PERSON_ID_HMT_RESIDENT, "", "港澳台居民居住证", "港澳居民居住证|台湾居民居住证" },
    { PERSON_ID_HMT_PERMIT, "", "港澳台通行证",
      "港澳居民来往内地通行证|台湾居民来往大陆通行证|回乡证|台胞证" },
    { PERSON_ID_PASSPORT, "", "护照", "外国护照" },
    { PERSON_ID_BIRTH_CERTIFICATE, "", "出生医学证明", "出生证|出生证明" },
};
/* 1 to 5: an entry; 11 to 14: a leaving. */
static const struct word changes[] = {
    { ENTRY_FIRST_REGISTER, "", "首次登记", "在册|无|无变动|正常" },
    { ENTRY_BIRTH, "", "出生", "新生儿" },
    { ENTRY_MARRIAGE, "", "婚入", "结婚迁入|嫁入|入赘" },
    { ENTRY_MOVED_IN, "", "迁入", "转入" },
    { ENTRY_RETURNED, "", "返回", "回迁|退伍返回|毕业返回" },
    { 10 + LEAVING_DIED, "", "死亡", "去世|注销" },
    { 10 + LEAVING_MOVED_OUT, "", "迁出", "转出|婚出|嫁出" },
    { 10 + LEAVING_SPLIT_OFF, "", "分户", "分出" },
    { 10 + LEAVING_IN_ERROR, "", "登记错误", "错登|误登" },
};

static bool
is_among(const char *names, const char *name)
{
    const size_t size = strlen(name);

    for (; *names; names += strcspn(names, "|"), names += *names == '|')
        if (strcspn(names, "|") == size && strncmp(names, name, size) == 0)
            return true;
    return false;
}

static int
word_of(const struct word *words, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i].name, name) == 0 || is_among(words[i].others, name))
            return words[i].number;
    return 0;
}

int
relation_of(const char *name)
{
    return word_of(relations, COUNT(relations), name);
}

const char *
relation_name(int number)
{
    for (size_t i = 0; i < COUNT(relations); i++)
        if (relations[i].number == number)
            return relations[i].name;
    return "其他";
}

int
category_of_name(const char *name)
{
    return word_of(categories, COUNT(categories), name);
}

int
category_of_code(const char *code)
{
    for (size_t i = 0; i < COUNT(categories); i++)
        if (strcmp(categories[i].code, code) == 0)
            return categories[i].number;
    return 0;
}

const char *
category_code(int number)
{
    for (size_t i = 0; i < COUNT(categories); i++)
        if (categories[i].number == number)
            return categories[i].code;
    return NULL;
}

/* --- columns and faults --- */

static const struct csv_column columns[COLUMN_COUNT] = {
#define COLUMN(symbol, names, optional) { names, optional },
#include "columns.def"
#undef COLUMN
};

void
csv_columns(struct csv_column out[static COLUMN_COUNT])
{
    memcpy(out, columns, sizeof columns);
}

const char *
column_name(int column)
{
    static const char *const names[COLUMN_COUNT] = {
        [COLUMN_NUMBER] = "户号",         [COLUMN_RELATION] = "与户主关系",
        [COLUMN_NAME] = "姓名",           [COLUMN_SEX] = "性别",
        [COLUMN_ID_KIND] = "证件类型",    [COLUMN_ID_NUMBER] = "证件号码",
        [COLUMN_BIRTH] = "出生日期",      [COLUMN_PHONE] = "电话",
        [COLUMN_VILLAGE] = "村代码",      [COLUMN_CATEGORIES] = "人员类别",
        [COLUMN_REGISTERED] = "户籍在册", [COLUMN_COLLECTIVE] = "集体成员",
        [COLUMN_RESIDENT] = "常住",       [COLUMN_CHANGE] = "变动类型",
        [COLUMN_CHANGE_ON] = "变动日期",
    };

    return column >= 1 && column <= COLUMN_COUNT ? names[column - 1] : "";
}

#define FAULT(symbol, wire, english, chinese)                                                      \
    static const char FAULT_##symbol[] __attribute__((unused)) = wire;
#include "faults.def"
#undef FAULT

static const struct {
    const char *wire, *english, *chinese;
} faults_known[] = {
#define FAULT(symbol, wire, english, chinese) { wire, english, chinese },
#include "faults.def"
#undef FAULT
};

const char *
fault_says(const char *code, bool chinese)
{
    const char *dot = strchr(code, '.');
    const char *name = dot ? dot + 1 : code;

    for (size_t i = 0; i < COUNT(faults_known); i++)
        if (strcmp(faults_known[i].wire, code) == 0)
            return chinese ? faults_known[i].chinese : faults_known[i].english;
    for (int i = 1; strncmp(code, "file.", 5) == 0 && i < CSV_FAULT_COUNT; i++)
        if (strcmp(csv_fault_name((enum csv_fault) i), name) == 0)
            return chinese ? csv_fault_zh((enum csv_fault) i) : csv_fault_en((enum csv_fault) i);
    for (int i = 1; i < CHECK_COUNT; i++)
        if (strcmp(check_name((enum check_result) i), name) == 0)
            return chinese ? check_says_zh((enum check_result) i)
                           : check_says_en((enum check_result) i);
    return code;
}

void
value_class_of(const char *value, char out[static VALUE_CLASS_BYTES])
{
    const char *end = value + strlen(value);
    size_t count = 0, digits = 0, latin = 0, wide = 0;
    uint32_t code;

    while (value < end && utf8_next(&value, end, &code)) {
        count++;
        digits += code >= '0' && code <= '9';
        latin += (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
        wide += code >= 0x80;
    }
    if (count == 0)
        (void) snprintf(out, VALUE_CLASS_BYTES, "empty");
    else
        (void) snprintf(out, VALUE_CLASS_BYTES, "%s(%zu)",
                        digits == count  ? "digits"
                        : latin == count ? "latin"
                        : wide == count  ? "text"
                                         : "mixed",
                        count < 9999 ? count : 9999);
}

/* --- fields --- */

static const char *
number_code(const char *prefix, enum check_result result)
{
    static const struct {
        enum check_result result;
        const char *id, *phone;
    } codes[] = {
        { CHECK_LENGTH, "id_number.length", "phone.length" },
        { CHECK_CHARACTERS, "id_number.characters", "phone.characters" },
        { CHECK_DATE, "id_number.date", "phone.characters" },
        { CHECK_CHECKSUM, "id_number.checksum", "phone.characters" },
        { CHECK_FUTURE, "id_number.future", "phone.characters" },
        { CHECK_AGE, "id_number.age", "phone.characters" },
        { CHECK_PREFIX, "id_number.characters", "phone.prefix" },
    };

    for (size_t i = 0; i < COUNT(codes); i++)
        if (codes[i].result == result)
            return prefix[0] == 'i' ? codes[i].id : codes[i].phone;
    return "id_number.form";
}

/* Letters and digits of a foreign document, capitals; blanks are gone. */
static bool
letters_and_digits(const char *text, size_t least, size_t most,
                   char out[static PERSON_NUMBER_BYTES])
{
    size_t n = 0;

    for (; *text; text++) {
        const char c = *text;
        if (c == ' ')
            continue;
        const bool digit = c >= '0' && c <= '9', small = c >= 'a' && c <= 'z';
        if ((!digit && !small && !(c >= 'A' && c <= 'Z')) || n >= most ||
            n + 1 >= PERSON_NUMBER_BYTES)
            return false;
        out[n++] = small ? (char) (c - 'a' + 'A') : c;
    }
    out[n] = '\0';
    return n >= least;
}

static bool
letter_then_digits(const char *text, size_t letters, size_t digits_least, size_t digits_most)
{
    const size_t size = strlen(text), digits = size - letters;

    if (size < letters || digits < digits_least || digits > digits_most)
        return false;
    for (size_t i = 0; i < size; i++)
        if ((i < letters) != (text[i] >= 'A' && text[i] <= 'Z'))
            return false;
    return true;
}

const char *
rule_person_number(enum person_id_kind kind, const char *text, date_t today, struct id_number *gb,
                   char out[static PERSON_NUMBER_BYTES])
{
    static const enum id_kind gb_kinds[] = { [PERSON_ID_RESIDENT] = ID_KIND_RESIDENT,
                                             [PERSON_ID_FOREIGN_RESIDENT] = ID_KIND_FOREIGN,
                                             [PERSON_ID_HMT_RESIDENT] = ID_KIND_HMT_PERMIT };

    if (text[0] == '\0')
        return FAULT_EMPTY;
    if (kind <= PERSON_ID_HMT_RESIDENT) {
        const enum check_result result = check_id_number(text, today, gb);
        if (result != CHECK_OK)
            return number_code("id", result);
        if (gb->kind != gb_kinds[kind])
            return FAULT_ID_KIND_DIFFERS;
        memcpy(out, gb->text, ID_NUMBER_BYTES);
        return NULL;
    }
    if (!letters_and_digits(text, 5, 17, out))
        return FAULT_ID_FORM;
    if (kind == PERSON_ID_HMT_PERMIT && !letter_then_digits(out, 1, 8, 10) &&
        !letter_then_digits(out, 0, 8, 8))
        return FAULT_ID_FORM;
    if (kind == PERSON_ID_BIRTH_CERTIFICATE && !letter_then_digits(out, 1, 9, 9))
        return FAULT_ID_FORM;
    return NULL;
}

bool
person_number_canonical(const char *text, date_t today, char out[static PERSON_NUMBER_BYTES])
{
    struct id_number gb;

    if (check_id_number(text, today, &gb) == CHECK_OK) {
        memcpy(out, gb.text, ID_NUMBER_BYTES);
        return true;
    }
    return letters_and_digits(text, 5, 17, out);
}

const char *
rule_person_name(const char *text, char out[static PERSON_NAME_BYTES])
{
    const char *at = text, *end = text + strlen(text);
    size_t count = 0;
    uint32_t code;

    if (at == end)
        return FAULT_EMPTY;
    for (; at < end; count++)
        if (!utf8_next(&at, end, &code) || code < 0x20 || code == 0x7F ||
            (code >= '0' && code <= '9'))
            return FAULT_NAME_FORM;
    if (count > 50 || (size_t) (end - text) >= PERSON_NAME_BYTES)
        return FAULT_NAME_FORM;
    memcpy(out, text, (size_t) (end - text) + 1);
    return NULL;
}

/* A number of at most `digits` digits; steps over it. */
static bool
digits_read(const char **at, int digits, int *number)
{
    int n = 0;

    *number = 0;
    while (n < digits && **at >= '0' && **at <= '9') {
        *number = *number * 10 + (*(*at)++ - '0');
        n++;
    }
    return n > 0;
}

bool
date_from_text(const char *text, date_t *date)
{
    int year = 0, month = 0, day = 0;
    const char *at = text;
    char form[DATE_TEXT_BYTES + 16];

    if (strlen(text) == 8 && strspn(text, "0123456789") == 8) {
        (void) snprintf(form, sizeof form, "%.4s-%.2s-%.2s", text, text + 4, text + 6);
        return date_parse(form, date);
    }
    if (!digits_read(&at, 4, &year) || year < 1000)
        return false;
    static const char *const after_year[] = { "-", "/", ".", "年" };
    static const char *const after_month[] = { "-", "/", ".", "月" };
    for (size_t i = 0; i < COUNT(after_year); i++) {
        const size_t one = strlen(after_year[i]), two = strlen(after_month[i]);
        const char *here = at;
        if (strncmp(here, after_year[i], one) != 0)
            continue;
        here += one;
        if (!digits_read(&here, 2, &month) || strncmp(here, after_month[i], two) != 0)
            return false;
        here += two;
        if (!digits_read(&here, 2, &day))
            return false;
        if (two > 1 && strncmp(here, "日", strlen("日")) == 0)
            here += strlen("日");
        (void) snprintf(form, sizeof form, "%04d-%02d-%02d", year, month, day);
        return *here == '\0' && date_parse(form, date);
    }
    return false;
}

/* --- a row --- */

struct reading {
    const struct register_facts *facts;
    const char *const *fields;
    struct register_row *row;
    struct row_fault *faults;
    size_t fault_count;
};

static void
blame(struct reading *r, enum register_column column, const char *code)
{
    struct row_fault *fault = &r->faults[r->fault_count];

    for (size_t i = 0; i < r->fault_count; i++)
        if (r->faults[i].column == (int) column + 1)
            return;
    fault->row = r->row->row;
    fault->column = (int) column + 1;
    value_class_of(r->fields[column], fault->value_class);
    (void) snprintf(fault->code, sizeof fault->code, "%s", code);
    r->fault_count++;
}

static void
read_household(struct reading *r)
{
    const char *number = r->fields[COLUMN_NUMBER];
    const size_t size = strlen(number);

    if (size == 0)
        blame(r, COLUMN_NUMBER, FAULT_EMPTY);
    else if (size >= HOUSEHOLD_NUMBER_BYTES ||
             strspn(number, "0123456789-"
                            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") != size)
        blame(r, COLUMN_NUMBER, FAULT_NUMBER_FORM);
    else
        memcpy(r->row->number, number, size + 1);
    r->row->relation = relation_of(r->fields[COLUMN_RELATION]);
    if (r->row->relation == 0)
        blame(r, COLUMN_RELATION,
              r->fields[COLUMN_RELATION][0] ? FAULT_RELATION_UNKNOWN : FAULT_EMPTY);
}

static int
village_cmp(const void *code, const void *village)
{
    return strcmp(code, ((const struct village *) village)->code);
}

static void
read_village(struct reading *r)
{
    const char *code = r->fields[COLUMN_VILLAGE];

    if (strlen(code) != 12 || strspn(code, "0123456789") != 12) {
        blame(r, COLUMN_VILLAGE, code[0] ? FAULT_VILLAGE_FORM : FAULT_EMPTY);
        return;
    }
    const struct village *village = bsearch(code, r->facts->villages, r->facts->village_count,
                                            sizeof *r->facts->villages, village_cmp);
    if (!village)
        blame(r, COLUMN_VILLAGE, FAULT_VILLAGE_UNKNOWN);
    else if (!village->covered)
        blame(r, COLUMN_VILLAGE, FAULT_VILLAGE_OUTSIDE);
    else
        r->row->village = village->id;
}

static int
sex_of(const char *text)
{
    if (strcmp(text, "男") == 0 || strcmp(text, "1") == 0)
        return CHECK_MALE;
    return strcmp(text, "女") == 0 || strcmp(text, "2") == 0 ? CHECK_FEMALE : 0;
}

/* The number, and what it says of sex and birth against what the list says. */
static void
read_number(struct reading *r)
{
    const char *kind = r->fields[COLUMN_ID_KIND], *sex = r->fields[COLUMN_SEX];
    const char *birth = r->fields[COLUMN_BIRTH];
    struct register_row *row = r->row;
    struct id_number gb = { .birth = { 0 } };

    row->id_kind =
        kind[0] ? (enum person_id_kind) word_of(kinds, COUNT(kinds), kind) : PERSON_ID_RESIDENT;
    if (row->id_kind == 0) {
        blame(r, COLUMN_ID_KIND, FAULT_ID_KIND_UNKNOWN);
        return;
    }
    const char *code = rule_person_number(row->id_kind, r->fields[COLUMN_ID_NUMBER],
                                          r->facts->today, &gb, row->id_number);
    if (code)
        blame(r, COLUMN_ID_NUMBER, code);
    const bool says = !code && row->id_kind <= PERSON_ID_HMT_RESIDENT;
    row->sex = (enum check_sex) sex_of(sex);
    if (row->sex == 0 && (sex[0] || (!says && !code)))
        blame(r, COLUMN_SEX, sex[0] ? FAULT_SEX_UNKNOWN : FAULT_EMPTY);
    else if (says && row->sex != 0 && row->sex != gb.sex)
        blame(r, COLUMN_SEX, FAULT_SEX_DIFFERS);
    else if (says)
        row->sex = gb.sex;
    const bool given = birth[0] && date_from_text(birth, &row->birth);
    if (!given && (birth[0] || (!says && !code)))
        blame(r, COLUMN_BIRTH, birth[0] ? FAULT_BIRTH_FORM : FAULT_EMPTY);
    else if (says && given && row->birth.days != gb.birth.days)
        blame(r, COLUMN_BIRTH, FAULT_BIRTH_DIFFERS);
    else if (given && row->birth.days > r->facts->today.days)
        blame(r, COLUMN_BIRTH, FAULT_BIRTH_FUTURE);
    else if (given && check_age_years(row->birth, r->facts->today) > 130)
        blame(r, COLUMN_BIRTH, FAULT_BIRTH_AGE);
    else if (says)
        row->birth = gb.birth;
    if (row->id_kind == PERSON_ID_BIRTH_CERTIFICATE && !code && given &&
        r->facts->today.days - row->birth.days > CERTIFICATE_DAYS)
        blame(r, COLUMN_ID_KIND, FAULT_CERTIFICATE_OLD);
}

static void
read_phone(struct reading *r)
{
    const char *phone = r->fields[COLUMN_PHONE];

    r->row->phone[0] = '\0';
    if (phone[0] == '\0')
        return;
    const enum check_result result = check_phone(phone, r->row->phone);
    if (result != CHECK_OK)
        blame(r, COLUMN_PHONE, number_code("phone", result));
}

/* Names apart by 、 ， , ; ； or blanks. */
static void
read_categories(struct reading *r)
{
    const char *at = r->fields[COLUMN_CATEGORIES];
    char word[IMPORT_FIELD_BYTES_MAX + 1];

    while (*at) {
        size_t size = 0, apart = 0;
        static const char *const marks[] = { "、", "，", "；", ",", ";", " ", "/" };
        while (at[size] && apart == 0) {
            for (size_t i = 0; i < COUNT(marks) && apart == 0; i++)
                if (strncmp(at + size, marks[i], strlen(marks[i])) == 0)
                    apart = strlen(marks[i]);
            size += apart == 0;
        }
        if (size > 0 && size < sizeof word) {
            memcpy(word, at, size);
            word[size] = '\0';
            const int category = category_of_name(word);
            if (category == 0) {
                blame(r, COLUMN_CATEGORIES, FAULT_CATEGORY_UNKNOWN);
                return;
            }
            r->row->categories |= UINT32_C(1) << category;
        }
        at += size + apart;
    }
}

/* 1 yes, 0 no, -1 neither. */
static int
yes_or_no(const char *text)
{
    static const char yes[] = "是|有|1|Y|y|√|✓|✔", no[] = "否|无|0|N|n|×|✗";

    if (text[0] == '\0' || is_among(no, text))
        return 0;
    return is_among(yes, text) ? 1 : -1;
}

static void
read_grounds(struct reading *r)
{
    static const struct {
        enum register_column column;
        enum person_ground ground;
    } grounds[] = { { COLUMN_REGISTERED, GROUND_REGISTERED },
                    { COLUMN_COLLECTIVE, GROUND_COLLECTIVE },
                    { COLUMN_RESIDENT, GROUND_RESIDENT } };
    bool bad = false;

    for (size_t i = 0; i < COUNT(grounds); i++) {
        const int is = yes_or_no(r->fields[grounds[i].column]);
        if (is < 0)
            blame(r, grounds[i].column, FAULT_GROUND_FORM);
        bad |= is < 0;
        r->row->grounds |= is == 1 ? 1 << grounds[i].ground : 0;
    }
    if (r->row->grounds == 0 && !bad && r->row->leaving == LEAVING_NONE)
        blame(r, COLUMN_REGISTERED, FAULT_GROUND_NONE);
}

static void
read_change(struct reading *r)
{
    const char *change = r->fields[COLUMN_CHANGE], *on = r->fields[COLUMN_CHANGE_ON];
    struct register_row *row = r->row;
    int number = ENTRY_FIRST_REGISTER;

    if (change[0])
        number = word_of(changes, COUNT(changes), change);
    if (number == 0)
        blame(r, COLUMN_CHANGE, FAULT_CHANGE_UNKNOWN);
    row->entry = number > 10 ? ENTRY_NONE : (enum person_entry) number;
    row->leaving = number > 10 ? (enum person_leaving)(number - 10) : LEAVING_NONE;
    row->has_date = on[0] && date_from_text(on, &row->on);
    if (on[0] && !row->has_date)
        blame(r, COLUMN_CHANGE_ON, FAULT_CHANGE_DATE_FORM);
    else if (!on[0] && number > ENTRY_FIRST_REGISTER)
        blame(r, COLUMN_CHANGE_ON, FAULT_CHANGE_DATE_EMPTY);
    else if (row->has_date && row->on.days > r->facts->today.days)
        blame(r, COLUMN_CHANGE_ON, FAULT_CHANGE_FUTURE);
}

size_t
rule_register_row(const struct register_facts *facts, const char *const fields[COLUMN_COUNT],
                  struct register_row *out, struct row_fault faults[static COLUMN_COUNT])
{
    struct reading r = { .facts = facts, .fields = fields, .row = out, .faults = faults };
    const size_t row = out->row;

    *out = (struct register_row){ .row = row };
    read_household(&r);
    const char *code = rule_person_name(fields[COLUMN_NAME], out->name);
    if (code)
        blame(&r, COLUMN_NAME, code);
    read_village(&r);
    read_number(&r);
    read_phone(&r);
    read_categories(&r);
    read_change(&r);
    read_grounds(&r);
    if (r.fault_count == 0 && out->has_date && out->on.days < out->birth.days)
        blame(&r, COLUMN_CHANGE_ON, FAULT_CHANGE_EARLY);
    return r.fault_count;
}

/* --- pieces and states --- */

err_t
rule_import_piece(const struct import_piece *piece, struct err *err)
{
    if (piece->start < 0 || piece->start > IMPORT_BYTES_MAX)
        return err_at(err, ERR_INVALID, "$.offset", IMPORT_PIECE, "the offset is out of bounds");
    if (piece->size > IMPORT_PIECE_BYTES_MAX || piece->size == 0 ||
        (piece->size < IMPORT_PIECE_BYTES_MIN && !piece->last))
        return err_at(err, ERR_INVALID, "$.data", IMPORT_PIECE,
                      "a piece has %zu to %zu bytes (the last one 1 at least), not %zu",
                      IMPORT_PIECE_BYTES_MIN, IMPORT_PIECE_BYTES_MAX, piece->size);
    if (piece->start + (int64_t) piece->size > IMPORT_BYTES_MAX)
        return err_at(err, ERR_INVALID, "$.data", IMPORT_TOO_LARGE, "a list has at most %d bytes",
                      (int) IMPORT_BYTES_MAX);
    return ERR_OK;
}

err_t
rule_import_place(const struct import *import, const struct import_piece *piece, bool *next,
                  struct err *err)
{
    if (piece->start > import->size)
        return err_at(err, ERR_CONFLICT, "$.offset", IMPORT_GAP,
                      "%lld bytes are there; the next piece begins at them",
                      (long long) import->size);
    if (piece->start == import->size && (import->finished || import->state != IMPORT_RECEIVING))
        return err_set(err, ERR_CONFLICT, IMPORT_FINISHED, "the list is complete");
    *next = piece->start == import->size;
    return ERR_OK;
}

static const struct move {
    enum import_state from;
    enum import_event on;
    enum import_state to;
} moves[] = {
#define MOVE(from, on, to, why) { IMPORT_##from, ON_IMPORT_##on, IMPORT_##to },
#include "import_moves.def"
#undef MOVE
};

err_t
import_move(struct import *import, enum import_event on, struct err *err)
{
    if (on == ON_IMPORT_CHECK && !import->finished)
        return err_set(err, ERR_CONFLICT, IMPORT_UNFINISHED, "not all of the list is here yet");
    for (size_t i = 0; i < COUNT(moves); i++) {
        if (moves[i].from != import->state || moves[i].on != on)
            continue;
        if (on == ON_IMPORT_APPROVE && import->faults > 0)
            return err_set(err, ERR_REFUSED, IMPORT_FAULTY,
                           "the list has %lld faults; it is taken whole or not at all",
                           (long long) import->faults);
        import->state = moves[i].to;
        return ERR_OK;
    }
    return err_set(err, ERR_CONFLICT, IMPORT_MOVED_ON, "the list's state does not allow it");
}

/* --- turns --- */

enum { FAILURES_IN_A_ROW = 3 };
#define REST_US_MIN US_PER_SECOND
#define REST_US_MAX (INT64_C(300) * US_PER_SECOND)

/* The list's own, else one that nobody rests in. */
static struct import_turn *
turn_of(struct import_turns *turns, struct id id, int64_t now_us)
{
    struct import_turn *free_one = &turns->turns[0];

    for (size_t i = 0; i < TURNS_MAX; i++) {
        struct import_turn *turn = &turns->turns[i];
        if (id_cmp(turn->id, id) == 0)
            return turn;
        if (turn->rests_until_us <= now_us)
            free_one = turn;
    }
    *free_one = (struct import_turn){ .id = id, .version = -1 };
    return free_one;
}

bool
import_begins(struct import_turns *turns, struct id id, int64_t version, int64_t now_us)
{
    struct import_turn *turn = turn_of(turns, id, now_us);

    if (turn->version != version) {
        *turn = (struct import_turn){ .id = id, .version = version };
        return true;
    }
    if (turn->rests_until_us != 0 && turn->rests_until_us <= now_us) { /* it has rested */
        turn->rests_until_us = 0;
        return true;
    }
    if (++turn->failures < FAILURES_IN_A_ROW)
        return true;
    const int doublings = turn->failures - FAILURES_IN_A_ROW;
    const int64_t rest_us = REST_US_MIN << (doublings < 16 ? doublings : 16);
    turn->rests_until_us = now_us + (rest_us < REST_US_MAX ? rest_us : REST_US_MAX);
    return false;
}

size_t
imports_resting(const struct import_turns *turns, int64_t now_us, struct id ids[static TURNS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < TURNS_MAX; i++)
        if (turns->turns[i].rests_until_us > now_us)
            ids[count++] = turns->turns[i].id;
    return count;
}

/* --- who decides --- */

err_t
rule_may_decide(const struct import *import, struct id account, struct id person, struct err *err)
{
    if (id_cmp(import->account, account) != 0 &&
        (id_is_nil(person) || id_cmp(import->person, person) != 0))
        return ERR_OK;
    return err_set(err, ERR_REFUSED, IMPORT_SELF, "who sends a list does not decide on it");
}
