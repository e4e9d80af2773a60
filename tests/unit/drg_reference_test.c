/* drg_reference_test.c - the grouper against a plain one, on schemes that nobody has seen.
 *
 * Goal: the rule language is implemented as FORMAT.md says, in full, and not as the known packs use
 * it. Method: small random schemes (every atom, nested rules, any order of rows, retry, conversion)
 * and random records; the answer of drg_reference.h must be the grouper's, and explain's.
 * HUZHU_DRG_SEED and HUZHU_DRG_SCHEMES choose other runs. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "drg.h"
#include "drg_reference.h"
#include "pack.h"

enum { RECORDS = 60, DX_CODES = 14, OP_CODES = 10, DX_LISTS = 6, OP_LISTS = 5 };

static uint64_t state_of_chance;

static unsigned
chance(unsigned below)
{
    state_of_chance ^= state_of_chance << 13;
    state_of_chance ^= state_of_chance >> 7;
    state_of_chance ^= state_of_chance << 17;
    return (unsigned) ((state_of_chance >> 11) % below);
}

static void __attribute__((format(printf, 3, 4)))
cell(struct ref_table *t, int column, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(t->cell[t->rows][column], REF_TEXT, fmt, ap);
    va_end(ap);
}

/* Some codes are longer than 16 bytes' head would tell apart, as real ones are. */
static const char *
dx_code(unsigned i)
{
    static char code[2][24];
    static int turn;

    turn = !turn;
    (void) snprintf(code[turn], sizeof code[0],
                    i % 5 == 4   ? "A%02u.0x+J*"
                    : i % 3 == 0 ? "B%02u"
                                 : "C%02u.900x001",
                    i);
    return code[turn];
}

static const char *
op_code(unsigned i)
{
    static char code[2][24];
    static int turn;

    turn = !turn;
    (void) snprintf(code[turn], sizeof code[0], i % 2 ? "%02u.1" : "%02u.1200x0", i);
    return code[turn];
}

/* ---- a random rule ---- */

static void
put_atom(char *to, size_t room)
{
    static const char *const dx_slots[] = { "pdx", "sdx", "dx", "pdx" };
    static const char *const op_slots[] = { "pop", "sop", "op", "pop" };
    static const char *const signs[] = { "=", "!=", "<", "<=", ">", ">=" };
    static const char *const fields[] = { "age", "days", "weight", "los", "icu" };
    static const int numbers[] = { 0, 1, 17, 28, 70, 1500, 2500 };

    switch (chance(12)) {
    case 0:
        (void) snprintf(to, room, chance(4) ? "always" : "never");
        break;
    case 1:
    case 2:
    case 3:
    case 4:
        (void) snprintf(to, room, "%s in D%u", dx_slots[chance(4)], chance(DX_LISTS));
        break;
    case 5:
    case 6:
        (void) snprintf(to, room, "%s in P%u", op_slots[chance(4)], chance(OP_LISTS));
        break;
    case 7:
        (void) snprintf(to, room, "%s in VALID", op_slots[chance(4)]);
        break;
    case 8:
        (void) snprintf(to, room, "parts D%u %s %u", chance(DX_LISTS), signs[chance(6)], chance(4));
        break;
    case 9:
        (void) snprintf(to, room, "%s %s %d", fields[chance(5)], signs[chance(6)],
                        numbers[chance(7)]);
        break;
    case 10:
        (void) snprintf(to, room, "%s%s%s",
                        chance(2)   ? "sex"
                        : chance(2) ? "leave"
                                    : "dept",
                        chance(2) ? "=" : " != ",
                        chance(2)   ? "M"
                        : chance(2) ? "F"
                                    : "5");
        break;
    default:
        (void) snprintf(to, room, chance(2) ? "mcc" : "cc");
    }
}

static void
put_rule(char *to, size_t room, int depth)
{
    char left[REF_TEXT] = "", right[REF_TEXT] = "", whole[3 * REF_TEXT];

    if (depth == 0 || chance(3) == 0) {
        put_atom(to, room);
        return;
    }
    put_rule(left, sizeof left, depth - 1);
    put_rule(right, sizeof right, depth - 1);
    const unsigned shape = chance(5);
    if (shape == 0) {
        (void) snprintf(whole, sizeof whole, "not (%s)", left);
    } else if (shape == 4) { /* without parentheses the words' own binding decides */
        put_atom(left, sizeof left);
        put_atom(right, sizeof right);
        (void) snprintf(whole, sizeof whole, "%s or %s and not mcc", left, right);
    } else {
        (void) snprintf(whole, sizeof whole,
                        shape == 1   ? "(%s) or (%s)"
                        : shape == 2 ? "(%s) and not (%s)"
                                     : "(%s) and (%s)",
                        left, right);
    }
    if (strlen(whole) < room)
        memcpy(to, whole, strlen(whole) + 1);
    else
        put_atom(to, room);
}

