/* upload_bench - how much the gateway's memory grows under 20 parallel 10 MB uploads (aim: 10 MB).
 * The clients are another process; the service is a function that swallows chunks, so that what is
 * measured is the gateway's own. */
#include "test.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "claims.pb-c.h"
#include "gateway_harness.h"
#include "route_row.h"

enum { UPLOADS = 20, UPLOAD_BYTES = 10 * 1000 * 1000 };

static void
fake(const char *service, const Bus__Envelope *envelope, struct fake_answer *answer)
{
    static Claims__WriteUploadReply reply;

    (void) service, (void) envelope;
    claims__write_upload_reply__init(&reply);
    answer->reply = &reply.base;
}

static struct route routes[] = {
    ROUTE_ROW(PUT, "/api/v1/uploads/{uploadId}", "claims", "WriteUpload",
              claims__claims__descriptor, 200, ROUTE_ANONYMOUS | ROUTE_UPLOAD),
};

static int port;

static void *
upload(void *arg)
{
    static char piece[65536];
    struct client client;
    struct answer answer;
    char head[256];

    client_open(&client, port);
    (void) snprintf(head, sizeof head,
                    "PUT /api/v1/uploads/0190a5e0-7c1a-7000-8000-0123456789%02x HTTP/1.1\r\n"
                    "Host: localhost\r\nContent-Length: %d\r\n\r\n",
                    (unsigned) (uintptr_t) arg, UPLOAD_BYTES);
    client_puts(&client, head);
    for (size_t left = UPLOAD_BYTES; left > 0;) {
        const size_t step = left < sizeof piece ? left : sizeof piece;
        client_send(&client, piece, step);
        left -= step;
    }
    const bool good = client_read(&client, &answer) && answer.status == 200;
    client_close(&client);
    return good ? "" : NULL;
}

static int
be_the_clients(int fd)
{
    pthread_t threads[UPLOADS];
    int good = 0;

    if (read(fd, &port, sizeof port) != sizeof port)
        return EXIT_FAILURE;
    for (uintptr_t i = 0; i < UPLOADS; i++)
        (void) pthread_create(&threads[i], NULL, upload, (void *) i);
    for (int i = 0; i < UPLOADS; i++) {
        void *ok;
        (void) pthread_join(threads[i], &ok);
        good += ok != NULL;
    }
    return good == UPLOADS ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
main(void)
{
    const struct gateway_parts parts = { .routes = routes, .route_count = COUNT(routes) };
    struct house house;
    int fds[2], status = 0;
    long most = 0;

    if (pipe(fds) != 0)
        return EXIT_FAILURE;
    const pid_t clients = fork();
    if (clients == 0)
        _exit(be_the_clients(fds[0]));
    house_open(&house, fake, &parts, NULL);
    (void) usleep(200000);
    const long before = resident_bytes();
    if (write(fds[1], &house.port, sizeof house.port) != sizeof house.port)
        return EXIT_FAILURE;
    while (waitpid(clients, &status, WNOHANG) == 0) {
        const long now = resident_bytes() - before;
        most = now > most ? now : most;
        (void) usleep(2000);
    }
    printf(
        "upload memory: %d uploads of %d MB at once, %s; gateway at rest %.1f MB, growth %.1f MB "
        "(aim 10)\n",
        UPLOADS, UPLOAD_BYTES / 1000000, status == 0 ? "all stored" : "NOT all stored",
        (double) before / 1e6, (double) most / 1e6);
    house_close(&house);
    return status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
