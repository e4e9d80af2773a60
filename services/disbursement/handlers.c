/* handlers.c - lists: prepared, looked through, submitted, approved; in the order of
 * disbursement.proto. */
#include "handlers.h"

#include "rules.h"
#include "state.h"
#include "steps.h"
#include "wire.h"

static err_t
answer_list(struct call *c, struct id id, Disbursement__PayoutList **out)
{
    struct payout_list list;

    TRY(list_get(c, id, &list));
    list_etag(c, &list);
    return list_to_wire(c, &list, out);
}

err_t
disbursement_prepare_list(struct call *c, const Disbursement__PrepareListRequest *in,
                          Disbursement__PrepareListReply *out)
{
    struct payout_list list;
    struct id programme;
    date_t month;

    TRY(id_from_wire(in->programme_id, "$.programmeId", &programme, &c->err));
    TRY(month_parse(in->month, &month, &c->err));
    TRY(rule_month_is_over(month, date_of(c->now), &c->err));
    TRY(list_prepare(c, programme, month, c->account, &list));
    return answer_list(c, list.id, &out->list);
}

/* Portions of 20 programmes; the next round goes on.  One that refuses (it is no longer in force)
 * must not keep the others from theirs: the query leaves those out. */
err_t
disbursement_list_duty(struct call *c)
{
    struct payout_list list;
    struct due *due = NULL;
    size_t count = 0;
    int day;
    const date_t month = month_to_list(c->now, &day);

    TRY(lists_due(c, month, day, &due, &count));
    for (size_t i = 0; i < count; i++) {
        TRY(call_as_tenant(c, due[i].tenant));
        TRY(list_prepare(c, due[i].programme, month, (struct id){ { 0 } }, &list));
    }
    return ERR_OK;
}

err_t
disbursement_get_list(struct call *c, const Disbursement__GetListRequest *in,
                      Disbursement__GetListReply *out)
{
    struct id id;

    TRY(id_from_wire(in->list_id, "$.listId", &id, &c->err));
    return answer_list(c, id, &out->list);
}

err_t
disbursement_list_lists(struct call *c, const Disbursement__ListListsRequest *in,
                        Disbursement__ListListsReply *out)
{
    struct list_filter filter = { .state = (enum list_state) in->state };
    struct payout_list *lists;
    struct page page;
    size_t count;

    TRY(page_from_wire(in->page_size, in->page_token, &page, &c->err));
    TRY(id_or_nil(in->programme_id, "$.programmeId", &filter.programme, &c->err));
    filter.has_month = in->month[0] != '\0';
    if (filter.has_month)
        TRY(month_parse(in->month, &filter.month, &c->err));
    TRY(list_page(c, &filter, page, &lists, &count));
    out->lists = pointers(c, count + 1);
    if (!out->lists)
        return too_large(c);
    for (; out->n_lists < count; out->n_lists++)
        TRY(list_to_wire(c, &lists[out->n_lists], &out->lists[out->n_lists]));
    return token_to_wire(c, page, count, count ? lists[count - 1].id : (struct id){ { 0 } },
                         &out->next_page_token);
}

err_t
disbursement_list_lines(struct call *c, const Disbursement__ListLinesRequest *in,
                        Disbursement__ListLinesReply *out)
{
    struct line_filter filter = { .state = (enum line_state) in->state };
    struct payout_list list;
    struct line *lines;
    struct page page;
    size_t count;

    TRY(page_from_wire(in->page_size, in->page_token, &page, &c->err));
    TRY(id_from_wire(in->list_id, "$.listId", &filter.list, &c->err));
    TRY(list_get(c, filter.list, &list));
    TRY(line_page(c, &filter, page, &lines, &count));
    TRY(lines_to_wire(c, lines, count, &out->lines));
    out->n_lines = count;
    return token_to_wire(c, page, count, count ? lines[count - 1].id : (struct id){ { 0 } },
                         &out->next_page_token);
}

err_t
disbursement_get_line(struct call *c, const Disbursement__GetLineRequest *in,
                      Disbursement__GetLineReply *out)
{
    struct item *items;
    struct line line;
    size_t count;
    struct id id;

    TRY(id_from_wire(in->line_id, "$.lineId", &id, &c->err));
    TRY(line_get(c, id, &line));
    TRY(items_of_line(c, id, &items, &count));
    out->attempts = pointers(c, count + 1);
    if (!out->attempts)
        return too_large(c);
    for (; out->n_attempts < count; out->n_attempts++)
        TRY(item_to_wire(c, &items[out->n_attempts], &out->attempts[out->n_attempts]));
    return line_to_wire(c, &line, &out->line);
}

err_t
disbursement_approve_lines(struct call *c, const Disbursement__ApproveLinesRequest *in,
                           Disbursement__ApproveLinesReply *out)
{
    struct payout_list list;
    struct id id, *ids;
    int checked;

    TRY(id_from_wire(in->list_id, "$.listId", &id, &c->err));
    if (in->n_line_ids < 1 || in->n_line_ids > LINES_AT_ONCE_MAX)
        return err_at(&c->err, ERR_INVALID, "$.lineIds", LINE_COUNT, "1 to %d lines at once",
                      LINES_AT_ONCE_MAX);
    TRY(ids_from_wire(c, (struct wire_ids){ in->line_ids, in->n_line_ids }, "$.lineIds", &ids));
    if (ids_repeat(ids, in->n_line_ids))
        return err_at(&c->err, ERR_INVALID, "$.lineIds", LINE_TWICE, "a line is named twice");

    TRY(list_lock(c, id, &list));
    TRY(rule_may_review(&list, c->account, &c->err));
    if (list.state != LIST_PREPARED)
        return err_set(&c->err, ERR_CONFLICT, LIST_MOVED_ON, "the list is not being reviewed");

    const char *named = ids_text(c, ids, in->n_line_ids);
    if (!named)
        return c->err.code;
    TRY(lines_check(c, id, named, &checked));
    if (checked != (int) in->n_line_ids)
        return err_at(&c->err, ERR_REFUSED, "$.lineIds", LIST_OTHER_LINE,
                      "%d of %zu are lines of this list", checked, in->n_line_ids);
    return answer_list(c, id, &out->list);
}

