/* finding.c - collecting and printing what is wrong in a pack. */
#include "finding.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* A pack of nothing but faults: 100,000 of them take 20 MiB and say enough. */
enum { FINDINGS_MAX = 1 << 17 };

static const struct {
    enum finding_severity severity;
    const char *code;
} kinds[FIND_COUNT] = {
#define FINDING(symbol, severity, code) { FINDING_##severity, (code) },
#include "findings.def"
#undef FINDING
};

enum finding_severity
finding_severity(enum finding_kind kind)
{
    return kinds[kind].severity;
}

const char *
finding_code(enum finding_kind kind)
{
    return kinds[kind].code;
}

void
findings_init(struct findings *findings)
{
    *findings = (struct findings){ 0 };
}

void
findings_done(struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        free(findings->items[i].zh);
        free(findings->items[i].en);
    }
    free(findings->items);
    findings_init(findings);
}

static bool
grow(struct findings *findings)
{
    if (findings->count < findings->capacity)
        return true;
    if (findings->count >= FINDINGS_MAX)
        return false;
    const size_t capacity = findings->capacity ? 2 * findings->capacity : 64;
    struct finding *items = realloc(findings->items, capacity * sizeof *items);
    if (!items)
        return false;
    findings->items = items;
    findings->capacity = capacity;
    return true;
}

void
find(struct findings *findings, enum finding_kind kind, struct place place, const char *zh,
     const char *en, ...)
{
    struct finding item = { .kind = kind, .place = place };
    va_list ap;
    int sizes[2];

    findings->errors += kinds[kind].severity == FINDING_ERROR;
    findings->warnings += kinds[kind].severity == FINDING_WARNING;
    findings->notes += kinds[kind].severity == FINDING_NOTE;
    va_start(ap, en);
    sizes[0] = vasprintf(&item.zh, zh, ap);
    va_end(ap);
    va_start(ap, en);
    sizes[1] = vasprintf(&item.en, en, ap);
    va_end(ap);
    if (sizes[0] < 0)
        item.zh = NULL;
    if (sizes[1] < 0)
        item.en = NULL;
    if (!item.zh || !item.en || !grow(findings)) {
        free(item.zh);
        free(item.en);
        findings->lost = true;
        return;
    }
    findings->items[findings->count++] = item;
}

/* A stable order: what a person reads first, scheme.json, then as the rules depend on each other.
 */
static int
by_place(const void *a, const void *b)
{
    const struct finding *x = a, *y = b;
    const int files = strcmp(x->place.file, y->place.file);

    if (files != 0)
        return files;
    if (x->place.line != y->place.line)
        return x->place.line < y->place.line ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return strcmp(x->en, y->en);
}

size_t
findings_print(struct findings *findings, FILE *out, const char *dir, size_t per_kind_max)
{
    static const char *const severities[] = { "提示 note", "警告 warning", "错误 error" };
    size_t printed[FIND_COUNT] = { 0 }, held_back = 0;

    if (findings->count > 0)
        qsort(findings->items, findings->count, sizeof *findings->items, by_place);
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *item = &findings->items[i];
        if (per_kind_max > 0 && printed[item->kind]++ >= per_kind_max) {
            held_back++;
            continue;
        }
        (void) fprintf(out, "%s/%s:%u: %s [%s] %s | %s\n", dir, item->place.file, item->place.line,
                       severities[kinds[item->kind].severity], kinds[item->kind].code, item->zh,
                       item->en);
    }
    return held_back;
}
