/* handlers_programme.c - the life of a programme: submitted, approved, closed, settled, carried
 * over or stopped; its resolutions and its participation. */
#include <string.h>

#include "arena/arena_pb.h"
#include "common_steps.h"
#include "handlers.h"
#include "wire.h"

static const struct id nobody = { { 0 } };

static err_t
is_sound(struct call *c, const programme_t *p)
{
    struct findings *findings = arena_alloc(c->arena, sizeof *findings);

    if (!findings)
        return no_memory(c);
    programme_check(p, date_of(c->now), findings);
    for (size_t i = 0; i < findings->count && i < FINDINGS_MAX; i++) {
        const struct finding *f = &findings->list[i];
        if (f->severity == FINDING_ERROR)
            return err_at(&c->err, ERR_REFUSED, f->path, f->reason, "%s", f->text);
    }
    return ERR_OK;
}

err_t
contributions_submit_programme(struct call *c, const Contributions__SubmitProgrammeRequest *in,
                               Contributions__SubmitProgrammeReply *out)
{
    struct programme_row row;

    TRY(programme_enter(c, in->programme_id, GUARD_ALONE, &row));
    TRY(programme_move(row.is, ON_SUBMIT, &c->err));
    TRY(is_sound(c, row.is));
    row.prepared_by = c->account;
    return programme_answer(c, &row, nobody, &out->programme);
}

err_t
contributions_approve_programme(struct call *c, const Contributions__ApproveProgrammeRequest *in,
                                Contributions__ApproveProgrammeReply *out)
{
    struct programme_row row;
    bool passed = true;

    TRY(programme_enter(c, in->programme_id, GUARD_ALONE, &row));
    TRY(programme_move(row.is, ON_APPROVE, &c->err));
    if (id_cmp(row.prepared_by, c->account) == 0)
        return err_set(&c->err, ERR_FORBIDDEN, PROGRAMME_BY_TWO, "who prepares does not approve");
    TRY(is_sound(c, row.is));
    if (!id_is_nil(row.village))
        TRY(village_has_resolved(c, row.id, row.village, &passed));
    if (!passed)
        return err_set(&c->err, ERR_REFUSED, RESOLUTION_MISSING,
                       "the village's representatives have not passed it");
    return programme_answer(c, &row, c->account, &out->programme);
}

err_t
contributions_return_programme(struct call *c, const Contributions__ReturnProgrammeRequest *in,
                               Contributions__ReturnProgrammeReply *out)
{
    struct programme_row row;

    TRY(rule_text(in->why, 500, "$.why", TEXT_MISSING, &c->err));
    TRY(programme_enter(c, in->programme_id, GUARD_ALONE, &row));
    TRY(programme_move(row.is, ON_RETURN, &c->err));
    return programme_answer(c, &row, nobody, &out->programme);
}

err_t
contributions_close_window(struct call *c, const Contributions__CloseWindowRequest *in,
                           Contributions__CloseWindowReply *out)
{
    struct programme_row row;

    TRY(programme_enter(c, in->programme_id, GUARD_ALONE, &row));
    TRY(window_close(c, &row, &out->participation));
    return programme_answer(c, &row, nobody, &out->programme);
}

/* The duty: every programme of every tenant whose window has passed; one that cannot be closed yet
 * (cash is missing) waits for people, and keeps no other waiting. */
err_t
contributions_close_windows(struct call *c)
{
    struct id *tenants, *programmes;
    size_t count;

    TRY(windows_passed(c, &tenants, &programmes, &count));
    for (size_t i = 0; i < count; i++) {
        Contributions__ParticipationMeasured *figures;
        struct programme_row row;
        programme_t *out;
        int64_t books;
        money_t outstanding;

        TRY(call_as_tenant(c, tenants[i]));
        TRY(programme_guard(c, programmes[i], true));
        TRY(programme_get(c, programmes[i], &row));
        TRY(books_unbalanced(c, programmes[i], &books, &outstanding));
        if (row.is->state != PROGRAMME(OPEN) || books > 0)
            continue;
        TRY(window_close(c, &row, &figures));
        TRY(programme_answer(c, &row, nobody, &out));
    }
    return ERR_OK;
}

