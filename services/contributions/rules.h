/* rules.h - what the scheme allows.  Pure: no clock, no database, no allocation, no log. */
#ifndef HUZHU_CONTRIBUTIONS_RULES_H
#define HUZHU_CONTRIBUTIONS_RULES_H

#include "contributions.h"

#endif
