/* handlers_archive.c - the catalogue of appendix B: filing by hand, lists, completeness, the
 * monthly look. */
#include <stdio.h>
#include <string.h>

#include "csv/csv.h"
#include "handlers.h"
#include "rules.h"
#include "steps.h"
#include "store.h"
#include "wire.h"

static bool
is_of_township(const struct call *c)
{
    return call_has(c, ROLE_TOWNSHIP_OFFICER | INSPECTORS);
}

/* A clerk names a village of its own; others may leave it open. */
static err_t
village_check(struct call *c, struct id village)
{
    const char *division = NULL, *name = NULL;
    bool found = false;

    if (id_is_nil(village))
        return is_of_township(c) ? ERR_OK
                                 : err_at(&c->err, ERR_INVALID, "$.villageId", ITEM_VILLAGE,
                                          "a clerk names the village");
    if (!is_of_township(c) && !call_covers(c, village))
        return err_at(&c->err, ERR_FORBIDDEN, "$.villageId", ITEM_SCOPE,
                      "that village is outside the caller's scope");
    TRY(village_find(c, village, &division, &name, &found));
    return found ? ERR_OK
                 : err_at(&c->err, ERR_NOT_FOUND, "$.villageId", ITEM_VILLAGE, "no such village");
}

/* B07 alone may belong to no programme: an undertaking covers its signer's years. */
static err_t
programme_check(struct call *c, struct id id, bool needed, struct programme *programme)
{
    bool found = false;

    if (id_is_nil(id) && !needed)
        return ERR_OK;
    if (!id_is_nil(id))
        TRY(programme_find(c, id, programme, &found));
    return found ? ERR_OK
                 : err_at(&c->err, ERR_NOT_FOUND, "$.programmeId", ITEM_PROGRAMME,
                          "no such programme");
}

err_t
audit_record_archive_item(struct call *c, const Audit__RecordArchiveItemRequest *in,
                          Audit__RecordArchiveItemReply *out)
{
    struct programme programme;
    struct item item;

    TRY(catalogue_lock(c));
    TRY(item_from_wire(c, in, &item));
    TRY(rule_item_by_hand(&item, is_of_township(c), date_of(c->now), &c->err));
    TRY(village_check(c, item.village));
    TRY(programme_check(c, item.programme, item.kind != ITEM_B07, &programme));
    item.filed_by = c->account;
    TRY(item_complete_and_file(c, &item));
    return item_to_wire(c, &item, &out->item);
}

err_t
audit_list_archive_items(struct call *c, const Audit__ListArchiveItemsRequest *in,
                         Audit__ListArchiveItemsReply *out)
{
    struct item_filter filter = { .kind = (int) in->kind, .year = (int) in->year };
    struct item *items = NULL;
    int64_t rows = 0;
    size_t count = 0;

    TRY(page_rows_from_wire(in->page_size, &rows, &c->err));
    TRY(page_token_from_wire(in->page_token, &filter.after_line, 1, &c->err));
    TRY(optional_id_from_wire(in->programme_id, "$.programmeId", &filter.programme, &c->err));
    TRY(optional_id_from_wire(in->village_id, "$.villageId", &filter.village, &c->err));
    TRY(village_check(c, filter.village));
    filter.rows = rows + 1;
    TRY(item_list(c, &filter, &items, &count));
    if ((int64_t) count > rows) {
        count = (size_t) rows;
        TRY(page_token_to_wire(c, &items[count - 1].line, 1, &out->next_page_token));
    }
    TRY(items_to_wire(c, items, count, &out->items));
    out->n_items = count;
    return ERR_OK;
}

/* --- nine of nine, or the named gaps --- */

err_t
audit_get_completeness(struct call *c, const Audit__GetCompletenessRequest *in,
                       Audit__GetCompletenessReply *out)
{
    struct village_has *villages = NULL;
    struct programme programme;
    struct id id, village;
    size_t found = 0, count = 0;

    TRY(id_from_wire(in->programme_id, "$.programmeId", &id, &c->err));
    TRY(optional_id_from_wire(in->village_id, "$.villageId", &village, &c->err));
    if (!id_is_nil(village))
        TRY(village_check(c, village));
    TRY(programme_check(c, id, true, &programme));
    TRY(completeness(c, &programme, village, &villages, &found));
    for (size_t i = 0; i < found; i++)
        if (is_of_township(c) || call_covers(c, villages[i].id))
            villages[count++] = villages[i];
    return completeness_to_wire(c, &programme, villages, count, out);
}

/* --- the monthly look (9.3.2) --- */

#define LOOK_ROWS 500

static err_t
look_through(struct call *c, struct catalogue *catalogue)
{
    struct item_filter filter = { .rows = LOOK_ROWS };
    const struct arena_mark mark = arena_mark(c->arena);
    struct counter *counters = NULL;
    struct item *items = NULL;
    size_t count = LOOK_ROWS;

    while (count == LOOK_ROWS) {
        TRY(item_list(c, &filter, &items, &count));
        for (size_t i = 0; i < count; i++)
            catalogue_item(catalogue, &items[i]);
        if (count > 0)
            filter.after_line = items[count - 1].line;
        arena_rewind(c->arena, mark);
    }
    TRY(counter_list(c, &counters, &count));
    for (size_t i = 0; i < count; i++)
        catalogue_counter(catalogue, counters[i].kind, counters[i].year, counters[i].next);
    return ERR_OK;
}

