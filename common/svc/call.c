/* call.c - from an envelope to a call: who asks, for which tenant, until when. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena/arena_pb.h"
#include "svc/runtime.h"

/* What a principal's signature covers before its bytes: no other signature can be mistaken for one.
 */
static const char signed_prefix[] = "huzhu principal v1"; /* and its NUL */

enum { IDEMPOTENCY_KEY_BYTES_MAX = 64 };

/* A caller that sets no deadline gets this one: nothing waits for ever. */
#define DEADLINE_US_DEFAULT (INT64_C(30) * US_PER_SECOND)

void
call_init(struct call *c, struct svc_thread *thread)
{
    const instant_t wall = clock_now();
    struct business_clock *clock = thread->rt->clock;
    bool malformed = false;

    *c = (struct call){
        .arena = thread->arena,
        .thread = thread,
        .state = thread->rt->state,
        .conf = thread->rt->service_conf,
        .service = thread->rt->svc->name,
        .method = "",
        .roles = (role_set_t) ROLE_ANYONE,
        .caller = "",
        .if_match = "",
        .language = "zh-CN",
        .idempotency_key = "",
        .now = business_time(clock, wall, &malformed),
        .wall = wall,
    };
    if (malformed)
        LOG(WARNING, NULL, "clock.malformed", L_TEXT("file", business_clock_path(clock)),
            L_INT("offset_us_kept", c->now.us - wall.us));
}

/* --- trace --- */

static bool
is_hex(const char *text, size_t size)
{
    return strspn(text, "0123456789abcdef") >= size;
}

/* W3C Trace Context, version 00: 00-<32 hex>-<16 hex>-<2 hex>, neither id all zeros. */
static bool
trace_is_valid(const char *text)
{
    return strlen(text) == TRACEPARENT_BYTES - 1 && strncmp(text, "00-", 3) == 0 &&
           is_hex(text + 3, 32) && text[35] == '-' && is_hex(text + 36, 16) && text[52] == '-' &&
           is_hex(text + 53, 2) && strspn(text + 3, "0") < 32 && strspn(text + 36, "0") < 16;
}

void
trace_take(struct call *c, const char *traceparent)
{
    char *text = c->thread->traceparent;

    if (traceparent && trace_is_valid(traceparent)) {
        memcpy(text, traceparent, TRACEPARENT_BYTES);
    } else {
        uint64_t random[3];
        random_bytes(random, sizeof random);
        (void) snprintf(text, TRACEPARENT_BYTES, "00-%016llx%016llx-%016llx-01",
                        (unsigned long long) random[0], (unsigned long long) random[1] | 1,
                        (unsigned long long) random[2] | 1);
    }
    memcpy(c->log.trace, text + 3, 32);
    c->log.trace[32] = '\0';
}

/* --- principal --- */

/* Picks a slot; the bytes themselves are compared.  They end with the signature, which is as good
 * as random: FNV-1a over a part of it is enough. */
static uint32_t
hash_of(const uint8_t *bytes, size_t size)
{
    uint32_t hash = 2166136261;

    for (size_t i = size < 16 ? 0 : size - 16; i < size; i++)
        hash = (hash ^ bytes[i]) * 16777619;
    return hash;
}

static err_t
not_proved(struct call *c, const char *why)
{
    return err_set(&c->err, ERR_UNAUTHENTICATED, "principal.invalid", "%s", why);
}

static err_t
check_signature(struct call *c, const Bus__SignedPrincipal *outer)
{
    struct verifier *verifier = c->thread->rt->verifier;
    const size_t size = sizeof signed_prefix + outer->principal.len;
    uint8_t *text = arena_alloc(c->arena, size);

    if (!verifier)
        return not_proved(c, "this service knows no keys that sign principals");
    if (!text)
        return not_proved(c, "the principal is too large");
    memcpy(text, signed_prefix, sizeof signed_prefix);
    memcpy(text + sizeof signed_prefix, outer->principal.data, outer->principal.len);
    if (!verifier_check(verifier, outer->key_id, text, size, outer->signature.data,
                        outer->signature.len))
        return not_proved(c, "the principal's signature does not hold");
    return ERR_OK;
}

static bool
take_id(const ProtobufCBinaryData *bytes, struct id *id)
{
    if (bytes->len != 0 && bytes->len != sizeof id->bytes)
        return false;
    *id = (struct id){ { 0 } };
    if (bytes->len > 0)
        memcpy(id->bytes, bytes->data, sizeof id->bytes);
    return true;
}

/* What a signed principal says, once its signature holds. */
static err_t
read_principal(struct call *c, const ProtobufCBinaryData *bytes, struct proved *proved)
{
    ProtobufCAllocator allocator = arena_protobuf_allocator(c->arena);
    const Bus__SignedPrincipal *outer =
        bus__signed_principal__unpack(&allocator, bytes->len, bytes->data);

    *proved = (struct proved){ .expires_us = 0 };
    if (!outer)
        return not_proved(c, "the principal is malformed");
    TRY(check_signature(c, outer));
    const Bus__Principal *p =
        bus__principal__unpack(&allocator, outer->principal.len, outer->principal.data);
    if (!p || !take_id(&p->account_id, &proved->account) ||
        !take_id(&p->session_id, &proved->session) || !take_id(&p->person_id, &proved->person) ||
        !take_id(&p->tenant_id, &proved->tenant) || id_is_nil(proved->account) ||
        p->n_organisation_id > CALL_ORGANISATIONS_MAX)
        return not_proved(c, "the principal is malformed");
    for (size_t i = 0; i < p->n_organisation_id; i++)
        if (!take_id(&p->organisation_id[i], &proved->organisations[i]))
            return not_proved(c, "the principal is malformed");
    proved->organisation_count = p->n_organisation_id;
    proved->whole_tenant = p->whole_tenant;
    proved->roles = p->roles;
    proved->clearance = p->clearance;
    proved->issued_us = p->issued_us;
    proved->expires_us = p->expires_us;
    return ERR_OK;
}

