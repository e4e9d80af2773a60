/* gateway_harness.c - see gateway_harness.h; certificates and folders are made for each run. */
#include "gateway_harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bus/bus.h"
#include "clock/clock.h"
#include "log/log.h"
#include "test.h"

/* --- a backend that is a function --- */

struct queued {
    struct queued *next;
    uint64_t ticket;
    int64_t due_us;
    Bus__Answer *answer;
};

void (*house_revocations)(struct fake_answer *answer);

struct fake_backend {
    struct backend base;
    struct queued *first, *held;
    uint64_t last_ticket;
    fake_fn *fake;
};

static void
queued_free(struct queued *queued)
{
    if (queued)
        bus__answer__free_unpacked(queued->answer, NULL);
    free(queued);
}

static void
queue_piece(struct fake_backend *fake, const struct fake_answer *from, ProtobufCBinaryData piece,
            bool more)
{
    struct queued *queued = calloc(1, sizeof *queued);
    struct queued **at = &fake->first;
    Bus__Answer answer = BUS__ANSWER__INIT;
    uint8_t *wire;

    answer.code = bus_code_from_err(from->code);
    answer.reason = (char *) (uintptr_t) (from->reason ? from->reason : "");
    answer.text = (char *) (uintptr_t) (from->text ? from->text : "");
    answer.title = (char *) (uintptr_t) (from->title ? from->title : "");
    answer.etag = (char *) (uintptr_t) (from->etag ? from->etag : "");
    answer.more = more;
    answer.path = (char *) (uintptr_t) "";
    answer.body = piece;
    const size_t size = bus__answer__get_packed_size(&answer);
    wire = malloc(size);
    (void) bus__answer__pack(&answer, wire);
    queued->answer = bus__answer__unpack(NULL, size, wire);
    free(wire);
    queued->ticket = fake->last_ticket;
    queued->due_us = clock_monotonic_us() + from->after_ms * 1000;
    while (*at)
        at = &(*at)->next;
    *at = queued;
}

static void
queue(struct fake_backend *fake, const struct fake_answer *from, bool more)
{
    size_t size = from->reply ? protobuf_c_message_get_packed_size(from->reply) : 0;
    uint8_t *packed = malloc(size + 1);
    size_t at = 0;

    if (from->reply)
        (void) protobuf_c_message_pack(from->reply, packed);
    size -= from->cut_bytes < size ? from->cut_bytes : size;
    for (; from->part_bytes > 0 && size - at > from->part_bytes; at += from->part_bytes)
        queue_piece(fake, from, (ProtobufCBinaryData){ from->part_bytes, packed + at }, true);
    queue_piece(fake, from, (ProtobufCBinaryData){ size - at, packed + at }, more);
    free(packed);
}

static err_t
fake_send(struct backend *backend, const char *service, const Bus__Envelope *envelope,
          uint64_t *ticket, struct err *err)
{
    struct fake_backend *fake = (struct fake_backend *) backend;
    struct fake_answer answer = { .code = ERR_OK, .parts = 1 };

    (void) err;
    *ticket = ++fake->last_ticket;
    /* The gateway's own question in the background is no test's request, unless one says so. */
    if (strcmp(envelope->method, "ListRevocations") != 0)
        fake->fake(service, envelope, &answer);
    else if (house_revocations)
        house_revocations(&answer);
    if (answer.silent) {
        answer = (struct fake_answer){ .code = ERR_DEADLINE, .reason = "bus.deadline", .parts = 1 };
        answer.after_ms = (envelope->deadline_us - clock_now().us) / 1000;
    }
    for (int i = 1; i < answer.parts; i++)
        queue(fake, &answer, true);
    queue(fake, &answer, false);
    return ERR_OK;
}

static bool
fake_recv(struct backend *backend, uint64_t *ticket, const Bus__Answer **answer)
{
    struct fake_backend *fake = (struct fake_backend *) backend;
    const int64_t now_us = clock_monotonic_us();

    for (struct queued **at = &fake->first; *at; at = &(*at)->next) {
        struct queued *queued = *at;
        if (queued->due_us > now_us)
            continue;
        *at = queued->next;
        queued_free(fake->held);
        fake->held = queued;
        *ticket = queued->ticket;
        *answer = queued->answer;
        return true;
    }
    return false;
}

static void
fake_cancel(struct backend *backend, uint64_t ticket)
{
    struct fake_backend *fake = (struct fake_backend *) backend;

    for (struct queued **at = &fake->first; *at;) {
        struct queued *queued = *at;
        if (queued->ticket == ticket) {
            *at = queued->next;
            queued_free(queued);
        } else {
            at = &queued->next;
        }
    }
}

static int
fake_fd(const struct backend *backend)
{
    (void) backend;
    return -1;
}

static void
fake_destroy(struct backend *backend)
{
    struct fake_backend *fake = (struct fake_backend *) backend;

    while (fake->first) {
        struct queued *queued = fake->first;
        fake->first = queued->next;
        queued_free(queued);
    }
    queued_free(fake->held);
    free(fake);
}

