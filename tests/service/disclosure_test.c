/* disclosure_test.c - the disclosure service on a real PostgreSQL: the synthetic village of the
 * domain notes (2.6: 1,200 people, 60 % of three families, 90 paid claims, 6 of them sensitive)
 * told by the producers that this program plays, and what everybody may then see of it. */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "claims.pb-c.h"
#include "coding.pb-c.h"
#include "contributions.pb-c.h"
#include "crypto/crypto.h"
#include "disbursement.pb-c.h"
#include "disclosure.pb-c.h"
#include "disclosure/disclosure.h"
#include "disclosure/service.h"
#include "identity.pb-c.h"
#include "mask/mask.h"
#include "merkle/merkle.h"

enum { PEOPLE = 1200, HOUSEHOLDS = 300, CLAIMS = 90, SENSITIVE = 6 };

static struct disclosure_conf conf = { .complaint_accept_days = 1,
                                       .complaint_reply_days = 5,
                                       .complaint_urgent_days = 2,
                                       .payouts_day = 8 };

static const struct id town = { { 1 } }, village = { { 0x11 } };
static const struct id programme = { { 0x41 } }, table_id = { { 0x51 } };

static struct person officer, second, approver, clerk, member, auditor, coder, reviewer;

/* --- the village --- */

static struct villager {
    struct id id;
    char name[32], card[20];
    int sex;
} people[PEOPLE];
static struct stay {
    struct id id;
    int person, group, own, month;
    bool sensitive;
} stays[CLAIMS];

static uint32_t seed;
static int
roll(int sides)
{
    seed = seed * 1664525u + 1013904223u;
    return (int) (seed >> 16) % sides;
}

static struct id
id_of(int kind, int number)
{
    struct id id = { { (uint8_t) kind, 0, 0, 0, 0, 0, 0x70, 0, 0x80 } };

    id.bytes[14] = (uint8_t) (number >> 8);
    id.bytes[15] = (uint8_t) number;
    return id;
}

static const struct {
    const char *drg, *adrg, *mdc, *name;
    int64_t yuan;
} groups[] = {
    { "FR31", "FR3", "F", "心力衰竭，伴严重并发症", 1860 },
    { "FR33", "FR3", "F", "心力衰竭，伴并发症", 1540 },
    { "GK19", "GK1", "G", "消化道内镜操作", 720 },
    { "BR21", "BR2", "B", "脑缺血性疾患", 2100 },
    { "ES35", "ES3", "E", "呼吸系统感染", 930 },
    { "TB19", "TB1", "T", "CANARY敏感病组", 1310 },
};

static void
village_make(void)
{
    static const char *const families[] = { "陈", "林", "黄", "张",   "吴",
                                            "李", "王", "郑", "欧阳", "卢" };
    static const char *const given[] = { "秀英", "建国", "志强", "美兰", "文华", "大山" };

    seed = 20240701;
    for (int i = 0; i < PEOPLE; i++) {
        const int family = roll(10) < 6 ? roll(3) : 3 + roll(7);
        people[i].id = id_of(0x31, i);
        people[i].sex = 1 + roll(2);
        (void) snprintf(people[i].name, sizeof people[i].name, "%s%s", families[family],
                        given[roll(6)]);
        (void) snprintf(people[i].card, sizeof people[i].card, "62284800%011d", i);
    }
    for (int i = 0; i < CLAIMS; i++) {
        stays[i].id = id_of(0x61, i);
        stays[i].person = roll(PEOPLE);
        stays[i].sensitive = i < SENSITIVE;
        stays[i].group = stays[i].sensitive ? 5 : roll(10) < 7 ? roll(3) : 3 + roll(2);
        stays[i].own = 3000 + roll(9000);
        stays[i].month = 7 + i % 3;
    }
}

static bool
consents(int person)
{
    return person % 7 != 0;
}

static void
tell_tenant(void)
{
    Identity__TenantDescribed event = IDENTITY__TENANT_DESCRIBED__INIT;
    Identity__TenantDescribed__Village one = IDENTITY__TENANT_DESCRIBED__VILLAGE__INIT,
                                       *list[] = { &one };

    event.code = (char *) "yishan";
    event.name = (char *) "伊山镇";
    event.organisation_id = wire(town);
    one.village_id = wire(village);
    one.division_code = (char *) "320723100201";
    one.name = (char *) "一村";
    event.villages = list;
    event.n_villages = 1;
    tell("identity", &event.base);
}

enum { BATCH = 50 };
static void
tell_people(int first_household)
{
    static uint8_t sealed[256 * 1024];
    static Identity__Household houses[BATCH], *house_list[BATCH];
    static Identity__HouseholdMember members[BATCH][4], *member_list[BATCH][4];
    static Identity__PeopleSealed__Person persons[BATCH * 4], *person_list[BATCH * 4];
    Identity__HouseholdsRecorded event = IDENTITY__HOUSEHOLDS_RECORDED__INIT;
    Identity__PeopleSealed secret = IDENTITY__PEOPLE_SEALED__INIT;

    for (int h = 0; h < BATCH; h++) {
        identity__household__init(&houses[h]);
        houses[h].household_id = wire(id_of(0x21, first_household + h));
        houses[h].village_id = wire(village);
        houses[h].version = 1;
        for (int k = 0; k < 4; k++) {
            const int i = (first_household + h) * 4 + k;
            Identity__PeopleSealed__Person *person = &persons[h * 4 + k];
            identity__household_member__init(&members[h][k]);
            identity__people_sealed__person__init(person);
            members[h][k].person_id = person->person_id = wire(people[i].id);
            person->name = people[i].name;
            person->sex = (Identity__PeopleSealed__Person__Sex) people[i].sex;
            member_list[h][k] = &members[h][k];
            person_list[h * 4 + k] = person;
        }
        houses[h].members = member_list[h];
        houses[h].n_members = 4;
        house_list[h] = &houses[h];
    }
    event.households = house_list;
    event.n_households = BATCH;
    secret.people = person_list;
    secret.n_people = (size_t) BATCH * 4;
    seal_for(town, "event/HouseholdsRecorded", &secret.base, sealed, &event.sealed);
    tell("identity", &event.base);
}

static void
tell_programme(Contributions__Programme__State state)
{
    Contributions__ProgrammeChanged event = CONTRIBUTIONS__PROGRAMME_CHANGED__INIT;
    Contributions__Programme p = CONTRIBUTIONS__PROGRAMME__INIT;
    Contributions__Programme__Threshold t[2], *list[] = { &t[0], &t[1] };
    Contributions__Programme__Share share = CONTRIBUTIONS__PROGRAMME__SHARE__INIT,
                                    *shares[] = { &share };

    for (int i = 0; i < 2; i++) {
        contributions__programme__threshold__init(&t[i]);
        t[i].insurance = (Contributions__Insurance__Kind) (i + 1);
        t[i].basis = CONTRIBUTIONS__PROGRAMME__THRESHOLD__BASIS__OWN_PAYMENT;
        t[i].at_least = fen(i == 0 ? 300000 : 400000);
    }
    share.source = CONTRIBUTIONS__SOURCE__KIND__PERSONAL;
    share.per_head = fen(4000);
    p.programme_id = wire(programme);
    p.year = 2024;
    p.name = (char *) "伊山 2024 <互助>";
    p.state = state;
    p.starts_on = day("2024-01-01");
    p.ends_on = day("2024-12-31");
    p.thresholds = list;
    p.n_thresholds = 2;
    p.shares = shares;
    p.n_shares = 1;
    p.standard = fen(4000);
    p.claim_most = fen(300000);
    p.own_payment_limits = true;
    p.publish_days = 20;
    p.small_cell = 5;
    p.custodian_account = (char *) "伊山镇互助专户";
    p.responsible_account_id = wire(officer.account);
    p.version = 1;
    event.programme = &p;
    tell("contributions", &event.base);
}

static void
tell_members(int household)
{
    Contributions__MembersChanged event = CONTRIBUTIONS__MEMBERS_CHANGED__INIT;
    Contributions__MembersChanged__Member members[4], *list[4];

    for (int i = 0; i < 4; i++) {
        contributions__members_changed__member__init(&members[i]);
        members[i].person_id = wire(people[household * 4 + i].id);
        members[i].in_force = true;
        members[i].from = day("2024-01-01");
        members[i].publicity_consent = consents(household * 4 + i);
        list[i] = &members[i];
    }
    event.programme_id = wire(programme);
    event.household_id = wire(id_of(0x21, household));
    event.village_id = wire(village);
    event.members = list;
    event.n_members = 4;
    tell("contributions", &event.base);
}

