/* cables.h - several hosts and the cables between them, on one machine, for tests of what networks
 * do.
 *
 * A host is a network namespace with a loopback and one Ethernet device (TAP); the switch between
 * them is a thread of the test, so each direction of each pair can lose, delay, hold and drop
 * frames: real TCP of the kernel at both ends, without a FIN or RST that the fault itself would not
 * send. Nothing is left behind: namespaces and devices end with the process.  Needs CAP_SYS_ADMIN,
 * CAP_NET_ADMIN and /dev/net/tun.
 *
 * Host n has the address 10.77.0.n; the test itself sits at host CABLES_US. */
#ifndef HUZHU_CABLES_H
#define HUZHU_CABLES_H

#include <stdbool.h>

enum { CABLES_HOSTS = 8, CABLES_US = 1 };

struct cable {
    bool is_cut;        /* every frame is dropped */
    bool is_held;       /* frames wait, and arrive late when it is let go */
    int delay_ms;       /* one way */
    int jitter_ms;      /* added at random; order is kept */
    int loss_per_mille; /* of frames */
};

/* Moves this process into a network of its own with hosts 1 to count.  Call it before the first
 * thread.  NULL, or why it cannot be (then nothing has changed). */
const char *cables_lay(int count);
/* The calling process moves to the host: between fork() and exec(). */
bool cables_go_to(int host);

/* One direction. */
void cable_set(int from, int to, struct cable cable);
/* Both directions of all pairs are whole again. */
void cables_heal(void);
/* Both directions between the host and every other one. */
void cables_isolate(int host, struct cable cable);

/* Frames carried and frames dropped so far. */
void cables_counted(long *carried, long *dropped);

#endif
