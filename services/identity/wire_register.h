/* wire_register.h - the register's messages to nouns and back, its events out. */
#ifndef HUZHU_IDENTITY_WIRE_REGISTER_H
#define HUZHU_IDENTITY_WIRE_REGISTER_H

#include "identity.pb-c.h"
#include "register.h"
#include "rules_register.h"

err_t date_from_wire(const Huzhu__Date *in, const char *path, date_t *date,
                     struct err *err) MUST_CHECK;
err_t import_piece_from_wire(const Identity__WriteRegisterImportRequest *in, struct id *import,
                             struct import_piece *piece, struct err *err) MUST_CHECK;
err_t import_to_wire(struct call *c, const struct import *import,
                     Identity__RegisterImport **out) MUST_CHECK;
err_t fault_to_wire(struct call *c, const struct row_fault *fault,
                    Identity__ImportFault **out) MUST_CHECK;
err_t fault_token_from_wire(const char *token, struct row_fault *after, struct err *err) MUST_CHECK;
err_t fault_token_to_wire(struct call *c, const struct row_fault *last, char **token) MUST_CHECK;

err_t household_to_wire(struct call *c, const struct household *household,
                        Identity__Household **out) MUST_CHECK;
/* How much of a person a caller sees. */
struct sight {
    bool clear;   /* names; else masked */
    bool numbers; /* ID number and phone too; masked but for: */
    bool whole_number, whole_phone;
    bool past; /* who has left as well */
};
err_t person_to_wire(struct call *c, const struct household *household, const struct member *member,
                     struct sight sight, Identity__Person **out) MUST_CHECK;
err_t household_view_to_wire(struct call *c, const struct household *household, struct sight sight,
                             Identity__HouseholdView **out) MUST_CHECK;
err_t nda_to_wire(struct call *c, const struct nda *nda, Identity__Nda **out) MUST_CHECK;

/* At most EVENT_HOUSEHOLDS_MAX of them, with their members. */
err_t emit_households_recorded(struct call *c, const struct household *households,
                               size_t count) MUST_CHECK;
err_t emit_import_checked(struct call *c, const struct import *import) MUST_CHECK;
err_t emit_import_decided(struct call *c, const struct import *import, bool approved) MUST_CHECK;
err_t emit_import_applied(struct call *c, const struct import *import, size_t people,
                          size_t households) MUST_CHECK;
err_t emit_nda_recorded(struct call *c, const struct nda *nda) MUST_CHECK;
err_t emit_tenant_described(struct call *c, const struct tenant *tenant,
                            const struct organisation *villages, size_t count) MUST_CHECK;

#endif
