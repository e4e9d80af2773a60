/* handlers_enrolment.c - households join: alone, or a village's in bulk, each with its own outcome.
 *
 * The guards come first (store.h): the programme's, shared, then those of the villages in their
 * order; only then are households read and judged.  What is good is written in two statements,
 * however many households there are. */
#include <stdio.h>
#include <string.h>

#include "common_steps.h"
#include "handlers.h"
#include "wire.h"

struct enrolling {
    const programme_t *programme;
    struct programme_row row;
    struct house *houses;
    size_t house_count;
    struct id *villages;
    bool *resolved; /* of each village */
    size_t village_count;
    struct id *ids; /* of the request's households, nil where malformed */
};

static struct member *
member_find(struct house *h, struct id person)
{
    for (size_t i = 0; i < h->count; i++)
        if (id_cmp(h->members[i].person, person) == 0)
            return &h->members[i];
    return NULL;
}

/* Who says so: the household itself, or a clerk with something that shows its consent. */
static const char *
judge_caller(struct call *c, struct house *h, const Contributions__Enrolment *in)
{
    const struct member *self = id_is_nil(c->person) ? NULL : member_find(h, c->person);

    if (self && !(self->has_left && self->left.days <= date_of(c->now).days)) {
        h->confirmation = CONTRIBUTIONS__ENROLMENT__CONFIRMATION__BY_ACCOUNT;
        return NULL;
    }
    if (!call_has(c, COLLECTORS))
        return SCOPE_HOUSEHOLD;
    if (!call_covers(c, h->village))
        return SCOPE_VILLAGE;
    if (in->confirmation != CONTRIBUTIONS__ENROLMENT__CONFIRMATION__SIGNATURE &&
        in->confirmation != CONTRIBUTIONS__ENROLMENT__CONFIRMATION__PHOTO &&
        in->confirmation != CONTRIBUTIONS__ENROLMENT__CONFIRMATION__MESSAGE)
        return ENROL_CONFIRMATION;
    h->confirmation = (int) in->confirmation;
    h->upload = id_of(in->confirmation_upload_id);
    return NULL;
}

static const char *
judge_person(struct call *c, const struct enrolling *e, struct house *h,
             const Contributions__Enrolment__Person *in)
{
    const programme_t *p = e->programme;
    struct member *m = member_find(h, id_of(in->person_id));
    const date_t today = date_of(c->now), starts = day_of(p->starts_on);
    struct err err;

    if (!m)
        return PERSON_UNKNOWN;
    if (m->enrolled) {
        m->changed = m->changed || m->consent != in->publicity_consent;
        m->consent = in->publicity_consent;
        return NULL;
    }
    if (m->elsewhere)
        return PERSON_ELSEWHERE;
    const char *reason = rule_person_may_join(p, m, today, &m->payer, &m->due);
    if (reason)
        return reason;
    m->late = rule_window(p, c->now, &err) != ERR_OK;
    if (m->late && c->now.us < at_of(p->window_from).us)
        return WINDOW_NOT_OPEN;
    reason = m->late ? rule_late_member(p, h, m) : NULL;
    if (reason)
        return reason;
    m->enrolled = m->changed = true;
    m->consent = in->publicity_consent;
    m->paid = m->due.fen == 0; /* somebody else pays the whole (003-6) */
    m->from = m->late && today.days > starts.days ? today : starts;
    return NULL;
}

/* NULL: marked in the house; or the reason why not (and nothing of the house is to be kept). */
static const char *
judge(struct call *c, const struct enrolling *e, struct house *h,
      const Contributions__Enrolment *in)
{
    size_t village = 0;

    if (!h)
        return HOUSEHOLD_NONE;
    if (!in->content_read)
        return ENROL_NOT_READ;
    if (!in->family_confirmed)
        return ENROL_NOT_CONFIRMED;
    if (in->n_persons == 0 || in->n_persons > HOUSE_MEMBERS_MAX)
        return ENROL_PERSONS;
    for (size_t i = 0; i < in->n_persons; i++)
        for (size_t k = 0; k < i; k++)
            if (id_cmp(id_of(in->persons[i]->person_id), id_of(in->persons[k]->person_id)) == 0)
                return ENROL_PERSONS;
    const char *reason = judge_caller(c, h, in);
    if (reason)
        return reason;
    if (!id_is_nil(e->row.village) && id_cmp(e->row.village, h->village) != 0)
        return VILLAGE_OTHER;
    while (village < e->village_count && id_cmp(e->villages[village], h->village) != 0)
        village++;
    if (village == e->village_count || !e->resolved[village])
        return RESOLUTION_MISSING;
    for (size_t i = 0; i < in->n_persons; i++) {
        reason = judge_person(c, e, h, in->persons[i]);
        if (reason)
            return reason;
    }
    rule_house_in_force(e->programme, h, date_of(c->now));
    h->enrolled = h->changed = true;
    return NULL;
}

