/* stage.c - one service on a real PostgreSQL, with all others played. */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cluster *cluster;
struct keys *keys;
struct runtime *rt;
struct svc_thread *thread;
struct answered answer;

static const struct svc *service;
static struct id own_town;
static char clock_path[128];

/* --- the world --- */

int
stage_open(const struct svc *svc, void *service_conf, struct id town)
{
    char role[64], feed_role[64];
    struct err err = { 0 };

    service = svc;
    own_town = town;
    log_open(svc->name, LOG_ERROR);
    cluster = cluster_start();
    keys = keys_make();
    if (!cluster || !keys || !cluster_migrate(cluster, svc))
        return -1;
    (void) snprintf(role, sizeof role, "huzhu_%s", svc->name);
    (void) snprintf(feed_role, sizeof feed_role, "huzhu_%s_feed", svc->name);
    (void) snprintf(clock_path, sizeof clock_path, "%s/clock", keys_folder(keys));
    const struct runtime_conf conf = { .database_url = cluster_url(cluster, role),
                                       .feed_url = cluster_url(cluster, feed_role),
                                       .principal_keys = keys_principals(keys),
                                       .master_keys = keys_ring(keys),
                                       .business_clock = clock_path,
                                       .worker_threads = 1,
                                       .reply_keep = 1000 };
    if (runtime_create(svc, &conf, service_conf, &rt, &err) == ERR_OK &&
        svc_thread_create(rt, 5000, &thread, &err) == ERR_OK)
        return 0;
    print_error("%s %s\n", err.reason, err.text);
    return -1;
}

static void
forget(void)
{
    if (answer.body)
        protobuf_c_message_free_unpacked(answer.body, NULL);
    memset(&answer, 0, sizeof answer);
}

int
stage_close(void **state)
{
    (void) state;
    forget();
    svc_thread_destroy(thread);
    runtime_destroy(rt);
    keys_remove(keys);
    const int broken = cluster_broken_invariants(cluster);
    cluster_stop(cluster);
    return broken == 0 ? 0 : -1;
}

void
now_is(const char *instant)
{
    business_time_is(clock_path, instant);
}

/* --- asking --- */

err_t
ask_if(const struct person *person, const char *rpc, const ProtobufCMessage *in, const char *key,
       const char *if_match)
{
    const ProtobufCMethodDescriptor *types =
        protobuf_c_service_descriptor_get_method_by_name(service->descriptor, rpc);
    struct request_of *request = request_of(keys, person, rpc, in, key);
    Bus__Answer out;

    assert_non_null(types);
    forget();
    request->envelope.if_match = (char *) if_match;
    if (!person) { /* who asks below /p/CODE/ has not signed in, and the tenant is the address's */
        request->tenant = own_town;
        request->envelope.tenant_id = (ProtobufCBinaryData){ 16, request->tenant.bytes };
    }
    svc_thread_answer(thread, "gateway", &request->envelope, &out);
    answer.code = bus_err_from_code(out.code);
    (void) snprintf(answer.reason, sizeof answer.reason, "%s", out.reason);
    (void) snprintf(answer.path, sizeof answer.path, "%s", out.path);
    (void) snprintf(answer.text, sizeof answer.text, "%s", out.text);
    (void) snprintf(answer.etag, sizeof answer.etag, "%s", out.etag);
    if (answer.code == ERR_OK) {
        answer.body = protobuf_c_message_unpack(types->output, NULL, out.body.len, out.body.data);
        assert_non_null(answer.body);
    }
    request_free(request);
    return answer.code;
}

err_t
ask(const struct person *person, const char *rpc, const ProtobufCMessage *in)
{
    char key[ID_TEXT_BYTES];

    id_format(new_id(), key);
    return ask_if(person, rpc, in, key, "");
}

/* --- telling --- */

static struct {
    const char *producer;
    Bus__Event event;
    Bus__Position position;
    struct id id, tenant;
    uint8_t body[1024 * 1024];
} told;

static err_t
read_told(void *arg, const char *producer, const Bus__ReadEventsRequest *request,
          struct arena *arena, const Bus__ReadEventsReply **reply, struct err *err)
{
    static Bus__ReadEventsReply out;
    static Bus__Event *events[1];

    (void) arg, (void) arena, (void) err;
    assert_string_equal(producer, told.producer);
    bus__read_events_reply__init(&out);
    events[0] = &told.event;
    out.events = events;
    out.n_events = request->after->tx < told.position.tx ? 1 : 0;
    out.reached = &told.position;
    *reply = &out;
    return ERR_OK;
}

void
tell_in(struct id tenant, const char *producer, const ProtobufCMessage *message)
{
    static uint64_t count;
    const struct feed_source source = { read_told, NULL };
    struct err err;
    int applied;

    bus__event__init(&told.event);
    bus__position__init(&told.position);
    told.producer = producer;
    told.position.tx = ++count;
    told.position.seq = 1;
    told.id = new_id();
    told.tenant = tenant;
    told.event.position = &told.position;
    told.event.event_id = (ProtobufCBinaryData){ 16, told.id.bytes };
    told.event.tenant_id = (ProtobufCBinaryData){ 16, told.tenant.bytes };
    told.event.topic = (char *) message->descriptor->name;
    assert_true(protobuf_c_message_get_packed_size(message) <= sizeof told.body);
    told.event.body =
        (ProtobufCBinaryData){ protobuf_c_message_pack(message, told.body), told.body };
    if (feed_pull(thread, producer, &source, &applied, &err) != ERR_OK)
        fail_msg("%s: %s %s", message->descriptor->name, err.reason, err.text);
    assert_int_equal(applied, 1);
}

void
tell(const char *producer, const ProtobufCMessage *message)
{
    char sql[96];

    tell_in(own_town, producer, message);
    (void) snprintf(sql, sizeof sql, "SELECT FROM %s.parked", service->name);
    assert_int_equal(cluster_sql(cluster, sql), 0);
}

void
seal_bytes(struct id tenant, const char *context, const void *plain, size_t size, uint8_t *out,
           ProtobufCBinaryData *sealed)
{
    ProtobufCBinaryData made;
    struct call c;

    call_init(&c, thread);
    c.tenant = tenant;
    assert_int_equal(call_seal_shared(&c, context, plain, size, &made), ERR_OK);
    memcpy(out, made.data, made.len); /* the arena is the next call's */
    *sealed = (ProtobufCBinaryData){ made.len, out };
}

void
seal_for(struct id tenant, const char *context, const ProtobufCMessage *message, uint8_t *out,
         ProtobufCBinaryData *sealed)
{
    static uint8_t packed[256 * 1024];

    assert_true(protobuf_c_message_get_packed_size(message) <= sizeof packed);
    seal_bytes(tenant, context, packed, protobuf_c_message_pack(message, packed), out, sealed);
}
