/* claims.c - claims as people file them: the form, three papers of 32 KiB each uploaded and
 * attached, the submission; against pgbench. */
#include <stdlib.h>
#include <string.h>

#include "claims.pb-c.h"
#include "pair.h"

enum { VILLAGES = 8, HOUSES = 1000, EACH = 25, PAPER_BYTES = 32 * 1024 };
enum { REQUESTS = 8 }; /* FileClaim, 3 WriteUpload, 3 AttachPaper, SubmitClaim */

static uint8_t paper[PAPER_BYTES];
static struct who *clerks[VILLAGES];

/* A JPEG of one component whose scan fills the rest. */
static void
draw(void)
{
    static const uint8_t head[] = { 0xff, 0xd8, 0xff, 0xdb, 0x00, 0x43, 0x00 };
    static const uint8_t frame[] = { 0xff, 0xc0, 0x00, 0x0b, 0x08, 0x00, 0x01, 0x00,
                                     0x01, 0x01, 0x01, 0x11, 0x00, 0xff, 0xda, 0x00,
                                     0x08, 0x01, 0x01, 0x00, 0x00, 0x3f, 0x00 };
    size_t n = sizeof head;

    memcpy(paper, head, sizeof head);
    for (int i = 0; i < 64; i++)
        paper[n++] = (uint8_t) (i + 1);
    memcpy(paper + n, frame, sizeof frame);
    for (n += sizeof frame; n < PAPER_BYTES - 2; n++)
        paper[n] = (uint8_t) (n * 7 % 251);
    paper[n++] = 0xff;
    paper[n] = 0xd9;
}

/* Passes Luhn. */
static void
card_of(int n, char card[static 20])
{
    int sum = 0;

    (void) snprintf(card, 20, "622848%012d", n);
    for (int i = 0; i < 18; i++) {
        const int digit = (card[i] - '0') * (i % 2 == 1 ? 2 : 1);
        sum += digit / 10 + digit % 10;
    }
    card[18] = (char) ('0' + (10 - sum % 10) % 10);
    card[19] = '\0';
}

static void
file_claim(struct caller *caller, struct who *who, int64_t p, const char *claim)
{
    char person[ID_TEXT_BYTES], from[DATE_TEXT_BYTES], until[DATE_TEXT_BYTES], card[20], name[32];
    char json[1024];
    const date_t today = date_of(clock_now());

    date_format((date_t){ today.days - 20 }, from);
    date_format((date_t){ today.days - 12 }, until);
    card_of((int) p, card);
    load_name(p, name);
    (void) snprintf(
        json, sizeof json,
        "{\"claimId\":\"%s\",\"personId\":\"%s\",\"stay\":{\"admitted\":\"%s\",\"discharged\":\"%"
        "s\","
        "\"hospital\":\"县人民医院\",\"hospitalCode\":\"H32072300012\",\"hospitalLevel\":\"2\","
        "\"insurance\":\"RESIDENT\",\"totalCost\":{\"fen\":\"2000000\"},\"basicPaid\":{\"fen\":"
        "\"1200000\"},\"ownPayment\":{\"fen\":\"800000\"},\"purpose\":\"TREATMENT\"},\"payee\":{"
        "\"holder\":\"%s\",\"card\":\"%s\",\"bank\":\"农商银行\",\"relation\":\"SELF\"}}",
        claim, uid_text(K_PERSON, p, person), from, until, name, card);
    (void) must(caller, who, "claims", "FileClaim", json);
}

static void
upload(struct caller *caller, struct who *who, struct id id)
{
    static _Thread_local uint8_t packed[PAPER_BYTES + 256];
    Claims__WriteUploadRequest in = CLAIMS__WRITE_UPLOAD_REQUEST__INIT;
    Huzhu__Id wire = HUZHU__ID__INIT;

    wire.value = (ProtobufCBinaryData){ 16, id.bytes };
    in.upload_id = &wire;
    in.data = (ProtobufCBinaryData){ sizeof paper, paper };
    in.last = true;
    const struct said said = says(caller, who, "claims", "WriteUpload", packed,
                                  claims__write_upload_request__pack(&in, packed));
    if (said.code != ERR_OK) {
        (void) fprintf(stderr, "bench: WriteUpload: %s %s\n", said.reason, said.text);
        exit(1);
    }
}

static void
one_claim(struct caller *caller, struct who *who, int64_t h)
{
    static const char *const kinds[] = { "DISCHARGE_RECORD", "COST_LIST", "SETTLEMENT" };
    const int64_t p = h * MEMBERS + 1; /* the heads have claims already */
    char claim[ID_TEXT_BYTES], paper_id[ID_TEXT_BYTES], json[256];

    uid_text(K_NEW, 2000000 + h, claim);
    file_claim(caller, who, p, claim);
    for (int k = 0; k < 3; k++)
        upload(caller, who, uid(K_NEW, 3000000 + h * 3 + k));
    for (int k = 0; k < 3; k++) {
        (void) snprintf(json, sizeof json,
                        "{\"claimId\":\"%s\",\"uploadId\":\"%s\",\"kind\":\"%s\"}", claim,
                        uid_text(K_NEW, 3000000 + h * 3 + k, paper_id), kinds[k]);
        (void) must(caller, who, "claims", "AttachPaper", json);
    }
    (void) snprintf(json, sizeof json, "{\"claimId\":\"%s\"}", claim);
    (void) must(caller, who, "claims", "SubmitClaim", json);
}

static void
of_village(struct caller *caller, int village)
{
    for (int i = 0; i < EACH; i++)
        one_claim(caller, clerks[village], (int64_t) village * HOUSES + i * 5 + 1);
}

void
bench_claims(int repeats)
{
    draw();
    for (int v = 0; v < VILLAGES; v++)
        clerks[v] = who_create(uid(K_TENANT, 0), ROLE_VILLAGE_CLERK, uid(K_VILLAGE, v));
    pair_run(&(const struct pair){
        .title = "claims with three papers",
        .service = "claims",
        .unit = "claims",
        .made = "SELECT count(*) FROM claims.claim WHERE state = 'ACCEPTED' AND"
                " claim_id >= uid(17, 2000000) AND claim_id < uid(17, 3000000)",
        .groups = VILLAGES,
        .requests = EACH * REQUESTS,
        .units = VILLAGES * EACH,
        .repeats = repeats,
        .group = of_village });
    for (int v = 0; v < VILLAGES; v++)
        who_destroy(clerks[v]);
}
