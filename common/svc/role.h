/* role.h - roles as bits; see roles.def. */
#ifndef HUZHU_ROLE_H
#define HUZHU_ROLE_H

#include <stdint.h>

typedef uint32_t role_set_t;

enum role {
#define ROLE(symbol, number, zh, says) ROLE_##symbol = (int) (UINT32_C(1) << (number)),
#include "svc/roles.def"
#undef ROLE
};

/* Everyone who can sign in. */
#define ROLE_SIGNED_IN                                                                             \
    (ROLE_MEMBER | ROLE_VILLAGE_CLERK | ROLE_TOWNSHIP_OFFICER | ROLE_APPROVER | ROLE_PAYER |       \
     ROLE_CODER | ROLE_REVIEWER | ROLE_DESIGNER | ROLE_AUDITOR | ROLE_COUNTY_VIEWER |              \
     ROLE_SYSTEM_ADMIN | ROLE_SECURITY_ADMIN | ROLE_AUDIT_ADMIN)

#endif
