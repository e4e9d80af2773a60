/* loop.c - the thread of one core: sockets, bus and timers in one libevent base. */
#include "loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bus/bus.h"
#include "call.h"
#include "id/id.h"
#include "log/log.h"
#include "tls.h"

enum {
    TICK_MS = BUS_CLIENT_TICK_MS,
    SWEEP_TICKS = 4,       /* connections' clocks are looked at every 200 ms */
    ACCEPTS_AT_ONCE = 64,  /* then the connections that are there have their turn */
    ANSWERS_AT_ONCE = 256, /* likewise */
};

void
loop_clock(struct loop *loop)
{
    loop->now_us = clock_monotonic_us();
    loop->wall_us = clock_now().us;
    const int64_t second = loop->wall_us / US_PER_SECOND;
    if (second != loop->date_second) {
        const time_t at = (time_t) second;
        struct tm tm;
        loop->date_second = second;
        (void) gmtime_r(&at, &tm);
        loop->date_size =
            strftime(loop->date, sizeof loop->date, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
    }
}

void
loop_random(struct loop *loop, void *out, size_t size)
{
    if (size > RANDOM_BYTES - loop->random_used) {
        random_bytes(loop->random, sizeof loop->random);
        loop->random_used = 0;
    }
    memcpy(out, loop->random + loop->random_used, size);
    loop->random_used += size;
}

/* --- connections --- */

void
loop_conn_add(struct loop *loop, struct conn *conn)
{
    conn->next = loop->conns;
    if (loop->conns)
        loop->conns->previous = conn;
    loop->conns = conn;
    COUNT_UP(loop->counters.connections, 1);
    (void) __atomic_add_fetch(&loop->gateway->connection_count, 1, __ATOMIC_RELAXED);
}

static void
conn_remove(struct loop *loop, struct conn *conn)
{
    if (conn->previous)
        conn->previous->next = conn->next;
    else
        loop->conns = conn->next;
    if (conn->next)
        conn->next->previous = conn->previous;
    COUNT_UP(loop->counters.connections, -1);
    (void) __atomic_sub_fetch(&loop->gateway->connection_count, 1, __ATOMIC_RELAXED);
    limiter_leave(loop->gateway->limiter, conn->address_key);
    conn_destroy(conn);
}

static void
stop_if_empty(struct loop *loop)
{
    if (loop->stopping && !loop->conns)
        (void) event_base_loopbreak(loop->base);
}

void
loop_reap(struct loop *loop)
{
    while (loop->dead) {
        struct conn *conn = loop->dead;
        loop->dead = conn->next_dead;
        conn_remove(loop, conn);
    }
    stop_if_empty(loop);
}

static void
address_set(struct conn *conn, const struct sockaddr_storage *address)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *) (const void *) address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *) (const void *) address;

    if (address->ss_family == AF_INET)
        (void) inet_ntop(AF_INET, &v4->sin_addr, conn->address, sizeof conn->address);
    else if (address->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
        (void) inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, conn->address, sizeof conn->address);
    else if (address->ss_family == AF_INET6)
        (void) inet_ntop(AF_INET6, &v6->sin6_addr, conn->address, sizeof conn->address);
    conn->address_short = (uint32_t) (conn->address_key >> 32);
}

