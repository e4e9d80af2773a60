/* coding_world.h - a town with a frozen table, coders, reviewers and claims, for tests of the
 * coding queue.  Included by one test program each. */
#ifndef HUZHU_TEST_CODING_WORLD_H
#define HUZHU_TEST_CODING_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "caller.h"
#include "cluster.h"
#include "coding.pb-c.h"
#include "coding/coding.h"
#include "coding/consumers.h"
#include "coding/service.h"
#include "test.h"

struct coding_world {
    struct cluster *cluster;
    struct keys *keys;
    struct runtime *rt;
    struct svc_thread *thread;
    struct coding_conf conf;
    char folder[64], clock[96];
};

static struct coding_world w;
static const struct id town = { { 1, 2, 3 } }, other_town = { { 2, 3, 4 } };

/* --- opening and closing --- */

static inline bool
shell(const char *command)
{
    return system(command) == 0;
}

static inline bool
compile_starter(void)
{
    char command[1024];

    (void) snprintf(w.folder, sizeof w.folder, "/tmp/huzhu-queue-XXXXXX");
    if (!mkdtemp(w.folder))
        return false;
    (void) snprintf(w.clock, sizeof w.clock, "%s/clock", w.folder);
    (void) snprintf(command, sizeof command,
                    "'%s/bin/huzhu-drg' compile '%s/services/coding/scheme/starter' -o '%s/1.hzs' "
                    ">/dev/null 2>&1",
                    HUZHU_BINARY_DIR, HUZHU_SOURCE_DIR, w.folder);
    return shell(command);
}

static inline int
world_open(void **state)
{
    struct err err = { 0 };

    (void) state;
    log_open("coding_queue_test", LOG_ERROR);
    w.cluster = cluster_start();
    w.keys = keys_make();
    if (!w.cluster || !w.keys || !compile_starter() || !cluster_migrate(w.cluster, &coding_service))
        return -1;
    w.conf = (struct coding_conf){ .scheme_folder = w.folder, .lease = 60000, .jobs_held_most = 5 };
    const struct runtime_conf conf = {
        .database_url = cluster_url(w.cluster, "huzhu_coding"),
        .feed_url = cluster_url(w.cluster, "huzhu_coding_feed"),
        .principal_keys = keys_principals(w.keys),
        .master_keys = keys_ring(w.keys),
        .business_clock = w.clock,
        .worker_threads = 1,
        .reply_keep = 1000,
    };
    if (runtime_create(&coding_service, &conf, &w.conf, &w.rt, &err) == ERR_OK &&
        svc_thread_create(w.rt, 5000, &w.thread, &err) == ERR_OK)
        return 0;
    print_error("%s %s\n", err.reason, err.text);
    return -1;
}

static inline int
world_close(void **state)
{
    char command[128];

    (void) state;
    svc_thread_destroy(w.thread);
    runtime_destroy(w.rt);
    keys_remove(w.keys);
    const int broken = cluster_broken_invariants(w.cluster);
    cluster_stop(w.cluster);
    (void) snprintf(command, sizeof command, "rm -rf '%s'", w.folder);
    return shell(command) && broken == 0 ? 0 : -1;
}

/* Business time stands this many days from the wall clock's. */
static inline void
days_pass(int days)
{
    char path[128];
    FILE *out;

    (void) snprintf(path, sizeof path, "%s.new", w.clock);
    out = fopen(path, "w");
    assert_non_null(out);
    (void) fprintf(out, "%lld\n", (long long) days * US_PER_DAY);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(rename(path, w.clock), 0);
}

static inline int
world_clean(void **state)
{
    (void) state;
    if (cluster_broken_invariants(w.cluster) != 0) /* what the last test left */
        return -1;
    (void) unlink(w.clock);
    w.conf.lease = 60000;
    cluster_sql(w.cluster,
                "TRUNCATE coding.year_scheme, coding.event, coding.reply, coding.programme, "
                "coding.subsidy_table, coding.subsidy_row, coding.certificate, "
                "coding.household_member, coding.job, coding.job_document, coding.coded_stay, "
                "coding.price_step, coding.person_total, coding.unfit");
    return 0;
}

