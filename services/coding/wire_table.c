/* wire_table.c - subsidy tables: plan design's text in, messages and CSV out. */
#include <stdio.h>
#include <string.h>

#include "crypto/crypto.h"
#include "csv/csv.h"
#include "rules.h"
#include "svc/room.h"
#include "table.h"
#include "wire.h"

enum { T_DRG, T_NAME, T_AMOUNT, T_PARENT, T_AGE_FROM, T_AGE_TO, T_SEX };
static const struct column columns[] = {
    { "drg", true },       { "name", false },   { "amount", true }, { "parent", false },
    { "age_from", false }, { "age_to", false }, { "sex", false },
};

static err_t
age_from_cell(const struct table *t, size_t row, size_t column, int32_t *out, struct err *err)
{
    const char *text = table_cell(t, row, column);

    *out = drg_number(text, strlen(text));
    return *out == DRG_BAD || *out > DRG_AGE_MAX
               ? table_fault(t, row, column, err, TABLE_BAND, "no age in completed years")
               : ERR_OK;
}

static err_t
row_from_cells(const struct table *t, size_t at, const struct drg_names *names,
               struct subsidy_row *row, struct err *err)
{
    const char *sex = table_cell(t, at, T_SEX);

    row->drg = table_cell(t, at, T_DRG);
    row->parent = table_cell(t, at, T_PARENT);
    row->name = table_cell(t, at, T_NAME);
    TRY(table_money(t, at, T_AMOUNT, &row->amount, err));
    TRY(age_from_cell(t, at, T_AGE_FROM, &row->age_from, err));
    TRY(age_from_cell(t, at, T_AGE_TO, &row->age_to, err));
    row->sex = drg_sex(sex, strlen(sex));
    if (sex[0] != '\0' && row->sex == DRG_SEX_MISSING)
        return table_fault(t, at, T_SEX, err, TABLE_BAND, "neither 男, 女, M nor F");
    if (strlen(row->drg) > STAY_CODE_BYTES_MAX || strlen(row->name) > SUBSIDY_NAME_BYTES_MAX)
        return table_fault(t, at, T_DRG, err, TABLE_GROUP, "a code or name is too long");
    if (row->name[0] == '\0') {
        const struct drg_group_name *group =
            drg_names_group(names, row->parent[0] ? row->parent : row->drg);
        row->name = group ? group->name : "";
    }
    return ERR_OK;
}

static void
sum_age(struct sha256 *sum, int32_t age)
{
    char text[16] = "";

    if (age != DRG_MISSING)
        (void) snprintf(text, sizeof text, "%d", age);
    sha256_add(sum, "\t", 1);
    sha256_add(sum, text, strlen(text));
}

/* The form that README.md describes: in the order of the rows, a line each. */
static void
sum_up(struct subsidy_table *table)
{
    struct sha256 *sum = sha256_create();
    char amount[24];

    for (size_t i = 0; i < table->row_count; i++) {
        const struct subsidy_row *row = &table->rows[i];
        const int size = snprintf(amount, sizeof amount, "\t%lld\t", (long long) row->amount.fen);
        sha256_add(sum, row->drg, strlen(row->drg));
        sha256_add(sum, "\t", 1);
        sha256_add(sum, row->name, strlen(row->name));
        sha256_add(sum, amount, (size_t) size);
        sha256_add(sum, row->parent, strlen(row->parent));
        sum_age(sum, row->age_from);
        sum_age(sum, row->age_to);
        sha256_add(sum, "\t", 1);
        sha256_add(sum, row->sex == DRG_MALE ? "M" : "F", row->sex == DRG_SEX_MISSING ? 0 : 1);
        sha256_add(sum, "\n", 1);
    }
    sha256_finish(sum, table->sha256);
}

err_t
table_from_text(struct call *c, const char *text, const struct drg_names *names,
                struct subsidy_table *table)
{
    const struct source_text texts[] = { { "table.tsv", text } };
    const struct source source = { .texts = texts, .text_count = COUNT(texts) };
    struct table t;

