/* compile.c - from a resolved pack to the sections of hzs.h. */
#include "compile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hzs.h"

/* A section that grows. */
struct buffer {
    char *bytes;
    size_t size, capacity;
};

/* The bits that one side, diagnoses or procedures, has. */
struct side {
    enum list_kind kind;
    const struct symbols *codes;
    uint32_t known; /* codes from here on are only targets of a map */
    uint32_t bit_count, wide_count;
    uint32_t words, wide;
    uint64_t *bits;     /* [code][words] */
    uint32_t *class_of; /* [code] */
    uint64_t *classes;  /* [class][words] */
    uint32_t class_count;
    enum hzs_section_id bit_names, slots, codes_section, names, bits_section;
};

struct compiler {
    const struct pack *pack;
    struct arena *arena;
    struct buffer section[HZS_SECTION_COUNT];
    struct symbols pool;               /* strings seen */
    struct buffer pool_at;             /* uint32_t: where each stands */
    uint32_t *bit_of;                  /* [list]: its bit on its side */
    uint32_t *part_first, *part_count; /* [list] */
    uint32_t *part_bit;                /* [member] */
    struct side dx, op;
    uint16_t *mcc, *cc, *table; /* [dx code] */
    uint32_t row_words;
    struct err *err;
};

static err_t
no_memory(struct compiler *c)
{
    return err_set(c->err, ERR_UNAVAILABLE, "drg.out_of_memory", "out of memory");
}

static err_t
too_large(struct compiler *c, const char *what, uint64_t count, uint64_t limit)
{
    return err_set(c->err, ERR_INVALID, "drg.limit", "the scheme has %llu %s; %llu are allowed",
                   (unsigned long long) count, what, (unsigned long long) limit);
}

/* Room for size more bytes at the end, zeroed; NULL when memory is out. */
static void *
append(struct buffer *buffer, size_t size)
{
    if (!buffer->bytes || buffer->size + size > buffer->capacity) {
        size_t capacity = buffer->capacity ? buffer->capacity : 4096;
        while (capacity < buffer->size + size)
            capacity *= 2;
        char *bytes = capacity <= HZS_BYTES_MAX ? realloc(buffer->bytes, capacity) : NULL;
        if (!bytes)
            return NULL;
        buffer->bytes = bytes;
        buffer->capacity = capacity;
    }
    char *place = buffer->bytes + buffer->size;
    memset(place, 0, size);
    buffer->size += size;
    return place;
}

static err_t
put_string(struct compiler *c, const char *text, uint32_t *at)
{
    struct buffer *strings = &c->section[HZS_STRINGS];
    const uint32_t before = c->pool.count;
    const uint32_t index = symbols_add(&c->pool, text);

    if (index == SYMBOL_NONE)
        return no_memory(c);
    if (index == before) {
        const size_t size = strlen(text) + 1;
        const uint32_t start = (uint32_t) strings->size;
        char *copy = append(strings, size);
        uint32_t *place = append(&c->pool_at, sizeof *place);
        if (!copy || !place)
            return no_memory(c);
        memcpy(copy, text, size);
        *place = start;
    }
    memcpy(at, c->pool_at.bytes + index * sizeof *at, sizeof *at);
    return ERR_OK;
}

static err_t
put_string_ref(struct compiler *c, enum hzs_section_id section, const char *text)
{
    uint32_t at, *place;

    TRY(put_string(c, text, &at));
    place = append(&c->section[section], sizeof *place);
    if (!place)
        return no_memory(c);
    *place = at; /* NOLINT(clang-analyzer-core.uninitialized.Assign): each symbol has its place */
    return ERR_OK;
}

/* ---- bits ---- */

/* Lists that are read beyond the first code come first, so that few words need to be merged a
 * record. */
static void
number_lists(struct compiler *c, struct side *side, bool wide)
{
    const struct pack *pack = c->pack;

    for (uint32_t i = 0; i < pack->lists.count; i++) {
        if (pack->list[i].kind == side->kind && pack->list[i].wide == wide)
            c->bit_of[i] = side->bit_count++;
    }
}

