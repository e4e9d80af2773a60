/* Goal: what is told once stays, in order, provably; whatever is changed afterwards is found.
 * Method: feeds are pulled from a producer made of an array; the duty runs when told to; then each
 * way of tampering is done by a superuser with the triggers off, and huzhu-audit verify must name
 * it. */
#include "test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit.pb-c.h"
#include "audit/audit.h"
#include "audit/commands.h"
#include "audit/rules.h"
#include "audit/service.h"
#include "caller.h"
#include "cluster.h"
#include "fault/fault.h"

#define EVENTS_MAX 256

/* A release has no fault points. */
#ifdef HUZHU_FAULTS
#define NEEDS_FAULTS ((void) 0)
#else
#define NEEDS_FAULTS skip()
#endif

static struct cluster *cluster;
static struct runtime *rt;
static struct svc_thread *thread, *duties;
static struct keys *keys;
static char folder[] = "/tmp/huzhu-audit-XXXXXX", key[96], pub[128];
static struct runtime_conf runtime_conf;
static struct audit_conf audit_conf;
static const struct id platform = { { 0 } }, town = { { 0x11, 1 } }, other = { { 0x22, 2 } };

static char reason[48]; /* of the last refusal */

/* --- a producer --- */

static struct told {
    struct id event, tenant;
    char body[32];
    int64_t at_us;
} told[EVENTS_MAX];
static size_t told_count;

static void
tell(struct id tenant, int times)
{
    for (int i = 0; i < times; i++) {
        struct told *t = &told[told_count];

        assert_true(told_count < EVENTS_MAX);
        *t = (struct told){ .event = id_mint(clock_now()),
                            .tenant = tenant,
                            .at_us = clock_now().us };
        (void) snprintf(t->body, sizeof t->body, "fact %zu", told_count);
        told_count++;
    }
}

static err_t
read_told(void *arg, const char *producer, const Bus__ReadEventsRequest *request,
          struct arena *arena, const Bus__ReadEventsReply **reply, struct err *err)
{
    static __thread struct {
        Bus__ReadEventsReply reply;
        Bus__Event events[EVENTS_MAX], *pointers[EVENTS_MAX];
        Bus__Position positions[EVENTS_MAX], reached;
    } out;
    size_t n = 0;

    (void) arg, (void) producer, (void) arena, (void) err;
    bus__read_events_reply__init(&out.reply);
    for (size_t i = (size_t) request->after->seq; i < told_count && n < request->limit; i++, n++) {
        bus__position__init(&out.positions[n]);
        out.positions[n].tx = 1;
        out.positions[n].seq = (int64_t) i + 1;
        bus__event__init(&out.events[n]);
        out.events[n].position = &out.positions[n];
        out.events[n].event_id = (ProtobufCBinaryData){ 16, told[i].event.bytes };
        if (!id_is_nil(told[i].tenant))
            out.events[n].tenant_id = (ProtobufCBinaryData){ 16, told[i].tenant.bytes };
        out.events[n].topic = (char *) "huzhu.claims.v1.ClaimFiled";
        out.events[n].body =
            (ProtobufCBinaryData){ strlen(told[i].body), (uint8_t *) told[i].body };
        out.events[n].recorded_us = told[i].at_us;
        out.events[n].traceparent = (char *) "";
        out.pointers[n] = &out.events[n];
    }
    bus__position__init(&out.reached);
    out.reached.tx = 1;
    out.reached.seq = request->after->seq + (int64_t) n;
    out.reply.events = out.pointers;
    out.reply.n_events = n;
    out.reply.reached = n > 0 ? &out.reached : NULL;
    *reply = &out.reply;
    return ERR_OK;
}

static err_t
pull(struct svc_thread *by, const char *producer)
{
    const struct feed_source source = { read_told, NULL };
    struct err err;
    int applied;

    return feed_pull(by, producer, &source, &applied, &err);
}

static err_t
integrate(void)
{
    struct err err;
    const err_t code = duty_run(duties, &audit_service.duties[0], &err);

    (void) snprintf(reason, sizeof reason, "%s", err.reason);
    return code;
}

static void
keeps(struct id tenant, int times)
{
    tell(tenant, times);
    assert_int_equal(pull(thread, "claims"), ERR_OK);
    assert_int_equal(integrate(), ERR_OK);
}

static int
count(const char *sql)
{
    return (int) strtol(cluster_ask(cluster, sql), NULL, 10);
}

/* --- callers --- */

static ProtobufCMessage *body;

static err_t
ask_as(const char *caller, const struct person *person, const char *rpc, const void *in)
{
    const ProtobufCMethodDescriptor *types =
        protobuf_c_service_descriptor_get_method_by_name(&audit__audit__descriptor, rpc);
    char idempotency[ID_TEXT_BYTES];
    Bus__Answer answer;

    id_format(id_mint(clock_now()), idempotency);
    struct request_of *request = request_of(keys, person, rpc, in, idempotency);
    svc_thread_answer(thread, caller, &request->envelope, &answer);
    request_free(request);
    if (body)
        protobuf_c_message_free_unpacked(body, NULL);
    body = NULL;
    (void) snprintf(reason, sizeof reason, "%s", answer.reason);
    const err_t code = bus_err_from_code(answer.code);
    if (code == ERR_OK)
        body = protobuf_c_message_unpack(types->output, NULL, answer.body.len, answer.body.data);
    return code;
}

