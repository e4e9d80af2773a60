/* main.c - the command line of every service. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "bus/bus_keys.h"
#include "runtime_migrations.h"
#include "svc/runtime.h"

#define PING_US_MAX (INT64_C(2) * US_PER_SECOND)
#define BIG_BLOCK_BYTES (1024 * 1024) /* the arenas' largest chunk: rare enough for a map each */
#define ARENAS_MAX 2

/* What a command starts from. */
struct program {
    const struct svc *svc;
    struct runtime_conf conf;
    void *service_conf;
    char **arguments; /* behind the verb */
};

static int
complain(const struct err *err)
{
    (void) fprintf(stderr, "%s: %s: %s\n", err_name(err->code), err->reason, err->text);
    return EXIT_FAILURE;
}

static err_t
load_conf(struct program *program, struct err *err)
{
    const struct svc *svc = program->svc;
    struct err own;

    program->service_conf = calloc(1, svc->conf_size + 1);
    if (!program->service_conf)
        return err_set(err, ERR_UNAVAILABLE, "conf.memory", "out of memory");
    /* Both tables are read before anything is refused: all problems at once. */
    const err_t first = conf_load(svc->name, runtime_conf_rows, runtime_conf_row_count,
                                  &program->conf, stderr, err);
    const err_t second = conf_load(svc->name, svc->conf_rows, svc->conf_row_count,
                                   program->service_conf, stderr, &own);
    if (first == ERR_OK && second != ERR_OK)
        *err = own;
    return first != ERR_OK ? first : second;
}

static err_t
need(const char *value, const char *name, struct err *err)
{
    return value && value[0] ? ERR_OK
                             : err_set(err, ERR_INVALID, "conf.invalid", "%s is not set", name);
}

/* What no row of a table can know: all of it is told before anything is refused. */
static err_t
check_conf(struct program *program, struct err *err)
{
    const struct runtime_conf *conf = &program->conf;
    const char *name = program->svc->name;
    enum log_level level;
    int faults = 0;

    if (!runtime_url(conf->database_url, conf->database_url_file)[0]) {
        conf_problem(name, "database_url", "it is required, here or in a file", stderr);
        faults++;
    }
    if (!conf->brokers[0]) {
        conf_problem(name, "brokers", "it is required", stderr);
        faults++;
    }
    if (!log_level_parse(conf->log_level, &level)) {
        conf_problem(name, "log_level", "it is none of debug, info, warning, error", stderr);
        faults++;
    }
    return faults == 0 ? ERR_OK
                       : err_set(err, ERR_INVALID, "conf.invalid", "%d settings are wrong", faults);
}

/* For --check-config alone: files that the bus reads later, and slips in names. */
static err_t
check_more(struct program *program, struct err *err)
{
    const struct svc *svc = program->svc;
    const struct runtime_conf *conf = &program->conf;
    const struct conf_table tables[] = { { runtime_conf_rows, runtime_conf_row_count },
                                         { svc->conf_rows, svc->conf_row_count } };
    int faults = conf_unknown(svc->name, tables, COUNT(tables), stderr);
    struct bus_key_pair pair;
    struct err why;

    if (conf->bus_key[0] && bus_keys_load(conf->bus_key, &pair, &why) != ERR_OK) {
        conf_problem(svc->name, "bus_key", why.text, stderr);
        faults++;
    }
    explicit_bzero(&pair, sizeof pair);
    if (conf->broker_key[0] && access(conf->broker_key, R_OK) != 0) {
        conf_problem(svc->name, "broker_key", "its file cannot be read", stderr);
        faults++;
    }
    return faults == 0 ? ERR_OK
                       : err_set(err, ERR_INVALID, "conf.invalid", "%d settings are wrong", faults);
}

static int
run_serve(struct program *program)
{
    OWNED(runtime_destroy) struct runtime *rt = NULL;
    enum log_level level = LOG_INFO;
    struct err err;

    if (check_conf(program, &err) != ERR_OK)
        return complain(&err);
    if (log_level_parse(program->conf.log_level, &level))
        log_open(program->svc->name, level);
    if (runtime_create(program->svc, &program->conf, program->service_conf, &rt, &err) != ERR_OK)
        return complain(&err);
    return serve(rt);
}

