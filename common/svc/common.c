/* common.c - the rpcs that the runtime answers for every service (bus.proto, service Common). */
#include "svc/runtime.h"

enum { PING_BYTES_MAX = 64 * 1024 };

err_t
common_ping(struct call *c, const Bus__PingRequest *in, Bus__PingReply *out)
{
    if (in->payload.len > PING_BYTES_MAX)
        return err_at(&c->err, ERR_INVALID, "$.payload", "ping.payload",
                      "a ping carries at most %d bytes", PING_BYTES_MAX);
    out->payload = in->payload;
    out->service = (char *) c->service;
    out->version = (char *) HUZHU_VERSION;
    return ERR_OK;
}

SVC_THUNK(common_ping, Bus__PingRequest, Bus__PingReply)
SVC_THUNK(common_read_events, Bus__ReadEventsRequest, Bus__ReadEventsReply)

static const struct svc_method methods[] = {
    { "Ping", common_ping_thunk, (role_set_t) ROLE_ANYONE, SVC_BARE },
    { "ReadEvents", common_read_events_thunk, (role_set_t) ROLE_SERVICE, SVC_BARE },
};

const struct svc common_svc = {
    .name = "common",
    .descriptor = &bus__common__descriptor,
    .methods = methods,
    .method_count = COUNT(methods),
};
