/* serve_test.c - a real service process behind a real broker: uploads, restarts, drain, memory. */
#include "test.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "caller.h"
#include "claims.pb-c.h"
#include "claims/service.h"
#include "cluster.h"
#include "process.h"

static struct cluster *cluster;
static struct keys *keys;
static char endpoint[144], permissions[128];
static pid_t broker, services[2];

static const struct id town = { { 1, 2, 3 } };

static void
path_in(const char *name, char path[static 128])
{
    (void) snprintf(path, 128, "%s/%s", keys_folder(keys), name);
}

static bool
write_permissions(void)
{
    FILE *out = fopen(permissions, "w");

    if (!out)
        return false;
    (void) fputs("peer self gateway\npeer self claims\npeer self audit\n"
                 "call gateway claims\ncall claims claims Common.Ping\ncall audit claims\n",
                 out);
    return fclose(out) == 0;
}

static bool
is_up(void)
{
    for (int i = 0; i < 100; i++) {
        if (program_run(keys_folder(keys), "huzhu-claims", "ping") == 0)
            return true;
        (void) usleep(50 * 1000);
    }
    return false;
}

static int
open_world(void **state)
{
    char path[128];

    (void) state;
    cluster = cluster_start();
    keys = keys_make();
    if (!cluster || !keys)
        return -1;
    path_in("bus", path);
    (void) snprintf(endpoint, sizeof endpoint, "ipc://%s", path);
    path_in("permissions", permissions);
    setting("HUZHU_BROKER_ENDPOINTS", endpoint);
    setting("HUZHU_BROKER_PERMISSIONS", permissions);
    setting("HUZHU_BROKERS", endpoint);
    setting("HUZHU_CLAIMS_DATABASE_URL", cluster_url(cluster, "huzhu_claims"));
    setting("HUZHU_CLAIMS_FEED_URL", cluster_url(cluster, "huzhu_claims_feed"));
    setting("HUZHU_CLAIMS_MIGRATE_URL", cluster_url(cluster, "huzhu_claims_migrate"));
    setting("HUZHU_PRINCIPAL_KEYS", keys_principals(keys));
    setting("HUZHU_MASTER_KEYS", keys_ring(keys));
    if (!write_permissions())
        return -1;
    broker = program_start(keys_folder(keys), "huzhu-broker", NULL);
    if (program_run(keys_folder(keys), "huzhu-claims", "migrate") != 0 ||
        program_run(keys_folder(keys), "huzhu-claims", "migrate") != 0)
        return -1;
    services[0] = program_start(keys_folder(keys), "huzhu-claims", "serve");
    return is_up() ? 0 : -1;
}

static int
close_world(void **state)
{
    (void) state;
    for (size_t i = 0; i < COUNT(services); i++) {
        (void) program_end(services[i], SIGTERM);
    }
    (void) program_end(broker, SIGKILL);
    keys_remove(keys);
    cluster_stop(cluster);
    return 0;
}

/* --- verbs --- */

static struct bus_client *
client_of(const char *name)
{
    const struct bus_conf conf = { endpoint, name, "", "" };
    struct bus_client *client = NULL;
    struct err err;

    if (bus_client_create(&conf, &client, &err) != ERR_OK)
        fail_msg("%s %s", err.reason, err.text);
    return client;
}

static err_t
ask(struct bus_client *client, struct request_of *request, const Bus__Answer **answer,
    struct err *err)
{
    return bus_call(client, "claims", &request->envelope, answer, err);
}

static struct request_of *
piece_request(const struct person *person, struct id id, int64_t offset, const void *bytes,
              size_t size, bool last)
{
    static int number;
    Huzhu__Id wire = HUZHU__ID__INIT;
    Claims__WriteUploadRequest in = CLAIMS__WRITE_UPLOAD_REQUEST__INIT;
    char key[32];

    wire.value = (ProtobufCBinaryData){ 16, id.bytes };
    in.upload_id = &wire;
    in.offset = offset;
    in.data = (ProtobufCBinaryData){ size, (uint8_t *) (uintptr_t) bytes };
    in.last = last;
    (void) snprintf(key, sizeof key, "piece-%d-%d", (int) getpid(),
                    __atomic_add_fetch(&number, 1, __ATOMIC_RELAXED));
    return request_of(keys, person, "WriteUpload", &in.base, key);
}

