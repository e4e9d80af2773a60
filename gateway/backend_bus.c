/* backend_bus.c - the bus as a backend. */
#include <stdlib.h>

#include "backend.h"
#include "bus/bus.h"
#include "gateway.h"

struct bus_backend {
    struct backend base;
    struct bus_client *client;
};

static err_t
bus_send(struct backend *backend, const char *service, const Bus__Envelope *envelope,
         uint64_t *ticket, struct err *err)
{
    return bus_client_send(((struct bus_backend *) backend)->client, service, envelope, ticket,
                           err);
}

static bool
bus_recv(struct backend *backend, uint64_t *ticket, const Bus__Answer **answer)
{
    return bus_client_recv(((struct bus_backend *) backend)->client, 0, ticket, answer);
}

static void
bus_cancel(struct backend *backend, uint64_t ticket)
{
    bus_client_cancel(((struct bus_backend *) backend)->client, ticket);
}

static int
bus_fd(const struct backend *backend)
{
    return bus_client_fd(((const struct bus_backend *) backend)->client);
}

static void
bus_destroy(struct backend *backend)
{
    bus_client_destroy(((struct bus_backend *) backend)->client);
    free(backend);
}

err_t
backend_bus_make(const struct gateway_conf *conf, void *arg, struct backend **backend,
                 struct err *err)
{
    const struct bus_conf bus = {
        .brokers = conf->brokers,
        .name = "gateway",
        .key_file = conf->bus_key,
        .broker_key = conf->broker_key,
    };
    struct bus_backend *fresh = calloc(1, sizeof *fresh);

    (void) arg;
    if (!fresh)
        return err_set(err, ERR_INTERNAL, "memory.out", "no memory for the bus");
    const err_t code = bus_client_create(&bus, &fresh->client, err);
    if (code != ERR_OK) {
        free(fresh);
        return code;
    }
    fresh->base = (struct backend){ bus_send, bus_recv, bus_cancel, bus_fd, bus_destroy };
    *backend = &fresh->base;
    return ERR_OK;
}
