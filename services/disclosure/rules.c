/* rules.c - what the scheme allows.  Pure: no clock, no database, no allocation, no log. */
#include "rules.h"
