/* consumers.c - what the contributions service does when others tell of something.
 *
 * The register replaces what was known.  Of a list that another service approved the money is set
 * aside, or the refusal is told; a payout that the bank confirmed is posted, one that was given up
 * is voided.  A failed payout changes nothing: its money stays set aside for the next attempt. */
#include "consumers.h"

#include <stdio.h>
#include <string.h>

#include "arena/arena_pb.h"
#include "common_steps.h"
#include "store_batch.h"
#include "wire.h"

err_t
contributions_on_tenant_described(struct call *c, const Identity__TenantDescribed *in)
{
    struct batch b;
    struct id organisation, village;

    TRY(id_from_wire(in->organisation_id, "organisation_id", &organisation, &c->err));
    batch_begin(&b, c);
    for (size_t i = 0; i < in->n_villages; i++) {
        TRY(id_from_wire(in->villages[i]->village_id, "village_id", &village, &c->err));
        batch_row(&b);
        batch_id(&b, "v", village);
        batch_text(&b, "d", in->villages[i]->division_code);
        batch_text(&b, "n", in->villages[i]->name);
    }
    const char *json = batch_end(&b);
    if (!json)
        return c->err.code;
    TRY(town_put(c, organisation, in->code, in->name));
    return villages_put(c, json);
}

/* --- the register --- */

static const char *
name_in(const Identity__PeopleSealed *people, struct id person)
{
    for (size_t i = 0; people && i < people->n_people; i++)
        if (id_cmp(id_of(people->people[i]->person_id), person) == 0)
            return people->people[i]->name;
    return NULL;
}

/* The events key is all services'; at rest a name lies under our own, bound to its person. */
static err_t
batch_name(struct call *c, struct batch *b, struct id person, const char *name)
{
    char id[ID_TEXT_BYTES], context[96];
    ProtobufCBinaryData sealed = { 0, NULL };

    if (name) {
        id_format(person, id);
        (void) snprintf(context, sizeof context, "contributions.person/%s", id);
        TRY(call_seal(c, context, name, strlen(name), &sealed));
    }
    batch_bytes(b, "s", sealed.data, sealed.len);
    return ERR_OK;
}

static err_t
batch_categories(struct call *c, struct batch *b, const Identity__HouseholdMember *in)
{
    struct batch k;

    if (in->n_categories == 0) {
        batch_raw(b, "k", "null");
        return ERR_OK;
    }
    batch_begin(&k, c);
    for (size_t i = 0; i < in->n_categories; i++) {
        batch_row(&k);
        batch_text(&k, "c", in->categories[i]->code);
        batch_date(&k, "f", in->categories[i]->from);
        batch_date(&k, "u", in->categories[i]->until);
    }
    const char *json = batch_end(&k);
    if (!json)
        return c->err.code;
    batch_raw(b, "k", json);
    return ERR_OK;
}

static err_t
batch_person(struct call *c, struct batch *b, const Identity__Household *house,
             const Identity__HouseholdMember *in, const Identity__PeopleSealed *people)
{
    struct id person;

    TRY(id_from_wire(in->person_id, "person_id", &person, &c->err));
    batch_row(b);
    batch_id(b, "h", id_of(house->household_id));
    batch_id(b, "p", person);
    batch_int(b, "n", house->version);
    batch_bool(b, "b", in->head);
    batch_int(b, "g", in->grounds);
    batch_int(b, "e", in->entry);
    batch_date(b, "f", in->from);
    batch_date(b, "l", in->until);
    TRY(batch_categories(c, b, in));
    return batch_name(c, b, person, name_in(people, person));
}

err_t
contributions_on_households_recorded(struct call *c, const Identity__HouseholdsRecorded *in)
{
    ProtobufCAllocator allocator = arena_protobuf_allocator(c->arena);
    const struct arena_mark mark = arena_mark(c->arena);
    Identity__PeopleSealed *people = NULL;
    struct batch houses, persons;
    struct id household, village;

    if (in->sealed.len > 0) {
        ProtobufCBinaryData plain;
        TRY(call_unseal_shared(c, "event/HouseholdsRecorded", in->sealed.data, in->sealed.len,
                               &plain));
        people = identity__people_sealed__unpack(&allocator, plain.len, plain.data);
        if (!people)
            return err_set(&c->err, ERR_INVALID, EVENT_FORM, "the sealed people cannot be read");
    }
    batch_begin(&houses, c);
    batch_begin(&persons, c);
    for (size_t i = 0; i < in->n_households; i++) {
        const Identity__Household *h = in->households[i];
        TRY(id_from_wire(h->household_id, "household_id", &household, &c->err));
        TRY(id_from_wire(h->village_id, "village_id", &village, &c->err));
        batch_row(&houses);
        batch_id(&houses, "h", household);
        batch_id(&houses, "v", village);
        batch_int(&houses, "n", h->version);
        for (size_t k = 0; k < h->n_members; k++)
            TRY(batch_person(c, &persons, h, h->members[k], people));
    }
    const char *houses_json = batch_end(&houses), *persons_json = batch_end(&persons);
    if (!houses_json || !persons_json)
        return c->err.code;
    TRY(households_put(c, houses_json, persons_json));
    arena_rewind(c->arena, mark); /* fifty such events share a transaction and its arena */
    return ERR_OK;
}

/* --- payouts --- */

