/* Goal: from decided claims to bank receipts, on a real PostgreSQL, with every step done exactly
 * once. Method: other services' events are handed to the feed; requests go through the runtime with
 * signed principals; business time is moved by the instance's clock file. */
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caller.h"
#include "claims.pb-c.h"
#include "cluster.h"
#include "coding.pb-c.h"
#include "disbursement.pb-c.h"
#include "disbursement/disbursement.h"
#include "disbursement/service.h"
#include "eventually.h"
#include "fault/fault.h"
#include "messages.h"

static struct cluster *cluster;
static struct keys *keys;
static struct runtime *rt;
static struct svc_thread *thread, *duties;
static struct disbursement_conf conf;
static char clock_path[128], key_path[128];

static const struct id town = { { 1, 2, 3 } }, other_town = { { 2, 3, 4 } };
static struct person officer, second, approver, payer, auditor, clerk, stranger;
static struct id programme, village;

/* --- the world --- */

static void
it_is(const char *instant)
{
    business_time_is(clock_path, instant);
}

static struct person
staff(role_set_t roles, uint32_t clearance)
{
    struct person person = a_person(town, roles);

    person.clearance = clearance;
    person.whole_tenant = true;
    return person;
}

static bool
start_threads(void)
{
    struct err err;

    if (svc_thread_create(rt, 5000, &thread, &err) != ERR_OK ||
        svc_thread_create(rt, 5000, &duties, &err) != ERR_OK) {
        print_error("%s %s\n", err.reason, err.text);
        return false;
    }
    duties->is_duty = true;
    return true;
}

static int
open_world(void **state)
{
    const uint32_t all = LABEL_IDENTITY | LABEL_HEALTH | LABEL_MONEY;
    struct err err;

    (void) state;
    log_open("disbursement_test", LOG_ERROR);
    cluster = cluster_start();
    keys = keys_make();
    if (!cluster || !keys || !cluster_migrate(cluster, &disbursement_service))
        return -1;
    (void) snprintf(clock_path, sizeof clock_path, "%s/clock", keys_folder(keys));
    (void) snprintf(key_path, sizeof key_path, "%s/payouts.pem", keys_folder(keys));
    if (signer_generate(key_path, &err) != ERR_OK)
        return -1;
    conf.signing_key = key_path;
    const struct runtime_conf runtime_conf = {
        .database_url = cluster_url(cluster, "huzhu_disbursement"),
        .feed_url = cluster_url(cluster, "huzhu_disbursement_feed"),
        .principal_keys = keys_principals(keys),
        .master_keys = keys_ring(keys),
        .business_clock = clock_path,
        .worker_threads = 1,
        .reply_keep = INT64_C(86400000) * 30,
    };
    if (runtime_create(&disbursement_service, &runtime_conf, &conf, &rt, &err) != ERR_OK ||
        !start_threads()) {
        print_error("%s %s\n", err.reason, err.text);
        return -1;
    }
    officer = staff(ROLE_TOWNSHIP_OFFICER, all);
    second = staff(ROLE_TOWNSHIP_OFFICER, all);
    approver = staff(ROLE_APPROVER, all);
    payer = staff(ROLE_PAYER, LABEL_IDENTITY | LABEL_MONEY);
    auditor = staff(ROLE_AUDITOR, all);
    clerk = a_person(town, ROLE_VILLAGE_CLERK);
    clerk.clearance = all;
    village = clerk.organisation;
    stranger = staff(ROLE_TOWNSHIP_OFFICER, all);
    stranger.tenant = other_town;
    return 0;
}

static int
close_world(void **state)
{
    (void) state;
    svc_thread_destroy(thread);
    svc_thread_destroy(duties);
    runtime_destroy(rt);
    keys_remove(keys);
    cluster_stop(cluster);
    return 0;
}

static int
clean(void **state)
{
    (void) state;
    thread->refusals_us = 0;
    cluster_sql(cluster, "TRUNCATE disbursement.programme, disbursement.claim, disbursement.line,"
                         " disbursement.payout_list, disbursement.list_version,"
                         " disbursement.bank_layout, disbursement.bank_batch,"
                         " disbursement.batch_item, disbursement.bank_result, disbursement.event,"
                         " disbursement.reply, disbursement.parked");
    it_is("2024-08-20T10:00:00+08:00");
    return 0;
}

static int
broken(void **state)
{
    (void) state;
    return cluster_broken_invariants(cluster) == 0 ? 0 : -1;
}

/* --- small things --- */

static long long
number(const char *sql)
{
    return strtoll(cluster_ask(cluster, sql), NULL, 10);
}

static int
told(const char *event)
{
    char sql[128];

    (void) snprintf(sql, sizeof sql,
                    "SELECT count(*) FROM disbursement.event WHERE topic LIKE '%%.%s'", event);
    return (int) number(sql);
}

/* --- asking --- */

struct got {
    err_t code;
    char reason[48], path[96], etag[32];
    ProtobufCMessage *body; /* NULL unless it is a success; dies at the next request */
};

static const ProtobufCMethodDescriptor *
types_of(const char *rpc)
{
    return protobuf_c_service_descriptor_get_method_by_name(&disbursement__disbursement__descriptor,
                                                            rpc);
}

static const char *crash_at; /* every request and event is first tried by a child that dies there */
static int deaths;

static void
answer_by(struct svc_thread *by, struct request_of *request, Bus__Answer *out)
{
    request->envelope.deadline_us = clock_now().us + 20 * US_PER_SECOND;
    svc_thread_answer(by, "gateway", &request->envelope, out);
}

/* In a child with connections of its own: true when it was killed on its way. */
static bool
child_dies(void (*what)(void *arg), void *arg)
{
    int status = 0;
    const pid_t pid = fork();

    if (pid == 0) {
        (void) setenv("HUZHU_CRASH_AT", crash_at, 1);
        if (start_threads())
            what(arg);
        _exit(0);
    }
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
    if (WIFSIGNALED(status))
        deaths++;
    else
        assert_int_equal(WEXITSTATUS(status), 0);
    return WIFSIGNALED(status);
}

static void
ask_in_child(void *arg)
{
    Bus__Answer out;

    answer_by(thread, arg, &out);
}

static struct got
ask_with_key(const struct person *person, const char *rpc, const void *in, const char *key)
{
    static struct got answer;
    struct request_of *request = request_of(keys, person, rpc, in, key);
    Bus__Answer out;

    if (crash_at && key[0] != '\0')
        (void) child_dies(ask_in_child, request);
    answer_by(thread, request, &out);
    if (answer.body)
        protobuf_c_message_free_unpacked(answer.body, NULL);
    answer = (struct got){ .code = bus_err_from_code(out.code) };
    (void) snprintf(answer.reason, sizeof answer.reason, "%s", out.reason);
    (void) snprintf(answer.path, sizeof answer.path, "%s", out.path);
    (void) snprintf(answer.etag, sizeof answer.etag, "%s", out.etag);
    if (answer.code == ERR_OK) {
        answer.body =
            protobuf_c_message_unpack(types_of(rpc)->output, NULL, out.body.len, out.body.data);
        assert_non_null(answer.body);
    }
    request_free(request);
    return answer;
}

static struct got
ask(const struct person *person, const char *rpc, const void *in)
{
    char key[ID_TEXT_BYTES];

    id_format(id_mint(clock_now()), key);
    return ask_with_key(person, rpc, in, key);
}

static const void *
expect_at(int line, struct got answer, err_t code, const char *reason)
{
    if (answer.code != code || strcmp(answer.reason, reason) != 0)
        fail_msg("line %d: %s \"%s\" at %s instead of %s \"%s\"", line, err_name(answer.code),
                 answer.reason, answer.path, err_name(code), reason);
    return answer.body;
}
#define EXPECT(answer, code, reason) ((void) expect_at(__LINE__, (answer), (code), (reason)))
#define EXPECT_OK(answer) expect_at(__LINE__, (answer), ERR_OK, "")

/* --- telling: one event into the feed --- */

static struct {
    const char *topic;
    uint8_t body[65536];
    size_t size;
    struct id id, tenant;
    uint64_t tx;
} event;

static bool event_is_heard; /* the cursor stood behind it at the last reading */

static err_t
read_one(void *arg, const char *producer, const Bus__ReadEventsRequest *request,
         struct arena *arena, const Bus__ReadEventsReply **reply, struct err *err)
{
    static Bus__Position position;
    static Bus__Event one;
    static Bus__Event *list[1] = { &one };
    static Bus__ReadEventsReply out;

    (void) arg, (void) producer, (void) arena, (void) err;
    bus__position__init(&position);
    bus__event__init(&one);
    bus__read_events_reply__init(&out);
    position.tx = event.tx;
    one.position = out.reached = &position;
    one.event_id = (ProtobufCBinaryData){ 16, event.id.bytes };
    one.tenant_id = (ProtobufCBinaryData){ 16, event.tenant.bytes };
    one.topic = (char *) event.topic;
    one.body = (ProtobufCBinaryData){ event.size, event.body };
    one.traceparent = (char *) "";
    out.events = list;
    event_is_heard = request->after->tx >= event.tx;
    out.n_events = event_is_heard ? 0 : 1;
    *reply = &out;
    return ERR_OK;
}

