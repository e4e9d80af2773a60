/* write_bench.c - a write rpc through broker and runtime, and through HTTPS, against pgbench with
 * the same statements on the same server, interleaved; and the memory of an idle service.
 *
 *   bench.write [bus|https] [SECONDS [REPEATS]]
 *
 * What is compared: one INSERT of eight columns under row-level security, with all that a write
 * brings along: BEGIN, tenant, the event CommandDone and the stored reply, COMMIT; fsync is on.
 * pgbench runs the same SQL prepared, once a round trip for each statement as its scripts usually
 * do, and once as one pipeline as ours.  Read ratios, not rates: machines are noisy. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caller.h"
#include "cluster.h"
#include "cpu.h"
#include "https.h"
#include "two_rpcs.h"

enum { OUTSTANDING = 64, REPEATS_MAX = 15 };

/* --- the service: one INSERT --- */

#define INSERT_SQL                                                                                 \
    "INSERT INTO bench (tenant_id, bench_id, account_id, name, amount_fen, on_day, at, n)"         \
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"

static const struct stmt q_insert = { "bench.insert", INSERT_SQL, 8 };
static const struct stmt *const statements[] = { &q_insert, NULL };

static err_t
bench_write(struct call *c, const Claims__WriteUploadRequest *in, Claims__WriteUploadReply *out)
{
    struct id id;

    TRY(id_from_wire(in->upload_id, "$.uploadId", &id, &c->err));
    TRY(db_exec(c, &q_insert, P_ID(c->tenant), P_ID(id), P_ID(c->account), P_TEXT("王芳"),
                P_INT(123456), P_DATE(date_of(c->now)), P_INSTANT(c->now), P_INT4(in->offset)));
    out->upload = arena_alloc(c->arena, sizeof *out->upload);
    if (!out->upload)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "no memory");
    claims__upload__init(out->upload);
    out->upload->upload_id = id_to_wire(c, id);
    return ERR_OK;
}

static err_t
bench_read(struct call *c, const Claims__ReadUploadRequest *in, Claims__ReadUploadReply *out)
{
    (void) c, (void) in, (void) out;
    return ERR_OK;
}

SVC_THUNK(bench_write, Claims__WriteUploadRequest, Claims__WriteUploadReply)
SVC_THUNK(bench_read, Claims__ReadUploadRequest, Claims__ReadUploadReply)

static const struct svc_method methods[] = {
    { "WriteUpload", bench_write_thunk, ROLE_MEMBER, SVC_WRITE },
    { "ReadUpload", bench_read_thunk, ROLE_MEMBER, SVC_READ },
};
static const struct migration migrations[] = {
    { "0001_bench", "CREATE TABLE bench (tenant_id uuid NOT NULL, bench_id uuid PRIMARY KEY,"
                    " account_id uuid NOT NULL, name text NOT NULL, amount_fen bigint NOT NULL,"
                    " on_day date NOT NULL, at timestamptz NOT NULL, n int NOT NULL);"
                    "SELECT guard_tenant('bench');" },
};
static const struct svc bench = {
    .name = "claims",
    .descriptor = &two_rpcs,
    .methods = methods,
    .method_count = COUNT(methods),
    .statements = statements,
    .migrations = migrations,
    .migration_count = COUNT(migrations),
};

/* The same for pgbench; the values have the same sizes.  %s: how the pipeline begins and ends. */
static const char script[] =
    "%s"
    "BEGIN;\n"
    "SELECT set_config('huzhu.tenant', '01020300-0000-0000-0000-000000000000', true),"
    " set_config('statement_timeout', '10000', true);\n"
    "INSERT INTO bench (tenant_id, bench_id, account_id, name, amount_fen, on_day, at, n) VALUES"
    " ('01020300-0000-0000-0000-000000000000', gen_random_uuid(),"
    " '0190a5e0-0000-7000-8000-000000000000', '王芳', 123456, '2026-11-22', now(), 1);\n"
    "WITH told AS (INSERT INTO event (event_id, tenant_id, topic, body, recorded_at, traceparent)"
    " VALUES (gen_random_uuid(), '01020300-0000-0000-0000-000000000000',"
    " 'huzhu.bus.v1.CommandDone', '\\x%s', now(),"
    " '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')) INSERT INTO reply (tenant_id,"
    " account_id, method, idempotency_key, body_sha256, reply, etag, stored_at, sealed) VALUES"
    " ('01020300-0000-0000-0000-000000000000', '0190a5e0-0000-7000-8000-000000000000',"
    " 'WriteUpload', gen_random_uuid()::text, '\\x%s', '\\x%s', '', now(), true);\n"
    "COMMIT;\n"
    "%s";

