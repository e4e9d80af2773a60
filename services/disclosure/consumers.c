/* consumers.c - what the disclosure service does when others tell of something. */
#include "consumers.h"

#include <stdlib.h>
#include <string.h>

#include "notices.h"
#include "store.h"
#include "wire.h"

static struct id
id_or_nil(const Huzhu__Id *in)
{
    struct id id = { { 0 } };

    if (in && in->value.len == sizeof id.bytes)
        memcpy(id.bytes, in->value.data, sizeof id.bytes);
    return id;
}

static money_t
fen_of(const Huzhu__Money *in)
{
    return (money_t){ in ? in->fen : 0 };
}

static date_t
day_of(const Huzhu__Date *in)
{
    return (date_t){ in ? in->days : 0 };
}

/* --- who there is --- */

err_t
disclosure_on_tenant(struct call *c, const Identity__TenantDescribed *in)
{
    const struct profile profile = { in->code, in->name };

    TRY(profile_put(c, &profile, id_or_nil(in->organisation_id)));
    for (size_t i = 0; i < in->n_villages; i++) {
        struct id village;
        TRY(id_from_wire(in->villages[i]->village_id, "villages.village_id", &village, &c->err));
        TRY(village_put(c, village, in->villages[i]->name));
    }
    return ERR_OK;
}

static const Identity__PeopleSealed__Person *
sealed_person(const Identity__PeopleSealed *people, struct id id)
{
    for (size_t i = 0; i < people->n_people; i++)
        if (id_cmp(id_or_nil(people->people[i]->person_id), id) == 0)
            return people->people[i];
    return NULL;
}

static err_t
household_take(struct call *c, const Identity__Household *in, const Identity__PeopleSealed *people)
{
    struct id id, village;
    bool is_newer;

    TRY(id_from_wire(in->household_id, "household_id", &id, &c->err));
    TRY(id_from_wire(in->village_id, "village_id", &village, &c->err));
    TRY(household_put(c, id, village, in->version, &is_newer));
    for (size_t i = 0; is_newer && i < in->n_members; i++) {
        struct register_person person = { .household = id };
        TRY(id_from_wire(in->members[i]->person_id, "person_id", &person.id, &c->err));
        const Identity__PeopleSealed__Person *who = sealed_person(people, person.id);
        if (who) {
            person.name = who->name;
            person.sex = (int) who->sex;
        }
        TRY(person_put(c, &person, day_of(in->members[i]->until)));
    }
    return ERR_OK;
}

err_t
disclosure_on_households(struct call *c, const Identity__HouseholdsRecorded *in)
{
    const struct arena_mark mark = arena_mark(c->arena); /* fifty such events share a transaction */
    ProtobufCBinaryData plain;
    ProtobufCMessage *message;

    TRY(call_unseal_shared(c, "event/HouseholdsRecorded", in->sealed.data, in->sealed.len, &plain));
    TRY(message_decode(c, &identity__people_sealed__descriptor, plain.len, plain.data, &message));
    for (size_t i = 0; i < in->n_households; i++)
        TRY(household_take(c, in->households[i], (const Identity__PeopleSealed *) message));
    arena_rewind(c->arena, mark);
    return ERR_OK;
}

err_t
disclosure_on_role_granted(struct call *c, const Identity__RoleGranted *in)
{
    struct id account;

    if (id_is_nil(c->tenant)) /* the platform's own administrators handle nobody's complaints */
        return ERR_OK;
    TRY(id_from_wire(in->account_id, "account_id", &account, &c->err));
    return staff_put(c, account, (int) in->role, true);
}

err_t
disclosure_on_role_revoked(struct call *c, const Identity__RoleRevoked *in)
{
    struct id account;

    if (id_is_nil(c->tenant))
        return ERR_OK;
    TRY(id_from_wire(in->account_id, "account_id", &account, &c->err));
    return staff_put(c, account, (int) in->role, false);
}

/* --- programmes and money --- */

err_t
disclosure_on_programme(struct call *c, const Contributions__ProgrammeChanged *in)
{
    if (!in->programme)
        return err_set(&c->err, ERR_INVALID, EVENT_FORM, "no programme in its event");
    return programme_put(c, in->programme);
}