struct sent {
    err_t code;
    struct err err;
    int64_t size;
    bool finished;
    uint8_t sha256[32];
    char type[32];
};

static struct sent
send_piece(struct bus_client *client, struct request_of *request)
{
    struct sent sent = { 0 };
    const Bus__Answer *answer;

    sent.code = ask(client, request, &answer, &sent.err);
    if (sent.code == ERR_OK) {
        Claims__WriteUploadReply *reply =
            claims__write_upload_reply__unpack(NULL, answer->body.len, answer->body.data);
        sent.size = reply->upload->size;
        sent.finished = reply->upload->finished;
        (void) snprintf(sent.type, sizeof sent.type, "%s", reply->upload->content_type);
        if (reply->upload->sha256.len == 32)
            memcpy(sent.sha256, reply->upload->sha256.data, 32);
        claims__write_upload_reply__free_unpacked(reply, NULL);
    }
    request_free(request);
    return sent;
}

static uint8_t *
a_scan(size_t size)
{
    uint8_t *bytes = malloc(size);

    if (!bytes)
        abort();
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t) (i * 2654435761u >> 13);
    memcpy(bytes, "%PDF-1.7\n%%EOF\n", 15); /* all of a PDF's form that is asked for */
    return bytes;
}

static err_t
read_range(struct bus_client *client, const struct person *person, struct id id, int64_t offset,
           uint8_t *into, size_t *size)
{
    Huzhu__Id wire = HUZHU__ID__INIT;
    Claims__ReadUploadRequest in = CLAIMS__READ_UPLOAD_REQUEST__INIT;
    const Bus__Answer *answer;
    struct err err;

    wire.value = (ProtobufCBinaryData){ 16, id.bytes };
    in.upload_id = &wire;
    in.offset = offset;
    struct request_of *request = request_of(keys, person, "ReadUpload", &in.base, "");
    const err_t code = ask(client, request, &answer, &err);
    request_free(request);
    if (code != ERR_OK)
        return code;
    Claims__ReadUploadReply *reply =
        claims__read_upload_reply__unpack(NULL, answer->body.len, answer->body.data);
    *size = reply->data.len;
    if (*size > 0)
        memcpy(into, reply->data.data, *size);
    claims__read_upload_reply__free_unpacked(reply, NULL);
    return ERR_OK;
}

/* --- tests --- */

static void
a_document_of_20_mib_goes_in_and_comes_out(void **state)
{
    enum { PIECE = 256 * 1024 };
    const size_t total = (size_t) 20 * 1024 * 1024;
    struct person member = a_person(town, ROLE_MEMBER), stranger = a_person(town, ROLE_MEMBER),
                  clerk = a_person(town, ROLE_VILLAGE_CLERK);
    OWNED(bus_client_destroy) struct bus_client *client = client_of("gateway");
    const struct id id = id_mint(clock_now());
    uint8_t *bytes = a_scan(total), *back = malloc(PIECE), sum[SHA256_BYTES];
    struct sent sent;
    size_t size;

    (void) state;
    for (size_t at = 0; at < total; at += PIECE) {
        sent = send_piece(client, piece_request(&member, id, (int64_t) at, bytes + at, PIECE,
                                                at + PIECE == total));
        assert_int_equal(sent.code, ERR_OK);
        assert_int_equal(sent.size, at + PIECE);
    }
    sha256(bytes, total, sum);
    assert_true(sent.finished);
    assert_memory_equal(sent.sha256, sum, 32);
    assert_string_equal(sent.type, "application/pdf");

    for (size_t at = 0; at < total; at += size) {
        assert_int_equal(read_range(client, &member, id, (int64_t) at, back, &size), ERR_OK);
        assert_true(size > 0);
        assert_memory_equal(back, bytes + at, size);
    }
    assert_int_equal(read_range(client, &member, id, 12345, back, &size), ERR_OK); /* any range */
    assert_int_equal(size, PIECE);
    assert_memory_equal(back, bytes + 12345, size);
    assert_int_equal(read_range(client, &member, id, (int64_t) total, back, &size), ERR_OK);
    assert_int_equal(size, 0);

    assert_int_equal(read_range(client, &stranger, id, 0, back, &size), ERR_NOT_FOUND);
    assert_int_equal(read_range(client, &clerk, id, 0, back, &size), ERR_FORBIDDEN);
    clerk.clearance = LABEL_IDENTITY | LABEL_HEALTH;
    assert_int_equal(read_range(client, &clerk, id, 0, back, &size), ERR_OK);
    clerk.tenant = (struct id){ { 9 } };
    assert_int_equal(read_range(client, &clerk, id, 0, back, &size), ERR_NOT_FOUND);
    assert_int_equal(cluster_sql(cluster, "SELECT 1 FROM claims.event WHERE topic ="
                                          " 'huzhu.bus.v1.SensitiveRead'"),
                     1);
    /* what lies in the database cannot be read there */
    assert_int_equal(cluster_sql(cluster, "SELECT 1 FROM claims.upload_piece WHERE"
                                          " position('%PDF'::bytea IN sealed) > 0"),
                     0);
    assert_int_equal(cluster_broken_invariants(cluster), 0);
    free(bytes);
    free(back);
}

