/* load.c - a year of several townships, put into the schemas of five services by SQL alone, and
 * valid by tests/invariants.
 *
 * What is sealed is sealed as the services do it, row by row in this program, and streamed with
 * COPY; everything else is made by statements over sets.  Foreign keys and triggers are off while
 * it loads (session_replication_role): the invariants are asked afterwards.  Four connections, one
 * for each core and disk queue that there may be. */
#include <glob.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "claims.pb-c.h"
#include "coding.pb-c.h"
#include "contributions.pb-c.h"
#include "crypto/crypto.h"
#include "load_sql.h"
#include "year.h"

enum { DUE_FEN = 4000, STREAM_BYTES = 1 << 20, BATCHES = 24 };

static struct load l;
static char database[64];
static uint8_t key[KEY_BYTES], wrapped[WRAPPED_KEY_BYTES_MAX];
static size_t wrapped_size;
static date_t today;

int64_t
household_of_claim(const struct load *load, int tenant, int64_t i)
{
    const int64_t houses = households_of(load), at = i * houses / load->claims;

    return tenant * houses + at + (at % 5 == 0 ? 1 : 0); /* every fifth takes no part */
}

/* --- streams of COPY --- */

struct stream {
    PGconn *sql;
    char *bytes;
    size_t used;
};

static void
stream_flush(struct stream *s)
{
    if (PQputCopyData(s->sql, s->bytes, (int) s->used) != 1) {
        (void) fprintf(stderr, "bench: COPY: %s\n", PQerrorMessage(s->sql));
        exit(1);
    }
    s->used = 0;
}

static struct stream
stream_open(PGconn *sql, const char *copy)
{
    struct stream s = { sql, malloc(STREAM_BYTES), 0 };
    PGresult *result = PQexec(sql, copy);

    if (!s.bytes || PQresultStatus(result) != PGRES_COPY_IN) {
        (void) fprintf(stderr, "bench: %s: %s\n", copy, PQerrorMessage(sql));
        exit(1);
    }
    PQclear(result);
    return s;
}

static void
stream_close(struct stream *s)
{
    stream_flush(s);
    if (PQputCopyEnd(s->sql, NULL) != 1)
        exit(1);
    PGresult *result = PQgetResult(s->sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        (void) fprintf(stderr, "bench: COPY: %s\n", PQerrorMessage(s->sql));
        exit(1);
    }
    PQclear(result);
    PQclear(PQgetResult(s->sql));
    free(s->bytes);
}

static void put(struct stream *s, const char *fmt, ...) PRINTF(2, 3);

static void
put(struct stream *s, const char *fmt, ...)
{
    va_list args;

    if (s->used > STREAM_BYTES - 8192)
        stream_flush(s);
    va_start(args, fmt);
    s->used += (size_t) vsnprintf(s->bytes + s->used, STREAM_BYTES - s->used, fmt, args);
    va_end(args);
}

