/* wire_claim.c - claims, programmes and timelines: protobuf to nouns and back, events out. */
#include <stdio.h>
#include <string.h>

#include "crypto/crypto.h"
#include "mask/mask.h"
#include "svc/fields.h"
#include "wire.h"

enum { PAGE_ROWS = 50, PAGE_ROWS_MAX = 200 };

/* --- in --- */

static err_t
missing(struct err *err, const char *path)
{
    return err_at(err, ERR_INVALID, path, CLAIM_FIELD, "a field is missing");
}

static err_t
date_in(const Huzhu__Date *in, const char *path, date_t *date, struct err *err)
{
    if (!in)
        return missing(err, path);
    /* Years 1900 to 2999: what the calendar's texts can hold, with room. */
    if (in->days < -25567 || in->days > 376199)
        return err_at(err, ERR_INVALID, path, CLAIM_DATES, "the day is out of bounds");
    *date = (date_t){ in->days };
    return ERR_OK;
}

static err_t
money_in(const Huzhu__Money *in, const char *path, money_t *money, struct err *err)
{
    if (!in)
        return missing(err, path);
    *money = (money_t){ in->fen };
    if (!money_is_valid(*money))
        return err_at(err, ERR_INVALID, path, CLAIM_COSTS, "the amount is out of bounds");
    return ERR_OK;
}

static err_t
optional_id_in(const Huzhu__Id *in, const char *path, struct id *id, struct err *err)
{
    *id = (struct id){ { 0 } };
    return in && in->value.len > 0 ? id_from_wire(in, path, id, err) : ERR_OK;
}

static err_t
cause_in(const Claims__Stay *in, struct stay *stay, struct err *err)
{
    const int cause = (int) in->cause;

    if (cause < CAUSE_NONE || cause > CAUSE_SHARED || in->injury != (cause != CAUSE_NONE))
        return err_at(err, ERR_INVALID, "$.stay.cause", CLAIM_CAUSE,
                      in->injury ? "an injury needs its cause" : "no injury, but a cause");
    stay->cause = (enum cause) cause;
    return ERR_OK;
}

err_t
stay_from_wire(const Claims__Stay *in, struct stay *stay, struct err *err)
{
    static const Huzhu__Money nothing = HUZHU__MONEY__INIT;

    if (!in)
        return missing(err, "$.stay");
    *stay = (struct stay){ .hospital = in->hospital,
                           .hospital_code = in->hospital_code,
                           .hospital_level = in->hospital_level,
                           .insurance = (enum insurance) in->insurance,
                           .outpatient = in->outpatient,
                           .purpose = (enum purpose) in->purpose,
                           .cause_text = in->cause_text };
    TRY(date_in(in->admitted, "$.stay.admitted", &stay->admitted, err));
    TRY(date_in(in->discharged, "$.stay.discharged", &stay->discharged, err));
    TRY(money_in(in->total_cost, "$.stay.totalCost", &stay->total_cost, err));
    TRY(money_in(in->basic_paid ? in->basic_paid : &nothing, "$.stay.basicPaid", &stay->basic_paid,
                 err));
    TRY(money_in(in->own_payment, "$.stay.ownPayment", &stay->own_payment, err));
    return cause_in(in, stay, err);
}

err_t
payee_from_wire(const Claims__Payee *in, struct payee *payee, const char **card_again,
                struct err *err)
{
    if (!in)
        return missing(err, "$.payee");
    *payee = (struct payee){ .holder = in->holder,
                             .card = in->card,
                             .bank = in->bank,
                             .relation = (enum relation) in->relation };
    *card_again = in->card_again;
    return ERR_OK;
}

err_t
paper_from_wire(Contributions__Paper__Kind in, const char *path, enum paper *kind, struct err *err)
{
    if ((int) in < PAPER_DISCHARGE_RECORD || (int) in >= PAPER_COUNT)
        return err_at(err, ERR_INVALID, path, CLAIM_FIELD, "no such kind of paper");
    *kind = (enum paper) in;
    return ERR_OK;
}

paper_set_t
papers_from_wire(size_t count, const Contributions__Paper__Kind *kinds)
{
    paper_set_t set = 0;

    for (size_t i = 0; i < count; i++)
        if ((int) kinds[i] >= PAPER_DISCHARGE_RECORD && (int) kinds[i] < PAPER_COUNT)
            set |= PAPER_BIT(kinds[i]);
    return set;
}

