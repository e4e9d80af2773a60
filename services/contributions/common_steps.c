/* common_steps.c - steps that several handlers take. */
#include "common_steps.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clock/calendar.h"
#include "store_batch.h"
#include "wire.h"

err_t
programme_enter(struct call *c, const Huzhu__Id *in, enum guard guard, struct programme_row *row)
{
    struct id id;

    TRY(id_from_wire(in, "$.programmeId", &id, &c->err));
    if (guard != GUARD_NONE)
        TRY(programme_guard(c, id, guard == GUARD_ALONE));
    return programme_get(c, id, row);
}

err_t
programme_is(struct call *c, const programme_t *p, uint32_t states)
{
    if (states & (1U << p->state))
        return ERR_OK;
    return err_set(&c->err, ERR_CONFLICT, PROGRAMME_STATE,
                   "a programme that is %s does not allow it", state_name(p->state));
}

err_t
caller_covers(struct call *c, struct id village)
{
    if (call_covers(c, village))
        return ERR_OK;
    return err_set(&c->err, ERR_FORBIDDEN, SCOPE_VILLAGE, "the village is not the caller's");
}

err_t
village_filter(struct call *c, const Huzhu__Id *in, struct id *village)
{
    TRY(optional_id_from_wire(in, "$.villageId", village, &c->err));
    return caller_covers(c, *village);
}

err_t
caller_may_see_house(struct call *c, const struct house *h)
{
    for (size_t i = 0; i < h->count; i++)
        if (!id_is_nil(c->person) && id_cmp(h->members[i].person, c->person) == 0 &&
            !(h->members[i].has_left && h->members[i].left.days <= date_of(c->now).days))
            return ERR_OK;
    if (!call_has(c, COLLECTORS | ROLE_AUDITOR | ROLE_APPROVER))
        return err_set(&c->err, ERR_FORBIDDEN, SCOPE_HOUSEHOLD,
                       "a member sees its own household alone");
    return caller_covers(c, h->village);
}

err_t
programme_answer(struct call *c, struct programme_row *row, struct id approved_by,
                 programme_t **out)
{
    TRY(programme_update(c, row->is, row->prepared_by, approved_by));
    TRY(emit_programme_changed(c, row->is));
    (void) snprintf(c->etag, sizeof c->etag, "%" PRId64, row->is->version);
    *out = row->is;
    return ERR_OK;
}

err_t
ledger_post(struct call *c, struct id programme, const struct transfer *transfers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!rule_pair_is_allowed(transfers[i].why, transfers[i].debit, transfers[i].credit))
            return err_set(&c->err, ERR_REFUSED, LEDGER_PAIR, "%s: %s to %s is no use of the fund",
                           transfers[i].why, transfers[i].debit, transfers[i].credit);
    TRY(transfers_insert(c, programme, transfers, count));
    return emit_fund_posted(c, programme, transfers, count);
}

/* --- participation --- */

err_t
measuring_of(struct call *c, const struct programme_row *row, bool frozen, struct measuring *m)
{
    const programme_t *p = row->is;
    const date_t last = date_of(at_of(p->window_until)), today = date_of(c->now);
    size_t size = 3;

    for (size_t i = 0; i < p->n_excluded_categories; i++)
        size += strlen(p->excluded_categories[i]) + 3;
    char *excluded = arena_alloc(c->arena, size), *at = excluded;
    if (!excluded)
        return no_memory(c);
    *at++ = '{';
    for (size_t i = 0; i < p->n_excluded_categories; i++) /* codes: the check lets no quote pass */
        at += snprintf(at, size - (size_t) (at - excluded), "%s\"%s\"", i ? "," : "",
                       p->excluded_categories[i]);
    *at++ = '}';
    *at = '\0';
    *m = (struct measuring){ .programme = row->id,
                             .village = row->village,
                             .mask = ground_mask(p),
                             .excluded = excluded,
                             .on = today.days < last.days ? today : last,
                             .frozen = frozen };
    return ERR_OK;
}

static err_t
warn(struct call *c, const struct programme_row *row,
     const Contributions__ParticipationMeasured *measured)
{
    Contributions__ParticipationWarned event = CONTRIBUTIONS__PARTICIPATION_WARNED__INIT;
    bool provisional;

    event.programme_id = row->is->programme_id;
    event.people = measured->people;
    event.least = row->is->people_warning;
    event.responsible_account_id = row->is->responsible_account_id;
    if (!put_day(c, calendar_add_workdays(date_of(at_of(row->is->window_until)), 1, &provisional),
                 &event.due_on))
        return no_memory(c);
    return event_append(c, &event.base);
}

err_t
participation_measure(struct call *c, const struct programme_row *row, bool frozen,
                      Contributions__ParticipationMeasured **out)
{
    Contributions__ParticipationMeasured *measured;
    ProtobufCBinaryData body;
    struct participation x;
    struct measuring m;
    struct measured before;

    TRY(measuring_of(c, row, frozen, &m));
    TRY(participation_count(c, &m, &x));
    TRY(participation_to_wire(c, row->is, &x, &measured));
    TRY(measurement_get(c, row->id, &before));
    body.len = contributions__participation_measured__get_packed_size(measured);
    body.data = arena_alloc(c->arena, body.len + 1);
    if (!body.data)
        return no_memory(c);
    (void) contributions__participation_measured__pack(measured, body.data);
    TRY(measurement_put(c, row->id, x.people.taking_part, measured->payout_gate,
                        measured->people_warned, &body));
    TRY(event_append(c, &measured->base));
    if (measured->people_warned && !(before.found && before.warned))
        TRY(warn(c, row, measured));
    *out = measured;
    return ERR_OK;
}

