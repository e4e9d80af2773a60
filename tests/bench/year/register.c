/* register.c - a township's register as a list of rows: sent in pieces, checked, approved by a
 * second person, applied; against COPY of the same file into a plain table, and against COPY of the
 * same people into the register's own tables with their indexes, which knows nothing of checks,
 * seals, keyed indexes and events. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "identity.pb-c.h"
#include "load_sql.h"
#include "year.h"

enum {
    PIECE_BYTES = 256 * 1024,
    VILLAGES = 25,
    REPEATS_MAX = 15,
    WAIT_S_MAX = 120,
    SECONDS_MAX = 80
};

/* --- the list --- */

struct text {
    char *bytes;
    size_t size;
};

/* A resident's number of a person of one of the tenants. */
static void
number_of(int tenant, int row, char number[static 20], char sex[static 4])
{
    static const int weights[] = { 7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2 };
    const date_t birth = { date_of(clock_now()).days - 400 - row % 25000 };
    char day[DATE_TEXT_BYTES];
    int sum = 0;

    date_format(birth, day);
    (void) snprintf(number, 20, "3211%02d%.4s%.2s%.2s%03d", 2 + tenant, day, day + 5, day + 8,
                    row / 25000 % 1000);
    for (int i = 0; i < 17; i++)
        sum += (number[i] - '0') * weights[i];
    number[17] = "10X98765432"[sum % 11];
    number[18] = '\0';
    (void) snprintf(sex, 4, "%s", row / 25000 % 2 == 1 ? "男" : "女");
}

static struct text
make_list(int tenant, int rows)
{
    static const char *const relations[] = { "户主", "配偶", "子", "女" };
    struct text text = { 0 };
    FILE *out = open_memstream(&text.bytes, &text.size);

    if (!out)
        abort();
    (void) fputs(
        "户号,与户主关系,姓名,性别,证件类型,证件号码,出生日期,电话,村代码,人员类别,户籍在册,"
        "集体成员,常住,变动类型,变动日期\n",
        out);
    for (int i = 0; i < rows; i++) {
        char number[20], sex[4];
        number_of(tenant, i, number, sex);
        (void) fprintf(out,
                       "H%06d,%s,张%s,%s,居民身份证,%s,,1381234%04d,320723%03d%03d,%s,是,是,是,,\n",
                       i / 4 + 1, relations[i % 4], i % 2 ? "秀英" : "建国", sex, number, i % 10000,
                       100 + tenant, i / 4 % VILLAGES, i % 20 == 3 ? "低保" : "");
    }
    if (fclose(out) != 0)
        abort();
    return text;
}

/* --- our side --- */

struct phases {
    double sent, checked, applied; /* seconds of each */
};

static Identity__RegisterImport__State
wait_for(struct caller *caller, struct who *who, const char *json,
         Identity__RegisterImport__State wanted)
{
    const double from = seconds_now();

    for (;;) {
        const struct said said = must(caller, who, "identity", "GetRegisterImport", json);
        Identity__GetRegisterImportReply *reply =
            identity__get_register_import_reply__unpack(NULL, said.size, said.body);
        const Identity__RegisterImport__State state = reply->register_import->state;
        const uint32_t faults = reply->register_import->faults;
        identity__get_register_import_reply__free_unpacked(reply, NULL);
        if (state == wanted && faults == 0)
            return state;
        if (state == wanted || seconds_now() - from > WAIT_S_MAX) {
            (void) fprintf(stderr, "bench: the list is in state %d with %u faults\n", (int) state,
                           faults);
            exit(1);
        }
        (void) poll(NULL, 0, 50);
    }
}

