/* handlers_table.c - subsidy tables: designed, confirmed by another person, frozen for good. */
#include "handlers.h"

#include <stdio.h>
#include <string.h>

#include "rules.h"
#include "store.h"
#include "svc/room.h"
#include "wire.h"

static void
set_etag(struct call *c, const struct subsidy_table *table)
{
    (void) snprintf(c->etag, sizeof c->etag, "%lld", (long long) table->version);
}

static err_t
scheme_not_loaded(struct call *c, const char *checksum)
{
    return err_set(&c->err, ERR_UNAVAILABLE, SCHEME_NOT_LOADED,
                   "the scheme %.12s is not in the scheme folder", checksum);
}

static err_t
names_of(struct call *c, const struct subsidy_table *table, const struct drg_names **names)
{
    *names = names_find(c->state, table->scheme.checksum);
    return *names ? ERR_OK : scheme_not_loaded(c, table->scheme.checksum);
}

/* The programme's own scheme; where it names none, that of its year. */
static err_t
scheme_of_programme(struct call *c, struct id id, const char *wanted,
                    const struct drg_scheme **scheme)
{
    struct programme programme;
    struct year_scheme year_scheme;
    const char *checksum;

    TRY(programme_get(c, id, &programme));
    checksum = programme.scheme;
    if (checksum[0] == '\0') {
        TRY(year_scheme_get(c, (uint32_t) programme.year, &year_scheme));
        checksum = year_scheme.checksum;
    }
    if (wanted[0] != '\0' && strcmp(wanted, checksum) != 0)
        return err_at(&c->err, ERR_REFUSED, "$.scheme", TABLE_OTHER_SCHEME,
                      "the programme's scheme is %.12s", checksum);
    *scheme = scheme_find(c->state, checksum);
    return *scheme ? ERR_OK : scheme_not_loaded(c, checksum);
}

static err_t
answer(struct call *c, const struct subsidy_table *table, Coding__SubsidyTable **out)
{
    set_etag(c, table);
    *out = table_to_wire(c, table, names_find(c->state, table->scheme.checksum));
    return *out ? ERR_OK : c->err.code;
}

err_t
coding_create_subsidy_table(struct call *c, const Coding__CreateSubsidyTableRequest *in,
                            Coding__CreateSubsidyTableReply *out)
{
    struct subsidy_table table = { .state = TABLE_DRAFT,
                                   .created_by = c->account,
                                   .designed_by = c->account,
                                   .created_at = c->now,
                                   .version = 1 };
    const struct drg_scheme *scheme = NULL;
    const struct drg_names *names = NULL;

    TRY(id_from_wire(in->table_id, "$.tableId", &table.id, &c->err));
    TRY(id_from_wire(in->programme_id, "$.programmeId", &table.programme, &c->err));
    TRY(scheme_of_programme(c, table.programme, in->scheme, &scheme));
    table.scheme = *drg_scheme_identity(scheme);
    TRY(names_of(c, &table, &names));
    TRY(table_from_text(c, in->text, names, &table));
    TRY(rule_table_is_sound(&table, names, &c->err));

    TRY(table_insert(c, &table));
    return answer(c, &table, &out->table);
}

err_t
coding_get_subsidy_table(struct call *c, const Coding__GetSubsidyTableRequest *in,
                         Coding__GetSubsidyTableReply *out)
{
    struct subsidy_table table;
    struct id id;

    TRY(id_from_wire(in->table_id, "$.tableId", &id, &c->err));
    TRY(table_get(c, id, &table));
    TRY(table_load_rows(c, &table));
    return answer(c, &table, &out->table);
}

err_t
coding_list_subsidy_tables(struct call *c, const Coding__ListSubsidyTablesRequest *in,
                           Coding__ListSubsidyTablesReply *out)
{
    struct subsidy_table *tables;
    size_t count;
    struct id id;

    TRY(id_from_wire(in->programme_id, "$.programmeId", &id, &c->err));
    TRY(tables_of(c, id, &tables, &count));
    LIST(c, count, &out->tables);
    for (size_t i = 0; i < count; i++) {
        out->tables[i] = table_to_wire(c, &tables[i], NULL);
        if (!out->tables[i])
            return c->err.code;
        out->n_tables++;
    }
    return ERR_OK;
}

/* Locked, and seen by the caller as it is. */
static err_t
lock_for(struct call *c, const Huzhu__Id *wire, struct subsidy_table *table)
{
    struct id id;

    TRY(id_from_wire(wire, "$.tableId", &id, &c->err));
    TRY(table_lock(c, id, table));
    set_etag(c, table);
    return call_matches(c, c->etag);
}

err_t
coding_change_subsidy_table(struct call *c, const Coding__ChangeSubsidyTableRequest *in,
                            Coding__ChangeSubsidyTableReply *out)
{
    struct subsidy_table table;
    const struct drg_names *names = NULL;

    TRY(lock_for(c, in->table_id, &table));
    TRY(table_move(&table, ON_CHANGE, &c->err));
    TRY(names_of(c, &table, &names));
    TRY(table_from_text(c, in->text, names, &table));
    TRY(rule_table_is_sound(&table, names, &c->err));

    table.designed_by = c->account;
    table.version++;
    TRY(table_change(c, &table));
    return answer(c, &table, &out->table);
}

err_t
coding_confirm_subsidy_table(struct call *c, const Coding__ConfirmSubsidyTableRequest *in,
                             Coding__ConfirmSubsidyTableReply *out)
{
    struct subsidy_table table;
    const struct drg_names *names = NULL;

    TRY(lock_for(c, in->table_id, &table));
    TRY(table_move(&table, ON_CONFIRM, &c->err));
    TRY(rule_may_confirm(&table, c->account, &c->err));
    TRY(names_of(c, &table, &names));
    TRY(table_load_rows(c, &table));
    TRY(rule_table_is_whole(&table, names, &c->err));

    table.confirmed_by = c->account;
    table.confirmed_at = c->now;
    table.version++;
    TRY(table_store_confirm(c, &table));
    return answer(c, &table, &out->table);
}

err_t
coding_freeze_subsidy_table(struct call *c, const Coding__FreezeSubsidyTableRequest *in,
                            Coding__FreezeSubsidyTableReply *out)
{
    struct subsidy_table table;
    const struct drg_scheme *scheme = NULL;
    const struct drg_names *names = NULL;

    TRY(lock_for(c, in->table_id, &table));
    TRY(table_move(&table, ON_FREEZE, &c->err));
    TRY(programme_lock(c, table.programme));
    /* The programme may have been given another scheme since the table was designed. */
    TRY(scheme_of_programme(c, table.programme, table.scheme.checksum, &scheme));
    TRY(names_of(c, &table, &names));
    TRY(table_load_rows(c, &table));
    TRY(rule_table_is_whole(&table, names, &c->err));

    table.frozen_by = c->account;
    table.frozen_at = c->now;
    table.version++;
    TRY(table_store_freeze(c, &table));
    TRY(emit_table_frozen(c, &table));
    return answer(c, &table, &out->table);
}

err_t
coding_export_subsidy_table(struct call *c, const Coding__ExportSubsidyTableRequest *in,
                            Coding__ExportSubsidyTableReply *out)
{
    struct subsidy_table table;
    struct id id;

    TRY(id_from_wire(in->table_id, "$.tableId", &id, &c->err));
    TRY(table_get(c, id, &table));
    TRY(table_load_rows(c, &table));
    return table_to_csv(c, &table, out);
}
