/* rules.h - what the scheme allows.  Pure: no clock, no database, no allocation, no log. */
#ifndef HUZHU_CODING_RULES_H
#define HUZHU_CODING_RULES_H

#include "coding.h"

#endif
