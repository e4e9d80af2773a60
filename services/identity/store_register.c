/* store_register.c - persons, households and memberships in and out of the schema identity. */
#include "store_register.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "identity_queries.h"
#include "store.h"
#include "svc/columns.h"

/* --- secrets --- */

err_t
register_keys_get(struct call *c, struct register_keys *keys)
{
    TRY(call_blind_index(c, "identity.person.number", "key", 3, keys->number));
    return call_blind_index(c, "identity.person.facts", "key", 3, keys->facts);
}

void
number_index(const struct register_keys *keys, const char *number, uint8_t out[static 32])
{
    hmac_sha256(keys->number, number, strlen(number), out);
}

void
facts_index(const struct register_keys *keys, const struct person_facts *facts,
            const uint8_t number[static 32], uint8_t out[static 32])
{
    char text[PERSON_NAME_BYTES + PHONE_BYTES + 64];
    const int size = snprintf(text, sizeof text, "%s\n%s\n%d\n%d\n", facts->name, facts->phone,
                              (int) facts->sex, (int) facts->birth.days);

    assert(size > 0);
    assert((size_t) size + 32 <= sizeof text);
    memcpy(text + size, number, 32); /* two people of the same name and day differ */
    hmac_sha256(keys->facts, text, (size_t) size + 32, out);
    explicit_bzero(text, sizeof text);
}

enum { FIELD_CONTEXT_BYTES = 96 };

static void
context_of(enum person_field field, const uint8_t number[static 32],
           char text[static FIELD_CONTEXT_BYTES])
{
    static const char *const names[] = { "id_number", "name", "phone" };
    static const char digits[] = "0123456789abcdef";
    size_t n =
        (size_t) snprintf(text, FIELD_CONTEXT_BYTES, "identity.person.%s/", names[(int) field]);

    for (size_t i = 0; i < 16; i++) { /* 128 bits tell all persons apart */
        text[n++] = digits[number[i] >> 4];
        text[n++] = digits[number[i] & 15];
    }
    text[n] = '\0';
}

err_t
person_seal(struct call *c, enum person_field field, const uint8_t number[static 32],
            const char *text, ProtobufCBinaryData *sealed)
{
    char context[FIELD_CONTEXT_BYTES];

    context_of(field, number, context);
    return call_seal(c, context, text, strlen(text), sealed);
}

err_t
person_unseal(struct call *c, enum person_field field, const uint8_t number[static 32],
              const void *sealed, size_t size, const char **text)
{
    char context[FIELD_CONTEXT_BYTES];
    ProtobufCBinaryData plain;

    context_of(field, number, context);
    TRY(call_unseal(c, context, sealed, size, &plain));
    *text = (const char *) plain.data; /* the arena is zeroed, and has room for the NUL */
    return ERR_OK;
}

/* --- locks and villages --- */

static err_t
lock_by(struct call *c, const struct stmt *stmt)
{
    OWNED(rows_free) struct rows *rows = NULL;
    char tenant[ID_TEXT_BYTES];

    id_format(c->tenant, tenant);
    return db_query(c, stmt, &rows, P_TEXT(tenant));
}

err_t
register_share(struct call *c)
{
    return lock_by(c, &q_register_share);
}

err_t
register_lock(struct call *c)
{
    return lock_by(c, &q_register_lock);
}

err_t
ids_text(struct call *c, const struct id *ids, size_t count, const char **out)
{
    char *text = arena_alloc(c->arena, count * ID_TEXT_BYTES + 3);
    size_t used = 0;

    if (!text)
        return no_memory(c);
    text[used++] = '{';
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            text[used++] = ',';
        id_format(ids[i], text + used);
        used += ID_TEXT_BYTES - 1;
    }
    text[used] = '}';
    text[used + 1] = '\0';
    *out = text;
    return ERR_OK;
}

err_t
village_list(struct call *c, const struct id *scope, size_t scope_count, struct village **villages,
             size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;
    const char *text = NULL;

    TRY(ids_text(c, scope, scope_count, &text));
    TRY(db_query(c, &q_village_list, &rows, P_ID(c->tenant), P_TEXT(text)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, villages);
    for (size_t i = 0; i < *count; i++) {
        struct village *village = &(*villages)[i];
        village->id = rows_id(rows, (int) i, 0);
        (void) snprintf(village->code, sizeof village->code, "%s", rows_text(rows, (int) i, 1));
        village->covered = rows_bool(rows, (int) i, 2);
    }
    return ERR_OK;
}

err_t
villages_of_caller(struct call *c, struct village **villages, size_t *count)
{
    TRY(village_list(c, c->organisations, c->organisation_count, villages, count));
    for (size_t i = 0; i < *count; i++)
        (*villages)[i].covered |= c->whole_tenant;
    return ERR_OK;
}

/* --- households --- */

static err_t
household_read(struct call *c, const struct rows *rows, int row, struct household *household)
{
    *household = (struct household){ .id = rows_id(rows, row, 0),
                                     .village = rows_id(rows, row, 1),
                                     .number = call_text(c, rows_text(rows, row, 2)),
                                     .version = rows_int(rows, row, 3) };
    return household->number ? ERR_OK : c->err.code;
}

static err_t
household_by_id(struct call *c, const struct stmt *stmt, struct id id, struct household *household)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, stmt, &rows, P_ID(id)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, HOUSEHOLD_NONE, "no such household");
    return household_read(c, rows, 0, household);
}

