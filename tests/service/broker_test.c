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

#include "bus/link.h"
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
    if (size > 0)
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

/* A broker played by hand, as one of an older release would be: it knows nothing of bundles until
 * the test says so. */
struct old_broker {
    void *context, *socket;
    uint8_t identity[64], bytes[16384];
    size_t identity_size, size;
};

static bool
old_recv(struct old_broker *old)
{
    struct mdp_frame frame;

    for (;;) {
        int got = zmq_recv(old->socket, old->identity, sizeof old->identity, ZMQ_DONTWAIT);
        if (got < 0)
            return false;
        old->identity_size = (size_t) got;
        got = zmq_recv(old->socket, old->bytes, sizeof old->bytes, 0);
        assert_in_range(got, 1, sizeof old->bytes);
        old->size = (size_t) got;
        if (!mdp_parse(old->bytes, old->size, &frame) || frame.command != MDP_C_HEARTBEAT)
            return true;
        mdp_patch(old->bytes, MDP_CLIENT, MDP_C_HEARTBEAT, 1);
        (void) zmq_send(old->socket, old->identity, old->identity_size, ZMQ_SNDMORE);
        (void) zmq_send(old->socket, old->bytes, old->size, 0);
    }
}

/* The client's next message that is no heartbeat. */
static void
old_expect(struct old_broker *old, struct bus_client *client)
{
    const int64_t end_us = clock_monotonic_us() + 5000000;
    const Bus__Answer *answer;
    uint64_t ticket;

    while (!old_recv(old)) {
        assert_false(bus_client_recv(client, 1, &ticket, &answer));
        assert_true(clock_monotonic_us() < end_us);
    }
}

static void
a_broker_that_reads_no_bundles_is_sent_none(void **state)
{
    struct old_broker old = { .context = zmq_ctx_new() };
    char endpoint[64], path[WORLD_PATH_BYTES];
    struct bus_key_pair keys;
    struct err err;
    uint8_t greeting[MDP_BUNDLE_HEAD_BYTES];
    struct mdp_frame frame;
    const int on = 1;

    (void) state;
    old.socket = zmq_socket(old.context, ZMQ_ROUTER);
    (void) snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", world_free_port());
    assert_int_equal(bus_keys_load(world_path(&w, "broker.key", path), &keys, &err), ERR_OK);
    assert_int_equal(zmq_setsockopt(old.socket, ZMQ_CURVE_SERVER, &on, sizeof on), 0);
    assert_int_equal(zmq_setsockopt(old.socket, ZMQ_CURVE_SECRETKEY, keys.secret_key, 40), 0);
    assert_int_equal(zmq_bind(old.socket, endpoint), 0);
    struct bus_client *client = a_client("gateway", endpoint);
    for (int i = 0; i < 3; i++)
        (void) send_text(client, "claims", "Echo", "x", 60000);
    for (int i = 0; i < 3; i++) {
        old_expect(&old, client);
        assert_true(mdp_parse(old.bytes, old.size, &frame));
    }
    mdp_bundle_head_write(greeting); /* it was upgraded */
    (void) zmq_send(old.socket, old.identity, old.identity_size, ZMQ_SNDMORE);
    (void) zmq_send(old.socket, greeting, sizeof greeting, 0);
    old_expect(&old, client);
    assert_int_equal(old.size, sizeof greeting); /* so do we */
    assert_memory_equal(old.bytes, greeting, sizeof greeting);
    for (int i = 0; i < 3; i++)
        (void) send_text(client, "claims", "Echo", "x", 60000);
    old_expect(&old, client);
    assert_true(mdp_is_bundle(old.bytes, old.size));
    struct mdp_pieces pieces = mdp_pieces(old.bytes, old.size);
    const uint8_t *at;
    size_t size;
    for (int i = 0; i < 3; i++) {
        assert_true(mdp_pieces_next(&pieces, &at, &size));
        assert_true(mdp_parse(at, size, &frame));
    }
    assert_ptr_equal(pieces.at, pieces.end);
    bus_client_destroy(client);
    (void) zmq_close(old.socket);
    (void) zmq_ctx_term(old.context);
}

