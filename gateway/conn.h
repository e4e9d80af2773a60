/* conn.h - one connection: bytes in, requests one after another, answers out.
 *
 * A request goes through head -> (session) -> body -> (rpc) -> answer.  In the two places in
 * brackets somebody else must speak first; meanwhile `waiting` is set and no byte is parsed, so a
 * pipelined request waits for the one in front of it.
 *
 * The transport is a table of functions (struct io), so that tests and the fuzzer feed bytes
 * without sockets and TLS.  A connection is closed by conn_close(), which takes effect when the
 * event that led there is over (loop_reap): no function here can pull the ground from under its
 * caller. */
#ifndef HUZHU_GATEWAY_CONN_H
#define HUZHU_GATEWAY_CONN_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/types.h>

#include "http.h"
#include "route.h"
#include "site.h"
#include "text.h"

struct conn;
struct loop;
struct call;

/* Results of read and write beside a number of bytes. */
enum { IO_GONE = 0, IO_AGAIN = -1 };

struct io {
    ssize_t (*read)(struct conn *conn, char *to, size_t room);
    ssize_t (*write)(struct conn *conn, const char *from, size_t size);
    bool (*pending)(const struct conn *conn); /* bytes are there that no event will tell of */
    void (*want)(struct conn *conn, bool reading, bool writing);
    void (*finish)(struct conn *conn);  /* says that no more will be sent */
    bool (*discard)(struct conn *conn); /* throws away what came; false: no more */
    void (*close)(struct conn *conn);
};

enum { CONN_LEFTOVER_BYTES_MAX = 16384, READ_BYTES = 16384 };

struct conn {
    struct conn *next, *previous; /* in the loop's list */
    struct conn *next_dead;
    struct loop *loop;
    const struct io *io;

    /* the transport's own */
    int fd;
    void *tls;
    struct event read_event, write_event;
    bool handshaken;

    uint64_t address_key;
    char address[46];       /* of the peer, as text: for identity's log and throttle alone */
    uint32_t address_short; /* a keyed hash of it: for the access log */

    struct http http;
    struct text leftover; /* bytes of later requests */
    struct text out;      /* what the transport has not taken yet */
    size_t out_from;
    const char *tail; /* ... and, behind it, a block of the site or of tail_text */
    size_t tail_size;
    struct site *tail_site;
    struct text tail_text; /* counted in the loop's body_bytes */

    int64_t since_us;  /* when this state began: idle, head, body, flushing, lingering */
    int64_t waited_us; /* how long the body could not come because we did not read */
    int64_t wait_from_us;
    uint64_t moved; /* bytes that came or went in this state */
    uint32_t requests;
    bool waiting, flushing, closing, lingering, dead, reading_off;
    bool body_done, answered;
    bool parsing; /* inside http_next(): an answer must not go on to the next request */

    /* the request in hand */
    int64_t begun_us;
    uint64_t received;
    char trace[33], span[17];
    const char *language;
    struct route *route; /* NULL: none of the API's */
    const char *label;   /* what the access log calls it when there is no route */
    struct call *call;   /* NULL: needs no service */
    bool streaming;
};

/* Begins with nothing read; the transport's fields are set by its maker. */
struct conn *conn_create(struct loop *loop, const struct io *io) MUST_CHECK;
/* The end, at once; only loop_reap() and tests call it. */
void conn_destroy(struct conn *conn);

void conn_readable(struct conn *conn);
void conn_writable(struct conn *conn);
void conn_tick(struct conn *conn); /* looks at the clock; a few times a second */
/* The loop stops: finishes what is in hand and goes. */
void conn_drain(struct conn *conn);

/* --- for who answers --- */

/* Sends bytes; what the transport does not take now is kept. */
void conn_send(struct conn *conn, const char *bytes, size_t size);
void conn_send_tail(struct conn *conn, struct site *site, const char *bytes, size_t size);
/* The same out of a text that becomes the connection's; it must be counted in body_bytes. */
void conn_send_text(struct conn *conn, struct text *owner, const char *bytes, size_t size);
/* The whole answer has been given to conn_send(). */
void conn_answered(struct conn *conn);
/* Somebody will call back; until conn_resume() no byte of the connection is looked at. */
void conn_wait(struct conn *conn);
void conn_resume(struct conn *conn);
void conn_close(struct conn *conn);
/* "HTTP/1.1 100 Continue", when the client waits for it. */
void conn_continue(struct conn *conn);

#endif