static const void *
ask(struct id tenant, const char *rpc, const void *in)
{
    const struct person auditor = a_person(tenant, ROLE_AUDIT_ADMIN);
    const err_t code = ask_as("gateway", &auditor, rpc, in);

    if (code != ERR_OK)
        fail_msg("%s: %s %s", rpc, err_name(code), reason);
    return body;
}

static void
refused(struct id tenant, const char *rpc, const void *in, err_t code, const char *why)
{
    const struct person auditor = a_person(tenant, ROLE_AUDITOR);

    assert_int_equal(ask_as("gateway", &auditor, rpc, in), code);
    assert_string_equal(reason, why);
}

/* --- huzhu-audit verify --- */

static char said[16384];

/* Its exit status; what it printed is in `said`. */
static int
verify(const char *option, const char *value)
{
    char *argv[] = { (char *) "verify", (char *) "--keys", pub,
                     (char *) option,   (char *) value,    NULL };
    char path[96];
    struct call c;

    (void) snprintf(path, sizeof path, "%s/said", folder);
    (void) fflush(stdout);
    FILE *saved = stdout;
    stdout = fopen(path, "w+");
    assert_non_null(stdout);
    arena_reset(thread->arena);
    call_init(&c, thread);
    trace_take(&c, NULL);
    const int status = audit_verify(&c, option ? 5 : 3, argv);
    rewind(stdout);
    said[fread(said, 1, sizeof said - 1, stdout)] = '\0';
    (void) fclose(stdout);
    stdout = saved;
    return status;
}

static int
run_main(const char *const *words, size_t n)
{
    char *argv[12], path[96];

    (void) snprintf(path, sizeof path, "%s/said", folder);
    for (size_t i = 0; i < n; i++)
        argv[i] = (char *) words[i];
    argv[n] = NULL;
    (void) fflush(stdout);
    FILE *saved = stdout, *saved_errors = stderr;
    stdout = stderr = fopen(path, "w+");
    assert_non_null(stdout);
    const int status = audit_main((int) n, argv);
    rewind(stdout);
    said[fread(said, 1, sizeof said - 1, stdout)] = '\0';
    (void) fclose(stdout);
    stdout = saved;
    stderr = saved_errors;
    return status;
}

/* --- the world --- */

static int
open_world(void **state)
{
    struct err err = { 0 };

    (void) state;
    cluster = cluster_start();
    keys = keys_make();
    if (!cluster || !keys || !cluster_migrate(cluster, &audit_service) || !mkdtemp(folder))
        return -1;
    (void) snprintf(key, sizeof key, "%s/audit", folder);
    (void) snprintf(pub, sizeof pub, "%s/audit.pub", folder);
    (void) setenv("HUZHU_DATABASE_URL", cluster_url(cluster, "huzhu_audit"), 1);
    (void) setenv("HUZHU_PRINCIPAL_KEYS", keys_principals(keys), 1);
    (void) setenv("HUZHU_AUDIT_SIGNING_KEY", key, 1);
    if (signer_generate(key, &err) != ERR_OK ||
        !runtime_by_settings(&audit_service, &runtime_conf, &audit_conf, &rt, &thread, &duties))
        return -1;
    return 0;
}

