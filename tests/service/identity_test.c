/* Goal: identity as its callers meet it, from envelope to answer, on a real PostgreSQL.
 * Method: requests go through the runtime (svc_thread_answer) with the principals that identity
 * itself signed.  Time passes by moving the rows' instants back, not by waiting. */
#include "test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster.h"
#include "fault/fault.h"
#include "identity.pb-c.h"
#include "identity/commands.h"
#include "identity/identity.h"
#include "identity/service.h"
#include "messages.h"
#include "svc/runtime.h"

#define PASSWORD "Tiankong7-Daotian"
#define ADDRESS "192.0.2.7"

/* A release has no fault points. */
#ifdef HUZHU_FAULTS
#define NEEDS_FAULTS ((void) 0)
#else
#define NEEDS_FAULTS skip()
#endif

static struct cluster *cluster;
static struct runtime *rt;
static struct svc_thread *thread;
static char folder[] = "/tmp/huzhu-identity-XXXXXX";
static struct runtime_conf runtime_conf;
static struct identity_conf identity_conf;

/* --- who calls --- */

struct person {
    struct id tenant, account;
    uint8_t principal[1024];
    size_t size;
    char token[TOKEN_TEXT_BYTES], csrf[64];
    bool must_change;
};

struct answer {
    err_t code;
    char reason[48], path[96], etag[32];
    ProtobufCMessage *body; /* NULL unless it is a success */
};

static ProtobufCBinaryData
bytes_of(const struct id *id)
{
    return (ProtobufCBinaryData){ id_is_nil(*id) ? 0 : 16, (uint8_t *) id->bytes };
}

static struct answer
ask_with_key(const struct person *person, const char *rpc, const ProtobufCMessage *in,
             const char *key, const char *if_match)
{
    static struct answer answer;
    const ProtobufCMethodDescriptor *types =
        protobuf_c_service_descriptor_get_method_by_name(&identity__identity__descriptor, rpc);
    struct id request = id_mint(clock_now());
    uint8_t *body = malloc(protobuf_c_message_get_packed_size(in) + 1);
    Bus__Envelope envelope = BUS__ENVELOPE__INIT;
    Bus__Answer out;

    assert_non_null(types);
    envelope.request_id = bytes_of(&request);
    envelope.method = (char *) rpc;
    envelope.deadline_us = clock_now().us + 20 * US_PER_SECOND;
    envelope.idempotency_key = (char *) key;
    envelope.if_match = (char *) if_match;
    envelope.body = (ProtobufCBinaryData){ protobuf_c_message_pack(in, body), body };
    if (person) {
        envelope.tenant_id = bytes_of(&person->tenant);
        envelope.principal = (ProtobufCBinaryData){ person->size, (uint8_t *) person->principal };
    }
    svc_thread_answer(thread, "gateway", &envelope, &out);
    free(body);

    if (answer.body)
        protobuf_c_message_free_unpacked(answer.body, NULL);
    answer = (struct answer){ .code = bus_err_from_code(out.code) };
    (void) snprintf(answer.reason, sizeof answer.reason, "%s", out.reason);
    (void) snprintf(answer.path, sizeof answer.path, "%s", out.path);
    (void) snprintf(answer.etag, sizeof answer.etag, "%s", out.etag);
    if (answer.code == ERR_OK) {
        answer.body = protobuf_c_message_unpack(types->output, NULL, out.body.len, out.body.data);
        assert_non_null(answer.body);
    }
    return answer;
}

static struct answer
ask(const struct person *person, const char *rpc, const void *in)
{
    char key[ID_TEXT_BYTES];

    id_format(id_mint(clock_now()), key);
    return ask_with_key(person, rpc, in, key, "");
}

/* Asserts what the answer is; its body, if it is a success. */
static const void *
expect_at(int line, struct answer answer, err_t code, const char *reason)
{
    if (answer.code != code || strcmp(answer.reason, reason) != 0)
        fail_msg("line %d: %s \"%s\" at %s instead of %s \"%s\"", line, err_name(answer.code),
                 answer.reason, answer.path, err_name(code), reason);
    return answer.body;
}
#define EXPECT(answer, code, reason) expect_at(__LINE__, (answer), (code), (reason))
#define EXPECT_OK(answer) expect_at(__LINE__, (answer), ERR_OK, "")

static struct answer
try_sign_in(const char *login_name, const char *password, const char *address)
{
    Identity__SignInRequest in = IDENTITY__SIGN_IN_REQUEST__INIT;

    in.login_name = (char *) login_name;
    in.password = (char *) password;
    in.address = (char *) address;
    return ask_with_key(NULL, "SignIn", &in.base, "", "");
}

static struct person
person_of(const Identity__SignInReply *reply)
{
    struct person person = { .size = reply->principal.len,
                             .must_change = reply->must_change_password };

    assert_true(person.size > 0 && person.size <= sizeof person.principal);
    memcpy(person.principal, reply->principal.data, person.size);
    (void) snprintf(person.token, sizeof person.token, "%s", reply->session_token);
    (void) snprintf(person.csrf, sizeof person.csrf, "%s", reply->csrf_token);
    Bus__SignedPrincipal *outer =
        bus__signed_principal__unpack(NULL, person.size, person.principal);
    assert_non_null(outer);
    Bus__Principal *p = bus__principal__unpack(NULL, outer->principal.len, outer->principal.data);
    assert_non_null(p);
    memcpy(person.account.bytes, p->account_id.data, 16);
    if (p->tenant_id.len == 16)
        memcpy(person.tenant.bytes, p->tenant_id.data, 16);
    bus__principal__free_unpacked(p, NULL);
    bus__signed_principal__free_unpacked(outer, NULL);
    return person;
}

static struct person
signs_in(const char *login_name, const char *password)
{
    return person_of(EXPECT_OK(try_sign_in(login_name, password, ADDRESS)));
}

static struct answer
change_password(struct person *person, const char *old, const char *new)
{
    Identity__ChangePasswordRequest in = IDENTITY__CHANGE_PASSWORD_REQUEST__INIT;

    in.old_password = (char *) old;
    in.new_password = (char *) new;
    const struct answer answer = ask_with_key(person, "ChangePassword", &in.base, "", "");
    if (answer.code == ERR_OK) {
        const Identity__ChangePasswordReply *reply = (const void *) answer.body;
        person->size = reply->principal.len;
        memcpy(person->principal, reply->principal.data, person->size);
    }
    return answer;
}

static struct answer
resume(const char *token)
{
    Identity__ResumeSessionRequest in = IDENTITY__RESUME_SESSION_REQUEST__INIT;

    in.token = (char *) token;
    return ask_with_key(NULL, "ResumeSession", &in.base, "", "");
}

/* All instants of identity's rows move back: as if so much time had passed. */
static void
time_passes(const char *interval)
{
    char sql[1024];

    (void) snprintf(
        sql, sizeof sql,
        "UPDATE identity.name_guard SET last_failed_at = last_failed_at - interval '%1$s',"
        " locked_until = locked_until - interval '%1$s';"
        "UPDATE identity.address_guard SET last_failed_at = last_failed_at - interval '%1$s',"
        " locked_until = locked_until - interval '%1$s';"
        "UPDATE identity.session SET started_at = started_at - interval '%1$s',"
        " last_seen_at = last_seen_at - interval '%1$s', expires_at = expires_at - interval '%1$s';"
        "UPDATE identity.account SET password_changed_at = password_changed_at - interval '%1$s',"
        " one_time_until = one_time_until - interval '%1$s',"
        " last_signed_in_at = last_signed_in_at - interval '%1$s';"
        "UPDATE identity.api_token SET expires_at = expires_at - interval '%1$s'",
        interval);
    (void) cluster_sql(cluster, sql);
}

static int
count(const char *sql)
{
    return (int) strtol(cluster_ask(cluster, sql), NULL, 10);
}

static int
events(const char *name)
{
    char sql[160];

    (void) snprintf(sql, sizeof sql,
                    "SELECT count(*) FROM identity.event WHERE topic = 'huzhu.identity.v1.%s'",
                    name);
    return count(sql);
}

/* --- the world: a platform and a town, each with its three administrators --- */

static struct person system_admin, security_admin, audit_admin, platform_system, platform_security;
static struct id town;

static int
bootstrap(const char *const *words, size_t n, char passwords[3][ONE_TIME_BYTES])
{
    char *argv[12], line[200], path[80];
    struct call c;
    FILE *saved;
    int k = 0;

    (void) snprintf(path, sizeof path, "%s/bootstrap.out", folder);
    for (size_t i = 0; i < n; i++)
        argv[i] = (char *) words[i];
    argv[n] = NULL;
    arena_reset(thread->arena);
    call_init(&c, thread);
    trace_take(&c, NULL);
    c.caller = "operator";
    (void) fflush(stdout);
    saved = stdout;
    stdout = fopen(path, "w+");
    assert_non_null(stdout);
    const int status = identity_bootstrap(&c, (int) n, argv);
    rewind(stdout);
    while (k < 3 && fgets(line, sizeof line, stdout))
        (void) snprintf(passwords[k++], ONE_TIME_BYTES, "%.*s", 19, strrchr(line, '\t') + 1);
    (void) fclose(stdout);
    stdout = saved;
    return status;
}

/* One-time password in, own password out. */
static struct person
takes_office(const char *login_name, const char *one_time)
{
    struct person person = signs_in(login_name, one_time);

    assert_true(person.must_change);
    EXPECT_OK(change_password(&person, one_time, PASSWORD));
    return person;
}

static struct id
makes_account(const char *login_name)
{
    Identity__CreateAccountRequest in = IDENTITY__CREATE_ACCOUNT_REQUEST__INIT;
    const struct id id = id_mint(clock_now());

    in.account_id = wire(id);
    in.login_name = (char *) login_name;
    in.display_name = (char *) "王芳";
    EXPECT_OK(ask(&system_admin, "CreateAccount", &in));
    return id;
}

static struct answer
reset_password(const struct person *who, struct id id)
{
    Identity__ResetPasswordRequest in = IDENTITY__RESET_PASSWORD_REQUEST__INIT;

    in.account_id = wire(id);
    return ask_with_key(who, "ResetPassword", &in.base, "", "");
}

/* An account with a password of its own. */
static struct id
hires(const char *login_name)
{
    const struct id id = makes_account(login_name);
    const Identity__ResetPasswordReply *reply = EXPECT_OK(reset_password(&security_admin, id));
    char one_time[ONE_TIME_BYTES], full[100];

    (void) snprintf(one_time, sizeof one_time, "%s", reply->one_time_password);
    (void) snprintf(full, sizeof full, "%s@jingkou", login_name);
    (void) takes_office(full, one_time);
    return id;
}

static struct answer
grant(const struct person *who, struct id id, int role, const struct id *organisation)
{
    Identity__GrantRoleRequest in = IDENTITY__GRANT_ROLE_REQUEST__INIT;
    Huzhu__Id *ids[] = { organisation ? wire(*organisation) : NULL };

    in.account_id = wire(id);
    in.role = (Huzhu__Role__Name) role;
    in.organisation_ids = ids;
    in.n_organisation_ids = organisation ? 1 : 0;
    return ask(who, "GrantRole", &in);
}

static struct answer
revoke_role(const struct person *who, struct id id, int role)
{
    Identity__RevokeRoleRequest in = IDENTITY__REVOKE_ROLE_REQUEST__INIT;

    in.account_id = wire(id);
    in.role = (Huzhu__Role__Name) role;
    return ask(who, "RevokeRole", &in);
}

static struct answer
disable(const struct person *who, struct id id)
{
    Identity__DisableAccountRequest in = IDENTITY__DISABLE_ACCOUNT_REQUEST__INIT;

    in.account_id = wire(id);
    in.why = (char *) "left";
    return ask(who, "DisableAccount", &in);
}

/* Whether the principal says that its holder sees the whole tenant. */
static bool
sees_all(const uint8_t *principal, size_t size)
{
    Bus__SignedPrincipal *outer = bus__signed_principal__unpack(NULL, size, principal);
    Bus__Principal *p = bus__principal__unpack(NULL, outer->principal.len, outer->principal.data);
    const bool whole = p->whole_tenant;

    bus__principal__free_unpacked(p, NULL);
    bus__signed_principal__free_unpacked(outer, NULL);
    return whole;
}

