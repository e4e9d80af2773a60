/* contributions_rig.h - the contributions service on a real PostgreSQL, spoken to in JSON: requests
 * go through the gateway's own transcoder and the runtime, what other services tell comes as
 * events, and business time is moved by the rehearsal's file. */
#ifndef HUZHU_TEST_CONTRIBUTIONS_RIG_H
#define HUZHU_TEST_CONTRIBUTIONS_RIG_H

#include "test.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "caller.h"
#include "cluster.h"
#include "contributions.pb-c.h"
#include "contributions/contributions.h"
#include "contributions/service.h"
#include "disbursement.pb-c.h"
#include "identity.pb-c.h"
#include "transcode.h"

enum { RIG_TEXT_BYTES = 1 << 20, RIG_VILLAGES = 3, RIG_HOUSES = 100, RIG_PERSONS = 4 };

static struct rig {
    struct cluster *cluster;
    struct keys *keys;
    struct runtime *rt;
    struct svc_thread *thread;
    struct shapes *shapes;
    struct arena *arena;
    PGconn *conn; /* as the service's own role, in the town */
    char clock[64];
    struct contributions_conf conf;
    struct id town;
    struct person officer, approver, clerk, other_clerk, auditor, county, member;
} rig;

struct answer {
    err_t code;
    char reason[48], path[96], etag[32], text[256];
    json_t *body;
};

/* Ids that say what they are: 'h', 7 -> a household's.  Thirty-two live at a time. */
static inline const char *
uid(char kind, int n)
{
    static char ring[32][ID_TEXT_BYTES];
    static unsigned next;
    char *out = ring[next++ % 32];

    (void) snprintf(out, ID_TEXT_BYTES, "0190a5e0-%04x-7000-8000-%012x", (unsigned) kind,
                    (unsigned) n);
    return out;
}

static inline struct id
uid_of(char kind, int n)
{
    struct id id;

    assert_true(id_parse(uid(kind, n), &id));
    return id;
}

static inline instant_t
instant(const char *text)
{
    instant_t at;

    if (!instant_parse(text, &at))
        fail_msg("%s is no instant", text);
    return at;
}

/* "2024-07-31T23:59:59+08:00" is now. */
static inline void
now_is(const char *text)
{
    char next[80];

    (void) snprintf(next, sizeof next, "%s.next", rig.clock);
    FILE *file = fopen(next, "we");
    assert_non_null(file);
    (void) fprintf(file, "%lld\n", (long long) (instant(text).us - clock_now().us));
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(next, rig.clock), 0);
}

static inline ProtobufCMessage *
message_of(const ProtobufCMessageDescriptor *type, const char *json, struct err *err)
{
    const struct shape *shape;
    struct filling filling;

    assert_int_equal(shapes_get(rig.shapes, type, &shape, err), ERR_OK);
    assert_int_equal(transcode_open(shape, rig.arena, &filling, err), ERR_OK);
    if (transcode_read(&filling, json, strlen(json), err) != ERR_OK)
        return NULL;
    return filling.message;
}

static inline json_t *
json_of(const ProtobufCMessage *message)
{
    const struct shape *shape;
    struct text out = { 0 };
    struct err err;

    assert_int_equal(shapes_get(rig.shapes, message->descriptor, &shape, &err), ERR_OK);
    transcode_write(shape, message, &out);
    assert_false(out.failed);
    json_t *json = json_loadb(out.bytes, out.used, 0, NULL);
    free(out.bytes);
    assert_non_null(json);
    return json;
}

static inline struct answer
ask_json(const struct person *person, const char *rpc, const char *json, const char *key,
         const char *if_match)
{
    static struct answer answer;
    const ProtobufCMethodDescriptor *types = protobuf_c_service_descriptor_get_method_by_name(
        &contributions__contributions__descriptor, rpc);
    Bus__Answer out;
    struct err err = { 0 };

    if (!types)
        fail_msg("%s is no rpc", rpc);
    arena_reset(rig.arena);
    json_decref(answer.body);
    answer = (struct answer){ .body = NULL };
    ProtobufCMessage *in = message_of(types->input, json, &err);
    if (!in)
        fail_msg("%s: %s at %s: %s", rpc, err.reason, err.path, err.text);
    struct request_of *request = request_of(rig.keys, person, rpc, in, key);
    request->envelope.if_match = (char *) if_match;
    svc_thread_answer(rig.thread, "gateway", &request->envelope, &out);
    answer.code = bus_err_from_code(out.code);
    (void) snprintf(answer.reason, sizeof answer.reason, "%s", out.reason);
    (void) snprintf(answer.path, sizeof answer.path, "%s", out.path);
    (void) snprintf(answer.etag, sizeof answer.etag, "%s", out.etag);
    (void) snprintf(answer.text, sizeof answer.text, "%s", out.text);
    if (answer.code == ERR_OK) {
        ProtobufCMessage *body =
            protobuf_c_message_unpack(types->output, NULL, out.body.len, out.body.data);
        assert_non_null(body);
        answer.body = json_of(body);
        protobuf_c_message_free_unpacked(body, NULL);
    }
    request_free(request);
    return answer;
}

