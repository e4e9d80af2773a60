/* https_client PORT PATH REQUESTS CONNECTIONS - that many GETs, one at a time, over keep-alive TLS
 * connections in turn; prints "requests seconds".  For counting a server's instructions: the load
 * is the same however slow the server is made by what counts. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock/clock.h"

enum { CONNECTIONS_MAX = 256 };

static SSL *
open_one(SSL_CTX *context, int port)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t) port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    SSL *ssl = SSL_new(context);

    (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    for (int i = 0; connect(fd, (struct sockaddr *) (void *) &at, sizeof at) != 0; i++) {
        if (i == 200)
            return NULL;
        (void) usleep(50000);
    }
    (void) SSL_set_fd(ssl, fd);
    return SSL_connect(ssl) == 1 ? ssl : NULL;
}

static bool
get(SSL *ssl, const char *request, size_t size)
{
    char answer[16384];
    size_t used = 0, want = 0;

    if (SSL_write(ssl, request, (int) size) != (int) size)
        return false;
    while (want == 0 || used < want) {
        const int got = SSL_read(ssl, answer + used, (int) (sizeof answer - 1 - used));
        if (got <= 0)
            return false;
        used += (size_t) got;
        answer[used] = '\0';
        const char *end = strstr(answer, "\r\n\r\n");
        const char *length = strcasestr(answer, "\r\nContent-Length: ");
        if (want == 0 && end && length)
            want = (size_t) (end - answer) + 4 + strtoul(length + 18, NULL, 10);
    }
    return memcmp(answer, "HTTP/1.1 200", 12) == 0;
}

int
main(int argc, char **argv)
{
    static SSL *all[CONNECTIONS_MAX];
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    char request[256];

    if (argc != 5)
        return EXIT_FAILURE;
    const int port = (int) strtol(argv[1], NULL, 10);
    const long count = strtol(argv[3], NULL, 10), connections = strtol(argv[4], NULL, 10);
    const int size = snprintf(request, sizeof request,
                              "GET %s HTTP/1.1\r\nHost: localhost:%d\r\n\r\n", argv[2], port);
    for (long i = 0; i < connections && i < CONNECTIONS_MAX; i++) {
        all[i] = open_one(context, port);
        if (!all[i])
            return EXIT_FAILURE;
    }
    const int64_t from_us = clock_monotonic_us();
    for (long i = 0; i < count; i++)
        if (!get(all[i % connections], request, (size_t) size))
            return EXIT_FAILURE;
    printf("%ld %.3f\n", count, (double) (clock_monotonic_us() - from_us) / 1e6);
    return EXIT_SUCCESS;
}
