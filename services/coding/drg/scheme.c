/* scheme.c - opening a compiled scheme.
 *
 * The checksum finds damage; that no index leads outside is checked besides, so that a file made by
 * an enemy can give wrong groups but never a crash or an endless loop.  All of it is one pass over
 * the file: about 2 ms for a national scheme. */
#include "scheme.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const size_t element_sizes[HZS_SECTION_COUNT] = {
#define X(name, type) [HZS_##name] = sizeof(type),
    HZS_SECTIONS(X)
#undef X
};

static err_t
damaged(struct err *err, const char *what)
{
    return err_set(err, ERR_INVALID, "drg.scheme_damaged",
                   "no compiled scheme, or a damaged one: %s", what);
}

static uint64_t
count_of(const struct drg_scheme *s, enum hzs_section_id section)
{
    return s->header->section[section].count;
}

static bool
is_string(const struct drg_scheme *s, uint32_t at)
{
    return at < count_of(s, HZS_STRINGS);
}

/* Every string of an array. */
static bool
are_strings(const struct drg_scheme *s, const uint32_t *at, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (!is_string(s, at[i]))
            return false;
    }
    return true;
}

static err_t
check_header(const struct drg_scheme *s, struct err *err)
{
    const struct hzs_header *h = s->header;

    if (s->size < sizeof *h || memcmp(h->magic, HZS_MAGIC, sizeof h->magic) != 0)
        return damaged(err, "the head is missing");
    if (h->byte_order != HZS_BYTE_ORDER)
        return damaged(err, "it was made for the other byte order");
    if (h->version != HZS_VERSION)
        return err_set(err, ERR_INVALID, "drg.scheme_version",
                       "the scheme has format version %u, this program reads %d; compile it again",
                       h->version, HZS_VERSION);
    if (h->file_bytes != s->size)
        return damaged(err, "its size is not what it says");
    if (hzs_checksum((const char *) h + HZS_CHECKED_FROM, s->size - HZS_CHECKED_FROM) !=
        h->checksum)
        return damaged(err, "the checksum differs");
    if (memchr(h->source_sha256, '\0', sizeof h->source_sha256) == NULL)
        return damaged(err, "its identity has no end");
    for (int i = 0; i < HZS_SECTION_COUNT; i++) {
        const struct hzs_section *section = &h->section[i];
        if (section->offset % HZS_ALIGN != 0 || section->offset < sizeof *h ||
            section->offset > s->size ||
            section->count > (s->size - section->offset) / element_sizes[i])
            return damaged(err, "a section lies outside");
    }
    return ERR_OK;
}

static bool
dictionary_open(const struct drg_scheme *s, enum hzs_section_id slots, enum hzs_section_id codes,
                struct dictionary *d)
{
    const char *base = (const char *) s->header;
    const uint64_t slot_count = count_of(s, slots), code_count = count_of(s, codes);
    uint64_t used = 0;

    if (slot_count == 0 || slot_count > (1u << 30) || (slot_count & (slot_count - 1)) != 0)
        return false;
    *d = (struct dictionary){ (const void *) (base + s->header->section[slots].offset),
                              (const void *) (base + s->header->section[codes].offset),
                              (uint32_t) slot_count - 1, (uint32_t) code_count };
    for (uint64_t i = 0; i < slot_count; i++) {
        const uint32_t index = d->slots[i] & 0xffffff;
        used += d->slots[i] != 0;
        if (index > code_count || (index == 0 && d->slots[i] != 0))
            return false;
    }
    return used < slot_count; /* so that a search ends */
}

static bool
codes_are_sound(const struct drg_scheme *s, const struct dictionary *d, uint64_t cls_end,
                uint64_t tables)
{
    const uint64_t strings = count_of(s, HZS_STRINGS);

    for (uint32_t i = 0; i < d->count; i++) {
        const struct hzs_code *code = &d->codes[i];
        if ((uint64_t) code->text + code->size >= strings || code->cls >= cls_end ||
            (code->mcc > tables && code->mcc != HZS_NO_TABLE) ||
            (code->cc > tables && code->cc != HZS_NO_TABLE) || code->table > tables)
            return false;
    }
    return true;
}

