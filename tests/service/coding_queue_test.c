/* coding_queue_test.c - subsidy tables, the queue, coding, review and prices on a real PostgreSQL.
 */
#include "coding_world.h"

#include <pthread.h>

#include "fault/fault.h"

SVC_EVENT_THUNK(coding_on_due_day, Claims__DueDayChanged)
SVC_EVENT_THUNK(coding_on_withdrawn, Claims__ClaimWithdrawn)
SVC_EVENT_THUNK(coding_on_refused, Claims__ClaimRefused)
SVC_EVENT_THUNK(coding_on_line_returned, Disbursement__LineReturned)
SVC_EVENT_THUNK(coding_on_households, Identity__HouseholdsRecorded)

/* --- subsidy tables --- */

static void
req_003_13_a_table_is_confirmed_by_another_and_then_frozen(void **state)
{
    const struct person designer = staff(ROLE_DESIGNER | ROLE_TOWNSHIP_OFFICER),
                        officer = staff(ROLE_TOWNSHIP_OFFICER);
    Coding__ConfirmSubsidyTableRequest confirm = CODING__CONFIRM_SUBSIDY_TABLE_REQUEST__INIT;
    Coding__FreezeSubsidyTableRequest freeze = CODING__FREEZE_SUBSIDY_TABLE_REQUEST__INIT;
    Coding__ChangeSubsidyTableRequest change = CODING__CHANGE_SUBSIDY_TABLE_REQUEST__INIT;
    Coding__GetSubsidyTableRequest get = CODING__GET_SUBSIDY_TABLE_REQUEST__INIT;
    Coding__ListSubsidyTablesRequest list = CODING__LIST_SUBSIDY_TABLES_REQUEST__INIT;
    const struct id programme = a_programme((struct limits){ 0 }), id = a_new_id();
    char *part = a_table_text(3, ""), *whole = a_table_text(0, "");

    (void) state;
    confirm.table_id = freeze.table_id = change.table_id = get.table_id = wire(&id);
    assert_int_equal(creates_table(&designer, id, programme, part), ERR_OK);
    MUST(&designer, "GetSubsidyTable", &get.base);
    Coding__GetSubsidyTableReply *reply =
        REPLY(Coding__GetSubsidyTableReply, coding__get_subsidy_table_reply);
    assert_int_equal(reply->table->n_missing, 3);
    assert_int_equal(reply->table->state, CODING__SUBSIDY_TABLE__STATE__DRAFT);
    coding__get_subsidy_table_reply__free_unpacked(reply, NULL);

    REFUSES(&officer, "ConfirmSubsidyTable", &confirm.base, ERR_REFUSED, TABLE_MISSING);
    assert_non_null(strstr(answer.text, "3 groups have no amount"));
    change.text = whole;
    MUST(&designer, "ChangeSubsidyTable", &change.base);
    REFUSES(&designer, "ConfirmSubsidyTable", &confirm.base, ERR_REFUSED, TABLE_SAME_PERSON);
    REFUSES(&officer, "FreezeSubsidyTable", &freeze.base, ERR_CONFLICT, TABLE_STATE);
    MUST(&officer, "ConfirmSubsidyTable", &confirm.base);
    REFUSES(&designer, "ChangeSubsidyTable", &change.base, ERR_CONFLICT, TABLE_STATE);
    MUST(&officer, "FreezeSubsidyTable", &freeze.base);
    assert_string_equal(answer.etag, "4");
    REFUSES(&officer, "FreezeSubsidyTable", &freeze.base, ERR_CONFLICT, TABLE_STATE);
    REFUSES(&designer, "ChangeSubsidyTable", &change.base, ERR_CONFLICT, TABLE_STATE);
    assert_int_equal(told("TableFrozen"), 1);

    list.programme_id = wire(&programme);
    MUST(&designer, "ListSubsidyTables", &list.base);
    Coding__ListSubsidyTablesReply *tables =
        REPLY(Coding__ListSubsidyTablesReply, coding__list_subsidy_tables_reply);
    assert_int_equal(tables->n_tables, 1);
    assert_int_equal(tables->tables[0]->state, CODING__SUBSIDY_TABLE__STATE__FROZEN);
    assert_int_equal(tables->tables[0]->n_rows, 0);
    assert_true(tables->tables[0]->row_count > 250);
    coding__list_subsidy_tables_reply__free_unpacked(tables, NULL);
    free(part);
    free(whole);
}

static void
a_programme_has_one_frozen_table(void **state)
{
    const struct person designer = staff(ROLE_DESIGNER), officer = staff(ROLE_APPROVER);
    Coding__ConfirmSubsidyTableRequest confirm = CODING__CONFIRM_SUBSIDY_TABLE_REQUEST__INIT;
    Coding__FreezeSubsidyTableRequest freeze = CODING__FREEZE_SUBSIDY_TABLE_REQUEST__INIT;
    const struct id programme = a_programme((struct limits){ 0 }), second = a_new_id();
    char *text = a_table_text(0, "");

    (void) state;
    (void) a_frozen_table(programme, "");
    assert_int_equal(creates_table(&designer, second, programme, text), ERR_OK);
    confirm.table_id = freeze.table_id = wire(&second);
    MUST(&officer, "ConfirmSubsidyTable", &confirm.base);
    REFUSES(&officer, "FreezeSubsidyTable", &freeze.base, ERR_REFUSED, TABLE_FROZEN_ALREADY);
    assert_int_equal(told("TableFrozen"), 1);
    free(text);
}

/* The service's own role, within the tenant, as a programme that has gone wrong would. */
static void
req_0_3_3_the_database_keeps_a_frozen_table_too(void **state)
{
    static const char *const attempts[] = {
        "UPDATE coding.subsidy_row SET amount_fen = amount_fen + 1",
        "DELETE FROM coding.subsidy_row",
        "INSERT INTO coding.subsidy_row SELECT tenant_id, table_id, 9999, 'XX99', 'x', 1, '', "
        "NULL, "
        "NULL, 0 FROM coding.subsidy_table",
        "UPDATE coding.subsidy_table SET state = 'DRAFT', confirmed_by = NULL, frozen_by = NULL",
        "UPDATE coding.subsidy_table SET row_count = 1",
        "DELETE FROM coding.subsidy_table",
    };

    (void) state;
    (void) a_frozen_table(a_programme((struct limits){ 0 }), "");
    PGconn *conn = cluster_connect(w.cluster, "huzhu_coding");
    char tenant[ID_TEXT_BYTES], set[96];
    id_format(town, tenant);
    (void) snprintf(set, sizeof set, "SET huzhu.tenant = '%s'", tenant);
    PQclear(PQexec(conn, set));
    for (size_t i = 0; i < COUNT(attempts); i++) {
        PGresult *result = PQexec(conn, attempts[i]);
        if (PQresultStatus(result) != PGRES_FATAL_ERROR)
            fail_msg("went through: %s", attempts[i]);
        const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
        if (!constraint || strcmp(constraint, "subsidy_table_is_kept") != 0)
            fail_msg("%s: %s", attempts[i], PQresultErrorMessage(result));
        PQclear(result);
    }
    PQfinish(conn);
}

static void
a_table_is_exported_without_formulas(void **state)
{
    const struct person officer = staff(ROLE_TOWNSHIP_OFFICER);
    Coding__ExportSubsidyTableRequest in = CODING__EXPORT_SUBSIDY_TABLE_REQUEST__INIT;
    const struct id table = a_frozen_table(a_programme((struct limits){ 0 }),
                                           "BR31K\t=1+1,\"x\"\tBR31\t2500.50\t\t6\t\t\n");

    (void) state;
    in.table_id = wire(&table);
    MUST(&officer, "ExportSubsidyTable", &in.base);
    Coding__ExportSubsidyTableReply *reply =
        REPLY(Coding__ExportSubsidyTableReply, coding__export_subsidy_table_reply);
    char *text = strndup((const char *) reply->body.data, reply->body.len);
    assert_string_equal(reply->content_type, "text/csv; charset=utf-8");
    assert_non_null(strstr(text, "\r\nBR31,"));
    assert_non_null(strstr(text, "BR31K,\"'=1+1,\"\"x\"\"\",BR31,6岁及以下,2500.50\r\n"));
    free(text);
    coding__export_subsidy_table_reply__free_unpacked(reply, NULL);
}

/* --- the main road --- */

static void
req_0_3_3_a_stay_is_priced_as_the_frozen_table_says(void **state)
{
    const struct id programme = a_programme((struct limits){ 0 });

    (void) state;
    (void) a_frozen_table(programme, "");
    const struct claim claim = a_claim(programme, 5);
    assert_int_equal(is_priced(claim.id, "J18.900"), 80000);
    assert_string_equal(state_of(claim.id), "PRICED");
    assert_int_equal(told("JobTaken"), 2);
    assert_int_equal(told("JobReleased"), 2);
    assert_int_equal(told("ClaimPriced"), 1);
    /* the outcome is told after the release, so that who follows ends with it */
    assert_string_equal(cluster_ask(w.cluster, "SELECT topic FROM coding.event WHERE topic LIKE "
                                               "'%coding%' ORDER BY tx DESC, seq DESC LIMIT 1"),
                        "huzhu.coding.v1.ClaimPriced");
}

