/* bus_world.h - a small world for tests of the bus: a folder, key pairs, a permission table,
 * brokers and workers as processes of their own that a test can kill. */
#ifndef HUZHU_BUS_WORLD_H
#define HUZHU_BUS_WORLD_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bus/bus.h"
#include "bus/bus_keys.h"
#include "clock/clock.h"
#include "id/id.h"

#define EVENTUALLY(fact)                                                                           \
    do {                                                                                           \
        const int64_t end_ = clock_monotonic_us() + 10000000;                                      \
        while (!(fact) && clock_monotonic_us() < end_)                                             \
            world_pause();                                                                         \
        assert_true(fact);                                                                         \
    } while (0)

enum { WORLD_PATH_BYTES = 256 };

struct world {
    char dir[64];
};

static inline void
world_pause(void)
{
    (void) nanosleep(&(struct timespec){ 0, 2000000 }, NULL);
}

static inline const char *
world_path(const struct world *w, const char *name, char path[static WORLD_PATH_BYTES])
{
    (void) snprintf(path, WORLD_PATH_BYTES, "%s/%s", w->dir, name);
    return path;
}

static inline void
world_write(const struct world *w, const char *name, const char *text)
{
    char path[WORLD_PATH_BYTES];
    FILE *file = fopen(world_path(w, name, path), "we");

    assert(file);
    (void) fputs(text, file);
    (void) fclose(file);
}

static inline void
world_keys(const struct world *w, const char *name, char public_key[static BUS_KEY_TEXT_BYTES])
{
    char path[WORLD_PATH_BYTES];
    struct bus_key_pair pair;
    struct err err;

    if (access(world_path(w, name, path), F_OK) != 0 && bus_keys_generate(path, &err) != ERR_OK)
        abort();
    if (bus_keys_load(path, &pair, &err) != ERR_OK)
        abort();
    memcpy(public_key, pair.public_key, BUS_KEY_TEXT_BYTES);
}

static inline uint16_t
world_free_port(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t size = sizeof at;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (const struct sockaddr *) &at, sizeof at) != 0 ||
        getsockname(fd, (struct sockaddr *) &at, &size) != 0)
        abort();
    (void) close(fd);
    return ntohs(at.sin_port);
}

/* A program with settings "NAME=value\0NAME=value\0\0"; its stderr goes to a file of the folder. */
static inline pid_t
world_spawn(const struct world *w, const char *const *argv, const char *const *settings,
            const char *log)
{
    char path[WORLD_PATH_BYTES];
    const pid_t child = fork();

    if (child == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        const int fd = open(world_path(w, log, path), O_WRONLY | O_CREAT | O_APPEND, 0600);
        (void) dup2(fd, STDERR_FILENO);
        for (size_t i = 0; settings && settings[i]; i += 2)
            (void) setenv(settings[i], settings[i + 1], 1);
        (void) execv(argv[0], (char *const *) (uintptr_t) argv);
        _exit(127);
    }
    return child;
}

static inline pid_t
world_broker(const struct world *w, const char *endpoints, const char *http_port,
             const char *queue_requests)
{
    char permissions[WORLD_PATH_BYTES], key[WORLD_PATH_BYTES];
    const char *argv[] = { HUZHU_BINARY_DIR "/bin/huzhu-broker", "serve", NULL };
    const char *settings[] = { "HUZHU_BROKER_ENDPOINTS",
                               endpoints,
                               "HUZHU_BROKER_PERMISSIONS",
                               world_path(w, "permissions", permissions),
                               "HUZHU_BROKER_CURVE_KEY",
                               world_path(w, "broker.key", key),
                               "HUZHU_BROKER_HTTP_PORT",
                               http_port,
                               "HUZHU_BROKER_QUEUE_REQUESTS",
                               queue_requests,
                               NULL };

    return world_spawn(w, argv, settings, "broker.log");
}

static inline void
world_end(pid_t *child, int how)
{
    if (*child <= 0)
        return;
    (void) kill(*child, SIGCONT); /* first: behind it, it would undo a leak checker's own stop */
    (void) kill(*child, how);
    (void) waitpid(*child, NULL, 0);
    *child = 0;
}

static inline bool
world_log_has(const struct world *w, const char *log, const char *text)
{
    static char bytes[1 << 20];
    char path[WORLD_PATH_BYTES];
    FILE *file = fopen(world_path(w, log, path), "re");

    if (!file)
        return false;
    bytes[fread(bytes, 1, sizeof bytes - 1, file)] = '\0';
    (void) fclose(file);
    return strstr(bytes, text) != NULL;
}

static inline void
world_init(struct world *w)
{
    (void) snprintf(w->dir, sizeof w->dir, "/tmp/huzhu-bus-XXXXXX");
    if (!mkdtemp(w->dir))
        abort();
}

static inline void
world_done(struct world *w)
{
    char command[128];

    (void) snprintf(command, sizeof command, "rm -rf '%s'", w->dir);
    (void) !system(command);
}

/* An envelope with what every envelope needs. */
static inline Bus__Envelope
an_envelope(const char *method, const void *body, size_t size, int64_t deadline_ms)
{
    static uint8_t request_id[16];
    Bus__Envelope e = BUS__ENVELOPE__INIT;

    random_bytes(request_id, sizeof request_id);
    e.request_id.data = request_id;
    e.request_id.len = sizeof request_id;
    e.method = (char *) (uintptr_t) method;
    e.deadline_us = clock_now().us + deadline_ms * 1000;
    e.language = (char *) (uintptr_t) "en";
    e.body.data = (uint8_t *) (uintptr_t) body;
    e.body.len = size;
    return e;
}
#endif