/* A program of an older release: it neither sends bundles nor is sent any. */
static void
a_client_that_reads_no_bundles_is_sent_none(void **state)
{
    pid_t worker = a_worker("claims", plain, "64");
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_DEALER);
    uint8_t bytes[1024];
    struct mdp_frame frame = { .side = MDP_CLIENT,
                               .command = MDP_C_REQUEST,
                               .deadline_us = clock_now().us + 20000000,
                               .caller = mdp_text("gateway"),
                               .service = mdp_text("claims"),
                               .method = mdp_text("Echo") };
    const Bus__Envelope e = an_envelope("Echo", "x", 1, 20000);
    const size_t head = mdp_head_size(&frame), size = head + bus__envelope__get_packed_size(&e);
    const int timeout_ms = 10000;

    (void) state;
    assert_in_range(size, 1, sizeof bytes);
    (void) zmq_setsockopt(socket, ZMQ_PLAIN_USERNAME, "gateway", 7);
    (void) zmq_setsockopt(socket, ZMQ_PLAIN_PASSWORD, "-", 1);
    (void) zmq_setsockopt(socket, ZMQ_RCVTIMEO, &timeout_ms, sizeof timeout_ms);
    assert_int_equal(zmq_connect(socket, plain), 0);
    for (frame.number = 1; frame.number <= 50; frame.number++) {
        mdp_head_write(&frame, bytes);
        (void) bus__envelope__pack(&e, bytes + head);
        assert_int_equal(zmq_send(socket, bytes, size, 0), size);
    }
    for (int i = 0; i < 50; i++) {
        const int got = zmq_recv(socket, bytes, sizeof bytes, 0);
        assert_in_range(got, 1, sizeof bytes);
        assert_true(mdp_parse(bytes, (size_t) got, &frame));
        assert_int_equal(frame.command, MDP_C_FINAL);
    }
    (void) zmq_close(socket);
    (void) zmq_ctx_term(context);
    world_end(&worker, SIGTERM);
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

/* --- bounds and deadlines --- */

static void
a_full_queue_refuses_at_once_and_what_waits_ends_at_its_deadline(void **state)
{
    enum { SENT = 150, ROOM = 100 }; /* the broker was started with room for ROOM */
    OWNED(bus_client_destroy) struct bus_client *client = a_client("gateway", plain);
    const Bus__Answer *answer;
    int full = 0, late = 0;
    uint64_t from;

    (void) state;
    EVENTUALLY(bus_client_recv(client, 10, &from, &answer) ||
               bus_client_stats(client).brokers_alive == 1);
    const int64_t start_us = clock_monotonic_us();
    for (int i = 0; i < SENT; i++)
        (void) send_text(client, "claims", "Echo", "", 1000);
    while (full + late < SENT) {
        assert_true(bus_client_recv(client, 5000, &from, &answer));
        const int64_t after_us = clock_monotonic_us() - start_us;
        if (strcmp(answer->reason, "bus.queue_full") == 0) {
            assert_int_equal(answer->code, BUS__CODE__NAME__UNAVAILABLE);
            assert_true(after_us < 900000);
            full++;
        } else {
            assert_int_equal(answer->code, BUS__CODE__NAME__DEADLINE);
            assert_in_range(after_us, 900000, 3000000);
            late++;
        }
    }
    print_message("%d sent, %d found the queue full, %d waited until their deadline\n", SENT, full,
                  late);
    assert_int_equal(late, ROOM);
    assert_int_equal(full, SENT - ROOM);
}

static void
a_client_holds_a_bounded_number_of_requests(void **state)
{
    OWNED(bus_client_destroy) struct bus_client *client = a_client("gateway", plain);
    const Bus__Answer *answer;
    uint64_t ticket, from;
    struct err err;

    (void) state;
    for (int i = 0; i < BUS_CLIENT_PENDING_MAX; i++)
        (void) send_text(client, "claims", "Echo", "", 2000);
    const Bus__Envelope e = an_envelope("Echo", "", 0, 2000);
    assert_int_equal(bus_client_send(client, "claims", &e, &ticket, &err), ERR_UNAVAILABLE);
    for (int i = 0; i < BUS_CLIENT_PENDING_MAX; i++)
        assert_true(bus_client_recv(client, 5000, &from, &answer));
    assert_int_equal(bus_client_stats(client).pending, 0);
    assert_int_equal(bus_client_send(client, "claims", &e, &ticket, &err), ERR_OK);
}