static void
req_6_2_1a_a_local_sub_group_pays_its_own_amount_and_prints_the_parent(void **state)
{
    const struct id programme = a_programme((struct limits){ 0 });

    (void) state;
    (void) a_frozen_table(programme, "BR35A\t脑梗死，60岁及以上\tBR35\t1234.00\t60\t\t\t\n");
    struct claim claim = a_claim(programme, 5);
    assert_int_equal(is_priced(claim.id, "I63.900"), 123400);
    assert_string_equal(
        cluster_ask(w.cluster, "SELECT drg || ' ' || row_drg FROM coding.coded_stay"),
        "BR35 BR35A");
}

static void
the_limits_of_the_programme_are_steps(void **state)
{
    const struct id programme =
        a_programme((struct limits){ .most = 70000, .person = 100000, .own_payment = true });
    Coding__GetBasisRequest in = CODING__GET_BASIS_REQUEST__INIT;
    struct person officer = a_person(town, ROLE_TOWNSHIP_OFFICER);

    (void) state;
    officer.clearance = LABEL_HEALTH;
    (void) a_frozen_table(programme, "");
    const struct claim first = a_claim(programme, 1);
    assert_int_equal(is_priced(first.id, "J18.900"), 70000);
    struct claim second = first;
    second.id = a_new_id();
    second.due_in = 2;
    is_accepted(&second);
    assert_int_equal(is_priced(second.id, "J18.900"), 30000); /* what the year leaves */
    struct claim third = first;
    third.id = a_new_id();
    third.due_in = 3;
    is_accepted(&third);
    assert_int_equal(is_priced(third.id, "J18.900"), 0);

    in.claim_id = wire(&second.id);
    MUST(&officer, "GetBasis", &in.base);
    Coding__GetBasisReply *reply = REPLY(Coding__GetBasisReply, coding__get_basis_reply);
    assert_int_equal(reply->basis->price->n_steps, 4);
    assert_string_equal(reply->basis->price->steps[3]->name, "person_most");
    assert_int_equal(reply->basis->price->steps[3]->before->fen, 70000);
    assert_int_equal(reply->basis->price->steps[3]->after->fen, 30000);
    coding__get_basis_reply__free_unpacked(reply, NULL);
}

/* --- what others are told --- */

/* The newest event of the type, decoded. */
static ProtobufCMessage *
event_of(const ProtobufCMessageDescriptor *type)
{
    char sql[256];

    (void) snprintf(
        sql, sizeof sql,
        "SELECT encode(body, 'hex') FROM coding.event WHERE topic = '%s' ORDER BY tx DESC, "
        "seq DESC LIMIT 1",
        type->name);
    PGconn *conn = cluster_connect(w.cluster, "postgres"); /* cluster_ask() keeps short values */
    PGresult *result = PQexec(conn, sql);
    assert_int_equal(PQntuples(result), 1);
    const char *hex = PQgetvalue(result, 0, 0);
    const size_t size = strlen(hex) / 2;
    uint8_t *bytes = calloc(1, size + 1);
    assert_true(size > 0);
    for (size_t i = 0; i < size; i++) {
        const char digits[3] = { hex[2 * i], hex[2 * i + 1], 0 };
        bytes[i] = (uint8_t) strtoul(digits, NULL, 16);
    }
    ProtobufCMessage *message = protobuf_c_message_unpack(type, NULL, size, bytes);
    free(bytes);
    PQclear(result);
    PQfinish(conn);
    assert_non_null(message);
    return message;
}

static void
req_6_2_2e_what_is_told_to_be_published_is_the_frozen_table(void **state)
{
    const struct person officer = staff(ROLE_TOWNSHIP_OFFICER);
    Coding__ExportSubsidyTableRequest in = CODING__EXPORT_SUBSIDY_TABLE_REQUEST__INIT;
    const struct id programme = a_programme((struct limits){ 0 });
    const struct id table = a_frozen_table(programme, "BR31K\tx\tBR31\t2500.50\t\t6\t女\t\n");
    size_t lines = 0;

    (void) state;
    Coding__TableFrozen *event =
        (Coding__TableFrozen *) event_of(&coding__table_frozen__descriptor);
    in.table_id = wire(&table);
    MUST(&officer, "ExportSubsidyTable", &in.base);
    Coding__ExportSubsidyTableReply *reply =
        REPLY(Coding__ExportSubsidyTableReply, coding__export_subsidy_table_reply);
    for (size_t i = 0; i < reply->body.len; i++)
        lines += reply->body.data[i] == '\n';
    assert_int_equal(lines, event->n_rows + 1);
    assert_int_equal(cluster_sql(w.cluster, "SELECT FROM coding.subsidy_row"), event->n_rows);
    const Coding__TableFrozen__Row *last = event->rows[event->n_rows - 1];
    assert_string_equal(last->drg, "BR31K");
    assert_string_equal(last->parent, "BR31");
    assert_string_equal(last->who, "6岁及以下 女");
    assert_int_equal(last->amount->fen, 250050);
    assert_int_equal(id_cmp(id_of(event->programme_id), programme), 0);
    assert_int_equal(event->sha256.len, 32);
    coding__export_subsidy_table_reply__free_unpacked(reply, NULL);
    coding__table_frozen__free_unpacked(event, NULL);
}

static void
req_6_2_2f_a_price_names_its_people_its_steps_and_its_day(void **state)
{
    const struct id programme = a_programme((struct limits){ .most = 70000 });

    (void) state;
    (void) a_frozen_table(programme, "");
    for (int due_in = 0; due_in >= -1; due_in--) { /* decided on the due day, and the day after */
        const struct claim claim = a_claim(programme, due_in);
        assert_int_equal(is_priced(claim.id, "J18.900"), 70000);
        Coding__ClaimPriced *event =
            (Coding__ClaimPriced *) event_of(&coding__claim_priced__descriptor);
        assert_int_equal(id_cmp(id_of(event->claim_id), claim.id), 0);
        assert_int_equal(id_cmp(id_of(event->person_id), claim.person), 0);
        assert_int_equal(id_cmp(id_of(event->village_id), claim.village), 0);
        assert_int_not_equal(id_cmp(id_of(event->coder_id), id_of(event->reviewer_id)), 0);
        assert_int_equal(event->due->fen, 80000);
        assert_int_equal(event->payable->fen, 70000);
        assert_int_equal(event->n_steps, 2);
        assert_string_equal(event->steps[1]->name, "claim_most");
        assert_int_equal(event->steps[1]->before->fen, 80000);
        assert_int_equal(event->steps[1]->after->fen, 70000);
        assert_string_equal(event->steps[1]->why, "每次住院最高补助700.00元");
        assert_int_equal(event->decided_on->days, today().days);
        assert_int_equal(event->on_time, due_in == 0);
        assert_string_equal(event->drg, "ES45");
        assert_string_equal(event->sub_group, "");
        assert_string_equal(event->sensitive_by, "2026.1");
        assert_false(event->sensitive);
        assert_int_equal(event->basis_sha256.len, 32);
        assert_int_equal(strlen(event->scheme->checksum), 64);
        coding__claim_priced__free_unpacked(event, NULL);
    }
}

static void
req_003_12_the_scheme_is_the_programmes(void **state)
{
    const struct person designer = staff(ROLE_DESIGNER);
    const struct id programme = a_programme((struct limits){ 0 });
    char text[] = "drg\tamount\nBR31\t1\n";

    (void) state;
    cluster_sql(w.cluster, "UPDATE coding.programme SET scheme = repeat('0', 64)");
    assert_int_equal(creates_table(&designer, a_new_id(), programme, text), ERR_UNAVAILABLE);
    assert_string_equal(answer.reason, SCHEME_NOT_LOADED);
    cluster_sql(w.cluster, "UPDATE coding.programme SET scheme = ''"); /* then its year's */
    assert_int_equal(creates_table(&designer, a_new_id(), programme, text), ERR_REFUSED);
    assert_string_equal(answer.reason, SCHEME_NOT_NAMED);
}

static void
req_0_3_1_an_outpatient_visit_is_no_stay(void **state)
{
    const struct id programme = a_programme((struct limits){ 0 });
    const struct person coder = a_coder();
    Coding__MarkUnfitRequest in = CODING__MARK_UNFIT_REQUEST__INIT;
    Huzhu__Id *uploads[1];

    (void) state;
    (void) a_frozen_table(programme, "");
    const struct claim claim = a_claim(programme, 1);
    assert_int_equal(id_cmp(takes(&coder), claim.id), 0);
    uploads[0] = wire(&claim.uploads[0]);
    in.claim_id = wire(&claim.id);
    in.exclusion = CONTRIBUTIONS__PROGRAMME__EXCLUSION__OUTPATIENT; /* named by no programme */
    in.note = (char *) "门诊收据，无住院";
    in.upload_ids = uploads;
    in.n_upload_ids = 1;
    MUST(&coder, "MarkUnfit", &in.base);
    Coding__ClaimUnfit *event = (Coding__ClaimUnfit *) event_of(&coding__claim_unfit__descriptor);
    assert_int_equal(event->exclusion, CONTRIBUTIONS__PROGRAMME__EXCLUSION__OUTPATIENT);
    coding__claim_unfit__free_unpacked(event, NULL);
}

/* --- who may --- */

