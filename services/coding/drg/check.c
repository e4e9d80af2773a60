/* check.c - the content of a pack, table by table. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

static const char *
text_of(const struct tsv *table, uint32_t row, uint32_t column)
{
    return tsv_cell(table, row, column);
}

/* ---- scheme.json against the tables ---- */

static void
check_stat(const struct pack *pack, const char *name, uint64_t is, struct findings *findings)
{
    const json_t *said = json_object_get(json_object_get(pack->json, "stats"), name);

    if (json_is_integer(said) && (uint64_t) json_integer_value(said) != is)
        find(findings, FIND_SCHEME_STATS, (struct place){ "scheme.json", 1 },
             "stats.%s 为 %lld，实际为 %llu，文件可能不完整",
             "stats.%s says %lld, there are %llu; a file may be incomplete", name,
             (long long) json_integer_value(said), (unsigned long long) is);
}

static uint64_t
distinct(const struct tsv *table, uint32_t column)
{
    struct symbols seen;

    symbols_init(&seen, NULL);
    for (uint32_t row = 0; row < table->row_count; row++)
        if (symbols_add(&seen, text_of(table, row, column)) == SYMBOL_NONE)
            break;
    const uint64_t count = seen.count;
    symbols_done(&seen);
    return count;
}

static void
check_stats(const struct pack *pack, struct findings *findings)
{
    static const struct {
        const char *name;
        enum pack_file file;
    } rows[] = {
        { "mdc", PACK_MDC },
        { "adrg_rules", PACK_ADRG },
        { "drg_rules", PACK_DRG },
        { "mcc", PACK_MCC },
        { "cc", PACK_CC },
        { "exclusions", PACK_EXCLUSIONS },
        { "dx", PACK_DX },
        { "proc", PACK_PROC },
        { "dx_map", PACK_DX_MAP },
        { "proc_map", PACK_PROC_MAP },
        { "list_codes", PACK_LISTS },
    };
    uint64_t valid = 0;

    for (size_t i = 0; i < COUNT(rows); i++)
        check_stat(pack, rows[i].name, pack->tables[rows[i].file].row_count, findings);
    check_stat(pack, "lists", distinct(&pack->tables[PACK_LISTS], LISTS_LIST), findings);
    check_stat(pack, "exclusion_tables", distinct(&pack->tables[PACK_EXCLUSIONS], EXCL_TABLE),
               findings);
    for (uint32_t row = 0; row < pack->tables[PACK_PROC].row_count; row++)
        valid += strcmp(text_of(&pack->tables[PACK_PROC], row, PROC_VALID), "1") == 0;
    check_stat(pack, "proc_valid", valid, findings);
}

static const char *const field_names[HZS_OP_COUNT] = {
    [HZS_AGE] = "age", [HZS_DAYS] = "days", [HZS_WEIGHT] = "weight", [HZS_LOS] = "los",
    [HZS_ICU] = "icu", [HZS_SEX] = "sex",   [HZS_LEAVE] = "leave",   [HZS_DEPT] = "dept",
};

static void
note_field(struct rule *atom, void *context)
{
    bool *used = context;

    used[atom->op] = true;
}

static void
check_fields_used(const struct pack *pack, struct findings *findings)
{
    const struct pack_rules *levels[] = { &pack->mdcs, &pack->rows, &pack->drgs };
    const json_t *said = json_object_get(pack->json, "fields_used");
    bool used[HZS_OP_COUNT] = { false };

    if (!json_is_array(said))
        return;
    for (size_t i = 0; i < COUNT(levels); i++) {
        for (uint32_t j = 0; j < levels[i]->count; j++)
            rule_each_atom(levels[i]->items[j].rule, note_field, used);
    }
    for (size_t op = 0; op < HZS_OP_COUNT; op++) {
        bool named = false;
        if (!field_names[op])
            continue;
        for (size_t i = 0; i < json_array_size(said); i++) {
            const char *name = json_string_value(json_array_get(said, i));
            named |= name && strcmp(name, field_names[op]) == 0;
        }
        if (named != used[op])
            find(findings, FIND_SCHEME_FIELDS, (struct place){ "scheme.json", 1 },
                 "fields_used 与规则不符：%s%.0s", "fields_used and the rules differ: %s is %s",
                 field_names[op], used[op] ? "read but not named" : "named but never read");
    }
}

/* ---- names and codes ---- */