/* --- the world --- */

static struct cluster *cluster;
static struct keys *keys;
static char endpoint[160];
static const struct id town = { { 1, 2, 3 } };

static pid_t
spawn(const char *path, const char *verb, const char *argument)
{
    const pid_t pid = fork();

    if (pid != 0)
        return pid;
    char log[128];
    (void) snprintf(log, sizeof log, "%s/log", keys_folder(keys));
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
        _exit(126);
    execl(path, path, verb, argument, NULL);
    _exit(127);
}

static void
end(pid_t pid, int signal_number)
{
    int status;

    if (kill(pid, signal_number) == 0)
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
}

static void
set(const char *name, const char *value)
{
    if (setenv(name, value, 1) != 0)
        abort();
}

static void
write_file(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");

    if (!out || fputs(text, out) < 0 || fclose(out) != 0)
        abort();
}

static void
open_world(void)
{
    static char permissions[128], path[128];

    cluster = cluster_start();
    keys = keys_make();
    if (!cluster || !keys || !cluster_migrate(cluster, &bench))
        exit(1);
    (void) cluster_sql(cluster, "ALTER SYSTEM SET fsync = on");
    (void) cluster_sql(cluster, "ALTER SYSTEM SET full_page_writes = on");
    (void) cluster_sql(cluster, "ALTER SYSTEM SET max_wal_size = '4GB'");
    (void) cluster_sql(cluster, "SELECT pg_reload_conf()");
    (void) snprintf(path, sizeof path, "%s/bus", keys_folder(keys));
    (void) snprintf(endpoint, sizeof endpoint, "ipc://%s", path);
    (void) snprintf(permissions, sizeof permissions, "%s/permissions", keys_folder(keys));
    write_file(permissions,
               "peer self gateway\npeer self claims\npeer self identity\ncall gateway claims\n"
               "call gateway identity\n");
    set("HUZHU_BROKER_ENDPOINTS", endpoint);
    set("HUZHU_BROKER_PERMISSIONS", permissions);
    set("HUZHU_BROKERS", endpoint);
    set("HUZHU_CLAIMS_DATABASE_URL", cluster_url(cluster, "huzhu_claims"));
    set("HUZHU_PRINCIPAL_KEYS", keys_principals(keys));
    set("HUZHU_MASTER_KEYS", keys_ring(keys)); /* replies are stored sealed, as everywhere */
}

/* --- what it costs --- */

/* Seconds of CPU, or microseconds for each request, of everybody that has a part in it. */
struct spent {
    double gateway, broker, service, server, client;
};

/* Who takes part now; 0: nobody. */
struct crew {
    pid_t gateway, broker, service;
    bool client_is_waited; /* the client is a program that we start, and not this one */
};

static struct spent
spent_by(const struct crew *crew)
{
    return (struct spent){
        .gateway = crew->gateway ? cpu_of(crew->gateway) : 0,
        .broker = crew->broker ? cpu_of(crew->broker) : 0,
        .service = crew->service ? cpu_of(crew->service) : 0,
        .server = cpu_of_children(cluster_pid(cluster)),
        .client = crew->client_is_waited ? cpu_of_waited(getpid()) : cpu_of(getpid()),
    };
}

static struct spent
spent_since(const struct spent *start, const struct crew *crew, double requests)
{
    const struct spent now = spent_by(crew);
    const double each = 1e6 / (requests > 0 ? requests : 1);

    return (
        struct spent){ (now.gateway - start->gateway) * each, (now.broker - start->broker) * each,
                       (now.service - start->service) * each, (now.server - start->server) * each,
                       (now.client - start->client) * each };
}