static int
run_check(struct program *program)
{
    OWNED(runtime_destroy) struct runtime *rt = NULL;
    struct err err;

    if (check_conf(program, &err) != ERR_OK || check_more(program, &err) != ERR_OK ||
        runtime_create(program->svc, &program->conf, program->service_conf, &rt, &err) != ERR_OK)
        return complain(&err);
    (void) printf("the configuration of %s is complete\n", program->svc->name);
    return EXIT_SUCCESS;
}

static int
run_migrate(struct program *program)
{
    const struct svc *svc = program->svc;
    const char *url = runtime_url(program->conf.migrate_url, program->conf.migrate_url_file);
    struct err err;

    if (need(url, "migrate_url", &err) != ERR_OK ||
        db_migrate(url, svc->name, runtime_migrations, COUNT(runtime_migrations), &err) != ERR_OK ||
        db_migrate(url, svc->name, svc->migrations, svc->migration_count, &err) != ERR_OK)
        return complain(&err);
    (void) printf("%s: %zu migrations are applied\n", svc->name,
                  COUNT(runtime_migrations) + svc->migration_count);
    return EXIT_SUCCESS;
}

static int
run_ping(struct program *program)
{
    const struct bus_conf conf = { program->conf.brokers, program->svc->name, program->conf.bus_key,
                                   program->conf.broker_key };
    OWNED(bus_client_destroy) struct bus_client *client = NULL;
    const instant_t now = clock_now();
    struct id id = id_mint(now);
    Bus__Envelope envelope = BUS__ENVELOPE__INIT;
    const Bus__Answer *answer;
    struct err err;

    envelope.request_id = (ProtobufCBinaryData){ sizeof id.bytes, id.bytes };
    envelope.method = (char *) "Common.Ping";
    envelope.deadline_us = now.us + PING_US_MAX;
    if (need(conf.brokers, "brokers", &err) != ERR_OK ||
        bus_client_create(&conf, &client, &err) != ERR_OK ||
        bus_call(client, program->svc->name, &envelope, &answer, &err) != ERR_OK)
        return complain(&err);
    Bus__PingReply *reply = bus__ping_reply__unpack(NULL, answer->body.len, answer->body.data);
    (void) printf("%s %s answers after %lld us\n", reply ? reply->service : "?",
                  reply ? reply->version : "?", (long long) (clock_now().us - now.us));
    bus__ping_reply__free_unpacked(reply, NULL);
    return EXIT_SUCCESS;
}

static err_t
print_evidence(const struct program *program, FILE *body, struct err *err)
{
    static uint8_t bytes[BUS_ENVELOPE_BYTES_MAX + 1];
    static const char *const whats[] = { "body", "reply" };
    OWNED(key_ring_destroy) struct key_ring *ring = NULL;
    uint8_t key[KEY_BYTES], sum[SHA256_BYTES], mac[SHA256_BYTES];
    char info[EVIDENCE_INFO_BYTES];
    struct id tenant, request_id;

    if (!id_parse(program->arguments[0], &tenant) ||
        !id_parse(program->arguments[1], &request_id) ||
        strlen(program->arguments[2]) != RING_KEY_ID_BYTES)
        return err_set(err, ERR_INVALID, "evidence.arguments",
                       "evidence TENANT-ID REQUEST-ID MASTER-KEY-ID, and the bytes on stdin");
    TRY(need(program->conf.master_keys, "master_keys", err));
    TRY(key_ring_load(program->conf.master_keys, &ring, err));
    evidence_info(tenant, info);
    if (!shared_key_of(ring, program->arguments[2], info, key))
        return err_set(err, ERR_NOT_FOUND, "keys.unknown", "the master key %s is not in the ring",
                       program->arguments[2]);
    const size_t size = fread(bytes, 1, sizeof bytes, body);
    if (ferror(body) || size == sizeof bytes)
        return err_set(err, ERR_INVALID, "evidence.body", "stdin cannot be read, or is too long");
    sha256(bytes, size, sum);
    for (size_t i = 0; i < COUNT(whats); i++) {
        evidence_mac(key, whats[i], request_id, sum, mac);
        (void) printf("%s_mac ", whats[i]);
        for (size_t byte = 0; byte < sizeof mac; byte++)
            (void) printf("%02x", mac[byte]);
        (void) putchar('\n');
    }
    explicit_bzero(key, sizeof key);
    return ERR_OK;
}

