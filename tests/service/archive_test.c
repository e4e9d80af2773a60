/* Goal: the nine kinds of appendix B are filed by what happens, listed, complete or with named
 * gaps, looked through each month and never taken out; and anyone can prove a published line.
 * Method: feeds are pulled from a producer made of an array of real events, packed by their
 * contracts; what the gateway would answer is written by its own transcoder and flipped byte by
 * byte. */
#include "test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit.pb-c.h"
#include "audit/audit.h"
#include "audit/commands.h"
#include "audit/rules.h"
#include "audit/service.h"
#include "audit/verify_line.h"
#include "caller.h"
#include "cluster.h"
#include "coding.pb-c.h"
#include "contract/events_told.h"
#include "contributions.pb-c.h"
#include "disbursement.pb-c.h"
#include "disclosure.pb-c.h"
#include "identity.pb-c.h"
#include "transcode.h"

#define EVENTS_MAX 700

static struct cluster *cluster;
static struct runtime *rt;
static struct svc_thread *thread, *duties;
static struct keys *keys;
static struct shapes *shapes;
static char folder[] = "/tmp/huzhu-archive-XXXXXX", key[96], pub[128];
static struct runtime_conf runtime_conf;
static struct audit_conf audit_conf;
static const struct id town = { { 0x11, 1 } }, other = { { 0x22, 2 } };
static const struct id programme = { { 0x33, 1 } }, east = { { 0x44, 1 } }, west = { { 0x44, 2 } };
static char reason[48], path[96]; /* of the last refusal */

/* --- producers --- */

static struct told {
    const char *from;
    char topic[96];
    struct id event, tenant;
    size_t size;
    uint8_t *body;
} told[EVENTS_MAX];
static size_t told_count;

static void
tell_bytes(const char *from, struct id tenant, const char *topic, const void *bytes, size_t size)
{
    struct told *t = &told[told_count++];

    assert_true(told_count < EVENTS_MAX);
    *t = (struct told){ .from = from,
                        .event = id_mint(clock_now()),
                        .tenant = tenant,
                        .size = size,
                        .body = malloc(size + 1) };
    assert_non_null(t->body);
    memcpy(t->body, bytes, size);
    (void) snprintf(t->topic, sizeof t->topic, "%s", topic);
}

static void
tell(const char *from, const void *message)
{
    const ProtobufCMessage *is = message;
    uint8_t bytes[8192];

    assert_true(protobuf_c_message_get_packed_size(is) < sizeof bytes);
    tell_bytes(from, town, is->descriptor->name, bytes, protobuf_c_message_pack(is, bytes));
}

static err_t
read_told(void *arg, const char *producer, const Bus__ReadEventsRequest *request,
          struct arena *arena, const Bus__ReadEventsReply **reply, struct err *err)
{
    static struct {
        Bus__ReadEventsReply reply;
        Bus__Event events[EVENTS_MAX], *pointers[EVENTS_MAX];
        Bus__Position positions[EVENTS_MAX], reached;
    } out;
    size_t n = 0, seen = (size_t) request->after->seq;

    (void) arg, (void) arena, (void) err;
    bus__read_events_reply__init(&out.reply);
    for (size_t i = seen; i < told_count && n < request->limit; i++) {
        seen = i + 1;
        if (strcmp(told[i].from, producer) != 0)
            continue;
        bus__position__init(&out.positions[n]);
        out.positions[n].tx = 1;
        out.positions[n].seq = (int64_t) i + 1;
        bus__event__init(&out.events[n]);
        out.events[n].position = &out.positions[n];
        out.events[n].event_id = (ProtobufCBinaryData){ 16, told[i].event.bytes };
        out.events[n].tenant_id = (ProtobufCBinaryData){ 16, told[i].tenant.bytes };
        out.events[n].topic = told[i].topic;
        out.events[n].body = (ProtobufCBinaryData){ told[i].size, told[i].body };
        out.events[n].recorded_us = clock_now().us;
        out.events[n].traceparent = (char *) "";
        out.pointers[n] = &out.events[n];
        n++;
    }
    bus__position__init(&out.reached);
    out.reached.tx = 1;
    out.reached.seq = (int64_t) seen;
    out.reply.events = out.pointers;
    out.reply.n_events = n;
    out.reply.reached = seen > 0 ? &out.reached : NULL;
    *reply = &out.reply;
    return ERR_OK;
}

static const char *const services[] = { "identity",     "contributions", "claims", "coding",
                                        "disbursement", "disclosure",    "audit" };

static void
pull_all(void)
{
    const struct feed_source source = { read_told, NULL };
    struct err err;
    int applied;

    for (size_t s = 0; s < COUNT(services); s++)
        do {
            assert_int_equal(feed_pull(thread, services[s], &source, &applied, &err), ERR_OK);
        } while (applied > 0);
}

static err_t
duty(const char *name)
{
    struct err err;

    for (size_t i = 0; i < audit_service.duty_count; i++)
        if (strcmp(audit_service.duties[i].name, name) == 0)
            return duty_run(duties, &audit_service.duties[i], &err);
    fail_msg("there is no duty %s", name);
    return ERR_INTERNAL;
}

static int
count(const char *sql)
{
    return (int) strtol(cluster_ask(cluster, sql), NULL, 10);
}

static void
by_hand(const char *sql)
{
    char text[2048];

    (void) snprintf(text, sizeof text,
                    "SET session_replication_role = replica; %s; RESET session_replication_role",
                    sql);
    (void) cluster_sql(cluster, text);
}

/* --- callers --- */

static ProtobufCMessage *body;

static err_t
ask_as(const struct person *person, const char *rpc, const void *in)
{
    const ProtobufCMethodDescriptor *types =
        protobuf_c_service_descriptor_get_method_by_name(&audit__audit__descriptor, rpc);
    char idempotency[ID_TEXT_BYTES];
    Bus__Answer answer;

    id_format(id_mint(clock_now()), idempotency);
    struct request_of *request = request_of(keys, person, rpc, in, idempotency);
    svc_thread_answer(thread, "gateway", &request->envelope, &answer);
    request_free(request);
    if (body)
        protobuf_c_message_free_unpacked(body, NULL);
    body = NULL;
    (void) snprintf(reason, sizeof reason, "%s", answer.reason);
    (void) snprintf(path, sizeof path, "%s", answer.path ? answer.path : "");
    const err_t code = bus_err_from_code(answer.code);
    if (code == ERR_OK)
        body = protobuf_c_message_unpack(types->output, NULL, answer.body.len, answer.body.data);
    return code;
}

static struct person
officer(void)
{
    struct person person = a_person(town, ROLE_TOWNSHIP_OFFICER);

    person.whole_tenant = true;
    return person;
}

static struct person
clerk(struct id village)
{
    struct person person = a_person(town, ROLE_VILLAGE_CLERK);

    person.organisation = village;
    return person;
}

static const void *
ask(const struct person *person, const char *rpc, const void *in)
{
    const err_t code = ask_as(person, rpc, in);

    if (code != ERR_OK)
        fail_msg("%s: %s %s %s", rpc, err_name(code), reason, path);
    return body;
}

/* Nobody signed in, at a page of the town. */
static err_t
ask_public(const char *rpc, const void *in)
{
    const ProtobufCMethodDescriptor *types =
        protobuf_c_service_descriptor_get_method_by_name(&audit__audit__descriptor, rpc);
    Bus__Answer answer;

    struct request_of *request = request_of(keys, NULL, rpc, in, "");
    request->tenant = town;
    request->envelope.tenant_id = (ProtobufCBinaryData){ 16, request->tenant.bytes };
    svc_thread_answer(thread, "gateway", &request->envelope, &answer);
    request_free(request);
    if (body)
        protobuf_c_message_free_unpacked(body, NULL);
    body = NULL;
    (void) snprintf(reason, sizeof reason, "%s", answer.reason);
    const err_t code = bus_err_from_code(answer.code);
    if (code == ERR_OK)
        body = protobuf_c_message_unpack(types->output, NULL, answer.body.len, answer.body.data);
    return code;
}