struct posting {
    const char *debit, *credit, *why, *on;
    int64_t amount;
    struct id subject, person, transfer;
    int people, source;
};

static void
tell_posting(const struct posting *posting)
{
    Contributions__FundPosted event = CONTRIBUTIONS__FUND_POSTED__INIT;
    Contributions__FundPosted__Transfer t = CONTRIBUTIONS__FUND_POSTED__TRANSFER__INIT,
                                        *list[] = { &t };

    t.transfer_id = wire(id_is_nil(posting->transfer) ? new_id() : posting->transfer);
    t.kind = CONTRIBUTIONS__FUND_POSTED__TRANSFER__KIND__POSTED;
    t.debit = (char *) posting->debit;
    t.credit = (char *) posting->credit;
    t.amount = fen(posting->amount);
    t.on = day(posting->on);
    t.village_id = wire(village);
    t.subject_id = wire(id_is_nil(posting->subject) ? new_id() : posting->subject);
    if (!id_is_nil(posting->person))
        t.person_id = wire(posting->person);
    t.why = (char *) posting->why;
    t.people = (uint32_t) posting->people;
    t.source = (Contributions__Source__Kind) posting->source;
    event.programme_id = wire(programme);
    event.transfers = list;
    event.n_transfers = 1;
    tell("contributions", &event.base);
}

static void
tell_payments(void)
{
    for (int h = 0; h < HOUSEHOLDS; h += 10) {
        const struct posting posting = { .debit = "bank",
                                         .credit = "income.personal",
                                         .why = "payment.personal",
                                         .on = "2023-12-01",
                                         .amount = 16000,
                                         .people = 4,
                                         .source = 1,
                                         .subject = id_of(0x71, h),
                                         .person = people[h * 4].id };
        tell_posting(&posting);
    }
    const struct posting voided = { .debit = "income.personal",
                                    .credit = "bank",
                                    .why = "void",
                                    .on = "2023-12-05",
                                    .amount = 16000,
                                    .people = 4,
                                    .source = 1,
                                    .subject = id_of(0x71, 0) };
    tell_posting(&voided);
    const struct posting grant = { .debit = "bank",
                                   .credit = "income.village",
                                   .why = "grant",
                                   .on = "2023-12-10",
                                   .amount = 50000000,
                                   .source = 2 };
    tell_posting(&grant);
}

static void
tell_agreement(void)
{
    Contributions__AgreementRecorded event = CONTRIBUTIONS__AGREEMENT_RECORDED__INIT;

    event.agreement_id = wire(new_id());
    event.programme_id = wire(programme);
    event.from = day("2024-01-01");
    event.until = day("2024-12-31");
    event.upload_id = wire(new_id());
    tell("contributions", &event.base);
}

static void
tell_table(void)
{
    Coding__TableFrozen event = CODING__TABLE_FROZEN__INIT;
    Coding__TableFrozen__Row rows[COUNT(groups)], *list[COUNT(groups)];

    for (size_t i = 0; i < COUNT(groups); i++) {
        coding__table_frozen__row__init(&rows[i]);
        rows[i].drg = (char *) groups[i].drg;
        rows[i].name = (char *) groups[i].name;
        rows[i].amount = fen(groups[i].yuan * 100);
        list[i] = &rows[i];
    }
    event.table_id = wire(table_id);
    event.programme_id = wire(programme);
    event.rows = list;
    event.n_rows = COUNT(groups);
    tell("coding", &event.base);
}

static int64_t
paid_of(const struct stay *stay)
{
    const int64_t due = groups[stay->group].yuan * 100;

    return due < stay->own * 100 ? due : stay->own * 100;
}

static void
tell_claim(const struct stay *stay)
{
    static uint8_t sealed[4096];
    Claims__ClaimAccepted event = CLAIMS__CLAIM_ACCEPTED__INIT;
    Claims__ClaimFacts facts = CLAIMS__CLAIM_FACTS__INIT;

    event.claim_id = wire(stay->id);
    event.number = (char *) "2024-000001";
    event.programme_id = wire(programme);
    event.person_id = wire(people[stay->person].id);
    event.village_id = wire(village);
    event.filed_by = wire(clerk.account);
    facts.name = people[stay->person].name;
    facts.sex = (uint32_t) people[stay->person].sex;
    facts.hospital = (char *) (stay->sensitive ? "灌云县精神病医院" : "灌云县人民医院");
    facts.hospital_level = (char *) "2";
    facts.insurance = (Contributions__Insurance__Kind) (1 + stay->person % 2);
    facts.total_cost = fen(stay->own * 300);
    facts.own_payment = fen(stay->own * 100);
    facts.card = people[stay->person].card;
    seal_for(town, "event/ClaimAccepted", &facts.base, sealed, &event.sealed);
    tell("claims", &event.base);
}

static void
tell_price(const struct stay *stay)
{
    Coding__ClaimPriced event = CODING__CLAIM_PRICED__INIT;

    event.claim_id = wire(stay->id);
    event.programme_id = wire(programme);
    event.person_id = wire(people[stay->person].id);
    event.village_id = wire(village);
    event.coding_id = wire(new_id());
    event.drg = (char *) groups[stay->group].drg;
    event.drg_name = (char *) groups[stay->group].name;
    event.adrg = (char *) groups[stay->group].adrg;
    event.mdc = (char *) groups[stay->group].mdc;
    event.due = fen(groups[stay->group].yuan * 100);
    event.payable = fen(paid_of(stay));
    event.sensitive = stay->sensitive;
    event.sensitive_by = (char *) "2024.1";
    event.coder_id = wire(coder.account);
    event.reviewer_id = wire(reviewer.account);
    event.decided_on = day("2024-07-01");
    tell("coding", &event.base);
}

static void
tell_paid(const struct stay *stay)
{
    Disbursement__PayoutConfirmed event = DISBURSEMENT__PAYOUT_CONFIRMED__INIT;
    char on[24];

    (void) snprintf(on, sizeof on, "2024-%02d-15", stay->month);
    event.line_id = wire(new_id());
    event.claim_id = wire(stay->id);
    event.programme_id = wire(programme);
    event.person_id = wire(people[stay->person].id);
    event.village_id = wire(village);
    event.amount = fen(paid_of(stay));
    event.paid_on = day(on);
    tell("disbursement", &event.base);
    const struct posting payout = { .debit = "expense.subsidy",
                                    .credit = "bank",
                                    .why = "payout",
                                    .on = on,
                                    .amount = paid_of(stay),
                                    .subject = stay->id };
    tell_posting(&payout);
}

static void
tell_role(const struct person *person, Huzhu__Role__Name role)
{
    Identity__RoleGranted event = IDENTITY__ROLE_GRANTED__INIT;

    event.account_id = wire(person->account);
    event.role = role;
    tell("identity", &event.base);
}

/* --- the world --- */

static struct person
staff(role_set_t roles)
{
    struct person person = a_person(town, roles);

    person.organisation = (struct id){ { 0 } };
    person.own_person = (struct id){ { 0 } };
    person.clearance = LABEL_IDENTITY | LABEL_HEALTH | LABEL_MONEY;
    person.whole_tenant = true;
    return person;
}

static int
open_world(void **state)
{
    (void) state;
    if (stage_open(&disclosure_service, &conf, town) != 0)
        return -1;
    officer = staff(ROLE_TOWNSHIP_OFFICER);
    second = staff(ROLE_TOWNSHIP_OFFICER);
    approver = staff(ROLE_APPROVER);
    auditor = staff(ROLE_AUDITOR);
    coder = staff(ROLE_CODER);
    reviewer = staff(ROLE_REVIEWER);
    clerk = staff(ROLE_VILLAGE_CLERK);
    village_make();
    member = a_person(town, ROLE_MEMBER);
    member.own_person = people[stays[20].person].id;
    now_is("2024-10-10T02:00:00Z");
    tell_tenant();
    for (int h = 0; h < HOUSEHOLDS; h += BATCH)
        tell_people(h);
    tell_programme(CONTRIBUTIONS__PROGRAMME__STATE__IN_FORCE);
    for (int h = 0; h < HOUSEHOLDS; h++)
        tell_members(h);
    tell_payments();
    tell_table();
    tell_agreement();
    for (int i = 0; i < CLAIMS; i++) {
        /* In any order: three services' logs have no common one. */
        if (i % 2) {
            tell_paid(&stays[i]);
            tell_price(&stays[i]);
            tell_claim(&stays[i]);
        } else {
            tell_claim(&stays[i]);
            tell_price(&stays[i]);
            tell_paid(&stays[i]);
        }
    }
    tell_role(&officer, HUZHU__ROLE__NAME__TOWNSHIP_OFFICER);
    tell_role(&second, HUZHU__ROLE__NAME__TOWNSHIP_OFFICER);
    tell_role(&approver, HUZHU__ROLE__NAME__APPROVER);
    return 0;
}