/* Each part of a list that "parts" reads is a bit of its own; counting parts is counting bits. */
static err_t
number_parts(struct compiler *c, struct side *side)
{
    const struct pack *pack = c->pack;
    uint32_t *bit = arena_alloc(c->arena, pack->parts.count * sizeof *bit + 1);
    uint32_t *list_of = arena_alloc(c->arena, pack->parts.count * sizeof *list_of + 1);

    if (!bit || !list_of)
        return no_memory(c);
    for (uint32_t i = 0; i < pack->member_count; i++) { /* sorted by list */
        const struct pack_member *member = &pack->members[i];
        if (!pack->list[member->list].parts || member->part == SYMBOL_NONE)
            continue;
        if (list_of[member->part] != member->list + 1) {
            list_of[member->part] = member->list + 1;
            bit[member->part] = side->bit_count++;
            if (c->part_count[member->list]++ == 0)
                c->part_first[member->list] = bit[member->part];
        }
        c->part_bit[i] = bit[member->part];
    }
    return ERR_OK;
}

static err_t
number_bits(struct compiler *c, struct side *side)
{
    number_lists(c, side, true);
    if (side->kind == LIST_DX)
        TRY(number_parts(c, side));
    side->wide_count = side->bit_count;
    number_lists(c, side, false);
    side->wide = (side->wide_count + 63) / 64;
    side->words = side->bit_count > 0 ? (side->bit_count + 63) / 64 : 1;
    if (side->wide > HZS_WIDE_WORDS_MAX)
        return too_large(c, "lists read by dx, sdx, op or sop", side->wide_count,
                         HZS_WIDE_BITS_MAX);
    if (side->codes->count >= (1 << 24) - 1)
        return too_large(c, "codes", side->codes->count, (1 << 24) - 2);
    return ERR_OK;
}

static void
set_bit(struct side *side, uint32_t code, uint32_t bit)
{
    side->bits[(size_t) code * side->words + bit / 64] |= (uint64_t) 1 << (bit % 64);
}

static err_t
name_bits(struct compiler *c, struct side *side)
{
    const struct pack *pack = c->pack;
    const char **names = arena_alloc(c->arena, side->bit_count * sizeof *names + 1);

    if (!names)
        return no_memory(c);
    for (uint32_t i = 0; i < pack->lists.count; i++) {
        if (pack->list[i].kind == side->kind)
            names[c->bit_of[i]] = pack->list[i].name;
    }
    for (uint32_t i = 0; i < pack->member_count; i++) {
        const struct pack_member *member = &pack->members[i];
        if (side->kind == LIST_DX && pack->list[member->list].parts && member->part != SYMBOL_NONE)
            names[c->part_bit[i]] = pack->parts.texts[member->part];
    }
    for (uint32_t i = 0; i < side->bit_count; i++)
        TRY(put_string_ref(c, side->bit_names, names[i]));
    return ERR_OK;
}

static err_t
fill_bits(struct compiler *c, struct side *side)
{
    const struct pack *pack = c->pack;

    side->bits = arena_alloc(c->arena, (size_t) side->codes->count * side->words * 8 + 8);
    side->class_of = arena_alloc(c->arena, side->codes->count * sizeof *side->class_of + 1);
    side->classes = arena_alloc(c->arena, ((size_t) side->codes->count + 1) * side->words * 8);
    if (!side->bits || !side->class_of || !side->classes)
        return no_memory(c);
    for (uint32_t i = 0; i < pack->member_count; i++) {
        const struct pack_member *member = &pack->members[i];
        const struct pack_list *list = &pack->list[member->list];
        if (list->kind != side->kind)
            continue;
        set_bit(side, member->code, c->bit_of[member->list]);
        if (list->parts && member->part != SYMBOL_NONE)
            set_bit(side, member->code, c->part_bit[i]);
    }
    const struct tsv *procs = &pack->tables[PACK_PROC];
    for (uint32_t row = 0; row < procs->row_count && side->kind == LIST_PROC; row++) {
        if (strcmp(tsv_cell(procs, row, PROC_VALID), "1") == 0)
            set_bit(side, symbols_get(&pack->op, tsv_cell(procs, row, PROC_CODE)),
                    c->bit_of[pack->valid]);
    }
    return name_bits(c, side);
}