static void
a_request_without_a_broker_ends_at_its_deadline(void **state)
{
    OWNED(bus_client_destroy) struct bus_client *client = a_client("gateway", "ipc:///nowhere/x");
    char out[64];

    (void) state;
    const int64_t start_us = clock_monotonic_us();
    assert_int_equal(call(client, "claims", "Echo", "", 300, out), ERR_DEADLINE);
    assert_in_range(clock_monotonic_us() - start_us, 299000, 1000000);
}

static void
a_cancelled_request_is_forgotten(void **state)
{
    OWNED(bus_client_destroy) struct bus_client *client = a_client("gateway", plain);
    pid_t worker = a_worker("claims", plain, "4");
    const Bus__Answer *answer;
    uint64_t from;
    char out[64];

    (void) state;
    assert_int_equal(call(client, "claims", "Echo", "", 5000, out), ERR_OK);
    const uint64_t gone = send_text(client, "claims", "Sleep", "50", 5000);
    bus_client_cancel(client, gone);
    bus_client_cancel(client, gone);
    const uint64_t kept = send_text(client, "claims", "Echo", "kept", 5000);
    assert_true(bus_client_recv(client, 5000, &from, &answer));
    assert_int_equal(from, kept);
    assert_false(bus_client_recv(client, 100, &from, &answer));
    assert_int_equal(bus_client_stats(client).pending, 0);
    world_end(&worker, SIGTERM);
}

/* --- workers that die, hang and drain --- */

static void
wait_for_workers(struct bus_client *client, int count)
{
    int seen[8] = { 0 };
    char out[64];
    int found = 0;

    for (int i = 0; i < 400 && found < count; i++) {
        assert_int_equal(call(client, "claims", "Pid", "", 8000, out), ERR_OK);
        int at = 0;
        while (at < found && seen[at] != atoi(out))
            at++;
        if (at == found)
            seen[found++] = atoi(out);
        world_pause();
    }
    assert_int_equal(found, count);
}

static void
a_request_of_a_killed_worker_is_answered_by_another(void **state)
{
    OWNED(bus_client_destroy) struct bus_client *client = a_client("gateway", plain);
    pid_t workers[2] = { a_worker("claims", plain, "1"), a_worker("claims", plain, "1") };
    char file[WORLD_PATH_BYTES], out[64];

    (void) state;
    wait_for_workers(client, 2);
    world_write(&w, "die", "");
    const int64_t start_us = clock_monotonic_us();
    assert_int_equal(call(client, "claims", "Die", world_path(&w, "die", file), 5000, out), ERR_OK);
    const int64_t took_us = clock_monotonic_us() - start_us;
    print_message("killed in the middle, answered by %s after %lld us\n", out, (long long) took_us);
    assert_true(took_us < 1000000);
    assert_int_not_equal(access(file, F_OK), 0); /* one of them did die */
    world_end(&workers[0], SIGTERM);
    world_end(&workers[1], SIGTERM);
}

static void
a_request_of_a_frozen_worker_is_answered_by_another(void **state)
{
    OWNED(bus_client_destroy) struct bus_client *client = a_client("gateway", plain);
    pid_t frozen = a_worker("claims", plain, "1"), other = 0;
    const Bus__Answer *answer;
    uint64_t from;
    char out[64];

    (void) state;
    assert_int_equal(call(client, "claims", "Pid", "", 8000, out), ERR_OK);
    (void) send_text(client, "claims", "Sleep", "200", 10000);
    (void) bus_client_recv(client, 50, &from, &answer); /* it is on its way */
    (void) kill(frozen, SIGSTOP);
    other = a_worker("claims", plain, "1");
    const int64_t start_us = clock_monotonic_us();
    assert_true(bus_client_recv(client, 10000, &from, &answer));
    print_message("frozen in the middle, answered after %lld ms\n",
                  (long long) (clock_monotonic_us() - start_us) / 1000);
    assert_int_equal(answer->code, 0);
    assert_int_equal(atoi((const char *) memcpy(out, answer->body.data, answer->body.len)), other);
    world_end(&frozen, SIGKILL);
    world_end(&other, SIGTERM);
}

/* Keeps `depth` requests under way for ms and counts how each ended. */
struct count {
    int sent, ok, late, other;
    int64_t slowest_us;
};

static int64_t sent_us[BUS_CLIENT_PENDING_MAX]; /* by the ticket's slot */