static bool
sees_all_resumed(const Identity__ResumeSessionReply *reply)
{
    return sees_all(reply->principal.data, reply->principal.len);
}

static uint32_t
roles_in(const Identity__ResumeSessionReply *reply)
{
    Bus__SignedPrincipal *outer =
        bus__signed_principal__unpack(NULL, reply->principal.len, reply->principal.data);
    Bus__Principal *p = bus__principal__unpack(NULL, outer->principal.len, outer->principal.data);
    const uint32_t roles = p->roles;

    bus__principal__free_unpacked(p, NULL);
    bus__signed_principal__free_unpacked(outer, NULL);
    return roles;
}

static int
open_world(void **state)
{
    static char key[80], trusted[80], clock[80], master[80];
    struct signer *signer = NULL;
    struct err err = { 0 };

    (void) state;
    cluster = cluster_start();
    if (!cluster || !cluster_migrate(cluster, &identity_service) || !mkdtemp(folder))
        return -1;
    (void) snprintf(key, sizeof key, "%s/principal", folder);
    (void) snprintf(clock, sizeof clock, "%s/clock", folder);
    (void) snprintf(trusted, sizeof trusted, "%s/trusted", folder);
    (void) snprintf(master, sizeof master, "%s/master", folder);
    if (mkdir(master, 0700) != 0 || key_ring_generate(master, &err) != ERR_OK ||
        signer_generate(key, &err) != ERR_OK || signer_load(key, &signer, &err) != ERR_OK ||
        trusted_keys_add(trusted, signer, clock_now(), &err) != ERR_OK)
        return -1;
    signer_destroy(signer);
    (void) setenv("HUZHU_DATABASE_URL", cluster_url(cluster, "huzhu_identity"), 1);
    (void) setenv("HUZHU_PRINCIPAL_KEYS", trusted, 1);
    (void) setenv("HUZHU_MASTER_KEYS", master, 1);
    (void) setenv("HUZHU_BUSINESS_CLOCK", clock, 1);
    (void) setenv("HUZHU_IDENTITY_PRINCIPAL_KEY", key, 1);
    (void) setenv("HUZHU_IDENTITY_ARGON2_MEMORY_KIB", "64", 1);
    (void) setenv("HUZHU_IDENTITY_ARGON2_PASSES", "1", 1);
    (void) setenv("HUZHU_IDENTITY_SESSIONS_MAX", "3", 1);
    (void) setenv("HUZHU_IDENTITY_API_TOKENS_MAX", "2", 1);
    log_open("identity", LOG_ERROR);
    if (conf_load("identity", runtime_conf_rows, runtime_conf_row_count, &runtime_conf, stderr,
                  &err) != ERR_OK ||
        conf_load("identity", identity_service.conf_rows, identity_service.conf_row_count,
                  &identity_conf, stderr, &err) != ERR_OK ||
        runtime_create(&identity_service, &runtime_conf, &identity_conf, &rt, &err) != ERR_OK ||
        svc_thread_create(rt, 5000, &thread, &err) != ERR_OK) {
        print_error("%s %s\n", err.reason, err.text);
        return -1;
    }
    return 0;
}

static int
close_world(void **state)
{
    char command[64];

    (void) state;
    svc_thread_destroy(thread);
    runtime_destroy(rt);
    cluster_stop(cluster);
    (void) snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static int
settle_world(void **state)
{
    static const char *const of_town[] = { "bootstrap", "--tenant",   "jingkou",  "--name",
                                           "京口镇",    "--division", "321102001" };
    static const char *const of_platform[] = { "bootstrap" };
    char passwords[3][ONE_TIME_BYTES];

    (void) state;
    (void) cluster_sql(
        cluster, "SET client_min_messages = warning; TRUNCATE identity.account, identity.tenant, "
                 "identity.organisation,"
                 " identity.name_guard, identity.address_guard, identity.event, identity.reply"
                 " CASCADE");
    assert_int_equal(bootstrap(of_platform, COUNT(of_platform), passwords), 0);
    platform_system = takes_office("sysadmin@platform", passwords[0]);
    platform_security = takes_office("secadmin@platform", passwords[1]);
    assert_int_equal(bootstrap(of_town, COUNT(of_town), passwords), 0);
    system_admin = takes_office("sysadmin@jingkou", passwords[0]);
    security_admin = takes_office("secadmin@jingkou", passwords[1]);
    audit_admin = takes_office("auditadmin@jingkou", passwords[2]);
    town = system_admin.tenant;
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
    assert_true(svc_is_complete(&identity_service));
}

static void
a_second_bootstrap_is_refused(void **state)
{
    static const char *const again[] = { "bootstrap", "--tenant", "jingkou" };
    static const char *const unknown[] = { "bootstrap", "--tenant", "nowhere" };
    static const char *const wrong[] = { "bootstrap", "--tennant", "jingkou" };
    char passwords[3][ONE_TIME_BYTES];

    (void) state;
    const int before = count("SELECT count(*) FROM identity.account");
    assert_int_equal(bootstrap(again, COUNT(again), passwords), 1);
    assert_int_equal(bootstrap(again, 1, passwords), 1);
    assert_int_equal(bootstrap(unknown, COUNT(unknown), passwords), 1);
    assert_int_equal(bootstrap(wrong, COUNT(wrong), passwords), 2);
    assert_int_equal(count("SELECT count(*) FROM identity.account"), before);
    assert_int_equal(events("AdministratorsAppointed"), 2);
}

static void
wrong_names_and_wrong_passwords_are_told_alike(void **state)
{
    static const char *const names[] = { "sysadmin@jingkou", "nobody@jingkou", "sysadmin@nowhere",
                                         "sysadmin",         "系统@jingkou",   "" };

    (void) state;
    for (size_t i = 0; i < COUNT(names); i++)
        for (int k = 0; k < 2; k++)
            EXPECT(try_sign_in(names[i], "Wrong-Password-7", ADDRESS), ERR_UNAUTHENTICATED,
                   SIGN_IN_REFUSED);
    assert_int_equal(events("SignInFailed"), 2 * (int) COUNT(names));
    assert_int_equal(count("SELECT count(*) FROM identity.event WHERE encode(body, 'escape') LIKE "
                           "'%Wrong-Password%'"),
                     0);
}

/* From the digest of a sign-in's body a mistyped password could be guessed. */
static void
no_digest_of_a_refused_sign_in_is_kept(void **state)
{
    Identity__SignInRequest in = IDENTITY__SIGN_IN_REQUEST__INIT;
    uint8_t packed[256], sum[SHA256_BYTES];
    char sql[256], hex[2 * SHA256_BYTES + 1];

    (void) state;
    in.login_name = (char *) "sysadmin@jingkou";
    in.password = (char *) "Tiankong7-Daotia";
    in.address = (char *) ADDRESS;
    sha256(packed, identity__sign_in_request__pack(&in, packed), sum);
    for (size_t i = 0; i < sizeof sum; i++)
        (void) snprintf(hex + 2 * i, 3, "%02x", sum[i]);
    EXPECT(try_sign_in(in.login_name, in.password, in.address), ERR_UNAUTHENTICATED,
           SIGN_IN_REFUSED);
    assert_int_equal(count("SELECT count(*) FROM identity.event WHERE topic = "
                           "'huzhu.bus.v1.CommandRefused'"),
                     1);
    (void) snprintf(
        sql, sizeof sql,
        "SELECT count(*) FROM identity.event WHERE position('\\x%s'::bytea IN body) > 0", hex);
    assert_int_equal(count(sql), 0);
}

static int
by_size(const void *a, const void *b)
{
    const int64_t one = *(const int64_t *) a, other = *(const int64_t *) b;

    return (one > other) - (one < other);
}

/* Goal: how long a refusal takes does not tell whether the name exists.
 * Method: medians of interleaved tries at the cost of production.  They differ by a few percent;
 * without the hash for unknown names they would differ tenfold. */
static void
an_unknown_name_takes_as_long_as_a_wrong_password(void **state)
{
    static const char *const names[] = { "sysadmin@jingkou", "nobody@jingkou", "nobody@nowhere" };
    enum { TRIES = 21 };
    int64_t took_us[COUNT(names)][TRIES];
    struct identity_conf dear = identity_conf;
    struct svc_thread *cheap = thread, *own = NULL;
    struct runtime *dear_rt = NULL;
    char hash[PASSWORD_HASH_BYTES_MAX], sql[300];
    struct err err;

    (void) state;
    dear.argon2_memory_kib = 19456;
    dear.argon2_passes = 2;
    assert_int_equal(password_hash(PASSWORD, (struct password_cost){ 2, 19456, 1 }, hash, &err), 0);
    (void) snprintf(
        sql, sizeof sql,
        "UPDATE identity.account SET password_hash = '%s' WHERE login_name = 'sysadmin'", hash);
    (void) cluster_sql(cluster, sql);
    assert_int_equal(runtime_create(&identity_service, &runtime_conf, &dear, &dear_rt, &err), 0);
    assert_int_equal(svc_thread_create(dear_rt, 5000, &own, &err), ERR_OK);
    thread = own;
    for (int i = 0; i < TRIES; i++) {
        for (size_t n = 0; n < COUNT(names); n++) {
            (void) cluster_sql(cluster, "DELETE FROM identity.name_guard;"
                                        "DELETE FROM identity.address_guard");
            const int64_t began = clock_monotonic_us();
            const struct answer answer = try_sign_in(names[n], "Wrong-Password-7", ADDRESS);
            took_us[n][i] = clock_monotonic_us() - began;
            assert_string_equal(answer.reason, SIGN_IN_REFUSED);
        }
    }
    thread = cheap;
    svc_thread_destroy(own);
    runtime_destroy(dear_rt);
    for (size_t n = 0; n < COUNT(names); n++) {
        qsort(took_us[n], TRIES, sizeof took_us[n][0], by_size);
        print_message("%s: median %lld us\n", names[n], (long long) took_us[n][TRIES / 2]);
    }
    for (size_t n = 1; n < COUNT(names); n++) {
        assert_true(took_us[n][TRIES / 2] * 4 > took_us[0][TRIES / 2] * 3);
        assert_true(took_us[0][TRIES / 2] * 4 > took_us[n][TRIES / 2] * 3);
    }
}

static void
five_failures_lock_whoever_it_is(void **state)
{
    static const char *const names[] = { "sysadmin@jingkou", "nobody@jingkou", "nobody@nowhere" };

    (void) state;
    for (size_t n = 0; n < COUNT(names); n++) {
        for (int i = 0; i < 5; i++)
            EXPECT(try_sign_in(names[n], "Wrong-Password-7", ADDRESS), ERR_UNAUTHENTICATED,
                   SIGN_IN_REFUSED);
        EXPECT(try_sign_in(names[n], PASSWORD, ADDRESS), ERR_UNAUTHENTICATED, SIGN_IN_LOCKED);
    }
    assert_int_equal(events("SignInLocked"), 3);
    time_passes("29 minutes 30 seconds");
    EXPECT(try_sign_in("sysadmin@jingkou", PASSWORD, ADDRESS), ERR_UNAUTHENTICATED, SIGN_IN_LOCKED);
    time_passes("31 seconds");
    (void) signs_in("sysadmin@jingkou", PASSWORD);
    EXPECT(try_sign_in("nobody@jingkou", PASSWORD, ADDRESS), ERR_UNAUTHENTICATED, SIGN_IN_REFUSED);
}

static void
four_failures_do_not_lock_and_a_success_forgives_them(void **state)
{
    (void) state;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++)
            EXPECT(try_sign_in("sysadmin@jingkou", "Wrong-Password-7", ADDRESS),
                   ERR_UNAUTHENTICATED, SIGN_IN_REFUSED);
        (void) signs_in("sysadmin@jingkou", PASSWORD);
    }
}

