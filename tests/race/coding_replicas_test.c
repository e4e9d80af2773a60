/* coding_replicas_test.c - the queue of stays with one, three and a killed process of huzhu-coding
 * behind a real broker, over one database.
 *
 * Goal: with one process a given load's queue grows, with three it drains; one killed -9 and a
 * coder who vanishes with stays in hand lose nothing; each stay is coded once.
 *
 * Method: six coders take and submit without pause; stays come at 1.6 times the rate that one
 * process (one thread) was just measured to do.  The test cluster does not wait for its disk, so a
 * deferred trigger on stored replies stands for it: a commit takes 8 ms, as on a small server's
 * disk.  Without it the two cores of a test machine, and not the processes, would be the limit. */
#include "coding_world.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "bus/bus.h"
#include "process.h"

enum { CODERS = 6, REPLICAS = 3 };

static char endpoint[160];
static pid_t broker, replicas[REPLICAS];
static struct id programme;

/* --- the processes --- */

static void
write_permissions(const char *path)
{
    FILE *out = fopen(path, "w");

    assert_non_null(out);
    (void) fputs("peer self gateway\npeer self coding\ncall gateway coding\n", out);
    assert_int_equal(fclose(out), 0);
}

static int
open_processes(void **state)
{
    char path[128];

    if (world_open(state) != 0)
        return -1;
    (void) snprintf(endpoint, sizeof endpoint, "ipc://%s/bus", keys_folder(w.keys));
    (void) snprintf(path, sizeof path, "%s/permissions", keys_folder(w.keys));
    write_permissions(path);
    setting("HUZHU_BROKER_ENDPOINTS", endpoint);
    setting("HUZHU_BROKER_PERMISSIONS", path);
    setting("HUZHU_BROKERS", endpoint);
    setting("HUZHU_PRINCIPAL_KEYS", keys_principals(w.keys));
    setting("HUZHU_MASTER_KEYS", keys_ring(w.keys));
    setting("HUZHU_WORKER_THREADS", "1");
    setting("HUZHU_LOG_LEVEL", "error");
    setting("HUZHU_CODING_DATABASE_URL", cluster_url(w.cluster, "huzhu_coding"));
    setting("HUZHU_CODING_SCHEME_FOLDER", w.folder);
    setting("HUZHU_CODING_LEASE", "2s");
    cluster_sql(w.cluster,
                "CREATE FUNCTION public.slow_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                "PERFORM pg_sleep(0.008); RETURN NULL; END $$; "
                "GRANT USAGE ON SCHEMA public TO huzhu_coding; "
                "CREATE CONSTRAINT TRIGGER slow_disk AFTER INSERT ON coding.reply DEFERRABLE "
                "INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.slow_disk()");
    broker = program_start(keys_folder(w.keys), "huzhu-broker", NULL);
    return 0;
}

static int
close_processes(void **state)
{
    for (size_t i = 0; i < REPLICAS; i++)
        (void) program_end(replicas[i], SIGTERM);
    (void) program_end(broker, SIGKILL);
    return world_close(state);
}

/* --- coders --- */

static atomic_bool coders_stop;
static atomic_int coded, failed;

struct coder {
    struct person person;
    struct bus_client *client;
    pthread_t thread;
    bool vanishes; /* takes and does not submit */
    int vanished_with;
};

/* The same request until it is answered: a process that dies takes no answer with it for good. */
static err_t
call_until_answered(struct coder *coder, const char *method, const ProtobufCMessage *in,
                    const char *key, const Bus__Answer **out)
{
    err_t code = ERR_UNAVAILABLE;

    for (int i = 0; i < 20; i++) {
        struct request_of *request = request_of(w.keys, &coder->person, method, in, key);
        struct err err;
        request->envelope.deadline_us = clock_now().us + 2 * US_PER_SECOND;
        code = bus_call(coder->client, "coding", &request->envelope, out, &err);
        if (code == ERR_OK)
            code = bus_err_from_code((*out)->code);
        request_free(request);
        if (!err_is_retryable(code))
            break;
    }
    return code;
}

static void
code_one(struct coder *coder, const Coding__Job *job, const char *key)
{
    struct id coding = id_mint(clock_now());
    Coding__SubmitCodingRequest in = CODING__SUBMIT_CODING_REQUEST__INIT;
    Coding__Coded what = CODING__CODED__INIT;
    Huzhu__Id coding_id = HUZHU__ID__INIT;
    char *diagnoses[] = { (char *) "J18.900" };
    const Bus__Answer *out;

    coding_id.value = (ProtobufCBinaryData){ 16, coding.bytes };
    what.code_set = CODING__CODE_SET__NAME__INSURANCE;
    what.diagnoses = diagnoses;
    what.n_diagnoses = 1;
    in.claim_id = job->claim_id;
    in.coding_id = &coding_id;
    in.coded = &what;
    if (call_until_answered(coder, "SubmitCoding", &in.base, key, &out) == ERR_OK)
        atomic_fetch_add(&coded, 1);
    else
        atomic_fetch_add(&failed, 1); /* the lease was over: somebody else has it */
}