    if (strlen(text) > SUBSIDY_TEXT_BYTES_MAX)
        return err_at(&c->err, ERR_INVALID, "$.text", TABLE_TEXT, "a table has at most %zu bytes",
                      SUBSIDY_TEXT_BYTES_MAX);
    TRY(table_read(c->arena, &source,
                   &(struct schema){ "table.tsv", columns, COUNT(columns), TABLE_EXTRA_COLUMNS },
                   &t, &c->err));
    table->row_count = t.row_count;
    table->rows = arena_alloc(c->arena, (t.row_count + 1) * sizeof *table->rows);
    if (!table->rows)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the request needs too much memory");
    for (size_t i = 0; i < t.row_count; i++)
        TRY(row_from_cells(&t, i, names, &table->rows[i], &c->err));
    sum_up(table);
    return ERR_OK;
}

/* --- out --- */

static Huzhu__Number *
age_to_wire(struct call *c, int32_t age)
{
    Huzhu__Number *out = age == DRG_MISSING ? NULL : made(c, sizeof *out);

    if (!out)
        return NULL;
    huzhu__number__init(out);
    out->value = age;
    return out;
}

static Coding__SubsidyTable__Row *
row_to_wire(struct call *c, const struct subsidy_row *in)
{
    Coding__SubsidyTable__Row *out = made(c, sizeof *out);

    if (!out)
        return NULL;
    coding__subsidy_table__row__init(out);
    out->drg = call_text(c, in->drg);
    out->name = call_text(c, in->name);
    out->parent = call_text(c, in->parent);
    out->amount = money_to_wire(c, in->amount);
    out->age_from = age_to_wire(c, in->age_from);
    out->age_to = age_to_wire(c, in->age_to);
    out->sex = (Coding__Stay__Sex) in->sex;
    return out->drg && out->name && out->parent && out->amount ? out : NULL;
}

static err_t
missing_to_wire(struct call *c, const struct subsidy_table *in, const struct drg_names *names,
                Coding__SubsidyTable *out)
{
    const struct drg_group_name *groups;
    const size_t count = drg_names_groups(names, &groups);

    out->missing = made(c, (count + 1) * sizeof(void *));
    if (!out->missing)
        return c->err.code;
    for (size_t i = 0; i < count; i++) {
        if (groups[i].ambiguous || table_has(in, groups[i].drg))
            continue;
        out->missing[out->n_missing] = call_text(c, groups[i].drg);
        if (!out->missing[out->n_missing])
            return c->err.code;
        out->n_missing++;
    }
    out->missing_count = (uint32_t) out->n_missing;
    return ERR_OK;
}

static err_t
rows_to_wire(struct call *c, const struct subsidy_table *in, Coding__SubsidyTable *out)
{
    out->rows = made(c, (in->row_count + 1) * sizeof(void *));
    if (!out->rows)
        return c->err.code;
    for (size_t i = 0; i < in->row_count; i++) {
        out->rows[i] = row_to_wire(c, &in->rows[i]);
        if (!out->rows[i])
            return c->err.code;
        out->n_rows++;
    }
    return ERR_OK;
}