static void
an_address_that_tries_many_names_is_locked_too(void **state)
{
    char name[32];

    (void) state;
    for (int i = 0; i < 50; i++) {
        (void) snprintf(name, sizeof name, "guess%d@jingkou", i);
        EXPECT(try_sign_in(name, "x", "198.51.100.1"), ERR_UNAUTHENTICATED, SIGN_IN_REFUSED);
    }
    EXPECT(try_sign_in("sysadmin@jingkou", PASSWORD, "198.51.100.1"), ERR_UNAUTHENTICATED,
           SIGN_IN_LOCKED);
    for (int i = 0; i < 50; i++) { /* every time another address of one customer */
        char address[64];
        (void) snprintf(name, sizeof name, "guess%d@jingkou", i + 50);
        (void) snprintf(address, sizeof address, "2001:db8:7:1::%x", i + 1);
        EXPECT(try_sign_in(name, "x", address), ERR_UNAUTHENTICATED, SIGN_IN_REFUSED);
    }
    EXPECT(try_sign_in("sysadmin@jingkou", PASSWORD, "2001:db8:7:1:aaaa::1"), ERR_UNAUTHENTICATED,
           SIGN_IN_LOCKED);
    EXPECT_OK(try_sign_in("sysadmin@jingkou", PASSWORD, "2001:db8:7:2::1"));
    (void) signs_in("sysadmin@jingkou", PASSWORD);
}

static void
the_security_administrator_unlocks(void **state)
{
    Identity__UnlockAccountRequest in = IDENTITY__UNLOCK_ACCOUNT_REQUEST__INIT;

    (void) state;
    in.account_id = wire(system_admin.account);
    EXPECT(ask(&security_admin, "UnlockAccount", &in), ERR_CONFLICT, ACCOUNT_NOT_LOCKED);
    for (int i = 0; i < 5; i++)
        EXPECT(try_sign_in("sysadmin@jingkou", "Wrong-Password-7", ADDRESS), ERR_UNAUTHENTICATED,
               SIGN_IN_REFUSED);
    EXPECT(ask(&system_admin, "UnlockAccount", &in), ERR_FORBIDDEN, "call.role");
    EXPECT_OK(ask(&security_admin, "UnlockAccount", &in));
    (void) signs_in("sysadmin@jingkou", PASSWORD);
    assert_int_equal(events("AccountUnlocked"), 1);
}

static void
a_one_time_password_must_be_changed_and_lasts_a_day(void **state)
{
    Identity__ListAccountsRequest list = IDENTITY__LIST_ACCOUNTS_REQUEST__INIT;
    const Identity__ResetPasswordReply *reply;
    char one_time[ONE_TIME_BYTES];

    (void) state;
    EXPECT(reset_password(&system_admin, security_admin.account), ERR_FORBIDDEN, "call.role");
    EXPECT(reset_password(&security_admin, security_admin.account), ERR_REFUSED, ACCOUNT_SELF);
    reply = EXPECT_OK(reset_password(&security_admin, system_admin.account));
    (void) snprintf(one_time, sizeof one_time, "%s", reply->one_time_password);
    EXPECT(resume(system_admin.token), ERR_UNAUTHENTICATED, SESSION_NONE);
    EXPECT(try_sign_in("sysadmin@jingkou", PASSWORD, ADDRESS), ERR_UNAUTHENTICATED,
           SIGN_IN_REFUSED);

    struct person person = signs_in("sysadmin@jingkou", one_time);
    assert_true(person.must_change);
    EXPECT(ask(&person, "ListAccounts", &list), ERR_FORBIDDEN, "call.role");
    EXPECT(change_password(&person, one_time, PASSWORD), ERR_INVALID, PASSWORD_USED);
    EXPECT_OK(change_password(&person, one_time, "Daotian8-Tiankong"));
    EXPECT_OK(ask(&person, "ListAccounts", &list));

    reply = EXPECT_OK(reset_password(&security_admin, system_admin.account));
    (void) snprintf(one_time, sizeof one_time, "%s", reply->one_time_password);
    time_passes("24 hours");
    EXPECT(try_sign_in("sysadmin@jingkou", one_time, ADDRESS), ERR_UNAUTHENTICATED,
           SIGN_IN_ONE_TIME_EXPIRED);
}

static void
a_password_is_changed_by_the_rules(void **state)
{
    struct person person = signs_in("sysadmin@jingkou", PASSWORD), nobody = { 0 };
    char text[32];

    (void) state;
    nobody.tenant = town;
    EXPECT(change_password(&nobody, PASSWORD, "Daotian8-Tiankong"), ERR_UNAUTHENTICATED,
           NOT_SIGNED_IN);
    EXPECT(change_password(&person, PASSWORD, "Daotian8-Tiankong"), ERR_REFUSED, PASSWORD_TOO_SOON);
    time_passes("1 hour"); /* the session is idle by now */
    person = signs_in("sysadmin@jingkou", PASSWORD);
    EXPECT(change_password(&person, "Wrong-Password-7", "Daotian8-Tiankong"), ERR_REFUSED,
           PASSWORD_WRONG);
    EXPECT(change_password(&person, PASSWORD, "Daotian8"), ERR_INVALID, PASSWORD_SHORT);
    EXPECT(change_password(&person, PASSWORD, PASSWORD), ERR_INVALID, PASSWORD_USED);

    /* Five others must lie between two uses of one password. */
    const char *old = PASSWORD;
    char last[32] = PASSWORD;
    for (int i = 0; i < 5; i++) {
        (void) snprintf(text, sizeof text, "Daotian-Nr-%d-Gold", i);
        EXPECT_OK(change_password(&person, last, text));
        (void) snprintf(last, sizeof last, "%s", text);
        time_passes("1 hour");
        person = signs_in("sysadmin@jingkou", last);
        EXPECT(change_password(&person, last, old), ERR_INVALID, PASSWORD_USED);
    }
    EXPECT_OK(change_password(&person, last, "Daotian-Nr-6-Gold"));
    time_passes("1 hour");
    person = signs_in("sysadmin@jingkou", "Daotian-Nr-6-Gold");
    EXPECT_OK(change_password(&person, "Daotian-Nr-6-Gold", old));
    /* A wrong old password counts like a wrong sign-in. */
    for (int i = 0; i < 5; i++)
        EXPECT(change_password(&person, "Wrong-Password-7", "x"), ERR_REFUSED, PASSWORD_WRONG);
    EXPECT(change_password(&person, old, "x"), ERR_UNAUTHENTICATED, SIGN_IN_LOCKED);
}

static void
a_password_of_ninety_days_opens_nothing_but_its_change(void **state)
{
    Identity__ListAccountsRequest list = IDENTITY__LIST_ACCOUNTS_REQUEST__INIT;
    Identity__GetMyselfRequest me = IDENTITY__GET_MYSELF_REQUEST__INIT;

    (void) state;
    time_passes("89 days 23 hours");
    assert_false(signs_in("sysadmin@jingkou", PASSWORD).must_change);
    time_passes("2 hours");
    struct person person = signs_in("sysadmin@jingkou", PASSWORD);
    assert_true(person.must_change);
    EXPECT(ask(&person, "ListAccounts", &list), ERR_FORBIDDEN, "call.role");
    EXPECT_OK(ask(&person, "GetMyself", &me));
    EXPECT_OK(change_password(&person, PASSWORD, "Daotian8-Tiankong"));
    EXPECT_OK(ask(&person, "ListAccounts", &list));
}

static void
sessions_end_idle_old_signed_out_and_by_a_new_password(void **state)
{
    Identity__SignOutRequest out = IDENTITY__SIGN_OUT_REQUEST__INIT;

    (void) state;
    struct person a = signs_in("sysadmin@jingkou", PASSWORD);
    const Identity__ResumeSessionReply *reply = EXPECT_OK(resume(a.token));
    assert_string_equal(reply->csrf_token, a.csrf);
    assert_int_equal(roles_in(reply), ROLE_SYSTEM_ADMIN);

    time_passes("29 minutes 50 seconds");
    EXPECT_OK(resume(a.token)); /* which is a use */
    time_passes("29 minutes 50 seconds");
    EXPECT_OK(resume(a.token));
    time_passes("30 minutes");
    EXPECT(resume(a.token), ERR_UNAUTHENTICATED, SESSION_IDLE);

    a = signs_in("sysadmin@jingkou", PASSWORD);
    for (int i = 0; i < 28; i++) {
        time_passes("25 minutes");
        EXPECT_OK(resume(a.token));
    }
    time_passes("25 minutes");
    EXPECT(resume(a.token), ERR_UNAUTHENTICATED, SESSION_EXPIRED);

    a = signs_in("sysadmin@jingkou", PASSWORD);
    EXPECT_OK(ask(&a, "SignOut", &out));
    EXPECT(resume(a.token), ERR_UNAUTHENTICATED, SESSION_NONE);
    assert_int_equal(events("SignedOut"), 1);

    a = signs_in("sysadmin@jingkou", PASSWORD);
    struct person b = signs_in("sysadmin@jingkou", PASSWORD);
    EXPECT_OK(change_password(&b, PASSWORD, "Daotian8-Tiankong"));
    EXPECT(resume(a.token), ERR_UNAUTHENTICATED, SESSION_NONE);
    EXPECT_OK(resume(b.token));
    /* A principal may outlive its session by minutes; a password is not changed with it. */
    EXPECT(change_password(&a, "Daotian8-Tiankong", "Daotian9-Tiankong"), ERR_UNAUTHENTICATED,
           SESSION_NONE);
}

static void
moves_business_time(int64_t offset_us)
{
    FILE *file = fopen(runtime_conf.business_clock, "we");

    assert_non_null(file);
    assert_true(fprintf(file, "%lld\n", (long long) offset_us) > 0);
    assert_int_equal(fclose(file), 0);
}

/* A rehearsal jumps a year on and back; who is signed in, locked out or has yet to change a
 * password is none of its business. */
static void
a_jump_of_business_time_touches_nothing_of_identity(void **state)
{
    Identity__ListAccountsRequest list = IDENTITY__LIST_ACCOUNTS_REQUEST__INIT;
    const int64_t year_us = INT64_C(366) * US_PER_DAY, jumps[] = { year_us, -year_us };
    struct person a = signs_in("sysadmin@jingkou", PASSWORD);

    (void) state;
    for (int i = 0; i < 5; i++)
        EXPECT(try_sign_in("auditadmin@jingkou", "Wrong-Password-7", ADDRESS), ERR_UNAUTHENTICATED,
               SIGN_IN_REFUSED);
    for (size_t i = 0; i < COUNT(jumps); i++) {
        moves_business_time(jumps[i]);
        EXPECT_OK(resume(a.token));
        EXPECT_OK(ask(&a, "ListAccounts", &list)); /* the principal of before */
        assert_false(signs_in("sysadmin@jingkou", PASSWORD).must_change);
        EXPECT(try_sign_in("auditadmin@jingkou", PASSWORD, ADDRESS), ERR_UNAUTHENTICATED,
               SIGN_IN_LOCKED);
        time_passes("31 minutes"); /* of the wall clock, these do end */
        EXPECT(resume(a.token), ERR_UNAUTHENTICATED, SESSION_IDLE);
        a = signs_in("sysadmin@jingkou", PASSWORD);
        for (int k = 0; k < 5; k++)
            (void) try_sign_in("auditadmin@jingkou", "Wrong-Password-7", ADDRESS);
    }
    assert_int_equal(count("SELECT count(*) FROM identity.session"
                           " WHERE abs(extract(epoch FROM now() - started_at)) > 86400"),
                     0);
    assert_int_equal(unlink(runtime_conf.business_clock), 0);
}

