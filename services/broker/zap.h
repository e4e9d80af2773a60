/* zap.h - ZAP (RFC 27): the broker's sockets ask here who a new connection is.
 *
 * CURVE proves a key, which the table maps to a name.  PLAIN over ipc carries the name that is
 * wanted, and libzmq's peer address the uid that the kernel vouches for (SO_PEERCRED); the table
 * says whether that uid may be that name.  PLAIN over tcp is never accepted. */
#ifndef HUZHU_BROKER_ZAP_H
#define HUZHU_BROKER_ZAP_H

#include "core.h"

struct zap;

/* To be bound before any socket that needs it.  refuse is told what was turned away. */
err_t zap_create(void *context, void (*refuse)(void *arg, const struct refusal *), void *arg,
                 struct zap **zap, struct err *err) MUST_CHECK;
void zap_destroy(struct zap *zap);
DEFINE_OWNED(struct zap, zap_destroy)

int zap_fd(const struct zap *zap);
/* Answers all questions that lie there; true when there was one. */
bool zap_serve(struct zap *zap, const struct permissions *permissions);

/* "kind:uid:gid:pid" or ":uid:gid:pid", as libzmq writes the address of a unix socket's peer. */
bool zap_uid_parse(const char *address, uint32_t *uid) MUST_CHECK;

#endif
