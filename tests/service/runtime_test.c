/* runtime_test.c - the runtime from envelope to answer, in process, with a service made for it.
 *
 * The service "claims" here is a toy in the schema of the real one: a counter with an rpc that
 * adds, one that fails in every way it is told to, one that reads, and one that shows labelled
 * data.  Its messages are those of the real claims.proto, whose fields it uses as it likes. */
#include "test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arena/arena_pb.h"
#include "caller.h"
#include "cluster.h"
#include "fault/fault.h"
#include "runtime_queries.h"
#include "two_rpcs.h"

static struct cluster *cluster;
static struct keys *keys;
static struct runtime *rt;
static struct svc_thread *thread;

static const struct id town = { { 1, 2, 3 } }, other_town = { { 2, 3, 4 } };

/* --- the toy --- */

static const struct stmt q_add = { "toy.add",
                                   "INSERT INTO toy (tenant_id, toy_id, n) VALUES ($1, $2, $3)",
                                   3 },
                         q_sum = { "toy.sum", "SELECT coalesce(sum(n), 0)::bigint FROM toy", 0 };
static const struct stmt *const toy_statements[] = { &q_add, &q_sum, NULL };

static instant_t seen_now, seen_wall; /* by whoever ran last */
static struct call seen_call;         /* its scope alone is looked at */
static int races_left, runs;
static const char *refuse_with; /* the handler refuses with this reason after having written */

/* WriteUpload: adds `offset`. */
static err_t
toy_add(struct call *c, const Claims__WriteUploadRequest *in, Claims__WriteUploadReply *out)
{
    struct id id;

    runs++;
    seen_call = *c;
    seen_now = c->now;
    seen_wall = c->wall;
    TRY(id_from_wire(in->upload_id, "$.uploadId", &id, &c->err));
    TRY(db_exec(c, &q_add, P_ID(c->tenant), P_ID(id), P_INT(in->offset)));
    if (races_left > 0) {
        races_left--;
        return err_set(&c->err, ERR_RACED, "db.raced", "told to");
    }
    if (refuse_with)
        return err_set(&c->err,
                       strcmp(refuse_with, "call.scope") == 0 ? ERR_FORBIDDEN : ERR_REFUSED,
                       refuse_with, "told to");

    Claims__UploadFinished event = CLAIMS__UPLOAD_FINISHED__INIT;
    event.upload_id = id_to_wire(c, id);
    event.size = in->offset;
    TRY(event_append(c, &event.base));
    out->upload = arena_alloc(c->arena, sizeof *out->upload);
    if (!out->upload)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "no memory");
    claims__upload__init(out->upload);
    out->upload->upload_id = id_to_wire(c, id);
    out->upload->size = in->offset;
    (void) snprintf(c->etag, sizeof c->etag, "v%lld", (long long) in->offset);
    return ERR_OK;
}

/* ReadUpload: the sum; offset 1 shows another person's health, offset 2 the caller's own; with a
 * limit, so many bytes. */
static err_t
toy_sum(struct call *c, const Claims__ReadUploadRequest *in, Claims__ReadUploadReply *out)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query0(c, &q_sum, &rows));
    out->upload = arena_alloc(c->arena, sizeof *out->upload);
    if (!out->upload)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "no memory");
    claims__upload__init(out->upload);
    out->upload->size = rows_int(rows, 0, 0);
    out->data = (ProtobufCBinaryData){ (size_t) in->limit, NULL };
    if (in->limit > 0 && !(out->data.data = arena_alloc(c->arena, out->data.len)))
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "no memory");
    if (in->offset == 1)
        call_saw(c, LABEL_HEALTH, (struct id){ { 7, 7, 7 } });
    if (in->offset == 2)
        call_saw(c, LABEL_HEALTH, c->person);
    return call_matches(c, "v1");
}

SVC_THUNK(toy_add, Claims__WriteUploadRequest, Claims__WriteUploadReply)
SVC_THUNK(toy_sum, Claims__ReadUploadRequest, Claims__ReadUploadReply)

static struct svc_method toy_methods[] = {
    { "WriteUpload", toy_add_thunk, ROLE_VILLAGE_CLERK, SVC_WRITE },
    { "ReadUpload", toy_sum_thunk, ROLE_VILLAGE_CLERK | ROLE_AUDITOR, SVC_READ },
};

static int duty_runs;
static err_t
toy_duty(struct call *c)
{
    OWNED(rows_free) struct rows *rows = NULL;

    duty_runs++;
    seen_call = *c;
    seen_now = c->now;
    seen_wall = c->wall;
    TRY(call_as_tenant(c, town));
    TRY(db_exec(c, &q_add, P_ID(c->tenant), P_ID(id_mint(c->now)), P_INT(1000)));
    TRY(call_as_tenant(c, other_town));
    TRY(db_query0(c, &q_sum, &rows));
    return rows_int(rows, 0, 0) == 0 ? ERR_OK
                                     : err_set(&c->err, ERR_INTERNAL, "toy.leak", "a leak");
}
static const struct svc_duty toy_duties[] = { { "toy", 1000, toy_duty } };

/* Consumes the log of "coding": UploadFinished with size 13 is refused, 14 races twice. */
static int seen;
static err_t
toy_on_finished(struct call *c, const Claims__UploadFinished *in)
{
    struct id id;

    seen_call = *c;
    seen_now = c->now;
    seen_wall = c->wall;
    TRY(id_from_wire(in->upload_id, "upload_id", &id, &c->err));
    TRY(db_exec(c, &q_add, P_ID(c->tenant), P_ID(id), P_INT(in->size)));
    seen++;
    if (in->size == 13)
        return err_set(&c->err, ERR_REFUSED, "toy.unlucky", "told to");
    if (races_left > 0) {
        races_left--;
        return err_set(&c->err, ERR_RACED, "db.raced", "told to");
    }
    return ERR_OK;
}
SVC_EVENT_THUNK(toy_on_finished, Claims__UploadFinished)
static const struct svc_consumer toy_consumers[] = {
    { "coding", &claims__upload_finished__descriptor, toy_on_finished_thunk },
};

static const struct db_constraint toy_constraints[] = {
    { "toy_pkey", ERR_CONFLICT, "toy.exists", "the toy exists" },
};
static const struct migration toy_migrations[] = {
    { "0001_toy", "CREATE TABLE toy (tenant_id uuid NOT NULL, toy_id uuid PRIMARY KEY, n bigint);"
                  "SELECT guard_tenant('toy');" },
};
static const struct svc toy = {
    .name = "claims",
    .descriptor = &two_rpcs,
    .methods = toy_methods,
    .method_count = COUNT(toy_methods),
    .statements = toy_statements,
    .migrations = toy_migrations,
    .migration_count = COUNT(toy_migrations),
    .constraints = toy_constraints,
    .constraint_count = COUNT(toy_constraints),
    .duties = toy_duties,
    .duty_count = COUNT(toy_duties),
    .consumers = toy_consumers,
    .consumer_count = COUNT(toy_consumers),
};
/* The same in the schema "coding": the producer. */
static struct svc producer;

/* --- the world --- */

static char clock_path[96]; /* the offset of business time; most tests have none */

static struct runtime_conf
conf_of(const char *service)
{
    static char role[64], feed[64];

    (void) snprintf(role, sizeof role, "huzhu_%s", service);
    (void) snprintf(feed, sizeof feed, "huzhu_%s_feed", service);
    return (struct runtime_conf){ .database_url = cluster_url(cluster, role),
                                  .feed_url = cluster_url(cluster, feed),
                                  .principal_keys = keys_principals(keys),
                                  .master_keys = keys_ring(keys),
                                  .business_clock = clock_path,
                                  .worker_threads = 1,
                                  .reply_keep = 1000 };
}

static bool
start(const struct svc *svc, struct runtime **runtime, struct svc_thread **worker)
{
    const struct runtime_conf conf = conf_of(svc->name);
    struct err err;

    if (cluster_migrate(cluster, svc) &&
        runtime_create(svc, &conf, NULL, runtime, &err) == ERR_OK &&
        svc_thread_create(*runtime, 5000, worker, &err) == ERR_OK)
        return true;
    print_error("%s %s\n", err.reason, err.text);
    return false;
}

