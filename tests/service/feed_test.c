/* feed_test.c - two services behind a real broker, one reading the other's log, killed -9 at its
 * worst moments.
 *
 * The same program is both: "feed_test coding" produces (WriteUpload tells UploadFinished),
 * "feed_test claims" consumes (each event is a row of toy, whose key would refuse a second one
 * loudly, and counts in heard, which would not). */
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "caller.h"
#include "cluster.h"
#include "process.h"
#include "two_rpcs.h"

/* --- the services --- */

static const struct stmt q_add = { "toy.add",
                                   "INSERT INTO toy (tenant_id, toy_id, n) VALUES ($1, $2, $3)",
                                   3 },
                         q_hear = { "toy.hear", "INSERT INTO heard (tenant_id, n) VALUES ($1, $2)",
                                    2 };
static const struct stmt *const statements[] = { &q_add, &q_hear, NULL };

static err_t
tell(struct call *c, const Claims__WriteUploadRequest *in, Claims__WriteUploadReply *out)
{
    Claims__UploadFinished event = CLAIMS__UPLOAD_FINISHED__INIT;
    struct id id;

    (void) out;
    TRY(id_from_wire(in->upload_id, "$.uploadId", &id, &c->err));
    TRY(db_exec(c, &q_add, P_ID(c->tenant), P_ID(id), P_INT(in->offset)));
    event.upload_id = id_to_wire(c, id);
    event.size = in->offset;
    return event_append(c, &event.base);
}

static err_t
nothing(struct call *c, const Claims__ReadUploadRequest *in, Claims__ReadUploadReply *out)
{
    (void) c, (void) in, (void) out;
    return ERR_OK;
}

static err_t
hear(struct call *c, const Claims__UploadFinished *in)
{
    struct id id;

    TRY(id_from_wire(in->upload_id, "upload_id", &id, &c->err));
    TRY(db_exec(c, &q_hear, P_ID(c->tenant), P_INT(in->size)));
    return db_exec(c, &q_add, P_ID(c->tenant), P_ID(id), P_INT(in->size));
}

SVC_THUNK(tell, Claims__WriteUploadRequest, Claims__WriteUploadReply)
SVC_THUNK(nothing, Claims__ReadUploadRequest, Claims__ReadUploadReply)
SVC_EVENT_THUNK(hear, Claims__UploadFinished)

static const struct svc_method methods[] = {
    { "WriteUpload", tell_thunk, ROLE_MEMBER, SVC_WRITE },
    { "ReadUpload", nothing_thunk, ROLE_MEMBER, SVC_READ },
};
static const struct svc_consumer consumers[] = {
    { "coding", &claims__upload_finished__descriptor, hear_thunk },
};
static const struct migration migrations[] = {
    { "0001_toy", "CREATE TABLE toy (tenant_id uuid NOT NULL, toy_id uuid PRIMARY KEY, n bigint);"
                  "CREATE TABLE heard (tenant_id uuid NOT NULL, n bigint);"
                  "SELECT guard_tenant('toy'), guard_tenant('heard');" },
};

static struct svc
toy_of(const char *name, bool consumes)
{
    return (struct svc){ .name = name,
                         .descriptor = &two_rpcs,
                         .methods = methods,
                         .method_count = COUNT(methods),
                         .consumers = consumers,
                         .consumer_count = consumes ? COUNT(consumers) : 0,
                         .statements = statements,
                         .migrations = migrations,
                         .migration_count = COUNT(migrations) };
}

/* --- the world --- */

static struct cluster *cluster;
static struct keys *keys;
static char endpoint[160];
static pid_t broker, producer, replicas[2];
static const struct id town = { { 1 } }, other_town = { { 2 } };

static pid_t
start(const char *service)
{
    char log[128];
    const pid_t pid = fork();

    if (pid != 0)
        return pid;
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void) snprintf(log, sizeof log, "%s/%s", keys_folder(keys), service);
    if (!freopen(log, "a", stderr))
        _exit(126);
    execl("/proc/self/exe", "feed_test", service, NULL);
    _exit(127);
}

static int
open_world(void **state)
{
    struct svc coding = toy_of("coding", false), claims = toy_of("claims", true);
    char path[128];

    (void) state;
    cluster = cluster_start();
    keys = keys_make();
    if (!cluster || !keys || !cluster_migrate(cluster, &coding) ||
        !cluster_migrate(cluster, &claims))
        return -1;
    (void) snprintf(path, sizeof path, "%s/bus", keys_folder(keys));
    (void) snprintf(endpoint, sizeof endpoint, "ipc://%s", path);
    (void) snprintf(path, sizeof path, "%s/permissions", keys_folder(keys));
    FILE *out = fopen(path, "w");
    if (!out ||
        fputs("peer self gateway\npeer self claims\npeer self coding\n"
              "call gateway coding\ncall claims coding Common.ReadEvents\n",
              out) < 0 ||
        fclose(out) != 0)
        return -1;
    setting("HUZHU_BROKER_ENDPOINTS", endpoint);
    setting("HUZHU_BROKER_PERMISSIONS", path);
    setting("HUZHU_BROKERS", endpoint);
    setting("HUZHU_PRINCIPAL_KEYS", keys_principals(keys));
    setting("HUZHU_FEED_EVERY", "20ms");
    setting("HUZHU_CODING_DATABASE_URL", cluster_url(cluster, "huzhu_coding"));
    setting("HUZHU_CODING_FEED_URL", cluster_url(cluster, "huzhu_coding_feed"));
    setting("HUZHU_CLAIMS_DATABASE_URL", cluster_url(cluster, "huzhu_claims"));
    broker = program_start(keys_folder(keys), "huzhu-broker", NULL);
    producer = start("coding");
    return 0;
}

