/* wire_register.c - the register's messages to nouns and back, its events out. */
#include "wire_register.h"

#include <stdio.h>
#include <string.h>

#include "crypto/crypto.h"
#include "mask/mask.h"
#include "svc/fields.h"

static err_t
put_date_if(struct call *c, bool is, date_t date, Huzhu__Date **out)
{
    *out = is ? date_to_wire(c, date) : NULL;
    return *out || !is ? ERR_OK : no_memory(c);
}

static_assert(
    (int) IMPORT_REJECTED == (int) IDENTITY__REGISTER_IMPORT__STATE__REJECTED &&
        (int) IMPORT_CATEGORY_LIST == (int) IDENTITY__REGISTER_IMPORT__KIND__CATEGORY_LIST &&
        (int) ENTRY_RETURNED == (int) IDENTITY__HOUSEHOLD_MEMBER__ENTRY__RETURNED &&
        (int) LEAVING_IN_ERROR == (int) IDENTITY__HOUSEHOLD_MEMBER__LEAVING__ENTERED_IN_ERROR &&
        (int) GROUND_RESIDENT == (int) IDENTITY__HOUSEHOLD_MEMBER__GROUND__RESIDENT &&
        (int) PERSON_ID_BIRTH_CERTIFICATE == (int) IDENTITY__PERSON__ID_KIND__BIRTH_CERTIFICATE,
    "identity.proto and register.h number alike");

/* --- in --- */

err_t
date_from_wire(const Huzhu__Date *in, const char *path, date_t *date, struct err *err)
{
    if (!in)
        return err_at(err, ERR_INVALID, path, "field.missing", "a day is missing");
    date->days = in->days;
    return ERR_OK;
}

err_t
import_piece_from_wire(const Identity__WriteRegisterImportRequest *in, struct id *import,
                       struct import_piece *piece, struct err *err)
{
    TRY(id_from_wire(in->import_id, "$.importId", import, err));
    *piece = (struct import_piece){ in->offset, in->data.data, in->data.len, in->last };
    return ERR_OK;
}

enum { TOKEN_BYTES = 64 };

err_t
fault_token_from_wire(const char *token, struct row_fault *after, struct err *err)
{
    uint8_t text[TOKEN_BYTES];
    size_t size = 0;
    int at = 0;

    *after = (struct row_fault){ .row = 0, .column = -1 };
    if (token[0] == '\0')
        return ERR_OK;
    if (base64url_decode(token, text, sizeof text - 1, &size)) {
        text[size] = '\0';
        if (sscanf((const char *) text, "%9zu.%3d.%n", &after->row, &after->column, &at) == 2 &&
            at > 0 && strlen((const char *) text) == size) {
            (void) snprintf(after->code, sizeof after->code, "%s", (const char *) text + at);
            return ERR_OK;
        }
    }
    return err_at(err, ERR_INVALID, "$.pageToken", PAGE_TOKEN,
                  "the page token is not one of this list");
}

err_t
fault_token_to_wire(struct call *c, const struct row_fault *last, char **token)
{
    char text[TOKEN_BYTES], coded[TOKEN_BYTES * 2];
    const int size = snprintf(text, sizeof text, "%zu.%d.%s", last->row, last->column, last->code);

    (void) base64url_encode(text, (size_t) size, coded);
    return put_text(c, coded, token);
}

/* --- out --- */