static void
pull(void *arg)
{
    const struct feed_source source = { read_one, NULL };
    struct err err;
    int applied;

    if (feed_pull(thread, arg, &source, &applied, &err) != ERR_OK)
        fail_msg("%s %s", err.reason, err.text);
}

static void
hear(const char *producer, const void *message)
{
    const ProtobufCMessage *in = message;

    event.topic = in->descriptor->name;
    assert_true(protobuf_c_message_get_packed_size(in) <= sizeof event.body);
    event.size = protobuf_c_message_pack(in, event.body);
    event.id = id_mint(clock_now());
    event.tenant = town;
    event.tx++;
    if (crash_at)
        (void) child_dies(pull, (void *) producer);
    /* A child that was killed may hold the feed's row until PostgreSQL notices: pulled again until
     * the cursor stands behind the event. */
    EVENTUALLY((pull((void *) producer), event_is_heard));
}

static int
parked(const char *reason)
{
    char sql[160];

    (void) snprintf(sql, sizeof sql, "SELECT count(*) FROM disbursement.parked WHERE reason = '%s'",
                    reason);
    return (int) number(sql);
}

/* --- the year's other services --- */

static void
programme_is(uint32_t state, uint32_t list_day, uint32_t pay_before_day)
{
    Contributions__Programme p = CONTRIBUTIONS__PROGRAMME__INIT;
    Contributions__ProgrammeChanged in = CONTRIBUTIONS__PROGRAMME_CHANGED__INIT;

    p.programme_id = wire(programme);
    p.name = (char *) "京口镇2024年医疗互助";
    p.custodian_account = (char *) "京口镇互助专户";
    p.year = 2024;
    p.state = (Contributions__Programme__State) state;
    p.list_day = list_day;
    p.pay_before_day = pay_before_day;
    in.programme = &p;
    hear("contributions", &in.base);
}

struct sealing {
    const char *context;
    uint8_t plain[1024];
    size_t size;
    ProtobufCBinaryData sealed;
};

static err_t
seal_step(struct call *c, void *arg)
{
    struct sealing *s = arg;

    return call_seal_shared(c, s->context, s->plain, s->size, &s->sealed);
}

static ProtobufCBinaryData
sealed_facts(const char *context, const char *payee, const char *card)
{
    static uint8_t kept[1024];
    struct sealing s = { .context = context };
    Claims__ClaimFacts facts = CLAIMS__CLAIM_FACTS__INIT;
    struct call c;

    facts.payee = (char *) payee;
    facts.card = (char *) card;
    facts.bank = (char *) "农商银行";
    s.size = claims__claim_facts__pack(&facts, s.plain);
    arena_reset(thread->arena);
    call_init(&c, thread);
    assert_int_equal(svc_command_tx(&c, town, seal_step, &s), ERR_OK);
    assert_true(s.sealed.len <= sizeof kept);
    memcpy(kept, s.sealed.data, s.sealed.len);
    return (ProtobufCBinaryData){ s.sealed.len, kept };
}

static void
claim_accepted(struct id claim, const char *claim_number, const char *card)
{
    Claims__ClaimAccepted in = CLAIMS__CLAIM_ACCEPTED__INIT;

    in.sealed = sealed_facts("event/ClaimAccepted", "张小丰", card);
    in.claim_id = wire(claim);
    in.number = (char *) claim_number;
    in.programme_id = wire(programme);
    in.person_id = wire((struct id){ { 9, claim.bytes[15] } });
    in.village_id = wire(village);
    hear("claims", &in.base);
}

static void
claim_priced(struct id claim, int64_t payable, const char *decided_on)
{
    Coding__ClaimPriced in = CODING__CLAIM_PRICED__INIT;

    in.claim_id = wire(claim);
    in.coding_id = wire(id_mint(clock_now()));
    in.programme_id = wire(programme);
    in.person_id = wire((struct id){ { 9, claim.bytes[15] } });
    in.village_id = wire(village);
    in.drg = (char *) "ES31";
    in.drg_name = (char *) "呼吸系统感染";
    in.due = fen(payable + 100);
    in.payable = fen(payable);
    in.decided_on = day(decided_on);
    in.basis_sha256 = (ProtobufCBinaryData){ 32, (uint8_t *) "0123456789abcdef0123456789abcdef" };
    hear("coding", &in.base);
}

static const char *const cards[] = { "6217001234567890122", "6228480012345678903",
                                     "6222021100123456789", "6217991234567890124" };

/* A claim decided on the day, priced before or after it is known who is paid. */
static struct id
decided(int n, int64_t payable, const char *day)
{
    const struct id claim = id_mint(clock_now());
    char claim_number[32];

    (void) snprintf(claim_number, sizeof claim_number, "2024-%06d", n);
    if (n % 2)
        claim_priced(claim, payable, day);
    claim_accepted(claim, claim_number, cards[n % 4]);
    if (n % 2 == 0)
        claim_priced(claim, payable, day);
    return claim;
}

static void
funds_reserved(struct id list)
{
    Contributions__FundsReserved in = CONTRIBUTIONS__FUNDS_RESERVED__INIT;

    in.list_id = wire(list);
    in.programme_id = wire(programme);
    hear("contributions", &in.base);
}

/* --- verbs --- */

static void
duty_in_child(void *arg)
{
    struct err err;

    (void) arg;
    (void) duty_run(duties, &disbursement_service.duties[0], &err);
}

static void
duty_runs(void)
{
    struct err err;

    if (crash_at)
        (void) child_dies(duty_in_child, NULL);
    const err_t code = duty_run(duties, &disbursement_service.duties[0], &err);
    if (code != ERR_OK)
        fail_msg("%s %s", err.reason, err.text);
}

#define IN(Type, TYPE) Disbursement__##Type##Request in = DISBURSEMENT__##TYPE##_REQUEST__INIT

static struct got
prepares(const struct person *who, const char *month)
{
    IN(PrepareList, PREPARE_LIST);

    in.programme_id = wire(programme);
    in.month = (char *) month;
    return ask(who, "PrepareList", &in);
}

static struct id
only_list(void)
{
    struct id id = { { 0 } };

    const bool found = id_parse(cluster_ask(cluster, "SELECT list_id FROM disbursement.payout_list"
                                                     " ORDER BY list_id DESC LIMIT 1"),
                                &id);
    assert_true(found);
    return id;
}

static struct id line_ids[64];
static int64_t line_amounts[64];

static size_t
lines_of(struct id list)
{
    IN(ListLines, LIST_LINES);

    in.list_id = wire(list);
    in.page_size = 64;
    const Disbursement__ListLinesReply *out =
        EXPECT_OK(ask_with_key(&officer, "ListLines", &in, ""));
    for (size_t i = 0; i < out->n_lines; i++) {
        line_ids[i] = unwire(out->lines[i]->line_id);
        line_amounts[i] = out->lines[i]->amount->fen;
    }
    return out->n_lines;
}

static struct got
checks(const struct person *who, struct id list, size_t count)
{
    IN(ApproveLines, APPROVE_LINES);
    Huzhu__Id *ids[64];

    for (size_t i = 0; i < count; i++)
        ids[i] = wire(line_ids[i]);
    in.list_id = wire(list);
    in.line_ids = ids;
    in.n_line_ids = count;
    return ask(who, "ApproveLines", &in);
}

static struct got
returns_line(const struct person *who, struct id line, const char *reason)
{
    IN(ReturnLine, RETURN_LINE);

    in.line_id = wire(line);
    in.reason = (char *) reason;
    return ask(who, "ReturnLine", &in);
}

static struct got
submits(const struct person *who, struct id list)
{
    IN(SubmitList, SUBMIT_LIST);

    in.list_id = wire(list);
    return ask(who, "SubmitList", &in);
}

static struct got
approves(const struct person *who, struct id list)
{
    IN(ApproveList, APPROVE_LIST);

    in.list_id = wire(list);
    return ask(who, "ApproveList", &in);
}

static Disbursement__PayoutList__State
list_state(struct id list)
{
    IN(GetList, GET_LIST);

    in.list_id = wire(list);
    return ((const Disbursement__GetListReply *) EXPECT_OK(
                ask_with_key(&auditor, "GetList", &in, "")))
        ->list->state;
}

static const Disbursement__GetLineReply *
line_now(struct id line)
{
    IN(GetLine, GET_LINE);

    in.line_id = wire(line);
    return EXPECT_OK(ask_with_key(&auditor, "GetLine", &in, ""));
}

static struct got
makes_batch(const struct person *who, struct id batch, const char *layout)
{
    IN(CreateBatch, CREATE_BATCH);

    in.batch_id = wire(batch);
    in.programme_id = wire(programme);
    in.layout = (char *) layout;
    return ask(who, "CreateBatch", &in);
}

static struct got
by_batch(const struct person *who, const char *rpc, struct id batch)
{
    IN(SendBatch, SEND_BATCH); /* SendBatch, CancelBatch, ExportBatch, ...: a batch_id alone */

    in.batch_id = wire(batch);
    in.base.descriptor = types_of(rpc)->input;
    return ask(who, rpc, &in);
}