/* --- wire --- */

#define IDS 64
static Huzhu__Id *
wire_id(const struct id *id)
{
    static Huzhu__Id ids[IDS];
    static size_t next;
    Huzhu__Id *out = &ids[next++ % IDS];

    huzhu__id__init(out);
    out->value = (ProtobufCBinaryData){ 16, (uint8_t *) id->bytes };
    return out;
}

static Huzhu__Date *
wire_day(int year, int month, int day)
{
    static Huzhu__Date days[IDS];
    static size_t next;
    Huzhu__Date *out = &days[next++ % IDS];

    huzhu__date__init(out);
    out->days = date_from_civil(year, month, day).days;
    return out;
}

/* --- what happens in a year --- */

static void
describe_town(void)
{
    Identity__TenantDescribed in = IDENTITY__TENANT_DESCRIBED__INIT;
    Identity__TenantDescribed__Village v[2] = { IDENTITY__TENANT_DESCRIBED__VILLAGE__INIT,
                                                IDENTITY__TENANT_DESCRIBED__VILLAGE__INIT };
    Identity__TenantDescribed__Village *list[] = { &v[0], &v[1] };

    v[0].village_id = wire_id(&east);
    v[0].division_code = (char *) "320281110201";
    v[0].name = (char *) "东村";
    v[1].village_id = wire_id(&west);
    v[1].division_code = (char *) "320281110202";
    v[1].name = (char *) "西村";
    in.code = (char *) "changjing";
    in.name = (char *) "长泾镇<&>";
    in.villages = list;
    in.n_villages = 2;
    tell("identity", &in);
}

static void
change_programme(Contributions__Programme__State state)
{
    Contributions__ProgrammeChanged in = CONTRIBUTIONS__PROGRAMME_CHANGED__INIT;
    Contributions__Programme is = CONTRIBUTIONS__PROGRAMME__INIT;

    is.programme_id = wire_id(&programme);
    is.year = 2025;
    is.name = (char *) "长泾镇2025年互助";
    is.state = state;
    in.programme = &is;
    tell("contributions", &in);
}

static void
resolve(const struct id *resolution, const struct id *village, bool passed)
{
    Contributions__ResolutionRecorded in = CONTRIBUTIONS__RESOLUTION_RECORDED__INIT;

    in.resolution_id = wire_id(resolution);
    in.programme_id = wire_id(&programme);
    in.village_id = wire_id(village);
    in.met_on = wire_day(2025, 6, 1);
    in.entitled = 30;
    in.attended = 25;
    in.votes_for = passed ? 20 : 3;
    in.passed = passed;
    tell("contributions", &in);
}

static const uint8_t root_of_page[32] = { 9, 9, 9 }, page_digest[32] = { 7, 7 };

static Disclosure__PagePublished
a_page(const struct id *publication, Disclosure__Publication__Kind kind, uint32_t version)
{
    Disclosure__PagePublished in = DISCLOSURE__PAGE_PUBLISHED__INIT;

    in.publication_id = wire_id(publication);
    in.programme_id = wire_id(&programme);
    in.village_id = wire_id(&east);
    in.kind = kind;
    in.period = (char *) "2025";
    in.version = version;
    in.lines = 12;
    in.root = (ProtobufCBinaryData){ 32, (uint8_t *) root_of_page };
    in.page_sha256 = (ProtobufCBinaryData){ 32, (uint8_t *) page_digest };
    return in;
}

static void
publish(const struct id *publication, Disclosure__Publication__Kind kind, uint32_t version)
{
    const Disclosure__PagePublished in = a_page(publication, kind, version);

    tell("disclosure", &in);
}

static const struct id things[12] = { { { 0x50 } }, { { 0x51 } }, { { 0x52 } }, { { 0x53 } },
                                      { { 0x54 } }, { { 0x55 } }, { { 0x56 } }, { { 0x57 } },
                                      { { 0x58 } }, { { 0x59 } }, { { 0x5a } }, { { 0x5b } } };

/* B01, B03 x 2, B05, B07, B08, B09 x 3: nine items. */
static void
a_year_passes(void)
{
    Coding__TableFrozen frozen = CODING__TABLE_FROZEN__INIT;
    Disbursement__ListApproved approved = DISBURSEMENT__LIST_APPROVED__INIT;
    Disbursement__BatchSent sent = DISBURSEMENT__BATCH_SENT__INIT;
    Identity__NdaRecorded nda = IDENTITY__NDA_RECORDED__INIT;

    describe_town();
    pull_all();
    change_programme(CONTRIBUTIONS__PROGRAMME__STATE__DRAFT);
    change_programme(CONTRIBUTIONS__PROGRAMME__STATE__OPEN);
    change_programme(CONTRIBUTIONS__PROGRAMME__STATE__OPEN);
    resolve(&things[0], &east, true);
    resolve(&things[1], &west, false);
    frozen.table_id = wire_id(&things[2]);
    frozen.programme_id = wire_id(&programme);
    frozen.sha256 = (ProtobufCBinaryData){ 32, (uint8_t *) root_of_page };
    tell("coding", &frozen);
    publish(&things[3], DISCLOSURE__PUBLICATION__KIND__CONTRIBUTIONS, 1);
    publish(&things[4], DISCLOSURE__PUBLICATION__KIND__PAYOUTS, 1);
    publish(&things[5], DISCLOSURE__PUBLICATION__KIND__FUND_STATEMENT, 1);
    approved.list_id = wire_id(&things[6]);
    approved.programme_id = wire_id(&programme);
    tell("disbursement", &approved);
    sent.batch_id = wire_id(&things[7]);
    sent.programme_id = wire_id(&programme);
    sent.sha256 = (ProtobufCBinaryData){ 32, (uint8_t *) page_digest };
    tell("disbursement", &sent);
    nda.nda_id = wire_id(&things[8]);
    nda.account_id = wire_id(&things[9]);
    nda.signed_on = wire_day(2025, 1, 10);
    nda.expires_on = wire_day(2026, 1, 9);
    tell("identity", &nda);
    pull_all();
}

/* What a person files; a fresh id each time. */
static Audit__RecordArchiveItemRequest
an_item(Audit__ArchiveItem__Kind kind)
{
    static struct id ids[IDS];
    static size_t next;
    Audit__RecordArchiveItemRequest in = AUDIT__RECORD_ARCHIVE_ITEM_REQUEST__INIT;
    struct id *id = &ids[next++ % IDS];

    *id = id_mint(clock_now());
    in.item_id = wire_id(id);
    in.kind = kind;
    in.programme_id = wire_id(&programme);
    in.title = (char *) "告全体村民书";
    in.dated = wire_day(2025, 6, 20);
    in.sha256 = (ProtobufCBinaryData){ 32, (uint8_t *) root_of_page };
    in.paper_location = (char *) "档案室3架2盒";
    return in;
}

/* --- the world --- */

