/* intruders_test.c - inside the closed wire: who is not known stays out, who is known stays itself.
 *
 * Goal: a process with a foreign CURVE key, a service that registers as another one, and a call
 * that the table does not grant are refused, and the audit log says so. Method: this test is the
 * intruder, on the sockets of a real platform. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "bus/bus.h"
#include "bus/bus_keys.h"
#include "common.pb-c.h"
#include "crypto/crypto.h"
#include "eventually.h"
#include "id/id.h"
#include "platform.h"

static struct platform *p;
static struct administration admins;

static char *
in_data(const char *name)
{
    static char paths[4][PLATFORM_PATH_BYTES + 64];
    static unsigned next;
    char *path = paths[next++ % COUNT(paths)];

    (void) snprintf(path, sizeof paths[0], "%s/%s", p->data, name);
    return path;
}

static struct bus_conf
conf_with(const char *name, const char *key)
{
    static char broker[PLATFORM_PATH_BYTES + 64];

    (void) snprintf(broker, sizeof broker, "curve+ipc://%s/run/broker-1.ipc", p->data);
    return (struct bus_conf){ broker, name, key, in_data("keys/bus/broker.pub") };
}

/* Calls an rpc as whoever conf says, for whom principal says; gives what came of it. */
static err_t
calls_for(struct bus_conf conf, const char *service, const char *method,
          ProtobufCBinaryData principal, struct err *err)
{
    OWNED(bus_client_destroy) struct bus_client *client = NULL;
    const instant_t now = clock_now();
    struct id id = id_mint(now);
    Bus__Envelope envelope = BUS__ENVELOPE__INIT;
    const Bus__Answer *answer;

    assert_int_equal(bus_client_create(&conf, &client, err), ERR_OK);
    envelope.request_id = (ProtobufCBinaryData){ sizeof id.bytes, id.bytes };
    envelope.method = (char *) method;
    envelope.deadline_us = now.us + 1500000;
    envelope.principal = principal;
    return bus_call(client, service, &envelope, &answer, err);
}

static err_t
calls(struct bus_conf conf, const char *service, const char *method, struct err *err)
{
    return calls_for(conf, service, method, (ProtobufCBinaryData){ 0, NULL }, err);
}

/* Refusals of a kind that the platform's audit administrator finds in the log, through the gateway.
 */
static int
recorded(const char *kind)
{
    const json_t *reply =
        must_get(admins.who[AUDIT], 200,
                 "/api/v1/audit/records?pageSize=500&topic=huzhu.audit.v1.CallRefused");
    const json_t *records = json_object_get(reply, "records");
    unsigned char body[4096];
    int found = 0;

    for (size_t i = 0; i < json_array_size(records); i++) {
        const char *base64 = json_string_value(json_object_get(json_array_get(records, i), "body"));
        assert_non_null(base64);
        assert_true(strlen(base64) < sizeof body);
        const int size =
            EVP_DecodeBlock(body, (const unsigned char *) base64, (int) strlen(base64));
        assert_true(size > 0);
        found += memmem(body, (size_t) size, kind, strlen(kind)) != NULL;
    }
    return found;
}

static void
who_is_known_is_served(void **state)
{
    struct err err = { 0 };

    (void) state;
    /* Without this, all that follows would prove nothing. */
    assert_int_equal(
        calls(conf_with("gateway", in_data("keys/bus/gateway")), "claims", "Common.Ping", &err),
        ERR_OK);
}

static void
a_foreign_key_is_refused_and_audited(void **state)
{
    struct err err = { 0 };
    char *key = in_data("settings/foreign"); /* any folder of the instance will do */
    const int before = recorded("key.unknown");

    (void) state;
    assert_int_equal(bus_keys_generate(key, &err), ERR_OK);
    assert_int_not_equal(calls(conf_with("gateway", key), "claims", "Common.Ping", &err), ERR_OK);
    EVENTUALLY(recorded("key.unknown") > before);
}

static void
a_service_that_registers_as_another_gets_no_work_and_is_audited(void **state)
{
    OWNED(bus_worker_destroy) struct bus_worker *worker = NULL;
    struct bus_conf conf = conf_with("coding", in_data("keys/bus/claims"));
    const int before = recorded("worker.name");
    struct bus_job job;
    struct err err = { 0 };

    (void) state;
    assert_int_equal(bus_worker_create(&conf, 16, &worker, &err), ERR_OK);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(
            calls(conf_with("gateway", in_data("keys/bus/gateway")), "coding", "Common.Ping", &err),
            ERR_OK);
        assert_false(bus_worker_recv(worker, 10, &job));
    }
    EVENTUALLY(recorded("worker.name") > before);
}