err_t
import_to_wire(struct call *c, const struct import *import, Identity__RegisterImport **out)
{
    MAKE(c, Identity__RegisterImport, identity__register_import__init, wire);
    wire->kind = (Identity__RegisterImport__Kind) import->kind;
    wire->state = (Identity__RegisterImport__State) import->state;
    wire->size = import->size;
    wire->finished = import->finished;
    wire->rows_checked = (uint32_t) import->rows_checked;
    wire->faults = (uint32_t) import->faults;
    wire->new_people = (uint32_t) import->new_people;
    wire->changed_people = (uint32_t) import->changed_people;
    wire->new_households = (uint32_t) import->new_households;
    wire->joined = (uint32_t) import->joined;
    wire->left = (uint32_t) import->left;
    wire->categories = (uint32_t) import->categories;
    wire->version = import->version;
    TRY(put_id(c, import->id, &wire->import_id));
    TRY(put_id(c, import->account, &wire->uploaded_by));
    TRY(put_instant(c, import->started_at, &wire->started_at));
    TRY(put_instant(c, import->checked_at, &wire->checked_at));
    TRY(put_date_if(c, import->has_as_of, import->as_of, &wire->as_of));
    TRY(put_id(c, import->decided_by, &wire->decided_by));
    TRY(put_instant(c, import->decided_at, &wire->decided_at));
    TRY(put_instant(c, import->applied_at, &wire->applied_at));
    TRY(put_text(c, import->why, &wire->why));
    if (import->category)
        TRY(put_text(c, category_code(import->category), &wire->category));
    if (import->finished) {
        wire->sha256.data = arena_copy(c->arena, import->sha256, sizeof import->sha256);
        if (!wire->sha256.data)
            return no_memory(c);
        wire->sha256.len = sizeof import->sha256;
    }
    (void) snprintf(c->etag, sizeof c->etag, "%lld", (long long) import->version);
    *out = wire;
    return ERR_OK;
}

err_t
fault_to_wire(struct call *c, const struct row_fault *fault, Identity__ImportFault **out)
{
    MAKE(c, Identity__ImportFault, identity__import_fault__init, wire);
    wire->row = (uint32_t) fault->row;
    TRY(put_text(c, column_name(fault->column), &wire->column));
    TRY(put_text(c, fault->value_class, &wire->value_class));
    TRY(put_text(c, fault->code, &wire->code));
    TRY(put_text(c, fault_says(fault->code, strncmp(c->language, "en", 2) != 0), &wire->says));
    *out = wire;
    return ERR_OK;
}

static err_t
categories_to_wire(struct call *c, const struct member *member,
                   Identity__HouseholdMember__Category ***out, size_t *n)
{
    LIST(c, member->category_count, out);
    for (*n = 0; *n < member->category_count; ++*n) {
        const struct category_span *span = &member->categories[*n];
        const char *code = category_code(span->category);
        MAKE(c, Identity__HouseholdMember__Category, identity__household_member__category__init,
             wire);
        wire->code = (char *) (code ? code : "");
        TRY(put_date_if(c, true, span->from, &wire->from));
        TRY(put_date_if(c, span->ended, span->until, &wire->until));
        (*out)[*n] = wire;
    }
    return ERR_OK;
}

static err_t
member_to_wire(struct call *c, const struct member *member, Identity__HouseholdMember **out)
{
    MAKE(c, Identity__HouseholdMember, identity__household_member__init, wire);
    wire->head = member->head;
    wire->grounds = (uint32_t) member->grounds;
    wire->entry = (Identity__HouseholdMember__Entry) member->entry;
    wire->leaving = (Identity__HouseholdMember__Leaving) member->leaving;
    TRY(put_id(c, member->person, &wire->person_id));
    TRY(put_date_if(c, true, member->from, &wire->from));
    TRY(put_date_if(c, member->ended, member->until, &wire->until));
    TRY(categories_to_wire(c, member, &wire->categories, &wire->n_categories));
    *out = wire;
    return ERR_OK;
}

err_t
household_to_wire(struct call *c, const struct household *household, Identity__Household **out)
{
    MAKE(c, Identity__Household, identity__household__init, wire);
    wire->version = household->version;
    TRY(put_id(c, household->id, &wire->household_id));
    TRY(put_id(c, household->village, &wire->village_id));
    LIST(c, household->member_count, &wire->members);
    for (; wire->n_members < household->member_count; wire->n_members++)
        TRY(member_to_wire(c, &household->members[wire->n_members],
                           &wire->members[wire->n_members]));
    *out = wire;
    return ERR_OK;
}