static void
take_one(struct bus_client *client, struct count *count)
{
    const Bus__Answer *answer;
    uint64_t from;

    if (!bus_client_recv(client, 100, &from, &answer))
        return;
    const int64_t took_us = clock_monotonic_us() - sent_us[from & (BUS_CLIENT_PENDING_MAX - 1)];
    if (took_us > count->slowest_us)
        count->slowest_us = took_us;
    count->ok += answer->code == 0;
    count->late += answer->code == BUS__CODE__NAME__DEADLINE;
    count->other += answer->code != 0 && answer->code != BUS__CODE__NAME__DEADLINE;
}

static void
load(struct bus_client *client, struct count *count, int depth, int ms)
{
    const int64_t end_us = clock_monotonic_us() + (int64_t) ms * 1000;

    while (clock_monotonic_us() < end_us) {
        while (count->sent - count->ok - count->late - count->other < depth) {
            const uint64_t ticket = send_text(client, "claims", "Echo", "x", 20000);
            sent_us[ticket & (BUS_CLIENT_PENDING_MAX - 1)] = clock_monotonic_us();
            count->sent++;
        }
        take_one(client, count);
    }
}

static void
finish(struct bus_client *client, struct count *count, const char *what)
{
    const int64_t end_us = clock_monotonic_us() + 30000000;

    while (bus_client_stats(client).pending > 0 && clock_monotonic_us() < end_us)
        take_one(client, count);
    print_message("%s: %d sent, %d answered, %d late, %d otherwise, %llu sent again, slowest %lld "
                  "ms\n",
                  what, count->sent, count->ok, count->late, count->other,
                  (unsigned long long) bus_client_stats(client).resent,
                  (long long) count->slowest_us / 1000);
    assert_int_equal(count->ok, count->sent);
}

static void
workers_that_drain_lose_nothing(void **state)
{
    OWNED(bus_client_destroy) struct bus_client *client = a_client("gateway", plain);
    pid_t worker = a_worker("claims", plain, "16");
    struct count count = { 0 };

    (void) state;
    for (int i = 0; i < 5; i++) {
        load(client, &count, 32, 200);
        pid_t next = a_worker("claims", plain, "16");
        load(client, &count, 32, 300);
        (void) kill(worker, SIGTERM);
        load(client, &count, 32, 300);
        world_end(&worker, SIGTERM);
        worker = next;
    }
    finish(client, &count, "five workers drained in turn");
    world_end(&worker, SIGTERM);
}

static void
killed_workers_lose_nothing(void **state)
{
    OWNED(bus_client_destroy) struct bus_client *client = a_client("gateway", plain);
    pid_t workers[2] = { a_worker("claims", plain, "16"), a_worker("claims", plain, "16") };
    struct count count = { 0 };

    (void) state;
    for (int i = 0; i < 6; i++) {
        load(client, &count, 32, 300);
        world_end(&workers[i % 2], SIGKILL);
        workers[i % 2] = a_worker("claims", plain, "16");
    }
    finish(client, &count, "six workers killed in turn");
    world_end(&workers[0], SIGTERM);
    world_end(&workers[1], SIGTERM);
}

/* --- brokers that die and hang --- */

static void
a_second_broker_takes_over_when_the_first(int how, const char *what)
{
    char second[WORLD_PATH_BYTES], all[2 * WORLD_PATH_BYTES + 2];
    struct count count = { 0 };

    (void) snprintf(second, sizeof second, "ipc://%s/second.sock", w.dir);
    pid_t other = world_broker(&w, second, "0", "4000");
    (void) snprintf(all, sizeof all, "%s,%s", plain, second);
    pid_t worker = a_worker("claims", all, "16");
    OWNED(bus_client_destroy) struct bus_client *client = a_client("gateway", all);

    load(client, &count, 32, 1500); /* both are up by then */
    assert_int_equal(bus_client_stats(client).brokers_alive, 2);
    const int before = count.ok;
    (void) kill(broker, how); /* the client speaks to the one that came up first */
    load(client, &count, 32, 1500);
    if (bus_client_stats(client).resent == 0) {
        (void) kill(broker, SIGCONT);
        if (how == SIGKILL) {
            world_end(&broker, how);
            broker = world_broker(&w, both, "0", "4000");
            load(client, &count, 32, 1000);
        }
        (void) kill(other, how);
        load(client, &count, 32, 1500);
    }
    assert_true(count.ok > before);
    assert_true(bus_client_stats(client).resent > 0);
    finish(client, &count, what);
    assert_true(count.slowest_us < 2500000);
    world_end(&worker, SIGTERM);
    world_end(&other, SIGKILL);
    world_end(&broker, SIGKILL);
}