/* A result in the generic layout: one letter for each item: P paid, F failed, U unknown. */
static const char *
result_of(struct id batch, const char *letters)
{
    static char text[4096];
    IN(ListBatchItems, LIST_BATCH_ITEMS);
    size_t at;

    in.batch_id = wire(batch);
    in.page_size = 64;
    const Disbursement__ListBatchItemsReply *out =
        EXPECT_OK(ask_with_key(&payer, "ListBatchItems", &in, ""));
    assert_int_equal(out->n_items, strlen(letters));
    at = (size_t) snprintf(text, sizeof text, "流水号,金额,状态,银行流水,日期,原因\r\n");
    for (size_t i = 0; i < out->n_items; i++) {
        char amount[MONEY_TEXT_BYTES];
        const char letter = letters[i];
        money_format((money_t){ out->items[i]->amount->fen }, amount);
        at += (size_t) snprintf(
            text + at, sizeof text - at, "%s,%s,%s,%s%s,,%s\r\n", out->items[i]->reference, amount,
            letter == 'P'   ? "成功"
            : letter == 'F' ? "失败"
                            : "处理中",
            letter == 'P' ? "B" : "", letter == 'P' ? out->items[i]->reference : "",
            letter == 'F' ? "账户已销户" : "");
    }
    return text;
}

static struct got
imports(const struct person *who, struct id batch, const char *text)
{
    IN(ImportBankResult, IMPORT_BANK_RESULT);

    in.batch_id = wire(batch);
    in.data = (ProtobufCBinaryData){ strlen(text), (uint8_t *) text };
    return ask(who, "ImportBankResult", &in);
}

static struct got
reissues(const struct person *who, struct id line)
{
    IN(ReissueLine, REISSUE_LINE);

    in.line_id = wire(line);
    return ask(who, "ReissueLine", &in);
}

static struct got
voids(const struct person *who, struct id line, const char *reason)
{
    IN(VoidLine, VOID_LINE);

    in.line_id = wire(line);
    in.reason = (char *) reason;
    return ask(who, "VoidLine", &in);
}

/* `n` claims of August, on a list whose money is set aside; it is 2 September. */
static struct id
reserved_list(int n)
{
    programme = id_mint(clock_now());
    programme_is(4, 1, 7);
    for (int i = 0; i < n; i++)
        (void) decided(i, 10000 + i, "2024-08-20");
    it_is("2024-09-01T00:05:00+08:00");
    /* A child that was killed may hold the duty's lock for a moment: the next round makes the list.
     */
    EVENTUALLY((duty_runs(), number("SELECT count(*) FROM disbursement.payout_list") == 1));
    const struct id list = only_list();
    assert_int_equal(lines_of(list), n);
    it_is("2024-09-02T09:00:00+08:00");
    EXPECT_OK(checks(&officer, list, (size_t) n));
    EXPECT_OK(submits(&officer, list));
    EXPECT_OK(approves(&approver, list));
    funds_reserved(list);
    assert_int_equal(list_state(list), DISBURSEMENT__PAYOUT_LIST__STATE__RESERVED);
    return list;
}

static struct id
sent_batch(void)
{
    const struct id batch = id_mint(clock_now());

    EXPECT_OK(makes_batch(&payer, batch, ""));
    EXPECT_OK(by_batch(&payer, "SendBatch", batch));
    return batch;
}

/* --- lists --- */

static void
req_003_20_last_months_list_is_there_at_five_past_midnight(void **state)
{
    (void) state;
    programme = id_mint(clock_now());
    programme_is(4, 1, 7);
    (void) decided(1, 10000, "2024-08-01");
    (void) decided(2, 20050, "2024-08-31");
    (void) decided(3, 70000, "2024-09-01"); /* September's */
    (void) decided(4, 0, "2024-08-15");     /* nothing to pay makes no line */
    it_is("2024-08-31T23:59:59+08:00");
    duty_runs();
    it_is("2024-09-01T00:04:50+08:00");
    duty_runs();
    assert_int_equal(told("ListPrepared"), 0);
    it_is("2024-09-01T00:05:00+08:00");
    duty_runs();
    duty_runs();
    assert_int_equal(told("ListPrepared"), 1);
    assert_int_equal(lines_of(only_list()), 2);
    assert_int_equal(number("SELECT total_fen FROM disbursement.payout_list"), 30050);
    assert_string_equal(cluster_ask(cluster, "SELECT pay_before FROM disbursement.payout_list"),
                        "2024-09-06");
    /* By hand it is the same list. */
    EXPECT_OK(prepares(&officer, "2024-08"));
    assert_int_equal(number("SELECT count(*) FROM disbursement.payout_list"), 1);
    /* What was decided in August but became known later joins the next list. */
    (void) decided(5, 5000, "2024-08-30");
    it_is("2024-10-01T00:05:01+08:00");
    duty_runs();
    assert_int_equal(number("SELECT count(*) FROM disbursement.payout_list"), 2);
    assert_int_equal(lines_of(only_list()), 2);
    assert_string_equal(cluster_ask(cluster, "SELECT pay_before FROM disbursement.payout_list"
                                             " WHERE postponed"),
                        "2024-10-08");
}

static void
only_a_programme_in_force_gets_lists(void **state)
{
    (void) state;
    programme = id_mint(clock_now());
    programme_is(7, 1, 7); /* STOPPING */
    (void) decided(1, 10000, "2024-08-01");
    it_is("2024-09-03T00:00:00+08:00");
    duty_runs();
    assert_int_equal(told("ListPrepared"), 0);
    EXPECT(prepares(&officer, "2024-08"), ERR_REFUSED, "programme.state");
    programme_is(5, 3, 7); /* SETTLING, list on the 3rd */
    duty_runs();
    assert_int_equal(told("ListPrepared"), 0); /* 00:00, not 00:05 */
    it_is("2024-09-03T00:05:00+08:00");
    duty_runs();
    assert_int_equal(told("ListPrepared"), 1);
}

static void
req_7_2_4b_a_line_that_goes_back_makes_the_next_version(void **state)
{
    (void) state;
    programme = id_mint(clock_now());
    programme_is(4, 1, 7);
    const struct id claim = decided(1, 10000, "2024-08-01");
    (void) decided(2, 20000, "2024-08-02");
    it_is("2024-09-02T09:00:00+08:00");
    EXPECT_OK(prepares(&officer, "2024-08"));
    const struct id list = only_list();
    assert_int_equal(lines_of(list), 2);
    EXPECT(returns_line(&officer, line_ids[0], "basis.code"), ERR_FORBIDDEN, "list.same_person");
    EXPECT(returns_line(&second, line_ids[0], "because"), ERR_INVALID, "return.reason");
    const Disbursement__ReturnLineReply *out =
        EXPECT_OK(returns_line(&second, line_ids[0], "basis.code"));
    assert_int_equal(out->list->version, 2);
    assert_int_equal(out->list->lines, 1);
    assert_int_equal(out->list->total->fen, 20000);
    assert_int_equal(told("LineReturned"), 1);
    assert_int_equal(told("ListPrepared"), 2);
    assert_int_equal(number("SELECT count(DISTINCT sha256) FROM disbursement.list_version"), 2);
    EXPECT(returns_line(&second, line_ids[0], "basis.code"), ERR_CONFLICT, "line.moved_on");
    /* It is on no list before it has its next price, and then on the next one. */
    it_is("2024-10-02T09:00:00+08:00");
    duty_runs();
    assert_int_equal(number("SELECT count(*) FROM disbursement.payout_list"), 1);
    claim_priced(claim, 9000, "2024-09-10");
    duty_runs();
    assert_int_equal(number("SELECT count(*) FROM disbursement.payout_list"), 2);
    assert_int_equal(lines_of(only_list()), 1);
    assert_int_equal(line_amounts[0], 9000);
}

static void
req_7_2_4a_an_approved_list_never_changes(void **state)
{
    (void) state;
    programme = id_mint(clock_now());
    programme_is(4, 1, 7);
    const struct id claim = decided(1, 10000, "2024-08-01");
    it_is("2024-09-02T09:00:00+08:00");
    duty_runs();
    const struct id list = only_list();
    (void) lines_of(list);
    EXPECT_OK(checks(&officer, list, 1));
    claim_priced(claim, 8000, "2024-09-02"); /* while it is looked through: the next version */
    assert_int_equal(number("SELECT version * 100000 + total_fen FROM disbursement.payout_list"),
                     208000);
    EXPECT(submits(&officer, list), ERR_REFUSED, "list.unchecked");
    EXPECT_OK(checks(&officer, list, 1));
    EXPECT_OK(submits(&officer, list));
    claim_priced(claim, 7000, "2024-09-02"); /* too late: parked for somebody to look at */
    assert_int_equal(parked("claim.on_line"), 1);
    EXPECT(returns_line(&second, line_ids[0], "basis.code"), ERR_CONFLICT, "list.moved_on");
    EXPECT(checks(&second, list, 1), ERR_CONFLICT, "list.moved_on");
    EXPECT(approves(&officer, list), ERR_FORBIDDEN, "call.role");
    EXPECT_OK(approves(&approver, list));
    EXPECT(approves(&approver, list), ERR_CONFLICT, "list.moved_on");
    assert_int_equal(told("ListApproved"), 1);
    assert_int_equal(number("SELECT total_fen FROM disbursement.payout_list"), 8000);
    assert_int_equal(number("SELECT octet_length(signature) FROM disbursement.payout_list"), 64);
}