/* --- pages: the token is the last claim's id, before it (of a list by due day) four bytes of day
 * --- */

struct page_key {
    uint8_t day[4];
    struct id after;
};

static err_t
page_in(uint32_t page_size, const char *token, struct claim_filter *filter, struct err *err)
{
    struct page_key key;
    size_t size = 0;

    if (page_size > PAGE_ROWS_MAX)
        return err_at(err, ERR_INVALID, "$.pageSize", PAGE_SIZE, "a page has at most %d rows",
                      PAGE_ROWS_MAX);
    *filter = (struct claim_filter){ .rows = (int) (page_size ? page_size : PAGE_ROWS) + 1 };
    if (token[0] == '\0')
        return ERR_OK;
    if (!base64url_decode(token, (uint8_t *) &key, sizeof key, &size) || size != sizeof key)
        return err_at(err, ERR_INVALID, "$.pageToken", PAGE_TOKEN,
                      "the page token is not one of this list");
    filter->after = key.after;
    for (size_t i = 0; i < sizeof key.day; i++)
        filter->after_due.days = (filter->after_due.days & 0x7fffff) << 8 | key.day[i];
    /* Days of the calendar alone: what is no token of ours asks for no strange date. */
    if (filter->after_due.days > 376199)
        filter->after_due.days = 376199;
    return ERR_OK;
}

err_t
next_page_to_wire(struct call *c, const struct claim_filter *filter, const struct claim *claims,
                  size_t *count, char **token)
{
    struct page_key key;
    char text[48];

    *token = (char *) protobuf_c_empty_string;
    if ((int) *count < filter->rows)
        return ERR_OK;
    *count = (size_t) filter->rows - 1;
    const struct claim *last = &claims[*count - 1];
    for (int i = 0; i < 4; i++)
        key.day[i] = (uint8_t) ((uint32_t) last->due_on.days >> (24 - 8 * i));
    key.after = last->id;
    (void) base64url_encode((const uint8_t *) &key, sizeof key, text);
    *token = call_text(c, text);
    return *token ? ERR_OK : c->err.code;
}

err_t
filter_from_wire(const Claims__ListClaimsRequest *in, struct claim_filter *filter, struct err *err)
{
    TRY(page_in(in->page_size, in->page_token, filter, err));
    if ((int) in->state < 0 || (int) in->state >= CLAIM_SUBMITTED)
        return err_at(err, ERR_INVALID, "$.state", CLAIM_FIELD, "no such state");
    filter->state = (enum claim_state) in->state;
    TRY(optional_id_in(in->village_id, "$.villageId", &filter->village, err));
    TRY(optional_id_in(in->person_id, "$.personId", &filter->person, err));
    return optional_id_in(in->programme_id, "$.programmeId", &filter->programme, err);
}

err_t
overdue_from_wire(const Claims__ListOverdueRequest *in, struct claim_filter *filter,
                  struct err *err)
{
    TRY(page_in(in->page_size, in->page_token, filter, err));
    return optional_id_in(in->village_id, "$.villageId", &filter->village, err);
}

/* --- programmes --- */

static void
thresholds_in(const Contributions__Programme *in, struct programme *programme)
{
    for (size_t i = 0; i < in->n_thresholds && i < THRESHOLDS_MAX; i++) {
        const Contributions__Programme__Threshold *t = in->thresholds[i];
        programme->thresholds[programme->threshold_count++] = (struct threshold){
            .insurance = (enum insurance) t->insurance,
            .on_total_cost = t->basis == CONTRIBUTIONS__PROGRAMME__THRESHOLD__BASIS__TOTAL_COST,
            .at_least = { t->at_least ? t->at_least->fen : 0 },
        };
    }
}

