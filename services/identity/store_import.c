/* store_import.c - lists on their way into the register: pieces, staged rows, faults, the switch.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "fault/fault.h"
#include "identity_queries.h"
#include "store_register.h"
#include "svc/columns.h"

static const char *const state_names[] = { "",         "RECEIVING", "CHECKING", "CHECKED",
                                           "APPROVED", "APPLYING",  "APPLIED",  "REJECTED" };

const char *
import_state_name(enum import_state state)
{
    return state_names[state];
}

static int64_t
int_or_zero(const struct rows *rows, int row, int column)
{
    return rows_is_null(rows, row, column) ? 0 : rows_int(rows, row, column);
}

static err_t
import_read(struct call *c, const struct rows *rows, int row, struct import *import)
{
    size_t size = 0;
    const void *sum = rows_bytes(rows, row, 6, &size);

    *import = (struct import){
        .id = rows_id(rows, row, 0),
        .account = rows_id(rows, row, 1),
        .person = rows_id(rows, row, 2),
        .kind = (enum import_kind) int_or_zero(rows, row, 3),
        .state =
            (enum import_state) place_of(rows_text(rows, row, 4), state_names, COUNT(state_names)),
        .size = rows_int(rows, row, 5),
        .finished = sum != NULL,
        .category = (int) int_or_zero(rows, row, 7),
        .has_as_of = !rows_is_null(rows, row, 8),
        .as_of = rows_is_null(rows, row, 8) ? (date_t){ 0 } : rows_date(rows, row, 8),
        .rows_checked = rows_int(rows, row, 9),
        .faults = rows_int(rows, row, 10),
        .new_people = rows_int(rows, row, 11),
        .changed_people = rows_int(rows, row, 12),
        .new_households = rows_int(rows, row, 13),
        .joined = rows_int(rows, row, 14),
        .left = rows_int(rows, row, 15),
        .categories = rows_int(rows, row, 16),
        .started_at = rows_instant(rows, row, 17),
        .checked_at = instant_or_never(rows, row, 18),
        .decided_by = rows_id(rows, row, 19),
        .decided_at = instant_or_never(rows, row, 20),
        .why = call_text(c, rows_text(rows, row, 21)),
        .applied_at = instant_or_never(rows, row, 22),
        .staged = rows_bool(rows, row, 23),
        .version = rows_int(rows, row, 24),
    };
    if (sum)
        memcpy(import->sha256, sum, sizeof import->sha256);
    return import->why ? ERR_OK : c->err.code;
}

static err_t
import_by_id(struct call *c, const struct stmt *stmt, struct id id, struct import *import)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, stmt, &rows, P_ID(id)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, IMPORT_NONE, "no such list");
    return import_read(c, rows, 0, import);
}

err_t
import_get(struct call *c, struct id id, struct import *import)
{
    return import_by_id(c, &q_import_get, id, import);
}

err_t
import_lock(struct call *c, struct id id, struct import *import)
{
    return import_by_id(c, &q_import_lock, id, import);
}

err_t
import_list(struct call *c, struct page page, const char *state, struct id account,
            struct import **imports, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_import_list, &rows, P_ID(page.after), P_INT(page.rows), P_TEXT(state),
                 P_ID_OR_NULL(account)));
    *count = (size_t) rows_count(rows);
    *imports = arena_alloc(c->arena, (*count + 1) * sizeof **imports);
    if (!*imports)
        return no_memory(c);
    for (size_t i = 0; i < *count; i++)
        TRY(import_read(c, rows, (int) i, &(*imports)[i]));
    return ERR_OK;
}

err_t
import_insert(struct call *c, const struct import *import)
{
    return db_exec(c, &q_import_insert, P_ID(c->tenant), P_ID(import->id), P_ID(import->account),
                   P_ID_OR_NULL(import->person), P_INSTANT(import->started_at));
}

err_t
import_grow(struct call *c, const struct import *import)
{
    return db_exec(c, &q_import_grow, P_ID(import->id), P_INT(import->size),
                   import->finished ? P_BYTES(import->sha256, 32) : P_NULL);
}

err_t
import_update(struct call *c, struct import *import)
{
    import->version++;
    return db_exec(c, &q_import_update, P_ID(import->id), P_TEXT(state_names[import->state]),
                   import->kind ? P_INT4((int) import->kind) : P_NULL,
                   import->category ? P_INT4(import->category) : P_NULL,
                   import->has_as_of ? P_DATE(import->as_of) : P_NULL, P_INT4(import->rows_checked),
                   P_INT4(import->faults), p_instant_or_null(import->checked_at),
                   P_ID_OR_NULL(import->decided_by), p_instant_or_null(import->decided_at),
                   P_TEXT(import->why), p_instant_or_null(import->applied_at),
                   P_BOOL(import->staged));
}

err_t
import_scope_set(struct call *c, const struct import *import, const struct village *villages,
                 size_t count)
{
    struct id *ids = arena_alloc(c->arena, (count + 1) * sizeof *ids);
    const char *text = NULL;
    size_t n = 0;

    if (!ids)
        return no_memory(c);
    for (size_t i = 0; i < count; i++)
        if (villages[i].covered)
            ids[n++] = villages[i].id;
    TRY(ids_text(c, ids, n, &text));
    return db_exec(c, &q_import_scope_set, P_ID(import->id), P_TEXT(text));
}

err_t
import_villages(struct call *c, const struct import *import, struct village **villages,
                size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;
    struct id *scope = arena_alloc(c->arena, VILLAGES_MAX * sizeof *scope);
    size_t n = 0;

    if (!scope)
        return no_memory(c);
    TRY(db_query(c, &q_import_scope_get, &rows, P_ID(import->id)));
    const char *text = rows_count(rows) ? rows_text(rows, 0, 0) : "";
    for (; *text && n < VILLAGES_MAX; text += *text == ',') {
        char one[ID_TEXT_BYTES];
        (void) snprintf(one, sizeof one, "%.*s", ID_TEXT_BYTES - 1, text);
        if (!id_parse(one, &scope[n++]))
            return err_set(&c->err, ERR_INTERNAL, "import.scope", "a scope holds no ids");
        text += strcspn(text, ",");
    }
    return village_list(c, scope, n, villages, count);
}

/* --- pieces --- */

