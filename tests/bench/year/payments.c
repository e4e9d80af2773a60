/* payments.c - cash payments of households, 200 in a request and one by one, against pgbench. */
#include <stdlib.h>
#include <string.h>

#include "pair.h"

enum { VILLAGES = 8, HOUSES = 1000, BULK = 200, BULKS = 5, SINGLES = 100 };
enum { BOOK_FIRST = 700 };

static struct who *clerks[VILLAGES];

/* The open programme is the tenant's second; the clerk of each village opens a book once. */
static void
open_books(void)
{
    struct caller *caller = caller_create();
    char book[ID_TEXT_BYTES], programme[ID_TEXT_BYTES], village[ID_TEXT_BYTES], json[512];

    for (int v = 0; v < VILLAGES; v++) {
        clerks[v] = who_create(uid(K_TENANT, 0), ROLE_VILLAGE_CLERK, uid(K_VILLAGE, v));
        (void) snprintf(json, sizeof json,
                        "{\"programmeId\":\"%s\",\"cashBookId\":\"%s\",\"villageId\":\"%s\"}",
                        uid_text(K_PROGRAMME, 1, programme), uid_text(K_BOOK, BOOK_FIRST + v, book),
                        uid_text(K_VILLAGE, v, village));
        (void) must(caller, clerks[v], "contributions", "OpenCashBook", json);
    }
    caller_destroy(caller);
}

static void
pay(struct caller *caller, int village, int from, int count)
{
    char book[ID_TEXT_BYTES], payment[ID_TEXT_BYTES], house[ID_TEXT_BYTES], *json = NULL;
    size_t size;
    FILE *out = open_memstream(&json, &size);

    if (!out)
        abort();
    (void) fprintf(out, "{\"cashBookId\":\"%s\",\"payments\":[",
                   uid_text(K_BOOK, BOOK_FIRST + village, book));
    for (int i = 0; i < count; i++) {
        const int64_t h = (int64_t) village * HOUSES + from + i;
        (void) fprintf(
            out, "%s{\"paymentId\":\"%s\",\"householdId\":\"%s\",\"amount\":{\"fen\":\"%d\"}}",
            i ? "," : "", uid_text(K_NEW, 1000000 + h, payment), uid_text(K_HOUSEHOLD, h, house),
            MEMBERS * 4000);
    }
    (void) fputs("]}", out);
    if (fclose(out) != 0)
        abort();
    (void) must(caller, clerks[village], "contributions", "RecordCashPayments", json);
    free(json);
}

static void
in_bulk(struct caller *caller, int village)
{
    for (int i = 0; i < BULKS; i++)
        pay(caller, village, i * BULK, BULK);
}

static void
one_by_one(struct caller *caller, int village)
{
    for (int i = 0; i < SINGLES; i++)
        pay(caller, village, i, 1);
}

void
bench_payments(int repeats)
{
    static const char made[] = "SELECT count(*) FROM contributions.payment p JOIN"
                               " contributions.programme g USING (tenant_id, programme_id)"
                               " WHERE g.state = 'OPEN' AND p.state = 'TAKEN'";
    const pid_t service = service_start("contributions", 1, "1s");

    open_books();
    service_end(service);
    pair_run(&(const struct pair){ .title = "payments, 200 in a request",
                                   .service = "contributions",
                                   .unit = "payments",
                                   .made = made,
                                   .groups = VILLAGES,
                                   .requests = BULKS,
                                   .units = VILLAGES * BULKS * BULK,
                                   .repeats = repeats,
                                   .group = in_bulk });
    pair_run(&(const struct pair){ .title = "payments, one in a request",
                                   .service = "contributions",
                                   .unit = "payments",
                                   .made = made,
                                   .groups = VILLAGES,
                                   .requests = SINGLES,
                                   .units = VILLAGES * SINGLES,
                                   .repeats = repeats,
                                   .group = one_by_one });
    for (int v = 0; v < VILLAGES; v++)
        who_destroy(clerks[v]);
}
