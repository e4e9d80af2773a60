/* bus_bench - round trips through the broker against DEALER-ROUTER and NATS, on this machine, now.
 *
 *   bus_bench [REPEATS [SECONDS]]
 *
 * Every contender carries the same envelope (about 270 bytes) and the same answer, packed and
 * unpacked at both ends by the same code.  Contenders take turns within each repeat, since this
 * kind of machine has fast and slow phases; a ratio is the median of the repeats' own ratios.  CPU
 * is that of all processes of a contender, for each round trip: it is steadier than the rate. */
#include <inttypes.h>
#include <math.h>
#include <sys/resource.h>
#include <zmq.h>
#ifdef HUZHU_BENCH_NATS
#include <nats/nats.h>
#endif

#include "arena/arena.h"
#include "bus/envelope.h"
#include "bus/link.h"
#include "bus_world.h"

enum { REQUEST_BYTES = 190, ANSWER_BYTES = 240, DEPTH_MAX = 1024, SAMPLES_MAX = 1 << 20 };
static const int depths[] = { 1, 16, 256 };

/* --- what travels --- */

static uint8_t filler[512];

static Bus__Envelope
the_request(void)
{
    Bus__Envelope e = an_envelope("Echo", filler, REQUEST_BYTES, 10000);
    static uint8_t tenant[16];

    e.tenant_id = (ProtobufCBinaryData){ sizeof tenant, tenant };
    e.language = (char *) (uintptr_t) "zh-CN";
    return e;
}

static void
answer_with(const Bus__Envelope *request, Bus__Answer *answer)
{
    assert(request->body.len == REQUEST_BYTES);
    bus__answer__init(answer);
    answer->body = (ProtobufCBinaryData){ ANSWER_BYTES, filler };
}

/* What a server of the other contenders does with one message; the packed answer's size. */
static size_t
serve_bytes(struct arena *arena, const void *data, size_t size, uint8_t *out)
{
    const Bus__Envelope *request;
    Bus__Answer answer;
    struct err err;

    if (bus_envelope_unpack(arena, data, size, &request, &err) != ERR_OK)
        abort();
    answer_with(request, &answer);
    const size_t packed = bus__answer__pack(&answer, out);
    arena_reset(arena);
    return packed;
}

static void
check_answer(struct arena *arena, const void *data, size_t size)
{
    const Bus__Answer *answer;
    struct err err;

    if (bus_answer_unpack(arena, data, size, &answer, &err) != ERR_OK ||
        answer->body.len != ANSWER_BYTES)
        abort();
    arena_reset(arena);
}

/* --- measuring, in the client's process --- */

static struct {
    int64_t started_us, end_us;
    uint64_t count;
    uint32_t samples[SAMPLES_MAX];
} meter;

static void
meter_start(double seconds)
{
    meter.started_us = clock_monotonic_us();
    meter.end_us = meter.started_us + (int64_t) (seconds * 1e6);
}

static bool
meter_done(int64_t sent_us)
{
    const int64_t now_us = clock_monotonic_us();

    meter.samples[meter.count++ % SAMPLES_MAX] = (uint32_t) (now_us - sent_us);
    return now_us >= meter.end_us;
}

static int
by_value(const void *a, const void *b)
{
    return (*(const uint32_t *) a > *(const uint32_t *) b) -
           (*(const uint32_t *) a < *(const uint32_t *) b);
}

static int
meter_print(void)
{
    const double seconds = (double) (clock_monotonic_us() - meter.started_us) / 1e6;
    const size_t n = meter.count < SAMPLES_MAX ? meter.count : SAMPLES_MAX;
    struct timespec cpu;

    (void) clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    qsort(meter.samples, n, sizeof meter.samples[0], by_value);
    (void) printf("%.0f %u %u %" PRIu64 " %.0f\n", (double) meter.count / seconds,
                  meter.samples[n / 2], meter.samples[n * 99 / 100], meter.count,
                  (double) cpu.tv_sec * 1e6 + (double) cpu.tv_nsec / 1e3);
    return EXIT_SUCCESS;
}

/* --- DEALER-ROUTER --- */