/* --- asking --- */

static Bus__Answer answer;

static inline err_t
ask_in(struct svc_thread *thread, const struct person *person, const char *method,
       const ProtobufCMessage *in, Bus__Answer *out)
{
    static _Atomic int keys_given;
    char key[32];

    (void) snprintf(key, sizeof key, "k%d", ++keys_given);
    struct request_of *request = request_of(w.keys, person, method, in, key);
    svc_thread_answer(thread, "gateway", &request->envelope, out);
    const err_t code = bus_err_from_code(out->code);
    request_free(request);
    return code;
}

static inline err_t
asks(const struct person *person, const char *method, const ProtobufCMessage *in)
{
    return ask_in(w.thread, person, method, in, &answer);
}

#define MUST(person, method, in)                                                                   \
    do {                                                                                           \
        if (asks((person), (method), (in)) != ERR_OK)                                              \
            fail_msg("%s: %s %s", (method), answer.reason, answer.text);                           \
    } while (0)
#define REFUSES(person, method, in, code_, reason_)                                                \
    do {                                                                                           \
        const err_t code__ = asks((person), (method), (in));                                       \
        if (code__ != (code_) || strcmp(answer.reason, (reason_)) != 0)                            \
            fail_msg("%s: %s %s %s", (method), err_name(code__), answer.reason, answer.text);      \
    } while (0)
#define REPLY(type, fn) ((type *) fn##__unpack(NULL, answer.body.len, answer.body.data))

/* An id as a message, in one of 64 buffers. */
static inline Huzhu__Id *
wire(const struct id *id)
{
    static Huzhu__Id messages[64];
    static struct id ids[64];
    static size_t next;
    const size_t at = next++ % COUNT(messages);

    ids[at] = *id;
    huzhu__id__init(&messages[at]);
    messages[at].value = (ProtobufCBinaryData){ 16, ids[at].bytes };
    return &messages[at];
}

static inline struct id
id_of(const Huzhu__Id *in)
{
    struct id id;

    assert_non_null(in);
    assert_int_equal(in->value.len, 16);
    memcpy(id.bytes, in->value.data, 16);
    return id;
}

static inline struct id
a_new_id(void)
{
    return id_mint(clock_now());
}

static inline struct person
staff(role_set_t roles)
{
    struct person person = a_person(town, roles);

    person.clearance = LABEL_HEALTH;
    return person;
}

/* --- telling: events of others, by the consumers themselves in one transaction --- */

SVC_EVENT_THUNK(coding_on_programme, Contributions__ProgrammeChanged)

struct told {
    svc_consumer_fn *consumer;
    const ProtobufCMessage *message;
};
static inline err_t
tell_step(struct call *c, void *arg)
{
    const struct told *told = arg;

    return told->consumer(c, told->message);
}
static inline err_t
tells(struct id tenant, svc_consumer_fn *consumer, const ProtobufCMessage *message)
{
    struct told told = { consumer, message };
    struct call c;

    call_init(&c, w.thread);
    const err_t code = svc_command_tx(&c, tenant, tell_step, &told);
    if (code != ERR_OK)
        print_message("told: %s %s\n", c.err.reason, c.err.text);
    return code;
}
#define TELLS(fn, message) assert_int_equal(tells(town, (fn), (message)), ERR_OK)

/* --- programmes and tables --- */

struct limits {
    int64_t least, most, person; /* fen; 0: none */
    bool own_payment;
};