static void
pieces_are_strict(void **state)
{
    const struct person member = a_person(town, ROLE_MEMBER), other = a_person(town, ROLE_MEMBER);
    OWNED(bus_client_destroy) struct bus_client *client = client_of("gateway");
    const struct id id = id_mint(clock_now());
    uint8_t *bytes = a_scan(100000);
    struct sent sent;

    (void) state;
#define SEND(who, offset, at, size, last)                                                          \
    (sent = send_piece(client, piece_request(&(who), id, (offset), (at), (size), (last)))).code
    assert_int_equal(SEND(member, 0, "GIF89a..", 8, true), ERR_REFUSED);
    assert_string_equal(sent.err.reason, "upload.type");
    assert_int_equal(SEND(member, 5000, bytes, 5000, false), ERR_NOT_FOUND); /* not begun */
    assert_int_equal(SEND(member, 0, bytes, 4095, false), ERR_INVALID);
    assert_string_equal(sent.err.reason, "upload.piece");
    assert_int_equal(SEND(member, 0, bytes, 4096, false), ERR_OK);
    assert_int_equal(SEND(member, 0, bytes, 4096, false), ERR_OK); /* again */
    assert_int_equal(sent.size, 4096);
    assert_int_equal(SEND(member, 0, bytes + 1, 4096, false), ERR_CONFLICT);
    assert_string_equal(sent.err.reason, "upload.other_bytes");
    assert_int_equal(SEND(member, 0, bytes, 4097, false), ERR_CONFLICT);
    assert_int_equal(SEND(member, 4097, bytes, 4096, false), ERR_CONFLICT);
    assert_string_equal(sent.err.reason, "upload.gap");
    assert_int_equal(SEND(other, 4096, bytes, 4096, false), ERR_NOT_FOUND);
    assert_int_equal(SEND(member, -1, bytes, 4096, false), ERR_INVALID);
    assert_int_equal(SEND(member, 20971520 - 4095, bytes, 4096, true), ERR_INVALID);
    assert_string_equal(sent.err.reason, "upload.too_large");
    assert_int_equal(SEND(member, INT64_MAX, bytes, 4096, true), ERR_INVALID);
    assert_int_equal(SEND(member, 4096, bytes + 4096, 7, true), ERR_OK);
    assert_true(sent.finished);
    assert_int_equal(SEND(member, 4096, bytes + 4096, 7, true), ERR_OK);
    assert_true(sent.finished);
    assert_int_equal(SEND(member, 4103, bytes, 7, true), ERR_CONFLICT);
    assert_string_equal(sent.err.reason, "upload.finished");
#undef SEND
    assert_int_equal(cluster_broken_invariants(cluster), 0);
    free(bytes);
}

/* --- restarts under load --- */

struct load {
    atomic_bool stop;
    int sent, done, failed;
};

static void *
upload_all_the_time(void *arg)
{
    struct load *load = arg;
    const struct bus_conf conf = { endpoint, "gateway", "", "" };
    const struct person member = a_person(town, ROLE_MEMBER);
    OWNED(bus_client_destroy) struct bus_client *client = NULL;
    struct err err;
    uint8_t *bytes = a_scan(4096);

    if (bus_client_create(&conf, &client, &err) != ERR_OK)
        abort();
    while (!atomic_load(&load->stop)) {
        const struct sent sent =
            send_piece(client, piece_request(&member, id_mint(clock_now()), 0, bytes, 4096, true));
        load->sent++;
        if (sent.code == ERR_OK)
            load->done++;
        else
            load->failed++;
    }
    free(bytes);
    return NULL;
}

