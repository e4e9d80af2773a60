/* claims_test.c - the claims service on a real PostgreSQL.  Requests go through the runtime; what
 * other services tell comes through the feed, from producers that this program plays; business time
 * is a file, as in a rehearsal. */
#include "stage.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../unit/claims_documents.h"
#include "claims.pb-c.h"
#include "claims/claims.h"
#include "claims/service.h"
#include "clock/calendar.h"
#include "coding.pb-c.h"
#include "contributions.pb-c.h"
#include "disbursement.pb-c.h"
#include "identity.pb-c.h"

#define NAME "金丝雀"              /* searched for afterwards */
#define CARD "6228480012345678903" /* passes Luhn */
#define UNSURE_CARD "6228480012345678904"
#define WORDS "上山采药跌落CANARY股骨骨折"

static struct claims_conf claims_conf = { .upload_keep = 86400000 };

static const struct id town = { { 1 } }, other_town = { { 2 } };
static const struct id village = { { 0x11 } }, other_village = { { 0x12 } };
static const struct id home = { { 0x21 } }, other_home = { { 0x22 } };
static const struct id father = { { 0x31 } }, child = { { 0x32 } }, neighbour = { { 0x33 } };
static const struct id programme = { { 0x41 } };

static struct person member, stranger, clerk, far_clerk, officer, reviewer, coder, auditor;

/* The claim of any reply that has one as its first field. */
static const Claims__Claim *
claim(void)
{
    assert_non_null(answer.body);
    return ((Claims__GetClaimReply *) answer.body)->claim;
}

/* --- the producers that this program plays --- */

static void
tell_household(struct id household, struct id where, const struct id *people, size_t count,
               int64_t version)
{
    static uint8_t sealed[4096];
    Identity__HouseholdsRecorded event = IDENTITY__HOUSEHOLDS_RECORDED__INIT;
    Identity__Household one = IDENTITY__HOUSEHOLD__INIT, *all[] = { &one };
    Identity__HouseholdMember members[4], *member_list[4];
    Identity__PeopleSealed secret = IDENTITY__PEOPLE_SEALED__INIT;
    Identity__PeopleSealed__Person persons[4], *person_list[4];

    for (size_t i = 0; i < count; i++) {
        identity__household_member__init(&members[i]);
        identity__people_sealed__person__init(&persons[i]);
        members[i].person_id = persons[i].person_id = wire(people[i]);
        persons[i].name = (char *) (id_cmp(people[i], father) == 0 ? NAME : "张小宝");
        persons[i].sex = IDENTITY__PEOPLE_SEALED__PERSON__SEX__MALE;
        persons[i].birth = day(id_cmp(people[i], child) == 0 ? "2015-06-01" : "1970-01-01");
        member_list[i] = &members[i];
        person_list[i] = &persons[i];
    }
    one.household_id = wire(household);
    one.village_id = wire(where);
    one.members = member_list;
    one.n_members = count;
    one.version = version;
    secret.people = person_list;
    secret.n_people = count;
    event.households = all;
    event.n_households = 1;
    seal_for(town, "event/HouseholdsRecorded", &secret.base, sealed, &event.sealed);
    tell("identity", &event.base);
}

static void
tell_programme(Contributions__Programme__State state, int64_t version)
{
    Contributions__ProgrammeChanged event = CONTRIBUTIONS__PROGRAMME_CHANGED__INIT;
    Contributions__Programme p = CONTRIBUTIONS__PROGRAMME__INIT;
    Contributions__Programme__Threshold thresholds[4], *list[4];
    Contributions__Programme__Exclusion exclusions[] = { 1, 2, 3, 4, 5, 6, 7 };

    for (int i = 0; i < 4; i++) {
        contributions__programme__threshold__init(&thresholds[i]);
        thresholds[i].insurance = (Contributions__Insurance__Kind) (i + 1);
        thresholds[i].basis = i < 2 ? CONTRIBUTIONS__PROGRAMME__THRESHOLD__BASIS__OWN_PAYMENT
                                    : CONTRIBUTIONS__PROGRAMME__THRESHOLD__BASIS__TOTAL_COST;
        thresholds[i].at_least = fen(i < 2 ? 400000 : 700000);
        list[i] = &thresholds[i];
    }
    p.programme_id = wire(programme);
    p.year = 2025;
    p.name = (char *) "永泰 2025";
    p.state = state;
    p.starts_on = day("2025-01-01");
    p.ends_on = day("2025-12-31");
    p.decision_workdays = 5;
    p.thresholds = list;
    p.n_thresholds = 4;
    p.exclusions = exclusions;
    p.n_exclusions = COUNT(exclusions);
    p.version = version;
    event.programme = &p;
    tell("contributions", &event.base);
}

static void
tell_members(struct id household, const struct id *people, size_t count)
{
    Contributions__MembersChanged event = CONTRIBUTIONS__MEMBERS_CHANGED__INIT;
    Contributions__MembersChanged__Member members[4], *list[4];

    for (size_t i = 0; i < count; i++) {
        contributions__members_changed__member__init(&members[i]);
        members[i].person_id = wire(people[i]);
        members[i].in_force = true;
        members[i].from = day("2025-01-01");
        list[i] = &members[i];
    }
    event.programme_id = wire(programme);
    event.household_id = wire(household);
    event.village_id = wire(village);
    event.members = list;
    event.n_members = count;
    tell("contributions", &event.base);
}

/* --- the world --- */

static struct person
staff(role_set_t roles, struct id where, uint32_t clearance)
{
    struct person person = a_person(town, roles);

    person.organisation = where;
    person.own_person = (struct id){ { 0 } };
    person.clearance = clearance;
    return person;
}

static void
people(void)
{
    const uint32_t all = LABEL_IDENTITY | LABEL_HEALTH | LABEL_MONEY;

    member = a_person(town, ROLE_MEMBER);
    member.own_person = father;
    member.clearance = all;
    stranger = a_person(town, ROLE_MEMBER);
    stranger.own_person = neighbour;
    stranger.clearance = all;
    clerk = staff(ROLE_VILLAGE_CLERK, village, all);
    far_clerk = staff(ROLE_VILLAGE_CLERK, other_village, all);
    officer = staff(ROLE_TOWNSHIP_OFFICER, (struct id){ { 0 } }, all);
    officer.whole_tenant = true;
    reviewer = staff(ROLE_REVIEWER, (struct id){ { 0 } }, LABEL_HEALTH);
    reviewer.whole_tenant = true;
    coder = staff(ROLE_CODER, (struct id){ { 0 } }, LABEL_HEALTH);
    coder.whole_tenant = true;
    auditor = staff(ROLE_AUDITOR, (struct id){ { 0 } }, all);
    auditor.whole_tenant = true;
}

static int
open_world(void **state)
{
    (void) state;
    return stage_open(&claims_service, &claims_conf, town);
}

static int
clean(void **state)
{
    static const struct id ours[] = { { { 0x31 } }, { { 0x32 } } };

    (void) state;
    assert_int_equal(cluster_broken_invariants(cluster), 0); /* what the last test left */
    cluster_sql(cluster,
                "TRUNCATE claims.upload, claims.upload_piece, claims.upload_sent, claims.household,"
                " claims.person, claims.programme, claims.member, claims.job, claims.claim_number,"
                " claims.claim, claims.claim_paper, claims.claim_step, claims.claim_round,"
                " claims.event, claims.reply, claims.parked");
    thread->refusals_us = 0;
    people();
    now_is("2025-09-26T02:00:00Z"); /* a Friday morning in Shanghai */
    tell_household(home, village, ours, 2, 1);
    tell_household(other_home, village, &neighbour, 1, 1);
    tell_programme(CONTRIBUTIONS__PROGRAMME__STATE__IN_FORCE, 1);
    tell_members(home, ours, 2);
    tell_members(other_home, &neighbour, 1);
    return 0;
}

/* --- verbs --- */

/* A request to file, well-formed, to be changed. */
static struct form {
    Claims__FileClaimRequest in;
    Claims__Stay stay;
    Claims__Payee payee;
    struct id id;
} form;

static Claims__FileClaimRequest *
new_form(void)
{
    claims__file_claim_request__init(&form.in);
    claims__stay__init(&form.stay);
    claims__payee__init(&form.payee);
    form.id = new_id();
    form.in.claim_id = wire(form.id);
    form.in.person_id = wire(father);
    form.in.stay = &form.stay;
    form.in.payee = &form.payee;
    form.stay.admitted = day("2025-09-01");
    form.stay.discharged = day("2025-09-10");
    form.stay.hospital = (char *) "永泰县医院";
    form.stay.hospital_code = (char *) "H35012500012";
    form.stay.hospital_level = (char *) "2";
    form.stay.insurance = CONTRIBUTIONS__INSURANCE__KIND__RESIDENT;
    form.stay.total_cost = fen(2000000);
    form.stay.basic_paid = fen(1200000);
    form.stay.own_payment = fen(800000);
    form.stay.purpose = CLAIMS__STAY__PURPOSE__TREATMENT;
    form.payee.holder = (char *) NAME;
    form.payee.card = (char *) CARD;
    form.payee.bank = (char *) "永泰农商行";
    form.payee.relation = CLAIMS__PAYEE__RELATION__SELF;
    return &form.in;
}

static struct id
upload_of(const struct person *person, const struct sample *sample)
{
    Claims__WriteUploadRequest in = CLAIMS__WRITE_UPLOAD_REQUEST__INIT;
    const struct id id = new_id();

    in.upload_id = wire(id);
    in.data = (ProtobufCBinaryData){ sample->size, (uint8_t *) sample->bytes };
    in.last = true;
    OK(ask(person, "WriteUpload", &in.base));
    return id;
}

