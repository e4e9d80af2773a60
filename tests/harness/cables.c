/* cables.c - hosts as network namespaces, and a switch in user space between their TAP devices. */
#include "cables.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock/clock.h"

enum {
    FRAME_BYTES = 1600,
    MAC_BYTES = 6,
    WAITING_MAX = 8192, /* frames of one direction; more are dropped as by a full switch */
    ROUND_FRAMES = 64,  /* of one host before the others have their turn */
    TICK_MS = 1,
    IDLE_MS = 20, /* how soon a changed cable is noticed */
};

struct frame {
    struct frame *next;
    int64_t due_us;
    size_t size;
    uint8_t bytes[];
};

struct direction {
    struct cable cable;
    struct frame *first, **last;
    int waiting;
    int64_t last_due_us;
};

static struct {
    int count;
    int tap[CABLES_HOSTS + 1]; /* from 1 */
    int namespace[CABLES_HOSTS + 1];
    pthread_mutex_t lock;
    struct direction way[CABLES_HOSTS + 1][CABLES_HOSTS + 1];
    long carried, dropped;
    unsigned dice;
} net = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* --- hosts --- */

static bool
device_up(int fd, const char *name)
{
    struct ifreq ask = { 0 };

    (void) snprintf(ask.ifr_name, sizeof ask.ifr_name, "%s", name);
    if (ioctl(fd, SIOCGIFFLAGS, &ask) != 0)
        return false;
    ask.ifr_flags |= IFF_UP | IFF_RUNNING;
    return ioctl(fd, SIOCSIFFLAGS, &ask) == 0;
}

static bool
device_address(int fd, const char *name, int host)
{
    struct ifreq ask = { 0 };
    struct sockaddr_in address = { .sin_family = AF_INET };

    (void) snprintf(ask.ifr_name, sizeof ask.ifr_name, "%s", name);
    ask.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    memcpy(ask.ifr_hwaddr.sa_data, ((const uint8_t[]){ 2, 0, 0, 0, 0, (uint8_t) host }), MAC_BYTES);
    if (ioctl(fd, SIOCSIFHWADDR, &ask) != 0)
        return false;
    address.sin_addr.s_addr = htonl(0x0a4d0000U + (uint32_t) host);
    memcpy(&ask.ifr_addr, &address, sizeof address);
    if (ioctl(fd, SIOCSIFADDR, &ask) != 0)
        return false;
    address.sin_addr.s_addr = htonl(0xffffff00U);
    memcpy(&ask.ifr_netmask, &address, sizeof address);
    return ioctl(fd, SIOCSIFNETMASK, &ask) == 0;
}

static int
tap_open(void)
{
    struct ifreq ask = { .ifr_flags = IFF_TAP | IFF_NO_PI };
    const int tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

    (void) snprintf(ask.ifr_name, sizeof ask.ifr_name, "eth0");
    if (tap >= 0 && ioctl(tap, TUNSETIFF, &ask) == 0)
        return tap;
    if (tap >= 0)
        (void) close(tap);
    return -1;
}

/* The calling thread is in the new namespace afterwards. */
static const char *
host_make(int host)
{
    if (unshare(CLONE_NEWNET) != 0)
        return "network namespaces are not permitted here";
    net.namespace[host] = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    net.tap[host] = tap_open();
    if (net.namespace[host] < 0 || net.tap[host] < 0)
        return "there is no /dev/net/tun to make cables of";
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const bool fine =
        fd >= 0 && device_up(fd, "lo") && device_address(fd, "eth0", host) && device_up(fd, "eth0");
    if (fd >= 0)
        (void) close(fd);
    return fine ? NULL : "a network device cannot be set up here";
}

bool
cables_go_to(int host)
{
    return host > 0 && host <= net.count && setns(net.namespace[host], CLONE_NEWNET) == 0;
}

/* --- the switch --- */

static bool
is_lost(const struct cable *cable)
{
    net.dice = net.dice * 1103515245U + 12345U;
    return cable->is_cut || (int) (net.dice >> 16) % 1000 < cable->loss_per_mille;
}