static void
req_6_2_1d_a_coder_is_qualified_on_the_day_of_coding(void **state)
{
    const struct id programme = a_programme((struct limits){ 0 });
    const struct person coder = staff(ROLE_CODER);
    Coding__TakeJobRequest take = CODING__TAKE_JOB_REQUEST__INIT;
    struct submission s;

    (void) state;
    (void) a_frozen_table(programme, "");
    const struct claim claim = a_claim(programme, 5), other = a_claim(programme, 6);
    REFUSES(&coder, "TakeJob", &take.base, ERR_REFUSED, CERTIFICATE_NONE);
    gives_certificate(&coder, (date_t){ today().days + 1 }, (date_t){ today().days + 10 });
    REFUSES(&coder, "TakeJob", &take.base, ERR_REFUSED, CERTIFICATE_NONE);
    days_pass(1);
    assert_int_equal(id_cmp(takes(&coder), claim.id), 0);
    days_pass(11);
    REFUSES(&coder, "TakeJob", &take.base, ERR_REFUSED, CERTIFICATE_NONE);
    a_submission(&s, claim.id, "J18.900"); /* taken in time, coded too late */
    REFUSES(&coder, "SubmitCoding", &s.in.base, ERR_REFUSED, CERTIFICATE_NONE);
    days_pass(10); /* the last day counts */
    assert_int_equal(id_cmp(takes(&coder), other.id), 0);
    MUST(&coder, "SubmitCoding", &s.in.base);
    assert_string_equal(cluster_ask(w.cluster, "SELECT certificate FROM coding.coded_stay"),
                        "BM-2026-0001");
}

static void
nobody_records_an_own_certificate(void **state)
{
    const struct person officer = staff(ROLE_TOWNSHIP_OFFICER | ROLE_CODER);
    Coding__RecordCertificateRequest in = CODING__RECORD_CERTIFICATE_REQUEST__INIT;
    Coding__ListCertificatesRequest list = CODING__LIST_CERTIFICATES_REQUEST__INIT;
    Huzhu__Date date = HUZHU__DATE__INIT;

    (void) state;
    date.days = today().days;
    in.account_id = wire(&officer.account);
    in.number = (char *) "X";
    in.valid_from = in.valid_until = &date;
    REFUSES(&officer, "RecordCertificate", &in.base, ERR_REFUSED, CERTIFICATE_OWN);
    const struct person coder = a_coder(), another = a_coder();
    MUST(&coder, "ListCertificates", &list.base); /* the own ones alone */
    Coding__ListCertificatesReply *reply =
        REPLY(Coding__ListCertificatesReply, coding__list_certificates_reply);
    assert_int_equal(reply->n_certificates, 1);
    coding__list_certificates_reply__free_unpacked(reply, NULL);
    MUST(&officer, "ListCertificates", &list.base);
    reply = REPLY(Coding__ListCertificatesReply, coding__list_certificates_reply);
    assert_int_equal(reply->n_certificates, 2);
    coding__list_certificates_reply__free_unpacked(reply, NULL);
    (void) another;
}

static void
nobody_codes_or_reviews_an_own_claim(void **state)
{
    const struct id programme = a_programme((struct limits){ 0 });
    const struct person coder = a_coder(), reviewer = staff(ROLE_REVIEWER);
    Identity__HouseholdsRecorded event = IDENTITY__HOUSEHOLDS_RECORDED__INIT;
    Identity__Household household = IDENTITY__HOUSEHOLD__INIT, *households[] = { &household };
    Identity__HouseholdMember members[2], *list[] = { &members[0], &members[1] };

    (void) state;
    (void) a_frozen_table(programme, "");
    struct claim filed = a_claim(programme, 1), own = filed, relatives = filed;
    filed.filed_by = coder.account;
    is_accepted(&filed); /* told anew: who filed it stays who it was */
    cluster_sql(w.cluster, "DELETE FROM coding.job_document; DELETE FROM coding.job");
    is_accepted(&filed);
    own.id = a_new_id();
    own.person = coder.own_person;
    is_accepted(&own);
    relatives.id = a_new_id();
    relatives.household = a_new_id();
    is_accepted(&relatives);
    household.household_id = wire(&relatives.household);
    household.members = list;
    household.n_members = 2;
    for (size_t i = 0; i < 2; i++) {
        identity__household_member__init(&members[i]);
        members[i].person_id = wire(i == 0 ? &coder.own_person : &reviewer.own_person);
    }
    event.households = households;
    event.n_households = 1;
    households[0] = &household;
    TELLS(coding_on_households_thunk, &event.base);

    assert_true(id_is_nil(takes(&coder)));
    const struct person other = a_coder();
    struct id coding;
    for (int i = 0; i < 3; i++)
        (void) submits(&other, takes(&other), "J18.900");
    for (int i = 0; i < 2; i++) /* the relatives' is not the reviewer's */
        assert_int_not_equal(id_cmp(takes_review(&reviewer, &coding), relatives.id), 0);
    assert_true(id_is_nil(takes_review(&reviewer, &coding)));
    /* Who has left the household may. */
    Huzhu__Date until = HUZHU__DATE__INIT;
    members[1].until = &until;
    TELLS(coding_on_households_thunk, &event.base);
    assert_int_equal(id_cmp(takes_review(&reviewer, &coding), relatives.id), 0);
}

static void
nobody_reviews_an_own_coding(void **state)
{
    const struct id programme = a_programme((struct limits){ 0 });
    struct person both = a_coder();
    struct id coding;

    (void) state;
    both.roles |= ROLE_REVIEWER;
    (void) a_frozen_table(programme, "");
    const struct claim claim = a_claim(programme, 1);
    (void) submits(&both, takes(&both), "J18.900");
    assert_true(id_is_nil(takes_review(&both, &coding)));
    const struct person reviewer = staff(ROLE_REVIEWER);
    assert_int_equal(id_cmp(takes_review(&reviewer, &coding), claim.id), 0);
}

/* --- the queue --- */

static void
req_7_2_3a_what_is_due_first_is_handed_out_first_and_once(void **state)
{
    const struct id programme = a_programme((struct limits){ 0 }),
                    unfrozen = a_programme((struct limits){ 0 });
    const struct person coder = a_coder(), another = a_coder();
    Coding__TakeJobRequest take = CODING__TAKE_JOB_REQUEST__INIT;

    (void) state;
    (void) a_frozen_table(programme, "");
    const struct claim late = a_claim(programme, 7), soon = a_claim(programme, -2),
                       middle = a_claim(programme, 3), never = a_claim(unfrozen, -9);
    assert_int_equal(id_cmp(takes(&coder), soon.id), 0);
    assert_int_equal(id_cmp(takes(&another), middle.id), 0);
    assert_int_equal(id_cmp(takes(&coder), late.id), 0);
    assert_true(id_is_nil(takes(&another))); /* no price without a frozen table: `never` waits */
    assert_string_equal(state_of(never.id), "WAITING");
    w.conf.jobs_held_most = 2;
    const err_t code = asks(&coder, "TakeJob", &take.base);
    w.conf.jobs_held_most = 5;
    assert_int_equal(code, ERR_REFUSED);
    assert_string_equal(answer.reason, JOB_HELD_MOST);
}

static void
a_coder_sees_the_stay_and_nobody(void **state)
{
    const struct id programme = a_programme((struct limits){ 0 });
    const struct person coder = a_coder(), stranger = a_coder();
    Coding__GetJobRequest get = CODING__GET_JOB_REQUEST__INIT;

    (void) state;
    (void) a_frozen_table(programme, "");
    const struct claim claim = a_claim(programme, 1);
    assert_int_equal(id_cmp(takes(&coder), claim.id), 0);
    assert_null(memmem(answer.body.data, answer.body.len, "王金丹雀", 6));
    assert_null(memmem(answer.body.data, answer.body.len, "6217001234567890122", 12));
    get.claim_id = wire(&claim.id);
    MUST(&coder, "GetJob", &get.base);
    Coding__GetJobReply *reply = REPLY(Coding__GetJobReply, coding__get_job_reply);
    assert_int_equal(reply->facts->age, 60);
    assert_int_equal(reply->facts->sex, CODING__STAY__SEX__FEMALE);
    assert_int_equal(reply->facts->los, 8);
    assert_int_equal(reply->facts->n_documents, 2);
    assert_int_equal(id_cmp(id_of(reply->facts->documents[1]->upload_id), claim.uploads[1]), 0);
    assert_string_equal(reply->facts->hospital_level, "2");
    coding__get_job_reply__free_unpacked(reply, NULL);
    REFUSES(&stranger, "GetJob", &get.base, ERR_NOT_FOUND, JOB_NONE);
    assert_true(
        cluster_sql(w.cluster, "SELECT FROM coding.event WHERE topic LIKE '%SensitiveRead'") >= 2);
}

