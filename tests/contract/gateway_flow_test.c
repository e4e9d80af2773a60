/* Goal: time, memory and files: slow clients, rates, uploads, static files, reload, stop.
 * Method: a gateway with short times over real TLS; a service that takes uploads and looks at every
 * byte. */
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "claims.pb-c.h"
#include "clock/clock.h"
#include "gateway_harness.h"
#include "gateway_sample.pb-c.h"
#include "loop.h"
#include "route_row.h"
#include "test.h"

#define H "Host: localhost\r\n"
#define ID "0190a5e0-7c1a-7000-8000-0123456789ab"

/* Sanitizers make every byte dear and keep what is freed: the full size is for the other builds. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { UPLOADS = 20, UPLOAD_BYTES = 1 << 20, CHUNK_BYTES = 65536 };
#else
enum { UPLOADS = 20, UPLOAD_BYTES = 10 << 20, CHUNK_BYTES = 65536 };
#endif

/* Uploads as the service sees them, by the last byte of their id.  One loop, so one thread. */
static struct {
    uint64_t size, chunks;
    uint32_t sum;
    bool last, broken;
    char last_key[80];
} stored[256];

static uint8_t
byte_at(unsigned upload, uint64_t offset)
{
    return (uint8_t) (offset * 31 + offset / 251 + upload);
}

static void
write_upload(const Bus__Envelope *envelope, struct fake_answer *answer)
{
    static Claims__WriteUploadReply reply;
    static Claims__Upload upload;
    Claims__WriteUploadRequest *in =
        claims__write_upload_request__unpack(NULL, envelope->body.len, envelope->body.data);

    assert_non_null(in);
    const unsigned which = in->upload_id->value.data[15];
    __typeof__(&stored[0]) to = &stored[which];
    if (in->offset != (int64_t) to->size || in->data.len > 256 * 1024 || to->last ||
        (in->data.len < 4096 && !in->last) || strcmp(to->last_key, envelope->idempotency_key) == 0)
        to->broken = true;
    for (size_t i = 0; i < in->data.len; i++)
        if (in->data.data[i] != byte_at(which, to->size + i))
            to->broken = true;
    (void) snprintf(to->last_key, sizeof to->last_key, "%s", envelope->idempotency_key);
    __atomic_store_n(&to->size, to->size + in->data.len, __ATOMIC_RELAXED); /* a test looks on */
    to->chunks++;
    to->last = in->last;
    claims__upload__init(&upload);
    claims__write_upload_reply__init(&reply);
    upload.size = (int64_t) to->size;
    upload.finished = in->last;
    reply.upload = &upload;
    answer->reply = &reply.base;
    if (which == 0xee && to->size > 200000)
        *answer = (struct fake_answer){ .code = ERR_REFUSED, .reason = "upload.type", .parts = 1 };
    if (which == 0xdd)
        answer->after_ms = 150;
    claims__write_upload_request__free_unpacked(in, NULL);
}

static void
fake(const char *service, const Bus__Envelope *envelope, struct fake_answer *answer)
{
    static Sample__EchoReply reply;

    (void) service;
    if (strcmp(envelope->method, "WriteUpload") == 0) {
        write_upload(envelope, answer);
        return;
    }
    sample__echo_reply__init(&reply);
    answer->reply = &reply.base;
    answer->after_ms = 600;
}

static struct route sample_routes[] = {
    SAMPLE_ROW(GET, "/api/v1/slow", "Echo", ROUTE_ANONYMOUS),
    SAMPLE_ROW(POST, "/api/v1/slow", "Echo", ROUTE_ANONYMOUS),
    ROUTE_ROW(PUT, "/api/v1/uploads/{uploadId}", "claims", "WriteUpload",
              claims__claims__descriptor, 200, ROUTE_ANONYMOUS | ROUTE_UPLOAD),
};
static const struct gateway_parts parts = { .routes = sample_routes,
                                            .route_count = COUNT(sample_routes) };

/* A second one with the usual times: uploads measure bytes and memory, not this machine's load. */
static struct house patient;

static int
begin(void **state)
{
    static struct house house;
    const char *const usual[] = { "UPLOAD_CHUNK_BYTES=65536", NULL };
    const char *const settings[] = {
        "HEADER_TIMEOUT=600ms",     "IDLE_TIMEOUT=800ms", "BODY_GRACE=2s",  "BODY_RATE=4096",
        "UPLOAD_CHUNK_BYTES=65536", "DRAIN_TIMEOUT=5s",   "METRICS_PORT=0", NULL
    };

    house_open(&patient, fake, &parts, usual);
    house_open(&house, fake, &parts, settings);
    *state = &house;
    return 0;
}