static void
a_token_that_is_not_exactly_ours_opens_nothing(void **state)
{
    struct person a = signs_in("sysadmin@jingkou", PASSWORD);
    char token[TOKEN_TEXT_BYTES + 8];

    (void) state;
    for (size_t i = 0; i < strlen(a.token); i += 5) {
        (void) snprintf(token, sizeof token, "%s", a.token);
        token[i] = token[i] == 'A' ? 'B' : 'A';
        EXPECT(resume(token), ERR_UNAUTHENTICATED, SESSION_NONE);
    }
    EXPECT(resume(""), ERR_UNAUTHENTICATED, SESSION_NONE);
    EXPECT(resume("hzs_"), ERR_UNAUTHENTICATED, SESSION_NONE);
    (void) snprintf(token, sizeof token, "%s", a.token);
    token[2] = 't'; /* the other kind of token */
    EXPECT(resume(token), ERR_UNAUTHENTICATED, SESSION_NONE);
    EXPECT_OK(resume(a.token));
    /* What the database keeps of it is no token. */
    assert_int_equal(
        count("SELECT count(*) FROM identity.session WHERE length(token_sha256) <> 32"), 0);
}

static void
a_fourth_session_ends_the_first(void **state)
{
    Identity__ListSessionsRequest list = IDENTITY__LIST_SESSIONS_REQUEST__INIT;
    struct person s[4];

    (void) state;
    (void) cluster_sql(cluster, "DELETE FROM identity.session");
    for (size_t i = 0; i < COUNT(s); i++)
        s[i] = signs_in("sysadmin@jingkou", PASSWORD);
    EXPECT(resume(s[0].token), ERR_UNAUTHENTICATED, SESSION_NONE);
    for (size_t i = 1; i < COUNT(s); i++)
        EXPECT_OK(resume(s[i].token));
    const Identity__ListSessionsReply *reply = EXPECT_OK(ask(&s[3], "ListSessions", &list));
    assert_int_equal(reply->n_sessions, 3);
    assert_false(reply->sessions[0]->current);
    assert_true(reply->sessions[2]->current);
}

static void
sessions_are_listed_and_revoked_by_their_owner_and_the_security_administrator(void **state)
{
    Identity__ListSessionsRequest list = IDENTITY__LIST_SESSIONS_REQUEST__INIT;
    Identity__RevokeSessionRequest in = IDENTITY__REVOKE_SESSION_REQUEST__INIT;
    const Identity__ListSessionsReply *reply;

    (void) state;
    const struct person a = signs_in("auditadmin@jingkou", PASSWORD);
    list.account_id = wire(a.account);
    EXPECT(ask(&system_admin, "ListSessions", &list), ERR_FORBIDDEN, "call.role");
    reply = EXPECT_OK(ask(&security_admin, "ListSessions", &list));
    assert_int_equal(reply->n_sessions, 2);
    in.session_id = wire(unwire(reply->sessions[1]->session_id));
    EXPECT(ask(&system_admin, "RevokeSession", &in), ERR_NOT_FOUND, SESSION_NONE);
    EXPECT_OK(ask(&security_admin, "RevokeSession", &in));
    EXPECT(resume(a.token), ERR_UNAUTHENTICATED, SESSION_NONE);
    EXPECT_OK(ask(&audit_admin, "RevokeSession", &in)); /* one's own, ended already */

    list.account_id = NULL;
    list.all = true;
    list.page_size = 2;
    size_t seen = 0;
    char page_token[64] = "";
    do {
        list.page_token = page_token;
        reply = EXPECT_OK(ask(&security_admin, "ListSessions", &list));
        assert_true(reply->n_sessions <= 2);
        seen += reply->n_sessions;
        (void) snprintf(page_token, sizeof page_token, "%s", reply->next_page_token);
    } while (page_token[0]);
    assert_int_equal(seen, 3);
    list.page_size = 501;
    EXPECT(ask(&security_admin, "ListSessions", &list), ERR_INVALID, PAGE_SIZE);
    list.page_size = 500;
    list.page_token = (char *) "nonsense";
    EXPECT(ask(&security_admin, "ListSessions", &list), ERR_INVALID, PAGE_TOKEN);
}

static void
accounts_are_made_by_one_and_opened_by_another(void **state)
{
    Identity__CreateAccountRequest in = IDENTITY__CREATE_ACCOUNT_REQUEST__INIT;
    Identity__EnableAccountRequest enable = IDENTITY__ENABLE_ACCOUNT_REQUEST__INIT;
    Identity__GetAccountRequest get = IDENTITY__GET_ACCOUNT_REQUEST__INIT;

    (void) state;
    const struct id id = makes_account("wang.fang");
    EXPECT(try_sign_in("wang.fang@jingkou", "", ADDRESS), ERR_UNAUTHENTICATED, SIGN_IN_REFUSED);
    in.account_id = wire(id);
    in.login_name = (char *) "wang.fang2@jingkou";
    in.display_name = (char *) "王芳";
    EXPECT(ask(&security_admin, "CreateAccount", &in), ERR_FORBIDDEN, "call.role");
    EXPECT(ask(&system_admin, "CreateAccount", &in), ERR_CONFLICT, ACCOUNT_EXISTS);
    in.account_id = wire(id_mint(clock_now()));
    in.login_name = (char *) "Wang.Fang";
    EXPECT(ask(&system_admin, "CreateAccount", &in), ERR_CONFLICT, LOGIN_NAME_TAKEN);
    in.login_name = (char *) "li.na@elsewhere";
    EXPECT(ask(&system_admin, "CreateAccount", &in), ERR_REFUSED, LOGIN_NAME_TENANT);
    in.login_name = (char *) "-";
    EXPECT(ask(&system_admin, "CreateAccount", &in), ERR_INVALID, LOGIN_NAME_FORM);
    in.display_name = (char *) "";
    EXPECT(ask(&system_admin, "CreateAccount", &in), ERR_INVALID, NAME_FORM);

    EXPECT_OK(reset_password(&security_admin, id));
    EXPECT_OK(disable(&system_admin, id));
    EXPECT(disable(&system_admin, id), ERR_CONFLICT, ACCOUNT_MOVED_ON);
    EXPECT(reset_password(&security_admin, id), ERR_CONFLICT, ACCOUNT_MOVED_ON);
    EXPECT(disable(&system_admin, system_admin.account), ERR_REFUSED, ACCOUNT_SELF);
    EXPECT(disable(&system_admin, id_mint(clock_now())), ERR_NOT_FOUND, ACCOUNT_NONE);
    enable.account_id = wire(id);
    EXPECT_OK(ask(&system_admin, "EnableAccount", &enable));
    get.account_id = wire(id);
    const Identity__GetAccountReply *reply = EXPECT_OK(ask(&system_admin, "GetAccount", &get));
    assert_int_equal(reply->account->state, IDENTITY__ACCOUNT__STATE__NEW);
    assert_string_equal(reply->account->login_name, "wang.fang@jingkou");
    assert_int_equal(events("AccountDisabled"), 1);
    assert_int_equal(events("AccountEnabled"), 1);
}

static void
a_disabled_account_is_out_at_once(void **state)
{
    (void) state;
    const struct id id = hires("wang.fang");
    const struct person person = signs_in("wang.fang@jingkou", PASSWORD);

    EXPECT_OK(disable(&security_admin, id));
    EXPECT(resume(person.token), ERR_UNAUTHENTICATED, SESSION_NONE);
    EXPECT(try_sign_in("wang.fang@jingkou", PASSWORD, ADDRESS), ERR_UNAUTHENTICATED,
           SIGN_IN_REFUSED);
}

/* The principal that the session stands for at this moment. */
static uint32_t
principal_of(const struct person *person, uint32_t *roles)
{
    const Identity__ResumeSessionReply *reply = EXPECT_OK(resume(person->token));
    Bus__SignedPrincipal *outer =
        bus__signed_principal__unpack(NULL, reply->principal.len, reply->principal.data);
    Bus__Principal *p = bus__principal__unpack(NULL, outer->principal.len, outer->principal.data);
    const uint32_t clearance = p->clearance;

    *roles = p->roles;
    bus__principal__free_unpacked(p, NULL);
    bus__signed_principal__free_unpacked(outer, NULL);
    return clearance;
}

static struct answer
records_nda(const struct person *who, struct id account, int signed_ago, int expires_in)
{
    Identity__RecordNdaRequest in = IDENTITY__RECORD_NDA_REQUEST__INIT;
    Huzhu__Date from = HUZHU__DATE__INIT, until = HUZHU__DATE__INIT;

    from.days = date_of(clock_now()).days - signed_ago;
    until.days = date_of(clock_now()).days + expires_in;
    in.account_id = wire(account);
    in.nda_id = wire(id_mint(clock_now()));
    in.signed_on = &from;
    in.expires_on = &until;
    return ask(who, "RecordNda", &in);
}

static void
req_6_2_2c3_a_coder_opens_nothing_without_an_undertaking(void **state)
{
    Identity__ListNdasRequest list = IDENTITY__LIST_NDAS_REQUEST__INIT;
    uint32_t roles = 0;

    (void) state;
    const struct id coder = hires("bian.ma"), clerk = hires("cun.wei");
    EXPECT_OK(grant(&security_admin, coder, HUZHU__ROLE__NAME__CODER, NULL));
    EXPECT_OK(grant(&security_admin, clerk, HUZHU__ROLE__NAME__VILLAGE_CLERK, NULL));
    const struct person codes = signs_in("bian.ma@jingkou", PASSWORD);
    const struct person files = signs_in("cun.wei@jingkou", PASSWORD);
    assert_int_equal(principal_of(&codes, &roles), 0);
    assert_int_equal(roles, ROLE_CODER);
    assert_int_equal(principal_of(&files, &roles), LABEL_IDENTITY | LABEL_HEALTH | LABEL_MONEY);

    EXPECT(records_nda(&system_admin, coder, 0, 1), ERR_FORBIDDEN, "call.role");
    EXPECT(records_nda(&security_admin, security_admin.account, 0, 1), ERR_REFUSED, ACCOUNT_SELF);
    EXPECT(records_nda(&security_admin, coder, -1, 1), ERR_INVALID, NDA_DATES);
    EXPECT(records_nda(&security_admin, coder, 1, -2), ERR_INVALID, NDA_DATES);
    EXPECT(records_nda(&security_admin, id_mint(clock_now()), 1, 1), ERR_NOT_FOUND, ACCOUNT_NONE);
    EXPECT_OK(records_nda(&security_admin, coder, 10, -1)); /* over since yesterday */
    assert_int_equal(principal_of(&codes, &roles), 0);
    EXPECT_OK(records_nda(&security_admin, coder, 0, 0)); /* holds today, to the last */
    assert_int_equal(principal_of(&codes, &roles), LABEL_HEALTH);
    list.account_id = wire(coder);
    const Identity__ListNdasReply *reply = EXPECT_OK(ask(&security_admin, "ListNdas", &list));
    assert_int_equal(reply->n_ndas, 2);
    assert_int_equal(events("NdaRecorded"), 2);
}

static void
req_6_2_2c3_a_grant_drops_out_when_its_time_is_over(void **state)
{
    Identity__GrantRoleRequest in = IDENTITY__GRANT_ROLE_REQUEST__INIT;
    Huzhu__Instant until = HUZHU__INSTANT__INIT;
    struct svc_thread *duty_thread_ = NULL;
    uint32_t roles = 0;
    struct err err;

    (void) state;
    in.account_id = wire(hires("lin.shi"));
    in.role = HUZHU__ROLE__NAME__TOWNSHIP_OFFICER;
    in.until = &until;
    until.us = clock_now().us - 1;
    EXPECT(ask(&security_admin, "GrantRole", &in), ERR_INVALID, GRANT_UNTIL);
    until.us = clock_now().us + 3600 * US_PER_SECOND;
    in.role = HUZHU__ROLE__NAME__AUDIT_ADMIN;
    EXPECT(ask(&security_admin, "GrantRole", &in), ERR_INVALID, GRANT_UNTIL);
    in.role = HUZHU__ROLE__NAME__TOWNSHIP_OFFICER;
    EXPECT_OK(ask(&security_admin, "GrantRole", &in));
    const struct person officer = signs_in("lin.shi@jingkou", PASSWORD);
    (void) principal_of(&officer, &roles);
    assert_int_equal(roles, ROLE_TOWNSHIP_OFFICER);
    (void) cluster_sql(cluster, "UPDATE identity.role_grant SET until = now() - interval '1 s' "
                                "WHERE until IS NOT NULL");
    assert_int_equal(principal_of(&officer, &roles), 0);
    assert_int_equal(roles, 0);
    /* The duty then revokes it for good, and says so. */
    assert_int_equal(svc_thread_create(rt, 5000, &duty_thread_, &err), ERR_OK);
    duty_thread_->is_duty = true;
    for (size_t i = 0; i < identity_service.duty_count; i++)
        if (strcmp(identity_service.duties[i].name, "end_grants") == 0)
            assert_int_equal(duty_run(duty_thread_, &identity_service.duties[i], &err), ERR_OK);
    svc_thread_destroy(duty_thread_);
    assert_int_equal(count("SELECT count(*) FROM identity.role_grant WHERE until IS NOT NULL"), 0);
    assert_int_equal(events("RoleRevoked"), 1);
}