err_t
programme_from_wire(const Contributions__Programme *in, struct programme *programme,
                    struct err *err)
{
    if (!in)
        return missing(err, "$.programme");
    *programme = (struct programme){ .year = in->year,
                                     .name = in->name,
                                     .state = (enum programme_state) in->state,
                                     .by_discharge = in->year_by ==
                                                     CONTRIBUTIONS__PROGRAMME__YEAR_BY__DISCHARGE,
                                     .workdays = (int) in->decision_workdays,
                                     .version = in->version };
    TRY(id_from_wire(in->programme_id, "$.programme.programmeId", &programme->id, err));
    TRY(optional_id_in(in->village_id, "$.programme.villageId", &programme->village, err));
    TRY(date_in(in->starts_on, "$.programme.startsOn", &programme->starts, err));
    TRY(date_in(in->ends_on, "$.programme.endsOn", &programme->ends, err));
    if (programme->workdays < 1 || programme->workdays > 60)
        programme->workdays = 5; /* 7.2.3 a */
    if (in->n_thresholds > THRESHOLDS_MAX)
        return err_at(err, ERR_INVALID, "$.programme.thresholds", CLAIM_FIELD,
                      "more than %d thresholds", THRESHOLDS_MAX);
    thresholds_in(in, programme);
    for (size_t i = 0; i < in->n_papers; i++)
        if ((unsigned) in->papers[i]->insurance < INSURANCE_COUNT)
            programme->papers[in->papers[i]->insurance] |=
                papers_from_wire(in->papers[i]->n_kinds, in->papers[i]->kinds);
    for (size_t i = 0; i < in->n_exclusions; i++)
        if ((unsigned) in->exclusions[i] < EXCLUSION_COUNT)
            programme->exclusions |= UINT32_C(1) << in->exclusions[i];
    return ERR_OK;
}

err_t
programme_unpack(struct call *c, ProtobufCBinaryData body, struct programme *programme)
{
    ProtobufCMessage *message;

    TRY(message_decode(c, &contributions__programme__descriptor, body.len, body.data, &message));
    return programme_from_wire((const Contributions__Programme *) message, programme, &c->err);
}

/* --- out --- */

static err_t
stay_out(struct call *c, const struct stay *stay, bool with_words, Claims__Stay **out)
{
    MAKE(c, Claims__Stay, claims__stay__init, wire);
    TRY(put_date(c, stay->admitted, &wire->admitted));
    TRY(put_date(c, stay->discharged, &wire->discharged));
    TRY(put_text(c, stay->hospital, &wire->hospital));
    TRY(put_text(c, stay->hospital_code, &wire->hospital_code));
    TRY(put_text(c, stay->hospital_level, &wire->hospital_level));
    wire->insurance = (Contributions__Insurance__Kind) stay->insurance;
    wire->outpatient = stay->outpatient;
    TRY(put_money(c, stay->total_cost, &wire->total_cost));
    TRY(put_money(c, stay->basic_paid, &wire->basic_paid));
    TRY(put_money(c, stay->own_payment, &wire->own_payment));
    wire->purpose = (Claims__Stay__Purpose) stay->purpose;
    wire->injury = stay->cause != CAUSE_NONE;
    wire->cause = (Claims__Stay__Cause) stay->cause;
    if (with_words)
        TRY(put_text(c, stay->cause_text, &wire->cause_text));
    *out = wire;
    return ERR_OK;
}

static err_t
payee_out(struct call *c, const struct payee *payee, bool names, bool numbers, Claims__Payee **out)
{
    char holder[MASK_NAME_BYTES], card[MASK_CARD_BYTES];

    MAKE(c, Claims__Payee, claims__payee__init, wire);
    mask_name(names ? MASK_T2 : MASK_T1, payee->holder, holder);
    mask_card(payee->card, card);
    TRY(put_text(c, holder, &wire->holder));
    TRY(put_text(c, numbers ? payee->card : card, &wire->card));
    TRY(put_text(c, payee->bank, &wire->bank));
    wire->relation = (Claims__Payee__Relation) payee->relation;
    *out = wire;
    return ERR_OK;
}

static err_t
documents_out(struct call *c, const struct claim_view *view, Claims__Claim *wire)
{
    wire->documents = arena_alloc(c->arena, (view->paper_count + 1) * sizeof(void *));
    if (!wire->documents)
        return no_memory(c);
    for (size_t i = 0; i < view->paper_count; i++) {
        const struct claim_paper *paper = &view->papers[i];
        MAKE(c, Claims__Claim__Document, claims__claim__document__init, document);
        TRY(put_id(c, paper->upload, &document->upload_id));
        document->kind = (Contributions__Paper__Kind) paper->kind;
        TRY(put_text(c, paper->content_type, &document->content_type));
        document->size = paper->size;
        TRY(put_instant(c, paper->attached_at, &document->attached_at));
        document->sha256.data = arena_copy(c->arena, paper->sha256, sizeof paper->sha256);
        if (!document->sha256.data)
            return no_memory(c);
        document->sha256.len = sizeof paper->sha256;
        wire->documents[wire->n_documents++] = document;
    }
    return ERR_OK;
}