static struct id
a_paper(const struct person *person)
{
    const struct sample jpeg = a_jpeg(false);

    return upload_of(person, &jpeg);
}

static err_t
attach(const struct person *person, struct id claim_id, struct id upload, int kind)
{
    Claims__AttachPaperRequest in = CLAIMS__ATTACH_PAPER_REQUEST__INIT;

    in.claim_id = wire(claim_id);
    in.upload_id = wire(upload);
    in.kind = (Contributions__Paper__Kind) kind;
    return ask(person, "AttachPaper", &in.base);
}

/* Files the form with the kinds of papers as bits; the claim's id. */
static struct id
draft(const struct person *person, unsigned kinds)
{
    const struct id id = form.id;

    OK(ask(person, "FileClaim", &form.in.base));
    for (int kind = 1; kind <= 6; kind++)
        if (kinds & (1U << kind))
            OK(attach(person, id, a_paper(person), kind));
    return id;
}
enum { THREE = 1 << 1 | 1 << 2 | 1 << 3 };

#define CLAIM_ID_RPC(function, Rpc, rpc)                                                           \
    static err_t function(const struct person *person, struct id id)                               \
    {                                                                                              \
        Claims__##Rpc##Request in;                                                                 \
        claims__##rpc##_request__init(&in);                                                        \
        in.claim_id = wire(id);                                                                    \
        return ask(person, #Rpc, &in.base);                                                        \
    }
CLAIM_ID_RPC(submit, SubmitClaim, submit_claim)
CLAIM_ID_RPC(get, GetClaim, get_claim)
CLAIM_ID_RPC(withdraw, WithdrawClaim, withdraw_claim)
CLAIM_ID_RPC(timeline, GetTimeline, get_timeline)

static struct id
accepted(void)
{
    (void) new_form();
    const struct id id = draft(&member, THREE);

    OK(submit(&member, id));
    assert_int_equal(claim()->state, CLAIMS__CLAIM__STATE__ACCEPTED);
    return id;
}

static err_t
request_papers(const struct person *person, struct id id, int kind, const char *note)
{
    Claims__RequestPapersRequest in = CLAIMS__REQUEST_PAPERS_REQUEST__INIT;
    Contributions__Paper__Kind kinds[] = { (Contributions__Paper__Kind) kind };

    in.claim_id = wire(id);
    in.kinds = kinds;
    in.n_kinds = kind ? 1 : 0;
    in.note = (char *) note;
    return ask(person, "RequestPapers", &in.base);
}

static err_t
add_paper(const struct person *person, struct id id, struct id upload, int kind)
{
    Claims__AddPapersRequest in = CLAIMS__ADD_PAPERS_REQUEST__INIT;
    Claims__AddPapersRequest__Paper paper = CLAIMS__ADD_PAPERS_REQUEST__PAPER__INIT,
                                    *papers[] = { &paper };

    in.claim_id = wire(id);
    paper.upload_id = wire(upload);
    paper.kind = (Contributions__Paper__Kind) kind;
    in.papers = papers;
    in.n_papers = kind ? 1 : 0;
    return ask(person, "AddPapers", &in.base);
}

static err_t
change_payee(const struct person *person, struct id id, const char *holder, const char *card,
             int relation, const struct id *mandate)
{
    Claims__ChangePayeeRequest in = CLAIMS__CHANGE_PAYEE_REQUEST__INIT;
    Claims__Payee payee = CLAIMS__PAYEE__INIT;

    in.claim_id = wire(id);
    in.payee = &payee;
    payee.holder = (char *) holder;
    payee.card = (char *) card;
    payee.bank = (char *) "建设银行";
    payee.relation = (Claims__Payee__Relation) relation;
    in.mandate_id = mandate ? wire(*mandate) : NULL;
    return ask(person, "ChangePayee", &in.base);
}

static err_t
refuse(const struct person *person, struct id id, int exclusion, struct id evidence)
{
    Claims__RefuseClaimRequest in = CLAIMS__REFUSE_CLAIM_REQUEST__INIT;

    in.claim_id = wire(id);
    in.exclusion = (Contributions__Programme__Exclusion) exclusion;
    in.evidence = wire(evidence);
    return ask(person, "RefuseClaim", &in.base);
}

static void
tell_priced(struct id id, int64_t payable, const char *on)
{
    Coding__ClaimPriced event = CODING__CLAIM_PRICED__INIT;

    event.claim_id = wire(id);
    event.coding_id = wire(new_id());
    event.payable = fen(payable);
    event.decided_on = day(on);
    tell("coding", &event.base);
}

static bool
is_on(const Huzhu__Date *date, const char *text)
{
    date_t read;

    return date && date_parse(text, &read) && date->days == read.days;
}

static int
events_of(const char *name)
{
    char sql[160];

    (void) snprintf(sql, sizeof sql, "SELECT FROM claims.event WHERE topic = 'huzhu.claims.v1.%s'",
                    name);
    return cluster_sql(cluster, sql);
}

/* --- the life of a claim --- */

static void
req_7_2_2_a_claim_without_its_papers_stays_a_draft(void **state)
{
    (void) state;
    (void) new_form();
    const struct id id = draft(&member, 1 << 1 | 1 << 3);

    assert_int_equal(claim()->n_missing, 1);
    assert_int_equal(claim()->missing[0], CONTRIBUTIONS__PAPER__KIND__COST_LIST);
    FAILS(submit(&member, id), ERR_REFUSED, "claim.papers_missing");
    assert_non_null(strstr(answer.text, "住院费用清单"));
    OK(get(&member, id));
    assert_int_equal(claim()->state, CLAIMS__CLAIM__STATE__DRAFT);
    assert_string_equal(claim()->number, "");
    OK(attach(&member, id, a_paper(&member), 2));
    assert_int_equal(claim()->n_missing, 0);
    OK(submit(&member, id));
    assert_int_equal(claim()->state, CLAIMS__CLAIM__STATE__ACCEPTED);
    assert_string_equal(claim()->number, "2025-000001");
    assert_int_equal(events_of("ClaimFiled"), 1);
    assert_int_equal(events_of("ClaimAccepted"), 1);
}

static void
req_7_2_3a_papers_of_26_september_are_due_on_10_october(void **state)
{
    (void) state;
    const struct id id = accepted();

    assert_true(is_on(claim()->complete_on, "2025-09-26"));
    assert_true(is_on(claim()->due_on, "2025-10-10"));
    assert_false(claim()->provisional);
    /* overdue when the due day has passed, not on it */
    Claims__ListOverdueRequest in = CLAIMS__LIST_OVERDUE_REQUEST__INIT;
    now_is("2025-10-10T15:59:59Z"); /* 23:59:59 in Shanghai */
    OK(ask(&officer, "ListOverdue", &in.base));
    assert_int_equal(((Claims__ListOverdueReply *) answer.body)->n_claims, 0);
    now_is("2025-10-10T16:00:00Z");
    OK(ask(&officer, "ListOverdue", &in.base));
    assert_int_equal(((Claims__ListOverdueReply *) answer.body)->n_claims, 1);
    FAILS(ask(&member, "ListOverdue", &in.base), ERR_FORBIDDEN, "call.role");
    tell_priced(id, 123400, "2025-10-11");
    OK(ask(&officer, "ListOverdue", &in.base));
    assert_int_equal(((Claims__ListOverdueReply *) answer.body)->n_claims, 0);
}

static void
req_7_2_3a_the_clock_stands_while_papers_are_asked_for(void **state)
{
    (void) state;
    const struct id id = accepted();

    now_is("2025-09-29T02:00:00Z");
    FAILS(request_papers(&member, id, 2, ""), ERR_FORBIDDEN, "call.role");
    OK(request_papers(&reviewer, id, 2, "第二页看不清"));
    assert_int_equal(claim()->state, CLAIMS__CLAIM__STATE__PAPERS_REQUESTED);
    assert_int_equal(claim()->missing[0], CONTRIBUTIONS__PAPER__KIND__COST_LIST);
    now_is("2025-10-20T02:00:00Z"); /* past the first due day, and not overdue */
    Claims__ListOverdueRequest in = CLAIMS__LIST_OVERDUE_REQUEST__INIT;
    OK(ask(&officer, "ListOverdue", &in.base));
    assert_int_equal(((Claims__ListOverdueReply *) answer.body)->n_claims, 0);

    OK(add_paper(&member, id, a_paper(&member), 6)); /* not what was asked for */
    assert_int_equal(claim()->state, CLAIMS__CLAIM__STATE__PAPERS_REQUESTED);
    assert_string_equal(claim()->request_note, "第二页看不清");
    OK(add_paper(&member, id, a_paper(&member), 2));
    assert_int_equal(claim()->state, CLAIMS__CLAIM__STATE__ACCEPTED);
    assert_true(is_on(claim()->complete_on, "2025-10-20"));
    assert_true(is_on(claim()->due_on, "2025-10-27"));
    assert_int_equal(events_of("ClaimAccepted"), 2);
    assert_int_equal(events_of("PapersRequested"), 1);

    OK(timeline(&member, id)); /* both histories are kept */
    const Claims__GetTimelineReply *reply = (const Claims__GetTimelineReply *) answer.body;
    assert_int_equal(reply->n_rounds, 2);
    assert_true(is_on(reply->rounds[0]->due_on, "2025-10-10"));
    assert_true(is_on(reply->rounds[0]->paused_on, "2025-09-29"));
    assert_null(reply->rounds[1]->paused_on);
}

static void
req_7_2_3a_provisional_due_days_are_counted_again(void **state)
{
    const struct svc_duty *duty = &claims_service.duties[1];
    char path[160];
    struct err err;

    (void) state;
    now_is("2025-12-31T02:00:00Z");
    (void) accepted();
    assert_false(claim()->provisional); /* 2026 is published */
    cluster_sql(cluster, "TRUNCATE claims.claim CASCADE");
    now_is("2026-12-30T02:00:00Z");
    (void) new_form();
    form.stay.admitted = day("2025-12-31");
    form.stay.discharged = day("2026-01-05");
    struct id id = draft(&member, THREE);
    OK(submit(&member, id));
    assert_true(claim()->provisional);
    assert_true(is_on(claim()->due_on, "2027-01-07")); /* 31, 4, 5, 6, 7 */

    /* the notice comes: 4 January 2027 is off too */
    (void) snprintf(path, sizeof path, "%s/calendar", keys_folder(keys));
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs("2027 notice test\n2027-01-01 off\n2027-01-04 off\n", out) > 0);
    (void) fclose(out);
    assert_int_equal(calendar_load(path, &err), ERR_OK);
    thread->is_duty = true;
    const err_t code = duty_run(thread, duty, &err);
    const err_t again = duty_run(thread, duty, &err);
    thread->is_duty = false;
    calendar_unload();
    assert_int_equal(code, ERR_OK);
    assert_int_equal(again, ERR_OK);
    OK(get(&member, id));
    assert_true(is_on(claim()->due_on, "2027-01-08"));
    assert_false(claim()->provisional);
    assert_int_equal(events_of("DueDayChanged"), 1); /* audit: once, with its step */
    assert_int_equal(cluster_sql(cluster, "SELECT FROM claims.claim_step WHERE what = 'DUE_DAY'"),
                     1);
}

