/* intruders_test.c - inside the closed wire: who is not known stays out, who is known stays itself.
 *
 * Goal: a process with a foreign CURVE key, a service that registers as another one, and a call
 * that the table does not grant are refused, and the audit log says so. Method: this test is the
 * intruder, on the sockets of a real platform. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/bus.h"
#include "bus/bus_keys.h"
#include "eventually.h"
#include "id/id.h"
#include "platform.h"

static struct platform *p;

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

/* Calls an rpc as whoever conf says; gives what came of it. */
static err_t
calls(struct bus_conf conf, const char *service, const char *method, struct err *err)
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
    return bus_call(client, service, &envelope, &answer, err);
}

/* Refusals that audit has on record, of a kind. */
static int64_t
recorded(const char *kind)
{
    char sql[256];

    (void) snprintf(sql, sizeof sql,
                    "SELECT count(*) FROM audit.record WHERE topic LIKE '%%Refus%%' AND "
                    "encode(body, 'escape') LIKE '%%%s%%'",
                    kind);
    return counts(p, sql);
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
    const int64_t before = recorded("foreign_key");

    (void) state;
    assert_int_equal(bus_keys_generate(key, &err), ERR_OK);
    assert_int_not_equal(calls(conf_with("gateway", key), "claims", "Common.Ping", &err), ERR_OK);
    EVENTUALLY(recorded("foreign_key") > before);
}

static void
a_service_that_registers_as_another_gets_no_work_and_is_audited(void **state)
{
    OWNED(bus_worker_destroy) struct bus_worker *worker = NULL;
    struct bus_conf conf = conf_with("coding", in_data("keys/bus/claims"));
    const int64_t before = recorded("registration");
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
    EVENTUALLY(recorded("registration") > before);
}

static void
a_call_that_is_not_granted_is_refused_and_audited(void **state)
{
    const int64_t before = recorded("call");
    struct err err = { 0 };

    (void) state;
    /* The gateway may not read a service's event log, nor claims ask identity for principals. */
    assert_int_equal(calls(conf_with("gateway", in_data("keys/bus/gateway")), "claims",
                           "Common.ReadEvents", &err),
                     ERR_FORBIDDEN);
    assert_int_equal(
        calls(conf_with("claims", in_data("keys/bus/claims")), "identity", "ResumeSession", &err),
        ERR_FORBIDDEN);
    EVENTUALLY(recorded("call") > before);
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
    return 0;
}

static int
no_platform(void **state)
{
    (void) state;
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
        cmocka_unit_test(the_platform_does_not_mind),
    };
    return cmocka_run_group_tests(tests, a_platform, no_platform);
}