static double
spent_sum(const struct spent *spent)
{
    return spent->gateway + spent->broker + spent->service + spent->server + spent->client;
}

struct result {
    double rate, p99_ms;
    struct spent spent; /* microseconds for each write */
};

static int
by_number(const void *a, const void *b)
{
    const double x = *(const double *) a, y = *(const double *) b;

    return (x > y) - (x < y);
}

/* --- our side, from the bus --- */

static void
send_one(struct bus_client *client, struct request_of *request, int64_t number)
{
    const instant_t now = clock_now();
    const struct id id = id_mint(now);
    uint64_t ticket;
    struct err err;

    request->request_id = id;
    request->envelope.deadline_us = now.us + 10 * US_PER_SECOND;
    (void) snprintf(request->key, sizeof request->key, "%d-%lld", (int) getpid(),
                    (long long) number);
    /* the body's id: tag, length, tag, length, 16 bytes */
    memcpy(request->body + 4, id.bytes, sizeof id.bytes);
    if (bus_client_send(client, "claims", &request->envelope, &ticket, &err) != ERR_OK)
        abort();
}

static struct result
run_ours(int threads, double seconds, pid_t broker)
{
    static int64_t number;
    static double waits[4 << 20];
    static int64_t sent_at[1 << 16];
    const struct person member = a_person(town, ROLE_MEMBER);
    const struct bus_conf conf = { endpoint, "gateway", "", "" };
    Huzhu__Id wire = HUZHU__ID__INIT;
    Claims__WriteUploadRequest in = CLAIMS__WRITE_UPLOAD_REQUEST__INIT;
    struct bus_client *client = NULL;
    struct id id = id_mint(clock_now());
    char count[16];
    struct err err;

    (void) snprintf(count, sizeof count, "%d", threads);
    const struct crew crew = { .broker = broker,
                               .service = spawn("/proc/self/exe", "serve", count) };
    wire.value = (ProtobufCBinaryData){ 16, id.bytes };
    in.upload_id = &wire;
    in.offset = 1;
    struct request_of *request = request_of(keys, &member, "WriteUpload", &in.base, "k");
    if (bus_client_create(&conf, &client, &err) != ERR_OK)
        abort();
    size_t done = 0, failed = 0;
    int64_t started_us = 0, head = 0, tail = 0;
    struct spent start = { 0 };
    for (int i = 0; i < OUTSTANDING; i++) {
        sent_at[head++ & 65535] = clock_monotonic_us();
        send_one(client, request, ++number);
    }
    for (;;) {
        const Bus__Answer *answer;
        uint64_t ticket;
        if (!bus_client_recv(client, 1000, &ticket, &answer))
            continue;
        const int64_t now_us = clock_monotonic_us();
        if (answer->code != 0)
            failed++;
        /* The first answers warm up; the time is measured from the 500th on.  Answers come nearly
         * in order: the wait is that of the oldest, which is good enough for a percentile. */
        if (++done == 500) {
            started_us = now_us;
            start = spent_by(&crew);
        }
        if (done > 500 && done < COUNT(waits))
            waits[done - 501] = (double) (now_us - sent_at[tail & 65535]) / 1000;
        tail++;
        if (started_us > 0 && now_us - started_us > (int64_t) (seconds * 1e6))
            break;
        sent_at[head++ & 65535] = now_us;
        send_one(client, request, ++number);
    }
    const double took = (double) (clock_monotonic_us() - started_us) / 1e6;
    const size_t measured = done - 500;
    const struct spent spent = spent_since(&start, &crew, (double) measured);
    bus_client_destroy(client);
    request_free(request);
    end(crew.service, SIGTERM);
    if (failed > 0) {
        (void) fprintf(stderr, "%zu of %zu failed\n", failed, done);
        exit(1);
    }
    qsort(waits, measured, sizeof *waits, by_number);
    return (struct result){ (double) measured / took, waits[measured * 99 / 100], spent };
}

/* --- pgbench --- */

static void
hex(char *out, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        memcpy(out + 2 * i, "5a", 3);
}