static int
finish(void **state)
{
    house_close(*state);
    house_close(&patient);
    return 0;
}

/* --- slow clients --- */

static void
a_silent_connection_is_closed(void **state)
{
    const struct house *house = *state;
    struct client client;

    client_open(&client, house->port);
    assert_true(client_is_closed(&client, 2000));
    client_close(&client);
}

static void
a_silent_tcp_connection_is_closed_too(void **state)
{
    const struct house *house = *state;
    struct client client;

    client_open(&client, house->port); /* for its socket functions alone */
    client_puts(&client, "GET / HTTP/1.1\r\n" H "\r\n");
    struct answer answer;
    assert_true(client_read(&client, &answer));
    answer_free(&answer);
    const int64_t from_us = clock_monotonic_us();
    assert_true(client_is_closed(&client, 3000)); /* idle */
    assert_in_range(clock_monotonic_us() - from_us, 600000, 2500000);
    client_close(&client);
}

/* One byte every 100 ms keeps a per-read timer happy for ever; the head as a whole has its time. */
static void
a_head_that_drips_is_answered_408(void **state)
{
    const struct house *house = *state;
    static const char head[] =
        "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: bbbbbbbbbbbbbbbbbbbbbbbbbb";
    struct client client;
    struct answer answer;
    const int64_t from_us = clock_monotonic_us();

    client_open(&client, house->port);
    for (size_t i = 0; i < 14; i++) {
        client_send(&client, head + i, 1);
        (void) usleep(100000);
    }
    assert_true(client_read(&client, &answer));
    assert_int_equal(answer.status, 408);
    assert_true(clock_monotonic_us() - from_us < 3 * US_PER_SECOND);
    answer_free(&answer);
    assert_true(client_is_closed(&client, 3000));
    client_close(&client);
}

static void
a_body_that_drips_is_answered_408(void **state)
{
    const struct house *house = *state;
    struct client client;
    struct answer answer;

    client_open(&client, house->port);
    client_puts(&client, "POST /api/v1/slow HTTP/1.1\r\n" H
                         "Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n{");
    for (int i = 0; i < 30; i++) {
        client_puts(&client, " ");
        (void) usleep(100000);
    }
    assert_true(client_read(&client, &answer));
    assert_int_equal(answer.status, 408);
    answer_free(&answer);
    client_close(&client);
}

static void
who_does_not_read_is_let_go(void **state)
{
    const struct house *house = *state;
    struct client client;
    const int64_t from_us = clock_monotonic_us();
    int sent = 0;
    const int small = 4096;

    client_open(&client, house->port);
    (void) setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    while (sent < 4000 && clock_monotonic_us() - from_us < 4 * US_PER_SECOND) {
        static const char request[] = "GET /huge.bin HTTP/1.1\r\n" H "\r\n";
        if (SSL_write(client.ssl, request, sizeof request - 1) <= 0)
            break;
        sent++;
        if (sent > 10)
            (void) usleep(20000);
    }
    const int64_t until_us = clock_monotonic_us() + 6 * US_PER_SECOND;
    while (__atomic_load_n(&house->gateway->connection_count, __ATOMIC_RELAXED) > 0 &&
           clock_monotonic_us() < until_us)
        (void) usleep(10000);
    assert_int_equal(__atomic_load_n(&house->gateway->connection_count, __ATOMIC_RELAXED), 0);
    client_close(&client);
}

/* --- uploads --- */

static bool
upload(int port, unsigned which, size_t size, bool chunked, struct answer *answer)
{
    struct client client;
    char head[256];
    uint8_t *piece = malloc(CHUNK_BYTES);

    client_open(&client, port);
    (void) snprintf(head, sizeof head,
                    "PUT /api/v1/uploads/0190a5e0-7c1a-7000-8000-0123456789%02x HTTP/1.1\r\n" H,
                    which);
    client_puts(&client, head);
    if (chunked)
        (void) snprintf(head, sizeof head, "Transfer-Encoding: chunked\r\n\r\n");
    else
        (void) snprintf(head, sizeof head, "Content-Length: %zu\r\n\r\n", size);
    client_puts(&client, head);
    for (size_t done = 0; done < size;) {
        size_t step = chunked ? 7777 : CHUNK_BYTES;
        if (step > size - done)
            step = size - done;
        for (size_t i = 0; i < step; i++)
            piece[i] = byte_at(which, done + i);
        if (chunked) {
            (void) snprintf(head, sizeof head, "%zx\r\n", step);
            client_puts(&client, head);
        }
        client_send(&client, (const char *) piece, step);
        if (chunked)
            client_puts(&client, "\r\n");
        done += step;
    }
    if (chunked)
        client_puts(&client, "0\r\n\r\n");
    free(piece);
    const bool got = client_read(&client, answer);
    client_close(&client);
    return got;
}