static int
finished_uploads(void)
{
    return cluster_sql(cluster, "SELECT 1 FROM claims.upload WHERE finished_at IS NOT NULL");
}

static void
a_service_that_is_told_to_leave_costs_no_request(void **state)
{
    struct load load = { 0 };
    const int before = finished_uploads();
    pthread_t writer;

    (void) state;
    assert_int_equal(pthread_create(&writer, NULL, upload_all_the_time, &load), 0);
    for (int i = 0; i < 3; i++) { /* a second one comes, the first one goes */
        services[1] = program_start(keys_folder(keys), "huzhu-claims", "serve");
        (void) usleep(700 * 1000);
        assert_int_equal(program_end(services[0], SIGTERM), 0);
        services[0] = services[1];
        services[1] = 0;
    }
    atomic_store(&load.stop, true);
    (void) pthread_join(writer, NULL);
    print_message("3 restarts by SIGTERM: %d sent, %d done, %d failed\n", load.sent, load.done,
                  load.failed);
    assert_int_equal(load.failed, 0);
    assert_true(load.done > 50);
    assert_int_equal(finished_uploads() - before, load.done);
}

static void
a_service_that_comes_back_finds_its_requests_waiting(void **state)
{
    struct load load = { 0 };
    const int before = finished_uploads();
    pthread_t writer;

    (void) state;
    assert_int_equal(pthread_create(&writer, NULL, upload_all_the_time, &load), 0);
    (void) usleep(200 * 1000);
    assert_int_equal(program_end(services[0], SIGTERM), 0);
    (void) usleep(300 * 1000); /* nobody serves */
    services[0] = program_start(keys_folder(keys), "huzhu-claims", "serve");
    (void) usleep(700 * 1000);
    atomic_store(&load.stop, true);
    (void) pthread_join(writer, NULL);
    print_message("gone and back: %d sent, %d done, %d failed\n", load.sent, load.done,
                  load.failed);
    assert_int_equal(load.failed, 0);
    assert_int_equal(finished_uploads() - before, load.done);
}

static void
the_port_tells_metrics_and_health(void **state)
{
    char port[16], text[65536];
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t size = sizeof address;
    const int probe = socket(AF_INET, SOCK_STREAM, 0);

    (void) state;
    assert_int_equal(bind(probe, (const struct sockaddr *) &address, size), 0);
    assert_int_equal(getsockname(probe, (struct sockaddr *) &address, &size), 0);
    (void) close(probe);
    (void) snprintf(port, sizeof port, "%d", ntohs(address.sin_port));
    setting("HUZHU_CLAIMS_METRICS_PORT", port);
    services[1] = program_start(keys_folder(keys), "huzhu-claims", "serve");
    no_setting("HUZHU_CLAIMS_METRICS_PORT");

    static const struct {
        const char *path, *status, *part;
    } cases[] = { { "/readyz", "200 OK", "ready" },
                  { "/healthz", "200 OK", "alive" },
                  { "/metrics", "200 OK", "huzhu_db_connections_up 2" },
                  { "/metrics", "200 OK", "huzhu_bus_brokers_alive 1" },
                  { "/secrets", "404 Not Found", "GET" } };
    for (size_t i = 0; i < COUNT(cases); i++) {
        bool found = false;
        for (int tries = 0; tries < 100 && !found; tries++) {
            const int fd = socket(AF_INET, SOCK_STREAM, 0);
            size_t used = 0;
            ssize_t n;
            (void) snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", cases[i].path);
            if (connect(fd, (const struct sockaddr *) &address, sizeof address) == 0 &&
                send(fd, text, strlen(text), MSG_NOSIGNAL) > 0) {
                while ((n = recv(fd, text + used, sizeof text - 1 - used, 0)) > 0)
                    used += (size_t) n;
            }
            text[used] = '\0';
            (void) close(fd);
            found = strstr(text, cases[i].status) && strstr(text, cases[i].part);
            if (!found)
                (void) usleep(50 * 1000);
        }
        if (!found)
            fail_msg("%s: %s", cases[i].path, text);
    }
    assert_int_equal(program_end(services[1], SIGTERM), 0);
    services[1] = 0;
}