/* What everybody knows stays; pages, reports and complaints go. */
static int
clean(void **state)
{
    (void) state;
    assert_int_equal(cluster_broken_invariants(cluster), 0);
    cluster_sql(cluster, "TRUNCATE disclosure.publication, disclosure.publication_line,"
                         " disclosure.publication_claim, disclosure.disclosed, disclosure.report,"
                         " disclosure.alert, disclosure.complaint, disclosure.complaint_step,"
                         " disclosure.complaint_number, disclosure.event, disclosure.reply");
    thread->refusals_us = 0;
    now_is("2024-10-10T02:00:00Z");
    return 0;
}

/* --- verbs --- */

static err_t
run_duty(const struct svc_duty *duty)
{
    struct err err;

    thread->is_duty = true;
    const err_t code = duty_run(thread, duty, &err);
    thread->is_duty = false;
    if (code != ERR_OK)
        print_error("%s: %s %s\n", duty->name, err.reason, err.text);
    return code;
}

static struct id last_page;

static err_t
prepare(const struct person *by, int kind, const char *period, bool of_village)
{
    Disclosure__PreparePublicationRequest in = DISCLOSURE__PREPARE_PUBLICATION_REQUEST__INIT;

    last_page = new_id();
    in.publication_id = wire(last_page);
    in.programme_id = wire(programme);
    in.village_id = of_village ? wire(village) : NULL;
    in.kind = (Disclosure__Publication__Kind) kind;
    in.period = (char *) period;
    return ask(by, "PreparePublication", &in.base);
}

static err_t
approve(const struct person *by, struct id id)
{
    Disclosure__ApprovePublicationRequest in = DISCLOSURE__APPROVE_PUBLICATION_REQUEST__INIT;

    in.publication_id = wire(id);
    return ask(by, "ApprovePublication", &in.base);
}

static err_t
show(struct id id)
{
    Disclosure__ShowPublicationRequest in = DISCLOSURE__SHOW_PUBLICATION_REQUEST__INIT;

    in.publication_id = wire(id);
    return ask(NULL, "ShowPublication", &in.base);
}

/* The page of the last answer; every file reply has the same three fields. */
static const char *
page(void)
{
    static char text[4 * 1024 * 1024];
    const Disclosure__ShowPublicationReply *reply =
        (const Disclosure__ShowPublicationReply *) answer.body;

    assert_non_null(reply);
    assert_true(reply->body.len < sizeof text);
    memcpy(text, reply->body.data, reply->body.len);
    text[reply->body.len] = '\0';
    return text;
}

static const Disclosure__GetPublicationReply *
lines_of(struct id id)
{
    Disclosure__GetPublicationRequest in = DISCLOSURE__GET_PUBLICATION_REQUEST__INIT;

    in.publication_id = wire(id);
    OK(ask(&auditor, "GetPublication", &in.base));
    return (const Disclosure__GetPublicationReply *) answer.body;
}

/* Fen of "1234.50". */
static int64_t
fen_of(const char *text)
{
    money_t amount;

    assert_true(money_parse(text, &amount));
    return amount.fen;
}

static void
holds_no_secret(const char *text)
{
    for (int i = 0; i < PEOPLE; i++) {
        char id[ID_TEXT_BYTES];
        id_format(people[i].id, id);
        if (strstr(text, people[i].name) || strstr(text, people[i].card) || strstr(text, id))
            fail_msg("person %d stands on the page", i);
    }
    for (int i = 0; i < CLAIMS; i++) {
        char id[ID_TEXT_BYTES];
        id_format(stays[i].id, id);
        assert_null(strstr(text, id));
    }
    assert_null(strstr(text, "灌云县"));
}

/* --- payouts --- */

static void
req_7_2_5_payouts_are_masked_counted_and_sum_to_what_was_paid(void **state)
{
    int64_t paid = 0, shown = 0, claims = 0;

    (void) state;
    OK(prepare(&officer, KIND_PAYOUTS, "2024-Q3", false));
    OK(approve(&approver, last_page));
    const Disclosure__GetPublicationReply *reply = lines_of(last_page);
    assert_int_equal(reply->n_columns, 9);
    for (size_t i = 0; i < reply->n_lines; i++) {
        char **cells = reply->lines[i]->cells;
        assert_int_equal(reply->lines[i]->n_cells, 8);
        if (strcmp(cells[6], "见小计") == 0)
            continue;
        shown += fen_of(cells[7]);
        claims += atoi(cells[5]);
    }
    for (int i = 0; i < CLAIMS; i++)
        paid += paid_of(&stays[i]);
    assert_int_equal(shown, paid);
    assert_int_equal(claims, CLAIMS);
    assert_int_equal(reply->publication->total->fen, paid);
    assert_string_equal(reply->publication->sensitive_by, "2024.1");
    OK(show(last_page));
    holds_no_secret(page());
    assert_null(strstr(page(), "CANARY")); /* the sensitive group's name */
    assert_null(strstr(page(), "TB19"));
    assert_non_null(strstr(page(), "伊山 2024 &lt;互助&gt;")); /* escaped */
    assert_null(strstr(page(), "<script"));
    assert_null(strstr(page(), "style="));
}

/* Who has the page and the register tries to find people (domain notes 2.6). */
static void
req_6_2_2c1_a_motivated_intruder_finds_nobody_sensitive_and_others_rarely(void **state)
{
    double found = 0;
    int guesses = 0;

    (void) state;
    OK(prepare(&officer, KIND_PAYOUTS, "2024-Q3", false));
    const Disclosure__GetPublicationReply *reply = lines_of(last_page);
    for (size_t i = 0; i < reply->n_lines; i++) {
        char **cells = reply->lines[i]->cells;
        int candidates = 0;
        assert_string_not_equal(cells[3], "TB19"); /* no line of theirs: success 0 */
        if (strcmp(cells[0], "小计") == 0 || strcmp(cells[0], "其他") == 0)
            continue;
        for (int k = 0; k < PEOPLE; k++) {
            char masked[MASK_NAME_BYTES];
            mask_name(MASK_T0, people[k].name, masked);
            candidates += (strcmp(cells[0], "**") == 0 || strcmp(masked, cells[0]) == 0) &&
                          strcmp(cells[1], people[k].sex == 1 ? "男" : "女") == 0;
        }
        assert_true(candidates >= 5);
        found += 1.0 / candidates;
        guesses++;
    }
    assert_true(guesses > 20); /* there is something to guess at */
    assert_true(found / guesses <= 1.0 / 5);
}

static void
req_7_2_5_no_line_of_who_did_not_consent(void **state)
{
    (void) state;
    OK(prepare(&officer, KIND_PAYOUTS, "2024-Q3", false));
    assert_int_equal(
        cluster_sql(
            cluster,
            "SELECT FROM disclosure.publication_claim k JOIN disclosure.claim c USING (claim_id)"
            " JOIN disclosure.member m ON m.person_id = c.person_id"
            " WHERE k.cell <> '*' AND (NOT m.consent OR c.sensitive)"),
        0);
    assert_true(cluster_sql(cluster, "SELECT FROM disclosure.publication_claim WHERE cell = '*'") >=
                11);
    /* Every group whose members have lines has five people. */
    assert_int_equal(
        cluster_sql(
            cluster,
            "SELECT FROM disclosure.publication_claim k JOIN disclosure.claim c USING (claim_id)"
            " GROUP BY k.cell, CASE k.cell WHEN '' THEN c.drg || c.sex || c.level ELSE '' END"
            " HAVING count(DISTINCT c.person_id) < 5"),
        0);
}