static void
an_upload_arrives_byte_for_byte(void **state)
{
    const struct house *house = &patient;

    (void) state;
    static const size_t sizes[] = { 1, 4095, 65535, 65536, 65537, 131072, 1000000 };

    for (int chunked = 0; chunked < 2; chunked++) {
        for (size_t i = 0; i < COUNT(sizes); i++) {
            struct answer answer;
            const unsigned which = (unsigned) (0x40 + 16 * chunked + (int) i);
            assert_true(upload(house->port, which, sizes[i], chunked, &answer));
            if (answer.status != 200 || stored[which].size != sizes[i] || !stored[which].last ||
                stored[which].broken)
                fail_msg("%zu bytes: %d, %llu stored: %s", sizes[i], answer.status,
                         (unsigned long long) stored[which].size, answer.body);
            assert_int_equal(stored[which].chunks, (sizes[i] + CHUNK_BYTES - 1) / CHUNK_BYTES);
            answer_free(&answer);
        }
    }
}

static void
an_upload_may_be_refused_on_its_way(void **state)
{
    const struct house *house = &patient;

    (void) state;
    struct answer answer;

    assert_true(upload(house->port, 0xee, 3000000, false, &answer));
    assert_int_equal(answer.status, 422);
    assert_non_null(strstr(answer.body, "upload.type"));
    assert_string_equal(answer_header(&answer, "Connection"), "close");
    answer_free(&answer);
}

static void
twenty_mebibytes_pass_and_a_byte_more_does_not(void **state)
{
    const struct house *house = &patient;

    (void) state;
    struct answer answer;

    assert_true(upload(house->port, 0x70, 20 << 20, false, &answer));
    assert_int_equal(answer.status, 200);
    answer_free(&answer);
    assert_int_equal(
        ask(house, "PUT /api/v1/uploads/" ID " HTTP/1.1\r\n" H "Content-Length: 20971521\r\n\r\n",
            &answer),
        413);
    answer_free(&answer);
    assert_true(upload(house->port, 0x71, (20 << 20) + 1, true, &answer));
    assert_int_equal(answer.status, 413);
    assert_false(stored[0x71].last);
    answer_free(&answer);
    assert_int_equal(ask(house, "PUT /api/v1/uploads/" ID " HTTP/1.1\r\n" H "\r\n", &answer), 411);
    answer_free(&answer);
}

/* A service that takes 150 ms per chunk: the client's time does not run while we do not read. */
static void
a_slow_service_is_not_the_clients_fault(void **state)
{
    const struct house *house = &patient;

    (void) state;
    struct answer answer;

    assert_true(upload(house->port, 0xdd, 10 * CHUNK_BYTES, false, &answer));
    assert_int_equal(answer.status, 200);
    answer_free(&answer);
}

static void *
upload_main(void *arg)
{
    const uintptr_t *what = arg;
    struct answer answer;
    char *ok = "";

    answer = (struct answer){ 0 };
    if (!upload((int) what[0], (unsigned) what[1], UPLOAD_BYTES, false, &answer) ||
        answer.status != 200) {
        print_message("upload %u: %d %s; %llu stored\n", (unsigned) what[1], answer.status,
                      answer.body ? answer.body : "", (unsigned long long) stored[what[1]].size);
        ok = NULL;
    }
    answer_free(&answer);
    return ok;
}

