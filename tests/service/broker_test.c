/* broker_test.c - client, broker and workers over real sockets, each broker and most workers in
 * processes of their own.
 *
 * The same program is the worker: "broker_test worker NAME BROKERS KEYDIR CREDIT" answers
 *   Echo    the body
 *   Pid     its process number
 *   Sleep   after as many milliseconds as the body says, its process number
 *   Parts   as many parts as the body says, then "end"
 *   Die     by SIGKILL, unless the body's file is gone: then its process number
 * until SIGTERM, when it drains. */
#include "test.h"

#include "bus_world.h"

static const char self_path[] = "/proc/self/exe";

/* --- the worker --- */

static volatile sig_atomic_t told_to_stop;

static void
on_term(int signal_number)
{
    (void) signal_number;
    told_to_stop = 1;
}

static void
reply(struct bus_worker *worker, struct bus_job *job, const void *body, size_t size, bool more)
{
    Bus__Answer answer = BUS__ANSWER__INIT;
    struct err err;

    answer.body.data = (uint8_t *) (uintptr_t) body;
    answer.body.len = size;
    answer.more = more;
    if (bus_worker_answer(worker, job, &answer, &err) != ERR_OK)
        abort();
}

static void
serve_one(struct bus_worker *worker, struct bus_job *job)
{
    const char *method = job->envelope->method;
    char text[64] = "", pid[32];
    size_t size = job->envelope->body.len;

    (void) snprintf(pid, sizeof pid, "%d", (int) getpid());
    if (strcmp(method, "Echo") == 0) {
        reply(worker, job, job->envelope->body.data, size, false);
        return;
    }
    memcpy(text, job->envelope->body.data, size < sizeof text - 1 ? size : sizeof text - 1);
    if (strcmp(method, "Parts") == 0) {
        for (int i = 0; i < atoi(text); i++) {
            char part[16];
            (void) snprintf(part, sizeof part, "%d", i);
            reply(worker, job, part, strlen(part), true);
        }
        reply(worker, job, "end", 3, false);
        return;
    }
    if (strcmp(method, "Sleep") == 0)
        (void) usleep((useconds_t) atoi(text) * 1000);
    if (strcmp(method, "Die") == 0 && unlink(text) == 0)
        (void) kill(getpid(), SIGKILL);
    reply(worker, job, pid, strlen(pid), false);
}

static int
be_a_worker(char **argv)
{
    char key[WORLD_PATH_BYTES], broker_key[WORLD_PATH_BYTES];
    struct bus_conf conf = {
        .brokers = argv[3], .name = argv[2], .key_file = "", .broker_key = ""
    };
    OWNED(bus_worker_destroy) struct bus_worker *worker = NULL;
    struct bus_job job;
    struct err err;

    if (argv[4][0]) {
        (void) snprintf(key, sizeof key, "%s/%s.key", argv[4], argv[2]);
        (void) snprintf(broker_key, sizeof broker_key, "%s/broker.key.pub", argv[4]);
        conf.key_file = key;
        conf.broker_key = broker_key;
    }
    (void) signal(SIGTERM, on_term);
    if (bus_worker_create(&conf, (uint32_t) atoi(argv[5]), &worker, &err) != ERR_OK) {
        (void) fprintf(stderr, "worker: %s\n", err.text);
        return EXIT_FAILURE;
    }
    while (!told_to_stop) {
        if (bus_worker_recv(worker, 50, &job))
            serve_one(worker, &job);
    }
    bus_worker_drain(worker);
    while (bus_worker_recv(worker, 100, &job))
        serve_one(worker, &job);
    return EXIT_SUCCESS;
}

/* --- the world of the tests --- */

static struct world w;
static char plain[WORLD_PATH_BYTES], tcp[64], both[512];
static pid_t broker;

static void
write_permissions(const char *more)
{
    static const char *const names[] = { "gateway", "claims", "audit" };
    char text[4096] = "peer self gateway\npeer self claims\npeer self coding\npeer self audit\n"
                      "call gateway claims\ncall gateway coding Get* Echo\n"
                      "call * * Common.Ping\ncall broker audit RecordRefusal\n",
         key[BUS_KEY_TEXT_BYTES], file[64];

    for (size_t i = 0; i < COUNT(names); i++) {
        (void) snprintf(file, sizeof file, "%s.key", names[i]);
        world_keys(&w, file, key);
        (void) snprintf(text + strlen(text), sizeof text - strlen(text), "key %s %s\n", key,
                        names[i]);
    }
    (void) snprintf(text + strlen(text), sizeof text - strlen(text), "%s", more);
    world_write(&w, "permissions", text);
}

static pid_t
a_worker(const char *name, const char *brokers, const char *credit)
{
    const char *argv[] = {
        self_path, "worker", name, brokers, strncmp(brokers, "tcp", 3) == 0 ? w.dir : "",
        credit,    NULL
    };

    return world_spawn(&w, argv, NULL, "worker.log");
}