/* ---- a random scheme ---- */

static void
make_lists(struct ref_scheme *s)
{
    for (unsigned list = 0; list < DX_LISTS; list++) {
        for (unsigned i = 0; i < DX_CODES; i++) {
            if (chance(3) != 0 && !(i == 0))
                continue;
            cell(&s->lists, 0, "D%u", list);
            cell(&s->lists, 1, "%s", dx_code(i));
            cell(&s->lists, 2, "%s", chance(3) ? (chance(2) ? "head" : "leg") : "");
            s->lists.rows++;
        }
    }
    for (unsigned list = 0; list < OP_LISTS; list++) {
        for (unsigned i = 0; i < OP_CODES; i++) {
            if (chance(3) != 0 && !(i == 0))
                continue;
            cell(&s->lists, 0, "P%u", list);
            cell(&s->lists, 1, "%s", op_code(i));
            cell(&s->lists, 2, "%s", "");
            s->lists.rows++;
        }
    }
}

static void
make_codes(struct ref_scheme *s)
{
    struct ref_table *const complications[] = { &s->mcc, &s->cc, &s->exclusions };

    for (unsigned i = 0; i < DX_CODES; i++) {
        if (i % 7 != 6) { /* some codes stand in lists alone */
            cell(&s->dx, 0, "%s", dx_code(i));
            cell(&s->dx, 1, "d%u", i);
            s->dx.rows++;
        }
        for (size_t j = 0; j < COUNT(complications); j++) {
            if (chance(3) != 0)
                continue;
            cell(complications[j], 0, "%s", dx_code(i));
            cell(complications[j], 1, "%.*s", chance(8) ? 1 : 0, chance(2) ? "1" : "2");
            complications[j]->rows++;
        }
        if (chance(6) != 0) {
            cell(&s->dx_map, 0, "%s", dx_code(i));
            cell(&s->dx_map, 1, "%s", chance(6) ? dx_code(chance(DX_CODES + 2)) : "");
            s->dx_map.rows++;
        }
    }
    for (unsigned i = 0; i < OP_CODES; i++) {
        cell(&s->proc, 0, "%s", op_code(i));
        cell(&s->proc, 1, "p%u", i);
        cell(&s->proc, 2, "%u", chance(2));
        s->proc.rows++;
        if (chance(6) != 0) {
            cell(&s->proc_map, 0, "%s", op_code(i));
            cell(&s->proc_map, 1, "%s", chance(6) ? op_code(chance(OP_CODES + 2)) : "");
            s->proc_map.rows++;
        }
    }
}

static void
make_rules(struct ref_scheme *s)
{
    const unsigned mdcs = 1 + chance(5), rows = 1 + chance(14), drgs = 1 + chance(30);

    for (unsigned i = 0; i < mdcs; i++, s->mdc.rows++) {
        cell(&s->mdc, 0, "%u", i * 3);
        cell(&s->mdc, 1, "%c", (int) ('A' + i));
        cell(&s->mdc, 2, "m");
        put_rule(s->mdc.cell[i][3], REF_TEXT, 2);
    }
    for (unsigned i = 0; i < rows; i++, s->adrg.rows++) { /* the MDCs' rows lie in any order */
        cell(&s->adrg, 0, "%u", i);
        cell(&s->adrg, 1, "%c", (int) ('A' + chance(mdcs)));
        cell(&s->adrg, 2, "K%u", i);
        cell(&s->adrg, 3, "A%u", i / 2);
        cell(&s->adrg, 4, chance(8) ? "group" : "ambiguous");
        cell(&s->adrg, 5, "a");
        put_rule(s->adrg.cell[i][6], REF_TEXT, 3);
    }
    for (unsigned i = 0; i < drgs; i++, s->drg.rows++) {
        cell(&s->drg, 0, "%u", i);
        cell(&s->drg, 1, "K%u", chance(rows));
        cell(&s->drg, 2, "G%u", i);
        cell(&s->drg, 3, "g");
        put_rule(s->drg.cell[i][4], REF_TEXT, (int) chance(3));
    }
}

/* A cell with the TAB before it; returns the bytes written. */
static size_t
put_cell(char *to, const char *text, int column)
{
    const size_t size = strlen(text);

    if (column > 0)
        *to++ = '\t';
    memcpy(to, text, size); /* NOLINT(bugprone-not-null-terminated-result): a cell within a line */
    return size + (column > 0);
}

static struct tsv_bytes
write_table(struct arena *arena, const struct tsv_spec *spec, const struct ref_table *t)
{
    char *text = arena_alloc(arena, sizeof *t);
    size_t at = 0;
    int columns = 0;

    assert_non_null(text);
    for (; columns < TSV_COLUMNS_MAX && spec->columns[columns]; columns++)
        at += put_cell(text + at, spec->columns[columns], columns);
    text[at++] = '\n';
    for (int row = 0; row < t->rows; row++) {
        for (int column = 0; column < columns; column++)
            at += put_cell(text + at, t->cell[row][column], column);
        text[at++] = '\n';
    }
    return (struct tsv_bytes){ text, at };
}