/* A bytea, with a tab or another character behind it. */
static void
put_bytes(struct stream *s, const uint8_t *bytes, size_t size, char after)
{
    static const char digits[] = "0123456789abcdef";
    char *out;

    if (s->used > STREAM_BYTES - 8192)
        stream_flush(s);
    out = s->bytes + s->used;
    *out++ = '\\';
    *out++ = '\\';
    *out++ = 'x';
    for (size_t i = 0; i < size; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out++ = after;
    s->used = (size_t) (out - s->bytes);
}

static void
put_sealed(struct stream *s, const char *context, const void *plain, size_t size, char after)
{
    uint8_t sealed[2048];
    size_t sealed_size = sizeof sealed;
    struct err err;

    if (size + SEAL_OVERHEAD_MAX > sizeof sealed ||
        seal(SEAL_AES_256_GCM, key, context, plain, size, sealed, &sealed_size, &err) != ERR_OK)
        abort();
    put_bytes(s, sealed, sealed_size, after);
}

/* What the sealed bytes of a noun are bound to; dies at the thread's next call. */
static const char *
bound_to(const char *what, enum kind kind, int64_t n)
{
    static __thread char context[96];
    char id[ID_TEXT_BYTES];

    (void) snprintf(context, sizeof context, "%s/%s", what, uid_text(kind, n, id));
    return context;
}

/* --- people --- */

struct someone {
    char name[32], number[20];
    int sex;
    date_t birth;
};

/* A resident's number as GB 11643 forms it. */
static struct someone
someone(int64_t p)
{
    static const char *const family[] = { "王", "李", "张", "刘", "陈", "杨", "赵", "黄" };
    static const char *const given[] = { "秀英", "建国", "桂兰", "志强", "玉珍", "海燕", "文" };
    static const int weights[] = { 7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2 };
    struct someone one = { .sex = (int) (p / 25000 % 2 == 1 ? 1 : 2) };
    char day[DATE_TEXT_BYTES];
    int sum = 0;

    one.birth = (date_t){ today.days - 400 - (int) (p % 25000) };
    date_format(one.birth, day);
    (void) snprintf(one.name, sizeof one.name, "%s%s", family[p % 8], given[p % 7]);
    (void) snprintf(one.number, sizeof one.number, "321102%.4s%.2s%.2s%03d", day, day + 5, day + 8,
                    (int) (p / 25000) % 1000);
    for (int i = 0; i < 17; i++)
        sum += (one.number[i] - '0') * weights[i];
    one.number[17] = "10X98765432"[sum % 11];
    one.number[18] = '\0';
    return one;
}

void
load_name(int64_t p, char name[static 32])
{
    memcpy(name, someone(p).name, 32);
}

void
load_number(int64_t p, char number[static 20])
{
    memcpy(number, someone(p).number, 20);
}

static int64_t
people_of_all(void)
{
    return l.tenants * households_of(&l) * MEMBERS;
}

static void
identity_people(PGconn *sql)
{
    uint8_t numbers[KEY_BYTES], facts[KEY_BYTES], index[32], same[32], k[KEY_BYTES];
    const int64_t in_tenant = households_of(&l) * MEMBERS;
    struct stream s = stream_open(
        sql, "COPY identity.person (tenant_id, person_id, id_kind, sex, birth, recorded_at,"
             " id_index, facts_index, id_sealed, name_sealed) FROM STDIN");

    key_derive(key, "identity.person.number", k);
    hmac_sha256(k, "key", 3, numbers);
    key_derive(key, "identity.person.facts", k);
    hmac_sha256(k, "key", 3, facts);
    for (int64_t p = 0; p < people_of_all(); p++) {
        const struct someone one = someone(p);
        char t[ID_TEXT_BYTES], id[ID_TEXT_BYTES], day[DATE_TEXT_BYTES], text[160], hex[33];
        hmac_sha256(numbers, one.number, strlen(one.number), index);
        const int size = snprintf(text, sizeof text, "%s\n%s\n%d\n%d\n", one.name, "", one.sex,
                                  (int) one.birth.days);
        memcpy(text + size, index, 32);
        hmac_sha256(facts, text, (size_t) size + 32, same);
        for (size_t i = 0; i < 16; i++)
            (void) snprintf(hex + 2 * i, 3, "%02x", index[i]);
        date_format(one.birth, day);
        put(&s, "%s\t%s\t1\t%d\t%s\t2026-01-01\t", uid_text(K_TENANT, p / in_tenant, t),
            uid_text(K_PERSON, p, id), one.sex, day);
        put_bytes(&s, index, 32, '\t');
        put_bytes(&s, same, 32, '\t');
        (void) snprintf(text, sizeof text, "identity.person.id_number/%s", hex);
        put_sealed(&s, text, one.number, strlen(one.number), '\t');
        (void) snprintf(text, sizeof text, "identity.person.name/%s", hex);
        put_sealed(&s, text, one.name, strlen(one.name), '\n');
    }
    stream_close(&s);
}

static void
contributions_people(PGconn *sql)
{
    const int64_t in_tenant = households_of(&l) * MEMBERS;
    struct stream s = stream_open(
        sql, "COPY contributions.person (tenant_id, household_id, person_id, head, grounds, entry,"
             " entered_on, name_sealed) FROM STDIN");

    for (int64_t p = 0; p < people_of_all(); p++) {
        const struct someone one = someone(p);
        char t[ID_TEXT_BYTES], h[ID_TEXT_BYTES], id[ID_TEXT_BYTES];
        put(&s, "%s\t%s\t%s\t%s\t2\t1\t2020-01-01\t", uid_text(K_TENANT, p / in_tenant, t),
            uid_text(K_HOUSEHOLD, p / MEMBERS, h), uid_text(K_PERSON, p, id),
            p % MEMBERS == 0 ? "t" : "f");
        put_sealed(&s, bound_to("contributions.person", K_PERSON, p), one.name, strlen(one.name),
                   '\n');
    }
    stream_close(&s);
}

static void
claims_people(PGconn *sql)
{
    const int64_t in_tenant = households_of(&l) * MEMBERS;
    struct stream s = stream_open(
        sql, "COPY claims.person (tenant_id, person_id, household_id, sealed) FROM STDIN");

    for (int64_t p = 0; p < people_of_all(); p++) {
        struct someone one = someone(p);
        Claims__SealedPerson secret = CLAIMS__SEALED_PERSON__INIT;
        Huzhu__Date birth = HUZHU__DATE__INIT;
        char t[ID_TEXT_BYTES], h[ID_TEXT_BYTES], id[ID_TEXT_BYTES];
        uint8_t packed[256];
        birth.days = one.birth.days;
        secret.name = one.name;
        secret.sex = (uint32_t) one.sex;
        secret.birth = &birth;
        const size_t size = claims__sealed_person__pack(&secret, packed);
        put(&s, "%s\t%s\t%s\t", uid_text(K_TENANT, p / in_tenant, t), uid_text(K_PERSON, p, id),
            uid_text(K_HOUSEHOLD, p / MEMBERS, h));
        put_sealed(&s, bound_to("claims.person", K_PERSON, p), packed, size, '\n');
    }
    stream_close(&s);
}

/* --- programmes --- */

static Huzhu__Id *
wire(struct id *id)
{
    static _Thread_local Huzhu__Id messages[8];
    static _Thread_local size_t next;
    Huzhu__Id *out = &messages[next++ % COUNT(messages)];

    huzhu__id__init(out);
    out->value = (ProtobufCBinaryData){ 16, id->bytes };
    return out;
}

static Huzhu__Date
day_at(int days)
{
    Huzhu__Date day = HUZHU__DATE__INIT;

    day.days = today.days + days;
    return day;
}

static Huzhu__Instant
instant_at(int days)
{
    Huzhu__Instant at = HUZHU__INSTANT__INIT;

    at.us = (int64_t) (today.days + days) * US_PER_DAY - 8 * 3600 * US_PER_SECOND;
    return at;
}

static Huzhu__Money
money_of(int64_t fen)
{
    Huzhu__Money money = HUZHU__MONEY__INIT;

    money.fen = fen;
    return money;
}

/* The programme as Yongtai's of 2020, in force for the year around today, or next year's. */
static size_t
programme_pack(int64_t n, const char *checksum, uint8_t *out)
{
    static Contributions__Programme__Use uses[] = { 1, 2, 3, 4, 5 };
    static Contributions__Programme__Exclusion exclusions[] = { 1, 2, 3, 4, 5, 6, 7 };
    const bool next = n % 2 == 1;
    Contributions__Programme p = CONTRIBUTIONS__PROGRAMME__INIT;
    Contributions__Programme__Threshold t = CONTRIBUTIONS__PROGRAMME__THRESHOLD__INIT,
                                        *ts[] = { &t };
    Contributions__Programme__Share own = CONTRIBUTIONS__PROGRAMME__SHARE__INIT,
                                    city = CONTRIBUTIONS__PROGRAMME__SHARE__INIT;
    Contributions__Programme__Share *shares[] = { &own, &city };
    Huzhu__Date from = day_at(next ? 40 : -325), until = day_at(next ? 404 : 39);
    Huzhu__Instant open = instant_at(next ? -30 : -360), shut = instant_at(next ? 30 : -326);
    Huzhu__Money standard = money_of(DUE_FEN + 500), forty = money_of(DUE_FEN),
                 five = money_of(500), least = money_of(400000);
    struct id id = uid(K_PROGRAMME, n);

    own.source = CONTRIBUTIONS__SOURCE__KIND__PERSONAL;
    own.per_head = &forty;
    city.source = CONTRIBUTIONS__SOURCE__KIND__CITY_FINANCE;
    city.per_head = &five;
    t.insurance = CONTRIBUTIONS__INSURANCE__KIND__RESIDENT;
    t.basis = CONTRIBUTIONS__PROGRAMME__THRESHOLD__BASIS__OWN_PAYMENT;
    t.at_least = &least;
    p.programme_id = wire(&id);
    p.year = 2026 + (next ? 1 : 0);
    p.name = (char *) "乡村医疗互助";
    p.template_ = (char *) "yongtai_2020";
    p.state =
        next ? CONTRIBUTIONS__PROGRAMME__STATE__OPEN : CONTRIBUTIONS__PROGRAMME__STATE__IN_FORCE;
    p.mode = CONTRIBUTIONS__PROGRAMME__MODE__BY_TOWNSHIP;
    p.custodian = CONTRIBUTIONS__PROGRAMME__CUSTODIAN__TOWNSHIP_FINANCE;
    p.custodian_account = (char *) "互助金专户";
    p.starts_on = &from;
    p.ends_on = &until;
    p.window_from = &open;
    p.window_until = &shut;
    p.standard = &standard;
    p.shares = shares;
    p.n_shares = COUNT(shares);
    p.personal_share_least = 5000;
    p.eligibility = CONTRIBUTIONS__PROGRAMME__ELIGIBILITY__REGISTERED_ONLY;
    p.household_rule = CONTRIBUTIONS__PROGRAMME__HOUSEHOLD_RULE__VOLUNTARY;
    p.thresholds = ts;
    p.n_thresholds = 1;
    p.year_by = CONTRIBUTIONS__PROGRAMME__YEAR_BY__ADMISSION;
    p.scheme_checksum = (char *) (uintptr_t) checksum;
    p.decision_workdays = 5;
    p.list_day = 28; /* no duty makes a list while others are measured, but for a few days */
    p.pay_before_day = 7;
    p.overspend = CONTRIBUTIONS__PROGRAMME__OVERSPEND__STOP;
    p.fee_source = CONTRIBUTIONS__PROGRAMME__FEE_SOURCE__NO_FEE;
    p.uses = uses;
    p.n_uses = COUNT(uses);
    p.exclusions = exclusions;
    p.n_exclusions = COUNT(exclusions);
    p.keep_years = 10;
    p.publish_days = 30;
    p.small_cell = 3;
    p.version = 5;
    return contributions__programme__pack(&p, out);
}

/* bench_programme (n, tenant, next, body): what three services keep in columns of their own. */
static void
programmes(PGconn *sql, const char *checksum)
{
    struct stream s = stream_open(sql, "COPY bench_programme FROM STDIN");
    uint8_t body[2048];

    for (int n = 0; n < 2 * l.tenants; n++) {
        const size_t size = programme_pack(n, checksum, body);
        put(&s, "%d\t%d\t%s\t", n, n / 2, n % 2 ? "t" : "f");
        put_bytes(&s, body, size, '\n');
    }
    stream_close(&s);
}

/* --- claims --- */

static size_t
facts_pack(const struct someone *one, int admitted, uint8_t *out)
{
    Claims__ClaimFacts facts = CLAIMS__CLAIM_FACTS__INIT;
    Huzhu__Date birth = HUZHU__DATE__INIT, from = day_at(admitted), until = day_at(admitted + 7);
    Huzhu__Money own = money_of(800000);

    birth.days = one->birth.days;
    facts.sex = (uint32_t) one->sex;
    facts.birth = &birth;
    facts.admitted = &from;
    facts.discharged = &until;
    facts.hospital_level = (char *) "2";
    facts.own_payment = &own;
    return claims__claim_facts__pack(&facts, out);
}

static size_t
coded_pack(uint8_t *out)
{
    static char *diagnoses[] = { (char *) "J18.900", (char *) "I10.x00" };
    Coding__Coded coded = CODING__CODED__INIT;

    coded.code_set = CODING__CODE_SET__NAME__INSURANCE;
    coded.diagnoses = diagnoses;
    coded.n_diagnoses = COUNT(diagnoses);
    coded.leaving = (char *) "1";
    return coding__coded__pack(&coded, out);
}

/* Days from today of the admission: 14 of 20 are paid, 1 on a list, 2 decided, 3 on their way. */
static int
admitted_at(int64_t i)
{
    const int s = (int) (i % 20);

    if (s < 14)
        return -320 + (int) (i % 240);
    return s == 14 ? -75 + (int) (i % 10) : s < 17 ? -30 + (int) (i % 5) : -15 + (int) (i % 5);
}

static int
month_of(int days)
{
    char day[DATE_TEXT_BYTES];
    int year = 0, month = 0;

    date_format((date_t){ today.days + days }, day);
    (void) sscanf(day, "%d-%d", &year, &month);
    return year * 12 + month;
}

/* What went to the bank: bound to its batch, one for each month, and its place in it. */
static void
put_item(struct stream *s, int tenant, int64_t i, const char *payee, size_t size)
{
    static int next[BATCHES];
    const int month = month_of(admitted_at(i) + 15) - month_of(admitted_at(0) + 15);
    char context[96], id[ID_TEXT_BYTES];

    if (i == 0)
        memset(next, 0, sizeof next);
    if (i % 20 >= 14) {
        put(s, "\\N\n");
        return;
    }
    (void) snprintf(context, sizeof context, "disbursement.item/%s/%d",
                    uid_text(K_BATCH, tenant * BATCHES + month, id), ++next[month]);
    put_sealed(s, context, payee, size, '\n');
}

static void
put_claim(struct stream *s, int tenant, int64_t i)
{
    const int64_t c = tenant * (int64_t) l.claims + i, h = household_of_claim(&l, tenant, i);
    struct someone one = someone(h * MEMBERS);
    Claims__SealedClaim secret = CLAIMS__SEALED_CLAIM__INIT;
    char card[32], text[128];
    uint8_t packed[512], index[32], purpose[KEY_BYTES];

    (void) snprintf(card, sizeof card, "622848%012lld", (long long) c);
    put(s, "%lld\t%d\t%lld\t%lld\t%d\t%d\t", (long long) c, tenant, (long long) i, (long long) h,
        (int) (i % 20), admitted_at(i));
    secret.holder = one.name;
    secret.card = card;
    secret.bank = (char *) "农商银行";
    put_sealed(s, bound_to("claims.claim", K_CLAIM, c), packed,
               claims__sealed_claim__pack(&secret, packed), '\t');
    key_derive(key, "claim.card", purpose);
    hmac_sha256(purpose, card, strlen(card), index);
    put_bytes(s, index, 32, '\t');
    put_sealed(s, bound_to("coding.job", K_CLAIM, c), packed,
               facts_pack(&one, admitted_at(i), packed), '\t');
    put_sealed(s, bound_to("coding.coded", K_CODING, c), packed, coded_pack(packed), '\t');
    put_sealed(s, bound_to("coding.trace", K_CODING, c), "{}", 2, '\t');
    const int size = snprintf(text, sizeof text, "%s\x1f%s\x1f%s", one.name, card, "农商银行");
    put_sealed(s, bound_to("disbursement.claim", K_CLAIM, c), text, (size_t) size, '\t');
    key_derive(key, "payee.card", purpose);
    hmac_sha256(purpose, card, strlen(card), index);
    put_bytes(s, index, 32, '\t');
    put_item(s, tenant, i, text, (size_t) size);
}

static void
claims(PGconn *sql)
{
    struct stream s = stream_open(sql, "COPY bench_claim FROM STDIN");

    for (int t = 0; t < l.tenants; t++)
        for (int64_t i = 0; i < l.claims; i++)
            put_claim(&s, t, i);
    stream_close(&s);
}

/* Three finished uploads of a claim, a small piece each. */
static void
papers(PGconn *sql)
{
    struct stream s = stream_open(
        sql, "COPY claims.upload_piece (tenant_id, upload_id, start, size, sealed) FROM STDIN");
    uint8_t paper[160] = { 0xff, 0xd8 };

    for (int64_t u = 0; u < 3 * (int64_t) l.tenants * l.claims; u++) {
        char t[ID_TEXT_BYTES], id[ID_TEXT_BYTES], context[96];
        uid_text(K_UPLOAD, u, id);
        put(&s, "%s\t%s\t0\t160\t", uid_text(K_TENANT, u / 3 / l.claims, t), id);
        (void) snprintf(context, sizeof context, "claims.upload/%s/0", id);
        put_sealed(&s, context, paper, sizeof paper, '\n');
    }
    stream_close(&s);
}

static void
bank_files(PGconn *sql)
{
    const int count = BATCHES * l.tenants;
    struct stream s = stream_open(sql, "COPY bench_file FROM STDIN");

    for (int b = 0; b < count; b++) {
        put(&s, "%d\t", b);
        put_sealed(&s, bound_to("disbursement.batch", K_BATCH, b), "header", 6, '\n');
    }
    stream_close(&s);
}

/* --- all --- */

static PGconn *
open_loading(void)
{
    PGconn *sql = sql_open(database);

    sql_run(sql, "SET session_replication_role = replica; SET synchronous_commit = off; "
                 "SET work_mem = '128MB'; SET search_path = public");
    return sql;
}

struct part {
    const char *name, *statements;
    void (*streams[2])(PGconn *);
    pthread_t thread;
};

/* The statements of load_sql.h, parted by blank lines. */
static void
run_statements(PGconn *sql, const char *statements)
{
    char *text = strdup(statements), *save = NULL;

    if (!text)
        abort();
    for (char *one = strtok_r(text, "@", &save); one; one = strtok_r(NULL, "@", &save))
        sql_run(sql, "%s", one);
    free(text);
}

static void *
load_part(void *arg)
{
    struct part *part = arg;
    PGconn *sql = open_loading();
    const double from = seconds_now();

    for (size_t i = 0; i < COUNT(part->streams); i++)
        if (part->streams[i])
            part->streams[i](sql);
    run_statements(sql, part->statements);
    PQfinish(sql);
    (void) printf("  loaded %-13s in %5.1f s\n", part->name, seconds_now() - from);
    (void) fflush(stdout);
    return NULL;
}

static void
put_keys(PGconn *sql)
{
    char hex[2 * WRAPPED_KEY_BYTES_MAX + 1];

    for (size_t i = 0; i < wrapped_size; i++)
        (void) snprintf(hex + 2 * i, 3, "%02x", wrapped[i]);
    for (int i = 0; i < 5; i++)
        sql_run(
            sql,
            "INSERT INTO %s.data_key SELECT uid(%d, t), '\\x%s', now()"
            " FROM generate_series(0, %d) t",
            (const char *[]){ "identity", "contributions", "claims", "coding", "disbursement" }[i],
            K_TENANT, hex, l.tenants - 1);
}

/* The groups of the starter scheme: seq, key, drg, name, rule. */
static void
groups(PGconn *sql)
{
    struct stream s = stream_open(sql, "COPY bench_drg FROM STDIN");
    FILE *in = fopen(HUZHU_SOURCE_DIR "/services/coding/scheme/starter/drg.tsv", "r");
    char line[1024], *save;

    if (!in || !fgets(line, sizeof line, in))
        abort();
    while (fgets(line, sizeof line, in)) {
        (void) strtok_r(line, "\t", &save);
        (void) strtok_r(NULL, "\t", &save);
        const char *drg = strtok_r(NULL, "\t", &save), *name = strtok_r(NULL, "\t", &save);
        if (drg && name)
            put(&s, "%s\t%s\n", drg, name);
    }
    (void) fclose(in);
    stream_close(&s);
}

static void
prepare(PGconn *sql)
{
    char *scheme = strdup(world_scheme()), *save = NULL;
    const char *fields[4];

    for (int i = 0; i < 4; i++)
        if (!(fields[i] = strtok_r(i == 0 ? scheme : NULL, "\t", &save)))
            abort();
    sql_run(sql,
            "CREATE TABLE bench_size AS SELECT %d AS tenants, %d AS villages, %d AS households,"
            " %d AS claims, %d AS enrolled_next, DATE '1970-01-01' + %d AS today",
            l.tenants, l.villages, l.households, l.claims, l.enrolled_next, (int) today.days);
    sql_run(sql, "%s", load_functions);
    sql_run(sql,
            "CREATE TABLE bench_scheme AS SELECT '%s'::text AS id, '%s'::text AS name,"
            " '%s'::text AS version, '%s'::text AS checksum",
            fields[0], fields[1], fields[2], fields[3]);
    groups(sql);
    programmes(sql, fields[3]);
    claims(sql);
    bank_files(sql);
    put_keys(sql);
    sql_run(sql, "ANALYZE bench_claim");
    free(scheme);
}

/* What was loaded is a year that could have been: of one township, because a county's takes
 * minutes; the statements are the same.  Invariants of services that are not there are left out. */
static void
ask_invariants(PGconn *sql)
{
    static char text[16384];
    glob_t files;
    int asked = 0;

    if (glob(HUZHU_SOURCE_DIR "/tests/invariants/*.sql", 0, NULL, &files) != 0)
        abort();
    for (size_t i = 0; i < files.gl_pathc; i++) {
        FILE *in = fopen(files.gl_pathv[i], "r");
        const size_t size = in ? fread(text, 1, sizeof text - 1, in) : 0;
        if (!in || fclose(in) != 0 || size == 0 || size == sizeof text - 1)
            abort();
        text[size] = '\0';
        PGresult *result = PQexec(sql, text);
        const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        if (PQntuples(result) > 0 || (state && strcmp(state, "42P01") != 0)) {
            (void) fprintf(stderr, "bench: %s: %s %s\n", files.gl_pathv[i],
                           PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "",
                           PQresultErrorMessage(result));
            exit(1);
        }
        asked += state == NULL;
        PQclear(result);
    }
    (void) printf("  %d invariants hold\n", asked);
    globfree(&files);
}

void
load_year(const struct load *load)
{
    static struct part parts[] = {
        { "identity", load_identity, { identity_people, NULL }, 0 },
        { "contributions", load_contributions, { contributions_people, NULL }, 0 },
        { "claims", load_claims, { claims_people, papers }, 0 },
        { "coding", load_rest, { NULL, NULL }, 0 },
    };
    struct key_ring *ring;
    struct err err;

    l = *load;
    today = date_of(clock_now());
    (void) snprintf(database, sizeof database, "%s", "huzhu");
    if (key_ring_load(keys_ring(world_keys()), &ring, &err) != ERR_OK ||
        data_key_create(ring, key, wrapped, &wrapped_size, &err) != ERR_OK)
        abort();
    key_ring_destroy(ring);
    const double from = seconds_now();
    PGconn *sql = open_loading();
    prepare(sql);
    for (size_t i = 0; i < COUNT(parts); i++)
        if (pthread_create(&parts[i].thread, NULL, load_part, &parts[i]) != 0)
            abort();
    for (size_t i = 0; i < COUNT(parts); i++)
        (void) pthread_join(parts[i].thread, NULL);
    const double loaded = seconds_now();
    sql_run(sql, "VACUUM (ANALYZE)");
    sql_run(sql, "CHECKPOINT");
    const double ready = seconds_now();
    if (l.tenants == 1)
        ask_invariants(sql);
    PQfinish(sql);
    (void) printf("  %lld people, %lld households, %d claims in %d townships: %.0f s, vacuum and "
                  "checkpoint %.0f s\n",
                  (long long) people_of_all(), (long long) (l.tenants * households_of(&l)),
                  l.tenants * l.claims, l.tenants, loaded - from, ready - loaded);
    (void) fflush(stdout);
}
