/* svc.h - the runtime of every service: it owns the envelope, the handler owns the step.
 *
 * decode -> authorise the role -> open the transaction -> handler -> store the reply, tell the
 * audit log
 * -> commit -> answer.  State, events and the stored reply become true together.
 *
 * Laws of a handler: it touches the world only through c->tx; it reads the time only from c->now
 * (business) and c->wall (security, evidence); it calls no other service; it may run more than once
 * for one request (serialization failures).
 *
 * Replay is optimistic: a write runs, and its reply is stored under (tenant, account, method,
 * idempotency key) in the same transaction; when that row exists already, the transaction is rolled
 * back and the stored reply is given (or CONFLICT "idempotency.other_body" when the body's hash
 * differs).  A handler that fails looks for a stored reply too before its error is believed. */
#ifndef HUZHU_SVC_H
#define HUZHU_SVC_H

#include <protobuf-c/protobuf-c.h>

#include "arena/arena.h"
#include "bus.pb-c.h"
#include "clock/clock.h"
#include "common.pb-c.h"
#include "conf/conf.h"
#include "db/db.h"
#include "err/err.h"
#include "id/id.h"
#include "log/log.h"
#include "svc/role.h"

#define CALL_ORGANISATIONS_MAX 16
/* A file of 8 MiB in a reply, made in a buffer that doubles, and its packed form. */
#define CALL_ARENA_BYTES_MAX ((size_t) 32 * 1024 * 1024)

/* READ: a read-only transaction.  WRITE: needs an idempotency key.  BARE: neither transaction nor
 * key; the handler does all itself (a check of a password outside a transaction, a stream). */
enum svc_effect { SVC_READ, SVC_WRITE, SVC_BARE };

/* Labels of data that is masked in replies unless the caller's clearance covers them. */
enum label { LABEL_IDENTITY = 1, LABEL_HEALTH = 2, LABEL_MONEY = 4 };

struct svc_thread;

struct call {
    struct arena *arena; /* everything made for this request; freed as a whole after the reply */
    struct tx *tx; /* open when the handler starts; committed by the runtime when it returns OK */
    struct svc_thread *thread; /* this worker's connection, keys and random: the runtime's own */
    void *state;      /* the service's process-wide state (struct svc start), immutable or locked */
    const void *conf; /* the service's struct of conf.def */

    const char *service, *method;
    struct id request_id;
    struct id tenant;                                /* nil: the platform */
    struct id account, session, person;              /* nil: nobody signed in; a service */
    struct id organisations[CALL_ORGANISATIONS_MAX]; /* scope: these and all below */
    size_t organisation_count;
    bool whole_tenant;  /* scope: everything of the tenant; duties, consumers and services too */
    role_set_t roles;   /* ROLE_ANYONE always; ROLE_SERVICE when the caller process is a service */
    uint32_t clearance; /* of enum label */
    const char *caller; /* the process: "gateway", "audit" */
    const char *if_match;        /* the ETag the caller has seen, or "" */
    const char *language;        /* "zh-CN" or "en" */
    const char *idempotency_key; /* "" when there is none */

    /* Both are read once: a retried handler sees the same instants.  A rehearsal moves `now`, never
     * `wall`, which everything uses that is about security, transport or evidence: sessions,
     * deadlines, lock-outs, signatures. */
    instant_t now, wall;
    int64_t deadline_us;  /* of the wall clock */
    char etag[32];        /* set by a handler that returns a versioned thing */
    uint32_t labels_read; /* set by call_saw(): becomes a SensitiveRead */
    struct id subject;
    struct log_ctx log;
    struct err err;
};

typedef err_t svc_fn(struct call *c, const ProtobufCMessage *in, ProtobufCMessage *out);
typedef err_t svc_consumer_fn(struct call *c, const ProtobufCMessage *in);

struct svc_method {
    const char *rpc;
    svc_fn *run;
    role_set_t roles;
    enum svc_effect effect;
};