err_t
household_get(struct call *c, struct id id, struct household *household)
{
    return household_by_id(c, &q_household_get, id, household);
}

err_t
household_lock(struct call *c, struct id id, struct household *household)
{
    return household_by_id(c, &q_household_lock, id, household);
}

static err_t
households_read(struct call *c, const struct rows *rows, struct household **households,
                size_t *count)
{
    *count = (size_t) rows_count(rows);
    LIST(c, *count, households);
    for (size_t i = 0; i < *count; i++)
        TRY(household_read(c, rows, (int) i, &(*households)[i]));
    return ERR_OK;
}

err_t
household_list(struct call *c, struct page page, const struct household_filter *filter,
               struct household **households, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_household_list, &rows, P_ID(page.after), P_INT(page.rows),
                 P_ID_OR_NULL(filter->village), P_TEXT(filter->villages)));
    return households_read(c, rows, households, count);
}

err_t
household_changed(struct call *c, struct id by, struct id after, int64_t most,
                  struct household **households, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_household_changed, &rows, P_ID(by), P_ID(after), P_INT(most)));
    return households_read(c, rows, households, count);
}

/* "3:19723:,1:18000:19000" */
static err_t
categories_read(struct call *c, const char *text, struct member *member)
{
    LIST(c, CATEGORY_SPANS_MAX, &member->categories);
    while (text && *text && member->category_count < CATEGORY_SPANS_MAX) {
        struct category_span *span = &member->categories[member->category_count++];
        char *end = NULL;
        span->category = (int) strtol(text, &end, 10);
        assert(*end == ':'); /* the statement wrote it */
        span->from.days = (int32_t) strtol(end + 1, &end, 10);
        assert(*end == ':');
        span->ended = end[1] != '\0' && end[1] != ',';
        span->until.days = span->ended ? (int32_t) strtol(end + 1, &end, 10) : 0;
        text = span->ended ? end : end + 1;
        text += *text == ',';
    }
    return ERR_OK;
}

static err_t
field_read(struct call *c, const struct rows *rows, int row, int column, enum person_field field,
           const struct member *member, const char **text)
{
    size_t size = 0;
    const void *sealed = rows_bytes(rows, row, column, &size);

    *text = "";
    return sealed ? person_unseal(c, field, member->id_index, sealed, size, text) : ERR_OK;
}

static err_t
member_read(struct call *c, const struct rows *rows, int row, bool unseal, struct member *member)
{
    size_t size = 0;

    *member = (struct member){
        .membership = rows_int(rows, row, 1),
        .person = rows_id(rows, row, 2),
        .head = rows_bool(rows, row, 3),
        .relation = (int) rows_int(rows, row, 4),
        .grounds = (int) rows_int(rows, row, 5),
        .entry = (enum person_entry) rows_int(rows, row, 6),
        .from = rows_date(rows, row, 7),
        .leaving = rows_is_null(rows, row, 8) ? LEAVING_NONE
                                              : (enum person_leaving) rows_int(rows, row, 8),
        .until = date_or_none(rows, row, 9),
        .ended = !rows_is_null(rows, row, 9),
        .sex = (enum check_sex) rows_int(rows, row, 10),
        .birth = rows_date(rows, row, 11),
        .id_kind = (enum person_id_kind) rows_int(rows, row, 12),
        .replace_by = date_or_none(rows, row, 13),
        .provisional = !rows_is_null(rows, row, 13),
        .died_on = date_or_none(rows, row, 14),
        .dead = !rows_is_null(rows, row, 14),
        .id_number = "",
        .phone = "",
    };
    const void *index = rows_bytes(rows, row, 15, &size);
    assert(size == sizeof member->id_index); /* a CHECK holds it */
    memcpy(member->id_index, index, size);
    TRY(field_read(c, rows, row, 16, FIELD_NAME, member, &member->name));
    if (unseal) {
        TRY(field_read(c, rows, row, 17, FIELD_ID_NUMBER, member, &member->id_number));
        TRY(field_read(c, rows, row, 18, FIELD_PHONE, member, &member->phone));
    }
    return categories_read(c, rows_text(rows, row, 19), member);
}

