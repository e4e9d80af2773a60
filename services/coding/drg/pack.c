/* pack.c - from the files of a pack to rules, lists and dictionaries that point to each other. */
#include "pack.h"

#include "crypto/crypto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct tsv_spec pack_specs[PACK_FILE_COUNT] = {
    [PACK_MDC] = { "mdc.tsv", { "seq", "mdc", "name", "rule" }, false },
    [PACK_ADRG] = { "adrg.tsv", { "seq", "mdc", "key", "adrg", "kind", "name", "rule" }, false },
    [PACK_DRG] = { "drg.tsv", { "seq", "key", "drg", "name", "rule" }, false },
    [PACK_LISTS] = { "lists.tsv", { "list", "code", "part" }, false },
    [PACK_MCC] = { "mcc.tsv", { "code", "table" }, false },
    [PACK_CC] = { "cc.tsv", { "code", "table" }, false },
    [PACK_EXCLUSIONS] = { "exclusions.tsv", { "principal", "table" }, false },
    [PACK_DX] = { "dx.tsv", { "code", "name" }, false },
    [PACK_PROC] = { "proc.tsv", { "code", "name", "valid" }, false },
    [PACK_DX_MAP] = { "dx_map.tsv", { "from", "to" }, true },
    [PACK_PROC_MAP] = { "proc_map.tsv", { "from", "to" }, true },
};

static bool
no_memory(struct findings *findings)
{
    find(findings, FIND_MEMORY, (struct place){ "scheme.json", 0 }, "内存不足", "out of memory");
    return false;
}

/* ---- scheme.json ---- */

static bool
bad_json(struct findings *findings, const char *zh, const char *en)
{
    find(findings, FIND_SCHEME_JSON, (struct place){ "scheme.json", 1 }, "%s%.0s", "%.0s%s", zh,
         en);
    return false;
}

/* The version of a scheme must never be empty: results carry it. */
static const char *
version_of(const struct pack *pack)
{
    const json_t *version = json_object_get(pack->json, "version");
    const json_t *year = json_object_get(pack->json, "year");

    if (json_string_length(version) > 0)
        return json_string_value(version);
    if (json_string_length(year) > 0)
        return json_string_value(year);
    if (json_is_integer(year))
        return arena_printf(pack->arena, "%lld", (long long) json_integer_value(year));
    return arena_printf(pack->arena, "%.12s", pack->sha256);
}

static bool
read_json(struct pack *pack, struct tsv_bytes from, struct findings *findings)
{
    json_error_t error;
    const json_t *days, *retry;

    pack->json = json_loadb(from.bytes, from.size, JSON_REJECT_DUPLICATES, &error);
    if (!pack->json) {
        find(findings, FIND_SCHEME_JSON,
             (struct place){ "scheme.json", error.line > 0 ? (uint32_t) error.line : 1 },
             "不是JSON：%s", "is no JSON: %s", error.text);
        return false;
    }
    const char *format = json_string_value(json_object_get(pack->json, "format"));
    if (!format || strcmp(format, "huzhu-drg-pack/1") != 0)
        return bad_json(findings, "format 应为 huzhu-drg-pack/1", "format is not huzhu-drg-pack/1");
    pack->id = json_string_value(json_object_get(pack->json, "id"));
    pack->name = json_string_value(json_object_get(pack->json, "name"));
    pack->region = json_string_value(json_object_get(pack->json, "region"));
    if (!pack->id || pack->id[0] == '\0')
        return bad_json(findings, "缺少 id", "has no id");
    if (!pack->name || pack->name[0] == '\0')
        return bad_json(findings, "缺少 name", "has no name");
    if (!pack->region)
        pack->region = "";
    days = json_object_get(pack->json, "newborn_days");
    if (days &&
        (!json_is_integer(days) || json_integer_value(days) < 0 || json_integer_value(days) > 366))
        return bad_json(findings, "newborn_days 应为0到366的整数",
                        "newborn_days is no whole number from 0 to 366");
    pack->newborn_days = days ? (uint32_t) json_integer_value(days) : 28;
    retry = json_object_get(pack->json, "retry_other_procedures");
    if (retry && !json_is_boolean(retry))
        return bad_json(findings, "retry_other_procedures 应为 true 或 false",
                        "retry_other_procedures is neither true nor false");
    pack->retry = json_is_true(retry);
    pack->version = version_of(pack);
    return pack->version || no_memory(findings);
}