static int
close_world(void **state)
{
    (void) state;
    (void) program_end(producer, SIGTERM);
    for (size_t i = 0; i < COUNT(replicas); i++)
        (void) program_end(replicas[i], SIGTERM);
    (void) program_end(broker, SIGKILL);
    keys_remove(keys);
    cluster_stop(cluster);
    return 0;
}

/* --- verbs --- */

static struct bus_client *client;

static void
produce(int count)
{
    const struct bus_conf conf = { endpoint, "gateway", "", "" };
    Claims__WriteUploadRequest in = CLAIMS__WRITE_UPLOAD_REQUEST__INIT;
    Huzhu__Id wire = HUZHU__ID__INIT;
    struct err err;

    if (!client)
        assert_int_equal(bus_client_create(&conf, &client, &err), ERR_OK);
    for (int i = 0; i < count; i++) {
        const struct person member = a_person(i % 3 ? town : other_town, ROLE_MEMBER);
        struct id id = id_mint(clock_now());
        const Bus__Answer *answer;
        wire.value = (ProtobufCBinaryData){ 16, id.bytes };
        in.upload_id = &wire;
        in.offset = 1;
        struct request_of *request = request_of(keys, &member, "WriteUpload", &in.base, "k");
        if (bus_call(client, "coding", &request->envelope, &answer, &err) != ERR_OK)
            fail_msg("%s %s", err.reason, err.text);
        request_free(request);
    }
}

static int
produced(void)
{
    return cluster_sql(cluster, "SELECT FROM coding.toy");
}

/* Waits until all that was produced has been heard; then nothing may have been heard twice. */
static void
all_is_heard_once(void)
{
    const int wanted = produced();

    for (int i = 0; i < 1000 && cluster_sql(cluster, "SELECT FROM claims.toy") < wanted; i++)
        (void) usleep(10 * 1000);
    assert_int_equal(cluster_sql(cluster, "SELECT FROM claims.toy JOIN coding.toy USING (toy_id)"
                                          " WHERE claims.toy.tenant_id = coding.toy.tenant_id"),
                     wanted);
    assert_int_equal(cluster_sql(cluster, "SELECT FROM claims.heard"), wanted);
    assert_int_equal(cluster_sql(cluster, "SELECT FROM claims.parked"), 0);
}

/* --- tests --- */

static void
what_one_tells_the_other_hears(void **state)
{
    (void) state;
    produce(50); /* before anybody listens */
    replicas[0] = start("claims");
    all_is_heard_once();
    const int64_t started_us = clock_monotonic_us();
    produce(1);
    all_is_heard_once();
    print_message("heard after %lld ms\n", (long long) (clock_monotonic_us() - started_us) / 1000);
}

static void
two_replicas_hear_each_event_once(void **state)
{
    (void) state;
    replicas[1] = start("claims");
    for (int i = 0; i < 10; i++)
        produce(20);
    all_is_heard_once();
    assert_int_equal(program_end(replicas[1], SIGTERM), 0);
    replicas[1] = 0;
}

static void
a_consumer_killed_at_its_worst_moments_hears_each_event_once(void **state)
{
#ifndef HUZHU_FAULTS
    (void) state;
    skip();
#else
    static const char *const worst[] = { "db.begin", "db.run", "feed.move", "db.commit",
                                         "db.committed" };
    char once[128];

    (void) state;
    (void) snprintf(once, sizeof once, "%s/once", keys_folder(keys));
    for (size_t i = 0; i < COUNT(worst); i++) {
        (void) program_end(replicas[0], SIGTERM);
        produce(30);
        FILE *out = fopen(once, "w");
        assert_non_null(out);
        (void) fclose(out);
        setting("HUZHU_CRASH_AT", worst[i]);
        setting("HUZHU_CRASH_ONCE", once);
        replicas[0] = start("claims");
        no_setting("HUZHU_CRASH_AT");
        assert_int_equal(program_status(replicas[0]), 128 + SIGKILL);
        replicas[0] = start("claims");
        all_is_heard_once();
    }
#endif
}

static void
a_killed_producer_and_broker_lose_nothing(void **state)
{
    (void) state;
    produce(30);
    assert_int_equal(program_end(producer, SIGKILL), 128 + SIGKILL);
    producer = start("coding");
    produce(10);
    assert_int_equal(program_end(broker, SIGKILL), 128 + SIGKILL);
    broker = program_start(keys_folder(keys), "huzhu-broker", NULL);
    produce(10);
    all_is_heard_once();
    bus_client_destroy(client);
    client = NULL;
}

int
main(int argc, char **argv)
{
    if (argc == 2) {
        char *verb[] = { argv[0], (char *) "serve", NULL };
        const struct svc svc = toy_of(argv[1], strcmp(argv[1], "claims") == 0);
        return svc_main(&svc, 2, verb);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_one_tells_the_other_hears),
        cmocka_unit_test(two_replicas_hear_each_event_once),
        cmocka_unit_test(a_consumer_killed_at_its_worst_moments_hears_each_event_once),
        cmocka_unit_test(a_killed_producer_and_broker_lose_nothing),
    };
    return cmocka_run_group_tests_name("feed", tests, open_world, close_world);
}