static bool
step_is_sound(const struct drg_scheme *s, const struct hzs_step *step, uint32_t at, uint32_t count)
{
    const struct hzs_header *h = s->header;
    const bool yes = (step->yes > at && step->yes < count) || step->yes >= HZS_FALSE;
    const bool no = (step->no > at && step->no < count) || step->no >= HZS_FALSE;

    if (!yes || !no || step->op >= HZS_OP_COUNT || step->cmp >= HZS_CMP_COUNT)
        return false;
    switch ((enum hzs_op) step->op) {
    case HZS_PDX:
        return step->a < count_of(s, HZS_DX_BIT_NAMES);
    case HZS_SDX:
    case HZS_DX:
        return step->a < count_of(s, HZS_DX_BIT_NAMES) && step->a < 64 * h->dx_wide;
    case HZS_POP:
        return step->a < count_of(s, HZS_OP_BIT_NAMES);
    case HZS_SOP:
    case HZS_OP:
        return step->a < count_of(s, HZS_OP_BIT_NAMES) && step->a < 64 * h->op_wide;
    case HZS_PARTS:
        return step->a + (uint64_t) step->n <= count_of(s, HZS_DX_BIT_NAMES) &&
               step->a + (uint64_t) step->n <= 64 * (uint64_t) h->dx_wide;
    case HZS_SEX:
    case HZS_LEAVE:
    case HZS_DEPT:
        return is_string(s, step->a);
    default:
        return true;
    }
}

static bool
rule_is_sound(const struct drg_scheme *s, const struct hzs_rule *rule)
{
    const uint64_t steps = count_of(s, HZS_STEPS);

    if (rule->first > steps || rule->count > steps - rule->first || rule->count > HZS_STEPS_MAX ||
        (rule->entry >= rule->count && rule->entry < HZS_FALSE))
        return false;
    for (uint32_t i = 0; i < rule->count; i++) {
        if (!step_is_sound(s, &s->steps[rule->first + i], i, rule->count))
            return false;
    }
    return true;
}

/* MDCs, rows and refinements: each row belongs to exactly the MDC whose range holds it. */
static bool
rules_are_sound(const struct drg_scheme *s)
{
    const uint64_t drg_count = count_of(s, HZS_DRGS);
    uint64_t next = 0;

    for (uint32_t i = 0; i < s->mdc_count; i++) {
        const struct hzs_mdc *mdc = &s->mdcs[i];
        if (!is_string(s, mdc->code) || !is_string(s, mdc->name) || !is_string(s, mdc->text) ||
            mdc->row_first != next || mdc->row_count > s->row_count - next ||
            !rule_is_sound(s, &mdc->rule))
            return false;
        for (; next < (uint64_t) mdc->row_first + mdc->row_count; next++) {
            if (s->rows[next].mdc != i)
                return false;
        }
    }
    for (uint32_t i = 0; i < s->row_count; i++) {
        const struct hzs_row *row = &s->rows[i];
        if (!is_string(s, row->key) || !is_string(s, row->adrg) || !is_string(s, row->name) ||
            !is_string(s, row->text) || row->drg_first > drg_count ||
            row->drg_count > drg_count - row->drg_first || row->mdc >= s->mdc_count ||
            !rule_is_sound(s, &row->rule))
            return false;
    }
    for (uint64_t i = 0; i < drg_count; i++) {
        const struct hzs_drg *drg = &s->drgs[i];
        if (!is_string(s, drg->code) || !is_string(s, drg->name) || !is_string(s, drg->text) ||
            !rule_is_sound(s, &drg->rule))
            return false;
    }
    return next == s->row_count;
}

/* Candidate bits beyond the last row would lead outside. */
static bool
candidates_are_sound(const struct drg_scheme *s, enum hzs_section_id section, uint64_t classes)
{
    const uint32_t words = s->header->row_words;
    const uint64_t *mask =
        (const void *) ((const char *) s->header + s->header->section[section].offset);
    const uint32_t used = s->row_count % 64;
    const uint64_t beyond = s->row_count == 0 ? UINT64_MAX : used ? UINT64_MAX << used : 0;

    if (count_of(s, section) != classes * words)
        return false;
    for (uint64_t class = 0; class < classes; class ++) {
        if (mask[class * words + words - 1] & beyond)
            return false;
    }
    return true;
}