/* Codes with equal bits share a class.  Class 0 is in no list. */
static err_t
find_classes(struct compiler *c, struct side *side)
{
    const size_t bytes = side->words * sizeof *side->bits;
    uint32_t slot_count = 64;

    while (slot_count < 2 * ((uint64_t) side->codes->count + 1))
        slot_count *= 2;
    uint32_t *slots = calloc(slot_count, sizeof *slots); /* class + 1 */
    if (!slots)
        return no_memory(c);
    side->class_count = 1;
    for (uint32_t code = 0; code <= side->codes->count; code++) {
        /* the first turn files class 0 itself */
        const uint64_t *bits =
            code == 0 ? side->classes : side->bits + (size_t) (code - 1) * side->words;
        uint32_t at = (uint32_t) hzs_checksum(bits, bytes) & (slot_count - 1);
        while (slots[at] != 0 &&
               memcmp(side->classes + (size_t) (slots[at] - 1) * side->words, bits, bytes) != 0)
            at = (at + 1) & (slot_count - 1);
        if (slots[at] == 0 && code == 0)
            slots[at] = 1;
        if (slots[at] == 0) {
            memcpy(side->classes + (size_t) side->class_count * side->words, bits, bytes);
            slots[at] = ++side->class_count;
        }
        if (code > 0)
            side->class_of[code - 1] = slots[at] - 1;
    }
    free(slots);
    void *place = append(&c->section[side->bits_section], side->class_count * bytes);
    if (!place)
        return no_memory(c);
    memcpy(place, side->classes, side->class_count * bytes);
    return ERR_OK;
}

/* ---- rules ---- */

/* Steps are made from the last to the first, so that the targets of a step exist before it; a
 * target is the number of a step counted from the end, or HZS_TRUE, HZS_FALSE. */
struct emitter {
    struct compiler *c;
    struct buffer steps;
    err_t failed;
};

static uint16_t
emit_atom(struct emitter *e, const struct rule *atom, uint16_t yes, uint16_t no)
{
    const size_t count = e->steps.size / sizeof(struct hzs_step);
    struct hzs_step *step = count < HZS_STEPS_MAX ? append(&e->steps, sizeof *step) : NULL;

    if (!step) {
        e->failed = no_memory(e->c);
        return HZS_FALSE;
    }
    *step = (struct hzs_step){ .op = (uint8_t) atom->op,
                               .cmp = (uint8_t) atom->cmp,
                               .yes = yes,
                               .no = no,
                               .b = atom->number };
    if (rule_reads_list(atom))
        step->a = e->c->bit_of[atom->list];
    if (atom->op == HZS_PARTS) {
        step->a = e->c->part_first[atom->list];
        step->n = (uint16_t) e->c->part_count[atom->list];
        if (e->c->part_count[atom->list] > UINT16_MAX)
            e->failed = too_large(e->c, "parts", e->c->part_count[atom->list], UINT16_MAX);
    }
    if (atom->op >= HZS_SEX && atom->op <= HZS_DEPT && e->failed == ERR_OK)
        e->failed = put_string(e->c, atom->word, &step->a);
    return (uint16_t) count;
}

/* A rule is as deep as rule.c lets it be nested, and as long as its text: the stack bears both. */
/* NOLINTBEGIN(misc-no-recursion) */
static uint16_t emit(struct emitter *e, const struct rule *rule, uint16_t yes, uint16_t no);

/* The terms of an "and" (each leads to the next when true) or of an "or" (when false). */
static uint16_t
emit_chain(struct emitter *e, const struct rule *term, bool all, uint16_t yes, uint16_t no)
{
    if (!term->next)
        return emit(e, term, yes, no);
    const uint16_t rest = emit_chain(e, term->next, all, yes, no);
    return all ? emit(e, term, rest, no) : emit(e, term, yes, rest);
}

static uint16_t
emit(struct emitter *e, const struct rule *rule, uint16_t yes, uint16_t no)
{
    switch (rule->kind) {
    case RULE_ATOM:
        return emit_atom(e, rule, yes, no);
    case RULE_ALWAYS:
        return yes;
    case RULE_NEVER:
        return no;
    case RULE_NOT:
        return emit(e, rule->first, no, yes);
    case RULE_AND:
    case RULE_OR:
        break;
    }
    return emit_chain(e, rule->first, rule->kind == RULE_AND, yes, no);
}

/* NOLINTEND(misc-no-recursion) */

