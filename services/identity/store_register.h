/* store_register.h - the register in and out of the schema identity. */
#ifndef HUZHU_IDENTITY_STORE_REGISTER_H
#define HUZHU_IDENTITY_STORE_REGISTER_H

#include "register.h"

/* Keys for the indexes of the register; got once for a request, wiped with its arena. */
struct register_keys {
    uint8_t number[32], facts[32];
};
err_t register_keys_get(struct call *c, struct register_keys *keys) MUST_CHECK;
void number_index(const struct register_keys *keys, const char *number, uint8_t out[static 32]);
/* Of all that a list can change about a person: equal facts have equal indexes. */
struct person_facts {
    const char *name, *phone;
    enum check_sex sex;
    date_t birth;
};
void facts_index(const struct register_keys *keys, const struct person_facts *facts,
                 const uint8_t number[static 32], uint8_t out[static 32]);

enum person_field { FIELD_ID_NUMBER, FIELD_NAME, FIELD_PHONE };
/* Bound to the field and to the person's number: moved elsewhere it does not open. */
err_t person_seal(struct call *c, enum person_field field, const uint8_t number[static 32],
                  const char *text, ProtobufCBinaryData *sealed) MUST_CHECK;
err_t person_unseal(struct call *c, enum person_field field, const uint8_t number[static 32],
                    const void *sealed, size_t size, const char **text) MUST_CHECK;

/* Single changes share the register, a list has it alone. */
err_t register_share(struct call *c) MUST_CHECK;
err_t register_lock(struct call *c) MUST_CHECK;

/* '{"..."}' of ids, for P_TEXT; scope NULL: nil ids are left out. */
err_t ids_text(struct call *c, const struct id *ids, size_t count, const char **text) MUST_CHECK;
err_t village_list(struct call *c, const struct id *scope, size_t scope_count,
                   struct village **villages, size_t *count) MUST_CHECK;
/* Of the caller's own scope. */
err_t villages_of_caller(struct call *c, struct village **villages, size_t *count) MUST_CHECK;

err_t household_get(struct call *c, struct id id, struct household *household) MUST_CHECK;
err_t household_lock(struct call *c, struct id id, struct household *household) MUST_CHECK;
struct household_filter {
    struct id village;    /* nil: all */
    const char *villages; /* ids_text(); NULL: all */
};
err_t household_list(struct call *c, struct page page, const struct household_filter *filter,
                     struct household **households, size_t *count) MUST_CHECK;
err_t household_changed(struct call *c, struct id by, struct id after, int64_t most,
                        struct household **households, size_t *count) MUST_CHECK;
/* Fills in the members of all of them; unseal: ID numbers and phones too, not names alone. */
err_t households_fill(struct call *c, struct household *households, size_t count,
                      bool unseal) MUST_CHECK;
err_t household_insert(struct call *c, const struct household *household, struct id by) MUST_CHECK;
err_t household_touch(struct call *c, struct id id, struct id by) MUST_CHECK;

err_t person_household(struct call *c, struct id person, struct id *household) MUST_CHECK;
err_t person_find(struct call *c, const uint8_t number[static 32], struct id *person,
                  bool *found) MUST_CHECK;
struct person_record {
    struct id id;
    enum person_id_kind id_kind;
    const char *id_number;
    struct person_facts facts;
};
err_t person_insert(struct call *c, const struct person_record *person) MUST_CHECK;
/* Another number: everything sealed is sealed anew under it. */
err_t person_renumber(struct call *c, const struct person_record *person) MUST_CHECK;
err_t person_end(struct call *c, struct id person, const date_t *died, bool is_void) MUST_CHECK;
err_t membership_open(struct call *c, struct id person, struct id *household) MUST_CHECK;
err_t membership_insert(struct call *c, struct id household, const struct member *member,
                        struct id evidence) MUST_CHECK;
err_t membership_end(struct call *c, const struct member *member, struct id evidence) MUST_CHECK;
err_t membership_head(struct call *c, int64_t membership, bool head, int relation) MUST_CHECK;