err_t
window_close(struct call *c, struct programme_row *row, Contributions__ParticipationMeasured **out)
{
    programme_t *p = row->is;
    int64_t books = 0;
    money_t outstanding;
    struct measuring m;

    TRY(programme_move(p, ON_CLOSE, &c->err));
    if (c->now.us < at_of(p->window_until).us + US_PER_SECOND)
        return err_set(&c->err, ERR_REFUSED, WINDOW_STILL_OPEN, "the window has not passed yet");
    TRY(books_unbalanced(c, row->id, &books, &outstanding));
    if (books > 0)
        return err_set(&c->err, ERR_REFUSED, CASH_UNBALANCED,
                       "%lld cash books are not settled; %lld fen are not handed in",
                       (long long) books, (long long) outstanding.fen);
    TRY(measuring_of(c, row, false, &m));
    TRY(snapshot_take(c, &m));
    return participation_measure(c, row, false, out);
}

/* --- payments --- */

struct house *
house_find(struct house *houses, size_t count, struct id id)
{
    for (size_t i = 0; i < count; i++)
        if (id_cmp(houses[i].id, id) == 0)
            return &houses[i];
    return NULL;
}

/* Nobody but new members of the register pays after the window (003-2). */
static const char *
late_only(const programme_t *p, const struct paying *paying)
{
    struct err err;

    if (rule_window(p, paying->paid_at, &err) == ERR_OK)
        return NULL;
    if (paying->paid_at.us < at_of(p->window_from).us)
        return WINDOW_NOT_OPEN;
    for (size_t i = 0; i < paying->house->count; i++) {
        const struct member *m = &paying->house->members[i];
        if (m->enrolled && !m->paid && m->due.fen > 0 && !m->late)
            return WINDOW_CLOSED;
    }
    return NULL;
}

static bool
is_named(const struct paying *paying, struct id person)
{
    for (size_t i = 0; i < paying->person_count; i++)
        if (id_cmp(paying->persons[i], person) == 0)
            return true;
    return paying->person_count == 0;
}

const char *
payment_judge(struct call *c, const programme_t *p, struct paying *paying, money_t *expected)
{
    struct house *h = paying->house;
    struct id *persons = arena_alloc(c->arena, (h ? h->count + 1 : 1) * sizeof *persons);
    size_t count = 0;

    *expected = (money_t){ 0 };
    if (!h || !h->enrolled)
        return PAYMENT_NOT_ENROLLED;
    if (!persons)
        return "rpc.too_large";
    const char *reason = late_only(p, paying);
    if (reason)
        return reason;
    if (!rule_house_owes(h, paying->persons, paying->person_count, expected, &paying->people))
        return PAYMENT_PERSON;
    if (expected->fen == 0)
        return PAYMENT_NOTHING_DUE;
    if (money_cmp(*expected, paying->amount) != 0)
        return PAYMENT_AMOUNT;
    for (size_t i = 0; i < h->count; i++) {
        struct member *m = &h->members[i];
        if (m->enrolled && !m->paid && m->due.fen > 0 && is_named(paying, m->person)) {
            m->paid = m->changed = true;
            persons[count++] = m->person;
        }
    }
    h->changed = true;
    paying->person_ids = ids_text(c, persons, count);
    return paying->person_ids ? NULL : "rpc.too_large";
}

static struct id
head_of(const struct house *h)
{
    return h->count ? h->members[0].person : (struct id){ { 0 } }; /* the head comes first */
}

err_t
payments_take(struct call *c, const struct taking *taking, const struct paying *list, size_t count,
              struct payment **made)
{
    const struct id programme = id_of(taking->programme->programme_id);
    struct transfer *transfers;

    LIST(c, count, made);
    LIST(c, count, &transfers);
    for (size_t i = 0; i < count; i++) {
        const struct paying *in = &list[i];
        const bool cash = taking->book != NULL;
        (*made)[i] = (struct payment){
            .id = in->payment,
            .programme = programme,
            .household = in->household,
            .village = in->house->village,
            .book = cash ? taking->book->id : (struct id){ { 0 } },
            .statement = taking->statement,
            .taken_by = c->account,
            .cash = cash,
            .state = "TAKEN",
            .amount = in->amount,
            .people = in->people,
            .person_ids = in->person_ids,
            .paid_at = in->paid_at,
            .receipt = cash ? taking->book->receipts + 1 + (int64_t) i : 0,
            .serial = in->serial,
            .series = cash ? taking->book->series : "",
            .account_sealed = in->account_sealed,
        };
        transfers[i] = (struct transfer){ .id = id_mint(c->now),
                                          .village = in->house->village,
                                          .subject = in->payment,
                                          .person = head_of(in->house),
                                          .state = TRANSFER_POSTED,
                                          .why = "payment.personal",
                                          .debit = cash ? "cash" : "bank",
                                          .credit = income_account(SOURCE(PERSONAL)),
                                          .amount = in->amount,
                                          .on = date_of(in->paid_at),
                                          .people = in->people,
                                          .source = SOURCE(PERSONAL) };
    }
    for (size_t i = 0; i < taking->house_count; i++)
        if (taking->houses[i].changed)
            rule_house_in_force(taking->programme, &taking->houses[i], date_of(c->now));
    TRY(houses_put(c, programme, taking->houses, taking->house_count));
    TRY(payments_insert(c, *made, count));
    TRY(ledger_post(c, programme, transfers, count));
    for (size_t i = 0; i < taking->house_count; i++)
        if (taking->houses[i].changed)
            TRY(emit_members_changed(c, taking->programme, &taking->houses[i]));
    return ERR_OK;
}
