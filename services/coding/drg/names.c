/* names.c - what a scheme's codes and groups are called: an index of characters and their pairs. */
#include "names.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "scheme.h"

/* A posting is one number: two characters (21 bits each; the second is 0 for a single one) above
 * the place of the code in its book.  Sorted, all postings of a pair lie together. */
enum { CHAR_BITS = 21, PLACE_BITS = 22 };
#define PLACES_MAX (UINT32_C(1) << PLACE_BITS)

struct entry {
    const char *code, *name, *to;
};
struct book {
    struct entry *entries; /* in the order of codes */
    size_t count;
    uint64_t *postings;
    size_t posting_count;
};
struct drg_names {
    struct book books[DRG_BOOKS];
    struct drg_group_name *groups;
    size_t group_count;
};

/* --- characters --- */

/* The next code point, ASCII letters in lower case; bytes that are no UTF-8 stand for themselves.
 */
static uint32_t
next_char(const char **at)
{
    const unsigned char *s = (const unsigned char *) *at;
    const int more = s[0] >= 0xf0 ? 3 : s[0] >= 0xe0 ? 2 : s[0] >= 0xc0 ? 1 : 0;
    uint32_t c = more == 3   ? s[0] & 0x07u
                 : more == 2 ? s[0] & 0x0fu
                 : more == 1 ? s[0] & 0x1fu
                             : s[0];

    for (int i = 1; i <= more; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            *at += 1;
            return s[0];
        }
        c = c << 6 | (s[i] & 0x3fu);
    }
    *at += more + 1;
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static uint64_t
pair_of(uint32_t first, uint32_t second)
{
    return ((uint64_t) first << CHAR_BITS | second) << PLACE_BITS;
}

/* Calls for each character and each pair of neighbours; returns how many there were. */
static size_t
pairs_of(const char *name, uint64_t place, uint64_t *out)
{
    uint32_t before = 0;
    size_t count = 0;

    while (*name) {
        const uint32_t c = next_char(&name);
        if (out)
            out[count] = pair_of(c, 0) | place;
        count++;
        if (before != 0) {
            if (out)
                out[count] = pair_of(before, c) | place;
            count++;
        }
        before = c;
    }
    return count;
}

/* --- building --- */

static int
by_number(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;

    return (x > y) - (x < y);
}

static int
by_code(const void *a, const void *b)
{
    return strcmp(((const struct entry *) a)->code, ((const struct entry *) b)->code);
}

static bool
index_book(struct book *book)
{
    size_t total = 0, kept = 0;

    qsort(book->entries, book->count, sizeof *book->entries, by_code);
    for (size_t i = 0; i < book->count; i++)
        total += pairs_of(book->entries[i].name, 0, NULL);
    book->postings = malloc((total + 1) * sizeof *book->postings);
    if (!book->postings)
        return false;
    for (size_t i = 0; i < book->count; i++)
        book->posting_count +=
            pairs_of(book->entries[i].name, i, book->postings + book->posting_count);
    qsort(book->postings, book->posting_count, sizeof *book->postings, by_number);
    for (size_t i = 0; i < book->posting_count; i++)
        if (kept == 0 || book->postings[i] != book->postings[kept - 1])
            book->postings[kept++] = book->postings[i];
    book->posting_count = kept;
    return true;
}

static bool
fill_own(struct book *book, const struct drg_scheme *s, const struct dictionary *d,
         const uint32_t *names)
{
    book->entries = calloc((size_t) d->count + 1, sizeof *book->entries);
    if (!book->entries || d->count >= PLACES_MAX)
        return false;
    for (uint32_t i = 0; i < d->count; i++)
        if (!(d->codes[i].flags & HZS_FOREIGN))
            book->entries[book->count++] = (struct entry){ scheme_string(s, d->codes[i].text),
                                                           scheme_string(s, names[i]), "" };
    return index_book(book);
}

