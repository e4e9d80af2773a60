/* steps.c - what several handlers, consumers and the list duty do alike. */
#include "steps.h"

#include <stdio.h>

#include "rules.h"
#include "wire.h"

static err_t
lines_make(struct call *c, const struct payout_list *list, const struct claim *claims, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct line line = { .id = id_mint(c->now),
                                   .kind = LINE_PAYOUT,
                                   .list = list->id,
                                   .programme = list->programme,
                                   .claim = claims[i].id,
                                   .person = claims[i].person,
                                   .village = claims[i].village,
                                   .amount = claims[i].payable };
        TRY(line_insert(c, &line));
    }
    return ERR_OK;
}

err_t
list_prepare(struct call *c, struct id id, date_t month, struct id by, struct payout_list *list)
{
    struct programme programme;
    struct claim *claims;
    struct id existing;
    size_t count;
    bool found;

    TRY(programme_lock(c, id, &programme));
    TRY(list_by_month(c, id, month, &existing, &found));
    if (found)
        return list_get(c, existing, list);
    TRY(rule_programme_pays(&programme, &c->err));
    TRY(claims_ready(c, id, month_after(month, 1), &claims, &count));
    if (count == 0)
        return err_set(&c->err, ERR_REFUSED, LIST_EMPTY, "no decided claim waits for a list");

    const struct pay_before last = pay_before(&programme, month);
    *list = (struct payout_list){ .id = id_mint(c->now),
                                  .programme = id,
                                  .month = month,
                                  .version = 1,
                                  .state = LIST_PREPARED,
                                  .pay_before = last.on,
                                  .provisional = last.provisional,
                                  .postponed = last.postponed,
                                  .prepared_at = c->now,
                                  .prepared_by = by };
    TRY(list_insert(c, list));
    TRY(lines_make(c, list, claims, count));
    TRY(list_sum(c, list));
    TRY(list_update(c, list));
    TRY(list_version_insert(c, list, "prepared"));
    TRY(survives(c, "list.prepared"));
    return emit_list_prepared(c, list);
}

err_t
list_change(struct call *c, struct payout_list *list, const char *why)
{
    TRY(list_move(list, LIST_ON_CHANGE, &c->err));
    list->version++;
    TRY(list_sum(c, list));
    if (list->lines == 0)
        TRY(list_move(list, LIST_ON_SETTLE, &c->err));
    TRY(list_update(c, list));
    TRY(list_version_insert(c, list, why));
    return emit_list_prepared(c, list);
}

void
list_etag(struct call *c, const struct payout_list *list)
{
    (void) snprintf(c->etag, sizeof c->etag, "v%d.%d.%d", list->version, (int) list->state,
                    list->reviewed);
}

bool
covers_village(const struct call *c, struct id village)
{
    return call_has(c, ROLE_VILLAGE_CLERK | ROLE_TOWNSHIP_OFFICER | ROLE_APPROVER | ROLE_PAYER |
                           ROLE_AUDITOR) &&
           call_covers(c, village);
}