/* Both ways round, and over a second account of the same person (6.2.2 a). */
static void
req_6_2_2a_forbidden_pairs_are_refused(void **state)
{
    static const struct {
        int one, other;
    } pairs[] = {
        { HUZHU__ROLE__NAME__CODER, HUZHU__ROLE__NAME__APPROVER },
        { HUZHU__ROLE__NAME__CODER, HUZHU__ROLE__NAME__REVIEWER },
        { HUZHU__ROLE__NAME__CODER, HUZHU__ROLE__NAME__PAYER },
        { HUZHU__ROLE__NAME__CODER, HUZHU__ROLE__NAME__TOWNSHIP_OFFICER },
        { HUZHU__ROLE__NAME__REVIEWER, HUZHU__ROLE__NAME__TOWNSHIP_OFFICER },
        { HUZHU__ROLE__NAME__REVIEWER, HUZHU__ROLE__NAME__VILLAGE_CLERK },
        { HUZHU__ROLE__NAME__TOWNSHIP_OFFICER, HUZHU__ROLE__NAME__PAYER },
        { HUZHU__ROLE__NAME__PAYER, HUZHU__ROLE__NAME__APPROVER },
        { HUZHU__ROLE__NAME__AUDITOR, HUZHU__ROLE__NAME__TOWNSHIP_OFFICER },
        { HUZHU__ROLE__NAME__SYSTEM_ADMIN, HUZHU__ROLE__NAME__CODER },
    };

    (void) state;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        char name[16];
        (void) snprintf(name, sizeof name, "a%zu", i);
        const struct id id = hires(name);
        EXPECT_OK(grant(&security_admin, id, pairs[i].one, NULL));
        EXPECT(grant(&security_admin, id, pairs[i].other, NULL), ERR_REFUSED, ROLE_FORBIDDEN_PAIR);
        EXPECT_OK(revoke_role(&security_admin, id, pairs[i].one));
        EXPECT_OK(grant(&security_admin, id, pairs[i].other, NULL));
        EXPECT(grant(&security_admin, id, pairs[i].one, NULL), ERR_REFUSED, ROLE_FORBIDDEN_PAIR);
    }
}

static bool
is_told_of(struct id account)
{
    Identity__ListRevocationsRequest in = IDENTITY__LIST_REVOCATIONS_REQUEST__INIT;
    bool told = false;

    in.within_ms = 60000;
    const Identity__ListRevocationsReply *reply = EXPECT_OK(ask(NULL, "ListRevocations", &in));
    assert_false(reply->more);
    for (size_t i = 0; i < reply->n_revocations; i++) {
        assert_true(reply->revocations[i]->age_us >= 0);
        told = told || id_cmp(unwire(reply->revocations[i]->account_id), account) == 0;
    }
    (void) cluster_sql(cluster, "DELETE FROM identity.revocation");
    return told;
}

/* Every way of losing something is told to the gateways, whichever handler it went through. */
static void
gateways_are_told_what_ended(void **state)
{
    Identity__ListRevocationsRequest in = IDENTITY__LIST_REVOCATIONS_REQUEST__INIT;
    Identity__CreateApiTokenRequest make = IDENTITY__CREATE_API_TOKEN_REQUEST__INIT;
    Identity__RevokeApiTokenRequest out = IDENTITY__REVOKE_API_TOKEN_REQUEST__INIT;
    Identity__SignOutRequest sign_out = IDENTITY__SIGN_OUT_REQUEST__INIT;

    (void) state;
    EXPECT(ask(NULL, "ListRevocations", &in), ERR_INVALID, "field.range");
    in.within_ms = 60001;
    EXPECT(ask(NULL, "ListRevocations", &in), ERR_INVALID, "field.range");
    const struct id id = hires("wang.fang");
    (void) is_told_of(id);

    struct person person = signs_in("wang.fang@jingkou", PASSWORD);
    assert_false(is_told_of(id));
    EXPECT_OK(grant(&security_admin, id, 2, NULL));
    assert_true(is_told_of(id));
    EXPECT_OK(revoke_role(&security_admin, id, 2));
    assert_true(is_told_of(id));
    make.api_token_id = out.api_token_id = wire(id_mint(clock_now()));
    make.label = (char *) "report";
    make.days = 1;
    EXPECT_OK(ask(&audit_admin, "CreateApiToken", &make));
    assert_false(is_told_of(audit_admin.account));
    EXPECT_OK(ask(&audit_admin, "RevokeApiToken", &out));
    assert_true(is_told_of(audit_admin.account));
    EXPECT_OK(ask(&person, "SignOut", &sign_out));
    assert_true(is_told_of(id));
    (void) signs_in("wang.fang@jingkou", PASSWORD);
    EXPECT_OK(reset_password(&security_admin, id));
    assert_true(is_told_of(id));
    EXPECT_OK(disable(&system_admin, id));
    assert_true(is_told_of(id));
    assert_false(is_told_of(id));
}

static void
roles_follow_pairs_scopes_and_offices(void **state)
{
    struct id village = id_mint(clock_now()), other_village = id_mint(clock_now());
    Identity__CreateOrganisationRequest make = IDENTITY__CREATE_ORGANISATION_REQUEST__INIT;
    Identity__GetMyselfRequest me = IDENTITY__GET_MYSELF_REQUEST__INIT;

    (void) state;
    const Identity__GetMyselfReply *mine = EXPECT_OK(ask(&system_admin, "GetMyself", &me));
    const struct id root = unwire(mine->tenant->organisation_id);
    make.parent_id = wire(root);
    make.level = IDENTITY__ORGANISATION__LEVEL__VILLAGE;
    make.division_code = (char *) "321102001201";
    make.organisation_id = wire(village);
    make.name = (char *) "前村";
    EXPECT_OK(ask(&system_admin, "CreateOrganisation", &make));
    make.organisation_id = wire(other_village);
    make.name = (char *) "后村";
    EXPECT_OK(ask(&system_admin, "CreateOrganisation", &make));

    const struct id id = hires("wang.fang");
    struct person person = signs_in("wang.fang@jingkou", PASSWORD);
    EXPECT(grant(&system_admin, id, 2, NULL), ERR_FORBIDDEN, "call.role");
    EXPECT(grant(&security_admin, security_admin.account, 2, NULL), ERR_REFUSED, ACCOUNT_SELF);
    EXPECT(grant(&security_admin, id, 30, NULL), ERR_INVALID, ROLE_UNKNOWN);
    EXPECT(grant(&security_admin, id, 2, &system_admin.account), ERR_REFUSED, ORGANISATION_OUTSIDE);
    EXPECT_OK(grant(&security_admin, id, 2, &village));
    EXPECT(grant(&security_admin, id, 2, &village), ERR_CONFLICT, ROLE_HELD);
    EXPECT(grant(&security_admin, id, 4, &village), ERR_REFUSED, ROLE_FORBIDDEN_PAIR);
    EXPECT(grant(&security_admin, id, 12, NULL), ERR_REFUSED, ROLE_FORBIDDEN_PAIR);
    EXPECT(grant(&security_admin, id, 3, &other_village), ERR_REFUSED, ROLE_SCOPE_DIFFERS);
    EXPECT_OK(grant(&security_admin, id, 3, &village));
    assert_int_equal(roles_in(EXPECT_OK(resume(person.token))),
                     ROLE_VILLAGE_CLERK | ROLE_TOWNSHIP_OFFICER);
    EXPECT_OK(revoke_role(&security_admin, id, 3));
    assert_int_equal(roles_in(EXPECT_OK(resume(person.token))), ROLE_VILLAGE_CLERK);
    EXPECT(revoke_role(&security_admin, id, 3), ERR_CONFLICT, ROLE_NOT_HELD);

    EXPECT(revoke_role(&security_admin, system_admin.account, 11), ERR_REFUSED, ACCOUNT_LAST);
    EXPECT(disable(&security_admin, audit_admin.account), ERR_REFUSED, ACCOUNT_LAST);
    const struct id second = hires("second.admin");
    EXPECT_OK(grant(&security_admin, second, 11, NULL));
    EXPECT_OK(revoke_role(&security_admin, system_admin.account, 11));
    /* Whoever lost the office is refused at once, though the principal still names it. */
    EXPECT(ask(&system_admin, "CreateOrganisation", &make), ERR_FORBIDDEN, "call.role");

    EXPECT(grant(&platform_security, platform_system.account, 2, NULL), ERR_REFUSED, ROLE_PLATFORM);
    assert_int_equal(events("RoleGranted"), 6 + 3);
    assert_int_equal(events("RoleRevoked"), 2);
}

/* Both sides of the scope: a village, several organisations with the tenant's own among them, none
 * named, the platform; by every way to a principal. */
static void
whole_tenants_are_seen_by_who_was_granted_them(void **state)
{
    Identity__CreateOrganisationRequest make = IDENTITY__CREATE_ORGANISATION_REQUEST__INIT;
    Identity__GetMyselfRequest me = IDENTITY__GET_MYSELF_REQUEST__INIT;
    const struct id village = id_mint(clock_now());

    (void) state;
    const Identity__GetMyselfReply *mine = EXPECT_OK(ask(&system_admin, "GetMyself", &me));
    const struct id root = unwire(mine->tenant->organisation_id);
    make.parent_id = wire(root);
    make.level = IDENTITY__ORGANISATION__LEVEL__VILLAGE;
    make.division_code = (char *) "321102001201";
    make.organisation_id = wire(village);
    make.name = (char *) "前村";
    EXPECT_OK(ask(&system_admin, "CreateOrganisation", &make));

    const struct id clerk = hires("clerk"), officer = hires("officer"), both = hires("both");
    EXPECT_OK(grant(&security_admin, clerk, 2, &village));
    EXPECT_OK(grant(&security_admin, officer, 3, NULL));
    Identity__GrantRoleRequest two = IDENTITY__GRANT_ROLE_REQUEST__INIT;
    Huzhu__Id *ids[] = { wire(village), wire(root) };
    two.account_id = wire(both);
    two.role = HUZHU__ROLE__NAME__TOWNSHIP_OFFICER;
    two.organisation_ids = ids;
    two.n_organisation_ids = 2;
    EXPECT_OK(ask(&security_admin, "GrantRole", &two));
    time_passes("1 hour"); /* before that no password is changed again */

    struct person person = signs_in("clerk@jingkou", PASSWORD);
    assert_false(sees_all(person.principal, person.size));
    assert_false(sees_all_resumed(EXPECT_OK(resume(person.token))));
    EXPECT_OK(change_password(&person, PASSWORD, "Daotian8-Tiankong"));
    assert_false(sees_all(person.principal, person.size));

    person = signs_in("officer@jingkou", PASSWORD);
    assert_true(sees_all(person.principal, person.size));
    assert_true(sees_all_resumed(EXPECT_OK(resume(person.token))));
    EXPECT_OK(change_password(&person, PASSWORD, "Daotian8-Tiankong"));
    assert_true(sees_all(person.principal, person.size));
    time_passes("91 days"); /* until the password is changed there is no scope at all */
    person = signs_in("officer@jingkou", "Daotian8-Tiankong");
    assert_false(sees_all(person.principal, person.size));

    person = signs_in("both@jingkou", PASSWORD);
    EXPECT_OK(change_password(&person, PASSWORD, "Daotian8-Tiankong"));
    assert_true(sees_all(person.principal, person.size));
    person = signs_in("sysadmin@platform", PASSWORD);
    EXPECT_OK(change_password(&person, PASSWORD, "Daotian8-Tiankong"));
    assert_true(sees_all(person.principal, person.size));
    assert_true(sees_all_resumed(EXPECT_OK(resume(person.token))));
}

