/* Goal: what the gateway has accepted is answered while services and the broker come and go.
 * Method: the gateway over real TLS, a broker and workers as processes of their own, clients in
 * threads; the worker is restarted and killed, the broker too; every request is counted.
 *
 * The same program is the worker: "gateway_bus_test worker NAME BROKERS". */
#include "test.h"

#include <pthread.h>
#include <sys/prctl.h>

#include "bus_world.h"
#include "gateway_harness.h"
#include "gateway_sample.pb-c.h"
#include "identity.pb-c.h"
#include "loop.h"
#include "route_row.h"

#define H "Host: localhost\r\n"

/* --- the worker --- */

static volatile sig_atomic_t told_to_stop;

static void
on_term(int signal_number)
{
    (void) signal_number;
    told_to_stop = 1;
}

static void
reply(struct bus_worker *worker, struct bus_job *job, const ProtobufCMessage *message)
{
    static uint8_t packed[4096];
    Bus__Answer answer = BUS__ANSWER__INIT;
    struct err err;

    if (message) {
        answer.body.len = protobuf_c_message_pack(message, packed);
        answer.body.data = packed;
    } else {
        answer.code = BUS__CODE__NAME__UNAUTHENTICATED;
        answer.reason = (char *) (uintptr_t) "session.none";
    }
    if (bus_worker_answer(worker, job, &answer, &err) != ERR_OK)
        (void) fprintf(stderr, "worker: %s\n", err.text);
}

static void
resume(struct bus_worker *worker, struct bus_job *job)
{
    Identity__ResumeSessionReply out = IDENTITY__RESUME_SESSION_REPLY__INIT;
    Bus__Principal principal = BUS__PRINCIPAL__INIT;
    Bus__SignedPrincipal proof = BUS__SIGNED_PRINCIPAL__INIT;
    uint8_t bytes[256], proof_bytes[512], account[16] = { 7 };
    Huzhu__Instant expires = HUZHU__INSTANT__INIT;
    const ProtobufCBinaryData body = job->envelope->body;
    Identity__ResumeSessionRequest *in =
        identity__resume_session_request__unpack(NULL, body.len, body.data);

    expires.us = clock_now().us + 3600 * US_PER_SECOND;
    principal.account_id = (ProtobufCBinaryData){ 16, account };
    principal.expires_us = clock_now().us + 60 * US_PER_SECOND;
    proof.principal = (ProtobufCBinaryData){ bus__principal__pack(&principal, bytes), bytes };
    out.principal =
        (ProtobufCBinaryData){ bus__signed_principal__pack(&proof, proof_bytes), proof_bytes };
    out.csrf_token = (char *) (uintptr_t) "c1";
    out.expires = &expires;
    reply(worker, job, in && strcmp(in->token, "t1") == 0 ? &out.base : NULL);
    if (in)
        identity__resume_session_request__free_unpacked(in, NULL);
}

/* 8 MiB, more than four frames of the bus. */
static void
reply_with_a_file(struct bus_worker *worker, struct bus_job *job)
{
    Sample__FileReply out = SAMPLE__FILE_REPLY__INIT;
    Bus__Answer answer = BUS__ANSWER__INIT;
    struct err err;
    const size_t size = 8 << 20;
    uint8_t *bytes = malloc(size), *packed = malloc(size + 4096);

    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t) (i * 31 + i / 251);
    out.content_type = (char *) (uintptr_t) "application/zip";
    out.file_name = (char *) (uintptr_t) "镇.zip";
    out.body = (ProtobufCBinaryData){ size, bytes };
    out.etag = (char *) (uintptr_t) "e9";
    answer.body = (ProtobufCBinaryData){ sample__file_reply__pack(&out, packed), packed };
    if (bus_worker_answer_whole(worker, job, &answer, &err) != ERR_OK)
        (void) fprintf(stderr, "worker: %s\n", err.text);
    free(bytes);
    free(packed);
}

static void
resolve(struct bus_worker *worker, struct bus_job *job)
{
    Identity__ResolveTenantReply out = IDENTITY__RESOLVE_TENANT_REPLY__INIT;
    Huzhu__Id id = HUZHU__ID__INIT;
    uint8_t tenant[16] = { 9 };

    id.value = (ProtobufCBinaryData){ sizeof tenant, tenant };
    out.tenant_id = &id;
    out.state = IDENTITY__TENANT__STATE__ACTIVE;
    reply(worker, job, &out.base);
}