static inline const char *format_json(const char *fmt, va_list args) PRINTF(1, 0);
static inline const char *
format_json(const char *fmt, va_list args)
{
    static char text[RIG_TEXT_BYTES];

    assert_in_range(vsnprintf(text, sizeof text, fmt, args), 1, sizeof text - 1);
    return text;
}

/* A new request, with a key of its own. */
static inline struct answer PRINTF(3, 4)
    ask(const struct person *person, const char *rpc, const char *fmt, ...)
{
    char key[ID_TEXT_BYTES];
    va_list args;

    id_format(id_mint(clock_now()), key);
    va_start(args, fmt);
    const char *json = format_json(fmt, args);
    va_end(args);
    return ask_json(person, rpc, json, key, "");
}

static inline json_t *
expect_at(int line, struct answer answer, err_t code, const char *reason)
{
    if (answer.code != code || strcmp(answer.reason, reason) != 0)
        fail_msg("line %d: %s \"%s\" at %s (%s) instead of %s \"%s\"", line, err_name(answer.code),
                 answer.reason, answer.path, answer.text, err_name(code), reason);
    return answer.body;
}
#define EXPECT(answer, code, reason) expect_at(__LINE__, (answer), ERR_##code, (reason))
#define EXPECT_OK(answer) expect_at(__LINE__, (answer), ERR_OK, "")

/* "programme.state" of a body; "" when it is absent. */
static inline const json_t *
find(const json_t *at, const char *path)
{
    char step[64];

    while (at && *path) {
        const size_t size = strcspn(path, ".");
        (void) snprintf(step, sizeof step, "%.*s", (int) size, path);
        at = json_is_array(at) ? json_array_get(at, strtoul(step, NULL, 10))
                               : json_object_get(at, step);
        path += size + (path[size] == '.');
    }
    return at;
}
static inline const char *
text_at(const json_t *body, const char *path)
{
    const char *text = json_string_value(find(body, path));

    return text ? text : "";
}
static inline long long
number_at(const json_t *body, const char *path)
{
    const json_t *found = find(body, path);

    return json_is_string(found) ? strtoll(json_string_value(found), NULL, 10)
                                 : (long long) json_integer_value(found);
}
static inline long long
fen_at(const json_t *body, const char *path)
{
    const json_t *fen = json_object_get(find(body, path), "fen");

    return fen ? strtoll(json_string_value(fen), NULL, 10) : 0;
}

static inline long long sql(const char *fmt, ...) PRINTF(1, 2);
static inline long long
sql(const char *fmt, ...)
{
    char text[4096];
    va_list args;

    va_start(args, fmt);
    (void) vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return strtoll(cluster_ask(rig.cluster, text), NULL, 10);
}

/* --- what other services tell --- */

struct telling {
    const ProtobufCMessage *message;
    int64_t seq;
};

static inline err_t
tell_read(void *arg, const char *producer, const Bus__ReadEventsRequest *request,
          struct arena *arena, const Bus__ReadEventsReply **out, struct err *err)
{
    const struct telling *telling = arg;
    Bus__ReadEventsReply *reply = arena_alloc(arena, sizeof *reply);
    Bus__Event *event = arena_alloc(arena, sizeof *event);
    Bus__Position *position = arena_alloc(arena, sizeof *position);
    struct id *id = arena_alloc(arena, sizeof *id);
    const size_t size = protobuf_c_message_get_packed_size(telling->message);
    uint8_t *body = arena_alloc(arena, size + 1);