static void
twenty_uploads_at_once_need_no_memory(void **state)
{
    const struct house *house = &patient;

    (void) state;
    pthread_t threads[UPLOADS];
    uintptr_t what[UPLOADS][2];
    long most = 0;

    /* The clients live in this process, so their own memory is counted first: all connected once.
     */
    for (int round = 0; round < 2; round++) {
        const long before = resident_bytes();
        most = 0;
        for (uintptr_t i = 0; i < UPLOADS; i++) {
            what[i][0] = (uintptr_t) house->port;
            what[i][1] = 0x80 + 32 * (uintptr_t) round + i;
            assert_int_equal(pthread_create(&threads[i], NULL, upload_main, what[i]), 0);
        }
        for (int i = 0; i < 400 && __atomic_load_n(&stored[what[UPLOADS - 1][1]].size,
                                                   __ATOMIC_RELAXED) < UPLOAD_BYTES;
             i++) {
            const long now = resident_bytes() - before;
            most = now > most ? now : most;
            (void) usleep(10000);
        }
        for (int i = 0; i < UPLOADS; i++) {
            void *ok;
            (void) pthread_join(threads[i], &ok);
            assert_non_null(ok);
            assert_int_equal(stored[what[i][1]].size, UPLOAD_BYTES);
            assert_false(stored[what[i][1]].broken);
        }
    }
    print_message("%d uploads of %d MiB at once: %.1f MiB more resident, clients included\n",
                  UPLOADS, UPLOAD_BYTES >> 20, (double) most / 1048576);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_true(most < (40 << 20)); /* loosely, with the clients' own; the bench is exact */
#endif
}

/* --- settings --- */

/* Every setting that names a thing is tried before the gateway starts, and told by its name. */
static void
wrong_settings_are_told_by_name(void **state)
{
    static const struct {
        const char *name;
        size_t offset;
        const char *value;
    } rows[] = {
#define ROW(upper, lower, value)                                                                   \
    { "HUZHU_GATEWAY_" upper ":", offsetof(struct gateway_conf, lower), value }
        ROW("LISTEN", listen, "everywhere"),
        ROW("CERTIFICATE_FILE", certificate_file, "/nonexistent"),
        ROW("CERTIFICATE_FILE", certificate_key_file, "/nonexistent"),
        ROW("WEB_ROOT", web_root, "/nonexistent"),
        ROW("TENANTS_FILE", tenants_file, "/nonexistent"),
        ROW("BUS_KEY", bus_key, "/nonexistent"),
        ROW("BROKER_KEY", broker_key, "/nonexistent"),
#undef ROW
    };
    const struct house *house = *state;

    assert_true(gateway_conf_check(&house->gateway->conf, stderr));
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct gateway_conf conf = house->gateway->conf;
        char *report = NULL;
        size_t size = 0;
        FILE *problems = open_memstream(&report, &size);
        memcpy((char *) &conf + rows[i].offset, &rows[i].value, sizeof rows[i].value);
        const bool good = gateway_conf_check(&conf, problems);
        (void) fclose(problems);
        if (good || !strstr(report, rows[i].name))
            fail_msg("%s %s is not told: %s", rows[i].name, rows[i].value, report);
        free(report);
    }
}

/* --- static files --- */

static void
files_have_etags_and_compressed_forms(void **state)
{
    const struct house *house = *state;
    struct answer answer;
    char etag[64], request[256];

    assert_int_equal(ask(house, "GET /app.js HTTP/1.1\r\n" H "\r\n", &answer), 200);
    assert_string_equal(answer.body, "plain");
    assert_null(answer_header(&answer, "Content-Encoding"));
    (void) snprintf(etag, sizeof etag, "%s", answer_header(&answer, "ETag"));
    assert_string_equal(answer_header(&answer, "Vary"), "Accept-Encoding");
    assert_non_null(answer_header(&answer, "Content-Security-Policy"));
    answer_free(&answer);
    (void) snprintf(request, sizeof request,
                    "GET /app.js HTTP/1.1\r\n" H "If-None-Match: \"x\", %s\r\n\r\n", etag);
    assert_int_equal(ask(house, request, &answer), 304);
    assert_string_equal(answer_header(&answer, "ETag"), etag);
    assert_non_null(answer_header(&answer, "Content-Security-Policy"));
    assert_non_null(answer_header(&answer, "Strict-Transport-Security"));
    answer_free(&answer);
    static const struct {
        const char *accept, *encoding, *body;
    } forms[] = {
        { "br", "br", "squeezed" },
        { "gzip, deflate, br", "br", "squeezed" },
        { "gzip", "gzip", "zipped" },
        { "br;q=0, gzip;q=0.5", "gzip", "zipped" },
        { "br;q=0.0,gzip;q=0", NULL, "plain" },
        { "identity", NULL, "plain" },
        { "BR", "br", "squeezed" },
    };
    for (size_t i = 0; i < COUNT(forms); i++) {
        (void) snprintf(request, sizeof request,
                        "GET /app.js HTTP/1.1\r\n" H "Accept-Encoding: %s\r\n\r\n",
                        forms[i].accept);
        assert_int_equal(ask(house, request, &answer), 200);
        assert_string_equal(answer.body, forms[i].body);
        const char *encoding = answer_header(&answer, "Content-Encoding");
        if (forms[i].encoding)
            assert_string_equal(encoding, forms[i].encoding);
        else
            assert_null(encoding);
        assert_string_not_equal(answer_header(&answer, "ETag"), forms[i].encoding ? etag : "");
        answer_free(&answer);
    }
}