static int
open_world(void **state)
{
    (void) state;
    log_open("runtime_test", LOG_ERROR);
    cluster = cluster_start();
    keys = keys_make();
    if (keys)
        (void) snprintf(clock_path, sizeof clock_path, "%s/clock", keys_folder(keys));
    return cluster && keys && start(&toy, &rt, &thread) ? 0 : -1;
}

static int
close_world(void **state)
{
    (void) state;
    svc_thread_destroy(thread);
    runtime_destroy(rt);
    keys_remove(keys);
    cluster_stop(cluster);
    return 0;
}

static int
clean(void **state)
{
    (void) state;
    races_left = runs = seen = 0;
    refuse_with = NULL;
    thread->refusals_us = 0;
    cluster_sql(cluster,
                "TRUNCATE claims.toy, claims.event, claims.reply, claims.parked, claims.feed");
    return 0;
}

static int
rows_in(const char *table)
{
    char sql[96];

    (void) snprintf(sql, sizeof sql, "SELECT 1 FROM claims.%s", table);
    return cluster_sql(cluster, sql);
}

/* --- verbs --- */

static struct request_of *
add_request(const struct person *person, struct id id, int64_t n, const char *key)
{
    Huzhu__Id wire = HUZHU__ID__INIT;
    Claims__WriteUploadRequest in = CLAIMS__WRITE_UPLOAD_REQUEST__INIT;

    wire.value = (ProtobufCBinaryData){ 16, id.bytes };
    in.upload_id = &wire;
    in.offset = n;
    return request_of(keys, person, "WriteUpload", &in.base, key);
}

static struct request_of *
sum_request(const struct person *person, int64_t offset)
{
    Claims__ReadUploadRequest in = CLAIMS__READ_UPLOAD_REQUEST__INIT;

    in.offset = offset;
    return request_of(keys, person, "ReadUpload", &in.base, "");
}

static struct request_of *
bytes_request(const struct person *person, int32_t limit)
{
    Claims__ReadUploadRequest in = CLAIMS__READ_UPLOAD_REQUEST__INIT;

    in.limit = limit;
    return request_of(keys, person, "ReadUpload", &in.base, "");
}

static err_t
ask_as(const char *caller, struct request_of *request, Bus__Answer *answer)
{
    svc_thread_answer(thread, caller, &request->envelope, answer);
    return bus_err_from_code(answer->code);
}

static err_t
ask(struct request_of *request, Bus__Answer *answer)
{
    return ask_as("gateway", request, answer);
}

/* Asks once and forgets the request. */
static err_t
ask_once(struct request_of *request, Bus__Answer *answer)
{
    const err_t code = ask(request, answer);

    request_free(request);
    return code;
}

static int64_t
sum_of(struct id tenant)
{
    const struct person clerk = a_person(tenant, ROLE_VILLAGE_CLERK);
    Bus__Answer answer;

    assert_int_equal(ask_once(sum_request(&clerk, 0), &answer), ERR_OK);
    Claims__ReadUploadReply *reply =
        claims__read_upload_reply__unpack(NULL, answer.body.len, answer.body.data);
    const int64_t sum = reply->upload->size;
    claims__read_upload_reply__free_unpacked(reply, NULL);
    return sum;
}

/* A file of 8 MiB is made in a reply that is not stored; what is larger is refused. */
static void
a_read_may_answer_with_a_file_of_eight_mebibytes(void **state)
{
    const struct person clerk = a_person(town, ROLE_VILLAGE_CLERK);
    Bus__Answer answer;

    (void) state;
    assert_int_equal(ask_once(bytes_request(&clerk, 8 << 20), &answer), ERR_OK);
    assert_true(answer.body.len > 8 << 20);
    assert_int_equal(ask_once(bytes_request(&clerk, (8 << 20) + (65 << 10)), &answer), ERR_LIMITED);
    assert_string_equal(answer.reason, "rpc.reply_too_large");
}

static struct id new_id(void);

/* A public page: the gateway names the tenant, nobody has signed in. */
static void
whoever_has_not_signed_in_sees_the_tenant_of_the_address(void **state)
{
    const struct person clerk = a_person(town, ROLE_VILLAGE_CLERK);
    const struct id tenants[] = { town, other_town };
    const role_set_t usual = toy_methods[1].roles;
    Bus__Answer answer;

    (void) state;
    assert_int_equal(ask_once(add_request(&clerk, new_id(), 5, "k"), &answer), ERR_OK);
    for (size_t i = 0; i < COUNT(tenants); i++) {
        struct request_of *request = sum_request(NULL, 0);
        request->envelope.tenant_id = (ProtobufCBinaryData){ 16, (uint8_t *) tenants[i].bytes };
        assert_int_equal(ask(request, &answer), ERR_UNAUTHENTICATED); /* not a rpc for anybody */
        toy_methods[1].roles = (role_set_t) ROLE_ANYONE;
        assert_int_equal(ask(request, &answer), ERR_OK);
        toy_methods[1].roles = usual;
        request_free(request);
        Claims__ReadUploadReply *reply =
            claims__read_upload_reply__unpack(NULL, answer.body.len, answer.body.data);
        assert_int_equal(reply->upload->size, i == 0 ? 5 : 0);
        claims__read_upload_reply__free_unpacked(reply, NULL);
    }
}

static struct id
new_id(void)
{
    return id_mint(clock_now());
}

/* --- tests --- */

static void
a_write_leaves_state_events_and_a_stored_reply(void **state)
{
    const struct person clerk = a_person(town, ROLE_VILLAGE_CLERK);
    Bus__Answer answer;

    (void) state;
    assert_int_equal(ask_once(add_request(&clerk, new_id(), 5, "k1"), &answer), ERR_OK);
    assert_string_equal(answer.etag, "v5");
    assert_int_equal(sum_of(town), 5);
    assert_int_equal(sum_of(other_town), 0);
    assert_int_equal(rows_in("reply"), 1);
    assert_string_equal(cluster_ask(cluster, "SELECT string_agg(topic, ' ' ORDER BY tx, seq) FROM"
                                             " claims.event WHERE length(traceparent) = 55"),
                        "huzhu.claims.v1.UploadFinished huzhu.bus.v1.CommandDone");
}

static void
a_repeat_is_answered_from_the_stored_reply(void **state)
{
    const struct person clerk = a_person(town, ROLE_VILLAGE_CLERK);
    struct request_of *request = add_request(&clerk, new_id(), 5, "k1");
    Bus__Answer answer;

    (void) state;
    assert_int_equal(ask(request, &answer), ERR_OK);
    uint8_t first[256];
    const size_t size = answer.body.len;
    memcpy(first, answer.body.data, size);

    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(request, &answer), ERR_OK);
        assert_int_equal(answer.body.len, size);
        assert_memory_equal(answer.body.data, first, size);
        assert_string_equal(answer.etag, "v5");
    }
    request_free(request);
    assert_int_equal(cluster_sql(cluster, "SELECT 1 FROM claims.reply WHERE sealed"), 1);
    assert_int_equal(sum_of(town), 5);
    assert_int_equal(rows_in("event"), 2);
    assert_int_equal(rows_in("reply"), 1);
}

static void
the_same_key_with_another_body_is_a_conflict(void **state)
{
    const struct person clerk = a_person(town, ROLE_VILLAGE_CLERK);
    const struct person other = a_person(town, ROLE_VILLAGE_CLERK);
    Bus__Answer answer;

    (void) state;
    assert_int_equal(ask_once(add_request(&clerk, new_id(), 5, "k1"), &answer), ERR_OK);
    assert_int_equal(ask_once(add_request(&clerk, new_id(), 6, "k1"), &answer), ERR_CONFLICT);
    assert_string_equal(answer.reason, "idempotency.other_body");
    assert_int_equal(sum_of(town), 5);
    /* somebody else's key is another key */
    assert_int_equal(ask_once(add_request(&other, new_id(), 7, "k1"), &answer), ERR_OK);
    assert_int_equal(sum_of(town), 12);
}

static void
a_write_needs_a_sound_key(void **state)
{
    const struct person clerk = a_person(town, ROLE_VILLAGE_CLERK);
    Bus__Answer answer;

    (void) state;
    assert_int_equal(ask_once(add_request(&clerk, new_id(), 5, ""), &answer), ERR_INVALID);
    assert_string_equal(answer.reason, "idempotency.missing");
    assert_int_equal(ask_once(add_request(&clerk, new_id(), 5, "a b"), &answer), ERR_INVALID);
    assert_string_equal(answer.reason, "idempotency.malformed");
    struct request_of *long_key = add_request(&clerk, new_id(), 5, "");
    char text[66];
    memset(text, 'k', 65);
    text[65] = '\0';
    long_key->envelope.idempotency_key = text;
    assert_int_equal(ask_once(long_key, &answer), ERR_INVALID);
    assert_int_equal(rows_in("event"), 0);
    assert_int_equal(runs, 0);
}