static void
a_refusal_says_why_with_its_figures(const char *reason, const char *requirement,
                                    const char *figures)
{
    const struct id id = draft(&member, THREE | 1 << 5);

    OK(submit(&member, id));
    assert_int_equal(claim()->state, CLAIMS__CLAIM__STATE__REFUSED);
    assert_string_equal(claim()->reason, reason);
    assert_string_equal(claim()->requirement, requirement);
    if (!strstr(claim()->words, figures))
        fail_msg("%s", claim()->words);
    assert_null(claim()->due_on);
}

static void
req_003_8_to_14_refusals_are_decided_when_a_claim_is_sent(void **state)
{
    (void) state;
    new_form()->stay->own_payment = fen(399999); /* 003-9 */
    a_refusal_says_why_with_its_figures("claim.own_payment", "003-9", "还差 0.01 元");
    new_form()->stay->admitted = day("2024-12-31"); /* 003-8 */
    a_refusal_says_why_with_its_figures("claim.outside_year", "003-8", "2025-01-01");
    new_form()->stay->outpatient = true; /* 0-3.1 */
    a_refusal_says_why_with_its_figures("claim.outpatient", "0-3.1", "门诊");
    new_form()->stay->injury = true; /* 003-14 */
    form.stay.cause = CLAIMS__STAY__CAUSE__WORK;
    a_refusal_says_why_with_its_figures("claim.excluded", "003-14", "工伤");
    new_form()->stay->insurance = CONTRIBUTIONS__INSURANCE__KIND__NONE; /* 003-10 */
    form.stay.basic_paid = fen(0);
    form.stay.total_cost = fen(699999);
    form.stay.own_payment = fen(699999);
    a_refusal_says_why_with_its_figures("claim.total_cost", "003-10", "7000.00");
    assert_int_equal(events_of("ClaimRefused"), 5);
    assert_int_equal(events_of("ClaimFiled"), 5);

    (void) new_form(); /* both at once: 4,000.00 of another stay is accepted, 003-9 */
    form.stay.own_payment = fen(400000);
    const struct id id = draft(&member, THREE);
    OK(submit(&member, id));
    assert_int_equal(claim()->state, CLAIMS__CLAIM__STATE__ACCEPTED);
    assert_string_equal(claim()->number, "2025-000005"); /* the year of 2024-12-31 has its own */
}

static void
req_003_9_a_stay_is_claimed_once(void **state)
{
    (void) state;
    const struct id first = accepted();

    new_form()->stay->admitted = day("2025-09-09"); /* a day inside the first */
    form.stay.discharged = day("2025-09-20");
    form.stay.hospital = (char *) "省立医院";
    form.stay.hospital_code = (char *) "H1";
    a_refusal_says_why_with_its_figures("claim.duplicate", "003-9", "2025-000001");
    new_form()->stay->admitted = day("2025-09-10"); /* moved there on the day of discharge */
    form.stay.discharged = day("2025-09-20");
    form.stay.hospital_code = (char *) "H1";
    struct id id = draft(&member, THREE);
    OK(submit(&member, id));
    assert_int_equal(claim()->state, CLAIMS__CLAIM__STATE__ACCEPTED);
    /* a withdrawn claim leaves its stay free */
    OK(withdraw(&member, first));
    (void) new_form();
    id = draft(&member, THREE);
    OK(submit(&member, id));
    assert_int_equal(claim()->state, CLAIMS__CLAIM__STATE__ACCEPTED);
}

/* Two workers at once; each request stands before its thread starts. */
struct racer {
    struct svc_thread *thread;
    struct request_of *request;
    pthread_barrier_t *start;
    err_t code;
};

static void *
race(void *arg)
{
    struct racer *racer = arg;
    Bus__Answer out;

    (void) pthread_barrier_wait(racer->start);
    svc_thread_answer(racer->thread, "gateway", &racer->request->envelope, &out);
    racer->code = bus_err_from_code(out.code);
    return NULL;
}

static void
req_003_9_two_claims_of_one_stay_at_once_are_one(void **state)
{
    OWNED(svc_thread_destroy) struct svc_thread *second = NULL;
    Claims__SubmitClaimRequest in = CLAIMS__SUBMIT_CLAIM_REQUEST__INIT;
    char admitted[DATE_TEXT_BYTES];
    struct err err;

    (void) state;
    assert_int_equal(svc_thread_create(rt, 5000, &second, &err), ERR_OK);
    for (int round = 0; round < 8; round++) {
        struct racer racers[2] = { { .thread = thread }, { .thread = second } };
        pthread_barrier_t start;
        pthread_t threads[2];
        assert_int_equal(pthread_barrier_init(&start, NULL, 2), 0);
        for (int i = 0; i < 2; i++) {
            (void) snprintf(admitted, sizeof admitted, "2025-0%d-01", round + 1);
            new_form()->stay->admitted = day(admitted);
            (void) snprintf(admitted, sizeof admitted, "2025-0%d-05", round + 1);
            form.stay.discharged = day(admitted);
            form.stay.hospital_code = (char *) (i ? "H1" : "H2"); /* no index holds these apart */
            form.stay.hospital = (char *) (i ? "甲医院" : "乙医院");
            in.claim_id = wire(draft(&member, THREE));
            racers[i].request = request_of(keys, &member, "SubmitClaim", &in.base, i ? "a" : "b");
            racers[i].start = &start;
        }
        cluster_sql(cluster, "TRUNCATE claims.reply");
        for (int i = 0; i < 2; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(pthread_join(threads[i], NULL), 0);
            assert_int_equal(racers[i].code, ERR_OK);
            request_free(racers[i].request);
        }
        (void) pthread_barrier_destroy(&start);
        assert_int_equal(cluster_sql(cluster, "SELECT FROM claims.claim WHERE state = 'ACCEPTED'"),
                         round + 1);
        assert_int_equal(cluster_sql(cluster, "SELECT FROM claims.claim WHERE state = 'REFUSED'"
                                              " AND reason = 'claim.duplicate'"),
                         round + 1);
    }
}

static void
req_6_2_2f_every_step_has_actor_time_and_states(void **state)
{
    static const struct {
        const char *what, *by;
        int from, to;
        bool person;
    } steps[] = {
        { "FILE", "claims", 1, 1, true },          { "SUBMIT", "claims", 1, 11, true },
        { "ACCEPT", "claims", 11, 2, true },       { "PRICE", "coding", 2, 4, false },
        { "RETURN", "disbursement", 4, 2, false }, { "PRICE", "coding", 2, 4, false },
        { "LIST", "disbursement", 4, 5, false },   { "FAIL", "disbursement", 5, 7, false },
        { "PAYEE", "claims", 7, 7, true },         { "PAY", "disbursement", 7, 6, false },
    };
    Disbursement__LineReturned returned = DISBURSEMENT__LINE_RETURNED__INIT;
    Disbursement__ListApproved list = DISBURSEMENT__LIST_APPROVED__INIT;
    Disbursement__ListApproved__Line line = DISBURSEMENT__LIST_APPROVED__LINE__INIT,
                                     *lines[] = { &line };
    Disbursement__PayoutFailed failed = DISBURSEMENT__PAYOUT_FAILED__INIT;
    Disbursement__PayoutConfirmed paid = DISBURSEMENT__PAYOUT_CONFIRMED__INIT;

    (void) state;
    const struct id id = accepted();
    returned.claim_id = line.claim_id = failed.claim_id = paid.claim_id = wire(id);
    list.lines = lines;
    list.n_lines = 1;
    paid.paid_on = day("2025-11-05");
    tell_priced(id, 100000, "2025-09-28");
    tell("disbursement", &returned.base);
    tell_priced(id, 123400, "2025-09-29");
    OK(get(&member, id));
    assert_int_equal(claim()->payable->fen, 123400);
    tell("disbursement", &list.base);
    FAILS(change_payee(&member, id, NAME, CARD, 1, NULL), ERR_CONFLICT, "claim.paid_already");
    tell("disbursement", &failed.base);
    OK(change_payee(&member, id, NAME, "6217001234567890122", 1, NULL));
    tell("disbursement", &paid.base);

    OK(timeline(&auditor, id));
    const Claims__GetTimelineReply *reply = (const Claims__GetTimelineReply *) answer.body;
    assert_int_equal(reply->n_steps, COUNT(steps));
    for (size_t i = 0; i < COUNT(steps); i++) {
        assert_string_equal(reply->steps[i]->what, steps[i].what);
        assert_string_equal(reply->steps[i]->by, steps[i].by);
        assert_int_equal(reply->steps[i]->from, steps[i].from);
        assert_int_equal(reply->steps[i]->to, steps[i].to);
        assert_int_equal(reply->steps[i]->account_id != NULL, steps[i].person);
        assert_true(reply->steps[i]->at->us > 0 && reply->steps[i]->words[0]);
    }
    OK(get(&member, id));
    assert_int_equal(claim()->state, CLAIMS__CLAIM__STATE__PAID);
    assert_true(is_on(claim()->paid_on, "2025-11-05"));
    assert_int_equal(events_of("PayeeChanged"), 1);
}