static void
a_call_that_is_not_granted_is_refused_and_audited(void **state)
{
    const int before = recorded("call.forbidden");
    struct err err = { 0 };

    (void) state;
    /* The gateway may not read a service's event log, nor claims ask identity for principals. */
    assert_int_equal(calls(conf_with("gateway", in_data("keys/bus/gateway")), "claims",
                           "Common.ReadEvents", &err),
                     ERR_FORBIDDEN);
    assert_int_equal(
        calls(conf_with("claims", in_data("keys/bus/claims")), "identity", "ResumeSession", &err),
        ERR_FORBIDDEN);
    assert_int_equal(
        calls(conf_with("claims", in_data("keys/bus/claims")), "identity", "ResolveTenant", &err),
        ERR_FORBIDDEN);
    EVENTUALLY(recorded("call.forbidden") > before);
}

/* A principal that says system administrator, signed by the key in a file. */
static err_t
speaks_as_administrator(const char *key, int64_t issued_us, bool tampered, struct err *err)
{
    static const char domain[] = "huzhu principal v1"; /* with its NUL */
    OWNED(signer_destroy) struct signer *signer = NULL;
    uint8_t packed[512], text[sizeof domain + 512], signature[SIGNATURE_BYTES], whole[1024];
    struct id account = id_mint(clock_now()), session = id_mint(clock_now());
    Bus__Principal principal = BUS__PRINCIPAL__INIT;
    Bus__SignedPrincipal sealed = BUS__SIGNED_PRINCIPAL__INIT;

    assert_int_equal(signer_load(key, &signer, err), ERR_OK);
    principal.account_id = (ProtobufCBinaryData){ sizeof account.bytes, account.bytes };
    principal.session_id = (ProtobufCBinaryData){ sizeof session.bytes, session.bytes };
    principal.roles = UINT32_C(1) << HUZHU__ROLE__NAME__SYSTEM_ADMIN;
    principal.issued_us = issued_us;
    principal.expires_us = issued_us + 300 * US_PER_SECOND;
    const size_t size = bus__principal__pack(&principal, packed);
    memcpy(text, domain, sizeof domain);
    memcpy(text + sizeof domain, packed, size);
    assert_int_equal(signer_sign(signer, text, sizeof domain + size, signature, err), ERR_OK);
    signature[0] ^= tampered;
    sealed.principal = (ProtobufCBinaryData){ size, packed };
    sealed.key_id = (char *) signer_key_id(signer);
    sealed.signature = (ProtobufCBinaryData){ sizeof signature, signature };
    const size_t whole_size = bus__signed_principal__pack(&sealed, whole);
    return calls_for(conf_with("gateway", in_data("keys/bus/gateway")), "identity", "ListTenants",
                     (ProtobufCBinaryData){ whole_size, whole }, err);
}

static void
a_principal_is_believed_when_identity_signed_it_and_while_it_is_young(void **state)
{
    char ours[PLATFORM_PATH_BYTES + 64], forged[PLATFORM_PATH_BYTES + 64];
    char command[512];
    const int64_t now_us = clock_now().us;
    struct err err = { 0 };

    (void) state;
    (void) snprintf(ours, sizeof ours, "%s", in_data("settings/ours"));
    (void) snprintf(forged, sizeof forged, "%s", in_data("settings/forged"));
    /* A key is taken from its own user alone: who can read it here copies it first. */
    (void) snprintf(command, sizeof command, "install -m 600 %s %s", in_data("keys/principal"),
                    ours);
    assert_int_equal(system(command), 0);
    assert_int_equal(signer_generate(forged, &err), ERR_OK);
    if (speaks_as_administrator(ours, now_us, false, &err) != ERR_OK)
        fail_msg("%s: %s", err.reason, err.text);
    assert_int_equal(speaks_as_administrator(ours, now_us, true, &err), ERR_UNAUTHENTICATED);
    assert_int_equal(speaks_as_administrator(forged, now_us, false, &err), ERR_UNAUTHENTICATED);
    assert_int_equal(speaks_as_administrator(ours, now_us - 301 * US_PER_SECOND, false, &err),
                     ERR_UNAUTHENTICATED);
    assert_int_equal(
        calls(conf_with("gateway", in_data("keys/bus/gateway")), "identity", "ListTenants", &err),
        ERR_UNAUTHENTICATED);
}

static void
the_platform_does_not_mind(void **state)
{
    (void) state;
    assert_true(is_ready(p));
}

static int
a_platform(void **state)
{
    (void) state;
    p = platform_up(1, NULL);
    administration_open(p, &admins);
    return 0;
}

static int
no_platform(void **state)
{
    (void) state;
    administration_close(&admins);
    platform_down(p);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_known_is_served),
        cmocka_unit_test(a_foreign_key_is_refused_and_audited),
        cmocka_unit_test(a_service_that_registers_as_another_gets_no_work_and_is_audited),
        cmocka_unit_test(a_call_that_is_not_granted_is_refused_and_audited),
        cmocka_unit_test(a_principal_is_believed_when_identity_signed_it_and_while_it_is_young),
        cmocka_unit_test(the_platform_does_not_mind),
    };
    return cmocka_run_group_tests(tests, a_platform, no_platform);
}