static void
what_is_raced_runs_again_and_then_gives_up(void **state)
{
    const struct person clerk = a_person(town, ROLE_VILLAGE_CLERK);
    Bus__Answer answer;

    (void) state;
    races_left = 2;
    assert_int_equal(ask_once(add_request(&clerk, new_id(), 5, "k1"), &answer), ERR_OK);
    assert_int_equal(runs, 3);
    assert_int_equal(sum_of(town), 5);
    races_left = 3;
    runs = 0;
    assert_int_equal(ask_once(add_request(&clerk, new_id(), 5, "k2"), &answer), ERR_RACED);
    assert_int_equal(runs, 3);
    assert_int_equal(sum_of(town), 5);
}

static void
a_refusal_leaves_no_state_and_is_told(void **state)
{
    const struct person clerk = a_person(town, ROLE_VILLAGE_CLERK);
    Bus__Answer answer;

    (void) state;
    refuse_with = "toy.no";
    assert_int_equal(ask_once(add_request(&clerk, new_id(), 5, "k1"), &answer), ERR_REFUSED);
    assert_string_equal(answer.reason, "toy.no");
    assert_int_equal(rows_in("event"), 0); /* a rule's refusal is no security event */
    refuse_with = "call.scope";
    assert_int_equal(ask_once(add_request(&clerk, new_id(), 5, "k2"), &answer), ERR_FORBIDDEN);
    assert_int_equal(rows_in("toy"), 0);
    assert_int_equal(rows_in("reply"), 0);
    assert_int_equal(
        cluster_sql(cluster,
                    "SELECT 1 FROM claims.event WHERE topic = 'huzhu.bus.v1.CommandRefused'"
                    " AND tenant_id = '01020300-0000-0000-0000-000000000000'"),
        1);
    refuse_with = NULL; /* the key was not used up */
    assert_int_equal(ask_once(add_request(&clerk, new_id(), 5, "k2"), &answer), ERR_OK);
}

static void
roles_open_what_their_row_says(void **state)
{
    static const struct {
        role_set_t roles;
        err_t add, sum;
    } cases[] = {
        { ROLE_VILLAGE_CLERK, ERR_OK, ERR_OK },
        { ROLE_AUDITOR, ERR_FORBIDDEN, ERR_OK },
        { ROLE_MEMBER, ERR_FORBIDDEN, ERR_FORBIDDEN },
        { ROLE_SYSTEM_ADMIN | ROLE_SECURITY_ADMIN, ERR_FORBIDDEN, ERR_FORBIDDEN },
        { ROLE_MEMBER | ROLE_VILLAGE_CLERK, ERR_OK, ERR_OK },
        { (role_set_t) ROLE_SERVICE, ERR_FORBIDDEN, ERR_FORBIDDEN }, /* not by a principal */
        { (role_set_t) ROLE_ANYONE, ERR_FORBIDDEN, ERR_FORBIDDEN },
        { 0, ERR_FORBIDDEN, ERR_FORBIDDEN },
    };
    Bus__Answer answer;

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct person person = a_person(town, cases[i].roles);
        assert_int_equal(ask_once(add_request(&person, new_id(), 1, "k"), &answer), cases[i].add);
        assert_int_equal(ask_once(sum_request(&person, 0), &answer), cases[i].sum);
    }
    assert_int_equal(ask_once(add_request(NULL, new_id(), 1, "k"), &answer), ERR_UNAUTHENTICATED);
    assert_int_equal(ask_once(sum_request(NULL, 0), &answer), ERR_UNAUTHENTICATED);
    assert_int_equal(rows_in("toy"), 2);
}

static void
principals_that_prove_nothing_are_refused(void **state)
{
    const struct person clerk = a_person(town, ROLE_VILLAGE_CLERK);
    Bus__Answer answer;

    (void) state;
    for (size_t at = 0; at < 120; at += 7) { /* any byte changed */
        struct request_of *forged = sum_request(&clerk, 0);
        forged->principal[at] ^= 1;
        assert_int_equal(ask_once(forged, &answer), ERR_UNAUTHENTICATED);
    }
    struct request_of *cut = sum_request(&clerk, 0);
    cut->envelope.principal.len /= 2;
    assert_int_equal(ask_once(cut, &answer), ERR_UNAUTHENTICATED);

    struct person brief = clerk;
    brief.valid_us = 300 * 1000;
    struct request_of *request = sum_request(&brief, 0);
    assert_int_equal(ask(request, &answer), ERR_OK);
    assert_int_equal(ask(request, &answer), ERR_OK); /* believed without another check */
    (void) usleep(310 * 1000);
    assert_int_equal(ask(request, &answer), ERR_UNAUTHENTICATED); /* but not for longer */
    assert_string_equal(answer.reason, "principal.expired");
    request_free(request);

    struct request_of *wrong_tenant = sum_request(&clerk, 0);
    wrong_tenant->tenant = other_town;
    assert_int_equal(ask_once(wrong_tenant, &answer), ERR_FORBIDDEN);
    assert_string_equal(answer.reason, "call.tenant");
    /* strangers write into the platform's log, never into a tenant's */
    assert_int_equal(cluster_sql(cluster, "SELECT 1 FROM claims.event WHERE tenant_id <>"
                                          " '00000000-0000-0000-0000-000000000000'"),
                     0);
    assert_true(rows_in("event") >= 19);
}

static void
a_flood_of_refusals_is_no_flood_of_writes(void **state)
{
    Bus__Answer answer;

    (void) state;
    for (int i = 0; i < 200; i++)
        assert_int_equal(ask_once(sum_request(NULL, 0), &answer), ERR_UNAUTHENTICATED);
    assert_true(rows_in("event") >= 50);
    assert_true(rows_in("event") < 70);
}

static void
an_account_of_the_platform_acts_in_any_tenant(void **state)
{
    const struct person admin = a_person((struct id){ { 0 } }, ROLE_AUDITOR);
    struct request_of *request = sum_request(&admin, 0);
    Bus__Answer answer;

    (void) state;
    request->tenant = town;
    request->envelope.tenant_id = (ProtobufCBinaryData){ 16, request->tenant.bytes };
    assert_int_equal(ask_once(request, &answer), ERR_OK);
}

static void
bad_envelopes_and_bodies_are_invalid(void **state)
{
    const struct person clerk = a_person(town, ROLE_VILLAGE_CLERK);
    Bus__Answer answer;

    (void) state;
    struct request_of *request = sum_request(&clerk, 0);
    request->envelope.method = (char *) "DropTables";
    assert_int_equal(ask_once(request, &answer), ERR_NOT_FOUND);
    assert_string_equal(answer.reason, "rpc.unknown");

    request = sum_request(&clerk, 0);
    request->envelope.request_id.len = 5;
    assert_int_equal(ask_once(request, &answer), ERR_INVALID);

    request = sum_request(&clerk, 0);
    request->envelope.tenant_id.len = 15;
    assert_int_equal(ask_once(request, &answer), ERR_INVALID);

    request = add_request(&clerk, new_id(), 1, "k");
    request->envelope.body.len -= 1;
    assert_int_equal(ask_once(request, &answer), ERR_INVALID);
    assert_string_equal(answer.reason, "rpc.malformed");

    request = add_request(&clerk, (struct id){ { 0 } }, 1, "k");
    assert_int_equal(ask_once(request, &answer), ERR_INVALID);
    assert_string_equal(answer.path, "$.uploadId");

    request = sum_request(&clerk, 0);
    request->envelope.deadline_us = clock_now().us - 1;
    assert_int_equal(ask_once(request, &answer), ERR_DEADLINE);

    request = sum_request(&clerk, 0);
    request->envelope.if_match = (char *) "v2";
    assert_int_equal(ask_once(request, &answer), ERR_STALE);
}