struct svc_consumer {
    const char *from;                        /* the producing service: "coding" */
    const ProtobufCMessageDescriptor *event; /* NULL: every topic (audit); it gets the Bus__Event */
    svc_consumer_fn *run;
};

/* A periodic duty of a service (audit integrates its tree, sessions expire).  Runs in a thread of
 * its own with a call of its own; tx is open; at most one replica runs it at a time (advisory
 * lock). */
struct svc_duty {
    const char *name;
    int64_t every_ms;
    err_t (*run)(struct call *c);
};

struct svc;

/* A subcommand of the service's own (huzhu-identity bootstrap).  argv[0] is its name; the call has
 * a connection and no transaction (svc_command_tx opens one); returns the exit status. */
struct svc_command {
    const char *name, *says;
    int (*run)(struct call *c, int argc, char **argv);
};
/* Runs fn in one transaction of the tenant, with the runtime's retries; commits when it returns OK.
 */
err_t svc_command_tx(struct call *c, struct id tenant, err_t (*fn)(struct call *c, void *arg),
                     void *arg) MUST_CHECK;

/* A row of a service's reasons.def: what a refusal means to operators and to members. */
struct svc_reason {
    const char *wire, *english, *chinese;
};

struct svc {
    const char *name; /* also schema, bus name and prefix of settings */
    const ProtobufCServiceDescriptor *descriptor;
    const struct svc_method *methods;
    size_t method_count;
    const struct svc_consumer *consumers;
    size_t consumer_count;
    const struct stmt *const *statements; /* sqlgen's <name>_queries */
    const struct migration *migrations;   /* sqlgen's <name>_migrations */
    size_t migration_count;
    const struct db_constraint *constraints;
    size_t constraint_count;
    const struct svc_reason *reasons;
    size_t reason_count;
    const struct conf_row *conf_rows; /* the service's conf.def; the runtime has rows of its own */
    size_t conf_row_count, conf_size;
    const struct svc_duty *duties;
    size_t duty_count;
    const struct svc_command *commands;
    size_t command_count;
    /* Once, before the threads: makes what c->state points to.  May be NULL. */
    err_t (*start)(const void *conf, void **state, struct err *err);
    void (*stop)(void *state);
};

/* The one place where a message changes type: a handler keeps its own typed signature. */
#define SVC_THUNK(fn, In, Out)                                                                     \
    static err_t fn##_thunk(struct call *c, const ProtobufCMessage *in, ProtobufCMessage *out)     \
    {                                                                                              \
        return fn(c, (const In *) in, (Out *) out);                                                \
    }
#define SVC_EVENT_THUNK(fn, In)                                                                    \
    static err_t fn##_thunk(struct call *c, const ProtobufCMessage *in)                            \
    {                                                                                              \
        return fn(c, (const In *) in);                                                             \
    }

/* huzhu-claims [serve] | migrate | ping | --check-config | --help-config | --version | own
 * commands. */
int svc_main(const struct svc *svc, int argc, char **argv);

/* True when every rpc of the .proto has exactly one row, in the .proto's order, and obeys the
 * naming law rpc X (XRequest) returns (XReply), which SVC_THUNK's cast trusts. */
bool svc_is_complete(const struct svc *svc);

/* Appends an event to the service's log in the call's transaction.  The topic is the message's full
 * name.  Law: lock the aggregate before the transaction's first write (style.md 2.4). */
err_t event_append(struct call *c, const ProtobufCMessage *event) MUST_CHECK;

/* Declares that labelled data of `subject` (nil: of several people) goes into the reply: recorded
 * as a SensitiveRead before the reply leaves.  Unless the subject is the caller's own person, a
 * label that the caller's clearance does not cover turns the reply into FORBIDDEN "call.clearance":
 * a handler asks call_may_see() first and masks. */
