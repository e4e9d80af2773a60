/* gateway.c - start in the order of what needs what, stop in the other; reload changes all or
 * nothing. */
#include "gateway.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bus/bus.h"
#include "bus/bus_keys.h"
#include "id/id.h"
#include "log/log.h"
#include "loop.h"
#include "tls.h"

enum { TENANTS_MAX = 4096, LISTEN_BACKLOG = 1024 };

static const struct conf_row conf_rows[] = {
#define CONF(kind, name, fallback, low, high, says)                                                \
    CONF_ROW(struct gateway_conf, kind, name, fallback, low, high, says)
#include "conf.def"
#undef CONF
};

err_t
gateway_conf_load(struct gateway_conf *conf, FILE *problems, struct err *err)
{
    return conf_load("gateway", conf_rows, COUNT(conf_rows), conf, problems, err);
}

void
gateway_conf_help(FILE *out)
{
    conf_help("gateway", conf_rows, COUNT(conf_rows), out);
}

/* --- tenants by host name --- */

struct tenants {
    int references; /* atomic */
    size_t count;
    struct {
        char host[256];
        struct id tenant;
    } rows[TENANTS_MAX];
};

err_t
tenants_load(const char *path, struct tenants **tenants, struct err *err)
{
    OWNED(tenants_unref) struct tenants *fresh = calloc(1, sizeof *fresh);
    char line[512], id[64];

    if (!fresh)
        return err_set(err, ERR_INTERNAL, "memory.out", "no memory for tenants");
    fresh->references = 1;
    FILE *file = path[0] ? fopen(path, "re") : NULL;
    if (path[0] && !file)
        return err_set(err, ERR_INVALID, "tenants.file", "%s: %s", path, strerror(errno));
    err_t code = ERR_OK;
    for (int number = 1; code == ERR_OK && file && fgets(line, sizeof line, file); number++) {
        if (line[strspn(line, " \t\r\n")] == '\0' || line[0] == '#')
            continue;
        if (fresh->count == TENANTS_MAX ||
            sscanf(line, "%255s %63s", fresh->rows[fresh->count].host, id) != 2 ||
            !id_parse(id, &fresh->rows[fresh->count].tenant))
            code = err_set(err, ERR_INVALID, "tenants.file", "%s:%d is not 'host tenant-id'", path,
                           number);
        else
            fresh->count++;
    }
    if (file)
        (void) fclose(file);
    if (code == ERR_OK)
        *tenants = TAKE(fresh);
    return code;
}

struct tenants *
tenants_ref(struct tenants *tenants)
{
    (void) __atomic_add_fetch(&tenants->references, 1, __ATOMIC_RELAXED);
    return tenants;
}

void
tenants_unref(struct tenants *tenants)
{
    if (tenants && __atomic_sub_fetch(&tenants->references, 1, __ATOMIC_ACQ_REL) == 0)
        free(tenants);
}

bool
tenants_find(const struct tenants *tenants, struct slice host, uint8_t tenant[static 16])
{
    const char *colon = host.size ? memrchr(host.bytes, ':', host.size) : NULL;

    if (colon && host.bytes[host.size - 1] != ']')
        host.size = (size_t) (colon - host.bytes);
    for (size_t i = 0; i < tenants->count; i++) {
        if (slice_is_nocase(host, tenants->rows[i].host)) {
            memcpy(tenant, tenants->rows[i].tenant.bytes, 16);
            return true;
        }
    }
    return false;
}

/* --- making one --- */

