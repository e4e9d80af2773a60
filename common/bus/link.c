/* link.c - DEALER sockets, their security and their pulse. */
#include "bus/link.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "clock/clock.h"
#include "fault/fault.h"

/* One context, so one I/O thread, for all clients and workers of the process. */
static struct {
    pthread_mutex_t mutex;
    void *context;
    uint32_t users;
} shared = { .mutex = PTHREAD_MUTEX_INITIALIZER };

void *
bus_context_get(void)
{
    (void) pthread_mutex_lock(&shared.mutex);
    if (!shared.context)
        shared.context = zmq_ctx_new();
    if (shared.context) {
        (void) zmq_ctx_set(shared.context, ZMQ_MAX_SOCKETS, 4096);
        shared.users++;
    }
    void *context = shared.context;
    (void) pthread_mutex_unlock(&shared.mutex);
    return context;
}

void
bus_context_put(void)
{
    void *last = NULL;

    (void) pthread_mutex_lock(&shared.mutex);
    assert(shared.users > 0);
    if (--shared.users == 0)
        last = TAKE(shared.context);
    (void) pthread_mutex_unlock(&shared.mutex);
    while (last && zmq_ctx_term(last) != 0 && errno == EINTR)
        ;
}

static bool
set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool
set_text(void *socket, int option, const char *value)
{
    return zmq_setsockopt(socket, option, value, strlen(value)) == 0;
}

/* Over ipc the kernel tells the broker our uid and PLAIN tells the name that the uid stands for;
 * over a network both sides prove their keys. */
static bool
set_security(const struct link_set *set, const struct link *link)
{
    if (!link->curve)
        return set_text(link->socket, ZMQ_PLAIN_USERNAME, set->name) &&
               set_text(link->socket, ZMQ_PLAIN_PASSWORD, "-");
    return set_text(link->socket, ZMQ_CURVE_SERVERKEY, set->broker_key) &&
           set_text(link->socket, ZMQ_CURVE_PUBLICKEY, set->own.public_key) &&
           set_text(link->socket, ZMQ_CURVE_SECRETKEY, set->own.secret_key);
}

static void
link_close(struct link_set *set, struct link *link, int linger_ms)
{
    if (!link->socket)
        return;
    bundle_clear(&link->out);
    (void) zmq_msg_close(&link->in);
    link->pieces = (struct mdp_pieces){ NULL, NULL };
    (void) epoll_ctl(set->epoll_fd, EPOLL_CTL_DEL, link->fd, NULL);
    (void) set_int(link->socket, ZMQ_LINGER, linger_ms);
    (void) zmq_close(link->socket);
    link->socket = NULL;
    link->up = false;
}

/* False with errno set.  The queues have no limit of their own: what may wait in them is bounded by
 * BUS_CLIENT_PENDING_MAX and by the credit.  A connection attempt is given up and begun anew soon:
 * the kernel's own repeats grow rarer, so that a broker which was cut off for minutes would be
 * found again minutes after it is back. */
static bool
link_open(struct link_set *set, struct link *link)
{
    size_t size = sizeof link->fd;

    link->socket = fault_hit("bus.socket") ? NULL : zmq_socket(set->context, ZMQ_DEALER);
    if (!link->socket)
        return false;
    void *s = link->socket;
    (void) zmq_msg_init(&link->in);
    if (!set_int(s, ZMQ_IMMEDIATE, 1) || !set_int(s, ZMQ_LINGER, 0) || !set_int(s, ZMQ_SNDHWM, 0) ||
        !set_int(s, ZMQ_RCVHWM, 0) || !set_int(s, ZMQ_RECONNECT_IVL, 20) ||
        !set_int(s, ZMQ_RECONNECT_IVL_MAX, 200) || !set_int(s, ZMQ_HANDSHAKE_IVL, 5000) ||
        !set_int(s, ZMQ_CONNECT_TIMEOUT, LINK_CONNECT_MS) || !set_int(s, ZMQ_HEARTBEAT_IVL, 250) ||
        !set_int(s, ZMQ_HEARTBEAT_TIMEOUT, 750) || !set_security(set, link) ||
        zmq_connect(s, link->endpoint) != 0 || zmq_getsockopt(s, ZMQ_FD, &link->fd, &size) != 0)
        return false;
    const int64_t bytes_max = (int64_t) MDP_FRAME_BYTES_MAX + 64; /* CURVE adds 33 */
    struct epoll_event event = { .events = EPOLLIN };
    return zmq_setsockopt(s, ZMQ_MAXMSGSIZE, &bytes_max, sizeof bytes_max) == 0 &&
           epoll_ctl(set->epoll_fd, EPOLL_CTL_ADD, link->fd, &event) == 0;
}

