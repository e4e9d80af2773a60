/* prepare.c - see prepare.h. */
#include "prepare.h"

#include <string.h>

#include "crypto/crypto.h"
#include "pages.h"
#include "rules.h"
#include "sheets.h"
#include "store.h"
#include "wire.h"

static err_t
no_memory(struct call *c)
{
    return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the page is too long");
}

/* --- proofs --- */

enum { LEVELS_MAX = 32 };
/* The complete subtrees of each level, made from the leaves upwards. */
struct leaves {
    merkle_hash_t *levels[LEVELS_MAX];
    size_t count;
};

static bool
subtree(void *context, unsigned level, uint64_t index, merkle_hash_t *hash)
{
    const struct leaves *leaves = context;

    if (level >= LEVELS_MAX || index >= leaves->count >> level)
        return false;
    *hash = leaves->levels[level][index];
    return true;
}

static err_t
leaves_of(struct call *c, const char *const *lines, size_t count, struct leaves *leaves)
{
    *leaves = (struct leaves){ .count = count };
    for (unsigned level = 0; level < LEVELS_MAX && (level == 0 || count >> level > 0); level++) {
        merkle_hash_t *made = arena_alloc(c->arena, ((count >> level) + 1) * sizeof *made);
        if (!made)
            return no_memory(c);
        leaves->levels[level] = made;
        for (size_t i = 0; i < count >> level; i++)
            made[i] = level == 0 ? merkle_leaf(lines[i], strlen(lines[i]))
                                 : merkle_node(leaves->levels[level - 1][2 * i],
                                               leaves->levels[level - 1][2 * i + 1]);
    }
    return ERR_OK;
}

err_t
lines_root(struct call *c, const char *const *lines, size_t count, uint8_t root[static 32])
{
    struct leaves leaves;
    merkle_hash_t hash;

    TRY(leaves_of(c, lines, count, &leaves));
    if (!merkle_root(count, subtree, &leaves, &hash))
        return err_set(&c->err, ERR_INTERNAL, PAGE_NONE, "the lines have no root");
    memcpy(root, hash.bytes, sizeof hash.bytes);
    return ERR_OK;
}

err_t
lines_proof(struct call *c, const char *const *lines, size_t count, size_t index,
            struct merkle_proof *proof)
{
    struct leaves leaves;

    TRY(leaves_of(c, lines, count, &leaves));
    if (!merkle_inclusion(index, count, subtree, &leaves, proof))
        return err_set(&c->err, ERR_NOT_FOUND, LINE_NONE, "no such line");
    return ERR_OK;
}

/* --- a draft --- */

static err_t
order_of(struct call *c, const struct publication *p, struct sheet_order *order)
{
    int y, m, d;

    *order = (struct sheet_order){ .publication = p };
    TRY(programme_get(c, p->programme, &order->programme));
    if (!id_is_nil(p->village) && !kind_has_villages(p->kind))
        return err_at(&c->err, ERR_INVALID, "$.villageId", PUBLICATION_VILLAGE,
                      "this kind of page has no village");
    date_to_civil((date_t){ order->programme->starts_on->days }, &y, &m, &d);
    if (p->period[0] == '\0' && !kind_has_periods(p->kind))
        return ERR_OK;
    if (!period_days(p->period, &order->from, &order->until))
        return err_at(&c->err, ERR_INVALID, "$.period", PUBLICATION_PERIOD, "no period");
    if (order->until.days <= order->programme->starts_on->days)
        return err_at(&c->err, ERR_INVALID, "$.period", PUBLICATION_PERIOD,
                      "before the programme begins");
    if (kind_has_periods(p->kind) && order->until.days > date_of(c->now).days)
        return err_at(&c->err, ERR_REFUSED, "$.period", PUBLICATION_RUNNING,
                      "the period is not over");
    order->is_last = id_is_nil(p->village) && strlen(p->period) == 4;
    return ERR_OK;
}

