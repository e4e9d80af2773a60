/* backend.h - where requests go: the bus, or what a test puts in its place.
 *
 * The contract is bus.h's: send never blocks, answers are taken until recv returns false, an fd
 * that is readable means "call recv", and recv is called after every send too. */
#ifndef HUZHU_GATEWAY_BACKEND_H
#define HUZHU_GATEWAY_BACKEND_H

#include "bus.pb-c.h"
#include "err/err.h"

struct backend {
    err_t (*send)(struct backend *backend, const char *service, const Bus__Envelope *envelope,
                  uint64_t *ticket, struct err *err);
    bool (*recv)(struct backend *backend, uint64_t *ticket, const Bus__Answer **answer);
    void (*cancel)(struct backend *backend, uint64_t ticket);
    int (*fd)(const struct backend *backend); /* -1: none; the loop's tick will do */
    void (*destroy)(struct backend *backend);
};

struct gateway_conf;
/* Makes one per loop, in the loop's thread. */
typedef err_t backend_make_fn(const struct gateway_conf *conf, void *arg, struct backend **backend,
                              struct err *err);
backend_make_fn backend_bus_make;

#endif