static void
set_curve(void *socket, const char *dir, bool server)
{
    char path[WORLD_PATH_BYTES];
    struct bus_key_pair own, other;
    struct err err;
    const int on = 1;

    if (!*dir)
        return;
    (void) snprintf(path, sizeof path, "%s/%s", dir, server ? "broker.key" : "gateway.key");
    if (bus_keys_load(path, &own, &err) != ERR_OK)
        abort();
    (void) snprintf(path, sizeof path, "%s/broker.key.pub", dir);
    if (bus_keys_load(path, &other, &err) != ERR_OK)
        abort();
    (void) zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, own.secret_key, 40);
    (void) zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, own.public_key, 40);
    if (server)
        (void) zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &on, sizeof on);
    else
        (void) zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, other.public_key, 40);
}

static int
direct_server(const char *endpoint, const char *dir)
{
    void *socket = zmq_socket(bus_context_get(), ZMQ_ROUTER);
    struct arena *arena = arena_create(1 << 20);
    zmq_msg_t identity, msg;
    uint8_t out[1024];

    set_curve(socket, dir, true);
    if (zmq_bind(socket, endpoint) != 0)
        return EXIT_FAILURE;
    (void) zmq_msg_init(&identity);
    (void) zmq_msg_init(&msg);
    while (zmq_msg_recv(&identity, socket, 0) >= 0 && zmq_msg_recv(&msg, socket, 0) >= 0) {
        const size_t size = serve_bytes(arena, zmq_msg_data(&msg), zmq_msg_size(&msg), out);
        (void) zmq_msg_send(&identity, socket, ZMQ_SNDMORE);
        (void) zmq_send(socket, out, size, 0);
    }
    return EXIT_SUCCESS;
}

static void
direct_send(void *socket, const Bus__Envelope *e)
{
    zmq_msg_t msg;

    (void) zmq_msg_init_size(&msg, bus__envelope__get_packed_size(e));
    (void) bus__envelope__pack(e, zmq_msg_data(&msg));
    (void) zmq_msg_send(&msg, socket, 0);
}

/* Answers of one server come in the order of the requests, so a ring of times is enough. */
static int
direct_client(const char *endpoint, const char *dir, int depth, double seconds)
{
    void *socket = zmq_socket(bus_context_get(), ZMQ_DEALER);
    struct arena *arena = arena_create(1 << 20);
    int64_t sent_us[DEPTH_MAX];
    const Bus__Envelope e = the_request();
    zmq_msg_t msg;

    set_curve(socket, dir, false);
    (void) zmq_connect(socket, endpoint);
    (void) zmq_msg_init(&msg);
    direct_send(socket, &e);
    (void) zmq_msg_recv(&msg, socket, 0); /* connected */
    meter_start(seconds);
    for (int i = 0; i < depth; i++) {
        sent_us[i] = clock_monotonic_us();
        direct_send(socket, &e);
    }
    for (int at = 0;; at = (at + 1) % depth) {
        (void) zmq_msg_recv(&msg, socket, 0);
        check_answer(arena, zmq_msg_data(&msg), zmq_msg_size(&msg));
        if (meter_done(sent_us[at]))
            return meter_print();
        sent_us[at] = clock_monotonic_us();
        direct_send(socket, &e);
    }
}

/* --- the bus --- */

static struct bus_conf
conf_of(const char *name, const char *endpoint, const char *dir)
{
    static char key[WORLD_PATH_BYTES], broker_key[WORLD_PATH_BYTES];

    if (*dir) {
        (void) snprintf(key, sizeof key, "%s/%s.key", dir, name);
        (void) snprintf(broker_key, sizeof broker_key, "%s/broker.key.pub", dir);
    }
    return (struct bus_conf){ endpoint, name, key, broker_key };
}

static int
bus_server(const char *endpoint, const char *dir)
{
    const struct bus_conf conf = conf_of("claims", endpoint, dir);
    struct bus_worker *worker = NULL;
    struct bus_job job;
    Bus__Answer answer;
    struct err err;

    if (bus_worker_create(&conf, 256, &worker, &err) != ERR_OK)
        return EXIT_FAILURE;
    for (;;) {
        if (!bus_worker_recv(worker, 1000, &job))
            continue;
        answer_with(job.envelope, &answer);
        if (bus_worker_answer(worker, &job, &answer, &err) != ERR_OK)
            return EXIT_FAILURE;
    }
}