/* Each line with its number in front: the bytes that are hashed, shown and proved. */
static err_t
lines_number(struct call *c, struct sheet *sheet)
{
    for (size_t i = 0; i < sheet->line_count; i++) {
        sheet->lines[i] = arena_printf(c->arena, "%zu\t%s", i + 1, sheet->lines[i]);
        if (!sheet->lines[i])
            return no_memory(c);
    }
    return ERR_OK;
}

static err_t
columns_join(struct call *c, const struct sheet *sheet, const char **columns)
{
    const char *joined = "序号";

    for (size_t i = 0; joined && i < sheet->column_count; i++)
        joined = arena_printf(c->arena, "%s\t%s", joined, sheet->columns[i]);
    *columns = joined;
    return joined ? ERR_OK : no_memory(c);
}

/* Against the version that people may remember (domain notes 2.3, 4). */
static err_t
difference_check(struct call *c, const struct sheet_order *order, const struct payouts *payouts)
{
    const struct publish_limits limits = publish_limits_of(order->programme->small_cell);
    struct publish_place *older, *newer;
    size_t older_count;
    struct id current;

    TRY(publication_current(c, order->publication, &current));
    if (id_is_nil(current) || payouts->count == 0)
        return ERR_OK;
    TRY(publication_places(c, current, &older, &older_count));
    newer = arena_alloc(c->arena, payouts->count * sizeof *newer);
    if (!newer)
        return no_memory(c);
    for (size_t i = 0; i < payouts->count; i++) {
        newer[i].claim = payouts->claims[i].claim;
        newer[i].person = payouts->claims[i].person;
        publish_cell_key(&payouts->claims[i], newer[i].cell);
    }
    if (!publish_difference_is_safe(older, older_count, newer, payouts->count, limits.k))
        return err_set(&c->err, ERR_REFUSED, PUBLICATION_DIFFERENCE,
                       "the versions' difference isolates a few payments");
    return ERR_OK;
}

static err_t
freeze(struct call *c, struct publication *p, struct sheet *sheet, const struct payouts *payouts)
{
    ProtobufCBinaryData page;

    TRY(lines_number(c, sheet));
    TRY(lines_root(c, sheet->lines, sheet->line_count, p->root));
    TRY(columns_join(c, sheet, &p->columns));
    p->title = sheet->title;
    p->lines = (int64_t) sheet->line_count;
    p->has_total = sheet->has_total;
    p->total = sheet->total;
    p->sensitive_by = sheet->sensitive_by;
    p->state = PUBLICATION_DRAFT;
    p->prepared_at = c->now;
    p->reason = "";
    TRY(publication_next(c, p, &p->version));
    TRY(page_of_sheet(c, p, sheet, sheet->lines, &page));
    sha256(page.data, page.len, p->page_sha256);
    TRY(publication_insert(c, p, sheet->people, page.data, page.len));
    for (size_t i = 0; i < sheet->line_count; i++)
        TRY(publication_line_insert(c, p->id, (int) i + 1, sheet->lines[i]));
    for (size_t i = 0; i < payouts->count; i++)
        TRY(publication_claim_insert(c, p->id, &payouts->claims[i]));
    return ERR_OK;
}

err_t
publication_prepare(struct call *c, struct publication *p)
{
    struct sheet_order order;
    struct payouts payouts;
    struct sheet sheet;

    TRY(programme_lock(c, p->programme));
    TRY(order_of(c, p, &order));
    TRY(sheet_make(c, &order, &sheet, &payouts));
    if (p->kind == KIND_PAYOUTS)
        TRY(difference_check(c, &order, &payouts));
    return freeze(c, p, &sheet, &payouts);
}

/* --- duties --- */

