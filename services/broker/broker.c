/* broker.c - sockets and the loop.  What to do with a message is decided in core.c. */
#include "broker.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "audit.h"
#include "bus/bus_keys.h"
#include "clock/clock.h"
#include "core.h"
#include "http.h"
#include "log/log.h"
#include "metrics.h"
#include "permissions.h"
#include "zap.h"

enum {
    PLAIN, /* ipc: libzmq's PLAIN carries the name, the kernel the uid */
    CURVE, /* tcp, and ipc that was asked to */
    ROUTERS,
    HELD_MAX = 128,     /* answers and requests that wait for what else is there to go with */
    BATCH_MAX = 256,    /* messages of one router before the other, and the clock, are looked at */
    LINGER_MS = 200,    /* answers on their way when the broker stops */
    IDENTITY_BYTES = 5, /* what libzmq makes: a zero and a number */
    /* Answers that wait for one client: more than BUS_CLIENT_PENDING_MAX, so only who has stopped
     * reading loses any. */
    SEND_QUEUE_MAX = 5000,
    IDLE_US_MAX = 100000,
    SPIN_IN_FLIGHT_MAX = 16,
};

#define HEARTBEAT_US INT64_C(1000000) /* everybody hears from the broker so often */
/* The monitor tells of a closed connection before the ROUTER socket knows: it is asked again. */
#define PROBE_STEP_US INT64_C(20000)
#define PROBE_AGAIN_US INT64_C(200000)
/* Who yields and comes back later than this shares its processor with somebody who has work. */
#define OUSTED_US INT64_C(500)
#define OUSTED_PAUSE_US INT64_C(100000)

struct router {
    void *socket, *monitor;
    int fd, monitor_fd;
    bool drained; /* read empty, and not sent to since */
};

struct broker {
    struct broker_conf conf;
    void *context;
    struct router routers[ROUTERS];
    struct zap *zap;
    struct core *core;
    struct audit *audit;
    struct http *http;
    struct permissions *permissions;
    int signal_fd;
    bool stopping;
    bool spins; /* the last wait was short */
    int64_t spin_from_us;
    int64_t looked_us, probed_us, probe_until_us;
    zmq_msg_t identity, msg;
};

const struct conf_row broker_conf_rows[] = {
#define CONF(kind, name, fallback, low, high, says)                                                \
    CONF_ROW(struct broker_conf, kind, name, fallback, low, high, says)
#include "conf.def"
#undef CONF
};
const size_t broker_conf_row_count = COUNT(broker_conf_rows);

/* --- core_io --- */

