/* handlers.c - the steps of the claims service, in the order of claims.proto. */
#include "handlers.h"