static void
serve_one(struct bus_worker *worker, struct bus_job *job)
{
    Sample__EchoReply echo = SAMPLE__ECHO_REPLY__INIT;
    Identity__SignInReply sign_in = IDENTITY__SIGN_IN_REPLY__INIT;
    Bus__PingReply ping = BUS__PING_REPLY__INIT;

    if (strcmp(job->envelope->method, "Common.Ping") == 0) {
        reply(worker, job, &ping.base);
    } else if (strcmp(job->envelope->method, "SignIn") == 0) {
        sign_in.session_token = (char *) (uintptr_t) "t1";
        sign_in.csrf_token = (char *) (uintptr_t) "c1";
        reply(worker, job, &sign_in.base);
    } else if (strcmp(job->envelope->method, "ResumeSession") == 0) {
        resume(worker, job);
    } else if (strcmp(job->envelope->method, "ResolveTenant") == 0) {
        resolve(worker, job);
    } else if (strcmp(job->envelope->method, "File") == 0) {
        /* Nobody's page, and yet of a tenant. */
        if (job->envelope->tenant_id.len == 16 && job->envelope->tenant_id.data[0] == 9 &&
            job->envelope->principal.len == 0)
            reply_with_a_file(worker, job);
        else
            reply(worker, job, NULL);
    } else {
        (void) usleep(1000);
        echo.seen = job->envelope->idempotency_key;
        reply(worker, job, &echo.base);
    }
}

static int
be_a_worker(char **argv)
{
    const struct bus_conf conf = {
        .brokers = argv[3], .name = argv[2], .key_file = "", .broker_key = ""
    };
    OWNED(bus_worker_destroy) struct bus_worker *worker = NULL;
    struct bus_job job;
    struct err err;

    (void) signal(SIGTERM, on_term);
    if (bus_worker_create(&conf, 16, &worker, &err) != ERR_OK)
        return EXIT_FAILURE;
    while (!told_to_stop)
        if (bus_worker_recv(worker, 50, &job))
            serve_one(worker, &job);
    bus_worker_drain(worker);
    while (bus_worker_recv(worker, 100, &job))
        serve_one(worker, &job);
    return EXIT_SUCCESS;
}

/* --- the world --- */

static struct world w;
static struct house house;
static char endpoint[128], broker_setting[160];
static pid_t broker, identity, claims;

static struct route routes[] = {
    ROUTE_ROW(POST, "/api/v1/echo", "claims", "Echo", sample__sample___descriptor, 200, 0),
    ROUTE_ROW(GET, "/p/{tenantCode}/files/{what}", "claims", "File", sample__sample___descriptor,
              200, ROUTE_FILE | ROUTE_PUBLIC),
    ROUTE_ROW(POST, "/api/v1/sessions", "identity", "SignIn", identity__identity__descriptor, 201,
              ROUTE_ANONYMOUS | ROUTE_SIGN_IN),
};

static pid_t
a_worker(const char *name)
{
    const char *argv[] = { "/proc/self/exe", "worker", name, endpoint, NULL };

    return world_spawn(&w, argv, NULL, "worker.log");
}

static int
begin(void **state)
{
    const struct gateway_parts parts = { .routes = routes, .route_count = COUNT(routes) };
    const char *settings[] = { broker_setting, "LOOPS=2", "DEADLINE=8s", NULL };
    char key[BUS_KEY_TEXT_BYTES];

    (void) state;
    world_init(&w);
    world_keys(&w, "broker.key", key);
    world_write(&w, "permissions",
                "peer self gateway\npeer self claims\npeer self identity\n"
                "call gateway claims\ncall gateway identity\ncall * * Common.Ping\n");
    (void) snprintf(endpoint, sizeof endpoint, "ipc://%s/bus.sock", w.dir);
    (void) snprintf(broker_setting, sizeof broker_setting, "BROKERS=%s", endpoint);
    broker = world_broker(&w, endpoint, "0", "1000");
    identity = a_worker("identity");
    claims = a_worker("claims");
    house_open(&house, NULL, &parts, settings);
    return 0;
}

static int
finish(void **state)
{
    (void) state;
    house_close(&house);
    world_end(&claims, SIGTERM);
    world_end(&identity, SIGTERM);
    world_end(&broker, SIGTERM);
    world_done(&w);
    return 0;
}

static void
signing_in_and_calling_through_the_broker(void **state)
{
    struct answer answer;

    (void) state;
    assert_int_equal(ask(&house,
                         "POST /api/v1/sessions HTTP/1.1\r\n" H
                         "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
                         &answer),
                     201);
    assert_non_null(strstr(answer.head, "__Host-huzhu=t1;"));
    answer_free(&answer);
    assert_int_equal(ask(&house,
                         "POST /api/v1/echo HTTP/1.1\r\n" H "Cookie: __Host-huzhu=t1\r\n"
                         "X-CSRF-Token: c1\r\nIdempotency-Key: k-7\r\n\r\n",
                         &answer),
                     200);
    assert_string_equal(answer.body, "{\"seen\":\"k-7\"}");
    answer_free(&answer);
    assert_int_equal(
        ask(&house, "POST /api/v1/echo HTTP/1.1\r\n" H "Authorization: Bearer t2\r\n\r\n", NULL),
        401);
}

