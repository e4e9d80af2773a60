/* rules_table.c - what a subsidy table must be, and which of its rows decides for a stay. */
#include <stdio.h>
#include <string.h>

#include "rules.h"

static const struct {
    enum table_state from;
    enum table_event on;
    enum table_state to;
} moves[] = {
#define TABLE_MOVE(from, on, to, why) { TABLE_##from, ON_##on, TABLE_##to },
#define JOB_MOVE(from, on, to, why)
#include "moves.def"
#undef JOB_MOVE
#undef TABLE_MOVE
};

err_t
table_move(struct subsidy_table *table, enum table_event on, struct err *err)
{
    for (size_t i = 0; i < COUNT(moves); i++) {
        if (moves[i].from == table->state && moves[i].on == on) {
            table->state = moves[i].to;
            return ERR_OK;
        }
    }
    return err_set(err, ERR_CONFLICT, TABLE_STATE, "the table's state does not allow it");
}

bool
table_has(const struct subsidy_table *table, const char *drg)
{
    for (size_t i = 0; i < table->row_count; i++)
        if (table->rows[i].parent[0] == '\0' && strcmp(table->rows[i].drg, drg) == 0)
            return true;
    return false;
}

static bool
has_condition(const struct subsidy_row *row)
{
    return row->age_from != DRG_MISSING || row->age_to != DRG_MISSING ||
           row->sex != DRG_SEX_MISSING;
}

static err_t
check_row(const struct subsidy_table *table, size_t at, const struct drg_names *names,
          struct err *err)
{
    const struct subsidy_row *row = &table->rows[at];
    char path[64];

    (void) snprintf(path, sizeof path, "$.text[%zu]", at);
    if (row->amount.fen < 0 || money_cmp(row->amount, SUBSIDY_MOST) > 0)
        return err_at(err, ERR_INVALID, path, TABLE_AMOUNT, "the amount of %.20s is out of bounds",
                      row->drg);
    for (size_t i = 0; i < at; i++)
        if (strcmp(table->rows[i].drg, row->drg) == 0)
            return err_at(err, ERR_INVALID, path, TABLE_DOUBLE, "%.20s is given twice", row->drg);
    const bool is_group = drg_names_group(names, row->drg) != NULL;
    if (row->parent[0] == '\0') {
        if (!is_group)
            return err_at(err, ERR_INVALID, path, TABLE_GROUP, "the scheme has no group %.20s",
                          row->drg);
        if (has_condition(row))
            return err_at(err, ERR_INVALID, path, TABLE_PARENT,
                          "%.20s has a condition and no parent", row->drg);
        return ERR_OK;
    }
    if (is_group || !table_has(table, row->parent) || !has_condition(row))
        return err_at(err, ERR_INVALID, path, TABLE_PARENT,
                      "the local sub-group %.20s needs a name of its own, the row of %.20s and a "
                      "condition",
                      row->drg, row->parent);
    if (row->age_from != DRG_MISSING && row->age_to != DRG_MISSING && row->age_from > row->age_to)
        return err_at(err, ERR_INVALID, path, TABLE_BAND, "the ages of %.20s end before they begin",
                      row->drg);
    return ERR_OK;
}

err_t
rule_table_is_sound(const struct subsidy_table *table, const struct drg_names *names,
                    struct err *err)
{
    if (table->row_count == 0 || table->row_count > SUBSIDY_ROWS_MAX)
        return err_at(err, ERR_INVALID, "$.text", TABLE_TEXT, "%zu rows; 1 to %d are taken",
                      table->row_count, SUBSIDY_ROWS_MAX);
    for (size_t i = 0; i < table->row_count; i++)
        TRY(check_row(table, i, names, err));
    return ERR_OK;
}

err_t
rule_table_is_whole(const struct subsidy_table *table, const struct drg_names *names,
                    struct err *err)
{
    const struct drg_group_name *groups;
    const size_t count = drg_names_groups(names, &groups);
    size_t missing = 0, used = 0;
    char named[120] = "";

    for (size_t i = 0; i < count; i++) {
        /* A record that falls between groups has an amount only where the plan wants one. */
        if (groups[i].ambiguous || table_has(table, groups[i].drg))
            continue;
        if (used + strlen(groups[i].drg) + 2 < sizeof named)
            used += (size_t) snprintf(named + used, sizeof named - used, " %s", groups[i].drg);
        missing++;
    }
    if (missing == 0)
        return ERR_OK;
    return err_set(err, ERR_REFUSED, TABLE_MISSING, "%zu groups have no amount:%s", missing, named);
}

err_t
rule_may_confirm(const struct subsidy_table *table, struct id account, struct err *err)
{
    if (id_cmp(table->designed_by, account) == 0 || id_cmp(table->created_by, account) == 0)
        return err_set(err, ERR_REFUSED, TABLE_SAME_PERSON,
                       "who designed the table does not confirm it");
    return ERR_OK;
}

const struct subsidy_row *
rule_row_for(const struct subsidy_row *rows, size_t count, const char *drg,
             const struct drg_stay *stay)
{
    const struct subsidy_row *own = NULL;

    for (size_t i = 0; i < count; i++) {
        const struct subsidy_row *row = &rows[i];
        if (row->parent[0] == '\0') {
            if (strcmp(row->drg, drg) == 0)
                own = row;
            continue;
        }
        if (strcmp(row->parent, drg) == 0 &&
            (row->age_from == DRG_MISSING || stay->age >= row->age_from) &&
            (row->age_to == DRG_MISSING || (stay->age >= 0 && stay->age <= row->age_to)) &&
            (row->sex == DRG_SEX_MISSING || stay->sex == row->sex))
            return row;
    }
    return own;
}

void
row_who(const struct subsidy_row *row, char text[static ROW_WHO_BYTES])
{
    const char *sex = row->sex == DRG_MALE ? "男" : row->sex == DRG_FEMALE ? "女" : "";
    int used = 0;

    text[0] = '\0';
    if (row->age_from != DRG_MISSING && row->age_to != DRG_MISSING)
        used = snprintf(text, ROW_WHO_BYTES, "%d-%d岁", row->age_from, row->age_to);
    else if (row->age_from != DRG_MISSING)
        used = snprintf(text, ROW_WHO_BYTES, "%d岁及以上", row->age_from);
    else if (row->age_to != DRG_MISSING)
        used = snprintf(text, ROW_WHO_BYTES, "%d岁及以下", row->age_to);
    (void) snprintf(text + used, ROW_WHO_BYTES - (size_t) used, "%s%s",
                    used > 0 && sex[0] ? " " : "", sex);
}

const char *
sub_group_of(const struct coding *coding)
{
    return strcmp(coding->row_drg, coding->drg) == 0 ? "" : coding->row_drg;
}
