/* zap.c - answers ZAP's questions from the permission table. */
#include "zap.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAMES_MAX = 8, FRAME_BYTES_MAX = 255 };
enum { VERSION, REQUEST_ID, DOMAIN, ADDRESS, ROUTING_ID, MECHANISM, CREDENTIAL };

struct zap {
    void *socket;
    int fd;
    void (*refuse)(void *arg, const struct refusal *);
    void *arg;
};

struct question {
    size_t count;
    size_t sizes[FRAMES_MAX];
    char frames[FRAMES_MAX][FRAME_BYTES_MAX + 1]; /* each ends with NUL */
};

err_t
zap_create(void *context, void (*refuse)(void *arg, const struct refusal *), void *arg,
           struct zap **zap, struct err *err)
{
    OWNED(zap_destroy) struct zap *z = calloc(1, sizeof *z);
    size_t size = sizeof z->fd;

    if (!z)
        return err_set(err, ERR_INTERNAL, "bus.no_memory", "memory is out");
    z->refuse = refuse;
    z->arg = arg;
    z->socket = zmq_socket(context, ZMQ_ROUTER); /* libzmq asks by a REQ or DEALER of its own */
    if (!z->socket || zmq_bind(z->socket, "inproc://zeromq.zap.01") != 0 ||
        zmq_getsockopt(z->socket, ZMQ_FD, &z->fd, &size) != 0)
        return err_set(err, ERR_INTERNAL, "broker.no_zap", "could not answer ZAP: %s",
                       zmq_strerror(errno));
    *zap = TAKE(z);
    return ERR_OK;
}

void
zap_destroy(struct zap *zap)
{
    if (!zap)
        return;
    if (zap->socket)
        (void) zmq_close(zap->socket);
    free(zap);
}

int
zap_fd(const struct zap *zap)
{
    return zap->fd;
}

bool
zap_uid_parse(const char *address, uint32_t *uid)
{
    const char *at = strchr(address, ':');
    char *end;

    if (!at || at[1] < '0' || at[1] > '9')
        return false;
    errno = 0;
    const unsigned long number = strtoul(at + 1, &end, 10);
    if (errno || *end != ':' || number > UINT32_MAX)
        return false;
    *uid = (uint32_t) number;
    return true;
}

/* Who asks: false, and why, when nobody we know. */
static bool
identify(const struct question *q, const struct permissions *permissions, char *user,
         struct refusal *refusal, char key[static 64])
{
    const char *mechanism = q->frames[MECHANISM];

    refusal->peer = q->frames[ADDRESS];
    if (strcmp(mechanism, "CURVE") == 0 && q->count == 7 && q->sizes[CREDENTIAL] == 32) {
        if (!zmq_z85_encode(key, (const uint8_t *) q->frames[CREDENTIAL], 32))
            return false;
        refusal->kind = "key.unknown";
        refusal->detail = "no row of the table has this key";
        return permissions_user_of_key(permissions, key, user);
    }
    uint32_t uid;
    if (strcmp(mechanism, "PLAIN") == 0 && q->count == 8 &&
        zap_uid_parse(q->frames[ADDRESS], &uid)) {
        (void) snprintf(key, 64, "uid %" PRIu32, uid);
        refusal->kind = "peer.unknown";
        refusal->name = mdp_name_is_valid(q->frames[CREDENTIAL], q->sizes[CREDENTIAL])
                            ? q->frames[CREDENTIAL]
                            : "";
        refusal->detail = "no row of the table lets this uid have this name";
        return strlen(q->frames[CREDENTIAL]) == q->sizes[CREDENTIAL] &&
               permissions_user_of_uid(permissions, uid, q->frames[CREDENTIAL], user);
    }
    refusal->kind = "mechanism.unknown";
    refusal->detail = "neither CURVE nor PLAIN from a process of this host";
    return false;
}

static bool
send_text(void *socket, const char *text, bool more)
{
    return zmq_send(socket, text, strlen(text), (more ? ZMQ_SNDMORE : 0) | ZMQ_DONTWAIT) >= 0;
}

static void
answer(struct zap *zap, const zmq_msg_t *from, bool delimited, const struct question *q,
       const struct permissions *permissions)
{
    char user[PERMISSIONS_USER_BYTES] = "", key[64] = "";
    struct refusal refusal = { "", "", key, "", "" };
    const bool known = q->count >= 7 && strcmp(q->frames[VERSION], "1.0") == 0 &&
                       identify(q, permissions, user, &refusal, key);

    if (!known)
        zap->refuse(zap->arg, &refusal);
    void *s = zap->socket;
    (void) (zmq_send(s, zmq_msg_data((zmq_msg_t *) from), zmq_msg_size(from),
                     ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0 &&
            (!delimited || send_text(s, "", true)) && send_text(s, "1.0", true) &&
            zmq_send(s, q->frames[REQUEST_ID], q->sizes[REQUEST_ID], ZMQ_SNDMORE | ZMQ_DONTWAIT) >=
                0 &&
            send_text(s, known ? "200" : "400", true) &&
            send_text(s, known ? "OK" : "not in the table", true) &&
            send_text(s, known ? user : "", true) && send_text(s, "", false));
}

/* The frames of one question; false when it has more or longer ones than a question can have. */
static bool
read_question(struct zap *zap, zmq_msg_t *frame, bool *delimited, struct question *q)
{
    bool fits = true;

    memset(q, 0, sizeof *q);
    *delimited = false;
    do {
        if (zmq_msg_recv(frame, zap->socket, ZMQ_DONTWAIT) < 0)
            return false;
        const size_t size = zmq_msg_size(frame);
        if (q->count == 0 && size == 0 && !*delimited) {
            *delimited = true;
            continue;
        }
        if (q->count == FRAMES_MAX || size > FRAME_BYTES_MAX) {
            fits = false;
            continue;
        }
        memcpy(q->frames[q->count], zmq_msg_data(frame), size);
        q->frames[q->count][size] = '\0';
        q->sizes[q->count++] = size;
    } while (zmq_msg_more(frame));
    return fits;
}

bool
zap_serve(struct zap *zap, const struct permissions *permissions)
{
    bool any = false;
    zmq_msg_t from, frame;

    (void) zmq_msg_init(&from);
    (void) zmq_msg_init(&frame);
    while (zmq_msg_recv(&from, zap->socket, ZMQ_DONTWAIT) >= 0) {
        struct question q;
        bool delimited;
        any = true;
        if (zmq_msg_more(&from) && read_question(zap, &frame, &delimited, &q))
            answer(zap, &from, delimited, &q, permissions);
    }
    (void) zmq_msg_close(&from);
    (void) zmq_msg_close(&frame);
    return any;
}