static err_t
add_endpoint(struct link_set *set, const char *text, size_t size, struct err *err)
{
    static const char curve_prefix[] = "curve+";
    struct link *link = &set->links[set->count];

    if (set->count == LINKS_MAX)
        return err_set(err, ERR_INVALID, "bus.conf_brokers", "more than %d brokers", LINKS_MAX);
    link->curve = strncmp(text, "tcp:", 4) == 0;
    if (size > strlen(curve_prefix) && strncmp(text, curve_prefix, strlen(curve_prefix)) == 0) {
        link->curve = true;
        text += strlen(curve_prefix);
        size -= strlen(curve_prefix);
    }
    if (size == 0 || size >= sizeof link->endpoint)
        return err_set(err, ERR_INVALID, "bus.conf_brokers",
                       "an endpoint has %zu characters, 1 to %d are allowed", size,
                       LINK_ENDPOINT_BYTES - 1);
    memcpy(link->endpoint, text, size);
    link->endpoint[size] = '\0';
    if (link->curve && (set->own.secret_key[0] == '\0' || set->broker_key[0] == '\0'))
        return err_set(err, ERR_INVALID, "bus.conf_keys", "\"%s\" needs key files of both sides",
                       link->endpoint);
    set->count++; /* from here on link_set_done() closes it */
    if (!link_open(set, link))
        return err_set(err, ERR_INVALID, "bus.conf_brokers", "cannot connect to \"%s\": %s",
                       link->endpoint, zmq_strerror(errno));
    return ERR_OK;
}

static err_t
load_keys(struct link_set *set, const struct bus_conf *conf, struct err *err)
{
    struct bus_key_pair broker;

    if (conf->key_file && conf->key_file[0])
        TRY(bus_keys_load(conf->key_file, &set->own, err));
    if (conf->broker_key && conf->broker_key[0]) {
        TRY(bus_keys_load(conf->broker_key, &broker, err));
        memcpy(set->broker_key, broker.public_key, sizeof set->broker_key);
        explicit_bzero(&broker, sizeof broker);
    }
    return ERR_OK;
}

err_t
link_set_init(struct link_set *set, enum mdp_side side, const struct bus_conf *conf,
              struct err *err)
{
    *set = (struct link_set){ .side = side, .epoll_fd = -1 };
    if (!conf->name || !mdp_name_is_valid(conf->name, strlen(conf->name)))
        return err_set(err, ERR_INVALID, "bus.conf_name",
                       "a name has 1 to %d characters of a-z 0-9 - _", MDP_NAME_BYTES_MAX);
    (void) snprintf(set->name, sizeof set->name, "%s", conf->name);
    TRY(load_keys(set, conf, err));
    set->context = bus_context_get();
    set->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (!set->context || set->epoll_fd < 0)
        return err_set(err, ERR_INTERNAL, "bus.no_resources", "could not start: %s",
                       zmq_strerror(errno));

    for (const char *at = conf->brokers; at && *at;) {
        const size_t size = strcspn(at, ",");
        TRY(add_endpoint(set, at, size, err));
        at += size + (at[size] == ',');
    }
    if (set->count == 0)
        return err_set(err, ERR_INVALID, "bus.conf_brokers", "no broker is named");
    return ERR_OK;
}

void
link_set_done(struct link_set *set, int linger_ms)
{
    for (size_t i = 0; i < set->count; i++)
        link_close(set, &set->links[i], linger_ms);
    if (set->epoll_fd >= 0)
        (void) close(set->epoll_fd);
    if (set->context)
        bus_context_put();
    explicit_bzero(&set->own, sizeof set->own);
}

static bool
send_now(struct link *link, zmq_msg_t *msg)
{
    if (link->up && zmq_msg_send(msg, link->socket, ZMQ_DONTWAIT) >= 0)
        return true;
    (void) zmq_msg_close(msg);
    return false;
}

void
link_flush(struct link *link)
{
    zmq_msg_t msg;
    bool lost;

    if (bundle_take(&link->out, &msg, &lost))
        lost = !send_now(link, &msg);
    link->lost |= lost;
}

void
link_flush_all(struct link_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        link_flush(&set->links[i]);
}

bool
link_is_holding(const struct link_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->links[i].out.count > 0)
            return true;
    }
    return false;
}

void
link_renew(struct link *link)
{
    bundle_clear(&link->out);
    link->bundles = false;
}

bool
link_send(struct link *link, zmq_msg_t *msg)
{
    if (!link->up || !link->bundles || zmq_msg_size(msg) > BUNDLE_FRAME_BYTES_MAX) {
        link_flush(link);
        return send_now(link, msg);
    }
    if (bundle_add(&link->out, msg))
        return true;
    link_flush(link);
    return bundle_add(&link->out, msg); /* an empty one has room */
}

bool
link_send_command(struct link_set *set, struct link *link, uint8_t command, uint64_t number,
                  const char *service)
{
    const struct mdp_frame frame = {
        .side = set->side, .command = command, .number = number, .service = mdp_text(service)
    };
    zmq_msg_t msg;

    if (zmq_msg_init_size(&msg, mdp_head_size(&frame)) != 0)
        return false;
    mdp_head_write(&frame, zmq_msg_data(&msg));
    link_flush(link);
    return send_now(link, &msg);
}