void call_saw(struct call *c, uint32_t labels, struct id subject);
static inline bool
call_has(const struct call *c, role_set_t roles)
{
    return (c->roles & roles) != 0;
}
static inline bool
call_may_see(const struct call *c, uint32_t labels)
{
    return (c->clearance & labels) == labels;
}

/* Whether the caller's scope covers this village: the whole tenant, or an organisation that the
 * account was granted.  Of nil only the whole tenant is sure.  A scope is no permission: what a
 * role may do, and that a member sees its own household alone, is asked apart. */
bool call_covers(const struct call *c, struct id organisation);

/* If-Match: OK when the caller named none (and need not) or named this; ERR_STALE otherwise. */
err_t call_matches(struct call *c, const char *etag) MUST_CHECK;

/* For a duty alone, whose transaction starts without a tenant: what follows sees this tenant's rows
 * (nil: the platform's again). */
err_t call_as_tenant(struct call *c, struct id tenant) MUST_CHECK;

/* --- secrets at rest: the tenant's data key, wrapped by the master key --- */

/* Seals under the call's tenant's key, which is made at the first use; needs a transaction that
 * writes.  context binds the bytes to their place ("claims.upload/<id>/<offset>").  The result is
 * the arena's. */
err_t call_seal(struct call *c, const char *context, const void *plain, size_t size,
                ProtobufCBinaryData *sealed) MUST_CHECK;
err_t call_unseal(struct call *c, const char *context, const void *sealed, size_t size,
                  ProtobufCBinaryData *plain) MUST_CHECK;
/* The same under a key that all services of the tenant share, for sealed fields of events; context
 * "event/<MessageName>".  No transaction, no row: the key comes from the master key ring, and the
 * sealed bytes name the master key, so that what was sealed before a rotation still opens. */
err_t call_seal_shared(struct call *c, const char *context, const void *plain, size_t size,
                       ProtobufCBinaryData *sealed) MUST_CHECK;
err_t call_unseal_shared(struct call *c, const char *context, const void *sealed, size_t size,
                         ProtobufCBinaryData *plain) MUST_CHECK;
/* A keyed hash for look-ups of sealed values; `purpose` ("person.id_number") keeps two columns'
 * hashes apart. */
err_t call_blind_index(struct call *c, const char *purpose, const void *value, size_t size,
                       uint8_t index[static 32]) MUST_CHECK;

/* A secret that only this command of this caller makes, and makes again when it is repeated: for
 * replies that no stored reply may hold.  Under the current master key; random without a key ring
 * or an idempotency key.  `purpose` tells the secrets of one command apart and names what they are
 * for ("api_token/<id>"). */
err_t call_secret(struct call *c, const char *purpose, uint8_t secret[static 32]) MUST_CHECK;

/* Copies into the request's arena; ERR_LIMITED "rpc.too_large" is already set when they return
 * NULL. */
char *call_text(struct call *c, const char *text) MUST_CHECK;
char *call_html(struct call *c, const char *text) MUST_CHECK; /* with < > & and " as entities */

/* A message in the arena, as events and sealed fields hold it; LIMITED "rpc.reply_too_large" beyond
 * what one frame of the bus carries. */
err_t message_pack(struct call *c, const ProtobufCMessage *message,
                   ProtobufCBinaryData *out) MUST_CHECK;

/* Into the arena; INVALID when the bytes are no such message. */
err_t message_decode(struct call *c, const ProtobufCMessageDescriptor *type, size_t size,
                     const uint8_t *bytes, ProtobufCMessage **out) MUST_CHECK;

/* Wire helpers of every wire.c. */
err_t id_from_wire(const Huzhu__Id *in, const char *path, struct id *id,
                   struct err *err) MUST_CHECK;
Huzhu__Id *id_to_wire(struct call *c, struct id id); /* NULL for nil, and when memory is out */
Huzhu__Instant *instant_to_wire(struct call *c, instant_t at);
Huzhu__Date *date_to_wire(struct call *c, date_t date);
Huzhu__Money *money_to_wire(struct call *c, money_t amount);

#endif