static void
a_lease_ends_and_the_job_goes_back(void **state)
{
    const struct id programme = a_programme((struct limits){ 0 });
    const struct person coder = a_coder(), another = a_coder();
    Coding__RenewJobRequest renew = CODING__RENEW_JOB_REQUEST__INIT;
    struct submission s;
    struct err err;

    (void) state;
    (void) a_frozen_table(programme, "");
    const struct claim claim = a_claim(programme, 1);
    w.conf.lease = 1;
    assert_int_equal(id_cmp(takes(&coder), claim.id), 0);
    w.thread->is_duty = true;
    (void) usleep(3000);
    assert_int_equal(duty_run(w.thread, &coding_service.duties[0], &err), ERR_OK);
    w.thread->is_duty = false;
    assert_string_equal(state_of(claim.id), "WAITING");
    assert_int_equal(told("JobReleased"), 1);
    w.conf.lease = 60000;
    assert_int_equal(id_cmp(takes(&another), claim.id), 0);
    a_submission(&s, claim.id, "J18.900");
    REFUSES(&coder, "SubmitCoding", &s.in.base, ERR_NOT_FOUND, JOB_NONE);
    renew.claim_id = wire(&claim.id);
    REFUSES(&coder, "RenewJob", &renew.base, ERR_NOT_FOUND, JOB_NONE);
    MUST(&another, "RenewJob", &renew.base);
    w.thread->is_duty = true; /* a lease that lasts is left alone */
    assert_int_equal(duty_run(w.thread, &coding_service.duties[0], &err), ERR_OK);
    w.thread->is_duty = false;
    assert_string_equal(state_of(claim.id), "TAKEN");
    MUST(&another, "SubmitCoding", &s.in.base);
}

static void
a_released_job_is_free_at_once(void **state)
{
    const struct id programme = a_programme((struct limits){ 0 });
    const struct person coder = a_coder(), reviewer = staff(ROLE_REVIEWER);
    Coding__ReleaseJobRequest release = CODING__RELEASE_JOB_REQUEST__INIT;
    struct id coding;

    (void) state;
    (void) a_frozen_table(programme, "");
    const struct claim claim = a_claim(programme, 1);
    assert_int_equal(id_cmp(takes(&coder), claim.id), 0);
    release.claim_id = wire(&claim.id);
    MUST(&coder, "ReleaseJob", &release.base);
    assert_string_equal(state_of(claim.id), "WAITING");
    REFUSES(&coder, "ReleaseJob", &release.base, ERR_NOT_FOUND, JOB_NONE);
    (void) submits(&coder, takes(&coder), "J18.900");
    assert_int_equal(id_cmp(takes_review(&reviewer, &coding), claim.id), 0);
    MUST(&reviewer, "ReleaseJob", &release.base);
    assert_string_equal(state_of(claim.id), "CODED");
}

static void
a_job_waits_for_the_papers_that_were_asked_for(void **state)
{
    static Contributions__Paper__Kind kinds[] = { CONTRIBUTIONS__PAPER__KIND__COST_LIST };
    const struct id programme = a_programme((struct limits){ 0 });
    const struct person coder = a_coder();
    Coding__AskPapersRequest in = CODING__ASK_PAPERS_REQUEST__INIT;

    (void) state;
    (void) a_frozen_table(programme, "");
    struct claim claim = a_claim(programme, 1);
    assert_int_equal(id_cmp(takes(&coder), claim.id), 0);
    in.claim_id = wire(&claim.id);
    in.kinds = kinds;
    in.n_kinds = 1;
    in.note = (char *) "费用清单第二页看不清";
    MUST(&coder, "AskPapers", &in.base);
    assert_string_equal(state_of(claim.id), "PARKED");
    assert_int_equal(told("PapersAsked"), 1);
    /* 6.2.2 c 1: what the coder wrote is for the filer, and not for who reads events. */
    assert_int_equal(cluster_sql(w.cluster, "SELECT FROM coding.event WHERE"
                                            " position(convert_to('看不清', 'UTF8') IN body) > 0"),
                     0);
    assert_true(id_is_nil(takes(&coder)));
    claim.due_in = 8;
    claim.uploads[1] = a_new_id();
    is_accepted(&claim);
    assert_string_equal(state_of(claim.id), "WAITING");
    assert_int_equal(is_priced(claim.id, "J18.900"), 80000);
}

static void
req_003_14_an_excluded_stay_is_unfit_with_its_evidence(void **state)
{
    const struct id programme = a_programme((struct limits){ 0 });
    const struct person coder = a_coder();
    Coding__MarkUnfitRequest in = CODING__MARK_UNFIT_REQUEST__INIT;
    struct id stranger = a_new_id();
    Huzhu__Id *uploads[1];

    (void) state;
    (void) a_frozen_table(programme, "");
    const struct claim claim = a_claim(programme, 1);
    assert_int_equal(id_cmp(takes(&coder), claim.id), 0);
    in.claim_id = wire(&claim.id);
    in.note = (char *) "病历载明工地受伤已申报工伤";
    in.exclusion = CONTRIBUTIONS__PROGRAMME__EXCLUSION__PLASTIC;
    in.upload_ids = uploads;
    in.n_upload_ids = 1;
    uploads[0] = wire(&claim.uploads[0]);
    REFUSES(&coder, "MarkUnfit", &in.base, ERR_REFUSED, UNFIT_EXCLUSION);
    in.exclusion = CONTRIBUTIONS__PROGRAMME__EXCLUSION__WORK_INJURY;
    uploads[0] = wire(&stranger);
    REFUSES(&coder, "MarkUnfit", &in.base, ERR_INVALID, UNFIT_EVIDENCE);
    uploads[0] = wire(&claim.uploads[0]);
    MUST(&coder, "MarkUnfit", &in.base);
    assert_string_equal(state_of(claim.id), "UNFIT");
    assert_int_equal(told("ClaimUnfit"), 1);
    assert_int_equal(cluster_sql(w.cluster, "SELECT FROM coding.unfit WHERE exclusion = 4 AND "
                                            "position('工地'::bytea IN note) = 0"),
                     1);
    /* The refusal that claims makes of it changes nothing more. */
    Claims__ClaimRefused refused = CLAIMS__CLAIM_REFUSED__INIT;
    refused.claim_id = wire(&claim.id);
    TELLS(coding_on_refused_thunk, &refused.base);
    assert_string_equal(state_of(claim.id), "UNFIT");
}

/* --- review, return, recode --- */

static void
a_returned_coding_is_done_again_and_both_are_kept(void **state)
{
    const struct id programme = a_programme((struct limits){ 0 });
    const struct person coder = a_coder(), reviewer = staff(ROLE_REVIEWER);
    Coding__ReturnCodingRequest in = CODING__RETURN_CODING_REQUEST__INIT;
    struct id coding, seen;

    (void) state;
    (void) a_frozen_table(programme, "");
    const struct claim claim = a_claim(programme, 1);
    const struct id first = submits(&coder, takes(&coder), "J18.900");
    assert_int_equal(id_cmp(takes_review(&reviewer, &coding), claim.id), 0);
    assert_int_equal(id_cmp(coding, first), 0);
    in.claim_id = wire(&claim.id);
    in.coding_id = wire(&claim.id); /* not the one that was looked at */
    in.reason = (char *) "主要诊断选择不当";
    REFUSES(&reviewer, "ReturnCoding", &in.base, ERR_CONFLICT, CODING_MOVED_ON);
    in.coding_id = wire(&first);
    MUST(&reviewer, "ReturnCoding", &in.base);
    assert_int_equal(id_cmp(takes(&coder), claim.id), 0);
    const struct id second = submits(&coder, claim.id, "I63.900");
    assert_int_equal(id_cmp(takes_review(&reviewer, &seen), claim.id), 0);
    assert_int_equal(id_cmp(seen, second), 0);
    assert_int_equal(approves(&reviewer, claim.id, second), 80000);
    assert_int_equal(cluster_sql(w.cluster,
                                 "SELECT FROM coding.coded_stay WHERE state = 'RETURNED' "
                                 "AND attempt = 1 AND returned_for <> ''"),
                     1);
    assert_int_equal(
        cluster_sql(w.cluster,
                    "SELECT FROM coding.coded_stay WHERE state = 'PRICED' AND attempt = 2"),
        1);
}

static void
req_7_2_4b_a_returned_line_is_coded_by_another_and_replaces_the_price(void **state)
{
    const struct id programme = a_programme((struct limits){ .person = 100000 });
    const struct person coder = a_coder(), reviewer = staff(ROLE_REVIEWER);
    Disbursement__LineReturned returned = DISBURSEMENT__LINE_RETURNED__INIT;
    struct id coding;

    (void) state;
    (void) a_frozen_table(programme, "");
    const struct claim claim = a_claim(programme, 1);
    const struct id first = submits(&coder, takes(&coder), "J18.900");
    (void) takes_review(&reviewer, &coding);
    assert_int_equal(approves(&reviewer, claim.id, first), 80000);

    returned.claim_id = wire(&claim.id);
    returned.reason = (char *) "basis.doubtful";
    TELLS(coding_on_line_returned_thunk, &returned.base);
    TELLS(coding_on_line_returned_thunk, &returned.base); /* told twice, meant once */
    assert_string_equal(cluster_ask(w.cluster, "SELECT attempt FROM coding.job"), "2");
    assert_true(id_is_nil(takes(&coder)));
    /* 80000 would be left of 100000 only if the first price did not count any more. */
    assert_int_equal(is_priced(claim.id, "J18.900"), 80000);
    assert_string_equal(cluster_ask(w.cluster, "SELECT priced_fen FROM coding.person_total"),
                        "80000");
    assert_int_equal(told("ClaimPriced"), 2);
    assert_int_equal(
        cluster_sql(w.cluster, "SELECT FROM coding.coded_stay WHERE state = 'REPLACED'"), 1);
    assert_int_equal(
        cluster_sql(w.cluster, "SELECT FROM coding.coded_stay WHERE line_returned AND attempt = 1"),
        1);
}

