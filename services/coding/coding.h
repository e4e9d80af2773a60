/* coding.h - the nouns of the coding service, its settings and the reasons of its refusals. */
#ifndef HUZHU_CODING_H
#define HUZHU_CODING_H

#include "svc/svc.h"

struct coding_conf {
#define CONF(kind, name, ...) CONF_MEMBER_##kind name;
#include "conf.def"
#undef CONF
};

#define REASON(symbol, wire, says, zh) static const char symbol[] __attribute__((unused)) = wire;
#include "reasons.def"
#undef REASON

#endif
