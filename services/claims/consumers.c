/* consumers.c - what the claims service does when others tell of something. */
#include "consumers.h"

#include <string.h>

#include "claim_steps.h"
#include "store.h"
#include "wire.h"

static date_t
date_or_none(const Huzhu__Date *in)
{
    return (date_t){ in ? in->days : 0 };
}

/* --- the register --- */

static const Identity__PeopleSealed__Person *
sealed_person(const Identity__PeopleSealed *people, struct id id)
{
    for (size_t i = 0; i < people->n_people; i++) {
        const Huzhu__Id *wire = people->people[i]->person_id;
        if (wire && wire->value.len == sizeof id.bytes &&
            memcmp(wire->value.data, id.bytes, sizeof id.bytes) == 0)
            return people->people[i];
    }
    return NULL;
}

static err_t
household_member(struct call *c, const Identity__HouseholdMember *in, struct id household,
                 const Identity__PeopleSealed *people)
{
    struct register_person person = { .household = household };

    TRY(id_from_wire(in->person_id, "person_id", &person.id, &c->err));
    const Identity__PeopleSealed__Person *who = sealed_person(people, person.id);
    if (who) {
        person.name = who->name;
        person.sex = (int) who->sex;
        person.birth = date_or_none(who->birth);
    }
    return person_put(c, &person, date_or_none(in->until));
}

err_t
claims_on_households(struct call *c, const Identity__HouseholdsRecorded *in)
{
    const struct arena_mark mark = arena_mark(c->arena); /* fifty such events share a transaction */
    ProtobufCBinaryData plain;
    ProtobufCMessage *message;

    TRY(call_unseal_shared(c, "event/HouseholdsRecorded", in->sealed.data, in->sealed.len, &plain));
    TRY(message_decode(c, &identity__people_sealed__descriptor, plain.len, plain.data, &message));
    for (size_t i = 0; i < in->n_households; i++) {
        const Identity__Household *household = in->households[i];
        struct id id, village;
        bool is_newer;
        TRY(id_from_wire(household->household_id, "household_id", &id, &c->err));
        TRY(id_from_wire(household->village_id, "village_id", &village, &c->err));
        TRY(household_put(c, id, village, household->version, &is_newer));
        for (size_t k = 0; is_newer && k < household->n_members; k++)
            TRY(household_member(c, household->members[k], id,
                                 (const Identity__PeopleSealed *) message));
    }
    arena_rewind(c->arena, mark);
    return ERR_OK;
}

/* --- programmes and members --- */

err_t
claims_on_programme(struct call *c, const Contributions__ProgrammeChanged *in)
{
    struct programme programme;
    ProtobufCBinaryData body;

    TRY(programme_from_wire(in->programme, &programme, &c->err));
    TRY(message_pack(c, &in->programme->base, &body));
    return programme_put(c, &programme, body.data, body.len);
}

err_t
claims_on_members(struct call *c, const Contributions__MembersChanged *in)
{
    struct id programme, household, person;

    TRY(id_from_wire(in->programme_id, "programme_id", &programme, &c->err));
    TRY(id_from_wire(in->household_id, "household_id", &household, &c->err));
    TRY(members_clear(c, programme, household));
    for (size_t i = 0; i < in->n_members; i++) {
        const Contributions__MembersChanged__Member *member = in->members[i];
        TRY(id_from_wire(member->person_id, "person_id", &person, &c->err));
        TRY(member_put(c, programme, household, person, member->in_force,
                       date_or_none(member->from)));
    }
    return ERR_OK;
}

/* --- coding --- */

err_t
claims_on_job_taken(struct call *c, const Coding__JobTaken *in)
{
    struct id claim, account;

    TRY(id_from_wire(in->claim_id, "claim_id", &claim, &c->err));
    TRY(id_from_wire(in->account_id, "account_id", &account, &c->err));
    return job_put(c, claim, account, (instant_t){ in->until ? in->until->us : 0 });
}

err_t
claims_on_job_released(struct call *c, const Coding__JobReleased *in)
{
    struct id claim, account;

    TRY(id_from_wire(in->claim_id, "claim_id", &claim, &c->err));
    TRY(id_from_wire(in->account_id, "account_id", &account, &c->err));
    return job_delete(c, claim, account);
}

/* The claim of an event, locked, and whether the move fits it.  One that does not (it was withdrawn
 * while the other service worked) leaves a line on the timeline and changes nothing: the event is
 * true, but late. */
static err_t
claim_for(struct call *c, const Huzhu__Id *wire_id, enum claim_event on, struct claim *claim,
          bool *fits)
{
    struct err scratch;
    struct claim copy;
    const char *why;
    struct id id;

    TRY(id_from_wire(wire_id, "claim_id", &id, &c->err));
    TRY(claim_lock(c, id, claim));
    copy = *claim;
    *fits = claim_move(&copy, on, &why, &scratch) == ERR_OK;
    return *fits ? ERR_OK : step_note(c, claim, "LATE", claim_event_name(on));
}

/* The coder's words to the filer; sealed, but for events of before that was so. */
static err_t
note_of(struct call *c, const Coding__PapersAsked *in, const char **note)
{
    ProtobufCBinaryData plain;

    *note = in->note;
    if (in->sealed.len > 0) {
        TRY(call_unseal_shared(c, "event/PapersAsked", in->sealed.data, in->sealed.len, &plain));
        char *text = arena_alloc(c->arena, plain.len + 1);
        if (!text)
            return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "no memory");
        memcpy(text, plain.data, plain.len);
        *note = text;
    }
    if (!text_is_sound(*note, 0, NOTE_CHARS_MAX))
        return err_set(&c->err, ERR_INVALID, CLAIM_FIELD, "the note is too long");
    return ERR_OK;
}

