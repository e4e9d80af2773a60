/* handlers_household.c - single changes of households: who comes, who leaves, who heads (003-2).
 *
 * Law: the register is shared before the household is locked, and both before the first write. */
#include <stdio.h>
#include <string.h>

#include "handlers.h"
#include "store.h"
#include "store_register.h"
#include "wire.h"
#include "wire_register.h"

#define KIND(name) IDENTITY__RECORD_HOUSEHOLD_CHANGE_REQUEST__KIND__##name

struct change {
    const Identity__RecordHouseholdChangeRequest *in;
    struct household household, fresh; /* fresh: what splits off */
    date_t on;
    struct id evidence, new_head;
};

static err_t
no_such_change(struct call *c, const char *why)
{
    return err_at(&c->err, ERR_INVALID, "$.kind", CHANGE_KIND, "%s", why);
}

static err_t
person_fault(struct call *c, const char *path, const char *code)
{
    return err_at(&c->err, ERR_INVALID, path, PERSON_FORM, "%s", fault_says(code, false));
}

static struct member *
open_member(const struct household *household, struct id person)
{
    for (size_t i = 0; i < household->member_count; i++)
        if (!household->members[i].ended && id_cmp(household->members[i].person, person) == 0)
            return &household->members[i];
    return NULL;
}

static size_t
open_members(const struct household *household)
{
    size_t count = 0;

    for (size_t i = 0; i < household->member_count; i++)
        count += !household->members[i].ended;
    return count;
}

/* --- who comes --- */

/* The number, and that sex and birth agree with it; where they are not given they come from it. */
static err_t
number_from_wire(struct call *c, const Identity__NewPerson *in, struct person_record *person)
{
    const date_t today = date_of(c->now);
    char *number = arena_alloc(c->arena, PERSON_NUMBER_BYTES);
    struct id_number gb = { .birth = { 0 } };

    if (!number)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "no memory");
    if (in->id_kind < IDENTITY__PERSON__ID_KIND__RESIDENT ||
        in->id_kind > IDENTITY__PERSON__ID_KIND__BIRTH_CERTIFICATE)
        return person_fault(c, "$.newPerson.idKind", "id_kind.unknown");
    person->id_kind = (enum person_id_kind) in->id_kind;
    const char *code = rule_person_number(person->id_kind, in->id_number, today, &gb, number);
    if (code)
        return person_fault(c, "$.newPerson.idNumber", code);
    person->id_number = number;
    if (person->id_kind > PERSON_ID_HMT_RESIDENT)
        return ERR_OK;
    if (person->facts.sex != 0 && person->facts.sex != gb.sex)
        return person_fault(c, "$.newPerson.sex", "sex.differs");
    if (in->birth && person->facts.birth.days != gb.birth.days)
        return person_fault(c, "$.newPerson.birth", "birth.differs");
    person->facts.sex = gb.sex;
    person->facts.birth = gb.birth;
    return ERR_OK;
}

static err_t
facts_from_wire(struct call *c, const Identity__NewPerson *in, struct person_record *person)
{
    char *name = arena_alloc(c->arena, PERSON_NAME_BYTES);
    char *phone = arena_alloc(c->arena, PHONE_BYTES);

    if (!name || !phone)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "no memory");
    const char *code = rule_person_name(in->name, name);
    if (code)
        return person_fault(c, "$.newPerson.name", code);
    if (in->phone[0] && check_phone(in->phone, phone) != CHECK_OK)
        return person_fault(c, "$.newPerson.phone", "phone.length");
    person->facts.name = name;
    person->facts.phone = phone;
    TRY(number_from_wire(c, in, person));
    if (person->facts.sex != CHECK_MALE && person->facts.sex != CHECK_FEMALE)
        return person_fault(c, "$.newPerson.sex", "sex.unknown");
    if (!in->birth && person->id_kind > PERSON_ID_HMT_RESIDENT)
        return person_fault(c, "$.newPerson.birth", "field.empty");
    if (person->facts.birth.days > date_of(c->now).days)
        return person_fault(c, "$.newPerson.birth", "birth.future");
    if (person->id_kind == PERSON_ID_BIRTH_CERTIFICATE &&
        date_of(c->now).days - person->facts.birth.days > CERTIFICATE_DAYS)
        return person_fault(c, "$.newPerson.idKind", "birth_certificate.too_old");
    return ERR_OK;
}

