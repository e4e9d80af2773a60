/* runtime.h - what the files of svc/ and events/ share; tests use it to run a service in process.
 * Services include svc.h alone.
 *
 * One struct runtime for the process, one struct svc_thread for each thread.  Threads share the
 * runtime's immutable parts, its counters (atomic) and one connection: that of the feed role, which
 * few readers use a few times a second, under a mutex. */
#ifndef HUZHU_RUNTIME_H
#define HUZHU_RUNTIME_H

#include <pthread.h>
#include <stdatomic.h>

#include "bus/bus.h"
#include "clock/business.h"
#include "crypto/crypto.h"
#include "svc/svc.h"

struct runtime_conf {
#define CONF(kind, name, ...) CONF_MEMBER_##kind name;
#include "svc/conf.def"
#undef CONF
};
extern const struct conf_row runtime_conf_rows[];
extern const size_t runtime_conf_row_count;

struct metrics;

struct runtime {
    const struct svc *svc;
    struct runtime_conf conf;
    void *service_conf, *state;
    bool started;

    struct verifier *verifier;    /* NULL: nobody can be signed in */
    struct key_ring *ring;        /* NULL: nothing can be sealed */
    struct business_clock *clock; /* NULL: business time is the wall clock */
    struct metrics *metrics;
    struct db_conf db_conf;
    const struct stmt *const *lists[3];
    struct db_constraint *constraints;

    pthread_mutex_t feed_lock;
    struct db *feed_db; /* opened at the first use */

    atomic_bool stopping;
    atomic_int threads_ready; /* worker threads that have a connection */
};

err_t runtime_create(const struct svc *svc, const struct runtime_conf *conf, void *service_conf,
                     struct runtime **rt, struct err *err) MUST_CHECK;
void runtime_destroy(struct runtime *rt);
DEFINE_OWNED(struct runtime, runtime_destroy)
/* The text, or the first line of the file. */
const char *runtime_url(const char *text, const char *from_file);

#define TRACEPARENT_BYTES 56 /* W3C Trace Context, version 00, and NUL */
enum { PRINCIPALS_CACHED = 64, PRINCIPAL_BYTES_MAX = 1024, DATA_KEYS_CACHED = 16 };

/* What a signed principal says (bus.proto Principal). */
struct proved {
    struct id account, session, person, tenant;
    struct id organisations[CALL_ORGANISATIONS_MAX];
    size_t organisation_count;
    bool whole_tenant;
    role_set_t roles; /* as signed */
    uint32_t clearance;
    int64_t issued_us, expires_us;
};

/* Checking a signature costs 50 us, comparing bytes nothing: what was proved once is believed until
 * it expires. */
struct cached_principal {
    uint32_t hash;
    uint16_t size;
    struct proved proved;
    uint8_t bytes[PRINCIPAL_BYTES_MAX]; /* of the whole SignedPrincipal */
};

struct cached_key {
    struct id tenant;
    bool used;
    uint8_t key[KEY_BYTES];
};

struct svc_thread {
    struct runtime *rt;
    struct db *db;
    struct arena *arena;
    bool is_duty;
    struct cached_principal *principals[PRINCIPALS_CACHED]; /* made when first needed */
    struct cached_key keys[DATA_KEYS_CACHED];
    unsigned next_key;
    bool key_is_fresh; /* this transaction made a data key: not to be cached, it may roll back */
    char traceparent[TRACEPARENT_BYTES]; /* of the request in hand */
    int64_t refusals_us; /* the instant up to which the budget of recorded refusals is used */
};
err_t svc_thread_create(struct runtime *rt, int wait_ms, struct svc_thread **thread,
                        struct err *err) MUST_CHECK;
void svc_thread_destroy(struct svc_thread *thread);
DEFINE_OWNED(struct svc_thread, svc_thread_destroy)

/* One request from envelope to answer; the answer lives in the thread's arena until the next one.
 */
void svc_thread_answer(struct svc_thread *thread, const char *caller, const Bus__Envelope *envelope,
                       Bus__Answer *answer);

/* --- pieces --- */

/* A call of this thread with nobody in it; its arena is the thread's. */
void call_init(struct call *c, struct svc_thread *thread);
/* Who calls and for which tenant; UNAUTHENTICATED, FORBIDDEN or INVALID. */
err_t call_admit(struct call *c, const char *caller, const Bus__Envelope *envelope) MUST_CHECK;
/* Goes on with a trace, or starts one. */
void trace_take(struct call *c, const char *traceparent);

const struct svc_method *method_find(const struct svc *svc, const char *rpc, size_t *index);
err_t method_authorise(const struct svc_method *method, struct call *c) MUST_CHECK;
err_t message_make(struct call *c, const ProtobufCMessageDescriptor *type,
                   ProtobufCMessage **out) MUST_CHECK;