/* The pack's maps carry no names: a foreign code is called what its target is called. */
static bool
fill_foreign(struct book *book, const struct drg_scheme *s, const struct dictionary *map,
             const struct dictionary *own, const uint32_t *names)
{
    book->entries = calloc((size_t) map->count + 1, sizeof *book->entries);
    if (!book->entries || map->count >= PLACES_MAX)
        return false;
    for (uint32_t i = 0; i < map->count; i++) {
        const uint32_t target = map->codes[i].cls;
        book->entries[book->count++] =
            (struct entry){ scheme_string(s, map->codes[i].text),
                            target ? scheme_string(s, names[target - 1]) : "",
                            target ? scheme_string(s, own->codes[target - 1].text) : "" };
    }
    return index_book(book);
}

static int
by_drg(const void *a, const void *b)
{
    return strcmp(((const struct drg_group_name *) a)->drg,
                  ((const struct drg_group_name *) b)->drg);
}

static bool
fill_groups(struct drg_names *names, const struct drg_scheme *s)
{
    size_t room = 1, kept = 0;

    for (uint32_t i = 0; i < s->row_count; i++)
        room += (s->rows[i].ambiguous ? 1 : 0) + s->rows[i].drg_count;
    names->groups = calloc(room, sizeof *names->groups);
    if (!names->groups)
        return false;
    for (uint32_t i = 0; i < s->row_count; i++) {
        const struct hzs_row *row = &s->rows[i];
        struct drg_group_name group = { .adrg = scheme_string(s, row->adrg),
                                        .mdc = scheme_string(s, s->mdcs[row->mdc].code) };
        if (row->ambiguous) {
            group.drg = group.adrg;
            group.name = scheme_string(s, row->name);
            group.ambiguous = true;
            names->groups[names->group_count++] = group;
        }
        for (uint32_t k = 0; k < row->drg_count && !row->ambiguous; k++) {
            group.drg = scheme_string(s, s->drgs[row->drg_first + k].code);
            group.name = scheme_string(s, s->drgs[row->drg_first + k].name);
            names->groups[names->group_count++] = group;
        }
    }
    qsort(names->groups, names->group_count, sizeof *names->groups, by_drg);
    for (size_t i = 0; i < names->group_count; i++)
        if (kept == 0 || strcmp(names->groups[i].drg, names->groups[kept - 1].drg) != 0)
            names->groups[kept++] = names->groups[i];
    names->group_count = kept;
    return true;
}

static bool
fill(struct drg_names *names, const struct drg_scheme *s)
{
    return fill_own(&names->books[DRG_DX], s, &s->dx, s->dx_names) &&
           fill_own(&names->books[DRG_OP], s, &s->op, s->op_names) &&
           fill_foreign(&names->books[DRG_DX_FOREIGN], s, &s->dx_map, &s->dx, s->dx_names) &&
           fill_foreign(&names->books[DRG_OP_FOREIGN], s, &s->op_map, &s->op, s->op_names) &&
           fill_groups(names, s);
}

struct drg_names *
drg_names_create(const struct drg_scheme *scheme)
{
    struct drg_names *names = calloc(1, sizeof *names);

    if (names && fill(names, scheme))
        return names;
    drg_names_destroy(names);
    return NULL;
}

void
drg_names_destroy(struct drg_names *names)
{
    if (!names)
        return;
    for (size_t i = 0; i < DRG_BOOKS; i++) {
        free(names->books[i].entries);
        free(names->books[i].postings);
    }
    free(names->groups);
    free(names);
}

/* --- searching --- */

struct finding {
    const struct book *book;
    struct drg_hit *hits;
    size_t room, count;
    bool more;
};

static void
found(struct finding *f, const struct entry *e)
{
    if (f->count == f->room) {
        f->more = true;
        return;
    }
    f->hits[f->count++] = (struct drg_hit){ e->code, e->name, e->to };
}

static bool
begins_with(const char *code, const char *query, size_t size)
{
    return strncasecmp(code, query, size) == 0;
}

