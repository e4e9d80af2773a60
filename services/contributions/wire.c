/* wire.c - protobuf to nouns and back, events out. */
#include "wire.h"

#include <stdio.h>
#include <string.h>

#include "arena/arena_pb.h"
#include "crypto/crypto.h"
#include "rules.h"

bool
put_id(struct call *c, struct id id, Huzhu__Id **out)
{
    *out = id_to_wire(c, id);
    return *out || id_is_nil(id);
}

bool
put_money(struct call *c, int64_t fen, Huzhu__Money **out)
{
    *out = money_to_wire(c, (money_t){ fen });
    return *out != NULL;
}

bool
put_day(struct call *c, date_t day, Huzhu__Date **out)
{
    *out = date_to_wire(c, day);
    return *out != NULL;
}

bool
put_at(struct call *c, instant_t at, Huzhu__Instant **out)
{
    *out = instant_to_wire(c, at);
    return *out != NULL;
}

bool
put_text(struct call *c, const char *text, char **out)
{
    *out = text ? call_text(c, text) : (char *) protobuf_c_empty_string;
    return *out != NULL;
}

err_t
optional_id_from_wire(const Huzhu__Id *in, const char *path, struct id *id, struct err *err)
{
    if (in && in->value.len > 0)
        return id_from_wire(in, path, id, err);
    *id = (struct id){ { 0 } };
    return ERR_OK;
}

err_t
ids_from_wire(struct call *c, Huzhu__Id *const *in, size_t count, const char *path, struct id **ids)
{
    LIST(c, count, ids);
    for (size_t i = 0; i < count; i++)
        TRY(id_from_wire(in[i], path, &(*ids)[i], &c->err));
    return ERR_OK;
}

err_t
programme_pack(struct call *c, const programme_t *p, ProtobufCBinaryData *out)
{
    out->len = contributions__programme__get_packed_size(p);
    out->data = arena_alloc(c->arena, out->len + 1);
    if (!out->data)
        return no_memory(c);
    (void) contributions__programme__pack(p, out->data);
    return ERR_OK;
}

err_t
programme_unpack(struct call *c, const void *bytes, size_t size, programme_t **out)
{
    ProtobufCAllocator allocator = arena_protobuf_allocator(c->arena);

    *out = contributions__programme__unpack(&allocator, size, bytes);
    return *out ? ERR_OK : no_memory(c);
}

const char *
reason_chinese(const char *wire)
{
    static const struct svc_reason reasons[] = {
#define REASON(symbol, wire, says, zh) { wire, says, zh },
#include "reasons.def"
#undef REASON
    };

    for (size_t i = 0; i < COUNT(reasons); i++)
        if (strcmp(reasons[i].wire, wire) == 0)
            return reasons[i].chinese;
    return "";
}

err_t
findings_to_wire(struct call *c, const struct findings *in, Contributions__Finding ***out,
                 size_t *count)
{
    LIST(c, in->count, out);
    for (*count = 0; *count < in->count; ++*count) {
        const struct finding *f = &in->list[*count];
        MAKE(c, Contributions__Finding, contributions__finding__init, one);
        one->severity = (Contributions__Finding__Severity) f->severity;
        if (!put_text(c, f->requirement, &one->requirement) ||
            !put_text(c, f->reason, &one->reason) || !put_text(c, f->path, &one->path) ||
            !put_text(c, f->text, &one->text) ||
            !put_text(c, reason_chinese(f->reason), &one->chinese) ||
            (f->shortfall.fen && !put_money(c, f->shortfall.fen, &one->shortfall)))
            return no_memory(c);
        (*out)[*count] = one;
    }
    return ERR_OK;
}

err_t
house_to_wire(struct call *c, const programme_t *p, const struct house *h,
              Contributions__Enrolment **out)
{
    MAKE(c, Contributions__Enrolment, contributions__enrolment__init, e);
    int64_t due = 0, paid = 0;

    LIST(c, h->count, &e->persons);
    for (size_t i = 0; i < h->count; i++) {
        const struct member *m = &h->members[i];
        if (!m->enrolled)
            continue;
        MAKE(c, Contributions__Enrolment__Person, contributions__enrolment__person__init, one);
        one->publicity_consent = m->consent;
        one->payer = (Contributions__Source__Kind) m->payer;
        one->paid = m->paid;
        one->in_force = m->in_force;
        if (!put_id(c, m->person, &one->person_id) || !put_money(c, m->due.fen, &one->due) ||
            !put_day(c, m->from, &one->from))
            return no_memory(c);
        due += m->paid ? 0 : m->due.fen;
        paid += m->paid ? m->due.fen : 0;
        e->persons[e->n_persons++] = one;
    }
    e->content_read = e->family_confirmed = true; /* nothing is stored without both */
    e->confirmation = (Contributions__Enrolment__Confirmation) h->confirmation;
    e->in_force = h->in_force;
    e->programme_id = p->programme_id;
    if (!put_id(c, h->id, &e->household_id) || !put_id(c, h->village, &e->village_id) ||
        !put_id(c, h->upload, &e->confirmation_upload_id) ||
        !put_text(c, h->reference, &e->reference) || !put_money(c, due, &e->due) ||
        !put_money(c, paid, &e->paid))
        return no_memory(c);
    *out = e;
    return ERR_OK;
}

static err_t
figure_to_wire(struct call *c, struct figure f, date_t as_of, const char *source,
               Contributions__ParticipationMeasured__Figure **out)
{
    MAKE(c, Contributions__ParticipationMeasured__Figure,
         contributions__participation_measured__figure__init, one);

    one->taking_part = f.taking_part;
    one->whole = f.whole;
    one->share = figure_share(f);
    if (!put_text(c, source, &one->source) || !put_day(c, as_of, &one->as_of))
        return no_memory(c);
    *out = one;
    return ERR_OK;
}