enum { CONTEXT_BYTES = 96 };

static void
context_of(const struct import *import, int64_t start, char text[static CONTEXT_BYTES])
{
    char id[ID_TEXT_BYTES];

    id_format(import->id, id);
    (void) snprintf(text, CONTEXT_BYTES, "identity.import/%s/%" PRId64, id, start);
}

err_t
import_piece_insert(struct call *c, const struct import *import, const struct import_piece *piece)
{
    char context[CONTEXT_BYTES];
    ProtobufCBinaryData sealed;

    context_of(import, piece->start, context);
    TRY(call_seal(c, context, piece->bytes, piece->size, &sealed));
    return db_exec(c, &q_import_piece_insert, P_ID(c->tenant), P_ID(import->id),
                   P_INT(piece->start), P_INT4((int64_t) piece->size),
                   P_BYTES(sealed.data, sealed.len));
}

err_t
import_piece_at(struct call *c, const struct import *import, int64_t at, struct import_piece *piece)
{
    OWNED(rows_free) struct rows *rows = NULL;
    char context[CONTEXT_BYTES];
    ProtobufCBinaryData plain;
    size_t size = 0;

    TRY(db_query(c, &q_import_piece_at, &rows, P_ID(import->id), P_INT(at)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_INTERNAL, IMPORT_NONE, "a piece is missing");
    const int64_t start = rows_int(rows, 0, 0);
    const void *sealed = rows_bytes(rows, 0, 2, &size);
    context_of(import, start, context);
    TRY(call_unseal(c, context, sealed, size, &plain));
    *piece = (struct import_piece){ .start = start, .bytes = plain.data, .size = plain.len };
    return ERR_OK;
}

/* --- work and faults --- */

err_t
import_work(struct call *c, const struct id *resting, size_t resting_count, struct id *tenant,
            struct id *import, bool *found)
{
    OWNED(rows_free) struct rows *rows = NULL;
    const char *text;

    TRY(ids_text(c, resting, resting_count, &text));
    TRY(db_query(c, &q_import_work, &rows, P_TEXT(text)));
    *found = rows_count(rows) == 1;
    if (*found) {
        *tenant = rows_id(rows, 0, 0);
        *import = rows_id(rows, 0, 1);
    }
    return ERR_OK;
}

err_t
import_analyze(struct call *c, const char *what)
{
    OWNED(rows_free) struct rows *rows = NULL;

    return db_query(c, &q_import_analyze, &rows, P_TEXT(what));
}

err_t
import_fault_insert(struct call *c, struct id import, const struct row_fault *fault)
{
    return db_exec(c, &q_import_fault_insert, P_ID(c->tenant), P_ID(import),
                   P_INT4((int64_t) fault->row), P_INT4(fault->column), P_TEXT(fault->value_class),
                   P_TEXT(fault->code));
}

err_t
import_fault_count(struct call *c, struct id import, int64_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_import_fault_count, &rows, P_ID(import)));
    *count = rows_int(rows, 0, 0);
    return ERR_OK;
}

