/* load.c - people who go on working: threads of writers, readers and people signing in and out
 * through HTTPS.  A writer repeats a request that was not answered with the same idempotency key,
 * as a client should.  Afterwards the database is asked. */
#include "load.h"

#include "test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eventually.h"

enum {
    WRITERS = 3,
    READERS = 2,
    SIGNERS = 1,
    PEOPLE = WRITERS + READERS + SIGNERS,
    DEADLINE_MS = 10000, /* the gateway's own default */
    DEADLINE_SLACK_MS = 2000,
    PAUSE_MS = 5, /* between two requests of one person: the machine has work besides */
    SAMPLES_MAX = 200000,
    ACKNOWLEDGED_MAX = 40000,
};

const char load_settings[] = "gateway HUZHU_GATEWAY_SIGN_IN_RATE=100000\n"
                             "gateway HUZHU_GATEWAY_SIGN_IN_BURST=100000\n"
                             "gateway HUZHU_GATEWAY_ACCOUNT_RATE=100000\n"
                             "gateway HUZHU_GATEWAY_ACCOUNT_BURST=100000\n"
                             "gateway HUZHU_GATEWAY_ADDRESS_RATE=100000\n"
                             "gateway HUZHU_GATEWAY_ADDRESS_BURST=100000\n"
                             "identity HUZHU_IDENTITY_ARGON2_MEMORY_KIB=1024\n";

enum kind { WRITE, READ, SIGN_IN, KINDS };
static const char *const kind_names[] = { "writes", "reads", "sign-ins" };

struct sample {
    enum kind kind;
    int phase, status;
    int64_t us;
    char why[64];
};

static struct load {
    struct platform *platform;
    const struct misfortune *misfortunes;
    size_t count;
    struct administration platform_admins;
    struct township township;
    atomic_bool over;
    atomic_int phase;
    atomic_int used;
    struct sample samples[SAMPLES_MAX];
    atomic_int acknowledged_used;
    char acknowledged[ACKNOWLEDGED_MAX][37]; /* account ids whose making was answered 201 */
    int64_t events_before;
} load;

static void
note(enum kind kind, int phase, const struct answer *answer)
{
    const int at = atomic_fetch_add(&load.used, 1);

    if (at >= SAMPLES_MAX)
        return;
    struct sample *sample = &load.samples[at];
    *sample = (struct sample){ kind, phase, answer->status, answer->us, "" };
    (void) snprintf(sample->why, sizeof sample->why, "%.40s",
                    answer->failure[0] ? answer->failure : answer->reason);
}

static void
pauses(void)
{
    (void) nanosleep(&(const struct timespec){ .tv_nsec = PAUSE_MS * 1000000L }, NULL);
}

/* One account is made; the same request goes out again until it is answered for good. */
static void
writes_once(struct browser *b, int writer, int number)
{
    char id[37], key[37], login[48];

    (void) snprintf(id, sizeof id, "%s", mints());
    (void) snprintf(key, sizeof key, "%s", mints());
    (void) snprintf(login, sizeof login, "person-%d-%d", writer, number);
    for (bool answered = false; !answered;) {
        const int phase = load.phase;
        struct answer answer =
            asks(b, (struct ask){ .verb = "POST",
                                  .path = "/api/v1/accounts",
                                  .idempotency = key,
                                  .json = json_pack("{s:s, s:s, s:s}", "accountId", id, "loginName",
                                                    login, "displayName", "张三") });
        note(WRITE, phase, &answer);
        answered = answer.status == 201 || load.over;
        if (answer.status == 201) {
            const int at = atomic_fetch_add(&load.acknowledged_used, 1);
            if (at < ACKNOWLEDGED_MAX)
                memcpy(load.acknowledged[at], id, sizeof id);
        }
        answer_free(&answer);
        pauses();
    }
}

static void *
writer_works(void *arg)
{
    const int writer = *(const int *) arg;
    struct browser *b = browser_create(load.platform);
    char login[64];

    (void) snprintf(login, sizeof login, "xitong@%s", load.township.code);
    signs_in(b, login, TEST_PASSWORD);
    for (int number = 0; !load.over; number++)
        writes_once(b, writer, number);
    browser_destroy(b);
    return NULL;
}

static void *
reader_works(void *arg)
{
    struct browser *b = load.township.administration.who[*(const int *) arg];

    while (!load.over) {
        const int phase = load.phase;
        struct answer answer = gets(b, "/api/v1/accounts?pageSize=20");
        note(READ, phase, &answer);
        answer_free(&answer);
        pauses();
    }
    return NULL;
}

static void *
signer_works(void *arg)
{
    char login[64];

    (void) arg;
    (void) snprintf(login, sizeof login, "shenji@%s", load.township.code);
    while (!load.over) {
        struct browser *b = browser_create(load.platform);
        const int phase = load.phase;
        struct answer answer = posts(b, "/api/v1/sessions", "{s:s, s:s}", "loginName", login,
                                     "password", TEST_PASSWORD);
        note(SIGN_IN, phase, &answer);
        answer_free(&answer);
        browser_destroy(b);
        pauses();
    }
    return NULL;
}