/* Once proved, the same bytes say the same again; until when they are believed is asked each time.
 */
static err_t
prove(struct call *c, const ProtobufCBinaryData *bytes, struct proved *proved)
{
    const uint32_t hash = hash_of(bytes->data, bytes->len);
    struct cached_principal **slot = &c->thread->principals[hash % PRINCIPALS_CACHED];

    if (*slot && (*slot)->hash == hash && (*slot)->size == bytes->len &&
        memcmp((*slot)->bytes, bytes->data, bytes->len) == 0) {
        *proved = (*slot)->proved;
        return ERR_OK;
    }
    TRY(read_principal(c, bytes, proved));
    if (!*slot)
        *slot = malloc(sizeof **slot);
    if (*slot) {
        (*slot)->hash = hash;
        (*slot)->size = (uint16_t) bytes->len;
        (*slot)->proved = *proved;
        memcpy((*slot)->bytes, bytes->data, bytes->len);
    }
    return ERR_OK;
}

static err_t
admit_principal(struct call *c, const ProtobufCBinaryData *bytes)
{
    struct proved proved;

    if (bytes->len > PRINCIPAL_BYTES_MAX)
        return not_proved(c, "the principal is too large");
    TRY(prove(c, bytes, &proved));
    /* A signer whose clock runs ahead by more than a minute is not believed either. */
    if (proved.expires_us <= c->wall.us || proved.issued_us > c->wall.us + 60 * US_PER_SECOND)
        return err_set(&c->err, ERR_UNAUTHENTICATED, "principal.expired",
                       "the principal has expired");
    c->account = proved.account;
    c->session = proved.session;
    c->person = proved.person;
    /* An account of the platform itself has no tenant and may act in any. */
    if (!id_is_nil(proved.tenant) && id_cmp(proved.tenant, c->tenant) != 0)
        return err_set(&c->err, ERR_FORBIDDEN, "call.tenant",
                       "the caller's tenant is not the request's");

    memcpy(c->organisations, proved.organisations,
           proved.organisation_count * sizeof c->organisations[0]);
    c->organisation_count = proved.organisation_count;
    c->whole_tenant = proved.whole_tenant;
    /* SERVICE is proved by a CURVE key, never by a principal. */
    c->roles |= proved.roles & (role_set_t) ROLE_SIGNED_IN;
    c->clearance = proved.clearance;
    return ERR_OK;
}

/* The processes that may call as a service; the gateway and the operators' tools are none. */
static bool
is_service(const char *caller)
{
    static const char *const services[] = { "identity",     "contributions", "claims", "coding",
                                            "disbursement", "disclosure",    "audit" };

    for (size_t i = 0; i < COUNT(services); i++)
        if (strcmp(services[i], caller) == 0)
            return true;
    return false;
}

static err_t
check_key(struct call *c, const char *key)
{
    const size_t size = strlen(key);

    for (size_t i = 0; i < size; i++)
        if (key[i] < 0x21 || key[i] > 0x7e)
            return err_set(&c->err, ERR_INVALID, "idempotency.malformed",
                           "an idempotency key is of visible ASCII characters");
    if (size > IDEMPOTENCY_KEY_BYTES_MAX)
        return err_set(&c->err, ERR_INVALID, "idempotency.malformed",
                       "an idempotency key has at most %d characters", IDEMPOTENCY_KEY_BYTES_MAX);
    return ERR_OK;
}

err_t
call_admit(struct call *c, const char *caller, const Bus__Envelope *envelope)
{
    c->caller = caller;
    c->method = envelope->method;
    c->deadline_us =
        envelope->deadline_us > 0 ? envelope->deadline_us : c->wall.us + DEADLINE_US_DEFAULT;
    c->if_match = envelope->if_match;
    c->language = envelope->language[0] ? envelope->language : "zh-CN";
    if (envelope->request_id.len != sizeof c->request_id.bytes ||
        !take_id(&envelope->request_id, &c->request_id) ||
        !take_id(&envelope->tenant_id, &c->tenant))
        return err_set(&c->err, ERR_INVALID, "envelope.malformed",
                       "request_id has 16 bytes, tenant_id 16 or none");
    TRY(check_key(c, envelope->idempotency_key));
    c->idempotency_key = envelope->idempotency_key;
    if (is_service(caller))
        c->roles |= (role_set_t) ROLE_SERVICE;
    if (envelope->principal.len > 0)
        TRY(admit_principal(c, &envelope->principal));
    else
        c->whole_tenant = is_service(caller); /* nobody's scope bounds it */
    if (c->deadline_us <= c->wall.us)
        return err_set(&c->err, ERR_DEADLINE, "call.deadline",
                       "the deadline had passed when the request arrived");
    return ERR_OK;
}

bool
call_covers(const struct call *c, struct id organisation)
{
    bool is = c->whole_tenant;

    for (size_t i = 0; !is && !id_is_nil(organisation) && i < c->organisation_count; i++)
        is = id_cmp(c->organisations[i], organisation) == 0;
    return is;
}