static void
req_7_2_3a_a_recounted_due_day_reorders_the_queue(void **state)
{
    const struct id programme = a_programme((struct limits){ 0 });
    const struct person coder = a_coder();
    Claims__DueDayChanged event = CLAIMS__DUE_DAY_CHANGED__INIT;
    Huzhu__Date due = HUZHU__DATE__INIT;

    (void) state;
    (void) a_frozen_table(programme, "");
    const struct claim first = a_claim(programme, 1), second = a_claim(programme, 2);
    const struct id unknown = a_new_id();
    event.claim_id = wire(&first.id);
    event.due_on = &due;
    due.days = today().days + 3;
    TELLS(coding_on_due_day_thunk, &event.base);
    event.claim_id = wire(&unknown);
    TELLS(coding_on_due_day_thunk, &event.base); /* never accepted here */
    assert_int_equal(id_cmp(takes(&coder), second.id), 0);
}

static void
a_withdrawn_claim_leaves_queue_and_sum(void **state)
{
    const struct id programme = a_programme((struct limits){ .person = 100000 });
    const struct person coder = a_coder();
    Claims__ClaimWithdrawn event = CLAIMS__CLAIM_WITHDRAWN__INIT;

    (void) state;
    (void) a_frozen_table(programme, "");
    struct claim first = a_claim(programme, 1), second = first;
    assert_int_equal(is_priced(first.id, "J18.900"), 80000);
    event.claim_id = wire(&first.id);
    TELLS(coding_on_withdrawn_thunk, &event.base);
    TELLS(coding_on_withdrawn_thunk, &event.base);
    assert_string_equal(state_of(first.id), "GONE");
    assert_string_equal(cluster_ask(w.cluster, "SELECT priced_fen FROM coding.person_total"), "0");
    second.id = a_new_id();
    is_accepted(&second);
    assert_int_equal(id_cmp(takes(&coder), second.id), 0);
    event.claim_id = wire(&second.id);
    TELLS(coding_on_withdrawn_thunk, &event.base); /* out of a coder's hands */
    assert_string_equal(state_of(second.id), "GONE");
    assert_true(id_is_nil(takes(&coder)));
    const struct id unknown = a_new_id();
    event.claim_id = wire(&unknown);
    TELLS(coding_on_withdrawn_thunk, &event.base);
}

/* Goal: two stays of one person approved at once do not both find the yearly limit untouched.
 * Method: a hundred pairs, each pair by two threads at the same moment. */
struct approval {
    struct svc_thread *thread;
    struct person reviewer;
    struct id claim, coding;
    pthread_barrier_t *barrier;
    err_t code;
};
static void *
approve_at_once(void *arg)
{
    struct approval *a = arg;
    Coding__ApproveCodingRequest in = CODING__APPROVE_CODING_REQUEST__INIT;
    Huzhu__Id claim = HUZHU__ID__INIT, coding = HUZHU__ID__INIT;
    Bus__Answer out;

    claim.value = (ProtobufCBinaryData){ 16, a->claim.bytes };
    coding.value = (ProtobufCBinaryData){ 16, a->coding.bytes };
    in.claim_id = &claim;
    in.coding_id = &coding;
    (void) pthread_barrier_wait(a->barrier);
    a->code = ask_in(a->thread, &a->reviewer, "ApproveCoding", &in.base, &out);
    return NULL;
}

static void
two_approvals_at_once_share_the_persons_limit(void **state)
{
    const struct id programme = a_programme((struct limits){ .person = 100000 });
    struct svc_thread *second_thread;
    pthread_barrier_t barrier;
    struct err err;

    (void) state;
    (void) a_frozen_table(programme, "");
    assert_int_equal(svc_thread_create(w.rt, 5000, &second_thread, &err), ERR_OK);
    assert_int_equal(pthread_barrier_init(&barrier, NULL, 2), 0);
    const struct person coder = a_coder();
    for (int round = 0; round < 20; round++) {
        struct claim claims[2] = { a_claim(programme, 1) };
        struct approval approvals[2];
        pthread_t threads[2];
        claims[1] = claims[0];
        claims[1].id = a_new_id();
        is_accepted(&claims[1]);
        for (size_t i = 0; i < 2; i++)
            (void) submits(&coder, takes(&coder), "J18.900");
        for (size_t i = 0; i < 2; i++) {
            approvals[i] = (struct approval){ .thread = i ? second_thread : w.thread,
                                              .reviewer = staff(ROLE_REVIEWER),
                                              .barrier = &barrier };
            approvals[i].claim = takes_review(&approvals[i].reviewer, &approvals[i].coding);
        }
        for (size_t i = 0; i < 2; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, approve_at_once, &approvals[i]), 0);
        for (size_t i = 0; i < 2; i++) {
            (void) pthread_join(threads[i], NULL);
            assert_int_equal(approvals[i].code, ERR_OK);
        }
    }
    assert_int_equal(
        cluster_sql(w.cluster, "SELECT FROM coding.person_total WHERE priced_fen <> 100000"), 0);
    assert_int_equal(
        cluster_sql(w.cluster, "SELECT FROM coding.coded_stay WHERE payable_fen = 20000"), 20);
    (void) pthread_barrier_destroy(&barrier);
    svc_thread_destroy(second_thread);
}

/* --- the basis --- */

static void
req_7_2_4b_the_township_sees_the_basis_of_a_group(void **state)
{
    const struct id programme = a_programme((struct limits){ 0 });
    struct person officer = a_person(town, ROLE_TOWNSHIP_OFFICER);
    const struct person coder = a_coder(), reviewer = staff(ROLE_REVIEWER);
    Coding__GetBasisRequest in = CODING__GET_BASIS_REQUEST__INIT;
    struct submission s;
    struct id coding;

    (void) state;
    (void) a_frozen_table(programme, "");
    const struct claim claim = a_claim(programme, 1);
    a_submission(&s, takes(&coder), "I63.900");
    s.diagnoses[1] = (char *) "J96.000";
    s.coded.n_diagnoses = 2;
    MUST(&coder, "SubmitCoding", &s.in.base);
    (void) takes_review(&reviewer, &coding);
    assert_int_equal(approves(&reviewer, claim.id, coding), 300000); /* BR31: with an MCC */

    in.claim_id = wire(&claim.id);
    REFUSES(&officer, "GetBasis", &in.base, ERR_FORBIDDEN, "call.clearance");
    officer.clearance = LABEL_HEALTH;
    MUST(&officer, "GetBasis", &in.base);
    Coding__GetBasisReply *reply = REPLY(Coding__GetBasisReply, coding__get_basis_reply);
    const Coding__Basis *basis = reply->basis;
    assert_string_equal(basis->grouping->drg, "BR31");
    assert_string_equal(basis->grouping->mdc, "B");
    assert_string_equal(basis->grouping->status, "ok");
    assert_non_null(strstr(basis->trace, "\"mcc\""));
    assert_non_null(strstr(basis->trace, "J96.000"));
    assert_non_null(strstr(basis->trace, "\"agrees\":true"));
    assert_true(strlen(basis->chinese) > 100);
    assert_string_equal(basis->coded->diagnoses[1], "J96.000");
    assert_int_equal(basis->n_documents, 2);
    assert_int_equal(basis->sha256.len, 32);
    assert_int_equal(basis->table_sha256.len, 32);
    assert_string_equal(basis->state, "PRICED");
    assert_int_equal(reply->n_coding_ids, 1);
    uint8_t sum[32];
    sha256(basis->trace, strlen(basis->trace), sum);
    assert_memory_equal(sum, basis->sha256.data, 32);
    coding__get_basis_reply__free_unpacked(reply, NULL);
    assert_true(cluster_sql(w.cluster,
                            "SELECT FROM coding.event WHERE topic LIKE "
                            "'%SensitiveRead' AND position('GetBasis'::bytea IN body) > 0") == 1);
}

static void
no_diagnosis_lies_open(void **state)
{
    const struct id programme = a_programme((struct limits){ 0 });
    struct submission s;

    (void) state;
    (void) a_frozen_table(programme, "");
    const struct claim claim = a_claim(programme, 1);
    assert_int_equal(is_priced(claim.id, "B24.x00"), 80000); /* HIV */
    assert_int_equal(cluster_sql(w.cluster, "SELECT FROM coding.coded_stay WHERE sensitive"), 1);
    const struct claim refused = a_claim(programme, 1);
    const struct person coder = a_coder();
    assert_int_equal(id_cmp(takes(&coder), refused.id), 0);
    a_submission(&s, refused.id, "B24.x99"); /* not in the scheme: refused */
    assert_int_equal(asks(&coder, "SubmitCoding", &s.in.base), ERR_REFUSED);
    assert_null(strstr(answer.text, "B24"));
    static const char *const tables[] = { "job", "coded_stay", "event", "reply", "unfit" };
    for (size_t i = 0; i < COUNT(tables); i++) {
        char sql[160];
        (void) snprintf(sql, sizeof sql,
                        "SELECT FROM coding.%s t WHERE t::text LIKE '%%423234%%' OR t::text LIKE "
                        "'%%B24%%' OR t::text LIKE '%%王金%%'", /* bytea prints as hex */
                        tables[i]);
        assert_int_equal(cluster_sql(w.cluster, sql), 0);
    }
}