static err_t
kinds_out(struct call *c, paper_set_t set, size_t *count, Contributions__Paper__Kind **out)
{
    *out = arena_alloc(c->arena, PAPER_COUNT * sizeof **out);
    if (!*out)
        return no_memory(c);
    for (int kind = 1; kind < PAPER_COUNT; kind++)
        if (set & PAPER_BIT(kind))
            (*out)[(*count)++] = (Contributions__Paper__Kind) kind;
    return ERR_OK;
}

static err_t
warnings_out(struct call *c, const struct claim *claim, const struct claim_view *view,
             Claims__Claim *wire)
{
    wire->warnings = arena_alloc(c->arena, 2 * sizeof(char *));
    if (!wire->warnings)
        return no_memory(c);
    if (claim->payee.card_unsure)
        TRY(put_text(c, "card.luhn", &wire->warnings[wire->n_warnings++]));
    /* That another household uses the card is that household's business, and the reviewers'. */
    if (view->card_is_shared && view->for_reviewers)
        TRY(put_text(c, "card.shared", &wire->warnings[wire->n_warnings++]));
    return ERR_OK;
}

static err_t
details_out(struct call *c, const struct claim *claim, const struct claim_view *view,
            Claims__Claim *wire)
{
    TRY(payee_out(c, &claim->payee, view->names, view->numbers, &wire->payee));
    TRY(documents_out(c, view, wire));
    TRY(kinds_out(c, view->missing, &wire->n_missing, &wire->missing));
    TRY(put_text(c, claim->asked_note, &wire->request_note));
    return warnings_out(c, claim, view, wire);
}

static err_t
outcome_out(struct call *c, const struct claim *claim, Claims__Claim *wire)
{
    TRY(put_date(c, claim->complete_on, &wire->complete_on));
    TRY(put_date(c, claim->due_on, &wire->due_on));
    wire->provisional = claim->provisional;
    TRY(put_text(c, claim->reason, &wire->reason));
    TRY(put_text(c, claim->requirement, &wire->requirement));
    TRY(put_text(c, claim->words, &wire->words));
    if (claim->decided)
        TRY(put_money(c, claim->payable, &wire->payable));
    TRY(put_date(c, claim->decided_on, &wire->decided_on));
    return put_date(c, claim->paid_on, &wire->paid_on);
}

err_t
claim_to_wire(struct call *c, const struct claim *claim, const struct claim_view *view,
              Claims__Claim **out)
{
    char name[MASK_NAME_BYTES];

    MAKE(c, Claims__Claim, claims__claim__init, wire);
    TRY(put_id(c, claim->id, &wire->claim_id));
    TRY(put_text(c, claim->number, &wire->number));
    wire->state = (Claims__Claim__State) claim->state;
    TRY(put_id(c, claim->programme, &wire->programme_id));
    TRY(put_id(c, claim->person, &wire->person_id));
    TRY(put_id(c, claim->household, &wire->household_id));
    TRY(put_id(c, claim->village, &wire->village_id));
    TRY(put_id(c, claim->filed_by, &wire->filed_by));
    wire->by_agent = claim->by_agent;
    TRY(put_instant(c, claim->filed_at, &wire->filed_at));
    wire->version = claim->version;
    if (view->patient) {
        mask_name(view->names ? MASK_T2 : MASK_T1, view->patient->name, name);
        TRY(put_text(c, name, &wire->person_name));
    }
    TRY(stay_out(c, &claim->stay, view->with_details, &wire->stay));
    TRY(outcome_out(c, claim, wire));
    if (view->with_details)
        TRY(details_out(c, claim, view, wire));
    *out = wire;
    return ERR_OK;
}

err_t
claims_to_wire(struct call *c, const struct claim *claims, size_t count, Claims__Claim ***out)
{
    static const struct claim_view plain = { 0 };

    *out = arena_alloc(c->arena, (count + 1) * sizeof(void *));
    if (!*out)
        return no_memory(c);
    for (size_t i = 0; i < count; i++)
        TRY(claim_to_wire(c, &claims[i], &plain, &(*out)[i]));
    return ERR_OK;
}

/* --- timeline --- */