static void
pages_of_two_periods_cannot_be_subtracted(void **state)
{
    (void) state;
    OK(prepare(&officer, KIND_PAYOUTS, "2024-08", false));
    const struct id august = last_page;
    OK(prepare(&officer, KIND_PAYOUTS, "2024-Q3", false)); /* before August went up: all 90 */
    const struct id quarter = last_page;
    OK(approve(&approver, august));
    FAILS(approve(&approver, quarter), ERR_CONFLICT, "publication.overlap");
    OK(prepare(&officer, KIND_PAYOUTS, "2024-Q3", false));
    OK(approve(&approver, last_page));
    assert_int_equal(cluster_sql(cluster, "SELECT FROM disclosure.disclosed"), CLAIMS);
}

static void
a_new_version_that_isolates_one_payment_is_refused(void **state)
{
    struct stay late = stays[0];

    (void) state;
    late.id = id_of(0x61, 500);
    late.month = 8;
    OK(prepare(&officer, KIND_PAYOUTS, "2024-08", false));
    OK(approve(&approver, last_page));
    tell_claim(&late);
    tell_price(&late);
    tell_paid(&late);
    const err_t code = prepare(&officer, KIND_PAYOUTS, "2024-08", false);
    cluster_sql(
        cluster,
        "DELETE FROM disclosure.claim WHERE claim_id = '61000000-0000-7000-8000-0000000001f4'");
    cluster_sql(cluster, "DELETE FROM disclosure.transfer WHERE subject_id = "
                         "'61000000-0000-7000-8000-0000000001f4'");
    FAILS(code, ERR_REFUSED, "publication.difference");
}

static void
versions_have_no_gaps_and_replace_each_other(void **state)
{
    (void) state;
    for (int i = 1; i <= 3; i++) {
        OK(prepare(&officer, KIND_SUBSIDY_TABLE, "2024", false));
        OK(prepare(&officer, KIND_SUBSIDY_TABLE, "2024", false)); /* a draft again */
        OK(approve(&second, last_page));
        const Disclosure__ApprovePublicationReply *reply =
            (const Disclosure__ApprovePublicationReply *) answer.body;
        assert_int_equal(reply->publication->version, i);
        assert_null(reply->publication->take_down_on);
    }
    assert_int_equal(
        cluster_sql(cluster, "SELECT FROM disclosure.publication WHERE state = 'REPLACED'"), 2);
    assert_int_equal(cluster_sql(cluster, "SELECT FROM disclosure.publication"), 3);
}

/* --- lines and proofs --- */

static void
each_line_proves_itself_against_the_published_root(void **state)
{
    Disclosure__ProveLineRequest in = DISCLOSURE__PROVE_LINE_REQUEST__INIT;

    (void) state;
    OK(prepare(&officer, KIND_SUBSIDY_TABLE, "", false));
    OK(approve(&approver, last_page));
    assert_int_equal(
        cluster_sql(
            cluster,
            "SELECT FROM disclosure.event WHERE topic = 'huzhu.disclosure.v1.PagePublished'"),
        1);
    for (uint32_t line = 1; line <= COUNT(groups); line++) {
        struct merkle_proof proof = { 0 };
        merkle_hash_t root;
        in.publication_id = wire(last_page);
        in.line = line;
        OK(ask(NULL, "ProveLine", &in.base));
        const Disclosure__ProveLineReply *reply = (const Disclosure__ProveLineReply *) answer.body;
        assert_int_equal(reply->tree_size, COUNT(groups));
        for (; proof.count < reply->n_path; proof.count++)
            memcpy(proof.hashes[proof.count].bytes, reply->path[proof.count].data, 32);
        memcpy(root.bytes, reply->root.data, 32);
        assert_true(merkle_verify_inclusion(
            reply->leaf_index, reply->tree_size,
            merkle_leaf(reply->line->text, strlen(reply->line->text)), &proof, root));
        assert_false(merkle_verify_inclusion(reply->leaf_index, reply->tree_size,
                                             merkle_leaf("1\tx", 3), &proof, root));
    }
    in.line = COUNT(groups) + 1;
    in.publication_id = wire(last_page);
    FAILS(ask(NULL, "ProveLine", &in.base), ERR_NOT_FOUND, "line.none");
}

static void
the_page_is_the_bytes_that_were_hashed(void **state)
{
    uint8_t sum[32];

    (void) state;
    OK(prepare(&officer, KIND_CONTRIBUTIONS, "", true));
    uint8_t said[32];
    memcpy(
        said,
        ((const Disclosure__PreparePublicationReply *) answer.body)->publication->page_sha256.data,
        32);
    OK(approve(&approver, last_page));
    OK(show(last_page));
    const Disclosure__ShowPublicationReply *reply =
        (const Disclosure__ShowPublicationReply *) answer.body;
    sha256(reply->body.data, reply->body.len, sum);
    assert_memory_equal(sum, said, 32);
    Disclosure__GetPublicationPageRequest in = DISCLOSURE__GET_PUBLICATION_PAGE_REQUEST__INIT;
    in.publication_id = wire(last_page);
    OK(ask(&approver, "GetPublicationPage", &in.base));
    assert_non_null(strstr(page(), "一村"));
}

static void
req_7_2_1e_contributions_count_and_sum_equal_the_ledgers(void **state)
{
    (void) state;
    OK(prepare(&officer, KIND_CONTRIBUTIONS, "", true));
    const Disclosure__GetPublicationReply *reply = lines_of(last_page);
    assert_int_equal(reply->n_lines, HOUSEHOLDS / 10 - 1); /* one was voided */
    assert_int_equal(reply->publication->total->fen, (HOUSEHOLDS / 10 - 1) * 16000);
    const char *sum =
        cluster_ask(cluster, "SELECT sum(CASE why WHEN 'void' THEN -amount ELSE amount END)"
                             " FROM disclosure.transfer WHERE why IN ('payment.personal', 'void')");
    assert_int_equal(reply->publication->total->fen, atoll(sum));
    int64_t lines = 0;
    for (size_t i = 0; i < reply->n_lines; i++)
        lines += fen_of(reply->lines[i]->cells[3]);
    assert_int_equal(lines, reply->publication->total->fen);
    OK(approve(&approver, last_page));
    OK(show(last_page));
    holds_no_secret(page());
}

static void
req_6_2_2e_a_resident_finds_the_amount_of_any_group_without_signing_in(void **state)
{
    Disclosure__ShowSubsidyTableRequest in = DISCLOSURE__SHOW_SUBSIDY_TABLE_REQUEST__INIT;
    Disclosure__ShowIndexRequest index = DISCLOSURE__SHOW_INDEX_REQUEST__INIT;

    (void) state;
    OK(ask(NULL, "ShowIndex", &index.base));
    assert_non_null(strstr(page(), "/p/yishan/subsidyTable"));
    for (size_t i = 0; i < COUNT(groups); i++) {
        char amount[32];
        in.drg = (char *) groups[i].drg;
        OK(ask(NULL, "ShowSubsidyTable", &in.base));
        (void) snprintf(amount, sizeof amount, ">%lld.00<", (long long) groups[i].yuan);
        assert_non_null(strstr(page(), amount));
        assert_non_null(strstr(page(), "找到 1 条"));
    }
    in.drg = (char *) "心力";
    OK(ask(NULL, "ShowSubsidyTable", &in.base));
    assert_non_null(strstr(page(), "找到 2 条"));
    in.drg = (char *) "<script>\"";
    OK(ask(NULL, "ShowSubsidyTable", &in.base));
    assert_null(strstr(page(), "<script>"));
    /* As many lines as the frozen table has rows (feeds A.3). */
    OK(prepare(&officer, KIND_SUBSIDY_TABLE, "2024", false));
    assert_int_equal(lines_of(last_page)->n_lines, COUNT(groups));
}

static void
req_002_8_income_and_expense_balance(void **state)
{
    (void) state;
    OK(prepare(&officer, KIND_FUND_STATEMENT, "2024-Q3", false));
    const Disclosure__GetPublicationReply *reply = lines_of(last_page);
    int64_t balance = 0;
    for (size_t i = 0; i < reply->n_lines; i++) {
        const int64_t amount = fen_of(reply->lines[i]->cells[3]);
        const char *side = reply->lines[i]->cells[1];
        if (i + 1 == reply->n_lines)
            assert_int_equal(balance, amount);
        balance += strcmp(side, "支出") == 0 ? -amount : amount;
    }
    assert_int_equal(reply->publication->total->fen * 2, balance);
    FAILS(prepare(&officer, KIND_FUND_STATEMENT, "2024-Q4", false), ERR_REFUSED,
          "publication.running");
}

