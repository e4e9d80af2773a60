/* store.c - what others told, in and out of the schema disclosure. */
#include "store.h"

#include "mask/mask.h"
#include "store_help.h"

const struct db_constraint disclosure_constraints[] = {
    { "publication_pkey", ERR_CONFLICT, PUBLICATION_ID, "the id is that of another publication" },
    { "publication_version", ERR_RACED, PUBLICATION_ID, "two drafts of one page met" },
    { "disclosed_once", ERR_CONFLICT, PUBLICATION_OVERLAP, "a claim went up elsewhere" },
    { "complaint_pkey", ERR_CONFLICT, COMPLAINT_ID, "the id is that of another complaint" },
    { "complaint_owner_is_another", ERR_REFUSED, COMPLAINT_CONFLICT,
      "the owner is complained about" },
    { "report_pkey", ERR_CONFLICT, REPORT_SIGNED, "the id is that of another report" },
};

/* --- tenants, people, staff --- */

err_t
profile_put(struct call *c, const struct profile *profile, struct id organisation)
{
    return db_exec(c, &q_profile_put, P_ID(c->tenant), P_TEXT(profile->code), P_TEXT(profile->name),
                   P_ID_OR_NULL(organisation));
}

err_t
profile_get(struct call *c, struct profile *profile)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query0(c, &q_profile_get, &rows));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, PAGE_NONE, "nobody told who the tenant is");
    TRY(text_or_empty(c, rows, 0, 0, &profile->code));
    return text_or_empty(c, rows, 0, 1, &profile->name);
}

err_t
village_put(struct call *c, struct id village, const char *name)
{
    return db_exec(c, &q_village_put, P_ID(c->tenant), P_ID(village), P_TEXT(name));
}

err_t
village_name(struct call *c, struct id village, const char **name)
{
    OWNED(rows_free) struct rows *rows = NULL;

    *name = "";
    if (id_is_nil(village))
        return ERR_OK;
    TRY(db_query(c, &q_village_name, &rows, P_ID(village)));
    return rows_count(rows) == 0 ? ERR_OK : text_or_empty(c, rows, 0, 0, name);
}

err_t
household_put(struct call *c, struct id household, struct id village, int64_t version,
              bool *is_newer)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_household_put, &rows, P_ID(c->tenant), P_ID(household), P_ID(village),
                 P_INT(version)));
    *is_newer = rows_count(rows) == 1;
    return ERR_OK;
}

/* What the open web sees of a person, hashed under a key: equal for those who look the same. */
static err_t
mask_index(struct call *c, const struct register_person *person, uint8_t index[static 32])
{
    char masked[MASK_NAME_BYTES], look[MASK_NAME_BYTES + 4];

    mask_name(MASK_T0, person->name, masked);
    const int size = snprintf(look, sizeof look, "%s|%d", masked, person->sex);
    return call_blind_index(c, "disclosure.masked_name", look, (size_t) size, index);
}

err_t
person_put(struct call *c, const struct register_person *person, date_t left)
{
    Disclosure__SealedPerson secret = DISCLOSURE__SEALED_PERSON__INIT;
    ProtobufCBinaryData sealed;
    uint8_t index[32];

    if (!person->name)
        return db_exec(c, &q_person_move, P_ID(person->id), P_ID(person->household),
                       p_date_or_null(left));
    secret.name = (char *) person->name;
    secret.sex = (uint32_t) person->sex;
    TRY(seal_message(c, "person", person->id, &secret.base, &sealed));
    TRY(mask_index(c, person, index));
    return db_exec(c, &q_person_put, P_ID(c->tenant), P_ID(person->id), P_ID(person->household),
                   p_date_or_null(left), P_BYTES(sealed.data, sealed.len),
                   P_BYTES(index, sizeof index));
}

err_t
staff_put(struct call *c, struct id account, int role, bool granted)
{
    if (granted)
        return db_exec(c, &q_staff_put, P_ID(c->tenant), P_ID(account), P_INT4(role));
    return db_exec(c, &q_staff_delete, P_ID(account), P_INT4(role));
}

err_t
staff_handlers(struct call *c, struct id **accounts, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query0(c, &q_staff_handlers, &rows));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, accounts);
    for (size_t i = 0; i < *count; i++)
        (*accounts)[i] = rows_id(rows, (int) i, 0);
    return ERR_OK;
}

/* --- programmes and members --- */