static struct bus_client *
a_client(const char *name, const char *brokers)
{
    char key[WORLD_PATH_BYTES], file[64], broker_key[WORLD_PATH_BYTES];
    const bool curve = strncmp(brokers, "tcp", 3) == 0;
    struct bus_client *client = NULL;
    struct err err;

    (void) snprintf(file, sizeof file, "%s.key", name);
    const struct bus_conf conf = { .brokers = brokers,
                                   .name = name,
                                   .key_file = curve ? world_path(&w, file, key) : "",
                                   .broker_key =
                                       curve ? world_path(&w, "broker.key.pub", broker_key) : "" };
    if (bus_client_create(&conf, &client, &err) != ERR_OK)
        fail_msg("%s", err.text);
    return client;
}

static err_t
call(struct bus_client *client, const char *service, const char *method, const char *body,
     int64_t deadline_ms, char out[static 64])
{
    const Bus__Envelope e = an_envelope(method, body, strlen(body), deadline_ms);
    const Bus__Answer *answer;
    struct err err = { 0 };
    const err_t code = bus_call(client, service, &e, &answer, &err);

    if (code == ERR_OK)
        (void) snprintf(out, 64, "%.*s", (int) answer->body.len, (const char *) answer->body.data);
    else
        (void) snprintf(out, 64, "%s", err.reason);
    return code;
}

static uint64_t
send_text(struct bus_client *client, const char *service, const char *method, const char *body,
          int64_t deadline_ms)
{
    const Bus__Envelope e = an_envelope(method, body, strlen(body), deadline_ms);
    uint64_t ticket = 0;
    struct err err;

    if (bus_client_send(client, service, &e, &ticket, &err) != ERR_OK)
        fail_msg("%s", err.text);
    return ticket;
}

static int
set_up(void **state)
{
    char key[BUS_KEY_TEXT_BYTES];

    (void) state;
    world_init(&w);
    world_keys(&w, "broker.key", key);
    write_permissions("");
    (void) snprintf(plain, sizeof plain, "ipc://%s/bus.sock", w.dir);
    (void) snprintf(tcp, sizeof tcp, "tcp://127.0.0.1:%u", world_free_port());
    (void) snprintf(both, sizeof both, "%s,%s", plain, tcp);
    broker = world_broker(&w, both, "0", "100");
    return 0;
}

static int
tear_down(void **state)
{
    (void) state;
    world_end(&broker, SIGTERM);
    if (getenv("HUZHU_TEST_KEEP") == NULL)
        world_done(&w);
    return 0;
}

/* --- tests --- */

static void
a_call_reaches_its_service_over(const char *endpoint)
{
    OWNED(bus_client_destroy) struct bus_client *client = a_client("gateway", endpoint);
    pid_t worker = a_worker("claims", endpoint, "4");
    char out[64];

    for (int i = 0; i < 100; i++) {
        assert_int_equal(call(client, "claims", "Echo", "ni hao", 5000, out), ERR_OK);
        assert_string_equal(out, "ni hao");
    }
    world_end(&worker, SIGTERM);
}

static void
a_call_reaches_its_service_over_ipc(void **state)
{
    (void) state;
    a_call_reaches_its_service_over(plain);
}

static void
a_call_reaches_its_service_over_tcp_with_curve(void **state)
{
    (void) state;
    a_call_reaches_its_service_over(tcp);
}

static void
the_parts_of_an_answer_come_in_order(void **state)
{
    OWNED(bus_client_destroy) struct bus_client *client = a_client("gateway", plain);
    pid_t worker = a_worker("claims", plain, "4");
    const uint64_t ticket = send_text(client, "claims", "Parts", "500", 5000);
    const Bus__Answer *answer;
    uint64_t from;
    char part[16];

    (void) state;
    for (int i = 0; i < 500; i++) {
        assert_true(bus_client_recv(client, 6000, &from, &answer));
        assert_int_equal(from, ticket);
        assert_int_equal(answer->code, 0);
        assert_true(answer->more);
        (void) snprintf(part, sizeof part, "%d", i);
        assert_int_equal(answer->body.len, strlen(part));
        assert_memory_equal(answer->body.data, part, strlen(part));
    }
    assert_true(bus_client_recv(client, 6000, &from, &answer));
    assert_false(answer->more);
    assert_memory_equal(answer->body.data, "end", 3);
    assert_int_equal(bus_client_stats(client).pending, 0);
    world_end(&worker, SIGTERM);
}

int
main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(a_call_reaches_its_service_over_ipc),
        TEST(a_call_reaches_its_service_over_tcp_with_curve),
        TEST(the_parts_of_an_answer_come_in_order),
    };

    if (argc == 6 && strcmp(argv[1], "worker") == 0)
        return be_a_worker(argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
