/* rules.h - what the scheme allows.  Pure: no clock, no database, no allocation, no log. */
#ifndef HUZHU_CLAIMS_RULES_H
#define HUZHU_CLAIMS_RULES_H

#include "claims.h"

#endif