static err_t
put_rule(struct compiler *c, const struct rule *rule, struct hzs_rule *out)
{
    struct buffer *steps = &c->section[HZS_STEPS];
    struct emitter e = { .c = c };
    const uint16_t entry = emit(&e, rule, HZS_TRUE, HZS_FALSE);
    const size_t count = e.steps.size / sizeof(struct hzs_step);

    *out = (struct hzs_rule){ (uint32_t) (steps->size / sizeof(struct hzs_step)), (uint16_t) count,
                              entry };
    struct hzs_step *place = append(steps, e.steps.size);
    if (!place)
        e.failed = no_memory(c);
    const uint16_t last = (uint16_t) (count - 1);
    for (size_t i = 0; i < count && e.failed == ERR_OK; i++) {
        struct hzs_step step;
        memcpy(&step, e.steps.bytes + (count - 1 - i) * sizeof step, sizeof step);
        step.yes = step.yes >= HZS_FALSE ? step.yes : (uint16_t) (last - step.yes);
        step.no = step.no >= HZS_FALSE ? step.no : (uint16_t) (last - step.no);
        place[i] = step;
    }
    if (entry < HZS_FALSE)
        out->entry = (uint16_t) (last - entry);
    free(e.steps.bytes);
    return e.failed;
}

static err_t
put_rules(struct compiler *c)
{
    const struct pack *pack = c->pack;

    for (uint32_t i = 0; i < pack->mdcs.count; i++) {
        const struct pack_rule *from = &pack->mdcs.items[i];
        struct hzs_mdc to = { .row_first = from->child_first, .row_count = from->child_count };
        TRY(put_string(c, from->code, &to.code));
        TRY(put_string(c, from->name, &to.name));
        TRY(put_string(c, from->text, &to.text));
        TRY(put_rule(c, from->rule, &to.rule));
        void *place = append(&c->section[HZS_MDCS], sizeof to);
        if (!place)
            return no_memory(c);
        memcpy(place, &to, sizeof to);
    }
    for (uint32_t i = 0; i < pack->rows.count; i++) {
        const struct pack_rule *from = &pack->rows.items[i];
        struct hzs_row to = { .drg_first = from->child_first,
                              .drg_count = from->child_count,
                              .mdc = from->parent,
                              .ambiguous = from->ambiguous };
        TRY(put_string(c, from->key, &to.key));
        TRY(put_string(c, from->code, &to.adrg));
        TRY(put_string(c, from->name, &to.name));
        TRY(put_string(c, from->text, &to.text));
        TRY(put_rule(c, from->rule, &to.rule));
        void *place = append(&c->section[HZS_ROWS], sizeof to);
        if (!place)
            return no_memory(c);
        memcpy(place, &to, sizeof to);
    }
    for (uint32_t i = 0; i < pack->drgs.count; i++) {
        const struct pack_rule *from = &pack->drgs.items[i];
        struct hzs_drg to = { 0 };
        TRY(put_string(c, from->code, &to.code));
        TRY(put_string(c, from->name, &to.name));
        TRY(put_string(c, from->text, &to.text));
        TRY(put_rule(c, from->rule, &to.rule));
        void *place = append(&c->section[HZS_DRGS], sizeof to);
        if (!place)
            return no_memory(c);
        memcpy(place, &to, sizeof to);
    }
    return ERR_OK;
}

/* ---- which rows remain possible once one code is known ---- */

struct known {
    const struct compiler *c;
    const uint64_t *bits;
    enum list_kind kind;
    bool only; /* there is no other procedure */
};

static enum truth
atom_when_known(const struct rule *atom, const void *context)
{
    const struct known *known = context;

    if (atom->op > HZS_OP || rule_reads_procedures(atom) != (known->kind == LIST_PROC))
        return TRUTH_UNKNOWN;
    const uint32_t bit = known->c->bit_of[atom->list];
    const bool in = known->bits[bit / 64] >> (bit % 64) & 1;
    if (atom->op == HZS_PDX || atom->op == HZS_POP)
        return truth_of(in);
    if (atom->op == HZS_DX)
        return in ? TRUTH_TRUE : TRUTH_UNKNOWN;
    if (atom->op == HZS_OP)
        return in ? TRUTH_TRUE : known->only ? TRUTH_FALSE : TRUTH_UNKNOWN;
    return atom->op == HZS_SOP && known->only ? TRUTH_FALSE : TRUTH_UNKNOWN;
}

static bool
possible(const struct pack_rule *rule, const struct known *known)
{
    return rule_truth(rule->rule, atom_when_known, known) != TRUTH_FALSE;
}