err_t
contributions_settle_programme(struct call *c, const Contributions__SettleProgrammeRequest *in,
                               Contributions__SettleProgrammeReply *out)
{
    struct programme_row row;
    int64_t books;
    money_t outstanding;

    TRY(programme_enter(c, in->programme_id, GUARD_ALONE, &row));
    TRY(programme_move(row.is, ON_SETTLE, &c->err));
    if (date_of(c->now).days <= day_of(row.is->ends_on).days)
        return err_set(&c->err, ERR_REFUSED, YEAR_NOT_OVER, "the year is not over yet");
    TRY(books_unbalanced(c, row.id, &books, &outstanding));
    if (books > 0)
        return err_set(&c->err, ERR_REFUSED, CASH_UNBALANCED,
                       "%lld cash books are not settled; %lld fen are not handed in",
                       (long long) books, (long long) outstanding.fen);
    return programme_answer(c, &row, nobody, &out->programme);
}

/* --- carry-over --- */

static err_t
next_is_ready(struct call *c, const struct programme_row *row, const Huzhu__Id *in,
              struct programme_row *next)
{
    struct id id;

    TRY(id_from_wire(in, "$.nextProgrammeId", &id, &c->err));
    TRY(programme_get(c, id, next));
    if (id_cmp(id_of(next->is->prior_programme_id), row->id) != 0)
        return err_at(&c->err, ERR_REFUSED, "$.nextProgrammeId", YEAR_NEXT,
                      "the next programme does not name this one as its prior");
    return programme_is(c, next->is, IN_STATE(OPEN) | IN_STATE(IN_FORCE) | IN_STATE(SETTLING));
}

static err_t
carry(struct call *c, const struct programme_row *row, const struct programme_row *next,
      money_t amount)
{
    struct transfer out = { .id = id_mint(c->now),
                            .subject = row->id,
                            .state = TRANSFER_POSTED,
                            .why = "carry_over",
                            .debit = "fund.carried_over",
                            .credit = "bank",
                            .amount = amount,
                            .on = date_of(c->now),
                            .source = SOURCE(CARRY_OVER) };
    struct transfer in = out;

    in.id = id_mint(c->now);
    in.debit = "bank";
    in.credit = income_account(SOURCE(CARRY_OVER));
    TRY(carry_over_insert(c, row->id, next->id, amount, date_of(c->now)));
    if (amount.fen == 0)
        return ERR_OK;
    TRY(ledger_post(c, row->id, &out, 1));
    return ledger_post(c, next->id, &in, 1);
}

err_t
contributions_close_year(struct call *c, const Contributions__CloseYearRequest *in,
                         Contributions__CloseYearReply *out)
{
    Contributions__YearClosed event = CONTRIBUTIONS__YEAR_CLOSED__INIT;
    struct programme_row row, next;
    money_t balance, available;
    int64_t pending;

    TRY(programme_enter(c, in->programme_id, GUARD_ALONE, &row));
    TRY(programme_move(row.is, ON_CARRY, &c->err));
    TRY(next_is_ready(c, &row, in->next_programme_id, &next));
    TRY(transfers_pending(c, row.id, &pending));
    if (pending > 0)
        return err_set(&c->err, ERR_REFUSED, YEAR_PENDING, "%lld payouts are still open",
                       (long long) pending);
    TRY(fund_balance(c, row.id, &balance, &available));
    TRY(carry(c, &row, &next, balance));
    event.programme_id = row.is->programme_id;
    event.next_programme_id = next.is->programme_id;
    if (!put_money(c, balance.fen, &event.carried_over) ||
        !put_day(c, date_of(c->now), &event.on) || !put_money(c, balance.fen, &out->carried_over))
        return no_memory(c);
    TRY(event_append(c, &event.base));
    TRY(programme_answer(c, &row, nobody, &out->programme));
    return trial_balance_make(c, row.id, &out->trial_balance);
}

/* --- resolutions and lists --- */