/* Each duty in each tenant that has programmes. */
static err_t
each_tenant(struct call *c, err_t (*run)(struct call *c))
{
    struct id *tenants;
    size_t count;

    TRY(duty_tenants(c, &tenants, &count));
    for (size_t i = 0; i < count; i++) {
        TRY(call_as_tenant(c, tenants[i]));
        TRY(run(c));
    }
    return call_as_tenant(c, (struct id){ { 0 } });
}

static err_t
take_down_here(struct call *c)
{
    struct publication p;
    struct id *ids;
    size_t count;

    TRY(publication_expired(c, date_of(c->now), &ids, &count));
    for (size_t i = 0; i < count; i++) {
        TRY(publication_lock(c, ids[i], &p));
        TRY(publication_move(&p, ON_TAKE_DOWN, &c->err));
        TRY(publication_take_down(c, p.id, "publish_days"));
        TRY(emit_page_taken_down(c, &p, "publish_days"));
    }
    return ERR_OK;
}

err_t
disclosure_take_down_expired(struct call *c)
{
    return each_tenant(c, take_down_here);
}

/* One page, if there is anything new in its period and no draft waits.  That it is too small, or
 * not ready, is no fault: a wider period or a later run has it. */
static err_t
payouts_try(struct call *c, const Contributions__Programme *programme, const char *period)
{
    struct publication p = { .id = id_mint(c->now), .kind = KIND_PAYOUTS, .period = period };
    struct period_of days = { 0 };
    int64_t count;
    bool has_draft;

    TRY(id_from_wire(programme->programme_id, "programme_id", &p.programme, &c->err));
    days.programme = p.programme;
    if (!period_days(period, &days.from, &days.until) ||
        days.until.days <= programme->starts_on->days)
        return ERR_OK;
    TRY(payouts_undisclosed(c, &days, &count));
    TRY(publication_has_draft(c, &p, &has_draft));
    if (count == 0 || has_draft)
        return ERR_OK;
    const err_t code = publication_prepare(c, &p);
    return code == ERR_REFUSED ? ERR_OK : code;
}

/* The month before, from the day of the setting on; what was too small for its month comes with its
 * quarter, and then with its year. */
static err_t
payouts_here(struct call *c)
{
    const struct disclosure_conf *conf = c->conf;
    const Contributions__Programme **programmes;
    const date_t today = date_of(c->now);
    char month[PERIOD_BYTES], quarter[PERIOD_BYTES], year[PERIOD_BYTES];
    size_t count;
    int y, m, d;

    date_to_civil(today, &y, &m, &d);
    if (d < conf->payouts_day)
        return ERR_OK;
    const date_t before = { today.days - d };
    period_month(before, month);
    period_quarter(before, quarter);
    period_year(before, year);
    TRY(programme_list(c, &programmes, &count));
    for (size_t i = 0; i < count; i++) {
        TRY(payouts_try(c, programmes[i], month));
        if (m % 3 == 1)
            TRY(payouts_try(c, programmes[i], quarter));
        if (m == 1)
            TRY(payouts_try(c, programmes[i], year));
    }
    return ERR_OK;
}

err_t
disclosure_prepare_payouts(struct call *c)
{
    return each_tenant(c, payouts_here);
}

static err_t
watch_here(struct call *c)
{
    struct late *late;
    size_t count;
    bool is_new;

    TRY(reports_unsigned(c, date_of(c->now), &late, &count));
    for (size_t i = 0; i < count; i++) {
        TRY(alert_once(c, "report.unsigned", late[i].id, &is_new));
        if (is_new)
            TRY(emit_overdue(c, "report.unsigned", late[i].id, report_due_on(late[i].due)));
    }
    TRY(complaints_late(c, date_of(c->now), &late, &count));
    for (size_t i = 0; i < count; i++) {
        TRY(alert_once(c, "complaint.late", late[i].id, &is_new));
        if (is_new)
            TRY(emit_overdue(c, "complaint.late", late[i].id, late[i].due));
    }
    return ERR_OK;
}

err_t
disclosure_watch_days(struct call *c)
{
    return each_tenant(c, watch_here);
}