static int
close_world(void **state)
{
    char command[64];

    (void) state;
    if (body)
        protobuf_c_message_free_unpacked(body, NULL);
    svc_thread_destroy(duties);
    svc_thread_destroy(thread);
    runtime_destroy(rt);
    cluster_stop(cluster);
    keys_remove(keys);
    (void) snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static int
settle_world(void **state)
{
    (void) state;
    told_count = 0;
    (void) cluster_sql(cluster,
                       "SET client_min_messages = warning; SET session_replication_role = replica;"
                       "TRUNCATE audit.log, audit.record, audit.node, audit.head, audit.event,"
                       " audit.reply, audit.parked, audit.feed;"
                       "RESET session_replication_role");
    return 0;
}

static int
check_invariants(void **state)
{
    (void) state;
    return cluster_broken_invariants(cluster);
}

/* --- tests --- */

static void
every_rpc_has_its_row(void **state)
{
    (void) state;
    assert_true(svc_is_complete(&audit_service));
}

static void
facts_get_places_without_gaps_in_the_log_of_their_tenant(void **state)
{
    (void) state;
    tell(town, 3);
    tell(platform, 2);
    tell(town, 2);
    tell(other, 1);
    assert_int_equal(pull(thread, "claims"), ERR_OK);
    assert_int_equal(pull(thread, "claims"), ERR_OK); /* nothing twice */
    assert_int_equal(pull(thread, "coding"), ERR_OK); /* another producer's are others */
    assert_int_equal(count("SELECT count(*) FROM audit.record"), 16);
    assert_int_equal(count("SELECT count(*) FROM audit.record r JOIN audit.log l USING (tenant_id) "
                           "WHERE r.seq < l.next_seq"),
                     16);
    assert_int_equal(count("SELECT next_seq FROM audit.log WHERE tenant_id = "
                           "'11010000-0000-0000-0000-000000000000'"),
                     10);
    assert_int_equal(integrate(), ERR_OK);
    assert_int_equal(count("SELECT count(*) FROM audit.head"), 3);
    assert_int_equal(count("SELECT count(*) FROM audit.log WHERE integrated = next_seq"), 3);
    assert_int_equal(verify(NULL, NULL), 0);
    assert_int_equal(integrate(), ERR_OK); /* nothing new: no further head */
    assert_int_equal(count("SELECT count(*) FROM audit.head"), 3);
}

static merkle_hash_t
hash_of(ProtobufCBinaryData bytes)
{
    merkle_hash_t hash;

    assert_int_equal(bytes.len, sizeof hash.bytes);
    memcpy(hash.bytes, bytes.data, sizeof hash.bytes);
    return hash;
}

static struct merkle_proof
proof_of(size_t n, const ProtobufCBinaryData *hashes)
{
    struct merkle_proof proof = { .count = n };

    for (size_t i = 0; i < n; i++)
        proof.hashes[i] = hash_of(hashes[i]);
    return proof;
}

static void
every_record_is_proved_to_a_stranger(void **state)
{
    Audit__GetInclusionProofRequest in = AUDIT__GET_INCLUSION_PROOF_REQUEST__INIT;
    Audit__ListRecordsRequest list = AUDIT__LIST_RECORDS_REQUEST__INIT;

    (void) state;
    keeps(town, 5);
    keeps(town, 8);
    for (int64_t size = 5; size <= 13; size += 8) {
        for (in.seq = 0; in.seq < size; in.seq++) {
            in.size = size;
            const Audit__GetInclusionProofReply *out = ask(town, "GetInclusionProof", &in);
            const struct merkle_proof proof = proof_of(out->n_hashes, out->hashes);
            assert_true(merkle_verify_inclusion((uint64_t) in.seq, (uint64_t) size,
                                                hash_of(out->leaf_hash), &proof,
                                                hash_of(out->head->root_hash)));
        }
    }
    /* The leaf follows from what the record says. */
    const Audit__ListRecordsReply *out = ask(town, "ListRecords", &list);
    assert_int_equal(out->n_records, 13);
    for (size_t i = 0; i < out->n_records; i++) {
        struct record record = { .source = out->records[i]->source,
                                 .topic = out->records[i]->topic,
                                 .traceparent = out->records[i]->traceparent,
                                 .at = { out->records[i]->recorded_at->us },
                                 .body = out->records[i]->body.data,
                                 .body_size = out->records[i]->body.len };
        memcpy(record.event.bytes, out->records[i]->event_id->value.data, 16);
        const merkle_hash_t leaf = record_leaf(town, &record),
                            stored = hash_of(out->records[i]->leaf_hash);
        assert_memory_equal(leaf.bytes, stored.bytes, 32);
        assert_string_equal(record.source, "claims");
        assert_memory_equal(record.body, told[i].body, record.body_size);
    }
    in.seq = 13;
    in.size = 0;
    refused(town, "GetInclusionProof", &in, ERR_NOT_FOUND, RECORD_NONE);
    in.seq = -1;
    refused(town, "GetInclusionProof", &in, ERR_NOT_FOUND, RECORD_NONE);
    in.seq = 0;
    in.size = 6;
    refused(town, "GetInclusionProof", &in, ERR_NOT_FOUND, HEAD_NONE);
}

static void
every_head_is_proved_to_continue_the_older(void **state)
{
    static const int64_t sizes[] = { 1, 3, 4, 11, 12 };
    Audit__GetConsistencyProofRequest in = AUDIT__GET_CONSISTENCY_PROOF_REQUEST__INIT;

    (void) state;
    for (size_t i = 0; i < COUNT(sizes); i++)
        keeps(town, (int) (sizes[i] - (i ? sizes[i - 1] : 0)));
    for (size_t i = 0; i < COUNT(sizes); i++) {
        for (size_t k = i; k < COUNT(sizes); k++) {
            in.older_size = sizes[i];
            in.newer_size = sizes[k];
            const Audit__GetConsistencyProofReply *out = ask(town, "GetConsistencyProof", &in);
            const struct merkle_proof proof = proof_of(out->n_hashes, out->hashes);
            assert_true(merkle_verify_consistency((uint64_t) sizes[i], (uint64_t) sizes[k],
                                                  hash_of(out->older->root_hash),
                                                  hash_of(out->newer->root_hash), &proof));
        }
    }
    in.older_size = 4;
    in.newer_size = 3;
    refused(town, "GetConsistencyProof", &in, ERR_INVALID, SIZE_ORDER);
    in.older_size = 0;
    refused(town, "GetConsistencyProof", &in, ERR_INVALID, SIZE_ORDER);
    in.older_size = 2;
    in.newer_size = 0;
    refused(town, "GetConsistencyProof", &in, ERR_NOT_FOUND, HEAD_NONE);
}

static void
a_head_is_signed_by_the_audit_key(void **state)
{
    Audit__GetHeadRequest in = AUDIT__GET_HEAD_REQUEST__INIT;
    OWNED(verifier_destroy) struct verifier *verifier = NULL;
    uint8_t text[HEAD_TEXT_BYTES];
    struct head head;
    struct err err;

    (void) state;
    const Audit__GetHeadReply *none = ask(town, "GetHead", &in);
    assert_null(none->head);
    keeps(town, 7);
    const Audit__GetHeadReply *out = ask(town, "GetHead", &in);
    head = (struct head){ .size = out->head->size,
                          .root = hash_of(out->head->root_hash),
                          .at = { out->head->signed_at->us } };
    head_text(town, &head, text);
    assert_int_equal(verifier_load(pub, &verifier, &err), ERR_OK);
    assert_true(verifier_check(verifier, out->head->key_id, text, sizeof text,
                               out->head->signature.data, out->head->signature.len));
    head.size++;
    head_text(town, &head, text);
    assert_false(verifier_check(verifier, out->head->key_id, text, sizeof text,
                                out->head->signature.data, out->head->signature.len));
}

static void
an_idle_log_is_signed_again_twice_a_day(void **state)
{
    (void) state;
    keeps(town, 3);
    (void) cluster_sql(
        cluster, "SET session_replication_role = replica; UPDATE audit.head SET signed_at = "
                 "signed_at - interval '11 hours 59 minutes'; RESET session_replication_role");
    assert_int_equal(integrate(), ERR_OK);
    assert_int_equal(count("SELECT count(*) FROM audit.head"), 1);
    (void) cluster_sql(cluster,
                       "SET session_replication_role = replica; UPDATE audit.head SET signed_at = "
                       "signed_at - interval '1 minute'; RESET session_replication_role");
    assert_int_equal(integrate(), ERR_OK);
    assert_int_equal(count("SELECT count(*) FROM audit.head WHERE size = 3"), 2);
}

static void
lists_come_in_pages(void **state)
{
    Audit__ListRecordsRequest records = AUDIT__LIST_RECORDS_REQUEST__INIT;
    Audit__ListHeadsRequest heads = AUDIT__LIST_HEADS_REQUEST__INIT;
    char token[64] = "";
    int64_t next = 0, size = 9;

    (void) state;
    for (int i = 0; i < 8; i++)
        keeps(town, 1);
    do {
        records.page_size = 3;
        records.page_token = token;
        const Audit__ListRecordsReply *out = ask(town, "ListRecords", &records);
        for (size_t i = 0; i < out->n_records; i++)
            assert_int_equal(out->records[i]->seq, next++);
        (void) snprintf(token, sizeof token, "%s", out->next_page_token);
    } while (token[0]);
    assert_int_equal(next, 8);
    do {
        heads.page_size = 3;
        heads.page_token = token;
        const Audit__ListHeadsReply *out = ask(town, "ListHeads", &heads);
        for (size_t i = 0; i < out->n_heads; i++)
            assert_int_equal(out->heads[i]->size, --size);
        (void) snprintf(token, sizeof token, "%s", out->next_page_token);
    } while (token[0]);
    assert_int_equal(size, 1);

    records.page_size = 0;
    records.page_token = (char *) "";
    records.topic = (char *) "huzhu.claims.v1.ClaimClosed";
    assert_int_equal(
        ((const Audit__ListRecordsReply *) ask(town, "ListRecords", &records))->n_records, 0);
    records.topic = (char *) "huzhu.claims.v1.ClaimFiled";
    records.source = (char *) "claims";
    assert_int_equal(
        ((const Audit__ListRecordsReply *) ask(town, "ListRecords", &records))->n_records, 8);
    Huzhu__Instant from = HUZHU__INSTANT__INIT, before = HUZHU__INSTANT__INIT;
    from.us = told[2].at_us;
    before.us = told[5].at_us;
    records.from = &from;
    records.before = &before;
    assert_int_equal(
        ((const Audit__ListRecordsReply *) ask(town, "ListRecords", &records))->n_records, 3);
    records.page_size = 501;
    refused(town, "ListRecords", &records, ERR_INVALID, PAGE_SIZE);
    records.page_size = 500;
    records.page_token = (char *) "AAAA";
    refused(town, "ListRecords", &records, ERR_INVALID, PAGE_TOKEN);
}

static void
an_export_has_every_record_and_every_head_of_the_newest(void **state)
{
    Audit__ExportLogRequest in = AUDIT__EXPORT_LOG_REQUEST__INIT;
    size_t records = 0, heads = 0;
    char token[64] = "";

    (void) state;
    refused(town, "ExportLog", &in, ERR_NOT_FOUND, HEAD_NONE);
    keeps(town, 3);
    keeps(town, 4);
    do {
        in.page_token = token;
        const Audit__ExportLogReply *out = ask(town, "ExportLog", &in);
        records += out->n_records;
        heads += out->n_heads;
        (void) snprintf(token, sizeof token, "%s", out->next_page_token);
        if (records == 7 && heads == 0)
            keeps(town, 2); /* what comes during the export belongs to the next */
    } while (token[0]);
    assert_int_equal(records, 7);
    assert_int_equal(heads, 2);
    in.page_token = (char *) "AAAA";
    refused(town, "ExportLog", &in, ERR_INVALID, PAGE_TOKEN);
}

static void
the_log_is_for_auditors_of_its_tenant(void **state)
{
    Audit__ListRecordsRequest in = AUDIT__LIST_RECORDS_REQUEST__INIT;
    const role_set_t not [] = { ROLE_SYSTEM_ADMIN, ROLE_SECURITY_ADMIN, ROLE_TOWNSHIP_OFFICER,
                                ROLE_MEMBER };

    (void) state;
    keeps(town, 3);
    for (size_t i = 0; i < COUNT(not ); i++) {
        const struct person person = a_person(town, not [i]);
        assert_int_equal(ask_as("gateway", &person, "ListRecords", &in), ERR_FORBIDDEN);
    }
    assert_int_equal(ask_as("gateway", NULL, "ListRecords", &in), ERR_UNAUTHENTICATED);
    assert_int_equal(((const Audit__ListRecordsReply *) ask(other, "ListRecords", &in))->n_records,
                     0);
}

static void
the_broker_alone_records_refusals(void **state)
{
    Audit__RecordRefusalRequest in = AUDIT__RECORD_REFUSAL_REQUEST__INIT;
    char text[257];

    (void) state;
    in.kind = (char *) "key.unknown";
    in.name = (char *) "claims";
    in.key = (char *) "0123456789012345678901234567890123456789";
    in.peer = (char *) "127.0.0.1";
    in.at_us = clock_now().us;
    assert_int_equal(ask_as("gateway", NULL, "RecordRefusal", &in), ERR_FORBIDDEN);
    assert_string_equal(reason, REFUSAL_FOREIGN);
    assert_int_equal(ask_as("claims", NULL, "RecordRefusal", &in), ERR_FORBIDDEN);
    assert_int_equal(ask_as("broker", NULL, "RecordRefusal", &in), ERR_OK);
    assert_int_equal(count("SELECT count(*) FROM audit.event WHERE topic = "
                           "'huzhu.audit.v1.CallRefused'"),
                     1);
    memset(text, 'x', sizeof text);
    text[256] = '\0';
    in.detail = text;
    assert_int_equal(ask_as("broker", NULL, "RecordRefusal", &in), ERR_INVALID);
    assert_string_equal(reason, REFUSAL_LONG);
    text[255] = '\0';
    assert_int_equal(ask_as("broker", NULL, "RecordRefusal", &in), ERR_OK);
}

static void
neither_the_service_nor_its_owner_changes_what_is_written(void **state)
{
    static const char *const statements[] = {
        "UPDATE audit.record SET topic = 'x'",
        "DELETE FROM audit.record",
        "UPDATE audit.node SET level = 1",
        "DELETE FROM audit.head",
        "UPDATE audit.head SET key_id = 'x'",
        "DELETE FROM audit.node",
        "TRUNCATE audit.record",
        "DELETE FROM audit.log",
    };

    (void) state;
    keeps(town, 3);
    PGconn *service = cluster_connect(cluster, "huzhu_audit");
    PQclear(PQexec(service, "SET huzhu.tenant = '11010000-0000-0000-0000-000000000000'"));
    for (size_t i = 0; i < COUNT(statements); i++) {
        PGresult *result = PQexec(service, statements[i]);
        assert_string_equal(PQresultErrorField(result, PG_DIAG_SQLSTATE), "42501");
        PQclear(result);
    }
    PQfinish(service);
    PGconn *admin = cluster_connect(cluster, "postgres");
    PQclear(PQexec(admin, "SET ROLE huzhu_audit_owner"));
    for (size_t i = 0; i < COUNT(statements) - 1; i++) {
        PGresult *result = PQexec(admin, statements[i]);
        assert_string_equal(PQresultErrorField(result, PG_DIAG_SQLSTATE), "42501");
        PQclear(result);
    }
    PQfinish(admin);
}

/* A forger who has the database, and can make all hashes agree, but not the key. */
static void
forge_leaf(int64_t seq)
{
    char sql[400], hex[65];
    struct record record = { .source = "claims",
                             .topic = "huzhu.claims.v1.ClaimFiled",
                             .traceparent = "",
                             .event = told[seq].event,
                             .at = { told[seq].at_us },
                             .body = "forged",
                             .body_size = 6 };
    const merkle_hash_t leaf = record_leaf(town, &record);

    for (size_t i = 0; i < 32; i++)
        (void) snprintf(hex + 2 * i, 3, "%02x", leaf.bytes[i]);
    (void) snprintf(sql, sizeof sql,
                    "SET session_replication_role = replica;"
                    "UPDATE audit.record SET body = 'forged', leaf_hash = '\\x%s' WHERE seq = %d;"
                    "UPDATE audit.node SET hash = '\\x%s' WHERE level = 0 AND index = %d;"
                    "RESET session_replication_role",
                    hex, (int) seq, hex, (int) seq);
    (void) cluster_sql(cluster, sql);
}

static void
every_tampering_is_found(void **state)
{
    static const struct {
        const char *name, *sql, *said;
    } cases[] = {
        { "a changed body", "UPDATE audit.record SET body = 'other' WHERE seq = 3",
          "record 3 was changed" },
        { "a changed instant",
          "UPDATE audit.record SET recorded_at = recorded_at + interval '1 us' WHERE seq = 0",
          "record 0 was changed" },
        { "a changed topic", "UPDATE audit.record SET topic = 'x' WHERE seq = 9",
          "record 9 was changed" },
        { "a changed source", "UPDATE audit.record SET source = 'coding' WHERE seq = 1",
          "record 1 was changed" },
        { "a changed trace", "UPDATE audit.record SET traceparent = 'x' WHERE seq = 1",
          "record 1 was changed" },
        { "a changed event id", "UPDATE audit.record SET event_id = tenant_id WHERE seq = 1",
          "record 1 was changed" },
        { "a changed leaf hash", "UPDATE audit.record SET leaf_hash = sha256('x') WHERE seq = 5",
          "record 5 was changed" },
        { "a record of another tenant",
          "UPDATE audit.record SET tenant_id = "
          "'22020000-0000-0000-0000-000000000000' WHERE seq = 9",
          "record 9 was changed" },
        { "a missing record", "DELETE FROM audit.record WHERE seq = 4",
          "record 4 is missing or out of its place" },
        { "a missing first record", "DELETE FROM audit.record WHERE seq = 0",
          "record 0 is missing or out of its place" },
        { "a missing last record", "DELETE FROM audit.record WHERE seq = 9",
          "covers some that are missing" },
        { "a missing record, the others closed up",
          "DELETE FROM audit.record WHERE seq = 4; UPDATE audit.record SET seq = seq - 1 WHERE seq "
          "= 5;"
          "UPDATE audit.record SET seq = seq - 1 WHERE seq = 6;"
          "UPDATE audit.record SET seq = seq - 1 WHERE seq = 7;"
          "UPDATE audit.record SET seq = seq - 1 WHERE seq = 8;"
          "UPDATE audit.record SET seq = seq - 1 WHERE seq = 9;"
          "UPDATE audit.log SET next_seq = 9, integrated = 9",
          "of the tree is not that of its records" },
        { "two records changed about",
          "UPDATE audit.record SET seq = 100 WHERE seq = 2; UPDATE audit.record SET seq = 2 WHERE "
          "seq = 7;"
          "UPDATE audit.record SET seq = 7 WHERE seq = 100",
          "of the tree is not that of its records" },
        { "a record put in between, the log none the wiser",
          "INSERT INTO audit.record SELECT tenant_id, 10, source, event_id, topic, recorded_at,"
          " traceparent, body, leaf_hash FROM audit.record WHERE seq = 3",
          "the log has given 10 places, 11 records are there" },
        { "a changed node",
          "UPDATE audit.node SET hash = sha256('x') WHERE level = 2 AND index = 0",
          "node (2, 0) of the tree" },
        { "a missing node", "DELETE FROM audit.node WHERE level = 1 AND index = 1",
          "18 nodes, 17 are there" },
        { "a node too many",
          "INSERT INTO audit.node SELECT tenant_id, 1, 5, hash FROM audit.node "
          "WHERE level = 1 AND index = 1",
          "node (1, 5) of the tree" },
        { "a changed root", "UPDATE audit.head SET root_hash = sha256('x') WHERE size = 10",
          "the head of 10 records was signed over others" },
        { "a changed signature",
          "UPDATE audit.head SET signature = set_byte(signature, 9, get_byte(signature, 9) # 1)"
          " WHERE size = 6",
          "the head of 6 records is not signed by a trusted key" },
        { "another key id", "UPDATE audit.head SET key_id = 'ffffffffffffffff' WHERE size = 6",
          "the head of 6 records is not signed by a trusted key" },
        { "a head of another time",
          "UPDATE audit.head SET signed_at = signed_at + interval '1 us' WHERE size = 6",
          "the head of 6 records is not signed by a trusted key" },
        { "a head of a larger tree", "UPDATE audit.head SET size = 11 WHERE size = 10",
          "covers some that are missing" },
        { "a missing newest head", "DELETE FROM audit.head WHERE size = 10",
          "the newest head has 6 records, the tree 10" },
        { "a log cut off at an older head",
          "DELETE FROM audit.record WHERE seq >= 6; DELETE FROM audit.head WHERE size = 10",
          "the log has given 10 places, 6 records are there" },
        { "a log without its row", "DELETE FROM audit.log", "the log has given 0 places" },
    };

    keeps(town, 6);
    keeps(town, 4);
    assert_int_equal(verify(NULL, NULL), 0);
    (void) cluster_sql(cluster, "CREATE TABLE public.r AS TABLE audit.record;"
                                "CREATE TABLE public.n AS TABLE audit.node;"
                                "CREATE TABLE public.h AS TABLE audit.head;"
                                "CREATE TABLE public.l AS TABLE audit.log");
    for (size_t i = 0; i < COUNT(cases); i++) {
        char sql[2048];

        (void) snprintf(sql, sizeof sql,
                        "SET session_replication_role = replica; %s;"
                        "RESET session_replication_role",
                        cases[i].sql);
        (void) cluster_sql(cluster, sql);
        const int status = verify(NULL, NULL);
        if (status != 1 || !strstr(said, cases[i].said) || !strstr(said, "NOT verified"))
            fail_msg("%s: status %d\n%s", cases[i].name, status, said);
        (void) cluster_sql(
            cluster, "SET client_min_messages = warning; SET session_replication_role = replica;"
                     "TRUNCATE audit.record, audit.node, audit.head, audit.log;"
                     "INSERT INTO audit.record TABLE public.r;"
                     "INSERT INTO audit.node TABLE public.n;"
                     "INSERT INTO audit.head TABLE public.h;"
                     "INSERT INTO audit.log TABLE public.l;"
                     "RESET session_replication_role");
        assert_int_equal(verify(NULL, NULL), 0);
    }
    forge_leaf(9); /* the last leaf: nodes above it are its own alone up to level 1 */
    assert_int_equal(verify(NULL, NULL), 1);
    assert_non_null(strstr(said, "the head of 10 records was signed over others"));
    (void) cluster_sql(cluster, "DROP TABLE public.r, public.n, public.h, public.l");
    assert_int_equal(cluster_broken_invariants(cluster), 1); /* they see it too */
    (void) settle_world(state);
}

/* Whoever cuts records, nodes and heads off together leaves a log that looks whole, but for those
 * who kept a head. */
static void
a_kept_head_finds_a_log_cut_off_without_a_trace(void **state)
{
    char kept[100];

    (void) state;
    keeps(town, 6);
    keeps(town, 4);
    (void) snprintf(
        kept, sizeof kept, "10:%s",
        cluster_ask(cluster, "SELECT encode(root_hash, 'hex') FROM audit.head WHERE size = 10"));
    assert_int_equal(verify("--head", kept), 0);
    (void) cluster_sql(
        cluster, "SET session_replication_role = replica;"
                 "DELETE FROM audit.record WHERE seq >= 6; DELETE FROM audit.head WHERE size > 6;"
                 "DELETE FROM audit.node WHERE (index + 1) * (1 << level) > 6;"
                 "UPDATE audit.log SET next_seq = 6, integrated = 6;"
                 "RESET session_replication_role");
    assert_int_equal(verify(NULL, NULL), 0);
    assert_int_equal(verify("--head", kept), 1);
    assert_non_null(strstr(said, "the kept head of 10 records covers some that are gone"));
    kept[strlen(kept) - 1] = kept[strlen(kept) - 1] == '0' ? '1' : '0';
    kept[0] = '0';
    kept[1] = '6';
    assert_int_equal(verify("--head", kept), 1);
    assert_int_equal(verify("--head", "6"), 2);
    assert_int_equal(verify("--tenant", "nobody"), 2);
}

static void
a_strange_key_signs_nothing(void **state)
{
    char strange[96], strange_pub[112];
    struct err err;

    (void) state;
    keeps(town, 2);
    (void) snprintf(strange, sizeof strange, "%s/strange", folder);
    (void) snprintf(strange_pub, sizeof strange_pub, "%s.pub", strange);
    assert_int_equal(signer_generate(strange, &err), ERR_OK);
    (void) snprintf(pub, sizeof pub, "%s", strange_pub);
    assert_int_equal(verify(NULL, NULL), 1);
    (void) snprintf(pub, sizeof pub, "%s/audit.pub", folder);
    assert_int_equal(verify(NULL, NULL), 0);
}

static void
an_export_is_verified_by_anyone_and_every_flipped_byte_is_found(void **state)
{
    char path[96], bad[96],
        *argv[] = { (char *) "export",
                    (char *) "--tenant",
                    (char *) "11010000-0000-0000-0000-000000000000",
                    (char *) "--out",
                    path,
                    NULL };
    const char *const offline[] = { "huzhu-audit", "verify", "--keys", pub, path };
    const char *const broken[] = { "huzhu-audit", "verify", "--keys", pub, bad };
    uint8_t bytes[65536];
    struct call c;

    (void) state;
    (void) snprintf(path, sizeof path, "%s/export", folder);
    (void) snprintf(bad, sizeof bad, "%s/bad", folder);
    keeps(town, 5);
    keeps(town, 4);
    keeps(other, 2);
    arena_reset(thread->arena);
    call_init(&c, thread);
    assert_int_equal(audit_export(&c, 5, argv), 0);
    assert_int_equal(run_main(offline, COUNT(offline)), 0);
    assert_non_null(strstr(said, "9 records, 2 heads"));
    assert_non_null(strstr(said, "verified: nothing was changed"));
    assert_int_equal(audit_export(&c, 5, argv), 2); /* does not overwrite */

    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    const size_t size = fread(bytes, 1, sizeof bytes, in);
    (void) fclose(in);
    int found = 0, tried = 0;
    for (size_t i = 0; i < size; i += 3, tried++) {
        bytes[i] ^= 0x04;
        FILE *out = fopen(bad, "wb");
        assert_non_null(out);
        assert_int_equal(fwrite(bytes, 1, size, out), size);
        (void) fclose(out);
        bytes[i] ^= 0x04;
        const int status = run_main(broken, COUNT(broken));
        if (status != 0)
            found++;
        else
            print_message("byte %zu of %zu may be anything\n", i, size);
    }
    /* Field numbers and lengths of protobuf that a reader skips carry no fact; the tokens between
     * pages are such bytes. */
    assert_true(tried - found <= 20);
    FILE *out = fopen(bad, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, size / 2, out), size / 2);
    (void) fclose(out);
    assert_int_equal(run_main(broken, COUNT(broken)), 2);
}

