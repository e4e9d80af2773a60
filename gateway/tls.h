/* tls.h - the only file of the gateway that touches OpenSSL's TLS: contexts and a transport.
 *
 * TLS 1.3 preferred, 1.2 the floor, forward secrecy and AEAD alone, HTTP/1.1 by ALPN.  Session
 * tickets speed up resumption on poor links; their keys live as long as the context, which the
 * gateway makes anew twice a day. */
#ifndef HUZHU_GATEWAY_TLS_H
#define HUZHU_GATEWAY_TLS_H

#include "conn.h"
#include "err/err.h"

/* Reads the chain and the key and checks that they belong together. */
err_t tls_context_create(const char *certificate_file, const char *key_file, void **context,
                         struct err *err) MUST_CHECK;
void *tls_context_ref(void *context);
void tls_context_unref(void *context);

extern const struct io tls_io;
/* Makes conn->tls for conn->fd and registers its events; false: no memory. */
bool tls_accept(struct conn *conn, void *context) MUST_CHECK;

#endif
