/* handlers_result.c - the bank's answers, and what is done about lines that failed. */
#include <stdlib.h>

#include "crypto/crypto.h"
#include "encoding.h"
#include "handlers.h"
#include "rules.h"
#include "steps.h"
#include "wire.h"

struct importing {
    struct batch batch;
    struct item *items;
    size_t count;
    struct answers answers;
    struct line *lines; /* sorted by id */
    struct result result;
};

static int
by_line_id(const void *a, const void *b)
{
    return id_cmp(((const struct line *) a)->id, ((const struct line *) b)->id);
}

/* The lines of the batch; its lock keeps everybody else from lines that are with the bank. */
static err_t
lines_load(struct call *c, struct importing *m)
{
    struct id *ids = arena_alloc(c->arena, (m->count + 1) * sizeof *ids);
    size_t count;

    if (!ids)
        return too_large(c);
    for (size_t i = 0; i < m->count; i++)
        ids[i] = m->items[i].line;
    const char *named = ids_text(c, ids, m->count);
    if (!named)
        return c->err.code;
    TRY(lines_named(c, named, &m->lines, &count));
    if (count != m->count)
        return err_set(&c->err, ERR_INTERNAL, LINE_NONE, "a batch has lost a line");
    qsort(m->lines, count, sizeof *m->lines, by_line_id);
    return ERR_OK;
}

static err_t
answers_read(struct call *c, const Disbursement__ImportBankResultRequest *in, struct importing *m)
{
    const struct days days = { date_of(m->batch.sent_at), date_of(c->now) };
    struct layout layout;
    char *text, *copy = call_text(c, m->batch.layout_text);

    if (!copy)
        return c->err.code;
    TRY(layout_parse(copy, &layout, &c->err));
    TRY(text_decode(c, layout.gb18030, in->data, &text));
    m->answers.room = m->count;
    m->answers.answer = arena_alloc(c->arena, m->count * sizeof *m->answers.answer);
    if (!m->answers.answer)
        return too_large(c);
    TRY(result_read(&layout, text, &m->answers, &c->err));
    return result_fits(m->items, m->count, &m->answers, days, &c->err);
}

/* One row that says something new. */
static err_t
answer_apply(struct call *c, struct importing *m, const struct answer *answer)
{
    struct item *item = &m->items[answer->item];
    const struct line key = { .id = item->line };
    struct line *line = bsearch(&key, m->lines, m->count, sizeof key, by_line_id);

    assert(line);
    item->outcome = answer->outcome;
    if (answer->outcome == OUTCOME_UNKNOWN) {
        m->result.unknown++;
        return item_answer(c, item);
    }
    const bool paid = answer->outcome == OUTCOME_PAID;
    item->is_paid = line->is_paid = paid;
    item->receipt = line->receipt = paid ? answer->receipt : NULL;
    item->failure = line->failure = paid ? NULL : answer->failure;
    item->paid_on = line->paid_on = answer->paid_on;
    TRY(line_move(line, paid ? LINE_ON_PAY : LINE_ON_FAIL, &c->err));
    TRY(item_answer(c, item));
    TRY(line_update(c, line));
    TRY(survives(c, "result.line"));
    if (!paid) {
        m->result.failed++;
        return emit_payout_failed(c, line);
    }
    m->result.paid++;
    m->result.paid_total = money_add(m->result.paid_total, line->amount);
    return emit_paid(c, line);
}

static bool
is_complete(const struct importing *m)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->items[i].outcome < OUTCOME_PAID)
            return false;
    return true;
}

static err_t
result_apply(struct call *c, struct importing *m)
{
    const char *lists;

    TRY(lines_load(c, m));
    for (size_t i = 0; i < m->answers.count; i++) {
        const struct answer *answer = &m->answers.answer[i];
        if (result_says(&m->items[answer->item], answer) == SAID_NEW)
            TRY(answer_apply(c, m, answer));
    }
    TRY(batch_move(&m->batch, is_complete(m) ? BATCH_ON_COMPLETE : BATCH_ON_ANSWER, &c->err));
    TRY(batch_update(c, &m->batch, NULL));
    TRY(batch_lists(c, m->batch.id, &lists));
    TRY(lists_settle(c, lists));
    return survives(c, "result.applied");
}

/* Nothing of the file is believed; somebody must ask the bank, so the batch keeps a mark.  The
 * request succeeds: a refused one could not leave it. */
static err_t
result_contradicts(struct call *c, struct importing *m, Disbursement__ImportBankResultReply *out)
{
    out->contradictions = arena_alloc(c->arena, (m->count + 1) * sizeof *out->contradictions);
    if (!out->contradictions)
        return too_large(c);
    for (size_t i = 0; i < m->answers.count; i++) {
        const struct item *item = &m->items[m->answers.answer[i].item];
        if (result_says(item, &m->answers.answer[i]) == SAID_CONTRARY)
            out->contradictions[out->n_contradictions++] = (char *) item->reference;
    }
    m->batch.contradicted = true;
    return batch_update(c, &m->batch, NULL);
}

