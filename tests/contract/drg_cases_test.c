/* drg_cases_test.c - the grouper against what the open grouper OpenDRG answered.
 *
 * Goal: every published record gets the same status, MDC, ADRG and DRG.
 * Method: each pack beside the checkout is compiled, and each case file grouped through the CSV
 * reader and the library.  A record whose "note" is filled in is a documented exception: the pack's
 * answer differs from OpenDRG's on purpose, and the test knows what it must be instead.
 * HUZHU_DRG_EXCEPTIONS=FILE lists them one by one.  Under a sanitizer every tenth record of the
 * large files is taken, unless HUZHU_DRG_ALL is set. */
#include "test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "compile.h"
#include "csv.h"
#include "finding.h"
#include "pack.h"

#define SHARED HUZHU_SOURCE_DIR "/../shared/drg"

#if defined(__SANITIZE_ADDRESS__)
#define SLOW 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SLOW 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define SLOW 1
#endif
#ifndef SLOW
#define SLOW 0
#endif

enum { LARGE_BYTES = 2 << 20, SAMPLE_EVERY = 10 };
enum { STATUS, MDC, ADRG, DRG, NOTE, EXPECTED_COUNT };
static const char *const expected_names[EXPECTED_COUNT] = { "status", "mdc", "adrg", "drg",
                                                            "note" };

/* What a documented exception must come out as, and why it differs from OpenDRG. */
static const struct {
    const char *note, *status, *why;
} exceptions[] = {
    { "empty_principal_dx", "check_failed",
      "a stay without principal diagnosis is not grouped by the others" },
    { "newborn_weight_0", "check_failed",
      "a weight of 0 g is a missing weight, not the lightest child" },
    { "map_target_with_blank", "ok", "OpenDRG's map has a stray blank before the target code" },
};

static struct drg_scheme *
compiled(const char *dir)
{
    struct findings findings;
    struct drg_scheme *scheme = NULL;
    struct pack pack;
    struct err err = { 0 };
    void *image = NULL;
    size_t size;

    findings_init(&findings);
    if (!pack_open(dir, &pack, &findings) || compile_pack(&pack, &image, &size, &err) != ERR_OK ||
        drg_scheme_from_bytes(image, size, &scheme, &err) != ERR_OK) {
        (void) findings_print(&findings, stderr, dir, 10);
        fail_msg("%s does not compile: %s", dir, err.text);
    }
    free(image);
    pack_close(&pack);
    findings_done(&findings);
    return scheme;
}

struct tally {
    size_t rows, equal, exceptions, wrong;
};

static bool
text_is(struct drg_text text, const char *other)
{
    return text.size == strlen(other) && memcmp(text.text, other, text.size) == 0;
}

static void
print_row(FILE *out, const char *name, const struct csv_row *row, const struct drg_result *is)
{
    (void) fprintf(out, "%s:", name);
    for (size_t i = 0; i < row->count; i++)
        (void) fprintf(out, " %.*s,", (int) row->fields[i].size, row->fields[i].text);
    (void) fprintf(out, " ours: %s %s %s %s\n", drg_status_wire(is->status), is->mdc, is->adrg,
                   is->drg);
}

/* A documented exception; true: it came out as documented. */
static bool
is_documented(struct drg_text note, const struct drg_result *is, FILE *list)
{
    for (size_t i = 0; i < COUNT(exceptions); i++) {
        if (!text_is(note, exceptions[i].note))
            continue;
        if (list)
            (void) fprintf(list, "  %s\n", exceptions[i].why);
        return strcmp(drg_status_wire(is->status), exceptions[i].status) == 0;
    }
    /* OpenDRG raised an exception: there is no answer to compare with */
    return note.size > 18 && memcmp(note.text, "opendrg_exception_", 18) == 0;
}

static void
compare(const char *name, struct csv_row *row, const int *at, const struct drg_result *is,
        struct tally *tally)
{
    static FILE *list;
    const struct drg_text note = row->fields[at[NOTE]];