static int
open_world(void **state)
{
    struct err err = { 0 };

    (void) state;
    cluster = cluster_start();
    keys = keys_make();
    shapes = shapes_create();
    if (!cluster || !keys || !shapes || !cluster_migrate(cluster, &audit_service) ||
        !mkdtemp(folder))
        return -1;
    (void) snprintf(key, sizeof key, "%s/audit", folder);
    (void) snprintf(pub, sizeof pub, "%s/audit.pub", folder);
    (void) setenv("HUZHU_DATABASE_URL", cluster_url(cluster, "huzhu_audit"), 1);
    (void) setenv("HUZHU_PRINCIPAL_KEYS", keys_principals(keys), 1);
    (void) setenv("HUZHU_AUDIT_SIGNING_KEY", key, 1);
    if (signer_generate(key, &err) != ERR_OK ||
        !runtime_by_settings(&audit_service, &runtime_conf, &audit_conf, &rt, &thread, &duties))
        return -1;
    return 0;
}

static void
forget_told(void)
{
    while (told_count > 0)
        free(told[--told_count].body);
}

static int
close_world(void **state)
{
    char command[64];

    (void) state;
    forget_told();
    if (body)
        protobuf_c_message_free_unpacked(body, NULL);
    shapes_destroy(shapes);
    svc_thread_destroy(duties);
    svc_thread_destroy(thread);
    runtime_destroy(rt);
    cluster_stop(cluster);
    keys_remove(keys);
    (void) snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static int
settle_world(void **state)
{
    (void) state;
    forget_told();
    by_hand("SET client_min_messages = warning; TRUNCATE audit.log, audit.record, audit.node,"
            " audit.head, audit.event, audit.reply, audit.parked, audit.feed, audit.publication,"
            " audit.fonds, audit.village, audit.programme, audit.voter, audit.counter,"
            " audit.archive_item, audit.catalogue_check");
    return 0;
}

static int
check_invariants(void **state)
{
    (void) state;
    return cluster_broken_invariants(cluster) + count("SELECT count(*) FROM audit.parked");
}

/* --- filed by what happens --- */

static void
req_B_1_to_B_9_events_file_their_items_themselves(void **state)
{
    static const char *const numbers[] = {
        "changjing-B07-2025-D10-320281110000-000001", "changjing-B01-2025-D30-320281110000-000001",
        "changjing-B03-2025-Y-320281110201-000001",   "changjing-B03-2025-Y-320281110202-000002",
        "changjing-B08-2025-D30-320281110000-000001", "changjing-B09-2025-D30-320281110000-000001",
        "changjing-B09-2025-D30-320281110000-000002", "changjing-B05-2025-D30-320281110201-000001",
        "changjing-B09-2025-D30-320281110201-000003",
    };
    Audit__ListArchiveItemsRequest in = AUDIT__LIST_ARCHIVE_ITEMS_REQUEST__INIT;
    const struct person who = officer();

    (void) state;
    a_year_passes();
    const Audit__ListArchiveItemsReply *out = ask(&who, "ListArchiveItems", &in);
    assert_int_equal(out->n_items, COUNT(numbers));
    for (size_t i = 0; i < COUNT(numbers); i++) {
        const Audit__ArchiveItem *item = out->items[i];
        assert_string_equal(item->archive_number, numbers[i]);
        assert_int_equal(item->sha256.len, 32);
        assert_true(item->seq >= 0);
        assert_int_equal(item->keep_years == 0, item->keep_until == NULL);
        assert_true(item->title[0] && item->source[0]);
    }
    assert_string_equal(out->items[2]->title, "东村代表表决签字表（应到30，实到25，赞成20，通过）");
    assert_memory_equal(out->items[4]->sha256.data, root_of_page, 32);
    assert_memory_equal(out->items[7]->sha256.data, page_digest, 32);
    /* An undertaking is kept ten years from its end. */
    assert_int_equal(out->items[0]->keep_until->days, date_from_civil(2036, 12, 31).days);
    /* Each is told of, with its record in the log; the same again files nothing. */
    assert_int_equal(count("SELECT count(*) FROM audit.event WHERE topic = "
                           "'huzhu.audit.v1.ArchiveItemFiled'"),
                     9);
    change_programme(CONTRIBUTIONS__PROGRAMME__STATE__IN_FORCE);
    change_programme(CONTRIBUTIONS__PROGRAMME__STATE__OPEN);
    publish(&things[3], DISCLOSURE__PUBLICATION__KIND__CONTRIBUTIONS, 1);
    pull_all();
    assert_int_equal(count("SELECT count(*) FROM audit.archive_item"), 9);
    publish(&things[3], DISCLOSURE__PUBLICATION__KIND__CONTRIBUTIONS, 2);
    pull_all();
    assert_int_equal(count("SELECT count(*) FROM audit.archive_item"), 10);
}

static void
req_B_6_a_service_agreement_is_filed_until_its_end_and_ten_years(void **state)
{
    Contributions__AgreementRecorded signed_one = CONTRIBUTIONS__AGREEMENT_RECORDED__INIT;
    Audit__ListArchiveItemsRequest in = AUDIT__LIST_ARCHIVE_ITEMS_REQUEST__INIT;
    const struct person who = officer();

    (void) state;
    describe_town();
    signed_one.agreement_id = wire_id(&things[0]);
    signed_one.programme_id = wire_id(&programme);
    tell("contributions", &signed_one); /* without its days it is evidence alone */
    signed_one.agreement_id = wire_id(&things[1]);
    signed_one.from = wire_day(2025, 1, 1);
    signed_one.until = wire_day(2025, 12, 31);
    tell("contributions", &signed_one);
    tell("contributions", &signed_one);
    pull_all();
    const Audit__ListArchiveItemsReply *out = ask(&who, "ListArchiveItems", &in);
    assert_int_equal(out->n_items, 1);
    assert_int_equal(out->items[0]->kind, AUDIT__ARCHIVE_ITEM__KIND__B06);
    assert_int_equal(out->items[0]->keep_until->days, date_from_civil(2035, 12, 31).days);
}

/* An event that cannot be read, or comes from the wrong service, stays evidence and files nothing.
 */
static void
evidence_comes_first_whatever_an_event_says(void **state)
{
    Contributions__ProgrammeChanged empty = CONTRIBUTIONS__PROGRAMME_CHANGED__INIT;
    const Disclosure__PagePublished page =
        a_page(&things[3], DISCLOSURE__PUBLICATION__KIND__CONTRIBUTIONS, 1);

    (void) state;
    tell_bytes("disclosure", town, "huzhu.disclosure.v1.PagePublished", "\xff\xff garbage", 10);
    tell("claims", &page);
    tell("contributions", &empty);
    pull_all();
    assert_int_equal(count("SELECT count(*) FROM audit.record"), 3);
    assert_int_equal(count("SELECT count(*) FROM audit.archive_item"), 0);
    assert_int_equal(count("SELECT count(*) FROM audit.publication"), 0);
}

/* --- complete, or the gaps --- */

static const Audit__GetCompletenessReply__Village *
village_of(const struct person *who, size_t i, bool *complete)
{
    Audit__GetCompletenessRequest in = AUDIT__GET_COMPLETENESS_REQUEST__INIT;

    in.programme_id = wire_id(&programme);
    const Audit__GetCompletenessReply *out = ask(who, "GetCompleteness", &in);
    assert_true(i < out->n_villages);
    *complete = out->complete;
    return out->villages[i];
}

static void
req_B_nine_of_nine_or_the_named_gaps(void **state)
{
    static const Audit__ArchiveItem__Kind missing[] = { 2, 4, 6 };
    const struct person who = officer(), east_clerk = clerk(east);
    bool complete = true;

    (void) state;
    a_year_passes();
    const Audit__GetCompletenessReply__Village *has = village_of(&who, 0, &complete);
    assert_string_equal(has->name, "东村");
    assert_true(has->takes_part);
    assert_int_equal(has->present, 6);
    assert_int_equal(has->n_gaps, COUNT(missing));
    for (size_t i = 0; i < COUNT(missing); i++)
        assert_int_equal(has->gaps[i], missing[i]);
    assert_false(complete);

    Audit__RecordArchiveItemRequest letter = an_item(2), photo = an_item(4), contract = an_item(6);
    letter.village_id = photo.village_id = wire_id(&east);
    contract.ends_on = wire_day(2026, 6, 30);
    (void) ask(&east_clerk, "RecordArchiveItem", &letter);
    (void) ask(&east_clerk, "RecordArchiveItem", &photo);
    has = village_of(&who, 0, &complete);
    assert_int_equal(has->present, 8);
    assert_int_equal(has->gaps[0], 6);
    assert_false(complete);
    (void) ask(&who, "RecordArchiveItem", &contract); /* the township's counts for every village */
    has = village_of(&who, 0, &complete);
    assert_int_equal(has->present, 9);
    assert_int_equal(has->n_gaps, 0);
    assert_true(complete); /* the west has not passed it: its gaps are named and hold up nobody */
    has = village_of(&who, 1, &complete);
    assert_false(has->takes_part);
    assert_int_equal(has->present,
                     6); /* 1, 3, 6, 7, 8, 9: the letter, photos and list are the east's */
    /* A clerk sees its own village alone. */
    has = village_of(&east_clerk, 0, &complete);
    assert_string_equal(has->name, "东村");
    Audit__GetCompletenessRequest in = AUDIT__GET_COMPLETENESS_REQUEST__INIT;
    in.programme_id = wire_id(&programme);
    assert_int_equal(
        ((const Audit__GetCompletenessReply *) ask(&east_clerk, "GetCompleteness", &in))
            ->n_villages,
        1);
    in.village_id = wire_id(&west);
    assert_int_equal(ask_as(&east_clerk, "GetCompleteness", &in), ERR_FORBIDDEN);
    assert_string_equal(reason, ITEM_SCOPE);
}

/* --- who may what --- */

static void
req_9_3_clerks_file_for_their_village_and_auditors_look(void **state)
{
    const struct person east_clerk = clerk(east), auditor = a_person(town, ROLE_AUDITOR),
                        member = a_person(town, ROLE_MEMBER),
                        admin = a_person(town, ROLE_SYSTEM_ADMIN),
                        stranger = a_person(other, ROLE_AUDITOR);
    Audit__ListArchiveItemsRequest list = AUDIT__LIST_ARCHIVE_ITEMS_REQUEST__INIT;
    Audit__ListCatalogueChecksRequest checks = AUDIT__LIST_CATALOGUE_CHECKS_REQUEST__INIT;

    (void) state;
    a_year_passes();
    Audit__RecordArchiveItemRequest letter = an_item(2);
    letter.village_id = wire_id(&east);
    assert_int_equal(ask_as(&auditor, "RecordArchiveItem", &letter), ERR_FORBIDDEN);
    assert_int_equal(ask_as(&member, "RecordArchiveItem", &letter), ERR_FORBIDDEN);
    assert_int_equal(ask_as(&admin, "ListArchiveItems", &list), ERR_FORBIDDEN);
    assert_int_equal(ask_as(&member, "ListCatalogueChecks", &checks), ERR_FORBIDDEN);
    assert_int_equal(ask_as(&east_clerk, "ListCatalogueChecks", &checks), ERR_FORBIDDEN);
    const Audit__ListArchiveItemsReply *out = ask(&auditor, "ListArchiveItems", &list);
    assert_int_equal(out->n_items, 9);
    out = ask(&stranger, "ListArchiveItems", &list);
    assert_int_equal(out->n_items, 0);
    assert_int_equal(ask_as(&east_clerk, "ListArchiveItems", &list), ERR_INVALID);
    assert_string_equal(reason, ITEM_VILLAGE);
    list.village_id = wire_id(&west);
    assert_int_equal(ask_as(&east_clerk, "ListArchiveItems", &list), ERR_FORBIDDEN);
    list.village_id = wire_id(&east);
    out = ask(&east_clerk, "ListArchiveItems", &list);
    assert_int_equal(out->n_items, 8); /* all but the west's sheet */
    list.kind = 3;
    out = ask(&auditor, "ListArchiveItems", &list);
    assert_int_equal(out->n_items, 1);
}

/* --- refusals --- */

struct bad_item {
    const char *name;
    void (*spoil)(Audit__RecordArchiveItemRequest *in);
    err_t code;
    const char *reason;
    bool by_clerk;
};
static const struct id nobody = { { 0x99 } };
static char long_text[700];
#define SPOIL(fn, ...)                                                                             \
    static void fn(Audit__RecordArchiveItemRequest *in)                                            \
    {                                                                                              \
        __VA_ARGS__;                                                                               \
    }
SPOIL(no_id, in->item_id = NULL)
SPOIL(no_kind, in->kind = 0)
SPOIL(kind_ten, in->kind = 10)
SPOIL(a_plan, in->kind = 1)
SPOIL(a_sheet, in->kind = 3)
SPOIL(a_voucher, in->kind = 9)
SPOIL(a_contract, in->kind = 6; in->ends_on = wire_day(2026, 1, 1))
SPOIL(no_title, in->title = (char *) "")
SPOIL(a_long_title, memset(long_text, 'x', 201); long_text[201] = '\0'; in->title = long_text)
SPOIL(a_line_end, in->title = (char *) "书\n第二行")
SPOIL(an_id_number, in->title = (char *) "身份证11010519491231002X的告知书")
SPOIL(a_phone, in->title = (char *) "联系138-0013-8000")
SPOIL(no_day, in->dated = NULL)
SPOIL(tomorrow, in->dated->days = date_of(clock_now()).days + 1)
SPOIL(a_letter_ends, in->ends_on = wire_day(2026, 1, 1))
SPOIL(an_endless_contract, in->kind = 6)
SPOIL(a_contract_ends_before, in->kind = 6; in->ends_on = wire_day(2025, 6, 19))
SPOIL(public_photos, in->kind = 6; in->ends_on = wire_day(2026, 1, 1); in->secrecy = 9)
SPOIL(no_digest, in->sha256.len = 0)
SPOIL(a_short_digest, in->sha256.len = 31)
SPOIL(zeros, static const uint8_t none[32]; in->sha256.data = (uint8_t *) none)
SPOIL(nowhere, in->paper_location = (char *) "")
SPOIL(a_long_place, memset(long_text, 'y', 101); long_text[101] = '\0';
      in->paper_location = long_text)
SPOIL(too_short, in->keep_years = 9)
SPOIL(too_long, in->keep_years = 101)
SPOIL(no_programme, in->programme_id = NULL)
SPOIL(a_strange_programme, in->programme_id = wire_id(&nobody))
SPOIL(a_strange_village, in->village_id = wire_id(&nobody))
SPOIL(no_village, in->village_id = NULL)
SPOIL(another_village, in->village_id = wire_id(&west))
SPOIL(a_short_id, in->item_id->value.len = 15)

static const struct bad_item bad_items[] = {
    { "no id", no_id, ERR_INVALID, "field.missing", false },
    { "an id of 15 bytes", a_short_id, ERR_INVALID, "field.id", false },
    { "no kind", no_kind, ERR_INVALID, ITEM_KIND, false },
    { "the tenth kind", kind_ten, ERR_INVALID, ITEM_KIND, false },
    { "a plan by hand", a_plan, ERR_INVALID, ITEM_KIND, false },
    { "a sheet by hand", a_sheet, ERR_INVALID, ITEM_KIND, false },
    { "a voucher by hand", a_voucher, ERR_INVALID, ITEM_KIND, false },
    { "a contract by a clerk", a_contract, ERR_FORBIDDEN, ITEM_TOWNSHIP, true },
    { "no title", no_title, ERR_INVALID, ITEM_TITLE, false },
    { "201 characters", a_long_title, ERR_INVALID, ITEM_TITLE, false },
    { "two lines", a_line_end, ERR_INVALID, ITEM_TITLE, false },
    { "an id number", an_id_number, ERR_INVALID, ITEM_PERSONAL, false },
    { "a phone", a_phone, ERR_INVALID, ITEM_PERSONAL, false },
    { "no day", no_day, ERR_INVALID, ITEM_DATE, false },
    { "tomorrow", tomorrow, ERR_INVALID, ITEM_DATE, false },
    { "a letter with an end", a_letter_ends, ERR_INVALID, ITEM_TERM, false },
    { "an endless contract", an_endless_contract, ERR_INVALID, ITEM_TERM, false },
    { "a contract that ends before", a_contract_ends_before, ERR_INVALID, ITEM_TERM, false },
    { "a secrecy of nine", public_photos, ERR_INVALID, ITEM_SECRECY, false },
    { "no digest", no_digest, ERR_INVALID, ITEM_DIGEST, false },
    { "a digest of 31 bytes", a_short_digest, ERR_INVALID, ITEM_DIGEST, false },
    { "a digest of zeros", zeros, ERR_INVALID, ITEM_DIGEST, false },
    { "nowhere", nowhere, ERR_INVALID, ITEM_WHERE, false },
    { "a place of 101", a_long_place, ERR_INVALID, ITEM_WHERE, false },
    { "nine years", too_short, ERR_INVALID, ITEM_KEEP, false },
    { "101 years", too_long, ERR_INVALID, ITEM_KEEP, false },
    { "no programme", no_programme, ERR_NOT_FOUND, ITEM_PROGRAMME, false },
    { "a strange programme", a_strange_programme, ERR_NOT_FOUND, ITEM_PROGRAMME, false },
    { "a strange village", a_strange_village, ERR_NOT_FOUND, ITEM_VILLAGE, false },
    { "a clerk and no village", no_village, ERR_INVALID, ITEM_VILLAGE, true },
    { "a clerk and another's village", another_village, ERR_FORBIDDEN, ITEM_SCOPE, true },
};

static void
bad_items_are_refused_and_change_nothing(void **state)
{
    const struct person who = officer(), east_clerk = clerk(east);

    (void) state;
    a_year_passes();
    for (size_t i = 0; i < COUNT(bad_items); i++) {
        Audit__RecordArchiveItemRequest in = an_item(2);
        in.village_id = wire_id(&east);
        bad_items[i].spoil(&in);
        const err_t code =
            ask_as(bad_items[i].by_clerk ? &east_clerk : &who, "RecordArchiveItem", &in);
        if (code != bad_items[i].code || strcmp(reason, bad_items[i].reason) != 0)
            fail_msg("%s: %s %s", bad_items[i].name, err_name(code), reason);
    }
    assert_int_equal(count("SELECT count(*) FROM audit.archive_item"), 9);
    assert_int_equal(count("SELECT next FROM audit.counter WHERE kind = 0"), 10);
    assert_int_equal(count("SELECT count(*) FROM audit.counter WHERE kind = 2"), 0);
    /* The boundary's other side: 200 characters, today, an upload instead of a place. */
    Audit__RecordArchiveItemRequest good = an_item(2);
    memset(long_text, 'x', 200);
    long_text[200] = '\0';
    good.title = long_text;
    good.dated->days = date_of(clock_now()).days;
    good.paper_location = (char *) "";
    good.upload_id = wire_id(&things[11]);
    good.keep_years = 100;
    (void) ask(&who, "RecordArchiveItem", &good);
    assert_int_equal(ask_as(&who, "RecordArchiveItem", &good), ERR_CONFLICT); /* another key */
    assert_string_equal(reason, ITEM_TAKEN);
    assert_int_equal(count("SELECT count(*) FROM audit.archive_item"), 10);
    assert_int_equal(count("SELECT next FROM audit.counter WHERE kind = 0"), 11);
}

/* --- kept --- */

static void
req_9_3_4_nothing_goes_before_its_day_not_even_by_an_administrator(void **state)
{
    static const char *const statements[] = {
        "DELETE FROM audit.archive_item WHERE line = 1",
        "DELETE FROM audit.archive_item WHERE keep_until IS NULL",
        "UPDATE audit.archive_item SET keep_until = '2000-12-31'",
        "UPDATE audit.archive_item SET title = 'x'",
        "TRUNCATE audit.archive_item",
        "DELETE FROM audit.catalogue_check",
        "UPDATE audit.publication SET seq = 0",
    };
    static const char *const who[] = { "huzhu_audit", "huzhu_audit_owner", "postgres" };

    (void) state;
    a_year_passes();
    assert_int_equal(duty("check_catalogues"), ERR_OK);
    for (size_t w = 0; w < COUNT(who); w++) {
        PGconn *connection = cluster_connect(cluster, w == 0 ? who[w] : "postgres");
        char role[64];
        (void) snprintf(role, sizeof role, "SET ROLE %s", who[w]);
        PQclear(PQexec(connection, role));
        PQclear(PQexec(connection, "SET huzhu.tenant = '11010000-0000-0000-0000-000000000000'"));
        for (size_t i = 0; i < COUNT(statements); i++) {
            PGresult *result = PQexec(connection, statements[i]);
            const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
            if (!code || strcmp(code, "42501") != 0)
                fail_msg("%s: %s was not refused (%s)", who[w], statements[i], code ? code : "-");
            PQclear(result);
        }
        PQfinish(connection);
    }
    assert_int_equal(count("SELECT count(*) FROM audit.archive_item"), 9);
}

/* --- the monthly look --- */

static const Audit__CatalogueCheck *
looks_again(void)
{
    Audit__ListCatalogueChecksRequest in = AUDIT__LIST_CATALOGUE_CHECKS_REQUEST__INIT;
    const struct person auditor = a_person(town, ROLE_AUDITOR);

    by_hand("DELETE FROM audit.catalogue_check");
    assert_int_equal(duty("check_catalogues"), ERR_OK);
    const Audit__ListCatalogueChecksReply *out = ask(&auditor, "ListCatalogueChecks", &in);
    assert_int_equal(out->n_checks, 1);
    return out->checks[0];
}

static void
req_9_3_2_the_catalogue_is_looked_through_each_month(void **state)
{
    static const struct {
        const char *name, *sql, *says;
    } cases[] = {
        { "a line gone", "DELETE FROM audit.archive_item WHERE line = 4", "5 follows 3" },
        { "the last line gone", "DELETE FROM audit.archive_item WHERE line = 9",
          "numbers were given" },
        { "another digest",
          "UPDATE audit.archive_item SET sha256 = decode(repeat('00', 32), 'hex') WHERE line = 2",
          "has no digest" },
        { "another number", "UPDATE audit.archive_item SET archive_number = 'x' WHERE line = 2",
          "the archive number is" },
        { "another year", "UPDATE audit.archive_item SET year = 2024 WHERE line = 4",
          "2 follows 0" },
        { "kept shorter", "UPDATE audit.archive_item SET keep_until = '2026-12-31' WHERE line = 2",
          "retention or secrecy" },
        { "less secret", "UPDATE audit.archive_item SET secrecy = 0 WHERE line = 9",
          "retention or secrecy" },
        { "of a record that is not",
          "UPDATE audit.archive_item SET event_id = item_id WHERE line = 5", "is not in the log" },
    };

    (void) state;
    a_year_passes();
    const Audit__CatalogueCheck *check = looks_again();
    assert_true(check->sound);
    assert_int_equal(check->items, 9);
    assert_int_equal(check->n_findings, 0);
    uint8_t digest[32];
    memcpy(digest, check->catalogue_sha256.data, 32);
    /* Once a month: the second round finds nothing to do; in the next month it does. */
    assert_int_equal(duty("check_catalogues"), ERR_OK);
    assert_int_equal(count("SELECT count(*) FROM audit.catalogue_check"), 1);
    by_hand("UPDATE audit.catalogue_check SET month = '2026-01', checked_at = checked_at - "
            "interval '40 days'");
    assert_int_equal(duty("check_catalogues"), ERR_OK);
    assert_int_equal(count("SELECT count(*) FROM audit.catalogue_check"), 2);
    assert_int_equal(count("SELECT count(DISTINCT catalogue_sha256) FROM audit.catalogue_check"),
                     1);

    (void) cluster_sql(cluster, "CREATE TABLE public.i AS TABLE audit.archive_item");
    for (size_t i = 0; i < COUNT(cases); i++) {
        by_hand(cases[i].sql);
        check = looks_again();
        bool said = false;
        for (size_t k = 0; k < check->n_findings; k++)
            said = said || strstr(check->findings[k], cases[i].says);
        if (check->sound || check->faults == 0 || !said)
            fail_msg("%s: %u faults, %s", cases[i].name, check->faults,
                     check->n_findings ? check->findings[0] : "-");
        by_hand("SET client_min_messages = warning; TRUNCATE audit.archive_item; INSERT INTO "
                "audit.archive_item TABLE public.i");
    }
    (void) cluster_sql(cluster, "DROP TABLE public.i");
    by_hand("UPDATE audit.archive_item SET title = 'other' WHERE line = 2");
    check = looks_again(); /* a changed title shows in the catalogue's digest */
    assert_memory_not_equal(check->catalogue_sha256.data, digest, 32);
}

static void
req_0_2a_the_catalogue_leaves_with_every_digest(void **state)
{
    Audit__ExportCatalogueRequest in = AUDIT__EXPORT_CATALOGUE_REQUEST__INIT;
    const struct person who = officer();
    char digest[65];

    (void) state;
    a_year_passes();
    Audit__RecordArchiveItemRequest formula = an_item(4);
    formula.title = (char *) "=1+1";
    (void) ask(&who, "RecordArchiveItem", &formula);
    const Audit__ExportCatalogueReply *out = ask(&who, "ExportCatalogue", &in);
    char *text = strndup((const char *) out->body.data, out->body.len);
    assert_non_null(text);
    assert_string_equal(out->content_type, "text/csv; charset=utf-8");
    assert_non_null(strstr(text, "changjing-B09-2025-D30-320281110201-000003"));
    for (size_t i = 0; i < 32; i++)
        (void) snprintf(digest + 2 * i, 3, "%02x", page_digest[i]);
    assert_non_null(strstr(text, digest));
    assert_non_null(strstr(text, "'=1+1"));
    int lines = 0;
    for (const char *at = text; *at; at++)
        lines += *at == '\n';
    assert_int_equal(lines, 11);
    free(text);
    in.programme_id = wire_id(&nobody);
    assert_int_equal(ask_as(&who, "ExportCatalogue", &in), ERR_NOT_FOUND);
    assert_string_equal(reason, ITEM_PROGRAMME);
}

/* --- people and feeds at once --- */

#define AT_ONCE 30

static void *
file_by_hand(void *failed)
{
    struct svc_thread *own = NULL;
    struct person who = officer();
    struct err err;

    if (svc_thread_create(rt, 5000, &own, &err) != ERR_OK)
        return failed;
    for (int i = 0; i < AT_ONCE; i++) {
        Audit__RecordArchiveItemRequest in = AUDIT__RECORD_ARCHIVE_ITEM_REQUEST__INIT;
        const struct id id = id_mint(clock_now());
        Huzhu__Id item = HUZHU__ID__INIT, of = HUZHU__ID__INIT;
        Huzhu__Date dated = HUZHU__DATE__INIT;
        char idempotency[ID_TEXT_BYTES];
        Bus__Answer answer;

        item.value = (ProtobufCBinaryData){ 16, (uint8_t *) id.bytes };
        of.value = (ProtobufCBinaryData){ 16, (uint8_t *) programme.bytes };
        dated.days = date_from_civil(2025, 6, 20).days;
        in.item_id = &item;
        in.programme_id = &of;
        in.kind = AUDIT__ARCHIVE_ITEM__KIND__B04;
        in.title = (char *) "照片";
        in.dated = &dated;
        in.sha256 = (ProtobufCBinaryData){ 32, (uint8_t *) root_of_page };
        in.paper_location = (char *) "柜";
        id_format(id, idempotency);
        struct request_of *request =
            request_of(keys, &who, "RecordArchiveItem", &in.base, idempotency);
        svc_thread_answer(own, "gateway", &request->envelope, &answer);
        request_free(request);
        if (bus_err_from_code(answer.code) != ERR_OK)
            break;
        failed = i + 1 == AT_ONCE ? NULL : failed;
    }
    svc_thread_destroy(own);
    return failed;
}

/* Goal: two people and a feed file at once; lines and numbers have no gap (the invariant) and
 * nobody waits for anybody for ever. */
static void
filing_at_once_leaves_no_gap(void **state)
{
    pthread_t threads[2];

    (void) state;
    describe_town();
    change_programme(CONTRIBUTIONS__PROGRAMME__STATE__OPEN);
    pull_all();
    for (uint32_t version = 1; version <= AT_ONCE; version++)
        publish(&things[4], DISCLOSURE__PUBLICATION__KIND__PAYOUTS, version);
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, file_by_hand, told), 0);
    pull_all();
    for (size_t i = 0; i < COUNT(threads); i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(count("SELECT count(*) FROM audit.archive_item"), 3 * AT_ONCE + 1);
    assert_int_equal(count("SELECT max(line) FROM audit.archive_item"), 3 * AT_ONCE + 1);
    assert_int_equal(count("SELECT max(number) FROM audit.archive_item WHERE kind = 4"),
                     2 * AT_ONCE);
}