static enum core_sent
send_to(void *arg, uint64_t peer, zmq_msg_t *msg)
{
    struct broker *b = arg;
    struct router *router = &b->routers[peer >> 32];
    void *socket = router->socket;
    uint8_t identity[IDENTITY_BYTES] = { 0 };
    const uint32_t number = (uint32_t) peer;

    memcpy(identity + 1, &number, sizeof number);
    router->drained = false;
    if (zmq_send(socket, identity, sizeof identity, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) {
        const int fault = errno;
        (void) zmq_msg_close(msg);
        return fault == EHOSTUNREACH ? CORE_GONE : CORE_FULL;
    }
    if (zmq_msg_send(msg, socket, ZMQ_DONTWAIT) >= 0)
        return CORE_SENT;
    (void) zmq_msg_close(msg);
    return CORE_FULL;
}

static void
refused(void *arg, const struct refusal *refusal)
{
    struct broker *b = arg;

    audit_refuse(b->audit, refusal);
}

static void
answered(void *arg, uint64_t ticket, const uint8_t *answer, size_t size)
{
    struct broker *b = arg;

    audit_answered(b->audit, ticket, answer, size);
}

/* --- sockets --- */

static bool
set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool
set_security(struct broker *b, struct router *router, struct err *err)
{
    struct bus_key_pair keys = { "", "" };
    static const char domain[] = "huzhu";

    if (zmq_setsockopt(router->socket, ZMQ_ZAP_DOMAIN, domain, sizeof domain - 1) != 0)
        return false;
    if (router != &b->routers[CURVE])
        return set_int(router->socket, ZMQ_PLAIN_SERVER, 1);
    if (bus_keys_load(b->conf.curve_key, &keys, err) != ERR_OK)
        return false;
    const bool done = keys.secret_key[0] && set_int(router->socket, ZMQ_CURVE_SERVER, 1) &&
                      zmq_setsockopt(router->socket, ZMQ_CURVE_SECRETKEY, keys.secret_key,
                                     strlen(keys.secret_key)) == 0;
    explicit_bzero(&keys, sizeof keys);
    return done;
}

/* Its monitor says when a connection closes, so that work handed to a killed process is handed to
 * another one at once. */
static bool
open_monitor(struct broker *b, struct router *router)
{
    char endpoint[48];
    size_t size = sizeof router->monitor_fd;

    (void) snprintf(endpoint, sizeof endpoint, "inproc://monitor.%d", (int) (router - b->routers));
    if (zmq_socket_monitor(router->socket, endpoint, ZMQ_EVENT_DISCONNECTED) != 0)
        return false;
    router->monitor = zmq_socket(b->context, ZMQ_PAIR);
    return router->monitor && zmq_connect(router->monitor, endpoint) == 0 &&
           zmq_getsockopt(router->monitor, ZMQ_FD, &router->monitor_fd, &size) == 0;
}

static err_t
open_router(struct broker *b, struct router *router, struct err *err)
{
    const int64_t bytes_max = (int64_t) MDP_FRAME_BYTES_MAX + 64; /* CURVE adds 33 */
    size_t size = sizeof router->fd;

    err->code = ERR_OK;
    router->socket = zmq_socket(b->context, ZMQ_ROUTER);
    void *s = router->socket;
    if (s && set_int(s, ZMQ_ROUTER_MANDATORY, 1) && set_int(s, ZMQ_LINGER, LINGER_MS) &&
        set_int(s, ZMQ_SNDHWM, SEND_QUEUE_MAX) && set_int(s, ZMQ_RCVHWM, 0) &&
        set_int(s, ZMQ_HEARTBEAT_IVL, 250) && set_int(s, ZMQ_HEARTBEAT_TIMEOUT, 750) &&
        set_int(s, ZMQ_HANDSHAKE_IVL, 5000) && set_int(s, ZMQ_BACKLOG, 512) &&
        zmq_setsockopt(s, ZMQ_MAXMSGSIZE, &bytes_max, sizeof bytes_max) == 0 &&
        set_security(b, router, err) && open_monitor(b, router) &&
        zmq_getsockopt(s, ZMQ_FD, &router->fd, &size) == 0)
        return ERR_OK;
    if (err->code != ERR_OK)
        return err->code;
    return err_set(err, ERR_INVALID, "broker.socket",
                   "cannot open a socket (is curve_key set?): %s", zmq_strerror(errno));
}

static err_t
mode_of(const struct broker_conf *conf, mode_t *mode, struct err *err)
{
    char *end;
    const unsigned long value = strtoul(conf->socket_mode, &end, 8);

    if (*end != '\0' || value > 0777)
        return err_set(err, ERR_INVALID, "broker.socket_mode", "\"%s\" is no octal mode",
                       conf->socket_mode);
    *mode = (mode_t) value;
    return ERR_OK;
}

static err_t
bind_to(struct broker *b, const char *text, size_t size, struct err *err)
{
    char endpoint[256];
    const bool curved_ipc = strncmp(text, "curve+ipc://", 12) == 0;
    const bool ipc = strncmp(text, "ipc://", 6) == 0;
    const size_t prefix = curved_ipc ? strlen("curve+") : 0;
    mode_t mode = 0;

    if (!curved_ipc && !ipc && strncmp(text, "tcp://", 6) != 0)
        return err_set(err, ERR_INVALID, "broker.endpoint",
                       "an endpoint begins with ipc://, curve+ipc:// or tcp://");
    if (size - prefix >= sizeof endpoint)
        return err_set(err, ERR_INVALID, "broker.endpoint", "an endpoint is too long");
    memcpy(endpoint, text + prefix, size - prefix);
    endpoint[size - prefix] = '\0';
    TRY(mode_of(&b->conf, &mode, err));

    struct router *router = &b->routers[ipc ? PLAIN : CURVE];
    if (!router->socket)
        TRY(open_router(b, router, err));
    /* The socket is born with its mode: there is no moment in which others may connect. */
    const mode_t mask = umask(~mode & 0777);
    const bool bound = zmq_bind(router->socket, endpoint) == 0;
    const int fault = errno;
    (void) umask(mask);
    if (!bound)
        return err_set(err, ERR_INVALID, "broker.endpoint", "cannot listen at \"%s\": %s", endpoint,
                       zmq_strerror(fault));
    return ERR_OK;
}

static err_t
listen_everywhere(struct broker *b, struct err *err)
{
    for (const char *at = b->conf.endpoints; *at;) {
        const size_t size = strcspn(at, ",");
        TRY(bind_to(b, at, size, err));
        at += size + (at[size] == ',');
    }
    return ERR_OK;
}

/* --- life --- */

static err_t
open_signals(struct broker *b, struct err *err)
{
    sigset_t set;

    (void) sigemptyset(&set);
    (void) sigaddset(&set, SIGTERM);
    (void) sigaddset(&set, SIGINT);
    (void) sigaddset(&set, SIGHUP);
    b->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (b->signal_fd < 0)
        return err_set(err, ERR_INTERNAL, "broker.signals", "cannot wait for signals: %s",
                       strerror(errno));
    return ERR_OK;
}

static size_t
metrics_text(void *arg, char *out, size_t size)
{
    const struct broker *b = arg;
    const struct audit_figures refusals = audit_figures(b->audit);

    return metrics_write(b->core, &refusals, out, size);
}

static err_t
open_parts(struct broker *b, struct err *err)
{
    const struct core_conf conf = {
        .queue_count_max = (uint32_t) b->conf.queue_requests,
        .queue_bytes_max = (uint64_t) b->conf.queue_mib << 20,
        .worker_silence_us = b->conf.worker_silence * 1000,
        .peers_max = (uint32_t) b->conf.connections,
        .requests_max = (uint32_t) b->conf.requests,
    };
    const struct core_io io = {
        .arg = b, .send = send_to, .refuse = refused, .answered = answered
    };

    TRY(permissions_load(b->conf.permissions, &b->permissions, err));
    TRY(core_create(&conf, &io, b->permissions, &b->core, err));
    TRY(open_signals(b, err));
    b->audit = audit_create();
    b->context = zmq_ctx_new();
    if (!b->audit || !b->context)
        return err_set(err, ERR_INTERNAL, "bus.no_memory", "memory is out");
    (void) zmq_ctx_set(b->context, ZMQ_IO_THREADS, (int) b->conf.io_threads);
    (void) zmq_ctx_set(b->context, ZMQ_MAX_SOCKETS, (int) b->conf.connections + 64);
    TRY(zap_create(b->context, refused, b, &b->zap, err));
    if (b->conf.http_port > 0)
        TRY(http_create((uint16_t) b->conf.http_port, metrics_text, b, &b->http, err));
    return listen_everywhere(b, err);
}

err_t
broker_create(const struct broker_conf *conf, struct broker **broker, struct err *err)
{
    OWNED(broker_destroy) struct broker *b = calloc(1, sizeof *b);

    if (!b)
        return err_set(err, ERR_INTERNAL, "bus.no_memory", "memory is out");
    b->conf = *conf;
    b->signal_fd = -1;
    (void) zmq_msg_init(&b->identity);
    (void) zmq_msg_init(&b->msg);
    TRY(open_parts(b, err));
    *broker = TAKE(b);
    return ERR_OK;
}

void
broker_destroy(struct broker *broker)
{
    if (!broker)
        return;
    for (size_t i = 0; i < ROUTERS; i++) {
        if (broker->routers[i].monitor) { /* libzmq leaks the event that meets a closed monitor */
            (void) zmq_socket_monitor(broker->routers[i].socket, NULL, 0);
            (void) zmq_close(broker->routers[i].monitor);
        }
        if (broker->routers[i].socket)
            (void) zmq_close(broker->routers[i].socket);
    }
    (void) zmq_msg_close(&broker->identity);
    (void) zmq_msg_close(&broker->msg);
    core_destroy(broker->core);
    zap_destroy(broker->zap);
    http_destroy(broker->http);
    if (broker->context)
        (void) zmq_ctx_term(broker->context);
    audit_destroy(broker->audit);
    permissions_destroy(broker->permissions);
    if (broker->signal_fd >= 0)
        (void) close(broker->signal_fd);
    free(broker);
}

err_t
broker_check(const struct broker_conf *conf, struct err *err)
{
    OWNED(permissions_destroy) struct permissions *permissions = NULL;
    struct bus_key_pair keys = { "", "" };
    mode_t mode;

    TRY(permissions_load(conf->permissions, &permissions, err));
    TRY(mode_of(conf, &mode, err));
    if (conf->curve_key[0])
        TRY(bus_keys_load(conf->curve_key, &keys, err));
    explicit_bzero(keys.secret_key, sizeof keys.secret_key);
    if (!conf->curve_key[0] &&
        (strstr(conf->endpoints, "tcp://") || strstr(conf->endpoints, "curve+")))
        return err_set(err, ERR_INVALID, "broker.no_key", "tcp and curve+ipc need curve_key");
    return ERR_OK;
}

/* --- the loop --- */

/* One message of a router: identity, body.  What has other frames comes from nobody of ours. */
static bool
receive(struct broker *b, size_t router)
{
    void *socket = b->routers[router].socket;
    bool whole;
    uint32_t number;

    if (zmq_msg_recv(&b->identity, socket, ZMQ_DONTWAIT) < 0)
        return false;
    if (!zmq_msg_more(&b->identity) || zmq_msg_recv(&b->msg, socket, ZMQ_DONTWAIT) < 0)
        return true;
    whole = !zmq_msg_more(&b->msg);
    while (zmq_msg_more(&b->msg) && zmq_msg_recv(&b->msg, socket, ZMQ_DONTWAIT) >= 0)
        ;
    const uint8_t *identity = zmq_msg_data(&b->identity);
    const char *user = zmq_msg_gets(&b->msg, "User-Id");
    if (!whole || !user || zmq_msg_size(&b->identity) != IDENTITY_BYTES || identity[0] != 0)
        return true;
    memcpy(&number, identity + 1, sizeof number);
    core_receive(b->core, (uint64_t) router << 32 | number, user, &b->msg);
    (void) zmq_msg_init(&b->msg); /* the core took it */
    if (core_held(b->core) >= HELD_MAX)
        core_flush(b->core);
    return true;
}

static void
receive_batch(struct broker *b, size_t router)
{
    for (size_t count = 0; count < BATCH_MAX; count++) {
        if (!receive(b, router)) {
            b->routers[router].drained = true;
            return;
        }
    }
    b->routers[router].drained = false;
}

/* True when a connection closed. */
static bool
read_monitor(struct broker *b, struct router *router)
{
    bool any = false;

    while (router->monitor && zmq_msg_recv(&b->identity, router->monitor, ZMQ_DONTWAIT) >= 0)
        any = true;
    return any;
}

static void
reload(struct broker *b)
{
    struct permissions *fresh = NULL;
    struct err err;

    if (permissions_load(b->conf.permissions, &fresh, &err) != ERR_OK) {
        LOG(ERROR, NULL, "broker.reload_failed", L_TEXT("reason", err.reason),
            L_TEXT("text", err.text)); /* the old table stays in force */
        return;
    }
    core_set_permissions(b->core, fresh);
    permissions_destroy(b->permissions);
    b->permissions = fresh;
    LOG0(INFO, NULL, "broker.reloaded");
}

static void
read_signals(struct broker *b)
{
    struct signalfd_siginfo info;

    while (read(b->signal_fd, &info, sizeof info) == (ssize_t) sizeof info) {
        if (info.ssi_signo == SIGHUP)
            reload(b);
        else
            b->stopping = true;
    }
}

/* New connections, closed ones, deadlines. */
static void
look_around(struct broker *b, int64_t now_us)
{
    bool closed = false;

    (void) zap_serve(b->zap, b->permissions);
    for (size_t i = 0; i < ROUTERS; i++)
        closed |= read_monitor(b, &b->routers[i]);
    if (closed)
        b->probe_until_us = now_us + PROBE_AGAIN_US;
    if (closed || (now_us - b->probed_us >= PROBE_STEP_US &&
                   (now_us < b->probe_until_us || now_us - b->probed_us >= HEARTBEAT_US))) {
        b->probed_us = now_us;
        core_probe(b->core);
    }
    core_tick(b->core);
    audit_tick(b->audit, b->core, now_us);
}

/* Sending reads a socket's mailbox too and so may swallow the sign that something came: a socket is
 * asked until it is empty and nothing was sent to it since.  Only then is it safe to sleep on its
 * descriptor. */
static void
work(struct broker *b, bool aside)
{
    bool drained;

    do {
        const int64_t now_us = clock_monotonic_us();
        core_set_time(b->core, now_us, clock_now().us);
        if (aside || now_us - b->looked_us >= CORE_TICK_US) {
            b->looked_us = now_us;
            look_around(b, now_us);
            aside = false;
        }
        drained = true;
        for (size_t i = 0; i < ROUTERS; i++) {
            if (b->routers[i].socket && !b->routers[i].drained)
                receive_batch(b, i);
        }
        core_flush(b->core);
        for (size_t i = 0; i < ROUTERS; i++)
            drained &= !b->routers[i].socket || b->routers[i].drained;
    } while (!drained);
}

/* Everything to wait for: first the routers, then what makes look_around() worth while, from *aside
 * on, and the web port's descriptors from *http on. */
static size_t
gather(const struct broker *b, struct pollfd *fds, size_t *aside, size_t *http)
{
    size_t count = 0;

    for (size_t i = 0; i < ROUTERS; i++) {
        if (b->routers[i].socket)
            fds[count++] = (struct pollfd){ .fd = b->routers[i].fd, .events = POLLIN };
    }
    *aside = count;
    for (size_t i = 0; i < ROUTERS; i++) {
        if (b->routers[i].socket)
            fds[count++] = (struct pollfd){ .fd = b->routers[i].monitor_fd, .events = POLLIN };
    }
    fds[count++] = (struct pollfd){ .fd = zap_fd(b->zap), .events = POLLIN };
    fds[count++] = (struct pollfd){ .fd = b->signal_fd, .events = POLLIN };
    *http = count;
    if (b->http)
        count += http_fds(b->http, fds + count);
    return count;
}

/* Looks for something to do for a moment, giving way to whoever wants the processor; what poll()
 * says. */
static int
look_for(struct broker *b, struct pollfd *fds, size_t count)
{
    const int64_t start_us = clock_monotonic_us();
    int64_t now_us = start_us;
    int got;

    while ((got = poll(fds, count, 0)) == 0 && now_us - start_us < b->conf.spin) {
        const int64_t before_us = now_us;
        (void) sched_yield();
        now_us = clock_monotonic_us();
        if (now_us - before_us > OUSTED_US) { /* others are busy: not now */
            b->spin_from_us = now_us + OUSTED_PAUSE_US;
            break;
        }
    }
    return got;
}

/* Waking a thread costs more than all that the broker does with a message, and an answer follows
 * its request soon or not at all: so it looks for a moment before it sleeps.  Not when looking was
 * in vain the last time, and not when much is in flight: then every wait is short anyway. */
static int
wait_for(struct broker *b, struct pollfd *fds, size_t count, int timeout_ms)
{
    const int64_t start_us = clock_monotonic_us();
    int got = 0;

    if (b->spins && start_us >= b->spin_from_us &&
        core_totals(b->core).in_flight <= SPIN_IN_FLIGHT_MAX)
        got = look_for(b, fds, count);
    if (got == 0)
        got = poll(fds, count, timeout_ms);
    b->spins = clock_monotonic_us() - start_us < b->conf.spin;
    return got;
}

/* Sleeps until there is something to do; true when it is not only for the routers. */
static bool
rest(struct broker *b)
{
    struct pollfd fds[2 + 2 * ROUTERS + HTTP_FDS_MAX];
    size_t aside, http;
    const size_t count = gather(b, fds, &aside, &http);
    const bool busy = core_totals(b->core).in_flight > 0;
    bool look = false;

    if (wait_for(b, fds, count, (int) ((busy ? CORE_TICK_US : IDLE_US_MAX) / 1000)) < 0)
        return true;
    for (size_t i = 0, at = 0; i < ROUTERS; i++) {
        if (b->routers[i].socket && fds[at++].revents)
            b->routers[i].drained = false;
    }
    for (size_t i = aside; i < http; i++)
        look |= fds[i].revents != 0;
    if (fds[http - 1].revents)
        read_signals(b);
    bool asked = count > http + 1; /* who is half through must not be forgotten */
    for (size_t i = http; i < count; i++)
        asked |= fds[i].revents != 0;
    if (asked)
        http_serve(b->http, clock_monotonic_us());
    return look;
}

void
broker_run(struct broker *broker)
{
    bool aside = true;

    LOG(INFO, NULL, "broker.started", L_TEXT("endpoints", broker->conf.endpoints));
    while (!broker->stopping) {
        work(broker, aside);
        aside = rest(broker);
    }
    const struct core_totals totals = core_totals(broker->core);
    LOG(INFO, NULL, "broker.stopped", L_INT("requests", (int64_t) totals.requests),
        L_INT("answers", (int64_t) totals.answers), L_INT("in_flight", totals.in_flight));
}