/* ---- rows ---- */

/* A field that must hold something, and not too much. */
static void
check_field(const struct tsv *table, uint32_t row, uint32_t column, struct findings *findings)
{
    const char *text = tsv_cell(table, row, column);

    if (text[0] == '\0')
        find(findings, FIND_FIELD_EMPTY, tsv_place(table, row), "%u 列为空", "column %u is empty",
             column + 1);
    else if (strlen(text) > PACK_CODE_BYTES_MAX)
        find(findings, FIND_FIELD_LONG, tsv_place(table, row), "编码超过 %d 字节",
             "a code of more than %d bytes", PACK_CODE_BYTES_MAX);
}

static void
check_fields(const struct pack *pack, struct findings *findings)
{
    static const struct {
        enum pack_file file;
        uint32_t column;
    } must[] = {
        { PACK_MDC, MDC_MDC },       { PACK_ADRG, ADRG_KEY },
        { PACK_ADRG, ADRG_ADRG },    { PACK_DRG, DRG_DRG },
        { PACK_LISTS, LISTS_LIST },  { PACK_LISTS, LISTS_CODE },
        { PACK_MCC, CC_CODE },       { PACK_CC, CC_CODE },
        { PACK_DX, DX_CODE },        { PACK_EXCLUSIONS, EXCL_PRINCIPAL },
        { PACK_PROC, PROC_CODE },    { PACK_DX_MAP, MAP_FROM },
        { PACK_PROC_MAP, MAP_FROM },
    };

    for (size_t i = 0; i < COUNT(must); i++) {
        const struct tsv *table = &pack->tables[must[i].file];
        for (uint32_t row = 0; row < table->row_count; row++)
            check_field(table, row, must[i].column, findings);
    }
    static const struct {
        enum pack_file file;
        uint32_t column;
    } targets[] = { { PACK_DX_MAP, MAP_TO }, { PACK_PROC_MAP, MAP_TO } };
    for (size_t i = 0; i < COUNT(targets); i++) {
        const struct tsv *table = &pack->tables[targets[i].file];
        for (uint32_t row = 0; row < table->row_count; row++) {
            if (tsv_cell(table, row, targets[i].column)[0] != '\0')
                check_field(table, row, targets[i].column, findings);
        }
    }
}

/* seq must grow: a sorted or half copied file is noticed here. */
static void
check_seq(const struct tsv *table, struct findings *findings)
{
    int64_t last = -1;

    for (uint32_t row = 0; row < table->row_count; row++) {
        const char *text = tsv_cell(table, row, 0);
        int64_t seq = 0;
        size_t digits = 0;
        while (text[digits] >= '0' && text[digits] <= '9' && digits < 18)
            seq = seq * 10 + (text[digits++] - '0');
        if (digits == 0 || text[digits] != '\0') {
            find(findings, FIND_SEQ, tsv_place(table, row), "seq “%s” 不是整数",
                 "seq \"%s\" is no whole number", text);
            return;
        }
        if (seq <= last) {
            find(findings, FIND_SEQ, tsv_place(table, row), "seq %lld 没有递增，前一行是 %lld",
                 "seq %lld does not grow; the row before has %lld", (long long) seq,
                 (long long) last);
            return;
        }
        last = seq;
    }
}

/* Reads the rule of one row. */
static bool
read_rule(struct pack *pack, struct place place, const char *text, struct pack_rule *item,
          struct findings *findings)
{
    struct rule_fault fault;

    item->text = text;
    if (strlen(text) > PACK_TEXT_BYTES_MAX) {
        find(findings, FIND_LIMIT, place, "规则超过 %d 字节", "a rule of more than %d bytes",
             PACK_TEXT_BYTES_MAX);
        return false;
    }
    item->rule = rule_parse(text, pack->arena, &fault);
    if (!item->rule)
        find(findings, FIND_RULE_SYNTAX, place, "规则第 %zu 字节：%s%.0s", "rule, byte %zu: %.0s%s",
             fault.at, fault.zh, fault.en);
    return item->rule != NULL;
}