static void
one_person_with_two_accounts_is_one_person(void **state)
{
    Identity__CreateAccountRequest in = IDENTITY__CREATE_ACCOUNT_REQUEST__INIT;
    const struct id person = id_mint(clock_now()), one = id_mint(clock_now()),
                    two = id_mint(clock_now());

    (void) state;
    in.display_name = (char *) "王芳";
    in.person_id = wire(person);
    in.account_id = wire(one);
    in.login_name = (char *) "wang.one";
    EXPECT_OK(ask(&system_admin, "CreateAccount", &in));
    in.account_id = wire(two);
    in.login_name = (char *) "wang.two";
    EXPECT_OK(ask(&system_admin, "CreateAccount", &in));
    EXPECT_OK(grant(&security_admin, one, 6, NULL));
    EXPECT(grant(&security_admin, two, 7, NULL), ERR_REFUSED, ROLE_FORBIDDEN_PAIR);
    EXPECT_OK(grant(&security_admin, two, 1, NULL));
}

/* The database knows the hard pairs too. */
static void
sql_by_hand_cannot_join_forbidden_roles(void **state)
{
    PGconn *conn = cluster_connect(cluster, "huzhu_identity");
    char sql[200];

    (void) state;
    (void) snprintf(sql, sizeof sql, "SET huzhu.tenant = '%s'",
                    cluster_ask(cluster, "SELECT tenant_id FROM identity.tenant"));
    PQclear(PQexec(conn, sql));
    PGresult *result =
        PQexec(conn, "UPDATE identity.account SET roles = roles | 4096 WHERE roles = 2048");
    assert_string_equal(PQresultErrorField(result, PG_DIAG_SQLSTATE), "23514");
    assert_string_equal(PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME),
                        "account_roles_compatible");
    PQclear(result);
    PQclear(PQexec(conn, "RESET huzhu.tenant"));
    result = PQexec(conn, "SELECT count(*) FROM identity.account");
    assert_string_equal(PQgetvalue(result, 0, 0), "3"); /* the platform's alone */
    PQclear(result);
    PQfinish(conn);
}

/* Whose pages a public address shows: asked by the gateway for people who have not signed in. */
static void
a_tenants_code_is_resolved_for_anybody(void **state)
{
    Identity__ResolveTenantRequest in = IDENTITY__RESOLVE_TENANT_REQUEST__INIT;

    (void) state;
    in.code = (char *) "jingkou";
    const Identity__ResolveTenantReply *reply =
        EXPECT_OK(ask_with_key(NULL, "ResolveTenant", &in.base, "", ""));
    assert_int_equal(id_cmp(unwire(reply->tenant_id), system_admin.tenant), 0);
    assert_true(reply->name[0] != '\0');
    assert_int_equal(reply->state, IDENTITY__TENANT__STATE__ACTIVE);
    in.code = (char *) "nowhere";
    EXPECT(ask_with_key(NULL, "ResolveTenant", &in.base, "", ""), ERR_NOT_FOUND, TENANT_NONE);
    static const char *const bad[] = { "", "x", "Jingkou", "platform", "a/b" };
    for (size_t i = 0; i < COUNT(bad); i++) {
        in.code = (char *) bad[i];
        EXPECT(ask_with_key(NULL, "ResolveTenant", &in.base, "", ""), ERR_INVALID,
               TENANT_CODE_FORM);
    }
}

/* The platform's administrators add a county with one township; all else about it is refused. */
static struct id
makes_a_township(struct id county)
{
    Identity__CreateOrganisationRequest make = IDENTITY__CREATE_ORGANISATION_REQUEST__INIT;
    const struct id place = id_mint(clock_now());

    make.organisation_id = wire(county);
    make.level = IDENTITY__ORGANISATION__LEVEL__COUNTY;
    make.division_code = (char *) "321102";
    make.name = (char *) "京口区";
    EXPECT(ask(&system_admin, "CreateOrganisation", &make), ERR_REFUSED, ORGANISATION_OUTSIDE);
    EXPECT_OK(ask(&platform_system, "CreateOrganisation", &make));
    EXPECT(ask(&platform_system, "CreateOrganisation", &make), ERR_CONFLICT, ORGANISATION_EXISTS);
    make.organisation_id = wire(place);
    make.parent_id = wire(county);
    EXPECT(ask(&platform_system, "CreateOrganisation", &make), ERR_INVALID, ORGANISATION_LEVEL);
    make.level = IDENTITY__ORGANISATION__LEVEL__TOWNSHIP;
    make.division_code = (char *) "32110";
    EXPECT(ask(&platform_system, "CreateOrganisation", &make), ERR_INVALID, ORGANISATION_CODE);
    make.division_code = (char *) "321102002";
    make.name = (char *) "象山镇";
    const Identity__CreateOrganisationReply *made =
        EXPECT_OK(ask(&platform_system, "CreateOrganisation", &make));
    assert_int_equal(made->organisation->n_ancestor_ids, 1);
    return place;
}

/* A tenant belongs to one township, under a code of its own. */
static struct id
makes_a_tenant(struct id county, struct id place)
{
    Identity__CreateTenantRequest in = IDENTITY__CREATE_TENANT_REQUEST__INIT;
    const struct id tenant = id_mint(clock_now());

    in.tenant_id = wire(tenant);
    in.code = (char *) "xiangshan";
    in.name = (char *) "象山镇互助";
    in.organisation_id = wire(county);
    EXPECT(ask(&system_admin, "CreateTenant", &in), ERR_FORBIDDEN, "call.platform");
    EXPECT(ask(&platform_system, "CreateTenant", &in), ERR_REFUSED, TENANT_ORGANISATION);
    in.organisation_id = wire(tenant);
    EXPECT(ask(&platform_system, "CreateTenant", &in), ERR_NOT_FOUND, ORGANISATION_NONE);
    in.organisation_id = wire(place);
    in.code = (char *) "platform";
    EXPECT(ask(&platform_system, "CreateTenant", &in), ERR_INVALID, TENANT_CODE_FORM);
    in.code = (char *) "jingkou";
    EXPECT(ask(&platform_system, "CreateTenant", &in), ERR_CONFLICT, TENANT_CODE_TAKEN);
    in.code = (char *) "xiangshan";
    EXPECT_OK(ask(&platform_system, "CreateTenant", &in));
    EXPECT(ask(&platform_system, "CreateTenant", &in), ERR_CONFLICT, TENANT_EXISTS);
    in.tenant_id = wire(id_mint(clock_now()));
    in.code = (char *) "xiangshan2";
    EXPECT(ask(&platform_system, "CreateTenant", &in), ERR_REFUSED, TENANT_ORGANISATION);
    return tenant;
}

/* The platform's security administrator appoints a tenant's three, once; the system one signs in.
 */
static struct person
appoints_three(struct id tenant)
{
    Identity__AppointAdministratorsRequest appoint = IDENTITY__APPOINT_ADMINISTRATORS_REQUEST__INIT;
    char one_time[ONE_TIME_BYTES];

    appoint.tenant_id = wire(tenant);
    appoint.system_login_name = (char *) "sys";
    appoint.security_login_name = (char *) "sec";
    appoint.audit_login_name = (char *) "aud";
    EXPECT(ask(&platform_system, "AppointAdministrators", &appoint), ERR_FORBIDDEN, "call.role");
    const Identity__AppointAdministratorsReply *three =
        EXPECT_OK(ask(&platform_security, "AppointAdministrators", &appoint));
    assert_int_equal(three->n_administrators, 3);
    (void) snprintf(one_time, sizeof one_time, "%s", three->administrators[0]->one_time_password);
    const struct person theirs = takes_office("sys@xiangshan", one_time);
    EXPECT(ask(&platform_security, "AppointAdministrators", &appoint), ERR_REFUSED,
           TENANT_HAS_ADMINISTRATORS);
    return theirs;
}

/* A tenant sees the tree above all tenants and its own part below; nobody another's villages. */
static void
sees_its_own_part_of_the_tree(const struct person *theirs, struct id county, struct id place)
{
    Identity__CreateOrganisationRequest make = IDENTITY__CREATE_ORGANISATION_REQUEST__INIT;
    Identity__ListOrganisationsRequest tree = IDENTITY__LIST_ORGANISATIONS_REQUEST__INIT;
    const Identity__ListOrganisationsReply *seen;

    make.organisation_id = wire(id_mint(clock_now()));
    make.parent_id = wire(place);
    make.level = IDENTITY__ORGANISATION__LEVEL__VILLAGE;
    make.division_code = (char *) "321102002201";
    make.name = (char *) "北村";
    EXPECT_OK(ask(theirs, "CreateOrganisation", &make));
    seen = EXPECT_OK(ask(theirs, "ListOrganisations", &tree));
    assert_int_equal(seen->n_organisations, 4);
    assert_int_equal(seen->organisations[3]->n_ancestor_ids, 2);
    seen = EXPECT_OK(ask(&system_admin, "ListOrganisations", &tree));
    assert_int_equal(seen->n_organisations, 3);
    tree.parent_id = wire(county);
    seen = EXPECT_OK(ask(&platform_system, "ListOrganisations", &tree));
    assert_int_equal(seen->n_organisations, 1);
}

/* Neighbours know nothing of each other; the platform sees both. */
static void
knows_nothing_of_its_neighbour(const struct person *theirs)
{
    Identity__GetTenantRequest get = IDENTITY__GET_TENANT_REQUEST__INIT;
    Identity__ListTenantsRequest list = IDENTITY__LIST_TENANTS_REQUEST__INIT;
    Identity__GetAccountRequest account = IDENTITY__GET_ACCOUNT_REQUEST__INIT;

    get.tenant_id = wire(theirs->tenant);
    EXPECT(ask(&system_admin, "GetTenant", &get), ERR_NOT_FOUND, TENANT_NONE);
    EXPECT_OK(ask(theirs, "GetTenant", &get));
    const Identity__ListTenantsReply *both = EXPECT_OK(ask(&platform_system, "ListTenants", &list));
    assert_int_equal(both->n_tenants, 2);
    account.account_id = wire(system_admin.account);
    EXPECT(ask(theirs, "GetAccount", &account), ERR_NOT_FOUND, ACCOUNT_NONE);
    /* The platform's administrators are not the tenant's. */
    struct person intruder = platform_security;
    intruder.tenant = town;
    EXPECT(grant(&intruder, system_admin.account, 9, NULL), ERR_FORBIDDEN, "call.tenant");
    intruder = *theirs;
    intruder.tenant = town;
    EXPECT(ask(&intruder, "GetAccount", &account), ERR_FORBIDDEN, "call.tenant");
}

static void
tenants_are_the_platforms_business(void **state)
{
    (void) state;
    const struct id county = id_mint(clock_now());
    const struct id place = makes_a_township(county);
    const struct id tenant = makes_a_tenant(county, place);
    const struct person theirs = appoints_three(tenant);

    assert_int_equal(id_cmp(theirs.tenant, tenant), 0);
    sees_its_own_part_of_the_tree(&theirs, county, place);
    knows_nothing_of_its_neighbour(&theirs);
}