static void
nobody_approves_the_own_page(void **state)
{
    (void) state;
    OK(prepare(&officer, KIND_SUBSIDY_TABLE, "", false));
    FAILS(approve(&officer, last_page), ERR_FORBIDDEN, "publication.own");
    FAILS(show(last_page), ERR_NOT_FOUND, "page.none"); /* a draft is nobody's */
    OK(approve(&second, last_page));
    FAILS(approve(&approver, last_page), ERR_CONFLICT, "publication.move");
    OK(show(last_page));
}

static void
a_page_is_taken_down_by_hand_and_when_its_days_are_over(void **state)
{
    Disclosure__TakeDownPublicationRequest in = DISCLOSURE__TAKE_DOWN_PUBLICATION_REQUEST__INIT;
    (void) state;
    OK(prepare(&officer, KIND_PAYOUTS, "2024-Q3", false));
    OK(approve(&approver, last_page));
    now_is("2024-10-30T02:00:00Z"); /* the twentieth day */
    assert_int_equal(run_duty(&disclosure_service.duties[0]), ERR_OK);
    OK(show(last_page));
    now_is("2024-10-31T02:00:00Z");
    assert_int_equal(run_duty(&disclosure_service.duties[0]), ERR_OK);
    FAILS(show(last_page), ERR_NOT_FOUND, "page.none");
    OK(prepare(&officer, KIND_SUBSIDY_TABLE, "", false));
    OK(approve(&approver, last_page));
    in.publication_id = wire(last_page);
    in.reason = (char *) "有误";
    OK(ask(&approver, "TakeDownPublication", &in.base));
    FAILS(show(last_page), ERR_NOT_FOUND, "page.none");
    assert_int_equal(
        cluster_sql(
            cluster,
            "SELECT FROM disclosure.event WHERE topic = 'huzhu.disclosure.v1.PageTakenDown'"),
        2);
}

static void
req_7_2_5_the_month_before_is_prepared_by_itself(void **state)
{
    Disclosure__ListPublicationsRequest in = DISCLOSURE__LIST_PUBLICATIONS_REQUEST__INIT;
    (void) state;
    now_is("2024-09-07T02:00:00Z");
    assert_int_equal(run_duty(&disclosure_service.duties[1]), ERR_OK);
    assert_int_equal(cluster_sql(cluster, "SELECT FROM disclosure.publication"), 0);
    now_is("2024-09-08T02:00:00Z");
    assert_int_equal(run_duty(&disclosure_service.duties[1]), ERR_OK);
    assert_int_equal(run_duty(&disclosure_service.duties[1]), ERR_OK);
    in.kind = DISCLOSURE__PUBLICATION__KIND__PAYOUTS;
    OK(ask(&officer, "ListPublications", &in.base));
    const Disclosure__ListPublicationsReply *reply =
        (const Disclosure__ListPublicationsReply *) answer.body;
    assert_int_equal(reply->n_publications, 1);
    assert_string_equal(reply->publications[0]->period, "2024-08");
    assert_null(reply->publications[0]->prepared_by);
    struct id drafted;
    memcpy(drafted.bytes, reply->publications[0]->publication_id->value.data, sizeof drafted.bytes);
    OK(approve(&officer, drafted)); /* nobody prepared it: anybody who may, approves */
}

/* A stopped programme's money goes back; everybody sees how much has gone. */
static void
req_7_3_2_a_stopped_programmes_disposal_is_published(void **state)
{
    Contributions__RefundsOrdered event = CONTRIBUTIONS__REFUNDS_ORDERED__INIT;
    Contributions__RefundsOrdered__Refund refunds[3], *list[3];
    Disbursement__RefundConfirmed done = DISBURSEMENT__REFUND_CONFIRMED__INIT;
    Disclosure__ListNoticesRequest notices = DISCLOSURE__LIST_NOTICES_REQUEST__INIT;

    (void) state;
    for (int i = 0; i < 3; i++) {
        contributions__refunds_ordered__refund__init(&refunds[i]);
        refunds[i].refund_id = wire(id_of(0x81, i));
        refunds[i].person_id = wire(people[stays[20].person].id);
        refunds[i].amount = fen(16000);
        refunds[i].route = i < 2 ? CONTRIBUTIONS__REFUNDS_ORDERED__REFUND__ROUTE__BANK
                                 : CONTRIBUTIONS__REFUNDS_ORDERED__REFUND__ROUTE__CASH;
        list[i] = &refunds[i];
    }
    /* The bank's word on one of them is heard first. */
    done.refund_id = wire(id_of(0x81, 0));
    done.programme_id = wire(programme);
    done.amount = fen(16000);
    done.on = day("2024-10-09");
    tell("disbursement", &done.base);
    event.programme_id = wire(programme);
    event.refunds = list;
    event.n_refunds = 3;
    tell("contributions", &event.base);
    done.refund_id = wire(id_of(0x81, 2));
    tell("disbursement", &done.base);
    OK(prepare(&officer, KIND_DISPOSAL, "2024", false));
    const Disclosure__GetPublicationReply *reply = lines_of(last_page);
    assert_int_equal(reply->n_lines, 3);
    assert_string_equal(reply->lines[0]->text, "1\t退回银行账户\t2\t320.00\t1\t160.00");
    assert_string_equal(reply->lines[1]->text, "2\t退还现金\t1\t160.00\t1\t160.00");
    OK(approve(&approver, last_page));
    OK(ask(&member, "ListNotices", &notices.base));
    const Disclosure__ListNoticesReply *told_of =
        (const Disclosure__ListNoticesReply *) answer.body;
    assert_string_equal(told_of->notices[0]->kind, "refund.confirmed");
    cluster_sql(cluster, "TRUNCATE disclosure.refund");
}

/* --- the annual report --- */

static struct id last_report;

static err_t
prepare_report(const struct person *by)
{
    Disclosure__PrepareReportRequest in = DISCLOSURE__PREPARE_REPORT_REQUEST__INIT;

    last_report = new_id();
    in.report_id = wire(last_report);
    in.programme_id = wire(programme);
    return ask(by, "PrepareReport", &in.base);
}

static const char *
figure_of(const Disclosure__Report *report, const char *blank)
{
    for (size_t i = 0; i < report->n_figures; i++) {
        assert_memory_equal(report->figures[i]->query, "disclosure.", 11);
        if (strcmp(report->figures[i]->blank, blank) == 0)
            return report->figures[i]->value;
    }
    fail_msg("no blank %s", blank);
    return "";
}

static void
yuan_is(const Disclosure__Report *report, const char *blank, int64_t amount)
{
    char text[MONEY_TEXT_BYTES];

    money_format((money_t){ amount }, text);
    assert_string_equal(figure_of(report, blank), text);
}