static void
check_names(const struct pack *pack, struct findings *findings)
{
    static const struct {
        enum pack_file file;
        uint32_t code, name;
    } named[] = {
        { PACK_MDC, MDC_MDC, MDC_NAME },     { PACK_ADRG, ADRG_KEY, ADRG_NAME },
        { PACK_DRG, DRG_DRG, DRG_NAME },     { PACK_DX, DX_CODE, DX_NAME },
        { PACK_PROC, PROC_CODE, PROC_NAME },
    };

    for (size_t i = 0; i < COUNT(named); i++) {
        const struct tsv *table = &pack->tables[named[i].file];
        for (uint32_t row = 0; row < table->row_count; row++) {
            if (text_of(table, row, named[i].name)[0] == '\0')
                find(findings, FIND_NAME_MISSING, tsv_place(table, row), "%s 没有名称",
                     "%s has no name", text_of(table, row, named[i].code));
        }
    }
}

static void
check_blanks(const struct pack *pack, struct findings *findings)
{
    static const struct {
        enum pack_file file;
        uint32_t column;
    } codes[] = {
        { PACK_LISTS, LISTS_CODE }, { PACK_MCC, CC_CODE },    { PACK_CC, CC_CODE },
        { PACK_DX, DX_CODE },       { PACK_PROC, PROC_CODE }, { PACK_EXCLUSIONS, EXCL_PRINCIPAL },
        { PACK_DX_MAP, MAP_FROM },  { PACK_DX_MAP, MAP_TO },  { PACK_PROC_MAP, MAP_FROM },
        { PACK_PROC_MAP, MAP_TO },
    };

    for (size_t i = 0; i < COUNT(codes); i++) {
        const struct tsv *table = &pack->tables[codes[i].file];
        for (uint32_t row = 0; row < table->row_count; row++) {
            const char *code = text_of(table, row, codes[i].column);
            const size_t size = strlen(code);
            if (size > 0 && (code[0] == ' ' || code[size - 1] == ' '))
                find(findings, FIND_CODE_BLANK, tsv_place(table, row),
                     "编码“%s”首尾有空格，将无法匹配",
                     "code \"%s\" begins or ends with a blank and will not match", code);
        }
    }
}

static void
check_lists(const struct pack *pack, struct findings *findings)
{
    const struct tsv *table = &pack->tables[PACK_LISTS];

    for (uint32_t i = 0; i < pack->lists.count; i++) {
        const struct pack_list *list = &pack->list[i];
        if (!list->read && i != pack->valid)
            find(findings, FIND_LIST_UNREAD, list->first, "没有任何规则读取编码表 %s（%u 个编码）",
                 "no rule reads list %s (%u codes)", list->name, list->rows);
        else if (list->has_parts && !list->parts)
            find(findings, FIND_LIST_PART_UNREAD, list->first, "没有规则读取 %s 的部位",
                 "no rule reads the parts of %s", list->name);
    }
    for (uint32_t i = 0; i < pack->member_count; i++) {
        const struct pack_member *member = &pack->members[i];
        const bool dx = pack->list[member->list].kind == LIST_DX;
        const struct symbols *mine = dx ? &pack->dx : &pack->op,
                             *other = dx ? &pack->op : &pack->dx;
        if (member->code < (dx ? pack->dx_listed : pack->op_listed))
            continue;
        const uint32_t there = symbols_get(other, mine->texts[member->code]);
        if (there < (dx ? pack->op_listed : pack->dx_listed))
            find(findings, FIND_CODE_KIND, tsv_place(table, member->row),
                 "%s 中的 %s 属于另一类编码", "%s: %s is a code of the other kind",
                 pack->list[member->list].name, mine->texts[member->code]);
        else
            find(findings, FIND_CODE_UNKNOWN, tsv_place(table, member->row),
                 "%s 中的 %s 不在编码字典中", "%s: %s is not in the code table",
                 pack->list[member->list].name, mine->texts[member->code]);
    }
}

/* ---- complications and exclusions ---- */

static void
check_known(const struct pack *pack, enum pack_file file, enum finding_kind kind,
            struct findings *findings)
{
    const struct tsv *table = &pack->tables[file];

    for (uint32_t row = 0; row < table->row_count; row++) {
        const char *code = text_of(table, row, 0);
        if (symbols_get(&pack->dx, code) >= pack->dx_listed)
            find(findings, kind, tsv_place(table, row), "%s 不在 dx.tsv 中", "%s is not in dx.tsv",
                 code);
    }
}