static void
a_second_broker_takes_over_when_the_first_is_killed(void **state)
{
    (void) state;
    a_second_broker_takes_over_when_the_first(SIGKILL, "a broker killed");
}

static void
a_second_broker_takes_over_when_the_first_hangs(void **state)
{
    (void) state;
    a_second_broker_takes_over_when_the_first(SIGSTOP, "a broker stopped");
}

/* The service is parted from the broker that the caller speaks to: first from one, then from the
 * other, so that the caller has to find it whichever it chose. */
static void
a_service_that_one_broker_lacks_is_found_at_the_other(void **state)
{
    char second[WORLD_PATH_BYTES], all[2 * WORLD_PATH_BYTES + 2], out[64];

    (void) state;
    (void) snprintf(second, sizeof second, "ipc://%s/second.sock", w.dir);
    pid_t other = world_broker(&w, second, "0", "4000");
    (void) snprintf(all, sizeof all, "%s,%s", plain, second);
    OWNED(bus_client_destroy) struct bus_client *client = a_client("gateway", all);
    for (int i = 0; i < 2; i++) {
        pid_t worker = a_worker("claims", i == 0 ? plain : second, "16");
        assert_int_equal(call(client, "claims", "Echo", "found", 20000, out), ERR_OK);
        assert_string_equal(out, "found");
        const int64_t start_us = clock_monotonic_us();
        assert_int_equal(call(client, "claims", "Echo", "again", 20000, out), ERR_OK);
        assert_true(clock_monotonic_us() - start_us < 900000); /* it asks there first now */
        world_end(&worker, SIGTERM);
    }
    assert_true(bus_client_stats(client).resent > 0);
    world_end(&other, SIGKILL);
}

static void
the_only_broker_may_be_restarted(void **state)
{
    static const int how[] = { SIGTERM, SIGKILL, SIGTERM, SIGKILL };
    OWNED(bus_client_destroy) struct bus_client *client = a_client("gateway", plain);
    pid_t worker = a_worker("claims", plain, "16");
    struct count count = { 0 };

    (void) state;
    for (size_t i = 0; i < COUNT(how); i++) {
        load(client, &count, 32, 400);
        world_end(&broker, how[i]);
        load(client, &count, 32, 200);
        broker = world_broker(&w, both, "0", "100");
        load(client, &count, 32, 800);
    }
    finish(client, &count, "the only broker restarted four times");
    world_end(&worker, SIGTERM);
}

/* --- what the table forbids --- */

/* Reads the next record that the broker sends to "audit"; kind, name and detail as text. */
static bool
next_record(struct bus_worker *audit, char *text, size_t size)
{
    struct bus_job job;

    for (int i = 0; i < 100; i++) {
        if (!bus_worker_recv(audit, 100, &job))
            continue;
        assert_string_equal(job.caller, "broker");
        assert_string_equal(job.envelope->method, "RecordRefusal");
        assert_int_equal(strlen(job.envelope->idempotency_key), 36);
        size_t used = 0;
        for (size_t at = 0; at < job.envelope->body.len && used + 1 < size; at++) {
            const uint8_t byte = job.envelope->body.data[at];
            text[used++] = byte >= 0x20 && byte < 0x7f ? (char) byte : '|';
        }
        text[used] = '\0';
        reply(audit, &job, "", 0, false);
        return true;
    }
    return false;
}

static struct bus_worker *
an_audit_worker(void)
{
    const struct bus_conf conf = { plain, "audit", "", "" };
    struct bus_worker *worker = NULL;
    struct bus_job job;
    struct err err;

    assert_int_equal(bus_worker_create(&conf, 8, &worker, &err), ERR_OK);
    EVENTUALLY(bus_worker_recv(worker, 10, &job) || bus_worker_stats(worker).brokers_alive == 1);
    return worker;
}

static void
a_foreign_key_is_refused_and_audited(void **state)
{
    OWNED(bus_worker_destroy) struct bus_worker *audit = an_audit_worker();
    char key[BUS_KEY_TEXT_BYTES], text[512], out[64];

    (void) state;
    world_keys(&w, "stranger.key", key); /* in no row */
    OWNED(bus_client_destroy) struct bus_client *client = a_client("stranger", tcp);
    assert_int_equal(call(client, "claims", "Echo", "", 500, out), ERR_DEADLINE);
    assert_int_equal(bus_client_stats(client).brokers_alive, 0);
    assert_true(next_record(audit, text, sizeof text));
    assert_non_null(strstr(text, "key.unknown"));
    assert_non_null(strstr(text, key));
    assert_true(world_log_has(&w, "broker.log", "key.unknown"));
}

