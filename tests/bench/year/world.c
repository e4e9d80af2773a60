/* world.c - the year bench's PostgreSQL, broker, services and callers. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "claims.pb-c.h"
#include "cluster.h"
#include "coding.pb-c.h"
#include "contributions.pb-c.h"
#include "disbursement.pb-c.h"
#include "identity.pb-c.h"
#include "process.h"
#include "transcode.h"
#include "year.h"

static struct {
    struct cluster *cluster;
    struct keys *keys;
    struct shapes *shapes;
    char folder[96], endpoint[160], database[64], scheme[512];
    pid_t broker;
} w;

static const char *const services[] = { "identity", "contributions", "claims", "coding",
                                        "disbursement" };
static const ProtobufCServiceDescriptor *const contracts[] = {
    &identity__identity__descriptor, &contributions__contributions__descriptor,
    &claims__claims__descriptor, &coding__coding__descriptor,
    &disbursement__disbursement__descriptor
};

/* --- PostgreSQL --- */

PGconn *
sql_open(const char *database)
{
    char url[URL_BYTES];

    (void) snprintf(url, sizeof url, "host=%s user=postgres dbname=%s", world_socket(), database);
    PGconn *sql = PQconnectdb(url);
    if (PQstatus(sql) != CONNECTION_OK) {
        (void) fprintf(stderr, "bench: %s\n", PQerrorMessage(sql));
        exit(1);
    }
    return sql;
}

static PGresult *sql_result(PGconn *sql, const char *text, va_list args) PRINTF(2, 0);
static PGresult *
sql_result(PGconn *sql, const char *text, va_list args)
{
    char *whole;

    if (vasprintf(&whole, text, args) < 0)
        abort();
    PGresult *result = PQexec(sql, whole);
    const ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        (void) fprintf(stderr, "bench: %s%.400s\n", PQerrorMessage(sql), whole);
        exit(1);
    }
    free(whole);
    return result;
}

void
sql_run(PGconn *sql, const char *text, ...)
{
    va_list args;

    va_start(args, text);
    PQclear(sql_result(sql, text, args));
    va_end(args);
}