err_t
contributions_record_resolution(struct call *c, const Contributions__RecordResolutionRequest *in,
                                Contributions__RecordResolutionReply *out)
{
    Contributions__Resolution *r = in->resolution;
    struct programme_row row;
    struct id id, village, *uploads;
    const char *name, *why_not;
    date_t met;

    if (!r)
        return err_at(&c->err, ERR_INVALID, "$.resolution", TEXT_MISSING,
                      "a resolution is missing");
    TRY(id_from_wire(r->resolution_id, "$.resolution.resolutionId", &id, &c->err));
    TRY(id_from_wire(r->village_id, "$.resolution.villageId", &village, &c->err));
    TRY(rule_day(r->met_on, "$.resolution.metOn", &met, &c->err));
    if (r->n_upload_ids > 16)
        return err_at(&c->err, ERR_INVALID, "$.resolution.uploadIds", RESOLUTION_PAPERS,
                      "a resolution has 16 papers at most");
    TRY(ids_from_wire(c, r->upload_ids, r->n_upload_ids, "$.resolution.uploadIds", &uploads));
    TRY(rule_resolution(r, date_of(c->now), &why_not, &c->err));
    TRY(programme_enter(c, in->programme_id, GUARD_ALONE, &row));
    TRY(programme_is(c, row.is, IN_STATE(SUBMITTED) | IN_STATE(OPEN)));
    TRY(village_name(c, village, &name));
    TRY(caller_covers(c, village));
    if (!id_is_nil(row.village) && id_cmp(row.village, village) != 0)
        return err_at(&c->err, ERR_REFUSED, "$.resolution.villageId", RESOLUTION_OTHER_VILLAGE,
                      "the programme is another village's");

    r->programme_id = row.is->programme_id;
    r->passed = why_not[0] == '\0';
    if (!put_text(c, why_not, &r->why_not) || !put_id(c, c->account, &r->recorded_by) ||
        !put_at(c, c->now, &r->recorded_at))
        return no_memory(c);
    TRY(resolution_insert(c, r));
    TRY(emit_resolution(c, r));
    out->resolution = r;
    return ERR_OK;
}

err_t
contributions_list_resolutions(struct call *c, const Contributions__ListResolutionsRequest *in,
                               Contributions__ListResolutionsReply *out)
{
    struct programme_row row;
    struct page page;
    size_t count;

    TRY(page_from_wire(in->page_size, in->page_token, &page, &c->err));
    TRY(programme_enter(c, in->programme_id, GUARD_NONE, &row));
    TRY(resolution_list(c, row.id, page, &out->resolutions, &count));
    if (count > 0)
        TRY(page_to_wire(c, page, id_of(out->resolutions[count > 1 ? count - 2 : 0]->resolution_id),
                         &count, &out->next_page_token));
    out->n_resolutions = count;
    return ERR_OK;
}

err_t
contributions_add_subsidised_list(struct call *c, const Contributions__AddSubsidisedListRequest *in,
                                  Contributions__AddSubsidisedListReply *out)
{
    Contributions__SubsidisedList *l = in->list;
    struct programme_row row;
    money_t per_head;
    struct id id;
    date_t as_of;

    if (!l)
        return err_at(&c->err, ERR_INVALID, "$.list", TEXT_MISSING, "a list is missing");
    TRY(id_from_wire(l->subsidised_list_id, "$.list.subsidisedListId", &id, &c->err));
    TRY(rule_text(l->category, 64, "$.list.category", LIST_CATEGORY, &c->err));
    TRY(rule_text(l->place, 100, "$.list.place", TEXT_MISSING, &c->err));
    TRY(rule_amount(l->per_head, "$.list.perHead", &per_head, &c->err));
    TRY(rule_day(l->as_of, "$.list.asOf", &as_of, &c->err));
    if (!source_is_given((int) l->source))
        return err_at(&c->err, ERR_INVALID, "$.list.source", FUNDS_KIND, "no source that gives");
    if (l->people < 1 || l->people > 10000000 || per_head.fen > yuan(100000).fen)
        return err_at(&c->err, ERR_INVALID, "$.list.people", LIST_PEOPLE,
                      "%u people are out of bounds", l->people);
    if (!l->printed || l->printed->fen < 0 || l->printed->fen > MONEY_FEN_MAX)
        return err_at(&c->err, ERR_INVALID, "$.list.printed", MONEY_AMOUNT,
                      "the amount that the source prints is missing");
    TRY(programme_enter(c, in->programme_id, GUARD_ALONE, &row));
    TRY(subsidised_insert(c, row.id, l));

    const int64_t computed = (int64_t) l->people * per_head.fen;
    l->programme_id = row.is->programme_id;
    l->flagged = computed != l->printed->fen;
    if (!put_money(c, computed, &l->computed) ||
        !put_money(c, computed - l->printed->fen, &l->difference))
        return no_memory(c);
    out->list = l;
    return ERR_OK;
}

