/* rules_archive.c - what an archive item must be, and the look through the catalogue (9.3.2). Pure.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "check/text.h"
#include "rules.h"

static const struct kind_row kinds[ITEM_KIND_COUNT] = {
#define KIND(symbol, number, keep, secrecy, by_hand, term, name)                                   \
    [number] = { number, keep, SECRECY_##secrecy, FILER_##by_hand, term, name },
#include "archive.def"
};

const struct kind_row *
kind_row(int64_t kind)
{
    return kind >= 1 && kind < ITEM_KIND_COUNT ? &kinds[kind] : NULL;
}

date_t
rule_keep_until(date_t dated, date_t ends_on, int keep_years)
{
    int year, month, day;

    if (keep_years == 0)
        return (date_t){ 0 };
    date_to_civil(ends_on.days ? ends_on : dated, &year, &month, &day);
    return date_from_civil(year + keep_years, 12, 31);
}

void
archive_number_format(const struct item *item, char out[static ARCHIVE_NUMBER_BYTES])
{
    char keep[16] = "Y";

    if (item->keep_years > 0)
        (void) snprintf(keep, sizeof keep, "D%d", item->keep_years);
    (void) snprintf(out, ARCHIVE_NUMBER_BYTES, "%s-B0%d-%d-%s-%s-%06" PRId64, item->fonds,
                    (int) item->kind, item->year, keep, item->place, item->number);
}

/* --- what a person files --- */

/* Eleven digits in a row are a phone, an ID or a card number, whatever stands between them and the
 * words around. */
static bool
has_long_number(const char *text)
{
    int run = 0;

    for (; *text && run < 11; text++)
        run = *text >= '0' && *text <= '9' ? run + 1 : (*text == ' ' || *text == '-') ? run : 0;
    return run >= 11;
}

static err_t
term_check(const struct item *item, const struct kind_row *kind, struct err *err)
{
    if (kind->has_term && (!item->ends_on.days || item->ends_on.days < item->dated.days))
        return err_at(err, ERR_INVALID, "$.endsOn", ITEM_TERM,
                      "an agreement needs its last day, not before its first");
    if (!kind->has_term && item->ends_on.days)
        return err_at(err, ERR_INVALID, "$.endsOn", ITEM_TERM, "only an agreement has a last day");
    return ERR_OK;
}

err_t
rule_item_by_hand(const struct item *item, bool township, date_t today, struct err *err)
{
    const struct kind_row *kind = kind_row(item->kind);

    if (!kind || kind->by_hand == FILER_NOBODY)
        return err_at(err, ERR_INVALID, "$.kind", ITEM_KIND,
                      "B02, B04, B06 and B07 are filed by hand");
    if (kind->by_hand == FILER_TOWNSHIP && !township)
        return err_at(err, ERR_FORBIDDEN, "$.kind", ITEM_TOWNSHIP, "the township files that kind");
    if (text_characters(item->title) < 1 ||
        text_characters(item->title) > ITEM_TITLE_CHARACTERS_MAX || text_has_control(item->title))
        return err_at(err, ERR_INVALID, "$.title", ITEM_TITLE, "a title has 1 to %d characters",
                      ITEM_TITLE_CHARACTERS_MAX);
    if (has_long_number(item->title))
        return err_at(err, ERR_INVALID, "$.title", ITEM_PERSONAL,
                      "a title holds no id, phone or card number");
    if (item->dated.days <= 0 || item->dated.days > today.days)
        return err_at(err, ERR_INVALID, "$.dated", ITEM_DATE, "a day after 1970, not after today");
    TRY(term_check(item, kind, err));
    if (item->secrecy < kind->secrecy || item->secrecy > SECRECY_HIGHLY_SENSITIVE)
        return err_at(err, ERR_INVALID, "$.secrecy", ITEM_SECRECY, "that kind is at least %d",
                      (int) kind->secrecy);
    if ((id_is_nil(item->upload) && item->paper_location[0] == '\0') ||
        text_characters(item->paper_location) > ITEM_LOCATION_CHARACTERS_MAX ||
        text_has_control(item->paper_location))
        return err_at(err, ERR_INVALID, "$.paperLocation", ITEM_WHERE,
                      "an upload, or a place of at most %d characters",
                      ITEM_LOCATION_CHARACTERS_MAX);
    if (item->keep_years < kind->keep_years || item->keep_years > 100)
        return err_at(err, ERR_INVALID, "$.keepYears", ITEM_KEEP, "that kind is kept %d years",
                      kind->keep_years);
    return ERR_OK;
}

