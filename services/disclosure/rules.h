/* rules.h - what the scheme allows.  Pure: no clock, no database, no allocation, no log. */
#ifndef HUZHU_DISCLOSURE_RULES_H
#define HUZHU_DISCLOSURE_RULES_H

#include "disclosure.h"

#endif