static void
send_list(struct caller *caller, struct who *who, struct id import, const struct text *text)
{
    uint8_t *packed = malloc(PIECE_BYTES + 256);
    Huzhu__Id wire = HUZHU__ID__INIT;

    if (!packed)
        abort();
    wire.value = (ProtobufCBinaryData){ 16, import.bytes };
    for (size_t at = 0; at < text->size; at += PIECE_BYTES) {
        Identity__WriteRegisterImportRequest in = IDENTITY__WRITE_REGISTER_IMPORT_REQUEST__INIT;
        const size_t left = text->size - at, size = left < PIECE_BYTES ? left : PIECE_BYTES;
        in.import_id = &wire;
        in.offset = (int64_t) at;
        in.data = (ProtobufCBinaryData){ size, (uint8_t *) text->bytes + at };
        in.last = size == left;
        const struct said said = says(caller, who, "identity", "WriteRegisterImport", packed,
                                      identity__write_register_import_request__pack(&in, packed));
        if (said.code != ERR_OK) {
            (void) fprintf(stderr, "bench: WriteRegisterImport: %s %s\n", said.reason, said.text);
            exit(1);
        }
    }
    free(packed);
}

static struct phases
import(struct caller *caller, int tenant, const struct text *text)
{
    struct who *officer =
        who_create(uid(K_TENANT, tenant), ROLE_TOWNSHIP_OFFICER, (struct id){ { 0 } });
    struct who *approver = who_create(uid(K_TENANT, tenant), ROLE_APPROVER, (struct id){ { 0 } });
    char id[ID_TEXT_BYTES], json[96];
    struct phases phases;

    (void) snprintf(json, sizeof json, "{\"importId\":\"%s\"}", uid_text(K_NEW, tenant, id));
    const double from = seconds_now();
    send_list(caller, officer, uid(K_NEW, tenant), text);
    const double sent = seconds_now();
    (void) must(caller, officer, "identity", "CheckRegisterImport", json);
    (void) wait_for(caller, officer, json, IDENTITY__REGISTER_IMPORT__STATE__CHECKED);
    const double checked = seconds_now();
    (void) must(caller, approver, "identity", "ApproveRegisterImport", json);
    (void) wait_for(caller, officer, json, IDENTITY__REGISTER_IMPORT__STATE__APPLIED);
    phases = (struct phases){ sent - from, checked - sent, seconds_now() - checked };
    who_destroy(officer);
    who_destroy(approver);
    return phases;
}

/* --- COPY --- */

static double
copy_in(PGconn *sql, const char *statement, const struct text *text)
{
    const double from = seconds_now();
    PGresult *result = PQexec(sql, statement);

    if (PQresultStatus(result) != PGRES_COPY_IN)
        abort();
    PQclear(result);
    for (size_t at = 0; at < text->size; at += PIECE_BYTES) {
        const size_t left = text->size - at, size = left < PIECE_BYTES ? left : PIECE_BYTES;
        if (PQputCopyData(sql, text->bytes + at, (int) size) != 1)
            abort();
    }
    if (PQputCopyEnd(sql, NULL) != 1)
        abort();
    while ((result = PQgetResult(sql))) {
        if (PQresultStatus(result) != PGRES_COMMAND_OK) {
            (void) fprintf(stderr, "bench: %s: %s\n", statement, PQerrorMessage(sql));
            exit(1);
        }
        PQclear(result);
    }
    return seconds_now() - from;
}

static struct text
copy_out(PGconn *sql, const char *statement)
{
    struct text text = { 0 };
    FILE *out = open_memstream(&text.bytes, &text.size);
    PGresult *result = PQexec(sql, statement);
    char *row;
    int size;

    if (!out || PQresultStatus(result) != PGRES_COPY_OUT)
        abort();
    PQclear(result);
    while ((size = PQgetCopyData(sql, &row, 0)) > 0) {
        (void) fwrite(row, 1, (size_t) size, out);
        PQfreemem(row);
    }
    while ((result = PQgetResult(sql)))
        PQclear(result);
    if (fclose(out) != 0)
        abort();
    return text;
}

static double
copy_plain(PGconn *sql, const struct text *text)
{
    sql_run(sql, "CREATE TABLE bench_plain (number text, relation text, name text, sex text,"
                 " id_kind text, id_number text, birth text, phone text, village text,"
                 " categories text, registered text, collective text, resident text, change text,"
                 " change_on text)");
    const double took =
        copy_in(sql, "COPY bench_plain FROM STDIN WITH (FORMAT csv, HEADER true)", text);
    sql_run(sql, "DROP TABLE bench_plain");
    return took;
}