/* --- the look through the catalogue --- */

void
catalogue_begin(struct catalogue *catalogue)
{
    *catalogue = (struct catalogue){ .hash = sha256_create() };
    assert(catalogue->hash);
}

static void fault(struct catalogue *catalogue, const char *fmt, ...) PRINTF(2, 3);

static void
fault(struct catalogue *catalogue, const char *fmt, ...)
{
    const size_t room = sizeof catalogue->findings - catalogue->used;
    va_list args;

    if (++catalogue->faults > CATALOGUE_FINDINGS_MAX || room < 2)
        return;
    va_start(args, fmt);
    const int size = vsnprintf(catalogue->findings + catalogue->used, room - 1, fmt, args);
    va_end(args);
    if (size < 0 || (size_t) size >= room - 1) {
        catalogue->findings[catalogue->used] = '\0';
        return;
    }
    catalogue->used += (size_t) size;
    catalogue->findings[catalogue->used++] = '\n';
    catalogue->findings[catalogue->used] = '\0';
}

/* The place of (kind, year); kind 0: the lines of the catalogue itself. */
static int64_t *
last_of(struct catalogue *catalogue, int kind, int year)
{
    for (size_t i = 0; i < catalogue->series_count; i++)
        if (catalogue->series[i].kind == kind && catalogue->series[i].year == year)
            return &catalogue->series[i].last;
    if (catalogue->series_count == COUNT(catalogue->series))
        return NULL;
    catalogue->series[catalogue->series_count].kind = kind;
    catalogue->series[catalogue->series_count].year = year;
    catalogue->series[catalogue->series_count].last = 0;
    return &catalogue->series[catalogue->series_count++].last;
}

static void
in_order(struct catalogue *catalogue, int kind, int year, int64_t number)
{
    int64_t *last = last_of(catalogue, kind, year);

    if (!last) {
        fault(catalogue, "more than %zu kinds and years", COUNT(catalogue->series));
        return;
    }
    if (number != *last + 1)
        fault(catalogue, "B0%d of %d: %" PRId64 " follows %" PRId64, kind, year, number, *last);
    *last = number;
}

void
catalogue_item(struct catalogue *catalogue, const struct item *item)
{
    static const uint8_t nothing[SHA256_BYTES] = { 0 };
    char number[ARCHIVE_NUMBER_BYTES], text[ARCHIVE_NUMBER_BYTES + DATE_TEXT_BYTES + 4];
    const struct kind_row *kind = kind_row(item->kind);
    char day[DATE_TEXT_BYTES];

    catalogue->items++;
    in_order(catalogue, 0, 0, item->line);
    in_order(catalogue, (int) item->kind, item->year, item->number);
    archive_number_format(item, number);
    if (strcmp(number, item->archive_number) != 0)
        fault(catalogue, "line %" PRId64 ": the archive number is %s, not %s", item->line,
              item->archive_number, number);
    if (bytes_equal(item->sha256, nothing, sizeof nothing))
        fault(catalogue, "%s has no digest", number);
    if (!item->recorded)
        fault(catalogue, "%s: the record of its event is not in the log", number);
    if (item->source[0] == '\0' && id_is_nil(item->upload) && item->paper_location[0] == '\0')
        fault(catalogue, "%s lies nowhere", number);
    if (!kind || item->keep_years < kind->keep_years || item->secrecy < kind->secrecy ||
        item->keep_until.days != rule_keep_until(item->dated, item->ends_on, item->keep_years).days)
        fault(catalogue, "%s: retention or secrecy is not that of its kind", number);
    date_format(item->dated, day);
    const int size = snprintf(text, sizeof text, "%s\t%s\t", item->archive_number, day);
    sha256_add(catalogue->hash, text, size > 0 ? strlen(text) : 0);
    sha256_add(catalogue->hash, item->sha256, sizeof item->sha256);
    sha256_add(catalogue->hash, item->title, strlen(item->title) + 1);
}

void
catalogue_counter(struct catalogue *catalogue, int kind, int year, int64_t next)
{
    const int64_t *last = last_of(catalogue, kind, year);

    if (last && *last != next - 1)
        fault(catalogue, "B0%d of %d: %" PRId64 " numbers were given, the last there is %" PRId64,
              kind, year, next - 1, *last);
}

void
catalogue_end(struct catalogue *catalogue, struct catalogue_check *check)
{
    check->items = catalogue->items;
    check->faults = catalogue->faults;
    check->findings = catalogue->findings;
    sha256_finish(catalogue->hash, check->sha256);
    catalogue->hash = NULL;
}
