/* handlers_import.c - lists on their way into the register: received, checked, decided, applied.
 *
 * A list of 100,000 rows fits no request, so a duty does the work: it stages the rows a portion at
 * a time, each portion a transaction with the place it has reached, and then changes the register
 * in one transaction.  Whoever dies in between leaves a list that the next one goes on with, and a
 * register that has all of it or nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "duties.h"
#include "fault/fault.h"
#include "handlers.h"
#include "rules.h"
#include "state.h"
#include "store.h"
#include "store_register.h"
#include "svc/room.h"
#include "wire.h"
#include "wire_register.h"

static err_t
none_such(struct call *c)
{
    return err_set(&c->err, ERR_NOT_FOUND, IMPORT_NONE, "no such list");
}

/* A clerk sees own lists; those who decide or audit see all. */
static bool
may_see(const struct call *c, const struct import *import)
{
    return id_cmp(import->account, c->account) == 0 ||
           (c->whole_tenant && call_has(c, ROLE_TOWNSHIP_OFFICER | ROLE_APPROVER | ROLE_AUDITOR));
}

/* --- receiving --- */

static err_t
sum_up(struct call *c, struct import *import)
{
    struct sha256 *sum = sha256_create();
    struct import_piece piece;
    err_t code = ERR_OK;

    for (int64_t at = 0; at < import->size && code == ERR_OK;) {
        const struct arena_mark mark = arena_mark(c->arena);
        code = import_piece_at(c, import, at, &piece);
        if (code == ERR_OK) {
            sha256_add(sum, piece.bytes, piece.size);
            at += (int64_t) piece.size;
        }
        arena_rewind(c->arena, mark);
    }
    sha256_finish(sum, import->sha256);
    return code;
}

static err_t
append(struct call *c, struct import *import, const struct import_piece *piece)
{
    TRY(import_piece_insert(c, import, piece));
    import->size += (int64_t) piece->size;
    if (piece->last) {
        TRY(sum_up(c, import));
        import->finished = true;
    }
    return import_grow(c, import);
}

static err_t
compare(struct call *c, const struct import *import, const struct import_piece *piece)
{
    struct import_piece stored;

    TRY(import_piece_at(c, import, piece->start, &stored));
    if (stored.start == piece->start && stored.size == piece->size &&
        memcmp(stored.bytes, piece->bytes, piece->size) == 0)
        return ERR_OK;
    return err_at(&c->err, ERR_CONFLICT, "$.data", IMPORT_OTHER_BYTES,
                  "a piece was sent again with other bytes");
}

err_t
identity_write_register_import(struct call *c, const Identity__WriteRegisterImportRequest *in,
                               Identity__WriteRegisterImportReply *out)
{
    struct import_piece piece;
    struct import import;
    bool next = false;
    struct id id;

    TRY(import_piece_from_wire(in, &id, &piece, &c->err));
    TRY(rule_import_piece(&piece, &c->err));
    const err_t code = import_lock(c, id, &import);
    if (code == ERR_OK && id_cmp(import.account, c->account) != 0)
        return none_such(c);
    if (code != ERR_OK && (code != ERR_NOT_FOUND || piece.start != 0))
        return code;
    if (code == ERR_NOT_FOUND) {
        import = (struct import){ .id = id,
                                  .account = c->account,
                                  .person = c->person,
                                  .state = IMPORT_RECEIVING,
                                  .started_at = c->now,
                                  .why = "",
                                  .version = 1 };
        TRY(import_insert(c, &import));
    }
    TRY(rule_import_place(&import, &piece, &next, &c->err));
    if (next)
        TRY(append(c, &import, &piece));
    else
        TRY(compare(c, &import, &piece));
    return import_to_wire(c, &import, &out->register_import);
}

/* --- asking for the check --- */

static err_t
check_begin(struct call *c, struct import *import)
{
    struct village *villages = NULL;
    size_t count = 0;

    TRY(import_move(import, ON_IMPORT_CHECK, &c->err));
    TRY(villages_of_caller(c, &villages, &count));
    TRY(import_scope_set(c, import, villages, count));
    return import_update(c, import);
}