static void
a_renewed_key_signs_the_next_head_without_a_restart(void **state)
{
    char old[96], old_pub[112], both[96], command[400];
    struct err err;

    (void) state;
    keeps(town, 2);
    (void) snprintf(old, sizeof old, "%s/audit.old", folder);
    (void) snprintf(old_pub, sizeof old_pub, "%s/audit.old.pub", folder);
    assert_int_equal(rename(key, old), 0);
    assert_int_equal(rename(pub, old_pub), 0);
    assert_int_equal(signer_generate(key, &err), ERR_OK);
    keeps(town, 2);
    assert_int_equal(verify(NULL, NULL), 1); /* the new key alone */
    assert_int_equal(verify("--keys", old_pub), 0);
    (void) snprintf(both, sizeof both, "%s/both", folder);
    (void) snprintf(command, sizeof command, "cat %s %s >%s", pub, old_pub, both);
    assert_int_equal(system(command), 0);
    assert_int_equal(verify("--keys", both), 0);
}

/* Goal: whatever fails, places have no gaps and nothing is kept twice or half.
 * Method: fail the 1st, 2nd, 3rd... crossing of a fault point until none is left to fail. */
static void
a_feed_or_a_round_that_fails_anywhere_is_made_up_for(void **state)
{
    int expected = 0;

    (void) state;
    NEEDS_FAULTS;
    for (int nth = 1; nth < 200; nth++) {
        tell(nth % 2 ? town : other, 1);
        expected++;
        fault_arm_nth(nth);
        const err_t fed = pull(thread, "claims");
        bool fired = fault_fired();
        fault_arm_nth(nth);
        const err_t grown = integrate();
        fired = fired || fault_fired();
        fault_arm_nth(0);
        assert_true(fed == ERR_OK || err_is_retryable(fed));
        assert_true(grown == ERR_OK || err_is_retryable(grown));
        if (!fired) {
            assert_int_equal(count("SELECT count(*) FROM audit.record"), expected);
            assert_int_equal(count("SELECT count(DISTINCT event_id) FROM audit.record"), expected);
            assert_int_equal(count("SELECT count(*) FROM audit.parked"), 0);
            assert_int_equal(verify(NULL, NULL), 0);
            return;
        }
    }
    fail_msg("the faults do not end");
}

