/* main.c - huzhu-broker: run it, look at its settings, make keys. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "broker.h"
#include "bus/bus_keys.h"
#include "log/log.h"

static int
fail(const struct err *err)
{
    LOG(ERROR, NULL, "broker.failed", L_TEXT("code", err_name(err->code)),
        L_TEXT("reason", err->reason), L_TEXT("text", err->text));
    return EXIT_FAILURE;
}

static int
usage(void)
{
    (void) fputs("usage: huzhu-broker [serve | --check-config | --help-config | --version]\n"
                 "       huzhu-broker keys generate PATH     writes PATH (0600) and PATH.pub\n"
                 "       huzhu-broker keys public PATH       prints the public key\n",
                 stderr);
    return 2;
}

static int
keys(int argc, char **argv)
{
    struct bus_key_pair pair = { "", "" };
    struct err err;

    if (argc != 4)
        return usage();
    if (strcmp(argv[2], "generate") == 0)
        return bus_keys_generate(argv[3], &err) == ERR_OK ? EXIT_SUCCESS : fail(&err);
    if (strcmp(argv[2], "public") != 0)
        return usage();
    if (bus_keys_load(argv[3], &pair, &err) != ERR_OK)
        return fail(&err);
    explicit_bzero(pair.secret_key, sizeof pair.secret_key);
    (void) printf("%s\n", pair.public_key);
    return EXIT_SUCCESS;
}

static int
serve(const struct broker_conf *conf)
{
    OWNED(broker_destroy) struct broker *broker = NULL;
    struct err err;
    sigset_t set;

    (void) sigemptyset(&set);
    (void) sigaddset(&set, SIGTERM);
    (void) sigaddset(&set, SIGINT);
    (void) sigaddset(&set, SIGHUP);
    (void) sigprocmask(SIG_BLOCK, &set, NULL); /* before ZeroMQ's threads are made */
    (void) signal(SIGPIPE, SIG_IGN);
    if (broker_create(conf, &broker, &err) != ERR_OK)
        return fail(&err);
    broker_run(broker);
    return EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "serve";
    struct broker_conf conf;
    enum log_level level;
    struct err err;

    log_open("broker", LOG_INFO);
    if (strcmp(command, "--help-config") == 0) {
        conf_help("broker", broker_conf_rows, broker_conf_row_count, stdout);
        return EXIT_SUCCESS;
    }
    if (strcmp(command, "--version") == 0) {
        int major, minor, patch;
        zmq_version(&major, &minor, &patch);
        (void) printf("huzhu-broker %s (libzmq %d.%d.%d)\n", HUZHU_VERSION, major, minor, patch);
        return EXIT_SUCCESS;
    }
    if (strcmp(command, "keys") == 0)
        return keys(argc, argv);
    if (strcmp(command, "serve") != 0 && strcmp(command, "--check-config") != 0)
        return usage();
    if (conf_load("broker", broker_conf_rows, broker_conf_row_count, &conf, stderr, &err) != ERR_OK)
        return fail(&err);
    if (!log_level_parse(conf.log_level, &level)) {
        (void) err_set(&err, ERR_INVALID, "conf.invalid", "\"%s\" is no log level", conf.log_level);
        return fail(&err);
    }
    log_open("broker", level);
    if (strcmp(command, "serve") == 0)
        return serve(&conf);
    const struct conf_table table = { broker_conf_rows, broker_conf_row_count };
    if (conf_unknown("broker", &table, 1, stderr) > 0)
        return EXIT_FAILURE;
    if (broker_check(&conf, &err) != ERR_OK)
        return fail(&err);
    (void) puts("ok");
    return EXIT_SUCCESS;
}