/* --- lists --- */

err_t import_insert(struct call *c, const struct import *import) MUST_CHECK;
err_t import_get(struct call *c, struct id id, struct import *import) MUST_CHECK;
err_t import_lock(struct call *c, struct id id, struct import *import) MUST_CHECK;
err_t import_list(struct call *c, struct page page, const char *state, struct id account,
                  struct import **imports, size_t *count) MUST_CHECK;
const char *import_state_name(enum import_state state);
err_t import_grow(struct call *c, const struct import *import) MUST_CHECK;
err_t import_update(struct call *c, struct import *import) MUST_CHECK;
err_t import_scope_set(struct call *c, const struct import *import, const struct village *villages,
                       size_t count) MUST_CHECK;
err_t import_villages(struct call *c, const struct import *import, struct village **villages,
                      size_t *count) MUST_CHECK;
err_t import_piece_insert(struct call *c, const struct import *import,
                          const struct import_piece *piece) MUST_CHECK;
err_t import_piece_at(struct call *c, const struct import *import, int64_t at,
                      struct import_piece *piece) MUST_CHECK;
/* The next list to work on that is none of the resting ones. */
err_t import_work(struct call *c, const struct id *resting, size_t resting_count, struct id *tenant,
                  struct id *import, bool *found) MUST_CHECK;
/* Statistics of the staged "rows", of the "steps", or of the "register". */
err_t import_analyze(struct call *c, const char *what) MUST_CHECK;
#define ANALYZE_ROWS_MIN 1000 /* fewer changes leave the plans as they were */
err_t import_fault_insert(struct call *c, struct id import,
                          const struct row_fault *fault) MUST_CHECK;
err_t import_fault_count(struct call *c, struct id import, int64_t *count) MUST_CHECK;
err_t import_heads_forget(struct call *c, struct id import) MUST_CHECK;
err_t import_fault_list(struct call *c, struct id import, const struct row_fault *after,
                        int64_t most, struct row_fault **faults, size_t *count) MUST_CHECK;

/* Rows on their way into import_row, a thousand at a time. */
#define BATCH_ROWS 1000
struct row_batch;
err_t row_batch_create(struct call *c, const struct import *import,
                       struct row_batch **batch) MUST_CHECK;
err_t row_batch_add(struct row_batch *batch, const struct register_row *row) MUST_CHECK;
err_t row_batch_add_number(struct row_batch *batch, size_t row, const char *number) MUST_CHECK;
err_t row_batch_flush(struct row_batch *batch) MUST_CHECK;

/* What the rows do, and the faults that only all rows and the register show. */
err_t import_resolve(struct call *c, const struct import *import) MUST_CHECK;
/* The switch: the statements that change the register.  Once, after import_resolve() without
 * faults, under register_lock(). */
err_t import_apply(struct call *c, const struct import *import) MUST_CHECK;
err_t import_unstage(struct call *c, struct id import) MUST_CHECK;

/* --- undertakings, standing, descriptions --- */

err_t nda_insert(struct call *c, const struct nda *nda) MUST_CHECK;
err_t nda_list(struct call *c, struct page page, struct id account, struct nda **ndas,
               size_t *count) MUST_CHECK;
/* The roles whose grants have not ended, and whether an undertaking of confidentiality holds. */
struct standing {
    role_set_t roles;
    bool nda;
};
err_t account_standing(struct call *c, struct id account, struct standing *standing) MUST_CHECK;
err_t grants_over(struct call *c, struct id **tenants, struct id **accounts, int **roles,
                  size_t *count) MUST_CHECK;
struct digest {
    struct id tenant;
    uint8_t sha256[32];
};
err_t tenants_to_describe(struct call *c, struct digest **digests, size_t *count) MUST_CHECK;
err_t described_set(struct call *c, const struct digest *digest) MUST_CHECK;
err_t village_describe(struct call *c, struct id root, struct organisation **villages,
                       size_t *count) MUST_CHECK;

#endif