static struct drg_scheme *
build(const struct ref_scheme *s)
{
    const struct ref_table *const tables[PACK_FILE_COUNT] = { &s->mdc,        &s->adrg,    &s->drg,
                                                              &s->lists,      &s->mcc,     &s->cc,
                                                              &s->exclusions, &s->dx,      &s->proc,
                                                              &s->dx_map,     &s->proc_map };
    struct arena *arena = arena_create(PACK_ARENA_BYTES);
    struct drg_scheme *scheme = NULL;
    struct pack_source source;
    struct findings findings;
    struct pack pack;
    struct err err = { 0 };
    void *image = NULL;
    size_t size;

    findings_init(&findings);
    char *json = arena_printf(
        arena,
        "{\"format\":\"huzhu-drg-pack/1\",\"id\":\"r\",\"name\":\"r\",\"newborn_days\":%d,"
        "\"retry_other_procedures\":%s}",
        s->newborn_days, s->retry ? "true" : "false");
    source.json = (struct tsv_bytes){ json, strlen(json) };
    for (int i = 0; i < PACK_FILE_COUNT; i++)
        source.files[i] = write_table(arena, &pack_specs[i], tables[i]);
    if (!pack_read(arena, &source, &pack, &findings) ||
        compile_pack(&pack, &image, &size, &err) != ERR_OK ||
        drg_scheme_from_bytes(image, size, &scheme, &err) != ERR_OK) {
        (void) findings_print(&findings, stderr, "random", 5);
        fail_msg("the random scheme does not compile: %s", err.text);
    }
    free(image);
    pack_close(&pack);
    findings_done(&findings);
    return scheme;
}

/* ---- a random record ---- */

static int
random_number(int most)
{
    return chance(8) == 0 ? -1 : chance(40) == 0 ? -2 : (int) chance((unsigned) most);
}

static struct ref_record
make_record(void)
{
    static const char *const sexes[] = { "M", "F", "M", "F", "M", "F", "" };
    struct ref_record r = { .age = random_number(4) * 20,
                            .days = random_number(60),
                            .weight = random_number(3) * 1100,
                            .los = random_number(90),
                            .icu = random_number(90) };

    if (r.age < 0)
        r.age = -1;
    if (r.weight < 0)
        r.weight = -1;
    (void) snprintf(r.sex, sizeof r.sex, "%s", sexes[chance(COUNT(sexes))]);
    (void) snprintf(r.dept, sizeof r.dept, "%s", chance(2) ? "M" : "");
    (void) snprintf(r.leave, sizeof r.leave, "%s", chance(2) ? "5" : "");
    r.dx_count = (int) chance(7);
    r.op_count = (int) chance(4);
    for (int i = 0; i < r.dx_count; i++)
        (void) snprintf(r.dx[i], sizeof r.dx[i], "%.15s",
                        chance(20) ? dx_code(chance(DX_CODES + 2)) : "");
    for (int i = 0; i < r.op_count; i++)
        (void) snprintf(r.op[i], sizeof r.op[i], "%.15s",
                        chance(20) ? op_code(chance(OP_CODES + 2)) : "");
    return r;
}

struct stay_texts {
    struct drg_text dx[REF_CODES], op[REF_CODES];
};

static struct drg_stay
as_stay(const struct ref_record *r, struct stay_texts *texts, bool convert)
{
    for (int i = 0; i < r->dx_count; i++)
        texts->dx[i] = drg_text(r->dx[i]);
    for (int i = 0; i < r->op_count; i++)
        texts->op[i] = drg_text(r->op[i]);
    return (struct drg_stay){ .sex = drg_sex(r->sex, strlen(r->sex)),
                              .age = r->age,
                              .days = r->days,
                              .weight = r->weight,
                              .los = r->los,
                              .icu = r->icu,
                              .dept = drg_text(r->dept),
                              .leave = drg_text(r->leave),
                              .dx = texts->dx,
                              .op = texts->op,
                              .dx_count = (size_t) r->dx_count,
                              .op_count = (size_t) r->op_count,
                              .convert = convert };
}

static bool
same(const struct ref_answer *a, const struct drg_result *b)
{
    return strcmp(a->status, drg_status_wire(b->status)) == 0 && strcmp(a->mdc, b->mdc) == 0 &&
           strcmp(a->adrg, b->adrg) == 0 && strcmp(a->drg, b->drg) == 0;
}

/* ---- the tests ---- */

static uint64_t
setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 10) : otherwise;
}