static void
req_6_2_2i_every_blank_of_appendix_a_is_what_the_rows_say(void **state)
{
    int64_t paid = 0, above = 0, most = 0, most_person = 0, people_paid = 0;
    char text[40];

    (void) state;
    FAILS(prepare_report(&officer), ERR_REFUSED, "report.early");
    now_is("2025-01-02T02:00:00Z");
    OK(prepare(&officer, KIND_PAYOUTS, "2024-Q3", false));
    OK(approve(&approver, last_page));
    OK(prepare_report(&officer));
    const Disclosure__Report *report =
        ((const Disclosure__PrepareReportReply *) answer.body)->report;
    for (int i = 0; i < CLAIMS; i++) {
        int64_t of_person = 0;
        bool first = true;
        const int64_t threshold = stays[i].person % 2 == 0 ? 300000 : 400000;
        paid += paid_of(&stays[i]);
        above += stays[i].own * 100 > threshold ? stays[i].own * 100 - threshold : 0;
        most = paid_of(&stays[i]) > most ? paid_of(&stays[i]) : most;
        for (int k = 0; k < CLAIMS; k++) {
            of_person += stays[k].person == stays[i].person ? paid_of(&stays[k]) : 0;
            first = first && !(k < i && stays[k].person == stays[i].person);
        }
        most_person = of_person > most_person ? of_person : most_person;
        people_paid += first;
    }
    yuan_is(report, "A.2b.paid_total", paid);
    yuan_is(report, "A.2b.own_above", above);
    yuan_is(report, "A.2b.most_single", most);
    yuan_is(report, "A.2b.most_person", most_person);
    (void) snprintf(text, sizeof text, "%lld", (long long) people_paid);
    assert_string_equal(figure_of(report, "A.2b.people_paid"), text);
    assert_string_equal(figure_of(report, "A.2b.claims_paid"), "90");
    (void) snprintf(text, sizeof text, "%lld.%02lld%%", (long long) (paid * 10000 / above / 100),
                    (long long) (paid * 10000 / above % 100));
    assert_string_equal(figure_of(report, "A.2b.relief"), text);
    const int64_t raised = (HOUSEHOLDS / 10 - 1) * 16000 + 50000000;
    yuan_is(report, "A.2a.raised", raised);
    yuan_is(report, "A.2a.raised_all", raised);
    yuan_is(report, "A.2a.raised.2", 50000000);
    (void) snprintf(text, sizeof text, "%lld.%02lld%%", (long long) (paid * 10000 / raised / 100),
                    (long long) (paid * 10000 / raised % 100));
    assert_string_equal(figure_of(report, "A.2c.use_rate"), text);
    yuan_is(report, "A.1.threshold_resident", 300000);
    yuan_is(report, "A.1.threshold_employee", 400000);
    assert_string_equal(figure_of(report, "A.1.people"), "1200");
    assert_string_equal(figure_of(report, "A.3.disclosed_claims"), "90");
    assert_string_equal(figure_of(report, "A.3.table_rows"), "6");
    assert_string_equal(figure_of(report, "A.2a.account"), "伊山镇互助专户");
    assert_string_equal(figure_of(report, "A.1.claim_least"), "不设");
    assert_string_equal(figure_of(report, "A.0.agreement"),
                        "已签订 1 份（2024-01-01 至 2024-12-31），存档 1 份");
}

static void
report_file(const char *format, uint8_t sum[static 32])
{
    Disclosure__GetReportFileRequest in = DISCLOSURE__GET_REPORT_FILE_REQUEST__INIT;

    in.report_id = wire(last_report);
    in.format = (char *) format;
    OK(ask(&auditor, "GetReportFile", &in.base));
    const Disclosure__GetReportFileReply *reply =
        (const Disclosure__GetReportFileReply *) answer.body;
    assert_true(reply->body.len > 1000);
    sha256(reply->body.data, reply->body.len, sum);
}

static void
req_6_2_2i_a_second_run_gives_the_same_bytes(void **state)
{
    uint8_t page_one[32], page_two[32], book_one[32], book_two[32];

    (void) state;
    now_is("2025-01-02T02:00:00Z");
    OK(prepare_report(&officer));
    report_file("html", page_one);
    report_file("xlsx", book_one);
    cluster_sql(cluster, "TRUNCATE disclosure.report");
    sleep(1);
    now_is("2025-01-09T02:00:00Z");
    OK(prepare_report(&second));
    report_file("", page_two);
    report_file("xlsx", book_two);
    assert_memory_equal(page_one, page_two, 32);
    assert_memory_equal(book_one, book_two, 32);
}

static err_t
sign(const struct person *by)
{
    Disclosure__SignReportRequest in = DISCLOSURE__SIGN_REPORT_REQUEST__INIT;

    in.report_id = wire(last_report);
    return ask(by, "SignReport", &in.base);
}

static void
req_6_2_2i_an_unsigned_report_alerts_at_day_20(void **state)
{
    Disclosure__ListReportsRequest list = DISCLOSURE__LIST_REPORTS_REQUEST__INIT;
    Disclosure__GetReportRequest get = DISCLOSURE__GET_REPORT_REQUEST__INIT;
    static const char overdue[] =
        "SELECT FROM disclosure.event WHERE topic = 'huzhu.disclosure.v1.DutyOverdue'";
    (void) state;
    now_is("2025-01-19T02:00:00Z");
    assert_int_equal(run_duty(&disclosure_service.duties[2]), ERR_OK);
    assert_int_equal(cluster_sql(cluster, overdue), 0);
    now_is("2025-01-20T02:00:00Z");
    assert_int_equal(run_duty(&disclosure_service.duties[2]), ERR_OK);
    assert_int_equal(run_duty(&disclosure_service.duties[2]), ERR_OK);
    assert_int_equal(cluster_sql(cluster, overdue), 1);
    OK(prepare_report(&officer));
    FAILS(prepare(&officer, KIND_ANNUAL_REPORT, "2024", false), ERR_REFUSED, "publication.report");
    FAILS(sign(&officer), ERR_FORBIDDEN, "report.own");
    OK(sign(&approver));
    FAILS(sign(&approver), ERR_REFUSED, "report.signed");
    FAILS(prepare_report(&officer), ERR_REFUSED, "report.signed");
    OK(ask(&auditor, "ListReports", &list.base));
    const Disclosure__ListReportsReply *reports =
        (const Disclosure__ListReportsReply *) answer.body;
    assert_int_equal(reports->n_reports, 1);
    memcpy(last_report.bytes, reports->reports[0]->report_id->value.data, 16);
    get.report_id = wire(last_report);
    OK(ask(&auditor, "GetReport", &get.base));
    assert_int_equal(((const Disclosure__GetReportReply *) answer.body)->report->state,
                     DISCLOSURE__REPORT__STATE__SIGNED);
    OK(prepare(&officer, KIND_ANNUAL_REPORT, "2024", false));
    OK(approve(&approver, last_page));
    OK(show(last_page));
    assert_non_null(strstr(page(), "A.2b.relief"));
}

static void
the_rows_behind_the_report_leave_without_names(void **state)
{
    static const char *const tables[] = { "claims",     "ledger",       "members",
                                          "thresholds", "publications", "tables" };
    Disclosure__ExportReportDataRequest in = DISCLOSURE__EXPORT_REPORT_DATA_REQUEST__INIT;
    int64_t paid = 0, exported = 0;

    (void) state;
    for (size_t i = 0; i < COUNT(tables); i++) {
        in.programme_id = wire(programme);
        in.table = (char *) tables[i];
        OK(ask(&auditor, "ExportReportData", &in.base));
        const char *text = page();
        for (int k = 0; k < PEOPLE; k++)
            assert_null(strstr(text, people[k].name));
        assert_null(strstr(text, "灌云县"));
        for (const char *line = strstr(text, "\r\n"); i == 0 && line && line[2];
             line = strstr(line + 2, "\r\n")) {
            const char *at = line;
            for (int comma = 0; comma < 7; comma++)
                at = strchr(at + 1, ',');
            exported += atoll(at + 1);
        }
    }
    for (int i = 0; i < CLAIMS; i++)
        paid += paid_of(&stays[i]);
    assert_int_equal(exported, paid);
}

/* --- notices --- */

static void
notices_tell_a_household_without_illness(void **state)
{
    Disclosure__ListNoticesRequest in = DISCLOSURE__LIST_NOTICES_REQUEST__INIT;
    Disclosure__MarkNoticeReadRequest mark = DISCLOSURE__MARK_NOTICE_READ_REQUEST__INIT;
    struct id notice;

    (void) state;
    OK(ask(&member, "ListNotices", &in.base));
    const Disclosure__ListNoticesReply *reply = (const Disclosure__ListNoticesReply *) answer.body;
    assert_true(reply->n_notices >= 3);
    for (size_t i = 0; i < reply->n_notices; i++)
        for (size_t k = 0; k < COUNT(groups); k++) {
            assert_null(strstr(reply->notices[i]->text, groups[k].name));
            assert_null(strstr(reply->notices[i]->text, groups[k].drg));
        }
    const size_t before = reply->n_notices;
    memcpy(notice.bytes, reply->notices[0]->notice_id->value.data, 16);
    mark.notice_id = wire(notice);
    struct person stranger = a_person(town, ROLE_MEMBER);
    stranger.own_person = people[(stays[20].person + 8) % PEOPLE].id;
    FAILS(ask(&stranger, "MarkNoticeRead", &mark.base), ERR_NOT_FOUND, "notice.none");
    OK(ask(&member, "MarkNoticeRead", &mark.base));
    assert_non_null(((const Disclosure__MarkNoticeReadReply *) answer.body)->notice->read_at);
    in.unread_only = true;
    OK(ask(&member, "ListNotices", &in.base));
    assert_int_equal(((const Disclosure__ListNoticesReply *) answer.body)->n_notices, before - 1);
}

