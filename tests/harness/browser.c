/* browser.c - the people's half of platform.h: HTTPS through libcurl, and bytes through OpenSSL. */
#include "platform.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock/clock.h"
#include "id/id.h"
#include "test.h"

enum { TIMEOUT_MS = 30000, HEADER_BYTES = 512 };

struct browser {
    const struct platform *platform;
    CURL *curl;
    char cookie[256], csrf[96];
    struct curl_slist *connect_to;
    json_t *last; /* what must_post() and must_get() gave */
};

/* What the call-backs of one request write into. */
struct reading {
    struct answer *answer;
    FILE *body;
    struct browser *browser;
};

const char *
mints(void)
{
    static _Thread_local char texts[8][ID_TEXT_BYTES];
    static _Thread_local unsigned next;
    char *text = texts[next++ % COUNT(texts)];

    id_format(id_mint(clock_now()), text);
    return text;
}

struct browser *
browser_create(const struct platform *p)
{
    struct browser *b = calloc(1, sizeof *b);

    assert_non_null(b);
    b->platform = p;
    b->curl = curl_easy_init();
    assert_non_null(b->curl);
    if (p->connect_to[0])
        b->connect_to = curl_slist_append(NULL, p->connect_to);
    return b;
}

void
browser_destroy(struct browser *b)
{
    if (!b)
        return;
    curl_easy_cleanup(b->curl);
    curl_slist_free_all(b->connect_to);
    json_decref(b->last);
    free(b);
}

const char *
browser_cookie(const struct browser *b)
{
    return b->cookie;
}

static size_t
take_body(char *bytes, size_t unit, size_t count, void *arg)
{
    const struct reading *reading = arg;

    return fwrite(bytes, unit, count, reading->body);
}

static void
copy_value(char *target, size_t room, const char *line, const char *name)
{
    const size_t size = strlen(name);

    if (strncasecmp(line, name, size) != 0)
        return;
    line += size + strspn(line + size, " ");
    (void) snprintf(target, room, "%.*s", (int) strcspn(line, "\r\n"), line);
}

static size_t
take_header(char *bytes, size_t unit, size_t count, void *arg)
{
    const struct reading *reading = arg;
    static const char session[] = "__Host-huzhu="; /* not the one of the CSRF token */
    char line[HEADER_BYTES], cookie[HEADER_BYTES] = "";

    (void) snprintf(line, sizeof line, "%.*s", (int) (unit * count), bytes);
    copy_value(reading->answer->etag, sizeof reading->answer->etag, line, "ETag:");
    copy_value(reading->answer->content_type, sizeof reading->answer->content_type, line,
               "Content-Type:");
    copy_value(cookie, sizeof cookie, line, "Set-Cookie:");
    if (strncmp(cookie, session, sizeof session - 1) == 0)
        (void) snprintf(reading->browser->cookie, sizeof reading->browser->cookie, "%.*s",
                        (int) strcspn(cookie, ";"), cookie);
    return unit * count;
}

static struct curl_slist *
add_header(struct curl_slist *list, const char *name, const char *value)
{
    char line[HEADER_BYTES];

    if (!value || !value[0])
        return list;
    (void) snprintf(line, sizeof line, "%s: %s", name, value);
    return curl_slist_append(list, line);
}

static struct curl_slist *
headers_of(const struct browser *b, const struct ask *ask, bool has_body)
{
    const bool is_read = strcmp(ask->verb, "GET") == 0 || strcmp(ask->verb, "HEAD") == 0;
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");

    if (has_body)
        list = add_header(list, "Content-Type",
                          ask->content_type ? ask->content_type : "application/json");
    list = add_header(list, "Idempotency-Key",
                      ask->idempotency || is_read ? ask->idempotency : mints());
    list = add_header(list, "If-Match", ask->if_match);
    list = add_header(list, "X-CSRF-Token", ask->csrf ? ask->csrf : b->csrf);
    list = add_header(list, "Cookie", ask->cookie ? ask->cookie : b->cookie);
    for (const char *const *header = ask->headers; header && *header; header++)
        list = curl_slist_append(list, *header);
    return list;
}

static void
copy_member(char *target, size_t room, const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));

    (void) snprintf(target, room, "%s", text ? text : "");
}

static void
understand(struct answer *answer)
{
    if (strstr(answer->content_type, "json"))
        answer->json = json_loadb(answer->body, answer->size, 0, NULL);
    if (answer->status < 400 || !answer->json)
        return;
    copy_member(answer->code, sizeof answer->code, answer->json, "code");
    copy_member(answer->reason, sizeof answer->reason, answer->json, "reason");
    copy_member(answer->path, sizeof answer->path, answer->json, "path");
    copy_member(answer->trace, sizeof answer->trace, answer->json, "trace");
}

