/* drg_csv_fuzz.c - whatever rows come, each is read once, the reader goes forward, and every row
 * has an answer.
 *
 * The first row is the header; if the input's own names no columns, a usual one stands in.  The
 * rows' ends must be the same whether the bytes come at once or in two parts. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "../unit/drg_tiny.h"
#include "csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct drg_scheme *
tiny_scheme(void)
{
    static struct drg_scheme *scheme;
    struct err err;
    size_t size;

    if (!scheme) {
        void *image = tiny_image(&size);
        const err_t opened = drg_scheme_from_bytes(image, size, &scheme, &err);
        assert(opened == ERR_OK);
        free(image);
    }
    return scheme;
}

static void
group_row(const struct csv_layout *layout, struct csv_row *row)
{
    struct drg_stay stay = DRG_STAY_INIT;
    struct drg_result result;
    char out[1024];

    const enum drg_reason why = csv_stay(layout, row, &stay);
    if (why == DRG_WHY_NONE)
        drg_group(tiny_scheme(), &stay, &result);
    else
        drg_bad_row(tiny_scheme(), why, &result);
    assert(strlen(result.reason) < sizeof result.reason);
    assert(result.status == DRG_OK || result.reason[0] != '\0');
    const char *end = csv_put(out, result.reason, strlen(result.reason));
    assert((size_t) (end - out) <= sizeof out);
}

/* Rows that end before the cut must end there too when the rest is not yet known. */
static void
check_parts(const char *text, size_t size)
{
    const char *cut = text + size / 2, *whole, *part;

    for (const char *p = text; p < cut; p = part) {
        const enum csv_found found = csv_next(p, cut, false, &part);
        if (found == CSV_MORE)
            return;
        const enum csv_found again = csv_next(p, text + size, true, &whole);
        assert(found == again && part == whole);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char usual[] =
        "index,sex,age,age_days,weight_g,dept,los_days,leaving_type,dx,proc,icu_hours";
    static struct csv_row row;
    struct csv_layout layout;
    struct err err;
    bool first = true;

    check_parts((const char *) data, size);
    char *copy = malloc(size + 1), head[sizeof usual];
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    memcpy(head, usual, sizeof usual);
    char *const end = copy + size;
    for (char *p = copy; p < end;) {
        const char *next;
        const enum csv_found found = csv_next(p, end, true, &next);
        assert(found != CSV_MORE && next > p && next <= end);
        char *stop = p + (next - p);
        csv_split(p, stop, &row);
        assert(row.count > 0);
        if (first && csv_layout_read(&row, &layout, &err) != ERR_OK) {
            csv_split(head, head + sizeof usual - 1, &row);
            const err_t read = csv_layout_read(&row, &layout, &err);
            assert(read == ERR_OK);
        } else if (!first && found == CSV_ROW) {
            group_row(&layout, &row);
        }
        first = false;
        p = stop;
    }
    free(copy);
    return 0;
}
