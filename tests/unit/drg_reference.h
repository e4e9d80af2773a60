/* drg_reference.h - a grouper that is slow and obviously right, for comparing with the real one.
 *
 * It reads the rules as text each time and the tables row by row, and shares no code with the
 * library. */
#ifndef HUZHU_TEST_DRG_REFERENCE_H
#define HUZHU_TEST_DRG_REFERENCE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REF_ROWS = 128, REF_CODES = 12, REF_TEXT = 256 };

struct ref_table {
    char cell[REF_ROWS][7][REF_TEXT];
    int rows;
};
/* Columns as in FORMAT.md. */
struct ref_scheme {
    struct ref_table mdc, adrg, drg, lists, mcc, cc, exclusions, dx, proc, dx_map, proc_map;
    int newborn_days;
    bool retry;
};
struct ref_record {
    char sex[2];
    int age, days, weight, los, icu; /* -1 missing, -2 no number */
    char dept[8], leave[4];
    char dx[REF_CODES][16], op[REF_CODES][16];
    int dx_count, op_count;
};
struct ref_answer {
    char status[20], mdc[8], adrg[8], drg[8];
};

/* The value of the column `to` in the first row whose column `from` is key; NULL: no such row. */
static const char *
ref_find(const struct ref_table *t, int from, const char *key, int to)
{
    for (int i = 0; i < t->rows; i++) {
        if (strcmp(t->cell[i][from], key) == 0)
            return t->cell[i][to];
    }
    return NULL;
}

static bool
ref_in(const struct ref_scheme *s, const char *list, const char *code)
{
    const char *valid = ref_find(&s->proc, 0, code, 2);

    if (strcmp(list, "VALID") == 0)
        return valid && strcmp(valid, "1") == 0;
    for (int i = 0; i < s->lists.rows; i++) {
        if (strcmp(s->lists.cell[i][0], list) == 0 && strcmp(s->lists.cell[i][1], code) == 0)
            return true;
    }
    return false;
}

static bool
ref_any(const struct ref_scheme *s, const char *list, const char (*codes)[16], int from, int to)
{
    for (int i = from; i < to; i++) {
        if (codes[i][0] != '\0' && ref_in(s, list, codes[i]))
            return true;
    }
    return false;
}

static int
ref_parts(const struct ref_scheme *s, const char *list, const struct ref_record *r)
{
    const char *seen[REF_ROWS];
    int count = 0;

    for (int i = 0; i < s->lists.rows; i++) {
        bool there = strcmp(s->lists.cell[i][0], list) != 0 || s->lists.cell[i][2][0] == '\0',
             has = false;
        for (int j = 0; j < r->dx_count; j++)
            has |= strcmp(r->dx[j], s->lists.cell[i][1]) == 0;
        for (int j = 0; j < count; j++)
            there |= strcmp(seen[j], s->lists.cell[i][2]) == 0;
        if (has && !there)
            seen[count++] = s->lists.cell[i][2];
    }
    return count;
}

static bool
ref_complication(const struct ref_table *t, const struct ref_scheme *s, const struct ref_record *r)
{
    const char *principal = ref_find(&s->exclusions, 0, r->dx[0], 1);

    for (int i = 1; i < r->dx_count; i++) {
        const char *table = ref_find(t, 0, r->dx[i], 1);
        if (table && !(principal && principal[0] != '\0' && strcmp(principal, table) == 0))
            return true;
    }
    return false;
}

static int
ref_number(const char *digits)
{
    int number = 0;

    for (; *digits >= '0' && *digits <= '9'; digits++)
        number = number * 10 + (*digits - '0');
    return number;
}

static bool
ref_compare(const char *sign, int a, int b)
{
    return strcmp(sign, "=") == 0    ? a == b
           : strcmp(sign, "!=") == 0 ? a != b
           : strcmp(sign, "<") == 0  ? a < b
           : strcmp(sign, "<=") == 0 ? a <= b
           : strcmp(sign, ">") == 0  ? a > b
                                     : a >= b;
}

/* The rule language: every token is read whether it matters or not. */
static const char *ref_at;
static char ref_token[REF_TEXT];

static const char *
ref_next(void)
{
    size_t n = 0;

    ref_at += strspn(ref_at, " ");
    if (*ref_at == '(' || *ref_at == ')')
        n = 1;
    else if (strchr("!=<>", *ref_at) && *ref_at)
        n = strspn(ref_at, "!=<>");
    else
        n = strcspn(ref_at, " ()!=<>");
    (void) snprintf(ref_token, sizeof ref_token, "%.*s", (int) n, ref_at);
    ref_at += n;
    return ref_token;
}

static bool
ref_peek(const char *word)
{
    const char *back = ref_at;
    const bool is = strcmp(ref_next(), word) == 0;

    if (!is)
        ref_at = back;
    return is;
}

static bool ref_or(const struct ref_scheme *s, const struct ref_record *r);

