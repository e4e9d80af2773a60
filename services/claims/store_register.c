/* store_register.c - what other services told: people, programmes, members, jobs in hand. */
#include <stdio.h>
#include <string.h>

#include "claims.pb-c.h"
#include "claims_queries.h"
#include "store.h"
#include "svc/columns.h"

/* --- people --- */

enum { CONTEXT_BYTES = 64 };

static void
context_of(struct id person, char text[static CONTEXT_BYTES])
{
    char id[ID_TEXT_BYTES];

    id_format(person, id);
    (void) snprintf(text, CONTEXT_BYTES, "claims.person/%s", id);
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

err_t
person_put(struct call *c, const struct register_person *person, date_t left)
{
    Claims__SealedPerson secret = CLAIMS__SEALED_PERSON__INIT;
    Huzhu__Date birth = HUZHU__DATE__INIT;
    char context[CONTEXT_BYTES];
    ProtobufCBinaryData sealed, packed;

    if (!person->name)
        return db_exec(c, &q_person_move, P_ID(person->id), P_ID(person->household),
                       p_date_or_null(left));
    birth.days = person->birth.days;
    secret.name = (char *) person->name;
    secret.sex = (uint32_t) person->sex;
    secret.birth = &birth;
    context_of(person->id, context);
    TRY(message_pack(c, &secret.base, &packed));
    TRY(call_seal(c, context, packed.data, packed.len, &sealed));
    return db_exec(c, &q_person_put, P_ID(c->tenant), P_ID(person->id), P_ID(person->household),
                   p_date_or_null(left), P_BYTES(sealed.data, sealed.len));
}

err_t
person_get(struct call *c, struct id id, struct register_person *person)
{
    OWNED(rows_free) struct rows *rows = NULL;
    char context[CONTEXT_BYTES];
    ProtobufCBinaryData plain;
    ProtobufCMessage *message;
    size_t size;

    TRY(db_query(c, &q_person_get, &rows, P_ID(id)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, CLAIM_PERSON_NONE,
                       "the register has no such person");
    const void *sealed = rows_bytes(rows, 0, 2, &size);
    context_of(id, context);
    TRY(call_unseal(c, context, sealed, size, &plain));
    TRY(message_decode(c, &claims__sealed_person__descriptor, plain.len, plain.data, &message));
    const Claims__SealedPerson *secret = (const Claims__SealedPerson *) message;
    *person = (struct register_person){
        .id = id,
        .household = rows_id(rows, 0, 0),
        .village = rows_id(rows, 0, 1),
        .name = secret->name,
        .sex = (int) secret->sex,
        .birth = { secret->birth ? secret->birth->days : 0 },
    };
    return ERR_OK;
}

err_t
person_lock(struct call *c, struct id id)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_person_lock, &rows, P_ID(id)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, CLAIM_PERSON_NONE,
                       "the register has no such person");
    return ERR_OK;
}

err_t
household_of(struct call *c, struct id person, struct id *household)
{
    OWNED(rows_free) struct rows *rows = NULL;

    *household = (struct id){ { 0 } };
    if (id_is_nil(person))
        return ERR_OK;
    TRY(db_query(c, &q_person_household, &rows, P_ID(person)));
    if (rows_count(rows) == 1)
        *household = rows_id(rows, 0, 0);
    return ERR_OK;
}

/* --- programmes and members --- */

err_t
programme_put(struct call *c, const struct programme *programme, const void *body, size_t size)
{
    return db_exec(c, &q_programme_put, P_ID(c->tenant), P_ID(programme->id),
                   P_INT4(programme->state), P_ID_OR_NULL(programme->village),
                   P_DATE(programme->starts), P_DATE(programme->ends), P_INT(programme->version),
                   P_BYTES(body, size));
}

static err_t
body_of(struct call *c, const struct rows *rows, int row, ProtobufCBinaryData *body)
{
    const void *bytes = rows_bytes(rows, row, 0, &body->len);

    body->data = arena_copy(c->arena, bytes, body->len);
    return body->data ? ERR_OK : no_memory(c);
}

err_t
programme_body(struct call *c, struct id id, ProtobufCBinaryData *body)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_programme_get, &rows, P_ID(id)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, CLAIM_PROGRAMME_NONE, "no such programme");
    return body_of(c, rows, 0, body);
}

err_t
candidate_bodies(struct call *c, struct id person, struct id village, struct candidate **candidates,
                 ProtobufCBinaryData **bodies, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_candidates, &rows, P_ID(person), P_ID(village)));
    *count = (size_t) rows_count(rows);
    *candidates = arena_alloc(c->arena, (*count + 1) * sizeof **candidates);
    *bodies = arena_alloc(c->arena, (*count + 1) * sizeof **bodies);
    if (!*candidates || !*bodies)
        return no_memory(c);
    for (size_t i = 0; i < *count; i++) {
        (*candidates)[i].is_member = rows_bool(rows, (int) i, 1);
        (*candidates)[i].from = rows_date(rows, (int) i, 2);
        TRY(body_of(c, rows, (int) i, &(*bodies)[i]));
    }
    return ERR_OK;
}

err_t
members_clear(struct call *c, struct id programme, struct id household)
{
    return db_exec(c, &q_member_clear, P_ID(programme), P_ID(household));
}

err_t
member_put(struct call *c, struct id programme, struct id household, struct id person,
           bool in_force, date_t from)
{
    return db_exec(c, &q_member_put, P_ID(c->tenant), P_ID(programme), P_ID(person),
                   P_ID(household), P_BOOL(in_force), P_DATE(from));
}

/* --- jobs in hand --- */

err_t
job_put(struct call *c, struct id claim, struct id account, instant_t until)
{
    return db_exec(c, &q_job_put, P_ID(c->tenant), P_ID(claim), P_ID(account), P_INSTANT(until));
}

err_t
job_delete(struct call *c, struct id claim, struct id account)
{
    return db_exec(c, &q_job_delete, P_ID(claim), P_ID(account));
}

err_t
job_is_held(struct call *c, struct id claim, struct id account, bool *is)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_job_is_held, &rows, P_ID(claim), P_ID(account), P_INSTANT(c->now)));
    *is = rows_count(rows) == 1;
    return ERR_OK;
}