/* --- proofs for anyone --- */

static char *
json_of(const ProtobufCMessageDescriptor *type, const void *message)
{
    const struct shape *shape = NULL;
    struct text out = { 0 };
    struct err err;

    assert_int_equal(shapes_get(shapes, type, &shape, &err), ERR_OK);
    transcode_write(shape, message, &out);
    assert_false(out.failed);
    char *json = strndup(out.bytes, out.used);
    text_free(&out);
    return json;
}

#define LINES 5
static const char *const line_texts[LINES] = { "1\t王*\t40.00", "2\t李**\t40.00", "3\t张*\t40.00",
                                               "4\t赵*\t80.00", "5\t=1+1\t0.00" };

struct tree_of_lines {
    merkle_hash_t nodes[8][8];
};
static bool
line_read(void *arg, unsigned level, uint64_t index, merkle_hash_t *hash)
{
    *hash = ((struct tree_of_lines *) arg)->nodes[level][index];
    return true;
}
static bool
line_write(void *arg, unsigned level, uint64_t index, merkle_hash_t hash)
{
    ((struct tree_of_lines *) arg)->nodes[level][index] = hash;
    return true;
}

static char *
base64(const void *bytes, size_t size)
{
    char *out = calloc(1, size * 2 + 8);

    assert_non_null(out);
    (void) base64url_encode(bytes, size, out);
    for (char *at = out; *at; at++)
        *at = (char) (*at == '-' ? '+' : *at == '_' ? '/' : *at);
    while (strlen(out) % 4)
        out[strlen(out)] = '=';
    return out;
}