static bool
row_possible(const struct pack *pack, const struct pack_rule *row, const struct known *known)
{
    if (!possible(row, known))
        return false;
    if (row->ambiguous)
        return true;
    for (uint32_t i = 0; i < row->child_count; i++) {
        if (possible(&pack->drgs.items[row->child_first + i], known))
            return true;
    }
    return false; /* an ADRG that no refinement follows never takes anything */
}

static err_t
put_candidates(struct compiler *c, const struct side *side, enum hzs_section_id section, bool only)
{
    const struct pack *pack = c->pack;

    for (uint32_t class = 0; class < side->class_count; class ++) {
        const struct known known = { c, side->classes + (size_t) class * side->words, side->kind,
                                     only };
        uint64_t *mask = append(&c->section[section], c->row_words * sizeof *mask);
        if (!mask)
            return no_memory(c);
        for (uint32_t m = 0; m < pack->mdcs.count; m++) {
            const struct pack_rule *mdc = &pack->mdcs.items[m];
            const uint32_t end = mdc->child_first + mdc->child_count;
            if (!possible(mdc, &known))
                continue;
            for (uint32_t r = mdc->child_first; r < end; r++) {
                if (row_possible(pack, &pack->rows.items[r], &known))
                    mask[r / 64] |= (uint64_t) 1 << (r % 64);
            }
        }
    }
    return ERR_OK;
}

/* ---- dictionaries ---- */

static err_t
put_slots(struct compiler *c, enum hzs_section_id section, const struct symbols *codes)
{
    uint64_t slot_count = 64;

    while (3 * slot_count < 4 * (uint64_t) codes->count) /* 75 % full at most */
        slot_count *= 2;
    uint32_t *slots = append(&c->section[section], slot_count * sizeof *slots);
    if (!slots)
        return no_memory(c);
    for (uint32_t i = 0; i < codes->count; i++) {
        const char *text = codes->texts[i];
        const size_t size = strlen(text);
        const uint64_t hash = hzs_hash(hzs_head(text, size), text, size);
        uint64_t at = hash & (slot_count - 1);
        while (slots[at] != 0)
            at = (at + 1) & (slot_count - 1);
        slots[at] = (uint32_t) (hash >> 56) << 24 | (i + 1);
    }
    return ERR_OK;
}

static err_t
put_code(struct compiler *c, enum hzs_section_id section, const char *text, struct hzs_code code)
{
    const size_t size = strlen(text);
    const struct hzs_head head = hzs_head(text, size);

    code.head[0] = head.low;
    code.head[1] = head.high;
    code.size = (uint8_t) size;
    TRY(put_string(c, text, &code.text));
    void *place = append(&c->section[section], sizeof code);
    if (!place)
        return no_memory(c);
    memcpy(place, &code, sizeof code);
    return ERR_OK;
}

/* For each diagnosis the exclusion table it stands in, from one of the three files. */
static err_t
read_tables(struct compiler *c, enum pack_file file, bool counts, uint16_t **out)
{
    const struct pack *pack = c->pack;
    const struct tsv *table = &pack->tables[file];
    uint16_t *of = arena_alloc(c->arena, pack->dx.count * sizeof *of + 1);

    if (!of)
        return no_memory(c);
    for (uint32_t row = 0; row < table->row_count; row++) {
        const char *name = tsv_cell(table, row, CC_TABLE);
        const uint32_t code = symbols_get(&pack->dx, tsv_cell(table, row, CC_CODE));
        if (name[0] != '\0')
            of[code] = (uint16_t) (symbols_get(&pack->tables_seen, name) + 1);
        else
            of[code] = counts ? HZS_NO_TABLE : 0;
    }
    *out = of;
    return ERR_OK;
}

static err_t
put_dictionary(struct compiler *c, const struct side *side)
{
    const struct pack *pack = c->pack;
    const bool dx = side->kind == LIST_DX;
    const struct tsv *names = &pack->tables[dx ? PACK_DX : PACK_PROC];
    const char **name_of = arena_alloc(c->arena, side->codes->count * sizeof *name_of + 1);

    if (!name_of)
        return no_memory(c);
    for (uint32_t row = 0; row < names->row_count; row++) {
        const char **name = &name_of[symbols_get(side->codes, tsv_cell(names, row, DX_CODE))];
        *name = *name ? *name : tsv_cell(names, row, DX_NAME);
    }
    for (uint32_t i = 0; i < side->codes->count; i++) {
        const struct hzs_code code = { .cls = side->class_of[i],
                                       .mcc = dx ? c->mcc[i] : 0,
                                       .cc = dx ? c->cc[i] : 0,
                                       .table = dx ? c->table[i] : 0,
                                       .flags = i >= side->known ? HZS_FOREIGN : 0 };
        TRY(put_code(c, side->codes_section, side->codes->texts[i], code));
        TRY(put_string_ref(c, side->names, name_of[i] ? name_of[i] : ""));
    }
    return put_slots(c, side->slots, side->codes);
}