static bool
read_mdcs(struct pack *pack, struct findings *findings, struct symbols *codes)
{
    const struct tsv *table = &pack->tables[PACK_MDC];

    pack->mdcs.items = arena_alloc(pack->arena, table->row_count * sizeof *pack->mdcs.items + 1);
    if (!pack->mdcs.items)
        return no_memory(findings);
    for (uint32_t row = 0; row < table->row_count; row++) {
        struct pack_rule *item = &pack->mdcs.items[pack->mdcs.count++];
        item->code = tsv_cell(table, row, MDC_MDC);
        item->name = tsv_cell(table, row, MDC_NAME);
        item->file_row = row;
        (void) read_rule(pack, tsv_place(table, row), tsv_cell(table, row, MDC_RULE), item,
                         findings);
        const uint32_t at = symbols_add(codes, item->code);
        if (at == SYMBOL_NONE)
            return no_memory(findings);
        if (at != row)
            find(findings, FIND_MDC_DUPLICATE, tsv_place(table, row), "MDC %s 重复",
                 "MDC %s stands here twice", item->code);
        if (codes->count != row + 1) /* numbers must go with rows; the pack is refused anyway */
            return false;
    }
    return true;
}

/* Groups the children by parent, keeping the file's order, and tells the parents where theirs are.
 */
static bool
group_by_parent(struct arena *arena, struct pack_rules *parents, struct pack_rules *children)
{
    struct pack_rule *sorted = arena_alloc(arena, children->count * sizeof *sorted + 1);
    uint32_t at = 0;

    if (!sorted)
        return false;
    for (uint32_t i = 0; i < children->count; i++)
        parents->items[children->items[i].parent].child_count++;
    for (uint32_t i = 0; i < parents->count; i++) {
        parents->items[i].child_first = at;
        at += parents->items[i].child_count;
        parents->items[i].child_count = 0;
    }
    for (uint32_t i = 0; i < children->count; i++) {
        struct pack_rule *parent = &parents->items[children->items[i].parent];
        sorted[parent->child_first + parent->child_count++] = children->items[i];
    }
    children->items = sorted;
    return true;
}

static bool
read_kind(const struct tsv *table, uint32_t row, struct findings *findings)
{
    const char *kind = tsv_cell(table, row, ADRG_KIND);

    if (strcmp(kind, "group") != 0 && strcmp(kind, "ambiguous") != 0)
        find(findings, FIND_KIND_UNKNOWN, tsv_place(table, row),
             "kind “%s” 不是 group 或 ambiguous", "kind \"%s\" is neither group nor ambiguous",
             kind);
    return strcmp(kind, "ambiguous") == 0;
}

static bool
read_adrgs(struct pack *pack, struct findings *findings, const struct symbols *mdcs)
{
    const struct tsv *table = &pack->tables[PACK_ADRG];

    pack->rows.items = arena_alloc(pack->arena, table->row_count * sizeof *pack->rows.items + 1);
    if (!pack->rows.items)
        return no_memory(findings);
    for (uint32_t row = 0; row < table->row_count; row++) {
        const char *mdc = tsv_cell(table, row, ADRG_MDC);
        struct pack_rule item = { .code = tsv_cell(table, row, ADRG_ADRG),
                                  .key = tsv_cell(table, row, ADRG_KEY),
                                  .name = tsv_cell(table, row, ADRG_NAME),
                                  .parent = symbols_get(mdcs, mdc),
                                  .ambiguous = read_kind(table, row, findings),
                                  .file_row = row };
        const bool good = read_rule(pack, tsv_place(table, row), tsv_cell(table, row, ADRG_RULE),
                                    &item, findings);
        if (item.parent == SYMBOL_NONE)
            find(findings, FIND_MDC_UNKNOWN, tsv_place(table, row), "MDC “%s” 不在 mdc.tsv 中",
                 "MDC \"%s\" is not in mdc.tsv", mdc);
        else if (good)
            pack->rows.items[pack->rows.count++] = item;
    }
    if (!group_by_parent(pack->arena, &pack->mdcs, &pack->rows))
        return no_memory(findings);
    for (uint32_t i = 0; i < pack->rows.count; i++) {
        const uint32_t before = pack->keys.count;
        const uint32_t at = symbols_add(&pack->keys, pack->rows.items[i].key);
        if (at == SYMBOL_NONE)
            return no_memory(findings);
        if (at == before)
            continue;
        find(findings, FIND_KEY_DUPLICATE, tsv_place(table, pack->rows.items[i].file_row),
             "key “%s” 重复", "key \"%s\" stands here twice", pack->rows.items[i].key);
        return false;
    }
    return true;
}