static void
set_up(struct browser *b, const struct ask *ask, const char *body, size_t size)
{
    char url[2048], certificate[PLATFORM_PATH_BYTES + 32];

    assert_true(snprintf(url, sizeof url, "%s%s", b->platform->url, ask->path) < (int) sizeof url);
    (void) snprintf(certificate, sizeof certificate, "%s/keys/tls/cert.pem", b->platform->data);
    curl_easy_reset(b->curl);
    curl_easy_setopt(b->curl, CURLOPT_URL, url);
    curl_easy_setopt(b->curl, CURLOPT_CONNECT_TO, b->connect_to);
    curl_easy_setopt(b->curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(b->curl, CURLOPT_CAINFO, certificate);
    curl_easy_setopt(b->curl, CURLOPT_CUSTOMREQUEST, ask->verb);
    curl_easy_setopt(b->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(b->curl, CURLOPT_TIMEOUT_MS,
                     (long) (ask->timeout_ms ? ask->timeout_ms : TIMEOUT_MS));
    if (strcmp(ask->verb, "HEAD") == 0)
        curl_easy_setopt(b->curl, CURLOPT_NOBODY, 1L);
    if (body) {
        curl_easy_setopt(b->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) size);
        curl_easy_setopt(b->curl, CURLOPT_POSTFIELDS, body);
    }
}

struct answer
asks(struct browser *b, struct ask ask)
{
    struct answer answer = { 0 };
    struct reading reading = { .answer = &answer, .browser = b };
    char *dumped = ask.json ? json_dumps(ask.json, JSON_COMPACT) : NULL;
    const char *body = dumped ? dumped : ask.body;
    const size_t size = dumped ? strlen(dumped)
                        : body ? (ask.body_size ? ask.body_size : strlen(body))
                               : 0;
    long status = 0;

    json_decref(ask.json);
    reading.body = open_memstream(&answer.body, &answer.size);
    assert_non_null(reading.body);
    set_up(b, &ask, body, size);
    struct curl_slist *headers = headers_of(b, &ask, body != NULL);
    curl_easy_setopt(b->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(b->curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(b->curl, CURLOPT_WRITEDATA, &reading);
    curl_easy_setopt(b->curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(b->curl, CURLOPT_HEADERDATA, &reading);

    const int64_t begun_us = clock_monotonic_us();
    const CURLcode code = curl_easy_perform(b->curl);
    answer.us = clock_monotonic_us() - begun_us;
    if (code == CURLE_OK)
        curl_easy_getinfo(b->curl, CURLINFO_RESPONSE_CODE, &status);
    else
        (void) snprintf(answer.failure, sizeof answer.failure, "%s", curl_easy_strerror(code));
    answer.status = (int) status;
    (void) fclose(reading.body);
    curl_slist_free_all(headers);
    free(dumped);
    understand(&answer);
    return answer;
}

void
answer_free(struct answer *answer)
{
    json_decref(answer->json);
    free(answer->body);
    *answer = (struct answer){ 0 };
}

struct answer
gets(struct browser *b, const char *path)
{
    return asks(b, (struct ask){ .verb = "GET", .path = path });
}

struct answer
posts(struct browser *b, const char *path, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    json_t *json = json_vpack_ex(NULL, 0, format, args);
    va_end(args);
    assert_non_null(json);
    return asks(b, (struct ask){ .verb = "POST", .path = path, .json = json });
}

static json_t *
must(struct browser *b, int status, const char *verb, const char *path, struct answer answer)
{
    if (answer.status != status)
        fail_msg("%s %s: %d %s instead of %d: %s", verb, path, answer.status, answer.failure,
                 status, answer.body);
    json_decref(b->last);
    b->last = json_incref(answer.json);
    answer_free(&answer);
    return b->last;
}

json_t *
must_post(struct browser *b, int status, const char *path, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    json_t *json = json_vpack_ex(NULL, 0, format, args);
    va_end(args);
    assert_non_null(json);
    return must(b, status, "POST", path,
                asks(b, (struct ask){ .verb = "POST", .path = path, .json = json }));
}

json_t *
must_get(struct browser *b, int status, const char *path)
{
    return must(b, status, "GET", path, gets(b, path));
}

void
signs_in(struct browser *b, const char *login, const char *password)
{
    const json_t *json = must_post(b, 201, "/api/v1/sessions", "{s:s, s:s}", "loginName", login,
                                   "password", password);
    const char *csrf = json_string_value(json_object_get(json, "csrfToken"));

    assert_non_null(csrf);
    assert_true(strlen(csrf) < sizeof b->csrf);
    (void) snprintf(b->csrf, sizeof b->csrf, "%s", csrf);
    assert_true(b->cookie[0] != '\0');
}

bool
is_ready(const struct platform *p)
{
    struct browser *b = browser_create(p);
    struct answer answer =
        asks(b, (struct ask){ .verb = "GET", .path = "/readyz", .timeout_ms = 2000 });
    const bool ready = answer.status == 200;

    answer_free(&answer);
    browser_destroy(b);
    return ready;
}

static int
connect_to(const struct platform *p)
{
    const struct sockaddr_in address = { .sin_family = AF_INET,
                                         .sin_port = htons((uint16_t) p->port),
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *) &address, sizeof address), 0);
    return fd;
}

size_t
raw_tls(const struct platform *p, const void *bytes, size_t size, char *out, size_t room,
        int timeout_ms)
{
    const int64_t until_us = clock_monotonic_us() + timeout_ms * INT64_C(1000);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(ctx);
    const int fd = connect_to(p);
    size_t used = 0, sent = 0;

    SSL_set_fd(ssl, fd);
    assert_int_equal(SSL_connect(ssl), 1);
    while (sent < size) {
        const int wrote = SSL_write(ssl, (const char *) bytes + sent,
                                    (int) (size - sent < 16384 ? size - sent : 16384));
        if (wrote <= 0)
            break; /* the peer may have seen enough */
        sent += (size_t) wrote;
    }
    while (used + 1 < room && clock_monotonic_us() < until_us) {
        struct pollfd ready = { .fd = fd, .events = POLLIN };
        if (SSL_pending(ssl) == 0 &&
            poll(&ready, 1, (int) ((until_us - clock_monotonic_us()) / 1000) + 1) <= 0)
            break;
        const int got = SSL_read(ssl, out + used, (int) (room - 1 - used));
        if (got <= 0)
            break;
        used += (size_t) got;
    }
    out[used] = '\0';
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    (void) close(fd);
    return used;
}