static void *
pull_it(void *producer)
{
    struct svc_thread *own = NULL;
    struct err err;

    if (svc_thread_create(rt, 5000, &own, &err) != ERR_OK)
        return producer;
    for (int i = 0; i < 5; i++)
        (void) pull(own, producer);
    svc_thread_destroy(own);
    return NULL;
}

/* Goal: feeds of several producers meet at one log and leave no gap, while the tree grows. */
static void
feeds_that_meet_leave_no_gap(void **state)
{
    static const char *const producers[] = { "identity", "claims", "claims", "coding" };
    pthread_t threads[COUNT(producers)];

    (void) state;
    tell(town, 60);
    tell(other, 60);
    for (size_t i = 0; i < COUNT(producers); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, pull_it, (void *) producers[i]), 0);
    for (int i = 0; i < 10; i++)
        (void) integrate();
    for (size_t i = 0; i < COUNT(producers); i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(integrate(), ERR_OK);
    assert_int_equal(count("SELECT count(*) FROM audit.record"), 3 * 120);
    assert_int_equal(count("SELECT count(*) FROM audit.log WHERE integrated = 180"), 2);
    assert_int_equal(verify(NULL, NULL), 0);
}

static void
without_a_key_records_wait_for_their_head(void **state)
{
    struct audit_conf keyless = audit_conf;
    struct svc_thread *with_key = duties, *without = NULL;
    struct runtime *other_rt = NULL;
    struct err err;

    (void) state;
    keyless.signing_key = "";
    assert_int_equal(runtime_create(&audit_service, &runtime_conf, &keyless, &other_rt, &err),
                     ERR_OK);
    assert_int_equal(svc_thread_create(other_rt, 5000, &without, &err), ERR_OK);
    without->is_duty = true;
    tell(town, 3);
    assert_int_equal(pull(thread, "claims"), ERR_OK);
    duties = without;
    const err_t code = integrate();
    duties = with_key;
    svc_thread_destroy(without);
    runtime_destroy(other_rt);
    assert_int_equal(code, ERR_UNAVAILABLE);
    assert_string_equal(reason, NO_KEY);
    assert_int_equal(count("SELECT count(*) FROM audit.node"), 0);
    assert_int_equal(integrate(), ERR_OK);
    assert_int_equal(verify(NULL, NULL), 0);
}