static void
a_fund_that_is_short_is_asked_again(void **state)
{
    (void) state;
    programme = id_mint(clock_now());
    programme_is(4, 1, 7);
    (void) decided(1, 10000, "2024-08-01");
    it_is("2024-09-02T09:00:00+08:00");
    duty_runs();
    const struct id list = only_list();
    (void) lines_of(list);
    EXPECT_OK(checks(&officer, list, 1));
    EXPECT_OK(submits(&officer, list));
    Disbursement__ReturnListRequest back = DISBURSEMENT__RETURN_LIST_REQUEST__INIT;
    back.list_id = wire(list);
    back.reason = (char *) "请核对金额";
    EXPECT_OK(ask(&approver, "ReturnList", &back));
    EXPECT_OK(submits(&officer, list));
    EXPECT_OK(approves(&approver, list));
    Contributions__FundsRefused refused = CONTRIBUTIONS__FUNDS_REFUSED__INIT;
    refused.list_id = wire(list);
    refused.programme_id = wire(programme);
    refused.shortfall = fen(300);
    refused.reason = (char *) "fund.short";
    hear("contributions", &refused.base);
    assert_int_equal(list_state(list), DISBURSEMENT__PAYOUT_LIST__STATE__REFUSED);
    EXPECT(makes_batch(&payer, id_mint(clock_now()), ""), ERR_REFUSED, "batch.empty");
    EXPECT_OK(submits(&officer, list));
    EXPECT_OK(approves(&approver, list));
    funds_reserved(list);
    funds_reserved(list); /* told twice: the second is parked, nothing is doubled */
    assert_int_equal(parked("list.moved_on"), 1);
    assert_int_equal(told("ListApproved"), 2);
    assert_int_equal(list_state(list), DISBURSEMENT__PAYOUT_LIST__STATE__RESERVED);
}

/* --- banks --- */

static void
req_9_2_2a_the_file_leaves_signed_and_only_to_payers(void **state)
{
    char sum[65];
    uint8_t hash[SHA256_BYTES];

    (void) state;
    (void) reserved_list(3);
    const struct id batch = id_mint(clock_now());
    EXPECT_OK(makes_batch(&payer, batch, "generic"));
    EXPECT(by_batch(&payer, "ExportBatch", batch), ERR_CONFLICT, "batch.not_sent");
    EXPECT_OK(by_batch(&payer, "SendBatch", batch));
    EXPECT(by_batch(&payer, "CancelBatch", batch), ERR_CONFLICT, "batch.moved_on");
    EXPECT(by_batch(&officer, "ExportBatch", batch), ERR_FORBIDDEN, "call.role");
    const Disbursement__ExportBatchReply *file = EXPECT_OK(by_batch(&payer, "ExportBatch", batch));
    char *text = strndup((const char *) file->body.data, file->body.len);
    sha256(file->body.data, file->body.len, hash);
    for (size_t i = 0; i < sizeof hash; i++)
        (void) snprintf(sum + 2 * i, 3, "%02x", hash[i]);
    assert_string_equal(file->content_type, "text/csv; charset=utf-8");
    assert_string_equal(file->file_name, "202409020001.csv");
    static const char golden[] =
        "序号,流水号,收款人,收款账号,开户行,金额（元）,摘要\r\n"
        "1,20240902000100001,张小丰,6217001234567890122,农商银行,100.00,互助补助\r\n"
        "2,20240902000100002,张小丰,6228480012345678903,农商银行,100.01,互助补助\r\n"
        "3,20240902000100003,张小丰,6222021100123456789,农商银行,100.02,互助补助\r\n"
        "合计,202409020001,3,300.03,20240902\r\n";
    assert_string_equal(text, golden);
    free(text);
    assert_int_equal(told("SensitiveRead") >= 1, 1);

    const Disbursement__GetBatchSignatureReply *side =
        EXPECT_OK(by_batch(&auditor, "GetBatchSignature", batch));
    char *manifest = strndup((const char *) side->body.data, side->body.len);
    assert_non_null(strstr(manifest, sum));
    char *end = strstr(manifest, "signature: "), *key = strstr(manifest, "key: ");
    assert_true(end && key);
    uint8_t signature[128];
    size_t size;
    end[strlen(end) - 1] = '\0';
    assert_true(base64url_decode(end + strlen("signature: "), signature, sizeof signature, &size));
    *end = '\0';
    /* Checked with the public key alone, as an outsider would. */
    struct signer *signer;
    struct verifier *verifier;
    char trusted[160], key_id[KEY_ID_BYTES];
    struct err err;
    (void) snprintf(trusted, sizeof trusted, "%s/trusted", keys_folder(keys));
    (void) snprintf(key_id, sizeof key_id, "%.16s", key + 5);
    assert_int_equal(signer_load(key_path, &signer, &err), ERR_OK);
    assert_int_equal(trusted_keys_add(trusted, signer, (instant_t){ 0 }, &err), ERR_OK);
    assert_int_equal(verifier_load(trusted, &verifier, &err), ERR_OK);
    assert_true(verifier_check(verifier, key_id, manifest, strlen(manifest), signature, size));
    manifest[30] ^= 1;
    assert_false(verifier_check(verifier, key_id, manifest, strlen(manifest), signature, size));
    verifier_destroy(verifier);
    signer_destroy(signer);
    free(manifest);
    assert_int_equal(told("BatchSent"), 1);
}

static void
cards_lie_sealed_and_are_shown_masked(void **state)
{
    (void) state;
    const struct id list = reserved_list(2);
    (void) sent_batch();
    (void) lines_of(list);
    const Disbursement__GetLineReply *out = line_now(line_ids[0]);
    assert_string_equal(out->line->card, "6217 **** **** 0122");
    assert_string_equal(out->line->payee, "张*丰");
    assert_string_equal(out->line->drg, "ES31"); /* the auditor may see health */
    assert_int_equal(out->n_attempts, 1);
    IN(GetLine, GET_LINE);
    in.line_id = wire(line_ids[0]);
    out = EXPECT_OK(ask_with_key(&payer, "GetLine", &in, ""));
    assert_string_equal(out->line->drg, ""); /* a payer may not */
    /* The canary: nowhere in the schema in the clear. */
    static const char *const tables[] = { "claim", "line",  "bank_batch", "batch_item",
                                          "event", "reply", "parked" };
    for (size_t i = 0; i < COUNT(tables); i++) {
        char sql[256];
        (void) snprintf(
            sql, sizeof sql,
            "SELECT 1 FROM disbursement.%s t WHERE t::text LIKE '%%6217001234567890122%%'"
            " OR t::text LIKE '%%36323137303031323334353637383930313232%%'",
            tables[i]);
        assert_int_equal(cluster_sql(cluster, sql), 0);
    }
}

static void
req_7_2_4c_every_paid_line_has_a_receipt_and_failures_are_reissued_once_at_a_time(void **state)
{
    (void) state;
    const struct id list = reserved_list(3);
    struct id batch = sent_batch();
    assert_int_equal(list_state(list), DISBURSEMENT__PAYOUT_LIST__STATE__PAYING);
    it_is("2024-09-05T09:00:00+08:00");
    const Disbursement__ImportBankResultReply *out =
        EXPECT_OK(imports(&payer, batch, result_of(batch, "PFU")));
    assert_int_equal(out->verdict, DISBURSEMENT__IMPORT_BANK_RESULT_REPLY__VERDICT__APPLIED);
    assert_int_equal(out->batch->state, DISBURSEMENT__BANK_BATCH__STATE__SENT);
    assert_int_equal(out->paid * 100 + out->failed * 10 + out->unknown, 111);
    (void) lines_of(list);
    const struct id failed = line_ids[1];
    assert_string_equal(line_now(line_ids[0])->line->receipt, "B20240902000100001");
    assert_string_equal(line_now(failed)->line->failure, "account.closed");
    /* What the bank does not know yet is never sent again. */
    EXPECT(reissues(&officer, line_ids[2]), ERR_CONFLICT, "line.moved_on");
    /* The same file, and one that says nothing new. */
    out = EXPECT_OK(imports(&payer, batch, result_of(batch, "PFU")));
    assert_int_equal(out->verdict, DISBURSEMENT__IMPORT_BANK_RESULT_REPLY__VERDICT__SEEN_BEFORE);
    out = EXPECT_OK(imports(&payer, batch, result_of(batch, "PUU")));
    assert_int_equal(out->verdict, DISBURSEMENT__IMPORT_BANK_RESULT_REPLY__VERDICT__SEEN_BEFORE);
    out = EXPECT_OK(imports(&payer, batch, result_of(batch, "PFP")));
    assert_int_equal(out->batch->state, DISBURSEMENT__BANK_BATCH__STATE__ANSWERED);

    Claims__PayeeChanged changed = CLAIMS__PAYEE_CHANGED__INIT;
    changed.sealed = sealed_facts("event/PayeeChanged", "张小丰", cards[3]);
    changed.claim_id = wire(unwire(line_now(failed)->line->claim_id));
    changed.programme_id = wire(programme);
    hear("claims", &changed.base);
    assert_true(line_now(failed)->line->payee_changed);
    EXPECT_OK(reissues(&officer, failed));
    EXPECT(reissues(&officer, failed), ERR_CONFLICT, "line.moved_on");
    batch = sent_batch();
    EXPECT_OK(imports(&payer, batch, result_of(batch, "P")));
    const Disbursement__GetLineReply *line = line_now(failed);
    assert_int_equal(line->line->attempt, 2);
    assert_int_equal(line->n_attempts, 2);
    assert_string_equal(line->line->card, "6217 **** **** 0124");
    assert_int_equal(list_state(list), DISBURSEMENT__PAYOUT_LIST__STATE__SETTLED);
    assert_int_equal(told("PayoutConfirmed"), 3);
    assert_int_equal(told("PayoutFailed"), 1);
}