    (void) producer, (void) request, (void) err;
    bus__read_events_reply__init(reply);
    bus__event__init(event);
    bus__position__init(position);
    *id = id_mint(clock_now());
    position->tx = 1;
    position->seq = telling->seq;
    event->position = position;
    event->event_id = (ProtobufCBinaryData){ 16, id->bytes };
    event->tenant_id = (ProtobufCBinaryData){ 16, rig.town.bytes };
    event->topic = (char *) telling->message->descriptor->name;
    event->body = (ProtobufCBinaryData){ protobuf_c_message_pack(telling->message, body), body };
    event->recorded_us = clock_now().us;
    event->traceparent = (char *) "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    reply->events = arena_alloc(arena, sizeof *reply->events);
    reply->events[0] = event;
    reply->n_events = 1;
    reply->reached = position;
    *out = reply;
    return ERR_OK;
}

static inline void
tell_message(const char *producer, const ProtobufCMessage *message)
{
    static int64_t seq;
    struct telling telling = { message, ++seq };
    const struct feed_source source = { tell_read, &telling };
    struct err err = { 0 };
    int applied = 0;

    if (feed_pull(rig.thread, producer, &source, &applied, &err) != ERR_OK || applied != 1)
        fail_msg("%s: %s %s (%d applied)", message->descriptor->name, err.reason, err.text,
                 applied);
}

static inline void PRINTF(3, 4)
    tell(const char *producer, const ProtobufCMessageDescriptor *type, const char *fmt, ...)
{
    struct err err = { 0 };
    va_list args;

    arena_reset(rig.arena);
    va_start(args, fmt);
    const char *json = format_json(fmt, args);
    va_end(args);
    ProtobufCMessage *message = message_of(type, json, &err);
    if (!message)
        fail_msg("%s at %s: %s", err.reason, err.path, err.text);
    tell_message(producer, message);
}

/* The newest event of a topic that the service told, as JSON; NULL for none.  The caller frees. */
static inline json_t *
told(const ProtobufCMessageDescriptor *type)
{
    char query[256];
    static uint8_t bytes[1 << 18];
    size_t size = 0;

    (void) snprintf(query, sizeof query,
                    "SELECT encode(body, 'hex') FROM contributions.event WHERE topic = '%s' "
                    "ORDER BY tx DESC, seq DESC LIMIT 1",
                    type->name);
    PGresult *result = PQexec(rig.conn, query);
    assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
    const char *hex = PQntuples(result) ? PQgetvalue(result, 0, 0) : "";
    if (hex[0] == '\0') {
        PQclear(result);
        return NULL;
    }
    for (; hex[2 * size] && size < sizeof bytes; size++) {
        const char digits[3] = { hex[2 * size], hex[2 * size + 1], '\0' };
        bytes[size] = (uint8_t) strtoul(digits, NULL, 16);
    }
    PQclear(result);
    ProtobufCMessage *message = protobuf_c_message_unpack(type, NULL, size, bytes);
    assert_non_null(message);
    json_t *json = json_of(message);
    protobuf_c_message_free_unpacked(message, NULL);
    return json;
}

/* --- the world: a town of three villages, a hundred households each, four persons in each --- */

/* Person k (0..3) of household n (0..299), whose village is n / 100. */
static inline int
person_no(int house, int k)
{
    return house * 10 + k;
}

/* extra: JSON of further fields of each person, such as categories; grounds 2 is registered. */
static inline void
tell_houses(int from, int count, int village, int version, const char *extra)
{
    static char text[RIG_TEXT_BYTES / 2];
    size_t used = 0;

    for (int h = from; h < from + count; h++) {
        used +=
            (size_t) snprintf(text + used, sizeof text - used,
                              "%s{\"householdId\":\"%s\",\"villageId\":\"%s\",\"version\":\"%d\","
                              "\"members\":[",
                              h == from ? "" : ",", uid('h', h), uid('v', village), version);
        for (int k = 0; k < RIG_PERSONS; k++)
            used += (size_t) snprintf(text + used, sizeof text - used,
                                      "%s{\"personId\":\"%s\",\"head\":%s,\"grounds\":2,"
                                      "\"entry\":\"FIRST_REGISTER\",\"from\":\"2020-01-01\"%s}",
                                      k ? "," : "", uid('p', person_no(h, k)),
                                      k == 0 ? "true" : "false", extra);
        used += (size_t) snprintf(text + used, sizeof text - used, "]}");
        assert_true(used < sizeof text - 4096);
    }
    tell("identity", &identity__households_recorded__descriptor, "{\"households\":[%s]}", text);
}