static bool
is_writable(const struct link *link)
{
    int events = 0;
    size_t size = sizeof events;

    return link->socket && zmq_getsockopt(link->socket, ZMQ_EVENTS, &events, &size) == 0 &&
           (events & ZMQ_POLLOUT);
}

enum link_event
link_tick(struct link_set *set, struct link *link, int64_t now_us)
{
    if (!link->socket && !link_open(set, link)) { /* a descriptor limit: tried again each tick */
        link_close(set, link, 0);
        return LINK_SAME;
    }
    const bool writable = is_writable(link);

    if (!writable && !link->up)
        return LINK_SAME;
    if (!writable || link->lost) {
        link_renew(link);
        link->up = false;
        link->lost = false;
        return LINK_WENT_DOWN;
    }
    if (link->up && link->ping_us && now_us - link->ping_us > LINK_SILENCE_US) {
        /* The answer may lie unread where a thread was long busy elsewhere: it is dead only when
         * nothing was left to read. It hangs, or the way to it is cut: a new socket, so that what
         * waits in the old one does not arrive later. */
        if (link->suspected && link->drained) {
            link_close(set, link, 0);
            return LINK_WENT_DOWN;
        }
        link->drained = false;
        link->suspected = true;
    }
    const bool fresh = !link->up;
    if (fresh) {
        link->up = true;
        link->epoch++;
        link->session = 0;
        link->bundles = false;
        link->ping_us = 0;
        link->suspected = false;
        link->next_ping_us = now_us;
    }
    return fresh ? LINK_CAME_UP : LINK_SAME;
}

void
link_ping(struct link_set *set, struct link *link, int64_t now_us)
{
    const uint8_t command = set->side == MDP_CLIENT ? MDP_C_HEARTBEAT : MDP_W_HEARTBEAT;

    if (!link->up || now_us < link->next_ping_us)
        return;
    if (link_send_command(set, link, command, 0, "")) {
        link->next_ping_us = now_us + LINK_HEARTBEAT_US;
        if (link->ping_us == 0)
            link->ping_us = now_us;
    }
}

/* The broker reads bundles: so do we. */
static void
greet(struct link *link)
{
    zmq_msg_t msg;

    if (link->bundles || zmq_msg_init_size(&msg, MDP_BUNDLE_HEAD_BYTES) != 0)
        return;
    mdp_bundle_head_write(zmq_msg_data(&msg));
    link->bundles = send_now(link, &msg);
}

/* The next message: one frame, or a bundle of them. */
static bool
receive_message(struct link *link)
{
    while (link->socket && zmq_msg_recv(&link->in, link->socket, ZMQ_DONTWAIT) >= 0) {
        if (!zmq_msg_more(&link->in))
            return true;
        /* No message of ours has a second part: the rest is skipped. */
        while (zmq_msg_more(&link->in) && zmq_msg_recv(&link->in, link->socket, ZMQ_DONTWAIT) >= 0)
            ;
    }
    return false;
}

bool
link_recv(struct link_set *set, struct link *link, struct mdp_frame *frame)
{
    const uint8_t *data;
    size_t size;

    for (;;) {
        if (!mdp_pieces_next(&link->pieces, &data, &size)) {
            if (!receive_message(link))
                break;
            link->ping_us = 0;
            link->suspected = false;
            data = zmq_msg_data(&link->in);
            size = zmq_msg_size(&link->in);
            if (mdp_is_bundle(data, size)) {
                link->pieces = mdp_pieces(data, size);
                greet(link);
                continue;
            }
            link->pieces = (struct mdp_pieces){ NULL, NULL };
        }
        if (mdp_parse(data, size, frame) && frame->side == set->side)
            return true;
    }
    link->drained = true;
    return false;
}

bool
link_wait(struct link_set *set, int64_t timeout_us)
{
    struct pollfd fds[LINKS_MAX];
    nfds_t count = 0;

    for (size_t i = 0; i < set->count; i++) {
        if (set->links[i].socket)
            fds[count++] = (struct pollfd){ .fd = set->links[i].fd, .events = POLLIN };
    }
    if (timeout_us < 0)
        timeout_us = 0;
    const struct timespec timeout = { .tv_sec = timeout_us / 1000000,
                                      .tv_nsec = timeout_us % 1000000 * 1000 };
    return ppoll(fds, count, &timeout, NULL) > 0;
}

bool
link_is_fresh(const struct link_set *set)
{
    struct timespec ts;

    /* tidy: the coarse clock is a fifth of the price, and asked for every message */
    (void) clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
    const int64_t now_us = (int64_t) ts.tv_sec * US_PER_SECOND + ts.tv_nsec / 1000;
    return now_us - set->last_tick_us < LINK_TICK_US;
}

uint32_t
link_up_count(const struct link_set *set)
{
    uint32_t count = 0;

    for (size_t i = 0; i < set->count; i++)
        count += set->links[i].up;
    return count;
}
