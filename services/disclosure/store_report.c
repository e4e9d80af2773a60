/* store_report.c - the figures of the annual report, reports, the rows behind them, duties. */
#include "csv/csv.h"
#include "store.h"
#include "store_help.h"

/* One row of whole numbers, in the order of the columns. */
static err_t
numbers_of(struct call *c, const struct stmt *stmt, struct id programme, int64_t **out,
           size_t count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, stmt, &rows, P_ID(programme)));
    for (size_t i = 0; i < count; i++)
        *out[i] = rows_int(rows, 0, (int) i);
    return ERR_OK;
}
#define NUMBERS(c, stmt, programme, ...)                                                           \
    numbers_of((c), (stmt), (programme), (int64_t *[]){ __VA_ARGS__ },                             \
               COUNT(((int64_t *[]){ __VA_ARGS__ })))

err_t
report_figures_read(struct call *c, struct id programme, struct report_figures *f)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(NUMBERS(c, &q_report_people, programme, &f->people, &f->people_whole, &f->people_share));
    TRY(NUMBERS(c, &q_report_raised, programme, &f->raised, &f->raised_all));
    TRY(NUMBERS(c, &q_report_paid, programme, &f->claims_paid, &f->people_paid, &f->paid,
                &f->most_single, &f->paid_all));
    TRY(NUMBERS(c, &q_report_most_of_a_person, programme, &f->most_person));
    TRY(NUMBERS(c, &q_report_own_above, programme, &f->own_above, &f->own));
    TRY(NUMBERS(c, &q_report_disclosed, programme, &f->disclosed_claims, &f->disclosed_lines,
                &f->table_rows, &f->tables_published));
    TRY(NUMBERS(c, &q_report_agreements, programme, &f->agreements, &f->agreement_scans,
                &f->agreed_from, &f->agreed_until));
    TRY(db_query(c, &q_report_raised_by_source, &rows, P_ID(programme)));
    f->source_count = (size_t) rows_count(rows);
    LIST(c, f->source_count, &f->sources);
    for (int i = 0; i < rows_count(rows); i++)
        for (int k = 0; k < 3; k++)
            f->sources[i].numbers[k] = rows_int(rows, i, k);
    return ERR_OK;
}

err_t
report_put(struct call *c, const struct report *r, const ProtobufCBinaryData *page,
           const ProtobufCBinaryData *book, struct id *id)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_report_put, &rows, P_ID(c->tenant), P_ID(r->id), P_ID(r->programme),
                 P_INT4(r->year), P_BYTES(r->figures, r->figures_size),
                 P_BYTES(page->data, page->len), P_BYTES(book->data, book->len),
                 P_BYTES(r->sha256, sizeof r->sha256), P_ID(r->prepared_by),
                 P_INSTANT(r->prepared_at), P_DATE(r->due_on)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_REFUSED, REPORT_SIGNED, "the report is signed");
    *id = rows_id(rows, 0, 0);
    return ERR_OK;
}

static err_t
report_read(struct call *c, const struct rows *rows, int i, struct report *r)
{
    ProtobufCBinaryData figures;
    size_t size;

    *r = (struct report){ .id = rows_id(rows, i, 0),
                          .programme = rows_id(rows, i, 1),
                          .year = (int) rows_int(rows, i, 2),
                          .is_signed = strcmp(rows_text(rows, i, 3), "SIGNED") == 0,
                          .prepared_by = rows_id(rows, i, 6),
                          .prepared_at = rows_instant(rows, i, 7),
                          .signed_by = rows_id(rows, i, 8),
                          .signed_at = instant_or_never(rows, i, 9),
                          .due_on = rows_date(rows, i, 10) };
    TRY(bytes_of(c, rows, i, 4, &figures));
    r->figures = figures.data;
    r->figures_size = figures.len;
    const void *sum = rows_bytes(rows, i, 5, &size);
    if (size == sizeof r->sha256)
        memcpy(r->sha256, sum, size);
    return ERR_OK;
}

static err_t
report_one(struct call *c, const struct stmt *stmt, struct id id, struct report *out)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, stmt, &rows, P_ID(id)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, REPORT_NONE, "no such report");
    return report_read(c, rows, 0, out);
}

err_t
report_get(struct call *c, struct id id, struct report *out)
{
    return report_one(c, &q_report_get, id, out);
}

err_t
report_lock(struct call *c, struct id id, struct report *out)
{
    return report_one(c, &q_report_lock, id, out);
}

err_t
report_list(struct call *c, struct id programme, struct report **out, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_report_list, &rows, P_ID_OR_NULL(programme)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, out);
    for (size_t i = 0; i < *count; i++)
        TRY(report_read(c, rows, (int) i, &(*out)[i]));
    return ERR_OK;
}

err_t
report_file(struct call *c, struct id id, bool book, ProtobufCBinaryData *out, int *year)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_report_file, &rows, P_ID(id)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, REPORT_NONE, "no such report");
    *year = (int) rows_int(rows, 0, 2);
    return bytes_of(c, rows, 0, book ? 1 : 0, out);
}

