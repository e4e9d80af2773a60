/* wire_queue.c - stays in the queue and what was made of them, in and out; what is sealed at rest.
 */
#include <stdio.h>
#include <string.h>

#include "crypto/crypto.h"
#include "rules.h"
#include "svc/room.h"
#include "wire.h"

/* --- sealed --- */

enum { CONTEXT_BYTES = 96 };

static const char *
context_of(char text[static CONTEXT_BYTES], const char *what, struct id id)
{
    char id_text[ID_TEXT_BYTES];

    id_format(id, id_text);
    (void) snprintf(text, CONTEXT_BYTES, "coding.%s/%s", what, id_text);
    return text;
}

static err_t
message_seal(struct call *c, const char *context, const ProtobufCMessage *in,
             ProtobufCBinaryData *out)
{
    const size_t size = protobuf_c_message_get_packed_size(in);
    uint8_t *packed = made(c, size + 1);

    if (!packed)
        return c->err.code;
    (void) protobuf_c_message_pack(in, packed);
    return call_seal(c, context, packed, size, out);
}

static void *
arena_alloc_for_protobuf(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void
arena_free_for_protobuf(void *arena, void *p)
{
    (void) arena, (void) p;
}

static ProtobufCMessage *
message_unpack(struct call *c, const ProtobufCMessageDescriptor *descriptor,
               ProtobufCBinaryData plain)
{
    ProtobufCAllocator allocator = { arena_alloc_for_protobuf, arena_free_for_protobuf, c->arena };
    ProtobufCMessage *out =
        protobuf_c_message_unpack(descriptor, &allocator, plain.len, plain.data);

    if (!out)
        (void) err_set(&c->err, ERR_INTERNAL, JOB_FACTS, "a sealed message cannot be read");
    return out;
}

/* Names, cards and costs stay with claims: here is what grouping and pricing need, and no more. */
err_t
facts_seal(struct call *c, struct id claim, const Claims__ClaimFacts *in, ProtobufCBinaryData *out)
{
    Claims__ClaimFacts kept = CLAIMS__CLAIM_FACTS__INIT;
    char context[CONTEXT_BYTES];

    if (!in->birth || !in->admitted || !in->discharged)
        return err_set(&c->err, ERR_INVALID, JOB_FACTS, "the claim's dates are incomplete");
    kept.sex = in->sex;
    kept.birth = in->birth;
    kept.admitted = in->admitted;
    kept.discharged = in->discharged;
    kept.hospital_level = in->hospital_level;
    kept.own_payment = in->own_payment;
    return message_seal(c, context_of(context, "job", claim), &kept.base, out);
}

err_t
facts_unseal(struct call *c, struct id claim, ProtobufCBinaryData sealed, struct facts *out)
{
    char context[CONTEXT_BYTES];
    ProtobufCBinaryData plain;

    TRY(call_unseal(c, context_of(context, "job", claim), sealed.data, sealed.len, &plain));
    const Claims__ClaimFacts *in =
        (const Claims__ClaimFacts *) message_unpack(c, &claims__claim_facts__descriptor, plain);
    if (!in)
        return c->err.code;
    *out = (struct facts){
        .sex = in->sex == 1   ? DRG_MALE
               : in->sex == 2 ? DRG_FEMALE
                              : DRG_SEX_MISSING,
        .birth = { in->birth ? in->birth->days : 0 },
        .admitted = { in->admitted ? in->admitted->days : 0 },
        .discharged = { in->discharged ? in->discharged->days : 0 },
        .level = in->hospital_level,
        .own_payment = { in->own_payment ? in->own_payment->fen : 0 },
    };
    return ERR_OK;
}

err_t
coded_seal(struct call *c, struct id coding, const Coding__Coded *in, ProtobufCBinaryData *out)
{
    char context[CONTEXT_BYTES];

    return message_seal(c, context_of(context, "coded", coding), &in->base, out);
}

err_t
coded_unseal(struct call *c, struct id coding, ProtobufCBinaryData sealed, Coding__Coded **out)
{
    char context[CONTEXT_BYTES];
    ProtobufCBinaryData plain;

    TRY(call_unseal(c, context_of(context, "coded", coding), sealed.data, sealed.len, &plain));
    *out = (Coding__Coded *) message_unpack(c, &coding__coded__descriptor, plain);
    return *out ? ERR_OK : c->err.code;
}

err_t
text_seal(struct call *c, const char *what, struct id id, const char *text,
          ProtobufCBinaryData *out)
{
    char context[CONTEXT_BYTES];

    return call_seal(c, context_of(context, what, id), text, strlen(text), out);
}

err_t
text_unseal(struct call *c, const char *what, struct id id, ProtobufCBinaryData sealed, char **out)
{
    char context[CONTEXT_BYTES];
    ProtobufCBinaryData plain;

    TRY(call_unseal(c, context_of(context, what, id), sealed.data, sealed.len, &plain));
    *out = made(c, plain.len + 1);
    if (!*out)
        return c->err.code;
    memcpy(*out, plain.data, plain.len);
    return ERR_OK;
}

/* --- in --- */

err_t
coded_from_wire(struct call *c, const Coding__Coded *in, const struct facts *facts,
                const struct stay_numbers *numbers, struct stay *out)
{
    Coding__Stay stay = CODING__STAY__INIT;

    if (!in)
        return err_at(&c->err, ERR_INVALID, "$.coded", CODED_MISSING, "the codes are missing");
    if (in->code_set != CODING__CODE_SET__NAME__INSURANCE &&
        in->code_set != CODING__CODE_SET__NAME__CLINICAL)
        return err_at(&c->err, ERR_INVALID, "$.coded.codeSet", CODES_SET,
                      "say of which edition the codes are");
    if (in->cause < 0 || (int) in->cause > CAUSE_SHARED)
        return err_at(&c->err, ERR_INVALID, "$.coded.cause", CODED_CAUSE, "no such cause");
    if (strlen(in->leaving) > STAY_CODE_BYTES_MAX || strlen(in->department) > STAY_CODE_BYTES_MAX)
        return err_at(&c->err, ERR_INVALID, "$.coded", CODED_TEXT,
                      "department or leaving type is too long");
    stay.weight = in->weight;
    stay.icu = in->icu;
    stay.los = in->los;
    stay.department = in->department;
    stay.leaving = in->leaving;
    stay.diagnoses = in->diagnoses;
    stay.n_diagnoses = in->n_diagnoses;
    stay.procedures = in->procedures;
    stay.n_procedures = in->n_procedures;
    stay.code_set = in->code_set == CODING__CODE_SET__NAME__CLINICAL
                        ? CODING__STAY__CODE_SET__FOREIGN
                        : CODING__STAY__CODE_SET__SCHEME;
    TRY(stay_from_wire(&stay, out, &c->err));
    out->drg.sex = facts->sex;
    out->drg.age = numbers->age;
    out->drg.days = numbers->age == 0 ? numbers->days : DRG_MISSING;
    if (!in->los)
        out->drg.los = numbers->los;
    return ERR_OK;
}

/* A token is the last row's due day and claim. */
enum { TOKEN_BYTES = 4 + 16 };

err_t
job_page_from_wire(uint32_t size, const char *token, struct job_page *page, struct err *err)
{
    uint8_t bytes[TOKEN_BYTES + 4];
    size_t read = 0;

    if (size > 500)
        return err_at(err, ERR_INVALID, "$.pageSize", PAGE_SIZE, "a page has at most 500 rows");
    *page = (struct job_page){ .rows = (size ? size : 50) + 1, .after_due = { DRG_MISSING } };
    if (token[0] == '\0')
        return ERR_OK;
    if (!base64url_decode(token, bytes, TOKEN_BYTES, &read) || read != TOKEN_BYTES)
        return err_at(err, ERR_INVALID, "$.pageToken", PAGE_TOKEN,
                      "the page token is not one of this list");
    memcpy(&page->after_due.days, bytes, 4);
    memcpy(page->after_claim.bytes, bytes + 4, 16);
    if (page->after_due.days < 0 || page->after_due.days > 100000)
        return err_at(err, ERR_INVALID, "$.pageToken", PAGE_TOKEN,
                      "the page token is not one of this list");
    return ERR_OK;
}

err_t
job_page_to_wire(struct call *c, const struct job *last, char **token)
{
    uint8_t bytes[TOKEN_BYTES];
    char text[2 * TOKEN_BYTES];

    memcpy(bytes, &last->due_on.days, 4);
    memcpy(bytes + 4, last->claim.bytes, 16);
    (void) base64url_encode(bytes, sizeof bytes, text);
    *token = call_text(c, text);
    return *token ? ERR_OK : c->err.code;
}

/* --- out --- */

Coding__Job *
job_to_wire(struct call *c, const struct job *in)
{
    Coding__Job *out = made(c, sizeof *out);

    if (!out)
        return NULL;
    coding__job__init(out);
    out->claim_id = id_to_wire(c, in->claim);
    out->number = call_text(c, in->number);
    out->programme_id = id_to_wire(c, in->programme);
    out->state = (Coding__Job__State) in->state;
    out->attempt = (uint32_t) in->attempt;
    out->complete_on = date_to_wire(c, in->complete_on);
    out->due_on = date_to_wire(c, in->due_on);
    out->overdue = rule_is_overdue(in, date_of(c->now));
    out->holder_id = id_to_wire(c, in->holder);
    out->until = in->lease_until.us ? instant_to_wire(c, in->lease_until) : NULL;
    out->returned_for = call_text(c, in->returned_for);
    return out->claim_id && out->number && out->programme_id && out->complete_on && out->due_on &&
                   out->returned_for
               ? out
               : NULL;
}

Coding__JobFacts *
facts_to_wire(struct call *c, const struct facts_view *in)
{
    Coding__JobFacts *out = made(c, sizeof *out);

    if (!out)
        return NULL;
    coding__job_facts__init(out);
    out->sex = (Coding__Stay__Sex) in->facts->sex;
    out->age = (uint32_t) in->numbers->age;
    out->days = in->numbers->age == 0 ? (uint32_t) in->numbers->days : 0;
    out->admitted = date_to_wire(c, in->facts->admitted);
    out->discharged = date_to_wire(c, in->facts->discharged);
    out->los = (uint32_t) in->numbers->los;
    out->hospital_level = call_text(c, in->facts->level);
    out->scheme = scheme_to_wire(c, in->scheme);
    out->documents = made(c, (in->document_count + 1) * sizeof(void *));
    if (!out->admitted || !out->discharged || !out->hospital_level || !out->scheme ||
        !out->documents)
        return NULL;
    for (size_t i = 0; i < in->document_count; i++) {
        Coding__JobFacts__Document *one = made(c, sizeof *one);
        if (!one)
            return NULL;
        coding__job_facts__document__init(one);
        one->upload_id = id_to_wire(c, in->documents[i].upload);
        one->kind = (Contributions__Paper__Kind) in->documents[i].kind;
        if (!one->upload_id)
            return NULL;
        out->documents[out->n_documents++] = one;
    }
    return out;
}

Coding__Price *
price_to_wire(struct call *c, const struct coding *coding, const struct price *price)
{
    Coding__Price *out = made(c, sizeof *out);

    if (!out)
        return NULL;
    coding__price__init(out);
    out->drg = call_text(c, coding->drg);
    out->drg_name = call_text(c, coding->drg_name);
    out->sub_group = call_text(c, sub_group_of(coding));
    out->due = money_to_wire(c, price->due);
    out->payable = money_to_wire(c, price->payable);
    out->sensitive = coding->sensitive;
    out->steps = made(c, (price->step_count + 1) * sizeof(void *));
    if (!out->drg || !out->drg_name || !out->sub_group || !out->due || !out->payable || !out->steps)
        return NULL;
    for (size_t i = 0; i < price->step_count; i++) {
        Coding__Step *step = made(c, sizeof *step);
        if (!step)
            return NULL;
        coding__step__init(step);
        step->name = call_text(c, price->steps[i].name);
        step->before = money_to_wire(c, price->steps[i].before);
        step->after = money_to_wire(c, price->steps[i].after);
        step->why = call_text(c, price->steps[i].why);
        if (!step->name || !step->before || !step->after || !step->why)
            return NULL;
        out->steps[out->n_steps++] = step;
    }
    return out;
}

Coding__Grouping *
coding_grouping_to_wire(struct call *c, const struct coding *in)
{
    Coding__Grouping *out = made(c, sizeof *out);

    if (!out)
        return NULL;
    coding__grouping__init(out);
    const struct drg_names *names = names_find(c->state, in->scheme.checksum);
    const struct drg_group_name *group = names ? drg_names_group(names, in->drg) : NULL;
    out->status = call_text(c, drg_status_wire(group && group->ambiguous ? DRG_AMBIGUOUS : DRG_OK));
    out->mdc = call_text(c, in->mdc);
    out->adrg = call_text(c, in->adrg);
    out->drg = call_text(c, in->drg);
    out->scheme = scheme_to_wire(c, &in->scheme);
    return out->status && out->mdc && out->adrg && out->drg && out->scheme ? out : NULL;
}

Coding__Certificate *
certificate_to_wire(struct call *c, const struct certificate *in)
{
    Coding__Certificate *out = made(c, sizeof *out);

    if (!out)
        return NULL;
    coding__certificate__init(out);
    out->account_id = id_to_wire(c, in->account);
    out->number = call_text(c, in->number);
    out->valid_from = date_to_wire(c, in->valid_from);
    out->valid_until = date_to_wire(c, in->valid_until);
    out->recorded_by = id_to_wire(c, in->recorded_by);
    out->recorded_at = instant_to_wire(c, in->recorded_at);
    return out->account_id && out->number && out->valid_from && out->valid_until &&
                   out->recorded_by && out->recorded_at
               ? out
               : NULL;
}