static void
api_tokens_work_until_revoked_or_over(void **state)
{
    Identity__CreateApiTokenRequest in = IDENTITY__CREATE_API_TOKEN_REQUEST__INIT;
    Identity__ListApiTokensRequest list = IDENTITY__LIST_API_TOKENS_REQUEST__INIT;
    Identity__RevokeApiTokenRequest out = IDENTITY__REVOKE_API_TOKEN_REQUEST__INIT;
    const struct id first = id_mint(clock_now()), second = id_mint(clock_now());
    struct person a = signs_in("sysadmin@jingkou", PASSWORD);
    char token[TOKEN_TEXT_BYTES];

    (void) state;
    in.api_token_id = wire(first);
    in.label = (char *) "county report";
    EXPECT(ask(&a, "CreateApiToken", &in), ERR_INVALID, TOKEN_DAYS);
    in.days = 366;
    EXPECT(ask(&a, "CreateApiToken", &in), ERR_INVALID, TOKEN_DAYS);
    in.days = 365;
    const Identity__CreateApiTokenReply *made = EXPECT_OK(ask(&a, "CreateApiToken", &in));
    (void) snprintf(token, sizeof token, "%s", made->token);
    EXPECT(ask(&a, "CreateApiToken", &in), ERR_CONFLICT, TOKEN_EXISTS);
    const Identity__ResumeSessionReply *reply = EXPECT_OK(resume(token));
    assert_string_equal(reply->csrf_token, "");
    assert_int_equal(roles_in(reply), ROLE_SYSTEM_ADMIN);

    /* Neither makes a token tokens, nor changes a password, nor has an account more than its share.
     */
    struct person by_token = a;
    by_token.size = reply->principal.len;
    memcpy(by_token.principal, reply->principal.data, by_token.size);
    in.api_token_id = wire(second);
    EXPECT(ask(&by_token, "CreateApiToken", &in), ERR_UNAUTHENTICATED, SESSION_NONE);
    EXPECT(change_password(&by_token, PASSWORD, "Daotian8-Tiankong"), ERR_UNAUTHENTICATED,
           SESSION_NONE);
    EXPECT_OK(ask(&a, "CreateApiToken", &in));
    in.api_token_id = wire(id_mint(clock_now()));
    EXPECT(ask(&a, "CreateApiToken", &in), ERR_REFUSED, TOKEN_TOO_MANY);

    const Identity__ListApiTokensReply *mine = EXPECT_OK(ask(&a, "ListApiTokens", &list));
    assert_int_equal(mine->n_api_tokens, 2);
    out.api_token_id = wire(second);
    EXPECT(ask(&audit_admin, "RevokeApiToken", &out), ERR_NOT_FOUND, TOKEN_NONE);
    EXPECT_OK(ask(&security_admin, "RevokeApiToken", &out));
    time_passes("364 days");
    reply = EXPECT_OK(resume(token));
    assert_true(reply->must_change_password); /* its password is long due: no roles */
    assert_int_equal(roles_in(reply), 0);
    time_passes("1 day");
    EXPECT(resume(token), ERR_UNAUTHENTICATED, SESSION_NONE);
}

/* Goal: an answer that was lost on its way is had by asking again, where no stored reply may hold
 * it because it is a secret. Method: each such command twice with one key, as a bus that lost its
 * broker or a client sends it; then with another key, which is another command. */
static void
a_repeat_of_a_token_is_the_same_token(void **state)
{
    Identity__CreateApiTokenRequest in = IDENTITY__CREATE_API_TOKEN_REQUEST__INIT;
    char first[TOKEN_TEXT_BYTES];

    (void) state;
    in.api_token_id = wire(id_mint(clock_now()));
    in.label = (char *) "county report";
    in.days = 30;
    const Identity__CreateApiTokenReply *made =
        EXPECT_OK(ask_with_key(&system_admin, "CreateApiToken", &in.base, "t1", ""));
    const int64_t until_us = made->api_token->expires->us;
    (void) snprintf(first, sizeof first, "%s", made->token);
    made = EXPECT_OK(ask_with_key(&system_admin, "CreateApiToken", &in.base, "t1", ""));
    assert_string_equal(made->token, first);
    assert_int_equal(made->api_token->expires->us, until_us);
    EXPECT_OK(resume(first));
    assert_int_equal(events("ApiTokenCreated"), 1);

    in.days = 60;
    EXPECT(ask_with_key(&system_admin, "CreateApiToken", &in.base, "t1", ""), ERR_CONFLICT,
           "idempotency.other_body");
    in.days = 30;
    EXPECT(ask_with_key(&system_admin, "CreateApiToken", &in.base, "t2", ""), ERR_CONFLICT,
           TOKEN_EXISTS);
    EXPECT(ask_with_key(&audit_admin, "CreateApiToken", &in.base, "t1", ""), ERR_CONFLICT,
           TOKEN_EXISTS);
    in.api_token_id = wire(id_mint(clock_now()));
    made = EXPECT_OK(ask_with_key(&system_admin, "CreateApiToken", &in.base, "t1", ""));
    assert_string_not_equal(made->token, first);
}

static void
a_repeat_of_a_password_is_the_same_password(void **state)
{
    Identity__ResetPasswordRequest in = IDENTITY__RESET_PASSWORD_REQUEST__INIT;
    Identity__GetAccountRequest get = IDENTITY__GET_ACCOUNT_REQUEST__INIT;
    char first[ONE_TIME_BYTES], seen[32];

    (void) state;
    in.account_id = get.account_id = wire(system_admin.account);
    (void) snprintf(seen, sizeof seen, "%s", ask(&security_admin, "GetAccount", &get).etag);
    const Identity__ResetPasswordReply *reset =
        EXPECT_OK(ask_with_key(&security_admin, "ResetPassword", &in.base, "r1", seen));
    const int64_t until_us = reset->expires->us;
    (void) snprintf(first, sizeof first, "%s", reset->one_time_password);
    reset = EXPECT_OK(ask_with_key(&security_admin, "ResetPassword", &in.base, "r1", seen));
    assert_string_equal(reset->one_time_password, first);
    assert_int_equal(reset->expires->us, until_us);
    assert_int_equal(events("PasswordReset"), 1);

    /* A straggler takes nothing from who has a password of one's own by now. */
    struct person person = signs_in("sysadmin@jingkou", first);
    EXPECT_OK(change_password(&person, first, "Daotian8-Tiankong"));
    EXPECT_OK(ask_with_key(&security_admin, "ResetPassword", &in.base, "r1", "2"));
    (void) signs_in("sysadmin@jingkou", "Daotian8-Tiankong");
    assert_int_equal(events("PasswordReset"), 1);
    reset = EXPECT_OK(ask_with_key(&security_admin, "ResetPassword", &in.base, "r2", ""));
    assert_string_not_equal(reset->one_time_password, first);

    /* One's own change: done, and not a wrong password. */
    person = signs_in("auditadmin@jingkou", PASSWORD);
    time_passes("29 minutes");
    (void) cluster_sql(cluster, "UPDATE identity.account SET password_changed_at = "
                                "password_changed_at - interval '1 hour'");
    for (int i = 0; i < 7; i++)
        EXPECT_OK(change_password(&person, PASSWORD, "Daotian8-Tiankong"));
    EXPECT(change_password(&person, PASSWORD, "Daotian9-Tiankong"), ERR_REFUSED, PASSWORD_WRONG);
    assert_int_equal(count("SELECT count(*) FROM identity.event WHERE topic = "
                           "'huzhu.identity.v1.PasswordChanged' AND tenant_id <> "
                           "'00000000-0000-0000-0000-000000000000'"),
                     3 + 1 + 1);
}

static void
a_repeat_of_an_appointment_gives_the_same_three(void **state)
{
    Identity__CreateOrganisationRequest make = IDENTITY__CREATE_ORGANISATION_REQUEST__INIT;
    Identity__CreateTenantRequest in = IDENTITY__CREATE_TENANT_REQUEST__INIT;
    Identity__AppointAdministratorsRequest appoint = IDENTITY__APPOINT_ADMINISTRATORS_REQUEST__INIT;
    const struct id place = id_mint(clock_now()), tenant = id_mint(clock_now());
    char passwords[3][ONE_TIME_BYTES];
    struct id ids[3];

    (void) state;
    make.organisation_id = in.organisation_id = wire(place);
    make.level = IDENTITY__ORGANISATION__LEVEL__TOWNSHIP;
    make.division_code = (char *) "321102002";
    make.name = in.name = (char *) "象山镇";
    EXPECT_OK(ask(&platform_system, "CreateOrganisation", &make));
    in.tenant_id = appoint.tenant_id = wire(tenant);
    in.code = (char *) "xiangshan";
    EXPECT_OK(ask(&platform_system, "CreateTenant", &in));
    appoint.system_login_name = (char *) "sys";
    appoint.security_login_name = (char *) "sec";
    appoint.audit_login_name = (char *) "aud";
    for (int round = 0; round < 2; round++) {
        const Identity__AppointAdministratorsReply *three = EXPECT_OK(
            ask_with_key(&platform_security, "AppointAdministrators", &appoint.base, "a1", ""));
        for (int i = 0; i < 3; i++) {
            if (round == 0) {
                ids[i] = unwire(three->administrators[i]->account_id);
                (void) snprintf(passwords[i], sizeof passwords[i], "%s",
                                three->administrators[i]->one_time_password);
            }
            assert_int_equal(id_cmp(ids[i], unwire(three->administrators[i]->account_id)), 0);
            assert_string_equal(passwords[i], three->administrators[i]->one_time_password);
        }
    }
    (void) takes_office("sec@xiangshan", passwords[1]);
    EXPECT(ask_with_key(&platform_security, "AppointAdministrators", &appoint.base, "a2", ""),
           ERR_REFUSED, TENANT_HAS_ADMINISTRATORS);
    assert_int_equal(events("AdministratorsAppointed"), 3);
}

static void
a_stale_etag_is_refused_and_a_repeat_is_answered_once(void **state)
{
    Identity__DisableAccountRequest in = IDENTITY__DISABLE_ACCOUNT_REQUEST__INIT;
    const struct id id = makes_account("wang.fang");

    (void) state;
    in.account_id = wire(id);
    in.why = (char *) "left";
    EXPECT(ask_with_key(&system_admin, "DisableAccount", &in.base, "k1", "7"), ERR_STALE,
           "etag.stale");
    const struct answer first = ask_with_key(&system_admin, "DisableAccount", &in.base, "k2", "1");
    EXPECT_OK(first);
    assert_string_equal(first.etag, "2");
    const struct answer again = ask_with_key(&system_admin, "DisableAccount", &in.base, "k2", "1");
    EXPECT_OK(again);
    assert_string_equal(again.etag, "2");
    assert_int_equal(events("AccountDisabled"), 1);
    in.why = (char *) "other";
    EXPECT(ask_with_key(&system_admin, "DisableAccount", &in.base, "k2", "1"), ERR_CONFLICT,
           "idempotency.other_body");
}

static void
a_rotated_key_signs_and_the_old_one_is_believed_on(void **state)
{
    Identity__GetMyselfRequest me = IDENTITY__GET_MYSELF_REQUEST__INIT;
    char *argv[] = { (char *) "rotate-keys", NULL };
    struct call c;

    (void) state;
    const struct person before = signs_in("sysadmin@jingkou", PASSWORD);
    call_init(&c, thread);
    assert_int_equal(identity_rotate_keys(&c, 1, argv), 0);
    const struct person after = signs_in("sysadmin@jingkou", PASSWORD);
    EXPECT_OK(ask(&before, "GetMyself", &me));
    EXPECT_OK(ask(&after, "GetMyself", &me));
    Bus__SignedPrincipal *old = bus__signed_principal__unpack(NULL, before.size, before.principal),
                         *new = bus__signed_principal__unpack(NULL, after.size, after.principal);
    assert_string_not_equal(old->key_id, new->key_id);
    bus__signed_principal__free_unpacked(old, NULL);
    bus__signed_principal__free_unpacked(new, NULL);
}

static void
without_a_turn_or_a_key_nobody_comes_in(void **state)
{
    struct identity_conf keyless = identity_conf;
    struct svc_thread *with_key = thread, *without = NULL;
    struct runtime *other = NULL;
    struct err err;

    (void) state;
    NEEDS_FAULTS;
    fault_arm("identity.turn", 1);
    EXPECT(try_sign_in("sysadmin@jingkou", PASSWORD, ADDRESS), ERR_LIMITED, SIGN_IN_BUSY);
    fault_arm_nth(0);
    (void) signs_in("sysadmin@jingkou", PASSWORD);

    const int before = count("SELECT count(*) FROM identity.session");
    keyless.principal_key = "";
    assert_int_equal(runtime_create(&identity_service, &runtime_conf, &keyless, &other, &err),
                     ERR_OK);
    assert_int_equal(svc_thread_create(other, 5000, &without, &err), ERR_OK);
    thread = without;
    const struct answer answer = try_sign_in("sysadmin@jingkou", PASSWORD, ADDRESS);
    thread = with_key;
    svc_thread_destroy(without);
    runtime_destroy(other);
    EXPECT(answer, ERR_UNAVAILABLE, SIGN_IN_NO_KEY);
    assert_int_equal(count("SELECT count(*) FROM identity.session"), before);
}

