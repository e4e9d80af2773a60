/* rules_enrolment.c - who may join, when, and from when a household is in force.  Pure. */
#include "rules.h"

#include <stdlib.h>
#include <string.h>

#include "identity.pb-c.h"

err_t
rule_window(const programme_t *p, instant_t at, struct err *err)
{
    /* "Up to and with this second": what happens within 23:59:59 is in time. */
    const int64_t second = at.us - (at.us % US_PER_SECOND + US_PER_SECOND) % US_PER_SECOND;
    char limit[INSTANT_TEXT_BYTES];

    if (at.us < at_of(p->window_from).us) {
        instant_format(at_of(p->window_from), limit);
        return err_set(err, ERR_REFUSED, WINDOW_NOT_OPEN, "the window opens at %s", limit);
    }
    if (second > at_of(p->window_until).us) {
        instant_format(at_of(p->window_until), limit);
        return err_set(err, ERR_REFUSED, WINDOW_CLOSED, "the window closed after %s", limit);
    }
    return ERR_OK;
}

/* Reads "code,from,until;": our own text, so that what does not fit is nobody's category. */
bool
rule_in_category(const char *categories, const char *code, date_t on)
{
    const size_t size = strlen(code);

    for (const char *at = categories; at && *at;) {
        const char *end = strchr(at, ';');
        const char *comma = strchr(at, ',');
        if (!end || !comma || comma > end)
            return false;
        if ((size_t) (comma - at) == size && memcmp(at, code, size) == 0) {
            char *rest;
            const long from = strtol(comma + 1, &rest, 10);
            const bool open = *rest == ',' && rest[1] == ';';
            const long until = open ? 0 : strtol(rest + 1, NULL, 10);
            if (from <= on.days && (open || until > on.days))
                return true;
        }
        at = end + 1;
    }
    return false;
}

uint32_t
ground_mask(const programme_t *p)
{
    const uint32_t registered = 1U << IDENTITY__HOUSEHOLD_MEMBER__GROUND__REGISTERED;
    const uint32_t collective = 1U << IDENTITY__HOUSEHOLD_MEMBER__GROUND__COLLECTIVE;
    const uint32_t resident = 1U << IDENTITY__HOUSEHOLD_MEMBER__GROUND__RESIDENT;

    switch (p->eligibility) {
    case CONTRIBUTIONS__PROGRAMME__ELIGIBILITY__REGISTERED_ONLY:
        return registered;
    case CONTRIBUTIONS__PROGRAMME__ELIGIBILITY__COLLECTIVE_OR_REGISTERED:
        return registered | collective;
    case CONTRIBUTIONS__PROGRAMME__ELIGIBILITY__RESIDENTS_TOO:
        return registered | collective | resident;
    default:
        return 0;
    }
}

const char *
rule_person_may_join(const programme_t *p, const struct member *m, date_t on, int *payer,
                     money_t *due)
{
    const Contributions__Programme__Share *personal = share_of(p, SOURCE(PERSONAL));

    *payer = SOURCE(PERSONAL);
    *due = (money_t){ personal ? fen_of(personal->per_head) : 0 };
    if ((m->has_left && m->left.days <= on.days) || (m->has_entered && m->entered.days > on.days))
        return PERSON_LEFT;
    if ((m->grounds & ground_mask(p)) == 0)
        return PERSON_NOT_ELIGIBLE;
    for (size_t i = 0; i < p->n_excluded_categories; i++)
        if (rule_in_category(m->categories, p->excluded_categories[i], on))
            return PERSON_EXCLUDED;
    /* A subsidy that is less than the personal part leaves the rest to the person. */
    for (size_t i = 0; i < p->n_subsidised; i++) {
        const Contributions__Programme__Subsidised *s = p->subsidised[i];
        if (rule_in_category(m->categories, s->category, day_of(s->as_of))) {
            *due = money_sub(*due, money_min(*due, (money_t){ fen_of(s->per_head) }));
            if (due->fen == 0)
                *payer = (int) s->source;
            break;
        }
    }
    return NULL;
}

const char *
rule_late_member(const programme_t *p, const struct house *h, const struct member *m)
{
    if (!p->new_members_after)
        return WINDOW_CLOSED;
    if (!h->in_force)
        return LATE_HOUSEHOLD;
    if (!m->has_entered || m->entered.days <= date_of(at_of(p->window_until)).days ||
        m->entry <= IDENTITY__HOUSEHOLD_MEMBER__ENTRY__FIRST_REGISTER)
        return LATE_EVENT;
    return NULL;
}

static bool
has_settled(const struct member *m)
{
    return m->enrolled && (m->paid || m->due.fen == 0);
}

void
rule_house_in_force(const programme_t *p, struct house *h, date_t on)
{
    const bool was = h->in_force;
    bool whole = true, any = false;

    if (p->household_rule == CONTRIBUTIONS__PROGRAMME__HOUSEHOLD_RULE__WHOLE_HOUSEHOLD &&
        !(was && p->state != PROGRAMME(OPEN))) {
        for (size_t i = 0; i < h->count; i++) {
            int payer;
            money_t due;
            if (!rule_person_may_join(p, &h->members[i], on, &payer, &due))
                whole = whole && has_settled(&h->members[i]);
        }
    }
    for (size_t i = 0; i < h->count; i++) {
        struct member *m = &h->members[i];
        const bool now = whole && has_settled(m);
        /* Protection begins with the year; who comes later is protected from the day of paying. */
        if (now && !m->in_force && m->late && on.days > m->from.days)
            m->from = on;
        m->changed = m->changed || now != m->in_force;
        m->in_force = now;
        any = any || now;
    }
    h->in_force = any;
    h->changed = h->changed || was != any;
}

bool
rule_house_owes(const struct house *h, const struct id *persons, size_t count, money_t *due,
                uint32_t *people)
{
    *due = (money_t){ 0 };
    *people = 0;
    for (size_t i = 0; i < h->count; i++) {
        const struct member *m = &h->members[i];
        if (count == 0 && m->enrolled && !m->paid && m->due.fen > 0) {
            *due = money_add(*due, m->due);
            ++*people;
        }
    }
    for (size_t k = 0; k < count; k++) {
        size_t i = 0;
        while (i < h->count && id_cmp(h->members[i].person, persons[k]) != 0)
            i++;
        if (i == h->count || !h->members[i].enrolled || h->members[i].paid ||
            h->members[i].due.fen == 0)
            return false;
        *due = money_add(*due, h->members[i].due);
        ++*people;
    }
    return true;
}