static bool
read_drgs(struct pack *pack, struct findings *findings)
{
    const struct tsv *table = &pack->tables[PACK_DRG];

    pack->drgs.items = arena_alloc(pack->arena, table->row_count * sizeof *pack->drgs.items + 1);
    if (!pack->drgs.items)
        return no_memory(findings);
    for (uint32_t row = 0; row < table->row_count; row++) {
        const char *key = tsv_cell(table, row, DRG_KEY);
        struct pack_rule item = { .code = tsv_cell(table, row, DRG_DRG),
                                  .name = tsv_cell(table, row, DRG_NAME),
                                  .parent = symbols_get(&pack->keys, key),
                                  .file_row = row };
        const bool good =
            read_rule(pack, tsv_place(table, row), tsv_cell(table, row, DRG_RULE), &item, findings);
        if (item.parent == SYMBOL_NONE)
            find(findings, FIND_KEY_UNKNOWN, tsv_place(table, row), "key “%s” 不在 adrg.tsv 中",
                 "key \"%s\" is not in adrg.tsv", key);
        else if (good)
            pack->drgs.items[pack->drgs.count++] = item;
    }
    return group_by_parent(pack->arena, &pack->rows, &pack->drgs) || no_memory(findings);
}

/* ---- lists ---- */

static bool
name_lists(struct pack *pack, struct findings *findings)
{
    const struct tsv *table = &pack->tables[PACK_LISTS];

    pack->valid = symbols_add(&pack->lists, "VALID");
    if (pack->valid == SYMBOL_NONE)
        return no_memory(findings);
    for (uint32_t row = 0; row < table->row_count; row++) {
        const char *name = tsv_cell(table, row, LISTS_LIST);
        const uint32_t at = symbols_add(&pack->lists, name);
        if (at == SYMBOL_NONE)
            return no_memory(findings);
        if (at == pack->valid) {
            find(findings, FIND_LIST_RESERVED, tsv_place(table, row),
                 "VALID 由 proc.tsv 的 valid 列给出，不能另行列表",
                 "VALID is given by proc.tsv's column valid and cannot be listed");
            return false;
        }
    }
    pack->list = arena_alloc(pack->arena, pack->lists.count * sizeof *pack->list);
    if (!pack->list)
        return no_memory(findings);
    for (uint32_t i = 0; i < pack->lists.count; i++)
        pack->list[i].name = pack->lists.texts[i];
    pack->list[pack->valid].kind = LIST_PROC;
    pack->list[pack->valid].first = (struct place){ "proc.tsv", 1 };
    for (uint32_t row = 0; row < table->row_count; row++) {
        struct pack_list *list =
            &pack->list[symbols_get(&pack->lists, tsv_cell(table, row, LISTS_LIST))];
        if (list->rows++ == 0)
            list->first = tsv_place(table, row);
        list->has_parts |= tsv_cell(table, row, LISTS_PART)[0] != '\0';
    }
    return true;
}

struct resolving {
    struct pack *pack;
    struct findings *findings;
    struct place place;
};