static void
an_old_hash_is_renewed_at_the_next_sign_in(void **state)
{
    char hash[PASSWORD_HASH_BYTES_MAX], sql[400];
    const struct password_cost old = { 3, 32, 1 };
    struct err err;

    (void) state;
    assert_int_equal(password_hash(PASSWORD, old, hash, &err), ERR_OK);
    (void) snprintf(
        sql, sizeof sql,
        "UPDATE identity.account SET password_hash = '%s' WHERE login_name = 'sysadmin'", hash);
    (void) cluster_sql(cluster, sql);
    (void) signs_in("sysadmin@jingkou", PASSWORD);
    assert_int_equal(count("SELECT count(*) FROM identity.account WHERE password_hash LIKE "
                           "'%m=64,t=1,p=1%' AND login_name = 'sysadmin'"),
                     1);
    (void) signs_in("sysadmin@jingkou", PASSWORD);
}

static void
duties_tidy_up_and_disable_what_nobody_uses(void **state)
{
    struct svc_thread *duty_thread_ = NULL;
    struct err err;

    (void) state;
    (void) hires("wang.fang");
    EXPECT(try_sign_in("nobody@jingkou", "x", ADDRESS), ERR_UNAUTHENTICATED, SIGN_IN_REFUSED);
    assert_int_equal(svc_thread_create(rt, 5000, &duty_thread_, &err), ERR_OK);
    duty_thread_->is_duty = true;
    time_passes("89 days");
    for (size_t i = 0; i < identity_service.duty_count; i++)
        assert_int_equal(duty_run(duty_thread_, &identity_service.duties[i], &err), ERR_OK);
    assert_int_equal(count("SELECT count(*) FROM identity.name_guard"), 0);
    assert_int_equal(count("SELECT count(*) FROM identity.session"), 0);
    assert_int_equal(count("SELECT count(*) FROM identity.account WHERE state = 'DISABLED'"), 0);
    time_passes("1 day 1 second");
    for (size_t i = 0; i < identity_service.duty_count; i++)
        assert_int_equal(duty_run(duty_thread_, &identity_service.duties[i], &err), ERR_OK);
    assert_int_equal(count("SELECT count(*) FROM identity.account WHERE state = 'DISABLED'"), 1);
    assert_int_equal(events("AccountDisabled"), 1);
    svc_thread_destroy(duty_thread_);
}

/* Goal: whatever fails, a sign-in either happened as a whole or not at all.
 * Method: fail the 1st, 2nd, 3rd... crossing of a fault point until none is left to fail. */
static void
a_sign_in_that_fails_anywhere_leaves_no_half_session(void **state)
{
    (void) state;
    NEEDS_FAULTS;
    for (int nth = 1; nth < 200; nth++) {
        (void) cluster_sql(cluster, "DELETE FROM identity.session; TRUNCATE identity.event");
        fault_arm_nth(nth);
        const struct answer answer = try_sign_in("sysadmin@jingkou", PASSWORD, ADDRESS);
        const bool fired = fault_fired();
        fault_arm_nth(0);
        assert_int_equal(count("SELECT count(*) FROM identity.session"), events("SignedIn"));
        assert_int_equal(events("SignInFailed"), 0);
        if (answer.code != ERR_OK)
            assert_true(err_is_retryable(answer.code));
        if (!fired) {
            EXPECT_OK(answer);
            return;
        }
    }
    fail_msg("the faults do not end");
}

/* The replies of these hold secrets, so that none is stored: their steps know by themselves what
 * they have done. */
static void
passwords_and_tokens_that_fail_anywhere_are_made_once(void **state)
{
    Identity__CreateApiTokenRequest in = IDENTITY__CREATE_API_TOKEN_REQUEST__INIT;
    char old[32] = PASSWORD, new[32], one_time[ONE_TIME_BYTES];

    (void) state;
    NEEDS_FAULTS;
    in.label = (char *) "t";
    in.days = 1;
    for (int nth = 1; nth < 200; nth++) {
        struct person person = signs_in("sysadmin@jingkou", old);
        bool fired;

        (void) cluster_sql(cluster, "DELETE FROM identity.api_token; TRUNCATE identity.event;"
                                    "UPDATE identity.account SET must_change = true");
        (void) snprintf(new, sizeof new, "Daotian-Nr-%d-Gold", nth);
        fault_arm_nth(nth);
        const struct answer changed = change_password(&person, old, new);
        fired = fault_fired();
        assert_int_equal(events("PasswordChanged"), changed.code == ERR_OK);
        if (changed.code == ERR_OK)
            (void) snprintf(old, sizeof old, "%s", new);

        in.api_token_id = wire(id_mint(clock_now()));
        fault_arm_nth(nth);
        const struct answer made = ask(&person, "CreateApiToken", &in);
        fired = fault_fired() || fired;
        assert_int_equal(events("ApiTokenCreated"), made.code == ERR_OK);
        assert_int_equal(count("SELECT count(*) FROM identity.api_token"), made.code == ERR_OK);

        fault_arm_nth(nth);
        const struct answer reset = reset_password(&security_admin, system_admin.account);
        fired = fault_fired() || fired;
        fault_arm_nth(0);
        assert_int_equal(events("PasswordReset"), reset.code == ERR_OK);
        if (reset.code == ERR_OK) {
            const Identity__ResetPasswordReply *reply = (const void *) reset.body;
            (void) snprintf(one_time, sizeof one_time, "%s", reply->one_time_password);
            (void) snprintf(old, sizeof old, "%s", one_time);
        }
        if (!fired)
            return;
    }
    fail_msg("the faults do not end");
}

static void
a_grant_that_fails_anywhere_leaves_no_trace(void **state)
{
    const struct id id = makes_account("wang.fang");

    (void) state;
    NEEDS_FAULTS;
    for (int nth = 1; nth < 200; nth++) {
        fault_arm_nth(nth);
        const struct answer answer = grant(&security_admin, id, 2, NULL);
        const bool fired = fault_fired();
        fault_arm_nth(0);
        const int granted = count("SELECT count(*) FROM identity.role_grant WHERE role = 2");
        assert_int_equal(granted, count("SELECT count(*) FROM identity.account WHERE roles = 4"));
        if (granted == 1 || !fired) {
            /* The runtime repeated it by itself, or nothing failed. */
            EXPECT_OK(answer);
            EXPECT_OK(revoke_role(&security_admin, id, 2));
            if (!fired)
                return;
        } else {
            assert_true(err_is_retryable(answer.code));
        }
    }
    fail_msg("the faults do not end");
}

struct racer {
    pthread_t thread;
    struct svc_thread *runtime;
    int refused, locked, others;
};

static void *
guess(void *arg)
{
    struct racer *racer = arg;

    for (int i = 0; i < 5; i++) {
        Identity__SignInRequest in = IDENTITY__SIGN_IN_REQUEST__INIT;
        struct id request = id_mint(clock_now());
        uint8_t body[256];
        Bus__Envelope envelope = BUS__ENVELOPE__INIT;
        Bus__Answer out;

        in.login_name = (char *) "sysadmin@jingkou";
        in.password = (char *) "Wrong-Password-7";
        in.address = (char *) ADDRESS;
        envelope.request_id = bytes_of(&request);
        envelope.method = (char *) "SignIn";
        envelope.deadline_us = clock_now().us + 20 * US_PER_SECOND;
        envelope.body = (ProtobufCBinaryData){ identity__sign_in_request__pack(&in, body), body };
        svc_thread_answer(racer->runtime, "gateway", &envelope, &out);
        racer->refused += strcmp(out.reason, SIGN_IN_REFUSED) == 0;
        racer->locked += strcmp(out.reason, SIGN_IN_LOCKED) == 0;
    }
    return NULL;
}

/* Goal: guessing in parallel gives no more guesses. */
static void
parallel_guesses_are_counted_one_by_one(void **state)
{
    struct racer racers[3] = { 0 };
    int refused = 0, locked = 0;
    struct err err;

    (void) state;
    for (size_t i = 0; i < COUNT(racers); i++)
        assert_int_equal(svc_thread_create(rt, 5000, &racers[i].runtime, &err), ERR_OK);
    for (size_t i = 0; i < COUNT(racers); i++)
        assert_int_equal(pthread_create(&racers[i].thread, NULL, guess, &racers[i]), 0);
    for (size_t i = 0; i < COUNT(racers); i++) {
        assert_int_equal(pthread_join(racers[i].thread, NULL), 0);
        refused += racers[i].refused;
        locked += racers[i].locked;
        svc_thread_destroy(racers[i].runtime);
    }
    assert_int_equal(refused, 5);
    assert_int_equal(locked, 10);
}

int
main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, settle_world, check_invariants)
    const struct CMUnitTest tests[] = {
        TEST(every_rpc_has_its_row),
        TEST(a_second_bootstrap_is_refused),
        TEST(wrong_names_and_wrong_passwords_are_told_alike),
        TEST(no_digest_of_a_refused_sign_in_is_kept),
        TEST(an_unknown_name_takes_as_long_as_a_wrong_password),
        TEST(five_failures_lock_whoever_it_is),
        TEST(four_failures_do_not_lock_and_a_success_forgives_them),
        TEST(an_address_that_tries_many_names_is_locked_too),
        TEST(the_security_administrator_unlocks),
        TEST(a_one_time_password_must_be_changed_and_lasts_a_day),
        TEST(a_password_is_changed_by_the_rules),
        TEST(a_password_of_ninety_days_opens_nothing_but_its_change),
        TEST(sessions_end_idle_old_signed_out_and_by_a_new_password),
        TEST(a_jump_of_business_time_touches_nothing_of_identity),
        TEST(a_token_that_is_not_exactly_ours_opens_nothing),
        TEST(a_fourth_session_ends_the_first),
        TEST(sessions_are_listed_and_revoked_by_their_owner_and_the_security_administrator),
        TEST(accounts_are_made_by_one_and_opened_by_another),
        TEST(a_disabled_account_is_out_at_once),
        TEST(gateways_are_told_what_ended),
        TEST(roles_follow_pairs_scopes_and_offices),
        TEST(req_6_2_2c3_a_coder_opens_nothing_without_an_undertaking),
        TEST(req_6_2_2c3_a_grant_drops_out_when_its_time_is_over),
        TEST(req_6_2_2a_forbidden_pairs_are_refused),
        TEST(whole_tenants_are_seen_by_who_was_granted_them),
        TEST(one_person_with_two_accounts_is_one_person),
        TEST(sql_by_hand_cannot_join_forbidden_roles),
        TEST(a_tenants_code_is_resolved_for_anybody),
        TEST(tenants_are_the_platforms_business),
        TEST(api_tokens_work_until_revoked_or_over),
        TEST(a_repeat_of_a_token_is_the_same_token),
        TEST(a_repeat_of_a_password_is_the_same_password),
        TEST(a_repeat_of_an_appointment_gives_the_same_three),
        TEST(a_stale_etag_is_refused_and_a_repeat_is_answered_once),
        TEST(a_rotated_key_signs_and_the_old_one_is_believed_on),
        TEST(without_a_turn_or_a_key_nobody_comes_in),
        TEST(an_old_hash_is_renewed_at_the_next_sign_in),
        TEST(duties_tidy_up_and_disable_what_nobody_uses),
        TEST(a_sign_in_that_fails_anywhere_leaves_no_half_session),
        TEST(passwords_and_tokens_that_fail_anywhere_are_made_once),
        TEST(a_grant_that_fails_anywhere_leaves_no_trace),
        TEST(parallel_guesses_are_counted_one_by_one),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