/* Two services' logs have no common order: what is heard in the wrong one comes to the same. */
static void
a_price_is_heard_before_the_return_it_answers(void **state)
{
    Disbursement__LineReturned returned = DISBURSEMENT__LINE_RETURNED__INIT;

    (void) state;
    const struct id id = accepted();
    returned.claim_id = wire(id);
    tell_priced(id, 100000, "2025-09-28");
    for (int64_t fen = 90000; fen >= 80000; fen -= 10000) { /* returned twice */
        tell_priced(id, fen, "2025-09-29");
        tell("disbursement", &returned.base);
        OK(get(&member, id));
        assert_int_equal(claim()->state, CLAIMS__CLAIM__STATE__DECIDED);
        assert_int_equal(claim()->payable->fen, fen);
        assert_true(is_on(claim()->decided_on, "2025-09-29"));
    }
    tell("disbursement", &returned.base); /* and once in order */
    OK(get(&member, id));
    assert_int_equal(claim()->state, CLAIMS__CLAIM__STATE__ACCEPTED);
}

static void
a_list_is_heard_of_before_its_price(void **state)
{
    Disbursement__ListApproved list = DISBURSEMENT__LIST_APPROVED__INIT;
    Disbursement__ListApproved__Line line = DISBURSEMENT__LIST_APPROVED__LINE__INIT,
                                     *lines[] = { &line };

    (void) state;
    const struct id id = accepted();
    line.claim_id = wire(id);
    list.lines = lines;
    list.n_lines = 1;
    tell("disbursement", &list.base);
    tell_priced(id, 100000, "2025-09-28");
    OK(get(&member, id));
    assert_int_equal(claim()->state, CLAIMS__CLAIM__STATE__LISTED);
    assert_int_equal(claim()->payable->fen, 100000);
    assert_true(is_on(claim()->decided_on, "2025-09-28"));
}

static void
late_events_leave_a_line_and_change_nothing(void **state)
{
    Coding__ClaimUnfit unfit = CODING__CLAIM_UNFIT__INIT;
    Disbursement__PayoutVoided voided = DISBURSEMENT__PAYOUT_VOIDED__INIT;

    (void) state;
    const struct id id = accepted();
    OK(withdraw(&member, id));
    tell_priced(id, 1, "2025-09-29");
    unfit.claim_id = voided.claim_id = wire(id);
    unfit.exclusion = CONTRIBUTIONS__PROGRAMME__EXCLUSION__COSMETIC;
    tell("coding", &unfit.base);
    tell("disbursement", &voided.base);
    OK(get(&member, id));
    assert_int_equal(claim()->state, CLAIMS__CLAIM__STATE__WITHDRAWN);
    assert_null(claim()->payable);
    assert_int_equal(cluster_sql(cluster,
                                 "SELECT FROM claims.claim_step WHERE what = 'LATE' AND to_state = "
                                 "'WITHDRAWN'"),
                     3);
    assert_int_equal(events_of("ClaimWithdrawn"), 1);
    assert_int_equal(events_of("ClaimRefused"), 0);
}

static void
coding_asks_for_papers_and_finds_unfit_stays(void **state)
{
    Coding__PapersAsked asked = CODING__PAPERS_ASKED__INIT;
    Coding__ClaimUnfit unfit = CODING__CLAIM_UNFIT__INIT;
    Contributions__Paper__Kind kinds[] = { CONTRIBUTIONS__PAPER__KIND__DISCHARGE_RECORD };
    Disbursement__PayoutVoided voided = DISBURSEMENT__PAYOUT_VOIDED__INIT;
    uint8_t sealed[256];

    (void) state;
    struct id id = accepted();
    asked.claim_id = unfit.claim_id = wire(id);
    asked.kinds = kinds;
    asked.n_kinds = 1;
    seal_bytes(town, "event/PapersAsked", "缺末页", strlen("缺末页"), sealed, &asked.sealed);
    tell("coding", &asked.base);
    OK(get(&member, id));
    assert_int_equal(claim()->state, CLAIMS__CLAIM__STATE__PAPERS_REQUESTED);
    assert_string_equal(claim()->request_note, "缺末页");
    unfit.exclusion = CONTRIBUTIONS__PROGRAMME__EXCLUSION__PLASTIC;
    tell("coding", &unfit.base);
    OK(get(&member, id));
    assert_int_equal(claim()->state, CLAIMS__CLAIM__STATE__REFUSED);
    assert_string_equal(claim()->reason, "claim.excluded");
    assert_non_null(strstr(claim()->words, "整形"));

    id = accepted();
    tell_priced(id, 5, "2025-09-29");
    voided.claim_id = wire(id);
    tell("disbursement", &voided.base);
    OK(get(&member, id));
    assert_int_equal(claim()->state, CLAIMS__CLAIM__STATE__UNPAID);
}

static void
req_003_14_by_hand_a_claim_is_refused_for_a_listed_ground_with_evidence(void **state)
{
    (void) state;
    const struct id id = accepted();
    const struct id evidence = a_paper(&member);
    struct person insider = officer;

    FAILS(refuse(&officer, id, 99, evidence), ERR_INVALID, "claim.ground");
    FAILS(refuse(&officer, id, 0, evidence), ERR_INVALID, "claim.ground");
    FAILS(refuse(&officer, id, 4, evidence), ERR_REFUSED, "claim.paper_none");
    OK(request_papers(&officer, id, 5, ""));
    OK(add_paper(&member, id, evidence, 5));
    insider.own_person = child; /* of the household */
    FAILS(refuse(&insider, id, 4, evidence), ERR_FORBIDDEN, "claim.own_case");
    insider = officer;
    insider.account = member.account; /* the filer */
    FAILS(refuse(&insider, id, 4, evidence), ERR_FORBIDDEN, "claim.own_case");
    FAILS(refuse(&clerk, id, 4, evidence), ERR_FORBIDDEN, "call.role");
    OK(refuse(&officer, id, 4, evidence));
    assert_string_equal(claim()->requirement, "003-14");
    assert_int_equal(events_of("ClaimRefused"), 1);
    FAILS(refuse(&officer, id, 4, evidence), ERR_CONFLICT, "claim.move");
}

static void
req_003_11_an_agent_files_with_a_mandate(void **state)
{
    (void) state;
    (void) new_form();
    FAILS(ask(&stranger, "FileClaim", &form.in.base), ERR_FORBIDDEN, "claim.not_yours");
    form.in.by_agent = true;
    const struct id id = draft(&stranger, THREE);
    FAILS(submit(&stranger, id), ERR_REFUSED, "claim.papers_missing");
    assert_non_null(strstr(answer.text, "委托书"));
    OK(attach(&stranger, id, a_paper(&stranger), 4));
    OK(submit(&stranger, id));
    assert_int_equal(claim()->state, CLAIMS__CLAIM__STATE__ACCEPTED);
    assert_true(claim()->by_agent);
    OK(get(&member, id)); /* the household sees what was filed for it */

    /* another holder of the card than the patient */
    FAILS(change_payee(&member, id, "张三", CARD, 1, NULL), ERR_REFUSED, "claim.payee");
    OK(change_payee(&member, id, "张三", CARD, 3, NULL)); /* the mandate is there */
    const struct id other = new_form() ? draft(&clerk, 0) : form.id;
    assert_int_equal(claim()->n_missing, 3);
    OK(withdraw(&clerk, other));
    assert_int_equal(events_of("ClaimWithdrawn"), 0); /* nobody had been told of the draft */
}

static void
a_payee_who_is_not_the_patient_needs_a_mandate(void **state)
{
    (void) state;
    const struct id id = accepted(), mandate = a_paper(&member);

    FAILS(change_payee(&member, id, "张三", CARD, 3, NULL), ERR_REFUSED, "claim.mandate");
    OK(change_payee(&member, id, "张三", CARD, 3, &mandate));
    assert_int_equal(claim()->payee->relation, CLAIMS__PAYEE__RELATION__RELATIVE);
    /* the guardian of a child needs none */
    new_form()->person_id = wire(child);
    form.payee.relation = CLAIMS__PAYEE__RELATION__GUARDIAN;
    const struct id second = draft(&member, THREE);
    OK(submit(&member, second));
    assert_int_equal(claim()->state, CLAIMS__CLAIM__STATE__ACCEPTED);
}

/* --- who sees what --- */