Coding__SubsidyTable *
table_to_wire(struct call *c, const struct subsidy_table *in, const struct drg_names *names)
{
    Coding__SubsidyTable *out = made(c, sizeof *out);

    if (!out)
        return NULL;
    coding__subsidy_table__init(out);
    out->table_id = id_to_wire(c, in->id);
    out->programme_id = id_to_wire(c, in->programme);
    out->scheme = scheme_to_wire(c, &in->scheme);
    out->state = (Coding__SubsidyTable__State) in->state;
    out->row_count = (uint32_t) in->row_count;
    out->designed_by = id_to_wire(c, in->designed_by);
    out->confirmed_by = id_to_wire(c, in->confirmed_by);
    out->frozen_by = id_to_wire(c, in->frozen_by);
    out->created_at = instant_to_wire(c, in->created_at);
    out->confirmed_at = in->confirmed_at.us ? instant_to_wire(c, in->confirmed_at) : NULL;
    out->frozen_at = in->frozen_at.us ? instant_to_wire(c, in->frozen_at) : NULL;
    out->version = in->version;
    out->sha256.len = sizeof in->sha256;
    out->sha256.data = arena_copy(c->arena, in->sha256, sizeof in->sha256);
    if (!out->table_id || !out->programme_id || !out->scheme || !out->created_at ||
        !out->sha256.data)
        return NULL;
    if (in->rows && rows_to_wire(c, in, out) != ERR_OK)
        return NULL;
    if (in->rows && names && missing_to_wire(c, in, names, out) != ERR_OK)
        return NULL;
    return out;
}

enum { CSV_BYTES_MAX = 4 * 1024 * 1024 };

err_t
table_to_csv(struct call *c, const struct subsidy_table *in, Coding__ExportSubsidyTableReply *out)
{
    static const char *const heads[] = { "病组编码", "病组名称", "上级病组", "适用人群",
                                         "补助金额(元)" };
    OWNED(csv_writer_destroy) struct csv_writer *csv = csv_writer_create(CSV_BYTES_MAX, true);
    char amount[MONEY_TEXT_BYTES], who[ROW_WHO_BYTES];

    if (!csv)
        return err_set(&c->err, ERR_INTERNAL, "memory", "no memory for the table");
    for (size_t i = 0; i < COUNT(heads); i++)
        csv_write_field(csv, heads[i]);
    csv_write_row_end(csv);
    for (size_t i = 0; i < in->row_count; i++) {
        row_who(&in->rows[i], who);
        money_format(in->rows[i].amount, amount);
        csv_write_field(csv, in->rows[i].drg);
        csv_write_field(csv, in->rows[i].name);
        csv_write_field(csv, in->rows[i].parent);
        csv_write_field(csv, who);
        csv_write_number(csv, amount);
        csv_write_row_end(csv);
    }
    const char *text = csv_writer_text(csv, &out->body.len);
    out->body.data = text ? arena_copy(c->arena, text, out->body.len) : NULL;
    out->content_type = call_text(c, "text/csv; charset=utf-8");
    out->file_name =
        call_text(c, in->state == TABLE_FROZEN ? "subsidy-table.csv" : "subsidy-table-draft.csv");
    if (!out->body.data || !out->content_type || !out->file_name)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the reply needs too much memory");
    return ERR_OK;
}

err_t
emit_table_frozen(struct call *c, const struct subsidy_table *in)
{
    Coding__TableFrozen event = CODING__TABLE_FROZEN__INIT;
    char who[ROW_WHO_BYTES];

    event.table_id = id_to_wire(c, in->id);
    event.programme_id = id_to_wire(c, in->programme);
    event.scheme = scheme_to_wire(c, &in->scheme);
    event.by = id_to_wire(c, in->frozen_by);
    event.sha256 = (ProtobufCBinaryData){ sizeof in->sha256, (uint8_t *) in->sha256 };
    event.rows = made(c, (in->row_count + 1) * sizeof(void *));
    if (!event.table_id || !event.programme_id || !event.scheme || !event.by || !event.rows)
        return c->err.code;
    for (size_t i = 0; i < in->row_count; i++) {
        Coding__TableFrozen__Row *row = made(c, sizeof *row);
        if (!row)
            return c->err.code;
        coding__table_frozen__row__init(row);
        row_who(&in->rows[i], who);
        row->drg = (char *) in->rows[i].drg;
        row->name = (char *) in->rows[i].name;
        row->parent = (char *) in->rows[i].parent;
        row->amount = money_to_wire(c, in->rows[i].amount);
        row->who = call_text(c, who);
        if (!row->amount || !row->who)
            return c->err.code;
        event.rows[event.n_rows++] = row;
    }
    return event_append(c, &event.base);
}