static err_t
own_import_lock(struct call *c, const Huzhu__Id *wire, struct import *import)
{
    struct id id;

    TRY(id_from_wire(wire, "$.importId", &id, &c->err));
    TRY(import_lock(c, id, import));
    return id_cmp(import->account, c->account) == 0 ? ERR_OK : none_such(c);
}

err_t
identity_check_register_import(struct call *c, const Identity__CheckRegisterImportRequest *in,
                               Identity__CheckRegisterImportReply *out)
{
    struct import import;

    TRY(own_import_lock(c, in->import_id, &import));
    import.kind = IMPORT_REGISTER;
    import.as_of = date_of(c->now);
    import.has_as_of = true;
    TRY(check_begin(c, &import));
    return import_to_wire(c, &import, &out->register_import);
}

err_t
identity_import_category_list(struct call *c, const Identity__ImportCategoryListRequest *in,
                              Identity__ImportCategoryListReply *out)
{
    struct import import;

    TRY(own_import_lock(c, in->import_id, &import));
    import.kind = IMPORT_CATEGORY_LIST;
    import.category = category_of_code(in->category);
    if (import.category == 0)
        return err_at(&c->err, ERR_INVALID, "$.category", CATEGORY_NONE, "no such category");
    if (!in->as_of || in->as_of->days > date_of(c->now).days)
        return err_at(&c->err, ERR_INVALID, "$.asOf", CATEGORY_AS_OF,
                      "the day of the list is missing or lies ahead");
    import.as_of.days = in->as_of->days;
    import.has_as_of = true;
    TRY(check_begin(c, &import));
    return import_to_wire(c, &import, &out->register_import);
}

/* --- looking --- */

err_t
identity_get_register_import(struct call *c, const Identity__GetRegisterImportRequest *in,
                             Identity__GetRegisterImportReply *out)
{
    struct import import;
    struct id id;

    TRY(id_from_wire(in->import_id, "$.importId", &id, &c->err));
    TRY(import_get(c, id, &import));
    if (!may_see(c, &import))
        return none_such(c);
    return import_to_wire(c, &import, &out->register_import);
}

err_t
identity_list_register_imports(struct call *c, const Identity__ListRegisterImportsRequest *in,
                               Identity__ListRegisterImportsReply *out)
{
    const struct import all = { .account = { { 0 } } };
    const struct id own = may_see(c, &all) ? (struct id){ { 0 } } : c->account;
    struct import *imports = NULL;
    struct page page;
    size_t count = 0;

    TRY(page_from_wire(in->page_size, in->page_token, &page, &c->err));
    if ((unsigned) in->state > IMPORT_REJECTED)
        return err_at(&c->err, ERR_INVALID, "$.state", "field.enum", "no such state");
    TRY(import_list(c, page, in->state ? import_state_name((enum import_state) in->state) : NULL,
                    own, &imports, &count));
    TRY(page_to_wire(c, page, imports[count > 1 ? count - 2 : 0].id, &count,
                     &out->next_page_token));
    LIST(c, count, &out->register_imports);
    for (; out->n_register_imports < count; out->n_register_imports++)
        TRY(import_to_wire(c, &imports[out->n_register_imports],
                           &out->register_imports[out->n_register_imports]));
    c->etag[0] = '\0'; /* of a single one, not of a list */
    return ERR_OK;
}

err_t
identity_list_import_faults(struct call *c, const Identity__ListImportFaultsRequest *in,
                            Identity__ListImportFaultsReply *out)
{
    struct row_fault after, *faults = NULL;
    struct import import;
    struct page page;
    size_t count = 0;
    struct id id;

    TRY(id_from_wire(in->import_id, "$.importId", &id, &c->err));
    TRY(page_from_wire(in->page_size, "", &page, &c->err));
    TRY(fault_token_from_wire(in->page_token, &after, &c->err));
    TRY(import_get(c, id, &import));
    if (!may_see(c, &import))
        return none_such(c);
    TRY(import_fault_list(c, id, &after, page.rows, &faults, &count));
    if ((int64_t) count == page.rows) {
        count--;
        TRY(fault_token_to_wire(c, &faults[count - 1], &out->next_page_token));
    }
    LIST(c, count, &out->faults);
    for (; out->n_faults < count; out->n_faults++)
        TRY(fault_to_wire(c, &faults[out->n_faults], &out->faults[out->n_faults]));
    return ERR_OK;
}

