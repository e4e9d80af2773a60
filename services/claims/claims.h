/* claims.h - the nouns of the claims service, its settings and the reasons of its refusals. */
#ifndef HUZHU_CLAIMS_H
#define HUZHU_CLAIMS_H

#include "svc/svc.h"

struct claims_conf {
#define CONF(kind, name, ...) CONF_MEMBER_##kind name;
#include "conf.def"
#undef CONF
};

#define REASON(symbol, wire, says, zh) static const char symbol[] __attribute__((unused)) = wire;
#include "reasons.def"
#undef REASON

#endif