static inline void
tell_town(void)
{
    tell("identity", &identity__tenant_described__descriptor,
         "{\"code\":\"yishan\",\"name\":\"伊山镇\",\"organisationId\":\"%s\",\"villages\":["
         "{\"villageId\":\"%s\",\"divisionCode\":\"320723100200\",\"name\":\"河东村\"},"
         "{\"villageId\":\"%s\",\"divisionCode\":\"320723100201\",\"name\":\"河西村\"},"
         "{\"villageId\":\"%s\",\"divisionCode\":\"320723100202\",\"name\":\"河南村\"}]}",
         uid('o', 1), uid('v', 0), uid('v', 1), uid('v', 2));
}

static inline struct person
someone(role_set_t roles, char scope, int n)
{
    struct person person = a_person(rig.town, roles);

    person.clearance = LABEL_IDENTITY | LABEL_MONEY;
    person.organisation = scope ? uid_of(scope, n) : (struct id){ { 0 } };
    return person;
}

static inline int
rig_open(void **state)
{
    struct err err = { 0 };

    (void) state;
    log_open("contributions_test", LOG_ERROR);
    rig.cluster = cluster_start();
    rig.keys = keys_make();
    rig.shapes = shapes_create();
    rig.arena = arena_create((size_t) 64 << 20);
    if (!rig.cluster || !rig.keys || !cluster_migrate(rig.cluster, &contributions_service))
        return -1;
    (void) snprintf(rig.clock, sizeof rig.clock, "/tmp/huzhu-clock-%d", (int) getpid());
    const struct runtime_conf conf = {
        .database_url = cluster_url(rig.cluster, "huzhu_contributions"),
        .feed_url = cluster_url(rig.cluster, "huzhu_contributions_feed"),
        .principal_keys = keys_principals(rig.keys),
        .master_keys = keys_ring(rig.keys),
        .business_clock = rig.clock,
        .worker_threads = 1,
        .reply_keep = 1000,
    };
    rig.town = (struct id){ { 1, 2, 3 } };
    rig.officer = someone(ROLE_TOWNSHIP_OFFICER, 0, 0);
    rig.approver = someone(ROLE_APPROVER, 0, 0);
    rig.clerk = someone(ROLE_VILLAGE_CLERK, 'v', 0);
    rig.other_clerk = someone(ROLE_VILLAGE_CLERK, 'v', 1);
    rig.auditor = someone(ROLE_AUDITOR, 0, 0);
    rig.county = someone(ROLE_COUNTY_VIEWER, 0, 0);
    rig.member = someone(ROLE_MEMBER, 'v', 0);
    rig.member.own_person = uid_of('p', person_no(0, 0));
    rig.conn = cluster_connect(rig.cluster, "huzhu_contributions");
    PQclear(PQexec(rig.conn, "SET search_path = contributions"));
    PQclear(PQexec(rig.conn, "SET huzhu.tenant = '01020300-0000-0000-0000-000000000000'"));
    if (runtime_create(&contributions_service, &conf, &rig.conf, &rig.rt, &err) == ERR_OK &&
        svc_thread_create(rig.rt, 5000, &rig.thread, &err) == ERR_OK)
        return 0;
    print_error("%s %s\n", err.reason, err.text);
    return -1;
}

static inline int
rig_close(void **state)
{
    (void) state;
    PQfinish(rig.conn);
    svc_thread_destroy(rig.thread);
    runtime_destroy(rig.rt);
    keys_remove(rig.keys);
    const int broken = cluster_broken_invariants(rig.cluster);
    cluster_stop(rig.cluster);
    shapes_destroy(rig.shapes);
    arena_destroy(rig.arena);
    (void) unlink(rig.clock);
    return broken == 0 ? 0 : -1;
}

/* Before each test: nothing but the register. */
static inline int
rig_clean(void **state)
{
    (void) state;
    cluster_sql(rig.cluster,
                "SET client_min_messages = warning; TRUNCATE contributions.town, "
                "contributions.village, contributions.household, "
                "contributions.programme, contributions.list_answer, contributions.event, "
                "contributions.reply CASCADE; DELETE FROM contributions.parked;");
    now_is("2024-06-20T09:00:00+08:00");
    tell_town();
    for (int v = 0; v < RIG_VILLAGES; v++)
        tell_houses(v * RIG_HOUSES, RIG_HOUSES, v, 1, "");
    return 0;
}

/* --- whole steps --- */

/* A sound programme of the Yishan plan; `more` are further fields ("\"x\":1," style, ends in a
 * comma). */