static void
bus_send(struct bus_client *client, Bus__Envelope *e, int64_t *sent_us)
{
    struct err err;
    uint64_t ticket;

    e->deadline_us = clock_now().us + 10000000;
    if (bus_client_send(client, "claims", e, &ticket, &err) != ERR_OK)
        abort();
    sent_us[ticket % BUS_CLIENT_PENDING_MAX] = clock_monotonic_us();
}

static int
bus_client(const char *endpoint, const char *dir, int depth, double seconds)
{
    static int64_t sent_us[BUS_CLIENT_PENDING_MAX];
    const struct bus_conf conf = conf_of("gateway", endpoint, dir);
    struct bus_client *client = NULL;
    Bus__Envelope e = the_request();
    const Bus__Answer *answer;
    uint64_t ticket;
    struct err err;

    if (bus_client_create(&conf, &client, &err) != ERR_OK ||
        bus_call(client, "claims", &e, &answer, &err) != ERR_OK)
        return EXIT_FAILURE;
    meter_start(seconds);
    for (int i = 0; i < depth; i++)
        bus_send(client, &e, sent_us);
    for (;;) {
        if (!bus_client_recv(client, 1000, &ticket, &answer))
            continue;
        if (answer->body.len != ANSWER_BYTES)
            abort();
        if (meter_done(sent_us[ticket % BUS_CLIENT_PENDING_MAX]))
            return meter_print();
        bus_send(client, &e, sent_us);
    }
}

/* --- NATS --- */

#ifdef HUZHU_BENCH_NATS
struct nats_side {
    natsConnection *connection;
    struct arena *arena;
    int depth, sent, taken;
    int64_t sent_us[DEPTH_MAX];
    Bus__Envelope request;
    bool done;
};

static natsConnection *
nats_connect(const char *endpoint, bool asap)
{
    natsOptions *options = NULL;
    natsConnection *connection = NULL;

    if (natsOptions_Create(&options) != NATS_OK ||
        natsOptions_SetURL(options, endpoint) != NATS_OK ||
        natsOptions_SetSendAsap(options, asap) != NATS_OK ||
        natsConnection_Connect(&connection, options) != NATS_OK)
        exit(EXIT_FAILURE);
    return connection;
}

static void
nats_serve(natsConnection *connection, natsSubscription *subscription, natsMsg *msg, void *arg)
{
    struct nats_side *side = arg;
    uint8_t out[1024];

    (void) subscription;
    const size_t size =
        serve_bytes(side->arena, natsMsg_GetData(msg), (size_t) natsMsg_GetDataLength(msg), out);
    (void) natsConnection_Publish(connection, natsMsg_GetReply(msg), out, (int) size);
    natsMsg_Destroy(msg);
}

static int
nats_server(const char *endpoint, bool asap)
{
    static struct nats_side side;
    natsSubscription *subscription = NULL;

    side.arena = arena_create(1 << 20);
    side.connection = nats_connect(endpoint, asap);
    if (natsConnection_Subscribe(&subscription, side.connection, asap ? "asap" : "buffered",
                                 nats_serve, &side) != NATS_OK)
        return EXIT_FAILURE;
    for (;;)
        (void) pause();
}

static void
nats_send(struct nats_side *side, bool asap)
{
    uint8_t out[1024];
    const size_t size = bus__envelope__pack(&side->request, out);

    side->sent_us[side->sent++ % side->depth] = clock_monotonic_us();
    (void) natsConnection_PublishRequest(side->connection, asap ? "asap" : "buffered",
                                         "bench.reply", out, (int) size);
}

