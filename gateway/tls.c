/* tls.c - contexts with the house's cipher policy, and the bytes between a socket and its SSL. */
#include "tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"

static err_t
fault(struct err *err, const char *what, const char *file)
{
    char text[128] = "";
    const unsigned long code = ERR_get_error();

    if (code)
        ERR_error_string_n(code, text, sizeof text);
    ERR_clear_error();
    return err_set(err, ERR_INVALID, "tls.files", "%s %s: %s", what, file, text);
}

static int
choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_size,
                const unsigned char *in, unsigned int in_size, void *arg)
{
    static const unsigned char ours[] = "\x08http/1.1";

    (void) ssl, (void) arg;
    if (SSL_select_next_proto((unsigned char **) (uintptr_t) out, out_size, ours, sizeof ours - 1,
                              in, in_size) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    return SSL_TLSEXT_ERR_OK;
}

static err_t
context_fill(SSL_CTX *context, const char *certificate_file, const char *key_file, struct err *err)
{
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1 ||
        SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") != 1)
        return fault(err, "cannot set up TLS", "");
    (void) SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                            SSL_OP_CIPHER_SERVER_PREFERENCE |
                                            SSL_OP_PRIORITIZE_CHACHA);
    (void) SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                         SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                         SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1); /* a record's head and body in one read */
    (void) SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    (void) SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    if (SSL_CTX_use_certificate_chain_file(context, certificate_file) != 1)
        return fault(err, "cannot read the certificate", certificate_file);
    if (SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) != 1)
        return fault(err, "cannot read the key", key_file);
    if (SSL_CTX_check_private_key(context) != 1)
        return fault(err, "the key does not belong to the certificate", certificate_file);
    return ERR_OK;
}

err_t
tls_context_create(const char *certificate_file, const char *key_file, void **context,
                   struct err *err)
{
    SSL_CTX *fresh = SSL_CTX_new(TLS_server_method());

    if (!fresh)
        return fault(err, "cannot set up TLS", "");
    const err_t code = context_fill(fresh, certificate_file, key_file, err);
    if (code != ERR_OK) {
        SSL_CTX_free(fresh);
        return code;
    }
    *context = fresh;
    return ERR_OK;
}

void *
tls_context_ref(void *context)
{
    (void) SSL_CTX_up_ref(context);
    return context;
}

void
tls_context_unref(void *context)
{
    SSL_CTX_free(context);
}

/* --- the transport --- */

static void
want(struct conn *conn, bool reading, bool writing)
{
    if (reading)
        (void) event_add(&conn->read_event, NULL);
    else
        (void) event_del(&conn->read_event);
    if (writing)
        (void) event_add(&conn->write_event, NULL);
    else if (event_pending(&conn->write_event, EV_WRITE, NULL))
        (void) event_del(&conn->write_event);
    /* What OpenSSL holds already makes no socket readable. */
    if (reading && SSL_has_pending(conn->tls))
        event_active(&conn->read_event, EV_READ, 0);
}

static ssize_t
result(struct conn *conn, int got)
{
    switch (SSL_get_error(conn->tls, got)) {
    case SSL_ERROR_WANT_READ:
        return IO_AGAIN;
    case SSL_ERROR_WANT_WRITE: /* a handshake that is larger than the socket's buffer */
        if (!conn->handshaken)
            (void) event_add(&conn->write_event, NULL);
        return IO_AGAIN;
    default:
        ERR_clear_error();
        return IO_GONE;
    }
}

static ssize_t
tls_read(struct conn *conn, char *to, size_t room)
{
    const int got = SSL_read(conn->tls, to, (int) room);

    if (!conn->handshaken && SSL_is_init_finished(conn->tls)) {
        conn->handshaken = true;
        conn->since_us = conn->loop->now_us;
    }
    if (got > 0)
        return got;
    const ssize_t why = result(conn, got);
    if (why == IO_GONE && !conn->handshaken)
        COUNT_UP(conn->loop->counters.handshakes_failed, 1);
    return why;
}

static ssize_t
tls_write(struct conn *conn, const char *from, size_t size)
{
    /* OpenSSL cuts records of 16 KiB; more at once gains nothing and holds the loop. */
    const int sent = SSL_write(conn->tls, from, (int) (size < 65536 ? size : 65536));

    return sent > 0 ? sent : result(conn, sent);
}

static bool
tls_pending(const struct conn *conn)
{
    return SSL_has_pending(conn->tls) != 0;
}

static void
tls_finish(struct conn *conn)
{
    if (conn->handshaken)
        (void) SSL_shutdown(conn->tls);
    ERR_clear_error();
    (void) shutdown(conn->fd, SHUT_WR);
}

static bool
tls_discard(struct conn *conn)
{
    const ssize_t got = recv(conn->fd, conn->loop->in, READ_BYTES, MSG_DONTWAIT);

    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static void
tls_close(struct conn *conn)
{
    if (conn->tls) {
        (void) event_del(&conn->read_event);
        (void) event_del(&conn->write_event);
        SSL_free(conn->tls);
        ERR_clear_error();
    }
    if (conn->fd >= 0)
        (void) close(conn->fd);
}

const struct io tls_io = {
    .read = tls_read,
    .write = tls_write,
    .pending = tls_pending,
    .want = want,
    .finish = tls_finish,
    .discard = tls_discard,
    .close = tls_close,
};

static void
on_read(evutil_socket_t fd, short what, void *arg)
{
    struct conn *conn = arg;
    struct loop *loop = conn->loop;

    (void) fd, (void) what;
    loop_clock(loop);
    if (!conn->dead)
        conn_readable(conn);
    loop_reap(loop);
}

static void
on_write(evutil_socket_t fd, short what, void *arg)
{
    struct conn *conn = arg;
    struct loop *loop = conn->loop;

    (void) fd, (void) what;
    loop_clock(loop);
    if (conn->dead) {
        loop_reap(loop);
        return;
    }
    if (!conn->handshaken) {
        (void) event_del(&conn->write_event);
        conn_readable(conn);
    } else {
        conn_writable(conn);
    }
    loop_reap(loop);
}

bool
tls_accept(struct conn *conn, void *context)
{
    conn->tls = SSL_new(context);
    if (!conn->tls || SSL_set_fd(conn->tls, conn->fd) != 1) {
        SSL_free(conn->tls);
        conn->tls = NULL;
        return false;
    }
    SSL_set_accept_state(conn->tls);
    (void) event_assign(&conn->read_event, conn->loop->base, conn->fd, EV_READ | EV_PERSIST,
                        on_read, conn);
    (void) event_assign(&conn->write_event, conn->loop->base, conn->fd, EV_WRITE | EV_PERSIST,
                        on_write, conn);
    return event_add(&conn->read_event, NULL) == 0;
}