/* What one frame of the bus carries, and so what is stored for replays or as an event. */
#define REPLY_PART_BYTES_MAX BUS_PART_BYTES_MAX
/* A reply that is not stored (a file of 8 MiB) goes in parts of at most the above. */
#define REPLY_BYTES_MAX ((size_t) (8 * 1024 + 64) * 1024)
/* LIMITED "rpc.reply_too_large" beyond `most` bytes. */
err_t message_pack_within(struct call *c, const ProtobufCMessage *message, size_t most,
                          ProtobufCBinaryData *out) MUST_CHECK;

/* What a request is beside its call: needed to store and to find its reply. */
struct request {
    const Bus__Envelope *envelope;
    const struct svc_method *method;
    const ProtobufCMethodDescriptor *types;
    ProtobufCMessage *in;
    uint8_t body_sha256[SHA256_BYTES];
    ProtobufCBinaryData reply; /* the packed answer */
    int attempts;
    bool replayed;
};
/* Runs the handler with its transaction, retries and replay. */
err_t request_run(struct call *c, struct request *request) MUST_CHECK;

/* Runs fn in a transaction, again while it is raced or the database is away and time is left. */
err_t call_in_tx(struct call *c, const struct tx_options *options,
                 err_t (*fn)(struct call *, void *), void *arg, int *attempts) MUST_CHECK;

/* The events of the runtime itself (bus.proto). */
void record_refusal(struct call *c, const struct request *request);
err_t record_look(struct call *c) MUST_CHECK; /* in the call's transaction */

err_t common_ping(struct call *c, const Bus__PingRequest *in, Bus__PingReply *out) MUST_CHECK;
err_t common_read_events(struct call *c, const Bus__ReadEventsRequest *in,
                         Bus__ReadEventsReply *out) MUST_CHECK;
extern const struct svc common_svc; /* the rpcs that the runtime answers itself */

/* Threads. */
void *feed_thread(void *runtime);
void *duty_thread(void *runtime);
/* One pull from one producer: for the thread and for tests. *applied: events done or parked. */
struct feed_source {
    err_t (*read)(void *arg, const char *producer, const Bus__ReadEventsRequest *request,
                  struct arena *arena, const Bus__ReadEventsReply **reply, struct err *err);
    void *arg;
};
err_t feed_pull(struct svc_thread *thread, const char *producer, const struct feed_source *source,
                int *applied, struct err *err) MUST_CHECK;
/* Logs and counts what went wrong itself; the result is for tests. */
err_t duty_run(struct svc_thread *thread, const struct svc_duty *duty, struct err *err);
int serve(struct runtime *rt);

/* Metrics: counters that any thread may add to. */
struct metrics *metrics_create(const struct svc *svc);
void metrics_destroy(struct metrics *metrics);
void metrics_call(struct metrics *metrics, const struct svc *svc, const char *rpc, err_t code,
                  int64_t us);
enum metric {
    METRIC_RETRIES,
    METRIC_REPLAYS,
    METRIC_RECONNECTS,
    METRIC_FEED_APPLIED,
    METRIC_FEED_PARKED,
    METRIC_FEED_FAILED,
    METRIC_DUTY_RUNS,
    METRIC_DUTY_FAILED,
    METRIC_REFUSALS_UNRECORDED,
    METRIC_BUSY,      /* threads that run a request now */
    METRIC_THREADS,   /* worker threads */
    METRIC_CONNECTED, /* worker threads whose connection is up */
    METRIC_BUS_PENDING,
    METRIC_BROKERS_ALIVE,
    METRIC_COUNT
};
enum { FEED_PRODUCERS_MAX = 16 };
void metrics_add(struct metrics *metrics, enum metric metric, int64_t n);
void metrics_set(struct metrics *metrics, enum metric metric, int64_t n);
/* How long a request had been on its way when its turn came. */
void metrics_waited(struct metrics *metrics, int64_t us);
/* All that the producer's log held at that instant is applied; or its oldest event that is not is
 * of that instant (0: nobody could be asked).  Instants of the wall clock. */
void metrics_feed_level(struct metrics *metrics, const char *producer, int64_t at_us);
void metrics_feed_behind(struct metrics *metrics, const char *producer, int64_t since_us);
/* Prometheus text format 0.0.4; the caller frees. */
char *metrics_print(struct metrics *metrics, const struct svc *svc) MUST_CHECK;
/* The loopback port; runs until rt->stopping. */
void *metrics_thread(void *runtime);
bool runtime_is_ready(struct runtime *rt);

#endif