/* Points an atom to its list, and notes at the list how it is read. */
static void
resolve_atom(struct rule *atom, void *context)
{
    struct resolving *r = context;

    if (!rule_reads_list(atom))
        return;
    atom->list = symbols_get(&r->pack->lists, atom->word);
    if (atom->list == SYMBOL_NONE) {
        find(r->findings, FIND_RULE_LIST, r->place, "规则读取的编码表 %s 没有任何编码",
             "the rule reads list %s, which has no row in lists.tsv", atom->word);
        return;
    }
    struct pack_list *list = &r->pack->list[atom->list];
    const enum list_kind kind = rule_reads_procedures(atom) ? LIST_PROC : LIST_DX;
    if (list->kind != LIST_UNREAD && list->kind != kind) {
        find(r->findings, FIND_LIST_BOTH, r->place, "编码表 %s 既作诊断表又作手术操作表",
             "list %s is read as diagnoses and as procedures", atom->word);
        return;
    }
    list->kind = kind;
    list->read = true;
    list->wide |= atom->op != HZS_PDX && atom->op != HZS_POP;
    list->parts |= atom->op == HZS_PARTS;
}

static void
resolve_rules(struct pack *pack, struct findings *findings)
{
    const struct {
        const struct pack_rules *rules;
        enum pack_file file;
    } levels[] = { { &pack->mdcs, PACK_MDC },
                   { &pack->rows, PACK_ADRG },
                   { &pack->drgs, PACK_DRG } };

    for (size_t i = 0; i < COUNT(levels); i++) {
        for (uint32_t j = 0; j < levels[i].rules->count; j++) {
            struct resolving r = { pack, findings,
                                   tsv_place(&pack->tables[levels[i].file],
                                             levels[i].rules->items[j].file_row) };
            rule_each_atom(levels[i].rules->items[j].rule, resolve_atom, &r);
        }
    }
}

/* ---- dictionaries ---- */

static bool
add_all(struct symbols *symbols, const struct tsv *table, uint32_t column)
{
    for (uint32_t row = 0; row < table->row_count; row++) {
        const char *code = tsv_cell(table, row, column);
        if (code[0] != '\0' && symbols_add(symbols, code) == SYMBOL_NONE)
            return false;
    }
    return true;
}

static bool
add_members(struct pack *pack)
{
    const struct tsv *table = &pack->tables[PACK_LISTS];

    pack->members = arena_alloc(pack->arena, table->row_count * sizeof *pack->members + 1);
    if (!pack->members)
        return false;
    for (uint32_t row = 0; row < table->row_count; row++) {
        const uint32_t list = symbols_get(&pack->lists, tsv_cell(table, row, LISTS_LIST));
        const char *part = tsv_cell(table, row, LISTS_PART);
        if (pack->list[list].kind == LIST_UNREAD)
            continue;
        struct symbols *codes = pack->list[list].kind == LIST_DX ? &pack->dx : &pack->op;
        struct pack_member member = { .list = list, .row = row, .part = SYMBOL_NONE };
        member.code = symbols_add(codes, tsv_cell(table, row, LISTS_CODE));
        if (part[0] != '\0' && (member.part = symbols_add(&pack->parts, part)) == SYMBOL_NONE)
            return false;
        if (member.code == SYMBOL_NONE)
            return false;
        pack->members[pack->member_count++] = member;
    }
    return true;
}

/* All codes that can match anything or have a name come first; then those that only a map leads to.
 */
static bool
fill_dictionaries(struct pack *pack)
{
    const struct tsv *t = pack->tables;

    if (!add_all(&pack->dx, &t[PACK_DX], DX_CODE) || !add_all(&pack->op, &t[PACK_PROC], PROC_CODE))
        return false;
    pack->dx_listed = pack->dx.count;
    pack->op_listed = pack->op.count;
    if (!add_members(pack) || !add_all(&pack->dx, &t[PACK_MCC], CC_CODE) ||
        !add_all(&pack->dx, &t[PACK_CC], CC_CODE) ||
        !add_all(&pack->dx, &t[PACK_EXCLUSIONS], EXCL_PRINCIPAL))
        return false;
    pack->dx_known = pack->dx.count;
    pack->op_known = pack->op.count;
    return add_all(&pack->dx, &t[PACK_DX_MAP], MAP_TO) &&
           add_all(&pack->op, &t[PACK_PROC_MAP], MAP_TO) &&
           add_all(&pack->tables_seen, &t[PACK_MCC], CC_TABLE) &&
           add_all(&pack->tables_seen, &t[PACK_CC], CC_TABLE) &&
           add_all(&pack->tables_seen, &t[PACK_EXCLUSIONS], EXCL_TABLE);
}