static Claims__Claim__State
state_to_wire(const char *name)
{
    for (int i = 1; i < CLAIM_STATE_COUNT; i++)
        if (strcmp(name, claim_state_names[i]) == 0)
            return (Claims__Claim__State) i;
    return CLAIMS__CLAIM__STATE__STATE_UNSPECIFIED;
}

static err_t
step_out(struct call *c, const struct claim_step *step, Claims__GetTimelineReply__Step **out)
{
    MAKE(c, Claims__GetTimelineReply__Step, claims__get_timeline_reply__step__init, wire);
    wire->step = (uint32_t) step->step;
    TRY(put_text(c, step->what, &wire->what));
    wire->from = state_to_wire(step->from);
    wire->to = state_to_wire(step->to);
    TRY(put_id(c, step->account, &wire->account_id));
    TRY(put_text(c, step->by, &wire->by));
    TRY(put_instant(c, step->at, &wire->at));
    TRY(put_text(c, step->words, &wire->words));
    *out = wire;
    return ERR_OK;
}

static err_t
round_out(struct call *c, const struct claim_round *round, Claims__GetTimelineReply__Round **out)
{
    MAKE(c, Claims__GetTimelineReply__Round, claims__get_timeline_reply__round__init, wire);
    TRY(put_date(c, round->complete_on, &wire->complete_on));
    TRY(put_date(c, round->due_on, &wire->due_on));
    wire->provisional = round->provisional;
    TRY(put_date(c, round->paused_on, &wire->paused_on));
    TRY(put_date(c, round->decided_on, &wire->decided_on));
    *out = wire;
    return ERR_OK;
}

err_t
timeline_to_wire(struct call *c, const struct claim_step *steps, size_t step_count,
                 const struct claim_round *rounds, size_t round_count,
                 Claims__GetTimelineReply *out)
{
    out->steps = arena_alloc(c->arena, (step_count + 1) * sizeof(void *));
    out->rounds = arena_alloc(c->arena, (round_count + 1) * sizeof(void *));
    if (!out->steps || !out->rounds)
        return no_memory(c);
    for (size_t i = 0; i < step_count; i++)
        TRY(step_out(c, &steps[i], &out->steps[i]));
    out->n_steps = step_count;
    for (size_t i = 0; i < round_count; i++)
        TRY(round_out(c, &rounds[i], &out->rounds[i]));
    out->n_rounds = round_count;
    return ERR_OK;
}

/* --- events --- */

err_t
emit_claim_filed(struct call *c, const struct claim *claim)
{
    Claims__ClaimFiled event = CLAIMS__CLAIM_FILED__INIT;

    TRY(put_id(c, claim->id, &event.claim_id));
    event.number = (char *) claim->number;
    TRY(put_id(c, claim->programme, &event.programme_id));
    TRY(put_id(c, claim->person, &event.person_id));
    TRY(put_id(c, claim->household, &event.household_id));
    TRY(put_id(c, claim->village, &event.village_id));
    TRY(put_id(c, claim->filed_by, &event.filed_by));
    event.by_agent = claim->by_agent;
    return event_append(c, &event.base);
}

static err_t
seal_facts(struct call *c, const Claims__ClaimFacts *facts, const char *context,
           ProtobufCBinaryData *sealed)
{
    ProtobufCBinaryData packed;

    TRY(message_pack(c, &facts->base, &packed));
    return call_seal_shared(c, context, packed.data, packed.len, sealed);
}

static err_t
facts_of(struct call *c, const struct claim *claim, const struct register_person *patient,
         ProtobufCBinaryData *sealed)
{
    const struct stay *stay = &claim->stay;
    Claims__ClaimFacts facts = CLAIMS__CLAIM_FACTS__INIT;

    facts.name = (char *) patient->name;
    facts.sex = (uint32_t) patient->sex;
    facts.birth = date_to_wire(c, patient->birth); /* 1970-01-01 is a day like any other */
    if (!facts.birth)
        return no_memory(c);
    TRY(put_date(c, stay->admitted, &facts.admitted));
    TRY(put_date(c, stay->discharged, &facts.discharged));
    facts.hospital = (char *) stay->hospital;
    facts.hospital_level = (char *) stay->hospital_level;
    facts.insurance = (Contributions__Insurance__Kind) stay->insurance;
    TRY(put_money(c, stay->total_cost, &facts.total_cost));
    TRY(put_money(c, stay->own_payment, &facts.own_payment));
    facts.payee = (char *) claim->payee.holder;
    facts.card = (char *) claim->payee.card;
    facts.bank = (char *) claim->payee.bank;
    return seal_facts(c, &facts, "event/ClaimAccepted", sealed);
}