char *
sql_ask(PGconn *sql, const char *text, ...)
{
    va_list args;

    va_start(args, text);
    PGresult *result = sql_result(sql, text, args);
    va_end(args);
    char *value = strdup(PQntuples(result) ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return value;
}

void
database_copy(const char *from, const char *to)
{
    PGconn *sql = sql_open("postgres");

    sql_run(sql, "SET client_min_messages = warning");
    sql_run(sql, "DROP DATABASE IF EXISTS %s WITH (FORCE)", to);
    sql_run(sql, "CREATE DATABASE %s TEMPLATE %s STRATEGY file_copy", to, from);
    sql_run(sql, "CHECKPOINT"); /* who comes next does not wait for the copy's pages */
    PQfinish(sql);
    (void) poll(NULL, 0, 500);
}

const char *
world_socket(void)
{
    return cluster_socket_dir(w.cluster);
}

/* As deploy/postgres/huzhu.conf sets a small server; commits wait for the disk. */
static void
tune(void)
{
    static const char *const settings[] = { "fsync = on",
                                            "full_page_writes = on",
                                            "shared_buffers = '512MB'",
                                            "wal_compression = on",
                                            "max_wal_size = '4GB'",
                                            "maintenance_work_mem = '256MB'",
                                            "jit = off",
                                            "checkpoint_timeout = '15min'",
                                            "autovacuum_naptime = '10s'",
                                            "max_connections = 100" };
    PGconn *sql = sql_open("postgres");

    for (size_t i = 0; i < COUNT(settings); i++)
        sql_run(sql, "ALTER SYSTEM SET %s", settings[i]);
    sql_run(sql, "ALTER SYSTEM SET log_line_prefix = '#HZ#%%p '");
    PQfinish(sql);
    cluster_shut_down(w.cluster);
    if (!cluster_boot(w.cluster))
        exit(1);
}

/* --- processes --- */

static void
set_for(const char *service, const char *what, const char *role_suffix)
{
    char name[96], url[URL_BYTES];

    (void) snprintf(name, sizeof name, "HUZHU_%s_%s", service, what);
    for (char *p = name; *p; p++)
        if (*p >= 'a' && *p <= 'z')
            *p = (char) (*p - 'a' + 'A');
    (void) snprintf(url, sizeof url, "host=%s user=huzhu_%s%s dbname=%s", world_socket(), service,
                    role_suffix, w.database);
    setting(name, url);
}

void
world_database(const char *name)
{
    (void) snprintf(w.database, sizeof w.database, "%s", name);
    for (size_t i = 0; i < COUNT(services); i++) {
        set_for(services[i], "DATABASE_URL", "");
        set_for(services[i], "FEED_URL", "_feed");
        set_for(services[i], "MIGRATE_URL", "_migrate");
    }
}

static void
write_permissions(const char *path)
{
    FILE *out = fopen(path, "w");

    if (!out)
        abort();
    (void) fputs("peer self gateway\ncall * * Common.Ping\n", out);
    for (size_t i = 0; i < COUNT(services); i++)
        (void) fprintf(out, "peer self %s\ncall gateway %s\ncall * %s Common.ReadEvents\n",
                       services[i], services[i], services[i]);
    if (fclose(out) != 0)
        abort();
}

static void
compile_scheme(void)
{
    char command[1024];

    (void) snprintf(command, sizeof command,
                    "'%s/bin/huzhu-drg' compile '%s/services/coding/scheme/starter' -o '%s/1.hzs' "
                    ">/dev/null",
                    HUZHU_BINARY_DIR, HUZHU_SOURCE_DIR, w.folder);
    if (system(command) != 0) {
        (void) fprintf(stderr, "bench: the starter scheme cannot be compiled\n");
        exit(1);
    }
}

void
world_open(void)
{
    static bool once;
    char path[160];

    w.cluster = cluster_start();
    w.keys = keys_make();
    w.shapes = shapes_create();
    (void) snprintf(w.folder, sizeof w.folder, "/tmp/huzhu-year-XXXXXX");
    if (!w.cluster || !w.keys || !w.shapes || !mkdtemp(w.folder))
        exit(1);
    if (!once && atexit(world_close) != 0)
        exit(1);
    once = true;
    w.scheme[0] = '\0';
    tune();
    world_database("huzhu");
    (void) snprintf(w.endpoint, sizeof w.endpoint, "ipc://%s/bus", w.folder);
    (void) snprintf(path, sizeof path, "%s/permissions", w.folder);
    write_permissions(path);
    compile_scheme();
    setting("HUZHU_BROKER_ENDPOINTS", w.endpoint);
    setting("HUZHU_BROKER_PERMISSIONS", path);
    setting("HUZHU_BROKERS", w.endpoint);
    setting("HUZHU_PRINCIPAL_KEYS", keys_principals(w.keys));
    setting("HUZHU_MASTER_KEYS", keys_ring(w.keys));
    setting("HUZHU_LOG_LEVEL", "warning");
    setting("HUZHU_CODING_SCHEME_FOLDER", w.folder);
    (void) snprintf(path, sizeof path, "%s/signer.pem", keys_folder(w.keys));
    setting("HUZHU_DISBURSEMENT_SIGNING_KEY", path);
    setting("HUZHU_IDENTITY_PRINCIPAL_KEY", path);
    setting("HUZHU_IDENTITY_PRINCIPAL_KEYS", keys_principals(w.keys));
    w.broker = program_start(w.folder, "huzhu-broker", NULL);
}

/* Also when a part fails: nothing stays behind, and the children have the kernel's word for it. */
void
world_close(void)
{
    char command[160];

    if (!w.cluster)
        return;
    service_end(w.broker);
    shapes_destroy(w.shapes);
    keys_remove(w.keys);
    cluster_stop(w.cluster);
    w.cluster = NULL;
    (void) snprintf(command, sizeof command, "rm -rf '%s'", w.folder);
    if (system(command) != 0)
        (void) fprintf(stderr, "%s is left behind\n", w.folder);
}

const char *
world_folder(void)
{
    return w.folder;
}

const struct keys *
world_keys(void)
{
    return w.keys;
}

void
services_migrate(void)
{
    for (size_t i = 0; i < COUNT(services); i++) {
        char program[64];
        (void) snprintf(program, sizeof program, "huzhu-%s", services[i]);
        if (program_run(w.folder, program, "migrate") != 0) {
            (void) fprintf(stderr, "bench: %s does not migrate\n", program);
            exit(1);
        }
    }
}

pid_t
service_start(const char *name, int workers, const char *feed_every)
{
    char program[64], count[16];

    (void) snprintf(program, sizeof program, "huzhu-%s", name);
    (void) snprintf(count, sizeof count, "%d", workers);
    setting("HUZHU_WORKER_THREADS", count);
    setting("HUZHU_FEED_EVERY", feed_every);
    const pid_t pid = program_start(w.folder, program, "serve");
    for (int i = 0; i < 200; i++) {
        if (program_run(w.folder, program, "ping") == 0)
            return pid;
        (void) usleep(50 * 1000);
    }
    (void) fprintf(stderr, "bench: %s does not answer; its words:\n", program);
    char command[192];
    (void) snprintf(command, sizeof command, "tail -n 5 '%s/%s' >&2", w.folder, program);
    exit(system(command) == 0 ? 1 : 2);
}

void
service_end(pid_t pid)
{
    (void) program_end(pid, SIGTERM);
}

const char *
world_scheme(void)
{
    if (w.scheme[0])
        return w.scheme;
    const pid_t coding = service_start("coding", 1, "1s");
    struct caller *caller = caller_create();
    struct who *who = who_create(uid(K_TENANT, 0), ROLE_DESIGNER, (struct id){ { 0 } });
    const struct said said = must(caller, who, "coding", "ListSchemes", "{}");
    Coding__ListSchemesReply *reply =
        coding__list_schemes_reply__unpack(NULL, said.size, said.body);
    if (!reply || reply->n_schemes != 1)
        abort();
    const Coding__SchemeIdentity *s = reply->schemes[0];
    (void) snprintf(w.scheme, sizeof w.scheme, "%s\t%s\t%s\t%s", s->id, s->name, s->version,
                    s->checksum);
    coding__list_schemes_reply__free_unpacked(reply, NULL);
    who_destroy(who);
    caller_destroy(caller);
    service_end(coding);
    return w.scheme;
}

/* --- callers --- */

struct caller {
    struct bus_client *client;
    struct arena *arena;
    uint8_t *packed;
};

struct caller *
caller_create(void)
{
    const struct bus_conf conf = { w.endpoint, "gateway", "", "" };
    struct caller *caller = calloc(1, sizeof *caller);
    struct err err;

    if (!caller || bus_client_create(&conf, &caller->client, &err) != ERR_OK)
        abort();
    caller->arena = arena_create((size_t) 16 << 20);
    caller->packed = malloc((size_t) 4 << 20);
    if (!caller->arena || !caller->packed)
        abort();
    return caller;
}

void
caller_destroy(struct caller *caller)
{
    bus_client_destroy(caller->client);
    arena_destroy(caller->arena);
    free(caller->packed);
    free(caller);
}

struct who *
who_create(struct id tenant, role_set_t roles, struct id organisation)
{
    struct who *who = calloc(1, sizeof *who);

    if (!who)
        abort();
    who->person = a_person(tenant, roles);
    who->person.organisation = organisation;
    who->person.whole_tenant = id_is_nil(organisation);
    who->person.own_person = (struct id){ { 0 } };
    who->person.clearance = LABEL_IDENTITY | LABEL_HEALTH | LABEL_MONEY;
    return who;
}

void
who_destroy(struct who *who)
{
    if (who)
        request_free(who->proof);
    free(who);
}

/* As the gateway does: one signed principal for minutes, not one for each request. */
static void
prove(struct who *who)
{
    Huzhu__Id any = HUZHU__ID__INIT;

    if (who->proof && clock_monotonic_us() - who->proved_us < 120 * US_PER_SECOND)
        return;
    request_free(who->proof);
    who->proof = request_of(w.keys, &who->person, "Any", &any.base, "");
    who->proved_us = clock_monotonic_us();
}

struct said
says(struct caller *caller, struct who *who, const char *service, const char *rpc,
     const uint8_t *body, size_t size)
{
    static _Atomic uint64_t number;
    struct said said = { .code = ERR_UNAVAILABLE };
    Bus__Envelope envelope;
    const Bus__Answer *answer;
    char key[48];
    struct err err = { 0 };

    prove(who);
    envelope = who->proof->envelope;
    struct id request = id_mint(clock_now());
    envelope.request_id = (ProtobufCBinaryData){ 16, request.bytes };
    envelope.method = (char *) (uintptr_t) rpc;
    envelope.deadline_us = clock_now().us + 30 * US_PER_SECOND;
    (void) snprintf(key, sizeof key, "year-%d-%llu", (int) getpid(), (unsigned long long) ++number);
    envelope.idempotency_key = key;
    envelope.body = (ProtobufCBinaryData){ size, (uint8_t *) (uintptr_t) body };
    const int64_t from = clock_monotonic_us();
    said.code = bus_call(caller->client, service, &envelope, &answer, &err);
    said.us = clock_monotonic_us() - from;
    if (said.code != ERR_OK) {
        (void) snprintf(said.reason, sizeof said.reason, "%s", err.reason);
        (void) snprintf(said.text, sizeof said.text, "%s", err.text);
        return said;
    }
    said.code = bus_err_from_code(answer->code);
    (void) snprintf(said.reason, sizeof said.reason, "%s", answer->reason);
    (void) snprintf(said.text, sizeof said.text, "%s %s", answer->path, answer->text);
    said.body = answer->body.data;
    said.size = answer->body.len;
    return said;
}

static const ProtobufCMethodDescriptor *
method_of(const char *service, const char *rpc)
{
    const ProtobufCMethodDescriptor *method = NULL;

    for (size_t i = 0; i < COUNT(services); i++)
        if (strcmp(services[i], service) == 0)
            method = protobuf_c_service_descriptor_get_method_by_name(contracts[i], rpc);
    if (!method) {
        (void) fprintf(stderr, "bench: there is no %s %s\n", service, rpc);
        exit(1);
    }
    return method;
}

struct said
asks(struct caller *caller, struct who *who, const char *service, const char *rpc, const char *json)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* shapes are made when first asked */
    const struct shape *shape;
    struct filling filling;
    struct err err = { 0 };

    arena_reset(caller->arena);
    (void) pthread_mutex_lock(&lock);
    err_t code = shapes_get(w.shapes, method_of(service, rpc)->input, &shape, &err);
    (void) pthread_mutex_unlock(&lock);
    if (code == ERR_OK)
        code = transcode_open(shape, caller->arena, &filling, &err);
    if (code == ERR_OK)
        code = transcode_read(&filling, json, strlen(json), &err);
    if (code != ERR_OK) {
        (void) fprintf(stderr, "bench: %s: %s %s of %s\n", rpc, err.reason, err.path, json);
        exit(1);
    }
    if (protobuf_c_message_get_packed_size(filling.message) > (size_t) 4 << 20)
        abort();
    const size_t size = protobuf_c_message_pack(filling.message, caller->packed);
    return says(caller, who, service, rpc, caller->packed, size);
}