/* --- complaints --- */

static struct id last_complaint;
static char last_number[64], last_code[16];

static Disclosure__FileComplaintRequest *
complaint(void)
{
    static Disclosure__FileComplaintRequest in;

    disclosure__file_complaint_request__init(&in);
    last_complaint = new_id();
    in.complaint_id = wire(last_complaint);
    in.category = DISCLOSURE__COMPLAINT__CATEGORY__AMOUNT;
    in.text = (char *) "CANARY金额不对";
    return &in;
}

static err_t
file(const struct person *by, const Disclosure__FileComplaintRequest *in)
{
    Disclosure__LodgeComplaintRequest lodge = DISCLOSURE__LODGE_COMPLAINT_REQUEST__INIT;

    lodge.complaint_id = in->complaint_id;
    lodge.category = in->category;
    lodge.text = in->text;
    /* Both replies have the same fields in the same order. */
    const err_t code =
        by ? ask(by, "FileComplaint", &in->base) : ask(NULL, "LodgeComplaint", &lodge.base);

    if (code == ERR_OK) {
        const Disclosure__FileComplaintReply *reply =
            (const Disclosure__FileComplaintReply *) answer.body;
        (void) snprintf(last_number, sizeof last_number, "%s", reply->number);
        (void) snprintf(last_code, sizeof last_code, "%s", reply->code);
    }
    return code;
}

static bool
day_is(const Huzhu__Date *date, const char *text)
{
    date_t want;

    assert_true(date_parse(text, &want));
    return date && date->days == want.days;
}

static void
req_10_1_owner_and_due_days_are_there_at_once(void **state)
{
    struct id owner;

    (void) state;
    now_is("2026-02-13T02:00:00Z"); /* the Friday before Spring Festival */
    OK(file(NULL, complaint()));
    const Disclosure__FileComplaintReply *reply =
        (const Disclosure__FileComplaintReply *) answer.body;
    assert_true(day_is(reply->accept_by, "2026-02-14")); /* a Saturday that is worked */
    assert_true(day_is(reply->reply_by, "2026-02-27"));
    memcpy(owner.bytes, reply->owner_id->value.data, 16);
    assert_int_equal(id_cmp(owner, officer.account), 0);
    assert_string_equal(last_number, "TS-yishan-20260213-001");
    assert_int_equal(strlen(last_code), 10);
    /* Typed in later by a clerk: the clock runs from its receipt. */
    Disclosure__FileComplaintRequest *offline = complaint();
    offline->channel = DISCLOSURE__COMPLAINT__CHANNEL__LETTER;
    offline->received_on = day("2026-02-11");
    offline->severity = DISCLOSURE__COMPLAINT__SEVERITY__URGENT;
    OK(file(&clerk, offline));
    reply = (const Disclosure__FileComplaintReply *) answer.body;
    assert_true(day_is(reply->reply_by, "2026-02-13"));
    offline = complaint();
    offline->channel = DISCLOSURE__COMPLAINT__CHANNEL__LETTER;
    FAILS(file(&member, offline), ERR_FORBIDDEN, "complaint.staff");
    FAILS(ask(NULL, "FileComplaint", &offline->base), ERR_UNAUTHENTICATED, "call.not_signed_in");
}

static void
req_10_1_nobody_owns_a_complaint_about_himself_or_his_coding(void **state)
{
    Disclosure__TransferComplaintRequest move = DISCLOSURE__TRANSFER_COMPLAINT_REQUEST__INIT;
    Disclosure__GetComplaintRequest get = DISCLOSURE__GET_COMPLAINT_REQUEST__INIT;
    struct id owner;

    (void) state;
    Disclosure__FileComplaintRequest *in = complaint();
    in->about_id = wire(officer.account);
    in->claim_id = wire(stays[7].id);
    OK(file(&member, in));
    memcpy(owner.bytes,
           ((const Disclosure__FileComplaintReply *) answer.body)->owner_id->value.data, 16);
    assert_int_not_equal(id_cmp(owner, officer.account), 0);
    get.complaint_id = wire(last_complaint);
    FAILS(ask(&officer, "GetComplaint", &get.base), ERR_NOT_FOUND, "complaint.none");
    const struct person *by = id_cmp(owner, second.account) == 0 ? &second : &approver;
    move.complaint_id = wire(last_complaint);
    move.reason = (char *) "另派";
    const struct id barred[] = { coder.account, reviewer.account, officer.account };
    for (size_t i = 0; i < COUNT(barred); i++) {
        move.owner_id = wire(barred[i]);
        FAILS(ask(by, "TransferComplaint", &move.base), ERR_REFUSED, "complaint.conflict");
    }
}

static void
req_10_1_a_complaint_goes_its_way_and_the_complainer_sees_it(void **state)
{
    Disclosure__AcceptComplaintRequest accept = DISCLOSURE__ACCEPT_COMPLAINT_REQUEST__INIT;
    Disclosure__ExtendComplaintRequest extend = DISCLOSURE__EXTEND_COMPLAINT_REQUEST__INIT;
    Disclosure__AnswerComplaintRequest reply = DISCLOSURE__ANSWER_COMPLAINT_REQUEST__INIT;
    Disclosure__ListComplaintsRequest list = DISCLOSURE__LIST_COMPLAINTS_REQUEST__INIT;
    Disclosure__ShowComplaintStateRequest look = DISCLOSURE__SHOW_COMPLAINT_STATE_REQUEST__INIT;
    Disclosure__ShowComplaintsRequest board = DISCLOSURE__SHOW_COMPLAINTS_REQUEST__INIT;

    (void) state;
    OK(ask(NULL, "ShowComplaints", &board.base));
    assert_non_null(strstr(page(), "5 个工作日"));
    OK(file(NULL, complaint()));
    assert_int_equal(
        cluster_sql(cluster, "SELECT FROM disclosure.complaint c WHERE c::text LIKE '%CANARY%'"),
        0);
    reply.complaint_id = extend.complaint_id = accept.complaint_id = wire(last_complaint);
    reply.outcome = DISCLOSURE__COMPLAINT__OUTCOME__UPHELD;
    reply.answer = (char *) "已更正";
    FAILS(ask(&officer, "AnswerComplaint", &reply.base), ERR_CONFLICT, "complaint.move");
    FAILS(ask(&second, "AcceptComplaint", &accept.base), ERR_FORBIDDEN, "complaint.not_owner");
    OK(ask(&officer, "AcceptComplaint", &accept.base));
    extend.workdays = 15;
    extend.reason = (char *) "需调取档案";
    OK(ask(&officer, "ExtendComplaint", &extend.base));
    FAILS(ask(&officer, "ExtendComplaint", &extend.base), ERR_REFUSED, "complaint.extended");
    now_is("2024-12-10T02:00:00Z");
    list.overdue = true;
    OK(ask(&auditor, "ListComplaints", &list.base));
    assert_int_equal(((const Disclosure__ListComplaintsReply *) answer.body)->n_complaints, 1);
    assert_string_equal(
        ((const Disclosure__ListComplaintsReply *) answer.body)->complaints[0]->text, "");
    OK(ask(&officer, "AnswerComplaint", &reply.base));
    now_is("2025-01-03T02:00:00Z");
    OK(prepare(&officer, KIND_COMPLAINT_FIGURES, "2024", false));
    assert_string_equal(lines_of(last_page)->lines[0]->text, "1\t补助金额\t1\t1\t1");
    look.number = last_number;
    look.code = last_code;
    OK(ask(NULL, "ShowComplaintState", &look.base));
    assert_non_null(strstr(page(), "已更正"));
    assert_null(strstr(page(), "CANARY"));
}

static void
req_10_1_five_wrong_codes_lock_the_number(void **state)
{
    Disclosure__ShowComplaintStateRequest look = DISCLOSURE__SHOW_COMPLAINT_STATE_REQUEST__INIT;

    (void) state;
    OK(file(NULL, complaint()));
    look.number = last_number;
    for (int i = 0; i < 4; i++) {
        look.code = (char *) "WRONGWRONG";
        OK(ask(NULL, "ShowComplaintState", &look.base));
        assert_non_null(strstr(page(), "不正确"));
    }
    look.code = last_code; /* the fifth is right: it opens, and the count begins anew */
    OK(ask(NULL, "ShowComplaintState", &look.base));
    assert_non_null(strstr(page(), "待受理"));
    for (int i = 0; i < 5; i++) {
        look.code = (char *) "WRONGWRONG";
        OK(ask(NULL, "ShowComplaintState", &look.base));
    }
    look.code = last_code;
    OK(ask(NULL, "ShowComplaintState", &look.base));
    assert_non_null(strstr(page(), "不正确"));
}