err_t
participation_to_wire(struct call *c, const programme_t *p, const struct participation *x,
                      Contributions__ParticipationMeasured **out)
{
    MAKE(c, Contributions__ParticipationMeasured, contributions__participation_measured__init, one);

    one->programme_id = p->programme_id;
    TRY(figure_to_wire(c, x->people, x->as_of, "register.people", &one->people));
    TRY(figure_to_wire(c, x->households, x->as_of, "register.households", &one->households));
    TRY(figure_to_wire(c, x->villages, x->as_of, "organisations.villages", &one->villages));
    one->people_warned = participation_warns(p, x);
    one->payout_gate = participation_opens_payouts(p, x);
    if (!put_at(c, c->now, &one->at))
        return no_memory(c);
    *out = one;
    return ERR_OK;
}

err_t
transfer_to_wire(struct call *c, const struct transfer *t,
                 Contributions__FundPosted__Transfer **out)
{
    static const Contributions__FundPosted__Transfer__Kind kinds[] = {
        CONTRIBUTIONS__FUND_POSTED__TRANSFER__KIND__PENDING,
        CONTRIBUTIONS__FUND_POSTED__TRANSFER__KIND__POSTED,
        CONTRIBUTIONS__FUND_POSTED__TRANSFER__KIND__VOIDED
    };
    MAKE(c, Contributions__FundPosted__Transfer, contributions__fund_posted__transfer__init, one);

    one->kind = kinds[t->state];
    one->people = t->people;
    one->source = (Contributions__Source__Kind) t->source;
    if (!put_id(c, t->id, &one->transfer_id) || !put_text(c, t->debit, &one->debit) ||
        !put_text(c, t->credit, &one->credit) || !put_money(c, t->amount.fen, &one->amount) ||
        !put_day(c, t->on, &one->on) || !put_id(c, t->village, &one->village_id) ||
        !put_id(c, t->subject, &one->subject_id) || !put_text(c, t->why, &one->why) ||
        !put_id(c, t->person, &one->person_id))
        return no_memory(c);
    *out = one;
    return ERR_OK;
}

/* --- events --- */

err_t
emit_programme_changed(struct call *c, programme_t *p)
{
    Contributions__ProgrammeChanged event = CONTRIBUTIONS__PROGRAMME_CHANGED__INIT;

    event.programme = p;
    if (!put_id(c, c->account, &event.by))
        return no_memory(c);
    return event_append(c, &event.base);
}

err_t
emit_resolution(struct call *c, const Contributions__Resolution *r)
{
    Contributions__ResolutionRecorded event = CONTRIBUTIONS__RESOLUTION_RECORDED__INIT;

    event.resolution_id = r->resolution_id;
    event.programme_id = r->programme_id;
    event.village_id = r->village_id;
    event.met_on = r->met_on;
    event.entitled = r->entitled;
    event.attended = r->attended;
    event.votes_for = r->votes_for;
    event.against = r->against;
    event.abstained = r->abstained;
    event.passed = r->passed;
    event.upload_ids = r->upload_ids;
    event.n_upload_ids = r->n_upload_ids;
    return event_append(c, &event.base);
}

err_t
emit_agreement(struct call *c, const Contributions__Agreement *a)
{
    Contributions__AgreementRecorded event = CONTRIBUTIONS__AGREEMENT_RECORDED__INIT;

    event.agreement_id = a->agreement_id;
    event.programme_id = a->programme_id;
    event.from = a->from;
    event.until = a->until;
    event.upload_id = a->upload_id;
    event.by = id_to_wire(c, c->account);
    return event.by ? event_append(c, &event.base) : no_memory(c);
}

err_t
emit_members_changed(struct call *c, const programme_t *p, const struct house *h)
{
    Contributions__MembersChanged event = CONTRIBUTIONS__MEMBERS_CHANGED__INIT;

    event.programme_id = p->programme_id;
    if (!put_id(c, h->id, &event.household_id) || !put_id(c, h->village, &event.village_id))
        return no_memory(c);
    LIST(c, h->count, &event.members);
    for (size_t i = 0; i < h->count; i++) {
        const struct member *m = &h->members[i];
        if (!m->enrolled)
            continue;
        MAKE(c, Contributions__MembersChanged__Member, contributions__members_changed__member__init,
             one);
        one->in_force = m->in_force;
        one->publicity_consent = m->consent;
        if (!put_id(c, m->person, &one->person_id) || !put_day(c, m->from, &one->from))
            return no_memory(c);
        event.members[event.n_members++] = one;
    }
    return event_append(c, &event.base);
}

err_t
emit_fund_posted(struct call *c, struct id programme, const struct transfer *transfers,
                 size_t count)
{
    for (size_t at = 0; at < count; at += BULK_ROWS_MAX) {
        const size_t end = count - at < BULK_ROWS_MAX ? count : at + BULK_ROWS_MAX;
        Contributions__FundPosted event = CONTRIBUTIONS__FUND_POSTED__INIT;

        if (!put_id(c, programme, &event.programme_id))
            return no_memory(c);
        LIST(c, end - at, &event.transfers);
        for (size_t i = at; i < end; i++, event.n_transfers++)
            TRY(transfer_to_wire(c, &transfers[i], &event.transfers[event.n_transfers]));
        TRY(event_append(c, &event.base));
    }
    return ERR_OK;
}