err_t
programme_put(struct call *c, const Contributions__Programme *p)
{
    struct id id, prior = { { 0 } };
    ProtobufCBinaryData body;

    TRY(id_from_wire(p->programme_id, "programme.programme_id", &id, &c->err));
    if (p->prior_programme_id && p->prior_programme_id->value.len == sizeof prior.bytes)
        memcpy(prior.bytes, p->prior_programme_id->value.data, sizeof prior.bytes);
    if (!p->starts_on || !p->ends_on)
        return err_set(&c->err, ERR_INVALID, EVENT_FORM, "a programme without days");
    TRY(message_pack(c, &p->base, &body));
    TRY(db_exec(c, &q_programme_put, P_ID(c->tenant), P_ID(id), P_ID_OR_NULL(prior),
                P_INT4(p->year), P_INT4(p->state), P_DATE(((date_t){ p->starts_on->days })),
                P_DATE(((date_t){ p->ends_on->days })), P_INT(p->version),
                P_BYTES(body.data, body.len)));
    for (size_t i = 0; i < p->n_thresholds; i++) {
        const Contributions__Programme__Threshold *t = p->thresholds[i];
        TRY(db_exec(c, &q_threshold_put, P_ID(c->tenant), P_ID(id), P_INT4(t->insurance),
                    P_BOOL(t->basis == CONTRIBUTIONS__PROGRAMME__THRESHOLD__BASIS__TOTAL_COST),
                    P_INT(t->at_least ? t->at_least->fen : 0)));
    }
    return ERR_OK;
}

static err_t
programme_open(struct call *c, const struct rows *rows, int row,
               const Contributions__Programme **out)
{
    ProtobufCMessage *message;
    size_t size;
    const void *body = rows_bytes(rows, row, 0, &size);

    TRY(message_decode(c, &contributions__programme__descriptor, size, body, &message));
    *out = (const Contributions__Programme *) message;
    return ERR_OK;
}

err_t
programme_get(struct call *c, struct id id, const Contributions__Programme **out)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_programme_get, &rows, P_ID(id)));
    if (rows_count(rows) == 0)
        return err_at(&c->err, ERR_NOT_FOUND, "$.programmeId", PROGRAMME_NONE, "no such programme");
    return programme_open(c, rows, 0, out);
}

err_t
programme_lock(struct call *c, struct id id)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_programme_lock, &rows, P_ID(id)));
    if (rows_count(rows) == 0)
        return err_at(&c->err, ERR_NOT_FOUND, "$.programmeId", PROGRAMME_NONE, "no such programme");
    return ERR_OK;
}

err_t
programme_list(struct call *c, const Contributions__Programme ***out, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query0(c, &q_programmes, &rows));
    *count = (size_t) rows_count(rows);
    *out = arena_alloc(c->arena, (*count + 1) * sizeof(void *));
    if (!*out)
        return no_memory(c);
    for (size_t i = 0; i < *count; i++)
        TRY(programme_open(c, rows, (int) i, &(*out)[i]));
    return ERR_OK;
}

err_t
members_clear(struct call *c, struct id programme, struct id household)
{
    return db_exec(c, &q_members_clear, P_ID(programme), P_ID(household));
}

err_t
member_put(struct call *c, const struct told_member *m)
{
    return db_exec(c, &q_member_put, P_ID(c->tenant), P_ID(m->programme), P_ID(m->person),
                   P_ID(m->household), P_ID(m->village), P_BOOL(m->in_force), P_BOOL(m->consent));
}

/* --- money --- */

err_t
transfer_put(struct call *c, const struct told_transfer *t)
{
    return db_exec(c, &q_transfer_put, P_ID(c->tenant), P_ID(t->id), P_ID(t->programme),
                   P_INT4(t->state), P_TEXT(t->debit), P_TEXT(t->credit), P_MONEY(t->amount),
                   P_DATE(t->on), P_ID_OR_NULL(t->village), P_ID_OR_NULL(t->subject),
                   P_ID_OR_NULL(t->person), P_TEXT(t->why), P_INT4(t->people), P_INT4(t->source));
}

err_t
participation_put(struct call *c, struct id programme,
                  const Contributions__ParticipationMeasured *in)
{
    ProtobufCBinaryData body;

    TRY(message_pack(c, &in->base, &body));
    return db_exec(c, &q_participation_put, P_ID(c->tenant), P_ID(programme),
                   P_INT(in->people ? in->people->taking_part : 0),
                   P_INT(in->people ? in->people->whole : 0),
                   P_INT4(in->people ? in->people->share : 0), P_BYTES(body.data, body.len));
}

err_t
year_close_put(struct call *c, struct id programme, struct id next, money_t carried, date_t on)
{
    return db_exec(c, &q_year_close_put, P_ID(c->tenant), P_ID(programme), P_ID_OR_NULL(next),
                   P_MONEY(carried), P_DATE(on));
}