static void
a_result_that_takes_back_an_earlier_one_is_flagged_and_not_believed(void **state)
{
    (void) state;
    (void) reserved_list(2);
    const struct id batch = sent_batch();
    EXPECT_OK(imports(&payer, batch, result_of(batch, "PF")));
    const Disbursement__ImportBankResultReply *out =
        EXPECT_OK(imports(&payer, batch, result_of(batch, "FF")));
    assert_int_equal(out->verdict, DISBURSEMENT__IMPORT_BANK_RESULT_REPLY__VERDICT__CONTRADICTED);
    assert_int_equal(out->n_contradictions, 1);
    assert_true(out->batch->contradicted);
    assert_int_equal(out->batch->paid, 1);
    out = EXPECT_OK(imports(&payer, batch, result_of(batch, "PP")));
    assert_int_equal(out->verdict, DISBURSEMENT__IMPORT_BANK_RESULT_REPLY__VERDICT__CONTRADICTED);
    assert_int_equal(told("PayoutConfirmed"), 1);
    IN(GetPayoutFigures, GET_PAYOUT_FIGURES);
    const Disbursement__GetPayoutFiguresReply *figures =
        EXPECT_OK(ask_with_key(&auditor, "GetPayoutFigures", &in, ""));
    assert_int_equal(figures->contradicted, 1);
}

static void
a_line_is_given_up_by_another_person_and_for_good(void **state)
{
    (void) state;
    const struct id list = reserved_list(2);
    const struct id batch = sent_batch();
    (void) lines_of(list);
    EXPECT(voids(&approver, line_ids[0], "重复"), ERR_CONFLICT, "line.moved_on");
    EXPECT_OK(imports(&payer, batch, result_of(batch, "PF")));
    EXPECT(voids(&approver, line_ids[0], "重复"), ERR_CONFLICT, "line.moved_on");
    EXPECT(voids(&approver, line_ids[1], ""), ERR_INVALID, "words.missing");
    EXPECT(voids(&payer, line_ids[1], "收款人已去世"), ERR_FORBIDDEN, "call.role");
    struct person both = payer; /* who sent it, should that account ever approve too */
    both.roles |= ROLE_APPROVER;
    EXPECT(voids(&both, line_ids[1], "收款人已去世"), ERR_FORBIDDEN, "line.same_person");
    EXPECT_OK(voids(&approver, line_ids[1], "收款人已去世"));
    EXPECT(reissues(&officer, line_ids[1]), ERR_CONFLICT, "line.moved_on");
    assert_int_equal(told("PayoutVoided"), 1);
    assert_int_equal(list_state(list), DISBURSEMENT__PAYOUT_LIST__STATE__SETTLED);
}

static void
a_cancelled_batch_frees_its_lines(void **state)
{
    (void) state;
    (void) reserved_list(2);
    const struct id batch = id_mint(clock_now());
    EXPECT_OK(makes_batch(&payer, batch, "rural-bank"));
    EXPECT(makes_batch(&payer, id_mint(clock_now()), ""), ERR_REFUSED, "batch.empty");
    EXPECT_OK(by_batch(&payer, "CancelBatch", batch));
    EXPECT(by_batch(&payer, "SendBatch", batch), ERR_CONFLICT, "batch.moved_on");
    const struct id other = sent_batch();
    EXPECT_OK(imports(&payer, other, result_of(other, "PP")));
    assert_int_equal(told("PayoutConfirmed"), 2);
}

static void
a_tenants_own_layout_wins_and_keeps_its_versions(void **state)
{
    IN(SetBankLayout, SET_BANK_LAYOUT);
    Disbursement__ListBankLayoutsRequest all = DISBURSEMENT__LIST_BANK_LAYOUTS_REQUEST__INIT;

    (void) state;
    (void) reserved_list(1);
    in.name = (char *) "generic";
    in.text = (char *) "encoding: GB18030\ndelimiter: tab\nending: lf\namount: fen\n"
                       "columns: sequence payee card amount\n"
                       "result_columns: sequence amount status receipt\nresult_ok: Y\n"
                       "result_failed: N\n";
    EXPECT_OK(ask(&officer, "SetBankLayout", &in));
    const Disbursement__SetBankLayoutReply *set = EXPECT_OK(ask(&officer, "SetBankLayout", &in));
    assert_int_equal(set->layout->version, 2);
    const Disbursement__ListBankLayoutsReply *out =
        EXPECT_OK(ask_with_key(&payer, "ListBankLayouts", &all, ""));
    assert_int_equal(out->n_layouts, 2); /* the own generic and the built-in rural-bank */
    const struct id batch = sent_batch();
    const Disbursement__ExportBatchReply *file = EXPECT_OK(by_batch(&payer, "ExportBatch", batch));
    static const char golden[] = "1\t\xd5\xc5\xd0\xa1\xb7\xe1\t6217001234567890122\t10000\n";
    assert_int_equal(file->body.len, sizeof golden - 1);
    assert_memory_equal(file->body.data, golden, sizeof golden - 1);
    /* A later layout does not change how this batch's answer is read. */
    in.text = (char *) "columns: sequence payee card amount\nresult_columns: sequence amount status"
                       " receipt\nresult_ok: OK\nresult_failed: NO\n";
    EXPECT_OK(ask(&officer, "SetBankLayout", &in));
    EXPECT_OK(imports(&payer, batch, "1\t10000\tY\tR77\n"));
    assert_int_equal(told("PayoutConfirmed"), 1);
}

static void
req_7_2_4c_a_voucher_is_a_page_without_the_card(void **state)
{
    IN(GetVoucher, GET_VOUCHER);

    (void) state;
    const struct id list = reserved_list(1);
    (void) lines_of(list);
    in.line_id = wire(line_ids[0]);
    EXPECT(ask_with_key(&officer, "GetVoucher", &in, ""), ERR_CONFLICT, "line.unpaid");
    const struct id batch = sent_batch();
    EXPECT_OK(imports(&payer, batch, result_of(batch, "P")));
    const Disbursement__GetVoucherReply *out =
        EXPECT_OK(ask_with_key(&officer, "GetVoucher", &in, ""));
    char *page = strndup((const char *) out->body.data, out->body.len);
    assert_string_equal(out->content_type, "text/html; charset=utf-8");
    assert_non_null(strstr(page, "6217 **** **** 0122"));
    assert_null(strstr(page, "6217001234567890122"));
    assert_non_null(strstr(page, "¥100.00"));
    assert_non_null(strstr(page, "B20240902000100001"));
    free(page);
    EXPECT_OK(ask_with_key(&clerk, "GetVoucher", &in, ""));
    struct person elsewhere = clerk;
    elsewhere.organisation = id_mint(clock_now());
    EXPECT(ask_with_key(&elsewhere, "GetVoucher", &in, ""), ERR_NOT_FOUND, "line.none");
    struct person member = a_person(town, ROLE_MEMBER);
    member.organisation = village;
    EXPECT(ask_with_key(&member, "GetVoucher", &in, ""), ERR_NOT_FOUND, "line.none");
    member.own_person = unwire(line_now(line_ids[0])->line->person_id);
    EXPECT_OK(ask_with_key(&member, "GetVoucher", &in, ""));
    EXPECT(ask_with_key(&stranger, "GetVoucher", &in, ""), ERR_NOT_FOUND, "line.none");
}

static void
req_001_2e_figures_count_what_was_paid_in_time(void **state)
{
    IN(GetPayoutFigures, GET_PAYOUT_FIGURES);

    (void) state;
    (void) reserved_list(3);
    const Disbursement__GetPayoutFiguresReply *out =
        EXPECT_OK(ask_with_key(&auditor, "GetPayoutFigures", &in, ""));
    assert_int_equal(out->n_months, 1);
    assert_int_equal(out->months[0]->days_left, 4); /* 2 September to Friday the 6th */
    assert_int_equal(out->months[0]->waiting, 3);
    struct id batch = sent_batch();
    it_is("2024-09-06T23:59:59+08:00");
    EXPECT_OK(imports(&payer, batch, result_of(batch, "PPU")));
    it_is("2024-09-07T00:00:01+08:00");
    EXPECT_OK(imports(&payer, batch, result_of(batch, "PPP")));
    out = EXPECT_OK(ask_with_key(&auditor, "GetPayoutFigures", &in, ""));
    assert_int_equal(out->months[0]->days_left, -1);
    assert_int_equal(out->months[0]->paid, 3);
    assert_int_equal(out->months[0]->paid_in_time, 2);
    assert_int_equal(out->months[0]->in_time_share, 6666);
    assert_int_equal(out->in_time_share, 6666);
    struct person county = staff(ROLE_COUNTY_VIEWER, LABEL_MONEY);
    EXPECT_OK(ask_with_key(&county, "GetPayoutFigures", &in, ""));
}