struct said
must(struct caller *caller, struct who *who, const char *service, const char *rpc, const char *json)
{
    const struct said said = asks(caller, who, service, rpc, json);

    if (said.code != ERR_OK) {
        (void) fprintf(stderr, "bench: %s: %s %s (%.300s)\n", rpc, said.reason, said.text, json);
        exit(1);
    }
    return said;
}

/* --- ids and numbers --- */

struct id
uid(enum kind kind, int64_t n)
{
    struct id id = { { 0x01, 0x90, 0xa5, (uint8_t) kind, 0, 0, 0x70, 0, 0x80, 0 } };

    for (int i = 0; i < 6; i++)
        id.bytes[15 - i] = (uint8_t) (n >> (8 * i));
    return id;
}

const char *
uid_text(enum kind kind, int64_t n, char text[static ID_TEXT_BYTES])
{
    id_format(uid(kind, n), text);
    return text;
}

double
seconds_now(void)
{
    return (double) clock_monotonic_us() / 1e6;
}

static int
by_number(const void *a, const void *b)
{
    const double x = *(const double *) a, y = *(const double *) b;

    return (x > y) - (x < y);
}

double
median_of(double *values, int count)
{
    return percentile_of(values, count, 50);
}

double
percentile_of(double *values, int count, int percent)
{
    qsort(values, (size_t) count, sizeof *values, by_number);
    const int place = count * percent / 100;
    return values[place < count ? place : count - 1];
}