static void
a_defect_is_told_to_nobody_but_the_log(void **state)
{
    const struct person clerk = a_person(town, ROLE_VILLAGE_CLERK);
    Bus__Answer answer;

    (void) state;
    cluster_sql(cluster, "ALTER TABLE claims.toy ADD CONSTRAINT toy_secret CHECK (n <> 77)");
    log_open("runtime_test", (enum log_level)(LOG_ERROR + 1));
    assert_int_equal(ask_once(add_request(&clerk, new_id(), 77, "k"), &answer), ERR_INTERNAL);
    log_open("runtime_test", LOG_ERROR);
    assert_string_equal(answer.reason, "internal");
    assert_null(strstr(answer.text, "toy"));
    cluster_sql(cluster, "ALTER TABLE claims.toy DROP CONSTRAINT toy_secret");
}

static void
a_look_at_labelled_data_is_recorded_before_it_leaves(void **state)
{
    struct person clerk = a_person(town, ROLE_VILLAGE_CLERK);
    Bus__Answer answer;

    (void) state;
    assert_int_equal(ask_once(sum_request(&clerk, 1), &answer), ERR_FORBIDDEN);
    assert_string_equal(answer.reason, "call.clearance");
    assert_int_equal(answer.body.len, 0);
    clerk.clearance = LABEL_HEALTH;
    assert_int_equal(ask_once(sum_request(&clerk, 1), &answer), ERR_OK);
    assert_int_equal(cluster_sql(cluster, "SELECT 1 FROM claims.event WHERE topic ="
                                          " 'huzhu.bus.v1.SensitiveRead'"),
                     1);
    clerk.clearance = 0; /* one's own */
    assert_int_equal(ask_once(sum_request(&clerk, 2), &answer), ERR_OK);
    assert_int_equal(cluster_sql(cluster, "SELECT 1 FROM claims.event WHERE topic ="
                                          " 'huzhu.bus.v1.SensitiveRead'"),
                     2);
}

/* Goal: whatever fails, a write leaves either nothing or the whole of itself, and a repeat of the
 * request makes it whole exactly once.
 * Method: fail the 1st, 2nd, 3rd... crossing of a fault point until none is left to fail. */
static void
a_write_that_fails_anywhere_leaves_no_trace_and_repeats(void **state)
{
#ifndef HUZHU_FAULTS
    (void) state;
    skip();
#else
    const struct person clerk = a_person(town, ROLE_VILLAGE_CLERK);
    int failures = 0;

    (void) state;
    for (int nth = 1;; nth++) {
        struct request_of *request = add_request(&clerk, new_id(), 1, "");
        Bus__Answer answer;

        (void) clean(NULL);
        (void) snprintf(request->key, sizeof request->key, "fault-%d", nth);
        /* Inside one attempt: a database that is away would be waited for. */
        request->envelope.deadline_us = clock_now().us + 3 * US_PER_SECOND;
        fault_arm_nth(nth);
        const err_t code = ask(request, &answer);
        const bool fired = fault_fired();
        fault_arm_nth(0);
        assert_int_equal(code, ERR_OK); /* the runtime itself tried again */
        assert_int_equal(rows_in("toy"), 1);
        assert_int_equal(rows_in("event"), 2);
        assert_int_equal(rows_in("reply"), 1);
        assert_int_equal(ask(request, &answer), ERR_OK);
        assert_int_equal(rows_in("toy"), 1);
        request_free(request);
        if (!fired)
            break;
        failures++;
    }
    /* begin, toy, event.append, run, replay.store, run, commit, committed */
    assert_int_equal(failures, 8);
#endif
}

struct load {
    const char *prefix;
    int64_t until_us;
    int sent, acknowledged;
};

/* Runs beside the test, which is the thread that may start servers (they die with it). */
static void *
write_for_a_while(void *arg)
{
    struct load *load = arg;
    const struct person clerk = a_person(town, ROLE_VILLAGE_CLERK);

    while (clock_monotonic_us() < load->until_us) {
        Bus__Answer answer;
        char key[32];
        (void) snprintf(key, sizeof key, "%s-%d", load->prefix, load->sent++);
        if (ask_once(add_request(&clerk, new_id(), 1, key), &answer) == ERR_OK)
            load->acknowledged++;
    }
    return NULL;
}

static void
requests_wait_for_a_database_that_restarts(void **state)
{
    (void) state;
    for (int crash = 0; crash < 2; crash++) {
        const char *how = crash ? "crash" : "restart";
        const int64_t before = sum_of(town);
        struct load load = { how, clock_monotonic_us() + 1500000, 0, 0 };
        pthread_t writer;

        assert_int_equal(pthread_create(&writer, NULL, write_for_a_while, &load), 0);
        (void) usleep(200 * 1000);
        if (crash)
            cluster_kill(cluster);
        else
            cluster_shut_down(cluster);
        (void) usleep(200 * 1000);
        const bool booted = cluster_boot(cluster);
        (void) pthread_join(writer, NULL);
        assert_true(booted);
        print_message("%s: %d writes sent, %d acknowledged\n", how, load.sent, load.acknowledged);
        assert_int_equal(load.acknowledged, load.sent); /* they waited, none was refused */
        assert_int_equal(sum_of(town) - before, load.acknowledged);
    }
}

static void
without_a_database_a_request_ends_by_its_deadline(void **state)
{
    struct request_of *request;
    const struct person clerk = a_person(town, ROLE_VILLAGE_CLERK);
    Bus__Answer answer;

    (void) state;
    cluster_shut_down(cluster);
    request = add_request(&clerk, new_id(), 1, "late");
    request->envelope.deadline_us = clock_now().us + 700 * 1000;
    assert_int_equal(ask(request, &answer), ERR_UNAVAILABLE);
    assert_true(clock_now().us < request->envelope.deadline_us + 100 * 1000);
    request_free(request);
    assert_true(cluster_boot(cluster));
}

static void
ping_is_answered_for_every_service(void **state)
{
    Bus__PingRequest in = BUS__PING_REQUEST__INIT;
    Bus__Answer answer;

    (void) state;
    in.payload = (ProtobufCBinaryData){ 2, (uint8_t *) "hi" };
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            ask_once(request_of(keys, NULL, i ? "Ping" : "Common.Ping", &in.base, ""), &answer),
            ERR_OK);
        Bus__PingReply *reply = bus__ping_reply__unpack(NULL, answer.body.len, answer.body.data);
        assert_string_equal(reply->service, "claims");
        assert_int_equal(reply->payload.len, 2);
        bus__ping_reply__free_unpacked(reply, NULL);
    }
}

static void
a_duty_runs_in_one_replica_at_a_time(void **state)
{
    PGconn *other = cluster_connect(cluster, "postgres");
    struct err err;

    (void) state;
    duty_runs = 0;
    thread->is_duty = true;
    assert_int_equal(duty_run(thread, &toy_duties[0], &err), ERR_OK);
    assert_int_equal(duty_runs, 1);
    assert_int_equal(sum_of(town), 1000);
    PQclear(PQexec(other, "SELECT pg_advisory_lock(hashtextextended('huzhu.duty.claims.toy', 0))"));
    assert_int_equal(duty_run(thread, &toy_duties[0], &err), ERR_OK);
    assert_int_equal(duty_runs, 1);
    PQfinish(other);
    thread->is_duty = false;
}

static void
old_replies_are_thrown_away_over_all_tenants(void **state)
{
    const struct person clerk = a_person(town, ROLE_VILLAGE_CLERK),
                        other = a_person(other_town, ROLE_VILLAGE_CLERK);
    Bus__Answer answer;

    (void) state;
    assert_int_equal(ask_once(add_request(&clerk, new_id(), 1, "a"), &answer), ERR_OK);
    assert_int_equal(ask_once(add_request(&other, new_id(), 1, "b"), &answer), ERR_OK);
    cluster_sql(cluster, "UPDATE claims.reply SET stored_at = stored_at - interval '10 s'");
    assert_int_equal(ask_once(add_request(&other, new_id(), 1, "c"), &answer), ERR_OK);
    PGconn *conn = cluster_connect(cluster, "huzhu_claims");
    PGresult *result =
        PQexec(conn, "SELECT claims.purge_replies(now() - interval '5 s'), current_user");
    assert_string_equal(PQgetvalue(result, 0, 0), "2");
    PQclear(result);
    PQfinish(conn);
    assert_int_equal(rows_in("reply"), 1);
}