static err_t
refuse(struct call *c, const Disbursement__ListApproved *in, const char *reason, money_t shortfall)
{
    Contributions__FundsRefused event = CONTRIBUTIONS__FUNDS_REFUSED__INIT;

    event.list_id = in->list_id;
    event.programme_id = in->programme_id;
    if (!put_money(c, shortfall.fen, &event.shortfall) || !put_text(c, reason, &event.reason))
        return no_memory(c);
    return event_append(c, &event.base);
}

static err_t
lines_of(struct call *c, const Disbursement__ListApproved *in, struct transfer **out,
         money_t *total)
{
    LIST(c, in->n_lines, out);
    *total = (money_t){ 0 };
    for (size_t i = 0; i < in->n_lines; i++) {
        const Disbursement__ListApproved__Line *line = in->lines[i];
        struct transfer *t = &(*out)[i];
        *t = (struct transfer){ .id = id_mint(c->now),
                                .village = id_of(line->village_id),
                                .person = id_of(line->person_id),
                                .state = TRANSFER_PENDING,
                                .why = "payout",
                                .debit = "expense.subsidy",
                                .credit = "bank",
                                .on = date_of(c->now),
                                .people = 1 };
        TRY(id_from_wire(line->claim_id, "lines.claim_id", &t->subject, &c->err));
        TRY(id_from_wire(line->line_id, "lines.line_id", &t->line, &c->err));
        TRY(rule_amount(line->amount, "lines.amount", &t->amount, &c->err));
        *total = money_add(*total, t->amount);
    }
    return ERR_OK;
}

err_t
contributions_on_list_approved(struct call *c, const Disbursement__ListApproved *in)
{
    Contributions__FundsReserved event = CONTRIBUTIONS__FUNDS_RESERVED__INIT;
    money_t total = { 0 }, balance, available, shortfall;
    struct programme_row row;
    struct transfer *lines;
    struct measured measured;
    struct id list;
    bool answered;

    TRY(id_from_wire(in->list_id, "list_id", &list, &c->err));
    TRY(lines_of(c, in, &lines, &total));
    if (total.fen != fen_of(in->total))
        return err_set(&c->err, ERR_INVALID, EVENT_FORM,
                       "the lines sum to %lld, the list says %lld", (long long) total.fen,
                       (long long) fen_of(in->total));
    TRY(programme_enter(c, in->programme_id, GUARD_ALONE, &row));
    TRY(list_answered(c, list, &answered));
    if (answered)
        return ERR_OK;
    TRY(measurement_get(c, row.id, &measured));
    TRY(fund_balance(c, row.id, &balance, &available));
    const char *reason =
        rule_may_reserve(row.is, measured.found && measured.gate, available, total, &shortfall);
    TRY(list_answer_insert(c, list, row.id, reason == NULL, total));
    if (reason)
        return refuse(c, in, reason, shortfall);
    TRY(ledger_post(c, row.id, lines, in->n_lines));
    event.list_id = in->list_id;
    event.programme_id = in->programme_id;
    if (!put_money(c, total.fen, &event.amount))
        return no_memory(c);
    return event_append(c, &event.base);
}

/* Settles the pending transfer of a line; what has been settled already stays as it is. */
static err_t
settle(struct call *c, const Huzhu__Id *programme, const Huzhu__Id *line_id, enum transfer_state to,
       date_t on)
{
    struct programme_row row;
    struct transfer t;
    struct id line;
    bool found;

    TRY(id_from_wire(line_id, "line_id", &line, &c->err));
    TRY(programme_enter(c, programme, GUARD_SHARED, &row));
    TRY(transfer_settle_line(c, line, to, on, &t, &found));
    return found ? emit_fund_posted(c, row.id, &t, 1) : ERR_OK;
}

err_t
contributions_on_payout_confirmed(struct call *c, const Disbursement__PayoutConfirmed *in)
{
    return settle(c, in->programme_id, in->line_id, TRANSFER_POSTED,
                  in->paid_on ? day_of(in->paid_on) : date_of(c->now));
}

err_t
contributions_on_payout_voided(struct call *c, const Disbursement__PayoutVoided *in)
{
    return settle(c, in->programme_id, in->line_id, TRANSFER_VOIDED, date_of(c->now));
}

err_t
contributions_on_refund_confirmed(struct call *c, const Disbursement__RefundConfirmed *in)
{
    const date_t on = in->on ? day_of(in->on) : date_of(c->now);
    struct programme_row row;
    struct id refund, programme;
    money_t balance, available;
    struct transfer t;
    programme_t *out;
    bool found;

    TRY(id_from_wire(in->refund_id, "refund_id", &refund, &c->err));
    TRY(programme_enter(c, in->programme_id, GUARD_ALONE, &row));
    TRY(refund_confirm(c, refund, on, &programme, &found));
    if (!found)
        return ERR_OK;
    TRY(transfer_settle_refund(c, programme, refund, on, &t, &found));
    if (!found)
        return err_set(&c->err, ERR_INVALID, EVENT_FORM, "the refund has no money set aside");
    TRY(emit_fund_posted(c, row.id, &t, 1));
    TRY(fund_balance(c, row.id, &balance, &available));
    if (balance.fen > 0)
        return ERR_OK;
    TRY(programme_move(row.is, ON_WIND_UP, &c->err));
    return programme_answer(c, &row, (struct id){ { 0 } }, &out);
}