/* --- refunds --- */

static const struct id refunds[] = { { { 5, 1 } }, { { 5, 2 } }, { { 5, 3 } }, { { 5, 4 } } };

static void
refunds_ordered(void)
{
    static const int routes[] = { 1, 2, 2, 3 };
    Contributions__RefundsOrdered in = CONTRIBUTIONS__REFUNDS_ORDERED__INIT;
    Contributions__RefundsOrdered__Refund refund[4], *list[4];
    Contributions__RefundsSealed accounts = CONTRIBUTIONS__REFUNDS_SEALED__INIT;
    Contributions__RefundsSealed__Account account = CONTRIBUTIONS__REFUNDS_SEALED__ACCOUNT__INIT;
    Contributions__RefundsSealed__Account *one[1] = { &account };
    struct sealing s = { .context = "event/RefundsOrdered" };
    uint8_t kept[1024];
    struct call c;

    account.refund_id = wire(refunds[0]);
    account.holder = (char *) "李四";
    account.account = (char *) cards[0];
    account.bank = (char *) "农商银行";
    accounts.accounts = one;
    accounts.n_accounts = 1;
    s.size = contributions__refunds_sealed__pack(&accounts, s.plain);
    arena_reset(thread->arena);
    call_init(&c, thread);
    assert_int_equal(svc_command_tx(&c, town, seal_step, &s), ERR_OK);
    memcpy(kept, s.sealed.data, s.sealed.len);
    for (size_t i = 0; i < 4; i++) {
        contributions__refunds_ordered__refund__init(&refund[i]);
        refund[i].refund_id = wire(refunds[i]);
        refund[i].village_id = wire(village);
        refund[i].person_id = wire((struct id){ { 8, (uint8_t) i } });
        refund[i].amount = fen(4000);
        refund[i].route = (Contributions__RefundsOrdered__Refund__Route) routes[i];
        list[i] = &refund[i];
    }
    in.programme_id = wire(programme);
    in.refunds = list;
    in.n_refunds = 4;
    in.sealed = (ProtobufCBinaryData){ s.sealed.len, kept };
    hear("contributions", &in.base);
}

static struct got
confirms_cash(const struct person *who, size_t first, size_t last)
{
    IN(ConfirmCashRefunds, CONFIRM_CASH_REFUNDS);
    Disbursement__ConfirmCashRefundsRequest__Receipt receipt[4], *list[4];
    size_t n = 0;

    for (size_t i = first; i <= last; i++, n++) {
        disbursement__confirm_cash_refunds_request__receipt__init(&receipt[n]);
        receipt[n].refund_id = wire(refunds[i]);
        receipt[n].upload_id = wire((struct id){ { 6 } });
        list[n] = &receipt[n];
    }
    in.receipts = list;
    in.n_receipts = n;
    return ask(who, "ConfirmCashRefunds", &in);
}

static struct got
confirms_source(const struct person *who, struct id refund, const char *receipt)
{
    IN(ConfirmSourceRefund, CONFIRM_SOURCE_REFUND);

    in.refund_id = wire(refund);
    in.bank_receipt = (char *) receipt;
    in.paid_on = day("2024-08-20");
    return ask(who, "ConfirmSourceRefund", &in);
}

static void
req_7_3_1b_refunds_go_back_by_their_original_route(void **state)
{
    IN(CreateBatch, CREATE_BATCH);

    (void) state;
    programme = id_mint(clock_now());
    programme_is(7, 1, 7);
    refunds_ordered();
    EXPECT(confirms_cash(&clerk, 0, 1), ERR_REFUSED, "refund.route");
    EXPECT(confirms_cash(&clerk, 3, 3), ERR_REFUSED, "refund.route");
    struct person elsewhere = clerk;
    elsewhere.organisation = id_mint(clock_now());
    EXPECT(confirms_cash(&elsewhere, 1, 2), ERR_NOT_FOUND, "refund.none");
    EXPECT_OK(confirms_cash(&clerk, 1, 2));
    EXPECT(confirms_cash(&clerk, 1, 1), ERR_CONFLICT, "line.moved_on");
    EXPECT(confirms_source(&officer, refunds[1], "R1"), ERR_REFUSED, "refund.route");
    EXPECT_OK(confirms_source(&officer, refunds[3], "R1"));
    assert_int_equal(told("RefundConfirmed"), 3);

    const struct id batch = id_mint(clock_now());
    in.batch_id = wire(batch);
    in.programme_id = wire(programme);
    in.kind = DISBURSEMENT__BANK_BATCH__KIND__REFUNDS;
    const Disbursement__CreateBatchReply *made = EXPECT_OK(ask(&payer, "CreateBatch", &in));
    assert_int_equal(made->batch->lines, 1);
    EXPECT_OK(by_batch(&payer, "SendBatch", batch));
    EXPECT_OK(imports(&payer, batch, result_of(batch, "F")));
    EXPECT(voids(&approver, refunds[0], "不退了"), ERR_REFUSED, "line.is_refund");
    EXPECT_OK(reissues(&officer, refunds[0]));
    const struct id again = id_mint(clock_now());
    in.batch_id = wire(again);
    EXPECT_OK(ask(&payer, "CreateBatch", &in));
    EXPECT_OK(by_batch(&payer, "SendBatch", again));
    EXPECT_OK(imports(&payer, again, result_of(again, "P")));
    assert_int_equal(told("RefundConfirmed"), 4);
    assert_int_equal(told("PayoutConfirmed"), 0);

    Disbursement__ListRefundsRequest all = DISBURSEMENT__LIST_REFUNDS_REQUEST__INIT;
    const Disbursement__ListRefundsReply *out =
        EXPECT_OK(ask_with_key(&clerk, "ListRefunds", &all, ""));
    assert_int_equal(out->n_refunds, 4);
    assert_string_equal(out->refunds[0]->card, "6217 **** **** 0122");
    out = EXPECT_OK(ask_with_key(&elsewhere, "ListRefunds", &all, ""));
    assert_int_equal(out->n_refunds, 0);
}

/* --- exactly once --- */

static void
journey(void)
{
    const struct id list = reserved_list(3);
    struct id batch = sent_batch();

    EXPECT_OK(imports(&payer, batch, result_of(batch, "PFP")));
    (void) lines_of(list);
    EXPECT_OK(reissues(&officer, line_ids[1]));
    batch = sent_batch();
    EXPECT_OK(imports(&payer, batch, result_of(batch, "P")));
    assert_int_equal(list_state(list), DISBURSEMENT__PAYOUT_LIST__STATE__SETTLED);
}

/* Goal: nothing is lost and nothing is doubled, wherever the process dies between approval and
 * confirmation.
 * Method: each step runs first in a child that is killed at the named point (or lives through a
 * step without it), and then again, the same request, in the parent. */
static void
req_7_2_4c_each_payout_happens_once_wherever_the_process_dies(void **state)
{
    static const char *const points[] = {
        "list.prepared", "list.approved",  "list.reserved", "batch.made",   "batch.sent",
        "result.line",   "result.applied", "line.reissued", "event.append", "replay.store",
        "db.commit",     "db.committed",   "feed.move",
    };

    (void) state;
#ifndef HUZHU_FAULTS
    skip();
#endif
    for (size_t i = 0; i < COUNT(points); i++) {
        assert_int_equal(clean(NULL), 0);
        deaths = 0;
        crash_at = points[i];
        journey();
        crash_at = NULL;
        if (deaths == 0)
            fail_msg("nothing died at %s", points[i]);
        print_message("%s: %d deaths\n", points[i], deaths);
        assert_int_equal(told("ListApproved"), 1);
        assert_int_equal(told("BatchSent"), 2);
        assert_int_equal(told("PayoutConfirmed"), 3);
        assert_int_equal(told("PayoutFailed"), 1);
        assert_int_equal(number("SELECT count(DISTINCT receipt) FROM disbursement.line"
                                " WHERE state = 'PAID'"),
                         3);
        assert_int_equal(number("SELECT sum(amount_fen) FROM disbursement.batch_item"
                                " WHERE outcome = 'PAID'"),
                         30003);
        assert_int_equal(number("SELECT count(*) FROM disbursement.parked"), 0);
        assert_int_equal(cluster_broken_invariants(cluster), 0);
    }
}

/* --- size, and whether the invariants can fail at all --- */

/* Every item of a batch is paid; `room` bytes hold the file. */
static void
result_of_all(struct id batch, char *text, size_t room)
{
    IN(ListBatchItems, LIST_BATCH_ITEMS);
    char token[16] = "";
    size_t at = (size_t) snprintf(text, room, "titles\n");

    in.batch_id = wire(batch);
    in.page_size = 128;
    in.page_token = token;
    do {
        const Disbursement__ListBatchItemsReply *out =
            EXPECT_OK(ask_with_key(&payer, "ListBatchItems", &in, ""));
        for (size_t i = 0; i < out->n_items; i++) {
            char amount[MONEY_TEXT_BYTES];
            money_format((money_t){ out->items[i]->amount->fen }, amount);
            at += (size_t) snprintf(text + at, room - at, "%s,%s,SUCCESS,B%s,,\n",
                                    out->items[i]->reference, amount, out->items[i]->reference);
        }
        (void) snprintf(token, sizeof token, "%s", out->next_page_token);
    } while (token[0] != '\0');
}