err_t
claims_on_papers_asked(struct call *c, const Coding__PapersAsked *in)
{
    const paper_set_t kinds = papers_from_wire(in->n_kinds, in->kinds);
    struct claim claim;
    const char *note;
    bool fits;

    TRY(claim_for(c, in->claim_id, ON_REQUEST, &claim, &fits));
    if (!fits)
        return ERR_OK;
    TRY(note_of(c, in, &note));
    TRY(step_request(c, &claim, kinds ? kinds : PAPER_BIT(PAPER_OTHER), note));
    return claim_put(c, &claim);
}

err_t
claims_on_unfit(struct call *c, const Coding__ClaimUnfit *in)
{
    struct claim claim;
    bool fits;

    TRY(claim_for(c, in->claim_id, ON_EXCLUDE, &claim, &fits));
    if (!fits)
        return ERR_OK;
    TRY(step_exclude(c, &claim, (enum exclusion) in->exclusion));
    return claim_put(c, &claim);
}

/* What moves a claim on the way of its money holds before its price is heard of, too. */
static bool
is_on_its_way(const struct claim *claim)
{
    return claim->state == CLAIM_LISTED || claim->state == CLAIM_PAID ||
           claim->state == CLAIM_PAYMENT_FAILED;
}

err_t
claims_on_priced(struct call *c, const Coding__ClaimPriced *in)
{
    struct claim claim;
    bool fits;

    TRY(claim_for(c, in->claim_id, ON_PRICE, &claim, &fits));
    if (!fits && !is_on_its_way(&claim))
        return ERR_OK;
    if (fits)
        TRY(step_move(c, &claim, ON_PRICE, NULL));
    claim.decided = true;
    claim.payable = (money_t){ in->payable ? in->payable->fen : 0 };
    claim.decided_on = in->decided_on ? date_or_none(in->decided_on) : date_of(c->now);
    claim.asked = 0;
    claim.asked_note = "";
    TRY(round_decide(c, &claim, claim.decided_on));
    return claim_put(c, &claim);
}

/* --- disbursement --- */

static err_t
follow(struct call *c, const Huzhu__Id *claim_id, enum claim_event on, struct claim *claim,
       bool *fits)
{
    TRY(claim_for(c, claim_id, on, claim, fits));
    return *fits ? step_move(c, claim, on, NULL) : ERR_OK;
}

err_t
claims_on_list_approved(struct call *c, const Disbursement__ListApproved *in)
{
    struct claim claim;
    bool fits;

    for (size_t i = 0; i < in->n_lines; i++) {
        const struct arena_mark mark = arena_mark(c->arena); /* a month has thousands of lines */
        TRY(follow(c, in->lines[i]->claim_id, ON_LIST, &claim, &fits));
        if (fits)
            TRY(claim_put(c, &claim));
        arena_rewind(c->arena, mark);
    }
    return ERR_OK;
}

/* The clock runs on to the due day that it had: a mistake of ours gives us no new time. */
/* Every return is followed by one new price.  Where that was heard first, because two services'
 * logs have no common order, the return has its answer and undoes nothing. */
static err_t
return_is_answered(struct call *c, const struct claim *claim, bool *answered)
{
    struct claim_step *steps;
    size_t count;
    int open = 0; /* prices without the return that comes after them */

    TRY(step_list(c, claim->id, &steps, &count));
    for (size_t i = 0; i < count; i++) {
        const bool late = strcmp(steps[i].what, "LATE") == 0;
        const char *what = late ? steps[i].words : steps[i].what;
        open += strcmp(what, claim_event_name(ON_PRICE)) == 0;
        open -= strcmp(what, claim_event_name(ON_RETURN)) == 0;
    }
    *answered = open > 1;
    return ERR_OK;
}

err_t
claims_on_line_returned(struct call *c, const Disbursement__LineReturned *in)
{
    struct claim claim;
    bool fits, answered;

    TRY(claim_for(c, in->claim_id, ON_RETURN, &claim, &fits));
    if (!fits)
        return ERR_OK;
    TRY(return_is_answered(c, &claim, &answered));
    if (answered)
        return step_note(c, &claim, "LATE", claim_event_name(ON_RETURN));
    TRY(step_move(c, &claim, ON_RETURN, NULL));
    claim.decided = false;
    claim.decided_on = (date_t){ 0 };
    TRY(round_decide(c, &claim, claim.decided_on));
    return claim_put(c, &claim);
}

err_t
claims_on_payout_confirmed(struct call *c, const Disbursement__PayoutConfirmed *in)
{
    struct claim claim;
    bool fits;

    TRY(follow(c, in->claim_id, ON_PAY, &claim, &fits));
    if (!fits)
        return ERR_OK;
    claim.paid_on = in->paid_on ? date_or_none(in->paid_on) : date_of(c->now);
    return claim_put(c, &claim);
}

err_t
claims_on_payout_failed(struct call *c, const Disbursement__PayoutFailed *in)
{
    struct claim claim;
    bool fits;

    TRY(follow(c, in->claim_id, ON_FAIL, &claim, &fits));
    return fits ? claim_put(c, &claim) : ERR_OK;
}

err_t
claims_on_payout_voided(struct call *c, const Disbursement__PayoutVoided *in)
{
    struct claim claim;
    bool fits;

    TRY(follow(c, in->claim_id, ON_VOID, &claim, &fits));
    return fits ? claim_put(c, &claim) : ERR_OK;
}