err_t
contributions_list_subsidised_lists(struct call *c,
                                    const Contributions__ListSubsidisedListsRequest *in,
                                    Contributions__ListSubsidisedListsReply *out)
{
    struct programme_row row;
    struct page page;
    size_t count;

    TRY(page_from_wire(in->page_size, in->page_token, &page, &c->err));
    TRY(programme_enter(c, in->programme_id, GUARD_NONE, &row));
    TRY(subsidised_list(c, row.id, page, &out->lists, &count));
    if (count > 0)
        TRY(page_to_wire(c, page, id_of(out->lists[count > 1 ? count - 2 : 0]->subsidised_list_id),
                         &count, &out->next_page_token));
    out->n_lists = count;
    return ERR_OK;
}

/* --- participation --- */

static err_t
figure_to_reply(struct call *c, struct figure f, date_t on,
                Contributions__ParticipationMeasured__Figure **out)
{
    MAKE(c, Contributions__ParticipationMeasured__Figure,
         contributions__participation_measured__figure__init, one);

    one->taking_part = f.taking_part;
    one->whole = f.whole;
    one->share = figure_share(f);
    *out = one;
    return put_day(c, on, &one->as_of) ? ERR_OK : no_memory(c);
}

static err_t
villages_to_reply(struct call *c, const struct programme_row *row, const struct measuring *m,
                  Contributions__GetParticipationReply *out)
{
    struct village_figures *list;
    size_t count;

    TRY(participation_by_village(c, m, &list, &count));
    LIST(c, count, &out->villages);
    for (size_t i = 0; i < count; i++) {
        MAKE(c, Contributions__GetParticipationReply__Village,
             contributions__get_participation_reply__village__init, one);
        if (!call_has(c, OFFICE | READERS | ROLE_DESIGNER) && !call_covers(c, list[i].village))
            continue; /* a clerk sees its own villages beside the town's figures */
        one->resolved = list[i].resolved;
        one->reaches_target = figure_reaches(list[i].households, row->is->household_target);
        if (!put_id(c, list[i].village, &one->village_id))
            return no_memory(c);
        one->name = (char *) list[i].name;
        TRY(figure_to_reply(c, list[i].people, m->on, &one->people));
        TRY(figure_to_reply(c, list[i].households, m->on, &one->households));
        out->villages[out->n_villages++] = one;
    }
    return ERR_OK;
}

err_t
contributions_get_participation(struct call *c, const Contributions__GetParticipationRequest *in,
                                Contributions__GetParticipationReply *out)
{
    ProtobufCAllocator allocator = arena_protobuf_allocator(c->arena);
    struct programme_row row;
    struct participation x;
    struct measured measured;
    struct measuring m;

    TRY(programme_enter(c, in->programme_id, GUARD_NONE, &row));
    TRY(measurement_get(c, row.id, &measured));
    TRY(measuring_of(c, &row, measured.found, &m));
    out->measured = measured.found;
    if (measured.found) {
        out->figures = contributions__participation_measured__unpack(&allocator, measured.body.len,
                                                                     measured.body.data);
        if (!out->figures)
            return no_memory(c);
        x = (struct participation){
            .households = { out->figures->households->taking_part,
                            out->figures->households->whole },
            .villages = { out->figures->villages->taking_part, out->figures->villages->whole },
        };
    } else {
        TRY(participation_count(c, &m, &x));
        TRY(participation_to_wire(c, row.is, &x, &out->figures));
    }
    out->household_target_reached = figure_reaches(x.households, row.is->household_target);
    out->village_target_reached = figure_reaches(x.villages, row.is->village_target);
    return villages_to_reply(c, &row, &m, out);
}
