/* handlers_register.c - looking into the register: households, persons. */
#include <stdio.h>
#include <string.h>

#include "handlers.h"
#include "store.h"
#include "store_register.h"
#include "svc/room.h"
#include "wire.h"
#include "wire_register.h"

#define REGISTER_STAFF                                                                             \
    (ROLE_VILLAGE_CLERK | ROLE_TOWNSHIP_OFFICER | ROLE_APPROVER | ROLE_PAYER | ROLE_AUDITOR)

/* Staff see the households of their villages, a member its own, and nobody learns of another's
 * existence. */
static bool
is_of(const struct call *c, const struct household *household)
{
    for (size_t i = 0; call_has(c, ROLE_MEMBER) && i < household->member_count; i++)
        if (!household->members[i].ended && !id_is_nil(c->person) &&
            id_cmp(household->members[i].person, c->person) == 0)
            return true;
    return false;
}

static bool
may_see(const struct call *c, const struct household *household)
{
    return (call_has(c, REGISTER_STAFF) && call_covers(c, household->village)) ||
           is_of(c, household);
}

/* Names in clear are a look at identities, which is recorded; without clearance they are masked. */
static struct sight
sight_of(struct call *c, struct sight sight, struct id subject)
{
    sight.clear = call_may_see(c, LABEL_IDENTITY);
    if (sight.clear)
        call_saw(c, LABEL_IDENTITY, subject);
    return sight;
}

/* One household or person, with numbers.  Whole ones are for who keeps the register and for the
 * people themselves; a clerk rings people up, and all others compare a masked number (6.2.2 c). */
static struct sight
close_sight_of(struct call *c, const struct household *household, struct id subject)
{
    const bool own = is_of(c, household);
    const struct sight sight = {
        .numbers = true,
        .past = true,
        .whole_number = own || call_has(c, ROLE_TOWNSHIP_OFFICER),
        .whole_phone = own || call_has(c, ROLE_TOWNSHIP_OFFICER | ROLE_VILLAGE_CLERK),
    };

    return sight_of(c, sight, subject);
}

err_t
identity_list_households(struct call *c, const Identity__ListHouseholdsRequest *in,
                         Identity__ListHouseholdsReply *out)
{
    struct household_filter filter = { .villages = NULL };
    struct household *households = NULL;
    struct page page;
    size_t count = 0;

    TRY(page_from_wire(in->page_size, in->page_token, &page, &c->err));
    TRY(optional_id_from_wire(in->village_id, "$.villageId", &filter.village, &c->err));
    if (!id_is_nil(filter.village) && !call_covers(c, filter.village))
        return err_at(&c->err, ERR_NOT_FOUND, "$.villageId", VILLAGE_NONE, "no such village");
    if (!c->whole_tenant)
        TRY(ids_text(c, c->organisations, c->organisation_count, &filter.villages));
    TRY(household_list(c, page, &filter, &households, &count));
    TRY(page_to_wire(c, page, households[count > 1 ? count - 2 : 0].id, &count,
                     &out->next_page_token));
    TRY(households_fill(c, households, count, false));
    const struct sight sight = sight_of(c, (struct sight){ .past = false }, (struct id){ { 0 } });
    LIST(c, count, &out->households);
    for (; out->n_households < count; out->n_households++)
        TRY(household_view_to_wire(c, &households[out->n_households], sight,
                                   &out->households[out->n_households]));
    return ERR_OK;
}

err_t
identity_get_household(struct call *c, const Identity__GetHouseholdRequest *in,
                       Identity__GetHouseholdReply *out)
{
    struct household household;
    struct id id;

    TRY(id_from_wire(in->household_id, "$.householdId", &id, &c->err));
    TRY(household_get(c, id, &household));
    TRY(households_fill(c, &household, 1, true));
    if (!may_see(c, &household))
        return err_set(&c->err, ERR_NOT_FOUND, HOUSEHOLD_NONE, "no such household");
    const struct sight sight = close_sight_of(c, &household, (struct id){ { 0 } });
    (void) snprintf(c->etag, sizeof c->etag, "%lld", (long long) household.version);
    return household_view_to_wire(c, &household, sight, &out->household);
}

/* The person in its present or last household. */
static err_t
person_answer(struct call *c, struct id person, Identity__Person **out)
{
    struct household household;
    const struct member *member = NULL;
    struct id id;

    TRY(person_household(c, person, &id));
    TRY(household_get(c, id, &household));
    TRY(households_fill(c, &household, 1, true));
    for (size_t i = 0; i < household.member_count; i++)
        if (id_cmp(household.members[i].person, person) == 0)
            member = &household.members[i]; /* the last entry is the latest */
    if (!member || !may_see(c, &household))
        return err_set(&c->err, ERR_NOT_FOUND, PERSON_NONE, "no such person");
    const struct sight sight = close_sight_of(c, &household, person);
    return person_to_wire(c, &household, member, sight, out);
}

err_t
identity_get_person(struct call *c, const Identity__GetPersonRequest *in,
                    Identity__GetPersonReply *out)
{
    struct id id;

    TRY(id_from_wire(in->person_id, "$.personId", &id, &c->err));
    return person_answer(c, id, &out->person);
}

err_t
identity_find_person(struct call *c, const Identity__FindPersonRequest *in,
                     Identity__FindPersonReply *out)
{
    char text[PERSON_NUMBER_BYTES];
    struct register_keys keys;
    uint8_t number[32];
    bool found = false;
    struct id id;

    if (!person_number_canonical(in->id_number, date_of(c->now), text))
        return err_at(&c->err, ERR_INVALID, "$.idNumber", PERSON_FORM,
                      "this can be nobody's number");
    TRY(register_keys_get(c, &keys));
    number_index(&keys, text, number);
    TRY(person_find(c, number, &id, &found));
    if (!found)
        return err_set(&c->err, ERR_NOT_FOUND, PERSON_NONE, "no such person");
    return person_answer(c, id, &out->person);
}