static void
who_has_no_part_in_a_claim_does_not_see_it(void **state)
{
    struct person elsewhere = officer;

    (void) state;
    const struct id id = accepted();
    elsewhere.tenant = other_town;
    FAILS(get(&stranger, id), ERR_NOT_FOUND, "claim.none");
    FAILS(get(&far_clerk, id), ERR_NOT_FOUND, "claim.none");
    FAILS(get(&elsewhere, id), ERR_NOT_FOUND, "claim.none");
    FAILS(get(&coder, id), ERR_FORBIDDEN, "call.role");
    FAILS(withdraw(&stranger, id), ERR_NOT_FOUND, "claim.none");
    FAILS(withdraw(&far_clerk, id), ERR_NOT_FOUND, "claim.none");
    FAILS(timeline(&stranger, id), ERR_NOT_FOUND, "claim.none");
    OK(get(&member, id));
    assert_string_equal(claim()->payee->card, "6228 **** **** 8903");
    assert_string_equal(claim()->person_name, NAME);
    OK(get(&clerk, id)); /* whose look is recorded */
    assert_string_equal(claim()->payee->card, CARD);
    OK(get(&reviewer, id)); /* illness without a name */
    assert_string_not_equal(claim()->person_name, NAME);
    assert_string_not_equal(claim()->payee->card, CARD);
    assert_int_equal(cluster_sql(cluster, "SELECT FROM claims.event"
                                          " WHERE topic = 'huzhu.bus.v1.SensitiveRead'"),
                     2);
}

static void
a_coder_reads_the_papers_of_the_job_in_hand(void **state)
{
    Claims__ReadUploadRequest in = CLAIMS__READ_UPLOAD_REQUEST__INIT;
    Coding__JobTaken taken = CODING__JOB_TAKEN__INIT;
    Coding__JobReleased released = CODING__JOB_RELEASED__INIT;
    Huzhu__Instant until = HUZHU__INSTANT__INIT;
    struct id upload;
    instant_t at;

    (void) state;
    const struct id id = accepted();
    memcpy(upload.bytes, claim()->documents[0]->upload_id->value.data, 16);
    in.upload_id = wire(upload);
    FAILS(ask(&coder, "ReadUpload", &in.base), ERR_NOT_FOUND, "upload.none");
    assert_true(instant_parse("2025-09-26T03:00:00Z", &at));
    until.us = at.us;
    taken.claim_id = released.claim_id = wire(id);
    taken.account_id = released.account_id = wire(coder.account);
    taken.until = &until;
    tell("coding", &taken.base);
    OK(ask(&coder, "ReadUpload", &in.base));
    now_is("2025-09-26T03:00:00Z"); /* the lease has run out */
    FAILS(ask(&coder, "ReadUpload", &in.base), ERR_NOT_FOUND, "upload.none");
    until.us += US_PER_DAY;
    tell("coding", &taken.base);
    OK(ask(&coder, "ReadUpload", &in.base));
    tell("coding", &released.base);
    FAILS(ask(&coder, "ReadUpload", &in.base), ERR_NOT_FOUND, "upload.none");
    FAILS(ask(&stranger, "ReadUpload", &in.base), ERR_NOT_FOUND, "upload.none");
    OK(ask(&member, "ReadUpload", &in.base));
    assert_int_equal(cluster_sql(cluster, "SELECT FROM claims.event"
                                          " WHERE topic = 'huzhu.bus.v1.SensitiveRead'"),
                     2); /* the coder's two looks */
}

static void
req_001_2f_papers_are_sealed_and_every_look_is_recorded(void **state)
{
    Claims__ReadUploadRequest in = CLAIMS__READ_UPLOAD_REQUEST__INIT;
    struct id upload;

    (void) state;
    (void) accepted();
    memcpy(upload.bytes, claim()->documents[0]->upload_id->value.data, 16);
    in.upload_id = wire(upload);
    /* what lies on the disk shows no picture, in pieces or in events */
    assert_int_equal(cluster_sql(cluster, "SELECT FROM claims.upload_piece"), 3);
    assert_int_equal(cluster_sql(cluster, "SELECT FROM claims.upload_piece WHERE"
                                          " position('JFIF'::bytea IN sealed) > 0"),
                     0);
    assert_int_equal(cluster_sql(cluster, "SELECT FROM claims.event WHERE"
                                          " position('JFIF'::bytea IN body) > 0"),
                     0);
    OK(ask(&member, "ReadUpload", &in.base)); /* the sender's own */
    OK(ask(&clerk, "ReadUpload", &in.base));
    OK(ask(&auditor, "ReadUpload", &in.base));
    FAILS(ask(&far_clerk, "ReadUpload", &in.base), ERR_NOT_FOUND, "upload.none");
    assert_int_equal(cluster_sql(cluster, "SELECT FROM claims.event"
                                          " WHERE topic = 'huzhu.bus.v1.SensitiveRead'"),
                     2);
}

static size_t
listed(const struct person *person, const Claims__ListClaimsRequest *in)
{
    OK(ask(person, "ListClaims", &in->base));
    return ((Claims__ListClaimsReply *) answer.body)->n_claims;
}

static void
lists_hold_what_the_caller_may_see(void **state)
{
    Claims__ListClaimsRequest in = CLAIMS__LIST_CLAIMS_REQUEST__INIT;
    char token[64];

    (void) state;
    for (int i = 0; i < 5; i++) {
        new_form()->person_id = wire(i < 3 ? father : neighbour);
        form.payee.holder = (char *) (i < 3 ? NAME : "张小宝");
        (void) draft(i < 3 ? &member : &stranger, 0);
    }
    assert_int_equal(listed(&member, &in), 3);
    assert_int_equal(listed(&stranger, &in), 2);
    assert_int_equal(listed(&clerk, &in), 5);
    assert_int_equal(listed(&far_clerk, &in), 0);
    assert_int_equal(listed(&officer, &in), 5);
    in.person_id = wire(neighbour);
    assert_int_equal(listed(&officer, &in), 2);
    assert_int_equal(listed(&member, &in), 0);
    in.person_id = NULL;
    in.state = CLAIMS__CLAIM__STATE__ACCEPTED;
    assert_int_equal(listed(&officer, &in), 0);
    in.state = 0;
    in.village_id = wire(village);
    FAILS(ask(&far_clerk, "ListClaims", &in.base), ERR_FORBIDDEN, "claim.village");
    in.page_size = 2;
    size_t seen = 0;
    token[0] = '\0';
    do {
        in.page_token = token;
        seen += listed(&clerk, &in);
        (void) snprintf(token, sizeof token, "%s",
                        ((Claims__ListClaimsReply *) answer.body)->next_page_token);
    } while (token[0]);
    assert_int_equal(seen, 5);
}

static void
a_card_of_several_people_is_flagged_to_staff(void **state)
{
    (void) state;
    const struct id mine = accepted();

    new_form()->person_id = wire(neighbour);
    form.payee.holder = (char *) "张小宝";
    const struct id theirs = draft(&stranger, THREE);
    OK(submit(&stranger, theirs));
    OK(get(&stranger, theirs));
    assert_int_equal(claim()->n_warnings, 0); /* another household's card is not theirs to know */
    OK(get(&officer, theirs));
    assert_int_equal(claim()->n_warnings, 1);
    assert_string_equal(claim()->warnings[0], "card.shared");
    OK(get(&officer, mine));
    assert_int_equal(claim()->n_warnings, 1);
    new_form()->payee->card = (char *) UNSURE_CARD;
    form.payee.card_again = (char *) UNSURE_CARD;
    OK(ask(&member, "FileClaim", &form.in.base));
    assert_string_equal(claim()->warnings[0], "card.luhn");
}

/* --- documents --- */

static void
req_9_2_3b_what_is_stored_has_no_metadata(void **state)
{
    const struct sample dirty = a_jpeg(true), plain = a_jpeg(false);
    Claims__ReadUploadRequest in = CLAIMS__READ_UPLOAD_REQUEST__INIT;

    (void) state;
    const struct id id = upload_of(&member, &dirty);
    const Claims__Upload *upload = ((Claims__WriteUploadReply *) answer.body)->upload;
    assert_int_equal(upload->sent, dirty.size);
    assert_int_equal(upload->size, plain.size);
    assert_int_equal(upload->orientation, 6);
    in.upload_id = wire(id);
    OK(ask(&member, "ReadUpload", &in.base));
    const Claims__ReadUploadReply *reply = (const Claims__ReadUploadReply *) answer.body;
    assert_int_equal(reply->data.len, plain.size);
    assert_memory_equal(reply->data.data, plain.bytes, plain.size);
    /* the sum is of what is stored */
    uint8_t sum[SHA256_BYTES];
    sha256(plain.bytes, plain.size, sum);
    assert_memory_equal(reply->upload->sha256.data, sum, sizeof sum);
}

static err_t
send_piece(struct id id, const uint8_t *bytes, int64_t at, size_t size, bool last)
{
    Claims__WriteUploadRequest in = CLAIMS__WRITE_UPLOAD_REQUEST__INIT;

    in.upload_id = wire(id);
    in.offset = at;
    in.data = (ProtobufCBinaryData){ size, (uint8_t *) bytes + at };
    in.last = last;
    return ask(&member, "WriteUpload", &in.base);
}

/* A photograph of 1 MiB with a comment in the middle of its segments, in many pieces. */
static uint8_t *
a_photograph(size_t *size)
{
    const struct sample head = a_jpeg(true);
    const size_t scan = (size_t) 1024 * 1024;
    uint8_t *bytes = malloc(scan + sizeof head.bytes);

    assert_non_null(bytes);
    /* the sample up to its last scan's data, then a long one */
    const uint8_t *end = memmem(head.bytes, head.size, "\x9a\xbc\xff\xd9", 4);
    const size_t before = (size_t) (end - head.bytes);
    memcpy(bytes, head.bytes, before);
    for (size_t i = 0; i < scan; i++)
        bytes[before + i] = (uint8_t) (i * 2654435761U >> 13) & 0x7f;
    bytes[before + scan] = 0xff;
    bytes[before + scan + 1] = 0xd9;
    *size = before + scan + 2;
    return bytes;
}