static err_t
seal_step(struct call *c, void *arg)
{
    ProtobufCBinaryData *sealed = arg;
    uint8_t one[32], same[32], another[32];

    TRY(call_seal(c, "toy/1", "secret", 6, sealed));
    TRY(call_blind_index(c, "toy.name", "wang", 4, one));
    TRY(call_blind_index(c, "toy.name", "wang", 4, same));
    TRY(call_blind_index(c, "toy.other", "wang", 4, another));
    assert_memory_equal(one, same, 32);
    assert_memory_not_equal(one, another, 32);
    return ERR_OK;
}

static err_t
unseal_step(struct call *c, void *arg)
{
    const ProtobufCBinaryData *sealed = arg;
    ProtobufCBinaryData plain;

    TRY(call_unseal(c, "toy/1", sealed->data, sealed->len, &plain));
    assert_int_equal(plain.len, 6);
    assert_memory_equal(plain.data, "secret", 6);
    return call_unseal(c, "toy/2", sealed->data, sealed->len, &plain); /* another place */
}

static void
secrets_are_sealed_with_the_tenants_own_key(void **state)
{
    ProtobufCBinaryData sealed;
    struct call c;

    (void) state;
    arena_reset(thread->arena);
    call_init(&c, thread);
    assert_int_equal(svc_command_tx(&c, town, seal_step, &sealed), ERR_OK);
    assert_int_not_equal(svc_command_tx(&c, town, unseal_step, &sealed), ERR_OK);
    assert_string_not_equal(c.err.reason, "keys.none");
    assert_int_not_equal(svc_command_tx(&c, other_town, unseal_step, &sealed), ERR_OK);
    assert_int_equal(cluster_sql(cluster, "SELECT FROM claims.data_key WHERE tenant_id ="
                                          " '01020300-0000-0000-0000-000000000000'"),
                     1);
    assert_int_equal(
        cluster_sql(cluster, "SELECT 1 FROM claims.data_key WHERE wrapped LIKE '%secret%'"), 0);
}

/* --- business time --- */

#define YEAR_US (INT64_C(365) * US_PER_DAY)

static void
move_clock(int64_t offset_us)
{
    FILE *file = fopen(clock_path, "we");

    assert_non_null(file);
    assert_true(fprintf(file, "%lld\n", (long long) offset_us) > 0);
    assert_int_equal(fclose(file), 0);
}

static int
rest_clock(void **state)
{
    (void) unlink(clock_path);
    return clean(state);
}

static int64_t
off_by(instant_t at)
{
    return llabs(clock_now().us - at.us);
}

/* Goal: a jump of a year is seen by handlers and duties as c->now and by nothing that is about
 * security, transport or evidence. */
static void
a_jump_of_business_time_moves_now_alone(void **state)
{
    const struct person clerk = a_person(town, ROLE_VILLAGE_CLERK);
    struct request_of *request = add_request(&clerk, new_id(), 5, "k1"),
                      *late = add_request(&clerk, new_id(), 5, "k2");
    const int64_t offsets[] = { YEAR_US, -YEAR_US, 0 };
    Bus__Answer answer;
    struct err err;

    (void) state;
    assert_int_equal(ask(request, &answer), ERR_OK);
    assert_int_equal(seen_now.us, seen_wall.us);
    for (size_t i = 0; i < COUNT(offsets); i++) {
        char key[8];
        move_clock(offsets[i]);
        (void) snprintf(key, sizeof key, "j%zu", i);
        /* the principal of before, a deadline of ten seconds, the stored reply: all hold */
        assert_int_equal(ask(request, &answer), ERR_OK);
        assert_int_equal(ask_once(add_request(&clerk, new_id(), 1, key), &answer), ERR_OK);
        assert_int_equal(seen_now.us - seen_wall.us, offsets[i]);
        assert_true(off_by(seen_wall) < 10 * US_PER_SECOND);
        thread->is_duty = true;
        assert_int_equal(duty_run(thread, &toy_duties[0], &err), ERR_OK);
        thread->is_duty = false;
        assert_int_equal(seen_now.us - seen_wall.us, offsets[i]);
        assert_true(off_by(seen_wall) < 10 * US_PER_SECOND);
    }
    /* a deadline of the wall clock that has passed is not helped by a clock set back */
    move_clock(-YEAR_US);
    late->envelope.deadline_us = clock_now().us - 1;
    assert_int_equal(ask_once(late, &answer), ERR_DEADLINE);
    assert_int_equal(cluster_sql(cluster,
                                 "SELECT 1 FROM claims.event"
                                 " WHERE abs(extract(epoch FROM now() - recorded_at)) > 60"),
                     0);
    assert_int_equal(cluster_sql(cluster, "SELECT 1 FROM claims.reply"
                                          " WHERE abs(extract(epoch FROM now() - stored_at)) > 60"),
                     0);
    assert_true(rows_in("event") >= 8 && rows_in("reply") == 4);
    request_free(request);
}

/* --- scope --- */

static void
a_scope_covers_what_was_granted(void **state)
{
    struct person clerk = a_person(town, ROLE_VILLAGE_CLERK);
    const struct id village = clerk.organisation, other = new_id(), nil = { { 0 } };
    Bus__Answer answer;
    struct err err;

    (void) state;
    assert_int_equal(ask_once(add_request(&clerk, new_id(), 1, "s1"), &answer), ERR_OK);
    assert_true(call_covers(&seen_call, village));
    assert_false(call_covers(&seen_call, other));
    assert_false(call_covers(&seen_call, nil));
    clerk.whole_tenant = true;
    assert_int_equal(ask_once(add_request(&clerk, new_id(), 1, "s2"), &answer), ERR_OK);
    assert_true(call_covers(&seen_call, village) && call_covers(&seen_call, other) &&
                call_covers(&seen_call, nil));
    clerk.whole_tenant = false;
    clerk.organisation = nil; /* a township officer */
    assert_int_equal(ask_once(add_request(&clerk, new_id(), 1, "s3"), &answer), ERR_OK);
    assert_true(call_covers(&seen_call, other));

    thread->is_duty = true;
    assert_int_equal(duty_run(thread, &toy_duties[0], &err), ERR_OK);
    thread->is_duty = false;
    assert_true(call_covers(&seen_call, other));

    struct call c;
    call_init(&c, thread); /* nobody has signed in */
    assert_false(call_covers(&c, other));
    assert_false(call_covers(&c, nil));
}

/* What is kept of proved principals is bounded, so that many push each other out, and each is taken
 * for nobody but itself. */
static void
principals_that_are_kept_are_not_mixed_up(void **state)
{
    enum { PEOPLE = 3 * PRINCIPALS_CACHED };
    static struct request_of *asked[PEOPLE];
    struct person people[PEOPLE];
    Bus__Answer answer;

    (void) state;
    for (size_t i = 0; i < PEOPLE; i++) {
        people[i] = a_person(i % 3 ? town : other_town, ROLE_VILLAGE_CLERK);
        people[i].clearance = (uint32_t) i;
        asked[i] = sum_request(&people[i], 0);
    }
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < PEOPLE; i++) {
            arena_reset(thread->arena);
            struct call c;
            call_init(&c, thread);
            assert_int_equal(call_admit(&c, "gateway", &asked[i]->envelope), ERR_OK);
            assert_int_equal(id_cmp(c.account, people[i].account), 0);
            assert_int_equal(id_cmp(c.session, people[i].session), 0);
            assert_int_equal(id_cmp(c.person, people[i].own_person), 0);
            assert_int_equal(c.organisation_count, 1);
            assert_int_equal(id_cmp(c.organisations[0], people[i].organisation), 0);
            assert_int_equal(c.clearance, i);
            assert_int_equal(c.roles, (role_set_t) ROLE_ANYONE | ROLE_VILLAGE_CLERK);
            assert_false(c.whole_tenant);
        }
    }
    /* kept or not: one bit of the signature, and the tenant, still decide */
    for (size_t i = 0; i < PEOPLE; i++) {
        assert_int_equal(ask(asked[i], &answer), ERR_OK);
        asked[i]->tenant = i % 3 ? other_town : town;
        assert_int_equal(ask(asked[i], &answer), ERR_FORBIDDEN);
        assert_string_equal(answer.reason, "call.tenant");
        asked[i]->tenant = people[i].tenant;
        asked[i]->principal[asked[i]->envelope.principal.len - 1 - i % 64] ^= 1;
        assert_int_equal(ask(asked[i], &answer), ERR_UNAUTHENTICATED);
        request_free(asked[i]);
    }
}