/* Another service reads the log through the bus; the gateway may not. */
static void
the_log_is_read_through_the_bus(void **state)
{
    Bus__ReadEventsRequest in = BUS__READ_EVENTS_REQUEST__INIT;
    OWNED(bus_client_destroy)
    struct bus_client *audit = client_of("audit"), *gateway = client_of("gateway");
    const Bus__Answer *answer;
    struct err err;

    (void) state;
    in.limit = 10;
    struct request_of *request = request_of(keys, NULL, "Common.ReadEvents", &in.base, "");
    assert_int_equal(ask(audit, request, &answer, &err), ERR_OK);
    Bus__ReadEventsReply *reply =
        bus__read_events_reply__unpack(NULL, answer->body.len, answer->body.data);
    assert_int_equal(reply->n_events, 10);
    bus__read_events_reply__free_unpacked(reply, NULL);
    assert_int_equal(ask(gateway, request, &answer, &err), ERR_UNAUTHENTICATED);
    request_free(request);
}

static void
wrong_settings_stop_the_start(void **state)
{
    (void) state;
    assert_int_equal(program_run(keys_folder(keys), "huzhu-claims", "--version"), 0);
    assert_int_equal(program_run(keys_folder(keys), "huzhu-claims", "--help-config"), 0);
    assert_int_equal(program_run(keys_folder(keys), "huzhu-claims", "--check-config"), 0);
    assert_int_not_equal(program_run(keys_folder(keys), "huzhu-claims", "--nonsense"), 0);
    setting("HUZHU_CLAIMS_WORKER_THREADS", "1000");
    assert_int_not_equal(program_run(keys_folder(keys), "huzhu-claims", "serve"), 0);
    assert_int_not_equal(program_run(keys_folder(keys), "huzhu-claims", "--check-config"), 0);
    no_setting("HUZHU_CLAIMS_WORKER_THREADS");
    static const char *const wrong[][2] = { { "HUZHU_CLAIMS_WORKER_THREDS", "2" },
                                            { "HUZHU_CLAIMS_BUS_KEY", "/nonexistent" },
                                            { "HUZHU_CLAIMS_BROKER_KEY", "/nonexistent" },
                                            { "HUZHU_CLAIMS_MASTER_KEYS", "/nonexistent" },
                                            { "HUZHU_CLAIMS_PRINCIPAL_KEYS", "/nonexistent" },
                                            { "HUZHU_CLAIMS_CALENDAR_FILE", "/nonexistent" },
                                            { "HUZHU_CLAIMS_DATABASE_URL_FILE", "/nonexistent" },
                                            { "HUZHU_CLAIMS_BROKERS", "" },
                                            { "HUZHU_CLAIMS_LOG_LEVEL", "loud" },
                                            { "HUZHU_CLAIMS_DRAIN_WAIT", "soon" } };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        setting(wrong[i][0], wrong[i][1]);
        if (program_run(keys_folder(keys), "huzhu-claims", "--check-config") == 0)
            fail_msg("%s=%s is taken", wrong[i][0], wrong[i][1]);
        no_setting(wrong[i][0]);
    }
    assert_int_equal(program_run(keys_folder(keys), "huzhu-claims", "--check-config"), 0);
    /* a schema that was not migrated */
    setting("HUZHU_CODING_DATABASE_URL", cluster_url(cluster, "huzhu_coding"));
    setting("HUZHU_CODING_DATABASE_WAIT", "300ms");
    assert_int_not_equal(program_run(keys_folder(keys), "huzhu-coding", "serve"), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_of_20_mib_goes_in_and_comes_out),
        cmocka_unit_test(pieces_are_strict),
        cmocka_unit_test(the_log_is_read_through_the_bus),
        cmocka_unit_test(a_service_that_is_told_to_leave_costs_no_request),
        cmocka_unit_test(a_service_that_comes_back_finds_its_requests_waiting),
        cmocka_unit_test(the_port_tells_metrics_and_health),
        cmocka_unit_test(wrong_settings_stop_the_start),
    };
    return cmocka_run_group_tests_name("serve", tests, open_world, close_world);
}