static void
take_connection(struct loop *loop, int fd, const struct sockaddr_storage *address)
{
    struct gateway *gateway = loop->gateway;
    const uint64_t key = limiter_address_key(gateway->limiter, address);
    const int one = 1;

    COUNT_UP(loop->counters.accepted, 1);
    if (__atomic_load_n(&gateway->connection_count, __ATOMIC_RELAXED) >=
            gateway->conf.connections_max ||
        !limiter_enter(gateway->limiter, key, (uint32_t) gateway->conf.connections_per_address)) {
        COUNT_UP(loop->counters.refused, 1);
        (void) close(fd);
        return;
    }
    struct conn *conn = conn_create(loop, &tls_io);
    if (!conn) {
        limiter_leave(gateway->limiter, key);
        (void) close(fd);
        return;
    }
    conn->fd = fd;
    conn->address_key = key;
    address_set(conn, address);
    (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (!tls_accept(conn, loop->tls))
        conn_close(conn);
}

/* false: nobody waits any more (or nothing can be accepted for now). */
static bool
accept_one(struct loop *loop)
{
    struct sockaddr_storage address = { 0 };
    socklen_t size = sizeof address;
    const int fd = accept4(loop->listen_fd, (struct sockaddr *) (void *) &address, &size,
                           SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
        take_connection(loop, fd, &address);
        return true;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        /* The socket stays readable: look away until the next sweep, or the loop would spin. */
        (void) event_del(&loop->listen_event);
        loop->listening = false;
        LOG(WARNING, NULL, "accept.paused", L_INT("errno", errno));
        return false;
    }
    return errno == ECONNABORTED || errno == EINTR;
}

static void
on_listen(evutil_socket_t fd, short what, void *arg)
{
    struct loop *loop = arg;

    (void) fd, (void) what;
    loop_clock(loop);
    for (int i = 0; i < ACCEPTS_AT_ONCE && accept_one(loop); i++)
        continue;
    loop_reap(loop);
}

/* --- requests on the bus --- */

static struct pending **
pending_slot(struct loop *loop, uint64_t ticket)
{
    return &loop->pending[(ticket * UINT64_C(0x9e3779b97f4a7c15)) >> 54];
}

static struct pending *
pending_take(struct loop *loop, uint64_t ticket)
{
    struct pending **at = pending_slot(loop, ticket);

    while (*at && (*at)->ticket != ticket)
        at = &(*at)->next;
    struct pending *found = *at;
    if (found) {
        *at = found->next;
        loop->pending_count--;
    }
    return found;
}

static void
pending_spare(struct loop *loop, struct pending *pending)
{
    pending->next = loop->spare_pending;
    loop->spare_pending = pending;
}

err_t
loop_send(struct loop *loop, const char *service, const Bus__Envelope *envelope,
          struct listener listener, uint64_t *ticket, struct err *err)
{
    struct pending *pending = loop->spare_pending;

    if (pending)
        loop->spare_pending = pending->next;
    else
        pending = calloc(1, sizeof *pending);
    if (!pending)
        return err_set(err, ERR_UNAVAILABLE, "http.busy", "no memory for a request");
    const err_t code = loop->backend->send(loop->backend, service, envelope, ticket, err);
    if (code != ERR_OK) {
        pending_spare(loop, pending);
        return code;
    }
    struct pending **slot = pending_slot(loop, *ticket);
    *pending = (struct pending){ *ticket, listener, *slot };
    *slot = pending;
    loop->pending_count++;
    COUNT_UP(loop->counters.rpc_sent, 1);
    /* The bus wants to be looked at after every send; not here, inside a request. */
    event_active(&loop->bus_event, EV_READ, 0);
    return ERR_OK;
}

void
loop_cancel(struct loop *loop, uint64_t ticket)
{
    struct pending *pending = pending_take(loop, ticket);

    if (pending) {
        pending_spare(loop, pending);
        loop->backend->cancel(loop->backend, ticket);
    }
}

void
loop_receive(struct loop *loop)
{
    const Bus__Answer *answer;
    uint64_t ticket;

    for (int i = 0; loop->backend->recv(loop->backend, &ticket, &answer); i++) {
        struct pending *pending = pending_take(loop, ticket);
        if (pending) {
            const struct listener listener = pending->listener;
            COUNT_UP(loop->counters.rpc_answered, 1);
            if (answer->more) { /* stays, and before its callback, which may cancel it */
                struct pending **slot = pending_slot(loop, ticket);
                pending->next = *slot;
                *slot = pending;
                loop->pending_count++;
            } else {
                pending_spare(loop, pending);
            }
            listener.done(loop, listener.arg, answer);
        }
        if (i == ANSWERS_AT_ONCE) {
            event_active(&loop->bus_event, EV_READ, 0);
            break;
        }
    }
}

static void
on_bus(evutil_socket_t fd, short what, void *arg)
{
    struct loop *loop = arg;

    (void) fd, (void) what;
    loop_clock(loop);
    loop_receive(loop);
    loop_reap(loop);
}

/* --- time, reload, stop --- */

static void
listen_stop(struct loop *loop)
{
    if (loop->listen_fd < 0)
        return;
    /* With SO_REUSEPORT what waits in this socket's queue would be reset: it is served. */
    while (accept_one(loop))
        continue;
    (void) event_del(&loop->listen_event);
    (void) close(loop->listen_fd);
    loop->listen_fd = -1;
}

static void
loop_stop(struct loop *loop)
{
    loop->stopping = true;
    loop->stop_us = loop->now_us;
    listen_stop(loop);
    /* Who has just been accepted has said nothing yet; a moment later conn_drain() asks again. */
    for (struct conn *conn = loop->conns; conn; conn = conn->next)
        if (conn->requests > 0)
            conn_drain(conn);
}

static void
sweep(struct loop *loop)
{
    const int64_t stopped_us = loop->now_us - loop->stop_us;
    const bool hurry = loop->stopping && stopped_us > loop->gateway->conf.drain_timeout * 1000;

    for (struct conn *conn = loop->conns; conn; conn = conn->next) {
        conn_tick(conn);
        if (loop->stopping && stopped_us > US_PER_SECOND / 2)
            conn_drain(conn);
        if (hurry)
            conn_close(conn);
    }
    if (!loop->listening && loop->listen_fd >= 0 && !loop->stopping) {
        loop->listening = event_add(&loop->listen_event, NULL) == 0;
    }
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct loop *loop = arg;

    (void) fd, (void) what;
    loop_clock(loop);
    loop_receive(loop);
    if (++loop->ticks % SWEEP_TICKS == 0) {
        sweep(loop);
        revoked_ask(loop);
    }
    access_flush(loop);
    loop_reap(loop);
}

static void
take_shared(struct loop *loop)
{
    struct gateway *gateway = loop->gateway;

    (void) pthread_mutex_lock(gateway->lock);
    if (loop->tls != gateway->tls) {
        tls_context_unref(loop->tls);
        loop->tls = tls_context_ref(gateway->tls);
    }
    if (loop->site != gateway->site) {
        site_unref(loop->site);
        loop->site = site_ref(gateway->site);
    }
    if (loop->tenants != gateway->tenants) {
        tenants_unref(loop->tenants);
        loop->tenants = tenants_ref(gateway->tenants);
    }
    (void) pthread_mutex_unlock(gateway->lock);
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
    struct loop *loop = arg;
    uint64_t count;

    (void) what;
    (void) !read((int) fd, &count, sizeof count);
    loop_clock(loop);
    take_shared(loop);
    if (!loop->stopping && __atomic_load_n(&loop->gateway->stopping, __ATOMIC_ACQUIRE))
        loop_stop(loop);
    loop_reap(loop);
}

void
loop_wake(struct loop *loop)
{
    const uint64_t one = 1;

    (void) !write(loop->wake_fd, &one, sizeof one);
}

/* --- life --- */

struct loop *
loop_create(struct gateway *gateway, int index, int listen_fd, struct err *err)
{
    struct loop *loop = calloc(1, sizeof *loop);
    struct event_config *config = event_config_new();

    if (loop && config) {
        (void) event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
        loop->base = event_base_new_with_config(config);
    }
    if (config)
        event_config_free(config);
    if (!loop || !loop->base) {
        free(loop);
        (void) err_set(err, ERR_INTERNAL, "memory.out", "no memory for an event loop");
        return NULL;
    }
    loop->gateway = gateway;
    loop->index = index;
    loop->listen_fd = listen_fd;
    loop->random_used = RANDOM_BYTES;
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    loop_clock(loop);
    take_shared(loop);
    if (loop->wake_fd < 0 ||
        event_assign(&loop->wake_event, loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake,
                     loop) != 0 ||
        event_add(&loop->wake_event, NULL) != 0) {
        (void) err_set(err, ERR_INTERNAL, "loop.create", "cannot make an event loop: %s",
                       strerror(errno));
        loop_destroy(loop);
        return NULL;
    }
    return loop;
}

void
loop_destroy(struct loop *loop)
{
    if (!loop)
        return;
    while (loop->conns) {
        if (!loop->conns->dead)
            conn_close(loop->conns);
        loop_reap(loop);
    }
    access_flush(loop);
    call_free_spare(loop);
    for (int i = 0; i < PENDING_SLOTS; i++) {
        while (loop->pending[i]) {
            struct pending *pending = loop->pending[i];
            loop->pending[i] = pending->next;
            free(pending);
        }
    }
    while (loop->spare_pending) {
        struct pending *pending = loop->spare_pending;
        loop->spare_pending = pending->next;
        free(pending);
    }
    if (loop->backend)
        loop->backend->destroy(loop->backend);
    if (loop->listen_fd >= 0)
        (void) close(loop->listen_fd);
    if (loop->wake_fd >= 0)
        (void) close(loop->wake_fd);
    tls_context_unref(loop->tls);
    site_unref(loop->site);
    tenants_unref(loop->tenants);
    text_free(&loop->head);
    text_free(&loop->body);
    text_free(&loop->log);
    event_base_free(loop->base);
    free(loop);
}

/* In the loop's thread, because a bus client's sockets belong to the thread that made them. */
static err_t
loop_begin(struct loop *loop, struct err *err)
{
    const struct timeval tick = { 0, TICK_MS * 1000 };
    struct gateway *gateway = loop->gateway;

    TRY(gateway->make_backend(&gateway->conf, gateway->make_backend_arg, &loop->backend, err));
    const int bus_fd = loop->backend->fd(loop->backend);
    if (event_assign(&loop->bus_event, loop->base, bus_fd, bus_fd < 0 ? 0 : EV_READ | EV_PERSIST,
                     on_bus, loop) != 0 ||
        (bus_fd >= 0 && event_add(&loop->bus_event, NULL) != 0) ||
        event_assign(&loop->tick_event, loop->base, -1, EV_PERSIST, on_tick, loop) != 0 ||
        event_add(&loop->tick_event, &tick) != 0)
        return err_set(err, ERR_INTERNAL, "loop.start", "cannot register events");
    if (loop->listen_fd >= 0) {
        if (event_assign(&loop->listen_event, loop->base, loop->listen_fd, EV_READ | EV_PERSIST,
                         on_listen, loop) != 0 ||
            event_add(&loop->listen_event, NULL) != 0)
            return err_set(err, ERR_INTERNAL, "loop.start", "cannot listen");
        loop->listening = true;
    }
    return ERR_OK;
}

static void *
loop_main(void *arg)
{
    struct loop *loop = arg;
    struct err err = { 0 };

    loop_clock(loop);
    if (loop_begin(loop, &err) != ERR_OK) {
        LOG(ERROR, NULL, "loop.failed", L_TEXT("text", err.text));
        _exit(EXIT_FAILURE); /* a gateway with a loop missing would answer some and not others */
    }
    (void) event_base_dispatch(loop->base);
    access_flush(loop);
    if (loop->backend) {
        loop->backend->destroy(loop->backend);
        loop->backend = NULL;
    }
    return NULL;
}

err_t
loop_start(struct loop *loop, struct err *err)
{
    if (pthread_create(&loop->thread, NULL, loop_main, loop) != 0)
        return err_set(err, ERR_INTERNAL, "loop.start", "cannot make a thread");
    loop->started = true;
    return ERR_OK;
}

void
loop_join(struct loop *loop)
{
    if (loop->started) {
        (void) pthread_join(loop->thread, NULL);
        loop->started = false;
    }
}