/* As disclosure answers ProveLine: written by hand after its contract, because that service is
 * another's. */
static char *
line_json(const struct tree_of_lines *tree, uint64_t index, merkle_hash_t root)
{
    struct merkle_proof proof;
    enum { ROOM = 8192 };
    char *out = calloc(1, ROOM), cells[200];
    size_t used = 0;

    assert_non_null(out);
    assert_true(merkle_inclusion(index, LINES, line_read, (void *) tree, &proof));
    const char *name = strchr(line_texts[index], '\t') + 1, *amount = strchr(name, '\t') + 1;
    (void) snprintf(cells, sizeof cells, "[\"%.*s\",\"%s\"]", (int) (amount - name - 1), name,
                    amount);
    used += (size_t) snprintf(
        out, ROOM, "{\"line\":{\"number\":%d,\"cells\":%s,\"text\":\"%d\\t%.*s\\t%s\"}",
        (int) index + 1, cells, (int) index + 1, (int) (amount - name - 1), name, amount);
    if (index > 0)
        used += (size_t) snprintf(out + used, ROOM - used, ",\"leafIndex\":%d", (int) index);
    used += (size_t) snprintf(out + used, ROOM - used, ",\"treeSize\":%d,\"path\":[", LINES);
    for (size_t i = 0; i < proof.count; i++) {
        char *hash = base64(proof.hashes[i].bytes, 32);
        used += (size_t) snprintf(out + used, ROOM - used, "%s\"%s\"", i ? "," : "", hash);
        free(hash);
    }
    char *of_root = base64(root.bytes, 32), *of_page = base64(page_digest, 32);
    (void) snprintf(out + used, ROOM - used, "],\"root\":\"%s\",\"pageSha256\":\"%s\"}", of_root,
                    of_page);
    free(of_root);
    free(of_page);
    return out;
}