static err_t
put_map(struct compiler *c, enum pack_file file, const struct symbols *targets)
{
    const struct tsv *table = &c->pack->tables[file];
    const bool dx = file == PACK_DX_MAP;
    struct symbols from;
    err_t code = ERR_OK;

    symbols_init(&from, c->arena);
    for (uint32_t row = 0; row < table->row_count && code == ERR_OK; row++) {
        const char *to = tsv_cell(table, row, MAP_TO);
        const uint32_t before = from.count;
        const uint32_t at = symbols_add(&from, tsv_cell(table, row, MAP_FROM));
        const struct hzs_code item = { .cls = to[0] ? symbols_get(targets, to) + 1 : 0 };
        if (at == SYMBOL_NONE)
            code = no_memory(c);
        else if (at == before)
            code = put_code(c, dx ? HZS_DXMAP_CODES : HZS_OPMAP_CODES, from.texts[at], item);
    }
    if (code == ERR_OK && from.count >= (1 << 24) - 1)
        code = too_large(c, "conversions", from.count, (1 << 24) - 2);
    if (code == ERR_OK)
        code = put_slots(c, dx ? HZS_DXMAP_SLOTS : HZS_OPMAP_SLOTS, &from);
    symbols_done(&from);
    return code;
}

/* ---- the file ---- */

static size_t
element_size(int section)
{
    static const size_t sizes[] = {
#define X(name, type) sizeof(type),
        HZS_SECTIONS(X)
#undef X
    };
    return sizes[section];
}

static err_t
assemble(struct compiler *c, void **bytes, size_t *size)
{
    const struct pack *pack = c->pack;
    struct hzs_header header = { .magic = HZS_MAGIC,
                                 .version = HZS_VERSION,
                                 .byte_order = HZS_BYTE_ORDER,
                                 .retry = pack->retry,
                                 .newborn_days = pack->newborn_days,
                                 .dx_words = c->dx.words,
                                 .dx_wide = c->dx.wide,
                                 .op_words = c->op.words,
                                 .op_wide = c->op.wide,
                                 .row_words = c->row_words };

    TRY(put_string(c, pack->id, &header.id));
    TRY(put_string(c, pack->name, &header.name));
    TRY(put_string(c, pack->version, &header.label));
    TRY(put_string(c, pack->region, &header.region));
    memcpy(header.source_sha256, pack->sha256, sizeof pack->sha256);
    uint64_t at = sizeof header;
    for (int i = 0; i < HZS_SECTION_COUNT; i++) {
        at = (at + HZS_ALIGN - 1) / HZS_ALIGN * HZS_ALIGN;
        header.section[i] = (struct hzs_section){ at, c->section[i].size / element_size(i) };
        at += c->section[i].size;
    }
    header.file_bytes = at;
    if (at > HZS_BYTES_MAX)
        return too_large(c, "bytes when compiled", at, HZS_BYTES_MAX);
    char *image = calloc(1, at);
    if (!image)
        return no_memory(c);
    for (int i = 0; i < HZS_SECTION_COUNT; i++) {
        if (c->section[i].size > 0)
            memcpy(image + header.section[i].offset, c->section[i].bytes, c->section[i].size);
    }
    memcpy(image, &header, sizeof header);
    header.checksum = hzs_checksum(image + HZS_CHECKED_FROM, at - HZS_CHECKED_FROM);
    memcpy(image, &header, sizeof header);
    *bytes = image;
    *size = at;
    return ERR_OK;
}