static int
nats_client(const char *endpoint, bool asap, int depth, double seconds)
{
    static struct nats_side side;
    natsSubscription *subscription = NULL;
    natsMsg *msg = NULL;

    side.arena = arena_create(1 << 20);
    side.connection = nats_connect(endpoint, asap);
    side.depth = depth;
    side.request = the_request();
    if (natsConnection_SubscribeSync(&subscription, side.connection, "bench.reply") != NATS_OK)
        return EXIT_FAILURE;
    meter_start(seconds);
    for (int i = 0; i < depth; i++)
        nats_send(&side, asap);
    for (;;) {
        if (natsSubscription_NextMsg(&msg, subscription, 1000) != NATS_OK)
            return EXIT_FAILURE;
        check_answer(side.arena, natsMsg_GetData(msg), (size_t) natsMsg_GetDataLength(msg));
        natsMsg_Destroy(msg);
        if (meter_done(side.sent_us[side.taken++ % depth]))
            return meter_print();
        nats_send(&side, asap);
    }
}
#else
static int
nats_server(const char *endpoint, bool asap)
{
    (void) endpoint, (void) asap;
    return EXIT_FAILURE;
}
static int
nats_client(const char *endpoint, bool asap, int depth, double seconds)
{
    (void) endpoint, (void) asap, (void) depth, (void) seconds;
    return EXIT_FAILURE;
}
#endif

/* --- the driver --- */

enum kind { DIRECT, BUS, NATS_ASAP, NATS_BUFFERED };
enum { IPC_DIRECT, IPC_BUS, TCP_DIRECT, CURVE_DIRECT, CURVE_BUS, NATS_A, NATS_B, CONTENDERS };
enum { REPEATS_MAX = 25, DEPTHS = COUNT(depths) };

struct contender {
    const char *name;
    enum kind kind;
    bool curve;
    char endpoint[128];
    pid_t server, broker;
};

static struct world w;
static struct contender contenders[CONTENDERS] = {
    [IPC_DIRECT] = { .name = "DEALER-ROUTER ipc" },
    [IPC_BUS] = { .name = "broker ipc", .kind = BUS },
    [TCP_DIRECT] = { .name = "DEALER-ROUTER tcp (no keys)" },
    [CURVE_DIRECT] = { .name = "DEALER-ROUTER tcp CURVE", .curve = true },
    [CURVE_BUS] = { .name = "broker tcp CURVE", .kind = BUS, .curve = true },
    [NATS_A] = { .name = "NATS tcp, SendAsap", .kind = NATS_ASAP },
    [NATS_B] = { .name = "NATS tcp, buffered", .kind = NATS_BUFFERED },
};
static struct result {
    double rate, p50, p99, cpu;
} results[CONTENDERS][DEPTHS][REPEATS_MAX];

/* A whole number of the command line; ends the program when it is none. */
static int
number(const char *text)
{
    char *end;
    const long value = strtol(text, &end, 10);

    if (end == text || *end || value < 0 || value > 1000000) {
        (void) fprintf(stderr, "%s is no number\n", text);
        exit(2);
    }
    return (int) value;
}

static int
run_mode(char **argv)
{
    const char *endpoint = argv[3], *dir = argv[4];
    const int depth = number(argv[5]);
    const double seconds = atof(argv[6]);
    const bool server = strcmp(argv[1], "server") == 0;

    assert(server || (depth >= 1 && depth <= DEPTH_MAX));

    switch (number(argv[2])) {
    case DIRECT:
        return server ? direct_server(endpoint, dir) : direct_client(endpoint, dir, depth, seconds);
    case BUS:
        return server ? bus_server(endpoint, dir) : bus_client(endpoint, dir, depth, seconds);
    default:
        return server ? nats_server(endpoint, number(argv[2]) == NATS_ASAP)
                      : nats_client(endpoint, number(argv[2]) == NATS_ASAP, depth, seconds);
    }
}

static double
cpu_of(pid_t process)
{
    struct timespec cpu;
    clockid_t clock;

    if (process <= 0 || clock_getcpuclockid(process, &clock) != 0 ||
        clock_gettime(clock, &cpu) != 0)
        return 0;
    return (double) cpu.tv_sec * 1e6 + (double) cpu.tv_nsec / 1e3;
}