static struct verifier *trusted;

static bool
proved(const char *line, size_t line_size, const char *page, size_t page_size, char *says)
{
    OWNED(arena_destroy) struct arena *arena = arena_create((size_t) 1 << 22);
    const struct line_proof proof = { line, page, line_size, page_size, &trusted, 1 };

    return line_is_proved(&proof, arena, says);
}

static void
no_byte_may_change(char *changing, bool is_line, const char *line, const char *page)
{
    static const uint8_t masks[] = { 0x01, 0x20 };
    char says[LINE_SAYS_BYTES];

    for (size_t i = 0; changing[i]; i++) {
        const char was = changing[i];
        for (size_t m = 0; m < COUNT(masks); m++) {
            changing[i] = (char) (was ^ masks[m]);
            const size_t size = strlen(is_line ? line : page);
            if (proved(line, is_line && size < i ? i : strlen(line), page, strlen(page), says))
                fail_msg("byte %zu of the %s may be %c for %c", i, is_line ? "line" : "page",
                         changing[i], was);
        }
        changing[i] = was;
    }
}

static merkle_hash_t
publish_lines(struct tree_of_lines *tree)
{
    Disclosure__PagePublished page =
        a_page(&things[3], DISCLOSURE__PUBLICATION__KIND__CONTRIBUTIONS, 1);
    merkle_hash_t root;

    for (size_t i = 0; i < LINES; i++)
        assert_true(merkle_append(i, merkle_leaf(line_texts[i], strlen(line_texts[i])), line_read,
                                  line_write, tree));
    assert_true(merkle_root(LINES, line_read, tree, &root));
    page.root = (ProtobufCBinaryData){ 32, root.bytes };
    page.lines = LINES;
    tell("disclosure", &page);
    return root;
}