static void
carry(int from, int to, const uint8_t *bytes, size_t size, int64_t now_us)
{
    struct direction *way = &net.way[from][to];
    struct frame *frame;

    if (is_lost(&way->cable) || way->waiting == WAITING_MAX ||
        !(frame = malloc(sizeof *frame + size))) {
        net.dropped++;
        return;
    }
    const int jitter_ms = way->cable.jitter_ms ? (int) (net.dice >> 16) % way->cable.jitter_ms : 0;
    frame->next = NULL;
    frame->due_us = now_us + (way->cable.delay_ms + jitter_ms) * INT64_C(1000);
    if (frame->due_us < way->last_due_us)
        frame->due_us = way->last_due_us; /* a cable keeps the order */
    way->last_due_us = frame->due_us;
    frame->size = size;
    memcpy(frame->bytes, bytes, size);
    if (!way->first)
        way->last = &way->first;
    *way->last = frame;
    way->last = &frame->next;
    way->waiting++;
}

/* Our Ethernet addresses end with the host's number; a broadcast goes to all. */
static void
take_in(int from, int64_t now_us)
{
    uint8_t bytes[FRAME_BYTES];

    for (int i = 0; i < ROUND_FRAMES; i++) {
        const ssize_t size = read(net.tap[from], bytes, sizeof bytes);
        if (size < (ssize_t) sizeof(uint8_t[2][MAC_BYTES]))
            return;
        for (int to = 1; to <= net.count; to++) {
            if (to != from && ((bytes[0] & 1) || bytes[MAC_BYTES - 1] == to))
                carry(from, to, bytes, (size_t) size, now_us);
        }
    }
}

static void
hand_out(struct direction *way, int to, int64_t now_us)
{
    while (way->first && !way->cable.is_held &&
           (way->cable.is_cut || way->first->due_us <= now_us)) {
        struct frame *frame = way->first;
        const bool arrived =
            !way->cable.is_cut && write(net.tap[to], frame->bytes, frame->size) > 0;
        net.carried += arrived;
        net.dropped += !arrived;
        way->first = frame->next;
        way->waiting--;
        free(frame);
    }
}

static bool
hand_all_out(int64_t now_us)
{
    bool is_waiting = false;

    for (int from = 1; from <= net.count; from++) {
        for (int to = 1; to <= net.count; to++) {
            hand_out(&net.way[from][to], to, now_us);
            is_waiting = is_waiting || net.way[from][to].first;
        }
    }
    return is_waiting;
}

static void *
switch_works(void *arg)
{
    struct pollfd polled[CABLES_HOSTS];
    bool is_waiting = false;

    (void) arg;
    for (int i = 0; i < net.count; i++)
        polled[i] = (struct pollfd){ .fd = net.tap[i + 1], .events = POLLIN };
    for (;;) {
        (void) poll(polled, (nfds_t) net.count, is_waiting ? TICK_MS : IDLE_MS);
        (void) pthread_mutex_lock(&net.lock);
        const int64_t now_us = clock_monotonic_us();
        for (int i = 0; i < net.count; i++) {
            if (polled[i].revents)
                take_in(i + 1, now_us);
        }
        is_waiting = hand_all_out(now_us);
        (void) pthread_mutex_unlock(&net.lock);
    }
    return NULL;
}

const char *
cables_lay(int count)
{
    const int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    const char *why = NULL;
    pthread_t thread;

    net.dice = 7;
    for (int host = count; host >= 1 && !why; host--)
        why = host_make(host); /* the last one is host 1, and we stay there */
    net.count = count;
    if (!why && pthread_create(&thread, NULL, switch_works, NULL) != 0)
        why = "no thread for the switch";
    if (why && here >= 0)
        (void) setns(here, CLONE_NEWNET);
    if (here >= 0)
        (void) close(here);
    return why;
}

/* --- faults --- */

void
cable_set(int from, int to, struct cable cable)
{
    (void) pthread_mutex_lock(&net.lock);
    net.way[from][to].cable = cable;
    (void) pthread_mutex_unlock(&net.lock);
}

void
cables_isolate(int host, struct cable cable)
{
    for (int other = 1; other <= net.count; other++) {
        if (other == host)
            continue;
        cable_set(host, other, cable);
        cable_set(other, host, cable);
    }
}

void
cables_heal(void)
{
    for (int host = 1; host <= net.count; host++)
        cables_isolate(host, (struct cable){ 0 });
}

void
cables_counted(long *carried, long *dropped)
{
    (void) pthread_mutex_lock(&net.lock);
    *carried = net.carried;
    *dropped = net.dropped;
    (void) pthread_mutex_unlock(&net.lock);
}