static bool
shape_is_sound(const struct drg_scheme *s)
{
    const struct hzs_header *h = s->header;
    const uint64_t rows = count_of(s, HZS_ROWS);
    const uint64_t strings = count_of(s, HZS_STRINGS);

    return strings > 0 && s->strings[strings - 1] == '\0' && h->dx_words > 0 && h->op_words > 0 &&
           h->dx_wide <= h->dx_words && h->op_wide <= h->op_words &&
           h->dx_wide <= HZS_WIDE_WORDS_MAX && h->op_wide <= HZS_WIDE_WORDS_MAX &&
           count_of(s, HZS_DX_BIT_NAMES) <= 64 * (uint64_t) h->dx_words &&
           count_of(s, HZS_OP_BIT_NAMES) <= 64 * (uint64_t) h->op_words &&
           h->row_words == (rows > 0 ? (rows + 63) / 64 : 1) && h->row_words <= HZS_ROW_WORDS_MAX &&
           count_of(s, HZS_MDCS) <= UINT16_MAX && count_of(s, HZS_TABLES) < HZS_NO_TABLE &&
           h->retry <= 1 && h->newborn_days <= 366;
}

static err_t
check_content(struct drg_scheme *s, struct err *err)
{
    const struct hzs_header *h = s->header;
    const uint64_t tables = count_of(s, HZS_TABLES);

    if (!shape_is_sound(s))
        return damaged(err, "its parts do not fit together");
    if (!is_string(s, h->id) || !is_string(s, h->name) || !is_string(s, h->label) ||
        !is_string(s, h->region) || !are_strings(s, s->tables, tables) ||
        !are_strings(s, s->dx_bit_names, count_of(s, HZS_DX_BIT_NAMES)) ||
        !are_strings(s, s->op_bit_names, count_of(s, HZS_OP_BIT_NAMES)) ||
        !are_strings(s, s->dx_names, count_of(s, HZS_DX_NAMES)) ||
        !are_strings(s, s->op_names, count_of(s, HZS_OP_NAMES)))
        return damaged(err, "a text lies outside");
    if (!dictionary_open(s, HZS_DX_SLOTS, HZS_DX_CODES, &s->dx) ||
        !dictionary_open(s, HZS_OP_SLOTS, HZS_OP_CODES, &s->op) ||
        !dictionary_open(s, HZS_DXMAP_SLOTS, HZS_DXMAP_CODES, &s->dx_map) ||
        !dictionary_open(s, HZS_OPMAP_SLOTS, HZS_OPMAP_CODES, &s->op_map) ||
        count_of(s, HZS_DX_NAMES) != s->dx.count || count_of(s, HZS_OP_NAMES) != s->op.count)
        return damaged(err, "a dictionary is out of order");

    const uint64_t dx_classes = count_of(s, HZS_DX_BITS) / h->dx_words;
    const uint64_t op_classes = count_of(s, HZS_OP_BITS) / h->op_words;
    if (dx_classes == 0 || op_classes == 0 || count_of(s, HZS_DX_BITS) % h->dx_words != 0 ||
        count_of(s, HZS_OP_BITS) % h->op_words != 0 ||
        !codes_are_sound(s, &s->dx, dx_classes, tables) ||
        !codes_are_sound(s, &s->op, op_classes, tables) ||
        !codes_are_sound(s, &s->dx_map, (uint64_t) s->dx.count + 1, 0) ||
        !codes_are_sound(s, &s->op_map, (uint64_t) s->op.count + 1, 0))
        return damaged(err, "a code leads outside");
    if (!candidates_are_sound(s, HZS_DX_ROWS, dx_classes) ||
        !candidates_are_sound(s, HZS_OP_ROWS_ONE, op_classes) ||
        !candidates_are_sound(s, HZS_OP_ROWS_MANY, op_classes))
        return damaged(err, "a candidate leads outside");
    if (!rules_are_sound(s))
        return damaged(err, "a rule leads outside");
    return ERR_OK;
}