static err_t
compile(struct compiler *c, void **bytes, size_t *size)
{
    const struct pack *pack = c->pack;
    uint32_t empty;

    TRY(put_string(c, "", &empty)); /* so that 0 is a string in every scheme */
    c->row_words = pack->rows.count > 0 ? (pack->rows.count + 63) / 64 : 1;
    if (c->row_words > HZS_ROW_WORDS_MAX)
        return too_large(c, "ADRG rows", pack->rows.count, HZS_ROWS_MAX);
    if (pack->tables_seen.count >= HZS_NO_TABLE - 1)
        return too_large(c, "exclusion tables", pack->tables_seen.count, HZS_NO_TABLE - 2);
    c->bit_of = arena_alloc(c->arena, pack->lists.count * sizeof *c->bit_of);
    c->part_first = arena_alloc(c->arena, pack->lists.count * sizeof *c->part_first);
    c->part_count = arena_alloc(c->arena, pack->lists.count * sizeof *c->part_count);
    c->part_bit = arena_alloc(c->arena, pack->member_count * sizeof *c->part_bit + 1);
    if (!c->bit_of || !c->part_first || !c->part_count || !c->part_bit)
        return no_memory(c);

    struct side *const sides[] = { &c->dx, &c->op };
    for (size_t i = 0; i < COUNT(sides); i++) {
        TRY(number_bits(c, sides[i]));
        TRY(fill_bits(c, sides[i]));
        TRY(find_classes(c, sides[i]));
    }
    TRY(put_rules(c));
    TRY(put_candidates(c, &c->dx, HZS_DX_ROWS, false));
    TRY(put_candidates(c, &c->op, HZS_OP_ROWS_ONE, true));
    TRY(put_candidates(c, &c->op, HZS_OP_ROWS_MANY, false));
    TRY(read_tables(c, PACK_MCC, true, &c->mcc));
    TRY(read_tables(c, PACK_CC, true, &c->cc));
    TRY(read_tables(c, PACK_EXCLUSIONS, false, &c->table));
    TRY(put_dictionary(c, &c->dx));
    TRY(put_dictionary(c, &c->op));
    for (uint32_t i = 0; i < pack->tables_seen.count; i++)
        TRY(put_string_ref(c, HZS_TABLES, pack->tables_seen.texts[i]));
    TRY(put_map(c, PACK_DX_MAP, &pack->dx));
    TRY(put_map(c, PACK_PROC_MAP, &pack->op));
    return assemble(c, bytes, size);
}

err_t
compile_pack(const struct pack *pack, void **bytes, size_t *size, struct err *err)
{
    struct compiler c = {
        .pack = pack,
        .err = err,
        .arena = arena_create(PACK_ARENA_BYTES),
        .dx = { LIST_DX, &pack->dx, pack->dx_known, .bit_names = HZS_DX_BIT_NAMES,
                .slots = HZS_DX_SLOTS, .codes_section = HZS_DX_CODES, .names = HZS_DX_NAMES,
                .bits_section = HZS_DX_BITS },
        .op = { LIST_PROC, &pack->op, pack->op_known, .bit_names = HZS_OP_BIT_NAMES,
                .slots = HZS_OP_SLOTS, .codes_section = HZS_OP_CODES, .names = HZS_OP_NAMES,
                .bits_section = HZS_OP_BITS },
    };

    symbols_init(&c.pool, NULL);
    const err_t code = c.arena ? compile(&c, bytes, size) : no_memory(&c);
    for (int i = 0; i < HZS_SECTION_COUNT; i++)
        free(c.section[i].bytes);
    free(c.pool_at.bytes);
    symbols_done(&c.pool);
    arena_destroy(c.arena);
    return code;
}

err_t
write_file(const char *path, const void *bytes, size_t size, struct err *err)
{
    char temporary[4096];
    const char *from = bytes;

    if (snprintf(temporary, sizeof temporary, "%s.%ld.new", path, (long) getpid()) >=
        (int) sizeof temporary)
        return err_set(err, ERR_INVALID, "drg.path", "the path is too long");
    const int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return err_set(err, ERR_UNAVAILABLE, "drg.write", "cannot write %s: %s", temporary,
                       strerror(errno));
    bool good = true;
    for (size_t done = 0; done < size && good;) {
        const ssize_t put = write(fd, from + done, size - done);
        good = put > 0 || (put < 0 && errno == EINTR);
        done += put > 0 ? (size_t) put : 0;
    }
    good = good && fsync(fd) == 0;
    good = close(fd) == 0 && good;
    if (good && rename(temporary, path) == 0)
        return ERR_OK;
    const int error = errno;
    (void) unlink(temporary);
    return err_set(err, ERR_UNAVAILABLE, "drg.write", "could not write %s: %s", path,
                   strerror(error));
}