static bool
ref_atom(const struct ref_scheme *s, const struct ref_record *r)
{
    char name[REF_TEXT], sign[REF_TEXT], list[REF_TEXT];
    static const char *const slots[] = { "pdx", "sdx", "dx", "pop", "sop", "op" };
    static const char *const numbers[] = { "age", "days", "weight", "los", "icu" };
    const int values[] = { r->age, r->days, r->weight == 0 ? -1 : r->weight, r->los, r->icu };

    (void) snprintf(name, sizeof name, "%s", ref_next());
    if (strcmp(name, "always") == 0 || strcmp(name, "never") == 0)
        return name[0] == 'a';
    if (strcmp(name, "mcc") == 0 || strcmp(name, "cc") == 0)
        return ref_complication(name[0] == 'm' ? &s->mcc : &s->cc, s, r);
    for (int i = 0; i < 6; i++) {
        if (strcmp(name, slots[i]) != 0)
            continue;
        (void) ref_next(); /* in */
        const char(*codes)[16] = i < 3 ? r->dx : r->op;
        const int count = i < 3 ? r->dx_count : r->op_count;
        const int from = i % 3 == 1 ? 1 : 0, to = i % 3 == 0 && count > 1 ? 1 : count;
        return ref_any(s, ref_next(), codes, from, to);
    }
    if (strcmp(name, "parts") == 0)
        (void) snprintf(list, sizeof list, "%s", ref_next());
    (void) snprintf(sign, sizeof sign, "%s", ref_next());
    const char *wanted = ref_next();
    if (strcmp(name, "parts") == 0)
        return ref_compare(sign, ref_parts(s, list, r), ref_number(wanted));
    for (int i = 0; i < 5; i++) {
        if (strcmp(name, numbers[i]) == 0)
            return values[i] >= 0 && ref_compare(sign, values[i], ref_number(wanted));
    }
    const char *is = strcmp(name, "sex") == 0    ? r->sex
                     : strcmp(name, "dept") == 0 ? r->dept
                                                 : r->leave;
    return is[0] != '\0' && (strcmp(is, wanted) == 0) == (strcmp(sign, "=") == 0);
}

static bool
ref_unary(const struct ref_scheme *s, const struct ref_record *r)
{
    if (ref_peek("not"))
        return !ref_unary(s, r);
    if (!ref_peek("("))
        return ref_atom(s, r);
    const bool value = ref_or(s, r);
    (void) ref_next(); /* ) */
    return value;
}

static bool
ref_and(const struct ref_scheme *s, const struct ref_record *r)
{
    bool value = ref_unary(s, r);

    while (ref_peek("and"))
        value = ref_unary(s, r) && value;
    return value;
}

static bool
ref_or(const struct ref_scheme *s, const struct ref_record *r)
{
    bool value = ref_and(s, r);

    while (ref_peek("or"))
        value = ref_and(s, r) || value;
    return value;
}

static bool
ref_rule(const char *text, const struct ref_scheme *s, const struct ref_record *r)
{
    ref_at = text;
    return ref_or(s, r);
}

/* false: cannot be converted. */
static bool
ref_convert(const struct ref_table *map, char (*codes)[16], int *count)
{
    int kept = 0;

    for (int i = 0; i < *count; i++) {
        const char *to = ref_find(map, 0, codes[i], 1);
        if (!to || (i == 0 && to[0] == '\0'))
            return false;
        if (to[0] != '\0')
            (void) snprintf(codes[kept++], sizeof codes[0], "%s", to);
    }
    *count = kept;
    return true;
}

static bool
ref_take(const struct ref_scheme *s, const struct ref_record *r, struct ref_answer *a)
{
    for (int m = 0; m < s->mdc.rows; m++) {
        if (!ref_rule(s->mdc.cell[m][3], s, r))
            continue;
        for (int i = 0; i < s->adrg.rows; i++) {
            const char(*row)[REF_TEXT] = s->adrg.cell[i];
            const bool ambiguous = strcmp(row[4], "ambiguous") == 0;
            if (strcmp(row[1], s->mdc.cell[m][1]) != 0 || !ref_rule(row[6], s, r))
                continue;
            for (int d = ambiguous ? -1 : 0; d < s->drg.rows; d++) {
                if (d >= 0 &&
                    (strcmp(s->drg.cell[d][1], row[2]) != 0 || !ref_rule(s->drg.cell[d][4], s, r)))
                    continue;
                (void) snprintf(a->status, sizeof a->status, "%s", ambiguous ? "ambiguous" : "ok");
                (void) snprintf(a->mdc, sizeof a->mdc, "%.7s", row[1]);
                (void) snprintf(a->adrg, sizeof a->adrg, "%.7s", row[3]);
                (void) snprintf(a->drg, sizeof a->drg, "%.7s",
                                ambiguous ? row[3] : s->drg.cell[d][2]);
                return true;
            }
        }
    }
    return false;
}

static struct ref_answer
ref_group(const struct ref_scheme *s, struct ref_record r, bool convert)
{
    struct ref_answer a = { "no_group", "", "", "" };

    if (convert && !ref_convert(&s->dx_map, r.dx, &r.dx_count))
        return (struct ref_answer){ "dx_not_mapped", "", "", "" };
    if (convert && !ref_convert(&s->proc_map, r.op, &r.op_count))
        return (struct ref_answer){ "proc_not_mapped", "", "", "" };
    if (r.age < -1 || r.days < -1 || r.weight < -1 || r.los < -1 || r.icu < -1 ||
        r.sex[0] == '\0' || r.age == -1 || (r.age == 0 && r.days == -1) ||
        (r.age == 0 && r.days <= s->newborn_days && r.weight <= 0) || r.dx_count == 0 ||
        r.dx[0][0] == '\0')
        return (struct ref_answer){ "check_failed", "", "", "" };
    if (ref_take(s, &r, &a) || !s->retry)
        return a;
    for (int i = 1; i < r.op_count; i++) {
        struct ref_record alone = r;
        memcpy(alone.op[0], r.op[i], sizeof r.op[i]);
        alone.op_count = 1;
        if (ref_take(s, &alone, &a))
            return a;
    }
    return a;
}

#endif