/* --- figures --- */

static void
the_queue_has_figures_and_a_list_without_people(void **state)
{
    const struct id programme = a_programme((struct limits){ 0 });
    const struct person coder = a_coder(), officer = staff(ROLE_TOWNSHIP_OFFICER);
    Coding__GetQueueFiguresRequest figures = CODING__GET_QUEUE_FIGURES_REQUEST__INIT;
    Coding__ListJobsRequest list = CODING__LIST_JOBS_REQUEST__INIT;
    char token[64] = "";
    int seen = 0;

    (void) state;
    (void) a_frozen_table(programme, "");
    for (int i = 0; i < 7; i++)
        (void) a_claim(programme, i - 2);
    (void) submits(&coder, takes(&coder), "J18.900"); /* due two days ago */
    (void) takes(&coder);                             /* due yesterday */
    MUST(&officer, "GetQueueFigures", &figures.base);
    Coding__GetQueueFiguresReply *f =
        REPLY(Coding__GetQueueFiguresReply, coding__get_queue_figures_reply);
    assert_int_equal(f->waiting, 5);
    assert_int_equal(f->taken, 1);
    assert_int_equal(f->for_review, 1);
    assert_int_equal(f->overdue, 2);
    assert_int_equal(f->oldest_due->days, today().days - 2);
    assert_int_equal(f->came_last_hour, 7);
    assert_int_equal(f->coded_last_hour, 1);
    assert_int_equal(f->priced_last_hour, 0);
    coding__get_queue_figures_reply__free_unpacked(f, NULL);

    list.page_size = 3;
    do {
        list.page_token = token;
        MUST(&officer, "ListJobs", &list.base);
        Coding__ListJobsReply *page = REPLY(Coding__ListJobsReply, coding__list_jobs_reply);
        for (size_t i = 0; i < page->n_jobs; i++)
            assert_int_equal(page->jobs[i]->due_on->days, today().days - 2 + seen++);
        (void) snprintf(token, sizeof token, "%s", page->next_page_token);
        coding__list_jobs_reply__free_unpacked(page, NULL);
    } while (token[0]);
    assert_int_equal(seen, 7);
    list.page_token = (char *) "";
    list.overdue = true;
    MUST(&officer, "ListJobs", &list.base);
    Coding__ListJobsReply *page = REPLY(Coding__ListJobsReply, coding__list_jobs_reply);
    assert_int_equal(page->n_jobs, 2);
    assert_true(page->jobs[0]->overdue);
    coding__list_jobs_reply__free_unpacked(page, NULL);
}

static void
codes_are_found_by_code_and_by_name(void **state)
{
    const struct person coder = staff(ROLE_CODER);
    Coding__SearchCodesRequest in = CODING__SEARCH_CODES_REQUEST__INIT;
    const struct schemes *schemes = w.rt->state;

    (void) state;
    in.checksum = (char *) (uintptr_t) drg_scheme_identity(schemes->open[0])->checksum;
    in.query = (char *) "肺炎";
    in.kind = CODING__SEARCH_CODES_REQUEST__KIND__DIAGNOSIS;
    in.code_set = CODING__CODE_SET__NAME__INSURANCE;
    MUST(&coder, "SearchCodes", &in.base);
    Coding__SearchCodesReply *reply = REPLY(Coding__SearchCodesReply, coding__search_codes_reply);
    assert_true(reply->n_hits > 1);
    for (size_t i = 0; i < reply->n_hits; i++)
        assert_non_null(strstr(reply->hits[i]->name, "肺炎"));
    coding__search_codes_reply__free_unpacked(reply, NULL);
}

static int
by_us(const void *a, const void *b)
{
    return (int) (*(const int64_t *) a - *(const int64_t *) b);
}

/* Goal: the queue of a peak season is not searched from end to end. */
static void
a_stay_is_taken_from_a_hundred_thousand_in_milliseconds(void **state)
{
    enum { TAKES = 21 };
    const struct id programme = a_programme((struct limits){ 0 });
    const struct person officer = staff(ROLE_TOWNSHIP_OFFICER);
    Coding__GetQueueFiguresRequest figures = CODING__GET_QUEUE_FIGURES_REQUEST__INIT;
    Coding__ListJobsRequest list = CODING__LIST_JOBS_REQUEST__INIT;
    int64_t us[TAKES];

    (void) state;
    (void) a_frozen_table(programme, "");
    for (int i = 0; i < TAKES; i++)
        (void) a_claim(programme, 1);
    cluster_sql(
        w.cluster,
        "INSERT INTO coding.job SELECT tenant_id, gen_random_uuid(), number, programme_id, "
        "gen_random_uuid(), gen_random_uuid(), village_id, gen_random_uuid(), CASE WHEN n % 2 = "
        "0 THEN 'WAITING' ELSE 'UNFIT' END, 1, complete_on, due_on + n % 30 + 1, facts, NULL, "
        "NULL, NULL, '', came_at - interval '2 days' FROM (SELECT * FROM coding.job LIMIT 1) j, "
        "generate_series(1, "
        "200000) n");
    cluster_sql(w.cluster, "VACUUM ANALYZE coding.job");
    for (int i = 0; i < TAKES; i++) {
        const struct person coder = a_coder();
        const int64_t from = clock_monotonic_us();
        assert_false(id_is_nil(takes(&coder)));
        us[i] = clock_monotonic_us() - from;
    }
    qsort(us, TAKES, sizeof *us, by_us);
    const int64_t from = clock_monotonic_us();
    MUST(&officer, "GetQueueFigures", &figures.base);
    const int64_t listed_from = clock_monotonic_us();
    list.page_size = 500;
    MUST(&officer, "ListJobs", &list.base);
    print_message(
        "100,000 waiting: TakeJob median %lld us, slowest %lld us; figures %lld us; a page of "
        "500 %lld us\n",
        (long long) us[TAKES / 2], (long long) us[TAKES - 1], (long long) (listed_from - from),
        (long long) (clock_monotonic_us() - listed_from));
    assert_true(us[TAKES / 2] < 50000);
}

/* --- bad input --- */

enum bad_at {
    B_CREATE,
    B_SEARCH,
    B_CERTIFICATE,
    B_TAKE,
    B_ASK,
    B_UNFIT,
    B_SUBMIT,
    B_RETURN,
    B_LIST,
    B_BASIS
};

static char long_text[2000];