static err_t
listen_on(const struct gateway_conf *conf, int port, int *fd, struct err *err)
{
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t) port) };
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t) port) };
    const bool is_v4 = inet_pton(AF_INET, conf->listen, &v4.sin_addr) == 1;
    const int one = 1, zero = 0;

    if (!is_v4 && inet_pton(AF_INET6, conf->listen, &v6.sin6_addr) != 1)
        return err_set(err, ERR_INVALID, "listen.address", "%s is not an address", conf->listen);
    *fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return err_set(err, ERR_UNAVAILABLE, "listen.socket", "%s", strerror(errno));
    (void) setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    (void) setsockopt(*fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    if (!is_v4)
        (void) setsockopt(*fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
    const int bound = is_v4 ? bind(*fd, (struct sockaddr *) (void *) &v4, sizeof v4)
                            : bind(*fd, (struct sockaddr *) (void *) &v6, sizeof v6);
    if (bound != 0 || listen(*fd, LISTEN_BACKLOG) != 0)
        return err_set(err, ERR_UNAVAILABLE, "listen.bind", "%s port %d: %s", conf->listen, port,
                       strerror(errno));
    return ERR_OK;
}

static int
port_of(int fd)
{
    struct sockaddr_storage address = { 0 };
    socklen_t size = sizeof address;

    if (getsockname(fd, (struct sockaddr *) (void *) &address, &size) != 0)
        return 0;
    return ntohs(address.ss_family == AF_INET
                     ? ((struct sockaddr_in *) (void *) &address)->sin_port
                     : ((struct sockaddr_in6 *) (void *) &address)->sin6_port);
}

static err_t
load_site(struct gateway *gateway, struct site **site, struct err *err)
{
    OWNED(site_unref) struct site *fresh = NULL;

    TRY(site_load(gateway->conf.web_root, &fresh, err));
    TRY(site_add(fresh, "/api/v1/openapi.json", "application/json", gateway->openapi.bytes,
                 gateway->openapi.used, err));
    *site = TAKE(fresh);
    return ERR_OK;
}

static err_t
make_routes(struct gateway *gateway, const struct gateway_parts *parts, struct err *err)
{
    size_t count = parts->route_count;

    gateway->table = calloc(ROUTES_MAX, sizeof *gateway->table);
    gateway->shapes = shapes_create();
    if (!gateway->table || !gateway->shapes)
        return err_set(err, ERR_INTERNAL, "memory.out", "no memory for routes");
    if (!parts->routes)
        count = routes_default(gateway->table, ROUTES_MAX);
    else
        memcpy(gateway->table, parts->routes, count * sizeof *gateway->table);
    TRY(routes_compile(gateway->table, count, gateway->shapes, &gateway->routes, err));
    openapi_write(gateway->routes, &gateway->openapi);
    if (gateway->openapi.failed)
        return err_set(err, ERR_INTERNAL, "memory.out", "no memory for openapi.json");
    return ERR_OK;
}

static err_t
make_loops(struct gateway *gateway, struct err *err)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t count = (size_t) gateway->conf.loops;

    if (count == 0)
        count = cores > 0 && cores < 64 ? (size_t) cores : 1;
    gateway->loops = calloc(count, sizeof(struct loop *));
    if (!gateway->loops)
        return err_set(err, ERR_INTERNAL, "memory.out", "no memory for loops");
    gateway->port = (int) gateway->conf.port;
    for (size_t i = 0; i < count; i++) {
        int fd = -1;
        const err_t code = listen_on(&gateway->conf, gateway->port, &fd, err);
        if (code != ERR_OK) {
            if (fd >= 0)
                (void) close(fd);
            return code;
        }
        gateway->port = port_of(fd);
        gateway->loops[i] = loop_create(gateway, (int) i, fd, err);
        if (!gateway->loops[i])
            return ERR_INTERNAL;
        gateway->loop_count++;
    }
    return ERR_OK;
}

static err_t
fill(struct gateway *gateway, const struct gateway_parts *parts, struct err *err)
{
    const struct gateway_conf *conf = &gateway->conf;

    gateway->http_limits =
        (struct http_limits){ (size_t) conf->head_bytes, (size_t) conf->target_bytes,
                              (uint32_t) conf->header_count };
    gateway->make_backend = parts->make_backend ? parts->make_backend : backend_bus_make;
    gateway->make_backend_arg = parts->make_backend_arg;
    gateway->limiter = limiter_create();
    gateway->sessions = sessions_create();
    gateway->tenant_codes = tenant_codes_create();
    gateway->lock = calloc(1, sizeof(pthread_mutex_t));
    if (!gateway->limiter || !gateway->sessions || !gateway->tenant_codes || !gateway->lock)
        return err_set(err, ERR_INTERNAL, "memory.out", "no memory for the gateway");
    (void) pthread_mutex_init(gateway->lock, NULL);
    TRY(make_routes(gateway, parts, err));
    TRY(tls_context_create(conf->certificate_file, conf->certificate_key_file, &gateway->tls, err));
    TRY(load_site(gateway, &gateway->site, err));
    TRY(tenants_load(conf->tenants_file, &gateway->tenants, err));
    return make_loops(gateway, err);
}

/* --- trying the settings --- */

static bool
tells(const char *name, err_t code, const struct err *why, FILE *problems)
{
    if (code != ERR_OK)
        conf_problem("gateway", name, why->text, problems);
    return code == ERR_OK;
}

static bool
keys_are_good(const struct gateway_conf *conf, FILE *problems)
{
    struct bus_key_pair pair;
    struct err why = { 0 };
    bool good = true;

    if (conf->bus_key[0])
        good = tells("bus_key", bus_keys_load(conf->bus_key, &pair, &why), &why, problems);
    explicit_bzero(&pair, sizeof pair);
    if (conf->broker_key[0] && access(conf->broker_key, R_OK) != 0) {
        conf_problem("gateway", "broker_key", "its file cannot be read", problems);
        good = false;
    }
    return good;
}