static err_t
person_from_wire(struct call *c, const Identity__NewPerson *in, struct person_record *person,
                 struct member *member)
{
    *person = (struct person_record){ .facts = { .sex = (enum check_sex) in->sex } };
    if (in->birth)
        person->facts.birth.days = in->birth->days;
    TRY(id_from_wire(in->person_id, "$.newPerson.personId", &person->id, &c->err));
    TRY(facts_from_wire(c, in, person));
    member->person = person->id;
    member->relation = in->relation[0] ? relation_of(in->relation) : RELATION_OTHER;
    if (member->relation == 0)
        return person_fault(c, "$.newPerson.relation", "relation.unknown");
    member->grounds = (int) in->grounds;
    if (in->grounds == 0 || (in->grounds & ~(uint32_t) GROUNDS_ALL) != 0)
        return person_fault(c, "$.newPerson.grounds", "ground.none");
    return ERR_OK;
}

static enum person_entry
entry_of(int kind)
{
    switch (kind) {
    case KIND(BIRTH):
        return ENTRY_BIRTH;
    case KIND(MARRIAGE):
        return ENTRY_MARRIAGE;
    case KIND(RETURNED):
        return ENTRY_RETURNED;
    default:
        return ENTRY_MOVED_IN;
    }
}

/* Somebody of the register, who is in no household now. */
static err_t
comer_from_register(struct call *c, const struct change *change, struct member *member)
{
    struct household last;
    struct id open, id;

    TRY(id_from_wire(change->in->person_ids[0], "$.personIds[0]", &id, &c->err));
    TRY(membership_open(c, id, &open));
    if (!id_is_nil(open))
        return err_at(&c->err, ERR_REFUSED, "$.personIds[0]", PERSON_ELSEWHERE,
                      "the person is a member of a household; it has to leave it first");
    TRY(person_household(c, id, &last.id));
    TRY(household_get(c, last.id, &last));
    TRY(households_fill(c, &last, 1, false));
    for (size_t i = 0; i < last.member_count; i++)
        if (id_cmp(last.members[i].person, id) == 0)
            *member = last.members[i];
    if (member->dead || member->leaving == LEAVING_IN_ERROR)
        return err_at(&c->err, ERR_REFUSED, "$.personIds[0]", PERSON_NONE,
                      "the person is recorded as dead, or as entered in error");
    if (change->on.days < member->until.days)
        return err_at(&c->err, ERR_REFUSED, "$.on", CHANGE_DAY,
                      "the person left its last household later");
    return ERR_OK;
}

static err_t
come(struct call *c, const struct change *change)
{
    const bool is_new = change->in->new_person != NULL;
    struct person_record person = { .id_number = "" };
    struct member member = { .relation = RELATION_OTHER };

    if (is_new == (change->in->n_person_ids == 1) || change->in->n_person_ids > 1)
        return no_such_change(c, "either a new person comes, or one of the register");
    if (!is_new && change->in->kind == KIND(BIRTH))
        return no_such_change(c, "a newborn is a new person");
    if (is_new && change->in->kind == KIND(RETURNED))
        return no_such_change(c, "who returns is in the register");
    if (open_members(&change->household) >= HOUSEHOLD_PEOPLE_MAX)
        return err_set(&c->err, ERR_REFUSED, HOUSEHOLD_FULL, "a household has at most %d people",
                       HOUSEHOLD_PEOPLE_MAX);
    if (is_new) {
        TRY(person_from_wire(c, change->in->new_person, &person, &member));
        if (change->on.days < person.facts.birth.days)
            return err_at(&c->err, ERR_INVALID, "$.on", CHANGE_DAY,
                          "the day lies before the birth");
        TRY(person_insert(c, &person));
    } else {
        TRY(comer_from_register(c, change, &member));
    }
    member.head = open_members(&change->household) == 0;
    member.relation = member.head                        ? RELATION_HEAD
                      : member.relation == RELATION_HEAD ? RELATION_OTHER
                                                         : member.relation;
    member.entry = entry_of((int) change->in->kind);
    member.from = change->on;
    return membership_insert(c, change->household.id, &member, change->evidence);
}

/* --- who leaves --- */

static err_t
leaver_of(struct call *c, const struct change *change, size_t i, struct member **member)
{
    struct id id;

    TRY(id_from_wire(change->in->person_ids[i], "$.personIds", &id, &c->err));
    *member = open_member(&change->household, id);
    if (!*member)
        return err_at(&c->err, ERR_REFUSED, "$.personIds", PERSON_NOT_MEMBER,
                      "the person is not a member of this household");
    if (change->on.days < (*member)->from.days)
        return err_at(&c->err, ERR_REFUSED, "$.on", CHANGE_DAY,
                      "the day lies before the entry into the household");
    return ERR_OK;
}

