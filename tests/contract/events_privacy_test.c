/* Goal: what services tell each other stays in the log for ever, so nothing in it may say who
 * somebody is (domain notes C2; 6.2.2c).
 * Method: every event of every contract is walked through to its last field; a name, card, phone,
 * ID number or birth outside a sealed inside is a fault, unless a row below says whose name it is.
 */
#include "test.h"

#include <string.h>

#include "contract/events_told.h"

typedef Google__Protobuf__FileDescriptorSet set_t;

static const char *const personal[] = {
    "name",   "card",  "phone",   "id_number", "birth",
    "holder", "payee", "address", "diagnosis", "account_number"
};

/* "message.field": a thing's name, not a person's. */
static const struct {
    const char *field, *why;
} things[] = {
    { "TenantDescribed.name", "a township" },
    { "TenantCreated.name", "a township" },
    { "OrganisationCreated.name", "a village or what is above it" },
    { "Village.name", "a village" },
    { "Programme.name", "a programme" },
    { "Row.name", "a group of diagnoses" },
    { "SchemeIdentity.name", "a DRG scheme" },
    { "ClaimPriced.drg_name", "a DRG group" },
    { "Step.name", "a step of a calculation" },
    { "CallRefused.name", "a process" },
    { "SignedIn.address", "a device: the law asks for it (GB/T 22239 8.1.4.3)" },
    { "SignInFailed.address", "a device" },
    { "SignInLocked.address", "a device" },
};

static bool
is_personal(const char *field)
{
    const size_t size = strlen(field);

    for (size_t i = 0; i < COUNT(personal); i++) {
        const size_t n = strlen(personal[i]);
        if (strcmp(field, personal[i]) == 0 ||
            (size > n && field[size - n - 1] == '_' && strcmp(field + size - n, personal[i]) == 0))
            return true;
    }
    return false;
}

static bool
is_a_thing(const char *message, const char *field)
{
    char name[160];

    (void) snprintf(name, sizeof name, "%s.%s", message, field);
    for (size_t i = 0; i < COUNT(things); i++)
        if (strcmp(things[i].field, name) == 0)
            return true;
    return false;
}

/* Bytes (hashes, sealed) and numbers tell no name; texts and dates do. */
static int
faults_in(const set_t *set, const message_t *message, const char *topic, int depth)
{
    int faults = 0;

    for (size_t i = 0; i < message->n_field && depth < 8; i++) {
        const Google__Protobuf__FieldDescriptorProto *field = message->field[i];
        const message_t *of =
            field->type_name && field->type_name[0] ? message_named(set, field->type_name) : NULL;
        const bool speaks =
            field->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_STRING ||
            (of && strcmp(of->name, "Date") == 0);
        if (speaks && is_personal(field->name) && !is_a_thing(message->name, field->name)) {
            print_error("%s: %s.%s is in the clear\n", topic, message->name, field->name);
            faults++;
        }
        if (of && is_sealed_inside(of->name)) {
            print_error("%s: %s is not sealed\n", topic, of->name);
            faults++;
        } else if (of) {
            faults += faults_in(set, of, topic, depth + 1);
        }
    }
    return faults;
}

static void
req_6_2_2c_no_event_says_who_somebody_is(void **state)
{
    static struct event_told events[EVENTS_TOLD_MAX];
    set_t *set = breaking_load(HUZHU_SOURCE_DIR "/proto");
    int faults = 0;

    (void) state;
    assert_non_null(set);
    const size_t count = events_told(set, events);
    for (size_t i = 0; i < count; i++)
        faults += faults_in(set, events[i].message, events[i].topic, 0);
    print_message("%zu events looked through\n", count);
    assert_true(count >= 60);
    google__protobuf__file_descriptor_set__free_unpacked(set, NULL);
    assert_int_equal(faults, 0);
}

/* The search does find what it is for: where such fields are allowed to be. */
static void
the_search_finds_names_where_they_are(void **state)
{
    static const char *const insides[] = { "huzhu.identity.v1.PeopleSealed",
                                           "huzhu.contributions.v1.RefundsSealed",
                                           "huzhu.claims.v1.ClaimFacts",
                                           "huzhu.identity.v1.NewPerson" };
    set_t *set = breaking_load(HUZHU_SOURCE_DIR "/proto");

    (void) state;
    assert_non_null(set);
    for (size_t i = 0; i < COUNT(insides); i++) {
        const message_t *message = message_named(set, insides[i]);
        if (!message)
            fail_msg("there is no %s", insides[i]);
        if (faults_in(set, message, insides[i], 0) == 0)
            fail_msg("nothing found in %s", insides[i]);
    }
    google__protobuf__file_descriptor_set__free_unpacked(set, NULL);
}

/* The events that the year needs are among those found. */
static void
the_events_of_the_year_are_found(void **state)
{
    static const char *const known[] = {
        "huzhu.identity.v1.SignedIn",
        "huzhu.identity.v1.NdaRecorded",
        "huzhu.contributions.v1.ProgrammeChanged",
        "huzhu.contributions.v1.ResolutionRecorded",
        "huzhu.contributions.v1.ParticipationMeasured",
        "huzhu.claims.v1.ClaimAccepted",
        "huzhu.coding.v1.TableFrozen",
        "huzhu.disbursement.v1.BatchSent",
        "huzhu.disclosure.v1.PagePublished",
        "huzhu.audit.v1.ArchiveItemFiled",
    };
    static struct event_told events[EVENTS_TOLD_MAX];
    set_t *set = breaking_load(HUZHU_SOURCE_DIR "/proto");

    (void) state;
    assert_non_null(set);
    const size_t count = events_told(set, events);
    for (size_t i = 0; i < COUNT(known); i++) {
        bool found = false;
        for (size_t k = 0; k < count; k++)
            found = found || strcmp(events[k].topic, known[i]) == 0;
        if (!found)
            fail_msg("%s is not among the events", known[i]);
    }
    google__protobuf__file_descriptor_set__free_unpacked(set, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(req_6_2_2c_no_event_says_who_somebody_is),
        cmocka_unit_test(the_search_finds_names_where_they_are),
        cmocka_unit_test(the_events_of_the_year_are_found),
    };
    return cmocka_run_group_tests_name("contract/events_privacy", tests, NULL, NULL);
}