static struct result
run_pgbench(int clients, double seconds, bool pipelined)
{
    char path[128], text[4096], body[512], sum[65], reply[128], command[512];
    struct result result = { 0 };
    long done = 0;
    const struct crew crew = { .client_is_waited = true };
    const struct spent start = spent_by(&crew);

    hex(body, 150);
    hex(sum, 32);
    hex(reply, 22 + 29); /* sealed */
    (void) snprintf(path, sizeof path, "%s/pgbench.sql", keys_folder(keys));
    (void) snprintf(text, sizeof text, script, pipelined ? "\\startpipeline\n" : "", body, sum,
                    reply, pipelined ? "\\endpipeline\n" : "");
    write_file(path, text);
    (void) snprintf(command, sizeof command,
                    "PGOPTIONS='-c search_path=claims' /usr/lib/postgresql/15/bin/pgbench -n -M "
                    "prepared -c %d -j 1 -T %.0f -f %s -h %s -U huzhu_claims huzhu 2>&1",
                    clients, seconds, path, cluster_socket_dir(cluster));
    FILE *out = popen(command, "r");
    while (out && fgets(text, sizeof text, out)) {
        if (sscanf(text, "tps = %lf", &result.rate) != 1 &&
            sscanf(text, "number of transactions actually processed: %ld", &done) != 1 &&
            strstr(text, "ERROR"))
            (void) fputs(text, stderr);
    }
    if (out)
        (void) pclose(out);
    /* backends that end between the looks are counted when the postmaster has waited for them */
    (void) poll(NULL, 0, 200);
    result.spent = spent_since(&start, &crew, (double) done);
    return result;
}

/* --- through the door --- */

static double
median(double *values, int count)
{
    qsort(values, (size_t) count, sizeof *values, by_number);
    return values[count / 2];
}

/* One that is free now; nobody else binds here within the moment. */
static int
free_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (const struct sockaddr *) &address, sizeof address) != 0 ||
        getsockname(fd, (struct sockaddr *) &address, &size) != 0)
        abort();
    (void) close(fd);
    return ntohs(address.sin_port);
}

static pid_t
open_door(int port, pid_t *identity)
{
    static char certificate[160], key[160], principal[160], path[512];
    char number[16];
    const struct person member = a_person(town, ROLE_MEMBER);
    Claims__WriteUploadRequest in = CLAIMS__WRITE_UPLOAD_REQUEST__INIT;
    struct request_of *request = request_of(keys, &member, "WriteUpload", &in.base, "k");

    https_prepare(keys_folder(keys), request);
    request_free(request);
    (void) snprintf(certificate, sizeof certificate, "%s/tls.pem", keys_folder(keys));
    (void) snprintf(key, sizeof key, "%s/tls.key", keys_folder(keys));
    (void) snprintf(principal, sizeof principal, "%s/principal", keys_folder(keys));
    set("HUZHU_GATEWAY_CERTIFICATE_FILE", certificate);
    set("HUZHU_GATEWAY_CERTIFICATE_KEY_FILE", key);
    set("HUZHU_GATEWAY_LISTEN", "127.0.0.1");
    (void) snprintf(number, sizeof number, "%d", port);
    set("HUZHU_GATEWAY_PORT", number);
    set("HUZHU_GATEWAY_ADDRESS_RATE", "1000000");
    set("HUZHU_GATEWAY_ADDRESS_BURST", "1000000");
    set("HUZHU_GATEWAY_ACCOUNT_RATE", "1000000");
    set("HUZHU_GATEWAY_ACCOUNT_BURST", "1000000");
    *identity = spawn("/proc/self/exe", "identity", principal);
    (void) snprintf(path, sizeof path, "%s/bin/huzhu-gateway", HUZHU_BINARY_DIR);
    return spawn(path, NULL, NULL);
}

/* --- pairs --- */

struct series {
    struct result results[REPEATS_MAX + 1];
    int count;
};

/* The median of one figure over a series; the figures of a cost are medians one by one. */
static double
median_at(const struct series *series, size_t offset)
{
    double values[REPEATS_MAX + 1];

    for (int i = 0; i < series->count; i++)
        memcpy(&values[i], (const char *) &series->results[i] + offset, sizeof *values);
    return median(values, series->count);
}