/* A damaged tree stops its own log, not the others'.  Last: the process remembers. */
static void
a_torn_log_does_not_hold_up_the_others(void **state)
{
    Audit__GetInclusionProofRequest in = AUDIT__GET_INCLUSION_PROOF_REQUEST__INIT;

    (void) state;
    keeps(town, 3);
    (void) cluster_sql(cluster, "SET session_replication_role = replica;"
                                "DELETE FROM audit.node; RESET session_replication_role");
    const struct person auditor = a_person(town, ROLE_AUDITOR);
    assert_int_equal(ask_as("gateway", &auditor, "GetInclusionProof", &in), ERR_INTERNAL);
    tell(town, 1);
    tell(other, 2);
    assert_int_equal(pull(thread, "claims"), ERR_OK);
    assert_int_equal(integrate(), ERR_INTERNAL);
    assert_string_equal(reason, TREE_TORN);
    assert_int_equal(integrate(), ERR_OK);
    assert_int_equal(count("SELECT count(*) FROM audit.head WHERE tenant_id = "
                           "'22020000-0000-0000-0000-000000000000'"),
                     1);
    assert_int_equal(verify(NULL, NULL), 1);
}

int
main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, settle_world, check_invariants)
    const struct CMUnitTest tests[] = {
        TEST(every_rpc_has_its_row),
        TEST(facts_get_places_without_gaps_in_the_log_of_their_tenant),
        TEST(every_record_is_proved_to_a_stranger),
        TEST(every_head_is_proved_to_continue_the_older),
        TEST(a_head_is_signed_by_the_audit_key),
        TEST(an_idle_log_is_signed_again_twice_a_day),
        TEST(lists_come_in_pages),
        TEST(an_export_has_every_record_and_every_head_of_the_newest),
        TEST(the_log_is_for_auditors_of_its_tenant),
        TEST(the_broker_alone_records_refusals),
        TEST(neither_the_service_nor_its_owner_changes_what_is_written),
        TEST(every_tampering_is_found),
        TEST(a_kept_head_finds_a_log_cut_off_without_a_trace),
        TEST(a_strange_key_signs_nothing),
        TEST(an_export_is_verified_by_anyone_and_every_flipped_byte_is_found),
        TEST(a_feed_or_a_round_that_fails_anywhere_is_made_up_for),
        TEST(feeds_that_meet_leave_no_gap),
        TEST(a_renewed_key_signs_the_next_head_without_a_restart),
        TEST(without_a_key_records_wait_for_their_head),
        cmocka_unit_test_setup(a_torn_log_does_not_hold_up_the_others, settle_world),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