static void
pages_answer_without_their_suffix(void **state)
{
    const struct house *house = *state;
    struct answer answer;

    assert_int_equal(ask(house, "GET / HTTP/1.1\r\n" H "\r\n", &answer), 200);
    assert_string_equal(answer_header(&answer, "Content-Type"), "text/html; charset=utf-8");
    answer_free(&answer);
    assert_int_equal(ask(house, "GET /index.html HTTP/1.1\r\n" H "\r\n", NULL), 200);
    assert_int_equal(ask(house, "GET /index HTTP/1.1\r\n" H "\r\n", NULL), 404);
    assert_int_equal(ask(house, "GET /page HTTP/1.1\r\n" H "\r\n", NULL), 200);
    assert_int_equal(ask(house, "GET /app.js.br HTTP/1.1\r\n" H "\r\n", NULL), 404);
    assert_int_equal(ask(house, "GET /.hidden HTTP/1.1\r\n" H "\r\n", NULL), 404);
}

static void
a_large_file_comes_whole(void **state)
{
    const struct house *house = *state;
    struct answer answer;

    assert_int_equal(ask(house, "GET /huge.bin HTTP/1.1\r\n" H "\r\n", &answer), 200);
    assert_int_equal(answer.body_size, 3000000);
    for (size_t i = 0; i < answer.body_size; i++)
        if (answer.body[i] != (char) ('a' + i % 23))
            fail_msg("byte %zu", i);
    answer_free(&answer);
}

/* --- reload --- */

static void
subject_of(int port, char *name, size_t room)
{
    struct client client;

    client_open(&client, port);
    X509 *certificate = SSL_get1_peer_certificate(client.ssl);
    (void) X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                                     (int) room);
    X509_free(certificate);
    client_close(&client);
}

static void
certificates_and_files_are_read_again(void **state)
{
    const struct house *house = *state;
    struct client old;
    struct answer answer;
    struct err err;
    char name[64];

    client_open(&old, house->port);
    house_certify(house, "renewed");
    house_write(house, "web/page.html", "second");
    assert_int_equal(gateway_reload(house->gateway, &err), ERR_OK);
    (void) usleep(100000);
    subject_of(house->port, name, sizeof name);
    assert_string_equal(name, "renewed");
    client_puts(&old, "GET /page HTTP/1.1\r\n" H "\r\n"); /* an old connection goes on */
    assert_true(client_read(&old, &answer));
    assert_string_equal(answer.body, "second");
    answer_free(&answer);
    client_close(&old);
}

