/* stage.h - one service on a real PostgreSQL, with all others played: requests go through the
 * runtime, what other services tell comes through the feed, and business time is a file, as in a
 * rehearsal.  A program has one stage, whose parts are these variables. */
#ifndef HUZHU_TEST_STAGE_H
#define HUZHU_TEST_STAGE_H

#include "test.h"

#include "caller.h"
#include "cluster.h"
#include "messages.h"

extern struct cluster *cluster;
extern struct keys *keys;
extern struct runtime *rt;
extern struct svc_thread *thread;

/* Migrated, with one thread; town: whose pages people see who have not signed in, and whom events
 * concern.  0, or -1 after having said why, as cmocka's group set-ups return. */
int stage_open(const struct svc *svc, void *service_conf, struct id town);
int stage_close(void **state); /* -1 when an invariant is broken */

void now_is(const char *instant);

/* --- asking --- */

/* What the last request was answered; dies at the next one. */
struct answered {
    err_t code;
    char reason[64], path[96], text[256], etag[32];
    ProtobufCMessage *body; /* NULL unless it is a success */
};
extern struct answered answer;

err_t ask(const struct person *person, const char *rpc, const ProtobufCMessage *in);
/* key: of idempotency.  person NULL: nobody has signed in. */
err_t ask_if(const struct person *person, const char *rpc, const ProtobufCMessage *in,
             const char *key, const char *if_match);

#define OK(asked)                                                                                  \
    do {                                                                                           \
        if ((asked) != ERR_OK)                                                                     \
            fail_msg("%s: %s %s (%s)", #asked, answer.reason, answer.path, answer.text);           \
    } while (0)
#define FAILS(asked, want_code, want_reason)                                                       \
    do {                                                                                           \
        assert_int_equal((asked), (want_code));                                                    \
        assert_string_equal(answer.reason, (want_reason));                                         \
    } while (0)

/* --- the producers that the program plays --- */

/* One event, pulled and applied at once; tell: of the town, and nothing may be parked then. */
void tell(const char *producer, const ProtobufCMessage *message);
void tell_in(struct id tenant, const char *producer, const ProtobufCMessage *message);

/* The sealed part of an event, kept in `out`, which has room for it. */
void seal_bytes(struct id tenant, const char *context, const void *plain, size_t size, uint8_t *out,
                ProtobufCBinaryData *sealed);
void seal_for(struct id tenant, const char *context, const ProtobufCMessage *message, uint8_t *out,
              ProtobufCBinaryData *sealed);

#endif
