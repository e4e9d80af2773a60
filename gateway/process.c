/* process.c - the command line and the signals of huzhu-gateway. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "gateway.h"
#include "log/log.h"
#include "loop.h"

#define STRING_(x) #x
#define STRING(x) STRING_(x)
/* New TLS contexts mean new ticket keys: a stolen one opens half a day at most. */
enum { TICKET_KEY_SECONDS = 12 * 3600 };

static int
usage(FILE *out)
{
    (void) fprintf(
        out, "huzhu-gateway [serve] | --check-config | --help-config | --openapi | --version\n"
             "Settings come from the environment; see --help-config.  SIGHUP reads the\n"
             "certificate, the static files and the tenants again; SIGTERM finishes and ends.\n");
    return out == stdout ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void
serve_signals(struct gateway *gateway, const sigset_t *signals)
{
    const struct timespec patience = { TICKET_KEY_SECONDS, 0 };
    struct err err;

    for (;;) {
        const int signal = sigtimedwait(signals, NULL, &patience);
        if (signal == SIGTERM || signal == SIGINT)
            return;
        if (signal == SIGHUP || (signal < 0 && errno == EAGAIN)) {
            if (gateway_reload(gateway, &err) == ERR_OK)
                LOG(INFO, NULL, "gateway.reloaded",
                    L_TEXT("why", signal == SIGHUP ? "SIGHUP" : "ticket keys"));
        }
    }
}

static int
serve(const struct gateway_conf *conf)
{
    struct gateway *gateway = NULL;
    struct err err = { 0 };
    sigset_t signals;

    (void) signal(SIGPIPE, SIG_IGN);
    (void) sigemptyset(&signals);
    (void) sigaddset(&signals, SIGTERM);
    (void) sigaddset(&signals, SIGINT);
    (void) sigaddset(&signals, SIGHUP);
    (void) pthread_sigmask(SIG_BLOCK, &signals, NULL); /* before threads, which inherit it */
    err_t code = gateway_create(conf, NULL, &gateway, &err);
    if (code == ERR_OK)
        code = gateway_start(gateway, &err);
    if (code != ERR_OK) {
        LOG(ERROR, NULL, "gateway.failed", L_TEXT("reason", err.reason), L_TEXT("text", err.text));
        return EXIT_FAILURE;
    }
    LOG(INFO, NULL, "gateway.listening", L_TEXT("address", conf->listen),
        L_INT("port", gateway->port), L_INT("loops", (int64_t) gateway->loop_count),
        L_INT("files", (int64_t) site_count(gateway->site)));
    serve_signals(gateway, &signals);
    LOG0(INFO, NULL, "gateway.stopping");
    gateway_stop(gateway);
    gateway_destroy(gateway);
    LOG0(INFO, NULL, "gateway.stopped");
    return EXIT_SUCCESS;
}

/* The contract as a document, without settings or a network: for clients and their tests. */
static int
print_openapi(void)
{
    struct route *table = calloc(ROUTES_MAX, sizeof *table);
    struct shapes *shapes = shapes_create();
    struct routes *routes = NULL;
    struct text out = { 0 };
    struct err err = { 0 };
    int status = EXIT_FAILURE;

    if (table && shapes &&
        routes_compile(table, routes_default(table, ROUTES_MAX), shapes, &routes, &err) == ERR_OK) {
        openapi_write(routes, &out);
        if (!out.failed && fwrite(out.bytes, 1, out.used, stdout) == out.used)
            status = EXIT_SUCCESS;
    } else {
        (void) fprintf(stderr, "%s\n", err.text);
    }
    text_free(&out);
    routes_destroy(routes);
    shapes_destroy(shapes);
    free(table);
    return status;
}

int
gateway_main(int argc, char **argv)
{
    struct gateway_conf conf;
    struct err err = { 0 };
    enum log_level level;
    const char *command = argc > 1 ? argv[1] : "serve";

    if (argc > 2)
        return usage(stderr);
    if (strcmp(command, "--version") == 0) {
        (void) printf("huzhu-gateway " STRING(HUZHU_VERSION) "\n");
        return EXIT_SUCCESS;
    }
    if (strcmp(command, "--help") == 0)
        return usage(stdout);
    if (strcmp(command, "--help-config") == 0) {
        gateway_conf_help(stdout);
        return EXIT_SUCCESS;
    }
    if (strcmp(command, "--openapi") == 0)
        return print_openapi();
    const bool check = strcmp(command, "--check-config") == 0;
    if (!check && strcmp(command, "serve") != 0)
        return usage(stderr);
    if (gateway_conf_load(&conf, stderr, &err) != ERR_OK)
        return EXIT_FAILURE;
    if (!log_level_parse(conf.log_level, &level)) {
        (void) fprintf(stderr,
                       "HUZHU_GATEWAY_LOG_LEVEL: it is none of debug, info, warning, error\n");
        return EXIT_FAILURE;
    }
    if (check)
        return gateway_conf_check(&conf, stderr) ? EXIT_SUCCESS : EXIT_FAILURE;
    log_open("gateway", level);
    return serve(&conf);
}