static void
a_bad_certificate_changes_nothing(void **state)
{
    const struct house *house = *state;
    struct err err;
    char name[64];

    house_write(house, "cert.pem",
                "-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n");
    assert_int_equal(gateway_reload(house->gateway, &err), ERR_INVALID);
    assert_string_equal(err.reason, "tls.files");
    subject_of(house->port, name, sizeof name);
    assert_string_equal(name, "renewed");

    /* A good certificate that is not the key's. */
    house_certify(house, "other");
    char command[256];
    (void) snprintf(command, sizeof command, "cp %s/cert.pem %s/kept.pem", house->folder,
                    house->folder);
    assert_int_equal(system(command), 0);
    house_certify(house, "third");
    (void) snprintf(command, sizeof command, "cp %s/kept.pem %s/cert.pem", house->folder,
                    house->folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(gateway_reload(house->gateway, &err), ERR_INVALID);
    subject_of(house->port, name, sizeof name);
    assert_string_equal(name, "renewed");
}

/* --- rates and counts: houses of their own --- */

static void
rates_are_kept(void **state)
{
    struct house house;
    struct client client;
    struct answer answer;
    const char *const settings[] = { "ADDRESS_RATE=5", "ADDRESS_BURST=10",
                                     "CONNECTIONS_PER_ADDRESS=3", NULL };
    int granted = 0, refused = 0;

    (void) state;
    house_open(&house, fake, &parts, settings);
    client_open(&client, house.port);
    for (int i = 0; i < 20; i++) {
        client_puts(&client, "GET / HTTP/1.1\r\n" H "\r\n");
        assert_true(client_read(&client, &answer));
        granted += answer.status == 200;
        if (answer.status == 429) {
            refused++;
            assert_non_null(answer_header(&answer, "Retry-After"));
        }
        answer_free(&answer);
    }
    assert_in_range(granted, 10, 12);
    assert_int_equal(granted + refused, 20);
    (void) usleep(450000); /* two tokens later */
    client_puts(&client, "GET / HTTP/1.1\r\n" H "\r\n");
    assert_true(client_read(&client, &answer));
    assert_int_equal(answer.status, 200);
    answer_free(&answer);

    struct client two, three, four;
    client_open(&two, house.port);
    client_open(&three, house.port);
    assert_false(client_try(&four, house.port));
    client_close(&two);
    (void) usleep(300000);
    assert_true(client_try(&four, house.port));
    client_close(&three);
    client_close(&four);
    client_close(&client);
    house_close(&house);
}

static void *
stop_main(void *arg)
{
    gateway_stop(arg);
    return NULL;
}

static void
a_stop_finishes_what_is_in_flight(void **state)
{
    struct house house;
    struct client busy, idle, late;
    struct answer answer;
    pthread_t thread;

    (void) state;
    house_open(&house, fake, &parts, NULL);
    client_open(&busy, house.port);
    client_open(&idle, house.port);
    client_puts(&idle, "GET / HTTP/1.1\r\n" H "\r\n");
    assert_true(client_read(&idle, &answer));
    answer_free(&answer);
    client_puts(&busy, "GET /api/v1/slow HTTP/1.1\r\n" H "\r\n"); /* takes 600 ms */
    (void) usleep(200000);
    assert_int_equal(pthread_create(&thread, NULL, stop_main, house.gateway), 0);
    assert_true(client_is_closed(&idle, 1500));
    assert_true(client_read(&busy, &answer));
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer_header(&answer, "Connection"), "close");
    answer_free(&answer);
    assert_false(client_try(&late, house.port));
    (void) pthread_join(thread, NULL);
    client_close(&busy);
    client_close(&idle);
    gateway_destroy(house.gateway);
    char command[128];
    (void) snprintf(command, sizeof command, "/bin/rm -r '%s'", house.folder);
    assert_int_equal(system(command), 0);
}

static int
begin_with_files(void **state)
{
    (void) begin(state);
    const struct house *house = *state;
    char *huge = malloc(3000001);
    struct err err;

    for (size_t i = 0; i < 3000000; i++)
        huge[i] = (char) ('a' + i % 23);
    huge[3000000] = '\0';
    house_write(house, "web/huge.bin", huge);
    house_write(house, "web/app.js", "plain");
    house_write(house, "web/app.js.br", "squeezed");
    house_write(house, "web/app.js.gz", "zipped");
    house_write(house, "web/page.html", "first");
    house_write(house, "web/.hidden", "secret");
    free(huge);
    assert_int_equal(gateway_reload(house->gateway, &err), ERR_OK);
    (void) usleep(100000);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silent_connection_is_closed),
        cmocka_unit_test(a_silent_tcp_connection_is_closed_too),
        cmocka_unit_test(a_head_that_drips_is_answered_408),
        cmocka_unit_test(a_body_that_drips_is_answered_408),
        cmocka_unit_test(who_does_not_read_is_let_go),
        cmocka_unit_test(an_upload_arrives_byte_for_byte),
        cmocka_unit_test(an_upload_may_be_refused_on_its_way),
        cmocka_unit_test(twenty_mebibytes_pass_and_a_byte_more_does_not),
        cmocka_unit_test(a_slow_service_is_not_the_clients_fault),
        cmocka_unit_test(twenty_uploads_at_once_need_no_memory),
        cmocka_unit_test(wrong_settings_are_told_by_name),
        cmocka_unit_test(files_have_etags_and_compressed_forms),
        cmocka_unit_test(pages_answer_without_their_suffix),
        cmocka_unit_test(a_large_file_comes_whole),
        cmocka_unit_test(certificates_and_files_are_read_again),
        cmocka_unit_test(a_bad_certificate_changes_nothing),
        cmocka_unit_test(rates_are_kept),
        cmocka_unit_test(a_stop_finishes_what_is_in_flight),
    };
    return cmocka_run_group_tests(tests, begin_with_files, finish);
}