static int
run_evidence(struct program *program)
{
    struct err err;

    return print_evidence(program, stdin, &err) == ERR_OK ? EXIT_SUCCESS : complain(&err);
}

static int
run_own(struct program *program, const struct svc_command *command, int argc, char **argv)
{
    OWNED(runtime_destroy) struct runtime *rt = NULL;
    OWNED(svc_thread_destroy) struct svc_thread *thread = NULL;
    struct err err;
    struct call c;

    log_open(program->svc->name, LOG_WARNING);
    if (need(runtime_url(program->conf.database_url, program->conf.database_url_file),
             "database_url", &err) != ERR_OK ||
        runtime_create(program->svc, &program->conf, program->service_conf, &rt, &err) != ERR_OK ||
        svc_thread_create(rt, (int) program->conf.database_wait, &thread, &err) != ERR_OK)
        return complain(&err);
    call_init(&c, thread);
    trace_take(&c, NULL);
    c.method = command->name;
    c.caller = "operator";
    c.whole_tenant = true;
    c.request_id = id_mint(c.wall);
    return command->run(&c, argc, argv);
}

static int
usage(const struct svc *svc, FILE *out)
{
    (void) fprintf(out,
                   "usage: huzhu-%s [serve] | migrate | ping | --check-config | --help-config | "
                   "--version\n"
                   "       huzhu-%s evidence TENANT-ID REQUEST-ID MASTER-KEY-ID <BODY: what a "
                   "CommandDone would say of the bytes\n",
                   svc->name, svc->name);
    for (size_t i = 0; i < svc->command_count; i++)
        (void) fprintf(out, "       huzhu-%s %s: %s\n", svc->name, svc->commands[i].name,
                       svc->commands[i].says);
    return out == stdout ? EXIT_SUCCESS : EX_USAGE;
}

static const struct svc_command *
find_command(const struct svc *svc, const char *name)
{
    for (size_t i = 0; i < svc->command_count; i++)
        if (strcmp(svc->commands[i].name, name) == 0)
            return &svc->commands[i];
    return NULL;
}

static int
run(const struct svc *svc, int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(struct program *program);
        int arguments;
    } verbs[] = { { "serve", run_serve, 0 },
                  { "migrate", run_migrate, 0 },
                  { "ping", run_ping, 0 },
                  { "evidence", run_evidence, 3 },
                  { "--check-config", run_check, 0 } };
    const char *name = argc > 1 ? argv[1] : "serve";
    const struct svc_command *own = find_command(svc, name);
    struct program program = { .svc = svc, .arguments = argv + 2 };
    int status = EX_USAGE;
    struct err err;
    size_t i = 0;

    while (i < COUNT(verbs) && strcmp(verbs[i].name, name) != 0)
        i++;
    if (!own && (i == COUNT(verbs) || (argc > 1 ? argc - 2 : 0) != verbs[i].arguments))
        return usage(svc, strcmp(name, "--help") == 0 ? stdout : stderr);
    if (load_conf(&program, &err) != ERR_OK)
        status = complain(&err);
    else
        status = own ? run_own(&program, own, argc - 1, argv + 1) : verbs[i].run(&program);
    free(program.service_conf);
    return status;
}

int
svc_main(const struct svc *svc, int argc, char **argv)
{
    /* Left alone, glibc keeps what was once large: one sign-in would make 20 MiB resident for ever.
     */
    (void) mallopt(M_MMAP_THRESHOLD, BIG_BLOCK_BYTES);
    /* A heap for each of eight threads is half a MiB each, and nobody here allocates much at once.
     */
    (void) mallopt(M_ARENA_MAX, ARENAS_MAX);
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        (void) printf("huzhu-%s %s\n", svc->name, HUZHU_VERSION);
        return EXIT_SUCCESS;
    }
    if (argc == 2 && strcmp(argv[1], "--help-config") == 0) {
        conf_help(svc->name, runtime_conf_rows, runtime_conf_row_count, stdout);
        conf_help(svc->name, svc->conf_rows, svc->conf_row_count, stdout);
        return EXIT_SUCCESS;
    }
    return run(svc, argc, argv);
}
