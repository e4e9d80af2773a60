/* gateway_harness.h - a gateway in this process over real TLS, a service made of a function in
 * place of the bus, and a client that sends bytes as they are. */
#ifndef HUZHU_GATEWAY_HARNESS_H
#define HUZHU_GATEWAY_HARNESS_H

#include <stdio.h>

#include "bus.pb-c.h"
#include "gateway.h"

/* Answers one request: fills `answer` (its memory must live until the next call of any fake). */
struct fake_answer {
    err_t code;
    const char *reason, *text, *title, *etag;
    ProtobufCMessage *reply; /* packed by the harness; NULL: empty */
    int64_t after_ms;        /* later than at once */
    bool silent;             /* no answer before the deadline: DEADLINE then */
    int parts;               /* the same body so many times, all but the last with more */
    size_t cut_bytes;        /* so many are missing at the end of the packed reply */
    size_t part_bytes;       /* the packed reply cut into pieces of so many bytes; 0: whole */
};
typedef void fake_fn(const char *service, const Bus__Envelope *envelope,
                     struct fake_answer *answer);

/* Answers the gateway's ListRevocations; NULL: there are none. */
extern void (*house_revocations)(struct fake_answer *answer);

struct house {
    struct gateway *gateway;
    char folder[64]; /* certificate, key, web root */
    int port;
};

/* settings: "NAME=value" strings for HUZHU_GATEWAY_NAME, ended by NULL. */
void house_open(struct house *house, fake_fn *fake, const struct gateway_parts *parts,
                const char *const *settings);
void house_close(struct house *house);
/* Writes a new certificate and key of that common name over the old. */
void house_certify(const struct house *house, const char *name);
void house_write(const struct house *house, const char *file, const char *text);

struct client {
    void *ssl, *context;
    int fd;
    char buffer[1 << 16];
    size_t used;
};
void client_open(struct client *client, int port);
bool client_try(struct client *client, int port); /* false: no connection or no handshake */
void client_close(struct client *client);
void client_send(struct client *client, const char *bytes, size_t size);
void client_puts(struct client *client, const char *text);

struct answer {
    int status;
    char head[8192];
    char *body; /* NUL-terminated; freed by answer_free() */
    size_t body_size;
};
/* Reads one answer within twenty seconds; false: the connection ended or nothing came. */
bool client_read(struct client *client, struct answer *answer);
bool client_read_no_body(struct client *client, struct answer *answer); /* of a HEAD request */
void answer_free(struct answer *answer);
/* The value of a header, or NULL; dies with the next call. */
const char *answer_header(const struct answer *answer, const char *name);
/* True when the peer closes within so many milliseconds. */
bool client_is_closed(struct client *client, int within_ms);

/* One request on a connection of its own. */
int ask(const struct house *house, const char *request, struct answer *answer);

long resident_bytes(void);

#endif