static void
check_valid_column(const struct pack *pack, struct findings *findings)
{
    const struct tsv *table = &pack->tables[PACK_PROC];

    for (uint32_t row = 0; row < table->row_count; row++) {
        const char *valid = tsv_cell(table, row, PROC_VALID);
        if (strcmp(valid, "0") != 0 && strcmp(valid, "1") != 0 && valid[0] != '\0')
            find(findings, FIND_VALID_UNKNOWN, tsv_place(table, row), "valid “%s” 不是0或1",
                 "valid \"%s\" is neither 0 nor 1", valid);
    }
}

/* A table whose first column may have one value only. */
static bool
check_single_valued(const struct pack *pack, enum pack_file file, enum finding_kind conflict,
                    struct findings *findings)
{
    const struct tsv *table = &pack->tables[file];
    struct symbols seen;
    bool good = true;

    uint32_t *row_of = calloc((size_t) table->row_count + 1, sizeof *row_of);
    symbols_init(&seen, NULL);
    for (uint32_t row = 0; row < table->row_count && row_of; row++) {
        const uint32_t before = seen.count;
        const uint32_t at = symbols_add(&seen, tsv_cell(table, row, 0));
        if (at == SYMBOL_NONE) {
            good = no_memory(findings);
            break;
        }
        if (at == before) {
            row_of[at] = row;
        } else if (strcmp(tsv_cell(table, row, 1), tsv_cell(table, row_of[at], 1)) == 0) {
            find(findings, FIND_ROW_DUPLICATE, tsv_place(table, row), "%s 与第 %u 行重复",
                 "%s is the same as line %u", tsv_cell(table, row, 0), row_of[at] + 2);
        } else {
            find(findings, conflict, tsv_place(table, row), "%s 为“%s”，但第 %u 行为“%s”",
                 "%s has \"%s\", but line %u has \"%s\"", tsv_cell(table, row, 0),
                 tsv_cell(table, row, 1), row_of[at] + 2, tsv_cell(table, row_of[at], 1));
        }
    }
    symbols_done(&seen);
    if (!row_of)
        good = no_memory(findings);
    free(row_of);
    return good;
}

