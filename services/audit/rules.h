/* rules.h - what a record and a head are, byte by byte.  Pure: no clock, no database, no log. */
#ifndef HUZHU_AUDIT_RULES_H
#define HUZHU_AUDIT_RULES_H

#include "audit.h"

/* The leaf of a record: merkle_leaf() of its canonical bytes (README.md).  The body counts by its
 * SHA-256, so that a body may have to be erased some day without breaking the proof of the rest. */
merkle_hash_t record_leaf(struct id tenant, const struct record *record);

/* The canonical bytes themselves, whose leaf that is: what a stranger is handed.  Returns the size;
 * out NULL: only that. */
size_t record_canonical(struct id tenant, const struct record *record, uint8_t *out);

#define HEAD_TEXT_BYTES (sizeof "huzhu audit head v1" + 16 + 8 + 32 + 8)
/* What a head's signature covers. */
void head_text(struct id tenant, const struct head *head, uint8_t out[static HEAD_TEXT_BYTES]);

/* 0 stands for the newest head's. */
err_t rule_sizes(int64_t older, int64_t newer, struct err *err) MUST_CHECK;

/* --- the archive (rules_archive.c) --- */

struct kind_row {
    int number, keep_years;
    enum secrecy secrecy;
    enum filer by_hand;
    bool has_term; /* an agreement: retention counts from its end */
    const char *name;
};
const struct kind_row *kind_row(int64_t kind); /* NULL: none of the nine */

/* The last day on which it may not go: the end of the year, so many years later; 0: for ever. */
date_t rule_keep_until(date_t dated, date_t ends_on, int keep_years);

#define ARCHIVE_NUMBER_BYTES 160
/* fonds-kind-year-retention-place-number */
void archive_number_format(const struct item *item, char out[static ARCHIVE_NUMBER_BYTES]);

#define ITEM_TITLE_CHARACTERS_MAX 200
#define ITEM_LOCATION_CHARACTERS_MAX 100
err_t rule_item_by_hand(const struct item *item, bool township, date_t today,
                        struct err *err) MUST_CHECK;

/* The look through the catalogue: begin, every item in the order of lines, every counter, end. */
#define CATALOGUE_FINDINGS_MAX 20
struct catalogue {
    struct sha256 *hash;
    int64_t items, faults;
    size_t used, series_count;
    struct {
        int kind, year;
        int64_t last;
    } series[9 * 64 + 1];
    char findings[CATALOGUE_FINDINGS_MAX * 400];
};
void catalogue_begin(struct catalogue *catalogue);
void catalogue_item(struct catalogue *catalogue, const struct item *item);
void catalogue_counter(struct catalogue *catalogue, int kind, int year, int64_t next);
/* findings point into the catalogue. */
void catalogue_end(struct catalogue *catalogue, struct catalogue_check *check);

#endif