/* --- deciding --- */

static err_t
decide(struct call *c, const Huzhu__Id *wire, enum import_event on, struct import *import)
{
    char etag[24];
    struct id id;

    TRY(id_from_wire(wire, "$.importId", &id, &c->err));
    TRY(import_lock(c, id, import));
    if (!c->whole_tenant)
        return none_such(c);
    (void) snprintf(etag, sizeof etag, "%lld", (long long) import->version);
    TRY(call_matches(c, etag));
    /* A sender may withdraw what nobody has decided; to agree takes another person. */
    if (on == ON_IMPORT_APPROVE)
        TRY(rule_may_decide(import, c->account, c->person, &c->err));
    TRY(import_move(import, on, &c->err));
    import->decided_by = c->account;
    import->decided_at = c->now;
    TRY(import_update(c, import));
    return emit_import_decided(c, import, on == ON_IMPORT_APPROVE);
}

err_t
identity_approve_register_import(struct call *c, const Identity__ApproveRegisterImportRequest *in,
                                 Identity__ApproveRegisterImportReply *out)
{
    struct import import;

    TRY(decide(c, in->import_id, ON_IMPORT_APPROVE, &import));
    return import_to_wire(c, &import, &out->register_import);
}

err_t
identity_reject_register_import(struct call *c, const Identity__RejectRegisterImportRequest *in,
                                Identity__RejectRegisterImportReply *out)
{
    struct import import;

    TRY(rule_name(in->why, "$.why", &c->err));
    TRY(decide(c, in->import_id, ON_IMPORT_REJECT, &import));
    import.why = in->why;
    TRY(import_update(c, &import));
    return import_to_wire(c, &import, &out->register_import);
}

/* --- the duty: staging --- */

struct staging {
    struct call *c;
    struct import *import;
    struct register_facts facts;
    struct row_batch *batch;
    int64_t seen, own_faults; /* rows passed; faults of rows by themselves, all portions */
    size_t taken;
    err_t code;
};

static bool
staging_has_room(struct staging *s)
{
    return s->taken < IMPORT_PORTION_ROWS && s->code == ERR_OK;
}

static err_t
faults_store(struct staging *s, const struct row_fault *faults, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (s->own_faults++ < IMPORT_FAULTS_MAX)
            TRY(import_fault_insert(s->c, s->import->id, &faults[i]));
    return ERR_OK;
}

static bool
take_register_row(void *context, const struct csv_record *record)
{
    struct staging *s = context;
    struct register_row row = { .row = record->row };
    struct row_fault faults[COLUMN_COUNT];

    if (s->seen < s->import->rows_checked) {
        s->seen++;
        return true;
    }
    if (!staging_has_room(s))
        return false;
    s->seen++;
    s->taken++;
    const size_t count = rule_register_row(&s->facts, record->fields, &row, faults);
    s->code = count > 0 ? faults_store(s, faults, count) : row_batch_add(s->batch, &row);
    return s->code == ERR_OK;
}

static bool
take_listed_number(void *context, const struct csv_record *record)
{
    struct staging *s = context;
    struct row_fault fault = { .row = record->row, .column = COLUMN_ID_NUMBER + 1 };
    char number[PERSON_NUMBER_BYTES];

    if (s->seen < s->import->rows_checked) {
        s->seen++;
        return true;
    }
    if (!staging_has_room(s))
        return false;
    s->seen++;
    s->taken++;
    if (person_number_canonical(record->fields[0], s->facts.today, number)) {
        s->code = row_batch_add_number(s->batch, record->row, number);
        return s->code == ERR_OK;
    }
    value_class_of(record->fields[0], fault.value_class);
    (void) snprintf(fault.code, sizeof fault.code, "%s",
                    record->fields[0][0] ? "id_number.form" : "field.empty");
    s->code = faults_store(s, &fault, 1);
    return s->code == ERR_OK;
}