#define MEDIAN(series, member) median_at(series, offsetof(struct result, member))

static double
print_cost(const char *who, const struct series *series)
{
    const struct spent spent = {
        MEDIAN(series, spent.gateway), MEDIAN(series, spent.broker), MEDIAN(series, spent.service),
        MEDIAN(series, spent.server),  MEDIAN(series, spent.client),
    };

    (void) printf("  %-18s %6.0f/s", who, MEDIAN(series, rate));
    if (MEDIAN(series, p99_ms) > 0)
        (void) printf(", p99 %5.1f ms", MEDIAN(series, p99_ms));
    (void) printf(", CPU us each: PostgreSQL %.0f", spent.server);
    if (spent.service > 0)
        (void) printf(", service %.0f, broker %.0f", spent.service, spent.broker);
    if (spent.gateway > 0)
        (void) printf(", gateway %.0f", spent.gateway);
    (void) printf(", client %.0f: %.0f\n", spent.client, spent_sum(&spent));
    return spent_sum(&spent);
}

/* Ours between two of theirs: a machine that grows slower is so for both. */
static void
print_ratio(const char *what, const struct series *ours, const struct series *theirs)
{
    double ratio[REPEATS_MAX];

    for (int i = 0; i < ours->count; i++)
        ratio[i] =
            ours->results[i].rate * 2 / (theirs->results[i].rate + theirs->results[i + 1].rate);
    const double middle = median(ratio, ours->count);
    (void) printf("  %s: ratio median %.2f [%.2f..%.2f] (aim 0.5)\n", what, middle, ratio[0],
                  ratio[ours->count - 1]);
}

static void
start_over(void)
{
    (void) cluster_sql(cluster, "TRUNCATE claims.bench, claims.event, claims.reply");
}

static void
add(struct series *series, struct result result)
{
    series->results[series->count++] = result;
}

static struct result
fresh_pgbench(int threads, double seconds, bool pipelined)
{
    start_over();
    return run_pgbench(threads, seconds, pipelined);
}

/* From the bus to COMMIT. */
static void
compare(int threads, double seconds, int repeats, pid_t broker)
{
    struct series plain = { 0 }, piped = { 0 }, ours = { 0 };

    add(&plain, fresh_pgbench(threads, seconds, false));
    for (int i = 0; i < repeats; i++) {
        start_over();
        add(&ours, run_ours(threads, seconds, broker));
        add(&plain, fresh_pgbench(threads, seconds, false));
        add(&piped, fresh_pgbench(threads, seconds, true));
    }
    (void) printf("%d workers, %d in flight on the bus\n", threads, OUTSTANDING);
    const double cost = print_cost("ours", &ours), their_cost = print_cost("pgbench", &plain);
    (void) print_cost("pgbench pipelined", &piped);
    print_ratio("bus to COMMIT / pgbench", &ours, &plain);
    (void) printf("  their CPU / ours: %.2f (what is left on a machine whose cores are full)\n",
                  their_cost / cost);
    (void) fflush(stdout);
}

/* From the browser's side to COMMIT. */
static void
compare_https(int threads, double seconds, int repeats, pid_t broker)
{
    struct series plain = { 0 }, ours = { 0 };
    char count[16];
    pid_t identity;

    (void) snprintf(count, sizeof count, "%d", threads);
    struct crew crew = { .broker = broker, .client_is_waited = true };
    const int port = free_port();
    crew.gateway = open_door(port, &identity);
    crew.service = spawn("/proc/self/exe", "serve", count);
    (void) poll(NULL, 0, 1000);
    (void) https_load(keys_folder(keys), port, OUTSTANDING, 1); /* warms up */
    add(&plain, fresh_pgbench(threads, seconds, false));
    for (int i = 0; i < repeats; i++) {
        start_over();
        const struct spent start = spent_by(&crew);
        const struct https_result result =
            https_load(keys_folder(keys), port, OUTSTANDING, seconds);
        add(&ours, (struct result){ result.rate, result.p99_ms,
                                    spent_since(&start, &crew, result.requests) });
        add(&plain, fresh_pgbench(threads, seconds, false));
    }
    end(crew.gateway, SIGTERM);
    end(identity, SIGTERM);
    end(crew.service, SIGTERM);
    (void) printf("%d workers, %d HTTPS connections\n", threads, OUTSTANDING);
    const double cost = print_cost("ours", &ours), their_cost = print_cost("pgbench", &plain);
    print_ratio("HTTPS to COMMIT / pgbench", &ours, &plain);
    (void) printf("  their CPU / ours: %.2f (what is left on a machine whose cores are full)\n",
                  their_cost / cost);
    (void) fflush(stdout);
}