/* Marks the exclusion tables that a file names. */
static void
mark_tables(const struct pack *pack, enum pack_file file, bool *seen)
{
    const struct tsv *table = &pack->tables[file];

    for (uint32_t row = 0; row < table->row_count; row++) {
        const uint32_t at = symbols_get(&pack->tables_seen, text_of(table, row, CC_TABLE));
        if (at != SYMBOL_NONE)
            seen[at] = true;
    }
}

/* Tells each table of a file that the other side does not know, once, at its first row. */
static void
check_tables(const struct pack *pack, enum pack_file file, bool *known, struct findings *findings)
{
    const struct tsv *table = &pack->tables[file];

    for (uint32_t row = 0; row < table->row_count; row++) {
        const char *name = text_of(table, row, CC_TABLE);
        const uint32_t at = symbols_get(&pack->tables_seen, name);
        if (name[0] == '\0')
            find(findings, FIND_CC_NO_TABLE, tsv_place(table, row), "%s 没有排除表",
                 "%s has no exclusion table", text_of(table, row, CC_CODE));
        if (at == SYMBOL_NONE || known[at])
            continue;
        known[at] = true;
        if (file == PACK_EXCLUSIONS)
            find(findings, FIND_EXCL_NOWHERE, tsv_place(table, row),
                 "排除表 %s 没有任何MCC或CC使用", "no MCC or CC carries exclusion table %s", name);
        else
            find(findings, FIND_CC_TABLE_NOWHERE, tsv_place(table, row),
                 "排除表 %s 在 exclusions.tsv 中没有主要诊断，不会排除任何并发症",
                 "exclusion table %s has no principal diagnosis in exclusions.tsv: it excludes "
                 "nothing",
                 name);
    }
}

static void
check_complications(const struct pack *pack, struct findings *findings)
{
    const struct tsv *cc = &pack->tables[PACK_CC];
    struct symbols mcc;
    bool *seen = calloc((size_t) pack->tables_seen.count + 1, sizeof *seen);

    check_known(pack, PACK_MCC, FIND_CC_UNKNOWN, findings);
    check_known(pack, PACK_CC, FIND_CC_UNKNOWN, findings);
    check_known(pack, PACK_EXCLUSIONS, FIND_EXCL_UNKNOWN, findings);
    symbols_init(&mcc, NULL);
    for (uint32_t row = 0; row < pack->tables[PACK_MCC].row_count; row++)
        if (symbols_add(&mcc, text_of(&pack->tables[PACK_MCC], row, CC_CODE)) == SYMBOL_NONE)
            break;
    for (uint32_t row = 0; row < cc->row_count; row++) {
        if (symbols_get(&mcc, text_of(cc, row, CC_CODE)) != SYMBOL_NONE)
            find(findings, FIND_CC_BOTH, tsv_place(cc, row), "%s 同时是MCC和CC",
                 "%s is an MCC as well as a CC", text_of(cc, row, CC_CODE));
    }
    symbols_done(&mcc);
    if (!seen)
        return;
    mark_tables(pack, PACK_EXCLUSIONS, seen);
    check_tables(pack, PACK_MCC, seen, findings);
    check_tables(pack, PACK_CC, seen, findings);
    memset(seen, 0, pack->tables_seen.count * sizeof *seen);
    mark_tables(pack, PACK_MCC, seen);
    mark_tables(pack, PACK_CC, seen);
    check_tables(pack, PACK_EXCLUSIONS, seen, findings);
    free(seen);
}

static void
check_map(const struct pack *pack, enum pack_file file, struct findings *findings)
{
    const struct tsv *table = &pack->tables[file];
    const bool dx = file == PACK_DX_MAP;

    for (uint32_t row = 0; row < table->row_count; row++) {
        const char *to = text_of(table, row, MAP_TO);
        if (to[0] == '\0')
            find(findings, FIND_MAP_DROPS, tsv_place(table, row), "%s 转换后为空", "%s is dropped",
                 text_of(table, row, MAP_FROM));
        else if (symbols_get(dx ? &pack->dx : &pack->op, to) >=
                 (dx ? pack->dx_listed : pack->op_listed))
            find(findings, FIND_MAP_TARGET, tsv_place(table, row), "转换目标 %s 不在编码字典中",
                 "target %s is not in the code table", to);
    }
}

/* ---- the groups ---- */