static int
by_list_and_code(const void *a, const void *b)
{
    const struct pack_member *x = a, *y = b;

    if (x->list != y->list)
        return x->list < y->list ? -1 : 1;
    if (x->code != y->code)
        return x->code < y->code ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* Sorts the members, and finds rows that say the same twice or two things at once. */
static void
check_members(struct pack *pack, struct findings *findings)
{
    const struct tsv *table = &pack->tables[PACK_LISTS];

    if (pack->member_count > 0)
        qsort(pack->members, pack->member_count, sizeof *pack->members, by_list_and_code);
    for (uint32_t i = 1; i < pack->member_count; i++) {
        const struct pack_member *a = &pack->members[i - 1], *b = &pack->members[i];
        if (a->list != b->list || a->code != b->code)
            continue;
        if (a->part == b->part)
            find(findings, FIND_ROW_DUPLICATE, tsv_place(table, b->row), "%s %s 与第 %u 行重复",
                 "%s %s is the same as line %u", tsv_cell(table, b->row, LISTS_LIST),
                 tsv_cell(table, b->row, LISTS_CODE), a->row + 2);
        else
            find(findings, FIND_LIST_TWO_PARTS, tsv_place(table, b->row),
                 "%s 在 %s 中有两个部位（另见第 %u 行）", "%s has two parts in %s (see line %u)",
                 tsv_cell(table, b->row, LISTS_CODE), tsv_cell(table, b->row, LISTS_LIST),
                 a->row + 2);
    }
}

/* ---- the whole ---- */

/* What names a scheme: the digest of its files, each behind a line that says its name and size. */
static bool
name_source(const struct pack_source *source, char hex[65])
{
    uint8_t digest[SHA256_BYTES];
    char head[64];
    struct sha256 *hash = sha256_create();

    if (!hash)
        return false;
    for (int i = -1; i < PACK_FILE_COUNT; i++) {
        const struct tsv_bytes *file = i < 0 ? &source->json : &source->files[i];
        if (!file->bytes)
            continue;
        const int size = snprintf(head, sizeof head, "%s %zu\n",
                                  i < 0 ? "scheme.json" : pack_specs[i].file, file->size);
        sha256_add(hash, head, (size_t) size);
        sha256_add(hash, file->bytes, file->size);
    }
    sha256_finish(hash, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        (void) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return true;
}

static bool
resolve(struct pack *pack, struct findings *findings)
{
    struct symbols mdcs;

    symbols_init(&mdcs, pack->arena);
    const bool read = read_mdcs(pack, findings, &mdcs) && read_adrgs(pack, findings, &mdcs) &&
                      read_drgs(pack, findings);
    symbols_done(&mdcs);
    if (!read || findings->errors > 0 || !name_lists(pack, findings))
        return false;
    resolve_rules(pack, findings);
    if (!fill_dictionaries(pack))
        return no_memory(findings);
    check_members(pack, findings);
    return true;
}

bool
pack_read(struct arena *arena, const struct pack_source *source, struct pack *pack,
          struct findings *findings)
{
    *pack = (struct pack){ .arena = arena };
    symbols_init(&pack->lists, arena);
    symbols_init(&pack->dx, arena);
    symbols_init(&pack->op, arena);
    symbols_init(&pack->tables_seen, arena);
    symbols_init(&pack->parts, arena);
    symbols_init(&pack->keys, arena);
    if (!source->json.bytes)
        return false;
    if (!name_source(source, pack->sha256))
        return no_memory(findings);

    bool good = read_json(pack, source->json, findings);
    for (int i = 0; i < PACK_FILE_COUNT; i++)
        good &= tsv_parse(&pack_specs[i], source->files[i], arena, findings, &pack->tables[i]);
    if (!good)
        return false;
    check_fields(pack, findings);
    check_seq(&pack->tables[PACK_MDC], findings);
    check_seq(&pack->tables[PACK_ADRG], findings);
    check_seq(&pack->tables[PACK_DRG], findings);
    check_valid_column(pack, findings);
    if (findings->errors > 0 || !resolve(pack, findings))
        return false;
    return check_single_valued(pack, PACK_MCC, FIND_TABLE_TWO, findings) &&
           check_single_valued(pack, PACK_CC, FIND_TABLE_TWO, findings) &&
           check_single_valued(pack, PACK_EXCLUSIONS, FIND_TABLE_TWO, findings) &&
           check_single_valued(pack, PACK_DX, FIND_NAME_TWO, findings) &&
           check_single_valued(pack, PACK_PROC, FIND_NAME_TWO, findings) &&
           check_single_valued(pack, PACK_DX_MAP, FIND_MAP_TWO, findings) &&
           check_single_valued(pack, PACK_PROC_MAP, FIND_MAP_TWO, findings) &&
           findings->errors == 0;
}

bool
pack_open(const char *dir, struct pack *pack, struct findings *findings)
{
    struct arena *arena = arena_create(PACK_ARENA_BYTES);
    struct pack_source source;

    *pack = (struct pack){ 0 };
    if (!arena)
        return no_memory(findings);
    source.json = tsv_load(dir, "scheme.json", false, arena, findings);
    for (int i = 0; i < PACK_FILE_COUNT; i++)
        source.files[i] =
            tsv_load(dir, pack_specs[i].file, pack_specs[i].optional, arena, findings);
    const bool good = pack_read(arena, &source, pack, findings);
    return good && findings->errors == 0;
}

void
pack_close(struct pack *pack)
{
    symbols_done(&pack->lists);
    symbols_done(&pack->dx);
    symbols_done(&pack->op);
    symbols_done(&pack->tables_seen);
    symbols_done(&pack->parts);
    symbols_done(&pack->keys);
    json_decref(pack->json);
    arena_destroy(pack->arena);
    *pack = (struct pack){ 0 };
}