/* --- memory --- */

static void
print_memory(void)
{
    static const char *const wanted[] = { "VmRSS", "RssAnon", "RssFile" };
    char path[128], line[256];

    /* the real service, migrated into a schema of its own */
    (void) snprintf(path, sizeof path, "%s/bin/huzhu-coding", HUZHU_BINARY_DIR);
    set("HUZHU_CODING_DATABASE_URL", cluster_url(cluster, "huzhu_coding"));
    set("HUZHU_CODING_MIGRATE_URL", cluster_url(cluster, "huzhu_coding_migrate"));
    const pid_t migration = spawn(path, "migrate", NULL);
    (void) waitpid(migration, NULL, 0);
    const pid_t service = spawn(path, "serve", NULL);
    (void) poll(NULL, 0, 2000);
    (void) snprintf(path, sizeof path, "/proc/%d/status", (int) service);
    FILE *in = fopen(path, "r");
    (void) printf("an idle service (2 worker threads):");
    while (in && fgets(line, sizeof line, in)) {
        for (size_t i = 0; i < COUNT(wanted); i++) {
            long kib;
            if (strncmp(line, wanted[i], strlen(wanted[i])) == 0 &&
                sscanf(line + strlen(wanted[i]) + 1, "%ld", &kib) == 1)
                (void) printf(" %s %.1f MiB", wanted[i], (double) kib / 1024);
        }
    }
    (void) printf(" (aim: resident under 16)\n");
    if (in)
        (void) fclose(in);
    end(service, SIGTERM);
}

/* --- main --- */

static int
serve_as_child(const char *threads)
{
    setenv("HUZHU_CLAIMS_WORKER_THREADS", threads, 1);
    char *argv[] = { (char *) "bench", (char *) "serve", NULL };

    return svc_main(&bench, 2, argv);
}

int
main(int argc, char **argv)
{
    bool bus = true, https = true;

    if (argc == 3 && strcmp(argv[1], "serve") == 0)
        return serve_as_child(argv[2]);
    if (argc == 3 && strcmp(argv[1], "identity") == 0)
        return https_identity(getenv("HUZHU_BROKERS"), argv[2]);
    if (argc > 1 && (strcmp(argv[1], "bus") == 0 || strcmp(argv[1], "https") == 0)) {
        bus = argv[1][0] == 'b';
        https = !bus;
        argc--;
        argv++;
    }
    const double seconds = argc > 1 ? strtod(argv[1], NULL) : 3;
    const int repeats = argc > 2 ? (int) strtol(argv[2], NULL, 10) : 5;
    if (seconds < 1 || repeats < 1 || repeats > REPEATS_MAX)
        return fprintf(stderr, "usage: bench.write [bus|https] [SECONDS [REPEATS]]\n"), 2;

    open_world();
    char path[512];
    (void) snprintf(path, sizeof path, "%s/bin/huzhu-broker", HUZHU_BINARY_DIR);
    const pid_t broker = spawn(path, NULL, NULL);
    if (bus)
        print_memory();
    for (int threads = 4; bus && threads <= 8; threads *= 2)
        compare(threads, seconds, repeats, broker);
    for (int threads = 4; https && threads <= 8; threads *= 2)
        compare_https(threads, seconds, repeats, broker);
    end(broker, SIGTERM);
    keys_remove(keys);
    cluster_stop(cluster);
    return 0;
}