static inline struct answer
create(int n, const char *template, const char *more)
{
    return ask(&rig.officer, "CreateProgramme",
               "{\"programmeId\":\"%s\",\"template\":\"%s\",\"programme\":{%s"
               "\"custodianAccount\":\"伊山镇医疗互助专户\",\"responsibleAccountId\":\"%s\","
               "\"thresholds\":[{\"insurance\":\"RESIDENT\",\"basis\":\"OWN_PAYMENT\","
               "\"atLeast\":{\"fen\":\"400000\"}}],\"feeMost\":800,"
               "\"feeAgreed\":{\"fen\":\"100000\"}}}",
               uid('g', n), template, more, uid('a', 1));
}

static inline void
resolve(int n, int village)
{
    static int next = 1;

    EXPECT_OK(ask(&rig.officer, "RecordResolution",
                  "{\"programmeId\":\"%s\",\"resolution\":{\"resolutionId\":\"%s\","
                  "\"villageId\":\"%s\",\"meeting\":\"REPRESENTATIVES\",\"metOn\":\"2024-06-15\","
                  "\"entitled\":30,\"attended\":20,\"votesFor\":11,\"against\":5,\"abstained\":4,"
                  "\"uploadIds\":[\"%s\"]}}",
                  uid('g', n), uid('r', next++), uid('v', village), uid('u', 1)));
}

/* Draft, submitted, approved, all villages resolved; the window is open. */
static inline void
open_programme(int n, const char *template, const char *more)
{
    EXPECT_OK(create(n, template, more));
    EXPECT_OK(ask(&rig.officer, "SubmitProgramme", "{\"programmeId\":\"%s\"}", uid('g', n)));
    EXPECT_OK(ask(&rig.approver, "ApproveProgramme", "{\"programmeId\":\"%s\"}", uid('g', n)));
    for (int v = 0; v < RIG_VILLAGES; v++)
        resolve(n, v);
    now_is("2024-07-10T09:00:00+08:00");
}

/* One enrolment as JSON: the first `persons` of the household. */
static inline const char *
enrolment(int house, int persons)
{
    static char ring[4][4096];
    static unsigned next;
    char *text = ring[next++ % 4];
    int used = snprintf(text, 4096,
                        "{\"householdId\":\"%s\",\"contentRead\":true,\"familyConfirmed\":true,"
                        "\"confirmation\":\"SIGNATURE\",\"persons\":[",
                        uid('h', house));

    for (int k = 0; k < persons; k++)
        used += snprintf(text + used, 4096 - (size_t) used,
                         "%s{\"personId\":\"%s\",\"publicityConsent\":%s}", k ? "," : "",
                         uid('p', person_no(house, k)), k % 2 ? "false" : "true");
    (void) snprintf(text + used, 4096 - (size_t) used, "]}");
    return text;
}

static inline struct answer
enrol_bulk(const struct person *who, int programme, int from, int count, int persons)
{
    static char text[RIG_TEXT_BYTES / 2];
    size_t used = 0;

    for (int h = from; h < from + count; h++)
        used += (size_t) snprintf(text + used, sizeof text - used, "%s%s", h == from ? "" : ",",
                                  enrolment(h, persons));
    return ask(who, "EnrolHouseholds", "{\"programmeId\":\"%s\",\"enrolments\":[%s]}",
               uid('g', programme), text);
}

static inline struct answer
pay_cash(const struct person *who, int book, int from, int count, long long fen)
{
    static char text[RIG_TEXT_BYTES / 2];
    static int next = 1;
    size_t used = 0;

    for (int h = from; h < from + count; h++)
        used += (size_t) snprintf(text + used, sizeof text - used,
                                  "%s{\"paymentId\":\"%s\",\"householdId\":\"%s\","
                                  "\"amount\":{\"fen\":\"%lld\"}}",
                                  h == from ? "" : ",", uid('y', next++), uid('h', h), fen);
    return ask(who, "RecordCashPayments", "{\"cashBookId\":\"%s\",\"payments\":[%s]}",
               uid('b', book), text);
}

static inline void
open_book(const struct person *who, int programme, int book, int village)
{
    EXPECT_OK(ask(who, "OpenCashBook",
                  "{\"programmeId\":\"%s\",\"cashBookId\":\"%s\",\"villageId\":\"%s\"}",
                  uid('g', programme), uid('b', book), uid('v', village)));
}

static inline struct answer
hand_in(const struct person *who, int book, int id, long long fen)
{
    return ask(who, "HandInCash",
               "{\"cashBookId\":\"%s\",\"handInId\":\"%s\",\"counted\":{\"fen\":\"%lld\"}}",
               uid('b', book), uid('i', id), fen);
}

#endif