static inline struct id
a_programme(struct limits limits)
{
    static int64_t version;
    static Contributions__Programme__Exclusion excluded[] = {
        CONTRIBUTIONS__PROGRAMME__EXCLUSION__COSMETIC,
        CONTRIBUTIONS__PROGRAMME__EXCLUSION__WORK_INJURY,
        CONTRIBUTIONS__PROGRAMME__EXCLUSION__CRIME, CONTRIBUTIONS__PROGRAMME__EXCLUSION__THIRD_PARTY
    };
    Contributions__ProgrammeChanged event = CONTRIBUTIONS__PROGRAMME_CHANGED__INIT;
    Contributions__Programme p = CONTRIBUTIONS__PROGRAMME__INIT;
    Huzhu__Money least = HUZHU__MONEY__INIT, most = HUZHU__MONEY__INIT, person = HUZHU__MONEY__INIT;
    const struct id id = a_new_id();
    const struct schemes *schemes = w.rt->state;

    p.programme_id = wire(&id);
    p.year = 2026;
    p.name = (char *) "某镇互助方案";
    p.scheme_checksum = (char *) (uintptr_t) drg_scheme_identity(schemes->open[0])->checksum;
    least.fen = limits.least;
    most.fen = limits.most;
    person.fen = limits.person;
    p.claim_least = limits.least ? &least : NULL;
    p.claim_most = limits.most ? &most : NULL;
    p.person_most = limits.person ? &person : NULL;
    p.own_payment_limits = limits.own_payment;
    p.decision_workdays = 5;
    p.exclusions = excluded;
    p.n_exclusions = COUNT(excluded);
    p.version = ++version;
    event.programme = &p;
    TELLS(coding_on_programme_thunk, &event.base);
    return id;
}

/* Every group of the starter scheme at 800.00 yuan, but for those that say otherwise; to be freed.
 */