static void
check_adrgs(const struct pack *pack, struct findings *findings)
{
    const struct tsv *table = &pack->tables[PACK_ADRG];

    for (uint32_t i = 0; i < pack->mdcs.count; i++) {
        const struct pack_rule *mdc = &pack->mdcs.items[i];
        if (mdc->child_count == 0)
            find(findings, FIND_MDC_EMPTY, tsv_place(&pack->tables[PACK_MDC], mdc->file_row),
                 "MDC %s 没有ADRG", "MDC %s has no ADRG", mdc->code);
    }
    for (uint32_t i = 0; i < pack->rows.count; i++) {
        const struct pack_rule *row = &pack->rows.items[i];
        const struct place place = tsv_place(table, row->file_row);
        if (!row->ambiguous && row->child_count == 0)
            find(findings, FIND_ADRG_NO_DRG, place, "ADRG %s 没有任何DRG，永远不会分入",
                 "no DRG belongs to ADRG %s: it never groups anything", row->key);
        if (row->ambiguous && row->child_count > 0)
            find(findings, FIND_ADRG_AMBIGUOUS_DRG, place, "歧义行 %s 的DRG永远不会使用",
                 "the DRGs of the ambiguous row %s are never used", row->key);
    }
    for (uint32_t i = 0; i < pack->drgs.count; i++) {
        const struct pack_rule *drg = &pack->drgs.items[i];
        const struct pack_rule *row = &pack->rows.items[drg->parent];
        if (strncmp(drg->code, row->code, strlen(row->code)) != 0)
            find(findings, FIND_DRG_PREFIX, tsv_place(&pack->tables[PACK_DRG], drg->file_row),
                 "DRG %s 的编码不以其ADRG %s 开头", "DRG %s does not begin with its ADRG %s",
                 drg->code, row->code);
    }
}

/* A code that more than one parent has. */
static void
check_split(const struct pack *pack, const struct pack_rules *rules, enum pack_file file,
            enum finding_kind kind, struct findings *findings)
{
    struct symbols seen;
    uint32_t *parent = calloc((size_t) rules->count + 1, sizeof *parent);

    symbols_init(&seen, NULL);
    for (uint32_t i = 0; i < rules->count && parent; i++) {
        const struct pack_rule *rule = &rules->items[i];
        const uint32_t before = seen.count, at = symbols_add(&seen, rule->code);
        if (at == SYMBOL_NONE)
            break;
        if (at == before)
            parent[at] = rule->parent;
        else if (parent[at] != rule->parent)
            find(findings, kind, tsv_place(&pack->tables[file], rule->file_row),
                 "%s 出现在不止一处", "%s stands under more than one parent", rule->code);
    }
    symbols_done(&seen);
    free(parent);
}

/* Refinements that are named in a table for people only. */
static void
check_named_only(const char *dir, struct findings *findings)
{
    static const struct tsv_spec spec = { "drg_unreachable.tsv",
                                          { "key", "drg", "name", "rule" },
                                          true };
    struct arena *arena = arena_create(PACK_ARENA_BYTES);
    struct tsv table;

    if (!arena)
        return;
    const struct tsv_bytes bytes = tsv_load(dir, spec.file, true, arena, findings);
    if (tsv_parse(&spec, bytes, arena, findings, &table)) {
        for (uint32_t row = 0; row < table.row_count; row++)
            find(findings, FIND_DRG_NAMED_ONLY, tsv_place(&table, row),
                 "%s %s：来源中有名称，但没有规则能给出",
                 "%s %s: named by the source, but no rule gives it", text_of(&table, row, 1),
                 text_of(&table, row, 2));
    }
    arena_destroy(arena);
}

void
check_pack(const struct pack *pack, const char *dir, struct findings *findings)
{
    check_stats(pack, findings);
    check_fields_used(pack, findings);
    check_names(pack, findings);
    check_blanks(pack, findings);
    check_lists(pack, findings);
    check_complications(pack, findings);
    check_map(pack, PACK_DX_MAP, findings);
    check_map(pack, PACK_PROC_MAP, findings);
    check_adrgs(pack, findings);
    check_split(pack, &pack->rows, PACK_ADRG, FIND_ADRG_SPLIT, findings);
    check_split(pack, &pack->drgs, PACK_DRG, FIND_DRG_SPLIT, findings);
    if (dir)
        check_named_only(dir, findings);
    if (!check_reach(pack, findings))
        find(findings, FIND_MEMORY, (struct place){ "scheme.json", 0 }, "内存不足，检查不完整",
             "out of memory; the check is incomplete");
}