err_t
disclosure_on_members(struct call *c, const Contributions__MembersChanged *in)
{
    struct told_member member = { 0 };

    TRY(id_from_wire(in->programme_id, "programme_id", &member.programme, &c->err));
    TRY(id_from_wire(in->household_id, "household_id", &member.household, &c->err));
    TRY(id_from_wire(in->village_id, "village_id", &member.village, &c->err));
    TRY(members_clear(c, member.programme, member.household));
    for (size_t i = 0; i < in->n_members; i++) {
        TRY(id_from_wire(in->members[i]->person_id, "person_id", &member.person, &c->err));
        member.in_force = in->members[i]->in_force;
        member.consent = in->members[i]->publicity_consent;
        TRY(member_put(c, &member));
    }
    return ERR_OK;
}

err_t
disclosure_on_fund(struct call *c, const Contributions__FundPosted *in)
{
    struct id programme;

    TRY(id_from_wire(in->programme_id, "programme_id", &programme, &c->err));
    for (size_t i = 0; i < in->n_transfers; i++) {
        const Contributions__FundPosted__Transfer *t = in->transfers[i];
        struct told_transfer transfer = { .programme = programme,
                                          .village = id_or_nil(t->village_id),
                                          .subject = id_or_nil(t->subject_id),
                                          .person = id_or_nil(t->person_id),
                                          .state = (int) t->kind,
                                          .source = (int) t->source,
                                          .debit = t->debit,
                                          .credit = t->credit,
                                          .why = t->why,
                                          .amount = fen_of(t->amount),
                                          .on = day_of(t->on),
                                          .people = t->people };
        TRY(id_from_wire(t->transfer_id, "transfers.transfer_id", &transfer.id, &c->err));
        TRY(transfer_put(c, &transfer));
    }
    return ERR_OK;
}

err_t
disclosure_on_participation(struct call *c, const Contributions__ParticipationMeasured *in)
{
    struct id programme;

    TRY(id_from_wire(in->programme_id, "programme_id", &programme, &c->err));
    return participation_put(c, programme, in);
}

err_t
disclosure_on_year_closed(struct call *c, const Contributions__YearClosed *in)
{
    struct id programme;

    TRY(id_from_wire(in->programme_id, "programme_id", &programme, &c->err));
    return year_close_put(c, programme, id_or_nil(in->next_programme_id), fen_of(in->carried_over),
                          day_of(in->on));
}

err_t
disclosure_on_agreement(struct call *c, const Contributions__AgreementRecorded *in)
{
    struct told_agreement agreement = { .from = day_of(in->from),
                                        .until = day_of(in->until),
                                        .has_scan = !id_is_nil(id_or_nil(in->upload_id)) };

    TRY(id_from_wire(in->agreement_id, "agreement_id", &agreement.id, &c->err));
    TRY(id_from_wire(in->programme_id, "programme_id", &agreement.programme, &c->err));
    return agreement_put(c, &agreement);
}

err_t
disclosure_on_refunds(struct call *c, const Contributions__RefundsOrdered *in)
{
    struct told_refund refund = { 0 };

    TRY(id_from_wire(in->programme_id, "programme_id", &refund.programme, &c->err));
    for (size_t i = 0; i < in->n_refunds; i++) {
        TRY(id_from_wire(in->refunds[i]->refund_id, "refund_id", &refund.id, &c->err));
        refund.person = id_or_nil(in->refunds[i]->person_id);
        refund.amount = fen_of(in->refunds[i]->amount);
        refund.route = (int) in->refunds[i]->route;
        TRY(refund_put(c, &refund));
    }
    return ERR_OK;
}

err_t
disclosure_on_refund(struct call *c, const Disbursement__RefundConfirmed *in)
{
    struct told_refund refund = { .amount = fen_of(in->amount) };
    struct id person;

    TRY(id_from_wire(in->refund_id, "refund_id", &refund.id, &c->err));
    TRY(id_from_wire(in->programme_id, "programme_id", &refund.programme, &c->err));
    TRY(refund_confirm(c, &refund, day_of(in->on), &person));
    return notice_give_amount(c, "refund.confirmed", person, (struct id){ { 0 } }, refund.amount);
}

/* --- claims --- */

/* The four ids that every event of a claim has. */
#define CLAIM_IDS(in, to)                                                                          \
    do {                                                                                           \
        TRY(id_from_wire((in)->claim_id, "claim_id", &(to)->id, &c->err));                         \
        TRY(id_from_wire((in)->programme_id, "programme_id", &(to)->programme, &c->err));          \
        TRY(id_from_wire((in)->person_id, "person_id", &(to)->person, &c->err));                   \
        TRY(id_from_wire((in)->village_id, "village_id", &(to)->village, &c->err));                \
    } while (0)