static void
anyone_proves_a_published_line_and_no_byte_of_it_may_change(void **state)
{
    Audit__GetPublicationProofRequest in = AUDIT__GET_PUBLICATION_PROOF_REQUEST__INIT;
    static struct tree_of_lines tree;
    char says[LINE_SAYS_BYTES];
    struct err err;

    (void) state;
    a_year_passes();
    by_hand("DELETE FROM audit.publication"); /* the page below takes its place */
    const merkle_hash_t root = publish_lines(&tree);
    pull_all();
    in.publication_id = wire_id(&things[3]);
    assert_int_equal(ask_public("GetPublicationProof", &in), ERR_NOT_FOUND);
    assert_string_equal(reason, PROOF_WAITING);
    assert_int_equal(duty("integrate"), ERR_OK);
    assert_int_equal(ask_public("GetPublicationProof", &in), ERR_OK);
    char *page = json_of(&audit__get_publication_proof_reply__descriptor, body);
    assert_int_equal(verifier_load(pub, &trusted, &err), ERR_OK);
    for (uint64_t i = 0; i < LINES; i++) {
        char *line = line_json(&tree, i, root);
        if (!proved(line, strlen(line), page, strlen(page), says))
            fail_msg("line %d: %s\n%s\n%s", (int) i + 1, says, line, page);
        if (i == 0 || i == 3)
            no_byte_may_change(line, true, line, page);
        if (i == 3)
            no_byte_may_change(page, false, line, page);
        free(line);
    }
    free(page);
    verifier_destroy(trusted);
}

/* --- check-proof as people type it --- */

static void
file_write(const char *name, const char *text)
{
    FILE *out = fopen(name, "w");

    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, strlen(text), out), strlen(text));
    (void) fclose(out);
}

static void
check_proof_says_true_or_false(void **state)
{
    Audit__GetPublicationProofRequest in = AUDIT__GET_PUBLICATION_PROOF_REQUEST__INIT;
    static struct tree_of_lines tree;
    char line_file[96], page_file[96], strange[96], strange_pub[112];
    char *words[] = { (char *) "huzhu-audit",
                      (char *) "check-proof",
                      (char *) "--keys",
                      pub,
                      line_file,
                      page_file,
                      NULL };
    struct err err;

    (void) state;
    const merkle_hash_t root = publish_lines(&tree);
    pull_all();
    assert_int_equal(duty("integrate"), ERR_OK);
    in.publication_id = wire_id(&things[3]);
    assert_int_equal(ask_public("GetPublicationProof", &in), ERR_OK);
    char *page = json_of(&audit__get_publication_proof_reply__descriptor, body);
    char *line = line_json(&tree, 2, root);
    (void) snprintf(line_file, sizeof line_file, "%s/line.json", folder);
    (void) snprintf(page_file, sizeof page_file, "%s/page.json", folder);
    file_write(line_file, line);
    file_write(page_file, page);
    assert_int_equal(audit_main(6, words), 0);
    char *amount = strstr(line, "40.00");
    amount[0] = '9';
    file_write(line_file, line);
    assert_int_equal(audit_main(6, words), 1);
    amount[0] = '4';
    file_write(line_file, line);
    (void) snprintf(strange, sizeof strange, "%s/strange2", folder);
    (void) snprintf(strange_pub, sizeof strange_pub, "%s.pub", strange);
    assert_int_equal(signer_generate(strange, &err), ERR_OK);
    words[3] = strange_pub;
    assert_int_equal(audit_main(6, words), 1);
    words[3] = pub;
    assert_int_equal(audit_main(5, words), 2);
    words[5] = (char *) "/nowhere/page.json";
    assert_int_equal(audit_main(6, words), 2);
    free(line);
    free(page);
}