err_t
households_fill(struct call *c, struct household *households, size_t count, bool unseal)
{
    OWNED(rows_free) struct rows *rows = NULL;
    const char *text = NULL;
    struct id *ids = NULL;
    struct member *members = NULL;

    LIST(c, count, &ids);
    for (size_t i = 0; i < count; i++)
        ids[i] = households[i].id;
    TRY(ids_text(c, ids, count, &text));
    TRY(db_query(c, &q_member_list, &rows, P_TEXT(text)));
    LIST(c, (size_t) rows_count(rows), &members);
    /* Both are in the order of the households' ids. */
    for (size_t i = 0, row = 0; i < count; i++) {
        households[i].members = &members[row];
        for (; row < (size_t) rows_count(rows) &&
               id_cmp(rows_id(rows, (int) row, 0), households[i].id) == 0;
             row++) {
            TRY(member_read(c, rows, (int) row, unseal, &members[row]));
            households[i].member_count++;
        }
    }
    return ERR_OK;
}

err_t
household_insert(struct call *c, const struct household *household, struct id by)
{
    return db_exec(c, &q_household_insert, P_ID(c->tenant), P_ID(household->id),
                   P_ID(household->village), P_TEXT(household->number), P_INSTANT(c->now),
                   P_ID(by));
}

err_t
household_touch(struct call *c, struct id id, struct id by)
{
    return db_exec(c, &q_household_touch, P_ID(id), P_ID(by));
}

/* --- persons --- */

err_t
person_household(struct call *c, struct id person, struct id *household)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_person_household, &rows, P_ID(person)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, PERSON_NONE, "no such person");
    *household = rows_id(rows, 0, 0);
    return ERR_OK;
}

err_t
person_find(struct call *c, const uint8_t number[static 32], struct id *person, bool *found)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_person_by_number, &rows, P_BYTES(number, 32)));
    *found = rows_count(rows) == 1;
    if (*found)
        *person = rows_id(rows, 0, 0);
    return ERR_OK;
}

struct sealed_person {
    uint8_t number[32], facts[32];
    ProtobufCBinaryData id_number, name, phone;
};

static err_t
seal_person(struct call *c, const struct person_record *person, struct sealed_person *sealed)
{
    struct register_keys keys;

    *sealed = (struct sealed_person){ .phone = { 0, NULL } };
    TRY(register_keys_get(c, &keys));
    number_index(&keys, person->id_number, sealed->number);
    facts_index(&keys, &person->facts, sealed->number, sealed->facts);
    TRY(person_seal(c, FIELD_ID_NUMBER, sealed->number, person->id_number, &sealed->id_number));
    TRY(person_seal(c, FIELD_NAME, sealed->number, person->facts.name, &sealed->name));
    if (person->facts.phone[0])
        TRY(person_seal(c, FIELD_PHONE, sealed->number, person->facts.phone, &sealed->phone));
    return ERR_OK;
}

static struct param
p_sealed(const ProtobufCBinaryData *sealed)
{
    return sealed->data ? P_BYTES(sealed->data, sealed->len) : P_NULL;
}

static struct param
p_replace_by(const struct person_record *person)
{
    const date_t by = { person->facts.birth.days + CERTIFICATE_DAYS };

    return person->id_kind == PERSON_ID_BIRTH_CERTIFICATE ? P_DATE(by) : P_NULL;
}

err_t
person_insert(struct call *c, const struct person_record *person)
{
    struct sealed_person sealed;

    TRY(seal_person(c, person, &sealed));
    return db_exec(c, &q_person_insert, P_ID(c->tenant), P_ID(person->id),
                   P_INT4((int) person->id_kind), P_BYTES(sealed.number, 32),
                   P_BYTES(sealed.facts, 32), p_sealed(&sealed.id_number), p_sealed(&sealed.name),
                   p_sealed(&sealed.phone), P_INT4((int) person->facts.sex),
                   P_DATE(person->facts.birth), p_replace_by(person), P_INSTANT(c->now));
}

err_t
person_renumber(struct call *c, const struct person_record *person)
{
    struct sealed_person sealed;

    TRY(seal_person(c, person, &sealed));
    return db_exec(c, &q_person_renumber, P_ID(person->id), P_INT4((int) person->id_kind),
                   P_BYTES(sealed.number, 32), P_BYTES(sealed.facts, 32),
                   p_sealed(&sealed.id_number), p_sealed(&sealed.name), p_sealed(&sealed.phone),
                   p_replace_by(person));
}