static err_t
load(struct call *c, const Huzhu__Id *programme, Contributions__Enrolment *const *in, size_t count,
     struct enrolling *e)
{
    TRY(programme_enter(c, programme, GUARD_SHARED, &e->row));
    e->programme = e->row.is;
    TRY(programme_is(c, e->programme, IN_STATE(OPEN) | IN_STATE(IN_FORCE)));
    LIST(c, count, &e->ids);
    for (size_t i = 0; i < count; i++) {
        e->ids[i] = id_of(in[i]->household_id);
        for (size_t k = 0; k < i; k++)
            if (id_cmp(e->ids[i], e->ids[k]) == 0 && !id_is_nil(e->ids[i]))
                return err_at(&c->err, ERR_INVALID, "$.enrolments", ENROL_TWICE,
                              "household %zu of the request is there twice", i + 1);
    }
    TRY(household_villages(c, e->ids, count, &e->villages, &e->village_count));
    LIST(c, e->village_count, &e->resolved);
    for (size_t i = 0; i < e->village_count; i++) /* in the order of ids */
        TRY(village_guard(c, e->row.id, e->villages[i]));
    for (size_t i = 0; i < e->village_count; i++)
        TRY(village_has_resolved(c, e->row.id, e->villages[i], &e->resolved[i]));
    return houses_get(c, e->row.id, e->ids, count, &e->houses, &e->house_count);
}

static err_t
keep(struct call *c, const struct enrolling *e)
{
    TRY(houses_put(c, e->row.id, e->houses, e->house_count));
    for (size_t i = 0; i < e->house_count; i++)
        if (e->houses[i].changed)
            TRY(emit_members_changed(c, e->programme, &e->houses[i]));
    return ERR_OK;
}

err_t
contributions_enrol_household(struct call *c, const Contributions__EnrolHouseholdRequest *in,
                              Contributions__EnrolHouseholdReply *out)
{
    struct enrolling e = { .house_count = 0 };
    struct id id;

    if (!in->enrolment)
        return err_at(&c->err, ERR_INVALID, "$.enrolment", TEXT_MISSING, "an enrolment is missing");
    TRY(id_from_wire(in->enrolment->household_id, "$.enrolment.householdId", &id, &c->err));
    TRY(load(c, in->programme_id, &in->enrolment, 1, &e));
    struct house *h = house_find(e.houses, e.house_count, id);
    const char *reason = judge(c, &e, h, in->enrolment);
    if (reason) {
        const err_t code = reason == HOUSEHOLD_NONE            ? ERR_NOT_FOUND
                           : strncmp(reason, "scope.", 6) == 0 ? ERR_FORBIDDEN
                                                               : ERR_REFUSED;
        return err_at(&c->err, code, "$.enrolment", reason, "the household cannot join: %s",
                      reason);
    }
    TRY(keep(c, &e));
    return house_to_wire(c, e.programme, h, &out->enrolment);
}

static int64_t
due_of(const struct house *h)
{
    int64_t due = 0;

    for (size_t i = 0; i < h->count; i++)
        due += h->members[i].enrolled && !h->members[i].paid ? h->members[i].due.fen : 0;
    return due;
}

err_t
contributions_enrol_households(struct call *c, const Contributions__EnrolHouseholdsRequest *in,
                               Contributions__EnrolHouseholdsReply *out)
{
    struct enrolling e = { .house_count = 0 };

    if (in->n_enrolments == 0 || in->n_enrolments > BULK_ROWS_MAX)
        return err_at(&c->err, ERR_INVALID, "$.enrolments", BULK_ROWS,
                      "a request has 1 to %d households, not %zu", BULK_ROWS_MAX, in->n_enrolments);
    TRY(load(c, in->programme_id, in->enrolments, in->n_enrolments, &e));
    LIST(c, in->n_enrolments, &out->rows);
    for (size_t i = 0; i < in->n_enrolments; i++) {
        MAKE(c, Contributions__EnrolHouseholdsReply__Row,
             contributions__enrol_households_reply__row__init, row);
        struct house *h = house_find(e.houses, e.house_count, e.ids[i]);
        const char *reason = judge(c, &e, h, in->enrolments[i]);
        if (reason && h)
            h->changed = false;
        row->done = reason == NULL;
        out->done += row->done ? 1 : 0;
        if (!put_id(c, e.ids[i], &row->household_id) || !put_text(c, reason, &row->reason) ||
            (reason && !put_text(c, reason_chinese(reason), &row->chinese)) ||
            (!reason && !put_money(c, due_of(h), &row->due)))
            return no_memory(c);
        out->rows[out->n_rows++] = row;
    }
    TRY(keep(c, &e));
    for (size_t i = 0; i < out->n_rows; i++) {
        const struct house *h = house_find(e.houses, e.house_count, e.ids[i]);
        if (out->rows[i]->done && !put_text(c, h->reference, &out->rows[i]->reference))
            return no_memory(c);
    }
    return ERR_OK;
}