static err_t
fake_make(const struct gateway_conf *conf, void *arg, struct backend **backend, struct err *err)
{
    struct fake_backend *fake = calloc(1, sizeof *fake);

    (void) conf, (void) err;
    fake->base = (struct backend){ fake_send, fake_recv, fake_cancel, fake_fd, fake_destroy };
    fake->fake = (fake_fn *) arg;
    *backend = &fake->base;
    return ERR_OK;
}

/* --- the house --- */

static void
sign(X509 *certificate, EVP_PKEY *key, const char *name)
{
    X509_NAME *subject = X509_get_subject_name(certificate);

    (void) X509_set_version(certificate, 2);
    (void) ASN1_INTEGER_set(X509_get_serialNumber(certificate), (long) (clock_now().us & 0xffffff));
    (void) X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    (void) X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    (void) X509_set_pubkey(certificate, key);
    (void) X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *) name, -1,
                                      -1, 0);
    (void) X509_set_issuer_name(certificate, subject);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
}

void
house_certify(const struct house *house, const char *name)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    char path[128];
    FILE *file;

    sign(certificate, key, name);
    (void) snprintf(path, sizeof path, "%s/cert.pem", house->folder);
    file = fopen(path, "w");
    assert_non_null(file);
    (void) PEM_write_X509(file, certificate);
    (void) fclose(file);
    (void) snprintf(path, sizeof path, "%s/key.pem", house->folder);
    file = fopen(path, "w");
    assert_non_null(file);
    (void) PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    (void) fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

void
house_write(const struct house *house, const char *name, const char *text)
{
    char path[256];

    (void) snprintf(path, sizeof path, "%s/%s", house->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void) fputs(text, file);
    (void) fclose(file);
}

static void
set(const char *name, const char *value)
{
    char variable[512];

    (void) snprintf(variable, sizeof variable, "HUZHU_GATEWAY_%s", name);
    (void) setenv(variable, value, 1);
}

void
house_open(struct house *house, fake_fn *fake, const struct gateway_parts *parts,
           const char *const *settings)
{
    struct gateway_parts mine = parts ? *parts : (struct gateway_parts){ 0 };
    struct gateway_conf conf;
    struct err err = { 0 };
    char path[128];

    (void) signal(SIGPIPE, SIG_IGN);
    (void) clearenv();
    log_open("gateway", LOG_ERROR);
    (void) snprintf(house->folder, sizeof house->folder, "/tmp/huzhu-gateway-XXXXXX");
    assert_non_null(mkdtemp(house->folder));
    (void) snprintf(path, sizeof path, "%s/web", house->folder);
    (void) mkdir(path, 0755);
    set("WEB_ROOT", path);
    house_write(house, "web/index.html", "<p>互助</p>");
    house_write(house, "web/big.js", "0123456789");
    house_certify(house, "localhost");
    (void) snprintf(path, sizeof path, "%s/cert.pem", house->folder);
    set("CERTIFICATE_FILE", path);
    (void) snprintf(path, sizeof path, "%s/key.pem", house->folder);
    set("CERTIFICATE_KEY_FILE", path);
    set("BROKERS", "inproc://none");
    set("PORT", "0");
    set("LISTEN", "127.0.0.1");
    set("LOOPS", "1");
    set("ACCESS_LOG", "false");
    set("ADDRESS_BURST", "1000000");
    set("ACCOUNT_BURST", "1000000");
    set("SIGN_IN_BURST", "100000");
    for (size_t i = 0; settings && settings[i]; i++) {
        char copy[256];
        (void) snprintf(copy, sizeof copy, "%s", settings[i]);
        char *equals = strchr(copy, '=');
        *equals = '\0';
        set(copy, equals + 1);
    }
    assert_int_equal(gateway_conf_load(&conf, stderr, &err), ERR_OK);
    if (fake) {
        mine.make_backend = fake_make;
        mine.make_backend_arg = (void *) fake;
    }
    if (gateway_create(&conf, &mine, &house->gateway, &err) != ERR_OK)
        fail_msg("%s: %s", err.reason, err.text);
    assert_int_equal(gateway_start(house->gateway, &err), ERR_OK);
    house->port = house->gateway->port;
}

void
house_close(struct house *house)
{
    char command[128];

    gateway_stop(house->gateway);
    gateway_destroy(house->gateway);
    (void) snprintf(command, sizeof command, "/bin/rm -r '%s'", house->folder);
    assert_int_equal(system(command), 0);
}

/* --- the client --- */

bool
client_try(struct client *client, int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t) port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const struct timeval patience = { 20, 0 };

    client->used = 0;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void) setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void) setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    client->context = SSL_CTX_new(TLS_client_method());
    client->ssl = SSL_new(client->context);
    (void) SSL_set_fd(client->ssl, client->fd);
    if (connect(client->fd, (struct sockaddr *) (void *) &address, sizeof address) == 0 &&
        SSL_connect(client->ssl) == 1)
        return true;
    ERR_clear_error();
    client_close(client);
    return false;
}

void
client_open(struct client *client, int port)
{
    if (!client_try(client, port))
        fail_msg("no connection");
}

void
client_close(struct client *client)
{
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
    (void) close(client->fd);
    ERR_clear_error();
}