err_t
agreement_put(struct call *c, const struct told_agreement *a)
{
    return db_exec(c, &q_agreement_put, P_ID(c->tenant), P_ID(a->id), P_ID(a->programme),
                   P_DATE(a->from), P_DATE(a->until), P_BOOL(a->has_scan));
}

err_t
refund_put(struct call *c, const struct told_refund *r)
{
    return db_exec(c, &q_refund_put, P_ID(c->tenant), P_ID(r->id), P_ID(r->programme),
                   P_ID_OR_NULL(r->person), P_MONEY(r->amount), P_INT4(r->route));
}

err_t
refund_confirm(struct call *c, const struct told_refund *r, date_t on, struct id *person)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_refund_confirm, &rows, P_ID(c->tenant), P_ID(r->id), P_ID(r->programme),
                 P_MONEY(r->amount), P_DATE(on)));
    *person = rows_count(rows) == 1 ? rows_id(rows, 0, 0) : (struct id){ { 0 } };
    return ERR_OK;
}

/* --- claims --- */

err_t
claim_accept(struct call *c, const struct told_claim *k)
{
    Disclosure__SealedClaim secret = DISCLOSURE__SEALED_CLAIM__INIT;
    ProtobufCBinaryData sealed;

    secret.name = (char *) k->name;
    secret.hospital = (char *) k->hospital;
    TRY(seal_message(c, "claim", k->id, &secret.base, &sealed));
    return db_exec(c, &q_claim_accept, P_ID(c->tenant), P_ID(k->id), P_ID(k->programme),
                   P_ID(k->person), P_ID(k->village), P_TEXT(k->number), P_ID_OR_NULL(k->filed_by),
                   P_INT4(k->level), P_INT4(k->insurance), P_INT4(k->sex), P_MONEY(k->total_cost),
                   P_MONEY(k->own_payment), P_BOOL(publish_hospital_is_telling(k->hospital)),
                   P_BYTES(sealed.data, sealed.len));
}

err_t
claim_price(struct call *c, const struct told_price *p)
{
    return db_exec(c, &q_claim_price, P_ID(c->tenant), P_ID(p->id), P_ID(p->programme),
                   P_ID(p->person), P_ID(p->village), P_TEXT(p->drg), P_TEXT(p->drg_name),
                   P_TEXT(p->adrg), P_TEXT(p->mdc), P_MONEY(p->due), P_MONEY(p->payable),
                   P_BOOL(p->sensitive), P_TEXT(p->sensitive_by), P_BOOL(p->capped),
                   P_ID_OR_NULL(p->coder), P_ID_OR_NULL(p->reviewer),
                   p_date_or_null(p->decided_on));
}

err_t
claim_pay(struct call *c, const struct told_claim *k, money_t paid, date_t on)
{
    return db_exec(c, &q_claim_pay, P_ID(c->tenant), P_ID(k->id), P_ID(k->programme),
                   P_ID(k->person), P_ID(k->village), P_MONEY(paid), P_DATE(on));
}

err_t
claim_refuse(struct call *c, const struct told_claim *k)
{
    return db_exec(c, &q_claim_refuse, P_ID(c->tenant), P_ID(k->id), P_ID_OR_NULL(k->programme),
                   P_ID(k->person), P_ID(k->village));
}

/* --- subsidy tables --- */

err_t
table_put(struct call *c, struct id table, struct id programme)
{
    return db_exec(c, &q_table_put, P_ID(c->tenant), P_ID(table), P_ID(programme),
                   P_INSTANT(c->now));
}

err_t
table_row_put(struct call *c, struct id table, int n, const struct table_row *row)
{
    return db_exec(c, &q_table_row_put, P_ID(c->tenant), P_ID(table), P_INT4(n), P_TEXT(row->drg),
                   P_TEXT(row->name), P_MONEY(row->amount), P_TEXT(row->parent), P_TEXT(row->who));
}

err_t
table_rows(struct call *c, struct id programme, const char *search, struct table_row **out,
           size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_table_rows, &rows, P_ID(programme), P_TEXT(search)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, out);
    for (int i = 0; i < rows_count(rows); i++) {
        struct table_row *row = &(*out)[i];
        TRY(text_or_empty(c, rows, i, 0, &row->drg));
        TRY(text_or_empty(c, rows, i, 1, &row->name));
        row->amount = rows_money(rows, i, 2);
        TRY(text_or_empty(c, rows, i, 3, &row->parent));
        TRY(text_or_empty(c, rows, i, 4, &row->who));
    }
    return ERR_OK;
}

err_t
table_newest(struct call *c, struct id *programme)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query0(c, &q_table_newest, &rows));
    *programme = rows_count(rows) == 1 ? rows_id(rows, 0, 0) : (struct id){ { 0 } };
    return ERR_OK;
}