/* The whole list, in memory of its own; 64 MiB at most, for as long as a portion takes. */
static err_t
bytes_of(struct call *c, const struct import *import, char **out)
{
    /* tidy: 64 MiB are more than a call's arena may hold, and end with the portion */
    char *bytes = malloc((size_t) import->size + 1);
    struct import_piece piece;
    err_t code = ERR_OK;

    if (!bytes)
        return err_set(&c->err, ERR_UNAVAILABLE, "memory.out", "no memory for a list");
    for (int64_t at = 0; at < import->size && code == ERR_OK;) {
        const struct arena_mark mark = arena_mark(c->arena);
        code = import_piece_at(c, import, at, &piece);
        if (code == ERR_OK) {
            memcpy(bytes + at, piece.bytes, piece.size);
            at += (int64_t) piece.size;
        }
        arena_rewind(c->arena, mark);
    }
    if (code != ERR_OK)
        free(bytes);
    else
        *out = bytes;
    return code;
}

/* A fault of the file's shape.  What the file itself says is not kept: without a line of headings
 * it may be somebody's name. */
static err_t
shape_fault(struct staging *s, const struct csv_result *result)
{
    struct row_fault fault = { .row = result->row };

    if (result->fault == CSV_FAULT_MISSING_COLUMN)
        for (int i = 1; i <= COLUMN_COUNT; i++)
            if (strcmp(column_name(i), result->name) == 0)
                fault.column = i;
    if (result->column > 0)
        (void) snprintf(fault.value_class, sizeof fault.value_class, "column(%u)",
                        (unsigned) result->column & 0xFFU); /* CSV_HEADER_MAX is less */
    (void) snprintf(fault.code, sizeof fault.code, "file.%s", csv_fault_name(result->fault));
    return faults_store(s, &fault, 1);
}

static err_t
read_portion(struct staging *s, bool *more)
{
    static const struct csv_column listed[] = { { "证件号码|身份证号|身份证号码|公民身份号码",
                                                  false } };
    struct csv_column columns[COLUMN_COUNT];
    const bool is_list = s->import->kind == IMPORT_CATEGORY_LIST;
    const struct csv_spec spec = {
        .columns = is_list ? listed : columns,
        .column_count = is_list ? COUNT(listed) : COLUMN_COUNT,
        .limits = { (size_t) IMPORT_BYTES_MAX, IMPORT_ROWS_MAX, IMPORT_FIELD_BYTES_MAX },
        .each = is_list ? take_listed_number : take_register_row,
        .context = s,
    };
    struct csv_result result;
    char *bytes = NULL;

    csv_columns(columns);
    TRY(bytes_of(s->c, s->import, &bytes));
    const enum csv_fault fault = csv_read(&spec, bytes, (size_t) s->import->size, &result);
    explicit_bzero(bytes, (size_t) s->import->size);
    free(bytes);
    TRY(s->code);
    *more = fault == CSV_FAULT_STOPPED;
    if (fault == CSV_FAULT_MACHINE)
        return err_set(&s->c->err, ERR_UNAVAILABLE, "memory.out", "no memory for a list");
    if (fault != CSV_OK && fault != CSV_FAULT_STOPPED)
        return shape_fault(s, &result);
    if (fault == CSV_OK && s->seen == 0) {
        const struct row_fault empty = { .row = 0, .code = "file.empty" };
        return faults_store(s, &empty, 1);
    }
    return ERR_OK;
}

static err_t
check_finish(struct call *c, struct import *import, int64_t own_faults)
{
    int64_t stored = 0;

    TRY(import_resolve(c, import));
    if (own_faults > 0)
        TRY(import_heads_forget(c, import->id));
    TRY(import_fault_count(c, import->id, &stored));
    import->faults = stored > own_faults ? stored : own_faults;
    import->checked_at = c->now;
    TRY(import_move(import, ON_IMPORT_CHECKED, &c->err));
    return emit_import_checked(c, import);
}