/* Goal: a township's large month fits every limit on its way (event, file, result, memory). */
static void
a_list_of_300_lines_goes_to_the_bank_and_back(void **state)
{
    static char result[65536];
    IN(CreateBatch, CREATE_BATCH);

    (void) state;
    programme = id_mint(clock_now());
    programme_is(4, 1, 7);
    for (int i = 0; i < 300; i++)
        (void) decided(i, 10000 + i, "2024-08-20");
    it_is("2024-09-02T09:00:00+08:00");
    int64_t from = clock_monotonic_us();
    duty_runs();
    const struct id list = only_list();
    cluster_sql(cluster, "UPDATE disbursement.line SET state = 'CHECKED'");
    EXPECT_OK(submits(&officer, list));
    EXPECT_OK(approves(&approver, list));
    funds_reserved(list);
    const struct id batch = id_mint(clock_now());
    in.batch_id = wire(batch);
    in.programme_id = wire(programme);
    const Disbursement__CreateBatchReply *made = EXPECT_OK(ask(&payer, "CreateBatch", &in));
    assert_int_equal(made->batch->lines, 300);
    assert_int_equal(made->batch->total->fen, 300 * 10000 + 299 * 300 / 2);
    EXPECT_OK(by_batch(&payer, "SendBatch", batch));
    result_of_all(batch, result, sizeof result);
    EXPECT_OK(imports(&payer, batch, result));
    print_message("300 lines prepared, approved, sent, answered in %lld ms\n",
                  (long long) ((clock_monotonic_us() - from) / 1000));
    assert_int_equal(told("PayoutConfirmed"), 300);
    assert_int_equal(list_state(list), DISBURSEMENT__PAYOUT_LIST__STATE__SETTLED);
}

static void
the_invariants_find_what_is_wrong(void **state)
{
    static const struct {
        const char *breaks, *mends;
    } cases[] = {
        { "UPDATE disbursement.line SET amount_fen = amount_fen + 1 WHERE attempt = 2",
          "UPDATE disbursement.line SET amount_fen = amount_fen - 1 WHERE attempt = 2" },
        { "UPDATE disbursement.payout_list SET total_fen = total_fen + 1",
          "UPDATE disbursement.payout_list SET total_fen = total_fen - 1" },
        { "UPDATE disbursement.payout_list SET submitted_by = approved_by",
          "UPDATE disbursement.payout_list SET submitted_by = NULL" },
        { "UPDATE disbursement.batch_item SET outcome = 'PAID' WHERE outcome = 'FAILED'",
          "UPDATE disbursement.batch_item SET outcome = 'FAILED' WHERE receipt IS NULL" },
        { "UPDATE disbursement.bank_batch SET total_fen = total_fen + 1",
          "UPDATE disbursement.bank_batch SET total_fen = total_fen - 1" },
        { "UPDATE disbursement.bank_batch SET state = 'SENT'",
          "UPDATE disbursement.bank_batch SET state = 'ANSWERED'" },
        { "UPDATE disbursement.event SET topic = topic || 'x' WHERE topic LIKE '%PayoutConfirmed'",
          "UPDATE disbursement.event SET topic = rtrim(topic, 'x') WHERE topic LIKE '%x'" },
    };

    (void) state;
    journey();
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(cluster_broken_invariants(cluster), 0);
        cluster_sql(cluster, cases[i].breaks);
        if (cluster_broken_invariants(cluster) == 0)
            fail_msg("nobody minds: %s", cases[i].breaks);
        cluster_sql(cluster, cases[i].mends);
    }
}

/* --- bad input --- */

static const char *
everything(void)
{
    static char sum[64];

    (void) snprintf(
        sum, sizeof sum, "%s",
        cluster_ask(
            cluster,
            "SELECT md5(concat((SELECT string_agg(t::text, '|' ORDER BY t::text) FROM"
            " disbursement.payout_list t), (SELECT string_agg(t::text, '|' ORDER BY t::text)"
            " FROM disbursement.line t), (SELECT string_agg(t::text, '|' ORDER BY t::text)"
            " FROM disbursement.bank_batch t), (SELECT string_agg(t::text, '|' ORDER BY"
            " t::text) FROM disbursement.batch_item t), (SELECT string_agg(t::text, '|'"
            " ORDER BY t::text) FROM disbursement.bank_result t), (SELECT"
            " string_agg(t::text, '|' ORDER BY t::text) FROM disbursement.bank_layout t),"
            " (SELECT string_agg(t::text, '|' ORDER BY t::text) FROM disbursement.claim t)))"));
    return sum;
}

static int bad_inputs;

static void
bad_at(int line, struct got answer, err_t code, const char *reason)
{
    static char before[64];

    (void) expect_at(line, answer, code, reason);
    if (bad_inputs++ == 0)
        (void) snprintf(before, sizeof before, "%s", everything());
    if (strcmp(before, everything()) != 0)
        fail_msg("line %d: the refused request left something", line);
}
#define BAD(answer, code, reason) bad_at(__LINE__, (answer), (code), (reason))

static void
bad_lists(struct id list)
{
    const struct id none = { { 77 } };
    IN(ListLists, LIST_LISTS);

    BAD(prepares(&officer, "2024-8"), ERR_INVALID, "month.form");
    BAD(prepares(&officer, ""), ERR_INVALID, "month.form");
    BAD(prepares(&officer, "2024-13"), ERR_INVALID, "month.form");
    BAD(prepares(&officer, "2024-09"), ERR_REFUSED, "month.running");
    BAD(prepares(&officer, "2024-07"), ERR_REFUSED, "list.empty");
    BAD(prepares(&approver, "2024-08"), ERR_FORBIDDEN, "call.role");
    BAD(prepares(&stranger, "2024-08"), ERR_NOT_FOUND, "programme.none");
    BAD(checks(&officer, list, 0), ERR_INVALID, "line.count");
    BAD(checks(&officer, none, 1), ERR_NOT_FOUND, "list.none");
    BAD(checks(&stranger, list, 1), ERR_NOT_FOUND, "list.none");
    BAD(checks(&payer, list, 1), ERR_FORBIDDEN, "call.role");
    BAD(checks(&officer, list, 1), ERR_CONFLICT, "list.moved_on");
    line_ids[1] = line_ids[0];
    BAD(checks(&officer, list, 2), ERR_INVALID, "line.twice");
    BAD(returns_line(&officer, none, "basis.code"), ERR_NOT_FOUND, "line.none");
    BAD(returns_line(&officer, line_ids[0], ""), ERR_INVALID, "return.reason");
    BAD(returns_line(&officer, line_ids[0], "basis.code"), ERR_CONFLICT, "line.moved_on");
    BAD(submits(&officer, none), ERR_NOT_FOUND, "list.none");
    BAD(submits(&officer, list), ERR_CONFLICT, "list.moved_on");
    BAD(submits(&payer, list), ERR_FORBIDDEN, "call.role");
    BAD(approves(&officer, list), ERR_FORBIDDEN, "call.role");
    BAD(approves(&approver, none), ERR_NOT_FOUND, "list.none");
    BAD(approves(&approver, list), ERR_CONFLICT, "list.moved_on");
    in.page_size = 501;
    BAD(ask_with_key(&officer, "ListLists", &in, ""), ERR_INVALID, "page.size");
    in.page_size = -1;
    BAD(ask_with_key(&officer, "ListLists", &in, ""), ERR_INVALID, "page.size");
    in.page_size = 0;
    in.page_token = (char *) "x";
    BAD(ask_with_key(&officer, "ListLists", &in, ""), ERR_INVALID, "page.token");
    Disbursement__ReturnListRequest back = DISBURSEMENT__RETURN_LIST_REQUEST__INIT;
    back.list_id = wire(list);
    BAD(ask(&approver, "ReturnList", &back), ERR_INVALID, "words.missing");
    back.reason = (char *) "a\tb";
    BAD(ask(&approver, "ReturnList", &back), ERR_INVALID, "words.missing");
    back.reason = (char *) "ok";
    BAD(ask(&approver, "ReturnList", &back), ERR_CONFLICT, "list.moved_on");
    Disbursement__GetListRequest get = DISBURSEMENT__GET_LIST_REQUEST__INIT;
    BAD(ask_with_key(&officer, "GetList", &get, ""), ERR_INVALID, "field.missing");
}

static struct got
batch_of(const struct person *who, const Disbursement__CreateBatchRequest *in)
{
    return ask(who, "CreateBatch", in);
}