struct bad {
    enum bad_at at;
    const char *text; /* what is wrong */
    int number;
    err_t code;
    const char *reason;
};
static const struct bad bad_inputs[] = {
    { B_CREATE, "", 0, ERR_INVALID, "design.empty" },
    { B_CREATE, "drg\tamount\n", 0, ERR_INVALID, "design.empty" },
    { B_CREATE, "drg\n", 0, ERR_INVALID, "design.column" },
    { B_CREATE, "drg\tamount\nBR31\n", 0, ERR_INVALID, "design.cells" },
    { B_CREATE, "drg\tamount\nBR31\tx\n", 0, ERR_INVALID, "design.number" },
    { B_CREATE, "drg\tamount\nBR31\t-1\n", 0, ERR_INVALID, "design.negative" },
    { B_CREATE, "drg\tamount\nBR31\t1000000.01\n", 0, ERR_INVALID, "table.amount" },
    { B_CREATE, "drg\tamount\nXX99\t1\n", 0, ERR_INVALID, "table.group" },
    { B_CREATE, "drg\tamount\nBR31\t1\nBR31\t2\n", 0, ERR_INVALID, "table.double" },
    { B_CREATE, "drg\tamount\tparent\nBR31\t1\t\nBR31A\t2\tBR31\n", 0, ERR_INVALID,
      "table.parent" },
    { B_CREATE, "drg\tamount\tparent\tsex\nBR31A\t2\tBR31\tM\n", 0, ERR_INVALID, "table.parent" },
    { B_CREATE, "drg\tamount\tage_to\nBR31\t1\t6\n", 0, ERR_INVALID, "table.parent" },
    { B_CREATE, "drg\tamount\tage_to\nBR31\t1\t-6\n", 0, ERR_INVALID, "table.band" },
    { B_CREATE, "drg\tamount\tage_to\nBR31\t1\t151\n", 0, ERR_INVALID, "table.band" },
    { B_CREATE, "drg\tamount\tsex\nBR31\t1\tX\n", 0, ERR_INVALID, "table.band" },
    { B_CREATE, "drg\tamount\tparent\tage_from\tage_to\nBR31\t1\t\t\t\nBR31A\t2\tBR31\t9\t8\n", 0,
      ERR_INVALID, "table.band" },
    { B_CREATE, "drg\tamount\nBR31\t1\n", 1, ERR_REFUSED, "programme.unknown" },
    { B_CREATE, "drg\tamount\nBR31\t1\n", 2, ERR_REFUSED, "table.other_scheme" },
    { B_CREATE, "drg\tamount\nBR31\t1\n", 3, ERR_INVALID, "field.missing" },
    { B_SEARCH, "", 0, ERR_INVALID, "codes.query" },
    { B_SEARCH, "   ", 0, ERR_INVALID, "codes.query" },
    { B_SEARCH, long_text, 0, ERR_INVALID, "codes.query" },
    { B_SEARCH, "肺", 1, ERR_INVALID, "codes.kind" },
    { B_SEARCH, "肺", 2, ERR_INVALID, "codes.set" },
    { B_SEARCH, "肺", 3, ERR_INVALID, "codes.limit" },
    { B_SEARCH, "肺", 4, ERR_INVALID, "scheme.two_ways" },
    { B_CERTIFICATE, "", 0, ERR_INVALID, "certificate.field" },
    { B_CERTIFICATE, long_text, 0, ERR_INVALID, "certificate.field" },
    { B_CERTIFICATE, "X", 1, ERR_INVALID, "field.date" },
    { B_CERTIFICATE, "X", 2, ERR_INVALID, "certificate.field" },
    { B_TAKE, "", 0, ERR_INVALID, "field.id" },
    { B_ASK, "", 0, ERR_INVALID, "papers.kinds" },
    { B_ASK, "", 1, ERR_INVALID, "papers.kinds" },
    { B_ASK, "", 2, ERR_INVALID, "papers.kinds" },
    { B_ASK, long_text, 3, ERR_INVALID, "papers.note" },
    { B_ASK, "a\nb", 3, ERR_INVALID, "papers.note" },
    { B_UNFIT, "", 0, ERR_INVALID, "papers.note" },
    { B_UNFIT, long_text, 0, ERR_INVALID, "papers.note" },
    { B_UNFIT, "x", 0, ERR_INVALID, "unfit.evidence" },
    { B_SUBMIT, "J18.900", 1, ERR_INVALID, "coded.missing" },
    { B_SUBMIT, "J18.900", 2, ERR_INVALID, "codes.set" },
    { B_SUBMIT, "J18.900", 3, ERR_INVALID, "coded.diagnosis" },
    { B_SUBMIT, "J18.900", 4, ERR_INVALID, "coded.code" },
    { B_SUBMIT, "", 0, ERR_INVALID, "coded.code" },
    { B_SUBMIT, "J18.900", 5, ERR_INVALID, "coded.los" },
    { B_SUBMIT, "J18.900", 6, ERR_INVALID, "stay.number" },
    { B_SUBMIT, "J18.900", 7, ERR_INVALID, "coded.text" },
    { B_SUBMIT, "J18.900", 8, ERR_INVALID, "coded.cause" },
    { B_SUBMIT, "S72.000", 0, ERR_INVALID, "coded.cause" },
    { B_SUBMIT, "S72.000", 9, ERR_REFUSED, "coded.cause_excluded" },
    { B_SUBMIT, "J18.9xx", 0, ERR_REFUSED, "coded.unknown" },
    { B_SUBMIT, long_text, 0, ERR_INVALID, "stay.codes" },
    { B_SUBMIT, "N40.x00", 0, ERR_REFUSED, "coded.no_group" },
    { B_SUBMIT, "J18.900", 10, ERR_NOT_FOUND, "job.none" },
    { B_RETURN, "", 0, ERR_INVALID, "review.reason" },
    { B_RETURN, long_text, 0, ERR_INVALID, "review.reason" },
    { B_RETURN, "x", 0, ERR_NOT_FOUND, "job.none" },
    { B_LIST, "", 501, ERR_INVALID, "page.size" },
    { B_LIST, "nonsense", 5, ERR_INVALID, "page.token" },
    { B_LIST, "!!", 5, ERR_INVALID, "page.token" },
    { B_BASIS, "", 0, ERR_NOT_FOUND, "coding.none" },
};

struct bad_world {
    struct id programme, unknown;
    struct claim claim;
    struct person coder, officer, reviewer;
};

static err_t
bad_create(const struct bad *b, const struct bad_world *v)
{
    const struct person designer = staff(ROLE_DESIGNER);
    Coding__CreateSubsidyTableRequest in = CODING__CREATE_SUBSIDY_TABLE_REQUEST__INIT;
    const struct id id = a_new_id();

    in.table_id = b->number == 3 ? NULL : wire(&id);
    in.programme_id = wire(b->number == 1 ? &v->unknown : &v->programme);
    in.scheme = (char *) (b->number == 2 ? "00" : "");
    in.text = (char *) (uintptr_t) b->text;
    return asks(&designer, "CreateSubsidyTable", &in.base);
}

static err_t
bad_search(const struct bad *b, const struct bad_world *v)
{
    Coding__SearchCodesRequest in = CODING__SEARCH_CODES_REQUEST__INIT;

    in.query = (char *) (uintptr_t) b->text;
    in.kind = b->number == 1 ? 0 : CODING__SEARCH_CODES_REQUEST__KIND__DIAGNOSIS;
    in.code_set = b->number == 2 ? 0 : CODING__CODE_SET__NAME__INSURANCE;
    in.limit = b->number == 3 ? 51 : 0;
    return asks(&v->coder, "SearchCodes", &in.base);
}

static err_t
bad_certificate(const struct bad *b, const struct bad_world *v)
{
    Coding__RecordCertificateRequest in = CODING__RECORD_CERTIFICATE_REQUEST__INIT;
    Huzhu__Date from = HUZHU__DATE__INIT, until = HUZHU__DATE__INIT;

    from.days = b->number == 2 ? 20000 : 19000;
    until.days = 19999;
    in.account_id = wire(&v->coder.account);
    in.number = (char *) (uintptr_t) b->text;
    in.valid_from = b->number == 1 ? NULL : &from;
    in.valid_until = &until;
    return asks(&v->officer, "RecordCertificate", &in.base);
}

static err_t
bad_take(const struct bad *b, const struct bad_world *v)
{
    Coding__TakeJobRequest in = CODING__TAKE_JOB_REQUEST__INIT;
    Huzhu__Id id = HUZHU__ID__INIT;

    (void) b;
    id.value = (ProtobufCBinaryData){ 3, (uint8_t *) "abc" };
    in.programme_id = &id;
    return asks(&v->coder, "TakeJob", &in.base);
}

static err_t
bad_ask(const struct bad *b, const struct bad_world *v)
{
    static Contributions__Paper__Kind good[] = { 2 }, twice[] = { 2, 2 }, unknown[] = { 7 };
    Coding__AskPapersRequest in = CODING__ASK_PAPERS_REQUEST__INIT;

    in.claim_id = wire(&v->claim.id);
    in.kinds = b->number == 1 ? twice : b->number == 2 ? unknown : good;
    in.n_kinds = (size_t) (b->number == 0 ? 0 : b->number == 1 ? 2 : 1);
    in.note = (char *) (uintptr_t) b->text;
    return asks(&v->coder, "AskPapers", &in.base);
}

static err_t
bad_unfit(const struct bad *b, const struct bad_world *v)
{
    Coding__MarkUnfitRequest in = CODING__MARK_UNFIT_REQUEST__INIT;

    in.claim_id = wire(&v->claim.id);
    in.exclusion = CONTRIBUTIONS__PROGRAMME__EXCLUSION__CRIME;
    in.note = (char *) (uintptr_t) b->text;
    return asks(&v->coder, "MarkUnfit", &in.base);
}

static err_t
bad_submit(const struct bad *b, const struct bad_world *v)
{
    Huzhu__Number number = HUZHU__NUMBER__INIT;
    struct submission s;

    a_submission(&s, b->number == 10 ? v->unknown : v->claim.id, b->text);
    switch (b->number) {
    case 1:
        s.in.coded = NULL;
        break;
    case 2:
        s.coded.code_set = 0;
        break;
    case 3:
        s.coded.n_diagnoses = 0;
        break;
    case 4:
        s.diagnoses[1] = s.diagnoses[0];
        s.coded.n_diagnoses = 2;
        break;
    case 5:
        number.value = 10;
        s.coded.los = &number;
        break;
    case 6:
        number.value = -1;
        s.coded.icu = &number;
        break;
    case 7:
        s.coded.department = long_text;
        break;
    case 8:
        s.coded.cause = (Coding__Injury__Cause) 99;
        break;
    case 9:
        s.coded.cause = CODING__INJURY__CAUSE__WORK;
        break;
    default:
        break;
    }
    return asks(&v->coder, "SubmitCoding", &s.in.base);
}

static err_t
bad_return(const struct bad *b, const struct bad_world *v)
{
    Coding__ReturnCodingRequest in = CODING__RETURN_CODING_REQUEST__INIT;

    in.claim_id = in.coding_id = wire(&v->claim.id);
    in.reason = (char *) (uintptr_t) b->text;
    return asks(&v->reviewer, "ReturnCoding", &in.base);
}

static err_t
bad_list(const struct bad *b, const struct bad_world *v)
{
    Coding__ListJobsRequest in = CODING__LIST_JOBS_REQUEST__INIT;

    in.page_size = (uint32_t) b->number;
    in.page_token = (char *) (uintptr_t) b->text;
    return asks(&v->officer, "ListJobs", &in.base);
}

static err_t
bad_basis(const struct bad *b, const struct bad_world *v)
{
    Coding__GetBasisRequest in = CODING__GET_BASIS_REQUEST__INIT;

    (void) b;
    in.claim_id = wire(&v->claim.id);
    return asks(&v->officer, "GetBasis", &in.base);
}