/* What the import made, into the same tables of a copy of the database from before it. */
static double
copy_real(PGconn *from, PGconn *to, int tenant)
{
    static const char *const tables[] = { "person", "household", "membership", "person_category" };
    char statement[256], id[ID_TEXT_BYTES];
    double took = 0;

    uid_text(K_TENANT, tenant, id);
    for (size_t i = 0; i < COUNT(tables); i++) {
        (void) snprintf(statement, sizeof statement,
                        "COPY (SELECT * FROM identity.%s WHERE tenant_id = '%s') TO STDOUT",
                        tables[i], id);
        struct text text = copy_out(from, statement);
        (void) snprintf(statement, sizeof statement, "COPY identity.%s FROM STDIN", tables[i]);
        took += copy_in(to, statement, &text);
        free(text.bytes);
    }
    return took;
}

/* --- all --- */

static void
make_towns(int tenants)
{
    PGconn *sql = sql_open("huzhu");
    char *save = NULL, *statements = strdup(load_identity);

    sql_run(sql,
            "CREATE TABLE bench_size AS SELECT %d AS tenants, %d AS villages, 1 AS households, 0 AS"
            " claims, 0 AS enrolled_next, CURRENT_DATE AS today",
            tenants, VILLAGES);
    sql_run(sql, "%s", load_functions);
    sql_run(sql, "SET session_replication_role = replica");
    /* the tree and the tenants are the first four */
    char *one = strtok_r(statements, "@", &save);
    for (int i = 0; i < 4 && one; i++, one = strtok_r(NULL, "@", &save))
        sql_run(sql, "%s", one);
    free(statements);
    PQfinish(sql);
    database_copy("huzhu", "bench_before");
}

void
bench_register(int rows, int repeats)
{
    double ours[REPEATS_MAX], plain[REPEATS_MAX], real[REPEATS_MAX], sent[REPEATS_MAX],
        checked[REPEATS_MAX], applied[REPEATS_MAX], to_plain[REPEATS_MAX], to_real[REPEATS_MAX];

    make_towns(repeats);
    const pid_t service = service_start("identity", 2, "1s");
    struct caller *caller = caller_create();
    PGconn *sql = sql_open("huzhu"), *before = sql_open("bench_before");
    const double from = seconds_now();
    const int wanted = repeats;
    for (int i = 0; i < wanted && (i == 0 || seconds_now() - from < SECONDS_MAX); i++) {
        repeats = i + 1;
        struct text text = make_list(i, rows);
        plain[i] = rows / copy_plain(before, &text);
        const struct phases p = import(caller, i, &text);
        real[i] = rows / copy_real(sql, before, i);
        sent[i] = p.sent;
        checked[i] = p.checked;
        applied[i] = p.applied;
        ours[i] = rows / (p.sent + p.checked + p.applied);
        to_plain[i] = ours[i] / plain[i];
        to_real[i] = ours[i] / real[i];
        free(text.bytes);
    }
    char *people = sql_ask(sql, "SELECT count(*) FROM identity.person");
    if (strtol(people, NULL, 10) != (long) rows * repeats)
        (void) fprintf(stderr, "bench: %s people instead of %ld\n", people, (long) rows * repeats);
    free(people);
    (void) printf("register of %d rows through broker and process, %d times: ours %.0f rows/s "
                  "(sent %.1f s, checked %.1f s, approved and applied %.1f s)\n",
                  rows, repeats, median_of(ours, repeats), median_of(sent, repeats),
                  median_of(checked, repeats), median_of(applied, repeats));
    (void) printf(
        "  COPY of the file into a plain table %.0f rows/s: ratio median %.3f; COPY of the "
        "people into the register's own tables %.0f rows/s: ratio median %.3f\n",
        median_of(plain, repeats), median_of(to_plain, repeats), median_of(real, repeats),
        median_of(to_real, repeats));
    (void) fflush(stdout);
    PQfinish(sql);
    PQfinish(before);
    caller_destroy(caller);
    service_end(service);
}