err_t
disbursement_return_line(struct call *c, const Disbursement__ReturnLineRequest *in,
                         Disbursement__ReturnLineReply *out)
{
    struct payout_list list;
    struct line line;
    struct id id;

    TRY(id_from_wire(in->line_id, "$.lineId", &id, &c->err));
    if (!return_reason_is_known(in->reason))
        return err_at(&c->err, ERR_INVALID, "$.reason", RETURN_REASON_NONE,
                      "no such reason to give a line back");
    TRY(line_get(c, id, &line));
    if (line.kind == LINE_REFUND)
        return err_set(&c->err, ERR_REFUSED, LINE_IS_REFUND, "a refund has no grouping basis");

    TRY(list_lock(c, line.list, &list));
    TRY(line_lock(c, id, &line));
    TRY(rule_may_review(&list, c->account, &c->err));
    TRY(line_move(&line, LINE_ON_GO_BACK, &c->err));
    line.return_reason = in->reason;
    line.checked_by = c->account;
    TRY(line_update(c, &line));
    TRY(claim_unprice(c, line.claim));
    TRY(list_change(c, &list, in->reason));
    TRY(survives(c, "line.returned"));
    TRY(emit_line_returned(c, &line));

    TRY(line_to_wire(c, &line, &out->line));
    return answer_list(c, list.id, &out->list);
}

err_t
disbursement_submit_list(struct call *c, const Disbursement__SubmitListRequest *in,
                         Disbursement__SubmitListReply *out)
{
    struct payout_list list;
    struct id id;

    TRY(id_from_wire(in->list_id, "$.listId", &id, &c->err));
    TRY(list_lock(c, id, &list));
    TRY(list_move(&list, LIST_ON_SUBMIT, &c->err));
    TRY(rule_list_is_checked(&list, &c->err));
    list.submitted_by = c->account;
    list.submitted_at = c->now;
    list.refusal = NULL;
    list.returned_why = NULL;
    TRY(list_update(c, &list));
    return answer_list(c, id, &out->list);
}

err_t
disbursement_return_list(struct call *c, const Disbursement__ReturnListRequest *in,
                         Disbursement__ReturnListReply *out)
{
    struct payout_list list;
    struct id id;

    TRY(id_from_wire(in->list_id, "$.listId", &id, &c->err));
    TRY(rule_words(in->reason, "$.reason", &c->err));
    TRY(list_lock(c, id, &list));
    TRY(rule_may_approve(&list, c->account, &c->err));
    TRY(list_move(&list, LIST_ON_GIVE_BACK, &c->err));
    list.returned_why = in->reason;
    TRY(list_update(c, &list));
    return answer_list(c, id, &out->list);
}

/* What an approver vouches for, as text that anybody can check with the platform's public key. */
static err_t
approval_sign(struct call *c, struct payout_list *list)
{
    char id[ID_TEXT_BYTES], by[ID_TEXT_BYTES], at[INSTANT_TEXT_BYTES], sum[65];
    struct signed_text signature;

    id_format(list->id, id);
    id_format(list->approved_by, by);
    instant_format(list->approved_at, at);
    for (size_t i = 0; i < sizeof list->sha256; i++)
        (void) snprintf(sum + 2 * i, 3, "%02x", list->sha256[i]);
    const char *text =
        arena_printf(c->arena,
                     "huzhu-approval: 1\nlist: %s\nversion: %d\nlines: %d\ntotal-fen: %lld\n"
                     "sha256: %s\napproved-by: %s\napproved-at: %s\n",
                     id, list->version, list->lines, (long long) list->total.fen, sum, by, at);
    if (!text)
        return too_large(c);
    TRY(text_sign(c, text, &signature));
    list->is_signed = signature.is_signed;
    list->key_id = signature.key_id;
    memcpy(list->signature, signature.signature, sizeof list->signature);
    return ERR_OK;
}

err_t
disbursement_approve_list(struct call *c, const Disbursement__ApproveListRequest *in,
                          Disbursement__ApproveListReply *out)
{
    const struct page all = { .rows = LIST_LINES_MAX * 2 }; /* those that went back among them */
    struct payout_list list;
    struct line *lines;
    size_t count;
    struct id id;

    TRY(id_from_wire(in->list_id, "$.listId", &id, &c->err));
    TRY(list_lock(c, id, &list));
    list_etag(c, &list);
    TRY(call_matches(c, c->etag));
    TRY(rule_may_approve(&list, c->account, &c->err));
    TRY(list_move(&list, LIST_ON_APPROVE, &c->err));
    TRY(rule_list_is_checked(&list, &c->err));

    list.approved_by = c->account;
    list.approved_at = c->now;
    TRY(approval_sign(c, &list));
    TRY(list_update(c, &list));
    TRY(survives(c, "list.approved"));
    TRY(line_page(c, &(struct line_filter){ .list = id }, all, &lines, &count));
    TRY(emit_list_approved(c, &list, lines, count));
    return answer_list(c, id, &out->list);
}