static void
each_bad_input_has_its_reason_and_changes_nothing(void **state)
{
    static err_t (*const tries[])(const struct bad *, const struct bad_world *) = {
        bad_create, bad_search, bad_certificate, bad_take, bad_ask,
        bad_unfit,  bad_submit, bad_return,      bad_list, bad_basis,
    };
    static const char state_sql[] = "SELECT md5(string_agg(t, '|')) FROM (SELECT j::text AS t FROM "
                                    "coding.job j UNION ALL SELECT "
                                    "s::text FROM coding.subsidy_table s UNION ALL SELECT c::text "
                                    "FROM coding.certificate c UNION "
                                    "ALL SELECT k::text FROM coding.coded_stay k ORDER BY 1) x";
    struct bad_world v = { .programme = a_programme((struct limits){ 0 }), .unknown = a_new_id() };
    char before[64];

    (void) state;
    memset(long_text, 'x', sizeof long_text - 1);
    v.coder = a_coder();
    v.officer = staff(ROLE_TOWNSHIP_OFFICER);
    v.reviewer = staff(ROLE_REVIEWER);
    (void) a_frozen_table(v.programme, "");
    v.claim = a_claim(v.programme, 1);
    assert_int_equal(id_cmp(takes(&v.coder), v.claim.id), 0);
    (void) snprintf(before, sizeof before, "%s", cluster_ask(w.cluster, state_sql));
    for (size_t i = 0; i < COUNT(bad_inputs); i++) {
        const struct bad *b = &bad_inputs[i];
        const err_t code = tries[b->at](b, &v);
        if (code != b->code || strcmp(answer.reason, b->reason) != 0)
            fail_msg("row %zu: %s %s (%s)", i, err_name(code), answer.reason, answer.text);
    }
    assert_string_equal(cluster_ask(w.cluster, state_sql), before);
    print_message("%zu bad inputs\n", COUNT(bad_inputs));
}

/* Goal: whatever fails on the way, a price is made whole or not at all.
 * Method: fail the 1st, 2nd, 3rd... crossing of a fault point until none is left to fail. */
static void
an_approval_that_fails_anywhere_leaves_no_half(void **state)
{
#ifdef HUZHU_FAULTS
    const struct id programme = a_programme((struct limits){ .person = 100000 });
    const struct person coder = a_coder(), reviewer = staff(ROLE_REVIEWER);
    Coding__ApproveCodingRequest in = CODING__APPROVE_CODING_REQUEST__INIT;
    struct id coding;

    (void) state;
    (void) a_frozen_table(programme, "");
    const struct claim claim = a_claim(programme, 1);
    (void) submits(&coder, takes(&coder), "J18.900");
    (void) takes_review(&reviewer, &coding);
    in.claim_id = wire(&claim.id);
    in.coding_id = wire(&coding);
    for (int nth = 1;; nth++) {
        assert_in_range(nth, 1, 100);
        struct request_of *request =
            request_of(w.keys, &reviewer, "ApproveCoding", &in.base, "one");
        fault_arm_nth(nth);
        svc_thread_answer(w.thread, "gateway", &request->envelope, &answer);
        const bool fired = fault_fired();
        fault_arm_nth(0);
        request_free(request);
        const int prices = told("ClaimPriced");
        assert_true(prices == 0 || prices == 1);
        assert_int_equal(
            cluster_sql(w.cluster, "SELECT FROM coding.coded_stay WHERE state = 'PRICED'"), prices);
        assert_int_equal(cluster_sql(w.cluster, "SELECT FROM coding.job WHERE state = 'PRICED'"),
                         prices);
        assert_int_equal(
            cluster_sql(w.cluster, "SELECT FROM coding.person_total WHERE priced_fen = 80000"),
            prices);
        if (!fired)
            break;
    }
    assert_int_equal(answer.code, 0);
#else
    (void) state;
    skip();
#endif
}

static void
another_town_sees_none_of_it(void **state)
{
    const struct id programme = a_programme((struct limits){ 0 });
    struct person there = a_person(other_town, ROLE_TOWNSHIP_OFFICER);
    Coding__GetBasisRequest basis = CODING__GET_BASIS_REQUEST__INIT;
    Coding__GetSubsidyTableRequest get = CODING__GET_SUBSIDY_TABLE_REQUEST__INIT;
    Coding__ListJobsRequest list = CODING__LIST_JOBS_REQUEST__INIT;

    (void) state;
    const struct id table = a_frozen_table(programme, "");
    const struct claim claim = a_claim(programme, 1);
    (void) is_priced(claim.id, "J18.900");
    basis.claim_id = wire(&claim.id);
    get.table_id = wire(&table);
    REFUSES(&there, "GetBasis", &basis.base, ERR_NOT_FOUND, JOB_NONE);
    REFUSES(&there, "GetSubsidyTable", &get.base, ERR_NOT_FOUND, TABLE_NONE);
    MUST(&there, "ListJobs", &list.base);
    assert_int_equal(answer.body.len, 0);
}

static void
each_rpc_of_the_queue_is_open_to_its_roles_alone(void **state)
{
    static const struct {
        const char *method;
        role_set_t roles;
    } rows[] = {
        { "CreateSubsidyTable", ROLE_DESIGNER | ROLE_TOWNSHIP_OFFICER },
        { "ConfirmSubsidyTable", ROLE_APPROVER | ROLE_TOWNSHIP_OFFICER },
        { "FreezeSubsidyTable", ROLE_APPROVER | ROLE_TOWNSHIP_OFFICER },
        { "TakeJob", ROLE_CODER },
        { "SubmitCoding", ROLE_CODER },
        { "AskPapers", ROLE_CODER },
        { "MarkUnfit", ROLE_CODER },
        { "TakeReview", ROLE_REVIEWER },
        { "ApproveCoding", ROLE_REVIEWER },
        { "ReturnCoding", ROLE_REVIEWER },
        { "GetBasis", ROLE_TOWNSHIP_OFFICER | ROLE_APPROVER | ROLE_AUDITOR | ROLE_REVIEWER },
        { "RecordCertificate", ROLE_TOWNSHIP_OFFICER | ROLE_SECURITY_ADMIN },
    };
    Coding__GetQueueFiguresRequest empty = CODING__GET_QUEUE_FIGURES_REQUEST__INIT;

    (void) state;
    for (size_t i = 0; i < COUNT(rows); i++)
        for (int number = 1; number <= 13; number++) {
            const role_set_t role = UINT32_C(1) << number;
            const struct person person = staff(role);
            const bool forbidden = asks(&person, rows[i].method, &empty.base) == ERR_FORBIDDEN;
            if (forbidden != ((rows[i].roles & role) == 0))
                fail_msg("%s role %d: %s", rows[i].method, number, answer.reason);
        }
}

int
main(void)
{
#define TEST(fn) cmocka_unit_test_setup(fn, world_clean)
    const struct CMUnitTest tests[] = {
        TEST(req_003_13_a_table_is_confirmed_by_another_and_then_frozen),
        TEST(a_programme_has_one_frozen_table),
        TEST(req_0_3_3_the_database_keeps_a_frozen_table_too),
        TEST(a_table_is_exported_without_formulas),
        TEST(req_0_3_3_a_stay_is_priced_as_the_frozen_table_says),
        TEST(req_6_2_1a_a_local_sub_group_pays_its_own_amount_and_prints_the_parent),
        TEST(the_limits_of_the_programme_are_steps),
        TEST(req_6_2_2e_what_is_told_to_be_published_is_the_frozen_table),
        TEST(req_6_2_2f_a_price_names_its_people_its_steps_and_its_day),
        TEST(req_003_12_the_scheme_is_the_programmes),
        TEST(req_0_3_1_an_outpatient_visit_is_no_stay),
        TEST(req_6_2_1d_a_coder_is_qualified_on_the_day_of_coding),
        TEST(nobody_records_an_own_certificate),
        TEST(nobody_codes_or_reviews_an_own_claim),
        TEST(nobody_reviews_an_own_coding),
        TEST(req_7_2_3a_what_is_due_first_is_handed_out_first_and_once),
        TEST(a_coder_sees_the_stay_and_nobody),
        TEST(a_lease_ends_and_the_job_goes_back),
        TEST(a_released_job_is_free_at_once),
        TEST(a_job_waits_for_the_papers_that_were_asked_for),
        TEST(req_003_14_an_excluded_stay_is_unfit_with_its_evidence),
        TEST(a_returned_coding_is_done_again_and_both_are_kept),
        TEST(req_7_2_4b_a_returned_line_is_coded_by_another_and_replaces_the_price),
        TEST(req_7_2_3a_a_recounted_due_day_reorders_the_queue),
        TEST(a_withdrawn_claim_leaves_queue_and_sum),
        TEST(two_approvals_at_once_share_the_persons_limit),
        TEST(req_7_2_4b_the_township_sees_the_basis_of_a_group),
        TEST(no_diagnosis_lies_open),
        TEST(the_queue_has_figures_and_a_list_without_people),
        TEST(a_stay_is_taken_from_a_hundred_thousand_in_milliseconds),
        TEST(codes_are_found_by_code_and_by_name),
        TEST(each_bad_input_has_its_reason_and_changes_nothing),
        TEST(an_approval_that_fails_anywhere_leaves_no_half),
        TEST(another_town_sees_none_of_it),
        TEST(each_rpc_of_the_queue_is_open_to_its_roles_alone),
    };
    return cmocka_run_group_tests_name("service/coding_queue", tests, world_open, world_close);
}