static void
a_uid_may_only_take_its_names(void **state)
{
    OWNED(bus_worker_destroy) struct bus_worker *audit = an_audit_worker();
    OWNED(bus_client_destroy) struct bus_client *client = a_client("disclosure", plain);
    char text[512], out[64];

    (void) state;
    assert_int_equal(call(client, "claims", "Echo", "", 500, out), ERR_DEADLINE);
    assert_int_equal(bus_client_stats(client).brokers_alive, 0);
    assert_true(next_record(audit, text, sizeof text));
    assert_non_null(strstr(text, "peer.unknown"));
    assert_non_null(strstr(text, "disclosure"));
}

/* A DEALER of our own, to say what the library never would. */
static void *
a_raw_dealer(const char *name)
{
    void *socket = zmq_socket(bus_context_get(), ZMQ_DEALER);
    const int linger_ms = 1000, timeout_ms = 5000;

    assert_non_null(socket);
    assert_int_equal(zmq_setsockopt(socket, ZMQ_PLAIN_USERNAME, name, strlen(name)), 0);
    assert_int_equal(zmq_setsockopt(socket, ZMQ_PLAIN_PASSWORD, "-", 1), 0);
    assert_int_equal(zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms), 0);
    assert_int_equal(zmq_setsockopt(socket, ZMQ_RCVTIMEO, &timeout_ms, sizeof timeout_ms), 0);
    assert_int_equal(zmq_connect(socket, plain), 0);
    return socket;
}

static void
raw_close(void *socket)
{
    (void) zmq_close(socket);
    bus_context_put();
}

static size_t
raw_frame(uint8_t *out, enum mdp_side side, uint8_t command, uint64_t number, const char *caller,
          const char *service)
{
    const struct mdp_frame frame = { .side = side,
                                     .command = command,
                                     .number = number,
                                     .deadline_us = clock_now().us + 2000000,
                                     .caller = mdp_text(caller),
                                     .service = mdp_text(service),
                                     .method = mdp_text("Echo") };

    mdp_head_write(&frame, out);
    return mdp_head_size(&frame);
}

static void
a_service_that_registers_as_another_is_refused_and_audited(void **state)
{
    OWNED(bus_worker_destroy) struct bus_worker *audit = an_audit_worker();
    uint8_t bytes[256];
    char text[512];

    (void) state;
    void *coding = a_raw_dealer("coding");
    const size_t size = raw_frame(bytes, MDP_WORKER, MDP_W_READY, 4, "", "claims");
    assert_int_equal(zmq_send(coding, bytes, size, 0), (int) size);
    assert_int_equal(zmq_recv(coding, bytes, sizeof bytes, 0), (int) MDP_HEAD_BYTES);
    assert_int_equal(bytes[6], MDP_W_DISCONNECT);
    assert_true(next_record(audit, text, sizeof text));
    assert_non_null(strstr(text, "worker.name"));
    assert_non_null(strstr(text, "coding registered as claims"));
    raw_close(coding);
}

static void
a_caller_that_pretends_to_be_another_is_refused_and_audited(void **state)
{
    OWNED(bus_worker_destroy) struct bus_worker *audit = an_audit_worker();
    uint8_t bytes[256];
    char text[512];

    (void) state;
    void *coding = a_raw_dealer("coding");
    const size_t size = raw_frame(bytes, MDP_CLIENT, MDP_C_REQUEST, 7, "gateway", "claims");
    assert_int_equal(zmq_send(coding, bytes, size, 0), (int) size);
    assert_true(zmq_recv(coding, bytes, sizeof bytes, 0) > (int) MDP_HEAD_BYTES);
    assert_int_equal(bytes[6], MDP_C_FINAL);
    assert_true(next_record(audit, text, sizeof text));
    assert_non_null(strstr(text, "caller.name"));
    raw_close(coding);
}