static err_t
scheme_check(struct drg_scheme *s, struct err *err)
{
    const struct hzs_header *h = s->header;
    const char *base = (const char *) h;

    TRY(check_header(s, err));
    s->strings = base + h->section[HZS_STRINGS].offset;
    s->mdcs = (const void *) (base + h->section[HZS_MDCS].offset);
    s->rows = (const void *) (base + h->section[HZS_ROWS].offset);
    s->drgs = (const void *) (base + h->section[HZS_DRGS].offset);
    s->steps = (const void *) (base + h->section[HZS_STEPS].offset);
    s->tables = (const void *) (base + h->section[HZS_TABLES].offset);
    s->dx_bit_names = (const void *) (base + h->section[HZS_DX_BIT_NAMES].offset);
    s->op_bit_names = (const void *) (base + h->section[HZS_OP_BIT_NAMES].offset);
    s->dx_names = (const void *) (base + h->section[HZS_DX_NAMES].offset);
    s->op_names = (const void *) (base + h->section[HZS_OP_NAMES].offset);
    s->dx_bits = (const void *) (base + h->section[HZS_DX_BITS].offset);
    s->dx_rows = (const void *) (base + h->section[HZS_DX_ROWS].offset);
    s->op_bits = (const void *) (base + h->section[HZS_OP_BITS].offset);
    s->op_rows_one = (const void *) (base + h->section[HZS_OP_ROWS_ONE].offset);
    s->op_rows_many = (const void *) (base + h->section[HZS_OP_ROWS_MANY].offset);
    if (count_of(s, HZS_MDCS) > UINT16_MAX || count_of(s, HZS_ROWS) > HZS_ROWS_MAX)
        return damaged(err, "too many rows");
    s->mdc_count = (uint32_t) count_of(s, HZS_MDCS);
    s->row_count = (uint32_t) count_of(s, HZS_ROWS);
    TRY(check_content(s, err));
    s->identity = (struct drg_identity){ .id = scheme_string(s, h->id),
                                         .name = scheme_string(s, h->name),
                                         .version = scheme_string(s, h->label),
                                         .checksum = h->source_sha256 };
    return ERR_OK;
}

static err_t
map_file(const char *path, struct drg_scheme *s, struct err *err)
{
    struct stat what;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_UNAVAILABLE, "drg.scheme_open",
                       "cannot open %s: %s", path, strerror(errno));
    err_t code = ERR_OK;
    if (fstat(fd, &what) != 0 || !S_ISREG(what.st_mode))
        code = err_set(err, ERR_INVALID, "drg.scheme_open", "%s is no regular file", path);
    else if (what.st_size < (off_t) sizeof(struct hzs_header) ||
             (uint64_t) what.st_size > HZS_BYTES_MAX)
        code = damaged(err, "its size is not that of a scheme");
    else {
        s->size = (size_t) what.st_size;
        s->header = mmap(NULL, s->size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
        s->mapped = true;
        if (s->header == MAP_FAILED) {
            s->header = NULL;
            code = err_set(err, ERR_UNAVAILABLE, "drg.scheme_open", "cannot map %s: %s", path,
                           strerror(errno));
        }
    }
    (void) close(fd);
    return code;
}

err_t
drg_scheme_open(const char *path, struct drg_scheme **scheme, struct err *err)
{
    OWNED(drg_scheme_close) struct drg_scheme *s = calloc(1, sizeof *s);

    if (!s)
        return err_set(err, ERR_UNAVAILABLE, "drg.out_of_memory", "out of memory");
    /* NOLINTBEGIN(clang-analyzer-unix.Malloc): OWNED frees it, which the analyzer does not know */
    TRY(map_file(path, s, err));
    TRY(scheme_check(s, err));
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
    *scheme = TAKE(s);
    return ERR_OK;
}

err_t
drg_scheme_from_bytes(const void *bytes, size_t size, struct drg_scheme **scheme, struct err *err)
{
    if (size < sizeof(struct hzs_header) || size > HZS_BYTES_MAX)
        return damaged(err, "its size is not that of a scheme");
    OWNED(drg_scheme_close) struct drg_scheme *s = calloc(1, sizeof *s);
    void *copy =
        s ? aligned_alloc(HZS_ALIGN, (size + HZS_ALIGN - 1) / HZS_ALIGN * HZS_ALIGN) : NULL;
    if (!copy)
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): as above */
        return err_set(err, ERR_UNAVAILABLE, "drg.out_of_memory", "out of memory");
    memcpy(copy, bytes, size);
    s->header = copy;
    s->size = size;
    TRY(scheme_check(s, err));
    *scheme = TAKE(s);
    return ERR_OK;
}

void
drg_scheme_close(struct drg_scheme *scheme)
{
    if (!scheme)
        return;
    void *image = (void *) scheme->header;
    if (image && scheme->mapped)
        (void) munmap(image, scheme->size);
    else
        free(image);
    free(scheme);
}

const struct drg_identity *
drg_scheme_identity(const struct drg_scheme *scheme)
{
    return &scheme->identity;
}
