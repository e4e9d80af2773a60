/* handlers.c - the steps of the disbursement service, in the order of disbursement.proto. */
#include "handlers.h"