static err_t
result_reply(struct call *c, const struct importing *m, Disbursement__ImportBankResultReply *out)
{
    struct batch batch;

    TRY(batch_get(c, m->batch.id, &batch));
    out->verdict = (Disbursement__ImportBankResultReply__Verdict) m->result.verdict;
    out->paid = (uint32_t) m->result.paid;
    out->failed = (uint32_t) m->result.failed;
    out->unknown = (uint32_t) m->result.unknown;
    out->paid_total = money_to_wire(c, m->result.paid_total);
    if (!out->paid_total)
        return too_large(c);
    return batch_to_wire(c, &batch, &out->batch);
}

err_t
disbursement_import_bank_result(struct call *c, const Disbursement__ImportBankResultRequest *in,
                                Disbursement__ImportBankResultReply *out)
{
    struct item_range all = { .rows = BATCH_LINES_MAX };
    struct importing m = { .count = 0 };
    bool seen;

    TRY(id_from_wire(in->batch_id, "$.batchId", &all.batch, &c->err));
    if (in->data.len == 0)
        return err_at(&c->err, ERR_INVALID, "$.data", RESULT_EMPTY, "the file is empty");
    if (in->data.len > RESULT_BYTES_MAX)
        return err_at(&c->err, ERR_INVALID, "$.data", RESULT_TOO_LARGE,
                      "the file has more than 1 MiB");
    TRY(batch_lock(c, all.batch, &m.batch));
    if (m.batch.state != BATCH_SENT && m.batch.state != BATCH_ANSWERED)
        return err_set(&c->err, ERR_CONFLICT, BATCH_MOVED_ON, "the batch is not with the bank");

    m.result.batch = all.batch;
    sha256(in->data.data, in->data.len, m.result.sha256);
    TRY(result_seen(c, &m.result, &seen));
    if (seen && m.result.verdict != VERDICT_CONTRADICTED) {
        m.result.verdict = VERDICT_SEEN_BEFORE;
        return result_reply(c, &m, out);
    }
    TRY(items_page(c, &all, &m.items, &m.count));
    TRY(answers_read(c, in, &m));
    m.result.verdict = result_verdict(m.items, &m.answers);
    if (m.result.verdict == VERDICT_APPLIED)
        TRY(result_apply(c, &m));
    if (m.result.verdict == VERDICT_CONTRADICTED)
        TRY(result_contradicts(c, &m, out));
    if (!seen)
        TRY(result_insert(c, &m.result));
    return result_reply(c, &m, out);
}

/* --- after a failure --- */

err_t
disbursement_reissue_line(struct call *c, const Disbursement__ReissueLineRequest *in,
                          Disbursement__ReissueLineReply *out)
{
    struct line line;
    struct id id;

    TRY(id_from_wire(in->line_id, "$.lineId", &id, &c->err));
    TRY(line_lock(c, id, &line));
    TRY(line_move(&line, LINE_ON_REISSUE, &c->err));
    line.attempt++;
    line.failure = NULL;
    line.batch = (struct id){ { 0 } };
    line.reference = NULL;
    TRY(line_update(c, &line));
    TRY(survives(c, "line.reissued"));
    return line_to_wire(c, &line, &out->line);
}

static err_t
may_void(struct call *c, const struct line *line)
{
    struct batch batch;

    if (line->kind == LINE_REFUND)
        return err_set(&c->err, ERR_REFUSED, LINE_IS_REFUND, "a refund is owed whatever happens");
    if (id_is_nil(line->batch))
        return ERR_OK;
    TRY(batch_get(c, line->batch, &batch));
    if (id_cmp(batch.sent_by, c->account) == 0 || id_cmp(batch.made_by, c->account) == 0)
        return err_set(&c->err, ERR_FORBIDDEN, LINE_SAME_PERSON,
                       "who sent a line to the bank does not give it up");
    return ERR_OK;
}

err_t
disbursement_void_line(struct call *c, const Disbursement__VoidLineRequest *in,
                       Disbursement__VoidLineReply *out)
{
    struct payout_list list;
    struct line line;
    struct id id;

    TRY(id_from_wire(in->line_id, "$.lineId", &id, &c->err));
    TRY(rule_words(in->reason, "$.reason", &c->err));
    TRY(line_get(c, id, &line));
    TRY(may_void(c, &line));
    TRY(list_lock(c, line.list, &list));
    TRY(line_lock(c, id, &line));
    TRY(line_move(&line, LINE_ON_VOID, &c->err));
    line.void_reason = in->reason;
    TRY(line_update(c, &line));
    TRY(survives(c, "line.voided"));
    TRY(emit_payout_voided(c, &line));
    const char *lists = ids_text(c, &line.list, 1);
    if (!lists)
        return c->err.code;
    TRY(lists_settle(c, lists));
    return line_to_wire(c, &line, &out->line);
}