err_t
report_signed_page(struct call *c, struct id programme, ProtobufCBinaryData *page)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_report_of_programme, &rows, P_ID(programme)));
    if (rows_count(rows) == 0 || strcmp(rows_text(rows, 0, 1), "SIGNED") != 0)
        return err_set(&c->err, ERR_REFUSED, PUBLICATION_REPORT, "the report is not signed");
    return bytes_of(c, rows, 0, 2, page);
}

err_t
report_is_open(struct call *c, struct id programme)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_report_of_programme, &rows, P_ID(programme)));
    if (rows_count(rows) == 1 && strcmp(rows_text(rows, 0, 1), "SIGNED") == 0)
        return err_set(&c->err, ERR_REFUSED, REPORT_SIGNED, "the report is signed");
    return ERR_OK;
}

err_t
report_sign(struct call *c, const struct report *r)
{
    return db_exec(c, &q_report_sign, P_ID(r->id), P_ID(r->signed_by), P_INSTANT(r->signed_at));
}

/* --- the rows behind the figures --- */

struct export_table {
    const char *name;
    const struct stmt *stmt;
    const char *columns[11];
};

static const struct export_table tables[] = {
    { "claims",
      &q_export_claims,
      { "claim_id", "person_id", "insurance", "total_cost_fen", "own_payment_fen", "due_fen",
        "payable_fen", "paid_fen", "paid_on" } },
    { "ledger",
      &q_export_ledger,
      { "transfer_id", "programme_id", "state", "debit", "credit", "amount_fen", "day", "why",
        "people", "source" } },
    { "members",
      &q_export_members,
      { "person_id", "household_id", "village_id", "in_force", "consent" } },
    { "thresholds", &q_export_thresholds, { "insurance", "on_total_cost", "at_least_fen" } },
    { "publications",
      &q_export_publications,
      { "publication_id", "kind", "village_id", "period", "version", "state", "lines", "total_fen",
        "root", "claims" } },
    { "tables", &q_export_tables, { "drg", "name", "amount_fen", "parent", "who" } },
};

const struct export_table *
export_table_find(const char *name)
{
    for (size_t i = 0; i < COUNT(tables); i++)
        if (strcmp(tables[i].name, name) == 0)
            return &tables[i];
    return NULL;
}

static bool
is_number(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "0123456789-")] == '\0' &&
           text[1 + strspn(text + 1, "0123456789")] == '\0';
}

err_t
export_rows(struct call *c, const struct export_table *table, struct id programme,
            ProtobufCBinaryData *csv)
{
    OWNED(rows_free) struct rows *rows = NULL;
    OWNED(csv_writer_destroy) struct csv_writer *writer = NULL;
    size_t size;

    TRY(db_query(c, table->stmt, &rows, P_ID(programme)));
    writer = csv_writer_create((size_t) 7 * 1024 * 1024, true);
    if (!writer)
        return no_memory(c);
    for (int k = 0; table->columns[k]; k++)
        csv_write_field(writer, table->columns[k]);
    csv_write_row_end(writer);
    for (int i = 0; i < rows_count(rows); i++) {
        for (int k = 0; table->columns[k]; k++) {
            const char *text = rows_text(rows, i, k);
            if (is_number(text))
                csv_write_number(writer, text);
            else
                csv_write_field(writer, text);
        }
        csv_write_row_end(writer);
    }
    const char *text = csv_writer_text(writer, &size);
    if (!text)
        return no_memory(c);
    csv->len = size;
    csv->data = arena_copy(c->arena, text, size);
    return csv->data ? ERR_OK : no_memory(c);
}

/* --- duties --- */

static err_t
late_of(struct call *c, const struct stmt *stmt, date_t today, struct late **list, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, stmt, &rows, P_DATE(today)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, list);
    for (size_t i = 0; i < *count; i++)
        (*list)[i] = (struct late){ rows_id(rows, (int) i, 0), rows_date(rows, (int) i, 1) };
    return ERR_OK;
}

err_t
reports_unsigned(struct call *c, date_t today, struct late **list, size_t *count)
{
    return late_of(c, &q_reports_unsigned, today, list, count);
}

err_t
complaints_late(struct call *c, date_t today, struct late **list, size_t *count)
{
    return late_of(c, &q_complaints_late, today, list, count);
}

err_t
alert_once(struct call *c, const char *what, struct id subject, bool *is_new)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_alert_once, &rows, P_ID(c->tenant), P_TEXT(what), P_ID(subject),
                 P_INSTANT(c->now)));
    *is_new = rows_count(rows) == 1;
    return ERR_OK;
}

err_t
duty_tenants(struct call *c, struct id **tenants, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query0(c, &q_duty_tenants, &rows));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, tenants);
    for (size_t i = 0; i < *count; i++)
        (*tenants)[i] = rows_id(rows, (int) i, 0);
    return ERR_OK;
}
