/* disclosure.h - the nouns of the disclosure service, its settings and the reasons of its refusals.
 */
#ifndef HUZHU_DISCLOSURE_H
#define HUZHU_DISCLOSURE_H

#include "svc/svc.h"

struct disclosure_conf {
#define CONF(kind, name, ...) CONF_MEMBER_##kind name;
#include "conf.def"
#undef CONF
};

#define REASON(symbol, wire, says, zh) static const char symbol[] __attribute__((unused)) = wire;
#include "reasons.def"
#undef REASON

#endif