static bool
run_client(const struct contender *c, int depth, double seconds, struct result *result)
{
    char command[512];
    double own_us = 0, count = 0;
    const double before = cpu_of(c->server) + cpu_of(c->broker);

    (void) snprintf(command, sizeof command, "exec /proc/%d/exe client %d '%s' '%s' %d %f",
                    (int) getpid(), c->kind, c->endpoint, c->curve ? w.dir : "", depth, seconds);
    FILE *pipe = popen(command, "re");
    const int got = pipe ? fscanf(pipe, "%lf %lf %lf %lf %lf", &result->rate, &result->p50,
                                  &result->p99, &count, &own_us)
                         : 0;
    if (pipe)
        (void) pclose(pipe);
    result->cpu =
        (cpu_of(c->server) + cpu_of(c->broker) - before + own_us) / (count > 0 ? count : 1);
    return got == 5;
}

static void
start_server(struct contender *c)
{
    char kind[8];
    const char *argv[] = { "/proc/self/exe",      "server", kind, c->endpoint,
                           c->curve ? w.dir : "", "0",      "0",  NULL };

    (void) snprintf(kind, sizeof kind, "%d", c->kind);
    c->server = world_spawn(&w, argv, NULL, "server.log");
}

static void
start_all(pid_t *nats)
{
    char key[BUS_KEY_TEXT_BYTES], claims[BUS_KEY_TEXT_BYTES], text[512], port[8];

    world_keys(&w, "broker.key", key);
    world_keys(&w, "claims.key", claims);
    world_keys(&w, "gateway.key", key);
    (void) snprintf(text, sizeof text,
                    "key %s gateway\nkey %s claims\npeer self gateway\npeer self claims\n"
                    "call gateway claims\n",
                    key, claims);
    world_write(&w, "permissions", text);
    (void) snprintf(contenders[IPC_DIRECT].endpoint, 128, "ipc://%s/direct.sock", w.dir);
    (void) snprintf(contenders[IPC_BUS].endpoint, 128, "ipc://%s/bus.sock", w.dir);
    (void) snprintf(contenders[TCP_DIRECT].endpoint, 128, "tcp://127.0.0.1:%u", world_free_port());
    (void) snprintf(contenders[CURVE_DIRECT].endpoint, 128, "tcp://127.0.0.1:%u",
                    world_free_port());
    (void) snprintf(contenders[CURVE_BUS].endpoint, 128, "tcp://127.0.0.1:%u", world_free_port());
    (void) snprintf(port, sizeof port, "%u", world_free_port());
    (void) snprintf(contenders[NATS_A].endpoint, 128, "nats://127.0.0.1:%s", port);
    memcpy(contenders[NATS_B].endpoint, contenders[NATS_A].endpoint, 128);
    /* A broker each: one would give the requests of both to the workers of both. */
    contenders[IPC_BUS].broker = world_broker(&w, contenders[IPC_BUS].endpoint, "0", "4096");
    contenders[CURVE_BUS].broker = world_broker(&w, contenders[CURVE_BUS].endpoint, "0", "4096");
    const char *argv[] = { "/usr/sbin/nats-server", "-a", "127.0.0.1", "-p", port, NULL };
    *nats = access(argv[0], X_OK) == 0 ? world_spawn(&w, argv, NULL, "nats.log") : 0;
    (void) usleep(500000);
    contenders[NATS_A].broker = contenders[NATS_B].broker = *nats;
    for (size_t i = 0; i < CONTENDERS; i++) {
        if (contenders[i].endpoint[0])
            start_server(&contenders[i]);
    }
    (void) usleep(500000);
}

static int
by_number(const void *a, const void *b)
{
    return (*(const double *) a > *(const double *) b) -
           (*(const double *) a < *(const double *) b);
}