err_t
import_heads_forget(struct call *c, struct id import)
{
    return db_exec(c, &q_import_heads_forget, P_ID(import));
}

err_t
import_fault_list(struct call *c, struct id import, const struct row_fault *after, int64_t most,
                  struct row_fault **faults, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_import_fault_list, &rows, P_ID(import), P_INT4((int64_t) after->row),
                 P_INT4(after->column), P_TEXT(after->code), P_INT(most)));
    *count = (size_t) rows_count(rows);
    *faults = arena_alloc(c->arena, (*count + 1) * sizeof **faults);
    if (!*faults)
        return no_memory(c);
    for (int i = 0; i < rows_count(rows); i++) {
        struct row_fault *fault = &(*faults)[i];
        fault->row = (size_t) rows_int(rows, i, 0);
        fault->column = (int) rows_int(rows, i, 1);
        (void) snprintf(fault->value_class, sizeof fault->value_class, "%s", rows_text(rows, i, 2));
        (void) snprintf(fault->code, sizeof fault->code, "%s", rows_text(rows, i, 3));
    }
    return ERR_OK;
}

/* --- many rows at once --- */

/* A column of a batch: a PostgreSQL array in text form, growing. */
struct column {
    char *text;
    size_t used, room;
};
enum batch_column {
    B_VILLAGE,
    B_NUMBER,
    B_HOUSEHOLD,
    B_PERSON,
    B_ID_INDEX,
    B_FACTS_INDEX,
    B_ID_SEALED,
    B_NAME_SEALED,
    B_PHONE_SEALED,
    B_NUMBERS,
    B_COLUMNS
};
/* Bytes of one value at most: a sealed name of 200 bytes in hex, and its marks. */
static const size_t value_bytes[B_COLUMNS] = {
    [B_VILLAGE] = 40,       [B_NUMBER] = 36,      [B_HOUSEHOLD] = 40,  [B_PERSON] = 40,
    [B_ID_INDEX] = 76,      [B_FACTS_INDEX] = 76, [B_ID_SEALED] = 192, [B_NAME_SEALED] = 540,
    [B_PHONE_SEALED] = 170, [B_NUMBERS] = 140,
};

struct row_batch {
    struct call *c;
    struct id import;
    struct register_keys keys;
    struct column columns[B_COLUMNS];
    size_t count;
    bool listed;
    /* Of the row before: rows of one household stand together, mostly. */
    struct id village, household;
    char number[HOUSEHOLD_NUMBER_BYTES];
};

static void
batch_open(struct row_batch *batch)
{
    for (int i = 0; i < B_COLUMNS; i++) {
        batch->columns[i].used = 0;
        batch->columns[i].text[batch->columns[i].used++] = '{';
    }
    batch->count = 0;
}

err_t
row_batch_create(struct call *c, const struct import *import, struct row_batch **out)
{
    struct row_batch *batch = arena_alloc(c->arena, sizeof *batch);

    if (!batch)
        return no_memory(c);
    *batch = (struct row_batch){ .c = c,
                                 .import = import->id,
                                 .listed = import->kind == IMPORT_CATEGORY_LIST };
    TRY(register_keys_get(c, &batch->keys));
    for (int i = 0; i < B_COLUMNS; i++) {
        batch->columns[i].room = 8 + BATCH_ROWS * value_bytes[i];
        batch->columns[i].text = arena_alloc(c->arena, batch->columns[i].room);
        if (!batch->columns[i].text)
            return no_memory(c);
    }
    batch_open(batch);
    *out = batch;
    return ERR_OK;
}

static void
put_text(struct row_batch *batch, enum batch_column which, const char *text)
{
    struct column *column = &batch->columns[which];
    const size_t size = strlen(text);

    assert(column->used + size + 4 <= column->room);
    if (batch->count > 0)
        column->text[column->used++] = ',';
    memcpy(column->text + column->used, text, size);
    column->used += size;
}

static void
put_id(struct row_batch *batch, enum batch_column which, struct id id)
{
    char text[ID_TEXT_BYTES];

    id_format(id, text);
    put_text(batch, which, text);
}