static void
goes_by(int64_t ms)
{
    (void) nanosleep(
        &(const struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
}

static int
by_us(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;

    return (x > y) - (x < y);
}

struct tally {
    int ok[KINDS], again[KINDS], wrong;
    int64_t us_max, us_p50, us_p99;
};

static struct tally
tally_of(int phase)
{
    static int64_t times[SAMPLES_MAX];
    struct tally tally = { 0 };
    size_t count = 0;

    for (int i = 0; i < load.used; i++) {
        const struct sample *s = &load.samples[i];
        if (s->phase != phase)
            continue;
        times[count++] = s->us;
        if (s->status >= 200 && s->status < 300)
            tally.ok[s->kind]++;
        else if (s->status == 503 || s->status == 504)
            tally.again[s->kind]++;
        else
            tally.wrong++;
        if (s->status < 200 || s->status >= 300)
            print_message("    %s: %d %s after %lld ms\n", kind_names[s->kind], s->status, s->why,
                          (long long) (s->us / 1000));
    }
    qsort(times, count, sizeof *times, by_us);
    if (count > 0) {
        tally.us_p50 = times[count / 2];
        tally.us_p99 = times[count * 99 / 100];
        tally.us_max = times[count - 1];
    }
    return tally;
}

static void
the_load_was_served(void)
{
    int bad = 0;

    print_message("%-34s %7s %7s %8s %9s %6s %8s %8s %8s\n", "", "writes", "reads", "sign-ins",
                  "try again", "wrong", "p50 ms", "p99 ms", "max ms");
    for (size_t i = 0; i < load.count; i++) {
        const struct tally t = tally_of((int) i);
        const int again = t.again[WRITE] + t.again[READ] + t.again[SIGN_IN];
        print_message("%-34s %7d %7d %8d %9d %6d %8.1f %8.1f %8.1f\n", load.misfortunes[i].name,
                      t.ok[WRITE], t.ok[READ], t.ok[SIGN_IN], again, t.wrong,
                      (double) t.us_p50 / 1000, (double) t.us_p99 / 1000, (double) t.us_max / 1000);
        bad += t.wrong > 0 || (again > 0 && !load.misfortunes[i].may_fail) ||
               t.us_max > (DEADLINE_MS + DEADLINE_SLACK_MS) * INT64_C(1000) || t.ok[WRITE] == 0 ||
               t.ok[READ] == 0 || t.ok[SIGN_IN] == 0;
    }
    assert_int_equal(bad, 0);
    assert_true(load.used < SAMPLES_MAX && load.acknowledged_used < ACKNOWLEDGED_MAX);
}

static const char events_of_making[] = "SELECT count(*) FROM identity.event WHERE topic = "
                                       "'huzhu.identity.v1.AccountCreated'";

/* The ids that were acknowledged go into a table, and SQL says which are not there exactly once. */
static void
every_acknowledged_write_is_there_once(void)
{
    const struct platform *p = load.platform;
    char path[PLATFORM_PATH_BYTES], words[PLATFORM_PATH_BYTES + 64];

    (void) snprintf(path, sizeof path, "%s/acknowledged.sql", p->root);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    (void) fputs(
        "CREATE TABLE public.acknowledged (id uuid NOT NULL);\nCOPY public.acknowledged FROM "
        "stdin;\n",
        file);
    for (int i = 0; i < load.acknowledged_used; i++)
        (void) fprintf(file, "%s\n", load.acknowledged[i]);
    (void) fputs("\\.\n", file);
    assert_int_equal(fclose(file), 0);
    (void) snprintf(words, sizeof words, "psql -q -v ON_ERROR_STOP=1 -f - <%s", path);
    free(hz(p, NULL, words));

    const int64_t acknowledged = counts(p, "SELECT count(*) FROM public.acknowledged");
    const int64_t missing = counts(p, "SELECT count(*) FROM public.acknowledged a WHERE (SELECT "
                                      "count(*) FROM identity.account c WHERE c.account_id = a.id) "
                                      "<> 1");
    const int64_t made = counts(p, "SELECT count(*) FROM identity.account WHERE login_name LIKE "
                                   "'person-%'");
    const int64_t events = counts(p, events_of_making) - load.events_before;
    print_message("%lld writes acknowledged, %lld of them not there exactly once; %lld accounts, "
                  "%lld events of making one\n",
                  (long long) acknowledged, (long long) missing, (long long) made,
                  (long long) events);
    assert_int_equal(acknowledged, load.acknowledged_used);
    assert_int_equal(missing, 0);
    assert_int_equal(made, events);
    assert_true(made >= acknowledged && made <= acknowledged + WRITERS);
    free(hz(p, NULL, "psql -q -c 'DROP TABLE public.acknowledged'"));
}

/* Everybody works until the last misfortune is over. */
static void
misfortunes_happen(int64_t ms)
{
    static int numbers[PEOPLE];
    pthread_t people[PEOPLE];

    for (int i = 0; i < PEOPLE; i++) {
        numbers[i] = i < WRITERS ? i : (i - WRITERS) % 2; /* readers: SYSTEM and SECURITY */
        assert_int_equal(pthread_create(&people[i], NULL,
                                        i < WRITERS             ? writer_works
                                        : i < WRITERS + READERS ? reader_works
                                                                : signer_works,
                                        &numbers[i]),
                         0);
    }
    for (size_t i = 0; i < load.count; i++) {
        load.phase = (int) i;
        goes_by(300);
        load.misfortunes[i].happens(load.platform);
        goes_by(ms);
    }
    load.over = true;
    for (int i = 0; i < PEOPLE; i++)
        assert_int_equal(pthread_join(people[i], NULL), 0);
}

void
load_is_served(struct platform *p, const struct misfortune *misfortunes, size_t count, int64_t ms)
{
    const char *wish = getenv("HUZHU_CHAOS_SECONDS");

    load.platform = p;
    load.misfortunes = misfortunes;
    load.count = count;
    administration_open(p, &load.platform_admins);
    township_open(p, &load.platform_admins, "jingkou", &load.township);
    load.events_before = counts(p, events_of_making);
    misfortunes_happen(wish ? strtol(wish, NULL, 10) * 1000 : ms);
    the_load_was_served();
    every_acknowledged_write_is_there_once();
    administration_close(&load.township.administration);
    administration_close(&load.platform_admins);
}