err_t
disclosure_on_accepted(struct call *c, const Claims__ClaimAccepted *in)
{
    struct told_claim claim = { .number = in->number };
    ProtobufCBinaryData plain;
    ProtobufCMessage *message;

    CLAIM_IDS(in, &claim);
    TRY(call_unseal_shared(c, "event/ClaimAccepted", in->sealed.data, in->sealed.len, &plain));
    TRY(message_decode(c, &claims__claim_facts__descriptor, plain.len, plain.data, &message));
    const Claims__ClaimFacts *facts = (const Claims__ClaimFacts *) message;
    claim.filed_by = id_or_nil(in->filed_by);
    claim.name = facts->name;
    claim.hospital = facts->hospital;
    claim.sex = (int) facts->sex;
    claim.insurance = (int) facts->insurance;
    claim.total_cost = fen_of(facts->total_cost);
    claim.own_payment = fen_of(facts->own_payment);
    const char *level = facts->hospital_level;
    claim.level = level[0] >= '1' && level[0] <= '3' && level[1] == '\0' ? level[0] - '0' : 0;
    TRY(claim_accept(c, &claim));
    return notice_give(c, "claim.accepted", claim.person, claim.id, in->number);
}

err_t
disclosure_on_refused(struct call *c, const Claims__ClaimRefused *in)
{
    struct told_claim claim = { 0 };

    /* A stay of no year belongs to no programme. */
    TRY(id_from_wire(in->claim_id, "claim_id", &claim.id, &c->err));
    TRY(optional_id_in(in->programme_id, "programme_id", &claim.programme, &c->err));
    TRY(id_from_wire(in->person_id, "person_id", &claim.person, &c->err));
    TRY(id_from_wire(in->village_id, "village_id", &claim.village, &c->err));
    TRY(claim_refuse(c, &claim));
    return notice_give(c, "claim.refused", claim.person, claim.id, in->requirement);
}

err_t
disclosure_on_papers(struct call *c, const Claims__PapersRequested *in)
{
    struct told_claim claim = { 0 };

    CLAIM_IDS(in, &claim);
    return notice_give(c, "claim.papers", claim.person, claim.id, "");
}

err_t
disclosure_on_table(struct call *c, const Coding__TableFrozen *in)
{
    struct id table, programme;

    TRY(id_from_wire(in->table_id, "table_id", &table, &c->err));
    TRY(id_from_wire(in->programme_id, "programme_id", &programme, &c->err));
    TRY(table_put(c, table, programme));
    for (size_t i = 0; i < in->n_rows; i++) {
        const struct table_row row = { .drg = in->rows[i]->drg,
                                       .name = in->rows[i]->name,
                                       .parent = in->rows[i]->parent,
                                       .who = in->rows[i]->who,
                                       .amount = fen_of(in->rows[i]->amount) };
        TRY(table_row_put(c, table, (int) i + 1, &row));
    }
    return ERR_OK;
}

err_t
disclosure_on_priced(struct call *c, const Coding__ClaimPriced *in)
{
    struct told_price price = { .coder = id_or_nil(in->coder_id),
                                .reviewer = id_or_nil(in->reviewer_id),
                                .drg = in->drg,
                                .drg_name = in->drg_name,
                                .adrg = in->adrg,
                                .mdc = in->mdc,
                                .sensitive_by = in->sensitive_by,
                                .due = fen_of(in->due),
                                .payable = fen_of(in->payable),
                                .sensitive = in->sensitive,
                                .decided_on = day_of(in->decided_on) };

    CLAIM_IDS(in, &price);
    for (size_t i = 0; i < in->n_steps; i++)
        if (strcmp(in->steps[i]->name, "person_most") == 0 &&
            fen_of(in->steps[i]->before).fen != fen_of(in->steps[i]->after).fen)
            price.capped = true;
    TRY(claim_price(c, &price));
    return notice_give_amount(c, "claim.priced", price.person, price.id, price.payable);
}

err_t
disclosure_on_paid(struct call *c, const Disbursement__PayoutConfirmed *in)
{
    struct told_claim claim = { 0 };
    const money_t amount = fen_of(in->amount);

    CLAIM_IDS(in, &claim);
    if (!in->paid_on)
        return err_set(&c->err, ERR_INVALID, EVENT_FORM, "a payout without its day");
    TRY(claim_pay(c, &claim, amount, day_of(in->paid_on)));
    return notice_give_amount(c, "claim.paid", claim.person, claim.id, amount);
}

err_t
disclosure_on_failed(struct call *c, const Disbursement__PayoutFailed *in)
{
    struct told_claim claim = { 0 };

    CLAIM_IDS(in, &claim);
    return notice_give_amount(c, "claim.failed", claim.person, claim.id, fen_of(in->amount));
}