err_t
person_end(struct call *c, struct id person, const date_t *died, bool is_void)
{
    return db_exec(c, &q_person_end, P_ID(person), died ? P_DATE(*died) : P_NULL, P_BOOL(is_void));
}

err_t
membership_open(struct call *c, struct id person, struct id *household)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_membership_open, &rows, P_ID(person)));
    *household = rows_count(rows) ? rows_id(rows, 0, 0) : (struct id){ { 0 } };
    return ERR_OK;
}

err_t
membership_insert(struct call *c, struct id household, const struct member *member,
                  struct id evidence)
{
    return db_exec(c, &q_membership_insert, P_ID(c->tenant), P_ID(household), P_ID(member->person),
                   P_BOOL(member->head), P_INT4(member->relation), P_INT4(member->grounds),
                   P_INT4((int) member->entry), P_DATE(member->from), P_ID_OR_NULL(evidence));
}

err_t
membership_end(struct call *c, const struct member *member, struct id evidence)
{
    return db_exec(c, &q_membership_end, P_INT(member->membership), P_INT4((int) member->leaving),
                   P_DATE(member->until), P_ID_OR_NULL(evidence));
}

err_t
membership_head(struct call *c, int64_t membership, bool head, int relation)
{
    return db_exec(c, &q_membership_head, P_INT(membership), P_BOOL(head), P_INT4(relation));
}

/* --- undertakings, standing, descriptions --- */

err_t
nda_insert(struct call *c, const struct nda *nda)
{
    return db_exec(c, &q_nda_insert, P_ID(c->tenant), P_ID(nda->id), P_ID(nda->account),
                   P_DATE(nda->signed_on), P_DATE(nda->expires_on), P_ID_OR_NULL(nda->upload),
                   P_ID(nda->recorded_by), P_INSTANT(nda->recorded_at));
}

err_t
nda_list(struct call *c, struct page page, struct id account, struct nda **ndas, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_nda_list, &rows, P_ID(page.after), P_INT(page.rows), P_ID(account)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, ndas);
    for (int i = 0; i < rows_count(rows); i++)
        (*ndas)[i] = (struct nda){ .id = rows_id(rows, i, 0),
                                   .account = rows_id(rows, i, 1),
                                   .signed_on = rows_date(rows, i, 2),
                                   .expires_on = rows_date(rows, i, 3),
                                   .upload = rows_id(rows, i, 4),
                                   .recorded_by = rows_id(rows, i, 5),
                                   .recorded_at = rows_instant(rows, i, 6) };
    return ERR_OK;
}

err_t
account_standing(struct call *c, struct id account, struct standing *standing)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_account_standing, &rows, P_ID(account), P_INSTANT(c->wall),
                 P_DATE(date_of(c->now))));
    *standing = (struct standing){ .roles = (role_set_t) rows_int(rows, 0, 0),
                                   .nda = rows_bool(rows, 0, 1) };
    return ERR_OK;
}

err_t
grants_over(struct call *c, struct id **tenants, struct id **accounts, int **roles, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_grants_over, &rows, P_INSTANT(c->wall)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, tenants);
    LIST(c, *count, accounts);
    LIST(c, *count, roles);
    for (size_t i = 0; i < *count; i++) {
        (*tenants)[i] = rows_id(rows, (int) i, 0);
        (*accounts)[i] = rows_id(rows, (int) i, 1);
        (*roles)[i] = (int) rows_int(rows, (int) i, 2);
    }
    return ERR_OK;
}

err_t
tenants_to_describe(struct call *c, struct digest **digests, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;
    size_t size = 0;

    TRY(db_query0(c, &q_tenants_to_describe, &rows));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, digests);
    for (size_t i = 0; i < *count; i++) {
        (*digests)[i].tenant = rows_id(rows, (int) i, 0);
        const void *sum = rows_bytes(rows, (int) i, 1, &size);
        assert(size == 32); /* a SHA-256 */
        memcpy((*digests)[i].sha256, sum, 32);
    }
    return ERR_OK;
}

err_t
described_set(struct call *c, const struct digest *digest)
{
    return db_exec(c, &q_described_set, P_ID(digest->tenant), P_BYTES(digest->sha256, 32));
}

err_t
village_describe(struct call *c, struct id root, struct organisation **villages, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_village_describe, &rows, P_ID(root)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, villages);
    for (size_t i = 0; i < *count; i++) {
        (*villages)[i] = (struct organisation){
            .id = rows_id(rows, (int) i, 0),
            .division_code = call_text(c, rows_text(rows, (int) i, 1)),
            .name = call_text(c, rows_text(rows, (int) i, 2)),
        };
        if (!(*villages)[i].division_code || !(*villages)[i].name)
            return c->err.code;
    }
    return ERR_OK;
}