static err_t
head_follows(struct call *c, const struct change *change)
{
    struct member *next = open_member(&change->household, change->new_head);

    if (!next)
        return err_at(&c->err, ERR_REFUSED, "$.newHeadId", HOUSEHOLD_HEAD,
                      "the head leaves; another member must become the head");
    return membership_head(c, next->membership, true, RELATION_HEAD);
}

static err_t
leave(struct call *c, struct change *change)
{
    struct member *member = NULL;

    if (change->in->n_person_ids != 1)
        return no_such_change(c, "one person leaves");
    TRY(leaver_of(c, change, 0, &member));
    member->leaving = change->in->kind == KIND(DIED)        ? LEAVING_DIED
                      : change->in->kind == KIND(MOVED_OUT) ? LEAVING_MOVED_OUT
                                                            : LEAVING_IN_ERROR;
    member->until = change->on;
    member->ended = true;
    TRY(membership_end(c, member, change->evidence));
    if (member->leaving == LEAVING_DIED)
        TRY(person_end(c, member->person, &change->on, false));
    if (member->leaving == LEAVING_IN_ERROR)
        TRY(person_end(c, member->person, NULL, true));
    if (member->head && open_members(&change->household) > 0)
        TRY(head_follows(c, change));
    return ERR_OK;
}

static err_t
split_one(struct call *c, struct change *change, size_t i)
{
    struct member *member = NULL, joined;

    TRY(leaver_of(c, change, i, &member));
    if (member->head)
        return err_at(&c->err, ERR_REFUSED, "$.personIds", HOUSEHOLD_HEAD,
                      "the head stays; the others split off");
    member->leaving = LEAVING_SPLIT_OFF;
    member->until = change->on;
    member->ended = true;
    TRY(membership_end(c, member, change->evidence));
    joined = *member;
    joined.head = id_cmp(member->person, change->new_head) == 0;
    joined.relation = joined.head ? RELATION_HEAD : RELATION_OTHER;
    joined.entry = ENTRY_MOVED_IN;
    joined.from = change->on;
    return membership_insert(c, change->fresh.id, &joined, change->evidence);
}