static void
an_expired_principal_stays_so_when_business_time_goes_back(void **state)
{
    struct person clerk = a_person(town, ROLE_VILLAGE_CLERK);
    Bus__Answer answer;

    (void) state;
    clerk.valid_us = -1;
    move_clock(-YEAR_US);
    assert_int_equal(ask_once(add_request(&clerk, new_id(), 5, "k1"), &answer),
                     ERR_UNAUTHENTICATED);
    assert_string_equal(answer.reason, "principal.expired");
}

static void
a_table_that_does_not_fit_its_contract_stops_the_start(void **state)
{
    const struct runtime_conf conf = conf_of("claims");
    struct svc wrong = toy;
    struct runtime *none = NULL;
    struct err err;

    (void) state;
    assert_true(svc_is_complete(&toy));
    wrong.method_count = 1; /* an rpc without a row */
    assert_false(svc_is_complete(&wrong));
    assert_int_equal(runtime_create(&wrong, &conf, NULL, &none, &err), ERR_INTERNAL);
    assert_string_equal(err.reason, "svc.incomplete");
    assert_null(none);
    const struct svc_method swapped[] = { toy_methods[1], toy_methods[0] };
    wrong = toy;
    wrong.methods = swapped;
    assert_false(svc_is_complete(&wrong));
}

static void
free_text(char **text)
{
    free(*text);
}

static void
metrics_tell_what_happened(void **state)
{
    Bus__Answer answer;

    (void) state;
    struct request_of *request = sum_request(NULL, 0);
    request->envelope.method = (char *) "Evil\"} 1\nx";
    assert_int_equal(ask_once(request, &answer), ERR_NOT_FOUND);
    char *text = metrics_print(rt->metrics, &toy);
    assert_non_null(strstr(text, "huzhu_requests_total{rpc=\"WriteUpload\",code=\"OK\"} "));
    assert_non_null(strstr(text, "huzhu_requests_total{rpc=\"unknown\",code=\"NOT_FOUND\"} "));
    assert_non_null(strstr(text, "huzhu_request_seconds_bucket{rpc=\"ReadUpload\",le=\"+Inf\"} "));
    assert_non_null(strstr(text, "huzhu_replays_total "));
    assert_null(strstr(text, "Evil"));
    free(text);
}

/* The value of a series; a series that is not there is a failure. */
static double
metric(const char *series)
{
    CLEANUP(free_text) char *text = metrics_print(rt->metrics, &toy);
    const char *at = text;

    while ((at = strstr(at, series)) &&
           (at[strlen(series)] != ' ' || (at != text && at[-1] != '\n')))
        at++;
    if (!at)
        fail_msg("no series %s in\n%s", series, text);
    return strtod(at + strlen(series), NULL);
}

/* Goal: the figures are right, not merely there.
 * Method: a load whose outcomes are known, and each series' growth. */
static void
metrics_agree_with_a_counted_load(void **state)
{
    static const struct {
        const char *series;
        double growth;
    } rows[] = {
        { "huzhu_requests_total{rpc=\"WriteUpload\",code=\"OK\"}", 7 + 4 },
        { "huzhu_requests_total{rpc=\"WriteUpload\",code=\"CONFLICT\"}", 3 },
        { "huzhu_requests_total{rpc=\"WriteUpload\",code=\"REFUSED\"}", 2 },
        { "huzhu_requests_total{rpc=\"ReadUpload\",code=\"OK\"}", 5 },
        { "huzhu_requests_total{rpc=\"ReadUpload\",code=\"UNAUTHENTICATED\"}", 1 },
        { "huzhu_request_seconds_count{rpc=\"WriteUpload\"}", 16 },
        { "huzhu_request_seconds_bucket{rpc=\"WriteUpload\",le=\"+Inf\"}", 16 },
        { "huzhu_request_seconds_count{rpc=\"ReadUpload\"}", 6 },
        { "huzhu_queue_seconds_count", 22 },
        { "huzhu_replays_total", 4 },
        { "huzhu_busy_threads", 0 },
    };
    const struct person clerk = a_person(town, ROLE_VILLAGE_CLERK);
    const struct id first = new_id();
    double before[COUNT(rows)], waited;
    Bus__Answer answer;
    char key[16];

    (void) state;
    (void) ask_once(sum_request(NULL, 0), &answer); /* a code has its series when it was met */
    refuse_with = "toy.full";
    (void) ask_once(add_request(&clerk, new_id(), 1, "full"), &answer);
    refuse_with = NULL;
    (void) ask_once(add_request(&clerk, first, 1, "key-0"), &answer);
    (void) ask_once(add_request(&clerk, new_id(), 1, "key-0"), &answer);
    for (size_t i = 0; i < COUNT(rows); i++)
        before[i] = metric(rows[i].series);
    waited = metric("huzhu_queue_seconds_sum");

    for (int i = 1; i <= 7; i++) {
        (void) snprintf(key, sizeof key, "key-%d", i);
        assert_int_equal(ask_once(add_request(&clerk, new_id(), 1, key), &answer), ERR_OK);
    }
    for (int i = 0; i < 4; i++)
        assert_int_equal(ask_once(add_request(&clerk, first, 1, "key-0"), &answer), ERR_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask_once(add_request(&clerk, new_id(), 2, "key-0"), &answer),
                         ERR_CONFLICT);
    for (int i = 0; i < 2; i++) {
        (void) snprintf(key, sizeof key, "full-%d", i);
        refuse_with = "toy.full";
        assert_int_equal(ask_once(add_request(&clerk, new_id(), 1, key), &answer), ERR_REFUSED);
        refuse_with = NULL;
    }
    for (int i = 0; i < 5; i++)
        assert_int_equal(ask_once(sum_request(&clerk, 0), &answer), ERR_OK);
    struct request_of *late = sum_request(NULL, 0); /* two seconds in a queue */
    const int64_t then_ms = clock_now().us / 1000 - 2000;
    for (int i = 0; i < 6; i++)
        late->request_id.bytes[i] = (uint8_t) (then_ms >> (40 - 8 * i));
    assert_int_equal(ask_once(late, &answer), ERR_UNAUTHENTICATED);

    for (size_t i = 0; i < COUNT(rows); i++)
        if (metric(rows[i].series) - before[i] != rows[i].growth)
            fail_msg("%s grew by %g instead of %g", rows[i].series,
                     metric(rows[i].series) - before[i], rows[i].growth);
    waited = metric("huzhu_queue_seconds_sum") - waited;
    if (waited < 2.0 || waited > 10.0)
        fail_msg("the queue's seconds grew by %g", waited);
}

/* --- shared sealing, over two services with one ring --- */

static struct svc_thread *producer_thread;

static void
call_of(struct call *c, struct svc_thread *worker, struct id tenant)
{
    call_init(c, worker);
    c->tenant = tenant;
}

static ProtobufCBinaryData
seals(struct svc_thread *worker, struct id tenant, const char *plain)
{
    ProtobufCBinaryData sealed = { 0 };
    struct call c;

    call_of(&c, worker, tenant);
    assert_int_equal(call_seal_shared(&c, "event/ClaimFiled", plain, strlen(plain), &sealed),
                     ERR_OK);
    return sealed;
}

static err_t
unseals(struct svc_thread *worker, struct id tenant, const char *context,
        ProtobufCBinaryData sealed, const char *wanted)
{
    ProtobufCBinaryData plain = { 0 };
    struct call c;

    call_of(&c, worker, tenant);
    const err_t code = call_unseal_shared(&c, context, sealed.data, sealed.len, &plain);
    if (code == ERR_OK &&
        (plain.len != strlen(wanted) || memcmp(plain.data, wanted, plain.len) != 0))
        fail_msg("something else came out");
    return code;
}