/* A peer that has closed is found out by reading. */
void
client_send(struct client *client, const char *bytes, size_t size)
{
    while (size > 0) {
        const int sent = SSL_write(client->ssl, bytes, size < 65536 ? (int) size : 65536);
        if (sent <= 0) {
            ERR_clear_error();
            return;
        }
        bytes += sent;
        size -= (size_t) sent;
    }
}

void
client_puts(struct client *client, const char *text)
{
    client_send(client, text, strlen(text));
}

static bool
more(struct client *client)
{
    if (client->used == sizeof client->buffer)
        return false;
    const int got = SSL_read(client->ssl, client->buffer + client->used,
                             (int) (sizeof client->buffer - client->used));
    if (got <= 0) {
        ERR_clear_error();
        return false;
    }
    client->used += (size_t) got;
    return true;
}

static void
drop(struct client *client, size_t size)
{
    memmove(client->buffer, client->buffer + size, client->used - size);
    client->used -= size;
}

static bool
read_head(struct client *client, struct answer *answer)
{
    char *end;

    *answer = (struct answer){ 0 };
    while (!(end = memmem(client->buffer, client->used, "\r\n\r\n", 4)))
        if (!more(client))
            return false;
    const size_t size = (size_t) (end - client->buffer) + 4;
    assert_true(size < sizeof answer->head);
    memcpy(answer->head, client->buffer, size);
    drop(client, size);
    assert_memory_equal(answer->head, "HTTP/1.1 ", 9);
    answer->status = (int) strtol(answer->head + 9, NULL, 10);
    return true;
}

static bool
read_sized(struct client *client, struct answer *answer, size_t size)
{
    answer->body = realloc(answer->body, answer->body_size + size + 1);
    while (size > 0) {
        if (client->used == 0 && !more(client))
            return false;
        const size_t step = client->used < size ? client->used : size;
        memcpy(answer->body + answer->body_size, client->buffer, step);
        answer->body_size += step;
        size -= step;
        drop(client, step);
    }
    answer->body[answer->body_size] = '\0';
    return true;
}

static bool
read_chunks(struct client *client, struct answer *answer)
{
    for (;;) {
        char *end;
        while (!(end = memmem(client->buffer, client->used, "\r\n", 2)))
            if (!more(client))
                return false;
        const size_t size = strtoul(client->buffer, NULL, 16);
        drop(client, (size_t) (end - client->buffer) + 2);
        if (!read_sized(client, answer, size))
            return false;
        while (client->used < 2)
            if (!more(client))
                return false;
        drop(client, 2);
        if (size == 0)
            return true;
    }
}

bool
client_read_no_body(struct client *client, struct answer *answer)
{
    if (!read_head(client, answer))
        return false;
    answer->body = calloc(1, 1);
    return true;
}

bool
client_read(struct client *client, struct answer *answer)
{
    if (!read_head(client, answer))
        return false;
    const char *encoding = answer_header(answer, "Transfer-Encoding");
    if (encoding)
        return read_chunks(client, answer);
    const char *length = answer_header(answer, "Content-Length");
    return read_sized(client, answer, length ? strtoul(length, NULL, 10) : 0);
}

void
answer_free(struct answer *answer)
{
    free(answer->body);
    answer->body = NULL;
}

const char *
answer_header(const struct answer *answer, const char *name)
{
    static _Thread_local char value[4096];
    const size_t size = strlen(name);

    for (const char *line = strstr(answer->head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, size) == 0 && line[2 + size] == ':') {
            const char *from = line + 2 + size + 1;
            from += strspn(from, " ");
            (void) snprintf(value, sizeof value, "%.*s", (int) strcspn(from, "\r"), from);
            return value;
        }
    }
    return NULL;
}

bool
client_is_closed(struct client *client, int within_ms)
{
    const int64_t until_us = clock_monotonic_us() + within_ms * INT64_C(1000);

    for (;;) {
        const int64_t left_ms = (until_us - clock_monotonic_us()) / 1000;
        struct pollfd fd = { client->fd, POLLIN, 0 };
        if (left_ms <= 0)
            return false;
        if (SSL_pending(client->ssl) == 0 && poll(&fd, 1, (int) left_ms) <= 0)
            return false;
        char byte[256];
        const int got = SSL_read(client->ssl, byte, sizeof byte);
        if (got <= 0 && SSL_get_error(client->ssl, got) != SSL_ERROR_WANT_READ) {
            ERR_clear_error();
            return true;
        }
    }
}

int
ask(const struct house *house, const char *request, struct answer *answer)
{
    struct client client;
    struct answer own;

    client_open(&client, house->port);
    client_puts(&client, request);
    const bool got = client_read(&client, answer ? answer : &own);
    client_close(&client);
    const int status = got ? (answer ? answer : &own)->status : 0;
    if (!answer)
        answer_free(&own);
    return status;
}

long
resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long size = 0, resident = 0;

    if (!file)
        return 0;
    if (fscanf(file, "%ld %ld", &size, &resident) != 2)
        resident = 0;
    (void) fclose(file);
    return resident * sysconf(_SC_PAGESIZE);
}