static err_t
check_portion(struct call *c, struct import *import)
{
    struct staging s = { .c = c, .import = import, .own_faults = import->faults };
    struct village *villages = NULL;
    bool more = false;

    TRY(import_villages(c, import, &villages, &s.facts.village_count));
    s.facts.villages = villages;
    s.facts.today = date_of(c->now);
    TRY(row_batch_create(c, import, &s.batch));
    TRY(read_portion(&s, &more));
    TRY(row_batch_flush(s.batch));
    import->rows_checked = s.seen;
    import->faults = s.own_faults;
    import->staged = true;
    if (!more)
        TRY(check_finish(c, import, s.own_faults));
    return import_update(c, import);
}

/* --- the duty: the switch --- */

/* Tells others of every household that changed, up to two hundred in one event. */
static err_t
tell_households(struct call *c, struct id by, size_t *total)
{
    struct id after = { { 0 } };
    size_t count = EVENT_HOUSEHOLDS_MAX;

    for (*total = 0; count == EVENT_HOUSEHOLDS_MAX; *total += count) {
        const struct arena_mark mark = arena_mark(c->arena);
        struct household *households = NULL;
        TRY(household_changed(c, by, after, EVENT_HOUSEHOLDS_MAX, &households, &count));
        if (count == 0)
            break;
        TRY(households_fill(c, households, count, false));
        TRY(emit_households_recorded(c, households, count));
        after = households[count - 1].id;
        arena_rewind(c->arena, mark);
    }
    return ERR_OK;
}

static err_t
apply(struct call *c, struct import *import)
{
    int64_t faults = 0;
    size_t households = 0;

    TRY(register_lock(c));
    TRY(import_resolve(c, import));
    TRY(import_fault_count(c, import->id, &faults));
    if (faults > 0) {
        import->faults = faults;
        import->decided_by = (struct id){ { 0 } };
        import->decided_at = (instant_t){ 0 };
        TRY(import_move(import, ON_IMPORT_MOVED_ON, &c->err));
        TRY(emit_import_checked(c, import));
        return import_update(c, import);
    }
    TRY(import_apply(c, import));
    if (import->rows_checked >= ANALYZE_ROWS_MIN)
        TRY(import_analyze(c, "register"));
    TRY(tell_households(c, import->id, &households));
    import->applied_at = c->now;
    TRY(import_move(import, ON_IMPORT_APPLIED, &c->err));
    TRY(import_update(c, import));
    TRY(import_get(c, import->id, import)); /* the counts of what was done */
    return emit_import_applied(c, import, (size_t) (import->new_people + import->changed_people),
                               households);
}

err_t
identity_work_on_imports(struct call *c)
{
    struct import_turns *turns = identity_turns(c);
    const int64_t now_us = clock_monotonic_us();
    struct id resting[TURNS_MAX], tenant, id;
    struct import import;
    bool found = false;

    TRY(import_work(c, resting, imports_resting(turns, now_us, resting), &tenant, &id, &found));
    if (!found)
        return ERR_OK;
    TRY(call_as_tenant(c, tenant));
    TRY(import_lock(c, id, &import));
    if (!import_begins(turns, id, import.version, now_us)) {
        LOG(ERROR, &c->log, "import.rests", L_TEXT("why", "it fails again and again"));
        return ERR_OK;
    }
    if (fault_hit("import.portion"))
        return err_set(&c->err, ERR_UNAVAILABLE, "db.away", "the database is away");
    switch (import.state) {
    case IMPORT_CHECKING:
        return check_portion(c, &import);
    case IMPORT_APPROVED:
        TRY(import_move(&import, ON_IMPORT_APPLY, &c->err));
        return import_update(c, &import);
    case IMPORT_APPLYING:
        return apply(c, &import);
    case IMPORT_APPLIED:
    case IMPORT_REJECTED:
        import.staged = false;
        TRY(import_unstage(c, import.id));
        return import_update(c, &import);
    case IMPORT_RECEIVING:
    case IMPORT_CHECKED:
        break;
    }
    return ERR_OK;
}