static err_t
split(struct call *c, struct change *change)
{
    const Identity__RecordHouseholdChangeRequest *in = change->in;
    const size_t size = strlen(in->new_number);
    bool has_head = false;

    if (in->n_person_ids == 0 || in->n_person_ids > HOUSEHOLD_PEOPLE_MAX)
        return no_such_change(c, "somebody splits off");
    TRY(id_from_wire(in->new_household_id, "$.newHouseholdId", &change->fresh.id, &c->err));
    if (size == 0 || size >= HOUSEHOLD_NUMBER_BYTES ||
        strspn(in->new_number, "0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "abcdefghijklmnopqrstuvwxyz") != size)
        return err_at(&c->err, ERR_INVALID, "$.newNumber", HOUSEHOLD_NUMBER,
                      "a household number is 1 to 30 letters, digits or -");
    for (size_t i = 0; i < in->n_person_ids; i++) {
        struct id id;
        TRY(id_from_wire(in->person_ids[i], "$.personIds", &id, &c->err));
        has_head |= id_cmp(id, change->new_head) == 0;
    }
    if (!has_head)
        return err_at(&c->err, ERR_INVALID, "$.newHeadId", HOUSEHOLD_HEAD,
                      "one of those who split off heads the new household");
    change->fresh.village = change->household.village;
    change->fresh.number = in->new_number;
    TRY(household_insert(c, &change->fresh, c->request_id));
    for (size_t i = 0; i < in->n_person_ids; i++)
        TRY(split_one(c, change, i));
    return ERR_OK;
}

/* --- who heads, who has another number --- */

static err_t
new_head(struct call *c, const struct change *change)
{
    struct member *next = open_member(&change->household, change->new_head);

    if (!next || next->head)
        return err_at(&c->err, ERR_REFUSED, "$.newHeadId", HOUSEHOLD_HEAD,
                      "another member of the household becomes the head");
    for (size_t i = 0; i < change->household.member_count; i++)
        if (!change->household.members[i].ended && change->household.members[i].head)
            TRY(membership_head(c, change->household.members[i].membership, false, RELATION_OTHER));
    return membership_head(c, next->membership, true, RELATION_HEAD);
}

static err_t
renumber(struct call *c, const struct change *change)
{
    struct person_record person;
    struct member *member = NULL;

    if (!change->in->new_person || change->in->n_person_ids != 1)
        return no_such_change(c, "one person gets another number");
    TRY(leaver_of(c, change, 0, &member));
    person = (struct person_record){
        .id = member->person, .facts = { member->name, member->phone, member->sex, member->birth }
    };
    Identity__NewPerson as_known = *change->in->new_person;
    Huzhu__Date birth = HUZHU__DATE__INIT;
    birth.days = member->birth.days;
    as_known.birth = &birth; /* the new number must say the same of the person as the old facts */
    TRY(number_from_wire(c, &as_known, &person));
    return person_renumber(c, &person);
}

/* --- the rpc --- */

static err_t
change_from_wire(struct call *c, const Identity__RecordHouseholdChangeRequest *in,
                 struct change *change, struct id *household)
{
    *change = (struct change){ .in = in };
    TRY(id_from_wire(in->household_id, "$.householdId", household, &c->err));
    if (in->kind < KIND(BIRTH) || in->kind > KIND(ID_REPLACED))
        return no_such_change(c, "no such change");
    if (!in->on || in->on->days > date_of(c->now).days)
        return err_at(&c->err, ERR_INVALID, "$.on", CHANGE_DAY,
                      "the day is missing, or lies ahead");
    change->on.days = in->on->days;
    TRY(optional_id_from_wire(in->evidence_upload_id, "$.evidenceUploadId", &change->evidence,
                              &c->err));
    if (id_is_nil(change->evidence) && in->kind != KIND(NEW_HEAD))
        return err_at(&c->err, ERR_INVALID, "$.evidenceUploadId", CHANGE_EVIDENCE,
                      "a change needs its evidence");
    return optional_id_from_wire(in->new_head_id, "$.newHeadId", &change->new_head, &c->err);
}

static err_t
change_do(struct call *c, struct change *change)
{
    switch ((int) change->in->kind) {
    case KIND(BIRTH):
    case KIND(MARRIAGE):
    case KIND(MOVED_IN):
    case KIND(RETURNED):
        return come(c, change);
    case KIND(DIED):
    case KIND(MOVED_OUT):
    case KIND(ENTERED_IN_ERROR):
        return leave(c, change);
    case KIND(SPLIT_OFF):
        return split(c, change);
    case KIND(NEW_HEAD):
        return new_head(c, change);
    default:
        return renumber(c, change);
    }
}

static err_t
change_answer(struct call *c, const struct change *change,
              Identity__RecordHouseholdChangeReply *out)
{
    const bool is_split = !id_is_nil(change->fresh.id);
    const struct sight sight = { .clear = call_may_see(c, LABEL_IDENTITY), .past = true };
    struct household both[2];

    TRY(household_get(c, change->household.id, &both[0]));
    if (is_split)
        TRY(household_get(c, change->fresh.id, &both[1]));
    for (size_t i = 0; i < 1 + (size_t) is_split; i++) /* their order by id is not ours */
        TRY(households_fill(c, &both[i], 1, false));
    TRY(emit_households_recorded(c, both, 1 + (size_t) is_split));
    (void) snprintf(c->etag, sizeof c->etag, "%lld", (long long) both[0].version);
    if (sight.clear)
        call_saw(c, LABEL_IDENTITY, (struct id){ { 0 } });
    TRY(household_view_to_wire(c, &both[0], sight, &out->household));
    return is_split ? household_view_to_wire(c, &both[1], sight, &out->new_household) : ERR_OK;
}

err_t
identity_record_household_change(struct call *c, const Identity__RecordHouseholdChangeRequest *in,
                                 Identity__RecordHouseholdChangeReply *out)
{
    struct change change;
    char etag[24];
    struct id id;

    TRY(change_from_wire(c, in, &change, &id));
    TRY(register_share(c));
    TRY(household_lock(c, id, &change.household));
    if (!call_covers(c, change.household.village))
        return err_set(&c->err, ERR_NOT_FOUND, HOUSEHOLD_NONE, "no such household");
    (void) snprintf(etag, sizeof etag, "%lld", (long long) change.household.version);
    TRY(call_matches(c, etag));
    TRY(households_fill(c, &change.household, 1, true));

    TRY(change_do(c, &change));
    TRY(household_touch(c, change.household.id, c->request_id));
    return change_answer(c, &change, out);
}