static void
bad_batches(struct id list, struct id made)
{
    const struct id none = { { 77 } };
    IN(CreateBatch, CREATE_BATCH);
    Huzhu__Id *twice[2] = { wire(list), wire(list) }, *missing[1] = { wire(none) };
    Huzhu__Id *lines[2] = { wire(line_ids[0]), wire(line_ids[0]) };

    in.batch_id = wire(id_mint(clock_now()));
    in.programme_id = wire(programme);
    BAD(batch_of(&approver, &in), ERR_FORBIDDEN, "call.role");
    struct person both = approver; /* should that account ever hold both roles */
    both.roles |= ROLE_PAYER;
    BAD(batch_of(&both, &in), ERR_FORBIDDEN, "batch.same_person");
    in.list_ids = twice;
    in.n_list_ids = 2;
    BAD(batch_of(&payer, &in), ERR_REFUSED, "batch.duplicate");
    in.list_ids = missing;
    in.n_list_ids = 1;
    BAD(batch_of(&payer, &in), ERR_NOT_FOUND, "list.none");
    in.kind = DISBURSEMENT__BANK_BATCH__KIND__REFUNDS;
    BAD(batch_of(&payer, &in), ERR_INVALID, "batch.kind");
    in.kind = 0;
    in.n_list_ids = 0;
    in.line_ids = lines;
    in.n_line_ids = 2;
    BAD(batch_of(&payer, &in), ERR_REFUSED, "batch.duplicate");
    in.line_ids = missing;
    in.n_line_ids = 1;
    BAD(batch_of(&payer, &in), ERR_CONFLICT, "line.moved_on");
    in.n_line_ids = 0;
    in.layout = (char *) "nonsense";
    BAD(batch_of(&payer, &in), ERR_NOT_FOUND, "layout.none");
    in.layout = (char *) "";
    in.kind = DISBURSEMENT__BANK_BATCH__KIND__REFUNDS;
    BAD(batch_of(&payer, &in), ERR_REFUSED, "batch.empty");
    in.kind = 0;
    in.programme_id = wire(none);
    BAD(batch_of(&payer, &in), ERR_NOT_FOUND, "programme.none");
    in.programme_id = wire(programme);
    in.batch_id = wire(made);
    BAD(batch_of(&payer, &in), ERR_CONFLICT, "batch.exists");
    in.batch_id = NULL;
    BAD(batch_of(&payer, &in), ERR_INVALID, "field.missing");
    BAD(by_batch(&payer, "SendBatch", none), ERR_NOT_FOUND, "batch.none");
    BAD(by_batch(&payer, "GetBatch", none), ERR_NOT_FOUND, "batch.none");
    BAD(by_batch(&payer, "CancelBatch", none), ERR_NOT_FOUND, "batch.none");
    BAD(by_batch(&payer, "ExportBatch", made), ERR_CONFLICT, "batch.not_sent");
    BAD(by_batch(&auditor, "GetBatchSignature", made), ERR_CONFLICT, "batch.not_sent");
    BAD(imports(&payer, made, "x"), ERR_CONFLICT, "batch.moved_on");
    BAD(imports(&payer, none, "x"), ERR_NOT_FOUND, "batch.none");
    BAD(imports(&officer, made, "x"), ERR_FORBIDDEN, "call.role");
    BAD(imports(&payer, made, ""), ERR_INVALID, "result.empty");
    Disbursement__ListBatchItemsRequest items = DISBURSEMENT__LIST_BATCH_ITEMS_REQUEST__INIT;
    items.batch_id = wire(made);
    items.page_token = (char *) "1x";
    BAD(ask_with_key(&payer, "ListBatchItems", &items, ""), ERR_INVALID, "page.token");
    Disbursement__ListBatchesRequest batches = DISBURSEMENT__LIST_BATCHES_REQUEST__INIT;
    batches.page_size = 1000;
    BAD(ask_with_key(&payer, "ListBatches", &batches, ""), ERR_INVALID, "page.size");
}

static void
bad_rest(void)
{
    const struct id none = { { 77 } };
    IN(SetBankLayout, SET_BANK_LAYOUT);

    in.name = (char *) "A";
    BAD(ask(&officer, "SetBankLayout", &in), ERR_INVALID, "layout.name");
    in.name = (char *) "ok";
    BAD(ask(&officer, "SetBankLayout", &in), ERR_INVALID, "layout.malformed");
    BAD(ask(&payer, "SetBankLayout", &in), ERR_FORBIDDEN, "call.role");
    BAD(reissues(&officer, none), ERR_NOT_FOUND, "line.none");
    BAD(reissues(&officer, line_ids[0]), ERR_CONFLICT, "line.moved_on");
    BAD(voids(&approver, none, "x"), ERR_NOT_FOUND, "line.none");
    BAD(confirms_cash(&clerk, 1, 1), ERR_NOT_FOUND, "line.none");
    BAD(confirms_source(&officer, none, "R"), ERR_NOT_FOUND, "line.none");
    BAD(confirms_source(&officer, none, ""), ERR_INVALID, "refund.receipt");
    BAD(confirms_source(&officer, none, "a b"), ERR_INVALID, "refund.receipt");
    Disbursement__ConfirmCashRefundsRequest cash = DISBURSEMENT__CONFIRM_CASH_REFUNDS_REQUEST__INIT;
    BAD(ask(&clerk, "ConfirmCashRefunds", &cash), ERR_INVALID, "refund.count");
    Disbursement__ConfirmSourceRefundRequest source =
        DISBURSEMENT__CONFIRM_SOURCE_REFUND_REQUEST__INIT;
    source.refund_id = wire(refunds[3]);
    source.bank_receipt = (char *) "R";
    BAD(ask(&officer, "ConfirmSourceRefund", &source), ERR_INVALID, "refund.date");
    source.paid_on = day("2099-01-01");
    BAD(ask(&officer, "ConfirmSourceRefund", &source), ERR_INVALID, "refund.date");
    Disbursement__GetPayoutFiguresRequest figures = DISBURSEMENT__GET_PAYOUT_FIGURES_REQUEST__INIT;
    figures.month = (char *) "x";
    BAD(ask_with_key(&officer, "GetPayoutFigures", &figures, ""), ERR_INVALID, "month.form");
    BAD(ask_with_key(&clerk, "GetPayoutFigures", &figures, ""), ERR_FORBIDDEN, "call.role");
}

static void
bad_input_is_refused_with_its_reason_and_leaves_nothing(void **state)
{
    IN(CreateBatch, CREATE_BATCH);
    Huzhu__Id *lines[1];

    (void) state;
    const struct id list = reserved_list(3);
    (void) lines_of(list);
    /* Two lines wait, one is in a batch that has not been sent. */
    const struct id made = id_mint(clock_now()), in_batch = line_ids[2];
    lines[0] = wire(in_batch);
    in.batch_id = wire(made);
    in.programme_id = wire(programme);
    in.line_ids = lines;
    in.n_line_ids = 1;
    EXPECT_OK(batch_of(&payer, &in));
    bad_inputs = 0;
    bad_lists(list);
    bad_batches(list, made);
    bad_rest();
    print_message("%d bad inputs\n", bad_inputs);
    assert_true(bad_inputs >= 60);
}

/* 003-22, 001-2 d: what is paid follows from the claim; nobody types it. */
static void
req_003_22_no_request_takes_an_amount(void **state)
{
    const ProtobufCServiceDescriptor *service = &disbursement__disbursement__descriptor;

    (void) state;
    for (unsigned i = 0; i < service->n_methods; i++) {
        const ProtobufCMessageDescriptor *in = service->methods[i].input;
        for (unsigned k = 0; k < in->n_fields; k++)
            if (in->fields[k].descriptor == &huzhu__money__descriptor ||
                strstr(in->fields[k].name, "amount") || strstr(in->fields[k].name, "fen"))
                fail_msg("%s.%s", in->name, in->fields[k].name);
    }
    assert_true(svc_is_complete(&disbursement_service));
}

#define CLEAN(test) cmocka_unit_test_setup_teardown(test, clean, broken)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLEAN(req_003_20_last_months_list_is_there_at_five_past_midnight),
        CLEAN(only_a_programme_in_force_gets_lists),
        CLEAN(req_7_2_4b_a_line_that_goes_back_makes_the_next_version),
        CLEAN(req_7_2_4a_an_approved_list_never_changes),
        CLEAN(a_fund_that_is_short_is_asked_again),
        CLEAN(req_9_2_2a_the_file_leaves_signed_and_only_to_payers),
        CLEAN(cards_lie_sealed_and_are_shown_masked),
        CLEAN(req_7_2_4c_every_paid_line_has_a_receipt_and_failures_are_reissued_once_at_a_time),
        CLEAN(a_result_that_takes_back_an_earlier_one_is_flagged_and_not_believed),
        CLEAN(a_line_is_given_up_by_another_person_and_for_good),
        CLEAN(a_cancelled_batch_frees_its_lines),
        CLEAN(a_tenants_own_layout_wins_and_keeps_its_versions),
        CLEAN(req_7_2_4c_a_voucher_is_a_page_without_the_card),
        CLEAN(req_001_2e_figures_count_what_was_paid_in_time),
        CLEAN(req_7_3_1b_refunds_go_back_by_their_original_route),
        CLEAN(req_7_2_4c_each_payout_happens_once_wherever_the_process_dies),
        CLEAN(a_list_of_300_lines_goes_to_the_bank_and_back),
        CLEAN(the_invariants_find_what_is_wrong),
        CLEAN(bad_input_is_refused_with_its_reason_and_leaves_nothing),
        CLEAN(req_003_22_no_request_takes_an_amount),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
