/* handlers_register.c - the register of people and households, imports into it, undertakings. */
#include "handlers.h"

/* Their steps come with the next commits; until then the rpcs say so. */
#define SOON(rpc, fn)                                                                              \
    err_t fn(struct call *c, const Identity__##rpc##Request *in, Identity__##rpc##Reply *out)      \
    {                                                                                              \
        (void) in;                                                                                 \
        (void) out;                                                                                \
        return err_set(&c->err, ERR_UNAVAILABLE, REGISTER_SOON, "the register is being built");    \
    }
SOON(RecordNda, identity_record_nda)
SOON(ListNdas, identity_list_ndas)
SOON(WriteRegisterImport, identity_write_register_import)
SOON(CheckRegisterImport, identity_check_register_import)
SOON(ImportCategoryList, identity_import_category_list)
SOON(GetRegisterImport, identity_get_register_import)
SOON(ListRegisterImports, identity_list_register_imports)
SOON(ListImportFaults, identity_list_import_faults)
SOON(ApproveRegisterImport, identity_approve_register_import)
SOON(RejectRegisterImport, identity_reject_register_import)
SOON(ListHouseholds, identity_list_households)
SOON(GetHousehold, identity_get_household)
SOON(GetPerson, identity_get_person)
SOON(FindPerson, identity_find_person)
SOON(RecordHouseholdChange, identity_record_household_change)