static void
put_bytes(struct row_batch *batch, enum batch_column which, const void *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    struct column *column = &batch->columns[which];
    const uint8_t *from = bytes;

    assert(column->used + 2 * size + 8 <= column->room);
    if (batch->count > 0)
        column->text[column->used++] = ',';
    memcpy(column->text + column->used, "\"\\\\x", 4);
    column->used += 4;
    for (size_t i = 0; i < size; i++) {
        column->text[column->used++] = digits[from[i] >> 4];
        column->text[column->used++] = digits[from[i] & 15];
    }
    column->text[column->used++] = '"';
}

static err_t
put_sealed(struct row_batch *batch, enum batch_column which, enum person_field field,
           const uint8_t number[static 32], const char *text)
{
    ProtobufCBinaryData sealed;

    if (text[0] == '\0') {
        put_text(batch, which, "NULL");
        return ERR_OK;
    }
    TRY(person_seal(batch->c, field, number, text, &sealed));
    put_bytes(batch, which, sealed.data, sealed.len);
    return ERR_OK;
}

static void
put_household(struct row_batch *batch, const struct register_row *row)
{
    char quoted[HOUSEHOLD_NUMBER_BYTES + 2];

    if (id_cmp(batch->village, row->village) != 0 || strcmp(batch->number, row->number) != 0) {
        batch->village = row->village;
        (void) snprintf(batch->number, sizeof batch->number, "%s", row->number);
        batch->household = id_mint(batch->c->wall);
    }
    put_id(batch, B_VILLAGE, row->village);
    (void) snprintf(quoted, sizeof quoted, "\"%s\"", row->number); /* a rule lets no " in */
    put_text(batch, B_NUMBER, quoted);
    put_id(batch, B_HOUSEHOLD, batch->household);
    put_id(batch, B_PERSON, id_mint(batch->c->wall));
}

err_t
row_batch_add(struct row_batch *batch, const struct register_row *row)
{
    const struct person_facts facts = { row->name, row->phone, row->sex, row->birth };
    const struct arena_mark mark = arena_mark(batch->c->arena);
    uint8_t number[32], same[32];
    char numbers[160], on[16] = "-";

    number_index(&batch->keys, row->id_number, number);
    facts_index(&batch->keys, &facts, number, same);
    put_household(batch, row);
    put_bytes(batch, B_ID_INDEX, number, sizeof number);
    put_bytes(batch, B_FACTS_INDEX, same, sizeof same);
    TRY(put_sealed(batch, B_ID_SEALED, FIELD_ID_NUMBER, number, row->id_number));
    TRY(put_sealed(batch, B_NAME_SEALED, FIELD_NAME, number, row->name));
    TRY(put_sealed(batch, B_PHONE_SEALED, FIELD_PHONE, number, row->phone));
    if (row->has_date)
        (void) snprintf(on, sizeof on, "%d", (int) row->on.days);
    (void) snprintf(numbers, sizeof numbers, "\"%zu %d %d %d %d %u %d %d %d %s\"", row->row,
                    row->relation, (int) row->id_kind, (int) row->sex, (int) row->birth.days,
                    row->categories, row->grounds, (int) row->entry, (int) row->leaving, on);
    put_text(batch, B_NUMBERS, numbers);
    arena_rewind(batch->c->arena, mark);
    return ++batch->count == BATCH_ROWS ? row_batch_flush(batch) : ERR_OK;
}

err_t
row_batch_add_number(struct row_batch *batch, size_t row, const char *id_number)
{
    uint8_t number[32];
    char text[24];

    number_index(&batch->keys, id_number, number);
    (void) snprintf(text, sizeof text, "%zu", row);
    put_text(batch, B_NUMBERS, text);
    put_bytes(batch, B_ID_INDEX, number, sizeof number);
    return ++batch->count == BATCH_ROWS ? row_batch_flush(batch) : ERR_OK;
}