    if (!list && getenv("HUZHU_DRG_EXCEPTIONS"))
        list = fopen(getenv("HUZHU_DRG_EXCEPTIONS"), "w");
    tally->rows++;
    if (note.size > 0) {
        if (list)
            print_row(list, name, row, is);
        tally->exceptions++;
        if (is_documented(note, is, list))
            return;
    } else if (text_is(row->fields[at[STATUS]], drg_status_wire(is->status)) &&
               text_is(row->fields[at[MDC]], is->mdc) && text_is(row->fields[at[ADRG]], is->adrg) &&
               text_is(row->fields[at[DRG]], is->drg)) {
        tally->equal++;
        return;
    }
    if (tally->wrong++ < 5)
        print_row(stderr, name, row, is);
}

static bool
read_line(gzFile from, char *line, int size, struct csv_row *row)
{
    if (!gzgets(from, line, size))
        return false;
    csv_split(line, line + strlen(line), row);
    return true;
}

static void
agree(const char *path, const char *name, const struct drg_scheme *scheme, struct tally *tally)
{
    enum { LINE_BYTES = 1 << 16 };
    static char line[LINE_BYTES];
    struct csv_row row = { .count = 0 };
    struct csv_layout layout;
    struct stat what;
    struct err err;
    int at[EXPECTED_COUNT] = { 0 };
    gzFile from = gzopen(path, "rb");

    assert_non_null(from);
    assert_int_equal(stat(path, &what), 0);
    const size_t every =
        SLOW && what.st_size > LARGE_BYTES && !getenv("HUZHU_DRG_ALL") ? SAMPLE_EVERY : 1;
    assert_true(read_line(from, line, LINE_BYTES, &row));
    assert_int_equal(csv_layout_read(&row, &layout, &err), ERR_OK);
    for (int i = 0; i < EXPECTED_COUNT; i++) {
        for (size_t j = 0; j < row.count; j++)
            at[i] = text_is(row.fields[j], expected_names[i]) ? (int) j : at[i];
        assert_int_not_equal(at[i], 0);
    }
    for (size_t i = 0; read_line(from, line, LINE_BYTES, &row); i++) {
        struct drg_result result;
        struct drg_stay stay;
        if (i % every != 0)
            continue;
        assert_int_equal(csv_stay(&layout, &row, &stay), DRG_WHY_NONE);
        stay.convert = strstr(name, ".convert") != NULL;
        drg_group(scheme, &stay, &result);
        compare(name, &row, at, &result, tally);
    }
    (void) gzclose(from);
    csv_row_done(&row);
}

static void
every_published_case_gets_the_published_group(void **state)
{
    (void) state;
    struct dirent **files = NULL;
    size_t wrong = 0, done = 0;

    const int count = scandir(SHARED "/cases", &files, NULL, alphasort);
    if (count < 0) {
        print_message("no published cases beside the checkout: skipped\n");
        skip();
    }
    for (int i = 0; i < count; i++) {
        char path[4096], dir[4096];
        const char *name = files[i]->d_name;
        const char *end = strstr(name, ".csv.gz");
        struct tally tally = { 0 };
        if (end) {
            (void) snprintf(path, sizeof path, SHARED "/cases/%s", name);
            (void) snprintf(dir, sizeof dir, SHARED "/packs/%.*s", (int) strcspn(name, "."), name);
            struct drg_scheme *scheme = compiled(dir);
            agree(path, name, scheme, &tally);
            drg_scheme_close(scheme);
            print_message("%-28s %7zu records, %7zu equal, %5zu documented exceptions, %zu wrong\n",
                          name, tally.rows, tally.equal, tally.exceptions, tally.wrong);
            assert_true(tally.rows > 0);
            wrong += tally.wrong;
            done++;
        }
        free(files[i]);
    }
    free(files);
    assert_true(done > 0);
    assert_int_equal(wrong, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_published_case_gets_the_published_group),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