static struct ref_scheme *
random_scheme(uint64_t seed)
{
    struct ref_scheme *s = calloc(1, sizeof *s);

    assert_non_null(s);
    state_of_chance = 0x9e3779b97f4a7c15u + seed * 0xd1b54a32d192ed03u;
    make_lists(s);
    make_codes(s);
    make_rules(s);
    s->retry = chance(2);
    s->newborn_days = chance(2) ? 28 : 7;
    return s;
}

static void
random_schemes_group_as_the_plain_interpreter_does(void **state)
{
    (void) state;
    const uint64_t first = setting("HUZHU_DRG_SEED", 1), count = setting("HUZHU_DRG_SCHEMES", 400);
    size_t grouped = 0;

    for (uint64_t seed = first; seed < first + count; seed++) {
        struct ref_scheme *s = random_scheme(seed);
        struct drg_scheme *scheme = build(s);
        for (int i = 0; i < RECORDS; i++) {
            const struct ref_record record = make_record();
            const bool convert = chance(4) == 0;
            struct stay_texts texts;
            const struct drg_stay stay = as_stay(&record, &texts, convert);
            const struct ref_answer want = ref_group(s, record, convert);
            struct drg_result is;
            drg_group(scheme, &stay, &is);
            grouped += is.status == DRG_OK || is.status == DRG_AMBIGUOUS;
            if (!same(&want, &is))
                fail_msg("seed %llu, record %d: want %s %s %s %s, is %s %s %s %s",
                         (unsigned long long) seed, i, want.status, want.mdc, want.adrg, want.drg,
                         drg_status_wire(is.status), is.mdc, is.adrg, is.drg);
            if (i % 8 == 0) {
                json_t *trace = drg_explain(scheme, &stay);
                assert_true(json_is_true(json_object_get(trace, "agrees")));
                json_decref(trace);
            }
        }
        drg_scheme_close(scheme);
        free(s);
    }
    assert_true(grouped > count * RECORDS / 10); /* else the test compares refusals */
}

static void
many_stays_at_once_group_as_they_do_one_by_one(void **state)
{
    (void) state;
    enum { MANY = 100 };
    struct ref_scheme *s = random_scheme(7);
    struct drg_scheme *scheme = build(s);
    static struct ref_record records[MANY];
    static struct stay_texts texts[MANY];
    static struct drg_stay stays[MANY];
    static struct drg_result results[MANY], one;
    struct drg_text long_list[200];

    for (int i = 0; i < MANY; i++) {
        records[i] = make_record();
        stays[i] = as_stay(&records[i], &texts[i], i % 3 == 0);
    }
    for (size_t i = 0; i < COUNT(long_list); i++)
        long_list[i] = drg_text(records[i % MANY].dx[0]);
    stays[50].dx = long_list; /* more codes than fly at once */
    stays[50].dx_count = COUNT(long_list);
    drg_group_many(scheme, stays, MANY, results);
    for (int i = 0; i < MANY; i++) {
        drg_group(scheme, &stays[i], &one);
        assert_int_equal(one.status, results[i].status);
        assert_string_equal(one.drg, results[i].drg);
        assert_string_equal(one.reason, results[i].reason);
    }
    drg_scheme_close(scheme);
    free(s);
}

static void
the_order_of_further_diagnoses_never_matters(void **state)
{
    (void) state;

    for (uint64_t seed = 1000; seed < 1100; seed++) {
        struct ref_scheme *s = random_scheme(seed);
        struct drg_scheme *scheme = build(s);
        for (int i = 0; i < RECORDS; i++) {
            struct ref_record record = make_record();
            struct drg_result before, after;
            struct stay_texts texts;
            struct drg_stay stay = as_stay(&record, &texts, false);
            drg_group(scheme, &stay, &before);
            for (int j = record.dx_count - 1; j > 1; j--) {
                const int k = 1 + (int) chance((unsigned) j);
                const struct drg_text other = texts.dx[j];
                texts.dx[j] = texts.dx[k];
                texts.dx[k] = other;
            }
            if (record.dx_count > 1 && record.dx_count < REF_CODES) /* nor does a repetition */
                texts.dx[stay.dx_count++] = texts.dx[record.dx_count - 1];
            for (int j = record.op_count - 1; j > 1 && !s->retry; j--) {
                const struct drg_text other = texts.op[j];
                texts.op[j] = texts.op[1];
                texts.op[1] = other;
            }
            drg_group(scheme, &stay, &after);
            assert_int_equal(before.status, after.status);
            assert_string_equal(before.drg, after.drg);
        }
        drg_scheme_close(scheme);
        free(s);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_schemes_group_as_the_plain_interpreter_does),
        cmocka_unit_test(many_stays_at_once_group_as_they_do_one_by_one),
        cmocka_unit_test(the_order_of_further_diagnoses_never_matters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