err_t
emit_claim_accepted(struct call *c, const struct claim *claim,
                    const struct register_person *patient, const struct claim_paper *papers,
                    size_t paper_count)
{
    Claims__ClaimAccepted event = CLAIMS__CLAIM_ACCEPTED__INIT;

    TRY(put_id(c, claim->id, &event.claim_id));
    event.number = (char *) claim->number;
    TRY(put_id(c, claim->programme, &event.programme_id));
    TRY(put_id(c, claim->person, &event.person_id));
    TRY(put_id(c, claim->household, &event.household_id));
    TRY(put_id(c, claim->village, &event.village_id));
    TRY(put_id(c, claim->filed_by, &event.filed_by));
    event.provisional = claim->provisional;
    TRY(put_date(c, claim->complete_on, &event.complete_on));
    TRY(put_date(c, claim->due_on, &event.due_on));
    TRY(facts_of(c, claim, patient, &event.sealed));
    event.documents = arena_alloc(c->arena, (paper_count + 1) * sizeof(void *));
    if (!event.documents)
        return no_memory(c);
    for (size_t i = 0; i < paper_count; i++) {
        MAKE(c, Claims__ClaimAccepted__Document, claims__claim_accepted__document__init, document);
        TRY(put_id(c, papers[i].upload, &document->upload_id));
        document->kind = (Contributions__Paper__Kind) papers[i].kind;
        event.documents[event.n_documents++] = document;
    }
    return event_append(c, &event.base);
}

err_t
emit_papers_requested(struct call *c, const struct claim *claim)
{
    Claims__PapersRequested event = CLAIMS__PAPERS_REQUESTED__INIT;

    TRY(put_id(c, claim->id, &event.claim_id));
    TRY(put_id(c, claim->programme, &event.programme_id));
    TRY(put_id(c, claim->person, &event.person_id));
    TRY(put_id(c, claim->village, &event.village_id));
    TRY(kinds_out(c, claim->asked, &event.n_kinds, &event.kinds));
    return event_append(c, &event.base);
}

err_t
emit_claim_refused(struct call *c, const struct claim *claim)
{
    Claims__ClaimRefused event = CLAIMS__CLAIM_REFUSED__INIT;

    TRY(put_id(c, claim->id, &event.claim_id));
    TRY(put_id(c, claim->programme, &event.programme_id));
    TRY(put_id(c, claim->person, &event.person_id));
    TRY(put_id(c, claim->village, &event.village_id));
    event.reason = (char *) claim->reason;
    event.requirement = (char *) claim->requirement;
    return event_append(c, &event.base);
}

err_t
emit_claim_withdrawn(struct call *c, const struct claim *claim)
{
    Claims__ClaimWithdrawn event = CLAIMS__CLAIM_WITHDRAWN__INIT;

    TRY(put_id(c, claim->id, &event.claim_id));
    TRY(put_id(c, claim->programme, &event.programme_id));
    TRY(put_id(c, claim->person, &event.person_id));
    TRY(put_id(c, claim->village, &event.village_id));
    return event_append(c, &event.base);
}

err_t
emit_payee_changed(struct call *c, const struct claim *claim)
{
    Claims__PayeeChanged event = CLAIMS__PAYEE_CHANGED__INIT;
    Claims__ClaimFacts facts = CLAIMS__CLAIM_FACTS__INIT;

    TRY(put_id(c, claim->id, &event.claim_id));
    TRY(put_id(c, claim->programme, &event.programme_id));
    facts.payee = (char *) claim->payee.holder;
    facts.card = (char *) claim->payee.card;
    facts.bank = (char *) claim->payee.bank;
    TRY(seal_facts(c, &facts, "event/PayeeChanged", &event.sealed));
    return event_append(c, &event.base);
}

err_t
emit_due_day_changed(struct call *c, const struct claim *claim)
{
    Claims__DueDayChanged event = CLAIMS__DUE_DAY_CHANGED__INIT;

    TRY(put_id(c, claim->id, &event.claim_id));
    TRY(put_id(c, claim->programme, &event.programme_id));
    event.provisional = claim->provisional;
    TRY(put_date(c, claim->due_on, &event.due_on));
    return event_append(c, &event.base);
}