/* --- bad input --- */

static const struct {
    int kind;
    const char *period;
    bool of_village;
    err_t code;
    const char *reason;
} pages[] = {
    { 0, "2024-Q3", false, ERR_INVALID, "publication.kind" },
    { 8, "2024-Q3", false, ERR_INVALID, "publication.kind" },
    { -1, "2024-Q3", false, ERR_INVALID, "publication.kind" },
    { KIND_PAYOUTS, "", false, ERR_INVALID, "publication.period" },
    { KIND_PAYOUTS, "2024-13", false, ERR_INVALID, "publication.period" },
    { KIND_PAYOUTS, "2024-00", false, ERR_INVALID, "publication.period" },
    { KIND_PAYOUTS, "2024-Q5", false, ERR_INVALID, "publication.period" },
    { KIND_PAYOUTS, "2024-Q0", false, ERR_INVALID, "publication.period" },
    { KIND_PAYOUTS, "24-08", false, ERR_INVALID, "publication.period" },
    { KIND_PAYOUTS, "2024/08", false, ERR_INVALID, "publication.period" },
    { KIND_PAYOUTS, "2024-08-01", false, ERR_INVALID, "publication.period" },
    { KIND_PAYOUTS, "1999", false, ERR_INVALID, "publication.period" },
    { KIND_PAYOUTS, "2023-08", false, ERR_INVALID, "publication.period" },
    { KIND_PAYOUTS, "2024-10", false, ERR_REFUSED, "publication.running" },
    { KIND_PAYOUTS, "2024", false, ERR_REFUSED, "publication.running" },
    { KIND_PAYOUTS, "2024-03", false, ERR_REFUSED, "publication.empty" },
    { KIND_FUND_STATEMENT, "2024-11", false, ERR_REFUSED, "publication.running" },
    { KIND_FUND_STATEMENT, "2024-Q3", true, ERR_INVALID, "publication.village" },
    { KIND_SUBSIDY_TABLE, "2024", true, ERR_INVALID, "publication.village" },
    { KIND_ANNUAL_REPORT, "2024", false, ERR_REFUSED, "publication.report" },
    { KIND_DISPOSAL, "2024", false, ERR_REFUSED, "publication.empty" },
};

/* Each of these refuses what it is given and returns how much that was. */

static int
bad_publications(void)
{
    Disclosure__ListPublicationsRequest list = DISCLOSURE__LIST_PUBLICATIONS_REQUEST__INIT;

    for (size_t i = 0; i < COUNT(pages); i++)
        FAILS(prepare(&officer, pages[i].kind, pages[i].period, pages[i].of_village), pages[i].code,
              pages[i].reason);
    FAILS(prepare(&clerk, KIND_PAYOUTS, "2024-Q3", false), ERR_FORBIDDEN, "call.role");
    FAILS(prepare(NULL, KIND_PAYOUTS, "2024-Q3", false), ERR_UNAUTHENTICATED, "call.not_signed_in");
    FAILS(approve(&approver, new_id()), ERR_NOT_FOUND, "publication.none");
    FAILS(show(new_id()), ERR_NOT_FOUND, "page.none");
    list.page_size = 201;
    FAILS(ask(&officer, "ListPublications", &list.base), ERR_INVALID, "page.size");
    list.page_size = 0;
    list.page_token = (char *) "x";
    FAILS(ask(&officer, "ListPublications", &list.base), ERR_INVALID, "page.token");
    return (int) COUNT(pages) + 6;
}

static int
bad_complaints(void)
{
    static char long_text[2100];
    Disclosure__FileComplaintRequest *in;
    int bad = 0;

    memset(long_text, 'x', sizeof long_text - 1);
#define BAD(change, code, reason)                                                                  \
    do {                                                                                           \
        in = complaint();                                                                          \
        change;                                                                                    \
        FAILS(file(&clerk, in), code, reason);                                                     \
        bad++;                                                                                     \
    } while (0)
    BAD(in->text = (char *) "", ERR_INVALID, "text.form");
    BAD(in->text = long_text, ERR_INVALID, "text.form");
    BAD(in->text = (char *) "a\x01"
                            "b",
        ERR_INVALID, "text.form");
    BAD(in->contact = long_text, ERR_INVALID, "text.form");
    BAD(in->category = 0, ERR_INVALID, "complaint.field");
    BAD(in->category = 11, ERR_INVALID, "complaint.field");
    BAD(in->severity = 3, ERR_INVALID, "complaint.field");
    BAD(in->channel = 6, ERR_INVALID, "complaint.field");
    BAD(in->received_on = day("2024-10-11"), ERR_INVALID, "complaint.day");
    BAD(in->received_on = day("2024-08-10"), ERR_INVALID, "complaint.day");
#undef BAD
    return bad;
}

static int
bad_reports(void)
{
    Disclosure__ExportReportDataRequest export = DISCLOSURE__EXPORT_REPORT_DATA_REQUEST__INIT;
    Disclosure__GetReportFileRequest get = DISCLOSURE__GET_REPORT_FILE_REQUEST__INIT;

    export.programme_id = wire(programme);
    export.table = (char *) "person";
    FAILS(ask(&auditor, "ExportReportData", &export.base), ERR_NOT_FOUND, "report.table");
    get.report_id = wire(new_id());
    get.format = (char *) "pdf";
    FAILS(ask(&auditor, "GetReportFile", &get.base), ERR_INVALID, "report.format");
    get.format = (char *) "html";
    FAILS(ask(&auditor, "GetReportFile", &get.base), ERR_NOT_FOUND, "report.none");
    return 3;
}

static void
bad_input_has_a_code_a_reason_and_no_effect(void **state)
{
    (void) state;
    const int bad = bad_publications() + bad_complaints() + bad_reports();
    assert_true(bad >= 30);
    assert_int_equal(cluster_sql(cluster, "SELECT FROM disclosure.publication"), 0);
    assert_int_equal(cluster_sql(cluster, "SELECT FROM disclosure.complaint"), 0);
    print_message("%d bad inputs\n", bad);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, clean)
    const struct CMUnitTest tests[] = {
        TEST(req_7_2_5_payouts_are_masked_counted_and_sum_to_what_was_paid),
        TEST(req_6_2_2c1_a_motivated_intruder_finds_nobody_sensitive_and_others_rarely),
        TEST(req_7_2_5_no_line_of_who_did_not_consent),
        TEST(pages_of_two_periods_cannot_be_subtracted),
        TEST(a_new_version_that_isolates_one_payment_is_refused),
        TEST(versions_have_no_gaps_and_replace_each_other),
        TEST(each_line_proves_itself_against_the_published_root),
        TEST(the_page_is_the_bytes_that_were_hashed),
        TEST(req_7_2_1e_contributions_count_and_sum_equal_the_ledgers),
        TEST(req_6_2_2e_a_resident_finds_the_amount_of_any_group_without_signing_in),
        TEST(req_002_8_income_and_expense_balance),
        TEST(nobody_approves_the_own_page),
        TEST(a_page_is_taken_down_by_hand_and_when_its_days_are_over),
        TEST(req_7_2_5_the_month_before_is_prepared_by_itself),
        TEST(req_7_3_2_a_stopped_programmes_disposal_is_published),
        TEST(req_6_2_2i_every_blank_of_appendix_a_is_what_the_rows_say),
        TEST(req_6_2_2i_a_second_run_gives_the_same_bytes),
        TEST(req_6_2_2i_an_unsigned_report_alerts_at_day_20),
        TEST(the_rows_behind_the_report_leave_without_names),
        TEST(notices_tell_a_household_without_illness),
        TEST(req_10_1_owner_and_due_days_are_there_at_once),
        TEST(req_10_1_nobody_owns_a_complaint_about_himself_or_his_coding),
        TEST(req_10_1_a_complaint_goes_its_way_and_the_complainer_sees_it),
        TEST(req_10_1_five_wrong_codes_lock_the_number),
        TEST(bad_input_has_a_code_a_reason_and_no_effect),
    };
    return cmocka_run_group_tests_name("disclosure", tests, open_world, stage_close);
}
