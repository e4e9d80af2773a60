/* failover_test.c - the primary dies, a synchronous standby takes over, the service goes on: what
 * was acknowledged is there, once. */
#include "test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "caller.h"
#include "claims.pb-c.h"
#include "claims/claims.h"
#include "claims/service.h"
#include "cluster.h"

struct load {
    struct keys *keys;
    struct svc_thread *thread;
    atomic_bool stop;
    int sent, done;
};

static void *
write_all_the_time(void *arg)
{
    struct load *load = arg;
    const struct person member = a_person((struct id){ { 1 } }, ROLE_MEMBER);

    while (!atomic_load(&load->stop)) {
        Claims__WriteUploadRequest in = CLAIMS__WRITE_UPLOAD_REQUEST__INIT;
        Huzhu__Id wire = HUZHU__ID__INIT;
        struct id id = id_mint(clock_now());
        Bus__Answer answer;
        char key[32];

        wire.value = (ProtobufCBinaryData){ 16, id.bytes };
        in.upload_id = &wire;
        in.data = (ProtobufCBinaryData){ 14, (uint8_t *) "%PDF-1.7\n%%EOF" };
        in.last = true;
        (void) snprintf(key, sizeof key, "k%d", load->sent++);
        struct request_of *request = request_of(load->keys, &member, "WriteUpload", &in.base, key);
        svc_thread_answer(load->thread, "gateway", &request->envelope, &answer);
        load->done += answer.code == 0;
        request_free(request);
    }
    return NULL;
}

static void
acknowledged_writes_survive_the_death_of_the_primary(void **state)
{
    struct cluster *primary = cluster_start();
    struct keys *keys = keys_make();
    struct claims_conf own = { .upload_keep = 86400000 };
    struct runtime *rt;
    struct err err;
    pthread_t writer;
    char url[256];

    (void) state;
    log_open("failover_test", LOG_ERROR);
    assert_non_null(primary);
    assert_non_null(keys);
    assert_true(cluster_migrate(primary, &claims_service));
    struct cluster *standby = cluster_start_standby(primary);
    assert_non_null(standby);
    (void) snprintf(url, sizeof url,
                    "host=%s,%s dbname=huzhu user=huzhu_claims target_session_attrs=read-write",
                    cluster_socket_dir(primary), cluster_socket_dir(standby));
    const struct runtime_conf conf = { .database_url = url,
                                       .principal_keys = keys_principals(keys),
                                       .master_keys = keys_ring(keys),
                                       .worker_threads = 1 };
    struct load load = { .keys = keys };
    assert_int_equal(runtime_create(&claims_service, &conf, &own, &rt, &err), ERR_OK);
    assert_int_equal(svc_thread_create(rt, 5000, &load.thread, &err), ERR_OK);

    assert_int_equal(pthread_create(&writer, NULL, write_all_the_time, &load), 0);
    (void) usleep(500 * 1000);
    cluster_kill(primary);
    (void) usleep(100 * 1000);
    const bool promoted = cluster_promote(standby);
    const int at_failover = load.done;
    (void) usleep(1500 * 1000);
    atomic_store(&load.stop, true);
    (void) pthread_join(writer, NULL);

    assert_true(promoted);
    print_message("primary killed, standby promoted: %d sent, %d acknowledged, %d of them after\n",
                  load.sent, load.done, load.done - at_failover);
    assert_int_equal(load.done, load.sent);
    assert_true(load.done > at_failover);
    assert_int_equal(
        cluster_sql(standby, "SELECT FROM claims.upload WHERE finished_at IS NOT NULL"), load.done);
    assert_int_equal(
        cluster_sql(standby, "SELECT FROM claims.event WHERE topic LIKE '%CommandDone'"),
        load.done);
    assert_int_equal(cluster_broken_invariants(standby), 0);
    svc_thread_destroy(load.thread);
    runtime_destroy(rt);
    keys_remove(keys);
    cluster_stop(standby);
    cluster_stop(primary);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acknowledged_writes_survive_the_death_of_the_primary),
    };
    return cmocka_run_group_tests_name("failover", tests, NULL, NULL);
}