static void
a_public_file_of_eight_mebibytes_comes_through_the_broker(void **state)
{
    struct answer answer;

    (void) state;
    for (int round = 0; round < 3; round++) {
        assert_int_equal(ask(&house,
                             "GET /p/town/files/register HTTP/1.1\r\n" H
                             "Cookie: __Host-huzhu=t1\r\n\r\n",
                             &answer),
                         200);
        assert_string_equal(answer_header(&answer, "ETag"), "\"e9\"");
        assert_int_equal(answer.body_size, 8 << 20);
        for (size_t i = 0; i < answer.body_size; i++)
            if ((uint8_t) answer.body[i] != (uint8_t) (i * 31 + i / 251))
                fail_msg("byte %zu", i);
        answer_free(&answer);
    }
}

/* --- load --- */

enum { CLIENTS = 6 };
static int stop_load;
static struct tally {
    uint64_t asked, done, refused, lost;
    int64_t longest_us;
} tallies[CLIENTS];

static void *
load_main(void *arg)
{
    struct tally *tally = arg;
    struct client client;
    struct answer answer;
    char request[256], want[64];

    client_open(&client, house.port);
    for (int i = 0; !__atomic_load_n(&stop_load, __ATOMIC_ACQUIRE); i++) {
        const int64_t from_us = clock_monotonic_us();
        (void) snprintf(request, sizeof request,
                        "POST /api/v1/echo HTTP/1.1\r\n" H
                        "Authorization: Bearer t1\r\nIdempotency-Key: %d-%d\r\n\r\n",
                        (int) (tally - tallies), i);
        (void) snprintf(want, sizeof want, "{\"seen\":\"%d-%d\"}", (int) (tally - tallies), i);
        tally->asked++;
        client_puts(&client, request);
        if (!client_read(&client, &answer)) {
            tally->lost++;
            break;
        }
        const int64_t took_us = clock_monotonic_us() - from_us;
        tally->longest_us = took_us > tally->longest_us ? took_us : tally->longest_us;
        if (answer.status == 200 && strcmp(answer.body, want) == 0)
            tally->done++;
        else
            tally->refused++;
        answer_free(&answer);
    }
    client_close(&client);
    return NULL;
}

static void
under_load(const char *what, void (*trouble)(void), struct tally *sum)
{
    pthread_t threads[CLIENTS];

    memset(tallies, 0, sizeof tallies);
    __atomic_store_n(&stop_load, 0, __ATOMIC_RELEASE);
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, load_main, &tallies[i]), 0);
    (void) usleep(300000);
    trouble();
    (void) usleep(300000);
    __atomic_store_n(&stop_load, 1, __ATOMIC_RELEASE);
    *sum = (struct tally){ 0 };
    for (int i = 0; i < CLIENTS; i++) {
        (void) pthread_join(threads[i], NULL);
        sum->asked += tallies[i].asked;
        sum->done += tallies[i].done;
        sum->refused += tallies[i].refused;
        sum->lost += tallies[i].lost;
        if (tallies[i].longest_us > sum->longest_us)
            sum->longest_us = tallies[i].longest_us;
    }
    print_message("%s: %llu asked, %llu answered, %llu refused, %llu lost, longest %lld ms\n", what,
                  (unsigned long long) sum->asked, (unsigned long long) sum->done,
                  (unsigned long long) sum->refused, (unsigned long long) sum->lost,
                  (long long) sum->longest_us / 1000);
    assert_int_equal(sum->lost, 0);
    assert_int_equal(sum->done + sum->refused, sum->asked);
    assert_true(sum->done > 20);
    assert_true(sum->longest_us < 10 * US_PER_SECOND);
}

static void
restart_the_service(void)
{
    for (int i = 0; i < 3; i++) {
        world_end(&claims, SIGTERM);
        (void) usleep(200000); /* nobody serves for a moment */
        claims = a_worker("claims");
        (void) usleep(300000);
    }
}

static void
kill_the_service(void)
{
    world_end(&claims, SIGKILL);
    claims = a_worker("claims");
    (void) usleep(1500000);
}

static void
restart_the_broker(void)
{
    world_end(&broker, SIGTERM);
    (void) usleep(300000);
    broker = world_broker(&w, endpoint, "0", "1000");
    (void) usleep(2500000);
}

static void
a_restart_of_a_service_costs_no_request(void **state)
{
    struct tally sum;

    (void) state;
    under_load("service restarted thrice", restart_the_service, &sum);
    assert_int_equal(sum.refused, 0);
}

static void
a_killed_service_ends_every_request_in_time(void **state)
{
    struct tally sum;

    (void) state;
    under_load("service killed", kill_the_service, &sum);
}

static void
a_restart_of_the_only_broker_ends_every_request_in_time(void **state)
{
    struct tally sum;

    (void) state;
    under_load("broker restarted", restart_the_broker, &sum);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signing_in_and_calling_through_the_broker),
        cmocka_unit_test(a_public_file_of_eight_mebibytes_comes_through_the_broker),
        cmocka_unit_test(a_restart_of_a_service_costs_no_request),
        cmocka_unit_test(a_killed_service_ends_every_request_in_time),
        cmocka_unit_test(a_restart_of_the_only_broker_ends_every_request_in_time),
    };

    if (argc == 4 && strcmp(argv[1], "worker") == 0)
        return be_a_worker(argv);
    return cmocka_run_group_tests(tests, begin, finish);
}
