/* contributions.h - the nouns of the contributions service, its settings and the reasons of its
 * refusals. */
#ifndef HUZHU_CONTRIBUTIONS_H
#define HUZHU_CONTRIBUTIONS_H

#include "svc/svc.h"

/* The town's office; those who only read figures and books; those who enrol and take money. */
#define OFFICE (ROLE_TOWNSHIP_OFFICER | ROLE_APPROVER | ROLE_PAYER)
#define READERS (ROLE_AUDITOR | ROLE_COUNTY_VIEWER)
#define COLLECTORS (ROLE_VILLAGE_CLERK | ROLE_TOWNSHIP_OFFICER)

struct contributions_conf {
#define CONF(kind, name, ...) CONF_MEMBER_##kind name;
#include "conf.def"
#undef CONF
};

#define REASON(symbol, wire, says, zh) static const char symbol[] __attribute__((unused)) = wire;
#include "reasons.def"
#undef REASON

#endif
