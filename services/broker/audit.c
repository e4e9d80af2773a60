/* audit.c - refusals on their way to the log and to the audit service. */
#include "audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus.pb-c.h"
#include "bus/bus.h"
#include "clock/clock.h"
#include "id/id.h"
#include "log/log.h"

#define RECORD_DEADLINE_US INT64_C(5000000)
#define RETRY_US_MIN INT64_C(500000)
#define RETRY_US_MAX INT64_C(30000000)

struct record {
    struct id id;
    int64_t at_us;
    char kind[24], name[MDP_NAME_BYTES_MAX + 1], key[64], peer[64], detail[192];
};

struct audit {
    struct record ring[AUDIT_QUEUE_MAX];
    uint32_t first, count;
    uint64_t ticket; /* of the record that is under way; 0: none */
    uint64_t tickets, suppressed_before;
    int64_t next_try_us, retry_us, now_us;
    int64_t tokens_us; /* of a bucket that gains AUDIT_PER_SECOND a second */
    int64_t refilled_us;
    struct audit_figures figures;
};

struct audit *
audit_create(void)
{
    struct audit *a = calloc(1, sizeof *a);

    if (a) {
        a->retry_us = RETRY_US_MIN;
        a->tokens_us = US_PER_SECOND;
    }
    return a;
}

void
audit_destroy(struct audit *audit)
{
    free(audit);
}

static bool
take_token(struct audit *a)
{
    const int64_t now_us = clock_monotonic_us(), cost_us = US_PER_SECOND / AUDIT_PER_SECOND;

    a->tokens_us += now_us - a->refilled_us;
    a->refilled_us = now_us;
    if (a->tokens_us > US_PER_SECOND)
        a->tokens_us = US_PER_SECOND;
    if (a->tokens_us < cost_us)
        return false;
    a->tokens_us -= cost_us;
    return true;
}

void
audit_refuse(void *audit, const struct refusal *refusal)
{
    struct audit *a = audit;

    a->figures.refused++;
    if (!take_token(a)) {
        a->figures.suppressed++;
        a->suppressed_before++;
        return;
    }
    LOG(WARNING, NULL, "broker.refused", L_TEXT("kind", refusal->kind),
        L_TEXT("name", refusal->name), L_TEXT("key", refusal->key), L_TEXT("peer", refusal->peer),
        L_TEXT("detail", refusal->detail), L_INT("suppressed", (int64_t) a->suppressed_before));
    if (a->count == AUDIT_QUEUE_MAX) {
        a->figures.lost++;
        return;
    }
    struct record *r = &a->ring[(a->first + a->count++) % AUDIT_QUEUE_MAX];
    const instant_t now = clock_now();
    r->id = id_mint(now);
    r->at_us = now.us;
    (void) snprintf(r->kind, sizeof r->kind, "%s", refusal->kind);
    (void) snprintf(r->name, sizeof r->name, "%s", refusal->name);
    (void) snprintf(r->key, sizeof r->key, "%s", refusal->key);
    (void) snprintf(r->peer, sizeof r->peer, "%s", refusal->peer);
    if (a->suppressed_before > 0)
        (void) snprintf(r->detail, sizeof r->detail, "%s (%llu more before it)", refusal->detail,
                        (unsigned long long) a->suppressed_before);
    else
        (void) snprintf(r->detail, sizeof r->detail, "%s", refusal->detail);
    a->suppressed_before = 0;
}

/* --- audit.RecordRefusalRequest: six fields, written by hand so that the broker knows no domain
 * message; every text is shorter than 256 bytes, so a length has at most two bytes --- */

static uint8_t *
put_varint(uint8_t *at, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *at++ = (uint8_t) (value | 0x80);
    *at++ = (uint8_t) value;
    return at;
}

static uint8_t *
put_text(uint8_t *at, uint32_t field, const char *text)
{
    const size_t size = strlen(text);

    if (size == 0)
        return at;
    at = put_varint(at, field << 3 | 2);
    at = put_varint(at, size);
    while (*text)
        *at++ = (uint8_t) *text++;
    return at;
}

static size_t
pack_request(const struct record *r, uint8_t out[static sizeof(struct record) + 32])
{
    uint8_t *at = out;

    at = put_text(at, 1, r->kind);
    at = put_text(at, 2, r->name);
    at = put_text(at, 3, r->key);
    at = put_text(at, 4, r->peer);
    at = put_varint(at, 5 << 3);
    at = put_varint(at, (uint64_t) r->at_us);
    at = put_text(at, 6, r->detail);
    return (size_t) (at - out);
}

static err_t
submit(struct audit *a, struct core *core, struct record *r)
{
    uint8_t body[sizeof *r + 32], packed[sizeof *r + 256];
    char key[ID_TEXT_BYTES];
    Bus__Envelope envelope = BUS__ENVELOPE__INIT;
    struct err err;

    id_format(r->id, key);
    envelope.request_id.data = r->id.bytes;
    envelope.request_id.len = sizeof r->id.bytes;
    envelope.method = "RecordRefusal";
    envelope.deadline_us = clock_now().us + RECORD_DEADLINE_US;
    envelope.idempotency_key = key; /* a repeat is recorded once */
    envelope.language = "en";
    envelope.body.data = body;
    envelope.body.len = pack_request(r, body);
    const size_t size = bus__envelope__pack(&envelope, packed);
    assert(size <= sizeof packed);
    const struct core_own own = { .service = "audit",
                                  .method = envelope.method,
                                  .deadline_us = envelope.deadline_us,
                                  .ticket = a->tickets + 1,
                                  .body = packed,
                                  .size = size };
    return core_submit(core, &own, &err);
}

static void
back_off(struct audit *a)
{
    a->next_try_us = a->now_us + a->retry_us;
    a->retry_us = a->retry_us * 2 < RETRY_US_MAX ? a->retry_us * 2 : RETRY_US_MAX;
}

void
audit_tick(struct audit *audit, struct core *core, int64_t now_us)
{
    audit->now_us = now_us;
    if (audit->count == 0 || audit->ticket || now_us < audit->next_try_us)
        return;
    audit->ticket = audit->tickets + 1; /* an answer may come before core_submit() returns */
    const err_t code = submit(audit, core, &audit->ring[audit->first]);
    audit->tickets++;
    if (code != ERR_OK) {
        audit->ticket = 0;
        back_off(audit);
    }
}

void
audit_answered(void *audit, uint64_t ticket, const uint8_t *answer, size_t size)
{
    struct audit *a = audit;
    Bus__Answer *read = bus__answer__unpack(NULL, size, answer);
    const err_t code = read ? bus_err_from_code(read->code) : ERR_INTERNAL;

    bus__answer__free_unpacked(read, NULL);
    if (ticket != a->ticket)
        return;
    a->ticket = 0;
    if (err_is_retryable(code)) { /* audit is away: it gets the record when it is back */
        back_off(a);
        return;
    }
    a->retry_us = RETRY_US_MIN;
    a->next_try_us = 0;
    if (code == ERR_OK)
        a->figures.recorded++;
    else
        a->figures.lost++; /* audit will not have it: the log line is what remains */
    if (code != ERR_OK)
        LOG(ERROR, NULL, "broker.refusal_not_recorded", L_TEXT("code", err_name(code)));
    a->first = (a->first + 1) % AUDIT_QUEUE_MAX;
    a->count--;
}

struct audit_figures
audit_figures(const struct audit *audit)
{
    struct audit_figures figures = audit->figures;

    figures.waiting = audit->count;
    return figures;
}