/* Codes are in byte order and letters in them upper case, so the query is raised first. */
static void
find_codes(struct finding *f, const char *query)
{
    char raised[DRG_QUERY_BYTES_MAX + 1];
    const size_t size = strlen(query);
    size_t low = 0, high = f->book->count;

    for (size_t i = 0; i <= size; i++)
        raised[i] =
            (char) (query[i] >= 'a' && query[i] <= 'z' && i == 0 ? query[i] - 32 : query[i]);
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (strcmp(f->book->entries[middle].code, raised) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < f->book->count && begins_with(f->book->entries[low].code, query, size); low++)
        found(f, &f->book->entries[low]);
}

static size_t
lower_bound(const struct book *book, uint64_t key)
{
    size_t low = 0, high = book->posting_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (book->postings[middle] < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct span {
    size_t from, to;
};

/* The postings of the rarest pair in the words; a word of one character has only itself. */
static struct span
rarest(const struct book *book, char *const *words, size_t count)
{
    struct span best = { 0, SIZE_MAX };

    for (size_t i = 0; i < count; i++) {
        const char *at = words[i];
        uint32_t before = next_char(&at);
        bool alone = *at == '\0';
        while (alone || *at) {
            const uint32_t c = alone ? 0 : next_char(&at);
            const uint64_t key = pair_of(before, c);
            const struct span span = { lower_bound(book, key),
                                       lower_bound(book, key + PLACES_MAX) };
            if (span.to - span.from < best.to - best.from)
                best = span;
            if (alone)
                break;
            before = c;
        }
    }
    return best;
}

static bool
has_all(const char *name, char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!strcasestr(name, words[i]))
            return false;
    return true;
}

/* Short names first; of equal ones the one that stands first in the book. */
struct ranked {
    size_t size, place;
};
static void
keep_best(struct ranked *best, size_t *count, size_t room, struct ranked one, bool *more)
{
    size_t at = *count;

    while (at > 0 && (best[at - 1].size > one.size ||
                      (best[at - 1].size == one.size && best[at - 1].place > one.place)))
        at--;
    if (*count == room) {
        *more = true;
        if (at == room)
            return;
    } else {
        ++*count;
    }
    memmove(best + at + 1, best + at, (*count - 1 - at) * sizeof *best);
    best[at] = one;
}

static void
find_names(struct finding *f, const char *query)
{
    enum { WORDS_MAX = 16 };
    char text[DRG_QUERY_BYTES_MAX + 1], *words[WORDS_MAX], *rest = NULL;
    struct ranked best[DRG_HITS_MAX];
    size_t count = 0, kept = 0;
    bool more = false;

    memcpy(text, query, strlen(query) + 1);
    for (char *word = strtok_r(text, " ", &rest); word && count < WORDS_MAX;
         word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    if (count == 0)
        return;
    const struct span span = rarest(f->book, words, count);
    for (size_t i = span.from; i < span.to; i++) {
        const size_t place = (size_t) (f->book->postings[i] & (PLACES_MAX - 1));
        const char *name = f->book->entries[place].name;
        if (has_all(name, words, count) &&
            !begins_with(f->book->entries[place].code, query, strlen(query)))
            keep_best(best, &kept, DRG_HITS_MAX, (struct ranked){ strlen(name), place }, &more);
    }
    for (size_t i = 0; i < kept; i++)
        found(f, &f->book->entries[best[i].place]);
    f->more |= more;
}

size_t
drg_names_search(const struct drg_names *names, enum drg_book book, const char *query,
                 struct drg_hit *hits, size_t room, bool *more)
{
    struct finding f = { .book = &names->books[book], .hits = hits, .room = room };

    *more = false;
    if (query[0] == '\0' || strlen(query) > DRG_QUERY_BYTES_MAX)
        return 0;
    find_codes(&f, query);
    find_names(&f, query);
    *more = f.more;
    return f.count;
}

/* --- groups --- */

size_t
drg_names_groups(const struct drg_names *names, const struct drg_group_name **groups)
{
    *groups = names->groups;
    return names->group_count;
}

const struct drg_group_name *
drg_names_group(const struct drg_names *names, const char *drg)
{
    const struct drg_group_name key = { .drg = drg };

    return names->group_count == 0
               ? NULL
               : bsearch(&key, names->groups, names->group_count, sizeof *names->groups, by_drg);
}