static void
two_services_of_a_tenant_read_each_others_sealed_fields(void **state)
{
    static const char secret[] = "11010519491231002X";

    (void) state;
    arena_reset(thread->arena);
    arena_reset(producer_thread->arena);
    const ProtobufCBinaryData sealed = seals(producer_thread, town, secret),
                              again = seals(producer_thread, town, secret),
                              back = seals(thread, town, secret);
    assert_null(memmem(sealed.data, sealed.len, secret, 6));
    assert_true(sealed.len == again.len && memcmp(sealed.data, again.data, sealed.len) != 0);
    assert_int_equal(unseals(thread, town, "event/ClaimFiled", sealed, secret), ERR_OK);
    assert_int_equal(unseals(producer_thread, town, "event/ClaimFiled", back, secret), ERR_OK);
    assert_int_equal(unseals(thread, town, "event/ClaimFiled", seals(thread, town, ""), ""),
                     ERR_OK);
    /* no key is kept in a table for that */
    assert_int_equal(cluster_sql(cluster, "SELECT 1 FROM coding.data_key"), 0);

    assert_int_equal(unseals(thread, other_town, "event/ClaimFiled", sealed, secret), ERR_INTERNAL);
    assert_int_equal(unseals(thread, (struct id){ { 0 } }, "event/ClaimFiled", sealed, secret),
                     ERR_INTERNAL);
    assert_int_equal(unseals(thread, town, "event/ClaimClosed", sealed, secret), ERR_INTERNAL);
    for (size_t i = 0; i < sealed.len; i++) { /* every byte matters */
        sealed.data[i] ^= 1;
        assert_int_equal(unseals(thread, town, "event/ClaimFiled", sealed, secret), ERR_INTERNAL);
        sealed.data[i] ^= 1;
    }
    for (size_t size = 0; size < sealed.len; size++)
        assert_int_equal(unseals(thread, town, "event/ClaimFiled",
                                 (ProtobufCBinaryData){ size, sealed.data }, secret),
                         ERR_INTERNAL);
    assert_int_equal(unseals(thread, town, "event/ClaimFiled", sealed, secret), ERR_OK);
}

/* A rotation restarts one service after the other: for a while one seals under a master key that
 * the other has not seen. */
static void
sealed_fields_outlive_a_rotation_of_the_master_key(void **state)
{
    (void) state;
    arena_reset(thread->arena);
    arena_reset(producer_thread->arena);
    const ProtobufCBinaryData old = seals(producer_thread, town, "old");
    struct key_ring *rotated = NULL, *before = rt->ring;
    struct err err;

    assert_int_equal(key_ring_generate(keys_ring(keys), &err), ERR_OK);
    assert_int_equal(key_ring_load(keys_ring(keys), &rotated, &err), ERR_OK);
    rt->ring = rotated; /* as if restarted; the producer was not */
    const ProtobufCBinaryData new = seals(thread, town, "new");
    assert_memory_not_equal(old.data + 1, new.data + 1, RING_KEY_ID_BYTES);
    assert_int_equal(unseals(thread, town, "event/ClaimFiled", old, "old"), ERR_OK);
    assert_int_equal(unseals(producer_thread, town, "event/ClaimFiled", old, "old"), ERR_OK);
    assert_int_equal(unseals(producer_thread, town, "event/ClaimFiled", new, "new"), ERR_OK);
    key_ring_destroy(before);
}

static void
without_a_ring_nothing_is_shared(void **state)
{
    struct key_ring *ring = rt->ring;
    ProtobufCBinaryData out;
    struct call c;

    (void) state;
    call_of(&c, thread, town);
    rt->ring = NULL;
    assert_int_equal(call_seal_shared(&c, "event/X", "x", 1, &out), ERR_INTERNAL);
    assert_string_equal(c.err.reason, "keys.none");
    assert_int_equal(call_unseal_shared(&c, "event/X", "x", 1, &out), ERR_INTERNAL);
    rt->ring = ring;
}

/* --- feeds: coding produces, claims consumes --- */

static struct runtime *producer_rt;

static int
open_producer(void **state)
{
    producer = toy;
    producer.name = "coding";
    producer.consumer_count = 0;
    if (!producer_rt && !start(&producer, &producer_rt, &producer_thread))
        return -1;
    cluster_sql(cluster, "TRUNCATE coding.toy, coding.event, coding.reply");
    return clean(state);
}

static int
close_producer(void **state)
{
    svc_thread_destroy(producer_thread);
    runtime_destroy(producer_rt);
    producer_thread = NULL;
    producer_rt = NULL;
    return clean(state);
}

static err_t
read_in_process(void *arg, const char *name, const Bus__ReadEventsRequest *request,
                struct arena *arena, const Bus__ReadEventsReply **reply, struct err *err)
{
    Bus__Answer answer;
    struct request_of *r = request_of(keys, NULL, "Common.ReadEvents", &request->base, "");

    assert_string_equal(name, "coding");
    svc_thread_answer(producer_thread, arg ? arg : "claims", &r->envelope, &answer);
    request_free(r);
    if (bus_answer_error(&answer, err) != ERR_OK)
        return err->code;
    ProtobufCAllocator allocator = arena_protobuf_allocator(arena);
    *reply = bus__read_events_reply__unpack(&allocator, answer.body.len, answer.body.data);
    return *reply ? ERR_OK : err_set(err, ERR_INTERNAL, "test", "unreadable");
}

static void
produce(struct id tenant, int64_t n)
{
    const struct person clerk = a_person(tenant, ROLE_VILLAGE_CLERK);
    struct request_of *request = add_request(&clerk, new_id(), n, "k");
    Bus__Answer answer;

    svc_thread_answer(producer_thread, "gateway", &request->envelope, &answer);
    assert_int_equal(answer.code, 0);
    request_free(request);
}

static err_t
pull(int *applied)
{
    const struct feed_source source = { read_in_process, NULL };
    struct err err;

    return feed_pull(thread, "coding", &source, applied, &err);
}

static void
events_are_applied_exactly_once_in_their_tenant(void **state)
{
    int applied;

    (void) state;
    for (int i = 0; i < 120; i++)
        produce(i % 60 < 55 ? town : other_town, 1);
    assert_int_equal(pull(&applied), ERR_OK);
    assert_int_equal(applied, 120);
    assert_int_equal(sum_of(town), 110);
    assert_int_equal(sum_of(other_town), 10);
    assert_int_equal(pull(&applied), ERR_OK);
    assert_int_equal(applied, 0);
    assert_int_equal(sum_of(town), 110);
    /* the cursor stands behind the producer's own CommandDone events too */
    assert_int_equal(cluster_sql(cluster,
                                 "SELECT 1 FROM claims.feed f, (SELECT tx, seq FROM coding.event"
                                 " ORDER BY tx DESC, seq DESC LIMIT 1) e"
                                 " WHERE (f.tx, f.seq) = (e.tx, e.seq)"),
                     1);
}

static void
a_consumer_sees_business_time(void **state)
{
    int applied;

    (void) state;
    produce(town, 1);
    move_clock(YEAR_US);
    assert_int_equal(pull(&applied), ERR_OK);
    (void) unlink(clock_path);
    assert_int_equal(seen, 1);
    assert_true(call_covers(&seen_call, new_id()));
    assert_int_equal(seen_now.us - seen_wall.us, YEAR_US);
    assert_true(off_by(seen_wall) < 10 * US_PER_SECOND);
}

static void
a_refused_event_is_parked_and_the_stream_goes_on(void **state)
{
    int applied;

    (void) state;
    produce(town, 1);
    produce(town, 13);
    produce(town, 2);
    races_left = 1;
    log_open("runtime_test", (enum log_level)(LOG_ERROR + 1));
    assert_int_equal(pull(&applied), ERR_OK);
    log_open("runtime_test", LOG_ERROR);
    assert_int_equal(sum_of(town), 3);
    assert_string_equal(cluster_ask(cluster, "SELECT producer || ' ' || code || ' ' || reason FROM"
                                             " claims.parked"),
                        "coding REFUSED toy.unlucky");
    assert_int_equal(rows_in("parked"), 1);
    assert_int_equal(pull(&applied), ERR_OK);
    assert_int_equal(applied, 0);
}

static void
an_event_that_is_raced_too_often_waits_for_the_next_pull(void **state)
{
    int applied;

    (void) state;
    produce(town, 1);
    races_left = 3;
    assert_int_equal(pull(&applied), ERR_RACED);
    assert_int_equal(rows_in("parked"), 0);
    assert_int_equal(sum_of(town), 0);
    assert_int_equal(pull(&applied), ERR_OK);
    assert_int_equal(sum_of(town), 1);
}