static void
req_7_2_2_an_upload_goes_on_after_a_drop(void **state)
{
    const size_t piece = 100000;
    const struct id id = new_id();
    size_t size;
    uint8_t *bytes = a_photograph(&size);

    (void) state;
    for (size_t at = 0; at < 3 * piece; at += piece)
        OK(send_piece(id, bytes, (int64_t) at, piece, false));
    /* the line drops: the phone asks where to go on, sends a piece twice, and goes on */
    FAILS(send_piece(id, bytes, (int64_t) (5 * piece), piece, false), ERR_CONFLICT, "upload.gap");
    assert_non_null(strstr(answer.text, "300000"));
    OK(send_piece(id, bytes, (int64_t) (2 * piece), piece, false));
    for (size_t at = 3 * piece; at < size; at += piece)
        OK(send_piece(id, bytes, (int64_t) at, size - at < piece ? size - at : piece,
                      size - at <= piece));
    const Claims__Upload *upload = ((Claims__WriteUploadReply *) answer.body)->upload;
    assert_true(upload->finished);
    assert_int_equal(upload->sent, size);
    assert_true(upload->size < upload->sent);
    /* every piece again, after what is stored has become another: known by its digest */
    for (size_t at = 0; at < size; at += piece)
        OK(send_piece(id, bytes, (int64_t) at, size - at < piece ? size - at : piece,
                      size - at <= piece));
    bytes[10] ^= 1;
    FAILS(send_piece(id, bytes, 0, piece, false), ERR_CONFLICT, "upload.other_bytes");
    assert_int_equal(cluster_broken_invariants(cluster), 0);
    free(bytes);
}

static void
req_9_2_3b_bad_documents_are_refused_and_not_stored(void **state)
{
    static const char pdf[] = "%PDF-1.4\n1 0 obj<</S/JavaScript/JS(x)>>\n%%EOF";
    struct sample sample;
    Claims__WriteUploadRequest in = CLAIMS__WRITE_UPLOAD_REQUEST__INIT;

    (void) state;
    in.upload_id = wire(new_id());
    in.last = true;
    in.data = (ProtobufCBinaryData){ sizeof pdf - 1, (uint8_t *) pdf };
    FAILS(ask(&member, "WriteUpload", &in.base), ERR_REFUSED, "upload.active");
    sample = a_jpeg(true);
    in.data = (ProtobufCBinaryData){ 100, sample.bytes };
    FAILS(ask(&member, "WriteUpload", &in.base), ERR_REFUSED, "upload.structure");
    sample = a_png(false);
    sample.bytes[20] ^= 1;
    in.data = (ProtobufCBinaryData){ sample.size, sample.bytes };
    FAILS(ask(&member, "WriteUpload", &in.base), ERR_REFUSED, "upload.structure");
    assert_int_equal(cluster_sql(cluster, "SELECT FROM claims.upload"), 0);
    assert_int_equal(cluster_sql(cluster, "SELECT FROM claims.upload_piece"), 0);
}

static void
papers_are_the_callers_own_and_of_one_claim(void **state)
{
    Claims__DetachPaperRequest detach = CLAIMS__DETACH_PAPER_REQUEST__INIT;

    (void) state;
    (void) new_form();
    const struct id id = draft(&member, 0), mine = a_paper(&member), theirs = a_paper(&stranger);
    (void) new_form();
    const struct id second = draft(&member, 0);
    FAILS(attach(&member, id, theirs, 1), ERR_NOT_FOUND, "upload.none");
    FAILS(attach(&member, id, new_id(), 1), ERR_NOT_FOUND, "upload.none");
    FAILS(attach(&member, id, mine, 0), ERR_INVALID, "claim.field");
    FAILS(attach(&member, id, mine, 7), ERR_INVALID, "claim.field");
    OK(attach(&member, id, mine, 1));
    FAILS(attach(&member, second, mine, 1), ERR_CONFLICT, "upload.attached");
    FAILS(attach(&member, id, mine, 2), ERR_CONFLICT, "upload.attached");
    detach.claim_id = wire(second);
    detach.upload_id = wire(mine);
    FAILS(ask(&member, "DetachPaper", &detach.base), ERR_NOT_FOUND, "claim.paper_none");
    detach.claim_id = wire(id);
    OK(ask(&member, "DetachPaper", &detach.base));
    assert_int_equal(claim()->n_documents, 0);
    OK(attach(&member, second, mine, 1));
}

/* --- what others told --- */

static void
people_move_between_households(void **state)
{
    static const struct id both[] = { { { 0x33 } }, { { 0x32 } } };

    (void) state;
    tell_household(other_home, other_village, both, 2, 2); /* the child moved there */
    tell_household(other_home, village, both, 1, 1);       /* an old version is no news */
    new_form()->person_id = wire(child);
    form.payee.relation = CLAIMS__PAYEE__RELATION__GUARDIAN;
    FAILS(ask(&member, "FileClaim", &form.in.base), ERR_FORBIDDEN, "claim.not_yours");
    OK(ask(&stranger, "FileClaim", &form.in.base));
    assert_memory_equal(claim()->village_id->value.data, other_village.bytes, 16);
    OK(get(&far_clerk, form.id));
    FAILS(get(&clerk, form.id), ERR_NOT_FOUND, "claim.none");
}

static void
who_left_the_programme_is_refused(void **state)
{
    (void) state;
    tell_members(home, &child, 1); /* as it now stands: without the father */
    (void) new_form();
    a_refusal_says_why_with_its_figures("claim.not_member", "7.2.1a", "2025");
    tell_programme(CONTRIBUTIONS__PROGRAMME__STATE__CLOSED, 2);
    tell_programme(CONTRIBUTIONS__PROGRAMME__STATE__IN_FORCE, 1); /* old news */
    (void) new_form();
    a_refusal_says_why_with_its_figures("claim.year_over", "8.1a", "2025");
}

static void
an_event_of_no_claim_is_parked_and_the_feed_goes_on(void **state)
{
    Coding__ClaimPriced event = CODING__CLAIM_PRICED__INIT;

    (void) state;
    event.claim_id = wire(new_id());
    tell_in(town, "coding", &event.base);
    assert_int_equal(cluster_sql(cluster, "SELECT FROM claims.parked"), 1);
    cluster_sql(cluster, "TRUNCATE claims.parked");
    const struct id id = accepted();
    tell_priced(id, 7, "2025-09-29");
    OK(get(&member, id));
    assert_int_equal(claim()->payable->fen, 7);
}

/* --- repeats and versions --- */

static void
the_same_command_twice_is_one(void **state)
{
    Claims__SubmitClaimRequest in = CLAIMS__SUBMIT_CLAIM_REQUEST__INIT;

    (void) state;
    (void) new_form();
    const struct id id = draft(&member, THREE);
    in.claim_id = wire(id);
    OK(ask_if(&member, "SubmitClaim", &in.base, "once", ""));
    OK(ask_if(&member, "SubmitClaim", &in.base, "once", ""));
    assert_int_equal(claim()->state, CLAIMS__CLAIM__STATE__ACCEPTED);
    FAILS(submit(&member, id), ERR_CONFLICT, "claim.move");
    assert_int_equal(events_of("ClaimAccepted"), 1);
    /* a draft is written again under its id, by who may */
    (void) new_form();
    OK(ask(&member, "FileClaim", &form.in.base));
    char etag[32];
    (void) snprintf(etag, sizeof etag, "%s", answer.etag);
    form.stay.own_payment = fen(500000);
    OK(ask_if(&member, "FileClaim", &form.in.base, "w2", etag));
    assert_int_equal(claim()->stay->own_payment->fen, 500000);
    FAILS(ask_if(&member, "FileClaim", &form.in.base, "w3", etag), ERR_STALE, "etag.stale");
    form.in.person_id = wire(neighbour);
    form.payee.holder = (char *) "张小宝";
    FAILS(ask(&stranger, "FileClaim", &form.in.base), ERR_CONFLICT, "claim.id_taken");
}

/* --- bad input: code, reason, and nothing changed --- */

static char *
everything(void)
{
    return strdup(cluster_ask(
        cluster,
        "SELECT md5((SELECT coalesce(string_agg(c::text, '' ORDER BY c), '') FROM claims.claim c)"
        " || (SELECT coalesce(string_agg(p::text, '' ORDER BY p), '') FROM claims.claim_paper p)"
        " || (SELECT coalesce(string_agg(s::text, '' ORDER BY s), '') FROM claims.claim_step s)"
        " || (SELECT coalesce(string_agg(r::text, '' ORDER BY r), '') FROM claims.claim_round r)"
        " || (SELECT coalesce(string_agg(n::text, '' ORDER BY n), '') FROM claims.claim_number n)"
        " || (SELECT count(*) FROM claims.event WHERE topic LIKE 'huzhu.claims.%'))"));
}

/* What a row of the table works on, and one attempt. */
static struct {
    struct id draft, accepted, paper, loose;
} bad;
struct row {
    const char *says;
    err_t (*attempt)(void);
    err_t code;
    const char *reason;
};

static err_t
file(void)
{
    return ask(&member, "FileClaim", &form.in.base);
}

#define FORM(name, change)                                                                         \
    static err_t name(void)                                                                        \
    {                                                                                              \
        (void) new_form();                                                                         \
        change;                                                                                    \
        return file();                                                                             \
    }
#define TRIES(name, attempt)                                                                       \
    static err_t name(void)                                                                        \
    {                                                                                              \
        return attempt;                                                                            \
    }