static inline char *
a_table_text(size_t leave_out, const char *more)
{
    const struct schemes *schemes = w.rt->state;
    const struct drg_group_name *groups;
    const size_t count = drg_names_groups(schemes->names[0], &groups);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    (void) fputs("drg\tname\tparent\tamount\tage_from\tage_to\tsex\tseverity\n", out);
    for (size_t i = 0; i < count; i++)
        if (!groups[i].ambiguous && i >= leave_out)
            (void) fprintf(out, "%s\t%s\t\t%s\t\t\t\t1.5\n", groups[i].drg, groups[i].name,
                           strncmp(groups[i].drg, "BR31", 4) == 0 ? "3000.00" : "800.00");
    (void) fputs(more, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static inline err_t
creates_table(const struct person *designer, struct id table, struct id programme, char *text)
{
    Coding__CreateSubsidyTableRequest in = CODING__CREATE_SUBSIDY_TABLE_REQUEST__INIT;

    in.table_id = wire(&table);
    in.programme_id = wire(&programme);
    in.text = text;
    return asks(designer, "CreateSubsidyTable", &in.base);
}

static inline struct id
a_frozen_table(struct id programme, const char *more)
{
    const struct person designer = staff(ROLE_DESIGNER), officer = staff(ROLE_APPROVER);
    Coding__ConfirmSubsidyTableRequest confirm = CODING__CONFIRM_SUBSIDY_TABLE_REQUEST__INIT;
    Coding__FreezeSubsidyTableRequest freeze = CODING__FREEZE_SUBSIDY_TABLE_REQUEST__INIT;
    const struct id id = a_new_id();
    char *text = a_table_text(0, more);

    if (creates_table(&designer, id, programme, text) != ERR_OK)
        fail_msg("%s %s", answer.reason, answer.text);
    free(text);
    confirm.table_id = freeze.table_id = wire(&id);
    MUST(&officer, "ConfirmSubsidyTable", &confirm.base);
    MUST(&officer, "FreezeSubsidyTable", &freeze.base);
    return id;
}

/* --- coders and claims --- */

static inline void
gives_certificate(const struct person *coder, date_t from, date_t until)
{
    const struct person officer = staff(ROLE_TOWNSHIP_OFFICER);
    Coding__RecordCertificateRequest in = CODING__RECORD_CERTIFICATE_REQUEST__INIT;
    Huzhu__Date first = HUZHU__DATE__INIT, last = HUZHU__DATE__INIT;

    first.days = from.days;
    last.days = until.days;
    in.account_id = wire(&coder->account);
    in.number = (char *) "BM-2026-0001";
    in.valid_from = &first;
    in.valid_until = &last;
    MUST(&officer, "RecordCertificate", &in.base);
}

static inline date_t
today(void)
{
    return date_of(clock_now());
}

static inline struct person
a_coder(void)
{
    const struct person coder = staff(ROLE_CODER);

    gives_certificate(&coder, (date_t){ today().days - 1000 }, (date_t){ today().days + 2000 });
    return coder;
}

struct claim {
    struct id id, programme, person, household, village, filed_by, uploads[2];
    int due_in;          /* days from today */
    int64_t own_payment; /* fen */
    int sex;             /* 1 male, 2 female */
    int age;
};

struct accepted {
    Claims__ClaimAccepted event;
    Claims__ClaimAccepted__Document documents[2], *document_list[2];
    Huzhu__Date complete, due;
    struct claim claim;
};

static inline err_t
accept_step(struct call *c, const ProtobufCMessage *first)
{
    struct accepted *a = (struct accepted *) (uintptr_t) first; /* its first member */
    Claims__ClaimFacts facts = CLAIMS__CLAIM_FACTS__INIT;
    Huzhu__Date birth = HUZHU__DATE__INIT, admitted = HUZHU__DATE__INIT,
                discharged = HUZHU__DATE__INIT;
    Huzhu__Money own = HUZHU__MONEY__INIT;
    uint8_t packed[512];

    admitted.days = today().days - 20;
    discharged.days = today().days - 12;
    birth.days = admitted.days - a->claim.age * 366;
    own.fen = a->claim.own_payment;
    facts.name = (char *) "王金丹雀";
    facts.payee = (char *) "王金丹雀";
    facts.card = (char *) "6217001234567890122";
    facts.hospital = (char *) "县人民医院";
    facts.hospital_level = (char *) "2";
    facts.sex = (uint32_t) a->claim.sex;
    facts.birth = &birth;
    facts.admitted = &admitted;
    facts.discharged = &discharged;
    facts.own_payment = &own;
    const size_t size = claims__claim_facts__pack(&facts, packed);
    TRY(call_seal_shared(c, "event/ClaimAccepted", packed, size, &a->event.sealed));
    return coding_on_accepted(c, &a->event);
}

static inline void
is_accepted(const struct claim *claim)
{
    struct accepted a = { .claim = *claim };

    claims__claim_accepted__init(&a.event);
    huzhu__date__init(&a.complete);
    huzhu__date__init(&a.due);
    a.complete.days = today().days - 3;
    a.due.days = today().days + claim->due_in;
    a.event.claim_id = wire(&claim->id);
    a.event.number = (char *) "2026-000001";
    a.event.programme_id = wire(&claim->programme);
    a.event.person_id = wire(&claim->person);
    a.event.household_id = wire(&claim->household);
    a.event.village_id = wire(&claim->village);
    a.event.filed_by = wire(&claim->filed_by);
    a.event.complete_on = &a.complete;
    a.event.due_on = &a.due;
    for (size_t i = 0; i < 2; i++) {
        claims__claim_accepted__document__init(&a.documents[i]);
        a.documents[i].upload_id = wire(&claim->uploads[i]);
        a.documents[i].kind = (Contributions__Paper__Kind) (i + 1);
        a.document_list[i] = &a.documents[i];
    }
    a.event.documents = a.document_list;
    a.event.n_documents = 2;
    TELLS(accept_step, &a.event.base);
}

static inline struct claim
a_claim(struct id programme, int due_in)
{
    const struct claim claim = { .id = a_new_id(),
                                 .programme = programme,
                                 .person = a_new_id(),
                                 .household = a_new_id(),
                                 .village = a_new_id(),
                                 .filed_by = a_new_id(),
                                 .uploads = { a_new_id(), a_new_id() },
                                 .due_in = due_in,
                                 .own_payment = 500000,
                                 .sex = 2,
                                 .age = 60 };

    is_accepted(&claim);
    return claim;
}

/* The claim that was handed out; nil: none. */
static inline struct id
takes_in(struct svc_thread *thread, const struct person *coder, Bus__Answer *out)
{
    Coding__TakeJobRequest in = CODING__TAKE_JOB_REQUEST__INIT;
    struct id claim = { { 0 } };

    if (ask_in(thread, coder, "TakeJob", &in.base, out) != ERR_OK)
        fail_msg("TakeJob: %s %s", out->reason, out->text);
    Coding__TakeJobReply *reply =
        coding__take_job_reply__unpack(NULL, out->body.len, out->body.data);
    if (reply->job)
        claim = id_of(reply->job->claim_id);
    coding__take_job_reply__free_unpacked(reply, NULL);
    return claim;
}
static inline struct id
takes(const struct person *coder)
{
    return takes_in(w.thread, coder, &answer);
}

struct submission {
    Coding__SubmitCodingRequest in;
    Coding__Coded coded;
    char *diagnoses[4], *procedures[4];
    struct id coding;
};
static inline void
a_submission(struct submission *s, struct id claim, const char *diagnosis)
{
    coding__submit_coding_request__init(&s->in);
    coding__coded__init(&s->coded);
    s->coding = a_new_id();
    s->in.claim_id = wire(&claim);
    s->in.coding_id = wire(&s->coding);
    s->in.coded = &s->coded;
    s->coded.code_set = CODING__CODE_SET__NAME__INSURANCE;
    s->diagnoses[0] = (char *) (uintptr_t) diagnosis;
    s->coded.diagnoses = s->diagnoses;
    s->coded.n_diagnoses = 1;
    s->coded.procedures = s->procedures;
    s->coded.leaving = (char *) "1";
}

/* The coding's id. */
static inline struct id
submits(const struct person *coder, struct id claim, const char *diagnosis)
{
    struct submission s;

    a_submission(&s, claim, diagnosis);
    MUST(coder, "SubmitCoding", &s.in.base);
    return s.coding;
}

static inline struct id
takes_review(const struct person *reviewer, struct id *coding)
{
    Coding__TakeReviewRequest in = CODING__TAKE_REVIEW_REQUEST__INIT;
    struct id claim = { { 0 } };

    MUST(reviewer, "TakeReview", &in.base);
    Coding__TakeReviewReply *reply = REPLY(Coding__TakeReviewReply, coding__take_review_reply);
    if (reply->job) {
        claim = id_of(reply->job->claim_id);
        if (coding)
            *coding = id_of(reply->coding_id);
    }
    coding__take_review_reply__free_unpacked(reply, NULL);
    return claim;
}

/* What was priced, in fen. */
static inline int64_t
approves(const struct person *reviewer, struct id claim, struct id coding)
{
    Coding__ApproveCodingRequest in = CODING__APPROVE_CODING_REQUEST__INIT;

    in.claim_id = wire(&claim);
    in.coding_id = wire(&coding);
    MUST(reviewer, "ApproveCoding", &in.base);
    Coding__ApproveCodingReply *reply =
        REPLY(Coding__ApproveCodingReply, coding__approve_coding_reply);
    const int64_t fen = reply->price->payable->fen;
    coding__approve_coding_reply__free_unpacked(reply, NULL);
    return fen;
}

/* From the queue to a price, by new people. */
static inline int64_t
is_priced(struct id claim, const char *diagnosis)
{
    const struct person coder = a_coder(), reviewer = staff(ROLE_REVIEWER);
    struct id coding;

    if (id_cmp(takes(&coder), claim) != 0)
        fail_msg("another claim was handed out, or none");
    (void) submits(&coder, claim, diagnosis);
    if (id_cmp(takes_review(&reviewer, &coding), claim) != 0)
        fail_msg("another claim was handed out for review, or none");
    return approves(&reviewer, claim, coding);
}

static inline int
told(const char *event)
{
    char sql[160];

    (void) snprintf(sql, sizeof sql, "SELECT FROM coding.event WHERE topic = 'huzhu.coding.v1.%s'",
                    event);
    return cluster_sql(w.cluster, sql);
}

static inline const char *
state_of(struct id claim)
{
    char sql[160], text[ID_TEXT_BYTES];

    id_format(claim, text);
    (void) snprintf(sql, sizeof sql, "SELECT state FROM coding.job WHERE claim_id = '%s'", text);
    return cluster_ask(w.cluster, sql);
}

#endif