/* Also of a producer that cannot be asked: then it is at least the time since it last could. */
static void
the_lag_of_a_feed_is_the_age_of_what_waits(void **state)
{
    static const char lag[] = "huzhu_feed_lag_seconds{from=\"coding\"}";
    int applied;

    (void) state;
    assert_int_equal(pull(&applied), ERR_OK);
    assert_true(metric(lag) == 0);
    produce(town, 1);
    (void) usleep(300 * 1000);
    races_left = 3;
    assert_int_equal(pull(&applied), ERR_RACED);
    assert_true(metric(lag) >= 0.3);
    assert_int_equal(pull(&applied), ERR_OK);
    assert_true(metric(lag) == 0);
    metrics_feed_behind(rt->metrics, "coding", 0); /* as pull_all() does when nobody answers */
    (void) usleep(200 * 1000);
    metrics_feed_behind(rt->metrics, "coding", 0);
    assert_true(metric(lag) >= 0.2 && metric(lag) < 5);
    assert_int_equal(pull(&applied), ERR_OK);
    assert_true(metric(lag) == 0);
}

/* Goal: a consumer that dies anywhere has applied each event once when it is done.
 * Method: fail every crossing in turn without the runtime's own retries (a deadline of none). */
static void
a_feed_that_fails_anywhere_applies_each_event_once(void **state)
{
#ifndef HUZHU_FAULTS
    (void) state;
    skip();
#else
    int failures = 0;

    (void) state;
    for (int nth = 1;; nth++) {
        int applied;
        (void) open_producer(NULL);
        for (int i = 0; i < 5; i++)
            produce(i == 3 ? other_town : town, 1);
        fault_arm_nth(nth);
        const err_t code = pull(&applied);
        const bool fired = fault_fired();
        fault_arm_nth(0);
        if (code != ERR_OK && !err_is_retryable(code))
            fail_msg("crossing %d: %s", nth, err_name(code));
        for (int i = 0; i < 3; i++)
            assert_int_equal(pull(&applied), ERR_OK);
        assert_int_equal(sum_of(town), 4);
        assert_int_equal(sum_of(other_town), 1);
        assert_int_equal(rows_in("parked"), 0);
        if (!fired)
            break;
        failures++;
    }
    assert_true(failures > 10);
#endif
}

static void
replicas_share_a_feed(void **state)
{
    const struct runtime_conf conf = conf_of("claims");
    OWNED(runtime_destroy) struct runtime *twin_rt = NULL;
    OWNED(svc_thread_destroy) struct svc_thread *twin = NULL;
    PGconn *holder = cluster_connect(cluster, "postgres");
    const struct feed_source source = { read_in_process, NULL };
    struct err err;
    int applied;

    (void) state;
    assert_int_equal(runtime_create(&toy, &conf, NULL, &twin_rt, &err), ERR_OK);
    assert_int_equal(svc_thread_create(twin_rt, 1000, &twin, &err), ERR_OK);
    produce(town, 1);
    assert_int_equal(pull(&applied), ERR_OK);
    produce(town, 1);
    /* the one that finds the row locked lets go; nobody applies twice */
    PQclear(PQexec(holder, "BEGIN; SELECT 1 FROM claims.feed FOR UPDATE"));
    assert_int_equal(feed_pull(twin, "coding", &source, &applied, &err), ERR_OK);
    assert_int_equal(sum_of(town), 1);
    PQclear(PQexec(holder, "ROLLBACK"));
    PQfinish(holder);
    assert_int_equal(feed_pull(twin, "coding", &source, &applied, &err), ERR_OK);
    assert_int_equal(pull(&applied), ERR_OK);
    assert_int_equal(sum_of(town), 2);
}

static void
the_log_is_read_by_services_alone_and_only_what_is_settled(void **state)
{
    const struct feed_source as_gateway = { read_in_process, (void *) "gateway" };
    PGconn *slow = cluster_connect(cluster, "postgres");
    struct err err;
    int applied;

    (void) state;
    assert_int_equal(feed_pull(thread, "coding", &as_gateway, &applied, &err), ERR_UNAUTHENTICATED);

    /* a transaction that began earlier and is still running hides what came later */
    PQclear(PQexec(slow, "BEGIN; INSERT INTO coding.event (event_id, tenant_id, topic, body,"
                         " recorded_at, traceparent) VALUES (gen_random_uuid(),"
                         " gen_random_uuid(), 'x', '', now(), '')"));
    produce(town, 1);
    assert_int_equal(pull(&applied), ERR_OK);
    assert_int_equal(applied, 0);
    PQclear(PQexec(slow, "COMMIT"));
    PQfinish(slow);
    assert_int_equal(pull(&applied), ERR_OK);
    assert_int_equal(applied, 1);
}

static void
every_table_is_guarded(void **state)
{
    (void) state;
    assert_int_equal(cluster_broken_invariants(cluster), 0);
    /* and the invariant can fail */
    cluster_sql(cluster, "CREATE TABLE claims.bare (tenant_id uuid)");
    assert_true(cluster_broken_invariants(cluster) > 0);
    cluster_sql(cluster, "DROP TABLE claims.bare; CREATE TABLE claims.bare (x int)");
    assert_true(cluster_broken_invariants(cluster) > 0);
    cluster_sql(cluster, "DROP TABLE claims.bare");
}

int
main(void)
{
#define CLEAN(test) cmocka_unit_test_setup(test, clean)
#define FED(test) cmocka_unit_test_setup_teardown(test, open_producer, close_producer)
    const struct CMUnitTest tests[] = {
        CLEAN(a_write_leaves_state_events_and_a_stored_reply),
        CLEAN(whoever_has_not_signed_in_sees_the_tenant_of_the_address),
        CLEAN(a_read_may_answer_with_a_file_of_eight_mebibytes),
        CLEAN(a_repeat_is_answered_from_the_stored_reply),
        CLEAN(the_same_key_with_another_body_is_a_conflict),
        CLEAN(a_write_needs_a_sound_key),
        CLEAN(what_is_raced_runs_again_and_then_gives_up),
        CLEAN(a_refusal_leaves_no_state_and_is_told),
        CLEAN(roles_open_what_their_row_says),
        CLEAN(principals_that_prove_nothing_are_refused),
        CLEAN(principals_that_are_kept_are_not_mixed_up),
        CLEAN(a_flood_of_refusals_is_no_flood_of_writes),
        CLEAN(an_account_of_the_platform_acts_in_any_tenant),
        CLEAN(bad_envelopes_and_bodies_are_invalid),
        CLEAN(a_defect_is_told_to_nobody_but_the_log),
        CLEAN(a_look_at_labelled_data_is_recorded_before_it_leaves),
        CLEAN(a_write_that_fails_anywhere_leaves_no_trace_and_repeats),
        CLEAN(requests_wait_for_a_database_that_restarts),
        CLEAN(without_a_database_a_request_ends_by_its_deadline),
        CLEAN(ping_is_answered_for_every_service),
        CLEAN(a_duty_runs_in_one_replica_at_a_time),
        CLEAN(old_replies_are_thrown_away_over_all_tenants),
        CLEAN(secrets_are_sealed_with_the_tenants_own_key),
        cmocka_unit_test_setup_teardown(a_jump_of_business_time_moves_now_alone, clean, rest_clock),
        cmocka_unit_test_setup_teardown(an_expired_principal_stays_so_when_business_time_goes_back,
                                        clean, rest_clock),
        CLEAN(a_scope_covers_what_was_granted),
        CLEAN(a_table_that_does_not_fit_its_contract_stops_the_start),
        CLEAN(metrics_tell_what_happened),
        CLEAN(metrics_agree_with_a_counted_load),
        FED(two_services_of_a_tenant_read_each_others_sealed_fields),
        FED(sealed_fields_outlive_a_rotation_of_the_master_key),
        CLEAN(without_a_ring_nothing_is_shared),
        FED(events_are_applied_exactly_once_in_their_tenant),
        FED(a_consumer_sees_business_time),
        FED(a_refused_event_is_parked_and_the_stream_goes_on),
        FED(an_event_that_is_raced_too_often_waits_for_the_next_pull),
        FED(the_lag_of_a_feed_is_the_age_of_what_waits),
        FED(a_feed_that_fails_anywhere_applies_each_event_once),
        FED(replicas_share_a_feed),
        FED(the_log_is_read_by_services_alone_and_only_what_is_settled),
        CLEAN(every_table_is_guarded),
    };
    return cmocka_run_group_tests_name("runtime", tests, open_world, close_world);
}