static void
a_caller_calls_only_what_the_table_grants(void **state)
{
    static const struct {
        const char *caller, *service, *method;
        err_t code;
    } cases[] = {
        { "gateway", "claims", "Anything", ERR_OK },
        { "gateway", "coding", "Echo", ERR_OK },
        { "gateway", "coding", "GetCase", ERR_OK },
        { "gateway", "coding", "Common.Ping", ERR_OK },
        { "gateway", "coding", "PutCase", ERR_FORBIDDEN },
        { "gateway", "coding", "Echoes", ERR_FORBIDDEN },
        { "gateway", "audit", "RecordRefusal", ERR_FORBIDDEN },
        { "coding", "claims", "Common.Ping", ERR_OK },
        { "coding", "claims", "Echo", ERR_FORBIDDEN },
        { "coding", "nobody", "Common.Ping", ERR_FORBIDDEN },
    };
    pid_t claims = a_worker("claims", plain, "4"), coding = a_worker("coding", plain, "4");
    char out[64];

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        OWNED(bus_client_destroy) struct bus_client *client = a_client(cases[i].caller, plain);
        const err_t code = call(client, cases[i].service, cases[i].method, "", 5000, out);
        if (code != cases[i].code)
            fail_msg("%s calls %s %s: %s (%s)", cases[i].caller, cases[i].service, cases[i].method,
                     err_name(code), out);
    }
    world_end(&claims, SIGTERM);
    world_end(&coding, SIGTERM);
}

static void
a_reload_takes_rights_away_and_keeps_the_rest(void **state)
{
    OWNED(bus_client_destroy) struct bus_client *client = a_client("gateway", plain);
    OWNED(bus_client_destroy) struct bus_client *curved = a_client("gateway", tcp);
    pid_t worker = a_worker("claims", plain, "4");
    char out[64], key[BUS_KEY_TEXT_BYTES], text[512];

    (void) state;
    assert_int_equal(call(client, "claims", "Echo", "1", 5000, out), ERR_OK);
    assert_int_equal(call(curved, "claims", "Echo", "1", 5000, out), ERR_OK);

    world_write(&w, "permissions", "nonsense\n"); /* refused as a whole: the old table stays */
    (void) kill(broker, SIGHUP);
    EVENTUALLY(world_log_has(&w, "broker.log", "broker.reload_failed"));
    assert_int_equal(call(curved, "claims", "Echo", "2", 5000, out), ERR_OK);

    world_keys(&w, "fresh.key", key); /* gateway's key is another one now */
    (void) snprintf(text, sizeof text,
                    "key %s gateway\npeer self gateway\npeer self claims\ncall gateway claims\n",
                    key);
    world_write(&w, "permissions", text);
    (void) kill(broker, SIGHUP);
    EVENTUALLY(world_log_has(&w, "broker.log", "broker.reloaded"));
    assert_int_equal(call(client, "claims", "Echo", "3", 5000, out), ERR_OK);
    assert_int_equal(call(curved, "claims", "Echo", "3", 700, out), ERR_DEADLINE);
    EVENTUALLY(world_log_has(&w, "broker.log", "user.revoked"));
    world_end(&worker, SIGTERM);
}

static void
no_frame_brings_the_broker_down(void **state)
{
    enum { FRAMES = 20000 };
    OWNED(bus_client_destroy) struct bus_client *client = a_client("gateway", plain);
    pid_t worker = a_worker("claims", plain, "4");
    void *raw = a_raw_dealer("coding");
    uint8_t bytes[300];
    char out[64];

    (void) state;
    srand(20261122);
    for (int i = 0; i < FRAMES; i++) {
        const enum mdp_side side = rand() % 2 ? MDP_CLIENT : MDP_WORKER;
        size_t size =
            raw_frame(bytes, side, (uint8_t) (rand() % 8), (uint64_t) (rand() % 4),
                      rand() % 2 ? "coding" : "gateway", rand() % 2 ? "coding" : "claims");
        for (int flips = rand() % 4; flips > 0; flips--)
            bytes[(size_t) rand() % size] = (uint8_t) rand();
        if (rand() % 4 == 0)
            size = (size_t) rand() % (size + 1);
        if (rand() % 16 == 0)
            assert_true(zmq_send(raw, bytes, (size_t) rand() % sizeof bytes, ZMQ_SNDMORE) >= 0);
        assert_true(zmq_send(raw, bytes, size, 0) >= 0);
    }
    assert_int_equal(call(client, "claims", "Echo", "still here", 10000, out), ERR_OK);
    assert_int_equal(waitpid(broker, NULL, WNOHANG), 0);
    print_message("%d broken frames sent, the broker answers\n", FRAMES);
    raw_close(raw);
    world_end(&worker, SIGTERM);
}

