/* consumers.c - what the disbursement service does when others tell of something. */
#include "consumers.h"
