/* rules.h - what the scheme allows.  Pure: no clock, no database, no allocation, no log. */
#ifndef HUZHU_DISBURSEMENT_RULES_H
#define HUZHU_DISBURSEMENT_RULES_H

#include "disbursement.h"

#endif