static char long_text[2000];

FORM(no_claim_id, form.in.claim_id = NULL)
FORM(short_claim_id, form.in.claim_id->value.len = 15)
FORM(no_person, form.in.person_id = NULL)
FORM(unknown_person, form.in.person_id = wire(new_id()))
FORM(no_stay, form.in.stay = NULL)
FORM(no_payee, form.in.payee = NULL)
FORM(no_admission, form.stay.admitted = NULL)
FORM(no_discharge, form.stay.discharged = NULL)
FORM(backwards, form.stay.discharged = day("2025-08-31"))
FORM(future, form.stay.discharged = day("2025-09-27"))
FORM(year_9999, form.stay.discharged->days = INT32_MAX)
FORM(before_2000, form.stay.admitted = day("1999-12-31"))
FORM(no_hospital, form.stay.hospital = (char *) "")
FORM(long_hospital, form.stay.hospital = long_text)
FORM(bad_utf8, form.stay.hospital = (char *) "\xc3")
FORM(bad_code, form.stay.hospital_code = (char *) "H'; --")
FORM(bad_level, form.stay.hospital_level = (char *) "5")
FORM(no_insurance, form.stay.insurance = 0)
FORM(bad_insurance, form.stay.insurance = (Contributions__Insurance__Kind) 5)
FORM(no_purpose, form.stay.purpose = 0)
FORM(no_total, form.stay.total_cost = NULL)
FORM(zero_total, form.stay.total_cost = fen(0))
FORM(negative_own, form.stay.own_payment = fen(-1))
FORM(huge_total, form.stay.total_cost = fen(INT64_MAX))
FORM(no_own, form.stay.own_payment = NULL)
FORM(own_above_total, form.stay.own_payment = fen(2000001))
FORM(sum_above_total, form.stay.own_payment = fen(800001))
FORM(uninsured_paid, form.stay.insurance = CONTRIBUTIONS__INSURANCE__KIND__NONE)
FORM(injury_no_cause, form.stay.injury = true)
FORM(cause_no_injury, form.stay.cause = CLAIMS__STAY__CAUSE__WORK)
FORM(bad_cause, (form.stay.injury = true, form.stay.cause = (Claims__Stay__Cause) 6))
FORM(long_words, form.stay.cause_text = long_text)
FORM(no_holder, form.payee.holder = (char *) "")
FORM(other_holder, form.payee.holder = (char *) "张三")
FORM(no_bank, form.payee.bank = (char *) "")
FORM(no_card, form.payee.card = (char *) "")
FORM(short_card, form.payee.card = (char *) "62284800123")
FORM(letters_card, form.payee.card = (char *) "6228480012345678abc")
FORM(luhn_once, form.payee.card = (char *) UNSURE_CARD)
FORM(typed_otherwise, form.payee.card_again = (char *) UNSURE_CARD)
FORM(no_relation, form.payee.relation = 0)
FORM(bad_relation, form.payee.relation = (Claims__Payee__Relation) 5)
FORM(over_another, form.in.claim_id = wire(bad.accepted))
FORM(somebody_else, form.in.person_id = wire(neighbour))
TRIES(submit_bare, submit(&member, bad.draft))
TRIES(submit_twice, submit(&member, bad.accepted))
TRIES(submit_none, submit(&member, new_id()))
TRIES(attach_late, attach(&member, bad.accepted, bad.loose, 1))
TRIES(attach_taken, attach(&member, bad.draft, bad.paper, 1))
TRIES(attach_kind, attach(&member, bad.draft, bad.loose, 7))
TRIES(get_none, get(&member, new_id()))
TRIES(withdraw_none, withdraw(&member, new_id()))
TRIES(add_unasked, add_paper(&member, bad.accepted, bad.loose, 2))
TRIES(ask_nothing, request_papers(&officer, bad.accepted, 0, ""))
TRIES(ask_long, request_papers(&officer, bad.accepted, 2, long_text))
TRIES(ask_control, request_papers(&officer, bad.accepted, 2, "a\001b"))
TRIES(ask_draft, request_papers(&officer, bad.draft, 2, ""))
TRIES(payee_draft, change_payee(&member, bad.draft, NAME, CARD, 1, NULL))
TRIES(payee_card, change_payee(&member, bad.accepted, NAME, "1", 1, NULL))
TRIES(payee_name, change_payee(&member, bad.accepted, "张三", CARD, 1, NULL))
TRIES(payee_mandate, change_payee(&member, bad.accepted, "张三", CARD, 4, NULL))
TRIES(refuse_ground, refuse(&officer, bad.accepted, 8, bad.paper))
TRIES(refuse_loose, refuse(&officer, bad.accepted, 4, bad.loose))
TRIES(refuse_draft, refuse(&officer, bad.draft, 4, bad.paper))
TRIES(timeline_none, timeline(&member, new_id()))

static err_t
list_with(uint32_t size, const char *token, int state)
{
    Claims__ListClaimsRequest in = CLAIMS__LIST_CLAIMS_REQUEST__INIT;

    in.page_size = size;
    in.page_token = (char *) token;
    in.state = (Claims__Claim__State) state;
    return ask(&officer, "ListClaims", &in.base);
}
TRIES(page_big, list_with(201, "", 0))
TRIES(page_token, list_with(1, "nonsense!", 0))
TRIES(page_short, list_with(1, "AAAA", 0))
TRIES(page_state, list_with(1, "", 11))

static const struct row rows[] = {
    { "no claim id", no_claim_id, ERR_INVALID, "field.missing" },
    { "an id of 15 bytes", short_claim_id, ERR_INVALID, "field.id" },
    { "no person", no_person, ERR_INVALID, "field.missing" },
    { "a person of no register", unknown_person, ERR_NOT_FOUND, "claim.person_none" },
    { "no stay", no_stay, ERR_INVALID, "claim.field" },
    { "no payee", no_payee, ERR_INVALID, "claim.field" },
    { "no admission", no_admission, ERR_INVALID, "claim.field" },
    { "no discharge", no_discharge, ERR_INVALID, "claim.field" },
    { "discharged before admitted", backwards, ERR_INVALID, "claim.dates" },
    { "discharged tomorrow", future, ERR_INVALID, "claim.dates" },
    { "a day beyond all calendars", year_9999, ERR_INVALID, "claim.dates" },
    { "admitted before 2000", before_2000, ERR_INVALID, "claim.dates" },
    { "no hospital", no_hospital, ERR_INVALID, "claim.field" },
    { "a hospital of 101 characters", long_hospital, ERR_INVALID, "claim.field" },
    { "no UTF-8", bad_utf8, ERR_INVALID, "claim.field" },
    { "a code with signs", bad_code, ERR_INVALID, "claim.field" },
    { "level 5", bad_level, ERR_INVALID, "claim.field" },
    { "no insurance", no_insurance, ERR_INVALID, "claim.field" },
    { "insurance 5", bad_insurance, ERR_INVALID, "claim.field" },
    { "no purpose", no_purpose, ERR_INVALID, "claim.field" },
    { "no total", no_total, ERR_INVALID, "claim.field" },
    { "a total of zero", zero_total, ERR_INVALID, "claim.costs" },
    { "a negative payment", negative_own, ERR_INVALID, "claim.costs" },
    { "a total beyond all", huge_total, ERR_INVALID, "claim.costs" },
    { "no own payment", no_own, ERR_INVALID, "claim.field" },
    { "own above total", own_above_total, ERR_INVALID, "claim.costs" },
    { "parts above the whole", sum_above_total, ERR_INVALID, "claim.costs" },
    { "uninsured, but insurance paid", uninsured_paid, ERR_INVALID, "claim.costs" },
    { "an injury of no cause", injury_no_cause, ERR_INVALID, "claim.cause" },
    { "a cause of no injury", cause_no_injury, ERR_INVALID, "claim.cause" },
    { "cause 6", bad_cause, ERR_INVALID, "claim.cause" },
    { "too many words", long_words, ERR_INVALID, "claim.field" },
    { "no holder", no_holder, ERR_INVALID, "claim.field" },
    { "SELF, and another name", other_holder, ERR_REFUSED, "claim.payee" },
    { "no bank", no_bank, ERR_INVALID, "claim.field" },
    { "no card", no_card, ERR_INVALID, "claim.card" },
    { "a card of 11 digits", short_card, ERR_INVALID, "claim.card" },
    { "a card with letters", letters_card, ERR_INVALID, "claim.card" },
    { "no Luhn, typed once", luhn_once, ERR_INVALID, "claim.card_again" },
    { "typed otherwise", typed_otherwise, ERR_INVALID, "claim.card_again" },
    { "no relation", no_relation, ERR_INVALID, "claim.field" },
    { "relation 5", bad_relation, ERR_INVALID, "claim.field" },
    { "over an accepted claim", over_another, ERR_CONFLICT, "claim.move" },
    { "for somebody else", somebody_else, ERR_FORBIDDEN, "claim.not_yours" },
    { "without papers", submit_bare, ERR_REFUSED, "claim.papers_missing" },
    { "sent twice", submit_twice, ERR_CONFLICT, "claim.move" },
    { "a claim that is none", submit_none, ERR_NOT_FOUND, "claim.none" },
    { "a paper after sending", attach_late, ERR_CONFLICT, "claim.move" },
    { "a paper of another claim", attach_taken, ERR_CONFLICT, "upload.attached" },
    { "a paper of kind 7", attach_kind, ERR_INVALID, "claim.field" },
    { "look at none", get_none, ERR_NOT_FOUND, "claim.none" },
    { "withdraw none", withdraw_none, ERR_NOT_FOUND, "claim.none" },
    { "papers nobody asked for", add_unasked, ERR_CONFLICT, "claim.move" },
    { "ask for no paper", ask_nothing, ERR_INVALID, "claim.field" },
    { "a note of 1999 characters", ask_long, ERR_INVALID, "claim.field" },
    { "a note with control characters", ask_control, ERR_INVALID, "claim.field" },
    { "ask for papers of a draft", ask_draft, ERR_CONFLICT, "claim.move" },
    { "the payee of a draft", payee_draft, ERR_CONFLICT, "claim.move" },
    { "a new card of one digit", payee_card, ERR_INVALID, "claim.card" },
    { "SELF, and another name", payee_name, ERR_REFUSED, "claim.payee" },
    { "an agent without mandate", payee_mandate, ERR_REFUSED, "claim.mandate" },
    { "a ground that is none", refuse_ground, ERR_INVALID, "claim.ground" },
    { "evidence of no claim", refuse_loose, ERR_REFUSED, "claim.paper_none" },
    { "refuse a draft", refuse_draft, ERR_CONFLICT, "claim.move" },
    { "the timeline of none", timeline_none, ERR_NOT_FOUND, "claim.none" },
    { "a page of 201", page_big, ERR_INVALID, "page.size" },
    { "a token that is none", page_token, ERR_INVALID, "page.token" },
    { "a token too short", page_short, ERR_INVALID, "page.token" },
    { "a state that is none", page_state, ERR_INVALID, "claim.field" },
};