bool
gateway_conf_check(const struct gateway_conf *conf, FILE *problems)
{
    const struct conf_table table = { conf_rows, COUNT(conf_rows) };
    struct tenants *tenants = NULL;
    struct site *site = NULL;
    struct in6_addr address;
    struct err why = { 0 };
    void *tls = NULL;
    bool good = conf_unknown("gateway", &table, 1, problems) == 0;

    if (inet_pton(AF_INET, conf->listen, &address) != 1 &&
        inet_pton(AF_INET6, conf->listen, &address) != 1) {
        conf_problem("gateway", "listen", "it is no address", problems);
        good = false;
    }
    good = tells("certificate_file",
                 tls_context_create(conf->certificate_file, conf->certificate_key_file, &tls, &why),
                 &why, problems) &&
           good;
    good = tells("web_root", site_load(conf->web_root, &site, &why), &why, problems) && good;
    good =
        tells("tenants_file", tenants_load(conf->tenants_file, &tenants, &why), &why, problems) &&
        good;
    good = keys_are_good(conf, problems) && good;
    if (tls)
        tls_context_unref(tls);
    site_unref(site);
    tenants_unref(tenants);
    return good;
}

err_t
gateway_create(const struct gateway_conf *conf, const struct gateway_parts *parts,
               struct gateway **gateway, struct err *err)
{
    static const struct gateway_parts usual;
    struct gateway *fresh = calloc(1, sizeof *fresh);

    if (!fresh)
        return err_set(err, ERR_INTERNAL, "memory.out", "no memory for the gateway");
    fresh->conf = *conf;
    const err_t code = fill(fresh, parts ? parts : &usual, err);
    if (code != ERR_OK) {
        gateway_destroy(fresh);
        return code;
    }
    *gateway = fresh;
    return ERR_OK;
}

err_t
gateway_start(struct gateway *gateway, struct err *err)
{
    for (size_t i = 0; i < gateway->loop_count; i++)
        TRY(loop_start(gateway->loops[i], err));
    return metrics_start(gateway, err);
}

static void
wake_all(struct gateway *gateway)
{
    for (size_t i = 0; i < gateway->loop_count; i++)
        loop_wake(gateway->loops[i]);
}

static err_t
kept(const char *what, const struct err *why, struct err *first)
{
    LOG(ERROR, NULL, "reload.refused", L_TEXT("what", what), L_TEXT("text", why->text));
    if (first->code == ERR_OK)
        *first = *why;
    return why->code;
}

err_t
gateway_reload(struct gateway *gateway, struct err *err)
{
    const struct gateway_conf *conf = &gateway->conf;
    void *tls = NULL;
    struct site *site = NULL;
    struct tenants *tenants = NULL;
    struct err why = { 0 };

    *err = (struct err){ 0 };
    if (tls_context_create(conf->certificate_file, conf->certificate_key_file, &tls, &why) !=
        ERR_OK)
        (void) kept("certificate", &why, err);
    if (load_site(gateway, &site, &why) != ERR_OK)
        (void) kept("web_root", &why, err);
    if (tenants_load(conf->tenants_file, &tenants, &why) != ERR_OK)
        (void) kept("tenants_file", &why, err);
    (void) pthread_mutex_lock(gateway->lock);
    void *old_tls = gateway->tls;
    struct site *old_site = gateway->site;
    struct tenants *old_tenants = gateway->tenants;
    if (tls)
        gateway->tls = tls;
    if (site)
        gateway->site = site;
    if (tenants)
        gateway->tenants = tenants;
    (void) pthread_mutex_unlock(gateway->lock);
    if (tls)
        tls_context_unref(old_tls);
    if (site)
        site_unref(old_site);
    if (tenants)
        tenants_unref(old_tenants);
    wake_all(gateway);
    return err->code;
}

void
gateway_stop(struct gateway *gateway)
{
    __atomic_store_n(&gateway->stopping, true, __ATOMIC_RELEASE);
    wake_all(gateway);
    for (size_t i = 0; i < gateway->loop_count; i++)
        loop_join(gateway->loops[i]);
    metrics_stop(gateway);
}

void
gateway_destroy(struct gateway *gateway)
{
    if (!gateway)
        return;
    for (size_t i = 0; i < gateway->loop_count; i++)
        loop_destroy(gateway->loops[i]);
    free(gateway->loops);
    if (gateway->tls)
        tls_context_unref(gateway->tls);
    site_unref(gateway->site);
    tenants_unref(gateway->tenants);
    sessions_destroy(gateway->sessions);
    tenant_codes_destroy(gateway->tenant_codes);
    limiter_destroy(gateway->limiter);
    routes_destroy(gateway->routes);
    shapes_destroy(gateway->shapes);
    text_free(&gateway->openapi);
    free(gateway->table);
    if (gateway->lock)
        (void) pthread_mutex_destroy(gateway->lock);
    free(gateway->lock);
    free(gateway);
}