static err_t
name_to_wire(struct call *c, const struct member *member, struct sight sight,
             Identity__Person *wire)
{
    char name[MASK_NAME_BYTES];

    wire->masked = !sight.clear;
    if (sight.clear)
        return put_text(c, member->name, &wire->name);
    mask_name(MASK_T1, member->name, name);
    return put_text(c, name, &wire->name);
}

static err_t
numbers_to_wire(struct call *c, const struct member *member, struct sight sight,
                Identity__Person *wire)
{
    char number[MASK_ID_NUMBER_BYTES], phone[MASK_PHONE_BYTES];

    if (!sight.numbers)
        return ERR_OK;
    mask_id_number(member->id_number, number);
    TRY(put_text(c, sight.clear && sight.whole_number ? member->id_number : number,
                 &wire->id_number));
    if (!member->phone[0])
        return ERR_OK;
    mask_phone(member->phone, phone);
    return put_text(c, sight.clear && sight.whole_phone ? member->phone : phone, &wire->phone);
}

err_t
person_to_wire(struct call *c, const struct household *household, const struct member *member,
               struct sight sight, Identity__Person **out)
{
    MAKE(c, Identity__Person, identity__person__init, wire);
    wire->sex = (Identity__PeopleSealed__Person__Sex) member->sex;
    wire->id_kind = (Identity__Person__IdKind) member->id_kind;
    wire->head = member->head;
    wire->grounds = (uint32_t) member->grounds;
    wire->entry = (Identity__HouseholdMember__Entry) member->entry;
    wire->leaving = (Identity__HouseholdMember__Leaving) member->leaving;
    TRY(name_to_wire(c, member, sight, wire));
    TRY(numbers_to_wire(c, member, sight, wire));
    TRY(put_id(c, member->person, &wire->person_id));
    TRY(put_date_if(c, sight.clear, member->birth, &wire->birth));
    TRY(put_date_if(c, member->provisional, member->replace_by, &wire->replace_id_by));
    TRY(put_id(c, household->id, &wire->household_id));
    TRY(put_id(c, household->village, &wire->village_id));
    TRY(put_text(c, relation_name(member->relation), &wire->relation));
    TRY(put_date_if(c, true, member->from, &wire->from));
    TRY(put_date_if(c, member->ended, member->until, &wire->until));
    TRY(put_date_if(c, member->dead, member->died_on, &wire->died_on));
    TRY(categories_to_wire(c, member, &wire->categories, &wire->n_categories));
    *out = wire;
    return ERR_OK;
}

err_t
household_view_to_wire(struct call *c, const struct household *household, struct sight sight,
                       Identity__HouseholdView **out)
{
    MAKE(c, Identity__HouseholdView, identity__household_view__init, wire);
    TRY(household_to_wire(c, household, &wire->household));
    TRY(put_text(c, household->number, &wire->number));
    LIST(c, household->member_count, &wire->people);
    for (size_t i = 0; i < household->member_count; i++)
        if (sight.past || !household->members[i].ended)
            TRY(person_to_wire(c, household, &household->members[i], sight,
                               &wire->people[wire->n_people++]));
    *out = wire;
    return ERR_OK;
}

err_t
nda_to_wire(struct call *c, const struct nda *nda, Identity__Nda **out)
{
    MAKE(c, Identity__Nda, identity__nda__init, wire);
    TRY(put_id(c, nda->id, &wire->nda_id));
    TRY(put_id(c, nda->account, &wire->account_id));
    TRY(put_date_if(c, true, nda->signed_on, &wire->signed_on));
    TRY(put_date_if(c, true, nda->expires_on, &wire->expires_on));
    TRY(put_id(c, nda->upload, &wire->upload_id));
    TRY(put_id(c, nda->recorded_by, &wire->recorded_by));
    TRY(put_instant(c, nda->recorded_at, &wire->recorded_at));
    *out = wire;
    return ERR_OK;
}

/* --- events --- */

