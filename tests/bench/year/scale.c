/* scale.c - the rpcs of five services with a county loaded: each is called with typical arguments
 * that differ from call to call, through broker and process; the slowest ten by their medians. */
#include <stdlib.h>
#include <string.h>

#include "cluster.h"
#include "coding.pb-c.h"
#include "process.h"
#include "year.h"

enum { CALLS_MAX = 100, RPCS_MAX = 128, SERVICES = 5 };

enum staff {
    OFFICER,
    APPROVER,
    PAYER,
    CODER,
    REVIEWER,
    DESIGNER,
    CLERK,
    MEMBER,
    SYSTEM,
    SECURITY,
    STAFF_COUNT
};

/* In the JSON "$x" becomes an id: T tenant, P and Q its programme in force and the next one, V a
 * village, H and O a household with a claim and one that owes, E and G their heads, C its claim, U
 * a paper of it, K its coding, S its subsidy table, L a list, N its line, B its batch, A an
 * account, Y a payment, W a cash book, J and X a job that was taken and one to review, Z the
 * latter's coding, n a new id.  "#" is the number of the call. */
struct rpc {
    const char *service, *name;
    enum staff who;
    const char *json;
};
static const struct rpc rpcs[] = {
#define RPC(service, name, who, json) { #service, #name, who, json },
#include "scale.def"
#undef RPC
};

static struct load l;
static int town;
static struct who *staff[STAFF_COUNT];
static struct id taken[CALLS_MAX], reviewed[CALLS_MAX], reviewed_coding[CALLS_MAX];

struct measured {
    const struct rpc *rpc;
    double median_ms, p99_ms;
    int done;
    char refusal[280];
};

static struct id
id_for(char what, int call)
{
    const int64_t i = ((int64_t) call * 337 + 20 * call) % l.claims / 20 * 20, /* a paid one */
        c = (int64_t) town * l.claims + i, h = household_of_claim(&l, town, i),
                  owes = (int64_t) town * households_of(&l) +
                         ((int64_t) call * 170 + 11) % 25000 / 10 * 10 + 1;

    switch (what) {
    case 'T':
        return uid(K_TENANT, town);
    case 'P':
        return uid(K_PROGRAMME, town * 2);
    case 'Q':
        return uid(K_PROGRAMME, town * 2 + 1);
    case 'V':
        return uid(K_VILLAGE, h / l.households);
    case 'H':
        return uid(K_HOUSEHOLD, h);
    case 'E':
        return uid(K_PERSON, h * MEMBERS);
    case 'O':
        return uid(K_HOUSEHOLD, owes);
    case 'G':
        return uid(K_PERSON, owes * MEMBERS);
    case 'C':
        return uid(K_CLAIM, c);
    case 'U':
        return uid(K_UPLOAD, c * 3);
    case 'K':
        return uid(K_CODING, c);
    case 'S':
        return uid(K_TABLE, town);
    case 'L':
        return uid(K_LIST, town * 1000 + call % 8);
    case 'N':
        return uid(K_LINE, c);
    case 'B':
        return uid(K_BATCH, town * 24 + call % 8);
    case 'A':
        return uid(K_ACCOUNT, town * 1000 + call);
    case 'Y':
        return uid(K_PAYMENT, h);
    case 'W':
        return uid(K_BOOK, 900);
    case 'J':
        return taken[call];
    case 'X':
        return reviewed[call];
    case 'Z':
        return reviewed_coding[call];
    default:
        return id_mint(clock_now());
    }
}

static void
expand(const char *json, int call, char *out, size_t room)
{
    char id[ID_TEXT_BYTES];
    FILE *to = fmemopen(out, room, "w");

    if (!to)
        abort();
    for (const char *p = json; *p; p++) {
        if (*p == '$') {
            id_format(id_for(*++p, call), id);
            (void) fputs(id, to);
        } else if (*p == '#')
            (void) fprintf(to, "%d", call);
        else
            (void) fputc(*p, to);
    }
    if (fclose(to) != 0)
        abort();
}

static struct id
id_of(const Huzhu__Id *in)
{
    struct id id = { { 0 } };

    if (in && in->value.len == 16)
        memcpy(id.bytes, in->value.data, 16);
    return id;
}

/* What later rpcs name. */
static void
remember(const struct rpc *rpc, int call, const struct said *said)
{
    if (strcmp(rpc->name, "TakeJob") == 0) {
        Coding__TakeJobReply *reply = coding__take_job_reply__unpack(NULL, said->size, said->body);
        if (reply && reply->job)
            taken[call] = id_of(reply->job->claim_id);
        coding__take_job_reply__free_unpacked(reply, NULL);
    } else if (strcmp(rpc->name, "TakeReview") == 0) {
        Coding__TakeReviewReply *reply =
            coding__take_review_reply__unpack(NULL, said->size, said->body);
        if (reply && reply->job) {
            reviewed[call] = id_of(reply->job->claim_id);
            reviewed_coding[call] = id_of(reply->coding_id);
        }
        coding__take_review_reply__free_unpacked(reply, NULL);
    }
}