static double
median_of(double *values, int count)
{
    qsort(values, (size_t) count, sizeof *values, by_number);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static double
median(int contender, int depth, int repeats, size_t offset)
{
    double values[REPEATS_MAX];

    for (int i = 0; i < repeats; i++)
        memcpy(&values[i], (const char *) &results[contender][depth][i] + offset, sizeof values[i]);
    return median_of(values, repeats);
}

static void
print_ratio(const char *name, int above, int below, const double *aims, int repeats)
{
    (void) printf("%-34s", name);
    for (int d = 0; d < (int) DEPTHS; d++) {
        double values[REPEATS_MAX];
        for (int i = 0; i < repeats; i++) {
            double base = results[below][d][i].rate;
            /* NATS is as good as the better of its two modes. */
            if (below == NATS_A && results[NATS_B][d][i].rate > base)
                base = results[NATS_B][d][i].rate;
            values[i] = base > 0 ? results[above][d][i].rate / base : NAN;
        }
        const double ratio = median_of(values, repeats);
        (void) printf("  %.2f", ratio);
        if (aims)
            (void) printf(" (aim %.2f %s)", aims[d], ratio >= aims[d] ? "met" : "MISSED");
    }
    (void) printf("\n");
}

static void
print_all(int repeats)
{
    static const double plain[] = { 0.42, 0.50, 0.70 }, ahead[] = { 1, 1, 1 },
                        half[] = { 0.5, 0.5, 0.5 };

    (void) printf("\n%-28s %6s %12s %8s %8s %10s\n", "contender", "depth", "round trips", "p50 us",
                  "p99 us", "CPU us");
    for (int c = 0; c < CONTENDERS; c++) {
        for (int d = 0; contenders[c].endpoint[0] && d < (int) DEPTHS; d++)
            (void) printf("%-28s %6d %10.0f/s %8.0f %8.0f %10.1f\n", contenders[c].name, depths[d],
                          median(c, d, repeats, offsetof(struct result, rate)),
                          median(c, d, repeats, offsetof(struct result, p50)),
                          median(c, d, repeats, offsetof(struct result, p99)),
                          median(c, d, repeats, offsetof(struct result, cpu)));
    }
    (void) printf("\nratios of rates, medians of %d interleaved pairs, at depth 1 / 16 / 256\n",
                  repeats);
    print_ratio("broker ipc / direct ipc", IPC_BUS, IPC_DIRECT, plain, repeats);
    print_ratio("broker CURVE / direct CURVE (tcp)", CURVE_BUS, CURVE_DIRECT, half, repeats);
    if (contenders[NATS_A]
            .endpoint[0]) { /* it has no unix sockets, our broker no tcp without CURVE */
        print_ratio("broker ipc / NATS, better mode", IPC_BUS, NATS_A, ahead, repeats);
        print_ratio("broker CURVE / NATS unencrypted", CURVE_BUS, NATS_A, NULL, repeats);
    }
}

static void
run_all(int repeats, double seconds)
{
    for (int r = 0; r < repeats; r++) {
        for (int d = 0; d < (int) DEPTHS; d++) {
            for (int c = 0; c < CONTENDERS; c++) {
                if (contenders[c].endpoint[0] &&
                    !run_client(&contenders[c], depths[d], seconds, &results[c][d][r]))
                    (void) printf("%s at depth %d failed\n", contenders[c].name, depths[d]);
            }
        }
        (void) printf("repeat %d of %d done\n", r + 1, repeats);
        (void) fflush(stdout);
    }
}

int
main(int argc, char **argv)
{
    pid_t nats;

    if (argc == 7)
        return run_mode(argv);
    int repeats = argc > 1 ? number(argv[1]) : 5;
    if (repeats < 1 || repeats > REPEATS_MAX)
        repeats = 5;
    world_init(&w);
    start_all(&nats);
    if (nats == 0) {
        (void) printf("nats-server or libnats is not installed: NATS is left out\n");
        contenders[NATS_A].endpoint[0] = contenders[NATS_B].endpoint[0] = '\0';
    }
    run_all(repeats, argc > 2 ? atof(argv[2]) : 1.0);
    print_all(repeats);
    for (size_t i = 0; i < CONTENDERS; i++)
        world_end(&contenders[i].server, SIGKILL);
    world_end(&contenders[IPC_BUS].broker, SIGTERM);
    world_end(&contenders[CURVE_BUS].broker, SIGTERM);
    world_end(&nats, SIGTERM);
    world_done(&w);
    return EXIT_SUCCESS;
}