/* The statement's bytes are sent before db_exec() returns, so that the next batch may use them. */
err_t
row_batch_flush(struct row_batch *batch)
{
    struct call *c = batch->c;
    struct column *b = batch->columns;
    err_t code;

    if (batch->count == 0)
        return ERR_OK;
    if (fault_hit("import.stage"))
        return err_set(&c->err, ERR_UNAVAILABLE, "db.away", "the database is away");
    for (int i = 0; i < B_COLUMNS; i++) {
        b[i].text[b[i].used++] = '}';
        b[i].text[b[i].used] = '\0';
    }
    if (batch->listed)
        code = db_exec(c, &q_listed_insert, P_ID(c->tenant), P_ID(batch->import),
                       P_TEXT(b[B_NUMBERS].text), P_TEXT(b[B_ID_INDEX].text));
    else
        code = db_exec(c, &q_import_rows_insert, P_ID(c->tenant), P_ID(batch->import),
                       P_TEXT(b[B_VILLAGE].text), P_TEXT(b[B_NUMBER].text),
                       P_TEXT(b[B_HOUSEHOLD].text), P_TEXT(b[B_PERSON].text),
                       P_TEXT(b[B_ID_INDEX].text), P_TEXT(b[B_FACTS_INDEX].text),
                       P_TEXT(b[B_ID_SEALED].text), P_TEXT(b[B_NAME_SEALED].text),
                       P_TEXT(b[B_PHONE_SEALED].text), P_TEXT(b[B_NUMBERS].text));
    batch_open(batch);
    return code;
}

/* --- what the rows do --- */

err_t
import_resolve(struct call *c, const struct import *import)
{
    const bool first = import->state == IMPORT_CHECKING; /* statistics of the check serve later */
    const bool listed = import->kind == IMPORT_CATEGORY_LIST;

    TRY(db_exec(c, &q_import_steps_clear, P_ID(import->id)));
    if (listed) {
        TRY(db_exec(c, &q_listed_steps_make, P_ID(c->tenant), P_ID(import->id)));
        TRY(db_exec(c, &q_listed_faults_find, P_ID(c->tenant), P_ID(import->id),
                    P_INT(IMPORT_FAULTS_MAX)));
        return db_exec(c, &q_listed_counts, P_ID(import->id));
    }
    if (first)
        TRY(import_analyze(c, "rows"));
    TRY(db_exec(c, &q_import_steps_make, P_ID(import->id)));
    if (first)
        TRY(import_analyze(c, "steps"));
    TRY(db_exec(c, &q_import_faults_find, P_ID(c->tenant), P_ID(import->id),
                P_INT(IMPORT_FAULTS_MAX)));
    return db_exec(c, &q_import_counts, P_ID(import->id));
}

static err_t
listed_apply(struct call *c, const struct import *import)
{
    TRY(db_exec(c, &q_listed_touched, P_ID(import->id)));
    TRY(db_exec(c, &q_listed_ends, P_ID(import->id)));
    return db_exec(c, &q_listed_beginnings, P_ID(import->id));
}

err_t
import_apply(struct call *c, const struct import *import)
{
    if (import->kind == IMPORT_CATEGORY_LIST)
        return listed_apply(c, import);
    /* Households first; ends before beginnings, demotions before promotions: one open membership a
     * person and one head a household hold after every statement. */
    TRY(db_exec(c, &q_apply_households, P_ID(import->id), P_INSTANT(c->now)));
    TRY(db_exec(c, &q_apply_touched, P_ID(import->id)));
    TRY(db_exec(c, &q_apply_people, P_ID(import->id), P_INSTANT(c->now)));
    /* The planner has not met a tenant whose first list this is, and would begin with its people.
     */
    if (import->rows_checked >= ANALYZE_ROWS_MIN)
        TRY(import_analyze(c, "register"));
    TRY(db_exec(c, &q_apply_facts, P_ID(import->id)));
    TRY(db_exec(c, &q_apply_ends, P_ID(import->id), P_DATE(import->as_of)));
    TRY(db_exec(c, &q_apply_deaths, P_ID(import->id)));
    if (fault_hit("import.apply"))
        return err_set(&c->err, ERR_UNAVAILABLE, "db.away", "the database is away");
    TRY(db_exec(c, &q_apply_demotions, P_ID(import->id)));
    TRY(db_exec(c, &q_apply_amendments, P_ID(import->id)));
    TRY(db_exec(c, &q_apply_beginnings, P_ID(import->id), P_DATE(import->as_of)));
    return db_exec(c, &q_apply_categories, P_ID(import->id), P_DATE(import->as_of));
}

err_t
import_unstage(struct call *c, struct id import)
{
    TRY(db_exec(c, &q_import_steps_clear, P_ID(import)));
    TRY(db_exec(c, &q_listed_clear, P_ID(import)));
    return db_exec(c, &q_import_rows_clear, P_ID(import));
}