/* --- figures --- */

static bool
http_get(uint16_t port, const char *path, char *out, size_t size)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons(port),
                              .sin_addr = { htonl(INADDR_LOOPBACK) } };
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t used = 0;
    ssize_t got;

    if (connect(fd, (const struct sockaddr *) &at, sizeof at) != 0) {
        (void) close(fd);
        return false;
    }
    const int length = snprintf(out, size, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    (void) !send(fd, out, (size_t) length, MSG_NOSIGNAL);
    while (used + 1 < size && (got = recv(fd, out + used, size - 1 - used, 0)) > 0)
        used += (size_t) got;
    out[used] = '\0';
    (void) close(fd);
    return used > 0;
}

static void
metrics_and_health_are_served_on_loopback(void **state)
{
    static char page[1 << 17];
    char port[8], endpoint[WORLD_PATH_BYTES], out[64];
    const uint16_t number = world_free_port();

    (void) state;
    (void) snprintf(port, sizeof port, "%u", number);
    (void) snprintf(endpoint, sizeof endpoint, "ipc://%s/metered.sock", w.dir);
    pid_t metered = world_broker(&w, endpoint, port, "100");
    pid_t worker = a_worker("claims", endpoint, "4");
    OWNED(bus_client_destroy) struct bus_client *client = a_client("gateway", endpoint);
    for (int i = 0; i < 3; i++)
        assert_int_equal(call(client, "claims", "Echo", "", 5000, out), ERR_OK);
    assert_int_equal(call(client, "audit", "Echo", "", 5000, out), ERR_FORBIDDEN);

    assert_true(http_get(number, "/metrics", page, sizeof page));
    assert_non_null(strstr(page, "200 OK"));
    assert_non_null(strstr(page, "huzhu_broker_service_answers_total{service=\"claims\"} 3\n"));
    assert_non_null(strstr(page, "huzhu_broker_service_workers{service=\"claims\"} 1\n"));
    assert_non_null(strstr(page, "huzhu_broker_refused_total 1\n"));
    assert_true(http_get(number, "/healthz", page, sizeof page));
    assert_non_null(strstr(page, "200 OK"));
    assert_true(http_get(number, "/etc/passwd", page, sizeof page));
    assert_non_null(strstr(page, "404"));
    world_end(&worker, SIGTERM);
    world_end(&metered, SIGTERM);
}

int
main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(a_call_reaches_its_service_over_ipc),
        TEST(a_call_reaches_its_service_over_tcp_with_curve),
        TEST(a_broker_that_reads_no_bundles_is_sent_none),
        TEST(a_client_that_reads_no_bundles_is_sent_none),
        TEST(the_parts_of_an_answer_come_in_order),
        TEST(a_full_queue_refuses_at_once_and_what_waits_ends_at_its_deadline),
        TEST(a_client_holds_a_bounded_number_of_requests),
        TEST(a_request_without_a_broker_ends_at_its_deadline),
        TEST(a_cancelled_request_is_forgotten),
        TEST(a_request_of_a_killed_worker_is_answered_by_another),
        TEST(a_request_of_a_frozen_worker_is_answered_by_another),
        TEST(workers_that_drain_lose_nothing),
        TEST(killed_workers_lose_nothing),
        TEST(a_second_broker_takes_over_when_the_first_is_killed),
        TEST(a_second_broker_takes_over_when_the_first_hangs),
        TEST(a_service_that_one_broker_lacks_is_found_at_the_other),
        TEST(the_only_broker_may_be_restarted),
        TEST(a_foreign_key_is_refused_and_audited),
        TEST(a_uid_may_only_take_its_names),
        TEST(a_service_that_registers_as_another_is_refused_and_audited),
        TEST(a_caller_that_pretends_to_be_another_is_refused_and_audited),
        TEST(a_caller_calls_only_what_the_table_grants),
        TEST(a_reload_takes_rights_away_and_keeps_the_rest),
        TEST(no_frame_brings_the_broker_down),
        TEST(metrics_and_health_are_served_on_loopback),
    };

    if (argc == 6 && strcmp(argv[1], "worker") == 0)
        return be_a_worker(argv);
    (void) signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