static struct measured
measure(struct caller *caller, const struct rpc *rpc, int calls)
{
    struct measured m = { .rpc = rpc };
    double ms[CALLS_MAX];
    char json[4096];

    for (int i = 0; i < calls; i++) {
        struct who *who = staff[rpc->who];
        memset(json, 0, sizeof json);
        /* a member asks for its own household each time: it may see no other */
        expand(rpc->json, rpc->who == MEMBER ? 1 : i, json, sizeof json);
        const struct said said = asks(caller, who, rpc->service, rpc->name, json);
        if (said.code == ERR_OK) {
            ms[m.done++] = (double) said.us / 1000;
            remember(rpc, i, &said);
        } else if (!m.refusal[0])
            (void) snprintf(m.refusal, sizeof m.refusal, "%s %s", said.reason, said.text);
    }
    if (m.done > 0) {
        m.p99_ms = percentile_of(ms, m.done, 99);
        m.median_ms = median_of(ms, m.done);
    }
    return m;
}

static int
slower(const void *a, const void *b)
{
    const struct measured *x = a, *y = b;

    return (x->median_ms < y->median_ms) - (x->median_ms > y->median_ms);
}

static void
print_slowest(struct measured *all, size_t count, int calls)
{
    double every[RPCS_MAX];
    int n = 0, over = 0;

    for (size_t i = 0; i < count; i++) {
        if (all[i].done < calls)
            (void) printf("  %s %s: %d of %d refused: %s\n", all[i].rpc->service, all[i].rpc->name,
                          calls - all[i].done, calls, all[i].refusal);
        if (all[i].done > 0) {
            every[n++] = all[i].median_ms;
            over += all[i].median_ms > 100;
        }
    }
    qsort(all, count, sizeof *all, slower);
    (void) printf(
        "  %d rpcs, %d calls each, one at a time: the median of their medians %.1f ms, %d "
        "over 100 ms; the slowest ten\n  %-15s %-24s %10s %10s\n",
        n, calls, n ? median_of(every, n) : 0, over, "service", "rpc", "median ms", "p99 ms");
    for (size_t i = 0; i < count && i < (getenv("HUZHU_BENCH_ALL") ? count : 10); i++)
        (void) printf("  %-15s %-24s %10.1f %10.1f\n", all[i].rpc->service, all[i].rpc->name,
                      all[i].median_ms, all[i].p99_ms);
    (void) fflush(stdout);
}

static void
hire(void)
{
    static const struct {
        enum staff who;
        role_set_t roles;
    } roles[] = { { OFFICER, ROLE_TOWNSHIP_OFFICER },
                  { APPROVER, ROLE_APPROVER },
                  { PAYER, ROLE_PAYER },
                  { CODER, ROLE_CODER },
                  { REVIEWER, ROLE_REVIEWER },
                  { DESIGNER, ROLE_DESIGNER },
                  { CLERK, ROLE_VILLAGE_CLERK },
                  { MEMBER, ROLE_MEMBER },
                  { SYSTEM, ROLE_SYSTEM_ADMIN },
                  { SECURITY, ROLE_SECURITY_ADMIN } };

    for (size_t i = 0; i < COUNT(roles); i++) {
        staff[roles[i].who] = who_create(uid(K_TENANT, town), roles[i].roles, (struct id){ { 0 } });
        /* known accounts: the certificate and one's own sessions are of 170 + i */
        staff[roles[i].who]->person.account = uid(K_ACCOUNT, town * 1000 + 170 + (int) roles[i].who);
        staff[roles[i].who]->person.session = staff[roles[i].who]->person.account;
    }
    staff[MEMBER]->person.own_person = id_for('E', 1);
}

void
bench_scale(const struct load *load, int calls)
{
    static const char *const services[SERVICES] = { "identity", "contributions", "claims", "coding",
                                                    "disbursement" };
    static struct measured all[RPCS_MAX];
    char json[4096];
    pid_t pids[SERVICES];

    l = *load;
    town = load->tenants / 2;
    load_year(load);
    hire();
    setting("HUZHU_CODING_JOBS_HELD_MOST", "100");
    for (size_t i = 0; i < SERVICES; i++)
        pids[i] = service_start(services[i], 2, "250ms");
    struct caller *caller = caller_create();
    memset(json, 0, sizeof json);
    expand(
        "{\"accountId\":\"0190a506-0000-7000-8000-000000000000\",\"number\":\"C9\",\"validFrom\":"
        "\"2020-01-01\",\"validUntil\":\"2099-01-01\"}",
        0, json, sizeof json);
    id_format(staff[CODER]->person.account, json + 14);
    json[14 + ID_TEXT_BYTES - 1] = '"';
    (void) must(caller, staff[OFFICER], "coding", "RecordCertificate", json);
    const double from = seconds_now();
    for (size_t i = 0; i < COUNT(rpcs) && i < RPCS_MAX; i++)
        all[i] = measure(caller, &rpcs[i], calls);
    (void) printf("every rpc with %d townships loaded, through broker and process: %.0f s\n",
                  load->tenants, seconds_now() - from);
    print_slowest(all, COUNT(rpcs), calls);
    caller_destroy(caller);
    for (size_t i = 0; i < SERVICES; i++)
        service_end(pids[i]);
    for (size_t i = 0; i < STAFF_COUNT; i++)
        who_destroy(staff[i]);
}