static void
the_newest_head_and_how_to_check_are_public(void **state)
{
    Audit__GetPublicHeadRequest in = AUDIT__GET_PUBLIC_HEAD_REQUEST__INIT;
    Audit__ShowEvidenceRequest show = AUDIT__SHOW_EVIDENCE_REQUEST__INIT;
    Audit__GetPublicationProofRequest prove = AUDIT__GET_PUBLICATION_PROOF_REQUEST__INIT;
    OWNED(verifier_destroy) struct verifier *verifier = NULL;
    uint8_t text[HEAD_TEXT_BYTES];
    struct err err;

    (void) state;
    assert_int_equal(ask_public("ShowEvidence", &show), ERR_OK); /* of an empty log too */
    a_year_passes();
    assert_int_equal(duty("integrate"), ERR_OK);
    assert_int_equal(ask_public("GetPublicHead", &in), ERR_OK);
    const Audit__GetPublicHeadReply *out = (const Audit__GetPublicHeadReply *) body;
    struct head head = { .size = out->head->size, .at = { out->head->signed_at->us } };
    memcpy(head.root.bytes, out->head->root_hash.data, 32);
    head_text(town, &head, text);
    assert_int_equal(verifier_load(pub, &verifier, &err), ERR_OK);
    assert_true(verifier_check(verifier, out->head->key_id, text, sizeof text,
                               out->head->signature.data, out->head->signature.len));
    assert_int_equal(out->n_keys, 1);
    assert_string_equal(out->keys[0]->key_id, out->head->key_id);

    /* The page holds the line of the file of trusted keys, as it is, and no markup of others. */
    char line[128];
    FILE *file = fopen(pub, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    (void) fclose(file);
    line[strcspn(line, "\n")] = '\0';
    assert_int_equal(ask_public("ShowEvidence", &show), ERR_OK);
    const Audit__ShowEvidenceReply *shown = (const Audit__ShowEvidenceReply *) body;
    char *html = strndup((const char *) shown->body.data, shown->body.len);
    assert_non_null(html);
    assert_string_equal(shown->content_type, "text/html; charset=utf-8");
    if (!strstr(html, line))
        fail_msg("no %s in %s", line, html);
    assert_non_null(strstr(html, "长泾镇&lt;&amp;&gt;"));
    assert_null(strstr(html, "<&>"));
    free(html);

    prove.publication_id = wire_id(&nobody);
    assert_int_equal(ask_public("GetPublicationProof", &prove), ERR_NOT_FOUND);
    assert_string_equal(reason, PUBLICATION_NONE);
    prove.publication_id = wire_id(&things[3]);
    prove.version = 2;
    assert_int_equal(ask_public("GetPublicationProof", &prove), ERR_NOT_FOUND);
    prove.version = 1;
    assert_int_equal(ask_public("GetPublicationProof", &prove), ERR_OK);
    prove.publication_id = NULL;
    assert_int_equal(ask_public("GetPublicationProof", &prove), ERR_INVALID);
}

/* --- every event of every service --- */

static void
whatever_a_service_tells_is_in_the_log(void **state)
{
    static const char *const by_the_runtime[] = { "huzhu.bus.v1.CommandDone",
                                                  "huzhu.bus.v1.CommandRefused",
                                                  "huzhu.bus.v1.SensitiveRead" };
    static struct event_told events[EVENTS_TOLD_MAX];
    Google__Protobuf__FileDescriptorSet *set = breaking_load(HUZHU_SOURCE_DIR "/proto");
    char sql[300];

    (void) state;
    assert_non_null(set);
    const size_t n = events_told(set, events);
    google__protobuf__file_descriptor_set__free_unpacked(set, NULL);
    assert_true(n >= 60);
    for (size_t i = 0; i < n; i++)
        tell_bytes(events[i].service, town, events[i].topic, "", 0);
    for (size_t s = 0; s < COUNT(services); s++)
        for (size_t i = 0; i < COUNT(by_the_runtime); i++)
            tell_bytes(services[s], town, by_the_runtime[i], "", 0);
    pull_all();
    for (size_t i = 0; i < told_count; i++) {
        (void) snprintf(sql, sizeof sql,
                        "SELECT count(*) FROM audit.record WHERE source = '%s' AND topic = '%s'",
                        told[i].from, told[i].topic);
        if (count(sql) != 1)
            fail_msg("%s of %s is not in the log once", told[i].topic, told[i].from);
    }
    assert_int_equal(count("SELECT count(*) FROM audit.record"), (int) told_count);
    assert_int_equal(audit_service.consumer_count, COUNT(services));
    for (size_t i = 0; i < audit_service.consumer_count; i++)
        assert_null(audit_service.consumers[i].event); /* every topic */
}

/* The third party's auditor sees the year's records by their days, and has nothing to write with.
 */
static void
req_8_1c_an_auditor_reads_the_year_and_changes_nothing(void **state)
{
    const struct person auditor = a_person(town, ROLE_AUDITOR);
    Audit__ListRecordsRequest in = AUDIT__LIST_RECORDS_REQUEST__INIT;
    Huzhu__Instant from = HUZHU__INSTANT__INIT;

    (void) state;
    a_year_passes();
    for (size_t i = 0; i < audit_service.method_count; i++)
        if (audit_service.methods[i].effect == SVC_WRITE)
            assert_false(audit_service.methods[i].roles & ROLE_AUDITOR);
    in.page_size = 500;
    in.topic = (char *) "huzhu.disbursement.v1.ListApproved";
    assert_int_equal(
        ((const Audit__ListRecordsReply *) ask(&auditor, "ListRecords", &in))->n_records, 1);
    from.us = clock_now().us + US_PER_DAY;
    in.from = &from;
    assert_int_equal(
        ((const Audit__ListRecordsReply *) ask(&auditor, "ListRecords", &in))->n_records, 0);
    const int before = count("SELECT count(*) FROM audit.archive_item");
    Audit__RecordArchiveItemRequest item = an_item(4);
    assert_int_equal(ask_as(&auditor, "RecordArchiveItem", &item), ERR_FORBIDDEN);
    assert_int_equal(count("SELECT count(*) FROM audit.archive_item"), before);
}

/* --- heads, each day --- */

static void
every_log_has_a_head_each_day_also_when_nothing_happens(void **state)
{
    (void) state;
    describe_town();
    pull_all();
    for (int day = 0; day < 3; day++) {
        assert_int_equal(duty("integrate"), ERR_OK);
        assert_int_equal(duty("integrate"), ERR_OK);
        assert_int_equal(count("SELECT count(*) FROM audit.head"), day + 1);
        by_hand("UPDATE audit.head SET signed_at = signed_at - interval '1 day'");
    }
    assert_true(audit_conf.head_every * 2 <= 86400000); /* as shipped, two fit into every day */
}

int
main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, settle_world, check_invariants)
    const struct CMUnitTest tests[] = {
        TEST(req_B_1_to_B_9_events_file_their_items_themselves),
        TEST(req_B_6_a_service_agreement_is_filed_until_its_end_and_ten_years),
        TEST(evidence_comes_first_whatever_an_event_says),
        TEST(req_B_nine_of_nine_or_the_named_gaps),
        TEST(req_9_3_clerks_file_for_their_village_and_auditors_look),
        TEST(bad_items_are_refused_and_change_nothing),
        TEST(req_9_3_4_nothing_goes_before_its_day_not_even_by_an_administrator),
        cmocka_unit_test_setup(req_9_3_2_the_catalogue_is_looked_through_each_month, settle_world),
        TEST(filing_at_once_leaves_no_gap),
        TEST(req_0_2a_the_catalogue_leaves_with_every_digest),
        cmocka_unit_test_setup(anyone_proves_a_published_line_and_no_byte_of_it_may_change,
                               settle_world),
        TEST(check_proof_says_true_or_false),
        TEST(the_newest_head_and_how_to_check_are_public),
        TEST(whatever_a_service_tells_is_in_the_log),
        TEST(req_8_1c_an_auditor_reads_the_year_and_changes_nothing),
        TEST(every_log_has_a_head_each_day_also_when_nothing_happens),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