static err_t
check_one(struct call *c, const char *month)
{
    struct catalogue_check check = { .at = c->wall };
    struct catalogue *catalogue = arena_alloc(c->arena, sizeof *catalogue);

    if (!catalogue)
        return no_memory(c);
    (void) snprintf(check.month, sizeof check.month, "%.7s", month);
    TRY(catalogue_lock(c)); /* nothing is filed while we look */
    catalogue_begin(catalogue);
    const err_t code = look_through(c, catalogue);
    catalogue_end(catalogue, &check);
    TRY(code);
    if (check.faults > 0)
        LOG(ERROR, &c->log, "archive.unsound", L_ID("tenant", c->tenant),
            L_INT("faults", check.faults));
    TRY(check_insert(c, &check));
    return emit_catalogue_checked(c, &check);
}

/* One catalogue a round: each has a transaction of its own, and a round is every few seconds.  The
 * month is the wall clock's: a rehearsal's business time proves nothing. */
err_t
audit_check_catalogues(struct call *c)
{
    struct id *tenants = NULL;
    char month[DATE_TEXT_BYTES];
    size_t count = 0;

    date_format(date_of(c->wall), month);
    month[7] = '\0';
    TRY(catalogues_unchecked(c, month, &tenants, &count));
    if (count == 0)
        return ERR_OK;
    TRY(call_as_tenant(c, tenants[0]));
    return check_one(c, month);
}

err_t
audit_list_catalogue_checks(struct call *c, const Audit__ListCatalogueChecksRequest *in,
                            Audit__ListCatalogueChecksReply *out)
{
    struct catalogue_check *checks = NULL;
    int64_t rows = 0, before_us = 0;
    size_t count = 0;

    TRY(page_rows_from_wire(in->page_size, &rows, &c->err));
    TRY(page_token_from_wire(in->page_token, &before_us, 1, &c->err));
    TRY(check_list(c, (instant_t){ before_us }, rows + 1, &checks, &count));
    if ((int64_t) count > rows) {
        count = (size_t) rows;
        TRY(page_token_to_wire(c, &checks[count - 1].at.us, 1, &out->next_page_token));
    }
    TRY(checks_to_wire(c, checks, count, &out->checks));
    out->n_checks = count;
    return ERR_OK;
}

/* --- the catalogue as a file --- */

#define CATALOGUE_BYTES_MAX ((size_t) 8 * 1024 * 1024)

static void
hex_of(const uint8_t *bytes, size_t size, char *out)
{
    for (size_t i = 0; i < size; i++)
        (void) snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static void
row_write(struct csv_writer *csv, const struct item *item)
{
    char kind[4], digest[2 * SHA256_BYTES + 1], number[24], day[DATE_TEXT_BYTES], seq[24] = "";
    char until[DATE_TEXT_BYTES] = "永久";

    (void) snprintf(kind, sizeof kind, "B0%d", (int) item->kind);
    (void) snprintf(number, sizeof number, "%lld", (long long) item->line);
    hex_of(item->sha256, sizeof item->sha256, digest);
    date_format(item->dated, day);
    if (item->keep_until.days)
        date_format(item->keep_until, until);
    if (item->seq >= 0)
        (void) snprintf(seq, sizeof seq, "%lld", (long long) item->seq);
    csv_write_number(csv, number);
    csv_write_field(csv, item->archive_number);
    csv_write_field(csv, kind);
    csv_write_field(csv, item->title);
    csv_write_field(csv, day);
    csv_write_field(csv, until);
    (void) snprintf(number, sizeof number, "%d", (int) item->secrecy);
    csv_write_number(csv, number);
    csv_write_field(csv, digest);
    csv_write_field(csv, item->source);
    csv_write_field(csv, seq);
    csv_write_field(csv, item->paper_location);
    csv_write_row_end(csv);
}

static err_t
rows_write(struct call *c, struct id programme, struct csv_writer *csv)
{
    static const char *const heads[] = { "序号",     "档号",     "类别",    "题名",
                                         "日期",     "保管至",   "密级",    "SHA-256",
                                         "来源事件", "日志序号", "存放位置" };
    struct item_filter filter = { .rows = LOOK_ROWS, .programme = programme };
    const struct arena_mark mark = arena_mark(c->arena);
    struct item *items = NULL;
    size_t count = LOOK_ROWS;

    for (size_t i = 0; i < COUNT(heads); i++)
        csv_write_field(csv, heads[i]);
    csv_write_row_end(csv);
    while (count == LOOK_ROWS) {
        TRY(item_list(c, &filter, &items, &count));
        for (size_t i = 0; i < count; i++)
            row_write(csv, &items[i]);
        if (count > 0)
            filter.after_line = items[count - 1].line;
        arena_rewind(c->arena, mark);
    }
    return ERR_OK;
}

err_t
audit_export_catalogue(struct call *c, const Audit__ExportCatalogueRequest *in,
                       Audit__ExportCatalogueReply *out)
{
    OWNED(csv_writer_destroy)
    struct csv_writer *csv = csv_writer_create(CATALOGUE_BYTES_MAX, true);
    struct programme programme;
    struct id id;
    size_t size = 0;

    TRY(optional_id_from_wire(in->programme_id, "$.programmeId", &id, &c->err));
    TRY(programme_check(c, id, false, &programme));
    if (!csv)
        return no_memory(c);
    TRY(rows_write(c, id, csv));
    const char *text = csv_writer_text(csv, &size);
    out->content_type = call_text(c, "text/csv; charset=utf-8");
    out->file_name = call_text(c, "档案目录.csv");
    if (text)
        out->body = (ProtobufCBinaryData){ size, arena_copy(c->arena, text, size) };
    return text && out->body.data && out->content_type && out->file_name ? ERR_OK : no_memory(c);
}