/* --- reading --- */

err_t
contributions_get_enrolment(struct call *c, const Contributions__GetEnrolmentRequest *in,
                            Contributions__GetEnrolmentReply *out)
{
    struct programme_row row;
    struct house *houses;
    struct id id;
    size_t found;

    TRY(id_from_wire(in->household_id, "$.householdId", &id, &c->err));
    TRY(programme_enter(c, in->programme_id, GUARD_NONE, &row));
    TRY(houses_get(c, row.id, &id, 1, &houses, &found));
    if (found > 0)
        TRY(caller_may_see_house(c, &houses[0]));
    if (found == 0 || !houses[0].enrolled)
        return err_set(&c->err, ERR_NOT_FOUND, HOUSEHOLD_NONE, "no such enrolment");
    return house_to_wire(c, row.is, &houses[0], &out->enrolment);
}

err_t
contributions_list_enrolments(struct call *c, const Contributions__ListEnrolmentsRequest *in,
                              Contributions__ListEnrolmentsReply *out)
{
    struct enrolled_filter filter = { .unpaid = in->unpaid };
    struct programme_row row;
    struct house *houses;
    struct page page;
    struct id *ids;
    size_t count, found;

    TRY(page_from_wire(in->page_size, in->page_token, &page, &c->err));
    TRY(programme_enter(c, in->programme_id, GUARD_NONE, &row));
    TRY(village_filter(c, in->village_id, &filter.village));
    filter.programme = row.id;
    TRY(houses_enrolled(c, &filter, page, &ids, &count));
    TRY(page_to_wire(c, page, ids[count > 1 ? count - 2 : 0], &count, &out->next_page_token));
    TRY(houses_get(c, row.id, ids, count, &houses, &found));
    LIST(c, found, &out->enrolments);
    for (; out->n_enrolments < found; out->n_enrolments++)
        TRY(house_to_wire(c, row.is, &houses[out->n_enrolments],
                          &out->enrolments[out->n_enrolments]));
    return ERR_OK;
}

static err_t
eligible_to_wire(struct call *c, const programme_t *p, const struct house *h,
                 Contributions__ListEligibleReply__Household **out)
{
    MAKE(c, Contributions__ListEligibleReply__Household,
         contributions__list_eligible_reply__household__init, one);

    one->enrolled = h->enrolled;
    LIST(c, h->count, &one->persons);
    for (size_t i = 0; i < h->count; i++) {
        MAKE(c, Contributions__ListEligibleReply__Person,
             contributions__list_eligible_reply__person__init, person);
        int payer;
        money_t due;
        const char *reason = rule_person_may_join(p, &h->members[i], date_of(c->now), &payer, &due);
        person->eligible = reason == NULL;
        person->payer = (Contributions__Source__Kind) payer;
        if (!put_id(c, h->members[i].person, &person->person_id) ||
            !put_text(c, reason, &person->reason))
            return no_memory(c);
        one->persons[one->n_persons++] = person;
    }
    *out = one;
    return put_id(c, h->id, &one->household_id) ? ERR_OK : no_memory(c);
}

err_t
contributions_list_eligible(struct call *c, const Contributions__ListEligibleRequest *in,
                            Contributions__ListEligibleReply *out)
{
    struct programme_row row;
    struct house *houses;
    struct page page;
    struct id village, *ids;
    size_t count, found;

    TRY(page_from_wire(in->page_size, in->page_token, &page, &c->err));
    TRY(id_from_wire(in->village_id, "$.villageId", &village, &c->err));
    TRY(caller_covers(c, village));
    TRY(programme_enter(c, in->programme_id, GUARD_NONE, &row));
    TRY(houses_of_village(c, village, page, &ids, &count));
    TRY(page_to_wire(c, page, ids[count > 1 ? count - 2 : 0], &count, &out->next_page_token));
    TRY(houses_get(c, row.id, ids, count, &houses, &found));
    LIST(c, found, &out->households);
    for (; out->n_households < found; out->n_households++)
        TRY(eligible_to_wire(c, row.is, &houses[out->n_households],
                             &out->households[out->n_households]));
    return ERR_OK;
}