static void *
codes_all_day(void *arg)
{
    struct coder *coder = arg;
    Coding__TakeJobRequest take = CODING__TAKE_JOB_REQUEST__INIT;
    char key[32];

    for (int n = 0; !atomic_load(&coders_stop); n++) {
        const Bus__Answer *out;
        (void) snprintf(key, sizeof key, "take%d", n);
        if (call_until_answered(coder, "TakeJob", &take.base, key, &out) != ERR_OK)
            continue;
        Coding__TakeJobReply *reply =
            coding__take_job_reply__unpack(NULL, out->body.len, out->body.data);
        (void) snprintf(key, sizeof key, "submit%d", n);
        if (!reply->job)
            (void) usleep(2000);
        else if (coder->vanishes)
            coder->vanished_with++; /* holds it, and says nothing more of it */
        else
            code_one(coder, reply->job, key);
        const bool ends = coder->vanishes && coder->vanished_with == 3;
        coding__take_job_reply__free_unpacked(reply, NULL);
        if (ends)
            break;
    }
    return NULL;
}

static void
starts_coding(struct coder *coder)
{
    const struct bus_conf conf = { endpoint, "gateway", "", "" };
    struct err err;

    coder->person = a_coder();
    assert_int_equal(bus_client_create(&conf, &coder->client, &err), ERR_OK);
    assert_int_equal(pthread_create(&coder->thread, NULL, codes_all_day, coder), 0);
}

static void
ends_coding(struct coder *coder)
{
    (void) pthread_join(coder->thread, NULL);
    bus_client_destroy(coder->client);
}

/* --- load --- */

static int came;

/* For so many seconds, evenly; the queue's length at the end. */
static int
stays_come(double per_second, double seconds)
{
    const int64_t from = clock_monotonic_us(), until = from + (int64_t) (seconds * 1e6);
    int sent = 0;

    for (int64_t now = from; now < until; now = clock_monotonic_us()) {
        const int due = (int) (per_second * (double) (now - from) / 1e6);
        for (; sent < due; sent++, came++)
            (void) a_claim(programme, 5);
        (void) usleep(5000);
    }
    return cluster_sql(w.cluster, "SELECT FROM coding.job WHERE state = 'WAITING'");
}

static void
a_replica_starts(size_t i)
{
    replicas[i] = program_start(keys_folder(w.keys), "huzhu-coding", NULL);
    (void) usleep(1500 * 1000); /* maps its schemes, prepares its statements, registers */
}

/* Rates are told, not asserted: on a machine that others use they are the others' as well.  The
 * invariants of the queue are what fails. */
static double
one_process_falls_behind(void)
{
    (void) stays_come(1000, 0.2); /* more than anybody can: what one process does */
    const int done = atomic_load(&coded);
    (void) stays_come(0, 2.0);
    const double one = (atomic_load(&coded) - done) / 2.0, load = one * 1.6;
    while (cluster_sql(w.cluster, "SELECT FROM coding.job WHERE state IN ('WAITING', 'TAKEN')") > 0)
        (void) usleep(50000);
    const int with_one = stays_come(load, 4.0);
    print_message("one process: %.0f stays/s done; at %.0f stays/s for 4 s its queue grew to %d\n",
                  one, load, with_one);
    assert_true(one > 0);
    return one;
}

static void
three_drain(double load)
{
    const int before = stays_come(1000, 0.15); /* while they started the queue ran empty */
    const int done = atomic_load(&coded);
    const int with_three = stays_come(load, 5.0);

    print_message(
        "three processes: %.0f stays/s done; at %.0f stays/s for 5 s the queue went from %d "
        "to %d%s\n",
        (atomic_load(&coded) - done) / 5.0, load, before, with_three,
        with_three < before ? "" : ": this machine is too busy to show three at work");
}

static void
one_process_falls_behind_three_drain_a_killed_one_loses_nothing(void **state)
{
    static struct coder coders[CODERS], vanishing = { .vanishes = true };

    (void) state;
    programme = a_programme((struct limits){ 0 });
    (void) a_frozen_table(programme, "");
    a_replica_starts(0);
    for (size_t i = 0; i < CODERS; i++)
        starts_coding(&coders[i]);

    const double one = one_process_falls_behind(), load = one * 1.6;
    a_replica_starts(1);
    a_replica_starts(2);
    three_drain(load);

    starts_coding(&vanishing); /* takes three and is never heard of again */
    (void) stays_come(1000, 0.1);
    ends_coding(&vanishing);
    assert_int_equal(vanishing.vanished_with, 3);
    (void) stays_come(load, 0.5);
    assert_int_equal(program_end(replicas[1], SIGKILL), 128 + SIGKILL);
    replicas[1] = 0;
    const int after_kill = stays_come(one, 2.0);
    for (int i = 0;
         i < 400 && cluster_sql(w.cluster, "SELECT FROM coding.job WHERE state <> 'CODED'") > 0;
         i++)
        (void) usleep(50000);
    atomic_store(&coders_stop, true);
    for (size_t i = 0; i < CODERS; i++)
        ends_coding(&coders[i]);
    const int leases_over = cluster_sql(
        w.cluster, "SELECT FROM coding.event WHERE topic = 'huzhu.coding.v1.JobReleased'");
    print_message(
        "one of three killed -9 (queue then %d), a coder vanished with 3: %d stays came, %d "
        "coded, %d released, %d submissions refused\n",
        after_kill, came, cluster_sql(w.cluster, "SELECT FROM coding.coded_stay"), leases_over,
        atomic_load(&failed));
    assert_int_equal(cluster_sql(w.cluster, "SELECT FROM coding.job WHERE state = 'CODED'"), came);
    assert_int_equal(cluster_sql(w.cluster, "SELECT FROM coding.coded_stay WHERE attempt = 1"),
                     came);
    assert_true(leases_over >= came + 3);
    assert_int_equal(cluster_broken_invariants(w.cluster), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_process_falls_behind_three_drain_a_killed_one_loses_nothing),
    };
    return cmocka_run_group_tests_name("race/coding_replicas", tests, open_processes,
                                       close_processes);
}