static err_t
people_seal(struct call *c, const struct household *households, size_t count,
            ProtobufCBinaryData *sealed)
{
    Identity__PeopleSealed people = IDENTITY__PEOPLE_SEALED__INIT;
    size_t most = 0;

    for (size_t i = 0; i < count; i++)
        most += households[i].member_count;
    LIST(c, most, &people.people);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < households[i].member_count; k++) {
            const struct member *member = &households[i].members[k];
            MAKE(c, Identity__PeopleSealed__Person, identity__people_sealed__person__init, wire);
            wire->name = (char *) member->name;
            wire->sex = (Identity__PeopleSealed__Person__Sex) member->sex;
            TRY(put_id(c, member->person, &wire->person_id));
            TRY(put_date_if(c, true, member->birth, &wire->birth));
            people.people[people.n_people++] = wire;
        }
    }
    uint8_t *packed = arena_alloc(c->arena, identity__people_sealed__get_packed_size(&people) + 1);
    if (!packed)
        return no_memory(c);
    const size_t size = identity__people_sealed__pack(&people, packed);
    return call_seal_shared(c, "event/HouseholdsRecorded", packed, size, sealed);
}

err_t
emit_households_recorded(struct call *c, const struct household *households, size_t count)
{
    Identity__HouseholdsRecorded event = IDENTITY__HOUSEHOLDS_RECORDED__INIT;

    assert(count <= EVENT_HOUSEHOLDS_MAX);
    LIST(c, count, &event.households);
    for (; event.n_households < count; event.n_households++)
        TRY(household_to_wire(c, &households[event.n_households],
                              &event.households[event.n_households]));
    TRY(people_seal(c, households, count, &event.sealed));
    return event_append(c, &event.base);
}

err_t
emit_import_checked(struct call *c, const struct import *import)
{
    Identity__RegisterImportChecked event = IDENTITY__REGISTER_IMPORT_CHECKED__INIT;

    event.rows = (uint32_t) import->rows_checked;
    event.faults = (uint32_t) import->faults;
    TRY(put_id(c, import->id, &event.import_id));
    return event_append(c, &event.base);
}

err_t
emit_import_decided(struct call *c, const struct import *import, bool approved)
{
    Identity__RegisterImportDecided event = IDENTITY__REGISTER_IMPORT_DECIDED__INIT;

    event.approved = approved;
    TRY(put_id(c, import->id, &event.import_id));
    TRY(put_id(c, c->account, &event.by));
    return event_append(c, &event.base);
}

err_t
emit_import_applied(struct call *c, const struct import *import, size_t people, size_t households)
{
    Identity__RegisterImportApplied event = IDENTITY__REGISTER_IMPORT_APPLIED__INIT;

    event.people = (uint32_t) people;
    event.households = (uint32_t) households;
    TRY(put_id(c, import->id, &event.import_id));
    return event_append(c, &event.base);
}

err_t
emit_nda_recorded(struct call *c, const struct nda *nda)
{
    Identity__NdaRecorded event = IDENTITY__NDA_RECORDED__INIT;

    TRY(put_id(c, nda->account, &event.account_id));
    TRY(put_id(c, nda->id, &event.nda_id));
    TRY(put_date_if(c, true, nda->signed_on, &event.signed_on));
    TRY(put_date_if(c, true, nda->expires_on, &event.expires_on));
    TRY(put_id(c, nda->recorded_by, &event.by));
    return event_append(c, &event.base);
}

err_t
emit_tenant_described(struct call *c, const struct tenant *tenant,
                      const struct organisation *villages, size_t count)
{
    Identity__TenantDescribed event = IDENTITY__TENANT_DESCRIBED__INIT;

    event.code = (char *) tenant->code;
    event.name = (char *) tenant->name;
    TRY(put_id(c, tenant->organisation, &event.organisation_id));
    LIST(c, count, &event.villages);
    for (; event.n_villages < count; event.n_villages++) {
        const struct organisation *village = &villages[event.n_villages];
        MAKE(c, Identity__TenantDescribed__Village, identity__tenant_described__village__init,
             wire);
        TRY(put_id(c, village->id, &wire->village_id));
        wire->division_code = (char *) village->division_code;
        wire->name = (char *) village->name;
        event.villages[event.n_villages] = wire;
    }
    return event_append(c, &event.base);
}
