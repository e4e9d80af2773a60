/* handlers.c - the steps of the contributions service, in the order of contributions.proto. */
#include "handlers.h"