static void
bad_input_has_a_code_a_reason_and_no_effect(void **state)
{
    (void) state;
    memset(long_text, 'x', sizeof long_text - 1);
    bad.accepted = accepted();
    memcpy(bad.paper.bytes, claim()->documents[0]->upload_id->value.data, 16);
    (void) new_form();
    form.stay.admitted = day("2025-08-01");
    form.stay.discharged = day("2025-08-02");
    bad.draft = draft(&member, 0);
    bad.loose = a_paper(&member);
    char *before = everything();

    for (size_t i = 0; i < COUNT(rows); i++) {
        const err_t code = rows[i].attempt();
        if (code != rows[i].code || strcmp(answer.reason, rows[i].reason) != 0)
            fail_msg("%s: %s %s (%s)", rows[i].says, err_name(code), answer.reason, answer.text);
        if (strstr(answer.text, CARD) || strstr(answer.text, NAME))
            fail_msg("%s: a secret in \"%s\"", rows[i].says, answer.text);
        char *after = everything();
        if (strcmp(before, after) != 0)
            fail_msg("%s: something changed", rows[i].says);
        free(after);
    }
    free(before);
    print_message("%zu bad inputs\n", COUNT(rows));
}

/* --- canaries: what is secret stands nowhere in the clear --- */

static bool
file_holds(const char *path, const char *what)
{
    static char text[4 * 1024 * 1024];
    FILE *in = fopen(path, "r");

    assert_non_null(in);
    const size_t size = fread(text, 1, sizeof text, in);
    (void) fclose(in);
    return memmem(text, size, what, strlen(what)) != NULL;
}

static void
stands_nowhere(const char *secret)
{
    static const char *const tables[] = { "event",      "reply",       "claim",  "claim_paper",
                                          "claim_step", "claim_round", "person", "programme",
                                          "upload",     "member",      "job",    "parked" };
    char sql[512];

    for (size_t i = 0; i < COUNT(tables); i++) {
        /* bytes show as hex in a row's text: both forms are looked for */
        (void) snprintf(sql, sizeof sql,
                        "SELECT FROM claims.%s t WHERE position('%s' IN t::text) > 0 OR"
                        " position(encode(convert_to('%s', 'UTF8'), 'hex') IN t::text) > 0",
                        tables[i], secret, secret);
        if (cluster_sql(cluster, sql) != 0)
            fail_msg("%s stands in %s", secret, tables[i]);
    }
}

static void
req_9_2_3c_no_secret_stands_in_an_event_a_log_or_an_error(void **state)
{
    char path[160];

    (void) state;
    (void) snprintf(path, sizeof path, "%s/log", keys_folder(keys));
    const int out = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600), kept = dup(2);
    assert_true(out >= 0 && kept >= 0);
    (void) dup2(out, 2);
    log_open("claims_test", LOG_DEBUG);
    new_form()->stay->injury = true;
    form.stay.cause = CLAIMS__STAY__CAUSE__OWN_ACCIDENT;
    form.stay.cause_text = (char *) WORDS;
    const struct id id = draft(&member, THREE | 1 << 5);
    const err_t sent = submit(&member, id);
    const err_t asked = request_papers(&reviewer, id, 2, "缺页CANARYNOTE");
    const err_t paid = change_payee(&member, id, NAME, "6217001234567890122", 1, NULL);
    const err_t seen = get(&auditor, id);
    new_form()->payee->holder = (char *) "别人CANARYHOLDER";
    const err_t refused = file();
    (void) dup2(kept, 2);
    log_open("claims_test", LOG_ERROR);
    (void) close(kept);
    (void) close(out);

    assert_int_equal(sent, ERR_OK);
    assert_int_equal(asked, ERR_OK);
    assert_int_equal(paid, ERR_OK);
    assert_int_equal(seen, ERR_OK);
    assert_int_equal(refused, ERR_REFUSED);
    assert_null(strstr(answer.text, "CANARY"));
    static const char *const secrets[] = { NAME, CARD, "6217001234567890122", "CANARY" };
    assert_true(file_holds(path, "FileClaim")); /* there is a log */
    for (size_t i = 0; i < COUNT(secrets); i++) {
        stands_nowhere(secrets[i]);
        assert_false(file_holds(path, secrets[i]));
    }
}

/* What coding and disbursement need is in the sealed part, for them alone. */
static void
the_sealed_facts_of_a_claim_open_for_other_services(void **state)
{
    ProtobufCBinaryData plain;
    struct call c;

    (void) state;
    (void) accepted();
    PGconn *connection = cluster_connect(cluster, "postgres");
    PGresult *result = PQexecParams(connection,
                                    "SELECT body FROM claims.event WHERE topic ="
                                    " 'huzhu.claims.v1.ClaimAccepted'",
                                    0, NULL, NULL, NULL, NULL, 1);
    const size_t size = (size_t) PQgetlength(result, 0, 0);
    uint8_t *body = malloc(size);
    assert_non_null(body);
    memcpy(body, PQgetvalue(result, 0, 0), size);
    PQclear(result);
    PQfinish(connection);
    Claims__ClaimAccepted *event = claims__claim_accepted__unpack(NULL, size, body);
    assert_non_null(event);
    assert_int_equal(event->n_documents, 3);
    call_init(&c, thread);
    c.tenant = town;
    assert_int_equal(call_unseal_shared(&c, "event/ClaimAccepted", event->sealed.data,
                                        event->sealed.len, &plain),
                     ERR_OK);
    Claims__ClaimFacts *facts = claims__claim_facts__unpack(NULL, plain.len, plain.data);
    assert_string_equal(facts->name, NAME);
    assert_string_equal(facts->card, CARD);
    assert_int_equal(facts->own_payment->fen, 800000);
    assert_true(is_on(facts->birth, "1970-01-01"));
    claims__claim_facts__free_unpacked(facts, NULL);
    claims__claim_accepted__free_unpacked(event, NULL);
    free(body);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, clean)
    const struct CMUnitTest tests[] = {
        TEST(req_7_2_2_a_claim_without_its_papers_stays_a_draft),
        TEST(req_7_2_3a_papers_of_26_september_are_due_on_10_october),
        TEST(req_7_2_3a_the_clock_stands_while_papers_are_asked_for),
        TEST(req_7_2_3a_provisional_due_days_are_counted_again),
        TEST(req_003_8_to_14_refusals_are_decided_when_a_claim_is_sent),
        TEST(req_003_9_a_stay_is_claimed_once),
        TEST(req_003_9_two_claims_of_one_stay_at_once_are_one),
        TEST(req_6_2_2f_every_step_has_actor_time_and_states),
        TEST(a_price_is_heard_before_the_return_it_answers),
        TEST(a_list_is_heard_of_before_its_price),
        TEST(late_events_leave_a_line_and_change_nothing),
        TEST(coding_asks_for_papers_and_finds_unfit_stays),
        TEST(req_003_14_by_hand_a_claim_is_refused_for_a_listed_ground_with_evidence),
        TEST(req_003_11_an_agent_files_with_a_mandate),
        TEST(a_payee_who_is_not_the_patient_needs_a_mandate),
        TEST(who_has_no_part_in_a_claim_does_not_see_it),
        TEST(a_coder_reads_the_papers_of_the_job_in_hand),
        TEST(req_001_2f_papers_are_sealed_and_every_look_is_recorded),
        TEST(lists_hold_what_the_caller_may_see),
        TEST(a_card_of_several_people_is_flagged_to_staff),
        TEST(req_9_2_3b_what_is_stored_has_no_metadata),
        TEST(req_7_2_2_an_upload_goes_on_after_a_drop),
        TEST(req_9_2_3b_bad_documents_are_refused_and_not_stored),
        TEST(papers_are_the_callers_own_and_of_one_claim),
        TEST(people_move_between_households),
        TEST(who_left_the_programme_is_refused),
        TEST(an_event_of_no_claim_is_parked_and_the_feed_goes_on),
        TEST(the_same_command_twice_is_one),
        TEST(bad_input_has_a_code_a_reason_and_no_effect),
        TEST(req_9_2_3c_no_secret_stands_in_an_event_a_log_or_an_error),
        TEST(the_sealed_facts_of_a_claim_open_for_other_services),
    };
    return cmocka_run_group_tests_name("claims", tests, open_world, stage_close);
}
